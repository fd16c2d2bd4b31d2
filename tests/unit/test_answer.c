/*
 * Questions and answers as JSON, both ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <depot/answer.h>
#include <depot/wire.h>

static void test_question__says_what_is_set(void **state)
{
    const struct depot_question q = {
        .ask = DEPOT_ASK_PRUNE, .builder = "a\"b", .all = true, .keep_bytes = 5};
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    (void)state;
    depot_question_encode(&out, &q);
    assert_string_equal(depot_buf_str(&out),
        "{\"op\":\"prune\",\"builder\":\"a\\\"b\",\"all\":true,\"keep_bytes\":5,\"keep_hours\":0,"
        "\"limit\":0}");
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

static void test_answer__comes_back_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(whole); i++) {
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        struct depot_error err = {0};
        struct depot_answer a;
        if (depot_answer_decode(whole[i], strlen(whole[i]), &a, &err) != 0)
            fail_msg("%s", err.msg);
        depot_answer_encode(&out, &a, true);
        assert_string_equal(depot_buf_str(&out), whole[i]);
        depot_answer_release(&a);
        depot_buf_release(&out);
    }
}

static void test_answer__cut_anywhere_is_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(whole); i++) {
        for (size_t n = 0; n < strlen(whole[i]); n++) {
            struct depot_answer a;
            struct depot_error err = {0};
            assert_true(depot_answer_decode(whole[i], n, &a, &err) < 0);
        }
    }
}

static void test_answer__refuses_what_is_none(void **state)
{
    static const char *const rows[] = {"", "[]", "null", "{}", "{\"op\":1}", "{\"op\":\"created\"}",
        "{\"op\":\"cache\",\"builders\":{}}", "{\"op\":\"cache\",\"builders\":[1]}",
        "{\"op\":\"estimates\",\"steps\":[{\"ordinal\":\"2\"}]}",
        "{\"op\":\"builds\",\"builds\":[{\"state\":\"odd\"}]}"};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_answer a;
        struct depot_error err = {0};
        assert_int_equal(
            depot_answer_decode(rows[i], strlen(rows[i]), &a, &err), DEPOT_ERR_INVALID);
        assert_true(err.msg[0] != '\0');
    }
}

static void test_answer__leaves_unknown_what_is_not_said(void **state)
{
    static const char text[] =
        "{\"op\":\"cache\",\"more\":[],\"builders\":[{\"builder\":\"one\"}]}";
    struct depot_answer a;
    struct depot_error err = {0};
    (void)state;
    assert_int_equal(depot_answer_decode(text, strlen(text), &a, &err), 0);
    assert_int_equal(a.u.cache.nbuilders, 1);
    assert_int_equal(a.u.cache.builders[0].limit, -1);
    assert_null(a.u.cache.builders[0].error);
    depot_answer_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_question__says_what_is_set),
        cmocka_unit_test(test_answer__comes_back_as_it_was),
        cmocka_unit_test(test_answer__cut_anywhere_is_an_error),
        cmocka_unit_test(test_answer__refuses_what_is_none),
        cmocka_unit_test(test_answer__leaves_unknown_what_is_not_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
