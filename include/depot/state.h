/*
 * The state of one build, reduced from its feed events: parts, steps, edges, outcomes, timings.
 *
 * A pure reducer: no I/O, no clock. The structs are open for reading through a const pointer and
 * written by depot_build_apply() and depot_build_derive() alone. Addresses of parts, steps and
 * groups stay valid until the build is freed. Events may come in any order and lie; the reducer
 * never fails, it ignores what makes no sense.
 */
#ifndef DEPOT_STATE_H
#define DEPOT_STATE_H

#include <depot/buf.h>
#include <depot/event.h>
#include <depot/export.h>

DEPOT_API_BEGIN

/* What became of a step. X(id, name, word for screens) */
#define DEPOT_OUTCOMES(X)                                                                          \
    X(WAITING, "waiting", "WAIT") /* not started yet */                                            \
    X(RUNNING, "running", "RUN")                                                                   \
    X(HIT, "hit", "HIT")          /* found in the cache */                                         \
    X(SKIPPED, "skipped", "SKIP") /* not needed: a later step was found in the cache */            \
    X(RAN, "ran", "DONE")                                                                          \
    X(FAILED, "failed", "FAIL")                                                                    \
    X(CANCELLED, "cancelled", "CANC")                                                              \
    X(SHARED, "shared", "SHRD")       /* ran once, with another build or platform */               \
    X(UNREACHED, "unreached", "----") /* never started, the part failed or was cancelled */

enum depot_outcome {
#define DEPOT_OUTCOME_ENUM(id, name, word) DEPOT_OUTCOME_##id,
    DEPOT_OUTCOMES(DEPOT_OUTCOME_ENUM)
#undef DEPOT_OUTCOME_ENUM
        DEPOT_OUTCOME_COUNT
};
const char *depot_outcome_name(enum depot_outcome v);
const char *depot_outcome_word(enum depot_outcome v);

enum depot_step_kind {
    DEPOT_STEP_BUILD,    /* a line of the Dockerfile, or what cannot be told from one */
    DEPOT_STEP_INTERNAL, /* loading of definition, context, metadata; authentication */
    DEPOT_STEP_EXPORT,   /* exporting, pushing, cache export */
};

/* What a step's name tells. Unset strings are "". */
struct depot_step_name {
    const char *target;      /* bake target */
    const char *platform;    /* "linux/arm64" */
    const char *to_platform; /* of "linux/amd64->arm64": "linux/arm64" */
    const char *stage;       /* "build", "stage-1"; "" in a file with one unnamed stage */
    const char *instruction; /* "RUN make": all behind the bracket, or the whole name */
    int ordinal, total;      /* "3/12"; 0 when there is none */
    enum depot_step_kind kind;
};
/* Parse `name`; the strings live in `arena`. Never fails. */
void depot_step_name_parse(
    struct depot_step_name *out, const char *name, struct depot_arena *arena);

struct depot_interval {
    depot_time start, stop; /* stop 0: still open */
};

/* A counter of a step: a layer being pulled, files being sent. */
struct depot_transfer {
    const char *id, *name;
    int64_t current, total;
    depot_time timestamp, started, completed;
    uint64_t revision; /* the build's when it last changed */
    bool listed_;      /* private to the reducer */
};

struct depot_part;
struct depot_step;

/* A log chunk's last lines, kept so that an error can show them. */
enum { DEPOT_STEP_TAIL_LINES = 10, DEPOT_STEP_TAIL_LINE_MAX = 4096 };
struct depot_tail_line {
    char *text; /* without the newline, at most DEPOT_STEP_TAIL_LINE_MAX bytes, NUL-terminated */
    size_t len;
    int64_t offset; /* nanoseconds after the step's start */
};

/* COPY --link makes several vertexes; they are shown as one line, the group. */
struct depot_group {
    size_t index; /* in depot_build.groups */
    struct depot_part *part;
    const char *id, *name;
    DEPOT_VEC(struct depot_step *) members;
    bool hidden; /* only weak members have started */
    bool cached; /* all members are */
    const char *error;
    DEPOT_VEC(struct depot_interval) intervals; /* merged, of all members */
    uint64_t revision;
};

