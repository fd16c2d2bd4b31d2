/*
 * What of this machine the steps of a build may use: --secret, --ssh.
 */
#include "build/plan.h"

#include <depot/path.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- --secret ---- */

static int too_big(const char *id, struct depot_error *err)
{
    depot_error_set(err, DEPOT_ERR_TOO_BIG, "--secret id=%s is larger than %d KiB", id,
        DP_SESSION_SECRET_MAX / 1024);
    return depot_error_hint(err, "send what is large with the build's context");
}

/* What can be read but once is read now, and kept for every step and builder that asks. */
static int read_stream(struct dp_session_secret *s, struct depot_error *err)
{
    int rc = depot_file_read(s->file, DP_SESSION_SECRET_MAX, &s->data, &s->len, err);
    if (rc == DEPOT_ERR_TOO_BIG)
        return too_big(s->id, err);
    return rc < 0 ? depot_error_prefix(err, "--secret id=%s", s->id) : 0;
}

/* Two secrets of one pipe have the same bytes. */
static bool copy_stream(const struct depot_build_plan *p, struct dp_session_secret *s)
{
    for (size_t i = 0; i < p->secrets.len; i++) {
        const struct dp_session_secret *other = &p->secrets.items[i];
        if (other->data == NULL || !depot_str_eq(other->file, s->file))
            continue;
        s->data = depot_memdup(other->data, other->len + 1);
        s->len = other->len;
        return true;
    }
    return false;
}

static bool is_stdin(const struct stat *st)
{
    struct stat in;
    return fstat(STDIN_FILENO, &in) == 0 && in.st_dev == st->st_dev && in.st_ino == st->st_ino;
}

static int check_file(
    const struct depot_build_plan *p, struct dp_session_secret *s, struct depot_error *err)
{
    struct stat st;
    if (stat(s->file, &st) != 0 || (S_ISREG(st.st_mode) && access(s->file, R_OK) != 0)) {
        depot_error_errno(err, errno, "--secret id=%s: cannot read %s", s->id, s->file);
        return depot_error_hint(err, "name another file with src=, or a variable with env=");
    }
    if (S_ISDIR(st.st_mode))
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "--secret id=%s: %s is a directory", s->id, s->file);
    if (S_ISREG(st.st_mode))
        return st.st_size > DP_SESSION_SECRET_MAX ? too_big(s->id, err) : 0;
    const bool file = depot_str_eq(p->args->file, "-"),
               context = depot_str_eq(p->args->context, "-");
    if ((file || context) && is_stdin(&st))
        return depot_error_set(err, DEPOT_ERR_INVALID,
            "--secret id=%s: standard input has the %s already", s->id,
            file ? "Dockerfile" : "context");
    return copy_stream(p, s) ? 0 : read_stream(s, err);
}

/* The last of equal ids counts. */
static void keep_secret(struct depot_build_plan *p, const struct dp_session_secret *s)
{
    for (size_t i = 0; i < p->secrets.len; i++) {
        struct dp_session_secret *old = &p->secrets.items[i];
        if (!depot_str_eq(old->id, s->id))
            continue;
        dp_session_secret_release(old);
        *old = *s;
        return;
    }
    depot_vec_push(&p->secrets, *s);
}

static int one_secret(struct depot_build_plan *p, const char *word, struct depot_error *err)
{
    struct dp_spec_secret spec = {0};
    int rc = dp_spec_secret(word, &spec, err);
    if (rc != 0) {
        dp_spec_secret_release(&spec);
        return rc;
    }
    /* An id alone is the name of a variable, or of a file. */
    if (spec.env == NULL && spec.file == NULL)
        *(getenv(spec.id) != NULL ? &spec.env : &spec.file) = depot_strdup(spec.id);
    struct dp_session_secret s = {.id = spec.id, .file = spec.file, .env = spec.env};
    rc = s.file != NULL ? check_file(p, &s, err) : 0;
    if (rc == 0)
        keep_secret(p, &s);
    else
        dp_session_secret_release(&s);
    return rc;
}

