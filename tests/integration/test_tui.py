"""depot-top on a terminal: what it leaves behind, what it writes and when, on which terminals.

Recordings, synthetic feeds and a daemon without engines; no engine is needed.
"""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unicodedata
import unittest

import depot_test
import tui_feeds
from depot_test import SANITIZER, SOURCE, Home, eventually
from pty_driver import Pty

TOP = os.path.join(depot_test.BUILD, "cli", "depot-top")
GOLDEN = os.path.join(SOURCE, "tests", "golden")
FLEET = os.path.join(GOLDEN, "tui_fleet", "fleet.ndjson")
BUILD = os.path.join(GOLDEN, "tui_step", "twin.ndjson")
HOSTILE = os.path.join(GOLDEN, "tui_step", "hostile.ndjson")


class Tui(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = Home()

    @classmethod
    def tearDownClass(cls):
        cls.home.close()

    def path(self, name):
        d = tempfile.mkdtemp(dir=self.home.dir)
        self.addCleanup(shutil.rmtree, d, True)
        return os.path.join(d, name)

    def top(self, *args, env=None, **kw):
        self.errors = self.path("stderr")
        self.stats_file = self.path("stats")
        env = self.home.environ(dict({"DEPOT_TUI_STATS": self.stats_file}, **(env or {})))
        with open(self.errors, "wb") as err:
            p = Pty([TOP, *args], env, stderr=err, **kw)
        self.addCleanup(p.close)
        return p

    def said(self):
        with open(self.errors, errors="replace") as f:
            return f.read()

    def stats(self):
        with open(self.stats_file) as f:
            return json.load(f)

    def left_clean(self, p, code):
        self.assertEqual(p.wait(), code, self.said())
        self.assertNotRegex(self.said(), SANITIZER)
        self.assertEqual(p.left_behind(), [])
        self.assertEqual(p.screen.strange, [])


class Leaving(Tui):
    def test_every_way_of_quitting_gives_the_terminal_back(self):
        for keys, code in (("q", 0), ("Q", 0), ("\x1b[21~", 0), ("\x03", 130), (":quit\r", 0), ("?q\x1bq", 0)):
            with self.subTest(keys=keys):
                p = self.top("--replay", FLEET).expect("Active")
                for k in ([keys] if keys.startswith("\x1b") else keys):
                    p.send(k).pump(0.1)
                self.left_clean(p, code)

    def test_the_screen_is_taken_whole(self):
        p = self.top("--replay", FLEET).expect("Active")
        self.assertTrue(p.screen.modes["alternate"] and p.screen.modes["mouse"] and p.screen.modes["paste"])
        self.assertFalse(p.screen.modes["cursor"])

    def test_without_mouse_it_is_left_alone(self):
        p = self.top("--replay", FLEET, "--no-mouse").expect("Active")
        self.assertFalse(p.screen.modes["mouse"] or p.screen.modes["mouse_sgr"])

    def test_signals_give_the_terminal_back(self):
        for signum, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)):
            with self.subTest(signal=signum):
                p = self.top("--replay", FLEET).expect("Active").signal(signum)
                self.left_clean(p, code)

    def test_what_ends_it_gives_the_terminal_back(self):
        """A crash, and every signal that nobody waits for."""
        for signum in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGQUIT,
                       signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU, signal.SIGTRAP):
            with self.subTest(signal=signum):
                p = self.top("--replay", FLEET).expect("Active").signal(signum)
                self.assertEqual(p.wait(), -signum)
                self.assertEqual(p.left_behind(), [])

    def test_a_terminal_that_vanishes_ends_it(self):
        for ignored in (False, True):
            with self.subTest(ignored=ignored):
                p = self.top("--replay", FLEET, "--speed", "0.1", ignore_hup=ignored).expect("Active")
                p.vanish()
                p.process.wait(20)
                self.assertNotRegex(self.said(), SANITIZER)

    def test_no_answer_of_the_terminal_is_left_for_the_shell(self):
        p = self.top("--replay", FLEET, answer=True).expect("Active")
        p.send("q")
        self.left_clean(p, 0)
        os.set_blocking(p.slave, False)
        try:
            self.assertEqual(os.read(p.slave, 100), b"")
        except BlockingIOError:
            pass


    def test_what_the_terminal_answers_is_heeded(self):
        for answer, seen in ((b"\x1b]11;rgb:ffff/ffff/dddd\x1b\\\x1b[1;3R", "38;5;130"), (b"\x1b]11;rgb:00/00/22\x07", "38;5;172")):
            with self.subTest(answer=answer):
                p = self.top("--replay", FLEET, "--speed", "0", answer=answer).expect("Active").quiet()
                p.send("?").quiet()
                self.assertIn(seen, p.screen.sgr_seen)
                self.assertIn("\u2713", p.screen.text)
                p.send("Q")
                self.left_clean(p, 0)

    def test_where_ambiguous_characters_are_wide_none_is_drawn(self):
        feed = tui_feeds.Build("wide", stages=1, steps=2)
        lines = [tui_feeds.snapshot(), *feed.begin(), feed.start(), feed.log("日本 \u00b1 x\n".encode())]
        p = self.top("--replay", tui_feeds.write(self.path("feed"), lines), "--speed", "0", answer=b"\x1b[1;5R").quiet()
        for keys in ("\r", "L", "q", "2", "?"):
            p.send(keys).quiet(0.1)
            if keys == "L":
                self.assertIn("日本 ? x", p.screen.text)
            for ch in p.screen.text:
                self.assertTrue(ch < "\x7f" or unicodedata.east_asian_width(ch) in "WF", p.screen.text)
        p.send("Q")
        self.left_clean(p, 0)


