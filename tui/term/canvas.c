/*
 * The grid, windows onto it, and what is drawn there: all of it by rows of cells.
 */
#include "canvas.h"

#include <depot/text.h>
#include <depot/utf8.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- the grid ---- */

static const struct depot_cell blank = DEPOT_CELL_BLANK;

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

static struct depot_cell *cell_at(const struct grid *g, int y, int x)
{
    return &g->cells[(size_t)y * (size_t)g->w + (size_t)x];
}

const struct depot_cell *dp_grid_cell(const struct grid *g, int y, int x)
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

/* Row `y` of a window, which is inside. */
static struct depot_row row_of(const struct canvas *c, int y)
{
    const struct grid *g = c->grid;
    return (struct depot_row){
        .cells = cell_at(g, c->y + y, 0),
        .width = g->w,
        .from = c->x,
        .to = c->x + c->w,
        .charset = !g->ascii ? DEPOT_CHARSET_UTF8
                   : g->wide ? DEPOT_CHARSET_WIDE
                             : DEPOT_CHARSET_ASCII,
    };
}

static void put_char(const struct canvas *c, int y, int x, uint32_t style, uint32_t ch)
{
    if (y < 0 || y >= c->h)
        return;
    const struct depot_row row = row_of(c, y);
    depot_row_put_char(&row, c->x + x, style, ch, 1);
}

int dp_canvas_putn(const struct canvas *c, int y, int x, uint32_t style, const char *s, size_t n)
{
    if (s == NULL || y < 0 || y >= c->h)
        return 0;
    const struct depot_row row = row_of(c, y);
    return depot_row_put(&row, c->x + x, style, s, n);
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
    const int width = depot_text_width(s);
    if (width <= w) {
        dp_canvas_put(&f, y, fit == FIT_RIGHT ? x + w - width : x, style, s);
        return;
    }
    static const enum depot_cut cuts[] = {
        [FIT_LEFT] = DEPOT_CUT_END,
        [FIT_RIGHT] = DEPOT_CUT_END,
        [FIT_MIDDLE] = DEPOT_CUT_MIDDLE,
        [FIT_TAIL] = DEPOT_CUT_FRONT,
        [FIT_HEAD] = DEPOT_CUT_BARE,
    };
    struct depot_buf cut = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_text_fit(&cut, s, w, cuts[fit], c->grid->ascii);
    dp_canvas_putn(&f, y, x, style, cut.data, cut.len);
    depot_buf_release(&cut);
}

void dp_canvas_fill(const struct canvas *c, int y, int x, int h, int w, uint32_t style, uint32_t ch)
{
    cut_range(&y, &h, c->h);
    cut_range(&x, &w, c->w);
    for (int r = 0; r < h; r++) {
        const struct depot_row row = row_of(c, y + r);
        for (int i = 0; i < w; i++)
            depot_row_put_char(&row, c->x + x + i, style, ch, 1);
    }
}

void dp_canvas_paint(const struct canvas *c, int y, int x, int h, int w, uint32_t style)
{
    cut_range(&y, &h, c->h);
    cut_range(&x, &w, c->w);
    for (int r = 0; r < h; r++) {
        for (int i = 0; i < w; i++) {
            struct depot_cell *cell = cell_at(c->grid, c->y + y + r, c->x + x + i);
            if (style & STYLE_KEEP)
                cell->style |= style & DEPOT_ATTR_ALL;
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

/* ---- signs ---- */

int dp_canvas_glyph(const struct canvas *c, int y, int x, uint32_t style, enum depot_sign g)
{
    put_char(c, y, x, style, depot_sign_char(c->grid->ascii, g));
    return 1;
}

void dp_canvas_hline(const struct canvas *c, int y, int x, int w, uint32_t style)
{
    dp_canvas_fill(c, y, x, 1, w, style, depot_sign_char(c->grid->ascii, DEPOT_SIGN_HLINE));
}

void dp_canvas_vline(const struct canvas *c, int y, int x, int h, uint32_t style)
{
    dp_canvas_fill(c, y, x, h, 1, style, depot_sign_char(c->grid->ascii, DEPOT_SIGN_VLINE));
}

void dp_canvas_meter(const struct canvas *c, int y, int x, int w, double fraction, uint32_t full)
{
    if (y < 0 || y >= c->h)
        return;
    const struct depot_row row = row_of(c, y);
    depot_row_put_meter(&row, c->x + x, w, fraction, full);
}

/* ---- as text ---- */

void dp_grid_text(const struct grid *g, struct depot_buf *out)
{
    for (int y = 0; y < g->h; y++) {
        for (int x = 0; x < g->w; x++)
            depot_cell_put(out, cell_at(g, y, x));
        while (out->len > 0 && out->data[out->len - 1] == ' ')
            depot_buf_truncate(out, out->len - 1);
        depot_buf_addc(out, '\n');
    }
}

void dp_grid_ansi(const struct grid *g, const struct depot_styles *styles, struct depot_buf *out)
{
    for (int y = 0; y < g->h; y++) {
        uint32_t style = UINT32_MAX;
        for (int x = 0; x < g->w; x++) {
            const struct depot_cell *c = cell_at(g, y, x);
            if (c->style != style) {
                const struct depot_look l = depot_styles_look(styles, c->style);
                depot_look_put(out, &l);
                style = c->style;
            }
            depot_cell_put(out, c);
        }
        depot_buf_adds(out, "\033[0m\n");
    }
}
