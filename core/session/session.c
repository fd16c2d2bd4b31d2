/*
 * The session itself: which methods are served, the calls in progress, and how the owner is told.
 * What each method does is in its own file.
 */
#include "session/internal.h"

#include <string.h>

/* ---- methods ---- */

static bool has_dirs(const struct dp_session_config *cfg)
{
    return cfg->ndirs > 0 || cfg->dockerfile_data != NULL;
}

static bool has_outputs(const struct dp_session_config *cfg)
{
    for (size_t i = 0; i < cfg->noutputs; i++) {
        if (cfg->outputs[i].kind != DP_OUTPUT_NONE)
            return true;
    }
    return false;
}

static bool has_secrets(const struct dp_session_config *cfg)
{
    return cfg->nsecrets > 0;
}

static bool has_ssh(const struct dp_session_config *cfg)
{
    return cfg->ssh != NULL && cfg->ssh->len > 0;
}

static bool has_upload(const struct dp_session_config *cfg)
{
    return cfg->upload_id != NULL;
}

static bool has_stores(const struct dp_session_config *cfg)
{
    return cfg->nstores > 0;
}

enum { METHOD_COUNT = 14 };
static const struct dp_grpc_method methods[METHOD_COUNT] = {
    {"/grpc.health.v1.Health/Check", dp_session_open_health_check},
    {"/grpc.health.v1.Health/Watch", dp_session_open_health_watch},
    {"/moby.filesync.v1.FileSync/DiffCopy", dp_session_open_filesync},
    {"/moby.filesync.v1.FileSend/DiffCopy", dp_session_open_filesend},
    {"/moby.filesync.v1.Auth/Credentials", dp_session_open_credentials},
    {"/moby.buildkit.secrets.v1.Secrets/GetSecret", dp_session_open_secret},
    {"/moby.sshforward.v1.SSH/CheckAgent", dp_session_open_ssh_check},
    {"/moby.sshforward.v1.SSH/ForwardAgent", dp_session_open_ssh_forward},
    {"/moby.upload.v1.Upload/Pull", dp_session_open_upload},
    {"/containerd.services.content.v1.Content/Info", dp_session_open_content_info},
    {"/containerd.services.content.v1.Content/Read", dp_session_open_content_read},
    {"/containerd.services.content.v1.Content/Write", dp_session_open_content_write},
    {"/containerd.services.content.v1.Content/Status", dp_session_open_content_status},
    {"/containerd.services.content.v1.Content/Abort", dp_session_open_content_abort},
};
/* What an engine is told of; the same order. An engine does not call what it was not told of. */
static bool (*const offered[METHOD_COUNT])(const struct dp_session_config *) = {
    NULL,
    NULL,
    has_dirs,
    has_outputs,
    NULL,
    has_secrets,
    has_ssh,
    has_ssh,
    has_upload,
    has_stores,
    has_stores,
    has_stores,
    has_stores,
    has_stores,
};

void dp_session_methods(const struct dp_session_config *cfg, struct depot_strv *out)
{
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        if (offered[i] == NULL || offered[i](cfg))
            depot_strv_push(out, methods[i].path);
    }
}

/* ---- telling the owner ---- */

enum event_kind { EVENT_PROBLEM, EVENT_CONTEXT, EVENT_WRITTEN, EVENT_CLOSED };

struct dp_session_event {
    enum event_kind kind;
    bool failed;
    struct depot_error err;
    char *mount;
    struct dp_session_context ctx;
    TAILQ_ENTRY(dp_session_event) link;
};

static void turn(void *arg);

static void turn_soon(struct dp_session *s)
{
    if (s->turn_pending || s->dead)
        return;
    s->turn_pending = true;
    depot_loop_defer(s->loop, turn, s);
}

static struct dp_session_event *event_add(struct dp_session *s, enum event_kind kind)
{
    struct dp_session_event *e = depot_calloc(1, sizeof(*e));
    e->kind = kind;
    TAILQ_INSERT_TAIL(&s->events, e, link);
    turn_soon(s);
    return e;
}

void dp_session_context_release(struct dp_session_context *ctx)
{
    depot_strv_release(&ctx->changed);
    *ctx = (struct dp_session_context){0};
}

static void event_free(struct dp_session_event *e)
{
    depot_free(e->mount);
    dp_session_context_release(&e->ctx);
    depot_free(e);
}

