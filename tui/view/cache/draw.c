/*
 * How the cache view looks: builders as tabs, use by type as bars, records as a table.
 */
#include "cache_priv.h"

#include <stdio.h>
#include <string.h>

enum { NEVER = 99, BUILDER_W = 100, WIDE = 150, SIDE = 60, TYPES_LEAST_H = 14, TYPE_WORD = 14 };

static int draw_tab(const struct cache_view *v, const struct canvas *c, int x, size_t tab,
    const char *name, int64_t bytes, bool failed)
{
    char size[DEPOT_TEXT_MAX];
    const bool here = depot_str_eq(tab == 0 ? "" : name, v->only);
    const int start = x;
    x += dp_canvas_put(c, 0, x, here ? DEPOT_STYLE_TAB : DEPOT_STYLE_DIM, name) + 1;
    if (failed)
        x += dp_canvas_glyph(c, 0, x, DEPOT_STYLE_FAIL, DEPOT_SIGN_FAIL);
    else
        x += dp_canvas_put(
            c, 0, x, here ? DEPOT_STYLE_TEXT : DEPOT_STYLE_DIM, depot_text_bytes(size, bytes));
    dp_canvas_hot(c, 0, start, 1, x - start, ACTION_TAB_SELECT, (intptr_t)tab, 0);
    return x + 3;
}

static void draw_tabs(const struct cache_view *v, const struct canvas *c)
{
    int64_t all = 0;
    int x = TABLE_LEFT;
    for (size_t i = 0; i < v->uses.len; i++)
        all += v->uses.items[i].use->bytes;
    x = draw_tab(v, c, x, 0, "All", all, false);
    for (size_t i = 0; i < v->uses.len; i++) {
        const struct depot_cache_use *u = v->uses.items[i].use;
        x = draw_tab(
            v, c, x, i + 1, dp_cache_builder(&v->uses.items[i]), u->bytes, u->error != NULL);
    }
}

static void draw_sum(const struct cache_view *v, const struct canvas *c)
{
    char size[DEPOT_TEXT_MAX];
    const int w = c->w - TABLE_LEFT - 1;
    if (v->sum.error != NULL && v->sum.records == 0) {
        dp_canvas_field(c, 0, TABLE_LEFT, w, FIT_LEFT, DEPOT_STYLE_ERROR, v->sum.error);
        return;
    }
    dp_table_amount(c, 0, TABLE_LEFT, w, "used", v->sum.bytes, v->sum.limit);
    dp_canvas_put(c, 1, TABLE_LEFT, DEPOT_STYLE_DIM, "can go");
    const double f = v->sum.bytes > 0 ? (double)v->sum.reclaimable / (double)v->sum.bytes : 0;
    const int x = TABLE_LEFT + 7, meter = w - 7 - 14;
    dp_canvas_meter(c, 1, x, meter, f, DEPOT_STYLE_HIT);
    dp_canvas_field(c, 1, x + meter + 1, 13, FIT_RIGHT, DEPOT_STYLE_TEXT,
        depot_text_bytes(size, v->sum.reclaimable));
}

/* One line a type: its share of the whole, its size, how many records, what can go. */
static void draw_types(const struct cache_view *v, const struct canvas *c)
{
    const int w = c->w - TABLE_LEFT - 1;
    const int meter = w - TYPE_WORD - 1 - 6 - 14;
    for (size_t i = 0; i < v->types.len && (int)i < c->h; i++) {
        const struct depot_cache_type *t = &v->types.items[i];
        const double f =
            v->types.items[0].bytes > 0 ? (double)t->bytes / (double)v->types.items[0].bytes : 0;
        char size[DEPOT_TEXT_MAX], records[DEPOT_TEXT_MAX + 10];
        const int y = (int)i;
        int x = TABLE_LEFT;
        dp_canvas_field(
            c, y, x, TYPE_WORD, FIT_LEFT, DEPOT_STYLE_TEXT, dp_cache_type_word(t->type));
        x += TYPE_WORD + 1;
        const double solid =
            t->bytes > 0 ? f * (double)(t->bytes - t->reclaimable) / (double)t->bytes : 0;
        dp_canvas_meter(c, y, x, meter, f, DEPOT_STYLE_HIT);
        if (solid > 0) /* what must stay, in front of what can go */
            dp_canvas_paint(c, y, x, 1, (int)(solid * meter + 0.5), DEPOT_STYLE_METER);
        x += meter;
        dp_canvas_field(c, y, x, 6, FIT_RIGHT, DEPOT_STYLE_TEXT, depot_text_bytes(size, t->bytes));
        snprintf(records, sizeof(records), "%d record%s", t->records, t->records == 1 ? "" : "s");
        dp_canvas_field(c, y, x + 7, 13, FIT_RIGHT, DEPOT_STYLE_DIM, records);
    }
}

