/*
 * Names of platforms. The rules are those of containerd's platforms package (normalizeArch and
 * normalizeOS); rows marked so are beyond them.
 */
#include <depot/platform.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#define NAME_CHARS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
#define OPTION_CHARS NAME_CHARS ".%+"

enum { FEATURES_MAX = 8 };

/* A name in its parts, which are in `text` or constants. */
struct name {
    char text[DEPOT_PLATFORM_MAX];
    char options[DEPOT_PLATFORM_MAX]; /* "10.0.1+win32k", without the parentheses */
    const char *os, *arch, *variant;
};

/* Other names of an architecture. `variant`: what goes with it whatever was given; NULL: nothing.
 */
static const struct arch_alias {
    const char *name, *arch, *variant;
} arch_aliases[] = {
    {"x86_64", "amd64", NULL},
    {"x86-64", "amd64", NULL},
    {"aarch64", "arm64", NULL},
    {"i386", "386", ""},
    {"armhf", "arm", "v7"},
    {"armel", "arm", "v6"},
    /* Beyond containerd: what kernels and Debian call them. */
    {"i486", "386", ""},
    {"i586", "386", ""},
    {"i686", "386", ""},
    {"armv5tel", "arm", "v5"},
    {"armv5tejl", "arm", "v5"},
    {"armv6l", "arm", "v6"},
    {"armv7l", "arm", "v7"},
    {"armv8l", "arm", "v7"},
    {"loongarch64", "loong64", NULL},
    {"mips64el", "mips64le", NULL},
    {"mipsel", "mipsle", NULL},
    {"ppc64el", "ppc64le", NULL},
};

/* One spelling of each variant; "" is the one that goes without saying. */
static const struct variant_alias {
    const char *arch, *given, *variant;
} variant_aliases[] = {
    {"amd64", "v1", ""},
    {"arm64", "8", ""},
    {"arm64", "v8", ""},
    {"arm64", "v8.0", ""},
    {"arm64", "9", "v9"},
    {"arm64", "9.0", "v9"},
    {"arm64", "v9.0", "v9"},
    {"arm", "", "v7"},
    {"arm", "5", "v5"},
    {"arm", "6", "v6"},
    {"arm", "7", "v7"},
    {"arm", "8", "v8"},
};

/* What may stand alone. */
static const char *const known_systems[] = {"aix", "android", "darwin", "dragonfly", "freebsd",
    "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd", "openbsd", "plan9", "solaris",
    "windows", "zos"};
static const char *const known_archs[] = {"386", "amd64", "amd64p32", "arm", "arm64", "arm64be",
    "armbe", "loong64", "mips", "mips64", "mips64le", "mips64p32", "mips64p32le", "mipsle", "ppc",
    "ppc64", "ppc64le", "riscv", "riscv64", "s390", "s390x", "sparc", "sparc64", "wasm"};

static bool is_one_of(const char *const *list, size_t n, const char *s)
{
    for (size_t i = 0; i < n; i++)
        if (depot_str_eq(list[i], s))
            return true;
    return false;
}

/* ---- cutting ---- */

/* A field up to '/' or the end, lower-cased in place, of these characters alone; NULL: it is not.
 */
