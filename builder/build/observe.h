/*
 * Builds that other clients run on an engine, seen through its history, and put on the feed as if
 * they were ours. Only watches.
 */
#ifndef DEPOT_BUILDER_OBSERVE_H
#define DEPOT_BUILDER_OBSERVE_H

#include "builder/engine/engine.h"
#include "builder/store/store.h"

struct observer;

struct observer *observer_new(struct depot_loop *l, struct store *store, struct engine *e);
void observer_free(struct observer *o); /* builds still watched end as failed */
void observer_engine_up(struct observer *o);
/* Somebody wants to know what was built: builds that were over before this began are told, too. */
void observer_wanted(struct observer *o);
size_t observer_watching(const struct observer *o); /* builds that are not over */
bool observer_has(const struct observer *o, const char *build);

#endif
