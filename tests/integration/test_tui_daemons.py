"""Several daemons on one screen: each its builds, its builders and its state, whatever they are called."""
import os
import re
import signal

import depot_test
from depot_test import eventually, unique
from pty_driver import Pty
from test_tui import TOP, Proxy

SLEEP = "RUN echo it begins; /bin/busybox sleep %d # %s\n"


class Daemons(depot_test.TestCase):
    builders = ()

    def setUp(self):
        """Two daemons with an engine each, which both call "one"."""
        self.a, self.b = (self.new_home([("one", os.environ[e])]) for e in ("DEPOT_TEST_AMD64", "DEPOT_TEST_ARM64"))
        for home in (self.a, self.b):
            home.unix = "unix://" + home.socket
            home.daemon("--listen", home.unix)

    def top(self, *urls, rows=40, columns=160):
        env = self.a.environ({"DEPOT_TUI_STATS": None})
        p = Pty([TOP] + [x for u in urls for x in ("--url", u)], env, rows, columns)
        self.addCleanup(p.close)
        return p

    def build(self, home, seconds=60):
        """A build that runs; its id."""
        arch = "amd64" if home is self.a else "arm64"
        ctx = self.context(SLEEP % (seconds, unique()), arch=arch)
        job = home.start("build", "--plain", "--platform", "linux/" + arch, ctx)
        self.addCleanup(job.wait)
        self.addCleanup(job.signal, signal.SIGINT)
        job.await_text("it begins")
        return job, home.builds("?state=running")[0]["id"]

    def kill(self, home):
        p = home.daemons.pop()
        p.send_signal(signal.SIGKILL)
        p.wait()

    def left(self, p):
        p.send("Q")
        self.assertEqual(p.wait(), 0)
        self.assertEqual(p.left_behind(), [])
        self.assertEqual(p.screen.strange, [])

    @staticmethod
    def shown(build):
        """Its row of the table, where ids are cut."""
        return build[:5]

    def choose(self, p, build):
        """Its row, by the filter."""
        p.send("/\x15id=" + build + "\r").quiet(0.3)
        p.send("g").expect(build)

    @staticmethod
    def look_into(p):
        """The build that is selected, and the log of its step."""
        p.send("\r").expect(lambda s: "Active" not in s.text and re.search(r"\d it begins", s.text))
        p.send("L").expect("follow").expect("it begins").send("qq").expect("Active")

    def test_each_has_its_builders_and_builds(self):
        (_, in_a), (_, in_b) = self.build(self.a), self.build(self.b)
        p = self.top(self.a.unix, self.b.unix).expect(self.shown(in_a)).expect(self.shown(in_b))
        p.expect(lambda s: s.text.count("one@") == 2)
        p.send("B").expect(lambda s: s.text.count("1 of 4 running") == 2)
        # The sockets are called alike; so they are told apart by their folders.
        for home in (self.a, self.b):
            self.assertIn("one@" + os.path.basename(home.dir), p.screen.text)
        # Each builder has its own build alone.
        self.assertEqual(p.screen.text.count("it begins"), 2)
        p.send("q").expect("Active")
        self.choose(p, in_b)
        self.look_into(p)
        self.left(p)

    def test_a_cancel_goes_to_its_daemon(self):
        (job_a, in_a), (job_b, in_b) = self.build(self.a), self.build(self.b)
        p = self.top(self.a.unix, self.b.unix).expect(self.shown(in_a)).expect(self.shown(in_b))
        self.choose(p, in_b)
        p.send("\x0b").expect("cancel " + in_b).send("y").expect("cancelling " + in_b)
        self.bad(job_b.wait(), 130)
        self.assertTrue(eventually(lambda: self.b.api("/v1/builds/" + in_b)[1]["state"] == "cancelled", 10))
        self.assertEqual(self.a.api("/v1/builds/" + in_a)[1]["state"], "running")
        self.choose(p, in_a)
        p.send("\x0b").expect("cancel " + in_a).send("y").expect("cancelling " + in_a)
        self.bad(job_a.wait(), 130)
        self.left(p)

    def test_one_that_is_killed_is_stale_and_comes_back(self):
        (job_a, in_a), (_, in_b) = self.build(self.a), self.build(self.b)
        p = self.top(self.a.unix, self.b.unix).expect(self.shown(in_a)).expect(self.shown(in_b))
        self.kill(self.a)
        job_a.signal(signal.SIGKILL)
        p.expect(lambda s: re.search(os.path.basename(self.a.dir) + r" stale \d+s", s.text.splitlines()[0]))
        self.assertEqual(p.screen.text.splitlines()[0].count("stale"), 1)
        # The other one lives.
        _, later = self.build(self.b)
        p.expect(self.shown(later))
        self.a.daemon("--listen", self.a.unix)
        p.expect(lambda s: "stale" not in s.text.splitlines()[0], 30)
        # What the daemon knows of the build that died with it.
        p.expect(lambda s: re.search("FAIL +" + self.shown(in_a), s.text), 30)
        self.assertIn(self.shown(in_b), p.screen.text)
        self.left(p)

    def test_one_that_is_not_there_does_not_keep_the_others(self):
        _, in_b = self.build(self.b)
        p = self.top("unix:///nowhere/depotd.sock", self.b.unix).expect(self.shown(in_b))
        self.assertRegex(p.screen.text.splitlines()[0], r"connecting")
        self.look_into(p)
        self.left(p)

    def test_the_same_ids_at_two_addresses(self):
        """One daemon, reached in two ways: the rows are two, and each acts through its own connection."""
        job, name = self.build(self.a)
        proxy = Proxy(self.a.path("proxy.sock"), self.a.socket)
        self.addCleanup(proxy.close)
        p = self.top(self.a.unix, "unix://" + self.a.path("proxy.sock"))
        p.expect(lambda s: s.text.count("RUN   " + self.shown(name)) == 2)
        p.send("/\x15daemon=proxy\r").expect(lambda s: s.text.count("RUN   " + self.shown(name)) == 1).quiet(0.2)
        p.send("g")
        self.look_into(p)
        p.send("\x0b").expect("cancel " + name).send("y").expect("cancelling")
        self.bad(job.wait(), 130)
        p.send("/\x15\r").expect(lambda s: len(re.findall("CANC", s.text)) >= 2)
        self.left(p)


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "DEPOT_TEST_ARM64")
    depot_test.main()