static char *cut_field(char **at, const char *chars)
{
    char *field = *at;
    const size_t n = strspn(field, chars);
    if (n == 0 || (field[n] != '\0' && field[n] != '/'))
        return NULL;
    *at = field[n] == '/' ? field + n + 1 : NULL;
    field[n] = '\0';
    for (char *c = field; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return field;
}

/* "%41" and the like must be whole. */
static bool escapes_ok(const char *s)
{
    while ((s = strchr(s, '%')) != NULL) {
        if (!isxdigit((unsigned char)s[1]) || !isxdigit((unsigned char)s[2]))
            return false;
        s++;
    }
    return true;
}

/* Takes "(VERSION+FEATURE...)" out of the text, behind the system's name. */
static bool cut_options(struct name *n)
{
    char *open = strpbrk(n->text, "(/");
    n->options[0] = '\0';
    if (open == NULL || *open == '/')
        return true;
    const size_t len = strspn(open + 1, OPTION_CHARS);
    const char *close = open + 1 + len;
    if (*close != ')' || (close[1] != '\0' && close[1] != '/'))
        return false;
    memcpy(n->options, open + 1, len);
    n->options[len] = '\0';
    memmove(open, close + 1, strlen(close + 1) + 1);
    return escapes_ok(n->options) && strstr(n->options, "++") == NULL &&
           !depot_str_ends(n->options, "+");
}

static bool cut(struct name *n, const char *s)
{
    const size_t len = strlen(s);
    if (len >= sizeof(n->text))
        return false;
    memcpy(n->text, s, len + 1);
    if (!cut_options(n))
        return false;
    char *at = n->text;
    n->os = cut_field(&at, NAME_CHARS);
    n->arch = n->variant = "";
    if (n->os != NULL && at != NULL)
        n->arch = cut_field(&at, NAME_CHARS ".");
    if (n->os != NULL && n->arch != NULL && at != NULL)
        n->variant = cut_field(&at, NAME_CHARS ".");
    return n->os != NULL && n->arch != NULL && n->variant != NULL && at == NULL;
}

/* ---- normal form ---- */

static void normal_os(struct name *n)
{
    if (depot_str_eq(n->os, "macos"))
        n->os = "darwin";
}

static void normal_arch(struct name *n)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(arch_aliases); i++) {
        const struct arch_alias *a = &arch_aliases[i];
        if (!depot_str_eq(n->arch, a->name))
            continue;
        n->arch = a->arch;
        if (a->variant != NULL)
            n->variant = a->variant;
        break;
    }
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(variant_aliases); i++) {
        const struct variant_alias *v = &variant_aliases[i];
        if (depot_str_eq(n->arch, v->arch) && depot_str_eq(n->variant, v->given)) {
            n->variant = v->variant;
            break;
        }
    }
}

/* An operating system or an architecture alone. */
static bool complete(struct name *n, char host[DEPOT_PLATFORM_MAX])
{
    if (is_one_of(known_systems, DEPOT_ARRAY_LEN(known_systems), n->os)) {
        depot_platform_host(host);
        n->arch = strchr(host, '/') + 1;
        char *variant = strchr(n->arch, '/');
        if (variant != NULL) {
            *variant = '\0';
            n->variant = variant + 1;
        }
        return true;
    }
    n->arch = n->os;
    n->os = "linux";
    normal_arch(n);
    return *n->options == '\0' && is_one_of(known_archs, DEPOT_ARRAY_LEN(known_archs), n->arch);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "10.0.1+b+a+a" with its features in order, each once; false: there are too many. */
static bool normal_options(char *s, char out[DEPOT_PLATFORM_MAX])
{
    const char *features[FEATURES_MAX];
    size_t n = 0;
    for (char *plus = strchr(s, '+'); plus != NULL; plus = strchr(plus + 1, '+')) {
        if (n == FEATURES_MAX)
            return false;
        *plus = '\0';
        features[n++] = plus + 1;
    }
    qsort(features, n, sizeof(*features), by_text);
    int len = snprintf(out, DEPOT_PLATFORM_MAX, "%s", s);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(features[i], features[i - 1]) != 0)
            len += snprintf(out + len, DEPOT_PLATFORM_MAX - (size_t)len, "+%s", features[i]);
    return true;
}

static int not_one(const char *s, struct depot_error *err)
{
    depot_error_set(err, DEPOT_ERR_INVALID, "\"%.100s\" is not a platform", s);
    return depot_error_hint(err, "platforms look like linux/amd64, linux/arm64 or linux/arm/v7");
}