/* ---- the table ---- */

enum { COL_SIZE, COL_USED, COL_USES, COL_STATE, COL_TYPE, COL_BUILDER, COL_WHAT };
static const struct table_column columns[] = {
    {"SIZE", 6, 6, 0, 0, true, CACHE_BY_SIZE},
    {"USED", 6, 6, 0, 1, true, CACHE_BY_USED},
    {"USES", 6, 6, 0, 4, true, CACHE_BY_USES},
    {"STATE", 6, 13, 1, 3, false, -1},
    {"TYPE", 11, 16, 1, 5, false, CACHE_BY_TYPE},
    {"BUILDER", 8, 16, 1, 6, false, -1},
    {"WHAT", 14, 400, 8, 2, false, -1},
};

static void draw_state(
    const struct canvas *c, int y, int x, int w, const struct depot_cache_record *r)
{
    const char *text = r->in_use && r->shared && w >= 13 ? "in use shared"
                       : r->in_use                       ? "in use"
                       : r->shared                       ? "shared"
                                                         : "";
    dp_canvas_field(
        c, y, x, w, FIT_LEFT, r->in_use ? DEPOT_STYLE_RUN & 0xff : DEPOT_STYLE_SHARED, text);
}

static void draw_cell(const struct cache_view *v, const struct canvas *c, int y, int x, int w,
    int col, const struct cache_row *row)
{
    const struct depot_cache_record *r = row->record;
    char text[DEPOT_TEXT_MAX];
    switch (col) {
    case COL_SIZE:
        dp_canvas_field(
            c, y, x, w, FIT_RIGHT, DEPOT_STYLE_STRONG, depot_text_bytes(text, r->bytes));
        break;
    case COL_USED:
        dp_canvas_field(c, y, x, w, FIT_RIGHT, DEPOT_STYLE_TEXT,
            depot_text_age(
                text, r->last_used != 0 ? r->last_used : r->created, dp_tui_now(v->base.tui)));
        break;
    case COL_USES:
        dp_canvas_field(c, y, x, w, FIT_RIGHT, r->uses > 0 ? DEPOT_STYLE_TEXT : DEPOT_STYLE_DIM,
            depot_text_count(text, r->uses));
        break;
    case COL_STATE:
        draw_state(c, y, x, w, r);
        break;
    case COL_TYPE:
        dp_canvas_field(c, y, x, w, FIT_LEFT, DEPOT_STYLE_DIM, dp_cache_type_word(r->type));
        break;
    case COL_BUILDER:
        dp_canvas_field(c, y, x, w, FIT_LEFT, DEPOT_STYLE_DIM, dp_cache_builder(&row->of));
        break;
    default:
        dp_canvas_field(c, y, x, w, FIT_LEFT, DEPOT_STYLE_TEXT, r->description);
        break;
    }
}

static void draw_table(struct cache_view *v, const struct canvas *c)
{
    struct table_column cols[DEPOT_ARRAY_LEN(columns)];
    int widths[DEPOT_ARRAY_LEN(columns)];
    const size_t n = DEPOT_ARRAY_LEN(columns);
    memcpy(cols, columns, sizeof(cols));
    if (v->only[0] != '\0' || v->uses.len < 2 || c->w < BUILDER_W)
        cols[COL_BUILDER].rank = NEVER; /* it would say the same in every row */
    if (!v->held)
        cols[COL_STATE].rank = NEVER;
    dp_table_widths(cols, n, c->w - TABLE_LEFT - 2, widths);
    dp_table_heads(c, 0, cols, n, widths, v->order.by, v->order.inverted);
    dp_rows_layout(&v->rows, v->shown.len, c->h - 1);
    dp_canvas_hot(c, 0, 0, c->h, c->w, ACTION_NONE, 0, 1);
    if (v->shown.len == 0)
        dp_canvas_put(c, 2, TABLE_LEFT, DEPOT_STYLE_DIM,
            v->filter.on ? "no record passes the filter" : "the cache is empty");
    for (int y = 1; y < c->h; y++) {
        const size_t index = v->rows.top + (size_t)y - 1;
        int x = TABLE_LEFT;
        if (index >= v->shown.len)
            break;
        for (size_t i = 0; i < n; i++) {
            if (widths[i] == 0)
                continue;
            draw_cell(v, c, y, x, widths[i], (int)i, &v->shown.items[index]);
            x += widths[i] + TABLE_GAP;
        }
        if (index == v->rows.selected)
            dp_canvas_paint(c, y, 0, 1, c->w, DEPOT_STYLE_SELECTED);
        dp_canvas_hot(c, y, 0, 1, c->w, ACTION_SELECT, (intptr_t)index, 1);
    }
    dp_rows_scrollbar(&v->rows, c, 1, c->w - 1, c->h - 1);
}

