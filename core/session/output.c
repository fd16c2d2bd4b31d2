/*
 * FileSend/DiffCopy of one stream: a tar into a file, a descriptor or a sink. A file is written
 * beside its target and gets its name when the archive is complete, so half of one never appears.
 */
#include <depot/file_writer.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/internal.h"
#include "grpc/pb.h"

enum {
    TAR_END = 1024,   /* zero bytes that end every tar */
    PIPE_STEP = 4096, /* what poll() promises of a pipe: written without blocking (PIPE_BUF) */
    READER_MS = 50,   /* between looks whether somebody reads the FIFO by now */
};

struct output {
    struct dp_scall base;
    size_t index;
    const struct dp_session_output *to;
    struct depot_file_writer *file; /* DP_OUTPUT_FILE */
    int fd;
    int own;                  /* the descriptor of a pipe opened anew, or -1 */
    bool at_once;             /* write() takes what it can and never waits */
    struct depot_buf pending; /* not taken by the descriptor so far, from pending_at */
    size_t pending_at;
    struct depot_loop_fd *watch;
    struct depot_timer *reader; /* looks for one */
    size_t zeros;               /* at the end of what came */
    uint64_t size;
    bool ended, paused, over;
};

static const char *name_of(const struct output *o)
{
    static const char *const names[] = {[DP_OUTPUT_FD] = "-",
        [DP_OUTPUT_SINK] = "the image store",
        [DP_OUTPUT_SPOOL] = "in a temporary file"};
    return o->to->kind == DP_OUTPUT_FILE ? o->to->path : names[o->to->kind];
}

static void close_all(struct output *o)
{
    depot_timer_free(o->reader);
    o->reader = NULL;
    depot_loop_fd_free(o->watch);
    o->watch = NULL;
    depot_file_writer_abandon(o->file);
    o->file = NULL;
    if (o->own >= 0)
        close(o->own);
    o->own = -1;
}

static void fail(struct output *o, const struct depot_error *err)
{
    if (o->over)
        return;
    o->over = true;
    dp_scall_written(&o->base);
    close_all(o);
    dp_session_respond_error(o->base.call, err);
    dp_session_problem(o->base.s, err);
}

static int io_error(const struct output *o, int errnum, struct depot_error *err)
{
    if (o->file != NULL)
        return depot_file_writer_error(o->file, errnum, err);
    depot_error_errno(err, errnum, "cannot write the output %s", name_of(o));
    return errnum == EPIPE ? depot_error_hint(err, "the reader of the output went away")
                           : err->code;
}

static bool does_not_wait(int fd)
{
    const int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

static int open_file(struct output *o, struct depot_error *err)
{
    static const struct depot_file_opts opts = {
        .what = "output", .mode = 0666, .flags = DEPOT_FILE_PARENTS | DEPOT_FILE_NO_WAIT};
    int rc = depot_file_writer_open(o->to->path, &opts, &o->file, err);
    if (rc < 0)
        return rc;
    o->fd = depot_file_writer_fd(o->file);
    o->at_once = depot_file_writer_plain(o->file) || does_not_wait(o->fd);
    return 0;
}

/* A pipe that was given to us is shared with others, and so is what makes it non-blocking. Linux
 * opens it anew, for us alone, where it may be opened at all. */
static void open_pipe(struct output *o)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", o->to->fd);
    o->own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (o->own < 0)
        return;
    o->fd = o->own;
    o->at_once = true;
}

static int open_fd(struct output *o, struct depot_error *err)
{
    struct stat st;
    o->fd = o->to->fd;
    if (fstat(o->fd, &st) < 0)
        return io_error(o, errno, err);
    o->at_once = S_ISREG(st.st_mode) || does_not_wait(o->fd);
    if (!o->at_once && S_ISFIFO(st.st_mode))
        open_pipe(o);
    return 0;
}

static void on_reader(struct depot_timer *t, void *arg);

