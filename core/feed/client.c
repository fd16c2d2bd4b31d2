/*
 * The network feed: one WebSocket that is opened again when it breaks, the positions to resume at,
 * and what was asked for and not yet answered. Which question a response is to is told in
 * response.c.
 */
#include "feed/client.h"

#include "wire/message.h"

#include <string.h>

enum {
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MAX_MS = 5000,
    BUILDS_MAX = 8192, /* positions kept; beyond it those of finished builds are forgotten */
};

/* ---- sending ---- */

static void send_question(struct feed_client *c, const struct depot_query *q)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_record_encode(&b, &depot_record_query, q);
    dp_ws_send(c->ws, b.data, b.len);
    depot_buf_release(&b);
}

static void send_call(struct feed_client *c, struct feed_call *call)
{
    struct depot_query q = call->q;
    if (c->version == DEPOT_FEED_V1) /* which knows no ids */
        q.id = 0;
    send_question(c, &q);
    call->sent = true;
}

static struct feed_call *new_call(struct feed_client *c, const struct depot_query *q)
{
    struct feed_call *call = depot_calloc(1, sizeof(*call));
    depot_record_copy(&depot_record_query, &call->q, q, &call->arena);
    call->q.id = ++c->last_id;
    depot_vec_push(&c->calls, call);
    return call;
}

/* What the first version answers only when it refuses is told by the build that it names. */
static void tell(struct feed_client *c, const struct depot_query *q)
{
    if (c->version == DEPOT_FEED_V1)
        send_question(c, q);
    else
        send_call(c, new_call(c, q));
}

static void send_subscribe(struct feed_client *c, const struct feed_build *b)
{
    tell(c, &(struct depot_query){.ask = DEPOT_QUERY_SUBSCRIBE, .build = b->id, .after = b->seq});
}

static void send_fleet(struct feed_client *c)
{
    tell(c, &(struct depot_query){
                .ask = DEPOT_QUERY_SUBSCRIBE, .scope = "fleet", .quiet = !c->fleet_logs});
}

static void send_cancel(struct feed_client *c, const char *build)
{
    tell(c, &(struct depot_query){.ask = DEPOT_QUERY_CANCEL, .build = build});
}

/* ---- positions ---- */

static void prune(struct feed_client *c)
{
    size_t pos = 0;
    void *value = NULL;
    const char *key = NULL;
    while (depot_map_next(c->builds, &pos, &key, &value)) {
        struct feed_build *b = value;
        if (!b->finished || b->cancel)
            continue;
        depot_map_remove(c->builds, key);
        depot_free(b->id);
        depot_free(b);
    }
}

static struct feed_build *build_of(struct feed_client *c, const char *id)
{
    struct feed_build *b = depot_map_get(c->builds, id);
    if (b != NULL)
        return b;
    if (depot_map_len(c->builds) >= BUILDS_MAX)
        prune(c);
    b = depot_calloc(1, sizeof(*b));
    b->id = depot_strdup(id);
    depot_map_set(c->builds, id, b);
    return b;
}

/* False for an event that was already given. */
static bool is_new(struct feed_client *c, const struct depot_event *ev)
{
    if (ev->build == NULL || ev->seq == 0)
        return true;
    struct feed_build *b = build_of(c, ev->build);
    if (ev->seq <= b->seq || (b->moved && ev->seq != b->seq + 1))
        return false;
    b->moved = false;
    b->seq = ev->seq;
    if (ev->type == DEPOT_EVENT_BUILD_FINISHED) {
        b->finished = true;
        b->cancel = false;
    }
    return true;
}

/* ---- calls ---- */

struct feed_call *feed_call_take(struct feed_client *c, size_t i)
{
    struct feed_call *call = c->calls.items[i];
    depot_vec_remove(&c->calls, i);
    return call;
}

static void feed_call_free(struct feed_call *call)
{
    if (call == NULL)
        return;
    depot_arena_release(&call->arena);
    depot_free(call);
}

/* A subscription or a cancel that was refused is not asked for again after a reconnect. */
static void refuse(struct feed_client *c, const char *build, const struct depot_error *err)
{
    struct feed_build *b = build != NULL ? depot_map_get(c->builds, build) : NULL;
    if (b != NULL)
        b->wanted = b->cancel = false;
    if (c->base.ops->refused != NULL)
        c->base.ops->refused(&c->base, build, err, c->base.arg);
}

