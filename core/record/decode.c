/*
 * Records from JSON: one pass over the text, each member going straight to where its row says. What
 * is wrong is told with its path. The text is a stranger's.
 */
#include "record/table.h"

#include <depot/event.h>
#include <depot/utf8.h>

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SHOWN = 60 };
static const double WHOLE_MAX = 9007199254740992; /* beyond it doubles have gaps */

/* Where we are in a text: a member's name, or an entry's number. */
struct dp_path {
    const struct dp_path *up;
    const char *name; /* NULL: an entry */
    size_t len, index;
};

/* What each kind begins with, and what to call it. */
static const struct {
    const char *begins, *want;
} kinds[DP_FIELD_KINDS] = {
    [DP_FIELD_STR] = {"\"", "a string"},
    [DP_FIELD_CHARS] = {"\"", "a string"},
    [DP_FIELD_STRV] = {"[", "a list of strings"},
    [DP_FIELD_BOOL] = {"tf", "true or false"},
    [DP_FIELD_INT] = {"-0123456789", "a whole number"},
    [DP_FIELD_I64] = {"-0123456789", "a whole number"},
    [DP_FIELD_U64] = {"0123456789", "a whole number, not below 0"},
    [DP_FIELD_F64] = {"-0123456789", "a number"},
    [DP_FIELD_TIME] = {"\"", "a time such as \"2026-05-04T10:11:12Z\""},
    [DP_FIELD_NAME] = {"\"", "a name"},
    [DP_FIELD_PAIRS] = {"{", "an object of strings"},
    [DP_FIELD_RANGES] = {"[", "a list of [first line, last line]"},
    [DP_FIELD_GROUP] = {"{", "an object"},
    [DP_FIELD_POINTER] = {"{", "an object"},
    [DP_FIELD_ARRAY] = {"[", "a list of objects"},
};

static void put_path(struct depot_buf *out, const struct dp_path *p)
{
    if (p->up != NULL)
        put_path(out, p->up);
    if (p->name == NULL)
        depot_buf_addf(out, "[%zu]", p->index);
    else
        depot_buf_addf(out, "%s%.*s", out->len > 0 ? "." : "",
            (int)(p->len < NAME_SHOWN ? p->len : NAME_SHOWN), p->name);
}

static int tell(struct dp_reading *r, enum depot_err code, const char *verb, const char *want)
{
    struct depot_buf path = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    if (r->path != NULL)
        put_path(&path, r->path);
    r->code = depot_error_set(r->err, code, "field \"%s\" %s %s", depot_buf_str(&path), verb, want);
    depot_buf_release(&path);
    return -1;
}

static int wrong(struct dp_reading *r, const char *want)
{
    return tell(r, DEPOT_ERR_INVALID, "must be", want);
}

static int too_big(struct dp_reading *r, size_t max, const char *unit)
{
    char what[48];
    snprintf(what, sizeof(what), "%zu %s", max, unit);
    return tell(r, DEPOT_ERR_TOO_BIG, "has more than", what);
}

/* Does the value begin as it must? Where the text is at its end, that is what is wrong. */
static int expect(struct dp_reading *r, const char *begins, const char *want)
{
    const int c = dp_scan_peek(&r->scan);
    if (c < 0)
        return dp_scan_fail(&r->scan, "");
    return c != 0 && strchr(begins, c) != NULL ? 0 : wrong(r, want);
}

static size_t ceiling(uint64_t own, size_t records)
{
    return own > 0 ? (size_t)own : records > 0 ? records : DEPOT_RECORD_MAX;
}

/* ---- strings ---- */

static int read_string(struct dp_reading *r, size_t max, const char *want, const char **out)
{
    size_t n;
    if (expect(r, "\"", want) || dp_scan_string(&r->scan, out, &n))
        return -1;
    if (n > max)
        return too_big(r, max, "bytes");
    /* A daemon's text that has one ends there. */
    return r->record->strict && memchr(*out, '\0', n) != NULL ? wrong(r, "a string without NUL")
                                                              : 0;
}

