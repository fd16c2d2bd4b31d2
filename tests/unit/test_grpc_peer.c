/*
 * gRPC against peers that are not ours: what servers answer, what breaks a connection, and HTTP/2
 * that is none.
 */
#include "grpc_pair.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <depot/os.h>

enum { TURNS = 2000 };

/* A client of ours against a raw server. */
struct fx {
    struct depot_loop *loop;
    struct dp_grpc_conn *client;
    struct conn_rec conn;
    struct raw raw;
    struct rec call;
};

static struct depot_error error;

static int socket_to(struct depot_loop *l, struct dp_stream **out)
{
    int fd[2];
    assert_int_equal(depot_os_socketpair(fd, true), 0);
    assert_int_equal(dp_stream_fd_new_take(l, fd[0], out, &error), 0);
    return fd[1];
}

static void fx_init(struct fx *f, void (*request)(struct raw *r, int32_t id), bool trickle)
{
    struct dp_stream *s;
    memset(f, 0, sizeof(*f));
    assert_int_equal(depot_loop_new(&f->loop, &error), 0);
    raw_init(&f->raw, socket_to(f->loop, &s), request);
    if (trickle)
        s = trickle_new(s);
    assert_int_equal(dp_grpc_client_new_take(
                         f->loop, s, "localhost", 0, &conn_rec_ops, &f->conn, &f->client, &error),
        0);
    assert_int_equal(
        dp_grpc_call_new(f->client, "/t.T/X", NULL, 0, &rec_ops, &f->call, &f->call.call, &error),
        0);
    dp_grpc_send(f->call.call, "x", 1);
}

static void fx_turns(struct fx *f, int n, const int *until)
{
    for (; n > 0 && (until == NULL || *until == 0); n--) {
        depot_loop_turn(f->loop);
        raw_turn(&f->raw);
    }
    if (until != NULL)
        assert_int_not_equal(*until, 0);
}

static void fx_release(struct fx *f)
{
    dp_grpc_conn_free(f->client);
    raw_release(&f->raw);
    for (int i = 0; i < 3; i++)
        depot_loop_turn(f->loop);
    depot_loop_free(f->loop);
    depot_buf_release(&f->call.data);
}

/* ---- answers, one row each ---- */
#define OK_HEADERS ":status", "200", "content-type", "application/grpc"
#define FIELDS     8

static const struct answer {
    const char *name;
    const char *headers[FIELDS + 1];
    const char *body; /* NULL: END_STREAM with the headers, or a trailer */
    size_t body_len;
    const char *trailer[FIELDS + 1]; /* none: END_STREAM with the body */
    int code;
    const char *text;
    int messages;
    size_t details_len;
} answers[] = {
    {.name = "ok",
        .headers = {OK_HEADERS},
        .body = "\0\0\0\0\2hi",
        .body_len = 7,
        .trailer = {"grpc-status", "0", "grpc-message", ""},
        .code = DP_GRPC_OK,
        .text = "",
        .messages = 1},
    {.name = "trailers only",
        .headers = {OK_HEADERS, "grpc-status", "5", "grpc-message", "no %22x%22"},
        .code = DP_GRPC_NOT_FOUND,
        .text = "no \"x\""},
    {.name = "details without padding",
        .headers = {OK_HEADERS},
        .body = "",
        .trailer = {"grpc-status", "2", "grpc-status-details-bin", "YWJjZA"},
        .code = DP_GRPC_UNKNOWN,
        .text = "",
        .details_len = 4},
    {.name = "details that are no base64",
        .headers = {OK_HEADERS},
        .body = "",
        .trailer = {"grpc-status", "2", "grpc-status-details-bin", "*"},
        .code = DP_GRPC_UNKNOWN,
        .text = ""},
    {.name = "a status nobody knows",
        .headers = {OK_HEADERS, "grpc-status", "99"},
        .code = DP_GRPC_UNKNOWN,
        .text = ""},
    {.name = "no status at all",
        .headers = {OK_HEADERS},
        .body = "\0\0\0\0\1x",
        .body_len = 6,
        .code = DP_GRPC_INTERNAL,
        .text = "the server ended the call without a status",
        .messages = 1},
    {.name = "half a message, then OK",
        .headers = {OK_HEADERS},
        .body = "\0\0\0\0\4ab",
        .body_len = 7,
        .trailer = {"grpc-status", "0"},
        .code = DP_GRPC_INTERNAL,
        .text = "the server's last message is cut short"},
    {.name = "a compressed message",
        .headers = {OK_HEADERS},
        .body = "\1\0\0\0\1x",
        .body_len = 6,
        .trailer = {"grpc-status", "0"},
        .code = DP_GRPC_INTERNAL,
        .text = "the peer sent a compressed message, which was not asked for"},
    {.name = "a message that claims 4 GiB",
        .headers = {OK_HEADERS},
        .body = "\0\xff\xff\xff\xff",
        .body_len = 5,
        .trailer = {"grpc-status", "0"},
        .code = DP_GRPC_RESOURCE_EXHAUSTED,
        .text = "the peer sent a message larger than 64 MiB"},
    {.name = "http 503 with a text",
        .headers = {":status", "503", "content-type", "text/plain"},
        .body = "go away",
        .body_len = 7,
        .code = DP_GRPC_UNAVAILABLE,
        .text = "the server answered HTTP 503 instead of gRPC: go away"},
    {.name = "http 401",
        .headers = {":status", "401"},
        .code = DP_GRPC_UNAUTHENTICATED,
        .text = "the server answered HTTP 401 instead of gRPC"},
    {.name = "a web page",
        .headers = {":status", "200", "content-type", "text/html"},
        .body = "<html>",
        .body_len = 6,
        .code = DP_GRPC_UNKNOWN,
        .text = "the server answered HTTP 200 instead of gRPC: <html>"},
};

