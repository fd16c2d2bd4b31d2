/*
 * The scanner: one pass over a JSON text, values going straight to where they belong.
 */
#include "record/json.h"
#include "record/word.h"

#include <depot/utf8.h>

#include <float.h>
#include <string.h>
#include <strings.h>

enum { DOUBLE_EXP_MAX = 400 }; /* beyond any double's */

int dp_scan_fail(struct dp_scan *s, const char *why)
{
    if (s->why == NULL)
        s->why = s->p < s->end ? why : "it ends early";
    return -1;
}

int dp_scan_peek(struct dp_scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
    return s->p < s->end ? (unsigned char)*s->p : -1;
}

static int expect(struct dp_scan *s, char c, const char *why)
{
    if (dp_scan_peek(s) != (unsigned char)c)
        return dp_scan_fail(s, why);
    s->p++;
    return 0;
}

static bool plain_word(const char *p)
{
    const uint64_t w = dp_word(p);
    const uint64_t ends = dp_word_has(w, '"') | dp_word_has(w, '\\') | dp_word_below(w, 0x20);

    return (ends & DP_WORD_HIT) == 0;
}

/* Passes characters that stand for themselves, not always all of them. */
static const char *skip_plain(const char *p, const char *end)
{
    while (end - p >= 8 && plain_word(p))
        p += 8;
    return p;
}

/* The text between the quotes, escapes still in it. */
static int raw_string(struct dp_scan *s, const char **out, size_t *n, bool *escaped)
{
    const char *p;

    if (expect(s, '"', "a string is expected"))
        return -1;
    *escaped = false;
    for (p = skip_plain(s->p, s->end); p < s->end && *p != '"'; p++) {
        if ((unsigned char)*p < 0x20)
            return dp_scan_fail(s, "control character in a string");
        if (*p == '\\') {
            *escaped = true;
            if (++p == s->end)
                break;
            p = skip_plain(p + 1, s->end) - 1;
        }
    }
    if (p >= s->end)
        return dp_scan_fail(s, "a string does not end");
    *out = s->p;
    *n = (size_t)(p - s->p);
    s->p = p + 1;
    return 0;
}

static int hex4(const char *p, const char *end, unsigned *out)
{
    unsigned v = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];

        v <<= 4;
        if (c >= '0' && c <= '9')
            v |= (unsigned)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            v |= (unsigned)((c | 32) - 'a' + 10);
        else
            return -1;
    }
    *out = v;
    return 0;
}

/* The character of a \u escape, p behind the 'u'; a lone surrogate is U+FFFD. */
static int unicode_escape(const char **p, const char *end, unsigned *out)
{
    unsigned c, low;

    if (hex4(*p, end, &c))
        return -1;
    *p += 4;
    if (c >= 0xd800 && c < 0xe000) {
        if (c < 0xdc00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' &&
            hex4(*p + 2, end, &low) == 0 && low >= 0xdc00 && low < 0xe000) {
            *p += 6;
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        } else {
            c = 0xfffd;
        }
    }
    *out = c;
    return 0;
}

/* An escape is never shorter than what it stands for. */
static int unescape(struct dp_scan *s, const char *p, size_t n, const char **out, size_t *len)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char *start = depot_arena_alloc(s->arena, n + 1), *o = start;
    const char *end = p + n;

    while (p < end) {
        const char *hit;
        unsigned c;

        if (*p != '\\') {
            *o++ = *p++;
            continue;
        }
        p++; /* raw_string saw that something follows */
        if (*p == 'u') {
            p++;
            if (unicode_escape(&p, end, &c))
                return dp_scan_fail(s, "bad \\u escape");
            o += depot_utf8_encode(o, c);
            continue;
        }
        hit = memchr(from, *p, sizeof(from) - 1);
        if (hit == NULL)
            return dp_scan_fail(s, "bad escape");
        *o++ = to[hit - from];
        p++;
    }
    *o = '\0';
    *out = start;
    *len = (size_t)(o - start);
    return 0;
}

/* A string without its escapes; borrowed from the text where it has none. */
static int plain_string(struct dp_scan *s, const char **out, size_t *n)
{
    bool escaped;

    if (raw_string(s, out, n, &escaped))
        return -1;
    return escaped ? unescape(s, *out, *n, out, n) : 0;
}

int dp_scan_string(struct dp_scan *s, const char **out, size_t *n)
{
    const char *raw;
    size_t len;
    bool escaped;
    char *copy;

    if (raw_string(s, &raw, &len, &escaped))
        return -1;
    if (escaped)
        return unescape(s, raw, len, out, n);
    copy = depot_arena_alloc(s->arena, len + 1);
    memcpy(copy, raw, len);
    *out = copy;
    *n = len;
    return 0;
}

