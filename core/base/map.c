/*
 * The hash map from string to pointer: entries in insertion order, beside an open-addressed table
 * of indexes into them. Removal leaves a dead entry; a rehash drops the dead and keeps the order.
 */
#include <depot/base.h>

struct entry {
    char *key; /* NULL: removed */
    void *value;
    uint64_t hash;
    size_t len;
};

/* A slot holds the entry's index + 1; 0 is empty. Dead entries keep their slot, so that probe
 * chains running over them stay whole. */
struct depot_map {
    struct entry *entries;
    size_t used, live, cap; /* cap: size of entries; the table has twice as many slots */
    size_t *slots;
};

enum { MAP_FIRST = 8 };

struct depot_map *depot_map_new(void)
{
    return depot_calloc(1, sizeof(struct depot_map));
}

void depot_map_free(struct depot_map *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->used; i++)
        depot_free(m->entries[i].key);
    depot_free(m->entries);
    depot_free(m->slots);
    depot_free(m);
}

static void slot_put(struct depot_map *m, size_t index)
{
    size_t mask = m->cap * 2 - 1;
    size_t at = (size_t)m->entries[index].hash & mask;

    while (m->slots[at] != 0)
        at = (at + 1) & mask;
    m->slots[at] = index + 1;
}

static struct entry *find(const struct depot_map *m, const char *key, size_t len, uint64_t hash)
{
    size_t mask = m->cap * 2 - 1;

    if (m->cap == 0)
        return NULL;
    for (size_t at = (size_t)hash & mask; m->slots[at] != 0; at = (at + 1) & mask) {
        struct entry *e = &m->entries[m->slots[at] - 1];

        if (e->key != NULL && e->hash == hash && e->len == len && memcmp(e->key, key, len) == 0)
            return e;
    }
    return NULL;
}

static void rehash(struct depot_map *m)
{
    size_t to = 0, cap = MAP_FIRST;

    /* Only a half-live map doubles: one that churns is compacted at the size it has. */
    while (cap < m->live * 2)
        cap *= 2;
    for (size_t i = 0; i < m->used; i++) {
        if (m->entries[i].key != NULL)
            m->entries[to++] = m->entries[i];
    }
    m->used = to;
    m->cap = cap;
    m->entries = depot_realloc(m->entries, cap * sizeof(*m->entries));
    depot_free(m->slots);
    m->slots = depot_calloc(cap * 2, sizeof(*m->slots));
    for (size_t i = 0; i < m->used; i++)
        slot_put(m, i);
}

void *depot_map_get(const struct depot_map *m, const char *key)
{
    return depot_map_getn(m, key, strlen(key));
}

void *depot_map_getn(const struct depot_map *m, const char *key, size_t len)
{
    struct entry *e = find(m, key, len, depot_hash(key, len));

    return e != NULL ? e->value : NULL;
}

void depot_map_set(struct depot_map *m, const char *key, void *value)
{
    size_t len = strlen(key);
    uint64_t hash = depot_hash(key, len);
    struct entry *e = find(m, key, len, hash);

    if (e != NULL) {
        e->value = value;
        return;
    }
    if (m->used == m->cap)
        rehash(m);
    m->entries[m->used] =
        (struct entry){.key = depot_strndup(key, len), .value = value, .hash = hash, .len = len};
    slot_put(m, m->used);
    m->used++;
    m->live++;
}

void *depot_map_remove(struct depot_map *m, const char *key)
{
    size_t len = strlen(key);
    struct entry *e = find(m, key, len, depot_hash(key, len));
    void *value;

    if (e == NULL)
        return NULL;
    value = e->value;
    depot_free(e->key);
    e->key = NULL;
    e->value = NULL;
    m->live--;
    return value;
}

size_t depot_map_len(const struct depot_map *m)
{
    return m->live;
}

bool depot_map_next(const struct depot_map *m, size_t *pos, const char **key, void **value)
{
    while (*pos < m->used) {
        const struct entry *e = &m->entries[(*pos)++];

        if (e->key == NULL)
            continue;
        if (key != NULL)
            *key = e->key;
        if (value != NULL)
            *value = e->value;
        return true;
    }
    return false;
}
