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

/* The value of a character of either alphabet, with a bit that says that it is one. */
enum { VALID = 64 };
static const uint8_t values[256] = {
    ['A'] = VALID | 0,
    ['B'] = VALID | 1,
    ['C'] = VALID | 2,
    ['D'] = VALID | 3,
    ['E'] = VALID | 4,
    ['F'] = VALID | 5,
    ['G'] = VALID | 6,
    ['H'] = VALID | 7,
    ['I'] = VALID | 8,
    ['J'] = VALID | 9,
    ['K'] = VALID | 10,
    ['L'] = VALID | 11,
    ['M'] = VALID | 12,
    ['N'] = VALID | 13,
    ['O'] = VALID | 14,
    ['P'] = VALID | 15,
    ['Q'] = VALID | 16,
    ['R'] = VALID | 17,
    ['S'] = VALID | 18,
    ['T'] = VALID | 19,
    ['U'] = VALID | 20,
    ['V'] = VALID | 21,
    ['W'] = VALID | 22,
    ['X'] = VALID | 23,
    ['Y'] = VALID | 24,
    ['Z'] = VALID | 25,
    ['a'] = VALID | 26,
    ['b'] = VALID | 27,
    ['c'] = VALID | 28,
    ['d'] = VALID | 29,
    ['e'] = VALID | 30,
    ['f'] = VALID | 31,
    ['g'] = VALID | 32,
    ['h'] = VALID | 33,
    ['i'] = VALID | 34,
    ['j'] = VALID | 35,
    ['k'] = VALID | 36,
    ['l'] = VALID | 37,
    ['m'] = VALID | 38,
    ['n'] = VALID | 39,
    ['o'] = VALID | 40,
    ['p'] = VALID | 41,
    ['q'] = VALID | 42,
    ['r'] = VALID | 43,
    ['s'] = VALID | 44,
    ['t'] = VALID | 45,
    ['u'] = VALID | 46,
    ['v'] = VALID | 47,
    ['w'] = VALID | 48,
    ['x'] = VALID | 49,
    ['y'] = VALID | 50,
    ['z'] = VALID | 51,
    ['0'] = VALID | 52,
    ['1'] = VALID | 53,
    ['2'] = VALID | 54,
    ['3'] = VALID | 55,
    ['4'] = VALID | 56,
    ['5'] = VALID | 57,
    ['6'] = VALID | 58,
    ['7'] = VALID | 59,
    ['8'] = VALID | 60,
    ['9'] = VALID | 61,
    ['+'] = VALID | 62,
    ['/'] = VALID | 63,
    ['-'] = VALID | 62,
    ['_'] = VALID | 63,
};

static uint32_t value_of(char c)
{
    return values[(unsigned char)c];
}

int depot_base64_decode(void *out, size_t *out_len, const char *s, size_t n)
{
    unsigned char *p = out;
    uint32_t valid = VALID;
    size_t i = 0, pad = 0;

    while (n > 0 && pad < 2 && s[n - 1] == '=') {
        n--;
        pad++;
    }
    /* One character over a group of four holds six bits, never a byte; padding completes a group.
     */
    if (n % 4 == 1 || (pad > 0 && (n + pad) % 4 != 0))
        return DEPOT_ERR_INVALID;
    /* All that is no character shows at the end: text that is wrong is rare. */
    for (; i + 4 <= n; i += 4, p += 3) {
        const uint32_t a = value_of(s[i]), b = value_of(s[i + 1]);
        const uint32_t c = value_of(s[i + 2]), d = value_of(s[i + 3]);

        valid &= a & b & c & d;
        p[0] = (unsigned char)(a << 2 | (b & 63) >> 4);
        p[1] = (unsigned char)(b << 4 | (c & 63) >> 2);
        p[2] = (unsigned char)(c << 6 | (d & 63));
    }
    if (i < n) {
        const uint32_t a = value_of(s[i]), b = value_of(s[i + 1]);
        const uint32_t c = i + 2 < n ? value_of(s[i + 2]) : VALID;

        valid &= a & b & c;
        *p++ = (unsigned char)(a << 2 | (b & 63) >> 4);
        if (i + 2 < n)
            *p++ = (unsigned char)(b << 4 | (c & 63) >> 2);
    }
    if (valid == 0)
        return DEPOT_ERR_INVALID;
    *out_len = (size_t)(p - (unsigned char *)out);
    return 0;
}