class Stopping(Tui):
    def shell(self):
        env = self.home.environ({"PS1": "ready> ", "HISTFILE": None, "INPUTRC": "/dev/null"})
        p = Pty(["bash", "--norc", "--noprofile", "--noediting", "-i"], env, rows=30, columns=100)
        self.addCleanup(p.close)
        return p.expect("ready>")

    def test_suspend_and_resume_under_a_shell(self):
        p = self.shell()
        for stop in ("key", "signal"):
            with self.subTest(stop=stop):
                before = p.left_behind()
                p.send("%s --replay %s\n" % (TOP, FLEET)).expect("Active")
                if stop == "key":
                    p.send("\x1a")
                else:
                    subprocess.run(["pkill", "-TSTP", "-P", str(p.pid), "depot-top"], check=True)
                p.expect("Stopped")
                self.assertEqual(p.left_behind(), before)
                p.send("echo al''ive\n").expect("alive")
                p.send("fg\n").expect("Active")
                self.assertTrue(p.screen.modes["alternate"] and p.screen.modes["mouse"])
                p.send("q").expect(lambda s: not s.modes["alternate"])
                p.quiet()
                self.assertEqual(p.left_behind(), before)
        self.assertEqual(p.screen.strange, [])

    def test_stopped_again_before_a_frame_was_drawn_it_leaves_the_shell_s_screen_alone(self):
        p = self.shell()
        before = p.left_behind()
        p.send("%s --replay %s\n" % (TOP, FLEET)).expect("Active")
        p.send("\x1a").expect("Stopped")
        p.size(0, 0)  # nothing to draw on
        p.send("fg\n").expect(lambda s: s.modes["mouse"])
        at = len(p.data)
        p.send("\x1a").expect(lambda s: not s.modes["mouse"]).quiet()
        self.assertNotIn(b"\x1b[J", p.data[at:])
        self.assertEqual(p.left_behind(), before)

    def test_stopped_by_somebody_else_it_draws_all_again(self):
        p = self.shell()
        p.send("%s --replay %s\n" % (TOP, FLEET)).expect("Active")
        subprocess.run(["pkill", "-STOP", "-P", str(p.pid), "depot-top"], check=True)
        p.expect("Stopped")
        p.send("fg\n").pump(1).expect("Active")
        p.send("q").expect(lambda s: not s.modes["alternate"])

    def test_where_nobody_could_continue_it_the_screen_comes_back(self):
        p = self.top("--replay", FLEET).expect("Active")
        p.send("\x1a").pump(0.5)
        p.send("?").expect("elp")
        p.expect(lambda s: s.modes["alternate"])
        p.send("Q")
        self.left_clean(p, 0)


