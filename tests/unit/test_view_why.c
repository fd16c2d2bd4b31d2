/*
 * The why view: two recorded builds of a shop, one thing of each kind changed in between, against
 * the .screen files of tests/golden/tui_why. UPDATE_GOLDEN=1 writes those anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <locale.h>

#include <depot/render.h>

#include "tui_rig.h"
#include "tui/view/why/why_priv.h"

#define GOLDEN TEST_SOURCE_DIR "/golden/tui_why"

static const struct {
    int h, w;
} sizes[] = {{8, 40}, {24, 80}, {40, 120}, {50, 200}};

static void open_both(struct tui_rig *r)
{
    rig_open(r);
    assert_true(rig_feed(r, GOLDEN "/one.ndjson", -1));
    assert_true(rig_feed(r, GOLDEN "/two.ndjson", -1));
}

static void open_view(struct tui_rig *r, const char *arg)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_tui_push(r->tui, VIEW_WHY, arg != NULL ? arg : r->fleet->builds.items[1]->key);
    rig_screen(r, 24, 80, &out);
    depot_buf_release(&out);
}

static void check(struct tui_rig *r, const char *name, int h, int w)
{
    char *got = rig_golden(r, GOLDEN, name, h, w);
    if (got != NULL)
        fail_msg("%s at %dx%d is:\n%s", name, w, h, got);
}

static void assert_says(struct tui_rig *r, int h, int w, const char *what)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    rig_screen(r, h, w, &out);
    if (strstr(depot_buf_str(&out), what) == NULL)
        fail_msg("no \"%s\" in:\n%s", what, depot_buf_str(&out));
    depot_buf_release(&out);
}

static void test_screens__of_a_build_that_is_over(void **state)
{
    struct tui_rig r;
    (void)state;
    open_both(&r);
    open_view(&r, NULL);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(sizes); i++)
        check(&r, "over", sizes[i].h, sizes[i].w);
    rig_keys(&r, "] Space");
    check(&r, "folded", 24, 80);
    rig_close(&r);
}

static void test_screens__of_a_build_that_runs(void **state)
{
    struct tui_rig r;
    (void)state;
    rig_open(&r);
    assert_true(rig_feed(&r, GOLDEN "/one.ndjson", -1));
    r.from = r.until = 0;
    assert_true(rig_feed(&r, GOLDEN "/two.ndjson", 1.2));
    open_view(&r, NULL);
    check(&r, "running", 24, 80);
    rig_close(&r);
}

static void test_screens__without_a_build_before(void **state)
{
    struct tui_rig r;
    (void)state;
    rig_open(&r);
    assert_true(rig_feed(&r, GOLDEN "/two.ndjson", -1));
    open_view(&r, r.fleet->builds.items[0]->key);
    check(&r, "alone", 24, 80);
    dp_tui_resize(r.tui, 0, 0);
    dp_tui_frame(r.tui, r.now);
    rig_close(&r);
}

static void test_screens__in_ascii(void **state)
{
    struct tui_rig r;
    (void)state;
    open_both(&r);
    dp_tui_set_ascii(r.tui, true);
    open_view(&r, NULL);
    check(&r, "ascii", 24, 80);
    rig_close(&r);
}

static void test_why__opens_at_the_step(void **state)
{
    struct tui_rig r;
    (void)state;
    open_both(&r);
    struct fleet_build *b = r.fleet->builds.items[1];
    dp_fleet_derive(r.fleet);
    const struct depot_step *follower = NULL, *hit = NULL;
    for (size_t i = 0; i < b->state->steps.len; i++) {
        const struct depot_step *s = b->state->steps.items[i];
        if (s->outcome == DEPOT_OUTCOME_RAN && strstr(s->name, "3/4") != NULL)
            follower = s;
        if (s->outcome == DEPOT_OUTCOME_HIT)
            hit = s;
    }
    assert_non_null(follower);
    assert_non_null(hit);
    dp_tui_push_step(r.tui, VIEW_WHY, b, follower);
    check(&r, "at_step", 24, 80);
    rig_keys(&r, "Enter");
    assert_says(&r, 24, 80, "stage-3 3/4");
    rig_keys(&r, "q q");
    dp_tui_push_step(r.tui, VIEW_WHY, b, hit);
    assert_says(&r, 24, 80, "this step did not miss the cache");
    rig_close(&r);
}

static void test_why__leads_on(void **state)
{
    struct tui_rig r;
    (void)state;
    open_both(&r);
    open_view(&r, NULL);
    rig_keys(&r, "Down Down y");
    assert_int_equal(r.copied.len, strlen("VERSION"));
    rig_keys(&r, "b");
    assert_says(&r, 24, 80, r.fleet->builds.items[0]->id);
    rig_keys(&r, "q Enter");
    assert_says(&r, 24, 80, "deps 2/2");
    rig_keys(&r, "x");
    assert_says(&r, 24, 80, "compared with");
    rig_keys(&r, "q q q");
    rig_close(&r);
}

/* Two parts of two platforms each: what these share has no platform that tells it from the other
 * builder's. */
