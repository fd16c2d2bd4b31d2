/*
 * A growing array of bytes that keeps its pages in memory up to a limit and the others in a file
 * without a name. Its content is what was written, nothing more: records are the owner's business.
 * Without a directory to put the file in, or room on its disk, all stays in memory.
 */
#ifndef DEPOT_CORE_SESSION_SPOOL_H
#define DEPOT_CORE_SESSION_SPOOL_H

#include <depot/base.h>

enum {
    DP_SPOOL_PAGE = 16 * 1024,
    DP_SPOOL_LIMIT = 32, /* pages in memory, unless `limit` says otherwise */
};

/* All zero is an empty one. The owner may set `limit` then, and reads `len`. */
struct dp_spool {
    uint64_t len;
    size_t limit;
    struct dp_spool_page {
        uint8_t *mem; /* NULL: in the file */
        bool dirty;   /* memory has more than the file */
        bool used;    /* since the hand came by: it stays another round */
    } * pages;
    size_t npages, pages_cap;
    uint32_t *resident; /* the pages in memory, a clock with one hand */
    size_t nresident, resident_cap, hand;
    bool spilled, pinned; /* there is a file; there can be none, or no more of it */
    bool broken;          /* it could not be read */
    int fd;
};

/* DEPOT_ERR_IO when the file cannot be read any more. Both ends of what is read must lie
 * within the array, a write may begin at its end at most. */
int dp_spool_read(struct dp_spool *sp, uint64_t at, void *out, size_t n) DEPOT_MUST_CHECK;
int dp_spool_write(struct dp_spool *sp, uint64_t at, const void *data, size_t n) DEPOT_MUST_CHECK;
void dp_spool_clear(struct dp_spool *sp); /* empty again; keeps the file */
void dp_spool_release(struct dp_spool *sp);

#endif
