/*
 * The body of POST /v1/builds: what is taken, and what is refused with which words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <depot/buf.h>

#include "builder/build/request.h"

static int request_parse(const char *json, size_t n, struct depot_build_request *out,
    struct depot_arena *arena, struct depot_error *err)
{
    int rc = depot_record_decode(&depot_record_build_request, json, n, out, arena, err);
    return rc == 0 ? request_check(out, arena, err) : rc;
}

static void test_request__takes_every_field(void **state)
{
    static const char json[] =
        "{\"project\":\"web\",\"command\":\"depot build .\",\"target\":\"t\",\"tags\":[\"app:1\","
        "\"app:2\"],\"platforms\":[\"linux/amd64\",\"arm64\",\"linux/arm64/v8\"],\"source\":{"
        "\"remote\":\"r\",\"commit\":\"c\",\"branch\":\"b\",\"dirty\":true},\"user\":\"ann\","
        "\"host\":\"laptop\",\"ci\":{\"url\":\"https://ci\"},\"single_builder\":true,\"detach\":"
        "true,\"session\":{\"shared_key\":\"web:/src\",\"methods\":[\"/a.B/C\"]},\"solve\":{"
        "\"frontend\":\"dockerfile.v0\",\"attrs\":{\"filename\":\"Dockerfile\",\"build-arg:A\":"
        "\"1\"},\"exports\":[{\"type\":\"local\",\"attrs\":{}},{\"type\":\"image\",\"attrs\":{"
        "\"name\":\"x\"},\"load\":true}],\"cache_exports\":[{\"type\":\"inline\"}],"
        "\"entitlements\":["
        "\"network.host\"],\"default_image\":true},\"tomorrow\":[1,2]}\n";
    struct depot_build_request r;
    struct depot_arena arena = {0};
    struct depot_error err = {0};
    (void)state;
    assert_int_equal(request_parse(json, strlen(json), &r, &arena, &err), 0);
    assert_string_equal(r.info.project, "web");
    assert_string_equal(r.info.command, "depot build .");
    assert_string_equal(r.info.target, "t");
    assert_int_equal(r.info.ntags, 2);
    assert_int_equal(r.info.nplatforms, 2);
    assert_string_equal(r.info.platforms[1], "linux/arm64");
    assert_string_equal(r.info.remote, "r");
    assert_string_equal(r.info.commit, "c");
    assert_string_equal(r.info.branch, "b");
    assert_true(r.info.dirty);
    assert_string_equal(r.info.user, "ann");
    assert_string_equal(r.info.host, "laptop");
    assert_string_equal(r.info.ci_url, "https://ci");
    assert_true(r.single_builder);
    assert_true(r.detach);
    assert_true(r.session);
    assert_string_equal(r.shared_key, "web:/src");
    assert_string_equal(r.methods.items[0], "/a.B/C");
    assert_string_equal(r.frontend, "dockerfile.v0");
    assert_string_equal(depot_kvs_get(&r.attrs, "build-arg:A"), "1");
    assert_int_equal(r.nexports, 2);
    assert_string_equal(r.exports[1].type, "image");
    assert_string_equal(depot_kvs_get(&r.exports[1].attrs, "name"), "x");
    assert_false(r.exports[0].load);
    assert_true(r.exports[1].load);
    assert_int_equal(r.ncache_exports, 1);
    assert_string_equal(r.cache_exports[0].type, "inline");
    assert_string_equal(r.entitlements.items[0], "network.host");
    assert_true(r.default_image);
    depot_arena_release(&arena);
}

static void test_request__a_client_that_joins_needs_no_single_builder(void **state)
{
    static const struct {
        const char *fields;
        bool single;
    } rows[] = {
        {"", false},
        {"\"join\":true,", false},
        {"\"single_builder\":true,", true},
        {"\"single_builder\":true,\"join\":false,", true},
        {"\"single_builder\":true,\"join\":true,", false},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_build_request r;
        struct depot_arena arena = {0};
        struct depot_error err = {0};
        char *json =
            depot_asprintf("{%s\"platforms\":[\"linux/amd64\"],\"solve\":{}}", rows[i].fields);
        assert_int_equal(request_parse(json, strlen(json), &r, &arena, &err), 0);
        assert_int_equal(request_single(&r), rows[i].single);
        depot_arena_release(&arena);
        depot_free(json);
    }
}

static void test_request__exports_of_a_platform(void **state)
{
    static const char json[] =
        "{\"platforms\":[\"linux/amd64\",\"linux/arm64\"],\"solve\":{\"exports\":[{\"type\":"
        "\"local\"},{\"type\":\"docker\",\"platforms\":[\"arm64\"],\"load\":true}]}}";
    struct depot_build_request r;
    struct depot_arena arena = {0};
    (void)state;
    assert_int_equal(request_parse(json, strlen(json), &r, &arena, NULL), 0);
    assert_int_equal(request_exports_of(&r, "linux/amd64"), 1);
    assert_int_equal(request_exports_of(&r, "linux/arm64"), 3);
    assert_true(r.exports[1].load);
    depot_arena_release(&arena);
}

static void test_request__needs_little(void **state)
{
    static const char json[] = "{\"platforms\":[\"linux/amd64\"],\"solve\":{},\"session\":null}";
    struct depot_build_request r;
    struct depot_arena arena = {0};
    (void)state;
    assert_int_equal(request_parse(json, strlen(json), &r, &arena, NULL), 0);
    assert_false(r.session);
    assert_null(r.info.project);
    depot_arena_release(&arena);
}

#define P  "\"platforms\":[\"linux/amd64\"]"
#define PS P ",\"solve\":{}"

static const struct {
    const char *json, *error;
} bad_rows[] = {
    {"", "not JSON: it ends early"},
    {"{", "not JSON: it ends early"},
    {"[]", "must be a JSON object"},
    {"\"x\"", "must be a JSON object"},
    {"{} x", "not JSON"},
    {"{a:1}", "not JSON"},
    {"{\"a\":\"\xff\"}", "not JSON"},
    {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
        "not JSON: nested too deep"},
    {"{}", "field \"solve\" must be there"},
    {"{\"solve\":{}}", "field \"platforms\" must be a list of at least one"},
    {"{\"solve\":{},\"platforms\":[]}", "field \"platforms\" must be a list of at least one"},
    {"{\"solve\":{},\"platforms\":\"linux/amd64\"}", "\"platforms\" must be a list of strings"},
    {"{\"solve\":{},\"platforms\":[1]}", "field \"platforms[0]\" must be a string"},
    {"{\"solve\":{},\"platforms\":[\"linux/\"]}",
        "field \"platforms\": \"linux/\" is not a platform"},
    {"{\"solve\":{},\"platforms\":[\"lin ux\"]}",
        "field \"platforms\": \"lin ux\" is not a platform"},
    {"{" P ",\"solve\":1}", "field \"solve\" must be an object"},
    {"{" PS ",\"project\":1}", "field \"project\" must be a string"},
    {"{" PS ",\"project\":\"a\\u0000b\"}", "field \"project\" must be a string without NUL"},
    {"{" PS ",\"detach\":\"yes\"}", "field \"detach\" must be true or false"},
    {"{" PS ",\"source\":{\"dirty\":1}}", "field \"source.dirty\" must be true or false"},
    {"{" PS ",\"session\":true}", "field \"session\" must be an object"},
    {"{" PS ",\"session\":{\"shared_key\":\"a\\nb\"}}", "\"session.shared_key\" must be a string"},
    {"{" PS ",\"session\":{\"methods\":[\"x\"]}}", "\"session.methods\" must be a list of"},
    {"{" P ",\"solve\":{\"attrs\":{\"a\":1}}}", "field \"solve.attrs.a\" must be a string"},
    {"{" P ",\"solve\":{\"attrs\":[]}}", "field \"solve.attrs\" must be an object of strings"},
    {"{" P ",\"solve\":{\"attrs\":{\"\":\"x\"}}}", "field \"solve.attrs\" must be"},
    {"{" P ",\"solve\":{\"exports\":{}}}", "field \"solve.exports\" must be a list of objects"},
    {"{" P ",\"solve\":{\"exports\":[{\"attrs\":{}}]}}",
        "field \"solve.exports[0].type\" must be there"},
    {"{" P ",\"solve\":{\"exports\":[{\"type\":\"\"}]}}",
        "field \"solve.exports[0].type\" must be a name"},
    {"{" P ",\"solve\":{\"exports\":[{\"type\":\"a\",\"attrs\":1}]}}",
        "\"solve.exports[0].attrs\" must be"},
    {"{" P ",\"solve\":{\"exports\":[{\"type\":\"a\",\"load\":1}]}}",
        "\"solve.exports[0].load\" must be"},
    {"{" P ",\"solve\":{\"exports\":[{\"type\":\"a\",\"platforms\":1}]}}",
        "\"solve.exports[0].platforms\" must be a list"},
    {"{" P ",\"solve\":{\"exports\":[{\"type\":\"a\",\"platforms\":[\"a b\"]}]}}",
        "field \"solve.exports.platforms\": "},
    {"{" P ",\"solve\":{\"cache_exports\":[{\"type\":\"a\"},7]}}",
        "\"solve.cache_exports[1]\" must be an object"},
};

static void test_request__names_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(bad_rows); i++) {
        struct depot_build_request r;
        struct depot_arena arena = {0};
        struct depot_error err = {0};
        assert_int_equal(
            request_parse(bad_rows[i].json, strlen(bad_rows[i].json), &r, &arena, &err),
            DEPOT_ERR_INVALID);
        if (strstr(err.msg, bad_rows[i].error) == NULL)
            fail_msg("%s: got \"%s\"", bad_rows[i].json, err.msg);
        depot_arena_release(&arena);
    }
}

static void repeat(struct depot_buf *b, const char *head, const char *each, int n, const char *tail)
{
    depot_buf_adds(b, head);
    for (int i = 0; i < n; i++)
        depot_buf_addf(b, "%s%s", i > 0 ? "," : "", each);
    depot_buf_adds(b, tail);
}

static void test_request__has_ceilings(void **state)
{
    static const struct {
        const char *head, *each, *tail;
        int n;
    } rows[] = {
        {"{" PS ",\"tags\":[", "\"t\"", "]}", DEPOT_REQUEST_LIST_MAX + 1},
        {"{\"solve\":{},\"platforms\":[", "\"linux/amd64\"", "]}", 33},
        {"{" P ",\"solve\":{\"exports\":[", "{\"type\":\"a\"}", "]}}",
            DEPOT_REQUEST_EXPORTS_MAX + 1},
        {"{" P ",\"solve\":{\"cache_exports\":[", "{\"type\":\"a\"}", "]}}",
            DEPOT_REQUEST_EXPORTS_MAX + 1},
        {"{" PS ",\"tags\":[", "\"0123456789\"", "]}", DEPOT_REQUEST_MAX / 10},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        struct depot_build_request r;
        struct depot_arena arena = {0};
        struct depot_error err = {0};
        repeat(&b, rows[i].head, rows[i].each, rows[i].n, rows[i].tail);
        assert_int_equal(request_parse(b.data, b.len, &r, &arena, &err), DEPOT_ERR_TOO_BIG);
        depot_arena_release(&arena);
        depot_buf_release(&b);
    }
}

/* Every prefix of a good request is refused, and nothing is read past its end. */
static void test_request__refuses_every_prefix(void **state)
{
    static const char json[] = "{" P ",\"solve\":{\"exports\":[{\"type\":\"a\",\"attrs\":{\"b\":"
                               "\"c\"}}],\"entitlements\":[\"e\"]},\"session\":{}}";
    (void)state;
    for (size_t n = 0; n < strlen(json); n++) {
        char *copy = depot_memdup(json, n);
        struct depot_build_request r;
        struct depot_arena arena = {0};
        assert_int_equal(
            request_parse(copy != NULL ? copy : "", n, &r, &arena, NULL), DEPOT_ERR_INVALID);
        depot_arena_release(&arena);
        depot_free(copy);
    }
}

