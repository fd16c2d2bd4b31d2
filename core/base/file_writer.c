/*
 * See file_writer.h. What stands in the place decides which way it is written.
 */
#define _GNU_SOURCE /* statx */
#include <depot/file_writer.h>

#include <depot/buf.h>
#include <depot/path.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINKS_MAX = 40, /* in a row, as the kernel has it */
    COLLECT = 64 * 1024,
    TEMP_ID = 12,
    TEMP_BASE = 100, /* of the file's name in that of its temporary: both fit in NAME_MAX */
};

enum way {
    WAY_FILE,    /* nothing or a file: written beside it */
    WAY_THROUGH, /* a device, a FIFO, or a file that is a mount: opened and written to */
    WAY_FD,      /* a descriptor of this process: written to */
    WAY_REFUSED,
};

/* Where a path leads. */
struct place {
    char *path; /* without links at its end */
    enum way way;
    int fd;
    bool there;
    struct stat st; /* when it is there */
};

struct depot_file_writer {
    char *path; /* as it was given */
    char *what;
    struct place place;
    char *temp; /* NULL: what was there is written to */
    int fd;
    struct depot_buf pending;
};

/* ---- messages ---- */

static const struct {
    int errnum;
    const char *hint;
} hints[] = {
    {ENOSPC, "make room, or choose another place"},
    {EDQUOT, "make room, or choose another place"},
    {EPIPE, "who read it went away"},
    {ENOENT, "make its directory first"},
    {ENOTDIR, "a part of the path is no directory"},
    {EACCES, "choose a place that you may write to"},
    {EPERM, "choose a place that you may write to"},
    {EROFS, "choose a place that you may write to"},
    {EISDIR, "give the name of a file"},
};

static int io_error(
    const char *verb, const char *what, const char *path, int errnum, struct depot_error *err)
{
    int rc = depot_error_errno(err, errnum, "cannot %s the %s %s", verb, what, path);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(hints); i++)
        if (hints[i].errnum == errnum)
            depot_error_hint(err, "%s", hints[i].hint);
    return rc;
}

static int refuse(const char *what, const char *path, mode_t mode, struct depot_error *err)
{
    const char *kind = S_ISDIR(mode)    ? "a directory"
                       : S_ISSOCK(mode) ? "a socket"
                       : S_ISLNK(mode)  ? "a link"
                                        : "no file";
    depot_error_set(err, DEPOT_ERR_INVALID, "cannot write the %s %s: it is %s", what, path, kind);
    return depot_error_hint(err, "give the name of a file");
}

static int nobody_reads(const char *what, const char *path, struct depot_error *err)
{
    depot_error_set(err, DEPOT_ERR_AGAIN, "cannot write the %s %s: nobody reads it", what, path);
    return depot_error_hint(err, "start the reader first");
}

/* ---- where a path leads ---- */

