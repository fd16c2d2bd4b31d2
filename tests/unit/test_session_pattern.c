/*
 * Path patterns: one by one, and lists with their order, their `!` and what they let be passed
 * over.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "session/pattern.h"

static void split(struct depot_strv *v, const char *s)
{
    depot_strv_split(v, s, ' ');
}

/* As a walk does it: each directory on the way, then the path itself. */
static bool matches(const char *list, const char *path)
{
    struct depot_strv v = {0};
    struct dp_patterns *ps;
    struct depot_error err;
    split(&v, list);
    assert_int_equal(dp_patterns_new(&v, &ps, &err), 0);
    size_t n = dp_patterns_len(ps);
    uint8_t *parent = depot_calloc(n + 1, 1), *own = depot_calloc(n + 1, 1);
    bool first = true, hit = false;
    for (size_t at = 0; path[at] != '\0';) {
        at += strcspn(path + at + (at > 0), "/") + (at > 0);
        hit = dp_patterns_match(ps, path, at, first ? NULL : parent, own);
        memcpy(parent, own, n);
        first = false;
    }
    depot_free(parent);
    depot_free(own);
    dp_patterns_free(ps);
    depot_strv_release(&v);
    return hit;
}

static void test_pattern__matches(void **state)
{
    (void)state;
    static const struct {
        const char *list, *path;
        bool want;
    } rows[] = {
        {"a", "a", true},
        {"a", "ab", false},
        {"a", "a/b/c", true},
        {"a", "b/a", false},
        {"a/", "a", true},
        {"./a", "a", true},
        {"a//b", "a/b", true},
        {"a/../b", "b", true},
        {"*", "a", true},
        {"*", "a/b", true},
        {"*.go", "x.go", true},
        {"*.go", "d/x.go", false},
        {"*.go", "x.gox", false},
        {"a*b", "ab", true},
        {"a*b", "axxb", true},
        {"a*b", "a/b", false},
        {"?", "a", true},
        {"?", "\303\274", true},
        {"?", "\355\240\200", false}, /* a surrogate is none: three bad bytes */
        {"???", "\355\240\200", true},
        {"?", "ab", false},
        {"a?c", "a/c", false},
        {"**", "a/b/c", true},
        {"**/x", "x", true},
        {"**/x", "a/b/x", true},
        {"**/x", "a/bx", false},
        {"**/*.o", "a/b/c.o", true},
        {"**/*.o", "c.o", true},
        {"a/**", "a/b/c", true},
        {"a/**", "a", false},
        {"a/**/b", "a/b", true},
        {"a/**/b", "a/x/y/b", true},
        {"a/**/b", "a/xb", false},
        {"a/**/*.c", "a/x/y.c", true},
        {"**x", "ax", true},
        {"a**b", "a/b", true},
        {"a**b", "axb", false},
        {"a**b", "ax/b", true},
        {"*a**b", "aab", true},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[^a-c]x", "dx", true},
        {"[^a-c]x", "ax", false},
        {"[\\]]", "]", true},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"a.b", "axb", false},
        {"a+b", "a+b", true},
        {"(a|b)", "a", false},
        {"a$", "a$", true},
        {"*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
        {"a !a/b", "a/b", false},
        {"a !a/b", "a/c", true},
        {"a !a/b", "a/b/c", false},
        {"!a", "a", false},
        {"a !a a", "a", true},
        {"* !*.md", "x.md", false},
        {"* !*.md README.md", "README.md", true},
        {"**/*.key !keep/*.key", "keep/a.key", false},
        {"**/*.key !keep/*.key", "other/a.key", true},
        {"  a  ", "a", true},
        {"a/b", "a", false},
        {"a/b", "a/b", true},
        {"**/a/**/b", "x/a/y/z/b", true},
        {"a/*", "a/b", true},
        {"a/*", "a", false},
        {"a/*/c", "a/b/c", true},
        {"\303\274*", "\303\274x", true},
        {"\xff", "\xff", true},
        {"*\xff", "a\xff", true},
        {"??", "\xe2\x82", true},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        bool got = matches(rows[i].list, rows[i].path);
        if (got != rows[i].want)
            print_error("\"%s\" on \"%s\"\n", rows[i].list, rows[i].path);
        assert_int_equal(got, rows[i].want);
    }
}

