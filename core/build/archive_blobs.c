/*
 * See archive_blobs.h.
 */
#include "build/archive_blobs.h"

#include <depot/registry.h>

#include "tar/tar.h"

static const char blobs_dir[] = "blobs/sha256/", digest_prefix[] = "sha256:";

/* ---- blobs ---- */

void dp_blobs_release(struct dp_blobs *b)
{
    depot_map_free(b->by_digest);
    depot_vec_free(&b->list);
    depot_arena_release(&b->arena);
    *b = (struct dp_blobs){0};
}

static int add_blob(struct dp_blobs *b, const struct dp_archive_part *part,
    const struct dp_tar_entry *e, struct depot_error *err)
{
    struct dp_blob blob = {.part = part, .at = e->data, .size = e->size};
    const char *hex = e->name + sizeof(blobs_dir) - 1;
    char *digest = depot_asprintf("%s%s", digest_prefix, hex);
    const bool known = !depot_digest_valid(digest) || depot_map_get(b->by_digest, digest) != NULL;
    if (!known)
        memcpy(blob.digest, digest, sizeof(blob.digest));
    depot_free(digest);
    if (known)
        return 0; /* the same content, or no blob at all */
    if (b->list.len == DP_ARCHIVE_BLOBS_MAX)
        return depot_error_set(
            err, DEPOT_ERR_TOO_BIG, "the archives have more than %d blobs", DP_ARCHIVE_BLOBS_MAX);
    struct dp_blob *kept = depot_arena_alloc(&b->arena, sizeof(*kept));
    *kept = blob;
    depot_map_set(b->by_digest, kept->digest, kept);
    depot_vec_push(&b->list, kept);
    return 0;
}

static int read_text(const struct dp_archive_part *part, uint64_t at, uint64_t size, char **out,
    struct depot_error *err)
{
    if (size > DP_ARCHIVE_JSON_MAX)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG, "an index or manifest has %llu bytes",
            (unsigned long long)size);
    char *text = depot_alloc((size_t)size + 1);
    int rc = dp_tar_read(part->fd, at, text, (size_t)size, err);
    if (rc != 0) {
        depot_free(text);
        return rc;
    }
    text[size] = '\0';
    *out = text;
    return 0;
}

static int read_index(const struct dp_archive_part *part, const struct dp_tar_entry *e,
    struct json_object **index, struct depot_error *err)
{
    char *text = NULL;
    int rc = read_text(part, e->data, e->size, &text, err);
    if (rc == 0) {
        json_object_put(*index); /* the last one counts, as when it is unpacked */
        *index = dp_doc_object(text, (size_t)e->size);
        if (*index == NULL)
            rc = depot_error_set(err, DEPOT_ERR_PROTOCOL, "its index.json is not a JSON object");
    }
    depot_free(text);
    return rc;
}

static int scan_entry(struct dp_blobs *b, const struct dp_archive_part *part,
    const struct dp_tar_entry *e, struct json_object **index, struct depot_error *err)
{
    if (e->type != DP_TAR_FILE)
        return 0;
    if (depot_str_starts(e->name, blobs_dir))
        return add_blob(b, part, e, err);
    return depot_str_eq(e->name, "index.json") ? read_index(part, e, index, err) : 0;
}

int dp_blobs_scan(struct dp_blobs *b, const struct dp_archive_part *part,
    struct json_object **index, struct depot_error *err)
{
    struct dp_tar t;
    struct dp_tar_entry e;
    struct json_object *found = NULL;
    if (b->by_digest == NULL)
        b->by_digest = depot_map_new();
    dp_tar_init(&t, part->fd, part->len);
    int rc = dp_tar_next(&t, &e, err);
    while (rc == 0) {
        rc = scan_entry(b, part, &e, &found, err);
        if (rc == 0)
            rc = dp_tar_next(&t, &e, err);
    }
    dp_tar_release(&t);
    if (rc == DEPOT_ERR_EOF && found == NULL)
        rc = depot_error_set(err, DEPOT_ERR_PROTOCOL, "it has no index.json");
    if (rc == DEPOT_ERR_EOF) {
        *index = found;
        return 0;
    }
    json_object_put(found);
    return dp_archive_blame(part, err);
}

int dp_blobs_find(const struct dp_blobs *b, struct json_object *descriptor, struct dp_blob **out,
    struct depot_error *err)
{
    const char *digest = dp_doc_string(descriptor, "digest");
    struct json_object *size;
    if (!depot_digest_valid(digest))
        return depot_error_set(err, DEPOT_ERR_PROTOCOL,
            "a descriptor has no digest of sha256: \"%.100s\"", digest != NULL ? digest : "");
    struct dp_blob *blob = depot_map_get(b->by_digest, digest);
    if (blob == NULL)
        return depot_error_set(
            err, DEPOT_ERR_PROTOCOL, "no builder sent the blob %s, which belongs to it", digest);
    if (!json_object_object_get_ex(descriptor, "size", &size) ||
        !json_object_is_type(size, json_type_int) ||
        json_object_get_int64(size) != (int64_t)blob->size)
        return depot_error_set(err, DEPOT_ERR_PROTOCOL,
            "the blob %s has %llu bytes, and its descriptor says another number", digest,
            (unsigned long long)blob->size);
    *out = blob;
    return 0;
}

int dp_blob_read(const struct dp_blob *blob, char **out, struct depot_error *err)
{
    char found[DEPOT_DIGEST_LEN + 1];
    char *text = NULL;
    int rc = read_text(blob->part, blob->at, blob->size, &text, err);
    if (rc == 0) {
        depot_digest_of(text, (size_t)blob->size, found);
        if (!depot_str_eq(found, blob->digest))
            rc = depot_error_set(
                err, DEPOT_ERR_PROTOCOL, "the blob %s has the digest %s", blob->digest, found);
    }
    if (rc != 0) {
        depot_free(text);
        return dp_archive_blame(blob->part, err);
    }
    *out = text;
    return 0;
}
