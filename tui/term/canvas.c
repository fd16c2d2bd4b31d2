/*
 * Cells and how text becomes cells. Every write ends in put_cell(), which alone checks bounds.
 */
#include "canvas.h"

#include "tui/text.h"

#include <depot/utf8.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- the grid ---- */

static const struct cell blank = {.ch = ' ', .style = STYLE_TEXT, .width = 1};

void dp_grid_init(struct grid *g)
{
    memset(g, 0, sizeof(*g));
}

static int clamp(int n, int max)
{
    return n < 0 ? 0 : n > max ? max : n;
}

void dp_grid_resize(struct grid *g, int h, int w)
{
    g->h = clamp(h, GRID_MAX_H);
    g->w = clamp(w, GRID_MAX_W);
    depot_free(g->cells);
    g->cells = depot_calloc((size_t)g->h * (size_t)g->w + 1, sizeof(*g->cells));
    dp_grid_clear(g);
}

void dp_grid_clear(struct grid *g)
{
    const size_t w = (size_t)g->w;
    for (size_t x = 0; g->h > 0 && x < w; x++)
        g->cells[x] = blank;
    for (size_t y = 1; y < (size_t)g->h; y++)
        memcpy(&g->cells[y * w], g->cells, w * sizeof(*g->cells));
    g->hots.len = 0;
}

void dp_grid_release(struct grid *g)
{
    depot_free(g->cells);
    depot_vec_free(&g->hots);
    memset(g, 0, sizeof(*g));
}

static struct cell *cell_at(const struct grid *g, int y, int x)
{
    return &g->cells[(size_t)y * (size_t)g->w + (size_t)x];
}

const struct cell *dp_grid_cell(const struct grid *g, int y, int x)
{
    return cell_at(g, y, x);
}

const struct hot *dp_grid_hot(const struct grid *g, int y, int x, bool wheel)
{
    for (size_t i = g->hots.len; i-- > 0;) {
        const struct hot *h = &g->hots.items[i];
        if (y < h->y || y >= h->y + h->h || x < h->x || x >= h->x + h->w)
            continue;
        if (wheel ? h->pane > 0 : h->action != ACTION_NONE)
            return h;
    }
    return NULL;
}

/* ---- windows ---- */

struct canvas dp_canvas_of(struct grid *g)
{
    return (struct canvas){.grid = g, .h = g->h, .w = g->w};
}

/* Cut [*at, *at + *len) to [0, max); what was cut off the front is lost. */
static void cut_range(int *at, int *len, int max)
{
    int64_t first = *at, end = (int64_t)*at + (*len > 0 ? *len : 0);
    first = first < 0 ? 0 : first > max ? max : first;
    end = end < first ? first : end > max ? max : end;
    *at = (int)first;
    *len = (int)(end - first);
}

struct canvas dp_canvas_sub(const struct canvas *c, int y, int x, int h, int w)
{
    cut_range(&y, &h, c->h);
    cut_range(&x, &w, c->w);
    return (struct canvas){.grid = c->grid, .y = c->y + y, .x = c->x + x, .h = h, .w = w};
}

/* ---- cells ---- */

/* A wide character that loses one half loses the other too. */
static void break_wide(struct grid *g, int y, int x)
{
    struct cell *c = cell_at(g, y, x);
    if (c->width == 0 && x > 0) {
        struct cell *left = cell_at(g, y, x - 1);
        left->ch = ' ';
        left->width = 1;
        left->marks[0] = left->marks[1] = 0;
    }
    if (c->width == 2 && x + 1 < g->w) {
        struct cell *right = cell_at(g, y, x + 1);
        right->ch = ' ';
        right->width = 1;
    }
}

/* False when it does not fit whole. */
static bool put_cell(const struct canvas *c, int y, int x, uint32_t style, uint32_t ch, int width)
{
    if (y < 0 || y >= c->h || x < 0 || x + width > c->w)
        return false;
    const int gy = c->y + y, gx = c->x + x;
    for (int i = 0; i < width; i++)
        if (cell_at(c->grid, gy, gx + i)->width != 1)
            break_wide(c->grid, gy, gx + i);
    struct cell *cell = cell_at(c->grid, gy, gx);
    *cell =
        (struct cell){.ch = ch, .style = style & ~(uint32_t)STYLE_KEEP, .width = (uint8_t)width};
    if (width == 2)
        cell[1] = (struct cell){.style = cell->style};
    return true;
}