void feed_call_end(struct feed_client *c, struct feed_call *call, const struct depot_response *a,
    const struct depot_error *err)
{
    const struct depot_feed_ops *to = c->base.ops;
    const struct depot_query *q = &call->q;
    if (a != NULL && q->ask == DEPOT_QUERY_CREATE)
        build_of(c, a->u.created.build)->wanted = true;
    if (c->base.dead) {
        feed_call_free(call);
        return;
    }
    if (q->ask == DEPOT_QUERY_CREATE && to->created != NULL)
        to->created(&c->base, a != NULL ? &a->u.created : NULL, err, c->base.arg);
    else if (q->ask < DEPOT_QUERY_CREATE && to->answer != NULL)
        to->answer(&c->base, q, a, err, c->base.arg);
    else if (q->ask > DEPOT_QUERY_CREATE && a == NULL)
        refuse(c, q->build, err);
    feed_call_free(call);
}

/* A connection is gone, and with it what it would have answered. A build may have been made: asking
 * again could make it twice. */
static void forget_calls(struct feed_client *c)
{
    struct depot_error err;
    depot_error_clear(&err);
    depot_error_set(&err, DEPOT_ERR_UNAVAILABLE,
        "the connection to %s broke before the build was confirmed; it may be running",
        c->addr.text);
    depot_error_hint(&err, "look at `depot list builds` before trying again");
    for (size_t i = 0; i < c->calls.len;) {
        if (!c->calls.items[i]->sent)
            i++;
        else if (c->calls.items[i]->q.ask == DEPOT_QUERY_CREATE)
            feed_call_end(c, feed_call_take(c, i), NULL, &err);
        else
            feed_call_free(feed_call_take(c, i));
    }
}

static void fail_calls(struct feed_client *c, const struct depot_error *err)
{
    forget_calls(c);
    while (c->calls.len > 0)
        feed_call_end(c, feed_call_take(c, 0), NULL, err);
}

/* ---- the connection ---- */

static void client_end(struct feed_client *c, const struct depot_error *err)
{
    const struct depot_error why = *err;
    depot_timer_stop(c->retry);
    depot_timer_stop(c->deadline);
    dp_ws_free(c->ws);
    c->ws = NULL;
    fail_calls(c, &why);
    feed_set_state(&c->base, DEPOT_FEED_ENDED, &why);
}

static void on_open(struct dp_ws *ws, void *arg)
{
    struct feed_client *c = arg;
    c->open = true;
    c->version =
        depot_str_eq(dp_ws_protocol(ws), DEPOT_FEED_PROTOCOL_V1) ? DEPOT_FEED_V1 : DEPOT_FEED_V2;
    depot_timer_stop(c->deadline);
    if (c->fleet)
        send_fleet(c);
    size_t pos = 0;
    void *value = NULL;
    while (depot_map_next(c->builds, &pos, NULL, &value)) {
        const struct feed_build *b = value;
        if (b->wanted && !b->finished)
            send_subscribe(c, b);
        if (b->cancel)
            send_cancel(c, b->id);
    }
    for (size_t i = 0; i < c->calls.len; i++)
        if (!c->calls.items[i]->sent)
            send_call(c, c->calls.items[i]);
    feed_set_state(&c->base, DEPOT_FEED_LIVE, NULL);
}

static void on_message(struct dp_ws *ws, const void *data, size_t n, void *arg)
{
    DEPOT_UNUSED(ws);
    struct feed_client *c = arg;
    struct depot_error err;
    struct depot_event ev;
    struct dp_response rsp;
    c->backoff_ms =
        BACKOFF_FIRST_MS; /* it works: only now, so that a broken peer is not hammered */
    depot_error_clear(&err);
    if (dp_wire_decode_message(data, n, &ev, &rsp, &err) < 0) {
        depot_error_prefix(&err, "%s sent a bad message", c->addr.text);
        feed_set_state(&c->base, DEPOT_FEED_LIVE, &err);
        return;
    }
    if (rsp.is_one)
        feed_client_response(c, &rsp, data, n);
    else if (is_new(c, &ev) && ev.type != DEPOT_EVENT_UNKNOWN)
        c->base.ops->event(&c->base, &ev, c->base.arg);
    depot_event_release(&ev);
}

