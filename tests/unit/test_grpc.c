/*
 * gRPC with both ends ours: calls, flow control, cancelling, connections that end. Peers that
 * misbehave are in test_grpc_peer.c.
 */
#include "grpc_pair.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum link_kind { LINK_SOCKET, LINK_PIPE, LINK_TRICKLE, LINK_COUNT };
enum { TURNS = 20000, BULK = 8 * 1024 * 1024, BULK_MSG = 32 * 1024 };

struct fx {
    struct depot_loop *loop;
    struct dp_grpc_conn *client, *server;
    struct conn_rec client_rec, server_rec;
    struct pipe_end ends[2];
    struct rec call; /* the server's side of the last call it took */
    struct dp_grpc_call *late;
    size_t to_send;
    bool free_conn_in_message;
};

static struct depot_error error;

static void server_closed(struct dp_grpc_conn *h, const struct depot_error *err, void *arg)
{
    struct fx *f = arg;
    conn_rec_closed(h, err, &f->server_rec);
}

static const struct dp_grpc_conn_ops server_ops = {.closed = server_closed};

/* ---- the methods served ---- */
static void echo_message(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    struct fx *f = arg;
    rec_message(c, data, n, &f->call);
    dp_grpc_send(c, data, n);
    if (f->free_conn_in_message)
        dp_grpc_conn_free(f->server);
}

static void echo_half(struct dp_grpc_call *c, void *arg)
{
    struct fx *f = arg;
    f->call.half++;
    dp_grpc_respond(c, DP_GRPC_OK, NULL);
}

static void fail_half(struct dp_grpc_call *c, void *arg)
{
    struct fx *f = arg;
    f->call.half++;
    dp_grpc_respond(c, DP_GRPC_UNKNOWN, "it broke:\n50% of \xc3\xbc");
}

static void any_message(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    struct fx *f = arg;
    rec_message(c, data, n, &f->call);
}

static void any_done(struct dp_grpc_call *c, const struct dp_grpc_status *st, void *arg)
{
    struct fx *f = arg;
    rec_done(c, st, &f->call);
}

static void source_fill(struct dp_grpc_call *c, void *arg)
{
    static const char block[BULK_MSG];
    struct fx *f = arg;
    f->call.writable++;
    for (; f->to_send > 0 && dp_grpc_queued(c) < 2 * DP_GRPC_LOW_MARK; f->to_send -= BULK_MSG)
        dp_grpc_send(c, block, sizeof(block));
    if (f->to_send == 0)
        dp_grpc_respond(c, DP_GRPC_OK, "");
}

static const struct dp_grpc_call_ops echo_ops = {
    .message = echo_message, .half_closed = echo_half, .done = any_done};
static const struct dp_grpc_call_ops fail_ops = {
    .message = any_message, .half_closed = fail_half, .done = any_done};
static const struct dp_grpc_call_ops hang_ops = {.message = any_message, .done = any_done};
static const struct dp_grpc_call_ops sink_ops = {
    .message = any_message, .half_closed = echo_half, .done = any_done};
static const struct dp_grpc_call_ops source_ops = {
    .message = any_message, .writable = source_fill, .done = any_done};

static void take(struct dp_grpc_call *c, const struct dp_grpc_call_ops *ops, struct fx *f)
{
    f->call.call = c;
    dp_grpc_accept(c, ops, f);
}

static void open_echo(struct dp_grpc_call *c, void *arg)
{
    take(c, &echo_ops, arg);
}

static void open_fail(struct dp_grpc_call *c, void *arg)
{
    take(c, &fail_ops, arg);
}

static void open_hang(struct dp_grpc_call *c, void *arg)
{
    take(c, &hang_ops, arg);
}

static void open_sink(struct dp_grpc_call *c, void *arg)
{
    take(c, &sink_ops, arg);
}

static void open_source(struct dp_grpc_call *c, void *arg)
{
    take(c, &source_ops, arg);
    source_fill(c, arg);
}

static void open_late(struct dp_grpc_call *c, void *arg)
{
    struct fx *f = arg;
    f->late = c;
}

static void open_refuse(struct dp_grpc_call *c, void *arg)
{
    (void)arg;
    dp_grpc_respond(c, DP_GRPC_NOT_FOUND, "no such thing: 100% \xc3\xbc");
}

