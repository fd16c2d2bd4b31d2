/*
 * What only the whole graph tells: platforms, inferred verdicts, counts, lanes, the critical path.
 * Every pass is linear in steps and edges, and cycles (which no engine makes) end in it all the
 * same.
 */
#include "model/state_priv.h"

#include <string.h>

/* For depot_vec_push(). */
struct step_vec {
    struct depot_step **items;
    size_t len, cap;
};

/* Dependants before their inputs. What hangs in a cycle is left out. */
static void order_steps(const struct depot_build *b, struct step_vec *order)
{
    const struct depot_build_private *pr = b->priv;

    for (size_t i = 0; i < pr->all.len; i++) {
        struct depot_step *s = pr->all.items[i];

        s->mark_ = (unsigned)s->dependants.len;
        if (!s->mark_)
            depot_vec_push(order, s);
    }
    for (size_t i = 0; i < order->len; i++) {
        struct depot_step *s = order->items[i];

        for (size_t k = 0; k < s->ninputs; k++)
            if (--s->inputs[k]->mark_ == 0)
                depot_vec_push(order, s->inputs[k]);
    }
}

/*
 * A step belongs to the platforms that are built from it. Names of results are right, names of
 * steps below them may not be, so a result's platform goes down to all it was made of.
 */
static void attribute(const struct step_vec *order)
{
    for (size_t i = 0; i < order->len; i++) {
        struct depot_step *s = order->items[i];
        const char *found = NULL;
        bool mixed = false;

        if (!s->part->several)
            continue;
        for (size_t k = 0; k < s->dependants.len && !mixed; k++) {
            const char *up = s->dependants.items[k]->platform;

            if (s->dependants.items[k]->mark_ == UINT32_MAX)
                mixed = true; /* it is shared itself */
            else if (*up && found && strcmp(up, found) != 0)
                mixed = true;
            else if (*up)
                found = up;
        }
        /* mark_ is free again: every step in the order has counted down to 0. */
        s->mark_ = mixed ? UINT32_MAX : 0;
        if (mixed)
            s->platform = "";
        else if (found)
            s->platform = found;
        else
            s->platform = *s->parsed.to_platform ? s->parsed.to_platform : s->parsed.platform;
    }
}

/* The engine gives an input that was never looked at the start of the step that was found. */
static bool is_inferred(const struct depot_step *s)
{
    if (s->started != s->completed)
        return false;
    for (size_t i = 0; i < s->dependants.len; i++)
        if (s->dependants.items[i]->started == s->started)
            return true;
    return false;
}

static enum depot_verdict never_started(const struct depot_step *s)
{
    bool needed = s->dependants.len == 0;

    if (!depot_build_state_over(s->part->state))
        return DEPOT_VERDICT_WAITING;
    if (s->part->state != DEPOT_BUILD_SUCCEEDED)
        return DEPOT_VERDICT_UNREACHED;
    for (size_t i = 0; i < s->dependants.len && !needed; i++)
        needed = s->dependants.items[i]->verdict == DEPOT_VERDICT_RAN ||
                 s->dependants.items[i]->verdict == DEPOT_VERDICT_SHARED;
    return needed ? DEPOT_VERDICT_SHARED : DEPOT_VERDICT_SKIPPED;
}

static bool set_verdict(struct depot_build *b, struct depot_step *s, enum depot_verdict v)
{
    if (s->verdict == v)
        return false;
    s->verdict = v;
    s->revision = b->revision;
    return true;
}

static void judge(struct depot_build *b, const struct step_vec *order)
{
    for (size_t i = 0; i < b->steps.len; i++)
        if (b->steps.items[i]->raw.len)
            set_verdict(b, b->steps.items[i], dp_step_verdict(b->steps.items[i]));
    for (size_t i = 0; i < order->len; i++) {
        struct depot_step *s = order->items[i];

        if (!s->raw.len)
            set_verdict(b, s, never_started(s));
        else if (s->verdict == DEPOT_VERDICT_HIT && is_inferred(s))
            set_verdict(b, s, DEPOT_VERDICT_SKIPPED);
    }
}

/*
 * Newer engines forward the progress of a step that another build runs, under the digest it has
 * there. It is told by its name, and by having neither inputs nor dependants here.
 */
static void match_shared(struct depot_build *b)
{
    struct depot_map *by_name = NULL;

    for (size_t i = 0; i < b->steps.len; i++)
        b->steps.items[i]->mark_ = 0;
    for (size_t i = 0; i < b->steps.len; i++) {
        struct depot_step *s = b->steps.items[i];

        if (s->raw.len && !s->dependants.len && !s->group && s->parsed.ordinal) {
            if (!by_name)
                by_name = depot_map_new();
            depot_map_set(by_name, s->name, s);
        }
    }
    for (size_t i = 0; by_name && i < b->steps.len; i++) {
        struct depot_step *s = b->steps.items[i], *other;

        s->shared_with = NULL;
        if (s->verdict != DEPOT_VERDICT_SHARED || !(other = depot_map_get(by_name, s->name)) ||
            other->part != s->part || other == s)
            continue;
        s->shared_with = other;
        other->mark_ = 1;
    }
    depot_map_free(by_name);
}

