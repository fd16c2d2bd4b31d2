#!/usr/bin/env python3
"""depot build --call and --check: the same text, JSON and exit codes as docker buildx has on the same engine."""
import json
import os
import re
import subprocess
import unittest

import depot_test
from depot_test import TestCase, tool, unique

WARNED = """\
from scratch AS Base
ARG WHO=you
MAINTAINER someone
COPY . /
ENV A B
FROM scratch as two
ARG VERSION=1
RUN --mount=type=secret,id=tok,required=true --mount=type=ssh echo \\
  several \\
  lines $UNDEF
ENTRYPOINT foo
"""
CLEAN = "FROM scratch\nCOPY . /\n"
BROKEN = "FROM scratch\nMAINTAINER someone\nBOGUS x\n"
LATE = "FROM scratch\nMAINTAINER someone\nCOPY --from=UPPER:a@b /x /x\n"
OUTLINE = """\
# base is first
FROM scratch AS base
# WHO is greeted
ARG WHO=you
ARG NONE
# two is the second
FROM base AS two
ARG VERSION=1
RUN --mount=type=secret,id=tok,required=true --mount=type=ssh --mount=type=cache,target=/x true
FROM two
"""


class CallCase(TestCase):
    def directory(self, dockerfile):
        d = self.tmp()
        self.write(os.path.join(d, "Dockerfile"), dockerfile)
        return d


