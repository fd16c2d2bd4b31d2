/*
 * One WebSocket connection: connect, shake hands, send queue, messages, idle checks, close. What
 * the bytes mean is known by frame.c, message.c, queue.c and handshake.c; the stream may be a unix
 * socket, TCP or TLS.
 */
#define DEPOT_LOG_MODULE "ws"
#include "ws/ws.h"

#include "net/pace.h"
#include "net/stream.h"
#include "ws/explain.h"
#include "ws/handshake.h"
#include "ws/message.h"
#include "ws/queue.h"

#include <depot/clock.h>
#include <depot/log.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    RX_BUFFER = 64 * 1024,
    /* Read, and written, in one turn before other connections get theirs. */
    READ_TURN = 256 * 1024,
    WRITE_TURN = 512 * 1024,
    MESSAGE_MAX = 64 * 1024 * 1024,
    HOST_MAX = 512,
    ANSWER_MS = 10 * 1000, /* to the handshake's request */
    CLOSE_MS = 5 * 1000,   /* for the peer to answer a close frame, or to take ours */
    /* Idle checks find a dead network. A reader that is paused sees no pong, hence the long limit.
     */
    PING_MS = 60 * 1000,
    HANGUP_MS = 300 * 1000,
};
_Static_assert((int)RX_BUFFER >= (int)DP_WSH_ANSWER_MAX, "an answer is read in one piece");

struct dp_ws_context {
    struct depot_loop *loop;
    struct dp_tls_store *tls;
};

enum state { WS_CONNECTING, WS_SHAKING, WS_OPEN, WS_CLOSED };

struct dp_ws {
    struct depot_loop *loop;
    const struct dp_ws_ops *ops;
    void *arg;
    struct depot_addr addr;
    char *server_name; /* of the TLS options; NULL: the address' host */
    char *path, *protocol, *token, *header;
    bool binary, bytes; /* what is sent; a stream, not messages */

    enum state state;
    struct dp_connect *connect;
    struct dp_stream *stream;
    struct dp_pace *pace;      /* NULL: read as it comes */
    struct depot_timer *timer; /* for the answer, for the next idle check, for the end */
    unsigned holds;            /* deferred calls that still come */
    bool dead;                 /* freed by its owner */

    char key[DP_WSH_KEY_LEN + 1];
    struct depot_buf request; /* the part not yet written */
    struct dp_wsq out;
    bool above_mark, finishing, close_sent, peer_closed;
    bool flush_asked; /* a flush is deferred */
    bool blocked;     /* the stream takes no more for now */
    bool mute;        /* the stream takes no more; what the peer said last is still read */

    struct dp_wsm in;
    bool paused;
    char *rx; /* what was read; from rx_at it is not looked at yet */
    size_t rx_at, rx_len;
    uint64_t heard_ms;

    bool has_why;
    struct depot_error why; /* what `closed` says, when more is known than that it is lost */
};

struct dp_ws_context *dp_ws_context_new(struct depot_loop *l)
{
    struct dp_ws_context *c = depot_calloc(1, sizeof(*c));
    c->loop = l;
    c->tls = dp_tls_store_new();
    return c;
}

void dp_ws_context_free(struct dp_ws_context *c)
{
    if (c == NULL)
        return;
    dp_tls_store_free(c->tls);
    depot_free(c);
}

/* ---- lifetime ---- */

static void ws_release(struct dp_ws *ws)
{
    depot_addr_release(&ws->addr);
    depot_free(ws->server_name);
    depot_free(ws->path);
    depot_free(ws->protocol);
    depot_free(ws->token);
    depot_free(ws->header);
    depot_free(ws->rx);
    depot_buf_release(&ws->request);
    dp_wsq_release(&ws->out);
    dp_wsm_release(&ws->in);
    depot_free(ws);
}

static void ws_defer(struct dp_ws *ws, void (*fn)(void *))
{
    ws->holds++;
    depot_loop_defer(ws->loop, fn, ws);
}

/* Begins every deferred call: true when there is nothing to do any more. */
static bool ws_released(struct dp_ws *ws)
{
    const bool dead = ws->dead;
    if (--ws->holds == 0 && dead)
        ws_release(ws);
    return dead;
}

static void ws_reap(void *arg)
{
    (void)ws_released(arg);
}

/* Nothing comes from the network any more. */
static void ws_quiet(struct dp_ws *ws)
{
    dp_connect_free(ws->connect);
    dp_stream_close(ws->stream);
    depot_timer_free(ws->timer);
    dp_pace_free(ws->pace);
    ws->connect = NULL;
    ws->pace = NULL;
    ws->stream = NULL;
    ws->timer = NULL;
    ws->state = WS_CLOSED;
}

