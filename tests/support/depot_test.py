"""What the integration tests share: homes, daemons, engines, contexts, terminals.

A test file is a CTest case of its own. Every class has a Home: a directory with the runtime, state
and configuration directories that depot and depotd use, so that no test sees another's daemon nor
the user's. Engines come from the environment (scripts/test sets it). A file has a set of them for
itself while it runs; where there are several sets, a variable has the address of each, by spaces,
and CTest says which is this file's:

    DEPOT_TEST_AMD64, DEPOT_TEST_ARM64,  unix://SOCKET of a buildkitd
      DEPOT_TEST_RISCV64, DEPOT_TEST_S390X
    DEPOT_TEST_DOCKER                    docker+unix://SOCKET of a Docker Engine
    DEPOT_TEST_BIN                       directory of buildctl, buildx and buildkitd
    DEPOT_TEST_BUILD                     build directory whose programs are tested (CTest sets it)
    DEPOT_TEST_LONG                      set: storms, soaks and matrices run whole; else a sample of them
"""
import contextlib
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("DEPOT_TEST_BUILD", os.path.join(SOURCE, "build", "debug"))
DEPOT = os.path.join(BUILD, "cli", "depot")
DEPOTD = os.path.join(BUILD, "builder", "depotd")
BIN = os.environ.get("DEPOT_TEST_BIN", "")
SKIPPED = 77
# Long enough for a busy machine with sanitizers; a test that gets here has failed.
TIMEOUT = 90

LONG = bool(os.environ.get("DEPOT_TEST_LONG"))

SANITIZER = re.compile(r"(Address|Leak|UndefinedBehavior)Sanitizer|runtime error:")


def choose_engines():
    """Leave of each kind only the engine of the set that is ours."""
    ours = os.environ.pop("CTEST_RESOURCE_GROUP_0_ENGINES", "id:0,slots:1")
    place = int(re.match("id:([0-9]+)", ours).group(1))
    for kind in ("AMD64", "ARM64", "RISCV64", "S390X", "DOCKER"):
        addresses = os.environ.get("DEPOT_TEST_" + kind, "").split()
        if addresses:
            os.environ["DEPOT_TEST_" + kind] = addresses[place]


choose_engines()


def sample(rows, n):
    """All of a matrix with DEPOT_TEST_LONG; else n of its rows, others at each run, and it says so."""
    rows = list(rows)
    if LONG or len(rows) <= n:
        return rows
    print("sampled: %d of %d" % (n, len(rows)), flush=True)
    chosen = set(random.sample(range(len(rows)), n))
    return [row for i, row in enumerate(rows) if i in chosen]


def skip_file(reason):
    """Leave: this file cannot run here. In CI that is a failure, since the engines must be there."""
    print("skipped: " + reason, flush=True)
    sys.exit(1 if os.environ.get("CI") else SKIPPED)


def need(*names):
    """The engines (environment variables) and programs (of DEPOT_TEST_BIN) that a file cannot do without."""
    for name in names:
        if name.startswith("DEPOT_TEST_"):
            if not os.environ.get(name):
                skip_file("%s is not set: scripts/test brings the engines up" % name)
        elif not os.access(os.path.join(BIN, name), os.X_OK):
            skip_file("%s is not in DEPOT_TEST_BIN" % name)


def tool(name):
    return os.path.join(BIN, name)


def unique():
    """Never seen before: what makes a step run again."""
    return uuid.uuid4().hex


def busybox_dir(arch="amd64"):
    path = os.path.join(SOURCE, "examples", "hello", "rootfs", arch, "bin")
    if not os.path.exists(os.path.join(path, "busybox")):
        subprocess.run([os.path.join(SOURCE, "scripts", "example-rootfs"),
                        os.path.join(SOURCE, "examples", "hello")], check=True)
    return path


# What a Dockerfile of a test begins with, so that it can run a shell.
BASE = 'FROM scratch AS base\nCOPY bin/ /bin/\nSHELL ["/bin/busybox", "sh", "-c"]\n'


class Result:
    """A program that has ended."""

    def __init__(self, argv, code, out, err):
        self.argv, self.code, self.out, self.err = argv, code, out, err

    @property
    def text(self):
        return self.err.decode("utf-8", "replace")

    @property
    def stdout(self):
        return self.out.decode("utf-8", "replace")

    def __str__(self):
        return "%s\nexit %s\n--- stdout\n%s\n--- stderr\n%s" % (
            " ".join(self.argv), self.code, self.stdout[-3000:], self.text[-6000:])


