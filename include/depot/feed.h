/*
 * The client of a daemon's feed: one WebSocket, many subscriptions; reconnects, resumes each build
 * at the last `seq` it saw, and never gives an event twice.
 */
#ifndef DEPOT_FEED_H
#define DEPOT_FEED_H

#include <depot/addr.h>
#include <depot/query.h>
#include <depot/event.h>
#include <depot/export.h>
#include <depot/loop.h>

DEPOT_API_BEGIN

struct depot_feed;

enum depot_feed_state {
    DEPOT_FEED_CONNECTING, /* never connected yet, or reconnecting */
    DEPOT_FEED_LIVE,
    DEPOT_FEED_STALE, /* was live, is reconnecting */
    DEPOT_FEED_ENDED, /* replay reached its end, or gave up */
};

struct depot_feed_ops {
    void (*event)(struct depot_feed *f, const struct depot_event *ev, void *arg); /* borrowed */
    /* `err` says why it is not live; NULL when live or ended in order. */
    void (*state)(
        struct depot_feed *f, enum depot_feed_state s, const struct depot_error *err, void *arg);
    /* Answer to depot_feed_create(): the new build, or NULL and the error. */
    void (*created)(struct depot_feed *f, const struct depot_created *made,
        const struct depot_error *err, void *arg);
    /* Replay: a line of text among another tool's rawjson, borrowed. May be NULL: then such lines
     * are skipped. */
    void (*text)(struct depot_feed *f, const char *line, size_t n, void *arg);
    /* A subscription or cancel was refused. */
    void (*refused)(
        struct depot_feed *f, const char *build, const struct depot_error *err, void *arg);
    /* To depot_feed_query(), with what was asked: `a` is borrowed, NULL with `err` when the daemon
     * refused. May be NULL. */
    void (*answer)(struct depot_feed *f, const struct depot_query *q,
        const struct depot_response *a, const struct depot_error *err, void *arg);
};

struct depot_feed_opts {
    const struct depot_addr *addr;
    const struct depot_tls *tls; /* may be NULL */
    const char *token;           /* may be NULL */
    uint64_t give_up_ms;         /* end when not connected for so long; 0: never give up */
};
int depot_feed_open(struct depot_loop *l, const struct depot_feed_opts *opts,
    const struct depot_feed_ops *ops, void *arg, struct depot_feed **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
void depot_feed_free(struct depot_feed *f);

/* Remembered across reconnects. `after`: the last seq already known, 0 for all. */
void depot_feed_subscribe_build(struct depot_feed *f, const char *build, uint64_t after);
void depot_feed_subscribe_fleet(struct depot_feed *f, bool logs);
void depot_feed_unsubscribe_build(struct depot_feed *f, const char *build);
/* As POST /v1/builds, over the feed's own connection: one handshake less. `r` is copied. */
void depot_feed_create(struct depot_feed *f, const struct depot_build_request *r);
void depot_feed_cancel(struct depot_feed *f, const char *build);
/* False when it is not live: nothing was asked. An answer that a lost connection swallows does not
 * come: ask again once live. */
bool depot_feed_query(struct depot_feed *f, const struct depot_query *q);

/* A recording, or another tool's rawjson, from a descriptor (borrowed). `speed` 0: as fast as it
 * can be read; 1: as recorded. Bad lines are given to `state` as errors that name the line, and
 * skipped. */
int depot_feed_open_fd(struct depot_loop *l, int fd, double speed, const struct depot_feed_ops *ops,
    void *arg, struct depot_feed **out, struct depot_error *err) DEPOT_MUST_CHECK;

DEPOT_API_END

#endif
