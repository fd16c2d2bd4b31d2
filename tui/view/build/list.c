/*
 * The build view's rows: the graph's, once for each platform where those are stacked; in the flat
 * table by duration. And what is selected, through all that changes.
 */
#include "build_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE_MIN_W = 150, SORT_SECONDS = 2 };
static const uint32_t all_lanes = UINT32_MAX;

bool dp_build_is_stacked(const struct build_view *v)
{
    return v->graph.nlanes > 1 && v->base.w < SIDE_MIN_W;
}

void dp_build_list_release(struct build_view *v)
{
    depot_vec_free(&v->list);
}

/* ---- what an item is ---- */

size_t dp_build_item_lane(const struct build_view *v, const struct build_item *it)
{
    return it->lane == all_lanes ? v->focus : it->lane;
}

/* Of a stage: what failed, what runs, else what took longest. */
static const struct depot_step *step_that_tells(
    const struct build_view *v, unsigned stage, size_t lane)
{
    const struct graph_stage *st = &v->graph.stages.items[stage];
    const struct depot_step *best = NULL;
    int64_t best_took = -1;
    for (size_t i = st->line; i < st->line + st->nlines; i++) {
        const struct depot_step *s = dp_graph_cell(&v->graph, i, lane);
        if (s == NULL)
            continue;
        const enum depot_outcome outcome = dp_graph_outcome(s);
        int64_t took = dp_graph_duration(s, v->now);
        if (outcome == DEPOT_OUTCOME_FAILED)
            return s;
        if (outcome == DEPOT_OUTCOME_RUNNING)
            took = INT64_MAX;
        if (took > best_took) {
            best = s;
            best_took = took;
        }
    }
    return best;
}

const struct depot_step *dp_build_item_step(
    const struct build_view *v, const struct build_item *it, size_t lane)
{
    if (it->kind == ITEM_LANE)
        return NULL;
    return it->line != SIZE_MAX ? dp_graph_cell(&v->graph, it->line, lane)
                                : step_that_tells(v, it->stage, lane);
}

const struct build_item *dp_build_selected(const struct build_view *v)
{
    return v->rows.selected < v->list.len ? &v->list.items[v->rows.selected] : NULL;
}

/* What fails or runs on a lane, else what took longest: for its heading. */
static const struct depot_step *busiest(const struct build_view *v, size_t lane)
{
    const struct depot_step *best = NULL, *longest = NULL;
    int64_t most = -1;
    for (size_t i = 0; i < v->graph.order.len; i++) {
        const struct graph_sum *sum = dp_graph_sum(&v->graph, v->graph.order.items[i], lane);
        const bool told = v->graph.stages.items[v->graph.order.items[i]].kind <= GRAPH_CHAIN;
        if (told && sum->busy > most) {
            most = sum->busy;
            longest = step_that_tells(v, v->graph.order.items[i], lane);
        }
        if (sum->by[DEPOT_OUTCOME_FAILED] > 0)
            return step_that_tells(v, v->graph.order.items[i], lane);
        if (sum->open != NULL && (best == NULL || sum->open->started < best->started))
            best = sum->open;
    }
    return best != NULL ? best : longest;
}

const struct depot_step *dp_build_selected_step(const struct build_view *v)
{
    const struct build_item *it = dp_build_selected(v);
    if (it == NULL || v->graph.build_ == NULL)
        return NULL;
    const size_t lane = dp_build_item_lane(v, it);
    return it->kind == ITEM_LANE ? busiest(v, lane) : dp_build_item_step(v, it, lane);
}

/* ---- the selection ---- */

void dp_build_choose(struct build_view *v, size_t index)
{
    if (index >= v->list.len)
        return;
    const struct build_item *it = &v->list.items[index];
    v->rows.selected = index;
    if (it->lane != all_lanes)
        v->focus = it->lane;
    v->choice.lane = v->focus;
    v->choice.stage = it->kind == ITEM_LANE ? UINT32_MAX : it->stage;
    v->choice.line =
        it->kind == ITEM_LINE ? it->line - v->graph.stages.items[it->stage].line : SIZE_MAX;
    dp_graph_relate(&v->graph, v->choice.stage);
}

bool dp_build_list_find(const struct build_view *v, const struct build_choice *c, size_t *index)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < v->list.len; i++) {
            const struct build_item *it = &v->list.items[i];
            if (it->lane != all_lanes && it->lane != c->lane)
                continue;
            if (it->kind == ITEM_LANE ? c->stage != UINT32_MAX : it->stage != c->stage)
                continue;
            const size_t line =
                it->kind == ITEM_LINE ? it->line - v->graph.stages.items[it->stage].line : SIZE_MAX;
            /* A line whose stage was folded is found in its stage. */
            if (line == c->line || (pass == 1 && line == SIZE_MAX)) {
                *index = i;
                return true;
            }
        }
    }
    return false;
}

