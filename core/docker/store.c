/*
 * What a Docker Engine says of itself: its image store and its platform. Asked and waited for.
 */
#include <depot/docker.h>

#include <depot/platform.h>

#include <json-c/json.h>
#include <string.h>

#include "docker/docker.h"

enum { INFO_MAX = 1024 * 1024, INFO_DEPTH_MAX = 16, INFO_MS = 20 * 1000 };

struct question {
    struct depot_loop *loop;
    const struct depot_docker_host *host;
    struct depot_docker_store *out;
    struct depot_error *err;
    int rc;
};

static struct json_object *member(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;
    if (json_object_is_type(o, json_type_object))
        json_object_object_get_ex(o, key, &v);
    return v;
}

static const char *text(struct json_object *o)
{
    return json_object_is_type(o, json_type_string) ? json_object_get_string(o) : "";
}

/* "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]] */
static bool uses_containerd(struct json_object *status)
{
    const size_t n =
        json_object_is_type(status, json_type_array) ? json_object_array_length(status) : 0;
    for (size_t i = 0; i < n; i++) {
        struct json_object *pair = json_object_array_get_idx(status, i);
        if (json_object_is_type(pair, json_type_array) && json_object_array_length(pair) == 2 &&
            depot_str_eq(text(json_object_array_get_idx(pair, 0)), "driver-type") &&
            depot_str_eq(text(json_object_array_get_idx(pair, 1)), "io.containerd.snapshotter.v1"))
            return true;
    }
    return false;
}

int dp_docker_store_parse(
    const char *json, size_t n, struct depot_docker_store *out, struct depot_error *err)
{
    struct json_tokener *tok = json_tokener_new_ex(INFO_DEPTH_MAX);
    struct json_object *root = n <= INFO_MAX ? json_tokener_parse_ex(tok, json, (int)n) : NULL;
    int rc = 0;
    *out = (struct depot_docker_store){0};
    if (json_object_is_type(root, json_type_object)) {
        char *own = depot_asprintf(
            "%s/%s", text(member(root, "OSType")), text(member(root, "Architecture")));
        out->containerd = uses_containerd(member(root, "DriverStatus"));
        if (depot_platform_parse(own, out->platform, NULL) != 0)
            out->platform[0] = '\0';
        depot_free(own);
    } else {
        rc = depot_error_set(err, DEPOT_ERR_PROTOCOL, "it does not answer as a Docker Engine does");
    }
    json_object_put(root);
    json_tokener_free(tok);
    return rc;
}

static void on_done(struct depot_http_request *r, int status, const struct depot_buf *body,
    const struct depot_error *why, void *arg)
{
    struct question *q = arg;
    DEPOT_UNUSED(r);
    if (status == 0) {
        *q->err = *why;
        q->rc = why->code;
    } else if (status != 200) {
        q->rc = depot_error_set(q->err, DEPOT_ERR_PROTOCOL, "it answered HTTP %d to /info", status);
    } else {
        q->rc = dp_docker_store_parse(depot_buf_str(body), body->len, q->out, q->err);
    }
    depot_loop_stop(q->loop);
}

static int ask(struct question *q)
{
    static const struct depot_http_ops ops = {.done = on_done};
    struct depot_http_opts opts = {.path = "/info", .max_body = INFO_MAX, .timeout_ms = INFO_MS};
    struct depot_http_request *r = NULL;
    depot_docker_host_aim(q->host, &opts);
    struct depot_http *http = depot_http_new(q->loop);
    int rc = depot_http_start(http, &opts, &ops, q, &r, q->err);
    if (rc == 0) {
        depot_loop_run(q->loop);
        rc = q->rc;
    }
    depot_http_free(http);
    return rc;
}

int depot_docker_store_read(
    const struct depot_docker_host *h, struct depot_docker_store *out, struct depot_error *err)
{
    struct question q = {.host = h, .out = out, .err = err};
    int rc = depot_loop_new(&q.loop, err);
    if (rc == 0)
        rc = ask(&q);
    depot_loop_free(q.loop);
    if (rc == 0)
        return 0;
    depot_error_prefix(err, "the Docker Engine at %s", h->addr.text);
    if (err->hint[0] == '\0')
        depot_error_hint(err, "start it, or set DOCKER_HOST");
    return rc;
}
