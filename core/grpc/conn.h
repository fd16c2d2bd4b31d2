/*
 * What the files of this module share: the insides of a connection and of a call.
 *
 * Where callbacks come from: `message`, `headers` and `open` straight out of nghttp2's receive
 * callbacks; all others out of dp_call_notify(), which runs over the calls put on the connection's
 * notify list. Both only ever run below the loop, with `depth` > 0, so that nothing the user frees
 * goes away under our feet: it waits for dp_h2_leave().
 */
#ifndef DEPOT_CORE_GRPC_CONN_H
#define DEPOT_CORE_GRPC_CONN_H

#include "grpc/frame.h"
#include "grpc/grpc.h"
#include "grpc/out.h"
#include "net/pace.h"

#include <nghttp2/nghttp2.h>

#include <sys/queue.h>

enum {
    DP_H2_WINDOW = 8 * 1024 * 1024,
    DP_H2_WINDOW_MIN = 65535,
    DP_H2_WINDOW_MAX = 1024 * 1024 * 1024,
    DP_H2_STREAM_WINDOW = 1024 * 1024,
    DP_H2_MAX_PEER_CALLS = 256, /* streams a peer may have open: bounds what paused calls hold */
    DP_H2_MAX_METADATA = 1024 * 1024, /* names and values of one call; HPACK can inflate a lot */
    DP_H2_HTTP_BODY = 512,            /* kept of a body that is not gRPC, for the message */
    DP_H2_MAX_MESSAGE_TEXT = 16384,   /* of a grpc-message we send */
    DP_H2_BUCKETS = 64,
};

TAILQ_HEAD(dp_call_list, dp_grpc_call);

struct dp_grpc_conn {
    struct depot_loop *loop;
    struct dp_stream *stream;
    nghttp2_session *session; /* NULL once the connection failed */
    bool server;
    const struct dp_grpc_method *methods;
    size_t nmethods;
    const struct dp_grpc_conn_ops *ops;
    void *arg;
    char *authority;
    size_t stream_window;

    struct dp_call_list calls;  /* all that are not finished */
    struct dp_call_list notify; /* have something to tell */
    struct dp_call_list graves; /* finished; their memory waits for dp_h2_leave() */
    size_t ncalls;
    struct dp_grpc_call *buckets[DP_H2_BUCKETS];

    struct dp_pace *pace; /* NULL: read as it comes */
    struct dp_out *out;
    unsigned want; /* what the stream was last asked for */
    bool out_full; /* a frame waits for room in the batch */

    unsigned depth;
    bool scheduled; /* a deferred run is under way */
    bool dirty;     /* something to tell or to send came up */
    bool dead;      /* freed by its owner */
    bool failed, closed_told;
    bool heard; /* bytes came */
    bool goaway;
    bool goaway_rejected;      /* nghttp2 took offence at it, see on_invalid_frame() */
    uint32_t goaway_code;      /* from the peer */
    char goaway_text[160];     /* what it said */
    uint32_t sent_goaway_code; /* nghttp2 ended it with this */
    struct depot_error err;
};

struct dp_grpc_call {
    struct dp_grpc_conn *conn;
    int32_t id;
    struct dp_grpc_call *bucket_next;
    TAILQ_ENTRY(dp_grpc_call) link;  /* calls or graves */
    TAILQ_ENTRY(dp_grpc_call) nlink; /* notify */
    const struct dp_grpc_call_ops *ops;
    void *arg;

    struct depot_arena arena; /* metadata */
    DEPOT_VEC(struct dp_grpc_md) md;
    size_t md_bytes;
    const char *path;
    int http_status;
    bool is_grpc;

    /* The status the peer gave, -1 while none came. */
    int peer_code;
    char *peer_message;
    uint8_t *details;
    size_t details_len;

    struct dp_grpc_dec dec;
    struct depot_buf held; /* received while paused */
    size_t held_off;
    struct depot_buf http_body;

    struct dp_grpc_queue queue;
    /* Server: the status we end with, and what `done` then says. */
    int local_code, done_code;
    char *local_message;

    /* How it ended: valid once `over`. */
    int over_code;
    char *over_message;
    uint64_t sent_mark; /* server: `done` waits until this much was written */

    bool notified;     /* on the notify list */
    bool headers_seen; /* the final header block before data */
    bool opened;       /* server: its method was called */
    bool refused;      /* server: answered without dp_grpc_accept() */
    bool paused;
    bool fresh; /* messages were given since the owner was last told that they are all */
    bool remote_ended, half_told;
    bool send_ended, send_deferred;
    bool high; /* the queue passed the low mark upwards */
    bool writable_due;
    bool status_sent;
    bool over, drop_held;
    bool finished; /* done told, or freed */
};

/* h2.c: the connection and its I/O. */
void dp_h2_enter(struct dp_grpc_conn *h);
void dp_h2_leave(struct dp_grpc_conn *h);
void dp_h2_schedule(struct dp_grpc_conn *h);

/* events.c: nghttp2's callbacks. */
int dp_h2_session_new(struct dp_grpc_conn *h, size_t window) DEPOT_MUST_CHECK;
extern const nghttp2_data_provider dp_h2_provider;

/* submit.c: header blocks of ours. */
int dp_h2_submit_request(struct dp_grpc_conn *h, const char *path, const struct dp_grpc_md *md,
    size_t nmd, struct depot_error *err) DEPOT_MUST_CHECK; /* stream id or error */
void dp_h2_submit_accept(struct dp_grpc_call *c);
void dp_h2_submit_trailers_only(struct dp_grpc_call *c, const char *http_status);
void dp_h2_submit_trailers(struct dp_grpc_call *c);

/* call.c */
struct dp_grpc_call *dp_call_new(struct dp_grpc_conn *h, int32_t id);
struct dp_grpc_call *dp_call_find(struct dp_grpc_conn *h, int32_t id);
void dp_call_notify_push(struct dp_grpc_call *c);
void dp_call_notify(struct dp_grpc_conn *h);
void dp_call_reset(struct dp_grpc_call *c, uint32_t h2_error);
/* It is over: `done` comes when nothing is held any more, at once with `drop_held`. */
void dp_call_over(struct dp_grpc_call *c, bool drop_held, int code, const char *fmt, ...)
    DEPOT_PRINTF(4, 5);
void dp_call_data(struct dp_grpc_call *c, const uint8_t *data, size_t n);
void dp_call_remote_ended(struct dp_grpc_call *c);
void dp_call_closed(struct dp_grpc_call *c, uint32_t h2_error);
void dp_call_lost(struct dp_grpc_call *c, const struct depot_error *err);
void dp_call_destroy(struct dp_grpc_call *c);

/* header.c: received header fields. False when there is too much of them. */
bool dp_call_header(struct dp_grpc_call *c, const char *name, size_t nname, const char *value,
    size_t nvalue) DEPOT_MUST_CHECK;
void dp_call_header_reset(struct dp_grpc_call *c); /* after an informational block */

#endif
