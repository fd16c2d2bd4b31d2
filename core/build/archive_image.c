/*
 * Types oci and docker: OCI layouts become one, with one index. Only what the index leads to is
 * taken over. Type docker has a manifest.json beside it, for engines that read no index.
 */
#include "build/archive_image.h"

#include <stdlib.h>

#include "tar/tar.h"

enum { NESTING_MAX = 4, TOPS_MAX = 256 };

static const char layout_text[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

/* ---- what each builder sent ---- */

/* There is an entry for each name, and all are of the same image. */
static int find_descriptor(struct dp_image_top *t, struct depot_error *err)
{
    struct json_object *list = dp_doc_array(t->layout, "manifests");
    size_t n = list != NULL ? json_object_array_length(list) : 0;
    if (n == 0 || n > TOPS_MAX)
        return depot_error_set(err, DEPOT_ERR_PROTOCOL, "its index.json lists %zu images", n);
    t->descriptor = json_object_array_get_idx(list, 0);
    for (size_t i = 1; i < n; i++) {
        struct json_object *other = json_object_array_get_idx(list, i);
        if (!depot_str_eq(dp_doc_string(other, "digest"), dp_doc_string(t->descriptor, "digest")))
            return depot_error_set(
                err, DEPOT_ERR_PROTOCOL, "its index.json lists images that differ");
    }
    return 0;
}

static int read_root(struct dp_image *im, struct dp_image_top *t, struct depot_error *err)
{
    struct dp_blob *blob = NULL;
    int rc = dp_blobs_find(&im->blobs, t->descriptor, &blob, err);
    if (rc == 0)
        rc = dp_blob_read(blob, &t->text, err);
    if (rc != 0)
        return rc;
    t->len = (size_t)blob->size;
    t->root = dp_doc_object(t->text, t->len);
    return t->root != NULL ? 0 : depot_error_set(err, DEPOT_ERR_PROTOCOL, "its image is not JSON");
}

static int read_part(struct dp_image *im, size_t i, struct depot_error *err)
{
    struct dp_image_top *t = &im->tops[i];
    int rc = dp_blobs_scan(&im->blobs, &im->a->parts[i], &t->layout, err);
    if (rc != 0)
        return rc;
    rc = find_descriptor(t, err);
    if (rc == 0)
        rc = read_root(im, t, err);
    return rc == 0 ? 0 : dp_archive_blame(&im->a->parts[i], err);
}

/* ---- what belongs to it ---- */

static int want(
    struct dp_image *im, struct json_object *descriptor, int nesting, struct depot_error *err);

static int want_list(
    struct dp_image *im, struct json_object *list, int nesting, struct depot_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_object_array_length(list); i++)
        rc = want(im, json_object_array_get_idx(list, i), nesting, err);
    return rc;
}

static int want_children(
    struct dp_image *im, struct json_object *o, int nesting, struct depot_error *err)
{
    static const char *const lists[] = {"manifests", "layers"};
    struct json_object *config;
    int rc = 0;
    if (nesting > NESTING_MAX)
        return depot_error_set(err, DEPOT_ERR_PROTOCOL, "indexes lie too deep in each other");
    if (json_object_object_get_ex(o, "config", &config))
        rc = want(im, config, nesting, err);
    for (size_t i = 0; rc == 0 && i < DEPOT_ARRAY_LEN(lists); i++) {
        struct json_object *list = dp_doc_array(o, lists[i]);
        if (list != NULL)
            rc = want_list(im, list, nesting, err);
    }
    return rc;
}

/* Manifests and indexes have children, in both spellings of their types. */
static bool has_children(struct json_object *descriptor)
{
    static const char *const types[] = {"application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json"};
    const char *type = dp_doc_string(descriptor, "mediaType");
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(types); i++)
        if (depot_str_eq(type, types[i]))
            return true;
    return false;
}

static int want(
    struct dp_image *im, struct json_object *descriptor, int nesting, struct depot_error *err)
{
    struct dp_blob *blob = NULL;
    char *text = NULL;
    int rc = dp_blobs_find(&im->blobs, descriptor, &blob, err);
    if (rc != 0)
        return rc;
    blob->wanted = true;
    if (blob->walked || !has_children(descriptor))
        return 0;
    blob->walked = true;
    rc = dp_blob_read(blob, &text, err);
    struct json_object *o = rc == 0 ? dp_doc_object(text, (size_t)blob->size) : NULL;
    if (rc == 0 && o == NULL)
        rc = depot_error_set(err, DEPOT_ERR_PROTOCOL, "the manifest %s is not JSON", blob->digest);
    if (rc == 0)
        rc = want_children(im, o, nesting + 1, err);
    json_object_put(o);
    depot_free(text);
    return rc;
}

/* ---- writing ---- */

