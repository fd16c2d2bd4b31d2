/*
 * SSH agent forwarding: raw bytes between a step of the build and the agent's socket.
 */
#include <depot/os.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "session/internal.h"
#include "grpc/pb.h"

enum {
    SSH_PENDING_MAX = 1024 * 1024, /* agents' messages have 256 KiB at most */
    SSH_ID_MAX = 256,
};

struct forward {
    struct dp_scall base;
    struct dp_stream *agent;
    struct depot_buf pending; /* for the agent */
    bool ended, over;
};

static const char *find_agent(const struct dp_session_config *cfg, const char *id)
{
    return cfg->ssh != NULL ? depot_kvs_get(cfg->ssh, depot_str_empty(id) ? "default" : id) : NULL;
}

static void refuse(struct dp_grpc_call *call, const char *id)
{
    char *text = depot_asprintf(
        "no ssh agent \"%.100s\": give --ssh with this id", depot_str_empty(id) ? "default" : id);
    dp_grpc_respond(call, DP_GRPC_NOT_FOUND, text);
    depot_free(text);
}

static void check(struct dp_session *s, struct dp_grpc_call *call, const uint8_t *msg, size_t n)
{
    char *id = dp_pb_string(msg, n, 1, SSH_ID_MAX);
    if (find_agent(s->cfg, id) != NULL)
        dp_session_reply(call, "", 0);
    else
        refuse(call, id);
    depot_free(id);
}

void dp_session_open_ssh_check(struct dp_grpc_call *call, void *arg)
{
    dp_session_unary(arg, call, check);
}

static void end(struct forward *f, int code, const char *text)
{
    if (f->over)
        return;
    f->over = true;
    dp_stream_close(f->agent);
    f->agent = NULL;
    dp_grpc_respond(f->base.call, code, text);
}

static void set_interest(struct forward *f)
{
    unsigned events = f->pending.len > 0 ? DEPOT_WRITE : 0;
    if (dp_grpc_queued(f->base.call) < DP_SESSION_QUEUE_HIGH)
        events |= DEPOT_READ;
    dp_stream_want(f->agent, events);
}

/* To the agent: false when it is gone. */
static bool flush(struct forward *f)
{
    while (f->pending.len > 0) {
        struct iovec iov = {.iov_base = f->pending.data, .iov_len = f->pending.len};
        ssize_t n = dp_stream_writev(f->agent, &iov, 1);
        if (n == DEPOT_ERR_AGAIN)
            return true;
        if (n < 0)
            return false;
        depot_buf_consume(&f->pending, (size_t)n);
    }
    return true;
}

/* From the agent: false when it is gone. */
static bool fetch(struct forward *f)
{
    while (dp_grpc_queued(f->base.call) < DP_SESSION_QUEUE_HIGH) {
        char chunk[16 * 1024];
        ssize_t n = dp_stream_read(f->agent, chunk, sizeof(chunk));
        if (n == DEPOT_ERR_AGAIN)
            return true;
        if (n <= 0)
            return false;
        dp_session_send_bytes(f->base.call, chunk, (size_t)n);
    }
    return true;
}

static void on_ready(struct dp_stream *st, unsigned events, void *arg)
{
    struct forward *f = arg;
    DEPOT_UNUSED(st);
    if (((events & DEPOT_WRITE) && !flush(f)) || ((events & DEPOT_READ) && !fetch(f)) ||
        (f->ended && f->pending.len == 0)) {
        end(f, DP_GRPC_OK, "");
        return;
    }
    set_interest(f);
}

static void on_message(struct dp_grpc_call *call, const uint8_t *msg, size_t n, void *arg)
{
    struct forward *f = arg;
    size_t len;
    DEPOT_UNUSED(call);
    if (f->over)
        return;
    const uint8_t *data = dp_pb_bytes(msg, n, 1, &len);
    if (data != NULL)
        depot_buf_add(&f->pending, data, len);
    if (f->pending.overflow)
        end(f, DP_GRPC_RESOURCE_EXHAUSTED, "the ssh agent does not keep up");
    else if (!flush(f))
        end(f, DP_GRPC_OK, "");
    else
        set_interest(f);
}

static void on_half_closed(struct dp_grpc_call *call, void *arg)
{
    struct forward *f = arg;
    DEPOT_UNUSED(call);
    f->ended = true;
    if (!f->over && f->pending.len == 0)
        end(f, DP_GRPC_OK, "");
}

static void on_writable(struct dp_grpc_call *call, void *arg)
{
    struct forward *f = arg;
    DEPOT_UNUSED(call);
    if (!f->over)
        set_interest(f);
}

static void on_done(struct dp_grpc_call *call, const struct dp_grpc_status *st, void *arg)
{
    struct forward *f = arg;
    DEPOT_UNUSED(call);
    DEPOT_UNUSED(st);
    dp_scall_end(&f->base);
}

static void forward_free(struct dp_scall *c)
{
    struct forward *f = DEPOT_CONTAINER_OF(c, struct forward, base);
    dp_stream_close(f->agent);
    depot_buf_release(&f->pending);
    depot_free(f);
}

static const struct dp_scall_ops scall_ops = {.free = forward_free};
static const struct dp_grpc_call_ops call_ops = {
    .message = on_message,
    .half_closed = on_half_closed,
    .writable = on_writable,
    .done = on_done,
};

static int connect_agent(
    struct depot_loop *l, const char *path, struct dp_stream **out, struct depot_error *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(addr.sun_path)) {
        depot_error_set(err, DEPOT_ERR_TOO_BIG, "ssh agent %s: the path is too long", path);
        return DEPOT_ERR_TOO_BIG;
    }
    memcpy(addr.sun_path, path, strlen(path) + 1);
    int fd = depot_os_socket(AF_UNIX, SOCK_STREAM, 0, false);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
        int failed = errno;
        if (fd >= 0)
            close(fd);
        depot_error_errno(err, failed, "cannot reach the ssh agent at %s", path);
        depot_error_hint(err, "start it, or give --ssh another socket");
        return DEPOT_ERR_UNAVAILABLE;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return dp_stream_fd_new_take(l, fd, out, err);
}

void dp_session_open_ssh_forward(struct dp_grpc_call *call, void *arg)
{
    struct dp_session *s = arg;
    struct depot_error err;
    struct dp_stream *agent = NULL;
    char *id = dp_session_md(call, "buildkit.ssh.id", 0);
    const char *path = find_agent(s->cfg, id);
    depot_error_clear(&err);
    if (path == NULL) {
        refuse(call, id);
    } else if (connect_agent(s->loop, path, &agent, &err) < 0) {
        dp_grpc_respond(call, DP_GRPC_UNAVAILABLE, err.msg);
        dp_session_problem(s, &err);
    } else {
        struct forward *f = depot_calloc(1, sizeof(*f));
        f->agent = agent;
        depot_buf_init(&f->pending, SSH_PENDING_MAX);
        dp_scall_init(&f->base, &scall_ops, s, call);
        dp_grpc_accept(call, &call_ops, f);
        dp_stream_listen(agent, on_ready, f);
        set_interest(f);
    }
    depot_free(id);
}
