/*
 * A call: its public functions, the delivery of what it received, and how it ends. Frames and I/O
 * are events.c and h2.c.
 */
#include "grpc/conn.h"
#include "grpc/status.h"

#include <string.h>

enum { KEEP_HELD = 64 * 1024 }; /* a held buffer larger than this is given back when empty */

/* ---- lists ---- */
static struct dp_grpc_call **bucket_of(struct dp_grpc_conn *h, int32_t id)
{
    return &h->buckets[((uint32_t)id >> 1) % DP_H2_BUCKETS];
}

struct dp_grpc_call *dp_call_find(struct dp_grpc_conn *h, int32_t id)
{
    struct dp_grpc_call *c = *bucket_of(h, id);
    while (c != NULL && c->id != id)
        c = c->bucket_next;
    return c;
}

struct dp_grpc_call *dp_call_new(struct dp_grpc_conn *h, int32_t id)
{
    struct dp_grpc_call *c = depot_calloc(1, sizeof(*c));
    struct dp_grpc_call **bucket = bucket_of(h, id);
    c->conn = h;
    c->id = id;
    c->peer_code = -1;
    c->local_code = -1;
    dp_grpc_dec_init(&c->dec, DP_GRPC_MAX_MESSAGE);
    /* nghttp2 holds the peer to the window; padding is not counted against us here. */
    depot_buf_init(&c->held, 2 * h->stream_window + DP_H2_WINDOW_MIN);
    depot_buf_init(&c->http_body, DP_H2_HTTP_BODY);
    c->bucket_next = *bucket;
    *bucket = c;
    TAILQ_INSERT_TAIL(&h->calls, c, link);
    h->ncalls++;
    return c;
}

/* Off all lists, into the grave. */
static void unlink_call(struct dp_grpc_call *c)
{
    struct dp_grpc_conn *h = c->conn;
    struct dp_grpc_call **at = bucket_of(h, c->id);
    while (*at != c)
        at = &(*at)->bucket_next;
    *at = c->bucket_next;
    if (c->notified)
        TAILQ_REMOVE(&h->notify, c, nlink);
    c->notified = false;
    TAILQ_REMOVE(&h->calls, c, link);
    TAILQ_INSERT_TAIL(&h->graves, c, link);
    h->ncalls--;
    c->finished = true;
}

void dp_call_destroy(struct dp_grpc_call *c)
{
    depot_arena_release(&c->arena);
    depot_vec_free(&c->md);
    depot_free(c->peer_message);
    depot_free(c->details);
    depot_free(c->local_message);
    depot_free(c->over_message);
    dp_grpc_dec_release(&c->dec);
    depot_buf_release(&c->held);
    depot_buf_release(&c->http_body);
    dp_grpc_queue_clear(&c->queue);
    depot_free(c);
}

static void push_quietly(struct dp_grpc_call *c)
{
    if (c->notified || c->finished)
        return;
    c->notified = true;
    TAILQ_INSERT_TAIL(&c->conn->notify, c, nlink);
}

void dp_call_notify_push(struct dp_grpc_call *c)
{
    push_quietly(c);
    dp_h2_schedule(c->conn);
}

/* ---- how a call ends ---- */
void dp_call_reset(struct dp_grpc_call *c, uint32_t h2_error)
{
    if (c->conn->session == NULL)
        return;
    (void)nghttp2_submit_rst_stream(c->conn->session, NGHTTP2_FLAG_NONE, c->id, h2_error);
    dp_h2_schedule(c->conn);
}

void dp_call_over(struct dp_grpc_call *c, bool drop_held, int code, const char *fmt, ...)
{
    if (c->over || c->finished)
        return;
    va_list ap;
    va_start(ap, fmt);
    c->over_message = depot_vasprintf(fmt, ap);
    va_end(ap);
    c->over = true;
    c->over_code = code;
    c->drop_held = drop_held;
    dp_grpc_queue_clear(&c->queue);
    dp_call_notify_push(c);
}

