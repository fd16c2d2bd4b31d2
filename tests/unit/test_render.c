/*
 * The sinks beyond the golden cases: several parts, what is printed below a build.
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

struct screen {
    char *text;
    size_t len;
    struct depot_render_opts opts;
    struct depot_build *build;
};

static void screen_open(struct screen *s, bool sanitize)
{
    memset(s, 0, sizeof(*s));
    s->opts.out = open_memstream(&s->text, &s->len);
    s->opts.sanitize = sanitize;
    s->build = depot_build_new(NULL);
}

static void screen_close(struct screen *s)
{
    fclose(s->opts.out);
    free(s->text);
    depot_build_free(s->build);
}

static void feed(struct screen *s, struct depot_render *r, const char *line)
{
    struct depot_error err = {0};
    struct depot_event ev;

    if (depot_wire_decode(line, strlen(line), &ev, &err))
        fail_msg("%s: %s", err.msg, line);
    depot_build_apply(s->build, &ev);
    if (r)
        depot_render_apply(r, &ev, DEPOT_SEC);
    depot_event_release(&ev);
}

static const char hostile[] =
    "{\"v\":1,\"type\":\"build.status\",\"platform\":\"linux/amd64\",\"status\":{\"vertexes\":[{"
    "\"digest\":\"a\",\"name\":\"[1/1] "
    "\\u001b]0;x\\u0007RUN\",\"started\":\"2026-01-01T00:00:00Z\","
    "\"completed\":\"2026-01-01T00:00:02Z\",\"error\":\"bad \\u001b[31m\"}],\"logs\":[{\"vertex\":"
    "\"a\",\"data\":\"G1szMW1yZWQKcGFydA==\",\"timestamp\":\"2026-01-01T00:00:01Z\"}]}}";

static void test_plain__sanitize(void **state)
{
    struct screen s;
    struct depot_render *r;

    (void)state;
    screen_open(&s, true);
    assert_int_equal(depot_render_new(&r, "plain", s.build, &s.opts, NULL), 0);
    feed(&s, r, hostile);
    depot_render_end(r, DEPOT_SEC);
    assert_string_equal(s.text, "#1 [1/1] RUN\n#1 1.000 red\n#1 1.000 part\n#1 ERROR: bad \n"
                                "------\n > [1/1] RUN:\n1.000 part\n1.000 part\n------\n");
    depot_render_free(r);
    screen_close(&s);
}

static void test_plain__two_parts_are_told_apart(void **state)
{
    struct screen s;
    struct depot_render *r;

    (void)state;
    screen_open(&s, false);
    s.opts.desc = "building";
    assert_int_equal(depot_render_new(&r, "plain", s.build, &s.opts, NULL), 0);
    feed(&s, r, "{\"v\":1,\"type\":\"build.assigned\",\"platform\":\"linux/amd64\"}");
    feed(&s, r, "{\"v\":1,\"type\":\"build.assigned\",\"platform\":\"linux/arm64\"}");
    feed(&s, r,
        "{\"v\":1,\"type\":\"build.status\",\"platform\":\"linux/arm64\",\"status\":{\"vertexes\":"
        "[{\"digest\":\"a\",\"name\":\"[1/1] RUN\",\"started\":\"2026-01-01T00:00:00Z\","
        "\"completed\":\"2026-01-01T00:00:02Z\"},{\"digest\":\"e\",\"name\":\"exporting\","
        "\"started\":\"2026-01-01T00:00:02Z\",\"completed\":\"2026-01-01T00:00:03Z\"}]}}");
    depot_render_end(r, DEPOT_SEC);
    assert_string_equal(s.text, "#0 building\n\n#1 [linux/arm64 1/1] RUN\n#1 DONE 2.0s\n\n"
                                "#2 [linux/arm64] exporting\n#2 DONE 1.0s\n");
    depot_render_free(r);
    screen_close(&s);
}

static void test_plain__says_who_waits(void **state)
{
    struct screen s;
    struct depot_render *r;

    (void)state;
    screen_open(&s, true);
    assert_int_equal(depot_render_new(&r, "plain", s.build, &s.opts, NULL), 0);
    feed(&s, r,
        "{\"v\":1,\"type\":\"build.queued\",\"platform\":\"linux/arm64\",\"reason\":"
        "\"b is\\u001b[1m busy\",\"position\":2}");
    feed(&s, r, "{\"v\":1,\"type\":\"build.assigned\",\"platform\":\"linux/amd64\"}");
    feed(&s, r,
        "{\"v\":1,\"type\":\"build.status\",\"platform\":\"linux/amd64\",\"status\":{\"vertexes\":"
        "[{\"digest\":\"a\",\"name\":\"[1/1] RUN\",\"started\":\"2026-01-01T00:00:00Z\"}]}}");
    feed(&s, r, "{\"v\":1,\"type\":\"build.queued\",\"platform\":\"linux/arm64\",\"position\":1}");
    depot_render_end(r, DEPOT_SEC);
    assert_string_equal(s.text, "#0 linux/arm64 waits, number 2 in line: b is busy\n\n"
                                "#1 [linux/amd64 1/1] RUN\n#1 ...\n\n"
                                "#0 linux/arm64 waits, number 1 in line\n\n"
                                "#1 [linux/amd64 1/1] RUN\n");
    depot_render_free(r);
    screen_close(&s);
}

static void test_render__names(void **state)
{
    struct depot_error err = {0};
    struct depot_render *r = NULL;
    struct screen s;

    (void)state;
    screen_open(&s, false);
    for (size_t i = 0; depot_render_names[i]; i++) {
        assert_int_equal(depot_render_new(&r, depot_render_names[i], s.build, &s.opts, &err), 0);
        depot_render_end(r, 1);
        depot_render_free(r);
    }
    assert_int_equal(depot_render_new(&r, "fancy", s.build, &s.opts, &err), DEPOT_ERR_NOT_FOUND);
    depot_render_free(NULL);
    assert_int_equal(s.len, 0);
    screen_close(&s);
}

static void test_after__error_and_warnings(void **state)
{
    struct screen s;

    (void)state;
    screen_open(&s, false);
    depot_render_warnings(s.build, &s.opts);
    feed(&s, NULL,
        "{\"v\":1,\"type\":\"build.status\",\"platform\":\"linux/amd64\",\"status\":{\"vertexes\":"
        "[{\"digest\":\"a\",\"name\":\"x\"}],\"warnings\":[{\"vertex\":\"a\",\"short\":\"b25l\"},"
        "{\"vertex\":\"a\",\"short\":\"dHdv\"},{\"vertex\":\"a\",\"short\":\"b25l\"}]}}");
    feed(&s, NULL,
        "{\"v\":1,\"type\":\"build.result\",\"platform\":\"linux/amd64\",\"state\":\"failed\","
        "\"error\":{\"message\":\"process did not complete successfully: exit code: 7\","
        "\"file\":\"Dockerfile\",\"ranges\":[[10,10]],\"first_line\":9,\"lines\":[\"FROM a\","
        "\"RUN exit 7\",\"\"]}}");
    depot_render_warnings(s.build, &s.opts);
    depot_render_error(s.build, &s.opts);
    assert_string_equal(s.text, "\n 2 warnings found (use --debug to expand):\n"
                                " - one\n - two\n"
                                "Dockerfile:10\n--------------------\n"
                                "   9 |     FROM a\n  10 | >>> RUN exit 7\n  11 |     \n"
                                "--------------------\n"
                                "ERROR: failed to build: failed to solve: process did not "
                                "complete successfully: exit code: 7\n");
    screen_close(&s);
}

static void test_after__summary(void **state)
{
    struct screen s;

    (void)state;
    screen_open(&s, false);
    feed(&s, NULL,
        "{\"v\":1,\"build\":\"b7\",\"time\":\"2026-01-01T00:00:00Z\",\"type\":\"build.assigned\","
        "\"platform\":\"linux/arm64\",\"builder\":\"arm\",\"emulated\":true}");
    feed(&s, NULL,
        "{\"v\":1,\"build\":\"b7\",\"type\":\"build.status\",\"platform\":\"linux/arm64\","
        "\"status\":{\"vertexes\":[{\"digest\":\"a\",\"name\":\"[1/1] RUN\",\"started\":"
        "\"2026-01-01T00:00:00Z\",\"completed\":\"2026-01-01T00:00:02Z\"}]}}");
    feed(&s, NULL,
        "{\"v\":1,\"build\":\"b7\",\"time\":\"2026-01-01T00:00:03Z\",\"type\":\"build.result\","
        "\"platform\":\"linux/arm64\",\"state\":\"succeeded\",\"digest\":\"sha256:1\"}");
    feed(&s, NULL,
        "{\"v\":1,\"build\":\"b7\",\"time\":\"2026-01-01T00:01:03Z\",\"type\":\"build.finished\","
        "\"state\":\"succeeded\",\"duration_ms\":63000}");
    depot_render_summary(s.build, &s.opts);
    assert_string_equal(s.text,
        "\nBuild b7 succeeded in 1:03, 1 step: 0 hit, 1 ran\n"
        "  linux/arm64  succeeded  3.0s  1 step: 0 hit, 1 ran  on arm (emulated)  sha256:1\n");
    screen_close(&s);
}

static void test_after__summary_tells_what_parts_became(void **state)
{
    struct screen s;

    (void)state;
    screen_open(&s, false);
    feed(&s, NULL,
        "{\"v\":1,\"build\":\"b7\",\"time\":\"2026-01-01T00:00:03Z\",\"type\":\"build.result\","
        "\"platform\":\"linux/arm64\",\"state\":\"succeeded\",\"digest\":\"sha256:1\"}");
    feed(&s, NULL,
        "{\"v\":1,\"build\":\"b7\",\"time\":\"2026-01-01T00:00:03Z\",\"type\":\"build.finished\","
        "\"state\":\"succeeded\",\"duration_ms\":3000,\"joined\":{\"digest\":\"sha256:2\"}}");
    depot_render_summary(s.build, &s.opts);
    assert_string_equal(s.text,
        "\nBuild b7 succeeded in 3.0s, 0 steps: 0 hit, 0 ran  sha256:2\n"
        "  linux/arm64  succeeded  0.0s  0 steps: 0 hit, 0 ran  sha256:1\n");
    screen_close(&s);
}

static void test_after__summary_names_what_missed(void **state)
{
    struct screen s;

    (void)state;
    screen_open(&s, false);
    feed(&s, NULL,
        "{\"v\":1,\"build\":\"b7\",\"time\":\"2026-01-01T00:00:00Z\",\"type\":\"build.context\","
        "\"platform\":\"linux/arm64\",\"files\":2,\"sent_files\":1,\"changed\":[\"src/a.c\"]}");
    feed(&s, NULL,
        "{\"v\":1,\"build\":\"b7\",\"type\":\"build.status\",\"platform\":\"linux/arm64\","
        "\"status\":{\"vertexes\":["
        "{\"digest\":\"a\",\"name\":\"[1/3] RUN\",\"started\":\"2026-01-01T00:00:00Z\","
        "\"completed\":\"2026-01-01T00:00:01Z\",\"cached\":true},"
        "{\"digest\":\"c\",\"name\":\"[internal] load build context\"},"
        "{\"digest\":\"b\",\"name\":\"[2/3] COPY src /\",\"inputs\":[\"a\",\"c\"],"
        "\"started\":\"2026-01-01T00:00:01Z\",\"completed\":\"2026-01-01T00:00:02Z\"},"
        "{\"digest\":\"d\",\"name\":\"[3/3] RUN make\",\"inputs\":[\"b\"],"
        "\"started\":\"2026-01-01T00:00:02Z\",\"completed\":\"2026-01-01T00:00:04Z\"}]}}");
    feed(&s, NULL,
        "{\"v\":1,\"build\":\"b7\",\"time\":\"2026-01-01T00:00:05Z\",\"type\":\"build.finished\","
        "\"state\":\"succeeded\",\"duration_ms\":5000}");
    depot_render_summary(s.build, &s.opts);
    assert_non_null(
        strstr(s.text, "\n  missed 2/3 COPY src /, src/a.c changed, 1 step after it, 3.0s\n"
                       "  depot why b7 tells what changed\n"));
    screen_close(&s);
}

/* Columns of the widest line; the text is ASCII but for the mark of a cut. */
static int widest(const char *text)
{
    int most = 0, at = 0;
    for (; *text; text++) {
        at = *text == '\n' ? 0 : at + ((*text & 0xc0) != 0x80);
        most = at > most ? at : most;
    }
    return most;
}

