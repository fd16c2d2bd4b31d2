/*
 * One question to the caches of some engines at once: what is in them, or to make room. Sums what
 * they tell; decides nothing.
 */
#ifndef DEPOT_BUILDER_CACHE_H
#define DEPOT_BUILDER_CACHE_H

#include <depot/query.h>

#include "engine.h"

enum {
    CACHE_LIST_EACH = 100,    /* the biggest records of an answer; as many of the oldest */
    CACHE_KEPT_MAX = 65536,   /* records of one engine that are looked at for the list */
    CACHE_TYPES_MAX = 64,     /* further types are summed as "other" */
    CACHE_DESCRIPTION = 1024, /* bytes of a record's description */
};

struct cache_ask;
/* Once, never from inside cache_ask_new(). `a` is borrowed, and is gone when the ask is. The ask
 * stays its owner's to free, also in here. */
typedef void cache_ask_fn(struct cache_ask *q, const struct depot_response *a, void *arg);
/* `engines` must outlive the ask. */
struct cache_ask *cache_ask_new(struct depot_loop *l, struct engine *const *engines, size_t n,
    const struct depot_query *question, cache_ask_fn *fn, void *arg);
void cache_ask_free(struct cache_ask *q); /* cancels; a prune stops where it is */

#endif