static void open_meta(struct dp_grpc_call *c, void *arg)
{
    char text[200];
    (void)arg;
    snprintf(text, sizeof(text), "[%s][%s][%s][%zu]", dp_grpc_md_get(c, "x-dir", 0),
        dp_grpc_md_get(c, "x-dir", 1), dp_grpc_md_get(c, "te", 0),
        strlen(dp_grpc_md_get(c, "x-big", 0)));
    assert_null(dp_grpc_md_get(c, "x-dir", 2));
    assert_null(dp_grpc_md_get(c, "nope", 0));
    dp_grpc_respond(c, DP_GRPC_ABORTED, text);
}

static const struct dp_grpc_method methods[] = {
    {"/t.T/Echo", open_echo},
    {"/t.T/Fail", open_fail},
    {"/t.T/Hang", open_hang},
    {"/t.T/Sink", open_sink},
    {"/t.T/Source", open_source},
    {"/t.T/Late", open_late},
    {"/t.T/Refuse", open_refuse},
    {"/t.T/Meta", open_meta},
};

/* ---- the fixture ---- */
static void fx_init(struct fx *f, enum link_kind kind)
{
    struct dp_stream *s[2];
    memset(f, 0, sizeof(*f));
    f->call.shared = true;
    assert_int_equal(depot_loop_new(&f->loop, &error), 0);
    if (kind == LINK_PIPE)
        pipe_pair(f->loop, f->ends, s);
    else
        socket_pair(f->loop, s);
    if (kind == LINK_TRICKLE) {
        s[0] = trickle_new(s[0]);
        s[1] = trickle_new(s[1]);
    }
    assert_int_equal(dp_grpc_client_new_take(f->loop, s[0], "localhost", 0, &conn_rec_ops,
                         &f->client_rec, &f->client, &error),
        0);
    assert_int_equal(dp_grpc_server_new_take(f->loop, s[1], methods, DEPOT_ARRAY_LEN(methods), 0,
                         &server_ops, f, &f->server, &error),
        0);
}

static void fx_release(struct fx *f)
{
    dp_grpc_conn_free(f->client);
    dp_grpc_conn_free(f->server);
    for (int i = 0; i < 5; i++)
        depot_loop_turn(f->loop);
    depot_loop_free(f->loop);
    depot_buf_release(&f->call.data);
}

static struct dp_grpc_call *begin(struct fx *f, const char *path, struct rec *r)
{
    struct dp_grpc_call *c = NULL;
    int rc = dp_grpc_call_new(f->client, path, NULL, 0, &rec_ops, r, &c, &error);
    assert_int_equal(rc, 0);
    r->call = c;
    return c;
}

static void turn_until(struct fx *f, const int *what)
{
    for (int i = 0; i < TURNS && *what == 0; i++)
        depot_loop_turn(f->loop);
    assert_int_not_equal(*what, 0);
}

static void turns(struct fx *f, int n)
{
    while (n-- > 0)
        depot_loop_turn(f->loop);
}

static void assert_done(const struct rec *r, int code, const char *text)
{
    assert_int_equal(r->done, 1);
    assert_int_equal(r->code, code);
    assert_string_equal(r->text, text);
}

/* ---- calls ---- */
static void test_call__echo_over_every_link(void **state)
{
    (void)state;
    for (int kind = 0; kind < LINK_COUNT; kind++) {
        struct fx f;
        struct rec r = {0};
        fx_init(&f, (enum link_kind)kind);
        struct dp_grpc_call *c = begin(&f, "/t.T/Echo", &r);
        dp_grpc_send(c, "one", 3);
        dp_grpc_send(c, "", 0);
        turn_until(&f, &r.messages);
        dp_grpc_send(c, "three", 5);
        dp_grpc_send_end(c);
        dp_grpc_send(c, "too late", 8);
        turn_until(&f, &r.done);
        assert_done(&r, DP_GRPC_OK, "");
        assert_int_equal(r.headers, 1);
        assert_string_equal(depot_buf_str(&r.data), "one||three|");
        turn_until(&f, &f.call.done);
        assert_done(&f.call, DP_GRPC_OK, "");
        assert_int_equal(f.call.half, 1);
        turns(&f, 3);
        assert_int_equal(dp_grpc_conn_calls(f.client) + dp_grpc_conn_calls(f.server), 0);
        depot_buf_release(&r.data);
        fx_release(&f);
    }
}

