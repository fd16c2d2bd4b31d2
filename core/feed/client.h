/*
 * The network feed's own state, for client.c and response.c.
 */
#ifndef DEPOT_CORE_FEED_CLIENT_H
#define DEPOT_CORE_FEED_CLIENT_H

#include "feed/feed.h"
#include "feed/private.h"
#include "ws/ws.h"

/* A build we have heard of, or want to. */
struct feed_build {
    char *id;
    uint64_t seq;  /* the last one given to the owner, or known to it before */
    bool moved;    /* subscribed anew: only seq + 1 is a continuation */
    bool wanted;   /* subscribed by itself, not only seen in the fleet */
    bool finished; /* nothing comes after it */
    bool cancel;   /* asked for, and not over yet: asked again after a reconnect */
};

/* What was asked and not yet answered. */
struct feed_call {
    struct depot_query q; /* its id is the call's */
    struct depot_arena arena;
    bool sent; /* on the connection that is open */
};

struct feed_client {
    struct depot_feed base;
    struct depot_addr addr;
    struct depot_tls tls;
    char *token;
    uint64_t give_up_ms;
    struct dp_ws_context *ws_ctx;
    struct dp_ws *ws; /* NULL while waiting to try again */
    bool open;
    struct depot_timer *retry, *deadline;
    uint64_t backoff_ms;
    struct depot_error last; /* why it is not live */
    struct depot_map *builds;
    bool fleet, fleet_logs;
    int version; /* of the feed, on the connection that is open */
    int64_t last_id;
    DEPOT_VEC(struct feed_call *) calls; /* oldest first */
};

/* Takes a call from those that wait: the caller frees it. */
struct feed_call *feed_call_take(struct feed_client *c, size_t i);
/* The owner hears how a call ended, with an answer or an error. Frees the call. */
void feed_call_end(struct feed_client *c, struct feed_call *call, const struct depot_response *a,
    const struct depot_error *err);
/* A response to one of the calls. */
struct dp_response;
void feed_client_response(
    struct feed_client *c, const struct dp_response *rsp, const char *text, size_t n);

#endif