struct depot_step {
    size_t index; /* in depot_build.steps: the order of announcement */
    struct depot_part *part;
    const char *digest;
    const char *name;
    struct depot_step_name parsed; /* of the group's name when it is in a group */
    const char *platform; /* attributed: the part's, or by the graph; "" when several share it */
    struct depot_group *group; /* NULL: none */
    bool weak;                 /* helper in its group */

    struct depot_step **inputs; /* a known == false input was named but never announced */
    size_t ninputs;
    DEPOT_VEC(struct depot_step *) dependants;
    bool known;

    enum depot_outcome outcome;
    bool cached;
    const char *error;     /* NULL: none */
    const char *shared_by; /* the build that runs it, as depot_vertex.shared has it; NULL: this */
    depot_time started, completed;                           /* of the newest snapshot; 0: not */
    DEPOT_VEC(struct depot_interval) raw;                    /* by start, one per distinct start */
    DEPOT_VEC(struct depot_interval) intervals;              /* merged: the union */
    DEPOT_VEC(struct depot_transfer *) transfers;            /* in order of their first start */
    DEPOT_VEC(const struct depot_vertex_warning *) warnings; /* owned by the build */

    bool critical; /* on the critical path (derived) */
    bool foreign;  /* another build's step, whose progress the engine forwards (derived) */
    struct depot_step *shared_with; /* whose progress stands for this step's; NULL: none */

    uint64_t log_bytes, log_lines;
    bool log_clipped; /* the engine cut the log */
    struct depot_tail_line tail[DEPOT_STEP_TAIL_LINES];
    size_t tail_next, tail_len; /* a ring: the oldest is tail[(tail_next - tail_len) mod size] */
    bool tail_partial;          /* the newest line has no newline yet */

    uint64_t revision; /* the build's revision when this step last changed */
    /* private to the reducer */
    struct depot_map *transfer_by_id_;
    struct depot_step_derived {
        bool changed;              /* is in the list of those to derive */
        bool ordered;              /* hangs in no circle */
        bool running;              /* is in depot_build.running */
        bool counted;              /* is in the counts, */
        enum depot_outcome as;     /* as this */
        enum depot_outcome judged; /* its outcome before other builds' steps are looked at */
        unsigned lane;             /* in depot_build.lanes */
        bool was_critical;         /* on the path before this one */
        unsigned mark;             /* of one pass */
        uint64_t walk;             /* number of the walk that knows `via` */
        struct depot_step *via;    /* what a step that took no time stands on */
        size_t start_index;        /* in depot_build.started */
    } derived_;
};

/* What one builder makes of the build: one platform, or several with commas. */
struct depot_part {
    size_t index;
    const char *platform, *builder;
    const char *ref; /* of its record in the engine's history; NULL: not told */
    enum depot_build_state state;
    bool emulated, several; /* several platforms in one part */
    const char **emulates;  /* as in depot_ev_assigned */
    size_t nemulates;
    const char *queue_reason;
    int queue_position;
    int64_t waited_ms;
    depot_time queued, assigned, first_status, finished;
    bool has_context;
    struct depot_ev_context context; /* strings owned by the build */
    const char *digest;
    struct depot_kvs response;
    const struct depot_build_error *error; /* NULL: none */
    struct depot_counts counts;            /* after derive */
    /* private to the reducer */
    struct depot_map *step_by_digest_, *group_by_id_;
};

/* All steps of one platform, whichever part they came from (derived). */
struct depot_lane {
    const char *platform; /* "" for what several platforms share */
    struct depot_counts counts;
    depot_time started, completed; /* first start, last finish of its steps */
};

struct depot_build;

/* Called while an event is applied; they must not change or free the build. Each may be NULL. */
struct depot_build_hooks {
    void (*on_step)(const struct depot_build *b, const struct depot_step *s, void *arg);
    /* The model keeps only the tail of a log; a chunk is offered here, valid during the call. */
    void (*on_log)(const struct depot_build *b, const struct depot_step *s,
        const struct depot_vertex_log *log, void *arg);
    void *arg;
};

