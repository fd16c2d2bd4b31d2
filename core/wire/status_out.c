/*
 * Writes a status as buildx's rawjson mode does: the order of keys, what is left out when empty,
 * and what is not, are those of the structs in BuildKit's client/graph.go and its protobuf.
 */
#include "record/json.h"

#include <depot/wire.h>

#include <string.h>

static void put_string(struct depot_buf *out, const char *s)
{
    dp_json_string(out, s != NULL ? s : "", s != NULL ? strlen(s) : 0);
}

static void put_text(struct depot_buf *out, const char *s)
{
    dp_json_base64(out, s != NULL ? s : "", s != NULL ? strlen(s) : 0);
}

/* ---- members that are left out when they are empty ---- */

static void maybe_string(struct depot_buf *out, const char *key, size_t n, const char *s)
{
    if (depot_str_empty(s))
        return;
    depot_buf_add(out, key, n);
    put_string(out, s);
}

static void maybe_time(struct depot_buf *out, const char *key, size_t n, depot_time t)
{
    if (!t)
        return;
    depot_buf_add(out, key, n);
    dp_json_time(out, t);
}

static void maybe_int(struct depot_buf *out, const char *key, size_t n, int64_t v)
{
    if (!v)
        return;
    depot_buf_add(out, key, n);
    dp_json_int(out, v);
}

static void maybe_true(struct depot_buf *out, const char *key, size_t n, bool v)
{
    if (!v)
        return;
    depot_buf_add(out, key, n);
    depot_buf_add(out, "true", 4);
}

typedef void put_string_fn(struct depot_buf *out, const char *s);

static void maybe_list(struct depot_buf *out, const char *key, size_t n, const char *const *items,
    size_t count, put_string_fn *put)
{
    if (!count)
        return;
    depot_buf_add(out, key, n);
    for (size_t i = 0; i < count; i++) {
        depot_buf_addc(out, i ? ',' : '[');
        put(out, items[i]);
    }
    depot_buf_addc(out, ']');
}

/* Logs and statuses name their vertex, and those of one vertex often follow each other: its member
 * is then copied from where it was written last. */
struct named {
    const char *vertex;
    size_t at, n;
};

static void put_vertex_name(struct depot_buf *out, const char *vertex, struct named *last)
{
    if (last->vertex != NULL && vertex != NULL && strcmp(vertex, last->vertex) == 0) {
        char *p = depot_buf_reserve(out, last->n);

        if (p == NULL)
            return;
        *p = ','; /* which the first member of an object no longer has */
        memcpy(p + 1, out->data + last->at + 1, last->n - 1);
        out->len += last->n;
    } else if (!depot_str_empty(vertex)) {
        *last = (struct named){.vertex = vertex, .at = out->len};
        maybe_string(out, DP_JSON_KEY("vertex"), vertex);
        last->n = out->len - last->at;
        if (out->overflow)
            last->vertex = NULL;
    }
}

/* ---- what a status has ---- */

static void put_group(struct depot_buf *out, const struct depot_vertex_group *group)
{
    size_t at = dp_json_open(out);

    maybe_string(out, DP_JSON_KEY("id"), group->id);
    maybe_string(out, DP_JSON_KEY("name"), group->name);
    maybe_true(out, DP_JSON_KEY("weak"), group->weak);
    dp_json_close(out, at);
}

static void put_vertex(struct depot_buf *out, const struct depot_vertex *v, struct named *last)
{
    size_t at = dp_json_open(out);

    DEPOT_UNUSED(last);
    maybe_string(out, DP_JSON_KEY("digest"), v->digest);
    maybe_list(out, DP_JSON_KEY("inputs"), v->inputs, v->ninputs, put_string);
    maybe_string(out, DP_JSON_KEY("name"), v->name);
    maybe_time(out, DP_JSON_KEY("started"), v->started);
    maybe_time(out, DP_JSON_KEY("completed"), v->completed);
    maybe_true(out, DP_JSON_KEY("cached"), v->cached);
    maybe_string(out, DP_JSON_KEY("error"), v->error);
    if (v->group != NULL) {
        depot_buf_add(out, DP_JSON_KEY("progressGroup"));
        put_group(out, v->group);
    }
    if (v->shared != NULL) {
        depot_buf_add(out, DP_JSON_KEY("shared"));
        put_string(out, v->shared);
    }
    dp_json_close(out, at);
}

static void put_vertex_status(
    struct depot_buf *out, const struct depot_vertex_status *v, struct named *last)
{
    size_t at = dp_json_open(out);

