/*
 * `--load`: what `docker load` does, over the Engine's HTTP API.
 */
#include "docker/docker.h"

#include <string.h>

enum { LOAD_QUEUE_MAX = 64 * 1024 * 1024, SAID_MAX = 200 };

struct dp_docker_load {
    struct depot_loop *loop;
    const struct dp_docker_load_ops *ops;
    void *arg;
    const struct depot_docker_host *host;
    struct dp_docker_messages *messages;
    struct depot_error refusal; /* what the Engine said */
    struct depot_http *http;
    struct depot_http_request *request; /* NULL: not begun, or over */
    struct depot_buf queue;
    bool ended, over, waiting;
    bool unreadable;     /* the answer is no stream of messages */
    char said[SAID_MAX]; /* but this */
};

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

/* The first thing the Engine complains of is what the rest comes from. */
static void on_message(const struct dp_docker_message *m, void *arg)
{
    struct dp_docker_load *d = arg;
    if (*m->error != '\0' && d->refusal.code == DEPOT_OK)
        depot_error_set(&d->refusal, DEPOT_ERR_FAILED,
            "the Docker Engine did not load the image: %s", m->error);
}

static int on_body(struct depot_http_request *r, const void *data, size_t n, void *arg)
{
    struct dp_docker_load *d = arg;
    DEPOT_UNUSED(r);
    if (!d->unreadable && dp_docker_messages_feed(d->messages, data, n, NULL) < 0) {
        d->unreadable = true;
        n = n < SAID_MAX ? n : SAID_MAX - 1;
        memcpy(d->said, data, n);
        d->said[strcspn(d->said, "\r\n")] = '\0';
    }
    return 0;
}

static int outcome(
    struct dp_docker_load *d, int status, const struct depot_error *why, struct depot_error *err)
{
    const char *at = d->host->addr.text;
    const bool bare = d->host->addr.kind == DEPOT_ADDR_TCP && !d->host->tls.enabled;
    if (d->refusal.code != DEPOT_OK) {
        *err = d->refusal;
        return err->code;
    }
    if (status == 0) {
        *err = *why;
        depot_error_prefix(err, "cannot load into the Docker Engine at %s", at);
    } else if (status / 100 != 2 || d->unreadable) {
        depot_error_set(err, DEPOT_ERR_FAILED, "the Docker Engine at %s answered HTTP %d: %s", at,
            status, d->said[0] != '\0' ? d->said : "it did not load the image");
    }
    if (err->code != DEPOT_OK && bare)
        depot_error_hint(err, "is it running there? One that wants TLS needs DOCKER_TLS_VERIFY=1, "
                              "and DOCKER_CERT_PATH");
    else if (err->code != DEPOT_OK && err->hint[0] == '\0')
        depot_error_hint(err, "start it, set DOCKER_HOST, or use -o type=docker,dest=FILE");
    return err->code;
}

static void on_done(struct depot_http_request *r, int status, const struct depot_buf *body,
    const struct depot_error *why, void *arg)
{
    struct dp_docker_load *d = arg;
    struct depot_error err = {0};
    DEPOT_UNUSED(r);
    DEPOT_UNUSED(body);
    d->request = NULL;
    d->over = true;
    const int rc = outcome(d, status, why, &err);
    d->ops->done(d, rc != 0 ? &err : NULL, d->arg);
}

static int begin(struct dp_docker_load *d, struct depot_error *err)
{
    static const struct depot_http_ops ops = {.read = on_read, .body = on_body, .done = on_done};
    struct depot_http_opts opts = {
        .method = "POST",
        .path = "/images/load?quiet=1",
        .content_type = "application/x-tar",
    };
    depot_docker_host_aim(d->host, &opts);
    d->http = depot_http_new(d->loop);
    return depot_http_start(d->http, &opts, &ops, d, &d->request, err);
}

struct dp_docker_load *dp_docker_load_new(struct depot_loop *l,
    const struct depot_docker_host *host, const struct dp_docker_load_ops *ops, void *arg)
{
    struct dp_docker_load *d = depot_calloc(1, sizeof(*d));
    d->loop = l;
    d->ops = ops;
    d->arg = arg;
    d->host = host;
    d->messages = dp_docker_messages_new(on_message, d);
    depot_buf_init(&d->queue, LOAD_QUEUE_MAX);
    return d;
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
    dp_docker_messages_free(d->messages);
    depot_buf_release(&d->queue);
    depot_free(d);
}
