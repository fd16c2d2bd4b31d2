/*
 * Events to JSON lines and back: what Go prints, every event type, hostile lines, and a reader fed
 * whole and byte by byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <depot/wire.h>

/* Decoded and encoded again, each line must stay as it is: these are as we print them. */
static const char *const lines[] = {
    "{\"v\":1,\"seq\":1,\"time\":\"2026-05-04T10:11:12.131415Z\",\"build\":\"b7\",\"type\":"
    "\"build.created\",\"project\":\"web\",\"command\":\"depot build .\",\"target\":\"final\","
    "\"tags\":[\"a:1\",\"b\"],\"platforms\":[\"linux/amd64\"],\"source\":{\"remote\":\"r\","
    "\"commit\":\"c\",\"branch\":\"main\",\"dirty\":true},\"user\":\"ann\",\"host\":\"h\","
    "\"ci\":{\"url\":\"https://ci/1\"},\"origin\":\"depot\"}",
    "{\"v\":1,\"seq\":2,\"build\":\"b7\",\"type\":\"build.queued\",\"platform\":\"linux/amd64\","
    "\"reason\":\"busy\",\"position\":3}",
    "{\"v\":1,\"seq\":3,\"build\":\"b7\",\"type\":\"build.assigned\",\"platform\":\"linux/amd64\","
    "\"builder\":\"a\",\"emulated\":true,\"waited_ms\":17,\"ref\":\"r\"}",
    "{\"v\":1,\"seq\":3,\"build\":\"b7\",\"type\":\"build.assigned\",\"platform\":\"linux/"
    "amd64,linux/arm64\",\"builder\":\"a\",\"emulated\":true,\"emulated_platforms\":["
    "\"linux/arm64\"],\"waited_ms\":17}",
    "{\"v\":1,\"seq\":4,\"build\":\"b7\",\"type\":\"build.context\",\"platform\":\"linux/amd64\","
    "\"files\":3,\"bytes\":4,\"sent_files\":1,\"sent_bytes\":2,\"changed\":[\"a \\u003c b\"],"
    "\"changed_more\":9}",
    "{\"v\":1,\"seq\":5,\"build\":\"b7\",\"type\":\"build.result\",\"platform\":\"linux/amd64\","
    "\"builder\":\"a\",\"state\":\"failed\",\"digest\":\"sha256:1\",\"response\":{\"k\":\"v\"},"
    "\"error\":{\"message\":\"m\",\"code\":2,\"vertex\":\"v\",\"file\":\"Dockerfile\","
    "\"ranges\":[[10,12]],\"first_line\":8,\"lines\":[\"x\",\"\"]}}",
    "{\"v\":1,\"seq\":6,\"build\":\"b7\",\"type\":\"build.finished\",\"state\":\"failed\","
    "\"duration_ms\":1234,\"counts\":{\"total\":9,\"hit\":1,\"ran\":2,\"shared\":3,\"failed\":1,"
    "\"cancelled\":1,\"skipped\":1},\"message\":\"why\"}",
    "{\"v\":1,\"seq\":6,\"build\":\"b7\",\"type\":\"build.finished\",\"state\":\"failed\","
    "\"duration_ms\":1,\"counts\":{\"total\":1,\"hit\":0,\"ran\":0,\"shared\":0,\"failed\":1,"
    "\"cancelled\":0,\"skipped\":0},\"message\":\"why\",\"failed_step\":{\"name\":\"[1/2] RUN a\","
    "\"platform\":\"linux/amd64\",\"exit_code\":0,\"file\":\"Dockerfile\",\"line\":3}}",
    "{\"v\":1,\"type\":\"fleet.snapshot\",\"builders\":[],\"builds\":[{\"id\":\"b7\",\"seq\":1,"
    "\"state\":\"failed\",\"tags\":[],\"platforms\":[],\"source\":{\"dirty\":false},\"builders\":[]"
    ","
    "\"counts\":{\"total\":0,\"hit\":0,\"ran\":0,\"shared\":0,\"failed\":0,\"cancelled\":0,"
    "\"skipped\":0},\"duration_ms\":0,\"failed_step\":{\"name\":\"[1/2] COPY a .\"}}]}",
    "{\"v\":1,\"type\":\"builder.down\",\"builder\":\"a\",\"address\":\"unix:///s\",\"platforms\":["
    "\"linux/arm64\"],\"emulated\":true,\"engine\":\"buildkit\",\"version\":\"v0.32.2\","
    "\"reason\":\"gone\",\"running\":1,\"queued\":2,\"capacity\":4}",
    "{\"v\":1,\"type\":\"builder.metrics\",\"builder\":\"a\",\"platforms\":[],\"emulated\":false,"
    "\"running\":0,\"queued\":0,\"capacity\":0,\"cpu\":0.25,\"mem_used\":5}",
    "{\"v\":1,\"type\":\"fleet.snapshot\",\"builders\":[{\"builder\":\"a\",\"platforms\":[],"
    "\"emulated\":false,\"running\":0,\"queued\":0,\"capacity\":2,\"up\":true}],\"builds\":[{"
    "\"id\":\"b7\",\"seq\":18446744073709551,\"state\":\"running\",\"created\":\"2026-05-04T10:11:"
    "12Z\","
    "\"project\":\"web\",\"tags\":[],\"platforms\":[],\"source\":{\"dirty\":false},\"builders\":["
    "\"a\"],\"counts\":{\"total\":0,\"hit\":0,\"ran\":0,\"shared\":0,\"failed\":0,\"cancelled\":0,"
    "\"skipped\":0},\"duration_ms\":0}]}",
    "{\"v\":1,\"seq\":7,\"build\":\"b7\",\"type\":\"build.status\",\"platform\":\"linux/amd64\","
    "\"builder\":\"a\",\"status\":{\"vertexes\":[{\"digest\":\"d\",\"inputs\":[\"e\"],\"name\":"
    "\"[1/2] RUN a \\u0026\\u0026 b\",\"started\":\"2026-05-04T10:11:12.1Z\",\"completed\":"
    "\"2026-05-04T10:11:13Z\",\"cached\":true,\"error\":\"x\",\"progressGroup\":{\"id\":\"g\","
    "\"name\":\"n\",\"weak\":true}}],\"statuses\":[{\"id\":\"i\",\"vertex\":\"d\",\"name\":\"n\","
    "\"total\":5,\"current\":0,\"timestamp\":\"0001-01-01T00:00:00Z\"}],\"logs\":[{\"vertex\":"
    "\"d\",\"stream\":1,\"data\":\"aGkK\",\"timestamp\":\"2026-05-04T10:11:12Z\"},{\"data\":null,"
    "\"timestamp\":\"2026-05-04T10:11:12Z\"}],\"warnings\":[{\"vertex\":\"d\",\"level\":1,"
    "\"short\":\"aGk=\",\"detail\":[\"aGk=\",\"\"],\"url\":\"u\",\"sourceInfo\":{\"filename\":"
    "\"f\",\"data\":\"aGk=\",\"definition\":{\"def\":[1,{\"a\":2}]},\"language\":\"l\"},\"range\":"
    "[{\"start\":{\"line\":3,\"character\":1},\"end\":{}}]}]}}",
    /* A vertex that is named again and again, as first member and as second, and nothing at all. */
    "{\"v\":1,\"seq\":8,\"build\":\"b7\",\"type\":\"build.status\",\"platform\":\"\",\"builder\":"
    "\"\",\"status\":{\"statuses\":[{"
    "\"id\":"
    "\"\",\"vertex\":\"a\\u003c\",\"current\":0,\"timestamp\":\"0001-01-01T00:00:00Z\"}],\"logs\":["
    "{"
    "\"vertex\":\"a\\u003c\",\"data\":\"\",\"timestamp\":\"2026-05-04T10:11:12Z\"},{\"vertex\":"
    "\"a\\u003c\",\"stream\":2,\"data\":\"aGkK\",\"timestamp\":\"2026-05-04T10:11:12Z\"},{"
    "\"vertex\":"
    "\"b\",\"data\":null,\"timestamp\":\"2026-05-04T10:11:12Z\"},{\"data\":null,\"timestamp\":"
    "\"0001-01-01T00:00:00Z\"},{\"vertex\":\"b\",\"data\":null,\"timestamp\":\"0001-01-01T00:00:"
    "00Z\"}"
    "],\"warnings\":[{\"vertex\":\"b\"},{}]}}",
    "{\"v\":1,\"seq\":8,\"build\":\"b7\",\"type\":\"build.status\",\"platform\":\"\",\"builder\":"
    "\"\",\"status\":{}}",
};