/* Client: the server's status, or what its HTTP answer amounts to. False: it said nothing. */
static bool over_by_answer(struct dp_grpc_call *c)
{
    if (c->peer_code >= 0)
        dp_call_over(c, false, c->peer_code, "%s", c->peer_message != NULL ? c->peer_message : "");
    else if (c->http_status != 0 && (c->http_status != 200 || !c->is_grpc))
        dp_call_over(c, true, dp_grpc_code_from_http(c->http_status),
            "the server answered HTTP %d instead of gRPC%s%s", c->http_status,
            c->http_body.len > 0 ? ": " : "", depot_buf_str(&c->http_body));
    return c->over;
}

void dp_call_remote_ended(struct dp_grpc_call *c)
{
    if (c->remote_ended)
        return;
    c->remote_ended = true;
    if (c->conn->server) {
        dp_call_notify_push(c);
        return;
    }
    if (!over_by_answer(c))
        dp_call_over(c, false, DP_GRPC_INTERNAL, "the server ended the call without a status");
    /* The server is through with the call: nothing more of ours would be read. */
    if (nghttp2_session_get_stream_local_close(c->conn->session, c->id) == 0)
        dp_call_reset(c, NGHTTP2_NO_ERROR);
}

void dp_call_closed(struct dp_grpc_call *c, uint32_t h2_error)
{
    if (c->over)
        return;
    if (c->conn->server)
        dp_call_over(c, true, DP_GRPC_CANCELLED, "the peer reset the call (%s)",
            nghttp2_http2_strerror(h2_error));
    else if (!over_by_answer(c))
        dp_call_over(c, true, dp_grpc_code_from_h2(h2_error), "the server reset the call (%s)",
            nghttp2_http2_strerror(h2_error));
}

void dp_call_lost(struct dp_grpc_call *c, const struct depot_error *err)
{
    if (c->over) {
        /* A status that was not written whole has not been sent. */
        if (c->status_sent && c->conn->out->bytes > 0)
            c->over_code = DP_GRPC_CANCELLED;
        dp_call_notify_push(c);
    } else if (c->conn->server) {
        dp_call_over(c, true, DP_GRPC_CANCELLED, "%s", err->msg);
    } else if (c->peer_code < 0 || !over_by_answer(c)) {
        dp_call_over(c, true, DP_GRPC_UNAVAILABLE, "%s", err->msg);
    }
}

static void finish(struct dp_grpc_call *c)
{
    if (!c->conn->server && c->over_code == DP_GRPC_OK && !dp_grpc_dec_idle(&c->dec)) {
        c->over_code = DP_GRPC_INTERNAL;
        depot_free(c->over_message);
        c->over_message = depot_strdup("the server's last message is cut short");
    }
    struct dp_grpc_status st = {
        .code = c->over_code,
        .message = c->over_message,
        .details = c->details,
        .details_len = c->details_len,
    };
    unlink_call(c);
    if (c->ops != NULL && c->ops->done != NULL)
        c->ops->done(c, &st, c->arg);
}

/* ---- receiving ---- */
static bool receives(const struct dp_grpc_call *c)
{
    return !c->finished && !c->conn->dead && !(c->conn->server && (c->send_ended || c->refused));
}

static void opened_window(struct dp_grpc_call *c, size_t n)
{
    if (n == 0 || c->conn->session == NULL)
        return;
    (void)nghttp2_session_consume_stream(c->conn->session, c->id, n);
}

static void bad_message(struct dp_grpc_call *c, int rc)
{
    bool big = rc == DEPOT_ERR_TOO_BIG;
    int code = big ? DP_GRPC_RESOURCE_EXHAUSTED : DP_GRPC_INTERNAL;
    const char *text = big ? "the peer sent a message larger than 64 MiB"
                           : "the peer sent a compressed message, which was not asked for";
    if (c->conn->server) {
        dp_grpc_respond(c, code, text);
        c->done_code = code;
        return;
    }
    if (!c->over)
        dp_call_reset(c, NGHTTP2_CANCEL);
    /* Worse than what the server said, if it is held data that turns out bad. */
    c->over = false;
    depot_free(c->over_message);
    dp_call_over(c, true, code, "%s", text);
}

