/*
 * A build as rows: its stages in an order that does not change once it was shown, the lines of
 * each, and the rails that say which stage needs which. It draws nothing.
 *
 * A platform is a lane; a line ("deps 3/4") has a cell for each lane, so that platforms are aligned
 * by stage and ordinal whatever came first. Steps without stages, of other frontends, are
 * compressed to chains, which take the place of stages. What is shared by all platforms has the
 * same step in each of its cells.
 */
#ifndef DEPOT_TUI_GRAPH_H
#define DEPOT_TUI_GRAPH_H

#include <depot/state.h>

enum {
    GRAPH_LANES_MAX = 64,
    GRAPH_RAILS = 6,                    /* drawn side by side; what goes beyond is a number */
    GRAPH_RAIL_W = 2 * GRAPH_RAILS - 1, /* a column each, and what joins them between */
};

enum graph_kind { GRAPH_STAGE, GRAPH_CHAIN, GRAPH_EXPORT, GRAPH_INTERNAL };

/* Of a stage on one lane. */
struct graph_sum {
    unsigned lines, done; /* done: over, in whatever way */
    unsigned by[DEPOT_OUTCOME_COUNT];
    enum depot_outcome outcome;    /* what matters most */
    depot_time started, completed; /* first start; last stop, 0 while something runs */
    int64_t busy;                  /* ns its closed intervals took; lines that run are not in it */
    bool critical;
    const struct depot_step *open; /* a step that runs, the one that started last; else NULL */
};

struct graph_line {
    unsigned stage;
    int ordinal; /* 0: none */
    bool passes; /* what dp_graph_show() was told: it has a row unless its stage is folded */
    size_t cells_;
};

enum graph_fold { FOLD_AUTO, FOLD_OPEN, FOLD_CLOSED };

struct graph_stage {
    char *key, *name; /* name: "" for the only, unnamed stage of a Dockerfile */
    enum graph_kind kind;
    enum graph_fold fold;
    bool busy, failed;   /* a step runs or failed; FOLD_AUTO shows such stages first */
    bool present;        /* false: was here before, in a state that is gone */
    size_t line, nlines; /* in graph.lines */
    /* Stages it needs, and those that need it, by index; rails follow the first set. */
    DEPOT_VEC(unsigned) needs;
    DEPOT_VEC(unsigned) needed_by;
    unsigned char rail[GRAPH_RAIL_W];  /* enum rail bits, on its own row */
    unsigned char below[GRAPH_RAIL_W]; /* on the rows of its lines */
    int column;                        /* of its node; -1: it has none */
    unsigned hidden;                   /* rails beyond GRAPH_RAILS */
    bool related; /* ancestor or descendant of what dp_graph_relate() was given, or that itself */
    bool open_;
    unsigned rank_, mark_;
    size_t last_; /* largest index of its steps: results are announced first */
    depot_time started_;
    uint64_t summed_; /* the build's `derived` when it was last summed up for a step */
    uint64_t in_;     /* columns of the rails that lead to it */
};

/* What stands in a column of rails: where lines leave it to. */
enum { RAIL_UP = 1, RAIL_DOWN = 2, RAIL_LEFT = 4, RAIL_RIGHT = 8, RAIL_NODE = 16, RAIL_OVER = 32 };

struct graph_row {
    unsigned stage;
    size_t line; /* SIZE_MAX: the stage's own row */
};

struct graph_place {
    uint32_t line, lane; /* line UINT32_MAX: none */
};

struct graph {
    size_t nlanes;
    char *lanes[GRAPH_LANES_MAX]; /* platforms; "" when there is one without a name */
    DEPOT_VEC(struct graph_stage) stages;
    DEPOT_VEC(unsigned) order; /* stages from top to bottom; exports and internal ones last */
    DEPOT_VEC(struct graph_line) lines;
    DEPOT_VEC(struct graph_sum) sums; /* stage * nlanes + lane */
    DEPOT_VEC(struct graph_row) rows; /* by dp_graph_show() */
    unsigned columns;                 /* of rails in use */
    uint64_t structure;               /* changes when stages, lines or rails did */

    const struct depot_build *build_;
    uint64_t derived_, structure_; /* the build's */
    bool filtered_;                /* a line may not pass */
    uint64_t signature_;
    struct depot_map *by_key_;
    DEPOT_VEC(const struct depot_step *) cells_;
    DEPOT_VEC(struct graph_place) places_; /* by step index */
};

void dp_graph_init(struct graph *g);
void dp_graph_release(struct graph *g);
/*
 * Bring it up to what the derived build says. Its steps are referred to until the next update, or
 * dp_graph_forget().
 */
enum graph_change {
    GRAPH_SAME,
    GRAPH_SUMS,     /* what steps are */
    GRAPH_STRUCTURE /* rows must be made anew */
};
enum graph_change dp_graph_update(struct graph *g, const struct depot_build *b);
/* The build's steps are gone. The order and what is folded stay. */
void dp_graph_forget(struct graph *g);

/* NULL: the platform has no such line. The one of a group that tells most. */
const struct depot_step *dp_graph_cell(const struct graph *g, size_t line, size_t lane);
const struct graph_sum *dp_graph_sum(const struct graph *g, unsigned stage, size_t lane);
/* False: the step is on no line (yet). */
bool dp_graph_find(const struct graph *g, const struct depot_step *s, size_t *line, size_t *lane);

/* A line's outcome on a lane: a group's is its members'. */
enum depot_outcome dp_graph_outcome(const struct depot_step *s);
/* The intervals of a step or of its group. */
const struct depot_interval *dp_graph_intervals(const struct depot_step *s, size_t *n);
int64_t dp_graph_duration(const struct depot_step *s, depot_time now);

/* Which rows there are. */
struct graph_show {
    bool critical, misses, internal; /* only critical ones; only what was not in the cache */
    bool all;                        /* every line, whatever is folded */
    size_t fits;                     /* FOLD_AUTO: lines are shown when so many rows hold all */
    /* Only lines that pass; NULL: all. */
    bool (*passes)(const struct graph *g, size_t line, void *arg);
    void *arg;
};
void dp_graph_show(struct graph *g, const struct graph_show *show);
bool dp_graph_is_open(const struct graph *g, unsigned stage); /* as last shown */
/* Mark all that a stage needs and all that needs it, through any number of others. */
void dp_graph_relate(struct graph *g, unsigned stage);

#endif