/* Half of it fixed, half of it random: clients of a daemon that restarts come back one by one. */
static uint64_t next_delay(struct feed_client *c)
{
    uint32_t r = 0;
    depot_random_bytes(&r, sizeof(r));
    const uint64_t half = c->backoff_ms / 2;
    const uint64_t delay = half + r % (half + 1);
    c->backoff_ms = c->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : c->backoff_ms * 2;
    return delay;
}

/* Trying again gives the same answer. What has been a daemon before may only be hidden, by a proxy
 * say, for a while. */
static bool is_final(const struct feed_client *c, const struct depot_error *err)
{
    switch (err->code) {
    case DEPOT_ERR_UNAUTHENTICATED:
    case DEPOT_ERR_DENIED:
    case DEPOT_ERR_INVALID:
        return true;
    case DEPOT_ERR_PROTOCOL:
        return c->base.state == DEPOT_FEED_CONNECTING;
    default:
        return false;
    }
}

static void client_lost(struct feed_client *c, const struct depot_error *err)
{
    const bool was_open = c->open;
    c->open = false;
    dp_ws_free(c->ws);
    c->ws = NULL;
    c->last = *err;
    if (is_final(c, err)) {
        client_end(c, err);
        return;
    }
    if (was_open && c->give_up_ms > 0)
        depot_timer_start(c->deadline, c->give_up_ms, 0);
    depot_timer_start(c->retry, next_delay(c), 0);
    forget_calls(c);
    const bool lived = c->base.state == DEPOT_FEED_LIVE || c->base.state == DEPOT_FEED_STALE;
    feed_set_state(&c->base, lived ? DEPOT_FEED_STALE : DEPOT_FEED_CONNECTING, err);
}

static void on_closed(struct dp_ws *ws, int status, const struct depot_error *err, void *arg)
{
    DEPOT_UNUSED(ws);
    DEPOT_UNUSED(status);
    struct feed_client *c = arg;
    struct depot_error why;
    depot_error_clear(&why);
    if (err == NULL)
        depot_error_set(&why, DEPOT_ERR_UNAVAILABLE, "%s closed the connection", c->addr.text);
    else
        why = *err;
    client_lost(c, &why);
}

static const struct dp_ws_ops ws_ops = {
    .open = on_open, .message = on_message, .closed = on_closed};

static int client_dial(struct feed_client *c, struct depot_error *err)
{
    const struct dp_ws_opts opts = {
        .addr = &c->addr,
        .tls = &c->tls,
        .path = "/v1/feed",
        .protocol = DEPOT_FEED_PROTOCOL ", " DEPOT_FEED_PROTOCOL_V1,
        .token = c->token,
        .paced = true,
        .max_message = DEPOT_WIRE_LINE_MAX,
    };
    return dp_ws_open(c->ws_ctx, &opts, &ws_ops, c, &c->ws, err);
}

static void on_retry(struct depot_timer *t, void *arg)
{
    DEPOT_UNUSED(t);
    struct feed_client *c = arg;
    struct depot_error err;
    depot_error_clear(&err);
    if (client_dial(c, &err) < 0)
        client_end(c, &err);
}

static void on_deadline(struct depot_timer *t, void *arg)
{
    DEPOT_UNUSED(t);
    struct feed_client *c = arg;
    struct depot_error err = c->last;
    if (err.code == DEPOT_OK) {
        depot_error_set(&err, DEPOT_ERR_TIMEOUT, "%s does not answer", c->addr.text);
        depot_error_hint(&err, "is the daemon running there, and reachable from here?");
    }
    client_end(c, &err);
}

/* ---- what the owner asks for ---- */

static struct feed_client *client_of(struct depot_feed *f)
{
    return DEPOT_CONTAINER_OF(f, struct feed_client, base);
}

static void client_subscribe_build(struct depot_feed *f, const char *build, uint64_t after)
{
    struct feed_client *c = client_of(f);
    struct feed_build *b = build_of(c, build);
    /* What is on its way from the old position would pass for progress from the new one. */
    b->moved = c->open && (b->wanted || c->fleet) && b->seq > after;
    b->wanted = true;
    b->finished = false;
    b->seq = after;
    if (c->open)
        send_subscribe(c, b);
}

