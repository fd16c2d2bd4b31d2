/*
 * What frames cost, for benchmarks and tests: DEPOT_TUI_STATS=FILE has it written at the end.
 * Counts and times only; without the variable nothing is kept.
 */
#ifndef DEPOT_TUI_STATS_H
#define DEPOT_TUI_STATS_H

#include <stddef.h>
#include <stdint.h>

enum stats_time {
    STATS_COMPOSE, /* of a frame: refresh and draw */
    STATS_FLUSH,   /* the same frame to the terminal */
    STATS_FRAME,   /* both */
    STATS_KEY,     /* from a key's arrival in the process to the end of its frame */
    STATS_TIMES
};

struct stats;

struct stats *dp_stats_new(void); /* NULL: nobody asked */
void dp_stats_free(struct stats *s);
void dp_stats_time(struct stats *s, enum stats_time what, uint64_t ns);
/* A frame was flushed with so many write calls and bytes; 0 of both: nothing differed. */
void dp_stats_frame(struct stats *s, uint64_t writes, uint64_t bytes);
/* Data came that shows something; the next frame is the first paint. */
void dp_stats_data(struct stats *s);
/* Write them to the file that was asked for. */
void dp_stats_write(const struct stats *s);

#endif