class Call(CallCase):
    @classmethod
    def builder_list(cls):
        return [("amd64", os.environ["DEPOT_TEST_AMD64"]), ("arm64", os.environ["DEPOT_TEST_ARM64"])]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = "depot-call-" + unique()
        cls.buildx_env = dict(os.environ, BUILDX_CONFIG=cls.home.path("buildx"), NO_COLOR="1")
        cls.run_buildx("create", "--name", cls.node, "--driver", "remote", os.environ["DEPOT_TEST_AMD64"])

    @classmethod
    def run_buildx(cls, *args, stdin=None):
        return subprocess.run([tool("buildx"), *args], env=cls.buildx_env, input=stdin, capture_output=True,
                              text=True, timeout=depot_test.TIMEOUT)

    def both(self, *args, stdin=None):
        """The results of both tools, after their exit codes and outputs were found the same."""
        theirs = self.run_buildx("build", "--builder", self.node, *args, stdin=stdin)
        ours = self.build(*args, stdin=stdin.encode() if stdin else None)
        self.assertEqual(ours.code, theirs.returncode, "%s\n%s" % (ours, theirs.stderr))
        return ours.stdout, theirs.stdout, ours

    def same(self, *args, stdin=None):
        ours, theirs, result = self.both(*args, stdin=stdin)
        self.assertEqual(ours, theirs)
        return ours, result

    def test_check_prints_what_buildx_prints(self):
        for dockerfile, says in ((WARNED, "warnings have been found!"), (CLEAN, "no warnings found."),
                                 (BROKEN, ""), (LATE, "")):
            d = self.directory(dockerfile)
            for args in (("--check",), ("--call=lint",), ("--call=check,ignorestatus=true",)):
                with self.subTest(dockerfile=dockerfile, args=args):
                    out, _ = self.same(*args, d)
                    self.assertIn(says, out)

    def test_exit_codes_of_the_gate(self):
        for dockerfile, code in ((WARNED, 1), (CLEAN, 0), (BROKEN, 1)):
            self.assertEqual(self.build("--check", self.directory(dockerfile)).code, code)

    def test_several_platforms_ask_one_builder_and_run_nothing(self):
        d = self.directory("FROM scratch\nMAINTAINER x\nRUN nothing\n")
        out, _ = self.same("--check", "--platform", "linux/amd64,linux/arm64,darwin/arm64,linux/s390x", d)
        self.assertIn("MaintainerDeprecated", out)
        build = self.home.builds()[0]
        self.assertEqual(len(build["builders"]), 1)
        self.assertNotIn("emulated", json.dumps(build))

    def test_json_is_the_frontends(self):
        d = self.directory(WARNED)
        ours, theirs, _ = self.both("--call=check,format=json", d)
        # The definitions beside the sources hold the ids of the sessions.
        self.assertEqual(json.loads(ours)["warnings"], json.loads(theirs)["warnings"])
        for method in ("outline", "targets"):
            self.same("--call=%s,format=json" % method, self.directory(OUTLINE))

    def test_outline_and_targets(self):
        d = self.directory(OUTLINE)
        for args in (("--call=outline",), ("--call=outline", "--target=base"), ("--call=targets",),
                     ("--print=targets",), ("--call=subrequests.describe",)):
            with self.subTest(args=args):
                out, _ = self.same(*args, d)
                self.assertTrue(out)

    def test_names_of_the_dockerfile_are_the_users(self):
        d = self.directory(WARNED)
        self.same("--check", "-f", os.path.join(d, ".", "Dockerfile"), d)
        out, _ = self.same("--check", "-f", "-", d, stdin=WARNED)
        self.assertIn("stdin:1", out)
        out, theirs, _ = self.both("--check", "-", stdin=WARNED)
        self.assertEqual(out, re.sub(r"/\S*/empty-dir\d+/Dockerfile", "stdin", theirs))

    def test_unknown_words(self):
        d = self.directory(CLEAN)
        for spec in ("lint,foo=x", "lint,outline", "lint,format=xml", "lint,ignorestatus=perhaps", "format=json", "a b"):
            self.bad(self.build("--call", spec, d), 2, "invalid --call")
        self.bad(self.build("--check", "--call=outline", d), 2, "ask for two things")
        self.bad(self.build("--call=nothing-known", d), 1, "unsupported request frontend.nothing-known",
                 "# syntax=docker/dockerfile:1")

    def test_quiet_metadata_and_no_outputs(self):
        d = self.directory(CLEAN)
        made = os.path.join(self.tmp(), "out")
        meta = os.path.join(self.tmp(), "meta.json")
        out, result = self.same("-q", "--call=targets", "--metadata-file", meta, d)
        self.assertEqual(result.text, "")
        with open(meta, encoding="utf-8") as f:
            self.assertEqual(json.load(f)["result.txt"], out)
        self.good(self.build("--call=targets", "-o", made, "-t", "a:b", d))
        self.assertFalse(os.path.exists(made))

    def test_questions_do_not_count_as_builds(self):
        d = self.directory("FROM scratch\nCOPY . /%s\n" % unique())
        project = "p" + unique()[:10]
        for args in (("-o", self.tmp()), ("--check",), ("--call=targets",)):
            self.good(self.build("--project", project, *args, d))
        newest = self.home.builds("?project=" + project)
        self.assertEqual([b["command"].split()[2].split("=")[0] for b in newest][:2], ["--call", "--call"])
        estimates = self.home.api("/v1/builds/%s/estimates" % newest[0]["id"])[1]
        self.assertEqual(estimates["duration"]["runs"], 1)

    def test_a_remote_context(self):
        # What cannot be fetched is an error, not an empty answer.
        self.assertEqual(self.build("--check", "http://127.0.0.1:1/nothing.tar").code, 1)


@unittest.skipUnless(os.environ.get("DEPOT_TEST_DOCKER"), "no Docker Engine")
class OldFrontend(CallCase):
    @classmethod
    def builder_list(cls):
        return [("docker", os.environ["DEPOT_TEST_DOCKER"])]

    def test_a_frontend_without_questions_is_an_error(self):
        d = self.directory(CLEAN)
        for method in ("check", "outline", "targets", "check,format=json"):
            result = self.build("--call=" + method, d)
            self.bad(result, 1, "unsupported request", "# syntax=docker/dockerfile:1")
            self.assertFalse(result.out)


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "DEPOT_TEST_ARM64", "buildx")
    depot_test.main()