static void put_mark(const struct canvas *c, int y, int x, uint32_t mark)
{
    if (y < 0 || y >= c->h || x <= 0 || x > c->w || c->grid->ascii)
        return;
    struct cell *cell = cell_at(c->grid, c->y + y, c->x + x - 1);
    if (cell->width == 0 && x > 1)
        cell--;
    for (int i = 0; i < CELL_MARKS; i++) {
        if (cell->marks[i] == 0) {
            cell->marks[i] = mark;
            return;
        }
    }
}

int dp_canvas_putn(const struct canvas *c, int y, int x, uint32_t style, const char *s, size_t n)
{
    const int start = x;
    const bool ascii = c->grid->ascii;
    if (s == NULL || y < 0 || y >= c->h)
        return 0;
    for (size_t used; n > 0 && x < c->w; s += used, n -= used) {
        int32_t ch = (unsigned char)*s;
        int width = 1;
        used = 1;
        if (ch < ' ' || ch > '~') {
            ch = depot_utf8_decode(s, n, &used);
            width = ch < 0 ? 1 : dp_text_width_of((uint32_t)ch);
        }
        if (width < 0)
            continue;
        if (width == 0) {
            put_mark(c, y, x, (uint32_t)ch);
            continue;
        }
        if (ch < 0 || (ascii && ch > 0x7e && !(c->grid->wide && width == 2))) {
            for (int i = 1; i < width; i++)
                put_cell(c, y, x + i, style, '?', 1);
            ch = '?';
            put_cell(c, y, x, style, (uint32_t)ch, 1);
        } else if (!put_cell(c, y, x, style, (uint32_t)ch, width) && x >= 0) {
            break;
        }
        x += width;
    }
    return x - start;
}

int dp_canvas_put(const struct canvas *c, int y, int x, uint32_t style, const char *s)
{
    return s == NULL ? 0 : dp_canvas_putn(c, y, x, style, s, strlen(s));
}

int dp_canvas_putf(const struct canvas *c, int y, int x, uint32_t style, const char *fmt, ...)
{
    char small[256];
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(small, sizeof(small), fmt, ap);
    va_end(ap);
    if (n < (int)sizeof(small))
        return dp_canvas_put(c, y, x, style, small);
    va_start(ap, fmt);
    char *big = depot_vasprintf(fmt, ap);
    va_end(ap);
    const int got = dp_canvas_put(c, y, x, style, big);
    depot_free(big);
    return got;
}

void dp_canvas_field(
    const struct canvas *c, int y, int x, int w, enum fit fit, uint32_t style, const char *s)
{
    if (w <= 0 || s == NULL)
        return;
    const struct canvas f = {
        .grid = c->grid, .y = c->y, .x = c->x, .h = c->h, .w = x + w < c->w ? x + w : c->w};
    const int mark = c->grid->ascii ? 2 : 1;
    const int width = (int)dp_text_width(s);
    if (width <= w) {
        dp_canvas_put(&f, y, fit == FIT_RIGHT ? x + w - width : x, style, s);
        return;
    }
    if (fit == FIT_MIDDLE || (w <= mark && fit != FIT_HEAD)) {
        struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        dp_text_middle(&b, s, w, c->grid->ascii);
        dp_canvas_putn(&f, y, x, style, b.data, b.len);
        depot_buf_release(&b);
        return;
    }
    if (fit == FIT_TAIL) {
        size_t at = 0, n = strlen(s);
        int got = 0;
        at = dp_text_cut(s, n, width - (w - mark), &got);
        if (got < width - (w - mark) && at < n) { /* a wide character straddles the cut */
            size_t used;
            depot_utf8_decode(s + at, n - at, &used);
            at += used;
        }
        dp_canvas_put(&f, y, x, style, c->grid->ascii ? ".." : "…");
        dp_canvas_putn(&f, y, x + mark, style, s + at, n - at);
        return;
    }
    int got = 0;
    const size_t cut = dp_text_cut(s, strlen(s), fit == FIT_HEAD ? w : w - mark, &got);
    dp_canvas_putn(&f, y, x, style, s, cut);
    if (fit != FIT_HEAD)
        dp_canvas_put(&f, y, x + got, style, c->grid->ascii ? ".." : "…");
}

