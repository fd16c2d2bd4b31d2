/*
 * The WebSocket client against a server that does as it is told, and the frames it makes.
 */
#include "fake_tls.h"
#include "fake_ws.h"
#include "ws/queue.h"
#include "ws/ws.h"

#include <depot/clock.h>
#include <depot/os.h>

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

/* ---- frames ---- */

static void test_queue__masks_at_any_phase_and_length(void **state)
{
    (void)state;
    const uint8_t key[4] = {0x11, 0xa2, 0x73, 0xf4};
    uint8_t src[200], dst[200];
    for (size_t i = 0; i < sizeof(src); i++)
        src[i] = (uint8_t)(i * 7);
    for (size_t pos = 0; pos < 9; pos++) {
        for (size_t n = 0; n < 100; n++) {
            dp_wsq_mask(dst, src, n, key, pos);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(dst[i], src[i] ^ key[(pos + i) & 3]);
        }
    }
}

static void test_queue__frames_have_the_shortest_header(void **state)
{
    static const struct {
        size_t payload, header;
    } rows[] = {{0, 6}, {1, 6}, {125, 6}, {126, 8}, {65535, 8}, {65536, 14}, {200000, 14}};
    (void)state;
    uint8_t *data = calloc(1, 200000);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dp_wsq q = {0};
        size_t n = 0, payload = 0;
        dp_wsq_message(&q, DEPOT_WS_TEXT, data, rows[i].payload);
        assert_int_equal(q.queued, rows[i].payload);
        const uint8_t *f = dp_wsq_front(&q, &n, &payload);
        assert_non_null(f);
        assert_int_equal(payload, rows[i].payload);
        assert_int_equal(n, rows[i].payload + rows[i].header);
        assert_int_equal(f[0], 0x81);
        assert_true(f[1] & 0x80);
        dp_wsq_wrote(&q, n);
        assert_int_equal(q.queued, 0);
        assert_null(dp_wsq_front(&q, &n, &payload));
        dp_wsq_release(&q);
    }
    free(data);
}

static void test_queue__joins_bytes_but_not_into_a_frame_on_its_way(void **state)
{
    (void)state;
    struct dp_wsq q = {0};
    size_t n = 0, payload = 0;
    for (int i = 0; i < 1000; i++)
        dp_wsq_bytes(&q, "abc", 3);
    assert_non_null(dp_wsq_front(&q, &n, &payload));
    assert_int_equal(payload, 3000);
    dp_wsq_bytes(&q, "d", 1);
    dp_wsq_message(&q, DEPOT_WS_TEXT, "{}", 2);
    dp_wsq_bytes(&q, "e", 1);
    const size_t want[] = {3000, 1, 2, 1};
    for (size_t i = 0; i < 4; i++) {
        assert_non_null(dp_wsq_front(&q, &n, &payload));
        assert_int_equal(payload, want[i]);
        dp_wsq_wrote(&q, n);
    }
    assert_int_equal(q.queued, 0);
    dp_wsq_release(&q);
}

static void test_queue__goes_on_where_a_write_ended(void **state)
{
    (void)state;
    for (size_t step = 1; step < 20; step++) {
        struct dp_wsq q = {.plain = true};
        struct depot_buf got = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        const uint8_t *p;
        size_t n = 0, payload = 0;
        dp_wsq_message(&q, DEPOT_WS_TEXT, "abcdef", 6);
        dp_wsq_message(&q, DEPOT_WS_TEXT, "", 0);
        dp_wsq_bytes(&q, "gh", 2);
        while ((p = dp_wsq_front(&q, &n, &payload)) != NULL) {
            n = n < step ? n : step;
            depot_buf_add(&got, p, n);
            dp_wsq_wrote(&q, n);
        }
        assert_int_equal(got.len, 12 + 6 + 8);
        assert_memory_equal(got.data,
            "\x81\x86\0\0\0\0"
            "abcdef"
            "\x81\x80\0\0\0\0"
            "\x82\x82\0\0\0\0"
            "gh",
            got.len);
        assert_int_equal(q.queued, 0);
        depot_buf_release(&got);
        dp_wsq_release(&q);
    }
}

static void test_queue__answers_the_last_ping(void **state)
{
    (void)state;
    struct dp_wsq q = {0};
    size_t n = 0, payload = 0;
    for (int i = 0; i < 100; i++)
        dp_wsq_pong(&q, "0123456789", (size_t)(i % 10));
    assert_int_equal(q.queued, 9);
    (void)dp_wsq_front(&q, &n, &payload);
    dp_wsq_wrote(&q, 1);
    dp_wsq_pong(&q, "x", 1); /* that one is on its way */
    assert_int_equal(q.queued, 10);
    (void)dp_wsq_front(&q, &n, &payload);
    assert_int_equal(payload, 9);
    dp_wsq_wrote(&q, n);
    (void)dp_wsq_front(&q, &n, &payload);
    assert_int_equal(payload, 1);
    dp_wsq_wrote(&q, n);
    assert_null(dp_wsq_front(&q, &n, &payload));
    dp_wsq_release(&q);
}

