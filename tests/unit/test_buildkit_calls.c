/*
 * The calls of core/buildkit against a small engine of our own: gRPC over a unix socket, a handful
 * of methods with scripted answers.
 */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <depot/os.h>

#include "buildkit/bridge_answer.h"
#include "buildkit/convert.h"
#include "buildkit/message.h"
#include "content.pb-c.h"
#include "gateway.pb-c.h"
#include "grpc/grpc.h"
#include "net/stream.h"

/* protobuf-c's strings are not const. */
#define STR(s) ((char *)(s))

enum { HUGE = 17 * 1024 * 1024 }; /* no message may be so large */
enum { CONNS_MAX = 8, GUARD_MS = 10000 };

/* ---- the engine ---- */
struct engine {
    struct depot_loop *loop;
    struct depot_timer *guard;
    char dir[32], path[64];
    int fd;
    struct depot_loop_fd *watch;
    struct dp_grpc_conn *conns[CONNS_MAX];
    size_t nconns;
    bool has_history;
    char seen[256]; /* metadata of the last session */
    enum {
        NO_GATEWAY,
        ANSWERS,
        ANSWERS_TOO_MUCH,
        ANSWERS_GARBAGE,
        FAILS,
        FAILS_LARGE,
        DIES,
        HOLDS
    } gateway;
    struct dp_grpc_call *open; /* the build that the gateway was asked for */
    struct depot_buf returned; /* what Return said */
    bool huge;                 /* the error that we end a build with */
    bool hangs;                /* builds stay open, and there is no gateway */
    const char *progress;      /* see on_status(); NULL: see on_tick() */
    struct depot_timer *ticker;
    int ticks;
    /* the client side of a test */
    struct depot_bk *bk;
    struct depot_bk_call *call;
    struct depot_bk_session *session;
    int dones, items;
    char text[512];
};

static void answer(struct dp_grpc_call *c, const ProtobufCMessage *m)
{
    struct depot_buf buf = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_pb_pack(&buf, m);
    dp_grpc_send(c, buf.data, buf.len);
    depot_buf_release(&buf);
}

static void on_request_none(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    (void)c, (void)data, (void)n, (void)arg;
}

static void on_call_done(struct dp_grpc_call *c, const struct dp_grpc_status *st, void *arg)
{
    (void)c, (void)st, (void)arg;
}

static void on_workers(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    (void)data, (void)n, (void)arg;
    Pb__Platform p = PB__PLATFORM__INIT;
    p.os = STR("linux");
    p.architecture = STR("arm64");
    Bk__WorkerRecord w = BK__WORKER_RECORD__INIT;
    w.id = STR("abc");
    w.platforms = (Pb__Platform *[]){&p};
    w.n_platforms = 1;
    Bk__ListWorkersResponse m = BK__LIST_WORKERS_RESPONSE__INIT;
    m.record = (Bk__WorkerRecord *[]){&w};
    m.n_record = 1;
    answer(c, &m.base);
    dp_grpc_respond(c, DP_GRPC_OK, "");
}

static void on_solve(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    struct engine *e = arg;
    if (e->gateway != NO_GATEWAY || e->hangs) {
        e->open = c;
        return;
    }
    Bk__SolveRequest *m = bk__solve_request__unpack(NULL, n, data);
    bool internal = m != NULL && m->internal;
    bk__solve_request__free_unpacked(m, NULL);
    dp_grpc_respond(c, DP_GRPC_UNKNOWN, internal ? "no gateway here" : "it failed");
}

static void on_open_done(struct dp_grpc_call *c, const struct dp_grpc_status *st, void *arg)
{
    (void)st;
    struct engine *e = arg;
    if (e->open == c)
        e->open = NULL;
}

/* Two platforms, metadata, attestations: result{refs{..}, metadata, attestations}. */
static const char gateway_answer[] = "\x1a\x33"
                                     "\x22\x25"
                                     "\x0a\x12\x0a\x07linux/a\x12\x07\x0a\x01"
                                     "1\x12\x02\x0a\x00"
                                     "\x0a\x0f\x0a\x07linux/b\x12\x04\x0a\x02"
                                     "22"
                                     "\x52\x06\x0a\x01k\x12\x01v"
                                     "\x62\x02\x0a\x00";
/* The same without definitions. */
static const char gateway_return[] = "\x0a\x2f"
                                     "\x22\x21"
                                     "\x0a\x0e\x0a\x07linux/a\x12\x03\x0a\x01"
                                     "1"
                                     "\x0a\x0f\x0a\x07linux/b\x12\x04\x0a\x02"
                                     "22"
                                     "\x52\x06\x0a\x01k\x12\x01v"
                                     "\x62\x02\x0a\x00";

static void answer_too_much(struct dp_grpc_call *c)
{
    struct depot_buf buf = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    uint8_t head[16], *p = dp_pb_put_tag(head, 3, DP_PB_BYTES);
    p = dp_pb_put_varint(p, (DEPOT_BK_META_MAX + 1) * 2);
    depot_buf_add(&buf, head, (size_t)(p - head));
    for (int i = 0; i <= DEPOT_BK_META_MAX; i++)
        depot_buf_add(&buf, "\x52", 2);
    dp_grpc_send(c, buf.data, buf.len);
    depot_buf_release(&buf);
}

