/*
 * How the history view looks: the selected build's project as a chart with its medians, and the
 * table of builds below.
 */
#include "history_priv.h"

#include <stdio.h>
#include <string.h>

enum { NEVER = 99, CHART_MOST = 8, CHART_LEAST = 3, BAR_MOST = 5, HEAD_LINES = 2, SCALE = 8 };

/* ---- the project ---- */

static void draw_facts(const struct history_view *v, const struct canvas *c)
{
    const struct history_facts *x = &v->facts;
    const struct fleet_build *b = dp_history_selected(v);
    char a[DEPOT_TEXT_MAX], lo[DEPOT_TEXT_MAX], hi[DEPOT_TEXT_MAX];
    const char *project = depot_str_empty(b->sum.info.project) ? "no project" : b->sum.info.project;
    int at = TABLE_LEFT;
    at += dp_canvas_put(c, 0, at, DEPOT_STYLE_TITLE, project) + 2;
    at += dp_canvas_putf(
        c, 0, at, DEPOT_STYLE_DIM, "%zu build%s", x->builds, x->builds == 1 ? "" : "s");
    if (x->failed > 0)
        at += dp_canvas_putf(c, 0, at + 2, DEPOT_STYLE_FAIL & 0xff, "%zu failed", x->failed) + 2;
    if (x->steps > 0)
        at += dp_canvas_putf(c, 0, at + 2, DEPOT_STYLE_HIT, "%s hit",
                  depot_text_percent(a, x->hit, x->steps)) +
              2;
    if (x->median == 0)
        return;
    at += dp_canvas_put(c, 0, at + 2, DEPOT_STYLE_DIM, "median") + 3;
    at += dp_canvas_put(c, 0, at, DEPOT_STYLE_STRONG, depot_text_duration(a, x->median, true)) + 2;
    dp_canvas_putf(c, 0, at, DEPOT_STYLE_DIM, "half of them %s to %s",
        depot_text_duration(lo, x->p25, true), depot_text_duration(hi, x->p75, true));
}

static uint32_t bar_style(const struct fleet_build *b, bool here)
{
    const uint32_t style = b->sum.state == DEPOT_BUILD_FAILED      ? DEPOT_STYLE_FAIL & 0xff
                           : b->sum.state == DEPOT_BUILD_CANCELLED ? DEPOT_STYLE_CANC
                                                                   : DEPOT_STYLE_METER;
    return here ? DEPOT_STYLE_TITLE : style;
}

/* A few builds that took very long must not press the others flat. */
static int64_t scale_of(const struct history_facts *x)
{
    const int64_t most = x->p75 > 0 ? x->p75 * 5 / 2 : x->longest;
    const int64_t top = x->longest < most ? x->longest : most;
    return top > x->median ? top : x->median;
}

/* Oldest left, the newest at the right edge of what fits, a bar of one or two columns each. */
static void draw_chart(const struct history_view *v, const struct canvas *c)
{
    const struct fleet_build *here = dp_history_selected(v);
    const int64_t top = scale_of(&v->facts);
    const int w = c->w - SCALE - 1;
    const size_t n = v->trend.len;
    if (top <= 0 || w <= 0)
        return;
    int each = n > 0 ? w / (int)n : 1;
    each = each < 1 ? 1 : each > BAR_MOST ? BAR_MOST : each;
    const size_t fit = (size_t)(w / each), shown = n < fit ? n : fit;
    char text[DEPOT_TEXT_MAX];
    const int line = c->h - 1 - (int)((double)v->facts.median / (double)top * (c->h - 1) + 0.5);
    if (v->facts.median > 0) {
        dp_canvas_fill(
            c, line, SCALE, 1, (int)shown * each, DEPOT_STYLE_FAINT, c->grid->ascii ? '-' : 0x2504);
        dp_canvas_field(c, line, 0, SCALE - 1, FIT_RIGHT, DEPOT_STYLE_DIM,
            depot_text_duration(text, v->facts.median, true));
    }
    if (line > 1 || v->facts.median == 0)
        dp_canvas_field(
            c, 0, 0, SCALE - 1, FIT_RIGHT, DEPOT_STYLE_FAINT, depot_text_duration(text, top, true));
    for (size_t i = 0; i < shown; i++) {
        const struct fleet_build *b = v->trend.items[i]; /* the newest is the first */
        const int x = SCALE + (int)(shown - 1 - i) * each;
        const double f = (double)(b->sum.duration_ms * DEPOT_MSEC) / (double)top;
        dp_bar_up(c, 0, x, c->h, each > 1 ? each - 1 : 1, f, bar_style(b, b == here));
        if (b == here && f < 0.03) /* not to be seen otherwise */
            dp_bar_up(c, 0, x, c->h, each > 1 ? each - 1 : 1, 0.03, DEPOT_STYLE_TITLE);
    }
}