static void test_queue__drops_all_but_what_is_begun(void **state)
{
    (void)state;
    for (int begun = 0; begun < 2; begun++) {
        struct dp_wsq q = {0};
        size_t n = 0, payload = 0;
        dp_wsq_drop(&q);
        for (int i = 0; i < 3; i++)
            dp_wsq_message(&q, DEPOT_WS_TEXT, "abc", 3);
        (void)dp_wsq_front(&q, &n, &payload);
        dp_wsq_wrote(&q, begun ? 2 : 0);
        dp_wsq_drop(&q);
        assert_int_equal(q.queued, begun ? 3 : 0);
        dp_wsq_message(&q, DEPOT_WS_CLOSE, "", 0);
        if (begun) {
            (void)dp_wsq_front(&q, &n, &payload);
            assert_int_equal(n, 7);
            dp_wsq_wrote(&q, n);
        }
        (void)dp_wsq_front(&q, &n, &payload);
        assert_int_equal(n, 6);
        dp_wsq_release(&q);
    }
}

/* ---- the client ---- */

/* Tests run over a unix socket, and again over TLS. */
static bool over_tls;
static char dir[] = "/tmp/depot-test-ws-XXXXXX";
static char *cert_path, *key_path;

struct fixture {
    struct depot_loop *loop;
    struct dp_ws_context *ctx;
    struct dp_ws *ws;
    struct depot_addr addr;
    char path[64];
    int lfd;
    pthread_t thread;
    bool threaded;
    void (*serve)(struct fixture *f, int fd, const char *head);
    bool no_upgrade, plain_server, wants_cert;
    struct depot_tls tls;
    /* what the client saw */
    int opened, closed, status, writables;
    struct depot_error err;
    bool has_err;
    struct depot_buf got;
    int messages;
    int turns; /* of the loop that gave messages */
    bool in_turn;
    size_t last_len;
    /* what it does */
    bool free_in_open, free_in_message, free_in_closed, context_too;
    void (*on_open)(struct fixture *f);
    /* what the server saw */
    char head[4096];
    struct depot_buf seen;
    int frames, texts, close_code;
    size_t expect;
};

static void *server_main(void *arg)
{
    struct fixture *f = arg;
    int fd = accept(f->lfd, NULL, NULL);
    if (fd >= 0 && over_tls && !f->plain_server)
        fd = fake_tls_accept(fd, cert_path, key_path, f->wants_cert ? cert_path : NULL);
    if (fd < 0)
        return NULL;
    if (!over_tls || !f->plain_server) /* a ClientHello is no request, and has no end */
        fake_read_head(fd, f->head, sizeof(f->head));
    if (f->no_upgrade || fake_upgrade(fd, f->head, "depot.feed.v1"))
        f->serve(f, fd, f->head);
    close(fd);
    return NULL;
}

static void drop(struct fixture *f)
{
    dp_ws_free(f->ws);
    f->ws = NULL;
    if (f->context_too) {
        dp_ws_context_free(f->ctx);
        f->ctx = NULL;
    }
    depot_loop_stop(f->loop);
}

static void on_open(struct dp_ws *ws, void *arg)
{
    struct fixture *f = arg;
    assert_ptr_equal(ws, f->ws);
    f->opened++;
    if (f->on_open != NULL)
        f->on_open(f);
    if (f->free_in_open)
        drop(f);
}

static void turn_ends(void *arg)
{
    ((struct fixture *)arg)->in_turn = false;
}

static void on_message(struct dp_ws *ws, const void *data, size_t n, void *arg)
{
    struct fixture *f = arg;
    (void)ws;
    if (!f->in_turn) {
        f->in_turn = true;
        f->turns++;
        depot_loop_defer(f->loop, turn_ends, f);
    }
    f->messages++;
    f->last_len = n;
    depot_buf_add(&f->got, data, n);
    if (f->free_in_message)
        drop(f);
}

static void on_writable(struct dp_ws *ws, void *arg)
{
    (void)ws;
    ((struct fixture *)arg)->writables++;
}

static void on_closed(struct dp_ws *ws, int status, const struct depot_error *err, void *arg)
{
    struct fixture *f = arg;
    (void)ws;
    f->closed++;
    f->status = status;
    f->has_err = err != NULL;
    if (err != NULL)
        f->err = *err;
    if (f->free_in_closed)
        drop(f);
    depot_loop_stop(f->loop);
}

