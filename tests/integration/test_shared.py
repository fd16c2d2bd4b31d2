"""Several builds at once on one engine: each is told of its own steps, whoever's run they share."""
import json
import os

import depot_test
from depot_test import TestCase, tool, unique

LAST = "RUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo %s; for i in 1 2 3 4; do /bin/busybox sleep 0.5; echo line $i; done\"]"
DOCKERFILE = """FROM scratch AS base
COPY bin/ /bin/
FROM base AS left
COPY in.txt /left
FROM base AS right
COPY in.txt /right
FROM base
COPY --from=left /left /left
COPY --from=right /right /right
%s
"""


class Events:
    """What a build's recording says of its steps."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.events = [json.loads(line) for line in f]
        self.vertexes, self.announced = {}, {}
        for event in self.events:
            for v in event.get("status", {}).get("vertexes", []):
                if "started" not in v:
                    self.announced.setdefault(v["digest"], v)
                self.vertexes.setdefault(v["digest"], {}).update(v)

    def steps(self):
        return {v["name"]: v for v in self.vertexes.values() if v["name"].startswith("[") and "[internal]" not in v["name"]}

    def logs(self, name):
        digest = self.steps()[name]["digest"]
        return sum(len(event.get("status", {}).get("logs", [])) and
                   sum(1 for log in event["status"]["logs"] if log["vertex"] == digest) for event in self.events)


class Shared(TestCase):
    def record(self, context, project, *args):
        """A build that runs, and where its feed is written."""
        path = os.path.join(self.tmp(), "feed")
        return self.home.start("build", "--plain", "--platform", "linux/amd64", "--project", project, "--record", path,
                               *args, context), path

    def test_one_failure_for_two_builds(self):
        context = self.context(DOCKERFILE % (LAST % unique()).replace("done", "done; exit 3"), {"in.txt": unique()})
        first, a = self.record(context, "shop")
        first.await_text("line 1")
        second, b = self.record(context, "shop")
        for running, path in ((first, a), (second, b)):
            self.bad(running.wait(), 1, "exit code: 3")
            events = Events(path)
            (error,) = [e["error"] for e in events.events if e["type"] == "build.result"]
            self.assertIn("error", events.vertexes[error["vertex"]], "of a step that was told of")

    def test_one_run_for_two_projects(self):
        word = unique()
        context = self.context(DOCKERFILE % LAST % word, {"in.txt": unique()})
        first, a = self.record(context, "shop")
        first.await_text("line 1")
        second, b = self.record(context, "secret")
        for running in (first, second):
            self.good(running.wait())
        one, two = Events(a), Events(b)
        self.assertEqual(set(one.steps()), set(two.steps()))
        self.assertEqual(len(two.steps()), 6, sorted(two.steps()))
        (last,) = [n for n in two.steps() if word in n]
        self.assertNotIn("shared", one.steps()[last])
        self.assertEqual(two.steps()[last].get("shared"), one.events[0]["build"])
        self.assertNotEqual(one.steps()[last]["digest"], two.steps()[last]["digest"])
        self.assertGreater(two.logs(last), 0)
        # Every step is one of those that were known before any ran.
        for events in (one, two):
            self.assertLessEqual({v["digest"] for v in events.steps().values()}, set(events.announced))
        out = self.good(self.home.depot("logs", two.events[0]["build"])).stdout
        self.assertIn("line 4", out)

    def test_a_strangers_run(self):
        word = unique()
        context = self.context(DOCKERFILE % LAST % word, {"in.txt": unique()})
        stranger = depot_test.Running(
            [tool("buildctl"), "--addr", os.environ["DEPOT_TEST_AMD64"], "build", "--frontend", "dockerfile.v0",
             "--local", "context=" + context, "--local", "dockerfile=" + context, "--progress", "plain"], os.environ)
        stranger.await_text("line 1")
        ours, path = self.record(context, "shop")
        self.good(ours.wait())
        stranger.wait()
        events = Events(path)
        (last,) = [n for n in events.steps() if word in n]
        self.assertEqual(events.steps()[last].get("shared"), "")
        self.assertEqual(len(events.steps()), 6, sorted(events.steps()))

    def test_the_graph_is_whole_from_the_first_frame(self):
        context = self.context(DOCKERFILE % LAST % unique(), {"in.txt": unique()})
        running, path = self.record(context, "shop")
        self.good(running.wait())
        events = Events(path).events
        first = next(e for e in events if any("[base " in v["name"] for v in e.get("status", {}).get("vertexes", [])))
        names = [v["name"] for v in first["status"]["vertexes"]]
        self.assertEqual(len([n for n in names if "[internal]" not in n]), 6, names)
        self.assertFalse([v for v in first["status"]["vertexes"] if "started" in v])


if __name__ == "__main__":
    depot_test.main()