/* ---- the table ---- */

enum {
    COL_STATE,
    COL_BUILD,
    COL_PROJECT,
    COL_WHO,
    COL_SOURCE,
    COL_PLATFORMS,
    COL_STEPS,
    COL_HIT,
    COL_TIME,
    COL_VERSUS,
    COL_AGE,
    COL_RESULT
};
static const struct table_column columns[] = {
    {"STATE", 6, 6, 0, 0, false, HIST_BY_STATE},
    {"BUILD", 6, 10, 1, 6, false, -1},
    {"PROJECT", 12, 32, 3, 1, false, HIST_BY_NAME},
    {"WHO", 6, 12, 1, 7, false, -1},
    {"SOURCE", 12, 24, 2, 8, false, -1},
    {"PLATFORMS", 11, 17, 1, 7, false, -1},
    {"STEPS", 5, 5, 0, 9, true, -1},
    {"HIT", 5, 5, 0, 3, true, HIST_BY_HIT},
    {"TIME", 7, 7, 0, 2, true, HIST_BY_TIME},
    {"VS MEDIAN", 9, 9, 0, 5, true, -1},
    {"AGO", 5, 5, 0, 2, true, HIST_BY_AGE},
    {"RESULT", 14, 200, 8, 6, false, -1},
};

struct place {
    const struct history_view *v;
    const struct canvas *c;
    const struct fleet_build *b;
    struct fleet_row row;
    int y, x, w;
};

static void put(const struct place *k, enum fit fit, uint32_t style, const char *text)
{
    dp_canvas_field(k->c, k->y, k->x, k->w, fit, style, text);
}

static void draw_state(const struct place *k)
{
    const enum depot_build_state s = k->row.state;
    dp_canvas_glyph(k->c, k->y, k->x, depot_state_style(s), depot_state_sign(s));
    dp_canvas_put(k->c, k->y, k->x + 2, depot_state_style(s), depot_build_state_word(s));
}

static void draw_names(const struct place *k, int col)
{
    const struct depot_ev_created *i = &k->b->sum.info;
    struct depot_buf t = DEPOT_BUF_INIT(4096);
    if (col == COL_PROJECT) {
        depot_buf_adds(&t, depot_str_empty(i->project) ? "-" : i->project);
        if (!depot_str_empty(i->target))
            depot_buf_addf(&t, "/%s", i->target);
    } else if (col == COL_SOURCE) {
        depot_created_source(&t, i);
    } else {
        for (size_t n = 0; n < i->nplatforms; n++)
            depot_buf_addf(&t, "%s%s", n > 0 ? " " : "", depot_text_platform(i->platforms[n]));
    }
    put(k, FIT_MIDDLE, col == COL_PROJECT ? DEPOT_STYLE_TEXT : DEPOT_STYLE_DIM, depot_buf_str(&t));
    depot_buf_release(&t);
}

/* "-12%": faster than the median of its project. */
static void draw_versus(const struct place *k)
{
    char text[DEPOT_TEXT_MAX];
    const int64_t median = dp_history_median(k->v, k->b);
    if (k->row.state != DEPOT_BUILD_SUCCEEDED || median <= 0)
        return;
    const double times = (double)k->row.elapsed / (double)median;
    const int d = times < 1000 ? (int)(times * 100 + 0.5) - 100 : 99900;
    if (d >= 300)
        snprintf(text, sizeof(text), "x%.1f", times);
    else
        snprintf(text, sizeof(text), d == 0 ? "%d%%" : "%+d%%", d);
    put(k, FIT_RIGHT,
        d >= 50    ? DEPOT_STYLE_WARN
        : d <= -20 ? DEPOT_STYLE_RAN
                   : DEPOT_STYLE_DIM,
        text);
}

