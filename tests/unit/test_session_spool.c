/*
 * What keeps a large transfer out of memory: the spool, and the names of a directory sorted in it.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "session/names.h"
#include "session/paths.h"

/* ---- spool ---- */

static uint32_t value_at(uint32_t i)
{
    return i * 2654435761u ^ 0x5bd1e995u;
}

/* Records of an odd size, so that they lie across pages. */
struct record {
    uint8_t bytes[13];
};
static void fill(struct record *r, uint32_t i)
{
    uint32_t v = value_at(i);
    memset(r, (int)(i & 0xff), sizeof(*r));
    memcpy(r->bytes, &v, sizeof(v));
}

static void assert_records(struct dp_spool *sp, uint32_t n, uint32_t step)
{
    for (uint32_t i = 0, at = 0; i < n; i++, at = (at + step) % n) {
        struct record want, got;
        fill(&want, at);
        assert_int_equal(dp_spool_read(sp, (uint64_t)at * sizeof(got), &got, sizeof(got)), 0);
        assert_memory_equal(&want, &got, sizeof(got));
    }
}

static void add_records(struct dp_spool *sp, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        struct record r;
        fill(&r, i);
        assert_int_equal(dp_spool_write(sp, sp->len, &r, sizeof(r)), 0);
    }
}

static void test_spool__keeps_what_it_is_given(void **state)
{
    static const struct {
        size_t limit;
        uint32_t records;
        bool spills;
    } rows[] = {{0, 0, false}, {0, 1, false}, {1, 20000, true}, {2, 20000, true},
        {16, 20000, false}, {0, 100000, true}};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct dp_spool sp = {.limit = rows[i].limit};
        add_records(&sp, 0, rows[i].records);
        assert_int_equal(sp.len, rows[i].records * sizeof(struct record));
        assert_records(&sp, rows[i].records, 1);
        assert_int_equal(sp.spilled, rows[i].spills);
        assert_true(sp.nresident <= (rows[i].limit != 0 ? rows[i].limit : DP_SPOOL_LIMIT));
        dp_spool_release(&sp);
    }
}

static void test_spool__writes_in_the_middle(void **state)
{
    (void)state;
    struct dp_spool sp = {.limit = 3};
    const uint32_t n = 30011;
    struct record none = {{0}};
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(dp_spool_write(&sp, sp.len, &none, sizeof(none)), 0);
    for (uint32_t i = 0, at = 0; i < n; i++, at = (at + 7919) % n) {
        struct record r;
        fill(&r, at);
        assert_int_equal(dp_spool_write(&sp, (uint64_t)at * sizeof(r), &r, sizeof(r)), 0);
    }
    assert_records(&sp, n, 104729 % n);
    dp_spool_release(&sp);
}

static void test_spool__refuses_what_is_beyond_its_end(void **state)
{
    (void)state;
    struct dp_spool sp = {0};
    char c = 'x';
    assert_int_equal(dp_spool_read(&sp, 0, &c, 1), DEPOT_ERR_IO);
    assert_int_equal(dp_spool_write(&sp, 1, &c, 1), DEPOT_ERR_IO);
    assert_int_equal(dp_spool_write(&sp, 0, &c, 1), 0);
    assert_int_equal(dp_spool_read(&sp, 1, &c, 1), DEPOT_ERR_IO);
    assert_int_equal(dp_spool_read(&sp, UINT64_MAX, &c, 1), DEPOT_ERR_IO);
    assert_int_equal(dp_spool_read(&sp, 0, &c, 1), 0);
    dp_spool_release(&sp);
}

static void test_spool__is_empty_again(void **state)
{
    (void)state;
    struct dp_spool sp = {.limit = 2};
    for (int round = 0; round < 3; round++) {
        add_records(&sp, 0, 20000);
        assert_records(&sp, 20000, 1);
        dp_spool_clear(&sp);
        assert_int_equal(sp.len, 0);
        assert_int_equal(sp.nresident, 0);
    }
    dp_spool_release(&sp);
}

