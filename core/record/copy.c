/*
 * Records made of nothing, and of each other.
 */
#include "record/table.h"

#include <depot/event.h>

#include <string.h>

void dp_fields_init(const struct depot_record_field *fields, void *base)
{
    for (const struct depot_record_field *f = fields; f->name != NULL; f++) {
        void *at = (char *)base + f->offset;
        if (f->kind == DP_FIELD_GROUP || f->kind == DP_FIELD_INLINE)
            dp_fields_init(f->sub, at);
        else if (f->flags & DP_EMPTY)
            *(const char **)at = "";
        else if (f->flags & DP_OMIT_NEGATIVE && f->kind == DP_FIELD_F64)
            *(double *)at = -1;
        else if (f->flags & DP_OMIT_NEGATIVE)
            *(int64_t *)at = -1;
    }
}

void depot_record_init(const struct depot_record *r, void *rec)
{
    memset(rec, 0, r->size);
    dp_fields_init(r->fields, rec);
}

/* `at` holds a pointer to `n` items of `size` bytes: it gets one to a copy of them. */
static void *own(void *at, size_t n, size_t size, struct depot_arena *arena)
{
    void *from, *to;
    memcpy(&from, at, sizeof(from));
    to = from != NULL && n > 0 ? depot_arena_alloc(arena, n * size) : NULL;
    if (to != NULL)
        memcpy(to, from, n * size);
    memcpy(at, &to, sizeof(to));
    return to;
}

static const char *own_string(
    const struct depot_record_field *f, const char *s, struct depot_arena *arena)
{
    if (s == NULL)
        return f->flags & DP_EMPTY ? "" : NULL;
    return depot_arena_strdup(arena, s);
}

static void own_strings(const char **list, size_t n, struct depot_arena *arena)
{
    for (size_t i = 0; list != NULL && i < n; i++)
        list[i] = depot_arena_strdup(arena, list[i]);
}

static void own_pairs(struct depot_pair *pairs, size_t n, struct depot_arena *arena)
{
    for (size_t i = 0; pairs != NULL && i < n; i++) {
        pairs[i].key = depot_arena_strdup(arena, pairs[i].key);
        pairs[i].value = depot_arena_strdup(arena, pairs[i].value);
    }
}

static void own_fields(
    const struct depot_record_field *fields, char *base, struct depot_arena *arena);

static void own_structs(
    const struct depot_record_field *f, char *items, size_t n, struct depot_arena *arena)
{
    for (size_t i = 0; items != NULL && i < n; i++)
        own_fields(f->sub, items + i * f->size, arena);
}

/* Of a list; a pointer leads to one. */
static size_t count_of(const struct depot_record_field *f, const char *base)
{
    switch (f->kind) {
    case DP_FIELD_STRV:
    case DP_FIELD_PAIRS:
    case DP_FIELD_RANGES:
    case DP_FIELD_ARRAY:
        return *(const size_t *)(const void *)(base + f->count);
    default:
        return 1;
    }
}

static void own_value(const struct depot_record_field *f, char *base, struct depot_arena *arena)
{
    void *at = base + f->offset;
    const size_t n = count_of(f, base);
    switch (f->kind) {
    case DP_FIELD_STR:
        *(const char **)at = own_string(f, *(const char **)at, arena);
        break;
    case DP_FIELD_STRV:
        own_strings(own(at, n, sizeof(const char *), arena), n, arena);
        break;
    case DP_FIELD_PAIRS:
        own_pairs(own(at, n, sizeof(struct depot_pair), arena), n, arena);
        break;
    case DP_FIELD_RANGES:
        own(at, n, sizeof(struct depot_range), arena);
        break;
    case DP_FIELD_GROUP:
    case DP_FIELD_INLINE:
        own_fields(f->sub, at, arena);
        break;
    case DP_FIELD_POINTER:
    case DP_FIELD_ARRAY:
        own_structs(f, own(at, n, f->size, arena), n, arena);
        break;
    default: /* nothing is behind it */
        break;
    }
}

static void own_fields(
    const struct depot_record_field *fields, char *base, struct depot_arena *arena)
{
    for (const struct depot_record_field *f = fields; f->name != NULL; f++)
        own_value(f, base, arena);
}

void depot_record_copy(
    const struct depot_record *r, void *to, const void *from, struct depot_arena *arena)
{
    memmove(to, from, r->size);
    own_fields(r->fields, to, arena);
}

/* ---- all strings ---- */

struct visit {
    depot_record_string_fn *fn;
    void *arg;
};

static void visit_string(const struct visit *v, const char **s)
{
    if (*s != NULL)
        v->fn(s, v->arg);
}

static void visit_fields(
    const struct depot_record_field *fields, char *base, const struct visit *v);

static void visit_list(
    const struct depot_record_field *f, char *items, size_t n, const struct visit *v)
{
    for (size_t i = 0; items != NULL && i < n; i++) {
        if (f->kind == DP_FIELD_STRV) {
            visit_string(v, &((const char **)(void *)items)[i]);
        } else if (f->kind == DP_FIELD_PAIRS) {
            visit_string(v, &((struct depot_pair *)(void *)items)[i].key);
            visit_string(v, &((struct depot_pair *)(void *)items)[i].value);
        } else {
            visit_fields(f->sub, items + i * f->size, v);
        }
    }
}

static void visit_fields(const struct depot_record_field *fields, char *base, const struct visit *v)
{
    for (const struct depot_record_field *f = fields; f->name != NULL; f++) {
        void *at = base + f->offset;
        switch (f->kind) {
        case DP_FIELD_STR:
            visit_string(v, at);
            break;
        case DP_FIELD_GROUP:
        case DP_FIELD_INLINE:
            visit_fields(f->sub, at, v);
            break;
        case DP_FIELD_STRV:
        case DP_FIELD_PAIRS:
        case DP_FIELD_POINTER:
        case DP_FIELD_ARRAY:
            visit_list(f, *(char **)at, count_of(f, base), v);
            break;
        default: /* numbers, names of ours, and texts that are cut to size */
            break;
        }
    }
}

void depot_record_strings(
    const struct depot_record *r, void *rec, depot_record_string_fn *fn, void *arg)
{
    visit_fields(r->fields, rec, &(struct visit){fn, arg});
}
