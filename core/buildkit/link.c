/*
 * Connections to an engine and the RPCs on them. Knows addresses, waiting and reconnecting; not
 * what an RPC says.
 */
#include "buildkit/bk.h"

#include <string.h>

enum {
    REQUEST_MAX = 16 * 1024 * 1024, /* what engines since 0.14 take */
    LINK_WINDOW = 0,                /* the gRPC layer's own choice */
};

/* ---- rpc ---- */
void dp_bk_rpc_init(struct dp_bk_rpc *r, struct dp_bk_link *l, const char *path,
    const struct dp_bk_rpc_ops *ops, void *arg)
{
    *r = (struct dp_bk_rpc){.link = l, .ops = ops, .arg = arg, .path = path};
    depot_buf_init(&r->request, REQUEST_MAX);
}

void dp_bk_rpc_md(struct dp_bk_rpc *r, const char *key, const char *value)
{
    r->md = depot_realloc(r->md, (r->nmd + 1) * sizeof(*r->md));
    r->md[r->nmd++] = (struct dp_grpc_md){
        .key = depot_arena_strdup(&r->arena, key),
        .value = depot_arena_strdup(&r->arena, value),
    };
}

bool dp_bk_rpc_active(const struct dp_bk_rpc *r)
{
    return r->is_waiting || r->call != NULL;
}

static void rpc_unwait(struct dp_bk_rpc *r)
{
    if (r->is_waiting)
        TAILQ_REMOVE(&r->link->waiting, r, entry);
    r->is_waiting = false;
}

void dp_bk_rpc_release(struct dp_bk_rpc *r)
{
    rpc_unwait(r);
    if (r->call != NULL)
        dp_grpc_call_free(r->call);
    r->call = NULL;
    depot_free(r->md);
    r->md = NULL;
    r->nmd = 0;
    depot_arena_release(&r->arena);
    depot_buf_release(&r->request);
}

static void rpc_fail(struct dp_bk_rpc *r, const struct depot_error *err)
{
    struct dp_grpc_status st = {.code = DP_GRPC_UNAVAILABLE, .message = err->msg};
    r->unreachable = true;
    r->ops->done(r, &st, err, r->arg);
}

/* The call's path without its service's package is enough to say what failed. */
/* "cannot <what>: <message of the status>", with the code nearest to the status's. */
static void status_error(const struct dp_grpc_status *st, const char *path, struct depot_error *err)
{
    const char *method = strrchr(path, '/');
    int code = dp_grpc_code_to_err(st->code);
    depot_error_set(err, code, "%s: %s", method != NULL ? method + 1 : path,
        *st->message != '\0' ? st->message : dp_grpc_code_name(st->code));
}

static void link_hint(const struct depot_bk *bk, struct depot_error *err)
{
    if (err->hint[0] != '\0')
        return;
    switch (err->code) {
    case DEPOT_ERR_DENIED:
        depot_error_hint(err, "run as a user who may open %s", bk->addr.text);
        break;
    case DEPOT_ERR_UNAUTHENTICATED:
    case DEPOT_ERR_PROTOCOL:
        depot_error_hint(err, "check the address and the TLS certificates of the engine");
        break;
    default:
        depot_error_hint(err, "check that %s is running and listens at %s",
            bk->addr.docker ? "the Docker Engine" : "buildkitd", bk->addr.text);
    }
}

static void on_message(struct dp_grpc_call *call, const uint8_t *data, size_t n, void *arg)
{
    (void)call;
    struct dp_bk_rpc *r = arg;
    r->ops->message(r, data, n, r->arg);
}

static void on_caught_up(struct dp_grpc_call *call, void *arg)
{
    (void)call;
    struct dp_bk_rpc *r = arg;
    if (r->ops->caught_up != NULL)
        r->ops->caught_up(r, r->arg);
}

static void on_writable(struct dp_grpc_call *call, void *arg)
{
    (void)call;
    struct dp_bk_rpc *r = arg;
    if (r->ops->writable != NULL)
        r->ops->writable(r, r->arg);
}

static void on_done(struct dp_grpc_call *call, const struct dp_grpc_status *st, void *arg)
{
    (void)call;
    struct dp_bk_rpc *r = arg;
    r->call = NULL;
    if (st->code == DP_GRPC_OK) {
        r->ops->done(r, st, NULL, r->arg);
        return;
    }
    struct depot_error err;
    status_error(st, r->path, &err);
    if (st->code == DP_GRPC_UNAVAILABLE)
        link_hint(r->link->bk, &err);
    r->ops->done(r, st, &err, r->arg);
}

static const struct dp_grpc_call_ops grpc_ops = {
    .message = on_message,
    .caught_up = on_caught_up,
    .writable = on_writable,
    .done = on_done,
};

