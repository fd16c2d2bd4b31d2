/*
 * Decodes progress messages. This is the hot path of a daemon: a noisy step sends tens of thousands
 * of log records a second, so strings are copied once into the arena, bytes not at all, and a
 * vertex digest that repeats from record to record is shared.
 */
#include "buildkit/status.h"

#include "buildkit/message.h"

#include <string.h>

struct decoder {
    struct depot_arena *arena;
    size_t items;     /* counted against DP_STATUS_MAX_ITEMS */
    const char *last; /* the last vertex reference */
    size_t last_len;
};

/* One row a field: `get` writes what the field holds at `offset` of the record. */
struct field_row {
    uint32_t number;
    enum dp_pb_type type;
    int (*get)(struct decoder *d, const struct dp_pb_field *f, void *at);
    size_t offset;
};

static int read_fields(struct decoder *d, const struct dp_pb_field *msg,
    const struct field_row *rows, size_t nrows, void *record)
{
    struct dp_pb_reader r = dp_pb_read(msg->data, msg->len);
    struct dp_pb_field f;
    int rc;
    while ((rc = dp_pb_next(&r, &f)) > 0) {
        for (size_t i = 0; i < nrows; i++) {
            if (rows[i].number != f.number || rows[i].type != f.type)
                continue;
            rc = rows[i].get(d, &f, (char *)record + rows[i].offset);
            if (rc < 0)
                return rc;
            break;
        }
    }
    return rc;
}

static int count_items(struct decoder *d, size_t n)
{
    if (n > DP_STATUS_MAX_ITEMS - d->items)
        return DEPOT_ERR_TOO_BIG;
    d->items += n;
    return 0;
}

/* How often a repeated field occurs in a message that is known to be well-formed so far. */
static size_t count_field(const uint8_t *data, size_t len, uint32_t number)
{
    struct dp_pb_reader r = dp_pb_read(data, len);
    struct dp_pb_field f;
    size_t n = 0;
    while (dp_pb_next(&r, &f) > 0)
        n += f.number == number && f.type == DP_PB_BYTES;
    return n;
}

/* ---- scalars ---- */
static int get_string(struct decoder *d, const struct dp_pb_field *f, void *at)
{
    *(const char **)at =
        f->len == 0 ? "" : depot_arena_strndup(d->arena, (const char *)f->data, f->len);
    return 0;
}

static int get_string_or_null(struct decoder *d, const struct dp_pb_field *f, void *at)
{
    return f->len == 0 ? 0 : get_string(d, f, at);
}

static int get_vertex_ref(struct decoder *d, const struct dp_pb_field *f, void *at)
{
    if (d->last == NULL || f->len != d->last_len || memcmp(d->last, f->data, f->len) != 0) {
        int rc = get_string(d, f, &d->last);
        if (rc < 0)
            return rc;
        d->last_len = strlen(d->last); /* shorter than what was sent when that holds a NUL */
    }
    *(const char **)at = d->last;
    return 0;
}

static int get_bool(struct decoder *d, const struct dp_pb_field *f, void *at)
{
    (void)d;
    *(bool *)at = f->value != 0;
    return 0;
}

static int get_int64(struct decoder *d, const struct dp_pb_field *f, void *at)
{
    (void)d;
    *(int64_t *)at = (int64_t)f->value;
    return 0;
}

/* What does not fit an int is no line number, stream or level that means anything. */
static int get_int(struct decoder *d, const struct dp_pb_field *f, void *at)
{
    (void)d;
    int64_t v = (int64_t)f->value;
    *(int *)at = v < INT32_MIN || v > INT32_MAX ? 0 : (int)v;
    return 0;
}