static void test_wire__lines_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(lines); i++) {
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        struct depot_error err = {0};
        struct depot_event ev;

        if (depot_wire_decode(lines[i], strlen(lines[i]), &ev, &err))
            fail_msg("%s: %s", err.msg, lines[i]);
        depot_wire_encode(&out, &ev);
        assert_string_equal(depot_buf_str(&out), lines[i]);
        depot_event_release(&ev);
        depot_buf_release(&out);
    }
}

static void test_wire__strings_as_go_prints_them(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"plain", "plain"},
        {"longer than what is looked at in one go, and plain",
            "longer than what is looked at in one go, and plain"},
        {"0123456789abcde\"0123456789abcdef<", "0123456789abcde\\\"0123456789abcdef\\u003c"},
        {"0123456789abcdef\x80\xe2\x80\xa8"
         "0123456789abcdef\xc3\xa9",
            "0123456789abcdef\\ufffd\\u20280123456789abcdef\xc3\xa9"},
        {"<a href=\"x\">&\\", "\\u003ca href=\\\"x\\\"\\u003e\\u0026\\\\"},
        {"\b\f\n\r\t\x01\x1f\x7f", "\\b\\f\\n\\r\\t\\u0001\\u001f\x7f"},
        {"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", "\\u2028\\u2029\xe2\x80\xaa"},
        {"\xff", "\\ufffd"},
        {"\xc3", "\\ufffd"},
        {"\xc0\x80", "\\ufffd\\ufffd"},            /* overlong */
        {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"}, /* a surrogate */
        {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
        {"\xe2\x82", "\\ufffd\\ufffd"},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_vertex v = {.digest = "d", .name = rows[i].in};
        struct depot_status st = {.vertexes = &v, .nvertexes = 1};
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        char *want =
            depot_asprintf("{\"vertexes\":[{\"digest\":\"d\",\"name\":\"%s\"}]}", rows[i].out);

        depot_wire_encode_status(&out, &st);
        assert_string_equal(depot_buf_str(&out), want);
        depot_free(want);
        depot_buf_release(&out);
    }
}

