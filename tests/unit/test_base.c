/*
 * Tests of the base containers, strings, encodings and errors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <depot/base.h>
#include <depot/log.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static void test_alloc__strings_and_copies(void **state)
{
    char *s;

    DEPOT_UNUSED(state);
    assert_null(depot_strdup(NULL));
    assert_null(depot_memdup("x", 0));
    s = depot_strndup("ab\0cd", 5);
    assert_string_equal(s, "ab");
    depot_free(s);
    s = depot_asprintf("%s-%d", "x", 42);
    assert_string_equal(s, "x-42");
    depot_free(s);
    depot_free(depot_alloc(0));
    depot_free(depot_calloc(0, 8));
    depot_free(NULL);
}

static void test_str__questions(void **state)
{
    DEPOT_UNUSED(state);
    assert_true(depot_str_eq(NULL, NULL));
    assert_false(depot_str_eq(NULL, ""));
    assert_true(depot_str_eq("a", "a"));
    assert_true(depot_str_starts("abc", "ab"));
    assert_false(depot_str_starts("a", "ab"));
    assert_false(depot_str_starts(NULL, ""));
    assert_true(depot_str_ends("abc", "bc"));
    assert_true(depot_str_ends("abc", ""));
    assert_false(depot_str_ends("c", "bc"));
    assert_true(depot_str_empty(NULL));
    assert_true(depot_str_empty(""));
    assert_false(depot_str_empty(" "));
}

static void test_str__to_int64(void **state)
{
    static const struct {
        const char *in;
        int64_t min, max;
        int rc;
        int64_t want;
    } rows[] = {
        {"0", INT64_MIN, INT64_MAX, 0, 0},
        {"-7", INT64_MIN, INT64_MAX, 0, -7},
        {"007", INT64_MIN, INT64_MAX, 0, 7},
        {"9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN},
        {"9223372036854775808", INT64_MIN, INT64_MAX, DEPOT_ERR_INVALID, 0},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, DEPOT_ERR_INVALID, 0},
        {"99999999999999999999999", INT64_MIN, INT64_MAX, DEPOT_ERR_INVALID, 0},
        {"", INT64_MIN, INT64_MAX, DEPOT_ERR_INVALID, 0},
        {NULL, INT64_MIN, INT64_MAX, DEPOT_ERR_INVALID, 0},
        {"-", INT64_MIN, INT64_MAX, DEPOT_ERR_INVALID, 0},
        {"+1", INT64_MIN, INT64_MAX, DEPOT_ERR_INVALID, 0},
        {" 1", INT64_MIN, INT64_MAX, DEPOT_ERR_INVALID, 0},
        {"1 ", INT64_MIN, INT64_MAX, DEPOT_ERR_INVALID, 0},
        {"0x1", INT64_MIN, INT64_MAX, DEPOT_ERR_INVALID, 0},
        {"65536", 1, 65535, DEPOT_ERR_INVALID, 0},
        {"65535", 1, 65535, 0, 65535},
        {"0", 1, 65535, DEPOT_ERR_INVALID, 0},
    };

    DEPOT_UNUSED(state);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        int64_t got = 12345;

        assert_int_equal(
            depot_str_to_int64(rows[i].in, rows[i].min, rows[i].max, &got), rows[i].rc);
        assert_true(got == (rows[i].rc == 0 ? rows[i].want : 12345));
    }
}

static void test_vec__grows_and_removes(void **state)
{
    DEPOT_VEC(int) v = {0};
    struct pair {
        int a, b;
    };
    DEPOT_VEC(struct pair) w = {0};

    DEPOT_UNUSED(state);
    for (int i = 0; i < 1000; i++)
        depot_vec_push(&v, i);
    assert_int_equal(v.len, 1000);
    depot_vec_remove(&v, 0);
    depot_vec_remove(&v, 998);
    assert_int_equal(v.len, 998);
    assert_int_equal(v.items[0], 1);
    assert_int_equal(v.items[997], 998);
    depot_vec_free(&v);
    assert_null(v.items);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(depot_vec_add(&w)->b, 0);
        w.items[w.len - 1].b = i;
    }
    assert_int_equal(w.items[99].b, 99);
    depot_vec_free(&w);
}

static void test_strv__split_and_join(void **state)
{
    static const struct {
        const char *in;
        size_t n;
        const char *joined;
    } rows[] = {
        {"", 0, ""},
        {NULL, 0, ""},
        {"a", 1, "a"},
        {"a,b", 2, "a;;b"},
        {",", 2, ";;"},
        {"a,,b,", 4, "a;;;;b;;"},
    };

    DEPOT_UNUSED(state);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_strv v = {0}, copy = {0};
        char *s;

        depot_strv_split(&v, rows[i].in, ',');
        depot_strv_copy(&copy, &v);
        depot_strv_release(&v);
        assert_int_equal(copy.len, rows[i].n);
        s = depot_strv_join(&copy, ";;");
        assert_string_equal(s, rows[i].joined);
        depot_free(s);
        if (rows[i].n > 0)
            assert_true(depot_strv_has(&copy, copy.items[rows[i].n - 1]));
        assert_false(depot_strv_has(&copy, "nowhere"));
        depot_strv_release(&copy);
    }
}

static void test_kvs__set_keeps_its_place(void **state)
{
    struct depot_kvs m = {0}, copy = {0};

    DEPOT_UNUSED(state);
    depot_kvs_set(&m, "a", "1");
    depot_kvs_set(&m, "b", "2");
    depot_kvs_set(&m, "c", "3");
    depot_kvs_set(&m, "a", "4");
    /* Its own value is a legal new value. */
    depot_kvs_set(&m, "b", depot_kvs_get(&m, "b"));
    assert_int_equal(m.len, 3);
    assert_string_equal(m.items[0].key, "a");
    assert_string_equal(depot_kvs_get(&m, "a"), "4");
    assert_string_equal(depot_kvs_get(&m, "b"), "2");
    assert_null(depot_kvs_get(&m, "z"));
    depot_kvs_unset(&m, "z");
    depot_kvs_unset(&m, "b");
    assert_int_equal(m.len, 2);
    depot_kvs_copy(&copy, &m);
    depot_kvs_release(&m);
    assert_string_equal(copy.items[1].value, "3");
    depot_kvs_release(&copy);
}

