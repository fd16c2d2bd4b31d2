"""depot build: flags and outputs, through a daemon, on real engines."""
import io
import json
import os
import re
import subprocess
import tarfile
import unittest

import depot_test
from depot_test import SOURCE, TestCase, busybox_dir, unique

HELLO = os.path.join(SOURCE, "examples", "hello")


def lines_of(text):
    """The lines of a plain log but for what depends on when it was drawn: times, numbers of steps,
    headers that are printed again, progress under way."""
    text = re.sub(r"\d+\.\d+s?", "T", re.sub(r"(?m)^#\d+ ", "# ", text))
    return sorted({line for line in text.splitlines()
                   if not re.match(r"# (transferring|copying|sending|\.\.\.)(?!.* done$)", line)})


class TwoPlatforms(TestCase):
    builders = ("amd64", "arm64")

    def test_each_platform_has_its_own_files(self):
        busybox_dir("arm64")
        out = self.tmp()
        for run in ("first", "second"):
            r = self.good(self.build("--platform", "linux/amd64,linux/arm64", "-o", out, HELLO))
            with self.subTest(run=run):
                self.assertEqual(self.read(out, "linux_amd64/hello/machine.txt"), b"built on x86_64\n")
                self.assertEqual(self.read(out, "linux_arm64/hello/machine.txt"), b"built on aarch64\n")
                self.assertEqual(self.read(out, "linux_arm64/bin/busybox"),
                                 self.read(busybox_dir("arm64"), "busybox"))
                self.assertNotIn("was lost", r.text)
        for arch in ("amd64", "arm64"):
            self.assertRegex(r.text, r"#\d+ \[linux/%s words 1/1\] RUN .*\n#\d+ CACHED\n" % arch)
        builds = self.home.builds()
        self.assertEqual([b["state"] for b in builds[:2]], ["succeeded"] * 2)
        self.assertEqual(builds[0]["counts"]["ran"], 0, builds[0])
        # Found in the cache, or not even looked at since a later step was found.
        self.assertGreater(builds[0]["counts"]["hit"], 0, builds[0])
        self.assertEqual(builds[0]["counts"]["hit"] + builds[0]["counts"]["skipped"], 16, builds[0])
        self.assertEqual(sorted(builds[0]["builders"]), ["amd64", "arm64"])

    def test_one_file_for_two_platforms_is_refused_or_whole(self):
        dest = os.path.join(self.tmp(), "image.tar")
        r = self.build("--platform", "linux/amd64,linux/arm64", "-o", "type=oci,dest=" + dest, HELLO)
        if r.code != 0:
            self.bad(r, (1, 2), "platform")
            self.assertFalse(os.path.exists(dest))
        else:
            with tarfile.open(dest) as t:
                self.assertTrue(json.loads(t.extractfile("index.json").read())["manifests"])

    def test_several_builds_at_once(self):
        jobs = [self.home.start("build", "-q", "--platform", "linux/" + arch, "-o", os.path.join(self.tmp(), "o"), HELLO)
                for arch in ("amd64", "arm64") * 3]
        for j in jobs:
            self.good(j.wait())


