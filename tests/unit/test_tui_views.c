/*
 * The views of builders, caches and past builds: screens of a recorded fleet against
 * tests/golden/tui_views. UPDATE_GOLDEN=1 writes those anew; ANSI_DIR=DIR adds them in colour.
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

#include <depot/wire.h>

#include "tui/widget/table.h"
#include "tui_rig.h"

#define GOLDEN TEST_SOURCE_DIR "/golden/tui_views/"

/* ---- a dashboard without a terminal ---- */

static void feed(struct tui_rig *r, const char *data, size_t n)
{
    assert_true(rig_feed_text(r, data, n));
    dp_fleet_derive(r->fleet);
}

static void answer_text(struct tui_rig *r, const char *text, size_t n)
{
    struct depot_response a;
    struct depot_error err = {0};
    const char *op = strstr(text, "\"op\":\"") + 6;
    char *name = depot_strndup(op, strcspn(op, "\""));
    const int ask = depot_query_kind_from_name(name);
    depot_free(name);
    if (depot_response_decode(text, n, DEPOT_FEED_V1, (enum depot_query_kind)ask, &a, &err) != 0)
        fail_msg("%s", err.msg);
    if (a.ask == DEPOT_QUERY_ESTIMATES)
        dp_fleet_learn(r->fleet, &a.u.estimates);
    dp_tui_answer(r->tui, r->source, &a);
    dp_tui_data_changed(r->tui);
    depot_response_release(&a);
}

static void answer(struct tui_rig *r, const char *name)
{
    char *path = depot_asprintf(GOLDEN "%s.json", name);
    size_t n;
    char *text = rig_read(path, &n);
    assert_non_null(text);
    answer_text(r, text, n);
    depot_free(text);
    depot_free(path);
}

static void open_rig(struct tui_rig *r, bool recorded)
{
    static const struct tui_ops none = {0};
    rig_open_with(r, &none);
    if (recorded)
        assert_true(rig_feed(r, GOLDEN "fleet.ndjson", -1));
    dp_fleet_derive(r->fleet);
    if (r->now == 0)
        r->now = DEPOT_SEC;
}

static const struct grid *frame(struct tui_rig *r, int h, int w)
{
    dp_tui_resize(r->tui, h, w);
    return dp_tui_frame(r->tui, r->now);
}

static void compare(struct tui_rig *r, const char *name, int h, int w)
{
    char *now = rig_golden(r, GOLDEN, name, h, w);
    if (now != NULL)
        fail_msg("%s %dx%d differs; now:\n%s", name, w, h, now);
}

static void compare_sizes(struct tui_rig *r, const char *name)
{
    compare(r, name, 24, 80);
    compare(r, name, 40, 120);
    compare(r, name, 50, 200);
}

static bool shows(struct tui_rig *r, int h, int w, const char *text)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_grid_text(frame(r, h, w), &out);
    const bool found = strstr(depot_buf_str(&out), text) != NULL;
    depot_buf_release(&out);
    return found;
}

/* ---- builders ---- */

static void open_view(struct tui_rig *r, enum view_id view, const char *arg)
{
    dp_tui_push(r->tui, VIEW_FLEET, NULL);
    dp_tui_push(r->tui, view, arg);
}

static void test_builders__look_as_recorded(void **state)
{
    struct tui_rig r;
    (void)state;
    open_rig(&r, true);
    open_view(&r, VIEW_BUILDERS, NULL);
    compare_sizes(&r, "builders");
    compare(&r, "builders", 8, 40);
    dp_tui_set_ascii(r.tui, true);
    compare(&r, "builders_ascii", 24, 80);
    rig_close(&r);
}

/* Twelve of them: the recorded ones under more names, some busy, one down. */
static void test_builders__many_stand_in_a_table(void **state)
{
    struct tui_rig r;
    (void)state;
    open_rig(&r, true);
    for (int i = 0; i < 10; i++) {
        struct depot_event ev = {.type = DEPOT_EVENT_BUILDER_METRICS, .time = r.now};
        const struct fleet_builder *like = r.fleet->builders.items[i % 2];
        char name[32];
        snprintf(name, sizeof(name), "%s-%c", like->name, 'b' + i);
        ev.u.builder = like->info;
        ev.u.builder.builder = name;
        ev.u.builder.cpu = 0.1 * i;
        ev.u.builder.running = i % 5;
        ev.u.builder.queued = i % 5 == 4 ? 2 : 0;
        ev.u.builder.reason = "connect: Connection refused";
        ev.type = i == 6 ? DEPOT_EVENT_BUILDER_DOWN : DEPOT_EVENT_BUILDER_METRICS;
        dp_fleet_apply(r.source, &ev);
    }
    open_view(&r, VIEW_BUILDERS, NULL);
    compare_sizes(&r, "builders_many");
    rig_keys(&r, "j j j j j j j j");
    compare(&r, "builders_many_down", 24, 80);
    rig_close(&r);
}

