/*
 * The why view: the build it compares with, and what keys do to its rows.
 */
#include "tui/app/command.h"
#include "why_priv.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAKE_EVERY_MS = 250, /* at most so often, */
    MAKE_SHARE = 10,     /* and for a tenth of the time, of a build that runs */
    ASK_BUILDS = 200,    /* how far back an earlier build is looked for */
};

/* ---- which build to compare with ---- */

static void release(struct why_view *v)
{
    depot_why_release(&v->why);
    v->list.len = 0;
    v->made = false;
    v->nlanes = 0; /* their names are the state's */
}

static void find_before(struct why_view *v)
{
    const struct fleet *f = dp_tui_fleet(v->base.tui);
    DEPOT_VEC(const struct depot_build_summary *) sums = {0};
    DEPOT_VEC(struct fleet_build *) builds = {0};
    for (size_t i = 0; i < f->builds.len; i++) {
        struct fleet_build *b = f->builds.items[i];
        if (b->source != v->build->source || (b->state == NULL && !dp_fleet_can_ask(b->source)))
            continue;
        depot_vec_push(&sums, &b->sum);
        depot_vec_push(&builds, b);
    }
    const int at = depot_why_choose(&v->build->sum, sums.items, sums.len);
    if (at >= 0 && (size_t)at < builds.len) {
        v->before = builds.items[at];
        dp_fleet_watch(dp_tui_fleet(v->base.tui), v->before);
    }
    depot_vec_free(&sums);
    depot_vec_free(&builds);
}

/* The daemon remembers more builds than it told of. */
static void ask_before(struct why_view *v)
{
    const struct depot_query q = {
        .ask = DEPOT_QUERY_BUILDS, .project = v->build->sum.info.project, .limit = ASK_BUILDS};
    v->asked = !depot_str_empty(q.project) && dp_fleet_ask(dp_tui_fleet(v->base.tui), v->build, &q);
    v->answered = !v->asked;
}

bool dp_why_is_whole(const struct fleet_build *b)
{
    return b->state != NULL && depot_build_state_over(b->state->state);
}

static bool has_before(const struct why_view *v)
{
    return v->before != NULL && dp_why_is_whole(v->before);
}

/* ---- making it ---- */

static bool is_current(const struct why_view *v)
{
    return v->made && v->revision == v->build->state->revision &&
           (v->before == NULL || v->before->state == NULL ||
               v->before_revision == v->before->state->revision);
}

/* As far as the page goes, the reason stands above what follows from it. */
static void show_cause(struct why_view *v)
{
    size_t i = v->rows.selected;
    while (i > 0 && v->list.items[i].kind != WHY_CAUSE)
        i--;
    v->rows.top = i;
}

/* The step that the view was opened for: selected once, when it is there. */
static void select_asked(struct why_view *v)
{
    const struct depot_step *s =
        v->digest != NULL ? dp_step_find(v->build->state, v->part, v->digest) : NULL;
    if (s == NULL)
        return;
    const struct depot_cause *c = depot_why_of(&v->why, s);
    if (c != NULL && c->step != s &&
        !dp_why_is_open(v, c->sibling_of != NULL ? c->sibling_of : c)) {
        dp_why_turn_fold(v, c->sibling_of != NULL ? c->sibling_of : c);
        dp_why_relist(v);
    }
    if (dp_why_select_step(v, s))
        show_cause(v);
    else
        dp_tui_say(v->base.tui, DEPOT_STYLE_DIM, "%s: this step %s", depot_outcome_word(s->outcome),
            s->parsed.kind == DEPOT_STEP_BUILD ? "did not miss the cache" : "is never cached");
    depot_free(v->digest);
    v->digest = NULL;
}

/* What ended is compared at once, what goes on as often as it costs little. */
static bool is_due(const struct why_view *v)
{
    const depot_time now = dp_tui_now(v->base.tui);
    return !v->made || v->over != dp_why_is_whole(v->build) || v->before_whole != has_before(v) ||
           now < v->made_at || now >= v->made_at + v->pause;
}