static void test_pattern__refuses(void **state)
{
    (void)state;
    static const char *const rows[] = {"!", "[", "[a", "a[]", "[^]", "a\\", "[\\"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_strv v = {0};
        struct dp_patterns *ps = NULL;
        struct depot_error err;
        depot_strv_push(&v, rows[i]);
        assert_int_equal(dp_patterns_new(&v, &ps, &err), DEPOT_ERR_INVALID);
        assert_null(ps);
        assert_true(strlen(err.hint) > 0);
        depot_strv_release(&v);
    }
}

static void test_pattern__below(void **state)
{
    (void)state;
    static const struct {
        const char *list, *dir;
        bool turned, want;
    } rows[] = {
        {"a/b", "a", false, true},
        {"a/b", "c", false, false},
        {"a/b", "a/b", false, true},
        {"a/b/*", "a", false, true},
        {"a*/b", "c", false, false},
        {"a*/b", "ac", false, true},
        {"*.txt", "u", false, false},
        {"v/*.txt", "u", false, false},
        {"v/*.txt", "v", false, true},
        {"v/*.txt", "v/w", false, false},
        {"v/**", "v", false, true},
        {"v/**", "va", false, false},
        {"v/w/**", "v", false, true},
        {"v/w/**", "v/x", false, false},
        {"v/w/**", "v/w/x/y", false, true},
        {"**/f", "u", false, true},
        {"u/**/f", "u/x", false, true},
        {"u/**/f", "v", false, false},
        {"a/[x-z]/c", "a/y", false, true},
        {"a/[x-z]/c", "a/b", false, false},
        {"a\\*/c", "a*", false, true},
        {"a\\*/c", "ab", false, false},
        {"*", "u", false, true},
        {"ab", "a", false, false},
        {"x !x/y/z", "x", true, true},
        {"x !x/y/z", "x/y", true, true},
        {"x !x/y/z", "x/z", true, false},
        {"x !y", "x", true, false},
        {"x", "x", true, false},
        {"x !*/z", "x", true, true},
        {"x !**/z", "x", true, true},
        {"x* !y", "x", true, false},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_strv v = {0};
        struct dp_patterns *ps;
        struct depot_error err;
        split(&v, rows[i].list);
        assert_int_equal(dp_patterns_new(&v, &ps, &err), 0);
        bool got =
            dp_patterns_may_match_below(ps, rows[i].dir, strlen(rows[i].dir), rows[i].turned);
        if (got != rows[i].want)
            print_error("\"%s\" below \"%s\"\n", rows[i].list, rows[i].dir);
        assert_int_equal(got, rows[i].want);
        dp_patterns_free(ps);
        depot_strv_release(&v);
    }
}

static void test_path__clean(void **state)
{
    (void)state;
    static const struct {
        const char *in, *clean, *rooted;
    } rows[] = {
        {"", ".", "."},
        {"a", "a", "a"},
        {"/", "/", "."},
        {"//a//b/", "/a/b", "a/b"},
        {"a/../..", "..", "."},
        {"../../a", "../../a", "a"},
        {"/..", "/", "."},
        {"a/./b/..", "a", "a"},
        {"..a/b", "..a/b", "..a/b"},
        {"../a/..", "..", "."},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char *clean = dp_path_clean(rows[i].in), *rooted = dp_path_clean_rooted(rows[i].in);
        assert_string_equal(clean, rows[i].clean);
        assert_string_equal(rooted, rows[i].rooted);
        depot_free(clean);
        depot_free(rooted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern__matches),
        cmocka_unit_test(test_pattern__refuses),
        cmocka_unit_test(test_pattern__below),
        cmocka_unit_test(test_path__clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
