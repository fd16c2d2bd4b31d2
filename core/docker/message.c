/*
 * The stream of JSON objects that an Engine answers to loads and pushes with. No I/O.
 */
#include "docker/docker.h"

#include <json-c/json.h>
#include <string.h>

enum { DEPTH_MAX = 8, OBJECT_MAX = 1024 * 1024, FEED_MAX = 64 * 1024 };

struct dp_docker_messages {
    struct json_tokener *tok;
    dp_docker_message_fn *fn;
    void *arg;
    size_t pending; /* bytes of an object that is not whole yet */
};

struct dp_docker_messages *dp_docker_messages_new(dp_docker_message_fn *fn, void *arg)
{
    struct dp_docker_messages *m = depot_calloc(1, sizeof(*m));
    m->tok = json_tokener_new_ex(DEPTH_MAX);
    m->fn = fn;
    m->arg = arg;
    return m;
}

struct json_object *dp_docker_member(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;
    if (json_object_is_type(o, json_type_object))
        json_object_object_get_ex(o, key, &v);
    return v;
}

const char *dp_docker_string(struct json_object *o, const char *key)
{
    struct json_object *v = dp_docker_member(o, key);
    return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

static int64_t number_of(struct json_object *o, const char *key)
{
    const int64_t n = json_object_get_int64(dp_docker_member(o, key));
    return n > 0 ? n : 0;
}

/* Errors stand in "error", in "errorDetail", and, where nothing was begun, in "message". */
static const char *error_of(struct json_object *o)
{
    const char *detail = dp_docker_string(dp_docker_member(o, "errorDetail"), "message");
    if (*detail != '\0')
        return detail;
    const char *error = dp_docker_string(o, "error");
    return *error != '\0' ? error : dp_docker_string(o, "message");
}

static void give(struct dp_docker_messages *m, struct json_object *o)
{
    struct json_object *progress = dp_docker_member(o, "progressDetail");
    const struct dp_docker_message message = {
        .id = dp_docker_string(o, "id"),
        .status = dp_docker_string(o, "status"),
        .error = error_of(o),
        .digest = dp_docker_string(dp_docker_member(o, "aux"), "Digest"),
        .has_progress = dp_docker_member(progress, "current") != NULL,
        .current = number_of(progress, "current"),
        .total = number_of(progress, "total"),
    };
    m->fn(&message, m->arg);
}

/* One object, or what there is of it; the bytes taken, or a negative error. */
static ssize_t take(struct dp_docker_messages *m, const char *at, size_t n, struct depot_error *err)
{
    struct json_object *o = json_tokener_parse_ex(m->tok, at, (int)n);
    const enum json_tokener_error how = json_tokener_get_error(m->tok);
    const size_t used = how == json_tokener_continue ? n : json_tokener_get_parse_end(m->tok);
    if (how != json_tokener_success && how != json_tokener_continue)
        return depot_error_set(err, DEPOT_ERR_PROTOCOL, "the Docker Engine's answer is not JSON");
    if (how == json_tokener_continue)
        m->pending += n;
    else
        m->pending = 0;
    if (o != NULL)
        give(m, o);
    json_object_put(o);
    return m->pending > OBJECT_MAX
               ? depot_error_set(err, DEPOT_ERR_TOO_BIG, "the Docker Engine's answer has no end")
               : (ssize_t)used;
}

int dp_docker_messages_feed(
    struct dp_docker_messages *m, const void *data, size_t n, struct depot_error *err)
{
    const char *at = data, *end = at + n;
    while (at < end) {
        /* Between objects: a reader of numbers or null would wait for more of them. */
        while (m->pending == 0 && at < end && strchr(" \t\r\n", *at) != NULL && *at != '\0')
            at++;
        if (at == end)
            break;
        if (m->pending == 0 && *at != '{')
            return depot_error_set(
                err, DEPOT_ERR_PROTOCOL, "the Docker Engine's answer is not JSON");
        const size_t left = (size_t)(end - at);
        const ssize_t used = take(m, at, left < FEED_MAX ? left : FEED_MAX, err);
        if (used < 0)
            return (int)used;
        at += used;
    }
    return 0;
}

void dp_docker_messages_free(struct dp_docker_messages *m)
{
    if (m == NULL)
        return;
    json_tokener_free(m->tok);
    depot_free(m);
}
