/*
 * A BuildKit engine's Control API as a client sees it, over unix, tcp(+TLS) or a Docker Engine's
 * socket. Used by the daemon.
 *
 * Each call is an object that ends in exactly one `done`, unless it was freed before; freeing
 * cancels. The object stays after `done` and is its caller's to free, which is legal inside any
 * callback; the same goes for sessions. A call that could not start gives no object. Solve runs on
 * a connection of its own, so that an oversized error header cannot take other calls down (nghttp2
 * refuses header values over 64 KiB).
 */
#ifndef DEPOT_BUILDKIT_H
#define DEPOT_BUILDKIT_H

#include <depot/addr.h>
#include <depot/event.h>
#include <depot/request.h>
#include <depot/loop.h>

struct depot_bk;
struct depot_bk_call;

int depot_bk_new(struct depot_loop *l, const struct depot_addr *addr, const struct depot_tls *tls,
    struct depot_bk **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* Calls must have ended or been freed. */
void depot_bk_free(struct depot_bk *bk);
void depot_bk_call_free(struct depot_bk_call *c);

/* ---- what the engine is ---- */
enum depot_bk_cap {
    DEPOT_BK_CAP_HISTORY = 1 << 0,        /* ListenBuildHistory */
    DEPOT_BK_CAP_MULTI_EXPORTER = 1 << 1, /* several exporters in one solve */
    DEPOT_BK_CAP_ATTESTATIONS = 1 << 2,
    DEPOT_BK_CAP_SOURCE_POLICY = 1 << 8, /* holds to the rules of a solve */
    DEPOT_BK_CAP_MOBY = 1 << 3, /* Docker's classic image store: exporters moby, local, tar only */
};
struct depot_bk_info {
    const char *engine;     /* "buildkit" or "docker" */
    const char *version;    /* may be "0.0.0+unknown": show it, never compare it */
    const char **platforms; /* the configured one first */
    size_t nplatforms;
    const char *host_gateway; /* its machine, as steps reach it; NULL: it does not tell */
    int64_t cache_limit; /* what its garbage collection lets the cache grow to; -1: not known */
    unsigned caps;
};
/* ListWorkers, Info and the capability probe in one. `info` is borrowed, NULL on error. */
typedef void depot_bk_info_fn(struct depot_bk_call *c, const struct depot_bk_info *info,
    const struct depot_error *err, void *arg);
int depot_bk_probe(struct depot_bk *bk, depot_bk_info_fn *done, void *arg,
    struct depot_bk_call **out, struct depot_error *err) DEPOT_MUST_CHECK;

/* ---- solve ---- */
struct depot_bk_export {
    char *type;
    struct depot_kvs attrs;
};
struct depot_bk_solve {
    const char *ref;     /* 25 characters base36, fresh */
    const char *session; /* session id; NULL: none */
    const char *frontend;
    const struct depot_kvs *attrs;
    const struct depot_bk_export *exports;
    size_t nexports;
    const struct depot_cache_export *cache_exports;
    size_t ncache_exports;
    const struct depot_strv *entitlements;
    const void *source_policy; /* a sourcepolicy.Policy as it goes over the wire */
    size_t source_policy_len;  /* 0: none */
    bool internal;             /* the engine keeps no record of it */
};
struct depot_bk_result {
    const struct depot_pair *response; /* exporter response, on success */
    size_t nresponse;
    const struct depot_build_error *error; /* on failure, with the excerpt when the engine told */
    bool no_gateway;                       /* of a bridge: it failed because the engine has none */
};
/* On failure of the transport `res->error` is set too, with its gRPC code. */
typedef void depot_bk_solve_fn(
    struct depot_bk_call *c, const struct depot_bk_result *res, void *arg);
int depot_bk_solve(struct depot_bk *bk, const struct depot_bk_solve *req, depot_bk_solve_fn *done,
    void *arg, struct depot_bk_call **out, struct depot_error *err) DEPOT_MUST_CHECK;

/* ---- bridge: a solve that is told its definition before anything runs, and then goes on ---- */
enum {
    DEPOT_BK_REFS_MAX = 256,  /* results of one build: one a platform */
    DEPOT_BK_META_MAX = 4096, /* values that come with them */
};
struct depot_bk_ref {
    const char *platform;   /* as the frontend names it; "" for a single result */
    const void *definition; /* an encoded definition, for depot_definition_decode() */
    size_t len;             /* 0: an empty result */
};
struct depot_bk_answer {
    const struct depot_bk_ref *refs;
    size_t nrefs;
    const struct depot_pair *metadata; /* of the frontend: "containerimage.config", "result.txt" */
    size_t nmetadata;
};
struct depot_bk_bridge_ops {
    /* What the frontend made of the request; borrowed. The build stays open until it is told to go
     * on or to fail, now or later. Not called when the frontend fails. */
    void (*answer)(struct depot_bk_call *c, const struct depot_bk_answer *answer, void *arg);
    depot_bk_solve_fn *done;
};
/*
 * As depot_bk_solve(), in two steps, over two connections. An engine that has no gateway ends it
 * with an error that says so; an answer past the ceilings, or one that is malformed, too.
 */
int depot_bk_bridge(struct depot_bk *bk, const struct depot_bk_solve *req,
    const struct depot_bk_bridge_ops *ops, void *arg, struct depot_bk_call **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* The engine evaluates and exports the answer; `done` follows. Once, after `answer`. */
void depot_bk_bridge_go_on(struct depot_bk_call *c);
/* The build ends with this error, on the engine and in its record, too; `done` follows. `code` is a
 * google.rpc.Code. Once, after `answer`. */
void depot_bk_bridge_fail(struct depot_bk_call *c, int code, const char *message);

/* ---- status ---- */
/*
 * Progress, over a connection of its own. While it is busy it is read every 20 ms, and `status`
 * gets what came meanwhile as one (of some 48 KiB): all records, in their order, nothing joined or
 * left out. What a quiet build says is told at once.
 */
struct depot_bk_status_ops {
    void (*status)(
        struct depot_bk_call *c, const struct depot_status *st, void *arg);          /* borrowed */
    void (*done)(struct depot_bk_call *c, const struct depot_error *err, void *arg); /* NULL: EOF */
};
int depot_bk_status(struct depot_bk *bk, const char *ref, const struct depot_bk_status_ops *ops,
    void *arg, struct depot_bk_call **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* The build is over, and only the rest of this is waited for: what comes is read at once from now
 * on. NULL is fine. */
void depot_bk_status_hurry(struct depot_bk_call *c);

/* ---- history ---- */
enum depot_bk_history_kind { DEPOT_BK_STARTED, DEPOT_BK_COMPLETE, DEPOT_BK_DELETED };
struct depot_bk_record {
    enum depot_bk_history_kind kind;
    const char *ref;
    const struct depot_pair *attrs; /* frontend attributes */
    size_t nattrs;
    depot_time created, completed;
    const struct depot_build_error *error; /* NULL: none */
    const struct depot_pair *response;     /* frontend result metadata */
    size_t nresponse;
    const char *digest; /* of the result, when it has one */
    int cached_steps, total_steps, completed_steps, generation;
};
struct depot_bk_history_ops {
    void (*record)(struct depot_bk_call *c, const struct depot_bk_record *rec, void *arg);
    void (*done)(struct depot_bk_call *c, const struct depot_error *err, void *arg);
};
/* `ref` NULL: all. `active_only`: no stored records first. `early_exit`: end after what is there.
 */
int depot_bk_history(struct depot_bk *bk, const char *ref, bool active_only, bool early_exit,
    const struct depot_bk_history_ops *ops, void *arg, struct depot_bk_call **out,
    struct depot_error *err) DEPOT_MUST_CHECK;

/* ---- provenance: what the engine recorded of how a build was made ---- */
struct depot_bk_provenance_ops {
    /* `platform` "": of the whole build. `text` is the predicate, JSON; all borrowed. */
    void (*found)(struct depot_bk_call *c, const char *platform, const char *type, const char *text,
        size_t n, void *arg);
    void (*done)(struct depot_bk_call *c, const struct depot_error *err, void *arg);
};
int depot_bk_provenance(struct depot_bk *bk, const char *ref,
    const struct depot_bk_provenance_ops *ops, void *arg, struct depot_bk_call **out,
    struct depot_error *err) DEPOT_MUST_CHECK;

/* ---- session: relays the bytes of a client's session ---- */
struct depot_bk_session;
struct depot_bk_session_ops {
    void (*data)(struct depot_bk_session *s, const void *data, size_t n, void *arg);
    void (*writable)(struct depot_bk_session *s, void *arg); /* queued() fell below 256 KiB */
    void (*done)(struct depot_bk_session *s, const struct depot_error *err, void *arg);
};
int depot_bk_session_open(struct depot_bk *bk, const char *id, const char *shared_key,
    const struct depot_strv *methods, const struct depot_bk_session_ops *ops, void *arg,
    struct depot_bk_session **out, struct depot_error *err) DEPOT_MUST_CHECK;
void depot_bk_session_write(struct depot_bk_session *s, const void *data, size_t n);
size_t depot_bk_session_queued(const struct depot_bk_session *s);
void depot_bk_session_end(struct depot_bk_session *s); /* half-close; `done` follows */
void depot_bk_session_free(struct depot_bk_session *s);

/* ---- content: what the engine made and still has, such as a manifest that it pushed ---- */
/* `data` NULL: it could not be had. Borrowed, and not held against its digest. */
typedef void depot_bk_content_fn(struct depot_bk_call *c, const struct depot_buf *data, void *arg);
int depot_bk_content(struct depot_bk *bk, const char *digest, depot_bk_content_fn *done, void *arg,
    struct depot_bk_call **out, struct depot_error *err) DEPOT_MUST_CHECK;

/* ---- cache ---- */
struct depot_bk_usage {
    const char *id, *description, *type;
    int64_t size;
    depot_time created, last_used;
    int64_t usage_count;
    bool in_use, is_shared, is_mutable;
};
struct depot_bk_usage_ops {
    void (*usage)(struct depot_bk_call *c, const struct depot_bk_usage *u, void *arg);
    void (*done)(struct depot_bk_call *c, const struct depot_error *err, void *arg);
};
int depot_bk_disk_usage(struct depot_bk *bk, const struct depot_bk_usage_ops *ops, void *arg,
    struct depot_bk_call **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* Removed records come as `usage`. `keep_bytes` and `keep_ns`: 0 for none. */
int depot_bk_prune(struct depot_bk *bk, bool all, int64_t keep_bytes, int64_t keep_ns,
    const struct depot_bk_usage_ops *ops, void *arg, struct depot_bk_call **out,
    struct depot_error *err) DEPOT_MUST_CHECK;

#endif
