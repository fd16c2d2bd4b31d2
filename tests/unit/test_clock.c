/*
 * Tests of RFC 3339 text and the clocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <depot/base.h>
#include <depot/clock.h>

#include <time.h>

static void test_time__formats_as_go_does(void **state)
{
    static const struct {
        depot_time t;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1, "1970-01-01T00:00:00.000000001Z"},
        {-1, "1969-12-31T23:59:59.999999999Z"},
        {1700000000 * DEPOT_SEC + 120000000, "2023-11-14T22:13:20.12Z"},
        {951782400 * DEPOT_SEC, "2000-02-29T00:00:00Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
    };
    char out[DEPOT_TIME_STR_MAX];

    DEPOT_UNUSED(state);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        depot_time_format(out, rows[i].t);
        assert_string_equal(out, rows[i].text);
    }
}

static void test_time__parses(void **state)
{
    static const struct {
        const char *text;
        int rc;
        depot_time want;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0, 0},
        {"1970-01-01t00:00:00z", 0, 0},
        {"2023-11-14T22:13:20.12Z", 0, 1700000000 * DEPOT_SEC + 120000000},
        {"2023-11-14T22:13:20.123456789Z", 0, 1700000000 * DEPOT_SEC + 123456789},
        {"2023-11-14T22:13:20.1234567899999Z", 0, 1700000000 * DEPOT_SEC + 123456789},
        {"2023-11-15T00:13:20+02:00", 0, 1700000000 * DEPOT_SEC},
        {"2023-11-14T17:43:20-04:30", 0, 1700000000 * DEPOT_SEC},
        {"2016-12-31T23:59:60Z", 0, 1483228800 * DEPOT_SEC},
        {"2000-02-29T00:00:00Z", 0, 951782400 * DEPOT_SEC},
        {"0001-01-01T00:00:00Z", 0, 0},
        {"0001-01-01T00:00:01Z", DEPOT_ERR_INVALID, 0},
        {"1677-12-31T00:00:00Z", DEPOT_ERR_INVALID, 0},
        {"2262-01-01T00:00:00Z", DEPOT_ERR_INVALID, 0},
        {"2261-12-31T23:59:59.9-23:59", 0, INT64_C(9214732740900000000) - DEPOT_SEC},
        {"9999-12-31T23:59:59Z", DEPOT_ERR_INVALID, 0},
        {"0000-01-01T00:00:00Z", DEPOT_ERR_INVALID, 0},
        {"1900-02-29T00:00:00Z", DEPOT_ERR_INVALID, 0},
        {"2023-04-31T00:00:00Z", DEPOT_ERR_INVALID, 0},
        {"2023-13-01T00:00:00Z", DEPOT_ERR_INVALID, 0},
        {"2023-01-01T24:00:00Z", DEPOT_ERR_INVALID, 0},
        {"2023-01-01T00:60:00Z", DEPOT_ERR_INVALID, 0},
        {"2023-01-01T00:00:61Z", DEPOT_ERR_INVALID, 0},
        {"2023-01-01T00:00:00", DEPOT_ERR_INVALID, 0},
        {"2023-01-01T00:00:00.Z", DEPOT_ERR_INVALID, 0},
        {"2023-01-01T00:00:00+24:00", DEPOT_ERR_INVALID, 0},
        {"2023-01-01T00:00:00+0200", DEPOT_ERR_INVALID, 0},
        {"2023-01-01 00:00:00Z", DEPOT_ERR_INVALID, 0},
        {"2023-01-01T00:00:00Zx", DEPOT_ERR_INVALID, 0},
        {"2023-1-01T00:00:00Z", DEPOT_ERR_INVALID, 0},
        {"-023-01-01T00:00:00Z", DEPOT_ERR_INVALID, 0},
        {"", DEPOT_ERR_INVALID, 0},
    };

    DEPOT_UNUSED(state);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        depot_time got = 77;

        assert_int_equal(depot_time_parse(rows[i].text, strlen(rows[i].text), &got), rows[i].rc);
        assert_true(got == (rows[i].rc == 0 ? rows[i].want : 77));
    }
}

static void test_time__every_cut_is_refused(void **state)
{
    static const char text[] = "2023-11-14T22:13:20.5+01:00";
    depot_time got;

    DEPOT_UNUSED(state);
    for (size_t n = 0; n < sizeof(text) - 1; n++)
        assert_int_equal(depot_time_parse(text, n, &got), DEPOT_ERR_INVALID);
    assert_int_equal(depot_time_parse(text, sizeof(text) - 1, &got), 0);
}

static void test_time__agrees_with_the_c_library(void **state)
{
    DEPOT_UNUSED(state);
    for (int64_t day = -100000; day < 100000; day += 13) {
        time_t secs = (time_t)(day * 86400 + 3661);
        struct tm tm;
        char want[64], got[DEPOT_TIME_STR_MAX];
        depot_time back;

        gmtime_r(&secs, &tm);
        strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
        depot_time_format(got, secs * DEPOT_SEC);
        assert_string_equal(got, want);
        assert_int_equal(depot_time_parse(got, strlen(got), &back), 0);
        assert_true(back == secs * DEPOT_SEC);
    }
}

static void test_clock__moves_on(void **state)
{
    uint64_t a = depot_mono_ns();

    DEPOT_UNUSED(state);
    assert_true(depot_mono_ns() >= a);
    assert_true(depot_mono_ms() >= a / 1000000);
    assert_true(depot_time_now() > 1700000000 * DEPOT_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time__formats_as_go_does),
        cmocka_unit_test(test_time__parses),
        cmocka_unit_test(test_time__every_cut_is_refused),
        cmocka_unit_test(test_time__agrees_with_the_c_library),
        cmocka_unit_test(test_clock__moves_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
