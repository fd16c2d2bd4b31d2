/*
 * Reads a status. It is by far the most frequent event and the biggest: it is scanned in place
 * instead of going through a tree of objects.
 */
#include "wire/wire_priv.h"

#include <limits.h>
#include <string.h>

/* Where a member goes. Each row's function consumes a value that is not null. */
typedef int field_fn(struct dp_scan *s, void *at);
struct row {
    const char *name;
    field_fn *fn;
    size_t offset;
};

static int get_string(struct dp_scan *s, void *at)
{
    size_t n;

    return dp_scan_string(s, at, &n);
}

static int get_time(struct dp_scan *s, void *at)
{
    return dp_scan_time(s, at);
}

static int get_int64(struct dp_scan *s, void *at)
{
    return dp_scan_int(s, at);
}

static int get_int(struct dp_scan *s, void *at)
{
    int64_t v;

    if (dp_scan_int(s, &v))
        return -1;
    if (v < INT_MIN || v > INT_MAX)
        return dp_scan_fail(s, "number out of range");
    *(int *)at = (int)v;
    return 0;
}

static int get_bool(struct dp_scan *s, void *at)
{
    return dp_scan_bool(s, at);
}

/* Base64 of what is text for us. */
static int get_base64_text(struct dp_scan *s, void *at)
{
    uint8_t *data;
    size_t n;

    if (dp_scan_base64(s, &data, &n))
        return -1;
    *(const char **)at = (const char *)data;
    return 0;
}

struct object_arg {
    const struct row *rows;
    size_t nrows;
    char *base;
};

static int object_member(struct dp_scan *s, const char *key, size_t len, void *arg)
{
    const struct object_arg *o = arg;

    for (size_t i = 0; i < o->nrows; i++) {
        if (dp_scan_key_is(key, len, o->rows[i].name))
            return dp_scan_null(s) ? 0 : o->rows[i].fn(s, o->base + o->rows[i].offset);
    }
    return dp_scan_skip(s);
}

#define GET_OBJECT(s, table, to)                                                                   \
    dp_scan_object(                                                                                \
        (s), object_member, &(struct object_arg){(table), DEPOT_ARRAY_LEN(table), (char *)(to)})

/* null stands for an element of zeros, as in Go. */
static int list_element(struct dp_scan *s, void *at, void *arg)
{
    field_fn *const *fn = arg;

    return dp_scan_null(s) ? 0 : (*fn)(s, at);
}

static int get_list(struct dp_scan *s, void *items, size_t *count, size_t size, field_fn *fn)
{
    return dp_scan_list(s, size, list_element, &fn, items, count);
}

static int get_inputs(struct dp_scan *s, void *at)
{
    struct depot_vertex *v =
        (struct depot_vertex *)((char *)at - offsetof(struct depot_vertex, inputs));

    return get_list(s, &v->inputs, &v->ninputs, sizeof(*v->inputs), get_string);
}

static int get_group(struct dp_scan *s, void *at)
{
    static const struct row rows[] = {
        {"id", get_string, offsetof(struct depot_vertex_group, id)},
        {"name", get_string, offsetof(struct depot_vertex_group, name)},
        {"weak", get_bool, offsetof(struct depot_vertex_group, weak)},
    };
    struct depot_vertex_group *g = depot_arena_alloc(s->arena, sizeof(*g));

    *(struct depot_vertex_group **)at = g;
    return GET_OBJECT(s, rows, g);
}

static int get_vertex(struct dp_scan *s, void *at)
{
    static const struct row rows[] = {
        {"digest", get_string, offsetof(struct depot_vertex, digest)},
        {"inputs", get_inputs, offsetof(struct depot_vertex, inputs)},
        {"name", get_string, offsetof(struct depot_vertex, name)},
        {"started", get_time, offsetof(struct depot_vertex, started)},
        {"completed", get_time, offsetof(struct depot_vertex, completed)},
        {"cached", get_bool, offsetof(struct depot_vertex, cached)},
        {"error", get_string, offsetof(struct depot_vertex, error)},
        {"progressGroup", get_group, offsetof(struct depot_vertex, group)},
        {"shared", get_string, offsetof(struct depot_vertex, shared)},
    };

    return GET_OBJECT(s, rows, at);
}

static int get_vertex_status(struct dp_scan *s, void *at)
{
    static const struct row rows[] = {
        {"id", get_string, offsetof(struct depot_vertex_status, id)},
        {"vertex", get_string, offsetof(struct depot_vertex_status, vertex)},
        {"name", get_string, offsetof(struct depot_vertex_status, name)},
        {"total", get_int64, offsetof(struct depot_vertex_status, total)},
        {"current", get_int64, offsetof(struct depot_vertex_status, current)},
        {"timestamp", get_time, offsetof(struct depot_vertex_status, timestamp)},
        {"started", get_time, offsetof(struct depot_vertex_status, started)},
        {"completed", get_time, offsetof(struct depot_vertex_status, completed)},
    };

    return GET_OBJECT(s, rows, at);
}

static int get_log_data(struct dp_scan *s, void *at)
{
    struct depot_vertex_log *l =
        (struct depot_vertex_log *)((char *)at - offsetof(struct depot_vertex_log, data));
    uint8_t *data;

    if (dp_scan_base64(s, &data, &l->len))
        return -1;
    l->data = data;
    return 0;
}

