/*
 * The provenance in the record of a build: the record names blobs, which are read one by one.
 */
#include "buildkit/bk.h"
#include "buildkit/convert.h"

/* As many platforms as anybody builds for at once; further ones are left out. */
enum { WANTED_MAX = 64 };

struct wanted {
    char *platform, *type, *digest;
};

struct provenance_call {
    struct depot_bk_call base;
    struct dp_bk_rpc rpc;
    struct dp_bk_blob blob;
    const struct depot_bk_provenance_ops *ops;
    void *arg;
    DEPOT_VEC(struct wanted) wanted;
    size_t next;
};

static void provenance_release(struct depot_bk_call *base)
{
    struct provenance_call *c = DEPOT_CONTAINER_OF(base, struct provenance_call, base);
    dp_bk_rpc_release(&c->rpc);
    dp_bk_blob_release(&c->blob);
}

static void provenance_destroy(struct depot_bk_call *base)
{
    struct provenance_call *c = DEPOT_CONTAINER_OF(base, struct provenance_call, base);
    for (size_t i = 0; i < c->wanted.len; i++) {
        depot_free(c->wanted.items[i].platform);
        depot_free(c->wanted.items[i].type);
        depot_free(c->wanted.items[i].digest);
    }
    depot_vec_free(&c->wanted);
}

static const char *predicate_of(const Bk__Descriptor *d)
{
    static const char prefix[] = "https://slsa.dev/provenance/";
    if (!depot_str_eq(d->media_type, "application/vnd.in-toto+json"))
        return NULL;
    for (size_t i = 0; i < d->n_annotations; i++)
        if (depot_str_eq(d->annotations[i]->key, "in-toto.io/predicate-type") &&
            depot_str_starts(d->annotations[i]->value, prefix))
            return d->annotations[i]->value;
    return NULL;
}

static void want(struct provenance_call *c, const char *platform, const Bk__ResultInfo *info)
{
    for (size_t i = 0; info != NULL && i < info->n_attestations; i++) {
        const Bk__Descriptor *d = info->attestations[i];
        const char *type = predicate_of(d);
        if (type == NULL || depot_str_empty(d->digest) || c->wanted.len == WANTED_MAX)
            continue;
        struct wanted w = {.platform = depot_strdup(platform),
            .type = depot_strdup(type),
            .digest = depot_strdup(d->digest)};
        depot_vec_push(&c->wanted, w);
        return;
    }
}

static void on_message(struct dp_bk_rpc *r, const uint8_t *data, size_t n, void *arg)
{
    (void)r;
    struct provenance_call *c = arg;
    Bk__HistoryEvent *ev = bk__history_event__unpack(NULL, n, data);
    const Bk__HistoryRecord *m = ev != NULL ? ev->record : NULL;
    for (size_t i = 0; m != NULL && i < m->n_results; i++)
        want(c, m->results[i]->key, m->results[i]->value);
    if (m != NULL && m->n_results == 0)
        want(c, "", m->result);
    bk__history_event__free_unpacked(ev, NULL);
}

static void read_next(struct provenance_call *c);

/* A blob that cannot be had is left out, as is a record that was cleaned up meanwhile. */
static void on_blob(struct dp_bk_blob *b, const struct depot_buf *data, void *arg)
{
    struct provenance_call *c = arg;
    const struct wanted *w = &c->wanted.items[c->next++];
    (void)b;
    if (data != NULL)
        c->ops->found(&c->base, w->platform, w->type, data->data, data->len, c->arg);
    if (c->base.dead)
        return;
    dp_bk_blob_release(&c->blob);
    c->blob = (struct dp_bk_blob){0};
    read_next(c);
}

static void read_next(struct provenance_call *c)
{
    for (; c->next < c->wanted.len; c->next++)
        if (dp_bk_blob_start(
                &c->blob, c->rpc.link, c->wanted.items[c->next].digest, on_blob, c, NULL) == 0)
            return;
    c->ops->done(&c->base, NULL, c->arg);
}

static void on_done(
    struct dp_bk_rpc *r, const struct dp_grpc_status *st, const struct depot_error *err, void *arg)
{
    (void)r;
    (void)st;
    struct provenance_call *c = arg;
    if (err != NULL)
        c->ops->done(&c->base, err, c->arg);
    else
        read_next(c);
}

int depot_bk_provenance(struct depot_bk *bk, const char *ref,
    const struct depot_bk_provenance_ops *ops, void *arg, struct depot_bk_call **out,
    struct depot_error *err)
{
    static const struct dp_bk_call_ops call_ops = {
        .release = provenance_release, .destroy = provenance_destroy};
    static const struct dp_bk_rpc_ops rpc_ops = {.message = on_message, .done = on_done};
    Bk__HistoryRequest m = BK__HISTORY_REQUEST__INIT;
    struct provenance_call *c = dp_bk_call_new(bk, sizeof(*c), &call_ops);
    c->ops = ops;
    c->arg = arg;
    m.ref = (char *)ref;
    m.early_exit = true;
    dp_bk_rpc_init(&c->rpc, &bk->shared, DP_BK_CONTROL "ListenBuildHistory", &rpc_ops, c);
    dp_pb_pack(&c->rpc.request, &m.base);
    int rc = dp_bk_rpc_start(&c->rpc, err);
    if (rc < 0)
        depot_bk_call_free(&c->base);
    else
        *out = &c->base;
    return rc;
}
