/*
 * Solve: one build, on a connection of its own. When it failed and the details did not come with
 * the answer (they may be too large for a header), they are looked up in the build's record.
 */
#include "buildkit/bk.h"
#include "buildkit/convert.h"
#include "buildkit/error.h"

enum { LOOKUP_MS = 5000 };

struct solve_call {
    struct depot_bk_call base;
    struct dp_bk_link link;
    struct dp_bk_rpc rpc;
    depot_bk_solve_fn *done;
    void *arg;
    char *ref;
    Bk__SolveResponse *response;
    struct depot_arena arena; /* of `error` */
    struct depot_build_error error;
    struct depot_bk_call *lookup;
    struct depot_timer *timer;
};

static void stop_lookup(struct solve_call *c)
{
    depot_bk_call_free(c->lookup);
    depot_timer_free(c->timer);
    c->lookup = NULL;
    c->timer = NULL;
}

static void solve_release(struct depot_bk_call *base)
{
    struct solve_call *c = DEPOT_CONTAINER_OF(base, struct solve_call, base);
    stop_lookup(c);
    dp_bk_rpc_release(&c->rpc);
    dp_bk_link_release(&c->link);
}

static void solve_destroy(struct depot_bk_call *base)
{
    struct solve_call *c = DEPOT_CONTAINER_OF(base, struct solve_call, base);
    bk__solve_response__free_unpacked(c->response, NULL);
    depot_arena_release(&c->arena);
    depot_free(c->ref);
}

static void fail(struct solve_call *c, const struct depot_build_error *error)
{
    struct depot_bk_result res = {.error = error};
    stop_lookup(c);
    c->done(&c->base, &res, c->arg);
}

static void succeed(struct solve_call *c)
{
    struct depot_arena arena = {0};
    Bk__SolveResponse *m = c->response;
    struct depot_bk_result res = {
        .response = dp_bk_pairs(&arena, m->exporter_response, m->n_exporter_response),
        .nresponse = m->n_exporter_response,
    };
    c->response = NULL;
    c->done(&c->base, &res, c->arg);
    bk__solve_response__free_unpacked(m, NULL);
    depot_arena_release(&arena);
}

/* ---- details from the record ---- */
static void lookup_record(struct depot_bk_call *call, const struct depot_bk_record *rec, void *arg)
{
    (void)call;
    if (rec->kind == DEPOT_BK_COMPLETE && rec->error != NULL)
        fail(arg, rec->error);
}

static void lookup_done(struct depot_bk_call *call, const struct depot_error *err, void *arg)
{
    (void)call;
    (void)err; /* no history, no record: what Solve said must do */
    struct solve_call *c = arg;
    fail(c, &c->error);
}

static void lookup_timeout(struct depot_timer *t, void *arg)
{
    (void)t;
    struct solve_call *c = arg;
    fail(c, &c->error);
}

static bool start_lookup(struct solve_call *c)
{
    static const struct depot_bk_history_ops ops = {.record = lookup_record, .done = lookup_done};
    if (depot_bk_history(c->base.bk, c->ref, false, true, &ops, c, &c->lookup, NULL) < 0)
        return false;
    c->timer = depot_timer_new(c->base.loop, lookup_timeout, c);
    depot_timer_start(c->timer, LOOKUP_MS, 0);
    return true;
}

/* Whether a build's own failure may stand behind this status. */
static bool worth_lookup(const struct dp_grpc_status *st)
{
    switch (st->code) {
    case DP_GRPC_CANCELLED:
    case DP_GRPC_UNAUTHENTICATED:
    case DP_GRPC_PERMISSION_DENIED:
    case DP_GRPC_UNIMPLEMENTED:
        return false;
    default:
        return st->details == NULL;
    }
}

/* ---- the call ---- */
static void on_message(struct dp_bk_rpc *r, const uint8_t *data, size_t n, void *arg)
{
    (void)r;
    struct solve_call *c = arg;
    bk__solve_response__free_unpacked(c->response, NULL);
    c->response = bk__solve_response__unpack(NULL, n, data);
}

static void set_error(
    struct solve_call *c, const struct dp_grpc_status *st, const struct depot_error *err)
{
    struct depot_build_error told = {0};
    if (st->details != NULL &&
        dp_bk_error_decode(st->details, st->details_len, &c->arena, &told) == 0)
        c->error = told;
    const char *message = *st->message != '\0' ? st->message : dp_grpc_code_name(st->code);
    c->error.code = st->code;
    if (c->rpc.unreachable && err->hint[0] != '\0') {
        char *whole = depot_asprintf("%s (%s)", message, err->hint);
        c->error.message = depot_arena_strdup(&c->arena, whole);
        depot_free(whole);
    } else {
        c->error.message = depot_arena_strdup(&c->arena, message);
    }
}

static void on_done(
    struct dp_bk_rpc *r, const struct dp_grpc_status *st, const struct depot_error *err, void *arg)
{
    struct solve_call *c = arg;
    if (err == NULL && c->response != NULL) {
        succeed(c);
        return;
    }
    if (err == NULL) {
        c->error = (struct depot_build_error){
            .code = DP_GRPC_INTERNAL, .message = "malformed answer to Solve"};
        fail(c, &c->error);
        return;
    }
    set_error(c, st, err);
    if (r->unreachable || !worth_lookup(st) || !start_lookup(c))
        fail(c, &c->error);
}

int depot_bk_solve(struct depot_bk *bk, const struct depot_bk_solve *req, depot_bk_solve_fn *done,
    void *arg, struct depot_bk_call **out, struct depot_error *err)
{
    static const struct dp_bk_call_ops call_ops = {
        .release = solve_release, .destroy = solve_destroy};
    static const struct dp_bk_rpc_ops rpc_ops = {.message = on_message, .done = on_done};
    struct solve_call *c = dp_bk_call_new(bk, sizeof(*c), &call_ops);
    c->done = done;
    c->arg = arg;
    c->ref = depot_strdup(req->ref);
    dp_bk_link_init(&c->link, bk);
    dp_bk_rpc_init(&c->rpc, &c->link, DP_BK_CONTROL "Solve", &rpc_ops, c);
    dp_bk_pack_solve(req, &c->rpc.request);
    int rc = dp_bk_rpc_start(&c->rpc, err);
    if (rc < 0)
        depot_bk_call_free(&c->base);
    else
        *out = &c->base;
    return rc;
}
