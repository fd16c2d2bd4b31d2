"""Files that depot writes for its user: whole or not at all, and only where a file belongs."""
import json
import os
import signal
import socket
import stat
import subprocess
import tarfile
import threading
import time
import unittest

import depot_test
from depot_test import TestCase, unique

ROOT = os.getuid() == 0
# What writes a file, as flags; the image output is there for those that need one.
WRITERS = {
    "record": lambda f, d: ("--record", f),
    "iidfile": lambda f, d: ("--iidfile", f, "-o", "type=image"),
    "metadata-file": lambda f, d: ("--metadata-file", f),
    "tar": lambda f, d: ("-o", "type=tar,dest=" + f),
    "oci": lambda f, d: ("-o", "type=oci,dest=" + f),
    "docker": lambda f, d: ("-o", "type=docker,dest=" + f),
}


class Places(TestCase):
    """Each writer, and each thing that may be in the place of its file."""

    def each(self):
        for name, flags in WRITERS.items():
            with self.subTest(name):
                d = self.tmp()
                self.name = name
                yield d + "/f", lambda f, flags=flags, d=d, **kw: self.build(
                    *flags(f, d), self.context("COPY bin /b\n"), **kw), d

    def assert_alone(self, d, *names):
        self.assertEqual(sorted(os.listdir(d)), sorted(names), "left behind")

    def test_nothing_and_a_file(self):
        for f, build, d in self.each():
            os.umask(0o022)
            self.good(build(f))
            self.assertEqual(stat.S_IMODE(os.stat(f).st_mode), 0o644)
            size = os.stat(f).st_size
            self.assertGreater(size, 20)
            self.write(f, "x" * (size + 100000))
            os.chmod(f, 0o600)
            self.good(build(f))
            self.assertEqual(stat.S_IMODE(os.stat(f).st_mode), 0o644 if self.name == "iidfile" else 0o600)
            self.assertLess(os.stat(f).st_size, size + 100000)
            self.assert_alone(d, "f")

    @unittest.skipUnless(ROOT, "mknod needs root")
    def test_a_device_stays_one(self):
        for f, build, d in self.each():
            os.mknod(f, stat.S_IFCHR | 0o600, os.makedev(1, 3))
            self.good(build(f))
            self.assertTrue(stat.S_ISCHR(os.lstat(f).st_mode))
            self.assert_alone(d, "f")

    @unittest.skipUnless(ROOT, "mknod needs root")
    def test_a_device_that_is_full(self):
        for f, build, d in self.each():
            os.mknod(f, stat.S_IFCHR | 0o600, os.makedev(1, 7))
            r = self.bad(build(f), 1, "cannot write the .*%s: No space left" % f)
            self.assertEqual(r.text.count("depot: "), 1, str(r))
            self.assertTrue(stat.S_ISCHR(os.lstat(f).st_mode))
            self.assert_alone(d, "f")

    def test_a_fifo_that_nobody_reads_can_be_left(self):
        for f, build, d in self.each():
            if self.name == "record":
                continue  # waits before anything else
            os.mkfifo(f)
            p = self.home.start("build", "--plain", *WRITERS[self.name](f, d), self.context("COPY bin /b\n"))
            depot_test.eventually(lambda p=p: b"exporting" in p.err or b"CACHED" in p.err)
            time.sleep(0.5)
            self.assertIsNone(p.process.poll())
            p.signal(signal.SIGINT)
            self.assertIn(p.wait(15).code, (130, -signal.SIGINT))
            self.assert_alone(d, "f")

    def test_a_fifo_gets_it(self):
        for f, build, d in self.each():
            os.mkfifo(f)
            got = []

            def read(f=f, got=got):
                with open(f, "rb") as p:
                    got.append(p.read())
            t = threading.Thread(target=read)
            t.start()
            self.good(build(f))
            t.join(30)
            self.assertGreater(len(got[0]), 20)
            self.assertTrue(stat.S_ISFIFO(os.lstat(f).st_mode))
            self.assert_alone(d, "f")

    def test_a_link_stays_one(self):
        for f, build, d in self.each():
            os.symlink("real", f)
            self.good(build(f))  # real is made
            self.good(build(f))  # and replaced
            self.assertTrue(os.path.islink(f))
            self.assertTrue(stat.S_ISREG(os.lstat(d + "/real").st_mode))
            self.assert_alone(d, "f", "real")

    def test_a_directory_and_a_socket_are_refused_at_once(self):
        for f, build, d in self.each():
            os.mkdir(f)
            r = self.bad(build(f), 2, "it is a directory")
            self.assertNotIn("#1 ", r.text)
            os.rmdir(f)
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(f)
                self.bad(build(f), 2, "it is a socket")
            self.assertTrue(stat.S_ISSOCK(os.lstat(f).st_mode))
            self.assert_alone(d, "f")

    def test_a_descriptor_of_ours(self):
        """/dev/stdout that goes into a file: what is in it already is not lost."""
        d = self.tmp()
        with open(d + "/out", "wb") as out:
            out.write(b"before\n")
            out.flush()
            argv = [depot_test.DEPOT, "build", "-q", "--metadata-file", "/dev/stdout", "-o", "type=image",
                    self.context("COPY bin /b\n")]
            p = subprocess.run(argv, env=self.home.env, stdin=subprocess.DEVNULL, stdout=out,
                               stderr=subprocess.PIPE, timeout=60, check=False)
        self.assertEqual(p.returncode, 0, p.stderr)
        text = self.read(d, "out").decode()
        self.assertRegex(text, r"\Abefore\n\{(.|\n)*\}\n?sha256:[0-9a-f]{64}\n\Z")
        self.assert_alone(d, "out")


