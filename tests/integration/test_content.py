"""Directories of blobs on the client's machine: local caches, OCI layouts as contexts and as outputs, beside buildx."""
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time

import depot_test
from depot_test import BASE, TestCase, Result, busybox_dir, eventually, tool, unique

# What is random is the same again only when its step came from a cache.
STEPS = ("RUN echo %s; head -c 2000 /dev/urandom > /rand\n"
         "FROM scratch\nCOPY --from=base /rand /rand\n")
BOTH = "linux/amd64,linux/arm64"
REF = "org.opencontainers.image.ref.name"


class Content(TestCase):
    builders = ("amd64", "arm64")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = dict(cls.home.env, BUILDX_CONFIG=cls.home.path("buildx"))
        for name, address in cls.builder_list():
            subprocess.run([tool("buildx"), "create", "--name", name, "--driver", "remote", address],
                           env=cls.env, check=True, capture_output=True)

    def buildx(self, *args, builder="amd64", cwd=None):
        argv = [tool("buildx"), "build", "--builder", builder, "--progress=plain", "--provenance=false", *args]
        p = subprocess.run(argv, env=self.env, capture_output=True, timeout=depot_test.TIMEOUT, check=False, cwd=cwd)
        return Result(argv, p.returncode, p.stdout, p.stderr)

    def forget(self):
        """Empty the builders' own caches."""
        self.good(self.home.depot("prune", "--force", "--all"))

    def rand_context(self, steps=None):
        """A context whose build has a random file; for both platforms."""
        d = self.context("", {})
        for arch in ("amd64", "arm64"):
            os.makedirs(os.path.join(d, "bin", arch))
            shutil.copy(os.path.join(busybox_dir(arch), "busybox"), os.path.join(d, "bin", arch, "busybox"))
        base = BASE.replace("COPY bin/", "ARG TARGETARCH\nCOPY bin/${TARGETARCH}/").replace('SHELL ["/bin/busybox"', (
            'RUN ["/bin/busybox", "--install", "-s", "/bin"]\nSHELL ["/bin/busybox"'))
        self.write(os.path.join(d, "Dockerfile"), base + (steps or STEPS % unique()))
        return d

    def rand(self, context, *args, who=None, name="rand"):
        """What came out, built by depot or by buildx."""
        out = self.tmp()
        self.last = self.good((who or self.build)("-o", out, *args, context))
        return self.read(out, name)

    def check_layout(self, d):
        """An OCI layout in which every blob is what its name says, all that is named is there, and nothing lies about."""
        self.assertEqual(json.loads(self.read(d, "oci-layout"))["imageLayoutVersion"], "1.0.0")
        index = json.loads(self.read(d, "index.json"))
        self.assertEqual(index["schemaVersion"], 2)
        blobs = os.path.join(d, "blobs", "sha256")
        for name in os.listdir(blobs):
            self.assertEqual(hashlib.sha256(self.read(blobs, name)).hexdigest(), name)
        todo = list(index["manifests"])
        while todo:
            desc = todo.pop()
            data = self.read(blobs, desc["digest"].split(":")[1])
            self.assertEqual(len(data), desc["size"])
            if "manifest" in desc["mediaType"] or "index" in desc["mediaType"]:
                m = json.loads(data)
                todo += m.get("manifests", []) + m.get("layers", []) + ([m["config"]] if "config" in m else [])
        self.assertEqual([n for n in os.listdir(d) if n not in ("blobs", "index.json", "oci-layout", "ingest")], [])
        return index["manifests"]


