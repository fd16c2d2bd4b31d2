"""Random keys, mouse and sizes against recordings and hostile feeds, for DEPOT_SOAK seconds: 600 of them
with DEPOT_TEST_LONG, else 20.

A run is repeated with DEPOT_SOAK_SEED, which it prints when it fails.
"""
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import depot_test
import tui_feeds
from depot_test import SANITIZER, SOURCE, Home
from pty_driver import Pty

TOP = os.path.join(depot_test.BUILD, "cli", "depot-top")
GOLDEN = os.path.join(SOURCE, "tests", "golden")
SECONDS = float(os.environ.get("DEPOT_SOAK") or (600 if depot_test.LONG else 20))
SEED = int(os.environ.get("DEPOT_SOAK_SEED", "0")) or int.from_bytes(os.urandom(4), "big")
RECORDINGS = ["tui_fleet/fleet.ndjson", "tui_step/twin.ndjson", "tui_step/fail.ndjson", "tui_step/hostile.ndjson",
              "tui_views/fleet.ndjson", "plain/multi.rawjson", "plain/noisy.rawjson", "replay/hello.ndjson",
              "tui_why/two.ndjson"]
SPECIAL = ["\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1bOA", "\x1b[H", "\x1b[F", "\x1b[5~", "\x1b[6~", "\x1b[2~", "\x1b[3~", "\x1b[Z",
           "\x1bOP", "\x1b[13~", "\x1b[14~", "\x1b[17~", "\x1b[20~", "\r", "\r", "\r", "\t", "\x1b", "\x1b", "\x7f", "\x0c", "\x1a",
           "\x04", "\x15", "\x06", "\x02", "\x0b", "\x1b[200~pasted\x1b[2J text\x1b[201~", "\x1b[200~", "\x1b[201~", "\x1b[1;5C",
           "\x1b[999;999;999~", "\x1b[<", "\x1b[?62;4c", "\x1b[?2026;2$y", "\x1b]11;rgb:0/0/0\x07", "\xe9".encode("latin-1"),
           "日", "é", "\x00", "\x1bx", b"\xff\xfe", b"\xf0\x9f"]
COMMANDS = ["build", "builders", "cache", "history", "help", "seek 50%", "seek e1", "seek failed", "seek -5s", "seek x", "filter a",
            "sort time", "fleet", "quit now", "0", "99999999999999", "build zzz", "step", "why", "set x", ""]
PATTERNS = ["a", "!RUN", "(", "[", ".*", "line \\d+", "\\", "*", "日", "x" * 300]
# Nothing that a key could start: a shell command, a file in somebody's directory.
LETTERS = [c for c in map(chr, range(33, 127)) if c not in "|sRWQ"]
TOP_SLOWEST = 30.0


def keys(rnd):
    kind = rnd.random()
    if kind < 0.45:
        return rnd.choice(LETTERS)
    if kind < 0.75:
        return rnd.choice(SPECIAL)
    if kind < 0.80:
        return ":" + rnd.choice(COMMANDS) + rnd.choice(["\r", "\x1b", ""])
    if kind < 0.84:
        return rnd.choice("/\\") + rnd.choice(PATTERNS) + rnd.choice(["\r", "\x1b", ""])
    if kind < 0.97:
        return "\x1b[<%d;%d;%d%s" % (rnd.choice([0, 0, 0, 1, 2, 64, 64, 65, 65, 66, 35, 4, 255]), rnd.choice([1, rnd.randrange(410), 99999]),
                                     rnd.choice([1, rnd.randrange(130), 0]), rnd.choice("MMm"))
    # Without the keys that end a program while the terminal is the shell's, as after ^Z.
    return rnd.randbytes(rnd.randrange(1, 12)).translate(None, b"\x03\x1c|sRWQ")


def some_size(rnd):
    kind = rnd.random()
    if kind < 0.2:
        return rnd.randrange(3), rnd.randrange(3)
    if kind < 0.5:
        return rnd.choice([(24, 80), (50, 200), (8, 40), (40, 120), (7, 39), (120, 400)])
    return rnd.randrange(121), rnd.randrange(401)


