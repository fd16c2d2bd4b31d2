"""A daemon reads a busy engine by the clock: what it says of a build keeps its order and is all there, over every kind of connection."""
import base64
import collections
import json
import signal

import depot_test
from depot_test import Certificates, TestCase, eventually, unique

MANY = 300  # pieces of logs, of which some must meet within 20 ms
STAGES, LINES = 3, 1500  # well below an engine's own limits of a step's log


def words(stage, i):
    return "stage %d line %d" % (stage, i)


def noisy(last):
    """Stages that talk at once; the Dockerfile ends in `last`."""
    text = "".join('FROM base AS s%d\nRUN echo %s > /f; i=0; while [ $i -lt %d ]; do echo "stage %d line $i"; i=$((i+1)); done\n' % (
        s, unique(), LINES, s) for s in range(STAGES))
    return text + "FROM base\n" + "".join("COPY --from=s%d /f /f%d\n" % (s, s) for s in range(STAGES)) + last


def instant(text):
    """A time as events have it, which leave zeros at the end out, so that it sorts as text."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return whole + "." + fraction.ljust(9, "0")


class Progress:
    """What status events say, by step."""

    def __init__(self, statuses):
        self.names, self.errors = {}, {}
        self.logs = collections.defaultdict(list)  # digest: (event, time, bytes)
        self.error_at = {}
        self.per_event = []
        for n, st in enumerate(statuses):
            for v in st.get("vertexes", []):
                self.names[v["digest"]] = v["name"]
                if v.get("error"):
                    self.errors[v["digest"]] = v["error"]
                    self.error_at.setdefault(v["digest"], n)
            for log in st.get("logs", []):
                self.logs[log["vertex"]].append((n, instant(log["timestamp"]), base64.b64decode(log["data"])))
            self.per_event.append(len(st.get("logs", [])))

    def text(self, digest):
        return b"".join(data for _, _, data in self.logs[digest]).decode()

    def step(self, part):
        """The digest of the step whose command has `part`."""
        found = [d for d, name in self.names.items() if part in name]
        assert len(found) == 1, (part, self.names)
        return found[0]


class Plain(TestCase):
    """Over a unix socket; the other transports derive from this."""
    network = ()

    def depot(self, *args):
        return self.home.depot("build", *self.network, *args)

    def events(self, build):
        status, text = self.home.api("/v1/builds/%s/events" % build)
        self.assertEqual(status, 200, text)
        return [json.loads(line) for line in text.splitlines()]

    def last_build(self):
        return self.home.builds()[0]["id"]

    def progress(self, events):
        return Progress([e["status"] for e in events if e["type"] == "build.status"])

    def all_lines(self, p):
        for s in range(STAGES):
            digest = p.step('echo "stage %d ' % s)
            self.assertEqual(p.text(digest), "".join(words(s, i) + "\n" for i in range(LINES)))
            times = [t for _, t, _ in p.logs[digest]]
            self.assertEqual(times, sorted(times))

    def test_nothing_of_a_noisy_build_is_lost(self):
        r = self.good(self.depot("--plain", self.context(noisy(""))))
        events = self.events(self.last_build())
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        self.assertEqual([e["type"] for e in events[-2:]], ["build.result", "build.finished"])
        p = self.progress(events)
        self.all_lines(p)
        if sum(p.per_event) > MANY:  # an engine that was slow has put them together by itself
            self.assertGreater(max(p.per_event), 1, "no event tells more than one piece of a log")
        for s in range(STAGES):
            shown = [line.split(" ", 2)[2] for line in r.text.splitlines() if " stage %d line" % s in line and "echo" not in line]
            self.assertEqual(shown, [words(s, i) for i in range(LINES)])

    def test_rawjson_has_all_of_it(self):
        r = self.good(self.depot("--progress=rawjson", self.context(noisy(""))))
        self.all_lines(Progress([json.loads(line) for line in r.text.splitlines() if line.startswith("{")]))

    def test_the_last_words_of_a_step_stand_before_its_error(self):
        fails = 'RUN i=0; while [ $i -lt %d ]; do echo "said $i"; i=$((i+1)); done; echo last words; exit 7 # %s\n' % (LINES, unique())
        r = self.bad(self.depot("--plain", self.context(noisy(fails))), 1, "exit code: 7")
        self.assertRegex(r.text, r"(?s)last words\n.*ERROR")
        events = self.events(self.last_build())
        p = self.progress(events)
        digest = p.step("exit 7")
        self.assertEqual(p.text(digest), "".join("said %d\n" % i for i in range(LINES)) + "last words\n")
        self.assertLessEqual(p.logs[digest][-1][0], p.error_at[digest])
        self.assertEqual([e["type"] for e in events[-2:]], ["build.result", "build.finished"])
        self.assertEqual(events[-1]["state"], "failed")

    def test_a_cancel_in_the_midst_of_it(self):
        forever = 'RUN i=0; while true; do echo "said $i"; i=$((i+1)); [ $((i %% 100)) -gt 0 ] || sleep 0.02; done # %s\n' % unique()
        j = self.home.start("build", "--plain", *self.network, self.context(forever))
        j.await_text("said 300")
        j.signal(signal.SIGINT)
        r = j.wait()
        self.assertNotEqual(r.code, 0)
        build = self.last_build()
        self.assertTrue(eventually(lambda: self.home.builds()[0]["state"] == "cancelled"), self.home.builds()[0])
        p = self.progress(self.events(build))
        said = p.text(p.step("said $i")).splitlines()
        self.assertGreater(len(said), 300)
        self.assertEqual(said, ["said %d" % i for i in range(len(said))])

    def test_a_quiet_build_is_told_line_by_line(self):
        self.good(self.depot("--plain", self.context("RUN for i in 1 2 3 4 5 6; do echo line $i; sleep 0.3; done # %s\n" % unique())))
        p = self.progress(self.events(self.last_build()))
        self.assertLessEqual(len([n for n in p.per_event if n > 1]), 1, p.per_event)  # a machine may stall once
        self.assertEqual(p.text(p.step("line $i")), "".join("line %d\n" % i for i in range(1, 7)))


class Tcp(Plain):
    """Over TCP, with or without TLS, to an engine of our own."""
    tls = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        port = depot_test.free_port()
        files, keys = "", None
        if cls.tls:
            ca = Certificates(cls.home.path("ca"))
            keys = (ca.path("ca.pem"), *ca.issue("server", "DNS:localhost"))
            files = ",ca=%s,cert=%s,key=%s" % (ca.path("ca.pem"), *ca.issue("client"))
        engine = depot_test.own_engine(cls.home, "far", listen=["tcp://127.0.0.1:%d" % port], tls=keys)
        engine.__enter__()
        cls.addClassCleanup(engine.__exit__, None, None, None)
        cls.home.configure([("far", "tcp://localhost:%d%s" % (port, files))])


class Tls(Tcp):
    tls = True


class Docker(Plain):
    """Over the connection that a Docker Engine gives up for gRPC."""
    builders = ("docker",)
    network = ("--network", "none")


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "DEPOT_TEST_DOCKER", "buildkitd", "buildctl")
    depot_test.main()
