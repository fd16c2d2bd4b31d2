/*
 * Type tar: a folder for each platform, one behind the other. The entries are copied as they are;
 * only where each folder begins and ends is looked for.
 */
#include "build/archive.h"

#include <stdlib.h>

#include "tar/tar.h"

enum { RUNS_MAX = 1024 }; /* folders and files at the top of all parts */

/* Entries of one part that lie side by side, below the same folder. */
struct run {
    char *top;
    const struct dp_archive_part *part;
    uint64_t at, end;
};

struct runs {
    DEPOT_VEC(struct run) list;
};

/* Two platforms that write one file: the first would be lost when the archive is unpacked. */
static int check_owner(const struct runs *r, const char *top, const struct dp_archive_part *part,
    struct depot_error *err)
{
    for (size_t i = 0; i < r->list.len; i++) {
        const struct run *run = &r->list.items[i];
        if (run->part != part && depot_str_eq(run->top, top))
            return depot_error_set(err, DEPOT_ERR_EXISTS,
                "builders %s and %s both have \"%.200s\" in their archives", run->part->builder,
                part->builder, top);
    }
    return 0;
}

static int add_entry(struct runs *r, const struct dp_archive_part *part,
    const struct dp_tar_entry *e, struct depot_error *err)
{
    const size_t len = strcspn(e->name, "/");
    struct run *last = r->list.len > 0 ? &r->list.items[r->list.len - 1] : NULL;
    if (last != NULL && last->part == part && strlen(last->top) == len &&
        memcmp(last->top, e->name, len) == 0) {
        last->end = e->end;
        return 0;
    }
    if (r->list.len == RUNS_MAX)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG,
            "the archives have more than %d files outside of the folders of platforms", RUNS_MAX);
    struct run run = {.top = depot_strndup(e->name, len), .part = part, .at = e->at, .end = e->end};
    depot_vec_push(&r->list, run);
    return check_owner(r, run.top, part, err);
}

static int add_part(struct runs *r, const struct dp_archive_part *part, struct depot_error *err)
{
    struct dp_tar t;
    struct dp_tar_entry e;
    dp_tar_init(&t, part->fd, part->len);
    int rc = dp_tar_next(&t, &e, err);
    while (rc == 0) {
        rc = add_entry(r, part, &e, err);
        if (rc == 0)
            rc = dp_tar_next(&t, &e, err);
    }
    dp_tar_release(&t);
    if (rc == DEPOT_ERR_EOF)
        return 0;
    return rc == DEPOT_ERR_PROTOCOL ? dp_archive_blame(part, err) : rc;
}

/* Folders in the order of their names, as one builder has them; what belongs to one stays as its
 * builder ordered it. */
static int by_top(const void *a, const void *b)
{
    const struct run *x = a, *y = b;
    int order = strcmp(x->top, y->top);
    if (order != 0)
        return order;
    return (x->at > y->at) - (x->at < y->at); /* of one part, then */
}

int dp_archive_tar(const struct dp_archive *a, struct depot_error *err)
{
    struct runs r = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < a->nparts; i++)
        rc = add_part(&r, &a->parts[i], err);
    if (rc == 0 && r.list.len > 0)
        qsort(r.list.items, r.list.len, sizeof(*r.list.items), by_top);
    for (size_t i = 0; rc == 0 && i < r.list.len; i++) {
        const struct run *run = &r.list.items[i];
        rc = dp_archive_copy(a, run->part, run->at, run->end - run->at, NULL, err);
    }
    for (size_t i = 0; i < r.list.len; i++)
        depot_free(r.list.items[i].top);
    depot_vec_free(&r.list);
    return rc == 0 ? dp_archive_end(a, err) : rc;
}
