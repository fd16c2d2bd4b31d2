"""Docker Engine 20.10 as the builder and as the place of images, and pushing to a registry."""
import base64
import json
import os
import shutil
import socket
import subprocess
import time
import unittest
import urllib.request

import depot_test
from depot_test import TestCase, eventually, free_port, unique

ENGINE = os.environ.get("DEPOT_TEST_DOCKER", "").replace("docker+", "")


class Docker(TestCase):
    builders = ("docker",)

    def docker(self, *args):
        p = subprocess.run(["docker", "--host", ENGINE, *args], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout

    def tag(self):
        tag = "depot-test:" + unique()[:12]
        self.addCleanup(subprocess.run, ["docker", "--host", ENGINE, "rmi", "-f", tag], capture_output=True)
        return tag

    def setUp(self):
        self.docker_env = {"DOCKER_HOST": ENGINE}

    def test_build_to_a_directory(self):
        out, token = self.tmp(), unique()
        r = self.good(self.build("--plain", "--network", "none", "-o", out,
                                 self.context("RUN echo %s | /bin/busybox tee /f\n" % token)))
        self.assertEqual(self.read(out, "f").decode(), token + "\n")
        self.assertRegex(r.text, r"#\d+ \d+\.\d+ " + token)
        builder = self.home.api("/v1/builders")[1]["builders"][0]
        self.assertTrue(builder["up"])
        self.assertRegex(builder["engine"], "(?i)docker")

    def test_a_failing_step(self):
        r = self.bad(self.build("--plain", "--network", "none", self.context("RUN echo so; exit 5 # %s\n" % unique())),
                     1, "exit code: 5", r"\d+\.\d+ so\n")
        self.assertEqual(r.out, b"")

    def test_cancel(self):
        j = self.home.start("build", "--plain", "--network", "none",
                            self.context("RUN echo it begins; /bin/busybox sleep 300 # %s\n" % unique()))
        j.await_text("it begins")
        j.signal(depot_test.signal.SIGINT)
        started = time.monotonic()
        self.bad(j.wait(), 130, "cancelled")
        self.assertLess(time.monotonic() - started, 10)

    def test_load_and_tags(self):
        tag = self.tag()
        self.good(self.build("--load", "-t", tag, "--label", "it=1", "--network", "none",
                             self.context("RUN echo %s\n" % unique()), env=self.docker_env))
        image = json.loads(self.docker("image", "inspect", tag))[0]
        self.assertEqual(image["Config"]["Labels"], {"it": "1"})
        self.assertIn(tag.split(":")[1], self.docker("images", "depot-test"))

    def test_the_image_is_there_afterwards(self):
        tag = self.tag()
        r = self.good(self.build("--plain", "-t", tag, "--label", "kept=1", self.context("")))
        self.assertNotIn("No output specified", r.text)
        self.assertEqual(json.loads(self.docker("image", "inspect", tag))[0]["Config"]["Labels"], {"kept": "1"})

    def test_an_image_without_a_name(self):
        d, label = self.context(""), "of=" + unique()
        file = os.path.join(self.tmp(), "id")
        for args in (("-q",), ("--plain", "--iidfile", file)):
            r = self.good(self.build(*args, "--label", label, d))
        quiet = self.good(self.build("-q", "--label", label, d)).stdout.strip()
        self.addCleanup(self.docker, "rmi", "-f", quiet)
        self.assertEqual(self.read(file).decode(), quiet)
        self.assertNotIn("No output specified", r.text)
        self.assertEqual(json.loads(self.docker("image", "inspect", quiet))[0]["Config"]["Labels"],
                         dict([label.split("=")]))

    def test_no_image_where_none_is_wanted(self):
        tag, out = self.tag(), self.tmp()
        r = self.good(self.build("--plain", "-t", tag, self.context(""), env={"BUILDX_NO_DEFAULT_LOAD": "1"}))
        self.assertNotIn("No output specified", r.text)  # it is what was asked for
        r = self.good(self.build("--plain", "-t", tag, "-o", out, self.context("")))
        self.assertNotIn("No output specified", r.text)
        self.assertNotIn(tag.split(":")[1], self.docker("images", "depot-test"))

    def test_what_the_engine_cannot_make_is_refused(self):
        d = self.context("")
        file = os.path.join(d, "out.tar")
        for args in (("-o", "type=docker,dest=" + file), ("-o", "type=oci,dest=" + file),
                     ("-o", "type=image,push=true,push-by-digest=true")):
            self.bad(self.build(*args, "-t", "localhost:1/x:1", "--network", "none", d), 1, "is a Docker Engine that cannot")
            self.assertFalse(os.path.exists(file))
        for args in (("--platform", "linux/amd64,linux/arm64"), ("--provenance=true",), ("--load", "-o", self.tmp())):
            self.bad(self.build(*args, "-t", "x:1", "--network", "none", d), 1, "is a Docker Engine that cannot")

    def test_quiet_prints_the_image_that_docker_has(self):
        tag = self.tag()
        r = self.good(self.build("-q", "--load", "-t", tag, "--network", "none", self.context("RUN echo %s\n" % unique()),
                                 env=self.docker_env))
        self.assertEqual(json.loads(self.docker("image", "inspect", r.stdout.strip()))[0]["RepoTags"], [tag])


class LoadFromBuildKit(Docker):
    """A current BuildKit builds, the Docker Engine of the client gets the image."""
    builders = ("amd64",)
    test_build_to_a_directory = test_a_failing_step = test_cancel = test_what_the_engine_cannot_make_is_refused = None
    test_the_image_is_there_afterwards = test_an_image_without_a_name = None

    def test_load_without_an_engine(self):
        r = self.build("--load", "-t", "x:1", self.context(""), env={"DOCKER_HOST": "unix:///no/such/docker.sock"})
        self.bad(r, (1, 2), "/no/such/docker.sock")

    def test_load_of_a_large_image(self):
        tag = self.tag()
        self.good(self.build("--load", "-t", tag, self.context("COPY big /\n", {"big": os.urandom(24 << 20)}),
                             env=self.docker_env))
        self.assertGreater(json.loads(self.docker("image", "inspect", tag))[0]["Size"], 24 << 20)


@unittest.skipUnless(shutil.which("docker-registry"), "docker-registry is not installed")
class Registry(TestCase):
    builders = ("amd64", "arm64")
    USER, PASSWORD = "ann", "secret password"
    HASH = "$2b$04$ECTm59DYtELn/J4eAjkH1uLsRyzyawQQM7Dko6X0pHXO/88qOd.Ou"  # of it, by bcrypt

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port = free_port()
        d = cls.home.path("registry")
        os.makedirs(d)
        with open(d + "/htpasswd", "w") as f:
            f.write("%s:%s\n" % (cls.USER, cls.HASH))
        with open(d + "/config.yml", "w") as f:
            f.write("version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: %s/data\n"
                    "http:\n  addr: 127.0.0.1:%d\nauth:\n  htpasswd:\n    realm: it\n    path: %s/htpasswd\n" % (
                        d, cls.port, d))
        with open(d + "/log", "wb") as log:
            p = subprocess.Popen(["docker-registry", "serve", d + "/config.yml"], stdout=log, stderr=log,
                                 stdin=subprocess.DEVNULL)

        def stop():
            p.terminate()
            p.wait(10)
        cls.addClassCleanup(stop)
        cls.name = "localhost:%d/it/app" % cls.port
        if not eventually(lambda: cls.answers("/v2/"), 10):
            raise AssertionError("docker-registry did not start")
        os.makedirs(cls.home.path("docker"))
        with open(cls.home.path("docker", "config.json"), "w") as f:
            json.dump({"auths": {"localhost:%d" % cls.port: {"auth": base64.b64encode(
                ("%s:%s" % (cls.USER, cls.PASSWORD)).encode()).decode()}}}, f)

    @classmethod
    def answers(cls, path, accept=None):
        q = urllib.request.Request("http://localhost:%d%s" % (cls.port, path))
        if accept:
            q.add_header("Accept", accept)
        q.add_header("Authorization", "Basic " + base64.b64encode(
            ("%s:%s" % (cls.USER, cls.PASSWORD)).encode()).decode())
        try:
            with urllib.request.urlopen(q, timeout=5) as a:
                return a.read() or b" "
        except OSError:
            return None

    def manifest(self, tag):
        return json.loads(self.answers("/v2/it/app/manifests/" + tag, ",".join((
            "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.docker.distribution.manifest.list.v2+json",
            "application/vnd.docker.distribution.manifest.v2+json"))))

    def creds(self):
        return {"DOCKER_CONFIG": self.home.path("docker")}

    def test_push(self):
        tag = unique()[:12]
        meta = self.tmp() + "/meta"
        self.good(self.build("--push", "--platform", "linux/amd64", "-t", self.name + ":" + tag, "--metadata-file", meta,
                             self.context("RUN echo %s\n" % unique()), env=self.creds()))
        self.assertTrue(self.manifest(tag))
        self.assertTrue(self.manifest(json.loads(self.read(meta))["containerimage.digest"]))

    def test_push_without_credentials_or_with_wrong_ones(self):
        wrong = self.tmp()
        self.write(wrong + "/config.json", json.dumps({"auths": {"localhost:%d" % self.port: {
            "auth": base64.b64encode(b"ann:guessed").decode()}}}))
        for config in ("/no/such/dir", wrong):
            r = self.build("--push", "--platform", "linux/amd64", "-t", self.name + ":no", self.context(""),
                           env={"DOCKER_CONFIG": config})
            self.bad(r, 1, "(?i)authoriz|401|credential")
        self.assertIsNone(self.answers("/v2/it/app/manifests/no"))

    def test_push_to_nobody(self):
        self.bad(self.build("--push", "--platform", "linux/amd64", "-t", "localhost:1/x:1", self.context("")),
                 1, "localhost:1")

    def test_push_without_a_name(self):
        self.bad(self.build("--push", "--platform", "linux/amd64", self.context("")), (1, 2), "tag|name|-t")

    def test_two_platforms_on_one_builder_push_an_index(self):
        home = self.new_home(builders=[("one", os.environ["DEPOT_TEST_AMD64"])])
        home.depot("list", "builders")
        tag = unique()[:12]
        ctx = self.tmp()
        self.write(ctx + "/Dockerfile", "FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH t=%s\nCOPY f /f\n" % tag)
        self.write(ctx + "/f", tag)
        self.good(home.depot("build", "--push", "--platform", "linux/amd64,linux/arm64", "-t", self.name + ":" + tag, ctx,
                             env=self.creds()))
        index = self.manifest(tag)
        self.assertEqual(sorted(m["platform"]["architecture"] for m in index["manifests"]
                                if m["platform"]["architecture"] != "unknown"), ["amd64", "arm64"])


@unittest.skipUnless(shutil.which("docker-registry"), "docker-registry is not installed")
class PushFromDocker(Registry):
    """The Docker Engine is the builder, and pushes what it has made."""
    builders = ("docker",)
    test_two_platforms_on_one_builder_push_an_index = None

    def build(self, *args, **kw):  # the Engine of the tests has no network for steps
        return super().build("--network", "none", *args, **kw)

    def remove(self, *tags):
        for tag in tags:
            self.addCleanup(subprocess.run, ["docker", "--host", ENGINE, "rmi", "-f", self.name + ":" + tag],
                            capture_output=True)

    def test_push_of_two_names(self):
        one, two = unique()[:12], unique()[:12]
        meta, file = self.tmp() + "/meta", self.tmp() + "/id"
        self.remove(one, two)
        r = self.good(self.build("--plain", "--push", "-t", self.name + ":" + one, "-t", self.name + ":" + two,
                                 "--metadata-file", meta, "--iidfile", file,
                                 # Of a layer that is there at once the Engine tells nothing.
                                 self.context("COPY big /\n", {"big": os.urandom(16 << 20)}), env=self.creds()))
        self.assertIn("pushing %s:%s with docker" % (self.name, two), r.text)
        self.assertRegex(r.text, "pushing layer [0-9a-f]{12}")
        meta = json.loads(self.read(meta))
        self.assertEqual(self.manifest(one), self.manifest(meta["containerimage.digest"]))
        self.assertEqual(self.manifest(one), self.manifest(two))
        self.assertEqual(self.manifest(one)["config"]["digest"], meta["containerimage.config.digest"])
        self.assertEqual(self.read(file).decode(), meta["containerimage.config.digest"])

    def test_push_as_an_output(self):
        tag = unique()[:12]
        self.remove(tag)
        self.good(self.build("-o", "type=image,push=true,name=%s:%s" % (self.name, tag),
                             self.context("RUN echo %s\n" % unique()), env=self.creds()))
        self.assertTrue(self.manifest(tag))

    def test_cancel_while_pushing(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:  # takes connections, and says nothing
            name = "localhost:%d/it/app:1" % mute.getsockname()[1]
            j = self.home.start("build", "--plain", "--network", "none", "--push", "-t", name, self.context("RUN echo %s\n" % unique()))
            j.await_text("pushing %s with docker" % name)
            j.signal(depot_test.signal.SIGINT)
            started = time.monotonic()
            self.bad(j.wait(), 130, "cancelled")
            self.assertLess(time.monotonic() - started, 10)


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "DEPOT_TEST_ARM64", "DEPOT_TEST_DOCKER")
    depot_test.main()
