/*
 * JSON text as Go's encoding/json prints it.
 */
#include "wire/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the valid UTF-8 sequence at p; 0 when there is none. */
static size_t utf8_len(const unsigned char *p, size_t n)
{
    unsigned char lo = 0x80, hi = 0xbf;
    size_t len;

    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        len = 2;
    else if (p[0] >= 0xe0 && p[0] <= 0xef)
        len = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        len = 4;
    else
        return 0;
    if (p[0] == 0xe0)
        lo = 0xa0; /* overlong */
    else if (p[0] == 0xed)
        hi = 0x9f; /* surrogates */
    else if (p[0] == 0xf0)
        lo = 0x90; /* overlong */
    else if (p[0] == 0xf4)
        hi = 0x8f; /* above U+10FFFF */
    if (n < len || p[1] < lo || p[1] > hi)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return len;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
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

void dp_json_string(struct depot_buf *out, const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s, *end = p + n;

    depot_buf_addc(out, '"');
    while (p < end) {
        const unsigned char *from = p;
        size_t len;

        while (p < end && is_plain(*p))
            p++;
        if (p > from)
            depot_buf_add(out, from, (size_t)(p - from));
        if (p == end)
            break;
        if (*p < 0x80) {
            put_ascii(out, *p++);
            continue;
        }
        len = utf8_len(p, (size_t)(end - p));
        if (len == 0) {
            depot_buf_adds(out, "\\ufffd");
            p++;
            continue;
        }
        if (len == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
            depot_buf_adds(out, p[2] == 0xa8 ? "\\u2028" : "\\u2029");
        else
            depot_buf_add(out, p, len);
        p += len;
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
    char text[DEPOT_TIME_STR_MAX];

    depot_buf_addc(out, '"');
    if (t) {
        depot_time_format(text, t);
        depot_buf_adds(out, text);
    } else {
        depot_buf_adds(out, "0001-01-01T00:00:00Z");
    }
    depot_buf_addc(out, '"');
}

void dp_json_base64(struct depot_buf *out, const void *data, size_t n)
{
    size_t len = depot_base64_encoded_len(n);
    char *p;

    depot_buf_addc(out, '"');
    p = depot_buf_reserve(out, len + 1);
    if (p) {
        depot_base64_encode(p, data, n);
        out->len += len;
    }
    depot_buf_addc(out, '"');
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
