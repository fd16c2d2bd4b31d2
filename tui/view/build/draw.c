/*
 * The build view's frame: where its columns are, the time axis, the rows and what is around them.
 */
#include "build_priv.h"

#include <stdio.h>

enum {
    TEXT_ONLY_W = 60,  /* narrower: no bars */
    LANE_MIN_W = 34,   /* side by side */
    WORD_MIN_BAR = 16, /* a bar narrower than this has the state as a glyph alone */
    TIME_W = 7,
    LAG_SIDE_W = 14,
    LAG_SIDE_MAX = 24, /* with the platform's name */
    LAG_W = 8,
    CRITICAL_MIN_H = 30,
    EXPECT_MAX = 64, /* running stages whose end is looked up for the axis */
};

/* ---- tabs ---- */

static void draw_tabs(struct build_view *v, const struct canvas *c, int y, int end)
{
    static const char *const names[] = {"1 graph", "2 time", "3 flat"};
    const struct {
        bool on;
        const char *word;
        enum action action;
    } flags[] = {{v->critical_only, "critical only", ACTION_CRITICAL},
        {v->misses_only, "misses only", ACTION_MISSES}, {v->filter.on, "filtered", ACTION_FILTER}};
    int x = 1;
    for (int i = 0; i < 3; i++) {
        const int w = (int)strlen(names[i]);
        if (x + w > end)
            return;
        dp_canvas_put(
            c, y, x, (int)v->rendering == i ? DEPOT_STYLE_TAB : DEPOT_STYLE_DIM, names[i]);
        dp_canvas_hot(c, y, x, 1, w, (enum action)(ACTION_VIEW_1 + i), 0, 0);
        x += w + 2;
    }
    if (v->rendering != SHOW_FLAT && !dp_build_is_stacked(v) && v->cols.nlanes < v->graph.nlanes) {
        char more[64];
        snprintf(more, sizeof(more), "%zu of %zu", v->cols.nlanes, v->graph.nlanes);
        if (x + (int)strlen(more) <= end) {
            dp_canvas_put(c, y, x, DEPOT_STYLE_TAGGED, more);
            dp_canvas_hot(c, y, x, 1, (int)strlen(more), ACTION_NEXT, 0, 0);
            x += (int)strlen(more) + 2;
        }
    }
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(flags); i++) {
        const int w = (int)strlen(flags[i].word);
        if (!flags[i].on || x + w > end)
            continue;
        dp_canvas_put(c, y, x, DEPOT_STYLE_TAGGED, flags[i].word);
        dp_canvas_hot(c, y, x, 1, w, flags[i].action, 0, 0);
        x += w + 2;
    }
}

/* ---- columns ---- */

static int widest_name(const struct build_view *v)
{
    int most = 4;
    for (size_t i = 0; i < v->graph.order.len && i < 200; i++) {
        const struct graph_stage *st = &v->graph.stages.items[v->graph.order.items[i]];
        const int w = depot_text_width(*st->name != '\0' ? st->name : "Dockerfile");
        most = st->kind != GRAPH_CHAIN && w > most ? w : most;
    }
    return most;
}

static int clamp(int n, int least, int most)
{
    return n < least ? least : n > most ? most : n;
}

static void choose_lanes(struct build_view *v, bool side, int room)
{
    struct build_columns *k = &v->cols;
    const size_t n = v->graph.nlanes;
    size_t fit = side ? (size_t)(room / LANE_MIN_W) : 1;
    fit = fit < 1 ? 1 : fit > n ? n : fit;
    if (v->focus >= n)
        v->focus = n - 1;
    if (v->first_lane > v->focus)
        v->first_lane = v->focus;
    if (v->first_lane + fit <= v->focus)
        v->first_lane = v->focus - fit + 1;
    if (v->first_lane + fit > n)
        v->first_lane = n - fit;
    k->nlanes = fit;
    for (size_t i = 0; i < fit; i++)
        k->lanes[i] = side ? v->first_lane + i : v->focus;
}

/* "amd64/v3 +12.4s". */
static int side_lag(const struct build_view *v)
{
    int widest = 0;
    for (size_t i = 0; i < v->graph.nlanes; i++) {
        const int w = depot_text_width(depot_text_platform(v->graph.lanes[i]));
        widest = w > widest ? w : widest;
    }
    return clamp(widest + LAG_W, LAG_SIDE_W, LAG_SIDE_MAX);
}