static size_t dir_len(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

static char *dir_of(const char *path)
{
    size_t n = dir_len(path);
    return n > 0 ? depot_strndup(path, n) : depot_strdup(".");
}

/* The number in /dev/fd/N and /proc/self/fd/N, else -1. Opened by that path a file would be
 * written from its beginning, and a socket not at all. */
static int own_descriptor(const char *path)
{
    char *dir = dir_of(path), *real = realpath(dir, NULL);
    char *own = depot_asprintf("/proc/%ld/fd", (long)getpid());
    int64_t fd = -1;
    if (real != NULL && depot_str_eq(real, own))
        (void)!depot_str_to_int64(path + dir_len(path), 0, INT_MAX, &fd);
    depot_free(dir);
    free(real);
    depot_free(own);
    return (int)fd;
}

/* Follow the links at the end of p->path; 0 or an errno. */
static int follow(struct place *p)
{
    char target[PATH_MAX];
    for (int i = 0; i < LINKS_MAX; i++) {
        ssize_t n = readlink(p->path, target, sizeof(target) - 1);
        if (n < 0)
            return 0; /* none, or the next look at it finds out why */
        p->fd = own_descriptor(p->path);
        if (p->fd >= 0)
            return 0;
        target[n] = '\0';
        char *dir = dir_of(p->path);
        depot_free(p->path);
        p->path = depot_path_join(dir, target);
        depot_free(dir);
    }
    return ELOOP;
}

static enum way way_of(mode_t mode)
{
    if (S_ISREG(mode))
        return WAY_FILE;
    return S_ISCHR(mode) || S_ISBLK(mode) || S_ISFIFO(mode) ? WAY_THROUGH : WAY_REFUSED;
}

/* A file that was mounted into a container by itself: nothing can be renamed over it. */
static bool is_mount(const struct place *p)
{
#ifdef STATX_ATTR_MOUNT_ROOT
    struct statx sx;
    return statx(AT_FDCWD, p->path, AT_SYMLINK_NOFOLLOW, 0, &sx) == 0 &&
           (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#else
    DEPOT_UNUSED(p);
    return false;
#endif
}

/* 0 or an errno. */
static int look(struct place *p, const char *path, unsigned flags)
{
    *p = (struct place){.path = depot_strdup(path), .fd = -1};
    const bool own = (flags & DEPOT_FILE_OWN) != 0;
    int failed = own ? 0 : follow(p);
    if (failed != 0)
        return failed;
    p->there = (p->fd >= 0 ? fstat(p->fd, &p->st) : lstat(p->path, &p->st)) == 0;
    if (!p->there && errno != ENOENT)
        return errno;
    if (!p->there)
        return *path == '\0' ? ENOENT : depot_str_ends(path, "/") ? EISDIR : 0;
    p->way = p->fd >= 0 ? WAY_FD : way_of(p->st.st_mode);
    if (own && p->way != WAY_FILE)
        p->way = WAY_REFUSED;
    if (p->way != WAY_FILE)
        return 0;
    if (is_mount(p))
        p->way = WAY_THROUGH;
    /* A rename would not ask whether it may. */
    return faccessat(AT_FDCWD, p->path, W_OK, AT_EACCESS) != 0 ? errno : 0;
}

/* ---- opening ---- */

static int make_parents(const char *path, struct depot_error *err)
{
    char *dir = dir_of(path);
    int rc = depot_path_mkdirs(dir, 0755, err);
    depot_free(dir);
    return rc;
}

/* As the old file: owner where we may, then mode, which a change of owner cuts. */
static int take_after(int fd, const struct stat *old)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -1;
    if (st.st_uid != old->st_uid || st.st_gid != old->st_gid)
        (void)!fchown(fd, old->st_uid, old->st_gid);
    return fchmod(fd, old->st_mode & 0777);
}

static int open_beside(struct depot_file_writer *w, const struct depot_file_opts *opts)
{
    const struct place *p = &w->place;
    const size_t dir = dir_len(p->path);
    char id[TEMP_ID + 1];
    depot_random_id(id, TEMP_ID);
    char *temp =
        depot_asprintf("%.*s.%.*s.depot-%s", (int)dir, p->path, TEMP_BASE, p->path + dir, id);
    w->fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, opts->mode);
    if (w->fd < 0) {
        depot_free(temp);
        return -1;
    }
    w->temp = temp;
    return p->there && !(opts->flags & DEPOT_FILE_OWN) ? take_after(w->fd, &p->st) : 0;
}

static int open_place(struct depot_file_writer *w, const struct depot_file_opts *opts)
{
    const struct place *p = &w->place;
    const int how = O_WRONLY | O_CLOEXEC | O_NOCTTY;
    switch (p->way) {
    case WAY_FILE:
        return open_beside(w, opts);
    case WAY_FD:
        w->fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 0);
        break;
    default:
        w->fd = open(p->path, how | (S_ISREG(p->st.st_mode) ? O_TRUNC : 0) |
                                  (opts->flags & DEPOT_FILE_NO_WAIT ? O_NONBLOCK : 0));
        break;
    }
    return w->fd < 0 ? -1 : 0;
}

/* Look at the place, and refuse what cannot be written. */
static int look_and_judge(
    struct place *p, const char *path, const struct depot_file_opts *opts, struct depot_error *err)
{
    const int failed = look(p, path, opts->flags);
    if (failed != 0)
        return io_error("write", opts->what, path, failed, err);
    return p->way == WAY_REFUSED ? refuse(opts->what, path, p->st.st_mode, err) : 0;
}

int depot_file_writer_open(const char *path, const struct depot_file_opts *opts,
    struct depot_file_writer **out, struct depot_error *err)
{
    struct depot_file_writer *w = depot_calloc(1, sizeof(*w));
    w->path = depot_strdup(path);
    w->what = depot_strdup(opts->what);
    w->fd = -1;
    depot_buf_init(&w->pending, DEPOT_BUF_NO_LIMIT);
    int rc = look_and_judge(&w->place, path, opts, err);
    if (rc == 0 && !w->place.there && (opts->flags & DEPOT_FILE_PARENTS))
        rc = make_parents(w->place.path, err);
    if (rc == 0 && open_place(w, opts) < 0)
        rc = errno == ENXIO && S_ISFIFO(w->place.st.st_mode)
                 ? nobody_reads(opts->what, path, err)
                 : io_error("create", opts->what, path, errno, err);
    if (rc == 0)
        *out = w;
    else
        depot_file_writer_abandon(w);
    return rc;
}

/* ---- writing ---- */

/* A descriptor that others share may be non-blocking. */
static void await(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    (void)poll(&p, 1, -1);
}