static void test_call__errors_and_their_texts(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int code;
        const char *text;
        int headers;
    } rows[] = {
        {"/t.T/Refuse", DP_GRPC_NOT_FOUND, "no such thing: 100% \xc3\xbc", 0},
        {"/t.T/Nope", DP_GRPC_UNIMPLEMENTED, "unknown method /t.T/Nope", 0},
        {"/t.T/Fail", DP_GRPC_UNKNOWN, "it broke:\n50% of \xc3\xbc", 1},
    };
    for (int kind = 0; kind < LINK_COUNT; kind++) {
        struct fx f;
        fx_init(&f, (enum link_kind)kind);
        for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
            struct rec r = {0};
            struct dp_grpc_call *c = begin(&f, rows[i].path, &r);
            dp_grpc_send(c, "x", 1);
            dp_grpc_send_end(c);
            turn_until(&f, &r.done);
            assert_done(&r, rows[i].code, rows[i].text);
            assert_int_equal(r.headers, rows[i].headers);
            assert_int_equal(r.messages, 0);
        }
        fx_release(&f);
    }
}

/* The server ends a call that the client still holds open. */
static void test_call__server_ends_first(void **state)
{
    (void)state;
    struct fx f;
    struct rec r = {0};
    fx_init(&f, LINK_SOCKET);
    begin(&f, "/t.T/Refuse", &r);
    turn_until(&f, &r.done);
    assert_int_equal(r.code, DP_GRPC_NOT_FOUND);
    turns(&f, 5);
    assert_int_equal(dp_grpc_conn_calls(f.server), 0);
    fx_release(&f);
}

static void test_call__metadata(void **state)
{
    (void)state;
    struct fx f;
    struct rec r = {0};
    char big[40001];
    memset(big, 'X', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    const struct dp_grpc_md md[] = {{"x-dir", " blanks around "}, {"x-big", big}, {"x-dir", "b"}};
    const struct dp_grpc_md bad[] = {{"x-dir", "a\nb"}};
    struct dp_grpc_call *c = NULL;
    fx_init(&f, LINK_SOCKET);
    assert_int_equal(dp_grpc_call_new(f.client, "/t.T/Meta", bad, 1, &rec_ops, &r, &c, &error),
        DEPOT_ERR_INVALID);
    assert_int_equal(dp_grpc_call_new(f.client, "/t.T/Meta", md, 3, &rec_ops, &r, &c, &error), 0);
    turn_until(&f, &r.done);
    assert_done(&r, DP_GRPC_ABORTED, "[ blanks around ][b][trailers][40000]");
    fx_release(&f);
}

static void test_call__more_at_once_than_streams(void **state)
{
    (void)state;
    struct fx f;
    static struct rec r[300];
    memset(r, 0, sizeof(r));
    fx_init(&f, LINK_SOCKET);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(r); i++)
        dp_grpc_send_end(begin(&f, "/t.T/Echo", &r[i]));
    /* One that waits for its turn is taken back. */
    dp_grpc_call_free(r[298].call);
    turn_until(&f, &r[299].done);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(r); i++) {
        assert_int_equal(r[i].done, i != 298);
        assert_int_equal(r[i].code, DP_GRPC_OK);
    }
    fx_release(&f);
}

static void test_call__accepted_late(void **state)
{
    (void)state;
    struct fx f;
    struct rec r = {0};
    fx_init(&f, LINK_SOCKET);
    struct dp_grpc_call *c = begin(&f, "/t.T/Late", &r);
    dp_grpc_send(c, "hello", 5);
    dp_grpc_send_end(c);
    turns(&f, 10);
    assert_non_null(f.late);
    assert_int_equal(r.headers, 0);
    dp_grpc_accept(f.late, &echo_ops, &f);
    turn_until(&f, &r.done);
    assert_done(&r, DP_GRPC_OK, "");
    assert_string_equal(depot_buf_str(&r.data), "hello|");
    depot_buf_release(&r.data);
    fx_release(&f);
}

