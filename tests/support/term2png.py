#!/usr/bin/env python3
"""Draw a terminal screen, text with SGR sequences as `tmux capture-pane -e -p` gives it, as a PNG.

    term2png.py OUT.png [--columns N] [--rows N] [--light] < screen

Needs python3-pil and DejaVu Sans Mono (fonts-dejavu-core). Cells are drawn one by one on a grid, so
that columns align whatever the font thinks of a character.
"""
import argparse
import os
import re
import sys
import unicodedata

from PIL import Image, ImageDraw, ImageFont

FONT_DIR = "/usr/share/fonts/truetype/dejavu"
SIZE, PAD = 15, 14
DARK = {"fg": (0xD4, 0xD7, 0xDD), "bg": (0x16, 0x18, 0x1D)}
LIGHT = {"fg": (0x2A, 0x2C, 0x33), "bg": (0xFB, 0xFB, 0xF8)}
BASE = [
    (0x1B, 0x1D, 0x23), (0xD9, 0x5B, 0x52), (0x5F, 0xB3, 0x6A), (0xD8, 0xA6, 0x3C),
    (0x5B, 0x8D, 0xD6), (0xB9, 0x7F, 0xC9), (0x4F, 0xB0, 0xC6), (0xC8, 0xCC, 0xD4),
    (0x6B, 0x70, 0x7C), (0xF0, 0x7A, 0x70), (0x7F, 0xD0, 0x8A), (0xF0, 0xC4, 0x60),
    (0x82, 0xAE, 0xF0), (0xD2, 0x9E, 0xE0), (0x72, 0xD0, 0xE4), (0xF4, 0xF6, 0xFA),
]
SGR = re.compile(r"\x1b\[([0-9;:]*)m")
OTHER = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|.)")