static const struct dp_ws_ops ops = {
    .open = on_open, .message = on_message, .writable = on_writable, .closed = on_closed};

static void listen_anywhere(struct fixture *f, char *text, size_t n)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sa);
    f->lfd = depot_os_socket(AF_INET, SOCK_STREAM, 0, false);
    assert_int_equal(bind(f->lfd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(f->lfd, 5), 0);
    getsockname(f->lfd, (struct sockaddr *)&sa, &len);
    snprintf(text, n, "tcp://localhost:%d", ntohs(sa.sin_port));
    if (f->tls.ca == NULL && !f->tls.enabled)
        f->tls = (struct depot_tls){.enabled = true, .ca = cert_path};
}

static void setup(struct fixture *f)
{
    struct depot_error err;
    char text[128];
    if (over_tls) {
        listen_anywhere(f, text, sizeof(text));
    } else {
        f->lfd = fake_listen(f->path, sizeof(f->path));
        snprintf(text, sizeof(text), "unix://%s", f->path);
    }
    assert_true(f->lfd >= 0);
    assert_int_equal(depot_addr_parse(text, 0, &f->addr, &err), 0);
    assert_int_equal(depot_loop_new(&f->loop, &err), 0);
    f->ctx = dp_ws_context_new(f->loop);
    depot_buf_init(&f->got, DEPOT_BUF_NO_LIMIT);
    depot_buf_init(&f->seen, DEPOT_BUF_NO_LIMIT);
    if (f->serve != NULL) {
        assert_int_equal(pthread_create(&f->thread, NULL, server_main, f), 0);
        f->threaded = true;
    }
}

static void open_ws(struct fixture *f, struct dp_ws_opts *o)
{
    struct depot_error err;
    o->addr = &f->addr;
    o->tls = over_tls ? &f->tls : NULL;
    o->path = o->path != NULL ? o->path : "/v1/feed";
    o->protocol = o->protocol != NULL ? o->protocol : "depot.feed.v1";
    assert_int_equal(dp_ws_open(f->ctx, o, &ops, f, &f->ws, &err), 0);
    assert_int_equal(f->opened + f->closed, 0);
}

static void teardown(struct fixture *f)
{
    dp_ws_free(f->ws);
    dp_ws_context_free(f->ctx);
    depot_loop_free(f->loop);
    /* A server nobody came to waits in accept(). */
    shutdown(f->lfd, SHUT_RDWR);
    if (f->threaded)
        pthread_join(f->thread, NULL);
    close(f->lfd);
    if (f->path[0] != '\0')
        unlink(f->path);
    depot_addr_release(&f->addr);
    depot_buf_release(&f->got);
    depot_buf_release(&f->seen);
}

static void run(struct fixture *f, struct dp_ws_opts *o)
{
    setup(f);
    open_ws(f, o);
    depot_loop_run(f->loop);
}

static void serve_collect(struct fixture *f, int fd, const char *head)
{
    (void)head;
    static _Thread_local char buf[256 * 1024];
    size_t n = 0;
    int op = 0;
    while ((op = fake_recv(fd, buf, sizeof(buf), &n)) > 0) {
        if (op == FAKE_CLOSE) {
            f->close_code = n >= 2 ? (uint8_t)buf[0] << 8 | (uint8_t)buf[1] : 0;
            fake_send(fd, FAKE_CLOSE, buf, n);
            break;
        }
        f->frames++;
        f->texts += op == FAKE_TEXT;
        depot_buf_add(&f->seen, buf, n);
    }
}

static void send_two_and_finish(struct fixture *f)
{
    dp_ws_send(f->ws, "{\"op\":1}", 8);
    dp_ws_send(f->ws, "", 0);
    dp_ws_send(f->ws, "{\"op\":2}", 8);
    dp_ws_finish(f->ws);
}

static void test_ws__sends_messages_and_closes_in_order(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_collect, .on_open = send_two_and_finish};
    run(&f, &(struct dp_ws_opts){.token = "s3cret"});
    assert_int_equal(f.opened, 1);
    assert_int_equal(f.closed, 1);
    assert_int_equal(f.status, 0);
    assert_false(f.has_err);
    teardown(&f);
    assert_int_equal(f.frames, 3);
    assert_int_equal(f.texts, 3);
    assert_int_equal(f.close_code, 1000);
    assert_non_null(fake_find(f.head, "\r\nauthorization: Bearer s3cret\r\n"));
    assert_non_null(strstr(f.head, "GET /v1/feed HTTP/1.1\r\n"));
}