static void test_wire__reads_what_others_write(void **state)
{
    static const char *const rows[] = {
        "{\"Vertexes\":[{\"DIGEST\":\"d\",\"name\":\"n\"}]}",
        " { \"vertexes\" : [ { \"digest\" : \"d\" , \"name\" : \"\\u006e\" } , null ] } ",
        "{\"status\":{\"vertexes\":[{\"digest\":\"d\",\"name\":\"n\"}]},\"platform\":\"p\","
        "\"type\":\"build.status\",\"later\":{\"x\":[1.5e3,true,null]}}",
        "{\"type\":\"build.status\",\"vertexes\":3,\"status\":{\"vertexes\":[{\"digest\":\"d\","
        "\"name\":\"n\",\"started\":null,\"error\":null}],\"logs\":null}}",
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_error err = {0};
        struct depot_event ev;

        if (depot_wire_decode(rows[i], strlen(rows[i]), &ev, &err))
            fail_msg("%s: %s", err.msg, rows[i]);
        assert_int_equal(ev.type, DEPOT_EVENT_BUILD_STATUS);
        assert_string_equal(ev.u.status.status.vertexes[0].digest, "d");
        assert_string_equal(ev.u.status.status.vertexes[0].name, "n");
        depot_event_release(&ev);
    }
}

/* What ends a run of plain characters, at every place of strings of every length. */
static void test_wire__strings_are_read_to_their_end(void **state)
{
    static const struct {
        const char *json, *text; /* text NULL: an error */
    } rows[] = {{"", ""}, {"\\\"", "\""}, {"\\\\", "\\"}, {"\\n\\u0041\\/", "\nA/"},
        {"\xc3\xa9\x7f", "\xc3\xa9\x7f"}, {"\x1f", NULL}, {"\n", NULL}, {"\\x", NULL}};

    static const char a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    static const char b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        for (int k = 0; k < 40 * 40; k++) {
            char line[256], want[128];
            const int before = k / 40, after = k % 40;
            struct depot_event ev;
            const int n = snprintf(line, sizeof(line),
                "{\"v\":1,\"seq\":1,\"time\":\"2026-05-04T10:11:12Z\",\"build\":\"b\",\"type\":"
                "\"build.queued\",\"platform\":\"linux/amd64\",\"reason\":\"%.*s%s%.*s\"}",
                before, a, rows[i].json, after, b);
            const int rc = depot_wire_decode(line, (size_t)n, &ev, NULL);

            assert_int_equal(rc == 0, rows[i].text != NULL);
            if (rc != 0)
                continue;
            snprintf(want, sizeof(want), "%.*s%s%.*s", before, a, rows[i].text, after, b);
            assert_string_equal(ev.u.queued.reason, want);
            depot_event_release(&ev);
        }
    }
}

