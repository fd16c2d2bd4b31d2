/*
 * Making files below one directory. Nothing here knows of packets' order or of calls.
 */
#include "session/place.h"

#include <depot/file_writer.h>
#include <depot/path.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#if __has_include(<sys/sysmacros.h>)
#include <sys/sysmacros.h>
#endif
#include <unistd.h>

int dp_place_error(const struct dp_place *pl, int errnum, const char *what, const char *name,
    struct depot_error *err)
{
    depot_error_errno(err, errnum, "cannot %s output %s/%s", what, pl->path, name);
    if (errnum == EISDIR || errnum == ENOTEMPTY)
        return depot_error_hint(err, "a directory is in its place: move it away, or choose another "
                                     "output directory");
    if (errnum == ENOSPC || errnum == EDQUOT)
        return depot_error_hint(err, "make room, or choose another output directory");
    return depot_error_hint(err, "check that the output directory is writable");
}

int dp_place_init(struct dp_place *pl, const char *path, struct depot_error *err)
{
    *pl = (struct dp_place){.path = depot_strdup(path), .fd = -1, .near_fd = -1};
    int rc = depot_path_mkdirs(path, 0755, err);
    if (rc < 0)
        return rc;
    pl->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (pl->fd < 0) {
        depot_error_errno(err, errno, "cannot open output directory %s", path);
        return depot_error_hint(err, "give -o a directory that you may write to");
    }
    return 0;
}

void dp_place_release(struct dp_place *pl)
{
    if (pl->path == NULL)
        return;
    if (pl->near_fd >= 0)
        close(pl->near_fd);
    if (pl->fd >= 0)
        close(pl->fd);
    depot_free(pl->path);
    *pl = (struct dp_place){.fd = -1, .near_fd = -1};
}

/* Open a directory by a clean path from the root, a name at a time. */
static int open_below(const struct dp_place *pl, const char *path, size_t n)
{
    int fd = fcntl(pl->fd, F_DUPFD_CLOEXEC, 0);
    char name[DP_PATH_MAX];
    for (size_t at = 0; fd >= 0 && at < n;) {
        const char *slash = memchr(path + at, '/', n - at);
        size_t len = (slash != NULL ? (size_t)(slash - path) : n) - at;
        memcpy(name, path + at, len);
        name[len] = '\0';
        at += len + 1;
        int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int failed = errno;
        close(fd);
        errno = failed;
        fd = next;
    }
    return fd;
}

int dp_place_dir(
    struct dp_place *pl, struct dp_paths *paths, uint32_t id, int *fd, struct depot_error *err)
{
    if (id == DP_PATHS_ROOT) {
        *fd = pl->fd;
        return 0;
    }
    if (pl->near_fd < 0 || pl->near != id) {
        char buf[DP_PATH_MAX];
        const char *path = dp_paths_get(paths, id, buf);
        int found = path != NULL ? open_below(pl, path, strlen(path)) : -1;
        if (found < 0)
            return dp_place_error(
                pl, path != NULL ? errno : ENAMETOOLONG, "enter", path != NULL ? path : "", err);
        if (pl->near_fd >= 0)
            close(pl->near_fd);
        pl->near_fd = found;
        pl->near = id;
    }
    *fd = pl->near_fd;
    return 0;
}

void dp_place_times(int64_t mtime, struct timespec times[2])
{
    int64_t sec = mtime / 1000000000, nsec = mtime % 1000000000;
    if (nsec < 0) {
        nsec += 1000000000;
        sec--;
    }
    times[0] = times[1] = (struct timespec){.tv_sec = (time_t)sec, .tv_nsec = (long)nsec};
}

int dp_place_mkdir(
    struct dp_place *pl, int dir, const char *name, uint32_t mode, struct depot_error *err)
{
    struct stat st;
    /* Open to us until all is in it; its own mode comes at the end. */
    mode_t perm = (dp_mode_permissions(mode) & 0777) | 0700;
    if (mkdirat(dir, name, perm) == 0)
        return 0;
    if (errno == EEXIST && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        if (unlinkat(dir, name, 0) == 0 && mkdirat(dir, name, perm) == 0)
            return 0;
    }
    return dp_place_error(pl, errno, "make directory", name, err);
}

/* Give what was made under a temporary name its own. */
static int move(
    struct dp_place *pl, int dir, const char *temp, const char *name, struct depot_error *err)
{
    if (renameat(dir, temp, dir, name) == 0) {
        /* Two names of one file: a rename between them does nothing at all. */
        unlinkat(dir, temp, 0);
        return 0;
    }
    int failed = errno;
    unlinkat(dir, temp, 0);
    return dp_place_error(pl, failed, "write", name, err);
}

int dp_place_symlink(struct dp_place *pl, int dir, const char *name, const struct dp_fstat *st,
    struct depot_error *err)
{
    char temp[DEPOT_FILE_PART_NAME];
    struct timespec times[2];
    char *target = depot_strndup(st->link, st->link_len);
    depot_file_part_name(temp);
    int rc = symlinkat(target, dir, temp);
    depot_free(target);
    if (rc < 0)
        return dp_place_error(pl, errno, "make link", name, err);
    dp_place_times(st->mtime, times);
    rc = utimensat(dir, temp, times, AT_SYMLINK_NOFOLLOW);
    DEPOT_UNUSED(rc); /* the time of a link is a nicety */
    return move(pl, dir, temp, name, err);
}

int dp_place_special(struct dp_place *pl, int dir, const char *name, const struct dp_fstat *st,
    struct depot_error *err)
{
    char temp[DEPOT_FILE_PART_NAME];
    struct timespec times[2];
    mode_t type = st->mode & DP_MODE_FIFO ? S_IFIFO : st->mode & DP_MODE_CHAR ? S_IFCHR : S_IFBLK;
    depot_file_part_name(temp);
    if (mknodat(dir, temp, type | 0600, makedev((unsigned)st->major, (unsigned)st->minor)) < 0)
        return dp_place_error(pl, errno, "make special file", name, err);
    dp_place_times(st->mtime, times);
    if (fchmodat(dir, temp, dp_mode_permissions(st->mode), 0) < 0 ||
        utimensat(dir, temp, times, AT_SYMLINK_NOFOLLOW) < 0) {
        int failed = errno;
        unlinkat(dir, temp, 0);
        return dp_place_error(pl, failed, "set mode and time of", name, err);
    }
    return move(pl, dir, temp, name, err);
}

int dp_place_link(
    struct dp_place *pl, int dir, const char *name, const char *target, struct depot_error *err)
{
    char temp[DEPOT_FILE_PART_NAME];
    struct stat st;
    const char *slash = strrchr(target, '/');
    const char *base = slash != NULL ? slash + 1 : target;
    int from = open_below(pl, target, slash != NULL ? (size_t)(slash - target) : 0);
    if (from < 0)
        return dp_place_error(pl, errno, "find", target, err);
    depot_file_part_name(temp);
    int rc = fstatat(from, base, &st, AT_SYMLINK_NOFOLLOW);
    int failed = rc < 0 ? errno : !S_ISREG(st.st_mode) ? EINVAL : 0;
    if (failed == 0 && linkat(from, base, dir, temp, 0) < 0)
        failed = errno;
    close(from);
    return failed != 0 ? dp_place_error(pl, failed, "link", name, err)
                       : move(pl, dir, temp, name, err);
}
