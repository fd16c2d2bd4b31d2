/*
 * The server on real sockets, spoken to with raw bytes. The service behind it is a stub.
 */
#define _GNU_SOURCE /* memmem */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <depot/buf.h>
#include <depot/loop.h>
#include <depot/path.h>

#include "builder/feed/hub.h"
#include "builder/server/route.h"
#include "builder/server/server.h"
#include "builder/server/op.h"
#include "builder/service/service.h"
#include "builder/store/store.h"

/* ---- the service ---- */

struct relay {
    const struct relay_ops *ops;
    void *arg;
    char builder[64];
    struct depot_buf in, text;
    size_t queued;
};

struct service {
    struct store *store;
    struct relay *relay; /* the newest */
    char user[64];
    size_t attr_len; /* of the newest request's first attribute */
    char cancelled[STORE_ID_MAX + 1], gone[STORE_ID_MAX + 1];
    struct cache_ask *ask; /* the newest */
    struct depot_query asked;
    int asks; /* open */
    int builds_wanted;
};

static const struct depot_ev_builder *fake_builders(struct service *s, size_t *n)
{
    static const struct depot_ev_builder builders[] = {{.builder = "one", .cpu = -1, .up = true}};

    DEPOT_UNUSED(s);
    *n = 1;
    return builders;
}

static const struct depot_ev_builder *builders_now(void *arg, size_t *n)
{
    return fake_builders(arg, n);
}

static void on_watched(bool there, void *arg)
{
    DEPOT_UNUSED(there);
    DEPOT_UNUSED(arg);
}

static const struct hub_source hub_source = {.builders = builders_now, .watched = on_watched};

static int fake_create(struct service *s, const struct depot_build_request *r, const char *user,
    struct service_created *out, struct depot_error *err)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_CREATED};

    if (depot_str_eq(r->info.project, "bad")) {
        depot_error_set(err, DEPOT_ERR_UNAVAILABLE, "no \"builder\"");
        return depot_error_hint(err, "add one");
    }
    s->attr_len = r->attrs.len > 0 ? strlen(r->attrs.items[0].value) : 0;
    snprintf(s->user, sizeof(s->user), "%s", user ? user : "-");
    *out = (struct service_created){.id = "c000000001", .secret = "s3cret", .join = true};
    return store_append(s->store, out->id, &ev, err);
}

static int fake_cancel(struct service *s, const char *build, struct depot_error *err)
{
    if (!store_build_exists(s->store, build))
        return depot_error_set(err, DEPOT_ERR_NOT_FOUND, "there is no build %s", build);
    snprintf(s->cancelled, sizeof(s->cancelled), "%s", build);
    return 0;
}

static void fake_builds_wanted(struct service *s)
{
    s->builds_wanted++;
}

static void fake_client_gone(struct service *s, const char *build)
{
    snprintf(s->gone, sizeof(s->gone), "%s", build);
}

struct cache_ask {
    struct service *service;
    cache_ask_fn *fn;
    void *arg;
};

static int fake_cache(struct service *s, const struct depot_query *q, cache_ask_fn *fn, void *arg,
    struct cache_ask **out, struct depot_error *err)
{
    if (q->builder && strcmp(q->builder, "one") != 0)
        return depot_error_set(err, DEPOT_ERR_NOT_FOUND, "there is no builder %s", q->builder);
    s->asked = *q;
    s->asks++;
    s->ask = *out = calloc(1, sizeof(**out));
    **out = (struct cache_ask){s, fn, arg};
    return 0;
}

static void fake_cache_free(struct cache_ask *q)
{
    if (!q)
        return;
    q->service->asks--;
    if (q->service->ask == q)
        q->service->ask = NULL;
    free(q);
}

/* The engines have answered the newest question. */
static void answer_cache(struct service *s)
{
    struct depot_cache_type type = {.type = "regular", .bytes = 700, .records = 1};
    struct depot_cache_use use = {
        .builder = "one", .bytes = 700, .limit = -1, .types = &type, .ntypes = 1};
    struct depot_pruned pruned = {.builder = "one", .bytes = 700, .records = 3};
    struct depot_response a = {.ask = s->asked.ask};

    if (a.ask == DEPOT_QUERY_CACHE) {
        a.u.cache.builders = &use;
        a.u.cache.nbuilders = 1;
    } else {
        a.u.prune.builders = &pruned;
        a.u.prune.nbuilders = 1;
    }
    s->ask->fn(s->ask, &a, s->ask->arg);
}

static int fake_session_allowed(
    struct service *s, const char *build, const char *secret, struct depot_error *err)
{
    if (store_build_exists(s->store, build) && depot_str_eq(secret, "s3cret"))
        return 0;
    return depot_error_set(err, DEPOT_ERR_NOT_FOUND, "no running build %s of yours", build);
}

static int fake_session(struct service *s, const char *build, const char *builder,
    const char *platform, const struct relay_ops *ops, void *arg, struct relay **out,
    struct depot_error *err)
{
    struct relay *r;

    DEPOT_UNUSED(platform);
    if (!store_build_exists(s->store, build))
        return depot_error_set(err, DEPOT_ERR_NOT_FOUND, "there is no build %s", build);
    r = calloc(1, sizeof(*r));
    r->ops = ops;
    r->arg = arg;
    snprintf(r->builder, sizeof(r->builder), "%s", builder);
    depot_buf_init(&r->in, DEPOT_BUF_NO_LIMIT);
    depot_buf_init(&r->text, DEPOT_BUF_NO_LIMIT);
    s->relay = *out = r;
    return 0;
}

static struct service *stub; /* so that fake_session_free() can say it is gone */

static void fake_session_write(struct relay *r, const void *data, size_t n)
{
    depot_buf_add(&r->in, data, n);
}

static size_t fake_session_queued(const struct relay *r)
{
    return r->queued;
}

static void fake_session_text(struct relay *r, const char *json, size_t n)
{
    depot_buf_add(&r->text, json, n);
}