    depot_buf_add(out, DP_JSON_KEY("id"));
    put_string(out, v->id);
    put_vertex_name(out, v->vertex, last);
    maybe_string(out, DP_JSON_KEY("name"), v->name);
    maybe_int(out, DP_JSON_KEY("total"), v->total);
    depot_buf_add(out, DP_JSON_KEY("current"));
    dp_json_int(out, v->current);
    depot_buf_add(out, DP_JSON_KEY("timestamp"));
    dp_json_time(out, v->timestamp);
    maybe_time(out, DP_JSON_KEY("started"), v->started);
    maybe_time(out, DP_JSON_KEY("completed"), v->completed);
    dp_json_close(out, at);
}

static void put_log(struct depot_buf *out, const struct depot_vertex_log *v, struct named *last)
{
    size_t at = dp_json_open(out);

    put_vertex_name(out, v->vertex, last);
    maybe_int(out, DP_JSON_KEY("stream"), v->stream);
    depot_buf_add(out, DP_JSON_KEY("data"));
    if (v->data != NULL)
        dp_json_base64(out, v->data, v->len);
    else
        depot_buf_add(out, "null", 4);
    depot_buf_add(out, DP_JSON_KEY("timestamp"));
    dp_json_time(out, v->timestamp);
    dp_json_close(out, at);
}

static void put_info(struct depot_buf *out, const struct depot_source_info *info)
{
    size_t at = dp_json_open(out);

    maybe_string(out, DP_JSON_KEY("filename"), info->filename);
    if (info->len) {
        depot_buf_add(out, DP_JSON_KEY("data"));
        dp_json_base64(out, info->data, info->len);
    }
    if (info->definition != NULL) {
        depot_buf_add(out, DP_JSON_KEY("definition"));
        depot_buf_adds(out, info->definition);
    }
    maybe_string(out, DP_JSON_KEY("language"), info->language);
    dp_json_close(out, at);
}

static void put_position(struct depot_buf *out, int line, int character)
{
    size_t at = dp_json_open(out);

    maybe_int(out, DP_JSON_KEY("line"), line);
    maybe_int(out, DP_JSON_KEY("character"), character);
    dp_json_close(out, at);
}

static void put_range(struct depot_buf *out, const struct depot_range *range)
{
    size_t at = dp_json_open(out);

    depot_buf_add(out, DP_JSON_KEY("start"));
    put_position(out, range->start_line, range->start_char);
    depot_buf_add(out, DP_JSON_KEY("end"));
    put_position(out, range->end_line, range->end_char);
    dp_json_close(out, at);
}

static void put_ranges(struct depot_buf *out, const struct depot_vertex_warning *v)
{
    if (!v->nranges)
        return;
    depot_buf_add(out, DP_JSON_KEY("range"));
    for (size_t i = 0; i < v->nranges; i++) {
        depot_buf_addc(out, i ? ',' : '[');
        put_range(out, &v->ranges[i]);
    }
    depot_buf_addc(out, ']');
}

static void put_warning(
    struct depot_buf *out, const struct depot_vertex_warning *v, struct named *last)
{
    size_t at = dp_json_open(out);

    put_vertex_name(out, v->vertex, last);
    maybe_int(out, DP_JSON_KEY("level"), v->level);
    if (!depot_str_empty(v->short_text)) {
        depot_buf_add(out, DP_JSON_KEY("short"));
        put_text(out, v->short_text);
    }
    maybe_list(out, DP_JSON_KEY("detail"), v->detail, v->ndetail, put_text);
    maybe_string(out, DP_JSON_KEY("url"), v->url);
    if (v->info != NULL) {
        depot_buf_add(out, DP_JSON_KEY("sourceInfo"));
        put_info(out, v->info);
    }
    put_ranges(out, v);
    dp_json_close(out, at);
}

#define PUT_LIST(name, items, count, put)                                                          \
    if (st->count) {                                                                               \
        depot_buf_add(out, DP_JSON_KEY(name));                                                     \
        for (size_t i = 0; i < st->count; i++) {                                                   \
            depot_buf_addc(out, i ? ',' : '[');                                                    \
            put(out, &st->items[i], &last);                                                        \
        }                                                                                          \
        depot_buf_addc(out, ']');                                                                  \
    }

void depot_wire_encode_status(struct depot_buf *out, const struct depot_status *st)
{
    size_t at = dp_json_open(out);
    struct named last = {0};

    PUT_LIST("vertexes", vertexes, nvertexes, put_vertex)
    PUT_LIST("statuses", statuses, nstatuses, put_vertex_status)
    PUT_LIST("logs", logs, nlogs, put_log)
    PUT_LIST("warnings", warnings, nwarnings, put_warning)
    dp_json_close(out, at);
}
