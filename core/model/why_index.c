/*
 * Steps by where they stand and what they say. Not a depot_map: for builds of many thousand steps
 * most of the time would go into writing keys.
 */
#include "model/why_priv.h"

#include <string.h>

struct dp_why_slot {
    const struct depot_step *step; /* NULL: free */
    uint64_t hash;
};

static uint64_t add_text(uint64_t hash, const char *s)
{
    return hash * 31 + depot_hash(s, strlen(s));
}

static uint64_t hash_of(const struct depot_step *s, unsigned by)
{
    const struct depot_step_name *p = &s->parsed;
    uint64_t hash = add_text(0, p->stage);

    if (by & DP_WHY_BY_PLATFORM)
        hash = add_text(hash, s->platform);
    if (by & DP_WHY_BY_TEXT)
        hash = add_text(hash, p->instruction);
    if (by & DP_WHY_BY_ORDINAL)
        hash = hash * 31 + depot_hash(&p->ordinal, sizeof(p->ordinal));
    return hash;
}

static bool is_alike(const struct depot_step *a, const struct depot_step *b, unsigned by)
{
    const struct depot_step_name *x = &a->parsed, *y = &b->parsed;

    return strcmp(x->stage, y->stage) == 0 &&
           (!(by & DP_WHY_BY_PLATFORM) || strcmp(a->platform, b->platform) == 0) &&
           (!(by & DP_WHY_BY_TEXT) || strcmp(x->instruction, y->instruction) == 0) &&
           (!(by & DP_WHY_BY_ORDINAL) || x->ordinal == y->ordinal);
}

void dp_why_index_init(struct dp_why_index *x, unsigned by, size_t n)
{
    size_t slots = 8;

    while (slots < n * 2)
        slots *= 2;
    *x = (struct dp_why_index){.by = by, .mask = slots - 1};
    x->slots = depot_calloc(slots, sizeof(*x->slots));
}

void dp_why_index_release(struct dp_why_index *x)
{
    depot_free(x->slots);
    x->slots = NULL;
}

/* Where a step like this one is, or would be. */
static struct dp_why_slot *find(
    const struct dp_why_index *x, const struct depot_step *like, uint64_t hash)
{
    size_t at = (size_t)hash & x->mask;

    while (x->slots[at].step != NULL &&
           (x->slots[at].hash != hash || !is_alike(x->slots[at].step, like, x->by)))
        at = (at + 1) & x->mask;
    return &x->slots[at];
}

void dp_why_index_add(struct dp_why_index *x, const struct depot_step *s)
{
    uint64_t hash = hash_of(s, x->by);
    struct dp_why_slot *slot = find(x, s, hash);

    if (slot->step == NULL)
        *slot = (struct dp_why_slot){s, hash};
}

const struct depot_step *dp_why_index_find(
    const struct dp_why_index *x, const struct depot_step *like)
{
    return x->slots != NULL ? find(x, like, hash_of(like, x->by))->step : NULL;
}