def palette(n):
    if n < 16:
        return BASE[n]
    if n < 232:
        n -= 16
        return tuple(0 if v == 0 else 55 + 40 * v for v in (n // 36, n // 6 % 6, n % 6))
    return (8 + 10 * (n - 232),) * 3


class Style:
    def __init__(self):
        self.reset()

    def reset(self):
        self.fg = self.bg = None
        self.bold = self.dim = self.italic = self.under = self.reverse = False

    def apply(self, text):
        codes = [int(c or 0) for c in re.split("[;:]", text)] if text else [0]
        while codes:
            self.one(codes.pop(0), codes)

    def one(self, c, rest):
        flags = {1: "bold", 2: "dim", 3: "italic", 4: "under", 7: "reverse"}
        if c == 0:
            self.reset()
        elif c in flags:
            setattr(self, flags[c], True)
        elif c == 22:
            self.bold = self.dim = False
        elif c in (23, 24, 27):
            setattr(self, {23: "italic", 24: "under", 27: "reverse"}[c], False)
        elif 30 <= c <= 37 or 90 <= c <= 97:
            self.fg = palette(c - 30 if c < 90 else c - 82)
        elif 40 <= c <= 47 or 100 <= c <= 107:
            self.bg = palette(c - 40 if c < 100 else c - 92)
        elif c == 39:
            self.fg = None
        elif c == 49:
            self.bg = None
        elif c in (38, 48) and rest:
            colour = self.extended(rest)
            setattr(self, "fg" if c == 38 else "bg", colour)

    @staticmethod
    def extended(rest):
        kind = rest.pop(0)
        if kind == 5 and rest:
            return palette(rest.pop(0))
        if kind == 2 and len(rest) >= 3:
            return tuple(rest.pop(0) for _ in range(3))
        return None

    def colours(self, theme):
        fg, bg = self.fg or theme["fg"], self.bg or theme["bg"]
        if self.reverse:
            fg, bg = bg, fg
        if self.dim:
            fg = tuple((a * 55 + b * 45) // 100 for a, b in zip(fg, bg))
        return fg, bg


def cells(line, style):
    """(character with its marks, columns, state of the style) for each cell of a line."""
    out, at = [], 0
    while at < len(line):
        m = SGR.match(line, at)
        if m:
            style.apply(m.group(1))
            at = m.end()
            continue
        m = OTHER.match(line, at)
        if m:
            at = m.end()
            continue
        ch = line[at]
        at += 1
        if unicodedata.combining(ch) and out:
            out[-1][0] += ch
        elif ch >= " ":
            width = 2 if unicodedata.east_asian_width(ch) in "WF" else 1
            out.append([ch, width, vars(style).copy()])
    return out


def load_fonts():
    def font(name):
        return ImageFont.truetype(os.path.join(FONT_DIR, name), SIZE)
    regular, bold = font("DejaVuSansMono.ttf"), font("DejaVuSansMono-Bold.ttf")
    try:
        italic = font("DejaVuSansMono-Oblique.ttf")
    except OSError:  # not in fonts-dejavu-core
        italic = regular
    return regular, bold, italic


def box_line(draw, ch, x, y, w, h, fg):
    """Lines are drawn, not typed: a font leaves gaps between cells. True when it did."""
    light, heavy = max(1, SIZE // 12), max(2, SIZE // 5)
    cx, cy = x + w // 2, y + h // 2
    ways = {  # left, right, up, down: 0 none, 1 light, 2 heavy
        "─": (1, 1, 0, 0), "│": (0, 0, 1, 1), "━": (2, 2, 0, 0), "┃": (0, 0, 2, 2),
        "╸": (2, 0, 0, 0), "╺": (0, 2, 0, 0), "├": (0, 1, 1, 1), "┤": (1, 0, 1, 1),
        "┬": (1, 1, 0, 1), "┴": (1, 1, 1, 0), "┼": (1, 1, 1, 1), "╾": (2, 1, 0, 0), "╼": (1, 2, 0, 0),
        "╭": (0, 1, 0, 1), "╮": (1, 0, 0, 1), "╰": (0, 1, 1, 0), "╯": (1, 0, 1, 0),
        "┌": (0, 1, 0, 1), "┐": (1, 0, 0, 1), "└": (0, 1, 1, 0), "┘": (1, 0, 1, 0),
    }.get(ch)
    if not ways:
        return False
    for way, (x0, y0, x1, y1) in zip(ways, ((x, cy, cx, cy), (cx, cy, x + w - 1, cy),
                                            (cx, y, cx, cy), (cx, cy, cx, y + h - 1))):
        if not way:
            continue
        t = light if way == 1 else heavy
        a, b = t // 2, t - t // 2 - 1
        if y0 == y1:
            draw.rectangle((x0, y0 - a, x1, y0 + b), fill=fg)
        else:
            draw.rectangle((x0 - a, y0, x0 + b, y1), fill=fg)
    return True


def draw_screen(text, columns, rows, theme):
    fonts = load_fonts()
    w = round(fonts[0].getlength("M"))
    ascent, descent = fonts[0].getmetrics()
    h = ascent + descent + 2
    style, lines = Style(), []
    for line in text.split("\n"):
        lines.append(cells(line, style))
    if lines and not lines[-1]:
        lines.pop()
    rows = rows or len(lines)
    columns = columns or max((sum(c[1] for c in line) for line in lines), default=1)
    image = Image.new("RGB", (columns * w + 2 * PAD, rows * h + 2 * PAD), theme["bg"])
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines[:rows]):
        x, y = PAD, PAD + row * h
        for ch, width, state in line:
            s = Style()
            vars(s).update(state)
            fg, bg = s.colours(theme)
            if bg != theme["bg"]:
                draw.rectangle((x, y, x + width * w - 1, y + h - 1), fill=bg)
            font = fonts[1] if s.bold else fonts[2] if s.italic else fonts[0]
            if ch != " " and not box_line(draw, ch, x, y, w, h, fg):
                draw.text((x, y + 1), ch, font=font, fill=fg)
            if s.under:
                draw.line((x, y + ascent + 2, x + width * w - 1, y + ascent + 2), fill=fg)
            x += width * w
    return image


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("out")
    p.add_argument("--columns", type=int)
    p.add_argument("--rows", type=int)
    p.add_argument("--light", action="store_true")
    a = p.parse_args()
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    draw_screen(text, a.columns, a.rows, LIGHT if a.light else DARK).save(a.out)


if __name__ == "__main__":
    main()