static void ws_closed(struct dp_ws *ws, int status, const struct depot_error *err)
{
    ws_quiet(ws);
    ws->ops->closed(ws, status, err, ws->arg);
}

void dp_ws_free(struct dp_ws *ws)
{
    if (ws == NULL || ws->dead)
        return;
    ws->dead = true;
    ws_quiet(ws);
    ws_defer(ws, ws_reap);
}

/* The connection is over; why may be known already. */
static void ws_end(struct dp_ws *ws)
{
    if (!ws->has_why && !ws->close_sent) {
        depot_error_set(
            &ws->why, DEPOT_ERR_UNAVAILABLE, "the connection to %s was lost", ws->addr.text);
        depot_error_hint(&ws->why, "the daemon may have died: look at its log");
    }
    ws_closed(ws, 0, ws->why.code != DEPOT_OK ? &ws->why : NULL);
}

static void ws_want(struct dp_ws *ws);
static void ws_take(struct dp_ws *ws);

/* ---- sending ---- */

static bool ws_flush(struct dp_ws *ws);

static void on_flush(void *arg)
{
    struct dp_ws *ws = arg;
    ws->flush_asked = false;
    if (!ws_released(ws) && ws->stream != NULL && ws_flush(ws))
        ws_want(ws);
}

/* At the end of the turn, so that what is sent in it goes out together. */
static void ws_flush_soon(struct dp_ws *ws)
{
    if (ws->out.queued >= DP_WS_LOW_MARK)
        ws->above_mark = true;
    if (ws->state != WS_OPEN || ws->flush_asked || ws->blocked)
        return;
    ws->flush_asked = true;
    ws_defer(ws, on_flush);
}

/* A write failed. The peer may have said why before it went: read on to the end. */
static void ws_mute(struct dp_ws *ws)
{
    ws->mute = true;
    dp_wsq_release(&ws->out);
    depot_buf_clear(&ws->request);
    depot_timer_start(ws->timer, CLOSE_MS, 0);
}

/* Write what there is, as far as the stream and the turn allow: false when it takes no more. */
static bool write_out(struct dp_ws *ws)
{
    for (size_t total = 0; total < WRITE_TURN;) {
        size_t n = ws->request.len, payload;
        const void *p = ws->request.data;
        if (n == 0 && ws->state == WS_OPEN)
            p = dp_wsq_front(&ws->out, &n, &payload);
        if (n == 0 || p == NULL)
            return true;
        const struct iovec iov = {.iov_base = (void *)p, .iov_len = n};
        const ssize_t put = dp_stream_writev(ws->stream, &iov, 1);
        if (put < 0) {
            if (put == DEPOT_ERR_AGAIN)
                ws->blocked = true;
            else
                ws_mute(ws);
            return false;
        }
        if (ws->request.len > 0)
            depot_buf_consume(&ws->request, (size_t)put);
        else
            dp_wsq_wrote(&ws->out, (size_t)put);
        total += (size_t)put;
    }
    ws_flush_soon(ws);
    return false;
}

static void send_close(struct dp_ws *ws, unsigned code)
{
    uint8_t body[DEPOT_WS_CONTROL_MAX];
    ws->close_sent = true;
    dp_wsq_message(&ws->out, DEPOT_WS_CLOSE, body, depot_ws_close(body, code, ""));
    depot_timer_start(ws->timer, CLOSE_MS, 0);
}

/* False when the connection is gone. */
static bool ws_flush(struct dp_ws *ws)
{
    bool all = !ws->blocked && !ws->mute && write_out(ws);
    if (ws->above_mark && ws->out.queued < DP_WS_LOW_MARK && !ws->mute) {
        ws->above_mark = false;
        if (ws->ops->writable != NULL)
            ws->ops->writable(ws, ws->arg);
        if (ws->stream == NULL)
            return false;
        all = all && ws->out.head == NULL;
    }
    if (!all || ws->state != WS_OPEN)
        return true;
    if (ws->peer_closed) {
        ws_end(ws);
        return false;
    }
    if (ws->finishing && !ws->close_sent) {
        send_close(ws, DP_WSF_NORMAL);
        ws_flush_soon(ws);
    }
    return true;
}

static bool takes_more(const struct dp_ws *ws)
{
    return ws->state != WS_CLOSED && !ws->finishing && !ws->peer_closed && !ws->mute;
}

