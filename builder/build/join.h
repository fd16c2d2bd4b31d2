/*
 * What several builders have pushed by digest becomes one index under every tag: the last thing
 * that happens in a build with several parts that pushes. The registry's credentials are the
 * client's, who is asked through a session of the daemon's own.
 */
#ifndef DEPOT_BUILDER_JOIN_H
#define DEPOT_BUILDER_JOIN_H

#include <depot/event.h>

#include "part.h"

struct join;

struct join_ops {
    void (*over)(struct join *j, void *arg);  /* once */
    void (*say)(const char *why, void *arg);  /* why the build ends, before that */
    void (*add)(const char *what, void *arg); /* to what is said already */
};
/* Of `n` parts, some of which may be made elsewhere; borrowed. */
struct join *join_new(const struct build_scope *scope, struct part *const *parts, size_t n,
    const struct join_ops *ops, void *arg);
/* Does what leaves every tag as it is, while the engines record what they have pushed. Nothing when
 * not all of it is there, or a second time. */
void join_prepare(struct join *j);
/* All parts have succeeded. `over` comes, not from in here. */
void join_begin(struct join *j);
void join_cancel(struct join *j); /* `over` follows, when it began */
/* The daemon ends: what has moved stays where it is, and is named. `over` comes from in
 * here, when it began and is not over. */
void join_abort(struct join *j);
/* The outcome. `joined.digest` NULL: there is none. Borrowed. */
enum depot_build_state join_state(const struct join *j);
const struct depot_joined *join_result(const struct join *j);
void join_free(struct join *j);

#endif
