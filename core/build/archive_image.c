/*
 * Types oci and docker: OCI layouts become one, with one index. Only what the index leads to is
 * taken over. Type docker has a manifest.json beside it, for engines that read no index.
 */
#include "build/archive_blobs.h"

#include <depot/platform.h>
#include <depot/registry.h>

#include <stdlib.h>

#include "tar/tar.h"

enum { NESTING_MAX = 4, TOPS_MAX = 256 };

static const char layout_text[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
static const char name_key[] = "io.containerd.image.name",
                  ref_key[] = "org.opencontainers.image.ref.name",
                  created_key[] = "org.opencontainers.image.created";

/* What one builder's layout leads to. */
struct top {
    struct json_object *layout;     /* its index.json */
    struct json_object *descriptor; /* borrowed from it: of the image */
    struct json_object *root;       /* the image's index, or its manifest */
    char *text;                     /* of it */
    size_t len;
};

struct image {
    const struct dp_archive *a;
    struct dp_blobs blobs;
    struct top *tops;
    char *index; /* the joined one */
    const char *media_type;
    char digest[DEPOT_DIGEST_LEN + 1];
    struct json_object *joined; /* index, parsed */
};

/* ---- what each builder sent ---- */

/* There is an entry for each name, and all are of the same image. */
static int find_descriptor(struct top *t, struct depot_error *err)
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

static int read_root(struct image *im, struct top *t, struct depot_error *err)
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

static int read_part(struct image *im, size_t i, struct depot_error *err)
{
    struct top *t = &im->tops[i];
    int rc = dp_blobs_scan(&im->blobs, &im->a->parts[i], &t->layout, err);
    if (rc != 0)
        return rc;
    rc = find_descriptor(t, err);
    if (rc == 0)
        rc = read_root(im, t, err);
    return rc == 0 ? 0 : dp_archive_blame(&im->a->parts[i], err);
}

/* ---- the joined index ---- */

/* A piece of the index: an image and what attests it, at its place in the order asked for. */
struct piece {
    size_t order, serial;
    char *platform, *text;
    char digest[DEPOT_DIGEST_LEN + 1];
};
struct pieces {
    DEPOT_VEC(struct piece) list;
};

static const char *attested(struct json_object *descriptor)
{
    struct json_object *a;
    return json_object_object_get_ex(descriptor, "annotations", &a)
               ? dp_doc_string(a, "vnd.docker.reference.digest")
               : NULL;
}

static void add_piece(struct pieces *p, size_t order, const char *platform, const char *text)
{
    struct piece piece = {.order = order,
        .serial = p->list.len,
        .platform = depot_strdup(platform),
        .text = depot_strdup(text)};
    depot_digest_of(text, strlen(text), piece.digest);
    depot_vec_push(&p->list, piece);
}

static const char *platform_at(const struct dp_archive_part *part, size_t i)
{
    return i < part->platforms->len ? part->platforms->items[i] : "";
}

static size_t order_of(const struct image *im, const struct dp_archive_part *part, size_t i)
{
    const char *platform = platform_at(part, i);
    for (size_t k = 0; k < im->a->platforms->len; k++)
        if (depot_str_eq(im->a->platforms->items[k], platform))
            return k;
    return im->a->platforms->len;
}

/* An index of one image of `root`, which is an index of several. */
static void cut_image(struct pieces *p, size_t order, struct json_object *root, size_t i)
{
    struct json_object *from = dp_doc_array(root, "manifests");
    struct json_object *image = json_object_array_get_idx(from, i), *type;
    struct json_object *o = json_object_new_object(), *list = json_object_new_array();
    json_object_array_add(list, json_object_get(image));
    for (size_t k = 0; k < json_object_array_length(from); k++) {
        struct json_object *d = json_object_array_get_idx(from, k);
        const char *of = attested(d);
        if (of != NULL && depot_str_eq(of, dp_doc_string(image, "digest")))
            json_object_array_add(list, json_object_get(d));
    }
    if (json_object_object_get_ex(root, "mediaType", &type))
        json_object_object_add(o, "mediaType", json_object_get(type));
    json_object_object_add(o, "manifests", list);
    char *text = dp_doc_text(o);
    add_piece(p, order, "", text);
    depot_free(text);
    json_object_put(o);
}

static void cut_part(struct image *im, struct pieces *p, size_t i)
{
    const struct dp_archive_part *part = &im->a->parts[i];
    const struct top *t = &im->tops[i];
    struct json_object *list = dp_doc_array(t->root, "manifests");
    const size_t n = list != NULL ? json_object_array_length(list) : 0;
    size_t images = 0;
    if (list == NULL && t->len == strlen(t->text))
        add_piece(p, order_of(im, part, 0), platform_at(part, 0), t->text);
    for (size_t k = 0; k < n; k++)
        if (attested(json_object_array_get_idx(list, k)) == NULL)
            cut_image(p, order_of(im, part, images++), t->root, k);
}

static int by_order(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return (x->serial > y->serial) - (x->serial < y->serial);
}

static int join_pieces(struct image *im, struct pieces *p, const struct depot_kvs *annotations,
    struct depot_error *err)
{
    struct depot_join_part *parts = depot_calloc(p->list.len + 1, sizeof(*parts));
    if (p->list.len > 1)
        qsort(p->list.items, p->list.len, sizeof(*p->list.items), by_order);
    for (size_t i = 0; i < p->list.len; i++) {
        const struct piece *piece = &p->list.items[i];
        parts[i] = (struct depot_join_part){.platform = piece->platform,
            .digest = piece->digest,
            .manifest = piece->text,
            .len = strlen(piece->text)};
    }
    int rc = depot_index_join(parts, p->list.len, annotations, &im->index, &im->media_type, err);
    depot_free(parts);
    return rc;
}

/* All builders were asked for the same ones. */
static void annotations_of(struct json_object *root, struct depot_kvs *out)
{
    struct json_object *a;
    if (!json_object_object_get_ex(root, "annotations", &a) ||
        !json_object_is_type(a, json_type_object))
        return;
    json_object_object_foreach(a, key, value)
    {
        if (json_object_is_type(value, json_type_string))
            depot_kvs_set(out, key, json_object_get_string(value));
    }
}

static int join_index(struct image *im, struct depot_error *err)
{
    struct pieces p = {0};
    struct depot_kvs annotations = {0};
    if (dp_doc_array(im->tops[0].root, "manifests") != NULL)
        annotations_of(im->tops[0].root, &annotations);
    for (size_t i = 0; i < im->a->nparts; i++)
        cut_part(im, &p, i);
    int rc = join_pieces(im, &p, &annotations, err);
    if (rc == 0) {
        depot_digest_of(im->index, strlen(im->index), im->digest);
        im->joined = dp_doc_object(im->index, strlen(im->index));
        if (im->joined == NULL)
            rc = depot_error_set(
                err, DEPOT_ERR_TOO_BIG, "the joined index has over %d bytes", DP_ARCHIVE_JSON_MAX);
    }
    for (size_t i = 0; i < p.list.len; i++) {
        depot_free(p.list.items[i].platform);
        depot_free(p.list.items[i].text);
    }
    depot_vec_free(&p.list);
    depot_kvs_release(&annotations);
    return rc;
}

/* ---- what belongs to it ---- */

static int want(
    struct image *im, struct json_object *descriptor, int nesting, struct depot_error *err);

static int want_list(
    struct image *im, struct json_object *list, int nesting, struct depot_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_object_array_length(list); i++)
        rc = want(im, json_object_array_get_idx(list, i), nesting, err);
    return rc;
}

