"""The small languages inside depot build's flags: what they mean, beside docker buildx where it is
there, and what is refused before anything is sent."""
import http.server
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import threading
import time
import unittest

import depot_test
from depot_test import TestCase, tool, unique

PLAIN = "FROM scratch\nCOPY a /\n"
BOTH = "linux/amd64,linux/arm64"


def annotations(path):
    """Of an archive: those of its descriptors and of its manifests, by platform ('': no manifest of one platform)."""
    with tarfile.open(path) as t:
        def blob(d):
            return json.load(t.extractfile("blobs/" + d["digest"].replace(":", "/")))

        def walk(d, out):
            whole = blob(d)
            p = d.get("platform", {})
            name = "index" if "manifests" in whole else p.get("architecture", "only")
            out[name] = (d.get("annotations", {}), whole.get("annotations", {}))
            for x in whole.get("manifests", []):
                if x["platform"]["os"] != "unknown":  # attestations
                    walk(x, out)
            return out

        out = {}
        for d in json.load(t.extractfile("index.json"))["manifests"]:
            walk(d, out)
    for name, (at, inside) in out.items():
        out[name] = ({k: v for k, v in at.items() if k.startswith("team")},
                     {k: v for k, v in inside.items() if k.startswith("team")})
    return out


class Site:
    """A web server: pages by path; a string is where a page has moved to."""

    def __init__(self):
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                page = site.pages.get(self.path)
                self.send_response(404 if page is None else 302 if isinstance(page, str) else 200)
                if isinstance(page, str):
                    self.send_header("Location", page)
                body = page if isinstance(page, bytes) else b""
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *args):
                pass

        self.pages = {}
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Both(TestCase):
    """The same line to both tools, on the same engine."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.has_buildx = os.access(tool("buildx"), os.X_OK)
        if cls.has_buildx:
            cls.bx_env = dict(cls.home.env, BUILDX_CONFIG=cls.home.path("buildx"))
            subprocess.run([tool("buildx"), "create", "--name", "it", "--driver", "remote",
                            os.environ["DEPOT_TEST_AMD64"]], env=cls.bx_env, check=True, capture_output=True)

    def buildx(self, *args, stdin=None, env=None):
        argv = [tool("buildx"), "build", "--builder", "it", "--progress=plain", *args]
        r = subprocess.run(argv, env=dict(self.bx_env, **(env or {})), input=stdin, capture_output=True,
                           stdin=subprocess.DEVNULL if stdin is None else None, check=False)
        return depot_test.Result(argv, r.returncode, r.stdout, r.stderr)

    def both(self, *args, **kw):
        """One after the other, by tool; buildx only where it is there."""
        yield "depot", self.build("--plain", *args, **kw)
        if self.has_buildx:
            yield "buildx", self.buildx(*args, **kw)

    def marked(self, result):
        """What steps printed behind '>>'."""
        return [line.split(">>", 1)[1].strip() for line in result.text.splitlines()
                if ">>" in line and "RUN" not in line]

    def said(self, result, *lines):
        self.good(result)
        self.assertEqual(self.marked(result), list(lines), str(result))


class OneBuilder(Both):
    def test_annotations_of_several_types(self):
        ctx = self.context(files={"Dockerfile": PLAIN, "a": "1"})
        rows = {"manifest,manifest-descriptor:team=b": ({"team": "b"}, {"team": "b"}),
                "team=b:c=d": ({}, {"team": "b:c=d"}),
                "manifest:team=": ({}, {"team": ""})}
        for word, want in rows.items():
            dest = os.path.join(self.tmp(), "x.tar")
            for name, r in self.both("--annotation", word, "-o", "type=oci,dest=" + dest, "--provenance=false",
                                     ctx):
                with self.subTest(word=word, tool=name):
                    self.good(r)
                    self.assertEqual(list(annotations(dest).values()), [want])
                os.unlink(dest)

    def test_annotations_of_two_platforms(self):
        ctx = self.context(files={"Dockerfile": PLAIN, "a": "1"})
        none, some = ({}, {}), ({}, {"team": "b"})
        rows = {"index,manifest:team=b": {"index": some, "amd64": some, "arm64": some},
                "manifest[linux/arm64]:team=b": {"index": none, "amd64": none, "arm64": some},
                "manifest[Linux/aarch64/v8]:team=b": {"index": none, "amd64": none, "arm64": some},
                "manifest-descriptor[linux/amd64]:team=b": {
                    "index": none, "amd64": ({"team": "b"}, {}), "arm64": none}}
        for word, want in rows.items():
            dest = os.path.join(self.tmp(), "x.tar")
            with self.subTest(word=word):
                self.good(self.build("--annotation", word, "--platform", BOTH, "-o", "type=oci,dest=" + dest, ctx))
                self.assertEqual(annotations(dest), want)

    def test_added_hosts(self):
        ctx = self.context('RUN echo ">>$(grep foo /etc/hosts | tr "\\\\n\\\\t" "  ")"\n')
        for word in ("foo=[::1]", "foo:[::1]", "foo=::1", "foo:::1"):
            for name, r in self.both("--no-cache", "--add-host", word, ctx):
                with self.subTest(word=word, tool=name):
                    self.said(r, "::1 foo")
        r = self.good(self.build("--plain", "--no-cache", "--add-host", "bar:10.0.0.1,foo=[10.0.0.2]", ctx))
        self.assertEqual(self.marked(r), ["10.0.0.2 foo"])

    def test_the_host_gateway_is_a_docker_engine_s(self):
        started = time.monotonic()
        self.bad(self.build("--add-host", "me:host-gateway", self.context("RUN true\n")), 1,
                 "--add-host me=host-gateway: builder amd64 tells no host-gateway")
        self.assertLess(time.monotonic() - started, 20)
        if not os.environ.get("DEPOT_TEST_DOCKER"):
            return
        home = self.new_home([("docker", os.environ["DEPOT_TEST_DOCKER"])])
        r = home.depot("build", "--plain", "--no-cache", "--add-host", "me:host-gateway",
                       self.context('RUN echo ">>$(grep me$ /etc/hosts)"\n'))
        if r.code != 0:  # an old one, and so it is for docker buildx
            self.bad(r, 1, "builder docker tells no host-gateway")
        else:
            self.assertRegex(self.marked(r)[0], r"^[0-9.]+\s+me$")

    def secret_context(self):
        return self.context('RUN --mount=type=secret,id=tok echo ">>$(cat /run/secrets/tok 2>&1 | wc -c)"\n')

    def test_secrets(self):
        ctx, d = self.secret_context(), self.tmp()
        self.write(os.path.join(d, "s"), "123")
        self.write(os.path.join(d, "s2"), "12345")
        s, s2 = os.path.join(d, "s"), os.path.join(d, "s2")
        rows = [(["id=tok,src=" + s], "3"), (["ID=tok,SRC=" + s], "3"), (["id=tok,source=" + s], "3"),
                (["type=file,id=tok,src=" + s], "3"), (["id=tok,env=E"], "4"), (["type=env,id=tok,src=E"], "4"),
                (["id=tok,env=UNSET"], "0"), (["id=tok,src=,env=E"], "4"), (["id=tok,src=%s,env=E" % s], "4"),
                (["id=tok"], "6"), (["id=tok,src="], "6"), (["id=tok,env="], "6"),
                (["id=tok,src=" + s, "id=tok,src=" + s2], "5"), (["", "id=tok,src=" + s], "3")]
        for words, want in rows:
            args = [a for w in words for a in ("--secret", w)]
            for name, r in self.both("--no-cache", *args, ctx, env={"E": "4444", "tok": "666666"}):
                with self.subTest(words=words, tool=name):
                    self.said(r, want)

    def test_a_secret_from_a_pipe_is_in_every_step(self):
        ctx = self.context('RUN --mount=type=secret,id=tok echo ">>1 $(cat /run/secrets/tok)"\n'
                           'RUN --mount=type=secret,id=tok echo ">>2 $(cat /run/secrets/tok)"\n')
        for src in ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"):
            with self.subTest(src=src):
                r = self.build("--plain", "--no-cache", "--secret", "id=tok,src=" + src, ctx, stdin=b"piped")
                self.said(r, "1 piped", "2 piped")

    def test_two_secrets_of_one_pipe_are_the_same(self):
        ctx = self.context('RUN --mount=type=secret,id=a --mount=type=secret,id=b '
                           'echo ">>$(cat /run/secrets/a) $(cat /run/secrets/b)"\n')
        self.said(self.build("--plain", "--no-cache", "--secret", "id=a,src=/dev/stdin", "--secret",
                             "id=b,src=/dev/stdin", ctx, stdin=b"piped"), "piped piped")

    def test_a_secret_has_a_ceiling(self):
        ctx, path = self.secret_context(), os.path.join(self.tmp(), "s")
        for n in (500 * 1024, 500 * 1024 + 1):
            self.write(path, b"x" * n)
            for word, stdin in (("id=tok,src=" + path, None), ("id=tok,src=/dev/stdin", b"x" * n)):
                r = self.build("--plain", "--no-cache", "--secret", word, ctx, stdin=stdin)
                with self.subTest(n=n, word=word):
                    if n == 500 * 1024:
                        self.said(r, str(n))
                    else:
                        self.bad(r, 1, "--secret id=tok is larger than 500 KiB")

    def test_stdin_cannot_be_two_things(self):
        ctx = self.secret_context()
        self.bad(self.build("--secret", "id=tok,src=/dev/stdin", "-f", "-", ctx, stdin=b"FROM scratch\n"), 2,
                 "--secret id=tok: standard input has the Dockerfile already")
        self.bad(self.build("--secret", "id=tok,src=/dev/stdin", "-", stdin=archive("w")), 2,
                 "--secret id=tok: standard input has the context already")
        self.bad(self.build("-f", "Other", "-", stdin=b"FROM scratch\n"), 2, "--file Other .* standard input")

    def test_outputs(self):
        ctx, d = self.context(files={"Dockerfile": PLAIN, "a": "1"}), self.tmp()
        for args in (["-o", "type=cacheonly"], ["-o", ""], ["-o", "type=cacheonly", "-t", "x"]):
            for name, r in self.both(*args, ctx):
                with self.subTest(args=args, tool=name):
                    self.good(r)
                    self.assertEqual(r.out, b"")
        for word in ("%s/a=b", "type=local,\"dest=%s/a=b\"", "TYPE=local,Dest=%s/a=b"):
            self.good(self.build("-o", word % d, ctx))
            self.assertEqual(self.read(d, "a=b", "a"), b"1", word)
            os.unlink(os.path.join(d, "a=b", "a"))

    def test_a_dockerfile_from_elsewhere(self):
        ctx, d, site = self.context(files={"Dockerfile": "FROM nothing\n", "a": "1"}), self.tmp(), Site()
        self.addCleanup(site.close)
        site.pages = {"/D": PLAIN.encode(), "/moved": "/other", "/other": site.url + "/D#x", "/circle": "/circle",
                      "/ctx.tar": archive("w", "FROM nothing\n"), "/big": b"#" * (2 * 1024 * 1024 + 1)}
        self.write(os.path.join(d, "D"), PLAIN)
        rows = [("a local file, a remote context", os.path.join(d, "D"), site.url + "/ctx.tar"),
                ("a URL, a remote context", site.url + "/D", site.url + "/ctx.tar"),
                ("a URL, a local context", site.url + "/D", ctx)]
        for what, file, context in rows:
            out = self.tmp()
            for name, r in self.both("-f", file, "-o", out, context):
                with self.subTest(what=what, tool=name):
                    self.good(r)
                    self.assertTrue(os.path.exists(os.path.join(out, "a")))
        self.good(self.build("-f", site.url + "/moved", ctx))
        for page, says in (("/none", "the server answers 404"), ("/circle", "in a circle"), ("/big", "larger than 2048 KiB")):
            with self.subTest(page=page):
                self.bad(self.build("-f", site.url + page, ctx), 1, "--file: cannot fetch " + site.url + page, says)
        self.bad(self.build("-f", "http://127.0.0.1:1/D", ctx), 1, "--file: cannot fetch http://127.0.0.1:1/D")
        # A name in a remote context is a name in there.
        self.bad(self.build("-f", "D", site.url + "/ctx.tar"), 1, "failed to read dockerfile")

    def test_a_directory_is_one_whatever_its_name(self):
        d = self.tmp()
        for name in ("github.com/x", "git@host:x"):
            self.write(os.path.join(d, name, "Dockerfile"), PLAIN)
            self.write(os.path.join(d, name, "a"), "1")
            self.good(self.build("-o", self.tmp(), name, cwd=d))

    def test_a_context_over_ssh_wants_the_agent(self):
        for context in ("git@127.0.0.1:x/y.git", "deploy@127.0.0.1:x.git", "ssh://git@127.0.0.1/x.git"):
            self.bad(self.build(context, env={"SSH_AUTH_SOCK": None}), 2, "--ssh default: there is no agent")

    def test_keys_are_behind_an_agent_of_their_own(self):
        if not all(shutil.which(n) for n in ("ssh-agent", "ssh-add", "ssh-keygen")):
            self.skipTest("OpenSSH's client is not installed")
        d, ctx = self.tmp(), self.context('COPY root/ /\nRUN --mount=type=ssh,id=k echo ">>$(ssh-add -l | sed "s/.*256 //;s/ .*//" | sort | tr "\\n" " ")"\n')
        needed = subprocess.run(["ldd", shutil.which("ssh-add")], capture_output=True, text=True, check=True).stdout
        for path in [shutil.which("ssh-add")] + re.findall(r"(/\S+) \(", needed):
            dest = os.path.join(ctx, "root", path.lstrip("/"))
            os.makedirs(os.path.dirname(dest), exist_ok=True)
            shutil.copy(path, dest)
        keys, prints = [os.path.join(d, n) for n in ("a", "b")], []
        for k in keys:
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "x", "-f", k], check=True)
            prints.append(subprocess.run(["ssh-keygen", "-lf", k], capture_output=True, text=True, check=True).stdout.split()[1])
            os.chmod(k, 0o644)  # as a checkout has them
        env = {"PATH": "/usr/bin:/bin:/sbin", "TMPDIR": d}
        for words, want in ((keys[:1], prints[:1]), (keys, prints)):
            for name, r in self.both("--no-cache", "--ssh", "k=" + ",".join(words), ctx, env=env):
                with self.subTest(keys=len(words), tool=name):
                    self.said(r, " ".join(sorted(want)))
        self.assertEqual([n for n in os.listdir(d) if n.startswith("depot-ssh")], [])
        self.bad(self.build("--ssh", "k=" + keys[0] + ".pub", ctx, env=env), 2, "--ssh k=.*: ")

    def test_names_with_a_digest(self):
        ctx, dest = self.context(files={"Dockerfile": PLAIN, "a": "1"}), os.path.join(self.tmp(), "x.tar")
        for name, r in self.both("-t", "example.com/x@sha256:" + "0" * 64, "-o", "type=oci,dest=" + dest, ctx):
            with self.subTest(tool=name):
                self.good(r)

    def test_platform_names(self):
        ctx = self.context(files={"Dockerfile": "FROM scratch\nARG TARGETPLATFORM TARGETVARIANT\nCOPY a /$TARGETPLATFORM$TARGETVARIANT/\n",
                                  "a": "1"})
        for word, want in {"Linux/AMD64": "linux/amd64", "x86_64": "linux/amd64", "local": "linux/amd64",
                           "LINUX": "linux/amd64", "linux/arm64/8": "linux/arm64", "": "linux/amd64",
                           "aarch64": "linux/arm64"}.items():
            out = self.tmp()
            with self.subTest(word=word):
                self.good(self.build("--platform", word, "-o", out, ctx))
                self.assertEqual(self.read(out, want, "a"), b"1")

    def test_named_contexts(self):
        ctx, other = self.context(files={"Dockerfile": "FROM scratch\nCOPY --from=alpine b /\n", "a": "1"}), self.tmp()
        self.write(os.path.join(other, "b"), "2")
        for word in ("alpine=" + other, "docker.io/library/alpine:latest=" + other):
            out = self.tmp()
            for name, r in self.both("--build-context", word, "-o", out, ctx):
                with self.subTest(word=word, tool=name):
                    self.good(r)
                    self.assertEqual(self.read(out, "b"), b"2")
        self.write(os.path.join(ctx, "Dockerfile"), "FROM scratch\nCOPY --from=context b /\n")
        out = self.tmp()
        for name, r in self.both("--build-context", "context=" + other, "-o", out, ctx):
            with self.subTest(tool=name):
                self.good(r)
                self.assertEqual(self.read(out, "b"), b"2")


def archive(mode, dockerfile=PLAIN):
    """A context as an archive, packed as tarfile's mode says."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as t:
        for name, data in (("Dockerfile", dockerfile), ("a", unique()), ("big", "x" * 3000000)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data.encode()))
    return out.getvalue()


