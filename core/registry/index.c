/*
 * Manifests and indexes as JSON: one index is made of several. No I/O; input is what a registry or
 * an engine says.
 */
#include <depot/buf.h>
#include <depot/registry.h>

#include <string.h>

#include "registry/json.h"
#include "registry/media.h"

const char dp_media_oci_index[] = "application/vnd.oci.image.index.v1+json";
const char dp_media_oci_manifest[] = "application/vnd.oci.image.manifest.v1+json";
const char dp_media_docker_list[] = "application/vnd.docker.distribution.manifest.list.v2+json";
const char dp_media_docker_manifest[] = "application/vnd.docker.distribution.manifest.v2+json";

struct joining {
    struct json_object *images, *attestations;
    bool oci; /* one of them, so the whole */
};

static bool is_attestation(struct json_object *descriptor)
{
    struct json_object *a;
    return json_object_object_get_ex(descriptor, "annotations", &a) &&
           depot_str_eq(dp_doc_string(a, "vnd.docker.reference.type"), "attestation-manifest");
}

static bool has_child(const struct joining *j, const char *digest)
{
    struct json_object *lists[] = {j->images, j->attestations};
    for (size_t k = 0; k < DEPOT_ARRAY_LEN(lists); k++)
        for (size_t i = 0; i < json_object_array_length(lists[k]); i++)
            if (depot_str_eq(
                    dp_doc_string(json_object_array_get_idx(lists[k], i), "digest"), digest))
                return true;
    return false;
}

static int add_child(struct joining *j, struct json_object *descriptor, struct depot_error *err)
{
    const char *digest = dp_doc_string(descriptor, "digest");
    size_t n = json_object_array_length(j->images) + json_object_array_length(j->attestations);
    if (!depot_digest_valid(digest) || dp_doc_string(descriptor, "mediaType") == NULL)
        return depot_error_set(
            err, DEPOT_ERR_PROTOCOL, "an index lists a manifest without a digest or media type");
    if (n >= DEPOT_JOIN_CHILDREN_MAX)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG, "the index would list over %d manifests",
            DEPOT_JOIN_CHILDREN_MAX);
    if (!has_child(j, digest))
        json_object_array_add(
            is_attestation(descriptor) ? j->attestations : j->images, json_object_get(descriptor));
    return 0;
}

static struct json_object *platform_of(const char *platform)
{
    static const char *const keys[] = {"architecture", "os", "variant"};
    struct depot_strv words = {0};
    struct json_object *o = json_object_new_object();
    depot_strv_split(&words, platform, '/');
    /* The order in which Go prints the fields. */
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(keys); i++) {
        size_t word = i == 0 ? 1 : i == 1 ? 0 : 2;
        if (word < words.len)
            json_object_object_add(o, keys[i], json_object_new_string(words.items[word]));
    }
    depot_strv_release(&words);
    return o;
}

/* A builder that made no index of its one platform: its manifest is listed as it is. */
static int add_manifest(struct joining *j, const struct depot_join_part *part, const char *type,
    struct depot_error *err)
{
    struct json_object *d = json_object_new_object();
    json_object_object_add(d, "mediaType", json_object_new_string(type));
    json_object_object_add(d, "digest", json_object_new_string(part->digest));
    json_object_object_add(d, "size", json_object_new_int64((int64_t)part->len));
    json_object_object_add(d, "platform", platform_of(part->platform));
    int rc = add_child(j, d, err);
    json_object_put(d);
    return rc;
}

static int add_part(struct joining *j, const struct depot_join_part *part, struct depot_error *err)
{
    char digest[DEPOT_DIGEST_LEN + 1];
    depot_digest_of(part->manifest, part->len, digest);
    if (!depot_str_eq(digest, part->digest))
        return depot_error_set(err, DEPOT_ERR_PROTOCOL,
            "the manifest of %s is not the one that its builder pushed: %s instead of %.80s",
            part->platform, digest, part->digest);
    struct json_object *o = dp_doc_object(part->manifest, part->len);
    if (o == NULL)
        return depot_error_set(err, DEPOT_ERR_PROTOCOL,
            "the manifest of %s is not JSON, or holds too much of it", part->platform);
    struct json_object *children = dp_doc_array(o, "manifests");
    const char *type = dp_doc_string(o, "mediaType");
    int rc = 0;
    if (type == NULL)
        type = children != NULL ? dp_media_oci_index : dp_media_oci_manifest;
    j->oci |= depot_str_eq(type, dp_media_oci_index) || depot_str_eq(type, dp_media_oci_manifest);
    if (children == NULL)
        rc = add_manifest(j, part, type, err);
    for (size_t i = 0; rc == 0 && children != NULL && i < json_object_array_length(children); i++)
        rc = add_child(j, json_object_array_get_idx(children, i), err);
    json_object_put(o);
    return rc;
}

char *depot_json_as_go(const char *json)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    for (const char *p = json; *p != '\0'; p++) {
        if (strchr("<>&", *p) != NULL)
            depot_buf_addf(&b, "\\u%04x", (unsigned)*p);
        else
            depot_buf_addc(&b, *p);
    }
    return depot_buf_detach(&b);
}

static char *print(struct joining *j, const char *type, const struct depot_kvs *annotations)
{
    struct json_object *o = json_object_new_object(), *list = json_object_new_array();
    struct json_object *lists[] = {j->images, j->attestations};
    for (size_t k = 0; k < DEPOT_ARRAY_LEN(lists); k++)
        for (size_t i = 0; i < json_object_array_length(lists[k]); i++)
            json_object_array_add(list, json_object_get(json_object_array_get_idx(lists[k], i)));
    json_object_object_add(o, "schemaVersion", json_object_new_int(2));
    json_object_object_add(o, "mediaType", json_object_new_string(type));
    json_object_object_add(o, "manifests", list);
    if (annotations != NULL && annotations->len > 0) {
        struct json_object *a = json_object_new_object();
        for (size_t i = 0; i < annotations->len; i++)
            json_object_object_add(
                a, annotations->items[i].key, json_object_new_string(annotations->items[i].value));
        json_object_object_add(o, "annotations", a);
    }
    char *text = depot_json_as_go(json_object_to_json_string_ext(
        o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(o);
    return text;
}

int depot_index_join(const struct depot_join_part *parts, size_t nparts,
    const struct depot_kvs *annotations, char **text, const char **media_type,
    struct depot_error *err)
{
    struct joining j = {.images = json_object_new_array(), .attestations = json_object_new_array()};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < nparts; i++)
        rc = add_part(&j, &parts[i], err);
    if (rc == 0 && json_object_array_length(j.images) == 0)
        rc = depot_error_set(err, DEPOT_ERR_PROTOCOL, "there is no image to join");
    if (rc == 0) {
        /* The older list has no annotations. */
        bool oci = j.oci || (annotations != NULL && annotations->len > 0);
        *media_type = oci ? dp_media_oci_index : dp_media_docker_list;
        *text = print(&j, *media_type, annotations);
    }
    json_object_put(j.images);
    json_object_put(j.attestations);
    return rc;
}
