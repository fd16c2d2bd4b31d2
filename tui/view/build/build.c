/*
 * One build: what keys do to it. How it looks: draw.c.
 */
#include "tui/app/command.h"
#include "build_priv.h"
#include "tui/widget/step.h"

#include <ctype.h>

enum { FLAT_SORT_EVERY = 2 }; /* seconds */

/* ---- life ---- */

static int build_open(struct view *base, const char *arg, struct depot_error *err)
{
    struct build_view *v = (struct build_view *)base;
    struct fleet *f = dp_tui_fleet(base->tui);
    v->build = arg != NULL ? dp_fleet_find_prefix(f, arg) : NULL;
    if (arg == NULL)
        return depot_error_set(err, DEPOT_ERR_INVALID, "which build? :build ID, or how it begins");
    if (v->build == NULL)
        return depot_error_set(err, DEPOT_ERR_NOT_FOUND, "no single build begins with \"%s\"", arg);
    dp_graph_init(&v->graph);
    depot_buf_init(&v->text, 64 * 1024);
    v->stale = true;
    v->choice = (struct build_choice){.stage = UINT32_MAX, .line = SIZE_MAX};
    dp_fleet_watch(f, v->build);
    return 0;
}

static void build_close(struct view *base)
{
    struct build_view *v = (struct build_view *)base;
    dp_fleet_unwatch(dp_tui_fleet(base->tui), v->build);
    dp_build_list_release(v);
    dp_graph_release(&v->graph);
    dp_filter_release(&v->filter);
    dp_log_cells_release(&v->cells);
    depot_buf_release(&v->text);
    depot_free(v->pattern);
}

static bool sorts_now(const struct build_view *v)
{
    return v->rendering == SHOW_FLAT && v->now >= v->sorted + FLAT_SORT_EVERY * DEPOT_SEC;
}

static void note_begun(struct build_view *v)
{
    const size_t lanes = v->graph.nlanes;
    memset(v->begun, 0, sizeof(v->begun));
    for (size_t i = 0; i < v->graph.order.len * lanes; i++) {
        const unsigned stage = v->graph.order.items[i / lanes];
        if (v->graph.stages.items[stage].kind <= GRAPH_CHAIN &&
            dp_graph_sum(&v->graph, stage, i % lanes)->lines > 0)
            v->begun[i % lanes] = true;
    }
}

static void build_refresh(struct view *base)
{
    struct build_view *v = (struct build_view *)base;
    const struct depot_build *b = v->build->state;
    v->now = dp_fleet_build_now(v->build, dp_tui_now(base->tui));
    if (v->generation != v->build->generation || b == NULL) {
        v->generation = v->build->generation;
        dp_graph_forget(&v->graph);
        v->list.len = 0;
        v->stale = true;
    }
    if (b == NULL)
        return;
    const enum graph_change change = dp_graph_update(&v->graph, b);
    /* A table by duration is sorted anew now and then, not under the reader's eyes. */
    if (change == GRAPH_STRUCTURE ||
        (v->rendering == SHOW_FLAT ? sorts_now(v) : change == GRAPH_SUMS))
        v->stale = true;
    if (change == GRAPH_STRUCTURE) {
        note_begun(v);
        dp_graph_relate(&v->graph, v->choice.stage);
    }
}

/* What the rows refer to is gone: see anew, also while the screen is frozen. */
void dp_build_sync(struct build_view *v)
{
    if (v->generation != v->build->generation || v->graph.build_ != v->build->state)
        build_refresh(&v->base);
}

/* ---- moving ---- */

static void choose(struct build_view *v, size_t index)
{
    v->moved = true;
    dp_build_choose(v, index);
}

static void remake(struct build_view *v)
{
    if (v->graph.build_ != NULL)
        dp_build_list(v, v->listed_page_ > 0 ? v->listed_page_ : 1);
}

static void next_lane(struct build_view *v, bool back)
{
    const size_t n = v->graph.nlanes;
    size_t index;
    if (n < 2)
        return;
    v->moved = true;
    v->focus = (v->focus + (back ? n - 1 : 1)) % n;
    v->choice.lane = v->focus;
    if (dp_build_list_find(v, &v->choice, &index))
        dp_build_choose(v, index);
}

/* A lane's heading was clicked, `arg` is its number from 1; or the key, 0. */
static void to_lane(struct build_view *v, intptr_t arg, bool back)
{
    if (arg <= 0 || (size_t)arg > v->graph.nlanes) {
        next_lane(v, back);
        return;
    }
    v->focus = ((size_t)arg - 1 + v->graph.nlanes - 1) % v->graph.nlanes;
    next_lane(v, false);
}

