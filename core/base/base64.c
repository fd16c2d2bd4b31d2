/*
 * Base64 of RFC 4648 section 4, and reading of the URL-safe alphabet of section 5 as well.
 * Not a stream: text and bytes are whole.
 */
#include <depot/base.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t depot_base64_encoded_len(size_t n)
{
    return (n + 2) / 3 * 4;
}

void depot_base64_encode(char *out, const void *data, size_t n)
{
    const unsigned char *in = data;

    for (; n >= 3; n -= 3, in += 3) {
        uint32_t v = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

        *out++ = alphabet[v >> 18];
        *out++ = alphabet[v >> 12 & 63];
        *out++ = alphabet[v >> 6 & 63];
        *out++ = alphabet[v & 63];
    }
    if (n > 0) {
        uint32_t v = (uint32_t)in[0] << 16 | (n == 2 ? (uint32_t)in[1] << 8 : 0);

        *out++ = alphabet[v >> 18];
        *out++ = alphabet[v >> 12 & 63];
        *out++ = n == 2 ? alphabet[v >> 6 & 63] : '=';
        *out++ = '=';
    }
    *out = '\0';
}

static int value_of(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return -1;
}

int depot_base64_decode(void *out, size_t *out_len, const char *s, size_t n)
{
    unsigned char *p = out;
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t pad = 0;

    while (n > 0 && pad < 2 && s[n - 1] == '=') {
        n--;
        pad++;
    }
    /* One character over a group of four holds six bits, never a byte; padding completes a group.
     */
    if (n % 4 == 1 || (pad > 0 && (n + pad) % 4 != 0))
        return DEPOT_ERR_INVALID;
    for (size_t i = 0; i < n; i++) {
        int v = value_of((unsigned char)s[i]);

        if (v < 0)
            return DEPOT_ERR_INVALID;
        acc = (acc << 6 | (uint32_t)v) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *p++ = (unsigned char)(acc >> bits);
        }
    }
    *out_len = (size_t)(p - (unsigned char *)out);
    return 0;
}
