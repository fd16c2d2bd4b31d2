/*
 * One part of a build on the client's side: the session socket of one builder, and the outputs that
 * come through it.
 */
#ifndef DEPOT_CORE_BUILD_PART_H
#define DEPOT_CORE_BUILD_PART_H

#include "build/plan.h"
#include "ws/ws.h"

struct dp_part;
struct dp_part_ops {
    void (*problem)(struct dp_part *p, const struct depot_error *err, void *arg);
    /* An output has ended: dp_part_busy() may be another. */
    void (*written)(struct dp_part *p, void *arg);
    /* The socket is closed; `err` NULL when the daemon closed it in order. */
    void (*closed)(struct dp_part *p, const struct depot_error *err, void *arg);
};
struct dp_part_opts {
    struct depot_loop *loop;
    struct dp_ws_context *ws;
    const struct depot_build_plan *plan; /* borrowed */
    const struct depot_endpoint *at;     /* borrowed */
    const char *build, *builder;
    const struct depot_strv *platforms; /* that the builder makes; borrowed */
    struct dp_claims *const *claims;    /* of all parts, for each output of the plan; may be NULL */
    const char *secret;                 /* of the build's creator; NULL: the daemon wants none */
};
int dp_part_new(const struct dp_part_opts *opts, const struct dp_part_ops *ops, void *arg,
    struct dp_part **out, struct depot_error *err) DEPOT_MUST_CHECK;
const char *dp_part_builder(const struct dp_part *p);
/* As build.assigned names it: "linux/amd64", or several with commas; "" for none. */
const char *dp_part_platform(const struct dp_part *p);
const struct depot_strv *dp_part_platforms(const struct dp_part *p);
/* Where the stream of the plan's i-th output waits for those of other parts; -1: it does not. */
int dp_part_spool(const struct dp_part *p, size_t output);
/* Of its socket. */
bool dp_part_was_open(const struct dp_part *p);
bool dp_part_is_closed(const struct dp_part *p);
/* Outputs still on their way to disk or into the Docker Engine. */
bool dp_part_busy(const struct dp_part *p);
/* The blob that the builder wrote last to a store of the plan; "" for none. */
const char *dp_part_last_blob(const struct dp_part *p, const char *store);
void dp_part_free(struct dp_part *p);

/* stores.c: after success, the indexes of the directories that builders wrote blobs to. What
 * several of them made one image of is told in `joined`, as an engine tells it of its own. */
int dp_stores_finish(const struct depot_build_plan *plan, const struct depot_build *state,
    struct dp_part *const *parts, size_t nparts, struct depot_kvs *joined,
    struct depot_error *err) DEPOT_MUST_CHECK;

#endif
