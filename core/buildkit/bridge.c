/*
 * A solve over the gateway. Control.Solve without a frontend leaves a build open; the gateway's
 * Solve runs the frontend in it and answers with what is to be run; the gateway's Return lets the
 * engine run and export that, or end the build with an error. The gateway has a connection of its
 * own: what a frontend says of a failure may be too large for a header, too.
 */
#include "buildkit/bk.h"
#include "buildkit/bridge_answer.h"
#include "buildkit/bridge_place.h"
#include "buildkit/convert.h"
#include "buildkit/error.h"

#include "grpc/pb.h"

enum { RESULT_MAX = 15 * 1024 * 1024 }; /* engines take messages of 16 MiB */

static const char build_id_key[] = "buildkit-controlapi-buildid";

struct bridge_call {
    struct depot_bk_call base;
    const struct depot_bk_bridge_ops *ops;
    void *arg;
    struct depot_bk_call *build; /* Control.Solve, which ends when the build does */
    struct dp_bk_link link;
    struct dp_bk_rpc ask, give;
    struct dp_bk_rpc place; /* a second question, after a failure that told no place */
    char *ref, *frontend;
    struct depot_kvs attrs;  /* of the frontend */
    struct depot_buf result; /* what Return is to say of the answer */
    bool is_answered;
    struct depot_arena arena;       /* of `error` */
    struct depot_build_error error; /* that the build was told to end with */
    struct depot_timer *late;       /* ends a call that could not send */
};

static void stop(struct bridge_call *c)
{
    depot_bk_call_free(c->build);
    c->build = NULL;
    dp_bk_rpc_release(&c->ask);
    dp_bk_rpc_release(&c->give);
    dp_bk_rpc_release(&c->place);
    depot_timer_free(c->late);
    c->late = NULL;
}

static void bridge_release(struct depot_bk_call *base)
{
    struct bridge_call *c = DEPOT_CONTAINER_OF(base, struct bridge_call, base);
    stop(c);
    dp_bk_link_release(&c->link);
}

static void bridge_destroy(struct depot_bk_call *base)
{
    struct bridge_call *c = DEPOT_CONTAINER_OF(base, struct bridge_call, base);
    depot_buf_release(&c->result);
    depot_arena_release(&c->arena);
    depot_kvs_release(&c->attrs);
    depot_free(c->frontend);
    depot_free(c->ref);
}

static void end(struct bridge_call *c, const struct depot_bk_result *res)
{
    stop(c);
    c->ops->done(&c->base, res, c->arg);
}

static void end_with(struct bridge_call *c, const struct depot_build_error *error)
{
    const struct depot_bk_result res = {.error = error};
    end(c, &res);
}

static void fail(struct bridge_call *c, int code, const char *message)
{
    struct depot_build_error error = {.code = code, .message = message};
    end_with(c, &error);
}

/* ---- the answer ---- */
static void on_answer(struct dp_bk_rpc *r, const uint8_t *data, size_t n, void *arg)
{
    DEPOT_UNUSED(r);
    struct bridge_call *c = arg;
    struct dp_bk_answer a = {.result = &c->result};
    if (c->is_answered)
        return; /* a second message of a call that has one */
    c->is_answered = true;
    int rc = dp_bk_answer_read(&a, data, n);
    const struct depot_bk_answer told = {
        .refs = a.refs, .nrefs = a.nrefs, .metadata = a.meta, .nmetadata = a.nmeta};
    if (rc == 0)
        c->ops->answer(&c->base, &told, c->arg);
    else
        fail(c, DP_GRPC_INTERNAL,
            rc == DEPOT_ERR_TOO_BIG ? "the engine's answer to the build's frontend is too large"
                                    : "the engine's answer to the build's frontend is malformed");
    depot_arena_release(&a.arena);
}

/* ---- Return ---- */
enum { RETURN_RESULT = 1, RETURN_ERROR = 2 };
enum { STATUS_CODE = 1, STATUS_MESSAGE = 2, STATUS_DETAILS = 3, ANY_TYPE = 1, ANY_VALUE = 2 };

static void on_given(
    struct dp_bk_rpc *r, const struct dp_grpc_status *st, const struct depot_error *err, void *arg)
{
    DEPOT_UNUSED(r);
    struct bridge_call *c = arg;
    if (err == NULL)
        return; /* the build ends by itself now */
    if (c->error.message != NULL)
        end_with(c, &c->error);
    else
        fail(c, st->code, err->msg);
}