void dp_canvas_fill(const struct canvas *c, int y, int x, int h, int w, uint32_t style, uint32_t ch)
{
    cut_range(&y, &h, c->h);
    cut_range(&x, &w, c->w);
    for (int r = 0; r < h; r++)
        for (int i = 0; i < w; i++)
            put_cell(c, y + r, x + i, style, ch, 1);
}

void dp_canvas_paint(const struct canvas *c, int y, int x, int h, int w, uint32_t style)
{
    cut_range(&y, &h, c->h);
    cut_range(&x, &w, c->w);
    for (int r = 0; r < h; r++) {
        for (int i = 0; i < w; i++) {
            struct cell *cell = cell_at(c->grid, c->y + y + r, c->x + x + i);
            if (style & STYLE_KEEP)
                cell->style |= style & ATTR_ALL;
            else
                cell->style = style;
        }
    }
}

void dp_canvas_hot(
    const struct canvas *c, int y, int x, int h, int w, enum action action, intptr_t arg, int pane)
{
    cut_range(&y, &h, c->h);
    cut_range(&x, &w, c->w);
    const struct hot hot = {
        .y = c->y + y, .x = c->x + x, .h = h, .w = w, .action = action, .arg = arg, .pane = pane};
    if (h > 0 && w > 0)
        depot_vec_push(&c->grid->hots, hot);
}

/* ---- glyphs ---- */

static const struct {
    uint32_t utf8;
    char ascii;
} glyphs[] = {
    [GLYPH_WAIT] = {0x00b7, '.'},
    [GLYPH_RUN] = {0x00bb, '>'},
    [GLYPH_HIT] = {'=', '='},
    [GLYPH_SKIP] = {'-', '-'},
    [GLYPH_SHARED] = {'~', '~'},
    [GLYPH_RAN] = {0x2713, '#'},
    [GLYPH_FAIL] = {0x2717, 'X'},
    [GLYPH_CANC] = {'/', '/'},
    [GLYPH_WARN] = {'!', '!'},
    [GLYPH_NONE] = {' ', ' '},
    [GLYPH_CRITICAL] = {'*', '*'},
    [GLYPH_HLINE] = {0x2500, '-'},
    [GLYPH_VLINE] = {0x2502, '|'},
    [GLYPH_NODE] = {0x25cb, 'o'},
    [GLYPH_FORK] = {0x256e, '\\'},
    [GLYPH_JOIN] = {0x256f, '/'},
    [GLYPH_TEE_RIGHT] = {0x251c, '|'},
    [GLYPH_TEE_LEFT] = {0x2524, '|'},
    [GLYPH_TEE_DOWN] = {0x252c, '-'},
    [GLYPH_TEE_UP] = {0x2534, '-'},
    [GLYPH_CROSS] = {0x253c, '+'},
    [GLYPH_CORNER_TL] = {0x256d, '+'},
    [GLYPH_CORNER_TR] = {0x256e, '+'},
    [GLYPH_CORNER_BL] = {0x2570, '+'},
    [GLYPH_CORNER_BR] = {0x256f, '+'},
    [GLYPH_FOLDED] = {0x25b8, '+'},
    [GLYPH_OPEN] = {0x25be, '-'},
    [GLYPH_CURSOR] = {0x203a, '>'},
    [GLYPH_TAG] = {0x2022, '*'},
    [GLYPH_ELLIPSIS] = {0x2026, '.'},
    [GLYPH_BULLET] = {0x00b7, '.'},
    [GLYPH_UP] = {0x2191, '^'},
    [GLYPH_DOWN] = {0x2193, 'v'},
    [GLYPH_BAR_FULL] = {0x2501, '='},
    [GLYPH_BAR_HALF] = {0x257e, '-'},
    [GLYPH_BAR_EMPTY] = {0x2500, '-'},
};
_Static_assert(DEPOT_ARRAY_LEN(glyphs) == GLYPH_COUNT, "every glyph has its characters");

uint32_t dp_glyph(bool ascii, enum glyph g)
{
    return ascii ? (uint32_t)(unsigned char)glyphs[g].ascii : glyphs[g].utf8;
}

