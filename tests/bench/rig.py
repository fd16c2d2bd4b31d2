"""What the benchmarks share: engines on a file system of their own, who takes part, a measured run, rounds.

Everybody who takes part is a Column: buildctl, buildx, and depot once for each build of it that is
compared. A column's daemon runs only while its own build does: it would follow the others' builds.
"""
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.environ.get("DEPOT_CACHE_DIR") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "depot-dev")
BIN = os.path.join(CACHE, "bin")
ENGINES = os.environ.get("DEPOT_ENGINES_DIR") or os.path.join(CACHE, "engines")
TICK = os.sysconf("SC_CLK_TCK")
# Without limits: what is measured is a log, not its clipping.
ENGINE_ENV = {"BUILDKIT_STEP_LOG_MAX_SIZE": "-1", "BUILDKIT_STEP_LOG_MAX_SPEED": "-1"}
# More than this taken by programs that are no part of a run, in cores, and the run says nothing.
BUSY = 0.2

# How a Dockerfile of a benchmark begins.
HEAD = """FROM scratch AS base
COPY rootfs/amd64/ /
SHELL ["/bin/busybox", "sh", "-c"]
RUN /bin/busybox --install -s /bin
"""


class Failed(Exception):
    """A build that is to be measured did not succeed."""


def sh(*argv, **kw):
    return subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE, **kw).stdout.strip()


def say(text):
    print(text, file=sys.stderr, flush=True)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def rootfs(ctx):
    sh(ROOT + "/scripts/example-rootfs", ctx, "amd64")


def noisy_context(b):
    """12 stages that log 8,000 lines each; RUN makes them anew."""
    ctx = b.path("noisy")
    if os.path.exists(ctx):
        return ctx
    text = HEAD + "ARG RUN=0\n"
    for i in range(12):
        text += "FROM base AS s%d\nARG RUN=0\nRUN echo $RUN > /run; i=0; while [ $i -lt 8000 ]; do echo " \
                "\"stage %d line $i of 8000: some text that a compiler could have written here, %d\"; i=$((i+1)); done\n" % (i, i, i)
    text += "FROM base\n" + "".join("COPY --from=s%d /run /run%d\n" % (i, i) for i in range(12))
    write(ctx + "/Dockerfile", text)
    rootfs(ctx)
    return ctx


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def stat_ticks(pid):
    """Seconds of processor time of a process, and of its children that it has waited for."""
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK, (int(fields[13]) + int(fields[14])) / TICK


def cpu_of(pid):
    """Seconds of processor time of a process, to the nanosecond: of all its threads that still live."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
            total += int(f.read().split()[0])
    return total / 1e9


def machine_busy():
    """Seconds of processor time that anybody took: user, nice, system, irq, softirq."""
    with open("/proc/stat") as f:
        fields = [int(n) for n in f.readline().split()[1:]]
    return sum(fields[i] for i in (0, 1, 2, 5, 6)) / TICK


class Engine:
    """A buildkitd whose root is a tmpfs of its own, or with `disk` a directory of the machine's."""

    def __init__(self, name, arch, disk=False):
        self.name, self.disk = name, disk
        self.dir = os.path.join(ENGINES, name)
        self.root = os.path.join(self.dir, "root")
        self.purge()
        os.makedirs(self.root)
        if not disk:
            sh("mount", "-t", "tmpfs", "-o", "size=60%", "depot-bench", self.root)
        self.address = sh(ROOT + "/scripts/engines", "up", name, arch, env=dict(os.environ, **ENGINE_ENV))
        with open(os.path.join(self.dir, "pid")) as f:
            self.pid = int(f.read())

    def purge(self):
        sh(ROOT + "/scripts/engines", "purge", self.name)

    def void_when_cold(self):
        """Why rows that begin with a prune say nothing here, or None."""
        if self.disk and sh("stat", "-f", "-c", "%T", self.root).startswith("ext"):
            return "the engine's root is an ext4, which takes no inode that was deleted lately and scans past them for each new file"
        return None

    def cpu(self):
        """Seconds of its own, and of the containers and helpers that have ended."""
        return stat_ticks(self.pid)

    def prune(self, what):
        """A cache record may still be held by the build that just ended."""
        for left in range(9, -1, -1):
            p = subprocess.run([BIN + "/buildctl", "--addr", self.address, "prune", "--filter", what],
                               capture_output=True, text=True, check=False)
            if p.returncode == 0:
                return
            if left == 0:
                sys.exit("buildctl prune: " + p.stderr)
            time.sleep(1)


