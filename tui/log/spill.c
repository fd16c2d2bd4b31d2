/*
 * The spill file: numbered blocks, written once, read through a small cache, reused when freed.
 */
#include "spill.h"

#include <depot/file_writer.h>

#include "store.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { TAIL_FIRST = 512 };
#define NO_BLOCK UINT32_MAX

struct cached {
    uint32_t block;
    uint64_t used;
    char *data;
};

struct spill {
    int fd;      /* -1: not made yet */
    bool broken; /* no place on disk: blocks stay in memory */
    uint32_t nblocks;
    DEPOT_VEC(uint32_t) free_blocks;
    DEPOT_VEC(char *) memory; /* by block number; NULL: on disk */
    uint64_t in_memory, lost;
    struct cached cache[SPILL_CACHE];
    uint64_t clock;
};

struct spill *dp_spill_new(void)
{
    struct spill *s = depot_calloc(1, sizeof(*s));
    s->fd = -1;
    for (size_t i = 0; i < SPILL_CACHE; i++)
        s->cache[i].block = NO_BLOCK;
    return s;
}

void dp_spill_free(struct spill *s)
{
    if (s == NULL)
        return;
    if (s->fd >= 0)
        close(s->fd);
    for (size_t i = 0; i < SPILL_CACHE; i++)
        depot_free(s->cache[i].data);
    for (size_t i = 0; i < s->memory.len; i++)
        depot_free(s->memory.items[i]);
    depot_vec_free(&s->memory);
    depot_vec_free(&s->free_blocks);
    depot_free(s);
}

uint64_t dp_spill_lost(const struct spill *s)
{
    return s->lost;
}

static bool open_file(struct spill *s)
{
    s->fd = depot_file_scratch();
    s->broken = s->fd < 0;
    return !s->broken;
}

static bool write_block(struct spill *s, uint32_t block, const char *data)
{
    if (s->broken || (s->fd < 0 && !open_file(s)))
        return false;
    for (size_t done = 0; done < SPILL_BLOCK;) {
        const off_t at = (off_t)block * SPILL_BLOCK + (off_t)done;
        const ssize_t n = pwrite(s->fd, data + done, SPILL_BLOCK - done, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            s->broken = true;
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

static uint32_t store_block(struct spill *s, const char *data)
{
    uint32_t block;
    if (s->free_blocks.len > 0) {
        block = s->free_blocks.items[--s->free_blocks.len];
    } else {
        block = s->nblocks++;
        depot_vec_push(&s->memory, NULL);
    }
    if (write_block(s, block, data))
        return block;
    if (s->in_memory + SPILL_BLOCK > SPILL_MEMORY_MAX) {
        s->lost += SPILL_BLOCK;
        depot_vec_push(&s->free_blocks, block);
        return NO_BLOCK;
    }
    s->memory.items[block] = depot_memdup(data, SPILL_BLOCK);
    s->in_memory += SPILL_BLOCK;
    return block;
}

static void forget_block(struct spill *s, uint32_t block)
{
    if (block == NO_BLOCK)
        return;
    for (size_t i = 0; i < SPILL_CACHE; i++)
        if (s->cache[i].block == block)
            s->cache[i].block = NO_BLOCK;
    if (s->memory.items[block] != NULL) {
        depot_free(s->memory.items[block]);
        s->memory.items[block] = NULL;
        s->in_memory -= SPILL_BLOCK;
    }
    depot_vec_push(&s->free_blocks, block);
}

static void read_block(struct spill *s, uint32_t block, char *out)
{
    size_t done = 0;
    while (done < SPILL_BLOCK) {
        const off_t at = (off_t)block * SPILL_BLOCK + (off_t)done;
        const ssize_t n = pread(s->fd, out + done, SPILL_BLOCK - done, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    memset(out + done, 0, SPILL_BLOCK - done);
}

static const char *get_block(struct spill *s, uint32_t block)
{
    static const char nothing[SPILL_BLOCK];
    if (block == NO_BLOCK)
        return nothing;
    if (s->memory.items[block] != NULL)
        return s->memory.items[block];
    struct cached *oldest = &s->cache[0];
    for (size_t i = 0; i < SPILL_CACHE; i++) {
        struct cached *c = &s->cache[i];
        if (c->block == block) {
            c->used = ++s->clock;
            return c->data;
        }
        if (c->used < oldest->used)
            oldest = c;
    }
    if (oldest->data == NULL)
        oldest->data = depot_alloc(SPILL_BLOCK);
    read_block(s, block, oldest->data);
    oldest->block = block;
    oldest->used = ++s->clock;
    return oldest->data;
}

/* ---- chains ---- */

void dp_chain_init(struct chain *c, struct spill *s)
{
    memset(c, 0, sizeof(*c));
    c->spill = s;
}

void dp_chain_release(struct chain *c)
{
    for (size_t i = 0; i < c->blocks.len; i++)
        forget_block(c->spill, c->blocks.items[i]);
    depot_vec_free(&c->blocks);
    depot_free(c->tail);
    memset(c, 0, sizeof(*c));
}

static void grow_tail(struct chain *c, size_t need)
{
    if (need <= c->tail_cap)
        return;
    size_t cap = c->tail_cap > 0 ? c->tail_cap : TAIL_FIRST;
    while (cap < need)
        cap *= 2;
    c->tail = depot_realloc(c->tail, cap);
    c->tail_cap = cap;
}

void dp_chain_append(struct chain *c, const void *data, size_t n)
{
    const char *p = data;
    while (n > 0) {
        const size_t room = SPILL_BLOCK - c->tail_len;
        const size_t part = n < room ? n : room;
        grow_tail(c, c->tail_len + part);
        memcpy(c->tail + c->tail_len, p, part);
        c->tail_len += part;
        c->len += part;
        p += part;
        n -= part;
        if (c->tail_len == SPILL_BLOCK) {
            const uint32_t block = store_block(c->spill, c->tail);
            depot_vec_push(&c->blocks, block);
            c->tail_len = 0;
        }
    }
}

const char *dp_chain_peek(struct chain *c, uint64_t offset, size_t *n)
{
    if (offset >= c->len)
        return NULL;
    const size_t index = (size_t)(offset / SPILL_BLOCK), at = (size_t)(offset % SPILL_BLOCK);
    if (index == c->blocks.len) {
        *n = c->tail_len - at;
        return c->tail + at;
    }
    *n = SPILL_BLOCK - at;
    return get_block(c->spill, c->blocks.items[index]) + at;
}

size_t dp_chain_read(struct chain *c, uint64_t offset, void *out, size_t n)
{
    size_t done = 0, part;
    const char *p;
    while (done < n && (p = dp_chain_peek(c, offset + done, &part)) != NULL) {
        part = part < n - done ? part : n - done;
        memcpy((char *)out + done, p, part);
        done += part;
    }
    return done;
}
