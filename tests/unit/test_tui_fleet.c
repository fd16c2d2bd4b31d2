/*
 * The fleet, build and help views on recorded builds: golden screens, then keys and sizes at
 * random.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <locale.h>

#include "tui_rig.h"

#define DIR_FLEET TEST_SOURCE_DIR "/golden/tui_fleet"
#define FLEET     DIR_FLEET "/fleet.ndjson"

static void check(struct tui_rig *r, const char *name, int h, int w)
{
    char *now = rig_golden(r, DIR_FLEET, name, h, w);
    if (now != NULL)
        fail_msg("%s_%dx%d.screen differs; now:\n%s", name, w, h, now);
}

static void check_sizes(struct tui_rig *r, const char *name)
{
    check(r, name, 24, 80);
    check(r, name, 40, 120);
    check(r, name, 50, 200);
}

static void start(struct tui_rig *r, double seconds)
{
    rig_open(r);
    dp_tui_push(r->tui, VIEW_FLEET, NULL);
    if (seconds != 0)
        assert_true(rig_feed(r, FLEET, seconds));
}

static void test_fleet__is_drawn(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r, 11);
    check_sizes(&r, "active");
    check(&r, "active", 8, 40);
    check(&r, "active", 12, 60);
    rig_keys(&r, "j j j j Space k k");
    check_sizes(&r, "failed_selected");
    rig_keys(&r, "Tab");
    check_sizes(&r, "recent");
    rig_keys(&r, "1 / p r o j e c t = w e b Enter");
    check(&r, "filtered", 24, 80);
    rig_keys(&r, "/ ! s h o p Enter D");
    check(&r, "filtered_sorted", 40, 120);
    dp_tui_set_ascii(r.tui, true);
    check(&r, "ascii", 24, 80);
    r.fleet->recordings = 2;
    check(&r, "recording", 24, 80);
    rig_close(&r);
}

/* What the column with the mark says rises from row to row, whenever the builds began; and a step
 * that another build had begun does not make one older. */
static void test_fleet__sorts_by_what_it_shows(void **state)
{
    static const char lines[] =
        "{\"v\":1,\"seq\":1,\"time\":\"2026-05-04T10:00:00Z\",\"build\":\"long\",\"type\":\"build."
        "created\"}\n"
        "{\"v\":1,\"seq\":1,\"time\":\"2026-05-04T10:00:10Z\",\"build\":\"short\",\"type\":\"build."
        "created\"}\n"
        "{\"v\":1,\"seq\":2,\"time\":\"2026-05-04T10:00:11Z\",\"build\":\"short\",\"type\":\"build."
        "status\","
        "\"platform\":\"linux/"
        "amd64\",\"status\":{\"vertexes\":[{\"digest\":\"sha256:1\",\"name\":\"[a 1/1] RUN x\","
        "\"started\":\"2026-05-04T10:00:01Z\"}]}}\n"
        "{\"v\":1,\"seq\":3,\"time\":\"2026-05-04T10:00:20Z\",\"build\":\"short\",\"type\":\"build."
        "finished\","
        "\"state\":\"failed\",\"duration_ms\":10000}\n"
        "{\"v\":1,\"seq\":2,\"time\":\"2026-05-04T10:00:30Z\",\"build\":\"long\",\"type\":\"build."
        "finished\","
        "\"state\":\"failed\",\"duration_ms\":30000}\n";
    (void)state;
    struct tui_rig r;
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    start(&r, 0);
    assert_true(rig_feed_text(&r, lines, sizeof(lines) - 1));
    dp_fleet_derive(r.fleet);
    assert_true(r.fleet->builds.items[1]->sum.created - r.fleet->builds.items[0]->sum.created ==
                10 * DEPOT_SEC);
    rig_keys(&r, "Tab");
    rig_screen(&r, 24, 120, &out);
    const char *a = strstr(depot_buf_str(&out), "long"), *b = strstr(depot_buf_str(&out), "short");
    assert_true(a != NULL && b != NULL && a < b);
    depot_buf_release(&out);
    rig_close(&r);
}

