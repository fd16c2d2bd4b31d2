/*
 * Tables and bars, over the canvas alone.
 */
#include "table.h"

#include <depot/text.h>

#include <stdio.h>
#include <string.h>

enum { RANKS = 10, AMOUNT_TEXT = 15 };

void dp_table_widths(const struct table_column *cols, size_t n, int w, int *widths)
{
    int left = w + TABLE_GAP;
    memset(widths, 0, n * sizeof(*widths));
    for (int rank = 0; rank < RANKS; rank++) {
        for (size_t i = 0; i < n; i++) {
            if (cols[i].rank != rank || left < cols[i].min + TABLE_GAP)
                continue;
            widths[i] = cols[i].min;
            left -= cols[i].min + TABLE_GAP;
        }
    }
    for (int pass = 0; pass < 4 && left > 0; pass++) {
        int spread = 0;
        for (size_t i = 0; i < n; i++)
            spread += widths[i] > 0 && widths[i] < cols[i].max ? cols[i].spread : 0;
        const int share = spread > 0 ? left / spread : 0;
        for (size_t i = 0; i < n; i++) {
            int more = widths[i] > 0 ? share * cols[i].spread : 0;
            more = widths[i] + more > cols[i].max ? cols[i].max - widths[i] : more;
            more = more > 0 ? more : 0;
            widths[i] += more;
            left -= more;
        }
    }
    /* What does not divide goes to the column that wants most. */
    size_t best = n;
    for (size_t i = 0; i < n; i++)
        if (widths[i] > 0 && cols[i].spread > 0 && widths[i] < cols[i].max &&
            (best == n || cols[i].spread > cols[best].spread))
            best = i;
    if (best < n && left > 0)
        widths[best] += left < cols[best].max - widths[best] ? left : cols[best].max - widths[best];
}

void dp_table_heads(const struct canvas *c, int y, const struct table_column *cols, size_t n,
    const int *widths, int sort, bool inverted)
{
    int x = TABLE_LEFT;
    for (size_t i = 0; i < n; i++) {
        const struct table_column *k = &cols[i];
        if (widths[i] == 0)
            continue;
        const bool sorted = k->sort >= 0 && k->sort == sort;
        const int len = (int)strlen(k->title);
        dp_canvas_field(c, y, x, widths[i], k->right ? FIT_RIGHT : FIT_LEFT,
            sorted ? DEPOT_STYLE_TEXT : DEPOT_STYLE_HEADING, k->title);
        if (sorted)
            dp_canvas_glyph(c, y, k->right ? x + widths[i] - len - 1 : x + len + 1,
                DEPOT_STYLE_TEXT, inverted ? DEPOT_SIGN_UP : DEPOT_SIGN_DOWN);
        if (k->sort >= 0)
            dp_canvas_hot(c, y, x, 1, widths[i], ACTION_SORT_BY, k->sort, 0);
        x += widths[i] + TABLE_GAP;
    }
}

/* ---- orders ---- */

bool dp_table_sort(struct table_order *o, enum action a, intptr_t arg, int orders,
    const struct table_order_key *keys, size_t nkeys)
{
    int to = -1;
    if (a == ACTION_SORT_NEXT)
        to = o->by + 1;
    else if (a == ACTION_SORT_PREV)
        to = o->by + orders - 1;
    else if (a == ACTION_SORT_INVERT)
        to = o->by;
    else if (a == ACTION_SORT_BY)
        to = (int)arg;
    for (size_t i = 0; i < nkeys && to < 0; i++)
        if (keys[i].action == a)
            to = keys[i].by;
    if (to < 0)
        return false;
    to %= orders;
    o->inverted = to == o->by && !o->inverted;
    o->by = to;
    return true;
}

/* ---- meters and bars ---- */

uint32_t dp_level_style(double fraction)
{
    return fraction >= 0.95  ? DEPOT_STYLE_METER_FULL
           : fraction >= 0.8 ? DEPOT_STYLE_METER_HIGH
                             : DEPOT_STYLE_METER;
}

void dp_table_amount(
    const struct canvas *c, int y, int x, int w, const char *label, int64_t used, int64_t total)
{
    char a[DEPOT_TEXT_MAX], b[DEPOT_TEXT_MAX], text[2 * DEPOT_TEXT_MAX + 8];
    const double f = total > 0 && used >= 0 ? (double)used / (double)total : -1;
    const int meter = w - 7 - AMOUNT_TEXT;
    dp_canvas_put(c, y, x, DEPOT_STYLE_DIM, label);
    if (used < 0) {
        dp_canvas_put(c, y, x + 7, DEPOT_STYLE_FAINT, "not known");
        return;
    }
    if (total > 0)
        snprintf(
            text, sizeof(text), "%s of %s", depot_text_bytes(a, used), depot_text_bytes(b, total));
    else
        snprintf(text, sizeof(text), "%s", depot_text_bytes(a, used));
    if (total > 0)
        dp_canvas_meter(c, y, x + 7, meter, f, dp_level_style(f));
    dp_canvas_field(c, y, x + 7 + (total > 0 ? meter + 1 : 0), AMOUNT_TEXT - 1,
        total > 0 ? FIT_RIGHT : FIT_LEFT, DEPOT_STYLE_TEXT, text);
}

void dp_bar_up(const struct canvas *c, int y, int x, int h, int w, double fraction, uint32_t style)
{
    static const char ascii[] = " ..::||#";
    if (h <= 0 || !(fraction > 0))
        return;
    int eighths = fraction >= 1 ? h * 8 : (int)(fraction * h * 8 + 0.5);
    eighths = eighths > 0 ? eighths : 1;
    const int full = eighths / 8, rest = eighths % 8;
    dp_canvas_fill(c, y + h - full, x, full, w, style, c->grid->ascii ? '#' : 0x2588);
    if (rest > 0)
        dp_canvas_fill(c, y + h - full - 1, x, 1, w, style,
            c->grid->ascii ? (uint32_t)ascii[rest] : 0x2580u + (uint32_t)rest);
}
