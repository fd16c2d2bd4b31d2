/*
 * Removing from a directory what a build did not put there: every step goes from an open directory
 * to a name, so that nothing outside can be reached however the tree changes meanwhile.
 */
#include "session/prune.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/* Deeper than any path that the kernel takes as one. */
enum { DEPTH_MAX = PATH_MAX / 2 };

struct prune {
    const char *dir;
    const struct depot_map *keep;
    dev_t device;
    struct depot_error *err;
};

static int walk(struct prune *p, int fd, const char *path, size_t depth);

static int failed(struct prune *p, const char *path)
{
    return depot_error_errno(p->err, errno, "cannot remove %s/%s", p->dir, path);
}

static int open_dir(int at, const char *name)
{
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A mount point is not what an earlier build left. */
static int look_into(struct prune *p, int at, const char *name, const char *path, size_t depth)
{
    struct stat st;
    int fd = open_dir(at, name);
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == p->device)
        return walk(p, fd, path, depth + 1);
    int rc = fd < 0 ? failed(p, path) : 0;
    if (fd >= 0)
        close(fd);
    return rc;
}

static int one(struct prune *p, int at, const char *name, const char *path, size_t depth)
{
    struct stat st;
    const bool keeps = depot_map_get(p->keep, path) != NULL;
    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : failed(p, path);
    if (!S_ISDIR(st.st_mode))
        return keeps || unlinkat(at, name, 0) == 0 ? 0 : failed(p, path);
    int rc = look_into(p, at, name, path, depth);
    if (rc == 0 && !keeps && unlinkat(at, name, AT_REMOVEDIR) != 0)
        rc = failed(p, path);
    return rc;
}

static bool is_name(const char *s)
{
    return strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

/* Takes `fd`. */
static int walk(struct prune *p, int fd, const char *path, size_t depth)
{
    DIR *d = depth < DEPTH_MAX ? fdopendir(fd) : NULL;
    struct dirent *e;
    int rc = 0;
    if (d == NULL) {
        rc = failed(p, path);
        close(fd);
        return rc;
    }
    while (rc == 0 && (e = readdir(d)) != NULL) {
        if (!is_name(e->d_name))
            continue;
        char *inner =
            *path == '\0' ? depot_strdup(e->d_name) : depot_asprintf("%s/%s", path, e->d_name);
        rc = one(p, dirfd(d), e->d_name, inner, depth);
        depot_free(inner);
    }
    closedir(d);
    return rc;
}

int dp_prune(const char *dir, const struct depot_map *keep, struct depot_error *err)
{
    struct prune p = {.dir = dir, .keep = keep, .err = err};
    struct stat st;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        depot_error_errno(err, errno, "cannot open %s", dir);
        if (fd >= 0)
            close(fd);
        return err != NULL ? err->code : DEPOT_ERR_IO;
    }
    p.device = st.st_dev;
    return walk(&p, fd, "", 0);
}