static void send_stream(struct fixture *f)
{
    char block[1000];
    for (size_t i = 0; i < f->expect / sizeof(block); i++) {
        memset(block, (int)('a' + i % 26), sizeof(block));
        dp_ws_send(f->ws, block, sizeof(block));
        if (i == 0)
            dp_ws_send_text(f->ws, "{}", 2);
    }
    assert_true(dp_ws_queued(f->ws) >= f->expect);
    dp_ws_finish(f->ws);
}

static void test_ws__joins_a_stream_into_large_frames(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_collect, .on_open = send_stream, .expect = 5000000};
    run(&f, &(struct dp_ws_opts){.binary = true, .stream = true});
    assert_int_equal(f.closed, 1);
    assert_false(f.has_err);
    assert_int_equal(f.writables, 1);
    teardown(&f);
    assert_int_equal(f.texts, 1);
    assert_true(f.frames <= 5000000 / DP_WSQ_FRAME_MAX + 4);
}

static void serve_echoes(struct fixture *f, int fd, const char *head)
{
    (void)head;
    char *big = malloc(f->expect);
    memset(big, 'x', f->expect);
    fake_text(fd, "{\"type\":\"a\"}");
    fake_send_part(fd, FAKE_TEXT, false, "{\"split\":", 9);
    fake_send(fd, FAKE_PING, "hi", 2);
    fake_send_part(fd, 0, true, "1}", 2);
    fake_send(fd, FAKE_TEXT, big, f->expect);
    fake_close(fd, 1000);
    free(big);
    serve_collect(f, fd, head);
}

static void test_ws__gives_whole_messages(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_echoes, .expect = 300000};
    run(&f, &(struct dp_ws_opts){.token = NULL});
    assert_int_equal(f.messages, 3);
    assert_int_equal(f.last_len, 300000);
    assert_memory_equal(f.got.data, "{\"type\":\"a\"}{\"split\":1}xxx", 26);
    assert_int_equal(f.closed, 1);
    assert_false(f.has_err);
    teardown(&f);
    assert_null(fake_find(f.head, "authorization"));
}

static void test_ws__gives_pieces_of_a_stream(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_echoes, .expect = 300000};
    run(&f, &(struct dp_ws_opts){.binary = true, .stream = true});
    assert_int_equal(f.got.len, 12 + 11 + 300000);
    teardown(&f);
}

static void test_ws__refuses_a_message_too_big(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_echoes, .expect = 300000};
    run(&f, &(struct dp_ws_opts){.max_message = 100000});
    assert_int_equal(f.messages, 2);
    assert_int_equal(f.closed, 1);
    assert_true(f.has_err);
    assert_int_equal(f.err.code, DEPOT_ERR_TOO_BIG);
    teardown(&f);
    if (!over_tls) /* there the rest of the message, unread, cuts the connection first */
        assert_int_equal(f.close_code, 1009);
}

static void serve_nothing(struct fixture *f, int fd, const char *head)
{
    (void)f;
    (void)fd;
    (void)head;
}

static void test_ws__says_when_the_connection_is_lost(void **state)
{
    (void)state;
    for (int stream = 0; stream < 2; stream++) {
        struct fixture f = {.serve = serve_nothing};
        run(&f, &(struct dp_ws_opts){.stream = stream == 1});
        assert_int_equal(f.closed, 1);
        assert_true(f.has_err);
        assert_int_equal(f.err.code, DEPOT_ERR_UNAVAILABLE);
        assert_non_null(strstr(f.err.msg, f.addr.text));
        teardown(&f);
    }
}

static void serve_overload(struct fixture *f, int fd, const char *head)
{
    fake_close(fd, 1011);
    serve_collect(f, fd, head);
}

static void test_ws__tells_the_code_of_a_close_frame(void **state)
{
    (void)state;
    for (int stream = 0; stream < 2; stream++) {
        struct fixture f = {.serve = serve_overload};
        run(&f, &(struct dp_ws_opts){.stream = stream == 1});
        assert_int_equal(f.closed, 1);
        assert_int_equal(f.err.code, DEPOT_ERR_INTERNAL);
        teardown(&f);
    }
}

static int refuse_with;
static void serve_refusal(struct fixture *f, int fd, const char *head)
{
    (void)f;
    (void)head;
    char text[128];
    if (refuse_with == 0) {
        fake_puts(fd, "SSH-2.0-garbage\r\n\r\n\r\n");
        return;
    }
    snprintf(text, sizeof(text), "HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n", refuse_with);
    fake_puts(fd, text);
}

