/*
 * What a Dockerfile says beside its steps, as rows: the file, and "STAGE TEXT" of each setting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <depot/buf.h>

#include "build/dockerfile.h"

static void test_settings__of_files(void **state)
{
    static const struct {
        const char *file, *settings;
    } rows[] = {
        {"", ""},
        {"FROM a\nENV X=1\n", "/ENV X=1"},
        {"FROM a\nenv X=1", "/ENV X=1"},
        {"ARG V=1\nFROM a:$V AS Build\nARG V\nRUN x\nFROM b\nUSER me\n",
            "/ARG V=1|build/ARG V|stage-1/USER me"},
        {"FROM a as one\nENV A=1\nFROM one\nENV B=2\n", "one/ENV A=1|stage-1/ENV B=2"},
        {"FROM a\r\nENV  X=1 \\\r\n   Y=2\r\n", "/ENV X=1 Y=2"},
        {"FROM a\nENV X=1 \\\n# a comment\n\n  Y=2\nENV Z=3\n", "/ENV X=1 Y=2|/ENV Z=3"},
        {"# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nENV P=c:\\ \\\nENV Q=1 `\n R=2\n",
            "/ENV P=c:\\ \\|/ENV Q=1 R=2"},
        {"FROM a\n# escape=`\nENV X=1 \\\n Y=2\n", "/ENV X=1 Y=2"},
        {"FROM a\nRUN <<EOF\nENV X=1\nEOF\nENV Y=2\n", "/ENV Y=2"},
        {"FROM a\nCOPY <<A <<-\"B\" /x/\nENV X=1\nA\nENV Y=1\n\tB\nSHELL [\"/bin/sh\"]\n",
            "/SHELL [\"/bin/sh\"]"},
        {"FROM a\nRUN cat <<EOF\nnever closed\nENV X=1\n", ""},
        {"FROM a\nRUN x << y\nENV X=1\n", "/ENV X=1"},
        {"ENVIRONMENT X\nARGS\nFROM a\nENV\n", "/ENV"},
        {"FROM a\nENV X=\xff\xfe Y=\xc3\xa9 Z=\xed\xa0\x80\n", "/ENV X=?? Y=\xc3\xa9 Z=???"},
        {"FROM a AS \xff\nENV X=1", "?/ENV X=1"},
        {"FROM\nENV X=1\nFROM", "stage-0/ENV X=1"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_arena arena = {0};
        struct depot_setting *s;
        struct depot_buf got = DEPOT_BUF_INIT(4096);
        size_t n = dp_dockerfile_settings(rows[i].file, strlen(rows[i].file), &arena, &s);
        for (size_t k = 0; k < n; k++)
            depot_buf_addf(&got, "%s%s/%s", k ? "|" : "", s[k].stage, s[k].text);
        assert_string_equal(depot_buf_str(&got), rows[i].settings);
        depot_buf_release(&got);
        depot_arena_release(&arena);
    }
}

static void test_settings__are_bounded(void **state)
{
    struct depot_buf file = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_arena arena = {0};
    struct depot_setting *s;
    (void)state;
    depot_buf_adds(&file, "FROM a\nENV XY=");
    for (int i = 0; i < 2000; i++)
        depot_buf_adds(&file, "\xc3\xa9");
    for (int i = 0; i < 1000; i++)
        depot_buf_addf(&file, "\nENV X%d=1", i);
    size_t n = dp_dockerfile_settings(file.data, file.len, &arena, &s);
    assert_int_equal(n, DP_DOCKERFILE_SETTINGS_MAX);
    assert_int_equal(strlen(s[0].text), DP_DOCKERFILE_SETTING_LEN_MAX);
    assert_int_equal(s[0].text[DP_DOCKERFILE_SETTING_LEN_MAX - 1], '?');
    depot_arena_release(&arena);
    depot_buf_release(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings__of_files),
        cmocka_unit_test(test_settings__are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
