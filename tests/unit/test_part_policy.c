/*
 * What a frontend says of a file that is not there, and what only looks like it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "builder/build/part_policy.h"

static void test_policy__is_absent_when_the_frontend_says_so(void **state)
{
    static const struct {
        const char *message, *name;
        bool absent;
    } rows[] = {
        {"failed to read dockerfile: open Dockerfile.rego: no such file or directory",
            "Dockerfile.rego", true},
        {"failed to read dockerfile: open a/b.rego: no such file or directory", "./a/b.rego", true},
        {"failed to read dockerfile: open /tmp/buildkit-mount1/b.rego: no such file or directory",
            "b.rego", true},
        {"failed to read dockerfile: open b.rego: permission denied", "b.rego", false},
        {"failed to read dockerfile: open other: no such file or directory", "b.rego", false},
        {"dockerfile parse error on line 1: unknown instruction: failed to read dockerfile: open "
         "b.rego: no such file or directory",
            "b.rego", false},
        {"failed to fetch remote: b.rego: no such file or directory", "b.rego", false},
        {"", "b.rego", false},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        assert_int_equal(part_policy_is_absent(rows[i].message, rows[i].name), rows[i].absent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy__is_absent_when_the_frontend_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
