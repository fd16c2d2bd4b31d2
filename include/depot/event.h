/*
 * Feed events, decoded. docs/feed.md describes each type and field; wire.h reads and writes them.
 *
 * An event owns all it holds through its arena: depot_event_release() frees the lot.
 */
#ifndef DEPOT_EVENT_H
#define DEPOT_EVENT_H

#include <depot/buf.h>
#include <depot/export.h>
#include <depot/record.h>
#include <depot/status.h>

DEPOT_API_BEGIN

/* X(id, wire name) */
#define DEPOT_EVENTS(X)                                                                            \
    X(BUILD_CREATED, "build.created")                                                              \
    X(BUILD_DEFINITION, "build.definition")                                                        \
    X(BUILD_QUEUED, "build.queued")                                                                \
    X(BUILD_ASSIGNED, "build.assigned")                                                            \
    X(BUILD_STATUS, "build.status")                                                                \
    X(BUILD_CONTEXT, "build.context")                                                              \
    X(BUILD_RESULT, "build.result")                                                                \
    X(BUILD_FINISHED, "build.finished")                                                            \
    X(BUILDER_UP, "builder.up")                                                                    \
    X(BUILDER_DOWN, "builder.down")                                                                \
    X(BUILDER_METRICS, "builder.metrics")                                                          \
    X(FLEET_SNAPSHOT, "fleet.snapshot")                                                            \
    X(UNKNOWN, "")

enum depot_event_type {
#define DEPOT_EVENT_ENUM(id, name) DEPOT_EVENT_##id,
    DEPOT_EVENTS(DEPOT_EVENT_ENUM)
#undef DEPOT_EVENT_ENUM
        DEPOT_EVENT_COUNT
};

/* State of a build, or of one platform part of it. X(id, wire name, word) */
#define DEPOT_BUILD_STATES(X)                                                                      \
    X(CREATED, "created", "NEW")                                                                   \
    X(QUEUED, "queued", "WAIT")                                                                    \
    X(RUNNING, "running", "RUN")                                                                   \
    X(SUCCEEDED, "succeeded", "DONE")                                                              \
    X(FAILED, "failed", "FAIL")                                                                    \
    X(CANCELLED, "cancelled", "CANC")

enum depot_build_state {
#define DEPOT_BUILD_STATE_ENUM(id, name, word) DEPOT_BUILD_##id,
    DEPOT_BUILD_STATES(DEPOT_BUILD_STATE_ENUM)
#undef DEPOT_BUILD_STATE_ENUM
        DEPOT_BUILD_STATE_COUNT
};
const char *depot_build_state_name(enum depot_build_state s); /* wire name */
const char *depot_build_state_word(enum depot_build_state s); /* for screens */
int depot_build_state_from_name(const char *name);            /* -1: none */
bool depot_build_state_over(enum depot_build_state s);

struct depot_pair {
    const char *key, *value;
};

/* Why a part or a build failed. */
struct depot_build_error {
    const char *message;
    int code;           /* google.rpc.Code, 2 when unknown */
    const char *vertex; /* digest of the failed step; may be NULL */
    const char *file;   /* Dockerfile name; NULL when there is no place */
    struct depot_range *ranges;
    size_t nranges;
    int first_line;     /* number of the first of `lines` */
    const char **lines; /* the excerpt: the ranges with their surroundings */
    size_t nlines;
};

struct depot_ev_created {
    const char *project, *command, *target;
    const char **tags;
    size_t ntags;
    const char **platforms;
    size_t nplatforms;
    const char *remote, *commit, *branch; /* source; may be NULL */
    bool dirty;
    const char *user, *host;
    const char *ci_url; /* link to the CI run; may be NULL */
    const char *origin; /* "depot", or "observed" for a build that another client started */
};

/* A line of the Dockerfile that makes no step of its own but goes into those below it. */
struct depot_setting {
    const char *stage; /* as steps name it; "" before the first FROM and in a lone unnamed stage */
    const char *text;  /* "ENV MODE=production" */
};

/* What decides beside the files whether a step is found in the cache. */
struct depot_ev_definition {
    bool no_cache; /* for all stages, or only those listed */
    const char **no_cache_stages;
    size_t nno_cache_stages;
    struct depot_pair *args; /* build arguments: name, and a fingerprint that tells changed values
                                apart and nothing else */
    size_t nargs;
    bool has_settings; /* false: the Dockerfile was not at hand */
    struct depot_setting *settings;
    size_t nsettings;
};

struct depot_ev_queued {
    const char *platform, *builder, *reason; /* builder: whose line it is */
    int position;                            /* from 1; 0 when not in a line */
};

struct depot_ev_assigned {
    const char *platform, *builder; /* platform: "linux/amd64", or several with commas */
    bool emulated;
    const char **emulates; /* which of them are; none though `emulated`: not known, all may be */
    size_t nemulates;
    int64_t waited_ms;
    const char *ref; /* of the part's record in its engine's history; NULL: older daemons */
};

