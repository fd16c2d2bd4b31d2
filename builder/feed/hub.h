/*
 * Who watches what: feed subscribers as cursors into build logs. A slow one lags and catches up
 * from the log; nobody waits for it, and nothing is queued for it beyond one batch.
 */
#ifndef DEPOT_BUILDER_HUB_H
#define DEPOT_BUILDER_HUB_H

#include "builder/store/store.h"

struct hub;
struct subscriber; /* one feed connection */

/* What the hub asks of whoever knows the builders. */
struct hub_source {
    /* The builders as they are now, until the next turn of the loop; `up[i]` tells which answer. */
    const struct depot_ev_builder *(*builders)(void *arg, size_t *n);
    /* The first subscriber of the fleet came, or the last one has gone. */
    void (*watched)(bool there, void *arg);
};

struct hub *hub_new(struct depot_loop *l, struct store *store);
void hub_free(struct hub *h);
/* NULL: there are no builders, from now on. */
void hub_set_source(struct hub *h, const struct hub_source *source, void *arg);
/* Publish builder.up, builder.down, builder.metrics to fleet subscribers. The newest of a builder
 * replaces an unsent older one of the same type. */
void hub_publish(struct hub *h, struct depot_event *ev);
size_t hub_subscribers(const struct hub *h);

/* `wake`: there is something to send; ask for it with hub_next() when the socket can take it. */
struct subscriber *hub_subscriber_new(
    struct hub *h, void (*wake)(struct subscriber *s, void *arg), void *arg);
void hub_subscriber_free(struct subscriber *s);
int hub_subscribe_build(struct subscriber *s, const char *build, uint64_t after,
    struct depot_error *err) DEPOT_MUST_CHECK;
void hub_subscribe_fleet(struct subscriber *s, bool logs);
void hub_unsubscribe_build(struct subscriber *s, const char *build);
void hub_unsubscribe_fleet(struct subscriber *s);
/* Is there a subscriber that asked for the build itself, not for the fleet alone? */
bool hub_is_followed(const struct hub *h, const char *build);
/* Builds still followed; one that is over leaves when its last line was given out. */
size_t hub_cursors(const struct subscriber *s);
/* The next line to send, referenced, with its bytes in *data and *n; NULL when all is sent. */
struct store_line *hub_next(struct subscriber *s, const char **data, size_t *n);

#endif