class TwoBuilders(Both):
    builders = ("amd64", "arm64")

    def test_an_archive_on_stdin_is_read_by_both(self):
        for mode in ("w", "w:gz", "w:bz2", "w:xz"):
            data, out = archive(mode), self.tmp()
            path = os.path.join(self.tmp(), "c.tar")
            self.write(path, b"junk" + data)
            with self.subTest(mode=mode, stdin="pipe"):
                self.good(self.build("--platform", BOTH, "-o", out, "-", stdin=data))
                self.assertEqual(self.read(out, "linux_amd64/a"), self.read(out, "linux_arm64/a"))
            with self.subTest(mode=mode, stdin="file"), open(path, "rb") as f:
                f.seek(4)
                os.lseek(f.fileno(), 4, os.SEEK_SET)
                out = self.tmp()
                r = self.home.start("build", "--platform", BOTH, "-o", out, "-", stdin=f).wait()
                self.good(r)
                self.assertEqual(self.read(out, "linux_amd64/a"), self.read(out, "linux_arm64/a"))
        self.assertEqual(sorted(self.home.builds()[0]["builders"]), ["amd64", "arm64"])

    def test_one_platform_streams_an_archive(self):
        out = self.tmp()
        self.good(self.build("--platform", "linux/amd64", "-o", out, "-", stdin=archive("w:gz")))
        self.assertEqual(len(self.read(out, "a")), 32)

    def test_a_dockerfile_on_stdin_is_read_by_both(self):
        out, ctx = self.tmp(), self.context(files={"a": "1"})
        self.good(self.build("--platform", BOTH, "-o", out, "-f", "-", ctx, stdin=PLAIN.encode()))
        self.assertEqual(self.read(out, "linux_amd64/a"), b"1")
        self.assertEqual(self.read(out, "linux_arm64/a"), b"1")

    def test_a_secret_from_a_pipe_is_read_by_both(self):
        depot_test.busybox_dir("arm64")
        ctx = self.context()
        for arch in ("amd64", "arm64"):
            self.write(os.path.join(ctx, "bin-" + arch, "busybox"), self.read(depot_test.busybox_dir(arch), "busybox"))
            os.chmod(os.path.join(ctx, "bin-" + arch, "busybox"), 0o755)
        self.write(os.path.join(ctx, "Dockerfile"),
                   'FROM scratch\nARG TARGETARCH\nCOPY bin-$TARGETARCH/ /bin/\nSHELL ["/bin/busybox", "sh", "-c"]\n'
                   'RUN --mount=type=secret,id=tok cat /run/secrets/tok > /tok\n')
        out = self.tmp()
        self.good(self.build("--platform", BOTH, "--no-cache", "--secret", "id=tok,src=/dev/stdin", "-o", out, ctx,
                             stdin=b"piped"))
        for arch in ("amd64", "arm64"):
            self.assertEqual(self.read(out, "linux_" + arch, "tok"), b"piped")


