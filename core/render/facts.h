/*
 * What is said of a finished build in more than one place: below a screen, in a log, on a page.
 */
#ifndef DEPOT_CORE_RENDER_FACTS_H
#define DEPOT_CORE_RENDER_FACTS_H

#include "render/render_priv.h"

/* buildx shows a warning once however many steps had it. */
bool dp_warning_again(const struct depot_build *b, size_t at);

int64_t dp_build_ms(const struct depot_build *b);
/* Of what was built; NULL: of nothing, or each part made its own. */
const char *dp_build_digest(const struct depot_build *b);

/* A platform. */
struct dp_row {
    const char *platform;
    const struct depot_part *part;
    const struct depot_counts *counts;
    int64_t ms;
};
struct dp_rows {
    struct dp_row *items;
    size_t len, cap;
    size_t widest; /* name of a platform, in bytes: they are ASCII */
};
/* One row a platform; of a part that builds several, what they share is in none of them. */
void dp_rows_init(struct dp_rows *rows, const struct depot_build *b);
void dp_rows_release(struct dp_rows *rows);

/* Steps that were not run for this build. */
int dp_reused(const struct depot_counts *c);
/* "build 3/5 RUN make": one line, the instruction cut behind `max` bytes; 0: not cut. */
void dp_put_step(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_step *s, size_t max);
/* A text of one line, cut behind `max` bytes; 0: not cut. */
void dp_put_cut(
    struct depot_buf *out, const struct depot_render_opts *opts, const char *text, size_t max);
/* Of the lines that a step said last, tail_len of them, the oldest first. */
const char *dp_tail_line(const struct depot_step *s, size_t i);
/* What an error says beside the command that is shown anyway: "exit code: 2". */
const char *dp_short_error(const struct depot_build_error *e);
/* ", src/b.txt changed, 2 steps after it, 3.2s", or with the number of files alone. */
void dp_put_consequence(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_why *w, const struct depot_cause *c, bool named);
/* Whether there is something to tell of what missed: of a good build in which others were found, or
 * whose cache was switched off. */
bool dp_has_missed(const struct depot_build *b, const struct depot_why *w);

#endif
