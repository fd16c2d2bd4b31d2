/*
 * See spool.h. The clock: a page that is asked for again before the hand comes by stays; the first
 * that was not makes room.
 */
#include "session/spool.h"

#include <depot/file_writer.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool store(struct dp_spool *sp, uint32_t number)
{
    if (!sp->spilled) {
        sp->fd = depot_file_scratch();
        sp->spilled = sp->fd >= 0;
        if (!sp->spilled)
            return false;
    }
    const uint8_t *p = sp->pages[number].mem;
    for (size_t done = 0; done < DP_SPOOL_PAGE;) {
        ssize_t n = pwrite(
            sp->fd, p + done, DP_SPOOL_PAGE - done, (off_t)number * DP_SPOOL_PAGE + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false; /* a full disk, or a limit on files */
        done += (size_t)n;
    }
    sp->pages[number].dirty = false;
    return true;
}

static int load(struct dp_spool *sp, uint32_t number, uint8_t *mem)
{
    for (size_t done = 0; done < DP_SPOOL_PAGE;) {
        ssize_t n = pread(
            sp->fd, mem + done, DP_SPOOL_PAGE - done, (off_t)number * DP_SPOOL_PAGE + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return DEPOT_ERR_IO;
        done += (size_t)n;
    }
    return 0;
}

/* A slot of the clock for page `number`, with the memory of the page that leaves. */
static uint8_t *make_room(struct dp_spool *sp, uint32_t number)
{
    const size_t limit = sp->limit != 0 ? sp->limit : DP_SPOOL_LIMIT;
    while (sp->nresident >= limit && !sp->pinned) {
        const uint32_t old = sp->resident[sp->hand];
        struct dp_spool_page *page = &sp->pages[old];
        if (!page->used && page->dirty && !store(sp, old)) {
            sp->pinned = true;
            break;
        }
        const bool leaves = !page->used;
        uint8_t *mem = page->mem;
        page->used = false;
        if (leaves) {
            page->mem = NULL;
            sp->resident[sp->hand] = number;
        }
        sp->hand = (sp->hand + 1) % sp->nresident;
        if (leaves)
            return mem;
    }
    depot_vec_grow_(
        (void **)&sp->resident, &sp->resident_cap, sp->nresident + 1, sizeof(*sp->resident));
    sp->resident[sp->nresident++] = number;
    return depot_alloc(DP_SPOOL_PAGE);
}

static int page_at(struct dp_spool *sp, uint64_t at, struct dp_spool_page **out)
{
    const size_t number = (size_t)(at / DP_SPOOL_PAGE);
    const bool fresh = number == sp->npages;
    if (fresh) {
        depot_vec_grow_((void **)&sp->pages, &sp->pages_cap, number + 1, sizeof(*sp->pages));
        sp->pages[sp->npages++] = (struct dp_spool_page){0};
    }
    struct dp_spool_page *page = &sp->pages[number];
    if (page->mem == NULL) {
        page->mem = make_room(sp, (uint32_t)number);
        if (fresh)
            memset(page->mem, 0, DP_SPOOL_PAGE); /* of it, the file gets more than we write */
        else
            sp->broken = sp->broken || load(sp, (uint32_t)number, page->mem) < 0;
    }
    if (sp->broken)
        return DEPOT_ERR_IO;
    page->used = true;
    *out = page;
    return 0;
}

int dp_spool_read(struct dp_spool *sp, uint64_t at, void *out, size_t n)
{
    uint8_t *to = out;
    if (at > sp->len || n > sp->len - at)
        return DEPOT_ERR_IO;
    while (n > 0) {
        struct dp_spool_page *page;
        const size_t off = (size_t)(at % DP_SPOOL_PAGE);
        const size_t take = n < DP_SPOOL_PAGE - off ? n : DP_SPOOL_PAGE - off;
        int rc = page_at(sp, at, &page);
        if (rc < 0)
            return rc;
        memcpy(to, page->mem + off, take);
        to += take;
        at += take;
        n -= take;
    }
    return 0;
}

int dp_spool_write(struct dp_spool *sp, uint64_t at, const void *data, size_t n)
{
    const uint8_t *from = data;
    if (at > sp->len)
        return DEPOT_ERR_IO;
    while (n > 0) {
        struct dp_spool_page *page;
        const size_t off = (size_t)(at % DP_SPOOL_PAGE);
        const size_t take = n < DP_SPOOL_PAGE - off ? n : DP_SPOOL_PAGE - off;
        int rc = page_at(sp, at, &page);
        if (rc < 0)
            return rc;
        memcpy(page->mem + off, from, take);
        page->dirty = true;
        from += take;
        at += take;
        n -= take;
        if (at > sp->len)
            sp->len = at;
    }
    return 0;
}

void dp_spool_clear(struct dp_spool *sp)
{
    for (size_t i = 0; i < sp->nresident; i++)
        depot_free(sp->pages[sp->resident[i]].mem);
    sp->npages = sp->nresident = sp->hand = 0;
    sp->len = 0;
}

void dp_spool_release(struct dp_spool *sp)
{
    dp_spool_clear(sp);
    depot_free(sp->pages);
    depot_free(sp->resident);
    if (sp->spilled)
        close(sp->fd);
    *sp = (struct dp_spool){0};
}