class OnePlatform(TestCase):
    def one(self, *args, dockerfile="", files=None, **kw):
        """Build and give back the exported directory."""
        out = os.path.join(self.tmp(), "out")
        r = self.good(self.build("-o", out, *args, self.context(dockerfile, files), **kw))
        return out, r

    def test_the_machine_s_platform_is_the_default(self):
        self.one(dockerfile="ARG TARGETPLATFORM\nRUN echo $TARGETPLATFORM > /p\n")
        out, _ = self.one(dockerfile="ARG TARGETPLATFORM\nRUN echo $TARGETPLATFORM > /p\n")
        self.assertEqual(self.read(out, "p"), b"linux/amd64\n")

    def test_docker_default_platform(self):
        r = self.build("-o", self.tmp(), self.context("RUN true\n"), env={"DOCKER_DEFAULT_PLATFORM": "linux/s390x"})
        self.bad(r, 1, "linux/s390x", "amd64")

    def test_local_output_keeps_modes_links_and_names(self):
        out, _ = self.one(dockerfile=(
            "RUN busybox mkdir -p '/d/a b' && echo x > '/d/a b/\u00fc.txt' && busybox chmod 751 '/d/a b/\u00fc.txt' &&"
            " busybox ln -s ../x /d/link && busybox ln '/d/a b/\u00fc.txt' /d/hard && busybox touch -d @1000000000 /d/hard\n"
            ).replace("busybox ", "/bin/busybox "))
        st = os.stat(os.path.join(out, "d/a b/\u00fc.txt"))
        self.assertEqual(st.st_mode & 0o7777, 0o751)
        self.assertEqual(os.readlink(os.path.join(out, "d/link")), "../x")
        self.assertEqual(self.read(out, "d/hard"), b"x\n")
        self.assertEqual(int(os.stat(os.path.join(out, "d/hard")).st_mtime), 1000000000)

    def test_tar_to_file_and_to_stdout(self):
        ctx, dest = self.context("RUN echo hi > /hi\n"), os.path.join(self.tmp(), "x.tar")
        self.good(self.build("-o", "type=tar,dest=" + dest, ctx))
        r = self.good(self.build("-o", "type=tar,dest=-", ctx))
        for data in (self.read(dest), r.out):
            with tarfile.open(fileobj=io.BytesIO(data)) as t:
                self.assertEqual(t.extractfile("hi").read(), b"hi\n")

    def test_dash_is_a_tar_on_stdout(self):
        r = self.good(self.build("-o", "-", self.context("")))
        with tarfile.open(fileobj=io.BytesIO(r.out)) as t:
            self.assertIn("bin/busybox", t.getnames())

    def test_oci_and_docker_archives_have_tag_and_labels(self):
        ctx = self.context("LABEL a=dockerfile\n")
        for kind in ("oci", "docker"):
            dest = os.path.join(self.tmp(), "image.tar")
            self.good(self.build("-o", "type=%s,dest=%s" % (kind, dest), "-t", "example.com/app:1",
                                 "--label", "b=flag", "--label", "c=x=y", ctx))
            with tarfile.open(dest) as t:
                index = json.loads(t.extractfile("index.json").read())
                top = index["manifests"][0]

                def blob(d):
                    return json.loads(t.extractfile("blobs/" + d.replace(":", "/")).read())
                self.assertEqual(top["annotations"]["io.containerd.image.name"], "example.com/app:1")
                m = blob(top["digest"])
                if "manifests" in m:
                    m = blob(m["manifests"][0]["digest"])
                self.assertEqual(blob(m["config"]["digest"])["config"]["Labels"],
                                 {"a": "dockerfile", "b": "flag", "c": "x=y"})

    def test_build_args(self):
        out, _ = self.one("--build-arg", "A=1 2", "--build-arg", "B", dockerfile="ARG A\nARG B\nRUN echo \"$A/$B\" > /x\n",
                          env={"B": "from the environment"})
        self.assertEqual(self.read(out, "x"), b"1 2/from the environment\n")

    def test_target(self):
        ctx = self.context("FROM base AS one\nRUN echo 1 > /one\nFROM base AS two\nRUN echo 2 > /two\n")
        out = self.tmp()
        self.good(self.build("--target", "one", "-o", out, ctx))
        self.assertTrue(os.path.exists(os.path.join(out, "one")))
        self.bad(self.build("--target", "three", ctx), 1, "three")

    def test_no_cache_runs_again(self):
        ctx = self.context("RUN echo %s\n" % unique())
        self.good(self.build(ctx))
        self.assertRegex(self.good(self.build("--plain", ctx)).text, r"RUN echo.*\n#\d+ CACHED")
        self.assertNotRegex(self.good(self.build("--plain", "--no-cache", ctx)).text, r"RUN echo.*\n#\d+ CACHED")

    def test_secrets_of_file_and_environment(self):
        path = os.path.join(self.tmp(), "s")
        self.write(path, b"from a file\n\x00\xff")
        r = self.good(self.build(
            "--secret", "id=f,src=" + path, "--secret", "id=e,env=TOKEN_E", "-o", "-",
            self.context("RUN --mount=type=secret,id=f --mount=type=secret,id=e,env=E "
                         "/bin/busybox cp /run/secrets/f /f; echo \"$E\" > /e; echo %s\n" % unique()),
            env={"TOKEN_E": "geheim"}))
        with tarfile.open(fileobj=io.BytesIO(r.out)) as t:
            self.assertEqual(t.extractfile("f").read(), b"from a file\n\x00\xff")
            self.assertEqual(t.extractfile("e").read(), b"geheim\n")
        self.assertNotIn("geheim", r.text)
        for root, _, names in os.walk(self.home.state):
            for n in names:
                self.assertNotIn(b"geheim", self.read(root, n), n)

    def test_missing_secret_file(self):
        self.bad(self.build("--secret", "id=f,src=/no/such/file", self.context("")), (1, 2), "/no/such/file")

    def test_quiet_prints_the_digest_alone(self):
        r = self.good(self.build("-q", "-o", "type=oci,dest=%s/i" % self.tmp(), self.context("")))
        self.assertRegex(r.stdout, r"\Asha256:[0-9a-f]{64}\n\Z")
        self.assertEqual(r.text, "")

    def test_iidfile_and_metadata_file(self):
        d = self.tmp()
        self.good(self.build("-o", "type=oci,dest=%s/i" % d, "--iidfile", d + "/iid", "--metadata-file", d + "/meta",
                             "-t", "example.com/x:2", self.context("")))
        self.assertRegex(self.read(d, "iid").decode(), r"\Asha256:[0-9a-f]{64}\Z")
        meta = json.loads(self.read(d, "meta"))
        self.assertRegex(meta["containerimage.digest"], "^sha256:")
        self.assertEqual(meta["image.name"], "example.com/x:2")

    def test_progress_modes(self):
        ctx = self.context("RUN echo %s\n" % unique())
        r = self.good(self.build("--progress", "rawjson", ctx))
        lines = [json.loads(line) for line in r.text.splitlines()]
        self.assertTrue(all(set(line) <= {"vertexes", "statuses", "logs", "warnings"} for line in lines))
        self.assertTrue(any("RUN echo" in v["name"] for line in lines for v in line.get("vertexes", ())))
        r = self.good(self.build("--progress", "quiet", ctx))
        self.assertEqual((r.text, r.stdout), ("", ""))
        r = self.good(self.build("--progress", "plain", "-o", self.tmp(), ctx))
        # Not always the first step: the engine also tells of steps that a build beside this one has.
        self.assertRegex(r.text, r"\A(#1 \[.*\n(.*\n)*)?#\d+ \[internal\] load build definition from Dockerfile\n")
        r = self.bad(self.build("--progress", "funny", ctx), 2, "funny")
        for mode in (("--progress=plain",), ("--progress=tty",), ("--progress=rawjson",), ("--plain",)):
            self.bad(self.build("-q", *mode, ctx), 2, "and --quiet cannot be used together")
        for mode in ("auto", "quiet", "none", ""):
            self.good(self.build("-q", "--progress=" + mode, ctx))
        self.good(self.build("-q", ctx, env={"BUILDKIT_PROGRESS": "plain"}))

    def test_a_record_replays_to_the_same_text(self):
        path = os.path.join(self.tmp(), "r.ndjson")
        r = self.good(self.build("--record", path, "--plain", "-o", self.tmp(),
                                 self.context("RUN echo a; echo %s\n" % unique())))
        replay = self.good(self.home.depot("replay", path, "--progress", "plain"))
        self.assertEqual(lines_of(replay.text), lines_of(r.text))
        events = [json.loads(line) for line in self.read(path).splitlines()]
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        self.assertEqual((events[0]["type"], events[-1]["type"]), ("build.created", "build.finished"))
        self.assertIn("build.context", [e["type"] for e in events])

    def test_logs_of_a_build_that_is_over(self):
        token = unique()
        self.good(self.build(self.context("RUN echo %s\n" % token)))
        build = self.home.builds()[0]["id"]
        self.assertRegex(self.good(self.home.depot("logs", build)).stdout, r"#\d+ \d+\.\d+ " + token)
        listed = self.good(self.home.depot("list", "builds")).stdout
        self.assertIn(build, listed)
        self.bad(self.home.depot("logs", "nosuchbuil"), 1, "nosuchbuil")
        self.bad(self.home.depot("cancel", "nosuchbuil"), 1, "nosuchbuil")

    def test_dockerfile_on_stdin(self):
        ctx = self.context(None, {"a.txt": "a\n"})
        r = self.good(self.build("-f", "-", "-o", "-", ctx, stdin=(depot_test.BASE + "COPY a.txt /\n").encode()))
        with tarfile.open(fileobj=io.BytesIO(r.out)) as t:
            self.assertEqual(t.extractfile("a.txt").read(), b"a\n")

    def test_dash_takes_a_dockerfile(self):
        r = self.good(self.build("-", "-o", "-", stdin=b"FROM scratch\nCOPY <<E /x\nhi\nE\n"))
        with tarfile.open(fileobj=io.BytesIO(r.out)) as t:
            self.assertEqual(t.extractfile("x").read(), b"hi\n")

    def test_dash_takes_a_tar_compressed_or_not(self):
        ctx = self.context("COPY a.txt /\n", {"a.txt": "in a tar\n"})
        for mode in ("w", "w:gz"):
            tar = io.BytesIO()
            # The engine tells a tar by its first 1024 bytes, where pax has no file yet.
            with tarfile.open(fileobj=tar, mode=mode, format=tarfile.GNU_FORMAT) as t:
                t.add(ctx, ".")
            r = self.good(self.build("-", "-o", "-", stdin=tar.getvalue()))
            with tarfile.open(fileobj=io.BytesIO(r.out)) as t:
                self.assertEqual(t.extractfile("a.txt").read(), b"in a tar\n")

    def test_dockerignore(self):
        out, _ = self.one(dockerfile="COPY . /c\n", files={
            ".dockerignore": "# comment\n*.log\n!keep.log\nnode_modules\n**/tmp\n",
            "a.log": "", "keep.log": "", "node_modules/x/y": "", "src/tmp/z": "", "src/m.c": ""})
        found = sorted(os.path.relpath(os.path.join(r, n), out + "/c") for r, _, ns in os.walk(out + "/c") for n in ns)
        self.assertEqual([f for f in found if f != "bin/busybox"], [".dockerignore", "Dockerfile", "keep.log", "src/m.c"])

    def test_a_dockerfile_s_own_dockerignore_wins(self):
        ctx = self.context(None, {"b.Dockerfile": depot_test.BASE + "COPY . /c\n", "b.Dockerfile.dockerignore": "x\n",
                                  ".dockerignore": "y\n", "x": "", "y": ""})
        out = self.tmp()
        self.good(self.build("-f", os.path.join(ctx, "b.Dockerfile"), "-o", out, ctx))
        self.assertEqual((os.path.exists(out + "/c/x"), os.path.exists(out + "/c/y")), (False, True))

    def test_a_changed_file_alone_is_sent(self):
        files = {"f%d" % i: "x" * 1000 for i in range(50)}
        ctx = self.context("COPY . /c\n", files)
        self.good(self.build(ctx))
        self.write(os.path.join(ctx, "f7"), "changed")
        record = os.path.join(self.tmp(), "r")
        self.good(self.build("--record", record, ctx))
        events = [json.loads(line) for line in self.read(record).splitlines()]
        c = [e for e in events if e["type"] == "build.context"][-1]
        self.assertEqual((c["sent_files"], c["sent_bytes"], c["changed"]), (1, 7, ["f7"]))
        self.assertGreaterEqual(c["files"], 52)

    def test_several_outputs(self):
        d = self.tmp()
        self.good(self.build("-o", "type=tar,dest=%s/x.tar" % d, "-o", "type=local,dest=%s/x" % d, self.context("")))
        self.assertTrue(os.path.exists(d + "/x/bin/busybox"))
        self.assertTrue(tarfile.is_tarfile(d + "/x.tar"))

    def test_named_contexts(self):
        other = self.context(None, {"n.txt": "named\n"})
        out, _ = self.one("--build-context", "other=" + other, dockerfile="COPY --from=other n.txt /\n")
        self.assertEqual(self.read(out, "n.txt"), b"named\n")

    def test_build_argument_is_a_relative_path(self):
        ctx = self.context("")
        self.good(self.build("-o", "out", ".", cwd=ctx))
        self.assertTrue(os.path.exists(ctx + "/out/bin/busybox"))
        self.good(self.build("-o", "out2", "../" + os.path.basename(ctx), cwd=ctx))
        self.assertTrue(os.path.exists(ctx + "/out2/bin/busybox"))

    def test_usage(self):
        self.bad(self.home.depot("build"), 2, "PATH")
        self.bad(self.build("--nonsense", "."), 2, "nonsense")
        self.bad(self.home.depot("nonsense"), 2, "nonsense")
        self.assertIn("build", self.good(self.home.depot("help")).stdout)
        self.assertRegex(self.good(self.home.depot("version")).stdout, r"\d+\.\d+")
        subprocess.run([depot_test.DEPOTD, "--version"], check=True, capture_output=True)


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64", "DEPOT_TEST_ARM64")
    depot_test.main()