static bool has_failed(
    const struct build_view *v, const struct build_item *it, const struct depot_step **out)
{
    for (size_t i = 0; i < v->graph.nlanes; i++) {
        const size_t lane = it->lane != UINT32_MAX ? it->lane : i;
        const struct depot_step *s = dp_build_item_step(v, it, lane);
        if (s != NULL && dp_graph_outcome(s) == DEPOT_OUTCOME_FAILED) {
            *out = s;
            return true;
        }
    }
    return false;
}

static void next_error(struct build_view *v, bool back)
{
    const size_t n = v->list.len;
    for (size_t i = 1; i <= n; i++) {
        const size_t at = (v->rows.selected + (back ? n - i : i)) % n;
        const struct depot_step *s = NULL;
        const struct build_item *it = &v->list.items[at];
        if (it->kind == ITEM_LANE || !has_failed(v, it, &s))
            continue;
        v->moved = true;
        dp_build_go_to(v, s, true);
        return;
    }
    if (v->build->state != NULL)
        dp_tui_say(v->base.tui, DEPOT_STYLE_DIM, "no step failed");
}

static void go_twin(struct build_view *v)
{
    const struct depot_step *s = dp_build_selected_step(v);
    const struct depot_step *twin =
        s != NULL && v->build->state != NULL ? dp_step_sibling(v->build->state, s) : NULL;
    if (twin == NULL) {
        dp_tui_say(v->base.tui, DEPOT_STYLE_DIM, "this step has no twin");
        return;
    }
    v->moved = true;
    dp_build_go_to(v, twin, true);
}

/* ---- folding ---- */

static void fold_all(struct build_view *v, bool fold)
{
    for (size_t i = 0; i < v->graph.stages.len; i++)
        v->graph.stages.items[i].fold = fold ? FOLD_CLOSED : FOLD_OPEN;
    if (!fold) /* what the engine does itself only shows when it is asked for */
        for (size_t i = 0; i < v->graph.stages.len; i++)
            if (v->graph.stages.items[i].kind == GRAPH_INTERNAL)
                v->graph.stages.items[i].fold = FOLD_AUTO;
}

static void fold(struct build_view *v, enum action a)
{
    const struct build_item *it = dp_build_selected(v);
    v->moved = true;
    if (a == ACTION_FOLD_ALL || a == ACTION_UNFOLD_ALL) {
        fold_all(v, a == ACTION_FOLD_ALL);
    } else if (it != NULL && it->kind != ITEM_LANE && v->rendering != SHOW_FLAT) {
        struct graph_stage *st = &v->graph.stages.items[it->stage];
        const bool open = dp_graph_is_open(&v->graph, it->stage);
        st->fold = a == ACTION_RIGHT || (a == ACTION_FOLD && !open) ? FOLD_OPEN : FOLD_CLOSED;
        if (st->fold == FOLD_CLOSED)
            v->choice.line = SIZE_MAX;
    }
    remake(v);
}

/* ---- showing ---- */

static bool show_action(struct build_view *v, enum action a)
{
    if (a >= ACTION_VIEW_1 && a <= ACTION_VIEW_3)
        v->rendering = (enum build_rendering)(a - ACTION_VIEW_1);
    else if (a == ACTION_CRITICAL)
        v->critical_only = !v->critical_only;
    else if (a == ACTION_MISSES)
        v->misses_only = !v->misses_only;
    else if (a == ACTION_INTERNAL)
        v->internal = !v->internal;
    else if (a == ACTION_ZOOM)
        v->zoom = !v->zoom;
    else
        return false;
    remake(v);
    return true;
}

static void open_step(struct build_view *v)
{
    const struct depot_step *s = dp_build_selected_step(v);
    if (s == NULL)
        dp_tui_say(v->base.tui, DEPOT_STYLE_DIM, "no step yet");
    else
        dp_tui_push_step(v->base.tui, VIEW_STEP, v->build, s);
}

static void open_selected(struct build_view *v)
{
    const struct build_item *it = dp_build_selected(v);
    if (it == NULL || it->kind == ITEM_LINE || it->line != SIZE_MAX)
        open_step(v);
    else if (it->kind == ITEM_STAGE)
        fold(v, ACTION_FOLD);
}

static void copy_row(struct build_view *v)
{
    const struct depot_step *s = dp_build_selected_step(v);
    const char *text = s != NULL ? s->name : v->build->id;
    dp_tui_copy(v->base.tui, text, strlen(text));
    dp_tui_say(v->base.tui, DEPOT_STYLE_DIM, "copied");
}