void dp_build_go_to(struct build_view *v, const struct depot_step *s, bool unfold)
{
    struct graph *g = &v->graph;
    size_t line, lane, index;
    if (s == NULL || !dp_graph_find(g, s, &line, &lane))
        return;
    struct graph_stage *st = &g->stages.items[g->lines.items[line].stage];
    if (*s->platform == '\0')
        lane = v->focus; /* it is on all of them */
    const struct build_choice c = {
        .stage = g->lines.items[line].stage, .line = line - st->line, .lane = lane};
    v->focus = lane;
    if (unfold && !dp_graph_is_open(g, c.stage) && st->nlines > 1 && v->rendering != SHOW_FLAT) {
        st->fold = FOLD_OPEN;
        v->choice = c;
        dp_build_list(v, v->listed_page_);
    }
    if (dp_build_list_find(v, &c, &index))
        dp_build_choose(v, index);
}

/* ---- making rows ---- */

/* On any of the platforms; they have the instruction in common. */
static bool matches(const struct graph *g, size_t line, void *arg)
{
    struct build_view *v = arg;
    const struct graph_line *l = &g->lines.items[line];
    char ordinal[DEPOT_TEXT_MAX];
    depot_buf_clear(&v->text);
    snprintf(ordinal, sizeof(ordinal), "%d", l->ordinal);
    dp_filter_row(&v->filter);
    dp_filter_say(&v->filter, FIELD_STAGE, g->stages.items[l->stage].name);
    dp_filter_say(&v->filter, FIELD_ANY, ordinal);
    for (size_t i = 0; i < g->nlanes; i++) {
        const struct depot_step *s = dp_graph_cell(g, line, i);
        if (s == NULL)
            continue;
        dp_filter_say(&v->filter, FIELD_STATE, depot_outcome_word(dp_graph_outcome(s)));
        dp_filter_say(&v->filter, FIELD_PLATFORM, g->lanes[i]);
        if (v->text.len == 0)
            dp_build_instruction(&v->text, s);
    }
    dp_filter_say(&v->filter, FIELD_WHAT, depot_buf_str(&v->text));
    return dp_filter_passes(&v->filter);
}

static void add_rows(struct build_view *v, uint32_t lane)
{
    const struct graph *g = &v->graph;
    for (size_t i = 0; i < g->rows.len; i++) {
        const struct graph_row *r = &g->rows.items[i];
        const struct graph_stage *st = &g->stages.items[r->stage];
        const bool stage = r->line == SIZE_MAX;
        struct build_item it = {.kind = stage ? ITEM_STAGE : ITEM_LINE,
            .stage = r->stage,
            .lane = lane,
            .line = r->line};
        /* What the engine does around the build is told once, unless platforms differ in it; and
         * a platform that has not begun has its heading alone. */
        if (lane != all_lanes && (st->kind > GRAPH_CHAIN || !v->begun[lane]) &&
            dp_graph_sum(g, r->stage, lane)->lines == 0)
            continue;
        /* Such as the join of what all platforms push: a step of one of them. */
        if (lane != all_lanes && st->kind > GRAPH_CHAIN && !stage &&
            dp_graph_cell(g, r->line, lane) == NULL)
            continue;
        if (stage && st->nlines == 1)
            it.line = st->line;
        depot_vec_push(&v->list, it);
    }
}

static int64_t took_of(const struct build_view *v, const struct build_item *it)
{
    const struct depot_step *s = dp_graph_cell(&v->graph, it->line, it->lane);
    return s != NULL ? dp_graph_duration(s, v->now) : -1;
}

struct sortable {
    struct build_item item;
    int64_t took;
    size_t index;
};

