/*
 * The feed's WebSocket: questions in, responses and events out. Events are pulled from the hub when
 * the socket can take them, many in one send.
 */
#include "server_priv.h"

#include <string.h>

static void on_lines(struct subscriber *sub, void *arg)
{
    DEPOT_UNUSED(sub);
    server_wake(arg);
}

void server_feed_respond(struct conn *c, const struct depot_query *q,
    const struct depot_response *a, const struct depot_error *err)
{
    struct depot_buf message = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    depot_response_encode(&message, c->version, q, a, err);
    if (message.len > 0) {
        depot_vec_push(&c->replies,
            store_line_new(DEPOT_EVENT_UNKNOWN, 0, depot_buf_str(&message), message.len));
        c->replies_bytes += message.len;
        server_wake(c);
    }
    depot_buf_release(&message);
}

/* Responses go before events: who created a build hears of it first. */
static int create(struct conn *c, const struct depot_query *q, struct depot_error *err)
{
    struct depot_response a = {.ask = q->ask};
    struct service_created made;
    int r = c->server->api->create(c->server->service, q->request, server_user(c), &made, err);

    if (r != 0)
        return r;
    depot_strv_push(&c->created, made.id);
    r = hub_subscribe_build(c->sub, made.id, 0, err);
    if (r == 0) {
        server_tell_created(&a.u.created, &made);
        server_feed_respond(c, q, &a, NULL);
    }
    return r;
}

static int subscribe(struct conn *c, const struct depot_query *q, struct depot_error *err)
{
    bool on = q->ask == DEPOT_QUERY_SUBSCRIBE;

    if (q->scope != NULL && on)
        hub_subscribe_fleet(c->sub, !q->quiet);
    else if (q->scope != NULL)
        hub_unsubscribe_fleet(c->sub);
    else if (on)
        return hub_subscribe_build(c->sub, q->build, q->after, err);
    else
        hub_unsubscribe_build(c->sub, q->build);
    return 0;
}

/* What is done at once, and has no other answer. */
static int acknowledge(struct conn *c, const struct depot_query *q, struct depot_error *err)
{
    const struct depot_response a = {.ask = q->ask};
    int r = q->ask == DEPOT_QUERY_CANCEL ? c->server->api->cancel(c->server->service, q->build, err)
                                         : subscribe(c, q, err);

    if (r == 0)
        server_feed_respond(c, q, &a, NULL);
    return r;
}

static int act(struct conn *c, const struct depot_query *q, struct depot_error *err)
{
    if (q->ask == DEPOT_QUERY_CREATE)
        return create(c, q, err);
    return q->ask > DEPOT_QUERY_CREATE ? acknowledge(c, q, err) : server_ask(c, q, err);
}

static void take_message(struct conn *c)
{
    struct depot_query q = {0};
    struct depot_arena arena = {0};
    struct depot_error err;

    depot_error_clear(&err);
    if (server_op_parse(depot_buf_str(&c->in), c->in.len, &q, &arena, &err) != 0 ||
        act(c, &q, &err) != 0)
        server_feed_respond(c, &q, NULL, &err);
    depot_arena_release(&arena);
}

static int receive(struct conn *c, const void *in, size_t n)
{
    int whole = server_collect(c, in, n, SERVER_OP_MAX);

    if (whole < 0) {
        server_close_reason(c, 1009, "the message is over 1 MiB");
        return -1;
    }
    if (whole == 0)
        return 0;
    if (lws_frame_is_binary(c->wsi)) {
        server_close_reason(c, 1003, "the feed is text");
        return -1;
    }
    take_message(c);
    depot_buf_release(&c->in);
    if (c->replies_bytes > REPLIES_MAX) {
        server_close_reason(c, 1008, "answers are not being read");
        return -1;
    }
    return 0;
}

/* ---- sending ---- */

/* Replies go first: `created` stands before the events of its build. */
static struct store_line *next_line(struct conn *c, const char **data, size_t *n)
{
    struct store_line *line;

    if (c->replies.len == 0)
        return hub_next(c->sub, data, n);
    line = c->replies.items[0];
    depot_vec_remove(&c->replies, 0);
    c->replies_bytes -= line->len;
    *data = line->data;
    *n = line->len;
    return line;
}

/* Compressed messages go through lws one by one. */
static int write_deflated(struct conn *c)
{
    struct store_line *line;
    const char *data;
    size_t n;

    line = next_line(c, &data, &n);
    if (line == NULL)
        return 0;
    server_tx_begin(c->server);
    depot_buf_add(&c->server->tx, data, n);
    store_line_unref(line);
    server_wait(c);
    return server_tx_send(c, LWS_WRITE_TEXT);
}

/* Frames are put together here, so that a burst of small events is one system call. */
static int write_lines(struct conn *c)
{
    struct depot_buf *tx = &c->server->tx;
    struct store_line *line = NULL;
    const char *data;
    size_t n;

    server_tx_begin(c->server);
    while (tx->len < TX_BATCH && (line = next_line(c, &data, &n)) != NULL) {
        server_tx_frame(c->server, DEPOT_WS_TEXT, data, n);
        store_line_unref(line);
    }
    if (line != NULL)
        server_wait(c);
    return server_tx_send(c, LWS_WRITE_RAW);
}

int server_feed(struct conn *c, enum lws_callback_reasons reason, void *in, size_t n)
{
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        c->sub = hub_subscriber_new(c->server->hub, on_lines, c);
        c->write = c->deflate ? NULL : write_lines;
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return receive(c, in, n);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return c->deflate ? write_deflated(c) : write_lines(c);
    default: /* closed */
        server_conn_release(c);
        return 0;
    }
}
