/*
 * Where a build's files come from: a directory, a URL, or standard input.
 */
#include "build/dockerfile.h"
#include "build/fetch.h"
#include "build/plan.h"

#include <depot/path.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FETCHED_DOCKERFILE_MAX = 2 * 1024 * 1024 }; /* as docker build has it */

/* "user@host:path", as ssh and git take it. */
static bool is_scp(const char *s)
{
    const size_t user = strcspn(s, "@:/");
    return user > 0 && s[user] == '@' && s[user + 1 + strcspn(s + user + 1, ":/")] == ':';
}

static bool is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A directory that is there is meant, whatever it is called. */
static bool is_remote(const char *s)
{
    static const char *const prefixes[] = {
        "http://", "https://", "git://", "ssh://", "github.com/"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(prefixes); i++)
        if (depot_str_starts(s, prefixes[i]))
            return !is_dir(s);
    return is_scp(s) && !is_dir(s);
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
        return depot_error_hint(err, "give a directory that is there, or a git or http URL");
    }
    if (!S_ISDIR(st.st_mode)) {
        depot_error_set(err, DEPOT_ERR_NOT_FOUND, "%s %s is not a directory", what, path);
        return depot_error_hint(err, "give its directory, and the file with -f");
    }
    *real = depot_strdup(buf);
    return 0;
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

static bool is_url(const char *s)
{
    return depot_str_starts(s, "http://") || depot_str_starts(s, "https://");
}

/* From the web, then as one from standard input. */
static int fetch_dockerfile(struct depot_build_plan *p, struct depot_error *err)
{
    int rc = dp_fetch(p->args->file, FETCHED_DOCKERFILE_MAX, &p->stdin_data, &p->stdin_len, err);
    return rc != 0 ? depot_error_prefix(err, "--file") : 0;
}

static int local_dockerfile(struct depot_build_plan *p, struct depot_error *err)
{
    const char *file = p->args->file;
    if (depot_str_eq(file, "-"))
        return dp_plan_stdin_dockerfile(p, err);
    if (is_url(file))
        return fetch_dockerfile(p, err);
    if (!depot_str_empty(file))
        return dockerfile_dir(p, file, err);
    return default_dockerfile(p, err);
}

/* A Dockerfile of a remote context is in there, unless it is named by a path from the root. */
static int remote_context(struct depot_build_plan *p, struct depot_error *err)
{
    const char *file = p->args->file;
    p->context_kind = DP_CONTEXT_REMOTE;
    depot_kvs_set(&p->attrs, "context", p->args->context);
    if (depot_str_empty(file))
        return 0;
    const bool from_stdin = depot_str_eq(file, "-"), from_web = is_url(file);
    if (!from_stdin && !from_web && *file != '/') {
        depot_kvs_set(&p->attrs, "filename", file);
        return 0;
    }
    depot_kvs_set(&p->attrs, "dockerfilekey", "dockerfile");
    if (from_stdin)
        return dp_plan_stdin_dockerfile(p, err);
    return from_web ? fetch_dockerfile(p, err) : dockerfile_dir(p, file, err);
}

/* "context" and "dockerfile" are names of ours in the session. */
static char *mount_name(const char *name)
{
    const bool taken = depot_str_eq(name, "context") || depot_str_eq(name, "dockerfile");
    return depot_asprintf("%s%s", taken ? "_" : "", name);
}

static int named_dir(
    struct depot_build_plan *p, const char *name, const char *path, struct depot_error *err)
{
    char *real = NULL;
    int rc = check_dir("the directory", path, &real, err);
    if (rc == 0) {
        char *mount = mount_name(name);
        char *key = depot_asprintf("context:%s", name), *local = depot_asprintf("local:%s", mount);
        add_dir(p, mount, real);
        depot_kvs_set(&p->attrs, key, local);
        depot_free(local);
        depot_free(key);
        depot_free(mount);
    }
    depot_free(real);
    return rc;
}

static int named_context(struct depot_build_plan *p, const char *word, struct depot_error *err)
{
    char *name = NULL;
    const char *value;
    int rc = dp_spec_context(word, &name, &value, err);
    if (rc != 0)
        return rc;
    char *key = depot_asprintf("context:%s", name);
    if (dp_plan_is_layout(value))
        rc = dp_plan_layout_context(p, key, value, err);
    else if (strstr(value, "://") != NULL || is_remote(value))
        depot_kvs_set(&p->attrs, key, value);
    else
        rc = named_dir(p, name, value, err);
    if (rc != 0)
        depot_error_prefix(err, "--build-context %s", word);
    depot_free(key);
    depot_free(name);
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
        rc = dp_plan_stdin_context(p, err);
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
        if (*p->args->build_contexts.items[i] != '\0')
            rc = named_context(p, p->args->build_contexts.items[i], err);
    if (rc == 0)
        read_settings(p);
    return rc;
}
