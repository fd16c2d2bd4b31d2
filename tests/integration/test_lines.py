"""Command lines as scripts and CI files have them, run by depot and by buildx on the same engines.

Each test is one kind of line that is found in the field: the same exit code, the same outputs. Images are compared
by digest: on one engine with one cache they are the same to the bit, as long as no attestation is asked for.
"""
import json
import os
import shutil
import subprocess
import tarfile
import unittest

import depot_test
from depot_test import TestCase, busybox_dir, tool, unique
from registry_test import Registry

NONE = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
CROSS = """FROM --platform=$BUILDPLATFORM scratch AS build
COPY bin/ /bin/
SHELL ["/bin/busybox", "sh", "-c"]
ARG TARGETOS
ARG TARGETARCH
RUN echo "$TARGETOS/$TARGETARCH %s" > /app
FROM scratch
COPY --from=build /app /app
"""


class Lines(TestCase):
    builders = ("amd64", "arm64")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry()
        cls.addClassCleanup(cls.registry.close)
        cls.host = "localhost:%d" % cls.registry.port
        cls.config = cls.home.path("buildx")
        for node, address in cls.builder_list():
            subprocess.run([tool("buildx"), "create", "--name", "two", "--driver", "remote", "--node", node, "--platform",
                            "linux/" + node, *(["--append"] if node != "amd64" else []), address],
                           env=dict(os.environ, BUILDX_CONFIG=cls.config), check=True, capture_output=True)

    def setUp(self):
        self.repository = "l/" + unique()[:10]

    # ---- running both ----

    def run_tool(self, who, args, cwd, env, stdin):
        argv = [depot_test.DEPOT, "build"] if who == "depot" else [tool("buildx"), "--builder", "two", "build"]
        if "--builder" in " ".join(args):
            argv = [a for a in argv if a not in ("--builder", "two")]
        everything = dict(self.home.env, BUILDX_CONFIG=self.config, **NONE)
        everything.update(env or {})
        everything = {k: v for k, v in everything.items() if v is not None}
        p = subprocess.run(argv + args, cwd=cwd, env=everything, capture_output=True, timeout=180, check=False,
                           **({"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}))
        return depot_test.Result(argv + args, p.returncode, p.stdout, p.stderr)

    def both(self, line, ctx, env=None, stdin=None, code=0):
        """Run a line with each; `@` in it is the tool's own image name. Returns {who: (result, directory)}."""
        done = {}
        for who in ("buildx", "depot"):
            d = self.tmp() + "/ctx"
            shutil.copytree(ctx, d, symlinks=True)
            args = [a.replace("@", "%s/%s/%s" % (self.host, self.repository, who)) for a in line]
            r = self.run_tool(who, args, d, env, stdin)
            self.assertNotRegex(r.text, depot_test.SANITIZER, str(r))
            done[who] = (r, d)
        for r, _ in done.values():
            self.assertEqual(r.code == 0, code == 0, str(r))
        return done

    def pushed(self, tag="latest"):
        return [self.registry.digest("%s/%s" % (self.repository, who), tag) for who in ("buildx", "depot")]

    def children(self, tag="latest"):
        """What the index of each lists: (platform, digest), attestations left out."""
        sides = []
        for who in ("buildx", "depot"):
            m = self.registry.manifest("%s/%s" % (self.repository, who), tag)
            self.assertIsNotNone(m, who)
            sides.append(sorted((json.dumps(x["platform"], sort_keys=True), x["digest"]) for x in m["manifests"]
                                if x["platform"]["architecture"] != "unknown"))
        return sides

    def same_push(self, tag="latest"):
        theirs, ours = self.pushed(tag)
        self.assertIsNotNone(theirs)
        self.assertEqual(theirs, ours)

    def same_file(self, done, *names):
        for name in names:
            theirs, ours = (self.read(d, name) for _, d in done.values())
            self.assertEqual(theirs, ours, name)

    def tree(self, root):
        return sorted((os.path.relpath(os.path.join(d, f), root), self.read(d, f)) for d, _, fs in os.walk(root) for f in fs)

    def cross(self):
        d = self.tmp() + "/cross"
        os.makedirs(d + "/bin")
        shutil.copy(busybox_dir() + "/busybox", d + "/bin/busybox")
        self.write(d + "/Dockerfile", CROSS % unique())
        return d

    # ---- the lines ----

    def test_kubebuilder_cross_platform_push(self):
        done = self.both(["--push", "--platform=linux/arm64,linux/amd64,linux/s390x,linux/ppc64le", "--tag", "@", "-f",
                          "Dockerfile", "."], self.cross())
        theirs, ours = self.children()
        self.assertEqual([p for p, _ in theirs], [p for p, _ in ours])
        self.assertEqual(len(ours), 4, done["depot"][0])

    def test_plain_docker_build(self):
        for line in (["-t", "x", "."], ["--rm", "-t", "x", "."], ["--pull=true", "--rm=true", "-f", "Dockerfile", "-t", "x", "."],
                     ["--quiet=true", "-t", "x", "."]):
            with self.subTest(line):
                done = self.both(line, self.context("RUN echo %s\n" % unique()))
                self.assertNotIn("no effect", done["depot"][0].text)

    def test_quoted_outputs_and_annotations(self):
        ctx = self.context("RUN echo %s > /f\n" % unique())
        self.both(["--output", '"type=local","dest=out"', "--annotation", "manifest,manifest-descriptor:org.example.a=b,c",
                   "--annotation", "index:x=y", "--platform", "linux/amd64,linux/arm64", "-t", "@:1", "--push", "."], ctx)
        theirs, ours = self.children("1")
        self.assertEqual([p for p, _ in theirs], [p for p, _ in ours])
        index = self.registry.manifest(self.repository + "/depot", "1")
        self.assertEqual(index["annotations"], {"x": "y"})
        for m in index["manifests"]:
            self.assertEqual(m["annotations"], {"org.example.a": "b,c"})

    def test_github_cache_outside_of_github(self):
        self.both(["--cache-from", "type=gha", "--cache-to", "type=gha,mode=max", "-t", "x", "."], self.context(""))

    def test_local_cache(self):
        ctx = self.context("RUN echo %s > /f\n" % unique())
        done = self.both(["--cache-to", "type=local,dest=cache,mode=max", "--platform", "linux/amd64", "-o", "out", "."], ctx)
        for who in ("depot", "buildx"):
            other = done["buildx" if who == "depot" else "depot"][1] + "/cache"
            r = self.run_tool(who, ["--cache-from", "type=local,src=" + other, "--platform", "linux/amd64", "-o", "again", "."],
                              done[who][1], None, None)
            self.good(r)

    def test_registry_cache_and_a_variant(self):
        ctx = self.context("RUN echo %s > /f\n" % unique(), arch="arm64")
        self.both(["--cache-to", "type=registry,ref=@:cache,mode=max", "--cache-from", "type=registry,ref=@:cache", "--platform",
                   "linux/arm64/v8", "-t", "@:1", "--push", "."], ctx)
        self.same_push("1")
        self.assertEqual(*[bool(x) for x in self.pushed("cache")])

    def test_two_platforms_without_cache(self):
        self.both(["--no-cache", "--platform", "linux/amd64,linux/arm64", "-t", "@:1", "-t", "@:2", "--push", "."],
                  self.cross())
        for tag in ("1", "2"):
            theirs, ours = self.children(tag)
            self.assertEqual([p for p, _ in theirs], [p for p, _ in ours])

    def test_a_named_builder(self):
        self.both(["--builder=two", "-t", "x", "."], self.context(""))

    def test_the_lint_gate(self):
        bad = self.tmp()
        self.write(bad + "/Dockerfile", "from scratch\nCOPY . /\n")
        for line in (["--check", "."], ["--call=check", "."]):
            done = self.both(line, self.context("RUN true\n"))
            self.assertEqual(done["buildx"][0].stdout, done["depot"][0].stdout)
            done = self.both(line, bad, code=1)
            self.assertEqual(done["buildx"][0].stdout, done["depot"][0].stdout)

    def test_platforms_that_nothing_runs_on(self):
        done = self.both(["--platform", "darwin/amd64,darwin/arm64,windows/amd64", "-o", "build", "."], self.cross())
        theirs, ours = (self.tree(d + "/build") for _, d in done.values())
        self.assertEqual([n for n, _ in theirs], [n for n, _ in ours])
        self.assertEqual([n for n, _ in ours], ["darwin_amd64/app", "darwin_arm64/app", "windows_amd64/app"])

    def test_what_the_build_action_passes(self):
        ctx = self.context("RUN --mount=type=secret,id=GIT_AUTH_TOKEN cat /run/secrets/GIT_AUTH_TOKEN > /f\n")
        done = self.both(["--file", "./Dockerfile", "--iidfile", "iid", "--metadata-file", "meta", "--attest",
                          "type=provenance,mode=min,inline-only=true,builder-id=https://example.com/run/1", "--secret",
                          "id=GIT_AUTH_TOKEN,src=token", "--label", "a=b", "--output",
                          "type=image,push-by-digest=true,name-canonical=true,push=true,name=@", "--platform", "linux/amd64", "."],
                         self.with_file(ctx, "token", "t0ken"))
        theirs, ours = (json.loads(self.read(d, "meta")) for _, d in done.values())
        self.assertEqual([], [k for k in theirs if k not in ours])
        # The attestation has times in it; the image beside it has none.
        images = []
        for who, meta in (("buildx", theirs), ("depot", ours)):
            digest = meta["containerimage.digest"]
            self.assertEqual(self.read(done[who][1], "iid").decode(), digest)
            index = self.registry.manifest("%s/%s" % (self.repository, who), digest)
            images.append([x["digest"] for x in index["manifests"] if x["platform"]["architecture"] != "unknown"])
        self.assertEqual(*images)

    def with_file(self, ctx, name, data):
        self.write(ctx + "/" + name, data)
        return ctx

    def test_goreleaser(self):
        done = self.both(["--sbom=false", "--provenance=false", "--platform=linux/amd64", "--label=org.opencontainers.image.title=x",
                          "--iidfile=id", "--push", "-t", "@:v1", "-t", "@:latest", "."], self.context("RUN echo %s\n" % unique()))
        self.same_push("v1")
        self.same_file(done, "id")

    def test_cdk_devcontainers_skaffold(self):
        ctx = self.context("COPY --from=extra f /f\nRUN true\n")
        self.write(ctx + "/extra/f", unique())
        done = self.both(["--output", "type=docker,dest=out/image.tar", "--build-context", "extra=extra", "--network", "none",
                          "--build-arg", "BUILDKIT_INLINE_CACHE=1", "-t", "x:1", "--platform", "linux/amd64", "."], ctx)
        # An inline cache differs from one build to the next, with one tool alone too; the layers do not.
        layers = []
        for _, d in done.values():
            with tarfile.open(d + "/out/image.tar") as t:
                config = json.load(t.extractfile("manifest.json"))[0]["Config"]
                layers.append(json.load(t.extractfile(config))["rootfs"]["diff_ids"])
        self.assertEqual(layers[0], layers[1])

    def test_several_plain_caches(self):
        self.both(["--cache-from", "@:a", "--cache-from", "@:b,@:c", "--build-arg", "BUILDKIT_INLINE_CACHE=1", "-t", "@:a", "--push",
                   "--platform", "linux/amd64", "."], self.context("RUN echo %s\n" % unique()))
        theirs, ours = (self.registry.manifest("%s/%s" % (self.repository, who), "a")["layers"] for who in ("buildx", "depot"))
        self.assertEqual(theirs, ours)

    def test_secrets(self):
        ctx = self.context("RUN --mount=type=secret,id=X --mount=type=secret,id=Y cat /run/secrets/X /run/secrets/Y > /f\n")
        done = self.both(["--secret", "id=X", "--secret", "id=Y,env=OTHER", "-o", "out", "--platform", "linux/amd64", "."], ctx,
                         env={"X": "one", "OTHER": "two"})
        for _, d in done.values():
            self.assertEqual(self.read(d, "out/f"), b"onetwo")

    def test_standard_input(self):
        ctx = self.context("COPY f /f\n", {"f": unique()})
        tar = subprocess.run(["tar", "c", "-C", ctx, "."], stdout=subprocess.PIPE, check=True).stdout
        done = self.both(["--platform", "linux/amd64", "-o", "out", "-"], self.tmp(), stdin=tar)
        self.same_file(done, "out/f")
        done = self.both(["--platform", "linux/amd64", "-o", "out", "-f", "-", "."], ctx, stdin=b"FROM scratch\nCOPY f /g\n")
        self.same_file(done, "out/g")
        self.both(["-"], self.tmp(), stdin=b"FROM scratch\nLABEL a=b\n")

    def test_limits(self):
        ctx = self.context("RUN ulimit -n > /f\n")
        done = self.both(["--ulimit", "nofile=1024:2048", "--force-rm=true", "-o", "out", "--platform", "linux/amd64", "."], ctx)
        self.same_file(done, "out/f")

    def test_debug_in_ci(self):
        self.both(["-D", "--progress=plain", "-t", "x", "."], self.context(""), env={"CI": "true"})

    def test_a_reproducible_build(self):
        ctx = self.context("COPY f /f\n", {"f": unique()})
        self.both(["--platform", "linux/amd64", "--output", "type=image,name=@:1,push=true,rewrite-timestamp=true", "."], ctx,
                  env={"SOURCE_DATE_EPOCH": "1000000000"})
        self.same_push("1")

    def test_a_git_context_of_the_local_platform(self):
        repository = self.tmp() + "/r"
        shutil.copytree(self.context("COPY f /f\n", {"f": unique()}), repository)
        done = self.both(["--platform=local", "-o", "out", self.git_daemon(repository) + "#main"], self.tmp())
        self.same_file(done, "out/f")


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "DEPOT_TEST_ARM64", "buildx")
    if not shutil.which("docker-registry"):
        depot_test.skip_file("docker-registry is not installed")
    depot_test.main()
