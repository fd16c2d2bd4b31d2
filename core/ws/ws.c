/*
 * One WebSocket connection: connect, send queue, messages, close. Frames out are made by queue.c
 * and given to libwebsockets as raw bytes; frames in are parsed by libwebsockets, or by stream.c.
 */
#define DEPOT_LOG_MODULE "ws"
#include "ws/private.h"

#include <depot/clock.h>
#include <depot/log.h>

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

/* Frames written in one turn before other connections get theirs. */
enum { WRITE_BURST = 4 };

/* ---- lifetime ---- */

static void ws_release(struct dp_ws *ws)
{
    depot_addr_release(&ws->addr);
    depot_tls_release(&ws->tls);
    depot_free(ws->path);
    depot_free(ws->protocol);
    depot_free(ws->token);
    dp_wsq_release(&ws->out);
    depot_buf_release(&ws->in);
    depot_free(ws);
}

static void ws_defer(struct dp_ws *ws, void (*fn)(void *))
{
    ws->holds++;
    depot_loop_defer(dp_ws_context_loop(ws->ctx), fn, ws);
}

/* Begins every deferred call: true when there is nothing to do any more. */
static bool ws_let_go(struct dp_ws *ws)
{
    const bool dead = ws->dead;
    if (--ws->holds == 0 && dead)
        ws_release(ws);
    return dead;
}

static void ws_reap(void *arg)
{
    (void)ws_let_go(arg);
}

static void ws_closed(struct dp_ws *ws, int status, const struct depot_error *err)
{
    if (ws->wsi != NULL)
        lws_set_opaque_user_data(ws->wsi, NULL);
    ws->wsi = NULL;
    if (ws->state == WS_CLOSED)
        return;
    ws->state = WS_CLOSED;
    if (!ws->dead)
        ws->ops->closed(ws, status, err, ws->arg);
}