static int get_log(struct dp_scan *s, void *at)
{
    static const struct row rows[] = {
        {"vertex", get_string, offsetof(struct depot_vertex_log, vertex)},
        {"stream", get_int, offsetof(struct depot_vertex_log, stream)},
        {"data", get_log_data, offsetof(struct depot_vertex_log, data)},
        {"timestamp", get_time, offsetof(struct depot_vertex_log, timestamp)},
    };

    return GET_OBJECT(s, rows, at);
}

static int get_detail(struct dp_scan *s, void *at)
{
    struct depot_vertex_warning *w =
        (struct depot_vertex_warning *)((char *)at - offsetof(struct depot_vertex_warning, detail));

    return get_list(s, &w->detail, &w->ndetail, sizeof(*w->detail), get_base64_text);
}

/* Kept as it is written: nobody here looks into it. */
static int get_definition(struct dp_scan *s, void *at)
{
    const char *from;

    while (s->p < s->end && *s->p == ' ')
        s->p++;
    from = s->p;
    if (dp_scan_skip(s))
        return -1;
    *(const char **)at = depot_arena_strndup(s->arena, from, (size_t)(s->p - from));
    return 0;
}

static int get_info_data(struct dp_scan *s, void *at)
{
    struct depot_source_info *info =
        (struct depot_source_info *)((char *)at - offsetof(struct depot_source_info, data));
    uint8_t *data;

    if (dp_scan_base64(s, &data, &info->len))
        return -1;
    info->data = data;
    return 0;
}

static int get_info(struct dp_scan *s, void *at)
{
    static const struct row rows[] = {
        {"filename", get_string, offsetof(struct depot_source_info, filename)},
        {"data", get_info_data, offsetof(struct depot_source_info, data)},
        {"definition", get_definition, offsetof(struct depot_source_info, definition)},
        {"language", get_string, offsetof(struct depot_source_info, language)},
    };
    struct depot_source_info *info = depot_arena_alloc(s->arena, sizeof(*info));

    *(struct depot_source_info **)at = info;
    return GET_OBJECT(s, rows, info);
}

static int get_start(struct dp_scan *s, void *at)
{
    static const struct row rows[] = {
        {"line", get_int, offsetof(struct depot_range, start_line)},
        {"character", get_int, offsetof(struct depot_range, start_char)},
    };

    return GET_OBJECT(s, rows, at);
}

static int get_end(struct dp_scan *s, void *at)
{
    static const struct row rows[] = {
        {"line", get_int, offsetof(struct depot_range, end_line)},
        {"character", get_int, offsetof(struct depot_range, end_char)},
    };

    return GET_OBJECT(s, rows, at);
}

static int get_range(struct dp_scan *s, void *at)
{
    static const struct row rows[] = {
        {"start", get_start, 0},
        {"end", get_end, 0},
    };

    return GET_OBJECT(s, rows, at);
}

static int get_ranges(struct dp_scan *s, void *at)
{
    struct depot_vertex_warning *w =
        (struct depot_vertex_warning *)((char *)at - offsetof(struct depot_vertex_warning, ranges));

    return get_list(s, &w->ranges, &w->nranges, sizeof(*w->ranges), get_range);
}

static int get_warning(struct dp_scan *s, void *at)
{
    static const struct row rows[] = {
        {"vertex", get_string, offsetof(struct depot_vertex_warning, vertex)},
        {"level", get_int, offsetof(struct depot_vertex_warning, level)},
        {"short", get_base64_text, offsetof(struct depot_vertex_warning, short_text)},
        {"detail", get_detail, offsetof(struct depot_vertex_warning, detail)},
        {"url", get_string, offsetof(struct depot_vertex_warning, url)},
        {"sourceInfo", get_info, offsetof(struct depot_vertex_warning, info)},
        {"range", get_ranges, offsetof(struct depot_vertex_warning, ranges)},
    };

    return GET_OBJECT(s, rows, at);
}

int dp_status_member(
    struct dp_scan *s, const char *key, size_t len, struct depot_status *st, bool *known)
{
    *known = true;
    if (dp_scan_key_is(key, len, "vertexes"))
        return dp_scan_null(s)
                   ? 0
                   : get_list(s, &st->vertexes, &st->nvertexes, sizeof(*st->vertexes), get_vertex);
    if (dp_scan_key_is(key, len, "statuses"))
        return dp_scan_null(s) ? 0
                               : get_list(s, &st->statuses, &st->nstatuses, sizeof(*st->statuses),
                                     get_vertex_status);
    if (dp_scan_key_is(key, len, "logs"))
        return dp_scan_null(s) ? 0 : get_list(s, &st->logs, &st->nlogs, sizeof(*st->logs), get_log);
    if (dp_scan_key_is(key, len, "warnings"))
        return dp_scan_null(s)
                   ? 0
                   : get_list(s, &st->warnings, &st->nwarnings, sizeof(*st->warnings), get_warning);
    *known = false;
    return dp_scan_skip(s);
}

static int status_member(struct dp_scan *s, const char *key, size_t len, void *arg)
{
    bool known;

    return dp_status_member(s, key, len, arg, &known);
}

int dp_status_scan(struct dp_scan *s, struct depot_status *st)
{
    return dp_scan_null(s) ? 0 : dp_scan_object(s, status_member, st);
}
