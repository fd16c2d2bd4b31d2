/*
 * Which Docker Engine a user means: environment, contexts, TLS files, ssh.
 */
#include <depot/docker.h>

#include <depot/log.h>
#include <depot/path.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "docker/context.h"

#define DEPOT_LOG_MODULE "docker"

enum { DOCKER_PORT = 2375 }; /* of docker's client too, with TLS or without */

static const char default_host[] = "unix:///var/run/docker.sock";
static const char default_tls_host[] = "tcp://localhost:2376";
static const char default_context[] = "default";

static bool is_set(const char *variable)
{
    return !depot_str_empty(getenv(variable));
}

/* ---- TLS ---- */

/* A file that is there; NULL when it is not. */
static char *file_in(const char *dir, const char *name)
{
    char *path = depot_path_join(dir, name);
    if (access(path, F_OK) == 0)
        return path;
    depot_free(path);
    return NULL;
}

static void take_files(struct depot_tls *t, const char *dir)
{
    t->ca = file_in(dir, "ca.pem");
    t->cert = file_in(dir, "cert.pem");
    t->key = file_in(dir, "key.pem");
}

/* DOCKER_TLS_VERIFY, DOCKER_TLS, DOCKER_CERT_PATH. */
static int environment_tls(
    const char *config_dir, struct depot_docker_host *h, struct depot_error *err)
{
    const bool verify = is_set("DOCKER_TLS_VERIFY");
    const char *dir = is_set("DOCKER_CERT_PATH") ? getenv("DOCKER_CERT_PATH") : config_dir;
    if (h->addr.kind != DEPOT_ADDR_TCP || (!verify && !is_set("DOCKER_TLS")))
        return 0;
    h->tls.enabled = true;
    h->no_verify = !verify;
    take_files(&h->tls, dir);
    if (!verify || h->tls.ca != NULL)
        return 0;
    depot_error_set(err, DEPOT_ERR_NOT_FOUND,
        "DOCKER_TLS_VERIFY is set, and there is no ca.pem in %s to verify with", dir);
    return depot_error_hint(err, "set DOCKER_CERT_PATH to where ca.pem, cert.pem and key.pem are");
}

static void context_tls(
    const char *config_dir, const char *name, bool skip_verify, struct depot_docker_host *h)
{
    if (h->addr.kind != DEPOT_ADDR_TCP)
        return;
    char *store = dp_context_dir("tls", name);
    char *dir = depot_asprintf("%s/%s/docker", config_dir, store);
    take_files(&h->tls, dir);
    h->no_verify = skip_verify;
    h->tls.enabled = skip_verify || h->tls.ca != NULL || h->tls.cert != NULL;
    depot_free(dir);
    depot_free(store);
}

/* ---- addresses ---- */

static int bad_ssh(const char *url, const char *why, struct depot_error *err)
{
    depot_error_set(err, DEPOT_ERR_INVALID, "address '%.200s': %s", url, why);
    return depot_error_hint(err, "write it as ssh://USER@HOST or ssh://USER@HOST:PORT");
}

/* A word that the shell at the other end takes as it is. */
static bool is_plain(const char *s)
{
    assert(s != NULL);
    for (; *s != '\0'; s++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+:,./-", *s) ==
            NULL)
            return false;
    return true;
}

static void push_ssh(
    struct depot_strv *to, const char *user, const struct depot_addr *at, const char *path)
{
    static const char *const options[] = {"-o", "ConnectTimeout=30", "-T", "--"};
    depot_strv_push(to, "ssh");
    if (*user != '\0') {
        depot_strv_push(to, "-l");
        depot_strv_push(to, user);
    }
    if (at->port != 0) {
        depot_strv_push(to, "-p");
        depot_strv_push_take(to, depot_asprintf("%d", at->port));
    }
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(options); i++)
        depot_strv_push(to, options[i]);
    depot_strv_push(to, at->host);
    depot_strv_push_take(
        to, *path == '\0' || strcmp(path, "/") == 0
                ? depot_strdup("docker system dial-stdio")
                : depot_asprintf("docker --host=unix://%s system dial-stdio", path));
}

/* ssh://[USER@]HOST[:PORT][/PATH-OF-SOCKET] */
static int parse_ssh(const char *url, struct depot_docker_host *h, struct depot_error *err)
{
    enum { ANY_PORT = 1 << 20 }; /* told from one that is given */
    const char *rest = url + strlen("ssh://");
    const char *slash = strchr(rest, '/');
    const char *path = slash != NULL ? slash : "";
    char *where = depot_strndup(rest, strlen(rest) - strlen(path));
    assert(where != NULL);
    char *at = strrchr(where, '@');
    const char *user = at != NULL ? where : "";
    if (at != NULL)
        *at++ = '\0';
    char *tcp = depot_asprintf("tcp://%s", at != NULL ? at : where);
    struct depot_addr addr = {0};
    int rc = 0;
    if (strpbrk(url, "?#") != NULL)
        rc = bad_ssh(url, "only a user, a host, a port and a socket's path can stand here", err);
    else if (strchr(user, ':') != NULL)
        rc = bad_ssh(url, "a password in it is not taken", err);
    else if (!is_plain(user) || !is_plain(path))
        rc = bad_ssh(url, "it holds characters that a shell would not take as they are", err);
    else
        rc = depot_addr_parse(tcp, ANY_PORT, &addr, err);
    if (rc == 0 && !is_plain(addr.host))
        rc = bad_ssh(url, "that is no host's name", err);
    if (rc == 0) {
        addr.port = addr.port == ANY_PORT ? 0 : addr.port;
        push_ssh(&h->command, user, &addr, path);
        h->addr = (struct depot_addr){.text = depot_strdup(url)};
    }
    depot_addr_release(&addr);
    depot_free(tcp);
    depot_free(where);
    return rc;
}