static int want_children(
    struct image *im, struct json_object *o, int nesting, struct depot_error *err)
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
    struct image *im, struct json_object *descriptor, int nesting, struct depot_error *err)
{
    struct dp_blob *blob = NULL;
    char *text = NULL;
    int rc = dp_blobs_find(&im->blobs, descriptor, &blob, err);
    if (rc != 0 || blob->wanted)
        return rc;
    blob->wanted = true;
    if (!has_children(descriptor))
        return 0;
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

/* ---- the new layout ---- */

/* The newest of the builders' times, which are in UTC and so are ordered as texts. */
static const char *created(const struct image *im)
{
    const char *newest = NULL;
    for (size_t i = 0; i < im->a->nparts; i++) {
        struct json_object *a;
        const char *time = json_object_object_get_ex(im->tops[i].descriptor, "annotations", &a)
                               ? dp_doc_string(a, created_key)
                               : NULL;
        if (time != NULL && (newest == NULL || strcmp(time, newest) > 0))
            newest = time;
    }
    return newest;
}

/* The annotations of a builder's descriptor as those of the index: what is said of the one manifest
 * of a builder that made no index does not hold for all. */
static struct json_object *descriptor_annotations(
    const struct image *im, struct json_object *from, bool named)
{
    const bool all = dp_doc_array(im->tops[0].root, "manifests") != NULL;
    struct json_object *to = json_object_new_object(), *a;
    if (!json_object_object_get_ex(from, "annotations", &a) ||
        !json_object_is_type(a, json_type_object))
        return to;
    json_object_object_foreach(a, key, value)
    {
        const bool name = depot_str_eq(key, name_key) || depot_str_eq(key, ref_key);
        if (depot_str_eq(key, created_key))
            json_object_object_add(to, key, json_object_new_string(created(im)));
        else if (name ? named : all)
            json_object_object_add(to, key, json_object_get(value));
    }
    return to;
}

static struct json_object *new_descriptor(
    const struct image *im, struct json_object *from, bool named)
{
    struct json_object *o = json_object_new_object();
    struct json_object *a = descriptor_annotations(im, from, named);
    json_object_object_add(o, "mediaType", json_object_new_string(im->media_type));
    json_object_object_add(o, "digest", json_object_new_string(im->digest));
    json_object_object_add(o, "size", json_object_new_int64((int64_t)strlen(im->index)));
    if (json_object_object_length(a) > 0)
        json_object_object_add(o, "annotations", a);
    else
        json_object_put(a);
    return o;
}

static char *layout_index(const struct image *im)
{
    struct json_object *o = json_object_new_object(), *list = json_object_new_array();
    struct json_object *from = dp_doc_array(im->tops[0].layout, "manifests");
    for (size_t i = 0; i < json_object_array_length(from); i++)
        json_object_array_add(list, new_descriptor(im, json_object_array_get_idx(from, i), true));
    json_object_object_add(o, "schemaVersion", json_object_new_int(2));
    json_object_object_add(
        o, "mediaType", json_object_new_string("application/vnd.oci.image.index.v1+json"));
    json_object_object_add(o, "manifests", list);
    char *text = dp_doc_text(o);
    json_object_put(o);
    return text;
}

static const char *name_at(const struct image *im, size_t i)
{
    struct json_object *from = dp_doc_array(im->tops[0].layout, "manifests"), *a;
    return json_object_object_get_ex(json_object_array_get_idx(from, i), "annotations", &a)
               ? dp_doc_string(a, name_key)
               : NULL;
}

static void fill_answer(const struct image *im, struct depot_kvs *answer)
{
    struct json_object *d = new_descriptor(im, im->tops[0].descriptor, false);
    struct json_object *from = dp_doc_array(im->tops[0].layout, "manifests");
    struct depot_strv names = {0};
    char *text = dp_doc_text(d);
    char *coded = depot_alloc(depot_base64_encoded_len(strlen(text)) + 1);
    depot_base64_encode(coded, text, strlen(text));
    for (size_t i = 0; i < json_object_array_length(from); i++)
        if (name_at(im, i) != NULL)
            depot_strv_push(&names, name_at(im, i));
    depot_kvs_set(answer, "containerimage.digest", im->digest);
    depot_kvs_set(answer, "containerimage.descriptor", coded);
    if (names.len > 0) {
        char *all = depot_strv_join(&names, ",");
        depot_kvs_set(answer, "image.name", all);
        depot_free(all);
    }
    depot_strv_release(&names);
    depot_free(coded);
    depot_free(text);
    json_object_put(d);
}

/* ---- manifest.json ---- */

static bool platform_is(
    struct json_object *descriptor, bool fits(const char *, const char *), const char *host)
{
    struct json_object *p;
    char found[DEPOT_PLATFORM_MAX];
    if (!json_object_object_get_ex(descriptor, "platform", &p))
        return false;
    const char *os = dp_doc_string(p, "os"), *arch = dp_doc_string(p, "architecture"),
               *variant = dp_doc_string(p, "variant");
    if (os == NULL || arch == NULL)
        return false;
    char *name = depot_asprintf(
        "%s/%s%s%s", os, arch, depot_str_empty(variant) ? "" : "/", variant != NULL ? variant : "");
    const bool ok = depot_platform_parse(name, found, NULL) == 0;
    depot_free(name);
    return ok && fits(found, host);
}

/* That of this machine, else one it can run, else the first: an engine without an index has room
 * for one image under a name. */
static struct json_object *for_host(const struct image *im)
{
    bool (*const fits[])(const char *, const char *) = {depot_str_eq, depot_platform_runs_on};
    struct json_object *list = dp_doc_array(im->joined, "manifests");
    for (size_t k = 0; k < DEPOT_ARRAY_LEN(fits); k++)
        for (size_t i = 0; i < json_object_array_length(list); i++) {
            struct json_object *d = json_object_array_get_idx(list, i);
            if (attested(d) == NULL && platform_is(d, fits[k], im->a->host))
                return d;
        }
    return json_object_array_get_idx(list, 0);
}

static struct json_object *blob_path(struct json_object *descriptor)
{
    const char *digest = dp_doc_string(descriptor, "digest");
    char *path =
        depot_asprintf("blobs/sha256/%s", digest != NULL ? digest + sizeof("sha256:") - 1 : "");
    struct json_object *o = json_object_new_string(path);
    depot_free(path);
    return o;
}

/* As people write it: "app:1" for "docker.io/library/app:1". */
static const char *familiar(const char *name)
{
    static const char *const prefixes[] = {"docker.io/library/", "docker.io/"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(prefixes); i++)
        if (depot_str_starts(name, prefixes[i]))
            return name + strlen(prefixes[i]);
    return name;
}

static struct json_object *repo_tags(const struct image *im)
{
    struct json_object *from = dp_doc_array(im->tops[0].layout, "manifests");
    struct json_object *tags = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(from); i++)
        if (name_at(im, i) != NULL)
            json_object_array_add(tags, json_object_new_string(familiar(name_at(im, i))));
    return tags;
}