static int read_text(struct dp_reading *r, const struct depot_record_field *f, const char **to)
{
    if (read_string(r, ceiling((uint64_t)f->max, r->record->text_max), "a string", to))
        return -1;
    return f->flags & DP_FILLED && **to == '\0' ? wrong(r, "a name") : 0;
}

/* What is too long is cut: these are texts for people. */
static int read_chars(struct dp_reading *r, const struct depot_record_field *f, char *to)
{
    const char *s;
    if (read_string(r, DEPOT_RECORD_MAX, kinds[f->kind].want, &s))
        return -1;
    size_t n = strlen(s);
    if (n >= f->size)
        n = depot_utf8_start(s, f->size - 1);
    memcpy(to, s, n);
    to[n] = '\0';
    return 0;
}

static int read_name(struct dp_reading *r, const struct depot_record_field *f, int *to)
{
    const char *name;
    int v = 0;
    if (read_string(r, DEPOT_RECORD_MAX, f->names->want, &name))
        return -1;
    if (!f->names->value(name, &v))
        return tell(r, f->names->code, "must be", f->names->want);
    *to = v;
    return 0;
}

static int read_time(struct dp_reading *r, depot_time *to)
{
    const char *text;
    if (read_string(r, DEPOT_RECORD_MAX, kinds[DP_FIELD_TIME].want, &text))
        return -1;
    return depot_time_parse(text, strlen(text), to) ? wrong(r, kinds[DP_FIELD_TIME].want) : 0;
}

static int read_bool(struct dp_reading *r, const struct depot_record_field *f, bool *to)
{
    bool v;
    if (dp_scan_bool(&r->scan, &v))
        return -1;
    *to = v != !!(f->flags & DP_NOT);
    return 0;
}

/* ---- numbers ---- */

/* Languages that know no other kind of number write a whole one as 1.0. */
static int read_whole(struct dp_reading *r, int64_t min, int64_t max, const char *want, int64_t *to)
{
    const struct dp_scan before = r->scan;
    double v = 0;
    if (dp_scan_int(&r->scan, to)) {
        r->scan = before;
        if (dp_scan_double(&r->scan, &v))
            return -1;
        if (v < -WHOLE_MAX || v > WHOLE_MAX || (double)(int64_t)v != v)
            return wrong(r, want);
        *to = (int64_t)v;
    }
    return *to < min || *to > max ? wrong(r, want) : 0;
}

static int read_number(struct dp_reading *r, const struct depot_record_field *f, void *at)
{
    const bool is_int = f->kind == DP_FIELD_INT;
    char range[64];
    const char *want = kinds[f->kind].want;
    int64_t v = 0,
            min = is_int                    ? INT_MIN
                  : f->kind == DP_FIELD_U64 ? 0
                                            : INT64_MIN,
            max = is_int ? INT_MAX : INT64_MAX;
    if (f->max > 0) {
        min = 0;
        max = f->max;
        snprintf(range, sizeof(range), "a number from 0 to %" PRId64, max);
        want = range;
    }
    if (read_whole(r, min, max, want, &v))
        return -1;
    if (is_int)
        *(int *)at = (int)v;
    else if (f->kind == DP_FIELD_U64)
        *(uint64_t *)at = (uint64_t)v;
    else
        *(int64_t *)at = v;
    return 0;
}

/* ---- lists ---- */

struct list {
    struct dp_reading *r;
    const struct depot_record_field *f;
    size_t max, n;
    dp_scan_item_fn *fn; /* one entry; its argument is the list */
};

static int list_entry(struct dp_scan *s, void *at, void *arg)
{
    struct list *l = arg;
    const struct dp_path *up = l->r->path;
    const struct dp_path here = {.up = up, .index = l->n};
    if (l->n++ == l->max)
        return too_big(l->r, l->max, "entries");
    l->r->path = &here;
    if (l->fn(s, at, l))
        return -1;
    l->r->path = up;
    return 0;
}

