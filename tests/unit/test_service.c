/*
 * The life of builds between a client and its engines. The engines are played by the test: a
 * driver of its own decides what each call answers, and when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <depot/buf.h>
#include <depot/buildkit.h>
#include <depot/log.h>

#include "builder/feed/hub.h"
#include "builder/service/service.h"

/* ---- the engines ---- */
enum kind { PROBE, SOLVE, BRIDGE, STATUS, HISTORY, USAGE, PRUNE };
enum { CALLS_MAX = 64, ENGINES_MAX = 2 };

struct depot_bk {
    int index;
};

struct depot_bk_call {
    enum kind kind;
    struct depot_bk *bk;
    bool over; /* freed by the daemon: cancelled, or done with */
    char ref[32], session[32], platform[64];
    char attest[64];
    char exports[64]; /* types, each with a blank after it */
    bool multi;
    depot_bk_info_fn *info;
    depot_bk_solve_fn *solved;
    const struct depot_bk_status_ops *status;
    const struct depot_bk_history_ops *history;
    const struct depot_bk_usage_ops *usage;
    const struct depot_bk_bridge_ops *bridge;
    char asked[64];    /* of the frontend */
    char refusal[512]; /* that a bridge was told to end with */
    bool internal, goes_on;
    bool hurried;
    bool all;
    int64_t keep_bytes, keep_ns;
    void *arg;
};

struct depot_bk_session {
    const struct depot_bk_session_ops *ops;
    void *arg;
    char id[32];
    bool ended, freed;
    struct depot_buf got;
};

static struct {
    struct depot_bk_call *calls[CALLS_MAX];
    size_t ncalls;
    struct depot_bk_session sessions[4];
    size_t nsessions;
    unsigned caps;
} fake;

static struct depot_bk_call *call_new(
    struct depot_bk *bk, enum kind kind, void *arg, struct depot_bk_call **out)
{
    assert_true(fake.ncalls < CALLS_MAX);
    struct depot_bk_call *c = calloc(1, sizeof(*c));
    c->kind = kind;
    c->bk = bk;
    c->arg = arg;
    fake.calls[fake.ncalls++] = c;
    *out = c;
    return c;
}

static int fake_open(struct depot_loop *l, const struct depot_addr *addr,
    const struct depot_tls *tls, struct depot_bk **out, struct depot_error *err)
{
    (void)l, (void)tls, (void)err;
    struct depot_bk *bk = calloc(1, sizeof(*bk));
    bk->index = addr->path[1] - '0';
    *out = bk;
    return 0;
}

static void fake_close(struct depot_bk *bk)
{
    for (size_t i = 0; i < fake.ncalls; i++)
        assert_true(fake.calls[i]->bk != bk || fake.calls[i]->over);
    free(bk);
}

static void fake_call_free(struct depot_bk_call *c)
{
    if (c != NULL)
        c->over = true;
}

static int fake_probe(struct depot_bk *bk, depot_bk_info_fn *done, void *arg,
    struct depot_bk_call **out, struct depot_error *err)
{
    (void)err;
    call_new(bk, PROBE, arg, out)->info = done;
    return 0;
}

static void note_solve(struct depot_bk_call *c, const struct depot_bk_solve *req)
{
    snprintf(c->ref, sizeof(c->ref), "%s", req->ref);
    snprintf(c->session, sizeof(c->session), "%s", req->session != NULL ? req->session : "");
    snprintf(c->platform, sizeof(c->platform), "%s", depot_kvs_get(req->attrs, "platform"));
    const char *attest = depot_kvs_get(req->attrs, "attest:provenance");
    snprintf(c->attest, sizeof(c->attest), "%s", attest != NULL ? attest : "");
    c->multi = depot_str_eq(depot_kvs_get(req->attrs, "multi-platform"), "true");
    for (size_t i = 0; i < req->nexports; i++) {
        strncat(c->exports, req->exports[i].type, 16);
        strcat(c->exports, " ");
    }
    const char *asked = depot_kvs_get(req->attrs, "requestid");
    snprintf(c->asked, sizeof(c->asked), "%s", asked != NULL ? asked : "");
    c->internal = req->internal;
}

static int fake_solve(struct depot_bk *bk, const struct depot_bk_solve *req,
    depot_bk_solve_fn *done, void *arg, struct depot_bk_call **out, struct depot_error *err)
{
    (void)err;
    struct depot_bk_call *c = call_new(bk, SOLVE, arg, out);
    c->solved = done;
    note_solve(c, req);
    return 0;
}

static int fake_bridge(struct depot_bk *bk, const struct depot_bk_solve *req,
    const struct depot_bk_bridge_ops *ops, void *arg, struct depot_bk_call **out,
    struct depot_error *err)
{
    (void)err;
    struct depot_bk_call *c = call_new(bk, BRIDGE, arg, out);
    c->bridge = ops;
    c->solved = ops->done;
    note_solve(c, req);
    return 0;
}

static void fake_bridge_go_on(struct depot_bk_call *c)
{
    c->goes_on = true;
}

static void fake_bridge_fail(struct depot_bk_call *c, int code, const char *message)
{
    snprintf(c->refusal, sizeof(c->refusal), "%d %.480s", code, message);
}

static int fake_status(struct depot_bk *bk, const char *ref, const struct depot_bk_status_ops *ops,
    void *arg, struct depot_bk_call **out, struct depot_error *err)
{
    (void)err;
    struct depot_bk_call *c = call_new(bk, STATUS, arg, out);
    c->status = ops;
    snprintf(c->ref, sizeof(c->ref), "%s", ref);
    return 0;
}

static void fake_status_hurry(struct depot_bk_call *c)
{
    assert_int_equal(c->kind, STATUS);
    c->hurried = true;
}

static int fake_provenance(struct depot_bk *bk, const char *ref,
    const struct depot_bk_provenance_ops *ops, void *arg, struct depot_bk_call **out,
    struct depot_error *err)
{
    (void)bk, (void)ref, (void)ops, (void)arg, (void)out;
    return depot_error_set(err, DEPOT_ERR_UNSUPPORTED, "no record here");
}

static int fake_history(struct depot_bk *bk, const char *ref, bool active_only, bool early_exit,
    const struct depot_bk_history_ops *ops, void *arg, struct depot_bk_call **out,
    struct depot_error *err)
{
    (void)err;
    /* All that runs and will run, or the record of one that is over. */
    assert_int_equal(active_only, ref == NULL);
    assert_int_equal(early_exit, ref != NULL);
    struct depot_bk_call *c = call_new(bk, HISTORY, arg, out);
    c->history = ops;
    snprintf(c->ref, sizeof(c->ref), "%s", ref != NULL ? ref : "");
    return 0;
}

