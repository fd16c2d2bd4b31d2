/*
 * The blobs in the OCI layouts that several builders sent, by their digests; and Go's way of
 * writing JSON. Used by archive_image.c alone.
 */
#ifndef DEPOT_CORE_BUILD_ARCHIVE_BLOBS_H
#define DEPOT_CORE_BUILD_ARCHIVE_BLOBS_H

#include <depot/digest.h>

#include <json-c/json.h>

#include "registry/json.h"

#include "build/archive.h"

struct dp_blob {
    char digest[DEPOT_DIGEST_LEN + 1];
    const struct dp_archive_part *part;
    uint64_t at, size;
    bool wanted; /* the joined image has it, */
    bool walked; /* and what it leads to */
};

struct dp_blobs {
    struct depot_map *by_digest;
    struct depot_arena arena;
    DEPOT_VEC(struct dp_blob *) list;
};
void dp_blobs_release(struct dp_blobs *b);
/* All blobs of a part that none before had; and its index.json, which the caller puts. */
int dp_blobs_scan(struct dp_blobs *b, const struct dp_archive_part *part,
    struct json_object **index, struct depot_error *err) DEPOT_MUST_CHECK;
/* The blob of a descriptor; DEPOT_ERR_PROTOCOL when there is none, or one of another size. */
int dp_blobs_find(const struct dp_blobs *b, struct json_object *descriptor, struct dp_blob **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* Its bytes, with a NUL behind, which have its digest. The caller frees. */
int dp_blob_read(const struct dp_blob *blob, char **out, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