struct depot_build {
    const char *id;    /* "" until an event names it */
    uint64_t seq;      /* of the newest event */
    uint64_t revision; /* rises with each event applied */
    enum depot_build_state state;
    bool has_info;
    struct depot_ev_created info; /* strings owned by the build */
    bool has_definition;
    struct depot_ev_definition definition;     /* the same */
    depot_time created, first, last, finished; /* envelope times; first and last of any event */
    depot_time began;                          /* the earliest start of a step; 0: none started */
    int64_t duration_ms;
    const char *message;                 /* of build.finished; NULL: none */
    struct depot_counts finished_counts; /* as the daemon counted */
    const char *digest;                  /* of what the parts have made together; NULL: nothing */
    struct depot_kvs response;           /* the same, as an exporter answers */

    DEPOT_VEC(struct depot_part *) parts;
    DEPOT_VEC(struct depot_step *) steps;   /* known ones, in order of announcement */
    DEPOT_VEC(struct depot_step *) started; /* in order of their first start */
    DEPOT_VEC(struct depot_group *) groups;
    DEPOT_VEC(struct depot_vertex_warning *) warnings; /* without duplicates */

    /* By depot_build_derive(). */
    struct depot_counts counts; /* internal steps and exporters are not counted */
    DEPOT_VEC(struct depot_lane) lanes;
    DEPOT_VEC(struct depot_step *) running;  /* in order of their first start */
    DEPOT_VEC(struct depot_step *) critical; /* first to last */
    int64_t critical_ns;                     /* time its steps took */
    bool dirty;                              /* deriving would change something */
    uint64_t derived;                        /* rises when deriving had something to do, */
    uint64_t structure; /* when steps, edges, groups, names or platforms may be others */
    /* Whose outcome, times or place on the critical path may be another since it was derived
     * before; when `structure` rose, all may. */
    DEPOT_VEC(struct depot_step *) touched;

    struct depot_build_private *priv;
};

struct depot_build *depot_build_new(const struct depot_build_hooks *hooks); /* hooks may be NULL */
/* Others from now on; NULL: none. */
void depot_build_set_hooks(struct depot_build *b, const struct depot_build_hooks *hooks);
void depot_build_free(struct depot_build *b);
/* Reduce one event. Events of other builds and of the fleet are ignored. Borrows the event. */
void depot_build_apply(struct depot_build *b, const struct depot_event *ev);
/* What the client itself made of all parts, as an exporter answers; what the daemon has joined
 * stays. */
void depot_build_joined(struct depot_build *b, const struct depot_kvs *answer);
/*
 * Recompute what needs the graph: platforms, inferred outcomes, counts, lanes, critical path.
 * Nothing when not dirty, linear in the steps that started or ended when the graph is the same as
 * before, else in the graph: call it once a frame, or before reading any of these. The reducer
 * calls it itself on build.result and build.finished.
 */
void depot_build_derive(struct depot_build *b);

/* The step that failed it: what the first part to fail names, or else the first that failed;
 * without a name when none did. Strings are the build's. */
struct depot_failed_step depot_build_failed_step(const struct depot_build *b);

/* NULL when there is none. `platform` is the part's as in the events. */
struct depot_part *depot_build_part(const struct depot_build *b, const char *platform);
/* The part that makes `platform`, alone or among others; NULL: none. "", what several platforms
 * share, is of the build's only part. */
const struct depot_part *depot_build_maker(const struct depot_build *b, const char *platform);
bool depot_part_makes(const struct depot_part *p, const char *platform);
/* Does the part's builder emulate `platform`, one of the part's or all of them as it has them? */
bool depot_part_emulates(const struct depot_part *p, const char *platform);
struct depot_step *depot_build_step(
    const struct depot_build *b, const struct depot_part *p, const char *digest);

/* Nanoseconds from one time to another, held within int64 whatever the clocks said. */
int64_t depot_time_between(depot_time from, depot_time to);
/* Nanoseconds a step has run, `now` standing for the end of what still runs. */
int64_t depot_step_duration(const struct depot_step *s, depot_time now);
bool depot_step_is_started(const struct depot_step *s);
bool depot_step_is_completed(const struct depot_step *s); /* its last interval is closed */
/* The name to show: with the part's platform in its bracket when the build has several parts. */
void depot_step_title(
    struct depot_buf *out, const struct depot_build *b, const struct depot_step *s);

DEPOT_API_END

#endif
