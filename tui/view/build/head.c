/*
 * What stands above the build view's rows: the summary of the build, its critical path, and a
 * heading for each platform.
 */
#include "build_priv.h"
#include "tui/widget/step.h"

#include <stdio.h>
#include <string.h>

enum { LANE_NAME_W = 54 /* narrower: "arm64" for "linux/arm64" */ };

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
            mine->lines == 0 || other->done < other->lines || other->by[DEPOT_OUTCOME_RAN] == 0 ||
            other->by[DEPOT_OUTCOME_FAILED] + other->by[DEPOT_OUTCOME_CANCELLED] > 0)
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
    enum depot_outcome outcome;
};

static int put_facts(const struct canvas *c, int y, int x, int end, const struct depot_counts *k,
    int running, int waiting)
{
    const struct fact facts[] = {
        {"failed", k->failed, DEPOT_OUTCOME_FAILED},
        {"running", running, DEPOT_OUTCOME_RUNNING},
        {"hit", k->hit, DEPOT_OUTCOME_HIT},
        {"ran", k->ran, DEPOT_OUTCOME_RAN},
        {"shared", k->shared, DEPOT_OUTCOME_SHARED},
        {"not needed", k->skipped, DEPOT_OUTCOME_SKIPPED},
        {"cancelled", k->cancelled, DEPOT_OUTCOME_CANCELLED},
        {"waiting", waiting, DEPOT_OUTCOME_WAITING},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(facts); i++) {
        char text[64];
        const struct fact *f = &facts[i];
        if (f->n <= 0)
            continue;
        snprintf(text, sizeof(text), "%d %s", f->n, f->words);
        const int w = (int)strlen(text) + 2;
        if (x + w > end)
            break;
        dp_canvas_glyph(c, y, x, depot_outcome_style(f->outcome), depot_outcome_sign(f->outcome));
        dp_canvas_put(c, y, x + 2, depot_outcome_style(f->outcome), text);
        x += w + 3;
    }
    return x;
}

void dp_build_count_open(const struct build_view *v, int *running, int *waiting)
{
    *running = *waiting = 0;
    for (size_t i = 0; i < v->graph.order.len; i++) {
        const unsigned stage = v->graph.order.items[i];
        if (v->graph.stages.items[stage].kind > GRAPH_CHAIN)
            continue;
        for (size_t k = 0; k < v->graph.nlanes; k++) {
            const struct graph_sum *sum = dp_graph_sum(&v->graph, stage, k);
            *running += (int)sum->by[DEPOT_OUTCOME_RUNNING];
            *waiting += (int)sum->by[DEPOT_OUTCOME_WAITING];
        }
    }
}

/* The platform that all wait for. When all are side by side, its heading tells. */
static int put_slowest(const struct build_view *v, const struct canvas *c, int y, int from)
{
    char text[2 * DEPOT_TEXT_MAX + 32], by[DEPOT_TEXT_MAX];
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
    snprintf(text, sizeof(text), "%.24s %s behind", depot_text_platform(v->graph.lanes[slowest]),
        depot_text_duration(by, most, true));
    const int w = depot_text_width(text);
    if (c->w - 1 - w < from)
        return c->w - 1;
    dp_canvas_put(c, y, c->w - 1 - w, DEPOT_STYLE_WARN | DEPOT_ATTR_BOLD, text);
    return c->w - 3 - w;
}

/* "0:40 to 1:05 left", and what the cache saved; right. Returns where it begins. */
static int put_times(const struct build_view *v, const struct canvas *c, int y, int from,
    const struct fleet_row *row)
{
    char low[DEPOT_TEXT_MAX], high[DEPOT_TEXT_MAX], text[3 * DEPOT_TEXT_MAX] = "";
    int x = put_slowest(v, c, y, from);
    if (row->eta_high >= 0) {
        depot_text_duration(low, row->eta_low, false);
        depot_text_duration(high, row->eta_high, false);
        if (row->eta_low < DEPOT_SEC)
            snprintf(text, sizeof(text), "up to %s left", high);
        else if (strcmp(low, high) == 0)
            snprintf(text, sizeof(text), "about %s left", high);
        else
            snprintf(text, sizeof(text), "%s to %s left", low, high);
    } else if (row->saved >= DEPOT_SEC) {
        snprintf(
            text, sizeof(text), "the cache saved %s", depot_text_duration(low, row->saved, false));
    }
    const int w = (int)strlen(text);
    if (w == 0 || x - w < from)
        return x;
    dp_canvas_put(c, y, x - w, row->eta_high >= 0 ? DEPOT_STYLE_STRONG : DEPOT_STYLE_HIT, text);
    return x - w - 2;
}

