/*
 * One build: its lanes, stages and steps; what keys do to them.
 */
#include "build_view.h"

static int build_open(struct view *base, const char *arg, struct depot_error *err)
{
    struct build_view *v = (struct build_view *)base;
    struct fleet *f = dp_tui_fleet(base->tui);
    v->build = arg != NULL ? dp_fleet_find_prefix(f, arg) : NULL;
    if (v->build == NULL)
        return depot_error_set(
            err, DEPOT_ERR_NOT_FOUND, "there is no build \"%s\"", arg != NULL ? arg : "");
    v->folds = depot_map_new();
    v->stale = true;
    v->selected = (struct build_row){ROW_BLANK, SIZE_MAX, SIZE_MAX, SIZE_MAX};
    dp_fleet_watch(f, v->build);
    return 0;
}

static void build_close(struct view *base)
{
    struct build_view *v = (struct build_view *)base;
    dp_fleet_unwatch(dp_tui_fleet(base->tui), v->build);
    dp_build_rows_release(v);
}

static void build_refresh(struct view *base)
{
    struct build_view *v = (struct build_view *)base;
    const struct depot_build *b = v->build->state;
    const uint64_t revision = b != NULL ? b->revision : 0;
    if (!v->stale && v->generation == v->build->generation && v->revision == revision)
        return;
    v->generation = v->build->generation;
    v->revision = revision;
    v->stale = false;
    dp_build_rows_make(v);
}

/* ---- selection ---- */

static void note_selection(struct build_view *v)
{
    v->moved = true;
    dp_build_rows_note(v);
}

/* A blank row is nothing to stand on. */
static void skip_blank(struct build_view *v, bool up)
{
    if (v->rows.selected >= v->list.len || v->list.items[v->rows.selected].kind != ROW_BLANK)
        return;
    if (up && v->rows.selected > 0)
        v->rows.selected--;
    else if (v->rows.selected + 1 < v->list.len)
        v->rows.selected++;
}

static void select_index(struct build_view *v, size_t index)
{
    v->rows.selected = index;
    v->rows.follow = false;
    note_selection(v);
}

static void remake(struct build_view *v)
{
    v->stale = true;
    build_refresh(&v->base);
}

static void next_lane(struct build_view *v, bool back)
{
    const size_t n = v->list.len;
    for (size_t i = 1; i < n; i++) {
        const size_t at = (v->rows.selected + (back ? n - i : i)) % n;
        if (v->list.items[at].kind == ROW_LANE) {
            select_index(v, at);
            return;
        }
    }
}

static void next_error(struct build_view *v, bool back)
{
    const size_t n = v->list.len;
    for (size_t i = 1; i <= n; i++) {
        const size_t at = (v->rows.selected + (back ? n - i : i)) % n;
        const struct depot_step *s = dp_build_row_step(v, &v->list.items[at]);
        if (s != NULL && s->verdict == DEPOT_VERDICT_FAILED) {
            select_index(v, at);
            return;
        }
    }
    dp_tui_say(v->base.tui, STYLE_DIM, "no step failed");
}

/* The same line of the Dockerfile on the next platform. */
static void go_twin(struct build_view *v)
{
    const struct depot_step *s = dp_build_row_step(v, &v->selected);
    const size_t n = v->list.len;
    for (size_t i = 1; s != NULL && i < n; i++) {
        const size_t at = (v->rows.selected + i) % n;
        const struct depot_step *o = dp_build_row_step(v, &v->list.items[at]);
        if (o != NULL && o != s && o->parsed.ordinal == s->parsed.ordinal &&
            depot_str_eq(o->parsed.stage, s->parsed.stage) &&
            depot_str_eq(o->parsed.instruction, s->parsed.instruction)) {
            select_index(v, at);
            return;
        }
    }
    dp_tui_say(v->base.tui, STYLE_DIM, "this step has no twin");
}

/* ---- actions ---- */

static void fold(struct build_view *v, enum action a)
{
    const struct build_row r = v->selected;
    if (a == ACTION_FOLD_ALL || a == ACTION_UNFOLD_ALL) {
        for (size_t i = 0; i < v->stages.len; i++)
            dp_build_rows_fold(v, i, a == ACTION_FOLD_ALL);
    } else if (r.kind == ROW_FOLDED_INTERNAL) {
        v->internal = true;
    } else if (r.stage < v->stages.len) {
        const bool folded = v->stages.items[r.stage].folded;
        dp_build_rows_fold(v, r.stage, a == ACTION_FOLD ? !folded : a == ACTION_LEFT);
    }
    v->moved = true;
    if (r.kind == ROW_STEP && r.stage < v->stages.len && a != ACTION_RIGHT &&
        a != ACTION_UNFOLD_ALL)
        v->selected = (struct build_row){ROW_STAGE, r.lane, r.stage, SIZE_MAX};
    remake(v);
}

/* The step to open: the selected one; of a stage the one that matters most. */
static const struct depot_step *step_of_interest(const struct build_view *v)
{
    const struct depot_build *b = v->build->state;
    const struct depot_step *s = dp_build_row_step(v, &v->selected);
    if (s != NULL || b == NULL)
        return s;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < b->started.len; i++)
            if (b->started.items[i]->verdict ==
                (pass == 0 ? DEPOT_VERDICT_FAILED : DEPOT_VERDICT_RUNNING))
                return b->started.items[i];
    return b->started.len > 0 ? b->started.items[b->started.len - 1] : NULL;
}

