/*
 * The registries that are talked to: their addresses, credentials and tokens.
 */
#include "registry/call.h"

#include <string.h>
#include <unistd.h>

struct depot_registry {
    struct depot_loop *loop;
    struct depot_http *http;
    const struct depot_registry_host *known;
    size_t nknown;
    const struct depot_registry_ops *ops;
    void *arg;
    struct depot_map *hosts;
};

struct depot_registry *depot_registry_new(struct depot_loop *l,
    const struct depot_registry_host *hosts, size_t nhosts, const struct depot_registry_ops *ops,
    void *arg)
{
    struct depot_registry *r = depot_calloc(1, sizeof(*r));
    r->loop = l;
    r->known = hosts;
    r->nknown = nhosts;
    r->ops = ops;
    r->arg = arg;
    r->http = depot_http_new(l);
    r->hosts = depot_map_new();
    return r;
}

static void host_free(struct dp_host *h)
{
    size_t pos = 0;
    void *token;
    while (depot_map_next(h->tokens, &pos, NULL, &token))
        depot_free(token);
    depot_map_free(h->tokens);
    dp_challenge_release(&h->challenge);
    depot_addr_release(&h->addr);
    depot_tls_release(&h->tls);
    depot_free(h->name);
    depot_free(h->user);
    depot_free(h->secret);
    depot_free(h);
}

void depot_registry_free(struct depot_registry *r)
{
    if (r == NULL)
        return;
    size_t pos = 0;
    void *h;
    while (depot_map_next(r->hosts, &pos, NULL, &h))
        host_free(h);
    depot_map_free(r->hosts);
    depot_http_free(r->http);
    depot_free(r);
}

struct depot_http *dp_registry_http(const struct depot_registry *r)
{
    return r->http;
}

/* ---- hosts ---- */

/* Docker Hub has one name in image names, and another where it listens. */
static const char *real_name(const char *name)
{
    return depot_str_eq(name, "docker.io") ? "registry-1.docker.io" : name;
}

/* Engines speak plain HTTP to what is on their own machine, and try TLS first where a registry is
 * called insecure. */
static bool is_local(const char *name)
{
    return depot_str_eq(name, "localhost") || depot_str_starts(name, "localhost:") ||
           depot_str_starts(name, "127.") || depot_str_starts(name, "[::1]");
}

/* Where Docker keeps the certificates of a registry. */
static void find_certificates(struct dp_host *h)
{
    const struct {
        const char *file;
        char **to;
    } rows[] = {{"ca.crt", &h->tls.ca}, {"client.cert", &h->tls.cert}, {"client.key", &h->tls.key}};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char *path = depot_asprintf("/etc/docker/certs.d/%s/%s", h->name, rows[i].file);
        if (access(path, R_OK) == 0)
            *rows[i].to = path;
        else
            depot_free(path);
    }
}

/* What was said of this one; NULL: nothing. */
static const struct depot_registry_host *find_known(
    const struct depot_registry *r, const char *name)
{
    for (size_t i = 0; i < r->nknown; i++)
        if (depot_str_eq(r->known[i].name, name))
            return &r->known[i];
    return NULL;
}

struct dp_host *dp_registry_host(
    struct depot_registry *r, const char *name, bool insecure, struct depot_error *err)
{
    struct dp_host *h = depot_map_get(r->hosts, name);
    if (h != NULL)
        return h;
    const struct depot_registry_host *known = find_known(r, name);
    const bool plain = known != NULL ? known->http : is_local(name) && !insecure;
    struct depot_addr addr;
    char *url = depot_asprintf("%s://%s", plain ? "http" : "https", real_name(name));
    int rc = depot_addr_parse(url, plain ? 80 : 443, &addr, err);
    depot_free(url);
    if (rc != 0)
        return NULL;
    h = depot_calloc(1, sizeof(*h));
    h->registry = r;
    h->name = depot_strdup(name);
    h->addr = addr;
    h->no_verify = (insecure || (known != NULL && known->insecure)) && addr.tls;
    h->may_be_plain = insecure && addr.tls;
    h->tokens = depot_map_new();
    TAILQ_INIT(&h->waiting);
    if (known != NULL)
        depot_tls_copy(&h->tls, &known->tls);
    else
        find_certificates(h);
    depot_map_set(r->hosts, name, h);
    return h;
}

/* ---- credentials ---- */

void dp_host_ask_credentials(struct dp_host *h)
{
    if (h->state != DP_CREDENTIALS_UNKNOWN)
        return;
    h->state = DP_CREDENTIALS_ASKED;
    h->registry->ops->credentials(h->registry, real_name(h->name), h->registry->arg);
}

static struct dp_host *find_real(const struct depot_registry *r, const char *real)
{
    size_t pos = 0;
    void *value;
    while (depot_map_next(r->hosts, &pos, NULL, &value)) {
        struct dp_host *h = value;
        if (depot_str_eq(real_name(h->name), real))
            return h;
    }
    return NULL;
}

void depot_registry_credentials(
    struct depot_registry *r, const char *host, const char *user, const char *secret)
{
    struct dp_host *h = find_real(r, host);
    struct dp_call *c;
    if (h == NULL || h->state == DP_CREDENTIALS_KNOWN)
        return;
    h->state = DP_CREDENTIALS_KNOWN;
    h->user = depot_strdup(user);
    h->secret = depot_str_empty(secret) ? NULL : depot_strdup(secret);
    while ((c = TAILQ_FIRST(&h->waiting)) != NULL)
        dp_call_credentials(c);
}
