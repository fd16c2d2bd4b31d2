/*
 * The bytes of a log line become cells. The only place where escape sequences of a log are read.
 */
#include "line.h"

#include <depot/text.h>

#include <depot/utf8.h>

#include <stdlib.h>
#include <string.h>

/* What all erasures of one line may touch together: "ESC [1K" thousands of times must not cost. */
enum { ERASE_MAX = 1024 * 1024 };
enum { SGR_MAX = 32, TAB = 8, ESC = 0x1b, BEL = 0x07, DEL = 0x7f };

struct decoder {
    struct log_cells *out;
    size_t column, erased;
    uint32_t style;
    bool colours;
};

void dp_log_cells_release(struct log_cells *l)
{
    depot_vec_free(&l->cells);
}

void dp_log_text_release(struct log_text *t)
{
    depot_buf_release(&t->text);
    depot_vec_free(&t->columns);
}

/* ---- cells ---- */

static const struct depot_cell blank = DEPOT_CELL_BLANK;

static struct depot_row row_of(const struct decoder *d)
{
    const int n = (int)d->out->cells.len;
    return (struct depot_row){.cells = d->out->cells.items, .width = n, .to = n};
}

static void pad_to(struct decoder *d, size_t columns)
{
    while (d->out->cells.len < columns)
        depot_vec_push(&d->out->cells, blank);
}

static void put(struct decoder *d, uint32_t ch, int width)
{
    if (d->column + (size_t)width > LOG_COLUMNS_MAX)
        return;
    pad_to(d, d->column + (size_t)width);
    const struct depot_row row = row_of(d);
    depot_row_put_char(&row, (int)d->column, d->style, ch, width);
    d->column += (size_t)width;
}

static void put_mark(struct decoder *d, uint32_t mark)
{
    const struct depot_row row = row_of(d);
    depot_row_put_mark(&row, (int)d->column, mark);
}

static void clear_cell(struct decoder *d, size_t at)
{
    const struct depot_row row = row_of(d);
    depot_row_put_char(&row, (int)at, DEPOT_STYLE_TEXT, ' ', 1);
}

static void erase(struct decoder *d, size_t from, size_t to)
{
    const size_t len = d->out->cells.len;
    if (from < len && to >= len) {
        clear_cell(d, from);
        d->out->cells.len = from;
    }
    for (size_t i = from; i < to && to < len && d->erased < ERASE_MAX; i++, d->erased++)
        clear_cell(d, i);
}

/* ---- SGR ---- */

/* The nearest of the 256: the cube, or the grey ramp when it is nearer to grey. */
static uint32_t nearest(unsigned r, unsigned g, unsigned b)
{
    r &= 255;
    g &= 255;
    b &= 255;
    if (r == g && g == b && r >= 8 && r <= 238)
        return 232 + (r - 8) / 10;
    return (uint32_t)depot_colour_nearest256((int)(r << 16 | g << 8 | b));
}

static void set_fg(struct decoder *d, uint32_t n)
{
    d->style = (d->style & ~DEPOT_STYLE_FG(255)) | DEPOT_STYLE_FG(n & 255);
}

static void set_bg(struct decoder *d, uint32_t n)
{
    d->style = (d->style & ~DEPOT_STYLE_BG(255)) | DEPOT_STYLE_BG(n & 255);
}

/* 38 and 48: what follows them. Returns how many parameters it took. */
static int sgr_extended(struct decoder *d, const unsigned *p, int n, bool colons)
{
    void (*set)(struct decoder *, uint32_t) = p[0] == 38 ? set_fg : set_bg;
    if (n >= 3 && p[1] == 5) {
        set(d, p[2]);
        return 3;
    }
    /* With colons a colour space may stand before the three values. */
    const int at = colons && n >= 6 ? 3 : 2;
    if (n >= at + 3 && p[1] == 2) {
        set(d, nearest(p[at], p[at + 1], p[at + 2]));
        return at + 3;
    }
    return n;
}

static const struct {
    unsigned on, off;
    uint32_t attr;
} sgr_attrs[] = {{1, 22, DEPOT_ATTR_BOLD}, {2, 22, DEPOT_ATTR_DIM}, {3, 23, DEPOT_ATTR_ITALIC},
    {4, 24, DEPOT_ATTR_UNDERLINE}, {7, 27, DEPOT_ATTR_REVERSE}};

static void sgr_one(struct decoder *d, unsigned p)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(sgr_attrs); i++) {
        if (p == sgr_attrs[i].on)
            d->style |= sgr_attrs[i].attr;
        else if (p == sgr_attrs[i].off)
            d->style &= ~sgr_attrs[i].attr;
    }
    if (p == 0)
        d->style = DEPOT_STYLE_TEXT;
    else if (p >= 30 && p <= 37)
        set_fg(d, p - 30);
    else if (p >= 90 && p <= 97)
        set_fg(d, p - 90 + 8);
    else if (p == 39)
        d->style &= ~DEPOT_STYLE_FG(255);
    else if (p >= 40 && p <= 47)
        set_bg(d, p - 40);
    else if (p >= 100 && p <= 107)
        set_bg(d, p - 100 + 8);
    else if (p == 49)
        d->style &= ~DEPOT_STYLE_BG(255);
}

static void sgr(struct decoder *d, const unsigned *p, int n, bool colons)
{
    for (int i = 0; i < n;) {
        if (p[i] == 38 || p[i] == 48) {
            i += sgr_extended(d, p + i, n - i, colons);
        } else {
            sgr_one(d, p[i]);
            i++;
            if (colons)
                break; /* "4:3": a kind of underline */
        }
    }
    const uint32_t s = d->style;
    if ((s & DEPOT_STYLE_HAS_FG) && (s & DEPOT_STYLE_HAS_BG) &&
        DEPOT_STYLE_FG_OF(s) == DEPOT_STYLE_BG_OF(s))
        d->style &= ~DEPOT_STYLE_FG(255); /* nobody could read it */
}

