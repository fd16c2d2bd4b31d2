/*
 * One small file from the web. It has a loop of its own, which ends when the file is there.
 */
#include "build/fetch.h"

#include <depot/http.h>

#include <string.h>

enum {
    FETCH_HOPS = 10, /* redirects, as browsers and Go have it */
    FETCH_TIMEOUT_MS = 60 * 1000,
};

struct fetch {
    struct depot_loop *loop;
    struct depot_error *err;
    char *next; /* where it was moved to; NULL: it was not */
    char *data;
    size_t len, max;
    int rc;
};

/* "https://host:port" into `addr`, what follows into *path without its fragment. */
static int cut_url(const char *url, struct depot_addr *addr, char **path, struct depot_error *err)
{
    const char *host = strstr(url, "://");
    if (host == NULL || (!depot_str_starts(url, "http://") && !depot_str_starts(url, "https://")))
        return depot_error_set(err, DEPOT_ERR_INVALID, "%.300s is not an http or https URL", url);
    host += strlen("://");
    const char *rest = host + strcspn(host, "/?#");
    char *origin = depot_strndup(url, (size_t)(rest - url));
    int rc = depot_addr_parse(origin, depot_str_starts(url, "https://") ? 443 : 80, addr, err);
    if (rc == 0)
        *path = depot_asprintf("%s%.*s", *rest == '/' ? "" : "/", (int)strcspn(rest, "#"), rest);
    depot_free(origin);
    return rc;
}

/* A Location: a URL, or a path on the same host. */
static char *resolve(const char *url, const char *location)
{
    const char *host = strstr(url, "://") + strlen("://");
    if (*location != '/')
        return depot_strdup(location);
    if (location[1] == '/')
        return depot_asprintf("%.*s%s", (int)(strchr(url, ':') + 1 - url), url, location);
    return depot_asprintf("%.*s%s", (int)(host + strcspn(host, "/?#") - url), url, location);
}

struct hop {
    struct fetch *f;
    const char *url;
};

static void on_done(struct depot_http_request *r, int status, const struct depot_buf *body,
    const struct depot_error *err, void *arg)
{
    const struct hop *h = arg;
    struct fetch *f = h->f;
    const char *location = status / 100 == 3 ? depot_http_header(r, "Location") : NULL;
    if (status == 0)
        f->rc = depot_error_set(f->err, err->code, "%s", err->msg);
    else if (location != NULL)
        f->next = resolve(h->url, location);
    else if (status != 200)
        f->rc = depot_error_set(f->err, DEPOT_ERR_NOT_FOUND, "the server answers %d", status);
    else if (body->len > f->max)
        f->rc =
            depot_error_set(f->err, DEPOT_ERR_TOO_BIG, "it is larger than %zu KiB", f->max / 1024);
    if (status == 200 && f->rc == 0) {
        f->len = body->len;
        f->data = depot_memdup(depot_buf_str(body), body->len + 1);
    }
    depot_loop_stop(f->loop);
}

static int ask(struct fetch *f, struct depot_http *http, const char *url)
{
    static const struct depot_http_ops ops = {.done = on_done};
    struct depot_addr addr = {0};
    struct depot_http_request *request;
    struct hop hop = {.f = f, .url = url};
    char *path = NULL;
    int rc = cut_url(url, &addr, &path, f->err);
    if (rc == 0) {
        const struct depot_http_opts opts = {
            .addr = &addr, .path = path, .max_body = f->max + 1, .timeout_ms = FETCH_TIMEOUT_MS};
        rc = depot_http_start(http, &opts, &ops, &hop, &request, f->err);
    }
    if (rc == 0) {
        depot_loop_run(f->loop);
        rc = f->rc;
    }
    depot_addr_release(&addr);
    depot_free(path);
    return rc;
}

static int follow(struct fetch *f, struct depot_http *http, const char *url)
{
    char *at = depot_strdup(url);
    int rc = 0;
    for (int hops = 0; rc == 0; hops++) {
        rc = ask(f, http, at);
        if (rc != 0 || f->next == NULL)
            break;
        depot_free(at);
        at = f->next;
        f->next = NULL;
        if (hops == FETCH_HOPS)
            rc = depot_error_set(f->err, DEPOT_ERR_NOT_FOUND, "it is moved around in a circle");
    }
    depot_free(at);
    return rc;
}

int dp_fetch(const char *url, size_t max, char **out, size_t *len, struct depot_error *err)
{
    struct depot_error own = {0};
    struct fetch f = {.err = err != NULL ? err : &own, .max = max};
    int rc = depot_loop_new(&f.loop, f.err);
    if (rc != 0)
        return rc;
    struct depot_http *http = depot_http_new(f.loop);
    rc = follow(&f, http, url);
    depot_http_free(http);
    depot_loop_free(f.loop);
    if (rc != 0) {
        depot_error_prefix(f.err, "cannot fetch %.300s", url);
        return rc;
    }
    *out = f.data;
    *len = f.len;
    return 0;
}
