/*
 * builder/build/stage_platform.c: which platform a Dockerfile gives to the stage of a line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "builder/build/stage_platform.h"

static void test_stage_platform__rows(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
        const char *want; /* NULL: none */
    } rows[] = {
        {"FROM --platform=$BUILDPLATFORM scratch AS b\nRUN x\n", 2, "$BUILDPLATFORM"},
        {"from\t--platform=linux/amd64  go as b\n\n# c\nRUN x\n", 4, "linux/amd64"},
        {"FROM scratch\nRUN x\n", 2, NULL},
        {"FROM --platform=a/b scratch AS one\nFROM scratch\nRUN x\n", 3, NULL},
        {"FROM --platform=a/b scratch AS One\nFROM x\nFROM one AS two\nRUN x\n", 4, "a/b"},
        {"FROM one\nRUN x\nFROM --platform=a/b scratch AS one\n", 2, NULL},
        {"FROM --platform=a/b x AS one\nFROM --platform=c/d one\nRUN x", 3, "c/d"},
        {"FROM --other=1 --platform=a/b x\r\nRUN x\r\n", 2, "a/b"},
        {"FROM --platform= x\nRUN x\n", 2, NULL},
        {"FROM\nFROM --platform=a/b\nRUN x\n", 3, NULL},
        {"RUN x\n", 1, NULL},
        {"RUN x\n", 9, NULL},
        {"RUN x\n", 0, NULL},
        {"", 1, NULL},
        {"FROM a AS a\nRUN x\n", 2, NULL},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char out[DEPOT_PLATFORM_MAX] = "";
        bool found = stage_platform(rows[i].text, rows[i].line, out);
        print_message("  row %zu\n", i);
        assert_int_equal(found, rows[i].want != NULL);
        if (found)
            assert_string_equal(out, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stage_platform__rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
