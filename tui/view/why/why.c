/*
 * The why view: the build it compares with, the causes as rows, and what keys do to them.
 */
#include "tui/app/command.h"
#include "why_priv.h"

#include <stdlib.h>
#include <string.h>

enum {
    FOLLOWERS_OPEN = 8,  /* as many are shown without being asked for */
    MAKE_EVERY_MS = 250, /* at most so often, */
    MAKE_SHARE = 10,     /* and for a tenth of the time, of a build that runs */
    ASK_BUILDS = 200,    /* how far back an earlier build is looked for */
    HINT_INDENT = 4,     /* columns beside a hint */
    EVIDENCE_MAX = 20,   /* rows of a cause */
};

/* ---- which build to compare with ---- */

static void let_go(struct why_view *v)
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
    const struct depot_question q = {
        .ask = DEPOT_ASK_BUILDS, .project = v->build->sum.info.project, .limit = ASK_BUILDS};
    v->asked = !depot_str_empty(q.project) && dp_fleet_ask(dp_tui_fleet(v->base.tui), v->build, &q);
    v->answered = !v->asked;
}

/* Is all known of it that there is? */
static bool is_whole(const struct fleet_build *b)
{
    return b->state != NULL && depot_build_state_over(b->state->state);
}

static bool has_before(const struct why_view *v)
{
    return v->before != NULL && is_whole(v->before);
}

/* ---- the rows ---- */

const struct depot_cause *dp_why_cause_on(
    const struct why_view *v, const struct depot_cause *c, const char *platform)
{
    for (size_t i = 0; i < v->why.causes.len && i < DEPOT_WHY_CAUSES_MAX; i++) {
        const struct depot_cause *t = v->why.causes.items[i];
        if ((t == c || t->twin_of == c) && depot_str_eq(t->step->platform, platform))
            return t;
    }
    return NULL;
}

static bool is_same_place(const struct depot_step *a, const struct depot_step *b)
{
    return a->parsed.ordinal == b->parsed.ordinal &&
           depot_str_eq(a->parsed.stage, b->parsed.stage) &&
           depot_str_eq(a->parsed.instruction, b->parsed.instruction);
}

const struct depot_step *dp_why_step_on(const struct why_view *v, const struct depot_cause *c,
    const struct depot_step *s, const char *platform)
{
    const struct depot_cause *t = dp_why_cause_on(v, c, platform);
    return t != NULL ? depot_why_step_on(&v->why, t, s) : NULL;
}

static void push(struct why_view *v, enum why_kind kind, const struct depot_cause *c)
{
    const struct why_row row = {.kind = kind, .cause = c};
    depot_vec_push(&v->list, row);
}

static char *fold_key(const struct depot_cause *c)
{
    const struct depot_step_name *n = &c->step->parsed;
    return depot_asprintf(
        "%s %s %d %s", c->step->part->platform, n->stage, n->ordinal, n->instruction);
}

bool dp_why_is_open(const struct why_view *v, const struct depot_cause *c)
{
    char *key = fold_key(c);
    const bool turned = depot_strv_has(&v->folds, key);
    depot_free(key);
    return turned != (c->steps.len <= FOLLOWERS_OPEN);
}

static void turn_fold(struct why_view *v, const struct depot_cause *c)
{
    char *key = fold_key(c);
    for (size_t i = 0; i < v->folds.len; i++) {
        if (!depot_str_eq(v->folds.items[i], key))
            continue;
        depot_free(v->folds.items[i]);
        depot_vec_remove(&v->folds, i);
        depot_free(key);
        return;
    }
    depot_strv_push_take(&v->folds, key);
}

static void list_evidence(struct why_view *v, const struct depot_cause *c)
{
    for (size_t i = 0; i < c->evidence.len && i < EVIDENCE_MAX; i++) {
        push(v, WHY_EVIDENCE, c);
        v->list.items[v->list.len - 1].index = i;
    }
    if (c->evidence.len + c->more > EVIDENCE_MAX) {
        push(v, WHY_MORE, c);
        v->list.items[v->list.len - 1].index = c->evidence.len + c->more - EVIDENCE_MAX;
    }
}

static void list_steps(struct why_view *v, const struct depot_cause *c)
{
    if (c->steps.len < 2)
        return;
    push(v, WHY_AFTER, c);
    if (!dp_why_is_open(v, c))
        return;
    const int label_w = dp_why_label_w(c);
    for (size_t i = 1; i < c->steps.len; i++) {
        push(v, WHY_STEP, c);
        v->list.items[v->list.len - 1].step = c->steps.items[i];
        v->list.items[v->list.len - 1].label_w = label_w;
    }
}

static void list_hint(struct why_view *v, const struct depot_cause *c)
{
    const char *hint = depot_reason_hint(c->reason);
    for (size_t at = 0; hint != NULL && hint[at] != '\0';) {
        const size_t n = depot_text_line(hint + at, v->listed_w - HINT_INDENT);
        push(v, WHY_HINT, c);
        v->list.items[v->list.len - 1].index = at;
        v->list.items[v->list.len - 1].len = n;
        at += n + strspn(hint + at + n, " ");
    }
}

static void list_cause(struct why_view *v, const struct depot_cause *c)
{
    if (v->list.len > 0)
        push(v, WHY_GAP, NULL);
    push(v, WHY_CAUSE, c);
    v->list.items[v->list.len - 1].step = c->step;
    if (c->reason != DEPOT_REASON_FIRST) /* the head says so */
        push(v, WHY_REASON, c);
    list_evidence(v, c);
    list_steps(v, c);
    list_hint(v, c);
}

