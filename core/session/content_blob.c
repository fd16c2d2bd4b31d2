/*
 * Blobs of a layout on disk: finding them, and writing new ones whole or not at all. Below the
 * directory, nothing is named by an engine but a digest, and no symbolic link is followed to write.
 */
#include "session/content.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    TEMP_ID = 12,
    STALE_S = 24 * 3600, /* what nobody has written to for so long was left by a crash */
};
static const char temp_prefix[] = "depot-";

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

/* ---- writing ---- */

struct dp_ingest {
    char *dir;
    int root, folder, fd; /* DIR, DIR/ingest, the file in it */
    char name[sizeof(temp_prefix) + TEMP_ID];
    bool named; /* the file is there under `name` */
    int64_t size;
    struct depot_digester *digester;
    char digest[DP_DIGEST_SIZE];
};

static int write_error(
    const struct dp_ingest *in, int errnum, const char *what, struct depot_error *err)
{
    depot_error_errno(err, errnum, "cannot %s below %s", what, in->dir);
    if (errnum == ENOSPC || errnum == EDQUOT)
        return depot_error_hint(err, "make room, or choose another directory");
    if (errnum == ELOOP || errnum == ENOTDIR)
        return depot_error_hint(
            err, "its folders blobs and ingest must be folders, not links: remove the link");
    return depot_error_hint(err, "check that the directory can be written");
}

static int open_folder(int at, const char *name)
{
    if (mkdirat(at, name, 0755) != 0 && errno != EEXIST)
        return -1;
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Is it ours, and left behind? A file that is being written to is never that old. */
static bool is_stale(int folder, const char *name, time_t now)
{
    struct stat st;
    return depot_str_starts(name, temp_prefix) &&
           fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_mtime < now - STALE_S;
}

static void sweep(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    time_t now = time(NULL);
    if (d == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (is_stale(folder, e->d_name, now))
            unlinkat(folder, e->d_name, 0);
    closedir(d);
}

static int open_all(struct dp_ingest *in, struct depot_error *err)
{
    in->root = open(in->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (in->root < 0)
        return write_error(in, errno, "write blobs", err);
    in->folder = open_folder(in->root, "ingest");
    if (in->folder < 0)
        return write_error(in, errno, "make the folder ingest", err);
    sweep(in->folder);
    in->fd =
        openat(in->folder, in->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (in->fd < 0)
        return write_error(in, errno, "create a blob", err);
    in->named = true;
    return 0;
}

int dp_ingest_new(const char *dir, struct dp_ingest **out, struct depot_error *err)
{
    struct dp_ingest *in = depot_calloc(1, sizeof(*in));
    char id[TEMP_ID + 1];
    in->dir = depot_strdup(dir);
    in->root = in->folder = in->fd = -1;
    in->digester = depot_digester_new();
    depot_random_id(id, TEMP_ID);
    snprintf(in->name, sizeof(in->name), "%s%s", temp_prefix, id);
    int rc = open_all(in, err);
    if (rc != 0)
        dp_ingest_free(in);
    else
        *out = in;
    return rc;
}

int dp_ingest_add(struct dp_ingest *in, const void *data, size_t n, struct depot_error *err)
{
    const char *p = data;
    for (size_t done = 0; done < n;) {
        ssize_t k = write(in->fd, p + done, n - done);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return write_error(in, errno, "write a blob", err);
        done += (size_t)k;
    }
    depot_digester_add(in->digester, data, n);
    in->size += (int64_t)n;
    return 0;
}

int dp_ingest_restart(struct dp_ingest *in, struct depot_error *err)
{
    if (ftruncate(in->fd, 0) != 0 || lseek(in->fd, 0, SEEK_SET) != 0)
        return write_error(in, errno, "write a blob", err);
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
static int sync_file(struct dp_ingest *in)
{
    int rc = fchmod(in->fd, 0444) == 0 && fsync(in->fd) == 0 ? 0 : errno;
    if (close(in->fd) != 0 && rc == 0)
        rc = errno;
    in->fd = -1;
    return rc;
}

static int give_name(struct dp_ingest *in)
{
    char algorithm[16];
    size_t n = strcspn(in->digest, ":");
    snprintf(algorithm, sizeof(algorithm), "%.*s", (int)n, in->digest);
    int blobs = open_folder(in->root, "blobs");
    int folder = blobs >= 0 ? open_folder(blobs, algorithm) : -1;
    int rc = 0;
    if (folder < 0 || renameat(in->folder, in->name, folder, in->digest + n + 1) != 0)
        rc = errno;
    else
        in->named = false;
    if (rc == 0 && fsync(folder) != 0)
        rc = errno;
    if (folder >= 0)
        close(folder);
    if (blobs >= 0)
        close(blobs);
    return rc;
}

int dp_ingest_commit(struct dp_ingest *in, struct depot_error *err)
{
    int failed = sync_file(in);
    if (failed == 0)
        failed = give_name(in);
    return failed != 0 ? write_error(in, failed, "write a blob", err) : 0;
}

void dp_ingest_free(struct dp_ingest *in)
{
    if (in == NULL)
        return;
    if (in->fd >= 0)
        close(in->fd);
    if (in->named)
        unlinkat(in->folder, in->name, 0);
    if (in->folder >= 0)
        close(in->folder);
    if (in->root >= 0)
        close(in->root);
    depot_digester_free(in->digester);
    depot_free(in->dir);
    depot_free(in);
}
