/*
 * For tests of core/grpc: a recorder of what a call is told, pairs of streams, a stream that moves
 * one byte at a time, and a raw HTTP/2 peer that answers as no server of ours would.
 */
#ifndef DEPOT_TESTS_GRPC_PAIR_H
#define DEPOT_TESTS_GRPC_PAIR_H

#include "grpc/grpc.h"

#include <nghttp2/nghttp2.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <depot/os.h>

/* What one call was told. */
struct rec {
    int headers, messages, half, writable, done;
    size_t bytes;
    struct depot_buf data; /* the first bytes of the messages, '|' after each */
    int code;
    char text[512];
    size_t details_len;
    int pause_every; /* pause after each so many messages */
    bool free_in_message;
    bool shared; /* by several calls, one after the other */
    struct dp_grpc_call *call;
};

static inline void rec_headers(struct dp_grpc_call *c, void *arg)
{
    struct rec *r = arg;
    (void)c;
    r->headers++;
}

static inline void rec_message(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    struct rec *r = arg;
    assert(r->done == 0 || r->shared);
    r->messages++;
    r->bytes += n;
    if (r->data.max == 0)
        r->data.max = 4096;
    depot_buf_add(&r->data, data, n);
    depot_buf_addc(&r->data, '|');
    if (r->pause_every > 0 && r->messages % r->pause_every == 0)
        dp_grpc_pause(c, true);
    if (r->free_in_message)
        dp_grpc_call_free(c);
}

static inline void rec_half(struct dp_grpc_call *c, void *arg)
{
    struct rec *r = arg;
    (void)c;
    r->half++;
}

static inline void rec_writable(struct dp_grpc_call *c, void *arg)
{
    struct rec *r = arg;
    (void)c;
    r->writable++;
}

static inline void rec_done(struct dp_grpc_call *c, const struct dp_grpc_status *st, void *arg)
{
    struct rec *r = arg;
    (void)c;
    r->done++;
    r->code = st->code;
    r->details_len = st->details_len;
    snprintf(r->text, sizeof(r->text), "%s", st->message);
}

static const struct dp_grpc_call_ops rec_ops = {
    .headers = rec_headers,
    .message = rec_message,
    .half_closed = rec_half,
    .writable = rec_writable,
    .done = rec_done,
};

/* What a connection was told. */
struct conn_rec {
    int closed;
    bool in_order;
    struct depot_error err;
};

static inline void conn_rec_closed(struct dp_grpc_conn *h, const struct depot_error *err, void *arg)
{
    struct conn_rec *r = arg;
    (void)h;
    r->closed++;
    r->in_order = err == NULL;
    if (err != NULL)
        r->err = *err;
}

static const struct dp_grpc_conn_ops conn_rec_ops = {.closed = conn_rec_closed};

/* A stream over another one that moves one byte a call. */
struct trickle {
    struct dp_stream base;
    struct dp_stream *under;
};

static inline struct trickle *trickle_of(struct dp_stream *s)
{
    return DEPOT_CONTAINER_OF(s, struct trickle, base);
}

static inline ssize_t trickle_read(struct dp_stream *s, void *buf, size_t n)
{
    (void)n;
    return dp_stream_read(trickle_of(s)->under, buf, 1);
}

static inline ssize_t trickle_writev(struct dp_stream *s, const struct iovec *iov, int n)
{
    struct iovec one = {iov[0].iov_base, 1};
    (void)n;
    return dp_stream_writev(trickle_of(s)->under, &one, 1);
}

static inline void trickle_ready(struct dp_stream *under, unsigned events, void *arg)
{
    struct trickle *t = arg;
    (void)under;
    t->base.ready(&t->base, events, t->base.arg);
}

static inline void trickle_want(struct dp_stream *s, unsigned events)
{
    dp_stream_want(trickle_of(s)->under, events);
}

static inline void trickle_close(struct dp_stream *s)
{
    dp_stream_close(trickle_of(s)->under);
    depot_free(trickle_of(s));
}

static inline struct dp_stream *trickle_new(struct dp_stream *under)
{
    static const struct dp_stream_ops ops = {
        .name = "trickle",
        .read = trickle_read,
        .writev = trickle_writev,
        .want = trickle_want,
        .close = trickle_close,
    };
    struct trickle *t = depot_calloc(1, sizeof(*t));
    t->base.ops = &ops;
    t->under = under;
    dp_stream_listen(under, trickle_ready, t);
    return &t->base;
}

static inline void socket_pair(struct depot_loop *l, struct dp_stream *out[2])
{
    struct depot_error err;
    int fd[2];
    int rc = depot_os_socketpair(fd, true);
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = dp_stream_fd_new_take(l, fd[i], &out[i], &err);
    assert(rc == 0);
}

/* Two pipes, each writing into the other. */
struct pipe_end {
    struct dp_pipe *pipe, *other;
    struct pipe_end *peer;
    size_t unread; /* in `other`, as far as it told us */
    bool blocked;
};

static inline ssize_t pipe_end_write(void *arg, const struct iovec *iov, int n)
{
    struct pipe_end *e = arg;
    ssize_t sum = 0;
    if (e->other == NULL)
        return DEPOT_ERR_UNAVAILABLE;
    if (e->unread > 100000) {
        e->blocked = true;
        return DEPOT_ERR_AGAIN;
    }
    for (int i = 0; i < n; i++) {
        dp_pipe_push(e->other, iov[i].iov_base, iov[i].iov_len);
        sum += (ssize_t)iov[i].iov_len;
    }
    e->unread = dp_pipe_queued(e->other);
    return sum;
}