static void test_spool__stays_in_memory_without_a_directory(void **state)
{
    (void)state;
    setenv("TMPDIR", "/nonexistent", 1);
    struct dp_spool sp = {.limit = 2};
    add_records(&sp, 0, 20000);
    assert_false(sp.spilled);
    assert_records(&sp, 20000, 1);
    dp_spool_release(&sp);
    unsetenv("TMPDIR");
}

/* The disk is full after a part of it. */
static void test_spool__stays_in_memory_without_room(void **state)
{
    (void)state;
    struct rlimit old, few;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    few = old;
    few.rlim_cur = 5 * DP_SPOOL_PAGE + 100;
    struct dp_spool sp = {.limit = 2};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
    signal(SIGXFSZ, SIG_IGN);
    add_records(&sp, 0, 20000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_true(sp.spilled && sp.pinned);
    assert_records(&sp, 20000, 1);
    dp_spool_release(&sp);
}

static void test_spool__says_when_it_cannot_be_read(void **state)
{
    (void)state;
    struct dp_spool sp = {.limit = 2};
    add_records(&sp, 0, 20000);
    int nothing = open("/dev/null", O_RDWR);
    assert_int_equal(dup2(nothing, sp.fd), sp.fd);
    close(nothing);
    struct record r;
    assert_int_equal(dp_spool_read(&sp, 0, &r, sizeof(r)), DEPOT_ERR_IO);
    assert_int_equal(dp_spool_read(&sp, 0, &r, sizeof(r)), DEPOT_ERR_IO);
    dp_spool_release(&sp);
}

/* ---- names ---- */

static void assert_sorted(struct dp_names *nm, uint32_t n)
{
    char last[1024] = "";
    unsigned char type;
    const char *name;
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(dp_names_next(nm, &type, &name), 1);
        assert_true(strcmp(last, name) < 0);
        assert_int_equal(type, (unsigned char)name[strlen(name) - 1]);
        strcpy(last, name);
    }
    assert_int_equal(dp_names_next(nm, &type, &name), 0);
    assert_int_equal(dp_names_next(nm, &type, &name), 0);
}

static void test_names__are_sorted_at_any_number(void **state)
{
    static const uint32_t rows[] = {0, 1, 2, 3, 1000, 40000, 200000};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct dp_names nm = {0};
        for (uint32_t k = 0; k < rows[i]; k++) {
            /* Of many lengths, in no order, all different. */
            char name[64];
            int n = snprintf(name, sizeof(name), "%x-%.*s%x", (unsigned)value_at(k), (int)(k % 17),
                "aaaaaaaaaaaaaaaaaaaa", (unsigned)k);
            assert_int_equal(dp_names_add(&nm, (unsigned char)name[n - 1], name), 0);
        }
        assert_int_equal(dp_names_sort(&nm), 0);
        assert_int_equal(nm.runs.len > 0, rows[i] >= 40000);
        assert_sorted(&nm, rows[i]);
        dp_names_release(&nm);
    }
}

static void test_names__of_the_greatest_length(void **state)
{
    (void)state;
    struct dp_names nm = {0};
    char name[1026];
    memset(name, 'a', sizeof(name));
    name[1024] = '\0';
    assert_int_equal(dp_names_add(&nm, 0, name), DEPOT_ERR_TOO_BIG);
    name[1023] = '\0';
    for (unsigned k = 0; k < 2000; k++) {
        char digits[5];
        snprintf(digits, sizeof(digits), "%04u", k * 7 % 2000);
        memcpy(name, digits, 4);
        assert_int_equal(dp_names_add(&nm, 'a', name), 0);
    }
    assert_int_equal(dp_names_sort(&nm), 0);
    assert_true(nm.runs.len > 1);
    assert_sorted(&nm, 2000);
    dp_names_release(&nm);
}

