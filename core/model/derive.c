/*
 * What only the graph tells: outcomes that are inferred, and in files of their own platforms,
 * counts and lanes, the critical path.
 *
 * Most of the time the graph is what it was and a few steps started or ended. Then only these and
 * their inputs are looked at: as long as its part runs, a step's outcome depends on nothing but
 * what is known of itself and of those that are made from it. All else (steps, edges or names that
 * are new, a part that is over, a step of another build that turns up) is derived as a whole, in
 * passes that are linear in the graph.
 */
#include "model/state_priv.h"

#include <string.h>

void dp_derive_later(struct depot_build *b, struct depot_step *s)
{
    b->dirty = true;
    if (depot_build_state_over(s->part->state))
        b->priv->whole = true;
    if (s->derived_.changed)
        return;
    s->derived_.changed = true;
    depot_vec_push(&b->priv->changed, s);
}

/* ---- outcomes ---- */

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

static enum depot_outcome never_started(const struct depot_step *s)
{
    bool needed = s->dependants.len == 0;

    if (!depot_build_state_over(s->part->state))
        return DEPOT_OUTCOME_WAITING;
    if (s->part->state != DEPOT_BUILD_SUCCEEDED)
        return DEPOT_OUTCOME_UNREACHED;
    for (size_t i = 0; i < s->dependants.len && !needed; i++)
        needed = s->dependants.items[i]->derived_.judged == DEPOT_OUTCOME_RAN ||
                 s->dependants.items[i]->derived_.judged == DEPOT_OUTCOME_SHARED;
    return needed ? DEPOT_OUTCOME_SHARED : DEPOT_OUTCOME_SKIPPED;
}

/* Its builder or the daemon went away under it. What begins when its part is over is the daemon's
 * work on what the parts made, as joining them, and goes on as long as the build. */
static bool is_left_behind(const struct depot_build *b, const struct depot_step *s)
{
    if (depot_build_state_over(b->state))
        return true;
    return depot_build_state_over(s->part->state) && s->started <= s->part->finished;
}

/* A step's outcome within its own build, when those made from it have theirs. */
static enum depot_outcome judge(const struct depot_build *b, const struct depot_step *s)
{
    enum depot_outcome own = dp_step_outcome(s);

    if (own == DEPOT_OUTCOME_RUNNING && is_left_behind(b, s))
        return DEPOT_OUTCOME_CANCELLED;
    if (!s->derived_.ordered)
        return own;
    if (own == DEPOT_OUTCOME_WAITING)
        return never_started(s);
    return own == DEPOT_OUTCOME_HIT && is_inferred(s) ? DEPOT_OUTCOME_SKIPPED : own;
}

/*
 * Newer engines forward the progress of a step that another build runs, under the digest and name
 * it has there. Nothing here is made from it, and what it is made from was never announced.
 */
static bool is_foreign(const struct depot_build *b, const struct depot_step *s)
{
    if (!b->priv->edges || !s->raw.len || s->dependants.len || s->group != NULL || !s->ninputs ||
        s->parsed.kind != DEPOT_STEP_BUILD)
        return false;
    for (size_t i = 0; i < s->ninputs; i++)
        if (s->inputs[i]->known)
            return false;
    return true;
}

/* Our own step, which never ran or seems not to have been needed, says the same instruction as one
 * of another build: that one ran for both. */
static struct depot_step *find_shared(const struct depot_build *b, const struct depot_step *s)
{
    struct depot_step *other;

    if (b->priv->foreign_by_text == NULL || s->foreign ||
        (s->derived_.judged != DEPOT_OUTCOME_SHARED && s->derived_.judged != DEPOT_OUTCOME_SKIPPED))
        return NULL;
    other = depot_map_get(b->priv->foreign_by_text, s->parsed.instruction);
    return other != NULL && other->part == s->part ? other : NULL;
}

static void conclude(struct depot_build *b, struct depot_step *s)
{
    enum depot_outcome v;

    s->shared_with = find_shared(b, s);
    v = s->shared_with != NULL ? DEPOT_OUTCOME_SHARED : s->derived_.judged;
    if (s->outcome == v)
        return;
    s->outcome = v;
    s->revision = b->revision;
}

/* ---- all of them ---- */

static void find_foreign(struct depot_build *b)
{
    struct depot_build_private *pr = b->priv;

    depot_map_free(pr->foreign_by_text);
    pr->foreign_by_text = NULL;
    for (size_t i = 0; i < b->steps.len; i++) {
        struct depot_step *s = b->steps.items[i];

        s->foreign = is_foreign(b, s);
        if (!s->foreign)
            continue;
        if (pr->foreign_by_text == NULL)
            pr->foreign_by_text = depot_map_new();
        depot_map_set(pr->foreign_by_text, s->parsed.instruction, s);
    }
}

static void derive_all(struct depot_build *b)
{
    struct depot_build_private *pr = b->priv;

    b->structure++;
    dp_platforms_find(b);
    find_foreign(b);
    for (size_t i = 0; i < pr->all.len; i++)
        pr->all.items[i]->derived_.judged = dp_step_outcome(pr->all.items[i]);
    for (size_t i = 0; i < pr->order.len; i++)
        pr->order.items[i]->derived_.judged = judge(b, pr->order.items[i]);
    for (size_t i = 0; i < pr->all.len; i++)
        conclude(b, pr->all.items[i]);
    dp_tally_all(b);
}

/* ---- those that changed ---- */

static void derive_step(struct depot_build *b, struct depot_step *s)
{
    if (!s->known)
        return;
    s->derived_.judged = judge(b, s);
    conclude(b, s);
    dp_tally_step(b, s);
    depot_vec_push(&b->touched, s);
}

static void derive_changed(struct depot_build *b)
{
    for (size_t i = 0; i < b->priv->changed.len; i++) {
        struct depot_step *s = b->priv->changed.items[i];

        derive_step(b, s);
        for (size_t k = 0; k < s->ninputs; k++)
            derive_step(b, s->inputs[k]);
    }
}

/* Whether a step of another build turned up. */
static bool has_new_foreign(const struct depot_build *b)
{
    for (size_t i = 0; i < b->priv->changed.len; i++)
        if (b->priv->changed.items[i]->foreign != is_foreign(b, b->priv->changed.items[i]))
            return true;
    return false;
}

void depot_build_derive(struct depot_build *b)
{
    struct depot_build_private *pr = b->priv;

    if (!b->dirty)
        return;
    b->derived++;
    b->touched.len = 0;
    if (pr->whole || has_new_foreign(b))
        derive_all(b);
    else
        derive_changed(b);
    dp_critical_find(b);
    for (size_t i = 0; i < pr->changed.len; i++)
        pr->changed.items[i]->derived_.changed = false;
    pr->changed.len = 0;
    pr->whole = b->dirty = false;
}

void dp_derive_whole(struct depot_build *b)
{
    b->priv->whole = b->dirty = true;
    depot_build_derive(b);
}
