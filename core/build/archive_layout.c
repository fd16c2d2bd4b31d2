/*
 * What is said of a joined image: names and times in index.json, the answer of an exporter, and
 * manifest.json for engines that read no index.
 */
#include "build/archive_image.h"

#include <depot/platform.h>

static const char name_key[] = "io.containerd.image.name",
                  ref_key[] = "org.opencontainers.image.ref.name",
                  created_key[] = "org.opencontainers.image.created";

/* ---- index.json ---- */

/* The newest of the builders' times, which are in UTC and so are ordered as texts. */
static const char *created(const struct dp_image *im)
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
    const struct dp_image *im, struct json_object *from, bool named)
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
    const struct dp_image *im, struct json_object *from, bool named)
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

char *dp_image_layout(const struct dp_image *im)
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

static const char *name_at(const struct dp_image *im, size_t i)
{
    struct json_object *from = dp_doc_array(im->tops[0].layout, "manifests"), *a;
    return json_object_object_get_ex(json_object_array_get_idx(from, i), "annotations", &a)
               ? dp_doc_string(a, name_key)
               : NULL;
}

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
static struct json_object *for_host(const struct dp_image *im)
{
    bool (*const fits[])(const char *, const char *) = {depot_str_eq, depot_platform_runs_on};
    struct json_object *list = dp_doc_array(im->joined, "manifests");
    for (size_t k = 0; k < DEPOT_ARRAY_LEN(fits); k++)
        for (size_t i = 0; i < json_object_array_length(list); i++) {
            struct json_object *d = json_object_array_get_idx(list, i);
            if (dp_image_attested(d) == NULL && platform_is(d, fits[k], im->a->host))
                return d;
        }
    return json_object_array_get_idx(list, 0);
}

/* A store that takes one image has no use for its index. */
static struct json_object *answered(const struct dp_image *im, struct depot_kvs *answer)
{
    if (!im->a->alone) {
        depot_kvs_set(answer, "containerimage.digest", im->digest);
        return new_descriptor(im, im->tops[0].descriptor, false);
    }
    struct json_object *d = for_host(im);
    depot_kvs_set(answer, "containerimage.digest", dp_doc_string(d, "digest"));
    if (im->config != NULL)
        depot_kvs_set(answer, "containerimage.config.digest", im->config);
    return json_object_get(d);
}

void dp_image_answer(const struct dp_image *im, struct depot_kvs *answer)
{
    struct json_object *d = answered(im, answer);
    struct json_object *from = dp_doc_array(im->tops[0].layout, "manifests");
    struct depot_strv names = {0};
    char *text = dp_doc_text(d);
    char *coded = depot_alloc(depot_base64_encoded_len(strlen(text)) + 1);
    depot_base64_encode(coded, text, strlen(text));
    for (size_t i = 0; i < json_object_array_length(from); i++)
        if (name_at(im, i) != NULL)
            depot_strv_push(&names, name_at(im, i));
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

static struct json_object *repo_tags(const struct dp_image *im)
{
    struct json_object *from = dp_doc_array(im->tops[0].layout, "manifests");
    struct json_object *tags = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(from); i++)
        if (name_at(im, i) != NULL)
            json_object_array_add(tags, json_object_new_string(familiar(name_at(im, i))));
    return tags;
}

static char *docker_manifest(struct dp_image *im, struct json_object *manifest)
{
    struct json_object *all = json_object_new_array(), *o = json_object_new_object(), *config;
    struct json_object *layers = dp_doc_array(manifest, "layers"), *to = json_object_new_array();
    if (json_object_object_get_ex(manifest, "config", &config)) {
        json_object_object_add(o, "Config", blob_path(config));
        im->config = depot_strdup(dp_doc_string(config, "digest"));
    }
    json_object_object_add(o, "RepoTags", repo_tags(im));
    for (size_t i = 0; layers != NULL && i < json_object_array_length(layers); i++)
        json_object_array_add(to, blob_path(json_object_array_get_idx(layers, i)));
    json_object_object_add(o, "Layers", to);
    json_object_array_add(all, o);
    char *text = dp_doc_text(all);
    json_object_put(all);
    return text;
}

int dp_image_docker(struct dp_image *im, char **out, struct depot_error *err)
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