/* Times outside what fits a depot_time count as not known. */
static int get_time(struct decoder *d, const struct dp_pb_field *f, void *at)
{
    (void)d;
    struct dp_pb_reader r = dp_pb_read(f->data, f->len);
    struct dp_pb_field part;
    int64_t sec = 0, nsec = 0;
    int rc;
    while ((rc = dp_pb_next(&r, &part)) > 0) {
        if (part.type != DP_PB_VARINT)
            continue;
        if (part.number == 1)
            sec = (int64_t)part.value;
        else if (part.number == 2)
            nsec = (int64_t)part.value;
    }
    if (rc < 0)
        return rc;
    bool fits = sec >= 0 && sec < INT64_MAX / DEPOT_SEC && nsec >= 0 && nsec < DEPOT_SEC;
    *(depot_time *)at = fits ? sec * DEPOT_SEC + nsec : 0;
    return 0;
}

/* ---- vertexes ---- */
static int get_group(struct decoder *d, const struct dp_pb_field *f, void *at)
{
    static const struct field_row rows[] = {
        {1, DP_PB_BYTES, get_string, offsetof(struct depot_vertex_group, id)},
        {2, DP_PB_BYTES, get_string, offsetof(struct depot_vertex_group, name)},
        {3, DP_PB_VARINT, get_bool, offsetof(struct depot_vertex_group, weak)},
    };
    struct depot_vertex_group *g = depot_arena_alloc(d->arena, sizeof(*g));
    *g = (struct depot_vertex_group){.id = "", .name = ""};
    *(struct depot_vertex_group **)at = g;
    return read_fields(d, f, rows, DEPOT_ARRAY_LEN(rows), g);
}

static int get_input(struct decoder *d, const struct dp_pb_field *f, void *at)
{
    struct depot_vertex *v = at;
    return get_string(d, f, &v->inputs[v->ninputs++]);
}

static int decode_vertex(struct decoder *d, const struct dp_pb_field *f, struct depot_vertex *v)
{
    static const struct field_row rows[] = {
        {1, DP_PB_BYTES, get_string, offsetof(struct depot_vertex, digest)},
        {2, DP_PB_BYTES, get_input, 0},
        {3, DP_PB_BYTES, get_string, offsetof(struct depot_vertex, name)},
        {4, DP_PB_VARINT, get_bool, offsetof(struct depot_vertex, cached)},
        {5, DP_PB_BYTES, get_time, offsetof(struct depot_vertex, started)},
        {6, DP_PB_BYTES, get_time, offsetof(struct depot_vertex, completed)},
        {7, DP_PB_BYTES, get_string_or_null, offsetof(struct depot_vertex, error)},
        {8, DP_PB_BYTES, get_group, offsetof(struct depot_vertex, group)},
    };
    v->digest = v->name = "";
    size_t ninputs = count_field(f->data, f->len, 2);
    int rc = count_items(d, ninputs);
    if (rc < 0)
        return rc;
    if (ninputs > 0)
        v->inputs = depot_arena_alloc(d->arena, ninputs * sizeof(*v->inputs));
    return read_fields(d, f, rows, DEPOT_ARRAY_LEN(rows), v);
}

/* ---- statuses and logs ---- */
static int decode_status(
    struct decoder *d, const struct dp_pb_field *f, struct depot_vertex_status *s)
{
    static const struct field_row rows[] = {
        {1, DP_PB_BYTES, get_string, offsetof(struct depot_vertex_status, id)},
        {2, DP_PB_BYTES, get_vertex_ref, offsetof(struct depot_vertex_status, vertex)},
        {3, DP_PB_BYTES, get_string, offsetof(struct depot_vertex_status, name)},
        {4, DP_PB_VARINT, get_int64, offsetof(struct depot_vertex_status, current)},
        {5, DP_PB_VARINT, get_int64, offsetof(struct depot_vertex_status, total)},
        {6, DP_PB_BYTES, get_time, offsetof(struct depot_vertex_status, timestamp)},
        {7, DP_PB_BYTES, get_time, offsetof(struct depot_vertex_status, started)},
        {8, DP_PB_BYTES, get_time, offsetof(struct depot_vertex_status, completed)},
    };
    s->id = s->vertex = s->name = "";
    return read_fields(d, f, rows, DEPOT_ARRAY_LEN(rows), s);
}

