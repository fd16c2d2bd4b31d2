/*
 * gRPC's pure parts: message framing, the send queue, status codes and their text forms.
 */
#include "grpc/frame.h"
#include "grpc/out.h"
#include "grpc/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { TEST_MAX = 1000 };

/* Feed `in` in pieces of `step`, append each message and a '|' to `out`; the last result. */
static int feed(
    struct dp_grpc_dec *d, const uint8_t *in, size_t n, size_t step, struct depot_buf *out)
{
    int rc = 0;
    while (n > 0 && rc >= 0) {
        size_t left = n < step ? n : step;
        n -= left;
        const uint8_t *msg;
        size_t len;
        while ((rc = dp_grpc_dec_next(d, &in, &left, &msg, &len)) == 1) {
            depot_buf_add(out, msg, len);
            depot_buf_addc(out, '|');
        }
    }
    return rc;
}

static const struct {
    const char *name, *in;
    size_t n;
    int rc;
    const char *out;
    bool idle;
} dec_rows[] = {
    {"one", "\0\0\0\0\3abc", 8, 0, "abc|", true},
    {"empty", "\0\0\0\0\0", 5, 0, "|", true},
    {"several", "\0\0\0\0\1a\0\0\0\0\0\0\0\0\0\2bc", 18, 0, "a||bc|", true},
    {"half a prefix", "\0\0\0\0\1a\0\0", 8, 0, "a|", false},
    {"half a message", "\0\0\0\0\4ab", 7, 0, "", false},
    {"compressed", "\0\0\0\0\1a\1\0\0\0\1a", 12, DEPOT_ERR_PROTOCOL, "a|", false},
    {"bad flag", "\xff", 1, DEPOT_ERR_PROTOCOL, "", false},
    {"too big", "\0\0\0\3\xe9", 5, DEPOT_ERR_TOO_BIG, "", false},
    {"far too big", "\0\xff\xff\xff\xff", 5, DEPOT_ERR_TOO_BIG, "", false},
};

static void test_dec__rows_in_every_step_width(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(dec_rows); i++) {
        for (size_t step = 1; step <= dec_rows[i].n; step++) {
            struct dp_grpc_dec d;
            struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
            dp_grpc_dec_init(&d, TEST_MAX);
            int rc = feed(&d, (const uint8_t *)dec_rows[i].in, dec_rows[i].n, step, &out);
            assert_int_equal(rc, dec_rows[i].rc);
            assert_string_equal(depot_buf_str(&out), dec_rows[i].out);
            assert_int_equal(dp_grpc_dec_idle(&d), dec_rows[i].idle);
            depot_buf_release(&out);
            dp_grpc_dec_release(&d);
        }
    }
}

static void test_dec__whole_message_is_not_copied(void **state)
{
    (void)state;
    struct dp_grpc_dec d;
    const uint8_t in[] = {0, 0, 0, 0, 2, 'h', 'i'}, *at = in, *msg;
    size_t n = sizeof(in), len;
    dp_grpc_dec_init(&d, TEST_MAX);
    assert_int_equal(dp_grpc_dec_next(&d, &at, &n, &msg, &len), 1);
    assert_ptr_equal(msg, in + 5);
    assert_null(d.body.data);
    dp_grpc_dec_release(&d);
}

static void test_dec__claimed_size_takes_no_memory_ahead(void **state)
{
    (void)state;
    struct dp_grpc_dec d;
    const uint8_t in[] = {0, 3, 0xff, 0xff, 0xff, 'x'}, *at = in, *msg;
    size_t n = sizeof(in), len;
    dp_grpc_dec_init(&d, DP_GRPC_MAX_MESSAGE);
    assert_int_equal(dp_grpc_dec_next(&d, &at, &n, &msg, &len), 0);
    assert_true(d.body.cap <= DP_GRPC_KEEP_BUFFER);
    dp_grpc_dec_release(&d);
}

static void queue_pieces(struct dp_grpc_queue *q, const struct depot_buf *msg, size_t first)
{
    char *data = msg->data;
    const struct iovec pieces[] = {{.iov_base = data, .iov_len = first},
        {.iov_base = data ? data + first : NULL, .iov_len = msg->len - first}};
    dp_grpc_queue_pieces(q, pieces, DEPOT_ARRAY_LEN(pieces));
}

/* Whatever is queued comes out of the batch framed, in order, however it is written. */
static void test_queue__messages_pass_through_the_batch(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 5000, 0, 40000, 3, 16384, 4096, 4095};
    struct dp_grpc_queue q = {0};
    struct dp_grpc_dec d;
    struct depot_buf want = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_buf got = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    for (size_t i = 0; i < 3 * DEPOT_ARRAY_LEN(sizes); i++) {
        struct depot_buf msg = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        for (size_t k = 0; k < sizes[i / 3]; k++)
            depot_buf_addc(&msg, (char)('a' + (i + k) % 26));
        depot_buf_add(&want, msg.data, msg.len);
        depot_buf_addc(&want, '|');
        if (i % 3 == 0)
            dp_grpc_queue_message(&q, msg.data, msg.len);
        else if (i % 3 == 1)
            dp_grpc_queue_message_take(&q, &msg);
        else
            queue_pieces(&q, &msg, msg.len / 3);
        depot_buf_release(&msg);
    }
    struct dp_out *o = dp_out_new();
    dp_grpc_dec_init(&d, DP_GRPC_MAX_MESSAGE);
    while (q.bytes > 0 || o->bytes > 0) {
        while (q.bytes > 0 && dp_out_has_room(o))
            dp_out_take(o, &q, q.bytes < 16384 ? q.bytes : 16384);
        /* A write that takes an odd part of the first piece. */
        const struct iovec *v = &o->iov[o->first];
        size_t n = v->iov_len > 777 ? 777 : v->iov_len;
        assert_int_equal(feed(&d, v->iov_base, n, n, &got), 0);
        dp_out_written(o, n);
    }
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.data, want.data, want.len);
    dp_out_free(o);
    dp_grpc_queue_clear(&q);
    dp_grpc_dec_release(&d);
    depot_buf_release(&want);
    depot_buf_release(&got);
}