/* ---- the whole ---- */

static const char *nothing(const struct cache_view *v)
{
    return v->asked ? "asking the builders what their caches hold..."
                    : "no daemon is there to be asked";
}

/* Sum, a blank line, types; beside the table when there is room, above it otherwise. */
static void draw_overview(const struct cache_view *v, const struct canvas *c)
{
    const struct canvas types = dp_canvas_sub(c, 3, 0, c->h - 3, c->w);
    draw_sum(v, c);
    draw_types(v, &types);
}

/* Lines of at most `w` columns, cut where they end; returns how many there were. */
static int draw_wrapped(const struct canvas *c, int y, int x, int w, const char *text)
{
    size_t n = text != NULL ? strlen(text) : 0;
    const int first = y;
    while (n > 0 && y < c->h && w > 0) {
        size_t cut = depot_text_cut(text, n, w, NULL);
        cut = cut > 0 ? cut : n;
        dp_canvas_putn(c, y++, x, DEPOT_STYLE_TEXT, text, cut);
        text += cut;
        n -= cut;
    }
    return y - first;
}

static int draw_fact(const struct canvas *c, int y, const char *name, const char *value)
{
    dp_canvas_put(c, y, TABLE_LEFT, DEPOT_STYLE_DIM, name);
    dp_canvas_field(
        c, y, TABLE_LEFT + 9, c->w - TABLE_LEFT - 10, FIT_MIDDLE, DEPOT_STYLE_TEXT, value);
    return y + 1;
}

/* All that is known of the selected record. */
static void draw_detail(const struct cache_view *v, const struct canvas *c)
{
    if (v->rows.selected >= v->shown.len)
        return;
    const struct cache_row *row = &v->shown.items[v->rows.selected];
    const struct depot_cache_record *r = row->record;
    const depot_time now = dp_tui_now(v->base.tui);
    char text[DEPOT_TEXT_MAX];
    int y = 1;
    dp_canvas_hline(c, 0, TABLE_LEFT, c->w - TABLE_LEFT - 1, DEPOT_STYLE_FAINT);
    y += draw_wrapped(c, y, TABLE_LEFT, c->w - TABLE_LEFT - 1, r->description) + 1;
    y = draw_fact(c, y, "size", depot_text_bytes(text, r->bytes));
    depot_text_ago(text, r->created, now);
    y = draw_fact(c, y, "made", *text != '\0' ? text : "not known");
    depot_text_ago(text, r->last_used, now);
    y = draw_fact(c, y, "used", *text != '\0' ? text : "never");
    y = draw_fact(c, y, "uses", depot_text_count(text, r->uses));
    y = draw_fact(c, y, "state",
        r->in_use && r->shared ? "in use, shared"
        : r->in_use            ? "in use"
        : r->shared            ? "shared"
                               : "prune would remove it");
    y = draw_fact(c, y, "builder", dp_cache_builder(&row->of));
    (void)draw_fact(c, y, "id", r->id);
}

void dp_cache_view_draw(struct view *base, const struct canvas *c)
{
    struct cache_view *v = (struct cache_view *)base;
    const struct canvas tabs = dp_canvas_sub(c, 1, 0, 1, c->w);
    if (v->kept.len == 0) {
        dp_canvas_put(c, 2, TABLE_LEFT, DEPOT_STYLE_DIM, nothing(v));
        return;
    }
    draw_tabs(v, &tabs);
    if (c->w >= WIDE) {
        const struct canvas table = dp_canvas_sub(c, 3, 0, c->h - 3, c->w - SIDE);
        const struct canvas side = dp_canvas_sub(c, 3, c->w - SIDE, c->h - 3, SIDE);
        const int used = 3 + (int)v->types.len + 1;
        const struct canvas detail = dp_canvas_sub(&side, used, 0, side.h - used, SIDE);
        draw_overview(v, &side);
        draw_table(v, &table);
        draw_detail(v, &detail);
        return;
    }
    int types = c->h >= TYPES_LEAST_H ? (int)v->types.len : 0;
    types = types > c->h / 4 ? c->h / 4 : types;
    const int used = c->h >= TYPES_LEAST_H ? 3 + types + 1 : c->h >= 10 ? 3 : 0;
    const struct canvas over = dp_canvas_sub(c, 3, 0, used - (types > 0), c->w);
    const struct canvas table = dp_canvas_sub(c, 3 + used, 0, c->h - 3 - used, c->w);
    draw_overview(v, &over);
    draw_table(v, &table);
}
