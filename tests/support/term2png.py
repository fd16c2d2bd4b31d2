#!/usr/bin/env python3
"""Draw a terminal screen, text with SGR sequences as `tmux capture-pane -e -p` gives it.

    term2png.py OUT.png|OUT.svg [--columns N] [--rows N] [--light] < screen

Needs python3-pil and DejaVu Sans Mono (fonts-dejavu-core). Cells are drawn one by one on a grid, so
that columns align whatever the font thinks of a character.
"""
import argparse
import html
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


WAYS = {  # left, right, up, down: 0 none, 1 light, 2 heavy
    "─": (1, 1, 0, 0), "│": (0, 0, 1, 1), "━": (2, 2, 0, 0), "┃": (0, 0, 2, 2),
    "╸": (2, 0, 0, 0), "╺": (0, 2, 0, 0), "├": (0, 1, 1, 1), "┤": (1, 0, 1, 1),
    "┬": (1, 1, 0, 1), "┴": (1, 1, 1, 0), "┼": (1, 1, 1, 1), "╾": (2, 1, 0, 0), "╼": (1, 2, 0, 0),
    "╭": (0, 1, 0, 1), "╮": (1, 0, 0, 1), "╰": (0, 1, 1, 0), "╯": (1, 0, 1, 0),
    "┌": (0, 1, 0, 1), "┐": (1, 0, 0, 1), "└": (0, 1, 1, 0), "┘": (1, 0, 1, 0),
    "┏": (0, 2, 0, 2), "┓": (2, 0, 0, 2), "┗": (0, 2, 2, 0), "┛": (2, 0, 2, 0),
}


