/*
 * The few lines at the bottom of a terminal, and the least bytes that turn one frame into the next.
 * Relative moves only, no mode is set, the last column stays free: any terminal can do it.
 */
#include "render/tty.h"

#include <depot/utf8.h>

#include <string.h>

/* Equal cells between two changes that are cheaper to write than to jump over. */
enum { JUMP_COST = 5 };

static const struct depot_cell blank = DEPOT_CELL_BLANK;

void dp_tty_screen_init(struct dp_tty_screen *s, const struct depot_render_opts *opts)
{
    s->shown = depot_calloc(DP_TTY_ROWS_MAX, sizeof(*s->shown));
    s->next = depot_calloc(DP_TTY_ROWS_MAX, sizeof(*s->next));
    s->charset = opts->utf8 ? DEPOT_CHARSET_UTF8 : DEPOT_CHARSET_ASCII;
    if (opts->styles != NULL)
        s->styles = *opts->styles;
    else
        depot_styles_init(&s->styles, DEPOT_PALETTE_MONO);
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
    l->charset = s->charset;
    for (int i = 0; i < s->width; i++)
        l->cells[i] = blank;
    return l;
}

/* ---- text into cells ---- */

static struct depot_row row_of(struct dp_tty_line *l, int end)
{
    return (struct depot_row){
        .cells = l->cells,
        .width = DP_TTY_WIDTH_MAX,
        .to = end < DP_TTY_WIDTH_MAX ? end : DP_TTY_WIDTH_MAX,
        .charset = l->charset,
    };
}

void dp_tty_put(struct dp_tty_line *l, enum depot_style style, const char *s, int end)
{
    const struct depot_row row = row_of(l, end);

    l->len += depot_row_put(&row, l->len, style, s, strlen(s));
}

void dp_tty_put_sign(struct dp_tty_line *l, enum depot_style style, enum depot_sign sign, int end)
{
    char utf8[5] = "";

    depot_utf8_encode(utf8, depot_sign_char(l->charset != DEPOT_CHARSET_UTF8, sign));
    dp_tty_put(l, style, utf8, end);
}

void dp_tty_put_cut(struct dp_tty_line *l, enum depot_style style, const char *s, int end)
{
    struct depot_buf cut = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    depot_text_fit(&cut, s, end - l->len, DEPOT_CUT_END, l->charset != DEPOT_CHARSET_UTF8);
    dp_tty_put(l, style, depot_buf_str(&cut), end);
    depot_buf_release(&cut);
}

void dp_tty_put_meter(struct dp_tty_line *l, int columns, double fraction, int end)
{
    const struct depot_row row = row_of(l, end);
    const int w = l->len + columns < row.to ? columns : row.to - l->len;

    if (w <= 0)
        return;
    depot_row_put_meter(&row, l->len, w, fraction, DEPOT_STYLE_METER);
    l->len += w;
}

void dp_tty_pad(struct dp_tty_line *l, int column)
{
    while (l->len < column && l->len < DP_TTY_WIDTH_MAX)
        l->cells[l->len++] = blank;
}

/* ---- cells onto the terminal ---- */

static const struct depot_cell *cell_at(const struct dp_tty_line *l, int i)
{
    return i < l->len ? &l->cells[i] : &blank;
}

static bool same(const struct depot_cell *a, const struct depot_cell *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
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

static void set_style(struct dp_tty_screen *s, struct depot_buf *out, uint32_t style)
{
    const struct depot_look look = depot_styles_look(&s->styles, style);

    if (style == s->style)
        return;
    s->style = style;
    depot_look_put(out, &look);
}

static void put_cells(
    struct dp_tty_screen *s, struct depot_buf *out, const struct dp_tty_line *l, int from, int to)
{
    for (int i = from; i < to; i++) {
        const struct depot_cell *c = cell_at(l, i);

        if (c->width > 0)
            set_style(s, out, c->style);
        depot_cell_put(out, c);
    }
    s->col = to;
}

static void draw_line(struct dp_tty_screen *s, struct depot_buf *out, int row)
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
        while (from > 0 && cell_at(is, from)->width == 0)
            from--;
        while (to < is->len && cell_at(is, to)->width == 0)
            to++;
        move_to(s, out, row, from);
        put_cells(s, out, is, from, to);
    }
    if (was->len > is->len) {
        move_to(s, out, row, is->len);
        set_style(s, out, DEPOT_STYLE_TEXT);
        depot_buf_adds(out, "\033[K");
    }
}

static void trim(struct dp_tty_line *l)
{
    while (l->len > 0 && l->cells[l->len - 1].ch == ' ')
        l->len--;
}

void dp_tty_screen_draw(struct dp_tty_screen *s, struct depot_buf *out)
{
    struct dp_tty_line *was = s->shown;

    s->row = s->nshown;
    s->col = 0;
    s->style = DEPOT_STYLE_TEXT;
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
        draw_line(s, out, i);
    }
    set_style(s, out, DEPOT_STYLE_TEXT);
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
