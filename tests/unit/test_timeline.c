/*
 * The time axis: any span on any width, ticks that do not touch, bars in half columns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <locale.h>

#include "tui/widget/timeline.h"

#include <depot/text.h>

#define S(n) ((depot_time)((n) * (double)DEPOT_SEC))
static const depot_time base = 1700000000 * DEPOT_SEC;

static void test_timeline__places_moments(void **state)
{
    static const struct {
        double span, at;
        int w, half;
    } rows[] = {
        {10, 0, 50, 0},
        {10, 5, 50, 50},
        {10, 10, 50, 100},
        {10, 20, 50, 100},
        {10, -3, 50, 0},
        {10, 5, 0, 0},
        {0, 0, 50, 0},
        {0.01, 0.1, 10, 20},
        {1e9, 5e8, 100, 100},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct timeline t;
        dp_timeline_fit(&t, base, base + S(rows[i].span), false, rows[i].w);
        assert_int_equal(dp_timeline_at(&t, base + S(rows[i].at)), rows[i].half);
    }
}

/* A growing axis keeps its scale for a while, and has room behind the end. */
static void test_timeline__grows_in_steps(void **state)
{
    struct timeline t;
    int64_t last = 0;
    int changes = 0;
    (void)state;
    for (int tenths = 1; tenths < 6000; tenths++) {
        const int64_t span = tenths * (DEPOT_SEC / 10);
        dp_timeline_fit(&t, base, base + span, true, 60);
        assert_true(t.span >= span && t.span >= last);
        assert_true(span < DEPOT_SEC || t.span < span * 2);
        changes += t.span != last;
        last = t.span;
    }
    assert_true(changes < 45);
}

static void test_timeline__labels(void **state)
{
    static const struct {
        double at, tick;
        const char *label;
    } rows[] = {
        {0, 0.2, "0s"},
        {0.4, 0.2, "0.4s"},
        {0, 5, "0s"},
        {45, 5, "45s"},
        {80, 20, "1:20"},
        {3600, 600, "1:00:00"},
        {7200, 3600, "2h"},
        {172800, 86400, "2d"},
        {90000, 3600, "25h"},
    };
    char out[32];
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        assert_string_equal(dp_timeline_label(out, S(rows[i].at), S(rows[i].tick)), rows[i].label);
}

/* At any span and width there is an end to ticks, and labels keep their distance. */
static void test_timeline__ticks_fit(void **state)
{
    struct grid g;
    (void)state;
    dp_grid_init(&g);
    dp_grid_resize(&g, 2, 210);
    const struct canvas c = dp_canvas_of(&g);
    for (int64_t span = 1; span < INT64_MAX / 3; span = span / 3 * 5 + 7) {
        for (int w = 0; w <= 200; w += 1 + w / 3) {
            struct timeline t;
            dp_grid_clear(&g);
            dp_timeline_fit(&t, 0, span, span % 2 == 0, w);
            const int64_t tick = t.tick;
            assert_true(tick > 0);
            assert_true(w < 40 || t.span / tick <= w / 4);
            if (t.span / tick < 1000) {
                dp_timeline_axis(&t, &c, 0, 0);
                dp_timeline_guides(&t, &c, 1, 0, span / 2);
            }
        }
    }
    dp_grid_release(&g);
}

static char *bars_text(struct grid *g, bool ascii, const struct bars *b)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    g->ascii = ascii;
    dp_grid_clear(g);
    const struct canvas c = dp_canvas_of(g);
    dp_bars_draw(b, &c, 0, 0);
    dp_grid_text(g, &out);
    depot_buf_truncate(&out, out.len - 1);
    return depot_buf_detach(&out);
}

static void test_bars__are_drawn_in_halves(void **state)
{
    static const struct {
        double from, to;
        enum bar kind;
        const char *utf8, *ascii;
    } rows[] = {
        {0, 4, BAR_RAN, "━━━━", "####"},
        {0, 3.5, BAR_RAN, "━━━╸", "####"},
        {0.5, 4, BAR_RUNNING, "╺━━━", ">>>>"},
        {2, 2, BAR_CACHED, "  =", "  ="},
        {9.9, 12, BAR_RAN, "         ╺", "         #"},
        {3, 1, BAR_RAN, "   ╸", "   #"},
        {-5, 20, BAR_CANCELLED, "━━━━━━━━━━", "//////////"},
        {0, 3, BAR_FAILED, "━━✗", "XXX"},
        {0, 4, BAR_NONE, "", ""},
    };
    struct timeline t;
    struct bars *b = depot_alloc(sizeof(*b));
    struct grid g;
    (void)state;
    dp_grid_init(&g);
    dp_grid_resize(&g, 1, 10);
    dp_timeline_fit(&t, base, base + S(10), false, 10);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        dp_bars_start(b, &t);
        dp_bars_add(b, base + S(rows[i].from), base + S(rows[i].to), rows[i].kind);
        for (int ascii = 0; ascii < 2; ascii++) {
            char *s = bars_text(&g, ascii, b);
            assert_string_equal(s, ascii ? rows[i].ascii : rows[i].utf8);
            depot_free(s);
        }
    }
    /* What matters more stays on top. */
    dp_bars_start(b, &t);
    dp_bars_add(b, base + S(2), base + S(4), BAR_FAILED);
    dp_bars_add(b, base, base + S(6), BAR_RAN);
    char *s = bars_text(&g, true, b);
    assert_string_equal(s, "##XX##");
    depot_free(s);
    dp_timeline_fit(&t, base, base + S(10), false, 0);
    dp_bars_start(b, &t);
    dp_bars_add(b, base, base + S(1), BAR_RAN);
    s = bars_text(&g, true, b);
    assert_string_equal(s, "");
    depot_free(s);
    dp_grid_release(&g);
    depot_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timeline__places_moments),
        cmocka_unit_test(test_timeline__grows_in_steps),
        cmocka_unit_test(test_timeline__labels),
        cmocka_unit_test(test_timeline__ticks_fit),
        cmocka_unit_test(test_bars__are_drawn_in_halves),
    };
    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
