"""One archive of several platforms, each made by a builder of its own; and directories they share."""
import hashlib
import io
import json
import os
import signal
import stat
import subprocess
import tarfile
import threading
import time
import unittest

import depot_test
from depot_test import TestCase, unique
from registry_test import Registry

NAMES = ("-t", "app:1", "-t", "localhost:5000/team/app:2")
EPOCH = ("--build-arg", "SOURCE_DATE_EPOCH=1700000000")
DOCKERFILE = "FROM scratch\nARG TARGETARCH\nLABEL of=$TARGETARCH q=\"<&>\"\nCOPY common /d/common\nCOPY $TARGETARCH /d/own\n"


class Layout:
    """An archive of type oci or docker; every blob that it leads to is checked."""

    def __init__(self, data):
        with tarfile.open(fileobj=io.BytesIO(data)) as t:
            self.members = [m.name for m in t]
            self.files = {m.name: t.extractfile(m).read() for m in t if m.isfile()}
        self.top = json.loads(self.files["index.json"])["manifests"]
        self.index = self.blob(self.top[0])
        self.images = [m for m in self.index["manifests"] if not self.attests(m)]
        self.attestations = [m for m in self.index["manifests"] if self.attests(m)]
        self.seen = {self.top[0]["digest"]}
        for m in self.index["manifests"]:
            manifest = self.blob(m)
            for child in [manifest["config"]] + manifest["layers"]:
                self.raw(child)

    @staticmethod
    def attests(descriptor):
        return (descriptor.get("annotations") or {}).get("vnd.docker.reference.type") == "attestation-manifest"

    def raw(self, descriptor):
        data = self.files["blobs/sha256/" + descriptor["digest"][7:]]
        assert "sha256:" + hashlib.sha256(data).hexdigest() == descriptor["digest"], descriptor
        assert len(data) == descriptor["size"], descriptor
        if hasattr(self, "seen"):
            self.seen.add(descriptor["digest"])
        return data

    def blob(self, descriptor):
        return json.loads(self.raw(descriptor))

    @property
    def platforms(self):
        return ["%(os)s/%(architecture)s" % m["platform"] for m in self.images]

    @property
    def names(self):
        return [m["annotations"]["io.containerd.image.name"] for m in self.top]


