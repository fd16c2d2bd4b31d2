/*
 * The shared vocabulary: numbers, widths and cuts, cleaning, styles and signs, rows of cells.
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

#include <depot/cells.h>
#include <depot/style.h>
#include <depot/text.h>

/* ---- numbers ---- */

static void test_text__durations(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        bool tenths;
        const char *want;
    } rows[] = {{-5, true, "0.0s"}, {449, true, "0.4s"}, {31400, true, "31.4s"},
        {31400, false, "31s"}, {59999, true, "59.9s"}, {60000, true, "1:00"},
        {102000, true, "1:42"}, {3729000, true, "1:02:09"},
        {86400000LL * 3 + 3600000LL * 4, true, "3d04h"}};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char out[DEPOT_TEXT_MAX];
        assert_string_equal(
            depot_text_duration(out, rows[i].ms * DEPOT_MSEC, rows[i].tenths), rows[i].want);
    }
}

static void test_text__ages(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *want;
    } rows[] = {{-5, "just now"}, {0, "just now"}, {12, "12s ago"}, {7200, "2h ago"}};
    char out[DEPOT_TEXT_MAX];
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        assert_string_equal(
            depot_text_ago(out, 100 * DEPOT_SEC, (100 + rows[i].seconds) * DEPOT_SEC),
            rows[i].want);
    assert_string_equal(depot_text_ago(out, 0, DEPOT_SEC), "");
}

static void test_text__amounts(void **state)
{
    (void)state;
    static const struct {
        int64_t n;
        const char *bytes, *count;
    } rows[] = {
        {-1, "0B", "0"},
        {0, "0B", "0"},
        {812, "812B", "812"},
        {999, "999B", "999"},
        {1000, "1.0kB", "1.0k"},
        {9949, "9.9kB", "9.9k"},
        {9950, "10kB", "10k"},
        {62464, "62kB", "62k"},
        {999499, "999kB", "999k"},
        {999500, "1.0MB", "1.0M"},
        {52428800, "52MB", "52M"},
        {INT64_MAX, "9.2EB", "9223372T"},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char out[DEPOT_TEXT_MAX], want[DEPOT_TEXT_MAX];
        assert_string_equal(depot_text_bytes(out, rows[i].n), rows[i].bytes);
        assert_in_range(strlen(out), 2, 5);
        assert_string_equal(depot_text_count(out, rows[i].n), rows[i].count);
        snprintf(want, sizeof(want), "%s/s", rows[i].bytes);
        assert_string_equal(depot_text_rate(out, (double)rows[i].n), want);
    }
}

static void test_text__shares(void **state)
{
    (void)state;
    static const struct {
        int64_t n, of;
        const char *want;
    } rows[] = {{12500000, 50000000, "12/50MB"}, {950000, 2097152, "950kB/2.1MB"},
        {0, 2097152, "0/2.1MB"}, {10, 10, "10B"}, {10, 0, "10B"}, {-5, 3, "0/3B"},
        {INT64_MAX - 1, INT64_MAX, "9.2/9.2EB"}};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char out[DEPOT_TEXT_MAX];
        assert_string_equal(depot_text_share(out, rows[i].n, rows[i].of), rows[i].want);
        assert_in_range(strlen(out), 1, 11);
    }
}

static void test_text__percents(void **state)
{
    char out[DEPOT_TEXT_MAX];
    (void)state;
    assert_string_equal(depot_text_percent(out, 3, 0), "-");
    assert_string_equal(depot_text_percent(out, 2, 3), "66%");
    assert_string_equal(depot_text_percent(out, INT64_MAX, INT64_MAX), "100%");
}

/* ---- columns ---- */

