/*
 * Byte chains in one shared, unlinked file: what logs are kept in (store.h). Append and read; no
 * byte is ever changed.
 */
#ifndef DEPOT_TUI_SPILL_H
#define DEPOT_TUI_SPILL_H

#include <depot/base.h>

enum {
    SPILL_BLOCK = 16 * 1024,
    SPILL_CACHE = 8,                     /* blocks read back that are kept */
    SPILL_MEMORY_MAX = 64 * 1024 * 1024, /* of blocks that no disk takes */
};

struct spill;

struct chain {
    struct spill *spill;
    uint64_t len;
    DEPOT_VEC(uint32_t) blocks; /* full ones, by number in the spill */
    char *tail;                 /* the newest, not full; grows up to a block */
    size_t tail_len, tail_cap;
};

void dp_chain_init(struct chain *c, struct spill *s);
void dp_chain_release(struct chain *c);
void dp_chain_append(struct chain *c, const void *data, size_t n);
/* Bytes copied; fewer than `n` only at the end. What was lost reads as NULs. */
size_t dp_chain_read(struct chain *c, uint64_t offset, void *out, size_t n);
/* The bytes from `offset` to the end of its block, valid until the next call on any chain of the
 * spill; NULL at the end. */
const char *dp_chain_peek(struct chain *c, uint64_t offset, size_t *n);

#endif
