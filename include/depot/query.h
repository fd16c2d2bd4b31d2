/*
 * What a daemon can be asked, and what it answers: a build, estimates from past builds, the use of
 * the cache, what a prune freed, builds of the past. The same objects stand in responses on the
 * feed (docs/feed.md) and in answers over HTTP (docs/api.md).
 *
 * An answer owns all it holds through its arena: depot_response_release() frees the lot.
 */
#ifndef DEPOT_QUERY_H
#define DEPOT_QUERY_H

#include <depot/buf.h>
#include <depot/event.h>
#include <depot/export.h>
#include <depot/request.h>

DEPOT_API_BEGIN

/* X(id, `op`): what can be asked. The first ones have answers; the last are only accepted. */
#define DEPOT_QUERIES(X)                                                                           \
    X(ESTIMATES, "estimates") /* of one build, or of a project */                                  \
    X(CACHE, "cache")         /* of one builder, or of all */                                      \
    X(PRUNE, "prune")                                                                              \
    X(BUILDS, "builds")                                                                            \
    X(PROVENANCE, "provenance") /* of one part's record on its builder */                          \
    X(CREATE, "create")                                                                            \
    X(CANCEL, "cancel")                                                                            \
    X(SUBSCRIBE, "subscribe")                                                                      \
    X(UNSUBSCRIBE, "unsubscribe")

enum depot_query_kind {
#define DEPOT_QUERY_ENUM(id, name) DEPOT_QUERY_##id,
    DEPOT_QUERIES(DEPOT_QUERY_ENUM)
#undef DEPOT_QUERY_ENUM
        DEPOT_QUERY_COUNT
};
const char *depot_query_kind_name(enum depot_query_kind a);
int depot_query_kind_from_name(const char *name); /* -1: none */

/* Members that a kind does not name are ignored. Strings are borrowed, NULL where not given. */
struct depot_query {
    enum depot_query_kind ask;
    int64_t id;        /* comes back with the answer; 0: none */
    const char *build; /* ESTIMATES: its steps and its project. CANCEL, SUBSCRIBE, UNSUBSCRIBE */
    const char *scope; /* SUBSCRIBE, UNSUBSCRIBE: "fleet" instead of a build */
    uint64_t after;    /* SUBSCRIBE: events with a greater `seq` */
    bool quiet;        /* SUBSCRIBE: to the fleet without log bytes */
    const struct depot_build_request *request; /* CREATE */
    const char *project; /* ESTIMATES without `build`; BUILDS: only of this one */
    const char *builder; /* CACHE, PRUNE; NULL: all of them. PROVENANCE: needed */
    const char *ref;     /* PROVENANCE: as build.assigned tells it */
    const char *session; /* PROVENANCE: the secret that the answer to the create told */
    bool all;            /* PRUNE: also what is shared with images and what frontends keep */
    int64_t keep_bytes;  /* PRUNE: leave so much; 0: nothing */
    int64_t keep_hours;  /* PRUNE: leave what was used within; 0: nothing */
    int64_t limit;       /* BUILDS: at most so many; 0: 100 */
};
/* A whole message of the feed; the same without its `op`, as the body of a request. */
extern const struct depot_record depot_record_query;
extern const struct depot_record depot_record_query_body;
/* What can be told of a message that could not be decoded, for the refusal: its `id`, `build` and
 * `ask`, which is DEPOT_QUERY_COUNT when it is none. */
void depot_query_peek(const char *json, size_t n, struct depot_query *q, struct depot_arena *arena);

/* How long something took, over those of its runs that were not cached. */
struct depot_spread {
    int64_t median_ms, p25_ms, p75_ms;
    int runs;
};

struct depot_step_estimate {
    const char *platform, *stage, *text; /* as in a step's name */
    int ordinal;                         /* where it stood last; 0: nowhere */
    struct depot_spread took;
    int hits; /* how often the cache had it */
};

struct depot_estimates {
    const char *build; /* NULL when a project was asked for */
    const char *project;
    struct depot_spread duration; /* of the project's builds that succeeded */
    struct depot_step_estimate *steps;
    size_t nsteps;
};

struct depot_cache_type {
    const char *type; /* as the engine names it: "regular", "exec.cachemount", ... */
    int64_t bytes, reclaimable;
    int records;
};

struct depot_cache_record {
    const char *id, *description, *type;
    int64_t bytes;
    depot_time created, last_used; /* 0: never */
    int64_t uses;
    bool in_use, shared, is_mutable;
};

