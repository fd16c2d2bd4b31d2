/*
 * Reads error details: JSON inside Any inside Status. It looks for the place in the Dockerfile and
 * the failed vertex, and cuts the excerpt out of the source that came along; stacks are skipped.
 */
#include "buildkit/error.h"

#include "google.pb-c.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

enum { JSON_DEPTH = 16, UNKNOWN_CODE = 2 };

/* Engines before 0.11 wrote `Line`, later ones `line`. */
static struct json_object *member(struct json_object *o, const char *name)
{
    if (!json_object_is_type(o, json_type_object))
        return NULL;
    json_object_object_foreach(o, key, value)
    {
        if (strcasecmp(key, name) == 0)
            return value;
    }
    return NULL;
}

static const char *member_str(struct json_object *o, const char *name)
{
    struct json_object *v = member(o, name);
    return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

static int member_int(struct json_object *o, const char *name)
{
    struct json_object *v = member(o, name);
    if (!json_object_is_type(v, json_type_int))
        return 0;
    int64_t n = json_object_get_int64(v);
    return n < 0 || n > INT_MAX / 2 ? 0 : (int)n;
}

/* ---- the excerpt ---- */
struct text {
    const char *data;
    size_t len;
    int nlines; /* as split at newlines: a final newline opens one more, empty, line */
};

static int count_lines(const char *data, size_t n)
{
    int lines = 1;
    for (const char *p = data, *end = data + n; (p = memchr(p, '\n', (size_t)(end - p))) != NULL;
         p++)
        lines++;
    return lines;
}

/* The lines the ranges span; false when there are none or they are outside of the text. */
static bool span(const struct depot_build_error *e, int nlines, int *first, int *last)
{
    *first = INT_MAX;
    *last = 0;
    for (size_t i = 0; i < e->nranges; i++) {
        const struct depot_range *r = &e->ranges[i];
        int end = r->end_line > r->start_line ? r->end_line : r->start_line;
        *first = r->start_line < *first ? r->start_line : *first;
        *last = end > *last ? end : *last;
    }
    if (e->nranges == 0 || *first < 1 || *first > nlines)
        return false;
    *last = *last > nlines ? nlines : *last;
    return true;
}

static void cut_lines(const struct text *t, int first, int last, struct depot_arena *arena,
    struct depot_build_error *out)
{
    const char *p = t->data, *end = t->data + t->len;
    if (last - first >= DP_BK_ERROR_MAX_LINES)
        last = first + DP_BK_ERROR_MAX_LINES - 1;
    out->lines = depot_arena_alloc(arena, (size_t)(last - first + 1) * sizeof(*out->lines));
    out->first_line = first;
    for (int line = 1; line <= last; line++) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        const char *stop = nl != NULL ? nl : end;
        if (line >= first) {
            size_t n = (size_t)(stop - p);
            if (n > 0 && p[n - 1] == '\r')
                n--;
            n = n > DP_BK_ERROR_MAX_LINE ? DP_BK_ERROR_MAX_LINE : n;
            out->lines[out->nlines++] = depot_arena_strndup(arena, p, n);
        }
        if (nl == NULL)
            break;
        p = nl + 1;
    }
}

/* Two lines around an error of one line, one line around a longer one, as buildx shows it. */
static void add_excerpt(
    const struct text *t, struct depot_arena *arena, struct depot_build_error *out)
{
    int first, last;
    if (!span(out, t->nlines, &first, &last))
        return;
    int around = first == last ? 2 : 1;
    first = first > around ? first - around : 1;
    last = last < t->nlines - around ? last + around : t->nlines;
    cut_lines(t, first, last, arena, out);
}

