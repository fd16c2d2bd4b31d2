/*
 * Builds that are asked over the engine's gateway what they are, before anything runs: questions to
 * the frontend (`call` of a request), and platforms that nothing of the builder's runs.
 */
#ifndef DEPOT_BUILDER_PART_BRIDGE_H
#define DEPOT_BUILDER_PART_BRIDGE_H

#include <depot/buildkit.h>

struct part;
struct part_bridge;

/* Starts `p->solve`, over the gateway if the part needs it and as a plain solve otherwise. `done`
 * gets the part. */
int part_bridge_solve(struct part *p, const struct depot_bk_solve *req, depot_bk_solve_fn *done,
    struct depot_error *err) DEPOT_MUST_CHECK;
void part_bridge_free(struct part_bridge *b);

#endif