/* All parts are over, and the build is not. */
static void test_fleet__names_the_joining_of_parts(void **state)
{
    static const char parts[] =
        "{\"v\":1,\"seq\":1,\"time\":\"2026-05-04T10:00:01Z\",\"build\":\"both\",\"type\":\"b"
        "uild.created\",\"project\":\"shop\",\"platforms\":[\"linux/amd64\",\"linux/arm64\"]}"
        "\n"
        "{\"v\":1,\"seq\":2,\"time\":\"2026-05-04T10:00:02Z\",\"build\":\"both\",\"type\":\"b"
        "uild.assigned\",\"platform\":\"linux/amd64\",\"builder\":\"a\"}\n"
        "{\"v\":1,\"seq\":3,\"time\":\"2026-05-04T10:00:03Z\",\"build\":\"both\",\"type\":\"b"
        "uild.assigned\",\"platform\":\"linux/arm64\",\"builder\":\"b\"}\n"
        "{\"v\":1,\"seq\":4,\"time\":\"2026-05-04T10:00:04Z\",\"build\":\"both\",\"type\":\"b"
        "uild.result\",\"platform\":\"linux/amd64\",\"builder\":\"a\",\"state\":\"succeeded\""
        "}\n";
    static const char join[] =
        "{\"v\":1,\"seq\":5,\"time\":\"2026-05-04T10:00:05Z\",\"build\":\"both\",\"type\":\"b"
        "uild.result\",\"platform\":\"linux/arm64\",\"builder\":\"b\",\"state\":\"succeeded\""
        "}\n"
        "{\"v\":1,\"seq\":6,\"time\":\"2026-05-04T10:00:06Z\",\"build\":\"both\",\"type\":\"b"
        "uild.status\",\"platform\":\"linux/amd64\",\"builder\":\"a\",\"status\":{\"vertexes"
        "\":[{\"digest\":\"sha256:1\",\"name\":\"merging manifest list r.example/shop:1\",\"s"
        "tarted\":\"2026-05-04T10:00:06Z\"}]}}\n";
    (void)state;
    struct tui_rig r;
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    start(&r, 0);
    assert_true(rig_feed_text(&r, parts, sizeof(parts) - 1));
    dp_fleet_derive(r.fleet);
    rig_screen(&r, 24, 120, &out);
    assert_non_null(strstr(depot_buf_str(&out), " RUN "));
    assert_true(rig_feed_text(&r, join, sizeof(join) - 1));
    dp_fleet_derive(r.fleet);
    depot_buf_clear(&out);
    rig_screen(&r, 24, 120, &out);
    assert_non_null(strstr(depot_buf_str(&out), " JOIN "));
    assert_non_null(strstr(depot_buf_str(&out), " merging manifest list r.example/shop:1"));
    assert_null(strstr(depot_buf_str(&out), "amd64 merging"));
    depot_buf_release(&out);
    rig_close(&r);
}

static void test_fleet__says_when_nothing_is_there(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r, 0);
    check(&r, "empty", 24, 80);
    check(&r, "small", 5, 30);
    check(&r, "one", 1, 1);
    rig_close(&r);
}

static void test_fleet__says_why_there_is_no_daemon(void **state)
{
    (void)state;
    struct tui_rig r;
    struct depot_error err = {0};
    start(&r, 0);
    depot_error_set(&err, DEPOT_ERR_UNAUTHENTICATED,
        "http://builds.example.com:8850 refused /v1/feed: HTTP 401, no valid token");
    depot_error_hint(&err, "set DEPOT_TOKEN to a token of this daemon");
    dp_fleet_source_state(r.source, DEPOT_FEED_ENDED, &err);
    check(&r, "refused", 24, 80);
    rig_close(&r);
}

static void test_help__is_printed_from_the_tables(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r, 11);
    rig_keys(&r, "?");
    check_sizes(&r, "help");
    rig_keys(&r, "q");
    assert_false(r.quit);
    rig_keys(&r, ": h e l p Enter");
    check_sizes(&r, "help");
    rig_keys(&r, "q");
    assert_false(r.quit);
    rig_keys(&r, "q");
    assert_true(r.quit);
    rig_close(&r);
}

static void one_event(
    struct tui_rig *r, const char *build, uint64_t seq, enum depot_event_type type)
{
    struct depot_event ev = {.type = type, .build = build, .seq = seq};
    struct depot_buf screen = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    ev.time = r->now = (r->now > 0 ? r->now : 1000 * DEPOT_SEC) + DEPOT_SEC;
    if (type == DEPOT_EVENT_BUILD_FINISHED)
        ev.u.finished.state = DEPOT_BUILD_SUCCEEDED;
    dp_fleet_apply(r->source, &ev);
    dp_tui_data_changed(r->tui);
    rig_screen(r, 24, 80, &screen);
    depot_buf_release(&screen);
}

