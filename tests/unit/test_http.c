/*
 * Requests against a tiny HTTP server on a unix socket, in a thread of the test.
 */
#include "fake_ws.h" /* its sockets; the rest of it is not used */

#include <depot/clock.h>
#include <depot/http.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct depot_loop *loop;
    struct depot_http *http;
    struct depot_http_request *r;
    struct depot_addr addr;
    char path[64];
    int lfd;
    pthread_t thread;
    void (*serve)(struct fixture *f, int fd);
    int connections;
    /* what the client saw */
    int done, status;
    struct depot_error err;
    bool has_err;
    struct depot_buf got;
    char header[64];
    /* what it does */
    int pauses, abort_with, chunks;
    bool cancel_in_body, cancel_in_read, free_in_body, free_in_done;
    size_t to_send, sent;
    struct depot_timer *timer;
    /* what the server saw */
    char head[4096];
    struct depot_buf body;
};

static void *server_main(void *arg)
{
    struct fixture *f = arg;
    for (int i = 0; i < f->connections; i++) {
        const int fd = fake_accept(f->lfd, f->head, sizeof(f->head));
        if (fd < 0)
            break;
        f->serve(f, fd);
        close(fd);
    }
    return NULL;
}

static void setup(struct fixture *f)
{
    struct depot_error err;
    char text[128];
    f->lfd = fake_listen(f->path, sizeof(f->path));
    assert_true(f->lfd >= 0);
    snprintf(text, sizeof(text), "unix://%s", f->path);
    assert_int_equal(depot_addr_parse(text, 0, &f->addr, &err), 0);
    assert_int_equal(depot_loop_new(&f->loop, &err), 0);
    f->http = depot_http_new(f->loop);
    depot_buf_init(&f->got, DEPOT_BUF_NO_LIMIT);
    depot_buf_init(&f->body, DEPOT_BUF_NO_LIMIT);
    if (f->connections == 0)
        f->connections = 1;
    if (f->serve != NULL)
        assert_int_equal(pthread_create(&f->thread, NULL, server_main, f), 0);
}

static void teardown(struct fixture *f)
{
    depot_timer_free(f->timer);
    depot_http_free(f->http);
    depot_loop_free(f->loop);
    if (f->serve != NULL)
        pthread_join(f->thread, NULL);
    close(f->lfd);
    unlink(f->path);
    depot_addr_release(&f->addr);
    depot_buf_release(&f->got);
    depot_buf_release(&f->body);
}

static void on_done(struct depot_http_request *r, int status, const struct depot_buf *body,
    const struct depot_error *err, void *arg)
{
    struct fixture *f = arg;
    f->done++;
    f->status = status;
    f->has_err = err != NULL;
    if (err != NULL)
        f->err = *err;
    if (body != NULL)
        depot_buf_add(&f->got, body->data, body->len);
    const char *h = depot_http_header(r, "x-answer");
    snprintf(f->header, sizeof(f->header), "%s", h != NULL ? h : "");
    if (f->free_in_done) {
        depot_http_free(f->http);
        f->http = NULL;
    }
    depot_http_cancel(r); /* legal, and does nothing */
    depot_loop_stop(f->loop);
}

static void on_resume(struct depot_timer *t, void *arg)
{
    struct fixture *f = arg;
    (void)t;
    depot_http_resume(f->r);
}

static int pause_or(struct fixture *f, int otherwise)
{
    if (f->pauses == 0)
        return otherwise;
    f->pauses--;
    if (f->timer == NULL)
        f->timer = depot_timer_new(f->loop, on_resume, f);
    depot_timer_start(f->timer, 5, 0);
    return DEPOT_ERR_AGAIN;
}

static int on_body(struct depot_http_request *r, const void *data, size_t n, void *arg)
{
    struct fixture *f = arg;
    const int rc = pause_or(f, f->abort_with);
    if (rc == 0)
        depot_buf_add(&f->got, data, n);
    f->chunks++;
    if (f->cancel_in_body) {
        depot_http_cancel(r);
        depot_loop_stop(f->loop);
    }
    if (f->free_in_body) {
        depot_http_free(f->http);
        f->http = NULL;
        depot_loop_stop(f->loop);
    }
    return rc;
}

static ssize_t on_read(struct depot_http_request *r, void *buf, size_t n, void *arg)
{
    struct fixture *f = arg;
    const int rc = pause_or(f, 0);
    if (f->cancel_in_read) {
        depot_http_cancel(r);
        depot_loop_stop(f->loop);
    }
    if (rc < 0)
        return rc;
    n = n < f->to_send - f->sent ? n : f->to_send - f->sent;
    memset(buf, 'u', n);
    f->sent += n;
    return (ssize_t)n;
}

