/*
 * What an engine is and can do: workers, version, whether it keeps a history, and the capabilities
 * that only a gateway build may ask for. All questions go out at once.
 */
#include "buildkit/bk.h"
#include "buildkit/convert.h"

#include "gateway.pb-c.h"

#include <string.h>

enum {
    CAPS_MS = 5000,  /* for the questions that an engine may leave open */
    LATE_MS = 15000, /* more for the list of workers; connecting has its own limit within */
    REF_LEN = 25,
};

/* The questions. RETURN ends the dummy build that PING needs; SOLVE is that build. */
enum question { WORKERS, INFO, HISTORY, SOLVE, PING, RETURN, QUESTION_COUNT };

struct probe_call {
    struct depot_bk_call base;
    struct dp_bk_rpc rpcs[QUESTION_COUNT];
    depot_bk_info_fn *done;
    void *arg;
    struct depot_timer *timer;
    struct depot_arena arena;
    struct depot_bk_info info;
    char *info_version; /* from Info, which knows better than a worker's record */
    bool malformed;
    bool is_late;
    char ref[REF_LEN + 1];
};

static enum question question_of(const struct probe_call *c, const struct dp_bk_rpc *r)
{
    return (enum question)(r - c->rpcs);
}

static void stop(struct probe_call *c)
{
    for (int i = 0; i < QUESTION_COUNT; i++)
        dp_bk_rpc_release(&c->rpcs[i]);
    depot_timer_free(c->timer);
    c->timer = NULL;
}

static void probe_release(struct depot_bk_call *base)
{
    struct probe_call *c = DEPOT_CONTAINER_OF(base, struct probe_call, base);
    stop(c);
}

static void probe_destroy(struct depot_bk_call *base)
{
    struct probe_call *c = DEPOT_CONTAINER_OF(base, struct probe_call, base);
    depot_free(c->info_version);
    depot_arena_release(&c->arena);
}

static void finish(struct probe_call *c, const struct depot_error *err)
{
    stop(c);
    if (!depot_str_empty(c->info_version))
        c->info.version = c->info_version;
    if (depot_str_empty(c->info.version))
        c->info.version = "unknown";
    c->done(&c->base, err == NULL ? &c->info : NULL, err, c->arg);
}

static void finish_when_answered(struct probe_call *c)
{
    for (int i = 0; i < QUESTION_COUNT; i++) {
        if (dp_bk_rpc_active(&c->rpcs[i]))
            return;
    }
    finish(c, NULL);
}

/* ---- answers ---- */
static bool read_workers(struct probe_call *c, const uint8_t *data, size_t n)
{
    Bk__ListWorkersResponse *m = bk__list_workers_response__unpack(NULL, n, data);
    if (m == NULL)
        return false;
    dp_bk_add_workers(m, c->base.bk->addr.docker, &c->arena, &c->info);
    bk__list_workers_response__free_unpacked(m, NULL);
    return true;
}

static bool read_info(struct probe_call *c, const uint8_t *data, size_t n)
{
    Bk__InfoResponse *m = bk__info_response__unpack(NULL, n, data);
    if (m == NULL)
        return false;
    depot_free(c->info_version);
    c->info_version = m->version != NULL ? depot_strdup(m->version->version) : NULL;
    bk__info_response__free_unpacked(m, NULL);
    return true;
}

static const struct {
    const char *id;
    unsigned cap;
} cap_rows[] = {
    {"exporter.multiple", DEPOT_BK_CAP_MULTI_EXPORTER},
    {"exporter.image.attestations", DEPOT_BK_CAP_ATTESTATIONS},
    {"source.policy", DEPOT_BK_CAP_SOURCE_POLICY},
};

static void read_caps(struct probe_call *c, Gateway__ApiCap **caps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < DEPOT_ARRAY_LEN(cap_rows); j++) {
            if (caps[i]->enabled && depot_str_eq(caps[i]->id, cap_rows[j].id))
                c->info.caps |= cap_rows[j].cap;
        }
    }
}

static bool read_pong(struct probe_call *c, const uint8_t *data, size_t n)
{
    Gateway__PongResponse *m = gateway__pong_response__unpack(NULL, n, data);
    if (m == NULL)
        return false;
    read_caps(c, m->frontend_caps, m->n_frontend_caps);
    read_caps(c, m->llb_caps, m->n_llb_caps);
    gateway__pong_response__free_unpacked(m, NULL);
    return true;
}

static void on_message(struct dp_bk_rpc *r, const uint8_t *data, size_t n, void *arg)
{
    struct probe_call *c = arg;
    bool ok = true;
    switch (question_of(c, r)) {
    case WORKERS:
        ok = read_workers(c, data, n);
        break;
    case INFO:
        ok = read_info(c, data, n);
        break;
    case PING:
        ok = read_pong(c, data, n);
        break;
    default:
        break;
    }
    c->malformed |= !ok;
}

/* ---- questions ---- */
static int ask(struct probe_call *c, enum question q, struct depot_error *err) DEPOT_MUST_CHECK;

