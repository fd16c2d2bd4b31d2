/*
 * What a network feed and a replayed one have in common. Nobody outside core/feed includes this.
 */
#ifndef DEPOT_CORE_FEED_PRIVATE_H
#define DEPOT_CORE_FEED_PRIVATE_H

#include <depot/feed.h>

struct feed_kind; /* what the public functions do for a network feed, and for a replay */

struct depot_feed {
    const struct feed_kind *kind;
    struct depot_loop *loop;
    const struct depot_feed_ops *ops;
    void *arg;
    enum depot_feed_state state;
    bool dead;      /* freed by its owner: no callback comes any more */
    unsigned holds; /* deferred calls that still come */
};

/* All members may be NULL but `release`. */
struct feed_kind {
    void (*quiet)(struct depot_feed *f);   /* at once: stop timers, sockets */
    void (*release)(struct depot_feed *f); /* at the end of the turn: the memory */
    void (*subscribe_build)(struct depot_feed *f, const char *build, uint64_t after);
    void (*subscribe_fleet)(struct depot_feed *f, bool logs);
    void (*unsubscribe_build)(struct depot_feed *f, const char *build);
    void (*create)(struct depot_feed *f, const struct depot_build_request *r);
    void (*cancel)(struct depot_feed *f, const char *build);
    bool (*ask)(struct depot_feed *f, const struct depot_query *q);
};

/* The sole writer of f->state. Tells the owner when it changes, or when there is an error to tell.
 */
void feed_set_state(struct depot_feed *f, enum depot_feed_state to, const struct depot_error *err);
/* Call `fn` after this turn; it begins with `if (feed_released(f)) return;`. */
void feed_defer(struct depot_feed *f, void (*fn)(void *arg));
bool feed_released(struct depot_feed *f);

#endif
