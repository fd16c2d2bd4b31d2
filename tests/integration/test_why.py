"""Why steps missed the cache: real builds with one thing changed in between."""
import json
import os
import re

import depot_test
from depot_test import TestCase, own_engine, unique
from pty_driver import Pty

depot_test.need("DEPOT_TEST_AMD64")

# Four stages of what can change: a setting, an argument, files, a file that is mounted.
TEXT = """ENV MODE=one
RUN echo %s prepare
FROM base AS lib
ARG VERSION=1
COPY lock.json ./
RUN echo $VERSION > /lib; echo install
FROM lib
COPY src/ /src/
RUN --mount=type=bind,source=conf,target=/conf cat /conf/a > /made; echo make
RUN echo last
"""
FILES = {"lock.json": "1", "src/a.txt": "a", "src/b.txt": "b", "conf/a": "x"}


class Why(TestCase):
    builders = ("amd64",)

    def setUp(self):
        self.text = TEXT % unique()
        self.dir = self.context(self.text, FILES)
        self.project = "why-" + unique()[:8]

    def make(self, *args, fails=False, home=None):
        r = (home or self.home).depot("build", "--project", self.project, *args, self.dir)
        self.bad(r, 1) if fails else self.good(r)
        return (home or self.home).builds()[0]["id"]

    def change(self, name, data):
        self.write(os.path.join(self.dir, name), data)

    def dockerfile(self, old, new):
        self.assertIn(old, self.text)
        self.text = self.text.replace(old, new)
        self.change("Dockerfile", depot_test.BASE + self.text)

    def why(self, build, *args, home=None):
        answer = json.loads(self.good((home or self.home).depot("why", "--json", build, *args)).stdout)
        return answer["causes"], answer.get("against")

    def only(self, build, reason, text, evidence, certain=True, **kw):
        causes, against = self.why(build, **kw)
        self.assertEqual([(c["reason"], c["step"]["text"]) for c in causes], [(reason, text)], causes)
        self.assertEqual([e["sign"] + e["text"] for e in causes[0]["evidence"]], evidence)
        self.assertEqual(causes[0]["certain"], certain)
        return causes[0], against

    def test_files(self):
        first = self.make()
        causes, against = self.why(first)
        self.assertIsNone(against)
        self.change("lock.json", "22")
        cause, against = self.only(self.make(), "files", "COPY lock.json ./", ["~lock.json"])
        self.assertEqual(against, first)
        self.assertEqual([s["text"].split()[0] for s in cause["steps"]], ["COPY", "RUN", "COPY", "RUN", "RUN"])
        self.change("src/a.txt", "other")
        self.only(self.make(), "files", "COPY src/ /src/", ["~src/a.txt"])
        self.change("conf/a", "other")
        self.only(self.make(), "files", "RUN --mount=type=bind,source=conf,target=/conf cat /conf/a > /made; echo make",
                  ["~conf/a"])
        self.assertEqual(self.why(self.make())[0], [])

    def test_a_file_that_is_gone(self):
        self.make()
        os.unlink(os.path.join(self.dir, "src", "b.txt"))
        cause, _ = self.only(self.make(), "files", "COPY src/ /src/", [" the context has 4 files, and had 5"], certain=False)

    def test_what_the_dockerfile_says(self):
        self.make()
        self.dockerfile("echo last", "echo the last")
        self.only(self.make(), "instruction", "RUN echo the last", ["-RUN echo last", "+RUN echo the last"])
        self.dockerfile("FROM lib\n", "FROM lib\nENV LATE=1\n")
        causes, _ = self.why(self.make())
        self.assertIn(causes[0]["reason"], ("setting",), causes)
        self.assertIn({"sign": "+", "text": "ENV LATE=1"}, causes[0]["evidence"])
        self.dockerfile("RUN echo the last\n", "RUN echo between\nRUN echo the last\n")
        self.only(self.make(), "new", "RUN echo between", ["+RUN echo between"])

    def test_arguments_are_named_and_not_shown(self):
        self.make("--build-arg", "VERSION=hush1", "--build-arg", "HTTP_PROXY=")
        build = self.make("--build-arg", "VERSION=hush2")
        # The engine shows the value in the step's name; of our own accord nothing does.
        self.only(build, "argument", "RUN echo hush2 > /lib; echo install",
                  ["~VERSION", "-RUN echo hush1 > /lib; echo install", "+RUN echo hush2 > /lib; echo install"],
                  certain=False)
        record = os.path.join(self.tmp(), "record.ndjson")
        self.make("--build-arg", "VERSION=hush3", "--record", record)
        events = [json.loads(line) for line in self.read(record).splitlines()]
        definition = [e for e in events if e["type"] == "build.definition"][0]
        self.assertEqual(list(definition["args"]), ["VERSION"])
        self.assertNotIn("hush", json.dumps(definition))

    def test_no_cache(self):
        self.make()
        causes, _ = self.why(self.make("--no-cache"))
        self.assertEqual({c["reason"] for c in causes}, {"no-cache"})
        causes, _ = self.why(self.make("--no-cache-filter", "lib"))
        self.assertEqual({c["reason"] for c in causes}, {"no-cache"})
        self.assertEqual({c["step"]["stage"] for c in causes}, {"lib"})

    def test_a_first_build_is_said_to_be_one(self):
        """Whatever other projects left in the cache; files that were sent have not changed."""
        self.good(self.home.depot("build", "--project", self.project + "-other", self.context("")))
        first = self.make()
        text = self.good(self.home.depot("why", first)).stdout
        self.assertRegex(text, r"\A%s, the first build of %s: \d+ of \d+ steps were in the cache\n" % (first, self.project))
        self.assertNotIn("changed", text)
        answer = json.loads(self.good(self.home.depot("why", "--json", first)).stdout)
        self.assertTrue(answer["first"])
        self.assertEqual({c["reason"] for c in answer["causes"]}, {"first"})
        other = self.make("--target", "lib")
        text = self.good(self.home.depot("why", other)).stdout
        self.assertIn(", the first build of %s with this target and these platforms: " % self.project, text)
        again = self.good(self.home.depot("why", self.make())).stdout
        self.assertNotIn("first build", again)

    def test_a_stage_whose_cache_is_off_is_named(self):
        self.make()
        for word in ("lib", "LIB"):
            text = self.good(self.home.depot("why", self.make("--no-cache-filter", word))).stdout
            self.assertIn("\n  the cache was switched off\n      --no-cache-filter %s\n" % word, text)
            ran, of = re.search(r"(\d+) of (\d+) steps after it\)", text).groups()
            self.assertIn("  %s steps ran because of it: " % ran, text)
            self.assertLessEqual(int(ran), int(of))
        text = self.good(self.home.depot("why", self.make("--no-cache"))).stdout
        self.assertNotIn("--no-cache-filter lib", text)

    def test_an_earlier_build_that_failed(self):
        self.change("conf/a", "")
        self.dockerfile("echo make", "test -s /made")
        self.make(fails=True)
        self.change("conf/a", "full")
        causes, _ = self.why(self.make())
        self.assertEqual([c["reason"] for c in causes], ["files"], causes)

    def test_a_cache_that_was_emptied(self):
        home = self.new_home(builders=())
        with own_engine(home) as engine:
            home.configure([("own", engine.address)])
            self.make(home=home)
            self.good(home.depot("prune", "--force", "--all"))
            causes, _ = self.why(self.make(home=home), home=home)
            self.assertEqual({c["reason"] for c in causes}, {"unknown"}, causes)
            self.assertIn("the builder had no copy of the files", causes[0]["evidence"][0]["text"])

    def test_in_the_dashboard_of_ones_own_build(self):
        before = self.make()
        self.change("src/a.txt", "other")
        self.dockerfile("echo last", "/bin/busybox sleep 5; echo last")
        with Pty([depot_test.DEPOT, "build", "--tui", "--project", self.project, self.dir], self.home.env, 40, 120) as p:
            p.expect(lambda s: s.modes["alternate"] and "sleep 5" in s.text)
            p.send("x")
            p.expect(lambda s: "compared with " + before in s.text and "src/a.txt" in s.text)
            p.send("b")
            p.expect(lambda s: "echo last" in s.text and "sleep 5" not in s.text and before in s.text)
            self.assertEqual(p.wait(), 0)
            self.assertEqual(p.left_behind(), [])

    def test_as_text_and_from_recordings(self):
        one, two = (os.path.join(self.tmp(), n) for n in ("one.ndjson", "two.ndjson"))
        self.make("--record", one)
        self.change("lock.json", "22")
        self.make("--record", two)
        text = self.good(self.home.depot("why", "--replay", two, "--against", one)).stdout
        self.assertIn("COPY lock.json ./\n  copied files changed\n    ~ lock.json\n", text)
        self.assertIn("4 steps ran because of it: ", text)
        self.assertNotIn("\x1b", text)
        env = {"DEPOT_PROJECT_ID": self.project}
        for args in ((), ("^0", "--against", "^1")):
            self.assertEqual(self.good(self.home.depot("why", *args, env=env)).stdout, text)
        self.bad(self.home.depot("why", "--replay"), 2, "--replay needs a recording")
        self.bad(self.home.depot("why", "nobody"), 1, "there is no build nobody")
        self.bad(self.home.depot("why", "--replay", "/nowhere"), 1, "cannot read /nowhere")


if __name__ == "__main__":
    depot_test.main()
