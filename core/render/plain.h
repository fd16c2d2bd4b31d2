/*
 * The plain sink's own records: what of each step has been printed.
 */
#ifndef DEPOT_CORE_RENDER_PLAIN_H
#define DEPOT_CORE_RENDER_PLAIN_H

#include "render/render_priv.h"

#include <depot/clock.h>

enum { DP_PLAIN_RING = 10 };

/* A numbered line of the output: a step, or a group of steps. */
struct dp_plain_row {
    const struct depot_step *step;   /* of a group: its first member */
    const struct depot_group *group; /* NULL: a step alone */
    size_t order;                    /* of creation */
    size_t listed;                   /* in order of first start, from 1; 0: not */
    int number;                      /* "#N"; 0: not printed yet */
    bool updated;                    /* in dp_plain.updates */

    /*
     * Log lines not printed yet, "SECONDS TEXT" each, a newline between two. `partial`: the last
     * one is not ended; once printed it stays as the only one, `offset` bytes of it printed.
     */
    struct depot_buf logs;
    size_t nlines, offset;
    bool partial;
    struct depot_clean clean;
    struct depot_buf *ring; /* DP_PLAIN_RING last lines printed, NULL until there is one */
    bool ring_used[DP_PLAIN_RING];
    size_t ring_at;

    bool has_block; /* block: when it last came to be shown, or first had something to show */
    uint64_t block;
    int64_t count; /* of changes since then */

    uint64_t group_revision;  /* of the event in which the group was last looked at */
    uint64_t status_revision; /* transfers newer than this are to be printed */
    DEPOT_VEC(const struct depot_transfer *) transfers; /* of all members, as they came */
    DEPOT_VEC(const struct depot_vertex_warning *) warnings;
    size_t warnings_printed;

    struct {
        bool any, cached;
        const char *name, *error;
        depot_time started;
    } seen; /* the newest snapshot that had started */
};

/* Of each step of the build, by its index. */
struct dp_plain_step {
    struct dp_plain_row *row;
    size_t ntransfers, nwarnings; /* that the row has */
};

/* What was last printed of a transfer. */
struct dp_plain_last {
    int64_t current;
    depot_time timestamp;
};

struct dp_plain {
    struct depot_render base;
    DEPOT_VEC(struct dp_plain_row *) rows;
    DEPOT_VEC(struct dp_plain_row *) listed;
    DEPOT_VEC(struct dp_plain_row *) updates;
    DEPOT_VEC(struct dp_plain_step) steps;
    DEPOT_VEC(struct dp_plain_row *) groups; /* by the group's index */
    struct depot_map *last;                  /* transfer id -> struct dp_plain_last */
    struct dp_plain_row *current;
    bool not_first;
    int next_number;
    bool printed_once;      /* the limiter has let one pass: */
    uint64_t limiter, tick; /* when it did; when the ticker fires next */
    bool idle;              /* a tick found nothing to do */
    bool ending;
};

static inline const struct depot_interval *dp_plain_intervals(
    const struct dp_plain_row *row, size_t *n)
{
    *n = row->group ? row->group->intervals.len : row->step->intervals.len;
    return row->group ? row->group->intervals.items : row->step->intervals.items;
}

bool dp_plain_is_completed(const struct dp_plain_row *row);

/* Print what a row has to say, its header first when another row was shown. */
void dp_plain_print_row(struct dp_plain *p, struct dp_plain_row *row);
/* That a part has got its builder, where the log names them. */
void dp_plain_print_assigned(struct dp_plain *p, const struct depot_part *part);
/* That a part is in line. */
void dp_plain_print_wait(struct dp_plain *p, const struct depot_part *part);
/* Close the group of the step that is shown, if it has not ended. */
void dp_plain_end_group(struct dp_plain *p);
/* Take log bytes. */
void dp_plain_add_log(
    struct dp_plain *p, struct dp_plain_row *row, const struct depot_vertex_log *log);
/* The last lines of each failed step. */
void dp_plain_print_errors(struct dp_plain *p);

/* ---- plain_number.c ---- */

/* Nanoseconds as seconds in floating point, the way Go converts a Duration. */
double dp_plain_seconds(int64_t ns);
/* "%.*f" with a point in every locale. */
void dp_plain_put_fixed(struct depot_buf *out, double v, int decimals);
/* "12.58MB": powers of 1000, two decimals, whole bytes below 1000. */
void dp_plain_put_bytes(struct depot_buf *out, int64_t n);

#endif
