/*
 * JSON both ways: a writer that prints as Go's encoding/json does, and a scanner that reads a text
 * in place. Both know bytes only, no records.
 */
#ifndef DEPOT_CORE_RECORD_JSON_H
#define DEPOT_CORE_RECORD_JSON_H

#include <depot/buf.h>
#include <depot/clock.h>

/* A string in quotes: <, > and & escaped, U+2028 and U+2029 too, bad UTF-8 as \ufffd. */
void dp_json_string(struct depot_buf *out, const char *s, size_t n);
void dp_json_int(struct depot_buf *out, int64_t v);
/* RFC 3339 in quotes; 0 is Go's zero time. */
void dp_json_time(struct depot_buf *out, depot_time t);
void dp_json_base64(struct depot_buf *out, const void *data, size_t n);
/* A double as short as it can be. */
void dp_json_double(struct depot_buf *out, double v);
/* `"name":` with a comma before it unless *first, which it clears. */
void dp_json_key(struct depot_buf *out, bool *first, const char *name);

/* An object whose keys are literals: opened, a key with depot_buf_add(out, DP_JSON_KEY("name")) and
 * a value for each member, closed. Each key brings its comma; closing makes the first one the
 * brace.
 */
#define DP_JSON_KEY(name) ",\"" name "\":", sizeof(",\"" name "\":") - 1
size_t dp_json_open(const struct depot_buf *out);
void dp_json_close(struct depot_buf *out, size_t at);

/* The scanner. The first error sets `why`, and everything after it fails. */
struct dp_scan {
    const char *begin, *p, *end;
    struct depot_arena *arena;
    const char *why; /* NULL: fine so far */
    bool too_big;
    size_t items, items_max; /* elements of all arrays together, and their ceiling */
    int depth_max;
};

/* Each consumes one value, or fails with -1. A member function must consume the member's value. */
typedef int dp_scan_member_fn(struct dp_scan *s, const char *key, size_t len, void *arg);
int dp_scan_object(struct dp_scan *s, dp_scan_member_fn *fn, void *arg);
/* An array whose elements, zeroed, `fn` reads into `at`: *items gets them, of `size` bytes each, in
 * the arena, and NULL when there are none. */
typedef int dp_scan_item_fn(struct dp_scan *s, void *at, void *arg);
int dp_scan_list(
    struct dp_scan *s, size_t size, dp_scan_item_fn *fn, void *arg, void *items, size_t *count);
int dp_scan_string(struct dp_scan *s, const char **out, size_t *n); /* in the arena */
int dp_scan_base64(struct dp_scan *s, uint8_t **out, size_t *n);    /* a NUL follows the bytes */
int dp_scan_int(struct dp_scan *s, int64_t *out);
/* Any number, to the nearest double; the process's locale is nothing to it. */
int dp_scan_double(struct dp_scan *s, double *out);
int dp_scan_bool(struct dp_scan *s, bool *out);
int dp_scan_time(struct dp_scan *s, depot_time *out);
/* The character the next value begins with; -1 at the end. */
int dp_scan_peek(struct dp_scan *s);
/* True, and consumed, when the value is null. */
bool dp_scan_null(struct dp_scan *s);
int dp_scan_skip(struct dp_scan *s);
int dp_scan_end(struct dp_scan *s); /* nothing but space may be left */
int dp_scan_fail(struct dp_scan *s, const char *why);
/* As Go matches names: exactly, or else without regard to case. */
bool dp_scan_key_is(const char *key, size_t len, const char *name);

#endif