static void on_done(
    struct dp_bk_rpc *r, const struct dp_grpc_status *st, const struct depot_error *err, void *arg)
{
    struct probe_call *c = arg;
    struct depot_error bad;
    switch (question_of(c, r)) {
    case WORKERS:
        if (err == NULL && c->malformed) {
            depot_error_set(&bad, DEPOT_ERR_PROTOCOL, "malformed list of workers");
            err = &bad;
        }
        if (err != NULL) {
            finish(c, err);
            return;
        }
        break;
    case HISTORY:
        /* Any answer but these comes from code that is there. */
        if (st->code != DP_GRPC_UNIMPLEMENTED && st->code != DP_GRPC_UNAVAILABLE)
            c->info.caps |= DEPOT_BK_CAP_HISTORY;
        break;
    case PING:
        /* Without a Return the dummy build would stay open; ending it is enough of an answer. */
        if (err != NULL || ask(c, RETURN, NULL) < 0)
            dp_bk_rpc_release(&c->rpcs[SOLVE]);
        break;
    case RETURN:
        if (err != NULL)
            dp_bk_rpc_release(&c->rpcs[SOLVE]);
        break;
    case SOLVE: /* refused at once, or ended by RETURN */
        dp_bk_rpc_release(&c->rpcs[PING]);
        dp_bk_rpc_release(&c->rpcs[RETURN]);
        break;
    default:
        break;
    }
    finish_when_answered(c);
}

static void on_timeout(struct depot_timer *t, void *arg)
{
    struct probe_call *c = arg;
    if (c->is_late) {
        struct depot_error err;
        depot_error_set(
            &err, DEPOT_ERR_TIMEOUT, "BuildKit engine %s does not answer", c->base.bk->addr.text);
        finish(c, &err);
        return;
    }
    c->is_late = true;
    depot_timer_start(t, LATE_MS, 0);
    for (int i = INFO; i < QUESTION_COUNT; i++)
        dp_bk_rpc_release(&c->rpcs[i]);
    finish_when_answered(c);
}

static void pack_question(struct probe_call *c, enum question q, struct depot_buf *to)
{
    struct depot_bk_solve solve = {.ref = c->ref, .internal = true};
    Bk__HistoryRequest history = BK__HISTORY_REQUEST__INIT;
    switch (q) {
    case HISTORY: /* a reference that is none: the engine has nothing to tell, and ends at once */
        history.active_only = history.early_exit = true;
        history.ref = c->ref;
        dp_pb_pack(to, &history.base);
        break;
    case SOLVE:
        dp_bk_pack_solve(&solve, to);
        break;
    case RETURN: {
        Gateway__ReturnRequest ret = GATEWAY__RETURN_REQUEST__INIT;
        Gateway__Result result = GATEWAY__RESULT__INIT;
        Gateway__Ref ref = GATEWAY__REF__INIT;
        result.ref = &ref;
        ret.result = &result;
        dp_pb_pack(to, &ret.base);
        break;
    }
    default: /* the others are empty */
        break;
    }
}

static int ask(struct probe_call *c, enum question q, struct depot_error *err)
{
    static const struct dp_bk_rpc_ops ops = {.message = on_message, .done = on_done};
    static const char *const paths[QUESTION_COUNT] = {
        [WORKERS] = DP_BK_CONTROL "ListWorkers",
        [INFO] = DP_BK_CONTROL "Info",
        [HISTORY] = DP_BK_CONTROL "ListenBuildHistory",
        [SOLVE] = DP_BK_CONTROL "Solve",
        [PING] = DP_BK_BRIDGE "Ping",
        [RETURN] = DP_BK_BRIDGE "Return",
    };
    struct dp_bk_rpc *r = &c->rpcs[q];
    dp_bk_rpc_init(r, &c->base.bk->shared, paths[q], &ops, c);
    if (q == PING || q == RETURN)
        dp_bk_rpc_md(r, "buildkit-controlapi-buildid", c->ref);
    pack_question(c, q, &r->request);
    return dp_bk_rpc_start(r, err);
}

int depot_bk_probe(struct depot_bk *bk, depot_bk_info_fn *done, void *arg,
    struct depot_bk_call **out, struct depot_error *err)
{
    static const struct dp_bk_call_ops call_ops = {
        .release = probe_release, .destroy = probe_destroy};
    struct probe_call *c = dp_bk_call_new(bk, sizeof(*c), &call_ops);
    c->done = done;
    c->arg = arg;
    depot_random_id(c->ref, REF_LEN);
    for (enum question q = WORKERS; q < RETURN; q++) {
        int rc = ask(c, q, err);
        if (rc < 0) {
            depot_bk_call_free(&c->base);
            return rc;
        }
    }
    c->timer = depot_timer_new(bk->loop, on_timeout, c);
    depot_timer_start(c->timer, CAPS_MS, 0);
    *out = &c->base;
    return 0;
}