class Writing(Tui):
    def test_a_frame_is_one_write_and_silence_is_nothing(self):
        p = self.top("--replay", BUILD, "--speed", "0", rows=50, columns=200).quiet(0.5)
        total = p.total
        p.pump(2)
        self.assertEqual(p.total, total, "bytes while nothing happens")
        for k in "jjkk?q12":
            p.send(k).pump(0.05)
        p.send("Q")
        self.left_clean(p, 0)
        s = self.stats()
        self.assertGreater(s["painted"], 3)
        self.assertEqual(s["writes"], s["painted"])
        self.assertEqual(s["writes_max"], 1)

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_the_kernel_sees_one_write_a_frame_too(self):
        log = self.path("trace")
        env = self.home.environ({"DEPOT_TUI_STATS": self.path("s"), "ASAN_OPTIONS": "detect_leaks=0"})
        p = Pty(["strace", "-f", "-o", log, "-e", "trace=write,writev", "-P", "/dev/tty", TOP, "--replay", FLEET], env,
                stderr=subprocess.DEVNULL)
        self.addCleanup(p.close)
        p.expect("Active").pump(2)
        p.send("Q")
        if p.wait() == 1:
            self.skipTest("this process may not trace")
        with open(env["DEPOT_TUI_STATS"]) as f:
            painted = json.load(f)["painted"]
        with open(log, errors="replace") as f:
            writes = [x for x in f if "write" in x]
        # Modes are set and reset, and the terminal is asked, outside frames.
        self.assertLessEqual(len(writes), painted + 10)

    def test_frames_are_marked_where_the_terminal_knows_it(self):
        p = self.top("--replay", FLEET, answer=True).expect("Active").pump(3)
        begun, ended = bytes(p.data).count(b"\x1b[?2026h"), bytes(p.data).count(b"\x1b[?2026l")
        self.assertGreater(begun, 2)
        self.assertEqual(begun, ended)
        p.send("Q")
        self.left_clean(p, 0)

    def test_what_was_drawn_bit_by_bit_is_what_is_drawn_at_once(self):
        p = self.top("--replay", HOSTILE, "--speed", "0", rows=30, columns=100).quiet()
        for keys in ("j", "jj", "G", "k", "\r", "j", "\r", "G", "g", "t", "w", "\x1b", "2", "3", "1", "?", "q", "q", "B", "q", "H", "q"):
            p.send(keys).quiet(0.1)
            drawn = p.screen.text
            p.resize(30, 100)
            os.kill(p.pid, signal.SIGCONT)  # the whole screen, anew
            p.quiet(0.1)
            self.assertEqual(drawn, p.screen.text, keys)
        p.send("Q")
        self.left_clean(p, 0)

    def test_no_byte_of_a_build_reaches_the_screen(self):
        feed = tui_feeds.write(self.path("feed"), tui_feeds.HOSTILE["escapes"](random.Random(3)))
        for path in (HOSTILE, feed):
            p = self.top("--replay", path, "--speed", "0", rows=40, columns=120).quiet()
            for keys in ("\r", "j", "j", "\r", "L", "G", "g", "w", "a", "q", "2", "3", "q", "j", "\r", "L", "\x1b", "\x1b", "B", "q", "H", "q", "C", "q"):
                p.send(keys).quiet(0.1)
                self.assertEqual(p.screen.strange, [], keys)
                for ch in p.screen.text:
                    self.assertFalse("\u202a" <= ch <= "\u202e" or "\u2066" <= ch <= "\u2069" or ch in "\u200e\u200f\ufeff", repr(p.screen.text))
            for title in p.screen.titles:
                self.assertNotIn("owned", title)
                self.assertFalse([c for c in title if unicodedata.category(c) in ("Cc", "Cf")], repr(title))
            self.assertEqual(p.screen.clips, [])
            p.send("Q")
            p.wait()
            self.assertNotRegex(self.said(), SANITIZER)


