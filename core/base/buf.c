/*
 * The byte buffer with a ceiling. Growth doubles; consuming from the front moves what is left, so
 * a reader consumes in large pieces, not byte by byte.
 */
#include <depot/buf.h>

#include <stdio.h>

enum { BUF_FIRST = 64 };

void depot_buf_init(struct depot_buf *b, size_t max)
{
    *b = (struct depot_buf)DEPOT_BUF_INIT(max);
}

void depot_buf_release(struct depot_buf *b)
{
    depot_free(b->data);
    depot_buf_init(b, b->max);
}

void depot_buf_clear(struct depot_buf *b)
{
    depot_buf_truncate(b, 0);
    b->overflow = false;
}

char *depot_buf_reserve(struct depot_buf *b, size_t n)
{
    size_t cap = b->cap > 0 ? b->cap : BUF_FIRST;

    /* One byte is kept for the NUL, and the sums must not wrap. */
    if (n > b->max || b->len > b->max - n || n >= SIZE_MAX - b->len) {
        b->overflow = true;
        return NULL;
    }
    if (b->len + n + 1 > b->cap) {
        while (cap < b->len + n + 1)
            cap = cap > SIZE_MAX / 2 ? b->len + n + 1 : cap * 2;
        b->data = depot_realloc(b->data, cap);
        b->cap = cap;
    }
    /* The writer fills from here and then moves len: the NUL is there if it fills all or nothing.
     */
    b->data[b->len] = '\0';
    b->data[b->len + n] = '\0';
    return b->data + b->len;
}

void depot_buf_add(struct depot_buf *b, const void *data, size_t n)
{
    char *p = depot_buf_reserve(b, n);

    if (p == NULL)
        return;
    if (n > 0)
        memcpy(p, data, n);
    p[n] = '\0';
    b->len += n;
}

void depot_buf_adds(struct depot_buf *b, const char *s)
{
    depot_buf_add(b, s, strlen(s));
}

void depot_buf_addc(struct depot_buf *b, char c)
{
    depot_buf_add(b, &c, 1);
}

void depot_buf_addf(struct depot_buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;
    size_t room = b->cap > b->len ? b->cap - b->len : 0;
    char *p;

    /* Straight into the spare room first: it nearly always fits. */
    va_start(ap, fmt);
    n = vsnprintf(room > 0 ? b->data + b->len : NULL, room, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    p = depot_buf_reserve(b, (size_t)n);
    if (p == NULL) {
        if (room > 0)
            b->data[b->len] = '\0';
        return;
    }
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

void depot_buf_consume(struct depot_buf *b, size_t n)
{
    if (n == 0)
        return;
    if (n >= b->len) {
        depot_buf_truncate(b, 0);
        return;
    }
    memmove(b->data, b->data + n, b->len - n + 1);
    b->len -= n;
}

void depot_buf_truncate(struct depot_buf *b, size_t len)
{
    if (b->data == NULL || len > b->len)
        return;
    b->len = len;
    b->data[len] = '\0';
}

const char *depot_buf_str(const struct depot_buf *b)
{
    return b->data != NULL ? b->data : "";
}

char *depot_buf_detach(struct depot_buf *b)
{
    char *data = b->data != NULL ? b->data : depot_strdup("");

    depot_buf_init(b, b->max);
    return data;
}