/* ---- sequences ---- */

static void csi_final(struct decoder *d, char final, const unsigned *p, int n, bool colons)
{
    if (final == 'm' && d->colours) {
        sgr(d, p, n, colons);
    } else if (final == 'K') {
        if (p[0] == 0)
            erase(d, d->column, SIZE_MAX);
        else if (p[0] == 1)
            erase(d, 0, d->column + 1);
        else if (p[0] == 2)
            erase(d, 0, SIZE_MAX);
    } else if (final == 'G') {
        d->column = p[0] > 0 ? p[0] - 1 : 0;
        if (d->column > d->out->cells.len)
            d->column = d->out->cells.len;
    }
}

/* Behind "ESC [". Returns the bytes it took; a sequence that is cut short takes all. */
static size_t csi(struct decoder *d, const char *s, size_t n)
{
    unsigned p[SGR_MAX] = {0};
    int count = 1;
    bool colons = false, known = true;
    for (size_t i = 0; i < n; i++) {
        const unsigned char b = (unsigned char)s[i];
        if (b >= '0' && b <= '9') {
            if (p[count - 1] < 100000)
                p[count - 1] = p[count - 1] * 10 + (b - '0');
        } else if (b == ';' || b == ':') {
            colons |= b == ':';
            if (count < SGR_MAX)
                p[count++] = 0;
            else
                known = false;
        } else if (b >= 0x40 && b <= 0x7e) {
            if (known)
                csi_final(d, (char)b, p, count, colons);
            return i + 1;
        } else if (b >= 0x20 && b < 0x40) {
            known = false; /* private, or with intermediate bytes */
        } else {
            return i; /* broken off by a control: that one counts */
        }
    }
    return n;
}

/* OSC, DCS and the like: up to BEL or ESC \. One that never ends takes nothing but its start: it
 * must not swallow the line. */
static size_t control_string(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] == BEL)
            return i + 1;
        if (s[i] == ESC)
            return i + 1 < n && s[i + 1] == '\\' ? i + 2 : i;
    }
    return 0;
}

/* `s` begins with ESC. */
static size_t escape(struct decoder *d, const char *s, size_t n)
{
    if (n < 2)
        return 1;
    if (s[1] == '[')
        return 2 + csi(d, s + 2, n - 2);
    if (strchr("]PX^_", s[1]) != NULL && s[1] != '\0')
        return 2 + control_string(s + 2, n - 2);
    size_t i = 1;
    while (i < n && s[i] >= 0x20 && s[i] < 0x30)
        i++;
    return i < n && (unsigned char)s[i] >= 0x30 && (unsigned char)s[i] < DEL ? i + 1 : i;
}

static size_t control(struct decoder *d, const char *s, size_t n)
{
    switch (s[0]) {
    case ESC:
        return escape(d, s, n);
    case '\r':
        d->column = 0;
        break;
    case '\b':
        d->column -= d->column > 0;
        break;
    case '\t': {
        const size_t to = (d->column / TAB + 1) * TAB;
        if (to <= LOG_COLUMNS_MAX) {
            pad_to(d, to);
            d->column = to;
        }
        break;
    }
    default:
        break;
    }
    return 1;
}

void dp_log_line_decode(struct log_cells *out, const char *data, size_t n, bool colours)
{
    struct decoder d = {.out = out, .style = DEPOT_STYLE_TEXT, .colours = colours};
    out->cells.len = 0;
    for (size_t used; n > 0; data += used, n -= used) {
        const unsigned char b = (unsigned char)data[0];
        used = 1;
        if (b < 0x20 || b == DEL) {
            used = control(&d, data, n);
        } else if (b < DEL) {
            put(&d, b, 1);
        } else {
            const struct depot_char c = depot_text_next(data, n);
            used = c.used;
            if (c.width == 0)
                put_mark(&d, c.ch);
            else if (c.width > 0)
                put(&d, c.ch, c.width);
        }
    }
}

bool dp_log_line_is_plain(const char *data, size_t n)
{
    unsigned char bad = 0;
    for (size_t i = 0; i < n; i++)
        bad |= (unsigned char)(data[i] - 0x20) >= DEL - 0x20;
    return !bad;
}

/* ---- text ---- */

static void text_add(struct log_text *t, uint32_t ch, size_t column)
{
    char utf8[4];
    const size_t n = depot_utf8_encode(utf8, ch);
    depot_buf_add(&t->text, utf8, n);
    for (size_t i = 0; i < n; i++)
        depot_vec_push(&t->columns, (uint32_t)column);
}

void dp_log_cells_text(const struct log_cells *l, size_t from, size_t to, struct log_text *out)
{
    out->text.max = DEPOT_BUF_NO_LIMIT;
    depot_buf_clear(&out->text);
    out->columns.len = 0;
    if (to > l->cells.len)
        to = l->cells.len;
    for (size_t i = from; i < to; i++) {
        const struct depot_cell *c = &l->cells.items[i];
        if (c->width == 0)
            continue;
        text_add(out, c->ch, i);
        for (int m = 0; m < DEPOT_CELL_MARKS && c->marks[m] != 0; m++)
            text_add(out, c->marks[m], i);
    }
    depot_vec_push(&out->columns, (uint32_t)(to > from ? to : from));
}