static const struct answer *row; /* of the test that runs */

static void give_answer(struct raw *r, int32_t id)
{
    raw_respond(r, id, row->headers, row->body, row->body_len,
        row->trailer[0] != NULL ? row->trailer : NULL);
}

static void test_answer__every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * DEPOT_ARRAY_LEN(answers); i++) {
        struct fx f;
        row = &answers[i / 2];
        fx_init(&f, give_answer, i % 2 == 1);
        fx_turns(&f, TURNS, &f.call.done);
        fx_turns(&f, 5, NULL);
        assert_int_equal(f.call.done, 1);
        if (strcmp(f.call.text, row->text) != 0)
            fail_msg("%s: %s", row->name, f.call.text);
        assert_int_equal(f.call.code, row->code);
        assert_int_equal(f.call.messages, row->messages);
        assert_int_equal(f.call.details_len, row->details_len);
        assert_int_equal(f.conn.closed, 0);
        /* Our side was still open: the stream is given back. */
        for (int k = 0; k < TURNS && f.raw.resets == 0; k++)
            fx_turns(&f, 1, NULL);
        assert_int_equal(f.raw.resets, 1);
        fx_release(&f);
    }
}

static void informational_first(struct raw *r, int32_t id)
{
    static const char *const early[] = {":status", "103", "link", "x", NULL};
    static const char *const fields[] = {OK_HEADERS, "x-after", "y", NULL};
    static const char *const trailer[] = {"grpc-status", "0", NULL};
    nghttp2_nv nv[4];
    size_t n = raw_nv(nv, early);
    nghttp2_submit_headers(r->session, NGHTTP2_FLAG_NONE, id, NULL, nv, n, NULL);
    raw_respond(r, id, fields, "", 0, trailer);
}

static void test_answer__informational_headers_are_skipped(void **state)
{
    (void)state;
    struct fx f;
    fx_init(&f, informational_first, false);
    for (int i = 0; i < TURNS && f.call.headers == 0; i++)
        fx_turns(&f, 1, NULL);
    fx_turns(&f, TURNS, &f.call.done);
    assert_int_equal(f.call.code, DP_GRPC_OK);
    assert_int_equal(f.call.headers, 1);
    fx_release(&f);
}

/* ---- resets and the end of the connection ---- */
static uint32_t reset_code;

static void give_reset(struct raw *r, int32_t id)
{
    nghttp2_submit_rst_stream(r->session, NGHTTP2_FLAG_NONE, id, reset_code);
}

static void test_reset__codes(void **state)
{
    (void)state;
    static const struct {
        uint32_t h2;
        int code;
    } rows[] = {
        {NGHTTP2_NO_ERROR, DP_GRPC_INTERNAL},
        {NGHTTP2_PROTOCOL_ERROR, DP_GRPC_INTERNAL},
        {NGHTTP2_CANCEL, DP_GRPC_CANCELLED},
        {NGHTTP2_REFUSED_STREAM, DP_GRPC_UNAVAILABLE},
        {NGHTTP2_ENHANCE_YOUR_CALM, DP_GRPC_RESOURCE_EXHAUSTED},
        {12345, DP_GRPC_INTERNAL},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct fx f;
        reset_code = rows[i].h2;
        fx_init(&f, give_reset, false);
        fx_turns(&f, TURNS, &f.call.done);
        assert_int_equal(f.call.code, rows[i].code);
        assert_int_equal(f.conn.closed, 0);
        fx_release(&f);
    }
}

