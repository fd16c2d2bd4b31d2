"""What surrounds a build: variables, Docker's configuration, metadata files, and the record in the engine's history,
beside buildx on the same engine."""
import base64
import http.server
import json
import os
import subprocess
import tarfile
import threading
import time
import unittest

import depot_test
from depot_test import TestCase, tool, unique

PROXIES = {"proxies": {"default": {"httpProxy": "http://cfg:3128", "noProxy": "*.x", "allProxy": "http://all"},
                       "tcp://other:2375": {"httpProxy": "http://other:1"}}}
SHOW = 'RUN echo ">>[$HTTP_PROXY][$http_proxy][$no_proxy]"; echo %s\n'


class Server:
    """A web server that refuses everything and remembers what was asked."""

    def __init__(self):
        seen = self.seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                seen.append((self.path, self.headers.get("Authorization", ""),
                             self.headers.get("X-Amz-Security-Token", "")))
                self.send_response(403)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = answer

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def jwt():
    """A token as GitHub makes them, of no use."""
    def part(o):
        return base64.urlsafe_b64encode(json.dumps(o).encode()).decode().rstrip("=")
    scopes = json.dumps([{"Scope": "refs/heads/main", "Permission": 3}])
    return ".".join((part({"alg": "none", "typ": "JWT"}), part({"ac": scopes, "nonce": unique(), "nbf": 1,
                      "exp": int(time.time()) + 3600}), "c2ln"))


