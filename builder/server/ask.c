/*
 * Questions about builds of the past and about caches, and their answers, for requests and for the
 * feed alike. What is in the answers is the store's and the service's matter.
 */
#include "server_priv.h"

#include <sys/socket.h>

enum { LOOK_MS = 500 };

static void give(struct conn *c, const struct depot_query *q, const struct depot_response *a)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    if (c->route->kind == ROUTE_FEED) {
        server_feed_respond(c, q, a, NULL);
        return;
    }
    depot_record_encode(&out, depot_record_of_response(q->ask), &a->u);
    server_reply_json(c, 200, &out);
}

static int ask_estimates(struct conn *c, const struct depot_query *q, struct depot_error *err)
{
    struct depot_response a;
    int r = store_estimates(c->server->store, q->build, q->project, &a, err);

    if (r != 0)
        return r;
    give(c, q, &a);
    depot_response_release(&a);
    return 0;
}

static int ask_builds(struct conn *c, const struct depot_query *q, struct depot_error *err)
{
    struct store_query query = {.project = q->project, .limit = (size_t)q->limit};
    struct depot_response a = {.ask = DEPOT_QUERY_BUILDS};
    int r = store_query(
        c->server->store, &query, &a.arena, &a.u.builds.builds, &a.u.builds.nbuilds, err);

    c->server->api->builds_wanted(c->server->service);
    if (r == 0)
        give(c, q, &a);
    depot_response_release(&a);
    return r;
}

/* libwebsockets does not read between a request and its answer, so it does not see the end. */
static void on_look(struct depot_timer *t, void *arg)
{
    struct conn *c = arg;
    char byte;

    if (recv(lws_get_socket_fd(c->wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0)
        return;
    depot_timer_stop(t);
    server_ask_release(c);
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}

static void on_cache(struct cache_ask *ask, const struct depot_response *a, void *arg)
{
    struct conn *c = arg;

    for (size_t i = 0; i < c->asks.len; i++) {
        if (c->asks.items[i].ask == ask) {
            give(c, &c->asks.items[i].q, a);
            depot_vec_remove(&c->asks, i);
            break;
        }
    }
    c->server->api->cache_free(ask);
    depot_timer_free(c->look);
    c->look = NULL;
}

static int ask_cache(struct conn *c, const struct depot_query *q, struct depot_error *err)
{
    struct pending_ask pending = {.q = {.ask = q->ask, .id = q->id}};
    int r;

    if (c->asks.len >= ASKS_MAX)
        return depot_error_set(err, DEPOT_ERR_EXHAUSTED, "%d questions are open already", ASKS_MAX);
    r = c->server->api->cache(c->server->service, q, on_cache, c, &pending.ask, err);
    if (r != 0)
        return r;
    depot_vec_push(&c->asks, pending);
    if (c->route->kind != ROUTE_HTTP)
        return 0;
    lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0); /* engines may take their time */
    c->look = depot_timer_new(c->server->loop, on_look, c);
    depot_timer_start(c->look, LOOK_MS, LOOK_MS);
    return 0;
}

static int ask_provenance(struct conn *c, const struct depot_query *q, struct depot_error *err)
{
    if (depot_str_empty(q->builder) || depot_str_empty(q->ref))
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "provenance is of a `ref` on a `builder`: both are needed");
    return ask_cache(c, q, err);
}

int server_ask(struct conn *c, const struct depot_query *q, struct depot_error *err)
{
    switch (q->ask) {
    case DEPOT_QUERY_ESTIMATES:
        return ask_estimates(c, q, err);
    case DEPOT_QUERY_BUILDS:
        return ask_builds(c, q, err);
    case DEPOT_QUERY_CACHE:
    case DEPOT_QUERY_PRUNE:
        return ask_cache(c, q, err);
    case DEPOT_QUERY_PROVENANCE:
        return ask_provenance(c, q, err);
    default:
        return depot_error_set(err, DEPOT_ERR_UNSUPPORTED, "an unknown question");
    }
}

void server_ask_release(struct conn *c)
{
    for (size_t i = 0; i < c->asks.len; i++)
        c->server->api->cache_free(c->asks.items[i].ask);
    depot_vec_free(&c->asks);
    depot_timer_free(c->look);
    c->look = NULL;
}
