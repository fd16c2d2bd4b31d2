/*
 * Reads events. A build.status, frequent and big, is scanned in place; all others are small and go
 * through json-c and the tables of fields.c.
 */
#include "wire/wire_priv.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>

enum {
    /* Elements of all arrays of one line together: bounds what a line grows to in memory. */
    DP_WIRE_ITEMS_MAX = 1024 * 1024,
};

struct reading {
    struct depot_arena *arena;
    size_t items;
    const char *field; /* of the wrong type; NULL: none */
};

static const char *copy_string(struct reading *r, struct json_object *o)
{
    return depot_arena_strndup(
        r->arena, json_object_get_string(o), (size_t)json_object_get_string_len(o));
}

static int wrong(struct reading *r, const char *field)
{
    r->field = field;
    return -1;
}

static int check_count(struct reading *r, const char *field, size_t n)
{
    r->items += n;
    return r->items > DP_WIRE_ITEMS_MAX ? wrong(r, field) : 0;
}

static int read_strv(struct reading *r, const struct dp_field *f, struct json_object *o, char *base)
{
    size_t n;
    const char **list;

    if (!json_object_is_type(o, json_type_array))
        return wrong(r, f->name);
    n = json_object_array_length(o);
    if (check_count(r, f->name, n))
        return -1;
    list = depot_arena_alloc(r->arena, (n + 1) * sizeof(*list));
    for (size_t i = 0; i < n; i++) {
        struct json_object *e = json_object_array_get_idx(o, i);

        if (!json_object_is_type(e, json_type_string))
            return wrong(r, f->name);
        list[i] = copy_string(r, e);
    }
    *(const char ***)(void *)(base + f->offset) = list;
    *(size_t *)(void *)(base + f->count) = n;
    return 0;
}

static int read_pairs(
    struct reading *r, const struct dp_field *f, struct json_object *o, char *base)
{
    size_t n = 0;
    struct depot_pair *pairs;

    if (!json_object_is_type(o, json_type_object))
        return wrong(r, f->name);
    if (check_count(r, f->name, (size_t)json_object_object_length(o)))
        return -1;
    pairs =
        depot_arena_alloc(r->arena, ((size_t)json_object_object_length(o) + 1) * sizeof(*pairs));
    json_object_object_foreach(o, key, value)
    {
        if (!json_object_is_type(value, json_type_string))
            return wrong(r, f->name);
        pairs[n].key = depot_arena_strdup(r->arena, key);
        pairs[n++].value = copy_string(r, value);
    }
    *(struct depot_pair **)(void *)(base + f->offset) = pairs;
    *(size_t *)(void *)(base + f->count) = n;
    return 0;
}

static int line_number(struct json_object *pair, size_t i)
{
    int64_t v = json_object_get_int64(json_object_array_get_idx(pair, i));

    return v < 0 ? 0 : v > INT_MAX ? INT_MAX : (int)v;
}

static int read_ranges(
    struct reading *r, const struct dp_field *f, struct json_object *o, char *base)
{
    size_t n;
    struct depot_range *ranges;

    if (!json_object_is_type(o, json_type_array))
        return wrong(r, f->name);
    n = json_object_array_length(o);
    if (check_count(r, f->name, n))
        return -1;
    ranges = depot_arena_alloc(r->arena, (n + 1) * sizeof(*ranges));
    for (size_t i = 0; i < n; i++) {
        struct json_object *e = json_object_array_get_idx(o, i);

        if (!json_object_is_type(e, json_type_array) || json_object_array_length(e) != 2)
            return wrong(r, f->name);
        ranges[i].start_line = line_number(e, 0);
        ranges[i].end_line = line_number(e, 1);
    }
    *(struct depot_range **)(void *)(base + f->offset) = ranges;
    *(size_t *)(void *)(base + f->count) = n;
    return 0;
}

static int read_fields(
    struct reading *r, const struct dp_field *fields, struct json_object *o, char *base);

static int read_array(
    struct reading *r, const struct dp_field *f, struct json_object *o, char *base)
{
    size_t n;
    char *items;