static void choose_columns(struct build_view *v, int w)
{
    struct build_columns *k = &v->cols;
    const size_t n = v->graph.nlanes;
    const bool side = n > 1 && !dp_build_is_stacked(v), bars = w >= TEXT_ONLY_W;
    const int share = v->rendering == SHOW_TIME ? 22 : side ? 30 : w < 100 ? 46 : 42;
    k->rails = bars ? (int)(2 * v->graph.columns) : 0;
    if (v->rendering == SHOW_TIME || k->rails > w / 4) /* nodes without rails */
        k->rails = k->rails > 0 ? 2 : 0;
    k->name_w = clamp(widest_name(v), 4, w < 100 ? 12 : 18);
    k->label_x = 1 + k->rails;
    k->label_w = bars ? clamp(w * share / 100 - k->rails, k->name_w + 9, 84) : w - 11 - TIME_W;
    k->lag_w = n > 1 && bars ? side ? side_lag(v) : w >= 90 ? LAG_W : 0 : 0;
    k->lag_x = w - 1 - k->lag_w;
    k->time_w = TIME_W;
    const int from = k->label_x + k->label_w + 2, room = k->lag_x - from;
    choose_lanes(v, side, room);
    k->lane_w = room / (int)k->nlanes;
    for (size_t i = 0; i < k->nlanes; i++)
        k->lane_x[i] = from + (int)i * k->lane_w;
    if (k->nlanes > 1)
        k->lane_w -= 3; /* a gap, and the mark of the critical path of the next */
    k->state_w = k->lane_w - 7 - TIME_W >= WORD_MIN_BAR || !bars ? 7 : 2;
    k->bar_w = bars ? clamp(k->lane_w - k->state_w - k->time_w, 0, TIMELINE_W_MAX) : 0;
    if (!bars)
        k->time_w = k->lane_w - k->state_w > 0 ? k->lane_w - k->state_w : 0;
}

static bool all_begun(const struct build_view *v)
{
    for (size_t i = 0; i < v->graph.nlanes; i++)
        if (!v->begun[i])
            return false;
    return true;
}

static void fit_axis(struct build_view *v)
{
    const struct depot_build *b = v->build->state;
    const bool over = depot_build_state_over(b->state);
    depot_time from = b->created != 0 ? b->created : b->first, to = over ? b->finished : v->now;
    int running, waiting, looks = 0;
    dp_build_count_open(v, &running, &waiting);
    /* All is done, but nobody said that it is over. */
    if (!over && b->started.len > 0 && running + waiting == 0 && all_begun(v))
        to = 0;
    for (size_t i = 0; i < v->graph.nlanes * v->graph.stages.len; i++) {
        const struct graph_sum *sum = &v->graph.sums.items[i];
        if (sum->started != 0 && (from == 0 || sum->started < from))
            from = sum->started;
        if (sum->completed > to)
            to = sum->completed;
        /* Room for what is still to come of it. */
        struct step_stats usual;
        if (!over && sum->open != NULL && looks++ < EXPECT_MAX &&
            dp_fleet_step_stats(dp_tui_fleet(v->base.tui), v->build, sum->open, &usual) &&
            usual.runs > 0 && sum->open->started + usual.median > to)
            to = sum->open->started + usual.median;
    }
    dp_timeline_fit(&v->axis, from, to, !over, v->cols.bar_w);
}

/* ---- the frame ---- */

static int tail_height(const struct build_view *v, int h)
{
    if (v->zoom || h < 15)
        return 0;
    return h < 26 ? 4 : h < 42 ? 9 : 13;
}

static void draw_nothing(struct build_view *v, const struct canvas *c)
{
    const struct depot_build *b = v->build->state;
    int y = 1;
    if (v->filter.on || v->critical_only || v->misses_only) {
        dp_canvas_put(c, y, 2, DEPOT_STYLE_DIM, "no step passes");
        return;
    }
    for (size_t i = 0; i < b->parts.len; i++) {
        const struct depot_part *p = b->parts.items[i];
        if (p->state != DEPOT_BUILD_QUEUED)
            continue;
        depot_buf_clear(&v->text);
        dp_fleet_in_line(&v->text, p);
        const int x = 4 + dp_canvas_putf(c, y, 2, DEPOT_STYLE_STRONG, "%s", p->platform);
        dp_canvas_field(c, y, x, c->w - x - 1, FIT_LEFT, DEPOT_STYLE_WARN, depot_buf_str(&v->text));
        y++;
    }
    if (y == 1)
        dp_canvas_put(c, y, 2, DEPOT_STYLE_DIM, "no step has been announced yet");
}

