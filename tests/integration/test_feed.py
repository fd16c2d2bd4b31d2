"""The feed as docs/feed.md has it: followed, resumed, lagged behind, and asked nonsense."""
import base64
import json
import os
import socket
import subprocess
import sys
import time

import depot_test
from depot_test import SOURCE, TestCase, eventually, tool, unique

try:
    import websocket
except ImportError:
    depot_test.skip_file("python3-websocket is not installed")


class Feed:
    """A client of the feed, from docs/feed.md alone."""

    def __init__(self, path, timeout=30, receive_buffer=None, headers=None):
        self.sock = socket.socket(socket.AF_UNIX)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self.ws = websocket.create_connection("ws://depot/v1/feed", socket=self.sock, subprotocols=["depot.feed.v1"],
                                              header=headers or [])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ws.shutdown()

    def send(self, **message):
        self.ws.send(json.dumps(message))
        return self

    def recv(self):
        return json.loads(self.ws.recv())

    def until(self, test, limit=100000):
        """Events up to the first that `test` holds for, with it."""
        events = []
        while len(events) < limit:
            events.append(self.recv())
            if test(events[-1]):
                return events
        raise AssertionError("not within %d events" % limit)

    def cut(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


def is_type(name, build=None):
    return lambda e: e.get("type") == name and (build is None or e.get("build") == build)


def logs_of(events):
    return b"".join(base64.b64decode(log["data"]) for e in events if e.get("type") == "build.status"
                    for log in e["status"].get("logs", ()))


class Follow(TestCase):
    def setUp(self):
        if self.home.daemon_pid() is None:
            self.home.daemon("--listen", "unix://" + self.home.socket)

    def noisy(self, lines=300, seconds=2):
        """A build that logs lines over some seconds, and is begun: (client, id, token)."""
        token = unique()
        step = "RUN i=0; while [ $i -lt %d ]; do echo %s $i; i=$((i+1)); [ $((i %% 30)) = 0 ] && " \
               "/bin/busybox sleep %s; done; true\n" % (lines, token, 30.0 * seconds / lines)
        known = {b["id"] for b in self.home.builds()}
        j = self.home.start("build", "--progress", "quiet", self.context(step))
        b = eventually(lambda: [b for b in self.home.builds("?state=active") if b["id"] not in known], 20)
        return j, b[0]["id"], token

    def check_whole(self, events, token, lines):
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        self.assertEqual((events[0]["type"], events[-1]["type"]), ("build.created", "build.finished"))
        self.assertEqual(logs_of(events).decode().split("\n")[:-1], ["%s %d" % (token, i) for i in range(lines)])

    def test_a_client_of_twenty_lines(self):
        j, build, token = self.noisy(60, 1)
        r = subprocess.run([sys.executable, os.path.join(SOURCE, "examples", "feed-client.py"),
                            "unix:" + self.home.socket, build], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.good(j.wait())
        self.assertRegex(r.stdout, r"\A1 %s build.created\n" % build)
        self.assertIn("    %s 59\n" % token, r.stdout)
        self.assertRegex(r.stdout, r"\d+ %s build.finished\n\Z" % build)

    def test_follow_from_the_first_event(self):
        j, build, token = self.noisy(90, 1)
        with Feed(self.home.socket) as f:
            events = f.send(op="subscribe", build=build, after=0).until(is_type("build.finished"))
        self.good(j.wait())
        self.check_whole(events, token, 90)
        for e in events:
            self.assertEqual((e["v"], e["build"]), (1, build))
            self.assertRegex(e["time"], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z\Z")
        # And over HTTP the same.
        status, text = self.home.api("/v1/builds/%s/events" % build)
        self.assertEqual((status, [json.loads(line) for line in text.splitlines()]), (200, events))
        status, text = self.home.api("/v1/builds/%s/events?after=5&follow=0" % build)
        self.assertEqual((status, [json.loads(line) for line in text.splitlines()]), (200, events[5:]))

    def test_resume_with_nothing_lost_or_doubled(self):
        j, build, token = self.noisy(300, 3)
        events, cuts = [], 0
        while not events or events[-1]["type"] != "build.finished":
            f = Feed(self.home.socket)
            f.send(op="subscribe", build=build, after=events[-1]["seq"] if events else 0)
            for _ in range(3):
                events.append(f.recv())
                if events[-1]["type"] == "build.finished":
                    break
            f.cut()
            cuts += 1
        self.good(j.wait())
        self.assertGreater(cuts, 3)
        self.check_whole(events, token, 300)

    def test_a_slow_subscriber_loses_nothing_and_slows_nobody(self):
        slow = Feed(self.home.socket, receive_buffer=4096)
        token = unique()
        ctx = self.context("RUN i=0; while [ $i -lt 3000 ]; do echo %s $i %s; i=$((i+1)); done\n" % (token, "x" * 300))
        with Feed(self.home.socket) as fast:
            fast.send(op="subscribe", scope="fleet", logs=True)
            j = self.home.start("build", "--progress", "quiet", ctx)
            first = fast.until(lambda e: e.get("type") == "build.created")[-1]
            slow.send(op="subscribe", build=first["build"], after=0)
            started = time.monotonic()
            theirs = fast.until(is_type("build.finished", first["build"]))
            self.good(j.wait())
            self.assertLess(time.monotonic() - started, 30)
        time.sleep(0.5)
        events = slow.until(is_type("build.finished"))
        slow.cut()
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        self.assertEqual(logs_of(events), logs_of([e for e in theirs if e.get("build") == first["build"]]))
        self.assertGreater(len(logs_of(events)), 150000)  # the engine clips at 200 KiB/s

    def test_many_subscriptions_on_one_socket(self):
        a, b = self.noisy(30, 1), self.noisy(30, 1)
        with Feed(self.home.socket) as f:
            for _, build, _ in (a, b):
                f.send(op="subscribe", build=build, after=0)
            done, events = set(), []
            while len(done) < len({a[1], b[1]}):
                events.append(f.recv())
                if events[-1]["type"] == "build.finished":
                    done.add(events[-1]["build"])
        for j, build, _ in (a, b):
            self.good(j.wait())
            mine = [e["seq"] for e in events if e["build"] == build]
            self.assertEqual(mine, list(range(1, len(mine) + 1)))

    def test_the_fleet(self):
        with Feed(self.home.socket) as f:
            snapshot = f.send(op="subscribe", scope="fleet", logs=False).recv()
            self.assertEqual(snapshot["type"], "fleet.snapshot")
            self.assertEqual([b["builder"] for b in snapshot["builders"]], ["amd64"])
            self.assertEqual(snapshot["builders"][0]["platforms"][0], "linux/amd64")
            j, build, _ = self.noisy(30, 1)
            events = f.until(is_type("build.finished", build))
            self.assertEqual(logs_of(events), b"")
            mine = [e["seq"] for e in events if e.get("build") == build]
            self.assertEqual(mine, sorted(set(mine)))
            # What is left out are events that hold nothing but logs.
            with Feed(self.home.socket) as g:
                g.send(op="subscribe", build=build, after=0)
                for e in g.until(is_type("build.finished", build)):
                    if e["seq"] not in mine:
                        self.assertEqual((e["type"], set(e["status"])), ("build.status", {"logs"}), e)
            f.send(op="unsubscribe", scope="fleet")
        self.good(j.wait())

    def test_create_and_cancel_over_the_feed(self):
        with Feed(self.home.socket) as f:
            f.send(op="create", request={"platforms": ["linux/amd64"], "solve": {
                "frontend": "dockerfile.v0", "attrs": {"context": "https://127.0.0.1:1/nothing.tar"}}})
            created = f.recv()
            self.assertEqual(created["op"], "created", created)
            end = f.until(is_type("build.finished"))[-1]
            self.assertEqual((end["build"], end["state"]), (created["build"], "failed"))

    def test_a_cancel_before_the_engine_knows_the_build_is_prompt(self):
        with Feed(self.home.socket) as f:
            for _ in range(3):
                f.send(op="create", request={"platforms": ["linux/amd64"], "solve": {
                    "frontend": "dockerfile.v0", "attrs": {"context": "https://127.0.0.1:1/nothing.tar"}}})
                build = f.recv()["build"]
                f.send(op="cancel", build=build)
                begun = time.monotonic()
                f.until(is_type("build.finished", build))
                self.assertLess(time.monotonic() - begun, 4)

    def test_nonsense_is_refused_and_the_socket_lives(self):
        for text in ("", "nonsense", "{", "[]", "7", '{"op":7}', '{"op":"fly"}', '{"op":"subscribe"}',
                     '{"op":"subscribe","build":"../../etc/passwd","after":0}', '{"op":"subscribe","build":7}',
                     '{"op":"subscribe","build":"nosuchbuil","after":0}', '{"op":"create"}',
                     '{"op":"create","request":{"platforms":[]}}', '{"op":"cancel","build":"nosuchbuil"}',
                     '{"op":"create","request":{"platforms":["linux/amd64"],"solve":{"frontend":7}}}',
                     "{" * 1000, '{"op":"subscribe","scope":"fleet","after":1e400}'):
            with self.subTest(text=text[:40]), Feed(self.home.socket) as f:
                f.ws.send(text)
                answer = f.recv()
                if "1e400" in text and answer.get("type") == "fleet.snapshot":
                    continue
                self.assertEqual(answer["op"], "error", answer)
                self.assertTrue(answer["error"]["message"])
                f.send(op="subscribe", scope="fleet")
                self.assertEqual(f.recv()["type"], "fleet.snapshot")

    def test_a_huge_message_closes_the_socket_alone(self):
        with Feed(self.home.socket) as f:
            with self.assertRaises((OSError, websocket.WebSocketException, ValueError)):
                f.ws.send('{"op":"create","request":"' + "x" * (64 << 20) + '"}')
                f.recv()
        self.assertEqual(self.home.api("/v1/version")[0], 200)

    def test_http(self):
        status, text = self.home.api("/healthz")
        self.assertEqual((status, text.strip()), (200, "ok"))
        self.assertEqual(self.home.api("/v1/version")[1]["api"], 1)
        for path, code in (("/nothing", 404), ("/v1/builds/nosuchbuil", 404), ("/v1/builds/..%2f..%2fx", 404),
                           ("/v1/builds?limit=-1", 400), ("/v1/builds?limit=x", 400), ("/v1/builds?state=x", 400)):
            status, body = self.home.api(path)
            self.assertEqual(status, code, body)
            self.assertTrue(body["error"]["code"] and body["error"]["message"], path)
        self.assertIn(self.home.api("/v1/builds", "DELETE")[0], (404, 405))


class Foreign(TestCase):
    """Builds of other clients on the same engine."""

    def test_a_build_of_buildx_is_seen(self):
        self.home.daemon("--listen", "unix://" + self.home.socket)
        token = unique()
        ctx = self.context("RUN echo %s; /bin/busybox sleep 1\nRUN echo second %s\n" % (token, token))
        env = dict(self.home.env, BUILDX_CONFIG=self.home.path("buildx"))
        subprocess.run([tool("buildx"), "create", "--name", "it", "--driver", "remote",
                        os.environ["DEPOT_TEST_AMD64"]], env=env, check=True, capture_output=True)
        with Feed(self.home.socket) as f:
            f.send(op="subscribe", scope="fleet", logs=True)
            self.assertEqual(f.recv()["type"], "fleet.snapshot")
            r = subprocess.run([tool("buildx"), "build", "--builder", "it", "--progress=rawjson",
                                "--output=type=local,dest=" + self.tmp(), ctx],
                               env=env, capture_output=True, timeout=60, check=False)
            self.assertEqual(r.returncode, 0, r.stderr.decode())
            events = []

            def seen():
                events.append(f.recv())
                return token.encode() + b"\n" in logs_of(events)
            self.assertTrue(eventually(seen, 30, 0))
            ours = [e for e in events if token.encode() in logs_of([e])][0]["build"]
            events += f.until(is_type("build.finished", ours)) if not any(
                is_type("build.finished", ours)(e) for e in events) else []
        mine = [e for e in events if e.get("build") == ours]
        self.assertEqual([e["seq"] for e in mine], list(range(1, len(mine) + 1)))
        created, end = mine[0], mine[-1]
        self.assertEqual((created["origin"], end["state"]), ("observed", "succeeded"))
        names = {v["name"] for e in mine if e["type"] == "build.status" for v in e["status"].get("vertexes", ())}
        self.assertTrue([n for n in names if "RUN echo second " + token in n], names)
        self.assertIn("second " + token, logs_of(mine).decode())
        # The same build as rawjson is a feed, too.
        replay = self.good(self.home.depot("replay", "-", stdin=r.stderr))
        self.assertRegex(replay.text, r"#\d+ \[2/3\] RUN echo %s" % token)
        self.assertRegex(replay.text, r"#\d+ \d+\.\d+ second %s\n" % token)

    def test_what_was_built_before_is_read_when_somebody_asks(self):
        token = unique()
        ctx = self.context("RUN echo %s\n" % token)
        subprocess.run([tool("buildctl"), "--addr", os.environ["DEPOT_TEST_AMD64"], "build", "--frontend=dockerfile.v0",
                        "--local=context=" + ctx, "--local=dockerfile=" + ctx],
                       capture_output=True, timeout=60, check=True)
        home = self.new_home()
        home.daemon("--listen", "unix://" + home.socket)
        time.sleep(4)  # the engine tells once more that it is complete, three seconds after its end
        logs = os.path.join(home.state, "depot", "builds")
        self.assertEqual([n for n in os.listdir(logs) if token in self.read(logs, n).decode()], [])

        def told():
            return [b["id"] for b in home.api("/v1/builds")[1]["builds"] if b["origin"] == "observed" and b["state"] == "succeeded"
                    and ("RUN echo " + token) in home.api("/v1/builds/%s/events" % b["id"])[1]]
        self.assertTrue(eventually(told, 20), home.daemon_log())

    def test_plain_has_the_lines_of_buildctl(self):
        ctx = self.context("RUN echo one; echo %s\nRUN echo two; /bin/busybox sleep 0.3\n" % unique())
        self.good(self.build("-q", ctx))

        def shape(text):
            """The lines of each step, with its header, whatever its number and its times."""
            steps = {}
            text = depot_test.re.sub(r"\b\d+\.\d+( ?s)?\b", "T", text)
            for line in text.splitlines():
                m = depot_test.re.match(r"#(\d+) (.*)", line)
                if m and not depot_test.re.match(r"(transferring|copying|sending|\.\.\.)(?!.*done$)", m[2]):
                    steps.setdefault(m[1], []).append(m[2].replace(" T done", " done"))
            return sorted(sorted(set(lines)) for lines in steps.values())
        for failing in ("", "RUN echo three; exit 4\n"):
            with open(ctx + "/Dockerfile", "a") as f:
                f.write(failing)
            theirs = subprocess.run([tool("buildctl"), "--addr", os.environ["DEPOT_TEST_AMD64"], "build",
                                     "--progress=plain", "--frontend=dockerfile.v0", "--local=context=" + ctx,
                                     "--local=dockerfile=" + ctx], capture_output=True, text=True, timeout=60, check=False)
            ours = self.build("--plain", ctx)
            self.assertEqual(ours.code, theirs.returncode)

            def key(text):
                return [s for s in shape(text) if not any("load build context" in x or "definition" in x for x in s)]
            self.assertEqual(key(ours.text), key(theirs.stderr), theirs.stderr + ours.text)


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "buildx", "buildctl")
    depot_test.main()