static void shows(struct tui_rig *r, const char *filter, const char *there, const char *gone)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    const struct key k = {.code = KEY_CODE_PASTE, .text = filter};
    rig_keys(r, "\\");
    dp_tui_key(r->tui, &k);
    rig_keys(r, "Enter");
    rig_screen(r, 40, 120, &out);
    if (strstr(depot_buf_str(&out), there) == NULL || strstr(out.data, gone) != NULL)
        fail_msg("%s:\n%s", filter, out.data);
    assert_non_null(strstr(out.data, filter));
    depot_buf_release(&out);
}

static void test_fleet__filters_by_words_and_fields(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r, 11);
    rig_keys(&r, "Tab");
    shows(&r, "state:fail", "shop", "api");
    shows(&r, "state:failed who:raj source:^checkout@", "shop", "api");
    shows(&r, "project:^api/build$ !raj", "api", "shop");
    shows(&r, "state:fail who:ann", "no build passes the filter", "shop");
    shows(&r, "tag:1.4 platform:amd64", "api", "shop");
    rig_keys(&r, "H");
    shows(&r, "state:fail !who:ann", "shop", "api");
    rig_close(&r);
}

/* ---- what can be done ---- */

static bool bottom_says(struct tui_rig *r, const char *text)
{
    struct depot_buf screen = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    rig_screen(r, 24, 120, &screen);
    depot_buf_truncate(&screen, screen.len - 1);
    const bool says = strstr(strrchr(depot_buf_str(&screen), '\n'), text) != NULL;
    depot_buf_release(&screen);
    return says;
}

static void expect_said(struct tui_rig *r, const char *keys, const char *text)
{
    rig_keys(r, keys);
    if (!bottom_says(r, text))
        fail_msg("%s does not say: %s", keys, text);
    assert_int_equal(dp_tui_top(r->tui)->ops->id, VIEW_FLEET);
}

static void test_act__cancels_what_runs(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r, 0);
    one_event(&r, "mine", 1, DEPOT_EVENT_BUILD_CREATED);
    assert_true(bottom_says(&r, "F9 cancel"));
    expect_said(&r, "F9", "cancel mine of somebody? y/N");
    expect_said(&r, "y", "cancelling mine");
    assert_string_equal(r.cancelled, "mine");
    rig_close(&r);
}

static void test_act__says_why_it_cannot_cancel(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r, 0);
    one_event(&r, "mine", 1, DEPOT_EVENT_BUILD_CREATED);
    r.fleet->builds.items[0]->sum.info.origin = "observed";
    assert_false(bottom_says(&r, "cancel"));
    expect_said(&r, "F9", "only the client that started this build can cancel it");
    r.source->cancel = NULL;
    expect_said(&r, "F9", "a recording cannot be cancelled");
    r.source->owned_ = false;
    expect_said(&r, "C-k", "what standard input tells of cannot be cancelled");
    one_event(&r, "mine", 2, DEPOT_EVENT_BUILD_FINISHED);
    expect_said(&r, "F9", "this build is over");
    expect_said(&r, "y", "copied");
    assert_string_equal(r.cancelled, "");
    rig_close(&r);
}

static void test_act__says_why_it_cannot_record_or_link(void **state)
{
    (void)state;
    struct tui_rig r;
    start(&r, 0);
    one_event(&r, "mine", 1, DEPOT_EVENT_BUILD_CREATED);
    expect_said(&r, "R", "one's own build is recorded by `depot build --record FILE`");
    r.source->owned_ = false;
    expect_said(&r, "R", "standard input is not kept");
    expect_said(&r, "W", "this build has no link of a CI run");
    rig_close(&r);
}

static void test_act__says_that_nothing_is_selected(void **state)
{
    static const char *const keys[] = {"Enter", "L", "x", "y", "Space", "F9", "R", "W"};
    static const char *const of_rows[] = {"B", "C", "H"};
    static const char *const said[] = {
        "no builder is selected", "no record is selected", "no build is selected"};
    (void)state;
    struct tui_rig r;
    start(&r, 0);
    assert_false(bottom_says(&r, "open"));
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(keys); i++)
        expect_said(&r, keys[i], "no build is selected");
    one_event(&r, "mine", 1, DEPOT_EVENT_BUILD_CREATED);
    rig_keys(&r, "g");
    assert_true(bottom_says(&r, "open"));
    expect_said(&r, "/ n o n e Enter y", "no build is selected");
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(of_rows); i++) {
        rig_keys(&r, of_rows[i]);
        rig_keys(&r, "y");
        assert_true(bottom_says(&r, said[i]));
        rig_keys(&r, "F9");
        assert_true(bottom_says(&r, "no build is selected"));
        rig_keys(&r, "q");
    }
    rig_close(&r);
}

