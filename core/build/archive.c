/*
 * What all kinds of archives share: copying, and whose fault it was.
 */
#include "build/archive.h"

#include <depot/digest.h>

#include "tar/tar.h"

enum { COPY_STEP = 256 * 1024 };

int dp_archive_blame(const struct dp_archive_part *part, struct depot_error *err)
{
    return depot_error_prefix(err, "what builder %s sent cannot be joined", part->builder);
}

static int check_digest(struct depot_digester *d, const char *digest, struct depot_error *err)
{
    char found[DEPOT_DIGEST_LEN + 1];
    depot_digester_end(d, found);
    if (depot_str_eq(found, digest))
        return 0;
    return depot_error_set(err, DEPOT_ERR_PROTOCOL, "the blob %s has the digest %s", digest, found);
}

int dp_archive_copy(const struct dp_archive *a, const struct dp_archive_part *part, uint64_t at,
    uint64_t n, const char *digest, struct depot_error *err)
{
    struct depot_digester *d = digest != NULL ? depot_digester_new() : NULL;
    char *buf = depot_alloc(COPY_STEP);
    int rc = 0;
    while (rc == 0 && n > 0) {
        const size_t step = n < COPY_STEP ? (size_t)n : COPY_STEP;
        rc = dp_tar_read(part->fd, at, buf, step, err);
        if (rc == 0 && d != NULL)
            depot_digester_add(d, buf, step);
        if (rc == 0)
            rc = a->write(a->arg, buf, step, err);
        at += step;
        n -= step;
    }
    if (rc == 0 && d != NULL && check_digest(d, digest, err) != 0)
        rc = dp_archive_blame(part, err);
    depot_free(buf);
    depot_digester_free(d);
    return rc;
}

int dp_archive_end(const struct dp_archive *a, struct depot_error *err)
{
    static const char zeros[DP_TAR_END];
    return a->write(a->arg, zeros, sizeof(zeros), err);
}

int dp_archive_join(const struct dp_archive *a, struct depot_kvs *answer, struct depot_error *err)
{
    for (size_t i = 0; i < a->nparts; i++)
        if (a->parts[i].len == 0)
            return depot_error_set(
                err, DEPOT_ERR_PROTOCOL, "builder %s sent no archive", a->parts[i].builder);
    return a->kind == DEPOT_ARCHIVE_TAR ? dp_archive_tar(a, err) : dp_archive_image(a, answer, err);
}