class Daemon:
    """A depotd in front of the engines, settled: it has asked them what they are and replayed what it wants to."""

    def __init__(self, build, work, engines, tls=None):
        for d in ("run/depot", "state", "config"):
            os.makedirs(os.path.join(work, d), mode=0o700, exist_ok=True)
        self.env = dict(os.environ, XDG_RUNTIME_DIR=work + "/run", XDG_STATE_HOME=work + "/state", XDG_CONFIG_HOME=work + "/config",
                        HOME=work)
        self.socket = work + "/run/depot/depotd.sock"
        listen = ["--listen", "unix://" + self.socket]
        if tls:
            listen = tls.listen()
            self.env.update(tls.env())
        r, w = os.pipe()
        with open(work + "/depotd.log", "ab") as log:
            self.p = subprocess.Popen(
                [build + "/builder/depotd", *listen, *[a for e in engines for a in ("--builder", e.name + "=" + e.address)],
                 "--ready-fd", str(w)], env=self.env, pass_fds=[w], stderr=log)
        os.close(w)
        if os.read(r, 1) == b"":
            with open(work + "/depotd.log") as f:
                sys.exit(f.read())
        os.close(r)
        self.settle()

    def settle(self):
        """Until it does nothing for half a second."""
        time.sleep(0.5)
        for _ in range(40):
            before = self.cpu()
            time.sleep(0.5)
            if self.cpu() - before < 0.005:
                return

    def cpu(self):
        return cpu_of(self.p.pid)

    def reset_peak(self):
        with open("/proc/%d/clear_refs" % self.p.pid, "w") as f:
            f.write("5")

    def peak(self):
        with open("/proc/%d/status" % self.p.pid) as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        self.p.wait(20)


class Tls:
    """A certificate and a token, for a daemon on TCP and for its clients."""
    TOKEN = "0123456789abcdef0123456789abcdef"

    def __init__(self, work):
        self.dir = work + "/tls"
        os.makedirs(self.dir)
        self.port = free_port()
        write(self.dir + "/tokens", self.TOKEN + "\n")
        os.chmod(self.dir + "/tokens", 0o600)
        sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
           "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", self.dir + "/key", "-out", self.dir + "/cert",
           stderr=subprocess.DEVNULL)

    def listen(self):
        return ["--listen", "tcp://127.0.0.1:%d" % self.port, "--tls-cert", self.dir + "/cert", "--tls-key", self.dir + "/key",
                "--token-file", self.dir + "/tokens"]

    def env(self):
        return {"DEPOT_URL": "https://localhost:%d" % self.port, "DEPOT_TOKEN": self.TOKEN, "DEPOT_CA": self.dir + "/cert"}


class Column:
    """Somebody who takes part; begin() and end() stand around each of its runs."""
    daemon = None

    def __init__(self, label, work):
        self.label, self.work = label, os.path.join(work, label.replace(" ", "-"))
        os.makedirs(self.work)
        self.env = dict(os.environ, HOME=self.work)

    def begin(self, engines, tls=None):
        pass

    def end(self):
        pass


class Buildctl(Column):
    def __init__(self, work, engine):
        super().__init__("buildctl", work)
        self.engine = engine

    def argv(self, ctx, args, flags, progress):
        return [BIN + "/buildctl", "--addr", self.engine.address, "build", "--progress=" + progress, "--frontend", "dockerfile.v0",
                "--local", "context=" + ctx, "--local", "dockerfile=" + ctx, *flags,
                *[a for k, v in args.items() for a in ("--opt", "build-arg:%s=%s" % (k, v))]]


