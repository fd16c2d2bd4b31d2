/*
 * Rows of cells. Every write ends in depot_row_put_char(), which alone checks bounds.
 */
#include <depot/cells.h>
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

void depot_cell_put(struct depot_buf *out, const struct depot_cell *c)
{
    char bytes[4];
    if (c->width == 0)
        return;
    depot_buf_add(out, bytes, depot_utf8_encode(bytes, c->ch));
    for (int i = 0; i < DEPOT_CELL_MARKS && c->marks[i] != 0; i++)
        depot_buf_add(out, bytes, depot_utf8_encode(bytes, c->marks[i]));
}
