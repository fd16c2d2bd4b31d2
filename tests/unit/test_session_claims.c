/*
 * No two platforms write one file below a directory that they share.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "session/claims.h"

struct fixture {
    struct depot_strv all, amd, arm;
    struct dp_claims *claims;
};

static void begin(struct fixture *f, bool split)
{
    *f = (struct fixture){0};
    depot_strv_split(&f->all, "linux/amd64,linux/386,linux/arm/v7", ',');
    depot_strv_split(&f->amd, "linux/amd64,linux/386", ',');
    depot_strv_split(&f->arm, "linux/arm/v7", ',');
    f->claims = dp_claims_new(&f->all, split);
}

static void finish(struct fixture *f)
{
    dp_claims_free(f->claims);
    depot_strv_release(&f->all);
    depot_strv_release(&f->amd);
    depot_strv_release(&f->arm);
}

struct row {
    bool arm, is_dir;
    const char *path, *refused; /* NULL: it is taken */
};

static void take_all(struct fixture *f, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct depot_error err = {0};
        int rc = dp_claims_take(f->claims, rows[i].arm ? &f->arm : &f->amd, rows[i].path,
            strlen(rows[i].path), rows[i].is_dir, &err);
        if (rows[i].refused == NULL
                ? rc != 0
                : rc != DEPOT_ERR_EXISTS || strstr(err.msg, rows[i].refused) == NULL)
            fail_msg("row %zu: %d %s", i, rc, err.msg);
    }
}

static void test_claims__one_folder_for_all(void **state)
{
    static const struct row rows[] = {
        {false, true, "d", NULL},
        {true, true, "d", NULL},
        {false, false, "d/a", NULL},
        {true, false, "d/b", NULL},
        {false, false, "d/a", NULL}, /* its session was lost, and it begins again */
        {true, false, "d/a",
            "cannot overwrite d/a from linux/amd64,linux/386 with that of linux/arm/v7"},
        {false, false, "d/b", "cannot overwrite d/b from linux/arm/v7"},
        {true, true, "d/a", "d/a"},
        {true, false, "d", "d"},
        {true, false, "linux_arm_v7", NULL},
        {false, false, "linux_arm_v7", "linux_arm_v7"},
    };
    struct fixture f;
    (void)state;
    begin(&f, false);
    take_all(&f, rows, DEPOT_ARRAY_LEN(rows));
    finish(&f);
}

static void test_claims__a_folder_for_each(void **state)
{
    static const struct row rows[] = {
        {false, true, "linux_amd64", NULL}, {false, false, "linux_amd64/a", NULL},
        {false, false, "linux_386/a", NULL}, {true, false, "linux_arm_v7/a", NULL},
        {true, false, "linux_amd64/b", "linux_amd64/b"}, {true, true, "linux_386", "linux_386"},
        {false, false, "linux_arm_v7", "linux_arm_v7"}, {true, false, "linux_amd6", NULL},
        {false, false, "linux_amd6", "linux_amd6"}, /* a frontend that made no folders */
    };
    struct fixture f;
    (void)state;
    begin(&f, true);
    take_all(&f, rows, DEPOT_ARRAY_LEN(rows));
    finish(&f);
}

static void test_claims__many_files(void **state)
{
    enum { MANY = 100000 };
    struct fixture f;
    (void)state;
    begin(&f, false);
    for (int i = 0; i < MANY; i++) {
        char path[32];
        struct depot_error err = {0};
        int n = snprintf(path, sizeof(path), "d/%d", i);
        assert_int_equal(
            dp_claims_take(f.claims, i % 2 ? &f.arm : &f.amd, path, (size_t)n, false, &err), 0);
    }
    for (int i = 0; i < MANY; i += 997) {
        char path[32];
        struct depot_error err = {0};
        int n = snprintf(path, sizeof(path), "d/%d", i);
        assert_int_equal(
            dp_claims_take(f.claims, i % 2 ? &f.amd : &f.arm, path, (size_t)n, false, &err),
            DEPOT_ERR_EXISTS);
    }
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims__one_folder_for_all),
        cmocka_unit_test(test_claims__a_folder_for_each),
        cmocka_unit_test(test_claims__many_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
