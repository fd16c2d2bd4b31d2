"""depot-top in what people put between it and their terminal: tmux, GNU screen, ssh, mosh.

The outermost terminal is ours (pty_driver). The server of ssh and mosh is one of our own on the
loopback, with a key for this run.
"""
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import depot_test
from depot_test import SOURCE, Home
from pty_driver import Pty

TOP = os.path.join(depot_test.BUILD, "cli", "depot-top")
FLEET = os.path.join(SOURCE, "tests", "golden", "tui_fleet", "fleet.ndjson")
COMMAND = "%s --replay %s" % (TOP, FLEET)
ANSWER = b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[1;3R"
# What these programs write to their terminal, and the dashboard has no reason to.
THEIRS = ("\x1b[?3;4l", "\x1b[?1001l", "\x1b[?1002l", "\x1b[?1003l", "\x1b[?1004l", "\x1b[?1005l", "\x1b[?1015l", "\x1b[?5l",
          "\x1b[?7727h", "\x1b[?7727l", "\x1b]1;", "\x1b[>q", "\x1b]10;?")
SSHD = "/usr/sbin/sshd"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Between(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.close)
        self.dir = tempfile.mkdtemp(prefix="depot-terminals-", dir="/tmp")  # short: sockets are in it
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.env = self.home.environ({"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TMUX": None, "STY": None, "SCREENDIR": self.dir,
                                      "COLORTERM": None, "SHELL": "/bin/sh"})

    def need(self, *programs):
        for program in programs:
            if not shutil.which(program):
                self.skipTest("%s is not installed" % program)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        return path

    def drive(self, argv, mouse=True, copied=True, light=False, exact=None):
        p = Pty(argv, self.env, rows=36, columns=120, answer=ANSWER)
        self.addCleanup(p.close)
        p.expect("Active").send(":seek 10s\rPg").expect("RUN").expect("x24hiv7qqj")
        self.assertEqual(p.screen.modes["mouse"], mouse)
        self.assertTrue(p.screen.modes["paste"])
        p.send("?").expect("Everywhere")
        p.send("\x1b").expect(lambda s: "Everywhere" not in s.text)
        p.send("\x1bOP").expect("Everywhere")
        p.send("q").expect("Active")
        p.send("/").expect("filter")
        p.send("\x1b[200~web\x1b[201~").expect("filter web")
        p.send("\x1b").expect(lambda s: "filter web" not in s.text)
        p.send("y").expect("copied")
        p.expect(lambda s: bool(s.clips) == copied)
        if mouse:
            at = [i for i, line in enumerate(p.screen.text.split("\n")) if "x24hiv7qqj" in line][0] + 1
            click = "\x1b[<0;20;%d" % at
            p.send((click + "M" + click + "m") * 2).expect("1 graph")
        else:
            p.send("g\r").expect("1 graph")
        p.send("q").expect("Active")
        for i in range(20):
            p.resize(20 + i % 17, 60 + i * 3 % 70)
            p.pump(0.02)
        p.resize(24, 80)
        p.pump(0.5)
        self.assertRegex(p.screen.row(0), r"^ fleet .*/11s")
        self.assertTrue(any(p.screen.row(y).endswith("? help  q back") for y in (22, 23)), p.screen.text)  # tmux has a row below
        if exact is not None:
            self.assertEqual(any(x.startswith("38;2;") for x in p.screen.sgr_seen), exact)
        self.assertEqual("38;5;130" in p.screen.sgr_seen, light)  # what runs, on a light background
        p.send("Q")
        self.assertEqual(p.wait(), 0)
        self.assertEqual(p.left_behind(), [])
        self.assertEqual([x for x in p.screen.strange if x not in THEIRS], [])
        return p

    def test_tmux(self):
        self.need("tmux")
        self.drive(["tmux", "-S", os.path.join(self.dir, "s"), "-f", "/dev/null", "new-session", COMMAND], copied=False, exact=False)

    def test_tmux_that_is_told_what_the_terminal_can(self):
        self.need("tmux")
        conf = self.write("conf", 'set -g default-terminal tmux-256color\nset -g set-clipboard on\nset -g escape-time 10\n'
                                  'set -ga terminal-features ",*:RGB:clipboard"\n')
        self.env["COLORTERM"] = "truecolor"
        self.drive(["tmux", "-S", os.path.join(self.dir, "s"), "-f", conf, "new-session", COMMAND], exact=True)

    def test_screen(self):
        """It holds a lone ESC back while it reports the mouse, and knows no clipboard."""
        self.need("screen")
        os.chmod(self.dir, 0o700)
        conf = self.write("conf", "startup_message off\n")
        self.env["COLORTERM"] = "truecolor"  # which it does not know
        p = self.drive(["screen", "-c", conf, "-U", "sh", "-c", COMMAND], mouse=False, copied=False, exact=False)
        self.assertNotIn(b"\x1b]11;", p.data)

    def serve(self):
        """A server on the loopback: the options that ssh needs to get to it."""
        self.need("ssh", "ssh-keygen", SSHD)
        for name in ("key", "host"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", os.path.join(self.dir, name)], check=True)
        port = free_port()
        conf = self.write("sshd", "Port %d\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %s/key.pub\nStrictModes no\n"
                                  "PermitRootLogin prohibit-password\nUsePAM no\nPidFile none\nAcceptEnv LANG LC_* XDG_* HOME ASAN_OPTIONS\n"
                          % (port, self.dir, self.dir))
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        server = subprocess.Popen([SSHD, "-D", "-f", conf], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        end = time.monotonic() + 20
        while True:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if time.monotonic() > end or server.poll() is not None:
                self.skipTest("no server for ssh here")
            time.sleep(0.02)
        return ["-p", str(port), "-i", os.path.join(self.dir, "key"), "-o", "IdentitiesOnly=yes", "-F", "none", "-o", "LogLevel=ERROR",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "SendEnv=LANG LC_ALL"]

    def test_ssh(self):
        options = self.serve()
        p = self.drive(["ssh", "-t", *options, getpass.getuser() + "@127.0.0.1", COMMAND], light=True)
        self.assertIn(b"\x1b[?2026h", p.data)

    def test_mosh(self):
        self.need("mosh", "mosh-server")
        options = self.serve()
        self.drive(["mosh", "--ssh=ssh " + " ".join("'%s'" % o for o in options), "--bind-server=127.0.0.1",
                    "--server=env MOSH_SERVER_NETWORK_TMOUT=20 mosh-server",  # should its client be killed
                    getpass.getuser() + "@127.0.0.1", "--", "sh", "-c", COMMAND])


if __name__ == "__main__":
    if not os.access(TOP, os.X_OK):
        depot_test.skip_file("%s is not built" % TOP)
    depot_test.main()
