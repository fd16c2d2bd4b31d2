/*
 * Which bytes are a character of UTF-8, as RFC 3629 has it: in the shortest form, no surrogate,
 * none above U+10FFFF.
 */
#ifndef DEPOT_UTF8_H
#define DEPOT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The bytes of a character, for which there are four: how many. */
size_t depot_utf8_encode(char out[4], uint32_t ch);
/* Where the character begins that has a byte at `at`: where a text can be cut before it. */
size_t depot_utf8_start(const char *s, size_t at);

/* Bytes of a character that begins with this one, 1 to 4; 0: none does. */
size_t depot_utf8_lead(unsigned char b);

/* As depot_utf8_decode(), for a character that is not ASCII. */
int32_t depot_utf8_decode_long_(const char *s, size_t n, size_t *used);

/*
 * The character at the front of `n` > 0 bytes: its code point, and in *used how many bytes it has.
 * -1 when none is there: *used is then what could have begun one (Unicode's "maximal subpart"), at
 * least 1, for which texts show one sign; it is `n` where more bytes could still make one of them.
 */
static inline int32_t depot_utf8_decode(const char *s, size_t n, size_t *used)
{
    if ((unsigned char)s[0] >= 0x80)
        return depot_utf8_decode_long_(s, n, used);
    *used = 1;
    return s[0];
}

#endif