static int fake_content(struct depot_bk *bk, const char *digest, depot_bk_content_fn *done,
    void *arg, struct depot_bk_call **out, struct depot_error *err)
{
    DEPOT_UNUSED(bk);
    DEPOT_UNUSED(digest);
    DEPOT_UNUSED(done);
    DEPOT_UNUSED(arg);
    DEPOT_UNUSED(out);
    return depot_error_set(err, DEPOT_ERR_UNSUPPORTED, "this engine has no content to read");
}

static int fake_disk_usage(struct depot_bk *bk, const struct depot_bk_usage_ops *ops, void *arg,
    struct depot_bk_call **out, struct depot_error *err)
{
    (void)err;
    call_new(bk, USAGE, arg, out)->usage = ops;
    return 0;
}

static int fake_prune(struct depot_bk *bk, bool all, int64_t keep_bytes, int64_t keep_ns,
    const struct depot_bk_usage_ops *ops, void *arg, struct depot_bk_call **out,
    struct depot_error *err)
{
    (void)err;
    struct depot_bk_call *c = call_new(bk, PRUNE, arg, out);
    c->usage = ops;
    c->all = all;
    c->keep_bytes = keep_bytes;
    c->keep_ns = keep_ns;
    return 0;
}

static int fake_session_open(struct depot_bk *bk, const char *id, const char *shared_key,
    const struct depot_strv *methods, const struct depot_bk_session_ops *ops, void *arg,
    struct depot_bk_session **out, struct depot_error *err)
{
    (void)bk, (void)shared_key, (void)methods, (void)err;
    struct depot_bk_session *s = &fake.sessions[fake.nsessions++];
    *s = (struct depot_bk_session){.ops = ops, .arg = arg, .got = DEPOT_BUF_INIT(1024)};
    snprintf(s->id, sizeof(s->id), "%s", id);
    *out = s;
    return 0;
}

static void fake_session_write(struct depot_bk_session *s, const void *data, size_t n)
{
    depot_buf_add(&s->got, data, n);
}

static size_t fake_session_queued(const struct depot_bk_session *s)
{
    return s->got.len;
}

static void fake_session_end(struct depot_bk_session *s)
{
    s->ended = true;
}

static void fake_session_free(struct depot_bk_session *s)
{
    if (s == NULL)
        return;
    s->freed = true;
    depot_buf_release(&s->got);
}

static const struct engine_driver fake_driver = {
    .open = fake_open,
    .close = fake_close,
    .call_free = fake_call_free,
    .probe = fake_probe,
    .solve = fake_solve,
    .bridge = fake_bridge,
    .bridge_go_on = fake_bridge_go_on,
    .bridge_fail = fake_bridge_fail,
    .status = fake_status,
    .status_hurry = fake_status_hurry,
    .history = fake_history,
    .provenance = fake_provenance,
    .content = fake_content,
    .disk_usage = fake_disk_usage,
    .prune = fake_prune,
    .session_open = fake_session_open,
    .session_write = fake_session_write,
    .session_queued = fake_session_queued,
    .session_end = fake_session_end,
    .session_free = fake_session_free,
};

/* The newest call of its kind to this engine that is not over; NULL: none. Builds are solved over
 * a bridge, too. */
static struct depot_bk_call *find(int engine, enum kind kind)
{
    for (size_t i = fake.ncalls; i-- > 0;) {
        struct depot_bk_call *c = fake.calls[i];
        const bool solves = kind == SOLVE && c->kind == BRIDGE && *c->asked == '\0';
        if (!c->over && c->bk->index == engine && (c->kind == kind || solves))
            return c;
    }
    return NULL;
}

/* ---- the daemon around the service ---- */
static struct {
    char dir[64];
    struct depot_loop *loop;
    struct store *store;
    struct hub *hub;
    struct service *service;
    struct depot_buf trace; /* the feed, one short word after the other */
} d;

static void trace(struct store *s, const char *build, const struct depot_event *ev,
    struct store_line *line, void *arg)
{
    (void)s, (void)build, (void)line, (void)arg;
    struct depot_buf *b = &d.trace;
    switch (ev->type) {
    case DEPOT_EVENT_BUILD_CREATED:
        depot_buf_addf(b, "created %s;", ev->u.created.origin);
        break;
    case DEPOT_EVENT_BUILD_QUEUED:
        depot_buf_addf(b, "queued %d;", ev->u.queued.position);
        break;
    case DEPOT_EVENT_BUILD_ASSIGNED:
        depot_buf_addf(b, "assigned %s %s;", ev->u.assigned.platform, ev->u.assigned.builder);
        break;
    case DEPOT_EVENT_BUILD_STATUS:
        depot_buf_addf(b, "status %s;", ev->u.status.platform);
        break;
    case DEPOT_EVENT_BUILD_CONTEXT:
        depot_buf_addf(
            b, "context %d+%d;", (int)ev->u.context.nchanged, (int)ev->u.context.changed_more);
        break;
    case DEPOT_EVENT_BUILD_RESULT:
        depot_buf_addf(
            b, "result %s %s;", ev->u.result.platform, depot_build_state_name(ev->u.result.state));
        break;
    case DEPOT_EVENT_BUILD_FINISHED:
        depot_buf_addf(b, "finished %s%s%s;", depot_build_state_name(ev->u.finished.state),
            ev->u.finished.message != NULL ? ": " : "",
            ev->u.finished.message != NULL ? ev->u.finished.message : "");
        break;
    default:
        break;
    }
}

static void spin(void)
{
    for (int i = 0; i < 6; i++)
        depot_loop_turn(d.loop);
}

/* What the feed said since the last time. */
static void assert_trace(const char *want)
{
    spin();
    assert_string_equal(depot_buf_str(&d.trace), want);
    depot_buf_clear(&d.trace);
}

static void engine_answers(int engine)
{
    static const char *platforms[ENGINES_MAX][2] = {
        {"linux/amd64", "linux/386"}, {"linux/arm64", "linux/arm/v7"}};
    struct depot_bk_call *c = find(engine, PROBE);
    assert_non_null(c);
    const struct depot_bk_info info = {
        .engine = fake.caps & DEPOT_BK_CAP_MOBY ? "docker" : "buildkit",
        .version = "v1",
        .platforms = platforms[engine],
        .nplatforms = 2,
        .cache_limit = 5000,
        .caps = fake.caps};
    c->info(c, &info, NULL, c->arg);
}

