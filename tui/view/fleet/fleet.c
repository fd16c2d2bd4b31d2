/*
 * The fleet: builders as meters, builds as a table, detail of the selected one.
 *
 * Rows keep the order in which builds came unless a sort is asked for; a sort is applied again
 * every two seconds, and the selected row keeps its line on the screen.
 */
#include "fleet_priv.h"

#include <stdio.h>
#include <stdlib.h>

enum { STAY_SECONDS = 600 };

/* ---- which builds ---- */

static bool in_tab(const struct fleet_view *v, const struct fleet_build *b, enum fleet_tab tab)
{
    const bool over = depot_build_state_over(b->sum.state);
    switch (tab) {
    case TAB_ACTIVE: /* what ends stays for a while, below what runs; of a stream it is all there is
                      */
        return !over || dp_fleet_is_stream(b->source) ||
               (b->sum.finished != 0 &&
                   dp_fleet_build_now(b, dp_tui_now(v->base.tui)) - b->sum.finished <
                       STAY_SECONDS * DEPOT_SEC);
    case TAB_RECENT:
        return over;
    case TAB_FAILED:
        return b->sum.state == DEPOT_BUILD_FAILED;
    default:
        return false;
    }
}

/* ---- order ---- */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

static int64_t elapsed(const struct fleet_build *b, depot_time now)
{
    if (b->sum.duration_ms > 0)
        return b->sum.duration_ms * DEPOT_MSEC;
    return dp_fleet_build_now(b, now) - b->sum.created;
}

/* The first tab: what runs, the oldest first; below it what ended, the newest first. */
static int compare_active(const struct fleet_build *a, const struct fleet_build *b)
{
    const bool a_over = depot_build_state_over(a->sum.state);
    const bool b_over = depot_build_state_over(b->sum.state);
    if (a_over != b_over)
        return a_over ? 1 : -1;
    if (a_over)
        return a->sum.finished > b->sum.finished ? -1 : a->sum.finished < b->sum.finished;
    return a->sum.created < b->sum.created ? -1 : a->sum.created > b->sum.created;
}

static int compare(
    const struct fleet_view *v, const struct fleet_build *a, const struct fleet_build *b)
{
    static const int state_rank[] = {[DEPOT_BUILD_RUNNING] = 0,
        [DEPOT_BUILD_QUEUED] = 1,
        [DEPOT_BUILD_CREATED] = 2,
        [DEPOT_BUILD_FAILED] = 3,
        [DEPOT_BUILD_CANCELLED] = 4,
        [DEPOT_BUILD_SUCCEEDED] = 5};
    const depot_time now = dp_tui_now(v->base.tui);
    int64_t d = 0;
    switch ((enum fleet_sort)v->order.by) {
    case SORT_STATE:
        d = state_rank[a->sum.state] - state_rank[b->sum.state];
        break;
    case SORT_NAME:
        d = compare_text(a->sum.info.project, b->sum.info.project);
        if (d == 0)
            d = compare_text(a->sum.info.target, b->sum.info.target);
        break;
    case SORT_WHO:
        d = compare_text(a->sum.info.user, b->sum.info.user);
        break;
    case SORT_TIME:
        d = elapsed(b, now) - elapsed(a, now);
        break;
    default:
        d = v->tab == TAB_ACTIVE                ? compare_active(a, b)
            : a->sum.finished < b->sum.finished ? -1
                                                : a->sum.finished > b->sum.finished;
        break;
    }
    if (d == 0)
        d = a->order < b->order ? -1 : a->order > b->order;
    const bool down = v->order.by == SORT_START && v->tab != TAB_ACTIVE; /* the newest first */
    return (d < 0 ? -1 : d > 0) * (down != v->order.inverted ? -1 : 1);
}

/* Merge sort: stable, and it takes the view along, which qsort() cannot. */
static void sort_builds(
    const struct fleet_view *v, struct fleet_build **a, struct fleet_build **tmp, size_t n)
{
    if (n < 2)
        return;
    const size_t half = n / 2;
    sort_builds(v, a, tmp, half);
    sort_builds(v, a + half, tmp, n - half);
    memcpy(tmp, a, half * sizeof(*a));
    size_t i = 0, j = half, k = 0;
    while (i < half && j < n)
        a[k++] = compare(v, a[j], tmp[i]) < 0 ? a[j++] : tmp[i++];
    while (i < half)
        a[k++] = tmp[i++];
}