/* The batch outlives the call whose bytes it points into. */
/* However much passes through, it is the same few chunks; those that come back when the queue is
 * gone are freed. */
static void test_queue__uses_chunks_of_pieces_again(void **state)
{
    (void)state;
    struct dp_grpc_queue q = {0};
    struct depot_buf msg = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct dp_out *o = dp_out_new();
    const struct dp_grpc_chunk *first = NULL;
    memset(depot_buf_reserve(&msg, 200000), 'x', 200000);
    msg.len = 200000;
    for (int i = 0; i < 50; i++) {
        queue_pieces(&q, &msg, 5);
        if (i == 0)
            first = q.head;
        for (size_t left = q.bytes; left > 0;) {
            const size_t n = left < 16384 ? left : 16384;
            dp_out_take(o, &q, n);
            dp_out_written(o, n);
            left -= n;
        }
        assert_true(q.spares->n >= 3 && q.spares->n <= 8);
    }
    assert_true(q.spares->refs <= 2);
    queue_pieces(&q, &msg, 5);
    const struct dp_grpc_chunk *k = q.head;
    while (k != NULL && k != first)
        k = k->next;
    assert_ptr_equal(k, first);
    dp_out_take(o, &q, 16384);
    dp_grpc_queue_clear(&q);
    assert_int_equal(o->bytes, 16384);
    dp_out_written(o, 16384);
    dp_out_free(o);
    depot_buf_release(&msg);
}

static void test_out__keeps_chunks_of_a_cleared_queue(void **state)
{
    (void)state;
    struct dp_grpc_queue q = {0};
    struct dp_out *o = dp_out_new();
    char *big = depot_calloc(1, 20000);
    dp_grpc_queue_message(&q, big, 20000);
    dp_out_take(o, &q, 10000);
    dp_grpc_queue_clear(&q);
    assert_int_equal(((char *)o->iov[o->first].iov_base)[9999], 0);
    dp_out_free(o);
    depot_free(big);
}

static void test_percent__decodes_and_tolerates(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"plain text", "plain text"},
        {"100%25 %c3%BC", "100% \xc3\xbc"},
        {"bad %zz %4", "bad %zz %4"},
        {"%", "%"},
        {"%%41", "%A"},
        {"nul %00 stays", "nul %00 stays"},
        {"", ""},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char *s = dp_grpc_percent_decode(rows[i][0], strlen(rows[i][0]));
        assert_string_equal(s, rows[i][1]);
        depot_free(s);
    }
}

static void test_percent__encode_then_decode_is_the_same(void **state)
{
    (void)state;
    const char *text = "line\nof 100% \xc3\xbc\x7f\x01~";
    char *wire = dp_grpc_percent_encode(text, 100);
    char *back = dp_grpc_percent_decode(wire, strlen(wire));
    assert_string_equal(wire, "line%0Aof 100%25 %C3%BC%7F%01~");
    assert_string_equal(back, text);
    depot_free(wire);
    depot_free(back);
}

static void test_code__parse(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        int code;
    } rows[] = {
        {"0", 0}, {"2", 2}, {"16", 16}, {"17", 2}, {"", 2}, {"-1", 2}, {"1x", 2}, {"0016", 2}};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        assert_int_equal(dp_grpc_code_parse(rows[i].s, strlen(rows[i].s)), rows[i].code);
}

static void test_code__names_and_errors(void **state)
{
    (void)state;
    assert_string_equal(dp_grpc_code_name(DP_GRPC_UNAVAILABLE), "UNAVAILABLE");
    assert_string_equal(dp_grpc_code_name(99), "UNKNOWN");
    assert_int_equal(dp_grpc_code_to_err(DP_GRPC_OK), 0);
    assert_int_equal(dp_grpc_code_to_err(DP_GRPC_UNIMPLEMENTED), DEPOT_ERR_UNSUPPORTED);
    assert_int_equal(dp_grpc_code_to_err(DP_GRPC_UNKNOWN), DEPOT_ERR_FAILED);
    assert_int_equal(dp_grpc_code_to_err(-5), DEPOT_ERR_FAILED);
    for (int code = 1; code <= DP_GRPC_UNAUTHENTICATED; code++)
        assert_true(dp_grpc_code_to_err(code) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dec__rows_in_every_step_width),
        cmocka_unit_test(test_dec__whole_message_is_not_copied),
        cmocka_unit_test(test_dec__claimed_size_takes_no_memory_ahead),
        cmocka_unit_test(test_queue__messages_pass_through_the_batch),
        cmocka_unit_test(test_queue__uses_chunks_of_pieces_again),
        cmocka_unit_test(test_out__keeps_chunks_of_a_cleared_queue),
        cmocka_unit_test(test_percent__decodes_and_tolerates),
        cmocka_unit_test(test_percent__encode_then_decode_is_the_same),
        cmocka_unit_test(test_code__parse),
        cmocka_unit_test(test_code__names_and_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
