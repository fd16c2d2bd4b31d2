/*
 * core/build/call.c: the flag --call, and what is printed of a frontend's answer. That the texts
 * are buildx's is tested beside buildx; here are the answers that no good frontend gives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "build/plan.h"

/* ---- the flag ---- */
static void test_call__the_flag(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        const char *method; /* NULL: a build */
        int rc;
        bool json, ignore_status;
    } rows[] = {
        {"check", "lint", 0, false, false},
        {"lint", "lint", 0, false, false},
        {"build", NULL, 0, false, false},
        {"", NULL, 0, false, false},
        {"outline,format=json", "outline", 0, true, false},
        {"format=json,targets,ignorestatus=1", "targets", 0, true, true},
        {"targets,format=text,ignorestatus=F", "targets", 0, false, false},
        {"subrequests.describe", "subrequests.describe", 0, false, false},
        {"lint,format=xml", NULL, DEPOT_ERR_INVALID, false, false},
        {"lint,ignorestatus=maybe", NULL, DEPOT_ERR_INVALID, false, false},
        {"lint,outline", NULL, DEPOT_ERR_INVALID, false, false},
        {"lint,other=x", NULL, DEPOT_ERR_INVALID, false, false},
        {"format=json", NULL, DEPOT_ERR_INVALID, false, false},
        {",", NULL, DEPOT_ERR_INVALID, false, false},
        {"a b", NULL, DEPOT_ERR_INVALID, false, false},
        {"\"lint", NULL, DEPOT_ERR_INVALID, false, false},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_build_args args = {.call = (char *)rows[i].spec};
        struct depot_build_plan p = {.args = &args};
        struct depot_error err = {0};
        print_message("  %s\n", rows[i].spec);
        assert_int_equal(dp_plan_call(&p, &err), rows[i].rc);
        if (rows[i].rc == 0) {
            assert_int_equal(depot_build_is_call(&p), rows[i].method != NULL);
            if (rows[i].method != NULL)
                assert_string_equal(p.call.method, rows[i].method);
            assert_int_equal(p.call.json, rows[i].json);
            assert_int_equal(p.call.ignore_status, rows[i].ignore_status);
        } else {
            assert_non_null(strstr(err.msg, "--call"));
        }
        depot_free(p.call.method);
    }
}

static void test_call__attributes_and_the_name_of_the_dockerfile(void **state)
{
    (void)state;
    static const struct {
        const char *context, *file, *name;
    } rows[] = {
        {".", NULL, "Dockerfile"},
        {"./a//b/.", NULL, "a/b/Dockerfile"},
        {"/src/", NULL, "/src/Dockerfile"},
        {"..", NULL, "../Dockerfile"},
        {"a", "b/D", "b/D"},
        {"a", "-", "stdin"},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_build_args args = {
            .context = (char *)rows[i].context, .file = (char *)rows[i].file};
        struct depot_build_plan p = {.args = &args, .call = {.method = depot_strdup("lint")}};
        depot_kvs_set(&p.attrs, "frontend.caps", "other");
        dp_plan_call_attrs(&p);
        assert_string_equal(p.call.file, rows[i].name);
        assert_string_equal(depot_kvs_get(&p.attrs, "requestid"), "frontend.lint");
        assert_string_equal(depot_kvs_get(&p.attrs, "frontend.caps"),
            "other,moby.buildkit.frontend.subrequests+forward");
        depot_kvs_release(&p.attrs);
        depot_free(p.call.method);
        depot_free(p.call.file);
    }
}

/* ---- the answer ---- */
struct row {
    const char *what, *method, *json, *text, *code;
    const char *out;     /* NULL: an error */
    const char *problem; /* "": none */
    int status;
};

#define LINES "\"filename\":\"F\",\"data\":\"b25lCnR3bwp0aHJlZQ==\"" /* one, two, three */