static char *docker_manifest(const struct image *im, struct json_object *manifest)
{
    struct json_object *all = json_object_new_array(), *o = json_object_new_object(), *config;
    struct json_object *layers = dp_doc_array(manifest, "layers"), *to = json_object_new_array();
    if (json_object_object_get_ex(manifest, "config", &config))
        json_object_object_add(o, "Config", blob_path(config));
    json_object_object_add(o, "RepoTags", repo_tags(im));
    for (size_t i = 0; layers != NULL && i < json_object_array_length(layers); i++)
        json_object_array_add(to, blob_path(json_object_array_get_idx(layers, i)));
    json_object_object_add(o, "Layers", to);
    json_object_array_add(all, o);
    char *text = dp_doc_text(all);
    json_object_put(all);
    return text;
}

static int make_manifest(const struct image *im, char **out, struct depot_error *err)
{
    struct dp_blob *blob = NULL;
    char *text = NULL;
    int rc = dp_blobs_find(&im->blobs, for_host(im), &blob, err);
    if (rc == 0)
        rc = dp_blob_read(blob, &text, err);
    if (rc != 0)
        return rc;
    struct json_object *manifest = dp_doc_object(text, (size_t)blob->size);
    if (manifest == NULL)
        rc = depot_error_set(err, DEPOT_ERR_PROTOCOL, "the manifest %s is not JSON", blob->digest);
    else
        *out = docker_manifest(im, manifest);
    json_object_put(manifest);
    depot_free(text);
    return rc;
}