static void sibling(struct build_view *v, int by)
{
    const struct fleet *f = dp_tui_fleet(v->base.tui);
    for (size_t i = 0; i < f->builds.len; i++) {
        if (f->builds.items[i] != v->build)
            continue;
        const size_t to = by > 0 ? i + 1 : i - 1;
        if (to < f->builds.len)
            dp_tui_replace(v->base.tui, VIEW_BUILD, f->builds.items[to]->key);
        return;
    }
}

/* ---- looking for ---- */

static int build_filter(struct view *base, const char *text, bool done, struct depot_error *err)
{
    struct build_view *v = (struct build_view *)base;
    DEPOT_UNUSED(done);
    dp_build_sync(v);
    const int e = dp_filter_set(&v->filter, text, err);
    if (e == 0)
        remake(v);
    return e;
}

static bool holds(const char *text, const char *pattern)
{
    const size_t n = strlen(pattern);
    for (; *text != '\0'; text++) {
        size_t i = 0;
        while (i < n && text[i] != '\0' &&
               tolower((unsigned char)text[i]) == tolower((unsigned char)pattern[i]))
            i++;
        if (i == n)
            return true;
    }
    return false;
}

/* The step of a line that has the text, on the item's lane or, of all, the one in focus first. */
static const struct depot_step *line_match(
    struct build_view *v, const struct build_item *it, size_t line)
{
    const bool all = it->lane == UINT32_MAX;
    for (size_t k = 0; k < (all ? v->graph.nlanes : 1); k++) {
        const size_t lane = all ? (v->focus + k) % v->graph.nlanes : it->lane;
        const struct depot_step *s = dp_graph_cell(&v->graph, line, lane);
        if (s == NULL)
            continue;
        depot_buf_clear(&v->text);
        depot_buf_addf(&v->text, "%s ", v->graph.stages.items[it->stage].name);
        dp_build_instruction(&v->text, s);
        if (holds(depot_buf_str(&v->text), v->pattern))
            return s;
    }
    return NULL;
}

/* The first match in a row; *s NULL: its stage's name. A folded stage is looked through. */
static bool find_match(
    struct build_view *v, const struct build_item *it, bool back, const struct depot_step **s)
{
    *s = NULL;
    if (it->kind == ITEM_LANE)
        return false;
    if (it->line != SIZE_MAX)
        return (*s = line_match(v, it, it->line)) != NULL;
    const struct graph_stage *st = &v->graph.stages.items[it->stage];
    if (holds(st->name, v->pattern))
        return true;
    for (size_t i = 0; !dp_graph_is_open(&v->graph, it->stage) && *s == NULL && i < st->nlines;
         i++) {
        const size_t line = st->line + (back ? st->nlines - 1 - i : i);
        if (v->graph.lines.items[line].passes)
            *s = line_match(v, it, line);
    }
    return *s != NULL;
}

/* `unfold`: the stage that hides the match; else it is selected itself. */
static bool next_match(struct build_view *v, bool back, bool here, bool unfold)
{
    const size_t n = v->list.len;
    for (size_t i = here ? 0 : 1; v->pattern != NULL && i <= n && n > 0; i++) {
        const size_t at = (v->rows.selected + (back ? n - i % n : i)) % n;
        const struct build_item *it = &v->list.items[at];
        const struct depot_step *s;
        if (!find_match(v, it, back, &s))
            continue;
        if (it->lane != UINT32_MAX)
            v->focus = it->lane;
        if (s == NULL || (it->line == SIZE_MAX && !unfold)) {
            choose(v, at);
        } else {
            v->moved = true;
            dp_build_go_to(v, s, true);
        }
        return true;
    }
    return false;
}

static int build_search(struct view *base, const char *text, bool done, struct depot_error *err)
{
    struct build_view *v = (struct build_view *)base;
    dp_build_sync(v);
    depot_free(v->pattern);
    v->pattern = *text != '\0' ? depot_strdup(text) : NULL;
    if (v->pattern != NULL && !next_match(v, false, true, done))
        return depot_error_set(err, DEPOT_ERR_INVALID, "no row has it");
    return 0;
}

/* ---- actions ---- */