# flag: words that are wrong, and what is said beside the flag and the word (regular expressions).
WRONG = [
    ("--add-host", ["x", "x:", ":1.2.3.4", "x:bad", "x=[::1", "x:1.2.3.4.5"], "HOST:IP"),
    ("--add-host", ["x:host-gatewa", "x:[host-gateway]"], "HOST:IP"),
    ("--allow", ["network.hots", "buildx.local.delete=1", "security", "device=a,b=c"], "security.insecure"),
    ("--annotation", ["x", "=x", "foo:a=b", "index,foo:a=b", "manifest[z80]:a=b", "manifest[:a=b", "a b=c"], "KEY=VALUE"),
    ("--attest", ["", "sbom", "type=", "type=foo", "mode=max", "type=sbom,disabled=x"], "type=sbom"),
    ("--build-arg", ["", "=x"], "NAME=VALUE"),
    ("--build-context", ["x", "=x", "x=", "X=.", "x=target:y", "x=ftp://y", "x::z80=."], "NAME=DIRECTORY"),
    ("--build-context", ["x=/no/such/dir"], "--build-context"),
    ("--cache-from", ["type=foo", "ref=x", "type=registry", "x,,y", "type=registry,x"], "type=registry"),
    ("--cache-to", ["type=foo", "ref=x", "type=registry", "x,,y", "type=registry,\"x"], "type=registry"),
    ("--color", ["x"], "auto"),
    ("--call", ["check,format=x", "check,foo=1"], "methods: check"),
    ("--config-not-a-flag", ["x"], "unknown flag"),
    ("--cpu-period", ["x"], "a number"),
    ("--cpu-quota", ["x"], "a number"),
    ("--cpu-shares", ["x"], "a number"),
    ("--cpuset-cpus", ["x"], "numbers and ranges"),
    ("--cpuset-mems", ["x"], "numbers and ranges"),
    ("--iidfile", ["/", "/no/such/dir/f"], ""),
    ("--label", ["", "=x"], "KEY=VALUE"),
    ("--log-level", ["x"], "debug"),
    ("--memory", ["x", "1x"], "a number with a unit"),
    ("--memory-swap", ["x"], "-1 for no limit"),
    ("--metadata-file", ["/", "/no/such/dir/f"], ""),
    ("--network", ["foo", "container:x"], "host or none"),
    ("--output", ["type=", "type=foo", "dest=x", "type=local", "type=local,dest=-", "a,b", "type=tar,\"x",
                  "type=image,push=yes", "type=image,dest=x"], ""),
    ("--output", ["name=X", "type=image,name=X,push=true", "type=oci,\"name=a,b c\",dest=x"], ""),
    ("--platform", ["z80", "linux/", "linux//x", "linux/amd64/v1/x", "linux/am d64", "linux/amd64,,linux/arm64"],
     "linux/amd64"),
    ("--policy", ["x", "foo=1"], ""),
    ("--progress", ["x"], "plain"),
    ("--project", ["a\tb"], ""),
    ("--provenance", ["yes", "type=sbom", "mode"], "mode=max"),
    ("--record", ["/", "/no/such/dir/f"], ""),
    ("--resource", ["x", "foo=1", "memory=x"], ""),
    ("--sbom", ["yes", "type=provenance", "generator"], "generator=IMAGE"),
    ("--secret", ["x", "src=x", "id=", "id=,src=x", "id=x,foo=1", "id=x,type=foo", "id=\"x\""], "id=NAME"),
    ("--secret", ["id=x,src=/no/such/file", "id=x,src=/"], "id=x"),
    ("--shm-size", ["x", "-1", "1x", "1.2.3", "m"], "64m"),
    ("--ssh", ["default", "x=/no/such/socket", "x=/", "x=a,,b", "x=/etc/passwd"], ""),
    ("--summary", ["x"], "always"),
    ("--tag", ["", "X", "a:", "a:b:c", "a b", "a//b", "x@sha256:1", "https://x/y", "a:-x"], "REPOSITORY"),
    ("--url", ["foo", "http://x:99999", "unix://relative"], "unix://"),
    ("--ulimit", ["x", "nofile", "foo=1", "nofile=", "nofile=x", "nofile=2:1", "nofile=1:2:3"], "TYPE=SOFT"),
] + [("--" + flag, ["maybe", "2"], "true or false") for flag in (
    "check", "compress", "debug", "detach", "force-rm", "keep-going", "load", "no-cache", "plain", "pull", "push", "quiet", "rm", "squash",
    "tui")]


