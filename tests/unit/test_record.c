/*
 * Records by their tables: what is read, what is refused and with which words, copies. That every
 * table can do it is for fuzz_record.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <locale.h>
#include <string.h>

#include <cmocka.h>

#include <depot/query.h>

static int decode(const struct depot_record *r, const char *json, void *rec,
    struct depot_arena *arena, struct depot_error *err)
{
    return depot_record_decode(r, json, strlen(json), rec, arena, err);
}

/* As it is written by others: any order, spaces, members nobody knows, numbers with a point. */
static void test_record__reads_what_others_write(void **state)
{
    static const char json[] = " { \"bytes\" : 7.0 , \"new\" : { \"a\" : [ { } ] } ,\n"
                               "\"changed\":[\"\\u0061\"],\"files\":1e2,\"platform\":null}";
    struct depot_ev_context c = {0};
    struct depot_arena arena = {0};
    (void)state;
    assert_int_equal(decode(&depot_record_context, json, &c, &arena, NULL), 0);
    assert_int_equal(c.bytes, 7);
    assert_int_equal(c.files, 100);
    assert_string_equal(c.changed[0], "a");
    assert_null(c.platform);
    depot_arena_release(&arena);
}

static void test_record__names_the_path_of_what_is_wrong(void **state)
{
    static const struct {
        const char *json, *error;
    } rows[] = {
        {"", "it ends early at byte 1"},
        {"{\"id\":\"a\"", "the list of builds is not JSON"},
        {"[]", "the list of builds must be a JSON object"},
        {"{} x", "something follows"},
        {"{\"builds\":{}}", "field \"builds\" must be a list of objects"},
        {"{\"builds\":[{},7]}", "field \"builds[1]\" must be an object"},
        {"{\"builds\":[{\"id\":1}]}", "field \"builds[0].id\" must be a string"},
        {"{\"builds\":[{\"seq\":-1}]}", "field \"builds[0].seq\" must be a whole number"},
        {"{\"builds\":[{\"duration_ms\":1.5}]}", "\"builds[0].duration_ms\" must be a whole"},
        {"{\"builds\":[{\"created\":\"now\"}]}", "field \"builds[0].created\" must be a time"},
        {"{\"builds\":[{\"state\":\"odd\"}]}", "\"builds[0].state\" must be the name of a state"},
        {"{\"builds\":[{\"tags\":[\"a\",null]}]}", "field \"builds[0].tags[1]\" must be a string"},
        {"{\"builds\":[{\"source\":{\"dirty\":1}}]}",
            "field \"builds[0].source.dirty\" must be true or false"},
        {"{\"builds\":[{\"counts\":{\"hit\":9e12}}]}", "\"builds[0].counts.hit\" must be a whole"},
        {"{\"builds\":[{\"counts\":{\"hit\":99999999999999999999}}]}", "\"builds[0].counts.hit\""},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_builds list = {.nbuilds = 77};
        struct depot_arena arena = {0};
        struct depot_error err = {0};
        assert_int_equal(
            decode(&depot_record_builds, rows[i].json, &list, &arena, &err), DEPOT_ERR_INVALID);
        if (strstr(err.msg, rows[i].error) == NULL)
            fail_msg("%s: got \"%s\"", rows[i].json, err.msg);
        assert_int_equal(list.nbuilds, 77);
        depot_arena_release(&arena);
    }
}

static void test_record__holds_its_ceilings(void **state)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_caches caches;
    struct depot_arena arena = {0};
    struct depot_error err = {0};
    (void)state;
    depot_buf_adds(&b, "{\"builders\":[{}");
    for (int i = 0; i < DEPOT_RECORD_ITEMS_MAX; i++)
        depot_buf_adds(&b, ",{}");
    depot_buf_adds(&b, "]}");
    assert_int_equal(
        decode(&depot_record_builders, b.data, &(struct depot_builders){0}, &arena, &err),
        DEPOT_ERR_TOO_BIG);
    depot_buf_clear(&b);
    depot_buf_addf(&b, "{%*s}", DEPOT_ANSWER_MAX, "");
    assert_int_equal(
        decode(depot_record_of_response(DEPOT_QUERY_CACHE), b.data, &caches, &arena, &err),
        DEPOT_ERR_TOO_BIG);
    depot_buf_release(&b);
    depot_arena_release(&arena);
}

static void test_record__numbers_know_no_locale(void **state)
{
    static const struct {
        const char *json;
        double value;
    } rows[] = {{"0", 0}, {"0.25", 0.25}, {"1", 1}, {"-1.5", -1.5}, {"0.1", 0.1}, {"1e-3", 0.001},
        {"2.5E+2", 250}, {"123456789012345678901", 123456789012345678901.0},
        {"0.12345678901234567", 0.12345678901234567}, {"1e-999", 0}};
    (void)state;
    (void)setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed: a comma for the point */
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char *json = depot_asprintf("{\"cpu\":%s}", rows[i].json);
        struct depot_ev_builder b;
        struct depot_arena arena = {0};
        assert_int_equal(decode(&depot_record_builder, json, &b, &arena, NULL), 0);
        assert_true(b.cpu == rows[i].value);
        assert_int_equal(b.mem_used, -1);
        depot_arena_release(&arena);
        depot_free(json);
    }
    (void)setlocale(LC_ALL, "C");
}

/* Nothing of a copy is the original's. */
static void test_record__a_copy_stands_alone(void **state)
{
    static const char json[] = "{\"message\":\"m\",\"code\":2,\"ranges\":[[3,4]],\"first_line\":2,"
                               "\"lines\":[\"x\",\"y\"]}";
    struct depot_build_error from, to;
    struct depot_arena arena = {0}, own = {0};
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    (void)state;
    assert_int_equal(decode(&depot_record_build_error, json, &from, &arena, NULL), 0);
    depot_record_copy(&depot_record_build_error, &to, &from, &own);
    depot_arena_release(&arena);
    depot_record_encode(&out, &depot_record_build_error, &to);
    assert_string_equal(depot_buf_str(&out), json);
    depot_buf_release(&out);
    depot_arena_release(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record__reads_what_others_write),
        cmocka_unit_test(test_record__names_the_path_of_what_is_wrong),
        cmocka_unit_test(test_record__holds_its_ceilings),
        cmocka_unit_test(test_record__numbers_know_no_locale),
        cmocka_unit_test(test_record__a_copy_stands_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