int dp_canvas_glyph(const struct canvas *c, int y, int x, uint32_t style, enum glyph g)
{
    put_cell(c, y, x, style, dp_glyph(c->grid->ascii, g), 1);
    return 1;
}

void dp_canvas_hline(const struct canvas *c, int y, int x, int w, uint32_t style)
{
    dp_canvas_fill(c, y, x, 1, w, style, dp_glyph(c->grid->ascii, GLYPH_HLINE));
}

void dp_canvas_vline(const struct canvas *c, int y, int x, int h, uint32_t style)
{
    dp_canvas_fill(c, y, x, h, 1, style, dp_glyph(c->grid->ascii, GLYPH_VLINE));
}

/* Eighths of a column do not exist in every font; halves do, as heavy lines. In ASCII the empty
 * part is dots, so that it differs from the full one. */
void dp_canvas_meter(const struct canvas *c, int y, int x, int w, double fraction, uint32_t full)
{
    const bool ascii = c->grid->ascii;
    if (w <= 0)
        return;
    dp_canvas_fill(c, y, x, 1, w, STYLE_FAINT, ascii ? '.' : dp_glyph(false, GLYPH_BAR_EMPTY));
    if (!(fraction > 0))
        return;
    const int halves = fraction >= 1 ? 2 * w : (int)(fraction * 2 * w + 0.5);
    dp_canvas_fill(c, y, x, 1, halves / 2, full, dp_glyph(ascii, GLYPH_BAR_FULL));
    if (halves % 2 == 1 || halves == 0)
        put_cell(c, y, x + halves / 2, full, dp_glyph(ascii, GLYPH_BAR_HALF), 1);
}

/* ---- as text ---- */

static void cell_text(const struct cell *c, struct depot_buf *out)
{
    char bytes[4];
    if (c->width == 0)
        return;
    depot_buf_add(out, bytes, depot_utf8_encode(bytes, c->ch));
    for (int i = 0; i < CELL_MARKS && c->marks[i] != 0; i++)
        depot_buf_add(out, bytes, depot_utf8_encode(bytes, c->marks[i]));
}

void dp_grid_text(const struct grid *g, struct depot_buf *out)
{
    for (int y = 0; y < g->h; y++) {
        for (int x = 0; x < g->w; x++)
            cell_text(cell_at(g, y, x), out);
        while (out->len > 0 && out->data[out->len - 1] == ' ')
            depot_buf_truncate(out, out->len - 1);
        depot_buf_addc(out, '\n');
    }
}

static void look_sgr(const struct look *l, struct depot_buf *out)
{
    static const struct {
        uint32_t attr;
        const char *sgr;
    } attrs[] = {{ATTR_BOLD, ";1"}, {ATTR_DIM, ";2"}, {ATTR_ITALIC, ";3"}, {ATTR_UNDERLINE, ";4"},
        {ATTR_REVERSE, ";7"}};
    depot_buf_adds(out, "\033[0");
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(attrs); i++)
        if (l->attrs & attrs[i].attr)
            depot_buf_adds(out, attrs[i].sgr);
    for (int ground = 0; ground < 2; ground++) {
        const int32_t colour = ground == 0 ? l->fg : l->bg;
        const int base = ground == 0 ? 38 : 48;
        if (colour >= STYLE_RGB)
            depot_buf_addf(out, ";%d;2;%d;%d;%d", base, colour >> 16 & 0xff, colour >> 8 & 0xff,
                colour & 0xff);
        else if (colour >= 0)
            depot_buf_addf(out, ";%d;5;%d", base, colour);
    }
    depot_buf_addc(out, 'm');
}

void dp_grid_ansi(const struct grid *g, const struct style_set *styles, struct depot_buf *out)
{
    for (int y = 0; y < g->h; y++) {
        uint32_t style = UINT32_MAX;
        for (int x = 0; x < g->w; x++) {
            const struct cell *c = cell_at(g, y, x);
            if (c->style != style) {
                const struct look l = dp_style_look(styles, c->style);
                look_sgr(&l, out);
                style = c->style;
            }
            cell_text(c, out);
        }
        depot_buf_adds(out, "\033[0m\n");
    }
}