    if (!json_object_is_type(o, json_type_array))
        return wrong(r, f->name);
    n = json_object_array_length(o);
    if (check_count(r, f->name, n))
        return -1;
    items = depot_arena_alloc(r->arena, (n + 1) * f->size);
    *(char **)(void *)(base + f->offset) = items;
    *(size_t *)(void *)(base + f->count) = n;
    for (size_t i = 0; i < n; i++)
        if (read_fields(r, f->sub, json_object_array_get_idx(o, i), items + i * f->size))
            return -1;
    return 0;
}

/* Numbers: an integer may be written as 1.0 by languages that know no other kind. */
static int read_number(struct reading *r, const struct dp_field *f, struct json_object *o, void *at)
{
    int64_t v;

    if (!json_object_is_type(o, json_type_int) && !json_object_is_type(o, json_type_double))
        return wrong(r, f->name);
    v = json_object_get_int64(o);
    if (f->kind == DP_FIELD_F64)
        *(double *)at = json_object_get_double(o);
    else if (f->kind == DP_FIELD_U64)
        *(uint64_t *)at = v < 0 ? 0 : (uint64_t)v;
    else if (f->kind == DP_FIELD_I64)
        *(int64_t *)at = v;
    else
        *(int *)at = v > INT_MAX ? INT_MAX : v < INT_MIN ? INT_MIN : (int)v;
    return 0;
}

static int read_text(struct reading *r, const struct dp_field *f, struct json_object *o, void *at)
{
    int state;

    if (!json_object_is_type(o, json_type_string))
        return wrong(r, f->name);
    switch (f->kind) {
    case DP_FIELD_TIME:
        if (depot_time_parse(json_object_get_string(o), (size_t)json_object_get_string_len(o), at))
            return wrong(r, f->name);
        return 0;
    case DP_FIELD_STATE:
        state = depot_build_state_from_name(json_object_get_string(o));
        if (state < 0)
            return wrong(r, f->name);
        *(enum depot_build_state *)at = (enum depot_build_state)state;
        return 0;
    default:
        *(const char **)at = copy_string(r, o);
        return 0;
    }
}

static int read_value(
    struct reading *r, const struct dp_field *f, struct json_object *o, char *base)
{
    void *at = base + f->offset;

    switch (f->kind) {
    case DP_FIELD_STR:
    case DP_FIELD_TIME:
    case DP_FIELD_STATE:
        return read_text(r, f, o, at);
    case DP_FIELD_INT:
    case DP_FIELD_I64:
    case DP_FIELD_U64:
    case DP_FIELD_F64:
        return read_number(r, f, o, at);
    case DP_FIELD_BOOL:
        if (!json_object_is_type(o, json_type_boolean))
            return wrong(r, f->name);
        *(bool *)at = json_object_get_boolean(o);
        return 0;
    case DP_FIELD_STRV:
        return read_strv(r, f, o, base);
    case DP_FIELD_PAIRS:
        return read_pairs(r, f, o, base);
    case DP_FIELD_RANGES:
        return read_ranges(r, f, o, base);
    case DP_FIELD_POINTER:
        *(void **)at = depot_arena_alloc(r->arena, f->size);
        return read_fields(r, f->sub, o, *(void **)at);
    case DP_FIELD_ARRAY:
        return read_array(r, f, o, base);
    case DP_FIELD_GROUP:
    case DP_FIELD_INLINE:
        return read_fields(r, f->sub, o, at);
    }
    return 0;
}

static int read_fields(
    struct reading *r, const struct dp_field *fields, struct json_object *o, char *base)
{
    if (!json_object_is_type(o, json_type_object))
        return wrong(r, fields->name);
    for (const struct dp_field *f = fields; f->name; f++) {
        struct json_object *value = NULL;

        /* What is not said is not known. */
        if (f->flags & DP_OMIT_NEGATIVE) {
            if (f->kind == DP_FIELD_F64)
                *(double *)(void *)(base + f->offset) = -1;
            else
                *(int64_t *)(void *)(base + f->offset) = -1;
        }
        if (f->kind == DP_FIELD_INLINE) {
            if (read_fields(r, f->sub, o, base + f->offset))
                return -1;
            continue;
        }
        if (json_object_object_get_ex(o, f->name, &value) && value && read_value(r, f, value, base))
            return -1;
    }
    return 0;
}