class Terminals(Tui):
    def test_every_terminal_is_drawn_and_left(self):
        for term in ("xterm-256color", "xterm", "screen", "screen-256color", "tmux-256color", "linux", "vt100", "vt220", "ansi", "rxvt"):
            if subprocess.run(["infocmp", term], capture_output=True, check=False).returncode != 0:
                continue
            with self.subTest(term=term):
                p = self.top("--replay", FLEET, term=term).expect("Active")
                p.send("?").pump(0.2)
                p.send("Q")
                self.assertEqual(p.wait(), 0, self.said())
                self.assertNotRegex(self.said(), SANITIZER)
                left = [x for x in p.left_behind() if not x.startswith("line drawing")]
                self.assertEqual(left, [])

    def test_without_a_screen_it_says_so(self):
        for term in ("dumb", "", "no-such-terminal"):
            with self.subTest(term=term):
                # ncurses itself forgets what it allocated for a terminal that it does not know.
                p = self.top("--replay", FLEET, term=term, env={"ASAN_OPTIONS": "detect_leaks=0"})
                self.assertEqual(p.wait(), 2)
                self.assertIn("TERM", self.said())
                self.assertEqual(p.left_behind(), [])

    def test_not_a_terminal_is_an_error(self):
        r = subprocess.run([TOP, "--replay", FLEET], env=self.home.env, stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=60, check=False, start_new_session=True)
        self.assertEqual(r.returncode, 2, r)
        self.assertIn(b"terminal", r.stderr)
        self.assertEqual(r.stdout, b"")

    def test_a_view_that_there_is_not_is_an_error_before_the_screen(self):
        p = self.top("--replay", FLEET, "--open", "nope")
        self.assertEqual(p.wait(), 2)
        self.assertIn('depot-top: there is no view or command "nope"\n', self.said())
        self.assertEqual(p.left_behind(), [])

    def test_a_build_that_there_is_not_is_said_until_a_key(self):
        says = 'no single build begins with "nope"'
        p = self.top("--replay", FLEET, "--open", "build nope").expect(says).quiet(6)
        self.assertIn(says, p.screen.text)
        p.send("g").expect(lambda s: says not in s.text).send("Q")
        self.assertEqual(p.wait(), 0)

    def colours(self, *args, env=None, term="xterm-256color"):
        p = self.top("--replay", HOSTILE, "--speed", "0", *args, env=env, term=term, rows=40, columns=120).quiet()
        p.send("\r").quiet(0.1)
        p.send("Q")
        p.wait()
        self.assertNotRegex(self.said(), SANITIZER)
        return {int(n) for sgr in p.screen.sgr_seen for n in sgr.replace(":", ";").split(";")[:1] if n}

    def test_colours_are_as_many_as_wished(self):
        colour = set(range(30, 39)) | set(range(40, 49)) | set(range(90, 108))
        self.assertEqual(self.colours(env={"NO_COLOR": "1"}) & colour, set())
        self.assertEqual(self.colours("--color", "never") & colour, set())
        self.assertNotIn(38, self.colours("--color", "16"))
        self.assertTrue(self.colours("--color", "16") & colour)
        self.assertTrue(self.colours() & colour)
        self.assertNotIn(38, self.colours(term="xterm"))
        self.assertEqual(self.colours(term="vt100") & colour, set())

    def test_any_colour_where_the_terminal_says_so(self):
        def exact(**kw):
            p = self.top("--replay", FLEET, "--speed", "0", **kw).expect("Active").quiet()
            p.send("Q")
            self.left_clean(p, 0)
            return "38;2;0;158;115" in p.screen.sgr_seen
        self.assertTrue(exact(env={"COLORTERM": "truecolor"}))
        self.assertTrue(exact(env={"COLORTERM": "24bit"}, term="tmux-256color"))
        self.assertFalse(exact(env={"COLORTERM": None}))
        self.assertFalse(exact(env={"COLORTERM": "truecolor"}, term="screen-256color"))
        self.assertFalse(exact(env={"COLORTERM": "truecolor"}, term="xterm"))

    def test_an_index_is_its_colour_where_numbers_are_colours(self):
        if subprocess.run(["infocmp", "xterm-direct"], capture_output=True, check=False).returncode != 0:
            self.skipTest("xterm-direct is not described here")
        p = self.top("--replay", FLEET, "--speed", "0", term="xterm-direct").expect("Active").quiet()
        p.send("Q")
        self.assertEqual(p.wait(), 0)
        self.assertIn("38:2::138:138:138", p.screen.sgr_seen)  # 245, what is secondary

    def test_progress_only_where_it_is_not_a_notification(self):
        config = self.path("conf")
        cases = (({}, None, False), ({"WT_SESSION": "1"}, None, True), ({"TERM_PROGRAM": "WezTerm"}, None, True),
                 ({"VTE_VERSION": "7006"}, None, False), ({"VTE_VERSION": "7900"}, None, True),
                 ({"TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.6.5"}, None, False),
                 ({"TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.6.6"}, None, True),
                 ({}, "on", True), ({"WT_SESSION": "1"}, "off", False))
        for env, wish, shown in cases:
            with self.subTest(env=env, wish=wish):
                with open(config, "w") as f:
                    f.write("set progress %s\n" % wish if wish else "")
                p = self.top("--replay", FLEET, "--config", config, env=env).expect("RUN").pump(0.5)
                self.assertEqual(bool(p.screen.progress), shown)
                p.send("Q")
                self.left_clean(p, 0)

    def test_a_plain_terminal_gets_nothing_it_could_show(self):
        for term in ("linux", "vt100", "vt220", "ansi"):
            with self.subTest(term=term):
                p = self.top("--replay", FLEET, term=term, env={"WT_SESSION": None}).expect("RUN").pump(0.2)
                p.send("y").expect("no clipboard")
                p.send("Q").wait()
                if term != "ansi":  # where the last row stays
                    self.assertEqual(p.screen.text.strip(), "")
                self.assertNotRegex(bytes(p.data), rb"\x1b\](?!R|P)|\x1b\[c|\$p")

    def test_a_crash_takes_title_and_progress_back(self):
        p = self.top("--replay", FLEET, env={"WT_SESSION": "1"}).expect("RUN").pump(0.5)
        self.assertTrue(p.screen.progress and p.screen.titles)
        p.signal(signal.SIGSEGV).wait()
        self.assertEqual(p.left_behind(), [])

    def test_without_utf8_all_is_ascii(self):
        for args, env in (((), {"LC_ALL": "C", "LANG": "C"}), (("--ascii",), {})):
            p = self.top("--replay", FLEET, *args, env=env).expect("Active").pump(0.5)
            p.send("?").pump(0.2)
            p.send("q\r").pump(0.2)
            self.assertTrue(all(b < 0x80 for b in p.data), bytes(b for b in p.data if b >= 0x80)[:40])
            p.send("Q")
            self.left_clean(p, 0)

    def test_sizes_from_nothing_to_huge(self):
        p = self.top("--replay", FLEET).expect("Active")
        for rows, columns in ((0, 0), (1, 1), (1, 300), (60, 2), (8, 40), (7, 39), (120, 400), (500, 1000), (24, 80)):
            p.resize(rows, columns)
            p.send("?").pump(0.1)
            p.send("q").pump(0.1)
        p.expect("Active")
        p.send("Q")
        self.left_clean(p, 0)


