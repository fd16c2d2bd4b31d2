/*
 * The feed's WebSocket: ops in, replies and events out. Events are pulled from the hub when the
 * socket can take them, many in one send.
 */
#include "server_priv.h"

#include <depot/feed.h>

#include <string.h>

static void on_lines(struct subscriber *sub, void *arg)
{
    DEPOT_UNUSED(sub);
    server_wake(arg);
}

void server_feed_reply(struct conn *c, struct depot_buf *message)
{
    depot_vec_push(
        &c->replies, store_line_new(DEPOT_EVENT_UNKNOWN, 0, depot_buf_str(message), message->len));
    c->replies_bytes += message->len;
    depot_buf_release(message);
    server_wake(c);
}

static void reply_error(struct conn *c, const struct server_op *op, const struct depot_error *err)
{
    struct depot_buf message = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    depot_buf_adds(&message, "{\"op\":\"error\",");
    if (op->build[0])
        depot_buf_addf(&message, "\"build\":\"%s\",", op->build);
    if (op->kind == SERVER_OP_ASK)
        depot_buf_addf(&message, "\"of\":\"%s\",", depot_ask_name(op->question.ask));
    server_json_error(&message, err);
    depot_buf_addc(&message, '}');
    server_feed_reply(c, &message);
}

#define ABILITY(id, name) ",\"" name "\""
static const char abilities[] = DEPOT_ABILITIES(ABILITY);
#undef ABILITY

static int create(struct conn *c, const struct server_op *op, struct depot_error *err)
{
    struct depot_buf message = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct service_created made;
    int r = c->server->api->create(
        c->server->service, op->request, strlen(op->request), server_user(c), &made, err);

    if (r != 0)
        return r;
    depot_strv_push(&c->created, made.id);
    depot_buf_addf(&message,
        "{\"op\":\"created\",\"build\":\"%s\",\"session\":\"%s\"%s,\"version\":\"%s\",\"can\":[%s]"
        "}",
        made.id, made.secret, made.join ? ",\"join\":true" : "", DEPOT_VERSION, abilities + 1);
    server_feed_reply(c, &message);
    return hub_subscribe_build(c->sub, made.id, 0, err);
}

static int act(struct conn *c, const struct server_op *op, struct depot_error *err)
{
    switch (op->kind) {
    case SERVER_OP_SUBSCRIBE_BUILD:
        return hub_subscribe_build(c->sub, op->build, op->after, err);
    case SERVER_OP_SUBSCRIBE_FLEET:
        hub_subscribe_fleet(c->sub, op->logs);
        return 0;
    case SERVER_OP_UNSUBSCRIBE_BUILD:
        hub_unsubscribe_build(c->sub, op->build);
        return 0;
    case SERVER_OP_UNSUBSCRIBE_FLEET:
        hub_unsubscribe_fleet(c->sub);
        return 0;
    case SERVER_OP_CREATE:
        return create(c, op, err);
    case SERVER_OP_CANCEL:
        return c->server->api->cancel(c->server->service, op->build, err);
    case SERVER_OP_ASK:
        return server_ask(c, &op->question, err);
    }
    return 0;
}

static int receive(struct conn *c, const void *in, size_t n)
{
    struct server_op op;
    struct depot_error err;
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
    depot_error_clear(&err);
    if (server_op_parse(depot_buf_str(&c->in), c->in.len, &op, &err) == 0) {
        if (act(c, &op, &err) != 0)
            reply_error(c, &op, &err);
        server_op_release(&op);
    } else {
        reply_error(c, &op, &err);
    }
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
    if (!line)
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
    if (line)
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