/* Is it the linter that is asked? It tells the place. */
static bool answer_lint(struct dp_grpc_call *c, const uint8_t *data, size_t n)
{
    static const char lint[] = "{\"sources\":[{\"filename\":\"F\",\"data\":\"b25lCg==\"}],"
                               "\"buildError\":{\"message\":\"m\","
                               "\"location\":{\"ranges\":[{\"start\":{\"line\":1}}]}}}";
    Gateway__SolveRequest *m = gateway__solve_request__unpack(NULL, n, data);
    bool asked = false;
    for (size_t i = 0; m != NULL && i < m->n_frontend_opt; i++)
        asked |= strcmp(m->frontend_opt[i]->value, "frontend.lint") == 0;
    gateway__solve_request__free_unpacked(m, NULL);
    if (!asked)
        return false;
    struct depot_buf entry = DEPOT_BUF_INIT(4096), result = DEPOT_BUF_INIT(4096),
                     response = DEPOT_BUF_INIT(4096);
    dp_bk_add_field(&entry, 1, "result.json", 11);
    dp_bk_add_field(&entry, 2, lint, sizeof(lint) - 1);
    dp_bk_add_field(&result, 10, entry.data, entry.len);
    dp_bk_add_field(&response, 3, result.data, result.len);
    dp_grpc_send(c, response.data, response.len);
    depot_buf_release(&entry);
    depot_buf_release(&result);
    depot_buf_release(&response);
    return true;
}

static void on_ask(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    struct engine *e = arg;
    switch (e->gateway) {
    case ANSWERS:
        dp_grpc_send(c, gateway_answer, sizeof(gateway_answer) - 1);
        break;
    case ANSWERS_TOO_MUCH:
        answer_too_much(c);
        break;
    case ANSWERS_GARBAGE:
        dp_grpc_send(c, "\x1a\x02\x22\x09", 4);
        break;
    case FAILS_LARGE:
        if (answer_lint(c, data, n))
            break;
        dp_grpc_respond(c, DP_GRPC_UNKNOWN, "parse error on line 3");
        return;
    case FAILS:
        dp_grpc_respond(c, DP_GRPC_UNKNOWN, "parse error on line 3");
        return;
    case NO_GATEWAY:
        dp_grpc_respond(
            c, DP_GRPC_UNIMPLEMENTED, "unknown service moby.buildkit.v1.frontend.LLBBridge");
        return;
    case HOLDS:
        return;
    case DIES:
        for (size_t i = 0; i < e->nconns; i++) {
            dp_grpc_conn_free(e->conns[i]);
            e->conns[i] = NULL;
        }
        e->open = NULL;
        return;
    }
    dp_grpc_respond(c, DP_GRPC_OK, "");
}

static void on_return(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    struct engine *e = arg;
    Gateway__ReturnRequest *m = gateway__return_request__unpack(NULL, n, data);
    assert_non_null(m);
    depot_buf_add(&e->returned, data, n);
    dp_grpc_respond(c, DP_GRPC_OK, "");
    if (m->error != NULL) {
        dp_grpc_respond(e->open, m->error->code, m->error->message);
    } else {
        Bk__Pair pair = BK__PAIR__INIT;
        Bk__SolveResponse r = BK__SOLVE_RESPONSE__INIT;
        pair.key = STR("digest");
        pair.value = STR("it was made");
        r.exporter_response = (Bk__Pair *[]){&pair};
        r.n_exporter_response = 1;
        answer(e->open, &r.base);
        dp_grpc_respond(e->open, DP_GRPC_OK, "");
    }
    gateway__return_request__free_unpacked(m, NULL);
}

static void answer_vertex(struct dp_grpc_call *c, const char *digest, const char *error)
{
    Bk__Vertex v = BK__VERTEX__INIT;
    v.digest = STR(digest);
    v.name = STR("step");
    v.error = STR(error);
    Bk__StatusResponse m = BK__STATUS_RESPONSE__INIT;
    m.vertexes = (Bk__Vertex *[]){&v};
    m.n_vertexes = 1;
    answer(c, &m.base);
}

static void answer_log(struct dp_grpc_call *c, const char *digest, const char *text, size_t n)
{
    Bk__VertexLog l = BK__VERTEX_LOG__INIT;
    l.vertex = STR(digest);
    l.msg.data = (uint8_t *)text;
    l.msg.len = n;
    Bk__StatusResponse m = BK__STATUS_RESPONSE__INIT;
    m.logs = (Bk__VertexLog *[]){&l};
    m.n_logs = 1;
    answer(c, &m.base);
}

/* The engine's script of a build's progress: v and V, a vertex that goes well and one that fails;
 * a letter of a to z, a log of that letter; L, 40 KiB of log; !, what is no message. */
static void on_status(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    (void)data, (void)n;
    static char large[40 * 1024];
    struct engine *e = arg;
    memset(large, 'L', sizeof(large));
    for (const char *p = e->progress; *p != '\0'; p++) {
        if (*p == 'v' || *p == 'V')
            answer_vertex(c, "sha256:a", *p == 'V' ? "it failed" : "");
        else if (*p == '!')
            dp_grpc_send(c, "\xff", 1);
        else
            answer_log(c, "sha256:a", *p == 'L' ? large : p, *p == 'L' ? sizeof(large) : 1);
    }
    dp_grpc_respond(c, DP_GRPC_OK, "");
}

