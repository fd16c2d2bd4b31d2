/*
 * What the files of the session module share: the session, and the calls that run in it.
 */
#ifndef DEPOT_CORE_SESSION_INTERNAL_H
#define DEPOT_CORE_SESSION_INTERNAL_H

#include <depot/buf.h>

#include <sys/queue.h>

#include "grpc/grpc.h"
#include "session/packet.h"
#include "session/session.h"

enum {
    /* Bytes that may wait in one call before its source is left alone. */
    DP_SESSION_QUEUE_HIGH = 1024 * 1024,
    DP_SESSION_CHUNK = 256 * 1024, /* of a file, in one message */
};

/* One call that the engine made, and what we do for it. Embedded first. */
struct dp_scall;
struct dp_scall_ops {
    void (*pump)(struct dp_scall *c); /* after dp_scall_wake(); may be NULL */
    void (*free)(struct dp_scall *c); /* the gRPC call is gone already */
};
struct dp_scall {
    const struct dp_scall_ops *ops;
    struct dp_session *s;
    struct dp_grpc_call *call;
    bool wake, due;
    bool writes_output; /* until dp_scall_written() */
    TAILQ_ENTRY(dp_scall) link;
};

struct dp_session_event;
struct dp_session {
    struct depot_loop *loop;
    struct dp_grpc_conn *conn;
    const struct dp_session_config *cfg;
    const struct dp_session_ops *ops;
    void *arg;
    TAILQ_HEAD(, dp_scall) calls;
    TAILQ_HEAD(, dp_session_event) events;
    bool turn_pending, in_turn, dead;
    char *scratch; /* where small files are read to, see filesync.c */
};

/* Begin: `c` is zeroed apart from what its owner has set. */
void dp_scall_init(struct dp_scall *c, const struct dp_scall_ops *ops, struct dp_session *s,
    struct dp_grpc_call *call);
/* Call `pump` soon, from the top of the loop. */
void dp_scall_wake(struct dp_scall *c);
/* What it wrote is in place, or given up: the owner is told, later. */
void dp_scall_written(struct dp_scall *c);
/* From the gRPC call's `done`: the call leaves the session and is freed. */
void dp_scall_end(struct dp_scall *c);

/* Tell the owner, later: it may free the session inside. */
void dp_session_problem(struct dp_session *s, const struct depot_error *err);
void dp_session_context_take(
    struct dp_session *s, const char *mount, struct dp_session_context *take);
void dp_session_context_release(struct dp_session_context *ctx);

/* A call of one request and one answer: `fn` answers with dp_session_reply() or respond. */
typedef void dp_unary_fn(
    struct dp_session *s, struct dp_grpc_call *call, const uint8_t *msg, size_t n);
void dp_session_unary(struct dp_session *s, struct dp_grpc_call *call, dp_unary_fn *fn);
/* One message and OK. */
void dp_session_reply(struct dp_grpc_call *call, const void *msg, size_t n);
/* Fail a call with what went wrong on our side. */
void dp_session_respond_error(struct dp_grpc_call *call, const struct depot_error *err);

/* The i-th value of a key, taken out of the form encoding that newer engines may use; the caller
 * frees, NULL when there is none. */
char *dp_session_md(const struct dp_grpc_call *call, const char *key, size_t i);

/* A message with one bytes field 1, as most streams here carry. */
void dp_session_send_bytes(struct dp_grpc_call *call, const void *data, size_t n);
/* A packet of a file transfer with up to DEPOT_ERROR_MSG_MAX bytes of data; the rest is cut. */
void dp_session_send_packet(
    struct dp_grpc_call *call, enum dp_packet_type type, uint32_t id, const void *data, size_t n);

/* The methods, each in its file; `arg` is the session. */
void dp_session_open_filesync(struct dp_grpc_call *call, void *arg);
void dp_session_open_filesend(struct dp_grpc_call *call, void *arg);
void dp_session_open_receive(
    struct dp_session *s, struct dp_grpc_call *call, const struct dp_session_output *to);
void dp_session_open_output(struct dp_session *s, struct dp_grpc_call *call, size_t index);
void dp_session_open_health_check(struct dp_grpc_call *call, void *arg);
void dp_session_open_health_watch(struct dp_grpc_call *call, void *arg);
void dp_session_open_credentials(struct dp_grpc_call *call, void *arg);
void dp_session_open_secret(struct dp_grpc_call *call, void *arg);
void dp_session_open_ssh_check(struct dp_grpc_call *call, void *arg);
void dp_session_open_ssh_forward(struct dp_grpc_call *call, void *arg);
void dp_session_open_upload(struct dp_grpc_call *call, void *arg);
void dp_session_open_content_info(struct dp_grpc_call *call, void *arg);
void dp_session_open_content_read(struct dp_grpc_call *call, void *arg);
void dp_session_open_content_write(struct dp_grpc_call *call, void *arg);
void dp_session_open_content_status(struct dp_grpc_call *call, void *arg);
void dp_session_open_content_abort(struct dp_grpc_call *call, void *arg);
/* For dp_session_output_drained(). */
void dp_session_output_resume(struct dp_scall *c, size_t index);

#endif
