/*
 * What a WebSocket reads and writes, without the socket: frames and messages from the server, and
 * the handshake.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ws/frame.h"
#include "ws/handshake.h"
#include "ws/message.h"
#include "ws/queue.h"

#define BYTES(s) s, sizeof(s) - 1

/* ---- frames ---- */

static int decode(const char *in, size_t size, size_t cut, struct depot_buf *out)
{
    struct dp_wsf f = {.left = 0};
    struct dp_wsf_piece piece;
    int rc = 0;
    for (size_t at = 0; at < size && rc >= 0;) {
        size_t n = cut < size - at ? cut : size - at;
        const uint8_t *p = (const uint8_t *)in + at;
        at += n;
        while ((rc = dp_wsf_next(&f, &p, &n, &piece)) > 0) {
            if (piece.op >= DEPOT_WS_CLOSE)
                depot_buf_addf(out, "<%d:%zu>", (int)piece.op, piece.n);
            depot_buf_add(out, piece.data, piece.n);
        }
    }
    if (rc < 0) { /* and so it stays */
        size_t n = 2;
        const uint8_t *p = (const uint8_t *)"\x82\x00";
        assert_int_equal(dp_wsf_next(&f, &p, &n, &piece), rc);
    }
    return rc;
}

static void test_frame__gives_the_bytes_of_messages(void **state)
{
    static const struct {
        const char *in;
        size_t n;
        const char *out;
        int rc;
    } rows[] = {
        {BYTES(""), "", 0},
        {BYTES("\x82\x03"
               "abc"),
            "abc", 0},
        {BYTES("\x82\x00\x81\x02{}\x82\x01x"), "{}x", 0},
        {BYTES("\x02\x02"
               "ab\x00\x01"
               "c\x80\x01"
               "d"),
            "abcd", 0},
        {BYTES("\x02\x01"
               "a\x89\x02hi\x80\x01"
               "b"),
            "a<9:2>hib", 0},
        {BYTES("\x89\x00\x8a\x00\x88\x02\x03\xe8"), "<9:0><10:0><8:2>\x03\xe8", 0},
        {BYTES("\x88\x00"), "<8:0>", 0},
        /* a message in a message, an end without a beginning */
        {BYTES("\x02\x01"
               "a\x82\x01"
               "b"),
            "a", DEPOT_ERR_PROTOCOL},
        {BYTES("\x80\x01"
               "a"),
            "", DEPOT_ERR_PROTOCOL},
        {BYTES("\x02\x01"
               "a\x80\x01"
               "b\x80\x00"),
            "ab", DEPOT_ERR_PROTOCOL},
        /* reserved bits and opcodes, a mask */
        {BYTES("\xc2\x01"
               "a"),
            "", DEPOT_ERR_PROTOCOL},
        {BYTES("\x92\x01"
               "a"),
            "", DEPOT_ERR_PROTOCOL},
        {BYTES("\x83\x01"
               "a"),
            "", DEPOT_ERR_PROTOCOL},
        {BYTES("\x8b\x00"), "", DEPOT_ERR_PROTOCOL},
        {BYTES("\x82\x81"
               "kkkka"),
            "", DEPOT_ERR_PROTOCOL},
        /* control frames that are cut or long */
        {BYTES("\x09\x00"), "", DEPOT_ERR_PROTOCOL},
        {BYTES("\x89\x7e\x00\x7e"), "", DEPOT_ERR_PROTOCOL},
        /* lengths written longer than they are, and one with a sign */
        {BYTES("\x82\x7e\x00\x7d"), "", DEPOT_ERR_PROTOCOL},
        {BYTES("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff"), "", DEPOT_ERR_PROTOCOL},
        {BYTES("\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00"), "", DEPOT_ERR_PROTOCOL},
        {BYTES("HTTP/1.1 400 Bad Request\r\n"), "", DEPOT_ERR_PROTOCOL},
        /* codes that a close frame has, and has not */
        {BYTES("\x88\x04\x0f\xa0no"), "<8:4>\x0f\xa0no", 0},
        {BYTES("\x88\x01\x03"), "", DEPOT_ERR_PROTOCOL},
        {BYTES("\x88\x02\x03\xe7"), "", DEPOT_ERR_PROTOCOL},
        {BYTES("\x88\x02\x03\xed"), "", DEPOT_ERR_PROTOCOL},
        {BYTES("\x88\x02\x03\xf7"), "", DEPOT_ERR_PROTOCOL},
        {BYTES("\x88\x02\x13\x88"), "", DEPOT_ERR_PROTOCOL},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        for (size_t cut = 1; cut < 30; cut++) {
            struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
            assert_int_equal(decode(rows[i].in, rows[i].n, cut, &out), rows[i].rc);
            assert_string_equal(depot_buf_str(&out), rows[i].out);
            depot_buf_release(&out);
        }
    }
}