/* ---- what it begins with ---- */

static void test_open__is_a_command(void **state)
{
    static const struct {
        const char *line;
        bool is;
    } rows[] = {{"history", true}, {" build b7k2", true}, {"sort-age", true}, {"seek 1:20", true},
        {"nope", false}, {"buildx b7k2", false}, {"", false}};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_error err = {0};
        const int rc = dp_tui_check_command(rows[i].line, &err);
        assert_int_equal(rc, rows[i].is ? 0 : DEPOT_ERR_UNSUPPORTED);
        assert_true((err.hint[0] != '\0') != rows[i].is);
    }
}

static void test_open__says_what_is_not_there_until_a_key(void **state)
{
    static const struct {
        const char *line, *says;
    } rows[] = {{"build nope", "no single build begins with \"nope\""},
        {"why nope", "there is no build \"nope\""}};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct tui_rig r;
        start(&r, 0);
        dp_tui_open(r.tui, rows[i].line);
        assert_false(bottom_says(&r, rows[i].says)); /* a daemon may yet tell of it */
        one_event(&r, "mine", 1, DEPOT_EVENT_BUILD_CREATED);
        one_event(&r, "mine", 2, DEPOT_EVENT_BUILD_FINISHED);
        assert_true(bottom_says(&r, rows[i].says));
        assert_int_equal(dp_tui_wake(r.tui), 0); /* as would take it away */
        rig_keys(&r, "g");
        assert_false(bottom_says(&r, rows[i].says));
        rig_close(&r);
    }
}

/* ---- what is typed ---- */

static int filters;

static int count_filter(struct view *v, const char *text, bool done, struct depot_error *err)
{
    (void)v;
    (void)text;
    (void)done;
    (void)err;
    filters++;
    return 0;
}

static void draw_nothing(struct view *v, const struct canvas *c)
{
    (void)v;
    (void)c;
}

/* A filter over a huge build is long work: what is pasted is filtered by once. */
static void test_prompt__filters_once_a_frame(void **state)
{
    static const struct view_ops ops = {.id = VIEW_FLEET,
        .size = sizeof(struct view),
        .draw = draw_nothing,
        .filter = count_filter};
    static const struct view_ops *const views[VIEW_COUNT] = {[VIEW_FLEET] = &ops};
    (void)state;
    struct tui_rig r;
    rig_open(&r);
    dp_tui_free(r.tui);
    r.tui = dp_tui_new(r.fleet, views, r.keys, &r.styles, NULL, NULL);
    dp_tui_resize(r.tui, 24, 80);
    dp_tui_push(r.tui, VIEW_FLEET, NULL);
    filters = 0;
    for (int i = 0; i < 300; i++) {
        const struct key k = {.code = i == 0 ? '/' : 'x'};
        dp_tui_key(r.tui, &k);
    }
    dp_tui_frame(r.tui, r.now);
    dp_tui_frame(r.tui, r.now);
    assert_int_equal(filters, 1);
    const struct key enter = {.code = KEY_CODE_ENTER};
    dp_tui_key(r.tui, &enter);
    assert_int_equal(filters, 2);
    rig_close(&r);
}

/* Whoever has chosen nothing sees what runs, not the build that was first when the view opened. */
static void test_fleet__is_not_left_by_escape(void **state)
{
    (void)state;
    struct tui_rig r;
    struct depot_buf screen = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    rig_open(&r);
    dp_tui_push(r.tui, VIEW_FLEET, NULL);
    rig_keys(&r, "B Esc Esc");
    rig_screen(&r, 24, 80, &screen);
    assert_non_null(strstr(depot_buf_str(&screen), "Active"));
    assert_non_null(strstr(depot_buf_str(&screen), "q leaves"));
    depot_buf_release(&screen);
    rig_close(&r);
}

static void test_fleet__stays_at_the_top_until_moved(void **state)
{
    (void)state;
    struct tui_rig r;
    struct depot_buf screen = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char id[16];
    rig_open(&r);
    dp_tui_push(r.tui, VIEW_FLEET, NULL);
    for (int i = 0; i < 40; i++) {
        snprintf(id, sizeof(id), "over%02d", i);
        one_event(&r, id, 1, DEPOT_EVENT_BUILD_CREATED);
        one_event(&r, id, 2, DEPOT_EVENT_BUILD_FINISHED);
    }
    one_event(&r, "fresh", 1, DEPOT_EVENT_BUILD_CREATED);
    rig_screen(&r, 24, 80, &screen);
    assert_non_null(strstr(depot_buf_str(&screen), "fresh"));
    depot_buf_release(&screen);
    rig_close(&r);
}

