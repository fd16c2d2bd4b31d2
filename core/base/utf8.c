/*
 * Characters of UTF-8 that have more than one byte.
 */
#include <depot/utf8.h>

#include <stdbool.h>

size_t depot_utf8_lead(unsigned char b)
{
    if (b < 0x80)
        return 1;
    /* 0xc0 and 0xc1 would be longer than needed, from 0xf5 on it would be above U+10FFFF. */
    if (b < 0xc2 || b > 0xf4)
        return 0;
    return b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
}

size_t depot_utf8_encode(char out[4], uint32_t ch)
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0}; /* by length */
    const size_t n = ch < 0x80 ? 1 : ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;

    for (size_t i = n; i-- > 1; ch >>= 6)
        out[i] = (char)(0x80 | (ch & 0x3f));
    out[0] = (char)(lead[n] | ch);
    return n;
}

size_t depot_utf8_start(const char *s, size_t at)
{
    while (at > 0 && ((unsigned char)s[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* Second bytes that would make it longer than needed, a surrogate, or above U+10FFFF are none. */
static bool may_follow(const unsigned char *p, size_t at)
{
    static const struct {
        unsigned char lead, low, high;
    } seconds[] = {{0xe0, 0xa0, 0xbf}, {0xed, 0x80, 0x9f}, {0xf0, 0x90, 0xbf}, {0xf4, 0x80, 0x8f}};

    for (size_t i = 0; at == 1 && i < sizeof(seconds) / sizeof(*seconds); i++)
        if (p[0] == seconds[i].lead)
            return p[1] >= seconds[i].low && p[1] <= seconds[i].high;
    return (p[at] & 0xc0) == 0x80;
}

int32_t depot_utf8_decode_long_(const char *s, size_t n, size_t *used)
{
    const unsigned char *p = (const unsigned char *)s;
    const size_t len = depot_utf8_lead(p[0]);
    int32_t ch = p[0] & (0x7f >> len);
    size_t at = 1;

    for (; at < len && at < n && may_follow(p, at); at++)
        ch = ch << 6 | (p[at] & 0x3f);
    *used = at;
    return at == len ? ch : -1;
}
