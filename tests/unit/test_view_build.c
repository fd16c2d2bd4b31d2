/*
 * The build view: screens of recorded builds, whole and half done, against the .screen files of
 * tests/golden/tui_build. UPDATE_GOLDEN=1 writes those anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <locale.h>
#include <time.h>

#include <depot/wire.h>

#include "tui_rig.h"
#include "tui/view/build/build_priv.h"
#include "tui/view/step/step_priv.h"

#define GOLDEN TEST_SOURCE_DIR "/golden/tui_build/"

static void feed(struct tui_rig *r, const char *data, size_t n)
{
    assert_true(rig_feed_text(r, data, n));
}

/* `ms` of the recording; 0: all of it. */
static void open_rig(struct tui_rig *r, const char *recording, int ms)
{
    char *path = depot_asprintf(GOLDEN "%s.ndjson", recording);
    rig_open(r);
    assert_true(rig_feed(r, path, ms > 0 ? ms / 1000.0 : -1));
    depot_free(path);
    dp_fleet_derive(r->fleet);
}

static void show(struct tui_rig *r, int h, int w)
{
    dp_tui_resize(r->tui, h, w);
    dp_tui_push(r->tui, VIEW_BUILD, r->fleet->builds.items[0]->id);
    assert_int_equal(dp_tui_top(r->tui)->ops->id, VIEW_BUILD);
    dp_tui_frame(r->tui, r->now);
}

static void expect_screen(struct tui_rig *r, const char *name)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char *path = depot_asprintf(GOLDEN "%s.screen", name);
    dp_grid_text(dp_tui_frame(r->tui, r->now), &out);
    if (!rig_same(path, &out))
        fail_msg("%s differs; now:\n%s", path, out.data);
    rig_ansi(r, name);
    depot_free(path);
    depot_buf_release(&out);
}

static void test_view_build__draws_recorded_builds(void **state)
{
    static const struct {
        const char *name, *recording;
        int ms; /* 0: all */
        int h, w;
        const char *keys;
    } rows[] = {
        {"shop_start_80x24", "shop", 400, 24, 80, ""},
        {"shop_mid_80x24", "shop", 5000, 24, 80, ""},
        {"shop_mid_120x40", "shop", 5000, 40, 120, ""},
        {"shop_mid_200x50", "shop", 5000, 50, 200, ""},
        {"shop_mid_60x12", "shop", 5000, 12, 60, ""},
        {"shop_mid_40x8", "shop", 5000, 8, 40, ""},
        {"shop_late_80x24", "shop", 9500, 24, 80, ""},
        {"shop_late_200x50", "shop", 9500, 50, 200, ""},
        {"shop_80x24", "shop", 0, 24, 80, ""},
        {"shop_120x40", "shop", 0, 40, 120, ""},
        {"shop_200x50", "shop", 0, 50, 200, ""},
        {"shop_folded_80x24", "shop", 0, 24, 80, "-"},
        {"shop_related_200x50", "shop", 0, 50, 200, "/ p r o t o Enter"},
        {"shop_critical_200x50", "shop", 0, 50, 200, "c"},
        {"shop_misses_120x40", "shop", 0, 40, 120, "m"},
        {"shop_time_80x24", "shop", 0, 24, 80, "2"},
        {"shop_time_120x40", "shop", 0, 40, 120, "2"},
        {"shop_time_200x50", "shop", 0, 50, 200, "2"},
        {"shop_flat_80x24", "shop", 0, 24, 80, "3"},
        {"shop_flat_120x40", "shop", 5000, 40, 120, "3"},
        {"shop_flat_200x50", "shop", 0, 50, 200, "3"},
        {"shop_internal_200x50", "shop", 0, 50, 200, "i"},
        {"fail_80x24", "fail", 0, 24, 80, ""},
        {"fail_120x40", "fail", 0, 40, 120, ""},
        {"fail_200x50", "fail", 0, 50, 200, ""},
        {"link_80x24", "link", 0, 24, 80, ""},
        {"link_200x50", "link", 0, 50, 200, "Down"},
        {"waiting_80x24", "waiting", 4000, 24, 80, ""},
        {"waiting_200x50", "waiting", 4000, 50, 200, ""},
        {"hello_80x24", "hello", 0, 24, 80, ""},
        {"hello_200x50", "hello", 900, 50, 200, ""},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct tui_rig r;
        open_rig(&r, rows[i].recording, rows[i].ms);
        show(&r, rows[i].h, rows[i].w);
        rig_keys(&r, rows[i].keys);
        expect_screen(&r, rows[i].name);
        rig_close(&r);
    }
}

