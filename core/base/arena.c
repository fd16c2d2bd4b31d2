/*
 * The arena: a list of blocks, newest first, carved from the front and freed together.
 * A request larger than a block gets a block of its own behind the head, which stays in use.
 */
#include <depot/base.h>

#include <stdalign.h>

enum { BLOCK_FIRST = 1024, BLOCK_MAX = 64 * 1024 };

struct depot_arena_block {
    struct depot_arena_block *next;
    size_t used, size;
    alignas(max_align_t) char data[];
};

static struct depot_arena_block *block_new(size_t size)
{
    struct depot_arena_block *b = depot_calloc(1, sizeof(*b) + size);

    b->size = size;
    return b;
}

void *depot_arena_alloc(struct depot_arena *a, size_t size)
{
    struct depot_arena_block *b = a->head;
    size_t need = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    void *p;

    if (need > BLOCK_MAX && b != NULL) {
        struct depot_arena_block *own = block_new(need);

        own->used = need;
        own->next = b->next;
        b->next = own;
        return own->data;
    }
    if (b == NULL || b->size - b->used < need) {
        size_t want = b == NULL ? BLOCK_FIRST : b->size * 2;

        if (want > BLOCK_MAX)
            want = BLOCK_MAX;
        b = block_new(want > need ? want : need);
        b->next = a->head;
        a->head = b;
    }
    p = b->data + b->used;
    b->used += need;
    return p;
}

char *depot_arena_strndup(struct depot_arena *a, const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = depot_arena_alloc(a, len + 1);

    memcpy(copy, s, len);
    return copy;
}

char *depot_arena_strdup(struct depot_arena *a, const char *s)
{
    return s != NULL ? depot_arena_strndup(a, s, strlen(s)) : NULL;
}

void depot_arena_release(struct depot_arena *a)
{
    struct depot_arena_block *b = a->head, *next;

    for (; b != NULL; b = next) {
        next = b->next;
        depot_free(b);
    }
    a->head = NULL;
}