class Cache(Content):
    def test_both_ways_with_buildx(self):
        tools = {"depot": self.build, "buildx": self.buildx}
        for writer, reader in (("depot", "depot"), ("depot", "buildx"), ("buildx", "depot")):
            with self.subTest(writer=writer, reader=reader):
                d, context = os.path.join(self.tmp(), "new", "cache"), self.rand_context()
                first = self.rand(context, "--cache-to", "type=local,mode=max,dest=" + d, who=tools[writer])
                self.check_layout(d)
                self.forget()
                again = self.rand(context, "--cache-from", "type=local,src=" + d, who=tools[reader])
                self.assertEqual(first, again)
                self.forget()
                self.assertNotEqual(first, self.rand(context))

    def test_same_bytes_as_buildx(self):
        context = self.rand_context()
        self.rand(context)
        for attrs in ("", ",mode=max", ",compression=zstd,force-compression=true", ",tag=v1",
                      ",image-manifest=false,oci-mediatypes=true"):
            with self.subTest(attrs=attrs):
                dp, bx = self.tmp(), self.tmp()
                self.good(self.buildx("--cache-to", "type=local,dest=%s%s" % (bx, attrs), context))
                self.good(self.build("--cache-to", "type=local,dest=%s%s" % (dp, attrs), context))
                mine, theirs = self.check_layout(dp), self.check_layout(bx)
                for m in mine:
                    self.assertEqual(m["annotations"].pop("depot.platforms"), "linux/amd64")
                self.assertEqual(mine, theirs)
                self.assertEqual(*(sorted(os.listdir(os.path.join(d, "blobs", "sha256"))) for d in (dp, bx)))

    def test_tags_and_digests(self):
        d, one, two = self.tmp(), self.rand_context(), self.rand_context()
        a = self.rand(one, "--cache-to", "type=local,mode=max,tag=a,dest=" + d)
        b = self.rand(two, "--cache-to", "type=local,mode=max,tag=b,dest=" + d)
        entries = {m["annotations"][REF]: m["digest"] for m in self.check_layout(d)}
        self.assertEqual(sorted(entries), ["a", "b"])
        self.forget()
        self.assertEqual(a, self.rand(one, "--cache-from", "type=local,tag=a,src=" + d))
        self.forget()
        self.assertEqual(b, self.rand(two, "--cache-from", "type=local,src=%s,digest=%s" % (d, entries["b"])))

    def test_a_cache_that_is_not_there(self):
        context = self.rand_context()
        empty = self.tmp()
        for src, why in ((empty + "/none", "cannot read"), (empty, "cannot read"), (empty + ",tag=x", "cannot read")):
            self.bad(self.build("--cache-from", "type=local,src=" + src, context), 0, "is not used: .*" + why)
        self.assertEqual(os.listdir(empty), [])
        self.write(os.path.join(empty, "index.json"), "{")
        self.bad(self.build("--cache-from", "type=local,src=" + empty, context), 0, "not an image index")
        self.bad(self.build("--cache-from", "type=local", context), 2, "needs src=")
        self.bad(self.build("--cache-to", "type=local", context), 2, "needs dest=")
        self.bad(self.build("--cache-to", "type=local,dest=" + context + "/Dockerfile", context), 2, "not a directory")

    def test_several_builders_lose_nothing(self):
        d, context = self.tmp(), self.rand_context()
        names = ("linux_amd64/rand", "linux_arm64/rand")

        def both(*args):
            out = self.tmp()
            self.good(self.build("--platform", BOTH, "-o", out, *args, context))
            return [self.read(out, n) for n in names]
        first = both("--cache-to", "type=local,mode=max,dest=" + d)
        self.assertEqual(sorted(self.home.builds()[0]["builders"]), ["amd64", "arm64"])
        entries = self.check_layout(d)
        self.assertEqual([m["annotations"] for m in entries],
                         [{REF: "latest", "depot.platforms": "linux/" + a} for a in ("amd64", "arm64")])
        self.forget()
        self.assertEqual(first, both("--cache-from", "type=local,src=" + d))
        # One platform is built anew: the other's cache stays.
        self.forget()
        one = self.rand(context, "--platform", "linux/arm64", "--cache-to", "type=local,mode=max,dest=" + d)
        self.assertEqual(len(self.check_layout(d)), 2)
        self.forget()
        self.assertEqual([first[0], one], both("--cache-from", "type=local,src=" + d))
        # buildx reads the entry that is first.
        self.forget()
        self.assertEqual(one, self.rand(context, "--platform", "linux/arm64", "--cache-from", "type=local,src=" + d,
                                        who=lambda *a: self.buildx(*a, builder="arm64")))

    def test_several_caches_of_one_build(self):
        """The engine tells the manifest of one of them; buildx then names it in both directories."""
        one, two, context = self.tmp(), self.tmp(), self.rand_context()
        first = self.rand(context, "--cache-to", "type=local,dest=" + one,
                          "--cache-to", "type=local,mode=max,dest=" + two)
        a, b = self.check_layout(one), self.check_layout(two)
        self.assertNotEqual(a[0]["digest"], b[0]["digest"])
        self.forget()
        self.assertEqual(first, self.rand(context, "--cache-from", "type=local,src=" + one))
        # From one to another, and to itself.
        self.rand(context, "--cache-from", "type=local,src=" + two, "--cache-to", "type=local,mode=max,dest=" + two)
        self.assertEqual(self.check_layout(two), b)

    def test_reset_removes_what_nothing_names(self):
        d = self.tmp()
        self.rand(self.rand_context(), "--cache-to", "type=local,mode=max,dest=" + d)
        self.rand(self.rand_context(), "--cache-to", "type=local,mode=max,tag=other,dest=" + d)
        blobs = os.path.join(d, "blobs", "sha256")
        for name in os.listdir(blobs):
            os.utime(os.path.join(blobs, name), (time.time() - 10,) * 2)
        before = set(os.listdir(blobs))
        context = self.rand_context()
        first = self.rand(context, "--cache-to", "type=local,mode=max,reset=true,dest=" + d)
        named = {m["digest"][7:] for m in self.check_layout(d)}
        self.assertEqual(len(named), 2)
        left = set(os.listdir(blobs))
        self.assertTrue(before - left)
        self.assertTrue(named <= left)
        self.forget()
        self.assertEqual(first, self.rand(context, "--cache-from", "type=local,src=" + d))
        self.bad(self.build("--cache-to", "type=local,reset=x,dest=" + d, context), 2, "reset=x")

    def test_two_builds_at_once(self):
        d, contexts = self.tmp(), [self.rand_context() for _ in range(4)]
        running = [self.home.start("build", "--cache-to", "type=local,mode=max,tag=t%d,dest=%s" % (i, d), c)
                   for i, c in enumerate(contexts)]
        for r in running:
            self.good(r.wait())
        self.assertEqual(sorted(m["annotations"][REF] for m in self.check_layout(d)), ["t0", "t1", "t2", "t3"])

    def test_strange_directories(self):
        context, top = self.rand_context(), self.tmp()
        for name in ("ca che", "k\u00e4se%41", "a=b"):
            with self.subTest(name=name):
                d = os.path.join(top, name)
                first = self.rand(context, "--cache-to", "type=local,mode=max,dest=" + d)
                self.check_layout(d)
                self.forget()
                self.assertEqual(first, self.rand(context, "--cache-from", "type=local,src=" + d))
        self.assertEqual(len(os.listdir(top)), 3)

    def test_nothing_is_followed_out_of_it(self):
        for link in ("blobs", "index.json", "oci-layout", "index.json.lock"):
            with self.subTest(link=link):
                d, other = self.tmp(), self.tmp()
                target = os.path.join(other, "x") if "index" in link or "oci" in link else other
                os.symlink(target, os.path.join(d, link))
                self.bad(self.build("--cache-to", "type=local,dest=" + d, self.rand_context()), (1, 2), link)
                self.assertEqual(os.listdir(other), [])

    def test_cancelled_or_failed_leaves_no_halves(self):
        d = self.tmp()
        context = self.rand_context("RUN echo %s; head -c 400000000 /dev/zero > /z; head -c 60000000 /dev/urandom > /r\n"
                                    % unique())
        r = self.home.start("build", "--cache-to", "type=local,mode=max,compression=uncompressed,dest=" + d, context)
        blobs = os.path.join(d, "blobs", "sha256")

        def halves():
            return [n for n in os.listdir(blobs) if n.startswith(".")] if os.path.isdir(blobs) else []
        self.assertTrue(eventually(halves, step=0.002))
        r.signal(signal.SIGINT)
        self.assertEqual(r.wait().code, 130)
        self.assertEqual(os.listdir(d), ["blobs"])
        for name in os.listdir(blobs):
            self.assertEqual(hashlib.sha256(self.read(blobs, name)).hexdigest(), name)

    def test_what_a_crash_left_goes_and_what_is_broken_is_written_again(self):
        d, context = self.tmp(), self.rand_context()
        first = self.rand(context, "--cache-to", "type=local,mode=max,dest=" + d)
        blobs = os.path.join(d, "blobs", "sha256")
        old, new = os.path.join(blobs, ".depot-old"), os.path.join(blobs, ".depot-new")
        for path in (old, new):
            self.write(path, "half")
        os.utime(old, (time.time() - 200000,) * 2)
        for name in [n for n in os.listdir(blobs) if n[0] != "."]:
            os.chmod(os.path.join(blobs, name), 0o644)
            os.truncate(os.path.join(blobs, name), 3)
        self.good(self.build("--cache-to", "type=local,mode=max,dest=" + d, context))
        self.assertEqual([n for n in os.listdir(blobs) if n[0] == "."], [".depot-new"])
        os.unlink(new)
        self.check_layout(d)
        self.forget()
        self.assertEqual(first, self.rand(context, "--cache-from", "type=local,src=" + d))