/* The engine says a letter each 2 ms, for 200 ms. */
static void on_tick(struct depot_timer *t, void *arg)
{
    struct engine *e = arg;
    const char letter = (char)('a' + e->ticks++ % 26);
    if (e->open != NULL)
        answer_log(e->open, "sha256:a", &letter, 1);
    if (e->open == NULL || e->ticks < 100)
        return;
    depot_timer_stop(t);
    dp_grpc_respond(e->open, DP_GRPC_OK, "");
    e->open = NULL;
}

static void start_ticking(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    (void)data, (void)n;
    struct engine *e = arg;
    e->open = c;
    depot_timer_start(e->ticker, 2, 2);
}

/* One platform with provenance behind another attestation, one with none. */
static void on_history(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    (void)data, (void)n, (void)arg;
    Bk__Pair sbom_type = BK__PAIR__INIT, slsa_type = BK__PAIR__INIT;
    sbom_type.key = slsa_type.key = STR("in-toto.io/predicate-type");
    sbom_type.value = STR("https://spdx.dev/Document");
    slsa_type.value = STR("https://slsa.dev/provenance/v1");
    Bk__Descriptor sbom = BK__DESCRIPTOR__INIT, slsa = BK__DESCRIPTOR__INIT;
    sbom.media_type = slsa.media_type = STR("application/vnd.in-toto+json");
    sbom.digest = STR("sha256:sbom");
    slsa.digest = STR("sha256:slsa");
    sbom.annotations = (Bk__Pair *[]){&sbom_type};
    slsa.annotations = (Bk__Pair *[]){&slsa_type};
    sbom.n_annotations = slsa.n_annotations = 1;
    Bk__ResultInfo attested = BK__RESULT_INFO__INIT, bare = BK__RESULT_INFO__INIT;
    attested.attestations = (Bk__Descriptor *[]){&sbom, &slsa};
    attested.n_attestations = 2;
    Bk__NamedResultInfo amd = BK__NAMED_RESULT_INFO__INIT, arm = BK__NAMED_RESULT_INFO__INIT;
    amd.key = STR("linux/amd64");
    amd.value = &attested;
    arm.key = STR("linux/arm64");
    arm.value = &bare;
    Google__Status error = GOOGLE__STATUS__INIT;
    error.code = 2;
    error.message = STR("short");
    Bk__Descriptor blob = BK__DESCRIPTOR__INIT;
    blob.digest = STR("sha256:blob");
    Bk__HistoryRecord r = BK__HISTORY_RECORD__INIT;
    r.ref = STR("ref");
    r.error = &error;
    r.external_error = &blob;
    r.results = (Bk__NamedResultInfo *[]){&amd, &arm};
    r.n_results = 2;
    Bk__HistoryEvent ev = BK__HISTORY_EVENT__INIT;
    ev.type = BK__HISTORY_EVENT_TYPE__COMPLETE;
    ev.record = &r;
    answer(c, &ev.base);
    dp_grpc_respond(c, DP_GRPC_OK, "");
}

/* The blob in two messages. */
static void on_read(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    (void)data, (void)n, (void)arg;
    Google__Any any = GOOGLE__ANY__INIT;
    static const char json[] = "{\"digest\":\"sha256:failed\"}";
    any.type_url = STR("github.com/moby/buildkit/errdefs.Vertex+json");
    any.value = (ProtobufCBinaryData){.len = sizeof(json) - 1, .data = (uint8_t *)json};
    Google__Status m = GOOGLE__STATUS__INIT;
    m.code = 2;
    m.message = STR("the whole story");
    m.details = (Google__Any *[]){&any};
    m.n_details = 1;
    struct depot_buf buf = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_pb_pack(&buf, &m.base);
    Content__ReadResponse part = CONTENT__READ_RESPONSE__INIT;
    part.data = (ProtobufCBinaryData){.len = 5, .data = (uint8_t *)buf.data};
    answer(c, &part.base);
    part.offset = 5;
    part.data = (ProtobufCBinaryData){.len = buf.len - 5, .data = (uint8_t *)buf.data + 5};
    answer(c, &part.base);
    dp_grpc_respond(c, DP_GRPC_OK, "");
    depot_buf_release(&buf);
}

/* A session that echoes. */
static void on_session(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    (void)arg;
    dp_grpc_send(c, data, n);
}

static void on_session_end(struct dp_grpc_call *c, void *arg)
{
    (void)arg;
    dp_grpc_respond(c, DP_GRPC_OK, "");
}

#define OPEN(name, fn, end)                                                                        \
    static void name(struct dp_grpc_call *c, void *arg)                                            \
    {                                                                                              \
        static const struct dp_grpc_call_ops ops = {                                               \
            .message = (fn), .half_closed = (end), .done = on_call_done};                          \
        dp_grpc_accept(c, &ops, arg);                                                              \
    }
OPEN(open_workers, on_workers, NULL)
OPEN(accept_ask, on_ask, NULL)
OPEN(open_return, on_return, NULL)
OPEN(open_script, on_status, NULL)
OPEN(open_ticking, start_ticking, NULL)
OPEN(open_read, on_read, NULL)
OPEN(open_hanging, on_request_none, NULL)
OPEN(accept_history, on_history, NULL)
OPEN(accept_session, on_session, on_session_end)

static void open_solve(struct dp_grpc_call *c, void *arg)
{
    static const struct dp_grpc_call_ops ops = {.message = on_solve, .done = on_open_done};
    dp_grpc_accept(c, &ops, arg);
}

static void open_ask(struct dp_grpc_call *c, void *arg)
{
    struct engine *e = arg;
    snprintf(e->seen, sizeof(e->seen), "%s", dp_grpc_md_get(c, "buildkit-controlapi-buildid", 0));
    accept_ask(c, arg);
}