static void test_ws__explains_a_refused_handshake(void **state)
{
    static const struct {
        int status;
        const char *token;
        int code;
        const char *hint;
    } rows[] = {
        {401, NULL, DEPOT_ERR_UNAUTHENTICATED, "set DEPOT_TOKEN to a token of this daemon"},
        {401, "old", DEPOT_ERR_UNAUTHENTICATED, "check DEPOT_TOKEN"},
        {403, "x", DEPOT_ERR_DENIED, ""},
        {404, NULL, DEPOT_ERR_NOT_FOUND, "depotd"},
        {503, NULL, DEPOT_ERR_UNAVAILABLE, "again"},
        {302, NULL, DEPOT_ERR_PROTOCOL, "depotd"},
        {500, NULL, DEPOT_ERR_PROTOCOL, "depotd"},
        {502, NULL, DEPOT_ERR_UNAVAILABLE, "again"},
        {0, NULL, DEPOT_ERR_PROTOCOL, "depotd"},
    };
    (void)state;
    for (size_t k = 0; k < 2 * sizeof(rows) / sizeof(rows[0]); k++) {
        const size_t i = k / 2;
        const bool stream = k % 2 == 1;
        struct fixture f = {.serve = serve_refusal, .no_upgrade = true};
        refuse_with = rows[i].status;
        run(&f, &(struct dp_ws_opts){.token = rows[i].token, .stream = stream, .binary = stream});
        assert_int_equal(f.opened, 0);
        assert_int_equal(f.closed, 1);
        assert_int_equal(f.status, rows[i].status);
        assert_true(f.has_err);
        assert_int_equal(f.err.code, rows[i].code);
        assert_non_null(strstr(f.err.hint, rows[i].hint));
        teardown(&f);
    }
}

static void test_ws__explains_a_missing_socket(void **state)
{
    (void)state;
    struct fixture f = {0};
    setup(&f);
    close(f.lfd);
    open_ws(&f, &(struct dp_ws_opts){.binary = true});
    depot_loop_run(f.loop);
    assert_int_equal(f.closed, 1);
    assert_int_equal(f.err.code, DEPOT_ERR_UNAVAILABLE);
    assert_non_null(strstr(f.err.msg, "refused"));
    assert_non_null(strstr(f.err.hint, "nothing listens on it"));
    dp_ws_free(f.ws);
    unlink(f.path);
    f.closed = 0;
    open_ws(&f, &(struct dp_ws_opts){.binary = true});
    depot_loop_run(f.loop);
    assert_int_equal(f.closed, 1);
    assert_non_null(strstr(f.err.msg, "No such file"));
    teardown(&f);
}

static void test_ws__refuses_a_token_with_a_line_break(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct depot_error err;
    setup(&f);
    const struct dp_ws_opts o = {
        .addr = &f.addr, .path = "/", .protocol = "x", .token = "a\r\nHost: b"};
    assert_int_equal(dp_ws_open(f.ctx, &o, &ops, &f, &f.ws, &err), DEPOT_ERR_INVALID);
    teardown(&f);
}

static void test_ws__may_be_freed_anywhere(void **state)
{
    (void)state;
    for (int i = 0; i < 16; i++) {
        struct fixture f = {.serve = serve_echoes, .expect = 300000};
        f.free_in_open = (i & 3) == 1;
        f.free_in_message = (i & 3) == 2;
        f.free_in_closed = (i & 3) == 3;
        f.context_too = (i & 4) != 0;
        setup(&f);
        open_ws(&f, &(struct dp_ws_opts){.stream = i >= 8});
        if ((i & 3) == 0)
            drop(&f); /* before it began */
        depot_loop_run(f.loop);
        assert_null(f.ws);
        if (!f.free_in_closed)
            assert_int_equal(f.closed, 0);
        teardown(&f);
    }
}

static void pause_first(struct fixture *f)
{
    dp_ws_pause(f->ws, true);
}

static void test_ws__pauses_reading(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_echoes, .expect = 300000, .on_open = pause_first};
    setup(&f);
    open_ws(&f, &(struct dp_ws_opts){.token = NULL});
    while (f.opened == 0 && f.closed == 0)
        depot_loop_turn(f.loop);
    const uint64_t until = depot_mono_ms() + 100;
    while (depot_mono_ms() < until)
        depot_loop_turn(f.loop);
    assert_int_equal(f.opened, 1);
    assert_int_equal(f.messages, 0);
    dp_ws_pause(f.ws, false);
    depot_loop_run(f.loop);
    assert_int_equal(f.messages, 3);
    teardown(&f);
}

enum { BUSY_FRAMES = 600 };