static void feed_two_builders(struct tui_rig *r)
{
    static const struct {
        const char *platforms, *builder;
        int seconds;
    } parts[] = {
        {"linux/amd64,linux/386", "amd64-a", 9}, {"linux/arm64,linux/arm/v7", "arm64-b", 5}};
    struct depot_buf lines = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(parts); i++)
        depot_buf_addf(&lines,
            "{\"v\":1,\"seq\":%zu,\"time\":\"2026-05-04T10:00:00Z\",\"build\":\"two\","
            "\"type\":\"build.status\",\"platform\":\"%s\",\"builder\":\"%s\",\"status\":"
            "{\"vertexes\":[{\"digest\":\"%zu\",\"name\":\"[tools 1/1] RUN make\","
            "\"started\":\"2026-05-04T10:00:00Z\",\"completed\":\"2026-05-04T10:00:0%dZ\"}]}}\n",
            i + 1, parts[i].platforms, parts[i].builder, i, parts[i].seconds);
    assert_true(rig_feed_text(r, depot_buf_str(&lines), lines.len));
    depot_buf_release(&lines);
}

static void test_why__names_builders_where_nothing_else_differs(void **state)
{
    struct tui_rig r;
    char text[4096] = "";
    struct depot_why why;
    (void)state;
    rig_open(&r);
    feed_two_builders(&r);
    open_view(&r, r.fleet->builds.items[0]->key);
    assert_says(&r, 24, 80, "amd64-a        9.0s");
    assert_says(&r, 24, 80, "arm64-b        5.0s");
    const struct depot_build *b = r.fleet->builds.items[0]->state;
    depot_why_init(&why, b, NULL);
    FILE *out = fmemopen(text, sizeof(text), "w");
    const struct depot_render_opts opts = {.out = out};
    why.causes.items[0]->reason = why.causes.items[1]->reason = DEPOT_REASON_UNKNOWN;
    depot_render_why(&why, b, NULL, DEPOT_PAST_UNKNOWN, &opts);
    fclose(out);
    assert_non_null(strstr(text, "cost 9.0s on amd64-a\n"));
    assert_non_null(strstr(text, "cost 5.0s on arm64-b\n"));
    depot_why_release(&why);
    rig_close(&r);
}

/* Feed the rest of a build's lines up to a moment, and draw. */
static void go_on(struct tui_rig *r, double seconds)
{
    assert_true(rig_feed(r, GOLDEN "/two.ndjson", seconds));
    dp_tui_data_changed(r->tui);
    dp_tui_frame(r->tui, r->now);
}

/* What took long is not done again soon, unless the build has ended. */
static void test_why__compares_as_often_as_it_can_afford(void **state)
{
    struct tui_rig r;
    (void)state;
    rig_open(&r);
    assert_true(rig_feed(&r, GOLDEN "/one.ndjson", -1));
    r.from = r.until = 0;
    assert_true(rig_feed(&r, GOLDEN "/two.ndjson", 1.0));
    open_view(&r, NULL);
    struct why_view *v = (struct why_view *)dp_tui_top(r.tui);
    const depot_time first = v->made_at;
    assert_int_equal(first, r.now);
    v->pause = DEPOT_SEC / 2; /* as if it had taken a tenth of that */
    go_on(&r, 1.4);
    assert_true(r.now < first + DEPOT_SEC / 2);
    assert_int_equal(v->made_at, first);
    go_on(&r, 1.6);
    assert_int_equal(v->made_at, r.now);
    v->pause = 1000 * DEPOT_SEC;
    const depot_time second = r.now;
    r.until = 0;
    go_on(&r, -1);
    assert_true(v->over && r.now > second);
    assert_int_equal(v->made_at, r.now);
    rig_close(&r);
}

/* The states go while the view is open: a replay that is seeked back. */
static void test_why__outlives_its_states(void **state)
{
    struct tui_rig r;
    (void)state;
    open_both(&r);
    open_view(&r, NULL);
    dp_fleet_restart(r.source);
    assert_says(&r, 24, 80,
        "the steps of this build are not here"); /* a frame before anything came again */
    rig_keys(&r, "Down Enter Space ] y b");
    assert_true(rig_feed(&r, GOLDEN "/one.ndjson", -1));
    assert_true(rig_feed(&r, GOLDEN "/two.ndjson", -1));
    dp_tui_data_changed(r.tui);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(sizes); i++)
        assert_says(&r, sizes[i].h, sizes[i].w, "");
    rig_close(&r);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_screens__of_a_build_that_is_over),
        cmocka_unit_test(test_screens__of_a_build_that_runs),
        cmocka_unit_test(test_screens__without_a_build_before),
        cmocka_unit_test(test_screens__in_ascii),
        cmocka_unit_test(test_why__opens_at_the_step),
        cmocka_unit_test(test_why__leads_on),
        cmocka_unit_test(test_why__compares_as_often_as_it_can_afford),
        cmocka_unit_test(test_why__names_builders_where_nothing_else_differs),
        cmocka_unit_test(test_why__outlives_its_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
