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
    void (*release)(struct depot_render *r);
};

struct depot_render {
    const struct dp_render_ops *ops;
    const struct depot_build *build;
    struct depot_render_opts opts;
    struct depot_buf out; /* written and emptied after each call */
};

extern const struct dp_render_ops dp_render_plain;

/* Nanoseconds as seconds in floating point, the way Go converts a Duration. */
double dp_seconds(int64_t ns);
/* "%.*f" with a point in every locale. */
void dp_put_fixed(struct depot_buf *out, double v, int decimals);
/* " 12.58MB" style: decimal units, two decimals, whole bytes below 1000. */
void dp_put_bytes(struct depot_buf *out, int64_t n);
/* Text from outside, cleaned when the sink's opts say so. */
void dp_put_text(struct depot_buf *out, const struct depot_render_opts *opts, const char *s);

#endif