class Buildx(Column):
    """With a builder of these engines as nodes."""

    def __init__(self, work, engines):
        super().__init__("buildx", work)
        self.env["BUILDX_CONFIG"] = self.work + "/config"
        for i, engine in enumerate(engines):
            sh(BIN + "/buildx", "create", "--name", "bench", "--driver", "remote", "--node", engine.name, *["--append"] * (i > 0),
               engine.address, env=self.env)

    def argv(self, ctx, args, flags, progress):
        return [BIN + "/buildx", "build", "--builder", "bench", "--progress=" + progress, "--provenance=false", *flags,
                *[a for k, v in args.items() for a in ("--build-arg", "%s=%s" % (k, v))], ctx]


class Depot(Column):
    def __init__(self, label, work, build):
        super().__init__(label, work)
        self.build = build

    def begin(self, engines, tls=None):
        self.daemon = Daemon(self.build, self.work, engines, tls)
        self.env = self.daemon.env

    def end(self):
        self.daemon.stop()
        self.daemon = None

    def argv(self, ctx, args, flags, progress):
        return [self.build + "/cli/depot", "build", "--progress=" + progress, "--provenance=false", *flags,
                *[a for k, v in args.items() for a in ("--build-arg", "%s=%s" % (k, v))], ctx]


class Reader:
    """When each piece of a program's standard error arrived."""

    def __init__(self, stream):
        self.stream, self.pieces = stream, []

    def read_all(self):
        fd = self.stream.fileno()
        while True:
            data = os.read(fd, 1 << 20)
            if not data:
                return
            self.pieces.append((time.time_ns(), data))


def wait_for(p, reader):
    if reader:
        reader.read_all()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    return usage


def run_client(argv, env, out, prefix=(), listen=False):
    """Wall seconds, CPU seconds and peak KiB of a process; its standard error goes to a file, or with `listen` is told with times."""
    # A process forked from this one begins with our own peak; from time(1) it begins small.
    peak = out + ".peak"
    t = time.monotonic()
    with open(out, "wb") as f:
        p = subprocess.Popen(["/usr/bin/time", "-o", peak, "-f", "%M", *prefix, *argv], env=env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE if listen else f)
        reader = Reader(p.stderr) if listen else None
        usage = wait_for(p, reader)
    wall = time.monotonic() - t
    if p.returncode != 0:
        with open(out, errors="replace") as f:
            raise Failed("%s failed:\n%s" % (" ".join(argv), f.read()[-3000:]))
    with open(peak) as f:
        rss = int(f.read().split()[-1])
    return {"wall": wall, "client": usage.ru_utime + usage.ru_stime, "client_rss": rss / 1024}, reader


class Case:
    """Rounds of one build: by label, the figures of each round, and what was wrong with them."""

    def __init__(self, title, columns):
        self.title, self.labels = title, [c.label for c in columns]
        self.rounds = {label: [] for label in self.labels}
        self.void, self.notes = [], []

    def leave_out(self, label, why):
        """A column that cannot do this."""
        self.labels.remove(label)
        del self.rounds[label]
        self.notes.append("%s cannot: %s" % (label, str(why).strip().rsplit("\n", 1)[-1]))

    def add(self, label, figures):
        self.rounds[label].append(figures)

    def median(self, label, key):
        values = [r[key] for r in self.rounds.get(label, ()) if r.get(key) is not None]
        return statistics.median(values) if values else None

    def ratio(self, label, base, key):
        """The median of the ratios within each round."""
        pairs = zip(self.rounds.get(label, ()), self.rounds.get(base, ()))
        both = [(a.get(key), b.get(key)) for a, b in pairs]
        ratios = [a / b for a, b in both if a is not None and b]
        return statistics.median(ratios) if ratios else None

    def judge(self):
        """On a machine that others keep busy a case is void."""
        others = [r["others"] for rs in self.rounds.values() for r in rs if "others" in r]
        if others and statistics.median(others) > BUSY:
            self.void.append("other programs took %.1f cores" % statistics.median(others))