static void draw_cell(const struct place *k, int col)
{
    const struct depot_counts *n = &k->row.counts;
    char text[DEPOT_TEXT_MAX];
    switch (col) {
    case COL_STATE:
        draw_state(k);
        break;
    case COL_BUILD:
        dp_canvas_putn(k->c, k->y, k->x, DEPOT_STYLE_DIM, k->b->id,
            depot_text_cut(k->b->id, strlen(k->b->id), k->w, NULL));
        break;
    case COL_PROJECT:
    case COL_SOURCE:
    case COL_PLATFORMS:
        draw_names(k, col);
        break;
    case COL_WHO:
        put(k, FIT_LEFT, DEPOT_STYLE_DIM, k->b->sum.info.user);
        break;
    case COL_STEPS:
        if (n->total > 0)
            put(k, FIT_RIGHT, DEPOT_STYLE_DIM, depot_text_count(text, n->total));
        break;
    case COL_HIT:
        put(k, FIT_RIGHT, n->hit > 0 ? DEPOT_STYLE_HIT : DEPOT_STYLE_DIM,
            depot_text_percent(text, n->hit, n->hit + n->ran + n->failed));
        break;
    case COL_TIME:
        put(k, FIT_RIGHT, DEPOT_STYLE_TEXT, depot_text_duration(text, k->row.elapsed, true));
        break;
    case COL_VERSUS:
        draw_versus(k);
        break;
    case COL_AGE:
        put(k, FIT_RIGHT, DEPOT_STYLE_DIM,
            depot_text_age(text, k->b->sum.finished, dp_tui_now(k->v->base.tui)));
        break;
    default:
        put(k, FIT_LEFT,
            k->row.state == DEPOT_BUILD_FAILED ? DEPOT_STYLE_FAIL & 0xff : DEPOT_STYLE_DIM,
            k->row.now);
        break;
    }
}

static void draw_row(
    const struct history_view *v, const struct canvas *c, int y, size_t index, const int *widths)
{
    struct place k = {.v = v, .c = c, .b = v->builds.items[index], .y = y, .x = TABLE_LEFT};
    dp_fleet_row(dp_tui_fleet(v->base.tui), k.b, dp_tui_now(v->base.tui), &k.row);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(columns); i++) {
        if (widths[i] == 0)
            continue;
        k.w = widths[i];
        draw_cell(&k, (int)i);
        k.x += widths[i] + TABLE_GAP;
    }
    if (index == v->rows.selected)
        dp_canvas_paint(c, y, 0, 1, c->w, DEPOT_STYLE_SELECTED);
    dp_canvas_hot(c, y, 0, 1, c->w, ACTION_SELECT, (intptr_t)index, 1);
}

/* A column in which no build says anything is not worth its place. */
static void drop_empty(const struct history_view *v, struct table_column *cols)
{
    bool who = false, source = false;
    for (size_t i = 0; i < v->builds.len; i++) {
        const struct depot_ev_created *k = &v->builds.items[i]->sum.info;
        who |= !depot_str_empty(k->user);
        source |= !depot_str_empty(k->branch) || !depot_str_empty(k->commit);
    }
    if (!who)
        cols[COL_WHO].rank = NEVER;
    if (!source)
        cols[COL_SOURCE].rank = NEVER;
}

static void draw_table(struct history_view *v, const struct canvas *c)
{
    struct table_column cols[DEPOT_ARRAY_LEN(columns)];
    int widths[DEPOT_ARRAY_LEN(columns)];
    memcpy(cols, columns, sizeof(cols));
    drop_empty(v, cols);
    dp_table_widths(cols, DEPOT_ARRAY_LEN(cols), c->w - TABLE_LEFT - 2, widths);
    dp_table_heads(c, 0, cols, DEPOT_ARRAY_LEN(cols), widths, v->order.by, v->order.inverted);
    dp_rows_layout(&v->rows, v->builds.len, c->h - 1);
    dp_canvas_hot(c, 0, 0, c->h, c->w, ACTION_NONE, 0, 1);
    for (int y = 1; y < c->h; y++) {
        const size_t index = v->rows.top + (size_t)y - 1;
        if (index < v->builds.len)
            draw_row(v, c, y, index, widths);
    }
    dp_rows_scrollbar(&v->rows, c, 1, c->w - 1, c->h - 1);
}

void dp_history_view_draw(struct view *base, const struct canvas *c)
{
    struct history_view *v = (struct history_view *)base;
    if (v->builds.len == 0) {
        dp_canvas_put(c, 2, TABLE_LEFT, DEPOT_STYLE_DIM,
            v->filter.on ? "no build passes the filter" : "no build is over yet");
        return;
    }
    int chart = c->h / 4;
    chart = chart > CHART_MOST ? CHART_MOST : chart;
    if (chart < CHART_LEAST || v->trend.len < 2)
        chart = 0;
    int y = 1;
    if (c->h >= 12) {
        const struct canvas facts = dp_canvas_sub(c, y, 0, 1, c->w);
        draw_facts(v, &facts);
        y += HEAD_LINES;
        if (chart > 0) {
            const struct canvas bars = dp_canvas_sub(c, y, TABLE_LEFT, chart, c->w - TABLE_LEFT);
            draw_chart(v, &bars);
            y += chart + 1;
        }
    } else {
        y = 0;
    }
    const struct canvas table = dp_canvas_sub(c, y, 0, c->h - y, c->w);
    draw_table(v, &table);
}