static void test_text__is_fitted_by_columns(void **state)
{
    static const struct {
        const char *text;
        int columns;
        const char *end, *middle, *front, *bare;
    } rows[] = {
        {"abcdef", 6, "abcdef", "abcdef", "abcdef", "abcdef"},
        {"abcdefg", 6, "abcde…", "abc…fg", "…cdefg", "abcdef"},
        {"日本日本", 8, "日本日本", "日本日本", "日本日本", "日本日本"},
        {"日本日本", 7, "日本日…", "日…本", "…本日本", "日本日"},
        {"日本日本", 6, "日本…", "日…本", "…日本", "日本日"},
        {"e\u0301e\u0301", 2, "e\u0301e\u0301", "e\u0301e\u0301", "e\u0301e\u0301",
            "e\u0301e\u0301"},
        {"registry.example.org/web", 12, "registry.ex…", "regist…g/web", "…ple.org/web",
            "registry.exa"},
        {"abcdef", 2, "ab", "ab", "ab", "ab"},
        {"abcdef", 0, "", "", "", ""},
        {"abcdef", -3, "", "", "", ""},
        {"日", 1, "", "", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        const char *const want[] = {
            [DEPOT_CUT_END] = rows[i].end,
            [DEPOT_CUT_MIDDLE] = rows[i].middle,
            [DEPOT_CUT_FRONT] = rows[i].front,
            [DEPOT_CUT_BARE] = rows[i].bare,
        };
        for (size_t cut = 0; cut < DEPOT_ARRAY_LEN(want); cut++) {
            struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
            depot_text_fit(&out, rows[i].text, rows[i].columns, (enum depot_cut)cut, false);
            assert_string_equal(depot_buf_str(&out), want[cut]);
            depot_buf_clear(&out);
            depot_text_fit(&out, rows[i].text, rows[i].columns, (enum depot_cut)cut, true);
            assert_true(
                rows[i].columns < 0 || depot_text_width(depot_buf_str(&out)) <= rows[i].columns);
            depot_buf_release(&out);
        }
    }
}

static void test_text__widths(void **state)
{
    static const struct {
        uint32_t ch;
        int width;
    } rows[] = {
        {'a', 1}, {0xe9, 1}, {0x301, 0}, {0x65e5, 2},
        {0x1f44d, 2},                                           /* a, é, an accent, CJK, a thumb */
        {0x07, -1}, {0x1b, -1}, {0x9b, -1},                     /* controls */
        {0x202e, -1}, {0x2066, -1}, {0x200b, -1}, {0x200d, -1}, /* direction, nothing, a joiner */
        {0xfe0f, -1}, {0x1f3fd, -1}, {0xe0041, -1},             /* variants, a skin, tags */
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        assert_int_equal(depot_text_width_of(rows[i].ch), rows[i].width);
    assert_int_equal(depot_text_width("a\t日e\u0301\xff\033\u202e"), 1 + 1 + 2 + 1 + 1);
}

static void test_text__first_of_folded_lines(void **state)
{
    static const struct {
        const char *text;
        int columns;
        size_t n;
    } rows[] = {{"one two", 9, 7}, {"one two", 7, 7}, {"one two", 5, 3}, {"one two", 3, 3},
        {"onetwo", 3, 3}, {"日本", 1, 6}, {"", 5, 0}};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        assert_int_equal(depot_text_line(rows[i].text, rows[i].columns), rows[i].n);
}

/* ---- cleaning ---- */

static void test_clean__whole_and_byte_by_byte(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"plain\ttext\n", "plain\ttext\n"},
        {"\033[31mred\033[0m", "red"},
        {"\033]0;title\007x", "x"},
        {"\033]0;title\033\\x", "x"},
        {"\033Pdcs\033\\x\033(Bz", "xz"},
        {"\033]never ends\nnext", "\nnext"},
        {"\033[12\nnext", "\nnext"},
        {"a\b\b\x01\x7f"
         "b",
            "ab"},
        {"10%\r20%", "10% 20%"},
        {"\xc3\xa9\xf0\x9f\x98\x80", "\xc3\xa9\xf0\x9f\x98\x80"},
        {"\xff\xfe"
         "a",
            "??a"},
        {"\xc3(", "?("},
        {"\xc2\x9b"
         "31m",
            "31m"}, /* C1 CSI in UTF-8 */
        {"a\xe2\x80\xae"
         "b",
            "ab"}, /* right-to-left override */
        {"\xe2\x80\x1b[1mx", "?x"},
        {"\xed\xa0\x80", "???"}, /* as screens have it: one for what no character begins with */
        {"\xe0\x80\xaf", "???"},
        {"\xf0\x9f\x9a\xf0\x9f\x9a\x80", "?\xf0\x9f\x9a\x80"},
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_buf whole = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        struct depot_buf bytes = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        struct depot_clean a = {0}, b = {0};

        depot_clean_feed(&a, &whole, rows[i].in, strlen(rows[i].in));
        for (size_t k = 0; k < strlen(rows[i].in); k++)
            depot_clean_feed(&b, &bytes, rows[i].in + k, 1);
        assert_string_equal(depot_buf_str(&whole), rows[i].out);
        assert_string_equal(depot_buf_str(&bytes), rows[i].out);
        depot_buf_release(&whole);
        depot_buf_release(&bytes);
    }
}

