/*
 * core/buildkit/definition.c: encoded definitions, good and hostile, into plain values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <depot/buf.h>
#include <depot/definition.h>

#include <stdio.h>
#include <string.h>

#include "grpc/pb.h"

/* ---- writing definitions ---- */
static void add(struct depot_buf *to, uint32_t number, const void *data, size_t n)
{
    uint8_t head[2 * DP_PB_VARINT_MAX];
    uint8_t *p = dp_pb_put_varint(dp_pb_put_tag(head, number, DP_PB_BYTES), n);
    depot_buf_add(to, head, (size_t)(p - head));
    depot_buf_add(to, data, n);
}

static void add_buf(struct depot_buf *to, uint32_t number, struct depot_buf *from)
{
    add(to, number, depot_buf_str(from), from->len);
    depot_buf_release(from);
}

static void adds(struct depot_buf *to, uint32_t number, const char *s)
{
    add(to, number, s, strlen(s));
}

static void add_number(struct depot_buf *to, uint32_t number, uint64_t v)
{
    uint8_t field[2 * DP_PB_VARINT_MAX];
    depot_buf_add(to, field, (size_t)(dp_pb_put_uint(field, number, v) - field));
}

#define BUF DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT)

/* One operation with up to one input; its digest comes back. */
static void add_op(struct depot_buf *def, uint32_t kind, const char *input, const char *arch,
    struct depot_buf *body, char digest[DEPOT_DIGEST_LEN + 1])
{
    struct depot_buf op = BUF;
    if (input != NULL) {
        struct depot_buf in = BUF;
        adds(&in, 1, input);
        add_buf(&op, 1, &in);
    }
    if (kind != 0)
        add_buf(&op, kind, body);
    if (arch != NULL) {
        struct depot_buf platform = BUF;
        adds(&platform, 1, arch);
        adds(&platform, 2, "linux");
        if (strcmp(arch, "arm") == 0)
            adds(&platform, 3, "v7");
        add_buf(&op, 10, &platform);
    }
    depot_digest_of(depot_buf_str(&op), op.len, digest);
    add_buf(def, 1, &op);
}

static struct depot_buf exec_body(void)
{
    struct depot_buf body = BUF, meta = BUF;
    adds(&meta, 1, "/bin/sh");
    adds(&meta, 1, "-c");
    adds(&meta, 1, "make");
    adds(&meta, 2, "PATH=/bin");
    add_buf(&body, 1, &meta);
    return body;
}

static void add_description(struct depot_buf *def, const char *digest, const char *name)
{
    struct depot_buf entry = BUF, value = BUF, other = BUF, pair = BUF;
    adds(&other, 1, "com.example");
    adds(&other, 2, "not the name");
    adds(&pair, 1, "llb.customname");
    adds(&pair, 2, name);
    add_number(&value, 1, 1);
    add_buf(&value, 2, &pair);
    add_buf(&value, 2, &other);
    adds(&entry, 1, digest);
    add_buf(&entry, 2, &value);
    add_buf(def, 2, &entry);
}

static void add_place(struct depot_buf *source, const char *digest, uint64_t file, uint64_t line)
{
    struct depot_buf entry = BUF, locations = BUF, location = BUF, range = BUF, at = BUF;
    add_number(&at, 1, line);
    add_number(&at, 2, 4);
    add(&range, 1, at.data, at.len);
    add_buf(&range, 2, &at);
    add_number(&location, 1, file);
    add_buf(&location, 2, &range);
    add_buf(&locations, 1, &location);
    adds(&entry, 1, digest);
    add_buf(&entry, 2, &locations);
    add_buf(source, 1, &entry);
}

/* context <- RUN make on arm/v7 <- result */
static struct depot_buf example(void)
{
    struct depot_buf def = BUF, body = BUF, exec = exec_body(), source = BUF, info = BUF;
    char context[DEPOT_DIGEST_LEN + 1], run[DEPOT_DIGEST_LEN + 1], last[DEPOT_DIGEST_LEN + 1];
    adds(&body, 1, "local://context");
    add_op(&def, 3, NULL, NULL, &body, context);
    add_op(&def, 2, context, "arm", &exec, run);
    add_op(&def, 0, run, NULL, NULL, last);
    add_description(&def, run, "[2/2] RUN make");
    adds(&info, 1, "Dockerfile");
    adds(&info, 2, "FROM scratch\nRUN make\n");
    add_buf(&source, 2, &info);
    add_place(&source, run, 0, 2);
    add_place(&source, context, 7, 1); /* a file that is not there */
    add_buf(&def, 3, &source);
    return def;
}

/* ---- tests ---- */
static void test_decode__an_example(void **state)
{
    (void)state;
    struct depot_buf b = example();
    struct depot_definition d = {0};
    assert_int_equal(depot_definition_decode(b.data, b.len, &d, NULL), 0);
    assert_int_equal(d.nops, 3);
    assert_int_equal(d.ops[0].kind, DEPOT_OP_SOURCE);
    assert_string_equal(d.ops[0].source, "local://context");
    assert_string_equal(d.ops[0].platform, "");
    assert_int_equal(d.ops[0].nplaces, 0);
    assert_int_equal(d.ops[1].kind, DEPOT_OP_EXEC);
    assert_string_equal(d.ops[1].platform, "linux/arm/v7");
    assert_int_equal(d.ops[1].ninputs, 1);
    assert_int_equal(d.ops[1].inputs[0], 0);
    assert_string_equal(d.ops[1].name, "[2/2] RUN make");
    assert_true(d.ops[1].ignore_cache);
    assert_int_equal(d.ops[1].nargs, 3);
    assert_string_equal(d.ops[1].args[2], "make");
    assert_int_equal(d.ops[1].nplaces, 1);
    assert_int_equal(d.ops[1].places[0].range.end_line, 2);
    assert_string_equal(d.files[d.ops[1].places[0].file].name, "Dockerfile");
    assert_string_equal(d.files[0].text, "FROM scratch\nRUN make\n");
    assert_int_equal(d.ops[2].kind, DEPOT_OP_RESULT);
    assert_int_equal(d.ops[2].inputs[0], 1);
    char digest[DEPOT_DIGEST_LEN + 1];
    depot_digest_of(d.ops[1].bytes, d.ops[1].len, digest);
    assert_string_equal(digest, d.ops[1].digest);
    depot_definition_release(&d);
    depot_buf_release(&b);
}

