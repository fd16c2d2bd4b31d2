/*
 * Where a build's files come from: a directory, a URL, or standard input.
 */
#include "build/dockerfile.h"
#include "build/plan.h"

#include <depot/buf.h>
#include <depot/path.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STDIN_PEEK = 1024,                      /* as much as engines look at */
    STDIN_DOCKERFILE_MAX = 4 * 1024 * 1024, /* a Dockerfile is never larger */
    UPLOAD_ID_LEN = 25,
};

static bool is_remote(const char *s)
{
    static const char *const prefixes[] = {
        "http://", "https://", "git://", "git@", "ssh://", "github.com/"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(prefixes); i++)
        if (depot_str_starts(s, prefixes[i]))
            return true;
    return false;
}

static void add_dir(struct depot_build_plan *p, const char *name, const char *path)
{
    struct dp_session_dir dir = {.name = depot_strdup(name), .path = depot_strdup(path)};
    depot_vec_push(&p->dirs, dir);
}

static int check_dir(const char *what, const char *path, char **real, struct depot_error *err)
{
    char buf[PATH_MAX];
    struct stat st;
    if (realpath(path, buf) == NULL || stat(buf, &st) != 0) {
        depot_error_errno(err, errno, "%s %s", what, path);
        return depot_error_hint(
            err, "give a directory, a git or http URL, or - for standard input");
    }
    if (!S_ISDIR(st.st_mode)) {
        depot_error_set(err, DEPOT_ERR_NOT_FOUND, "%s %s is not a directory", what, path);
        return depot_error_hint(err, "give its directory, and the file with -f");
    }
    *real = depot_strdup(buf);
    return 0;
}

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

/* Whatever was peeked must be read again by the upload: a child pumps both into a pipe. */
static int rejoin(const struct depot_buf *peeked, int *out, struct depot_error *err)
{
    int fds[2];
    if (pipe(fds) != 0)
        return depot_error_errno(err, errno, "cannot make a pipe");
    pid_t pid = fork();
    if (pid < 0)
        return depot_error_errno(err, errno, "cannot fork");
    if (pid > 0) {
        close(fds[1]);
        *out = fds[0];
        return 0;
    }
    close(fds[0]);
    char chunk[65536];
    ssize_t n = (ssize_t)peeked->len;
    const char *data = peeked->data;
    while (n > 0) {
        ssize_t done = write(fds[1], data, (size_t)n);
        if (done < 0)
            _exit(1);
        data += done;
        n -= done;
        if (n == 0) {
            n = read(STDIN_FILENO, chunk, sizeof(chunk));
            data = chunk;
        }
    }
    _exit(n < 0);
}

static int stdin_context(struct depot_build_plan *p, struct depot_error *err)
{
    struct depot_buf peek = DEPOT_BUF_INIT(STDIN_DOCKERFILE_MAX + 1);
    int rc = read_some(STDIN_FILENO, &peek, STDIN_PEEK, err);
    if (rc == 0 && peek.len == 0)
        rc = depot_error_set(err, DEPOT_ERR_NOT_FOUND, "standard input is empty");
    if (rc == 0 && is_archive(peek.data, peek.len)) {
        char id[UPLOAD_ID_LEN + 1];
        depot_random_id(id, UPLOAD_ID_LEN);
        p->context_kind = DP_CONTEXT_TAR;
        p->upload_id = depot_strdup(id);
        char *url = depot_asprintf("http://buildkit-session/%s", id);
        depot_kvs_set(&p->attrs, "context", url);
        depot_free(url);
        rc = rejoin(&peek, &p->upload_fd, err);
    } else if (rc == 0) {
        p->context_kind = DP_CONTEXT_DOCKERFILE;
        rc = read_some(STDIN_FILENO, &peek, STDIN_DOCKERFILE_MAX + 1, err);
        if (rc == 0 && peek.len > STDIN_DOCKERFILE_MAX)
            rc = depot_error_set(
                err, DEPOT_ERR_TOO_BIG, "the Dockerfile on standard input is larger than 4 MiB");
        p->stdin_len = peek.len;
        p->stdin_data = depot_buf_detach(&peek);
    }
    depot_buf_release(&peek);
    return rc;
}

static int stdin_dockerfile(struct depot_build_plan *p, struct depot_error *err)
{
    struct depot_buf data = DEPOT_BUF_INIT(STDIN_DOCKERFILE_MAX + 1);
    int rc = read_some(STDIN_FILENO, &data, STDIN_DOCKERFILE_MAX + 1, err);
    if (rc == 0 && data.len > STDIN_DOCKERFILE_MAX)
        rc = depot_error_set(
            err, DEPOT_ERR_TOO_BIG, "the Dockerfile on standard input is larger than 4 MiB");
    p->stdin_len = data.len;
    p->stdin_data = depot_buf_detach(&data);
    return rc;
}

