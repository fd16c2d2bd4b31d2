/*
 * The fleet as the screens see it: daemons, builders, builds; each active or opened build has its
 * reducer (depot/state.h). Fed by feeds, by a replay, or by the owner's own events.
 *
 * It draws nothing and reads no clock but through its owner. Pointers to builders and builds stay
 * valid until dp_fleet_free(); a build's `state` and all inside it until its `generation` changes.
 */
#ifndef DEPOT_TUI_DATA_H
#define DEPOT_TUI_DATA_H

#include <depot/build.h>
#include <depot/feed.h>
#include <depot/state.h>

#include "tui/log/store.h"

enum {
    FLEET_METRICS = 120,     /* samples of a builder kept for its sparkline */
    FLEET_STATES_MAX = 64,   /* reducers of finished builds that nobody looks at */
    DERIVE_TURNS = 8,        /* frames within which a build that nobody watches is derived */
    FLEET_BUILDS_MAX = 2000, /* rows; beyond it the oldest finished ones go */
};

struct fleet_builder {
    struct fleet_source *source;
    char *name;
    char *label; /* no other builder of the fleet has it: the name, or with its daemon behind */
    bool up;
    struct depot_ev_builder info; /* newest; strings owned */
    struct depot_arena arena_;
    depot_time changed;       /* of the newest event about it */
    float cpu[FLEET_METRICS]; /* a ring: the newest is cpu[(ncpu - 1) mod FLEET_METRICS] */
    size_t ncpu;
};

struct fleet_build;
/* Who gets what comes of a build, as a recording does. */
struct fleet_tap {
    void (*event)(struct fleet_build *b, const struct depot_event *ev); /* before it is reduced */
    void (*end)(struct fleet_build *b);                                 /* after the last */
    /* From fleet_source.again: without newline. False: no more of them. */
    bool (*line)(struct fleet_build *b, const char *line, size_t n);
    void (*refused)(struct fleet_build *b, const struct depot_error *why); /* by the daemon */
    void (*free)(struct fleet_build *b); /* the fleet goes; nobody is told */
};

struct fleet_build {
    struct fleet_source *source;
    size_t order; /* of arrival: the stable order of rows */
    char *id;
    char *key; /* no other build of the fleet has it: the id, or with the daemon's number behind */
    struct depot_build_summary sum; /* kept up to date with `state` when there is one */
    struct depot_arena arena_;
    struct depot_build *state;   /* NULL: only the summary is known; derived when views run */
    unsigned generation;         /* rises when `state` is replaced or freed */
    uint64_t revision;           /* changes whenever something visible did */
    unsigned watchers;           /* dp_fleet_watch() */
    bool full;                   /* the state has logs, from the first event on */
    bool fetched_;               /* asked of the source's daemon, not given by its owner */
    bool borrowed_;              /* the state is the job's, which reduces it */
    const struct fleet_tap *tap; /* NULL: it is not being recorded */
    struct depot_build *next_;   /* the one with logs, catching up */
    DEPOT_VEC(struct logstore *) logs_, next_logs_; /* by step index */
    uint64_t derived_;                              /* the state's revision when last derived */
    bool asked_;                                    /* for estimates */
};

struct fleet_source {
    size_t number; /* from 1 */
    char *name;    /* for screens: "" when it is the only one */
    char *url;
    struct depot_feed *feed; /* NULL: fed by its owner */
    struct depot_job *job;   /* whose feed it is; NULL: the source's own */
    enum depot_feed_state state;
    uint64_t state_since_ms;  /* monotonic */
    struct depot_error why;   /* why it is not live; without text: it is, or was not tried */
    int64_t skew;             /* its clock minus ours, ns */
    bool skew_known_, drops_; /* drops_: finished states may be dropped, the feed has them */
    bool asks_;               /* the feed's daemon can be asked */
    bool owned_;              /* its owner gives the events, whatever the feed is for */
    struct depot_map *builds_, *builders_; /* by id, by name */
    struct depot_map *asked_;              /* project -> when its estimates were asked for, ms */
    /* Gives the build's tap its lines from the first; NULL: it keeps none. */
    void (*again)(struct fleet_source *s, struct fleet_build *b, void *arg);
    void *again_arg;
    /* Cancels a build of the owner's own; NULL or false: the daemon behind the source does. */
    bool (*cancel)(struct fleet_source *s, struct fleet_build *b, void *arg);
    void *cancel_arg;
    struct fleet *fleet;
};

