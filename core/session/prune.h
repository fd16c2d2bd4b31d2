/*
 * Removing from a directory what a build did not put there.
 */
#ifndef DEPOT_CORE_SESSION_PRUNE_H
#define DEPOT_CORE_SESSION_PRUNE_H

#include <depot/base.h>

/* Remove all below `dir` whose path from there is not in `keep`. No symbolic link is followed, and
 * no other file system is entered. */
int dp_prune(
    const char *dir, const struct depot_map *keep, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