static void client_unsubscribe_build(struct depot_feed *f, const char *build)
{
    struct feed_client *c = client_of(f);
    struct feed_build *b = depot_map_get(c->builds, build);
    if (b == NULL || !b->wanted)
        return;
    b->wanted = false;
    if (c->open)
        tell(c, &(struct depot_query){.ask = DEPOT_QUERY_UNSUBSCRIBE, .build = build});
}

static void client_subscribe_fleet(struct depot_feed *f, bool logs)
{
    struct feed_client *c = client_of(f);
    c->fleet = true;
    c->fleet_logs = logs;
    if (c->open)
        send_fleet(c);
}

static void client_create(struct depot_feed *f, const struct depot_build_request *r)
{
    struct feed_client *c = client_of(f);
    const struct depot_query q = {.ask = DEPOT_QUERY_CREATE, .request = r};
    struct feed_call *call = new_call(c, &q);
    if (c->open)
        send_call(c, call);
}

static void client_cancel(struct depot_feed *f, const char *build)
{
    struct feed_client *c = client_of(f);
    struct feed_build *b = build_of(c, build);
    b->cancel = !b->finished;
    if (c->open)
        send_cancel(c, build);
}

static bool client_ask(struct depot_feed *f, const struct depot_query *q)
{
    struct feed_client *c = client_of(f);
    if (c->open)
        send_call(c, new_call(c, q));
    return c->open;
}

/* ---- lifetime ---- */

static void client_quiet(struct depot_feed *f)
{
    struct feed_client *c = client_of(f);
    c->open = false;
    dp_ws_free(c->ws);
    c->ws = NULL;
    depot_timer_stop(c->retry);
    depot_timer_stop(c->deadline);
}

static void client_release(struct depot_feed *f)
{
    struct feed_client *c = client_of(f);
    size_t pos = 0;
    void *value = NULL;
    while (depot_map_next(c->builds, &pos, NULL, &value)) {
        struct feed_build *b = value;
        depot_free(b->id);
        depot_free(b);
    }
    depot_map_free(c->builds);
    for (size_t i = 0; i < c->calls.len; i++)
        feed_call_free(c->calls.items[i]);
    depot_vec_free(&c->calls);
    depot_timer_free(c->retry);
    depot_timer_free(c->deadline);
    dp_ws_context_free(c->ws_ctx);
    depot_addr_release(&c->addr);
    depot_tls_release(&c->tls);
    depot_free(c->token);
    depot_free(c);
}

static const struct feed_kind client_kind = {
    .quiet = client_quiet,
    .release = client_release,
    .subscribe_build = client_subscribe_build,
    .subscribe_fleet = client_subscribe_fleet,
    .unsubscribe_build = client_unsubscribe_build,
    .create = client_create,
    .cancel = client_cancel,
    .ask = client_ask,
};

struct dp_ws_context *dp_feed_ws(struct depot_feed *f)
{
    return f->kind == &client_kind ? client_of(f)->ws_ctx : NULL;
}

int depot_feed_open(struct depot_loop *l, const struct depot_feed_opts *opts,
    const struct depot_feed_ops *ops, void *arg, struct depot_feed **out, struct depot_error *err)
{
    if (opts->addr == NULL)
        return depot_error_set(err, DEPOT_ERR_INVALID, "a feed needs an address");
    struct feed_client *c = depot_calloc(1, sizeof(*c));
    c->base = (struct depot_feed){
        .kind = &client_kind,
        .loop = l,
        .ops = ops,
        .arg = arg,
        .state = DEPOT_FEED_CONNECTING,
    };
    depot_addr_copy(&c->addr, opts->addr);
    if (opts->tls != NULL)
        depot_tls_copy(&c->tls, opts->tls);
    c->token = depot_strdup(opts->token);
    c->give_up_ms = opts->give_up_ms;
    c->backoff_ms = BACKOFF_FIRST_MS;
    c->builds = depot_map_new();
    c->ws_ctx = dp_ws_context_new(l);
    c->retry = depot_timer_new(l, on_retry, c);
    c->deadline = depot_timer_new(l, on_deadline, c);
    if (c->give_up_ms > 0)
        depot_timer_start(c->deadline, c->give_up_ms, 0);
    *out = &c->base;
    const int rc = client_dial(c, err);
    if (rc < 0) {
        *out = NULL;
        depot_feed_free(&c->base);
    }
    return rc;
}
