"""Which Docker Engine --load means: contexts, DOCKER_HOST over ssh, TLS. Real Engines, a real sshd."""
import hashlib
import http.server
import io
import json
import os
import shutil
import socketserver
import subprocess
import tarfile
import threading
import unittest

import depot_test
from depot_test import TestCase, eventually, free_port, unique

ENGINE = os.environ.get("DEPOT_TEST_DOCKER", "").replace("docker+", "")
NOWHERE = "unix:///no/such/docker.sock"


def run(*argv, **kw):
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True, **kw).stdout


class Contexts(TestCase):
    builders = ("amd64",)

    def setUp(self):
        self.config = self.tmp()

    def create(self, name, host, *more):
        run("docker", "context", "create", name, "--docker", ",".join(("host=" + host, *more)),
            env=dict(os.environ, DOCKER_CONFIG=self.config))

    def use(self, name):
        run("docker", "context", "use", name, env=dict(os.environ, DOCKER_CONFIG=self.config))

    def load(self, *args, **env):
        """The build, and the name of the image."""
        tag = "depot-test:" + unique()[:12]
        self.addCleanup(subprocess.run, ["docker", "--host", ENGINE, "rmi", "-f", tag], capture_output=True)
        r = self.build(*(args or ("--load",)), "-t", tag, self.context(""), env=dict(env, DOCKER_CONFIG=self.config))
        return r, tag

    def is_there(self, tag, *docker):
        return subprocess.run(["docker", *(docker or ("--host", ENGINE)), "image", "inspect", tag],
                              capture_output=True, check=False).returncode == 0

    def loaded(self, *args, **env):
        r, tag = self.load(*args, **env)
        self.good(r)
        self.assertTrue(self.is_there(tag))

    def test_the_context_in_use(self):
        self.create("here", ENGINE)
        self.use("here")
        self.loaded()

    def test_the_variables_win_in_dockers_order(self):
        self.create("here", ENGINE)
        self.create("gone", NOWHERE)
        self.use("gone")
        self.bad(self.load()[0], 1, NOWHERE)
        self.loaded(DOCKER_CONTEXT="here")
        self.loaded(DOCKER_HOST=ENGINE, DOCKER_CONTEXT="gone")
        self.bad(self.load(DOCKER_CONTEXT="here", DOCKER_HOST=NOWHERE)[0], 1, NOWHERE)
        self.loaded(DOCKER_CONTEXT="default", DOCKER_HOST=ENGINE)

    def test_the_context_of_an_output(self):
        self.create("here", ENGINE)
        self.loaded("-o", "type=docker,context=here", DOCKER_HOST=NOWHERE)
        self.loaded("-o", "type=docker,context=default", DOCKER_HOST=ENGINE)

    def test_contexts_that_cannot_be(self):
        self.bad(self.load(DOCKER_CONTEXT="nope")[0], 1, 'no Docker context "nope"', "docker context ls")
        for name in ("../../etc", "a/b", "-x", "x", "a" * 300, "a\nb"):
            self.bad(self.load(DOCKER_CONTEXT=name)[0], 2, "not a Docker context's name")

    def test_a_store_that_is_broken(self):
        meta = os.path.join(self.config, "contexts", "meta", hashlib.sha256(b"mine").hexdigest(), "meta.json")
        os.makedirs(os.path.dirname(meta))
        for text, told in (("{", "not a JSON object"), ("[]", "not a JSON object"), ("{}", "names no Docker Engine"),
                           ('{"Endpoints":{"docker":{"Host":"gopher://x"}}}', "gopher"),
                           ('{"Endpoints":{"docker":{"Host":"ssh://u:p@h"}}}', "password"),
                           ("[" * 100000, "not a JSON object")):
            self.write(meta, text)
            self.bad(self.load(DOCKER_CONTEXT="mine")[0], (1, 2), told)
        os.remove(meta)
        os.mkdir(meta)
        self.bad(self.load(DOCKER_CONTEXT="mine")[0], (1, 2), "meta.json")
        self.write(os.path.join(self.config, "config.json"), "{")
        self.loaded(DOCKER_HOST=ENGINE)


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class Tls(Contexts):
    """An Engine that wants a certificate of its clients, as docker's own image with Docker in it has one."""
    test_the_context_in_use = test_the_variables_win_in_dockers_order = test_the_context_of_an_output = None
    test_contexts_that_cannot_be = test_a_store_that_is_broken = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certs, cls.port = cls.home.path("certs"), free_port()
        os.makedirs(cls.certs + "/server")
        cls.make_certificates()
        d = cls.home.path("dockerd")
        os.makedirs(d)
        with open(d + "/log", "wb") as log:
            p = subprocess.Popen(
                ["dockerd", "--iptables=false", "--bridge=none", "--host", "tcp://127.0.0.1:%d" % cls.port,
                 "--data-root", d + "/data", "--exec-root", d + "/exec", "--pidfile", d + "/pid", "--tlsverify",
                 "--tlscacert", cls.certs + "/ca.pem", "--tlscert", cls.certs + "/server/cert.pem",
                 "--tlskey", cls.certs + "/server/key.pem"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

        def stop():
            p.terminate()
            p.wait(30)
        cls.addClassCleanup(stop)
        if not eventually(lambda: subprocess.run(["docker", *cls.flags(), "version"], capture_output=True,
                                                 check=False).returncode == 0, 30):
            raise AssertionError("dockerd did not start: see " + d + "/log")

    @classmethod
    def flags(cls):
        return ["--host", "tcp://127.0.0.1:%d" % cls.port, "--tlsverify", *(
            "--tls%s=%s/%s.pem" % (kind, cls.certs, name) for kind, name in (
                ("cacert", "ca"), ("cert", "cert"), ("key", "key")))]

    @classmethod
    def make_certificates(cls):
        def sign(where, name, extension):
            run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout",
                where + "/key.pem", "-out", where + "/csr.pem", cwd=cls.certs)
            with open(where + "/ext", "w") as f:
                f.write(extension)
            run("openssl", "x509", "-req", "-in", where + "/csr.pem", "-CA", "ca.pem", "-CAkey", "ca-key.pem",
                "-CAcreateserial", "-days", "2", "-extfile", where + "/ext", "-out", where + "/cert.pem", cwd=cls.certs)
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=it", "-days", "2", "-keyout",
            "ca-key.pem", "-out", "ca.pem", cwd=cls.certs)
        sign(cls.certs + "/server", "server", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
        sign(cls.certs, "client", "extendedKeyUsage=clientAuth\n")

    def is_there(self, tag, *docker):
        return super().is_there(tag, *self.flags())

    def host(self):
        return "tcp://127.0.0.1:%d" % self.port

    def test_by_the_environment(self):
        self.loaded(DOCKER_HOST=self.host(), DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH=self.certs)

    def test_certificates_beside_the_configuration(self):
        for name in ("ca.pem", "cert.pem", "key.pem"):
            shutil.copy(os.path.join(self.certs, name), self.config)
        self.loaded(DOCKER_HOST=self.host(), DOCKER_TLS_VERIFY="1")

    def test_by_a_context(self):
        self.create("safe", self.host(), *("%s=%s/%s.pem" % (kind, self.certs, name) for kind, name in (
            ("ca", "ca"), ("cert", "cert"), ("key", "key"))))
        self.loaded(DOCKER_CONTEXT="safe")

    def test_what_is_wrong_is_told(self):
        here = {"DOCKER_HOST": self.host(), "DOCKER_TLS_VERIFY": "1"}
        self.bad(self.load(**here)[0], 1, "no ca.pem in " + self.config, "DOCKER_CERT_PATH")
        other = self.tmp()
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other", "-days", "2", "-keyout",
            other + "/key.pem", "-out", other + "/ca.pem")
        self.bad(self.load(DOCKER_CERT_PATH=other, **here)[0], 1, "(?i)certificate")
        lone = self.tmp()
        shutil.copy(self.certs + "/ca.pem", lone)
        self.bad(self.load(DOCKER_CERT_PATH=lone, **here)[0], 1, "Docker Engine at " + self.host())
        self.bad(self.load(DOCKER_HOST=self.host())[0], 1, "DOCKER_TLS_VERIFY=1")

    def test_without_verifying(self):
        d = self.tmp()
        for name in ("cert.pem", "key.pem"):
            shutil.copy(os.path.join(self.certs, name), d)
        self.loaded(DOCKER_HOST=self.host(), DOCKER_TLS="1", DOCKER_CERT_PATH=d)