static void open_history(struct dp_grpc_call *c, void *arg)
{
    struct engine *e = arg;
    if (e->has_history)
        accept_history(c, arg);
    else
        dp_grpc_respond(c, DP_GRPC_UNIMPLEMENTED, "unknown method");
}

static void open_status(struct dp_grpc_call *c, void *arg)
{
    const struct engine *e = arg;
    if (e->progress != NULL)
        open_script(c, arg);
    else
        open_ticking(c, arg);
}

static void open_session(struct dp_grpc_call *c, void *arg)
{
    struct engine *e = arg;
    const char *second = dp_grpc_md_get(c, "x-docker-expose-session-grpc-method", 1);
    snprintf(e->seen, sizeof(e->seen), "%s %s %s",
        dp_grpc_md_get(c, "x-docker-expose-session-uuid", 0),
        dp_grpc_md_get(c, "x-docker-expose-session-sharedkey", 0), second ? second : "-");
    accept_session(c, arg);
}

static const struct dp_grpc_method methods[] = {
    {"/moby.buildkit.v1.Control/ListWorkers", open_workers},
    {"/moby.buildkit.v1.Control/Solve", open_solve},
    {"/moby.buildkit.v1.Control/Status", open_status},
    {"/moby.buildkit.v1.Control/DiskUsage", open_hanging},
    {"/moby.buildkit.v1.Control/Session", open_session},
    {"/moby.buildkit.v1.Control/ListenBuildHistory", open_history},
    {"/containerd.services.content.v1.Content/Read", open_read},
    {"/moby.buildkit.v1.frontend.LLBBridge/Solve", open_ask},
    {"/moby.buildkit.v1.frontend.LLBBridge/Return", open_return},
};

static void on_conn_closed(struct dp_grpc_conn *conn, const struct depot_error *err, void *arg)
{
    (void)err;
    struct engine *e = arg;
    for (size_t i = 0; i < e->nconns; i++) {
        if (e->conns[i] == conn)
            e->conns[i] = NULL;
    }
    dp_grpc_conn_free(conn);
}

static void on_accept(struct depot_loop_fd *w, unsigned events, void *arg)
{
    (void)w, (void)events;
    static const struct dp_grpc_conn_ops ops = {.closed = on_conn_closed};
    struct engine *e = arg;
    struct dp_stream *stream = NULL;
    int fd = accept(e->fd, NULL, NULL);
    if (fd < 0)
        return;
    assert_true(e->nconns < CONNS_MAX);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(dp_stream_fd_new_take(e->loop, fd, &stream, NULL), 0);
    assert_int_equal(dp_grpc_server_new_take(e->loop, stream, methods, DEPOT_ARRAY_LEN(methods), 0,
                         &ops, e, &e->conns[e->nconns], NULL),
        0);
    e->nconns++;
}

static void on_guard(struct depot_timer *t, void *arg)
{
    (void)t, (void)arg;
    fail_msg("no answer");
}

