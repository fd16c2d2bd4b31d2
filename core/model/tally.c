/*
 * How many steps are what, in the build, its parts and its lanes; and which run. Which step counts,
 * and in which lane, is the graph's: one that changed is taken from the counts as what it was and
 * added as what it is.
 */
#include "model/state_priv.h"

#include <string.h>

/* Of a group one member stands for all. */
static bool is_counted(const struct depot_step *s)
{
    if (s->parsed.kind != DEPOT_STEP_BUILD || s->foreign)
        return false;
    if (s->group == NULL)
        return true;
    for (size_t i = 0; i < s->group->members.len; i++)
        if (!s->group->members.items[i]->weak)
            return s->group->members.items[i] == s;
    return s->group->members.items[0] == s;
}

static void count(struct depot_counts *c, enum depot_outcome v, int by)
{
    c->total += by;
    c->hit += v == DEPOT_OUTCOME_HIT ? by : 0;
    c->ran += v == DEPOT_OUTCOME_RAN ? by : 0;
    c->shared += v == DEPOT_OUTCOME_SHARED ? by : 0;
    c->failed += v == DEPOT_OUTCOME_FAILED ? by : 0;
    c->cancelled += v == DEPOT_OUTCOME_CANCELLED ? by : 0;
    c->skipped += v == DEPOT_OUTCOME_SKIPPED ? by : 0;
}

static void count_everywhere(
    struct depot_build *b, const struct depot_step *s, enum depot_outcome v, int by)
{
    count(&b->counts, v, by);
    count(&s->part->counts, v, by);
    count(&b->lanes.items[s->derived_.lane].counts, v, by);
}

static unsigned lane_of(struct depot_build *b, const char *platform)
{
    struct depot_lane *lane;

    for (size_t i = 0; i < b->lanes.len; i++)
        if (strcmp(b->lanes.items[i].platform, platform) == 0)
            return (unsigned)i;
    if (b->lanes.len >= DP_LANES_MAX)
        return 0;
    lane = depot_vec_add(&b->lanes);
    lane->platform = platform;
    return (unsigned)b->lanes.len - 1;
}

/* Times are told late, but once told they stay: any other change is derived as a whole. */
static void stretch(struct depot_lane *lane, const struct depot_step *s)
{
    if (s->started && (!lane->started || s->started < lane->started))
        lane->started = s->started;
    if (s->completed > lane->completed)
        lane->completed = s->completed;
}

/* What runs is a short list; it keeps the order of first starts. */
static void list_running(struct depot_build *b, struct depot_step *s)
{
    bool runs = s->outcome == DEPOT_OUTCOME_RUNNING;
    size_t i;

    if (runs == s->derived_.running)
        return;
    s->derived_.running = runs;
    if (!runs) {
        for (i = 0; b->running.items[i] != s; i++)
            ;
        depot_vec_remove(&b->running, i);
        return;
    }
    depot_vec_push(&b->running, s);
    for (i = b->running.len - 1; i > 0; i--) {
        if (b->running.items[i - 1]->derived_.start_index < s->derived_.start_index)
            break;
        b->running.items[i] = b->running.items[i - 1];
    }
    b->running.items[i] = s;
}

void dp_tally_step(struct depot_build *b, struct depot_step *s)
{
    stretch(&b->lanes.items[s->derived_.lane], s);
    list_running(b, s);
    if (!s->derived_.counted || s->outcome == s->derived_.as)
        return;
    count_everywhere(b, s, s->derived_.as, -1);
    count_everywhere(b, s, s->outcome, 1);
    s->derived_.as = s->outcome;
}

void dp_tally_all(struct depot_build *b)
{
    memset(&b->counts, 0, sizeof(b->counts));
    b->lanes.len = b->running.len = 0;
    for (size_t i = 0; i < b->parts.len; i++)
        memset(&b->parts.items[i]->counts, 0, sizeof(b->counts));
    for (size_t i = 0; i < b->steps.len; i++) {
        struct depot_step *s = b->steps.items[i];

        s->derived_.lane = lane_of(b, s->platform);
        stretch(&b->lanes.items[s->derived_.lane], s);
        s->derived_.counted = is_counted(s);
        s->derived_.as = s->outcome;
        if (s->derived_.counted)
            count_everywhere(b, s, s->outcome, 1);
    }
    for (size_t i = 0; i < b->started.len; i++) {
        struct depot_step *s = b->started.items[i];

        s->derived_.running = s->outcome == DEPOT_OUTCOME_RUNNING;
        if (s->derived_.running)
            depot_vec_push(&b->running, s);
    }
}