static void draw_rows(struct build_view *v, const struct canvas *c, int y, int h)
{
    const struct canvas body = dp_canvas_sub(c, y, 0, h, c->w);
    dp_rows_layout(&v->rows, v->list.len, h);
    dp_canvas_hot(&body, 0, 0, body.h, body.w, ACTION_NONE, 0, PANE_LIST);
    if (v->list.len == 0)
        draw_nothing(v, &body);
    for (int i = 0; i < h && v->rows.top + (size_t)i < v->list.len; i++) {
        const size_t index = v->rows.top + (size_t)i;
        const struct build_item *it = &v->list.items[index];
        const bool selected = index == v->rows.selected;
        if (it->kind == ITEM_LANE)
            dp_build_draw_lane_head(v, &body, i, 1, c->w - 2, it->lane, true);
        else if (v->rendering == SHOW_FLAT)
            dp_build_draw_flat(v, &body, i, index);
        else
            dp_build_draw_item(v, &body, i, index);
        const int mark = v->rendering == SHOW_FLAT || v->cols.bar_w == 0
                             ? c->w
                             : v->cols.label_x + v->cols.label_w;
        const int from = v->rendering == SHOW_FLAT || it->kind == ITEM_LANE ? 0 : v->cols.label_x;
        if (selected)
            dp_canvas_paint(&body, i, from, 1,
                it->kind == ITEM_LANE ? 2 + depot_text_width(v->graph.lanes[it->lane])
                                      : mark - from,
                DEPOT_STYLE_SELECTED);
        dp_canvas_hot(&body, i, 0, 1, c->w, ACTION_SELECT, (intptr_t)index, PANE_LIST);
    }
    dp_rows_scrollbar(&v->rows, &body, 0, c->w - 1, h);
}

/* What stands above the rows; returns how many rows it took. */
static int draw_heads(struct build_view *v, const struct canvas *c)
{
    const struct build_columns *k = &v->cols;
    const bool side = k->nlanes > 1 || (v->graph.nlanes > 1 && !dp_build_is_stacked(v)),
               flat = v->rendering == SHOW_FLAT;
    int y = 0;
    dp_build_draw_summary(v, c, y++);
    if (c->h >= CRITICAL_MIN_H)
        dp_build_draw_critical(v, c, y++);
    if (side && !flat)
        for (size_t i = 0; i < k->nlanes; i++)
            dp_build_draw_lane_head(v, c, y, k->lane_x[i], k->lane_w, k->lanes[i], false);
    if (c->h < 10)
        return y;
    draw_tabs(v, c, y,
        flat   ? c->w
        : side ? k->label_x + k->label_w
               : k->lane_x[0] + k->state_w - 1);
    if (flat) {
        dp_build_flat_heads(v, c, ++y);
        return y + 1;
    }
    y += side;
    for (size_t i = 0; i < k->nlanes && k->bar_w > 0; i++)
        dp_timeline_axis(&v->axis, c, y, k->lane_x[i] + k->state_w);
    if (k->lag_w > 0)
        dp_canvas_field(c, y, k->lag_x, k->lag_w, FIT_RIGHT, DEPOT_STYLE_HEADING, "slower");
    return y + 1;
}

static void draw_all(struct build_view *v, const struct canvas *c)
{
    int tail = tail_height(v, c->h);
    choose_columns(v, c->w);
    fit_axis(v);
    const int top = draw_heads(v, c);
    int h = c->h - top - tail;
    const size_t page = h > 0 ? (size_t)h : 1;
    if (v->stale || v->listed_page_ != page || v->listed_stacked_ != dp_build_is_stacked(v)) {
        dp_build_list(v, page);
        if (!v->moved)
            dp_build_follow(v);
    }
    /* Few rows leave more to the log. */
    const size_t rows = v->list.len > 3 ? v->list.len : 3;
    if (tail > 0 && rows < (size_t)h) {
        tail += h - (int)rows;
        h = c->h - top - tail;
    }
    draw_rows(v, c, top, h);
    if (tail > 0) {
        const struct canvas below = dp_canvas_sub(c, c->h - tail, 0, tail, c->w);
        dp_build_draw_tail(v, &below);
    }
}

void dp_build_draw(struct view *base, const struct canvas *c)
{
    struct build_view *v = (struct build_view *)base;
    dp_build_sync(v);
    if (v->build->state == NULL || v->graph.build_ != v->build->state) {
        dp_canvas_put(c, 1, 2, DEPOT_STYLE_DIM, dp_fleet_missing(v->build));
        return;
    }
    v->now = dp_fleet_build_now(v->build, dp_tui_now(base->tui));
    if (depot_build_state_over(v->build->state->state))
        v->now = v->build->state->finished != 0 ? v->build->state->finished : v->build->state->last;
    draw_all(v, c);
}
