/*
 * The few lines at the bottom of a terminal, and the least bytes that turn one frame into the next.
 * Relative moves only, no mode is set, the last column stays free: any terminal can do it.
 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* wcwidth() */
#endif

#include "render/tty.h"

#include <depot/utf8.h>

#include <string.h>
#include <wchar.h>

/* Equal cells between two changes that are cheaper to write than to jump over. */
enum { JUMP_COST = 5 };

static const struct dp_tty_cell blank = {.ch = " ", .len = 1, .style = DP_STYLE_TEXT};

void dp_tty_screen_init(struct dp_tty_screen *s)
{
    s->shown = depot_calloc(DP_TTY_ROWS_MAX, sizeof(*s->shown));
    s->next = depot_calloc(DP_TTY_ROWS_MAX, sizeof(*s->next));
}

void dp_tty_screen_release(struct dp_tty_screen *s)
{
    depot_free(s->shown);
    depot_free(s->next);
}

void dp_tty_screen_start(struct dp_tty_screen *s, int width)
{
    s->nnext = 0;
    s->width = width > DP_TTY_WIDTH_MAX ? DP_TTY_WIDTH_MAX : width;
}

struct dp_tty_line *dp_tty_screen_line(struct dp_tty_screen *s)
{
    struct dp_tty_line *l;

    if (s->nnext == DP_TTY_ROWS_MAX)
        return NULL;
    l = &s->next[s->nnext++];
    l->len = 0;
    return l;
}

/* ---- text into cells ---- */

/* Columns; -1: not to be shown. `*instead` is set when the terminal may not know the character. */
static int columns_of(int32_t ch, const char **instead)
{
    int w;

    if (ch == '\t') {
        *instead = " ";
        return 1;
    }
    if (ch >= 0x20 && ch < 0x7f)
        return 1;
    if (ch >= 0 && (ch < 0x20 || ch == 0x7f || dp_is_hidden((uint32_t)ch)))
        return -1;
    if (ch >= 0xfe00 && ch <= 0xfe0f)
        return -1; /* terminals do not agree on what a variation selector does to the width */
    w = ch < 0 ? -1 : wcwidth((wchar_t)ch);
    if (w >= 0)
        return w;
    *instead = "?";
    return 1;
}

static void add_mark(struct dp_tty_line *l, const char *s, size_t n)
{
    int at = l->len - 1;

    while (at >= 0 && l->cells[at].len == 0)
        at--;
    /* A pile of marks higher than any language's is cut. */
    if (at < 0 || l->cells[at].len + n > sizeof(l->cells[at].ch))
        return;
    memcpy(l->cells[at].ch + l->cells[at].len, s, n);
    l->cells[at].len = (uint8_t)(l->cells[at].len + n);
}

static void add_cell(struct dp_tty_line *l, enum dp_style style, const char *s, size_t n, int w)
{
    struct dp_tty_cell *c = &l->cells[l->len];

    memcpy(c->ch, s, n);
    c->len = (uint8_t)n;
    c->style = (uint8_t)style;
    l->len++;
    if (w < 2)
        return;
    l->cells[l->len].len = 0;
    l->cells[l->len].style = (uint8_t)style;
    l->len++;
}

void dp_tty_put(struct dp_tty_line *l, enum dp_style style, const char *s, int end)
{
    if (end > DP_TTY_WIDTH_MAX)
        end = DP_TTY_WIDTH_MAX;
    for (size_t n = strlen(s), used; n > 0; s += used, n -= used) {
        const char *instead = NULL;
        int w = columns_of(depot_utf8_decode(s, n, &used), &instead);

        if (w > 0 && l->len + w > end)
            return;
        if (w > 0)
            add_cell(l, style, instead ? instead : s, instead ? 1 : used, w);
        else if (w == 0)
            add_mark(l, s, used);
    }
}

int depot_text_width(const char *s)
{
    int columns = 0;

    for (size_t n = strlen(s), used; n > 0; s += used, n -= used) {
        const char *instead = NULL;
        int w = columns_of(depot_utf8_decode(s, n, &used), &instead);

        columns += w > 0 ? w : 0;
    }
    return columns;
}

size_t dp_tty_text_cut(const char *s, int columns, int *w)
{
    size_t at = 0;

    *w = 0;
    for (size_t n = strlen(s), used; n > 0; at += used, n -= used) {
        const char *instead = NULL;
        int c = columns_of(depot_utf8_decode(s + at, n, &used), &instead);

        if (*w + (c > 0 ? c : 0) > columns)
            break;
        *w += c > 0 ? c : 0;
    }
    return at;
}

void dp_tty_put_cut(struct dp_tty_line *l, enum dp_style style, const char *s, int end, bool utf8)
{
    const char *mark = utf8 ? "\u2026" : "..";

    if (l->len + depot_text_width(s) <= end) {
        dp_tty_put(l, style, s, end);
        return;
    }
    if (end - l->len < 4)
        mark = "";
    dp_tty_put(l, style, s, end - depot_text_width(mark));
    dp_tty_put(l, style, mark, end);
}

void dp_tty_pad(struct dp_tty_line *l, int column)
{
    while (l->len < column && l->len < DP_TTY_WIDTH_MAX)
        l->cells[l->len++] = blank;
}

