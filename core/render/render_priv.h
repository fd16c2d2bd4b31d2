/*
 * The contract of one sink, and what the sinks share.
 */
#ifndef DEPOT_CORE_RENDER_RENDER_PRIV_H
#define DEPOT_CORE_RENDER_RENDER_PRIV_H

#include <depot/render.h>
#include <depot/text.h>

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

/* Switch to a style, where `out` has colours. */
void dp_put_style(struct depot_buf *out, const struct depot_render_opts *opts, enum depot_style s);
/* A sign by itself, one column wide. */
void dp_put_sign(struct depot_buf *out, const struct depot_render_opts *opts, enum depot_sign s);
/* As depot_text_duration() and depot_text_bytes() have them. */
void dp_put_duration(struct depot_buf *out, int64_t ns, bool tenths);
void dp_put_size(struct depot_buf *out, int64_t n);

/* Text from outside, cleaned when the sink's opts say so. */
void dp_put_text(struct depot_buf *out, const struct depot_render_opts *opts, const char *s);
/* summary.c: the lines of a Dockerfile that an error or a warning is about; nothing without any. */
void dp_put_excerpt(
    struct depot_buf *out, const struct depot_render_opts *opts, const struct depot_build_error *e);
/* " waits, number 2 in line: amd64-a is busy", behind what waits. */
void dp_put_wait(struct depot_buf *out, const struct depot_part *p, bool sanitize);

#endif