static int setup(void **state)
{
    struct engine *e = depot_calloc(1, sizeof(*e));
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    assert_int_equal(depot_loop_new(&e->loop, NULL), 0);
    strcpy(e->dir, "/tmp/depot-test-XXXXXX");
    assert_non_null(mkdtemp(e->dir));
    snprintf(e->path, sizeof(e->path), "%s/s", e->dir);
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", e->path);
    e->fd = depot_os_socket(AF_UNIX, SOCK_STREAM, 0, true);
    assert_true(e->fd >= 0);
    assert_int_equal(bind(e->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(e->fd, 8), 0);
    assert_int_equal(
        depot_loop_fd_new(e->loop, e->fd, DEPOT_READ, on_accept, e, &e->watch, NULL), 0);
    depot_buf_init(&e->returned, DEPOT_BUF_NO_LIMIT);
    e->guard = depot_timer_new(e->loop, on_guard, e);
    depot_timer_start(e->guard, GUARD_MS, 0);

    struct depot_addr addr = {.kind = DEPOT_ADDR_UNIX, .path = e->path, .text = e->path};
    assert_int_equal(depot_bk_new(e->loop, &addr, NULL, &e->bk, NULL), 0);
    *state = e;
    return 0;
}

static int teardown(void **state)
{
    struct engine *e = *state;
    depot_bk_call_free(e->call);
    depot_bk_session_free(e->session);
    depot_bk_free(e->bk);
    for (size_t i = 0; i < e->nconns; i++)
        dp_grpc_conn_free(e->conns[i]);
    depot_loop_fd_free(e->watch);
    depot_timer_free(e->guard);
    close(e->fd);
    unlink(e->path);
    rmdir(e->dir);
    for (int i = 0; i < 3; i++)
        depot_loop_turn(e->loop);
    depot_loop_free(e->loop);
    depot_buf_release(&e->returned);
    depot_free(e);
    return 0;
}

/* ---- the tests ---- */
static void note_done(struct depot_bk_call *c, const struct depot_error *err, void *arg)
{
    (void)c;
    struct engine *e = arg;
    e->dones++;
    if (err != NULL)
        snprintf(e->text, sizeof(e->text), "%.200s | %.200s", err->msg, err->hint);
    depot_loop_stop(e->loop);
}

/* Frees the call first and reads afterwards, which is allowed. */
static void note_info(struct depot_bk_call *c, const struct depot_bk_info *info,
    const struct depot_error *err, void *arg)
{
    struct engine *e = arg;
    depot_bk_call_free(c);
    e->call = NULL;
    e->dones++;
    if (info != NULL)
        snprintf(e->text, sizeof(e->text), "%s %s %s %x", info->engine, info->version,
            info->platforms[0], info->caps);
    else
        snprintf(e->text, sizeof(e->text), "%.200s | %.200s", err->msg, err->hint);
    depot_loop_stop(e->loop);
}

static void test_probe__old_engine_without_history(void **state)
{
    struct engine *e = *state;
    assert_int_equal(depot_bk_probe(e->bk, note_info, e, &e->call, NULL), 0);
    depot_loop_run(e->loop);
    assert_string_equal(e->text, "buildkit unknown linux/arm64 0");
    assert_int_equal(e->nconns, 1); /* all questions share one connection */
}

static void test_probe__history_is_seen(void **state)
{
    struct engine *e = *state;
    e->has_history = true;
    assert_int_equal(depot_bk_probe(e->bk, note_info, e, &e->call, NULL), 0);
    depot_loop_run(e->loop);
    assert_string_equal(e->text, "buildkit unknown linux/arm64 1");
}

static void test_probe__no_engine_has_one_error_with_a_hint(void **state)
{
    struct engine *e = *state;
    unlink(e->path);
    struct depot_error err = {0};
    int rc = depot_bk_probe(e->bk, note_info, e, &e->call, &err);
    if (rc == 0) {
        depot_loop_run(e->loop);
        assert_int_equal(e->dones, 1);
        assert_non_null(strstr(e->text, e->path));
    }
}

static void note_result(struct depot_bk_call *c, const struct depot_bk_result *res, void *arg)
{
    struct engine *e = arg;
    depot_bk_call_free(c);
    e->call = NULL;
    e->dones++;
    assert_non_null(res->error);
    snprintf(e->text, sizeof(e->text), "%d %s %s", res->error->code, res->error->message,
        res->error->vertex != NULL ? res->error->vertex : "-");
    depot_loop_stop(e->loop);
}

static void test_solve__missing_details_come_from_the_record(void **state)
{
    struct engine *e = *state;
    struct depot_bk_solve req = {.ref = "ref"};
    e->has_history = true;
    assert_int_equal(depot_bk_solve(e->bk, &req, note_result, e, &e->call, NULL), 0);
    depot_loop_run(e->loop);
    assert_string_equal(e->text, "2 the whole story sha256:failed");
    assert_int_equal(e->nconns, 2); /* Solve has its own */
}

static void test_solve__without_history_the_answer_must_do(void **state)
{
    struct engine *e = *state;
    struct depot_bk_solve req = {.ref = "ref"};
    assert_int_equal(depot_bk_solve(e->bk, &req, note_result, e, &e->call, NULL), 0);
    depot_loop_run(e->loop);
    assert_string_equal(e->text, "2 it failed -");
}

/* ---- bridge ---- */
static void note_bridge_done(struct depot_bk_call *c, const struct depot_bk_result *res, void *arg)
{
    struct engine *e = arg;
    if (res->error != NULL) {
        note_result(c, res, arg);
        return;
    }
    e->dones++;
    snprintf(e->text, sizeof(e->text), "%s: %s", res->response[0].key, res->response[0].value);
    depot_loop_stop(e->loop);
}

static void check_answer(const struct depot_bk_answer *a)
{
    assert_int_equal(a->nrefs, 2);
    assert_string_equal(a->refs[0].platform, "linux/a");
    assert_memory_equal(a->refs[0].definition, "\x0a", 2);
    assert_int_equal(a->refs[0].len, 2);
    assert_string_equal(a->refs[1].platform, "linux/b");
    assert_int_equal(a->refs[1].len, 0);
    assert_int_equal(a->nmetadata, 1);
    assert_string_equal(a->metadata[0].value, "v");
}

static void answer_goes_on(struct depot_bk_call *c, const struct depot_bk_answer *a, void *arg)
{
    struct engine *e = arg;
    e->items++;
    check_answer(a);
    depot_bk_bridge_go_on(c);
}

static void answer_fails(struct depot_bk_call *c, const struct depot_bk_answer *a, void *arg)
{
    struct engine *e = arg;
    e->items++;
    check_answer(a);
    char *huge = e->huge ? depot_alloc(HUGE + 1) : NULL;
    if (huge != NULL)
        memset(huge, 'x', HUGE);
    if (huge != NULL)
        huge[HUGE] = '\0';
    depot_bk_bridge_fail(c, DP_GRPC_FAILED_PRECONDITION, huge != NULL ? huge : "not here");
    assert_int_equal(e->dones, 0);
    depot_free(huge);
}

static void answer_frees(struct depot_bk_call *c, const struct depot_bk_answer *a, void *arg)
{
    struct engine *e = arg;
    e->items++;
    depot_bk_call_free(c);
    e->call = NULL;
    check_answer(a);
    depot_loop_stop(e->loop);
}

static const struct depot_bk_bridge_ops bridge_goes_on = {answer_goes_on, note_bridge_done},
                                        bridge_fails = {answer_fails, note_bridge_done},
                                        bridge_frees = {answer_frees, note_bridge_done};

static void run_bridge(struct engine *e, const struct depot_bk_bridge_ops *ops)
{
    struct depot_bk_solve req = {.ref = "the-ref", .frontend = "dockerfile.v0"};
    assert_int_equal(depot_bk_bridge(e->bk, &req, ops, e, &e->call, NULL), 0);
    depot_loop_run(e->loop);
}

static void test_bridge__answer_then_result(void **state)
{
    struct engine *e = *state;
    e->gateway = ANSWERS;
    run_bridge(e, &bridge_goes_on);
    assert_string_equal(e->seen, "the-ref");
    assert_string_equal(e->text, "digest: it was made");
    assert_int_equal(e->returned.len, sizeof(gateway_return) - 1);
    assert_memory_equal(e->returned.data, gateway_return, sizeof(gateway_return) - 1);
    assert_int_equal(e->items, 1);
    assert_int_equal(e->dones, 1);
}

static void test_bridge__we_end_it_with_an_error(void **state)
{
    struct engine *e = *state;
    e->gateway = ANSWERS;
    run_bridge(e, &bridge_fails);
    assert_string_equal(e->text, "9 not here -");
    assert_int_equal(e->dones, 1);
}

static void test_bridge__freed_with_the_answer_cancels_the_build(void **state)
{
    struct engine *e = *state;
    e->gateway = ANSWERS;
    run_bridge(e, &bridge_frees);
    for (int i = 0; i < 100 && e->open != NULL; i++)
        depot_loop_turn(e->loop);
    assert_null(e->open);
    assert_int_equal(e->dones, 0);
}

static bool returned(const struct engine *e, const char *what)
{
    const size_t n = strlen(what);
    for (size_t i = 0; i + n <= e->returned.len; i++)
        if (memcmp(e->returned.data + i, what, n) == 0)
            return true;
    return false;
}

static void test_bridge__a_place_that_was_too_large_is_asked_for(void **state)
{
    struct engine *e = *state;
    e->gateway = FAILS_LARGE;
    run_bridge(e, &bridge_goes_on);
    assert_string_equal(e->text, "2 parse error on line 3 -");
    assert_true(returned(e, "errdefs.Source+json"));
    assert_true(returned(e, "\"data\":\"b25lCg==\""));
    assert_int_equal(e->dones, 1);
}

static void test_bridge__freed_before_the_answer_cancels_the_build(void **state)
{
    struct engine *e = *state;
    struct depot_bk_solve req = {.ref = "the-ref", .frontend = "dockerfile.v0"};
    e->gateway = HOLDS;
    assert_int_equal(depot_bk_bridge(e->bk, &req, &bridge_goes_on, e, &e->call, NULL), 0);
    for (int i = 0; i < 1000 && (e->open == NULL || e->seen[0] == '\0'); i++)
        depot_loop_turn(e->loop);
    assert_non_null(e->open);
    depot_bk_call_free(e->call);
    e->call = NULL;
    for (int i = 0; i < 100 && e->open != NULL; i++)
        depot_loop_turn(e->loop);
    assert_null(e->open);
    assert_int_equal(e->dones + e->items, 0);
}

/* Too large to be sent: told a turn later, never from inside. */
static void test_bridge__a_refusal_that_cannot_be_sent(void **state)
{
    struct engine *e = *state;
    e->gateway = ANSWERS;
    e->huge = true;
    run_bridge(e, &bridge_fails);
    assert_int_equal(e->dones, 1);
    assert_int_equal(strncmp(e->text, "9 xxxx", 6), 0);
}

static void test_bridge__ends_once_in_every_failure(void **state)
{
    struct engine *e = *state;
    static const struct {
        int gateway;
        const char *says;
    } rows[] = {
        {NO_GATEWAY, "12 the builder's engine cannot say what a build does before it runs"},
        {ANSWERS_TOO_MUCH, "13 the engine's answer to the build's frontend is too large"},
        {ANSWERS_GARBAGE, "13 the engine's answer to the build's frontend is malformed"},
        {FAILS, "2 parse error on line 3"},
        {DIES, "14 "},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        e->gateway = rows[i].gateway;
        e->items = e->dones = 0;
        e->text[0] = '\0';
        for (size_t k = 0; k < e->nconns; k++)
            dp_grpc_conn_free(e->conns[k]);
        e->nconns = 0;
        e->open = NULL;
        if (rows[i].gateway == NO_GATEWAY)
            e->hangs = true; /* the build itself stays open */
        run_bridge(e, &bridge_goes_on);
        e->hangs = false;
        assert_int_equal(e->dones, 1);
        assert_int_equal(e->items, 0);
        if (strncmp(e->text, rows[i].says, strlen(rows[i].says)) != 0)
            fail_msg("%d: %s", rows[i].gateway, e->text);
    }
}

/* The letters of the script again, and a '|' behind each status. */
static void note_status(struct depot_bk_call *c, const struct depot_status *st, void *arg)
{
    (void)c;
    struct engine *e = arg;
    char *p = e->text + strlen(e->text);
    assert_int_equal(e->dones, 0);
    for (size_t i = 0; i < st->nvertexes; i++) {
        assert_string_equal(st->vertexes[i].name, "step");
        *p++ = st->vertexes[i].error != NULL ? 'V' : 'v';
    }
    for (size_t i = 0; i < st->nlogs; i++) {
        assert_string_equal(st->logs[i].vertex, "sha256:a");
        assert_int_equal(st->logs[i].len, *st->logs[i].data == 'L' ? 40 * 1024 : 1);
        *p++ = (char)*st->logs[i].data;
    }
    *p++ = '|';
    *p = '\0';
    e->items++;
}

static void note_status_done(struct depot_bk_call *c, const struct depot_error *err, void *arg)
{
    (void)c;
    struct engine *e = arg;
    e->dones++;
    strcat(e->text, err != NULL ? " failed" : " done");
    depot_loop_stop(e->loop);
}

/* What the engine said at one turn is told together, and in its order: nothing that was told of a
 * vertex passes a log, in either direction. */
static void test_status__what_comes_together_is_told_together(void **state)
{
    static const struct depot_bk_status_ops ops = {note_status, note_status_done};
    static const struct {
        const char *progress, *told;
    } rows[] = {
        {"", " done"},
        {"vv", "vv| done"},
        {"vabc", "vabc| done"},
        {"vabVcd", "vab|Vcd| done"}, /* the last log of a step stands before its error */
        {"vaLLb", "vaL|Lb| done"},   /* no more than 48 KiB */
        {"va!b", "va| failed"},
        {"!", " failed"},
    };
    struct engine *e = *state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        e->progress = rows[i].progress;
        e->text[0] = '\0';
        e->dones = 0;
        assert_int_equal(depot_bk_status(e->bk, "ref", &ops, e, &e->call, NULL), 0);
        depot_loop_run(e->loop);
        depot_bk_call_free(e->call);
        e->call = NULL;
        assert_int_equal(e->dones, 1);
        assert_string_equal(e->text, rows[i].told);
    }
}

