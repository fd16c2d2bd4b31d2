/*
 * Content/Read: a manifest or the like, from the engine's content store.
 */
#include "buildkit/bk.h"

struct content_call {
    struct depot_bk_call base;
    struct dp_bk_blob blob;
    depot_bk_content_fn *done;
    void *arg;
};

static void content_release(struct depot_bk_call *base)
{
    struct content_call *c = DEPOT_CONTAINER_OF(base, struct content_call, base);
    dp_bk_blob_release(&c->blob);
}

static void on_blob(struct dp_bk_blob *b, const struct depot_buf *data, void *arg)
{
    struct content_call *c = arg;
    DEPOT_UNUSED(b);
    c->done(&c->base, data, c->arg);
}

int depot_bk_content(struct depot_bk *bk, const char *digest, depot_bk_content_fn *done, void *arg,
    struct depot_bk_call **out, struct depot_error *err)
{
    static const struct dp_bk_call_ops ops = {.release = content_release};
    struct content_call *c = dp_bk_call_new(bk, sizeof(*c), &ops);
    c->done = done;
    c->arg = arg;
    int rc = dp_bk_blob_start(&c->blob, &bk->shared, digest, on_blob, c, err);
    if (rc < 0)
        depot_bk_call_free(&c->base);
    else
        *out = &c->base;
    return rc;
}