static void start_daemon(int nengines, int capacity, unsigned caps)
{
    memset(&fake, 0, sizeof(fake));
    fake.caps = caps;
    depot_log_set_level(DEPOT_LOG_ERROR);
    strcpy(d.dir, "/tmp/depot-test-service-XXXXXX");
    assert_non_null(mkdtemp(d.dir));
    depot_buf_init(&d.trace, DEPOT_BUF_NO_LIMIT);
    assert_int_equal(depot_loop_new(&d.loop, NULL), 0);
    assert_int_equal(store_open(d.loop, d.dir, &d.store, NULL), 0);
    d.hub = hub_new(d.loop, d.store);
    char names[ENGINES_MAX][2] = {"a", "b"};
    struct engine_config b[ENGINES_MAX] = {
        {.name = names[0], .capacity = capacity, .driver = &fake_driver},
        {.name = names[1], .capacity = capacity, .driver = &fake_driver}};
    assert_int_equal(depot_addr_parse("unix:///0", 0, &b[0].addr, NULL), 0);
    assert_int_equal(depot_addr_parse("unix:///1", 0, &b[1].addr, NULL), 0);
    assert_int_equal(service_new(d.loop, d.store, d.hub, b, (size_t)nengines, &d.service, NULL), 0);
    store_on_append(d.store, trace, NULL); /* in place of the hub */
    depot_addr_release(&b[0].addr);
    depot_addr_release(&b[1].addr);
    spin();
    for (int i = 0; i < nengines; i++)
        engine_answers(i);
    spin();
}

static void stop_daemon(void)
{
    service_free(d.service);
    hub_free(d.hub);
    store_free(d.store);
    spin();
    depot_loop_free(d.loop);
    depot_buf_release(&d.trace);
    for (size_t i = 0; i < fake.ncalls; i++)
        free(fake.calls[i]);
    for (size_t i = 0; i < fake.nsessions; i++)
        depot_buf_release(&fake.sessions[i].got);
    char *rm = depot_asprintf("rm -rf '%s'", d.dir);
    assert_int_equal(system(rm), 0);
    depot_free(rm);
}

/* ---- what happens in the tests ---- */
static struct service_created made;

static int create_text(const char *json, size_t n, const char *user, struct service_created *out,
    struct depot_error *err)
{
    struct depot_build_request r;
    struct depot_arena arena = {0};
    int rc = depot_record_decode(&depot_record_build_request, json, n, &r, &arena, err);
    if (rc == 0)
        rc = service_create(d.service, &r, user, out, err);
    depot_arena_release(&arena);
    return rc;
}
static const char *const id = made.id;

static void create_with(const char *platforms, const char *exports, const char *more)
{
    struct depot_error err = {0};
    char *json = depot_asprintf(
        "{\"platforms\":[%s],\"solve\":{\"exports\":[%s]}%s}", platforms, exports, more);
    if (create_text(json, strlen(json), "ann", &made, &err) != 0)
        fail_msg("%s", err.msg);
    depot_free(json);
}

static void create_default(void)
{
    static const char json[] = "{\"tags\":[\"app\",\"app:2\"],\"platforms\":[\"linux/amd64\"],"
                               "\"solve\":{\"default_image\":true}}";
    assert_int_equal(create_text(json, sizeof(json) - 1, "ann", &made, NULL), 0);
}

static void create(const char *platforms, const char *more)
{
    create_with(
        platforms, "{\"type\":\"image\",\"attrs\":{\"name\":\"x\",\"push\":\"true\"}}", more);
}

static void solve_ends(int engine, int code, const char *message)
{
    struct depot_bk_call *c = find(engine, SOLVE);
    assert_non_null(c);
    const struct depot_build_error error = {.message = message, .code = code};
    const struct depot_bk_result res = {.error = message != NULL ? &error : NULL};
    c->solved(c, &res, c->arg);
    assert_true(c->over);
}

static void status_comes(int engine)
{
    struct depot_bk_call *c = find(engine, STATUS);
    const struct depot_status st = {0};
    assert_non_null(c);
    c->status->status(c, &st, c->arg);
}

static void status_ends(int engine, const char *message)
{
    struct depot_bk_call *c = find(engine, STATUS);
    struct depot_error err = {0};
    assert_non_null(c);
    if (message != NULL)
        depot_error_set(&err, DEPOT_ERR_UNAVAILABLE, "%s", message);
    c->status->done(c, message != NULL ? &err : NULL, c->arg);
}

#define AMD  "\"linux/amd64\""
#define BOTH AMD ",\"linux/arm64\""

static void test_service__runs_parts_side_by_side(void **state)
{
    (void)state;
    start_daemon(2, 4, 0);
    assert_true(service_idle(d.service));
    create(BOTH, "");
    assert_false(service_idle(d.service));
    assert_true(find(0, SOLVE)->multi);
    assert_string_equal(find(1, SOLVE)->platform, "linux/arm64");
    assert_string_equal(find(1, SOLVE)->session, "");
    assert_string_equal(find(0, SOLVE)->ref, find(0, STATUS)->ref);
    assert_string_not_equal(find(0, SOLVE)->ref, find(1, SOLVE)->ref);
    assert_trace("created depot;assigned linux/amd64 a;assigned linux/arm64 b;");
    status_comes(0);
    assert_false(find(0, STATUS)->hurried);
    solve_ends(0, 0, NULL);
    assert_true(find(0, STATUS)->hurried);
    assert_false(find(1, STATUS)->hurried);
    status_comes(0); /* the last of it comes after the answer */
    assert_trace("status linux/amd64;status linux/amd64;");
    status_ends(0, NULL);
    assert_trace("result linux/amd64 succeeded;");
    status_ends(1, NULL);
    solve_ends(1, 0, NULL);
    assert_trace("result linux/arm64 succeeded;finished succeeded;");
    assert_true(service_idle(d.service));
    stop_daemon();
}

static void test_service__one_failure_cancels_the_rest(void **state)
{
    (void)state;
    start_daemon(2, 4, 0);
    create(BOTH, "");
    struct depot_bk_call *other = find(1, SOLVE);
    status_comes(0);
    status_ends(0, NULL);
    solve_ends(0, 2, "exit code: 7\nand more");
    assert_true(other->over); /* which is how the engine is told */
    assert_non_null(find(1, STATUS));
    status_comes(1);
    status_ends(1, NULL);
    assert_trace("created depot;assigned linux/amd64 a;assigned linux/arm64 b;status linux/amd64;"
                 "result linux/amd64 failed;status linux/arm64;result linux/arm64 cancelled;"
                 "finished failed: linux/amd64: exit code: 7;");
    stop_daemon();
}