void dp_ws_free(struct dp_ws *ws)
{
    if (ws == NULL || ws->dead)
        return;
    ws->dead = true;
    dp_lookup_cancel(ws->lookup);
    if (ws->wsi != NULL) {
        /* The socket outlives us by a turn or two, deaf; the callback sees no owner and leaves. */
        lws_set_opaque_user_data(ws->wsi, NULL);
        lws_set_timeout(ws->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        ws->wsi = NULL;
    }
    ws_defer(ws, ws_reap);
}

/* ---- connecting ---- */

void dp_ws_fail(struct dp_ws *ws, const char *detail, size_t n, int status)
{
    struct depot_error err;
    depot_log_debug("%s: HTTP %d, %.*s", ws->addr.text, status, (int)n, detail);
    depot_error_clear(&err);
    dp_ws_explain(&ws->addr, ws->path, ws->token != NULL, status, detail, n, &err);
    ws_closed(ws, status, &err);
}

void dp_ws_host(const struct dp_ws *ws, char out[DP_WS_HOST_MAX])
{
    if (ws->addr.kind == DEPOT_ADDR_UNIX) {
        snprintf(out, DP_WS_HOST_MAX, "localhost");
        return;
    }
    const char *name = ws->tls.server_name != NULL ? ws->tls.server_name : ws->addr.host;
    const char *fmt = strchr(name, ':') != NULL ? "[%s]:%d" : "%s:%d";
    snprintf(out, DP_WS_HOST_MAX, fmt, name, ws->addr.port);
}

static void ws_connect(struct dp_ws *ws)
{
    struct dp_ws_place at = {NULL, NULL};
    struct depot_error err;
    depot_error_clear(&err);
    if (dp_ws_context_place(ws->ctx, &ws->tls, ws->use_tls, &at, &err) < 0) {
        ws_closed(ws, 0, &err);
        return;
    }
    char address[DP_WS_HOST_MAX], host[DP_WS_HOST_MAX];
    const bool is_unix = ws->addr.kind == DEPOT_ADDR_UNIX;
    if (is_unix)
        snprintf(address, sizeof(address), "+%s", ws->addr.path);
    else
        snprintf(address, sizeof(address), "%s", ws->found.text[ws->next_addr++]);
    dp_ws_host(ws, host);
    const struct lws_client_connect_info info = {
        .context = at.lws,
        .vhost = at.vhost,
        .address = address,
        .port = is_unix ? 0 : ws->addr.port,
        .ssl_connection = (ws->use_tls ? LCCSCF_USE_SSL : 0) | LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        .path = ws->path,
        .host = host,
        .origin = NULL,
        .protocol = ws->protocol,
        .method = ws->raw ? "RAW" : NULL,
        .local_protocol_name = "depot",
        .alpn = "http/1.1",
        .opaque_user_data = ws,
        .pwsi = &ws->wsi,
    };
    ws->state = WS_CONNECTING;
    ws->connect_ms = depot_mono_ms();
    if (lws_client_connect_via_info(&info) == NULL) {
        ws->wsi = NULL;
        if (!ws->dead && ws->state == WS_CONNECTING)
            dp_ws_fail(ws, "connection refused", strlen("connection refused"), 0);
    }
}

static void ws_found(const struct dp_resolve *result, void *arg)
{
    struct dp_ws *ws = arg;
    ws->lookup = NULL;
    ws->found = *result;
    if (result->n > 0) {
        ws_connect(ws);
        return;
    }
    struct depot_error err;
    depot_error_clear(&err);
    depot_error_set(&err, DEPOT_ERR_UNAVAILABLE, "cannot connect to %s: %s", ws->addr.text,
        result->error != 0 ? gai_strerror(result->error) : "the name has no address");
    depot_error_hint(&err, "check the host name, and that this machine has a network");
    ws_closed(ws, 0, &err);
}

static void ws_start(void *arg)
{
    struct dp_ws *ws = arg;
    if (ws_let_go(ws))
        return;
    if (ws->addr.kind == DEPOT_ADDR_UNIX || ws->next_addr < ws->found.n) {
        ws_connect(ws);
        return;
    }
    if (dp_lookup_start(dp_ws_context_loop(ws->ctx), ws->addr.host, ws_found, ws, &ws->lookup) < 0)
        dp_ws_fail(ws, "cannot look up the name", strlen("cannot look up the name"), 0);
}

static bool printable(const char *s)
{
    for (; s != NULL && *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    }
    return true;
}

static int check_file(const char *what, const char *path, struct depot_error *err)
{
    if (path == NULL || access(path, R_OK) == 0)
        return 0;
    depot_error_set(
        err, DEPOT_ERR_INVALID, "cannot read the %s %s: %s", what, path, strerror(errno));
    return depot_error_hint(err, "check the TLS options");
}

static int check_tls(const struct depot_tls *t, struct depot_error *err)
{
    if (t == NULL)
        return 0;
    int rc = check_file("CA file", t->ca, err);
    if (rc == 0)
        rc = check_file("certificate", t->cert, err);
    if (rc == 0)
        rc = check_file("key", t->key, err);
    return rc;
}

static int check_opts(const struct dp_ws_opts *o, struct depot_error *err)
{
    /* Both go into a line of the handshake. */
    if (!printable(o->token)) {
        depot_error_set(err, DEPOT_ERR_INVALID, "the token has characters that no token has");
        return depot_error_hint(err, "check DEPOT_TOKEN for a line break");
    }
    if (!printable(o->path))
        return depot_error_set(err, DEPOT_ERR_INVALID, "bad path in a WebSocket address");
    /* sun_path */
    if (o->addr->kind == DEPOT_ADDR_UNIX && strlen(o->addr->path) > 107)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG,
            "the path of the socket is longer than 107 bytes: %s", o->addr->path);
    if (o->addr->kind == DEPOT_ADDR_TCP)
        return check_tls(o->tls, err);
    return 0;
}