/* Of a group one member stands for all. */
static bool is_counted(const struct depot_step *s)
{
    if (s->parsed.kind != DEPOT_STEP_BUILD || s->mark_)
        return false;
    if (!s->group)
        return true;
    for (size_t i = 0; i < s->group->members.len; i++)
        if (!s->group->members.items[i]->weak)
            return s->group->members.items[i] == s;
    return s->group->members.items[0] == s;
}

static void count(struct depot_counts *c, enum depot_verdict v)
{
    c->total++;
    c->hit += v == DEPOT_VERDICT_HIT;
    c->ran += v == DEPOT_VERDICT_RAN;
    c->shared += v == DEPOT_VERDICT_SHARED;
    c->failed += v == DEPOT_VERDICT_FAILED;
    c->cancelled += v == DEPOT_VERDICT_CANCELLED;
    c->skipped += v == DEPOT_VERDICT_SKIPPED;
}

static struct depot_lane *lane_get(struct depot_build *b, const char *platform)
{
    struct depot_lane *lane;

    for (size_t i = 0; i < b->lanes.len; i++)
        if (strcmp(b->lanes.items[i].platform, platform) == 0)
            return &b->lanes.items[i];
    if (b->lanes.len >= DP_LANES_MAX)
        return &b->lanes.items[0];
    (void)depot_vec_add(&b->lanes);
    lane = &b->lanes.items[b->lanes.len - 1];
    lane->platform = platform;
    return lane;
}

static void tally(struct depot_build *b)
{
    memset(&b->counts, 0, sizeof(b->counts));
    b->lanes.len = 0;
    for (size_t i = 0; i < b->parts.len; i++)
        memset(&b->parts.items[i]->counts, 0, sizeof(b->counts));
    for (size_t i = 0; i < b->steps.len; i++) {
        const struct depot_step *s = b->steps.items[i];
        struct depot_lane *lane = lane_get(b, s->platform);

        if (s->started && (!lane->started || s->started < lane->started))
            lane->started = s->started;
        if (s->completed > lane->completed)
            lane->completed = s->completed;
        if (!is_counted(s))
            continue;
        count(&b->counts, s->verdict);
        count(&s->part->counts, s->verdict);
        count(&lane->counts, s->verdict);
    }
}

static bool took_time(const struct depot_step *s)
{
    return s->completed && s->verdict != DEPOT_VERDICT_SKIPPED;
}

/* An exporter has no inputs on record: it waited for whatever ended last before it. */
static struct depot_step *before_export(const struct depot_build *b, const struct depot_step *e)
{
    struct depot_step *best = NULL;
    depot_time start = e->raw.len ? e->raw.items[0].start : e->started;

    for (size_t i = 0; i < b->started.len; i++) {
        struct depot_step *s = b->started.items[i];

        if (s != e && s->part == e->part && took_time(s) && s->completed <= start &&
            s->parsed.kind != DEPOT_STEP_EXPORT && (!best || s->completed > best->completed))
            best = s;
    }
    return best;
}

static struct depot_step *latest_input(const struct depot_step *s)
{
    struct depot_step *best = NULL;

    for (size_t i = 0; i < s->ninputs; i++) {
        struct depot_step *in = s->inputs[i];

        if (took_time(in) && !in->critical && (!best || in->completed > best->completed))
            best = in;
    }
    return best;
}

/* From the last to finish back through the input that was waited for. */
static void find_critical(struct depot_build *b)
{
    struct depot_step *at = NULL;
    bool crossed = false;

    b->critical.len = 0;
    b->critical_ns = 0;
    for (size_t i = 0; i < b->steps.len; i++) {
        struct depot_step *s = b->steps.items[i];

        s->critical = false;
        if (took_time(s) && (!at || s->completed > at->completed))
            at = s;
    }
    while (at) {
        struct depot_step *next = latest_input(at);

        at->critical = true;
        depot_vec_push(&b->critical, at);
        if (__builtin_add_overflow(
                b->critical_ns, depot_step_duration(at, at->completed), &b->critical_ns))
            b->critical_ns = INT64_MAX;
        if (!next && !crossed && at->parsed.kind == DEPOT_STEP_EXPORT) {
            next = before_export(b, at);
            crossed = true;
        }
        at = next;
    }
    for (size_t i = 0, k = b->critical.len; i + 1 < k; i++) {
        struct depot_step *tmp = b->critical.items[i];

        b->critical.items[i] = b->critical.items[--k];
        b->critical.items[k] = tmp;
    }
}

void depot_build_settle(struct depot_build *b)
{
    struct step_vec order = {0};

    if (!b->dirty)
        return;
    order_steps(b, &order);
    attribute(&order);
    judge(b, &order);
    match_shared(b);
    tally(b);
    find_critical(b);
    depot_vec_free(&order);
    b->dirty = false;
}