int dp_fields_decode(struct json_object *o, const struct dp_field *fields, void *base,
    struct depot_arena *arena, struct depot_error *err)
{
    struct reading r = {.arena = arena};

    if (read_fields(&r, fields, o, base))
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "member \"%s\" is not as it should be", r.field);
    return 0;
}

static int read_snapshot(struct reading *r, struct json_object *o, struct depot_ev_snapshot *out)
{
    struct dp_snapshot s = {0};

    if (read_fields(r, dp_snapshot_fields, o, (char *)&s))
        return -1;
    out->nbuilders = s.nbuilders;
    out->nbuilds = s.nbuilds;
    out->builds = s.builds;
    out->builders = depot_arena_alloc(r->arena, (s.nbuilders + 1) * sizeof(*out->builders));
    out->builder_up = depot_arena_alloc(r->arena, s.nbuilders + 1);
    for (size_t i = 0; i < s.nbuilders; i++) {
        out->builders[i] = s.builders[i].b;
        out->builder_up[i] = s.builders[i].up;
    }
    return 0;
}

static int read_body(struct reading *r, struct json_object *o, struct depot_event *ev)
{
    const struct dp_field *fields = dp_fields_of(ev->type);

    if (ev->type == DEPOT_EVENT_FLEET_SNAPSHOT)
        return read_snapshot(r, o, &ev->u.snapshot);
    if (!fields)
        return 0;
    /* The metrics are in the same struct for up and down, which do not carry them. */
    if (ev->type == DEPOT_EVENT_BUILDER_UP || ev->type == DEPOT_EVENT_BUILDER_DOWN)
        fields = dp_fields_of(DEPOT_EVENT_BUILDER_METRICS);
    return read_fields(r, fields, o, (char *)&ev->u);
}

static int decode_object(
    const char *line, size_t n, struct depot_event *ev, struct depot_error *err)
{
    struct json_tokener *tok = json_tokener_new_ex(DEPOT_WIRE_DEPTH_MAX);
    struct json_object *o = NULL;
    struct reading r = {.arena = &ev->arena};
    int rc = 0;

    if (!tok)
        return depot_error_set(err, DEPOT_ERR_INTERNAL, "no JSON reader");
    o = json_tokener_parse_ex(tok, line, (int)n);
    if (!o || json_tokener_get_error(tok) != json_tokener_success) {
        rc = depot_error_set(err, DEPOT_ERR_INVALID, "not a JSON object: %s",
            json_tokener_error_desc(json_tokener_get_error(tok)));
        goto out;
    }
    if (read_body(&r, o, ev))
        rc = depot_error_set(err, DEPOT_ERR_INVALID, "%s: member \"%s\" is not as it should be",
            depot_event_name(ev->type), r.field);
out:
    json_object_put(o);
    json_tokener_free(tok);
    return rc;
}

/* What the first pass over a line finds. */
struct head {
    struct depot_event *ev;
    const char *type, *platform, *builder;
    const char *status; /* where its value starts, when it came before the type */
    struct depot_status body;
    int64_t version;
    size_t members;
    bool raw; /* has members of a bare status */
};

static int head_number(struct dp_scan *s, uint64_t *out)
{
    int64_t v;

    if (dp_scan_int(s, &v))
        return -1;
    *out = v < 0 ? 0 : (uint64_t)v;
    return 0;
}

static int head_status(struct dp_scan *s, struct head *h)
{
    if (h->type && strcmp(h->type, "build.status") == 0)
        return dp_status_scan(s, &h->body);
    h->status = s->p;
    return dp_scan_skip(s);
}