@unittest.skipUnless(shutil.which("sshd") or os.path.exists("/usr/sbin/sshd"), "sshd is not installed")
class Ssh(Contexts):
    test_the_context_in_use = test_the_variables_win_in_dockers_order = test_the_context_of_an_output = None
    test_contexts_that_cannot_be = test_a_store_that_is_broken = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        d, cls.port = cls.home.path("ssh"), free_port()
        os.makedirs(d, mode=0o700)
        for key in ("host", "user"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "%s/%s" % (d, key))
        shutil.copy(d + "/user.pub", d + "/authorized_keys")
        with open(d + "/sshd_config", "w") as f:
            f.write("Port %d\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %s/authorized_keys\n"
                    "PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin yes\n"
                    "SetEnv PATH=%s\n" % (cls.port, d, d, os.environ["PATH"]))
        with open(d + "/config", "w") as f:
            f.write("Host *\n  IdentityFile %s/user\n  IdentitiesOnly yes\n  UserKnownHostsFile %s/known\n"
                    "  StrictHostKeyChecking accept-new\n" % (d, d))
        os.makedirs(d + "/bin")
        with open(d + "/bin/ssh", "w") as f:  # ssh takes its configuration from the real home
            f.write('#!/bin/sh\nexec %s -F %s/config "$@"\n' % (shutil.which("ssh"), d))
        os.chmod(d + "/bin/ssh", 0o755)
        cls.path = d + "/bin:" + os.environ["PATH"]
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        with open(d + "/log", "wb") as log:
            p = subprocess.Popen([shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", d + "/sshd_config"],
                                 stdout=log, stderr=log, stdin=subprocess.DEVNULL)

        def stop():
            p.terminate()
            p.wait(10)
        cls.addClassCleanup(stop)
        cls.user = run("id", "-un").strip()
        if not eventually(lambda: subprocess.run(["%s/bin/ssh" % d, "-p", str(cls.port), cls.user + "@127.0.0.1", "true"],
                                                 capture_output=True, check=False).returncode == 0, 20):
            raise AssertionError("no ssh to this machine: see " + d + "/log")

    def host(self, path=ENGINE.replace("unix://", "")):
        return "ssh://%s@127.0.0.1:%d%s" % (self.user, self.port, path)

    def test_by_the_environment(self):
        self.loaded(DOCKER_HOST=self.host(), PATH=self.path)

    def test_by_a_context(self):
        self.create("far", self.host())
        self.loaded(DOCKER_CONTEXT="far", PATH=self.path)

    def test_a_large_image(self):
        tag = "depot-test:" + unique()[:12]
        self.addCleanup(subprocess.run, ["docker", "--host", ENGINE, "rmi", "-f", tag], capture_output=True)
        self.good(self.build("--load", "-t", tag, self.context("COPY big /\n", {"big": os.urandom(24 << 20)}),
                             env={"DOCKER_HOST": self.host(), "PATH": self.path}))
        self.assertGreater(json.loads(run("docker", "--host", ENGINE, "image", "inspect", tag))[0]["Size"], 24 << 20)

    def test_what_ssh_says_is_told(self):
        self.bad(self.load(DOCKER_HOST="ssh://%s@127.0.0.1:%d" % (self.user, free_port()), PATH=self.path)[0], 1,
                 "ssh: .*(?i:connection refused)")
        self.bad(self.load(DOCKER_HOST="ssh://nobody-here@127.0.0.1:%d" % self.port, PATH=self.path)[0], 1,
                 "ssh: .*(?i:permission denied)")
        self.bad(self.load(DOCKER_HOST=self.host("/no/such.sock"), PATH=self.path)[0], 1, "/no/such.sock")

    def test_without_ssh(self):
        self.bad(self.load(DOCKER_HOST=self.host(), PATH=self.tmp())[0], 1, "cannot run ssh")


class FakeEngine(http.server.BaseHTTPRequestHandler):
    """An Engine with the containerd image store, as far as --load asks one. Debian's has no such store."""
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "client"

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, json.dumps({"OSType": "linux", "Architecture": "x86_64", "DriverStatus": [
            ["driver-type", "io.containerd.snapshotter.v1"]]}).encode() if self.path == "/info" else b"{")

    def do_POST(self):
        data = b""
        while (n := int(self.rfile.readline(), 16)) > 0:
            data += self.rfile.read(n)
            self.rfile.readline()
        self.rfile.readline()
        self.server.loaded.append(data)
        error = self.server.error
        self.answer(200, (json.dumps({"error": error} if error else {"stream": "Loaded image"}) + "\r\n").encode())

    def log_message(self, *args):
        pass


class FakeServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    loaded, error = (), ""


class ContainerdStore(TestCase):
    builders = ("amd64", "arm64")

    def setUp(self):
        path = os.path.join(self.tmp(), "docker.sock")
        self.engine = FakeServer(path, FakeEngine)
        self.engine.loaded = []
        threading.Thread(target=self.engine.serve_forever, daemon=True).start()
        self.addCleanup(self.engine.server_close)
        self.addCleanup(self.engine.shutdown)
        self.env = {"DOCKER_HOST": "unix://" + path}

    def scratch(self):
        d = self.tmp()
        self.write(d + "/Dockerfile", "FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH of=%s\nCOPY f /\n" % unique())
        self.write(d + "/f", unique())
        return d

    def index(self):
        """Of the image that was loaded: its digest, and its manifests by architecture."""
        self.assertEqual(len(self.engine.loaded), 1)
        with tarfile.open(fileobj=io.BytesIO(self.engine.loaded[0])) as tar:
            top = json.load(tar.extractfile("index.json"))["manifests"][0]
            index = json.load(tar.extractfile("blobs/sha256/" + top["digest"].split(":")[1]))
        return top, [m["platform"]["architecture"] for m in index.get("manifests", ())]

    def test_all_platforms_from_the_builders_of_each(self):
        r = self.good(self.build("-q", "--load", "--platform", "linux/amd64,linux/arm64", "-t", "app:1", self.scratch(),
                                 env=self.env))
        top, platforms = self.index()
        self.assertEqual(platforms[:2], ["amd64", "arm64"])  # attestations come behind
        self.assertEqual(top["digest"], r.stdout.strip())
        self.assertEqual(top["annotations"]["io.containerd.image.name"], "docker.io/library/app:1")
        self.assertEqual(sorted(self.home.builds()[0]["builders"]), ["amd64", "arm64"])

    def test_attestations(self):
        self.good(self.build("--load", "--provenance=true", "--platform", "linux/amd64", "-t", "app:1", self.scratch(),
                             env=self.env))
        self.assertEqual(self.index()[1], ["amd64", "unknown"])

    def test_the_id_is_the_manifest_s(self):
        r = self.good(self.build("-q", "--load", "--platform", "linux/amd64", "-t", "app:1", self.scratch(), env=self.env))
        self.assertEqual(self.index()[0]["digest"], r.stdout.strip())

    def test_a_refusal_is_told(self):
        self.engine.error = "no space left"
        self.bad(self.build("--load", "--platform", "linux/amd64,linux/arm64", "-t", "app:1", self.scratch(), env=self.env),
                 1, "did not load the image: no space left")

    def test_files_beside_it(self):
        out = self.tmp()
        self.good(self.build("--load", "--platform", "linux/amd64,linux/arm64", "-t", "app:1", "-o",
                             "type=oci,dest=%s/x.tar" % out, "-o", out + "/files", self.scratch(), env=self.env))
        self.assertEqual(self.index()[1][:2], ["amd64", "arm64"])
        self.assertEqual(sorted(os.listdir(out + "/files")), ["linux_amd64", "linux_arm64"])
        self.assertTrue(tarfile.is_tarfile(out + "/x.tar"))