static void test_map__holds_many_in_order(void **state)
{
    enum { N = 5000 };
    static char values[N];
    struct depot_map *m = depot_map_new();
    const char *key;
    void *value;
    char name[32];
    size_t pos = 0, seen = 0;

    DEPOT_UNUSED(state);
    assert_null(depot_map_get(m, "none"));
    assert_null(depot_map_remove(m, "none"));
    for (size_t i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "key-%zu", i);
        depot_map_set(m, name, &values[i]);
    }
    while (depot_map_next(m, &pos, &key, &value)) {
        snprintf(name, sizeof(name), "key-%zu", seen);
        assert_string_equal(key, name);
        assert_ptr_equal(value, &values[seen]);
        seen++;
    }
    assert_int_equal(seen, N);
    depot_map_set(m, "key-7", &values[0]);
    assert_int_equal(depot_map_len(m), N);
    assert_ptr_equal(depot_map_get(m, "key-7"), &values[0]);
    assert_ptr_equal(depot_map_getn(m, "key-77xx", 6), &values[77]);
    depot_map_free(m);
    depot_map_free(NULL);
}

static void test_map__removal_while_walking_and_churn(void **state)
{
    struct depot_map *m = depot_map_new();
    const char *key;
    void *value;
    char name[32];
    size_t pos = 0;
    static char one;

    DEPOT_UNUSED(state);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "k%d", i);
        depot_map_set(m, name, &one);
    }
    while (depot_map_next(m, &pos, &key, &value)) {
        if (strlen(key) == 3)
            assert_ptr_equal(depot_map_remove(m, key), &one);
    }
    assert_int_equal(depot_map_len(m), 10);
    /* A queue of keys passing through must not make the map grow without end, nor lose one. */
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof(name), "q%d", i);
        depot_map_set(m, name, &one);
        snprintf(name, sizeof(name), "q%d", i - 5);
        if (i >= 5)
            assert_ptr_equal(depot_map_remove(m, name), &one);
    }
    assert_int_equal(depot_map_len(m), 15);
    assert_ptr_equal(depot_map_get(m, "k3"), &one);
    assert_ptr_equal(depot_map_get(m, "q99999"), &one);
    depot_map_free(m);
}

