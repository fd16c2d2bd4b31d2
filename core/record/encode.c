/*
 * Records as JSON.
 */
#include "record/table.h"

#include <depot/event.h>

#include <string.h>

static void put_str(struct depot_buf *out, const char *s)
{
    dp_json_string(out, s != NULL ? s : "", s != NULL ? strlen(s) : 0);
}

static void put_strv(struct depot_buf *out, const char *const *list, size_t n)
{
    depot_buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            depot_buf_addc(out, ',');
        put_str(out, list[i]);
    }
    depot_buf_addc(out, ']');
}

static void put_pairs(struct depot_buf *out, const struct depot_pair *pairs, size_t n)
{
    depot_buf_addc(out, '{');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
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
        depot_buf_adds(out, i > 0 ? ",[" : "[");
        dp_json_int(out, r[i].start_line);
        depot_buf_addc(out, ',');
        dp_json_int(out, r[i].end_line);
        depot_buf_addc(out, ']');
    }
    depot_buf_addc(out, ']');
}

static void put_object(
    struct depot_buf *out, const struct depot_record_field *fields, const void *base)
{
    bool first = true;
    depot_buf_addc(out, '{');
    dp_fields_encode(out, &first, fields, base);
    depot_buf_addc(out, '}');
}

static size_t count_at(const struct depot_record_field *f, const char *base)
{
    return *(const size_t *)(const void *)(base + f->count);
}

static void put_array(struct depot_buf *out, const struct depot_record_field *f, const char *base)
{
    const char *items = *(const char *const *)(const void *)(base + f->offset);
    depot_buf_addc(out, '[');
    for (size_t i = 0; i < count_at(f, base); i++) {
        if (i > 0)
            depot_buf_addc(out, ',');
        put_object(out, f->sub, items + i * f->size);
    }
    depot_buf_addc(out, ']');
}

/* Is the number at `at` one that says nothing? */
static bool is_blank_number(const struct depot_record_field *f, const void *at)
{
    const bool zero = f->flags & DP_OMIT_ZERO, negative = f->flags & DP_OMIT_NEGATIVE;
    switch (f->kind) {
    case DP_FIELD_BOOL:
        return zero && !*(const bool *)at;
    case DP_FIELD_INT:
        return zero && *(const int *)at == 0;
    case DP_FIELD_I64:
        return (zero && *(const int64_t *)at == 0) || (negative && *(const int64_t *)at < 0);
    case DP_FIELD_U64:
        return zero && *(const uint64_t *)at == 0;
    case DP_FIELD_F64:
        return negative && *(const double *)at < 0;
    default:
        return false;
    }
}

static bool is_blank(const struct depot_record_field *f, const char *base)
{
    const void *at = base + f->offset;
    switch (f->kind) {
    case DP_FIELD_STR:
        return *(const char *const *)at == NULL;
    case DP_FIELD_CHARS:
        return *(const char *)at == '\0' && f->flags & DP_OMIT_ZERO;
    case DP_FIELD_POINTER:
        return *(const void *const *)at == NULL;
    case DP_FIELD_TIME:
        return *(const depot_time *)at == 0;
    case DP_FIELD_STRV:
    case DP_FIELD_PAIRS:
    case DP_FIELD_ARRAY:
        return f->flags & DP_OMIT_ZERO && count_at(f, base) == 0;
    default:
        return is_blank_number(f, at);
    }
}

static bool is_omitted(const struct depot_record_field *f, const char *base)
{
    if (f->flags & DP_IF_STRING && *(const char *const *)(const void *)(base + f->when) == NULL)
        return true;
    if (f->flags & DP_IF_TRUE)
        return !*(const bool *)(base + f->when);
    return is_blank(f, base);
}

static void put_scalar(struct depot_buf *out, const struct depot_record_field *f, const void *at)
{
    switch (f->kind) {
    case DP_FIELD_BOOL:
        depot_buf_adds(out, *(const bool *)at != !!(f->flags & DP_NOT) ? "true" : "false");
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
    case DP_FIELD_NAME:
        put_str(out, f->names->name(*(const int *)at));
        break;
    default:
        break;
    }
}

static void put_value(struct depot_buf *out, const struct depot_record_field *f, const char *base)
{
    const void *at = base + f->offset;
    switch (f->kind) {
    case DP_FIELD_STR:
        put_str(out, *(const char *const *)at);
        break;
    case DP_FIELD_CHARS:
        put_str(out, at);
        break;
    case DP_FIELD_STRV:
        put_strv(out, *(const char *const *const *)at, count_at(f, base));
        break;
    case DP_FIELD_PAIRS:
        put_pairs(out, *(const struct depot_pair *const *)at, count_at(f, base));
        break;
    case DP_FIELD_RANGES:
        put_ranges(out, *(const struct depot_range *const *)at, count_at(f, base));
        break;
    case DP_FIELD_GROUP:
        put_object(out, f->sub, at);
        break;
    case DP_FIELD_POINTER:
        put_object(out, f->sub, *(const void *const *)at);
        break;
    case DP_FIELD_ARRAY:
        put_array(out, f, base);
        break;
    default:
        put_scalar(out, f, at);
    }
}

void dp_fields_encode(
    struct depot_buf *out, bool *first, const struct depot_record_field *fields, const void *base)
{
    for (const struct depot_record_field *f = fields; f->name != NULL; f++) {
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

void depot_record_encode(struct depot_buf *out, const struct depot_record *r, const void *rec)
{
    put_object(out, r->fields, rec);
}
