/*
 * The build view's frame: a summary, lanes with one time axis, the rows, the log below.
 */
#include "view_build_priv.h"

#include <stdio.h>

enum {
    TEXT_ONLY_W = 60,  /* narrower: no bars */
    LANE_MIN_W = 34,   /* side by side */
    WORD_MIN_BAR = 16, /* a bar narrower than this has the state as a glyph alone */
    TIME_W = 7,
    LAG_SIDE_W = 14, /* with the platform's name */
    LAG_W = 8,
    LANE_NAME_W = 54, /* narrower: "arm64" for "linux/arm64" */
    CRITICAL_MIN_H = 30,
    EXPECT_MAX = 64, /* running stages whose end is looked up for the axis */
};

/* How long ago another platform was through with what this one still does, in ns; at the end, how
 * much later it ended. 0: it is not behind. */
static int64_t behind(const struct build_view *v, size_t lane)
{
    int64_t most = 0, last = 0;
    depot_time end = 0;
    for (size_t i = 0; i < v->graph.order.len * v->graph.nlanes; i++) {
        const unsigned stage = v->graph.order.items[i / v->graph.nlanes];
        const struct graph_sum *mine = dp_graph_sum(&v->graph, stage, lane),
                               *other = dp_graph_sum(&v->graph, stage, i % v->graph.nlanes);
        if (v->graph.stages.items[stage].kind > GRAPH_CHAIN || other->lines == 0 ||
            mine->lines == 0 || other->done < other->lines || other->by[DEPOT_VERDICT_RAN] == 0 ||
            other->by[DEPOT_VERDICT_FAILED] + other->by[DEPOT_VERDICT_CANCELLED] > 0)
            continue;
        const bool done = mine->done == mine->lines;
        const int64_t by =
            other->completed < (done ? mine->completed : v->now)
                ? depot_time_between(other->completed, done ? mine->completed : v->now)
                : 0;
        if (!done && by > most)
            most = by;
        if (done && mine->completed > end)
            last = 0;
        if (done && mine->completed >= end) {
            end = mine->completed;
            last = by > last ? by : last;
        }
    }
    most = most > 0 ? most : last;
    return most >= DEPOT_SEC / 2 ? most : 0;
}

/* ---- summary ---- */

struct fact {
    const char *words; /* behind the number */
    int n;
    enum depot_verdict verdict;
};

static int put_facts(const struct canvas *c, int y, int x, int end, const struct depot_counts *k,
    int running, int waiting)
{
    const struct fact facts[] = {
        {"failed", k->failed, DEPOT_VERDICT_FAILED},
        {"running", running, DEPOT_VERDICT_RUNNING},
        {"hit", k->hit, DEPOT_VERDICT_HIT},
        {"ran", k->ran, DEPOT_VERDICT_RAN},
        {"shared", k->shared, DEPOT_VERDICT_SHARED},
        {"not needed", k->skipped, DEPOT_VERDICT_SKIPPED},
        {"cancelled", k->cancelled, DEPOT_VERDICT_CANCELLED},
        {"waiting", waiting, DEPOT_VERDICT_WAITING},
    };
    static const unsigned char glyphs[] = {GLYPH_FAIL, GLYPH_RUN, GLYPH_HIT, GLYPH_RAN,
        GLYPH_SHARED, GLYPH_SKIP, GLYPH_CANC, GLYPH_WAIT};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(facts); i++) {
        char text[64];
        const struct fact *f = &facts[i];
        if (f->n <= 0)
            continue;
        snprintf(text, sizeof(text), "%d %s", f->n, f->words);
        const int w = (int)strlen(text) + 2;
        if (x + w > end)
            break;
        dp_canvas_glyph(c, y, x, dp_style_verdict(f->verdict), glyphs[i]);
        dp_canvas_put(c, y, x + 2, dp_style_verdict(f->verdict), text);
        x += w + 3;
    }
    return x;
}

