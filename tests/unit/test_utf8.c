/*
 * Tests of decoding UTF-8.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <depot/base.h>
#include <depot/utf8.h>

static void test_utf8__decodes_what_is_on_either_side_of_each_length(void **state)
{
    static const struct {
        const char *s;
        size_t len;
        int32_t ch;
    } rows[] = {
        {"\0", 1, 0},
        {"\x7f", 1, 0x7f},
        {"\xc2\x80", 2, 0x80},
        {"\xdf\xbf", 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 0x800},
        {"\xed\x9f\xbf", 3, 0xd7ff}, /* the last before the surrogates */
        {"\xee\x80\x80", 3, 0xe000},
        {"\xef\xbf\xbf", 3, 0xffff},
        {"\xf0\x90\x80\x80", 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
    };

    DEPOT_UNUSED(state);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        size_t used = 9;

        assert_int_equal(depot_utf8_decode(rows[i].s, rows[i].len, &used), rows[i].ch);
        assert_int_equal(used, rows[i].len);
        for (size_t n = 1; n < rows[i].len; n++) { /* cut off */
            assert_int_equal(depot_utf8_decode(rows[i].s, n, &used), -1);
            assert_int_equal(used, n);
        }
    }
}

static void test_utf8__leaves_what_follows(void **state)
{
    size_t used;

    DEPOT_UNUSED(state);
    assert_int_equal(depot_utf8_decode("a\xff", 2, &used), 'a');
    assert_int_equal(used, 1);
    assert_int_equal(depot_utf8_decode("\xc3\xbc\x80", 3, &used), 0xfc);
    assert_int_equal(used, 2);
}

static void test_utf8__refuses_what_is_malformed(void **state)
{
    static const struct {
        const char *s;
        size_t used;
    } rows[] = {
        {"\x80", 1}, {"\xbf", 1},                         /* behind a lead alone */
        {"\xc0\x80", 1}, {"\xc1\xbf", 1},                 /* longer than needed: of one byte, */
        {"\xe0\x80\x80", 1}, {"\xe0\x9f\xbf", 1},         /* of two, */
        {"\xf0\x80\x80\x80", 1}, {"\xf0\x8f\xbf\xbf", 1}, /* of three */
        {"\xed\xa0\x80", 1}, {"\xed\xbf\xbf", 1},         /* surrogates */
        {"\xf4\x90\x80\x80", 1}, {"\xf7\xbf\xbf\xbf", 1}, /* above U+10FFFF */
        {"\xf8\x88\x80\x80\x80", 1}, {"\xfe", 1}, {"\xff", 1}, /* never in UTF-8 */
        {"\xc2\x7f", 1}, {"\xc2\xc0", 1}, {"\xe4\xb8\x20", 2}, /* another begins too soon */
        {"\xe4\xb8\xe4\xb8\xad", 2}, {"\xf0\x9f\xff", 2}, {"\xe4\xc0\x80", 1},
        {"\xf0\x9f\x9a\x20", 3}, {"\xc2", 1}, /* or nothing follows */
    };

    DEPOT_UNUSED(state);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        size_t used = 9;

        assert_int_equal(depot_utf8_decode(rows[i].s, strlen(rows[i].s), &used), -1);
        assert_int_equal(used, rows[i].used);
    }
}

/* Strings of `n` bytes that are one whole character; of four bytes the last is always 0x80. */
static size_t count_good(size_t n)
{
    size_t good = 0;

    for (unsigned i = 0; i < 0x1000000; i++) {
        const char p[] = {(char)(i >> 16), (char)(i >> 8), (char)i, '\x80'};
        size_t used;

        good += depot_utf8_decode(p, n, &used) >= 0 && used == n;
        if (n < 3)
            i |= n == 2 ? 0xff : 0xffff;
    }
    return good;
}

/* As many as there are characters of that length: with each of them decoded, none besides them. */
static void test_utf8__knows_no_other_characters(void **state)
{
    DEPOT_UNUSED(state);
    assert_int_equal(count_good(1), 0x80);
    assert_int_equal(count_good(2), 0x800 - 0x80);
    assert_int_equal(count_good(3), 0x10000 - 0x800 - 0x800 /* surrogates */);
    assert_int_equal(count_good(4), (0x110000 - 0x10000) / 64);
}

static void test_utf8__starts_at_whole_characters(void **state)
{
    static const char s[] = "a\xe2\x82\xac\xf0\x9f\x98\x80z";
    static const size_t starts[] = {0, 1, 1, 1, 4, 4, 4, 4, 8, 9};

    DEPOT_UNUSED(state);
    for (size_t at = 0; at < DEPOT_ARRAY_LEN(starts); at++)
        assert_int_equal(depot_utf8_start(s, at), starts[at]);
    assert_int_equal(depot_utf8_start("\x80\x80", 1), 0);
}

static void test_utf8__writes_and_reads_every_character(void **state)
{
    DEPOT_UNUSED(state);
    for (uint32_t ch = 0; ch <= 0x10ffff; ch++) {
        char s[4];
        size_t used;

        if (ch == 0xd800)
            ch = 0xe000;
        const size_t n = depot_utf8_encode(s, ch);
        assert_true(depot_utf8_decode(s, n, &used) == (int32_t)ch && used == n);
        assert_true(depot_utf8_lead((unsigned char)s[0]) == n);
    }
}

static void test_utf8__lead(void **state)
{
    static const struct {
        unsigned char first, last;
        size_t len;
    } rows[] = {{0x00, 0x7f, 1}, {0x80, 0xc1, 0}, {0xc2, 0xdf, 2}, {0xe0, 0xef, 3}, {0xf0, 0xf4, 4},
        {0xf5, 0xff, 0}};

    DEPOT_UNUSED(state);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        for (unsigned b = rows[i].first; b <= rows[i].last; b++)
            assert_int_equal(depot_utf8_lead((unsigned char)b), rows[i].len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8__decodes_what_is_on_either_side_of_each_length),
        cmocka_unit_test(test_utf8__leaves_what_follows),
        cmocka_unit_test(test_utf8__refuses_what_is_malformed),
        cmocka_unit_test(test_utf8__knows_no_other_characters),
        cmocka_unit_test(test_utf8__starts_at_whole_characters),
        cmocka_unit_test(test_utf8__writes_and_reads_every_character),
        cmocka_unit_test(test_utf8__lead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