class Bench:
    def __init__(self, build, rounds=7, against=(), disk=False):
        if os.getuid() != 0:
            sys.exit("needs root, for engines of its own")
        self.rounds, self.disk = rounds, disk
        self.work = tempfile.mkdtemp(prefix="depot-bench.")
        sh(ROOT + "/scripts/engines", "build", "with-buildx")
        self.engine = Engine("bench", "amd64", disk)
        self.engines = [self.engine]
        self.builds = [(label, os.path.abspath(path)) for label, path in (*against, ("depot", build))]
        self.depots = [Depot(label, self.work, path) for label, path in self.builds]
        self.buildctl = Buildctl(self.work, self.engine)
        self.buildx = Buildx(self.work, self.engines)
        self.cases = []

    def close(self):
        for engine in self.engines:
            engine.purge()
        shutil.rmtree(self.work)

    def path(self, *names):
        return os.path.join(self.work, *names)

    def second_engine(self, arch):
        self.engines.append(Engine("bench-" + arch, arch, self.disk))
        return self.engines[-1]

    def measured(self, column, argv, **kw):
        """One run with all that it cost anybody; and its Reader, if one was asked for."""
        engines = [e.cpu() for e in self.engines]
        busy = machine_busy()
        served = 0.0
        if column.daemon:
            column.daemon.reset_peak()
            served = column.daemon.cpu()
        figures, reader = run_client(argv, column.env, os.path.join(column.work, "out"), **kw)
        figures["others"] = machine_busy() - busy
        time.sleep(0.05)
        figures["daemon"] = column.daemon.cpu() - served if column.daemon else 0.0
        figures["daemon_rss"] = column.daemon.peak() if column.daemon else 0
        figures["daemon_rss"] /= 1024
        figures["cpu"] = figures["client"] + figures["daemon"]
        after = [e.cpu() for e in self.engines]
        for i, who in enumerate(("engine", "containers")):
            figures[who] = sum(a[i] - b[i] for a, b in zip(after, engines))
        ours = figures["cpu"] + figures["engine"] + figures["containers"]
        figures["others"] = max(0.0, figures["others"] - ours) / figures["wall"]
        return figures, reader

    def once(self, column, ctx, args=None, flags=(), progress="plain", engines=None, tls=None, around=None, **kw):
        """One build by one column, its daemon up for just that; `around(column)` is a context to run in."""
        column.begin(engines or [self.engine], tls)
        try:
            argv = column.argv(ctx, args or {}, list(flags), progress)
            if around is None:
                return self.measured(column, argv, **kw)
            with around(column) as more:
                figures, reader = self.measured(column, argv, **kw)
            figures.update(more)
            return figures, reader
        finally:
            column.end()

    def warms(self, case, column, ctx, args, **kw):
        """Whether its first run succeeds, which an older build's may not."""
        try:
            self.once(column, ctx, args, **kw)
        except Failed as e:
            if column not in self.depots[:-1]:
                raise
            case.leave_out(column.label, e)
            return False
        return True

    def compare(self, title, columns, ctx, args=None, before=None, warm=True, rounds=None, each=None, **kw):
        """Rounds of everybody in turn, each round beginning with the next.

        `args(name)`: build arguments of the run so called. `before(column)` prepares a run. `each(figures, reader)`
        makes more figures of what a run printed. An older depot that cannot do it is left out, and that is said.
        """
        case = Case(title, columns)
        self.cases.append(case)
        if warm:
            columns = [c for c in columns if self.warms(case, c, ctx, args and args("warm" + c.label), **kw)]
        for i in range(rounds or self.rounds):
            at = i % len(columns)
            for column in columns[at:] + columns[:at]:
                if before:
                    before(column)
                figures, reader = self.once(column, ctx, args and args("%s%d" % (column.label, i)), **kw)
                if each:
                    each(figures, reader)
                case.add(column.label, figures)
            say("  %-40s round %d of %d" % (title, i + 1, rounds or self.rounds))
        case.judge()
        return case