static const struct row rows[] = {
    {"a text", "outline", NULL, "the text\n", "0", "the text\n", "", 0},
    {"a status", "other", NULL, "x", "7", "x", "", 7},
    {"a status that is none", "other", NULL, "x", "-7", "x", "", 0},
    {"no answer", "outline", "{}", NULL, NULL, NULL, "", 0},
    {"lint without JSON", "lint", NULL, "text", NULL, NULL, "", 0},
    {"no JSON at all", "lint", "nothing", NULL, NULL, NULL, "", 0},
    {"a list", "lint", "[]", NULL, NULL, NULL, "", 0},
    {"nothing found", "lint", "{}", NULL, "0", "Check complete, no warnings found.\n", "", 0},
    {"no place", "lint", "{\"warnings\":[{\"ruleName\":\"R\",\"detail\":\"d\"}]}", NULL, "1",
        "Check complete, 1 warning has been found!\n\nWARNING: R\nd\n", "", 1},
    {"a source that is not there", "lint",
        "{\"warnings\":[{\"ruleName\":\"R\",\"detail\":\"d\",\"location\":{\"sourceIndex\":5,"
        "\"ranges\":[{\"start\":{\"line\":1}}]}}],\"sources\":[]}",
        NULL, "1", "Check complete, 1 warning has been found!\n\nWARNING: R\nd\n", "", 1},
    {"a line that is not there", "lint",
        "{\"warnings\":[{\"ruleName\":\"R\",\"detail\":\"d\",\"location\":{\"ranges\":[{\"start\":"
        "{\"line\":9}}]}}],\"sources\":[{" LINES "}]}",
        NULL, "1", "Check complete, 1 warning has been found!\n\nWARNING: R\nd\n", "", 1},
    {"base64 that is none", "lint",
        "{\"warnings\":[{\"ruleName\":\"R\",\"detail\":\"d\",\"location\":{\"ranges\":[{\"start\":"
        "{\"line\":1}}]}}],\"sources\":[{\"data\":\"***\"}]}",
        NULL, "1", "Check complete, 1 warning has been found!\n\nWARNING: R\nd\n", "", 1},
    {"by line, and those of one line as told", "lint",
        "{\"warnings\":["
        "{\"ruleName\":\"B\",\"detail\":\"b\",\"url\":\"u\",\"location\":{\"ranges\":[{\"start\":"
        "{\"line\":3},\"end\":{\"line\":900}}]}},"
        "{\"ruleName\":\"A\",\"detail\":\"a\",\"location\":{\"ranges\":[{\"start\":{\"line\":1}}]}}"
        "],\"sources\":[{" LINES "}]}",
        NULL, "1",
        "Check complete, 2 warnings have been found!\n"
        "\nWARNING: A\na\nD:1\n--------------------\n   1 | >>> one\n   2 |     two\n"
        "   3 |     three\n--------------------\n"
        "\nWARNING: B - u\nb\nD:3\n--------------------\n   1 |     one\n   2 |     two\n"
        "   3 | >>> three\n--------------------\n",
        "", 1},
    {"what stands in the way", "lint",
        "{\"buildError\":{\"message\":\"m\",\"location\":{\"ranges\":[{\"start\":{\"line\":2}}]}},"
        "\"sources\":[{" LINES "}]}",
        NULL, "0", "",
        "m\nD:2\n--------------------\n   1 |     one\n   2 | >>> two\n   3 |     three\n"
        "--------------------\n",
        1},
};

static struct depot_build *build_with(const struct row *row)
{
    struct depot_build *b = depot_build_new(NULL);
    struct depot_pair pairs[3];
    size_t n = 0;
    if (row->json != NULL)
        pairs[n++] = (struct depot_pair){"result.json", row->json};
    if (row->text != NULL)
        pairs[n++] = (struct depot_pair){"result.txt", row->text};
    if (row->code != NULL)
        pairs[n++] = (struct depot_pair){"result.statuscode", row->code};
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_RESULT, .build = "b"};
    ev.u.result = (struct depot_ev_result){.platform = "linux/amd64",
        .builder = "x",
        .state = DEPOT_BUILD_SUCCEEDED,
        .response = pairs,
        .nresponse = n};
    depot_build_apply(b, &ev);
    return b;
}

static void test_call__answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_build *b = build_with(&rows[i]);
        struct depot_build_plan p = {
            .call = {.method = (char *)rows[i].method, .file = (char *)"D"}};
        struct depot_call_result r = {0};
        struct depot_error err = {0};
        print_message("  %s\n", rows[i].what);
        int rc = depot_build_call_result(&p, b, &r, &err);
        if (rows[i].out == NULL) {
            assert_true(rc < 0);
            assert_true(err.msg[0] != '\0');
        } else {
            assert_int_equal(rc, 0);
            assert_string_equal(depot_buf_str(&r.text), rows[i].out);
            assert_string_equal(depot_buf_str(&r.problem), rows[i].problem);
            assert_int_equal(r.status, rows[i].status);
        }
        depot_call_result_release(&r);
        depot_build_free(b);
    }
}

static void test_call__json_is_passed_on(void **state)
{
    (void)state;
    struct row row = {.json = "{\n  \"warnings\": [{}]\n}", .code = "1"};
    struct depot_build *b = build_with(&row);
    struct depot_build_plan p = {
        .call = {
            .method = (char *)"lint", .file = (char *)"D", .json = true, .ignore_status = true}};
    struct depot_call_result r = {0};
    assert_int_equal(depot_build_call_result(&p, b, &r, NULL), 0);
    assert_string_equal(depot_buf_str(&r.text), "{\n  \"warnings\": [{}]\n}\n");
    assert_int_equal(r.status, 0);
    depot_call_result_release(&r);
    depot_build_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call__the_flag),
        cmocka_unit_test(test_call__attributes_and_the_name_of_the_dockerfile),
        cmocka_unit_test(test_call__answers),
        cmocka_unit_test(test_call__json_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
