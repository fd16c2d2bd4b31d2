/*
 * Names of platforms. The rows of the first table are what containerd's platforms package
 * v1.0.0-rc.5 makes of them (Format of Normalize of Parse, on an amd64 machine; FormatAll where
 * there are options), the rows below them what it does not know.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <depot/platform.h>

struct row {
    const char *in, *out;
};

static void expect_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char out[DEPOT_PLATFORM_MAX], again[DEPOT_PLATFORM_MAX];
        struct depot_error err = {0};
        if (depot_platform_parse(rows[i].in, out, &err) != 0)
            fail_msg("%s: %s", rows[i].in, err.msg);
        if (strcmp(out, rows[i].out) != 0)
            fail_msg("%s became %s, not %s", rows[i].in, out, rows[i].out);
        assert_int_equal(depot_platform_parse(out, again, &err), 0);
        assert_string_equal(again, out);
    }
}

static void test_parse__follows_containerd(void **state)
{
    static const struct row rows[] = {
        {"linux/amd64", "linux/amd64"},
        {"Linux/AMD64", "linux/amd64"},
        {"linux/x86_64", "linux/amd64"},
        {"linux/x86-64", "linux/amd64"},
        {"x86-64", "linux/amd64"},
        {"linux/amd64/v1", "linux/amd64"},
        {"linux/amd64/v2", "linux/amd64/v2"},
        {"linux/amd64/2", "linux/amd64/2"},
        {"linux/x86_64/v3", "linux/amd64/v3"},
        {"linux/x86-64-v2", "linux/x86-64-v2"},
        {"amd64", "linux/amd64"},
        {"386", "linux/386"},
        {"i386", "linux/386"},
        {"linux/i386", "linux/386"},
        {"linux/i386/sse2", "linux/386"},
        {"linux/386/sse2", "linux/386/sse2"},
        {"arm64", "linux/arm64"},
        {"aarch64", "linux/arm64"},
        {"linux/aarch64", "linux/arm64"},
        {"linux/arm64/8", "linux/arm64"},
        {"linux/arm64/v8", "linux/arm64"},
        {"linux/arm64/v8.0", "linux/arm64"},
        {"linux/arm64/v8.2", "linux/arm64/v8.2"},
        {"linux/arm64/9", "linux/arm64/v9"},
        {"linux/arm64/V9.0", "linux/arm64/v9"},
        {"linux/arm64/v9", "linux/arm64/v9"},
        {"arm", "linux/arm/v7"},
        {"armhf", "linux/arm/v7"},
        {"armel", "linux/arm/v6"},
        {"linux/arm", "linux/arm/v7"},
        {"linux/arm/5", "linux/arm/v5"},
        {"linux/arm/6", "linux/arm/v6"},
        {"linux/arm/7", "linux/arm/v7"},
        {"linux/arm/8", "linux/arm/v8"},
        {"linux/arm/9", "linux/arm/9"},
        {"linux/arm/v5", "linux/arm/v5"},
        {"linux/armhf/v5", "linux/arm/v7"},
        {"linux/armel/v7", "linux/arm/v6"},
        {"linux/armbe", "linux/armbe"},
        {"macos/arm64", "darwin/arm64"},
        {"wasm", "linux/wasm"},
        {"wasi/wasm", "wasi/wasm"},
        {"linux/loong64", "linux/loong64"},
        {"ppc64le", "linux/ppc64le"},
        {"s390x", "linux/s390x"},
        {"riscv64", "linux/riscv64"},
        {"mips64le", "linux/mips64le"},
        {"sparc64", "linux/sparc64"},
        {"plan9/tomorrow", "plan9/tomorrow"},
        {"linux/z80", "linux/z80"},
        {"unknown/unknown", "unknown/unknown"},
        {"li-nux/a.b/c_d", "li-nux/a.b/c_d"},
        {"windows/amd64", "windows/amd64"},
        {"windows(10.0.17763)/amd64", "windows(10.0.17763)/amd64"},
        {"Windows(10.0.17763)/AMD64", "windows(10.0.17763)/amd64"},
        {"windows(10.0.17763+win32k)/amd64", "windows(10.0.17763+win32k)/amd64"},
        {"windows(+b+a+b)/amd64", "windows(+a+b)/amd64"},
        {"linux()/amd64", "linux/amd64"},
    };
    static const struct row beyond[] = {
        {"linux/i486", "linux/386"},
        {"linux/i586", "linux/386"},
        {"i686", "linux/386"},
        {"armv6l", "linux/arm/v6"},
        {"linux/armv7l", "linux/arm/v7"},
        {"loongarch64", "linux/loong64"},
        {"linux/loongarch64", "linux/loong64"},
        {"ppc64el", "linux/ppc64le"},
        {"mips64el", "linux/mips64le"},
    };
    (void)state;
    expect_rows(rows, DEPOT_ARRAY_LEN(rows));
    expect_rows(beyond, DEPOT_ARRAY_LEN(beyond));
}

static void test_parse__completes_a_system_with_this_machine(void **state)
{
    static const char *const systems[] = {"linux", "windows", "darwin", "freebsd"};
    char host[DEPOT_PLATFORM_MAX], out[DEPOT_PLATFORM_MAX], want[DEPOT_PLATFORM_MAX];
    (void)state;
    depot_platform_host(host);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(systems); i++) {
        snprintf(want, sizeof(want), "%s%s", systems[i], strchr(host, '/'));
        assert_int_equal(depot_platform_parse(systems[i], out, NULL), 0);
        assert_string_equal(out, want);
    }
    snprintf(want, sizeof(want), "windows(10.0.1)%s", strchr(host, '/'));
    assert_int_equal(depot_platform_parse("windows(10.0.1)", out, NULL), 0);
    assert_string_equal(out, want);
}

static void test_parse__refuses_what_is_none(void **state)
{
    static const char *const rows[] = {"", "/", "linux/", "/amd64", "linux//v7", "linux/amd64/",
        "linux/amd64/v2/x", "linux/am d64", " linux/amd64", "linux/amd64,linux/arm64", "linux/*",
        "*", "linux/\x1b[31m", "../amd64", "z80", "x86", "x86-64-v2", "unknown", "linux.x/amd64",
        "linux(/amd64", "linux)/amd64", "linux(1)x/amd64", "linux(1(2))/amd64", "linux(1%zz)/amd64",
        "linux(1%2)/amd64", "linux(a++b)/amd64", "linux(+)/amd64", "linux(1 2)/amd64", "(1)/amd64",
        "linux/amd64(1)", "arm64(1)", "linux(+a+b+c+d+e+f+g+h+i)/amd64",
        ("linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char out[DEPOT_PLATFORM_MAX] = "untouched";
        struct depot_error err = {0};
        if (depot_platform_parse(rows[i], out, &err) != DEPOT_ERR_INVALID)
            fail_msg("%s was taken for %s", rows[i], out);
        assert_non_null(strstr(err.msg, "is not a platform"));
        assert_non_null(strstr(err.hint, "linux/amd64"));
    }
}

static void test_covers__goes_down_the_levels(void **state)
{
    static const struct {
        const char *made, *wanted;
        bool covers;
    } rows[] = {
        {"linux/amd64", "linux/amd64", true},
        {"linux/amd64", "linux/386", false},
        {"linux/amd64/v3", "linux/amd64/v2", true},
        {"linux/amd64/v3", "linux/amd64", true},
        {"linux/amd64/v2", "linux/amd64/v3", false},
        {"linux/amd64", "linux/amd64/2", false},
        {"linux/amd64", "linux/arm64", false},
        {"linux/386", "linux/amd64", false},
        {"linux/arm/v7", "linux/arm/v6", true},
        {"linux/arm/v7", "linux/arm/v5", true},
        {"linux/arm/v6", "linux/arm/v7", false},
        {"linux/arm64", "linux/arm/v7", false},
        {"linux/arm64/v8.2", "linux/arm64", true},
        {"linux/arm64", "linux/arm64/v8.2", false},
        {"linux/arm64/v9", "linux/arm64", true},
        {"linux/arm64/v9", "linux/arm64/v8.5", true},
        {"linux/arm64/v9", "linux/arm64/v8.6", false},
        {"linux/arm64", "linux/arm64/v9", false},
        {"linux/amd64", "windows/amd64", false},
        {"windows/amd64", "windows(10.0.17763)/amd64", true},
        {"linux/riscv64", "linux/riscv64", true},
        {"linux/riscv64", "linux/riscv64/rva23", false},
        {"", "linux/amd64", false},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        if (depot_platform_covers(rows[i].made, rows[i].wanted) != rows[i].covers)
            fail_msg("%s and %s", rows[i].made, rows[i].wanted);
}

static void test_runs_on__knows_what_a_machine_runs(void **state)
{
    (void)state;
    assert_true(depot_platform_runs_on("linux/amd64", "linux/amd64"));
    assert_true(depot_platform_runs_on("linux/386", "linux/amd64"));
    assert_true(depot_platform_runs_on("linux/amd64/v3", "linux/amd64"));
    assert_true(depot_platform_runs_on("linux/arm/v6", "linux/arm/v7"));
    assert_false(depot_platform_runs_on("linux/arm/v7", "linux/arm64"));
    assert_false(depot_platform_runs_on("linux/arm64", "linux/amd64"));
    assert_false(depot_platform_runs_on("linux/amd64", "linux/arm64"));
    assert_false(depot_platform_runs_on("windows/amd64", "linux/amd64"));
}

static void test_parse__knows_what_uname_says(void **state)
{
    static const struct row rows[] = {
        {"linux/x86_64", "linux/amd64"}, {"linux/i386", "linux/386"}, {"linux/i486", "linux/386"},
        {"linux/i586", "linux/386"}, {"linux/i686", "linux/386"}, {"linux/aarch64", "linux/arm64"},
        {"linux/armv5tel", "linux/arm/v5"}, {"linux/armv6l", "linux/arm/v6"},
        {"linux/armv7l", "linux/arm/v7"}, {"linux/armv8l", "linux/arm/v7"},
        {"linux/riscv64", "linux/riscv64"}, {"linux/s390x", "linux/s390x"},
        {"linux/ppc64", "linux/ppc64"}, {"linux/ppc64le", "linux/ppc64le"},
        {"linux/loongarch64", "linux/loong64"}, {"linux/sparc64", "linux/sparc64"},
        {"linux/m68k", "linux/m68k"}, /* never taken for another */
    };
    char host[DEPOT_PLATFORM_MAX], again[DEPOT_PLATFORM_MAX];
    (void)state;
    expect_rows(rows, DEPOT_ARRAY_LEN(rows));
    depot_platform_host(host);
    assert_int_equal(depot_platform_parse(host, again, NULL), 0);
    assert_string_equal(host, again);
}

static void test_among__knows_whole_names_of_a_list(void **state)
{
    static const struct {
        const char *list, *name;
        bool is;
    } rows[] = {
        {"linux/amd64", "linux/amd64", true},
        {"linux/amd64,linux/arm64", "linux/arm64", true},
        {"linux/arm/v7,linux/amd64", "linux/arm", false},
        {"linux/arm", "linux/arm/v7", false},
        {"", "linux/amd64", false},
        {"linux/amd64,", "", false},
        {"linux/amd64,,linux/arm64", "linux/arm64", true},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        if (depot_platform_among(rows[i].list, rows[i].name, strlen(rows[i].name)) != rows[i].is)
            fail_msg("%s among %s", rows[i].name, rows[i].list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse__follows_containerd),
        cmocka_unit_test(test_parse__completes_a_system_with_this_machine),
        cmocka_unit_test(test_parse__refuses_what_is_none),
        cmocka_unit_test(test_covers__goes_down_the_levels),
        cmocka_unit_test(test_among__knows_whole_names_of_a_list),
        cmocka_unit_test(test_runs_on__knows_what_a_machine_runs),
        cmocka_unit_test(test_parse__knows_what_uname_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
