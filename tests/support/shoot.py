#!/usr/bin/python3
"""Take pictures of the terminal programs: run one in tmux, press keys, draw what the screen shows.

    shoot.py --recordings DIR --out DIR [NAME...]         the pictures of the table below
    shoot.py --capture FILE --size WxH -- COMMAND...      one screen as text with SGR sequences

Needs tmux, python3-pil and DejaVu Sans Mono.
"""
import argparse
import datetime
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time

from PIL import Image, ImageChops

import term2png

# Long enough for a screen to be drawn on a busy machine.
SETTLE = 0.7
TERMINAL = {"TERM": "tmux-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}


class Screen:
    """A program in a tmux server of its own."""

    def __init__(self, size, command, env=None):
        self.columns, self.rows = (int(n) for n in size.split("x"))
        self.dir = tempfile.TemporaryDirectory()
        conf = os.path.join(self.dir.name, "conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write('set -g default-terminal "tmux-256color"\nset -g status off\n'
                    'set -g remain-on-exit on\nset -g remain-on-exit-format ""\n'
                    'set -as terminal-overrides ",*:Tc"\nset -g history-limit 2000\n')
        self.tmux = ["tmux", "-S", os.path.join(self.dir.name, "s"), "-f", conf]
        words = ["env"] + ["%s=%s" % kv for kv in {**TERMINAL, **(env or {})}.items()] + command
        subprocess.run(self.tmux + ["new-session", "-d", "-x", str(self.columns), "-y", str(self.rows),
                                    shlex.join(words)], check=True,
                       env={k: v for k, v in os.environ.items() if k not in ("TMUX", "NO_COLOR", "CI")})

    def press(self, *keys):
        for key in keys:
            subprocess.run(self.tmux + ["send-keys", "-t", ":0.0", key], check=True)
            time.sleep(0.05)

    def type(self, text):
        subprocess.run(self.tmux + ["send-keys", "-t", ":0.0", "-l", text], check=True)

    def text(self):
        return subprocess.run(self.tmux + ["capture-pane", "-t", ":0.0", "-e", "-p", "-N"], check=True,
                              capture_output=True).stdout.decode("utf-8", "replace")

    def close(self):
        subprocess.run(self.tmux + ["kill-server"], check=False)
        self.dir.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def top(recording, *more):
    """depot-top on a recording that stands still until it is told where to go."""
    return ["depot-top", "--replay", recording + ".ndjson", "--no-mouse", *more]


def seek(at):
    return ["P", ":seek " + at, "Enter"]


# Name, command, sizes, what is typed: ":..." and "/..." as they are, the rest are tmux's key names.
SMALL, LARGE, HUGE = "80x24", "120x40", "200x50"
PAGES = ["/sh pages", "Enter"]
SHOTS = (
    ("fleet", top("fleet"), (SMALL, LARGE, HUGE), seek("40%") + ["S", "g"]),
    ("builders", top("fleet", "--open", "builders"), (SMALL, LARGE), seek("90%")),
    ("graph", top("web"), (SMALL, LARGE), seek("40%") + ["1"]),
    ("graph", top("web"), (HUGE,), seek("40%") + ["1"] + PAGES),
    ("time", top("web"), (SMALL, LARGE), seek("40%") + ["2"]),
    ("time", top("web"), (HUGE,), seek("40%") + ["2"] + PAGES),
    ("flat", top("web"), (SMALL, LARGE), seek("40%") + ["3"]),
    ("cached", top("change"), (SMALL, LARGE, HUGE), seek("100%") + ["1"]),
    ("why", top("why"), (SMALL, LARGE), seek("100%") + ["]", "x"]),
    ("failed", top("fail"), (SMALL, LARGE), seek("100%") + ["e", "Enter"]),
    ("step", top("web"), (SMALL, LARGE), seek("40%") + ["3"] + PAGES + ["Enter"]),
    ("help", top("web"), (SMALL, LARGE), seek("40%") + ["?"]),
)
# What a replay has no answer to was captured when the builds were recorded: NAME.WxH.ansi.
CAPTURED = {"cache": (SMALL, LARGE), "history": (SMALL, LARGE)}
# The display of depot build at a moment (seconds of the replay; None: its end), and its size.
INLINE = {
    "inline": ("web", (SMALL, LARGE), 0.4),
    "inline-failed": ("fail", (LARGE,), None),
}
SPEED = 1
# The animated picture: size, and what is typed after how many seconds.
MOVIE = ("96x26", "web", [
    (0.0, []), (3.5, ["2"]), (6.0, ["3"]), (7.5, ["/sh pages"]), (8.3, ["Enter"]), (9.3, ["Enter"]),
    (11.5, ["T"]), (13.0, ["q"]), (14.0, ["1"]), (15.5, None)])
FRAME = 0.6


def type_keys(screen, keys):
    for key in keys:
        if key[0] in ":/" and len(key) > 1:
            screen.type(key)
        else:
            screen.press(key)


def play(screen, keys):
    type_keys(screen, keys)
    time.sleep(SETTLE)


def write(out, name, size, text):
    columns, rows = (int(n) for n in size.split("x"))
    for kind in ("png", "svg"):
        path = os.path.join(out, "%s-%s.%s" % (name, size, kind))
        term2png.save(text, path, columns, rows)
        print(path)


def wanted(name, only):
    return not only or any(name.startswith(o) for o in only)


def length(recording):
    """Seconds from the first to the last event."""
    times = []
    with open(recording + ".ndjson", encoding="utf-8") as f:
        for line in f:
            at = json.loads(line)["time"]
            times.append(datetime.datetime.fromisoformat(at[:26].rstrip("Z")).timestamp())
    return times[-1] - times[0]


def draw_views(a):
    for name, command, sizes, keys in SHOTS:
        for size in sizes if wanted(name, a.only) else ():
            with Screen(size, command) as s:
                time.sleep(SETTLE)
                play(s, keys)
                write(a.out, name, size, s.text())


def draw_captured(a):
    for name, sizes in CAPTURED.items():
        for size in sizes if wanted(name, a.only) else ():
            with open("%s.%s.ansi" % (name, size), encoding="utf-8") as f:
                write(a.out, name, size, f.read())


def draw_inline(a):
    for name, (recording, sizes, part) in INLINE.items():
        for size in sizes if wanted(name, a.only) else ():
            replay = ["depot", "replay", recording + ".ndjson", "--progress=tty", "--speed=%d" % SPEED]
            shell = "printf '$ depot build --platform linux/amd64,linux/arm64 .\\n'; exec " + shlex.join(replay)
            with Screen(size, ["sh", "-c", shell]) as s:
                time.sleep(length(recording) / SPEED * (part or 1) + (0 if part else 2))
                write(a.out, name, size, s.text().rstrip("\n"))


def save_gif(images, palette, durations, path):
    """One palette for all, and only the pixels that change, so that it stays small."""
    clear = 255
    images = [i.quantize(palette=palette, dither=Image.Dither.NONE) for i in images]
    frames = images[:1]
    for before, now in zip(images, images[1:]):
        same = ImageChops.difference(before.convert("RGB"), now.convert("RGB")).convert("L").point(
            lambda v: 255 if v == 0 else 0)
        frame = now.copy()
        frame.paste(clear, mask=same)
        frames.append(frame)
    frames[0].save(path, save_all=True, append_images=frames[1:], loop=0, duration=durations,
                   transparency=clear, disposal=1, optimize=False)


def draw_movie(a):
    size, recording, script = MOVIE
    if not wanted("movie", a.only):
        return
    columns, rows = (int(n) for n in size.split("x"))
    script, frames, times = list(script), [], []
    with Screen(size, top(recording)) as s:
        start = time.monotonic()
        while script:
            now = time.monotonic() - start
            if now >= script[0][0]:
                type_keys(s, script.pop(0)[1] or [])
            text = s.text()
            if not frames or frames[-1] != text:
                frames.append(text)
                times.append(time.monotonic() - start)
            time.sleep(FRAME)
        times.append(time.monotonic() - start + 2)
    images = [term2png.draw_screen(text, columns, rows, term2png.DARK) for text in frames]
    path = os.path.join(a.out, "movie.gif")
    # Few steps at the edges of characters: a smaller file, and nobody sees it in motion.
    palette = term2png.palette_of(frames, term2png.DARK, 90)
    save_gif(images, palette, [int((b - a) * 1000) for a, b in zip(times, times[1:])], path)
    print(path)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--recordings")
    p.add_argument("--out")
    p.add_argument("--capture")
    p.add_argument("--size", default=SMALL)
    p.add_argument("only", nargs="*")
    a = p.parse_args()
    if a.capture:
        with Screen(a.size, a.only) as s:
            time.sleep(3)
            with open(a.capture, "w", encoding="utf-8") as f:
                f.write(s.text())
        return
    a.out = os.path.abspath(a.out)
    os.chdir(a.recordings)
    draw_views(a)
    draw_captured(a)
    draw_inline(a)
    draw_movie(a)


if __name__ == "__main__":
    sys.exit(main())
