/*
 * Why steps missed the cache: which of them were the first to, and what is different there.
 *
 * A step's key is made of its instruction with its settings and of the keys of what it stands on,
 * so a miss goes down to all that follows. Only a step none of whose inputs missed has a reason of
 * its own; each check below is one such reason, the surest first.
 */
#include <depot/why.h>

#include "model/why_priv.h"

#include <stdlib.h>
#include <string.h>

struct reason_row {
    const char *name, *text, *hint;
};
static const struct reason_row reason_rows[] = {
#define REASON_ROW(id, name, text) [DEPOT_REASON_##id] = {(name), (text), NULL},
    DEPOT_REASONS(REASON_ROW)
#undef REASON_ROW
};

static const char *const hints[DEPOT_REASON_COUNT] = {
    [DEPOT_REASON_NO_CACHE] = "build without --no-cache, or --no-cache-filter of its stage",
    [DEPOT_REASON_FILES] = ("copy only what the step needs, and what changes often as late as "
                            "possible; .dockerignore leaves out the rest"),
    [DEPOT_REASON_BASE] = "pin the image by its digest to decide when it changes",
    [DEPOT_REASON_ARGUMENT] = ("declare ARG as late as possible: it is in the key of every RUN "
                               "below it"),
    [DEPOT_REASON_SETTING] = "set ENV as late as possible: it is in the key of every step below it",
    [DEPOT_REASON_EVICTED] = "give the builder's cache more room, or prune it less",
    [DEPOT_REASON_BUILDER] = "the next build there will find it",
    [DEPOT_REASON_REMOTE] = "ADD --checksum=sha256:... keeps it as long as it is the same",
};

const char *depot_reason_name(enum depot_reason r)
{
    return (unsigned)r < DEPOT_REASON_COUNT ? reason_rows[r].name : "";
}

const char *depot_reason_text(enum depot_reason r)
{
    return (unsigned)r < DEPOT_REASON_COUNT ? reason_rows[r].text : "";
}

const char *depot_reason_hint(enum depot_reason r)
{
    return (unsigned)r < DEPOT_REASON_COUNT ? hints[r] : NULL;
}

bool depot_step_missed(const struct depot_step *s)
{
    if (s->parsed.kind != DEPOT_STEP_BUILD || s->foreign || s->weak)
        return false;
    switch (s->outcome) {
    case DEPOT_OUTCOME_RAN:
    case DEPOT_OUTCOME_RUNNING:
    case DEPOT_OUTCOME_FAILED:
        return true;
    case DEPOT_OUTCOME_CANCELLED:
        return depot_step_is_started(s);
    default:
        return false;
    }
}

/* ---- the same step in another build ---- */

/* `b` may be NULL. */
static void index_steps(struct dp_why_places *places, const struct depot_build *b)
{
    if (b == NULL)
        return;
    dp_why_index_init(&places->by_text, DP_WHY_BY_PLATFORM | DP_WHY_BY_TEXT, b->steps.len);
    dp_why_index_init(&places->by_place, DP_WHY_BY_PLATFORM | DP_WHY_BY_ORDINAL, b->steps.len);
    for (size_t i = 0; i < b->steps.len; i++) {
        const struct depot_step *s = b->steps.items[i];

        if (s->parsed.kind != DEPOT_STEP_BUILD || s->foreign || s->weak)
            continue;
        dp_why_index_add(&places->by_text, s);
        if (s->parsed.ordinal)
            dp_why_index_add(&places->by_place, s);
    }
}

static void release_places(struct dp_why_places *places)
{
    dp_why_index_release(&places->by_text);
    dp_why_index_release(&places->by_place);
}

/* A step of the other build with the same words; of two that say the same, the one at the same
 * place. */
const struct depot_step *dp_why_same_text(const struct dp_why_places *p, const struct depot_step *s)
{
    const struct depot_step *at = dp_why_same_place(p, s);

    if (at != NULL && depot_str_eq(at->parsed.instruction, s->parsed.instruction))
        return at;
    return dp_why_index_find(&p->by_text, s);
}

const struct depot_step *dp_why_same_place(
    const struct dp_why_places *p, const struct depot_step *s)
{
    return s->parsed.ordinal ? dp_why_index_find(&p->by_place, s) : NULL;
}

/* ---- which steps miss because of which ---- */

