/*
 * The checked plan of a build, as the parts of the build module share it.
 */
#ifndef DEPOT_CORE_BUILD_PLAN_H
#define DEPOT_CORE_BUILD_PLAN_H

#include <depot/build.h>

#include <depot/event.h>

#include "session/session.h"

enum dp_context_kind {
    DP_CONTEXT_DIR,
    DP_CONTEXT_REMOTE,     /* a git or http URL that the engine fetches */
    DP_CONTEXT_TAR,        /* a tar on standard input */
    DP_CONTEXT_DOCKERFILE, /* a Dockerfile on standard input, and no context */
};

struct depot_build_plan {
    const struct depot_build_args *args; /* borrowed */
    enum dp_context_kind context_kind;
    char *context_dir; /* absolute; DP_CONTEXT_DIR */
    char *project;
    char *upload_id;  /* DP_CONTEXT_TAR */
    char *stdin_data; /* a Dockerfile from standard input; NULL: none */
    size_t stdin_len;
    int upload_fd; /* DP_CONTEXT_TAR: standard input with what was peeked put back; -1 */

    struct depot_strv platforms;
    struct depot_strv names; /* image names, normalised */
    struct depot_kvs attrs;  /* frontend attributes */
    char *frontend;
    struct depot_strv entitlements;
    DEPOT_VEC(struct depot_output) outputs;
    DEPOT_VEC(struct depot_output) cache_exports; /* type and attrs only */
    DEPOT_VEC(struct dp_session_dir) dirs;
    DEPOT_VEC(struct dp_session_secret) secrets;
    struct depot_kvs ssh;
    bool single_builder; /* several could not do it, unless the daemon joins: */
    bool join;           /* what several builders make may be joined */
    bool id_is_manifest; /* an image is known by its manifest's digest where it is loaded */
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
/* plan_output.c: where the results go. */
int dp_plan_outputs(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
int dp_plan_names(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
/* plan_load.c: an image for a Docker Engine, once the attributes are there. */
int dp_plan_load(
    struct depot_build_plan *p, struct depot_output *out, struct depot_error *err) DEPOT_MUST_CHECK;
/* plan_attrs.c: what the frontend is told. */
int dp_plan_attrs(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
int dp_plan_secrets(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;

/* "docker.io/library/app:latest" from "app". The caller frees. */
int dp_image_name(const char *tag, char **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* "type=local,dest=out" into its fields, quotes as in CSV; a field without '=' has the value NULL
 * turned to "". `what` names the flag in messages. */
int dp_csv_fields(const char *what, const char *s, struct depot_kvs *out,
    struct depot_error *err) DEPOT_MUST_CHECK;

/* request.c: the body of POST /v1/builds. The caller frees. */
char *dp_build_request(const struct depot_build_plan *p);

#endif
