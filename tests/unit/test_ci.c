/*
 * CI systems: which one it is, what is said to it, and that nobody else is taken for us.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ci/ci_priv.h"

static const char *const variables[] = {"GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "TF_BUILD",
    "TEAMCITY_VERSION", "CIRCLECI", "DRONE", "TRAVIS", "APPVEYOR", "BITBUCKET_BUILD_NUMBER",
    "CODEBUILD_BUILD_ID", "JENKINS_URL", "SEMAPHORE", "CIRRUS_CI", "bamboo_buildKey", "CI",
    "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "CI_JOB_URL", "BUILD_URL",
    "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL", "DRONE_BUILD_LINK", "TRAVIS_BUILD_WEB_URL",
    "CI_PIPELINE_URL", "SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECT", "BUILD_BUILDID"};

static int clear_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(variables); i++)
        unsetenv(variables[i]);
    return 0;
}

/* The system that one variable makes known. */
static const struct depot_ci *in(const char *variable)
{
    clear_environment(NULL);
    setenv(variable, "true", 1);
    return depot_ci_detect();
}

static void test_detect__by_variable(void **state)
{
    static const struct {
        const char *variable, *value, *name;
    } rows[] = {
        {"GITHUB_ACTIONS", "true", "GitHub Actions"},
        {"GITLAB_CI", "true", "GitLab CI"},
        {"BUILDKITE", "true", "Buildkite"},
        {"TF_BUILD", "True", "Azure Pipelines"},
        {"JENKINS_URL", "https://j/", "Jenkins"},
        {"CI", "woodpecker", "Woodpecker"},
        {"CI", "true", "CI"},
        {"CI", "1", "CI"},
        {"CI", "false", NULL},
        {"CI", "0", NULL},
        {"CI", "", NULL},
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        const struct depot_ci *ci;

        clear_environment(NULL);
        setenv(rows[i].variable, rows[i].value, 1);
        ci = depot_ci_detect();
        if (rows[i].name)
            assert_string_equal(ci->name, rows[i].name);
        else
            assert_null(ci);
    }
    clear_environment(NULL);
    assert_null(depot_ci_detect());
}

static void test_detect__known_system_before_plain_ci(void **state)
{
    (void)state;
    setenv("CI", "true", 1);
    setenv("GITLAB_CI", "true", 1);
    assert_string_equal(depot_ci_detect()->name, "GitLab CI");
}

static void test_url(void **state)
{
    char *url;

    (void)state;
    assert_null(depot_ci_url());
    setenv("GITHUB_SERVER_URL", "https://github.com", 1);
    setenv("GITHUB_REPOSITORY", "a/b", 1);
    assert_null(depot_ci_url());
    setenv("GITHUB_RUN_ID", "7", 1);
    url = depot_ci_url();
    assert_string_equal(url, "https://github.com/a/b/actions/runs/7");
    depot_free(url);
    clear_environment(NULL);
    setenv("SYSTEM_COLLECTIONURI", "https://dev.azure.com/o/", 1);
    setenv("SYSTEM_TEAMPROJECT", "p", 1);
    setenv("BUILD_BUILDID", "9", 1);
    url = depot_ci_url();
    assert_string_equal(url, "https://dev.azure.com/o/p/_build/results?buildId=9");
    depot_free(url);
    clear_environment(NULL);
    setenv("BUILD_URL", "https://jenkins/1", 1);
    url = depot_ci_url();
    assert_string_equal(url, "https://jenkins/1");
    depot_free(url);
}

/* ---- the guard ---- */

static void check_guard(const struct depot_ci *ci, bool json, const char *text, const char *want)
{
    struct depot_buf whole = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_buf bytes = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_guard a, b;

    depot_guard_init(&a, ci, json);
    depot_guard_init(&b, ci, json);
    depot_guard_feed(&a, &whole, text, strlen(text));
    for (const char *p = text; *p; p++)
        depot_guard_feed(&b, &bytes, p, 1);
    assert_string_equal(depot_buf_str(&whole), want);
    assert_string_equal(depot_buf_str(&bytes), want);
    depot_buf_release(&whole);
    depot_buf_release(&bytes);
}

