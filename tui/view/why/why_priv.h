/*
 * Why steps of a build were not in the cache: the comparison (why.c), its rows (list.c), how they
 * look (draw.c). `arg` is a build's key, or a step's: then its cause is selected.
 */
#ifndef DEPOT_TUI_VIEW_WHY_PRIV_H
#define DEPOT_TUI_VIEW_WHY_PRIV_H

#include <depot/why.h>

#include "tui/app/view.h"
#include "tui/fleet/step_key.h"
#include "tui/widget/rows.h"

enum why_kind {
    WHY_CAUSE,    /* the step that missed first */
    WHY_REASON,   /* in words */
    WHY_EVIDENCE, /* one thing that differs */
    WHY_MORE,     /* how much evidence is not shown */
    WHY_AFTER,    /* how many steps followed; folds them */
    WHY_STEP,     /* one of those */
    WHY_HINT,     /* a line of what can be done */
    WHY_GAP,
};

struct why_row {
    enum why_kind kind;
    const struct depot_cause *cause; /* that siblings are siblings of */
    const struct depot_step *step;   /* WHY_CAUSE, WHY_STEP */
    size_t index;                    /* of evidence; how much more; WHY_HINT: from this byte on */
    size_t len;                      /* WHY_HINT */
    int label_w;                     /* WHY_STEP */
};

enum { WHY_LANES_MAX = 8 };

struct why_view {
    struct view base;
    struct fleet_build *build, *before; /* before: NULL while there is none */
    unsigned generation, before_generation;
    uint64_t revision, before_revision; /* of the states that `why` was made of */
    struct depot_why why;
    bool made, asked, answered;
    depot_time made_at;
    int64_t pause;           /* from then on, ns, unless a build ended: it costs that much */
    bool over, before_whole; /* as it was then */
    char *part, *digest;     /* the step to select once it is there; NULL: done, or none */
    struct depot_strv folds; /* causes whose steps are not shown as they would be of themselves */
    DEPOT_VEC(struct why_row) list;
    int listed_w; /* the width that hints were folded for */
    struct rows rows;
    const char *lanes[WHY_LANES_MAX]; /* platforms that have causes */
    size_t nlanes;
};

/* why.c */
/* Is all known of it that there is? */
bool dp_why_is_whole(const struct fleet_build *b);

/* list.c */
bool dp_why_is_open(const struct why_view *v, const struct depot_cause *c);
/* The same step on a platform, among the steps of a cause and of its siblings; NULL: none. */
const struct depot_step *dp_why_step_on(const struct why_view *v, const struct depot_cause *c,
    const struct depot_step *s, const char *platform);
/* The cause itself, or its sibling on a platform; NULL: none. */
const struct depot_cause *dp_why_cause_on(
    const struct why_view *v, const struct depot_cause *c, const char *platform);
/* Show what follows from a cause, or no more. */
void dp_why_turn_fold(struct why_view *v, const struct depot_cause *c);
/* The row of a step: its own, its cause's when it is folded away, or its twin's. */
bool dp_why_select_step(struct why_view *v, const struct depot_step *s);
/* What is selected, in words that outlive the rows. */
struct why_place {
    enum why_kind kind;
    char *cause;
    size_t index, nth; /* the nth row of its kind in the cause */
};
struct why_place dp_why_place_of(const struct why_view *v);
/* The rows anew, with what was selected selected again; `p` is of before anything changed, and is
 * released. */
void dp_why_list_at(struct why_view *v, struct why_place *p);
void dp_why_relist(struct why_view *v);
/* Columns for the label of a step. */
int dp_why_step_label_w(const struct depot_step *s);

/* draw.c */
void dp_why_draw(struct view *base, const struct canvas *c);

#endif
