/*
 * A stream's connection without TLS: the WebSocket protocol over a raw connection of libwebsockets.
 * Its own client takes what it receives byte by byte (4.1: 4 s of CPU a gigabyte), which nobody
 * notices on a feed, and everybody on an output of some size. Under TLS it must do: a raw client's
 * TLS handshake hangs in 4.1 when the first try does not get through (nobody waits for the socket).
 */
#include "ws/private.h"

#include <depot/clock.h>

#include <string.h>

/* ---- the handshake ---- */

static int on_connected(struct dp_ws *ws, struct lws *wsi)
{
    ws->shaking = true;
    ws->request_sent = false;
    ws->connected_ms = depot_mono_ms();
    depot_buf_clear(&ws->in);
    dp_wsh_key(ws->key);
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, DP_WS_CONNECT_SECS);
    lws_callback_on_writable(wsi);
    return 0;
}

static int send_request(struct dp_ws *ws, struct lws *wsi)
{
    static const char room[LWS_PRE];
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char host[DP_WS_HOST_MAX];
    if (ws->request_sent)
        return 0;
    ws->request_sent = true;
    dp_ws_host(ws, host);
    depot_buf_add(&b, room, sizeof(room));
    dp_wsh_request(&b, host, ws->path, ws->protocol, ws->token, ws->key);
    const int n =
        lws_write(wsi, (unsigned char *)b.data + sizeof(room), b.len - sizeof(room), LWS_WRITE_RAW);
    depot_buf_release(&b);
    return n < 0 ? -1 : 0;
}

static int refused(struct dp_ws *ws, int status)
{
    /* As libwebsockets' own client begins what it says of an answer that is none. */
    static const char detail[] = "HS: not the answer of a WebSocket server";
    dp_ws_fail(ws, detail, strlen(detail), status);
    return -1;
}

/* ---- frames ---- */

static int on_close_frame(struct dp_ws *ws, struct lws *wsi, const struct dp_wsf_piece *piece)
{
    if (ws->close_sent)
        return -1; /* the answer to ours: all is said */
    dp_ws_on_peer_close(ws, piece->data, piece->n);
    ws->peer_closed = true;
    dp_wsq_release(&ws->out);
    dp_wsq_message(&ws->out, DP_WSQ_CLOSE, piece->data, piece->n < 2 ? 0 : 2);
    lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, DP_WS_CLOSE_SECS);
    lws_callback_on_writable(wsi);
    return 0;
}

static int broken(struct dp_ws *ws)
{
    depot_error_set(
        &ws->why, DEPOT_ERR_PROTOCOL, "%s sent what is no WebSocket frame", ws->addr.text);
    depot_error_hint(&ws->why, "is there a proxy between that changes what it passes on?");
    ws->has_why = true;
    return -1;
}

static int take_frames(struct dp_ws *ws, struct lws *wsi, const uint8_t *p, size_t n)
{
    struct dp_wsf_piece piece;
    int rc = 0;
    while (!ws->peer_closed && (rc = dp_wsf_next(&ws->frames, &p, &n, &piece)) > 0) {
        switch (piece.op) {
        case DP_WSF_PING:
            if (!ws->close_sent) {
                dp_wsq_message(&ws->out, DP_WSQ_PONG, piece.data, piece.n);
                dp_ws_wake(ws);
            }
            break;
        case DP_WSF_PONG:
            break;
        case DP_WSF_CLOSE:
            rc = on_close_frame(ws, wsi, &piece);
            break;
        default:
            if (!ws->close_sent)
                ws->ops->message(ws, piece.data, piece.n, ws->arg);
        }
        if (ws->dead || rc < 0)
            return -1;
    }
    return rc < 0 ? broken(ws) : 0;
}

static int on_answer(struct dp_ws *ws, struct lws *wsi, const uint8_t *p, size_t n)
{
    int status;
    const size_t take = n < DP_WSH_ANSWER_MAX - ws->in.len ? n : DP_WSH_ANSWER_MAX - ws->in.len;
    depot_buf_add(&ws->in, p, take);
    const ssize_t head =
        dp_wsh_answer(depot_buf_str(&ws->in), ws->in.len, ws->protocol, ws->key, &status);
    if (head < 0)
        return refused(ws, status);
    if (head == 0)
        return 0;
    /* Frames may follow in the same bytes. */
    struct depot_buf in = ws->in;
    depot_buf_init(&ws->in, ws->max_message);
    ws->shaking = false;
    ws->heard_ms = depot_mono_ms();
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    if (ws->addr.kind == DEPOT_ADDR_TCP)
        lws_set_timer_usecs(wsi, DP_WS_PING_SECS * LWS_USEC_PER_SEC);
    dp_ws_on_open(ws, wsi);
    int rc = ws->dead ? -1 : 0;
    if (rc == 0)
        rc = take_frames(ws, wsi, (const uint8_t *)in.data + head, in.len - (size_t)head);
    depot_buf_release(&in);
    return rc < 0 ? rc : take_frames(ws, wsi, p + take, n - take);
}

/* ---- the rest ---- */

int dp_ws_stream_end(struct dp_ws *ws, struct lws *wsi)
{
    static const uint8_t normal[] = {LWS_CLOSE_STATUS_NORMAL >> 8, LWS_CLOSE_STATUS_NORMAL & 0xff};
    if (ws->peer_closed)
        return -1;
    if (!ws->finishing || ws->close_sent)
        return 0;
    ws->close_sent = true;
    dp_wsq_message(&ws->out, DP_WSQ_CLOSE, normal, sizeof(normal));
    lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_ACK, DP_WS_CLOSE_SECS);
    lws_callback_on_writable(wsi);
    return 0;
}

static int on_timer(struct dp_ws *ws, struct lws *wsi)
{
    const uint64_t silent_ms = depot_mono_ms() - ws->heard_ms;
    if (!ws->paused && silent_ms >= DP_WS_HANGUP_SECS * UINT64_C(1000))
        return -1;
    if (silent_ms >= DP_WS_PING_SECS * UINT64_C(1000) && !ws->close_sent && !ws->peer_closed) {
        dp_wsq_message(&ws->out, DP_WSQ_PING, "", 0);
        dp_ws_wake(ws);
    }
    lws_set_timer_usecs(wsi, DP_WS_PING_SECS * LWS_USEC_PER_SEC);
    return 0;
}

static int on_raw_close(struct dp_ws *ws, struct lws *wsi)
{
    const bool late = depot_mono_ms() - ws->connected_ms >= DP_WS_CONNECT_SECS * UINT64_C(1000);
    const char *detail = !ws->shaking ? "connection refused" : late ? "Timed out" : "HS: closed";
    if (ws->state == WS_CONNECTING)
        dp_ws_on_connect_error(ws, wsi, detail, strlen(detail), 0);
    else
        dp_ws_on_closed(ws);
    return 0;
}

int dp_ws_stream_callback(
    struct dp_ws *ws, struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t len)
{
    switch (reason) {
    case LWS_CALLBACK_RAW_CONNECTED:
        return on_connected(ws, wsi);
    case LWS_CALLBACK_RAW_WRITEABLE:
        return ws->shaking ? send_request(ws, wsi) : dp_ws_on_writable(ws, wsi);
    case LWS_CALLBACK_RAW_RX:
        ws->heard_ms = depot_mono_ms();
        return ws->shaking ? on_answer(ws, wsi, in, len) : take_frames(ws, wsi, in, len);
    case LWS_CALLBACK_TIMER:
        return on_timer(ws, wsi);
    default:
        return on_raw_close(ws, wsi);
    }
}
