"""Caches and numbers: what the builders' caches hold, making room in them, estimates."""
import json

import depot_test
from depot_test import TestCase, own_engine, unique


class Cache(TestCase):
    def test_says_what_is_in_it(self):
        home = self.new_home()
        self.good(home.depot("build", "-q", self.context("RUN echo %s\n" % unique())))
        answer = json.loads(self.good(home.depot("cache", "--json")).stdout)
        use = answer["builders"][0]
        self.assertGreater(use["bytes"], 0)
        self.assertEqual(use["records"], sum(t["records"] for t in use["types"]))
        self.assertEqual(use["bytes"], sum(t["bytes"] for t in use["types"]))
        self.assertTrue(use["list"] and use["list"][0]["id"])
        self.assertEqual([r["bytes"] for r in use["list"]],
                         sorted((r["bytes"] for r in use["list"]), reverse=True))
        text = self.good(home.depot("cache", "-n", "3")).stdout
        self.assertIn("RECLAIMABLE", text)
        self.bad(home.depot("cache", "--builder", "nobody"), 1, "there is no builder nobody")

    def test_prune_asks_and_frees(self):
        home = self.new_home(builders=())
        with own_engine(home) as engine:
            home.configure([("own", engine.address)])
            self.good(home.depot("build", "-q", self.context(
                "RUN echo %s > /x; /bin/busybox head -c 3000000 /dev/zero > /y\n" % unique())))
            self.bad(home.depot("prune", stdin=b""), 2, "say --force")
            self.bad(home.depot("prune", "--force", "--keep-storage", "much"), 2, "not a size")
            self.assertEqual(self.prune(home, "--keep-hours", "1000"), 0)
            self.assertGreater(self.prune(home, "--all"), 3000000)
            left = json.loads(self.good(home.depot("cache", "--json")).stdout)
            self.assertLess(left["builders"][0]["bytes"], 3000000)

    def prune(self, home, *args):
        answer = json.loads(self.good(home.depot("prune", "--force", "--json", *args)).stdout)
        return answer["builders"][0]["freed"]


class Numbers(TestCase):
    def test_estimates_come_from_past_builds(self):
        home = self.new_home()
        text = "RUN echo %s; /bin/busybox sleep 0.3\n" % unique()
        self.good(home.depot("build", "-q", "--project", "est", self.context(text)))
        self.good(home.depot("build", "-q", "--project", "est", self.context(text)))
        last = home.builds()[0]["id"]
        answer = home.api("/v1/builds/%s/estimates" % last)[1]
        self.assertEqual(answer["project"], "est")
        self.assertEqual(answer["duration"]["runs"], 2)
        step = [s for s in answer["steps"] if s["text"].startswith("RUN echo")][0]
        self.assertEqual((step["runs"], step["hits"]), (1, 1))
        self.assertGreaterEqual(step["median_ms"], 300)


if __name__ == "__main__":
    depot_test.main()