struct depot_ev_status {
    const char *platform, *builder;
    struct depot_status status;
};

struct depot_ev_context {
    const char *platform;
    int64_t files, bytes, sent_files, sent_bytes;
    const char **changed;
    size_t nchanged;
    int64_t changed_more; /* changed paths beyond those listed */
};

struct depot_ev_result {
    const char *platform, *builder;
    enum depot_build_state state;
    const char *digest;          /* containerimage.digest; may be NULL */
    struct depot_pair *response; /* the whole exporter response */
    size_t nresponse;
    struct depot_build_error *error; /* NULL: none */
};

struct depot_counts {
    int total, hit, ran, shared, failed, cancelled, skipped;
};

/* The step that failed a build. */
struct depot_failed_step {
    const char *name;     /* as announced: "[build 3/5] RUN make"; NULL: none, or not known */
    const char *platform; /* NULL: of none, or of several */
    int64_t exit_code;    /* of its command; -1: not known */
    const char *file;     /* where the Dockerfile has it; NULL: not known */
    int64_t line;         /* the first of it; -1: not known */
};

/* What several parts have made together. */
struct depot_joined {
    const char *digest;          /* of the index; NULL: nothing was joined */
    struct depot_pair *response; /* as an exporter answers that made it alone */
    size_t nresponse;
};

struct depot_ev_finished {
    enum depot_build_state state;
    int64_t duration_ms;
    struct depot_counts counts;
    const char *message; /* why it failed, one line; may be NULL */
    struct depot_failed_step failed_step;
    struct depot_joined joined;
};

struct depot_ev_builder {
    const char *builder, *address;
    const char **platforms; /* the first is its native one */
    size_t nplatforms;
    bool emulated; /* even its native platform runs under emulation on this machine */
    const char *engine, *version;
    const char *reason; /* builder.down */
    bool up;            /* in lists of builders alone: an event's type tells */
    int running, queued, capacity;
    /* -1 where not known */
    double cpu; /* 0 to 1 */
    int64_t mem_used, mem_total, disk_used, disk_total, cache_used, cache_limit;
};

/* A line of a list of builds: what fleet.snapshot and GET /v1/builds carry. */
struct depot_build_summary {
    const char *id;
    uint64_t seq; /* of its newest event */
    enum depot_build_state state;
    depot_time created, finished;
    struct depot_ev_created info;
    const char **builders;
    size_t nbuilders;
    struct depot_counts counts;
    int64_t duration_ms;
    const char *message;
    struct depot_failed_step failed_step;
};

/* GET /v1/builders. */
struct depot_builders {
    struct depot_ev_builder *builders;
    size_t nbuilders;
    const char *version; /* the daemon's; NULL: older ones */
};

struct depot_ev_snapshot {
    struct depot_ev_builder *builders;
    size_t nbuilders;
    struct depot_build_summary *builds;
    size_t nbuilds;
};

struct depot_event {
    enum depot_event_type type;
    uint64_t seq; /* rises by one within a build; 0 in fleet events */
    depot_time time;
    const char *build; /* NULL in fleet events */
    struct depot_arena arena;
    union {
        struct depot_ev_created created;
        struct depot_ev_definition definition;
        struct depot_ev_queued queued;
        struct depot_ev_assigned assigned;
        struct depot_ev_status status;
        struct depot_ev_context context;
        struct depot_ev_result result;
        struct depot_ev_finished finished;
        struct depot_ev_builder builder;
        struct depot_ev_snapshot snapshot;
    } u;
};

extern const struct depot_record depot_record_created;
extern const struct depot_record depot_record_definition;
extern const struct depot_record depot_record_context;
extern const struct depot_record depot_record_build_error;
extern const struct depot_record depot_record_summary;
extern const struct depot_record depot_record_builder;
extern const struct depot_record depot_record_builders;
/* The record in `u`; NULL for build.status, which wire.h reads and writes, and for UNKNOWN. */
const struct depot_record *depot_record_of_event(enum depot_event_type t);

const char *depot_event_name(enum depot_event_type t);
enum depot_event_type depot_event_from_name(const char *name); /* DEPOT_EVENT_UNKNOWN */
void depot_event_release(struct depot_event *ev);
/* When it happened. A line of another tool's rawjson has no envelope: the newest moment it speaks
 * of; 0: of none. */
depot_time depot_event_time(const struct depot_event *ev);
/* What a build was made of: "main@54ae436", or the one of them that is known; with a "+" behind
 * the commit when there were changes beside it. */
void depot_created_source(struct depot_buf *out, const struct depot_ev_created *c);
/* Make the strings `arena`'s own, of at most so many bytes each. */
enum { DEPOT_FAILED_TEXT_MAX = 512 };
void depot_failed_step_keep(struct depot_failed_step *f, struct depot_arena *arena);

DEPOT_API_END

#endif