static void test_clean__keeps_what_only_joins(void **state)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    (void)state;
    depot_clean_string(&out, "\u2764\ufe0f \U0001f44d\U0001f3fd a\u00adb\U000e0041c\nd");
    assert_string_equal(depot_buf_str(&out), "\u2764\ufe0f \U0001f44d\U0001f3fd abc d");
    depot_buf_release(&out);
}

static void test_clean__log_line_is_the_last_one_written_over(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {{"10%\r20%\r30%\r\n", "30%"}, {"a\033[1mb\r\r", "ab"}, {"\r", ""}, {"", ""}};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        depot_text_log_line(&out, rows[i].in, strlen(rows[i].in));
        assert_string_equal(depot_buf_str(&out), rows[i].out);
        depot_buf_release(&out);
    }
}

/* ---- styles and signs ---- */

static void test_style__user_colours(void **state)
{
    (void)state;
    struct depot_styles s;
    struct depot_error err = {0};
    depot_styles_init(&s, DEPOT_PALETTE_256);
    assert_int_equal(depot_styles_parse(&s, "run=cyan,bold:warning=1,2,3:hit=#ff0000", &err), 0);
    assert_int_equal(s.looks[DEPOT_STYLE_RUN].fg, 6);
    assert_int_equal(s.looks[DEPOT_STYLE_RUN].attrs, DEPOT_ATTR_BOLD);
    assert_int_equal(s.looks[DEPOT_STYLE_HIT].fg, 196);
    assert_int_equal(depot_styles_parse(&s, "nothing=red", &err), DEPOT_ERR_INVALID);
    assert_int_equal(depot_styles_parse(&s, "run=purplish", &err), DEPOT_ERR_INVALID);
    depot_styles_init(&s, DEPOT_PALETTE_MONO);
    assert_int_equal(depot_styles_parse(&s, "run=red", &err), 0);
    assert_int_equal(s.looks[DEPOT_STYLE_RUN].fg, -1);
}

static void test_style__what_the_terminal_is_told(void **state)
{
    static const struct {
        struct depot_look look;
        const char *sgr;
    } rows[] = {
        {{-1, -1, 0}, "\033[m"},
        {{3, -1, DEPOT_ATTR_BOLD}, "\033[0;1;33m"},
        {{178, 0, 0}, "\033[0;38;5;178;40m"},
        {{DEPOT_RGB | 0x010203, DEPOT_RGB, DEPOT_ATTR_REVERSE}, "\033[0;7;38;2;1;2;3;48;2;0;0;0m"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        depot_look_put(&out, &rows[i].look);
        assert_string_equal(depot_buf_str(&out), rows[i].sgr);
        depot_buf_release(&out);
    }
}

/* Without colours states differ by their signs alone, in either set of them. */
static void test_sign__tells_outcomes_apart(void **state)
{
    (void)state;
    for (int ascii = 0; ascii < 2; ascii++)
        for (int a = 0; a < DEPOT_OUTCOME_COUNT; a++)
            for (int b = 0; b < a; b++)
                assert_int_not_equal(
                    depot_sign_char(ascii, depot_outcome_sign((enum depot_outcome)a)),
                    depot_sign_char(ascii, depot_outcome_sign((enum depot_outcome)b)));
    for (int s = 0; s < DEPOT_SIGN_COUNT; s++) {
        assert_int_equal(depot_text_width_of(depot_sign_char(false, (enum depot_sign)s)), 1);
        assert_in_range(depot_sign_char(true, (enum depot_sign)s), ' ', '~');
    }
}

/* ---- cells ---- */

static const char *row_text(struct depot_buf *out, const struct depot_row *r)
{
    depot_buf_clear(out);
    for (int x = 0; x < r->width; x++)
        depot_cell_put(out, &r->cells[x]);
    return depot_buf_str(out);
}

static void test_cells__text_becomes_cells(void **state)
{
    static const struct {
        const char *text;
        int x, from, to;
        enum depot_charset charset;
        int advanced;
        const char *want;
    } rows[] = {
        {"abc", 0, 0, 6, DEPOT_CHARSET_UTF8, 3, "abc   "},
        {"abc", -1, 0, 6, DEPOT_CHARSET_UTF8, 3, "bc    "},
        {"abc", 4, 0, 6, DEPOT_CHARSET_UTF8, 2, "    ab"},
        {"abc", 1, 2, 3, DEPOT_CHARSET_UTF8, 2, "  b   "},
        {"日本日", 0, 0, 5, DEPOT_CHARSET_UTF8, 4, "日本  "},
        {"日x", -1, 0, 6, DEPOT_CHARSET_UTF8, 3, " x    "},
        {"e\u0301\u0302\u0303z", 0, 0, 6, DEPOT_CHARSET_UTF8, 2, "e\u0301\u0302z    "},
        {"a\033[2J\u202e\tb\xff", 0, 0, 6, DEPOT_CHARSET_UTF8, 6, "a[2J b"},
        {"é日", 0, 0, 6, DEPOT_CHARSET_ASCII, 3, "???   "},
        {"é日", 0, 0, 6, DEPOT_CHARSET_WIDE, 3, "?日   "},
    };
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_cell cells[6];
        const struct depot_row row = {cells, 6, rows[i].from, rows[i].to, rows[i].charset};
        for (int x = 0; x < 6; x++)
            cells[x] = (struct depot_cell)DEPOT_CELL_BLANK;
        assert_int_equal(depot_row_put(&row, rows[i].x, 0, rows[i].text, strlen(rows[i].text)),
            rows[i].advanced);
        assert_string_equal(row_text(&out, &row), rows[i].want);
    }
    depot_buf_release(&out);
}

