/*
 * gRPC over HTTP/2 (nghttp2), in both roles, over any byte stream. Internal to libdepot.
 *
 * One `dp_grpc_conn` is one HTTP/2 connection. A call carries whole messages: the 5-byte framing,
 * trailers and status are done here. Flow control: what a call's `message` callback has been given
 * opens the window again unless the call is paused; what is sent is queued, and `dp_grpc_queued()`
 * with the `writable` callback is the sender's back-pressure.
 */
#ifndef DEPOT_CORE_GRPC_GRPC_H
#define DEPOT_CORE_GRPC_GRPC_H

#include <depot/buf.h>
#include <depot/loop.h>

#include <sys/uio.h>

#include "net/stream.h"

/* X(id, number): google.rpc.Code */
/* clang-format off */
#define DP_GRPC_CODES(X)                                                                           \
    X(OK, 0) X(CANCELLED, 1) X(UNKNOWN, 2) X(INVALID_ARGUMENT, 3) X(DEADLINE_EXCEEDED, 4)          \
    X(NOT_FOUND, 5) X(ALREADY_EXISTS, 6) X(PERMISSION_DENIED, 7) X(RESOURCE_EXHAUSTED, 8)          \
    X(FAILED_PRECONDITION, 9) X(ABORTED, 10) X(OUT_OF_RANGE, 11) X(UNIMPLEMENTED, 12)              \
    X(INTERNAL, 13) X(UNAVAILABLE, 14) X(DATA_LOSS, 15) X(UNAUTHENTICATED, 16)
/* clang-format on */
enum dp_grpc_code {
#define DP_GRPC_ENUM(id, n) DP_GRPC_##id = (n),
    DP_GRPC_CODES(DP_GRPC_ENUM)
#undef DP_GRPC_ENUM
};
const char *dp_grpc_code_name(int code);
int dp_grpc_code_to_err(int code); /* the depot_err nearest to it; 0 for OK */

struct dp_grpc_status {
    int code;            /* dp_grpc_code */
    const char *message; /* never NULL */
    /* Decoded grpc-status-details-bin, when it fitted a header; NULL otherwise. */
    const uint8_t *details;
    size_t details_len;
};

struct dp_grpc_md {
    const char *key, *value; /* key in lower case */
};

struct dp_grpc_conn;
struct dp_grpc_call;

struct dp_grpc_call_ops {
    /* Response headers came (client) ; may be NULL. */
    void (*headers)(struct dp_grpc_call *c, void *arg);
    /* One whole message, borrowed. */
    void (*message)(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg);
    /* All messages that could be had at once have been given: what was put by, to be used together,
     * can be. Comes before `half_closed` and `done`; may be NULL. */
    void (*caught_up)(struct dp_grpc_call *c, void *arg);
    /* The peer will send no more (server role); may be NULL. */
    void (*half_closed)(struct dp_grpc_call *c, void *arg);
    /* The send queue fell below the low mark (256 KiB); may be NULL. */
    void (*writable)(struct dp_grpc_call *c, void *arg);
    /* Exactly once: the call is over and its memory goes back after this. Client: the status the
     * server gave, or one made up from what broke. Server: OK when the status was sent, CANCELLED
     * when the peer reset or the connection broke, RESOURCE_EXHAUSTED or INTERNAL when the peer
     * sent a message that is too big or compressed. A paused call that the server ended is told
     * only when it is resumed and has been given the rest. */
    void (*done)(struct dp_grpc_call *c, const struct dp_grpc_status *st, void *arg);
};

enum {
    DP_GRPC_MAX_MESSAGE = 64 * 1024 * 1024, /* received; engines send up to 16 MiB */
    DP_GRPC_LOW_MARK = 256 * 1024,
};

/* ---- connection ---- */
struct dp_grpc_conn_ops {
    /* The connection ended (err NULL: by the peer, in order). Calls got their `done` before: it
     * waits for calls that are paused over their last messages. */
    void (*closed)(struct dp_grpc_conn *c, const struct depot_error *err, void *arg);
};
/* The connection takes the stream. `authority` is copied. `window`: bytes the peer may send ahead
 * per connection; 0: 8 MiB. */
int dp_grpc_client_new_take(struct depot_loop *l, struct dp_stream *take, const char *authority,
    size_t window, const struct dp_grpc_conn_ops *ops, void *arg, struct dp_grpc_conn **out,
    struct depot_error *err) DEPOT_MUST_CHECK;

struct dp_grpc_method {
    const char *path; /* "/pkg.Service/Method" */
    /* A call began and its headers are known: call dp_grpc_accept(), or dp_grpc_respond() to
     * refuse; now or later, but one of them: until then the call stays, even if its peer goes. */
    void (*open)(struct dp_grpc_call *c, void *arg);
};
/* Methods not in the table are answered with UNIMPLEMENTED. The table is borrowed. */
int dp_grpc_server_new_take(struct depot_loop *l, struct dp_stream *take,
    const struct dp_grpc_method *methods, size_t nmethods, size_t window,
    const struct dp_grpc_conn_ops *ops, void *arg, struct dp_grpc_conn **out,
    struct depot_error *err) DEPOT_MUST_CHECK;

/* Calls end without callbacks, what is queued is not sent: wait for `done` before. */
void dp_grpc_conn_free(struct dp_grpc_conn *c);
size_t dp_grpc_conn_calls(const struct dp_grpc_conn *c);
/* Read by the clock from now on, by a rule of net/pace.h, or again as it comes (NULL): what was
 * held back is then read at the loop's next turn. */
struct dp_pace_rule;
void dp_grpc_conn_pace(struct dp_grpc_conn *c, const struct dp_pace_rule *rule);

/* ---- calls ---- */
/* Client: begin a call. Metadata is copied. */
int dp_grpc_call_new(struct dp_grpc_conn *c, const char *path, const struct dp_grpc_md *md,
    size_t nmd, const struct dp_grpc_call_ops *ops, void *arg, struct dp_grpc_call **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* Server: take the call on. */
void dp_grpc_accept(struct dp_grpc_call *c, const struct dp_grpc_call_ops *ops, void *arg);
/* Server: end with a status (after what is queued). */
void dp_grpc_respond(struct dp_grpc_call *c, int code, const char *message);

/* Queue one message (copied, or taken with its buffer). */
void dp_grpc_send(struct dp_grpc_call *c, const void *data, size_t n);
void dp_grpc_send_take(struct dp_grpc_call *c, struct depot_buf *take);
/* The same of one that lies in pieces: for streams of bytes, whose buffers are used again. */
void dp_grpc_send_pieces(struct dp_grpc_call *c, const struct iovec *pieces, size_t n);
void dp_grpc_send_end(struct dp_grpc_call *c); /* client: half-close */
size_t dp_grpc_queued(const struct dp_grpc_call *c);
void dp_grpc_pause(struct dp_grpc_call *c, bool paused); /* hold back the peer */
/* RST_STREAM(CANCEL); `done` is not called any more and the call is gone. */
void dp_grpc_call_free(struct dp_grpc_call *c);

/* Metadata of the request (server) or the response headers (client): the i-th value of a key, or
 * NULL. Valid as long as the call. */
const char *dp_grpc_md_get(const struct dp_grpc_call *c, const char *key, size_t i);

#endif
