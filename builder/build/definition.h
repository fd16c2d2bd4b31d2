/*
 * What the feed tells of how a build was asked for: enough to see why a step missed the cache, and
 * no value of a build argument.
 */
#ifndef DEPOT_BUILDER_DEFINITION_H
#define DEPOT_BUILDER_DEFINITION_H

#include <depot/event.h>

struct store;

enum { DEFINITION_ARGS_MAX = 256 };

/* All zero at first. */
struct definition {
    struct depot_arena arena;
    struct depot_ev_definition ev; /* strings in the arena, or of the caller's */
};

/* One frontend attribute, as Solve has it; those that say nothing here are skipped. */
void definition_attr(
    struct definition *d, const struct store *s, const char *key, const char *value);
void definition_release(struct definition *d);

#endif
