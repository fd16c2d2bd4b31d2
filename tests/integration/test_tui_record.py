"""Recordings made in the dashboard, and opened in it.

A recording of a daemon's build is held against what its API gives: the same lines, byte for byte.
"""
import json
import os
import re
import unittest

import depot_test
import test_tui
from pty_driver import Pty
from test_tui import BUILD, FLEET, GOLDEN, TOP


def lines_of(path, build):
    with open(path, "rb") as f:
        return [x for x in f.read().splitlines(keepends=True) if json.loads(x).get("build") == build]


def content(path):
    with open(path, "rb") as f:
        return f.read()


class Replays(test_tui.Tui):
    def record(self, p, path):
        p.send("R").expect("record the build to:")
        p.send("\x15" + path + "\r")
        return p

    def test_a_build_of_a_replay_is_saved_whole(self):
        p = self.top("--replay", FLEET, "--speed", "0", rows=40, columns=120).quiet()
        ids = [json.loads(x)["build"] for x in content(FLEET).splitlines() if b'"build.created"' in x]
        p.send("R").expect("record the build to:")
        name = re.search(r"record the build to: (\S+)\.ndjson", p.screen.text).group(1)
        build = next(b for b in ids if name.endswith(b))
        path = self.path(name + ".ndjson")
        p.send("\x15" + path + "\r").expect("saved")
        want = lines_of(FLEET, build)
        self.assertRegex(p.screen.text, r"saved %d events of %s" % (len(want), build))
        self.assertEqual(content(path), b"".join(want))
        self.assertEqual(os.listdir(os.path.dirname(path)), [os.path.basename(path)])
        p.send("Q")
        self.left_clean(p, 0)
        again = self.top("--replay", path, "--speed", "0", rows=40, columns=120).quiet()
        self.assertIn(build, again.screen.text)
        again.send("Q")
        self.left_clean(again, 0)

    def test_of_a_replay_that_stands_at_its_begin_all_is_saved(self):
        p = self.top("--replay", BUILD, "--speed", "0.02", rows=40, columns=120).quiet(0.3)
        p.send("P")
        path = self.path("x.ndjson")
        self.record(p, path).expect("saved")
        self.assertEqual(content(path), content(BUILD))
        p.send("Q")
        self.left_clean(p, 0)

    def test_what_exists_is_replaced_only_when_told(self):
        p = self.top("--replay", BUILD, "--speed", "0", rows=40, columns=120).quiet()
        path = self.path("old")
        with open(path, "w") as f:
            f.write("old")
        self.record(p, path).expect("exists. Replace it?").send("n").quiet(0.2)
        self.assertEqual(content(path), b"old")
        self.record(p, path).expect("exists. Replace it?").send("y").expect("saved")
        self.assertEqual(content(path), content(BUILD))
        self.record(p, os.path.dirname(path)).expect("is not a file")
        self.record(p, os.path.join(path, "deep")).expect("cannot write")
        self.record(p, "/dev/full").expect("is not a file")
        self.assertEqual(os.listdir(os.path.dirname(path)), ["old"])
        p.send("Q")
        self.left_clean(p, 0)

    def test_a_rawjson_recording_stays_what_it_is(self):
        raw = os.path.join(GOLDEN, "plain", "multi.rawjson")
        p = self.top("--replay", raw, "--speed", "0", rows=40, columns=120).quiet()
        path = self.path("x")
        self.record(p, path).expect("saved")
        self.assertEqual(content(path), content(raw))
        p.send("Q")
        self.left_clean(p, 0)

    def test_standard_input_is_not_kept(self):
        with open(BUILD, "rb") as f:
            p = self.top("--stdin", stdin=f, rows=40, columns=120).quiet()
        # No name is asked for: it could not be used.
        p.send("R").expect("tee FILE")
        self.assertNotIn("record the build to:", p.screen.text)
        p.send("Q")
        self.left_clean(p, 0)

    def test_a_replay_is_opened_over_what_is_there(self):
        p = self.top("--replay", FLEET, "--speed", "0", rows=40, columns=120).expect("Active").quiet()
        before = p.screen.text
        p.send(":replay\r").expect("which recording?")
        p.send(":replay /nowhere\r").expect("cannot read /nowhere")
        p.send(":replay %s\r" % BUILD).expect(lambda s: "replay" in s.text.splitlines()[0] and "Active" not in s.text)
        p.resize(50, 140)
        p.send("F").quiet(0.2)
        p.send("q").expect("Active")  # the fleet of the recording
        p.send("q").quiet(0.3)
        p.resize(40, 120)
        p.quiet(0.3)
        self.assertEqual(p.screen.text, before)
        for keys, code in (("Q", 0), (":q\r", 0), ("\x03", 130)):
            p.send(":replay %s\r" % BUILD).quiet(0.3)
            p.send(":replay %s\r" % FLEET).quiet(0.3)
            p.send(keys)
            self.left_clean(p, code)
            p = self.top("--replay", FLEET, "--speed", "0", rows=40, columns=120).expect("Active")
        p.send("Q")
        self.left_clean(p, 0)


    def test_commands(self):
        p = self.top("--replay", FLEET, "--speed", "0", rows=40, columns=120).expect("Active").quiet()
        build = re.search(r"\b([a-z0-9]{10})\b", p.screen.text).group(1)
        for command, shows in (("cache", "cache"), ("history", "history"), ("builders", "builders"), ("help", "Everywhere"),
                               ("build " + build[:6], build), ("fleet", "Active")):
            p.send(":%s\r" % command).expect(shows)
            p.send("q").expect("Active")
        for command, says in (("build", "which build?"), ("build nope", "no single build begins with"), ("step", "from its build"),
                              ("nonsense", "there is no command"), ("seek never", "expected 1:20")):
            p.send(":%s\r" % command).expect(says)
        p.send(":q\r")
        self.left_clean(p, 0)