/* ---- cache ---- */

static void test_cache__looks_as_recorded(void **state)
{
    struct tui_rig r;
    (void)state;
    open_rig(&r, true);
    open_view(&r, VIEW_CACHE, NULL);
    compare(&r, "cache_asking", 24, 80);
    answer(&r, "cache");
    compare_sizes(&r, "cache");
    compare(&r, "cache", 8, 40);
    rig_keys(&r, "Tab > j");
    compare_sizes(&r, "cache_one");
    dp_tui_set_ascii(r.tui, true);
    compare(&r, "cache_ascii", 24, 80);
    rig_close(&r);
}

static void test_cache__prune_asks_first(void **state)
{
    static const char pruned[] = "{\"op\":\"prune\",\"builders\":[{\"builder\":\"amd64\",\"freed\":"
                                 "3221225472,\"records\":7}]}";
    static const char down[] =
        "{\"op\":\"cache\",\"builders\":[{\"builder\":\"amd64\",\"error\":\"it is down\"}]}";
    struct tui_rig r;
    (void)state;
    open_rig(&r, true);
    open_view(&r, VIEW_CACHE, "amd64");
    answer(&r, "cache");
    rig_keys(&r, "p");
    compare(&r, "cache_prune", 24, 80);
    assert_true(shows(&r, 24, 80, "from the cache of amd64? y/N"));
    rig_keys(&r, "y");
    assert_true(shows(&r, 24, 80, "no daemon")); /* a recording has none */
    answer_text(&r, pruned, strlen(pruned));
    assert_true(shows(&r, 24, 80, "freed 3.2GB"));
    answer_text(&r, down, strlen(down));
    assert_true(shows(&r, 24, 80, "it is down"));
    rig_close(&r);
}

/* ---- history ---- */

static void test_history__looks_as_recorded(void **state)
{
    struct tui_rig r;
    (void)state;
    open_rig(&r, true);
    open_view(&r, VIEW_HISTORY, NULL);
    answer(&r, "estimates");
    compare_sizes(&r, "history");
    compare(&r, "history", 8, 40);
    rig_keys(&r, "D j");
    compare_sizes(&r, "history_slowest");
    rig_keys(&r, "S");
    dp_tui_set_ascii(r.tui, true);
    compare(&r, "history_ascii", 24, 80);
    rig_close(&r);
}

static void test_history__filters_and_finds_siblings(void **state)
{
    struct tui_rig r;
    (void)state;
    open_rig(&r, true);
    open_view(&r, VIEW_HISTORY, NULL);
    rig_keys(&r, "/");
    for (const char *c = "project=docs"; *c != '\0'; c++) {
        const char name[2] = {*c, '\0'};
        rig_key(&r, name);
    }
    rig_keys(&r, "Enter");
    compare(&r, "history_filter", 24, 80);
    rig_keys(&r, "[ [ ]");
    assert_true(shows(&r, 24, 80, "docs"));
    rig_close(&r);
}

/* Of builds that nobody opened the daemon tells the step, an older one the command alone. */
static void test_fleet__tells_the_step_that_failed_a_past_build(void **state)
{
    struct tui_rig r;
    (void)state;
    open_rig(&r, true);
    dp_tui_push(r.tui, VIEW_FLEET, NULL);
    rig_keys(&r, "3");
    compare_sizes(&r, "fleet_failed");
    rig_close(&r);
}

/* A daemon that comes back tells of its builds anew; names in the view on a frozen screen are not
 * those that were thrown away. */