int dp_ws_open(struct dp_ws_context *c, const struct dp_ws_opts *opts, const struct dp_ws_ops *ops,
    void *arg, struct dp_ws **out, struct depot_error *err)
{
    const int rc = check_opts(opts, err);
    if (rc < 0)
        return rc;
    struct dp_ws *ws = depot_calloc(1, sizeof(*ws));
    ws->ctx = c;
    ws->ops = ops;
    ws->arg = arg;
    depot_addr_copy(&ws->addr, opts->addr);
    if (opts->tls != NULL)
        depot_tls_copy(&ws->tls, opts->tls);
    ws->use_tls = opts->addr->kind == DEPOT_ADDR_TCP && (opts->addr->tls || ws->tls.enabled);
    ws->path = depot_strdup(opts->path);
    ws->protocol = depot_strdup(opts->protocol);
    ws->token = depot_str_empty(opts->token) ? NULL : depot_strdup(opts->token);
    ws->binary = opts->binary;
    ws->stream = opts->stream;
    ws->raw = opts->stream && !ws->use_tls;
    ws->max_message = opts->max_message != 0 ? opts->max_message : DP_WS_MESSAGE_MAX;
    ws->out.plain = opts->addr->kind == DEPOT_ADDR_UNIX;
    depot_buf_init(&ws->in, ws->max_message);
    ws->state = WS_STARTING;
    ws_defer(ws, ws_start);
    *out = ws;
    return 0;
}

/* ---- sending ---- */

void dp_ws_wake(struct dp_ws *ws)
{
    if (ws->out.queued >= DP_WS_LOW_MARK)
        ws->above_mark = true;
    if (ws->state == WS_OPEN && ws->wsi != NULL)
        lws_callback_on_writable(ws->wsi);
}

void dp_ws_send(struct dp_ws *ws, const void *data, size_t n)
{
    if (ws->state == WS_CLOSED || ws->dead || ws->finishing || ws->peer_closed)
        return;
    if (ws->stream)
        dp_wsq_bytes(&ws->out, data, n);
    else
        dp_wsq_message(&ws->out, ws->binary ? DP_WSQ_BINARY : DP_WSQ_TEXT, data, n);
    dp_ws_wake(ws);
}

void dp_ws_send_text(struct dp_ws *ws, const char *text, size_t n)
{
    if (ws->state == WS_CLOSED || ws->dead || ws->finishing || ws->peer_closed)
        return;
    dp_wsq_message(&ws->out, DP_WSQ_TEXT, text, n);
    dp_ws_wake(ws);
}

size_t dp_ws_queued(const struct dp_ws *ws)
{
    return ws->out.queued;
}

void dp_ws_finish(struct dp_ws *ws)
{
    if (ws->state == WS_CLOSED || ws->dead)
        return;
    ws->finishing = true;
    dp_ws_wake(ws);
}

void dp_ws_pause(struct dp_ws *ws, bool paused)
{
    if (ws->paused == paused)
        return;
    ws->paused = paused;
    ws->heard_ms = depot_mono_ms();
    if (ws->state == WS_OPEN && ws->wsi != NULL)
        lws_rx_flow_control(ws->wsi, !paused);
}

/* Nonzero asks libwebsockets to close. */
int dp_ws_on_writable(struct dp_ws *ws, struct lws *wsi)
{
    for (int i = 0; i < WRITE_BURST; i++) {
        size_t n = 0, payload = 0;
        uint8_t *frame = dp_wsq_front(&ws->out, &n, &payload);
        if (frame == NULL)
            break;
        /* As "HTTP", the bytes pass through as they are: the frame is already made. What the socket
         * does not take is kept by libwebsockets and goes out before we are asked again. */
        if (lws_write(wsi, frame, n, LWS_WRITE_HTTP) < 0)
            return -1;
        dp_wsq_pop(&ws->out);
        if (lws_partial_buffered(wsi) || (ws->out.head != NULL && lws_send_pipe_choked(wsi)))
            break;
    }
    if (ws->above_mark && ws->out.queued < DP_WS_LOW_MARK) {
        ws->above_mark = false;
        if (ws->ops->writable != NULL) {
            ws->ops->writable(ws, ws->arg);
            if (ws->dead)
                return -1;
        }
    }
    if (ws->out.head != NULL || lws_partial_buffered(wsi)) {
        lws_callback_on_writable(wsi);
    } else if (ws->raw) {
        return dp_ws_stream_end(ws, wsi);
    } else if (ws->finishing) {
        ws->close_sent = true;
        lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
        return -1;
    }
    return 0;
}