static void on_nothing(struct dp_bk_rpc *r, const uint8_t *data, size_t n, void *arg)
{
    (void)r, (void)data, (void)n, (void)arg;
}

static void on_late(struct depot_timer *t, void *arg)
{
    DEPOT_UNUSED(t);
    struct bridge_call *c = arg;
    end_with(c, &c->error);
}

/* What cannot even be sent is told a turn later: never from inside the caller's call. */
static void give(struct bridge_call *c, uint32_t field, const void *data, size_t n)
{
    static const struct dp_bk_rpc_ops ops = {.message = on_nothing, .done = on_given};
    struct depot_error err = {0};
    dp_bk_rpc_init(&c->give, &c->link, DP_BK_BRIDGE "Return", &ops, c);
    dp_bk_rpc_md(&c->give, build_id_key, c->ref);
    dp_bk_add_field(&c->give.request, field, data, n);
    if (dp_bk_rpc_start(&c->give, &err) == 0)
        return;
    if (c->error.message == NULL)
        c->error = (struct depot_build_error){
            .code = DP_GRPC_UNAVAILABLE, .message = depot_arena_strdup(&c->arena, err.msg)};
    depot_timer_start(c->late, 0, 0);
}

/* `place` may be NULL. */
static void give_error(
    struct bridge_call *c, int code, const char *message, const struct depot_buf *place)
{
    static const char type_url[] = "github.com/moby/buildkit/errdefs.Source+json";
    struct depot_buf st = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    uint8_t head[2 * DP_PB_VARINT_MAX];
    size_t n = (size_t)(dp_pb_put_uint(head, STATUS_CODE, (uint64_t)code) - head);
    depot_buf_add(&st, head, n);
    dp_bk_add_field(&st, STATUS_MESSAGE, message, strlen(message));
    if (place != NULL) {
        struct depot_buf any = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        dp_bk_add_field(&any, ANY_TYPE, type_url, sizeof(type_url) - 1);
        dp_bk_add_field(&any, ANY_VALUE, place->data, place->len);
        dp_bk_add_field(&st, STATUS_DETAILS, any.data, any.len);
        depot_buf_release(&any);
    }
    give(c, RETURN_ERROR, st.data, st.len);
    depot_buf_release(&st);
}

void depot_bk_bridge_go_on(struct depot_bk_call *base)
{
    struct bridge_call *c = DEPOT_CONTAINER_OF(base, struct bridge_call, base);
    give(c, RETURN_RESULT, c->result.data, c->result.len);
    depot_buf_release(&c->result);
}

void depot_bk_bridge_fail(struct depot_bk_call *base, int code, const char *message)
{
    struct bridge_call *c = DEPOT_CONTAINER_OF(base, struct bridge_call, base);
    c->error =
        (struct depot_build_error){.code = code, .message = depot_arena_strdup(&c->arena, message)};
    give_error(c, code, message, NULL);
}

/* ---- the two calls ---- */
static void on_built(struct depot_bk_call *call, const struct depot_bk_result *res, void *arg)
{
    DEPOT_UNUSED(call);
    struct bridge_call *c = arg;
    stop(c);
    c->ops->done(&c->base, res, c->arg);
}

static void keep_error(struct bridge_call *c, const struct dp_grpc_status *st, const char *message)
{
    struct depot_build_error told = {0};
    if (st->details != NULL &&
        dp_bk_error_decode(st->details, st->details_len, &c->arena, &told) == 0)
        c->error = told;
    c->error.code = st->code;
    c->error.message = depot_arena_strdup(&c->arena, message);
}

static bool has_no_gateway(const struct dp_grpc_status *st)
{
    return st->code == DP_GRPC_UNIMPLEMENTED && strstr(st->message, "LLBBridge") != NULL;
}

static void tell_no_gateway(struct bridge_call *c, int code)
{
    static const char text[] =
        "the builder's engine cannot say what a build does before it runs (it has no "
        "gateway); BuildKit 0.8 and Docker 20.10 can, and newer ones";
    const struct depot_build_error error = {.code = code, .message = text};
    const struct depot_bk_result res = {.error = &error, .no_gateway = true};
    end(c, &res);
}