def box_rects(ch, x, y, w, h):
    """Lines are drawn, not typed: a font leaves gaps between cells. Inclusive (x0, y0, x1, y1)."""
    light, heavy = max(1, SIZE // 12), max(2, SIZE // 5)
    cx, cy = x + w // 2, y + h // 2
    if "▁" <= ch <= "█":  # eighths from below
        top = h * (0x2588 - ord(ch)) // 8
        return [(x, y + top, x + w - 1, y + h - 1)]
    if "▉" <= ch <= "▏":  # eighths from the left
        return [(x, y, x + max(1, w * (0x2590 - ord(ch)) // 8) - 1, y + h - 1)]
    out = []
    for way, (x0, y0, x1, y1) in zip(WAYS.get(ch, ()), ((x, cy, cx, cy), (cx, cy, x + w - 1, cy),
                                                        (cx, y, cx, cy), (cx, cy, cx, y + h - 1))):
        if not way:
            continue
        t = light if way == 1 else heavy
        a, b = t // 2, t - t // 2 - 1
        out.append((x0, y0 - a, x1, y0 + b) if y0 == y1 else (x0 - a, y0, x0 + b, y1))
    return out


class Geometry:
    def __init__(self, text, columns, rows):
        self.fonts = load_fonts()
        self.w = round(self.fonts[0].getlength("M"))
        self.ascent, descent = self.fonts[0].getmetrics()
        self.h = self.ascent + descent + 2
        style = Style()
        self.lines = [cells(line, style) for line in text.split("\n")]
        if self.lines and not self.lines[-1]:
            self.lines.pop()
        self.rows = rows or len(self.lines)
        self.columns = columns or max((sum(c[1] for c in line) for line in self.lines), default=1)
        self.lines = self.lines[:self.rows]
        self.size = (self.columns * self.w + 2 * PAD, self.rows * self.h + 2 * PAD)

    def cells(self, theme):
        """(character, x, y, width in pixels, style, foreground, background) of each cell."""
        for row, line in enumerate(self.lines):
            x, y = PAD, PAD + row * self.h
            for ch, width, state in line:
                s = Style()
                vars(s).update(state)
                fg, bg = s.colours(theme)
                yield ch, x, y, width * self.w, s, fg, bg
                x += width * self.w


def draw_screen(text, columns, rows, theme):
    g = Geometry(text, columns, rows)
    image = Image.new("RGB", g.size, theme["bg"])
    draw = ImageDraw.Draw(image)
    for ch, x, y, w, s, fg, bg in g.cells(theme):
        if bg != theme["bg"]:
            draw.rectangle((x, y, x + w - 1, y + g.h - 1), fill=bg)
        font = g.fonts[1] if s.bold else g.fonts[2] if s.italic else g.fonts[0]
        rects = box_rects(ch, x, y, w, g.h)
        for r in rects:
            draw.rectangle(r, fill=fg)
        if ch != " " and not rects:
            draw.text((x, y + 1), ch, font=font, fill=fg)
        if s.under:
            draw.line((x, y + g.ascent + 2, x + w - 1, y + g.ascent + 2), fill=fg)
    return image


def colour(rgb):
    return "#%02x%02x%02x" % rgb


def runs(g, theme):
    """Neighbouring cells of one look, as [text, x, y, width, style, fg, bg]; lines stand alone."""
    out = []
    for ch, x, y, w, s, fg, bg in g.cells(theme):
        plain = ord(ch[0]) < 0x2000 and w == g.w
        last = out[-1] if out else None
        if (plain and last and last[7] and last[2] == y and last[1] + last[3] == x and
                vars(last[4]) == vars(s) and last[5] == fg and last[6] == bg):
            last[0] += ch
            last[3] += w
        else:
            out.append([ch, x, y, w, s, fg, bg, plain])
    return out


def svg_text(g, run):
    text, x, y, w, s, fg = run[:6]
    attrs = 'x="%d" y="%d" fill="%s"' % (x, y + 1 + g.ascent, colour(fg))
    attrs += ' textLength="%d"' % w if len(text) > 1 else ""
    attrs += ' font-weight="bold"' if s.bold else ""
    attrs += ' font-style="italic"' if s.italic else ""
    attrs += ' text-decoration="underline"' if s.under else ""
    return "<text %s>%s</text>" % (attrs, html.escape(text, quote=False))


def svg_rect(r, fill):
    return '<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>' % (
        r[0], r[1], r[2] - r[0] + 1, r[3] - r[1] + 1, colour(fill))


def merged(rects):
    """Lines of neighbouring cells as one."""
    out = []
    for r, fill in sorted(rects, key=lambda p: (p[0][1], p[0][3], p[1], p[0][0])):
        if out and out[-1][1] == fill and out[-1][0][1::2] == r[1::2] and out[-1][0][2] >= r[0] - 1:
            out[-1] = ((out[-1][0][0], r[1], max(out[-1][0][2], r[2]), r[3]), fill)
        else:
            out.append((r, fill))
    return out


def draw_svg(text, columns, rows, theme):
    g = Geometry(text, columns, rows)
    backs, lines, words = [], [], []
    for run in runs(g, theme):
        ch, x, y, w, s, fg, bg = run[:7]
        if bg != theme["bg"]:
            backs.append(((x, y, x + w - 1, y + g.h - 1), bg))
        rects = box_rects(ch, x, y, w, g.h) if len(ch) == 1 else []
        lines += [(r, fg) for r in rects]
        if not rects and ch.strip():
            # Spaces at the ends would be dropped, and the rest stretched over their place.
            lead = len(ch) - len(ch.lstrip(" "))
            kept = ch.strip(" ")
            words.append(svg_text(g, [kept, x + lead * g.w, y, len(kept) * g.w if run[7] else w, s, fg]))
    body = [svg_rect(r, f) for r, f in merged(backs)] + [svg_rect(r, f) for r, f in merged(lines)] + words
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" '
            'font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="%d" '
            'xml:space="preserve">\n<rect width="100%%" height="100%%" rx="6" fill="%s"/>\n%s\n</svg>\n'
            % (*g.size, *g.size, SIZE, colour(theme["bg"]), "\n".join(body)))


def palette_of(texts, theme, most=250):
    """An image with the colours of the texts, and the steps of their edges towards the background."""
    pairs = {(theme["fg"], theme["bg"])}
    for text in texts:
        pairs |= {(c[5], c[6]) for c in Geometry(text, None, None).cells(theme)}
    steps = max(2, min(8, most // len(pairs)))
    found = [tuple((f * k + b * (steps - 1 - k)) // (steps - 1) for f, b in zip(fg, bg))
             for fg, bg in sorted(pairs) for k in range(steps)]
    found = list(dict.fromkeys(found))[:most]
    image = Image.new("P", (1, 1))
    image.putpalette([v for rgb in found + [found[0]] * (256 - len(found)) for v in rgb])
    return image


def save(text, path, columns=None, rows=None, theme=None):
    theme = theme or DARK
    if path.endswith(".svg"):
        with open(path, "w", encoding="utf-8") as f:
            f.write(draw_svg(text, columns, rows, theme))
        return
    image = draw_screen(text, columns, rows, theme)
    colours = palette_of([text], theme)
    image.quantize(palette=colours, dither=Image.Dither.NONE).save(path, optimize=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("out")
    p.add_argument("--columns", type=int)
    p.add_argument("--rows", type=int)
    p.add_argument("--light", action="store_true")
    a = p.parse_args()
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    save(text, a.out, a.columns, a.rows, LIGHT if a.light else DARK)


if __name__ == "__main__":
    main()
