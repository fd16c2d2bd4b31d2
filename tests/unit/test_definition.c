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

#include "definition_rig.h"
#include "grpc/pb.h"

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

/* context, of `session` unless it is NULL, whose result `index` goes into a command. */
static void ids_of(const char *session, uint64_t index, depot_step_id *ids)
{
    struct depot_buf def = BUF, source = BUF, attr = BUF, op = BUF, in = BUF, run = exec_body();
    char context[DEPOT_DIGEST_LEN + 1];
    struct depot_definition d = {0};
    adds(&source, 1, "local://context");
    adds(&attr, 1, "local.session");
    adds(&attr, 2, session);
    add_buf(&source, 2, &attr);
    add_op(&def, 3, NULL, NULL, &source, context);
    adds(&in, 1, context);
    add_number(&in, 2, index);
    add_buf(&op, 1, &in);
    add_buf(&op, 2, &run);
    add_buf(&def, 1, &op);
    assert_int_equal(depot_definition_decode(def.data, def.len, &d, NULL), 0);
    depot_definition_ids(&d, ids);
    depot_definition_release(&d);
    depot_buf_release(&def);
}

static void test_ids__are_the_same_in_every_session(void **state)
{
    (void)state;
    depot_step_id one[2], two[2], other[2];
    ids_of("first", 0, one);
    ids_of("second", 0, two);
    ids_of("second", 1, other);
    assert_int_equal(strlen(one[0]), DEPOT_STEP_ID_LEN);
    assert_string_not_equal(one[0], one[1]);
    assert_string_equal(one[0], two[0]);
    assert_string_equal(one[1], two[1]);
    assert_string_equal(two[0], other[0]);
    assert_string_not_equal(two[1], other[1]);
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
        cmocka_unit_test(test_ids__are_the_same_in_every_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
