/*
 * The critical path: from what runs longest, or ended last, back through the inputs that were
 * waited for. It costs what the path is long, but for a build of which nothing runs.
 */
#include "model/state_priv.h"

static bool took_time(const struct depot_step *s)
{
    return s->completed && s->outcome != DEPOT_OUTCOME_SKIPPED;
}

/* An exporter has no inputs on record: it waited for whatever ended last before it. */
static struct depot_step *before_export(const struct depot_build *b, const struct depot_step *e)
{
    struct depot_step *best = NULL;
    depot_time start = e->raw.len ? e->raw.items[0].start : e->started;

    for (size_t i = 0; i < b->started.len; i++) {
        struct depot_step *s = b->started.items[i];

        if (s != e && s->part == e->part && took_time(s) && s->completed <= start &&
            s->parsed.kind != DEPOT_STEP_EXPORT && (best == NULL || s->completed > best->completed))
            best = s;
    }
    return best;
}

/* The input that was waited for longest. One that took no time is looked through: what it stands on
 * may have taken some. */
static struct depot_step *latest_input(const struct depot_step *s)
{
    struct depot_step *best = NULL;

    for (size_t i = 0; i < s->ninputs; i++) {
        struct depot_step *in = s->inputs[i];

        if (!in->known)
            continue;
        if (!took_time(in))
            in = in->derived_.via;
        if (in != NULL && !in->critical && (best == NULL || in->completed > best->completed))
            best = in;
    }
    return best;
}

/* Put the inputs on the stack that must be looked through and were not in this walk. */
static void push_inputs(struct depot_build_private *pr, const struct depot_step *s)
{
    for (size_t i = 0; i < s->ninputs; i++)
        if (s->inputs[i]->known && !took_time(s->inputs[i]) &&
            s->inputs[i]->derived_.walk != pr->walk)
            depot_vec_push(&pr->stack, s->inputs[i]);
}

/* Each step that takes no time is looked through once in a walk, after its own inputs; only those
 * that the path comes by. */
static void look_through(struct depot_build_private *pr, const struct depot_step *from)
{
    push_inputs(pr, from);
    while (pr->stack.len) {
        struct depot_step *s = pr->stack.items[pr->stack.len - 1];

        if (s->derived_.walk != pr->walk) {
            s->derived_.walk = pr->walk;
            s->derived_.via = NULL;
            push_inputs(pr, s);
        } else {
            s->derived_.via = latest_input(s);
            pr->stack.len--;
        }
    }
}

/* What ended last. A step that failed takes those with it that run beside it: they end a moment
 * later, and decided nothing. */
static struct depot_step *ended_last(const struct depot_build *b)
{
    struct depot_step *last = NULL, *failed = NULL;

    for (size_t i = 0; i < b->steps.len; i++) {
        struct depot_step *s = b->steps.items[i];

        if (!took_time(s))
            continue;
        if (s->outcome == DEPOT_OUTCOME_FAILED &&
            (failed == NULL || s->completed > failed->completed))
            failed = s;
        if (last == NULL || s->completed > last->completed)
            last = s;
    }
    return failed != NULL && last->outcome == DEPOT_OUTCOME_CANCELLED ? failed : last;
}

/* Where the path ends: while the build runs with what has run longest, then with what ended last.
 */
static struct depot_step *path_end(const struct depot_build *b)
{
    struct depot_step *open = NULL;

    for (size_t i = 0; i < b->running.len; i++) {
        struct depot_step *s = b->running.items[i];

        if (s->parsed.kind == DEPOT_STEP_INTERNAL || s->foreign)
            continue;
        if (open == NULL || s->started < open->started ||
            (s->started == open->started && s->index < open->index))
            open = s;
    }
    return open != NULL ? open : ended_last(b);
}

static void reverse_path(struct depot_build *b)
{
    for (size_t i = 0, k = b->critical.len; i + 1 < k; i++) {
        struct depot_step *tmp = b->critical.items[i];

        b->critical.items[i] = b->critical.items[--k];
        b->critical.items[k] = tmp;
    }
}

static void forget_path(struct depot_build *b)
{
    struct depot_build_private *pr = b->priv;

    pr->left.len = 0;
    for (size_t i = 0; i < b->critical.len; i++) {
        struct depot_step *s = b->critical.items[i];

        s->critical = false;
        s->derived_.was_critical = true;
        depot_vec_push(&pr->left, s);
    }
    b->critical.len = 0;
    b->critical_ns = 0;
    pr->walk++;
}

static void touch_left(struct depot_build *b)
{
    for (size_t i = 0; i < b->priv->left.len; i++) {
        struct depot_step *s = b->priv->left.items[i];

        s->derived_.was_critical = false;
        if (!s->critical)
            depot_vec_push(&b->touched, s);
    }
}

void dp_critical_find(struct depot_build *b)
{
    struct depot_step *at = path_end(b), *next;
    bool crossed = false;

    forget_path(b);
    for (; at != NULL; at = next) {
        at->critical = true;
        if (!at->derived_.was_critical)
            depot_vec_push(&b->touched, at);
        depot_vec_push(&b->critical, at);
        if (at->completed && __builtin_add_overflow(b->critical_ns,
                                 depot_step_duration(at, at->completed), &b->critical_ns))
            b->critical_ns = INT64_MAX;
        look_through(b->priv, at);
        next = latest_input(at);
        if (next == NULL && !crossed && at->parsed.kind == DEPOT_STEP_EXPORT) {
            next = before_export(b, at);
            crossed = true;
        }
    }
    reverse_path(b);
    touch_left(b);
}
