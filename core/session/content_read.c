/*
 * Content/Read: a blob, or a part of one, and never faster than the engine takes it.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "session/content_call.h"

enum {
    REQUEST_MAX = 4096,
    TURN_BYTES = 1024 * 1024, /* before the loop gets its turn */
};

struct reading {
    struct dp_scall base;
    const struct dp_session_store *store;
    struct depot_buf request;
    int fd;
    int64_t at, end;
    bool asked, over;
};

static void over(struct reading *r)
{
    r->over = true;
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

static void respond(struct reading *r, int code, const char *text)
{
    over(r);
    dp_grpc_respond(r->base.call, code, text);
}

static void start(struct reading *r)
{
    struct dp_content_request req;
    struct depot_error err;
    struct stat st;
    depot_error_clear(&err);
    int rc = dp_content_decode(DP_CONTENT_READ_RANGE, r->request.data, r->request.len, &req, &err);
    if (rc == 0)
        rc = dp_blob_open(r->store->path, req.name, &r->fd, &st, &err);
    if (rc != 0) {
        over(r);
        dp_session_respond_error(r->base.call, &err);
        return;
    }
    if (req.offset > st.st_size) {
        respond(r, DP_GRPC_OUT_OF_RANGE, "read past the end of the content");
        return;
    }
    r->at = req.offset;
    r->end = st.st_size;
    if (req.size > 0 && req.size < r->end - r->at)
        r->end = r->at + req.size;
    dp_scall_wake(&r->base);
}

/* All of `n` bytes: a blob does not change. */
static bool read_exactly(struct reading *r, char *out, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t k = pread(r->fd, out + got, n - got, (off_t)(r->at + (int64_t)got));
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false;
        got += (size_t)k;
    }
    return true;
}

/* The next piece, read into the very message that carries it. */
static bool send_piece(struct reading *r, size_t n)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    uint8_t head[DP_CONTENT_HEAD_MAX];
    size_t len = dp_content_read_head(head, r->at, n);
    char *p = depot_buf_reserve(&b, len + n);
    memcpy(p, head, len);
    bool ok = read_exactly(r, p + len, n);
    if (ok) {
        b.len = len + n;
        dp_grpc_send_take(r->base.call, &b);
        r->at += (int64_t)n;
    }
    depot_buf_release(&b);
    return ok;
}

static void pump(struct dp_scall *c)
{
    struct reading *r = DEPOT_CONTAINER_OF(c, struct reading, base);
    size_t moved = 0;
    while (!r->over && dp_grpc_queued(c->call) < DP_SESSION_QUEUE_HIGH) {
        int64_t left = r->end - r->at;
        size_t n = left < DP_SESSION_CHUNK ? (size_t)left : DP_SESSION_CHUNK;
        if (n > 0 && !send_piece(r, n)) {
            respond(r, DP_GRPC_DATA_LOSS, "the content ended early");
        } else if (r->at == r->end) { /* the engine waits for this word: not a turn later */
            respond(r, DP_GRPC_OK, "");
        } else if ((moved += n) >= TURN_BYTES) {
            dp_scall_wake(c);
            return;
        }
    }
}

static void on_message(struct dp_grpc_call *call, const uint8_t *data, size_t n, void *arg)
{
    struct reading *r = arg;
    DEPOT_UNUSED(call);
    if (r->asked)
        return;
    depot_buf_clear(&r->request);
    depot_buf_add(&r->request, data, n);
}

static void on_half_closed(struct dp_grpc_call *call, void *arg)
{
    struct reading *r = arg;
    DEPOT_UNUSED(call);
    if (r->asked)
        return;
    r->asked = true;
    if (r->request.overflow)
        respond(r, DP_GRPC_RESOURCE_EXHAUSTED, "request too long");
    else
        start(r);
}

static void on_writable(struct dp_grpc_call *call, void *arg)
{
    struct reading *r = arg;
    DEPOT_UNUSED(call);
    if (!r->over && r->fd >= 0)
        dp_scall_wake(&r->base);
}

static void on_done(struct dp_grpc_call *call, const struct dp_grpc_status *st, void *arg)
{
    struct reading *r = arg;
    DEPOT_UNUSED(call);
    DEPOT_UNUSED(st);
    dp_scall_end(&r->base);
}

static void reading_free(struct dp_scall *c)
{
    struct reading *r = DEPOT_CONTAINER_OF(c, struct reading, base);
    over(r);
    depot_buf_release(&r->request);
    depot_free(r);
}

static const struct dp_scall_ops scall_ops = {.pump = pump, .free = reading_free};
static const struct dp_grpc_call_ops call_ops = {
    .message = on_message,
    .half_closed = on_half_closed,
    .writable = on_writable,
    .done = on_done,
};

void dp_session_open_content_read(struct dp_grpc_call *call, void *arg)
{
    struct dp_session *s = arg;
    const struct dp_session_store *store = dp_content_store(s, call);
    if (store == NULL)
        return;
    struct reading *r = depot_calloc(1, sizeof(*r));
    r->store = store;
    r->fd = -1;
    depot_buf_init(&r->request, REQUEST_MAX);
    dp_scall_init(&r->base, &scall_ops, s, call);
    dp_grpc_accept(call, &call_ops, r);
}
