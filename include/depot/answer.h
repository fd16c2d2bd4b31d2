/*
 * What a daemon can be asked beside its events, and what it answers: estimates from past builds,
 * the use of the cache, what a prune freed, builds of the past. The same objects stand in replies
 * on the feed (docs/feed.md) and in answers over HTTP (docs/api.md).
 *
 * An answer owns all it holds through its arena: depot_answer_release() frees the lot.
 */
#ifndef DEPOT_ANSWER_H
#define DEPOT_ANSWER_H

#include <depot/buf.h>
#include <depot/event.h>
#include <depot/export.h>

DEPOT_API_BEGIN

/* X(id, `op` of the question and of its answer) */
#define DEPOT_ASKS(X)                                                                              \
    X(ESTIMATES, "estimates") /* of one build, or of a project */                                  \
    X(CACHE, "cache")         /* of one builder, or of all */                                      \
    X(PRUNE, "prune")                                                                              \
    X(BUILDS, "builds")                                                                            \
    X(PROVENANCE, "provenance") /* of one part's record on its builder */

enum depot_ask {
#define DEPOT_ASK_ENUM(id, name) DEPOT_ASK_##id,
    DEPOT_ASKS(DEPOT_ASK_ENUM)
#undef DEPOT_ASK_ENUM
        DEPOT_ASK_COUNT
};
const char *depot_ask_name(enum depot_ask a);
int depot_ask_from_name(const char *name); /* -1: none */

/* Members that a kind does not name are ignored. Strings are borrowed, NULL where not given. */
struct depot_question {
    enum depot_ask ask;
    const char *build;   /* ESTIMATES: its steps and its project */
    const char *project; /* ESTIMATES without `build`; BUILDS: only of this one */
    const char *builder; /* CACHE, PRUNE; NULL: all of them. PROVENANCE: needed */
    const char *ref;     /* PROVENANCE: as build.assigned tells it */
    const char *session; /* PROVENANCE: the secret that the answer to the create told */
    bool all;            /* PRUNE: also what is shared with images and what frontends keep */
    int64_t keep_bytes;  /* PRUNE: leave so much; 0: nothing */
    int64_t keep_hours;  /* PRUNE: leave what was used within; 0: nothing */
    int64_t limit;       /* BUILDS: at most so many; 0: 100 */
};

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

struct depot_answer {
    enum depot_ask ask;
    struct depot_arena arena;
    union {
        struct depot_estimates estimates;
        struct depot_caches cache;
        struct depot_prunes prune;
        struct depot_builds builds;
        struct depot_provenances provenance;
    } u;
};
extern const struct depot_record depot_record_builds;
/* The record in `u`. */
const struct depot_record *depot_record_of_answer(enum depot_ask a);
void depot_answer_release(struct depot_answer *a);

enum { DEPOT_ANSWER_MAX = 8 * 1024 * 1024 }; /* a longer one is refused before it is parsed */

/* One JSON object without a newline: {"op":...}, or without `op` as HTTP answers. */
void depot_answer_encode(struct depot_buf *out, const struct depot_answer *a, bool with_op);
void depot_question_encode(struct depot_buf *out, const struct depot_question *q);
/* By its `op`. DEPOT_ERR_INVALID, DEPOT_ERR_TOO_BIG; then `out` needs no release. */
int depot_answer_decode(
    const char *json, size_t n, struct depot_answer *out, struct depot_error *err) DEPOT_MUST_CHECK;

DEPOT_API_END

#endif
