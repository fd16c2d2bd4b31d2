"""Logs of CI systems: what frames them, what a system gets beside them, and that no step speaks for us."""
import json
import os
import re
import stat

import depot_test
from depot_test import TestCase, Terminal, unique

depot_test.need("DEPOT_TEST_AMD64", "DEPOT_TEST_ARM64")

GITHUB, GITLAB, BUILDKITE, AZURE = "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "TF_BUILD"
SYSTEMS = (GITHUB, GITLAB, BUILDKITE, AZURE)


# ---- what each system takes for a command: as its own source or documentation has it ----

GITHUB_NAMES = ("internal-set-repo-path", "set-env", "set-output", "save-state", "add-mask", "add-path", "add-matcher",
                "remove-matcher", "debug", "warning", "error", "notice", "group", "endgroup", "echo", "stop-commands")


def github_commands(text):
    found = []
    for line in re.split("\r\n|\r|\n", text):
        m = re.match(r"::([^ :]+)[^\n]*?::", line.lstrip()) or re.search(r"##\[([^ \]]+)[^\]]*\]", line)
        if m and m.group(1) in GITHUB_NAMES:
            found.append(line)
    return found


def azure_commands(text):
    return [line for line in re.split("\r\n|\r|\n", text) if re.search(r"##(vso)?\[[^\]]*\]", line, re.I)]


def gitlab_commands(text):
    return re.findall(r"section_(?:start|end):\d+:[a-zA-Z0-9_.-]+(?:\[.*?\])?\r\x1b\[0K", text)


def buildkite_commands(text):
    plain = re.sub(r"\x1b\[([;\d]+)?[mK]", "", text)
    lines = [line for line in re.split("\r\n|\r|\n", plain) if re.match(r"(---|\+\+\+|~~~)\s|\^\^\^ \+\+\+", line)]
    return lines + re.findall(r"\x1b[\]_P][^\n]*|\x1b\[[0-9;]*[A-HJKST]", text)


COMMANDS = {GITHUB: github_commands, GITLAB: gitlab_commands, BUILDKITE: buildkite_commands, AZURE: azure_commands}

# Said by a step: at the start of its lines, behind what sets the cursor back, in pieces, in colours.
HOSTILE = (
    "::set-output name=a::b", "::add-mask::x", "::stop-commands::t", "  ::error file=a,line=1::x", "x\\r::warning::y",
    "x\\r\\302\\240::notice::y", "##[group]x", "x ##[set-env name=a]b", "##vso[task.setvariable variable=a]b",
    "x ##VSO[task.complete result=Failed]y", "##[error]x", "\\033[1m##\\033[0mvso[task.logissue type=error]x",
    "section_start:1:a\\r\\033[0Kx", "\\033[0Ksection_end:1:a\\r\\033[0K", "x section_start:1:a[collapsed=true]\\r\\033[0Ky",
    "--- x", "x\\r+++ y", "x\\033[1G~~~ y", "x\\r\\033[32m--- y", "^^^ +++", "\\033]1338;url=http://a/b\\007",
    "\\033_bk;t=1\\007x", "\\033[2J\\033[H--- x")


def framed(text):
    """The #0 lines, and what is left without them and the blank lines around."""
    lines = text.split("\n")
    return [line for line in lines if line.startswith("#0 ")], [
        line for line in lines if not line.startswith("#0 ") and line != ""]