static void test_view_build__draws_ascii(void **state)
{
    struct tui_rig r;
    (void)state;
    open_rig(&r, "shop", 5000);
    dp_tui_set_ascii(r.tui, true);
    show(&r, 24, 80);
    expect_screen(&r, "ascii_80x24");
    dp_tui_resize(r.tui, 50, 200);
    expect_screen(&r, "ascii_200x50");
    rig_close(&r);
}

static struct build_view *view_of(const struct tui_rig *r)
{
    struct view *v = dp_tui_top(r->tui);
    assert_int_equal(v->ops->id, VIEW_BUILD);
    return (struct build_view *)v;
}

/* "arm64 deps 2/3" of what is selected. */
static void expect_selected(struct tui_rig *r, const char *want)
{
    struct depot_buf got = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_tui_frame(r->tui, r->now);
    const struct build_view *v = view_of(r);
    const struct build_item *it = dp_build_selected(v);
    assert_non_null(it);
    const size_t lane = dp_build_item_lane(v, it);
    depot_buf_addf(&got, "%s", depot_text_platform(v->graph.lanes[lane]));
    if (it->kind == ITEM_LINE) {
        depot_buf_addc(&got, ' ');
        dp_build_line_name(&got, dp_build_item_step(v, it, lane));
    } else if (it->kind == ITEM_STAGE) {
        depot_buf_addf(&got, " %s", v->graph.stages.items[it->stage].name);
    }
    assert_string_equal(depot_buf_str(&got), want);
    depot_buf_release(&got);
}

static void test_view_build__moves_and_folds(void **state)
{
    static const struct {
        const char *keys, *selected;
    } rows[] = {
        {"", "arm64 deps 3/3"}, /* what took longest */
        {"g", "arm64 base"},
        {"Tab", "amd64 base"},
        {"/ s e r v e r Enter", "amd64 server"},
        {"Right j j j", "amd64 server 3/3"},
        {"T", "arm64 server 3/3"},
        {"Left", "arm64 server"},
        {"Space j", "arm64 server 1/3"},
        {"-", "arm64 server"},
        {"+", "arm64 server 1/3"},
        {"2", "arm64 server 1/3"},
        {"3", "arm64 server 1/3"},
        {"1", "arm64 server 1/3"},
        {"c", "arm64 server 1/3"},
        {"c m", "arm64 server 1/3"},
        {"m i", "arm64 server 1/3"},
        {"G", "arm64 load build context"},
        {"i", "arm64 internal"},
        {"\\ ^ t e s t Enter", "arm64 test"},
        {"\\ C-u Enter", "arm64 test"},
        {"F", "arm64 deps 3/3"},
    };
    struct tui_rig r;
    (void)state;
    open_rig(&r, "shop", 0);
    show(&r, 50, 200);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        rig_keys(&r, rows[i].keys);
        if (getenv("VERBOSE") != NULL)
            print_message("%s\n", rows[i].keys);
        expect_selected(&r, rows[i].selected);
    }
    rig_keys(&r, "y");
    assert_non_null(strstr(r.copied.data, "deps 3/3"));
    rig_keys(&r, "Enter");
    assert_int_equal(dp_tui_top(r.tui)->ops->id, VIEW_STEP);
    rig_keys(&r, "q L");
    assert_int_equal(dp_tui_top(r.tui)->ops->id, VIEW_STEP);
    rig_close(&r);
}

static void test_view_build__searches_folded_stages(void **state)
{
    static const struct {
        const char *keys, *selected;
    } rows[] = {
        /* While it is typed, the stage that hides it; at Enter it is shown. */
        {"- g / f r o m = s e r v e r", "amd64 final"},
        {"Enter", "amd64 final 3/5"},
        {"- g / a p p / Enter", "amd64 proto 1/2"},
        {"n", "amd64 deps 1/3"},
        {"n", "amd64 server 1/3"},
        {"- N", "amd64 deps 1/3"},
    };
    static const int sizes[][2] = {{50, 200}, {24, 80}};
    (void)state;
    for (size_t k = 0; k < DEPOT_ARRAY_LEN(sizes); k++) {
        struct tui_rig r;
        open_rig(&r, "shop", 0);
        show(&r, sizes[k][0], sizes[k][1]);
        rig_keys(&r, "Tab");
        for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
            rig_keys(&r, rows[i].keys);
            if (getenv("VERBOSE") != NULL)
                print_message("%s\n", rows[i].keys);
            expect_selected(&r, rows[i].selected);
        }
        rig_close(&r);
    }
}