static void keep_selection(struct fleet_view *v)
{
    if (!v->moved) {
        v->rows.selected = v->rows.top = 0;
        return;
    }
    for (size_t i = 0; i < v->builds.len; i++) {
        if (depot_str_eq(v->builds.items[i]->key, v->selected)) {
            dp_rows_move(&v->rows, i);
            return;
        }
    }
}

static void note_selection(struct fleet_view *v)
{
    snprintf(v->selected, sizeof(v->selected), "%s",
        v->rows.selected < v->builds.len ? v->builds.items[v->rows.selected]->key : "");
}

struct fleet_build *dp_fleet_view_selected(const struct fleet_view *v)
{
    return v->rows.selected < v->builds.len ? v->builds.items[v->rows.selected] : NULL;
}

static void collect(struct fleet_view *v)
{
    const struct fleet *f = dp_tui_fleet(v->base.tui);
    v->builds.len = 0;
    memset(v->counts, 0, sizeof(v->counts));
    v->running = v->waiting = 0;
    for (size_t i = 0; i < f->builds.len; i++) {
        struct fleet_build *b = f->builds.items[i];
        v->running += b->sum.state == DEPOT_BUILD_RUNNING;
        v->waiting += b->sum.state < DEPOT_BUILD_RUNNING;
        for (size_t tab = 0; tab < TAB_COUNT; tab++)
            v->counts[tab] += in_tab(v, b, (enum fleet_tab)tab);
        if (in_tab(v, b, v->tab) && dp_filter_passes_build(&v->filter, b))
            depot_vec_push(&v->builds, b);
    }
    v->counts[TAB_ACTIVE] = v->running + v->waiting;
}

static void fleet_refresh(struct view *base)
{
    struct fleet_view *v = (struct fleet_view *)base;
    collect(v);
    if (v->builds.len > 1) {
        struct fleet_build **tmp = depot_alloc(v->builds.len * sizeof(*tmp));
        sort_builds(v, v->builds.items, tmp, v->builds.len);
        depot_free(tmp);
    }
    keep_selection(v);
    dp_rows_layout(&v->rows, v->builds.len, v->rows.page);
    note_selection(v);
}

/* ---- actions ---- */

static void set_tab(struct fleet_view *v, int tab)
{
    v->tab = (enum fleet_tab)((tab + TAB_COUNT) % TAB_COUNT);
    v->rows = (struct rows){.page = v->rows.page};
    v->selected[0] = '\0';
    v->moved = false;
    memset(v->wants, 0, sizeof(v->wants));
    fleet_refresh(&v->base);
}

static void toggle_tag(struct fleet_view *v)
{
    const struct fleet_build *b = dp_fleet_view_selected(v);
    v->moved = true;
    for (size_t i = 0; i < v->tags.len; i++) {
        if (depot_str_eq(v->tags.items[i], b->key)) {
            depot_free(v->tags.items[i]);
            depot_vec_remove(&v->tags, i);
            dp_rows_action(&v->rows, ACTION_DOWN, 0);
            return;
        }
    }
    depot_strv_push(&v->tags, b->key);
    dp_rows_action(&v->rows, ACTION_DOWN, 0);
}

static void open_log(struct fleet_view *v, const struct fleet_build *b)
{
    /* The build view knows which step matters; it opens its log from there. */
    dp_tui_push(v->base.tui, VIEW_BUILD, b->key);
    dp_tui_action(v->base.tui, ACTION_LOG, 0);
}

static enum view_result act_on_build(struct fleet_view *v, enum action a)
{
    const struct fleet_build *b = dp_fleet_view_selected(v);
    if (b == NULL)
        return VIEW_IGNORED;
    if (a == ACTION_OPEN)
        dp_tui_push(v->base.tui, VIEW_BUILD, b->key);
    else if (a == ACTION_LOG)
        open_log(v, b);
    else if (a == ACTION_WHY)
        dp_tui_push_step(v->base.tui, VIEW_WHY, b, NULL);
    else if (a == ACTION_COPY)
        dp_tui_copy(v->base.tui, b->id, strlen(b->id));
    else if (!dp_tui_act(v->base.tui, a))
        return VIEW_IGNORED;
    return VIEW_HANDLED;
}

static enum view_result sort_action(struct fleet_view *v, enum action a, intptr_t arg)
{
    static const struct table_order_key keys[] = {{ACTION_SORT_AGE, SORT_START},
        {ACTION_SORT_STATE, SORT_STATE}, {ACTION_SORT_NAME, SORT_NAME},
        {ACTION_SORT_TIME, SORT_TIME}};
    if (!dp_table_sort(&v->order, a, arg, SORT_COUNT, keys, DEPOT_ARRAY_LEN(keys)))
        return VIEW_IGNORED;
    fleet_refresh(&v->base);
    return VIEW_HANDLED;
}

