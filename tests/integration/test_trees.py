"""What a context sends and what -o DIR gets, name by name as with buildx on the same engine."""
import os
import shutil
import socket
import stat
import subprocess
import tarfile
import unittest

import depot_test
from depot_test import TestCase, tool, unique

ROOT = os.getuid() == 0


def make_socket(path):
    """By a short name: the path of a socket has no more than 107 bytes."""
    here = os.getcwd()
    os.chdir(os.path.dirname(path))
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(os.path.basename(path))
    finally:
        os.chdir(here)


class Compared(TestCase):
    """depot and buildx on one engine."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.buildx_env = dict(cls.home.env, BUILDX_CONFIG=cls.home.path("buildx"), BUILDX_BUILDER="it")
        subprocess.run([tool("buildx"), "create", "--name", "it", "--driver", "remote",
                        os.environ["DEPOT_TEST_AMD64"]], env=cls.buildx_env, check=True, capture_output=True)

    def buildx(self, *args):
        return subprocess.run([tool("buildx"), "build", "--progress=plain", *args], env=self.buildx_env,
                              capture_output=True, timeout=90, check=False)

    def both(self, ctx, *args):
        """Exit codes of buildx and depot, and what both made: a list of members of a tar."""
        trees = []
        d = self.tmp()
        for run in (self.buildx, lambda *a: self.build("--plain", *a)):
            path = "%s/%d.tar" % (d, len(trees))
            r = run("-o", "type=tar,dest=" + path, *args, ctx)
            trees.append((getattr(r, "returncode", getattr(r, "code", None)), self.members(path)))
            last = r
        self.assertEqual(trees[0], trees[1], str(last))
        return trees[1]

    @staticmethod
    def members(path):
        if not os.path.exists(path):
            return None
        with tarfile.open(path, errors="surrogateescape") as t:
            return [(m.name, m.type, oct(m.mode), m.size, m.linkname, m.devmajor, m.devminor,
                     sorted((k, v) for k, v in m.pax_headers.items() if "xattr" in k)) for m in t]

    def scratch(self, copy, make):
        ctx = self.tmp()
        self.write(ctx + "/Dockerfile", "FROM scratch\n" + copy)
        make(ctx)
        return ctx

    @staticmethod
    def odd(ctx):
        os.mkfifo(ctx + "/fifo")
        os.link(ctx + "/fifo", ctx + "/fifo2")
        make_socket(ctx + "/sock")
        os.link(ctx + "/sock", ctx + "/sock2")
        os.mkdir(ctx + "/sticky")
        os.chmod(ctx + "/sticky", 0o1777)
        TestCase.write(ctx + "/setuid", "x")
        os.chmod(ctx + "/setuid", 0o6755)
        os.link(ctx + "/setuid", ctx + "/linked")
        os.symlink("nowhere", ctx + "/dangling")
        TestCase.write(ctx + "/closed", "x")
        os.chmod(ctx + "/closed", 0o400)
        TestCase.write(ctx + "/empty", "")
        if ROOT:
            os.mknod(ctx + "/char", stat.S_IFCHR | 0o600, os.makedev(1, 3))
            os.mknod(ctx + "/block", stat.S_IFBLK | 0o600, os.makedev(7, 99))

    def test_a_whole_context_of_odd_files(self):
        code, tree = self.both(self.scratch("COPY . /\n", self.odd))
        self.assertEqual(code, 0)
        self.assertIn(("sock", tarfile.REGTYPE, 0), [(m[0], m[1], m[3]) for m in tree])

    def test_odd_files_by_their_names(self):
        names = ["fifo", "sock", "sock2", "setuid", "empty"] + (["char", "block"] if ROOT else [])
        code, tree = self.both(self.scratch("".join("COPY %s /x/\n" % n for n in names), self.odd))
        self.assertEqual(code, 0)
        self.assertEqual(len(tree), len(names) + 1)

    def test_names_that_are_not_utf8(self):
        def make(ctx):
            with open(os.fsencode(ctx) + b"/\xff\xfe", "wb"):
                pass
            os.symlink(b"\xfe\xff", os.fsencode(ctx) + b"/link")
        self.assertEqual(self.both(self.scratch("COPY . /\n", make))[0], 0)

    def test_extended_attributes(self):
        def make(ctx):
            self.write(ctx + "/f", "x")
            os.mkdir(ctx + "/d")
            try:
                os.setxattr(ctx + "/f", "user.a", b"\xff\x00b")
                os.setxattr(ctx + "/d", "user.dir", b"")
            except OSError as e:
                self.skipTest("no extended attributes here: %s" % e)
        code, tree = self.both(self.scratch("COPY . /\n", make))
        self.assertEqual(code, 0)
        self.assertEqual(sum(len(m[-1]) for m in tree), 2)

    def test_paths_that_are_too_long(self):
        def make(ctx):
            here = os.getcwd()
            os.chdir(ctx)
            for _ in range(22):
                os.mkdir("d" * 200)
                os.chdir("d" * 200)
            os.chdir(here)
        ctx = self.scratch("COPY . /\n", make)
        self.addCleanup(subprocess.run, ["rm", "-rf", ctx])
        self.assertEqual(self.both(ctx)[0], 1)
        self.assertRegex(self.build(ctx).text, "the path .*ddd.* is too long")

    def test_an_output_directory(self):
        """Hard links, links that lead outside, modes, times, FIFOs, devices."""
        run = "; ".join((
            "mkdir /o", "cd /o", "/bin/busybox mkfifo -m 640 fifo", "echo hi > f", "ln f g",
            "chmod 4755 f", "ln -s /etc/passwd abs", "ln -s ../../up rel", "mkdir d ro", "chmod 1777 d", "echo x > ro/x",
            "chmod 500 ro", "echo > zero", "chmod 0 zero", "/bin/busybox touch -d '1999-01-01 00:00:00' f",
            "/bin/busybox mknod n c 1 3" if ROOT else "true", "true # " + unique()))
        ctx = self.context("RUN %s\nFROM scratch\nCOPY --from=0 /o /\n" % run)
        trees = []
        for run in (self.buildx, self.build):
            d = self.tmp() + "/o"
            run("-o", d, ctx)
            trees.append(self.tree(d))
        self.assertEqual(trees[0], trees[1])
        self.assertGreater(len(trees[1]), 9)

    @staticmethod
    def tree(top):
        out = []
        for where, dirs, files in os.walk(top):
            for name in dirs + files:
                path = os.path.join(where, name)
                s = os.lstat(path)
                out.append((os.path.relpath(path, top), oct(s.st_mode), s.st_nlink, s.st_rdev,
                            0 if stat.S_ISDIR(s.st_mode) else s.st_size, s.st_mtime_ns,
                            os.readlink(path) if os.path.islink(path) else ""))
        return sorted(out)

    def test_an_output_over_links_of_the_directory(self):
        """What leads out of it is replaced, not followed."""
        ctx = self.context("COPY bin/busybox /d/f\nCOPY bin/busybox /g\n")
        ctx_file = os.path.join(ctx, "Dockerfile")
        self.write(ctx_file, "FROM scratch\nCOPY Dockerfile /d/f\nCOPY Dockerfile /g\n")
        d, outside = self.tmp(), self.tmp()
        self.write(outside + "/g", "mine")
        os.symlink(outside, d + "/d")
        os.symlink(outside + "/g", d + "/g")
        r = self.build("-o", d, ctx)
        self.assertNotRegex(r.text, depot_test.SANITIZER)
        self.assertEqual(r.code, 0, str(r))
        self.assertEqual(os.listdir(outside), ["g"])
        self.assertEqual(self.read(outside, "g"), b"mine")
        self.assertTrue(os.path.isfile(d + "/d/f") and not os.path.islink(d + "/d"))


@unittest.skipUnless(ROOT and shutil.which("setpriv"), "needs root and setpriv")
class OutOfReach(TestCase):
    """As a user whom permissions hold: an error that names the path, or nothing is missing."""

    def setUp(self):
        self.ctx = self.tmp()
        for d in (self.home.dir, self.ctx):
            os.chmod(d, 0o755)
        self.user = self.new_home()
        subprocess.run(["chown", "-R", "65534:65534", self.user.dir], check=True)
        port = depot_test.free_port()
        self.write(self.user.path("token"), "t" * 32 + "\n")
        self.user.daemon("--listen", "tcp://127.0.0.1:%d" % port, "--token-file", self.user.path("token"))
        self.flags = ["--url", "tcp://127.0.0.1:%d" % port, "--token", "t" * 32]
        os.mkdir(self.ctx + "/shut")
        self.write(self.ctx + "/shut/f.txt", "x")
        self.write(self.ctx + "/open/f.txt", "x")
        os.chmod(self.ctx + "/shut", 0o700)

    def as_user(self, dockerfile, ignore=None, shut=None):
        self.write(self.ctx + "/Dockerfile", "FROM scratch\n" + dockerfile)
        if ignore is not None:
            self.write(self.ctx + "/.dockerignore", ignore)
        if shut is not None:
            os.chmod(os.path.join(self.ctx, shut), 0o600)
        try:
            return self.run_as_user()
        finally:
            if shut is not None:
                os.chmod(os.path.join(self.ctx, shut), 0o644)

    def run_as_user(self):
        argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", depot_test.DEPOT, "build", *self.flags,
                "-o", self.user.path("out"), self.ctx]
        p = subprocess.run(argv, env=self.user.env, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
        return depot_test.Result(argv, p.returncode, p.stdout, p.stderr)

    def test_a_directory(self):
        for dockerfile, ignore in (("COPY . /\n", None), ("COPY shut/f.txt /\n", None), ("COPY shut/*.txt /\n", None),
                                   ("COPY */f.txt /\n", None), ("COPY . /\n", "shut\n!shut/f.txt\n"),
                                   ("COPY . /\n", "shut\n!**/f.txt\n")):
            with self.subTest(dockerfile=dockerfile, ignore=ignore):
                self.bad(self.as_user(dockerfile, ignore), 1, "cannot read directory .*/shut: Permission denied")

    def test_a_directory_that_is_not_wanted(self):
        """Also where a pattern could not match below it: buildx looks into it all the same, and fails."""
        for dockerfile, ignore in (("COPY open /\n", None), ("COPY open/*.txt /\n", None), ("COPY D*file /\n", None),
                                   ("COPY . /\n", "*\n!open/**/*.txt\n"), ("COPY . /\n", "shut\n")):
            with self.subTest(dockerfile=dockerfile, ignore=ignore):
                self.good(self.as_user(dockerfile, ignore))

    def test_a_directory_that_can_be_listed_only(self):
        os.chmod(self.ctx + "/shut", 0o744)
        self.bad(self.as_user("COPY . /\n"), 1, r"cannot read file .*/shut/f\.txt: Permission denied")

    def test_files(self):
        """buildx sends them empty, and says nothing."""
        os.chmod(self.ctx + "/shut", 0o755)
        for name in ("shut/f.txt", "Dockerfile", ".dockerignore"):
            with self.subTest(name):
                self.bad(self.as_user("COPY . /\n", "x\n", name), 1,
                         "cannot read file .*/%s: Permission denied" % name.replace(".", r"\."))

    def test_a_device_in_the_result(self):
        """A user cannot make one: the output says which, and fails."""
        self.write(self.ctx + "/.dockerignore", "shut\n")
        os.mknod(self.ctx + "/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        self.bad(self.as_user("COPY null /\n"), 1, "cannot make special file output .*/out/null: Operation not permitted")


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "buildx")
    depot_test.main()
