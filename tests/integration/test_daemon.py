"""Which daemon: started when needed, shared, gone when idle; by TCP with TLS and tokens; or none."""
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request

import depot_test
from depot_test import DEPOTD, TestCase, alive, eventually, free_port, unique

TOKEN = "k" * 40


class OnDemand(TestCase):
    def test_started_by_the_first_build_and_shared_by_the_next(self):
        home = self.new_home()
        self.assertIsNone(home.daemon_pid())
        ctx = self.context("RUN echo %s; /bin/busybox sleep 2\n" % unique())
        j = home.start("build", "--plain", ctx)
        pid = eventually(home.daemon_pid, 10)
        self.assertTrue(pid)
        self.good(home.depot("list", "builders"))
        self.good(home.depot("build", "-q", self.context("")))
        self.good(j.wait())
        self.assertEqual(home.daemon_pid(), pid)
        self.assertEqual(len(home.builds()), 2)

    def test_started_by_whatever_asks_first(self):
        for command, told in ((("list", "builders"), "BUILDER"), (("list",), "BUILD"), (("cache",), "records"),
                              (("logs", "nosuchbuild"), "no build nosuchbuild"),
                              (("why", "nosuchbuild"), "no build nosuchbuild")):
            home = self.new_home()
            r = home.depot(*command)
            self.assertIn(told, r.stdout + r.text)
            self.assertTrue(home.daemon_pid(), str(r))

    def test_nothing_is_started_to_cancel(self):
        home = self.new_home()
        self.bad(home.depot("cancel", "somebuild1"), 1, "depotd of this user is not running")
        self.assertIsNone(home.daemon_pid())

    def test_two_clients_at_once_start_one(self):
        home = self.new_home()
        ctx = self.context("")
        jobs = [home.start("build", "-q", ctx) for _ in range(4)]
        for j in jobs:
            self.good(j.wait())
        self.assertEqual(len(home.builds()), 4)
        running = []
        for pid in os.listdir("/proc"):
            if pid.isdigit():
                try:
                    with open("/proc/%s/cmdline" % pid, "rb") as f:
                        argv = f.read()
                except OSError:
                    continue
                if b"depotd" in argv.split(b"\0")[0] and home.socket.encode() in argv:
                    running.append(pid)
        self.assertEqual(len(running), 1)

    def test_its_socket_is_the_user_s_alone(self):
        home = self.new_home()
        self.good(home.depot("build", "-q", self.context("")))
        self.assertEqual(os.stat(home.socket).st_mode & 0o077, 0)
        pid_file = home.socket.removesuffix(".sock") + ".pid"
        self.assertEqual(int(self.read(pid_file)), home.daemon_pid())
        self.assertEqual(os.stat(os.path.dirname(home.socket)).st_mode & 0o077, 0)
        self.assertEqual(os.stat(os.path.join(home.state, "depot")).st_mode & 0o077, 0)
        home.stop()
        self.assertFalse(os.path.exists(pid_file) or os.path.exists(home.socket))

    def test_gone_when_idle(self):
        home = self.new_home()
        p = home.daemon("--listen", "unix://" + home.socket, "--idle", "1")
        self.good(home.depot("build", "-q", "--url", "unix://" + home.socket,
                             self.context("RUN echo %s; /bin/busybox sleep 3\n" % unique())))
        self.assertTrue(eventually(lambda: p.poll() is not None, 10))
        self.assertEqual(p.returncode, 0, home.daemon_log())
        self.assertFalse(os.path.exists(home.socket))

    def test_a_stale_socket_is_taken_over(self):
        home = self.new_home()
        os.makedirs(os.path.dirname(home.socket), mode=0o700)
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(home.socket)
        self.good(home.depot("build", "-q", self.context("")))

    def test_a_second_daemon_on_the_socket_is_refused(self):
        home = self.new_home()
        home.daemon("--listen", "unix://" + home.socket)
        r = subprocess.run([DEPOTD, "--listen", "unix://" + home.socket], env=home.env, capture_output=True, text=True,
                           timeout=20, check=False)
        self.assertNotEqual(r.returncode, 0)
        self.assertRegex(r.stderr, "depotd|daemon|lock")
        self.assertEqual(home.api("/v1/version")[0], 200)

    def test_a_daemon_that_cannot_start_says_why(self):
        home = self.new_home(config="nonsense = 7\n")
        r = self.bad(home.depot("build", self.context("")), 1, "did not start", "nonsense")
        self.assertLess(len(r.text), 2000)
        r = self.bad(home.depot("build", self.context(""), env={"DEPOT_DAEMON": "/no/such/depotd"}), 1, "/no/such/depotd")