void dp_ws_send(struct dp_ws *ws, const void *data, size_t n)
{
    if (!takes_more(ws))
        return;
    if (ws->bytes)
        dp_wsq_bytes(&ws->out, data, n);
    else
        dp_wsq_message(&ws->out, ws->binary ? DEPOT_WS_BINARY : DEPOT_WS_TEXT, data, n);
    if (ws->pace != NULL)
        dp_pace_hurry(ws->pace);
    ws_flush_soon(ws);
}

void dp_ws_send_text(struct dp_ws *ws, const char *text, size_t n)
{
    if (!takes_more(ws))
        return;
    dp_wsq_message(&ws->out, DEPOT_WS_TEXT, text, n);
    ws_flush_soon(ws);
}

size_t dp_ws_queued(const struct dp_ws *ws)
{
    return ws->out.queued;
}

void dp_ws_finish(struct dp_ws *ws)
{
    if (ws->state == WS_CLOSED)
        return;
    ws->finishing = true;
    ws_flush_soon(ws);
}

/* ---- receiving ---- */

static void on_close_frame(struct dp_ws *ws, const struct dp_wsf_piece *piece)
{
    if (ws->close_sent) { /* the answer to ours: all is said */
        ws_end(ws);
        return;
    }
    ws->has_why = true;
    dp_ws_explain_close(&ws->addr, piece->data, piece->n, &ws->why);
    ws->peer_closed = true;
    dp_wsq_drop(&ws->out);
    dp_wsq_message(&ws->out, DEPOT_WS_CLOSE, piece->data, piece->n < 2 ? 0 : 2);
    depot_timer_start(ws->timer, CLOSE_MS, 0);
    ws_flush_soon(ws);
}

static void ws_dispatch(struct dp_ws *ws, const struct dp_wsf_piece *piece)
{
    switch (piece->op) {
    case DEPOT_WS_PING:
        if (takes_more(ws)) {
            dp_wsq_pong(&ws->out, piece->data, piece->n);
            ws_flush_soon(ws);
        }
        break;
    case DEPOT_WS_PONG:
        break;
    case DEPOT_WS_CLOSE:
        on_close_frame(ws, piece);
        break;
    default:
        if (!ws->close_sent && (piece->n > 0 || !ws->bytes))
            ws->ops->message(ws, piece->data, piece->n, ws->arg);
    }
}

/* What came cannot be taken. The close frame that says so is written if it can be at once. */
static void ws_broken(struct dp_ws *ws, int rc)
{
    const bool big = rc == DEPOT_ERR_TOO_BIG;
    ws->has_why = true;
    if (big) {
        depot_error_set(&ws->why, DEPOT_ERR_TOO_BIG, "%s sent a message of more than %zu bytes",
            ws->addr.text, ws->in.max);
    } else {
        depot_error_set(
            &ws->why, DEPOT_ERR_PROTOCOL, "%s sent what is no WebSocket frame", ws->addr.text);
        depot_error_hint(&ws->why, "is there a proxy between that changes what it passes on?");
    }
    if (!ws->close_sent && !ws->mute && !ws->blocked) {
        dp_wsq_drop(&ws->out);
        send_close(ws, big ? DP_WSF_TOO_BIG : DP_WSF_PROTOCOL_ERROR);
        (void)write_out(ws);
    }
    ws_end(ws);
}

static void ws_refused(struct dp_ws *ws, int status)
{
    struct depot_error err;
    depot_error_clear(&err);
    dp_ws_explain_refusal(&ws->addr, ws->path, ws->token != NULL, status, &err);
    ws_closed(ws, status, &err);
}

/* From now on it is the one that was chosen. */
static void take_protocol(struct dp_ws *ws, size_t head)
{
    size_t n = 0;
    const char *chosen = dp_wsh_protocol(ws->rx, head, ws->protocol, &n);
    char *protocol = depot_strndup(chosen, n);
    depot_free(ws->protocol);
    ws->protocol = protocol;
}

const char *dp_ws_protocol(const struct dp_ws *ws)
{
    return ws->protocol;
}

static void on_answer(struct dp_ws *ws)
{
    int status = 0;
    const ssize_t head = dp_wsh_answer(ws->rx, ws->rx_len, ws->protocol, ws->key, &status);
    if (head < 0)
        ws_refused(ws, status);
    if (head <= 0)
        return;
    take_protocol(ws, (size_t)head);
    ws->rx_at = (size_t)head; /* frames may follow in the same bytes */
    ws->state = WS_OPEN;
    ws->heard_ms = depot_mono_ms();
    depot_timer_stop(ws->timer);
    if (ws->addr.kind == DEPOT_ADDR_TCP)
        depot_timer_start(ws->timer, PING_MS, 0);
    ws->ops->open(ws, ws->arg);
    if (ws->stream != NULL)
        ws_flush_soon(ws);
}

