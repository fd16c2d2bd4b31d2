/*
 * Feed messages by json-c, within limits. Nothing here acts on them.
 */
#include "op.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include <json-c/json.h>

enum {
    KEEP_HOURS_MAX = 24 * 365 * 100,
    LIMIT_MAX = 1000,
};

static int parse_object(
    const char *json, size_t n, struct json_object **out, struct depot_error *err)
{
    struct json_tokener *tok;
    struct json_object *o;
    enum json_tokener_error why;

    if (n > SERVER_OP_MAX)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG, "the message is over 1 MiB");
    tok = json_tokener_new_ex(SERVER_JSON_DEPTH);
    if (!tok)
        return depot_error_set(err, DEPOT_ERR_INTERNAL, "out of memory");
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    o = json_tokener_parse_ex(tok, json, (int)n);
    why = json_tokener_get_error(tok);
    json_tokener_free(tok);
    if (o && !json_object_is_type(o, json_type_object)) {
        json_object_put(o);
        return depot_error_set(err, DEPOT_ERR_INVALID, "the message is not a JSON object");
    }
    if (!o)
        return depot_error_set(err, DEPOT_ERR_INVALID, "the message is not JSON: %s",
            why == json_tokener_continue ? "it ends too early" : json_tokener_error_desc(why));
    *out = o;
    return 0;
}

static const char *string_of(struct json_object *o, const char *key)
{
    struct json_object *v;

    if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_string))
        return NULL;
    return json_object_get_string(v);
}

static int parse_build(struct json_object *o, struct server_op *out, struct depot_error *err)
{
    const char *build = string_of(o, "build");

    if (!build)
        return depot_error_set(err, DEPOT_ERR_INVALID, "the message names no build");
    if (!store_id_valid(build))
        return depot_error_set(err, DEPOT_ERR_INVALID, "not the id of a build");
    memcpy(out->build, build, strlen(build) + 1);
    return 0;
}

static int parse_after(struct json_object *o, struct server_op *out, struct depot_error *err)
{
    struct json_object *v;

    if (!json_object_object_get_ex(o, "after", &v))
        return 0;
    if (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0)
        return depot_error_set(err, DEPOT_ERR_INVALID, "`after` is not a seq");
    out->after = (uint64_t)json_object_get_int64(v);
    return 0;
}

static int parse_subscribe(
    struct json_object *o, struct server_op *out, bool on, struct depot_error *err)
{
    const char *scope = string_of(o, "scope");
    struct json_object *logs;
    int r;

    if (scope) {
        if (strcmp(scope, "fleet") != 0)
            return depot_error_set(err, DEPOT_ERR_INVALID, "unknown scope \"%.32s\"", scope);
        out->kind = on ? SERVER_OP_SUBSCRIBE_FLEET : SERVER_OP_UNSUBSCRIBE_FLEET;
        if (json_object_object_get_ex(o, "logs", &logs))
            out->logs = json_object_get_boolean(logs);
        return 0;
    }
    out->kind = on ? SERVER_OP_SUBSCRIBE_BUILD : SERVER_OP_UNSUBSCRIBE_BUILD;
    r = parse_build(o, out, err);
    return r == 0 && on ? parse_after(o, out, err) : r;
}

static int parse_create(struct json_object *o, struct server_op *out, struct depot_error *err)
{
    struct json_object *request;

    if (!json_object_object_get_ex(o, "request", &request) ||
        !json_object_is_type(request, json_type_object))
        return depot_error_set(err, DEPOT_ERR_INVALID, "`create` needs a `request` object");
    out->kind = SERVER_OP_CREATE;
    out->request = depot_strdup(json_object_to_json_string_ext(
        request, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    return 0;
}

/* ---- questions ---- */

static int parse_name(struct json_object *o, const char *key, char out[SERVER_NAME_MAX + 1],
    const char **to, struct depot_error *err)
{
    const char *s = string_of(o, key);

    if (!s || s[0] == '\0')
        return 0;
    if (strlen(s) > SERVER_NAME_MAX)
        return depot_error_set(err, DEPOT_ERR_INVALID, "`%s` is too long", key);
    memcpy(out, s, strlen(s) + 1);
    *to = out;
    return 0;
}

static int parse_number(
    struct json_object *o, const char *key, int64_t max, int64_t *to, struct depot_error *err)
{
    struct json_object *v;

    if (!json_object_object_get_ex(o, key, &v))
        return 0;
    *to = json_object_get_int64(v);
    if (!json_object_is_type(v, json_type_int) || *to < 0 || *to > max)
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "`%s` is not a number from 0 to %" PRId64, key, max);
    return 0;
}

static int parse_question(
    struct json_object *o, enum depot_ask ask, struct server_op *out, struct depot_error *err)
{
    struct depot_question *q = &out->question;
    struct json_object *all;
    int r = 0;

    out->kind = SERVER_OP_ASK;
    q->ask = ask;
    if (!depot_str_empty(string_of(o, "build"))) {
        r = parse_build(o, out, err);
        q->build = out->build;
    }
    if (r == 0)
        r = parse_name(o, "builder", out->builder, &q->builder, err);
    if (r == 0)
        r = parse_name(o, "ref", out->ref, &q->ref, err);
    if (r == 0)
        r = parse_name(o, "session", out->session, &q->session, err);
    if (r == 0)
        r = parse_name(o, "project", out->project, &q->project, err);
    if (r == 0)
        r = parse_number(o, "keep_bytes", INT64_MAX, &q->keep_bytes, err);
    if (r == 0)
        r = parse_number(o, "keep_hours", KEEP_HOURS_MAX, &q->keep_hours, err);
    if (r == 0)
        r = parse_number(o, "limit", LIMIT_MAX, &q->limit, err);
    if (r == 0 && json_object_object_get_ex(o, "all", &all)) {
        if (!json_object_is_type(all, json_type_boolean))
            return depot_error_set(err, DEPOT_ERR_INVALID, "`all` is neither true nor false");
        q->all = json_object_get_boolean(all);
    }
    return r;
}

int server_op_parse_question(
    enum depot_ask ask, const char *json, size_t n, struct server_op *out, struct depot_error *err)
{
    struct json_object *o = NULL;
    int r;

    *out = (struct server_op){0};
    r = parse_object(json, n, &o, err);
    if (r == 0)
        r = parse_question(o, ask, out, err);
    json_object_put(o);
    return r;
}

int server_op_parse(const char *json, size_t n, struct server_op *out, struct depot_error *err)
{
    struct json_object *o = NULL;
    const char *op;
    int r;

    *out = (struct server_op){.logs = true};
    r = parse_object(json, n, &o, err);
    if (r != 0)
        return r;
    op = string_of(o, "op");
    if (!op) {
        r = depot_error_set(err, DEPOT_ERR_INVALID, "the message has no `op`");
    } else if (strcmp(op, "subscribe") == 0 || strcmp(op, "unsubscribe") == 0) {
        r = parse_subscribe(o, out, op[0] == 's', err);
    } else if (strcmp(op, "create") == 0) {
        r = parse_create(o, out, err);
    } else if (strcmp(op, "cancel") == 0) {
        out->kind = SERVER_OP_CANCEL;
        r = parse_build(o, out, err);
    } else if (depot_ask_from_name(op) >= 0) {
        r = parse_question(o, (enum depot_ask)depot_ask_from_name(op), out, err);
    } else {
        r = depot_error_set(err, DEPOT_ERR_UNSUPPORTED, "unknown op \"%.32s\"", op);
    }
    json_object_put(o);
    return r;
}

void server_op_release(struct server_op *op)
{
    depot_free(op->request);
    op->request = NULL;
}
