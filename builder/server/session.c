/*
 * The session's WebSocket: bytes between a client and its part's engine, as they come, in large
 * frames. Nothing here looks into them.
 */
#include "server_priv.h"

#include <string.h>

enum { CLOSE_SECS = 10, SESSION_PLATFORM_MAX = 480 /* several, joined */ };

/* ---- from the engine ---- */

static void on_data(struct relay *r, const void *data, size_t n, void *arg)
{
    static const char room[LWS_PRE];
    struct conn *c = arg;

    DEPOT_UNUSED(r);
    if (c->close_code)
        return;
    if (c->out.len == 0) {
        depot_buf_add(&c->out, room, sizeof(room));
        c->sent = sizeof(room);
    } else if (c->sent > RELAY_HIGH) {
        depot_buf_consume(&c->out, c->sent - sizeof(room));
        c->sent = sizeof(room);
    }
    if (c->out.len - c->sent + n > RELAY_OUT_MAX) {
        /* The stream inside has flow control of its own: a peer that heeds it cannot get here. */
        c->close_code = 1009;
        strcpy(c->close_reason, "the client does not read");
        depot_buf_release(&c->out);
    } else {
        depot_buf_add(&c->out, data, n);
    }
    server_wake(c);
}

static void on_writable(struct relay *r, void *arg)
{
    struct conn *c = arg;

    DEPOT_UNUSED(r);
    if (!c->paused)
        return;
    c->paused = false;
    lws_rx_flow_control(c->wsi, 1);
}

static void on_closed(struct relay *r, int code, const char *reason, void *arg)
{
    struct conn *c = arg;
    size_t n = strnlen(reason != NULL ? reason : "", sizeof(c->close_reason) - 1);

    DEPOT_UNUSED(r);
    if (c->close_code)
        return;
    c->close_code = code;
    memcpy(c->close_reason, reason != NULL ? reason : "", n);
    c->close_reason[n] = '\0';
    /* What is queued goes out first, if the client still reads. */
    on_writable(r, c);
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE, CLOSE_SECS);
    server_wake(c);
}

static const struct relay_ops relay_ops = {
    .data = on_data,
    .writable = on_writable,
    .closed = on_closed,
};

/* Whoever may open this machine's own socket is trusted by it, and may be a client of before. */
static int check_secret(struct conn *c, const char *build, struct depot_error *err)
{
    static const char name[] = "depot-session:";
    char secret[2 * BUILD_SECRET_LEN];
    int n = lws_hdr_custom_copy(c->wsi, secret, sizeof(secret), name, sizeof(name) - 1);

    if (n < 0 && lws_hdr_custom_length(c->wsi, name, sizeof(name) - 1) < 0 && c->local)
        return 0;
    return c->server->api->session_allowed(c->server->service, build, n > 0 ? secret : NULL, err);
}

int server_session_open(
    struct conn *c, const char *build, const char *builder, struct depot_error *err)
{
    char platform[SESSION_PLATFORM_MAX];
    const char *of = server_query(c, "platform", platform, sizeof(platform)) ? platform : NULL;
    int r;

    if (!store_id_valid(build))
        return depot_error_set(err, DEPOT_ERR_NOT_FOUND, "there is no build %.64s", build);
    r = check_secret(c, build, err);
    if (r != 0)
        return r;
    return c->server->api->session(
        c->server->service, build, builder, of, &relay_ops, c, &c->relay, err);
}

/* ---- from the client ---- */

static int receive_text(struct conn *c, const void *in, size_t n)
{
    int whole = server_collect(c, in, n, CONTEXT_TEXT_MAX);

    if (whole < 0) {
        server_close_reason(c, 1009, "the text frame is too long");
        return -1;
    }
    if (whole > 0) {
        c->server->api->session_text(c->relay, depot_buf_str(&c->in), c->in.len);
        depot_buf_release(&c->in);
    }
    return 0;
}

static int receive(struct conn *c, const void *in, size_t n)
{
    if (c->close_code || c->relay == NULL)
        return 0;
    if (!lws_frame_is_binary(c->wsi))
        return receive_text(c, in, n);
    c->server->api->session_write(c->relay, in, n);
    if (c->relay != NULL && !c->paused && c->server->api->session_queued(c->relay) > RELAY_HIGH) {
        c->paused = true;
        lws_rx_flow_control(c->wsi, 0);
    }
    return 0;
}

/* ---- to the client ---- */

/* libwebsockets sends no close frame for a writable callback that returns nonzero. So it is written
 * here, and the client's own close frame ends the connection, or the timeout. */
static int write_close(struct conn *c)
{
    uint8_t body[DEPOT_WS_CONTROL_MAX];
    const size_t n = depot_ws_close(body, (unsigned)c->close_code, c->close_reason);

    server_tx_begin(c->server);
    server_tx_frame(c->server, DEPOT_WS_CLOSE, body, n);
    c->close_sent = true;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE, CLOSE_SECS);
    return server_tx_send(c, LWS_WRITE_RAW);
}

/* One frame, in place: its head goes into the bytes before, which are sent or LWS_PRE. */
static int write_frame(struct conn *c, size_t n)
{
    uint8_t *payload = (uint8_t *)c->out.data + c->sent;
    uint8_t *head = depot_ws_head(payload, DEPOT_WS_BINARY, n, NULL);

    if (server_write(c, head, (size_t)(payload - head) + n, LWS_WRITE_RAW) != 0)
        return -1;
    c->sent += n;
    return 0;
}

static int write_bytes(struct conn *c)
{
    size_t n = c->out.len > c->sent ? c->out.len - c->sent : 0;

    if (n > 0 && write_frame(c, n < TX_BATCH ? n : TX_BATCH) != 0)
        return -1;
    if (n > TX_BATCH || (n > 0 && c->close_code))
        server_wait(c);
    if (c->sent >= c->out.len) {
        if (c->out.cap > 2 * TX_BATCH)
            depot_buf_release(&c->out);
        depot_buf_clear(&c->out);
        c->sent = 0;
        if (n == 0 && c->close_code && !c->close_sent)
            return write_close(c);
    }
    return 0;
}

int server_session(struct conn *c, enum lws_callback_reasons reason, void *in, size_t n)
{
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        c->write = write_bytes;
        server_wake(c); /* for what came before */
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return receive(c, in, n);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return write_bytes(c);
    default: /* closed */
        server_conn_release(c);
        return 0;
    }
}