/* ---- the place of a failure, when it came without ---- */
static void on_place(struct dp_bk_rpc *r, const uint8_t *data, size_t n, void *arg)
{
    DEPOT_UNUSED(r);
    struct bridge_call *c = arg;
    struct depot_buf result = DEPOT_BUF_INIT(RESULT_MAX), place = DEPOT_BUF_INIT(RESULT_MAX / 2);
    struct dp_bk_answer a = {.result = &result};
    bool found = false;
    if (dp_bk_answer_read(&a, data, n) == 0)
        for (size_t i = 0; i < a.nmeta && !found; i++)
            found = depot_str_eq(a.meta[i].key, "result.json") &&
                    dp_bk_place_of_lint(a.meta[i].value, &place);
    if (found && c->give.link == NULL)
        give_error(c, c->error.code, c->error.message, &place);
    depot_arena_release(&a.arena);
    depot_buf_release(&place);
    depot_buf_release(&result);
}

static void on_place_done(
    struct dp_bk_rpc *r, const struct dp_grpc_status *st, const struct depot_error *err, void *arg)
{
    (void)r, (void)st, (void)err; /* there is no place, or no linter: the message must do */
    struct bridge_call *c = arg;
    if (c->give.link == NULL)
        give_error(c, c->error.code, c->error.message, NULL);
}

/* The linter of the same frontend, over the same build, which is still open. */
static void ask_place(struct bridge_call *c)
{
    static const struct dp_bk_rpc_ops ops = {.message = on_place, .done = on_place_done};
    const struct depot_bk_solve req = {.frontend = c->frontend, .attrs = &c->attrs};
    depot_kvs_set(&c->attrs, "requestid", "frontend.lint");
    depot_kvs_set(&c->attrs, "frontend.caps", "moby.buildkit.frontend.subrequests+forward");
    dp_bk_rpc_init(&c->place, &c->link, DP_BK_BRIDGE "Solve", &ops, c);
    dp_bk_rpc_md(&c->place, build_id_key, c->ref);
    dp_bk_pack_ask(&req, &c->place.request);
    if (dp_bk_rpc_start(&c->place, NULL) < 0)
        give_error(c, c->error.code, c->error.message, NULL);
}

/* A frontend's failure is the build's: the engine is told, so that its record tells it, too. */
static void on_asked(
    struct dp_bk_rpc *r, const struct dp_grpc_status *st, const struct depot_error *err, void *arg)
{
    struct bridge_call *c = arg;
    if (c->is_answered)
        return; /* what ends the build from here on, Control's Solve tells */
    if (err == NULL) {
        fail(c, DP_GRPC_INTERNAL, "the engine gave no answer to the build's frontend");
    } else if (has_no_gateway(st)) {
        tell_no_gateway(c, st->code);
    } else if (r->unreachable || st->code == DP_GRPC_UNAVAILABLE) {
        fail(c, st->code, err->msg);
    } else {
        keep_error(c, st, *st->message != '\0' ? st->message : dp_grpc_code_name(st->code));
        if (st->details != NULL)
            give(c, RETURN_ERROR, st->details, st->details_len);
        else
            ask_place(c);
    }
}

static int start_ask(
    struct bridge_call *c, const struct depot_bk_solve *req, struct depot_error *err)
{
    static const struct dp_bk_rpc_ops ops = {.message = on_answer, .done = on_asked};
    dp_bk_rpc_init(&c->ask, &c->link, DP_BK_BRIDGE "Solve", &ops, c);
    dp_bk_rpc_md(&c->ask, build_id_key, c->ref);
    dp_bk_pack_ask(req, &c->ask.request);
    return dp_bk_rpc_start(&c->ask, err);
}

/* Both at once: the gateway waits a while for the build that it is asked of. */
int depot_bk_bridge(struct depot_bk *bk, const struct depot_bk_solve *req,
    const struct depot_bk_bridge_ops *ops, void *arg, struct depot_bk_call **out,
    struct depot_error *err)
{
    static const struct dp_bk_call_ops call_ops = {
        .release = bridge_release, .destroy = bridge_destroy};
    struct bridge_call *c = dp_bk_call_new(bk, sizeof(*c), &call_ops);
    struct depot_bk_solve open = *req;
    open.frontend = NULL;
    c->ops = ops;
    c->arg = arg;
    c->ref = depot_strdup(req->ref);
    c->frontend = depot_strdup(req->frontend != NULL ? req->frontend : "");
    if (req->attrs != NULL)
        depot_kvs_copy(&c->attrs, req->attrs);
    c->late = depot_timer_new(bk->loop, on_late, c);
    depot_buf_init(&c->result, RESULT_MAX);
    dp_bk_link_init(&c->link, bk);
    int rc = depot_bk_solve(bk, &open, on_built, c, &c->build, err);
    if (rc == 0)
        rc = start_ask(c, req, err);
    if (rc < 0)
        depot_bk_call_free(&c->base);
    else
        *out = &c->base;
    return rc;
}