class Feeds(Tui):
    def test_rawjson_of_buildx_in_a_pipe(self):
        for case in ("multi", "fail", "noisy"):
            with open(os.path.join(GOLDEN, "plain", case + ".rawjson"), "rb") as f:
                cat = subprocess.Popen(["cat"], stdin=f, stdout=subprocess.PIPE)
            p = self.top("--stdin", stdin=cat.stdout, rows=40, columns=120).quiet()
            cat.stdout.close()
            cat.wait()
            p.send("\r").quiet(0.2)
            self.assertIn("RUN", p.screen.text)
            p.send("Q")
            self.left_clean(p, 0)

    def test_a_file_as_standard_input(self):
        with open(os.path.join(GOLDEN, "plain", "multi.rawjson"), "rb") as f:
            p = self.top("--stdin", stdin=f, rows=40, columns=120).quiet()
        p.send("\r").quiet(0.2)
        self.assertIn("RUN", p.screen.text)
        p.send("Q")
        self.left_clean(p, 0)

    def stream(self, age, whole=True):
        """A build that began `age` seconds ago, as another tool's rawjson."""
        def at(seconds):
            return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age + seconds))
        step = {"digest": "sha256:a", "name": "[1/1] RUN make it", "started": at(0)}
        lines = [{"vertexes": [step]}] + ([{"vertexes": [dict(step, completed=at(2))]}] if whole else [])
        return "".join(json.dumps(line) + "\n" for line in lines).encode()

    def test_a_stream_of_any_age_shows_its_build(self):
        for age in (5, 700, 3600, 30 * 86400, 4000 * 86400, -7200):
            for pipe in (False, True):
                with self.subTest(age=age, pipe=pipe), tempfile.TemporaryFile() as f:
                    f.write(self.stream(age))
                    f.seek(0)
                    cat = subprocess.Popen(["cat"], stdin=f, stdout=subprocess.PIPE) if pipe else None
                    p = self.top("--stdin", stdin=cat.stdout if pipe else f)
                    p.expect(lambda s: "RUN make it" in s.text and "DONE" in s.text and "graph" in s.text)
                    p.send("q").expect(lambda s: "DONE  build" in s.text)
                    self.assertNotIn("held no event", p.screen.text)
                    if age > 86400:
                        self.assertRegex(p.screen.text, r"succeeded \d+d\S* ago in 2.0s")
                    p.send("Q")
                    self.left_clean(p, 0)
                    if pipe:
                        cat.stdout.close()
                        cat.wait()

    def test_a_stream_that_stands_still_is_not_as_old_as_it_says(self):
        r, w = os.pipe()
        os.write(w, self.stream(3600, whole=False))
        p = self.top("--stdin", stdin=r).expect(lambda s: re.search(r"RUN \d\.\ds", s.text))
        p.send("Q")
        self.left_clean(p, 0)
        os.close(r)
        os.close(w)

    def test_a_stream_that_holds_nothing_is_said_to(self):
        with open(os.devnull, "rb") as f:
            p = self.top("--stdin", stdin=f).expect("held no event")
        p.send("Q")
        self.left_clean(p, 0)

    def test_a_lost_feed_is_stale_then_live_again(self):
        home = Home()
        self.addCleanup(home.close)
        url = "unix://" + home.socket
        daemon = home.daemon("--listen", url)
        p = self.top("--url", url).expect(lambda s: "Active" in s.text and "stale" not in s.text and "connecting" not in s.text)
        p.expect("depot build .")  # what a new daemon's dashboard is for
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
        home.daemons.remove(daemon)
        p.expect("stale")
        p.send("?").expect("elp")  # and keys work
        p.send("q").expect("Active")
        home.daemon("--listen", url)
        p.expect(lambda s: "stale" not in s.text, 30)
        p.send("Q")
        self.left_clean(p, 0)

    def test_without_a_daemon_it_waits_and_keys_work(self):
        p = self.top("--url", "unix:///nowhere/depotd.sock").quiet(0.3)
        p.send("?").expect("elp")
        p.send("Q")
        self.left_clean(p, 0)

    def test_several_daemons_on_one_screen(self):
        homes = [Home() for _ in range(2)]
        args = []
        for h in homes:
            self.addCleanup(h.close)
            h.daemon("--listen", "unix://" + h.socket)
            args += ["--url", "unix://" + h.socket]
        p = self.top(*args).expect("Active")
        p.send("Q")
        self.left_clean(p, 0)


