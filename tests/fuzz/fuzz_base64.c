/*
 * Fuzzes base64 against one that goes bit by bit: the same bytes, the same text, the same refusals,
 * and nothing written or read beside what is given.
 */
#include <depot/base.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void *copy_of(const void *data, size_t n)
{
    void *copy = depot_alloc(n > 0 ? n : 1);

    memcpy(copy, data, n);
    return copy;
}

static unsigned six_bits(const uint8_t *data, size_t size, size_t at)
{
    unsigned v = 0;

    for (size_t bit = 6 * at; bit < 6 * at + 6; bit++)
        v = v << 1 | (bit / 8 < size ? data[bit / 8] >> (7 - bit % 8) & 1 : 0);
    return v;
}

static void check_encode(const uint8_t *data, size_t size)
{
    const size_t len = depot_base64_encoded_len(size);
    char *text = depot_alloc(len + 1);
    uint8_t *back = depot_alloc(len / 4 * 3 + 3);
    size_t n;

    depot_base64_encode(text, data, size);
    if (text[len] != '\0')
        abort();
    for (size_t i = 0; i < len; i++)
        if (text[i] != (6 * i < 8 * size ? alphabet[six_bits(data, size, i)] : '='))
            abort();
    if (depot_base64_decode(back, &n, text, len) != 0 || n != size || memcmp(back, data, n) != 0)
        abort();
    depot_free(back);
    depot_free(text);
}

/* The value of a character of either alphabet; negative: it is none. */
static int value_of(uint8_t c)
{
    const char *at = c == '-' ? "+" : c == '_' ? "/" : (const char[]){(char)c, '\0'};
    const char *hit = *at ? strstr(alphabet, at) : NULL;

    return hit ? (int)(hit - alphabet) : -1;
}

/* How many bytes, or negative. */
static long plain_decode(uint8_t *out, const uint8_t *s, size_t n)
{
    size_t pad = 0, len = 0;
    unsigned v = 0;

    for (; n > 0 && pad < 2 && s[n - 1] == '='; n--)
        pad++;
    if (n % 4 == 1 || (pad > 0 && (n + pad) % 4 != 0))
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (value_of(s[i]) < 0)
            return -1;
        v = v << 6 | (unsigned)value_of(s[i]);
        if (i % 4 != 0)
            out[len++] = (uint8_t)(v >> (6 - 2 * (i % 4)));
    }
    return (long)len;
}

static void check_decode(const uint8_t *data, size_t size)
{
    uint8_t *want = depot_alloc(size + 1), *got = depot_alloc(size / 4 * 3 + 3);
    const long len = plain_decode(want, data, size);
    size_t n = 0;
    int rc = depot_base64_decode(got, &n, (const char *)data, size);

    if ((rc == 0) != (len >= 0) || (rc != 0 && rc != DEPOT_ERR_INVALID))
        abort();
    if (rc == 0 && (n != (size_t)len || memcmp(got, want, n) != 0))
        abort();
    depot_free(want);
    depot_free(got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = copy_of(data, size);

    check_encode(copy, size);
    check_decode(copy, size);
    depot_free(copy);
    return 0;
}