static void test_service__names_an_engine_that_went_away(void **state)
{
    (void)state;
    start_daemon(1, 4, 0);
    create(AMD, "");
    solve_ends(0, 14, "the peer closed the connection");
    status_ends(0, "broken");
    assert_trace("created depot;assigned linux/amd64 a;result linux/amd64 failed;finished failed: "
                 "builder a went away while building (the peer closed the connection);");
    assert_non_null(find(0, PROBE)); /* it looks whether it is still there */
    /* The same code from an engine that lives is the build's own failure. */
    create(AMD, "");
    solve_ends(0, 14, "registry: try later");
    status_ends(0, NULL);
    assert_trace("created depot;assigned linux/amd64 a;result linux/amd64 failed;"
                 "finished failed: registry: try later;");
    stop_daemon();
}

/* ---- what is asked before anything runs ---- */

/* The gateway of engine 0 answers, and the build ends, with an error if there is a message. */
static struct depot_bk_call *bridge_answers(
    const void *definition, size_t n, const struct depot_pair *metadata, size_t nmetadata)
{
    struct depot_bk_call *c = find(0, BRIDGE);
    assert_non_null(c);
    const struct depot_bk_ref ref = {.platform = "", .definition = definition, .len = n};
    const struct depot_bk_answer a = {
        .refs = &ref, .nrefs = 1, .metadata = metadata, .nmetadata = nmetadata};
    c->bridge->answer(c, &a, c->arg);
    return c;
}

static void bridge_ends(struct depot_bk_call *c, const char *message)
{
    const struct depot_build_error error = {.message = message, .code = 9};
    const struct depot_bk_result res = {.error = message != NULL ? &error : NULL};
    status_ends(0, NULL);
    c->bridge->done(c, &res, c->arg);
    assert_true(c->over);
}

#define QUESTION ",\"call\":\"lint\""

static void test_bridge__a_question_goes_to_one_builder(void **state)
{
    (void)state;
    const struct depot_pair told[] = {{"result.json", "{}"}, {"result.statuscode", "1"}};
    start_daemon(2, 4, 0);
    create(BOTH ",\"darwin/arm64\"", QUESTION);
    assert_trace("created depot;assigned linux/amd64,linux/arm64,darwin/arm64 a;");
    struct depot_bk_call *c = bridge_answers(NULL, 0, told, DEPOT_ARRAY_LEN(told));
    assert_string_equal(c->asked, "frontend.lint");
    assert_string_equal(c->exports, "");
    assert_true(c->internal && c->goes_on);
    bridge_ends(c, NULL);
    assert_trace("result linux/amd64,linux/arm64,darwin/arm64 succeeded;finished succeeded;");
    stop_daemon();
}

static void test_bridge__a_frontend_that_knows_no_questions(void **state)
{
    (void)state;
    const struct depot_pair told[] = {{"containerimage.config", "{}"}};
    start_daemon(1, 4, 0);
    create(AMD, QUESTION);
    struct depot_bk_call *c = bridge_answers("\x0a", 2, told, DEPOT_ARRAY_LEN(told));
    assert_false(c->goes_on);
    assert_string_equal(c->refusal, "12 the frontend of builder a does not answer \"lint\"");
    bridge_ends(c, "it said so");
    assert_trace("created depot;assigned linux/amd64 a;result linux/amd64 failed;"
                 "finished failed: it said so;");
    create(AMD, QUESTION);
    bridge_ends(find(0, BRIDGE), "unsupported request frontend.lint");
    assert_trace("created depot;assigned linux/amd64 a;result linux/amd64 failed;"
                 "finished failed: unsupported request frontend.lint;");
    stop_daemon();
}

static void test_bridge__an_answer_that_is_too_large(void **state)
{
    (void)state;
    enum { SIZE = 9 * 1024 * 1024 };
    char *huge = depot_calloc(1, SIZE + 1);
    memset(huge, 'x', SIZE);
    const struct depot_pair told[] = {{"result.json", huge}};
    start_daemon(1, 4, 0);
    create(AMD, QUESTION);
    struct depot_bk_call *c = bridge_answers(NULL, 0, told, DEPOT_ARRAY_LEN(told));
    assert_false(c->goes_on);
    assert_string_equal(c->refusal, "9 the frontend's answer is too large");
    bridge_ends(c, "too large");
    spin();
    stop_daemon();
    depot_free(huge);
}

/* definition{def: [Op{exec, platform{architecture: ARCH, os: OS}}]}, its texts of 5 bytes each */
#define RUNS(arch, os) "\x0a\x12\x12\x00\x52\x0e\x0a\x05" arch "\x12\x05" os

static void test_bridge__foreign_platforms(void **state)
{
    (void)state;
    static const struct {
        const char *what, *definition;
        size_t n;
        const char *says; /* NULL: it goes on */
    } rows[] = {
        {"nothing at all", NULL, 0, NULL},
        {"a step without a platform", "\x0a\x02\x12\x00", 4, NULL},
        {"a step of the builder's platform", RUNS("amd64", "linux"), 20, NULL},
        {"a step of another", RUNS("s390x", "linux"), 20,
            "9 no builder can run linux/s390x, and this step needs it: a command; builders: "
            "a (linux/amd64, linux/386); b (linux/arm64, linux/arm/v7)\nadd a builder"},
        {"a step of another builder's", RUNS("arm64", "linux"), 20,
            "9 builder a cannot run linux/arm64, and this step needs it: a command; builders: a"},
        {"a platform that is none", RUNS("\n/\x1b/ ", "linux"), 20, "9 no builder can run linux/"},
        {"a definition that is none", "\x0a\x7f", 2,
            "9 builder a does not run all of darwin/arm64, and what it would have to run cannot be "
            "told: the engine's definition of the build is malformed"},
        {"an input that is not there", "\x0a\x04\x0a\x02\x0a\x00", 6, "9 builder a does not run"},
    };
    start_daemon(2, 4, 0);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        print_message("  %s\n", rows[i].what);
        create("\"darwin/arm64\"", "");
        assert_trace("created depot;assigned darwin/arm64 a;");
        struct depot_bk_call *c = bridge_answers(rows[i].definition, rows[i].n, NULL, 0);
        assert_string_equal(c->exports, "image ");
        assert_false(c->internal);
        assert_int_equal(c->goes_on, rows[i].says == NULL);
        if (rows[i].says != NULL && strncmp(c->refusal, rows[i].says, strlen(rows[i].says)) != 0)
            fail_msg("%s", c->refusal);
        bridge_ends(c, rows[i].says != NULL ? "the engine's words for it" : NULL);
        if (rows[i].says == NULL) {
            assert_trace("result darwin/arm64 succeeded;finished succeeded;");
            continue;
        }
        /* ... are not told, but ours. */
        spin();
        assert_non_null(strstr(depot_buf_str(&d.trace), "failed: "));
        assert_null(strstr(depot_buf_str(&d.trace), "engine's words"));
        depot_buf_clear(&d.trace);
    }
    stop_daemon();
}

