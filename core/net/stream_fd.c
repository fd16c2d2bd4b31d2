/*
 * The stream over a file descriptor: sockets and pipes. Bytes go straight between the caller's
 * memory and the kernel.
 */
#include "net/stream.h"

#include <depot/os.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    IOV_COUNT_MAX = 1024, /* what Linux and the BSDs take in one call; a longer vector is cut */
    /* Of a unix socket: a session's bytes are written in pieces of 128 KiB and more, and with the
     * usual 208 KiB each second one waits for the peer. Kernels cut it to what they allow. */
    SEND_BUFFER = 1024 * 1024,
};

struct fd_stream {
    struct dp_stream base;
    struct depot_loop *loop;
    struct depot_loop_fd *watch;
    int fd;
    bool socket;
    unsigned wanted;
};

static struct fd_stream *self(struct dp_stream *s)
{
    return DEPOT_CONTAINER_OF(s, struct fd_stream, base);
}

static ssize_t fd_read(struct dp_stream *base, void *buf, size_t n)
{
    struct fd_stream *s = self(base);

    for (;;) {
        ssize_t got = read(s->fd, buf, n);

        if (got >= 0)
            return got;
        if (errno != EINTR)
            return depot_err_from_errno(errno);
    }
}

static ssize_t fd_writev(struct dp_stream *base, const struct iovec *iov, int n)
{
    struct fd_stream *s = self(base);
    int count = n < IOV_COUNT_MAX ? n : IOV_COUNT_MAX;
    struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count};

    for (;;) {
        /* writev() on a closed socket would raise SIGPIPE, and that is the program's to use. */
        ssize_t put =
            s->socket ? sendmsg(s->fd, &msg, depot_os_send_flags()) : writev(s->fd, iov, count);

        if (put >= 0)
            return put;
        if (errno != EINTR)
            return depot_err_from_errno(errno);
    }
}

static void fd_want(struct dp_stream *base, unsigned events)
{
    struct fd_stream *s = self(base);

    if (s->wanted == events)
        return;
    s->wanted = events;
    depot_loop_fd_set(s->watch, events);
}

static void fd_close(struct dp_stream *base)
{
    struct fd_stream *s = self(base);

    depot_loop_fd_free(s->watch);
    close(s->fd);
    /* Not at once: the ready callback may be running on it. */
    depot_loop_defer(s->loop, depot_free, s);
}

static const struct dp_stream_ops fd_ops = {
    .name = "fd",
    .read = fd_read,
    .writev = fd_writev,
    .want = fd_want,
    .close = fd_close,
};

static void on_ready(struct depot_loop_fd *w, unsigned events, void *arg)
{
    struct fd_stream *s = arg;

    DEPOT_UNUSED(w);
    events &= s->wanted;
    if (events != 0 && s->base.ready != NULL)
        s->base.ready(&s->base, events, s->base.arg);
}

/* Whether it is one; with its buffer as large as we want it. */
static bool take_socket(int fd)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    int n = SEND_BUFFER;

    if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
        return false;
    if (sa.ss_family == AF_UNIX)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
    return true;
}

int dp_stream_fd_new_take(
    struct depot_loop *l, int fd, struct dp_stream **out, struct depot_error *err)
{
    struct fd_stream *s = depot_calloc(1, sizeof(*s));
    int rc = depot_loop_fd_new(l, fd, 0, on_ready, s, &s->watch, err);

    if (rc != 0) {
        close(fd);
        depot_free(s);
        return rc;
    }
    s->base.ops = &fd_ops;
    s->loop = l;
    s->fd = fd;
    s->socket = take_socket(fd);
    *out = &s->base;
    return 0;
}