static void count_open(const struct build_view *v, int *running, int *waiting)
{
    *running = *waiting = 0;
    for (size_t i = 0; i < v->graph.order.len; i++) {
        const unsigned stage = v->graph.order.items[i];
        if (v->graph.stages.items[stage].kind > GRAPH_CHAIN)
            continue;
        for (size_t k = 0; k < v->graph.nlanes; k++) {
            const struct graph_sum *sum = dp_graph_sum(&v->graph, stage, k);
            *running += (int)sum->by[DEPOT_VERDICT_RUNNING];
            *waiting += (int)sum->by[DEPOT_VERDICT_WAITING];
        }
    }
}

/* The platform that all wait for. When all are side by side, its heading tells. */
static int put_slowest(const struct build_view *v, const struct canvas *c, int y, int from)
{
    char text[2 * TEXT_MAX + 32], by[TEXT_MAX];
    int64_t most = 0;
    size_t slowest = 0;
    const bool tells =
        v->cols.nlanes < v->graph.nlanes && v->build->sum.state != DEPOT_BUILD_FAILED;
    for (size_t i = 0; tells && i < v->graph.nlanes; i++) {
        const int64_t late = behind(v, i);
        if (late > most) {
            most = late;
            slowest = i;
        }
    }
    if (most == 0)
        return c->w - 1;
    snprintf(text, sizeof(text), "%.24s %s behind", dp_text_platform(v->graph.lanes[slowest]),
        dp_text_duration(by, most, true));
    const int w = (int)dp_text_width(text);
    if (c->w - 1 - w < from)
        return c->w - 1;
    dp_canvas_put(c, y, c->w - 1 - w, STYLE_WARN | ATTR_BOLD, text);
    return c->w - 3 - w;
}

/* "0:40 to 1:05 left", and what the cache saved; right. Returns where it begins. */
static int put_times(const struct build_view *v, const struct canvas *c, int y, int from,
    const struct fleet_row *row)
{
    char low[TEXT_MAX], high[TEXT_MAX], text[3 * TEXT_MAX] = "";
    int x = put_slowest(v, c, y, from);
    if (row->eta_high >= 0) {
        dp_text_duration(low, row->eta_low, false);
        dp_text_duration(high, row->eta_high, false);
        if (row->eta_low < DEPOT_SEC)
            snprintf(text, sizeof(text), "up to %s left", high);
        else if (strcmp(low, high) == 0)
            snprintf(text, sizeof(text), "about %s left", high);
        else
            snprintf(text, sizeof(text), "%s to %s left", low, high);
    } else if (row->saved > 0) {
        snprintf(
            text, sizeof(text), "the cache saved %s", dp_text_duration(low, row->saved, false));
    }
    const int w = (int)strlen(text);
    if (w == 0 || x - w < from)
        return x;
    dp_canvas_put(c, y, x - w, row->eta_high >= 0 ? STYLE_STRONG : STYLE_HIT, text);
    return x - w - 2;
}