/* A frame each half a millisecond, and the last with the goodbye behind it. */
static void serve_busily(struct fixture *f, int fd, const char *head)
{
    for (int i = 0; i < BUSY_FRAMES; i++) {
        const char letter = (char)('a' + i % 26);
        fake_send(fd, FAKE_TEXT, &letter, 1);
        usleep(500);
    }
    fake_close(fd, 1000);
    serve_collect(f, fd, head);
}

static void send_while_held(struct fixture *f)
{
    dp_ws_send(f->ws, "{}", 2); /* the answer would be read at once, were there one */
}

static void test_ws__reads_a_busy_peer_by_the_clock(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_busily, .on_open = send_while_held};
    run(&f, &(struct dp_ws_opts){.paced = true});
    assert_int_equal(f.messages, BUSY_FRAMES);
    for (int i = 0; i < BUSY_FRAMES; i++)
        assert_int_equal(f.got.data[i], 'a' + i % 26);
    assert_int_equal(f.closed, 1);
    assert_false(f.has_err);
    /* When is test_pace's matter: a machine that is busy otherwise makes quiet peers of busy ones. */
    assert_in_range(f.turns, 2, BUSY_FRAMES);
    teardown(&f);
    assert_int_equal(f.texts, 1);
}

/* The answer and frames in one piece, then a byte at a time, with a ping that must be answered. */
static void serve_in_pieces(struct fixture *f, int fd, const char *head)
{
    uint8_t buf[16];
    size_t n = 0;
    const char frames[] = "\x02\x02"
                          "ab"
                          "\x89\x02hi"
                          "\x00\x00"
                          "\x80\x01"
                          "c"
                          "\x81\x02{}";
    (void)head;
    fake_write_all(fd, frames, sizeof(frames) - 1);
    f->frames = fake_recv(fd, buf, sizeof(buf), &n);
    depot_buf_add(&f->seen, buf, n);
    for (size_t i = 0; i < sizeof(frames) - 1; i++) {
        fake_write_all(fd, frames + i, 1);
        usleep(500);
    }
    fake_recv(fd, buf, sizeof(buf), &n);
    depot_buf_add(&f->seen, buf, n);
    fake_close(fd, 1000);
    f->texts = fake_recv(fd, buf, sizeof(buf), &n);
    depot_buf_add(&f->seen, buf, n);
}

static void test_ws__takes_frames_cut_anywhere(void **state)
{
    (void)state;
    for (int stream = 0; stream < 2; stream++) {
        struct fixture f = {.serve = serve_in_pieces};
        run(&f, &(struct dp_ws_opts){.binary = true, .stream = stream == 1});
        assert_string_equal(depot_buf_str(&f.got), "abc{}abc{}");
        if (stream == 0)
            assert_int_equal(f.messages, 4);
        assert_int_equal(f.closed, 1);
        assert_false(f.has_err);
        pthread_join(f.thread, NULL);
        f.threaded = false;
        assert_int_equal(f.frames, FAKE_PONG);
        assert_int_equal(f.texts, FAKE_CLOSE);
        assert_memory_equal(depot_buf_str(&f.seen), "hihi\x03\xe8", 6);
        teardown(&f);
    }
}

static void serve_garbage(struct fixture *f, int fd, const char *head)
{
    fake_puts(fd, "\x82\x01zThis is no frame, and it goes on and on.");
    serve_collect(f, fd, head);
}

static void test_ws__refuses_garbage(void **state)
{
    (void)state;
    for (int stream = 0; stream < 2; stream++) {
        struct fixture f = {.serve = serve_garbage};
        run(&f, &(struct dp_ws_opts){.binary = true, .stream = stream == 1});
        assert_string_equal(depot_buf_str(&f.got), "z");
        assert_int_equal(f.closed, 1);
        assert_true(f.has_err);
        assert_int_equal(f.err.code, DEPOT_ERR_PROTOCOL);
        teardown(&f);
        assert_int_equal(f.close_code, 1002);
    }
}

/* The answer and what follows it come in the same bytes. */
static void serve_at_once(struct fixture *f, int fd, const char *head)
{
    char all[1024];
    size_t n;
    assert_true(fake_answer(all, sizeof(all), head, "depot.feed.v1"));
    n = strlen(all);
    memcpy(all + n, "\x81\x01x\x01\x01y", 7);
    fake_write_all(fd, all, n + 6);
    usleep(20000);
    fake_write_all(fd, "\x80\x02zz\x81\x00\x88\x02\x03\xe8", 10);
    serve_collect(f, fd, head);
}