static void test_status__a_busy_engine_is_read_by_the_clock(void **state)
{
    static const struct depot_bk_status_ops ops = {note_status, note_status_done};
    struct engine *e = *state;
    e->progress = NULL; /* tick */
    e->ticker = depot_timer_new(e->loop, on_tick, e);
    assert_int_equal(depot_bk_status(e->bk, "ref", &ops, e, &e->call, NULL), 0);
    const uint64_t began = depot_mono_ms();
    depot_loop_run(e->loop);
    depot_timer_free(e->ticker);
    assert_int_equal(e->dones, 1);
    /* A burst, then one each 20 ms, then what was held when the burst began or ended. */
    assert_in_range(e->items, 2, 6 + (depot_mono_ms() - began) / 20);
    int letters = 0;
    for (const char *p = e->text; *p != ' '; p++) {
        if (*p != '|')
            assert_int_equal(*p, 'a' + letters++ % 26);
    }
    assert_int_equal(letters, 100);
}

static void test_status__hurry_reads_all_as_it_comes(void **state)
{
    static const struct depot_bk_status_ops ops = {note_status, note_status_done};
    struct engine *e = *state;
    e->progress = NULL;
    e->ticker = depot_timer_new(e->loop, on_tick, e);
    depot_bk_status_hurry(NULL);
    assert_int_equal(depot_bk_status(e->bk, "ref", &ops, e, &e->call, NULL), 0);
    while (e->items < 5 && e->dones == 0)
        depot_loop_turn(e->loop);
    depot_bk_status_hurry(e->call);
    depot_loop_run(e->loop);
    depot_timer_free(e->ticker);
    assert_int_equal(e->dones, 1);
    assert_true(e->items > 20); /* not by the clock, which would allow ten more */
}