/* The peer is gone before the server made up its mind; what it then says is harmless. */
static void test_call__accepted_after_its_reset(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct fx f;
        struct rec r = {0};
        fx_init(&f, LINK_SOCKET);
        struct dp_grpc_call *c = begin(&f, "/t.T/Late", &r);
        turns(&f, 10);
        dp_grpc_call_free(c);
        turns(&f, 10);
        assert_int_equal(dp_grpc_conn_calls(f.server), 1);
        if (how == 0)
            dp_grpc_accept(f.late, &echo_ops, &f);
        else if (how == 1)
            dp_grpc_respond(f.late, DP_GRPC_OK, "");
        else
            dp_grpc_call_free(f.late);
        turns(&f, 5);
        assert_int_equal(f.call.done, how == 0);
        assert_int_equal(dp_grpc_conn_calls(f.server), 0);
        assert_int_equal(r.done, 0);
        fx_release(&f);
    }
}

/* ---- bulk and flow control ---- */
static void test_bulk__upload_with_pauses(void **state)
{
    (void)state;
    static const char block[BULK_MSG];
    for (int kind = LINK_SOCKET; kind <= LINK_PIPE; kind++) {
        struct fx f;
        struct rec r = {0};
        fx_init(&f, (enum link_kind)kind);
        f.call.pause_every = 7;
        struct dp_grpc_call *c = begin(&f, "/t.T/Sink", &r);
        for (int i = 0; i < BULK / BULK_MSG; i++) {
            struct depot_buf msg = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
            depot_buf_add(&msg, block, sizeof(block));
            if (i % 2 == 0)
                dp_grpc_send_take(c, &msg);
            else
                dp_grpc_send(c, msg.data, msg.len);
            depot_buf_release(&msg);
        }
        dp_grpc_send_end(c);
        turns(&f, 200);
        /* Held back: one stream's window and what fits on the way. */
        assert_int_equal(f.call.messages, 7);
        assert_true(dp_grpc_queued(c) > BULK - 4 * 1024 * 1024);
        for (int i = 0; i < TURNS && r.done == 0; i++) {
            if (f.call.call != NULL && f.call.done == 0)
                dp_grpc_pause(f.call.call, false);
            depot_loop_turn(f.loop);
        }
        assert_done(&r, DP_GRPC_OK, "");
        assert_int_equal(f.call.bytes, BULK);
        assert_int_equal(f.call.half, 1);
        assert_true(r.writable > 0);
        fx_release(&f);
    }
}

static void test_bulk__download_with_pauses(void **state)
{
    (void)state;
    for (int kind = LINK_SOCKET; kind <= LINK_PIPE; kind++) {
        struct fx f;
        struct rec r = {.pause_every = 11};
        fx_init(&f, (enum link_kind)kind);
        f.to_send = BULK;
        dp_grpc_send_end(begin(&f, "/t.T/Source", &r));
        for (int i = 0; i < TURNS && r.done == 0; i++) {
            depot_loop_turn(f.loop);
            if (r.done == 0)
                dp_grpc_pause(r.call, false);
        }
        assert_done(&r, DP_GRPC_OK, "");
        assert_int_equal(r.bytes, BULK);
        assert_true(f.call.writable > 1);
        depot_buf_release(&r.data);
        fx_release(&f);
    }
}

/* What a paused call was sent before its connection ended is still delivered, and then its end. */
static void test_bulk__paused_over_the_end_of_the_connection(void **state)
{
    (void)state;
    struct fx f;
    struct rec r = {.pause_every = 1};
    fx_init(&f, LINK_SOCKET);
    f.to_send = 8 * BULK_MSG;
    dp_grpc_send_end(begin(&f, "/t.T/Source", &r));
    turn_until(&f, &f.call.done);
    turns(&f, 20);
    dp_grpc_conn_free(f.server);
    f.server = NULL;
    turns(&f, 20);
    assert_int_equal(r.messages, 1);
    assert_int_equal(f.client_rec.closed, 0);
    r.pause_every = 0;
    dp_grpc_pause(r.call, false);
    turn_until(&f, &f.client_rec.closed);
    assert_done(&r, DP_GRPC_OK, "");
    assert_int_equal(r.messages, 8);
    assert_true(f.client_rec.in_order);
    depot_buf_release(&r.data);
    fx_release(&f);
}

