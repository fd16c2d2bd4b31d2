/*
 * The network feed's own state, for client.c and reply.c.
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

struct feed_create {
    char *json; /* NULL once sent */
    bool sent;
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
    DEPOT_VEC(struct feed_create) creates; /* in the order of their answers */
};

/* The oldest create is answered. */
void feed_client_answer(
    struct feed_client *c, const struct depot_feed_created *made, const struct depot_error *err);
/* True when the message was a reply, which is then dealt with; else it is an event. */
bool feed_client_reply(struct feed_client *c, const char *data, size_t n);

#endif