class Proxy:
    """Between a client and a unix socket; cuts what it carries when told."""

    def __init__(self, path, to):
        self.to, self.pairs, self.count = to, [], 0
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(path)
        self.server.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                a, _ = self.server.accept()
                b = socket.socket(socket.AF_UNIX)
                b.connect(self.to)
            except OSError:
                return
            self.count += 1
            self.pairs.append((a, b))
            for x, y in ((a, b), (b, a)):
                threading.Thread(target=self.carry, args=(x, y), daemon=True).start()

    @staticmethod
    def carry(a, b):
        try:
            while True:
                data = a.recv(65536)
                if not data:
                    break
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def cut(self):
        for pair in self.pairs:
            for s in pair:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.pairs.clear()

    def close(self):
        self.server.close()
        self.cut()


@unittest.skipUnless(os.environ.get("DEPOT_TEST_AMD64"), "DEPOT_TEST_AMD64 is not set")
class Engine(depot_test.TestCase):
    def test_a_feed_that_is_cut_resumes_without_a_gap(self):
        ctx = self.context("RUN i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); /bin/busybox usleep 10000; done # %s\n"
                           % depot_test.unique())
        self.home.daemon("--listen", "unix://" + self.home.socket)
        proxy = Proxy(self.home.path("proxy.sock"), self.home.socket)
        self.addCleanup(proxy.close)
        build = self.home.start("build", "--plain", ctx)
        self.addCleanup(build.wait)
        build.await_text("line 20\n")
        name = self.home.builds()[0]["id"]
        with Pty([TOP, "--url", "unix://" + self.home.path("proxy.sock"), "--open", "build " + name], self.home.env, 40, 120) as p:
            # The log of the step that runs, alone.
            p.expect(lambda s: re.search(r"\d line \d+$", s.text, re.M)).send("L").expect("follow")
            for _ in range(3):
                p.pump(0.7)
                proxy.cut()
            self.good(build.wait())
            p.expect("line 399")
            self.assertGreater(proxy.count, 2)
            p.send("g").expect("line 0")
            seen = set()
            for _ in range(60):
                seen.update(int(m) for m in re.findall(r"\bline (\d+)\b", p.screen.text))
                p.send("\x06").quiet(0.05)
            self.assertEqual(sorted(set(range(400)) - seen), [])
            p.send("Q")
            self.assertEqual(p.wait(), 0)
            self.assertEqual(p.left_behind(), [])

    def test_the_screen_of_ones_own_build(self):
        for keys, how in (("", "to its end"), ("q", "left early")):
            with self.subTest(how):
                ctx = self.context("RUN echo begin; /bin/busybox sleep 2; echo the end # %s\n" % depot_test.unique())
                with Pty([depot_test.DEPOT, "build", "--tui", ctx], self.home.env, 40, 120) as p:
                    p.expect(lambda s: s.modes["alternate"] and "begin" in s.text)
                    p.send(keys)
                    self.assertEqual(p.wait(), 0)
                    self.assertEqual(p.left_behind(), [])
                    self.assertEqual(p.screen.strange, [])

    def test_the_screen_of_ones_own_build_has_no_connection_of_its_own(self):
        ctx = self.context("RUN echo begin; /bin/busybox sleep 2 # %s\n" % depot_test.unique())
        self.home.builds()  # there is a daemon
        proxy = Proxy(self.home.path("own.sock"), self.home.socket)
        self.addCleanup(proxy.close)
        url = "unix://" + self.home.path("own.sock")
        with Pty([depot_test.DEPOT, "build", "--tui", "--url", url, ctx], self.home.env, 40, 120) as p:
            p.expect(lambda s: s.modes["alternate"] and "begin" in s.text)
            self.assertEqual(proxy.count, 2)  # the feed, and the session of the one builder
            self.assertEqual(p.wait(), 0)

    def test_from_ones_own_build_another_is_cancelled(self):
        line = "RUN echo begin; /bin/busybox sleep %d # %s\n"
        other = self.home.start("build", "--plain", self.context(line % (60, depot_test.unique())))
        self.addCleanup(other.wait)
        other.await_text("begin")
        name = self.home.builds()[0]["id"]
        ctx = self.context(line % (6, depot_test.unique()))
        with Pty([depot_test.DEPOT, "build", "--tui", ctx], self.home.env, 40, 120) as p:
            p.expect(lambda s: s.modes["alternate"] and "begin" in s.text)
            p.send("H").expect("history").quiet(0.5)  # which asks the daemon for builds
            p.send(":build %s\r" % name).expect(lambda s: name in s.text.split("\n")[0])
            p.send("\x0b").expect("y/N").send("y")
            self.assertNotEqual(other.wait().code, 0)
            self.assertEqual(p.wait(), 0)
        states = [(b["id"] == name, b["state"]) for b in self.home.builds()[:2]]
        self.assertEqual(sorted(states), [(False, "succeeded"), (True, "cancelled")])

    def test_a_signal_to_ones_own_build_leaves_the_terminal(self):
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGSEGV, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(signum):
                ctx = self.context("RUN echo begin; /bin/busybox sleep 30 # %s\n" % depot_test.unique())
                with Pty([depot_test.DEPOT, "build", "--tui", ctx], self.home.env, 40, 120) as p:
                    p.expect(lambda s: s.modes["alternate"] and "begin" in s.text)
                    p.signal(signum)
                    self.assertEqual(p.wait(), 130 if signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) else -signum)
                    self.assertEqual(p.left_behind(), [])
                eventually(lambda: all(b["state"] not in ("running", "queued") for b in self.home.builds()), 40)


if __name__ == "__main__":
    if not os.access(TOP, os.X_OK):
        depot_test.skip_file("%s is not built" % TOP)
    depot_test.main()
