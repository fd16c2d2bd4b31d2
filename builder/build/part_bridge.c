/*
 * What a part does with the answer of its engine's gateway. A question's answer is kept for the
 * client. A platform that the builder cannot run is built all the same when nothing of it is run.
 */
#include "part_bridge.h"

#include <depot/definition.h>
#include <depot/log.h>

#include "part.h"
#include "builder/engine/placement.h"
#include "stage_platform.h"

#define DEPOT_LOG_MODULE "bridge"

enum {
    CALL_MAX = 8 * 1024 * 1024, /* of all that a frontend may answer a question with */
    REASON_MAX = 4096,
    CODE_FAILED_PRECONDITION = 9, /* google.rpc.Code */
    CODE_UNIMPLEMENTED = 12,
    CODE_UNAVAILABLE = 14,
};

struct part_bridge {
    const struct depot_bk_bridge_ops *ops;
    depot_bk_solve_fn *done; /* the part's */
    struct depot_arena arena;
    struct depot_pair *answer; /* of a question */
    size_t nanswer;
    struct depot_build_error refusal; /* our own, with the step's place; no message: none */
};

/* ---- a question ---- */
static bool has_result(const struct depot_bk_answer *a)
{
    for (size_t i = 0; i < a->nmetadata; i++)
        if (depot_str_starts(a->metadata[i].key, "result."))
            return true;
    return false;
}

static size_t size_of(const struct depot_bk_answer *a)
{
    size_t sum = 0;
    for (size_t i = 0; i < a->nmetadata; i++)
        sum += strlen(a->metadata[i].key) + strlen(a->metadata[i].value);
    return sum;
}

static void keep_answer(struct part_bridge *b, const struct depot_bk_answer *a)
{
    b->answer = depot_arena_alloc(&b->arena, (a->nmetadata + 1) * sizeof(*b->answer));
    for (size_t i = 0; i < a->nmetadata; i++)
        b->answer[b->nanswer++] = (struct depot_pair){
            .key = depot_arena_strdup(&b->arena, a->metadata[i].key),
            .value = depot_arena_strdup(&b->arena, a->metadata[i].value),
        };
}

/* A frontend that knows of no questions has not seen that it was asked one, and would build. */
static void on_call_answer(struct depot_bk_call *c, const struct depot_bk_answer *a, void *arg)
{
    struct part *p = arg;
    if (!has_result(a)) {
        char *text = depot_asprintf("the frontend of builder %s does not answer \"%s\"",
            engine_name(p->engine), p->scope->req.call);
        engine_driver(p->engine)->bridge_fail(c, CODE_UNIMPLEMENTED, text);
        depot_free(text);
    } else if (size_of(a) > CALL_MAX) {
        engine_driver(p->engine)->bridge_fail(
            c, CODE_FAILED_PRECONDITION, "the frontend's answer is too large");
    } else {
        keep_answer(p->bridge, a);
        engine_driver(p->engine)->bridge_go_on(c);
    }
}

/* Frontends older than the question say so in words only. */
static char *explain(const char *message)
{
    if (strstr(message, "unsupported request frontend.") == NULL)
        return depot_strdup(message);
    return depot_asprintf(
        "%s\nthe builder's frontend does not know this question; a newer one may: "
        "begin the Dockerfile with \"# syntax=docker/dockerfile:1\", or add "
        "--build-arg BUILDKIT_SYNTAX=docker/dockerfile:1",
        message);
}

/* What the frontend answered is the result. */
static void on_call_done(struct depot_bk_call *c, const struct depot_bk_result *res, void *arg)
{
    struct part *p = arg;
    if (res->error != NULL) {
        struct depot_build_error error = *res->error;
        char *text = explain(error.message);
        error.message = text;
        const struct depot_bk_result failed = {.error = &error};
        p->bridge->done(c, &failed, p);
        depot_free(text);
        return;
    }
    const struct depot_bk_result told = {
        .response = p->bridge->answer, .nresponse = p->bridge->nanswer};
    p->bridge->done(c, &told, p);
}

static void set_default(struct depot_kvs *attrs, const char *key, const char *value)
{
    if (depot_kvs_get(attrs, key) == NULL)
        depot_kvs_set(attrs, key, value);
}

/* Nothing is exported, and it is no build that a history should show. */
static int start_call(struct part *p, const struct depot_bk_solve *req, struct depot_error *err)
{
    struct depot_kvs attrs = {0};
    struct depot_bk_solve question = *req;
    char *id = depot_asprintf("frontend.%s", p->scope->req.call);
    depot_kvs_copy(&attrs, req->attrs);
    set_default(&attrs, "requestid", id);
    set_default(&attrs, "frontend.caps", "moby.buildkit.frontend.subrequests+forward");
    question.attrs = &attrs;
    question.nexports = question.ncache_exports = 0;
    question.internal = true;
    int rc = engine_driver(p->engine)->bridge(
        engine_bk(p->engine), &question, p->bridge->ops, p, &p->solve, err);
    depot_free(id);
    depot_kvs_release(&attrs);
    return rc;
}

