/*
 * The checked plan of a build, as the parts of the build module share it.
 */
#ifndef DEPOT_CORE_BUILD_PLAN_H
#define DEPOT_CORE_BUILD_PLAN_H

#include <depot/app.h>
#include <depot/build.h>
#include <depot/request.h>

#include <sys/types.h>

#include "build/output.h"
#include "build/spec.h"
#include "build/ssh_keys.h"
#include "session/session.h"

enum dp_context_kind {
    DP_CONTEXT_DIR,
    DP_CONTEXT_REMOTE,     /* a git or http URL that the engine fetches */
    DP_CONTEXT_TAR,        /* a tar on standard input */
    DP_CONTEXT_DOCKERFILE, /* a Dockerfile on standard input, and no context */
};

/* What is asked of the frontend instead of a build. */
struct dp_call {
    char *method; /* "lint", "outline", "targets"; NULL: a build */
    char *file;   /* the user's name of the Dockerfile */
    bool json, ignore_status;
};

/* A layout that the build writes to. */
struct dp_plan_layout {
    char *store; /* its id in `stores` */
    char *path;
    char *tag;    /* of a cache; NULL: the layout is of an image, which has its own names */
    bool reset;   /* what nothing names any more goes */
    time_t since; /* when the build began */
};

struct depot_build_plan {
    const struct depot_build_args *args; /* borrowed */
    enum dp_context_kind context_kind;
    char *context_dir; /* absolute; DP_CONTEXT_DIR */
    char *project;
    char *upload_id;  /* DP_CONTEXT_TAR */
    char *stdin_data; /* a Dockerfile from standard input; NULL: none */
    size_t stdin_len;
    int upload_fd;   /* DP_CONTEXT_TAR: standard input with what was peeked put back; -1 */
    off_t upload_at; /* where it begins, in a file */

    struct dp_call call;
    struct depot_strv platforms;
    struct depot_strv names; /* image names, normalised */
    struct depot_kvs attrs;  /* frontend attributes */
    char *frontend;
    char *source_policy; /* for the engines, in base64; NULL: none */
    char *policy_file;   /* that a context which the engine fetches must not have; NULL: none */
    struct depot_strv entitlements;
    DEPOT_VEC(struct depot_output) outputs;
    DEPOT_VEC(struct depot_output) cache_exports; /* type and attrs only */
    DEPOT_VEC(struct dp_session_dir) dirs;
    DEPOT_VEC(struct dp_session_secret) secrets;
    struct depot_kvs ssh;
    DEPOT_VEC(struct dp_ssh_keys *) ssh_keys;
    DEPOT_VEC(struct dp_session_store) stores;
    DEPOT_VEC(struct dp_plan_layout) layouts;
    bool single_builder; /* several could not do it, unless the daemon joins: */
    bool join;           /* what several builders make may be joined */
    bool id_is_manifest; /* an image is known by its manifest's digest where it is loaded */
    bool allow_delete;   /* --allow buildx.local.delete: mode=delete may clear any directory */
    bool cache_only;     /* no output is wanted, and that was said */
    bool default_image;  /* no output is asked for: a Docker Engine keeps the image, as ever */
    struct depot_source source;
    struct depot_strv warnings;

    struct depot_arena arena; /* of what follows */
    bool has_settings;        /* the Dockerfile could be read */
    struct depot_setting *settings;
    size_t nsettings;
};

/* plan_context.c: where the files come from. */
int dp_plan_context(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
/* plan_stdin.c: the same of what comes on standard input. */
int dp_plan_stdin_context(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
int dp_plan_stdin_dockerfile(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
/* plan_output.c: where the results go. */
int dp_plan_outputs(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
int dp_plan_names(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
/* plan_load.c: an image for a Docker Engine, once the attributes are there. */
int dp_plan_load(
    struct depot_build_plan *p, struct depot_output *out, struct depot_error *err) DEPOT_MUST_CHECK;
/* results.c: refuses outputs that would take a file from each other, or from --iidfile. */
int dp_plan_files(const struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
/* plan_attrs.c: what the frontend is told. */
int dp_plan_attrs(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
/* plan_cache.c: where caches come from and go to. */
int dp_plan_cache_from(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
int dp_plan_cache_to(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
/* plan_secrets.c: what of this machine the build may use. */
int dp_plan_secrets(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;

/* plan_stores.c: what builders read from and write to as blobs. Each fits the attributes to what an
 * engine is told. */
int dp_plan_cache_to_local(
    struct depot_build_plan *p, struct depot_output *e, struct depot_error *err) DEPOT_MUST_CHECK;
/* The cache is imported once by each of `digests`. */
int dp_plan_cache_from_local(struct depot_build_plan *p, struct depot_output *e,
    struct depot_strv *digests, struct depot_error *err) DEPOT_MUST_CHECK;
bool dp_plan_is_layout(const char *value); /* oci-layout://... */
int dp_plan_layout_context(struct depot_build_plan *p, const char *key, const char *value,
    struct depot_error *err) DEPOT_MUST_CHECK;
bool dp_plan_is_store(const char *type, const struct depot_kvs *attrs); /* oci, tar=false */
int dp_plan_store_output(struct depot_build_plan *p, const struct depot_output *out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* Once all else is checked: the directories to write to. */
int dp_plan_make_stores(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
void dp_plan_release_stores(struct depot_build_plan *p);

/* call.c: --call and --check; the attributes once the context is known. */
int dp_plan_call(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
void dp_plan_call_attrs(struct depot_build_plan *p);

/* request.c: what the daemon is asked for. What `r` points at is the plan's, or in `arena`. */
void dp_build_request(
    const struct depot_build_plan *p, struct depot_build_request *r, struct depot_arena *arena);

#endif
