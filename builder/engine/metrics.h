/*
 * Measures the builders while somebody looks: machine, disk and cache of engines on this machine,
 * the cache alone of others. Nothing runs while nobody does.
 */
#ifndef DEPOT_BUILDER_METRICS_H
#define DEPOT_BUILDER_METRICS_H

#include "engine.h"

enum {
    METRICS_FIRST_MS = 100, /* after the first look, for the share of the processors until then */
    METRICS_MS = 2000,
    METRICS_CACHE_MS = 30 * 1000, /* between two sums of a cache, which engines do not keep ready */
};

struct metrics;

/* `measured` for each engine that is up, every METRICS_MS: engine_set_measure() was done. */
struct metrics *metrics_new(
    struct depot_loop *l, void (*measured)(struct engine *e, void *arg), void *arg);
void metrics_free(struct metrics *m); /* before the engines */
void metrics_add(struct metrics *m, struct engine *e);
void metrics_watch(struct metrics *m, bool on);
/* Sum the caches anew soon: something was pruned. */
void metrics_cache_changed(struct metrics *m);

#endif