static void test_history__outlives_what_it_was_told(void **state)
{
    static const char line[] =
        "{\"v\":1,\"time\":\"2026-05-04T10:00:00Z\",\"type\":\"fleet.snapshot\",\"builders\":[],"
        "\"builds\":[{\"id\":\"aaaaaaaaaa\",\"project\":\"web\",\"state\":\"succeeded\","
        "\"created\":\"2026-05-04T09:00:00Z\",\"finished\":\"2026-05-04T09:01:00Z\","
        "\"duration_ms\":60000},{\"project\":\"nameless\"}]}\n";
    struct tui_rig r;
    (void)state;
    open_rig(&r, false);
    feed(&r, line, sizeof(line) - 1);
    open_view(&r, VIEW_HISTORY, NULL);
    assert_true(shows(&r, 24, 80, "web"));
    rig_keys(&r, "Z");
    feed(&r, line, sizeof(line) - 1);
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_grid_text(dp_tui_frame(r.tui, r.now), &out);
    assert_non_null(strstr(depot_buf_str(&out), "web"));
    depot_buf_release(&out);
    rig_close(&r);
}

/* ---- what must not break them ---- */

static void every_size(struct tui_rig *r)
{
    for (int w = 0; w <= 300; w += w < 48 ? 4 : 21)
        for (int h = 0; h <= 100; h += h < 30 ? 3 : 17)
            (void)frame(r, h, w);
}

static void test_views__draw_at_every_size_and_without_data(void **state)
{
    static const enum view_id views[] = {VIEW_BUILDERS, VIEW_CACHE, VIEW_HISTORY};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(views); i++) {
        for (int recorded = 0; recorded < 2; recorded++) {
            struct tui_rig r;
            open_rig(&r, recorded);
            open_view(&r, views[i], NULL);
            every_size(&r);
            answer(&r, "cache");
            every_size(&r);
            rig_keys(&r, "j k G g Tab S-Tab > < I A PgDn PgUp y C-d C-u [ ]");
            every_size(&r);
            rig_close(&r);
        }
    }
}

static void test_views__take_odd_names_and_numbers(void **state)
{
    static const char odd[] =
        "{\"v\":1,\"time\":\"2026-01-01T00:00:00Z\",\"type\":\"fleet.snapshot\",\"builders\":["
        "{\"builder\":\"\\u001b[31m\\u202e\346\227\245\346\234\254\",\"platforms\":[],\"cpu\":7e9,"
        "\"mem_used\":-3,\"mem_total\":0,\"disk_used\":9223372036854775807,\"disk_total\":1,"
        "\"cache_used\":5,\"running\":-4,\"queued\":2147483647,\"capacity\":-1,\"up\":true},"
        "{\"builder\":\"\",\"reason\":\"a\\nb\\u0007\",\"up\":false}],\"builds\":["
        "{\"id\":\"x1\",\"state\":\"succeeded\",\"created\":\"2026-01-01T00:00:00Z\","
        "\"duration_ms\":-5,\"counts\":{\"hit\":-7,\"ran\":3}},"
        "{\"id\":\"x2\",\"state\":\"failed\",\"duration_ms\":9223372036854,"
        "\"message\":\"\\u001b]0;x\\u0007\"}]}\n";
    static const char cache[] =
        "{\"op\":\"cache\",\"builders\":[{\"builder\":\"\\u001b[2J\",\"bytes\":-1,\"records\":-1,"
        "\"limit\":0,\"types\":[{\"type\":\"\",\"bytes\":-4,\"reclaimable\":9}],\"list\":["
        "{\"id\":\"\",\"description\":\"\\u0000\\u009b31m\\n\",\"type\":\"\",\"bytes\":-9}]}]}";
    static const enum view_id views[] = {VIEW_BUILDERS, VIEW_CACHE, VIEW_HISTORY};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(views); i++) {
        struct tui_rig r;
        open_rig(&r, false);
        feed(&r, odd, strlen(odd));
        open_view(&r, views[i], NULL);
        answer_text(&r, cache, strlen(cache));
        every_size(&r);
        rig_keys(&r, "> j Tab p n");
        every_size(&r);
        rig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builders__look_as_recorded),
        cmocka_unit_test(test_builders__many_stand_in_a_table),
        cmocka_unit_test(test_cache__looks_as_recorded),
        cmocka_unit_test(test_cache__prune_asks_first),
        cmocka_unit_test(test_history__looks_as_recorded),
        cmocka_unit_test(test_history__filters_and_finds_siblings),
        cmocka_unit_test(test_fleet__tells_the_step_that_failed_a_past_build),
        cmocka_unit_test(test_history__outlives_what_it_was_told),
        cmocka_unit_test(test_views__draw_at_every_size_and_without_data),
        cmocka_unit_test(test_views__take_odd_names_and_numbers),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
