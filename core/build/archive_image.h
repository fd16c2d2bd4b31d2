/*
 * An image in the making: what each builder sent of it, and the index that joins that. Used by the
 * files of archive_image.c alone.
 */
#ifndef DEPOT_CORE_BUILD_ARCHIVE_IMAGE_H
#define DEPOT_CORE_BUILD_ARCHIVE_IMAGE_H

#include "build/archive_blobs.h"

/* What one builder's layout leads to. */
struct dp_image_top {
    struct json_object *layout;     /* its index.json */
    struct json_object *descriptor; /* borrowed from it: of the image */
    struct json_object *root;       /* the image's index, or its manifest */
    char *text;                     /* of it */
    size_t len;
};

struct dp_image {
    const struct dp_archive *a;
    struct dp_blobs blobs;
    struct dp_image_top *tops; /* one a part */
    char *index;               /* the joined one */
    const char *media_type;
    char digest[DEPOT_DIGEST_LEN + 1];
    struct json_object *joined; /* index, parsed */
    char *config;               /* type docker: the digest of the image's configuration */
};

/* archive_index.c: from tops to index. */
int dp_image_join(struct dp_image *im, struct depot_error *err) DEPOT_MUST_CHECK;
/* The digest that the manifest behind a descriptor attests; NULL: it is an image. */
const char *dp_image_attested(struct json_object *descriptor);

/* archive_layout.c: what is said of the joined image. The caller frees. */
char *dp_image_layout(const struct dp_image *im); /* its index.json */
void dp_image_answer(const struct dp_image *im, struct depot_kvs *answer);
/* Docker's manifest.json of it; keeps its configuration's digest. */
int dp_image_docker(struct dp_image *im, char **out, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