/* Base64 and times are read in place, or with their escapes; a string that does not end is neither.
 */
static void test_wire__escapes_in_base64_and_times(void **state)
{
    static const struct {
        const char *data, *time;
        int64_t nanos; /* 0: an error */
    } rows[] = {
        {"\"/////w==\"", "\"1970-01-01T00:00:01Z\"", DEPOT_SEC},
        {"\"\\/\\///\\u002fw==\"", "\"1970-01-01T00:00:01\\u005a\"", DEPOT_SEC},
        {" \t\"/////w==\"", " \"1970-01-01T\\u00300:00:01Z\"", DEPOT_SEC},
        {"\"///\\\"/w==\"", "\"1970-01-01T00:00:01Z\"", 0},
        {"\"/////w==\"", "\"1970-01-01T00:00:01\\\"Z\"", 0},
        {"\"/////\nw==\"", "\"1970-01-01T00:00:01Z\"", 0},
        {"/////w==", "\"1970-01-01T00:00:01Z\"", 0},
        {"\"/////w==\"", "\"1970-01-01T00:00:01Z", 0},
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char line[200];
        struct depot_event ev;
        const int n = snprintf(line, sizeof(line), "{\"logs\":[{\"data\":%s,\"timestamp\":%s}]}",
            rows[i].data, rows[i].time);
        const int rc = depot_wire_decode(line, (size_t)n, &ev, NULL);

        assert_int_equal(rc == 0, rows[i].nanos != 0);
        if (rc != 0)
            continue;
        assert_int_equal(ev.u.status.status.nlogs, 1);
        assert_int_equal(ev.u.status.status.logs[0].len, 4);
        assert_memory_equal(ev.u.status.status.logs[0].data, "\xff\xff\xff\xff", 5);
        assert_int_equal(ev.u.status.status.logs[0].timestamp, rows[i].nanos);
        depot_event_release(&ev);
    }
}

static void test_wire__unknown_is_not_an_error(void **state)
{
    static const char *const rows[] = {
        "{\"v\":1,\"type\":\"build.exploded\",\"status\":\"ok\"}",
        "{\"v\":2,\"type\":\"build.created\",\"tags\":7}",
        "{\"op\":\"created\",\"build\":\"b\"}",
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_error err = {0};
        struct depot_event ev;

        assert_int_equal(depot_wire_decode(rows[i], strlen(rows[i]), &ev, &err), 0);
        assert_int_equal(ev.type, DEPOT_EVENT_UNKNOWN);
        depot_event_release(&ev);
    }
}

static void test_wire__bad_lines(void **state)
{
    static const char *const rows[] = {
        "",
        "x",
        "[]",
        "{",
        "{}x",
        "{\"a\"}",
        "{\"a\":}",
        "{\"type\":7}",
        "\"type\"",
        "{\"v\":1,\"type\":\"build.queued\",\"position\":\"x\"}",
        "{\"v\":1,\"type\":\"build.created\",\"tags\":[1]}",
        "{\"v\":1,\"type\":\"build.finished\",\"state\":\"gone\"}",
        "{\"v\":1,\"time\":\"yesterday\",\"type\":\"build.queued\"}",
        "{\"vertexes\":{}}",
        "{\"vertexes\":[{\"started\":\"1\"}]}",
        "{\"logs\":[{\"data\":\"***\"}]}",
        "{\"statuses\":[{\"current\":1.5}]}",
        "{\"statuses\":[{\"current\":99999999999999999999}]}",
        "{\"vertexes\":[{\"name\":\"\\x\"}]}",
        "{\"vertexes\":[{\"name\":\"\\ud8\"}]}",
        "{\"vertexes\":[{\"name\":\"a",
        "{\"vertexes\":[1]}",
        "{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_error err = {0};
        struct depot_event ev;

        if (depot_wire_decode(rows[i], strlen(rows[i]), &ev, &err) != DEPOT_ERR_INVALID)
            fail_msg("accepted: %s", rows[i]);
        assert_int_not_equal(err.msg[0], 0);
    }
}