class Soak(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = Home()
        cls.feeds = [os.path.join(GOLDEN, r) for r in RECORDINGS if os.path.exists(os.path.join(GOLDEN, r))]
        for name, make in tui_feeds.HOSTILE.items():
            cls.feeds.append(tui_feeds.write(cls.home.path(name), make(random.Random(SEED))))

    @classmethod
    def tearDownClass(cls):
        cls.home.close()

    def session(self, rnd, feed, seconds):
        """One run of the program; a text that says what was wrong, or None."""
        d = tempfile.mkdtemp(dir=self.home.dir)
        self.addCleanup(shutil.rmtree, d, True)
        env = self.home.environ({"PATH": d, "TMPDIR": d, "LC_ALL": rnd.choice(["C.UTF-8", "C.UTF-8", "C"]),
                                 "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:allocator_may_return_null=1"})
        piped = rnd.random() < 0.3
        cat = subprocess.Popen(["cat", feed], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) if piped else None
        argv = [TOP] + (["--stdin"] if piped else ["--replay", feed, "--speed", rnd.choice(["0", "1", "8", "64", "1000"])])
        what = "%s %s" % (os.path.basename(feed), argv[1:2] + argv[3:])
        errors = os.path.join(d, "stderr")
        with open(errors, "wb") as err:
            # Without echo: what arrives while it is suspended would be random bytes of ours, not of the program.
            p = Pty(["/usr/bin/env", "-C", d] + argv, env, *rnd.choice([(24, 80), (50, 200)]), stderr=err, stdin=cat.stdout if cat else None,
                    term=rnd.choice(["xterm-256color", "xterm-256color", "screen-256color", "xterm", "linux"]),
                    draw=rnd.random() < 0.5, answer=rnd.random() < 0.5, echo=False)
        with p:
            if cat:
                cat.stdout.close()
            trail, slowest = [], 0.0
            try:
                end = time.monotonic() + seconds
                p.read_some(TOP_SLOWEST)
                while time.monotonic() < end and p.process.poll() is None:
                    for _ in range(rnd.randrange(1, 30)):
                        k = keys(rnd)
                        trail.append(k)
                        p.send(k)
                    if rnd.random() < 0.5:
                        size = some_size(rnd)
                        trail.append(size)
                        p.resize(*size)
                    p.pump(rnd.choice([0, 0.01, 0.05, 0.2]))
                if p.process.poll() is None:
                    slowest = self.answers(p)
                if p.process.poll() is None:
                    p.signal(signal.SIGTERM)
                code = p.wait(TOP_SLOWEST)
                with open(errors, errors="replace") as f:
                    said = f.read()
                if SANITIZER.search(said) or code not in (0, 143):
                    return "%s: exit %s\n%s" % (what, code, said[-6000:])
                if p.screen and p.left_behind():
                    return "%s: left %s" % (what, p.left_behind())
                if p.screen and p.screen.strange:
                    return "%s: wrote %r" % (what, p.screen.strange[:5])
            except (AssertionError, OSError) as e:
                return "%s: %s; after %r" % (what, e, trail[-60:])
            finally:
                if cat:
                    cat.kill()
                    cat.wait()
        self.slowest = max(self.slowest, (slowest, what))
        self.sessions += 1
        self.sent += len(trail)
        return None

    @staticmethod
    def answers(p):
        """It still draws: how long a full frame takes after all of that."""
        p.quiet(0.05, 2)
        begin = time.monotonic()
        p.resize(31, 97)
        if not p.read_some(TOP_SLOWEST):
            # The last keys may have ended it; the caller looks at how.
            try:
                p.process.wait(TOP_SLOWEST)
            except subprocess.TimeoutExpired:
                raise AssertionError("does not answer") from None
            return 0.0  # it ended by them: there was nobody to answer
        return time.monotonic() - begin

    def test_random_input_against_all_feeds(self):
        if not depot_test.LONG:
            print("sampled: %.0f s of 600" % SECONDS, flush=True)
        rnd = random.Random(SEED)
        self.slowest, self.sessions, self.sent = (0.0, ""), 0, 0
        end = time.monotonic() + SECONDS
        each = max(3.0, min(20.0, SECONDS / (2 * len(self.feeds))))
        failures = []
        feeds = []
        while time.monotonic() < end and len(failures) < 5:
            feeds = feeds or rnd.sample(self.feeds, len(self.feeds))
            failure = self.session(rnd, feeds.pop(), min(each, max(1.0, end - time.monotonic())))
            if failure:
                failures.append(failure)
                print("FAILED " + failure, flush=True)
        print("%d sessions, %d keys and sizes, slowest answer %.2f s (%s), seed %d" % (
            self.sessions, self.sent, self.slowest[0], self.slowest[1], SEED), flush=True)
        self.assertEqual(failures, [], "DEPOT_SOAK_SEED=%d" % SEED)


if __name__ == "__main__":
    if not os.access(TOP, os.X_OK):
        depot_test.skip_file("%s is not built" % TOP)
    depot_test.main()