/* ---- receiving ---- */

static int too_big(struct dp_ws *ws)
{
    depot_error_set(&ws->why, DEPOT_ERR_TOO_BIG, "%s sent a message of more than %zu bytes",
        ws->addr.text, ws->max_message);
    ws->has_why = true;
    /* Without a close frame: asked to send one from here, libwebsockets 4.1 goes on parsing what
     * follows, past the end of its full receive buffer. */
    return -1;
}

static int on_receive(struct dp_ws *ws, struct lws *wsi, const void *data, size_t n)
{
    if (ws->stream) {
        if (n > 0)
            ws->ops->message(ws, data, n, ws->arg);
        return ws->dead ? -1 : 0;
    }
    const size_t rest = lws_remaining_packet_payload(wsi);
    const bool last = rest == 0 && lws_is_final_fragment(wsi);
    if (last && ws->in.len == 0) {
        if (n > ws->max_message)
            return too_big(ws);
        ws->ops->message(ws, data, n, ws->arg);
        return ws->dead ? -1 : 0;
    }
    /* The frame says how long it is: refuse before anything of it is kept. */
    if (n > ws->max_message - ws->in.len || rest > ws->max_message - ws->in.len - n)
        return too_big(ws);
    if (ws->in.len == 0)
        depot_buf_reserve(&ws->in, n + rest);
    depot_buf_add(&ws->in, data, n);
    if (!last)
        return 0;
    ws->ops->message(ws, ws->in.data, ws->in.len, ws->arg);
    if (ws->dead)
        return -1;
    if (ws->in.cap > DP_WS_RX_BUFFER * 4)
        depot_buf_release(&ws->in);
    else
        depot_buf_clear(&ws->in);
    return 0;
}

/* ---- the end ---- */

/* The close frame of the peer: what `closed` will say. */
void dp_ws_on_peer_close(struct dp_ws *ws, const uint8_t *p, size_t n)
{
    static const struct {
        int code;
        enum depot_err err;
        const char *text;
    } rows[] = {
        {1001, DEPOT_ERR_UNAVAILABLE, "is going away"},
        {1002, DEPOT_ERR_PROTOCOL, "saw a protocol error"},
        {1003, DEPOT_ERR_UNSUPPORTED, "cannot take this kind of message"},
        {1007, DEPOT_ERR_INVALID, "could not read a message"},
        {1008, DEPOT_ERR_DENIED, "refused to go on"},
        {1009, DEPOT_ERR_TOO_BIG, "found a message too big"},
        {1011, DEPOT_ERR_INTERNAL, "had an internal error"},
    };
    const int code = n >= 2 ? p[0] << 8 | p[1] : 1005;
    if (ws->has_why)
        return;
    ws->has_why = true;
    if (code == 1000) {
        depot_error_clear(&ws->why);
        return;
    }
    const char *text = "closed the connection";
    enum depot_err err = DEPOT_ERR_UNAVAILABLE;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        if (rows[i].code == code) {
            text = rows[i].text;
            err = rows[i].err;
        }
    }
    const int reason_len = n > 2 ? (int)(n - 2) : 0;
    depot_error_set(&ws->why, err, "%s %s (%d)%s%.*s", ws->addr.text, text, code,
        reason_len > 0 ? ": " : "", reason_len, (const char *)p + 2);
}

void dp_ws_on_closed(struct dp_ws *ws)
{
    if (!ws->has_why && !ws->close_sent) {
        depot_error_set(
            &ws->why, DEPOT_ERR_UNAVAILABLE, "the connection to %s was lost", ws->addr.text);
        depot_error_hint(&ws->why, "the daemon may have died: look at its log");
    }
    ws_closed(ws, 0, ws->why.code != DEPOT_OK ? &ws->why : NULL);
}