static const struct depot_http_ops collecting = {.done = on_done};
static const struct depot_http_ops streaming = {.body = on_body, .done = on_done};
static const struct depot_http_ops uploading = {.read = on_read, .done = on_done};

static void start(struct fixture *f, struct depot_http_opts *o, const struct depot_http_ops *ops)
{
    struct depot_error err;
    o->addr = &f->addr;
    if (o->path == NULL)
        o->path = "/v1/builds?limit=1";
    assert_int_equal(depot_http_start(f->http, o, ops, f, &f->r, &err), 0);
    assert_int_equal(f->done, 0);
}

static void serve_hello(struct fixture *f, int fd)
{
    (void)f;
    fake_puts(fd, "HTTP/1.1 201 Created\r\nX-Answer: 42\r\nContent-Length: 5\r\n\r\nhello");
}

static void test_http__collects_an_answer(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_hello};
    setup(&f);
    const char *const extra[] = {"Accept: application/json"};
    start(&f, &(struct depot_http_opts){.token = "t0k", .headers = extra, .nheaders = 1},
        &collecting);
    depot_loop_run(f.loop);
    assert_int_equal(f.done, 1);
    assert_int_equal(f.status, 201);
    assert_false(f.has_err);
    assert_string_equal(depot_buf_str(&f.got), "hello");
    assert_string_equal(f.header, "42");
    teardown(&f);
    assert_non_null(strstr(f.head, "GET /v1/builds?limit=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(f.head, "\r\nAuthorization: Bearer t0k\r\n"));
    assert_non_null(strstr(f.head, "\r\nAccept: application/json\r\n"));
}

static void serve_post(struct fixture *f, int fd)
{
    char buf[64];
    const char *p = fake_find(f->head, "Content-Length: ");
    const size_t n = p != NULL ? (size_t)atoi(p + 16) : 0;
    if (n > 0 && n < sizeof(buf) && fake_read_all(fd, buf, n))
        depot_buf_add(&f->body, buf, n);
    fake_puts(fd, "HTTP/1.1 204 No Content\r\n\r\n");
}

static void test_http__sends_a_body(void **state)
{
    static const struct {
        const char *method, *body, *line;
    } rows[] = {
        {"POST", "{\"a\":1}", "POST / "},
        {"POST", NULL, "POST / "},
        {"PUT", "{}", "PUT / "},
        {"DELETE", NULL, "DELETE / "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f = {.serve = serve_post};
        const char *body = rows[i].body != NULL ? rows[i].body : "";
        setup(&f);
        start(&f,
            &(struct depot_http_opts){.method = rows[i].method,
                .path = "/",
                .content_type = "application/json",
                .body = rows[i].body,
                .body_len = strlen(body)},
            &collecting);
        depot_loop_run(f.loop);
        assert_int_equal(f.status, 204);
        assert_non_null(strstr(f.head, rows[i].line));
        assert_string_equal(depot_buf_str(&f.body), body);
        teardown(&f);
    }
}

enum { LONG_BODY = 1000000 };

static void serve_long(struct fixture *f, int fd)
{
    char *data = malloc(LONG_BODY);
    char head[128];
    (void)f;
    memset(data, 'd', LONG_BODY);
    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LONG_BODY);
    (void)(fake_puts(fd, head) && fake_write_all(fd, data, LONG_BODY));
    free(data);
}

static void test_http__streams_with_pauses(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_long, .pauses = 3};
    setup(&f);
    start(&f, &(struct depot_http_opts){.max_body = 10}, &streaming);
    depot_loop_run(f.loop);
    assert_int_equal(f.status, 200);
    assert_int_equal(f.got.len, LONG_BODY);
    assert_int_equal(f.pauses, 0);
    teardown(&f);
}

static void serve_upload(struct fixture *f, int fd)
{
    char buf[4096];
    for (;;) {
        const ssize_t n = read(fd, buf, sizeof(buf));
        if (n <= 0)
            return;
        depot_buf_add(&f->body, buf, (size_t)n);
        if (f->body.len >= 5 && memcmp(f->body.data + f->body.len - 5, "0\r\n\r\n", 5) == 0)
            break;
    }
    fake_puts(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void test_http__uploads_with_pauses(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_upload, .pauses = 2, .to_send = 300000};
    setup(&f);
    start(&f, &(struct depot_http_opts){.method = "PUT"}, &uploading);
    depot_loop_run(f.loop);
    assert_int_equal(f.status, 200);
    teardown(&f);
    assert_non_null(strstr(f.head, "PUT "));
    assert_non_null(fake_find(f.head, "transfer-encoding: chunked"));
    assert_int_equal(f.sent, 300000);
}

static void test_http__holds_to_its_ceiling(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_long};
    setup(&f);
    start(&f, &(struct depot_http_opts){.max_body = 1000}, &collecting);
    depot_loop_run(f.loop);
    assert_int_equal(f.status, 0);
    assert_int_equal(f.err.code, DEPOT_ERR_TOO_BIG);
    teardown(&f);
}

