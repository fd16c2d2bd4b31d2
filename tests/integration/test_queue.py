"""More builds than a builder takes, builders that come and go, and builds that nobody waits for."""
import json
import os
import signal
import time
import urllib.parse

import depot_test
from depot_test import TestCase, eventually, unique

SLEEP = "RUN echo it begins; /bin/busybox sleep %d # %s\n"


class Queue(TestCase):
    def one_at_a_time(self):
        return self.new_home(builders=[("one", os.environ["DEPOT_TEST_AMD64"] + ",max=1")])

    def test_builds_wait_in_line_and_say_why(self):
        home = self.one_at_a_time()
        first = home.start("build", "--plain", self.context(SLEEP % (2, unique())))
        first.await_text("it begins")
        records = [os.path.join(self.tmp(), "r") for _ in range(3)]
        jobs = [home.start("build", "--plain", "--record", r, self.context(SLEEP % (0, unique()))) for r in records]
        eventually(lambda: len(home.builds("?state=queued")) == 3, 10)
        self.assertEqual(len(home.builds("?state=queued")), 3)
        builder = home.api("/v1/builders")[1]["builders"][0]
        self.assertEqual((builder["running"], builder["queued"], builder["capacity"]), (1, 3, 1))
        for j in (first, *jobs):
            self.good(j.wait())
        positions = set()
        for r in records:
            queued = [e for e in map(json.loads, self.read(r).splitlines()) if e["type"] == "build.queued"]
            self.assertRegex(queued[0]["reason"], "^one is busy: 1 of 1 running$")
            self.assertEqual(queued[0]["builder"], "one")
            positions.add(queued[0]["position"])
        self.assertEqual(positions, {1, 2, 3})

    def test_one_in_line_is_cancelled(self):
        home = self.one_at_a_time()
        first = home.start("build", "--plain", self.context(SLEEP % (60, unique())))
        first.await_text("it begins")
        second = home.start("build", "--plain", self.context(SLEEP % (60, unique())))
        eventually(lambda: home.builds("?state=queued"), 10)
        started = time.monotonic()
        second.signal(signal.SIGINT)
        self.bad(second.wait(), 130)
        self.assertLess(time.monotonic() - started, 5)
        first.signal(signal.SIGINT)
        self.bad(first.wait(), 130)
        self.good(home.depot("build", "-q", self.context("")))

    def test_a_killed_client_leaves_the_line(self):
        home = self.one_at_a_time()
        first = home.start("build", "--plain", self.context(SLEEP % (60, unique())))
        first.await_text("it begins")
        second = home.start("build", "--plain", self.context(SLEEP % (60, unique())))
        self.assertTrue(eventually(lambda: home.builds("?state=queued"), 10))
        second.signal(signal.SIGKILL)
        second.wait()
        self.assertTrue(eventually(lambda: not home.builds("?state=queued"), 10))
        gone = home.builds("?state=cancelled")
        self.assertEqual([b["message"] for b in gone], ["its client was gone before it began"])
        first.signal(signal.SIGINT)
        self.bad(first.wait(), 130)
        started = time.monotonic()
        self.good(home.depot("build", "-q", self.context(""), timeout=60))
        self.assertLess(time.monotonic() - started, 15)

    def test_a_killed_client_holds_no_slot_when_its_turn_comes(self):
        home = self.one_at_a_time()
        first = home.start("build", "--plain", self.context(SLEEP % (60, unique())))
        first.await_text("it begins")
        second = home.start("build", "--plain", self.context(SLEEP % (60, unique())))
        self.assertTrue(eventually(lambda: home.builds("?state=queued"), 10))
        third = home.start("build", "-q", self.context(""))
        self.assertTrue(eventually(lambda: len(home.builds("?state=queued")) == 2, 10))
        second.signal(signal.SIGKILL)
        first.signal(signal.SIGINT)
        started = time.monotonic()
        self.good(third.wait())
        self.assertLess(time.monotonic() - started, 15)
        second.wait()
        self.bad(first.wait(), 130)

    def test_one_in_line_stays_while_somebody_follows_it(self):
        home = self.one_at_a_time()
        first = home.start("build", "--plain", self.context(SLEEP % (60, unique())))
        first.await_text("it begins")
        second = home.start("build", "--plain", self.context(SLEEP % (60, unique())))
        self.assertTrue(eventually(lambda: home.builds("?state=queued"), 10))
        follower = home.start("logs", home.builds("?state=queued")[0]["id"])
        time.sleep(1)
        second.signal(signal.SIGKILL)
        second.wait()
        time.sleep(3)
        self.assertEqual(len(home.builds("?state=queued")), 1)
        follower.signal(signal.SIGKILL)
        follower.wait()
        # Nobody is left: when its turn comes it is given to the next.
        first.signal(signal.SIGINT)
        self.bad(first.wait(), 130)
        started = time.monotonic()
        self.good(home.depot("build", "-q", self.context(""), timeout=60))
        self.assertLess(time.monotonic() - started, 15)

    def test_twenty_at_once(self):
        home = self.new_home()
        ctx = self.context("RUN echo %s\n" % unique())
        jobs = [home.start("build", "-q", "-o", os.path.join(self.tmp(), "o"), ctx) for _ in range(20)]
        for j in jobs:
            self.good(j.wait())
        self.assertEqual({b["state"] for b in home.builds("?limit=100")}, {"succeeded"})

    def test_an_emulated_platform_says_so(self):
        home = self.new_home()
        r = os.path.join(self.tmp(), "r")
        self.good(home.depot("build", "--platform", "linux/arm64", "--record", r, self.context(
            "RUN /bin/busybox uname -m\n", arch="arm64")))
        assigned = [e for e in map(json.loads, self.read(r).splitlines()) if e["type"] == "build.assigned"]
        self.assertEqual([e["emulated"] for e in assigned], [True])

    def test_of_two_platforms_only_the_one_that_is_emulated_says_so(self):
        home = self.new_home()
        r = os.path.join(self.tmp(), "r")
        ctx = self.context("FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /f\n", {"amd64": unique(), "arm64": unique()})
        self.good(home.depot("build", "--platform", "linux/amd64,linux/arm64", "--record", r, ctx))
        assigned = [e for e in map(json.loads, self.read(r).splitlines()) if e["type"] == "build.assigned"]
        self.assertEqual([(e["platform"], e["emulated"], e["emulated_platforms"]) for e in assigned],
                         [("linux/amd64,linux/arm64", True, ["linux/arm64"])])
        said = home.depot("replay", "--summary", "always", r).text
        self.assertRegex(said, r"linux/arm64 .*\(emulated\)")
        self.assertNotRegex(said, r"linux/amd64 .*\(emulated\)")

    def test_a_post_over_http_builds_without_a_client(self):
        home = self.new_home()
        home.daemon("--listen", "unix://" + home.socket)
        dockerfile = "data:," + urllib.parse.quote("FROM scratch")
        body = json.dumps({"platforms": ["linux/amd64"], "solve": {"frontend": "dockerfile.v0", "attrs": {
            "context": "https://127.0.0.1:1/" + dockerfile}}}).encode()
        status, answer = home.post("/v1/builds", body)
        self.assertEqual(status, 201, answer)
        self.assertTrue(eventually(lambda: home.api("/v1/builds/" + answer["id"])[1]["state"] == "failed", 30))
        for bad in (b"", b"{", b"[]", b'{"platforms":["linux/amd64"]}', b'{"platforms":7,"solve":{}}', b"{" * 100000,
                    b'{"platforms":["x"],"solve":{"frontend":"dockerfile.v0"}}', b"\xff" * 100):
            status, answer = home.post("/v1/builds", bad)
            self.assertIn(status, (400, 413), (bad[:40], answer))
            self.assertTrue(answer["error"]["message"])


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64")
    depot_test.main()