static void test_decode__each_prefix_is_refused_or_whole(void **state)
{
    (void)state;
    struct depot_buf b = example();
    for (size_t n = 0; n < b.len; n++) {
        struct depot_definition d = {0};
        char *exact = depot_memdup(b.data, n);
        struct depot_error err = {0};
        int rc = depot_definition_decode(exact, n, &d, &err);
        assert_true(rc == 0 || rc == DEPOT_ERR_PROTOCOL);
        assert_true(rc == 0 || strstr(err.msg, "malformed") != NULL);
        depot_definition_release(&d);
        depot_free(exact);
    }
    depot_buf_release(&b);
}

static void test_decode__an_input_that_is_not_there(void **state)
{
    (void)state;
    struct depot_buf def = BUF;
    struct depot_definition d = {0};
    struct depot_error err = {0};
    char digest[DEPOT_DIGEST_LEN + 1];
    add_op(&def, 0, "sha256:missing", NULL, NULL, digest);
    assert_int_equal(depot_definition_decode(def.data, def.len, &d, &err), DEPOT_ERR_PROTOCOL);
    assert_non_null(strstr(err.msg, "needs one that is not there"));
    depot_buf_release(&def);
}

/* An operation can only name itself by a digest that is not its own. */
static void test_decode__a_cycle_is_an_input_that_is_not_there(void **state)
{
    (void)state;
    struct depot_buf def = BUF;
    struct depot_definition d = {0};
    char first[DEPOT_DIGEST_LEN + 1], second[DEPOT_DIGEST_LEN + 1];
    add_op(&def, 0, NULL, NULL, NULL, first);
    add_op(&def, 0, first, NULL, NULL, second);
    depot_buf_clear(&def);
    add_op(&def, 0, second, NULL, NULL, first); /* no longer `first` */
    add_op(&def, 0, first, NULL, NULL, second);
    assert_int_equal(depot_definition_decode(def.data, def.len, &d, NULL), DEPOT_ERR_PROTOCOL);
    depot_buf_release(&def);
}

static void test_decode__ten_thousand_operations(void **state)
{
    (void)state;
    enum { N = 10000 };
    struct depot_buf def = BUF;
    struct depot_definition d = {0};
    char last[DEPOT_DIGEST_LEN + 1] = "";
    for (int i = 0; i < N; i++) {
        struct depot_buf exec = exec_body();
        add_op(&def, 2, i > 0 ? last : NULL, "s390x", &exec, last);
    }
    assert_int_equal(depot_definition_decode(def.data, def.len, &d, NULL), 0);
    assert_int_equal(d.nops, N);
    assert_int_equal(d.ops[N - 1].inputs[0], N - 2);
    depot_definition_release(&d);
    depot_buf_release(&def);
}

/* Each ceiling is passed by the smallest thing that can be sent. */
static void test_decode__ceilings(void **state)
{
    (void)state;
    static const struct {
        uint32_t number; /* repeated within a definition */
        uint32_t outer;  /* ... inside of this; 0: at the top */
        size_t count;
        const char *says;
    } rows[] = {
        {1, 0, DEPOT_DEFINITION_OPS_MAX + 1, "operations"},
        {2, 3, DEPOT_DEFINITION_FILES_MAX + 1, "source files"},
        {1, 1, DEPOT_DEFINITION_LINKS_MAX + 1, "inputs"},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_buf inner = BUF, def = BUF;
        struct depot_definition d = {0};
        struct depot_error err = {0};
        for (size_t k = 0; k < rows[i].count; k++)
            add(&inner, rows[i].number, "", 0);
        if (rows[i].outer != 0)
            add(&def, rows[i].outer, inner.data, inner.len);
        else
            depot_buf_add(&def, inner.data, inner.len);
        assert_int_equal(depot_definition_decode(def.data, def.len, &d, &err), DEPOT_ERR_TOO_BIG);
        assert_non_null(strstr(err.msg, rows[i].says));
        depot_buf_release(&inner);
        depot_buf_release(&def);
    }
}

static void test_decode__a_hundred_megabytes(void **state)
{
    (void)state;
    const size_t n = 100 * 1024 * 1024;
    char *data = depot_calloc(1, n);
    struct depot_definition d = {0};
    struct depot_error err = {0};
    assert_int_equal(depot_definition_decode(data, n, &d, &err), DEPOT_ERR_TOO_BIG);
    assert_non_null(strstr(err.msg, "16 MiB"));
    depot_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode__an_example),
        cmocka_unit_test(test_decode__each_prefix_is_refused_or_whole),
        cmocka_unit_test(test_decode__an_input_that_is_not_there),
        cmocka_unit_test(test_decode__a_cycle_is_an_input_that_is_not_there),
        cmocka_unit_test(test_decode__ten_thousand_operations),
        cmocka_unit_test(test_decode__ceilings),
        cmocka_unit_test(test_decode__a_hundred_megabytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
