/*
 * A session's bytes, relayed: Control.Session on a connection of its own. Gigabytes pass here, so
 * what comes is handed on where it lies, and what goes out is copied once, into its message.
 */
#include "buildkit/bk.h"

enum {
    CHUNK_MAX = 1024 * 1024,      /* engines before 0.13 take 4 MiB at most in one message */
    EARLY_MAX = 16 * 1024 * 1024, /* written before the connection is up */
};

struct depot_bk_session {
    struct depot_loop *loop;
    struct dp_bk_link link;
    struct dp_bk_rpc rpc;
    const struct depot_bk_session_ops *ops;
    void *arg;
    struct depot_buf early;
    bool ended; /* half-closed by us, maybe before the connection is up */
    bool dead;
};

static void send_chunks(struct depot_bk_session *s, const char *data, size_t n)
{
    while (n > 0) {
        const size_t chunk = n < CHUNK_MAX ? n : CHUNK_MAX;
        uint8_t head[DP_PB_BYTES_HEAD_MAX];
        const struct iovec pieces[] = {
            {.iov_base = head, .iov_len = dp_pb_bytes_head(head, chunk)},
            {.iov_base = (void *)(uintptr_t)data, .iov_len = chunk},
        };
        dp_grpc_send_pieces(s->rpc.call, pieces, DEPOT_ARRAY_LEN(pieces));
        data += chunk;
        n -= chunk;
    }
}

static void on_begun(struct dp_bk_rpc *r, void *arg)
{
    struct depot_bk_session *s = arg;
    send_chunks(s, depot_buf_str(&s->early), s->early.len);
    depot_buf_release(&s->early);
    if (s->ended)
        dp_grpc_send_end(r->call);
}

static void on_message(struct dp_bk_rpc *r, const uint8_t *msg, size_t n, void *arg)
{
    struct depot_bk_session *s = arg;
    const uint8_t *data;
    size_t len;
    if (dp_pb_bytes_message(msg, n, &data, &len) < 0) {
        struct depot_error err;
        depot_error_set(&err, DEPOT_ERR_PROTOCOL, "malformed session message");
        dp_bk_rpc_release(r);
        s->ops->done(s, &err, s->arg);
    } else if (len > 0) {
        s->ops->data(s, data, len, s->arg);
    }
}

static void on_writable(struct dp_bk_rpc *r, void *arg)
{
    (void)r;
    struct depot_bk_session *s = arg;
    if (s->ops->writable != NULL)
        s->ops->writable(s, s->arg);
}

static void on_done(
    struct dp_bk_rpc *r, const struct dp_grpc_status *st, const struct depot_error *err, void *arg)
{
    (void)r;
    (void)st;
    struct depot_bk_session *s = arg;
    s->ops->done(s, err, s->arg);
}

int depot_bk_session_open(struct depot_bk *bk, const char *id, const char *shared_key,
    const struct depot_strv *methods, const struct depot_bk_session_ops *ops, void *arg,
    struct depot_bk_session **out, struct depot_error *err)
{
    static const struct dp_bk_rpc_ops rpc_ops = {
        .begun = on_begun, .message = on_message, .writable = on_writable, .done = on_done};
    struct depot_bk_session *s = depot_calloc(1, sizeof(*s));
    s->loop = bk->loop;
    s->ops = ops;
    s->arg = arg;
    depot_buf_init(&s->early, EARLY_MAX);
    dp_bk_link_init(&s->link, bk);
    dp_bk_rpc_init(&s->rpc, &s->link, DP_BK_CONTROL "Session", &rpc_ops, s);
    s->rpc.stream_out = true;
    dp_bk_rpc_md(&s->rpc, "x-docker-expose-session-uuid", id);
    dp_bk_rpc_md(&s->rpc, "x-docker-expose-session-name", "depot");
    if (!depot_str_empty(shared_key))
        dp_bk_rpc_md(&s->rpc, "x-docker-expose-session-sharedkey", shared_key);
    for (size_t i = 0; i < methods->len; i++)
        dp_bk_rpc_md(&s->rpc, "x-docker-expose-session-grpc-method", methods->items[i]);
    int rc = dp_bk_rpc_start(&s->rpc, err);
    if (rc < 0)
        depot_bk_session_free(s);
    else
        *out = s;
    return rc;
}

/* More than EARLY_MAX before the connection is up comes from a peer that ignores back-pressure: its
 * session ends where the gap would be. */
void depot_bk_session_write(struct depot_bk_session *s, const void *data, size_t n)
{
    if (s->ended || s->dead)
        return;
    if (s->rpc.call != NULL)
        send_chunks(s, data, n);
    else if (s->rpc.is_waiting)
        depot_buf_add(&s->early, data, n);
    if (s->early.overflow)
        s->ended = true;
}

size_t depot_bk_session_queued(const struct depot_bk_session *s)
{
    return s->early.len + (s->rpc.call != NULL ? dp_grpc_queued(s->rpc.call) : 0);
}

void depot_bk_session_end(struct depot_bk_session *s)
{
    if (s->ended || s->dead)
        return;
    s->ended = true;
    if (s->rpc.call != NULL)
        dp_grpc_send_end(s->rpc.call);
}

void depot_bk_session_free(struct depot_bk_session *s)
{
    if (s == NULL || s->dead)
        return;
    s->dead = true;
    dp_bk_rpc_release(&s->rpc);
    dp_bk_link_release(&s->link);
    depot_buf_release(&s->early);
    depot_loop_defer(s->loop, depot_free, s);
}