static void give_nothing(struct raw *r, int32_t id)
{
    (void)r;
    (void)id;
}

static void test_goaway__old_calls_end_and_new_ones_fail(void **state)
{
    (void)state;
    struct fx f;
    struct rec second = {0};
    struct dp_grpc_call *c = NULL;
    fx_init(&f, give_nothing, false);
    fx_turns(&f, 10, NULL);
    assert_int_equal(
        dp_grpc_call_new(f.client, "/t.T/Y", NULL, 0, &rec_ops, &second, &c, &error), 0);
    /* The first call is still served, the second came too late. */
    nghttp2_submit_goaway(f.raw.session, NGHTTP2_FLAG_NONE, 1, NGHTTP2_NO_ERROR, NULL, 0);
    fx_turns(&f, TURNS, &second.done);
    assert_int_equal(second.code, DP_GRPC_UNAVAILABLE);
    assert_int_equal(f.call.done, 0);
    assert_int_equal(dp_grpc_call_new(f.client, "/t.T/Z", NULL, 0, &rec_ops, &second, &c, &error),
        DEPOT_ERR_UNAVAILABLE);
    row = &answers[0];
    give_answer(&f.raw, 1);
    fx_turns(&f, TURNS, &f.call.done);
    assert_int_equal(f.call.code, DP_GRPC_OK);
    fx_turns(&f, TURNS, &f.conn.closed);
    assert_true(f.conn.in_order);
    fx_release(&f);
}

static void test_goaway__says_why(void **state)
{
    (void)state;
    struct fx f;
    fx_init(&f, give_nothing, false);
    fx_turns(&f, 10, NULL);
    nghttp2_submit_goaway(f.raw.session, NGHTTP2_FLAG_NONE, 1, NGHTTP2_ENHANCE_YOUR_CALM,
        (const uint8_t *)"too_many_pings", 14);
    fx_turns(&f, 10, NULL);
    raw_close(&f.raw);
    fx_turns(&f, TURNS, &f.conn.closed);
    assert_int_equal(f.call.done, 1);
    assert_int_equal(f.call.code, DP_GRPC_UNAVAILABLE);
    assert_non_null(strstr(f.call.text, "too_many_pings"));
    assert_string_equal(f.conn.err.msg, f.call.text);
    fx_release(&f);
}

/* A header value too long for nghttp2 kills the connection, but what came before it counts. */
static char *huge;

static void give_huge_details(struct raw *r, int32_t id)
{
    const char *const headers[] = {OK_HEADERS, NULL};
    static const char *trailer[] = {"grpc-status", "2", "grpc-message", "build %22failed%22",
        "grpc-status-details-bin", NULL, NULL};
    trailer[5] = huge;
    raw_respond(r, id, headers, "", 0, trailer);
}

static void test_trap__status_before_a_huge_header_is_kept(void **state)
{
    (void)state;
    enum { HUGE = 70000 };
    huge = depot_calloc(1, HUGE + 1);
    memset(huge, 'X', HUGE);
    for (int trickle = 0; trickle < 2; trickle++) {
        struct fx f;
        fx_init(&f, give_huge_details, trickle == 1);
        for (int i = 0; i < 200000 && f.call.done == 0; i++)
            fx_turns(&f, 1, NULL);
        assert_int_equal(f.call.done, 1);
        assert_int_equal(f.call.code, DP_GRPC_UNKNOWN);
        assert_string_equal(f.call.text, "build \"failed\"");
        assert_int_equal(f.call.details_len, 0);
        fx_turns(&f, TURNS, &f.conn.closed);
        assert_int_equal(f.conn.err.code, DEPOT_ERR_PROTOCOL);
        fx_release(&f);
    }
    depot_free(huge);
}

/* ---- bytes that are not HTTP/2 ---- */
struct bytes_row {
    const char *name, *in;
    size_t n;
    const char *text; /* part of the message; NULL: in order */
};

