/*
 * Pushing an image from a Docker Engine: what `docker push` does, over the Engine's HTTP API.
 */
#include <depot/docker.h>
#include <depot/os.h>

#include <json-c/json.h>
#include <string.h>

#include "docker/docker.h"

enum { AUTH_MAX = 256 * 1024 };

struct depot_docker_push {
    const struct depot_docker_push_ops *ops;
    void *arg;
    const struct depot_docker_host *host;
    char *name;
    struct depot_http *http;
    struct depot_http_request *request; /* NULL: over */
    struct dp_docker_messages *messages;
    bool unreadable; /* the answer is no stream of messages */
    struct depot_error refusal;
    char *digest;
};

/* ---- names ---- */

/* A name becomes part of a path at the Engine, and must not lead elsewhere there. */
static bool is_name(const char *s)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:[]";
    if (*s == '\0' || *s == '/' || strspn(s, letters) != strlen(s))
        return false;
    for (const char *at = s; at != NULL; at = strchr(at, '/')) {
        at += *at == '/';
        const size_t n = strcspn(at, "/");
        if (n == 0 || strspn(at, ".") == n)
            return false;
    }
    return true;
}

/* Where the tag begins, at its ':'; NULL: there is none. */
static const char *tag_of(const char *name)
{
    const char *colon = strrchr(name, ':'), *slash = strrchr(name, '/');
    return colon != NULL && (slash == NULL || colon > slash) ? colon : NULL;
}

static char *path_of(const char *name)
{
    const char *tag = tag_of(name);
    const int n = (int)(tag != NULL ? (size_t)(tag - name) : strlen(name));
    return depot_asprintf("/images/%.*s/push?tag=%s", n, name, tag != NULL ? tag + 1 : "latest");
}

char *depot_docker_registry_of(const char *name)
{
    const size_t n = strcspn(name, "/");
    const bool is_host =
        name[n] == '/' && (memchr(name, '.', n) != NULL || memchr(name, ':', n) != NULL ||
                              (n == 9 && memcmp(name, "localhost", n) == 0));
    if (!is_host || (n == 9 && memcmp(name, "docker.io", n) == 0))
        return depot_strdup("registry-1.docker.io");
    return depot_strndup(name, n);
}

/* ---- credentials ---- */

static char *header_of(const struct depot_docker_login *login)
{
    static const char hub[] = "registry-1.docker.io";
    struct json_object *o = json_object_new_object();
    const bool is_token = depot_str_empty(login->user);
    if (login->secret != NULL) {
        if (!is_token)
            json_object_object_add(o, "username", json_object_new_string(login->user));
        json_object_object_add(
            o, is_token ? "identitytoken" : "password", json_object_new_string(login->secret));
        json_object_object_add(o, "serveraddress",
            json_object_new_string(strcmp(login->registry, hub) == 0 ? "https://index.docker.io/v1/"
                                                                     : login->registry));
    }
    const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
    const size_t n = strlen(text);
    char *coded = depot_alloc(depot_base64_encoded_len(n) + 1);
    depot_base64_encode(coded, text, n);
    for (char *c = coded; *c != '\0'; c++) /* the alphabet for URLs, which the Engine reads */
        *c = (char)(*c == '+' ? '-' : *c == '/' ? '_' : *c);
    char *header = depot_asprintf("X-Registry-Auth: %s", coded);
    depot_free(coded);
    json_object_put(o);
    return header;
}

/* ---- the request ---- */

static void on_message(const struct dp_docker_message *m, void *arg)
{
    struct depot_docker_push *p = arg;
    if (*m->error != '\0' && p->refusal.code == DEPOT_OK)
        depot_error_set(&p->refusal, DEPOT_ERR_FAILED, "%s", m->error);
    if (*m->digest != '\0') {
        depot_free(p->digest);
        p->digest = depot_strdup(m->digest);
    }
    const bool done = strcmp(m->status, "Pushed") == 0;
    if (*m->id != '\0' && (m->has_progress || done))
        p->ops->layer(p, m->id, m->current, m->total, done, p->arg);
}

static int on_body(struct depot_http_request *r, const void *data, size_t n, void *arg)
{
    struct depot_docker_push *p = arg;
    DEPOT_UNUSED(r);
    if (!p->unreadable && dp_docker_messages_feed(p->messages, data, n, NULL) < 0)
        p->unreadable = true; /* its status says enough */
    return 0;
}

static void on_done(struct depot_http_request *r, int status, const struct depot_buf *body,
    const struct depot_error *why, void *arg)
{
    struct depot_docker_push *p = arg;
    struct depot_error err = {0};
    DEPOT_UNUSED(r);
    DEPOT_UNUSED(body);
    p->request = NULL;
    if (p->refusal.code != DEPOT_OK)
        err = p->refusal;
    else if (status == 0)
        err = *why;
    else if (status != 200 || p->unreadable)
        depot_error_set(&err, DEPOT_ERR_FAILED, "the Docker Engine answered HTTP %d", status);
    if (err.code != DEPOT_OK)
        depot_error_prefix(&err, "cannot push %s", p->name);
    p->ops->done(p, p->digest, err.code != DEPOT_OK ? &err : NULL, p->arg);
}

int depot_docker_push_start(struct depot_loop *l, const struct depot_docker_host *host,
    const char *name, const struct depot_docker_login *login,
    const struct depot_docker_push_ops *ops, void *arg, struct depot_docker_push **out,
    struct depot_error *err)
{
    static const struct depot_http_ops http_ops = {.body = on_body, .done = on_done};
    if (!is_name(name))
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "\"%.200s\" is not the name of an image with a tag", name);
    if (login->secret != NULL && strlen(login->secret) > AUTH_MAX)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG, "the registry's credentials are too long");
    struct depot_docker_push *p = depot_calloc(1, sizeof(*p));
    char *path = path_of(name), *auth = header_of(login);
    const char *const headers[] = {auth};
    struct depot_http_opts opts = {
        .method = "POST", .path = path, .headers = headers, .nheaders = 1};
    p->ops = ops;
    p->arg = arg;
    p->host = host;
    p->name = depot_strdup(name);
    p->messages = dp_docker_messages_new(on_message, p);
    p->http = depot_http_new(l);
    depot_docker_host_aim(host, &opts);
    int rc = depot_http_start(p->http, &opts, &http_ops, p, &p->request, err);
    depot_os_wipe(auth, strlen(auth));
    depot_free(auth);
    depot_free(path);
    if (rc != 0) {
        p->request = NULL;
        depot_docker_push_free(p);
        return rc;
    }
    *out = p;
    return 0;
}

void depot_docker_push_free(struct depot_docker_push *p)
{
    if (p == NULL)
        return;
    if (p->request != NULL)
        depot_http_cancel(p->request);
    depot_http_free(p->http);
    dp_docker_messages_free(p->messages);
    depot_free(p->digest);
    depot_free(p->name);
    depot_free(p);
}