static void test_arena__is_zeroed_and_aligned(void **state)
{
    struct depot_arena a = {0};

    DEPOT_UNUSED(state);
    for (size_t size = 0; size < 300000; size = size * 3 + 1) {
        for (int i = 0; i < 20; i++) {
            unsigned char *p = depot_arena_alloc(&a, size);

            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            for (size_t k = 0; k < size; k++)
                assert_int_equal(p[k], 0);
            memset(p, 0xff, size);
        }
    }
    assert_string_equal(depot_arena_strdup(&a, "hello"), "hello");
    assert_string_equal(depot_arena_strndup(&a, "hello", 2), "he");
    assert_null(depot_arena_strdup(&a, NULL));
    depot_arena_release(&a);
    depot_arena_release(&a);
}

static void test_base64__both_ways(void **state)
{
    static const struct {
        const char *plain, *encoded;
    } rows[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xfe\xfd", "//79"},
    };

    DEPOT_UNUSED(state);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        size_t n = strlen(rows[i].plain), len = 99, bare;
        char out[32], back[32];

        depot_base64_encode(out, rows[i].plain, n);
        assert_string_equal(out, rows[i].encoded);
        assert_int_equal(depot_base64_encoded_len(n), strlen(out));
        assert_int_equal(depot_base64_decode(back, &len, out, strlen(out)), 0);
        assert_int_equal(len, n);
        assert_memory_equal(back, rows[i].plain, n);
        bare = strcspn(out, "=");
        assert_int_equal(depot_base64_decode(back, &len, out, bare), 0);
        assert_int_equal(len, n);
        assert_memory_equal(back, rows[i].plain, n);
    }
}

/* Steps of six bytes, what is left over, and what is wrong in each place of either. */
static void test_base64__any_length_and_any_place(void **state)
{
    DEPOT_UNUSED(state);
    for (size_t n = 0; n <= 40; n++) {
        unsigned char bytes[40];
        char text[60], back[60];
        size_t len = 99, chars;

        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)(37 * i + n);
        depot_base64_encode(text, bytes, n);
        chars = strcspn(text, "=");
        assert_int_equal(strlen(text), depot_base64_encoded_len(n));
        assert_int_equal(depot_base64_decode(back, &len, text, strlen(text)), 0);
        assert_int_equal(len, n);
        assert_memory_equal(back, bytes, n);
        for (size_t i = 0; i < chars; i++) {
            const char was = text[i];

            text[i] = '=';
            if (i + 1 < chars)
                assert_int_equal(depot_base64_decode(back, &len, text, chars), DEPOT_ERR_INVALID);
            text[i] = '\x80';
            assert_int_equal(depot_base64_decode(back, &len, text, chars), DEPOT_ERR_INVALID);
            text[i] = was;
        }
    }
}

static void test_base64__other_alphabet_and_garbage(void **state)
{
    static const char *const bad[] = {
        "A", "Zg=", "=", "==", "Zm9v=", "Zm 9", "Zm9\n", "Z===", "Zg==A"};
    char back[16];
    size_t len = 99;

    DEPOT_UNUSED(state);
    assert_int_equal(depot_base64_decode(back, &len, "__79", 4), 0);
    assert_memory_equal(back, "\xff\xfe\xfd", 3);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(bad); i++)
        assert_int_equal(
            depot_base64_decode(back, &len, bad[i], strlen(bad[i])), DEPOT_ERR_INVALID);
    for (int at = 0; at < 15; at++) {
        for (int c = 0; c < 256; c++) {
            char text[] = "AAAAAAAAAAAAAAA", room[16];
            const bool is = isalnum(c) || (c != 0 && strchr("+/-_", c));

            text[at] = (char)c;
            if (at < 14 || c != '=') /* as the last it is padding, here out of place as well */
                assert_int_equal(depot_base64_decode(room, &len, text, 15) == 0, is);
        }
    }
}

static void test_random__ids_differ(void **state)
{
    char a[33], b[33];

    DEPOT_UNUSED(state);
    depot_random_id(a, 32);
    depot_random_id(b, 32);
    assert_int_equal(strlen(a), 32);
    assert_string_not_equal(a, b);
    for (int i = 0; i < 32; i++)
        assert_true(isdigit((unsigned char)a[i]) || islower((unsigned char)a[i]));
    depot_random_id(a, 0);
    assert_string_equal(a, "");
}