static void test_fleet__keeps_the_selected_build(void **state)
{
    (void)state;
    struct tui_rig r;
    struct depot_buf before = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    start(&r, 9.5);
    rig_keys(&r, "G y");
    const size_t copied = r.copied.len;
    rig_screen(&r, 24, 80, &before);
    r.until = 0;
    assert_true(rig_feed(&r, FLEET, -1));
    rig_keys(&r, "y");
    assert_int_equal(r.copied.len, copied);
    assert_true(copied > 0);
    depot_buf_release(&before);
    rig_close(&r);
}

/* ---- at random ---- */

static uint32_t seed = 20260504;
static uint32_t roll(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static void random_key(struct tui_rig *r)
{
    struct key k = {0};
    if (roll(8) == 0) {
        k.code = KEY_CODE_MOUSE;
        k.y = (int)roll(60);
        k.x = (int)roll(220);
        k.button = (enum mouse_button)roll(5);
    } else if (roll(4) == 0) {
        k.code = KEY_CODE_UP + roll(KEY_CODE_F12 - KEY_CODE_UP + 1);
    } else {
        k.code = ' ' + roll(95);
        k.mods = roll(6) == 0 ? KEY_CTRL : 0;
    }
    dp_tui_key(r->tui, &k);
}

static void test_tui__survives_any_keys_and_sizes(void **state)
{
    (void)state;
    for (int round = 0; round < 12; round++) {
        struct tui_rig r;
        start(&r, 1.0 * round);
        for (int i = 0; i < 250 && !r.quit; i++) {
            if (roll(10) == 0)
                dp_tui_resize(r.tui, (int)roll(121), (int)roll(401));
            if (roll(40) == 0)
                dp_fleet_restart(r.source);
            random_key(&r);
            (void)dp_tui_frame(r.tui, r.now + (depot_time)roll(1000) * DEPOT_MSEC);
        }
        rig_close(&r);
    }
}

static void test_tui__survives_hostile_names(void **state)
{
    (void)state;
    static const char line[] =
        "{\"v\":1,\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\",\"build\":\"\\u001b[2J\\u202eid\","
        "\"type\":\"build.created\",\"project\":\"\\u001b]0;owned\\u0007\\u0007\\u4e2d\\u6587\","
        "\"user\":\"a\\tb\\nc\\u0300\\u0301\\u0302\\u0303\",\"platforms\":[\"linux/amd64\",\"\"]}";
    struct tui_rig r;
    struct depot_event ev;
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    start(&r, 0);
    assert_int_equal(depot_wire_decode(line, sizeof(line) - 1, &ev, NULL), 0);
    dp_fleet_apply(r.source, &ev);
    depot_event_release(&ev);
    r.now = DEPOT_SEC;
    for (int w = 40; w < 220; w += 7) {
        depot_buf_clear(&out);
        rig_screen(&r, 24, w, &out);
        for (size_t i = 0; i < out.len; i++)
            assert_true((unsigned char)out.data[i] >= ' ' || out.data[i] == '\n');
        assert_null(strstr(out.data, "\u202e"));
    }
    depot_buf_release(&out);
    rig_close(&r);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fleet__is_drawn),
        cmocka_unit_test(test_fleet__sorts_by_what_it_shows),
        cmocka_unit_test(test_fleet__names_the_joining_of_parts),
        cmocka_unit_test(test_fleet__says_when_nothing_is_there),
        cmocka_unit_test(test_fleet__says_why_there_is_no_daemon),
        cmocka_unit_test(test_help__is_printed_from_the_tables),
        cmocka_unit_test(test_fleet__keeps_the_selected_build),
        cmocka_unit_test(test_fleet__is_not_left_by_escape),
        cmocka_unit_test(test_fleet__stays_at_the_top_until_moved),
        cmocka_unit_test(test_fleet__filters_by_words_and_fields),
        cmocka_unit_test(test_act__cancels_what_runs),
        cmocka_unit_test(test_act__says_why_it_cannot_cancel),
        cmocka_unit_test(test_act__says_why_it_cannot_record_or_link),
        cmocka_unit_test(test_act__says_that_nothing_is_selected),
        cmocka_unit_test(test_open__is_a_command),
        cmocka_unit_test(test_open__says_what_is_not_there_until_a_key),
        cmocka_unit_test(test_prompt__filters_once_a_frame),
        cmocka_unit_test(test_tui__survives_any_keys_and_sizes),
        cmocka_unit_test(test_tui__survives_hostile_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
