/*
 * Tests of the byte buffer and its ceiling.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <depot/buf.h>

static void test_buf__adds_and_consumes(void **state)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char *s;

    DEPOT_UNUSED(state);
    assert_string_equal(depot_buf_str(&b), "");
    depot_buf_add(&b, NULL, 0);
    depot_buf_adds(&b, "hello");
    depot_buf_addc(&b, ' ');
    depot_buf_addf(&b, "%s %d", "world", 1);
    assert_string_equal(depot_buf_str(&b), "hello world 1");
    depot_buf_consume(&b, 0);
    depot_buf_consume(&b, 6);
    assert_string_equal(depot_buf_str(&b), "world 1");
    depot_buf_truncate(&b, 5);
    depot_buf_truncate(&b, 50);
    assert_int_equal(b.len, 5);
    s = depot_buf_detach(&b);
    assert_string_equal(s, "world");
    depot_free(s);
    assert_int_equal(b.len, 0);
    s = depot_buf_detach(&b);
    assert_string_equal(s, "");
    depot_free(s);
    depot_buf_adds(&b, "x");
    depot_buf_consume(&b, 99);
    assert_int_equal(b.len, 0);
    depot_buf_release(&b);
    depot_buf_release(&b);
}

static void test_buf__ceiling_drops_and_stays_set(void **state)
{
    struct depot_buf b;

    DEPOT_UNUSED(state);
    depot_buf_init(&b, 8);
    depot_buf_adds(&b, "12345678");
    assert_false(b.overflow);
    depot_buf_addc(&b, '9');
    assert_true(b.overflow);
    depot_buf_addf(&b, "%s", "more");
    assert_string_equal(depot_buf_str(&b), "12345678");
    depot_buf_consume(&b, 4);
    depot_buf_adds(&b, "ab");
    assert_true(b.overflow);
    assert_string_equal(depot_buf_str(&b), "5678ab");
    /* A failed format leaves nothing of itself behind. */
    depot_buf_addf(&b, "%d", 123456);
    assert_string_equal(depot_buf_str(&b), "5678ab");
    depot_buf_clear(&b);
    assert_false(b.overflow);
    assert_null(depot_buf_reserve(&b, 9));
    assert_null(depot_buf_reserve(&b, SIZE_MAX));
    depot_buf_release(&b);
    assert_int_equal(b.max, 8);
}

static void test_buf__reserve_is_written_by_the_caller(void **state)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    DEPOT_UNUSED(state);
    for (size_t n = 0; n < 3000; n += 97) {
        char *p = depot_buf_reserve(&b, n);

        assert_non_null(p);
        memset(p, 'a', n);
        b.len += n;
        assert_int_equal(b.data[b.len], '\0');
    }
    assert_int_equal(strlen(b.data), b.len);
    depot_buf_release(&b);
}

static void test_buf__format_of_every_length(void **state)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    DEPOT_UNUSED(state);
    for (int n = 0; n < 300; n++) {
        depot_buf_release(&b);
        depot_buf_addf(&b, "%*s|", n, "");
        depot_buf_addf(&b, "%*s|", n, "");
        assert_int_equal(b.len, 2 * (n + 1));
        assert_int_equal(strlen(b.data), b.len);
    }
    depot_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf__adds_and_consumes),
        cmocka_unit_test(test_buf__ceiling_drops_and_stays_set),
        cmocka_unit_test(test_buf__reserve_is_written_by_the_caller),
        cmocka_unit_test(test_buf__format_of_every_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
