"""What `depot list` and `depot cancel` print of a daemon's answers; no engine is needed."""
import http.server
import json
import threading

import depot_test

BUILDS = [
    {"id": "longrun001", "state": "succeeded", "project": "shop", "platforms": ["linux/amd64"], "duration_ms": 344800,
     "counts": {"hit": 7, "ran": 1, "failed": 0}, "user": "ann", "created": "2026-05-04T10:11:12Z",
     "source": {"branch": "main", "commit": "0123456789abcdef", "dirty": True}},
    {"id": "failed0001", "state": "failed", "project": "日本", "platforms": ["linux/arm64"], "duration_ms": 1900,
     "counts": {"hit": 1, "ran": 0, "failed": 1}},
    {"id": "fresh00001", "state": "queued", "project": "api", "platforms": [], "counts": {}},
    {"id": "longrun002", "state": "failed", "project": "a-very-long-name-of-a-project", "platforms": [], "counts": {},
     "user": "raj"},
    {"id": "longrun003", "state": "running", "project": "shop", "platforms": [], "counts": {}, "user": "ann"},
]
BUILDERS = [{"builder": "amd64-a", "up": True, "engine": "buildkit", "version": "v0.32.2", "platforms": ["linux/amd64"]}]


class Daemon(http.server.BaseHTTPRequestHandler):
    """Lets those in who have the token, as depotd does."""

    def answer(self):
        self.server.asked.append(self.path)
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
        server.version, server.asked, cls.server = None, [], server
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
        self.assertEqual(rows["longrun001"][2:8], ["shop", "ann", "main@0123456+", "linux/amd64", "87%", "5:44"])
        self.assertEqual(rows["failed0001"][3:], ["linux/arm64", "50%", "1.9s"])
        self.assertEqual(rows["fresh00001"][3:], ["-"])

    def test_columns_stand_below_their_heads(self):
        head, first, wide = self.good(self.depot("list")).stdout.splitlines()[:3]
        at = head.index("PLATFORMS")
        self.assertEqual(first.index("linux/"), at)
        self.assertEqual(wide.index("linux/"), at - 2)  # two characters of two columns before it

    def test_a_long_project_takes_no_room_of_the_others(self):
        lines = self.good(self.depot("list")).stdout.splitlines()
        row = next(line for line in lines if line.startswith("longrun002"))
        self.assertEqual(row.index("raj"), lines[0].index("WHO"))
        self.assertNotIn("a-very-long-name-of-a-project", row)
        self.assertEqual(json.loads(self.good(self.depot("list", "--json")).stdout)["builds"], BUILDS)

    def test_mine(self):
        self.good(self.home.depot("list", "--mine", "--url", self.url, env={"DEPOT_TOKEN": "right", "USER": "ann"}))
        self.assertIn("user=ann", self.server.asked[-1])

    def cancels(self, *word, user="ann", project="shop"):
        """What is cancelled by this word."""
        r = self.good(self.home.depot("cancel", *word, "--url", self.url, env={
            "DEPOT_TOKEN": "right", "USER": user, "DEPOT_PROJECT_ID": project}))
        self.assertEqual(self.server.asked[-1], "/v1/builds/%s/cancel" % r.stdout.strip())
        return r.stdout.strip()

    def test_a_build_by_any_beginning_of_its_id(self):
        for word, build in (("longrun001", "longrun001"), ("fr", "fresh00001"), ("fa", "failed0001"),
                            ("unknown", "unknown"), ("longrun0011", "longrun0011")):
            self.assertEqual(self.cancels(word), build)

    def test_several_that_begin_so_are_named(self):
        r = self.bad(self.depot("cancel", "longrun"), 2, '3 builds begin with "longrun":\n', "longrun001 +shop +ann +\\S+",
                     "longrun002 +a-very-\\S+ +raj", "longrun003 +shop +ann", "hint: give more of the id")
        self.assertNotIn("failed0001", r.text)

    def test_a_build_by_its_place(self):
        self.assertEqual(self.cancels(), "longrun001")
        self.assertEqual(self.cancels("^0"), "longrun001")
        self.assertEqual(self.cancels("^1"), "longrun003")
        self.assertIn("project=shop", self.server.asked[-2])
        self.assertEqual(self.cancels(project="api"), "fresh00001")
        for word, says in (("^2", "project shop has only 2 builds, so no \\^2"), ("^99", "no \\^99")):
            self.bad(self.home.depot("cancel", word, "--url", self.url, env={
                "DEPOT_TOKEN": "right", "DEPOT_PROJECT_ID": "shop"}), 1, says)
        self.bad(self.home.depot("cancel", "--url", self.url, env={
            "DEPOT_TOKEN": "right", "DEPOT_PROJECT_ID": "none"}), 1, "there is no build of project none")

    def test_words_that_are_no_builds(self):
        for word in ("", "^", "^x", "^-1", "^99999999999999999999", "../x", "A", "a%", "a\x1b[2Jb"):
            r = self.bad(self.depot("cancel", word), 2, "is not a build's id")
            self.assertNotIn("\x1b", r.text)

    def test_somebody_else_s_is_cancelled_by_its_id_alone(self):
        env = {"DEPOT_TOKEN": "right", "DEPOT_PROJECT_ID": "shop", "USER": "raj"}
        self.bad(self.home.depot("cancel", "--url", self.url, env=env), 1, "build longrun001 is ann's",
                 "depot cancel longrun001")
        self.assertEqual(self.cancels("longrun001", user="raj"), "longrun001")

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