static void test_view_build__goes_to_errors(void **state)
{
    struct tui_rig r;
    (void)state;
    open_rig(&r, "fail", 0);
    show(&r, 24, 80);
    expect_selected(&r, "arm64 server 2/2");
    rig_keys(&r, "g -");
    expect_selected(&r, "amd64");
    rig_keys(&r, "e");
    expect_selected(&r, "arm64 server 2/2");
    rig_keys(&r, "Tab");
    expect_selected(&r, "amd64 server 2/2");
    rig_keys(&r, "E");
    expect_selected(&r, "arm64 server 2/2");
    rig_close(&r);
}

/* Fed piece by piece, as it happens: the selected row keeps its line of the screen, stages their
 * order. */
struct replay {
    struct tui_rig *r;
    int n, line;
};

static int on_replay(struct depot_event *ev, void *arg)
{
    struct replay *p = arg;
    struct tui_rig *r = p->r;
    dp_fleet_apply(r->source, ev);
    r->now = ev->time > r->now ? ev->time : r->now;
    depot_event_release(ev);
    if (p->n++ == 0)
        show(r, 40, 160);
    dp_tui_data_changed(r->tui);
    dp_tui_frame(r->tui, r->now);
    const struct build_view *v = view_of(r);
    if (v->list.len > 12 && p->line < 0) {
        rig_keys(r, "g j j j j");
        dp_tui_frame(r->tui, r->now);
        p->line = (int)(v->rows.selected - v->rows.top);
    }
    return 0;
}

static int replay_bad(const struct depot_error *err, void *arg)
{
    struct replay *p = arg;
    return rig_bad_line(err, p->r);
}

static void test_view_build__keeps_still_while_it_grows(void **state)
{
    struct tui_rig r;
    struct replay p = {.r = &r, .line = -1};
    size_t n;
    (void)state;
    rig_open(&r);
    char *data = rig_read(GOLDEN "shop.ndjson", &n);
    struct depot_wire_reader *reader = depot_wire_reader_new(on_replay, replay_bad, &p);
    assert_int_equal(depot_wire_reader_feed(reader, data, n), 0);
    assert_false(r.bad);
    depot_wire_reader_free(reader);
    depot_free(data);
    const struct build_view *v = view_of(&r);
    assert_int_equal(v->rows.selected - v->rows.top, p.line);
    assert_int_equal(v->build->state->state, DEPOT_BUILD_SUCCEEDED);
    rig_close(&r);
}

static void refeed(struct tui_rig *r, const char *recording)
{
    char *path = depot_asprintf(GOLDEN "%s.ndjson", recording);
    size_t n;
    char *data = rig_read(path, &n);
    feed(r, data, n);
    depot_free(data);
    depot_free(path);
}

/* A replay that goes back: all steps are new, what was chosen and folded is not. A frozen screen
 * and keys in between meet no step that is gone. */
static void test_view_build__outlives_its_state(void **state)
{
    struct tui_rig r;
    (void)state;
    open_rig(&r, "shop", 0);
    show(&r, 50, 200);
    rig_keys(&r, "/ s e r v e r Enter Left");
    expect_selected(&r, "arm64 server");
    rig_keys(&r, "Z");
    for (int round = 0; round < 3; round++) {
        dp_fleet_restart(r.source);
        if (round > 0) {
            rig_keys(&r, "j k e T c c Tab Tab");
            dp_tui_frame(r.tui, r.now);
        }
        refeed(&r, "shop");
        dp_tui_data_changed(r.tui);
        if (round > 1)
            rig_keys(&r, "Z");
        dp_fleet_derive(r.fleet);
        rig_keys(&r, "j k");
        dp_tui_frame(r.tui, r.now);
    }
    const struct build_view *v = view_of(&r);
    for (size_t i = 0; i < v->graph.stages.len; i++)
        if (depot_str_eq(v->graph.stages.items[i].name, "server"))
            assert_false(dp_graph_is_open(&v->graph, (unsigned)i));
    rig_close(&r);
}

