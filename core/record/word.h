/*
 * Eight bytes of a text looked at as one number: whether any of them is what stops a scan. What
 * each function returns has bits of DP_WORD_HIT when one is, and may have others.
 */
#ifndef DEPOT_CORE_RECORD_WORD_H
#define DEPOT_CORE_RECORD_WORD_H

#include <stdint.h>
#include <string.h>

#define DP_WORD_ALL(c) (UINT64_C(0x0101010101010101) * (c))
#define DP_WORD_HIT    DP_WORD_ALL(0x80)

static inline uint64_t dp_word(const char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof(w));
    return w;
}

/* Bytes below n, at most 128. */
static inline uint64_t dp_word_below(uint64_t w, unsigned n)
{
    return (w - DP_WORD_ALL(n)) & ~w;
}

static inline uint64_t dp_word_has(uint64_t w, unsigned char c)
{
    return dp_word_below(w ^ DP_WORD_ALL(c), 1);
}

#endif