/* The next string up to the first quote. False: none, or read it otherwise. What has an alphabet of
 * its own, without backslashes, is read from it at once: it is looked at once, not twice. */
static bool bare_string(struct dp_scan *s, const char **out, size_t *n)
{
    const char *end;

    if (dp_scan_peek(s) != '"')
        return false;
    *out = s->p + 1;
    end = memchr(*out, '"', (size_t)(s->end - *out));
    *n = end != NULL ? (size_t)(end - *out) : 0;
    return end != NULL;
}

static int decode_base64(struct dp_scan *s, const char *raw, size_t len, uint8_t **out, size_t *n)
{
    uint8_t *data = depot_arena_alloc(s->arena, len / 4 * 3 + 4);
    int rc = depot_base64_decode(data, n, raw, len);

    if (rc != 0)
        return rc;
    data[*n] = 0;
    *out = data;
    return 0;
}

int dp_scan_base64(struct dp_scan *s, uint8_t **out, size_t *n)
{
    const char *raw;
    size_t len;

    if (bare_string(s, &raw, &len) && decode_base64(s, raw, len, out, n) == 0) {
        s->p = raw + len + 1;
        return 0;
    }
    if (plain_string(s, &raw, &len))
        return -1;
    return decode_base64(s, raw, len, out, n) == 0 ? 0 : dp_scan_fail(s, "bad base64");
}

int dp_scan_int(struct dp_scan *s, int64_t *out)
{
    bool negative = dp_scan_peek(s) == '-';
    uint64_t v = 0, limit = (uint64_t)INT64_MAX + negative;
    const char *p = s->p + negative, *first = p;

    for (; p < s->end && *p >= '0' && *p <= '9'; p++) {
        unsigned d = (unsigned)(*p - '0');

        if (v > (limit - d) / 10)
            return dp_scan_fail(s, "number out of range");
        v = v * 10 + d;
    }
    if (p == first || (p < s->end && (*p == '.' || *p == 'e' || *p == 'E')))
        return dp_scan_fail(s, "an integer is expected");
    s->p = p;
    *out = negative ? (int64_t)(0 - v) : (int64_t)v;
    return 0;
}

/* Decimal digits onto `m`, as long as it holds them: *exp is what it must be shifted by. */
static const char *digits(const char *p, const char *end, bool is_fraction, uint64_t *m, int *exp)
{
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        if (*m < UINT64_MAX / 10 - 1) {
            *m = *m * 10 + (uint64_t)(*p - '0');
            *exp -= is_fraction;
        } else {
            *exp += !is_fraction && *exp < DOUBLE_EXP_MAX;
        }
    }
    return p;
}

/* "e-7" and the like, if it is there. */
static const char *exponent(const char *p, const char *end, int *exp)
{
    uint64_t n = 0;
    int beyond = 0;
    if (p == end || (*p | 0x20) != 'e')
        return p;
    const bool negative = ++p < end && *p == '-';
    p += p < end && (*p == '-' || *p == '+');
    p = digits(p, end, false, &n, &beyond);
    const int e = n > DOUBLE_EXP_MAX ? DOUBLE_EXP_MAX : (int)n;
    *exp += negative ? -e : e;
    return p;
}

/* Exact up to 19 digits where a long double has 64 bits; strtod() would ask the locale for its
 * point. */
static double scaled(uint64_t m, int exp)
{
    long double v = (long double)m, power = 1;
    for (int i = exp < 0 ? -exp : exp; m != 0 && i > 0 && power < LDBL_MAX / 10; i--)
        power *= 10;
    return (double)(exp < 0 ? v / power : v * power);
}

int dp_scan_double(struct dp_scan *s, double *out)
{
    const bool negative = dp_scan_peek(s) == '-';
    const char *first = s->p + negative, *p;
    uint64_t m = 0;
    int exp = 0;

    p = digits(first, s->end, false, &m, &exp);
    if (p == first)
        return dp_scan_fail(s, "a number is expected");
    if (p < s->end && *p == '.')
        p = digits(p + 1, s->end, true, &m, &exp);
    s->p = exponent(p, s->end, &exp);
    const double v = scaled(m, exp);
    *out = negative ? -v : v;
    return 0;
}

static bool word(struct dp_scan *s, const char *text)
{
    size_t n = strlen(text);

    dp_scan_peek(s);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, text, n) != 0)
        return false;
    s->p += n;
    return true;
}

bool dp_scan_null(struct dp_scan *s)
{
    return dp_scan_peek(s) == 'n' && word(s, "null");
}

int dp_scan_bool(struct dp_scan *s, bool *out)
{
    if (word(s, "true"))
        *out = true;
    else if (word(s, "false"))
        *out = false;
    else
        return dp_scan_fail(s, "true or false is expected");
    return 0;
}