static int decode_log(struct decoder *d, const struct dp_pb_field *msg, struct depot_vertex_log *l)
{
    l->vertex = "";
    l->data = (const uint8_t *)"";
    struct dp_pb_reader r = dp_pb_read(msg->data, msg->len);
    struct dp_pb_field f;
    int rc;
    while ((rc = dp_pb_next(&r, &f)) > 0) {
        int bad = 0;
        if (f.number == 1 && f.type == DP_PB_BYTES)
            bad = get_vertex_ref(d, &f, &l->vertex);
        else if (f.number == 2 && f.type == DP_PB_BYTES)
            bad = get_time(d, &f, &l->timestamp);
        else if (f.number == 3 && f.type == DP_PB_VARINT)
            bad = get_int(d, &f, &l->stream);
        else if (f.number == 4 && f.type == DP_PB_BYTES) {
            l->data = f.data;
            l->len = f.len;
        }
        if (bad < 0)
            return bad;
    }
    return rc;
}

/* ---- warnings ---- */
static int get_info_data(struct decoder *d, const struct dp_pb_field *f, void *at)
{
    (void)d;
    struct depot_source_info *info = at;
    info->data = f->data;
    info->len = f->len;
    return 0;
}

static int get_info(struct decoder *d, const struct dp_pb_field *f, void *at)
{
    static const struct field_row rows[] = {
        {1, DP_PB_BYTES, get_string, offsetof(struct depot_source_info, filename)},
        {2, DP_PB_BYTES, get_info_data, 0},
        {4, DP_PB_BYTES, get_string, offsetof(struct depot_source_info, language)},
    };
    struct depot_source_info *info = depot_arena_alloc(d->arena, sizeof(*info));
    info->filename = info->language = "";
    info->data = (const uint8_t *)"";
    *(struct depot_source_info **)at = info;
    return read_fields(d, f, rows, DEPOT_ARRAY_LEN(rows), info);
}

static int get_start(struct decoder *d, const struct dp_pb_field *f, void *at)
{
    static const struct field_row rows[] = {
        {1, DP_PB_VARINT, get_int, offsetof(struct depot_range, start_line)},
        {2, DP_PB_VARINT, get_int, offsetof(struct depot_range, start_char)},
    };
    return read_fields(d, f, rows, DEPOT_ARRAY_LEN(rows), at);
}

static int get_end(struct decoder *d, const struct dp_pb_field *f, void *at)
{
    static const struct field_row rows[] = {
        {1, DP_PB_VARINT, get_int, offsetof(struct depot_range, end_line)},
        {2, DP_PB_VARINT, get_int, offsetof(struct depot_range, end_char)},
    };
    return read_fields(d, f, rows, DEPOT_ARRAY_LEN(rows), at);
}

static int get_range(struct decoder *d, const struct dp_pb_field *f, void *at)
{
    static const struct field_row rows[] = {
        {1, DP_PB_BYTES, get_start, 0},
        {2, DP_PB_BYTES, get_end, 0},
    };
    struct depot_vertex_warning *w = at;
    return read_fields(d, f, rows, DEPOT_ARRAY_LEN(rows), &w->ranges[w->nranges++]);
}

static int get_detail(struct decoder *d, const struct dp_pb_field *f, void *at)
{
    struct depot_vertex_warning *w = at;
    return get_string(d, f, &w->detail[w->ndetail++]);
}

static int decode_warning(
    struct decoder *d, const struct dp_pb_field *f, struct depot_vertex_warning *w)
{
    static const struct field_row rows[] = {
        {1, DP_PB_BYTES, get_vertex_ref, offsetof(struct depot_vertex_warning, vertex)},
        {2, DP_PB_VARINT, get_int, offsetof(struct depot_vertex_warning, level)},
        {3, DP_PB_BYTES, get_string, offsetof(struct depot_vertex_warning, short_text)},
        {4, DP_PB_BYTES, get_detail, 0},
        {5, DP_PB_BYTES, get_string, offsetof(struct depot_vertex_warning, url)},
        {6, DP_PB_BYTES, get_info, offsetof(struct depot_vertex_warning, info)},
        {7, DP_PB_BYTES, get_range, 0},
    };
    w->vertex = w->short_text = w->url = "";
    size_t ndetail = count_field(f->data, f->len, 4);
    size_t nranges = count_field(f->data, f->len, 7);
    int rc = count_items(d, ndetail + nranges);
    if (rc < 0)
        return rc;
    if (ndetail > 0)
        w->detail = depot_arena_alloc(d->arena, ndetail * sizeof(*w->detail));
    if (nranges > 0)
        w->ranges = depot_arena_alloc(d->arena, nranges * sizeof(*w->ranges));
    return read_fields(d, f, rows, DEPOT_ARRAY_LEN(rows), w);
}

