"""A policy in a context that only the engine sees: the build is refused, where buildx enforces the policy."""
import functools
import http.server
import json
import os
import signal
import socket
import subprocess
import tarfile
import threading
import unittest

import depot_test
from depot_test import TestCase, eventually, free_port, tool, unique

DENY = "package docker\n\ndefault allow = false\n\ndecision := {\"allow\": allow}\n"
DOCKERFILE = "FROM scratch\nCOPY %s /f\n"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class RemotePolicy(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bx_env = dict(cls.home.env, BUILDX_CONFIG=cls.home.path("buildx"))
        subprocess.run([tool("buildx"), "create", "--name", "it", "--driver", "remote", os.environ["DEPOT_TEST_AMD64"]],
                       env=cls.bx_env, check=True, capture_output=True)

    def tree(self, *policies):
        """A directory with two Dockerfiles at its top and one in a subdirectory, and these files of policy."""
        top = os.path.join(self.tmp(), "r")
        os.makedirs(top + "/sub")
        for name in ("Dockerfile", "other", "sub/Dockerfile"):
            self.write(os.path.join(top, name), DOCKERFILE % "id")
        for name in ("id", "sub/id"):
            self.write(os.path.join(top, name), unique())
        for name in policies:
            self.write(os.path.join(top, name), DENY)
        return top

    def web(self, directory):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=directory))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return "http://127.0.0.1:%d/" % server.server_port

    def tar(self, top):
        directory = self.tmp()
        with tarfile.open(directory + "/c.tar", "w", format=tarfile.GNU_FORMAT) as tar:
            tar.add(top, ".")
        return self.web(directory) + "c.tar"

    def buildx(self, *args):
        return subprocess.run([tool("buildx"), "build", "--builder=it", "--platform=linux/amd64", *args], env=self.bx_env,
                              capture_output=True, text=True, check=False)

    def builds(self, *args):
        """With both tools."""
        self.good(self.build("--platform=linux/amd64", *args))
        r = self.buildx(*args)
        self.assertEqual(r.returncode, 0, r.stderr)

    def is_refused(self, policy, *args):
        self.bad(self.build("--platform=linux/amd64", *args), 1, policy + " in the context: depot evaluates no policies in Rego",
                 "--policy disabled=true")
        r = self.buildx(*args)
        self.assertNotEqual(r.returncode, 0, r.stderr)
        self.assertIn("policy", r.stderr)

    def test_a_context_in_git_without_one(self):
        url = self.git_daemon(self.tree())
        for args in ([url], [url + "#main:sub"], ["-f", "other", url], ["-f", "sub/Dockerfile", url]):
            with self.subTest(args=args):
                self.builds(*args)

    def test_a_context_in_git(self):
        url = self.git_daemon(self.tree("Dockerfile.rego"))
        self.is_refused("Dockerfile.rego", url)
        self.is_refused("Dockerfile.rego", "-f", "./Dockerfile", url + "#main")
        self.builds("--policy", "disabled=true", url)
        self.builds("-f", "other", url)
        self.builds(url + "#main:sub")

    def test_the_question_is_no_build_of_its_own(self):
        url, before = self.git_daemon(self.tree()), len(self.home.builds())
        self.good(self.build("--platform=linux/amd64", url))
        self.assertEqual(len(self.home.builds()), before + 1)

    def test_rules_hold_for_the_question(self):
        url = self.git_daemon(self.tree("Dockerfile.rego"))
        rules = os.path.join(self.tmp(), "rules.json")
        self.write(rules, json.dumps({"rules": [{"action": "DENY", "selector": {"identifier": "git://*"}}]}))
        self.bad(self.build("--platform=linux/amd64", url, env={"EXPERIMENTAL_BUILDKIT_SOURCE_POLICY": rules}), 1,
                 "not allowed by policy|denied by policy")

    def test_a_cancelled_question(self):
        mute = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(mute.close)
        run = self.home.start("build", "--platform=linux/amd64", "git://127.0.0.1:%d/r" % mute.getsockname()[1])
        mute.settimeout(30)
        fetch, _ = mute.accept()
        self.addCleanup(fetch.close)
        run.signal(signal.SIGINT)
        self.bad(run.wait(), 130)
        eventually(lambda: self.home.builds("?limit=1")[0]["state"] == "cancelled")

    def test_another_dockerfile(self):
        url = self.git_daemon(self.tree("other.rego"))
        self.is_refused("other.rego", "-f", "other", url)
        self.builds(url)

    def test_a_subdirectory(self):
        url = self.git_daemon(self.tree("sub/Dockerfile.rego"))
        self.is_refused("Dockerfile.rego", url + "#main:sub")
        self.is_refused("sub/Dockerfile.rego", "-f", "sub/Dockerfile", url)
        self.builds(url)

    def test_an_archive_of_the_web(self):
        self.builds(self.tar(self.tree()))
        self.is_refused("Dockerfile.rego", self.tar(self.tree("Dockerfile.rego")))

    def test_a_lone_dockerfile_of_the_web(self):
        top = self.tree("Dockerfile.rego")
        self.write(top + "/lone", "FROM scratch\nLABEL a=%s\n" % unique())
        self.builds(self.web(top) + "lone")

    def test_a_policy_that_reads_as_a_dockerfile(self):
        top = self.tree()
        self.write(top + "/Dockerfile.rego", "# syntax=127.0.0.1:1/none\nFROM scratch\n")
        self.bad(self.build("--platform=linux/amd64", self.git_daemon(top)), 1, "Dockerfile.rego in the context")

    def test_one_that_says_that_it_is_not_there(self):
        top = self.tree()
        self.write(top + "/Dockerfile.rego",
                   "failed to read dockerfile: open Dockerfile.rego: no such file or directory\n")
        self.bad(self.build("--platform=linux/amd64", self.git_daemon(top)), 1, "Dockerfile.rego in the context")

    def test_a_question_is_refused_too(self):
        self.bad(self.build("--check", "--platform=linux/amd64", self.git_daemon(self.tree("Dockerfile.rego"))), 1,
                 "Dockerfile.rego in the context")

    def test_a_context_that_is_not_there(self):
        r = self.build("--platform=linux/amd64", "git://127.0.0.1:%d/none" % free_port())
        self.bad(r, 1, "none")
        self.assertNotIn("Rego", r.text)


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "buildx")
    unittest.main(verbosity=2)
