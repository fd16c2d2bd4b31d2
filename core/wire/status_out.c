/*
 * Writes a status as buildx's rawjson mode does: the order of keys, what is left out when empty,
 * and what is not, are those of the structs in BuildKit's client/graph.go and its protobuf.
 */
#include "record/json.h"

#include <depot/wire.h>

#include <string.h>

static void key_string(struct depot_buf *out, bool *first, const char *name, const char *s)
{
    if (depot_str_empty(s))
        return;
    dp_json_key(out, first, name);
    dp_json_string(out, s, strlen(s));
}

static void key_time(struct depot_buf *out, bool *first, const char *name, depot_time t)
{
    if (!t)
        return;
    dp_json_key(out, first, name);
    dp_json_time(out, t);
}

static void key_int(struct depot_buf *out, bool *first, const char *name, int64_t v)
{
    if (!v)
        return;
    dp_json_key(out, first, name);
    dp_json_int(out, v);
}

static void key_true(struct depot_buf *out, bool *first, const char *name, bool v)
{
    if (!v)
        return;
    dp_json_key(out, first, name);
    depot_buf_adds(out, "true");
}

static void put_vertex(struct depot_buf *out, const struct depot_vertex *v)
{
    bool first = true;

    depot_buf_addc(out, '{');
    key_string(out, &first, "digest", v->digest);
    if (v->ninputs) {
        dp_json_key(out, &first, "inputs");
        for (size_t i = 0; i < v->ninputs; i++) {
            const char *s = v->inputs[i] ? v->inputs[i] : "";

            depot_buf_addc(out, i ? ',' : '[');
            dp_json_string(out, s, strlen(s));
        }
        depot_buf_addc(out, ']');
    }
    key_string(out, &first, "name", v->name);
    key_time(out, &first, "started", v->started);
    key_time(out, &first, "completed", v->completed);
    key_true(out, &first, "cached", v->cached);
    key_string(out, &first, "error", v->error);
    if (v->group) {
        bool inner = true;

        dp_json_key(out, &first, "progressGroup");
        depot_buf_addc(out, '{');
        key_string(out, &inner, "id", v->group->id);
        key_string(out, &inner, "name", v->group->name);
        key_true(out, &inner, "weak", v->group->weak);
        depot_buf_addc(out, '}');
    }
    depot_buf_addc(out, '}');
}

static void put_vertex_status(struct depot_buf *out, const struct depot_vertex_status *v)
{
    bool first = true;
    const char *id = v->id ? v->id : "";

    depot_buf_addc(out, '{');
    dp_json_key(out, &first, "id");
    dp_json_string(out, id, strlen(id));
    key_string(out, &first, "vertex", v->vertex);
    key_string(out, &first, "name", v->name);
    key_int(out, &first, "total", v->total);
    dp_json_key(out, &first, "current");
    dp_json_int(out, v->current);
    dp_json_key(out, &first, "timestamp");
    dp_json_time(out, v->timestamp);
    key_time(out, &first, "started", v->started);
    key_time(out, &first, "completed", v->completed);
    depot_buf_addc(out, '}');
}

static void put_log(struct depot_buf *out, const struct depot_vertex_log *v)
{
    bool first = true;

    depot_buf_addc(out, '{');
    key_string(out, &first, "vertex", v->vertex);
    key_int(out, &first, "stream", v->stream);
    dp_json_key(out, &first, "data");
    if (v->data)
        dp_json_base64(out, v->data, v->len);
    else
        depot_buf_adds(out, "null");
    dp_json_key(out, &first, "timestamp");
    dp_json_time(out, v->timestamp);
    depot_buf_addc(out, '}');
}

static void put_info(struct depot_buf *out, const struct depot_source_info *info)
{
    bool first = true;

    depot_buf_addc(out, '{');
    key_string(out, &first, "filename", info->filename);
    if (info->len) {
        dp_json_key(out, &first, "data");
        dp_json_base64(out, info->data, info->len);
    }
    if (info->definition) {
        dp_json_key(out, &first, "definition");
        depot_buf_adds(out, info->definition);
    }
    key_string(out, &first, "language", info->language);
    depot_buf_addc(out, '}');
}

static void put_position(struct depot_buf *out, int line, int character)
{
    bool first = true;

    depot_buf_addc(out, '{');
    key_int(out, &first, "line", line);
    key_int(out, &first, "character", character);
    depot_buf_addc(out, '}');
}

static void put_warning(struct depot_buf *out, const struct depot_vertex_warning *v)
{
    bool first = true;

    depot_buf_addc(out, '{');
    key_string(out, &first, "vertex", v->vertex);
    key_int(out, &first, "level", v->level);
    if (!depot_str_empty(v->short_text)) {
        dp_json_key(out, &first, "short");
        dp_json_base64(out, v->short_text, strlen(v->short_text));
    }
    if (v->ndetail) {
        dp_json_key(out, &first, "detail");
        for (size_t i = 0; i < v->ndetail; i++) {
            const char *s = v->detail[i] ? v->detail[i] : "";

            depot_buf_addc(out, i ? ',' : '[');
            dp_json_base64(out, s, strlen(s));
        }
        depot_buf_addc(out, ']');
    }
    key_string(out, &first, "url", v->url);
    if (v->info) {
        dp_json_key(out, &first, "sourceInfo");
        put_info(out, v->info);
    }
    if (v->nranges) {
        dp_json_key(out, &first, "range");
        for (size_t i = 0; i < v->nranges; i++) {
            depot_buf_adds(out, i ? ",{\"start\":" : "[{\"start\":");
            put_position(out, v->ranges[i].start_line, v->ranges[i].start_char);
            depot_buf_adds(out, ",\"end\":");
            put_position(out, v->ranges[i].end_line, v->ranges[i].end_char);
            depot_buf_addc(out, '}');
        }
        depot_buf_addc(out, ']');
    }
    depot_buf_addc(out, '}');
}

#define PUT_LIST(name, items, count, put)                                                          \
    if (st->count) {                                                                               \
        dp_json_key(out, &first, name);                                                            \
        for (size_t i = 0; i < st->count; i++) {                                                   \
            depot_buf_addc(out, i ? ',' : '[');                                                    \
            put(out, &st->items[i]);                                                               \
        }                                                                                          \
        depot_buf_addc(out, ']');                                                                  \
    }

void depot_wire_encode_status(struct depot_buf *out, const struct depot_status *st)
{
    bool first = true;

    depot_buf_addc(out, '{');
    PUT_LIST("vertexes", vertexes, nvertexes, put_vertex)
    PUT_LIST("statuses", statuses, nstatuses, put_vertex_status)
    PUT_LIST("logs", logs, nlogs, put_log)
    PUT_LIST("warnings", warnings, nwarnings, put_warning)
    depot_buf_addc(out, '}');
}