class Archives(TestCase):
    """Two builders that can't make each other's platform."""
    PLATFORMS = "linux/riscv64,linux/s390x"

    @classmethod
    def builder_list(cls):
        return [("rv", os.environ["DEPOT_TEST_RISCV64"]), ("s3", os.environ["DEPOT_TEST_S390X"])]

    def plain(self, text=DOCKERFILE, size=0):
        ctx = self.tmp()
        self.write(ctx + "/Dockerfile", text)
        self.write(ctx + "/common", unique())
        for arch in ("riscv64", "s390x"):
            self.write("%s/%s" % (ctx, arch), os.urandom(size) or arch)
        return ctx

    def archive(self, *args, ctx=None, **kw):
        return self.build("--platform", self.PLATFORMS, *args, ctx or self.plain(), **kw)

    def left(self, folder):
        return sorted(os.listdir(folder))

    # ---- what it is for ----

    def test_an_archive_for_nobody_is_an_error(self):
        ctx = self.context("FROM scratch\nCOPY f /f\n", {"f": "1"})
        for kind in ("oci", "docker", "tar"):
            line = "exec >&-; exec %s build --plain -o type=%s,dest=- %s" % (depot_test.DEPOT, kind, ctx)
            p = subprocess.run(line, shell=True, env=self.home.environ({}), capture_output=True, check=False)
            self.assertNotEqual(p.returncode, 0, p.stderr)
            self.assertIn(b"cannot write the output", p.stderr)

    def test_oci_is_one_layout_of_both(self):
        d = self.tmp()
        r = self.good(self.archive("-o", "type=oci,dest=%s/new/a.tar" % d, *NAMES, "--iidfile", d + "/iid",
                                   "--metadata-file", d + "/meta"))
        self.assertNotIn("emulated", r.text)
        self.assertEqual(sorted(self.home.builds()[0]["builders"]), ["rv", "s3"])
        a = Layout(self.read(d, "new/a.tar"))
        self.assertEqual(a.platforms, self.PLATFORMS.split(","))
        self.assertEqual(a.names, ["docker.io/library/app:1", "localhost:5000/team/app:2"])
        self.assertEqual(a.members, sorted(a.members))
        # 2 folders; index, 2 manifests, 2 configs, 2 layers of each; index.json and oci-layout
        self.assertEqual(len(a.seen) + 4, len(a.members))
        self.assertEqual(self.read(d, "iid").decode(), a.top[0]["digest"])
        meta = json.loads(self.read(d, "meta"))
        self.assertEqual(meta["containerimage.digest"], a.top[0]["digest"])
        self.assertEqual(meta["containerimage.descriptor"]["size"], a.top[0]["size"])
        self.assertEqual(meta["image.name"], ",".join(a.names))
        self.assertEqual(sorted(meta["depot.platforms"]), self.PLATFORMS.split(","))
        self.assertEqual(self.left(d + "/new"), ["a.tar"])

    def test_attestations_of_each_platform(self):
        d = self.tmp()
        self.good(self.archive("-o", "type=oci,dest=%s/a.tar" % d, "--provenance=true"))
        a = Layout(self.read(d, "a.tar"))
        self.assertEqual([m["annotations"]["vnd.docker.reference.digest"] for m in a.attestations],
                         [m["digest"] for m in a.images])
        self.assertEqual([m["platform"]["os"] for m in a.attestations], ["unknown"] * 2)

    def test_annotations_go_where_they_belong(self):
        d = self.tmp()
        self.good(self.archive("-o", "type=oci,annotation[linux/s390x].own=1,annotation-index.whole=2,"
                                     "annotation-index-descriptor.top=3,dest=%s/a.tar" % d))
        a = Layout(self.read(d, "a.tar"))
        self.assertEqual([a.blob(m).get("annotations") for m in a.images], [None, {"own": "1"}])
        self.assertEqual(a.index["annotations"], {"whole": "2"})
        self.assertEqual(a.top[0]["annotations"]["top"], "3")

    def test_tar_has_a_folder_for_each(self):
        ctx, d = self.plain(), self.tmp()
        self.good(self.archive("-o", "type=tar,dest=%s/a.tar" % d, ctx=ctx))
        with tarfile.open(d + "/a.tar") as t:
            self.assertEqual(t.getnames(), ["linux_%s%s" % (arch, rest) for arch in ("riscv64", "s390x")
                                            for rest in ("", "/d", "/d/common", "/d/own")])
            self.assertEqual(t.extractfile("linux_s390x/d/own").read(), b"s390x")
        r = self.good(self.archive("-o", "-", ctx=ctx))
        self.assertEqual(r.out, self.read(d, "a.tar"))

    def test_docker_s_format_of_two_platforms(self):
        d = self.tmp()
        self.good(self.archive("-o", "type=docker,dest=%s/a.tar" % d, *NAMES))
        a = Layout(self.read(d, "a.tar"))
        self.assertEqual(a.platforms, self.PLATFORMS.split(","))
        manifest = json.loads(a.files["manifest.json"])
        first = a.blob(a.images[0])
        self.assertEqual(manifest, [{"Config": "blobs/sha256/" + first["config"]["digest"][7:],
                                     "RepoTags": ["app:1", "localhost:5000/team/app:2"],
                                     "Layers": ["blobs/sha256/" + b["digest"][7:] for b in first["layers"]]}])

    def test_several_outputs_at_once(self):
        d = self.tmp()
        self.good(self.archive("-o", "type=oci,dest=%s/oci" % d, "-o", "type=tar,dest=%s/tar" % d, "-o", d + "/dir",
                               "-o", "type=docker,dest=%s/docker" % d))
        self.assertEqual(self.left(d), ["dir", "docker", "oci", "tar"])
        self.assertEqual(Layout(self.read(d, "oci")).index, Layout(self.read(d, "docker")).index)

    def test_beside_a_push(self):
        registry, d = Registry(), self.tmp()
        self.addCleanup(registry.close)
        repository = "it/" + unique()[:8]
        self.good(self.archive("-o", "type=oci,dest=%s/a.tar" % d, "--push", "-t",
                               "localhost:%d/%s:1" % (registry.port, repository), "--metadata-file", d + "/meta",
                               env={"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}))
        a = Layout(self.read(d, "a.tar"))
        self.assertEqual(a.top[0]["digest"], registry.digest(repository, "1"))
        self.assertEqual(json.loads(self.read(d, "meta"))["containerimage.digest"], a.top[0]["digest"])
        self.assertEqual(sorted(self.home.builds()[0]["builders"]), ["rv", "s3"])

    def test_a_pipe_that_is_read_gets_it_all(self):
        fifo = self.tmp() + "/fifo"
        os.mkfifo(fifo)
        got = []

        def read():
            with open(fifo, "rb") as f:
                got.append(f.read())
        reader = threading.Thread(target=read)
        reader.start()
        self.good(self.archive("-o", "type=oci,dest=" + fifo, ctx=self.plain(size=300000)))
        reader.join(20)
        self.assertEqual(Layout(got[0]).platforms, self.PLATFORMS.split(","))
        self.assertTrue(stat.S_ISFIFO(os.stat(fifo).st_mode))

    def test_a_long_join_tells_how_far_it_is(self):
        argv = [depot_test.DEPOT, "build", "--plain", "--platform", self.PLATFORMS, "-o", "type=oci,dest=-", self.plain(size=2000000)]
        p = subprocess.Popen(argv, env=self.home.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        first = p.stdout.read(10)
        time.sleep(1.5)
        out, err = p.communicate(timeout=20)
        self.assertEqual(p.returncode, 0, err)
        self.assertRegex(err.decode(), r"depot: joining what 2 builders sent \(\d+ MB\): \d\d? %\n")
        self.assertEqual(Layout(first + out).platforms, self.PLATFORMS.split(","))

    # ---- whole or not at all ----

    def test_a_platform_that_fails_leaves_what_was_there(self):
        d = self.tmp()
        self.write(d + "/a.tar", "before")
        for kind in ("oci", "tar", "docker"):
            ctx = self.plain("FROM scratch AS riscv64\nCOPY common /\nFROM scratch AS s390x\nCOPY missing /\nFROM $TARGETARCH\n")
            self.bad(self.archive("-o", "type=%s,dest=%s/a.tar" % (kind, d), ctx=ctx), 1, "missing")
            self.assertEqual(self.left(d), ["a.tar"])
            self.assertEqual(self.read(d, "a.tar"), b"before")

    def test_interrupted_while_nobody_reads_on(self):
        argv = [depot_test.DEPOT, "build", "--platform", self.PLATFORMS, "-o", "type=oci,dest=-", self.plain(size=400000)]
        p = subprocess.Popen(argv, env=self.home.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(p.stdout.read(10), b"blobs/\0\0\0\0")
        time.sleep(0.3)
        p.send_signal(signal.SIGINT)
        began = time.monotonic()
        self.assertEqual(p.wait(20), 130)
        self.assertLess(time.monotonic() - began, 3)
        self.assertNotRegex(p.stderr.read().decode(), depot_test.SANITIZER)
        p.stdout.close()
        p.stderr.close()

    def test_a_reader_that_goes_away(self):
        argv = [depot_test.DEPOT, "build", "--platform", self.PLATFORMS, "-o", "type=oci,dest=-", self.plain(size=400000)]
        p = subprocess.Popen(argv, env=self.home.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(p.stdout.read(10), b"blobs/\0\0\0\0")
        p.stdout.close()
        text = p.stderr.read().decode()
        self.assertEqual(p.wait(20), 1, text)
        self.assertIn("went away", text)
        p.stderr.close()

    @unittest.skipUnless(os.getuid() == 0, "mounting needs root")
    def test_a_full_disk(self):
        mnt, d = self.home.path("mnt"), self.tmp()
        os.makedirs(mnt, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", mnt], check=True)
        try:
            for kind in ("oci", "tar"):
                r = self.bad(self.archive("-o", "type=%s,dest=%s/a.tar" % (kind, mnt), ctx=self.plain(size=300000)), 1,
                             "[Nn]o space left")
                self.assertIn(mnt + "/a.tar", r.text)
                self.assertEqual(self.left(mnt), [])
                r = self.bad(self.archive("-o", "type=%s,dest=%s/a.tar" % (kind, d), ctx=self.plain(size=300000),
                                          env={"TMPDIR": mnt}), 1, "temporary file", "[Nn]o space left")
                self.assertEqual(self.left(d), [])
                self.assertEqual(r.text.count("depot: "), 1, str(r))
        finally:
            subprocess.run(["umount", "-l", mnt], check=False)

    def test_an_archive_that_cannot_be_written(self):
        self.bad(self.archive("-o", "type=oci,dest=/proc/nope/a.tar"), 1, "/proc/nope")

    # ---- directories ----

    def test_no_two_platforms_write_one_file(self):
        d = self.tmp()
        r = self.bad(self.archive("-o", "type=local,platform-split=false,dest=" + d + "/o"), 1,
                     "cannot overwrite d/(common|own) from linux/(riscv64|s390x)", "platform-split")
        self.assertEqual(r.text.count("depot: "), 1, str(r))
        apart = self.plain("FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /d/\n")
        self.good(self.archive("-o", "type=local,platform-split=false,dest=" + d + "/p", ctx=apart))
        self.assertEqual(self.left(d + "/p/d"), ["riscv64", "s390x"])
        self.good(self.archive("-o", "type=local,platform-split=false,dest=" + d + "/p", ctx=apart))


class BesideOne(TestCase):
    """What one builder makes of both platforms is the measure: the bytes are the same."""
    builders = ("amd64", "arm64")
    PLATFORMS = "linux/amd64,linux/arm64"

    def compare(self, output, *args, platforms=PLATFORMS):
        ctx, made = self.tmp(), []
        self.write(ctx + "/Dockerfile", DOCKERFILE)
        self.write(ctx + "/common", unique())
        for arch in ("amd64", "arm64", "386"):
            self.write("%s/%s" % (ctx, arch), arch)
        one = self.new_home([("one", os.environ["DEPOT_TEST_AMD64"])])
        for home in (self.home, one):
            dest = self.tmp() + "/a.tar"
            # Provenance would tell when each was made.
            self.good(home.depot("build", "--platform", platforms, "--provenance=false", *EPOCH, *args, "-o",
                                 output + ",dest=" + dest, ctx))
            made.append(self.read(dest))
        self.assertEqual(len(self.home.builds()[0]["builders"]), 2)
        self.assertEqual(len(one.builds()[0]["builders"]), 1)
        self.assertEqual(hashlib.sha256(made[0]).hexdigest(), hashlib.sha256(made[1]).hexdigest())
        return made[0]

    def test_oci(self):
        self.compare("type=oci,rewrite-timestamp=true", *NAMES)

    def test_without_names_in_another_order(self):
        self.compare("type=oci,rewrite-timestamp=true", platforms="linux/arm64,linux/amd64")

    def test_compressed_otherwise(self):
        self.compare("type=oci,rewrite-timestamp=true,compression=zstd,force-compression=true", *NAMES)

    def test_docker_s_media_types(self):
        self.compare("type=oci,rewrite-timestamp=true,oci-mediatypes=false", *NAMES)

    def test_annotations(self):
        self.compare("type=oci,rewrite-timestamp=true,annotation-index.a=<b>&,annotation-index-descriptor.c=<d>,"
                     "annotation[linux/arm64].e=f,annotation-manifest-descriptor.g=h")

    def test_tar(self):
        self.compare("type=tar")

    def test_docker(self):
        self.compare("type=docker,rewrite-timestamp=true", *NAMES)

    def test_docker_s_format_with_attestations(self):
        for platforms in (self.PLATFORMS, "linux/amd64"):
            dest = self.tmp() + "/a.tar"
            self.good(self.build("--platform", platforms, "--provenance=true", *NAMES, "-o", "type=docker,dest=" + dest,
                                 self.context("LABEL a=b\n")))
            a = Layout(self.read(dest))
            self.assertEqual(a.platforms, platforms.split(","))
            self.assertEqual(len(a.attestations), len(a.images))
            self.assertEqual(json.loads(a.files["manifest.json"])[0]["RepoTags"], ["app:1", "localhost:5000/team/app:2"])

    def test_three_platforms_on_two_builders(self):
        for output in ("type=oci,rewrite-timestamp=true,annotation[linux/386].k=v", "type=tar"):
            self.compare(output, platforms="linux/amd64,linux/arm64,linux/386")

    @unittest.skipUnless(os.environ.get("DEPOT_TEST_DOCKER"), "needs a Docker Engine")
    def test_a_docker_engine_loads_it(self):
        name = "depot-it/%s:1" % unique()[:8]
        data = self.compare("type=docker,rewrite-timestamp=true", "-t", name)
        host = os.environ["DEPOT_TEST_DOCKER"].replace("docker+", "")
        r = subprocess.run(["docker", "-H", host, "load"], input=data, capture_output=True, check=False)
        self.assertIn(name.encode(), r.stdout, r)
        arch = subprocess.run(["docker", "-H", host, "image", "inspect", "--format", "{{.Architecture}}", name],
                              capture_output=True, check=True).stdout.strip().decode()
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, "amd64")
        self.assertEqual(arch, machine)
        subprocess.run(["docker", "-H", host, "rmi", name], capture_output=True, check=False)


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "DEPOT_TEST_ARM64", "DEPOT_TEST_RISCV64", "DEPOT_TEST_S390X")
    unittest.main()