static void test_bulk__other_calls_pass_a_paused_and_a_busy_one(void **state)
{
    (void)state;
    for (int paused = 0; paused < 2; paused++) {
        struct fx f;
        struct rec big = {.pause_every = paused}, small = {0};
        fx_init(&f, LINK_SOCKET);
        f.to_send = 4 * BULK;
        dp_grpc_send_end(begin(&f, "/t.T/Source", &big));
        turn_until(&f, &big.messages);
        turns(&f, paused ? 100 : 1);
        /* 20 round trips through one connection, each its own call. */
        for (int i = 0; i < 20; i++) {
            struct dp_grpc_call *c;
            small.done = 0;
            c = begin(&f, "/t.T/Echo", &small);
            dp_grpc_send(c, "ping", 4);
            dp_grpc_send_end(c);
            for (int k = 0; k < 30 && small.done == 0; k++)
                depot_loop_turn(f.loop);
            assert_int_equal(small.done, 1);
            if (i == 0)
                assert_int_equal(big.done, 0);
        }
        depot_buf_release(&big.data);
        depot_buf_release(&small.data);
        fx_release(&f);
    }
}

static void test_bulk__message_above_the_ceiling(void **state)
{
    (void)state;
    struct fx f;
    struct rec r = {0};
    struct depot_buf msg = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    fx_init(&f, LINK_SOCKET);
    struct dp_grpc_call *c = begin(&f, "/t.T/Sink", &r);
    memset(depot_buf_reserve(&msg, DP_GRPC_MAX_MESSAGE + 1), 0, DP_GRPC_MAX_MESSAGE + 1);
    msg.len = DP_GRPC_MAX_MESSAGE + 1;
    dp_grpc_send_take(c, &msg);
    turn_until(&f, &r.done);
    assert_int_equal(r.code, DP_GRPC_RESOURCE_EXHAUSTED);
    turn_until(&f, &f.call.done);
    assert_int_equal(f.call.code, DP_GRPC_RESOURCE_EXHAUSTED);
    fx_release(&f);
}

/* ---- ends ---- */
static void test_end__cancelled_by_the_client(void **state)
{
    (void)state;
    struct fx f;
    struct rec r = {0};
    fx_init(&f, LINK_SOCKET);
    struct dp_grpc_call *c = begin(&f, "/t.T/Hang", &r);
    dp_grpc_send(c, "x", 1);
    turn_until(&f, &f.call.messages);
    dp_grpc_call_free(c);
    turn_until(&f, &f.call.done);
    assert_int_equal(f.call.code, DP_GRPC_CANCELLED);
    assert_int_equal(r.done, 0);
    assert_int_equal(dp_grpc_conn_calls(f.client) + dp_grpc_conn_calls(f.server), 0);
    fx_release(&f);
}

static void test_end__cancelled_by_the_server(void **state)
{
    (void)state;
    struct fx f;
    struct rec r = {0};
    fx_init(&f, LINK_SOCKET);
    dp_grpc_send(begin(&f, "/t.T/Hang", &r), "x", 1);
    turn_until(&f, &f.call.messages);
    dp_grpc_call_free(f.call.call);
    turn_until(&f, &r.done);
    assert_int_equal(r.code, DP_GRPC_CANCELLED);
    assert_int_equal(f.call.done, 0);
    fx_release(&f);
}

static void test_end__client_connection_goes(void **state)
{
    (void)state;
    struct fx f;
    struct rec r = {0};
    fx_init(&f, LINK_SOCKET);
    dp_grpc_send(begin(&f, "/t.T/Hang", &r), "x", 1);
    turn_until(&f, &f.call.messages);
    dp_grpc_conn_free(f.client);
    f.client = NULL;
    turn_until(&f, &f.server_rec.closed);
    assert_int_equal(f.call.done, 1);
    assert_int_equal(f.call.code, DP_GRPC_CANCELLED);
    assert_false(f.server_rec.in_order);
    assert_int_equal(r.done, 0);
    fx_release(&f);
}

static void test_end__server_connection_goes(void **state)
{
    (void)state;
    struct fx f;
    struct rec r = {0};
    struct dp_grpc_call *c = NULL;
    fx_init(&f, LINK_PIPE);
    dp_grpc_send(begin(&f, "/t.T/Hang", &r), "x", 1);
    turn_until(&f, &f.call.messages);
    dp_grpc_conn_free(f.server);
    f.server = NULL;
    turn_until(&f, &f.client_rec.closed);
    assert_done(&r, DP_GRPC_UNAVAILABLE, "the peer closed the connection");
    assert_int_equal(f.client_rec.err.code, DEPOT_ERR_UNAVAILABLE);
    assert_int_equal(dp_grpc_call_new(f.client, "/t.T/Hang", NULL, 0, &rec_ops, &r, &c, &error),
        DEPOT_ERR_UNAVAILABLE);
    turns(&f, 5);
    assert_int_equal(f.client_rec.closed, 1);
    fx_release(&f);
}

