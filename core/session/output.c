/*
 * FileSend/DiffCopy of one stream: a tar into a file, a descriptor or a sink. A file is written
 * beside its target and gets its name when the archive is complete, so half of one never appears.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/internal.h"
#include "grpc/pb.h"

enum {
    TAR_END = 1024,   /* zero bytes that end every tar */
    PIPE_STEP = 4096, /* what poll() promises of a pipe: written without blocking (PIPE_BUF) */
    TEMP_ID = 12,
};

struct output {
    struct dp_scall base;
    size_t index;
    const struct dp_session_output *to;
    char *path, *temp; /* DP_OUTPUT_FILE */
    int fd;
    bool own_fd, plain;       /* plain: a regular file, which takes all at once */
    struct depot_buf pending; /* not taken by the descriptor so far */
    struct depot_loop_fd *watch;
    size_t zeros; /* at the end of what came */
    uint64_t size;
    bool ended, paused, over;
};

static const char *name_of(const struct output *o)
{
    return o->path != NULL ? o->path : o->to->kind == DP_OUTPUT_SINK ? "the image store" : "-";
}

static void close_all(struct output *o)
{
    depot_loop_fd_free(o->watch);
    o->watch = NULL;
    if (o->own_fd)
        close(o->fd);
    o->own_fd = false;
    if (o->temp != NULL)
        unlink(o->temp);
    depot_free(o->temp);
    o->temp = NULL;
}

static void fail(struct output *o, const struct depot_error *err)
{
    if (o->over)
        return;
    o->over = true;
    o->base.writes_output = false;
    close_all(o);
    dp_session_respond_error(o->base.call, err);
    dp_session_problem(o->base.s, err);
}

static int io_error(struct output *o, int errnum, const char *what, struct depot_error *err)
{
    depot_error_errno(err, errnum, "cannot %s output %s", what, name_of(o));
    if (errnum == ENOSPC || errnum == EDQUOT)
        return depot_error_hint(err, "make room, or choose another dest= in -o");
    if (errnum == EPIPE)
        return depot_error_hint(err, "the reader of the output went away");
    return depot_error_hint(err, "check that dest= in -o can be written");
}

/* ---- beginning ---- */

