/*
 * What comes on standard input: a context as an archive, or a Dockerfile. It can be read once, and
 * is kept where more than one builder may ask for it.
 */
#include "build/plan.h"

#include <depot/buf.h>
#include <depot/file_writer.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STDIN_PEEK = 1024,                      /* as much as engines look at */
    STDIN_DOCKERFILE_MAX = 4 * 1024 * 1024, /* a Dockerfile is never larger */
    COPY_CHUNK = 65536,
    UPLOAD_ID_LEN = 25,
};

/* tar, gzip, bzip2, xz, zstd by their first bytes. */
static bool is_archive(const char *data, size_t n)
{
    static const struct {
        size_t at, len;
        const char *bytes;
    } magics[] = {
        {257, 5, "ustar"},
        {0, 3, "\x1f\x8b\x08"},
        {0, 3, "BZh"},
        {0, 6,
            "\xfd"
            "7zXZ\0"},
        {0, 4, "\x28\xb5\x2f\xfd"},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(magics); i++)
        if (n >= magics[i].at + magics[i].len &&
            memcmp(data + magics[i].at, magics[i].bytes, magics[i].len) == 0)
            return true;
    return false;
}

static int read_some(int fd, struct depot_buf *buf, size_t upto, struct depot_error *err)
{
    while (buf->len < upto) {
        char *at = depot_buf_reserve(buf, upto - buf->len);
        if (at == NULL)
            break;
        ssize_t n = read(fd, at, upto - buf->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return depot_error_errno(err, errno, "cannot read standard input");
        if (n == 0)
            break;
        buf->len += (size_t)n;
    }
    return 0;
}

/* ---- an archive ---- */

static int write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        const ssize_t done = write(fd, data, n);
        if (done < 0 && errno != EINTR)
            return errno;
        data += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
    return 0;
}

/* What was peeked and the rest of standard input: 0 or an errno. */
static int copy_stdin(const struct depot_buf *peeked, int to)
{
    char chunk[COPY_CHUNK];
    int failed = write_all(to, peeked->data, peeked->len);
    while (failed == 0) {
        const ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));
        if (n == 0)
            break;
        if (n > 0)
            failed = write_all(to, chunk, (size_t)n);
        else if (errno != EINTR)
            failed = errno;
    }
    return failed;
}

/* Several builders may ask for it: all of it into a file without a name. */
static int keep_all(
    struct depot_build_plan *p, const struct depot_buf *peeked, struct depot_error *err)
{
    p->upload_fd = depot_file_scratch();
    const int failed = p->upload_fd < 0 ? errno : copy_stdin(peeked, p->upload_fd);
    if (failed == 0)
        return 0;
    depot_error_errno(err, failed, "cannot keep the context from standard input");
    return depot_error_hint(err, "check the disk below TMPDIR (/tmp)");
}

/* One builder reads it as it comes: a child pumps what was peeked and the rest into a pipe. */
static int pump_all(
    struct depot_build_plan *p, const struct depot_buf *peeked, struct depot_error *err)
{
    int fds[2];
    if (pipe(fds) != 0)
        return depot_error_errno(err, errno, "cannot make a pipe");
    const pid_t pid = fork();
    if (pid < 0)
        return depot_error_errno(err, errno, "cannot fork");
    if (pid == 0) {
        close(fds[0]);
        _exit(copy_stdin(peeked, fds[1]) != 0);
    }
    close(fds[1]);
    p->upload_fd = fds[0];
    return 0;
}

/* A file is there for all who ask, from where it was when we got it. */
static bool use_file(struct depot_build_plan *p, const struct depot_buf *peeked)
{
    struct stat st;
    const off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR);
    if (at < 0 || fstat(STDIN_FILENO, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    p->upload_at = at - (off_t)peeked->len;
    p->upload_fd = dup(STDIN_FILENO);
    return p->upload_fd >= 0;
}

static int take_archive(
    struct depot_build_plan *p, const struct depot_buf *peeked, struct depot_error *err)
{
    char id[UPLOAD_ID_LEN + 1];
    depot_random_id(id, UPLOAD_ID_LEN);
    p->context_kind = DP_CONTEXT_TAR;
    p->upload_id = depot_strdup(id);
    char *url = depot_asprintf("http://buildkit-session/%s", id);
    depot_kvs_set(&p->attrs, "context", url);
    depot_free(url);
    if (use_file(p, peeked))
        return 0;
    return p->platforms.len > 1 ? keep_all(p, peeked, err) : pump_all(p, peeked, err);
}

/* ---- a Dockerfile ---- */

static int take_dockerfile(
    struct depot_build_plan *p, struct depot_buf *data, struct depot_error *err)
{
    int rc = read_some(STDIN_FILENO, data, STDIN_DOCKERFILE_MAX + 1, err);
    if (rc == 0 && data->len > STDIN_DOCKERFILE_MAX)
        rc = depot_error_set(
            err, DEPOT_ERR_TOO_BIG, "the Dockerfile on standard input is larger than 4 MiB");
    p->stdin_len = data->len;
    p->stdin_data = depot_buf_detach(data);
    return rc;
}

int dp_plan_stdin_dockerfile(struct depot_build_plan *p, struct depot_error *err)
{
    struct depot_buf data = DEPOT_BUF_INIT(STDIN_DOCKERFILE_MAX + 1);
    int rc = take_dockerfile(p, &data, err);
    depot_buf_release(&data);
    return rc;
}

int dp_plan_stdin_context(struct depot_build_plan *p, struct depot_error *err)
{
    struct depot_buf peek = DEPOT_BUF_INIT(STDIN_DOCKERFILE_MAX + 1);
    int rc = read_some(STDIN_FILENO, &peek, STDIN_PEEK, err);
    if (rc == 0 && peek.len == 0)
        rc = depot_error_set(err, DEPOT_ERR_NOT_FOUND, "standard input is empty");
    if (rc == 0 && is_archive(peek.data, peek.len)) {
        rc = take_archive(p, &peek, err);
    } else if (rc == 0 && !depot_str_empty(p->args->file)) {
        depot_error_set(err, DEPOT_ERR_INVALID,
            "--file %s names a Dockerfile, and standard input has another", p->args->file);
        rc = depot_error_hint(err, "drop one of the two, or send an archive that has the file");
    } else if (rc == 0) {
        p->context_kind = DP_CONTEXT_DOCKERFILE;
        rc = take_dockerfile(p, &peek, err);
    }
    depot_buf_release(&peek);
    return rc;
}
