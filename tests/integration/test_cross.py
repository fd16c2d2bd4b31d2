"""Platforms that nothing runs on: made by any builder, unless something of theirs has to be run."""
import json
import os
import re
import signal
import subprocess
import tarfile
import unittest

import depot_test
from depot_test import TestCase, own_engine, tool, unique
from registry_test import Registry

# A cross compiler: it runs on the builder, whatever it makes.
CROSS = """\
FROM --platform=$BUILDPLATFORM scratch AS build
COPY bin/ /bin/
SHELL ["/bin/busybox", "sh", "-c"]
ARG TARGETOS
ARG TARGETARCH
RUN echo "$TARGETOS/$TARGETARCH %s" > /app
FROM scratch
COPY --from=build /app /app
"""
FILES = "FROM scratch\nCOPY f /f\n"
RUNS = "FROM scratch\nCOPY bin/ /bin/\n\nRUN [\"/bin/busybox\", \\\n  \"true\"]\n"
KUBEBUILDER = "linux/arm64,linux/amd64,linux/s390x,linux/ppc64le"


class CrossCase(TestCase):
    """With a buildx that has the same engine."""
    ENGINE = "DEPOT_TEST_AMD64"

    @classmethod
    def builder_list(cls):
        return [("one", os.environ[cls.ENGINE])]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = "depot-cross-" + unique()
        cls.environment = dict(os.environ, BUILDX_CONFIG=cls.home.path("buildx"), BUILDX_NO_DEFAULT_ATTESTATIONS="1")
        cls.run_buildx("create", "--name", cls.node, "--driver", "remote", os.environ[cls.ENGINE])

    @classmethod
    def run_buildx(cls, *args):
        return subprocess.run([tool("buildx"), *args], env=cls.environment, capture_output=True, text=True,
                              timeout=depot_test.TIMEOUT)

    def buildx(self, *args):
        r = self.run_buildx("build", "--builder", self.node, *args)
        self.assertEqual(r.returncode, 0, r.stderr)
        return r

    def directory(self, dockerfile):
        d = self.context()
        self.write(d + "/Dockerfile", dockerfile % unique() if "%s" in dockerfile else dockerfile)
        self.write(d + "/f", unique())
        return d

    def ours(self, *args, **kw):
        return self.good(self.build("--plain", *args, env={"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}, **kw))

    def newest(self):
        return next(b for b in self.home.builds() if b["origin"] == "depot")

    @staticmethod
    def tree(top):
        found = {}
        for folder, _, names in os.walk(top):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as f:
                    found[os.path.relpath(path, top)] = f.read()
        return found

    @staticmethod
    def index(path):
        with tarfile.open(path) as t:
            return json.load(t.extractfile("index.json"))["manifests"][0]["digest"]


class Cross(CrossCase):
    def test_darwin_and_windows_into_a_directory(self):
        ctx, out, theirs = self.directory(CROSS), self.tmp() + "/out", self.tmp() + "/out"
        r = self.ours("--platform", "darwin/amd64,windows/amd64", "-o", out, ctx)
        self.buildx("--platform", "darwin/amd64,windows/amd64", "-o", theirs, ctx)
        self.assertEqual(self.tree(out), self.tree(theirs))
        self.assertEqual(sorted(os.listdir(out)), ["darwin_amd64", "windows_amd64"])
        self.assertNotIn("emulated", r.text)
        self.assertNotIn("emulated", json.dumps(self.newest()))

    def test_one_platform_alone(self):
        ctx, out = self.directory(CROSS), self.tmp() + "/out"
        for platform in ("darwin/arm64", "wasip1/wasm", "freebsd/amd64", "windows(10.0.17763)/amd64"):
            self.ours("--platform", platform, "-o", out, ctx)
            self.assertIn(re.sub(r"\(.*\)", "", platform), self.read(out, "app").decode())

    def test_digests_are_those_of_buildx(self):
        ctx = self.directory(CROSS)
        for platforms in (KUBEBUILDER, "linux/s390x", "darwin/arm64,linux/amd64"):
            a, b = self.tmp() + "/a.tar", self.tmp() + "/b.tar"
            self.ours("--platform", platforms, "-o", "type=oci,dest=" + a, "-t", "x:y", ctx)
            self.buildx("--platform", platforms, "-o", "type=oci,dest=" + b, "-t", "x:y", ctx)
            self.assertEqual(self.index(a), self.index(b), platforms)

    def test_the_answer_of_the_exporter_is_that_of_a_plain_solve(self):
        ctx, meta, theirs = self.directory(FILES), self.tmp() + "/m", self.tmp() + "/m"
        args = ["--platform", "linux/s390x", "-t", "localhost:1/x:y", "-o", "type=image"]
        self.ours(*args, "--metadata-file", meta, ctx)
        self.buildx(*args, "--metadata-file", theirs, ctx)
        keep = lambda path: {k: v for k, v in json.loads(self.read(path)).items()
                             if k.startswith(("containerimage", "image", "cache", "frontend"))}
        ours, wanted = keep(meta), keep(theirs)
        for m in (ours, wanted):
            m["containerimage.descriptor"].pop("annotations", None)
        self.assertEqual(ours, wanted)

    def test_attestations_are_kept(self):
        ctx, a = self.directory(FILES), self.tmp() + "/a.tar"
        self.ours("--platform", "linux/s390x,darwin/arm64", "--provenance=mode=max", "-o", "type=oci,dest=" + a, ctx)
        with tarfile.open(a) as t:
            blob = lambda digest: json.load(t.extractfile("blobs/" + digest.replace(":", "/")))
            children = blob(self.index(a))["manifests"]
            proofs = [c for c in children if c.get("annotations", {}).get("vnd.docker.reference.type")]
            self.assertEqual(len(children), 4)
            self.assertEqual(len(proofs), 2)
            statement = blob(blob(proofs[0]["digest"])["layers"][0]["digest"])
        self.assertIn("provenance", statement["predicateType"])

    def test_a_step_of_that_platform_refuses_it_before_anything_runs(self):
        ctx = self.directory(RUNS)
        r = self.build("--plain", "--platform", "linux/s390x", "-o", self.tmp(), ctx)
        self.bad(r, 1, "no builder can run linux/s390x", r'RUN \["/bin/busybox",', r"Dockerfile line 4",
                 r"builders: one \(linux/amd64", "qemu-user-static", r"Dockerfile:4", r" 4 \| >>> RUN \[")
        self.assertNotRegex(r.text, r"(?m)^#\d+ .*COPY")
        build = self.newest()
        self.assertEqual(build["state"], "failed")
        self.assertIn("linux/s390x", build["message"])

    def test_one_of_several_platforms_that_has_to_be_run(self):
        ctx = self.directory("FROM scratch AS base-amd64\nFROM scratch AS base-s390x\nCOPY bin/ /bin/\n"
                             "RUN [\"/bin/busybox\"]\nARG TARGETARCH\nFROM base-$TARGETARCH\nCOPY f /f\n")
        r = self.build("--plain", "--platform", "linux/amd64,linux/s390x", "-o", self.tmp(), ctx)
        self.bad(r, 1, "cannot run linux/s390x|can run linux/s390x", "Dockerfile line 4")

    def test_a_dockerfile_that_is_wrong_tells_its_place(self):
        r = self.build("--plain", "--platform", "darwin/arm64", "-o", self.tmp(), self.directory("FROM scratch\nBOGUS\n"))
        self.bad(r, 1, "unknown instruction: BOGUS", r"Dockerfile:2", r">>> BOGUS")

    def test_one_that_is_too_large_for_a_header_does_so_too(self):
        text = "FROM scratch\n" + "".join("# %060d\n" % i for i in range(1500)) + "BOGUS\n"
        r = self.build("--plain", "--platform", "darwin/arm64", "-o", self.tmp(), self.directory(text))
        self.bad(r, 1, "unknown instruction: BOGUS", r"Dockerfile:1502", r">>> BOGUS")

    def test_a_step_that_fails_tells_its_place(self):
        r = self.build("--plain", "--platform", "darwin/arm64", "-o", self.tmp(),
                       self.directory(CROSS.replace("RUN echo", "RUN exit 7 &&")))
        self.bad(r, 1, "exit code: 7", r"Dockerfile:6", ">>> RUN exit 7")

    def test_cancelling(self):
        run = self.home.start("build", "--plain", "--platform", "darwin/arm64", "-o", self.tmp(),
                              self.directory(CROSS.replace("RUN echo", "RUN /bin/busybox sleep 60;")))
        run.await_text("sleep 60")
        run.signal(signal.SIGINT)
        self.assertEqual(run.wait().code, 130)
        self.assertEqual(self.newest()["state"], "cancelled")


class CrossImages(CrossCase):
    """A compiler that is an image, as in the Makefile of every operator; caches in a registry."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry()
        cls.addClassCleanup(cls.registry.close)
        cls.host = "localhost:%d" % cls.registry.port

    def compiler(self):
        name = "%s/it/go-%s:1" % (self.host, unique()[:8])
        self.ours("--push", "-t", name, "--platform", "linux/amd64", self.directory("FROM scratch\nCOPY bin/ /bin/\n"))
        return ("FROM --platform=$BUILDPLATFORM %s AS build\nSHELL [\"/bin/busybox\", \"sh\", \"-c\"]\nARG TARGETOS TARGETARCH\n"
                "RUN echo $TARGETOS/$TARGETARCH %s > /app\nFROM scratch\nCOPY --from=build /app /app\n" % (name, unique()))

    def test_four_platforms_of_an_operator_are_pushed(self):
        ctx, repository = self.directory(self.compiler()), "it/" + unique()[:8]
        name = "%s/%s" % (self.host, repository)
        args = ["--push", "--platform=" + KUBEBUILDER]
        r = self.ours(*args, "-t", name + ":ours", ctx)
        self.buildx(*args, "-t", name + ":theirs", ctx)
        self.assertEqual(self.registry.digest(repository, "ours"), self.registry.digest(repository, "theirs"))
        self.assertNotIn("s390x emulated", r.text)

    def test_a_compiler_of_the_target_is_refused(self):
        ctx = self.directory(self.compiler().replace("--platform=$BUILDPLATFORM ", "--platform=linux/amd64 ")
                             .replace("FROM scratch\n", "FROM scratch AS last\nCOPY bin/ /bin/\nRUN [\"/bin/busybox\"]\n"))
        self.bad(self.build("--plain", "--platform", "linux/s390x", ctx), 1, "no builder can run linux/s390x", "last 2/3",
                 "Dockerfile line 7")

    def test_the_cache_is_exported_and_imported(self):
        ctx, cache = self.directory(CROSS), "%s/it/cache-%s:1" % (self.host, unique()[:8])
        args = ["--platform", "darwin/arm64", "-o", self.tmp()]
        self.ours(*args, "--cache-to", "type=registry,ref=%s,mode=max" % cache, ctx)
        r = self.ours(*args, "--cache-from", "type=registry,ref=" + cache, ctx)
        self.assertIn("importing cache manifest from " + cache, r.text)


@unittest.skipUnless(os.getuid() == 0, "an engine of its own needs root")
class Dying(TestCase):
    @classmethod
    def builder_list(cls):
        return []

    def test_an_engine_that_dies_while_it_builds(self):
        home = self.new_home()
        with own_engine(home) as engine:
            home.configure([("own", engine.address)])
            ctx = self.context()
            self.write(ctx + "/Dockerfile", (CROSS % unique()).replace("RUN echo", "RUN /bin/busybox sleep 20;"))
            run = home.start("build", "--plain", "--platform", "darwin/arm64", "-o", self.tmp(), ctx)
            run.await_text("sleep 20")
            engine.process.kill()
            self.bad(run.wait(), 1, "builder own went away while building")


class NativePair(CrossCase):
    """Builders that cannot make each other's platform."""
    ENGINE = "DEPOT_TEST_RISCV64"

    @classmethod
    def builder_list(cls):
        return [("rv", os.environ["DEPOT_TEST_RISCV64"]), ("s3", os.environ["DEPOT_TEST_S390X"])]

    def test_others_are_made_beside_the_builders_own(self):
        registry = Registry()
        self.addCleanup(registry.close)
        host = "localhost:%d" % registry.port
        repository, platforms = "it/" + unique()[:8], "linux/riscv64,linux/s390x,linux/ppc64le,darwin/arm64"
        r = self.ours("--push", "-t", "%s/%s:1" % (host, repository), "--platform", platforms, self.directory(FILES))
        self.assertEqual(sorted(self.newest()["builders"]), ["rv", "s3"])
        self.assertNotIn("emulated", r.text)
        kinds = sorted("%(os)s/%(architecture)s" % m["platform"] for m in registry.manifest(repository, "1")["manifests"])
        self.assertEqual(kinds, sorted(platforms.split(",")))

    def test_a_step_that_only_the_other_could_run(self):
        r = self.build("--plain", "--platform", "linux/ppc64le", "-o", self.tmp(), self.directory(RUNS))
        self.bad(r, 1, "no builder can run linux/ppc64le", "rv \\(linux/riscv64", "s3 \\(linux/s390x")


@unittest.skipUnless(os.environ.get("DEPOT_TEST_DOCKER"), "no Docker Engine")
class OldEngine(TestCase):
    @classmethod
    def builder_list(cls):
        return [("docker", os.environ["DEPOT_TEST_DOCKER"])]

    def test_a_docker_engine_is_asked_too(self):
        ctx, out = self.context(), self.tmp() + "/out"
        self.write(ctx + "/Dockerfile", CROSS % "x")
        self.good(self.build("--network=none", "--platform", "darwin/arm64", "-o", out, ctx))
        self.assertEqual(self.read(out, "app"), b"darwin/arm64 x\n")
        self.write(ctx + "/Dockerfile", "FROM scratch\nBOGUS\n")
        self.bad(self.build("--platform", "darwin/arm64", "-o", out, ctx), 1, "unknown instruction: BOGUS")
        self.write(ctx + "/Dockerfile", RUNS)
        self.bad(self.build("--platform", "linux/s390x", "-o", out, ctx), 1, "no builder can run linux/s390x", "line 4")


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "DEPOT_TEST_RISCV64", "DEPOT_TEST_S390X", "buildx")
    depot_test.main()
