/*
 * The paths of a transfer, by id: what turns an engine's "send me number 4711" into a file.
 * Spooled, so that a tree of millions of files takes no more memory than a small one: a name, the
 * number of its directory, a size.
 */
#ifndef DEPOT_CORE_SESSION_PATHS_H
#define DEPOT_CORE_SESSION_PATHS_H

#include "session/spool.h"

#define DP_PATHS_ROOT UINT32_MAX

enum {
    DP_PATH_MAX = 4096,       /* with its NUL, as the system has it */
    DP_PATHS_NAME_MAX = 1024, /* likewise */
    DP_PATHS_MAX = 20 * 1000 * 1000,
};

struct dp_paths {
    struct dp_spool items, names;
    size_t len;
};
struct dp_paths_item {
    uint32_t name; /* where its length and bytes are in `names` */
    uint32_t parent;
    int64_t value; /* the owner's: the size, or -1 */
};

/* The next id goes to `name` in directory `parent`. DEPOT_ERR_TOO_BIG past the ceilings. */
int dp_paths_add(struct dp_paths *ps, uint32_t parent, const char *name, size_t n,
    int64_t value) DEPOT_MUST_CHECK;
/* The parts of one; NOT_FOUND when there is no such id. */
int dp_paths_item(struct dp_paths *ps, uint32_t id, struct dp_paths_item *out) DEPOT_MUST_CHECK;
int dp_paths_set_value(struct dp_paths *ps, uint32_t id, int64_t value) DEPOT_MUST_CHECK;
/* Its last part, or NULL; in `buf`. */
const char *dp_paths_name(struct dp_paths *ps, uint32_t id, char buf[DP_PATHS_NAME_MAX]);
/* The path from the root; NULL when it does not fit or there is no such id. */
const char *dp_paths_get(struct dp_paths *ps, uint32_t id, char buf[DP_PATH_MAX]);
void dp_paths_release(struct dp_paths *ps);

/* A queue of ids. */
struct dp_ids {
    struct dp_spool spool;
    uint64_t at;
};
int dp_ids_push(struct dp_ids *q, uint32_t id) DEPOT_MUST_CHECK;
bool dp_ids_empty(const struct dp_ids *q);
int dp_ids_pop(struct dp_ids *q, uint32_t *out) DEPOT_MUST_CHECK; /* not of an empty one */
void dp_ids_release(struct dp_ids *q);

/* Which file of several names came first: inode -> id. */
struct dp_inodes {
    struct dp_spool slots;
    size_t len;
    unsigned bits; /* the table has 1 << bits slots */
};
/* The id already kept under this inode, or `id`, which is then kept. */
uint32_t dp_inodes_put(struct dp_inodes *t, uint64_t dev, uint64_t ino, uint32_t id);
void dp_inodes_release(struct dp_inodes *t);

#endif