/* ---- details ---- */
static void add_ranges(
    struct json_object *list, struct depot_arena *arena, struct depot_build_error *out)
{
    if (!json_object_is_type(list, json_type_array))
        return;
    size_t n = json_object_array_length(list);
    n = n > DP_BK_ERROR_MAX_RANGES ? DP_BK_ERROR_MAX_RANGES : n;
    if (n == 0)
        return;
    out->ranges = depot_arena_alloc(arena, n * sizeof(*out->ranges));
    for (size_t i = 0; i < n; i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        struct json_object *start = member(o, "start"), *end = member(o, "end");
        out->ranges[out->nranges++] = (struct depot_range){
            .start_line = member_int(start, "line"),
            .start_char = member_int(start, "character"),
            .end_line = member_int(end, "line"),
            .end_char = member_int(end, "character"),
        };
    }
}

static void add_source(
    struct json_object *o, struct depot_arena *arena, struct depot_build_error *out)
{
    struct json_object *info = member(o, "info");
    const char *file = member_str(info, "filename");
    const char *data = member_str(info, "data");
    struct depot_build_error found = *out;
    if (out->file != NULL || info == NULL)
        return;
    add_ranges(member(o, "ranges"), arena, &found);
    if (found.nranges == 0)
        return;
    found.file = depot_arena_strdup(arena, depot_str_empty(file) ? "Dockerfile" : file);
    if (data != NULL) {
        size_t n = strlen(data), len = 0;
        char *text = depot_alloc(n / 4 * 3 + 3);
        if (depot_base64_decode(text, &len, data, n) == 0) {
            struct text t = {.data = text, .len = len, .nlines = count_lines(text, len)};
            add_excerpt(&t, arena, &found);
        }
        depot_free(text);
    }
    *out = found;
}

static void add_vertex(
    struct json_object *o, struct depot_arena *arena, struct depot_build_error *out)
{
    const char *digest = member_str(o, "digest");
    if (out->vertex == NULL && !depot_str_empty(digest))
        out->vertex = depot_arena_strdup(arena, digest);
}

static const struct {
    const char *suffix;
    void (*add)(struct json_object *o, struct depot_arena *arena, struct depot_build_error *out);
} detail_rows[] = {
    {"errdefs.Source+json", add_source},
    {"errdefs.Vertex+json", add_vertex},
};

void dp_bk_error_add_detail(const char *type_url, const char *json, size_t n,
    struct depot_arena *arena, struct depot_build_error *out)
{
    size_t row = 0;
    while (row < DEPOT_ARRAY_LEN(detail_rows) && !depot_str_ends(type_url, detail_rows[row].suffix))
        row++;
    if (row == DEPOT_ARRAY_LEN(detail_rows) || n == 0 || n > DP_BK_ERROR_MAX_DETAILS)
        return;
    struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH);
    struct json_object *o = tok != NULL ? json_tokener_parse_ex(tok, json, (int)n) : NULL;
    if (o != NULL)
        detail_rows[row].add(o, arena, out);
    json_object_put(o);
    if (tok != NULL)
        json_tokener_free(tok);
}

void dp_bk_error_convert(
    const struct Google__Status *st, struct depot_arena *arena, struct depot_build_error *out)
{
    *out = (struct depot_build_error){
        .message = depot_arena_strdup(arena, st->message),
        .code = st->code != 0 ? st->code : UNKNOWN_CODE,
    };
    for (size_t i = 0; i < st->n_details; i++) {
        const Google__Any *any = st->details[i];
        dp_bk_error_add_detail(
            any->type_url, (const char *)any->value.data, any->value.len, arena, out);
    }
}

int dp_bk_error_decode(
    const void *status, size_t n, struct depot_arena *arena, struct depot_build_error *out)
{
    if (n > DP_BK_ERROR_MAX_DETAILS)
        return DEPOT_ERR_TOO_BIG;
    Google__Status *st = google__status__unpack(NULL, n, status);
    if (st == NULL)
        return DEPOT_ERR_PROTOCOL;
    dp_bk_error_convert(st, arena, out);
    google__status__free_unpacked(st, NULL);
    return 0;
}