static int parse_host(const char *url, struct depot_docker_host *h, struct depot_error *err)
{
    assert(url != NULL);
    if (depot_str_has_control(url))
        return depot_error_set(err, DEPOT_ERR_INVALID, "an address holds a control character");
    if (depot_str_starts(url, "ssh://"))
        return parse_ssh(url, h, err);
    if (strstr(url, "://") != NULL)
        return depot_addr_parse(url, DOCKER_PORT, &h->addr, err);
    char *tcp = depot_asprintf("tcp://%s", url); /* as docker's client does */
    const int rc = depot_addr_parse(tcp, DOCKER_PORT, &h->addr, err);
    depot_free(tcp);
    return rc;
}

/* ---- the default context, and those of the store ---- */

static int from_environment(
    const char *config_dir, struct depot_docker_host *h, struct depot_error *err)
{
    const bool use_tls = is_set("DOCKER_TLS_VERIFY") || is_set("DOCKER_TLS");
    const char *host = getenv("DOCKER_HOST");
    if (depot_str_empty(host))
        host = use_tls ? default_tls_host : default_host;
    int rc = parse_host(host, h, err);
    if (rc != 0)
        return depot_error_prefix(err, "DOCKER_HOST");
    return environment_tls(config_dir, h, err);
}

static int read_context(
    const char *config_dir, const char *name, struct dp_context *out, struct depot_error *err)
{
    char *store = dp_context_dir("meta", name);
    char *path = depot_asprintf("%s/%s/meta.json", config_dir, store);
    char *json = NULL;
    size_t n = 0;
    int rc = 0;
    if (access(path, F_OK) != 0) {
        depot_error_set(err, DEPOT_ERR_NOT_FOUND, "there is no Docker context \"%s\"", name);
        rc = depot_error_hint(err, "\"docker context ls\" shows those of %s", config_dir);
    } else {
        rc = depot_file_read(path, DP_CONTEXT_FILE_MAX, &json, &n, err);
        if (rc == 0 && (rc = dp_context_parse(json, n, out, err)) != 0)
            depot_error_prefix(err, "%s", path);
    }
    depot_free(json);
    depot_free(path);
    depot_free(store);
    return rc;
}

static int from_store(
    const char *config_dir, const char *name, struct depot_docker_host *h, struct depot_error *err)
{
    struct dp_context c = {0};
    if (!dp_context_name_valid(name))
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "\"%.100s\" is not a Docker context's name", name);
    int rc = read_context(config_dir, name, &c, err);
    assert(rc != 0 || c.host != NULL);
    if (rc == 0) {
        rc = parse_host(*c.host != '\0' ? c.host : default_host, h, err);
        if (rc == 0)
            context_tls(config_dir, name, c.skip_verify, h);
        else
            depot_error_prefix(err, "Docker context %s", name);
    }
    dp_context_release(&c);
    return rc;
}

/* What `docker context use` chose; NULL: nothing. A file that cannot be read chooses nothing. */
static char *chosen_context(const char *config_dir)
{
    char *path = depot_path_join(config_dir, "config.json"), *json = NULL, *name = NULL;
    struct depot_error err = {0};
    size_t n = 0;
    if (access(path, F_OK) == 0 && depot_file_read(path, DP_CONTEXT_FILE_MAX, &json, &n, &err) < 0)
        depot_log_warn("%s", err.msg);
    else if (json != NULL && dp_context_current(json, n, &name, &err) < 0)
        depot_log_warn("%s: %s", path, err.msg);
    depot_free(json);
    depot_free(path);
    return name;
}

static char *context_name(const char *given, const char *config_dir)
{
    if (!depot_str_empty(given))
        return depot_strdup(given);
    if (is_set("DOCKER_HOST"))
        return depot_strdup(default_context);
    if (is_set("DOCKER_CONTEXT"))
        return depot_strdup(getenv("DOCKER_CONTEXT"));
    char *name = chosen_context(config_dir);
    return name != NULL ? name : depot_strdup(default_context);
}

int depot_docker_host_find(const char *context, const char *config_dir,
    struct depot_docker_host *out, struct depot_error *err)
{
    char *dir = depot_path_docker_dir(config_dir);
    char *name = context_name(context, dir);
    struct depot_docker_host h = {0};
    int rc = strcmp(name, default_context) == 0 ? from_environment(dir, &h, err)
                                                : from_store(dir, name, &h, err);
    if (rc == 0)
        *out = h;
    else
        depot_docker_host_release(&h);
    depot_free(name);
    depot_free(dir);
    return rc;
}

void depot_docker_host_aim(const struct depot_docker_host *h, struct depot_http_opts *o)
{
    o->addr = &h->addr;
    o->tls = &h->tls;
    o->no_verify = h->no_verify;
    o->command = &h->command;
}

void depot_docker_host_release(struct depot_docker_host *h)
{
    depot_addr_release(&h->addr);
    depot_tls_release(&h->tls);
    depot_strv_release(&h->command);
    h->no_verify = false;
}
