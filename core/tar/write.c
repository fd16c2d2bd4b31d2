/*
 * Headers of entries that we write: short names, no owner, no time.
 */
#include "tar/tar.h"

#include <stdio.h>
#include <string.h>

#include "tar/block.h"

#define SIZE_OCTAL_MAX ((uint64_t)1 << 33) /* eleven octal digits hold less */

uint64_t dp_tar_sum(const struct dp_tar_block *b)
{
    const uint8_t *p = (const uint8_t *)b;
    const size_t from = offsetof(struct dp_tar_block, sum);
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof(*b); i++)
        sum += i >= from && i < from + sizeof(b->sum) ? ' ' : p[i];
    return sum;
}

/* `n` - 1 octal digits and a NUL. */
static void put_octal(uint8_t *to, size_t n, uint64_t v)
{
    to[--n] = '\0';
    while (n > 0) {
        to[--n] = (uint8_t)('0' + (v & 7));
        v >>= 3;
    }
}

static void put_head(struct depot_buf *to, char type, const char *name, size_t name_len,
    unsigned mode, uint64_t size)
{
    struct dp_tar_block b = {.type = type, .magic = DP_TAR_MAGIC, .version = {'0', '0'}};
    memcpy(b.name, name, name_len < sizeof(b.name) ? name_len : sizeof(b.name));
    put_octal(b.mode, sizeof(b.mode), mode);
    put_octal(b.uid, sizeof(b.uid), 0);
    put_octal(b.gid, sizeof(b.gid), 0);
    put_octal(b.size, sizeof(b.size), size);
    put_octal(b.mtime, sizeof(b.mtime), 0);
    put_octal(b.major, sizeof(b.major), 0);
    put_octal(b.minor, sizeof(b.minor), 0);
    put_octal(b.sum, sizeof(b.sum) - 1, dp_tar_sum(&b));
    b.sum[sizeof(b.sum) - 1] = ' ';
    depot_buf_add(to, &b, sizeof(b));
}

/* A size that has no room in the header stands in an attribute before it. */
static void put_size(struct depot_buf *to, const char *name, uint64_t size)
{
    static const char zeros[DP_TAR_BLOCK];
    const char *slash = strrchr(name, '/');
    int dir = slash != NULL ? (int)(slash - name) + 1 : 0;
    char *pax_name = depot_asprintf("%.*sPaxHeaders.0/%s", dir, name, name + dir);
    char record[64];
    int n = snprintf(record, sizeof(record), "%d size=%llu\n", 0, (unsigned long long)size) + 1;
    n = snprintf(record, sizeof(record), "%d size=%llu\n", n, (unsigned long long)size);
    put_head(to, DP_TAR_TYPE_PAX, pax_name, strlen(pax_name), 0, (uint64_t)n);
    depot_buf_add(to, record, (size_t)n);
    depot_buf_add(to, zeros, dp_tar_padding((uint64_t)n));
    depot_free(pax_name);
}

void dp_tar_head(
    struct depot_buf *to, enum dp_tar_type type, const char *name, unsigned mode, uint64_t size)
{
    const bool large = size >= SIZE_OCTAL_MAX;
    if (large)
        put_size(to, name, size);
    put_head(to, type == DP_TAR_DIR ? DP_TAR_TYPE_DIR : DP_TAR_TYPE_FILE, name, strlen(name), mode,
        large ? 0 : size);
}

size_t dp_tar_padding(uint64_t size)
{
    return (size_t)((DP_TAR_BLOCK - size % DP_TAR_BLOCK) % DP_TAR_BLOCK);
}