/* Hand out the messages in data[0, n); gives how many bytes were taken: less than all when the
 * call was paused in between. */
static size_t deliver(struct dp_grpc_call *c, const uint8_t *data, size_t n)
{
    size_t left = n;
    while (receives(c) && !c->paused && !c->drop_held) {
        const uint8_t *msg;
        size_t len;
        int rc = dp_grpc_dec_next(&c->dec, &data, &left, &msg, &len);
        if (rc < 0)
            bad_message(c, rc);
        if (rc <= 0)
            break;
        if (c->ops->caught_up != NULL) {
            c->fresh = true;
            push_quietly(c);
        }
        c->ops->message(c, msg, len, c->arg);
    }
    if (!receives(c) || c->drop_held)
        left = 0;
    if (!c->conn->dead)
        opened_window(c, n - left);
    return n - left;
}

static bool has_held(const struct dp_grpc_call *c)
{
    return c->held.len > c->held_off;
}

static void deliver_held(struct dp_grpc_call *c)
{
    if (!has_held(c) || c->paused || c->ops == NULL || (c->over && c->drop_held))
        return;
    c->held_off +=
        deliver(c, (const uint8_t *)c->held.data + c->held_off, c->held.len - c->held_off);
    if (has_held(c))
        return;
    c->held_off = 0;
    if (c->held.cap > KEEP_HELD)
        depot_buf_release(&c->held);
    else
        depot_buf_clear(&c->held);
}

void dp_call_data(struct dp_grpc_call *c, const uint8_t *data, size_t n)
{
    size_t used = 0;
    if (c->over || !receives(c) || !c->is_grpc) {
        size_t room = DP_H2_HTTP_BODY - 1 - c->http_body.len;
        if (!c->is_grpc && !c->conn->server)
            depot_buf_add(&c->http_body, data, n < room ? n : room);
        opened_window(c, n);
        return;
    }
    if (!c->paused && c->ops != NULL && !has_held(c))
        used = deliver(c, data, n);
    if (used == n)
        return;
    if (c->held_off > c->held.len / 2) {
        depot_buf_consume(&c->held, c->held_off);
        c->held_off = 0;
    }
    depot_buf_add(&c->held, data + used, n - used);
}

/* ---- telling ---- */
static bool may_finish(struct dp_grpc_call *c)
{
    struct dp_grpc_conn *h = c->conn;
    if (c->opened && c->ops == NULL && !c->refused)
        return false; /* its owner has yet to say what becomes of it */
    if (!c->drop_held && has_held(c))
        return false;
    if (c->status_sent && !h->failed && h->out->bytes > 0 &&
        h->out->added - h->out->bytes < c->sent_mark) {
        push_quietly(c);
        return false;
    }
    return true;
}

static void notify_one(struct dp_grpc_call *c)
{
    struct dp_grpc_conn *h = c->conn;
    deliver_held(c);
    if (h->dead || c->finished)
        return;
    if (c->fresh) {
        c->fresh = false;
        c->ops->caught_up(c, c->arg);
        if (h->dead || c->finished)
            return;
    }
    if (c->writable_due) {
        c->writable_due = false;
        if (!c->over && c->ops != NULL && c->ops->writable != NULL)
            c->ops->writable(c, c->arg);
        if (h->dead || c->finished)
            return;
    }
    if (h->server && c->remote_ended && !c->half_told && !c->over && c->ops != NULL &&
        !has_held(c)) {
        c->half_told = true;
        if (!c->send_ended && c->ops->half_closed != NULL)
            c->ops->half_closed(c, c->arg);
        if (h->dead || c->finished)
            return;
    }
    if (c->over && may_finish(c))
        finish(c);
}

void dp_call_notify(struct dp_grpc_conn *h)
{
    struct dp_grpc_call *c;
    /* Once each: what comes up meanwhile is for the next round. */
    size_t n = 0;
    TAILQ_FOREACH (c, &h->notify, nlink)
        n++;
    while (n-- > 0 && !h->dead && (c = TAILQ_FIRST(&h->notify)) != NULL) {
        TAILQ_REMOVE(&h->notify, c, nlink);
        c->notified = false;
        notify_one(c);
    }
}