static enum view_result fleet_action(struct view *base, enum action a, intptr_t arg)
{
    struct fleet_view *v = (struct fleet_view *)base;
    if (dp_rows_action(&v->rows, a, arg)) {
        v->moved = true;
        note_selection(v);
        return VIEW_HANDLED;
    }
    if (sort_action(v, a, arg) == VIEW_HANDLED)
        return VIEW_HANDLED;
    if (act_on_build(v, a) == VIEW_HANDLED) {
        v->moved = true; /* what was acted on stays selected */
        return VIEW_HANDLED;
    }
    if (a == ACTION_NEXT || a == ACTION_PREV)
        set_tab(v, (int)v->tab + (a == ACTION_NEXT ? 1 : -1));
    else if (a >= ACTION_VIEW_1 && a <= ACTION_VIEW_3)
        set_tab(v, (int)(a - ACTION_VIEW_1));
    else if (a == ACTION_TAG)
        toggle_tag(v);
    else
        return VIEW_IGNORED;
    note_selection(v);
    return VIEW_HANDLED;
}

static struct fleet_build *fleet_build(const struct view *base)
{
    return dp_fleet_view_selected((const struct fleet_view *)base);
}

static int fleet_filter(struct view *base, const char *text, bool done, struct depot_error *err)
{
    DEPOT_UNUSED(done);
    return dp_filter_set(&((struct fleet_view *)base)->filter, text, err);
}

static void fleet_close(struct view *base)
{
    struct fleet_view *v = (struct fleet_view *)base;
    dp_filter_release(&v->filter);
    depot_vec_free(&v->builds);
    depot_strv_release(&v->tags);
    dp_fleet_missed_release(&v->missed);
}

static void fleet_title(struct view *base, struct depot_buf *left, struct depot_buf *right)
{
    const struct fleet_view *v = (const struct fleet_view *)base;
    const struct fleet *f = dp_tui_fleet(base->tui);
    size_t up = 0;
    for (size_t i = 0; i < f->builders.len; i++)
        up += f->builders.items[i]->up;
    depot_buf_adds(left, "fleet");
    if (v->running > 0)
        depot_buf_addf(right, "%zu running  ", v->running);
    if (v->waiting > 0)
        depot_buf_addf(right, "%zu waiting  ", v->waiting);
    if (up < f->builders.len)
        depot_buf_addf(right, "%zu of ", up);
    if (f->builders.len > 0)
        depot_buf_addf(right, "%zu builder%s", f->builders.len, f->builders.len == 1 ? "" : "s");
}

static void fleet_resize(struct view *base, int h, int w)
{
    struct fleet_view *v = (struct fleet_view *)base;
    DEPOT_UNUSED(h);
    DEPOT_UNUSED(w);
    memset(v->wants, 0, sizeof(v->wants));
}

/* Clocks of running builds tick once a second. */
static depot_time fleet_wake(struct view *base)
{
    const struct fleet_view *v = (const struct fleet_view *)base;
    const depot_time now = dp_tui_now(base->tui);
    return v->running + v->waiting > 0 ? now - now % DEPOT_SEC + DEPOT_SEC : 0;
}

static const enum action fleet_hints[] = {ACTION_OPEN, ACTION_LOG, ACTION_NEXT, ACTION_FILTER,
    ACTION_SORT_NEXT, ACTION_CANCEL, ACTION_BUILDERS, ACTION_HISTORY, ACTION_NONE};

static const char *const fleet_orders[] = {[SORT_START] = "ago",
    [SORT_STATE] = "state",
    [SORT_NAME] = "project",
    [SORT_WHO] = "who",
    [SORT_TIME] = "time",
    [SORT_COUNT] = NULL};

static const struct view_note fleet_notes[] = {
    {"hit", "share of the steps that were over which the cache had"},
    {"eta", "what is left by the middle half of the project's past builds"},
    {"filter", FILTER_NOTE "state: project: who: source: platform: tag:"}, {NULL, NULL}};

const struct view_ops view_fleet = {
    .id = VIEW_FLEET,
    .size = sizeof(struct fleet_view),
    .close = fleet_close,
    .resize = fleet_resize,
    .refresh = fleet_refresh,
    .draw = dp_fleet_view_draw,
    .action = fleet_action,
    .title = fleet_title,
    .hints = fleet_hints,
    .orders = fleet_orders,
    .build = fleet_build,
    .filter = fleet_filter,
    .wake = fleet_wake,
    .notes = fleet_notes,
};