static int read_list(struct dp_reading *r, const struct depot_record_field *f, char *base,
    size_t size, dp_scan_item_fn *fn)
{
    struct list l = {
        .r = r, .f = f, .max = ceiling((uint64_t)f->max, r->record->list_max), .fn = fn};
    size_t n = 0;
    if (dp_scan_list(&r->scan, size, list_entry, &l, base + f->offset, &n))
        return -1;
    *(size_t *)(void *)(base + f->count) = n;
    return 0;
}

static int entry_string(struct dp_scan *s, void *at, void *arg)
{
    const struct list *l = arg;
    DEPOT_UNUSED(s);
    return read_string(l->r, ceiling(l->f->text_max, l->r->record->text_max), "a string", at);
}

static int line_number(struct dp_scan *s, void *at, void *arg)
{
    int64_t v = 0;
    if (read_whole(arg, 0, INT_MAX, "a line's number", &v))
        return -1;
    DEPOT_UNUSED(s);
    *(int *)at = (int)v;
    return 0;
}

static int entry_range(struct dp_scan *s, void *at, void *arg)
{
    const struct list *l = arg;
    struct depot_range *range = at;
    size_t n = 0;
    int *lines = NULL;
    if (expect(l->r, "[", "[first line, last line]") ||
        dp_scan_list(s, sizeof(*lines), line_number, l->r, &lines, &n))
        return -1;
    if (n != 2)
        return wrong(l->r, "[first line, last line]");
    range->start_line = lines[0];
    range->end_line = lines[1];
    return 0;
}

/* ---- objects ---- */

static int read_object(struct dp_reading *r, const struct depot_record_field *fields, void *base);

static int entry_object(struct dp_scan *s, void *at, void *arg)
{
    const struct list *l = arg;
    DEPOT_UNUSED(s);
    if (expect(l->r, "{", "an object"))
        return -1;
    dp_fields_init(l->f->sub, at);
    return read_object(l->r, l->f->sub, at);
}

struct pairs {
    struct list list;
    DEPOT_VEC(struct depot_pair) items;
};

/* Of a name that stands there twice the last one counts. Few are allowed where this is asked. */
static struct depot_pair *find_pair(struct pairs *p, const char *key)
{
    for (size_t i = 0; i < p->items.len; i++)
        if (strcmp(p->items.items[i].key, key) == 0)
            return &p->items.items[i];
    return depot_vec_add(&p->items);
}

static int read_pair(struct pairs *p, const char *key, size_t len)
{
    struct dp_reading *r = p->list.r;
    const struct depot_record_field *f = p->list.f;
    struct depot_pair pair;
    if (p->items.len == p->list.max)
        return too_big(r, p->list.max, "entries");
    if (++r->scan.items > r->scan.items_max)
        return too_big(r, r->scan.items_max, "entries");
    if (len == 0 || len > ceiling(0, r->record->text_max) || memchr(key, '\0', len) != NULL)
        return wrong(r, "an object with shorter, non-empty names");
    pair.key = depot_arena_strndup(r->scan.arena, key, len);
    if (read_string(r, ceiling(f->text_max, r->record->text_max), "a string", &pair.value))
        return -1;
    *(r->record->strict ? find_pair(p, pair.key) : depot_vec_add(&p->items)) = pair;
    return 0;
}

static int pairs_member(struct dp_scan *s, const char *key, size_t len, void *arg)
{
    struct pairs *p = arg;
    struct dp_reading *r = p->list.r;
    const struct dp_path *up = r->path;
    const struct dp_path here = {.up = up, .name = key, .len = len};
    DEPOT_UNUSED(s);
    if (len > 0)
        r->path = &here;
    if (read_pair(p, key, len))
        return -1;
    r->path = up;
    return 0;
}