/* ---- platforms that the builder cannot run ---- */
static bool runs(const struct engine *e, const char *platform)
{
    struct placement_engine view;
    char name[DEPOT_PLATFORM_MAX];
    engine_placement_view(e, &view);
    return depot_platform_parse(platform, name, NULL) == 0 && placement_lists(&view, name);
}

/* Does the Dockerfile say that this step is of a platform which the builder runs, although the
 * frontend calls it by another? */
static bool is_said_to_run(
    const struct part *p, const struct depot_definition *d, const struct depot_op *op)
{
    char said[DEPOT_PLATFORM_MAX];
    if (op->nplaces == 0)
        return false;
    const struct depot_op_place *at = &op->places[0];
    if (!stage_platform(d->files[at->file].text, at->range.start_line, said))
        return false;
    return depot_str_eq(said, "$BUILDPLATFORM") || depot_str_eq(said, "${BUILDPLATFORM}") ||
           runs(p->engine, said);
}

/* The first step that the builder would have to run for a machine that it cannot be. One without a
 * platform is run as what the builder is. */
static const struct depot_op *first_unrunnable(
    const struct part *p, const struct depot_definition *d)
{
    for (size_t i = 0; i < d->nops; i++) {
        const struct depot_op *op = &d->ops[i];
        if (op->kind == DEPOT_OP_EXEC && *op->platform != '\0' && !runs(p->engine, op->platform) &&
            !is_said_to_run(p, d, op))
            return op;
    }
    return NULL;
}

static void add_step(
    struct depot_buf *to, const struct depot_definition *d, const struct depot_op *op)
{
    enum { TEXT_MAX = 500 }; /* of a step's own, which may be a whole script */
    depot_buf_addf(to, "%.*s", TEXT_MAX, *op->name != '\0' ? op->name : "a command");
    if (*op->name == '\0')
        for (size_t i = 0; i < op->nargs; i++)
            depot_buf_addf(to, " %s", op->args[i]);
    if (op->nplaces > 0 && op->places[0].range.start_line > 0)
        depot_buf_addf(
            to, " (%s line %d)", d->files[op->places[0].file].name, op->places[0].range.start_line);
}

static void add_builders(struct depot_buf *to, const struct build_env *env)
{
    struct placement_engine *view = depot_calloc(env->nengines, sizeof(*view));
    for (size_t i = 0; i < env->nengines; i++)
        engine_placement_view(env->engines[i], &view[i]);
    placement_describe(view, env->nengines, to);
    depot_free(view);
}

/* ---- why not ---- */

static const char *copy_line(struct depot_arena *a, const char *line)
{
    enum { LINE_BYTES_MAX = 4096 };
    size_t n = strcspn(line, "\r");
    return depot_arena_strndup(a, line, n < LINE_BYTES_MAX ? n : LINE_BYTES_MAX);
}

/* Two lines around the step, as engines show it. */
static void add_excerpt(struct part_bridge *b, const char *text, int first, int last)
{
    enum { AROUND = 2, LINES_MAX = 40 };
    struct depot_build_error *e = &b->refusal;
    struct depot_strv lines = {0};
    depot_strv_split(&lines, text, '\n');
    if (first >= 1 && (size_t)first <= lines.len) {
        size_t from = first > AROUND ? (size_t)first - AROUND - 1 : 0;
        size_t to = (size_t)last + AROUND;
        to = to > lines.len ? lines.len : to;
        to = to - from > LINES_MAX ? from + LINES_MAX : to;
        e->first_line = (int)from + 1;
        e->lines = depot_arena_alloc(&b->arena, LINES_MAX * sizeof(*e->lines));
        for (size_t i = from; i < to; i++)
            e->lines[e->nlines++] = copy_line(&b->arena, lines.items[i]);
    }
    depot_strv_release(&lines);
}

static void add_place(
    struct part_bridge *b, const struct depot_definition *d, const struct depot_op *op)
{
    struct depot_build_error *e = &b->refusal;
    if (op->nplaces == 0)
        return;
    const struct depot_op_file *file = &d->files[op->places[0].file];
    struct depot_range range = op->places[0].range;
    for (size_t i = 1; i < op->nplaces; i++)
        if (op->places[i].range.end_line > range.end_line)
            range.end_line = op->places[i].range.end_line;
    e->file = depot_arena_strdup(&b->arena, file->name);
    e->ranges = depot_arena_alloc(&b->arena, sizeof(*e->ranges));
    e->ranges[e->nranges++] = range;
    add_excerpt(b, file->text, range.start_line, range.end_line);
}

/* Another builder may be able to, and yet it is this one that has to make all. */
static bool none_runs(const struct build_env *env, const char *platform)
{
    for (size_t i = 0; i < env->nengines; i++)
        if (runs(env->engines[i], platform))
            return false;
    return true;
}

