/*
 * JSON text as Go's encoding/json prints it.
 */
#include "record/json.h"
#include "record/word.h"

#include <depot/utf8.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

/* The same of all eight. */
static bool plain_word(const char *p)
{
    const uint64_t w = dp_word(p);
    const uint64_t quotes = dp_word_has(w, '"') | dp_word_has(w, '\\');
    const uint64_t html = dp_word_has(w, '<') | dp_word_has(w, '>') | dp_word_has(w, '&');

    return ((w | dp_word_below(w, 0x20) | quotes | html) & DP_WORD_HIT) == 0;
}

static void put_ascii(struct depot_buf *out, unsigned char c)
{
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    static const char hex[] = "0123456789abcdef";
    char esc[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    for (size_t i = 0; i + 1 < sizeof(named) - 1; i += 2) {
        if ((unsigned char)named[i] == c) {
            esc[1] = named[i + 1];
            depot_buf_add(out, esc, 2);
            return;
        }
    }
    depot_buf_add(out, esc, sizeof(esc));
}

/* The end of what a string holds as it is. */
static const char *plain_end(const char *p, const char *end)
{
    for (;;) {
        size_t len;
        int32_t ch;

        while (end - p >= 8 && plain_word(p))
            p += 8;
        while (p < end && is_plain((unsigned char)*p))
            p++;
        if (p == end || (unsigned char)*p < 0x80)
            return p;
        ch = depot_utf8_decode(p, (size_t)(end - p), &len);
        if (ch < 0 || ch == 0x2028 || ch == 0x2029)
            return p;
        p += len;
    }
}

/* One of the other characters that are not ASCII, or a byte of none, as Go; the bytes it has. */
static size_t put_escaped(struct depot_buf *out, const char *s, size_t n)
{
    size_t len;
    int32_t ch = depot_utf8_decode(s, n, &len);

    depot_buf_adds(out, ch == 0x2028 ? "\\u2028" : ch == 0x2029 ? "\\u2029" : "\\ufffd");
    return ch < 0 ? 1 : len;
}

void dp_json_string(struct depot_buf *out, const char *s, size_t n)
{
    const char *p = s, *end = s + n;

    depot_buf_addc(out, '"');
    while (p < end) {
        const char *from = p;

        p = plain_end(p, end);
        if (p > from)
            depot_buf_add(out, from, (size_t)(p - from));
        if (p == end)
            break;
        if ((unsigned char)*p < 0x80)
            put_ascii(out, (unsigned char)*p++);
        else
            p += put_escaped(out, p, (size_t)(end - p));
    }
    depot_buf_addc(out, '"');
}

void dp_json_int(struct depot_buf *out, int64_t v)
{
    char tmp[24], *p = tmp + sizeof(tmp);
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--p = '-';
    depot_buf_add(out, p, (size_t)(tmp + sizeof(tmp) - p));
}

void dp_json_double(struct depot_buf *out, double v)
{
    char tmp[40];

    if (!isfinite(v))
        v = 0;
    for (int prec = 6; prec <= 17; prec++) {
        snprintf(tmp, sizeof(tmp), "%.*g", prec, v);
        if (strtod(tmp, NULL) == v)
            break;
    }
    /* The process may run in a locale whose point is a comma. */
    for (char *p = tmp; *p; p++)
        if (*p == ',')
            *p = '.';
    depot_buf_adds(out, tmp);
}

void dp_json_time(struct depot_buf *out, depot_time t)
{
    char text[1 + DEPOT_TIME_STR_MAX] = "\"";
    size_t n;

    if (!t) {
        depot_buf_adds(out, "\"0001-01-01T00:00:00Z\"");
        return;
    }
    depot_time_format(text + 1, t);
    n = strlen(text);
    text[n] = '"'; /* in place of the NUL */
    depot_buf_add(out, text, n + 1);
}

void dp_json_base64(struct depot_buf *out, const void *data, size_t n)
{
    size_t len = depot_base64_encoded_len(n);
    char *p = depot_buf_reserve(out, len + 2);

    if (p == NULL)
        return;
    *p = '"';
    depot_base64_encode(p + 1, data, n);
    p[1 + len] = '"';
    out->len += len + 2;
}

void dp_json_key(struct depot_buf *out, bool *first, const char *name)
{
    if (!*first)
        depot_buf_addc(out, ',');
    *first = false;
    depot_buf_addc(out, '"');
    depot_buf_adds(out, name);
    depot_buf_add(out, "\":", 2);
}

size_t dp_json_open(const struct depot_buf *out)
{
    return out->len;
}

void dp_json_close(struct depot_buf *out, size_t at)
{
    if (out->len > at)
        out->data[at] = '{';
    else
        depot_buf_addc(out, '{');
    depot_buf_addc(out, '}');
}