static int put_head(const struct dp_image *im, enum dp_tar_type type, const char *name,
    unsigned mode, uint64_t size, struct depot_error *err)
{
    struct depot_buf head = DEPOT_BUF_INIT(DP_TAR_HEAD_MAX);
    dp_tar_head(&head, type, name, mode, size);
    int rc = im->a->write(im->a->arg, head.data, head.len, err);
    depot_buf_release(&head);
    return rc;
}

static int put_padding(const struct dp_image *im, uint64_t size, struct depot_error *err)
{
    static const char zeros[DP_TAR_BLOCK];
    return im->a->write(im->a->arg, zeros, dp_tar_padding(size), err);
}

static int put_text(const struct dp_image *im, const char *name, unsigned mode, const char *text,
    struct depot_error *err)
{
    const size_t n = strlen(text);
    int rc = put_head(im, DP_TAR_FILE, name, mode, n, err);
    if (rc == 0)
        rc = im->a->write(im->a->arg, text, n, err);
    return rc == 0 ? put_padding(im, n, err) : rc;
}

static int put_blob(const struct dp_image *im, const struct dp_blob *blob, struct depot_error *err)
{
    char *name = depot_asprintf("blobs/sha256/%s", blob->digest + sizeof("sha256:") - 1);
    int rc;
    if (depot_str_eq(blob->digest, im->digest)) {
        rc = put_text(im, name, 0444, im->index, err);
    } else {
        rc = put_head(im, DP_TAR_FILE, name, 0444, blob->size, err);
        if (rc == 0)
            rc = dp_archive_copy(im->a, blob->part, blob->at, blob->size, blob->digest, err);
        if (rc == 0)
            rc = put_padding(im, blob->size, err);
    }
    depot_free(name);
    return rc;
}

static int by_digest(const void *a, const void *b)
{
    const struct dp_blob *const *x = a, *const *y = b;
    return strcmp((*x)->digest, (*y)->digest);
}

/* By name, as engines order an archive. */
static int put_blobs(struct dp_image *im, struct depot_error *err)
{
    struct dp_blob index = {.wanted = true};
    memcpy(index.digest, im->digest, sizeof(index.digest));
    if (depot_map_get(im->blobs.by_digest, im->digest) == NULL)
        depot_vec_push(&im->blobs.list, &index);
    qsort(im->blobs.list.items, im->blobs.list.len, sizeof(*im->blobs.list.items), by_digest);
    int rc = put_head(im, DP_TAR_DIR, "blobs/", 0755, 0, err);
    if (rc == 0)
        rc = put_head(im, DP_TAR_DIR, "blobs/sha256/", 0755, 0, err);
    for (size_t i = 0; rc == 0 && i < im->blobs.list.len; i++) {
        const struct dp_blob *blob = im->blobs.list.items[i];
        if (blob->wanted || depot_str_eq(blob->digest, im->digest))
            rc = put_blob(im, blob, err);
    }
    im->blobs.list.len = 0; /* it has borrowed ours */
    return rc;
}

static int put_all(struct dp_image *im, struct depot_error *err)
{
    char *layout = dp_image_layout(im), *manifest = NULL;
    int rc = im->a->kind == DEPOT_ARCHIVE_DOCKER ? dp_image_docker(im, &manifest, err) : 0;
    if (rc == 0)
        rc = put_blobs(im, err);
    if (rc == 0)
        rc = put_text(im, "index.json", 0644, layout, err);
    if (rc == 0 && manifest != NULL)
        rc = put_text(im, "manifest.json", 0644, manifest, err);
    if (rc == 0)
        rc = put_text(im, "oci-layout", 0444, layout_text, err);
    depot_free(manifest);
    depot_free(layout);
    return rc == 0 ? dp_archive_end(im->a, err) : rc;
}

static void release(struct dp_image *im)
{
    for (size_t i = 0; i < im->a->nparts; i++) {
        json_object_put(im->tops[i].layout);
        json_object_put(im->tops[i].root);
        depot_free(im->tops[i].text);
    }
    json_object_put(im->joined);
    dp_blobs_release(&im->blobs);
    depot_free(im->tops);
    depot_free(im->index);
    depot_free(im->config);
}

int dp_archive_image(const struct dp_archive *a, struct depot_kvs *answer, struct depot_error *err)
{
    struct dp_image im = {.a = a, .tops = depot_calloc(a->nparts, sizeof(*im.tops))};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < a->nparts; i++)
        rc = read_part(&im, i, err);
    if (rc == 0)
        rc = dp_image_join(&im, err);
    if (rc == 0)
        rc = want_list(&im, dp_doc_array(im.joined, "manifests"), 0, err);
    if (rc == 0)
        rc = put_all(&im, err);
    if (rc == 0)
        dp_image_answer(&im, answer);
    release(&im);
    return rc;
}
