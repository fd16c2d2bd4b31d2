/*
 * One result out of those of a build's parts, where it is an archive: each part's waits in a file
 * without a name, and when the build has succeeded a worker thread joins them into the output,
 * which appears whole or not at all.
 */
#ifndef DEPOT_CORE_BUILD_JOIN_H
#define DEPOT_CORE_BUILD_JOIN_H

#include "build/part.h"

/* Does the plan have such outputs? One part that makes all platforms may write them itself. */
bool dp_join_wanted(const struct depot_build_plan *plan);

struct dp_join;
/* Once, not from inside dp_join_start(). `answer` is what an engine would say of the whole;
 * borrowed. */
typedef void dp_join_fn(
    struct dp_join *j, const struct depot_kvs *answer, const struct depot_error *err, void *arg);
/* The plan is borrowed; parts need not live on. */
int dp_join_start(struct depot_loop *l, const struct depot_build_plan *plan,
    struct dp_part *const *parts, size_t nparts, dp_join_fn *done, void *arg, struct dp_join **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* "joining what 2 builders sent (1234 MB): 34 %". The caller frees. */
char *dp_join_progress(const struct dp_join *j);
/* `done` follows with CANCELLED, unless all is written. */
void dp_join_cancel(struct dp_join *j);
/* Without `done`; what is half written goes away. The plan may be freed. */
void dp_join_free(struct dp_join *j);

#endif