static void test_ws__takes_what_follows_the_answer(void **state)
{
    (void)state;
    for (int paused = 0; paused < 2; paused++) {
        struct fixture f = {.serve = serve_at_once, .no_upgrade = true};
        f.on_open = paused ? pause_first : NULL;
        setup(&f);
        open_ws(&f, &(struct dp_ws_opts){.token = NULL});
        const uint64_t until = depot_mono_ms() + 200;
        while (paused && depot_mono_ms() < until)
            depot_loop_turn(f.loop);
        assert_int_equal(f.messages, 0);
        dp_ws_pause(f.ws, false);
        depot_loop_run(f.loop);
        assert_int_equal(f.messages, 3);
        assert_string_equal(depot_buf_str(&f.got), "xyzz");
        assert_int_equal(f.last_len, 0);
        assert_false(f.has_err);
        teardown(&f);
    }
}

/* Says why, and goes without reading. */
static void serve_goodbye(struct fixture *f, int fd, const char *head)
{
    static const char body[] = "\x03\xf0no \x1b[31m\xc2\x9bmore";
    (void)f;
    (void)head;
    fake_send(fd, FAKE_CLOSE, body, sizeof(body) - 1);
}

static void send_much(struct fixture *f)
{
    char *block = calloc(1, f->expect);
    dp_ws_send(f->ws, block, f->expect);
    free(block);
}

static void test_ws__tells_why_also_when_a_write_failed(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_goodbye, .on_open = send_much, .expect = 8 << 20};
    run(&f, &(struct dp_ws_opts){.binary = true, .stream = true});
    assert_int_equal(f.closed, 1);
    assert_int_equal(f.err.code, DEPOT_ERR_DENIED);
    assert_non_null(strstr(f.err.msg, "refused to go on (1008): no ?[31m??more"));
    teardown(&f);
}

/* ---- TLS ---- */

static void test_tls__says_what_is_wrong(void **state)
{
    static char other[] = "other.test";
    const struct {
        struct depot_tls tls;
        bool plain_server, wants_cert;
        int code;
        const char *word, *hint;
    } rows[] = {
        {{.enabled = true}, false, false, DEPOT_ERR_UNAUTHENTICATED, "not trusted", "CA"},
        {{.enabled = true, .ca = cert_path, .server_name = other}, false, false,
            DEPOT_ERR_UNAUTHENTICATED, "ostname mismatch", "server name"},
        {{.enabled = true, .ca = cert_path}, true, false, DEPOT_ERR_PROTOCOL, "does not speak TLS",
            "plain"},
        {{.enabled = true, .ca = cert_path}, false, true, DEPOT_ERR_UNAUTHENTICATED,
            "client certificate", "certificate and its key"},
        {{.enabled = false, .ca = cert_path}, false, false, DEPOT_ERR_UNAVAILABLE, "hung up",
            "expect TLS"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct fixture f = {.serve = serve_refusal,
            .no_upgrade = true,
            .plain_server = rows[i].plain_server,
            .wants_cert = rows[i].wants_cert};
        f.tls = rows[i].tls;
        refuse_with = 400;
        run(&f, &(struct dp_ws_opts){.token = NULL});
        assert_int_equal(f.opened, 0);
        assert_int_equal(f.closed, 1);
        assert_int_equal(f.err.code, rows[i].code);
        assert_non_null(strstr(f.err.msg, rows[i].word));
        assert_non_null(strstr(f.err.hint, rows[i].hint));
        teardown(&f);
    }
}

static void test_tls__shows_a_client_certificate(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_echoes,
        .expect = 300000,
        .wants_cert = true,
        .tls = {.enabled = true, .ca = cert_path, .cert = cert_path, .key = key_path}};
    run(&f, &(struct dp_ws_opts){.token = NULL});
    assert_int_equal(f.messages, 3);
    assert_false(f.has_err);
    teardown(&f);
}

/* One context: the certificates are read once, and again after a failure. */
static void test_tls__reads_certificates_again_after_a_failure(void **state)
{
    static char path[128];
    char *command;
    (void)state;
    snprintf(path, sizeof(path), "%s/changing.pem", dir);
    for (int i = 0; i < 2; i++) {
        struct fixture f = {
            .serve = serve_echoes, .expect = 10, .tls = {.enabled = true, .ca = path}};
        struct depot_error err;
        fake_certificate(path, "/dev/null"); /* of another key */
        setup(&f);
        open_ws(&f, &(struct dp_ws_opts){.token = NULL});
        depot_loop_run(f.loop);
        assert_int_equal(f.err.code, DEPOT_ERR_UNAUTHENTICATED);
        command = depot_asprintf("cp %s %s", cert_path, path);
        assert_int_equal(system(command), 0);
        depot_free(command);
        dp_ws_free(f.ws);
        pthread_join(f.thread, NULL);
        assert_int_equal(pthread_create(&f.thread, NULL, server_main, &f), 0);
        const struct dp_ws_opts again = {
            .addr = &f.addr, .tls = &f.tls, .path = "/", .protocol = "depot.feed.v1"};
        assert_int_equal(dp_ws_open(f.ctx, &again, &ops, &f, &f.ws, &err), 0);
        depot_loop_run(f.loop);
        assert_int_equal(f.opened, 1);
        assert_int_equal(f.messages, 3);
        teardown(&f);
    }
}