void dp_session_problem(struct dp_session *s, const struct depot_error *err)
{
    if (!s->dead)
        event_add(s, EVENT_PROBLEM)->err = *err;
}

void dp_session_context_take(
    struct dp_session *s, const char *mount, struct dp_session_context *take)
{
    if (s->dead) {
        dp_session_context_release(take);
        return;
    }
    struct dp_session_event *e = event_add(s, EVENT_CONTEXT);
    e->mount = depot_strdup(mount);
    e->ctx = *take;
    *take = (struct dp_session_context){0};
}

static void on_closed(struct dp_grpc_conn *c, const struct depot_error *err, void *arg)
{
    DEPOT_UNUSED(c);
    struct dp_session_event *e = event_add(arg, EVENT_CLOSED);
    e->failed = err != NULL;
    if (err != NULL)
        e->err = *err;
}

static void deliver(struct dp_session *s, struct dp_session_event *e)
{
    const struct dp_session_ops *ops = s->ops;
    switch (e->kind) {
    case EVENT_PROBLEM:
        if (ops->problem != NULL)
            ops->problem(s, &e->err, s->arg);
        break;
    case EVENT_CONTEXT:
        if (ops->context != NULL)
            ops->context(s, e->mount, &e->ctx, s->arg);
        break;
    case EVENT_WRITTEN:
        if (ops->written != NULL)
            ops->written(s, s->arg);
        break;
    case EVENT_CLOSED:
        if (ops->closed != NULL)
            ops->closed(s, e->failed ? &e->err : NULL, s->arg);
        break;
    }
}

/* Calls that were woken up to now; one woken meanwhile waits for the next turn. */
static void pump_calls(struct dp_session *s)
{
    struct dp_scall *c;
    TAILQ_FOREACH (c, &s->calls, link) {
        c->due = c->wake;
        c->wake = false;
    }
    for (c = TAILQ_FIRST(&s->calls); c != NULL;) {
        struct dp_scall *next = TAILQ_NEXT(c, link);
        if (c->due && c->ops->pump != NULL) {
            c->due = false;
            c->ops->pump(c);
        }
        c = next;
    }
}

static void turn(void *arg)
{
    struct dp_session *s = arg;
    struct dp_session_event *e;
    s->turn_pending = false;
    s->in_turn = true;
    if (!s->dead)
        pump_calls(s);
    while (!s->dead && (e = TAILQ_FIRST(&s->events)) != NULL) {
        TAILQ_REMOVE(&s->events, e, link);
        deliver(s, e);
        event_free(e);
    }
    s->in_turn = false;
    if (s->dead && !s->turn_pending)
        depot_free(s);
}

/* ---- calls ---- */

void dp_scall_init(struct dp_scall *c, const struct dp_scall_ops *ops, struct dp_session *s,
    struct dp_grpc_call *call)
{
    c->ops = ops;
    c->s = s;
    c->call = call;
    TAILQ_INSERT_TAIL(&s->calls, c, link);
}

void dp_scall_wake(struct dp_scall *c)
{
    c->wake = true;
    turn_soon(c->s);
}

void dp_scall_written(struct dp_scall *c)
{
    if (!c->writes_output)
        return;
    c->writes_output = false;
    if (!c->s->dead)
        event_add(c->s, EVENT_WRITTEN);
}

void dp_scall_end(struct dp_scall *c)
{
    dp_scall_written(c);
    TAILQ_REMOVE(&c->s->calls, c, link);
    c->ops->free(c);
}

size_t dp_session_busy(const struct dp_session *s)
{
    size_t n = 0;
    const struct dp_scall *c;
    TAILQ_FOREACH (c, &s->calls, link)
        n += c->writes_output;
    return n;
}

void dp_session_output_drained(struct dp_session *s, size_t index)
{
    struct dp_scall *c;
    TAILQ_FOREACH (c, &s->calls, link)
        dp_session_output_resume(c, index);
}

/* ---- calls of one request and one answer ---- */

struct unary {
    struct dp_scall base;
    dp_unary_fn *fn;
    struct depot_buf request;
    bool answered;
};

/* Names of secrets and hosts: nothing here is longer. */
enum { UNARY_MAX = 64 * 1024 };

