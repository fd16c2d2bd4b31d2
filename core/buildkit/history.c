/*
 * ListenBuildHistory: records of builds, whoever started them. Since 0.15 a record's error details
 * are a blob of their own, so a record may wait for its blob while others pass it.
 */
#include "buildkit/bk.h"
#include "buildkit/convert.h"
#include "buildkit/error.h"

/* Blobs read at one time; records beyond that come without their error's details. */
enum { BLOBS_MAX = 64 };

struct waiting_record {
    struct history_call *call;
    Bk__HistoryEvent *event;
    struct dp_bk_blob blob;
    LIST_ENTRY(waiting_record) entry;
};

struct history_call {
    struct depot_bk_call base;
    struct dp_bk_rpc rpc;
    const struct depot_bk_history_ops *ops;
    void *arg;
    LIST_HEAD(, waiting_record) records;
    size_t nrecords;
    bool over, failed; /* the stream ended while records wait */
    struct depot_error err;
};

static void record_free(struct waiting_record *w)
{
    LIST_REMOVE(w, entry);
    w->call->nrecords--;
    dp_bk_blob_release(&w->blob);
    bk__history_event__free_unpacked(w->event, NULL);
    depot_free(w);
}

static void history_release(struct depot_bk_call *base)
{
    struct history_call *c = DEPOT_CONTAINER_OF(base, struct history_call, base);
    struct waiting_record *w;
    dp_bk_rpc_release(&c->rpc);
    while ((w = LIST_FIRST(&c->records)) != NULL)
        record_free(w);
}

static void give(struct history_call *c, const Bk__HistoryEvent *ev, const struct depot_buf *blob)
{
    struct depot_arena arena = {0};
    struct depot_bk_record rec;
    struct depot_build_error error;
    dp_bk_convert_record(ev, &arena, &rec);
    if (ev->record->error != NULL) {
        dp_bk_error_convert(ev->record->error, &arena, &error);
        rec.error = &error;
    }
    if (blob != NULL && dp_bk_error_decode(blob->data, blob->len, &arena, &error) == 0)
        rec.error = &error;
    c->ops->record(&c->base, &rec, c->arg);
    depot_arena_release(&arena);
}

static void finish(struct history_call *c)
{
    if (!c->base.dead && c->over && c->nrecords == 0)
        c->ops->done(&c->base, c->failed ? &c->err : NULL, c->arg);
}

static void on_blob(struct dp_bk_blob *b, const struct depot_buf *data, void *arg)
{
    struct waiting_record *w = arg;
    struct history_call *c = w->call;
    Bk__HistoryEvent *ev = w->event;
    struct depot_buf kept = b->data;
    b->data = (struct depot_buf){0};
    w->event = NULL;
    record_free(w);
    give(c, ev, data != NULL ? &kept : NULL);
    bk__history_event__free_unpacked(ev, NULL);
    depot_buf_release(&kept);
    finish(c);
}

/* True when the record waits for its blob and keeps the event. */
static bool wait_for_blob(struct history_call *c, Bk__HistoryEvent *ev)
{
    const Bk__Descriptor *d = ev->record->external_error;
    if (d == NULL || depot_str_empty(d->digest) || c->nrecords == BLOBS_MAX)
        return false;
    struct waiting_record *w = depot_calloc(1, sizeof(*w));
    w->call = c;
    w->event = ev;
    LIST_INSERT_HEAD(&c->records, w, entry);
    c->nrecords++;
    if (dp_bk_blob_start(&w->blob, c->rpc.link, d->digest, on_blob, w, NULL) == 0)
        return true;
    w->event = NULL;
    record_free(w);
    return false;
}

static void on_message(struct dp_bk_rpc *r, const uint8_t *data, size_t n, void *arg)
{
    struct history_call *c = arg;
    Bk__HistoryEvent *ev = bk__history_event__unpack(NULL, n, data);
    if (ev == NULL) {
        struct depot_error err;
        depot_error_set(&err, DEPOT_ERR_PROTOCOL, "malformed history record");
        dp_bk_rpc_release(r);
        c->ops->done(&c->base, &err, c->arg);
        return;
    }
    if (ev->record == NULL) {
        bk__history_event__free_unpacked(ev, NULL);
        return;
    }
    if (wait_for_blob(c, ev))
        return;
    give(c, ev, NULL);
    bk__history_event__free_unpacked(ev, NULL);
}

static void on_done(
    struct dp_bk_rpc *r, const struct dp_grpc_status *st, const struct depot_error *err, void *arg)
{
    (void)r;
    (void)st;
    struct history_call *c = arg;
    c->over = true;
    c->failed = err != NULL;
    if (err != NULL)
        c->err = *err;
    finish(c);
}

int depot_bk_history(struct depot_bk *bk, const char *ref, bool active_only, bool early_exit,
    const struct depot_bk_history_ops *ops, void *arg, struct depot_bk_call **out,
    struct depot_error *err)
{
    static const struct dp_bk_call_ops call_ops = {.release = history_release};
    static const struct dp_bk_rpc_ops rpc_ops = {.message = on_message, .done = on_done};
    Bk__HistoryRequest m = BK__HISTORY_REQUEST__INIT;
    struct history_call *c = dp_bk_call_new(bk, sizeof(*c), &call_ops);
    c->ops = ops;
    c->arg = arg;
    LIST_INIT(&c->records);
    if (ref != NULL)
        m.ref = (char *)ref;
    m.active_only = active_only;
    m.early_exit = early_exit;
    dp_bk_rpc_init(&c->rpc, &bk->shared, DP_BK_CONTROL "ListenBuildHistory", &rpc_ops, c);
    dp_pb_pack(&c->rpc.request, &m.base);
    int rc = dp_bk_rpc_start(&c->rpc, err);
    if (rc < 0)
        depot_bk_call_free(&c->base);
    else
        *out = &c->base;
    return rc;
}
