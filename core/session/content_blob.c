/*
 * Blobs of a layout on disk: finding them, and writing new ones whole or not at all. Below the
 * directory, nothing is named by an engine but a digest, and no symbolic link is followed to write.
 */
#include "session/content.h"

#include <depot/file_writer.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum { STALE_S = 24 * 3600 }; /* what nobody has written to for so long was left by a crash */

/* ---- reading ---- */

static char *blob_path(const char *dir, const char *digest)
{
    const char *colon = strchr(digest, ':');
    return depot_asprintf("%s/blobs/%.*s/%s", dir, (int)(colon - digest), digest, colon + 1);
}

static int open_regular(const char *path, int *fd, struct stat *st)
{
    /* Looked at before it is opened: opening a device can do things. */
    if (stat(path, st) != 0)
        return errno;
    if (!S_ISREG(st->st_mode))
        return ENOENT;
    if (fd == NULL)
        return 0;
    *fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0)
        return errno;
    if (fstat(*fd, st) == 0 && S_ISREG(st->st_mode))
        return 0;
    close(*fd);
    *fd = -1;
    return ENOENT;
}

int dp_blob_open(
    const char *dir, const char *digest, int *fd, struct stat *st, struct depot_error *err)
{
    if (!depot_digest_valid(digest))
        return depot_error_set(err, DEPOT_ERR_INVALID, "\"%.80s\" is not a digest", digest);
    char *path = blob_path(dir, digest);
    int failed = open_regular(path, fd, st), rc = 0;
    if (failed == ENOENT || failed == ENOTDIR)
        rc = depot_error_set(err, DEPOT_ERR_NOT_FOUND, "content %s: not found", digest);
    else if (failed != 0)
        rc = depot_error_errno(err, failed, "cannot read %s", path);
    depot_free(path);
    return rc;
}

void dp_blob_touch(const char *dir, const char *digest)
{
    char *path = blob_path(dir, digest);
    int rc = utimensat(AT_FDCWD, path, NULL, 0);
    DEPOT_UNUSED(rc); /* of somebody else's directory, perhaps */
    depot_free(path);
}

/* ---- writing ---- */

struct dp_ingest {
    char *dir;
    int folder; /* DIR/blobs/sha256 */
    struct depot_file_part part;
    int64_t size;
    struct depot_digester *digester;
    char digest[DP_DIGEST_SIZE];
};

static int write_error(const char *dir, int errnum, const char *what, struct depot_error *err)
{
    depot_error_errno(err, errnum, "cannot %s %s", what, dir);
    if (errnum == ENOSPC || errnum == EDQUOT)
        return depot_error_hint(err, "make room, or choose another directory");
    if (errnum == ELOOP || errnum == ENOTDIR)
        return depot_error_hint(
            err, "its blobs and what is in them must be folders, not links: remove the link");
    return depot_error_hint(err, "check that the directory can be written");
}

static int open_folder(int at, const char *name)
{
    if (mkdirat(at, name, 0755) != 0 && errno != EEXIST)
        return -1;
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_blobs(const char *dir)
{
    static const char *const names[] = {"blobs", "sha256"};
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; fd >= 0 && i < DEPOT_ARRAY_LEN(names); i++) {
        int next = open_folder(fd, names[i]), failed = errno;
        close(fd);
        errno = failed;
        fd = next;
    }
    return fd;
}

int dp_ingest_new(const char *dir, struct dp_ingest **out, struct depot_error *err)
{
    struct dp_ingest *in = depot_calloc(1, sizeof(*in));
    in->dir = depot_strdup(dir);
    in->digester = depot_digester_new();
    in->part.fd = -1;
    in->folder = open_blobs(dir);
    int failed = in->folder < 0 ? errno : depot_file_part_open(&in->part, in->folder, 0644);
    if (failed != 0) {
        dp_ingest_free(in);
        return write_error(dir, failed, "write to", err);
    }
    *out = in;
    return 0;
}

int dp_ingest_add(struct dp_ingest *in, const void *data, size_t n, struct depot_error *err)
{
    const char *p = data;
    for (size_t done = 0; done < n;) {
        ssize_t k = write(in->part.fd, p + done, n - done);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return write_error(in->dir, errno, "write a blob to", err);
        done += (size_t)k;
    }
    depot_digester_add(in->digester, data, n);
    in->size += (int64_t)n;
    return 0;
}

int dp_ingest_restart(struct dp_ingest *in, struct depot_error *err)
{
    if (ftruncate(in->part.fd, 0) != 0 || lseek(in->part.fd, 0, SEEK_SET) != 0)
        return write_error(in->dir, errno, "write a blob to", err);
    depot_digester_free(in->digester);
    in->digester = depot_digester_new();
    in->size = 0;
    return 0;
}

int64_t dp_ingest_size(const struct dp_ingest *in)
{
    return in->size;
}

int dp_ingest_check(struct dp_ingest *in, int64_t total, const char *expected,
    char digest[DP_DIGEST_SIZE], struct depot_error *err)
{
    if (total > 0 && total != in->size)
        return depot_error_set(err, DEPOT_ERR_INVALID, "unexpected commit size %lld, expected %lld",
            (long long)in->size, (long long)total);
    depot_digester_end(in->digester, in->digest);
    if (expected[0] != '\0' && !depot_str_eq(expected, in->digest))
        return depot_error_set(err, DEPOT_ERR_INVALID, "unexpected commit digest %s, expected %s",
            in->digest, expected);
    memcpy(digest, in->digest, DP_DIGEST_SIZE);
    return 0;
}

/* On disk before it has its name: a blob that is there is all there, after a crash too. Nobody
 * changes a blob, so nobody may. */
int dp_ingest_commit(struct dp_ingest *in, struct depot_error *err)
{
    int failed = 0;
    if (fchmod(in->part.fd, 0444) != 0 || fsync(in->part.fd) != 0)
        failed = errno;
    if (failed == 0)
        failed = depot_file_part_commit(&in->part, in->folder, strchr(in->digest, ':') + 1);
    if (failed == 0 && fsync(in->folder) != 0)
        failed = errno;
    return failed != 0 ? write_error(in->dir, failed, "write a blob to", err) : 0;
}

void dp_ingest_free(struct dp_ingest *in)
{
    if (in == NULL)
        return;
    depot_file_part_drop(&in->part, in->folder);
    if (in->folder >= 0)
        close(in->folder);
    depot_digester_free(in->digester);
    depot_free(in->dir);
    depot_free(in);
}

/* Is it a part, and left behind? One that is being written to is never that old. */
static bool is_stale(int folder, const char *name, time_t now)
{
    struct stat st;
    return depot_str_starts(name, ".depot-") &&
           fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_mtime < now - STALE_S;
}

void dp_ingest_sweep(const char *dir)
{
    int folder = open_blobs(dir);
    DIR *d = folder >= 0 ? fdopendir(folder) : NULL;
    time_t now = time(NULL);
    if (d == NULL) {
        if (folder >= 0)
            close(folder);
        return;
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (is_stale(folder, e->d_name, now))
            unlinkat(folder, e->d_name, 0);
    closedir(d);
}