struct fleet {
    DEPOT_VEC(struct fleet_source *) sources;
    DEPOT_VEC(struct fleet_builder *) builders; /* in order of arrival */
    DEPOT_VEC(struct fleet_build *) builds;     /* in order of arrival; snapshot: oldest first */
    uint64_t revision;                          /* changes whenever anything visible did */
    unsigned generation; /* rises when any build's state or summary is replaced or freed */
    unsigned recordings; /* builds that are being recorded */
    struct spill *spill;
    struct fleet_private *priv;
};

/* How a recording ended. */
struct fleet_recorded {
    const struct fleet_build *build;
    const char *path;
    uint64_t events, bytes;
    const struct depot_error *err; /* why nothing was written; NULL: it was */
};

struct fleet_ops {
    void (*changed)(struct fleet *f, void *arg); /* something visible did; may be NULL */
    /* Worth a line at the bottom: a bad line, a refused cancel. May be NULL. */
    void (*problem)(struct fleet *f, const struct depot_error *err, void *arg);
    /* To dp_fleet_ask(); borrowed. Estimates are learnt before. May be NULL. */
    void (*answer)(
        struct fleet *f, struct fleet_source *s, const struct depot_response *a, void *arg);
    void (*recorded)(struct fleet *f, const struct fleet_recorded *r, void *arg); /* may be NULL */
};

struct fleet *dp_fleet_new(const struct fleet_ops *ops, void *arg);
void dp_fleet_free(struct fleet *f);

/* A daemon: connects, subscribes, reconnects. */
int dp_fleet_connect(struct fleet *f, struct depot_loop *l, const char *name,
    const struct depot_feed_opts *opts, struct depot_error *err) DEPOT_MUST_CHECK;
