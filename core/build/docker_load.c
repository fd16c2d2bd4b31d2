/*
 * `--load`: what `docker load` does, over the Engine's HTTP API.
 */
#include "build/part.h"

#include <depot/http.h>

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

enum { LOAD_ANSWER_MAX = 1024 * 1024, LOAD_QUEUE_MAX = 64 * 1024 * 1024 };

struct dp_docker_load {
    struct depot_loop *loop;
    const struct dp_docker_load_ops *ops;
    void *arg;
    struct depot_addr addr;
    struct depot_http *http;
    struct depot_http_request *request; /* NULL: not begun, or over */
    struct depot_buf queue;
    bool ended, over, waiting;
};

int dp_docker_load_new(struct depot_loop *l, const struct dp_docker_load_ops *ops, void *arg,
    struct dp_docker_load **out, struct depot_error *err)
{
    const char *host = getenv("DOCKER_HOST");
    struct depot_addr addr = {0};
    int rc = depot_addr_parse(
        depot_str_empty(host) ? "unix:///var/run/docker.sock" : host, 2375, &addr, err);
    if (rc != 0)
        return depot_error_prefix(err, "DOCKER_HOST");
    struct dp_docker_load *d = depot_calloc(1, sizeof(*d));
    d->loop = l;
    d->ops = ops;
    d->arg = arg;
    d->addr = addr;
    depot_buf_init(&d->queue, LOAD_QUEUE_MAX);
    *out = d;
    return 0;
}

static ssize_t on_read(struct depot_http_request *r, void *buf, size_t n, void *arg)
{
    struct dp_docker_load *d = arg;
    DEPOT_UNUSED(r);
    if (d->queue.len == 0) {
        d->waiting = !d->ended;
        return d->ended ? 0 : DEPOT_ERR_AGAIN;
    }
    if (n > d->queue.len)
        n = d->queue.len;
    memcpy(buf, d->queue.data, n);
    depot_buf_consume(&d->queue, n);
    d->ops->drained(d, d->arg);
    return (ssize_t)n;
}

/* The answer is a stream of JSON objects; one with "error" tells why it was refused. */
static int answer_error(const struct depot_buf *body, struct depot_error *err)
{
    struct json_tokener *tok = json_tokener_new();
    const char *at = body != NULL ? depot_buf_str(body) : "";
    size_t left = body != NULL ? body->len : 0;
    int rc = 0;
    while (left > 0 && rc == 0) {
        struct json_object *o = json_tokener_parse_ex(tok, at, (int)left);
        struct json_object *text = NULL;
        size_t used = json_tokener_get_parse_end(tok);
        if (o != NULL && (json_object_object_get_ex(o, "error", &text) ||
                             json_object_object_get_ex(o, "message", &text)))
            rc = depot_error_set(err, DEPOT_ERR_FAILED,
                "the Docker Engine did not load the image: %s", json_object_get_string(text));
        json_object_put(o);
        if (o == NULL || used == 0)
            break;
        at += used;
        left -= used;
    }
    json_tokener_free(tok);
    return rc;
}

static void on_done(struct depot_http_request *r, int status, const struct depot_buf *body,
    const struct depot_error *why, void *arg)
{
    struct dp_docker_load *d = arg;
    struct depot_error err = {0};
    int rc = 0;
    DEPOT_UNUSED(r);
    d->request = NULL;
    d->over = true;
    if (status == 0) {
        err = *why;
        depot_error_prefix(&err, "cannot load into the Docker Engine at %s", d->addr.text);
        if (err.hint[0] == '\0')
            depot_error_hint(&err, "start it, set DOCKER_HOST, or use -o type=docker,dest=FILE");
        rc = err.code;
    } else {
        rc = answer_error(body, &err);
        if (rc == 0 && status / 100 != 2)
            rc = depot_error_set(&err, DEPOT_ERR_FAILED,
                "the Docker Engine at %s answered HTTP %d to /images/load", d->addr.text, status);
    }
    d->ops->done(d, rc != 0 ? &err : NULL, d->arg);
}

static int begin(struct dp_docker_load *d, struct depot_error *err)
{
    static const struct depot_http_ops ops = {.read = on_read, .done = on_done};
    struct depot_http_opts opts = {
        .addr = &d->addr,
        .method = "POST",
        .path = "/images/load?quiet=1",
        .content_type = "application/x-tar",
        .max_body = LOAD_ANSWER_MAX,
    };
    d->http = depot_http_new(d->loop);
    return depot_http_start(d->http, &opts, &ops, d, &d->request, err);
}

ssize_t dp_docker_load_write(
    struct dp_docker_load *d, const void *data, size_t n, struct depot_error *err)
{
    if (d->over)
        return depot_error_set(err, DEPOT_ERR_FAILED, "the Docker Engine refused the image");
    if (d->http == NULL) {
        int rc = begin(d, err);
        if (rc != 0)
            return rc;
    }
    if (n == 0)
        d->ended = true;
    depot_buf_add(&d->queue, data, n);
    if (d->queue.overflow)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG, "the Docker Engine does not take the image");
    if (d->waiting && d->request != NULL) {
        d->waiting = false;
        depot_http_resume(d->request);
    }
    return (ssize_t)d->queue.len;
}

bool dp_docker_load_busy(const struct dp_docker_load *d)
{
    return d->http != NULL && !d->over;
}

void dp_docker_load_free(struct dp_docker_load *d)
{
    if (d == NULL)
        return;
    if (d->request != NULL)
        depot_http_cancel(d->request);
    depot_http_free(d->http);
    depot_addr_release(&d->addr);
    depot_buf_release(&d->queue);
    depot_free(d);
}
