/*
 * What a client offers an engine while it builds: the session. We are the HTTP/2 server inside a
 * byte stream; the engine calls us for files, outputs, credentials, secrets, agents.
 * Internal to libdepot.
 */
#ifndef DEPOT_CORE_SESSION_SESSION_H
#define DEPOT_CORE_SESSION_SESSION_H

#include <depot/base.h>
#include <depot/digest.h>
#include <depot/loop.h>

#include <sys/types.h>

#include "net/stream.h"

struct dp_session_dir {
    char *name; /* mount name: "context", "dockerfile", or a named context */
    char *path; /* directory on this machine */
};

enum { DP_SESSION_SECRET_MAX = 500 * 1024 }; /* the ceiling that engines and other clients have */

struct dp_session_secret {
    char *id;
    char *file, *env; /* one of the two; of both the variable counts */
    char *data;       /* what was in the file, when it could be read only once; else NULL */
    size_t len;
};
void dp_session_secret_release(struct dp_session_secret *s);

enum dp_session_output_kind {
    DP_OUTPUT_NONE, /* the engine sends us nothing for this exporter */
    DP_OUTPUT_DIR,  /* local: files below `path` */
    /* tar, oci, docker: one stream into `path`, written whole or not at all; what does not end as
     * a tar does counts as broken. A device or a FIFO is written to as it is. */
    DP_OUTPUT_FILE,
    DP_OUTPUT_FD,    /* the same into a descriptor ("-") */
    DP_OUTPUT_SPOOL, /* the same into the file behind a descriptor, from its beginning */
    DP_OUTPUT_SINK,  /* the same into `sink` (docker load) */
};

struct dp_session_output {
    enum dp_session_output_kind kind;
    char *path;
    int fd;
    struct depot_map *keep;   /* DP_OUTPUT_DIR: gets each path that is written; may be NULL */
    struct dp_claims *claims; /* DP_OUTPUT_DIR: what all platforms write there; may be NULL */
    /* DP_OUTPUT_SINK: bytes as they come, n 0 at the end; returns bytes still queued by the sink
     * (the engine is held back above 1 MiB until dp_session_output_drained()), or a negative
     * depot_err to refuse. */
    ssize_t (*sink)(void *arg, const void *data, size_t n, struct depot_error *err);
    void *sink_arg;
};

/* A directory of blobs, as an OCI layout has them, that the engine may read by this name. */
struct dp_session_store {
    char *id;   /* as the engine says it: "local:NAME", "oci:NAME", "export" */
    char *path; /* there, when it is written to */
    bool writable;
    bool optional; /* a fault in writing is the engine's to weigh: it does not fail the build */
    /* By the session: the blob that the engine wrote last, or would have if it had not been there.
     * "" for none. What an engine writes as a whole ends with its manifest. */
    char last[DEPOT_DIGEST_LEN + 1];
};

/* Everything is borrowed and must outlive the session. */
struct dp_session_config {
    const struct dp_session_dir *dirs;
    size_t ndirs;
    /* A Dockerfile given on stdin, or NULL: served as `Dockerfile` in mount "dockerfile". */
    const char *dockerfile_data;
    size_t dockerfile_len;
    /* A context given as an archive on stdin: served to Upload/Pull for path "/<upload_id>". A file
     * is served from `upload_at` to each who asks, anything else to the first. */
    const char *upload_id;
    int upload_fd;
    off_t upload_at;
    const struct dp_session_secret *secrets;
    size_t nsecrets;
    const struct depot_strv *platforms;      /* that the engine makes */
    const struct dp_session_output *outputs; /* index = exporter's index in the solve */
    size_t noutputs;
    const struct depot_kvs *ssh; /* id -> agent socket path */
    struct dp_session_store *stores;
    size_t nstores;
    /* Directory of Docker's config.json; NULL: $DOCKER_CONFIG, else ~/.docker. */
    const char *docker_config;
};

/* What happened to the context, for build.context. */
struct dp_session_context {
    int64_t files, bytes;           /* walked */
    int64_t sent_files, sent_bytes; /* asked for by the engine */
    struct depot_strv changed;      /* paths sent, at most 100 */
    int64_t changed_more;
};

struct dp_session;
struct dp_session_ops {
    /* A context transfer ended in order. May be NULL. */
    void (*context)(
        struct dp_session *s, const char *mount, const struct dp_session_context *ctx, void *arg);
    /* Something on our side went wrong (unreadable file, output not writable): the build will fail
     * at the engine with less said. May be NULL. */
    void (*problem)(struct dp_session *s, const struct depot_error *err, void *arg);
    /* An output is on disk, or was given up: dp_session_busy() counts it no more. May be NULL. */
    void (*written)(struct dp_session *s, void *arg);
    /* The stream ended. */
    void (*closed)(struct dp_session *s, const struct depot_error *err, void *arg);
};

/* The methods to announce to the engine for this config, as "/pkg.Svc/Method". */
void dp_session_methods(const struct dp_session_config *cfg, struct depot_strv *out);

int dp_session_new_take(struct depot_loop *l, struct dp_stream *take,
    const struct dp_session_config *cfg, const struct dp_session_ops *ops, void *arg,
    struct dp_session **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* Outputs that are still open are discarded: a half-written file never appears. */
void dp_session_free(struct dp_session *s);
void dp_session_output_drained(struct dp_session *s, size_t index);
/* Outputs still being written, e.g. renames to come; 0 when all is on disk. */
size_t dp_session_busy(const struct dp_session *s);

#endif
