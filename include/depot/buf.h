/*
 * A byte buffer with a ceiling.
 *
 * `data` always ends in a NUL that `len` does not count. Growing past `max` drops the addition and
 * sets `overflow`, which stays set: a writer appends freely and checks once at the end.
 */
#ifndef DEPOT_BUF_H
#define DEPOT_BUF_H

#include <depot/base.h>
#include <depot/export.h>

DEPOT_API_BEGIN

struct depot_buf {
    char *data; /* never NULL after the first addition */
    size_t len, cap, max;
    bool overflow;
};

/* For buffers whose size no peer decides. */
#define DEPOT_BUF_NO_LIMIT SIZE_MAX
#define DEPOT_BUF_INIT(limit)                                                                      \
    {                                                                                              \
        .max = (limit)                                                                             \
    }

void depot_buf_init(struct depot_buf *b, size_t max);
void depot_buf_release(struct depot_buf *b); /* may be used again afterwards, same ceiling */
void depot_buf_clear(struct depot_buf *b);   /* keeps the memory */
void depot_buf_add(struct depot_buf *b, const void *data, size_t n);
void depot_buf_adds(struct depot_buf *b, const char *s);
void depot_buf_addc(struct depot_buf *b, char c);
void depot_buf_addf(struct depot_buf *b, const char *fmt, ...) DEPOT_PRINTF(2, 3);
/* Room for `n` more bytes to be written at data + len, which the writer then moves; NULL when it
 * would pass the ceiling. */
char *depot_buf_reserve(struct depot_buf *b, size_t n);
void depot_buf_consume(struct depot_buf *b, size_t n); /* drop from the front */
void depot_buf_truncate(struct depot_buf *b, size_t len);
const char *depot_buf_str(const struct depot_buf *b); /* "" when empty */
char *depot_buf_detach(struct depot_buf *b);          /* the caller frees; b is empty */

DEPOT_API_END

#endif