static void fake_session_free(struct relay *r)
{
    if (!r)
        return;
    if (stub && stub->relay == r)
        stub->relay = NULL;
    depot_buf_release(&r->in);
    depot_buf_release(&r->text);
    free(r);
}

static const struct service_api fake_api = {
    .create = fake_create,
    .cancel = fake_cancel,
    .client_gone = fake_client_gone,
    .builders = fake_builders,
    .builds_wanted = fake_builds_wanted,
    .cache = fake_cache,
    .cache_free = fake_cache_free,
    .session_allowed = fake_session_allowed,
    .session = fake_session,
    .session_write = fake_session_write,
    .session_queued = fake_session_queued,
    .session_text = fake_session_text,
    .session_free = fake_session_free,
};

/* ---- fixture ---- */

struct fixture {
    struct depot_loop *loop;
    struct store *store;
    struct hub *hub;
    struct service service;
    struct server *server;
    char dir[64], path[96];
};

static void turn(struct fixture *f)
{
    depot_loop_turn(f->loop);
    usleep(200);
}

/* Turn the loop until `cond` holds, or fail. */
#define until(f, cond)                                                                             \
    do {                                                                                           \
        int turns_ = 0;                                                                            \
        while (!(cond)) {                                                                          \
            if (turns_++ > 20000)                                                                  \
                fail_msg("never: %s", #cond);                                                      \
            turn(f);                                                                               \
        }                                                                                          \
    } while (0)

static void start(struct fixture *f)
{
    static const char *const tokens[] = {"", "s3cret"};
    struct server_listener listeners[] = {{.unix_path = f->path}, {.host = "127.0.0.1"}};
    struct server_config cfg = {
        .listeners = listeners, .nlisteners = 2, .tokens = tokens, .ntokens = 2};
    struct depot_error err;

    if (server_new(f->loop, &cfg, f->store, f->hub, &fake_api, &f->service, &f->server, &err) != 0)
        fail_msg("%s", err.msg);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    strcpy(f->dir, "/tmp/test_server_XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/d.sock", f->dir);
    assert_int_equal(depot_loop_new(&f->loop, NULL), 0);
    assert_int_equal(store_open(f->loop, f->dir, &f->store, NULL), 0);
    f->hub = hub_new(f->loop, f->store);
    hub_set_source(f->hub, &hub_source, &f->service);
    f->service.store = f->store;
    stub = &f->service;
    start(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char *command = depot_asprintf("rm -r %s", f->dir);

    server_free(f->server);
    for (int i = 0; i < 20; i++)
        turn(f);
    assert_int_not_equal(access(f->path, F_OK), 0);
    assert_null(f->service.relay);
    assert_int_equal(f->service.asks, 0);
    hub_free(f->hub);
    store_free(f->store);
    for (int i = 0; i < 5; i++)
        turn(f);
    depot_loop_free(f->loop);
    assert_int_equal(system(command), 0);
    depot_free(command);
    free(f);
    return 0;
}

static void append(struct fixture *f, const char *id, enum depot_event_type type, size_t bytes)
{
    struct depot_event ev = {.type = type};
    uint8_t *data = depot_calloc(1, bytes + 1);
    struct depot_vertex_log log = {
        .vertex = "sha256:a", .stream = 1, .data = data, .len = bytes, .timestamp = 1};

    if (type == DEPOT_EVENT_BUILD_STATUS) {
        ev.u.status.platform = "linux/amd64";
        ev.u.status.builder = "one";
        ev.u.status.status.logs = &log;
        ev.u.status.status.nlogs = 1;
    }
    if (type == DEPOT_EVENT_BUILD_FINISHED)
        ev.u.finished.state = DEPOT_BUILD_SUCCEEDED;
    assert_int_equal(store_append(f->store, id, &ev, NULL), 0);
    depot_event_release(&ev);
    depot_free(data);
}

/* ---- a client ---- */

struct client {
    struct fixture *f;
    int fd;
    struct depot_buf in;
    bool eof;
};

static struct client dial_unix(struct fixture *f)
{
    struct client c = {.f = f, .fd = socket(AF_UNIX, SOCK_STREAM, 0)};
    struct sockaddr_un sa = {.sun_family = AF_UNIX};

    memcpy(sa.sun_path, f->path, strlen(f->path));
    assert_int_equal(connect(c.fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    fcntl(c.fd, F_SETFL, O_NONBLOCK);
    depot_buf_init(&c.in, DEPOT_BUF_NO_LIMIT);
    return c;
}

static struct client dial_tcp(struct fixture *f)
{
    struct client c = {.f = f, .fd = socket(AF_INET, SOCK_STREAM, 0)};
    struct sockaddr_in sa = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)server_port(f->server, 1)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    assert_int_equal(connect(c.fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    fcntl(c.fd, F_SETFL, O_NONBLOCK);
    depot_buf_init(&c.in, DEPOT_BUF_NO_LIMIT);
    return c;
}

static void hang_up(struct client *c)
{
    close(c->fd);
    depot_buf_release(&c->in);
}

static void receive(struct client *c)
{
    char block[65536];
    ssize_t n;

    while ((n = read(c->fd, block, sizeof(block))) > 0)
        depot_buf_add(&c->in, block, (size_t)n);
    if (n == 0 || (n < 0 && errno == ECONNRESET))
        c->eof = true;
}

static void say(struct client *c, const void *data, size_t n)
{
    const char *p = data;
    int stuck = 0;

    while (n > 0) {
        ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);
        if (sent < 0) {
            assert_true(errno == EAGAIN && stuck++ < 20000);
            turn(c->f);
            continue;
        }
        p += sent;
        n -= (size_t)sent;
    }
}

static bool has(struct client *c, const char *text)
{
    receive(c);
    return strstr(depot_buf_str(&c->in), text) != NULL;
}

/* One request on a connection of its own; the whole answer. */
static char *ask(struct client c, const char *head, const char *body)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char *answer;

    depot_buf_addf(&out, "%s\r\nHost: d\r\nConnection: close\r\n", head);
    if (body)
        depot_buf_addf(&out, "Content-Length: %zu\r\n", strlen(body));
    depot_buf_addf(&out, "\r\n%s", body ? body : "");
    say(&c, out.data, out.len);
    until(c.f, (receive(&c), c.eof));
    depot_buf_release(&out);
    answer = strdup(depot_buf_str(&c.in));
    hang_up(&c);
    return answer;
}

#define upgrade_head                                                                               \
    "Host: d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"        \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void upgrade(struct client *c, const char *path, const char *protocol)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char *end;

    depot_buf_addf(&out, "GET %s HTTP/1.1\r\n" upgrade_head "Sec-WebSocket-Protocol: %s\r\n\r\n",
        path, protocol);
    say(c, out.data, out.len);
    depot_buf_release(&out);
    until(c->f, has(c, "\r\n\r\n"));
    if (!strstr(c->in.data, " 101 "))
        fail_msg("%s", c->in.data);
    end = strstr(c->in.data, "\r\n\r\n") + 4;
    depot_buf_consume(&c->in, (size_t)(end - c->in.data));
}

/* A masked frame; `first` is its first byte. */
static void frame(struct client *c, int first, const void *data, size_t n)
{
    static const unsigned char mask[4] = {1, 2, 3, 4};
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    unsigned char *p;

    depot_buf_addc(&out, (char)first);
    depot_buf_addc(&out, (char)(0x80 | (n < 126 ? n : n < 65536 ? 126 : 127)));
    for (int i = n < 126 ? 0 : n < 65536 ? 2 : 8; i-- > 0;)
        depot_buf_addc(&out, (char)((uint64_t)n >> (8 * i)));
    depot_buf_add(&out, mask, 4);
    p = (unsigned char *)depot_buf_reserve(&out, n);
    for (size_t i = 0; i < n; i++)
        p[i] = ((const unsigned char *)data)[i] ^ mask[i & 3];
    out.len += n;
    say(c, out.data, out.len);
    depot_buf_release(&out);
}

static void op(struct client *c, const char *json)
{
    frame(c, 0x81, json, strlen(json));
}

/* Take one whole frame off the input: its first byte, or 0 when there is none yet. */
static int take(struct client *c, struct depot_buf *out)
{
    const unsigned char *p;
    size_t head = 2, n;
    int first;

    receive(c);
    if (c->in.len < 2)
        return 0;
    p = (const unsigned char *)c->in.data;
    n = p[1] & 0x7f;
    head += n == 126 ? 2 : n == 127 ? 8 : 0;
    if (c->in.len < head)
        return 0;
    if (head > 2)
        n = 0;
    for (size_t i = 2; i < head; i++)
        n = n << 8 | p[i];
    if (c->in.len < head + n)
        return 0;
    first = p[0];
    depot_buf_add(out, p + head, n);
    depot_buf_consume(&c->in, head + n);
    return first;
}

static void expect_message(struct client *c, const char *part)
{
    struct depot_buf message = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    int first;

    until(c->f, (first = take(c, &message)) != 0);
    assert_int_equal(first, 0x81);
    if (!strstr(depot_buf_str(&message), part))
        fail_msg("no %s in %s", part, message.data);
    depot_buf_release(&message);
}

static void expect_close(struct client *c, int code)
{
    struct depot_buf message = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    int first;

    until(c->f, (first = take(c, &message)) != 0);
    assert_int_equal(first, 0x88);
    assert_int_equal((unsigned char)message.data[0] << 8 | (unsigned char)message.data[1], code);
    depot_buf_release(&message);
}

/* ---- HTTP ---- */

static void test_http__answers_each_route(void **state)
{
    static const struct {
        const char *head, *body, *expected[2];
    } rows[] = {
        {"GET /healthz HTTP/1.1", NULL, {" 200 ", "ok\n"}},
        {"GET /v1/version HTTP/1.1", NULL, {" 200 ", "\"api\":1}"}},
        {"GET /v1/builders HTTP/1.1", NULL, {" 200 ", "{\"builders\":[{\"builder\":\"one\""}},
        {"GET /v1/builds HTTP/1.1", NULL, {" 200 ", "{\"builds\":[{\"id\":\"b1\""}},
        {"GET /v1/builds?state=active&limit=5 HTTP/1.1", NULL, {" 200 ", "\"id\":\"b1\""}},
        {"GET /v1/builds?project=none HTTP/1.1", NULL, {" 200 ", "{\"builds\":[]}"}},
        {"GET /v1/builds?state=odd HTTP/1.1", NULL, {" 400 ", "\"code\":\"invalid\""}},
        {"GET /v1/builds?limit=-1 HTTP/1.1", NULL, {" 400 ", "`limit` is not a number"}},
        {"GET /v1/builds/b1 HTTP/1.1", NULL, {" 200 ", "\n{\"id\":\"b1\""}},
        {"GET /v1/builds/none HTTP/1.1", NULL, {" 404 ", "\"code\":\"not_found\""}},
        {"GET /v1/builds/..%2f..%2fetc HTTP/1.1", NULL, {" 404 ", "not_found"}},
        {"GET /v1/nothing HTTP/1.1", NULL, {" 404 ", "not_found"}},
        {"GET / HTTP/1.1", NULL, {" 404 ", "not_found"}},
        {"POST /healthz HTTP/1.1", "", {" 405 ", "does not take this method"}},
        {"DELETE /v1/builds/b1 HTTP/1.1", NULL, {" 405 ", "invalid"}},
        {"POST /v1/builds HTTP/1.1", "{\"solve\":{}}",
            {" 201 ", "{\"id\":\"c000000001\",\"state\":"}},
        {"POST /v1/builds HTTP/1.1", "{}", {" 400 ", "field \\\"solve\\\" must be there"}},
        {"POST /v1/builds HTTP/1.1", "{\"project\":\"bad\",\"solve\":{}}",
            {" 503 ", "\"no \\\"builder\\\"\",\"hint\":\"add one\""}},
        {"POST /v1/builds HTTP/1.1", NULL, {" 411 ", "Content-Length"}},
        {"POST /v1/builds/b1/cancel HTTP/1.1", "", {" 202 ", "{}"}},
        {"POST /v1/builds/b1/cancel HTTP/1.1", NULL, {" 202 ", "{}"}},
        {"POST /v1/builds/b1/cancel HTTP/1.1", "{\"x\":1}", {" 202 ", "{}"}},
        {"POST /v1/builds/none/cancel HTTP/1.1", "", {" 404 ", "not_found"}},
        {"GET /v1/builds/none/events HTTP/1.1", NULL, {" 404 ", "not_found"}},
        {"GET /v1/builds/b1/events?after=x HTTP/1.1", NULL, {" 400 ", "invalid"}},
        {"GET /v1/builds/b1/events?follow=0 HTTP/1.1", NULL, {" 200 ", "\"seq\":2"}},
        {"GET /v1/builds/b1/estimates HTTP/1.1", NULL,
            {" 200 ", "{\"build\":\"b1\",\"project\":\"\",\"duration\":{"}},
        {"GET /v1/builds/none/estimates HTTP/1.1", NULL, {" 404 ", "not_found"}},
        {"GET /v1/cache?builder=two HTTP/1.1", NULL, {" 404 ", "no builder two"}},
        {"POST /v1/cache/prune HTTP/1.1", "{\"builder\":\"two\"}", {" 404 ", "no builder two"}},
        {"POST /v1/cache/prune HTTP/1.1", "{\"all\":1}", {" 400 ", "\\\"all\\\""}},
        {"POST /v1/cache/prune HTTP/1.1", "{\"keep_bytes\":-1}", {" 400 ", "\\\"keep_bytes\\\""}},
        {"POST /v1/cache/prune HTTP/1.1", "[]", {" 400 ", "invalid"}},
        {"GET /v1/feed HTTP/1.1", NULL, {" 404 ", "not_found"}},
    };
    struct fixture *f = *state;

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED, 0);
    append(f, "b1", DEPOT_EVENT_BUILD_STATUS, 10);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char *answer = ask(dial_unix(f), rows[i].head, rows[i].body);
        for (size_t k = 0; k < 2; k++)
            if (!strstr(answer, rows[i].expected[k]))
                fail_msg("%s: no %s in %s", rows[i].head, rows[i].expected[k], answer);
        free(answer);
    }
    assert_string_equal(f->service.cancelled, "b1");
    assert_string_not_equal(f->service.user, "-");
}

