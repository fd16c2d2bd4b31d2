/*
 * Image names as people write them: registry, repository, tag, digest; by Docker's grammar.
 */
#include "build/spec.h"

#include <string.h>

enum {
    IMAGE_PATH_MAX = 255,
    IMAGE_TAG_MAX = 128,
    IMAGE_DIGEST_MIN = 32, /* hexadecimal digits */
};

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"
#define HEX   DIGIT "abcdefABCDEF"

static const char hub[] = "docker.io", official[] = "library/";

/* A name in its parts; those that are not there are "". */
struct image_ref {
    char *registry, *path, *tag, *digest;
};

static void release(struct image_ref *r)
{
    depot_free(r->registry);
    depot_free(r->path);
    depot_free(r->tag);
    depot_free(r->digest);
}

/* ---- what is right ---- */

/* How much of `s` may stand between two words of a path: ".", "_", "__" or any number of "-". */
static size_t separator_len(const char *s)
{
    const size_t dashes = strspn(s, "-"), underscores = strspn(s, "_");
    if (dashes > 0)
        return dashes;
    return underscores > 0 ? (underscores <= 2 ? underscores : 0) : *s == '.';
}

/* Components parted by '/', each of lower-case words with separators between them. */
static bool path_ok(const char *s)
{
    for (;;) {
        const size_t word = strspn(s, LOWER DIGIT);
        s += word;
        if (word == 0 || *s == '\0')
            return word > 0;
        const size_t between = *s == '/' ? 1 : separator_len(s);
        if (between == 0)
            return false;
        s += between;
    }
}

/* A host name or an IPv6 address in brackets, with or without a port. */
static bool registry_ok(const char *s)
{
    if (*s == '[') {
        s += 1 + strspn(s + 1, HEX ":");
        if (*s++ != ']')
            return false;
    } else {
        for (bool more = true; more; s += more) {
            const size_t n = strspn(s, LOWER UPPER DIGIT "-");
            if (n == 0 || *s == '-' || s[n - 1] == '-')
                return false;
            s += n;
            more = *s == '.';
        }
    }
    return *s == '\0' || (*s == ':' && s[1] != '\0' && s[1 + strspn(s + 1, DIGIT)] == '\0');
}

static bool tag_ok(const char *s)
{
    return *s != '\0' && *s != '.' && *s != '-' && strlen(s) <= IMAGE_TAG_MAX &&
           s[strspn(s, LOWER UPPER DIGIT "_.-")] == '\0';
}

/* "sha256:" and its digits, or another algorithm and at least 32. */
static bool digest_ok(const char *s)
{
    const size_t name = strspn(s, LOWER UPPER DIGIT "-_+.");
    if (name == 0 || strchr(LOWER UPPER, *s) == NULL || s[name] != ':')
        return false;
    const size_t digits = strspn(s + name + 1, HEX);
    const bool sha256 = depot_str_starts(s, "sha256:");
    return s[name + 1 + digits] == '\0' && (sha256 ? digits == 64 : digits >= IMAGE_DIGEST_MIN);
}

/* ---- cutting ---- */

/* The first component is a registry when it could not be a user of Docker Hub. */
static size_t registry_len(const char *name)
{
    const size_t n = strcspn(name, "/");
    if (name[n] != '/')
        return 0;
    const bool host = memchr(name, '.', n) != NULL || memchr(name, ':', n) != NULL ||
                      strcspn(name, UPPER) < n || (n == 9 && strncmp(name, "localhost", 9) == 0);
    return host ? n : 0;
}

/* Cuts the text off at `mark`, and gives what follows it. */
static char *cut_off(char *mark)
{
    if (mark == NULL)
        return depot_strdup("");
    *mark = '\0';
    return depot_strdup(mark + 1);
}

static int check(const char *flag, const char *name, const struct image_ref *r, bool tagged,
    bool pinned, struct depot_error *err)
{
    if (r->path[strcspn(r->path, UPPER)] != '\0')
        return dp_spec_refuse(err, flag, name, "a repository is in lower case");
    if (!path_ok(r->path) || strlen(r->path) > IMAGE_PATH_MAX)
        return dp_spec_refuse(err, flag, name, "\"%.100s\" is not a repository", r->path);
    if (!registry_ok(r->registry))
        return dp_spec_refuse(err, flag, name, "\"%.100s\" is not a registry", r->registry);
    if (tagged && !tag_ok(r->tag))
        return dp_spec_refuse(err, flag, name, "\"%.150s\" is not a tag", r->tag);
    if (pinned && !digest_ok(r->digest))
        return dp_spec_refuse(err, flag, name, "\"%.150s\" is not a digest", r->digest);
    return 0;
}

static int cut(const char *flag, const char *name, struct image_ref *r, struct depot_error *err)
{
    const size_t host = registry_len(name);
    r->registry = host > 0 ? depot_strndup(name, host) : depot_strdup(hub);
    if (depot_str_eq(r->registry, "index.docker.io"))
        memmove(r->registry, hub, sizeof(hub));
    char *path = depot_strdup(host > 0 ? name + host + 1 : name);
    char *at = strchr(path, '@');
    r->digest = cut_off(at);
    char *colon = strchr(path, ':');
    r->tag = cut_off(colon);
    const bool alone = strchr(path, '/') == NULL && depot_str_eq(r->registry, hub);
    r->path = depot_asprintf("%s%s", alone && *path != '\0' ? official : "", path);
    depot_free(path);
    return check(flag, name, r, colon != NULL, at != NULL, err);
}

/* ---- whole and short ---- */

int dp_image_name(const char *name, char **out, struct depot_error *err)
{
    struct image_ref r = {0};
    int rc = cut("--tag", name, &r, err);
    if (rc == 0) {
        /* A name with a digest stands for one image already. */
        const char *tag = *r.tag != '\0' ? r.tag : *r.digest != '\0' ? "" : "latest";
        *out = depot_asprintf("%s/%s%s%s%s%s", r.registry, r.path, *tag != '\0' ? ":" : "", tag,
            *r.digest != '\0' ? "@" : "", r.digest);
    }
    release(&r);
    return rc;
}

int dp_image_short_name(const char *flag, const char *name, char **out, struct depot_error *err)
{
    struct image_ref r = {0};
    int rc = cut(flag, name, &r, err);
    if (rc == 0) {
        const bool at_hub = depot_str_eq(r.registry, hub);
        const char *path = r.path;
        if (at_hub && depot_str_starts(path, official))
            path += strlen(official);
        const bool tagged = *r.tag != '\0' && !depot_str_eq(r.tag, "latest");
        *out = depot_asprintf("%s%s%s%s%s%s%s", at_hub ? "" : r.registry, at_hub ? "" : "/", path,
            tagged ? ":" : "", tagged ? r.tag : "", *r.digest != '\0' ? "@" : "", r.digest);
    }
    release(&r);
    return rc;
}