class Surroundings(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bx_env = dict(cls.home.env, BUILDX_CONFIG=cls.home.path("buildx"))
        subprocess.run([tool("buildx"), "create", "--name", "it", "--driver", "remote", os.environ["DEPOT_TEST_AMD64"]],
                       env=cls.bx_env, check=True, capture_output=True)

    def buildx(self, *args, env=None):
        r = subprocess.run([tool("buildx"), *args], env=dict(self.bx_env, **(env or {})), capture_output=True, text=True)
        self.assertEqual(r.returncode, 0, r.stderr)
        return r

    def both(self, *args, env=None):
        """The same command line with both tools: their plain logs."""
        ours = self.good(self.build("--progress=plain", *args, env=env))
        return ours.text, self.buildx("build", "--builder=it", "--progress=plain", *args, env=env).stderr

    def metadata(self, *args, env=None):
        d = self.tmp()
        self.good(self.build("-q", "--metadata-file", d + "/ours", *args, env=env))
        self.buildx("build", "--builder=it", "-q", "--metadata-file", d + "/theirs", *args, env=env)
        return json.loads(self.read(d, "ours")), json.loads(self.read(d, "theirs"))

    # ---- Docker's configuration

    def docker_config(self, config=None):
        d = self.tmp()
        self.write(os.path.join(d, "config.json"), json.dumps(PROXIES) if config is None else config)
        return {"DOCKER_CONFIG": d}

    def test_proxies_of_docker_s_configuration(self):
        for log in self.both("--no-cache", self.context(SHOW % unique()), env=self.docker_config()):
            self.assertRegex(log, r">>\[http://cfg:3128\]\[http://cfg:3128\]\[\*\.x\]")

    def test_proxies_of_one_engine(self):
        env = dict(self.docker_config(), DOCKER_HOST="tcp://other:2375")
        r = self.good(self.build("--progress=plain", self.context(SHOW % unique()), env=env))
        self.assertIn(">>[http://other:1][http://other:1][]", r.text)

    def test_a_given_argument_wins_over_a_proxy(self):
        for given in ("HTTP_PROXY=http://mine", "http_proxy=http://mine"):
            for log in self.both("--no-cache", "--build-arg", given, self.context(SHOW % unique()),
                                 env=self.docker_config()):
                self.assertRegex(log, r">>\[http://mine\]\[http://mine\]\[\*\.x\]")

    def test_a_proxy_changes_no_image(self):
        ctx, out = self.context("RUN echo %s > /f\n" % unique()), "type=oci,dest=%s/i" % self.tmp()
        digests = {self.good(self.build("-q", "-o", out, ctx, env=env)).stdout for env in (None, self.docker_config())}
        self.assertEqual(len(digests), 1)

    def test_a_broken_configuration_is_told(self):
        r = self.good(self.build("--progress=plain", self.context(""), env=self.docker_config("{")))
        self.assertRegex(r.text, r"WARNING: no proxies are taken from .*config\.json")

    # ---- the environment

    def test_source_date_epoch(self):
        ctx, d = self.context("RUN echo 1 > /f\n", {"a": "1"}), self.tmp()
        env = {"SOURCE_DATE_EPOCH": "1000000000"}
        self.good(self.build("-o", "%s/ours" % d, ctx, env=env))
        self.buildx("build", "--builder=it", "-q", "-o", "%s/theirs" % d, ctx, env=env)
        for name in ("ours", "theirs"):
            self.assertEqual(os.stat("%s/%s/bin/busybox" % (d, name)).st_mtime, 1000000000)
        self.good(self.build("-o", "type=docker,dest=%s/i.tar" % d, ctx, env=env))
        with tarfile.open(d + "/i.tar") as t:
            config = json.load(t.extractfile(json.load(t.extractfile("manifest.json"))[0]["Config"]))
        self.assertEqual(config["created"], "2001-09-09T01:46:40Z")
        r = self.good(self.build("--progress=plain", "--build-arg", "SOURCE_DATE_EPOCH=7", "-o", d + "/own", ctx, env=env))
        self.assertEqual(os.stat(d + "/own/bin/busybox").st_mtime, 7, str(r))

    def test_source_date_epoch_makes_the_same_image(self):
        ctx, d = self.context("RUN echo 1 > /f\n"), self.tmp()
        env = {"SOURCE_DATE_EPOCH": "1000000000"}
        out = "type=oci,rewrite-timestamp=true,dest=%s/%s"
        self.good(self.build("--no-cache", "-o", out % (d, "a"), ctx, env=env))
        self.buildx("build", "--builder=it", "--no-cache", "-o", out % (d, "b"), ctx, env=env)
        self.assertEqual(self.read(d, "a"), self.read(d, "b"))

    def test_what_git_knows(self):
        ctx = self.context("")
        for args in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "x"),
                     ("remote", "add", "origin", "https://example.com/r.git")):
            subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", *args], cwd=ctx, check=True)
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ctx, check=True, capture_output=True,
                                text=True).stdout.strip()
        env = {"BUILDX_METADATA_PROVENANCE": "max"}
        vcs = "https://mobyproject.org/buildkit@v1#metadata"
        ours, theirs = (m["buildx.build.provenance"]["metadata"][vcs]["vcs"]
                        for m in self.metadata("-o", "type=image", ctx, env=env))
        self.assertEqual(ours, theirs)
        self.assertEqual(ours["revision"], commit)
        off = [m["buildx.build.provenance"]["metadata"][vcs].get("vcs")
               for m in self.metadata("-o", "type=image", ctx, env=dict(env, BUILDX_GIT_INFO="false"))]
        self.assertEqual(off, [None, None])
        labels = [self.labels(t, ctx, {"BUILDX_GIT_LABELS": "full"}) for t in ("ours", "theirs")]
        self.assertEqual(labels[0], labels[1])
        self.assertEqual(labels[0]["org.opencontainers.image.revision"], commit)
        self.assertEqual(labels[0]["com.docker.image.source.entrypoint"], "Dockerfile")
        self.write(os.path.join(ctx, "bin", "busybox"), "changed")
        dirty = self.labels("ours", ctx, {"BUILDX_GIT_LABELS": "1", "BUILDX_GIT_CHECK_DIRTY": "1"})
        self.assertEqual(dirty["org.opencontainers.image.revision"], commit + "-dirty")

    def labels(self, whose, ctx, env):
        out = os.path.join(self.tmp(), "i.tar")
        args = ("-o", "type=docker,dest=" + out, ctx)
        if whose == "ours":
            self.good(self.build(*args, env=env))
        else:
            self.buildx("build", "--builder=it", "-q", *args, env=env)
        with tarfile.open(out) as t:
            return json.load(t.extractfile(json.load(t.extractfile("manifest.json"))[0]["Config"]))["config"]["Labels"]

    def test_switches_that_are_none(self):
        for name in ("BUILDX_NO_DEFAULT_ATTESTATIONS", "BUILDX_NO_DEFAULT_OCI_ARTIFACT", "BUILDX_DEFAULT_POLICY"):
            self.bad(self.build(self.context(""), env={name: "perhaps"}), 2, name + ' is "perhaps"')

    def test_an_empty_frontend_is_refused(self):
        self.bad(self.build("--build-arg", "BUILDKIT_SYNTAX=", self.context("")), 2, "BUILDKIT_SYNTAX is empty")

    # ---- caches

    def secret_stays(self, secret):
        """On no disk and in no log of the daemon."""
        for top in (self.home.state, self.home.run):
            for path, _, names in os.walk(top):
                for name in names:
                    if os.path.isfile(os.path.join(path, name)):
                        self.assertNotIn(secret.encode(), self.read(path, name), os.path.join(path, name))
        for b in self.home.builds():
            self.assertNotIn(secret, json.dumps(b))

    def test_github_s_cache_is_left_out_elsewhere(self):
        for log in self.both("--cache-to", "type=gha", "--cache-from", "type=gha", self.context("")):
            self.assertNotIn("gha", log)

    def test_github_s_cache_takes_token_and_address(self):
        server, token = Server(), jwt()
        self.addCleanup(server.close)
        env = {"ACTIONS_RUNTIME_TOKEN": token, "ACTIONS_CACHE_URL": server.url + "/v1/"}
        r = self.bad(self.build("--progress=plain", "--cache-from", "type=gha", "--cache-to", "type=gha",
                                self.context("RUN echo %s\n" % unique()), env=env), 1)
        self.assertIn("Bearer " + token, [auth for _, auth, _ in server.seen], str(r))
        self.assertNotIn(token, r.text + r.stdout)
        self.secret_stays(token)

    def test_github_s_second_cache(self):
        server, token = Server(), jwt()
        self.addCleanup(server.close)
        env = {"ACTIONS_RUNTIME_TOKEN": token, "ACTIONS_RESULTS_URL": server.url + "/v2/", "ACTIONS_CACHE_SERVICE_V2": "True"}
        r = self.bad(self.build("--progress=plain", "--cache-to", "type=gha", self.context("RUN echo %s\n" % unique()),
                                env=env), 1)
        self.assertTrue(any(path.startswith("/v2/") or "twirp" in path for path, _, _ in server.seen), str(r))

    def s3(self, env):
        server = Server()
        self.addCleanup(server.close)
        args = "type=s3,region=r,bucket=b,use_path_style=true,endpoint_url=" + server.url
        r = self.bad(self.build("--progress=plain", "--cache-to", args, self.context("RUN echo %s\n" % unique()), env=env), 1)
        self.assertTrue(server.seen, str(r))
        return server.seen[0]

    def test_s3_takes_the_keys_of_aws(self):
        secret = unique()
        _, auth, session = self.s3({"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": secret,
                                    "AWS_SESSION_TOKEN": "session" + secret})
        self.assertIn("Credential=AKENV/", auth)
        self.assertEqual(session, "session" + secret)
        self.secret_stays(secret)
        path = os.path.join(self.tmp(), "credentials")
        self.write(path, "[other]\naws_access_key_id=no\n[mine]\naws_access_key_id = AKFILE\n"
                         "aws_secret_access_key = %s\n" % secret)
        _, auth, _ = self.s3({"AWS_SHARED_CREDENTIALS_FILE": path, "AWS_PROFILE": "mine"})
        self.assertIn("Credential=AKFILE/", auth)
        self.secret_stays(secret)

    # ---- provenance and metadata

    def test_metadata_has_buildx_s_keys(self):
        ours, theirs = self.metadata("-o", "type=image", self.context("RUN echo %s\n" % unique()))
        self.assertEqual(set(ours) - {"depot.build"}, set(theirs))
        self.assertEqual(ours["buildx.build.provenance"], theirs["buildx.build.provenance"])
        self.assertRegex(ours["buildx.build.ref"], r"\Adepot/amd64/[0-9a-z]{25}\Z")

    def test_buildx_opens_the_record(self):
        meta = os.path.join(self.tmp(), "meta")
        said = unique()
        self.good(self.build("-o", "type=image", "--metadata-file", meta, self.context("RUN echo %s\n" % said)))
        ref = json.loads(self.read(meta))["buildx.build.ref"].split("/")[-1]
        self.assertIn("Attachments", self.buildx("--builder=it", "history", "inspect", ref).stdout)
        r = self.buildx("--builder=it", "history", "logs", "--progress=plain", ref)
        self.assertIn(said, r.stdout + r.stderr)

    def test_metadata_modes(self):
        ctx = self.context("RUN echo %s\n" % unique())
        for mode, key in (("max", True), ("disabled", None)):
            for m in self.metadata("-o", "type=image", ctx, env={"BUILDX_METADATA_PROVENANCE": mode}):
                self.assertEqual("buildConfig" in m.get("buildx.build.provenance", ()) or None, key)

    def test_metadata_warnings_when_asked(self):
        ctx = self.tmp()
        self.write(ctx + "/Dockerfile", "from scratch\nCOPY Dockerfile /\nMAINTAINER me\n")
        for env, there in (({}, False), ({"BUILDX_METADATA_WARNINGS": "1"}, True)):
            ours, theirs = self.metadata("-o", "type=image", ctx, env=env)
            self.assertEqual(["buildx.build.warnings" in m for m in (ours, theirs)], [there, there])
            if there:
                strip = [sorted(w["short"] for w in m["buildx.build.warnings"]) for m in (ours, theirs)]
                self.assertEqual(*strip)

    def test_metadata_of_a_question(self):
        for m in self.metadata("--check", self.context("")):
            self.assertEqual([k for k in m if k.startswith("buildx.")], [])
            self.assertIn("result.json", m)

    def kind(self, *args, env=None):
        meta = os.path.join(self.tmp(), "meta")
        self.good(self.build("-q", "--metadata-file", meta, *args, env=env))
        return json.loads(self.read(meta))["containerimage.descriptor"]["mediaType"].split(".")[3]

    def test_provenance_without_asking(self):
        ctx = self.context("")
        self.assertEqual(self.kind("-o", "type=image", ctx), "index")
        self.assertEqual(self.kind("-o", "type=image", ctx, env={"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}), "manifest")
        for off in ("--provenance=false", "--attest=type=provenance,disabled=true"):
            self.assertEqual(self.kind("-o", "type=image", off, ctx), "manifest")
        # Where it cannot be written.
        self.assertEqual(self.kind("-o", "type=image,oci-mediatypes=false", ctx), "manifest")
        # Files stay what they are.
        self.assertEqual(self.kind("-o", "type=oci,dest=%s/i" % self.tmp(), ctx), "manifest")

    def test_quiet_and_iidfile_as_buildx(self):
        ctx, d = self.context("RUN echo %s\n" % unique()), self.tmp()
        for out in ("type=image", "type=oci,dest=%s/i" % d, "type=docker,dest=%s/i" % d):
            args = ("-q", "--provenance=false", "-o", out, ctx)
            ours = self.good(self.build("--iidfile", d + "/iid", *args)).stdout
            self.assertEqual(ours, self.buildx("build", "--builder=it", *args).stdout)
            self.assertEqual(self.read(d, "iid").decode(), ours.strip())

    def test_archives_carry_no_provenance_unasked(self):
        ctx, d = self.context("RUN echo %s\n" % unique()), self.tmp()
        for kind in ("docker", "oci"):
            out = "type=%s,dest=%s/%s" % (kind, d, kind)
            digests = {self.good(self.build("-q", "-o", out, *off, ctx)).stdout for off in ((), ("--provenance=false",))}
            self.assertEqual(digests, {self.buildx("build", "--builder=it", "-q", "-o", out, ctx).stdout})

    # ---- flags

    def test_limits_of_steps(self):
        show = "RUN cd /sys/fs/cgroup; /bin/busybox cat memory.max memory/memory.limit_in_bytes 2>/dev/null; echo %s\n"
        for flag in ("--resource=memory=96m", "--memory=96m", "-m96m"):
            r = self.good(self.build("--progress=plain", flag, self.context(show % unique())))
            self.assertRegex(r.text, r"(?m)^#\d+ [\d.]+ 100663296$")

    def test_builder_by_name(self):
        r = self.good(self.build("--builder=amd64", self.context("")))
        self.assertNotIn("no builder of this daemon", r.text)
        r = self.good(self.build("--builder", "mine", self.context("")))
        self.assertEqual(r.text.count("--builder mine is no builder of this daemon; amd64 builds"), 1)
        r = self.good(self.build(self.context(""), env={"BUILDX_BUILDER": "default"}))
        self.assertNotIn("no builder of this daemon", r.text)

    def test_docker_s_flags_without_use_are_silent(self):
        r = self.good(self.build("--rm", "--force-rm=true", "--compress", "--rm=false", self.context("")))
        self.assertNotIn("has no effect", r.text)

    def test_debug_expands_warnings(self):
        ctx = self.tmp()
        self.write(ctx + "/Dockerfile", "FROM scratch\nMAINTAINER me\nCOPY Dockerfile /\n")
        r = self.good(self.build("--progress=plain", ctx))
        self.assertIn("1 warning found (use --debug to expand):\n", r.text)
        r = self.good(self.build("-D", "--progress=plain", ctx))
        self.assertIn("1 warning found:\n", r.text)
        self.assertIn("More info: https://docs.docker.com/go/dockerfile/rule/", r.text)
        self.assertRegex(r.text, r"Dockerfile:2\n-+\n   1 \|     FROM scratch\n   2 \| >>> MAINTAINER me\n")

    def test_a_policy_is_refused(self):
        ctx = self.context("", {"Dockerfile.rego": "package docker\n", "other": "FROM scratch\nCOPY other /\n"})
        self.bad(self.build(ctx), 2, r"Dockerfile\.rego: depot evaluates no policies")
        self.bad(self.build("--policy", "filename=p.rego", ctx), 2, "--policy: depot evaluates no policies")
        self.bad(self.build(ctx, env={"BUILDX_DEFAULT_POLICY": "1"}), 2, "BUILDX_DEFAULT_POLICY is set")
        self.good(self.build("--policy", "disabled=true", ctx))
        self.good(self.build("-f", ctx + "/other", ctx))
        self.assertEqual(len([b for b in self.home.builds() if b["state"] == "running"]), 0)

    def test_a_source_policy_is_enforced(self):
        server, ctx = Server(), self.tmp()
        self.addCleanup(server.close)
        url = "%s/%s" % (server.url, unique())
        self.write(ctx + "/Dockerfile", "FROM scratch\nADD %s /f\n" % url)
        policy = os.path.join(self.tmp(), "policy.json")
        self.write(policy, json.dumps({"rules": [{"action": "DENY", "selector": {"identifier": server.url + "/*"}}]}))
        env = {"EXPERIMENTAL_BUILDKIT_SOURCE_POLICY": policy}
        r = self.bad(self.build("--progress=plain", ctx, env=env), 1, "not allowed by policy|denied by policy")
        self.assertEqual(server.seen, [], str(r))
        self.bad(self.build("--progress=plain", ctx), 1, "403")
        self.assertTrue(server.seen)
        self.write(policy, json.dumps({"rules": [{"action": "FORBID"}]}))
        self.bad(self.build(ctx, env=env), 2, "source policy .*policy.json: .*ALLOW, DENY or CONVERT")
        self.bad(self.build(ctx, env={"EXPERIMENTAL_BUILDKIT_SOURCE_POLICY": policy + "x"}), 1, "policy.jsonx")

    # ---- what is deleted

    def test_delete_empties_what_is_not_in_the_result(self):
        ctx, d = self.context(""), self.tmp()
        for name in ("out/old/deep/file", "out/stale", "elsewhere/file"):
            self.write(os.path.join(d, name), "1")
        os.symlink(os.path.join(d, "elsewhere"), os.path.join(d, "out", "link"))
        self.good(self.build("-o", "type=local,dest=out,mode=delete", ctx, cwd=d))
        names = set(os.listdir(d + "/out"))
        self.assertFalse(names & {"old", "stale", "link"}, names)
        self.assertIn("bin", names)
        self.assertTrue(os.path.exists(d + "/elsewhere/file"))

    def test_delete_waits_for_success(self):
        d = self.tmp()
        self.write(d + "/out/stale", "1")
        self.bad(self.build("-o", "type=local,dest=out,mode=delete", self.context("RUN exit 3\n"), cwd=d), 1)
        self.assertTrue(os.path.exists(d + "/out/stale"))

    def test_delete_is_fenced(self):
        ctx, d = self.context(""), self.tmp()
        self.write(d + "/cwd/x", "1")
        self.write(d + "/out/mine", "1")
        os.symlink(d, d + "/cwd/up")
        for dest in (".", "..", d, d + "/out", "../out", "up", "up/out", "new/../../out"):
            self.bad(self.build("-o", "type=local,mode=delete,dest=" + dest, ctx, cwd=d + "/cwd"), 2, "mode=delete would empty")
        self.assertTrue(os.path.exists(d + "/out/mine"))
        self.bad(self.build("-o", "type=local,mode=dleete,dest=out", ctx, cwd=d), 2, 'invalid mode "dleete"')
        self.good(self.build("--allow", "buildx.local.delete", "-o", "type=local,mode=delete,dest=../out", ctx, cwd=d + "/cwd"))
        self.assertFalse(os.path.exists(d + "/out/mine"))


class TwoBuilders(TestCase):
    builders = ("amd64", "arm64")

    def test_metadata_of_two_builders(self):
        meta = os.path.join(self.tmp(), "meta")
        ctx = self.tmp()
        self.write(ctx + "/Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
        self.good(self.build("-q", "--platform", "linux/amd64,linux/arm64", "-o", "type=image", "--metadata-file", meta, ctx))
        meta = json.loads(self.read(meta))
        for arch in ("amd64", "arm64"):
            part = meta["depot.platforms"]["linux/" + arch]
            self.assertRegex(part["buildx.build.ref"], "^depot/%s/" % arch)
            key = "buildx.build.provenance/linux/" + arch
            self.assertEqual(meta[key], part[key])
            self.assertEqual(meta[key]["buildType"], "https://mobyproject.org/buildkit@v1")
        self.assertEqual(meta["buildx.build.ref"], meta["depot.platforms"]["linux/amd64"]["buildx.build.ref"])

    def test_one_builder_for_both_by_name(self):
        ctx, d = self.tmp(), self.tmp()
        self.write(ctx + "/Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
        self.good(self.build("--builder", "arm64", "--platform", "linux/arm64", "-o", d, ctx))
        self.assertEqual(self.home.builds()[0]["builders"], ["arm64"])


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "DEPOT_TEST_ARM64", "buildx")
    unittest.main(verbosity=2)