class Store(TestCase):
    """The daemon's directory, damaged or full: builds go on."""

    def test_damaged(self):
        for what in ("index", "log", "both"):
            home = self.new_home()
            self.good(home.depot("build", "-q", self.context("")))
            home.stop()
            state = os.path.join(home.state, "depot")
            if what != "log":
                self.write(state + "/index.db", os.urandom(9000))
            if what != "index":
                for name in os.listdir(state + "/builds"):
                    with open(os.path.join(state, "builds", name), "ab") as f:
                        f.write(b'\0garbage{"v"\n{{{')
            self.good(home.depot("build", "-q", self.context("")))
            builds = home.builds()
            self.assertEqual([b["state"] for b in builds], ["succeeded"] * 2, what)
            for b in builds:
                self.good(home.depot("logs", b["id"]))

    @unittest.skipUnless(os.getuid() == 0, "mounting needs root")
    def test_what_failed_is_known_after_a_restart(self):
        home = self.new_home()
        ctx = self.context("RUN echo %s; exit 7\n" % unique())
        self.bad(home.depot("build", "--plain", ctx), 1)
        known = home.builds()[0]["failed_step"]
        self.assertRegex(known["name"], r"^\[\d/\d\] RUN echo .*; exit 7$")
        self.assertEqual((known["platform"], known["exit_code"], known["file"]), ("linux/amd64", 7, "Dockerfile"))
        self.assertIn(b"exit 7", self.read(os.path.join(ctx, "Dockerfile")).splitlines()[known["line"] - 1])
        home.stop()
        self.good(home.depot("build", "-q", self.context("")))
        newest, before = home.builds()
        self.assertNotIn("failed_step", newest)
        self.assertEqual(before["failed_step"], known)
        self.assertIn('"failed_step"', self.good(home.depot("list", "--json")).stdout)

    def test_full(self):
        home = self.new_home()
        mnt = home.env["XDG_STATE_HOME"] = home.path("mnt")
        os.makedirs(mnt)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "none", mnt], check=True)
        for _ in range(3):
            self.good(home.depot("build", "--plain", self.context(
                "RUN i=0; while [ $i -lt 3000 ]; do echo %s $i; i=$((i+1)); done\n" % unique())))
        self.assertIn("No space left on device", home.daemon_log())
        self.assertEqual(home.api("/v1/builds")[0], 200)


class NoEngine(TestCase):
    def test_a_dead_socket(self):
        home = self.new_home(builders=[("gone", "unix:///no/such/buildkitd.sock")])
        started = time.monotonic()
        j = home.start("build", "--plain", self.context(""))
        try:
            r = j.wait(20)
        except AssertionError:
            raise AssertionError("waits for an engine that is not there\n%s" % j.result()) from None
        self.bad(r, 1, "gone|/no/such/buildkitd.sock")
        self.assertLess(time.monotonic() - started, 20)

    def test_an_address_where_something_else_answers(self):
        port = free_port()
        with socket.socket() as s:
            s.bind(("127.0.0.1", port))
            s.listen(4)

            def answer():
                while True:
                    try:
                        c, _ = s.accept()
                    except OSError:
                        return
                    with c:
                        c.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            threading.Thread(target=answer, daemon=True).start()
            home = self.new_home(builders=[("odd", "tcp://127.0.0.1:%d" % port)])
            j = home.start("build", "--plain", self.context(""))
            self.bad(j.wait(30), 1, "odd")
            s.shutdown(socket.SHUT_RDWR)

    def test_none_found_says_where_it_looked(self):
        if any(os.path.exists(p) for p in ("/run/buildkit/buildkitd.sock", "/var/run/docker.sock")):
            self.skipTest("this machine has an engine")
        home = self.new_home(builders=())
        r = self.bad(home.depot("build", self.context("")), 1, "/run/buildkit/buildkitd.sock", "docker.sock")
        self.assertRegex(r.text, "hint")