void dp_build_draw_summary(struct build_view *v, const struct canvas *c, int y)
{
    const struct depot_build *b = v->build->state;
    struct fleet_row row;
    char time[DEPOT_TEXT_MAX];
    int running, waiting, x = 1;
    const bool over = depot_build_state_over(v->build->sum.state);
    dp_fleet_row(dp_tui_fleet(v->base.tui), v->build, dp_tui_now(v->base.tui), &row);
    const uint32_t style = depot_state_style(row.state);
    x += dp_canvas_glyph(c, y, x, style, depot_state_sign(row.state)) + 1;
    x += dp_canvas_put(c, y, x, style, depot_build_state_word(row.state)) + 1;
    x += dp_canvas_put(c, y, x, DEPOT_STYLE_STRONG, depot_text_duration(time, row.elapsed, true)) +
         2;
    const int meter = c->w >= 100 ? 20 : c->w >= 70 ? 10 : 0;
    if (row.counts.total > 0) {
        if (meter > 0 && !over) {
            dp_canvas_meter(c, y, x, meter, (double)row.done / row.expected, style);
            x += meter + 1;
        }
        depot_buf_clear(&v->text);
        dp_fleet_progress(&v->text, &row);
        x += dp_canvas_put(c, y, x, DEPOT_STYLE_TEXT, depot_buf_str(&v->text)) + 3;
    }
    dp_build_count_open(v, &running, &waiting);
    const int end = put_times(v, c, y, x + 12, &row);
    put_facts(c, y, x, end, &b->counts, running, over ? 0 : waiting);
}

/* ---- lanes ---- */

/* Of the steps of the Dockerfile: lines, done, and how many of each outcome. */
static void lane_totals(const struct build_view *v, size_t lane, struct graph_sum *all)
{
    memset(all, 0, sizeof(*all));
    for (size_t i = 0; i < v->graph.order.len; i++) {
        const unsigned stage = v->graph.order.items[i];
        const struct graph_sum *sum = dp_graph_sum(&v->graph, stage, lane);
        if (v->graph.stages.items[stage].kind > GRAPH_CHAIN)
            continue;
        all->lines += sum->lines;
        all->done += sum->done;
        for (int k = 0; k < DEPOT_OUTCOME_COUNT; k++)
            all->by[k] += sum->by[k];
    }
}

static enum depot_build_state lane_state(
    const struct build_view *v, const struct depot_part *p, const struct graph_sum *all)
{
    if (p != NULL && *p->platform != '\0')
        return p->state;
    if (all->by[DEPOT_OUTCOME_FAILED] > 0)
        return DEPOT_BUILD_FAILED;
    return v->build->state->state;
}

/* What there is to say of a platform that has no steps yet. */
static void put_not_begun(struct build_view *v, const struct canvas *c, int y, int x, int w,
    const struct depot_part *p, enum depot_build_state state)
{
    depot_buf_clear(&v->text);
    if (depot_build_state_over(state) || depot_build_state_over(v->build->state->state))
        depot_buf_adds(&v->text, "never started");
    else if (p != NULL && p->state == DEPOT_BUILD_QUEUED)
        dp_fleet_in_line(&v->text, p);
    else if (p != NULL && !depot_str_empty(p->builder))
        depot_buf_addf(&v->text, "starts on %s", p->builder);
    else
        depot_buf_adds(&v->text, "waits for a builder");
    const bool queued = state == DEPOT_BUILD_QUEUED;
    dp_canvas_glyph(c, y, x, depot_state_style(state), DEPOT_SIGN_WAIT);
    dp_canvas_field(c, y, x + 2, w - 2, FIT_LEFT, queued ? DEPOT_STYLE_WARN : DEPOT_STYLE_DIM,
        depot_buf_str(&v->text));
}

/* What a platform is late by, or that it failed; right. Returns where it begins. */
static int put_outcome(const struct build_view *v, const struct canvas *c, int y, int from, int end,
    size_t lane, enum depot_build_state state)
{
    char text[DEPOT_TEXT_MAX], what[DEPOT_TEXT_MAX + 16];
    if (state == DEPOT_BUILD_FAILED) {
        if (end - from <= 8)
            return end;
        dp_canvas_put(c, y, end - 5, DEPOT_STYLE_FAIL, " FAIL");
        return end - 5;
    }
    const int64_t late = v->graph.nlanes > 1 ? behind(v, lane) : 0;
    if (late <= 0)
        return end;
    snprintf(what, sizeof(what), " %s behind", depot_text_duration(text, late, true));
    const int x = end - (int)strlen(what);
    if (x > from)
        dp_canvas_put(c, y, x, DEPOT_STYLE_WARN | DEPOT_ATTR_BOLD, what);
    return x;
}

