/*
 * A directory tree in the order a file transfer wants it: depth first, the names of a directory
 * sorted by bytes, filtered, a bit at a time. Holds the names of a directory a level (of a large
 * one, a part of them), never the tree.
 */
#ifndef DEPOT_CORE_SESSION_WALK_H
#define DEPOT_CORE_SESSION_WALK_H

#include <depot/base.h>

#include <sys/stat.h>

#include "session/paths.h"
#include "session/pattern.h"

struct dp_walk;

struct dp_walk_entry {
    const char *path; /* from the root, terminated */
    size_t path_len;
    const char *name; /* its last part */
    uint32_t parent;  /* id of its directory, or DP_PATHS_ROOT */
    const struct stat *st;
    const char *link; /* target of a symbolic link, else "" */
    size_t link_len;
};
/* Ids count the entries from 0 in this order. A negative result ends the walk with it. */
typedef int dp_walk_fn(const struct dp_walk_entry *e, void *arg, struct depot_error *err);

/* What is wanted of a tree; all may be empty. */
struct dp_walk_filter {
    struct depot_strv include, exclude, follow;
};
void dp_walk_filter_release(struct dp_walk_filter *f);

/* Walk the directory `path`. Follow paths are resolved here. */
int dp_walk_new(const char *path, const struct dp_walk_filter *filter, dp_walk_fn *fn, void *arg,
    struct dp_walk **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* Look at up to `n` more entries: 1 when some may be left, 0 at the end, or an error. */
int dp_walk_step(struct dp_walk *w, size_t n, struct depot_error *err) DEPOT_MUST_CHECK;
int dp_walk_root_fd(const struct dp_walk *w); /* the walk's own */
void dp_walk_free(struct dp_walk *w);

/*
 * Paths that an engine asks for may cross symbolic links and hold wildcards: add to `out`, sorted
 * and without those that lie below another, what must be sent for them. False: everything.
 */
int dp_follow_paths(int root_fd, const struct depot_strv *paths, struct depot_strv *out,
    bool *everything, struct depot_error *err) DEPOT_MUST_CHECK;
/* Sort out what a list of paths holds twice; false when "." is in it. */
bool dp_paths_dedupe(struct depot_strv *paths);

#endif