static void free_at_status(struct depot_bk_call *c, const struct depot_status *st, void *arg)
{
    struct engine *e = arg;
    depot_bk_call_free(c);
    e->call = NULL;
    assert_string_equal(st->vertexes[0].digest, "sha256:a");
    e->items++;
    depot_loop_stop(e->loop);
}

static void test_status__freed_inside_its_callback_goes_quiet(void **state)
{
    static const struct depot_bk_status_ops ops = {free_at_status, note_done};
    struct engine *e = *state;
    e->progress = "vab";
    assert_int_equal(depot_bk_status(e->bk, "ref", &ops, e, &e->call, NULL), 0);
    depot_loop_run(e->loop);
    for (int i = 0; i < 10; i++)
        depot_loop_turn(e->loop);
    assert_int_equal(e->items, 1);
    assert_int_equal(e->dones, 0);
}

static void note_record(struct depot_bk_call *c, const struct depot_bk_record *rec, void *arg)
{
    (void)c;
    struct engine *e = arg;
    assert_int_equal(e->dones, 0); /* `done` waits for records that wait for their blob */
    snprintf(e->text, sizeof(e->text), "%s %d %s", rec->ref, rec->kind, rec->error->message);
    e->items++;
}

static void test_history__error_blob_is_read(void **state)
{
    static const struct depot_bk_history_ops ops = {note_record, note_done};
    struct engine *e = *state;
    e->has_history = true;
    assert_int_equal(depot_bk_history(e->bk, NULL, false, true, &ops, e, &e->call, NULL), 0);
    depot_loop_run(e->loop);
    assert_int_equal(e->items, 1);
    assert_int_equal(e->dones, 1);
    assert_string_equal(e->text, "ref 1 the whole story");
}

static void note_provenance(struct depot_bk_call *c, const char *platform, const char *type,
    const char *text, size_t n, void *arg)
{
    (void)c;
    struct engine *e = arg;
    e->items++;
    snprintf(e->text, sizeof(e->text), "%s %s %d", platform, type,
        memmem(text, n, "the whole story", 15) != NULL);
}

static void free_at_once(struct depot_bk_call *c, const char *platform, const char *type,
    const char *text, size_t n, void *arg)
{
    (void)platform, (void)type, (void)text, (void)n;
    struct engine *e = arg;
    depot_bk_call_free(c);
    e->call = NULL;
    depot_loop_stop(e->loop);
}

