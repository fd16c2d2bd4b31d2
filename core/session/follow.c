/*
 * Follow paths: every symbolic link on the way is sent, and what it points to, taken as if the
 * context were the root of the world.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/walk.h"

enum {
    FOLLOW_DEPTH_MAX = 255,        /* links in a row, as in the kernel's own limit, and then some */
    FOLLOW_RESOLVED_MAX = 1 << 17, /* a wildcard may name many links */
};

struct resolver {
    int root_fd;
    struct depot_map *resolved; /* path -> itself */
    struct depot_error *err;
};

/* The target of the link `path`, from the root; NULL when it is not a link. */
static char *read_link(int root_fd, const char *path)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(root_fd, path, target, sizeof(target) - 1);
    if (n <= 0)
        return NULL;
    target[n] = '\0';
    if (target[0] == '/')
        return dp_path_clean_rooted(target);
    const char *slash = strrchr(path, '/');
    char *joined = slash == NULL ? depot_strdup(target)
                                 : depot_asprintf("%.*s/%s", (int)(slash - path), path, target);
    char *clean = dp_path_clean_rooted(joined);
    depot_free(joined);
    return clean;
}

/* Targets of all links in the directory of `path` whose names match its last part. */
static void read_wild(int root_fd, const char *path, struct depot_strv *out)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash == NULL ? depot_strdup(".") : depot_strndup(path, (size_t)(slash - path));
    const char *base = slash == NULL ? path : slash + 1;
    int fd = openat(root_fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (d == NULL && fd >= 0)
        close(fd);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if ((e->d_type != DT_LNK && e->d_type != DT_UNKNOWN) ||
            !dp_pattern_match_one(base, e->d_name))
            continue;
        char *link =
            slash == NULL ? depot_strdup(e->d_name) : depot_asprintf("%s/%s", dir, e->d_name);
        char *target = read_link(root_fd, link);
        if (target != NULL)
            depot_strv_push_take(out, target);
        depot_free(link);
    }
    if (d != NULL)
        closedir(d);
    depot_free(dir);
}

static int resolve(struct resolver *r, const char *raw, int depth);

/* `current` is one or more links: keep it, and go on from each of their targets. */
static int resolve_targets(
    struct resolver *r, const struct depot_strv *targets, const char *rest, int depth)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < targets->len; i++) {
        char *next = depot_asprintf("%s/%s", targets->items[i], rest);
        rc = resolve(r, next, depth + 1);
        depot_free(next);
    }
    return rc;
}

static int resolve(struct resolver *r, const char *raw, int depth)
{
    if (depth > FOLLOW_DEPTH_MAX || depot_map_len(r->resolved) > FOLLOW_RESOLVED_MAX ||
        strlen(raw) >= DP_PATH_MAX)
        return depot_error_set(
            r->err, DEPOT_ERR_TOO_BIG, "\"%.200s\" leads through too many symbolic links", raw);
    char *path = dp_path_clean_rooted(raw);
    int rc = 0;
    for (size_t end = 0;;) {
        end += strcspn(path + end, "/");
        bool last = path[end] == '\0';
        struct depot_strv targets = {0};
        path[end] = '\0';
        const char *slash = strrchr(path, '/');
        if (dp_pattern_has_wildcards(slash == NULL ? path : slash + 1))
            read_wild(r->root_fd, path, &targets);
        else if (strcmp(path, ".") != 0) {
            char *target = read_link(r->root_fd, path);
            if (target != NULL)
                depot_strv_push_take(&targets, target);
        }
        bool links = targets.len > 0;
        if ((last || links) && depot_map_get(r->resolved, path) == NULL) {
            depot_map_set(r->resolved, path, r);
            if (links)
                rc = resolve_targets(r, &targets, last ? "" : path + end + 1, depth);
        }
        depot_strv_release(&targets);
        if (last || links)
            break;
        path[end++] = '/';
    }
    depot_free(path);
    return rc;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool dp_paths_dedupe(struct depot_strv *paths)
{
    size_t kept = 0;
    bool all = true;
    for (size_t i = 0; i < paths->len; i++) {
        char *s = paths->items[i];
        const char *last = kept > 0 ? paths->items[kept - 1] : NULL;
        size_t n = last != NULL ? strlen(last) : 0;
        bool below = last != NULL && strncmp(s, last, n) == 0 && (s[n] == '/' || s[n] == '\0');
        if (strcmp(s, ".") == 0)
            all = false;
        if (below)
            depot_free(s);
        else
            paths->items[kept++] = s;
    }
    paths->len = kept;
    return all;
}

int dp_follow_paths(int root_fd, const struct depot_strv *paths, struct depot_strv *out,
    bool *everything, struct depot_error *err)
{
    struct resolver r = {.root_fd = root_fd, .resolved = depot_map_new(), .err = err};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < paths->len; i++)
        rc = resolve(&r, paths->items[i], 0);
    size_t pos = 0;
    const char *key;
    void *value;
    while (rc == 0 && depot_map_next(r.resolved, &pos, &key, &value))
        depot_strv_push(out, key);
    depot_map_free(r.resolved);
    if (rc < 0)
        return rc;
    if (out->len > 0)
        qsort(out->items, out->len, sizeof(*out->items), by_bytes);
    *everything = !dp_paths_dedupe(out);
    return 0;
}