static int begin(struct output *o, struct depot_error *err)
{
    if (o->to->kind == DP_OUTPUT_FILE) {
        int rc = open_file(o, err);
        if (rc != DEPOT_ERR_AGAIN)
            return rc;
        o->reader = depot_timer_new(o->base.s->loop, on_reader, o);
        depot_timer_start(o->reader, READER_MS, READER_MS);
    } else if (o->to->kind == DP_OUTPUT_FD) {
        return open_fd(o, err);
    } else if (o->to->kind == DP_OUTPUT_SPOOL) {
        /* What an earlier session began is of no use. */
        o->fd = o->to->fd;
        if (ftruncate(o->fd, 0) < 0 || lseek(o->fd, 0, SEEK_SET) < 0)
            return io_error(o, errno, err);
        o->at_once = true;
    }
    return 0;
}

/* ---- ending ---- */

static void complete(struct output *o)
{
    struct depot_error err;
    depot_error_clear(&err);
    struct depot_file_writer *file = o->file;
    o->file = NULL;
    if (file != NULL && depot_file_writer_commit(file, &err) < 0) {
        fail(o, &err);
        return;
    }
    o->over = true;
    dp_scall_written(&o->base);
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

static size_t waiting(const struct output *o)
{
    return o->pending.len - o->pending_at;
}

/* So much of what waits is written. What is left moves to the front now and then, not each time. */
static void forget(struct output *o, size_t n)
{
    o->pending_at += n;
    if (waiting(o) > 0 && o->pending_at < DP_SESSION_QUEUE_HIGH)
        return;
    depot_buf_consume(&o->pending, o->pending_at);
    o->pending_at = 0;
}

/* What can be written without waiting; 1 when something is left. */
static int write_now(
    struct output *o, const char *data, size_t n, size_t *done, struct depot_error *err)
{
    for (*done = 0; *done < n;) {
        size_t step = n - *done;
        if (!o->at_once) {
            struct pollfd p = {.fd = o->fd, .events = POLLOUT};
            if (poll(&p, 1, 0) == 0)
                return 1;
            step = step < PIPE_STEP ? step : PIPE_STEP;
        }
        ssize_t k = write(o->fd, data + *done, step);
        if (k < 0 && errno == EAGAIN)
            return 1;
        if (k < 0 && errno != EINTR)
            return io_error(o, errno, err);
        *done += k > 0 ? (size_t)k : 0;
    }
    return 0;
}

/* Keep what the descriptor would not take, and wait for it. */
static int keep(struct output *o, const char *data, size_t n, struct depot_error *err)
{
    depot_buf_add(&o->pending, data, n);
    pause_call(o, waiting(o) > DP_SESSION_QUEUE_HIGH);
    if (o->watch != NULL || o->reader != NULL)
        return 0;
    return depot_loop_fd_new(o->base.s->loop, o->fd, DEPOT_WRITE, on_fd, o, &o->watch, err);
}

/* Write what waits. */
static void drain(struct output *o)
{
    struct depot_error err;
    size_t done;
    depot_error_clear(&err);
    int rc = write_now(o, o->pending.data + o->pending_at, waiting(o), &done, &err);
    if (rc < 0) {
        fail(o, &err);
        return;
    }
    forget(o, done);
    pause_call(o, waiting(o) > DP_SESSION_QUEUE_HIGH);
    if (waiting(o) > 0)
        return;
    depot_loop_fd_free(o->watch);
    o->watch = NULL;
    if (o->ended)
        complete(o);
}

static void on_fd(struct depot_loop_fd *w, unsigned events, void *arg)
{
    DEPOT_UNUSED(w);
    DEPOT_UNUSED(events);
    drain(arg);
}

/* Nobody read the FIFO so far. */
static void on_reader(struct depot_timer *t, void *arg)
{
    struct output *o = arg;
    struct depot_error err;
    depot_error_clear(&err);
    int rc = open_file(o, &err);
    if (rc == DEPOT_ERR_AGAIN)
        return;
    depot_timer_free(t);
    o->reader = NULL;
    if (rc == 0)
        rc = keep(o, "", 0, &err); /* what came meanwhile, by and by */
    if (rc < 0)
        fail(o, &err);
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
    const bool waits = waiting(o) > 0 || o->reader != NULL;
    int rc = waits ? 1 : write_now(o, data, n, &done, err);
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
    else if (waiting(o) == 0 && o->reader == NULL)
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
    o->fd = o->own = -1;
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