static void test_cache__answers_when_the_engines_have(void **state)
{
    static const struct {
        const char *head, *expected;
    } rows[] = {
        {"GET /v1/cache?builder=one HTTP/1.1\r\nHost: d\r\n\r\n",
            "{\"builders\":[{\"builder\":\"one\",\"bytes\":700,"},
        {"POST /v1/cache/prune HTTP/1.1\r\nHost: d\r\nContent-Length: 40\r\n\r\n"
         "{\"all\":true,\"keep_bytes\":5,\"builder\":\"\"}",
            "{\"builders\":[{\"builder\":\"one\",\"freed\":700,\"records\":3}]}"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct client c = dial_unix(f);
        say(&c, rows[i].head, strlen(rows[i].head));
        until(f, f->service.asks == 1);
        for (int k = 0; k < 20; k++)
            turn(f);
        assert_false(has(&c, "HTTP/1.1"));
        answer_cache(&f->service);
        until(f, has(&c, rows[i].expected));
        hang_up(&c);
    }
    assert_true(f->service.asked.all);
    assert_int_equal(f->service.asked.keep_bytes, 5);
    assert_null(f->service.asked.builder);

    struct client c = dial_unix(f); /* a client that leaves takes its question back */
    say(&c, rows[0].head, strlen(rows[0].head));
    until(f, f->service.asks == 1);
    hang_up(&c);
    until(f, f->service.asks == 0);
}

static void test_feed__answers_questions(void **state)
{
    struct fixture *f = *state;
    struct client c = dial_unix(f);

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED, 0);
    upgrade(&c, "/v1/feed", "depot.feed.v1");
    op(&c, "{\"op\":\"estimates\",\"build\":\"b1\"}");
    expect_message(&c, "{\"op\":\"estimates\",\"build\":\"b1\",\"project\":");
    op(&c, "{\"op\":\"estimates\",\"build\":\"b2\"}");
    expect_message(&c, "{\"op\":\"error\",\"build\":\"b2\",\"of\":\"estimates\",");
    op(&c, "{\"op\":\"builds\",\"limit\":10}");
    expect_message(&c, "{\"op\":\"builds\",\"builds\":[{\"id\":\"b1\"");
    op(&c, "{\"op\":\"builds\",\"limit\":10000000}");
    expect_message(&c, "\"of\":\"builds\",\"error\":{\"code\":\"invalid\"");
    op(&c, "{\"op\":\"cache\"}");
    until(f, f->service.asks == 1);
    answer_cache(&f->service);
    expect_message(&c, "{\"op\":\"cache\",\"builders\":[{\"builder\":\"one\"");
    for (int i = 0; i < 5; i++)
        op(&c, "{\"op\":\"prune\",\"builder\":\"one\"}");
    expect_message(&c, "\"of\":\"prune\",\"error\":{\"code\":\"exhausted\"");
    hang_up(&c);
    until(f, f->service.asks == 0);
}