class Malformed(TestCase):
    """Refused before anything is sent: there is no daemon to send it to."""
    builders = ()

    def refuse(self, *args, **kw):
        r = self.build(*args, env={"DEPOT_URL": "unix:///no/such/daemon", "SSH_AUTH_SOCK": None}, **kw)
        self.assertNotIn("/no/such/daemon", r.text, str(r))
        self.bad(r, (1, 2), r"depot: .")
        return r

    def test_every_flag_names_itself_the_word_and_the_form(self):
        ctx = self.context("")
        for flag, words, form in WRONG:
            for word in words:
                with self.subTest(flag=flag, word=word):
                    r = self.refuse("%s=%s" % (flag, word), ctx)
                    self.assertIn(flag, r.text)
                    if "name=" not in word and "\t" not in word and flag not in ("--call", "--resource", "--config-not-a-flag"):
                        self.assertIn(word.split(",")[0], r.text)
                    self.assertIn(form, r.text)
                    self.assertEqual(r.out, b"")

    def test_files_that_are_not_there(self):
        ctx = self.context("")
        for args in (["/no/such/context"], ["-f", "/no/such/Dockerfile", ctx], ["-f", ctx, ctx],
                     [os.path.join(ctx, "Dockerfile")], [""]):
            with self.subTest(args=args):
                self.refuse(*args)
        self.refuse("-", stdin=b"")

    def test_variables_are_checked_like_flags(self):
        r = self.build(self.context(""), env={"DEPOT_URL": "unix:///no/such/daemon", "DOCKER_DEFAULT_PLATFORM": "z80"})
        self.bad(r, 2, "DOCKER_DEFAULT_PLATFORM: \"z80\" is not a platform")


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "DEPOT_TEST_ARM64")
    unittest.main(verbosity=2)