static void draw_summary(struct build_view *v, const struct canvas *c, int y)
{
    const struct depot_build *b = v->build->state;
    struct fleet_row row;
    char time[TEXT_MAX];
    int running, waiting, x = 1;
    const bool over = depot_build_state_over(v->build->sum.state);
    dp_fleet_row(dp_tui_fleet(v->base.tui), v->build, dp_tui_now(v->base.tui), &row);
    const uint32_t style = dp_style_state(row.state);
    static const unsigned char glyphs[] = {[DEPOT_BUILD_CREATED] = GLYPH_WAIT,
        [DEPOT_BUILD_QUEUED] = GLYPH_WAIT,
        [DEPOT_BUILD_RUNNING] = GLYPH_RUN,
        [DEPOT_BUILD_SUCCEEDED] = GLYPH_RAN,
        [DEPOT_BUILD_FAILED] = GLYPH_FAIL,
        [DEPOT_BUILD_CANCELLED] = GLYPH_CANC};
    x += dp_canvas_glyph(c, y, x, style, glyphs[row.state]) + 1;
    x += dp_canvas_put(c, y, x, style, depot_build_state_word(row.state)) + 1;
    x += dp_canvas_put(c, y, x, STYLE_STRONG, dp_text_duration(time, row.elapsed, true)) + 2;
    const int meter = c->w >= 100 ? 20 : c->w >= 70 ? 10 : 0;
    if (row.counts.total > 0) {
        if (meter > 0 && !over) {
            dp_canvas_meter(c, y, x, meter, (double)row.done / row.counts.total, style);
            x += meter + 1;
        }
        x += dp_canvas_putf(c, y, x, STYLE_TEXT, "%d/%d", row.done, row.counts.total) + 3;
    }
    count_open(v, &running, &waiting);
    const int end = put_times(v, c, y, x + 12, &row);
    put_facts(c, y, x, end, &b->counts, running, over ? 0 : waiting);
}

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
        dp_canvas_put(c, y, x, (int)v->rendering == i ? STYLE_TAB : STYLE_DIM, names[i]);
        dp_canvas_hot(c, y, x, 1, w, (enum action)(ACTION_VIEW_1 + i), 0, 0);
        x += w + 2;
    }
    if (v->rendering != SHOW_FLAT && !dp_build_is_stacked(v) && v->cols.nlanes < v->graph.nlanes) {
        char more[64];
        snprintf(more, sizeof(more), "%zu of %zu", v->cols.nlanes, v->graph.nlanes);
        if (x + (int)strlen(more) <= end) {
            dp_canvas_put(c, y, x, STYLE_TAGGED, more);
            dp_canvas_hot(c, y, x, 1, (int)strlen(more), ACTION_NEXT, 0, 0);
            x += (int)strlen(more) + 2;
        }
    }
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(flags); i++) {
        const int w = (int)strlen(flags[i].word);
        if (!flags[i].on || x + w > end)
            continue;
        dp_canvas_put(c, y, x, STYLE_TAGGED, flags[i].word);
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
        const int w = (int)dp_text_width(*st->name != '\0' ? st->name : "Dockerfile");
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
    k->label_w = bars ? clamp(w * share / 100 - k->rails, k->name_w + 9, 84) : w - 8 - TIME_W;
    k->lag_w = n > 1 && bars ? side ? LAG_SIDE_W : w >= 90 ? LAG_W : 0 : 0;
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

static void fit_axis(struct build_view *v)
{
    const struct depot_build *b = v->build->state;
    const bool over = depot_build_state_over(b->state);
    depot_time from = b->created != 0 ? b->created : b->first, to = over ? b->finished : v->now;
    int running, waiting, looks = 0;
    count_open(v, &running, &waiting);
    /* All is done, but nobody said that it is over. */
    if (!over && b->started.len > 0 && running + waiting == 0)
        to = 0;
    for (size_t i = 0; i < v->graph.nlanes * v->graph.stages.len; i++) {
        const struct graph_sum *sum = &v->graph.sums.items[i];
        if (sum->started != 0 && (from == 0 || sum->started < from))
            from = sum->started;
        if (sum->completed > to)
            to = sum->completed;
        /* Room for what is still to come of it. */
        struct step_stats usual;
        if (sum->open != NULL && looks++ < EXPECT_MAX &&
            dp_fleet_step_stats(dp_tui_fleet(v->base.tui), v->build, sum->open, &usual) &&
            usual.runs > 0 && sum->open->started + usual.median > to)
            to = sum->open->started + usual.median;
    }
    dp_timeline_fit(&v->axis, from, to, !over, v->cols.bar_w);
}

/* ---- lanes ---- */

static void lane_totals(const struct build_view *v, size_t lane, struct graph_sum *all)
{
    memset(all, 0, sizeof(*all));
    for (size_t i = 0; i < v->graph.order.len; i++) {
        const unsigned stage = v->graph.order.items[i];
        const struct graph_sum *sum = dp_graph_sum(&v->graph, stage, lane);
        if (sum->started != 0 && (all->started == 0 || sum->started < all->started))
            all->started = sum->started;
        if (sum->completed > all->completed)
            all->completed = sum->completed;
        if (sum->open != NULL)
            all->open = sum->open;
        if (v->graph.stages.items[stage].kind > GRAPH_CHAIN)
            continue;
        all->lines += sum->lines;
        all->done += sum->done;
        for (int k = 0; k < DEPOT_VERDICT_COUNT; k++)
            all->by[k] += sum->by[k];
    }
}

static const struct depot_part *part_of(const struct build_view *v, size_t lane)
{
    const struct depot_build *b = v->build->state;
    for (size_t i = 0; i < b->parts.len; i++)
        if (strstr(b->parts.items[i]->platform, v->graph.lanes[lane]) != NULL)
            return b->parts.items[i];
    return NULL;
}

static enum depot_build_state lane_state(
    const struct build_view *v, const struct depot_part *p, const struct graph_sum *all)
{
    if (p != NULL && *p->platform != '\0')
        return p->state;
    if (all->by[DEPOT_VERDICT_FAILED] > 0)
        return DEPOT_BUILD_FAILED;
    return v->build->state->state;
}

static void draw_lane_head(
    struct build_view *v, const struct canvas *c, int y, int x, int w, size_t lane, bool rule)
{
    struct graph_sum all;
    char text[TEXT_MAX];
    const struct depot_part *p = part_of(v, lane);
    const int start = x, end = x + w;
    lane_totals(v, lane, &all);
    const enum depot_build_state state = lane_state(v, p, &all);
    const char *name = *v->graph.lanes[lane] != '\0' ? v->graph.lanes[lane] : "steps";
    if (w < LANE_NAME_W)
        name = dp_text_platform(name);
    const bool focus = v->graph.nlanes > 1 && lane == v->focus;
    x += dp_canvas_put(c, y, x, focus ? STYLE_TAB : STYLE_STRONG, name);
    if (p != NULL && depot_part_emulates(p, v->graph.lanes[lane]) && x + 12 < end)
        x += dp_canvas_put(c, y, x, STYLE_WARN, " emulated");
    x += dp_canvas_putf(c, y, x, STYLE_TEXT, "  %u/%u ", all.done, all.lines);
    if (!depot_build_state_over(state) && end - x > 40 && all.lines > 0) {
        dp_canvas_meter(c, y, x, 10, (double)all.done / all.lines, dp_style_state(state));
        x += 11;
    }
    const int64_t late = v->graph.nlanes > 1 ? behind(v, lane) : 0;
    int right = end;
    if (late > 0 && state != DEPOT_BUILD_FAILED) {
        char what[TEXT_MAX + 16];
        snprintf(what, sizeof(what), " %s behind", dp_text_duration(text, late, true));
        right -= (int)strlen(what);
        if (right > x)
            dp_canvas_put(c, y, right, STYLE_WARN | ATTR_BOLD, what);
    } else if (state == DEPOT_BUILD_FAILED && end - x > 8) {
        right -= 5;
        dp_canvas_put(c, y, right, STYLE_FAIL, " FAIL");
    }
    const struct depot_counts k = {.hit = (int)all.by[DEPOT_VERDICT_HIT],
        .ran = (int)all.by[DEPOT_VERDICT_RAN],
        .failed = (int)all.by[DEPOT_VERDICT_FAILED],
        .skipped = (int)all.by[DEPOT_VERDICT_SKIPPED]};
    x += 1;
    const int facts = put_facts(c, y, x, right - 1, &k, (int)all.by[DEPOT_VERDICT_RUNNING], 0);
    if (rule)
        dp_canvas_hline(c, y, facts, right - facts, STYLE_FAINT);
    dp_canvas_hot(c, y, start, 1, w, ACTION_NEXT, (intptr_t)lane + 1, 0);
}

/* ---- the critical path ---- */

static void draw_critical(struct build_view *v, const struct canvas *c, int y)
{
    const struct depot_build *b = v->build->state;
    char text[TEXT_MAX];
    int x = 1;
    int64_t all = b->critical_ns;
    bool any = false;
    if (b->critical.len == 0)
        return;
    const struct depot_step *last = b->critical.items[b->critical.len - 1];
    if (last->verdict == DEPOT_VERDICT_RUNNING)
        all += dp_graph_duration(last, v->now);
    dp_canvas_glyph(c, y, x, STYLE_CRITICAL, GLYPH_CRITICAL);
    x += 2 + dp_canvas_put(c, y, x + 2, STYLE_DIM, "critical path ");
    x += 2 + dp_canvas_put(c, y, x, STYLE_STRONG, dp_text_duration(text, all, true));
    for (size_t i = 0; i < b->critical.len; i++) {
        const struct depot_step *s = b->critical.items[i];
        const int64_t took = dp_graph_duration(s, v->now);
        if (took < all / 50 || took < DEPOT_SEC / 10)
            continue;
        depot_buf_clear(&v->text);
        if (v->graph.nlanes > 1 && *s->platform != '\0' && x < 40)
            depot_buf_addf(&v->text, "%s ", dp_text_platform(s->platform));
        dp_build_line_name(&v->text, s);
        char *name = depot_strdup(depot_buf_str(&v->text));
        int w = (int)dp_text_width(name);
        w = w > 30 ? 30 : w;
        if (x + w + 10 > c->w) {
            depot_free(name);
            dp_canvas_glyph(c, y, x, STYLE_DIM, GLYPH_ELLIPSIS);
            break;
        }
        if (any)
            dp_canvas_glyph(c, y, x - 2, STYLE_FAINT, GLYPH_CURSOR);
        any = true;
        dp_canvas_field(c, y, x, w, FIT_LEFT, STYLE_TEXT, name);
        x += w + 1;
        x += dp_canvas_put(
            c, y, x, STYLE_DIM, dp_text_duration(text, dp_graph_duration(s, v->now), true));
        x += 3;
        depot_free(name);
    }
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
        dp_canvas_put(c, y, 2, STYLE_DIM, "no step passes");
        return;
    }
    for (size_t i = 0; i < b->parts.len; i++) {
        const struct depot_part *p = b->parts.items[i];
        if (p->state != DEPOT_BUILD_QUEUED)
            continue;
        int x = 2 + dp_canvas_putf(c, y, 2, STYLE_STRONG, "%s ", p->platform);
        x += dp_canvas_put(c, y, x, STYLE_TEXT, "waits in line");
        if (p->queue_position > 0)
            x += dp_canvas_putf(c, y, x, STYLE_TEXT, ", place %d", p->queue_position);
        if (!depot_str_empty(p->queue_reason))
            dp_canvas_putf(c, y, x, STYLE_DIM, ": %s", p->queue_reason);
        y++;
    }
    if (y == 1)
        dp_canvas_put(c, y, 2, STYLE_DIM, "no step has been announced yet");
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
            draw_lane_head(v, &body, i, 1, c->w - 2, it->lane, true);
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
                it->kind == ITEM_LANE ? 2 + (int)dp_text_width(v->graph.lanes[it->lane])
                                      : mark - from,
                STYLE_SELECTED);
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
    draw_summary(v, c, y++);
    if (c->h >= CRITICAL_MIN_H)
        draw_critical(v, c, y++);
    if (side && !flat)
        for (size_t i = 0; i < k->nlanes; i++)
            draw_lane_head(v, c, y, k->lane_x[i], k->lane_w, k->lanes[i], false);
    if (c->h < 10)
        return y;
    draw_tabs(v, c, y, flat ? c->w : k->label_x + k->label_w);
    if (flat) {
        dp_build_flat_heads(v, c, ++y);
        return y + 1;
    }
    y += side;
    for (size_t i = 0; i < k->nlanes && k->bar_w > 0; i++)
        dp_timeline_axis(&v->axis, c, y, k->lane_x[i] + k->state_w);
    if (k->lag_w > 0)
        dp_canvas_field(c, y, k->lag_x, k->lag_w, FIT_RIGHT, STYLE_HEADING, "slower");
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
        dp_canvas_put(c, 1, 2, STYLE_DIM, "fetching the build");
        return;
    }
    v->now = dp_fleet_build_now(v->build, dp_tui_now(base->tui));
    if (depot_build_state_over(v->build->state->state))
        v->now = v->build->state->finished != 0 ? v->build->state->finished : v->build->state->last;
    draw_all(v, c);
}
