/*
 * What only the whole graph tells: platforms, inferred verdicts, counts, lanes, the critical path.
 * Every pass is linear in steps and edges, and cycles (which no engine makes) end in it all the
 * same.
 */
#include "model/state_priv.h"

#include <string.h>

/* In depot_step.mark_, while platforms are found: several platforms share the step. */
#define SHARED_MARK UINT32_MAX

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

static const char *named_platform(const struct depot_step *s)
{
    return *s->parsed.to_platform ? s->parsed.to_platform : s->parsed.platform;
}

/* One platform that all of these agree on; NULL when none has one. */
static const char *agreed(struct depot_step *const *list, size_t n, bool *mixed)
{
    const char *found = NULL;

    for (size_t i = 0; i < n && !*mixed; i++) {
        const char *p = list[i]->platform;

        if (*p && found && strcmp(p, found) != 0)
            *mixed = true;
        else if (*p)
            found = p;
    }
    return found;
}

/* Down from the results. `keep`: a result has its platform already. */
static void attribute_down(const struct step_vec *order, bool keep)
{
    for (size_t i = 0; i < order->len; i++) {
        struct depot_step *s = order->items[i];
        const char *found;
        bool mixed = false;

        if (!s->part->several || (keep && !s->dependants.len))
            continue;
        for (size_t k = 0; k < s->dependants.len; k++)
            mixed = mixed || s->dependants.items[k]->mark_ == SHARED_MARK;
        found = agreed(s->dependants.items, s->dependants.len, &mixed);
        /* mark_ is free here: every step in the order has counted down to 0. */
        s->mark_ = mixed ? SHARED_MARK : 0;
        s->platform = mixed ? "" : found ? found : named_platform(s);
    }
}

/* Up to results whose name tells nothing, as of RUN in a stage from scratch. */
static void attribute_up(const struct step_vec *order)
{
    for (size_t i = order->len; i > 0; i--) {
        struct depot_step *s = order->items[i - 1];
        bool mixed = false;
        const char *found;

        if (!s->part->several || *s->platform || s->mark_ == SHARED_MARK)
            continue;
        found = agreed(s->inputs, s->ninputs, &mixed);
        if (found && !mixed)
            s->platform = found;
    }
}

/*
 * A step belongs to the platforms that are built from it. Names of results are right where they
 * have a platform, names of steps below them may not be: so a result's platform goes down to all it
 * was made of.
 */
static void attribute(const struct step_vec *order)
{
    attribute_down(order, false);
    attribute_up(order);
    attribute_down(order, true);
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

static bool has_edges(const struct depot_build *b)
{
    for (size_t i = 0; i < b->steps.len; i++)
        if (b->steps.items[i]->dependants.len)
            return true;
    return false;
}

/*
 * Newer engines forward the progress of a step that another build runs, under the digest and name
 * it has there. Nothing here is made from it, and what it is made from was never announced.
 */
static bool is_foreign(const struct depot_step *s)
{
    if (!s->raw.len || s->dependants.len || s->group || !s->ninputs ||
        s->parsed.kind != DEPOT_STEP_BUILD)
        return false;
    for (size_t i = 0; i < s->ninputs; i++)
        if (s->inputs[i]->known)
            return false;
    return true;
}

/* Our own step, which never ran or seems not to have been needed, says the same instruction. */
static void match_shared(struct depot_build *b)
{
    struct depot_map *by_text = NULL;
    bool edges = has_edges(b);

    for (size_t i = 0; i < b->steps.len; i++) {
        struct depot_step *s = b->steps.items[i];

        s->foreign = edges && is_foreign(s);
        if (s->foreign) {
            if (!by_text)
                by_text = depot_map_new();
            depot_map_set(by_text, s->parsed.instruction, s);
        }
    }
    for (size_t i = 0; i < b->steps.len; i++) {
        struct depot_step *s = b->steps.items[i], *other;

        s->shared_with = NULL;
        if (!by_text || s->foreign ||
            (s->verdict != DEPOT_VERDICT_SHARED && s->verdict != DEPOT_VERDICT_SKIPPED))
            continue;
        other = depot_map_get(by_text, s->parsed.instruction);
        if (!other || other->part != s->part)
            continue;
        s->shared_with = other;
        set_verdict(b, s, DEPOT_VERDICT_SHARED);
    }
    depot_map_free(by_text);
}

/* Of a group one member stands for all. */
static bool is_counted(const struct depot_step *s)
{
    if (s->parsed.kind != DEPOT_STEP_BUILD || s->foreign)
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

/* The input that was waited for longest. A skipped one took no time, but what it stands on may
 * have: `via` knows by index. */
static struct depot_step *latest_input(const struct depot_step *s, struct depot_step *const *via)
{
    struct depot_step *best = NULL;

    for (size_t i = 0; i < s->ninputs; i++) {
        struct depot_step *in = s->inputs[i];

        if (!in->known)
            continue;
        if (!took_time(in))
            in = via[in->index];
        if (in && !in->critical && (!best || in->completed > best->completed))
            best = in;
    }
    return best;
}

/* Where the path ends: while the build runs with what has run longest, then with what ended last.
 */
static struct depot_step *path_end(const struct depot_build *b)
{
    struct depot_step *last = NULL, *open = NULL;

    for (size_t i = 0; i < b->steps.len; i++) {
        struct depot_step *s = b->steps.items[i];

        s->critical = false;
        if (took_time(s) && (!last || s->completed > last->completed))
            last = s;
        if (s->verdict == DEPOT_VERDICT_RUNNING && s->parsed.kind != DEPOT_STEP_INTERNAL &&
            !s->foreign && (!open || s->started < open->started))
            open = s;
    }
    return open ? open : last;
}

/* Back from the end through the inputs that were waited for. */
static void find_critical(struct depot_build *b, const struct step_vec *order)
{
    struct depot_step **via = depot_calloc(b->steps.len + 1, sizeof(struct depot_step *));
    struct depot_step *at = path_end(b);
    bool crossed = false;

    b->critical.len = 0;
    b->critical_ns = 0;
    for (size_t i = order->len; i-- > 0;) {
        const struct depot_step *s = order->items[i];

        if (s->known && !took_time(s))
            via[s->index] = latest_input(s, via);
    }
    while (at) {
        struct depot_step *next = latest_input(at, via);

        at->critical = true;
        depot_vec_push(&b->critical, at);
        if (at->completed && __builtin_add_overflow(b->critical_ns,
                                 depot_step_duration(at, at->completed), &b->critical_ns))
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
    depot_free(via);
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
    find_critical(b, &order);
    depot_vec_free(&order);
    b->dirty = false;
}