static void test_http__takes_a_megabyte_and_no_more(void **state)
{
    struct fixture *f = *state;
    static const char head[] = "{\"solve\":{\"attrs\":{\"a\":\"b\"}}}";
    char *body = malloc(1024 * 1024 + 2), *answer;

    memset(body, ' ', 1024 * 1024);
    memcpy(body, head, sizeof(head) - 1);
    body[1024 * 1024] = '\0';
    answer = ask(dial_unix(f), "POST /v1/builds HTTP/1.1", body);
    assert_non_null(strstr(answer, " 201 "));
    assert_int_equal(f->service.attr_len, 1);
    free(answer);
    answer = ask(dial_unix(f), "POST /v1/builds HTTP/1.1\r\nContent-Length: 1048577", NULL);
    assert_non_null(strstr(answer, " 413 "));
    assert_non_null(strstr(answer, "too_big"));
    free(answer);
    answer =
        ask(dial_unix(f), "POST /v1/builds HTTP/1.1\r\nContent-Length: 99999999999999999999", NULL);
    assert_non_null(strstr(answer, " 413 "));
    free(answer);
    free(body);
}

static void test_http__keeps_a_connection_for_more(void **state)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: d\r\n\r\n";
    struct fixture *f = *state;
    struct client c = dial_unix(f);

    for (int i = 0; i < 3; i++) {
        depot_buf_clear(&c.in);
        say(&c, request, sizeof(request) - 1);
        until(f, has(&c, "ok\n"));
    }
    assert_int_equal(server_clients(f->server), 1);
    hang_up(&c);
    until(f, server_clients(f->server) == 0);
}