static int64_t cost(const struct why_view *v, const struct depot_cause *c)
{
    int64_t most = 0;
    for (size_t i = 0; i < v->nlanes; i++) {
        const struct depot_cause *t = dp_why_cause_on(v, c, v->lanes[i]);
        most = t != NULL && t->took > most ? t->took : most;
    }
    return most;
}

struct priced {
    const struct depot_cause *cause;
    int64_t cost;
};

static int by_cost(const void *a, const void *b)
{
    const struct priced *x = a, *y = b;
    return x->cost < y->cost ? 1 : -(x->cost > y->cost);
}

static void find_lanes(struct why_view *v)
{
    v->nlanes = 0;
    for (size_t i = 0; i < v->why.causes.len; i++) {
        const char *p = v->why.causes.items[i]->step->platform;
        size_t k = 0;
        while (k < v->nlanes && !depot_str_eq(v->lanes[k], p))
            k++;
        if (k == v->nlanes && k < WHY_LANES_MAX)
            v->lanes[v->nlanes++] = p;
    }
}

/* What costs most stands first, once nothing moves any more. */
static void list_causes(struct why_view *v)
{
    DEPOT_VEC(struct priced) list = {0};
    for (size_t i = 0; i < v->why.causes.len && i < DEPOT_WHY_CAUSES_MAX; i++) {
        const struct depot_cause *c = v->why.causes.items[i];
        if (c->twin_of == NULL)
            depot_vec_push(&list, ((struct priced){c, cost(v, c)}));
    }
    if (is_whole(v->build) && list.len > 0)
        qsort(list.items, list.len, sizeof(*list.items), by_cost);
    for (size_t i = 0; i < list.len; i++)
        list_cause(v, list.items[i].cause);
    depot_vec_free(&list);
}

/* The row of a step: its own, its cause's when it is folded away, or its twin's. */
static bool select_step(struct why_view *v, const struct depot_step *s)
{
    const struct depot_cause *c = depot_why_of(&v->why, s);
    if (c == NULL)
        return false;
    if (c->twin_of != NULL)
        c = c->twin_of;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < v->list.len; i++) {
            const struct why_row *r = &v->list.items[i];
            if (r->cause != c || r->step == NULL || (pass == 0 && !is_same_place(r->step, s)))
                continue;
            dp_rows_move(&v->rows, i);
            return true;
        }
    }
    return false;
}

/* What is selected, in words that outlive the rows. */
struct place {
    enum why_kind kind;
    char *cause;
    size_t index, nth; /* the nth row of its kind in the cause */
};

static struct place place_of(const struct why_view *v)
{
    const size_t at = v->rows.selected;
    if (at >= v->list.len || v->list.items[at].cause == NULL)
        return (struct place){.cause = NULL, .index = at};
    const struct why_row *r = &v->list.items[at];
    struct place p = {.kind = r->kind, .cause = fold_key(r->cause), .index = at};
    for (size_t i = 0; i < at; i++)
        p.nth += v->list.items[i].cause == r->cause && v->list.items[i].kind == r->kind;
    return p;
}

static bool has_key(const struct depot_cause *c, const char *want)
{
    char *key = fold_key(c);
    const bool same = depot_str_eq(key, want);
    depot_free(key);
    return same;
}

static void select_place(struct why_view *v, const struct place *p)
{
    const struct depot_cause *last = NULL;
    bool same = false;
    size_t nth = 0;
    for (size_t i = 0; p->cause != NULL && i < v->list.len; i++) {
        const struct why_row *r = &v->list.items[i];
        if (r->cause == NULL || r->kind != p->kind)
            continue;
        if (r->cause != last)
            same = has_key(r->cause, p->cause);
        last = r->cause;
        if (!same || nth++ < p->nth)
            continue;
        dp_rows_move(&v->rows, i);
        return;
    }
    dp_rows_layout(&v->rows, v->list.len, v->rows.page);
}

/* The rows anew, with what was selected selected again; `p` is of before anything changed, and is
 * released. */
static void list_at(struct why_view *v, struct place *p)
{
    v->list.len = 0;
    find_lanes(v);
    list_causes(v);
    v->rows.count = v->list.len;
    select_place(v, p);
    depot_free(p->cause);
}

static void relist(struct why_view *v)
{
    struct place p = place_of(v);
    list_at(v, &p);
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
    if (c != NULL && c->step != s && !dp_why_is_open(v, c->twin_of != NULL ? c->twin_of : c)) {
        turn_fold(v, c->twin_of != NULL ? c->twin_of : c);
        relist(v);
    }
    if (select_step(v, s))
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
    return !v->made || v->over != is_whole(v->build) || v->before_whole != has_before(v) ||
           now < v->made_at || now >= v->made_at + v->pause;
}

static void make(struct why_view *v)
{
    const uint64_t begin = depot_mono_ns();
    struct place p = place_of(v);
    let_go(v);
    v->over = is_whole(v->build);
    v->before_whole = has_before(v);
    depot_why_init(&v->why, v->build->state, v->before_whole ? v->before->state : NULL);
    v->made = true;
    v->made_at = dp_tui_now(v->base.tui);
    v->revision = v->build->state->revision;
    v->before_revision =
        v->before != NULL && v->before->state != NULL ? v->before->state->revision : 0;
    v->listed_w = v->base.w;
    list_at(v, &p);
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
        let_go(v);
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
        relist(v);
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
        turn_fold(v, c);
        relist(v);
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

static void why_answer(struct view *base, struct fleet_source *s, const struct depot_answer *a)
{
    struct why_view *v = (struct why_view *)base;
    if (a->ask == DEPOT_ASK_BUILDS && s == v->build->source)
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