class Ci(TestCase):
    builders = ("amd64", "arm64")

    def setUp(self):
        self.name = unique()

    def ci(self, *args, system=None, **env):
        env = dict({"CI": "true"}, **env)
        if system:
            env[system] = "true"
        return self.build(*args, env=env)

    # -- the frame

    def test_first_and_last_line(self):
        d = self.context("RUN echo %s\n" % self.name)
        r = self.good(self.ci("-t", "a/b:1", "--platform", "linux/amd64,linux/arm64", d))
        build = self.home.builds()[0]["id"]
        self.assertEqual(r.text.split("\n")[0],
                         '#0 building with "amd64" for linux/amd64, "arm64" for linux/arm64 (emulated): build ' + build, r)
        first = r.text.index("\n#0 build " + build)
        last = r.text[first:]
        self.assertRegex(last, r"\A\n#0 build %s succeeded in [\d.]+s, \d+ of 4 steps reused\n" % build)
        self.assertRegex(last, r"\n#0   linux/amd64 +[\d.]+s  \d of 2 steps reused  on amd64\n")
        self.assertRegex(last, r"\n#0   linux/arm64 +[\d.]+s  \d of 2 steps reused  on arm64 \(emulated\)\n")
        self.assertRegex(last, r"\n#0   tags +a/b:1\n")
        self.assertRegex(last, r"\n#0   log +depot logs %s\n#0   why +depot why %s\n\Z" % (build, build))

    def test_lines_of_steps_stay(self):
        """A recording is printed with and without: but for the #0 lines, byte for byte."""
        d = self.context("RUN echo %s; exit 4\n" % self.name)
        record = os.path.join(self.home.dir, "r.ndjson")
        self.bad(self.build("--record", record, d), 1)
        plain = self.home.depot("replay", record).text
        self.assertNotIn("#0", plain)
        for env in ({"CI": "true"}, {GITHUB: "true"}, {GITLAB: "true"}, {BUILDKITE: "true"}, {AZURE: "true"}):
            zero, rest = framed(self.home.depot("replay", record, env=env).text)
            self.assertEqual(rest, [line for line in plain.split("\n") if line != ""], env)
            self.assertEqual(zero[0][:18], '#0 building with "')
        self.assertEqual(self.home.depot("replay", "--summary=never", record, env={"CI": "true"}).text, plain)
        zero, _ = framed(self.home.depot("replay", "--summary=always", record).text)
        self.assertIn("failed after", zero[1])
        self.assertRegex("\n".join(zero), r"#0   failed +Dockerfile:4 \[2/2\] RUN echo .*: exit code 4")

    def test_what_missed(self):
        d = self.context("COPY a /a\nRUN echo %s\n" % self.name, {"a": "1"})
        self.good(self.ci(d))
        self.write(os.path.join(d, "a"), self.name)
        zero, _ = framed(self.good(self.ci(d)).text)
        self.assertRegex("\n".join(zero), r"#0   missed +(base )?\d/\d COPY a /a, a changed, 1 step after it, [\d.]+s")
        zero, _ = framed(self.good(self.ci("--no-cache", d)).text)
        self.assertRegex("\n".join(zero), r"#0   missed .*the cache was switched off")
        zero, _ = framed(self.good(self.ci(d)).text)
        self.assertNotRegex("\n".join(zero), "missed|why")

    def test_not_where_it_has_no_place(self):
        d = self.context("RUN echo %s\n" % self.name)
        self.assertNotIn("#0", self.good(self.build(d)).text)
        r = self.good(self.ci("-q", d))
        self.assertEqual(r.text, "", r)
        for line in self.good(self.ci("--progress=rawjson", d)).text.splitlines():
            json.loads(line)
        build = self.home.builds()[0]["id"]
        r = self.good(self.home.depot("logs", build, env={"CI": "true"}))
        self.assertEqual(framed(r.stdout)[0][0][:18], '#0 building with "')
        self.assertNotIn("#0", self.good(self.home.depot("logs", build)).stdout)

    def test_nothing_to_frame(self):
        r = self.bad(self.ci(os.path.join(self.home.dir, "not there")), (1, 2))
        self.assertNotIn("#0", r.text)

    def test_a_terminal_without_ci_is_as_before(self):
        d = self.context("RUN echo %s\n" % self.name)
        t = Terminal([depot_test.DEPOT, "build", "--plain", d], self.home.env)
        self.assertEqual(t.wait(), 0)
        self.assertNotIn(b"#0 ", t.data)
        self.assertIn(b"Build ", t.data)

    # -- annotations and the report

    BAD = "RUN echo '%s | <b>'; echo \"it's **broken**\"; exit 3\n"

    def broken(self):
        d = self.context(self.BAD % self.name)
        text = self.read(d, "Dockerfile").decode().replace("FROM scratch AS base", "FROM scratch as base")
        self.write(os.path.join(d, "sub", "My.Dockerfile"), text)
        return d

    def test_github(self):
        d, report = self.broken(), os.path.join(self.home.dir, "summary-" + self.name)
        args = ("-f", os.path.join(d, "sub", "My.Dockerfile"), d)
        env = {"GITHUB_WORKSPACE": d, "GITHUB_STEP_SUMMARY": report}
        r = self.bad(self.ci(*args, system=GITHUB, **env), 1)
        commands = github_commands(r.text)
        self.assertEqual(len(commands), 2, r)
        self.assertRegex(commands[0], r"::warning file=sub/My.Dockerfile,line=1,title=FromAsCasing::.*%0Ahttps://")
        self.assertRegex(commands[1], r"::error file=sub/My.Dockerfile,line=4,title=linux/amd64%3A 2/2 RUN .*::exit code: 3%0A" +
                         self.name + r" \| <b>%0Ait's \*\*broken\*\*$")
        page = self.read(report).decode()
        self.assertRegex(page, r"\A### ❌ depot build [^ ]+ failed after [\d.]+s\n")
        self.assertRegex(page, r"\| linux/amd64 \| failed \| [\d.]+s \| \d of 2 \| amd64 \|")
        self.assertRegex(page, r"<pre>\n(.*\n)*   4 &gt;&gt;&gt; RUN echo")
        self.assertIn(self.name + " | &#60;b&#62;\n", page)
        self.good(self.ci("-t", "x:1", self.context("RUN echo %s\n" % self.name), system=GITHUB, **env))
        more = self.read(report).decode()
        self.assertTrue(more.startswith(page) and "### ✅" in more[len(page):], "the report is appended to")
        self.bad(self.ci("--ci=none", *args, system=GITHUB, **env), 1)
        self.assertEqual(self.read(report).decode(), more)

    def test_github_says_nothing_unasked(self):
        """A past build is no failure of this job."""
        d, report = self.broken(), os.path.join(self.home.dir, "summary-" + self.name)
        env = {GITHUB: "true", "GITHUB_STEP_SUMMARY": report, "DEPOT_CI_OUTPUT": "all"}
        record = os.path.join(self.home.dir, "r2.ndjson")
        self.bad(self.build("--record", record, d), 1)
        build = self.home.builds()[0]["id"]
        for args in (("logs", build), ("replay", record)):
            r = self.home.depot(*args, env=env)
            self.assertEqual(github_commands(r.stdout + r.text), [], r)
            self.assertFalse(os.path.exists(report))
            r = self.home.depot(*args, "--ci=annotations", env=env)
            self.assertEqual(len(github_commands(r.stdout + r.text)), 1, r)

    def test_azure(self):
        d, temp = self.broken(), self.tmp()
        r = self.bad(self.ci("-f", os.path.join(d, "sub", "My.Dockerfile"), d, system=AZURE, AGENT_TEMPDIRECTORY=temp,
                             BUILD_SOURCESDIRECTORY=d), 1)
        commands = azure_commands(r.text)
        self.assertEqual(len(commands), 3, r)
        self.assertRegex(commands[0], r"^##vso\[task.logissue type=warning;sourcepath=sub/My.Dockerfile;linenumber=1;")
        self.assertRegex(commands[1], r"^##vso\[task.logissue type=error;sourcepath=sub/My.Dockerfile;linenumber=4;")
        path = re.match(r"##vso\[task.uploadsummary\](.*)$", commands[2]).group(1)
        self.assertIn("### ❌", self.read(path).decode())

    def test_gitlab(self):
        """It takes errors and warnings from a file alone."""
        d = self.broken()
        path = os.path.join(self.tmp(), "reports", "quality.json")
        env = {"CI_PROJECT_DIR": d, "DEPOT_CI_CODE_QUALITY": path}
        r = self.bad(self.ci("-f", os.path.join(d, "sub", "My.Dockerfile"), d, system=GITLAB, **env), 1)
        self.assertEqual(gitlab_commands(r.text), [])
        found = json.loads(self.read(path))
        self.assertEqual([(f["check_name"][:12], f["severity"], f["location"]) for f in found], [
            ("FromAsCasing", "minor", {"path": "sub/My.Dockerfile", "lines": {"begin": 1}}),
            ("linux/amd64:", "major", {"path": "sub/My.Dockerfile", "lines": {"begin": 4}})])
        self.assertEqual(len({f["fingerprint"] for f in found}), 2)
        self.assertIn(self.name, found[1]["description"])
        self.good(self.ci(self.context("RUN echo\n"), system=GITLAB, **env))
        self.assertEqual(json.loads(self.read(path)), [])

    def test_buildkite(self):
        """The agent of the job takes the report; where there is none nothing is said."""
        d, bin_dir = self.broken(), self.tmp()
        agent = os.path.join(bin_dir, "buildkite-agent")
        self.write(agent, '#!/bin/sh\necho "$@" > %s/args\ncat > %s/page\necho noise\n' % (bin_dir, bin_dir))
        os.chmod(agent, stat.S_IRWXU)
        r = self.bad(self.ci(d, system=BUILDKITE, PATH=bin_dir + ":" + os.environ["PATH"]), 1)
        self.assertNotIn("noise", r.text + r.stdout)
        build = self.home.builds()[0]["id"]
        self.assertEqual(self.read(bin_dir, "args").decode(), "annotate --style error --context depot-%s\n" % build)
        self.assertIn("### ❌", self.read(bin_dir, "page").decode())
        self.write(agent, "#!/bin/sh\nexit 1\n")
        r = self.good(self.ci(self.context("RUN echo\n"), system=BUILDKITE, PATH=bin_dir + ":" + os.environ["PATH"]))
        self.assertIn("buildkite-agent did not take the report", r.text)
        r = self.good(self.ci(self.context("RUN echo\n"), system=BUILDKITE))
        self.assertNotIn("agent", r.text)

    def test_a_report_that_nobody_takes_fails_no_build(self):
        r = self.good(self.ci(self.context("RUN echo\n"), system=GITHUB, GITHUB_STEP_SUMMARY="/not/there"))
        self.assertIn("cannot write the report to /not/there", r.text)

    def test_bad_words(self):
        for env, args in (({}, ("--ci=colours",)), ({"DEPOT_CI_OUTPUT": "colours"}, ())):
            self.bad(self.ci(*args, self.context("RUN echo\n"), **env), 2, "colours", "annotations, groups and report")

    # -- groups

    def test_groups(self):
        """Steps that run side by side are printed one after the other, each in its group."""
        d = self.context("".join("FROM base AS s%d\nRUN for i in 1 2 3 4; do echo %s $i; busybox sleep 0.2; done\n" % (i, self.name)
                                 for i in range(3)) + "FROM base\n" + "".join("COPY --from=s%d /bin/busybox /b%d\n" % (i, i)
                                                                            for i in range(3)))
        for system in SYSTEMS:
            r = self.good(self.ci("--ci=groups", "--no-cache", d, system=system))
            order = [int(n) for n in re.findall(r"^#(\d+) ", r.text, re.M) if n != "0"]
            self.assertEqual(order, sorted(order), r)
            self.assertNotIn(" ...\n", r.text)
            # An engine may say of a step that it is over, and then more of it: that is a group again.
            blocks = len(re.findall(r"^#[1-9]\d* (?:DONE|CACHED)\b", r.text, re.M))
            self.assertGreaterEqual(blocks, order[-1], r)
            commands = COMMANDS[system](r.text)
            want = {GITHUB: 2 * blocks, GITLAB: 2 * blocks, AZURE: 2 * blocks, BUILDKITE: blocks + 1}[system]
            self.assertEqual(len(commands), want, r)

    # -- what others say

    def hostile(self, fails):
        lines = "".join("RUN echo %s; printf '%s\\n'; printf '%s'; busybox sleep 0.2; printf '%s\\n'\n" % (
            self.name, s.replace("%", "%%"), s[:len(s) // 2], s[len(s) // 2:]) for s in HOSTILE)
        lines += 'RUN <<EOF\necho\n::error::x\n--- x\n##vso[task.complete]\nEOF\n' if fails else ""
        d = self.context(lines, {"##vso[task.complete]x": "1", "##[error]": "2"})
        return d

    def test_no_step_speaks_for_us(self):
        for fails in (False, True):
            d = self.hostile(fails)
            for system in SYSTEMS:
                args = ("--no-cache", "--build-arg", "A=##vso[task.complete]", "--label", "##vso[a.b]=::error::x")
                r = self.ci("--ci=none", *args, d, system=system)
                self.assertEqual(r.code, 1 if fails else 0, r)
                self.assertEqual(COMMANDS[system](r.text), [], r)
                self.assertIn("\\", r.text)
                build = self.home.builds()[0]["id"]
                for more in (("logs", build), ("why", build), ("list", "builds"), ("list", "builds", "--json")):
                    said = self.home.depot(*more, env={system: "true"})
                    self.assertEqual(COMMANDS[system](said.stdout + said.text), [], said)
                r = self.ci("--progress=rawjson", d, system=system)
                self.assertEqual(COMMANDS[system](r.text), [], r)

    def test_only_ours_are_left(self):
        d = self.hostile(True)
        for system, most in ((GITHUB, 2), (AZURE, 2), (GITLAB, 0), (BUILDKITE, 0)):
            r = self.bad(self.ci(d, system=system), 1)
            self.assertLessEqual(len(COMMANDS[system](r.text)), most, r)

    def test_rawjson_means_the_same(self):
        d = self.context("RUN echo '##vso[task.complete]' %s\n" % self.name)
        r = self.good(self.ci("--progress=rawjson", d, system=AZURE))
        self.assertNotIn("##vso[", r.text)
        names = [v["name"] for line in r.text.splitlines() for v in json.loads(line).get("vertexes", [])]
        self.assertTrue(any("##vso[task.complete]" in n for n in names), names)

    def test_elsewhere_every_byte_stays(self):
        d = self.context("RUN printf '::error::x\\r##vso[a.b] \\033[2K%s\\n'\n" % self.name)
        for env in ({}, {"CI": "true"}, {"JENKINS_URL": "http://j"}):
            r = self.good(self.build("--no-cache", d, env=env))
            self.assertIn(("::error::x\r##vso[a.b] \x1b[2K" + self.name).encode(), r.err)


if __name__ == "__main__":
    depot_test.main()