static int read_pairs(struct dp_reading *r, const struct depot_record_field *f, char *base)
{
    struct pairs p = {
        .list = {.r = r, .f = f, .max = ceiling((uint64_t)f->max, r->record->list_max)}};
    const int rc = dp_scan_object(&r->scan, pairs_member, &p);
    if (rc == 0) {
        struct depot_pair *to = depot_arena_alloc(r->scan.arena, (p.items.len + 1) * sizeof(*to));
        if (p.items.len > 0)
            memcpy(to, p.items.items, p.items.len * sizeof(*to));
        *(struct depot_pair **)(void *)(base + f->offset) = to;
        *(size_t *)(void *)(base + f->count) = p.items.len;
    }
    depot_vec_free(&p.items);
    return rc;
}

static int read_pointer(struct dp_reading *r, const struct depot_record_field *f, void *at)
{
    void *to = depot_arena_alloc(r->scan.arena, f->size);
    dp_fields_init(f->sub, to);
    *(void **)at = to;
    return read_object(r, f->sub, to);
}

static int read_value(struct dp_reading *r, const struct depot_record_field *f, char *base)
{
    void *at = base + f->offset;
    switch (f->kind) {
    case DP_FIELD_STR:
        return read_text(r, f, at);
    case DP_FIELD_CHARS:
        return read_chars(r, f, at);
    case DP_FIELD_BOOL:
        return read_bool(r, f, at);
    case DP_FIELD_INT:
    case DP_FIELD_I64:
    case DP_FIELD_U64:
        return read_number(r, f, at);
    case DP_FIELD_F64:
        return dp_scan_double(&r->scan, at);
    case DP_FIELD_TIME:
        return read_time(r, at);
    case DP_FIELD_NAME:
        return read_name(r, f, at);
    case DP_FIELD_STRV:
        return read_list(r, f, base, sizeof(const char *), entry_string);
    case DP_FIELD_RANGES:
        return read_list(r, f, base, sizeof(struct depot_range), entry_range);
    case DP_FIELD_ARRAY:
        return read_list(r, f, base, f->size, entry_object);
    case DP_FIELD_PAIRS:
        return read_pairs(r, f, base);
    case DP_FIELD_POINTER:
        return read_pointer(r, f, at);
    default: /* GROUP; INLINE has no name to be found by */
        return read_object(r, f->sub, at);
    }
}

/* The row of a name, and the struct that it is of. */
static const struct depot_record_field *find(
    const struct depot_record_field *fields, const char *key, size_t len, char **base)
{
    for (const struct depot_record_field *f = fields; f->name != NULL; f++) {
        if (f->kind == DP_FIELD_INLINE) {
            char *inner = *base + f->offset;
            const struct depot_record_field *found = find(f->sub, key, len, &inner);
            if (found != NULL) {
                *base = inner;
                return found;
            }
        } else if (strncmp(f->name, key, len) == 0 && f->name[len] == '\0') {
            return f;
        }
    }
    return NULL;
}

static int read_member(struct dp_reading *r, const struct depot_record_field *f, char *base)
{
    const struct dp_path *up = r->path;
    const struct dp_path here = {.up = up, .name = f->name, .len = strlen(f->name)};
    if (dp_scan_null(&r->scan))
        return 0;
    r->path = &here;
    if (expect(r, kinds[f->kind].begins, f->want != NULL ? f->want : kinds[f->kind].want))
        return -1;
    if (f->flags & DP_IF_TRUE)
        *(bool *)(base + f->when) = true;
    if (read_value(r, f, base))
        return -1;
    r->path = up;
    return 0;
}

struct object {
    struct dp_reading *r;
    const struct depot_record_field *fields;
    char *base;
    uint64_t seen; /* a bit for each row, of those that are required */
};

/* 0 for a row of a table inside of this one. */
static uint64_t bit_of(const struct depot_record_field *fields, const struct depot_record_field *f)
{
    for (size_t i = 0; fields[i].name != NULL; i++)
        if (&fields[i] == f)
            return UINT64_C(1) << i;
    return 0;
}

