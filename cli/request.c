/*
 * One HTTP request to the daemon, waited for.
 */
#include "cli.h"

#include <depot/http.h>

#include <string.h>

enum { REQUEST_TIMEOUT_MS = 30000 };

struct request {
    struct depot_loop *loop;
    struct json_object *answer;
    int rc;
    struct depot_error *err;
};

const char *cli_json_string(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;
    if (json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) &&
        json_object_is_type(v, json_type_string))
        return json_object_get_string(v);
    return "";
}

int64_t cli_json_int(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;
    if (json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v))
        return json_object_get_int64(v);
    return 0;
}

static int answer_error(struct json_object *answer, int status, struct depot_error *err)
{
    struct json_object *e = NULL;
    if (!json_object_is_type(answer, json_type_object) ||
        !json_object_object_get_ex(answer, "error", &e))
        return depot_error_set(err, DEPOT_ERR_PROTOCOL, "the daemon answered HTTP %d", status);
    depot_error_set(
        err, depot_err_from_name(cli_json_string(e, "code")), "%s", cli_json_string(e, "message"));
    return depot_error_hint(err, "%s", cli_json_string(e, "hint"));
}

static void on_done(struct depot_http_request *r, int status, const struct depot_buf *body,
    const struct depot_error *err, void *arg)
{
    struct request *q = arg;
    DEPOT_UNUSED(r);
    if (status == 0) {
        *q->err = *err;
        q->rc = err->code;
    } else {
        q->answer = json_tokener_parse(body != NULL ? depot_buf_str(body) : "");
        q->rc = status / 100 == 2 ? 0 : answer_error(q->answer, status, q->err);
    }
    depot_loop_stop(q->loop);
}

static int perform(
    struct request *q, const struct depot_endpoint *at, const char *method, const char *path)
{
    static const struct depot_http_ops ops = {.done = on_done};
    struct depot_http_opts opts = {
        .addr = &at->addr,
        .tls = &at->tls,
        .token = at->token,
        .method = method,
        .path = path,
        .timeout_ms = REQUEST_TIMEOUT_MS,
    };
    struct depot_http *http = depot_http_new(q->loop);
    struct depot_http_request *r = NULL;
    int rc = depot_http_start(http, &opts, &ops, q, &r, q->err);
    if (rc == 0) {
        depot_loop_run(q->loop);
        rc = q->rc;
    }
    depot_http_free(http);
    return rc;
}

int cli_request(const struct cli_remote *remote, const char *method, const char *path,
    struct json_object **out, struct depot_error *err)
{
    struct depot_endpoint at;
    struct request q = {.err = err};
    int rc = depot_endpoint_resolve(remote->url, remote->token, false, &at, err);
    if (rc != 0)
        return rc;
    rc = depot_loop_new(&q.loop, err);
    if (rc == 0)
        rc = perform(&q, &at, method, path);
    if (rc == 0 && out != NULL)
        *out = q.answer;
    else
        json_object_put(q.answer);
    depot_loop_free(q.loop);
    depot_endpoint_release(&at);
    return rc;
}
