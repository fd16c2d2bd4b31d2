/*
 * A connection: the stream's I/O around nghttp2, its life and its end. What frames mean is
 * events.c, what calls do is call.c.
 */
#define DEPOT_LOG_MODULE "grpc"
#include "grpc/conn.h"

#include <depot/log.h>

#include <stdio.h>
#include <string.h>

enum {
    READ_SIZE = 128 * 1024,
    READ_MAX = 512 * 1024,   /* read at one readiness before others get their turn */
    READ_SHORT = 16 * 1024,  /* a shorter read (a TLS record is no shorter) emptied the stream */
    WRITE_MAX = 1024 * 1024, /* the same for writing */
    ROUNDS = 4,
};

/* ---- the end ---- */
/* Code 0: in order. */
static void fail(struct dp_grpc_conn *h, int code, const char *fmt, ...) DEPOT_PRINTF(3, 4);

static void fail(struct dp_grpc_conn *h, int code, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    struct dp_grpc_call *c;
    if (h->failed || h->dead)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)depot_error_set(&h->err, (enum depot_err)code, "%s", text);
    depot_log_debug("connection to %s ended: %s", h->authority, text);
    h->failed = true;
    TAILQ_FOREACH (c, &h->calls, link)
        dp_call_lost(c, &h->err);
    dp_stream_close(h->stream);
    h->stream = NULL;
    nghttp2_session_del(h->session);
    h->session = NULL;
    dp_h2_schedule(h);
}

/* The peer is done, or nghttp2 is: say why. */
static void fail_ended(struct dp_grpc_conn *h, const char *what)
{
    struct dp_grpc_call *c;
    size_t cut = 0;
    TAILQ_FOREACH (c, &h->calls, link)
        cut += !c->over;
    if (h->sent_goaway_code != NGHTTP2_NO_ERROR && !h->goaway_rejected)
        fail(h, DEPOT_ERR_PROTOCOL, "the peer broke the HTTP/2 protocol (%s)",
            nghttp2_http2_strerror(h->sent_goaway_code));
    else if (h->goaway && h->goaway_code != NGHTTP2_NO_ERROR)
        fail(h, DEPOT_ERR_UNAVAILABLE, "the peer ended the connection: %s%s%s",
            nghttp2_http2_strerror(h->goaway_code), h->goaway_text[0] != '\0' ? ": " : "",
            h->goaway_text);
    else
        fail(h, cut > 0 ? DEPOT_ERR_UNAVAILABLE : 0, "%s", what);
}

static void fail_broken(struct dp_grpc_conn *h, int code)
{
    /* What ECONNRESET and EPIPE become on their way through the stream. */
    if (code == DEPOT_ERR_UNAVAILABLE)
        fail(h, code, "the peer cut the connection");
    else if (code == DEPOT_ERR_UNAUTHENTICATED)
        fail(h, code, "the peer demands a client certificate that it trusts");
    else
        fail(h, code, "the connection broke: %s", depot_err_text(code));
}