/* ---- cells onto the terminal ---- */

static const struct dp_tty_cell *cell_at(const struct dp_tty_line *l, int i)
{
    return i < l->len ? &l->cells[i] : &blank;
}

static bool same(const struct dp_tty_cell *a, const struct dp_tty_cell *b)
{
    if (a->len != b->len || memcmp(a->ch, b->ch, a->len) != 0)
        return false;
    /* A blank looks the same in every style that has no background. */
    return a->style == b->style || (a->len == 1 && a->ch[0] == ' ' && a->style != DP_STYLE_FAIL &&
                                       b->style != DP_STYLE_FAIL);
}

static void put_move(struct depot_buf *out, int n, char which)
{
    if (n == 1)
        depot_buf_addf(out, "\033[%c", which);
    else if (n > 1)
        depot_buf_addf(out, "\033[%d%c", n, which);
}

static void move_to(struct dp_tty_screen *s, struct depot_buf *out, int row, int col)
{
    put_move(out, s->row - row, 'A');
    put_move(out, row - s->row, 'B');
    if (col < s->col) {
        depot_buf_addc(out, '\r');
        s->col = 0;
    }
    put_move(out, col - s->col, 'C');
    s->row = row;
    s->col = col;
}

static void put_cells(struct dp_tty_screen *s, struct depot_buf *out,
    const struct depot_render_opts *opts, const struct dp_tty_line *l, int from, int to)
{
    for (int i = from; i < to; i++) {
        const struct dp_tty_cell *c = cell_at(l, i);

        if (c->len && c->style != s->style) {
            s->style = (enum dp_style)c->style;
            dp_put_style(out, opts, s->style);
        }
        depot_buf_add(out, c->ch, c->len);
    }
    s->col = to;
}

static void draw_line(
    struct dp_tty_screen *s, struct depot_buf *out, const struct depot_render_opts *opts, int row)
{
    const struct dp_tty_line *was = &s->shown[row], *is = &s->next[row];
    int i = 0;

    while (i < is->len) {
        int from, to, gap = 0;

        if (same(cell_at(was, i), cell_at(is, i))) {
            i++;
            continue;
        }
        for (from = i, to = ++i; i < is->len && gap <= JUMP_COST; i++) {
            gap = same(cell_at(was, i), cell_at(is, i)) ? gap + 1 : 0;
            if (!gap)
                to = i + 1;
        }
        /* The left half is written with the right one. */
        while (from > 0 && cell_at(is, from)->len == 0)
            from--;
        while (to < is->len && cell_at(is, to)->len == 0)
            to++;
        move_to(s, out, row, from);
        put_cells(s, out, opts, is, from, to);
    }
    if (was->len > is->len) {
        move_to(s, out, row, is->len);
        if (s->style != DP_STYLE_TEXT) {
            s->style = DP_STYLE_TEXT;
            dp_put_style(out, opts, s->style);
        }
        depot_buf_adds(out, "\033[K");
    }
}

static void trim(struct dp_tty_line *l)
{
    while (l->len > 0 && l->cells[l->len - 1].len == 1 && l->cells[l->len - 1].ch[0] == ' ')
        l->len--;
}

void dp_tty_screen_draw(
    struct dp_tty_screen *s, struct depot_buf *out, const struct depot_render_opts *opts)
{
    struct dp_tty_line *was = s->shown;

    s->row = s->nshown;
    s->col = 0;
    s->style = DP_STYLE_TEXT;
    if (s->nnext < s->nshown) {
        move_to(s, out, s->nnext, 0);
        depot_buf_adds(out, "\033[J");
    }
    for (; s->nshown < s->nnext; s->nshown++, s->row++) {
        s->shown[s->nshown].len = 0;
        depot_buf_adds(out, "\r\n");
    }
    for (int i = 0; i < s->nnext; i++) {
        trim(&s->next[i]);
        draw_line(s, out, opts, i);
    }
    if (s->style != DP_STYLE_TEXT)
        dp_put_style(out, opts, DP_STYLE_TEXT);
    move_to(s, out, s->nnext, 0);
    s->shown = s->next;
    s->next = was;
    s->nshown = s->nnext;
}

void dp_tty_screen_erase(struct dp_tty_screen *s, struct depot_buf *out)
{
    if (!s->nshown)
        return;
    depot_buf_addc(out, '\r');
    put_move(out, s->nshown, 'A');
    depot_buf_adds(out, "\033[J");
    s->nshown = 0;
}

void dp_tty_screen_rewrap(struct dp_tty_screen *s, struct depot_buf *out, int width, int height)
{
    int rows = 0;

    if (!s->nshown)
        return;
    for (int i = 0; i < s->nshown; i++)
        rows += width > 0 && s->shown[i].len > width ? (s->shown[i].len + width - 1) / width : 1;
    /* What has left the screen at its top cannot be reached. */
    if (rows > height - 1)
        rows = height > 1 ? height - 1 : 0;
    depot_buf_addc(out, '\r');
    put_move(out, rows, 'A');
    depot_buf_adds(out, "\033[J");
    s->nshown = 0;
}