static int head_member(struct dp_scan *s, const char *key, size_t len, void *arg)
{
    struct head *h = arg;
    size_t n;
    bool known;

    h->members++;
    if (dp_scan_key_is(key, len, "type"))
        return dp_scan_string(s, &h->type, &n);
    if (dp_scan_key_is(key, len, "v"))
        return dp_scan_int(s, &h->version);
    if (dp_scan_key_is(key, len, "seq"))
        return head_number(s, &h->ev->seq);
    if (dp_scan_key_is(key, len, "time"))
        return dp_scan_null(s) ? 0 : dp_scan_time(s, &h->ev->time);
    if (dp_scan_key_is(key, len, "build"))
        return dp_scan_null(s) ? 0 : dp_scan_string(s, &h->ev->build, &n);
    if (h->type && strcmp(h->type, "build.status") != 0)
        return dp_scan_skip(s);
    if (dp_scan_key_is(key, len, "status"))
        return head_status(s, h);
    if (h->type && dp_scan_key_is(key, len, "platform"))
        return dp_scan_null(s) ? 0 : dp_scan_string(s, &h->platform, &n);
    if (h->type && dp_scan_key_is(key, len, "builder"))
        return dp_scan_null(s) ? 0 : dp_scan_string(s, &h->builder, &n);
    if (h->type)
        return dp_scan_skip(s);
    if (dp_status_member(s, key, len, &h->body, &known))
        return -1;
    h->raw = h->raw || known;
    return 0;
}

static int late_member(struct dp_scan *s, const char *key, size_t len, void *arg)
{
    struct head *h = arg;
    size_t n;

    if (dp_scan_key_is(key, len, "platform"))
        return dp_scan_null(s) ? 0 : dp_scan_string(s, &h->platform, &n);
    if (dp_scan_key_is(key, len, "builder"))
        return dp_scan_null(s) ? 0 : dp_scan_string(s, &h->builder, &n);
    if (dp_scan_key_is(key, len, "status"))
        return dp_status_scan(s, &h->body);
    return dp_scan_skip(s);
}

static int scan_error(const struct dp_scan *s, struct depot_error *err)
{
    return depot_error_set(err, s->too_big ? DEPOT_ERR_TOO_BIG : DEPOT_ERR_INVALID,
        "not a feed event: %s at byte %zu", s->why, (size_t)(s->p - s->begin) + 1);
}

static int decode_line(const char *line, size_t n, struct depot_event *out, struct depot_error *err)
{
    struct dp_scan s = {
        .begin = line,
        .p = line,
        .end = line + n,
        .arena = &out->arena,
        .items_max = DP_WIRE_ITEMS_MAX,
        .depth_max = DEPOT_WIRE_DEPTH_MAX,
    };
    struct head h = {.ev = out, .version = 1};

    if (dp_scan_object(&s, head_member, &h) || dp_scan_end(&s))
        return scan_error(&s, err);
    if (!h.type) {
        out->type = h.raw || !h.members ? DEPOT_EVENT_BUILD_STATUS : DEPOT_EVENT_UNKNOWN;
    } else {
        out->type = h.version == 1 ? depot_event_from_name(h.type) : DEPOT_EVENT_UNKNOWN;
        /* Its members came before its type: once more, now knowing what they are. */
        if (out->type == DEPOT_EVENT_BUILD_STATUS && (h.status || !h.platform)) {
            s.p = line;
            if (dp_scan_object(&s, late_member, &h))
                return scan_error(&s, err);
        }
    }
    if (out->type == DEPOT_EVENT_BUILD_STATUS) {
        out->u.status.platform = h.platform ? h.platform : "";
        out->u.status.builder = h.builder ? h.builder : "";
        out->u.status.status = h.body;
        return 0;
    }
    return out->type == DEPOT_EVENT_UNKNOWN ? 0 : decode_object(line, n, out, err);
}

int depot_wire_decode(const char *line, size_t n, struct depot_event *out, struct depot_error *err)
{
    struct depot_event ev = {.type = DEPOT_EVENT_UNKNOWN};
    int rc;

    if (n > DEPOT_WIRE_LINE_MAX)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG,
            "a line of more than %d MiB is not a feed event", DEPOT_WIRE_LINE_MAX >> 20);
    rc = decode_line(line, n, &ev, err);
    if (rc) {
        depot_event_release(&ev);
        return rc;
    }
    *out = ev;
    return 0;
}
