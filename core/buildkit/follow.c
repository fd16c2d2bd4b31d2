/*
 * Calls that are one RPC and end with it: progress of a build, disk usage, prune.
 */
#include "buildkit/bk.h"
#include "buildkit/convert.h"
#include "buildkit/status.h"
#include "net/pace.h"

#include "control.pb-c.h"

/* ---- status ---- */
/*
 * On a connection of its own, which is read by the clock. What comes at one turn is told as one
 * status: messages of protobuf set end to end are one message, with the records of all of them in
 * their order. A status counts its vertexes as told before the rest, so a message with vertexes
 * does not join one that has more than vertexes.
 */
enum { TOGETHER_MAX = 48 * 1024 };

struct status_call {
    struct depot_bk_call base;
    struct dp_bk_link link;
    struct dp_bk_rpc rpc;
    struct depot_buf together;
    int kinds; /* DP_STATUS_*, of what is in there */
    const struct depot_bk_status_ops *ops;
    void *arg;
};

static struct status_call *status_of(struct depot_bk_call *base)
{
    return DEPOT_CONTAINER_OF(base, struct status_call, base);
}

static void status_release(struct depot_bk_call *base)
{
    struct status_call *c = status_of(base);
    dp_bk_rpc_release(&c->rpc);
    dp_bk_link_release(&c->link);
}

static void status_destroy(struct depot_bk_call *base)
{
    depot_buf_release(&status_of(base)->together);
}

static void status_tell(struct status_call *c, const void *data, size_t n)
{
    struct depot_arena arena = {0};
    struct depot_status st;
    struct depot_error err;
    if (dp_bk_status_decode(data, n, &arena, &st, &err) == 0) {
        c->ops->status(&c->base, &st, c->arg);
    } else {
        dp_bk_rpc_release(&c->rpc);
        c->ops->done(&c->base, &err, c->arg);
    }
    depot_arena_release(&arena);
}

static void status_flush(struct status_call *c)
{
    if (c->together.len == 0)
        return;
    status_tell(c, c->together.data, c->together.len);
    depot_buf_clear(&c->together);
    c->kinds = 0;
}

static bool status_joins(const struct status_call *c, int kinds, size_t n)
{
    if (kinds < 0 || c->together.len + n > TOGETHER_MAX)
        return false;
    return !(kinds & DP_STATUS_VERTEXES) || !(c->kinds & DP_STATUS_OTHERS);
}

static void status_message(struct dp_bk_rpc *r, const uint8_t *data, size_t n, void *arg)
{
    (void)r;
    struct status_call *c = arg;
    const int kinds = dp_bk_status_kinds(data, n);
    if (!status_joins(c, kinds, n))
        status_flush(c);
    if (!dp_bk_rpc_active(&c->rpc))
        return;
    if (kinds < 0 || n > TOGETHER_MAX) {
        status_tell(c, data, n);
        return;
    }
    depot_buf_add(&c->together, data, n);
    c->kinds |= kinds;
}

static void status_caught_up(struct dp_bk_rpc *r, void *arg)
{
    (void)r;
    status_flush(arg);
}

static void status_done(
    struct dp_bk_rpc *r, const struct dp_grpc_status *st, const struct depot_error *err, void *arg)
{
    (void)r;
    (void)st;
    struct status_call *c = arg;
    c->ops->done(&c->base, err, c->arg);
}

int depot_bk_status(struct depot_bk *bk, const char *ref, const struct depot_bk_status_ops *ops,
    void *arg, struct depot_bk_call **out, struct depot_error *err)
{
    static const struct dp_bk_call_ops call_ops = {
        .release = status_release, .destroy = status_destroy};
    static const struct dp_bk_rpc_ops rpc_ops = {
        .message = status_message, .caught_up = status_caught_up, .done = status_done};
    Bk__StatusRequest m = BK__STATUS_REQUEST__INIT;
    struct status_call *c = dp_bk_call_new(bk, sizeof(*c), &call_ops);
    m.ref = (char *)ref;
    c->ops = ops;
    c->arg = arg;
    depot_buf_init(&c->together, TOGETHER_MAX);
    dp_bk_link_init(&c->link, bk);
    dp_bk_link_pace(&c->link, &dp_pace_progress);
    dp_bk_rpc_init(&c->rpc, &c->link, DP_BK_CONTROL "Status", &rpc_ops, c);
    dp_pb_pack(&c->rpc.request, &m.base);
    int rc = dp_bk_rpc_start(&c->rpc, err);
    if (rc < 0)
        depot_bk_call_free(&c->base);
    else
        *out = &c->base;
    return rc;
}