static void test_cells__meters_have_half_columns(void **state)
{
    static const struct {
        double fraction;
        const char *want, *ascii;
    } rows[] = {{-1, "────", "...."}, {0, "────", "...."}, {0.01, "╾───", "-..."},
        {0.5, "━━──", "==.."}, {0.6, "━━╾─", "==-."}, {1, "━━━━", "===="}, {1e300, "━━━━", "===="}};
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        for (int ascii = 0; ascii < 2; ascii++) {
            struct depot_cell cells[4] = {
                DEPOT_CELL_BLANK, DEPOT_CELL_BLANK, DEPOT_CELL_BLANK, DEPOT_CELL_BLANK};
            const struct depot_row row = {cells, 4, 0, 4, (enum depot_charset)ascii};
            depot_row_put_meter(&row, 0, 4, rows[i].fraction, DEPOT_STYLE_METER);
            assert_string_equal(row_text(&out, &row), ascii ? rows[i].ascii : rows[i].want);
        }
    }
    depot_buf_release(&out);
}

static void test_cells__no_half_of_a_wide_one_stays(void **state)
{
    struct depot_cell cells[] = {
        DEPOT_CELL_BLANK, DEPOT_CELL_BLANK, DEPOT_CELL_BLANK, DEPOT_CELL_BLANK};
    const struct depot_row row = {.cells = cells, .width = 4, .to = 4};
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    (void)state;
    depot_row_put(&row, 0, 0, "日\u0301本", strlen("日\u0301本"));
    assert_true(depot_row_put_char(&row, 1, 0, '|', 1));
    assert_string_equal(row_text(&out, &row), " |本");
    assert_true(depot_row_put_char(&row, 2, 0, '|', 1));
    assert_string_equal(row_text(&out, &row), " || ");
    assert_false(depot_row_put_char(&row, 3, 0, 0x65e5, 2));
    depot_row_put_mark(&row, 1, 0x301);
    assert_string_equal(row_text(&out, &row), " \u0301|| ");
    depot_buf_release(&out);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__durations),
        cmocka_unit_test(test_text__ages),
        cmocka_unit_test(test_text__amounts),
        cmocka_unit_test(test_text__shares),
        cmocka_unit_test(test_text__percents),
        cmocka_unit_test(test_text__is_fitted_by_columns),
        cmocka_unit_test(test_text__widths),
        cmocka_unit_test(test_text__first_of_folded_lines),
        cmocka_unit_test(test_clean__whole_and_byte_by_byte),
        cmocka_unit_test(test_clean__keeps_what_only_joins),
        cmocka_unit_test(test_clean__log_line_is_the_last_one_written_over),
        cmocka_unit_test(test_style__user_colours),
        cmocka_unit_test(test_style__what_the_terminal_is_told),
        cmocka_unit_test(test_sign__tells_outcomes_apart),
        cmocka_unit_test(test_cells__text_becomes_cells),
        cmocka_unit_test(test_cells__meters_have_half_columns),
        cmocka_unit_test(test_cells__no_half_of_a_wide_one_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
