/*
 * Names of events and states, both ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <depot/event.h>

static void test_event_name__round_trip(void **state)
{
    (void)state;
    for (int t = 0; t < DEPOT_EVENT_UNKNOWN; t++)
        assert_int_equal(depot_event_from_name(depot_event_name((enum depot_event_type)t)), t);
    assert_int_equal(depot_event_from_name("build.exploded"), DEPOT_EVENT_UNKNOWN);
    assert_int_equal(depot_event_from_name(""), DEPOT_EVENT_UNKNOWN);
    assert_int_equal(depot_event_from_name(NULL), DEPOT_EVENT_UNKNOWN);
    assert_string_equal(depot_event_name((enum depot_event_type)999), "");
}

static void test_build_state__round_trip_and_over(void **state)
{
    (void)state;
    for (int s = 0; s < DEPOT_BUILD_STATE_COUNT; s++) {
        assert_int_equal(
            depot_build_state_from_name(depot_build_state_name((enum depot_build_state)s)), s);
        assert_int_equal(
            depot_build_state_over((enum depot_build_state)s), s >= DEPOT_BUILD_SUCCEEDED);
    }
    assert_int_equal(depot_build_state_from_name("done"), -1);
    assert_int_equal(depot_build_state_from_name(NULL), -1);
    assert_string_equal(depot_build_state_word(DEPOT_BUILD_CANCELLED), "CANC");
}

static void test_event_release__twice_and_null(void **state)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_QUEUED};

    (void)state;
    ev.build = depot_arena_strdup(&ev.arena, "b1");
    depot_event_release(&ev);
    assert_null(ev.build);
    depot_event_release(&ev);
    depot_event_release(NULL);
}

static void test_created_source__is_what_is_known(void **state)
{
    static const struct {
        const char *branch, *commit, *clean, *dirty;
    } rows[] = {
        {"main", "54ae436b1122", "main@54ae436", "main@54ae436+"},
        {"main", "54ae", "main@54ae", "main@54ae+"},
        {"main", NULL, "main", "main"},
        {"main", "", "main", "main"},
        {NULL, "54ae436b1122", "54ae436", "54ae436+"},
        {"", "54ae436b1122", "54ae436", "54ae436+"},
        {NULL, NULL, "", ""},
        {"main", "54\033[2J", "main@54", "main@54+"},
        {"main", "54ae43\xc3\xbc", "main@54ae43", "main@54ae43+"}, /* never half a character */
        {"main", " ", "main", "main"},
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_ev_created c = {.branch = rows[i].branch, .commit = rows[i].commit};
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

        depot_created_source(&out, &c);
        assert_string_equal(depot_buf_str(&out), rows[i].clean);
        c.dirty = true;
        depot_buf_clear(&out);
        depot_created_source(&out, &c);
        assert_string_equal(depot_buf_str(&out), rows[i].dirty);
        depot_buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event_name__round_trip),
        cmocka_unit_test(test_build_state__round_trip_and_over),
        cmocka_unit_test(test_event_release__twice_and_null),
        cmocka_unit_test(test_created_source__is_what_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