static int write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        const ssize_t k = write(fd, data, n);
        if (k < 0 && errno == EAGAIN)
            await(fd);
        else if (k < 0 && errno != EINTR)
            return -1;
        data += k > 0 ? k : 0;
        n -= k > 0 ? (size_t)k : 0;
    }
    return 0;
}

static int flush(struct depot_file_writer *w, struct depot_error *err)
{
    if (write_all(w->fd, w->pending.data, w->pending.len) < 0)
        return depot_file_writer_error(w, errno, err);
    depot_buf_clear(&w->pending);
    return 0;
}

int depot_file_writer_write(
    struct depot_file_writer *w, const void *data, size_t n, struct depot_error *err)
{
    depot_buf_add(&w->pending, data, n);
    /* Who reads a pipe is not made to wait. */
    return w->temp == NULL || w->pending.len >= COLLECT ? flush(w, err) : 0;
}

int depot_file_writer_fd(const struct depot_file_writer *w)
{
    return w->fd;
}

bool depot_file_writer_plain(const struct depot_file_writer *w)
{
    return w->temp != NULL || S_ISREG(w->place.st.st_mode);
}

int depot_file_writer_error(const struct depot_file_writer *w, int errnum, struct depot_error *err)
{
    return io_error("write", w->what, w->path, errnum, err);
}

/* ---- ending ---- */

static int close_fd(struct depot_file_writer *w)
{
    const int fd = w->fd;
    w->fd = -1;
    return close(fd);
}

/* Before the rename: else a crash may leave the new name with nothing in it. Some network file
 * systems have no such thing. */
static int sync_fd(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : -1;
}

int depot_file_writer_commit(struct depot_file_writer *w, struct depot_error *err)
{
    int rc = flush(w, err);
    if (rc == 0 && w->temp != NULL && sync_fd(w->fd) < 0)
        rc = depot_file_writer_error(w, errno, err);
    if (rc == 0 && close_fd(w) < 0)
        rc = depot_file_writer_error(w, errno, err);
    if (rc == 0 && w->temp != NULL) {
        if (rename(w->temp, w->place.path) < 0) {
            rc = depot_file_writer_error(w, errno, err);
        } else {
            depot_free(w->temp);
            w->temp = NULL;
        }
    }
    depot_file_writer_abandon(w);
    return rc;
}

void depot_file_writer_abandon(struct depot_file_writer *w)
{
    if (w == NULL)
        return;
    if (w->fd >= 0)
        (void)close_fd(w);
    if (w->temp != NULL)
        unlink(w->temp);
    depot_buf_release(&w->pending);
    depot_free(w->place.path);
    depot_free(w->temp);
    depot_free(w->what);
    depot_free(w->path);
    depot_free(w);
}

/* ---- in one call ---- */

int depot_file_write(const char *path, const struct depot_file_opts *opts, const void *data,
    size_t n, struct depot_error *err)
{
    struct depot_file_writer *w;
    int rc = depot_file_writer_open(path, opts, &w, err);
    if (rc != 0)
        return rc;
    rc = depot_file_writer_write(w, data, n, err);
    if (rc == 0)
        return depot_file_writer_commit(w, err);
    depot_file_writer_abandon(w);
    return rc;
}

static int may_enter(const char *dir)
{
    return faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

/* The nearest directory above `path`, when those below it are going to be made. */
static int check_dir(const char *path, unsigned flags)
{
    char *dir = dir_of(path);
    int failed;
    while ((failed = may_enter(dir)) == ENOENT && (flags & DEPOT_FILE_PARENTS) && dir[1] != '\0') {
        dir[strlen(dir) - 1] = '\0';
        char *above = dir_of(dir);
        depot_free(dir);
        dir = above;
    }
    depot_free(dir);
    return failed;
}

int depot_file_check(const char *path, const struct depot_file_opts *opts, struct depot_error *err)
{
    struct place p;
    int rc = look_and_judge(&p, path, opts, err);
    const int failed = rc == 0 && p.way == WAY_FILE ? check_dir(p.path, opts->flags) : 0;
    depot_free(p.path);
    return failed != 0 ? io_error("create", opts->what, path, failed, err) : rc;
}

int depot_file_remove(const char *path, const struct depot_file_opts *opts, struct depot_error *err)
{
    struct place p;
    int rc = look_and_judge(&p, path, opts, err);
    if (rc == 0 && p.there && p.way == WAY_FILE && unlink(p.path) < 0 && errno != ENOENT)
        rc = io_error("remove", opts->what, path, errno, err);
    if (rc == 0 && p.way == WAY_THROUGH && S_ISREG(p.st.st_mode) && truncate(p.path, 0) < 0)
        rc = io_error("empty", opts->what, path, errno, err);
    depot_free(p.path);
    return rc;
}
