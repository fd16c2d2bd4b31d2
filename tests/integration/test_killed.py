"""What is killed, cancelled or cut in mid-build: the engine, the daemon, the client, the connection."""
import contextlib
import os
import re
import signal
import socket
import threading
import time
import unittest

import depot_test
from depot_test import TestCase, alive, eventually, own_engine, unique

SLEEP = "RUN echo it begins; /bin/busybox sleep 86%s\n"


def sleepers(token):
    """The processes of a step that sleeps for 86TOKEN seconds."""
    found = []
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            try:
                with open("/proc/%s/cmdline" % pid, "rb") as f:
                    argv = f.read().split(b"\0")
            except OSError:
                continue
            if argv[:2] == [b"/bin/busybox", b"sleep"] and argv[2] == b"86" + token.encode():
                found.append(int(pid))
    return found


def number():
    return str(int(unique()[:8], 16))


class Killed(TestCase):
    def begin(self, *args, home=None, then=""):
        """A build whose step sleeps: (client, the sleep's number, output directory)."""
        token, out = number(), os.path.join(self.tmp(), "out")
        home = home or self.home
        j = home.start("build", "--plain", "-o", "type=tar,dest=" + out, *args, self.context(SLEEP % token + then))
        j.await_text("it begins")
        self.assertTrue(eventually(lambda: sleepers(token), 10))
        return j, token, out

    def ended(self, j, token, out, code, *says, **kw):
        r = self.bad(j.wait(**kw), code, *says)
        self.assertFalse(os.path.exists(out), str(r))
        self.assertEqual(os.listdir(os.path.dirname(out)), [], "left behind")
        self.assertTrue(eventually(lambda: not sleepers(token), 15), "the step still runs")
        return r

    def test_the_session_is_the_client_s_alone(self):
        j, token, out = self.begin()
        build = self.home.builds()[0]["id"]
        for path, code in ((build + "/session/amd64", 409), (build + "/session/other", 404),
                           ("nosuchbuil/session/amd64", 404), ("..%2f..%2fx/session/amd64", 404)):
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(10)
                s.connect(self.home.socket)
                s.sendall(("GET /v1/builds/%s HTTP/1.1\r\nHost: depot\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                           "Sec-WebSocket-Protocol: depot.session.v1\r\n\r\n" % path).encode())
                self.assertEqual(int(s.recv(100).split()[1]), code, path)
        j.signal(signal.SIGINT)
        self.ended(j, token, out, 130)

    def test_interrupt_cancels_on_the_engine(self):
        for signum in (signal.SIGINT, signal.SIGTERM):
            j, token, out = self.begin()
            started = time.monotonic()
            j.signal(signum)
            self.ended(j, token, out, 130, r"#\d+ CANCELED\n", "ERROR: the build was cancelled\n")
            self.assertLess(time.monotonic() - started, 8)
            self.assertEqual(self.home.builds()[0]["state"], "cancelled")

    def test_two_interrupts_leave_at_once(self):
        j, token, out = self.begin()
        j.signal(signal.SIGINT)
        j.signal(signal.SIGINT)
        self.ended(j, token, out, 130)

    def test_somebody_else_cancels(self):
        j, token, out = self.begin()
        build = self.home.builds("?state=active")[0]["id"]
        self.good(self.home.depot("cancel", build))
        self.ended(j, token, out, 130, "cancelled")

    def test_the_client_killed_cancels_after_the_grace(self):
        for outputs in ((), ("-o", os.path.join(self.tmp(), "out"))):
            token = number()
            j = self.home.start("build", "--plain", *outputs, self.context(SLEEP % token))
            j.await_text("it begins")
            self.assertTrue(eventually(lambda: sleepers(token), 10))
            j.signal(signal.SIGKILL)
            j.wait()
            time.sleep(2)
            self.assertTrue(sleepers(token), "cancelled without grace")
            self.assertTrue(eventually(lambda: not sleepers(token), 20), "the step still runs")
            self.assertTrue(eventually(lambda: self.home.builds()[0]["state"] == "cancelled", 10),
                            self.home.builds()[0])
            self.assertFalse(outputs and os.path.exists(outputs[1]))

    def test_a_detached_build_goes_on(self):
        token = number()
        j = self.home.start("build", "--plain", "--detach", self.context(
            "RUN echo it begins; /bin/busybox sleep 13; echo %s\nRUN echo the second step %s\n" % (token, token)))
        j.await_text("it begins")
        j.signal(signal.SIGKILL)
        j.wait()
        self.assertTrue(eventually(lambda: self.home.builds()[0]["state"] not in ("running", "queued"), 30))
        b = self.home.builds()[0]
        self.assertEqual(b["state"], "succeeded", b)
        self.assertIn("the second step " + token, self.home.depot("logs", b["id"]).stdout)

    def test_a_cut_connection_is_opened_again(self):
        """A proxy between client and daemon is cut in mid-build."""
        home = self.new_home()
        home.daemon("--listen", "unix://" + home.socket)
        proxy = Proxy(home.path("proxy.sock"), home.socket)
        self.addCleanup(proxy.close)
        out = os.path.join(self.tmp(), "out")
        j = home.start("build", "--plain", "--url", "unix://" + home.path("proxy.sock"), "-o", out, self.context(
            "RUN echo it begins; /bin/busybox sleep 3; echo it ends %s > /f\n" % unique()))
        j.await_text("it begins")
        proxy.cut(0.5)
        r = j.wait()
        self.assertNotRegex(r.text, depot_test.SANITIZER)
        self.assertIn("reconnecting", r.text)
        self.assertIn("connected to the daemon again", r.text)
        self.good(r)
        self.assertTrue(os.path.exists(out + "/f"))
        self.assertEqual(len(re.findall(r"#\d+ \d+\.\d+ it begins\n", r.text)), 1, str(r))


class DaemonKilled(TestCase):
    def test_in_mid_build(self):
        home = self.new_home()
        home.daemon("--listen", "unix://" + home.socket)
        token, out = number(), os.path.join(self.tmp(), "out")
        j = home.start("build", "--plain", "--url", "unix://" + home.socket, "-o", "type=tar,dest=" + out,
                       self.context(SLEEP % token))
        j.await_text("it begins")
        build = home.builds()[0]["id"]
        home.daemons[0].kill()
        home.daemons[0].wait()
        r = self.bad(j.wait(80), 1, "daemon", build)
        self.assertFalse(os.path.exists(out), str(r))
        self.assertTrue(eventually(lambda: not sleepers(token), 15), "the step still runs")
        home.daemon("--listen", "unix://" + home.socket)
        b = home.builds()[0]
        self.assertEqual((b["id"], b["state"]), (build, "failed"), b)
        self.assertRegex(b["message"], "daemon")
        r = home.depot("logs", build)
        self.assertIn("it begins", r.stdout)

    def test_one_that_hangs_is_told_apart_from_one_that_is_gone(self):
        home = self.new_home()
        p = home.daemon("--listen", "unix://" + home.socket)
        p.send_signal(signal.SIGSTOP)
        try:
            self.bad(home.depot("build", "-q", self.context(""), timeout=30), 1,
                     # while connecting, or once it is connected
                     "does not answer|no answer in time", "reachable from here|overloaded")
        finally:
            p.send_signal(signal.SIGCONT)

    def test_stopped_in_order_it_cancels(self):
        home = self.new_home()
        home.daemon("--listen", "unix://" + home.socket)
        token = number()
        j = home.start("build", "--plain", "--url", "unix://" + home.socket, self.context(SLEEP % token))
        j.await_text("it begins")
        home.stop()
        self.bad(j.wait(80), (1, 130), "daemon was stopped|daemon")
        self.assertTrue(eventually(lambda: not sleepers(token), 15), "the step still runs")


@unittest.skipUnless(os.getuid() == 0, "an engine of its own needs root")
class EngineKilled(TestCase):
    def test_in_mid_build(self):
        home = self.new_home(builders=())
        with own_engine(home) as engine:
            home.configure([("own", engine.address)])
            token, out = number(), os.path.join(self.tmp(), "out")
            j = home.start("build", "--plain", "-o", "type=tar,dest=" + out, self.context(SLEEP % token))
            j.await_text("it begins")
            engine.process.kill()
            engine.process.wait()
            r = self.bad(j.wait(30), 1, r"ERROR: .* builder own went away while building.*\n\Z")
            self.assertFalse(os.path.exists(out), str(r))
            b = home.builds()[0]
            self.assertEqual(b["state"], "failed")
            for pid in sleepers(token):  # its runc is gone with it
                os.kill(pid, signal.SIGKILL)
            # The daemon sees that it is down, and that it is back.
            self.assertTrue(eventually(lambda: not home.api("/v1/builders")[1]["builders"][0]["up"], 20))
            engine.restart()
            self.assertTrue(eventually(lambda: home.api("/v1/builders")[1]["builders"][0]["up"], 40),
                            home.daemon_log())
            self.good(home.depot("build", "-q", "-o", self.tmp(), self.context("")))


class Proxy:
    """A unix socket before another, whose connections can be cut."""

    def __init__(self, path, to):
        self.path, self.to, self.pairs, self.closed = path, to, [], False
        self.refuse_until = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(16)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                a, _ = self.listener.accept()
            except OSError:
                return
            if self.closed or time.monotonic() < self.refuse_until:
                a.close()
                continue
            b = socket.socket(socket.AF_UNIX)
            b.connect(self.to)
            self.pairs += [a, b]
            for x, y in ((a, b), (b, a)):
                threading.Thread(target=self.copy, args=(x, y), daemon=True).start()

    @staticmethod
    def copy(a, b):
        with contextlib.suppress(OSError), a:
            while True:
                data = a.recv(65536)
                if not data:
                    break
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)

    def cut(self, seconds):
        """Break every connection, and refuse new ones for so long."""
        self.refuse_until = time.monotonic() + seconds
        for s in self.pairs:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
        self.pairs = []

    def close(self):
        self.closed = True
        self.cut(0)
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "buildkitd", "buildctl")
    depot_test.main()