@unittest.skipUnless(os.environ.get("DEPOT_TEST_AMD64"), "DEPOT_TEST_AMD64 is not set")
class Engine(depot_test.TestCase):
    LINES = 300

    def setUp(self):
        self.home.daemon("--listen", "unix://" + self.home.socket) if self.home.daemon_pid() is None else None
        ctx = self.context("RUN i=0; while [ $i -lt %d ]; do echo line $i; i=$((i+1)); /bin/busybox usleep 10000; done # %s\n"
                           % (self.LINES, depot_test.unique()))
        self.build = self.home.start("build", "--plain", "--project", "web shop", ctx)
        self.addCleanup(self.build.wait)
        self.build.await_text("line 20\n")
        self.id = self.home.builds()[0]["id"]
        self.dir = self.tmp()

    def top(self, *args, socket=None):
        p = Pty([TOP, "--url", "unix://" + (socket or self.home.socket), *args], self.home.env, 40, 120)
        self.addCleanup(p.close)
        return p

    def events(self):
        """What the daemon says of the build that is over."""
        status, body = self.home.api("/v1/builds/%s/events" % self.id)
        self.assertEqual(status, 200)
        return body.encode() if isinstance(body, str) else body

    def record(self, p):
        path = os.path.join(self.dir, "x.ndjson")
        p.send("R").expect("record the build to: web-shop-%s.ndjson" % self.id)
        p.send("\x15" + path + "\r").expect(lambda s: re.search(r"\brec\b", s.text.splitlines()[0]))
        return path

    def left(self, p):
        p.send("Q")
        self.assertEqual(p.wait(), 0)
        self.assertEqual(p.left_behind(), [])

    def whole(self, path):
        self.assertEqual(content(path), self.events())
        self.assertEqual(os.listdir(self.dir), ["x.ndjson"])
        said = self.good(self.home.depot("replay", path)).text
        for i in range(self.LINES):
            self.assertRegex(said, r"\bline %d\n" % i)

    def no_line_twice(self, p):
        """In the log of the step that ran: the daemon gave its lines once more."""
        p.send("L").expect(lambda s: re.search(r"\blog +%d lines\b" % self.LINES, s.text))

    def test_from_the_fleet_to_its_end(self):
        p = self.top().expect(self.id[:6])
        path = self.record(p)
        self.good(self.build.wait())
        p.expect("saved").expect(lambda s: not re.search(r"\brec\b", s.text.splitlines()[0]))
        self.whole(path)
        self.left(p)

    def test_from_the_build_whose_log_is_open(self):
        p = self.top("--open", "build " + self.id).expect(lambda s: re.search(r"\d line \d+$", s.text, re.M))
        path = self.record(p)
        self.good(self.build.wait())
        p.expect("saved")
        self.whole(path)
        self.no_line_twice(p)
        self.left(p)

    def test_over_a_feed_that_is_cut(self):
        proxy = test_tui.Proxy(self.home.path("record.sock"), self.home.socket)
        self.addCleanup(proxy.close)
        p = self.top(socket=self.home.path("record.sock")).expect(self.id[:6])
        path = self.record(p)
        for _ in range(3):
            p.pump(0.5)
            proxy.cut()
        self.good(self.build.wait())
        p.expect("saved")
        self.assertGreater(proxy.count, 2)
        self.whole(path)
        self.left(p)

    def test_stopped_and_left_what_came_is_kept(self):
        p = self.top("--open", "build " + self.id).expect(lambda s: re.search(r"\d line \d+$", s.text, re.M))
        path = self.record(p)
        p.pump(0.7)
        p.send("R").expect("saved").send("L")
        stopped = content(path)
        self.assertEqual(os.listdir(self.dir), ["x.ndjson"])
        os.unlink(path)
        p.send("q").quiet(0.1)
        self.record(p)
        p.pump(0.5)
        self.left(p)
        left = content(path)
        self.assertEqual(os.listdir(self.dir), ["x.ndjson"])
        self.good(self.build.wait())
        for some in (stopped, left):
            self.assertTrue(some.endswith(b"\n"))
            self.assertTrue(self.events().startswith(some))
        self.assertGreater(len(left.splitlines()), len(stopped.splitlines()))

    def test_of_one_that_is_over_and_open(self):
        self.good(self.build.wait())
        p = self.top("--open", "build " + self.id).expect("line %d" % (self.LINES - 1))
        path = os.path.join(self.dir, "x.ndjson")
        p.send("R").expect("record the build to:").send("\x15" + path + "\r").expect("saved")
        self.whole(path)
        self.no_line_twice(p)
        self.left(p)


if __name__ == "__main__":
    if not os.access(TOP, os.X_OK):
        depot_test.skip_file("%s is not built" % TOP)
    depot_test.main()