static int put_progress(const struct canvas *c, int y, int x, int end, const struct graph_sum *all,
    enum depot_build_state state)
{
    x += dp_canvas_putf(c, y, x, DEPOT_STYLE_TEXT, "%u/%u ", all->done, all->lines);
    if (depot_build_state_over(state) || end - x <= 40 || all->lines == 0)
        return x;
    dp_canvas_meter(c, y, x, 10, (double)all->done / all->lines, depot_state_style(state));
    return x + 11;
}

void dp_build_draw_lane_head(
    struct build_view *v, const struct canvas *c, int y, int x, int w, size_t lane, bool rule)
{
    struct graph_sum all;
    const struct depot_part *p = dp_build_part_of(v, lane);
    const int start = x, end = x + w;
    lane_totals(v, lane, &all);
    const enum depot_build_state state = lane_state(v, p, &all);
    const char *name = *v->graph.lanes[lane] != '\0' ? v->graph.lanes[lane] : "steps";
    if (w < LANE_NAME_W)
        name = depot_text_platform(name);
    const bool focus = v->graph.nlanes > 1 && lane == v->focus;
    x += dp_canvas_put(c, y, x, focus ? DEPOT_STYLE_TAB : DEPOT_STYLE_STRONG, name);
    if (p != NULL && depot_part_emulates(p, v->graph.lanes[lane]) && x + 12 < end)
        x += dp_canvas_put(c, y, x, DEPOT_STYLE_WARN, " emulated");
    x += 2;
    dp_canvas_hot(c, y, start, 1, w, ACTION_NEXT, (intptr_t)lane + 1, 0);
    if (!v->begun[lane]) {
        put_not_begun(v, c, y, x, end - x, p, state);
        return;
    }
    x = put_progress(c, y, x, end, &all, state);
    const int right = put_outcome(v, c, y, x, end, lane, state);
    const struct depot_counts k = {.hit = (int)all.by[DEPOT_OUTCOME_HIT],
        .ran = (int)all.by[DEPOT_OUTCOME_RAN],
        .failed = (int)all.by[DEPOT_OUTCOME_FAILED],
        .shared = (int)all.by[DEPOT_OUTCOME_SHARED],
        .skipped = (int)all.by[DEPOT_OUTCOME_SKIPPED],
        .cancelled = (int)all.by[DEPOT_OUTCOME_CANCELLED]};
    const int facts = put_facts(c, y, x + 1, right - 1, &k, (int)all.by[DEPOT_OUTCOME_RUNNING], 0);
    if (rule)
        dp_canvas_hline(c, y, facts, right - facts, DEPOT_STYLE_FAINT);
}

/* ---- the critical path ---- */

void dp_build_draw_critical(struct build_view *v, const struct canvas *c, int y)
{
    const struct depot_build *b = v->build->state;
    char text[DEPOT_TEXT_MAX];
    int x = 1;
    int64_t all = b->critical_ns;
    bool any = false;
    if (b->critical.len == 0)
        return;
    const struct depot_step *last = b->critical.items[b->critical.len - 1];
    if (last->outcome == DEPOT_OUTCOME_RUNNING)
        all += dp_graph_duration(last, v->now);
    dp_canvas_glyph(c, y, x, DEPOT_STYLE_CRITICAL, DEPOT_SIGN_CRITICAL);
    x += 2 + dp_canvas_put(c, y, x + 2, DEPOT_STYLE_DIM, "critical path ");
    x += 2 + dp_canvas_put(c, y, x, DEPOT_STYLE_STRONG, depot_text_duration(text, all, true));
    for (size_t i = 0; i < b->critical.len; i++) {
        const struct depot_step *s = b->critical.items[i];
        const int64_t took = dp_graph_duration(s, v->now);
        if (took < all / 50 || took < DEPOT_SEC / 10)
            continue;
        depot_buf_clear(&v->text);
        if (v->graph.nlanes > 1 && *s->platform != '\0' && x < 40)
            depot_buf_addf(&v->text, "%s ", depot_text_platform(s->platform));
        dp_build_line_name(&v->text, s);
        char *name = depot_strdup(depot_buf_str(&v->text));
        int w = depot_text_width(name);
        w = w > 30 ? 30 : w;
        if (x + w + 10 > c->w) {
            depot_free(name);
            dp_canvas_glyph(c, y, x, DEPOT_STYLE_DIM, DEPOT_SIGN_ELLIPSIS);
            break;
        }
        if (any)
            dp_canvas_glyph(c, y, x - 2, DEPOT_STYLE_FAINT, DEPOT_SIGN_CURSOR);
        any = true;
        dp_canvas_field(c, y, x, w, FIT_LEFT, DEPOT_STYLE_TEXT, name);
        x += w + 1;
        x += dp_canvas_put(c, y, x, DEPOT_STYLE_DIM,
            depot_text_duration(text, dp_graph_duration(s, v->now), true));
        x += 3;
        depot_free(name);
    }
}