static int object_member(struct dp_scan *s, const char *key, size_t len, void *arg)
{
    struct object *o = arg;
    char *base = o->base;
    const struct depot_record_field *f = find(o->fields, key, len, &base);
    if (f == NULL)
        return dp_scan_skip(s);
    if (f->flags & DP_REQUIRED && dp_scan_peek(s) != 'n')
        o->seen |= bit_of(o->fields, f);
    return read_member(o->r, f, base);
}

static int check_required(struct object *o)
{
    struct dp_reading *r = o->r;
    for (const struct depot_record_field *f = o->fields; f->name != NULL; f++) {
        const struct dp_path here = {.up = r->path, .name = f->name, .len = strlen(f->name)};
        if (!(f->flags & DP_REQUIRED) || o->seen & bit_of(o->fields, f))
            continue;
        r->path = &here;
        return wrong(r, "there");
    }
    return 0;
}

static int read_object(struct dp_reading *r, const struct depot_record_field *fields, void *base)
{
    struct object o = {.r = r, .fields = fields, .base = base};
    return dp_scan_object(&r->scan, object_member, &o) ? -1 : check_required(&o);
}

/* ---- whole records ---- */

void dp_reading_init(struct dp_reading *r, const struct depot_record *record, const char *json,
    size_t n, struct depot_arena *arena, struct depot_error *err)
{
    *r = (struct dp_reading){
        .scan = {.begin = json,
            .p = json,
            .end = json + n,
            .arena = arena,
            .items_max = DEPOT_RECORD_ITEMS_MAX,
            .depth_max = DEPOT_RECORD_DEPTH_MAX},
        .record = record,
        .err = err,
    };
}

int dp_reading_member(struct dp_reading *r, const struct depot_record_field *fields, void *base,
    const char *key, size_t len, bool *known)
{
    char *at = base;
    const struct depot_record_field *f = find(fields, key, len, &at);
    *known = f != NULL;
    return f != NULL ? read_member(r, f, at) : dp_scan_skip(&r->scan);
}

int dp_reading_failed(struct dp_reading *r, const char *what)
{
    if (r->code != 0)
        return r->code;
    return depot_error_set(r->err, r->scan.too_big ? DEPOT_ERR_TOO_BIG : DEPOT_ERR_INVALID,
        "%s: %s at byte %zu", what, r->scan.why, (size_t)(r->scan.p - r->scan.begin) + 1);
}

/* The first byte that is of no character; NULL: there is none. */
static const char *bad_utf8(const char *p, const char *end)
{
    for (size_t len = 0; p < end; p += len)
        if (depot_utf8_decode(p, (size_t)(end - p), &len) < 0)
            return p;
    return NULL;
}

static int read_record(struct dp_reading *r, void *base)
{
    struct dp_scan *s = &r->scan;
    const char *bad = r->record->strict ? bad_utf8(s->p, s->end) : NULL;
    if (bad != NULL) {
        s->p = bad;
        return dp_scan_fail(s, "bad UTF-8");
    }
    const int c = dp_scan_peek(s);
    if (c >= 0 && c != '{') {
        r->code =
            depot_error_set(r->err, DEPOT_ERR_INVALID, "%s must be a JSON object", r->record->name);
        return -1;
    }
    struct object o = {.r = r, .fields = r->record->fields, .base = base};
    return dp_scan_object(s, object_member, &o) || dp_scan_end(s) ? -1 : check_required(&o);
}

int depot_record_decode(const struct depot_record *rec, const char *json, size_t n, void *out,
    struct depot_arena *arena, struct depot_error *err)
{
    const size_t max = ceiling(0, rec->max);
    char what[64];
    struct dp_reading r;
    if (n > max)
        return depot_error_set(
            err, DEPOT_ERR_TOO_BIG, "%s has more than %zu bytes", rec->name, max);
    dp_reading_init(&r, rec, json, n, arena, err);
    void *base = depot_arena_alloc(arena, rec->size);
    dp_fields_init(rec->fields, base);
    if (read_record(&r, base)) {
        snprintf(what, sizeof(what), "%s is not JSON", rec->name);
        return dp_reading_failed(&r, what);
    }
    memcpy(out, base, rec->size);
    return 0;
}