static void test_view_build__fits_any_size(void **state)
{
    static const char *const recordings[] = {"shop", "fail", "link"};
    static const char *const moves[] = {"j", "G", "Space", "+", "-", "1", "2", "3", "c", "m", "i",
        "Tab", "T", "e", "g", "k", "PgDn", "PgUp", "Left", "Right", "z", "F", "n", "S-Tab", "E"};
    (void)state;
    for (size_t k = 0; k < DEPOT_ARRAY_LEN(recordings); k++) {
        struct tui_rig r;
        open_rig(&r, recordings[k], k == 0 ? 5000 : 0);
        show(&r, 24, 80);
        for (int i = 0; i < 500; i++) {
            const int h = i * 7 % 61, w = i * 13 % 301;
            dp_tui_set_ascii(r.tui, i % 3 == 0);
            dp_tui_resize(r.tui, h, w);
            dp_tui_frame(r.tui, r.now);
            rig_keys(&r, moves[i % (int)DEPOT_ARRAY_LEN(moves)]);
        }
        dp_tui_resize(r.tui, 0, 0);
        dp_tui_frame(r.tui, r.now);
        rig_close(&r);
    }
}

/* ---- builds that no recording has ---- */

static void put_event(struct tui_rig *r, const char *type, const char *format, ...)
    DEPOT_PRINTF(3, 4);

static void put_event(struct tui_rig *r, const char *type, const char *format, ...)
{
    struct depot_buf line = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    va_list ap;
    static unsigned seq;
    seq++;
    va_start(ap, format);
    char *body = depot_vasprintf(format, ap);
    va_end(ap);
    depot_buf_addf(&line,
        "{\"v\":1,\"seq\":%u,\"time\":\"2026-11-23T12:00:0%u.5Z\",\"build\":\"b1\",\"type\":\"%s\"%"
        "s}\n",
        seq, seq % 10, type, body);
    feed(r, line.data, line.len);
    depot_free(body);
    depot_buf_release(&line);
}

static void test_view_build__says_what_it_waits_for(void **state)
{
    struct tui_rig r;
    (void)state;
    rig_open(&r);
    put_event(&r, "build.created",
        ",\"project\":\"web\",\"command\":\"depot build .\",\"platforms\":[\"linux/amd64\"],"
        "\"tags\":[],\"source\":{\"dirty\":false},\"origin\":\"depot\"");
    put_event(&r, "build.queued",
        ",\"platform\":\"linux/amd64\",\"reason\":\"builder amd64 runs 4 builds\",\"position\":2");
    show(&r, 24, 80);
    expect_screen(&r, "queued_80x24");
    rig_close(&r);
}

/* A step that failed has its place in the Dockerfile; those cancelled because of it do not. */
static void test_view_build__shows_the_place_of_what_failed(void **state)
{
    struct tui_rig r;
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    (void)state;
    rig_open(&r);
    put_event(&r, "build.status",
        ",\"platform\":\"linux/amd64\",\"builder\":\"b\",\"status\":{\"vertexes\":["
        "{\"digest\":\"f\",\"name\":\"[unit 1/1] RUN test\",\"started\":\"2026-11-23T12:00:00Z\","
        "\"completed\":\"2026-11-23T12:00:01Z\",\"error\":\"exit code: 3\"},"
        "{\"digest\":\"c\",\"name\":\"[docs 1/1] RUN make\",\"started\":\"2026-11-23T12:00:00Z\","
        "\"completed\":\"2026-11-23T12:00:01Z\",\"error\":\"context canceled\"}]}");
    put_event(&r, "build.result",
        ",\"platform\":\"linux/amd64\",\"builder\":\"b\",\"state\":\"failed\",\"error\":{"
        "\"message\":\"exit code: 3\",\"vertex\":\"f\",\"file\":\"Dockerfile\",\"ranges\":[[9,9]],"
        "\"first_line\":9,\"lines\":[\"RUN test # here\"]}");
    dp_fleet_derive(r.fleet);
    show(&r, 24, 80);
    rig_keys(&r, "e");
    expect_selected(&r, "amd64 unit");
    rig_screen(&r, 24, 80, &out);
    assert_non_null(strstr(depot_buf_str(&out), "Dockerfile:9"));
    assert_non_null(strstr(depot_buf_str(&out), "# here"));
    rig_keys(&r, "/ d o c s Enter");
    expect_selected(&r, "amd64 docs");
    depot_buf_clear(&out);
    rig_screen(&r, 24, 80, &out);
    assert_non_null(strstr(depot_buf_str(&out), "context canceled"));
    assert_null(strstr(depot_buf_str(&out), "Dockerfile:9"));
    assert_null(strstr(depot_buf_str(&out), "# here"));
    depot_buf_release(&out);
    rig_close(&r);
}