static void on_unary_message(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    struct unary *u = arg;
    DEPOT_UNUSED(c);
    depot_buf_clear(&u->request);
    depot_buf_add(&u->request, data, n);
}

static void on_unary_half_closed(struct dp_grpc_call *c, void *arg)
{
    struct unary *u = arg;
    if (u->answered)
        return;
    u->answered = true;
    if (u->request.overflow)
        dp_grpc_respond(c, DP_GRPC_RESOURCE_EXHAUSTED, "request too long");
    else
        u->fn(u->base.s, c, (const uint8_t *)depot_buf_str(&u->request), u->request.len);
}

static void on_unary_done(struct dp_grpc_call *c, const struct dp_grpc_status *st, void *arg)
{
    DEPOT_UNUSED(c);
    DEPOT_UNUSED(st);
    dp_scall_end(arg);
}

static void unary_free(struct dp_scall *c)
{
    struct unary *u = DEPOT_CONTAINER_OF(c, struct unary, base);
    depot_buf_release(&u->request);
    depot_free(u);
}

static const struct dp_scall_ops unary_scall_ops = {.free = unary_free};
static const struct dp_grpc_call_ops unary_ops = {
    .message = on_unary_message,
    .half_closed = on_unary_half_closed,
    .done = on_unary_done,
};

void dp_session_unary(struct dp_session *s, struct dp_grpc_call *call, dp_unary_fn *fn)
{
    struct unary *u = depot_calloc(1, sizeof(*u));
    u->fn = fn;
    depot_buf_init(&u->request, UNARY_MAX);
    dp_scall_init(&u->base, &unary_scall_ops, s, call);
    dp_grpc_accept(call, &unary_ops, u);
}

void dp_session_reply(struct dp_grpc_call *call, const void *msg, size_t n)
{
    dp_grpc_send(call, msg, n);
    dp_grpc_respond(call, DP_GRPC_OK, "");
}

/* Codes of ours that the engine should see as more than "unknown". */
static const struct {
    enum depot_err err;
    enum dp_grpc_code code;
} error_codes[] = {
    {DEPOT_ERR_NOT_FOUND, DP_GRPC_NOT_FOUND},
    {DEPOT_ERR_DENIED, DP_GRPC_PERMISSION_DENIED},
    {DEPOT_ERR_INVALID, DP_GRPC_INVALID_ARGUMENT},
    {DEPOT_ERR_PROTOCOL, DP_GRPC_INVALID_ARGUMENT},
    {DEPOT_ERR_TOO_BIG, DP_GRPC_RESOURCE_EXHAUSTED},
    {DEPOT_ERR_CANCELLED, DP_GRPC_CANCELLED},
};

void dp_session_respond_error(struct dp_grpc_call *call, const struct depot_error *err)
{
    int code = DP_GRPC_UNKNOWN;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(error_codes); i++) {
        if (error_codes[i].err == err->code)
            code = error_codes[i].code;
    }
    dp_grpc_respond(call, code, err->msg);
}

/* ---- life ---- */

static const struct dp_grpc_conn_ops conn_ops = {.closed = on_closed};

int dp_session_new_take(struct depot_loop *l, struct dp_stream *take,
    const struct dp_session_config *cfg, const struct dp_session_ops *ops, void *arg,
    struct dp_session **out, struct depot_error *err)
{
    struct dp_session *s = depot_calloc(1, sizeof(*s));
    s->loop = l;
    s->cfg = cfg;
    s->ops = ops;
    s->arg = arg;
    TAILQ_INIT(&s->calls);
    TAILQ_INIT(&s->events);
    int rc =
        dp_grpc_server_new_take(l, take, methods, METHOD_COUNT, 0, &conn_ops, s, &s->conn, err);
    if (rc < 0) {
        depot_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void dp_session_free(struct dp_session *s)
{
    if (s == NULL || s->dead)
        return;
    s->dead = true;
    dp_grpc_conn_free(s->conn);
    struct dp_scall *c;
    while ((c = TAILQ_FIRST(&s->calls)) != NULL)
        dp_scall_end(c);
    struct dp_session_event *e;
    while ((e = TAILQ_FIRST(&s->events)) != NULL) {
        TAILQ_REMOVE(&s->events, e, link);
        event_free(e);
    }
    depot_free(s->scratch);
    if (!s->turn_pending && !s->in_turn)
        depot_free(s);
}