static void test_guard__each_system(void **state)
{
    static const struct {
        const char *variable, *text, *want;
    } rows[] = {
        /* GitHub: at the start of a line behind blanks; the old form anywhere. */
        {"GITHUB_ACTIONS", "::set-output name=x::y\n", ":\\:set-output name=x::y\n"},
        {"GITHUB_ACTIONS", " \t::error::x", " \t:\\:error::x"},
        {"GITHUB_ACTIONS", "\302\240::error::x", "\302\240:\\:error::x"},
        {"GITHUB_ACTIONS", "#7 0.1 ::error::x\n", "#7 0.1 ::error::x\n"},
        {"GITHUB_ACTIONS", "#7 0.1 x\r::error::y\n", "#7 0.1 x\r:\\:error::y\n"},
        {"GITHUB_ACTIONS", "a ##[add-mask]b", "a ##\\[add-mask]b"},
        {"GITHUB_ACTIONS", "std::string f::g", "std::string f::g"},
        {"GITHUB_ACTIONS", "\033[1m::group::x", "\033[1m:\\:group::x"},
        {"GITHUB_ACTIONS", ":\033[1m:group::x", ":\033[1m\\:group::x"},
        /* Azure: anywhere, whatever the case. */
        {"TF_BUILD", "#7 0.1 ##vso[task.setvariable variable=a]b",
            "#7 0.1 ##vso\\[task.setvariable variable=a]b"},
        {"TF_BUILD", "##VSO[x.y]", "##VSO\\[x.y]"},
        {"TF_BUILD", "####vso[x.y]", "####vso\\[x.y]"},
        {"TF_BUILD", "##[error]x", "##\\[error]x"},
        {"TF_BUILD", "##\033[31mvso[x.y]", "##\033[31mvso\\[x.y]"},
        {"TF_BUILD", "::error::x", "::error::x"},
        /* GitLab: no section, and no escape that could begin one. */
        {"GITLAB_CI", "x section_start:1:a\r\033[0Kb", "x section_start:\\1:a\rb"},
        {"GITLAB_CI", "section_end:12:a", "section_end:\\12:a"},
        {"GITLAB_CI", "the section_start: of", "the section_start: of"},
        {"GITLAB_CI", "\033[32mgreen\033[0m \033[2Kx\033]0;t\007y", "\033[32mgreen\033[0m xy"},
        /* Buildkite: at the start of a line, colours looked through. */
        {"BUILDKITE", "--- a\n+++ b\n~~~\tc\n", "---\\ a\n+++\\ b\n~~~\\\tc\n"},
        {"BUILDKITE", "^^^ +++\n", "^^^ ++\\+\n"},
        {"BUILDKITE", "------\n > x\n", "------\n > x\n"},
        {"BUILDKITE", "\033[1m---\033[0m a", "\033[1m---\033[0m\\ a"},
        {"BUILDKITE", "#7 0.1 --- a", "#7 0.1 --- a"},
        {"BUILDKITE", "#7 0.1 x\033[1G--- a\033_bk;t=1\007b\033]1338;url=x\007c",
            "#7 0.1 x--- abc"},
        {"TEAMCITY_VERSION", "##teamcity[x]", "##teamcity\\[x]"},
        /* Those that read no commands get every byte. */
        {"JENKINS_URL", "::x ##[y] \033[2K\r--- z", "::x ##[y] \033[2K\r--- z"},
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        check_guard(in(rows[i].variable), false, rows[i].text, rows[i].want);
    check_guard(NULL, false, "::x\033[2K", "::x\033[2K");
}

static void test_guard__broken_sequences(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"\033", ""},
        {"\033[31", ""},
        {"\033[3\033[32mx", "\033[32mx"},
        {"\033[?25lx", "x"},
        {"\033[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1mx", "x"},
        {"\033]never ends\n::error::x", "\n:\\:error::x"},
        {"\033(Bx", "x"},
        {"\033P1\033\\x", "x"},
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        check_guard(in("GITHUB_ACTIONS"), false, rows[i].text, rows[i].want);
}

static void test_guard__json_means_the_same(void **state)
{
    (void)state;
    check_guard(in("TF_BUILD"), true, "{\"name\":\"##vso[task.complete]\"}\n",
        "{\"name\":\"##vso\\u005btask.complete]\"}\n");
    check_guard(
        in("GITLAB_CI"), true, "{\"a\":\"section_end:1:x\"}", "{\"a\":\"section_end:\\u0031:x\"}");
}

