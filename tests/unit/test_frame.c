/*
 * What is printed for CI systems: the lines that frame a log, groups, annotations, the report.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <depot/render.h>
#include <depot/wire.h>

struct log {
    char *text;
    size_t len;
    struct depot_render_opts opts;
    struct depot_build *build;
    struct depot_render *render;
};

/* `variable` makes the system known; NULL: none. */
static void log_open(struct log *l, const char *variable, bool frame, bool groups)
{
    static const char *const variables[] = {"GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "TF_BUILD"};

    memset(l, 0, sizeof(*l));
    unsetenv("CI");
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(variables); i++)
        unsetenv(variables[i]);
    if (variable)
        setenv(variable, "true", 1);
    l->opts.out = open_memstream(&l->text, &l->len);
    l->opts.ci = depot_ci_detect();
    l->opts.frame = frame;
    l->opts.groups = groups;
    l->build = depot_build_new(NULL);
    assert_int_equal(depot_render_new(&l->render, "plain", l->build, &l->opts, NULL), 0);
}

static void log_close(struct log *l)
{
    depot_render_free(l->render);
    fclose(l->opts.out);
    free(l->text);
    depot_build_free(l->build);
}

/* Single quotes stand for double ones. */
static void feed(struct log *l, uint64_t now, const char *text)
{
    struct depot_error err = {0};
    struct depot_event ev;
    char *line = depot_strdup(text);

    for (char *p = line; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    if (depot_wire_decode(line, strlen(line), &ev, &err))
        fail_msg("%s: %s", err.msg, line);
    depot_build_apply(l->build, &ev);
    depot_render_apply(l->render, &ev, now * (uint64_t)DEPOT_SEC);
    depot_event_release(&ev);
    depot_free(line);
}

static void assigned(struct log *l, const char *more)
{
    char *line = depot_asprintf("{'v':1,'build':'b7','time':'2026-01-01T00:00:00Z',"
                                "'type':'build.assigned',%s}",
        more);

    feed(l, 1, line);
    depot_free(line);
}

static void status(struct log *l, uint64_t now, const char *platform, const char *more)
{
    char *line = depot_asprintf("{'v':1,'build':'b7','type':'build.status','platform':'%s',"
                                "'status':{%s}}",
        platform, more);

    feed(l, now, line);
    depot_free(line);
}

static void finished(struct log *l, const char *state)
{
    char *line = depot_asprintf("{'v':1,'build':'b7','time':'2026-01-01T00:01:03Z',"
                                "'type':'build.finished','state':'%s','duration_ms':63000}",
        state);

    feed(l, 9, line);
    depot_free(line);
}

#define STEP(digest, name, from, to)                                                               \
    "{'digest':'" digest "','name':'" name "','started':'2026-01-01T00:00:" from                   \
    "Z','completed':'2026-01-01T00:00:" to "Z'}"
#define RUNS(digest, name, from)                                                                   \
    "{'digest':'" digest "','name':'" name "','started':'2026-01-01T00:00:" from "Z'}"

static void test_frame__names_builders(void **state)
{
    static const struct {
        const char *parts[2], *line;
    } rows[] = {
        {{"'platform':'linux/amd64','builder':'a'"},
            "#0 building with \"a\" for linux/amd64: build b7\n\n#1 "},
        {{"'platform':'linux/amd64','builder':'a'",
             "'platform':'linux/arm64','builder':'b','emulated':true"},
            "#0 building with \"a\" for linux/amd64, \"b\" for linux/arm64 (emulated): build "
            "b7\n\n#1 "},
        {{"'platform':'linux/amd64,linux/arm64','builder':'a','emulated':true,"
          "'emulated_platforms':['linux/arm64']"},
            "#0 building with \"a\" for linux/amd64, linux/arm64 (emulated): build b7\n\n#1 "},
        {{"'platform':'','builder':'a'"}, "#0 building with \"a\": build b7\n\n#1 "},
        {{"'platform':'','builder':'a\\u001b[1m\\u202e'"},
            "#0 building with \"a\033[1m\xe2\x80\xae\": build b7\n\n#1 "},
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct log l;

        log_open(&l, NULL, true, false);
        for (size_t k = 0; k < 2 && rows[i].parts[k]; k++)
            assigned(&l, rows[i].parts[k]);
        status(&l, 1, l.build->parts.items[0]->platform,
            "'vertexes':[" STEP("x", "[1/1] RUN", "00", "01") "]");
        assert_memory_equal(l.text, rows[i].line, strlen(rows[i].line));
        log_close(&l);
    }
}

/* Whoever gets a builder later is named then. */
static void test_frame__names_those_that_waited(void **state)
{
    struct log l;

    (void)state;
    log_open(&l, NULL, true, false);
    feed(&l, 1, "{'v':1,'build':'b7','type':'build.queued','platform':'linux/arm64','position':1}");
    assigned(&l, "'platform':'linux/amd64','builder':'a'");
    status(&l, 1, "linux/amd64", "'vertexes':[" STEP("x", "[1/1] RUN", "00", "01") "]");
    assigned(&l, "'platform':'linux/arm64','builder':'b','emulated':true");
    depot_render_end(l.render, 2 * DEPOT_SEC);
    assert_string_equal(l.text, "#0 building b7\n\n#0 linux/arm64 waits, number 1 in line\n\n"
                                "#0 building with \"a\" for linux/amd64: build b7\n\n"
                                "#1 [linux/amd64 1/1] RUN\n#1 DONE 1.0s\n\n"
                                "#0 building with \"b\" for linux/arm64 (emulated): build b7\n");
    log_close(&l);
}

static void test_frame__ends_with_columns(void **state)
{
    struct log l;

    (void)state;
    log_open(&l, NULL, true, false);
    feed(&l, 1,
        "{'v':1,'build':'b7','type':'build.created','project':'web','tags':['a:1','b:2\\n#0 x'],"
        "'platforms':['linux/amd64','linux/arm64']}");
    assigned(&l, "'platform':'linux/amd64','builder':'a'");
    assigned(&l, "'platform':'linux/arm64','builder':'b','emulated':true");
    status(&l, 1, "linux/amd64",
        "'vertexes':[{'digest':'x','name':'[1/1] RUN','cached':true,'started':"
        "'2026-01-01T00:00:00Z','completed':'2026-01-01T00:00:00Z'}]");
    status(&l, 2, "linux/arm64", "'vertexes':[" STEP("y", "[1/1] RUN", "00", "03") "]");
    feed(&l, 3,
        "{'v':1,'build':'b7','time':'2026-01-01T00:00:01Z','type':'build.result','platform':"
        "'linux/amd64','state':'succeeded','digest':'sha256:1'}");
    feed(&l, 3,
        "{'v':1,'build':'b7','time':'2026-01-01T00:00:12Z','type':'build.result','platform':"
        "'linux/arm64','state':'succeeded','digest':'sha256:2'}");
    finished(&l, "succeeded");
    depot_render_end(l.render, 9 * DEPOT_SEC);
    size_t from = l.len;
    depot_render_frame_end(l.build, &l.opts);
    assert_string_equal(l.text + from,
        "\n#0 build b7 succeeded in 1:03, 1 of 2 steps reused\n"
        "#0   linux/amd64    1.0s  1 of 1 step reused  on a\n"
        "#0   linux/arm64   12.0s  0 of 1 step reused  on b (emulated)\n"
        "#0   missed       1/1 RUN, 3.0s on linux/arm64\n"
        "#0   tags         a:1, b:2 #0 x\n"
        "#0   digest       sha256:1 for linux/amd64\n"
        "#0   digest       sha256:2 for linux/arm64\n"
        "#0   log          depot logs b7\n"
        "#0   why          depot why b7\n");
    log_close(&l);
}

/* A, which is shown, says something; B is through before A is. */
static void side_by_side(struct log *l)
{
    assigned(l, "'platform':'linux/amd64','builder':'a'");
    status(l, 1, "linux/amd64",
        "'vertexes':[" RUNS("x", "[a 1/1] RUN ::a", "00") "," RUNS("y", "[b 1/1] RUN b",
            "00") "],'logs':[{'vertex':'x','data':'b25lCg==','timestamp':'2026-01-01T00:00:01Z'}]");
    status(l, 3, "linux/amd64",
        "'vertexes':[" STEP("y", "[b 1/1] RUN b", "00",
            "02") "],'logs':[{'vertex':'y','data':'dHdvCg==','timestamp':'2026-01-01T00:00:01Z'}]");
    status(l, 20, "linux/amd64",
        "'logs':[{'vertex':'x','data':'OjplcnJvcjo6eAo=','timestamp':'2026-01-01T00:00:12Z'}]");
    status(l, 22, "linux/amd64", "'vertexes':[" STEP("x", "[a 1/1] RUN ::a", "00", "19") "]");
    depot_render_end(l->render, 23 * DEPOT_SEC);
}

static void test_groups__one_step_after_the_other(void **state)
{
    static const char first[] = "#1 [a 1/1] RUN ::a\n#1 1.000 one\n#1 12.00 ::error::x\n"
                                "#1 DONE 19.0s\n";
    static const char second[] = "#2 [b 1/1] RUN b\n#2 1.000 two\n#2 DONE 2.0s\n";
    static const struct {
        const char *variable, *before, *between, *after;
    } rows[] = {
        {NULL, "", "\n", ""},
        {"GITHUB_ACTIONS", "::group::[a 1/1] RUN ::a\n", "::endgroup::\n::group::[b 1/1] RUN b\n",
            "::endgroup::\n"},
        {"TF_BUILD", "##[group][a 1/1] RUN ::a\n", "##[endgroup]\n##[group][b 1/1] RUN b\n",
            "##[endgroup]\n"},
        {"BUILDKITE", "--- [a 1/1] RUN ::a\n", "--- [b 1/1] RUN b\n",
            "+++ depot build b7 running\n"},
        {"GITLAB_CI",
            "\033[0Ksection_start:1767225600:depot_b7_1[collapsed=true]\r\033[0K"
            "[a 1/1] RUN ::a\n",
            "\033[0Ksection_end:1767225619:depot_b7_1\r\033[0K\n"
            "\033[0Ksection_start:1767225600:depot_b7_2[collapsed=true]\r\033[0K"
            "[b 1/1] RUN b\n",
            "\033[0Ksection_end:1767225602:depot_b7_2\r\033[0K\n"},
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct log l;
        char *want = depot_asprintf(
            "%s%s%s%s%s", rows[i].before, first, rows[i].between, second, rows[i].after);

        log_open(&l, rows[i].variable, false, true);
        side_by_side(&l);
        assert_string_equal(l.text, want);
        depot_free(want);
        log_close(&l);
    }
}

/* Without groups the same is printed as ever. */
static void test_groups__only_when_asked_for(void **state)
{
    struct log l;

    (void)state;
    log_open(&l, "GITHUB_ACTIONS", false, false);
    side_by_side(&l);
    assert_non_null(strstr(l.text, "#1 ...\n"));
    assert_null(strstr(l.text, "::group"));
    log_close(&l);
}

static void fail_it(struct log *l)
{
    assigned(l, "'platform':'linux/amd64','builder':'a'");
    status(l, 1, "linux/amd64",
        "'vertexes':[{'digest':'x','name':'[2/2] RUN a | b','started':'2026-01-01T00:00:00Z',"
        "'completed':'2026-01-01T00:00:02Z','error':'bad'}],"
        /* "</pre>::error::x" */
        "'logs':[{'vertex':'x','data':'PC9wcmU+OjplcnJvcjo6eAo=','timestamp':"
        "'2026-01-01T00:00:01Z'}],"
        /* "Rule: say `|` <b>" */
        "'warnings':[{'vertex':'x','short':'UnVsZTogc2F5IGB8YCA8Yj4=','url':'https://u',"
        "'range':[{'start':{'line':3},'end':{'line':3}}]}]");
    feed(l, 2,
        "{'v':1,'build':'b7','type':'build.result','platform':'linux/amd64','state':'failed',"
        "'error':{'message':'process \\\"a | b\\\" did not complete successfully: exit code: 7',"
        "'vertex':'x','file':'Dockerfile','ranges':[[10,11]],'first_line':10,"
        "'lines':['RUN a | b']}}");
    finished(l, "failed");
}

static void test_notes__have_a_place(void **state)
{
    struct log l;
    size_t from;

    (void)state;
    log_open(&l, "GITHUB_ACTIONS", false, false);
    fail_it(&l);
    from = l.len;
    depot_render_notes(l.build, &l.opts, "sub/Dockerfile");
    assert_string_equal(l.text + from,
        "::warning file=sub/Dockerfile,line=3,title=Rule::say `|` <b>%0Ahttps://u\n"
        "::error file=sub/Dockerfile,line=10,endLine=11,title=linux/amd64%3A 2/2 RUN a | b::"
        "exit code: 7%0A</pre>::error::x\n");
    from = l.len;
    depot_render_notes(l.build, &l.opts, NULL);
    assert_non_null(strstr(l.text + from, "::error file=Dockerfile,line=10"));
    log_close(&l);
    log_open(&l, "GITLAB_CI", false, false);
    fail_it(&l);
    from = l.len;
    depot_render_notes(l.build, &l.opts, NULL);
    assert_int_equal(l.len, from);
    log_close(&l);
}

static void test_report__text_of_others_is_no_markup(void **state)
{
    struct depot_buf page = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct log l;

    (void)state;
    log_open(&l, "GITHUB_ACTIONS", false, false);
    fail_it(&l);
    depot_render_report(l.build, &l.opts, &page);
    assert_non_null(strstr(page.data, "depot build failed after 1:03\n"));
    assert_non_null(strstr(page.data, "| linux/amd64 | failed | "));
    assert_non_null(strstr(page.data, "<code>exit code&#58; 7</code>"));
    assert_non_null(strstr(page.data, "<pre>\n  10 &gt;&gt;&gt; RUN a | b\n\n"
                                      "&#60;/pre&#62;::error::x\n</pre>\n"));
    assert_non_null(strstr(page.data, "| <code>2/2 RUN a &#124; b</code> | linux/amd64 | 2.0s |"));
    assert_non_null(strstr(page.data, "- Rule&#58; say &#96;&#124;&#96; &#60;b&#62;\n"));
    assert_non_null(strstr(page.data, "`depot logs b7`"));
    depot_buf_release(&page);
    log_close(&l);
}

static void test_report__names_what_was_made(void **state)
{
    struct depot_buf page = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct log l;

    (void)state;
    log_open(&l, "GITHUB_ACTIONS", false, false);
    feed(&l, 1, "{'v':1,'build':'b7','type':'build.created','tags':['r.example/a|b:1']}");
    feed(&l, 2,
        "{'v':1,'build':'b7','type':'build.result','platform':'linux/amd64','state':'succeeded',"
        "'digest':'sha256:1'}");
    feed(&l, 3,
        "{'v':1,'build':'b7','type':'build.result','platform':'linux/arm64','state':'succeeded',"
        "'digest':'sha256:2'}");
    feed(&l, 4,
        "{'v':1,'build':'b7','type':'build.finished','state':'succeeded','joined':{'digest':"
        "'sha256:3'}}");
    depot_render_report(l.build, &l.opts, &page);
    assert_non_null(strstr(page.data, "**Image** <code>r.example/a&#124;b&#58;1</code> "
                                      "<code>sha256&#58;3</code>\n"));
    depot_buf_release(&page);
    log_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame__names_builders),
        cmocka_unit_test(test_frame__names_those_that_waited),
        cmocka_unit_test(test_frame__ends_with_columns),
        cmocka_unit_test(test_groups__one_step_after_the_other),
        cmocka_unit_test(test_groups__only_when_asked_for),
        cmocka_unit_test(test_notes__have_a_place),
        cmocka_unit_test(test_report__text_of_others_is_no_markup),
        cmocka_unit_test(test_report__names_what_was_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
