/*
 * The feed's connection, for modules that speak to the same daemon. Internal to libdepot.
 */
#ifndef DEPOT_CORE_FEED_FEED_H
#define DEPOT_CORE_FEED_FEED_H

#include <depot/feed.h>

struct dp_ws_context;

/* Shared, so that sessions cost no second context; NULL for a replay. Connections made in it must
 * be freed before the feed. */
struct dp_ws_context *dp_feed_ws(struct depot_feed *f);

#endif
