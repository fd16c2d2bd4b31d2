"""What `depot list` and `depot cancel` print of a daemon's answers; no engine is needed."""
import http.server
import json
import threading

import depot_test

BUILDS = [
    {"id": "longrun001", "state": "succeeded", "project": "shop", "platforms": ["linux/amd64"], "duration_ms": 344800,
     "counts": {"hit": 7, "ran": 1, "failed": 0}},
    {"id": "failed0001", "state": "failed", "project": "日本", "platforms": ["linux/arm64"], "duration_ms": 1900,
     "counts": {"hit": 1, "ran": 0, "failed": 1}},
    {"id": "fresh00001", "state": "queued", "project": "api", "platforms": [], "counts": {}},
]
BUILDERS = [{"builder": "amd64-a", "up": True, "engine": "buildkit", "version": "v0.32.2", "platforms": ["linux/amd64"]}]


class Daemon(http.server.BaseHTTPRequestHandler):
    """Lets those in who have the token, as depotd does."""

    def answer(self):
        welcome = self.headers.get("Authorization") == "Bearer right"
        body = json.dumps({"builds": BUILDS, "builders": BUILDERS, "version": "7.8.9"} if welcome else {"error": {
            "code": "unauthenticated", "message": "no valid token", "hint": "send `Authorization: Bearer TOKEN`"}}).encode()
        self.send_response(200 if welcome else 401)
        self.send_header("Content-Length", str(len(body)))
        if self.server.version:
            self.send_header("Depot-Version", self.server.version)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *args):
        pass


class List(depot_test.TestCase):
    builders = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Daemon)
        server.version, cls.server = None, server
        cls.url = "http://127.0.0.1:%d" % server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)

    def test_builders_tell_the_daemon_s_version(self):
        lines = self.good(self.depot("list", "builders")).stdout.splitlines()
        self.assertRegex(lines[1], r"^amd64-a +yes +buildkit +v0\.32\.2 +0 +linux/amd64$")
        self.assertEqual(lines[2:], ["", "depotd 7.8.9"])

    def depot(self, *args, token="right"):
        return self.home.depot(*args, "--url", self.url, env={"DEPOT_TOKEN": token})

    def test_shares_and_times_as_the_dashboard_tells_them(self):
        rows = {line.split()[0]: line.split() for line in self.good(self.depot("list")).stdout.splitlines()}
        self.assertEqual(rows["longrun001"][4:], ["87%", "5:44"])
        self.assertEqual(rows["failed0001"][4:], ["50%", "1.9s"])
        self.assertEqual(rows["fresh00001"][3:], ["-"])

    def test_columns_stand_below_their_heads(self):
        head, first, wide = self.good(self.depot("list")).stdout.splitlines()[:3]
        at = head.index("PLATFORMS")
        self.assertEqual(first.index("linux/"), at)
        self.assertEqual(wide.index("linux/"), at - 2)  # two characters of two columns before it

    def test_a_daemon_of_another_major_version_is_told_once(self):
        self.addCleanup(setattr, self.server, "version", None)
        for version, told in (("99.1.0", 1), (self.good(self.home.depot("version")).stdout.split()[1], 0), ("?", 0),
                              ("98.\x1b[2J", 1)):
            self.server.version = version
            r = self.good(self.depot("list"))
            self.assertEqual(r.text.count("the daemon is " + version[:3]), told, r.text)
            self.assertNotIn("\x1b", r.text)
            self.assertEqual(r.stdout.splitlines()[0].split()[0], "BUILD")

    def test_a_token_is_asked_for_as_the_dashboard_does(self):
        for command in (("list", "builds"), ("cancel", "longrun001")):
            self.bad(self.depot(*command, token=None), 1, "depot: %s: no valid token\n" % self.url,
                     "set DEPOT_TOKEN to a token of this daemon")
            r = self.bad(self.depot(*command, token="wrong"), 1, "check DEPOT_TOKEN: the daemon does not know this token")
            self.assertNotIn("Authorization", r.text)

    def test_a_project_that_is_no_name(self):
        context = self.tmp()
        self.write(context + "/Dockerfile", "FROM scratch\n")
        r = self.home.depot("build", "--url", self.url, context, env={"DEPOT_PROJECT_ID": "shop\tcart"})
        self.bad(r, (1, 2), "DEPOT_PROJECT_ID holds a control character", "is there a line break in DEPOT_PROJECT_ID")


if __name__ == "__main__":
    depot_test.main()
