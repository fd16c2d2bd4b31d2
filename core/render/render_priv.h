/*
 * The contract of one sink, and what the sinks share.
 */
#ifndef DEPOT_CORE_RENDER_RENDER_PRIV_H
#define DEPOT_CORE_RENDER_RENDER_PRIV_H

#include <depot/render.h>

struct dp_render_ops {
    const char *name;
    size_t size; /* of the sink's struct, which starts with struct depot_render */
    void (*begin)(struct depot_render *r); /* may be NULL, as all below */
    void (*apply)(struct depot_render *r, const struct depot_event *ev, uint64_t now);
    uint64_t (*deadline)(const struct depot_render *r);
    void (*tick)(struct depot_render *r, uint64_t now);
    void (*end)(struct depot_render *r, uint64_t now);
    void (*resize)(struct depot_render *r, uint64_t now);
    void (*hide)(struct depot_render *r, uint64_t now);  /* rows below which others may write */
    void (*cover)(struct depot_render *r, bool covered); /* may be NULL */
    void (*tails)(struct depot_render *r);
    void (*release)(struct depot_render *r);
};

struct depot_render {
    const struct dp_render_ops *ops;
    const struct depot_build *build;
    struct depot_render_opts opts;
    struct depot_buf out;  /* written and emptied after each call */
    struct depot_buf safe; /* with a CI system: what has passed the guard, and our commands */
    struct depot_guard guard;
};

/* The line that begins a log: the build, its builders, or `only` one of its parts. */
void dp_put_frame_begin(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_build *b, const struct depot_part *only);
/* Where a command of the CI system goes: what was printed so far is before it. */
struct depot_buf *dp_render_command(struct depot_render *r);
/* Write a text that stands alone, guarded, and release it. */
void dp_emit(const struct depot_render_opts *opts, struct depot_buf *b);

extern const struct dp_render_ops dp_render_plain, dp_render_tty;

/* What text means; a state has its glyph and word as well, never the colour alone. */
enum dp_style {
    DP_STYLE_TEXT,
    DP_STYLE_DIM,
    DP_STYLE_STRONG,
    DP_STYLE_RUN,
    DP_STYLE_HIT,
    DP_STYLE_SHARED,
    DP_STYLE_RAN,
    DP_STYLE_FAIL,
    DP_STYLE_CANCEL,
    DP_STYLE_WARN,
    DP_STYLE_COUNT
};
/* Switch the terminal to a style. Without colours attributes are left. */
void dp_put_style(struct depot_buf *out, const struct depot_render_opts *opts, enum dp_style s);
enum dp_style dp_style_of_verdict(enum depot_verdict v);
enum dp_style dp_style_of_state(enum depot_build_state s);
/* Characters that change the direction of text, or hide it: a name could lie with them. */
bool dp_is_hidden(uint32_t c);
/* One column wide each, in ASCII where the locale is not UTF-8. */
const char *dp_glyph_of_verdict(const struct depot_render_opts *opts, enum depot_verdict v);
const char *dp_glyph_of_state(const struct depot_render_opts *opts, enum depot_build_state s);
/* "amd64" for "linux/amd64"; other systems keep their name. */
const char *dp_short_platform(const char *platform);
/* "812B", "14kB", "4.1MB": at most six columns. */
void dp_put_size(struct depot_buf *out, int64_t n);
/* The end of a step's log line that a terminal would show: behind the last carriage return; cleaned
 * of escape sequences. Of a very long one its beginning. */
void dp_put_log_line(struct depot_buf *out, const char *line, size_t n);

/* Nanoseconds as seconds in floating point, the way Go converts a Duration. */
double dp_seconds(int64_t ns);
/* "%.*f" with a point in every locale. */
void dp_put_fixed(struct depot_buf *out, double v, int decimals);
/* " 12.58MB" style: decimal units, two decimals, whole bytes below 1000. */
void dp_put_bytes(struct depot_buf *out, int64_t n);
/* Text from outside, cleaned when the sink's opts say so. */
void dp_put_text(struct depot_buf *out, const struct depot_render_opts *opts, const char *s);
/* after.c: the lines of a Dockerfile that an error or a warning is about; nothing without any. */
void dp_put_excerpt(
    struct depot_buf *out, const struct depot_render_opts *opts, const struct depot_build_error *e);
/* " waits, number 2 in line: amd64-a is busy", behind what waits. */
void dp_put_wait(struct depot_buf *out, const struct depot_part *p, bool sanitize);

#endif