static void test_bridge__cancelled_before_the_answer(void **state)
{
    (void)state;
    start_daemon(1, 4, 0);
    create("\"darwin/arm64\"", "");
    struct depot_bk_call *c = find(0, BRIDGE);
    assert_int_equal(service_cancel(d.service, id, NULL), 0);
    assert_true(c->over);
    status_ends(0, NULL);
    assert_trace("created depot;assigned darwin/arm64 a;result darwin/arm64 cancelled;"
                 "finished cancelled: cancelled;");
    stop_daemon();
}

static void test_service__queues_beyond_capacity(void **state)
{
    (void)state;
    start_daemon(1, 1, 0);
    create(AMD, "");
    create(AMD, "");
    char second[BUILD_ID_LEN + 1];
    memcpy(second, id, sizeof(second));
    create(AMD, "");
    assert_trace(
        "created depot;assigned linux/amd64 a;created depot;queued 1;created depot;queued 2;");
    assert_int_equal(service_cancel(d.service, second, NULL), 0);
    assert_trace("result linux/amd64 cancelled;finished cancelled: cancelled;queued 1;");
    status_ends(0, NULL);
    solve_ends(0, 0, NULL);
    assert_trace("result linux/amd64 succeeded;finished succeeded;assigned linux/amd64 a;");
    stop_daemon();
    /* Whatever ran is over in the log. */
}

static void test_service__cancels_and_reads_to_the_end(void **state)
{
    (void)state;
    struct depot_error err = {0};
    start_daemon(1, 4, 0);
    create(AMD, "");
    assert_int_equal(service_cancel(d.service, id, NULL), 0);
    assert_null(find(0, SOLVE));
    assert_true(find(0, STATUS)->hurried);
    assert_int_equal(service_cancel(d.service, id, NULL), 0); /* twice is fine */
    status_comes(0);
    status_ends(0, NULL);
    assert_trace("created depot;assigned linux/amd64 a;status linux/amd64;"
                 "result linux/amd64 cancelled;finished cancelled: cancelled;");
    assert_int_equal(service_cancel(d.service, id, &err), DEPOT_ERR_INVALID);
    assert_non_null(strstr(err.msg, "is over already"));
    assert_int_equal(service_cancel(d.service, "nosuchone1", &err), DEPOT_ERR_NOT_FOUND);
    stop_daemon();
}

static void test_service__builds_on_the_builder_that_is_named(void **state)
{
    (void)state;
    start_daemon(2, 4, 0);
    create(AMD, ",\"builder\":\"nobody\"");
    assert_trace("created depot;assigned linux/amd64 a;");
    create("\"linux/arm64\"", ",\"builder\":\"b\"");
    assert_trace("created depot;assigned linux/arm64 b;");
    /* No other is thought of: it has what it does not list, if nothing of it has to be run. */
    create(AMD, ",\"builder\":\"b\"");
    assert_trace("created depot;assigned linux/amd64 b;");
    assert_non_null(find(1, BRIDGE));
    stop_daemon();
}

static void no_answer(struct cache_ask *ask, const struct depot_response *a, void *arg)
{
    (void)ask, (void)a, (void)arg;
    fail();
}

static void test_service__tells_provenance_to_the_creator_alone(void **state)
{
    struct depot_error err = {0};
    struct cache_ask *ask = NULL;
    char ref[32];
    (void)state;
    start_daemon(1, 4, 0);
    create(AMD, "");
    snprintf(ref, sizeof(ref), "%s", find(0, SOLVE)->ref);
    char *wrong = depot_strdup(made.secret);
    wrong[0] = wrong[0] == 'a' ? 'b' : 'a';
    const struct {
        const char *ref, *session;
        bool mine;
    } rows[] = {{ref, made.secret, true}, {ref, NULL, false}, {ref, "", false}, {ref, wrong, false},
        {"other", made.secret, false}};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        const struct depot_query q = {.ask = DEPOT_QUERY_PROVENANCE,
            .builder = "a",
            .ref = rows[i].ref,
            .session = rows[i].session};
        int rc = service_cache(d.service, &q, no_answer, NULL, &ask, &err);
        assert_int_equal(rc, rows[i].mine ? 0 : DEPOT_ERR_NOT_FOUND);
        if (rc == 0)
            cache_ask_free(ask);
    }
    depot_free(wrong);
    stop_daemon();
}

