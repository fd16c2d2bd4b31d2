/*
 * One time axis for all rows of a build: where a moment stands, its ticks, and bars in half
 * columns. It knows times and columns, no steps.
 */
#ifndef DEPOT_TUI_TIMELINE_H
#define DEPOT_TUI_TIMELINE_H

#include <depot/clock.h>
#include <depot/state.h>

#include "tui/term/canvas.h"

/* Least important first: where two meet in one place, the later one is drawn. */
enum bar {
    BAR_NONE,
    BAR_WAITED, /* ready, but something else was served first */
    BAR_CACHED,
    BAR_SHARED,
    BAR_CANCELLED,
    BAR_RAN,
    BAR_SLOW, /* ran, and took longer than its sibling */
    BAR_RUNNING,
    BAR_FAILED,
    BAR_COUNT
};

struct timeline {
    depot_time start;
    int64_t span; /* ns; at least TIMELINE_SPAN_MIN */
    int w;        /* columns; may be 0 */
    int64_t tick; /* ns between two ticks, such that their labels do not touch; never 0 */
};

enum { TIMELINE_SPAN_MIN = 100 * 1000 * 1000, TIMELINE_W_MAX = 2000 };

/* From `start` to `end`. `grows`: the end will move on, so the axis ends at a rounder number and
 * changes its scale now and then, not all the time. */
void dp_timeline_fit(struct timeline *t, depot_time start, depot_time end, bool grows, int w);
/* In half columns from the left, held within [0, 2 * w]. */
int dp_timeline_at(const struct timeline *t, depot_time when);

/* "0s", "0.5s", "20s", "1:20", "2h", "1d"; as exact as the distance of the ticks needs. */
const char *dp_timeline_label(char out[32], int64_t at, int64_t tick);
void dp_timeline_axis(const struct timeline *t, const struct canvas *c, int y, int x);
/* Faint marks below the ticks, and one at `now` (0: none), on rows that are empty so far. */
void dp_timeline_guides(
    const struct timeline *t, const struct canvas *c, int y, int x, depot_time now);

/* A row of bars: add them, draw them once. */
struct bars {
    const struct timeline *t;
    unsigned char halves[2 * TIMELINE_W_MAX];
};
void dp_bars_start(struct bars *b, const struct timeline *t);
/* At least one half column wide; `to` before `from` counts as an instant. */
void dp_bars_add(struct bars *b, depot_time from, depot_time to, enum bar kind);
void dp_bars_draw(const struct bars *b, const struct canvas *c, int y, int x);

#endif