static void test_names__released_half_way(void **state)
{
    (void)state;
    struct dp_names nm = {0};
    unsigned char type;
    const char *name;
    char text[16];
    for (unsigned k = 0; k < 100000; k++) {
        snprintf(text, sizeof(text), "%08x", (unsigned)value_at(k));
        assert_int_equal(dp_names_add(&nm, 0, text), 0);
    }
    assert_int_equal(dp_names_sort(&nm), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(dp_names_next(&nm, &type, &name), 1);
    dp_names_release(&nm);
}

/* ---- tables ---- */

static void test_paths__of_many_files(void **state)
{
    (void)state;
    struct dp_paths ps = {0};
    char name[32], want[64], buf[DP_PATH_MAX];
    for (uint32_t i = 0; i < 200000; i++) {
        const bool dir = i % 100 == 0;
        snprintf(name, sizeof(name), dir ? "d%u" : "f%u", (unsigned)i);
        assert_int_equal(
            dp_paths_add(&ps, dir ? DP_PATHS_ROOT : i - i % 100, name, strlen(name), i), 0);
    }
    for (uint32_t i = 1; i < 200000; i = i * 7 % 200003) {
        struct dp_paths_item item;
        if (i >= ps.len)
            continue;
        if (i % 100 == 0)
            snprintf(want, sizeof(want), "d%u", (unsigned)i);
        else
            snprintf(want, sizeof(want), "d%u/f%u", (unsigned)(i - i % 100), (unsigned)i);
        assert_string_equal(dp_paths_get(&ps, i, buf), want);
        assert_int_equal(dp_paths_set_value(&ps, i, -5), 0);
        assert_int_equal(dp_paths_item(&ps, i, &item), 0);
        assert_int_equal(item.value, -5);
        if (i == 7)
            break;
    }
    assert_true(ps.items.spilled && ps.names.spilled);
    dp_paths_release(&ps);
}

static void test_ids__in_their_order(void **state)
{
    (void)state;
    struct dp_ids q = {0};
    uint32_t got, in = 0, out = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 300000; i++)
            assert_int_equal(dp_ids_push(&q, in++), 0);
        for (int i = 0; i < 150000; i++) {
            assert_int_equal(dp_ids_pop(&q, &got), 0);
            assert_int_equal(got, out++);
        }
    }
    while (!dp_ids_empty(&q)) {
        assert_int_equal(dp_ids_pop(&q, &got), 0);
        assert_int_equal(got, out++);
    }
    assert_int_equal(in, out);
    assert_int_equal(q.spool.len, 0);
    dp_ids_release(&q);
}

static void test_inodes__more_than_fit_in_memory(void **state)
{
    (void)state;
    struct dp_inodes t = {0};
    for (uint32_t i = 0; i < 250000; i++)
        assert_int_equal(dp_inodes_put(&t, 1, (uint64_t)i * 8191, i), i);
    assert_true(t.slots.spilled);
    for (uint32_t i = 0; i < 250000; i += 97)
        assert_int_equal(dp_inodes_put(&t, 1, (uint64_t)i * 8191, 1), i);
    dp_inodes_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spool__keeps_what_it_is_given),
        cmocka_unit_test(test_spool__writes_in_the_middle),
        cmocka_unit_test(test_spool__refuses_what_is_beyond_its_end),
        cmocka_unit_test(test_spool__is_empty_again),
        cmocka_unit_test(test_spool__stays_in_memory_without_a_directory),
        cmocka_unit_test(test_spool__stays_in_memory_without_room),
        cmocka_unit_test(test_spool__says_when_it_cannot_be_read),
        cmocka_unit_test(test_names__are_sorted_at_any_number),
        cmocka_unit_test(test_names__of_the_greatest_length),
        cmocka_unit_test(test_names__released_half_way),
        cmocka_unit_test(test_paths__of_many_files),
        cmocka_unit_test(test_ids__in_their_order),
        cmocka_unit_test(test_inodes__more_than_fit_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