/* What nobody asked for goes only to engines that can keep it; what somebody did goes to all. */
static void test_service__keeps_unasked_provenance_from_some_engines(void **state)
{
    static const struct {
        unsigned caps;
        const char *given, *sent;
    } rows[] = {
        {DEPOT_BK_CAP_ATTESTATIONS, "mode=min,inline-only=true", "mode=min,inline-only=true"},
        {DEPOT_BK_CAP_ATTESTATIONS | DEPOT_BK_CAP_MOBY, "mode=min,inline-only=true", ""},
        {0, "mode=min,inline-only=true", ""},
        {0, "mode=max", "mode=max"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_error err = {0};
        start_daemon(1, 4, rows[i].caps);
        char *json = depot_asprintf("{\"platforms\":[%s],\"solve\":{\"attrs\":"
                                    "{\"attest:provenance\":\"%s\"}}}",
            AMD, rows[i].given);
        assert_int_equal(create_text(json, strlen(json), "ann", &made, &err), 0);
        assert_string_equal(find(0, SOLVE)->attest, rows[i].sent);
        depot_free(json);
        stop_daemon();
    }
}

static void test_service__adapts_exports_to_docker(void **state)
{
    (void)state;
    start_daemon(1, 4, DEPOT_BK_CAP_MOBY | DEPOT_BK_CAP_MULTI_EXPORTER);
    create_with(AMD,
        "{\"type\":\"image\",\"attrs\":{\"name\":\"x\"}},{\"type\":\"local\"},{\"type\":\"docker\","
        "\"load\":true}",
        "");
    assert_string_equal(find(0, SOLVE)->exports, "moby local moby ");
    stop_daemon();
}

static void test_service__leaves_an_image_on_docker_alone(void **state)
{
    (void)state;
    start_daemon(1, 4, DEPOT_BK_CAP_MOBY);
    create_default();
    assert_string_equal(find(0, SOLVE)->exports, "moby ");
    stop_daemon();
    start_daemon(1, 4, 0);
    create_default();
    assert_string_equal(find(0, SOLVE)->exports, "");
    stop_daemon();
}

static void test_service__refuses_what_docker_cannot_export(void **state)
{
    static const char *const rows[] = {
        "{\"type\":\"oci\"}",
        "{\"type\":\"docker\"}",
        "{\"type\":\"docker\",\"load\":true},{\"type\":\"docker\",\"load\":false}",
        "{\"type\":\"docker\",\"load\":true},{\"type\":\"local\"}",
        ("{\"type\":\"image\",\"attrs\":{\"name\":\"x\",\"push\":\"true\","
         "\"push-by-digest\":\"true\"}}"),
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        start_daemon(1, 4, DEPOT_BK_CAP_MOBY);
        create_with(AMD, rows[i], "");
        spin();
        assert_null(find(0, SOLVE));
        assert_non_null(strstr(depot_buf_str(&d.trace), "result linux/amd64 failed;"));
        assert_non_null(strstr(depot_buf_str(&d.trace), "is a Docker Engine that cannot"));
        stop_daemon();
    }
}

/* ---- sessions ---- */
static struct {
    int data, closed;
} client;

static void on_data(struct relay *r, const void *data, size_t n, void *arg)
{
    (void)r, (void)data, (void)arg;
    client.data += (int)n;
}

static void on_closed(struct relay *r, int ws_code, const char *reason, void *arg)
{
    (void)r, (void)reason, (void)arg;
    client.closed = ws_code;
}

static const struct relay_ops relay_ops = {.data = on_data, .closed = on_closed};

#define SESSION ",\"session\":{\"methods\":[\"/a.B/C\"]}"

static void test_service__waits_for_the_session_and_relays(void **state)
{
    struct relay *r, *second;
    struct depot_error err = {0};
    (void)state;
    memset(&client, 0, sizeof(client));
    start_daemon(1, 4, 0);
    create(AMD, SESSION);
    assert_null(find(0, SOLVE));
    assert_int_equal(
        service_session(d.service, id, "b", NULL, &relay_ops, NULL, &r, &err), DEPOT_ERR_NOT_FOUND);
    assert_int_equal(service_session(d.service, id, "a", NULL, &relay_ops, NULL, &r, &err), 0);
    assert_string_equal(find(0, SOLVE)->session, fake.sessions[0].id);
    assert_int_equal(service_session(d.service, id, "a", NULL, &relay_ops, NULL, &second, &err),
        DEPOT_ERR_EXISTS);
    relay_write(r, "hello", 5);
    assert_string_equal(depot_buf_str(&fake.sessions[0].got), "hello");
    assert_int_equal(relay_queued(r), 5);
    fake.sessions[0].ops->data(&fake.sessions[0], "abc", 3, fake.sessions[0].arg);
    assert_int_equal(client.data, 3);
    depot_buf_clear(&d.trace);
    static const char *const texts[] = {"", "{", "[]", "{\"context\":1}", "{\"other\":{}}",
        "{\"context\":{\"files\":\"x\",\"changed\":[1,\"a\",null]}}",
        "{\"context\":{\"files\":-1,\"new\":{},\"changed\":[\"a\"],\"changed_more\":2}}"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(texts); i++)
        relay_text(r, texts[i], strlen(texts[i]));
    assert_trace("context 1+2;");
    status_ends(0, NULL);
    solve_ends(0, 0, NULL);
    assert_int_equal(client.closed, 1000);
    assert_true(fake.sessions[0].ended);
    assert_trace("result linux/amd64 succeeded;finished succeeded;");
    relay_text(r, texts[6], strlen(texts[6])); /* too late, and harmless */
    relay_write(r, "x", 1);
    relay_free(r);
    assert_true(fake.sessions[0].freed);
    stop_daemon();
}

static void test_service__takes_a_session_again(void **state)
{
    struct relay *r;
    (void)state;
    start_daemon(1, 4, 0);
    create(AMD, SESSION);
    assert_int_equal(service_session(d.service, id, "a", NULL, &relay_ops, NULL, &r, NULL), 0);
    relay_free(r);
    assert_non_null(find(0, SOLVE)); /* the build goes on */
    assert_int_equal(service_session(d.service, id, "a", NULL, &relay_ops, NULL, &r, NULL), 0);
    assert_string_equal(fake.sessions[1].id, fake.sessions[0].id);
    memset(&client, 0, sizeof(client));
    stop_daemon();
    assert_int_equal(client.closed, 1000);
    relay_free(r);
}

static void test_service__blames_a_lost_client(void **state)
{
    struct relay *r;
    (void)state;
    start_daemon(1, 4, 0);
    create(AMD, SESSION);
    assert_int_equal(service_session(d.service, id, "a", NULL, &relay_ops, NULL, &r, NULL), 0);
    relay_free(r);
    depot_buf_clear(&d.trace);
    status_ends(0, NULL);
    solve_ends(0, 1, "context canceled");
    assert_trace("result linux/amd64 cancelled;"
                 "finished cancelled: the client's connection was lost;");
    stop_daemon();
}

/* ---- other clients' builds ---- */
static void record_since(
    enum depot_bk_history_kind kind, const char *ref, int generation, depot_time created)
{
    struct depot_bk_call *c = find(0, HISTORY);
    const struct depot_pair attrs[] = {{"platform", "linux/amd64"}, {"target", "t"}};
    const struct depot_bk_record rec = {.kind = kind,
        .ref = ref,
        .attrs = attrs,
        .nattrs = 2,
        .created = created,
        .completed = kind == DEPOT_BK_COMPLETE ? depot_time_now() : 0,
        .generation = generation};
    assert_non_null(c);
    c->history->record(c, &rec, c->arg);
}

static void record(enum depot_bk_history_kind kind, const char *ref, int generation)
{
    record_since(kind, ref, generation, depot_time_now());
}

static void history_ends(void)
{
    struct depot_bk_call *c = find(0, HISTORY);
    c->history->done(c, NULL, c->arg);
}

/* Engines say of a build that it is complete once more, seconds after its end. */
static void test_service__shows_what_others_built_before_when_it_is_wanted(void **state)
{
    const depot_time before = depot_time_now() - 5 * DEPOT_SEC;
    (void)state;
    start_daemon(1, 4, DEPOT_BK_CAP_HISTORY);
    record_since(DEPOT_BK_COMPLETE, "past1", 1, before);
    record_since(DEPOT_BK_COMPLETE, "past2", 1, before);
    record_since(DEPOT_BK_COMPLETE, "past1", 2, before);
    record_since(DEPOT_BK_STARTED, "past1", 2, before);
    assert_trace("");
    assert_null(find(0, STATUS));
    assert_true(service_idle(d.service));
    service_api.builds_wanted(d.service);
    service_api.builds_wanted(d.service);
    assert_string_equal(find(0, HISTORY)->ref, "past1");
    record_since(DEPOT_BK_COMPLETE, "past1", 2, before);
    status_comes(0);
    status_ends(0, NULL);
    history_ends();
    assert_trace("created observed;assigned linux/amd64 a;status linux/amd64;"
                 "result linux/amd64 succeeded;finished succeeded;");
    /* The engine has forgotten the other one; the history itself goes on. */
    assert_string_equal(find(0, HISTORY)->ref, "past2");
    history_ends();
    assert_string_equal(find(0, HISTORY)->ref, "");
    record_since(DEPOT_BK_COMPLETE, "past1", 3, before);
    assert_trace("");
    record_since(DEPOT_BK_COMPLETE, "past3", 1, before); /* it is still wanted */
    status_ends(0, NULL);
    assert_trace("created observed;assigned linux/amd64 a;"
                 "result linux/amd64 succeeded;finished succeeded;");
    stop_daemon();
}

static void test_service__shows_builds_of_others_once(void **state)
{
    struct depot_error err = {0};
    (void)state;
    start_daemon(1, 4, DEPOT_BK_CAP_HISTORY);
    record(DEPOT_BK_STARTED, "ref1", 0);
    record(DEPOT_BK_STARTED, "ref1", 0);
    assert_false(service_idle(d.service));
    status_comes(0);
    record(DEPOT_BK_COMPLETE, "ref1", 0);
    record(DEPOT_BK_COMPLETE, "ref1", 1);
    assert_trace("created observed;assigned linux/amd64 a;status linux/amd64;");
    status_ends(0, NULL);
    assert_trace("result linux/amd64 succeeded;finished succeeded;");
    record(DEPOT_BK_COMPLETE, "ref1", 2);
    record(DEPOT_BK_DELETED, "ref1", 2);
    assert_trace("");
    /* The end may come first. */
    record(DEPOT_BK_COMPLETE, "ref2", 0);
    record(DEPOT_BK_STARTED, "ref2", 0);
    status_ends(0, NULL);
    assert_trace("created observed;assigned linux/amd64 a;"
                 "result linux/amd64 succeeded;finished succeeded;");
    /* Ours is not a stranger's. */
    create(AMD, "");
    record(DEPOT_BK_STARTED, find(0, SOLVE)->ref, 0);
    assert_trace("created depot;assigned linux/amd64 a;");
    assert_int_equal(service_cancel(d.service, "nosuchone1", &err), DEPOT_ERR_NOT_FOUND);
    stop_daemon();
}

/* ---- caches ---- */
static struct depot_buf told; /* the newest answer, as JSON */

static void on_cache(struct cache_ask *q, const struct depot_response *a, void *arg)
{
    (void)arg;
    depot_buf_clear(&told);
    depot_record_encode(&told, depot_record_of_response(a->ask), &a->u);
    cache_ask_free(q);
}

static void record_comes(struct depot_bk_call *c, const struct depot_bk_usage *u)
{
    assert_non_null(c);
    c->usage->usage(c, u, c->arg);
}

static const struct depot_bk_usage layer = {
    .id = "l", .description = "RUN make", .type = "regular", .size = 300, .last_used = 5};

static void ask_cache(const struct depot_query *q)
{
    struct cache_ask *ask;
    struct depot_error err = {0};
    depot_buf_init(&told, DEPOT_BUF_NO_LIMIT);
    if (service_cache(d.service, q, on_cache, NULL, &ask, &err) != 0)
        fail_msg("%s", err.msg);
}

static void test_cache__sums_what_each_engine_tells(void **state)
{
    const struct depot_query q = {.ask = DEPOT_QUERY_CACHE};
    struct depot_bk_usage mount = {.id = "m", .type = "exec.cachemount", .size = 900};
    struct depot_bk_usage busy = layer, bad = {.size = -5};
    struct depot_error err = {0};
    (void)state;
    start_daemon(2, 4, 0);
    busy.id = "b";
    busy.in_use = true;
    ask_cache(&q);
    struct depot_bk_call *one = find(0, USAGE), *two = find(1, USAGE);
    record_comes(one, &layer);
    record_comes(one, &mount);
    record_comes(one, &busy);
    record_comes(one, &bad);
    one->usage->done(one, NULL, one->arg);
    spin();
    assert_int_equal(told.len, 0);
    depot_error_set(&err, DEPOT_ERR_UNAVAILABLE, "gone");
    two->usage->done(two, &err, two->arg);
    spin();
    assert_string_equal(depot_buf_str(&told),
        "{\"builders\":[{\"builder\":\"a\",\"bytes\":1500,\"reclaimable\":1200,\"limit\":5000,"
        "\"records\":4,\"types\":["
        "{\"type\":\"exec.cachemount\",\"bytes\":900,\"reclaimable\":900,\"records\":1},"
        "{\"type\":\"regular\",\"bytes\":600,\"reclaimable\":300,\"records\":3}],\"list\":["
        "{\"id\":\"m\",\"description\":\"\",\"type\":\"exec.cachemount\",\"bytes\":900,\"uses\":0,"
        "\"in_use\":false,\"shared\":false,\"mutable\":false},"
        "{\"id\":\"b\",\"description\":\"RUN make\",\"type\":\"regular\",\"bytes\":300,"
        "\"last_used\":\"1970-01-01T00:00:00.000000005Z\",\"uses\":0,\"in_use\":true,"
        "\"shared\":false,\"mutable\":false},"
        "{\"id\":\"l\",\"description\":\"RUN make\",\"type\":\"regular\",\"bytes\":300,"
        "\"last_used\":\"1970-01-01T00:00:00.000000005Z\",\"uses\":0,\"in_use\":false,"
        "\"shared\":false,\"mutable\":false},"
        "{\"id\":\"\",\"description\":\"\",\"type\":\"regular\",\"bytes\":-5,\"uses\":0,"
        "\"in_use\":false,\"shared\":false,\"mutable\":false}]},"
        "{\"builder\":\"b\",\"error\":\"gone\",\"bytes\":0,\"reclaimable\":0,\"limit\":5000,"
        "\"records\":0,\"types\":[],\"list\":[]}]}");
    depot_buf_release(&told);
    stop_daemon();
}

static void test_cache__lists_the_biggest_and_the_oldest(void **state)
{
    const struct depot_query q = {.ask = DEPOT_QUERY_CACHE, .builder = "a"};
    char name[16];
    (void)state;
    start_daemon(1, 4, 0);
    ask_cache(&q);
    struct depot_bk_call *c = find(0, USAGE);
    for (int i = 0; i < 500; i++) { /* the smaller, the newer; but the smallest is the oldest */
        struct depot_bk_usage u = {.id = name, .size = 1000 - i, .last_used = i < 499 ? 10 + i : 1};
        snprintf(name, sizeof(name), "r%d", i);
        record_comes(c, &u);
    }
    c->usage->done(c, NULL, c->arg);
    spin();
    const char *text = depot_buf_str(&told);
    assert_non_null(strstr(text, "\"records\":500"));
    assert_non_null(strstr(text, "\"list\":[{\"id\":\"r0\""));
    assert_non_null(strstr(text, "\"id\":\"r99\""));
    assert_non_null(strstr(text, "\"id\":\"r198\""));
    assert_null(strstr(text, "\"id\":\"r199\""));
    assert_null(strstr(text, "\"id\":\"r498\""));
    assert_non_null(strstr(text, "\"id\":\"r499\""));
    depot_buf_release(&told);
    stop_daemon();
}

static void test_cache__prunes_as_told(void **state)
{
    const struct depot_query q = {
        .ask = DEPOT_QUERY_PRUNE, .builder = "b", .all = true, .keep_bytes = 7, .keep_hours = 2};
    const struct depot_query odd = {.ask = DEPOT_QUERY_PRUNE, .builder = "c"};
    struct depot_error err = {0};
    struct cache_ask *ask;
    (void)state;
    start_daemon(2, 4, 0);
    assert_int_equal(
        service_cache(d.service, &odd, on_cache, NULL, &ask, &err), DEPOT_ERR_NOT_FOUND);
    ask_cache(&q);
    assert_null(find(0, PRUNE));
    struct depot_bk_call *c = find(1, PRUNE);
    assert_non_null(c);
    assert_true(c->all);
    assert_int_equal(c->keep_bytes, 7);
    assert_int_equal(c->keep_ns, 2 * 3600 * DEPOT_SEC);
    record_comes(c, &layer);
    record_comes(c, &layer);
    c->usage->done(c, NULL, c->arg);
    spin();
    assert_string_equal(
        depot_buf_str(&told), "{\"builders\":[{\"builder\":\"b\",\"freed\":600,\"records\":2}]}");
    depot_buf_release(&told);
    /* Taken back: the engine is told to stop. */
    assert_int_equal(service_cache(d.service, &q, on_cache, NULL, &ask, &err), 0);
    c = find(1, PRUNE);
    cache_ask_free(ask);
    assert_true(c->over);
    stop_daemon();
}

static void note_wake(struct subscriber *s, void *arg)
{
    (void)s, (void)arg;
}

static void test_metrics__are_taken_while_somebody_looks(void **state)
{
    size_t n;
    (void)state;
    start_daemon(1, 4, 0);
    for (int i = 0; i < 30; i++) {
        spin();
        struct timespec ms = {.tv_nsec = 10000000};
        nanosleep(&ms, NULL);
    }
    assert_null(find(0, USAGE));
    struct subscriber *s = hub_subscriber_new(d.hub, note_wake, NULL);
    hub_subscribe_fleet(s, false);
    hub_subscribe_fleet(s, true); /* twice is once */
    for (int i = 0; i < 500 && find(0, USAGE) == NULL; i++) {
        spin();
        struct timespec ms = {.tv_nsec = 10000000};
        nanosleep(&ms, NULL);
    }
    struct depot_bk_call *c = find(0, USAGE);
    record_comes(c, &layer);
    c->usage->done(c, NULL, c->arg);
    spin();
    const struct depot_ev_builder *b = service_builders(d.service, &n);
    assert_int_equal(b->cache_used, 300);
    assert_int_equal(b->cache_limit, 5000);
    assert_true(b->cpu < 0); /* nobody listens at its socket: not of this machine */
    hub_subscriber_free(s);
    b = service_builders(d.service, &n);
    assert_int_equal(b->cache_used, -1);
    stop_daemon();
}

static void test_service__says_what_to_do_without_a_builder(void **state)
{
    static const char json[] = "{\"platforms\":[\"linux/amd64\"],\"solve\":{}}";
    struct depot_error err = {0};
    (void)state;
    start_daemon(0, 4, 0);
    service_set_tried(d.service, "unix:///x (No such file or directory)");
    assert_int_equal(create_text(json, strlen(json), "ann", &made, &err), DEPOT_ERR_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "unix:///x (No such file"));
    assert_non_null(strstr(err.hint, "--builder"));
    stop_daemon();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service__runs_parts_side_by_side),
        cmocka_unit_test(test_service__one_failure_cancels_the_rest),
        cmocka_unit_test(test_service__names_an_engine_that_went_away),
        cmocka_unit_test(test_service__queues_beyond_capacity),
        cmocka_unit_test(test_bridge__a_question_goes_to_one_builder),
        cmocka_unit_test(test_bridge__a_frontend_that_knows_no_questions),
        cmocka_unit_test(test_bridge__an_answer_that_is_too_large),
        cmocka_unit_test(test_bridge__foreign_platforms),
        cmocka_unit_test(test_bridge__cancelled_before_the_answer),
        cmocka_unit_test(test_service__cancels_and_reads_to_the_end),
        cmocka_unit_test(test_service__builds_on_the_builder_that_is_named),
        cmocka_unit_test(test_service__tells_provenance_to_the_creator_alone),
        cmocka_unit_test(test_service__keeps_unasked_provenance_from_some_engines),
        cmocka_unit_test(test_service__adapts_exports_to_docker),
        cmocka_unit_test(test_service__leaves_an_image_on_docker_alone),
        cmocka_unit_test(test_service__refuses_what_docker_cannot_export),
        cmocka_unit_test(test_service__waits_for_the_session_and_relays),
        cmocka_unit_test(test_service__takes_a_session_again),
        cmocka_unit_test(test_service__blames_a_lost_client),
        cmocka_unit_test(test_service__shows_builds_of_others_once),
        cmocka_unit_test(test_service__shows_what_others_built_before_when_it_is_wanted),
        cmocka_unit_test(test_cache__sums_what_each_engine_tells),
        cmocka_unit_test(test_cache__lists_the_biggest_and_the_oldest),
        cmocka_unit_test(test_cache__prunes_as_told),
        cmocka_unit_test(test_metrics__are_taken_while_somebody_looks),
        cmocka_unit_test(test_service__says_what_to_do_without_a_builder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
