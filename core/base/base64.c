/*
 * Base64 of RFC 4648 section 4, and reading of the URL-safe alphabet of section 5 as well.
 * Not a stream: text and bytes are whole. Most of a feed passes through here, so it goes by eight
 * characters at a time: tables hold two characters for 12 bits, and for a character its bits
 * where they stand in a group of four.
 */
#include <depot/base.h>

enum { GROUP = 3, GROUP_CHARS = 4, STEP = 2 * GROUP, STEP_CHARS = 2 * GROUP_CHARS };

/* All pairs that begin with `a`. */
#define PAIRS_8(a, b, c, d, e, f, g, h, i) a, b, a, c, a, d, a, e, a, f, a, g, a, h, a, i
#define PAIRS(a)                                                                                   \
    PAIRS_8(a, 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'),                                            \
        PAIRS_8(a, 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P'),                                        \
        PAIRS_8(a, 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X'),                                        \
        PAIRS_8(a, 'Y', 'Z', 'a', 'b', 'c', 'd', 'e', 'f'),                                        \
        PAIRS_8(a, 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n'),                                        \
        PAIRS_8(a, 'o', 'p', 'q', 'r', 's', 't', 'u', 'v'),                                        \
        PAIRS_8(a, 'w', 'x', 'y', 'z', '0', '1', '2', '3'),                                        \
        PAIRS_8(a, '4', '5', '6', '7', '8', '9', '+', '/')

static const char pairs[2 * 64 * 64] = {PAIRS('A'), PAIRS('B'), PAIRS('C'), PAIRS('D'), PAIRS('E'),
    PAIRS('F'), PAIRS('G'), PAIRS('H'), PAIRS('I'), PAIRS('J'), PAIRS('K'), PAIRS('L'), PAIRS('M'),
    PAIRS('N'), PAIRS('O'), PAIRS('P'), PAIRS('Q'), PAIRS('R'), PAIRS('S'), PAIRS('T'), PAIRS('U'),
    PAIRS('V'), PAIRS('W'), PAIRS('X'), PAIRS('Y'), PAIRS('Z'), PAIRS('a'), PAIRS('b'), PAIRS('c'),
    PAIRS('d'), PAIRS('e'), PAIRS('f'), PAIRS('g'), PAIRS('h'), PAIRS('i'), PAIRS('j'), PAIRS('k'),
    PAIRS('l'), PAIRS('m'), PAIRS('n'), PAIRS('o'), PAIRS('p'), PAIRS('q'), PAIRS('r'), PAIRS('s'),
    PAIRS('t'), PAIRS('u'), PAIRS('v'), PAIRS('w'), PAIRS('x'), PAIRS('y'), PAIRS('z'), PAIRS('0'),
    PAIRS('1'), PAIRS('2'), PAIRS('3'), PAIRS('4'), PAIRS('5'), PAIRS('6'), PAIRS('7'), PAIRS('8'),
    PAIRS('9'), PAIRS('+'), PAIRS('/')};

/*
 * For each place in a group, what a character of either alphabet has in its three bytes, the first
 * byte lowest. What is a character counts one above them: four make FOUR.
 */
enum { ONE = 1 << 24, FOUR = 4 * ONE, GROUP_BITS = ONE - 1 };
#define PLACE_0(v) (ONE + ((v) << 2))
#define PLACE_1(v) (ONE + ((v) >> 4 | ((v)&15) << 12))
#define PLACE_2(v) (ONE + ((v) >> 2 << 8 | ((v)&3) << 22))
#define PLACE_3(v) (ONE + ((v) << 16))
#define BITS_4(AT, v, a, b, c, d)                                                                  \
    [a] = AT(v), [b] = AT((v) + 1), [c] = AT((v) + 2), [d] = AT((v) + 3)
#define CHARACTERS(AT)                                                                             \
    BITS_4(AT, 0, 'A', 'B', 'C', 'D'), BITS_4(AT, 4, 'E', 'F', 'G', 'H'),                          \
        BITS_4(AT, 8, 'I', 'J', 'K', 'L'), BITS_4(AT, 12, 'M', 'N', 'O', 'P'),                     \
        BITS_4(AT, 16, 'Q', 'R', 'S', 'T'), BITS_4(AT, 20, 'U', 'V', 'W', 'X'),                    \
        BITS_4(AT, 24, 'Y', 'Z', 'a', 'b'), BITS_4(AT, 28, 'c', 'd', 'e', 'f'),                    \
        BITS_4(AT, 32, 'g', 'h', 'i', 'j'), BITS_4(AT, 36, 'k', 'l', 'm', 'n'),                    \
        BITS_4(AT, 40, 'o', 'p', 'q', 'r'), BITS_4(AT, 44, 's', 't', 'u', 'v'),                    \
        BITS_4(AT, 48, 'w', 'x', 'y', 'z'), BITS_4(AT, 52, '0', '1', '2', '3'),                    \
        BITS_4(AT, 56, '4', '5', '6', '7'),                                                        \
        BITS_4(AT, 60, '8', '9', '+', '/'), ['-'] = AT(62), ['_'] = AT(63)