/* ---- the message ---- */
enum { KIND_VERTEX = 1, KIND_STATUS, KIND_LOG, KIND_WARNING, KIND_COUNT };

/* First pass: how many records of each kind, and whether the frame is sound. */
static int count_records(const void *msg, size_t n, size_t counts[KIND_COUNT])
{
    struct dp_pb_reader r = dp_pb_read(msg, n);
    struct dp_pb_field f;
    int rc;
    while ((rc = dp_pb_next(&r, &f)) > 0) {
        if (f.type == DP_PB_BYTES && f.number < KIND_COUNT)
            counts[f.number]++;
    }
    return rc;
}

int dp_bk_status_kinds(const void *msg, size_t n)
{
    size_t counts[KIND_COUNT] = {0};
    int rc = count_records(msg, n, counts);
    if (rc < 0)
        return rc;
    bool others = counts[KIND_STATUS] + counts[KIND_LOG] + counts[KIND_WARNING] > 0;
    return (counts[KIND_VERTEX] > 0 ? DP_STATUS_VERTEXES : 0) | (others ? DP_STATUS_OTHERS : 0);
}

static void *alloc_records(struct decoder *d, size_t n, size_t size)
{
    return n > 0 ? depot_arena_alloc(d->arena, n * size) : NULL;
}

static int decode_records(struct decoder *d, const void *msg, size_t n, struct depot_status *st)
{
    struct dp_pb_reader r = dp_pb_read(msg, n);
    struct dp_pb_field f;
    int rc;
    while ((rc = dp_pb_next(&r, &f)) > 0) {
        int bad = 0;
        if (f.type != DP_PB_BYTES)
            continue;
        if (f.number == KIND_VERTEX)
            bad = decode_vertex(d, &f, &st->vertexes[st->nvertexes++]);
        else if (f.number == KIND_STATUS)
            bad = decode_status(d, &f, &st->statuses[st->nstatuses++]);
        else if (f.number == KIND_LOG)
            bad = decode_log(d, &f, &st->logs[st->nlogs++]);
        else if (f.number == KIND_WARNING)
            bad = decode_warning(d, &f, &st->warnings[st->nwarnings++]);
        if (bad < 0)
            return bad;
    }
    return rc;
}

int dp_bk_status_decode(const void *msg, size_t n, struct depot_arena *arena,
    struct depot_status *out, struct depot_error *err)
{
    struct decoder d = {.arena = arena};
    size_t counts[KIND_COUNT] = {0};
    struct depot_status st = {0};
    int rc = count_records(msg, n, counts);
    for (int i = KIND_VERTEX; i < KIND_COUNT && rc >= 0; i++)
        rc = count_items(&d, counts[i]);
    if (rc >= 0) {
        st.vertexes = alloc_records(&d, counts[KIND_VERTEX], sizeof(*st.vertexes));
        st.statuses = alloc_records(&d, counts[KIND_STATUS], sizeof(*st.statuses));
        st.logs = alloc_records(&d, counts[KIND_LOG], sizeof(*st.logs));
        st.warnings = alloc_records(&d, counts[KIND_WARNING], sizeof(*st.warnings));
        rc = decode_records(&d, msg, n, &st);
    }
    if (rc < 0) {
        *out = (struct depot_status){0};
        return depot_error_set(err, rc,
            rc == DEPOT_ERR_TOO_BIG ? "progress message with more than %d records"
                                    : "malformed progress message (ceiling of records: %d)",
            DP_STATUS_MAX_ITEMS);
    }
    *out = st;
    return 0;
}
