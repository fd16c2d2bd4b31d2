/*
 * One archive out of those that several builders sent, each with its own platforms: as one builder
 * writes it that makes them all. Nothing is held in memory but headers and manifests; content is
 * copied from file to file, and what has a digest is held against it. What builders send is not
 * trusted. Blocks, and knows no loop: it runs in a worker thread.
 */
#ifndef DEPOT_CORE_BUILD_ARCHIVE_H
#define DEPOT_CORE_BUILD_ARCHIVE_H

#include "build/output.h"

enum {
    DP_ARCHIVE_JSON_MAX = 1024 * 1024, /* bytes of one index or manifest */
    DP_ARCHIVE_BLOBS_MAX = 64 * 1024,  /* of one image with all its platforms */
};

/* What one builder sent. Borrowed. */
struct dp_archive_part {
    const char *builder;
    const struct depot_strv *platforms; /* in the order in which it was asked for them */
    int fd;                             /* only pread() is used */
    uint64_t len;
};

struct dp_archive {
    enum depot_archive kind;
    const struct dp_archive_part *parts;
    size_t nparts;
    const struct depot_strv *platforms; /* of all parts, in the order that was asked for */
    const char *host;                   /* DOCKER: the platform that gets the names */
    bool alone;                         /* DOCKER: it is for a store that keeps that one only */
    /* Takes the archive, in order. */
    int (*write)(void *arg, const void *data, size_t n, struct depot_error *err);
    void *arg;
};

/*
 * Write it. `answer` gets what an engine would have answered of the whole (containerimage.digest
 * and so on; nothing of a tar). On an error, which names the builder, half of it may be written.
 */
int dp_archive_join(
    const struct dp_archive *a, struct depot_kvs *answer, struct depot_error *err) DEPOT_MUST_CHECK;

/* ---- shared by the files of this part ---- */

int dp_archive_tar(const struct dp_archive *a, struct depot_error *err) DEPOT_MUST_CHECK;
int dp_archive_image(
    const struct dp_archive *a, struct depot_kvs *answer, struct depot_error *err) DEPOT_MUST_CHECK;
/* Puts the builder before the message. */
int dp_archive_blame(const struct dp_archive_part *part, struct depot_error *err);
/* Copy bytes of a part; `digest` is that of them, or NULL. */
int dp_archive_copy(const struct dp_archive *a, const struct dp_archive_part *part, uint64_t at,
    uint64_t n, const char *digest, struct depot_error *err) DEPOT_MUST_CHECK;
/* The two blocks that end an archive. */
int dp_archive_end(const struct dp_archive *a, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
