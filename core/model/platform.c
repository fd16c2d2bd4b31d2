/*
 * The order of a build's steps, and the platform each belongs to. Linear in steps and edges;
 * circles (which no engine makes) end in it all the same.
 */
#include "model/state_priv.h"

#include <string.h>

/* A step's mark while platforms are found: several platforms share it. */
#define SHARED_MARK UINT32_MAX

/* Dependants before their inputs. What hangs in a circle is left out, with the part's platform. */
static void order_steps(struct depot_build *b)
{
    struct depot_build_private *pr = b->priv;

    pr->order.len = 0;
    pr->edges = false;
    for (size_t i = 0; i < pr->all.len; i++) {
        struct depot_step *s = pr->all.items[i];

        s->platform = s->part->several ? "" : s->part->platform;
        s->derived_.ordered = !s->dependants.len;
        s->derived_.mark = (unsigned)s->dependants.len;
        if (s->derived_.ordered)
            depot_vec_push(&pr->order, s);
        else
            pr->edges = pr->edges || s->known;
    }
    for (size_t i = 0; i < pr->order.len; i++) {
        struct depot_step *s = pr->order.items[i];

        for (size_t k = 0; k < s->ninputs; k++) {
            struct depot_step *in = s->inputs[k];

            if (--in->derived_.mark > 0)
                continue;
            in->derived_.ordered = true;
            depot_vec_push(&pr->order, in);
        }
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

        if (*p && found != NULL && strcmp(p, found) != 0)
            *mixed = true;
        else if (*p)
            found = p;
    }
    return found;
}

/* Down from the results. `keep`: a result has its platform already. */
static void attribute_down(const struct depot_build_private *pr, bool keep)
{
    for (size_t i = 0; i < pr->order.len; i++) {
        struct depot_step *s = pr->order.items[i];
        const char *found;
        bool mixed = false;

        if (!s->part->several || (keep && !s->dependants.len))
            continue;
        for (size_t k = 0; k < s->dependants.len; k++)
            mixed = mixed || s->dependants.items[k]->derived_.mark == SHARED_MARK;
        found = agreed(s->dependants.items, s->dependants.len, &mixed);
        /* The mark is free here: every step in the order has counted down to 0. */
        s->derived_.mark = mixed ? SHARED_MARK : 0;
        s->platform = mixed ? "" : found != NULL ? found : named_platform(s);
    }
}

/* Up to results whose name tells nothing, as of RUN in a stage from scratch. */
static void attribute_up(const struct depot_build_private *pr)
{
    for (size_t i = pr->order.len; i > 0; i--) {
        struct depot_step *s = pr->order.items[i - 1];
        bool mixed = false;
        const char *found;

        if (!s->part->several || *s->platform || s->derived_.mark == SHARED_MARK)
            continue;
        found = agreed(s->inputs, s->ninputs, &mixed);
        if (found != NULL && !mixed)
            s->platform = found;
    }
}

/*
 * A step belongs to the platforms that are built from it. Names of results are right where they
 * have a platform, names of steps below them may not be: so a result's platform goes down to all it
 * was made of.
 */
void dp_platforms_find(struct depot_build *b)
{
    order_steps(b);
    attribute_down(b->priv, false);
    attribute_up(b->priv);
    attribute_down(b->priv, true);
}