/* Pulls and pushes with their bytes and rates; steps of another frontend, as chains. */
static void test_view_build__shows_what_moves(void **state)
{
    struct tui_rig r;
    (void)state;
    rig_open(&r);
    put_event(&r, "build.status",
        ",\"platform\":\"\",\"builder\":\"b\",\"status\":{\"vertexes\":["
        "{\"digest\":\"i\",\"name\":\"[internal] load metadata for golang:1.26\","
        "\"started\":\"2026-11-23T12:00:00Z\",\"completed\":\"2026-11-23T12:00:01Z\"},"
        "{\"digest\":\"a\",\"name\":\"[build 1/2] FROM docker.io/library/golang:1.26\","
        "\"started\":\"2026-11-23T12:00:01Z\"},"
        "{\"digest\":\"b\",\"name\":\"[build 2/2] RUN go build\",\"inputs\":[\"a\"]},"
        "{\"digest\":\"p\",\"name\":\"exporting to image\",\"started\":\"2026-11-23T12:00:02Z\"},"
        "{\"digest\":\"x\",\"name\":\"git clone https://example.com/x\","
        "\"started\":\"2026-11-23T12:00:00Z\",\"completed\":\"2026-11-23T12:00:03Z\"},"
        "{\"digest\":\"y\",\"name\":\"apply the patches\",\"inputs\":[\"x\"],"
        "\"started\":\"2026-11-23T12:00:03Z\"},"
        "{\"digest\":\"z\",\"name\":\"merge both of them into one "
        "tree\",\"inputs\":[\"y\",\"b\"]}],"
        "\"statuses\":["
        "{\"id\":\"sha256:1\",\"vertex\":\"a\",\"current\":12582912,\"total\":62914560,"
        "\"timestamp\":\"2026-11-23T12:00:03Z\",\"started\":\"2026-11-23T12:00:01Z\"},"
        "{\"id\":\"sha256:2\",\"vertex\":\"a\",\"current\":1048576,\"total\":1048576,"
        "\"timestamp\":\"2026-11-23T12:00:02Z\",\"started\":\"2026-11-23T12:00:01Z\","
        "\"completed\":\"2026-11-23T12:00:02Z\"},"
        "{\"id\":\"pushing layers\",\"vertex\":\"p\",\"current\":3145728,\"total\":41943040,"
        "\"timestamp\":\"2026-11-23T12:00:03Z\",\"started\":\"2026-11-23T12:00:02Z\"}]}");
    r.now = 1795435204 * DEPOT_SEC;
    show(&r, 24, 80);
    expect_screen(&r, "moves_80x24");
    dp_tui_resize(r.tui, 40, 120);
    expect_screen(&r, "moves_120x40");
    rig_close(&r);
}

/* What a platform has no part in is no row of it: one of them has the join of what both push. */
static void test_view_build__has_no_rows_of_another_platform(void **state)
{
    static const char *const platforms[] = {"linux/amd64", "linux/arm64"};
    struct tui_rig r;
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    size_t exports = 0, joins = 0;
    (void)state;
    rig_open(&r);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(platforms); i++)
        put_event(&r, "build.status",
            ",\"platform\":\"%s\",\"builder\":\"b\",\"status\":{\"vertexes\":["
            "{\"digest\":\"a\",\"name\":\"[build 1/1] RUN make\"},"
            "{\"digest\":\"p\",\"name\":\"exporting to image\",\"inputs\":[\"a\"],"
            "\"started\":\"2026-11-23T12:00:02Z\"}%s]}",
            platforms[i],
            i == 0 ? ",{\"digest\":\"j\",\"name\":\"merging manifest list a/b:1\","
                     "\"started\":\"2026-11-23T12:00:03Z\"}"
                   : "");
    r.now = 1795435204 * DEPOT_SEC;
    show(&r, 40, 120);
    rig_screen(&r, 40, 120, &out);
    for (const char *p = depot_buf_str(&out); (p = strstr(p, "exporting to im")) != NULL; p++)
        exports++;
    for (const char *p = depot_buf_str(&out);
         (p = strstr(p, "merging manifest list a/b:1  ")) != NULL; p++)
        joins++;
    assert_true(exports >= 2);
    assert_int_equal(joins, 1);
    depot_buf_release(&out);
    rig_close(&r);
}