class Outputs(TestCase):
    def test_parents_are_made(self):
        for kind in ("tar", "oci", "docker"):
            d = self.tmp()
            self.good(self.build("-o", "type=%s,dest=%s/new/dir/x.tar" % (kind, d), self.context("COPY bin /b\n")))
            self.assertTrue(tarfile.is_tarfile(d + "/new/dir/x.tar"))
        d = self.tmp()
        self.good(self.build("-o", d + "/new/dir", self.context("COPY bin /b\n")))
        self.assertTrue(os.path.exists(d + "/new/dir/b/busybox"))

    def test_parents_of_other_files_are_not_made(self):
        d = self.tmp()
        for flags in (("--iidfile", d + "/a/f", "-o", "type=image"), ("--metadata-file", d + "/a/f"),
                      ("--record", d + "/a/f")):
            r = self.bad(self.build(*flags, self.context("")), 1, "a/f: No such file or directory")
            self.assertNotIn("#1 ", r.text)
        self.assertEqual(os.listdir(d), [])

    def test_two_outputs_into_one_file_are_refused(self):
        d = self.tmp()
        r = self.bad(self.build("-o", "type=tar,dest=%s/x" % d, "-o", "type=oci,dest=%s/x" % d, self.context("")), 2,
                     "two outputs go to %s/x" % d)
        self.assertNotIn("#1 ", r.text)

    def test_a_failed_build_leaves_nothing(self):
        d = self.tmp()
        self.bad(self.build("-o", "type=tar,dest=%s/n/x.tar" % d, "--metadata-file", d + "/m",
                            self.context("RUN exit 7 # %s\n" % unique())), 1)
        self.assertEqual(os.listdir(d), [])

    def test_cancelled_leaves_nothing(self):
        """While the archive comes: its temporary file goes, the old one stays."""
        ctx = self.context("RUN /bin/busybox dd if=/dev/zero of=/big bs=1M count=600 2>/dev/null # %s\n" % unique())
        for signum, times in ((signal.SIGINT, 1), (signal.SIGINT, 2), (signal.SIGTERM, 1), (signal.SIGHUP, 1)):
            with self.subTest(signal=signum, times=times):
                d = self.tmp()
                self.write(d + "/x.tar", "old")
                p = self.home.start("build", "--plain", "-o", "type=tar,dest=%s/x.tar" % d, "--record", d + "/r", ctx)
                depot_test.eventually(lambda d=d: len(os.listdir(d)) > 2)
                for _ in range(times):
                    p.signal(signum)
                self.assertEqual(p.wait().code, 130)
                self.assertEqual(sorted(os.listdir(d)), ["r", "x.tar"])
                self.assertEqual(self.read(d, "x.tar"), b"old")

    def test_two_that_record_to_one_file(self):
        d = self.tmp()
        ctx = self.context("RUN for i in 1 2 3 4 5 6; do echo $i; /bin/busybox sleep 0.2; done # %s\n" % unique())
        runs = [self.home.start("build", "--record", d + "/r", "--plain", ctx) for _ in range(2)]
        for p in runs:
            self.good(p.wait())
        self.assertEqual(os.listdir(d), ["r"])
        builds = {json.loads(line).get("build") for line in self.read(d, "r").splitlines()}
        self.assertEqual(len(builds - {None}), 1, "lines of two builds")

    def test_a_build_that_never_was_keeps_the_recording(self):
        d = self.tmp()
        self.write(d + "/r", "precious")
        self.bad(self.build("--record", d + "/r", "--url", "unix:///no/such.sock", self.context("")), 1)
        self.assertEqual(self.read(d, "r"), b"precious")
        self.assertEqual(os.listdir(d), ["r"])

    @unittest.skipUnless(ROOT, "mounting needs root")
    def test_a_recording_on_a_full_disk_fails_the_command(self):
        mnt = self.home.path("mnt")
        os.makedirs(mnt, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", mnt], check=True)
        try:
            self.bad(self.build("--record", mnt + "/r", self.context("COPY bin /b%s\n" % unique())), 1,
                     "cannot write the recording .*No space left")
            self.assertEqual(os.listdir(mnt), [])
        finally:
            subprocess.run(["umount", mnt], check=True)


class Ids(TestCase):
    def test_no_stale_id_survives_a_failure(self):
        d = self.tmp()
        self.write(d + "/iid", "sha256:old")
        self.bad(self.build("--iidfile", d + "/iid", "-o", "type=image", self.context("COPY nope /\n")), 1)
        self.assertEqual(os.listdir(d), [])
        self.write(d + "/iid", "sha256:old")
        self.bad(self.build("--iidfile", d + "/iid", "-o", "type=image", d + "/no/context"), (1, 2))
        self.assertEqual(os.listdir(d), [])

    def test_through_a_link(self):
        d = self.tmp()
        self.write(d + "/real", "sha256:old")
        os.symlink("real", d + "/iid")
        self.bad(self.build("--iidfile", d + "/iid", "-o", "type=image", self.context("COPY nope /\n")), 1)
        self.assertEqual(os.listdir(d), ["iid"])
        self.good(self.build("--iidfile", d + "/iid", "-o", "type=image", self.context("COPY bin /b\n")))
        self.assertRegex(self.read(d, "real"), b"^sha256:[0-9a-f]{64}$")

    def test_refused_where_there_is_none(self):
        d = self.tmp()
        for output in ("type=local,dest=%s/o" % d, "type=tar,dest=%s/x.tar" % d, d + "/o", "-"):
            r = self.bad(self.build("--iidfile", d + "/iid", "-o", output, self.context("")), 2, "--iidfile", "type=image")
            self.assertNotIn("#1 ", r.text)
        self.assertEqual(os.listdir(d), [])

    def test_says_that_no_image_was_made(self):
        d = self.tmp()
        self.write(d + "/iid", "sha256:old")
        r = self.good(self.build("--iidfile", d + "/iid", self.context("COPY bin /b\n")))
        self.assertIn("no ID was written to %s/iid" % d, r.text)
        self.assertEqual(os.listdir(d), [])


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64")
    depot_test.main()