static void test_end__idle_connection_goes_in_order(void **state)
{
    (void)state;
    struct fx f;
    fx_init(&f, LINK_SOCKET);
    turns(&f, 5);
    dp_grpc_conn_free(f.server);
    f.server = NULL;
    turn_until(&f, &f.client_rec.closed);
    assert_true(f.client_rec.in_order);
    fx_release(&f);
}

static void test_end__call_freed_inside_its_callback(void **state)
{
    (void)state;
    struct fx f;
    struct rec r = {.free_in_message = true};
    fx_init(&f, LINK_SOCKET);
    struct dp_grpc_call *c = begin(&f, "/t.T/Echo", &r);
    dp_grpc_send(c, "a", 1);
    dp_grpc_send(c, "b", 1);
    turn_until(&f, &f.call.done);
    turns(&f, 5);
    assert_int_equal(r.messages, 1);
    assert_int_equal(r.done, 0);
    depot_buf_release(&r.data);
    fx_release(&f);
}

static void test_end__connection_freed_inside_a_callback(void **state)
{
    (void)state;
    struct fx f;
    struct rec r = {0};
    fx_init(&f, LINK_SOCKET);
    f.free_conn_in_message = true;
    struct dp_grpc_call *c = begin(&f, "/t.T/Echo", &r);
    dp_grpc_send(c, "a", 1);
    dp_grpc_send(c, "b", 1);
    turn_until(&f, &r.done);
    assert_int_equal(r.code, DP_GRPC_UNAVAILABLE);
    assert_int_equal(f.call.messages, 1);
    assert_int_equal(f.call.done, 0);
    assert_int_equal(f.server_rec.closed, 0);
    f.server = NULL;
    fx_release(&f);
}

static void free_all_done(struct dp_grpc_call *c, const struct dp_grpc_status *st, void *arg)
{
    struct fx *f = arg;
    (void)st;
    dp_grpc_call_free(c);
    dp_grpc_conn_free(f->client);
    f->client = NULL;
}

static void test_end__connection_freed_inside_done(void **state)
{
    (void)state;
    static const struct dp_grpc_call_ops ops = {.message = any_message, .done = free_all_done};
    struct fx f;
    struct dp_grpc_call *c;
    fx_init(&f, LINK_SOCKET);
    for (int i = 0; i < 3; i++) {
        int rc = dp_grpc_call_new(f.client, "/t.T/Refuse", NULL, 0, &ops, &f, &c, &error);
        assert_int_equal(rc, 0);
    }
    turn_until(&f, &f.server_rec.closed);
    assert_null(f.client);
    fx_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call__echo_over_every_link),
        cmocka_unit_test(test_call__errors_and_their_texts),
        cmocka_unit_test(test_call__server_ends_first),
        cmocka_unit_test(test_call__metadata),
        cmocka_unit_test(test_call__more_at_once_than_streams),
        cmocka_unit_test(test_call__accepted_late),
        cmocka_unit_test(test_call__accepted_after_its_reset),
        cmocka_unit_test(test_bulk__upload_with_pauses),
        cmocka_unit_test(test_bulk__download_with_pauses),
        cmocka_unit_test(test_bulk__paused_over_the_end_of_the_connection),
        cmocka_unit_test(test_bulk__other_calls_pass_a_paused_and_a_busy_one),
        cmocka_unit_test(test_bulk__message_above_the_ceiling),
        cmocka_unit_test(test_end__cancelled_by_the_client),
        cmocka_unit_test(test_end__cancelled_by_the_server),
        cmocka_unit_test(test_end__client_connection_goes),
        cmocka_unit_test(test_end__server_connection_goes),
        cmocka_unit_test(test_end__idle_connection_goes_in_order),
        cmocka_unit_test(test_end__call_freed_inside_its_callback),
        cmocka_unit_test(test_end__connection_freed_inside_a_callback),
        cmocka_unit_test(test_end__connection_freed_inside_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
