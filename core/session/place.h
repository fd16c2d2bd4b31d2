/*
 * Making files below one directory that is ours to write, on behalf of somebody we do not trust:
 * every step goes from an open directory to a name, and no symbolic link is followed.
 */
#ifndef DEPOT_CORE_SESSION_PLACE_H
#define DEPOT_CORE_SESSION_PLACE_H

#include <depot/base.h>

#include <time.h>

#include "session/packet.h"
#include "session/paths.h"

struct dp_place {
    char *path;
    int fd;
    /* The directory used last, open. */
    int near_fd;
    uint32_t near;
};

/* Makes the directory when it is not there. */
int dp_place_init(struct dp_place *pl, const char *path, struct depot_error *err) DEPOT_MUST_CHECK;
void dp_place_release(struct dp_place *pl);

/* The directory with this id, open: the place's own, valid until the next call. */
int dp_place_dir(struct dp_place *pl, struct dp_paths *paths, uint32_t id, int *fd,
    struct depot_error *err) DEPOT_MUST_CHECK;

/* Each of these puts something at `name` in the open directory `dir`. What is there gives way,
 * unless it is a directory: whole trees are not ours to delete. An existing directory is kept. */
int dp_place_mkdir(struct dp_place *pl, int dir, const char *name, uint32_t mode,
    struct depot_error *err) DEPOT_MUST_CHECK;
int dp_place_symlink(struct dp_place *pl, int dir, const char *name, const struct dp_fstat *st,
    struct depot_error *err) DEPOT_MUST_CHECK;
int dp_place_special(struct dp_place *pl, int dir, const char *name, const struct dp_fstat *st,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* `target` is a clean path from the place's root, and must be a regular file. */
int dp_place_link(struct dp_place *pl, int dir, const char *name, const char *target,
    struct depot_error *err) DEPOT_MUST_CHECK;

void dp_place_times(int64_t mtime, struct timespec times[2]);
int dp_place_error(const struct dp_place *pl, int errnum, const char *what, const char *name,
    struct depot_error *err);

#endif
