"""A build's session belongs to who created it: somebody else with a good token gets nothing of it."""
import base64
import json
import os
import socket
import time

import depot_test
from depot_test import TestCase, eventually, free_port, unique

MINE, THEIRS = "m" * 40, "t" * 40


class Sessions(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(cls.home.path("tokens"), "w") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write("%s\n%s\n" % (MINE, THEIRS))
        cls.port = free_port()
        cls.home.daemon("--listen", "tcp://127.0.0.1:%d" % cls.port, "--token-file", cls.home.path("tokens"))

    def env(self, token):
        return {"DEPOT_URL": "http://127.0.0.1:%d" % self.port, "DEPOT_TOKEN": token}

    def request(self, method, path, token, headers=(), body=b""):
        """Status, body and headers' text of one request."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as s:
            lines = ["%s %s HTTP/1.1" % (method, path), "Host: x", "Authorization: Bearer " + token,
                     "Content-Length: %d" % len(body), *(headers or ["Connection: close"])]
            s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
            data = b""
            while b"\r\n\r\n" not in data or data.split()[1] != b"101":
                piece = s.recv(65536)
                if not piece:
                    break
                data += piece
        return int(data.split()[1]), data.decode("utf-8", "replace")

    def attack(self, build, secret=None, token=THEIRS):
        headers = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: %s" %
                   base64.b64encode(b"0123456789abcdef").decode(), "Sec-WebSocket-Protocol: depot.session.v1"]
        if secret is not None:
            headers.append("Depot-Session: " + secret)
        return self.request("GET", "/v1/builds/%s/session/amd64" % build, token, headers)

    def create(self):
        body = json.dumps({"platforms": ["linux/amd64"], "session": {"shared_key": "k", "methods": []},
                           "solve": {"frontend": "dockerfile.v0", "attrs": {}}}).encode()
        status, text = self.request("POST", "/v1/builds", MINE, body=body)
        self.assertEqual(status, 201, text)
        return json.loads(text[text.index("{"):])

    def test_nobody_without_the_secret_opens_it(self):
        made = self.create()
        for secret in (None, "", "0" * 32, made["session"][:-1], made["session"] + "0", made["session"].upper(), "é" * 16):
            status, text = self.attack(made["id"], secret)
            self.assertEqual(status, 404, text)
            self.assertNotIn(made["session"], text)
        self.assertIn("upgrade depot", self.attack(made["id"])[1])
        # The same answer as where there is no such build.
        refused, missing = (self.attack(b, "0" * 32)[1].split("\r\n\r\n")[1] for b in (made["id"], "aaaaaaaaaa"))
        self.assertEqual(refused.replace(made["id"], ""), missing.replace("aaaaaaaaaa", ""))
        self.assertTrue(eventually(lambda: "without the secret of its creator" in self.home.daemon_log(), 5))
        self.assertEqual(self.attack(made["id"], made["session"], MINE)[0], 101)

    def test_the_secret_is_told_to_nobody_else(self):
        made = self.create()
        self.assertEqual(self.request("POST", "/v1/builds/%s/cancel" % made["id"], MINE)[0] // 100, 2)
        for path in ("/v1/builds", "/v1/builds/" + made["id"], "/v1/builds/%s/events" % made["id"]):
            self.assertNotIn(made["session"], self.request("GET", path, THEIRS)[1])
        for folder, _, names in os.walk(self.home.state):
            for name in names:
                self.assertNotIn(made["session"].encode(), self.read(folder, name))
        self.assertNotIn(made["session"], self.home.daemon_log())

    def test_a_victim_that_is_slow_builds_its_own_files(self):
        """Somebody else hammers at every build that the fleet's list shows, all the time."""
        ctx = self.context("COPY f /f\n", {"f": "mine"})
        for i in range(3):
            out = self.tmp()
            self.write(ctx + "/f", "mine %s" % unique())
            run = self.home.start("build", "--plain", "-o", out, ctx, env=self.env(MINE))
            statuses = set()
            while run.process.poll() is None:
                for b in json.loads("{" + self.request("GET", "/v1/builds?state=active", THEIRS)[1].split("{", 1)[1])["builds"]:
                    statuses.add(self.attack(b["id"], "0" * 32)[0])
                time.sleep(0.002)
            self.good(run.wait())
            self.assertEqual(self.read(out, "f"), self.read(ctx, "f"))
            self.assertNotIn(101, statuses)


class Commands(TestCase):
    def test_credentials_of_a_context_are_on_no_feed(self):
        for url in ("http://ann:s3cr3t@127.0.0.1:1/a/b.git", "http://ann:p@s3cr3t@127.0.0.1:1/a.git#main"):
            self.home.depot("build", "--plain", url)
            build = self.home.builds("?limit=1")[0]
            self.assertNotIn("s3cr3t", json.dumps(build))
            self.assertIn("127.0.0.1:1/a", build["command"])
            self.assertNotIn("s3cr3t", json.dumps(self.home.api("/v1/builds/%s/events" % build["id"])[1]))
            for folder, _, names in os.walk(self.home.state):
                for name in names:
                    self.assertNotIn(b"s3cr3t", self.read(folder, name))


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64")
    depot_test.main()
