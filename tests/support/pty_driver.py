"""A program on a terminal that we hold the other end of: keys go in, what it draws is read back.

Screen understands what ncurses writes for the terminals we test, and no more: whatever else arrives
is kept in `strange`, so that a byte of a build that got through is seen. Pty runs a program on it.
Python's own library is enough.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata

TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f\x80-\x9f]+)"
    r"|\x1b\[(?P<csi>[0-?]*[ -/]*[@-~])"
    r"|\x1b\](?P<palette>R|P[0-9a-fA-F]{7})"  # of the Linux console: without an end
    r"|\x1b\](?P<osc>[^\x07\x1b\x9c]*)(?:\x07|\x1b\\)"
    r"|\x1b(?P<set>[()*+%#][0-9A-Za-z@])"
    r"|\x1b(?P<esc>[0-Z\\^_`-~])"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f-\x9f])")
# The beginning of something that TOKEN does not match yet.
PARTIAL = re.compile(r"\x1b(\[[0-?]*[ -/]*|\][^\x07\x1b\x9c]*\x1b?|[()*+%#])?\Z")
GRAPHICS = dict(zip("`afgjklmnopqrstuvwxyz{|}~", "◆▒°±┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·"))
MODES = {"?1049": "alternate", "?47": "alternate", "?25": "cursor", "?1000": "mouse", "?1006": "mouse_sgr",
         "?2004": "paste", "?2026": "synchronized", "?7": "wrap", "?1": "application", "?12": "blink",
         "?1034": "meta", "4": "insert", "34": "cursor_shape"}


def width(ch):
    if unicodedata.category(ch) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(ch) in "WF" else 1


class Screen:
    """What a terminal of this size shows."""

    INITIAL = {"alternate": False, "cursor": True, "mouse": False, "mouse_sgr": False, "paste": False,
               "synchronized": False, "wrap": True}

    def __init__(self, rows, columns):
        self.strange = []     # what no dashboard has a reason to write
        self.titles, self.clips, self.progress, self.asked = [], [], [], 0
        self.pushed = 0       # titles put aside
        self.modes = dict(self.INITIAL)
        self.rest = ""
        self.sgr_seen = set()
        self.graphics = [False, False]
        self.shift = 0
        self.last = " "
        self.pen = ()
        self.wide = True
        self.resize(rows, columns)

    def resize(self, rows, columns):
        self.rows, self.columns = max(rows, 1), max(columns, 1)
        self.cells = [self.blank() for _ in range(self.rows)]
        self.y = self.x = 0
        self.saved = (0, 0)
        self.top, self.bottom = 0, self.rows - 1

    def blank(self):
        return [" "] * self.columns

    def row(self, y):
        return "".join(self.cells[y]).rstrip()

    @property
    def text(self):
        return "\n".join(self.row(y) for y in range(self.rows))

    def feed(self, text):
        text = self.rest + text
        self.rest = ""
        at = 0
        while at < len(text):
            m = TOKEN.match(text, at)
            if m is None:
                if PARTIAL.match(text, at):
                    self.rest = text[at:]
                    return
                self.strange.append(text[at:at + 20])
                at += 1
                continue
            at = m.end()
            getattr(self, "on_" + m.lastgroup)(m.group(m.lastgroup))

    # -- text and controls

    def on_text(self, text):
        for ch in text:
            if self.graphics[self.shift]:
                ch = GRAPHICS.get(ch, ch)
            self.put(ch)

    def put(self, ch):
        w = width(ch)
        if w == 0:
            if self.x > 0:
                self.cells[self.y][min(self.x, self.columns) - 1] += ch
            return
        if self.x + w > self.columns:
            if not self.modes["wrap"]:
                self.x = self.columns - w
            else:
                self.x = 0
                self.line_feed()
        line = self.cells[self.y]
        if line[self.x] == "" and self.x > 0:
            line[self.x - 1] = " "
        if self.x + w < self.columns and line[self.x + w] == "":
            line[self.x + w] = " "
        line[self.x] = ch
        if w == 2 and self.x + 1 < self.columns:
            line[self.x + 1] = ""
        self.x += w
        self.last = ch

    def on_control(self, ch):
        if ch == "\r":
            self.x = 0
        elif ch == "\n":
            self.line_feed()
        elif ch == "\b":
            self.x = max(min(self.x, self.columns - 1) - 1, 0)
        elif ch == "\t":
            self.x = min((self.x // 8 + 1) * 8, self.columns - 1)
        elif ch in "\x0e\x0f":
            self.shift = int(ch == "\x0e")
        else:
            self.strange.append(ch)

    def line_feed(self):
        if self.y == self.bottom:
            self.scroll(self.top, 1)
        elif self.y < self.rows - 1:
            self.y += 1

    def scroll(self, top, n):
        """Lines go up from `top` to the bottom of the region; down when n < 0."""
        if top > self.bottom:
            return  # of a size that is not any more
        n = max(min(n, self.bottom - top + 1), -(self.bottom - top + 1))
        for _ in range(abs(n)):
            del self.cells[top if n > 0 else self.bottom]
            self.cells.insert(self.bottom if n > 0 else top, self.blank())

    # -- sequences

    def on_esc(self, c):
        if c == "7":
            self.saved = (self.y, self.x)
        elif c == "8":
            self.y, self.x = self.saved
        elif c == "M":
            if self.y == self.top:
                self.scroll(self.top, -1)
            else:
                self.y = max(self.y - 1, 0)
        elif c == "D":
            self.line_feed()
        elif c == "E":
            self.x = 0
            self.line_feed()
        elif c not in "=>Hgc\\":
            self.strange.append("\x1b" + c)

    def on_set(self, s):
        if s[0] in "()":
            self.graphics["()".index(s[0])] = s[1] == "0"
        elif s != "%@" and s != "%G":
            self.strange.append("\x1b" + s)

    def on_palette(self, s):
        pass

    def on_osc(self, s):
        kind, _, rest = s.partition(";")
        if kind in ("0", "2"):
            self.titles.append(rest)
        elif kind == "52":
            self.clips.append(rest)
        elif kind == "9":
            self.progress.append(rest)
        elif kind == "11" and rest == "?":
            self.asked += 1
        elif kind not in ("8", "4", "104"):
            self.strange.append("\x1b]" + s[:40])

    def on_csi(self, s):
        final, args = s[-1], s[:-1]
        if final in "hl":
            for a in args.lstrip("?").split(";"):
                name = MODES.get(("?" if args.startswith("?") else "") + a)
                if name is None:
                    self.strange.append("\x1b[" + s)
                else:
                    self.set_mode(name, final == "h")
            return
        if args in ("?2026$", "!", "") and s in ("?2026$p", "c", "!p"):
            self.asked += 1
            return
        if args.startswith((">", "?", "=")) or not re.fullmatch(r"[\d;:]*", args):
            if final not in "mct":
                self.strange.append("\x1b[" + s)
            return
        if final == "m":
            self.sgr_seen.add(args)
            return
        ns = [int(n or 0) for n in args.split(";")]
        handler = self.CSI.get(final)
        if handler is None:
            self.strange.append("\x1b[" + s)
        else:
            handler(self, ns[0], ns)
            self.y = max(0, min(self.y, self.rows - 1))
            self.x = max(0, min(self.x, self.columns - 1))

    def set_mode(self, name, on):
        if name == "alternate" and on != self.modes["alternate"]:
            for y in range(self.rows):
                self.cells[y] = self.blank()
        self.modes[name] = on

    def move(self, dy, dx):
        self.y, self.x = self.y + dy, min(self.x, self.columns - 1) + dx

    def place(self, ns):
        self.y, self.x = (ns[0] or 1) - 1, ((ns[1] if len(ns) > 1 else 1) or 1) - 1

    def erase(self, y, x0, x1):
        for x in range(max(x0, 0), min(x1, self.columns)):
            self.cells[y][x] = " "

    def erase_line(self, n):
        x = min(self.x, self.columns - 1)
        self.erase(self.y, 0 if n else x, self.columns if n != 1 else x + 1)

    def erase_screen(self, n):
        if n == 0:
            self.erase_line(0)
        elif n == 1:
            self.erase_line(1)
        for y in range(0 if n else self.y + 1, self.rows if n != 1 else self.y):
            self.cells[y] = self.blank()

    def insert_cells(self, n):
        line, x = self.cells[self.y], min(self.x, self.columns - 1)
        if n > 0:
            line[x:x] = [" "] * n
        else:
            del line[x:x - n]
        line[:] = (line + self.blank())[:self.columns]

    def title_stack(self, n):
        self.pushed += {22: 1, 23: -1}.get(n, 0)

    def region(self, ns):
        self.top = min(ns[0] or 1, self.rows) - 1
        self.bottom = min(((ns[1] if len(ns) > 1 else 0) or self.rows), self.rows) - 1
        self.y = self.x = 0

    CSI = {
        "A": lambda s, n, ns: s.move(-(n or 1), 0), "B": lambda s, n, ns: s.move(n or 1, 0),
        "C": lambda s, n, ns: s.move(0, n or 1), "D": lambda s, n, ns: s.move(0, -(n or 1)),
        "G": lambda s, n, ns: setattr(s, "x", (n or 1) - 1), "d": lambda s, n, ns: setattr(s, "y", (n or 1) - 1),
        "H": lambda s, n, ns: s.place(ns), "f": lambda s, n, ns: s.place(ns),
        "J": lambda s, n, ns: s.erase_screen(n), "K": lambda s, n, ns: s.erase_line(n),
        "X": lambda s, n, ns: s.erase(s.y, s.x, s.x + (n or 1)),
        "L": lambda s, n, ns: s.scroll(s.y, -(n or 1)), "M": lambda s, n, ns: s.scroll(s.y, n or 1),
        "S": lambda s, n, ns: s.scroll(s.top, n or 1), "T": lambda s, n, ns: s.scroll(s.top, -(n or 1)),
        "@": lambda s, n, ns: s.insert_cells(n or 1), "P": lambda s, n, ns: s.insert_cells(-(n or 1)),
        "b": lambda s, n, ns: [s.put(s.last) for _ in range(min(n or 1, 1000))],
        "r": lambda s, n, ns: s.region(ns), "t": lambda s, n, ns: s.title_stack(n), "g": lambda s, n, ns: None,
        "n": lambda s, n, ns: None, "s": lambda s, n, ns: s.on_esc("7"), "u": lambda s, n, ns: s.on_esc("8"),
        "I": lambda s, n, ns: s.on_control("\t"), "Z": lambda s, n, ns: setattr(s, "x", (max(s.x - 1, 0) // 8) * 8),
    }


class Pty:
    """A program whose terminal we are. Its output is drawn on `screen` as it is read."""

    def __init__(self, argv, env=None, rows=24, columns=80, term="xterm-256color", stdin=None, draw=True,
                 stderr=None, answer=False, ignore_hup=False, echo=True):
        self.master, self.slave = pty.openpty()
        self.screen = Screen(rows, columns) if draw else None
        self.data, self.total, self.reads = bytearray(), 0, 0
        self.keep = 4 << 20
        self.answer = answer
        self.decoder = __import__("codecs").getincrementaldecoder("utf-8")("replace")
        self.size(rows, columns)
        # While the program has given the terminal back, as when it is suspended, ^Z and ^C are the kernel's, which then
        # throws away what was written and not yet read here: a terminal would have read it.
        modes = termios.tcgetattr(self.slave)
        modes[3] |= termios.NOFLSH
        if not echo:
            modes[3] &= ~termios.ECHO
        termios.tcsetattr(self.slave, termios.TCSANOW, modes)
        self.before = termios.tcgetattr(self.slave)
        slave = self.slave

        def child():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            if ignore_hup:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        self.process = subprocess.Popen(
            argv, env=dict(env if env is not None else os.environ, TERM=term), stdin=self.slave if stdin is None else stdin,
            stdout=self.slave, stderr=self.slave if stderr is None else stderr, preexec_fn=child)
        os.set_blocking(self.master, False)

    @property
    def pid(self):
        return self.process.pid

    def size(self, rows, columns, tell=False):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
        if tell and self.screen is not None:
            self.screen.resize(rows, columns)

    def resize(self, rows, columns):
        """As a terminal does it: the kernel sends SIGWINCH."""
        self.size(rows, columns, True)

    def read_some(self, timeout):
        ready, _, _ = select.select([self.master], [], [], timeout)
        if not ready:
            return None
        try:
            piece = os.read(self.master, 1 << 20)
        except BlockingIOError:
            return None
        except OSError:
            return b""
        if piece:
            self.total += len(piece)
            self.reads += 1
            self.data += piece
            if len(self.data) > self.keep:
                del self.data[:len(self.data) - self.keep]
            if self.answer and b"\x1b[?2026$p" in piece:
                self.send(b"\x1b[?2026;2$y" + (self.answer if isinstance(self.answer, bytes) else b"") + b"\x1b[?62c")
            if self.screen is not None:
                self.screen.feed(self.decoder.decode(piece))
        return piece

    def pump(self, seconds):
        """Read for so long."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return self
            if self.read_some(left) == b"":
                time.sleep(min(left, 0.01))
                if self.process.poll() is not None:
                    return self

    def quiet(self, silence=0.15, timeout=20):
        """Read until nothing has come for so long."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if not self.read_some(silence):
                break
        return self

    def expect(self, what, timeout=30):
        """Until the screen shows it: a text, or a function of the screen."""
        end = time.monotonic() + timeout
        check = what if callable(what) else lambda s: what in s.text
        while not check(self.screen):
            if time.monotonic() > end or (self.read_some(0.05) in (b"", None) and self.process.poll() is not None
                                          and not self.read_some(0.05) and not check(self.screen)):
                raise AssertionError("no %r on\n%s\n(exit %s)\n%r" % (
                    what, self.screen.text, self.process.poll(), bytes(self.data[-300:])))
        return self

    def send(self, keys):
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            try:
                data = data[os.write(self.master, data):]
            except BlockingIOError:
                self.read_some(0.05)
        return self

    def signal(self, signum):
        os.kill(self.pid, signum)
        return self

    def wait(self, timeout=60):
        """Until it ends: its exit code, negative for a signal. All output is read."""
        end = time.monotonic() + timeout
        while self.process.poll() is None:
            if time.monotonic() > end:
                self.process.kill()
                self.process.wait()
                raise AssertionError("did not end within %s s" % timeout)
            self.read_some(0.05)
        while self.read_some(0.02):
            pass
        return self.process.returncode

    def vanish(self):
        """The terminal goes away."""
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    def left_behind(self):
        """What differs from the terminal that the program was given."""
        wrong = []
        if termios.tcgetattr(self.slave) != self.before:
            wrong.append("termios %r, was %r" % (termios.tcgetattr(self.slave), self.before))
        for name, value in Screen.INITIAL.items():
            if self.screen.modes[name] != value:
                wrong.append("%s is %s" % (name, self.screen.modes[name]))
        if self.screen.pushed != 0:
            wrong.append("%d titles are put aside" % self.screen.pushed)
        if self.screen.progress and not self.screen.progress[-1].startswith("4;0"):
            wrong.append("progress is %s" % self.screen.progress[-1])
        if self.screen.graphics[self.screen.shift]:
            wrong.append("line drawing characters are on")
        return wrong

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for fd in (self.master, self.slave):
            if fd >= 0:
                os.close(fd)
        self.master = self.slave = -1

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