static void test_frame__of_every_size(void **state)
{
    static const size_t sizes[] = {1, 125, 126, 127, 65535, 65536, 200000};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(sizes); i++) {
        for (size_t cut = 1; cut < 300000; cut = cut * 7 + 1) {
            struct depot_buf in = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT), out = in;
            struct dp_wsq q = {.plain = true};
            size_t n, payload;
            char *data = calloc(1, sizes[i]);
            for (size_t k = 0; k < sizes[i]; k++)
                data[k] = (char)(k * 31);
            dp_wsq_message(&q, DEPOT_WS_BINARY, data, sizes[i]);
            const uint8_t *f = dp_wsq_front(&q, &n, &payload);
            /* A client's frame, and so a server's once the mask, which is zeros, is taken out. */
            const size_t head = n - payload;
            assert_memory_equal(f + head - 4, "\0\0\0\0", 4);
            depot_buf_add(&in, f, head - 4);
            in.data[1] = (char)(in.data[1] & 0x7f);
            depot_buf_add(&in, f + head, payload);
            assert_int_equal(decode(in.data, in.len, cut, &out), 0);
            assert_int_equal(out.len, sizes[i]);
            assert_memory_equal(out.data, data, sizes[i]);
            dp_wsq_release(&q);
            depot_buf_release(&in);
            depot_buf_release(&out);
            free(data);
        }
    }
}

/* Both ends write their heads by the same function: a server's, without a mask, is read here. */
static void test_head__of_both_ends(void **state)
{
    static const struct {
        size_t n;
        const char *bytes;
        size_t len;
    } rows[] = {
        {0, BYTES("\x81\x00")},
        {125, BYTES("\x81\x7d")},
        {126, BYTES("\x81\x7e\x00\x7e")},
        {65535, BYTES("\x81\x7e\xff\xff")},
        {65536, BYTES("\x81\x7f\0\0\0\0\0\x01\0\0")},
    };
    static const uint8_t mask[] = {1, 2, 3, 4};
    uint8_t room[DEPOT_WS_HEAD_MAX], *end = room + sizeof(room);
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        uint8_t *head = depot_ws_head(end, DEPOT_WS_TEXT, rows[i].n, NULL);
        assert_int_equal(end - head, rows[i].len);
        assert_int_equal(depot_ws_head_len(rows[i].n, false), rows[i].len);
        assert_memory_equal(head, rows[i].bytes, rows[i].len);
        head = depot_ws_head(end, DEPOT_WS_TEXT, rows[i].n, mask);
        assert_int_equal(end - head, rows[i].len + 4);
        assert_int_equal(depot_ws_head_len(rows[i].n, true), rows[i].len + 4);
        assert_int_equal(head[1], (uint8_t)rows[i].bytes[1] | 0x80);
        assert_memory_equal(head + 2, rows[i].bytes + 2, rows[i].len - 2);
        assert_memory_equal(end - 4, mask, 4);
    }
}

static void test_head__closes_with_a_reason_that_fits(void **state)
{
    uint8_t body[DEPOT_WS_CONTROL_MAX];
    char *why = depot_asprintf("%0200d", 7);
    (void)state;
    assert_int_equal(depot_ws_close(body, 1009, "big"), 5);
    assert_memory_equal(body, "\x03\xf1\x62ig", 5);
    assert_int_equal(depot_ws_close(body, 1000, ""), 2);
    assert_int_equal(depot_ws_close(body, 1000, why), DEPOT_WS_CONTROL_MAX);
    depot_free(why);
}

/* ---- messages ---- */

