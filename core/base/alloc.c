/*
 * Allocation that aborts: no caller has to handle an out-of-memory path.
 * Not a place for sizes that a peer chose; those are held against a ceiling before they come here.
 */
#include <depot/base.h>

#include <stdio.h>
#include <stdlib.h>

static void *check(void *p, size_t size)
{
    if (p == NULL) {
        fprintf(stderr, "depot: out of memory (%zu bytes)\n", size);
        abort();
    }
    return p;
}

void *depot_alloc(size_t size)
{
    return check(malloc(size > 0 ? size : 1), size);
}

void *depot_calloc(size_t n, size_t size)
{
    return check(n > 0 && size > 0 ? calloc(n, size) : calloc(1, 1), size);
}

void *depot_realloc(void *p, size_t size)
{
    return check(realloc(p, size > 0 ? size : 1), size);
}

void depot_free(void *p)
{
    free(p);
}

char *depot_strdup(const char *s)
{
    return s != NULL ? depot_memdup(s, strlen(s) + 1) : NULL;
}

char *depot_strndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = depot_alloc(len + 1);

    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

void *depot_memdup(const void *p, size_t n)
{
    void *copy;

    if (n == 0)
        return NULL;
    copy = depot_alloc(n);
    memcpy(copy, p, n);
    return copy;
}

char *depot_vasprintf(const char *fmt, va_list ap)
{
    va_list again;
    int n;
    char *s;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        return depot_strdup("");
    s = depot_alloc((size_t)n + 1);
    vsnprintf(s, (size_t)n + 1, fmt, ap);
    return s;
}

char *depot_asprintf(const char *fmt, ...)
{
    va_list ap;
    char *s;

    va_start(ap, fmt);
    s = depot_vasprintf(fmt, ap);
    va_end(ap);
    return s;
}
