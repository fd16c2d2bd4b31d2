/*
 * OCI image layouts on this machine: `index.json` names what the blobs beside it are. An index may
 * have been written by anybody; other tools may write it at the same time.
 */
#ifndef DEPOT_CORE_BUILD_LAYOUT_H
#define DEPOT_CORE_BUILD_LAYOUT_H

#include <depot/base.h>

#include <time.h>

struct json_object;

enum {
    DP_LAYOUT_INDEX_MAX = 4 * 1024 * 1024, /* of an index, as engines have it */
    DP_LAYOUT_DESC_MAX = 64 * 1024,
    DP_LAYOUT_FOUND_MAX = 32, /* entries of one name: more are not looked at */
};

/* The caller puts *out. Its "manifests" is an array of objects; nothing else is checked. */
int dp_layout_parse(
    const char *json, size_t n, struct json_object **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* DEPOT_ERR_NOT_FOUND: there is no index. */
int dp_layout_read(
    const char *dir, struct json_object **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* The valid digests of the entries with this name: an image's whole name, else a tag. */
void dp_layout_find(struct json_object *index, const char *name, struct depot_strv *digests);
/* The digest of the only entry; NULL when there are others or none. Borrowed. */
const char *dp_layout_single(struct json_object *index);

/* An engine's descriptor: media type, digest and size are there and sound. The caller puts it. */
int dp_layout_desc_parse(
    const char *json, size_t n, struct json_object **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* A manifest or an index among the blobs. The caller puts it. */
int dp_layout_manifest(const char *dir, const char *digest, struct json_object **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* Of a manifest or an index among the blobs, which says itself what it is. The caller puts it. */
int dp_layout_desc_of(const char *dir, const char *digest, struct json_object **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
const char *dp_layout_desc_digest(struct json_object *desc);
/* Is the blob there, all of it? */
bool dp_layout_has(const char *dir, struct json_object *desc);

/* An entry to be. */
struct dp_layout_entry {
    struct json_object *desc; /* borrowed */
    const char *image;        /* the image's whole name; NULL: a tag only */
    const char *tag;
    /* What a cache is of ("linux/amd64,linux/arm64"): it takes the place of entries of its name
     * that are of nothing else. NULL: of all entries of its name. */
    const char *platforms;
};
/* Could entries be put there? For before the build. */
int dp_layout_check(const char *dir, struct depot_error *err) DEPOT_MUST_CHECK;
/* Put these before all others, at once. Waits for whoever is at it. */
int dp_layout_put(const char *dir, const struct dp_layout_entry *entries, size_t n,
    struct depot_error *err) DEPOT_MUST_CHECK;

/* Removes the blobs that nothing in the index leads to, and that are older than `before`. */
int dp_layout_prune(const char *dir, time_t before, struct depot_error *err) DEPOT_MUST_CHECK;

/* One image index of the images in `descs`, each of its platforms, as a new blob. The caller puts
 * *out, its descriptor. */
int dp_layout_join(const char *dir, struct json_object *const *descs, const char *const *platforms,
    size_t n, struct json_object **out, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