static bool takes_frames(const struct dp_ws *ws)
{
    return ws->state == WS_OPEN && !ws->paused && !ws->peer_closed;
}

/* Look at what was read. */
static void ws_take(struct dp_ws *ws)
{
    struct dp_wsf_piece piece;
    if (ws->state == WS_SHAKING)
        on_answer(ws);
    while (takes_frames(ws) && ws->rx_at < ws->rx_len) {
        const uint8_t *p = (const uint8_t *)ws->rx + ws->rx_at;
        size_t n = ws->rx_len - ws->rx_at;
        const int rc = ws->bytes ? dp_wsf_next(&ws->in.frames, &p, &n, &piece)
                                 : dp_wsm_next(&ws->in, &p, &n, &piece);
        ws->rx_at = ws->rx_len - n;
        if (rc < 0)
            ws_broken(ws, rc);
        else if (rc > 0)
            ws_dispatch(ws, &piece);
    }
    ws_want(ws);
}

/* What reading is for now. */
static bool wants_read(const struct dp_ws *ws)
{
    return ws->state == WS_SHAKING || (takes_frames(ws) && ws->rx_at == ws->rx_len);
}

/* ... and when the stream is to tell that it can be. */
static bool watches_read(const struct dp_ws *ws)
{
    return wants_read(ws) && !dp_pace_holds(ws->pace);
}

static void ws_want(struct dp_ws *ws)
{
    if (ws->stream != NULL)
        dp_stream_want(
            ws->stream, (watches_read(ws) ? DEPOT_READ : 0) | (ws->blocked ? DEPOT_WRITE : 0));
}

/* The stream has ended, or broke. */
static void ws_ended(struct dp_ws *ws, int rc)
{
    if (ws->state == WS_SHAKING) {
        struct depot_error err;
        depot_error_clear(&err);
        dp_ws_explain_silence(&ws->addr, rc, &err);
        ws_closed(ws, 0, &err);
        return;
    }
    ws_end(ws);
}

/* The stream has no more for now. */
static void ws_read_all(struct dp_ws *ws, size_t total)
{
    if (ws->pace == NULL || total == 0)
        return;
    dp_pace_took(ws->pace, total);
    ws_want(ws);
}

static void ws_read(struct dp_ws *ws)
{
    for (size_t total = 0; total < READ_TURN && wants_read(ws);) {
        const size_t at = ws->state == WS_SHAKING ? ws->rx_len : 0;
        const ssize_t got = dp_stream_read(ws->stream, ws->rx + at, RX_BUFFER - at);
        if (got == DEPOT_ERR_AGAIN) {
            ws_read_all(ws, total);
            return;
        }
        if (got <= 0) {
            ws_ended(ws, (int)got);
            return;
        }
        ws->heard_ms = depot_mono_ms();
        ws->rx_at = 0;
        ws->rx_len = at + (size_t)got;
        ws_take(ws);
        total += (size_t)got;
        if (ws->rx_len < RX_BUFFER) { /* that was all there is */
            ws_read_all(ws, total);
            return;
        }
    }
}

static void on_pace(void *arg)
{
    struct dp_ws *ws = arg;
    ws_read(ws);
    ws_want(ws);
}

static void on_ready(struct dp_stream *s, unsigned events, void *arg)
{
    struct dp_ws *ws = arg;
    DEPOT_UNUSED(s);
    if (events & DEPOT_WRITE) {
        ws->blocked = false;
        if (!ws_flush(ws))
            return;
        ws_want(ws);
    }
    if (events & DEPOT_READ)
        ws_read(ws);
}

static void on_resume(void *arg)
{
    struct dp_ws *ws = arg;
    if (!ws_released(ws) && ws->stream != NULL)
        ws_take(ws);
}

void dp_ws_pause(struct dp_ws *ws, bool paused)
{
    if (ws->paused == paused)
        return;
    ws->paused = paused;
    ws->heard_ms = depot_mono_ms();
    if (!paused && ws->stream != NULL && ws->rx_at < ws->rx_len)
        ws_defer(ws, on_resume);
    ws_want(ws);
}

/* ---- time ---- */