/* ---- questions ---- */
static void test_request__a_question_has_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool ok;
    } rows[] = {
        {"\"lint\"", true},
        {"\"subrequests.describe\"", true},
        {"null", true},
        {"\"\"", false},
        {"\"a b\"", false},
        {"\"../x\"", false},
        {"\"0123456789012345678901234567890123456789012345678901234567890123456789\"", false},
        {"true", false},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_build_request r = {0};
        struct depot_arena arena = {0};
        struct depot_error err = {0};
        char *json = depot_asprintf(
            "{\"platforms\":[\"linux/amd64\"],\"solve\":{},\"call\":%s}", rows[i].value);
        int rc = request_parse(json, strlen(json), &r, &arena, &err);
        assert_int_equal(rc, rows[i].ok ? 0 : DEPOT_ERR_INVALID);
        if (!rows[i].ok)
            assert_non_null(strstr(err.msg, "\"call\""));
        depot_arena_release(&arena);
        depot_free(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request__takes_every_field),
        cmocka_unit_test(test_request__exports_of_a_platform),
        cmocka_unit_test(test_request__needs_little),
        cmocka_unit_test(test_request__a_client_that_joins_needs_no_single_builder),
        cmocka_unit_test(test_request__a_question_has_a_name),
        cmocka_unit_test(test_request__names_what_is_wrong),
        cmocka_unit_test(test_request__has_ceilings),
        cmocka_unit_test(test_request__refuses_every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
