/*
 * The building blocks of the head: pieces of text and meters, row after row.
 */
#include "step_priv.h"

#include <depot/utf8.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void dp_step_head_release(struct step_head *h)
{
    depot_vec_free(&h->pieces);
    depot_vec_free(&h->links);
    depot_buf_release(&h->pool);
}

static struct head_piece *add_piece(struct step_head *h, uint32_t style, int w)
{
    struct head_piece *p = depot_vec_add(&h->pieces);
    p->y = h->y;
    p->x = h->x;
    p->w = w;
    p->style = style;
    p->link = -1;
    h->x += w;
    return p;
}

static struct head_piece *add_text(struct step_head *h, uint32_t style, const char *s, size_t n)
{
    int w = 0;
    n = depot_text_cut(s, n, h->w - h->x, &w);
    struct head_piece *p = add_piece(h, style, w);
    p->text = h->pool.len;
    p->len = n;
    depot_buf_add(&h->pool, s, n);
    return p;
}

void dp_head_text(struct step_head *h, uint32_t style, const char *s)
{
    add_text(h, style, s, strlen(s));
}

void dp_head_textf(struct step_head *h, uint32_t style, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    dp_head_text(h, style, text);
}

void dp_head_field(struct step_head *h, uint32_t style, int w, const char *s)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_text_fit(&b, s, w < h->w - h->x ? w : h->w - h->x, DEPOT_CUT_MIDDLE, h->ascii);
    dp_head_text(h, style, depot_buf_str(&b));
    depot_buf_release(&b);
}

void dp_head_meter(struct step_head *h, int w, double fraction, uint32_t style)
{
    struct head_piece *p = add_piece(h, style, w);
    p->meter = true;
    p->fraction = fraction;
}

void dp_head_glyph(struct step_head *h, uint32_t style, enum depot_sign g)
{
    char utf8[4];
    add_text(h, style, utf8, depot_utf8_encode(utf8, depot_sign_char(h->ascii, g)));
}

void dp_head_row(struct step_head *h)
{
    h->y++;
    h->x = 1;
    h->rows = h->y;
}

void dp_head_gap(struct step_head *h)
{
    if (h->tall)
        dp_head_row(h);
}

void dp_head_label(struct step_head *h, const char *s)
{
    dp_head_text(h, DEPOT_STYLE_HEADING, s);
    h->x = 1 + HEAD_LABEL_W;
}

/* Bytes of `s` that go into `columns`, cut between words where there are any. `*next` is where the
 * next row goes on. `clauses`: also in front of "&&". */
static size_t row_of_words(const char *s, size_t n, int columns, bool clauses, size_t *next)
{
    size_t fits = depot_text_cut(s, n, columns > 0 ? columns : 1, NULL);
    const char *newline = memchr(s, '\n', fits < n ? fits + 1 : fits);
    if (newline != NULL)
        fits = (size_t)(newline - s);
    if (clauses && n > fits) {
        for (size_t i = 1; i + 4 <= fits; i++) {
            if (memcmp(s + i, " && ", 4) == 0) {
                *next = i + 1;
                return i;
            }
        }
    }
    if (fits == n || newline != NULL) {
        *next = fits < n ? fits + 1 : n;
        return fits;
    }
    size_t cut = fits;
    while (cut > fits / 2 && s[cut] != ' ')
        cut--;
    if (s[cut] != ' ')
        cut = fits > 0 ? fits : 1; /* one long word */
    *next = cut;
    while (*next < n && s[*next] == ' ')
        (*next)++;
    return cut;
}

void dp_head_wrap(
    struct step_head *h, uint32_t style, int indent, int max, bool clauses, const char *s)
{
    size_t n = strlen(s), next;
    const bool split = clauses && depot_text_width(s) > h->w - h->x;
    for (int rows = 1; n > 0; rows++, s += next, n -= next) {
        size_t take = row_of_words(s, n, h->w - h->x, split, &next);
        if (next < n && rows >= max) { /* the last row, and not the last words */
            take = row_of_words(s, n, h->w - h->x - 2, split, &next);
            add_text(h, style, s, take);
            dp_head_glyph(h, DEPOT_STYLE_DIM, DEPOT_SIGN_ELLIPSIS);
            break;
        }
        add_text(h, style, s, take);
        if (next >= n)
            break;
        dp_head_row(h);
        h->x = indent;
    }
    dp_head_row(h);
}

void dp_head_words(struct step_head *h, uint32_t style, int indent, int max, const char *s)
{
    dp_head_wrap(h, style, indent, max, false, s);
}
