/*
 * Questions, answers and errors as JSON, both ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <depot/query.h>

static void test_question__says_what_is_set(void **state)
{
    const struct depot_query q = {
        .ask = DEPOT_QUERY_PRUNE, .builder = "a\"b", .all = true, .keep_bytes = 5};
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    (void)state;
    depot_record_encode(&out, &depot_record_query, &q);
    assert_string_equal(depot_buf_str(&out),
        "{\"op\":\"prune\",\"builder\":\"a\\\"b\",\"all\":true,\"keep_bytes\":5}");
    depot_buf_release(&out);
}

static const char *const whole[] = {
    "{\"op\":\"estimates\",\"build\":\"b1\",\"project\":\"web\",\"duration\":{\"median_ms\":3,"
    "\"p25_ms\":2,\"p75_ms\":4,\"runs\":9},\"steps\":[{\"platform\":\"linux/"
    "arm64\",\"stage\":\"s\","
    "\"ordinal\":2,\"text\":\"RUN x\",\"median_ms\":30,\"p25_ms\":20,\"p75_ms\":40,\"runs\":8,"
    "\"hits\":1}]}",
    "{\"op\":\"cache\",\"builders\":[{\"builder\":\"one\",\"bytes\":7,\"reclaimable\":6,\"limit\":"
    "9,"
    "\"records\":2,\"types\":[{\"type\":\"regular\",\"bytes\":7,\"reclaimable\":6,\"records\":2}],"
    "\"list\":[{\"id\":\"x\",\"description\":\"d\",\"type\":\"regular\",\"bytes\":7,"
    "\"created\":\"2026-05-04T10:11:12Z\",\"uses\":3,\"in_use\":true,\"shared\":false,"
    "\"mutable\":true}]},{\"builder\":\"two\",\"error\":\"down\",\"bytes\":0,\"reclaimable\":0,"
    "\"records\":0,\"types\":[],\"list\":[]}]}",
    "{\"op\":\"prune\",\"builders\":[{\"builder\":\"one\",\"freed\":70,\"records\":1}]}",
    ("{\"op\":\"provenance\",\"builder\":\"one\",\"list\":[{\"platform\":\"\",\"type\":\"t\","
     "\"predicate\":\"{\\\"a\\\":1}\"}]}"),
    "{\"op\":\"provenance\",\"builder\":\"one\",\"error\":\"it is down\",\"list\":[]}",
};

/* The first version has the members around its `op`, the second a `result`. */
static int decode(const char *json, size_t n, struct depot_response *a, struct depot_error *err)
{
    for (int ask = 0; ask < DEPOT_QUERY_CREATE; ask++) {
        char head[64];
        snprintf(head, sizeof(head), "{\"op\":\"%s\"",
            depot_query_kind_name((enum depot_query_kind)ask));
        if (strncmp(json, head, strlen(head)) == 0)
            return depot_response_decode(
                json, n, DEPOT_FEED_V1, (enum depot_query_kind)ask, a, err);
    }
    fail_msg("%s", json);
    return -1;
}

static void test_answer__comes_back_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(whole); i++) {
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        struct depot_error err = {0};
        struct depot_response a, again;
        if (decode(whole[i], strlen(whole[i]), &a, &err) != 0)
            fail_msg("%s", err.msg);
        const struct depot_query q = {.ask = a.ask, .id = 9};
        depot_response_encode(&out, DEPOT_FEED_V1, &q, &a, NULL);
        assert_string_equal(depot_buf_str(&out), whole[i]);
        depot_buf_clear(&out);
        depot_response_encode(&out, DEPOT_FEED_V2, &q, &a, NULL);
        assert_true(depot_str_starts(out.data, "{\"id\":9,\"result\":{"));
        const size_t head = strlen("{\"id\":9,\"result\":");
        assert_int_equal(depot_response_decode(out.data + head, out.len - head - 1, DEPOT_FEED_V2,
                             a.ask, &again, &err),
            0);
        depot_response_release(&again);
        depot_response_release(&a);
        depot_buf_release(&out);
    }
}

static void test_answer__cut_anywhere_is_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(whole); i++) {
        for (size_t n = 0; n < strlen(whole[i]); n++) {
            struct depot_response a;
            struct depot_error err = {0};
            assert_true(decode(whole[i], n, &a, &err) < 0);
        }
    }
}

static void test_answer__refuses_what_is_none(void **state)
{
    static const struct {
        enum depot_query_kind ask;
        const char *json;
    } rows[] = {{DEPOT_QUERY_CACHE, ""}, {DEPOT_QUERY_CACHE, "[]"}, {DEPOT_QUERY_CACHE, "null"},
        {DEPOT_QUERY_CACHE, "{\"builders\":{}}"}, {DEPOT_QUERY_CACHE, "{\"builders\":[1]}"},
        {DEPOT_QUERY_ESTIMATES, "{\"steps\":[{\"ordinal\":\"2\"}]}"},
        {DEPOT_QUERY_BUILDS, "{\"builds\":[{\"state\":\"odd\"}]}"},
        {DEPOT_QUERY_CREATE, "{\"id\":7}"}, {DEPOT_QUERY_CANCEL, "[]"}};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_response a;
        struct depot_error err = {0};
        assert_int_equal(depot_response_decode(rows[i].json, strlen(rows[i].json), DEPOT_FEED_V2,
                             rows[i].ask, &a, &err),
            DEPOT_ERR_INVALID);
        assert_true(err.msg[0] != '\0');
    }
}

static void test_answer__leaves_unknown_what_is_not_said(void **state)
{
    static const char text[] = "{\"more\":[],\"builders\":[{\"builder\":\"one\"}]}";
    struct depot_response a;
    struct depot_error err = {0};
    (void)state;
    assert_int_equal(
        depot_response_decode(text, strlen(text), DEPOT_FEED_V2, DEPOT_QUERY_CACHE, &a, &err), 0);
    assert_int_equal(a.u.cache.nbuilders, 1);
    assert_int_equal(a.u.cache.builders[0].limit, -1);
    assert_null(a.u.cache.builders[0].error);
    depot_response_release(&a);
}

/* Every code there is comes out as it went in, and with it the texts. */
static void test_error__codes_survive_the_wire(void **state)
{
    static const enum depot_err codes[] = {
#define CODE_ROW(id, value, name, text) DEPOT_ERR_##id,
        DEPOT_ERRORS(CODE_ROW)
#undef CODE_ROW
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(codes); i++) {
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        struct depot_arena arena = {0};
        struct depot_error said = {0}, heard = {0};
        depot_error_set(&said, codes[i], "what \"and\" where");
        depot_error_hint(&said, "what to do");
        depot_record_encode(&out, &depot_record_error, &said);
        assert_int_equal(
            depot_record_decode(&depot_record_error, out.data, out.len, &heard, &arena, NULL), 0);
        assert_int_equal(heard.code, codes[i]);
        assert_string_equal(heard.msg, said.msg);
        assert_string_equal(heard.hint, said.hint);
        depot_arena_release(&arena);
        depot_buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_question__says_what_is_set),
        cmocka_unit_test(test_answer__comes_back_as_it_was),
        cmocka_unit_test(test_answer__cut_anywhere_is_an_error),
        cmocka_unit_test(test_answer__refuses_what_is_none),
        cmocka_unit_test(test_answer__leaves_unknown_what_is_not_said),
        cmocka_unit_test(test_error__codes_survive_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