static void test_after__summary_is_cut_by_columns(void **state)
{
    static const char builder[] = "\"a-builder-with-a-name-that-somebody-generated-from-a-region-a-"
                                  "cluster-and-a-serial-number-0123456789\"";
    struct screen s;
    char *line;

    (void)state;
    screen_open(&s, false);
    feed(&s, NULL,
        "{\"v\":1,\"build\":\"b7k2q9x4c1\",\"type\":\"build.created\",\"project\":\"web\",\"tags\":"
        "["
        "\"registry.example.com/team/with/a/long/path/web:1.2.3-4f2c1d9a0\",\"web:2\",\"web:3\"],"
        "\"platforms\":[\"linux/amd64\"]}");
    line = depot_asprintf(
        "{\"v\":1,\"build\":\"b7k2q9x4c1\",\"time\":\"2026-01-01T00:00:00Z\",\"type\":"
        "\"build.assigned\",\"platform\":\"linux/arm64\",\"builder\":%s,\"emulated\":true}",
        builder);
    feed(&s, NULL, line);
    depot_free(line);
    feed(&s, NULL,
        "{\"v\":1,\"build\":\"b7k2q9x4c1\",\"time\":\"2026-01-01T00:00:03Z\",\"type\":\"build."
        "result\","
        "\"platform\":\"linux/arm64\",\"state\":\"succeeded\"}");
    for (int width = 30; width <= 120; width++) {
        s.opts.width = width;
        s.opts.utf8 = width % 2;
        rewind(s.opts.out);
        depot_render_summary(s.build, &s.opts);
        fflush(s.opts.out);
        char *text = depot_strndup(s.text, (size_t)ftell(s.opts.out));
        char *tag = strstr(text, "registry.example.com");
        assert_non_null(tag); /* whole, for copying */
        assert_non_null(strstr(text, "web:1.2.3-4f2c1d9a0"));
        memset(tag, '\n', strlen("registry.example.com/team/with/a/long/path/web:1.2.3-4f2c1d9a0"));
        assert_true(widest(text) < width);
        assert_non_null(strstr(text, "(emulated)"));
        depot_free(text);
    }
    screen_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain__sanitize),
        cmocka_unit_test(test_plain__two_parts_are_told_apart),
        cmocka_unit_test(test_plain__says_who_waits),
        cmocka_unit_test(test_render__names),
        cmocka_unit_test(test_after__error_and_warnings),
        cmocka_unit_test(test_after__summary),
        cmocka_unit_test(test_after__summary_tells_what_parts_became),
        cmocka_unit_test(test_after__summary_names_what_missed),
        cmocka_unit_test(test_after__summary_is_cut_by_columns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