/* ---- --ssh ---- */

static int no_agent(const char *id, struct depot_error *err)
{
    depot_error_set(err, DEPOT_ERR_INVALID, "--ssh %s: there is no agent", id);
    return depot_error_hint(
        err, "start ssh-agent, or name its socket or a key: --ssh %s=SOCKET|KEY", id);
}

/* How many of the paths are sockets; what is no file at all is refused. */
static int count_sockets(
    const char *word, const struct depot_strv *paths, size_t *sockets, struct depot_error *err)
{
    *sockets = 0;
    for (size_t i = 0; i < paths->len; i++) {
        struct stat st;
        if (stat(paths->items[i], &st) != 0) {
            depot_error_errno(err, errno, "--ssh %s: %s", word, paths->items[i]);
            return depot_error_hint(err, "give the socket of an agent, or private keys");
        }
        if (S_ISDIR(st.st_mode))
            return dp_spec_refuse(err, "--ssh", word, "%s is a directory", paths->items[i]);
        *sockets += S_ISSOCK(st.st_mode);
    }
    return 0;
}

static int start_agent(struct depot_build_plan *p, const char *word, const struct dp_spec_ssh *s,
    struct depot_error *err)
{
    struct dp_ssh_keys *keys = NULL;
    int rc = dp_ssh_keys_new(&s->paths, &keys, err);
    if (rc != 0)
        return depot_error_prefix(err, "--ssh %s", word);
    depot_vec_push(&p->ssh_keys, keys);
    depot_kvs_set(&p->ssh, s->id, dp_ssh_keys_socket(keys));
    return 0;
}

static int add_ssh(
    struct depot_build_plan *p, const char *word, struct dp_spec_ssh *s, struct depot_error *err)
{
    size_t sockets;
    if (s->paths.len == 0 || (s->paths.len == 1 && *s->paths.items[0] == '\0')) {
        const char *agent = getenv("SSH_AUTH_SOCK");
        if (depot_str_empty(agent))
            return no_agent(s->id, err);
        depot_strv_release(&s->paths);
        depot_strv_push(&s->paths, agent);
    }
    if (depot_kvs_get(&p->ssh, s->id) != NULL)
        return dp_spec_refuse(err, "--ssh", word, "there is another with the id %s", s->id);
    int rc = count_sockets(word, &s->paths, &sockets, err);
    if (rc == 0 && sockets > 0 && s->paths.len > 1)
        rc = dp_spec_refuse(err, "--ssh", word, "a socket goes with nothing else");
    if (rc != 0)
        return rc;
    if (sockets == 0)
        return start_agent(p, word, s, err);
    depot_kvs_set(&p->ssh, s->id, s->paths.items[0]);
    return 0;
}

static int one_ssh(struct depot_build_plan *p, const char *word, struct depot_error *err)
{
    struct dp_spec_ssh s = {0};
    int rc = dp_spec_ssh(word, &s, err);
    if (rc == 0)
        rc = add_ssh(p, word, &s, err);
    dp_spec_ssh_release(&s);
    return rc;
}

/* A repository over ssh is fetched with the user's agent, without asking for it. */
static bool needs_agent(const struct depot_build_plan *p)
{
    return p->ssh.len == 0 && p->context_kind == DP_CONTEXT_REMOTE &&
           (strstr(p->args->context, "://") == NULL ? strchr(p->args->context, '@') != NULL
                                                    : depot_str_starts(p->args->context, "ssh://"));
}

int dp_plan_secrets(struct depot_build_plan *p, struct depot_error *err)
{
    const struct depot_build_args *a = p->args;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < a->secrets.len; i++)
        if (*a->secrets.items[i] != '\0')
            rc = one_secret(p, a->secrets.items[i], err);
    for (size_t i = 0; rc == 0 && i < a->ssh.len; i++)
        if (*a->ssh.items[i] != '\0')
            rc = one_ssh(p, a->ssh.items[i], err);
    if (rc == 0 && needs_agent(p))
        rc = one_ssh(p, "default", err);
    return rc;
}