static void make(struct why_view *v)
{
    const uint64_t begin = depot_mono_ns();
    struct why_place p = dp_why_place_of(v);
    release(v);
    v->over = dp_why_is_whole(v->build);
    v->before_whole = has_before(v);
    depot_why_init(&v->why, v->build->state, v->before_whole ? v->before->state : NULL);
    v->made = true;
    v->made_at = dp_tui_now(v->base.tui);
    v->revision = v->build->state->revision;
    v->before_revision =
        v->before != NULL && v->before->state != NULL ? v->before->state->revision : 0;
    v->listed_w = v->base.w;
    dp_why_list_at(v, &p);
    select_asked(v);
    const int64_t least = MAKE_EVERY_MS * DEPOT_MSEC;
    v->pause = (int64_t)(depot_mono_ns() - begin) * MAKE_SHARE;
    v->pause = v->pause > least ? v->pause : least;
}

/* States that were replaced take all that points into them along. */
static void sync(struct why_view *v)
{
    if (v->generation != v->build->generation ||
        (v->before != NULL && v->before_generation != v->before->generation)) {
        release(v);
        v->generation = v->build->generation;
        v->before_generation = v->before != NULL ? v->before->generation : 0;
    }
}

static void why_refresh(struct view *base)
{
    struct why_view *v = (struct why_view *)base;
    if (v->before == NULL) {
        find_before(v);
        if (v->before == NULL && !v->asked && !v->answered)
            ask_before(v);
    }
    sync(v);
    if (v->build->state != NULL && !is_current(v) && is_due(v))
        make(v);
}

/* ---- life ---- */

static int why_open(struct view *base, const char *arg, struct depot_error *err)
{
    struct why_view *v = (struct why_view *)base;
    struct fleet *f = dp_tui_fleet(base->tui);
    v->build = arg != NULL ? dp_fleet_find_prefix(f, arg) : NULL;
    if (v->build == NULL &&
        (arg == NULL || !dp_step_key_parse(f, arg, &v->build, &v->part, &v->digest)))
        return depot_error_set(
            err, DEPOT_ERR_NOT_FOUND, "there is no build \"%s\"", arg != NULL ? arg : "");
    v->generation = v->build->generation;
    dp_fleet_watch(f, v->build);
    return 0;
}

static void why_close(struct view *base)
{
    struct why_view *v = (struct why_view *)base;
    struct fleet *f = dp_tui_fleet(base->tui);
    dp_fleet_unwatch(f, v->build);
    if (v->before != NULL)
        dp_fleet_unwatch(f, v->before);
    depot_why_release(&v->why);
    depot_vec_free(&v->list);
    depot_strv_release(&v->folds);
    depot_free(v->part);
    depot_free(v->digest);
}

static void why_resize(struct view *base, int h, int w)
{
    struct why_view *v = (struct why_view *)base;
    DEPOT_UNUSED(h);
    if (v->listed_w == w || !v->made)
        return;
    sync(v);
    v->listed_w = w;
    if (v->made)
        dp_why_relist(v);
}

/* ---- actions ---- */

static const struct why_row *selected(const struct why_view *v)
{
    return v->rows.selected < v->list.len ? &v->list.items[v->rows.selected] : NULL;
}

/* Its own step, or the one whose reason is told. */
static const struct depot_step *selected_step(const struct why_view *v)
{
    const struct why_row *r = selected(v);
    return r == NULL || r->cause == NULL ? NULL : r->step != NULL ? r->step : r->cause->step;
}

static void next_cause(struct why_view *v, int way)
{
    const size_t n = v->list.len;
    for (size_t i = v->rows.selected + (size_t)way; i < n; i += (size_t)way) {
        if (v->list.items[i].kind != WHY_CAUSE)
            continue;
        v->rows.selected = i;
        return;
    }
}

static void fold(struct why_view *v, enum action a)
{
    const struct why_row *r = selected(v);
    if (r == NULL || r->cause == NULL || r->cause->steps.len < 2)
        return;
    const bool open = dp_why_is_open(v, r->cause);
    if (a == ACTION_FOLD || open == (a == ACTION_LEFT)) {
        const struct depot_cause *c = r->cause;
        dp_why_turn_fold(v, c);
        dp_why_relist(v);
        if (open) /* the selected row may be gone: the row that folds takes its place */
            for (size_t i = 0; i < v->list.len; i++)
                if (v->list.items[i].cause == c && v->list.items[i].kind == WHY_AFTER)
                    dp_rows_move(&v->rows, i);
    }
}