static void check_idle(struct dp_ws *ws)
{
    const uint64_t silent_ms = depot_mono_ms() - ws->heard_ms;
    if (!ws->paused && silent_ms >= HANGUP_MS) {
        ws->has_why = true;
        depot_error_set(&ws->why, DEPOT_ERR_UNAVAILABLE,
            "the connection to %s was lost: no sign of life for %d s", ws->addr.text,
            HANGUP_MS / 1000);
        depot_error_hint(&ws->why, "check the network between");
        ws_end(ws);
        return;
    }
    if (silent_ms >= PING_MS) {
        dp_wsq_message(&ws->out, DEPOT_WS_PING, "", 0);
        ws_flush_soon(ws);
    }
    depot_timer_start(ws->timer, PING_MS, 0);
}

static void on_timer(struct depot_timer *t, void *arg)
{
    struct dp_ws *ws = arg;
    DEPOT_UNUSED(t);
    if (ws->state == WS_SHAKING)
        ws_ended(ws, ws->mute ? DEPOT_ERR_UNAVAILABLE : DEPOT_ERR_TIMEOUT);
    else if (ws->close_sent || ws->peer_closed || ws->mute)
        ws_end(ws);
    else
        check_idle(ws);
}

/* ---- connecting ---- */

static void host_header(const struct dp_ws *ws, char out[HOST_MAX])
{
    if (ws->addr.kind == DEPOT_ADDR_UNIX) {
        snprintf(out, HOST_MAX, "localhost");
        return;
    }
    const char *name = ws->server_name != NULL ? ws->server_name : ws->addr.host;
    const char *fmt = strchr(name, ':') != NULL ? "[%s]:%d" : "%s:%d";
    snprintf(out, HOST_MAX, fmt, name, ws->addr.port);
}

static void on_connected(
    struct dp_connect *c, struct dp_stream *stream, const struct depot_error *err, void *arg)
{
    struct dp_ws *ws = arg;
    char host[HOST_MAX];
    ws->connect = NULL;
    dp_connect_free(c);
    if (stream == NULL) {
        struct depot_error why = *err;
        dp_ws_explain_connect(&ws->addr, &why);
        ws_closed(ws, 0, &why);
        return;
    }
    ws->state = WS_SHAKING;
    ws->stream = stream;
    ws->rx = depot_alloc(RX_BUFFER);
    host_header(ws, host);
    dp_wsh_key(ws->key);
    dp_wsh_request(&ws->request, host, ws->path, ws->protocol, ws->token, ws->header, ws->key);
    depot_timer_start(ws->timer, ANSWER_MS, 0);
    dp_stream_listen(stream, on_ready, ws);
    (void)write_out(ws);
    ws_want(ws);
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

static struct dp_ws *ws_new(struct dp_ws_context *c, const struct dp_ws_opts *opts)
{
    struct dp_ws *ws = depot_calloc(1, sizeof(*ws));
    ws->loop = c->loop;
    depot_addr_copy(&ws->addr, opts->addr);
    if (opts->tls != NULL && !depot_str_empty(opts->tls->server_name))
        ws->server_name = depot_strdup(opts->tls->server_name);
    ws->path = depot_strdup(opts->path);
    ws->protocol = depot_strdup(opts->protocol);
    ws->token = depot_str_empty(opts->token) ? NULL : depot_strdup(opts->token);
    ws->header = depot_strdup(opts->header);
    ws->binary = opts->binary;
    ws->bytes = opts->stream;
    ws->out.plain = opts->addr->kind == DEPOT_ADDR_UNIX;
    depot_buf_init(&ws->request, DEPOT_BUF_NO_LIMIT);
    dp_wsm_init(&ws->in, opts->max_message != 0 ? opts->max_message : MESSAGE_MAX);
    ws->timer = depot_timer_new(c->loop, on_timer, ws);
    if (opts->paced)
        ws->pace = dp_pace_new(c->loop, &dp_pace_feed, on_pace, ws);
    return ws;
}

int dp_ws_open(struct dp_ws_context *c, const struct dp_ws_opts *opts, const struct dp_ws_ops *ops,
    void *arg, struct dp_ws **out, struct depot_error *err)
{
    int rc = check_opts(opts, err);
    if (rc < 0)
        return rc;
    struct dp_ws *ws = ws_new(c, opts);
    const bool tcp = opts->addr->kind == DEPOT_ADDR_TCP;
    const struct dp_connect_opts connect = {
        .addr = opts->addr, .tls = tcp ? opts->tls : NULL, .tls_store = c->tls};
    ws->ops = ops;
    ws->arg = arg;
    rc = dp_connect(c->loop, &connect, on_connected, ws, &ws->connect, err);
    if (rc < 0) {
        dp_ws_free(ws);
        return rc;
    }
    *out = ws;
    return 0;
}
