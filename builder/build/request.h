/*
 * The body of POST /v1/builds as a struct: parsed, typed, bounded. Does not decide anything.
 */
#ifndef DEPOT_BUILDER_REQUEST_H
#define DEPOT_BUILDER_REQUEST_H

#include <depot/buildkit.h>
#include <depot/event.h>

/* Ceilings on what a client may send. */
enum {
    REQUEST_MAX = 1024 * 1024,      /* the whole body */
    REQUEST_DEPTH_MAX = 8,          /* the deepest we use is 5 */
    REQUEST_NAME_MAX = 4096,        /* one descriptive string */
    REQUEST_VALUE_MAX = 256 * 1024, /* one attribute's value: build arguments can be long */
    REQUEST_LIST_MAX = 256,         /* tags, methods, entitlements */
    REQUEST_ATTRS_MAX = 4096,       /* attributes of one object */
    REQUEST_EXPORTS_MAX = 16,       /* exports, cache exports; see request.loads */
    REQUEST_CALL_MAX = 64,          /* name of a question */
    REQUEST_SETTINGS_MAX = 512,     /* lines of a Dockerfile that make no step */
};

struct request {
    char *project, *command, *target;
    char *builder; /* to build on, if there is one of this name */
    struct depot_strv tags;
    struct depot_strv platforms; /* normal form, no doubles, at least one */
    char *remote, *commit, *branch;
    bool dirty;
    char *user, *host, *ci_url;
    struct depot_kvs join_with; /* platform -> digest of what an earlier build has pushed, or "" for
                                   what this one makes; in the order of the index. May be empty. */
    bool keep_going;            /* what one part cannot make, the others make all the same */
    bool single_builder, detach;
    bool join; /* the client makes one result of what several builders made: see request_single() */
    char *call;   /* a question to the frontend, such as "lint", instead of a build; NULL: none */
    bool session; /* wants one */
    char *shared_key;
    struct depot_strv methods;
    char *frontend;
    struct depot_kvs attrs;
    struct depot_bk_export *exports;
    size_t nexports;
    bool default_image; /* without exports: make the image that docker build makes */
    unsigned loads;     /* bit i: the client wants exports[i] in its Docker Engine, not as a file */
    struct depot_strv only_for[REQUEST_EXPORTS_MAX]; /* the platforms of exports[i]; none: all */
    struct depot_bk_cache *cache_exports;
    size_t ncache_exports;
    struct depot_strv entitlements;
    char *source_policy; /* base64 of the engine's message; NULL: none */
    char *policy_file;   /* must not be in the context, which the engine fetches; NULL: none */
    bool has_settings;
    struct depot_arena arena; /* of the settings */
    struct depot_setting *settings;
    size_t nsettings;
};

/* DEPOT_ERR_INVALID or DEPOT_ERR_TOO_BIG name the field. Unknown fields are skipped. */
int request_parse(
    const char *json, size_t n, struct request *out, struct depot_error *err) DEPOT_MUST_CHECK;
void request_release(struct request *r);
/* The export whose results are to be joined into one index under its names, or -1. */
int request_join_export(const struct request *r);
/*
 * Must one builder make all platforms? A client that joins says `single_builder` and `join`:
 * daemons that know nothing of joining obey the first, and the result is whole either way.
 */
bool request_single(const struct request *r);
/* A bit for each export that is made of a platform (normal form). */
unsigned request_exports_of(const struct request *r, const char *platform);

#endif
