/*
 * Candidates, Tab by Tab.
 */
#include "complete.h"

#include <depot/text.h>

enum { CANDIDATES_MAX = 4096, BETWEEN = 2 };

void dp_completion_begin(struct completion *c, size_t from, const char *typed, size_t n)
{
    dp_completion_end(c);
    c->from = from;
    c->typed = depot_strndup(typed, n);
}

void dp_completion_end(struct completion *c)
{
    for (size_t i = 0; i < c->items.len; i++) {
        depot_free(c->items.items[i].text);
        depot_free(c->items.items[i].note);
    }
    depot_vec_free(&c->items);
    depot_free(c->typed);
    *c = (struct completion){0};
}

void dp_completion_offer(struct completion *c, const char *text, const char *note)
{
    const bool meant = depot_str_starts(text, c->typed) ||
                       (note != NULL && c->typed[0] != '\0' && depot_str_starts(note, c->typed));
    /* A control character cannot be typed, nor sent to the terminal. */
    if (!meant || depot_str_has_control(text) || c->items.len >= CANDIDATES_MAX)
        return;
    for (size_t i = 0; i < c->items.len; i++)
        if (depot_str_eq(c->items.items[i].text, text))
            return;
    struct candidate *k = depot_vec_add(&c->items);
    k->text = depot_strdup(text);
    k->note = depot_strdup(note);
    c->at = c->items.len;
}

/* Bytes that all begin with, whole characters. */
static size_t common(const struct completion *c)
{
    const char *first = c->items.items[0].text;
    size_t n = strlen(first);
    for (size_t i = 1; i < c->items.len; i++) {
        const size_t same = depot_text_common(first, c->items.items[i].text);
        n = same < n ? same : n;
    }
    return n;
}

const char *dp_completion_step(struct completion *c, int by)
{
    const size_t n = c->items.len;
    if (n == 0)
        return c->typed;
    const size_t shared = common(c);
    if (c->at == n && shared > strlen(c->typed) &&
        depot_str_starts(c->items.items[0].text, c->typed)) {
        depot_free(c->typed);
        c->typed = depot_strndup(c->items.items[0].text, shared);
        return c->typed;
    }
    c->at = (c->at + (by < 0 ? n : 1)) % (n + 1);
    return c->at < n ? c->items.items[c->at].text : c->typed;
}

/* ---- how it looks ---- */

static int width_of(const struct candidate *k)
{
    return (int)(depot_text_width(k->text) + (k->note != NULL ? depot_text_width(k->note) + 1 : 0));
}

/* Behind the last candidate of the page that begins with this one. */
static size_t page_end(const struct completion *c, size_t first, int w)
{
    size_t i = first;
    int x = 0;
    while (i < c->items.len && (i == first || x + width_of(&c->items.items[i]) <= w))
        x += width_of(&c->items.items[i++]) + BETWEEN;
    return i;
}

static int draw_candidate(const struct canvas *row, int x, const struct candidate *k, bool here)
{
    const int w = dp_canvas_put(row, 0, x, DEPOT_STYLE_TEXT, k->text);
    int all = w;
    if (k->note != NULL)
        all += 1 + dp_canvas_put(row, 0, x + w + 1, DEPOT_STYLE_DIM, k->note);
    if (here)
        dp_canvas_paint(row, 0, x, 1, w, DEPOT_STYLE_SELECTED);
    return all + BETWEEN;
}

void dp_completion_draw(const struct completion *c, const struct canvas *row)
{
    const size_t n = c->items.len;
    const int room = row->w - 4; /* an ellipsis at each end */
    size_t first = 0, end = page_end(c, 0, room);
    while (c->at < n && c->at >= end) {
        first = end;
        end = page_end(c, first, room);
    }
    int x = 2;
    dp_canvas_fill(row, 0, 0, 1, row->w, DEPOT_STYLE_TEXT, ' ');
    if (first > 0)
        dp_canvas_glyph(row, 0, 0, DEPOT_STYLE_DIM, DEPOT_SIGN_ELLIPSIS);
    for (size_t i = first; i < end; i++)
        x += draw_candidate(row, x, &c->items.items[i], i == c->at);
    if (end < n)
        dp_canvas_glyph(row, 0, row->w - 1, DEPOT_STYLE_DIM, DEPOT_SIGN_ELLIPSIS);
}
