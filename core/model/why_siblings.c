/*
 * Causes that are the same on several platforms, and their steps that stand at the same place of
 * the Dockerfile.
 */
#include "model/why_priv.h"

#include <string.h>

static bool same_evidence(const struct depot_cause *a, const struct depot_cause *b)
{
    if (a->evidence.len != b->evidence.len || a->more != b->more)
        return false;
    for (size_t i = 0; i < a->evidence.len; i++)
        if (a->evidence.items[i].sign != b->evidence.items[i].sign ||
            strcmp(a->evidence.items[i].text, b->evidence.items[i].text) != 0)
            return false;
    return true;
}

static bool same_place(const struct depot_step *a, const struct depot_step *b)
{
    const struct depot_step_name *x = &a->parsed, *y = &b->parsed;

    return x->ordinal == y->ordinal && strcmp(x->stage, y->stage) == 0 &&
           strcmp(x->instruction, y->instruction) == 0;
}

static bool is_sibling(const struct depot_cause *a, const struct depot_cause *b)
{
    return a->reason == b->reason && a->certain == b->certain &&
           strcmp(a->step->platform, b->step->platform) != 0 && same_place(a->step, b->step) &&
           same_evidence(a, b);
}

/* Screens ask for the steps of one beside those of another, row by row. */
static void index_places(struct depot_cause *c)
{
    if (c->places_ != NULL)
        return;
    c->places_ = depot_calloc(1, sizeof(*c->places_));
    dp_why_index_init(c->places_, DP_WHY_BY_TEXT | DP_WHY_BY_ORDINAL, c->steps.len);
    for (size_t i = 0; i < c->steps.len; i++)
        dp_why_index_add(c->places_, c->steps.items[i]);
}

void dp_why_release_places(struct depot_cause *c)
{
    if (c->places_ != NULL)
        dp_why_index_release(c->places_);
    depot_free(c->places_);
    c->places_ = NULL;
}

void dp_why_pair_siblings(struct depot_why *w)
{
    for (size_t i = 1; i < w->causes.len && i < DEPOT_WHY_CAUSES_MAX; i++) {
        struct depot_cause *c = w->causes.items[i];

        for (size_t k = 0; k < i && c->sibling_of == NULL; k++) {
            struct depot_cause *first = w->causes.items[k];

            if (first->sibling_of != NULL || !is_sibling(first, c))
                continue;
            c->sibling_of = first;
            index_places(first);
            index_places(c);
        }
    }
}

const struct depot_step *depot_why_step_on(
    const struct depot_why *w, const struct depot_cause *c, const struct depot_step *s)
{
    if (depot_why_of(w, s) == c)
        return s;
    return c->places_ != NULL ? dp_why_index_find(c->places_, s) : NULL;
}

const char *depot_why_builder(const struct depot_why *w, const struct depot_cause *c)
{
    const struct depot_part *own = c->step->part;

    if (!own->several || *own->builder == '\0')
        return NULL;
    for (size_t i = 0; i < w->causes.len && i < DEPOT_WHY_CAUSES_MAX; i++) {
        const struct depot_step *s = w->causes.items[i]->step;

        if (s->part != own && strcmp(s->platform, c->step->platform) == 0 && same_place(s, c->step))
            return own->builder;
    }
    return NULL;
}