/* ---- writing ---- */

static int put_head(const struct image *im, enum dp_tar_type type, const char *name, unsigned mode,
    uint64_t size, struct depot_error *err)
{
    struct depot_buf head = DEPOT_BUF_INIT(DP_TAR_HEAD_MAX);
    dp_tar_head(&head, type, name, mode, size);
    int rc = im->a->write(im->a->arg, head.data, head.len, err);
    depot_buf_release(&head);
    return rc;
}

static int put_padding(const struct image *im, uint64_t size, struct depot_error *err)
{
    static const char zeros[DP_TAR_BLOCK];
    return im->a->write(im->a->arg, zeros, dp_tar_padding(size), err);
}

static int put_text(const struct image *im, const char *name, unsigned mode, const char *text,
    struct depot_error *err)
{
    const size_t n = strlen(text);
    int rc = put_head(im, DP_TAR_FILE, name, mode, n, err);
    if (rc == 0)
        rc = im->a->write(im->a->arg, text, n, err);
    return rc == 0 ? put_padding(im, n, err) : rc;
}

static int put_blob(const struct image *im, const struct dp_blob *blob, struct depot_error *err)
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
static int put_blobs(struct image *im, struct depot_error *err)
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

static int put_all(struct image *im, struct depot_error *err)
{
    char *layout = layout_index(im), *manifest = NULL;
    int rc = im->a->kind == DEPOT_ARCHIVE_DOCKER ? make_manifest(im, &manifest, err) : 0;
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

static void release(struct image *im)
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
}

int dp_archive_image(const struct dp_archive *a, struct depot_kvs *answer, struct depot_error *err)
{
    struct image im = {.a = a, .tops = depot_calloc(a->nparts, sizeof(*im.tops))};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < a->nparts; i++)
        rc = read_part(&im, i, err);
    if (rc == 0)
        rc = join_index(&im, err);
    if (rc == 0)
        rc = want_list(&im, dp_doc_array(im.joined, "manifests"), 0, err);
    if (rc == 0)
        rc = put_all(&im, err);
    if (rc == 0)
        fill_answer(&im, answer);
    release(&im);
    return rc;
}