struct seen {
    size_t events, errors, texts;
    char last[200];
};

static int on_event(struct depot_event *ev, void *arg)
{
    struct seen *s = arg;

    s->events++;
    depot_event_release(ev);
    return 0;
}

static int on_error(const struct depot_error *err, void *arg)
{
    struct seen *s = arg;

    s->errors++;
    snprintf(s->last, sizeof(s->last), "%.*s", (int)sizeof(s->last) - 1, err->msg);
    return 0;
}

static void test_reader__whole_and_byte_by_byte(void **state)
{
    static const char text[] = "{}\n\r\n{\"vertexes\":[]}\r\nbroken\n{}";

    (void)state;
    for (size_t chunk = 1; chunk <= sizeof(text); chunk += sizeof(text) - 1) {
        struct seen seen = {0};
        struct depot_wire_reader *r = depot_wire_reader_new(on_event, on_error, &seen);

        for (size_t at = 0; at < sizeof(text) - 1; at += chunk) {
            size_t n = sizeof(text) - 1 - at;

            assert_int_equal(depot_wire_reader_feed(r, text + at, n < chunk ? n : chunk), 0);
        }
        assert_int_equal(depot_wire_reader_end(r), 0);
        assert_int_equal(seen.events, 3);
        assert_int_equal(seen.errors, 1);
        assert_true(depot_str_starts(seen.last, "line 4: "));
        depot_wire_reader_free(r);
    }
}

static int on_text(const char *line, size_t n, void *arg)
{
    struct seen *s = arg;

    s->texts++;
    snprintf(s->last, sizeof(s->last), "%.*s", (int)n, line);
    return 0;
}

/* Text is another tool's only as long as no line of ours was seen. */
static void test_reader__tells_text_from_broken_lines(void **state)
{
    static const struct {
        const char *text;
        size_t events, errors, texts;
    } rows[] = {
        {"WARNING: x\n{\"vertexes\":[]}\n  2 |     RUN x\nERROR: y\n", 1, 0, 3},
        {"{\"vertexes\":[]}\n{broken\n", 1, 1, 0},
        {"{\"v\":1,\"seq\":1,\"build\":\"b\",\"type\":\"build.queued\"}\nERROR: y\n", 1, 1, 0},
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct seen seen = {0};
        struct depot_wire_reader *r = depot_wire_reader_new(on_event, on_error, &seen);

        depot_wire_reader_on_text(r, on_text);
        assert_int_equal(depot_wire_reader_feed(r, rows[i].text, strlen(rows[i].text)), 0);
        assert_int_equal(depot_wire_reader_end(r), 0);
        assert_int_equal(seen.events, rows[i].events);
        assert_int_equal(seen.errors, rows[i].errors);
        assert_int_equal(seen.texts, rows[i].texts);
        depot_wire_reader_free(r);
    }
}

static void test_reader__skips_a_line_of_100_mb(void **state)
{
    enum { CHUNK = 1024 * 1024 };
    struct seen seen = {0};
    struct depot_wire_reader *r = depot_wire_reader_new(on_event, on_error, &seen);
    char *chunk = depot_alloc(CHUNK);

    (void)state;
    memset(chunk, 'x', CHUNK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(depot_wire_reader_feed(r, chunk, CHUNK), 0);
    assert_int_equal(depot_wire_reader_feed(r, "\n{}\n", 4), 0);
    assert_int_equal(depot_wire_reader_end(r), 0);
    assert_int_equal(seen.errors, 1);
    assert_string_equal(seen.last, "line 1: longer than 64 MiB");
    assert_int_equal(seen.events, 1);
    depot_wire_reader_free(r);
    depot_free(chunk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire__lines_round_trip),
        cmocka_unit_test(test_wire__strings_as_go_prints_them),
        cmocka_unit_test(test_wire__reads_what_others_write),
        cmocka_unit_test(test_wire__strings_are_read_to_their_end),
        cmocka_unit_test(test_wire__escapes_in_base64_and_times),
        cmocka_unit_test(test_wire__unknown_is_not_an_error),
        cmocka_unit_test(test_wire__bad_lines),
        cmocka_unit_test(test_reader__whole_and_byte_by_byte),
        cmocka_unit_test(test_reader__tells_text_from_broken_lines),
        cmocka_unit_test(test_reader__skips_a_line_of_100_mb),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
