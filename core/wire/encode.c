/*
 * Writes events: the envelope, then the body by its table.
 */
#include "wire/wire_priv.h"

#include <string.h>

static void put_str(struct depot_buf *out, const char *s)
{
    dp_json_string(out, s ? s : "", s ? strlen(s) : 0);
}

static void put_strv(struct depot_buf *out, const char *const *list, size_t n)
{
    depot_buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            depot_buf_addc(out, ',');
        put_str(out, list[i]);
    }
    depot_buf_addc(out, ']');
}

static void put_pairs(struct depot_buf *out, const struct depot_pair *pairs, size_t n)
{
    depot_buf_addc(out, '{');
    for (size_t i = 0; i < n; i++) {
        if (i)
            depot_buf_addc(out, ',');
        put_str(out, pairs[i].key);
        depot_buf_addc(out, ':');
        put_str(out, pairs[i].value);
    }
    depot_buf_addc(out, '}');
}

static void put_ranges(struct depot_buf *out, const struct depot_range *r, size_t n)
{
    depot_buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        depot_buf_adds(out, i ? ",[" : "[");
        dp_json_int(out, r[i].start_line);
        depot_buf_addc(out, ',');
        dp_json_int(out, r[i].end_line);
        depot_buf_addc(out, ']');
    }
    depot_buf_addc(out, ']');
}

static void put_object(struct depot_buf *out, const struct dp_field *fields, const void *base)
{
    bool first = true;

    depot_buf_addc(out, '{');
    dp_fields_encode(out, &first, fields, base);
    depot_buf_addc(out, '}');
}

static size_t count_at(const struct dp_field *f, const char *base)
{
    return *(const size_t *)(const void *)(base + f->count);
}

/* Strings and times that are not set, and numbers that are not known, are left out. */
static bool is_omitted(const struct dp_field *f, const char *base)
{
    const void *at = base + f->offset;

    switch (f->kind) {
    case DP_FIELD_STR:
        return *(const char *const *)at == NULL;
    case DP_FIELD_POINTER:
        return *(const void *const *)at == NULL;
    case DP_FIELD_TIME:
        return *(const depot_time *)at == 0;
    case DP_FIELD_I64:
        return (f->flags & DP_OMIT_NEGATIVE) && *(const int64_t *)at < 0;
    case DP_FIELD_F64:
        return (f->flags & DP_OMIT_NEGATIVE) && *(const double *)at < 0;
    case DP_FIELD_STRV:
        return (f->flags & DP_OMIT_ZERO) && count_at(f, base) == 0;
    case DP_FIELD_GROUP:
        return (f->flags & DP_OMIT_ZERO) && !*(const char *const *)(const void *)(base + f->count);
    default:
        return false;
    }
}

static void put_array(struct depot_buf *out, const struct dp_field *f, const char *base)
{
    const char *items = *(const char *const *)(const void *)(base + f->offset);

    depot_buf_addc(out, '[');
    for (size_t i = 0; i < count_at(f, base); i++) {
        if (i)
            depot_buf_addc(out, ',');
        put_object(out, f->sub, items + i * f->size);
    }
    depot_buf_addc(out, ']');
}

static void put_value(struct depot_buf *out, const struct dp_field *f, const char *base)
{
    const void *at = base + f->offset;

    switch (f->kind) {
    case DP_FIELD_STR:
        put_str(out, *(const char *const *)at);
        break;
    case DP_FIELD_STRV:
        put_strv(out, *(const char *const *const *)at, count_at(f, base));
        break;
    case DP_FIELD_BOOL:
        depot_buf_adds(out, *(const bool *)at ? "true" : "false");
        break;
    case DP_FIELD_INT:
        dp_json_int(out, *(const int *)at);
        break;
    case DP_FIELD_I64:
        dp_json_int(out, *(const int64_t *)at);
        break;
    case DP_FIELD_U64:
        depot_buf_addf(out, "%llu", (unsigned long long)*(const uint64_t *)at);
        break;
    case DP_FIELD_F64:
        dp_json_double(out, *(const double *)at);
        break;
    case DP_FIELD_TIME:
        dp_json_time(out, *(const depot_time *)at);
        break;
    case DP_FIELD_STATE:
        put_str(out, depot_build_state_name(*(const enum depot_build_state *)at));
        break;
    case DP_FIELD_PAIRS:
        put_pairs(out, *(const struct depot_pair *const *)at, count_at(f, base));
        break;
    case DP_FIELD_RANGES:
        put_ranges(out, *(const struct depot_range *const *)at, count_at(f, base));
        break;
    case DP_FIELD_GROUP:
    case DP_FIELD_INLINE:
        put_object(out, f->sub, at);
        break;
    case DP_FIELD_POINTER:
        put_object(out, f->sub, *(const void *const *)at);
        break;
    case DP_FIELD_ARRAY:
        put_array(out, f, base);
        break;
    }
}

void dp_fields_encode(
    struct depot_buf *out, bool *first, const struct dp_field *fields, const void *base)
{
    for (const struct dp_field *f = fields; f->name; f++) {
        if (is_omitted(f, base))
            continue;
        if (f->kind == DP_FIELD_INLINE) {
            dp_fields_encode(out, first, f->sub, (const char *)base + f->offset);
            continue;
        }
        dp_json_key(out, first, f->name);
        put_value(out, f, base);
    }
}

static void put_snapshot(
    struct depot_buf *out, bool *first, const struct depot_ev_snapshot *snapshot)
{
    struct dp_snapshot s = {
        .nbuilders = snapshot->nbuilders,
        .builds = snapshot->builds,
        .nbuilds = snapshot->nbuilds,
    };

    s.builders = depot_calloc(s.nbuilders + 1, sizeof(*s.builders));
    for (size_t i = 0; i < s.nbuilders; i++) {
        s.builders[i].b = snapshot->builders[i];
        s.builders[i].up = snapshot->builder_up && snapshot->builder_up[i];
    }
    dp_fields_encode(out, first, dp_snapshot_fields, &s);
    depot_free(s.builders);
}

static void put_status(struct depot_buf *out, bool *first, const struct depot_ev_status *st)
{
    dp_json_key(out, first, "platform");
    put_str(out, st->platform);
    if (st->builder) {
        dp_json_key(out, first, "builder");
        put_str(out, st->builder);
    }
    dp_json_key(out, first, "status");
    depot_wire_encode_status(out, &st->status);
}

void depot_wire_encode(struct depot_buf *out, const struct depot_event *ev)
{
    bool first = false;

    depot_buf_adds(out, "{\"v\":1");
    if (ev->seq) {
        dp_json_key(out, &first, "seq");
        depot_buf_addf(out, "%llu", (unsigned long long)ev->seq);
    }
    if (ev->time) {
        dp_json_key(out, &first, "time");
        dp_json_time(out, ev->time);
    }
    if (ev->build) {
        dp_json_key(out, &first, "build");
        put_str(out, ev->build);
    }
    dp_json_key(out, &first, "type");
    put_str(out, depot_event_name(ev->type));
    if (ev->type == DEPOT_EVENT_BUILD_STATUS)
        put_status(out, &first, &ev->u.status);
    else if (ev->type == DEPOT_EVENT_FLEET_SNAPSHOT)
        put_snapshot(out, &first, &ev->u.snapshot);
    else if (dp_fields_of(ev->type))
        dp_fields_encode(out, &first, dp_fields_of(ev->type), &ev->u);
    depot_buf_addc(out, '}');
}