static void open_step(struct build_view *v)
{
    const struct depot_step *s = step_of_interest(v);
    const struct view_ops *step = NULL;
    for (size_t i = 0; view_list[i] != NULL; i++)
        if (depot_str_eq(view_list[i]->name, "step"))
            step = view_list[i];
    if (s == NULL || step == NULL) {
        dp_tui_say(v->base.tui, STYLE_DIM, s == NULL ? "no step yet" : "no view of steps");
        return;
    }
    char *arg = depot_asprintf("%s/%zu", v->build->id, s->index);
    dp_tui_push(v->base.tui, step, arg);
    depot_free(arg);
}

static void copy_row(struct build_view *v)
{
    const struct depot_step *s = dp_build_row_step(v, &v->selected);
    const char *text = s != NULL ? s->name : v->build->id;
    dp_tui_copy(v->base.tui, text, strlen(text));
}

static void sibling(struct build_view *v, int by)
{
    const struct fleet *f = dp_tui_fleet(v->base.tui);
    for (size_t i = 0; i < f->builds.len; i++) {
        if (f->builds.items[i] != v->build)
            continue;
        const size_t to = by > 0 ? i + 1 : i - 1;
        if (to < f->builds.len)
            dp_tui_replace(v->base.tui, &view_build, f->builds.items[to]->id);
        return;
    }
}

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
    else
        return false;
    remake(v);
    return true;
}

static enum view_result build_action(struct view *base, enum action a, intptr_t arg)
{
    struct build_view *v = (struct build_view *)base;
    if (dp_rows_action(&v->rows, a, arg) == VIEW_HANDLED) {
        skip_blank(v, a == ACTION_UP || a == ACTION_PAGE_UP || a == ACTION_HALF_UP);
        note_selection(v);
        return VIEW_HANDLED;
    }
    if (show_action(v, a))
        return VIEW_HANDLED;
    switch (a) {
    case ACTION_FOLD:
    case ACTION_FOLD_ALL:
    case ACTION_UNFOLD_ALL:
    case ACTION_LEFT:
    case ACTION_RIGHT:
        fold(v, a);
        return VIEW_HANDLED;
    case ACTION_OPEN:
        if (v->selected.kind == ROW_STAGE || v->selected.kind == ROW_FOLDED_INTERNAL)
            fold(v, ACTION_FOLD);
        else
            open_step(v);
        return VIEW_HANDLED;
    case ACTION_LOG:
        open_step(v);
        return VIEW_HANDLED;
    case ACTION_NEXT:
    case ACTION_PREV:
        next_lane(v, a == ACTION_PREV);
        return VIEW_HANDLED;
    case ACTION_ERROR_NEXT:
    case ACTION_ERROR_PREV:
        next_error(v, a == ACTION_ERROR_PREV);
        return VIEW_HANDLED;
    case ACTION_TWIN:
        go_twin(v);
        return VIEW_HANDLED;
    case ACTION_SIBLING_NEXT:
    case ACTION_SIBLING_PREV:
        sibling(v, a == ACTION_SIBLING_NEXT ? 1 : -1);
        return VIEW_HANDLED;
    case ACTION_CANCEL:
        dp_tui_cancel_build(base->tui, v->build);
        return VIEW_HANDLED;
    case ACTION_COPY:
        copy_row(v);
        return VIEW_HANDLED;
    default:
        return VIEW_IGNORED;
    }
}

static void build_title(struct view *base, struct depot_buf *left, struct depot_buf *right)
{
    const struct build_view *v = (const struct build_view *)base;
    const struct depot_build_summary *s = &v->build->sum;
    struct fleet_row row;
    char time[TEXT_MAX];
    dp_fleet_row(dp_tui_fleet(base->tui), v->build, dp_tui_now(base->tui), &row);
    if (!depot_str_empty(s->info.project))
        depot_buf_addf(left, "%s%s%s  ", s->info.project,
            depot_str_empty(s->info.target) ? "" : "/",
            depot_str_empty(s->info.target) ? "" : s->info.target);
    depot_buf_adds(left, v->build->id);
    depot_buf_addf(left, "  %s %s", depot_build_state_word(s->state),
        dp_text_duration(time, row.elapsed, depot_build_state_over(s->state)));
    if (!depot_str_empty(s->info.user))
        depot_buf_addf(right, "%s", s->info.user);
    if (!depot_str_empty(s->info.branch) || !depot_str_empty(s->info.commit))
        depot_buf_addf(right, "  %s%s%.7s", depot_str_empty(s->info.branch) ? "" : s->info.branch,
            depot_str_empty(s->info.commit) ? "" : "@",
            depot_str_empty(s->info.commit) ? "" : s->info.commit);
}

static depot_time build_wake(struct view *base)
{
    const struct build_view *v = (const struct build_view *)base;
    const depot_time now = dp_tui_now(base->tui);
    if (v->build->state == NULL || depot_build_state_over(v->build->state->state))
        return 0;
    return now + DEPOT_SEC / 10;
}

static const enum action build_hints[] = {ACTION_OPEN, ACTION_LOG, ACTION_FOLD, ACTION_CRITICAL,
    ACTION_MISSES, ACTION_TWIN, ACTION_ERROR_NEXT, ACTION_CANCEL, ACTION_NONE};

static const struct view_note build_notes[] = {
    {"critical", "the chain of steps that decides how long the build takes; shown bold"},
    {"all platforms", "steps that several platforms share, run once"},
    {"internal", "what the engine does around the Dockerfile: i shows it"}, {NULL, NULL}};

const struct view_ops view_build = {
    .name = "build",
    .keymap = KEYMAP_BUILD,
    .size = sizeof(struct build_view),
    .open = build_open,
    .close = build_close,
    .refresh = build_refresh,
    .draw = dp_build_view_draw,
    .action = build_action,
    .title = build_title,
    .hints = build_hints,
    .wake = build_wake,
    .notes = build_notes,
};