static void test_events__stream_until_the_build_is_over(void **state)
{
    enum { EVENTS = 300, BYTES = 4000 };
    static const char request[] = "GET /v1/builds/b1/events?after=1 HTTP/1.1\r\nHost: d\r\n\r\n";
    struct fixture *f = *state;
    struct client c = dial_unix(f);
    size_t lines = 0;

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED, 0);
    append(f, "b1", DEPOT_EVENT_BUILD_STATUS, 3);
    say(&c, request, sizeof(request) - 1);
    until(f, has(&c, "\"seq\":2"));
    assert_false(has(&c, "\"seq\":1,"));
    for (int i = 3; i < EVENTS; i++)
        append(f, "b1", DEPOT_EVENT_BUILD_STATUS, BYTES);
    append(f, "b1", DEPOT_EVENT_BUILD_FINISHED, 0);
    until(f, (receive(&c), c.eof));
    for (char *p = strstr(c.in.data, "\r\n\r\n") + 4; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    assert_int_equal(lines, EVENTS - 1);
    assert_true(has(&c, "build.finished"));
    hang_up(&c);
}

/* ---- the feed ---- */

static void test_feed__subscribes_creates_and_cancels(void **state)
{
    struct fixture *f = *state;
    struct client c = dial_unix(f);

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED, 0);
    upgrade(&c, "/v1/feed", "depot.feed.v1");
    op(&c, "{\"op\":\"subscribe\",\"build\":\"b1\",\"after\":0}");
    expect_message(&c, "\"seq\":1,");
    append(f, "b1", DEPOT_EVENT_BUILD_STATUS, 100000);
    expect_message(&c, "\"seq\":2,");
    op(&c, "{\"op\":\"create\",\"request\":{\"platforms\":[\"linux/amd64\"],\"solve\":{}}}");
    expect_message(&c,
        "{\"op\":\"created\",\"build\":\"c000000001\",\"session\":\"s3cret\",\"join\":true,"
        "\"version\":\"" DEPOT_VERSION "\",\"can\":[\"join\",\"export_platforms\"]}");
    expect_message(&c, "build.created");
    op(&c, "{\"op\":\"create\",\"request\":{\"project\":\"bad\",\"solve\":{}}}");
    expect_message(&c, "\"code\":\"unavailable\",\"message\":\"no \\\"builder\\\"\"");
    op(&c, "{\"op\":\"cancel\",\"build\":\"b1\"}");
    until(f, f->service.cancelled[0]);
    op(&c, "{\"op\":\"cancel\",\"build\":\"none\"}");
    expect_message(&c, "{\"op\":\"error\",\"build\":\"none\",\"error\":{\"code\":\"not_found\"");
    op(&c, "{\"op\":\"subscribe\",\"scope\":\"fleet\",\"logs\":false}");
    expect_message(&c, "fleet.snapshot");
    assert_true(hub_is_followed(f->hub, "c000000001"));
    assert_false(hub_is_followed(f->hub, "none"));
    hang_up(&c);
    until(f, server_clients(f->server) == 0);
    assert_int_equal(hub_subscribers(f->hub), 0);
    assert_false(hub_is_followed(f->hub, "c000000001"));
    assert_string_equal(f->service.gone, "c000000001");
}

static void test_feed__answers_bad_messages(void **state)
{
    static const char *const rows[] = {"", "nonsense", "[]", "{}", "{\"op\":1}", "{\"op\":\"x\"}",
        "{\"op\":\"subscribe\"}", "{\"op\":\"subscribe\",\"build\":\"../x\"}",
        "{\"op\":\"subscribe\",\"build\":\"b\",\"after\":-1}", "{\"op\":\"create\"}",
        "{\"op\":\"subscribe\",\"scope\":\"all\"}", "{\"op\":\"cancel\"}", "{\"op\":\"x\"} {"};
    struct fixture *f = *state;
    struct client c = dial_unix(f);

    upgrade(&c, "/v1/feed", "depot.feed.v1");
    for (size_t i = 1; i < DEPOT_ARRAY_LEN(rows); i++) {
        op(&c, rows[i]);
        expect_message(&c, "{\"op\":\"error\",");
    }
    hang_up(&c);
}