static int open_temp(struct output *o, const struct stat *old, struct depot_error *err)
{
    char id[TEMP_ID + 1];
    const char *slash = strrchr(o->path, '/');
    size_t dir = slash != NULL ? (size_t)(slash - o->path) + 1 : 0;
    depot_random_id(id, TEMP_ID);
    o->temp = depot_asprintf("%.*s.%.100s.depot-%s", (int)dir, o->path, o->path + dir, id);
    o->fd = open(o->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (o->fd < 0) {
        int failed = errno;
        depot_free(o->temp);
        o->temp = NULL;
        return io_error(o, failed, "create", err);
    }
    o->own_fd = o->plain = true;
    if (old != NULL && fchmod(o->fd, old->st_mode & 07777) < 0)
        return io_error(o, errno, "set the mode of", err);
    return 0;
}

static int open_path(struct output *o, struct depot_error *err)
{
    struct stat st;
    char *real = realpath(o->to->path, NULL); /* a link stays one, its file is replaced */
    o->path = depot_strdup(real != NULL ? real : o->to->path);
    free(real);
    if (stat(o->path, &st) < 0)
        return open_temp(o, NULL, err);
    if (S_ISREG(st.st_mode))
        return open_temp(o, &st, err);
    if (S_ISDIR(st.st_mode)) {
        depot_error_set(
            err, DEPOT_ERR_EXISTS, "cannot write output %s: it is a directory", o->path);
        return depot_error_hint(err, "give dest= in -o the name of a file");
    }
    /* A device or a FIFO: there is nothing to be half-written. */
    o->fd = open(o->path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (o->fd < 0)
        return io_error(o, errno, "open", err);
    o->own_fd = true;
    return 0;
}

static int begin(struct output *o, struct depot_error *err)
{
    struct stat st;
    if (o->to->kind == DP_OUTPUT_FILE)
        return open_path(o, err);
    if (o->to->kind == DP_OUTPUT_FD) {
        o->fd = o->to->fd;
        if (fstat(o->fd, &st) < 0)
            return io_error(o, errno, "write", err);
        o->plain = S_ISREG(st.st_mode);
    }
    return 0;
}

/* ---- ending ---- */

static void complete(struct output *o)
{
    struct depot_error err;
    depot_error_clear(&err);
    if (o->temp != NULL) {
        o->own_fd = false;
        if (close(o->fd) < 0 || rename(o->temp, o->path) < 0) {
            io_error(o, errno, "write", &err);
            fail(o, &err);
            return;
        }
        depot_free(o->temp);
        o->temp = NULL;
    }
    o->over = true;
    o->base.writes_output = false;
    close_all(o);
    dp_grpc_respond(o->base.call, DP_GRPC_OK, "");
}

/* The engine closes the stream in order also when its export broke: look at the tar itself. */
static int check_whole(struct output *o, struct depot_error *err)
{
    if (o->zeros >= TAR_END && o->size % 512 == 0)
        return 0;
    depot_error_set(err, DEPOT_ERR_FAILED, "output %s: the archive ended early, after %llu bytes",
        name_of(o), (unsigned long long)o->size);
    return depot_error_hint(err, "the engine's own error says why");
}

/* ---- writing ---- */

static void pause_call(struct output *o, bool paused)
{
    if (o->paused != paused)
        dp_grpc_pause(o->base.call, paused);
    o->paused = paused;
}

static void on_fd(struct depot_loop_fd *w, unsigned events, void *arg);

/* What can be written without waiting; 1 when something is left. */
static int write_now(
    struct output *o, const char *data, size_t n, size_t *done, struct depot_error *err)
{
    for (*done = 0; *done < n;) {
        size_t step = n - *done;
        if (!o->plain) {
            /* The descriptor is shared with others, so it is not made non-blocking. */
            struct pollfd p = {.fd = o->fd, .events = POLLOUT};
            if (poll(&p, 1, 0) == 0)
                return 1;
            step = step < PIPE_STEP ? step : PIPE_STEP;
        }
        ssize_t k = write(o->fd, data + *done, step);
        if (k < 0 && errno == EAGAIN)
            return 1;
        if (k < 0 && errno != EINTR)
            return io_error(o, errno, "write", err);
        *done += k > 0 ? (size_t)k : 0;
    }
    return 0;
}

/* Keep what the descriptor would not take, and wait for it. */
static int keep(struct output *o, const char *data, size_t n, struct depot_error *err)
{
    depot_buf_add(&o->pending, data, n);
    pause_call(o, o->pending.len > DP_SESSION_QUEUE_HIGH);
    if (o->watch != NULL)
        return 0;
    return depot_loop_fd_new(o->base.s->loop, o->fd, DEPOT_WRITE, on_fd, o, &o->watch, err);
}

static void on_fd(struct depot_loop_fd *w, unsigned events, void *arg)
{
    struct output *o = arg;
    struct depot_error err;
    size_t done;
    DEPOT_UNUSED(events);
    depot_error_clear(&err);
    int rc = write_now(o, o->pending.data, o->pending.len, &done, &err);
    if (rc < 0) {
        fail(o, &err);
        return;
    }
    depot_buf_consume(&o->pending, done);
    pause_call(o, o->pending.len > DP_SESSION_QUEUE_HIGH);
    if (o->pending.len > 0)
        return;
    depot_loop_fd_free(w);
    o->watch = NULL;
    if (o->ended)
        complete(o);
}

static int take(struct output *o, const char *data, size_t n, struct depot_error *err)
{
    if (o->to->kind == DP_OUTPUT_SINK) {
        ssize_t queued = o->to->sink(o->to->sink_arg, data, n, err);
        if (queued < 0)
            return (int)queued;
        pause_call(o, queued > DP_SESSION_QUEUE_HIGH);
        return 0;
    }
    size_t done = 0;
    int rc = o->pending.len > 0 ? 1 : write_now(o, data, n, &done, err);
    return rc == 1 ? keep(o, data + done, n - done, err) : rc;
}

static void count(struct output *o, const uint8_t *data, size_t n)
{
    size_t zeros = 0;
    while (zeros < n && zeros < TAR_END && data[n - 1 - zeros] == 0)
        zeros++;
    o->zeros = zeros == n ? o->zeros + zeros : zeros;
    o->size += n;
}

static void on_message(struct dp_grpc_call *call, const uint8_t *msg, size_t n, void *arg)
{
    struct output *o = arg;
    struct depot_error err;
    size_t len;
    DEPOT_UNUSED(call);
    if (o->over)
        return;
    depot_error_clear(&err);
    const uint8_t *data = dp_pb_bytes(msg, n, 1, &len);
    if (data == NULL || len == 0)
        return;
    count(o, data, len);
    if (take(o, (const char *)data, len, &err) < 0)
        fail(o, &err);
}

static void on_half_closed(struct dp_grpc_call *call, void *arg)
{
    struct output *o = arg;
    struct depot_error err;
    DEPOT_UNUSED(call);
    if (o->over)
        return;
    depot_error_clear(&err);
    o->ended = true;
    int rc = check_whole(o, &err);
    if (rc == 0 && o->to->kind == DP_OUTPUT_SINK) {
        ssize_t queued = o->to->sink(o->to->sink_arg, NULL, 0, &err);
        rc = queued < 0 ? (int)queued : 0;
    }
    if (rc < 0)
        fail(o, &err);
    else if (o->pending.len == 0)
        complete(o);
}

static void on_done(struct dp_grpc_call *call, const struct dp_grpc_status *st, void *arg)
{
    struct output *o = arg;
    DEPOT_UNUSED(call);
    DEPOT_UNUSED(st);
    dp_scall_end(&o->base);
}

static void output_free(struct dp_scall *c)
{
    struct output *o = DEPOT_CONTAINER_OF(c, struct output, base);
    close_all(o);
    depot_buf_release(&o->pending);
    depot_free(o->path);
    depot_free(o);
}

static const struct dp_scall_ops scall_ops = {.free = output_free};
static const struct dp_grpc_call_ops call_ops = {
    .message = on_message,
    .half_closed = on_half_closed,
    .done = on_done,
};

void dp_session_open_output(struct dp_session *s, struct dp_grpc_call *call, size_t index)
{
    struct output *o = depot_calloc(1, sizeof(*o));
    struct depot_error err;
    depot_error_clear(&err);
    o->index = index;
    o->to = &s->cfg->outputs[index];
    o->fd = -1;
    o->base.writes_output = true;
    depot_buf_init(&o->pending, DEPOT_BUF_NO_LIMIT);
    dp_scall_init(&o->base, &scall_ops, s, call);
    dp_grpc_accept(call, &call_ops, o);
    if (begin(o, &err) < 0)
        fail(o, &err);
}

void dp_session_output_resume(struct dp_scall *c, size_t index)
{
    if (c->ops != &scall_ops)
        return;
    struct output *o = DEPOT_CONTAINER_OF(c, struct output, base);
    if (o->index == index && o->to->kind == DP_OUTPUT_SINK && !o->over)
        pause_call(o, false);
}