void dp_ws_on_connect_error(
    struct dp_ws *ws, struct lws *wsi, const char *detail, size_t n, int status)
{
    lws_set_opaque_user_data(wsi, NULL);
    ws->wsi = NULL;
    if (status == 0 && ws->addr.kind == DEPOT_ADDR_TCP && ws->next_addr < ws->found.n) {
        depot_log_debug("%s: next address", ws->addr.text);
        ws->state = WS_STARTING;
        ws_defer(ws, ws_start);
        return;
    }
    /* A refusal inside the handshake names the status; 101 is no refusal. */
    dp_ws_fail(ws, detail, n, status == 101 ? 0 : status);
}

static int on_handshake_header(struct dp_ws *ws, struct lws *wsi, unsigned char **p, size_t room)
{
    if (ws->token == NULL)
        return 0;
    char *value = depot_asprintf("Bearer %s", ws->token);
    const int rc = lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION,
        (unsigned char *)value, (int)strlen(value), p, *p + room);
    depot_free(value);
    return rc;
}

void dp_ws_on_open(struct dp_ws *ws, struct lws *wsi)
{
    ws->state = WS_OPEN;
    if (ws->paused)
        lws_rx_flow_control(wsi, 0);
    ws->ops->open(ws, ws->arg);
    if (!ws->dead && (ws->out.head != NULL || ws->finishing))
        lws_callback_on_writable(wsi);
}

/* A connect() that fails at once comes as the end of the connection alone, and so does a peer that
 * takes the connection and never answers, when the time is up. */
static void end_unconnected(struct dp_ws *ws, struct lws *wsi)
{
    enum { SLACK_MS = 500 }; /* libwebsockets counts in whole seconds */
    const uint64_t late = DP_WS_CONNECT_SECS * UINT64_C(1000) - SLACK_MS;
    const char *detail =
        depot_mono_ms() - ws->connect_ms >= late ? "Timed out" : "connection refused";
    dp_ws_on_connect_error(ws, wsi, detail, strlen(detail), 0);
}

int dp_ws_callback(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    DEPOT_UNUSED(user);
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
    case LWS_CALLBACK_RAW_CONNECTED:
    case LWS_CALLBACK_RAW_RX:
    case LWS_CALLBACK_RAW_WRITEABLE:
    case LWS_CALLBACK_RAW_CLOSE:
    case LWS_CALLBACK_TIMER:
        break;
    default:
        return 0; /* many of these come with a wsi that is not ours */
    }
    struct dp_ws *ws = lws_get_opaque_user_data(wsi);
    if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR || reason == LWS_CALLBACK_WSI_DESTROY)
        dp_ws_sweep(wsi);
    if (ws == NULL)
        return reason == LWS_CALLBACK_CLIENT_RECEIVE || reason == LWS_CALLBACK_CLIENT_WRITEABLE ||
                       reason == LWS_CALLBACK_CLIENT_ESTABLISHED ||
                       reason == LWS_CALLBACK_RAW_CONNECTED || reason == LWS_CALLBACK_RAW_RX ||
                       reason == LWS_CALLBACK_RAW_WRITEABLE
                   ? -1
                   : 0;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return on_handshake_header(ws, wsi, in, len);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        dp_ws_on_open(ws, wsi);
        return ws->dead ? -1 : 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        dp_ws_on_connect_error(ws, wsi, in != NULL ? in : "", in != NULL ? len : 0,
            ws->raw ? 0 : (int)lws_http_client_http_response(wsi));
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return on_receive(ws, wsi, in, len);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return dp_ws_on_writable(ws, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        dp_ws_on_peer_close(ws, in, len);
        return 0;
    case LWS_CALLBACK_RAW_CONNECTED:
    case LWS_CALLBACK_RAW_RX:
    case LWS_CALLBACK_RAW_WRITEABLE:
    case LWS_CALLBACK_RAW_CLOSE:
    case LWS_CALLBACK_TIMER:
        return dp_ws_stream_callback(ws, wsi, reason, in, len);
    default:
        if (ws->state == WS_CONNECTING)
            end_unconnected(ws, wsi);
        else
            dp_ws_on_closed(ws);
        return 0;
    }
}
