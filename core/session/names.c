/*
 * See names.h. An external merge sort with one pass of merging: a directory of ten million names
 * makes some six hundred runs.
 */
#include "session/names.h"

#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 4096,            /* of a run, in memory while it is merged */
    ENTRY_MAX = 1 + 1023 + 1, /* four times what Linux allows; other systems count characters */
};

struct dp_names_run {
    uint64_t at, end; /* in the spool, not read so far */
    size_t pos, len;  /* of the window */
    char window[WINDOW];
};

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Pointers at the names in the block, sorted; the caller frees. */
static char **sorted(const struct dp_names *nm, size_t *count)
{
    size_t n = 0, i = 0;
    for (size_t at = 0; at < nm->used; at += strlen(nm->block + at + 1) + 2)
        n++;
    char **list = depot_alloc((n + 1) * sizeof(*list));
    for (size_t at = 0; at < nm->used; at += strlen(nm->block + at + 1) + 2)
        list[i++] = nm->block + at + 1;
    if (n > 1)
        qsort(list, n, sizeof(*list), by_bytes);
    *count = n;
    return list;
}

/* The block goes to the spool as a run. */
static int add_run(struct dp_names *nm)
{
    size_t n;
    int rc = 0;
    char **list = sorted(nm, &n);
    struct dp_names_run *run = depot_alloc(sizeof(*run));
    run->at = nm->spool.len;
    run->pos = run->len = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = dp_spool_write(&nm->spool, nm->spool.len, list[i] - 1, strlen(list[i]) + 2);
    run->end = nm->spool.len;
    depot_vec_push(&nm->runs, run);
    depot_free(list);
    nm->used = 0;
    return rc;
}

int dp_names_add(struct dp_names *nm, unsigned char type, const char *name)
{
    const size_t n = strlen(name) + 2;
    if (n > ENTRY_MAX)
        return DEPOT_ERR_TOO_BIG;
    if (nm->used + n > DP_NAMES_RUN) {
        int rc = add_run(nm);
        if (rc < 0)
            return rc;
    }
    depot_vec_grow_((void **)&nm->block, &nm->cap, nm->used + n, 1);
    nm->block[nm->used] = (char)type;
    memcpy(nm->block + nm->used + 1, name, n - 1);
    nm->used += n;
    return 0;
}

/* ---- the heap ---- */

static const char *name_of(const struct dp_names_run *run)
{
    return run->window + run->pos + 1;
}

/* Have the whole entry at `pos` in the window: 1, 0 when the run is through, or an error. */
static int fill(struct dp_names *nm, struct dp_names_run *run)
{
    if (run->len - run->pos < ENTRY_MAX && run->at < run->end) {
        const uint64_t left = run->end - run->at;
        memmove(run->window, run->window + run->pos, run->len - run->pos);
        run->len -= run->pos;
        run->pos = 0;
        const size_t room = sizeof(run->window) - run->len;
        const size_t take = left < room ? (size_t)left : room;
        int rc = dp_spool_read(&nm->spool, run->at, run->window + run->len, take);
        if (rc < 0)
            return rc;
        run->at += take;
        run->len += take;
    }
    return run->pos < run->len;
}

static void sink(struct dp_names *nm, size_t i)
{
    struct dp_names_run **h = nm->runs.items;
    for (;;) {
        size_t least = i;
        for (size_t kid = 2 * i + 1; kid < nm->runs.len && kid <= 2 * i + 2; kid++)
            if (strcmp(name_of(h[kid]), name_of(h[least])) < 0)
                least = kid;
        if (least == i)
            return;
        struct dp_names_run *t = h[i];
        h[i] = h[least];
        h[least] = t;
        i = least;
    }
}

int dp_names_sort(struct dp_names *nm)
{
    if (nm->runs.len > 0) {
        int rc = add_run(nm);
        for (size_t i = 0; rc >= 0 && i < nm->runs.len; i++)
            rc = fill(nm, nm->runs.items[i]); /* none is empty */
        if (rc < 0)
            return rc;
        depot_free(nm->block);
        nm->block = NULL;
        nm->cap = 0;
        for (size_t i = nm->runs.len / 2; i-- > 0;)
            sink(nm, i);
        return 0;
    }
    /* In order, and without the room to grow: a deep tree keeps many of these. */
    size_t n, used = 0;
    char **list = sorted(nm, &n);
    char *block = depot_alloc(nm->used);
    for (size_t i = 0; i < n; i++) {
        const size_t len = strlen(list[i]) + 2;
        memcpy(block + used, list[i] - 1, len);
        used += len;
    }
    depot_free(list);
    depot_free(nm->block);
    nm->block = block;
    return 0;
}

static int advance(struct dp_names *nm)
{
    struct dp_names_run *run = nm->runs.items[0];
    run->pos += strlen(name_of(run)) + 2;
    int rc = fill(nm, run);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        nm->runs.items[0] = nm->runs.items[--nm->runs.len];
        depot_free(run);
    }
    if (nm->runs.len > 0)
        sink(nm, 0);
    return 0;
}

int dp_names_next(struct dp_names *nm, unsigned char *type, const char **name)
{
    const char *entry;
    if (nm->block != NULL) {
        if (nm->at >= nm->used)
            return 0;
        entry = nm->block + nm->at;
        nm->at += strlen(entry + 1) + 2;
    } else {
        int rc = nm->taken && nm->runs.len > 0 ? advance(nm) : 0;
        nm->taken = true;
        if (rc < 0 || nm->runs.len == 0)
            return rc;
        entry = name_of(nm->runs.items[0]) - 1;
    }
    *type = (unsigned char)*entry;
    *name = entry + 1;
    return 1;
}

void dp_names_release(struct dp_names *nm)
{
    for (size_t i = 0; i < nm->runs.len; i++)
        depot_free(nm->runs.items[i]);
    depot_vec_free(&nm->runs);
    dp_spool_release(&nm->spool);
    depot_free(nm->block);
    *nm = (struct dp_names){0};
}