class Addresses(TestCase):
    def test_wrong_ones(self):
        ctx = self.context("")
        dead = self.tmp() + "/dead.sock"
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(dead)
        for url, says in (("unix://" + dead, "dead.sock"), ("unix:///no/such.sock", "/no/such.sock"),
                          ("http://127.0.0.1:1", "127.0.0.1:1"), ("ftp://x", "ftp"), ("nonsense", "nonsense"),
                          ("https://no.such.host.invalid", "no.such.host.invalid"), ("unix://" + "x" * 200, "long|path")):
            started = time.monotonic()
            for how in ({"env": {"DEPOT_URL": url}}, ):
                r = self.bad(self.build("-q", ctx, **how), (1, 2), says)
                self.assertEqual(r.text.count("depot: "), 1, str(r))
            self.assertLess(time.monotonic() - started, 15, url)

    def test_a_server_that_is_not_depotd(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen(4)

            def answer():
                while True:
                    try:
                        c, _ = s.accept()
                    except OSError:
                        return
                    with c:
                        c.recv(4096)
                        c.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            threading.Thread(target=answer, daemon=True).start()
            url = "http://127.0.0.1:%d" % s.getsockname()[1]
            self.bad(self.build("-q", "--url", url, self.context("")), 1, "404|not.*depotd|refused")
            s.shutdown(socket.SHUT_RDWR)


class Tls(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certs = cls.home.path("certs")
        depot_test.Certificates(cls.certs).issue("server", "DNS:localhost,IP:127.0.0.1")
        other = depot_test.Certificates(cls.home.path("other"))
        shutil.copy(other.path("ca.pem"), cls.certs + "/other-ca.pem")
        with open(cls.certs + "/tokens", "w") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write("# comment\n%s\n" % TOKEN)
        cls.port = free_port()
        cls.home.daemon("--listen", "tcp://127.0.0.1:%d" % cls.port, "--tls-cert", cls.certs + "/server.pem",
                        "--tls-key", cls.certs + "/server.key", "--token-file", cls.certs + "/tokens")

    def tls(self, *args, token=TOKEN, ca="ca.pem", host="localhost", command=("build", "-q")):
        env = {"DEPOT_URL": "https://%s:%d" % (host, self.port), "DEPOT_TOKEN": token,
               "DEPOT_CA": ca and os.path.join(self.certs, ca)}
        return self.home.depot(*command, *args, env=env, timeout=30)

    def test_the_right_token_and_ca(self):
        out = self.tmp()
        self.good(self.tls("-o", out, self.context("RUN echo %s > /f\n" % unique())))
        self.assertTrue(os.path.exists(out + "/f"))
        self.good(self.tls(command=("list", "builds")))

    def test_a_large_context_over_tls(self):
        data = os.urandom(8 << 20)
        out = self.tmp()
        self.good(self.tls("-o", out, self.context("COPY big /\n", {"big": data})))
        self.assertEqual(self.read(out, "big"), data)

    def test_wrong_and_missing_tokens(self):
        for token in ("wrong" * 8, None, TOKEN[:-1], TOKEN + "x", ""):
            for command in (("build", "-q", self.context("")), ("list", "builds")):
                r = self.bad(self.tls(command=command, token=token), 1, "[Tt]oken")
                self.assertNotIn(TOKEN, r.text)
                self.assertEqual(r.text.count("depot: "), 1, str(r))

    def test_wrong_and_missing_ca(self):
        for ca in ("other-ca.pem", None):
            for command in (("build", "-q", self.context("")), ("list", "builds")):
                self.bad(self.tls(command=command, ca=ca), 1, "certificate")

    def test_a_ca_file_that_is_not_there(self):
        self.bad(self.tls(self.context(""), ca="nothing.pem"), (1, 2), "nothing.pem")

    def test_the_wrong_host_name(self):
        self.bad(self.tls(self.context(""), host="127.0.0.2"), 1, "127.0.0.2")

    def test_plain_http_to_the_tls_port(self):
        r = self.home.depot("build", "-q", self.context(""), timeout=30, env={
            "DEPOT_URL": "http://127.0.0.1:%d" % self.port, "DEPOT_TOKEN": TOKEN})
        self.bad(r, 1, "127.0.0.1")

    def test_healthz_alone_needs_no_token(self):
        context = ssl.create_default_context(cafile=self.certs + "/ca.pem")

        def get(path, token=None):
            q = urllib.request.Request("https://localhost:%d%s" % (self.port, path))
            if token:
                q.add_header("Authorization", "Bearer " + token)
            try:
                with urllib.request.urlopen(q, context=context, timeout=10) as a:
                    return a.status
            except urllib.error.HTTPError as e:
                return e.code
        self.assertEqual(get("/healthz"), 200)
        for path in ("/v1/builds", "/v1/builders", "/v1/version"):
            self.assertEqual((get(path), get(path, "x" * 40)), (401, 401), path)
            self.assertEqual(get(path, TOKEN), 200)

    def test_tcp_without_a_token_file_is_refused(self):
        home = self.new_home()
        for listen in ("tcp://127.0.0.1:%d" % free_port(), "tcp://0.0.0.0:%d" % free_port()):
            r = subprocess.run([DEPOTD, "--listen", listen], env=home.env, capture_output=True, text=True, timeout=20,
                               check=False)
            self.assertNotEqual(r.returncode, 0)
            self.assertIn("token", r.stderr)

    def test_garbage_on_the_port(self):
        for data in (b"\x00" * 1000, b"GET / HTTP/1.1\r\n\r\n", os.urandom(5000), b"\x16\x03\x01\xff\xff"):
            with socket.create_connection(("127.0.0.1", self.port)) as s:
                s.sendall(data)
        self.good(self.tls(command=("list", "builds")))


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64")
    depot_test.main()