static void test_provenance__is_read_from_the_record(void **state)
{
    static const struct depot_bk_provenance_ops ops = {note_provenance, note_done};
    static const struct depot_bk_provenance_ops freeing = {free_at_once, note_done};
    struct engine *e = *state;
    e->has_history = true;
    assert_int_equal(depot_bk_provenance(e->bk, "ref", &ops, e, &e->call, NULL), 0);
    depot_loop_run(e->loop);
    assert_int_equal(e->items, 1);
    assert_int_equal(e->dones, 1);
    assert_string_equal(e->text, "linux/amd64 https://slsa.dev/provenance/v1 1");
    depot_bk_call_free(e->call);
    assert_int_equal(depot_bk_provenance(e->bk, "ref", &freeing, e, &e->call, NULL), 0);
    depot_loop_run(e->loop);
    assert_int_equal(e->dones, 1);
}

static void test_provenance__without_history_is_an_error(void **state)
{
    static const struct depot_bk_provenance_ops ops = {note_provenance, note_done};
    struct engine *e = *state;
    assert_int_equal(depot_bk_provenance(e->bk, "ref", &ops, e, &e->call, NULL), 0);
    depot_loop_run(e->loop);
    assert_int_equal(e->items, 0);
    assert_int_equal(e->dones, 1);
    assert_non_null(strstr(e->text, "unknown method"));
}

static void note_usage(struct depot_bk_call *c, const struct depot_bk_usage *u, void *arg)
{
    (void)c, (void)u, (void)arg;
}

static void test_link__engine_dies_and_comes_back(void **state)
{
    static const struct depot_bk_usage_ops hang = {note_usage, note_done};
    struct engine *e = *state;
    assert_int_equal(depot_bk_disk_usage(e->bk, &hang, e, &e->call, NULL), 0);
    for (int i = 0; i < 1000 && e->nconns == 0; i++)
        depot_loop_turn(e->loop);
    assert_int_equal(e->nconns, 1);
    dp_grpc_conn_free(e->conns[0]);
    e->conns[0] = NULL;
    depot_loop_run(e->loop);
    assert_int_equal(e->dones, 1);
    depot_bk_call_free(e->call);
    assert_int_equal(depot_bk_probe(e->bk, note_info, e, &e->call, NULL), 0);
    depot_loop_run(e->loop);
    assert_string_equal(e->text, "buildkit unknown linux/arm64 0");
    assert_int_equal(e->nconns, 2);
}

static void session_data(struct depot_bk_session *s, const void *data, size_t n, void *arg)
{
    struct engine *e = arg;
    size_t have = strlen(e->text);
    snprintf(e->text + have, sizeof(e->text) - have, "%.*s", (int)n, (const char *)data);
    if (strcmp(e->text, "early late") == 0)
        depot_bk_session_end(s);
    else if (strcmp(e->text, "early ") == 0)
        depot_bk_session_write(s, "late", 4);
}

static void session_done(struct depot_bk_session *s, const struct depot_error *err, void *arg)
{
    struct engine *e = arg;
    assert_null(err);
    depot_bk_session_free(s);
    e->session = NULL;
    e->dones++;
    depot_loop_stop(e->loop);
}

static void test_session__bytes_both_ways_and_metadata(void **state)
{
    static const struct depot_bk_session_ops ops = {.data = session_data, .done = session_done};
    struct engine *e = *state;
    struct depot_strv served = {0};
    depot_strv_push(&served, "/a.B/C");
    depot_strv_push(&served, "/d.E/F");
    assert_int_equal(
        depot_bk_session_open(e->bk, "id1", "key1", &served, &ops, e, &e->session, NULL), 0);
    depot_strv_release(&served);
    depot_bk_session_write(e->session, "early ", 6); /* no connection yet */
    assert_int_equal(depot_bk_session_queued(e->session), 6);
    depot_loop_run(e->loop);
    assert_string_equal(e->text, "early late");
    assert_string_equal(e->seen, "id1 key1 /d.E/F");
    assert_int_equal(e->dones, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_probe__old_engine_without_history),
        TEST(test_probe__history_is_seen),
        TEST(test_probe__no_engine_has_one_error_with_a_hint),
        TEST(test_solve__missing_details_come_from_the_record),
        TEST(test_solve__without_history_the_answer_must_do),
        TEST(test_bridge__answer_then_result),
        TEST(test_bridge__we_end_it_with_an_error),
        TEST(test_bridge__freed_with_the_answer_cancels_the_build),
        TEST(test_bridge__a_place_that_was_too_large_is_asked_for),
        TEST(test_bridge__freed_before_the_answer_cancels_the_build),
        TEST(test_bridge__a_refusal_that_cannot_be_sent),
        TEST(test_bridge__ends_once_in_every_failure),
        TEST(test_status__what_comes_together_is_told_together),
        TEST(test_status__a_busy_engine_is_read_by_the_clock),
        TEST(test_status__hurry_reads_all_as_it_comes),
        TEST(test_status__freed_inside_its_callback_goes_quiet),
        TEST(test_history__error_blob_is_read),
        TEST(test_provenance__is_read_from_the_record),
        TEST(test_provenance__without_history_is_an_error),
        TEST(test_link__engine_dies_and_comes_back),
        TEST(test_session__bytes_both_ways_and_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
