/*
 * The index of a joined image: images in the order that was asked for, whoever made them, and
 * behind them what attests them.
 */
#include "build/archive_image.h"

#include <depot/registry.h>

#include <stdlib.h>

/* A piece of the index: an image and what attests it, at its place in the order asked for. */
struct piece {
    size_t order, serial;
    char *platform, *text;
    char digest[DEPOT_DIGEST_LEN + 1];
};
struct pieces {
    DEPOT_VEC(struct piece) list;
};

const char *dp_image_attested(struct json_object *descriptor)
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

static size_t order_of(const struct dp_image *im, const struct dp_archive_part *part, size_t i)
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
        const char *of = dp_image_attested(d);
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

static void cut_part(struct dp_image *im, struct pieces *p, size_t i)
{
    const struct dp_archive_part *part = &im->a->parts[i];
    const struct dp_image_top *t = &im->tops[i];
    struct json_object *list = dp_doc_array(t->root, "manifests");
    const size_t n = list != NULL ? json_object_array_length(list) : 0;
    size_t images = 0;
    if (list == NULL && t->len == strlen(t->text))
        add_piece(p, order_of(im, part, 0), platform_at(part, 0), t->text);
    for (size_t k = 0; k < n; k++)
        if (dp_image_attested(json_object_array_get_idx(list, k)) == NULL)
            cut_image(p, order_of(im, part, images++), t->root, k);
}

static int by_order(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return (x->serial > y->serial) - (x->serial < y->serial);
}

static int join_pieces(struct dp_image *im, struct pieces *p, const struct depot_kvs *annotations,
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

int dp_image_join(struct dp_image *im, struct depot_error *err)
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