static enum view_result build_action(struct view *base, enum action a, intptr_t arg)
{
    struct build_view *v = (struct build_view *)base;
    dp_build_sync(v);
    if (a != ACTION_WHEEL_UP && a != ACTION_WHEEL_DOWN && dp_rows_action(&v->rows, a, arg)) {
        choose(v, v->rows.selected);
        return VIEW_HANDLED;
    }
    if (show_action(v, a))
        return VIEW_HANDLED;
    switch (a) {
    case ACTION_WHEEL_UP:
    case ACTION_WHEEL_DOWN:
        dp_rows_action(&v->rows, a, arg);
        choose(v, v->rows.selected);
        break;
    case ACTION_FOLD:
    case ACTION_FOLD_ALL:
    case ACTION_UNFOLD_ALL:
    case ACTION_LEFT:
    case ACTION_RIGHT:
        fold(v, a);
        break;
    case ACTION_OPEN:
        open_selected(v);
        break;
    case ACTION_LOG:
        open_step(v);
        break;
    case ACTION_WHY:
        dp_tui_push_step(base->tui, VIEW_WHY, v->build, dp_build_selected_step(v));
        break;
    case ACTION_NEXT:
    case ACTION_PREV:
        to_lane(v, arg, a == ACTION_PREV);
        break;
    case ACTION_ERROR_NEXT:
    case ACTION_ERROR_PREV:
        next_error(v, a == ACTION_ERROR_PREV);
        break;
    case ACTION_MATCH_NEXT:
    case ACTION_MATCH_PREV:
        if (v->pattern != NULL && !next_match(v, a == ACTION_MATCH_PREV, false, true))
            dp_tui_say(base->tui, DEPOT_STYLE_DIM, "no row has \"%s\"", v->pattern);
        break;
    case ACTION_FOLLOW:
        v->moved = false;
        v->stale = true;
        dp_graph_relate(&v->graph, UINT32_MAX);
        break;
    case ACTION_TWIN:
        go_twin(v);
        break;
    case ACTION_SIBLING_NEXT:
    case ACTION_SIBLING_PREV:
        sibling(v, a == ACTION_SIBLING_NEXT ? 1 : -1);
        break;
    case ACTION_COPY:
        copy_row(v);
        break;
    default:
        return VIEW_IGNORED;
    }
    return VIEW_HANDLED;
}

static struct fleet_build *build_build(const struct view *base)
{
    return ((const struct build_view *)base)->build;
}

/* ---- title ---- */

static void build_title(struct view *base, struct depot_buf *left, struct depot_buf *right)
{
    const struct build_view *v = (const struct build_view *)base;
    const struct depot_build_summary *s = &v->build->sum;
    if (!depot_str_empty(s->info.project))
        depot_buf_addf(left, "%s%s%s  ", s->info.project,
            depot_str_empty(s->info.target) ? "" : "/",
            depot_str_empty(s->info.target) ? "" : s->info.target);
    depot_buf_adds(left, v->build->id);
    if (!depot_str_empty(s->info.user))
        depot_buf_addf(right, "%s", s->info.user);
    if (!depot_str_empty(s->info.branch) || !depot_str_empty(s->info.commit))
        depot_buf_adds(right, "  ");
    depot_created_source(right, &s->info);
}

static depot_time build_wake(struct view *base)
{
    struct build_view *v = (struct build_view *)base;
    const depot_time now = dp_tui_now(base->tui);
    dp_build_sync(v);
    if (v->build->state == NULL || depot_build_state_over(v->build->state->state))
        return 0;
    /* Tenths are told below a minute. */
    const struct depot_build *b = v->build->state;
    const depot_time minute = dp_fleet_build_now(v->build, now) - 60 * DEPOT_SEC;
    bool tenths = b->created > minute;
    for (size_t i = 0; i < v->graph.sums.len && !tenths; i++)
        tenths =
            v->graph.sums.items[i].open != NULL && v->graph.sums.items[i].open->started > minute;
    return now + (tenths ? DEPOT_SEC / 10 : DEPOT_SEC);
}

static const enum action build_hints[] = {ACTION_OPEN, ACTION_LOG, ACTION_FOLD, ACTION_NEXT,
    ACTION_WHY, ACTION_CRITICAL, ACTION_MISSES, ACTION_TWIN, ACTION_ERROR_NEXT, ACTION_CANCEL,
    ACTION_NONE};

static const struct view_note build_notes[] = {
    {"filter", FILTER_NOTE "state: stage: platform: what:"},
    {"critical", "the chain of steps that decides how long the build takes: *"},
    {"slower", "how much longer a platform took than the fastest one"},
    {"internal", "what the engine does around the Dockerfile: i shows it"},
    {"=", "a bar: found in the cache"},
    {"faint bar", "how long a running step usually takes; or that a step had to wait"},
    {"yellow bar", "it took longer than on another platform"},
    {"follow", "F selects what runs, until another row is chosen"}, {NULL, NULL}};

const struct view_ops view_build = {.id = VIEW_BUILD,
    .size = sizeof(struct build_view),
    .of_build = true,
    .watched_only = true,
    .offer = dp_offer_builds,
    .open = build_open,
    .close = build_close,
    .refresh = build_refresh,
    .draw = dp_build_draw,
    .action = build_action,
    .title = build_title,
    .hints = build_hints,
    .build = build_build,
    .filter = build_filter,
    .search = build_search,
    .wake = build_wake,
    .notes = build_notes};
