"""Input that cannot be built: each is told clearly, fails, and leaves nothing half-written."""
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import unittest

import depot_test
from depot_test import TestCase, unique


class Dockerfiles(TestCase):
    def refused(self, ctx, code, *says, args=()):
        """The build fails and its outputs do not appear."""
        d = self.tmp()
        before = set(os.listdir(d))
        outputs = [("local", d + "/local"), ("tar", d + "/x.tar"), ("oci", d + "/x.oci")]
        for kind, dest in outputs:
            iid = ("--iidfile", d + "/iid") if kind == "oci" else ()
            r = self.bad(self.build("-o", "type=%s,dest=%s" % (kind, dest), *iid,
                                    "--metadata-file", d + "/meta", *args, ctx), code, *says)
            left = set(os.listdir(d)) - before
            if "local" in left:
                self.assertEqual(os.listdir(d + "/local"), [], str(r))
                left.discard("local")
            self.assertEqual(left, set(), str(r))
        return r

    def test_missing(self):
        ctx = self.context(None)
        self.refused(ctx, 1, "no Dockerfile in " + re.escape(ctx))

    def test_named_and_missing(self):
        self.refused(self.context(""), (1, 2), r"Other\.dockerfile", args=("-f", "/no/such/Other.dockerfile"))

    def test_unparsable(self):
        ctx = self.tmp()
        self.write(ctx + "/Dockerfile", "FROM scratch\nRUNN ls\n")
        r = self.refused(ctx, 1, r"Dockerfile:2\n-+\n", r">>> RUNN ls", r"unknown instruction: RUNN")
        self.assertEqual(len(re.findall("unknown instruction", r.text)), 1, str(r))

    def test_empty(self):
        ctx = self.tmp()
        for text in ("", "\n\n", "# nothing\n", "\ufeff", "\x00\x01\x02"):
            with self.subTest(text=text):
                self.write(ctx + "/Dockerfile", text)
                self.refused(ctx, 1, "ERROR|Dockerfile")

    def test_a_directory(self):
        ctx = self.tmp()
        os.mkdir(ctx + "/Dockerfile")
        self.refused(ctx, (1, 2), "Dockerfile", "directory")

    def test_long_and_failing(self):
        """The engine's answer holds the whole file, three times; the excerpt still comes."""
        for where in (0, 1):
            filler = "".join("# line %d %s\n" % (i, "x" * 80) for i in range(2200))
            body = "RUN echo first; echo %s; exit 7\n" % unique()
            ctx = self.context(filler + body if where else body + filler)
            self.assertGreater(os.path.getsize(ctx + "/Dockerfile"), 200000)
            line = 4 + (2200 if where else 0)
            r = self.refused(ctx, 1, r"Dockerfile:%d\n-+\n" % line, r"\s%d \| >>> RUN echo first" % line,
                             r"exit code: 7")
            self.assertLess(len(r.text), 20000)

    def test_a_failing_step_shows_its_last_lines(self):
        ctx = self.context("RUN for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do echo line $i; done; "
                           "/bin/busybox sleep 0.2; echo to stderr >&2; exit 3 # %s\n" % unique())
        r = self.refused(ctx, 1, r"#\d+ ERROR: process .* did not complete successfully: exit code: 3",
                         r"------\n > \[2/2\] RUN for i in", r"\d+\.\d+ line 15\n\d+\.\d+ to stderr\n------\n",
                         r"Dockerfile:4\n-+\n.*\n.*\n   4 \| >>> RUN for i", r"\nERROR: .*exit code: 3\n\Z")
        self.assertNotRegex(r.text, r"\n\d+\.\d+ line 2\n")
        quiet = self.bad(self.build("-q", ctx), 1, "ERROR: .*exit code: 3")
        self.assertEqual(quiet.out, b"")

    def test_a_failed_copy_names_the_file(self):
        self.refused(self.context("COPY nothere /\n"), 1, "/nothere", r">>> COPY nothere")

    def test_an_image_that_cannot_be_pulled(self):
        ctx = self.tmp()
        self.write(ctx + "/Dockerfile", "FROM localhost:1/nosuch:1\n")
        self.refused(ctx, 1, "localhost:1/nosuch:1")

    def test_an_unknown_output_and_bad_flags(self):
        ctx = self.context("")
        self.bad(self.build("-o", "type=funny", ctx), (1, 2), "funny")
        self.bad(self.build("-o", "type=tar", ctx, stdin=b""), (0, 1, 2))
        self.bad(self.build("--platform", "not a platform!", ctx), (1, 2), "not a platform")
        self.bad(self.build("-t", "UPPER CASE", ctx), (1, 2), "UPPER CASE")
        self.bad(self.build("--secret", "nonsense=x", ctx), (1, 2), "nonsense")