static int rpc_begin(struct dp_bk_rpc *r, struct depot_error *err)
{
    int rc = dp_grpc_call_new(r->link->conn, r->path, r->md, r->nmd, &grpc_ops, r, &r->call, err);
    if (rc < 0)
        return rc;
    if (r->ops->begun != NULL)
        r->ops->begun(r, r->arg);
    if (r->stream_out)
        return 0;
    dp_grpc_send_take(r->call, &r->request);
    dp_grpc_send_end(r->call);
    return 0;
}

/* ---- link ---- */
void dp_bk_link_init(struct dp_bk_link *l, const struct depot_bk *bk)
{
    *l = (struct dp_bk_link){.loop = bk->loop, .bk = bk};
    TAILQ_INIT(&l->waiting);
}

void dp_bk_link_release(struct dp_bk_link *l)
{
    dp_connect_free(l->connect);
    dp_grpc_conn_free(l->conn);
    l->connect = NULL;
    l->conn = NULL;
}

void dp_bk_link_pace(struct dp_bk_link *l, const struct dp_pace_rule *rule)
{
    if (l->pace == rule)
        return;
    l->pace = rule;
    if (l->conn != NULL)
        dp_grpc_conn_pace(l->conn, rule);
}

/*
 * The connection attempt is over: begin what waited for it, or end that. The callbacks may start
 * RPCs, which then wait for the next attempt, and may release any RPC and the link itself; its
 * memory is the client's or a call's and outlives this turn.
 */
static void link_settle(struct dp_bk_link *l, const struct depot_error *failed)
{
    unsigned attempt = l->attempt++;
    struct dp_bk_rpc *r;
    while ((r = TAILQ_FIRST(&l->waiting)) != NULL && r->attempt == attempt) {
        struct depot_error err = {0};
        rpc_unwait(r);
        if (failed != NULL)
            rpc_fail(r, failed);
        else if (rpc_begin(r, &err) < 0)
            rpc_fail(r, &err);
    }
}

static void on_closed(struct dp_grpc_conn *conn, const struct depot_error *err, void *arg)
{
    (void)err; /* the calls on it have been told */
    struct dp_bk_link *l = arg;
    if (l->conn == conn)
        l->conn = NULL;
    dp_grpc_conn_free(conn);
}

static const struct dp_grpc_conn_ops conn_ops = {.closed = on_closed};

static void on_connected(
    struct dp_connect *c, struct dp_stream *stream, const struct depot_error *failed, void *arg)
{
    struct dp_bk_link *l = arg;
    const struct depot_addr *addr = &l->bk->addr;
    struct depot_error err = {0};
    int rc = 0;
    l->connect = NULL;
    if (stream != NULL)
        rc = dp_grpc_client_new_take(l->loop, stream,
            addr->kind == DEPOT_ADDR_TCP ? addr->host : "localhost", LINK_WINDOW, &conn_ops, l,
            &l->conn, &err);
    else
        rc = depot_error_set(&err, failed->code, "%s", failed->msg);
    dp_connect_free(c);
    if (rc == 0) {
        if (l->pace != NULL)
            dp_grpc_conn_pace(l->conn, l->pace);
        link_settle(l, NULL);
        return;
    }
    if (failed != NULL)
        depot_error_hint(&err, "%s", failed->hint);
    depot_error_prefix(&err, "BuildKit engine"); /* the message has the address */
    link_hint(l->bk, &err);
    link_settle(l, &err);
}

static int link_connect(struct dp_bk_link *l, struct depot_error *err)
{
    const struct depot_bk *bk = l->bk;
    struct dp_connect_opts opts = {
        .addr = &bk->addr,
        .tls = &bk->tls,
        .alpn_h2 = true,
        .upgrade = bk->addr.docker ? "/grpc" : NULL,
    };
    return dp_connect(l->loop, &opts, on_connected, l, &l->connect, err);
}

int dp_bk_rpc_start(struct dp_bk_rpc *r, struct depot_error *err)
{
    struct dp_bk_link *l = r->link;
    if (r->request.overflow)
        return depot_error_set(
            err, DEPOT_ERR_TOO_BIG, "the request is larger than %d MiB", REQUEST_MAX / 1024 / 1024);
    if (l->conn != NULL) {
        int rc = rpc_begin(r, err);
        if (rc == 0 || dp_grpc_conn_calls(l->conn) > 0)
            return rc;
        /* The engine is closing this connection in order: take a new one. */
        dp_grpc_conn_free(l->conn);
        l->conn = NULL;
    }
    if (l->connect == NULL && link_connect(l, err) < 0) {
        depot_error_prefix(err, "BuildKit engine");
        return err != NULL ? (int)err->code : DEPOT_ERR_UNAVAILABLE;
    }
    r->attempt = l->attempt;
    r->is_waiting = true;
    TAILQ_INSERT_TAIL(&l->waiting, r, entry);
    return 0;
}
