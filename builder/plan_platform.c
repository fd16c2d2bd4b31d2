/*
 * Platform names: their normal form, and which of them a machine runs by itself. Knows nothing of
 * builders.
 */
#include "plan.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

enum { PLATFORM_FIELDS = 3 };

/* How people and uname(2) write an architecture, and what containerd makes of it. */
static const struct arch_row {
    const char *alias, *arch, *variant;
} arch_rows[] = {
    {"x86_64", "amd64", ""},
    {"x86-64", "amd64", ""},
    {"aarch64", "arm64", ""},
    {"armhf", "arm", "v7"},
    {"armv7l", "arm", "v7"},
    {"armel", "arm", "v6"},
    {"armv6l", "arm", "v6"},
    {"i386", "386", ""},
    {"i486", "386", ""},
    {"i586", "386", ""},
    {"i686", "386", ""},
    {"loongarch64", "loong64", ""},
};

/* Architectures that may stand alone, without an operating system. */
static const char *const known_archs[] = {
    "386",
    "amd64",
    "arm",
    "arm64",
    "loong64",
    "mips64",
    "mips64le",
    "ppc64le",
    "riscv64",
    "s390x",
};

static bool arch_known(const char *s)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(known_archs); i++)
        if (depot_str_eq(s, known_archs[i]))
            return true;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(arch_rows); i++)
        if (depot_str_eq(s, arch_rows[i].alias))
            return true;
    return false;
}

/* Cuts lower-cased `s` at its slashes; the number of fields, or -1 when one of them is not a name.
 */
static int split(char *s, const char *fields[PLATFORM_FIELDS])
{
    int n = 0;
    for (;;) {
        if (n == PLATFORM_FIELDS)
            return -1;
        fields[n++] = s;
        size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_.-");
        if (len == 0 || (s[len] != '\0' && s[len] != '/'))
            return -1;
        if (s[len] == '\0')
            return n;
        s[len] = '\0';
        s += len + 1;
    }
}

static void normal_arch(const char **arch, const char **variant)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(arch_rows); i++) {
        if (!depot_str_eq(*arch, arch_rows[i].alias))
            continue;
        *arch = arch_rows[i].arch;
        if (**variant == '\0')
            *variant = arch_rows[i].variant;
    }
    if (depot_str_eq(*arch, "arm64") &&
        (depot_str_eq(*variant, "v8") || depot_str_eq(*variant, "8")))
        *variant = "";
    else if (depot_str_eq(*arch, "amd64") && depot_str_eq(*variant, "v1"))
        *variant = "";
    else if (depot_str_eq(*arch, "arm") && **variant == '\0')
        *variant = "v7";
}

int plan_platform_normalise(const char *s, char out[PLAN_PLATFORM_MAX], struct depot_error *err)
{
    char low[PLAN_PLATFORM_MAX];
    const char *f[PLATFORM_FIELDS] = {"", "", ""};
    size_t len = strlen(s);
    int n = -1;
    if (len < sizeof(low) / 2) {
        for (size_t i = 0; i <= len; i++)
            low[i] = (char)tolower((unsigned char)s[i]);
        n = split(low, f);
    }
    if (n == 1 && arch_known(f[0])) {
        f[1] = f[0];
        f[0] = "linux";
        n = 2;
    }
    if (n < 2) {
        depot_error_set(err, DEPOT_ERR_INVALID, "\"%.100s\" is not a platform", s);
        return depot_error_hint(err, "write it as os/arch, such as linux/amd64 or linux/arm64");
    }
    if (depot_str_eq(f[0], "macos"))
        f[0] = "darwin";
    normal_arch(&f[1], &f[2]);
    snprintf(
        out, PLAN_PLATFORM_MAX, "%.20s/%.20s%s%.20s", f[0], f[1], *f[2] != '\0' ? "/" : "", f[2]);
    return 0;
}

bool plan_platform_runs_on(const char *platform, const char *native)
{
    if (depot_str_eq(platform, native))
        return true;
    /* An amd64 machine runs the levels of its instruction set and 386; whether it has the level is
     * what the engine's list says. 32-bit arm on arm64 machines is left out: many cannot. */
    return depot_str_starts(native, "linux/amd64") &&
           (depot_str_starts(platform, "linux/amd64") || depot_str_eq(platform, "linux/386"));
}

void plan_platform_host(char out[PLAN_PLATFORM_MAX])
{
    struct utsname u;
    char name[PLAN_PLATFORM_MAX] = "linux/unknown";
    if (uname(&u) == 0)
        snprintf(name, sizeof(name), "linux/%.20s", u.machine);
    if (plan_platform_normalise(name, out, NULL) != 0)
        snprintf(out, PLAN_PLATFORM_MAX, "linux/unknown");
}
