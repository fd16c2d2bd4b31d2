/*
 * Tests of the pace of reading: the rule with a clock of our own, and the object on a real loop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <depot/clock.h>

#include "net/pace.h"

static const struct dp_pace_rule rule = {.turn_ms = 20, .quiet_ms = 40, .burst = 3, .bulk = 1000};

/* ---- the rule ---- */
/* Reads as they come, or when a hold lets them; `at` is when the bytes were there. */
struct arrival {
    uint64_t at, read; /* ms from the start */
};

static void hold_to(const struct arrival *rows, size_t n, size_t bytes)
{
    struct dp_pace_state s = {0};
    uint64_t free_at = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t now = rows[i].at > free_at ? rows[i].at : free_at;
        if (now != rows[i].read)
            fail_msg("row %zu: read at %d ms, not at %d", i, (int)now, (int)rows[i].read);
        free_at = now + dp_pace_judge(&s, &rule, now + 1000000, bytes);
    }
}

static void test_rule__a_burst_is_read_at_once_and_then_by_the_clock(void **state)
{
    static const struct arrival rows[] = {
        {0, 0},
        {1, 1},
        {2, 2},
        {3, 3}, /* this fourth read begins the hold */
        {4, 23},
        {30, 43},
        {44, 63}, /* each takes all that came since the last */
        {84, 84}, /* 21 ms after: it waited for nobody */
        {124, 124},
        {125, 125},
        {126, 126},
        {127, 127}, /* quiet for 40 ms: a new burst */
        {128, 147},
    };
    (void)state;
    hold_to(rows, DEPOT_ARRAY_LEN(rows), 10);
}

static void test_rule__what_comes_no_faster_than_the_clock_never_waits(void **state)
{
    (void)state;
    for (uint64_t every = rule.turn_ms; every <= 1000; every += 7) {
        struct dp_pace_state s = {0};
        uint64_t free_at = 0;
        for (uint64_t now = 5000; now < 20000; now += every) {
            assert_true(now >= free_at);
            free_at = now + dp_pace_judge(&s, &rule, now, 10);
        }
    }
}

static void test_rule__bulk_does_not_wait(void **state)
{
    static const struct arrival rows[] = {{0, 0}, {0, 0}, {1, 1}, {1, 1}, {1, 1}, {2, 2}, {2, 2}};
    (void)state;
    hold_to(rows, DEPOT_ARRAY_LEN(rows), rule.bulk);
}

static void test_rule__ours_hold_for_what_they_promise(void **state)
{
    static const struct dp_pace_rule *const ours[] = {&dp_pace_progress, &dp_pace_feed};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(ours); i++) {
        assert_in_range(ours[i]->turn_ms, 16, 20);
        assert_true(ours[i]->quiet_ms > ours[i]->turn_ms && ours[i]->burst > 0);
    }
}

/* ---- the object ---- */
struct seen {
    struct depot_loop *l;
    struct dp_pace *p;
    int turns;
    bool frees;
};

static void on_turn(void *arg)
{
    struct seen *w = arg;
    assert_true(w->frees || !dp_pace_holds(w->p));
    w->turns++;
    if (w->frees) {
        dp_pace_free(w->p);
        w->p = NULL;
    }
}

static int set_up(void **state)
{
    struct seen *w = depot_calloc(1, sizeof(*w));
    *state = w;
    if (depot_loop_new(&w->l, NULL) != 0)
        return -1;
    w->p = dp_pace_new(w->l, &rule, on_turn, w);
    return 0;
}

static int tear_down(void **state)
{
    struct seen *w = *state;
    dp_pace_free(w->p);
    depot_loop_free(w->l);
    depot_free(w);
    return 0;
}

/* Until it holds: the machine may be too slow for a burst at the first try. */
static void make_busy(struct seen *w)
{
    while (!dp_pace_holds(w->p))
        dp_pace_took(w->p, 10);
}

static void test_pace__holds_then_calls(void **state)
{
    struct seen *w = *state;
    dp_pace_took(w->p, 10);
    assert_false(dp_pace_holds(w->p));
    make_busy(w);
    const uint64_t began = depot_mono_ms();
    depot_loop_run(w->l);
    assert_int_equal(w->turns, 1);
    assert_true(depot_mono_ms() - began + 1 >= rule.turn_ms);
}

static void test_pace__hurry_ends_a_hold_and_begins_a_burst(void **state)
{
    struct seen *w = *state;
    make_busy(w);
    dp_pace_hurry(w->p);
    assert_int_equal(w->turns, 0); /* not from inside */
    depot_loop_turn(w->l);
    depot_loop_turn(w->l);
    assert_int_equal(w->turns, 1);
    dp_pace_took(w->p, 10);
    assert_false(dp_pace_holds(w->p));
    dp_pace_hurry(w->p); /* of what does not hold */
    depot_loop_run(w->l);
    assert_int_equal(w->turns, 1);
}

static void test_pace__freed_while_it_holds_and_inside_its_callback(void **state)
{
    struct seen *w = *state;
    make_busy(w);
    dp_pace_free(w->p);
    depot_loop_run(w->l);
    assert_int_equal(w->turns, 0);
    w->p = dp_pace_new(w->l, &rule, on_turn, w);
    w->frees = true;
    make_busy(w);
    depot_loop_run(w->l);
    assert_int_equal(w->turns, 1);
    assert_false(dp_pace_holds(NULL));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule__a_burst_is_read_at_once_and_then_by_the_clock),
        cmocka_unit_test(test_rule__what_comes_no_faster_than_the_clock_never_waits),
        cmocka_unit_test(test_rule__bulk_does_not_wait),
        cmocka_unit_test(test_rule__ours_hold_for_what_they_promise),
        TEST(test_pace__holds_then_calls),
        TEST(test_pace__hurry_ends_a_hold_and_begins_a_burst),
        TEST(test_pace__freed_while_it_holds_and_inside_its_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
