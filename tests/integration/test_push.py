"""Pushing from several builders: each its own platform, then one index, all or nothing."""
import base64
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import unittest

import depot_test
from depot_test import TestCase, eventually, free_port, own_engine, tool, unique
from registry_test import Fault, Proxy, Registry, cut, endless, swallow

PLAIN = "FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH t=%s\nCOPY $TARGETARCH /f\n"
WITHOUT = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}


class Push(TestCase):
    """Two builders that can't make each other's platform."""
    PLATFORMS = "linux/riscv64,linux/s390x"
    KINDS = ["riscv64", "s390x"]

    @classmethod
    def builder_list(cls):
        return [("rv", os.environ["DEPOT_TEST_RISCV64"]), ("s3", os.environ["DEPOT_TEST_S390X"])]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry()
        cls.addClassCleanup(cls.registry.close)
        cls.proxy = Proxy(cls.registry)
        cls.addClassCleanup(cls.proxy.close)

    def setUp(self):
        self.proxy.reset()
        self.tag = unique()[:12]
        self.repository = "it/" + unique()[:8]
        self.name = "%s/%s" % (self.proxy.host, self.repository)

    def plain(self, text=PLAIN):
        ctx = self.tmp()
        self.write(ctx + "/Dockerfile", text % unique() if "%s" in text else text)
        for name in ("f", "amd64", "arm64", "riscv64", "s390x"):
            self.write("%s/%s" % (ctx, name), unique())
        return ctx

    def push(self, ctx, *args, tags=None, home=None, env=None):
        names = [a for t in tags or [self.tag] for a in ("-t", t if "/" in t else "%s:%s" % (self.name, t))]
        return (home or self.home).depot("build", "--plain", "--push", "--platform", self.PLATFORMS, *names, *args, ctx,
                                         env=env or WITHOUT)

    def build_of(self, home=None):
        return (home or self.home).builds("?limit=1")[0]

    def events(self, build):
        return [json.loads(line) for line in self.home.api("/v1/builds/%s/events" % build)[1].splitlines()]

    # ---- what it is for ----

    def test_each_builder_makes_its_own(self):
        meta, iid = self.tmp() + "/meta", self.tmp() + "/iid"
        r = self.good(self.push(self.plain(), "--metadata-file", meta, "--iidfile", iid))
        self.assertIn("merging manifest list %s:%s" % (self.name, self.tag), r.text)
        self.assertEqual(sorted(self.build_of()["builders"]), ["rv", "s3"])
        self.assertEqual(self.registry.platforms(self.repository, self.tag), self.KINDS)
        digest = self.registry.digest(self.repository, self.tag)
        self.assertEqual(self.read(iid).decode(), digest)
        m = json.loads(self.read(meta))
        self.assertEqual(m["containerimage.digest"], digest)
        self.assertEqual(m["containerimage.descriptor"]["digest"], digest)
        self.assertEqual(m["image.name"], "%s:%s" % (self.name, self.tag))
        self.assertEqual(sorted(m["depot.platforms"]), self.PLATFORMS.split(","))

    def test_one_tag_takes_four_requests_at_most_and_moves_no_layer(self):
        self.good(self.push(self.plain()))
        ours = self.proxy.ours()
        self.assertLessEqual(len(ours), 4, ours)
        self.assertFalse([line for line in ours if "/blobs/" in line])

    def test_several_names_and_repositories(self):
        other = "%s/it/%s:x" % (self.proxy.host, unique()[:8])
        self.good(self.push(self.plain(), tags=[self.tag, "second", other]))
        digest = self.registry.digest(self.repository, self.tag)
        self.assertEqual(digest, self.registry.digest(self.repository, "second"))
        self.assertEqual(digest, self.registry.digest(other.split("/", 1)[1].split(":")[0], "x"))
        self.assertLessEqual(len(self.proxy.ours()), 4 * 3)

    def test_attestations_of_each_platform_are_kept(self):
        self.good(self.push(self.plain(), "--provenance=mode=max", env={}))
        children = self.registry.manifest(self.repository, self.tag)["manifests"]
        images = {m["digest"] for m in children if "annotations" not in m}
        proofs = {m["annotations"]["vnd.docker.reference.digest"] for m in children if "annotations" in m}
        self.assertEqual(len(images), 2)
        self.assertEqual(images, proofs)

    def test_annotations_of_every_kind(self):
        self.good(self.push(self.plain(), "--annotation", "index:i=1", "--annotation", "m=2", "--annotation",
                            "manifest-descriptor:d=3"))
        index = self.registry.manifest(self.repository, self.tag)
        self.assertEqual(index["annotations"], {"i": "1"})
        for child in index["manifests"]:
            self.assertEqual(child["annotations"], {"d": "3"})
            self.assertEqual(self.registry.manifest(self.repository, child["digest"])["annotations"], {"m": "2"})

    def test_an_annotation_of_one_platform(self):
        self.good(self.push(self.plain(), "--annotation", "manifest[linux/s390x]:only=here"))
        for child in self.registry.manifest(self.repository, self.tag)["manifests"]:
            kept = self.registry.manifest(self.repository, child["digest"]).get("annotations")
            self.assertEqual(kept, {"only": "here"} if child["platform"]["architecture"] == "s390x" else None)

    def test_files_beside_the_push(self):
        out = self.tmp() + "/out"
        self.good(self.push(self.plain(), "-o", "type=local,dest=" + out))
        self.assertEqual(self.registry.platforms(self.repository, self.tag), self.KINDS)
        self.assertEqual(sorted(os.listdir(out)), ["linux_riscv64", "linux_s390x"])

    def test_a_directory_beside_the_push_has_its_names(self):
        d, meta = self.tmp() + "/d", self.tmp() + "/meta"
        self.good(self.push(self.plain(), "-o", "type=oci,tar=false,dest=" + d, "--metadata-file", meta, tags=["a", "b"]))
        entries = json.loads(self.read(d + "/index.json"))["manifests"]
        self.assertEqual([(m["annotations"]["io.containerd.image.name"], m["annotations"]["org.opencontainers.image.ref.name"])
                          for m in entries], [("%s:%s" % (self.name, t), t) for t in "ab"])
        self.assertEqual({m["digest"] for m in entries}, {self.registry.digest(self.repository, "a")})
        self.assertEqual(json.loads(self.read(meta))["image.name"], "%s:a,%s:b" % (self.name, self.name))

    def test_the_same_image_as_buildx_makes(self):
        config = self.tmp()
        env = dict(os.environ, BUILDX_CONFIG=config, **WITHOUT)
        for kind, (name, address) in zip(self.KINDS, self.builder_list()):
            subprocess.run([tool("buildx"), "create", "--name", "two", "--driver", "remote", "--node", name, "--platform",
                            "linux/" + kind, *(["--append"] if kind == self.KINDS[1] else []), address],
                           env=env, check=True, capture_output=True)
        ctx = self.plain()
        subprocess.run([tool("buildx"), "build", "--builder", "two", "--push", "--platform", self.PLATFORMS, "-t",
                        "%s:bx" % self.name, ctx], env=env, check=True, capture_output=True)
        self.good(self.push(ctx))
        theirs, ours = (self.registry.manifest(self.repository, t)["manifests"] for t in ("bx", self.tag))
        # Two solves, two times: what is below them is the same.
        strip = [[self.registry.manifest(self.repository, m["digest"])["layers"] for m in side] for side in (theirs, ours)]
        self.assertEqual([m["platform"] for m in theirs], [m["platform"] for m in ours])
        self.assertEqual([len(x) for x in strip[0]], [len(x) for x in strip[1]])

    # ---- all or nothing ----

    def test_a_platform_that_fails_leaves_every_tag(self):
        self.good(self.push(self.plain(), tags=[self.tag]))
        before = self.registry.digest(self.repository, self.tag)
        ctx = self.plain("FROM scratch AS riscv64\nCOPY f /f\nFROM scratch AS s390x\nCOPY missing /f\nFROM $TARGETARCH\n")
        self.write(ctx + "/Dockerfile", "ARG TARGETARCH\n" + self.read(ctx + "/Dockerfile").decode())
        self.bad(self.push(ctx, tags=[self.tag, "new"]), 1, "missing")
        self.assertEqual(self.registry.digest(self.repository, self.tag), before)
        self.assertIsNone(self.registry.digest(self.repository, "new"))

    def test_a_tag_that_is_refused_moves_the_others_back(self):
        self.good(self.push(self.plain(), tags=["a", "b"]))
        before = self.registry.digest(self.repository, "a")
        self.proxy.reset(Fault("PUT", "/manifests/c$", 403, body=b'{"errors":[{"code":"DENIED","message":"immutable"}]}'))
        r = self.bad(self.push(self.plain(), tags=["a", "b", "c"]), 1, "DENIED: immutable", "HTTP 403")
        self.assertNotIn("not as before", r.text)
        self.assertEqual(self.registry.digest(self.repository, "a"), before)
        self.assertEqual(self.registry.digest(self.repository, "b"), before)
        self.assertIsNone(self.registry.digest(self.repository, "c"))
        self.assertEqual(self.build_of()["state"], "failed")

    def test_a_new_tag_that_cannot_be_deleted_is_named(self):
        self.proxy.reset(Fault("PUT", "/manifests/z$", 403), Fault("DELETE", ".", 405))
        self.bad(self.push(self.plain(), tags=["fresh", "z"]), 1, r"not as before: \S+:fresh \(it is new")

    def test_a_new_tag_that_can_be_deleted_is(self):
        gone = []

        def delete(proxy, h, body):
            gone.append(h.path)
            proxy.answer(h, 202)
        self.proxy.reset(Fault("PUT", "/manifests/z$", 403), Fault("DELETE", ".", does=delete))
        r = self.bad(self.push(self.plain(), tags=["fresh", "z"]), 1)
        self.assertNotIn("not as before", r.text)
        self.assertEqual(gone, ["/v2/%s/manifests/fresh" % self.repository])

    def test_a_tag_that_somebody_else_moved_meanwhile_stays_theirs(self):
        self.good(self.push(self.plain(), tags=["a"]))
        other = self.registry.get("/v2/%s/manifests/a" % self.repository)
        theirs = other.rstrip() + b"\n\n"  # the same image, other bytes

        def move(proxy, h, body):
            self.registry.put(self.repository, "a", theirs)
            return False
        self.proxy.reset(Fault("PUT", "/manifests/z$", 403, does=move))
        self.bad(self.push(self.plain(), tags=["a", "z"]), 1, "somebody else has moved it")
        self.assertEqual(self.registry.get("/v2/%s/manifests/a" % self.repository), theirs)

    def test_an_index_that_one_repository_refuses_moves_no_tag(self):
        other = "it/" + unique()[:8]
        self.proxy.reset(Fault("PUT", "/v2/%s/manifests/sha256" % other, 500))
        self.bad(self.push(self.plain(), tags=[self.tag, "%s/%s:x" % (self.proxy.host, other)]), 1, "push the index")
        self.assertIsNone(self.registry.digest(self.repository, self.tag))

    # ---- what the registry loses is pushed again ----

    LOST = {"provided digest did not match uploaded content": ("PUT", "/blobs/uploads/", "DIGEST_INVALID", 400),
            "blob upload unknown to registry": ("PUT", "/blobs/uploads/", "BLOB_UPLOAD_UNKNOWN", 404),
            "blob unknown to registry": ("PUT", "/manifests/", "MANIFEST_BLOB_UNKNOWN", 400)}

    def lost(self, text, times):
        """A registry that answers one builder so."""
        method, path, code, status = self.LOST[text]
        body = json.dumps({"errors": [{"code": code, "message": text}]}).encode()
        return Fault(method, path, status, times=times, body=body, who="buildkit")

    def test_what_the_registry_lost_is_pushed_once_more(self):
        for text in self.LOST:
            with self.subTest(text):
                ctx, meta = self.plain(), self.tmp() + "/meta"
                self.proxy.reset(self.lost(text, 1))
                r = self.good(self.push(ctx, "--metadata-file", meta, tags=["a"]))
                self.assertRegex(r.text, r"\[linux/\w+\] pushing once more")
                self.assertRegex(r.text, "pushed once more, as the registry lost something of it: failed to push .*" + text)
                self.assertEqual(self.registry.platforms(self.repository, "a"), self.KINDS)
                build = self.build_of()
                self.assertEqual((build["state"], build["counts"]["failed"]), ("succeeded", 0))
                refs = [e["ref"] for e in self.events(build["id"]) if e["type"] == "build.assigned"]
                self.assertEqual(len(set(refs)), 3)
                self.assertEqual(self.states(), dict.fromkeys(self.PLATFORMS.split(","), "succeeded"))
                # The record that the engine has of it is the second one's.
                told = json.dumps(json.loads(self.read(meta)))
                self.assertTrue(any(ref in told for ref in refs[2:]), told)

    def test_what_the_registry_loses_again_is_an_error(self):
        text = "blob upload unknown to registry"
        fault = self.lost(text, 10 ** 6)
        self.proxy.reset(fault)
        r = self.bad(self.push(self.plain(), "--keep-going"), 1, text)
        self.assertEqual(len(re.findall(r"^#\d+ \[linux/\w+\] pushing once more$", r.text, re.M)), 2, r.text)
        self.assertIsNone(self.registry.digest(self.repository, self.tag))

    def test_what_a_repeat_does_not_mend_is_not_repeated(self):
        denied = Fault("PUT", "/blobs/uploads/", 403, who="buildkit",
                       body=b'{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}')
        cases = {
            "a step": ("FROM scratch\nCOPY missing%s /provided\n", (), self.lost("blob unknown to registry", 1)),
            "a refusal": (PLAIN, (), denied),
            "files beside it": (PLAIN, ("-o", "type=local,dest=" + self.tmp() + "/out"), self.lost("blob unknown to registry", 1)),
        }
        for what, (text, args, fault) in cases.items():
            with self.subTest(what):
                self.proxy.reset(fault)
                self.assertNotIn("once more", self.bad(self.push(self.plain(text), *args), 1).text)

    def test_cancelled_before_it_is_pushed_again(self):
        self.proxy.reset(self.lost("blob unknown to registry", 1))
        run = self.home.start("build", "--plain", "--push", "--platform", self.PLATFORMS, "-t", self.name + ":a",
                              self.plain(), env=WITHOUT)
        self.assertTrue(eventually(lambda: b"once more" in run.out + run.err, 60))
        run.signal(signal.SIGINT)
        self.bad(run.wait(), 130)
        self.assertIsNone(self.registry.digest(self.repository, "a"))

    # ---- one platform fails, and is made later ----

    HALF = "ARG TARGETARCH\nFROM scratch AS %s\nCOPY f /f\nFROM scratch AS %s\nCOPY late /f\nFROM $TARGETARCH\n"

    def half(self):
        """A context that the second platform cannot be made from, until it has the file `late`."""
        ctx = self.plain("")
        self.write(ctx + "/Dockerfile", self.HALF % tuple(self.KINDS))
        return ctx

    def states(self):
        return {r["platform"]: r["state"] for r in self.events(self.build_of()["id"]) if r["type"] == "build.result"}

    def test_keep_going_lets_the_good_platform_finish(self):
        self.bad(self.push(self.half(), "--keep-going"), 1, "late")
        good, bad = self.PLATFORMS.split(",")
        self.assertEqual(self.states(), {good: "succeeded", bad: "failed"})
        self.assertIsNone(self.registry.digest(self.repository, self.tag))

    def test_retry_makes_only_what_failed_and_joins(self):
        ctx = self.half()
        self.bad(self.push(ctx, "--keep-going", tags=[self.tag, "two"]), 1, "depot retry")
        failed = self.build_of()
        self.write(ctx + "/late", "now")
        self.bad(self.home.depot("retry", env={**WITHOUT, "DEPOT_PROJECT_ID": "another"}), 1, "nothing to retry")
        self.good(self.home.depot("retry", failed["id"][:8], env=WITHOUT))
        self.assertEqual(self.states(), {self.PLATFORMS.split(",")[1]: "succeeded"})
        self.assertEqual(self.registry.platforms(self.repository, self.tag), self.KINDS)
        self.assertEqual(self.registry.digest(self.repository, self.tag), self.registry.digest(self.repository, "two"))
        # The whole at once is the same index.
        before = self.registry.digest(self.repository, self.tag)
        self.good(self.push(ctx, tags=["whole"]))
        self.assertEqual(self.registry.digest(self.repository, "whole"), before)

    def test_retry_of_a_retry_keeps_what_the_first_time_made(self):
        home = self.new_home(builders=[(k, os.environ["DEPOT_TEST_" + k.upper()]) for k in ("amd64", "arm64", "riscv64")])
        ctx = self.plain("")
        self.write(ctx + "/Dockerfile", "ARG TARGETARCH\nFROM scratch AS amd64\nCOPY one /f\nFROM scratch AS arm64\n"
                   "COPY f /f\nFROM scratch AS riscv64\nCOPY two /f\nFROM $TARGETARCH\n")
        line = ("build", "--plain", "--push", "--keep-going", "--platform", "linux/amd64,linux/arm64,linux/riscv64")
        self.bad(home.depot(*line, "-t", "%s:%s" % (self.name, self.tag), ctx, env=WITHOUT), 1, "depot retry")
        self.write(ctx + "/one", "now")
        self.bad(home.depot("retry", self.build_of(home)["id"], env=WITHOUT), 1, "depot retry")
        again = self.build_of(home)["id"]
        self.assertIsNone(self.registry.digest(self.repository, self.tag))
        self.write(ctx + "/two", "now")
        for _ in range(2):  # once more is the same
            self.good(home.depot("retry", again, env=WITHOUT))
            self.assertEqual(self.registry.platforms(self.repository, self.tag), ["amd64", "arm64", "riscv64"])
        self.good(home.depot(*line, "-t", self.name + ":whole", ctx, env=WITHOUT))
        self.assertEqual(self.registry.digest(self.repository, "whole"), self.registry.digest(self.repository, self.tag))

    def test_retry_has_the_options_of_the_first_time_from_anywhere(self):
        ctx = self.half()
        path = ctx + "/Dockerfile"
        self.write(path, self.read(path).decode() + "ARG LINES\nARG EMPTY=x\nLABEL lines=$LINES empty=\"$EMPTY\"\n")
        names = ["-t", "%s:%s" % (self.name, self.tag)]
        self.bad(self.home.depot("build", "--plain", "--push", "--keep-going", "--platform", self.PLATFORMS, *names,
                                 "--build-arg", "LINES=a=b\n-c \"d\",e", "--build-arg", "EMPTY=", ".", cwd=ctx, env=WITHOUT), 1)
        self.write(ctx + "/late", "now")
        self.good(self.home.depot("retry", self.build_of()["id"], cwd="/", env=WITHOUT))
        for child in self.registry.manifest(self.repository, self.tag)["manifests"]:
            config = self.registry.manifest(self.repository, child["digest"])["config"]["digest"]
            labels = json.loads(self.registry.get("/v2/%s/blobs/%s" % (self.repository, config)))["config"]["Labels"]
            self.assertEqual(labels, {"lines": "a=b\n-c \"d\",e", "empty": ""})

    def test_retry_of_a_directory_that_is_gone(self):
        ctx = self.half()
        line = ("build", "--plain", "--push", "--keep-going", "--platform", self.PLATFORMS, "-t", self.name + ":x")
        self.bad(self.home.depot(*line, ".", cwd=ctx, env=WITHOUT), 1, "depot retry")
        shutil.rmtree(ctx)
        self.bad(self.home.depot("retry", self.build_of()["id"], env=WITHOUT), 1, "cannot go back to")

    def test_no_retry_of_what_came_from_stdin(self):
        ctx = self.half()
        r = self.home.depot("build", "--plain", "--push", "--keep-going", "--platform", self.PLATFORMS, "-t", self.name + ":x",
                            "-f", "-", ctx, stdin=self.read(ctx + "/Dockerfile"), env=WITHOUT)
        self.bad(r, 1, "late")
        self.assertNotIn("depot retry", r.text)

    def test_retry_of_what_cannot_be_retried(self):
        for build, code, says in (("nothing000", 1, "nothing to retry"), ("../../etc", 2, "not a build's id"),
                                  ("", 2, "not a build's id")):
            self.bad(self.home.depot("retry", build), code, says)
        self.good(self.push(self.plain()))
        self.bad(self.home.depot("retry", self.build_of()["id"]), 1, "nothing to retry")

    def test_retry_keeps_command_lines_to_their_user(self):
        self.bad(self.push(self.half(), "--keep-going", "--build-arg", "TOKEN=s3cr3t"), 1)
        folder = os.path.join(self.home.state, "depot", "retry")
        self.assertEqual(os.stat(folder).st_mode & 0o777, 0o700)
        for name in os.listdir(folder):
            self.assertEqual(os.stat(os.path.join(folder, name)).st_mode & 0o777, 0o600)

    # ---- registries as they are ----

    def test_a_busy_registry_is_waited_for(self):
        for status, headers in ((429, [("Retry-After", "1")]), (500, []), (503, [("Retry-After", "0")])):
            with self.subTest(status):
                self.proxy.reset(Fault("PUT", "/manifests/sha256", status, times=2, headers=headers))
                self.good(self.push(self.plain(), tags=["t%d" % status]))
                self.assertEqual(self.registry.platforms(self.repository, "t%d" % status), self.KINDS)

    def test_a_registry_that_stays_busy_is_an_error(self):
        for status, text in ((429, "limits its requests"), (500, "HTTP 500")):
            with self.subTest(status):
                self.proxy.reset(Fault("PUT", "/manifests/sha256", status))
                self.bad(self.push(self.plain()), 1, text)
                self.assertIsNone(self.registry.digest(self.repository, self.tag))

    def test_a_refusal_says_what_to_do(self):
        for status, text in ((401, "docker login"), (403, "may not push"), (404, "create the repository")):
            with self.subTest(status):
                self.proxy.reset(Fault("PUT", "/manifests/sha256", status))
                self.bad(self.push(self.plain()), 1, text)

    def test_a_registry_that_keeps_other_bytes_is_an_error(self):
        self.proxy.reset(Fault("PUT", "/manifests/sha256", 201, headers=[("Docker-Content-Digest", "sha256:" + "0" * 64)]))
        self.bad(self.push(self.plain()), 1, "kept other bytes")
        self.assertIsNone(self.registry.digest(self.repository, self.tag))

    def test_an_empty_digest_says_nothing(self):
        self.proxy.reset(Fault("PUT", "/manifests/sha256", 201, headers=[("Docker-Content-Digest", "")]),
                         Fault("PUT", "/manifests/%s$" % self.tag, 201))
        self.good(self.push(self.plain()))

    def test_an_answer_without_end_is_an_error(self):
        for status in (201, 403):
            self.proxy.reset(Fault("PUT", "/manifests/sha256", does=endless(status)))
            r = self.bad(self.push(self.plain()), 1, "larger than")
            self.assertNotIn("--registry", r.text)

    def test_a_refusal_that_holds_too_much_is_a_refusal(self):
        for body in (b'{"errors":[' + b"{}," * 1300000 + b"{}]}", b'{"errors":[{"code":"X\x00\xff', b"[" * 100000, b"\xff"):
            self.proxy.reset(Fault("PUT", "/manifests/sha256", 403, body=body))
            self.bad(self.push(self.plain()), 1, "may not push")

    def test_a_tag_that_is_told_twice_moves_once(self):
        self.good(self.push(self.plain(), tags=["a", "a", "b", "a"]))
        self.assertEqual(len([line for line in self.proxy.ours() if line.startswith("PUT") and line.endswith("/a")]), 1)

    def test_an_answer_that_is_lost_is_looked_for(self):
        self.proxy.reset(Fault("PUT", "/manifests/%s$" % self.tag, does=swallow))
        self.good(self.push(self.plain()))
        self.assertEqual(self.registry.platforms(self.repository, self.tag), self.KINDS)

    def test_half_an_answer_is_asked_for_again(self):
        self.good(self.push(self.plain(), tags=["a"]))
        self.proxy.reset(Fault("PUT", "/manifests/sha256", does=cut, times=1))
        self.good(self.push(self.plain(), tags=["a"]))

    def test_a_redirect_to_another_host_gets_no_credentials(self):
        seen = []
        other = Proxy(self.registry)
        self.addCleanup(other.close)
        basic = "ann:secret"
        proxy = Proxy(self.registry, basic=basic)
        self.addCleanup(proxy.close)
        config = self.tmp()
        self.write(config + "/config.json", json.dumps({"auths": {proxy.host: {
            "auth": base64.b64encode(basic.encode()).decode()}}}))
        proxy.reset(Fault("PUT", "/manifests/sha256", 307, headers=[("Location", "http://%s/v2/%s/manifests/elsewhere" % (
            other.host, self.repository))]))
        name = "%s/%s:1" % (proxy.host, self.repository)
        self.push(self.plain(), tags=[name], env=dict(WITHOUT, DOCKER_CONFIG=config))
        self.assertTrue([line for line in other.ours() if "elsewhere" in line])
        self.assertEqual([a for agent, a in other.authorizations if "depot/" in agent], seen)

    # ---- who we are ----

    def auth_config(self, proxy, user="ann:secret", helper=None):
        config = self.tmp()
        if helper is None:
            self.write(config + "/config.json", json.dumps({"auths": {proxy.host: {
                "auth": base64.b64encode(user.encode()).decode()}}}))
            return {"DOCKER_CONFIG": config, **WITHOUT}
        self.write(config + "/config.json", json.dumps({"credHelpers": {proxy.host: "it"}}))
        self.write(config + "/docker-credential-it", "#!/bin/sh\ncat >/dev/null\necho '%s'\n" % helper)
        os.chmod(config + "/docker-credential-it", 0o755)
        return {"DOCKER_CONFIG": config, "PATH": config + ":" + os.environ["PATH"], **WITHOUT}

    def test_tokens_and_basic_authentication(self):
        for kind in ({"token": "t0ken", "basic": "ann:secret"}, {"basic": "ann:secret"}):
            for helper in (None, '{"Username":"ann","Secret":"secret"}'):
                with self.subTest(kind=kind, helper=helper):
                    proxy = Proxy(self.registry, **kind)
                    self.addCleanup(proxy.close)
                    name = "%s/%s" % (proxy.host, self.repository)
                    self.good(self.push(self.plain(), tags=[name + ":1"], env=self.auth_config(proxy, helper=helper)))
                    self.assertEqual(self.registry.platforms(self.repository, "1"), self.KINDS)
                    self.assertLessEqual(len(proxy.ours()), 4, proxy.ours())

    def test_without_credentials(self):
        proxy = Proxy(self.registry, basic="ann:secret")
        self.addCleanup(proxy.close)
        self.bad(self.push(self.plain(), tags=["%s/%s:1" % (proxy.host, self.repository)]), 1, "(?i)authoriz|401")

    # ---- builders and clients that go ----

    @contextlib.contextmanager
    def own_pair(self, home, more=""):
        """Two engines of the test's own for amd64 and arm64, with more lines in their configuration."""
        with own_engine(home, "one") as one, own_engine(home, "two") as two:
            for engine, platform in ((one, "linux/amd64"), (two, "linux/arm64")):
                path = engine.directory + "/buildkitd.toml"
                self.write(path, self.read(path).decode().replace("linux/amd64", platform) + more)
                engine.process.terminate()
                engine.process.wait(15)
                engine.restart()
            home.configure([("one", one.address), ("two", two.address)])
            yield one

    def test_a_builder_that_dies_in_the_join(self):
        home = self.new_home(builders=[])
        with self.own_pair(home) as one:
            def die(proxy, h, body):
                one.process.kill()
                return False
            # Tags are written when all builders have answered; the index may be while they record the build.
            self.proxy.reset(Fault("PUT", "/manifests/" + self.tag, does=die, times=1))
            # What it made is in the registry: nothing more is wanted of it.
            self.good(home.depot("build", "--plain", "--push", "--platform", "linux/amd64,linux/arm64", "-t",
                                 "%s:%s" % (self.name, self.tag), self.plain(), env=WITHOUT))
            self.assertEqual(self.registry.platforms(self.repository, self.tag), ["amd64", "arm64"])

    def test_a_registry_with_a_certificate_of_its_own(self):
        home = self.new_home(builders=[])
        certs = depot_test.Certificates(home.path("certs"))
        proxy = Proxy(self.registry, tls=certs.issue("registry", "DNS:localhost,IP:127.0.0.1"))
        self.addCleanup(proxy.close)
        line = ("build", "--plain", "--push", "--platform", "linux/amd64,linux/arm64", "-t",
                "%s/%s:1" % (proxy.host, self.repository), self.plain())
        with self.own_pair(home, '[registry."%s"]\n  http = false\n  ca = ["%s"]\n' % (proxy.host, certs.path("ca.pem"))):
            with open(os.path.join(home.config, "depot", "depotd.conf"), "a") as f:
                f.write("registry = %s,cert=%s,key=%s\n" % (proxy.host, *certs.issue("client")))
            self.bad(home.depot(*line, env=WITHOUT), 1, "certificate", "--registry %s" % proxy.host)
            home.stop()
            path = os.path.join(home.config, "depot", "depotd.conf")
            self.write(path, self.read(path).decode().replace(",cert=", ",ca=%s,cert=" % certs.path("ca.pem")))
            self.good(home.depot(*line, env=WITHOUT))
        self.assertEqual(self.registry.platforms(self.repository, "1"), ["amd64", "arm64"])

    def test_a_registry_that_is_called_insecure(self):
        certs = depot_test.Certificates(self.tmp() + "/certs")
        proxy = Proxy(self.registry, tls=certs.issue("registry", "DNS:localhost"))
        self.addCleanup(proxy.close)
        for tag, host in (("tls", proxy.host), ("plain", "localhost:%d" % self.registry.upstream)):
            with self.subTest(tag):
                self.good(self.home.depot(
                    "build", "--plain", "--platform", self.PLATFORMS, "-o", "type=image,push=true,registry.insecure=true,name=%s/%s:%s" % (
                        host, self.repository, tag), self.plain(), env=WITHOUT))
                self.assertEqual(self.registry.platforms(self.repository, tag), self.KINDS)

    def test_cancelled_while_tags_move(self):
        self.good(self.push(self.plain(), tags=["a", "b"]))
        before = self.registry.digest(self.repository, "a")
        at = threading.Event()

        def hold(proxy, h, body):
            at.set()
            eventually(lambda: run.process.poll() is not None or self.build_of()["state"] != "running", 3)
            return False
        self.proxy.reset(Fault("PUT", "/manifests/a$", does=hold, times=1))
        run = self.home.start("build", "--plain", "--push", "--platform", self.PLATFORMS, "-t", self.name + ":a", "-t",
                              self.name + ":b", self.plain(), env=WITHOUT)
        self.assertTrue(at.wait(60))
        run.signal(signal.SIGINT)
        self.bad(run.wait(), 130)
        self.assertTrue(eventually(lambda: self.build_of()["state"] == "cancelled"))
        self.assertEqual(self.registry.digest(self.repository, "a"), before)
        self.assertEqual(self.registry.digest(self.repository, "b"), before)


    def test_a_cancel_waits_for_no_further_try(self):
        self.good(self.push(self.plain(), tags=["a", "b"]))
        before = self.registry.digest(self.repository, "a")
        for tag in "ab":
            with self.subTest(tag):
                busy = Fault("PUT", "/manifests/%s$" % tag, 429, headers=[("Retry-After", "2")])
                self.proxy.reset(busy)
                run = self.home.start("build", "--plain", "--push", "--platform", self.PLATFORMS, "-t", self.name + ":a",
                                      "-t", self.name + ":b", self.plain(), env=WITHOUT)
                self.assertTrue(eventually(lambda: busy.hits == 1, 60))
                run.signal(signal.SIGINT)
                self.bad(run.wait(), 130)
                self.assertLessEqual(busy.hits, 2)
                self.assertEqual([self.registry.digest(self.repository, t) for t in "ab"], [before] * 2)

    def test_a_daemon_that_is_stopped_while_tags_move_names_them(self):
        home = self.new_home()
        self.good(self.push(self.plain(), tags=["a", "b"], home=home))
        for tag, moved in (("a", ["a"]), ("b", ["a", "b"])):
            at, go = threading.Event(), threading.Event()

            def hold(proxy, h, body):
                at.set()
                go.wait(30)
                swallow(proxy, h, body)
            self.proxy.reset(Fault("PUT", "/manifests/%s$" % tag, does=hold, times=1))
            run = home.start("build", "--plain", "--push", "--platform", self.PLATFORMS, "-t", self.name + ":a", "-t",
                             self.name + ":b", self.plain(), env=WITHOUT)
            self.assertTrue(at.wait(60))
            os.kill(home.daemon_pid(), signal.SIGTERM)
            os.kill(home.daemon_pid(), signal.SIGTERM)  # at once
            run.wait()
            go.set()
            self.good(home.depot("list"))  # and the daemon is there again
            self.assertRegex(self.build_of(home)["message"], "stopped; not as before: " + ", ".join(
                "%s:%s" % (self.name, t) for t in moved) + "$")

    def test_cancelled_when_all_tags_have_moved_is_too_late(self):
        at = threading.Event()

        def hold(proxy, h, body):
            at.set()
            eventually(lambda: b"cancelling" in run.err, 10)
            return False
        self.proxy.reset(Fault("PUT", "/manifests/%s$" % self.tag, does=hold, times=1))
        run = self.home.start("build", "--plain", "--push", "--platform", self.PLATFORMS, "-t",
                              "%s:%s" % (self.name, self.tag), self.plain(), env=WITHOUT)
        self.assertTrue(at.wait(60))
        run.signal(signal.SIGINT)
        self.good(run.wait())
        self.assertEqual(self.registry.platforms(self.repository, self.tag), self.KINDS)


class Native(Push):
    """amd64 and arm64, as everybody has them."""
    PLATFORMS = "linux/amd64,linux/arm64"
    KINDS = ["amd64", "arm64"]

    @classmethod
    def builder_list(cls):
        return [("amd64", os.environ["DEPOT_TEST_AMD64"]), ("arm64", os.environ["DEPOT_TEST_ARM64"])]

    def test_each_builder_makes_its_own(self):
        self.good(self.push(self.plain()))
        self.assertEqual(sorted(self.build_of()["builders"]), self.KINDS)
        self.assertEqual(self.registry.platforms(self.repository, self.tag), self.KINDS)


# What is not about the kind of the builders is tried with one pair alone.
for _name in [n for n in dir(Push) if n.startswith("test_") and n not in vars(Native)]:
    if _name not in ("test_attestations_of_each_platform_are_kept", "test_the_same_image_as_buildx_makes"):
        setattr(Native, _name, None)


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "DEPOT_TEST_ARM64", "DEPOT_TEST_RISCV64", "DEPOT_TEST_S390X", "buildx")
    if not shutil.which("docker-registry"):
        depot_test.skip_file("docker-registry is not installed")
    depot_test.main()