static const uint32_t bits[GROUP_CHARS][256] = {
    {CHARACTERS(PLACE_0)},
    {CHARACTERS(PLACE_1)},
    {CHARACTERS(PLACE_2)},
    {CHARACTERS(PLACE_3)},
};

size_t depot_base64_encoded_len(size_t n)
{
    return (n + 2) / 3 * 4;
}

/* Written so, compilers know it as one load and a swap of bytes, and the next as one store. */
static uint64_t load_first_high(const unsigned char *p)
{
    return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
           (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
           (uint64_t)p[6] << 8 | p[7];
}

static void store_first_low(unsigned char *p, uint64_t v)
{
    p[0] = (unsigned char)v;
    p[1] = (unsigned char)(v >> 8);
    p[2] = (unsigned char)(v >> 16);
    p[3] = (unsigned char)(v >> 24);
    p[4] = (unsigned char)(v >> 32);
    p[5] = (unsigned char)(v >> 40);
    p[6] = (unsigned char)(v >> 48);
    p[7] = (unsigned char)(v >> 56);
}

static void put_pair(char *out, uint64_t twelve_bits)
{
    memcpy(out, pairs + 2 * (twelve_bits & 0xfff), 2);
}

void depot_base64_encode(char *out, const void *data, size_t n)
{
    const unsigned char *in = data;

    /* Loads two bytes more than it takes. */
    for (; n >= STEP + 2; n -= STEP, in += STEP, out += STEP_CHARS) {
        const uint64_t v = load_first_high(in);

        put_pair(out, v >> 52);
        put_pair(out + 2, v >> 40);
        put_pair(out + 4, v >> 28);
        put_pair(out + 6, v >> 16);
    }
    while (n > 0) {
        const size_t take = n < GROUP ? n : GROUP;
        const uint32_t v =
            (uint32_t)in[0] << 16 | (take > 1 ? (uint32_t)in[1] << 8 : 0) | (take > 2 ? in[2] : 0);

        put_pair(out, v >> 12);
        put_pair(out + 2, v);
        memset(out + take + 1, '=', GROUP - take);
        n -= take;
        in += take;
        out += GROUP_CHARS;
    }
    *out = '\0';
}

/* The three bytes of four characters; what counts less than FOUR has others among them. */
static uint32_t group(const unsigned char *s)
{
    return bits[0][s[0]] + bits[1][s[1]] + bits[2][s[2]] + bits[3][s[3]];
}

/* The one to three bytes at the end; `n` characters, at most four. */
static uint32_t decode_last(unsigned char *out, const unsigned char *s, size_t n)
{
    unsigned char whole[GROUP_CHARS + 1] = "AAAA"; /* no bits */
    uint32_t v;

    memcpy(whole, s, n);
    v = group(whole);
    for (size_t i = 0; i + 1 < n; i++)
        out[i] = (unsigned char)(v >> 8 * i);
    return v;
}

int depot_base64_decode(void *out, size_t *out_len, const char *s, size_t n)
{
    const unsigned char *in = (const unsigned char *)s;
    unsigned char *p = out;
    uint32_t all = FOUR; /* what is no character shows at the end: text that is wrong is rare */
    size_t pad = 0;

    while (n > 0 && pad < 2 && s[n - 1] == '=') {
        n--;
        pad++;
    }
    /* One character over a group of four holds six bits, never a byte; padding completes a group.
     */
    if (n % 4 == 1 || (pad > 0 && (n + pad) % 4 != 0))
        return DEPOT_ERR_INVALID;
    /* Stores two bytes more than it has, where the next group goes. */
    for (; n >= STEP_CHARS + GROUP_CHARS; n -= STEP_CHARS, in += STEP_CHARS, p += STEP) {
        const uint32_t a = group(in), b = group(in + GROUP_CHARS);

        all &= a & b;
        store_first_low(p, (a & GROUP_BITS) | (uint64_t)b << 24);
    }
    while (n > 0) {
        const size_t take = n < GROUP_CHARS ? n : GROUP_CHARS;

        all &= decode_last(p, in, take);
        n -= take;
        in += take;
        p += take - 1;
    }
    if (all == 0)
        return DEPOT_ERR_INVALID;
    *out_len = (size_t)(p - (unsigned char *)out);
    return 0;
}
