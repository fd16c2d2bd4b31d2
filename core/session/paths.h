/*
 * The paths of a transfer, by id: what turns an engine's "send me number 4711" into a file. Kept
 * small, for trees of hundreds of thousands of files: a name, the number of its directory, a size.
 */
#ifndef DEPOT_CORE_SESSION_PATHS_H
#define DEPOT_CORE_SESSION_PATHS_H

#include <depot/base.h>

#define DP_PATHS_ROOT UINT32_MAX

enum {
    DP_PATH_MAX = 4096, /* with its NUL, as the system has it */
    DP_PATHS_MAX = 20 * 1000 * 1000,
};

struct dp_paths {
    struct dp_paths_item {
        uint32_t name; /* offset into names */
        uint32_t parent;
        int64_t value; /* the owner's: the size, or -1 */
    } * items;
    size_t len, cap;
    char *names;
    size_t names_len, names_cap;
};

/* The next id goes to `name` in directory `parent`. DEPOT_ERR_TOO_BIG past the ceilings. */
int dp_paths_add(struct dp_paths *ps, uint32_t parent, const char *name, size_t n,
    int64_t value) DEPOT_MUST_CHECK;
/* The path from the root; NULL when it does not fit or there is no such id. */
const char *dp_paths_get(const struct dp_paths *ps, uint32_t id, char buf[DP_PATH_MAX]);
void dp_paths_release(struct dp_paths *ps);

/* Which file of several names came first: inode -> id. */
struct dp_inodes {
    uint64_t *keys;
    uint32_t *ids;
    size_t len, cap;
};
/* The id already kept under this inode, or `id`, which is then kept. */
uint32_t dp_inodes_put(struct dp_inodes *t, uint64_t dev, uint64_t ino, uint32_t id);
void dp_inodes_release(struct dp_inodes *t);

#endif
