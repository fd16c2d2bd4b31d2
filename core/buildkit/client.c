/*
 * The client object, the life of its calls, and reading blobs. What the calls say is in the other
 * files of this folder, one each.
 */
#include "buildkit/bk.h"

#include "content.pb-c.h"

enum { BLOB_MAX = 16 * 1024 * 1024 }; /* error records hold a Dockerfile or two */

int depot_bk_new(struct depot_loop *l, const struct depot_addr *addr, const struct depot_tls *tls,
    struct depot_bk **out, struct depot_error *err)
{
    if (addr->kind == DEPOT_ADDR_UNIX ? depot_str_empty(addr->path) : depot_str_empty(addr->host))
        return depot_error_set(err, DEPOT_ERR_INVALID, "empty BuildKit address");
    struct depot_bk *bk = depot_calloc(1, sizeof(*bk));
    bk->loop = l;
    depot_addr_copy(&bk->addr, addr);
    if (tls != NULL)
        depot_tls_copy(&bk->tls, tls);
    dp_bk_link_init(&bk->shared, bk);
    *out = bk;
    return 0;
}

static void bk_destroy(void *arg)
{
    struct depot_bk *bk = arg;
    depot_addr_release(&bk->addr);
    depot_tls_release(&bk->tls);
    depot_free(bk);
}

void depot_bk_free(struct depot_bk *bk)
{
    if (bk == NULL)
        return;
    dp_bk_link_release(&bk->shared);
    depot_loop_defer(bk->loop, bk_destroy, bk);
}

/* ---- calls ---- */
void *dp_bk_call_new(struct depot_bk *bk, size_t size, const struct dp_bk_call_ops *ops)
{
    struct depot_bk_call *c = depot_calloc(1, size);
    c->ops = ops;
    c->bk = bk;
    c->loop = bk->loop;
    return c;
}

static void call_destroy(void *arg)
{
    struct depot_bk_call *c = arg;
    if (c->ops->destroy != NULL)
        c->ops->destroy(c);
    depot_free(c);
}

void depot_bk_call_free(struct depot_bk_call *c)
{
    if (c == NULL || c->dead)
        return;
    c->dead = true;
    c->ops->release(c);
    depot_loop_defer(c->loop, call_destroy, c);
}

/* ---- blobs ---- */
static void blob_message(struct dp_bk_rpc *r, const uint8_t *data, size_t n, void *arg)
{
    (void)r;
    struct dp_bk_blob *b = arg;
    Content__ReadResponse *m = content__read_response__unpack(NULL, n, data);
    if (m == NULL)
        b->data.overflow = true;
    else
        depot_buf_add(&b->data, m->data.data, m->data.len);
    content__read_response__free_unpacked(m, NULL);
}

static void blob_done(
    struct dp_bk_rpc *r, const struct dp_grpc_status *st, const struct depot_error *err, void *arg)
{
    (void)r;
    (void)st;
    struct dp_bk_blob *b = arg;
    b->done(b, err == NULL && !b->data.overflow ? &b->data : NULL, b->arg);
}

int dp_bk_blob_start(struct dp_bk_blob *b, struct dp_bk_link *l, const char *digest,
    void (*done)(struct dp_bk_blob *b, const struct depot_buf *data, void *arg), void *arg,
    struct depot_error *err)
{
    static const struct dp_bk_rpc_ops ops = {.message = blob_message, .done = blob_done};
    Content__ReadRequest m = CONTENT__READ_REQUEST__INIT;
    m.digest = (char *)digest;
    b->done = done;
    b->arg = arg;
    depot_buf_init(&b->data, BLOB_MAX);
    dp_bk_rpc_init(&b->rpc, l, DP_BK_CONTENT "Read", &ops, b);
    dp_pb_pack(&b->rpc.request, &m.base);
    return dp_bk_rpc_start(&b->rpc, err);
}

void dp_bk_blob_release(struct dp_bk_blob *b)
{
    dp_bk_rpc_release(&b->rpc);
    depot_buf_release(&b->data);
}