static void open_selected(struct why_view *v)
{
    const struct why_row *r = selected(v);
    const struct depot_step *s = selected_step(v);
    if (r != NULL && r->kind == WHY_AFTER)
        fold(v, ACTION_FOLD);
    else if (s != NULL)
        dp_tui_push_step(v->base.tui, VIEW_STEP, v->build, s);
}

static void copy_row(struct why_view *v)
{
    const struct why_row *r = selected(v);
    const struct depot_step *s = selected_step(v);
    if (s == NULL)
        return;
    const char *text = r->kind == WHY_EVIDENCE ? r->cause->evidence.items[r->index].text : s->name;
    dp_tui_copy(v->base.tui, text, strlen(text));
    dp_tui_say(v->base.tui, DEPOT_STYLE_DIM, "copied");
}

static enum view_result why_action(struct view *base, enum action a, intptr_t arg)
{
    struct why_view *v = (struct why_view *)base;
    sync(v);
    if (dp_rows_action(&v->rows, a, arg))
        return VIEW_HANDLED;
    switch (a) {
    case ACTION_OPEN:
    case ACTION_LOG:
        open_selected(v);
        return VIEW_HANDLED;
    case ACTION_FOLD:
    case ACTION_LEFT:
    case ACTION_RIGHT:
        fold(v, a);
        return VIEW_HANDLED;
    case ACTION_SIBLING_NEXT:
    case ACTION_SIBLING_PREV:
        next_cause(v, a == ACTION_SIBLING_NEXT ? 1 : -1);
        return VIEW_HANDLED;
    case ACTION_COPY:
        copy_row(v);
        return VIEW_HANDLED;
    case ACTION_OTHER:
        if (v->before != NULL)
            dp_tui_push(base->tui, VIEW_BUILD, v->before->key);
        return VIEW_HANDLED;
    default:
        return VIEW_IGNORED;
    }
}

static struct fleet_build *why_build(const struct view *base)
{
    return ((const struct why_view *)base)->build;
}

static const char *why_no_row(const struct view *base)
{
    return selected((const struct why_view *)base) == NULL ? "no step is selected" : NULL;
}

static void why_title(struct view *base, struct depot_buf *left, struct depot_buf *right)
{
    const struct why_view *v = (const struct why_view *)base;
    const struct depot_build_summary *s = &v->build->sum;
    if (!depot_str_empty(s->info.project))
        depot_buf_addf(left, "%s  ", s->info.project);
    depot_buf_addf(left, "%s %s why", v->build->id, dp_tui_ascii(base->tui) ? ">" : "›");
    if (s->counts.total > 0)
        depot_buf_addf(right, "%d of %d steps in the cache", s->counts.hit + s->counts.skipped,
            s->counts.total);
}

static void why_answer(struct view *base, struct fleet_source *s, const struct depot_response *a)
{
    struct why_view *v = (struct why_view *)base;
    if (a->ask == DEPOT_QUERY_BUILDS && s == v->build->source)
        v->answered = true;
}

static const enum action why_hints[] = {
    ACTION_OPEN, ACTION_FOLD, ACTION_SIBLING_NEXT, ACTION_OTHER, ACTION_COPY, ACTION_NONE};

static const struct view_note why_notes[] = {
    {"!", "changed itself; the first on its path has all below it follow"},
    {"likely", "it fits what changed, but something else could be it"},
    {"~ - +", "changed, was so before, is so now"},
    {"compared", "with the newest build before it that is alike; b shows that one"}, {NULL, NULL}};

const struct view_ops view_why = {
    .id = VIEW_WHY,
    .size = sizeof(struct why_view),
    .of_build = true,
    .offer = dp_offer_builds,
    .open = why_open,
    .close = why_close,
    .resize = why_resize,
    .refresh = why_refresh,
    .draw = dp_why_draw,
    .action = why_action,
    .title = why_title,
    .hints = why_hints,
    .build = why_build,
    .no_row = why_no_row,
    .answer = why_answer,
    .notes = why_notes,
};