static int use_unix(void **state)
{
    (void)state;
    over_tls = false;
    return 0;
}

static int use_tls(void **state)
{
    (void)state;
    over_tls = true;
    return 0;
}

static int make_files(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    cert_path = depot_asprintf("%s/cert.pem", dir);
    key_path = depot_asprintf("%s/key.pem", dir);
    fake_certificate(cert_path, key_path);
    return 0;
}

static int remove_files(void **state)
{
    char *command = depot_asprintf("rm -rf %s", dir);
    const int rc = system(command);
    (void)state;
    depot_free(command);
    depot_free(cert_path);
    depot_free(key_path);
    return rc;
}

#define UNIX(fn) cmocka_unit_test_setup(fn, use_unix)
#define TLS(fn)  cmocka_unit_test_setup(fn, use_tls)
#define BOTH(fn)                                                                                   \
    UNIX(fn),                                                                                      \
    {                                                                                              \
#fn " over TLS", fn, use_tls, NULL, NULL                                                   \
    }

/* An answer that comes in two parts, the second with what no server of ours answers. */
static void serve_wrong_key(struct fixture *f, int fd, const char *head)
{
    (void)f;
    (void)head;
    fake_puts(fd, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n");
    usleep(20000);
    fake_puts(fd, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                  "Sec-WebSocket-Protocol: depot.feed.v1\r\n\r\n");
}

static void test_ws__checks_the_answer(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_wrong_key, .no_upgrade = true};
    run(&f, &(struct dp_ws_opts){.binary = true});
    assert_int_equal(f.opened, 0);
    assert_int_equal(f.closed, 1);
    assert_int_equal(f.err.code, DEPOT_ERR_PROTOCOL);
    assert_non_null(strstr(f.err.msg, "not a daemon"));
    teardown(&f);
}

static void test_ws__pauses_a_stream(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_echoes, .expect = 3000000, .on_open = pause_first};
    setup(&f);
    open_ws(&f, &(struct dp_ws_opts){.binary = true, .stream = true});
    while (f.opened == 0 && f.closed == 0)
        depot_loop_turn(f.loop);
    const uint64_t until = depot_mono_ms() + 100;
    while (depot_mono_ms() < until)
        depot_loop_turn(f.loop);
    assert_int_equal(f.opened, 1);
    assert_int_equal(f.got.len, 0);
    dp_ws_pause(f.ws, false);
    depot_loop_run(f.loop);
    assert_int_equal(f.got.len, 12 + 11 + 3000000);
    assert_false(f.has_err);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue__masks_at_any_phase_and_length),
        cmocka_unit_test(test_queue__frames_have_the_shortest_header),
        cmocka_unit_test(test_queue__joins_bytes_but_not_into_a_frame_on_its_way),
        cmocka_unit_test(test_queue__goes_on_where_a_write_ended),
        cmocka_unit_test(test_queue__answers_the_last_ping),
        cmocka_unit_test(test_queue__drops_all_but_what_is_begun),
        BOTH(test_ws__sends_messages_and_closes_in_order),
        BOTH(test_ws__joins_a_stream_into_large_frames),
        BOTH(test_ws__gives_whole_messages),
        BOTH(test_ws__gives_pieces_of_a_stream),
        BOTH(test_ws__refuses_a_message_too_big),
        BOTH(test_ws__says_when_the_connection_is_lost),
        BOTH(test_ws__tells_the_code_of_a_close_frame),
        BOTH(test_ws__tells_why_also_when_a_write_failed),
        BOTH(test_ws__explains_a_refused_handshake),
        UNIX(test_ws__explains_a_missing_socket),
        UNIX(test_ws__refuses_a_token_with_a_line_break),
        BOTH(test_ws__may_be_freed_anywhere),
        BOTH(test_ws__pauses_reading),
        BOTH(test_ws__reads_a_busy_peer_by_the_clock),
        BOTH(test_ws__pauses_a_stream),
        BOTH(test_ws__takes_frames_cut_anywhere),
        BOTH(test_ws__takes_what_follows_the_answer),
        BOTH(test_ws__refuses_garbage),
        BOTH(test_ws__checks_the_answer),
        TLS(test_tls__says_what_is_wrong),
        TLS(test_tls__shows_a_client_certificate),
        TLS(test_tls__reads_certificates_again_after_a_failure),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
