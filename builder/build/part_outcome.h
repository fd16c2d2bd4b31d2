/*
 * How a part ended, kept while the last of its status comes in. Values only.
 */
#ifndef DEPOT_BUILDER_PART_OUTCOME_H
#define DEPOT_BUILDER_PART_OUTCOME_H

#include <depot/event.h>

struct part_outcome {
    enum depot_build_state state;
    struct depot_arena arena; /* holds all below */
    struct depot_pair *response;
    size_t nresponse;
    const char *digest;
    struct depot_build_error *error; /* NULL: none */
};

/* Copies of what the engine said; the former content goes. */
void part_outcome_set(struct part_outcome *o, enum depot_build_state state,
    const struct depot_pair *response, size_t n, const struct depot_build_error *error);
/* A failure without a place; `code` is a google.rpc.Code. */
void part_outcome_fail(struct part_outcome *o, enum depot_build_state state, int code,
    const char *fmt, ...) DEPOT_PRINTF(4, 5);
void part_outcome_release(struct part_outcome *o);

#endif