/* Estimates: what is left, what the cache saved, where a running step will end. */
static void test_view_build__tells_what_to_expect(void **state)
{
    static struct depot_step_estimate steps[] = {
        {.platform = "linux/arm64",
            .stage = "deps",
            .took = {.median_ms = 6000, .p25_ms = 5000, .p75_ms = 7000, .runs = 8}},
        {.platform = "linux/amd64",
            .stage = "proto",
            .text =
                "RUN echo \"generating 14 messages, 3 services\"; sleep 0.7; echo ok > /proto.txt",
            .took = {.median_ms = 187000, .p25_ms = 100000, .p75_ms = 200000, .runs = 3}}};
    const struct depot_estimates e = {.project = "shop",
        .duration = {.median_ms = 15000, .p25_ms = 14000, .p75_ms = 18500, .runs = 8},
        .steps = steps,
        .nsteps = DEPOT_ARRAY_LEN(steps)};
    struct tui_rig r;
    char *text = NULL;
    (void)state;
    open_rig(&r, "shop", 5000);
    const struct depot_build *b = r.fleet->builds.items[0]->state;
    for (size_t i = 0; i < b->steps.len; i++) {
        const struct depot_step *s = b->steps.items[i];
        if (depot_str_eq(s->platform, "linux/arm64") && depot_str_eq(s->parsed.stage, "deps") &&
            s->parsed.ordinal == 3)
            steps[0].text = text = depot_strdup(s->parsed.instruction);
    }
    dp_fleet_learn(r.fleet, &e);
    show(&r, 24, 80);
    expect_screen(&r, "expected_80x24");
    dp_tui_resize(r.tui, 50, 200);
    expect_screen(&r, "expected_200x50");
    rig_close(&r);
    open_rig(&r, "shop", 0);
    dp_fleet_learn(r.fleet, &e);
    show(&r, 40, 120);
    expect_screen(&r, "saved_120x40");
    rig_close(&r);
    depot_free(text);
}

/* Names that would move the cursor, wide and zero-width characters, no names, many platforms. */
static void test_view_build__draws_hostile_names(void **state)
{
    struct tui_rig r;
    struct depot_buf v = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    static const char *const names[] = {"\\u001b[2J\\u001b[H", "", "\\u202eevil",
        "\\u65e5\\u672c\\u8a9e \\u65e5\\u672c\\u8a9e 1/2] RUN \\u65e5\\u672c", "[a 1/2] \\u0000x",
        "[ 1/1]", "[\\u0301 2/1] RUN \\ud83d\\ude00", "[a 1/2] RUN \\t\\n\\r x"};
    (void)state;
    rig_open(&r);
    put_event(&r, "build.created",
        ",\"project\":\"\\u001b]0;x\\u0007\",\"command\":\"\",\"platforms\":[],\"tags\":[],"
        "\"source\":{\"dirty\":false},\"origin\":\"depot\"");
    for (int p = 0; p < 40; p++) {
        depot_buf_clear(&v);
        for (size_t i = 0; i < DEPOT_ARRAY_LEN(names); i++)
            depot_buf_addf(&v,
                "%s{\"digest\":\"d%zu\",\"name\":\"%s\",\"started\":\"2026-11-23T12:00:0%zu.5Z\","
                "\"completed\":\"2026-11-23T11:00:00Z\",\"inputs\":[\"d%zu\"]}",
                i > 0 ? "," : "", i, names[i], i, (i + 3) % 8);
        put_event(&r, "build.status",
            ",\"platform\":\"linux/p%d\",\"builder\":\"b\",\"status\":{\"vertexes\":[%s]}", p,
            v.data);
    }
    show(&r, 24, 80);
    for (int i = 0; i < 200; i++) {
        dp_tui_resize(r.tui, 5 + i % 60, 40 + i * 17 % 300);
        rig_keys(&r, i % 4 == 0 ? "Tab" : i % 4 == 1 ? "j" : i % 4 == 2 ? "2" : "1");
        const struct grid *g = dp_tui_frame(r.tui, r.now);
        for (int y = 0; y < g->h; y++)
            for (int x = 0; x < g->w; x++)
                assert_true(dp_grid_cell(g, y, x)->width == 0 ||
                            depot_text_width_of(dp_grid_cell(g, y, x)->ch) >= 1);
    }
    depot_buf_release(&v);
    rig_close(&r);
}