/* ---- commands ---- */

static void check_note(const char *variable, const struct depot_ci_note *note, const char *want)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    depot_ci_put_note(&out, in(variable), note);
    assert_string_equal(depot_buf_str(&out), want);
    depot_buf_release(&out);
}

static void test_note__escapes(void **state)
{
    const struct depot_ci_note note = {.level = DEPOT_CI_ERROR,
        .file = "a,b:c;d]e%f",
        .line = 3,
        .end_line = 5,
        .title = "t: \n1",
        .text = "100%\r\nx ##vso[a.b]c\033[1m"};
    const struct depot_ci_note bare = {.level = DEPOT_CI_WARNING, .text = NULL};

    (void)state;
    check_note("GITHUB_ACTIONS", &note,
        "::error file=a%2Cb%3Ac;d]e%25f,line=3,endLine=5,title=t%3A %0A1::100%25%0D%0Ax "
        "##vso[a.b]c[1m\n");
    check_note("TF_BUILD", &note,
        "##vso[task.logissue type=error;sourcepath=a,b:c%3Bd%5De%AZP25f;linenumber=3;code=t: "
        "%0A1]100%AZP25%0D%0Ax ##vso\\[a.b]c[1m\n");
    check_note("GITHUB_ACTIONS", &bare, "::warning::\n");
    check_note("TF_BUILD", &bare, "##vso[task.logissue type=warning]\n");
    check_note("GITLAB_CI", &note, "");
    check_note("CI", &note, "");
}

static void test_group(void **state)
{
    static const struct {
        const char *variable, *want;
    } rows[] = {
        {"GITHUB_ACTIONS", "::group::[1/2] RUN a%25b\n::endgroup::\n"},
        {"TF_BUILD", "##[group][1/2] RUN a%AZP25b\n##[endgroup]\n"},
        {"GITLAB_CI", "\033[0Ksection_start:7:k_1[collapsed=true]\r\033[0K[1/2] RUN a%b\n"
                      "\033[0Ksection_end:9:k_1\r\033[0K\n"},
        {"BUILDKITE", "--- [1/2] RUN a%b\n"},
        {"JENKINS_URL", ""},
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        const struct depot_ci *ci = in(rows[i].variable);

        depot_ci_put_group(&out, ci, "[1/2] RUN a%b\nsecond line", "k_1", 7);
        depot_ci_put_group_end(&out, ci, "k_1", 9);
        assert_string_equal(depot_buf_str(&out), rows[i].want);
        assert_int_equal(depot_ci_has_groups(ci), rows[i].want[0] != '\0');
        depot_buf_release(&out);
    }
}

static void test_report__only_into_a_file(void **state)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_error err = {0};
    const struct depot_ci *ci = in("GITHUB_ACTIONS");

    (void)state;
    setenv("GITHUB_STEP_SUMMARY", "/", 1);
    assert_int_not_equal(depot_ci_report(ci, "x", "id", DEPOT_CI_GOOD, &out, &err), 0);
    setenv("GITHUB_STEP_SUMMARY", "", 1);
    assert_int_equal(depot_ci_report(ci, "x", "id", DEPOT_CI_GOOD, &out, &err), 0);
    assert_int_equal(depot_ci_report(in("CI"), "x", "id", DEPOT_CI_GOOD, &out, &err), 0);
    assert_int_equal(depot_ci_report(NULL, "x", "id", DEPOT_CI_GOOD, &out, &err), 0);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_detect__by_variable, clear_environment),
        cmocka_unit_test_setup(test_detect__known_system_before_plain_ci, clear_environment),
        cmocka_unit_test_setup(test_url, clear_environment),
        cmocka_unit_test_setup(test_guard__each_system, clear_environment),
        cmocka_unit_test_setup(test_guard__broken_sequences, clear_environment),
        cmocka_unit_test_setup(test_guard__json_means_the_same, clear_environment),
        cmocka_unit_test_setup(test_note__escapes, clear_environment),
        cmocka_unit_test_setup(test_group, clear_environment),
        cmocka_unit_test_setup(test_report__only_into_a_file, clear_environment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