/* ---- reading ---- */
static bool receive(struct dp_grpc_conn *h, const uint8_t *data, size_t n)
{
    if (!h->heard && !h->server && n >= 5 && memcmp(data, "HTTP/", 5) == 0) {
        fail(h, DEPOT_ERR_PROTOCOL, "the peer speaks HTTP/1, not gRPC");
        return false;
    }
    h->heard = true;
    ssize_t rc = nghttp2_session_mem_recv(h->session, data, n);
    if (h->dead)
        return false;
    if (rc >= 0)
        return true;
    if (h->server && rc == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
        fail(h, DEPOT_ERR_PROTOCOL, "the peer does not speak HTTP/2");
    else
        fail(h, DEPOT_ERR_PROTOCOL, "HTTP/2 error: %s", nghttp2_strerror((int)rc));
    return false;
}

/* The stream has no more for now. */
static void read_all(struct dp_grpc_conn *h, size_t total)
{
    if (h->pace != NULL && total > 0)
        dp_pace_took(h->pace, total);
}

static void read_some(struct dp_grpc_conn *h)
{
    /* On the stack: a connection that is quiet costs no buffer. */
    uint8_t buf[READ_SIZE];
    size_t total = 0;
    while (total < READ_MAX) {
        ssize_t n = dp_stream_read(h->stream, buf, sizeof(buf));
        if (n == DEPOT_ERR_AGAIN) {
            read_all(h, total);
            return;
        }
        if (n < 0) {
            fail_broken(h, (int)n);
            return;
        }
        if (n == 0) {
            fail_ended(h, "the peer closed the connection");
            return;
        }
        if (!receive(h, buf, (size_t)n))
            return;
        total += (size_t)n;
        if (n < READ_SHORT) {
            read_all(h, total);
            return;
        }
    }
}

/* ---- writing ---- */
/* Put the next frames into the batch, which is empty; false when the session is broken. */
static bool fill(struct dp_grpc_conn *h)
{
    h->out_full = false;
    while (!h->out_full && dp_out_has_room(h->out)) {
        const uint8_t *data;
        ssize_t n = nghttp2_session_mem_send(h->session, &data);
        if (h->dead)
            return false;
        if (n < 0 || n > DP_OUT_FRAME) {
            fail(h, DEPOT_ERR_INTERNAL, "HTTP/2 error: %s",
                n < 0 ? nghttp2_strerror((int)n) : "frame too large");
            return false;
        }
        if (n == 0)
            break;
        /* DATA frames may have filled the batch before this one was given out. */
        dp_out_copy(h->out, data, (size_t)n);
    }
    return true;
}

static void write_failed(struct dp_grpc_conn *h, int code)
{
    /* The peer may have told us why before it went. */
    read_some(h);
    fail_broken(h, code);
}

static void flush(struct dp_grpc_conn *h)
{
    size_t written = 0;
    while (h->session != NULL) {
        struct dp_out *o = h->out;
        if (o->bytes == 0 && !fill(h))
            return;
        if (o->bytes == 0 || written >= WRITE_MAX)
            break;
        ssize_t n = dp_stream_writev(h->stream, o->iov + o->first, o->count);
        if (n == DEPOT_ERR_AGAIN)
            break;
        if (n <= 0) {
            write_failed(h, n < 0 ? (int)n : DEPOT_ERR_IO);
            return;
        }
        dp_out_written(o, (size_t)n);
        written += (size_t)n;
    }
    if (h->session == NULL)
        return;
    unsigned want = (dp_pace_holds(h->pace) ? 0 : (unsigned)DEPOT_READ) |
                    (h->out->bytes > 0 ? (unsigned)DEPOT_WRITE : 0);
    if (want != h->want)
        dp_stream_want(h->stream, want);
    h->want = want;
}

/* ---- turns ---- */
static void check_end(struct dp_grpc_conn *h)
{
    if (h->session != NULL && h->out->bytes == 0 && !nghttp2_session_want_read(h->session) &&
        !nghttp2_session_want_write(h->session))
        fail_ended(h, "the peer ended the connection");
    if (!h->failed || h->ncalls > 0 || h->closed_told)
        return;
    h->closed_told = true;
    if (h->ops != NULL && h->ops->closed != NULL)
        h->ops->closed(h, h->err.code != 0 ? &h->err : NULL, h->arg);
}

static void serve(struct dp_grpc_conn *h)
{
    for (int i = 0; i < ROUNDS && !h->dead; i++) {
        h->dirty = false;
        dp_call_notify(h);
        if (!h->dead)
            flush(h);
        if (!h->dead)
            dp_call_notify(h);
        if (!h->dirty)
            break;
    }
    if (!h->dead)
        check_end(h);
}

static void turn(struct dp_grpc_conn *h, bool reads)
{
    if (h->depth > 0 || h->failed)
        return; /* level-triggered: it comes again */
    dp_h2_enter(h);
    if (reads)
        read_some(h);
    serve(h);
    dp_h2_leave(h);
}

static void on_ready(struct dp_stream *s, unsigned events, void *arg)
{
    DEPOT_UNUSED(s);
    turn(arg, (events & DEPOT_READ) != 0);
}

/* Without waiting for the stream to say that it has something: it is busy. */
static void on_pace(void *arg)
{
    turn(arg, true);
}

static void on_deferred(void *arg)
{
    struct dp_grpc_conn *h = arg;
    h->scheduled = false;
    if (h->dead && h->depth == 0) {
        depot_free(h);
        return;
    }
    if (h->depth > 0)
        return; /* still dirty: the turn under way sees to it */
    dp_h2_enter(h);
    serve(h);
    dp_h2_leave(h);
}

void dp_h2_schedule(struct dp_grpc_conn *h)
{
    h->dirty = true;
    if (h->depth > 0 || h->scheduled || h->dead)
        return;
    h->scheduled = true;
    depot_loop_defer(h->loop, on_deferred, h);
}

static void reap(struct dp_call_list *list)
{
    struct dp_grpc_call *c;
    while ((c = TAILQ_FIRST(list)) != NULL) {
        TAILQ_REMOVE(list, c, link);
        dp_call_destroy(c);
    }
}

static void destroy(struct dp_grpc_conn *h)
{
    dp_pace_free(h->pace);
    dp_stream_close(h->stream);
    nghttp2_session_del(h->session);
    reap(&h->calls);
    reap(&h->graves);
    dp_out_free(h->out);
    depot_free(h->authority);
    if (!h->scheduled)
        depot_free(h);
}

void dp_h2_enter(struct dp_grpc_conn *h)
{
    h->depth++;
}

void dp_h2_leave(struct dp_grpc_conn *h)
{
    if (--h->depth > 0)
        return;
    if (h->dead) {
        destroy(h);
        return;
    }
    reap(&h->graves);
    if (h->dirty)
        dp_h2_schedule(h);
}

/* ---- public ---- */
static size_t clamp_window(size_t window)
{
    if (window == 0)
        return DP_H2_WINDOW;
    if (window < DP_H2_WINDOW_MIN)
        return DP_H2_WINDOW_MIN;
    return window < DP_H2_WINDOW_MAX ? window : DP_H2_WINDOW_MAX;
}

static int conn_new_take(struct dp_grpc_conn *h, struct dp_stream *take, size_t window,
    struct dp_grpc_conn **out, struct depot_error *err)
{
    window = clamp_window(window);
    TAILQ_INIT(&h->calls);
    TAILQ_INIT(&h->notify);
    TAILQ_INIT(&h->graves);
    h->stream = take;
    h->stream_window = window < DP_H2_STREAM_WINDOW ? window : DP_H2_STREAM_WINDOW;
    h->out = dp_out_new();
    int rc = dp_h2_session_new(h, window);
    if (rc != 0) {
        destroy(h);
        return depot_error_set(err, DEPOT_ERR_INTERNAL, "HTTP/2: %s", nghttp2_strerror(rc));
    }
    dp_stream_listen(h->stream, on_ready, h);
    h->want = DEPOT_READ;
    dp_stream_want(h->stream, h->want);
    dp_h2_schedule(h);
    *out = h;
    return 0;
}

int dp_grpc_client_new_take(struct depot_loop *l, struct dp_stream *take, const char *authority,
    size_t window, const struct dp_grpc_conn_ops *ops, void *arg, struct dp_grpc_conn **out,
    struct depot_error *err)
{
    struct dp_grpc_conn *h = depot_calloc(1, sizeof(*h));
    h->loop = l;
    h->ops = ops;
    h->arg = arg;
    h->authority = depot_strdup(authority != NULL ? authority : "localhost");
    return conn_new_take(h, take, window, out, err);
}

int dp_grpc_server_new_take(struct depot_loop *l, struct dp_stream *take,
    const struct dp_grpc_method *methods, size_t nmethods, size_t window,
    const struct dp_grpc_conn_ops *ops, void *arg, struct dp_grpc_conn **out,
    struct depot_error *err)
{
    struct dp_grpc_conn *h = depot_calloc(1, sizeof(*h));
    h->loop = l;
    h->server = true;
    h->methods = methods;
    h->nmethods = nmethods;
    h->ops = ops;
    h->arg = arg;
    h->authority = depot_strdup("the caller");
    return conn_new_take(h, take, window, out, err);
}

void dp_grpc_conn_free(struct dp_grpc_conn *h)
{
    if (h == NULL || h->dead)
        return;
    dp_h2_enter(h);
    h->dead = true;
    dp_h2_leave(h);
}

size_t dp_grpc_conn_calls(const struct dp_grpc_conn *h)
{
    return h->ncalls;
}

void dp_grpc_conn_pace(struct dp_grpc_conn *h, const struct dp_pace_rule *rule)
{
    if (h->dead)
        return;
    dp_pace_free(h->pace);
    h->pace = rule != NULL ? dp_pace_new(h->loop, rule, on_pace, h) : NULL;
    dp_h2_schedule(h); /* the stream is watched by what holds now */
}