static int by_duration(const void *a, const void *b)
{
    const struct sortable *x = a, *y = b;
    if (x->took != y->took)
        return x->took > y->took ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Longest first. */
static void sort_flat(struct build_view *v)
{
    struct sortable *all = depot_alloc((v->list.len + 1) * sizeof(*all));
    for (size_t i = 0; i < v->list.len; i++)
        all[i] = (struct sortable){v->list.items[i], took_of(v, &v->list.items[i]), i};
    if (v->list.len > 1)
        qsort(all, v->list.len, sizeof(*all), by_duration);
    for (size_t i = 0; i < v->list.len; i++)
        v->list.items[i] = all[i].item;
    depot_free(all);
    v->sorted = v->now;
}

static void make_flat(struct build_view *v)
{
    const struct graph *g = &v->graph;
    for (size_t i = 0; i < g->rows.len; i++) {
        const struct graph_row *r = &g->rows.items[i];
        const struct graph_stage *st = &g->stages.items[r->stage];
        const size_t line = r->line != SIZE_MAX ? r->line : st->nlines == 1 ? st->line : SIZE_MAX;
        if (line == SIZE_MAX || (st->kind == GRAPH_INTERNAL && !v->internal))
            continue;
        for (size_t k = 0; k < g->nlanes; k++) {
            const struct depot_step *s = dp_graph_cell(g, line, k);
            const struct build_item it = {
                .kind = ITEM_LINE, .stage = r->stage, .lane = (uint32_t)k, .line = line};
            if (s == NULL || (k > 0 && s == dp_graph_cell(g, line, 0)))
                continue;
            depot_vec_push(&v->list, it);
        }
    }
    sort_flat(v);
}

static void make_stacked(struct build_view *v)
{
    for (size_t i = 0; i < v->graph.nlanes; i++) {
        const struct build_item head = {
            .kind = ITEM_LANE, .lane = (uint32_t)i, .stage = UINT32_MAX, .line = SIZE_MAX};
        depot_vec_push(&v->list, head);
        add_rows(v, (uint32_t)i);
    }
}

void dp_build_list(struct build_view *v, size_t page)
{
    const bool flat = v->rendering == SHOW_FLAT, stacked = dp_build_is_stacked(v);
    const size_t lanes = stacked ? v->graph.nlanes : 1;
    const struct graph_show show = {.critical = v->critical_only,
        .misses = v->misses_only,
        .internal = v->internal,
        .all = flat,
        .fits = page / lanes - (stacked && page >= lanes),
        .passes = v->filter.on ? matches : NULL,
        .arg = v};
    size_t index;
    dp_graph_show(&v->graph, &show);
    v->list.len = 0;
    v->stale = false;
    v->listed_page_ = page;
    v->listed_stacked_ = stacked;
    if (flat)
        make_flat(v);
    else if (stacked)
        make_stacked(v);
    else
        add_rows(v, v->graph.nlanes == 1 ? 0 : all_lanes);
    v->rows.count = v->list.len;
    if (v->moved && dp_build_list_find(v, &v->choice, &index)) {
        dp_rows_move(&v->rows, index);
    } else if (v->moved && v->list.len > 0) {
        const size_t last = v->list.len - 1;
        dp_build_choose(v, v->rows.selected < last ? v->rows.selected : last);
    } else if (v->list.len > 0) {
        dp_build_choose(v, v->rows.selected < v->list.len ? v->rows.selected : 0);
    }
}

static bool any_failed(const struct graph *g)
{
    for (size_t i = 0; i < g->stages.len; i++)
        if (g->stages.items[i].failed)
            return true;
    return false;
}

/* The first by start of a list of steps that is ordered by it; NULL: none. */
static const struct depot_step *first_with(
    struct depot_step *const *list, size_t n, enum depot_outcome outcome)
{
    for (size_t i = 0; i < n; i++)
        if (list[i]->parsed.kind == DEPOT_STEP_BUILD && list[i]->outcome == outcome)
            return list[i];
    return NULL;
}

/* Until the user chooses: what failed, else what has run longest of all that runs. */
void dp_build_follow(struct build_view *v)
{
    const struct depot_build *b = v->build->state;
    const struct depot_step *best = NULL, *longest = NULL;
    if (b != NULL && any_failed(&v->graph))
        best = first_with(b->started.items, b->started.len, DEPOT_OUTCOME_FAILED);
    if (b != NULL && best == NULL)
        best = first_with(b->running.items, b->running.len, DEPOT_OUTCOME_RUNNING);
    /* It is over: what decided how long it took, when that needs no scrolling. */
    for (size_t i = 0;
         b != NULL && best == NULL && depot_build_state_over(b->state) && i < b->critical.len; i++)
        if (v->list.len <= v->listed_page_ &&
            b->critical.items[i]->parsed.kind == DEPOT_STEP_BUILD &&
            (longest == NULL || dp_graph_duration(b->critical.items[i], v->now) >
                                    dp_graph_duration(longest, v->now)))
            longest = b->critical.items[i];
    if (best != NULL || longest != NULL)
        dp_build_go_to(v, best != NULL ? best : longest, false);
}
