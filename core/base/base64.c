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

/* One more than the value of a character of either alphabet; 0: of none. */
static const uint8_t values[256] = {['A'] = 1,
    ['B'] = 2,
    ['C'] = 3,
    ['D'] = 4,
    ['E'] = 5,
    ['F'] = 6,
    ['G'] = 7,
    ['H'] = 8,
    ['I'] = 9,
    ['J'] = 10,
    ['K'] = 11,
    ['L'] = 12,
    ['M'] = 13,
    ['N'] = 14,
    ['O'] = 15,
    ['P'] = 16,
    ['Q'] = 17,
    ['R'] = 18,
    ['S'] = 19,
    ['T'] = 20,
    ['U'] = 21,
    ['V'] = 22,
    ['W'] = 23,
    ['X'] = 24,
    ['Y'] = 25,
    ['Z'] = 26,
    ['a'] = 27,
    ['b'] = 28,
    ['c'] = 29,
    ['d'] = 30,
    ['e'] = 31,
    ['f'] = 32,
    ['g'] = 33,
    ['h'] = 34,
    ['i'] = 35,
    ['j'] = 36,
    ['k'] = 37,
    ['l'] = 38,
    ['m'] = 39,
    ['n'] = 40,
    ['o'] = 41,
    ['p'] = 42,
    ['q'] = 43,
    ['r'] = 44,
    ['s'] = 45,
    ['t'] = 46,
    ['u'] = 47,
    ['v'] = 48,
    ['w'] = 49,
    ['x'] = 50,
    ['y'] = 51,
    ['z'] = 52,
    ['0'] = 53,
    ['1'] = 54,
    ['2'] = 55,
    ['3'] = 56,
    ['4'] = 57,
    ['5'] = 58,
    ['6'] = 59,
    ['7'] = 60,
    ['8'] = 61,
    ['9'] = 62,
    ['+'] = 63,
    ['/'] = 64,
    ['-'] = 63,
    ['_'] = 64};

static bool value_of(char c, uint32_t *v)
{
    const uint32_t found = values[(unsigned char)c];

    *v = found - 1;
    return found != 0;
}

int depot_base64_decode(void *out, size_t *out_len, const char *s, size_t n)
{
    unsigned char *p = out;
    uint32_t a = 0, b = 0, c = 0, d = 0;
    size_t i = 0, pad = 0;

    while (n > 0 && pad < 2 && s[n - 1] == '=') {
        n--;
        pad++;
    }
    /* One character over a group of four holds six bits, never a byte; padding completes a group.
     */
    if (n % 4 == 1 || (pad > 0 && (n + pad) % 4 != 0))
        return DEPOT_ERR_INVALID;
    for (; i + 4 <= n; i += 4) {
        if (!value_of(s[i], &a) || !value_of(s[i + 1], &b) || !value_of(s[i + 2], &c) ||
            !value_of(s[i + 3], &d))
            return DEPOT_ERR_INVALID;
        *p++ = (unsigned char)(a << 2 | b >> 4);
        *p++ = (unsigned char)(b << 4 | c >> 2);
        *p++ = (unsigned char)(c << 6 | d);
    }
    if (i < n) {
        c = 0;
        if (!value_of(s[i], &a) || !value_of(s[i + 1], &b) ||
            (i + 2 < n && !value_of(s[i + 2], &c)))
            return DEPOT_ERR_INVALID;
        *p++ = (unsigned char)(a << 2 | b >> 4);
        if (i + 2 < n)
            *p++ = (unsigned char)(b << 4 | c >> 2);
    }
    *out_len = (size_t)(p - (unsigned char *)out);
    return 0;
}
