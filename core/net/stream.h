/*
 * A byte stream: unix, tcp, tls, or bytes carried by another protocol, behind one small ops table.
 * Streams never block. Internal to libdepot.
 */
#ifndef DEPOT_CORE_NET_STREAM_H
#define DEPOT_CORE_NET_STREAM_H

#include <depot/addr.h>
#include <depot/loop.h>

#include <sys/types.h>
#include <sys/uio.h>

struct dp_stream;

/* `events` is a set of DEPOT_READ and DEPOT_WRITE, never more than was asked for. */
typedef void dp_stream_ready_fn(struct dp_stream *s, unsigned events, void *arg);

struct dp_stream_ops {
    const char *name;
    /* Bytes moved, 0 at the end of input, or a negative depot_err (AGAIN when it would block). */
    ssize_t (*read)(struct dp_stream *s, void *buf, size_t n);
    /* Bytes taken from the vector (1 or more), or a negative depot_err. */
    ssize_t (*writev)(struct dp_stream *s, const struct iovec *iov, int n);
    void (*want)(struct dp_stream *s, unsigned events);
    void (*close)(struct dp_stream *s); /* frees; legal inside the ready callback */
};

struct dp_stream {
    const struct dp_stream_ops *ops;
    dp_stream_ready_fn *ready;
    void *arg;
};

static inline ssize_t dp_stream_read(struct dp_stream *s, void *buf, size_t n)
{
    return s->ops->read(s, buf, n);
}

static inline ssize_t dp_stream_writev(struct dp_stream *s, const struct iovec *iov, int n)
{
    return s->ops->writev(s, iov, n);
}

/* Who is told when the stream is ready, and for what. Level-triggered until changed. */
static inline void dp_stream_listen(struct dp_stream *s, dp_stream_ready_fn *ready, void *arg)
{
    s->ready = ready;
    s->arg = arg;
}

static inline void dp_stream_want(struct dp_stream *s, unsigned events)
{
    s->ops->want(s, events);
}

static inline void dp_stream_close(struct dp_stream *s)
{
    if (s != NULL)
        s->ops->close(s);
}

/* A stream over a connected, non-blocking file descriptor, which it takes. */
int dp_stream_fd_new_take(
    struct depot_loop *l, int fd, struct dp_stream **out, struct depot_error *err) DEPOT_MUST_CHECK;

/*
 * Connect to an address; TLS on top when `tls->enabled` or the address says so (ALPN offers h2 when
 * `alpn_h2`, and does not insist). `done` gets the stream, owned by it from then on, or NULL and
 * the error. Freeing the connect cancels it. A hijacked Docker connection is asked for by
 * `upgrade`: after connecting, `POST <upgrade>` with Upgrade: h2c is sent and the 101 awaited.
 */
struct dp_connect;
struct dp_tls_store;
typedef void dp_connect_fn(
    struct dp_connect *c, struct dp_stream *stream, const struct depot_error *err, void *arg);
struct dp_connect_opts {
    const struct depot_addr *addr;
    const struct depot_tls *tls;    /* may be NULL */
    struct dp_tls_store *tls_store; /* may be NULL; outlives the connect, not the stream */
    bool alpn_h2;
    const char *upgrade; /* path such as "/grpc"; NULL: none */
    uint64_t timeout_ms; /* 0: 10 s */
};
int dp_connect(struct depot_loop *l, const struct dp_connect_opts *opts, dp_connect_fn *done,
    void *arg, struct dp_connect **out, struct depot_error *err) DEPOT_MUST_CHECK;
void dp_connect_free(struct dp_connect *c);

/*
 * What TLS connections with the same files share: the certificates, read once. Reading those that a
 * system trusts takes OpenSSL 30 to 50 ms, more than all else a connection costs. They are read
 * again after a handshake that failed.
 */
struct dp_tls_store *dp_tls_store_new(void);
void dp_tls_store_free(struct dp_tls_store *store);

/*
 * A stream whose far side is the program: what arrives is pushed in, what is written goes to
 * `write`. Carries HTTP/2 inside WebSocket frames or gRPC messages.
 */
struct dp_pipe;
struct dp_pipe_ops {
    /* Take bytes for the far side; returns bytes taken or DEPOT_ERR_AGAIN, and calls
     * dp_pipe_writable() when there is room again. */
    ssize_t (*write)(void *arg, const struct iovec *iov, int n);
    /* The reader has taken what was queued, down to `queued` bytes; may be NULL. */
    void (*drained)(void *arg, size_t queued);
    /* The stream side was closed; the pipe is gone after this. */
    void (*closed)(void *arg);
};
struct dp_pipe *dp_pipe_new(struct depot_loop *l, const struct dp_pipe_ops *ops, void *arg);
struct dp_stream *dp_pipe_stream(struct dp_pipe *p);
/* Who waits to read is told at once, and reads from `data`; what he leaves is copied and queued. */
void dp_pipe_push(struct dp_pipe *p, const void *data, size_t n);
void dp_pipe_push_eof(struct dp_pipe *p, int err); /* 0 or a negative depot_err */
void dp_pipe_writable(struct dp_pipe *p);
size_t dp_pipe_queued(const struct dp_pipe *p); /* pushed and not read yet */
/* The far side goes away; the stream then reads as ended and `ops` is never called again. */
void dp_pipe_detach(struct dp_pipe *p);

#endif