int dp_scan_time(struct dp_scan *s, depot_time *out)
{
    const char *raw;
    size_t len;

    if (bare_string(s, &raw, &len) && depot_time_parse(raw, len, out) == 0) {
        s->p = raw + len + 1;
        return 0;
    }
    if (plain_string(s, &raw, &len))
        return -1;
    return depot_time_parse(raw, len, out) ? dp_scan_fail(s, "bad time") : 0;
}

int dp_scan_object(struct dp_scan *s, dp_scan_member_fn *fn, void *arg)
{
    if (expect(s, '{', "an object is expected"))
        return -1;
    if (dp_scan_peek(s) == '}') {
        s->p++;
        return 0;
    }
    for (;;) {
        const char *key = NULL;
        size_t len = 0;

        if (plain_string(s, &key, &len) || expect(s, ':', "a colon is expected") ||
            fn(s, key, len, arg))
            return -1;
        if (dp_scan_peek(s) != ',')
            return expect(s, '}', "a comma or } is expected");
        s->p++;
    }
}

typedef int element_fn(struct dp_scan *s, void *arg);

static int scan_array(struct dp_scan *s, element_fn *fn, void *arg)
{
    if (expect(s, '[', "an array is expected"))
        return -1;
    if (dp_scan_peek(s) == ']') {
        s->p++;
        return 0;
    }
    for (;;) {
        if (++s->items > s->items_max) {
            s->too_big = true;
            return dp_scan_fail(s, "too many elements");
        }
        if (fn(s, arg))
            return -1;
        if (dp_scan_peek(s) != ',')
            return expect(s, ']', "a comma or ] is expected");
        s->p++;
    }
}

/* Elements gather in a growing array that moves to the arena at the end. */
struct list {
    char *items;
    size_t len, cap, size;
    dp_scan_item_fn *fn;
    void *arg;
};

static int list_element(struct dp_scan *s, void *arg)
{
    struct list *l = arg;

    depot_vec_grow_((void **)&l->items, &l->cap, l->len + 1, l->size);
    memset(l->items + l->len * l->size, 0, l->size);
    l->len++;
    return l->fn(s, l->items + (l->len - 1) * l->size, l->arg);
}

int dp_scan_list(
    struct dp_scan *s, size_t size, dp_scan_item_fn *fn, void *arg, void *items, size_t *count)
{
    struct list l = {.size = size, .fn = fn, .arg = arg};
    int rc = scan_array(s, list_element, &l);

    if (rc == 0) {
        void *to = l.len ? depot_arena_alloc(s->arena, l.len * size) : NULL;

        if (l.len)
            memcpy(to, l.items, l.len * size);
        memcpy(items, &to, sizeof(to));
        *count = l.len;
    }
    depot_free(l.items);
    return rc;
}

static int skip_number(struct dp_scan *s)
{
    const char *p = s->p;

    while (p < s->end && strchr("+-.eE0123456789", *p) != NULL && *p)
        p++;
    if (p == s->p)
        return dp_scan_fail(s, "a value is expected");
    s->p = p;
    return 0;
}

static int skip_scalar(struct dp_scan *s)
{
    const char *raw;
    size_t len;
    bool escaped;
    int c = dp_scan_peek(s);

    if (c == '"')
        return raw_string(s, &raw, &len, &escaped);
    if (word(s, "true") || word(s, "false") || word(s, "null"))
        return 0;
    return skip_number(s);
}

static int skip_member(struct dp_scan *s, const char *key, size_t len, void *arg);

static int skip_element(struct dp_scan *s, void *arg)
{
    const int *depth = arg;
    int deeper = *depth + 1, c = dp_scan_peek(s);

    if (c != '{' && c != '[')
        return skip_scalar(s);
    if (deeper > s->depth_max)
        return dp_scan_fail(s, "nested too deep");
    return c == '{' ? dp_scan_object(s, skip_member, &deeper)
                    : scan_array(s, skip_element, &deeper);
}

static int skip_member(struct dp_scan *s, const char *key, size_t len, void *arg)
{
    DEPOT_UNUSED(key);
    DEPOT_UNUSED(len);
    return skip_element(s, arg);
}

int dp_scan_skip(struct dp_scan *s)
{
    int depth = 0;

    return skip_element(s, &depth);
}

int dp_scan_end(struct dp_scan *s)
{
    return dp_scan_peek(s) < 0 ? 0 : dp_scan_fail(s, "something follows the value");
}

bool dp_scan_key_is(const char *key, size_t len, const char *name)
{
    return strlen(name) == len && strncasecmp(key, name, len) == 0;
}