class Contexts(TestCase):
    def test_missing(self):
        self.bad(self.build("/no/such/context"), (1, 2), "/no/such/context")

    def test_a_file(self):
        path = self.tmp() + "/file"
        self.write(path, "x")
        self.bad(self.build(path), (1, 2), re.escape(path))

    def test_empty(self):
        self.bad(self.build(self.tmp()), 1, "Dockerfile")

    def test_an_unreadable_file(self):
        """As another user: root reads everything."""
        if os.getuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("needs root and setpriv")
        ctx = self.context("COPY . /c\n", {"secret.txt": "x", "other.txt": "y"})
        os.chmod(ctx + "/secret.txt", 0)
        for d in (self.home.dir, ctx):
            os.chmod(d, 0o755)
        home = depot_test.Home(self.builder_list())
        self.addCleanup(home.close)
        r = self.as_nobody(home, ctx)
        self.bad(r, 1, r"secret\.txt", "[Pp]ermission denied")
        self.assertFalse(os.path.exists(home.path("out", "c")))

    def as_nobody(self, home, ctx):
        """depot as nobody, with a daemon of root's, which may use the engine."""
        subprocess.run(["chown", "-R", "65534:65534", home.dir], check=True)
        port = depot_test.free_port()
        token = home.path("token")
        self.write(token, "t" * 32 + "\n")
        home.daemon("--listen", "tcp://127.0.0.1:%d" % port, "--token-file", token)
        argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", depot_test.DEPOT, "build",
                "--url", "tcp://127.0.0.1:%d" % port, "--token", "t" * 32, "-o", home.path("out"), ctx]
        p = subprocess.run(argv, env=home.env, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
        return depot_test.Result(argv, p.returncode, p.stdout, p.stderr)

    def test_a_fifo_a_socket_and_a_device_do_not_hang_it(self):
        ctx = self.context("COPY . /c\nRUN /bin/busybox ls -l /c\n")
        os.mkfifo(ctx + "/fifo")
        with depot_test.socket.socket(depot_test.socket.AF_UNIX) as s:
            s.bind(ctx + "/sock")
            r = self.build("-o", self.tmp(), ctx, timeout=40)
        self.assertIn(r.code, (0, 1), str(r))
        self.assertNotRegex(r.text, depot_test.SANITIZER)

    def test_odd_names(self):
        names = ["new\nline", "tab\t", "\u00fcmlaut", "-dash", "a b", "'quote\"", "back\\slash", "x" * 255]
        ctx = self.context("COPY . /c\n", {n: "x" for n in names})
        out = self.tmp()
        self.good(self.build("-o", out, ctx))
        self.assertEqual(sorted(set(os.listdir(out + "/c")) - {"bin", "Dockerfile"}), sorted(names))

    def test_a_name_that_is_not_utf8(self):
        ctx = self.context("COPY . /c\n")
        with open(os.fsencode(ctx) + b"/\xff\xfe", "wb"):
            pass
        r = self.build("-o", self.tmp(), ctx)
        self.assertIn(r.code, (0, 1), str(r))
        self.assertNotRegex(r.text, depot_test.SANITIZER)

    def changing(self, change):
        """Builds while `change(path)` is called on 40 files, over and over."""
        ctx = self.context("COPY . /c\nRUN echo %s\n" % unique())
        paths = [os.path.join(ctx, "f%02d" % i) for i in range(40)]
        for p in paths:
            self.write(p, os.urandom(1 << 19))
        stop = threading.Event()

        def run():
            while not stop.is_set():
                for p in paths:
                    change(p)
        t = threading.Thread(target=run)
        t.start()
        try:
            return self.build("--plain", "-o", self.tmp(), ctx)
        finally:
            stop.set()
            t.join()

    def test_files_that_grow_while_they_are_sent(self):
        def grow(p):
            with open(p, "ab") as f:
                f.write(b"x" * 1000)
            time.sleep(0.0005)
        r = self.changing(grow)
        self.assertIn(r.code, (0, 1), str(r))
        self.assertNotRegex(r.text, depot_test.SANITIZER)
        if r.code == 1:
            self.assertRegex(r.text, r"f\d\d", str(r))

    def test_files_that_vanish_while_they_are_sent(self):
        def vanish(p):
            try:
                os.unlink(p)
            except OSError:
                pass
            time.sleep(0.003)
        r = self.changing(vanish)
        self.assertIn(r.code, (0, 1), str(r))
        self.assertNotRegex(r.text, depot_test.SANITIZER)
        if r.code == 1:
            self.assertRegex(r.text, r"f\d\d", str(r))

    def test_files_that_shrink_while_they_are_sent(self):
        def shrink(p):
            os.truncate(p, 10)
            time.sleep(0.001)
        r = self.changing(shrink)
        self.assertIn(r.code, (0, 1), str(r))
        self.assertNotRegex(r.text, depot_test.SANITIZER)

    def test_an_output_that_cannot_be_written(self):
        r = self.bad(self.build("-o", "/proc/nope/out", self.context("")), 1, "/proc/nope")
        self.assertNotIn("was lost", r.text)
        self.assertEqual(r.text.count("depot: "), 1, str(r))
        self.bad(self.build("-o", "type=tar,dest=/proc/nope/x.tar", self.context("")), (1, 2), "/proc/nope")
        self.bad(self.build("--iidfile", "/proc/nope/iid", "-o", "type=oci,dest=%s/i" % self.tmp(), self.context("")),
                 1, "/proc/nope")
        self.bad(self.build("--record", "/proc/nope/r", self.context("")), 1, "/proc/nope")

    @unittest.skipUnless(os.getuid() == 0, "mounting needs root")
    def test_a_full_disk(self):
        mnt = self.home.path("mnt")
        os.makedirs(mnt, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", mnt], check=True)
        try:
            for output in ("type=local,dest=%s/o" % mnt, "type=tar,dest=%s/x.tar" % mnt):
                r = self.bad(self.build("-o", output, self.context("")), 1, "[Nn]o space left")
                self.assertEqual(r.text.count("depot: "), 1, str(r))
                self.assertIn(mnt, r.text)
            self.assertFalse(os.path.exists(mnt + "/x.tar"))
            self.assertEqual([n for n in os.listdir(mnt) if n != "o"], [], "left behind")
        finally:
            subprocess.run(["umount", "-l", mnt], check=False)


class Answers(TestCase):
    """What a daemon answers, when it is none of ours or speaks for somebody hostile."""

    SEQUENCE = "\x1b[2J\x1b]0;x\x07\x9b31m\x7f\u202e"
    COMMANDS = (["list"], ["list", "builders"], ["list", "--json"], ["cache"], ["cache", "--json"], ["prune", "--force"],
                ["cancel", "abc"], ["logs", "abc"], ["why", "abc"])

    def answers(self, body, status="200 OK"):
        """A daemon that has this to say to everybody; its address."""
        path = self.tmp() + "/s"
        s = socket.socket(socket.AF_UNIX)
        s.bind(path)
        s.listen(8)
        self.addCleanup(s.close)
        answer = ("HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                  % (status, len(body.encode()))).encode() + body.encode()

        def serve():
            while True:
                try:
                    with s.accept()[0] as c:
                        c.recv(65536)
                        c.sendall(answer)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        return "unix://" + path

    def ask(self, body, status="200 OK"):
        url = self.answers(body, status)
        for command in self.COMMANDS:
            with self.subTest(command=command, body=body[:60], status=status):
                r = self.home.depot(*command, "--url", url)
                said = r.text + r.stdout
                self.assertIn(r.code, (0, 1, 2), said)
                self.assertNotRegex(said, "[\x00-\x08\x0b-\x1f\x7f-\x9f]", "steers the terminal")

    def test_nothing_of_it_steers_the_terminal(self):
        huge = 2 ** 63 - 1
        row = {k: "a" + self.SEQUENCE for k in ("id", "state", "project", "builder", "engine", "version", "error", "type",
                                                "description")}
        row.update(platforms=["linux/" + self.SEQUENCE], duration_ms=huge, created="2026-01-01T00:00:00Z", bytes=huge,
                   limit=huge, counts={"hit": huge, "ran": huge, "failed": -huge})
        builder = dict(row, types=[row], list=[row])
        for ascii_only in (True, False):
            self.ask(json.dumps({"builds": [row], "builders": [row, builder]}, ensure_ascii=ascii_only))
        self.ask(json.dumps({"error": {"code": "invalid", "message": self.SEQUENCE, "hint": self.SEQUENCE}}), "400 Bad Request")

    def test_of_other_types(self):
        for body in ("", "{", "null", "[]", '"x"', "[" * 100, '{"builds":5,"builders":"x"}', '{"builds":{"a":[]},"builders":{"a":1}}',
                     '{"builds":[1,"x",null,[],{"platforms":5,"counts":[]},{"platforms":[null,{}]}],'
                     '"builders":[1,null,"x",{"platforms":{},"types":5,"list":7},{"types":[5,null],"list":[5,null,{}]}]}',
                     '{"error":5}', '{"error":{"code":5}}'):
            self.ask(body)
            self.ask(body, "500 Oh")


class StandardDescriptors(TestCase):
    """Closed or full ones, as scripts and service managers make them."""

    def shell(self, redirections, *args):
        argv = [depot_test.DEPOT, "build", *args, self.context("")]
        p = subprocess.run(["sh", "-c", '"$@" ' + redirections, "sh", *argv], env=self.home.env, capture_output=True,
                           timeout=60, check=False)
        return depot_test.Result(argv, p.returncode, p.stdout, p.stderr)

    def test_closed(self):
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            with self.subTest(closed=closed):
                out = self.tmp() + "/out"
                self.good(self.shell(closed, "--plain", "-o", out))
                self.assertTrue(os.path.exists(out + "/bin/busybox"))

    def test_full(self):
        self.bad(self.shell(">/dev/full", "-q", "-o", "type=oci,dest=%s/x" % self.tmp()), 1, "standard output.*No space")
        self.bad(self.shell(">/dev/full", "-o", "-"), 1, "No space")

    def test_a_reader_that_leaves(self):
        self.good(self.shell("2>&1 | head -n 1", "--plain"))


class Replay(TestCase):
    """A feed that is not one."""
    GOOD = {"v": 1, "seq": 1, "time": "2026-05-04T10:11:12Z", "build": "b7k2q9x4c1", "type": "build.created",
            "platforms": ["linux/amd64"]}

    def replay(self, data, timeout=60):
        r = self.home.depot("replay", "-", stdin=data, timeout=timeout)
        self.assertNotRegex(r.text, depot_test.SANITIZER, str(r))
        return r

    def test_bad_lines_are_told_by_number_and_skipped(self):
        good = json.dumps(self.GOOD)
        status = json.dumps({"v": 1, "seq": 2, "build": "b7k2q9x4c1", "type": "build.status",
                             "platform": "linux/amd64", "status": {"vertexes": [
                                 {"digest": "sha256:1", "name": "a step", "started": "2026-05-04T10:11:12Z",
                                  "completed": "2026-05-04T10:11:13Z"}]}})
        for bad in ("not json", "{", '{"v":1', "[1,2]", '"text"', "\x00\x01", "\ud800".encode("utf-8", "surrogatepass"),
                    b"\xff\xfe\xfd", "{" * 5000, "[" * 100000, status[:-20]):
            line = bad if isinstance(bad, bytes) else bad.encode()
            r = self.replay(good.encode() + b"\n" + line + b"\n" + status.encode() + b"\n")
            with self.subTest(bad=line[:30]):
                self.assertEqual(r.code, 1, str(r))
                self.assertRegex(r.text, "line 2", str(r))
                self.assertIn("a step", r.text)
                self.assertLess(len(r.text), 3000)

    def test_unknown_types_and_fields_are_skipped(self):
        lines = [dict(self.GOOD, nonsense={"a": [1]}), {"v": 1, "seq": 2, "build": "b7k2q9x4c1", "type": "build.unheard"},
                 {"v": 1, "type": "fleet.snapshot", "builders": 7}]
        r = self.replay("\n".join(json.dumps(x) for x in lines).encode() + b"\n")
        self.assertIn(r.code, (0, 1), str(r))

    def test_a_truncated_file(self):
        r = self.replay(json.dumps(self.GOOD).encode() + b"\n" + json.dumps(self.GOOD).encode()[:40])
        self.assertEqual(r.code, 1, str(r))
        self.assertRegex(r.text, "line 2")

    def test_nothing(self):
        r = self.replay(b"")
        self.assertIn(r.code, (0, 1), str(r))
        self.bad(self.home.depot("replay", "/no/such/file"), 1, "/no/such/file")

    def test_a_line_of_100_megabytes(self):
        for filler in (b"x" * (100 << 20), b'{"v":1,"type":"' + b"y" * (100 << 20) + b'"}'):
            r = self.replay(json.dumps(self.GOOD).encode() + b"\n" + filler + b"\n" + b"bad\n")
            self.assertEqual(r.code, 1, str(r)[:1000])
            self.assertRegex(r.text, r"line 2.*\n(.*\n)*.*line 3", r.text[:2000])
            self.assertLess(len(r.text), 3000)


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64")
    depot_test.main()
