/*
 * The inside of depot_bk: connections to an engine, single RPCs over them, and the calls that the
 * public header hands out. Internal to this module.
 */
#ifndef DEPOT_CORE_BUILDKIT_BK_H
#define DEPOT_CORE_BUILDKIT_BK_H

#include <depot/buildkit.h>

#include <sys/queue.h>

#include "buildkit/message.h"
#include "grpc/grpc.h"

#define DP_BK_CONTROL "/moby.buildkit.v1.Control/"
#define DP_BK_BRIDGE  "/moby.buildkit.v1.frontend.LLBBridge/"
#define DP_BK_CONTENT "/containerd.services.content.v1.Content/"

/* ---- link: one connection, opened when first needed and again when it was lost ---- */
struct dp_bk_rpc;
TAILQ_HEAD(dp_bk_rpcs, dp_bk_rpc);

struct dp_bk_link {
    struct depot_loop *loop;
    const struct depot_bk *bk;
    struct dp_connect *connect;
    struct dp_grpc_conn *conn;
    const struct dp_pace_rule *pace; /* how it is read; NULL: as it comes */
    struct dp_bk_rpcs waiting;       /* RPCs that begin when the connection is up */
    unsigned attempt;                /* connection attempts that are over */
};
void dp_bk_link_init(struct dp_bk_link *l, const struct depot_bk *bk);
/* All its RPCs must have been released. Legal inside their callbacks. */
void dp_bk_link_release(struct dp_bk_link *l);
/* Read it by the clock (net/pace.h), or again as it comes (NULL). */
void dp_bk_link_pace(struct dp_bk_link *l, const struct dp_pace_rule *rule);

/* ---- rpc: one gRPC call, which may have to wait for its link ---- */
struct dp_bk_rpc_ops {
    /* `call` is there, nothing is sent yet; may come inside dp_bk_rpc_start(); may be NULL. */
    void (*begun)(struct dp_bk_rpc *r, void *arg);
    void (*message)(struct dp_bk_rpc *r, const uint8_t *data, size_t n, void *arg);
    /* All messages that could be had at once have been given; may be NULL. */
    void (*caught_up)(struct dp_bk_rpc *r, void *arg);
    void (*writable)(struct dp_bk_rpc *r, void *arg); /* may be NULL */
    /* Over, exactly once. `err` is NULL when the status is OK; `st` is never NULL. */
    void (*done)(struct dp_bk_rpc *r, const struct dp_grpc_status *st,
        const struct depot_error *err, void *arg);
};

struct dp_bk_rpc {
    struct dp_bk_link *link;
    const struct dp_bk_rpc_ops *ops;
    void *arg;
    const char *path;         /* a literal */
    struct depot_arena arena; /* holds the metadata */
    struct dp_grpc_md *md;
    size_t nmd;
    struct depot_buf request;
    bool stream_out; /* the caller sends more messages and ends itself */
    bool is_waiting;
    unsigned attempt; /* of the link, that this waits for */
    bool unreachable; /* it ended because there was no connection */
    struct dp_grpc_call *call;
    TAILQ_ENTRY(dp_bk_rpc) entry;
};
/* Prepare; then add metadata and the request, then start. */
void dp_bk_rpc_init(struct dp_bk_rpc *r, struct dp_bk_link *l, const char *path,
    const struct dp_bk_rpc_ops *ops, void *arg);
void dp_bk_rpc_md(struct dp_bk_rpc *r, const char *key, const char *value); /* copied */
/* Never calls back from inside. On failure `done` will not be called. */
int dp_bk_rpc_start(struct dp_bk_rpc *r, struct depot_error *err) DEPOT_MUST_CHECK;
bool dp_bk_rpc_active(const struct dp_bk_rpc *r); /* started and not over */
/* Cancels when it is not over. Idempotent, also for one that is all zero. */
void dp_bk_rpc_release(struct dp_bk_rpc *r);

/* ---- the client and its calls ---- */
struct depot_bk {
    struct depot_loop *loop;
    struct depot_addr addr;
    struct depot_tls tls;
    struct dp_bk_link shared; /* for all but Solve, Status and Session */
};

/* What every call begins with. */
struct depot_bk_call {
    const struct dp_bk_call_ops *ops;
    struct depot_bk *bk;
    struct depot_loop *loop;
    bool dead; /* freed by its owner; the memory waits for the end of the turn */
};
struct dp_bk_call_ops {
    /* Cancel what is under way. */
    void (*release)(struct depot_bk_call *c);
    /* After the turn: give back what a callback was shown, which it may go on reading after it
     * freed the call. May be NULL. */
    void (*destroy)(struct depot_bk_call *c);
};
/* A zeroed call of `size` bytes, of which a struct depot_bk_call is the first member. */
void *dp_bk_call_new(struct depot_bk *bk, size_t size, const struct dp_bk_call_ops *ops);

/* ---- blob: one piece of the engine's content store, whole ---- */
struct dp_bk_blob {
    struct dp_bk_rpc rpc;
    struct depot_buf data;
    /* `data` NULL: it could not be had. */
    void (*done)(struct dp_bk_blob *b, const struct depot_buf *data, void *arg);
    void *arg;
};
int dp_bk_blob_start(struct dp_bk_blob *b, struct dp_bk_link *l, const char *digest,
    void (*done)(struct dp_bk_blob *b, const struct depot_buf *data, void *arg), void *arg,
    struct depot_error *err) DEPOT_MUST_CHECK;
void dp_bk_blob_release(struct dp_bk_blob *b);

#endif
