/*
 * The filter of rows: its words, what passes, and text that was not meant kindly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <locale.h>

#include "tui/widget/filter.h"

static void test_words__are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct {
            bool negated;
            enum filter_field field;
            const char *pattern;
        } words[4];
    } rows[] = {
        {"", {{0}}},
        {" \t ", {{0}}},
        {"web", {{false, FIELD_ANY, "web"}}},
        {" web  !api ", {{false, FIELD_ANY, "web"}, {true, FIELD_ANY, "api"}}},
        {"state:fail !who:ann", {{false, FIELD_STATE, "fail"}, {true, FIELD_USER, "ann"}}},
        {"user=ann STATE:x", {{false, FIELD_USER, "ann"}, {false, FIELD_STATE, "x"}}},
        {"http://x a:b web:1.2", {{false, FIELD_ANY, "http://x"}, {false, FIELD_ANY, "a:b"},
                                     {false, FIELD_ANY, "web:1.2"}}},
        {"\"a b\"c d\\ e", {{false, FIELD_ANY, "a bc"}, {false, FIELD_ANY, "d e"}}},
        {"project:\"a b\" !\"!x\"", {{false, FIELD_PROJECT, "a b"}, {true, FIELD_ANY, "!x"}}},
        {"\"state:x\"", {{false, FIELD_ANY, "state:x"}}},
        {"a\\.b\\\\ \\\"c", {{false, FIELD_ANY, "a\\.b\\\\"}, {false, FIELD_ANY, "\"c"}}},
        {"\"a b", {{false, FIELD_ANY, "a b"}}},
        {"a\\", {{false, FIELD_ANY, "a\\"}}},
        {"! user: \"\"", {{true, FIELD_ANY, ""}, {false, FIELD_USER, ""}, {false, FIELD_ANY, ""}}},
        {"!!x", {{true, FIELD_ANY, "!x"}}},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_buf pattern = DEPOT_BUF_INIT(FILTER_MAX);
        struct filter_word w;
        const char *text = rows[i].text;
        for (size_t k = 0; rows[i].words[k].pattern != NULL; k++) {
            assert_true(dp_filter_next(&text, &w, &pattern));
            assert_string_equal(depot_buf_str(&pattern), rows[i].words[k].pattern);
            assert_int_equal(w.negated, rows[i].words[k].negated);
            assert_int_equal(w.field, rows[i].words[k].field);
        }
        assert_false(dp_filter_next(&text, &w, &pattern));
        assert_int_equal(*text, '\0');
        depot_buf_release(&pattern);
    }
}

static bool passes(const char *text)
{
    struct filter f = {0};
    assert_int_equal(dp_filter_set(&f, text, NULL), 0);
    dp_filter_row(&f);
    dp_filter_say(&f, FIELD_STATE, "FAIL");
    dp_filter_say(&f, FIELD_PROJECT, "web shop");
    dp_filter_say(&f, FIELD_USER, "ann");
    dp_filter_say(&f, FIELD_TARGET, NULL);
    dp_filter_say(&f, FIELD_TAG, "");
    dp_filter_say(&f, FIELD_PLATFORM, "linux/amd64");
    dp_filter_say(&f, FIELD_PLATFORM, "linux/arm64");
    const bool passed = dp_filter_passes(&f);
    dp_filter_release(&f);
    return passed;
}

static void test_filter__wants_every_word(void **state)
{
    (void)state;
    static const char *const pass[] = {"", "!", "! \"\" user:", "web", "web ann", "ANN FAIL",
        "ann !bob", "state:fail platform:arm64 platforms:amd64", "user=ann|bob", "^web", "shop$",
        "who:^ann$", "project:web\\ shop", "\"web shop\"", "web shop", "!user:bob !tag:.",
        "platform:arm|s390x", "!state:run"};
    static const char *const fail[] = {"!web", "web bob", "user:web", "^shop", "state:fail !ann",
        "!platform:arm64", "tag:.", "target:.", "web.*ann", "\"shop web\"", "stage:."};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(pass); i++)
        if (!passes(pass[i]))
            fail_msg("%s does not pass", pass[i]);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(fail); i++)
        if (passes(fail[i]))
            fail_msg("%s passes", fail[i]);
}

static bool passes_word(struct filter *f, const char *word)
{
    dp_filter_row(f);
    dp_filter_say(f, FIELD_PROJECT, word);
    return dp_filter_passes(f);
}

static void test_filter__keeps_the_last_good_one(void **state)
{
    struct filter f = {0};
    struct depot_error err = {0};
    (void)state;
    assert_true(passes_word(&f, "x"));
    assert_int_equal(dp_filter_set(&f, "^web", &err), 0);
    assert_true(passes_word(&f, "WEB/final"));
    assert_false(passes_word(&f, "api"));
    static const char *const wrong[] = {"(", "web (", "user:[", "a{2,1}", "!["};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(wrong); i++) {
        err.msg[0] = '\0';
        assert_int_equal(dp_filter_set(&f, wrong[i], &err), DEPOT_ERR_INVALID);
        assert_true(err.msg[0] != '\0');
        assert_string_equal(f.text, "^web");
        assert_false(passes_word(&f, "api"));
    }
    assert_int_equal(dp_filter_set(&f, "!web", &err), 0);
    assert_true(passes_word(&f, "api"));
    assert_int_equal(dp_filter_set(&f, "!", &err), 0);
    assert_false(f.on);
    assert_true(passes_word(&f, "web"));
    dp_filter_release(&f);
}

static void test_filter__survives_hostile_text(void **state)
{
    (void)state;
    static const char *const texts[] = {"\377\376 \300", "!\377", "state:\355\240\200", "\"\"\"",
        "\\", "!\\", "user:\\", "\" \\", "!!!! ! ! !", "::::", "=",
        "state:state:state:", "\t\t!\t"};
    struct filter f = {0};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(texts); i++)
        if (dp_filter_set(&f, texts[i], NULL) == 0)
            (void)passes_word(&f, "web \377 \303\244");
    static const char bytes[] = "!(\"\\[ x:";
    for (const char *b = bytes; *b != '\0'; b++) {
        char big[10001];
        memset(big, *b, sizeof(big) - 1);
        big[sizeof(big) - 1] = '\0';
        assert_int_equal(dp_filter_set(&f, big, NULL), DEPOT_ERR_INVALID);
        big[FILTER_MAX] = '\0';
        if (dp_filter_set(&f, big, NULL) == 0)
            (void)passes_word(&f, big);
    }
    dp_filter_release(&f);
}

/* Repetitions of repetitions take all memory there is. */
static void test_filter__refuses_what_explodes(void **state)
{
    (void)state;
    struct filter f = {0};
    assert_int_equal(dp_filter_set(&f, "((a{200}){200}){200}", NULL), DEPOT_ERR_INVALID);
    assert_int_equal(dp_filter_set(&f, "(a{3}b{1,20}){,4}", NULL), 0);
    dp_filter_release(&f);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words__are_parsed),
        cmocka_unit_test(test_filter__wants_every_word),
        cmocka_unit_test(test_filter__keeps_the_last_good_one),
        cmocka_unit_test(test_filter__survives_hostile_text),
        cmocka_unit_test(test_filter__refuses_what_explodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