int depot_platform_parse(const char *s, char out[DEPOT_PLATFORM_MAX], struct depot_error *err)
{
    struct name n;
    char host[DEPOT_PLATFORM_MAX], options[DEPOT_PLATFORM_MAX];
    if (!cut(&n, s) || !normal_options(n.options, options))
        return not_one(s, err);
    normal_os(&n);
    if (*n.arch == '\0' && !complete(&n, host))
        return not_one(s, err);
    normal_arch(&n);
    const bool bare = *options == '\0';
    const int len = snprintf(out, DEPOT_PLATFORM_MAX, "%s%s%s%s/%s%s%s", n.os, bare ? "" : "(",
        options, bare ? "" : ")", n.arch, *n.variant != '\0' ? "/" : "", n.variant);
    return len < DEPOT_PLATFORM_MAX ? 0 : not_one(s, err);
}

/* ---- comparing ---- */

/* Levels of one architecture: a version in two numbers, "v8.5" is 8 and 5. */
struct level {
    long major, minor;
};

static bool level_of(const struct name *n, struct level *out)
{
    const char *v = n->variant;
    if (*v == '\0')
        v = depot_str_eq(n->arch, "arm64") ? "v8" : "v1";
    if (*v != 'v' || !isdigit((unsigned char)v[1]))
        return false;
    char *end;
    out->major = strtol(v + 1, &end, 10);
    out->minor = *end == '.' ? strtol(end + 1, &end, 10) : 0;
    return *end == '\0';
}

/* arm64 v9.N has all of v8.(N+5), the last of which is v8.9. */
static bool reaches(const struct name *made, const struct name *wanted)
{
    struct level has, asks;
    if (!level_of(made, &has) || !level_of(wanted, &asks))
        return false;
    if (depot_str_eq(made->arch, "arm64") && has.major == 9 && asks.major == 8)
        return asks.minor <= has.minor + 5;
    if (depot_str_eq(made->arch, "arm64"))
        return has.major == asks.major && asks.minor <= has.minor;
    return asks.major <= has.major && has.minor == 0 && asks.minor == 0;
}

bool depot_platform_covers(const char *made, const char *wanted)
{
    struct name m, w;
    return cut(&m, made) && cut(&w, wanted) && depot_str_eq(m.os, w.os) &&
           depot_str_eq(m.arch, w.arch) && (depot_str_eq(m.variant, w.variant) || reaches(&m, &w));
}

bool depot_platform_runs_on(const char *platform, const char *native)
{
    struct name p, n;
    if (depot_str_eq(platform, native))
        return true;
    if (!cut(&p, platform) || !cut(&n, native) || !depot_str_eq(p.os, n.os))
        return false;
    if (depot_str_eq(n.arch, "amd64"))
        return depot_str_eq(p.arch, "amd64") || depot_str_eq(p.arch, "386");
    return depot_str_eq(p.arch, n.arch) && depot_platform_covers(native, platform);
}

/* ---- this machine ---- */

/* Of what uname(2) calls a machine; one that nobody knows keeps its name. */
static void of_machine(const char *machine, char out[DEPOT_PLATFORM_MAX])
{
    char name[DEPOT_PLATFORM_MAX];
    /* The kernel has one name for both byte orders. */
    const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    const bool mips = depot_str_eq(machine, "mips") || depot_str_eq(machine, "mips64");
    snprintf(name, sizeof(name), "linux/%.60s%s", machine, mips && little ? "le" : "");
    if (depot_platform_parse(name, out, NULL) != 0)
        snprintf(out, DEPOT_PLATFORM_MAX, "linux/unknown");
}

bool depot_platform_among(const char *list, const char *platform, size_t n)
{
    for (const char *at = list; *at != '\0'; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == n && memcmp(at, platform, n) == 0)
            return true;
    return false;
}

void depot_platform_host(char out[DEPOT_PLATFORM_MAX])
{
    struct utsname u;
    of_machine(uname(&u) == 0 ? u.machine : "", out);
}
