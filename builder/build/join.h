/*
 * What several builders have pushed by digest becomes one index under every tag: the last thing
 * that happens in a build with several parts that pushes. The registry's credentials are the
 * client's, who is asked through a session of the daemon's own.
 */
#ifndef DEPOT_BUILDER_JOIN_H
#define DEPOT_BUILDER_JOIN_H

#include <depot/event.h>

struct build;
struct join;

/* Of an export's attributes those that are for the platforms of a part (several with commas). */
void join_keep_own(struct depot_kvs *attrs, const char *platform);
/* The attributes of the joined export as a part is asked to make it: pushed by digest alone, to
 * each repository. */
void join_rewrite(struct depot_kvs *attrs);

struct join *join_new(struct build *b);
/* All parts have succeeded. build_joined() comes once, not from in here. */
void join_begin(struct join *j);
void join_cancel(struct join *j); /* build_joined() follows, when it began */
/* The daemon ends: what has moved stays where it is, and is named. build_joined() comes from in
 * here, when it began and is not over. */
void join_abort(struct join *j);
/* The outcome. `joined.digest` NULL: there is none. Borrowed. */
enum depot_build_state join_state(const struct join *j);
const struct depot_joined *join_result(const struct join *j);
void join_free(struct join *j);

#endif
