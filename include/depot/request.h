/*
 * What a client asks a daemon to build: the body of POST /v1/builds, and of `create` on the feed
 * (docs/api.md). A record (record.h): its lists are borrowed from an arena, so they are only read.
 */
#ifndef DEPOT_REQUEST_H
#define DEPOT_REQUEST_H

#include <depot/event.h>
#include <depot/export.h>

DEPOT_API_BEGIN

/* Ceilings on what a client may send. */
enum {
    DEPOT_REQUEST_MAX = 1024 * 1024,      /* the whole body */
    DEPOT_REQUEST_TEXT_MAX = 4096,        /* one descriptive string */
    DEPOT_REQUEST_VALUE_MAX = 256 * 1024, /* one attribute's value: build arguments can be long */
    DEPOT_REQUEST_LIST_MAX = 256,         /* tags, methods, entitlements */
    DEPOT_REQUEST_ATTRS_MAX = 4096,       /* attributes of one object */
    DEPOT_REQUEST_EXPORTS_MAX = 16,       /* exports, cache exports: a bit for each in a mask */
    DEPOT_REQUEST_SETTINGS_MAX = 512,     /* lines of a Dockerfile that make no step */
};

struct depot_request_export {
    char *type;
    struct depot_kvs attrs;
    bool load;                   /* the client loads it into its Docker Engine, not into a file */
    struct depot_strv platforms; /* made of these alone; none: of all */
};

struct depot_cache_export {
    char *type;
    struct depot_kvs attrs;
};

struct depot_build_request {
    struct depot_ev_created info; /* what build.created says; `origin` is the daemon's to say */
    const char *builder;          /* to build on, if there is one of this name */
    bool single_builder, detach;
    bool join; /* the client, or the daemon, makes one result of what several builders made */
    struct depot_kvs join_with; /* platform -> digest of what an earlier build has pushed, or "" for
                                   what this one makes; in the order of the index. May be empty. */
    bool keep_going;            /* what one part cannot make, the others make all the same */
    const char *call;           /* a question to the frontend, such as "lint", instead of a build */
    bool has_settings;
    struct depot_setting *settings;
    size_t nsettings;
    bool session; /* wants one */
    const char *shared_key;
    struct depot_strv methods;
    const char *frontend;
    struct depot_kvs attrs;
    struct depot_request_export *exports;
    size_t nexports;
    struct depot_cache_export *cache_exports;
    size_t ncache_exports;
    bool default_image; /* without exports: make the image that docker build makes */
    struct depot_strv entitlements;
    const char *source_policy; /* base64 of the engine's message; NULL: none */
    const char *policy_file; /* must not be in the context, which the engine fetches; NULL: none */
};

extern const struct depot_record depot_record_build_request;

/* What a client says beside the bytes of a session, in a text frame. */
enum { DEPOT_SESSION_TEXT_MAX = 256 * 1024 };
struct depot_session_text {
    struct depot_ev_context *context; /* of what was sent; without `platform` */
};
extern const struct depot_record depot_record_session_text;

DEPOT_API_END

#endif
