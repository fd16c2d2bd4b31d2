/*
 * Compact tables of paths and inodes, over spools.
 */
#include "session/paths.h"

#include <string.h>

enum {
    ITEM = sizeof(struct dp_paths_item),
    /* 4 MiB of slots in memory: 200,000 hard-linked files before a look-up may read the file. */
    INODE_PAGES = 256,
    INODE_BITS = 8,
};

int dp_paths_add(struct dp_paths *ps, uint32_t parent, const char *name, size_t n, int64_t value)
{
    const uint16_t len = (uint16_t)n;
    const struct dp_paths_item item = {
        .name = (uint32_t)ps->names.len, .parent = parent, .value = value};
    if (n >= DP_PATHS_NAME_MAX || ps->len >= DP_PATHS_MAX ||
        ps->names.len + sizeof(len) + n > UINT32_MAX)
        return DEPOT_ERR_TOO_BIG;
    int rc = dp_spool_write(&ps->names, ps->names.len, &len, sizeof(len));
    if (rc == 0)
        rc = dp_spool_write(&ps->names, ps->names.len, name, n);
    if (rc == 0)
        rc = dp_spool_write(&ps->items, (uint64_t)ps->len * ITEM, &item, ITEM);
    ps->len += rc == 0;
    return rc;
}

int dp_paths_item(struct dp_paths *ps, uint32_t id, struct dp_paths_item *out)
{
    if (id >= ps->len)
        return DEPOT_ERR_NOT_FOUND;
    return dp_spool_read(&ps->items, (uint64_t)id * ITEM, out, ITEM);
}

int dp_paths_set_value(struct dp_paths *ps, uint32_t id, int64_t value)
{
    if (id >= ps->len)
        return DEPOT_ERR_NOT_FOUND;
    return dp_spool_write(&ps->items, (uint64_t)id * ITEM + offsetof(struct dp_paths_item, value),
        &value, sizeof(value));
}

/* The name so that it ends before `end`, at or after `start`; NULL when there is no room. */
static char *name_before(
    struct dp_paths *ps, const struct dp_paths_item *item, const char *start, char *end)
{
    uint16_t n;
    if (dp_spool_read(&ps->names, item->name, &n, sizeof(n)) < 0 || (size_t)(end - start) < n ||
        dp_spool_read(&ps->names, item->name + sizeof(n), end - n, n) < 0)
        return NULL;
    return end - n;
}

const char *dp_paths_name(struct dp_paths *ps, uint32_t id, char buf[DP_PATHS_NAME_MAX])
{
    struct dp_paths_item item;
    char *end = buf + DP_PATHS_NAME_MAX - 1;
    *end = '\0';
    return dp_paths_item(ps, id, &item) == 0 ? name_before(ps, &item, buf, end) : NULL;
}

const char *dp_paths_get(struct dp_paths *ps, uint32_t id, char buf[DP_PATH_MAX])
{
    struct dp_paths_item item;
    char *p = buf + DP_PATH_MAX - 1;
    *p = '\0';
    do {
        if (dp_paths_item(ps, id, &item) < 0)
            return NULL;
        if (*p != '\0') {
            if (p == buf)
                return NULL;
            *--p = '/';
        }
        p = name_before(ps, &item, buf, p);
        id = item.parent;
    } while (p != NULL && id != DP_PATHS_ROOT);
    return p;
}

void dp_paths_release(struct dp_paths *ps)
{
    dp_spool_release(&ps->items);
    dp_spool_release(&ps->names);
    ps->len = 0;
}

/* ---- ids ---- */

int dp_ids_push(struct dp_ids *q, uint32_t id)
{
    return dp_spool_write(&q->spool, q->spool.len, &id, sizeof(id));
}

bool dp_ids_empty(const struct dp_ids *q)
{
    return q->at == q->spool.len;
}

int dp_ids_pop(struct dp_ids *q, uint32_t *out)
{
    int rc = dp_spool_read(&q->spool, q->at, out, sizeof(*out));
    q->at += sizeof(*out);
    if (rc == 0 && dp_ids_empty(q)) {
        dp_spool_clear(&q->spool);
        q->at = 0;
    }
    return rc;
}

void dp_ids_release(struct dp_ids *q)
{
    dp_spool_release(&q->spool);
    q->at = 0;
}

/* ---- inodes ---- */

struct slot {
    uint64_t key; /* 0: free */
    uint32_t id, unused;
};

/* The slot of `key`, or the free one where it would go. By the upper bits of the product, so that a
 * table twice the size has the same order: growing reads and writes both from front to back. */
static int find(struct dp_inodes *t, uint64_t key, uint64_t *at, struct slot *out)
{
    const uint64_t mask = (UINT64_C(1) << t->bits) - 1;
    uint64_t i = key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - t->bits);
    for (;; i = (i + 1) & mask) {
        *at = i * sizeof(*out);
        int rc = dp_spool_read(&t->slots, *at, out, sizeof(*out));
        if (rc < 0 || out->key == 0 || out->key == key)
            return rc;
    }
}

static int put(struct dp_inodes *t, const struct slot *s)
{
    struct slot there;
    uint64_t at;
    int rc = find(t, s->key, &at, &there);
    return rc == 0 ? dp_spool_write(&t->slots, at, s, sizeof(*s)) : rc;
}

static int grow(struct dp_inodes *t)
{
    static const char zeros[DP_SPOOL_PAGE];
    struct dp_inodes old = *t;
    int rc = 0;
    *t = (struct dp_inodes){.len = old.len, .bits = old.bits != 0 ? old.bits + 1 : INODE_BITS};
    t->slots.limit = INODE_PAGES;
    for (uint64_t left = sizeof(struct slot) << t->bits; rc == 0 && left > 0;) {
        size_t n = left < sizeof(zeros) ? (size_t)left : sizeof(zeros);
        rc = dp_spool_write(&t->slots, t->slots.len, zeros, n);
        left -= n;
    }
    for (uint64_t at = 0; rc == 0 && at < old.slots.len; at += sizeof(struct slot)) {
        struct slot s;
        rc = dp_spool_read(&old.slots, at, &s, sizeof(s));
        if (rc == 0 && s.key != 0)
            rc = put(t, &s);
    }
    dp_inodes_release(&old);
    return rc;
}

/* When the spool fails, every name is the first of its file: it is sent as a file of its own. */
uint32_t dp_inodes_put(struct dp_inodes *t, uint64_t dev, uint64_t ino, uint32_t id)
{
    /* Exact within one device; between devices as good as a 64-bit hash. */
    struct slot s = {.key = ino ^ dev * UINT64_C(0xff51afd7ed558ccd), .id = id}, there;
    uint64_t at;
    if (s.key == 0)
        s.key = 1;
    if ((t->bits == 0 || (t->len + 1) * 4 > (size_t)3 << t->bits) && grow(t) < 0)
        return id;
    if (find(t, s.key, &at, &there) < 0)
        return id;
    if (there.key != 0)
        return there.id;
    if (dp_spool_write(&t->slots, at, &s, sizeof(s)) == 0)
        t->len++;
    return id;
}

void dp_inodes_release(struct dp_inodes *t)
{
    dp_spool_release(&t->slots);
    *t = (struct dp_inodes){0};
}
