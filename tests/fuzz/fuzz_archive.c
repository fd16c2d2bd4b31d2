/*
 * Whatever builders send as their archives: entries lie within the file, and what is joined can be
 * read again. The first byte chooses the kind of archive and whether there are two builders, the
 * next two where the second one's begins.
 */
#include <depot/buf.h>
#include <depot/file_writer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build/archive.h"
#include "tar/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const void *data, size_t n)
{
    int fd = depot_file_scratch();
    if (fd < 0 || write(fd, data, n) != (ssize_t)n)
        abort();
    return fd;
}

static int take(void *arg, const void *data, size_t n, struct depot_error *err)
{
    (void)err;
    depot_buf_add(arg, data, n);
    return 0;
}

/* The number of entries; -1: it is broken. */
static int walk(const void *data, size_t n)
{
    struct dp_tar t;
    struct dp_tar_entry e;
    struct depot_error err = {0};
    int fd = file_of(data, n), rc, entries = 0;
    uint64_t last = 0;
    dp_tar_init(&t, fd, n);
    while ((rc = dp_tar_next(&t, &e, &err)) == 0) {
        if (e.at != last || e.data <= e.at || e.data + e.size > e.end || e.end > n)
            abort();
        if (e.name[0] == '/' || e.name[0] == '\0' || strstr(e.name, "//") != NULL)
            abort();
        last = e.end;
        entries++;
    }
    dp_tar_release(&t);
    close(fd);
    return rc == DEPOT_ERR_EOF ? entries : -1;
}

static void join(enum depot_archive kind, const uint8_t *data, size_t size, size_t cut, size_t n)
{
    struct depot_strv all = {0}, own[2] = {{0}, {0}};
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_kvs answer = {0};
    struct depot_error err = {0};
    depot_strv_split(&all, "linux/amd64,linux/arm64", ',');
    depot_strv_push(&own[0], all.items[0]);
    depot_strv_push(&own[1], all.items[1]);
    struct dp_archive_part parts[] = {
        {.builder = "a", .platforms = &own[0], .fd = file_of(data, cut), .len = cut},
        {.builder = "b",
            .platforms = &own[1],
            .fd = file_of(data + cut, size - cut),
            .len = size - cut},
    };
    const struct dp_archive a = {.kind = kind,
        .parts = parts,
        .nparts = n,
        .platforms = &all,
        .host = "linux/amd64",
        .write = take,
        .arg = &out};
    if (dp_archive_join(&a, &answer, &err) == 0 && walk(out.data, out.len) < 0)
        abort();
    for (size_t i = 0; i < 2; i++) {
        close(parts[i].fd);
        depot_strv_release(&own[i]);
    }
    depot_strv_release(&all);
    depot_kvs_release(&answer);
    depot_buf_release(&out);
}

/* A header with a wrong sum leads nowhere, and no mutation would get it right. */
static void sign(uint8_t *data, size_t size)
{
    for (size_t at = 0; at + DP_TAR_BLOCK <= size; at += DP_TAR_BLOCK) {
        struct dp_tar_block b;
        memcpy(&b, data + at, sizeof(b));
        if (memcmp(b.magic, "ustar", 5) != 0)
            continue;
        snprintf((char *)b.sum, sizeof(b.sum), "%06o", (unsigned)dp_tar_sum(&b));
        b.sum[sizeof(b.sum) - 1] = ' ';
        memcpy(data + at, &b, sizeof(b));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum depot_archive kinds[] = {
        DEPOT_ARCHIVE_TAR, DEPOT_ARCHIVE_OCI, DEPOT_ARCHIVE_DOCKER};
    if (size < 3)
        return 0;
    const bool two = (data[0] & 1) != 0;
    const size_t n = size - 3, at = ((size_t)data[1] << 8 | data[2]) * DP_TAR_BLOCK;
    uint8_t *archives = depot_alloc(n + 1);
    memcpy(archives, data + 3, n);
    sign(archives, n);
    walk(archives, n);
    join(kinds[(data[0] >> 1) % DEPOT_ARRAY_LEN(kinds)], archives, n, two && at < n ? at : n,
        two ? 2 : 1);
    depot_free(archives);
    return 0;
}