class Layout(Content):
    """oci-layout:// contexts, and images written as directories."""

    def image(self, d, who=None, platform="linux/amd64", name=None, context=None, kind="oci"):
        context = context or self.rand_context()
        args = ["-t", name] if name else []
        self.last = self.good((who or self.build)("--platform", platform, "-o",
                                                  "type=%s,tar=false,dest=%s" % (kind, d), *args, context))
        return self.check_layout(d)

    def test_same_directory_as_buildx(self):
        context = self.rand_context()
        self.rand(context)
        for name in (None, "app:1", "localhost:5000/a/b"):
            with self.subTest(name=name):
                dp, bx = os.path.join(self.tmp(), "x", "y"), self.tmp()
                mine = self.image(dp, name=name, context=context)
                theirs = self.image(bx, who=self.buildx, name=name, context=context)
                for m in mine + theirs:
                    m["annotations"].pop("org.opencontainers.image.created")
                self.assertEqual(mine, theirs)
        # buildx 0.36 refuses this one: "both file and store output is not supported by docker exporter".
        self.assertEqual(len(self.image(self.tmp(), context=context, kind="docker")), 1)

    def test_docker_directories_take_what_layouts_hold(self):
        """The engine's exporter of this name knows neither several platforms nor attestations."""
        for args in (("--platform", BOTH), ("--provenance=mode=max",)):
            with self.subTest(args=args):
                d = self.tmp()
                self.good(self.build(*args, "-o", "type=docker,tar=false,dest=" + d, self.rand_context()))
                self.assertEqual(len(self.check_layout(d)), 1)

    def test_several_names_in_one_directory(self):
        d = self.tmp()
        self.image(d, name="one:1")
        old = self.image(d, name="two:1")
        self.assertEqual(len(old), 2)
        new = self.image(d, name="one:1")
        self.assertEqual([m["annotations"]["io.containerd.image.name"] for m in new],
                         ["docker.io/library/one:1", "docker.io/library/two:1"])
        self.assertIn(old[0], new)

    def test_two_builders_make_one_index(self):
        d, out = self.tmp(), self.tmp()
        iid, meta = os.path.join(out, "iid"), os.path.join(out, "meta")
        context = self.rand_context()
        entries = self.image(d, lambda *a: self.build("--iidfile", iid, "--metadata-file", meta, *a),
                             platform=BOTH, name="app:1", context=context)
        self.assertEqual(self.read(iid).decode(), entries[0]["digest"])
        told = json.loads(self.read(meta))
        self.assertEqual(told["containerimage.digest"], entries[0]["digest"])
        self.assertEqual(told["containerimage.descriptor"]["size"], entries[0]["size"])
        self.assertEqual(sorted(self.home.builds()[0]["builders"]), ["amd64", "arm64"])
        self.assertEqual(len(entries), 1)
        self.assertEqual(entries[0]["mediaType"], "application/vnd.oci.image.index.v1+json")
        index = json.loads(self.read(d, "blobs", "sha256", entries[0]["digest"][7:]))
        self.assertEqual([m["platform"] for m in index["manifests"] if m["platform"]["os"] != "unknown"],
                         [{"architecture": a, "os": "linux"} for a in ("amd64", "arm64")])
        # One builder that makes both would write the same index.
        use = self.context("")
        self.write(os.path.join(use, "Dockerfile"), "FROM img\n")
        for who, kw in ((self.build, {}), (self.buildx, {})):
            self.good(who("--platform", BOTH, "--build-context", "img=oci-layout://" + d + ":1", "-o", out, use, **kw))
            a, b = (self.read(out, "linux_" + n, "rand") for n in ("amd64", "arm64"))
            self.assertEqual((len(a), len(b)), (2000, 2000))
            self.assertNotEqual(a, b)

    def test_retry_of_one_platform(self):
        """What failed is made again, and joined with what the first run wrote; the good cache is kept at once."""
        d, cache = self.tmp(), self.tmp()
        context = self.rand_context("ARG TARGETARCH\nCOPY ok* /\nRUN echo %s; test $TARGETARCH = amd64 || test -f /ok\n"
                                    % unique())
        self.write(os.path.join(context, "okay"), "")
        self.bad(self.build("--platform", BOTH, "--keep-going", "-t", "app:1", "-o", "type=oci,tar=false,dest=" + d,
                            "--cache-to", "type=local,mode=max,dest=" + cache, context), 1)
        self.assertFalse(os.path.exists(os.path.join(d, "index.json")))
        self.assertEqual([m["annotations"]["depot.platforms"] for m in self.check_layout(cache)], ["linux/amd64"])
        first = set(os.listdir(os.path.join(d, "blobs", "sha256")))
        self.write(os.path.join(context, "ok"), "")
        self.good(self.home.depot("retry", self.home.builds()[0]["id"]))
        entries = self.check_layout(d)
        self.assertEqual([m["annotations"]["io.containerd.image.name"] for m in entries], ["docker.io/library/app:1"])
        index = json.loads(self.read(d, "blobs", "sha256", entries[0]["digest"][7:]))
        self.assertEqual([m["platform"]["architecture"] for m in index["manifests"]],
                         ["amd64", "arm64", "unknown", "unknown"])  # with their attestations
        self.assertTrue(first & {m["digest"][7:] for m in index["manifests"]})
        self.assertEqual(sorted(m["annotations"]["depot.platforms"] for m in self.check_layout(cache)),
                         ["linux/amd64", "linux/arm64"])

    def test_contexts(self):
        d, use = self.tmp(), self.tmp()
        self.image(d, name="app:1")
        digest = self.check_layout(d)[0]["digest"]
        self.write(os.path.join(use, "Dockerfile"), "FROM img\n")
        want = None
        for ref in ("", ":1", ":none", "@" + digest, ":1@" + digest):
            for who in (self.build, self.buildx):
                with self.subTest(ref=ref, who=who.__name__):
                    got = self.rand(use, "--build-context", "img=oci-layout://" + d + ref, who=who)
                    want = want or got
                    self.assertEqual(got, want)
        os.unlink(os.path.join(d, "index.json"))
        self.assertEqual(want, self.rand(use, "--build-context", "img=oci-layout://%s@%s" % (d, digest)))
        self.bad(self.build("--build-context", "img=oci-layout://" + d, use), 1, "index.json", "oci-layout://DIR@sha256")

    def test_contexts_of_platforms(self):
        dirs, use, out = {}, self.tmp(), self.tmp()
        want = {}
        for arch in ("amd64", "arm64"):
            dirs[arch] = self.tmp()
            context = self.rand_context()
            self.image(dirs[arch], platform="linux/" + arch, context=context)
            want[arch] = self.rand(context, "--platform", "linux/" + arch)
        self.write(os.path.join(use, "Dockerfile"), "FROM img\n")
        args = [a for arch, d in dirs.items() for a in ("--build-context", "img::linux/%s=oci-layout://%s" % (arch, d))]
        self.good(self.build("--platform", BOTH, *args, "-o", out, use))
        self.assertEqual(sorted(self.home.builds()[0]["builders"]), ["amd64", "arm64"])
        for arch in want:
            self.assertEqual(self.read(out, "linux_" + arch, "rand"), want[arch])

    def test_bad_contexts(self):
        d, use, empty = self.tmp(), self.tmp(), self.tmp()
        self.image(d, name="app:1")
        self.image(d, name="app:2")
        self.write(os.path.join(use, "Dockerfile"), "FROM img\n")
        none = "sha256:" + "0" * 64

        def bad(ref, *says):
            self.bad(self.build("--build-context", "img=oci-layout://" + ref, use), (1, 2), "--build-context oci-layout", *says)
        bad(d + ":3", 'has the tag "3"')
        bad(d + "@" + none, none + ": not found")
        bad(empty, "index.json")
        bad(empty + "/none", "index.json")
        for text in ("", "{", "[]", "null", '{"manifests":[1]}', '{"manifests":{}}', "x" * 5000000):
            self.write(os.path.join(empty, "index.json"), text)
            bad(empty, "index")
        os.unlink(os.path.join(empty, "index.json"))
        os.mkfifo(os.path.join(empty, "index.json"))
        bad(empty, "not a regular file")
        os.unlink(os.path.join(empty, "index.json"))
        for digest in ("sha256:../../../etc/passwd", "md5:" + "0" * 32, none, 7):
            self.write(os.path.join(empty, "index.json"), json.dumps({"manifests": [{"digest": digest, "annotations": {REF: "latest"}}]}))
            bad(empty, "not found|has the tag")

    def test_bad_outputs(self):
        context = self.rand_context()

        def bad(*says, out, more=()):
            self.bad(self.build("-o", out, *more, context), 2, *says)
        bad("needs dest=", out="type=oci,tar=false")
        bad("needs dest=", out="type=oci,tar=false,dest=-")
        bad("one output", out="type=oci,tar=false,dest=" + self.tmp(), more=("-o", "type=oci,tar=false,dest=" + self.tmp()))
        bad("not a directory", out="type=oci,tar=false,dest=" + context + "/Dockerfile")
        bad("--detach", out="type=oci,tar=false,dest=" + self.tmp(), more=("--detach",))
        broken = self.tmp()
        self.write(os.path.join(broken, "index.json"), "{broken")
        self.bad(self.build("-o", "type=oci,tar=false,dest=" + broken, context), 2, "not an image index", "remove it")
        self.assertEqual(self.read(broken, "index.json"), b"{broken")


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "DEPOT_TEST_ARM64", "buildx")
    depot_test.main()