/* The Dockerfile's directory becomes the mount "dockerfile", its name the attribute "filename". */
static int dockerfile_dir(struct depot_build_plan *p, const char *file, struct depot_error *err)
{
    struct stat st;
    if (stat(file, &st) != 0) {
        depot_error_errno(err, errno, "cannot read the Dockerfile %s", file);
        return depot_error_hint(err, "name another with -f FILE");
    }
    if (S_ISDIR(st.st_mode))
        return depot_error_set(err, DEPOT_ERR_NOT_FOUND, "the Dockerfile %s is a directory", file);
    const char *slash = strrchr(file, '/');
    char *dir = slash == NULL   ? depot_strdup(".")
                : slash == file ? depot_strdup("/")
                                : depot_strndup(file, (size_t)(slash - file));
    char *real = NULL;
    int rc = check_dir("the Dockerfile's directory", dir, &real, err);
    if (rc == 0) {
        add_dir(p, "dockerfile", real);
        depot_kvs_set(&p->attrs, "filename", slash != NULL ? slash + 1 : file);
    }
    depot_free(real);
    depot_free(dir);
    return rc;
}

static int default_dockerfile(struct depot_build_plan *p, struct depot_error *err)
{
    static const char *const names[] = {"Dockerfile", "dockerfile"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(names); i++) {
        char *path = depot_path_join(p->context_dir, names[i]);
        bool there = access(path, F_OK) == 0 || errno == EACCES; /* the walk tells what is shut */
        int rc = there ? dockerfile_dir(p, path, err) : 0;
        depot_free(path);
        if (there)
            return rc;
    }
    depot_error_set(err, DEPOT_ERR_NOT_FOUND, "there is no Dockerfile in %s", p->context_dir);
    return depot_error_hint(err, "name it with -f FILE, or give the directory that has it");
}

static int local_dockerfile(struct depot_build_plan *p, struct depot_error *err)
{
    const char *file = p->args->file;
    if (depot_str_eq(file, "-"))
        return stdin_dockerfile(p, err);
    if (!depot_str_empty(file))
        return dockerfile_dir(p, file, err);
    return default_dockerfile(p, err);
}

static int remote_context(struct depot_build_plan *p, struct depot_error *err)
{
    p->context_kind = DP_CONTEXT_REMOTE;
    depot_kvs_set(&p->attrs, "context", p->args->context);
    if (depot_str_eq(p->args->file, "-")) {
        depot_kvs_set(&p->attrs, "dockerfilekey", "dockerfile");
        return stdin_dockerfile(p, err);
    }
    if (!depot_str_empty(p->args->file))
        depot_kvs_set(&p->attrs, "filename", p->args->file);
    return 0;
}

/* --build-context NAME=PATH|URL|docker-image://REF */
static int named_context(struct depot_build_plan *p, const char *spec, struct depot_error *err)
{
    const char *eq = strchr(spec, '=');
    if (eq == NULL || eq == spec || eq[1] == '\0')
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "invalid --build-context \"%s\": expected name=value", spec);
    char *key = depot_asprintf("context:%.*s", (int)(eq - spec), spec);
    const char *value = eq + 1;
    int rc = 0;
    if (strstr(value, "://") != NULL || is_remote(value)) {
        depot_kvs_set(&p->attrs, key, value);
    } else {
        char *real = NULL;
        rc = check_dir("the build context", value, &real, err);
        if (rc == 0) {
            char *name = depot_strndup(spec, (size_t)(eq - spec));
            char *local = depot_asprintf("local:%s", name);
            add_dir(p, name, real);
            depot_kvs_set(&p->attrs, key, local);
            depot_free(local);
            depot_free(name);
        }
        depot_free(real);
    }
    depot_free(key);
    return rc;
}

/* Why a later build misses the cache is told by these. Where the file cannot be read, the engine
 * will say so better. */
static void read_settings(struct depot_build_plan *p)
{
    char *text = NULL;
    size_t n = p->stdin_len;
    if (p->stdin_data == NULL) {
        const char *name = depot_kvs_get(&p->attrs, "filename"), *dir = NULL;
        for (size_t i = 0; i < p->dirs.len; i++)
            if (depot_str_eq(p->dirs.items[i].name, "dockerfile"))
                dir = p->dirs.items[i].path;
        char *path = dir != NULL && name != NULL ? depot_path_join(dir, name) : NULL;
        const bool ok =
            path != NULL && depot_file_read(path, DP_DOCKERFILE_MAX, &text, &n, NULL) == 0;
        depot_free(path);
        if (!ok)
            return;
    }
    p->has_settings = true;
    p->nsettings =
        dp_dockerfile_settings(text != NULL ? text : p->stdin_data, n, &p->arena, &p->settings);
    depot_free(text);
}

int dp_plan_context(struct depot_build_plan *p, struct depot_error *err)
{
    const char *context = p->args->context;
    int rc;
    if (depot_str_eq(context, "-")) {
        if (depot_str_eq(p->args->file, "-"))
            return depot_error_set(err, DEPOT_ERR_INVALID,
                "standard input cannot be both the context and the Dockerfile");
        rc = stdin_context(p, err);
        if (rc == 0 && !depot_str_empty(p->args->file) && p->context_kind == DP_CONTEXT_TAR)
            depot_kvs_set(&p->attrs, "filename", p->args->file);
    } else if (is_remote(context)) {
        rc = remote_context(p, err);
    } else {
        rc = check_dir("the context", context, &p->context_dir, err);
        if (rc == 0) {
            add_dir(p, "context", p->context_dir);
            rc = local_dockerfile(p, err);
        }
    }
    for (size_t i = 0; rc == 0 && i < p->args->build_contexts.len; i++)
        rc = named_context(p, p->args->build_contexts.items[i], err);
    if (rc == 0)
        read_settings(p);
    return rc;
}