static int by_number(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* 5,000 steps on two platforms while one of them changes with each frame. */
static void test_view_build__is_fast(void **state)
{
    enum { STEPS = 2500, FRAMES = 200 };
    struct tui_rig r;
    struct depot_buf v = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    uint64_t took[FRAMES];
    (void)state;
    rig_open(&r);
    put_event(&r, "build.created",
        ",\"project\":\"big\",\"command\":\"\",\"platforms\":[\"linux/amd64\",\"linux/arm64\"],"
        "\"tags\":[],\"source\":{\"dirty\":false},\"origin\":\"depot\"");
    for (int p = 0; p < 2; p++) {
        depot_buf_clear(&v);
        for (int i = 0; i < STEPS; i++)
            depot_buf_addf(&v,
                "%s{\"digest\":\"d%d\",\"name\":\"[stage%d %d/10] RUN make part-%d\","
                "\"started\":\"2026-11-23T12:00:00.%03dZ\"%s,\"inputs\":[\"d%d\",\"d%d\"]}",
                i > 0 ? "," : "", i, i / 10, i % 10 + 1, i, i % 1000,
                i % 50 == 49 ? "" : ",\"completed\":\"2026-11-23T12:00:01Z\"",
                i > 0 ? i - 1 : STEPS, i > 30 ? i - 30 : STEPS);
        put_event(&r, "build.status",
            ",\"platform\":\"linux/%s\",\"builder\":\"b\",\"status\":{\"vertexes\":[%s]}",
            p == 0 ? "amd64" : "arm64", v.data);
    }
    show(&r, 50, 200);
    rig_keys(&r, "+");
    for (int i = 0; i < FRAMES; i++) {
        put_event(&r, "build.status",
            ",\"platform\":\"linux/amd64\",\"builder\":\"b\",\"status\":{\"vertexes\":[{"
            "\"digest\":\"d%d\",\"name\":\"[stage%d %d/10] RUN make part-%d\","
            "\"started\":\"2026-11-23T12:00:00.%03dZ\",\"inputs\":[\"d%d\",\"d%d\"]}]}",
            i, i / 10, i % 10 + 1, i, i % 1000, i > 0 ? i - 1 : STEPS, i > 30 ? i - 30 : STEPS);
        dp_fleet_derive(r.fleet);
        dp_tui_data_changed(r.tui);
        if (i % 3 == 0)
            rig_keys(&r, "PgDn");
        const uint64_t before = depot_mono_ns();
        dp_tui_frame(r.tui, r.now);
        took[i] = depot_mono_ns() - before;
    }
    qsort(took, FRAMES, sizeof(*took), by_number);
    if (getenv("VERBOSE") != NULL)
        print_message("frame of 5000 steps at 200x50: median %d us, p99 %d us\n",
            (int)(took[FRAMES / 2] / 1000), (int)(took[FRAMES * 99 / 100] / 1000));
    assert_true(took[FRAMES / 2] < 50 * 1000 * 1000); /* with sanitizers, on a loaded machine */
    depot_buf_release(&v);
    rig_close(&r);
}

static int set_up(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    if (setlocale(LC_ALL, "C.UTF-8") == NULL)
        setlocale(LC_ALL, "en_US.UTF-8");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_build__draws_recorded_builds),
        cmocka_unit_test(test_view_build__draws_ascii),
        cmocka_unit_test(test_view_build__moves_and_folds),
        cmocka_unit_test(test_view_build__searches_folded_stages),
        cmocka_unit_test(test_view_build__goes_to_errors),
        cmocka_unit_test(test_view_build__shows_the_place_of_what_failed),
        cmocka_unit_test(test_view_build__keeps_still_while_it_grows),
        cmocka_unit_test(test_view_build__outlives_its_state),
        cmocka_unit_test(test_view_build__fits_any_size),
        cmocka_unit_test(test_view_build__says_what_it_waits_for),
        cmocka_unit_test(test_view_build__shows_what_moves),
        cmocka_unit_test(test_view_build__has_no_rows_of_another_platform),
        cmocka_unit_test(test_view_build__tells_what_to_expect),
        cmocka_unit_test(test_view_build__draws_hostile_names),
        cmocka_unit_test(test_view_build__is_fast),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