static int messages(const char *in, size_t size, size_t cut, size_t max, struct depot_buf *out)
{
    struct dp_wsm m;
    struct dp_wsf_piece piece;
    int rc = 0;
    dp_wsm_init(&m, max);
    for (size_t at = 0; at < size && rc >= 0;) {
        /* A copy of its size, so that the sanitizer sees a read past it. */
        size_t n = cut < size - at ? cut : size - at;
        uint8_t *part = malloc(n);
        const uint8_t *p = part;
        memcpy(part, in + at, n);
        at += n;
        while ((rc = dp_wsm_next(&m, &p, &n, &piece)) > 0) {
            assert_true(piece.last);
            depot_buf_addf(out, "%d[", (int)piece.op);
            depot_buf_add(out, piece.data, piece.n);
            depot_buf_addc(out, ']');
        }
        free(part);
    }
    if (rc < 0) { /* and so it stays */
        size_t n = 2;
        const uint8_t *p = (const uint8_t *)"\x82\x00";
        assert_int_equal(dp_wsm_next(&m, &p, &n, &piece), rc);
    }
    dp_wsm_release(&m);
    return rc;
}

static void test_message__is_whole(void **state)
{
    static const struct {
        const char *in;
        size_t n;
        const char *out;
        int rc;
    } rows[] = {
        {BYTES(""), "", 0},
        {BYTES("\x81\x00"), "1[]", 0},
        {BYTES("\x81\x02{}\x82\x01x\x81\x01y"), "1[{}]2[x]1[y]", 0},
        {BYTES("\x01\x01"
               "a\x00\x01"
               "b\x80\x01"
               "c\x81\x01"
               "d"),
            "1[abc]1[d]", 0},
        /* fragments without a byte */
        {BYTES("\x02\x00\x00\x00\x80\x00"), "2[]", 0},
        {BYTES("\x02\x00\x80\x01"
               "a"),
            "2[a]", 0},
        {BYTES("\x01\x01"
               "a\x80\x00"),
            "1[a]", 0},
        /* control frames between fragments, and the message that they cut */
        {BYTES("\x01\x01"
               "a\x89\x02hi\x00\x00\x8a\x00\x80\x01"
               "b"),
            "9[hi]10[]1[ab]", 0},
        {BYTES("\x01\x01"
               "a\x88\x00\x80\x01"
               "b"),
            "8[]1[ab]", 0},
        /* not whole yet */
        {BYTES("\x81\x03"
               "ab"),
            "", 0},
        {BYTES("\x01\x02"
               "ab"),
            "", 0},
        /* of 8 bytes, and of more, said at once or in parts */
        {BYTES("\x81\x08"
               "12345678"),
            "1[12345678]", 0},
        {BYTES("\x01\x04"
               "1234\x80\x04"
               "5678"),
            "1[12345678]", 0},
        {BYTES("\x81\x01x\x81\x09"
               "123456789"),
            "1[x]", DEPOT_ERR_TOO_BIG},
        {BYTES("\x01\x04"
               "1234\x80\x05"
               "56789"),
            "", DEPOT_ERR_TOO_BIG},
        {BYTES("\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"
               "1"),
            "", DEPOT_ERR_TOO_BIG},
        {BYTES("\x01\x01"
               "1\x80\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"
               "1"),
            "", DEPOT_ERR_TOO_BIG},
        {BYTES("\x01\x01"
               "a\x81\x01"
               "b"),
            "", DEPOT_ERR_PROTOCOL},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        for (size_t cut = 1; cut < 30; cut++) {
            struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
            assert_int_equal(messages(rows[i].in, rows[i].n, cut, 8, &out), rows[i].rc);
            assert_string_equal(depot_buf_str(&out), rows[i].out);
            depot_buf_release(&out);
        }
    }
}

static void test_message__is_not_copied_when_whole(void **state)
{
    static const uint8_t in[] = "\x81\x02{}\x82\x01x";
    struct dp_wsm m;
    struct dp_wsf_piece piece;
    const uint8_t *p = in;
    size_t n = sizeof(in) - 1;
    (void)state;
    dp_wsm_init(&m, 100);
    assert_int_equal(dp_wsm_next(&m, &p, &n, &piece), 1);
    assert_ptr_equal(piece.data, in + 2);
    assert_int_equal(dp_wsm_next(&m, &p, &n, &piece), 1);
    assert_ptr_equal(piece.data, in + 6);
    assert_null(m.joined.data);
    dp_wsm_release(&m);
}

/* ---- the handshake ---- */