void depot_bk_status_hurry(struct depot_bk_call *c)
{
    if (c != NULL)
        dp_bk_link_pace(&status_of(c)->link, NULL);
}

/* ---- cache ---- */
struct usage_call {
    struct depot_bk_call base;
    struct dp_bk_rpc rpc;
    const struct depot_bk_usage_ops *ops;
    void *arg;
};

static void usage_release(struct depot_bk_call *base)
{
    struct usage_call *c = DEPOT_CONTAINER_OF(base, struct usage_call, base);
    dp_bk_rpc_release(&c->rpc);
}

static void usage_give(struct usage_call *c, const Bk__UsageRecord *m)
{
    struct depot_bk_usage u = {
        .id = m->id,
        .description = m->description,
        .type = m->record_type,
        .size = m->size,
        .created = dp_bk_time(m->created_at),
        .last_used = dp_bk_time(m->last_used_at),
        .usage_count = m->usage_count,
        .in_use = m->in_use,
        .is_shared = m->shared,
        .is_mutable = m->is_mutable,
    };
    c->ops->usage(&c->base, &u, c->arg);
}

static void usage_malformed(struct usage_call *c)
{
    struct depot_error err;
    depot_error_set(&err, DEPOT_ERR_PROTOCOL, "malformed cache record");
    dp_bk_rpc_release(&c->rpc);
    c->ops->done(&c->base, &err, c->arg);
}

static void usage_list(struct dp_bk_rpc *r, const uint8_t *data, size_t n, void *arg)
{
    (void)r;
    struct usage_call *c = arg;
    Bk__DiskUsageResponse *m = bk__disk_usage_response__unpack(NULL, n, data);
    if (m == NULL) {
        usage_malformed(c);
        return;
    }
    for (size_t i = 0; i < m->n_record && !c->base.dead; i++)
        usage_give(c, m->record[i]);
    bk__disk_usage_response__free_unpacked(m, NULL);
}

static void usage_one(struct dp_bk_rpc *r, const uint8_t *data, size_t n, void *arg)
{
    (void)r;
    struct usage_call *c = arg;
    Bk__UsageRecord *m = bk__usage_record__unpack(NULL, n, data);
    if (m != NULL)
        usage_give(c, m);
    else
        usage_malformed(c);
    bk__usage_record__free_unpacked(m, NULL);
}

static void usage_done(
    struct dp_bk_rpc *r, const struct dp_grpc_status *st, const struct depot_error *err, void *arg)
{
    (void)r;
    (void)st;
    struct usage_call *c = arg;
    c->ops->done(&c->base, err, c->arg);
}

static int usage_start(struct depot_bk *bk, const char *path, const ProtobufCMessage *request,
    const struct dp_bk_rpc_ops *rpc_ops, const struct depot_bk_usage_ops *ops, void *arg,
    struct depot_bk_call **out, struct depot_error *err)
{
    static const struct dp_bk_call_ops call_ops = {.release = usage_release};
    struct usage_call *c = dp_bk_call_new(bk, sizeof(*c), &call_ops);
    c->ops = ops;
    c->arg = arg;
    dp_bk_rpc_init(&c->rpc, &bk->shared, path, rpc_ops, c);
    dp_pb_pack(&c->rpc.request, request);
    int rc = dp_bk_rpc_start(&c->rpc, err);
    if (rc < 0)
        depot_bk_call_free(&c->base);
    else
        *out = &c->base;
    return rc;
}

int depot_bk_disk_usage(struct depot_bk *bk, const struct depot_bk_usage_ops *ops, void *arg,
    struct depot_bk_call **out, struct depot_error *err)
{
    static const struct dp_bk_rpc_ops rpc_ops = {.message = usage_list, .done = usage_done};
    Bk__DiskUsageRequest m = BK__DISK_USAGE_REQUEST__INIT;
    return usage_start(bk, DP_BK_CONTROL "DiskUsage", &m.base, &rpc_ops, ops, arg, out, err);
}

int depot_bk_prune(struct depot_bk *bk, bool all, int64_t keep_bytes, int64_t keep_ns,
    const struct depot_bk_usage_ops *ops, void *arg, struct depot_bk_call **out,
    struct depot_error *err)
{
    static const struct dp_bk_rpc_ops rpc_ops = {.message = usage_one, .done = usage_done};
    Bk__PruneRequest m = BK__PRUNE_REQUEST__INIT;
    m.all = all;
    m.keep_duration = keep_ns;
    m.reserved_space = keep_bytes; /* the same field as keepBytes of older engines */
    return usage_start(bk, DP_BK_CONTROL "Prune", &m.base, &rpc_ops, ops, arg, out, err);
}
