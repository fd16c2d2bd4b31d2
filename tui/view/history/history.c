/*
 * Builds of the past: which, in what order, and what those of a project tell together.
 */
#include "history_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_BUILDS = 1000 };

struct fleet_build *dp_history_selected(const struct history_view *v)
{
    return v->rows.selected < v->builds.len ? v->builds.items[v->rows.selected] : NULL;
}

static const char *project_of(const struct fleet_build *b)
{
    return b->sum.info.project != NULL ? b->sum.info.project : "";
}

/* ---- order ---- */

static int sign(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

/* As AGO tells it: by the end, which of builds side by side is another order than by the start. */
static int by_age(const void *a, const void *b)
{
    const struct fleet_build *x = *(struct fleet_build *const *)a,
                             *y = *(struct fleet_build *const *)b;
    const int d = sign(y->sum.finished, x->sum.finished);
    return d != 0 ? d : sign((int64_t)y->order, (int64_t)x->order);
}

static int by_name(const void *a, const void *b)
{
    const struct fleet_build *x = *(struct fleet_build *const *)a,
                             *y = *(struct fleet_build *const *)b;
    const int d = strcmp(project_of(x), project_of(y));
    return d != 0 ? d : by_age(a, b);
}

static int by_time(const void *a, const void *b)
{
    const struct fleet_build *x = *(struct fleet_build *const *)a,
                             *y = *(struct fleet_build *const *)b;
    const int d = sign(y->sum.duration_ms, x->sum.duration_ms);
    return d != 0 ? d : by_age(a, b);
}

static int64_t hit_share(const struct fleet_build *b)
{
    const struct depot_counts *k = &b->sum.counts;
    const int over = k->hit + k->ran + k->failed;
    return over > 0 ? (int64_t)k->hit * 1000 / over : -1;
}

static int by_hit(const void *a, const void *b)
{
    const struct fleet_build *x = *(struct fleet_build *const *)a,
                             *y = *(struct fleet_build *const *)b;
    const int d = sign(hit_share(x), hit_share(y));
    return d != 0 ? d : by_age(a, b);
}

static int by_state(const void *a, const void *b)
{
    static const int rank[] = {
        [DEPOT_BUILD_FAILED] = 0, [DEPOT_BUILD_CANCELLED] = 1, [DEPOT_BUILD_SUCCEEDED] = 2};
    const struct fleet_build *x = *(struct fleet_build *const *)a,
                             *y = *(struct fleet_build *const *)b;
    const int d = rank[x->sum.state] - rank[y->sum.state];
    return d != 0 ? d : by_age(a, b);
}

static void sort_builds(struct history_view *v)
{
    static int (*const orders[HIST_SORTS])(const void *, const void *) = {[HIST_BY_AGE] = by_age,
        [HIST_BY_NAME] = by_name,
        [HIST_BY_TIME] = by_time,
        [HIST_BY_HIT] = by_hit,
        [HIST_BY_STATE] = by_state};
    const size_t n = v->builds.len;
    if (n < 2)
        return;
    qsort(v->builds.items, n, sizeof(*v->builds.items), orders[v->order.by]);
    for (size_t i = 0; v->order.inverted && i < n / 2; i++) {
        struct fleet_build *b = v->builds.items[i];
        v->builds.items[i] = v->builds.items[n - 1 - i];
        v->builds.items[n - 1 - i] = b;
    }
}

/* ---- a project ---- */

static int by_number(const void *a, const void *b)
{
    return sign(*(const int64_t *)a, *(const int64_t *)b);
}

static void add_facts(
    struct history_facts *x, const struct fleet_build *b, int64_t *took, size_t *n)
{
    const int64_t ns = b->sum.duration_ms * DEPOT_MSEC;
    x->builds++;
    x->failed += b->sum.state == DEPOT_BUILD_FAILED;
    x->hit += b->sum.counts.hit;
    x->steps += b->sum.counts.hit + b->sum.counts.ran + b->sum.counts.failed;
    x->longest = ns > x->longest ? ns : x->longest;
    if (b->sum.state == DEPOT_BUILD_SUCCEEDED)
        took[(*n)++] = ns;
}

static void collect_trend(struct history_view *v)
{
    const struct fleet *f = dp_tui_fleet(v->base.tui);
    const struct fleet_build *here = dp_history_selected(v);
    struct step_stats st;
    v->trend.len = 0;
    v->facts = (struct history_facts){0};
    if (here == NULL)
        return;
    int64_t *took = depot_calloc(f->builds.len + 1, sizeof(*took));
    size_t n = 0;
    for (size_t i = 0; i < f->builds.len; i++) {
        struct fleet_build *b = f->builds.items[i];
        if (!depot_build_state_over(b->sum.state) || b->source != here->source ||
            strcmp(project_of(b), project_of(here)) != 0)
            continue;
        depot_vec_push(&v->trend, b);
        add_facts(&v->facts, b, took, &n);
    }
    qsort(v->trend.items, v->trend.len, sizeof(*v->trend.items), by_age);
    if (n > 0) {
        qsort(took, n, sizeof(*took), by_number);
        v->facts.median = took[(n - 1) / 2];
        v->facts.p25 = took[(n - 1) / 4];
        v->facts.p75 = took[(n - 1) * 3 / 4];
    }
    depot_free(took);
    if (dp_fleet_project_stats(f, here->sum.info.project, &st)) { /* the daemon has seen more */
        v->facts.median = st.median;
        v->facts.p25 = st.p25;
        v->facts.p75 = st.p75;
    }
}

static void ask_estimates(struct history_view *v)
{
    const struct fleet_build *b = dp_history_selected(v);
    if (b == NULL || depot_strv_has(&v->asked, project_of(b)))
        return;
    const struct depot_query q = {.ask = DEPOT_QUERY_ESTIMATES, .project = project_of(b)};
    if (dp_fleet_ask(dp_tui_fleet(v->base.tui), b, &q))
        depot_strv_push(&v->asked, project_of(b));
}

static void note_selection(struct history_view *v)
{
    const struct fleet_build *b = dp_history_selected(v);
    snprintf(v->selected, sizeof(v->selected), "%s", b != NULL ? b->key : "");
    ask_estimates(v);
    collect_trend(v);
}

/* ---- medians of all projects, from the builds that are known here ---- */

static int by_project(const void *a, const void *b)
{
    const struct history_median *x = a, *y = b;
    const int d = strcmp(x->project, y->project);
    return d != 0 ? d : sign(x->median, y->median);
}

static void collect_medians(struct history_view *v)
{
    const struct fleet *f = dp_tui_fleet(v->base.tui);
    size_t to = 0;
    v->medians.len = 0;
    for (size_t i = 0; i < f->builds.len; i++) {
        const struct fleet_build *b = f->builds.items[i];
        const struct history_median m = {
            .project = project_of(b), .median = b->sum.duration_ms * DEPOT_MSEC};
        if (b->sum.state == DEPOT_BUILD_SUCCEEDED && m.project[0] != '\0')
            depot_vec_push(&v->medians, m);
    }
    if (v->medians.len > 1)
        qsort(v->medians.items, v->medians.len, sizeof(*v->medians.items), by_project);
    for (size_t i = 0, n; i < v->medians.len; i += n) { /* one of each run of the same name */
        const struct history_median *first = &v->medians.items[i];
        n = 1;
        while (i + n < v->medians.len && strcmp(first[n].project, first->project) == 0)
            n++;
        v->medians.items[to++] = first[(n - 1) / 2];
    }
    v->medians.len = to;
}

int64_t dp_history_median(const struct history_view *v, const struct fleet_build *b)
{
    struct step_stats st;
    if (dp_fleet_project_stats(dp_tui_fleet(v->base.tui), b->sum.info.project, &st))
        return st.median; /* the daemon has seen more */
    for (size_t i = 0; i < v->medians.len; i++)
        if (strcmp(v->medians.items[i].project, project_of(b)) == 0)
            return v->medians.items[i].median;
    return 0;
}

/* ---- the rows ---- */

static void history_refresh(struct view *base)
{
    struct history_view *v = (struct history_view *)base;
    const struct fleet *f = dp_tui_fleet(base->tui);
    v->builds.len = 0;
    for (size_t i = 0; i < f->builds.len; i++) {
        struct fleet_build *b = f->builds.items[i];
        if (!depot_build_state_over(b->sum.state))
            continue;
        if (dp_filter_passes_build(&v->filter, b))
            depot_vec_push(&v->builds, b);
    }
    sort_builds(v);
    collect_medians(v);
    for (size_t i = 0; i < v->builds.len; i++) {
        if (!depot_str_eq(v->builds.items[i]->key, v->selected))
            continue;
        dp_rows_move(&v->rows, i);
        break;
    }
    dp_rows_layout(&v->rows, v->builds.len, v->rows.page);
    note_selection(v);
    if (!v->asked_builds) {
        const struct depot_query q = {.ask = DEPOT_QUERY_BUILDS, .limit = ASK_BUILDS};
        v->asked_builds = dp_fleet_ask(dp_tui_fleet(base->tui), NULL, &q);
    }
}

/* ---- actions ---- */

static enum view_result sort_action(struct history_view *v, enum action a, intptr_t arg)
{
    static const struct table_order_key keys[] = {{ACTION_SORT_AGE, HIST_BY_AGE},
        {ACTION_SORT_NAME, HIST_BY_NAME}, {ACTION_SORT_TIME, HIST_BY_TIME},
        {ACTION_SORT_STATE, HIST_BY_STATE}};
    if (!dp_table_sort(&v->order, a, arg, HIST_SORTS, keys, DEPOT_ARRAY_LEN(keys)))
        return VIEW_IGNORED;
    history_refresh(&v->base);
    return VIEW_HANDLED;
}

/* [ and ]: the build of the same project before and after this one. */
static void to_sibling(struct history_view *v, int by)
{
    const struct fleet_build *here = dp_history_selected(v);
    for (size_t i = 0; here != NULL && i < v->trend.len; i++) {
        const size_t to = by > 0 ? i - 1 : i + 1; /* the newest is the first */
        if (v->trend.items[i] != here || to >= v->trend.len)
            continue;
        for (size_t k = 0; k < v->builds.len; k++)
            if (v->builds.items[k] == v->trend.items[to])
                v->rows.selected = k;
        break;
    }
}

static enum view_result history_action(struct view *base, enum action a, intptr_t arg)
{
    struct history_view *v = (struct history_view *)base;
    const struct fleet_build *b = dp_history_selected(v);
    if (sort_action(v, a, arg) == VIEW_HANDLED)
        return VIEW_HANDLED;
    if (a == ACTION_SIBLING_NEXT || a == ACTION_SIBLING_PREV) {
        to_sibling(v, a == ACTION_SIBLING_NEXT ? 1 : -1);
    } else if (!dp_rows_action(&v->rows, a, arg)) {
        if (b == NULL)
            return VIEW_IGNORED;
        if (a == ACTION_OPEN)
            dp_tui_push(base->tui, VIEW_BUILD, b->key);
        else if (a == ACTION_WHY)
            dp_tui_push_step(base->tui, VIEW_WHY, b, NULL);
        else if (a == ACTION_COPY)
            dp_tui_copy(base->tui, b->id, strlen(b->id));
        else
            return VIEW_IGNORED;
        return VIEW_HANDLED;
    }
    note_selection(v);
    return VIEW_HANDLED;
}

static struct fleet_build *history_build(const struct view *base)
{
    return dp_history_selected((const struct history_view *)base);
}

static int history_filter(struct view *base, const char *text, bool done, struct depot_error *err)
{
    DEPOT_UNUSED(done);
    return dp_filter_set(&((struct history_view *)base)->filter, text, err);
}

static void history_close(struct view *base)
{
    struct history_view *v = (struct history_view *)base;
    depot_vec_free(&v->builds);
    depot_vec_free(&v->trend);
    depot_vec_free(&v->medians);
    depot_strv_release(&v->asked);
    dp_filter_release(&v->filter);
}

static void history_title(struct view *base, struct depot_buf *left, struct depot_buf *right)
{
    const struct history_view *v = (const struct history_view *)base;
    size_t failed = 0;
    for (size_t i = 0; i < v->builds.len; i++)
        failed += v->builds.items[i]->sum.state == DEPOT_BUILD_FAILED;
    depot_buf_adds(left, "history");
    if (v->filter.on)
        depot_buf_addf(left, " /%s", v->filter.text);
    depot_buf_addf(right, "%zu build%s", v->builds.len, v->builds.len == 1 ? "" : "s");
    if (failed > 0)
        depot_buf_addf(right, "  %zu failed", failed);
}

static const enum action history_hints[] = {ACTION_OPEN, ACTION_FILTER, ACTION_SORT_NEXT,
    ACTION_SIBLING_PREV, ACTION_SIBLING_NEXT, ACTION_NONE};

static const char *const history_orders[] = {[HIST_BY_AGE] = "ago",
    [HIST_BY_NAME] = "project",
    [HIST_BY_TIME] = "time",
    [HIST_BY_HIT] = "hit",
    [HIST_BY_STATE] = "state",
    [HIST_SORTS] = NULL};

static const struct view_note history_notes[] = {
    {"hit", "share of the steps that were over which the cache had"},
    {"vs median", "against the median of the project's builds that succeeded"},
    {"chart", "the project's builds, oldest left; the height is how long they took"},
    {"filter", FILTER_NOTE "state: project: who: source: platform: tag:"}, {NULL, NULL}};

const struct view_ops view_history = {
    .id = VIEW_HISTORY,
    .size = sizeof(struct history_view),
    .close = history_close,
    .refresh = history_refresh,
    .draw = dp_history_view_draw,
    .action = history_action,
    .title = history_title,
    .hints = history_hints,
    .orders = history_orders,
    .build = history_build,
    .filter = history_filter,
    .notes = history_notes,
};
