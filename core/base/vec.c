/*
 * Growing arrays: the slow path behind DEPOT_VEC, and the owned list of strings.
 */
#include <depot/base.h>

#include <stdlib.h>

enum { VEC_FIRST = 8 };

void depot_vec_grow_(void **items, size_t *cap, size_t need, size_t size)
{
    size_t to = *cap > 0 ? *cap : VEC_FIRST;
    void *p;

    if (need <= *cap)
        return;
    while (to < need)
        to *= 2;
    if (to > SIZE_MAX / size)
        abort();
    /* Bytewise, because `items` really points to a pointer to some other type. */
    memcpy(&p, items, sizeof(p));
    p = depot_realloc(p, to * size);
    memcpy(items, &p, sizeof(p));
    *cap = to;
}

void depot_strv_push(struct depot_strv *v, const char *s)
{
    depot_strv_push_take(v, depot_strdup(s));
}

void depot_strv_push_take(struct depot_strv *v, char *s)
{
    depot_vec_push(v, s);
}

void depot_strv_release(struct depot_strv *v)
{
    for (size_t i = 0; i < v->len; i++)
        depot_free(v->items[i]);
    depot_vec_free(v);
}

void depot_strv_copy(struct depot_strv *to, const struct depot_strv *from)
{
    struct depot_strv copy = {0};

    for (size_t i = 0; i < from->len; i++)
        depot_strv_push(&copy, from->items[i]);
    *to = copy;
}

bool depot_strv_has(const struct depot_strv *v, const char *s)
{
    for (size_t i = 0; i < v->len; i++) {
        if (depot_str_eq(v->items[i], s))
            return true;
    }
    return false;
}

void depot_strv_split(struct depot_strv *v, const char *s, char sep)
{
    const char *end;

    if (depot_str_empty(s))
        return;
    while ((end = strchr(s, sep)) != NULL) {
        depot_strv_push_take(v, depot_strndup(s, (size_t)(end - s)));
        s = end + 1;
    }
    depot_strv_push(v, s);
}

char *depot_strv_join(const struct depot_strv *v, const char *sep)
{
    size_t total = 1, gap = strlen(sep);
    char *out, *p;

    for (size_t i = 0; i < v->len; i++)
        total += strlen(v->items[i]) + gap;
    p = out = depot_alloc(total);
    for (size_t i = 0; i < v->len; i++) {
        size_t len = strlen(v->items[i]);

        if (i > 0) {
            memcpy(p, sep, gap);
            p += gap;
        }
        memcpy(p, v->items[i], len);
        p += len;
    }
    *p = '\0';
    return out;
}
