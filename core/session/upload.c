/*
 * Upload/Pull: a context that came as an archive on a descriptor. A pipe can be read once; a file
 * has a reader for each call, at a place of its own.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/internal.h"
#include "grpc/pb.h"

enum {
    UPLOAD_CHUNK = 64 * 1024,
    UPLOAD_TURN = 1024 * 1024, /* read before the loop gets its turn */
};

struct upload {
    struct dp_scall base;
    struct depot_loop_fd *watch;
    off_t at; /* in a file; -1: not one */
    bool over;
};

static void over(struct upload *u)
{
    u->over = true;
    depot_loop_fd_free(u->watch);
    u->watch = NULL;
}

static void fail(struct upload *u, int errnum)
{
    struct depot_error err;
    depot_error_errno(&err, errnum, "cannot read the context from standard input");
    over(u);
    dp_grpc_respond(u->base.call, DP_GRPC_UNKNOWN, err.msg);
    dp_session_problem(u->base.s, &err);
}

static void on_fd(struct depot_loop_fd *w, unsigned events, void *arg)
{
    struct upload *u = arg;
    DEPOT_UNUSED(events);
    depot_loop_fd_set(w, 0);
    dp_scall_wake(&u->base);
}

/* Nothing to read now: be told when there is. */
static void wait(struct upload *u)
{
    struct depot_error err;
    int rc = 0;
    if (u->watch != NULL)
        depot_loop_fd_set(u->watch, DEPOT_READ);
    else
        rc = depot_loop_fd_new(
            u->base.s->loop, u->base.s->cfg->upload_fd, DEPOT_READ, on_fd, u, &u->watch, &err);
    if (rc < 0)
        dp_scall_wake(&u->base); /* not a thing to wait for: ask again */
}

/* One piece into a message: bytes, 0 at the end, or a negative errno. */
static ssize_t read_piece(struct upload *u)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    enum { HEAD = 1 + 3 }; /* the length as three bytes, whatever it is */
    uint8_t *p = (uint8_t *)depot_buf_reserve(&b, HEAD + UPLOAD_CHUNK);
    const int fd = u->base.s->cfg->upload_fd;
    ssize_t n =
        u->at < 0 ? read(fd, p + HEAD, UPLOAD_CHUNK) : pread(fd, p + HEAD, UPLOAD_CHUNK, u->at);
    int failed = errno;
    if (u->at >= 0 && n > 0)
        u->at += n;
    if (n > 0) {
        p[0] = 1 << 3 | DP_PB_BYTES;
        p[1] = (uint8_t)(n | 0x80);
        p[2] = (uint8_t)(n >> 7 | 0x80);
        p[3] = (uint8_t)(n >> 14);
        b.len = (size_t)n + HEAD;
        dp_grpc_send_take(u->base.call, &b);
    }
    depot_buf_release(&b);
    return n < 0 ? -failed : n;
}

static void pump(struct dp_scall *c)
{
    struct upload *u = DEPOT_CONTAINER_OF(c, struct upload, base);
    size_t moved = 0;
    while (!u->over && dp_grpc_queued(c->call) < DP_SESSION_QUEUE_HIGH) {
        /* The descriptor is shared with others, so it is not made non-blocking. */
        struct pollfd p = {.fd = c->s->cfg->upload_fd, .events = POLLIN};
        if (poll(&p, 1, 0) == 0) {
            wait(u);
            return;
        }
        ssize_t n = read_piece(u);
        if (n == -EAGAIN) {
            wait(u);
            return;
        }
        if (n == 0) {
            over(u);
            dp_grpc_respond(c->call, DP_GRPC_OK, "");
        } else if (n < 0 && n != -EINTR) {
            fail(u, (int)-n);
        } else if (n > 0 && (moved += (size_t)n) >= UPLOAD_TURN) {
            dp_scall_wake(c);
            return;
        }
    }
}

static void on_message(struct dp_grpc_call *call, const uint8_t *data, size_t n, void *arg)
{
    DEPOT_UNUSED(call);
    DEPOT_UNUSED(data);
    DEPOT_UNUSED(n);
    DEPOT_UNUSED(arg);
}

static void on_writable(struct dp_grpc_call *call, void *arg)
{
    struct upload *u = arg;
    DEPOT_UNUSED(call);
    if (!u->over)
        dp_scall_wake(&u->base);
}

static void on_done(struct dp_grpc_call *call, const struct dp_grpc_status *st, void *arg)
{
    struct upload *u = arg;
    DEPOT_UNUSED(call);
    DEPOT_UNUSED(st);
    dp_scall_end(&u->base);
}

static void upload_free(struct dp_scall *c)
{
    struct upload *u = DEPOT_CONTAINER_OF(c, struct upload, base);
    over(u);
    depot_free(u);
}

static const struct dp_scall_ops scall_ops = {.pump = pump, .free = upload_free};
static const struct dp_grpc_call_ops call_ops = {
    .message = on_message,
    .writable = on_writable,
    .done = on_done,
};

void dp_session_open_upload(struct dp_grpc_call *call, void *arg)
{
    struct dp_session *s = arg;
    char *path = dp_session_md(call, "urlpath", 0);
    bool ours = path != NULL && path[0] == '/' && depot_str_eq(path + 1, s->cfg->upload_id);
    depot_free(path);
    if (!ours) {
        dp_grpc_respond(call, DP_GRPC_NOT_FOUND, "no such upload");
        return;
    }
    struct upload *u = depot_calloc(1, sizeof(*u));
    struct stat st;
    u->at = fstat(s->cfg->upload_fd, &st) == 0 && S_ISREG(st.st_mode) ? s->cfg->upload_at : -1;
    dp_scall_init(&u->base, &scall_ops, s, call);
    dp_grpc_accept(call, &call_ops, u);
    dp_scall_wake(&u->base);
}
