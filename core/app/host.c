/*
 * What machine and surroundings we run in: platform, colour.
 */
#include <depot/app.h>

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

struct arch_alias {
    const char *alias, *arch, *variant; /* variant NULL: kept as given */
};

/* Names that uname, Debian and Docker use for one thing; OCI's name is the second. */
static const struct arch_alias arch_aliases[] = {
    {"x86_64", "amd64", NULL},
    {"x86-64", "amd64", NULL},
    {"aarch64", "arm64", NULL},
    {"armhf", "arm", "v7"},
    {"armv7l", "arm", "v7"},
    {"armel", "arm", "v6"},
    {"armv6l", "arm", "v6"},
    {"i386", "386", NULL},
    {"i686", "386", NULL},
};

static const char *const known_archs[] = {"386", "amd64", "arm", "arm64", "loong64", "mips64",
    "mips64le", "ppc64", "ppc64le", "riscv64", "s390x", "wasm"};

/* The variant that a bare architecture means. */
static const char *default_variant(const char *arch)
{
    if (strcmp(arch, "arm64") == 0)
        return "v8";
    if (strcmp(arch, "amd64") == 0)
        return "v1";
    if (strcmp(arch, "arm") == 0)
        return "v7";
    return "";
}

static bool known_arch(const char *arch)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(known_archs); i++)
        if (strcmp(known_archs[i], arch) == 0)
            return true;
    return false;
}

static const struct arch_alias *find_alias(const char *arch)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(arch_aliases); i++)
        if (strcmp(arch_aliases[i].alias, arch) == 0)
            return &arch_aliases[i];
    return NULL;
}

static bool variant_ok(const char *v)
{
    return v[strspn(v, "abcdefghijklmnopqrstuvwxyz0123456789.")] == '\0' && strlen(v) < 16;
}

int depot_platform_parse(const char *s, char **out, struct depot_error *err)
{
    struct depot_strv parts = {0};
    depot_strv_split(&parts, s, '/');
    bool bare = parts.len == 1;
    const char *os = bare ? "linux" : parts.len > 0 ? parts.items[0] : "";
    const char *arch = bare ? parts.items[0] : parts.len > 1 ? parts.items[1] : "";
    const char *variant = parts.len > 2 ? parts.items[2] : "";
    const struct arch_alias *alias = find_alias(arch);
    if (alias != NULL) {
        arch = alias->arch;
        if (alias->variant != NULL && variant[0] == '\0')
            variant = alias->variant;
    }
    int rc = 0;
    bool os_ok = os[0] != '\0' && os[strspn(os, "abcdefghijklmnopqrstuvwxyz")] == '\0';
    if (parts.len == 0 || parts.len > 3 || !os_ok || !known_arch(arch) || !variant_ok(variant)) {
        depot_error_set(err, DEPOT_ERR_INVALID, "\"%.100s\" is not a platform", s);
        rc = depot_error_hint(err, "platforms look like linux/amd64, linux/arm64 or linux/arm/v7");
    } else if (variant[0] == '\0' ||
               (strcmp(variant, default_variant(arch)) == 0 && strcmp(arch, "arm") != 0)) {
        *out = depot_asprintf("%s/%s", os, arch);
    } else {
        *out = depot_asprintf("%s/%s/%s", os, arch, variant);
    }
    depot_strv_release(&parts);
    return rc;
}

const char *depot_host_platform(void)
{
    struct utsname u;
    if (uname(&u) != 0)
        return "linux/amd64";
    if (strcmp(u.machine, "aarch64") == 0)
        return "linux/arm64";
    if (strncmp(u.machine, "armv7", 5) == 0)
        return "linux/arm/v7";
    if (strcmp(u.machine, "riscv64") == 0)
        return "linux/riscv64";
    if (strcmp(u.machine, "ppc64le") == 0)
        return "linux/ppc64le";
    if (strcmp(u.machine, "s390x") == 0)
        return "linux/s390x";
    return "linux/amd64";
}

static bool env_on(const char *name)
{
    const char *v = getenv(name);
    return !depot_str_empty(v) && !depot_str_eq(v, "0");
}

bool depot_use_colour(const char *flag, int fd)
{
    if (depot_str_eq(flag, "always"))
        return true;
    if (depot_str_eq(flag, "never") || !depot_str_empty(getenv("NO_COLOR")))
        return false;
    if (env_on("FORCE_COLOR") || env_on("CLICOLOR_FORCE"))
        return true;
    if (depot_str_eq(getenv("CLICOLOR"), "0") || depot_str_eq(getenv("TERM"), "dumb"))
        return false;
    return isatty(fd) == 1;
}