class ClassicStore(Contexts):
    """It keeps one platform of an image: the Engine's."""
    builders = ("amd64", "arm64")
    test_the_context_in_use = test_the_variables_win_in_dockers_order = test_the_context_of_an_output = None
    test_contexts_that_cannot_be = test_a_store_that_is_broken = None

    def several(self, *args, home=None, platforms="linux/amd64,linux/arm64"):
        tag, d = "depot-test:" + unique()[:12], self.tmp()
        self.addCleanup(subprocess.run, ["docker", "--host", ENGINE, "rmi", "-f", tag], capture_output=True)
        self.write(d + "/Dockerfile", "FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH of=%s\nCOPY f /\n" % tag)
        self.write(d + "/f", tag)
        r = self.good((home or self.home).depot("build", "--load", "--platform", platforms, "-t", tag, *args, d,
                                                env={"DOCKER_HOST": ENGINE}))
        return r, json.loads(run("docker", "--host", ENGINE, "image", "inspect", tag))[0]

    def test_of_two_builders(self):
        r, image = self.several("--plain")
        self.assertEqual(image["Config"]["Labels"]["arch"], "amd64")
        self.assertIn("keeps one platform of an image: linux/amd64 is loaded, linux/arm64 is built and not loaded", r.text)
        self.assertIn("[linux/amd64 ", r.text)
        self.assertIn("[linux/arm64 ", r.text)
        self.assertEqual(sorted(self.home.builds()[0]["builders"]), ["amd64", "arm64"])

    def test_of_one_builder(self):
        home = self.new_home(builders=[("one", os.environ["DEPOT_TEST_AMD64"])])
        out = self.tmp()
        r, image = self.several("-q", "-o", out, home=home)
        self.assertEqual(image["Config"]["Labels"]["arch"], "amd64")
        self.assertEqual(r.stdout.strip(), image["Id"])
        self.assertEqual(sorted(os.listdir(out)), ["linux_amd64", "linux_arm64"])
        self.assertTrue(os.path.exists(out + "/linux_amd64/f"))

    def test_a_tar_beside_it_has_the_folders_of_platforms(self):
        one = self.new_home(builders=[("one", os.environ["DEPOT_TEST_AMD64"])])
        for name, home in (("two builders", self.home), ("one builder", one)):
            with self.subTest(name):
                out = self.tmp()
                r, image = self.several("-q", "-o", "type=tar,dest=%s/x.tar" % out, "-o", out + "/d", home=home)
                self.assertEqual(image["Config"]["Labels"]["arch"], "amd64")
                self.assertEqual(r.stdout.strip(), image["Id"])
                with tarfile.open(out + "/x.tar") as t:
                    self.assertEqual(t.getnames(), ["linux_amd64", "linux_amd64/f", "linux_arm64", "linux_arm64/f"])
                self.assertEqual(sorted(os.listdir(out + "/d")), ["linux_amd64", "linux_arm64"])

    def test_attestations_have_no_place(self):
        r, _ = self.load("--load", "--provenance=true", DOCKER_HOST=ENGINE)
        self.bad(r, 2, "no place for attestations", "containerd image store")


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "DEPOT_TEST_ARM64", "DEPOT_TEST_DOCKER")
    depot_test.main()