/* Each question is answered once, with its id, whenever that may be. */
static void test_feed__v2_answers_with_the_id(void **state)
{
    static const struct {
        const char *op, *response;
    } rows[] = {
        {"{\"id\":1,\"op\":\"subscribe\",\"build\":\"b1\"}", "{\"id\":1,\"result\":{}}"},
        {"{\"op\":\"create\",\"id\":2,\"request\":{\"solve\":{}}}",
            "{\"id\":2,\"result\":{\"id\":\"c000000001\",\"state\":\"created\",\"session\":"
            "\"s3cret\",\"join\":true,\"version\":\"" DEPOT_VERSION
            "\",\"can\":[\"join\",\"export_platforms\"]}}"},
        {"{\"id\":3,\"op\":\"create\",\"request\":{\"project\":\"bad\",\"solve\":{}}}",
            "{\"id\":3,\"error\":{\"code\":\"unavailable\",\"message\":\"no \\\"builder\\\"\","
            "\"hint\":\"add one\"}}"},
        {"{\"id\":4,\"op\":\"create\",\"request\":{\"solve\":{\"attrs\":{\"a\":1}}}}",
            "{\"id\":4,\"error\":{\"code\":\"invalid\",\"message\":\"field "
            "\\\"request.solve.attrs.a\\\" must be a string\""},
        {"{\"id\":5,\"op\":\"cancel\",\"build\":\"b1\"}", "{\"id\":5,\"result\":{}}"},
        {"{\"id\":6,\"op\":\"cancel\",\"build\":\"none\"}",
            "{\"id\":6,\"error\":{\"code\":\"not_found\""},
        {"{\"id\":7,\"op\":\"fly\"}", "{\"id\":7,\"error\":{\"code\":\"unsupported\""},
        {"{\"id\":8,\"op\":\"unsubscribe\",\"build\":\"b1\"}", "{\"id\":8,\"result\":{}}"},
        {"{\"op\":\"cancel\"}", "{\"id\":0,\"error\":{\"code\":\"invalid\""},
        {"nonsense", "{\"id\":0,\"error\":{\"code\":\"invalid\""},
        {"{\"id\":9,\"op\":\"builds\",\"limit\":1}",
            "{\"id\":9,\"result\":{\"builds\":[{\"id\":\"c000000001\""},
    };
    static const char *const events[] = {"\"build\":\"b1\"", "\"build\":\"c000000001\""};
    struct fixture *f = *state;
    struct client c = dial_unix(f);

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED, 0);
    upgrade(&c, "/v1/feed", "depot.feed.v2");
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        op(&c, rows[i].op);
        expect_message(&c, rows[i].response);
        if (i < DEPOT_ARRAY_LEN(events))
            expect_message(&c, events[i]);
    }
    op(&c, "{\"id\":20,\"op\":\"cache\"}");
    until(f, f->service.asks == 1);
    op(&c, "{\"id\":21,\"op\":\"builds\"}");
    expect_message(&c, "{\"id\":21,\"result\":{\"builds\":[");
    answer_cache(&f->service);
    expect_message(&c, "{\"id\":20,\"result\":{\"builders\":[{\"builder\":\"one\"");
    hang_up(&c);
}

static void test_feed__takes_fragments_and_refuses_floods(void **state)
{
    struct fixture *f = *state;
    struct client c = dial_unix(f);
    struct depot_buf message = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char *big = malloc(3 * 1024 * 1024);
    int heads = 0;

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED, 0);
    upgrade(&c, "/v1/feed", "depot.feed.v1");
    frame(&c, 0x01, "{\"op\":\"subsc", 12);
    frame(&c, 0x89, "ping", 4);
    frame(&c, 0x00, "ribe\",\"build\":", 14);
    frame(&c, 0x80, "\"b1\"}", 5);
    for (int i = 0, head; i < 2; i++) { /* whichever is first */
        depot_buf_clear(&message);
        until(f, (head = take(&c, &message)) != 0);
        assert_true(strstr(message.data, head == 0x81 ? "\"seq\":1," : "ping") != NULL);
        heads += head;
    }
    assert_int_equal(heads, 0x81 + 0x8a);
    depot_buf_release(&message);
    memset(big, ' ', 3 * 1024 * 1024);
    frame(&c, 0x81, big, 1024 * 1024 + 8192);
    expect_close(&c, 1009);
    hang_up(&c);
    c = dial_unix(f);
    upgrade(&c, "/v1/feed", "depot.feed.v1");
    frame(&c, 0x82, "{}", 2);
    expect_close(&c, 1003);
    hang_up(&c);
    free(big);
}

/* Events that come in the turn of a close frame, of either side, do not follow it. */
static void test_feed__says_nothing_behind_a_close(void **state)
{
    static const struct {
        int first;
        const char *payload;
        int code;
    } rows[] = {{0x82, "{}", 1003}, {0x88, "\x03\xe8", 1000}};
    struct fixture *f = *state;
    struct depot_buf message = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    int first;

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED, 0);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct client c = dial_unix(f);

        upgrade(&c, "/v1/feed", "depot.feed.v1");
        op(&c, "{\"op\":\"subscribe\",\"build\":\"b1\",\"after\":1}");
        append(f, "b1", DEPOT_EVENT_BUILD_STATUS, 10);
        expect_message(&c, "\"build.status\"");
        frame(&c, rows[i].first, rows[i].payload, 2);
        for (int k = 0; k < 50; k++) {
            append(f, "b1", DEPOT_EVENT_BUILD_STATUS, 10);
            turn(f);
            receive(&c);
        }
        for (;;) { /* events before it are fine */
            depot_buf_clear(&message);
            first = take(&c, &message);
            if (first != 0x81)
                break;
        }
        assert_int_equal(first, 0x88);
        assert_int_equal(
            (unsigned char)message.data[0] << 8 | (unsigned char)message.data[1], rows[i].code);
        assert_int_equal(c.in.len, 0);
        hang_up(&c);
    }
    depot_buf_release(&message);
}

static void test_feed__a_slow_reader_stops_nobody(void **state)
{
    enum { EVENTS = 600, BYTES = 8000 };
    struct fixture *f = *state;
    struct client slow = dial_unix(f), fast = dial_unix(f);
    struct depot_buf message = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED, 0);
    upgrade(&slow, "/v1/feed", "depot.feed.v1");
    upgrade(&fast, "/v1/feed", "depot.feed.v1");
    op(&slow, "{\"op\":\"subscribe\",\"build\":\"b1\"}");
    op(&fast, "{\"op\":\"subscribe\",\"build\":\"b1\"}");
    for (int i = 2; i < EVENTS; i++)
        append(f, "b1", DEPOT_EVENT_BUILD_STATUS, BYTES);
    append(f, "b1", DEPOT_EVENT_BUILD_FINISHED, 0);
    for (int who = 0; who < 2; who++) {
        struct client *c = who ? &slow : &fast;
        for (int i = 1; i <= EVENTS; i++) {
            char seq[32];
            depot_buf_clear(&message);
            until(f, take(c, &message) == 0x81);
            snprintf(seq, sizeof(seq), "\"seq\":%d,", i);
            assert_non_null(strstr(message.data, seq));
        }
    }
    depot_buf_release(&message);
    hang_up(&slow);
    hang_up(&fast);
}