class Running:
    """A program that runs, its output collected beside."""

    def __init__(self, argv, env, stdin=None, cwd=None):
        self.argv = argv
        self.process = subprocess.Popen(argv, env=env, stdin=stdin or subprocess.DEVNULL, cwd=cwd,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.out, self.err = bytearray(), bytearray()
        self.threads = [threading.Thread(target=self._collect, args=a, daemon=True) for a in
                        ((self.process.stdout, self.out), (self.process.stderr, self.err))]
        for t in self.threads:
            t.start()

    @staticmethod
    def _collect(pipe, into):
        while True:
            data = pipe.read1(65536)
            if not data:
                pipe.close()
                return
            into += data

    def await_text(self, text, timeout=TIMEOUT):
        """Until stderr has `text`."""
        end = time.monotonic() + timeout
        while text.encode() not in self.err:
            if self.process.poll() is not None or time.monotonic() > end:
                self.wait(5)
                if text.encode() in self.err:
                    return
                raise AssertionError("no %r in\n%s" % (text, self.result()))
            time.sleep(0.02)

    def signal(self, signum):
        self.process.send_signal(signum)

    def wait(self, timeout=TIMEOUT):
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("did not end within %s s\n%s" % (timeout, self.result())) from None
        for t in self.threads:
            t.join(10)
        return self.result()

    def result(self):
        return Result(self.argv, self.process.returncode, bytes(self.out), bytes(self.err))


def socket_owner(path):
    """The process that listens on a unix socket, or None."""
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(path)
        except OSError:
            return None
        return struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def eventually(check, timeout=TIMEOUT, step=0.05):
    """The first true value of check()."""
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            return value
        time.sleep(step)


class Home:
    """Directories of one imagined user, and this user's daemon."""

    def __init__(self, builders=(), config=""):
        self.dir = tempfile.mkdtemp(prefix="depot-it-")
        self.run, self.state, self.config = (self.path(n) for n in ("run", "state", "config"))
        for d in (self.run, self.state, self.config, self.path("home")):
            os.makedirs(d)
        os.chmod(self.run, 0o700)
        self.env = {k: v for k, v in os.environ.items() if not re.match(
            "DEPOT_(?!TEST)|BUILDKIT|BUILDX|DOCKER|XDG_|CI$|CI_|GITHUB_|GITLAB_|TF_BUILD|AGENT_|JENKINS_|TEAMCITY_|ACTIONS_|AWS_|"
            "SOURCE_DATE_EPOCH|EXPERIMENTAL_BUILDKIT|NO_COLOR|FORCE_COLOR", k)}
        self.env.update(HOME=self.path("home"), XDG_RUNTIME_DIR=self.run, XDG_STATE_HOME=self.state,
                        XDG_CONFIG_HOME=self.config, DEPOT_DAEMON=DEPOTD, LC_ALL="C.UTF-8",
                        ASAN_OPTIONS="detect_leaks=1:abort_on_error=0")
        self.socket = os.path.join(self.run, "depot", "depotd.sock")
        self.log = os.path.join(self.run, "depot", "depotd.log")
        self.daemons = []
        self.configure(builders, config)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def configure(self, builders=(), config=""):
        """The daemon's configuration file: (name, address) pairs, and more lines."""
        os.makedirs(os.path.join(self.config, "depot"), exist_ok=True)
        with open(os.path.join(self.config, "depot", "depotd.conf"), "w") as f:
            for name, address in builders:
                f.write("builder = %s=%s\n" % (name, address))
            f.write(config)

    def environ(self, extra):
        env = dict(self.env)
        for k, v in (extra or {}).items():
            if v is None:
                env.pop(k, None)
            else:
                env[k] = v
        return env

    def depot(self, *args, stdin=None, env=None, cwd=None, timeout=TIMEOUT):
        """Run depot to its end."""
        argv = [DEPOT, *args]
        p = subprocess.Popen(argv, env=self.environ(env), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL)
        try:
            out, err = p.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            raise AssertionError("did not end within %s s\n%s" % (
                timeout, Result(argv, p.returncode, out, err))) from None
        return Result(argv, p.returncode, out, err)

    def start(self, *args, env=None, stdin=None, cwd=None):
        """Run depot beside the test."""
        return Running([DEPOT, *args], self.environ(env), stdin, cwd)

    def daemon(self, *args, wait=True):
        """A depotd of this home, started by hand, and its pid; it listens on this user's socket if not told otherwise."""
        os.makedirs(os.path.dirname(self.log), mode=0o700, exist_ok=True)
        r, w = os.pipe()
        with open(self.log, "ab") as log:
            p = subprocess.Popen([DEPOTD, "--ready-fd", str(w), *args], env=self.env, stdin=subprocess.DEVNULL,
                                 stdout=log, stderr=log, pass_fds=[w], start_new_session=True)
        os.close(w)
        self.daemons.append(p)
        if wait:
            ready, _, _ = select.select([r], [], [], 30)
            if not ready or os.read(r, 1) != b"1":
                raise AssertionError("depotd did not start:\n" + self.daemon_log())
        os.close(r)
        return p

    def daemon_pid(self):
        return socket_owner(self.socket)

    def daemon_log(self):
        try:
            with open(self.log, errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def stop(self):
        """Stop every daemon of this home, in order, and return what its log says."""
        pid = self.daemon_pid()
        if pid is not None and pid not in [p.pid for p in self.daemons]:
            os.kill(pid, signal.SIGTERM)
            if not eventually(lambda: not alive(pid), 20):
                os.kill(pid, signal.SIGKILL)
                raise AssertionError("depotd did not stop:\n" + self.daemon_log())
        for p in self.daemons:
            if p.poll() is None:
                p.terminate()
                try:
                    p.wait(20)
                except subprocess.TimeoutExpired:
                    p.kill()
                    p.wait()
                    raise AssertionError("depotd did not stop:\n" + self.daemon_log()) from None
        self.daemons.clear()
        return self.daemon_log()

    def close(self):
        try:
            log = self.stop()
        finally:
            subprocess.run(["umount", "-l", self.path("mnt")], capture_output=True, check=False)
            shutil.rmtree(self.dir, ignore_errors=True)
        if SANITIZER.search(log):
            raise AssertionError("a sanitizer spoke in depotd's log:\n" + log[-8000:])

    def post(self, path, body):
        return self.api(path, "POST", body)

    def api(self, path, method="GET", body=b""):
        """One HTTP request to the daemon's socket: (status, JSON or text)."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(self.socket)
            s.sendall(("%s %s HTTP/1.1\r\nHost: depot\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (
                method, path, len(body))).encode() + body)
            data = b""
            while True:
                piece = s.recv(65536)
                if not piece:
                    break
                data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        if b"chunked" in head.lower():
            body = unchunk(body)
        is_json = b"application/json" in head.lower()
        return int(head.split()[1]), json.loads(body) if is_json else body.decode()

    def builds(self, query=""):
        """The builds of this home's daemon, newest first; not those that other tests run on its engines."""
        return [b for b in self.api("/v1/builds" + query)[1]["builds"] if b["origin"] == "depot"]


def unchunk(data):
    out = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        n = int(size, 16)
        out, data = out + data[:n], data[n + 2:]
        if n == 0:
            break
    return out


class TestCase(unittest.TestCase):
    """Has cls.home; see the module. A file whose tests each need a home of their own calls self.new_home()."""
    builders = ("amd64",)
    maxDiff = None

    @classmethod
    def builder_list(cls):
        variables = {"amd64": "DEPOT_TEST_AMD64", "arm64": "DEPOT_TEST_ARM64", "docker": "DEPOT_TEST_DOCKER"}
        return [(b, os.environ[variables[b]]) for b in cls.builders]

    @classmethod
    def setUpClass(cls):
        cls.home = Home(cls.builder_list())
        cls.addClassCleanup(cls.home.close)

    def new_home(self, builders=None, config=""):
        home = Home(self.builder_list() if builders is None else builders, config)
        self.addCleanup(home.close)
        return home

    def tmp(self):
        d = tempfile.mkdtemp(dir=self.home.dir)
        self.addCleanup(shutil.rmtree, d, True)
        return d

    def git_daemon(self, top):
        """Commits all of a directory, and gives the git:// URL that it is served at."""
        git = ["git", "-C", top, "-c", "user.name=t", "-c", "user.email=t@example.com"]
        for args in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "all"]):
            subprocess.run(git + args, check=True, capture_output=True)
        port = free_port()
        daemon = subprocess.Popen(["git", "daemon", "--export-all", "--base-path=" + os.path.dirname(top), "--listen=127.0.0.1",
                                   "--port=%d" % port, "--reuseaddr"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(daemon.wait, 10)
        self.addCleanup(daemon.terminate)
        url = "git://127.0.0.1:%d/%s" % (port, os.path.basename(top))
        eventually(lambda: subprocess.run(["git", "ls-remote", url], capture_output=True, check=False).returncode == 0, 10)
        return url

    def context(self, dockerfile=None, files=None, arch="amd64"):
        """A build context with busybox in bin/, a Dockerfile after BASE, and files by name."""
        d = self.tmp()
        os.makedirs(os.path.join(d, "bin"))
        shutil.copy(os.path.join(busybox_dir(arch), "busybox"), os.path.join(d, "bin", "busybox"))
        if dockerfile is not None:
            self.write(os.path.join(d, "Dockerfile"), BASE + dockerfile)
        for name, data in (files or {}).items():
            self.write(os.path.join(d, name), data)
        return d

    @staticmethod
    def write(path, data):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data.encode() if isinstance(data, str) else data)

    @staticmethod
    def read(*path):
        with open(os.path.join(*path), "rb") as f:
            return f.read()

    def good(self, result):
        """It succeeded, and no sanitizer spoke."""
        self.assertNotRegex(result.text, SANITIZER, str(result))
        self.assertEqual(result.code, 0, str(result))
        return result

    def bad(self, result, code, *says):
        """It failed with this exit code, and said these (regular expressions), each but once and not as a crash."""
        self.assertNotRegex(result.text, SANITIZER, str(result))
        codes = code if isinstance(code, tuple) else (code,)
        self.assertIn(result.code, codes, str(result))
        for what in says:
            self.assertRegex(result.text, what, str(result))
        return result

    def build(self, *args, **kw):
        return self.home.depot("build", *args, **kw)


class Terminal:
    """A program whose stderr (and stdin) is a terminal."""

    def __init__(self, argv, env):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(argv, env=dict(env, TERM="xterm-256color"), stdin=slave, stderr=slave,
                                        stdout=subprocess.DEVNULL, start_new_session=True)
        os.close(slave)
        self.data = b""

    def wait(self, timeout=TIMEOUT):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            ready, _, _ = select.select([self.master], [], [], 0.2)
            if ready:
                try:
                    piece = os.read(self.master, 65536)
                except OSError:
                    piece = b""
                if not piece:
                    break
                self.data += piece
            elif self.process.poll() is not None:
                break
        os.close(self.master)
        return self.process.wait(10)


class Certificates:
    """A certificate authority in a directory: NAME.pem and NAME.key of whom it vouches for, ca.pem."""

    def __init__(self, directory):
        os.makedirs(directory)
        self.dir = directory
        self.openssl("req", "-x509", *self.EC, "-nodes", "-days", "2", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out",
                     "ca.pem")

    EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")

    def openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.dir, check=True, capture_output=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def issue(self, name, alt=None, days=2):
        self.openssl("req", *self.EC, "-nodes", "-keyout", name + ".key", "-subj", "/CN=" + name, "-out", name + ".csr")
        extensions = []
        if alt:
            with open(self.path(name + ".ext"), "w") as f:
                f.write("subjectAltName=%s\n" % alt)
            extensions = ["-extfile", name + ".ext"]
        self.openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                     str(days), "-out", name + ".pem", *extensions)
        return self.path(name + ".pem"), self.path(name + ".key")