/* A base image that was fetched again is the same one: nothing is made anew because of it. */
static bool is_refetched(const struct dp_why_job *j, const struct depot_step *s)
{
    return depot_str_starts(s->parsed.instruction, "FROM ") &&
           dp_why_same_text(&j->before, s) != NULL;
}

static bool misses(const struct dp_why_job *j, const struct depot_step *s)
{
    return depot_step_missed(s) && !is_refetched(j, s);
}

static int by_start(const void *a, const void *b)
{
    const struct depot_step *x = *(const struct depot_step *const *)a,
                            *y = *(const struct depot_step *const *)b;

    if (x->started != y->started)
        return x->started < y->started ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static size_t add_cause(struct dp_why_job *j, const struct depot_step *s)
{
    struct depot_cause *c = depot_calloc(1, sizeof(*c));

    c->step = s;
    depot_vec_push(&j->why->causes, c);
    return j->why->causes.len - 1;
}

/* The cause of the first input that missed: what a step goes on from is named before what it takes
 * from elsewhere. Or a new one: none did. */
static size_t cause_of(struct dp_why_job *j, const struct depot_step *s)
{
    for (size_t i = 0; i < s->ninputs; i++)
        if (s->inputs[i]->known && j->why->cause_of_[s->inputs[i]->index] != SIZE_MAX)
            return j->why->cause_of_[s->inputs[i]->index];
    return add_cause(j, s);
}

/* Inputs end before what is made of them begins, so by start is an order that has them first; what
 * lies about its times becomes a cause of its own. */
static void find_causes(struct dp_why_job *j)
{
    DEPOT_VEC(const struct depot_step *) missed = {0};

    for (size_t i = 0; i < j->b->steps.len; i++) {
        j->why->cause_of_[i] = SIZE_MAX;
        if (misses(j, j->b->steps.items[i]))
            depot_vec_push(&missed, j->b->steps.items[i]);
    }
    if (missed.len > 0)
        qsort(missed.items, missed.len, sizeof(*missed.items), by_start);
    for (size_t i = 0; i < missed.len; i++) {
        const struct depot_step *s = missed.items[i];
        size_t c = cause_of(j, s);
        struct depot_cause *cause = j->why->causes.items[c];

        j->why->cause_of_[s->index] = c;
        depot_vec_push(&cause->steps, s);
        if (__builtin_add_overflow(cause->took, depot_step_duration(s, j->b->last), &cause->took))
            cause->took = INT64_MAX;
    }
    depot_vec_free(&missed);
}

static void find_changed(struct dp_why_job *j)
{
    for (size_t c = 0; j->old != NULL && c < j->why->causes.len; c++) {
        const struct depot_cause *cause = j->why->causes.items[c];

        for (size_t i = 1; i < cause->steps.len; i++)
            j->why->changed_[cause->steps.items[i]->index] =
                dp_why_has_changed(j, cause->steps.items[i]);
    }
}

/* How much stands on it, whether it missed or not. */
static void count_after(struct dp_why_job *j, struct depot_cause *c)
{
    bool *seen = depot_calloc(j->b->steps.len + 1, sizeof(*seen));
    DEPOT_VEC(const struct depot_step *) todo = {0};

    depot_vec_push(&todo, c->step);
    while (todo.len > 0) {
        const struct depot_step *s = todo.items[--todo.len];

        for (size_t i = 0; i < s->dependants.len; i++) {
            const struct depot_step *d = s->dependants.items[i];

            if (!d->known || d->index >= j->b->steps.len || seen[d->index])
                continue;
            seen[d->index] = true;
            c->after += d->parsed.kind == DEPOT_STEP_BUILD && !d->foreign && !d->weak;
            depot_vec_push(&todo, d);
        }
    }
    depot_vec_free(&todo);
    depot_free(seen);
}

static int by_platform(const void *a, const void *b)
{
    const struct depot_cause *x = *(struct depot_cause *const *)a,
                             *y = *(struct depot_cause *const *)b;
    int c = strcmp(x->step->platform, y->step->platform);

    return c ? c : by_start(&x->step, &y->step);
}

/* Sorted for people; the steps' indices follow. */
static void sort_causes(struct depot_why *w)
{
    if (w->causes.len > 0)
        qsort(w->causes.items, w->causes.len, sizeof(*w->causes.items), by_platform);
    for (size_t c = 0; c < w->causes.len; c++)
        for (size_t i = 0; i < w->causes.items[c]->steps.len; i++)
            w->cause_of_[w->causes.items[c]->steps.items[i]->index] = c;
}

/* ---- from outside ---- */

void depot_why_init(
    struct depot_why *w, const struct depot_build *b, const struct depot_build *before)
{
    struct dp_why_job j = {.why = w, .b = b, .old = before};

    *w = (struct depot_why){.nsteps_ = b->steps.len};
    w->cause_of_ = depot_calloc(b->steps.len + 1, sizeof(*w->cause_of_));
    w->changed_ = depot_calloc(b->steps.len + 1, sizeof(*w->changed_));
    index_steps(
        &j.now, before != NULL ? b : NULL); /* asked only for what stood in the earlier one */
    index_steps(&j.before, before);
    find_causes(&j);
    for (size_t i = 0; i < w->causes.len; i++)
        if (i < DEPOT_WHY_CAUSES_MAX) {
            dp_why_diagnose(&j, w->causes.items[i]);
            count_after(&j, w->causes.items[i]);
        } else {
            w->causes.items[i]->reason = DEPOT_REASON_UNKNOWN;
        }
    find_changed(&j);
    sort_causes(w);
    dp_why_pair_siblings(w);
    release_places(&j.now);
    release_places(&j.before);
}

void depot_why_release(struct depot_why *w)
{
    for (size_t i = 0; i < w->causes.len; i++) {
        depot_vec_free(&w->causes.items[i]->evidence);
        depot_vec_free(&w->causes.items[i]->steps);
        dp_why_release_places(w->causes.items[i]);
        depot_free(w->causes.items[i]);
    }
    depot_vec_free(&w->causes);
    depot_free(w->cause_of_);
    depot_free(w->changed_);
    depot_arena_release(&w->arena);
    *w = (struct depot_why){0};
}

const struct depot_cause *depot_why_of(const struct depot_why *w, const struct depot_step *s)
{
    if (w->cause_of_ == NULL || s->index >= w->nsteps_ || w->cause_of_[s->index] == SIZE_MAX)
        return NULL;
    return w->causes.items[w->cause_of_[s->index]];
}

const struct depot_cause *depot_why_next(const struct depot_why *w, const struct depot_cause *after)
{
    const struct depot_cause *next = NULL;
    bool passed = false; /* `after`, which of those that took as long goes by its place */

    for (size_t i = 0; i < w->causes.len; i++) {
        const struct depot_cause *c = w->causes.items[i];

        if (c->sibling_of == NULL && c != after &&
            (after == NULL || c->took < after->took || (c->took == after->took && passed)) &&
            (next == NULL || c->took > next->took))
            next = c;
        passed = passed || c == after;
    }
    return next;
}

bool depot_why_changed(const struct depot_why *w, const struct depot_step *s)
{
    return depot_why_of(w, s) != NULL && w->changed_[s->index];
}

/* ---- the build to compare with ---- */

static bool has_all(const char **have, size_t nhave, const char **want, size_t nwant)
{
    for (size_t i = 0; i < nwant; i++) {
        size_t k = 0;

        while (k < nhave && !depot_str_eq(have[k], want[i]))
            k++;
        if (k == nhave)
            return false;
    }
    return true;
}

/* 0: not comparable. */
static int fitness(const struct depot_build_summary *b, const struct depot_build_summary *o)
{
    if (o == b || depot_str_eq(o->id, b->id) || !depot_build_state_over(o->state) ||
        o->created >= b->created || depot_str_empty(b->info.project) ||
        !depot_str_eq(o->info.project, b->info.project))
        return 0;
    if (!depot_str_eq(o->info.target != NULL ? o->info.target : "",
            b->info.target != NULL ? b->info.target : "") ||
        !has_all(o->info.platforms, o->info.nplatforms, b->info.platforms, b->info.nplatforms))
        return 0;
    if (o->counts.total == 0)
        return 0; /* it did not come to any step */
    /* A cache is its builder's. */
    return 1 + has_all(o->builders, o->nbuilders, b->builders, b->nbuilders);
}

int depot_why_choose(
    const struct depot_build_summary *b, const struct depot_build_summary *const *list, size_t n)
{
    int best = -1, best_fit = 0;

    for (size_t i = 0; i < n; i++) {
        int fit = fitness(b, list[i]);

        if (fit > best_fit || (fit && fit == best_fit && list[i]->created > list[best]->created)) {
            best = (int)i;
            best_fit = fit;
        }
    }
    return best;
}