/* The example of RFC 6455, 1.3. */
#define KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static void test_handshake__asks(void **state)
{
    (void)state;
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_wsh_request(&b, "h:1", "/v1/x", "p.v1", NULL, NULL, KEY);
    assert_string_equal(depot_buf_str(&b),
        "GET /v1/x HTTP/1.1\r\nHost: h:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: " KEY
        "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: p.v1\r\n\r\n");
    depot_buf_clear(&b);
    dp_wsh_request(&b, "h", "/", "p", "s3cret", "X-A: b", KEY);
    assert_non_null(
        strstr(depot_buf_str(&b), "\r\nAuthorization: Bearer s3cret\r\nX-A: b\r\n\r\n"));
    depot_buf_release(&b);
    char one[DP_WSH_KEY_LEN + 1], other[DP_WSH_KEY_LEN + 1];
    dp_wsh_key(one);
    dp_wsh_key(other);
    assert_int_equal(strlen(one), DP_WSH_KEY_LEN);
    assert_string_not_equal(one, other);
}

static void test_handshake__reads_the_answer(void **state)
{
#define YES     "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define TAIL    "Sec-WebSocket-Protocol: p\r\n\r\n"
    static const struct {
        const char *text;
        int rc, status; /* rc 1: the whole text */
    } rows[] = {
        {YES UPGRADE "Sec-WebSocket-Accept: " ACCEPT "\r\n" TAIL, 1, 0},
        {YES "upgrade:WebSocket\r\nSEC-WEBSOCKET-ACCEPT:\t" ACCEPT " \r\n" TAIL, 1, 0},
        {"", 0, 0},
        {"HTT", 0, 0},
        {YES UPGRADE "Sec-WebSocket-Accept: " ACCEPT "\r\n", 0, 0},
        {YES UPGRADE "Sec-WebSocket-Accept: " ACCEPT "x\r\n" TAIL, DEPOT_ERR_PROTOCOL, 0},
        {YES UPGRADE "Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO=\r\n" TAIL,
            DEPOT_ERR_PROTOCOL, 0},
        {YES UPGRADE TAIL, DEPOT_ERR_PROTOCOL, 0},
        {YES "Sec-WebSocket-Accept: " ACCEPT "\r\n" TAIL, DEPOT_ERR_PROTOCOL, 0},
        {YES UPGRADE "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n", DEPOT_ERR_PROTOCOL, 0},
        {YES UPGRADE "Sec-WebSocket-Accept: " ACCEPT
                     "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n" TAIL,
            DEPOT_ERR_PROTOCOL, 0},
        {"HTTP/1.1 403 No\r\n\r\n", DEPOT_ERR_DENIED, 403},
        {"HTTP/1.0 503\r\n\r\n", DEPOT_ERR_DENIED, 503},
        {"HTTP/1.1 4x3 No\r\n\r\n", DEPOT_ERR_PROTOCOL, 0},
        {"HTTP/1.1\r\n\r\n", DEPOT_ERR_PROTOCOL, 0},
        {"SSH-2.0", DEPOT_ERR_PROTOCOL, 0},
        {"\r\n\r\n", DEPOT_ERR_PROTOCOL, 0},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        const size_t len = strlen(rows[i].text);
        int status = -1;
        ssize_t got = dp_wsh_answer(rows[i].text, len, "p", KEY, &status);
        assert_int_equal(got, rows[i].rc == 1 ? (ssize_t)len : rows[i].rc);
        assert_int_equal(status, rows[i].status);
        /* A yes is none before its last byte. */
        for (size_t n = 0; rows[i].rc == 1 && n < len; n++)
            assert_int_equal(dp_wsh_answer(rows[i].text, n, "p", KEY, &status), 0);
    }
}

static void test_handshake__answer_without_end(void **state)
{
    (void)state;
    char *text = malloc(DP_WSH_ANSWER_MAX);
    int status;
    memset(text, 'x', DP_WSH_ANSWER_MAX);
    memcpy(text, "HTTP/1.1 101 ", 13);
    assert_int_equal(dp_wsh_answer(text, DP_WSH_ANSWER_MAX - 1, "p", KEY, &status), 0);
    assert_int_equal(dp_wsh_answer(text, DP_WSH_ANSWER_MAX, "p", KEY, &status), DEPOT_ERR_PROTOCOL);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame__gives_the_bytes_of_messages),
        cmocka_unit_test(test_frame__of_every_size),
        cmocka_unit_test(test_head__of_both_ends),
        cmocka_unit_test(test_head__closes_with_a_reason_that_fits),
        cmocka_unit_test(test_message__is_whole),
        cmocka_unit_test(test_message__is_not_copied_when_whole),
        cmocka_unit_test(test_handshake__asks),
        cmocka_unit_test(test_handshake__reads_the_answer),
        cmocka_unit_test(test_handshake__answer_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