static const struct bytes_row client_rows[] = {
    {"http/1", "HTTP/1.1 301 Moved Permanently\r\n\r\n", 34, "HTTP/1"},
    {"settings missing", "\0\0\10\6\0\0\0\0\0abcdefgh", 17, "protocol"},
    {"garbage", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, "HTTP/2"},
    {"settings of odd length", "\0\0\5\4\0\0\0\0\0abcde", 14, "protocol"},
    {"data on stream 0", "\0\0\0\4\0\0\0\0\0\0\0\1\0\0\0\0\0\0x", 19, "protocol"},
    {"a header block that ends the table", "\0\0\0\4\0\0\0\0\0\0\0\1\1\5\0\0\0\1\xff", 19,
        "protocol"},
    {"end of input at once", "", 0, "the peer c"},
    {"end inside a frame", "\0\0\0\4\0\0\0\0\0\0\0\100\0\0", 14, "the peer c"},
};

static void test_bytes__break_a_client(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * DEPOT_ARRAY_LEN(client_rows); i++) {
        const struct bytes_row *b = &client_rows[i / 2];
        struct fx f;
        fx_init(&f, give_nothing, i % 2 == 1 && i > 1);
        for (int k = 0; k < TURNS && f.call.done == 0; k++) {
            if (k == 1)
                assert_int_equal(send(f.raw.fd, b->in, b->n, MSG_NOSIGNAL), (ssize_t)b->n);
            if (k == 500)
                raw_close(&f.raw);
            depot_loop_turn(f.loop);
        }
        assert_int_equal(f.call.done, 1);
        assert_int_equal(f.call.code, DP_GRPC_UNAVAILABLE);
        if (strstr(f.call.text, b->text) == NULL)
            fail_msg("%s: %s", b->name, f.call.text);
        fx_turns(&f, 5, NULL);
        assert_int_equal(f.conn.closed, 1);
        fx_release(&f);
    }
}

#define MAGIC "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static const struct bytes_row server_rows[] = {
    {"http/1", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, "does not speak HTTP/2"},
    {"settings missing", MAGIC "\0\0\10\6\0\0\0\0\0abcdefgh", 41, "protocol"},
    {"goodbye of grpc-go", MAGIC "\0\0\0\4\0\0\0\0\0\0\0\11\7\0\0\0\0\0\0\0\0\1\0\0\0\0x", 51,
        NULL},
    {"goodbye with a reason", MAGIC "\0\0\0\4\0\0\0\0\0\0\0\11\7\0\0\0\0\0\0\0\0\1\0\0\0\13x", 51,
        "ENHANCE_YOUR_CALM: x"},
    {"frame too large", MAGIC "\0\0\0\4\0\0\0\0\0\1\0\0\0\0\0\0\0\1", 42, "protocol"},
    {"even stream", MAGIC "\0\0\0\4\0\0\0\0\0\0\0\1\1\5\0\0\0\2\x83", 43, "protocol"},
};

static void open_never(struct dp_grpc_call *c, void *arg)
{
    (void)c;
    (void)arg;
    fail();
}

static void test_bytes__break_a_server(void **state)
{
    (void)state;
    static const struct dp_grpc_method methods[] = {{"/t.T/X", open_never}};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(server_rows); i++) {
        const struct bytes_row *b = &server_rows[i];
        struct depot_loop *l;
        struct dp_stream *s;
        struct dp_grpc_conn *h;
        struct conn_rec rec = {0};
        assert_int_equal(depot_loop_new(&l, &error), 0);
        int fd = socket_to(l, &s);
        assert_int_equal(
            dp_grpc_server_new_take(l, s, methods, 1, 0, &conn_rec_ops, &rec, &h, &error), 0);
        for (int k = 0; k < TURNS && rec.closed == 0; k++) {
            if (k == 1)
                assert_int_equal(send(fd, b->in, b->n, MSG_NOSIGNAL), (ssize_t)b->n);
            depot_loop_turn(l);
        }
        assert_int_equal(rec.closed, 1);
        assert_int_equal(rec.in_order, b->text == NULL);
        if (b->text != NULL && strstr(rec.err.msg, b->text) == NULL)
            fail_msg("%s: %s", b->name, rec.err.msg);
        dp_grpc_conn_free(h);
        close(fd);
        for (int k = 0; k < 3; k++)
            depot_loop_turn(l);
        depot_loop_free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer__every_row),
        cmocka_unit_test(test_answer__informational_headers_are_skipped),
        cmocka_unit_test(test_reset__codes),
        cmocka_unit_test(test_goaway__old_calls_end_and_new_ones_fail),
        cmocka_unit_test(test_goaway__says_why),
        cmocka_unit_test(test_trap__status_before_a_huge_header_is_kept),
        cmocka_unit_test(test_bytes__break_a_client),
        cmocka_unit_test(test_bytes__break_a_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
