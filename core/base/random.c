/*
 * Random bytes and identifiers from the system's source, and the hash for tables.
 * Not a generator of our own: nothing is seeded, nothing is kept.
 */
#include <depot/base.h>

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum { ENTROPY_MAX = 256 }; /* in one call of getentropy() */

void depot_random_bytes(void *out, size_t n)
{
    char *p = out;

    while (n > 0) {
        const size_t take = n < ENTROPY_MAX ? n : ENTROPY_MAX;

        /* Without randomness there are no identifiers and no tokens: nothing sane can go on. */
        if (getentropy(p, take) != 0)
            abort();
        p += take;
        n -= take;
    }
}

void depot_random_id(char *out, size_t n)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    unsigned char pool[32];
    size_t at = sizeof(pool);

    for (size_t i = 0; i < n;) {
        if (at == sizeof(pool)) {
            depot_random_bytes(pool, sizeof(pool));
            at = 0;
        }
        /* 252 is the largest multiple of 36 in a byte; taking more would favour low digits. */
        if (pool[at] < 252)
            out[i++] = digits[pool[at] % 36];
        at++;
    }
    out[n] = '\0';
}

uint64_t depot_hash(const void *data, size_t n)
{
    const unsigned char *p = data;
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}