static void test_error__names_go_both_ways(void **state)
{
    DEPOT_UNUSED(state);
#define CHECK(id, value, name, text)                                                               \
    assert_string_equal(depot_err_name(DEPOT_ERR_##id), name);                                     \
    assert_string_equal(depot_err_text(value), text);                                              \
    assert_int_equal(depot_err_from_name(name), DEPOT_ERR_##id);
    DEPOT_ERRORS(CHECK)
#undef CHECK
    assert_int_equal(depot_err_from_name("?"), DEPOT_ERR_INTERNAL);
    assert_int_equal(depot_err_from_name(NULL), DEPOT_ERR_INTERNAL);
    assert_non_null(depot_err_name(-999));
    assert_non_null(depot_err_text(0));
    assert_int_equal(depot_err_from_errno(ENOENT), DEPOT_ERR_NOT_FOUND);
    assert_int_equal(depot_err_from_errno(EWOULDBLOCK), DEPOT_ERR_AGAIN);
    assert_int_equal(depot_err_from_errno(99999), DEPOT_ERR_IO);
}

static void test_error__detail_prefix_and_hint(void **state)
{
    struct depot_error err = {0};
    char *longer = depot_calloc(1, 5000);

    DEPOT_UNUSED(state);
    assert_int_equal(depot_error_errno(&err, ENOENT, "open %s", "/x"), DEPOT_ERR_NOT_FOUND);
    assert_string_equal(err.msg, "open /x: No such file or directory");
    assert_int_equal(depot_error_hint(&err, "look %s", "again"), DEPOT_ERR_NOT_FOUND);
    assert_int_equal(depot_error_prefix(&err, "reading"), DEPOT_ERR_NOT_FOUND);
    assert_string_equal(err.msg, "reading: open /x: No such file or directory");
    assert_string_equal(err.hint, "look again");
    assert_int_equal(depot_error_set(&err, DEPOT_ERR_IO, "again %s", err.msg), DEPOT_ERR_IO);
    assert_string_equal(err.msg, "again reading: open /x: No such file or directory");
    assert_string_equal(err.hint, "");
    memset(longer, 'x', 4999);
    depot_error_errno(&err, EIO, "%s", longer);
    depot_error_prefix(&err, "%s", longer);
    depot_error_hint(&err, "%s", longer);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
    assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
    depot_error_clear(&err);
    assert_int_equal(err.code, 0);
    assert_int_equal(depot_error_set(NULL, DEPOT_ERR_EOF, "nobody listens"), DEPOT_ERR_EOF);
    depot_error_clear(NULL);
    depot_free(longer);
}

static void test_log__one_clean_line(void **state)
{
    int fds[2];
    char got[8192];
    ssize_t n;

    DEPOT_UNUSED(state);
    assert_int_equal(pipe(fds), 0);
    depot_log_set_fd(fds[1]);
    assert_int_equal(depot_log_level_from_name("debug"), DEPOT_LOG_DEBUG);
    assert_int_equal(depot_log_level_from_name("loud"), -1);
    assert_false(depot_log_enabled(DEPOT_LOG_INFO));
    depot_log(DEPOT_LOG_INFO, "test", "not this one");
    depot_log(DEPOT_LOG_WARN, "test", "bad\nnews\x1b[2J %d", 7);
    n = read(fds[0], got, sizeof(got) - 1);
    assert_true(n > 0);
    got[n] = '\0';
    assert_true(depot_str_ends(got, "Z warn  test: bad news?[2J 7\n"));
    depot_log_set_fd(STDERR_FILENO);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc__strings_and_copies),
        cmocka_unit_test(test_str__questions),
        cmocka_unit_test(test_str__to_int64),
        cmocka_unit_test(test_vec__grows_and_removes),
        cmocka_unit_test(test_strv__split_and_join),
        cmocka_unit_test(test_kvs__set_keeps_its_place),
        cmocka_unit_test(test_map__holds_many_in_order),
        cmocka_unit_test(test_map__removal_while_walking_and_churn),
        cmocka_unit_test(test_arena__is_zeroed_and_aligned),
        cmocka_unit_test(test_base64__both_ways),
        cmocka_unit_test(test_base64__any_length_and_any_place),
        cmocka_unit_test(test_base64__other_alphabet_and_garbage),
        cmocka_unit_test(test_random__ids_differ),
        cmocka_unit_test(test_error__names_go_both_ways),
        cmocka_unit_test(test_error__detail_prefix_and_hint),
        cmocka_unit_test(test_log__one_clean_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
