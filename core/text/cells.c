/*
 * Rows of cells. Every write ends in depot_row_put_char(), which alone checks bounds.
 */
#include <depot/cells.h>
#include <depot/style.h>
#include <depot/text.h>
#include <depot/utf8.h>

/* A wide character that loses one half loses the other too. */
static void break_wide(const struct depot_row *r, int x)
{
    struct depot_cell *c = &r->cells[x];
    if (c->width == 0 && x > 0)
        c[-1] = (struct depot_cell){.ch = ' ', .style = c[-1].style, .width = 1};
    if (c->width == 2 && x + 1 < r->width)
        c[1] = (struct depot_cell){.ch = ' ', .style = c[1].style, .width = 1};
}

bool depot_row_put_char(const struct depot_row *r, int x, uint32_t style, uint32_t ch, int width)
{
    if (x < r->from || x + width > r->to)
        return false;
    struct depot_cell *cell = &r->cells[x];
    for (int i = 0; i < width; i++)
        if (cell[i].width != 1)
            break_wide(r, x + i);
    *cell = (struct depot_cell){.ch = ch, .style = style, .width = (uint32_t)width};
    if (width == 2)
        cell[1] = (struct depot_cell){.style = style};
    return true;
}

void depot_row_put_mark(const struct depot_row *r, int x, uint32_t mark)
{
    if (x <= r->from || x > r->to || r->charset != DEPOT_CHARSET_UTF8)
        return;
    struct depot_cell *cell = &r->cells[x - 1];
    if (cell->width == 0 && x > 1)
        cell--;
    for (int i = 0; i < DEPOT_CELL_MARKS; i++) {
        if (cell->marks[i] == 0) {
            cell->marks[i] = mark;
            return;
        }
    }
}

static bool can_show(enum depot_charset charset, const struct depot_char *c)
{
    return c->ch < 0x7f || charset == DEPOT_CHARSET_UTF8 ||
           (charset == DEPOT_CHARSET_WIDE && c->width == 2);
}

int depot_row_put(const struct depot_row *r, int x, uint32_t style, const char *s, size_t n)
{
    const int start = x;
    for (struct depot_char c; n > 0 && x < r->to; s += c.used, n -= c.used) {
        c = depot_text_next(s, n);
        if (c.width < 0)
            continue;
        if (c.width == 0) {
            depot_row_put_mark(r, x, c.ch);
            continue;
        }
        if (!can_show(r->charset, &c)) {
            for (int i = 0; i < c.width; i++)
                depot_row_put_char(r, x + i, style, '?', 1);
        } else if (!depot_row_put_char(r, x, style, c.ch, c.width) && x >= r->from) {
            break;
        }
        x += c.width;
    }
    return x - start;
}

/* Eighths of a column do not exist in every font; halves do, as heavy lines. */
void depot_row_put_meter(const struct depot_row *r, int x, int w, double fraction, uint32_t full)
{
    const bool ascii = r->charset != DEPOT_CHARSET_UTF8;
    int halves = !(fraction > 0) || w <= 0 ? 0
                 : fraction >= 1           ? 2 * w
                                           : (int)(fraction * 2 * w + 0.5);
    if (fraction > 0 && halves == 0)
        halves = 1;
    for (int i = 0; i < w; i++, halves -= 2) {
        const enum depot_sign sign = halves >= 2   ? DEPOT_SIGN_BAR_FULL
                                     : halves == 1 ? DEPOT_SIGN_BAR_HALF
                                                   : DEPOT_SIGN_BAR_EMPTY;
        depot_row_put_char(
            r, x + i, halves > 0 ? full : DEPOT_STYLE_FAINT, depot_sign_char(ascii, sign), 1);
    }
}

void depot_cell_put(struct depot_buf *out, const struct depot_cell *c)
{
    char bytes[4];
    if (c->width == 0)
        return;
    depot_buf_add(out, bytes, depot_utf8_encode(bytes, c->ch));
    for (int i = 0; i < DEPOT_CELL_MARKS && c->marks[i] != 0; i++)
        depot_buf_add(out, bytes, depot_utf8_encode(bytes, c->marks[i]));
}
