"""Logs that would hurt: escape sequences, NULs, invalid UTF-8, long lines, floods."""
import base64
import json
import os
import re
import signal
import threading
import unittest

import depot_test
from depot_test import TestCase, Terminal, unique

# A title, a clear screen, cursor moves, an 8-bit CSI, a hyperlink, a bell; then what must stay readable.
HOSTILE = (b"\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m \x9b31mC1\x1b]8;;http://x\x1b\\link\x07\n"
           b"nul \x00 nul\n\xff\xfe invalid \xc3\x28 \xed\xa0\x80\n\r\rover\rwrite\rend\n\x08\x08back\x7f\n"
           b"bidi \xe2\x80\xae evil\n\xc2\x9b2J c1 in utf-8\nplain end\n")


class Logs(TestCase):
    def hostile(self, failing=False, data=HOSTILE):
        return self.context("COPY hostile /h\nRUN /bin/busybox cat /h; echo %s%s\n" % (
            unique(), "; exit 1" if failing else ""), {"hostile": data})

    def test_on_a_terminal_no_escape_of_a_step_reaches_it(self):
        for failing in (False, True):
            t = Terminal([depot_test.DEPOT, "build", "--plain", "--color", "never", self.hostile(failing)], self.home.env)
            code = t.wait()
            self.assertEqual(code, int(failing), t.data)
            self.assertIn(b"plain end", t.data)
            self.assertIn(b"link", t.data)
            bad = re.findall(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", t.data)
            self.assertEqual(bad, [], t.data)
            text = t.data.decode("utf-8")  # and it is valid
            self.assertNotRegex(text, "[\u0080-\u009f]")
            self.assertNotRegex(text, "[\u202a-\u202e\u2066-\u2069]")

    # What a live display may use: cursor moves, erasing, colours, hiding the cursor; nothing else.
    LIVE = rb"\x1b\[(\d*[A-GJKP]|[\d;]*[mHr]|\?25[lh]|\?20(04|26)[lh]|\?7[lh])|\r"

    def test_the_live_display_lets_nothing_through(self):
        for failing in (False, True):
            t = Terminal([depot_test.DEPOT, "build", self.hostile(failing)], self.home.env)
            code = t.wait()
            self.assertEqual(code, int(failing), t.data)
            text = re.sub(self.LIVE, b"", t.data)
            self.assertEqual(re.findall(rb"[\x00-\x08\x0b-\x1f\x7f]", text), [], t.data)
            self.assertNotRegex(text.decode("utf-8"), "[\u0080-\u009f\u202a-\u202e\u2066-\u2069]")

    def test_an_interrupt_leaves_the_terminal_as_it_was(self):
        t = Terminal([depot_test.DEPOT, "build", self.context("RUN echo it begins; /bin/busybox sleep 60 # %s\n" % unique())],
                     self.home.env)
        threading.Timer(3, lambda: t.process.send_signal(signal.SIGINT)).start()
        self.assertEqual(t.wait(), 130, t.data)
        self.assertIn(b"cancelled", t.data)
        for on, off in ((b"\x1b[?25l", b"\x1b[?25h"), (b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?7l", b"\x1b[?7h")):
            self.assertLessEqual(t.data.rfind(on), t.data.rfind(off), t.data[-500:])

    def test_a_recording_replayed_on_a_terminal_is_as_safe(self):
        path = os.path.join(self.tmp(), "r")
        self.bad(self.build("-q", "--record", path, self.hostile(True)), 1)
        t = Terminal([depot_test.DEPOT, "replay", path, "--summary", "always"], self.home.env)
        t.wait()
        self.assertEqual(re.findall(rb"\x1b\](?!8;;\x1b)|\x1b\[2J|\x07|\x9b", t.data), [], t.data)

    def test_names_are_as_hostile(self):
        ctx = self.context("ARG A\nRUN echo \"$A\" %s\n" % unique())
        t = Terminal([depot_test.DEPOT, "build", "--plain", "--color", "never", "--build-arg", "A=\x1b[2J\x9b", "-t",
                      "x:1", ctx], self.home.env)
        t.wait()
        self.assertNotIn(b"\x1b", t.data)

    def test_in_a_pipe_the_bytes_are_what_they_were(self):
        r = self.good(self.build("--plain", self.hostile()))
        self.assertIn(b"\x1b[31mred\x1b[0m", r.err)
        self.assertIn(b"nul \x00 nul", r.err)
        r = self.good(self.build("--progress", "rawjson", self.hostile()))
        logs = b"".join(base64.b64decode(log["data"]) for line in r.err.splitlines()
                        for log in json.loads(line).get("logs", ()))
        self.assertIn(HOSTILE, logs)

    def test_a_line_of_ten_megabytes(self):
        ctx = self.context("RUN /bin/busybox dd if=/dev/zero bs=1M count=10 2>/dev/null | /bin/busybox tr '\\0' x; "
                           "echo; echo %s\n" % unique())
        r = self.good(self.build("--plain", ctx))
        self.assertRegex(r.text, r"#\d+ \d+\.\d+ x{1000,}|clipped")

    def test_a_long_line_through_replay(self):
        """The engine clips; a recording does not."""
        line = base64.b64encode(b"y" * (10 << 20) + b"\nend\n").decode()
        vertex = {"digest": "sha256:1", "name": "a step", "started": "2026-05-04T10:11:12Z"}
        feed = json.dumps({"vertexes": [vertex]}) + "\n" + json.dumps({"logs": [
            {"vertex": "sha256:1", "stream": 1, "data": line, "timestamp": "2026-05-04T10:11:13Z"}]}) + "\n"
        r = self.home.depot("replay", "-", stdin=feed.encode())
        self.assertNotRegex(r.text[:5000] + r.text[-5000:], depot_test.SANITIZER)
        if r.code == 0:
            self.assertIn("end", r.text[-200:])
        else:
            self.assertIn("line 2", r.text)

    def test_a_part_of_a_log(self):
        """Steps by name, lines by text, the last of them, what failed; of builds named in every way."""
        token = unique()
        ctx = self.context("RUN echo one %s; echo two; echo -n open\nRUN seq 1 30; echo over %s; exit 3\n" % (token, token))
        first = self.good(self.build("--plain", "--project", token, self.context("RUN echo first %s\n" % token)))
        self.bad(self.build("--plain", "--project", token, ctx), 1)
        build = self.home.builds("?project=" + token)[0]["id"]
        self.assertIn("first", first.text)

        def lines(*args, code=0, word=build):
            r = self.home.depot("logs", *(() if word is None else (word,)), *args, env={"DEPOT_PROJECT_ID": token})
            self.bad(r, code)
            return [m.group(1) for m in map(re.compile(r"#\d+ \d+\.\d+ (.*)").match, r.stdout.splitlines()) if m], r

        numbers = [str(i) for i in range(1, 31)]
        self.assertEqual(lines("--failed")[0], numbers + ["over " + token])
        self.assertEqual(lines("--failed", "--tail", "3", word=build[:8])[0], ["29", "30", "over " + token])
        self.assertEqual(lines("--step", "echo one")[0], ["one " + token, "two", "open"])
        self.assertEqual(lines("--grep", token, word=None)[0], ["one " + token, "over " + token])
        self.assertEqual(lines("--grep", "1", "--step", "seq", "--tail", "2")[0],
                         [line for line in numbers + ["over " + token] if "1" in line][-2:])
        self.assertEqual(lines("--grep", "first", word="^1")[0], ["first " + token])
        out = lines("--failed")[1].stdout
        self.assertRegex(out, r"^#1 \[3/3\] RUN seq 1 30")
        self.assertRegex(out, r"\n#1 ERROR: .*exit code: 3\n$")
        self.assertEqual(out.count("over " + token + "\n"), 1, out)
        raw = self.good(self.home.depot("logs", build, "--progress", "rawjson", "--grep", "two")).stdout
        logs = [log for line in raw.splitlines() for log in json.loads(line).get("logs", ())]
        self.assertEqual([base64.b64decode(log["data"]) for log in logs], [b"two\n"])
        for args, word in ((("--grep", "no such line"), build), (("--step", "no such step"), build), (("--failed",), "^1")):
            self.assertIn("holds nothing like that", lines(*args, word=word, code=1)[1].text)
        self.assertIn("--tail", lines("--tail", "-1", code=2)[1].text)

    def test_a_flood(self):
        steps = "".join("FROM base AS s%d\nRUN i=0; while [ $i -lt 4000 ]; do echo %s line $i; i=$((i+1)); done\n" % (
            i, unique()) for i in range(6))
        ctx = self.context(steps + "FROM scratch\n" + "".join("COPY --from=s%d /bin/busybox /b%d\n" % (i, i)
                                                              for i in range(6)))
        r = self.good(self.build("--plain", ctx))
        numbers = {}
        for step, n in re.findall(r"#(\d+) \d+\.\d+ [0-9a-f]{32} line (\d+)\n", r.text):
            numbers.setdefault(step, []).append(int(n))
        self.assertEqual(len(numbers), 6)
        for found in numbers.values():
            self.assertEqual(found, sorted(set(found)))
            self.assertGreater(len(found), 2000)


if __name__ == "__main__":
    depot_test.need("DEPOT_TEST_AMD64")
    depot_test.main()