/* Another tool's rawjson, or a recording, as it arrives on a descriptor. */
int dp_fleet_read(struct fleet *f, struct depot_loop *l, int fd, const char *name,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* A source whose events the owner gives by dp_fleet_apply(): replay, depot build --tui. Its builds
 * always have logs. */
struct fleet_source *dp_fleet_source(struct fleet *f, const char *name);
void dp_fleet_apply(struct fleet_source *s, const struct depot_event *ev);
/* Such a source shows a job's own state over the job's own connection, which also tells what the
 * job does not: estimates, earlier builds. The job is borrowed and outlives the fleet. */
void dp_fleet_share(struct fleet_source *s, struct depot_job *job);
/* The job's build; NULL: it has no id yet. */
struct fleet_build *dp_fleet_own(struct fleet_source *s);
/* What arrives on a descriptor, and is over when that ends. */
bool dp_fleet_is_stream(const struct fleet_source *s);
/* The id of the build that an event speaks of: rawjson names none. */
const char *dp_fleet_event_build(const struct fleet_source *s, const struct depot_event *ev);
void dp_fleet_source_state(
    struct fleet_source *s, enum depot_feed_state state, const struct depot_error *err);
/* Forget all of a source's builds and builders: a replay that is seeked back starts anew. Views
 * must have let go of its builds' states: generations change, build pointers stay. */
void dp_fleet_restart(struct fleet_source *s);

/* The moment by the clock of the build's daemon; `now` is the tui's. */
depot_time dp_fleet_build_now(const struct fleet_build *b, depot_time now);

/* By its key; NULL: none. */
struct fleet_build *dp_fleet_find(const struct fleet *f, const char *key);
/* By its key, or the beginning of its id; NULL when there is none or more than one. */
struct fleet_build *dp_fleet_find_prefix(const struct fleet *f, const char *prefix);
/* By its label. */
struct fleet_builder *dp_fleet_builder(const struct fleet *f, const char *label);
/* The label of a daemon's builder; its name when the daemon has not told of it yet. */
const char *dp_fleet_builder_label(const struct fleet_source *s, const char *name);

/* Ask for all of a build, logs too. Counted: pair them. */
void dp_fleet_watch(struct fleet *f, struct fleet_build *b);
void dp_fleet_unwatch(struct fleet *f, struct fleet_build *b);
/* Ask its owner, or its daemon, to cancel. DEPOT_ERR_UNSUPPORTED: dp_fleet_cannot_cancel(). */
int dp_fleet_cancel(struct fleet_build *b, struct depot_error *err) DEPOT_MUST_CHECK;
/* In a few words why a build cannot be cancelled; NULL: it can. */
const char *dp_fleet_cannot_cancel(const struct fleet_build *b);
/* The log of a step; NULL when none has come. Only of `full` builds. */
struct logstore *dp_fleet_log(const struct fleet_build *b, const struct depot_step *s);

/* Ask every daemon (or the one of `b`); the answer comes through fleet_ops.answer. False: none is
 * live. */
bool dp_fleet_ask(struct fleet *f, const struct fleet_build *b, const struct depot_query *q);

/* Is there a daemon behind the source, which has builds that are not here? */
bool dp_fleet_can_ask(const struct fleet_source *s);
/* What to say of a build whose `state` is NULL: that it comes, or never will. */
const char *dp_fleet_missing(const struct fleet_build *b);

/* Derive every state that changed; called once a frame before the views refresh. */
void dp_fleet_derive(struct fleet *f);
/* The same while only watched builds are on the screen: the others take turns, for the totals. */
void dp_fleet_derive_watched(struct fleet *f);

/* ---- what past builds tell ---- */

struct step_stats {
    int64_t median, p25, p75; /* ns of the runs that were not cached */
    unsigned runs, hits;
};
/* Of the steps that are the same by project, platform, stage, ordinal and instruction. */
bool dp_fleet_step_stats(const struct fleet *f, const struct fleet_build *b,
    const struct depot_step *s, struct step_stats *out);
/* What the daemon's index tells, learnt as it is. */
void dp_fleet_learn(struct fleet *f, const struct depot_estimates *e);
/* How long the project's builds take; false: not known. */
bool dp_fleet_project_stats(const struct fleet *f, const char *project, struct step_stats *out);

/* ---- rows: what tables show of a build, computed once per revision ---- */

struct fleet_row {
    enum depot_build_state state;
    bool joining; /* it runs, and all its parts are over: what they pushed becomes one */
    struct depot_counts counts;
    int done;                  /* of counts.total: over, in whatever way */
    int expected;              /* counts.total, and a guess for platforms that have not begun */
    int64_t elapsed;           /* ns; until now while it runs */
    int64_t eta_low, eta_high; /* ns still to go; -1: not known */
    int64_t saved;             /* ns the cache saved against the medians; -1: not known */
    char now[160];             /* what runs, or what became of it; sanitised UTF-8 */
};
/* "number 2 in line: amd64-a is busy"; of a part that is queued. */
void dp_fleet_in_line(struct depot_buf *out, const struct depot_part *p);
/* "8/30"; "8/~60" while a platform's steps are not known. */
void dp_fleet_progress(struct depot_buf *out, const struct fleet_row *row);
/* Steps that are over, in whatever way. */
int dp_fleet_done(const struct depot_counts *c);
void dp_fleet_row(
    const struct fleet *f, const struct fleet_build *b, depot_time now, struct fleet_row *out);

#endif