@contextlib.contextmanager
def own_engine(home, name="own", binary=None, listen=(), tls=None):
    """A buildkitd of the test's own, which it may kill: yields (address, process).

    `listen`: more addresses; on TCP it speaks TLS with tls = (ca, cert, key), and demands it of clients too.
    """
    d = home.path("engine-" + name)
    os.makedirs(d)
    sock = os.path.join(d, "buildkitd.sock")
    with open(os.path.join(d, "buildkitd.toml"), "w") as f:
        addresses = ", ".join('"%s"' % a for a in ("unix://" + sock, *listen))
        f.write('root = "%s/root"\n[grpc]\n  address = [%s]\n' % (d, addresses))
        if tls is not None:
            f.write('[grpc.tls]\n  ca = "%s"\n  cert = "%s"\n  key = "%s"\n' % tls)
        f.write('[worker.oci]\n  enabled = true\n  platforms = ["linux/amd64"]\n[worker.containerd]\n  enabled = false\n')

    def spawn():
        log = open(os.path.join(d, "log"), "ab")
        p = subprocess.Popen([binary or tool("buildkitd"), "--config", os.path.join(d, "buildkitd.toml")],
                             stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        if not eventually(lambda: socket_owner(sock) is not None and subprocess.run(
                [tool("buildctl"), "--addr", "unix://" + sock, "debug", "workers"], capture_output=True,
                check=False).returncode == 0, 30):
            raise AssertionError("buildkitd did not start: " + d)
        return p

    class Engine:
        address = "unix://" + sock
        directory = d
        process = spawn()

        def restart(self):
            self.process = spawn()

    engine = Engine()
    try:
        yield engine
    finally:
        if engine.process.poll() is None:
            engine.process.terminate()
            try:
                engine.process.wait(15)
            except subprocess.TimeoutExpired:
                engine.process.kill()
                engine.process.wait()
        with open("/proc/mounts") as f:
            mounts = [line.split()[1] for line in f if line.split()[1].startswith(d + "/")]
        for m in reversed(mounts):
            subprocess.run(["umount", "-l", m], capture_output=True, check=False)


def main():
    for program in (DEPOT, DEPOTD):
        if not os.access(program, os.X_OK):
            skip_file("%s is not built" % program)
    unittest.main(verbosity=2)