static void test_feed__is_compressed_over_tcp_alone(void **state)
{
    static const char request[] =
        "GET /v1/feed HTTP/1.1\r\n" upgrade_head "Sec-WebSocket-Protocol: depot.feed.v1\r\n"
        "Authorization: Bearer s3cret\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    struct fixture *f = *state;

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED, 0);
    append(f, "b1", DEPOT_EVENT_BUILD_STATUS, 100000);
    for (int tcp = 0; tcp < 2; tcp++) {
        struct client c = tcp ? dial_tcp(f) : dial_unix(f);
        say(&c, request, sizeof(request) - 1);
        until(f, has(&c, "\r\n\r\n"));
        assert_int_equal(strstr(c.in.data, "permessage-deflate") != NULL, tcp);
        depot_buf_clear(&c.in);
        op(&c, "{\"op\":\"subscribe\",\"build\":\"b1\"}");
        until(f, (receive(&c), c.in.len > (tcp ? 300 : 100000)));
        assert_int_equal((unsigned char)c.in.data[0], tcp ? 0xc1 : 0x81);
        for (int i = 0; i < 20; i++)
            turn(f);
        receive(&c);
        assert_int_equal(c.in.len < 10000, tcp);
        hang_up(&c);
    }
}

/* ---- the session ---- */

static void test_session__relays_both_ways(void **state)
{
    enum { TOTAL = 3 * 1024 * 1024 };
    struct fixture *f = *state;
    struct client c = dial_unix(f);
    struct depot_buf got = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char *bytes = malloc(TOTAL);
    struct relay *r;

    for (size_t i = 0; i < TOTAL; i++)
        bytes[i] = (char)(i * 31 >> 3);
    append(f, "b1", DEPOT_EVENT_BUILD_CREATED, 0);
    upgrade(&c, "/v1/builds/b1/session/one%20two", "depot.session.v1");
    r = f->service.relay;
    assert_string_equal(r->builder, "one two");
    frame(&c, 0x82, bytes, TOTAL);
    until(f, r->in.len == TOTAL);
    assert_memory_equal(r->in.data, bytes, TOTAL);
    frame(&c, 0x81, "{\"context\":{}}", 14);
    until(f, r->text.len == 14);
    for (size_t i = 0; i < TOTAL; i += 16384)
        r->ops->data(r, bytes + i, 16384, r->arg);
    until(f, (take(&c, &got), got.len == TOTAL));
    assert_memory_equal(got.data, bytes, TOTAL);
    r->ops->data(r, "last", 4, r->arg);
    r->ops->closed(r, 1000, "over", r->arg);
    depot_buf_clear(&got);
    until(f, take(&c, &got) == 0x82);
    assert_string_equal(got.data, "last");
    expect_close(&c, 1000);
    depot_buf_release(&got);
    hang_up(&c);
    until(f, !f->service.relay);
    free(bytes);
}

static void test_session__stops_reading_when_the_engine_lags(void **state)
{
    enum { TOTAL = 8 * 1024 * 1024 };
    static const char head[14] = {(char)0x82, (char)0xff, 0, 0, 0, 0, 0, (char)0x80};
    struct fixture *f = *state;
    struct client c = dial_unix(f);
    char *bytes = calloc(1, 65536);
    size_t before, sent = 0;
    struct relay *r;

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED, 0);
    upgrade(&c, "/v1/builds/b1/session/one", "depot.session.v1");
    r = f->service.relay;
    r->queued = 2 * 1024 * 1024;
    frame(&c, 0x82, "x", 1);
    until(f, r->in.len == 1);
    say(&c, head, sizeof(head)); /* a frame of 8 MiB, masked with zeros */
    while (sent < TOTAL && send(c.fd, bytes, 65536, MSG_NOSIGNAL) > 0)
        sent += 65536;
    for (int i = 0; i < 50; i++)
        turn(f);
    before = r->in.len;
    assert_true(before <= 65537);
    r->queued = 0;
    r->ops->writable(r, r->arg);
    until(f, r->in.len > before);
    hang_up(&c);
    free(bytes);
}

static void test_session__refuses_with_a_status(void **state)
{
    static const struct {
        const char *path, *protocol, *expected;
    } rows[] = {
        {"/v1/builds/none/session/one", "depot.session.v1", " 404 "},
        {"/v1/builds/..%2f/session/one", "depot.session.v1", " 404 "},
        {"/v1/builds/b1/session/one", "depot.feed.v1", " 400 "},
        {"/v1/feed", "depot.session.v1", " 400 "},
        {"/v1/feed", "other", " 400 "},
        {"/v1/other", "depot.feed.v1", " 404 "},
        {"/v1/builds/b1", "depot.feed.v1", " 404 "},
    };
    struct fixture *f = *state;

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED, 0);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct client c = dial_unix(f);
        char request[512];
        snprintf(request, sizeof(request),
            "GET %s HTTP/1.1\r\n" upgrade_head "Sec-WebSocket-Protocol: %s\r\n\r\n", rows[i].path,
            rows[i].protocol);
        say(&c, request, strlen(request));
        until(f, has(&c, "}\n"));
        if (!strstr(c.in.data, rows[i].expected))
            fail_msg("%s: %s", rows[i].path, c.in.data);
        hang_up(&c);
    }
    until(f, server_clients(f->server) == 0);
}

/* ---- credentials and listening ---- */