/* ---- public ---- */
int dp_grpc_call_new(struct dp_grpc_conn *h, const char *path, const struct dp_grpc_md *md,
    size_t nmd, const struct dp_grpc_call_ops *ops, void *arg, struct dp_grpc_call **out,
    struct depot_error *err)
{
    if (h->session == NULL)
        return depot_error_set(err, DEPOT_ERR_UNAVAILABLE, "%s: %s", path, h->err.msg);
    if (h->goaway)
        return depot_error_set(
            err, DEPOT_ERR_UNAVAILABLE, "%s: the server takes no more calls", path);
    int id = dp_h2_submit_request(h, path, md, nmd, err);
    if (id < 0)
        return id;
    struct dp_grpc_call *c = dp_call_new(h, id);
    c->ops = ops;
    c->arg = arg;
    dp_h2_schedule(h);
    *out = c;
    return 0;
}

void dp_grpc_accept(struct dp_grpc_call *c, const struct dp_grpc_call_ops *ops, void *arg)
{
    if (c->ops != NULL || c->refused || c->finished)
        return;
    c->ops = ops;
    c->arg = arg;
    if (!c->over)
        dp_h2_submit_accept(c);
    dp_call_notify_push(c);
}

static void resume(struct dp_grpc_call *c)
{
    if (c->send_deferred) {
        c->send_deferred = false;
        (void)nghttp2_session_resume_data(c->conn->session, c->id);
    }
    dp_h2_schedule(c->conn);
}

void dp_grpc_respond(struct dp_grpc_call *c, int code, const char *message)
{
    if (c->finished || c->send_ended || c->refused)
        return;
    c->local_code = code;
    c->local_message = depot_strdup(message != NULL ? message : "");
    if (c->ops == NULL) {
        c->refused = true;
        dp_grpc_queue_clear(&c->queue);
        if (!c->over)
            dp_h2_submit_trailers_only(c, "200");
        dp_call_notify_push(c);
    } else if (!c->over) {
        c->send_ended = true;
        resume(c);
    }
}

static bool can_send(const struct dp_grpc_call *c)
{
    return !c->finished && !c->over && !c->send_ended && !c->refused;
}

static void queued(struct dp_grpc_call *c)
{
    if (c->queue.bytes >= DP_GRPC_LOW_MARK)
        c->high = true;
    resume(c);
}

void dp_grpc_send(struct dp_grpc_call *c, const void *data, size_t n)
{
    if (!can_send(c))
        return;
    dp_grpc_queue_message(&c->queue, data, n);
    queued(c);
}

void dp_grpc_send_take(struct dp_grpc_call *c, struct depot_buf *take)
{
    if (!can_send(c)) {
        depot_buf_release(take);
        return;
    }
    dp_grpc_queue_message_take(&c->queue, take);
    queued(c);
}

void dp_grpc_send_pieces(struct dp_grpc_call *c, const struct iovec *pieces, size_t n)
{
    if (!can_send(c))
        return;
    dp_grpc_queue_pieces(&c->queue, pieces, n);
    queued(c);
}

void dp_grpc_send_end(struct dp_grpc_call *c)
{
    if (!can_send(c) || c->conn->server)
        return;
    c->send_ended = true;
    resume(c);
}

size_t dp_grpc_queued(const struct dp_grpc_call *c)
{
    return c->queue.bytes;
}

void dp_grpc_pause(struct dp_grpc_call *c, bool paused)
{
    if (c->paused == paused || c->finished)
        return;
    c->paused = paused;
    if (!paused && (has_held(c) || c->over))
        dp_call_notify_push(c);
}

void dp_grpc_call_free(struct dp_grpc_call *c)
{
    if (c == NULL || c->finished)
        return;
    struct dp_grpc_conn *h = c->conn;
    dp_h2_enter(h);
    /* Over by the peer's or our own status: the stream needs no reset, or had one. */
    if (!c->over)
        dp_call_reset(c, NGHTTP2_CANCEL);
    unlink_call(c);
    dp_h2_leave(h);
}
