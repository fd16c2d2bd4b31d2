/*
 * Compact tables of paths and inodes. No I/O.
 */
#include "session/paths.h"

#include <string.h>

int dp_paths_add(struct dp_paths *ps, uint32_t parent, const char *name, size_t n, int64_t value)
{
    if (ps->len >= DP_PATHS_MAX || ps->names_len + n + 1 > UINT32_MAX)
        return DEPOT_ERR_TOO_BIG;
    depot_vec_grow_((void **)&ps->names, &ps->names_cap, ps->names_len + n + 1, 1);
    memcpy(ps->names + ps->names_len, name, n);
    ps->names[ps->names_len + n] = '\0';
    depot_vec_push(ps, ((struct dp_paths_item){
                           .name = (uint32_t)ps->names_len, .parent = parent, .value = value}));
    ps->names_len += n + 1;
    return 0;
}

const char *dp_paths_get(const struct dp_paths *ps, uint32_t id, char buf[DP_PATH_MAX])
{
    char *p = buf + DP_PATH_MAX - 1;
    *p = '\0';
    if (id >= ps->len)
        return NULL;
    for (; id != DP_PATHS_ROOT; id = ps->items[id].parent) {
        const char *name = ps->names + ps->items[id].name;
        size_t n = strlen(name);
        bool slash = *p != '\0';
        if ((size_t)(p - buf) < n + slash)
            return NULL;
        if (slash)
            *--p = '/';
        p -= n;
        memcpy(p, name, n);
    }
    return p;
}

void dp_paths_release(struct dp_paths *ps)
{
    depot_free(ps->items);
    depot_free(ps->names);
    *ps = (struct dp_paths){0};
}

static size_t slot_of(const struct dp_inodes *t, uint64_t key)
{
    size_t i = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (t->cap - 1);
    while (t->keys[i] != 0 && t->keys[i] != key)
        i = (i + 1) & (t->cap - 1);
    return i;
}

static void grow(struct dp_inodes *t)
{
    struct dp_inodes old = *t;
    t->cap = old.cap == 0 ? 256 : old.cap * 2;
    t->keys = depot_calloc(t->cap, sizeof(*t->keys));
    t->ids = depot_calloc(t->cap, sizeof(*t->ids));
    for (size_t i = 0; i < old.cap; i++) {
        if (old.keys[i] == 0)
            continue;
        size_t slot = slot_of(t, old.keys[i]);
        t->keys[slot] = old.keys[i];
        t->ids[slot] = old.ids[i];
    }
    dp_inodes_release(&old);
}

uint32_t dp_inodes_put(struct dp_inodes *t, uint64_t dev, uint64_t ino, uint32_t id)
{
    /* Exact within one device; between devices as good as a 64-bit hash. */
    uint64_t key = ino ^ dev * UINT64_C(0xff51afd7ed558ccd);
    if (key == 0)
        key = 1;
    if ((t->len + 1) * 4 > t->cap * 3)
        grow(t);
    size_t slot = slot_of(t, key);
    if (t->keys[slot] == key)
        return t->ids[slot];
    t->keys[slot] = key;
    t->ids[slot] = id;
    t->len++;
    return id;
}

void dp_inodes_release(struct dp_inodes *t)
{
    depot_free(t->keys);
    depot_free(t->ids);
    *t = (struct dp_inodes){0};
}