/* Why the builder cannot make one result; nothing is added when it can. */
static void add_reason(struct depot_buf *to, const struct part *p, const struct depot_bk_ref *ref)
{
    struct depot_definition d = {0};
    struct depot_error err = {0};
    if (depot_definition_decode(ref->definition, ref->len, &d, &err) != 0) {
        depot_buf_addf(to,
            "builder %s does not run all of %s, and what it would have to run "
            "cannot be told: %s",
            engine_name(p->engine), p->platform, err.msg);
        return;
    }
    const struct depot_op *op = first_unrunnable(p, &d);
    if (op != NULL) {
        if (none_runs(p->scope->env, op->platform))
            depot_buf_addf(to, "no builder can run %s", op->platform);
        else
            depot_buf_addf(to, "builder %s cannot run %s", engine_name(p->engine), op->platform);
        depot_buf_adds(to, ", and this step needs it: ");
        add_step(to, &d, op);
        depot_buf_adds(to, "; builders: ");
        add_builders(to, p->scope->env);
        depot_buf_adds(to, "\nadd a builder for it with depotd --builder NAME=ADDRESS, or install "
                           "emulation on a builder's machine (qemu-user-static, binfmt)");
        add_place(p->bridge, &d, op);
    }
    depot_definition_release(&d);
}

/* ---- what will run ---- */
static void tell(const struct depot_status *st, void *arg)
{
    part_tell(arg, st);
}

/* The steps are on the feed before the first of them runs. Without them the build runs as well. */
static void tell_steps(struct part *p, const struct depot_bk_answer *a)
{
    struct depot_error err = {0};
    p->owner = (struct steps_owner){
        .build = p->scope->id, .project = p->scope->req.info.project, .platform = p->platform};
    steps_free(p->steps);
    p->steps = steps_new(p->scope->env->steps, &p->owner);
    for (size_t i = 0; i < a->nrefs; i++)
        if (a->refs[i].len > 0 && steps_add(p->steps, &a->refs[i], &err) != 0)
            depot_log_warn("build %s: its steps are not known: %s", p->scope->id, err.msg);
    steps_announce(p->steps, tell, p);
}

static void on_build_answer(struct depot_bk_call *c, const struct depot_bk_answer *a, void *arg)
{
    struct part *p = arg;
    tell_steps(p, a);
    engine_driver(p->engine)->bridge_go_on(c);
}

static void on_build_done(struct depot_bk_call *c, const struct depot_bk_result *res, void *arg)
{
    struct part *p = arg;
    if (res->no_gateway)
        engine_lacks_gateway(p->engine);
    p->bridge->done(c, res, p);
}

static void on_foreign_answer(struct depot_bk_call *c, const struct depot_bk_answer *a, void *arg)
{
    struct part *p = arg;
    struct depot_build_error *e = &p->bridge->refusal;
    struct depot_buf reason = DEPOT_BUF_INIT(REASON_MAX);
    for (size_t i = 0; i < a->nrefs && reason.len == 0; i++)
        add_reason(&reason, p, &a->refs[i]);
    if (reason.len > 0) {
        e->code = CODE_FAILED_PRECONDITION;
        e->message = depot_arena_strdup(&p->bridge->arena, depot_buf_str(&reason));
        engine_driver(p->engine)->bridge_fail(c, e->code, e->message);
    } else {
        on_build_answer(c, a, p);
    }
    depot_buf_release(&reason);
}

static void on_foreign_done(struct depot_bk_call *c, const struct depot_bk_result *res, void *arg)
{
    struct part *p = arg;
    const struct depot_bk_result refused = {.error = &p->bridge->refusal};
    /* What the engine makes of it differs; that it went away meanwhile is another matter. */
    const bool is_ours = refused.error->message != NULL && res->error != NULL &&
                         res->error->code != CODE_UNAVAILABLE;
    p->bridge->done(c, is_ours ? &refused : res, p);
}

/* ---- all of them ---- */
int part_bridge_solve(struct part *p, const struct depot_bk_solve *req, depot_bk_solve_fn *done,
    struct depot_error *err)
{
    static const struct depot_bk_bridge_ops builds = {on_build_answer, on_build_done},
                                            foreign = {on_foreign_answer, on_foreign_done},
                                            calls = {on_call_answer, on_call_done};
    const bool is_call = p->scope->req.call != NULL;
    if (!is_call && p->foreign.len == 0 && !engine_has_gateway(p->engine))
        return engine_driver(p->engine)->solve(engine_bk(p->engine), req, done, p, &p->solve, err);
    part_bridge_free(p->bridge);
    p->bridge = depot_calloc(1, sizeof(*p->bridge));
    p->bridge->done = done;
    p->bridge->ops = is_call ? &calls : p->foreign.len > 0 ? &foreign : &builds;
    if (is_call)
        return start_call(p, req, err);
    return engine_driver(p->engine)->bridge(
        engine_bk(p->engine), req, p->bridge->ops, p, &p->solve, err);
}

void part_bridge_free(struct part_bridge *b)
{
    if (b == NULL)
        return;
    depot_arena_release(&b->arena);
    depot_free(b);
}