static void test_tcp__needs_a_token(void **state)
{
    static const struct {
        const char *head, *expected;
    } rows[] = {
        {"GET /healthz HTTP/1.1", " 200 "},
        {"GET /v1/builds HTTP/1.1", " 401 "},
        {"GET /v1/nothing HTTP/1.1", " 401 "},
        {"GET /v1/builds HTTP/1.1\r\nAuthorization: Bearer s3cret", " 200 "},
        {"GET /v1/builds HTTP/1.1\r\nAuthorization: bearer s3cret", " 200 "},
        {"GET /v1/builds HTTP/1.1\r\nAuthorization: Bearer s3cre", " 401 "},
        {"GET /v1/builds HTTP/1.1\r\nAuthorization: Bearer s3crets3cret", " 401 "},
        {"GET /v1/builds HTTP/1.1\r\nAuthorization: Bearer ", " 401 "},
        {"GET /v1/builds HTTP/1.1\r\nAuthorization: Basic s3cret", " 401 "},
        {"GET /v1/feed HTTP/1.1\r\n" upgrade_head "Sec-WebSocket-Protocol: depot.feed.v1", " 401 "},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char *answer = ask(dial_tcp(f), rows[i].head, NULL);
        if (!strstr(answer, rows[i].expected))
            fail_msg("%s: %s", rows[i].head, answer);
        free(answer);
    }
}

static void test_listen__replaces_a_stale_socket_only(void **state)
{
    struct fixture *f = *state;
    char *path = depot_asprintf("%s/stale.sock", f->dir);
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct server_listener l = {.unix_path = f->path};
    struct server_config cfg = {.listeners = &l, .nlisteners = 1};
    struct server *second = NULL;
    struct depot_error err;
    struct stat st;
    int fd;

    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(
        server_new(f->loop, &cfg, f->store, f->hub, &fake_api, &f->service, &second, &err),
        DEPOT_ERR_EXISTS);
    assert_string_not_equal(err.hint, "");
    assert_null(second);
    assert_int_equal(access(f->path, F_OK), 0);
    memcpy(sa.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    close(fd);
    l.unix_path = path;
    assert_int_equal(
        server_new(f->loop, &cfg, f->store, f->hub, &fake_api, &f->service, &second, &err), 0);
    server_free(second);
    assert_int_not_equal(access(path, F_OK), 0);
    depot_free(path);
}

static void test_listen__says_what_is_wrong(void **state)
{
    struct fixture *f = *state;
    const char *tokens[] = {"t"};
    const struct {
        struct server_listener l;
        size_t ntokens;
        int code;
        const char *part;
    } rows[] = {
        {{.host = "127.0.0.1"}, 0, DEPOT_ERR_INVALID, "token"},
        {{.host = "127.0.0.1", .port = server_port(f->server, 1)}, 1, DEPOT_ERR_EXISTS, "already"},
        {{.host = "127.0.0.1", .tls_cert = "/x"}, 1, DEPOT_ERR_INVALID, "only one"},
        {{.unix_path = "/nowhere/d.sock"}, 0, DEPOT_ERR_NOT_FOUND, "/nowhere/d.sock"},
        {{.host = "no such host"}, 1, DEPOT_ERR_INVALID, "no such host"},
        {{.host = "127.0.0.1", .tls_cert = "/x", .tls_key = "/y"}, 1, DEPOT_ERR_NOT_FOUND, "/x"},
    };

    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct server_config cfg = {
            .listeners = &rows[i].l, .nlisteners = 1, .tokens = tokens, .ntokens = rows[i].ntokens};
        struct server *s = NULL;
        struct depot_error err = {0};
        assert_int_equal(
            server_new(f->loop, &cfg, f->store, f->hub, &fake_api, &f->service, &s, &err),
            rows[i].code);
        if (!strstr(err.msg, rows[i].part))
            fail_msg("row %zu: %s", i, err.msg);
        turn(f);
    }
}

/* ---- the tables ---- */

static void test_route__matches(void **state)
{
    static const struct {
        const char *pattern, *path, *args[2];
    } rows[] = {
        {"/a", "/a", {NULL}},
        {"/b/{id}", "/b/x", {"x"}},
        {"/b/{id}/c", "/b/x/c", {"x"}},
        {"/b/{id}/s/{n}", "/b/x/s/y", {"x", "y"}},
        {"/b/{id}/s/{n}", "/b/x/s/y/z", {"x", "y/z"}},
    };
    static const char *const never[] = {"/", "/b/", "/b", "/b/x/", "/b//c", "/b/x/d", "/b/x/s/"};
    struct route_args args;

    DEPOT_UNUSED(state);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        assert_true(route_match(rows[i].pattern, rows[i].path, &args));
        for (size_t k = 0; k < 2 && rows[i].args[k]; k++)
            assert_string_equal(args.values[k], rows[i].args[k]);
    }
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(never); i++)
        for (size_t k = 2; k < DEPOT_ARRAY_LEN(rows); k++)
            assert_false(route_match(rows[k].pattern, never[i], &args));
}

static void test_routes__are_documented(void **state)
{
    struct depot_error err;
    char *text;
    size_t n;

    DEPOT_UNUSED(state);
    if (depot_file_read(TEST_SOURCE_DIR "/../docs/api.md", 1 << 20, &text, &n, &err) != 0)
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < server_nroutes; i++)
        if (!strstr(text, server_routes[i].pattern))
            fail_msg("docs/api.md lacks %s", server_routes[i].pattern);
    depot_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_http__answers_each_route, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache__answers_when_the_engines_have, setup, teardown),
        cmocka_unit_test_setup_teardown(test_feed__answers_questions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http__takes_a_megabyte_and_no_more, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http__keeps_a_connection_for_more, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_events__stream_until_the_build_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_feed__subscribes_creates_and_cancels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_feed__answers_bad_messages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_feed__v2_answers_with_the_id, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_feed__takes_fragments_and_refuses_floods, setup, teardown),
        cmocka_unit_test_setup_teardown(test_feed__says_nothing_behind_a_close, setup, teardown),
        cmocka_unit_test_setup_teardown(test_feed__a_slow_reader_stops_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_feed__is_compressed_over_tcp_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_session__relays_both_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_session__stops_reading_when_the_engine_lags, setup, teardown),
        cmocka_unit_test_setup_teardown(test_session__refuses_with_a_status, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tcp__needs_a_token, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listen__replaces_a_stale_socket_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listen__says_what_is_wrong, setup, teardown),
        cmocka_unit_test(test_route__matches),
        cmocka_unit_test(test_routes__are_documented),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