/* What one builder's cache holds. `error` set: nothing else is known. */
struct depot_cache_use {
    const char *builder, *error;
    int64_t bytes, reclaimable; /* reclaimable: neither in use nor shared */
    int64_t limit;              /* -1: none known */
    int records;
    struct depot_cache_type *types; /* biggest first */
    size_t ntypes;
    /* The biggest and those that were not used for longest, biggest first; capped. */
    struct depot_cache_record *list;
    size_t nlist;
};

struct depot_pruned {
    const char *builder, *error;
    int64_t bytes;
    int records;
};

/* How something was made, as its engine recorded it. */
struct depot_provenance {
    const char *platform;  /* "": the whole part */
    const char *type;      /* of the predicate: "https://slsa.dev/provenance/v1" */
    const char *predicate; /* JSON text */
};

struct depot_caches {
    struct depot_cache_use *builders;
    size_t nbuilders;
};

struct depot_prunes {
    struct depot_pruned *builders;
    size_t nbuilders;
};

struct depot_builds {
    struct depot_build_summary *builds;
    size_t nbuilds;
};

struct depot_provenances {
    const char *builder, *error;
    struct depot_provenance *list;
    size_t nlist;
};

/* What a daemon knows to do with a request beyond what the first one did: X(id, name) */
#define DEPOT_ABILITIES(X)                                                                         \
    X(JOIN, "join")                                                                                \
    X(EXPORT_PLATFORMS, "export_platforms")

enum depot_ability {
#define DEPOT_ABILITY_ENUM(id, name) DEPOT_CAN_##id,
    DEPOT_ABILITIES(DEPOT_ABILITY_ENUM)
#undef DEPOT_ABILITY_ENUM
        DEPOT_CAN_COUNT
};

/* What a daemon tells who created a build. */
struct depot_created {
    const char *build; /* its id */
    const char *state;
    const char *session; /* a secret, to be shown with its sessions; NULL: this daemon wants none */
    bool join;           /* the daemon wants a session of its own */
    const char *version; /* of the daemon; NULL: it is too old to tell */
    const char **can;    /* names of abilities, and others of newer daemons */
    size_t ncan;
};
bool depot_created_can(const struct depot_created *c, enum depot_ability a);
/* All of them, for a daemon to tell. */
const char *const *depot_abilities(size_t *n);

struct depot_response {
    enum depot_query_kind ask;
    struct depot_arena arena;
    union {
        struct depot_estimates estimates;
        struct depot_caches cache;
        struct depot_prunes prune;
        struct depot_builds builds;
        struct depot_provenances provenance;
        struct depot_created created;
    } u;
};
extern const struct depot_record depot_record_builds;
/* The record in `u`. */
const struct depot_record *depot_record_of_response(enum depot_query_kind a);
void depot_response_release(struct depot_response *a);

enum { DEPOT_ANSWER_MAX = 8 * 1024 * 1024 }; /* a longer one is refused before it is parsed */

/* GET /v1/version. */
struct depot_version {
    const char *version;
    int api;
};
extern const struct depot_record depot_record_version;

/* struct depot_error as {"code","message","hint"}. */
extern const struct depot_record depot_record_error;
/* What HTTP answers instead: {"error":{...}}. */
struct depot_error_response {
    struct depot_error *error;
};
extern const struct depot_record depot_record_error_response;

/* Versions of the feed: the second has one envelope, and an `id` that leads back to the question.
 */
enum { DEPOT_FEED_V1 = 1, DEPOT_FEED_V2 = 2 };
#define DEPOT_FEED_PROTOCOL    "depot.feed.v2"
#define DEPOT_FEED_PROTOCOL_V1 "depot.feed.v1"

/*
 * What a daemon says to a question, as a message of the feed: the answer, or where `a` is NULL the
 * error. Nothing is appended for what the first version leaves unsaid: that it was accepted.
 */
void depot_response_encode(struct depot_buf *out, int version, const struct depot_query *q,
    const struct depot_response *a, const struct depot_error *err);
/* The answer to `ask` from the text of it, in either version. DEPOT_ERR_INVALID,
 * DEPOT_ERR_TOO_BIG; then `out` needs no release. */
int depot_response_decode(const char *json, size_t n, int version, enum depot_query_kind ask,
    struct depot_response *out, struct depot_error *err) DEPOT_MUST_CHECK;

DEPOT_API_END

#endif