static void test_http__aborts_for_the_owner(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_long, .abort_with = DEPOT_ERR_IO};
    setup(&f);
    start(&f, &(struct depot_http_opts){.method = NULL}, &streaming);
    depot_loop_run(f.loop);
    assert_int_equal(f.done, 1);
    assert_int_equal(f.err.code, DEPOT_ERR_IO);
    teardown(&f);
}

static void serve_cut(struct fixture *f, int fd)
{
    (void)f;
    fake_puts(fd, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf");
}

static void serve_garbage(struct fixture *f, int fd)
{
    (void)f;
    fake_puts(fd, "SSH-2.0-OpenSSH\r\n\x01\x02\r\n\r\n");
}

static void serve_silence(struct fixture *f, int fd)
{
    char c = 0;
    (void)f;
    (void)!read(fd, &c, 1);
}

static void test_http__says_what_failed(void **state)
{
    static const struct {
        void (*serve)(struct fixture *, int);
        uint64_t timeout_ms;
        int code;
    } rows[] = {
        {NULL, 0, DEPOT_ERR_UNAVAILABLE},
        {serve_cut, 0, DEPOT_ERR_UNAVAILABLE},
        {serve_garbage, 0, DEPOT_ERR_PROTOCOL},
        {serve_silence, 50, DEPOT_ERR_TIMEOUT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f = {.serve = rows[i].serve};
        setup(&f);
        if (rows[i].serve == NULL)
            unlink(f.path);
        start(&f, &(struct depot_http_opts){.timeout_ms = rows[i].timeout_ms}, &collecting);
        depot_loop_run(f.loop);
        assert_int_equal(f.done, 1);
        assert_int_equal(f.status, 0);
        assert_true(f.has_err);
        assert_int_equal(f.err.code, rows[i].code);
        assert_non_null(strstr(f.err.msg, f.path));
        assert_true(f.err.hint[0] != '\0');
        teardown(&f);
    }
}

static void test_http__may_be_cancelled_anywhere(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct fixture f = {.serve = i == 1 ? serve_upload : serve_long, .to_send = 300000};
        f.cancel_in_body = i == 0;
        f.cancel_in_read = i == 1;
        f.free_in_body = i == 2;
        f.free_in_done = i == 3;
        setup(&f);
        start(&f, &(struct depot_http_opts){.method = i == 1 ? "PUT" : "GET"},
            i == 1   ? &uploading
            : i == 3 ? &collecting
                     : &streaming);
        if (i == 4) {
            depot_http_cancel(f.r);
        } else if (i == 5) {
            depot_http_free(f.http);
            f.http = NULL;
        }
        if (i >= 4) { /* let the server's accept() end */
            const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
            struct sockaddr_un sa = {.sun_family = AF_UNIX};
            snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", f.path);
            assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
            shutdown(fd, SHUT_RDWR);
            close(fd);
        } else {
            depot_loop_run(f.loop);
        }
        for (int turn = 0; turn < 5; turn++)
            depot_loop_turn(f.loop);
        assert_int_equal(f.done, i == 3);
        teardown(&f);
    }
}

static void test_http__refuses_line_breaks(void **state)
{
    static const struct depot_http_opts rows[] = {
        {.path = "/", .token = "a\nb"},
        {.path = "/a\r\nHost: x"},
        {.path = "/", .content_type = "a\rb"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f = {0};
        struct depot_http_opts o = rows[i];
        struct depot_error err;
        setup(&f);
        o.addr = &f.addr;
        assert_int_equal(
            depot_http_start(f.http, &o, &collecting, &f, &f.r, &err), DEPOT_ERR_INVALID);
        teardown(&f);
    }
}

static void test_http__makes_one_request_after_another(void **state)
{
    (void)state;
    struct fixture f = {.serve = serve_hello, .connections = 2};
    setup(&f);
    for (int i = 1; i <= 2; i++) {
        f.done = 0;
        start(&f, &(struct depot_http_opts){.method = "GET"}, &collecting);
        depot_loop_run(f.loop);
        assert_int_equal(f.done, 1);
        assert_int_equal(f.status, 201);
    }
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http__collects_an_answer),
        cmocka_unit_test(test_http__sends_a_body),
        cmocka_unit_test(test_http__streams_with_pauses),
        cmocka_unit_test(test_http__uploads_with_pauses),
        cmocka_unit_test(test_http__holds_to_its_ceiling),
        cmocka_unit_test(test_http__aborts_for_the_owner),
        cmocka_unit_test(test_http__says_what_failed),
        cmocka_unit_test(test_http__may_be_cancelled_anywhere),
        cmocka_unit_test(test_http__refuses_line_breaks),
        cmocka_unit_test(test_http__makes_one_request_after_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
