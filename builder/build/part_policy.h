/*
 * A policy in Rego within a context that only the engine sees (git, the web). Nobody evaluates it
 * here, so a build that has one is not begun.
 */
#ifndef DEPOT_BUILDER_PART_POLICY_H
#define DEPOT_BUILDER_PART_POLICY_H

#include <depot/buildkit.h>

struct part;

/* Asks the engine, as `p->solve`, whether the context of the part's build has the file that the
 * request names; of `req` the attributes and the source policy are taken. `done` gets the part, and
 * an error unless it certainly has none. */
int part_policy_ask(struct part *p, const struct depot_bk_solve *req, depot_bk_solve_fn *done,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* Is `message` how the frontend says that there is no file `name` in a context that it has? */
bool part_policy_is_absent(const char *message, const char *name);
void part_policy_free(struct part *p);

#endif