static inline void pipe_end_drained(void *arg, size_t queued)
{
    struct pipe_end *e = arg;
    struct pipe_end *writer = e->peer;
    writer->unread = queued;
    if (writer->blocked && queued < 50000) {
        writer->blocked = false;
        if (writer->pipe != NULL)
            dp_pipe_writable(writer->pipe);
    }
}

static inline void pipe_end_closed(void *arg)
{
    struct pipe_end *e = arg;
    if (e->other != NULL)
        dp_pipe_push_eof(e->other, 0);
    e->peer->other = NULL;
    e->pipe = NULL;
}

static inline void pipe_pair(
    struct depot_loop *l, struct pipe_end ends[2], struct dp_stream *out[2])
{
    static const struct dp_pipe_ops ops = {
        .write = pipe_end_write,
        .drained = pipe_end_drained,
        .closed = pipe_end_closed,
    };
    for (int i = 0; i < 2; i++) {
        ends[i] = (struct pipe_end){.pipe = dp_pipe_new(l, &ops, &ends[i]), .peer = &ends[1 - i]};
        out[i] = dp_pipe_stream(ends[i].pipe);
    }
    ends[0].other = ends[1].pipe;
    ends[1].other = ends[0].pipe;
}

/* An HTTP/2 server by hand on a descriptor, moved on by raw_turn(). */
struct raw {
    int fd;
    nghttp2_session *session;
    void (*request)(struct raw *r, int32_t id); /* headers of a request came */
    uint32_t reset;                             /* code of the last RST_STREAM from the client */
    int resets;
    const char *body; /* data provider */
    size_t body_len;
    const char *const *trailer; /* after the body; NULL: END_STREAM with it */
};

static inline int raw_frame(nghttp2_session *s, const nghttp2_frame *f, void *user)
{
    struct raw *r = user;
    (void)s;
    if (f->hd.type == NGHTTP2_HEADERS && f->headers.cat == NGHTTP2_HCAT_REQUEST)
        r->request(r, f->hd.stream_id);
    if (f->hd.type == NGHTTP2_RST_STREAM) {
        r->resets++;
        r->reset = f->rst_stream.error_code;
    }
    return 0;
}

/* Lists of name, value, name, value, ..., NULL. */
static inline size_t raw_nv(nghttp2_nv *nv, const char *const *fields)
{
    size_t n = 0;
    for (; fields[2 * n] != NULL; n++) {
        nv[n] = (nghttp2_nv){
            .name = (uint8_t *)(uintptr_t)fields[2 * n],
            .value = (uint8_t *)(uintptr_t)fields[2 * n + 1],
            .namelen = strlen(fields[2 * n]),
            .valuelen = strlen(fields[2 * n + 1]),
        };
    }
    return n;
}

static inline ssize_t raw_read_body(nghttp2_session *s, int32_t id, uint8_t *buf, size_t n,
    uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct raw *r = user;
    (void)source;
    if (r->body_len < n)
        n = r->body_len;
    if (n > 0)
        memcpy(buf, r->body, n);
    r->body += n;
    r->body_len -= n;
    if (r->body_len == 0) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (r->trailer != NULL) {
            nghttp2_nv nv[16];
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            nghttp2_submit_trailer(s, id, nv, raw_nv(nv, r->trailer));
        }
    }
    return (ssize_t)n;
}

static inline void raw_init(struct raw *r, int fd, void (*request)(struct raw *r, int32_t id))
{
    nghttp2_session_callbacks *cb;
    nghttp2_option *opt;
    *r = (struct raw){.fd = fd, .request = request};
    nghttp2_session_callbacks_new(&cb);
    nghttp2_option_new(&opt);
    nghttp2_option_set_max_send_header_block_length(opt, 1 << 20);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, raw_frame);
    nghttp2_session_server_new2(&r->session, cb, r, opt);
    nghttp2_session_callbacks_del(cb);
    nghttp2_option_del(opt);
    nghttp2_submit_settings(r->session, NGHTTP2_FLAG_NONE, NULL, 0);
}

static inline void raw_respond(struct raw *r, int32_t id, const char *const *fields,
    const char *body, size_t n, const char *const *trailer)
{
    nghttp2_nv nv[16];
    const nghttp2_data_provider provider = {.read_callback = raw_read_body};
    r->body = body;
    r->body_len = n;
    r->trailer = trailer;
    nghttp2_submit_response(
        r->session, id, nv, raw_nv(nv, fields), body != NULL ? &provider : NULL);
}

static inline void raw_turn(struct raw *r)
{
    uint8_t buf[65536];
    const uint8_t *out;
    ssize_t n;
    while (r->fd >= 0 && (n = recv(r->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
        (void)!nghttp2_session_mem_recv(r->session, buf, (size_t)n);
    while (r->fd >= 0 && (n = nghttp2_session_mem_send(r->session, &out)) > 0)
        (void)!send(r->fd, out, (size_t)n, MSG_NOSIGNAL);
}

static inline void raw_close(struct raw *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

static inline void raw_release(struct raw *r)
{
    raw_close(r);
    nghttp2_session_del(r->session);
}

#endif
