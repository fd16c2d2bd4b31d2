/*
 * See claims.h. What lies where it belongs is not even remembered: exports can have millions of
 * files, and nearly all lie in their platform's folder.
 */
#include "session/claims.h"

enum {
    SLOTS_FIRST = 1024, /* a power of two */
    FOLDER_MAX = 160,
};

struct slot {
    uint64_t hash; /* 0: free */
    uint32_t owner;
    bool is_dir;
};

struct dp_claims {
    const struct depot_strv *all; /* borrowed */
    bool split;
    struct depot_strv owners; /* platforms with commas */
    struct slot *slots;
    size_t nslots, used;
};

struct dp_claims *dp_claims_new(const struct depot_strv *all, bool split)
{
    struct dp_claims *c = depot_calloc(1, sizeof(*c));
    c->all = all;
    c->split = split;
    c->nslots = SLOTS_FIRST;
    c->slots = depot_calloc(c->nslots, sizeof(*c->slots));
    return c;
}

void dp_claims_free(struct dp_claims *c)
{
    if (c == NULL)
        return;
    depot_strv_release(&c->owners);
    depot_free(c->slots);
    depot_free(c);
}

static struct slot *find(struct slot *slots, size_t n, uint64_t hash)
{
    size_t i = (size_t)hash & (n - 1);
    while (slots[i].hash != 0 && slots[i].hash != hash)
        i = (i + 1) & (n - 1);
    return &slots[i];
}

static void grow(struct dp_claims *c)
{
    const size_t n = 2 * c->nslots;
    struct slot *slots = depot_calloc(n, sizeof(*slots));
    for (size_t i = 0; i < c->nslots; i++)
        if (c->slots[i].hash != 0)
            *find(slots, n, c->slots[i].hash) = c->slots[i];
    depot_free(c->slots);
    c->slots = slots;
    c->nslots = n;
}

static uint32_t owner_of(struct dp_claims *c, const struct depot_strv *own)
{
    char *name = depot_strv_join(own, ",");
    size_t i = 0;
    while (i < c->owners.len && !depot_str_eq(c->owners.items[i], name))
        i++;
    if (i == c->owners.len)
        depot_strv_push(&c->owners, name);
    depot_free(name);
    return (uint32_t)i;
}

/* Is the first name of the path the folder of a platform of the list? */
static bool is_folder_of(const struct depot_strv *platforms, const char *path, size_t n)
{
    const char *slash = memchr(path, '/', n);
    const size_t len = slash != NULL ? (size_t)(slash - path) : n;
    char folder[FOLDER_MAX];
    for (size_t i = 0; i < platforms->len; i++) {
        const char *p = platforms->items[i];
        if (strlen(p) != len || len >= sizeof(folder))
            continue;
        for (size_t k = 0; k < len; k++)
            folder[k] = (char)(p[k] == '/' ? '_' : p[k]);
        if (memcmp(folder, path, len) == 0)
            return true;
    }
    return false;
}

static int refuse(
    const char *first, const char *second, const char *path, size_t n, struct depot_error *err)
{
    depot_error_set(err, DEPOT_ERR_EXISTS, "cannot overwrite %.*s from %s with that of %s",
        n < 300 ? (int)n : 300, path, first, second);
    return depot_error_hint(err, "leave out platform-split=false, so that each platform has a "
                                 "folder of its own, or let their files have different names");
}

int dp_claims_take(struct dp_claims *c, const struct depot_strv *own, const char *path, size_t n,
    bool is_dir, struct depot_error *err)
{
    if (c->split && is_folder_of(own, path, n))
        return 0;
    const uint32_t owner = owner_of(c, own);
    if (c->split && is_folder_of(c->all, path, n))
        return refuse("the platform it is named after", c->owners.items[owner], path, n, err);
    const uint64_t hash = depot_hash(path, n) | 1;
    struct slot *slot = find(c->slots, c->nslots, hash);
    if (slot->hash != 0 && slot->owner != owner && !(slot->is_dir && is_dir))
        return refuse(c->owners.items[slot->owner], c->owners.items[owner], path, n, err);
    if (slot->hash != 0)
        return 0;
    *slot = (struct slot){.hash = hash, .owner = owner, .is_dir = is_dir};
    if (++c->used > c->nslots / 2)
        grow(c);
    return 0;
}
