/*
 * The small things every module stands on: allocation that aborts, strings, growable arrays,
 * a string map, identifiers.
 *
 * Out of memory aborts, so a size that comes from a peer must be held against a named ceiling
 * before it is allocated; `struct depot_buf` (buf.h) does that for bytes.
 */
#ifndef DEPOT_BASE_H
#define DEPOT_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <depot/error.h>
#include <depot/export.h>

DEPOT_API_BEGIN

#define DEPOT_ARRAY_LEN(a)                    (sizeof(a) / sizeof((a)[0]))
#define DEPOT_CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define DEPOT_UNUSED(x)                       ((void)(x))

/* Allocation; never NULL. depot_free(NULL) is fine. */
void *depot_alloc(size_t size);
void *depot_calloc(size_t n, size_t size);
void *depot_realloc(void *p, size_t size);
void depot_free(void *p);
char *depot_strdup(const char *s);            /* NULL in, NULL out */
char *depot_strndup(const char *s, size_t n); /* stops at a NUL */
void *depot_memdup(const void *p, size_t n);  /* NULL when n is 0 */
char *depot_asprintf(const char *fmt, ...) DEPOT_PRINTF(1, 2);
char *depot_vasprintf(const char *fmt, va_list ap) DEPOT_PRINTF(1, 0);

/* Strings. */
bool depot_str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool depot_str_starts(const char *s, const char *prefix);
bool depot_str_ends(const char *s, const char *suffix);
bool depot_str_empty(const char *s);       /* NULL or "" */
bool depot_str_has_control(const char *s); /* C0 or DEL */
/* Whole-string decimal parse within [min, max]; `out` is untouched on failure. */
int depot_str_to_int64(const char *s, int64_t min, int64_t max, int64_t *out) DEPOT_MUST_CHECK;
/* The words that docker's tools take for true and false: 1 t T TRUE true True, and their opposites.
 * `out` is untouched on failure. */
int depot_str_to_bool(const char *s, bool *out) DEPOT_MUST_CHECK;

/*
 * A growable array: DEPOT_VEC(char *) names; depot_vec_push(&names, s); depot_vec_free(&names).
 * Elements are plain values; what they own is the owner's to free.
 */
#define DEPOT_VEC(type)                                                                            \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t len, cap;                                                                           \
    }
#define depot_vec_push(v, value)                                                                   \
    (depot_vec_grow_((void **)&(v)->items, &(v)->cap, (v)->len + 1, sizeof(*(v)->items)),          \
        (v)->items[(v)->len++] = (value))
/* Append one zeroed element and give its address, valid until the next push. */
#define depot_vec_add(v)                                                                           \
    (depot_vec_grow_((void **)&(v)->items, &(v)->cap, (v)->len + 1, sizeof(*(v)->items)),          \
        memset(&(v)->items[(v)->len], 0, sizeof(*(v)->items)), &(v)->items[(v)->len++])
#define depot_vec_remove(v, i)                                                                     \
    (memmove(&(v)->items[i], &(v)->items[(i) + 1], ((v)->len - (i)-1) * sizeof(*(v)->items)),      \
        (v)->len--)
#define depot_vec_free(v) (depot_free((v)->items), (v)->items = NULL, (v)->len = 0, (v)->cap = 0)
void depot_vec_grow_(void **items, size_t *cap, size_t need, size_t size);

/* An owned list of strings. */
struct depot_strv {
    char **items;
    size_t len, cap;
};
void depot_strv_push(struct depot_strv *v, const char *s);
void depot_strv_push_take(struct depot_strv *v, char *s);
void depot_strv_release(struct depot_strv *v);
void depot_strv_copy(struct depot_strv *to, const struct depot_strv *from);
bool depot_strv_has(const struct depot_strv *v, const char *s);
/* Split at `sep`; empty fields are kept, an empty string gives no field. */
void depot_strv_split(struct depot_strv *v, const char *s, char sep);
char *depot_strv_join(const struct depot_strv *v, const char *sep);

/* An owned, ordered list of key=value; a key set again keeps its place and takes the new value. */
struct depot_kv {
    char *key, *value;
};
struct depot_kvs {
    struct depot_kv *items;
    size_t len, cap;
};
void depot_kvs_set(struct depot_kvs *m, const char *key, const char *value);
void depot_kvs_unset(struct depot_kvs *m, const char *key);
const char *depot_kvs_get(const struct depot_kvs *m, const char *key); /* NULL when absent */
void depot_kvs_copy(struct depot_kvs *to, const struct depot_kvs *from);
void depot_kvs_release(struct depot_kvs *m);

/*
 * A hash map from string to pointer. Keys are copied, values are borrowed. Iteration order is
 * that of insertion as long as nothing was removed.
 */
struct depot_map;
struct depot_map *depot_map_new(void);
void depot_map_free(struct depot_map *m);
void *depot_map_get(const struct depot_map *m, const char *key);
void *depot_map_getn(const struct depot_map *m, const char *key, size_t len);
void depot_map_set(struct depot_map *m, const char *key, void *value);
void *depot_map_remove(struct depot_map *m, const char *key); /* the value that was there */
size_t depot_map_len(const struct depot_map *m);
/* Walk: start with *pos = 0; false at the end. Only removal of the current key is allowed inside.
 */
bool depot_map_next(const struct depot_map *m, size_t *pos, const char **key, void **value);

/*
 * An arena: many small allocations freed together. What decoders hand out lives in one.
 */
struct depot_arena {
    struct depot_arena_block *head;
};
void *depot_arena_alloc(struct depot_arena *a, size_t size); /* zeroed, aligned for any type */
char *depot_arena_strndup(struct depot_arena *a, const char *s, size_t n);
char *depot_arena_strdup(struct depot_arena *a, const char *s); /* NULL in, NULL out */
void depot_arena_release(struct depot_arena *a);

/* `n` random characters of base36 and a NUL into `out`; from the system's random source. */
void depot_random_id(char *out, size_t n);
void depot_random_bytes(void *out, size_t n);

/* Standard base64. Encoding appends padding; decoding accepts both alphabets' absence of padding.
 */
size_t depot_base64_encoded_len(size_t n);                       /* without the NUL */
void depot_base64_encode(char *out, const void *data, size_t n); /* writes the NUL too */
/* `out` must hold n / 4 * 3 + 3 bytes; DEPOT_ERR_INVALID on a byte outside the alphabet. */
int depot_base64_decode(void *out, size_t *out_len, const char *s, size_t n) DEPOT_MUST_CHECK;

/* FNV-1a, for hash tables only. */
uint64_t depot_hash(const void *data, size_t n);

DEPOT_API_END

#endif
