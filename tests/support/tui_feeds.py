"""Feeds for the dashboard: sane ones of any size, and hostile ones. Lines of JSON, from a seed."""
import base64
import datetime
import hashlib
import json
import random

EPOCH = datetime.datetime(2026, 5, 4, 10, 0, 0)

NASTY = [
    "\x1b]0;owned\x07", "\x1b[2J\x1b[H", "\x9b31m", "\x1b[31mred\x1b[0m", "\x1b[?1049l", "\x1bc", "\x1b(0lqk\x1b(B", "\x0e",
    "\x00", "\x07", "\x08\x08\x08", "\r\rover", "\t\t", "\x7f", "\u202eevil\u202c", "\u2066x\u2069", "\u200b\u200d\ufeff",
    "\u65e5\u672c\u8a9e\u30c6\u30ad\u30b9\u30c8", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "e\u0301\u0302\u0303\u0304\u0305", "\U000e0041", "\ud7ff\ue000\uffff",
    "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "\x1b[38;2;1;2;3m\x1b[48;5;200mcolours", "\x1b[999999999999C", "\x1b[", "\x1b",
    "\x1bP+q544e\x1b\\", "\x1b]52;c;AAAA\x07", "%s%n%x", "a" * 5000, " ", "", "\n", "\u0085\u2028\u2029",
]


def stamp(seconds):
    t = EPOCH + datetime.timedelta(seconds=seconds)
    return t.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


def line(kind, seconds, build=None, seq=None, **body):
    e = {"v": 1}
    if seq is not None:
        e["seq"] = seq
    e["time"] = stamp(seconds) if isinstance(seconds, (int, float)) else seconds
    if build is not None:
        e["build"] = build
    e["type"] = kind
    e.update(body)
    return json.dumps(e, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def digest(*parts):
    return "sha256:" + hashlib.sha256(repr(parts).encode()).hexdigest()


class Build:
    """One build and its events, in order."""

    def __init__(self, name, platforms=("linux/amd64", "linux/arm64"), stages=4, steps=5, begin=0.0):
        self.name, self.platforms, self.seq, self.now = name, list(platforms), 0, begin
        self.stages, self.per_stage = stages, steps
        self.open = []   # (platform, digest, began)
        self.todo = [self.vertex(p, s, n) for p in self.platforms for s in range(stages) for n in range(steps)]
        self.lines = 0

    def vertex(self, p, s, n):
        inputs = [digest(self.name, p, s, n - 1)] if n else [digest(self.name, p, s - 1, self.per_stage - 1)] if s else []
        return p, {"digest": digest(self.name, p, s, n), "inputs": inputs, "name": "[%s stage%d %2d/%d] RUN make target-%d-%d" % (
            p, s, n + 1, self.per_stage, s, n)}

    def event(self, kind, **body):
        self.seq += 1
        return line(kind, self.now, self.name, self.seq, **body)

    def status(self, platform, **status):
        return self.event("build.status", platform=platform, builder=platform.split("/")[-1], status=status)

    def begin(self):
        yield self.event("build.created", project="web", command="depot build .", tags=["web:1"], target="final",
                         platforms=self.platforms, source={"branch": "main", "commit": "4f2c1d9a00"}, user="ann", host="h",
                         origin="depot")
        for p in self.platforms:
            yield self.event("build.assigned", platform=p, builder=p.split("/")[-1], emulated=False, waited_ms=0)
        for p in self.platforms:
            vs = [v for q, v in self.todo if q == p]
            for i in range(0, len(vs), 500):
                yield self.status(p, vertexes=vs[i:i + 500])

    def start(self):
        p, v = self.todo.pop(0)
        self.open.append((p, v, self.now))
        return self.status(p, vertexes=[dict(v, started=stamp(self.now))])

    def end(self, i=0, cached=False, error=None):
        p, v, began = self.open.pop(i)
        more = {"cached": True} if cached else {}
        if error:
            more["error"] = error
        return self.status(p, vertexes=[dict(v, started=stamp(began), completed=stamp(self.now), **more)])

    def log(self, data, i=0):
        p, v, _ = self.open[i % len(self.open)]
        self.lines += 1
        return self.status(p, logs=[{"vertex": v["digest"], "stream": 1, "data": base64.b64encode(data).decode(),
                                     "timestamp": stamp(self.now)}])

    def bytes(self, current, total, i=0):
        p, v, began = self.open[i % len(self.open)]
        return self.status(p, statuses=[{"id": "sha256:%012x" % (i + 1), "vertex": v["digest"], "current": current, "total": total,
                                         "timestamp": stamp(self.now), "started": stamp(began)}])

    def finish(self, state="succeeded"):
        for p in self.platforms:
            yield self.event("build.result", platform=p, builder=p.split("/")[-1], state=state)
        yield self.event("build.finished", state=state, duration_ms=int(self.now * 1000),
                         counts={"total": len(self.platforms) * self.stages * self.per_stage, "hit": 1, "ran": 2, "shared": 0,
                                 "failed": 0, "cancelled": 0, "skipped": 0}, message="")


def snapshot(builders=2, now=0):
    return line("fleet.snapshot", now, builders=[{
        "builder": n, "address": "unix:///run/%s.sock" % n, "platforms": ["linux/" + n], "emulated": False,
        "engine": "buildkit", "version": "v0.32.2", "running": 1, "queued": 0, "capacity": 4, "up": True}
        for n in (["amd64", "arm64"] + ["b%d" % i for i in range(builders)])[:builders]], builds=[])


def busy(builds=10, stages=10, steps=25, events=100000, rate=10000, open_steps=8, logs=0.9):
    """A fleet at work: yields the lines in the order of their times, `rate` events a second."""
    rnd = random.Random(7)
    bs = [Build("busy%06d" % i, stages=stages, steps=steps) for i in range(builds)]
    yield snapshot()
    for b in bs:
        yield from b.begin()
    for n in range(events):
        b = bs[n % builds]
        b.now = n / rate
        if len(b.open) < open_steps and b.todo:
            yield b.start()
        elif rnd.random() < logs or not b.todo:
            yield b.log(b"line %d: some text that a compiler could have written here, %d\n" % (b.lines, n), rnd.randrange(len(b.open)))
        elif rnd.random() < 0.5:
            yield b.bytes(rnd.randrange(10 ** 8), 10 ** 8, rnd.randrange(len(b.open)))
        else:
            yield b.end(rnd.randrange(len(b.open)), rnd.random() < 0.3)


# ---- hostile ----

def text(rnd, n=3):
    return "".join(rnd.choice(NASTY) for _ in range(rnd.randrange(n + 1)))


def escapes(rnd):
    """Everything that can hold a text holds a nasty one."""
    yield snapshot()
    for i in range(12):
        b = Build("nasty%d" % i, platforms=("linux/amd64", "linux/" + text(rnd, 1)), stages=2, steps=3)
        b.todo = [(p, dict(v, name=rnd.choice(["[%s st 1/3] RUN %s", "%s%s", "[internal] %s%s"]) % (text(rnd, 1), text(rnd))))
                  for p, v in b.todo]
        yield from b.begin()
        yield b.event("build.created", project=text(rnd), command=text(rnd), tags=[text(rnd)], target=text(rnd), user=text(rnd),
                      host=text(rnd), platforms=[text(rnd)], source={"branch": text(rnd), "commit": text(rnd), "remote": text(rnd)},
                      ci={"url": text(rnd)}, origin=text(rnd))
        while b.todo:
            b.now += rnd.random()
            yield b.start()
            for _ in range(5):
                yield b.log((text(rnd) + rnd.choice(["", "\n"])).encode("utf-8", "surrogatepass") + rnd.randbytes(rnd.randrange(9)))
            yield b.bytes(rnd.choice([-5, 0, 2 ** 62, 7]), rnd.choice([-1, 0, 2 ** 62, 3]))
            if rnd.random() < 0.7:
                yield b.end(error=text(rnd) if rnd.random() < 0.4 else None)
        yield b.event("build.result", platform=b.platforms[0], state=rnd.choice(["failed", text(rnd)]), error={
            "message": text(rnd), "code": rnd.randrange(-9, 99), "vertex": text(rnd), "file": text(rnd),
            "ranges": [[rnd.randrange(-9, 99), 2 ** 31 - 1]], "first_line": rnd.randrange(-9, 9), "lines": [text(rnd) for _ in range(9)]})
        if rnd.random() < 0.5:
            yield b.event("build.finished", state=rnd.choice(["failed", "cancelled", text(rnd)]), duration_ms=-1, message=text(rnd))
        yield line("builder.up", b.now, builder=text(rnd), address=text(rnd), platforms=[text(rnd)], engine=text(rnd), version=text(rnd))
        yield line("builder.metrics", b.now, builder="amd64", cpu=rnd.choice([-1, 1e308, 0.5]), mem_used=2 ** 63 - 1, mem_total=1,
                   disk_used=5, disk_total=0, cache_used=-1, cache_limit=-1, running=-4, queued=2 ** 31 - 1)
        yield rnd.choice([b"\n", b"{\n", b"[]\n", b"null\n", b'{"v":1,"type":"x"}\n', rnd.randbytes(40).replace(b"\n", b"") + b"\n"])


def long_lines(rnd):
    yield snapshot()
    b = Build("long", stages=1, steps=2)
    yield from b.begin()
    yield b.start()
    yield b.start()
    for piece in (b"x" * (10 << 20), "日".encode() * (1 << 20), b"\x1b[31m" * (1 << 19), b"\r" * (1 << 20), "e\u0301".encode() * (1 << 19)):
        for at in range(0, len(piece), 1 << 20):
            b.now += 0.01
            yield b.log(piece[at:at + (1 << 20)], rnd.randrange(2))
        yield b.log(b"\nend\n")


def disorder(rnd):
    """Gaps in seq, cycles, completed before started, clocks that jump, steps that change."""
    yield snapshot()
    b = Build("odd", stages=3, steps=6)
    yield from b.begin()
    vs = [v for _, v in b.todo]
    for _ in range(3000):
        b.now = rnd.choice([b.now + 0.01, b.now + 0.01, b.now + 0.01, rnd.uniform(-1e6, 1e6), 0])
        b.seq = rnd.choice([b.seq, b.seq, b.seq, b.seq + 10 ** 6, 0, 2 ** 53]) if rnd.random() < 0.1 else b.seq
        p, v = rnd.choice(b.platforms), dict(rnd.choice(vs))
        v["inputs"] = [rnd.choice(vs)["digest"] for _ in range(rnd.randrange(4))]
        if rnd.random() < 0.5:
            v["started"] = stamp(b.now + rnd.uniform(-100, 100))
        if rnd.random() < 0.5:
            v["completed"] = stamp(b.now + rnd.uniform(-1000, 100))
        if rnd.random() < 0.1:
            v.update(cached=True, started="0001-01-01T00:00:00Z", completed="9999-12-31T23:59:59Z")
        if rnd.random() < 0.1:
            v["name"] = "[%s st%d %d/%d] RUN x" % (p, rnd.randrange(3), rnd.randrange(-3, 99), rnd.randrange(9))
        yield b.status(p, vertexes=[v], logs=[{"vertex": rnd.choice(vs)["digest"], "stream": 9, "data": "YQo=",
                                               "timestamp": stamp(b.now + rnd.uniform(-1e5, 1e5))}])
        if rnd.random() < 0.01:
            yield from b.finish(rnd.choice(["failed", "succeeded", "cancelled"]))


def many_steps(rnd, n=100000):
    yield snapshot()
    b = Build("steps", platforms=("linux/amd64",), stages=n // 50, steps=50)
    yield from b.begin()
    for i in range(300):
        b.now += 0.01
        yield b.start()
        yield b.log(b"step %d\n" % i, -1)
        if i % 3:
            yield b.end(rnd.randrange(len(b.open)))


def many_builds(rnd, n=1000):
    yield snapshot(40)
    for i in range(n):
        b = Build("b%07d" % i, stages=1, steps=3, begin=i * 0.01)
        yield from b.begin()
        yield b.start()
        yield b.log(b"hello\n")
        if i % 4:
            yield from b.finish(rnd.choice(["failed", "succeeded", "cancelled"]))


def many_platforms(rnd, n=40):
    yield snapshot(40)
    b = Build("plats", platforms=["linux/p%02d" % i for i in range(n)], stages=3, steps=4)
    yield from b.begin()
    while b.todo:
        b.now += 0.02
        yield b.start()
        yield b.log(text(rnd).encode("utf-8", "surrogatepass") + b"\n", -1)
        if rnd.random() < 0.6:
            yield b.end(rnd.randrange(len(b.open)), rnd.random() < 0.5)


def one_deep(rnd, n=5000):
    """A chain of steps each of which needs the one before, and a stage that all others copy from."""
    yield snapshot()
    b = Build("deep", platforms=("linux/amd64",), stages=1, steps=n)
    yield from b.begin()
    for _ in range(200):
        b.now += rnd.random()
        yield b.start()
        if len(b.open) > 3:
            yield b.end()


HOSTILE = {f.__name__: f for f in (escapes, long_lines, disorder, many_steps, many_builds, many_platforms, one_deep)}


def write(path, lines):
    with open(path, "wb") as f:
        f.writelines(lines)
    return path
