/*
 * Image names as people write them, made whole: registry, repository, tag.
 */
#include "build/plan.h"

#include <string.h>

enum { IMAGE_NAME_MAX = 255, IMAGE_TAG_MAX = 128 };

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

static int bad_name(const char *tag, const char *why, struct depot_error *err)
{
    return depot_error_set(err, DEPOT_ERR_INVALID, "invalid tag \"%.300s\": %s", tag, why);
}

/* Components parted by '/', each of lower-case letters and digits with single separators inside. */
static bool path_ok(const char *path)
{
    bool separator = true; /* a component may not begin with one */
    for (const char *c = path; *c != '\0'; c++) {
        if (strchr(LOWER DIGIT, *c) != NULL) {
            separator = false;
        } else if (*c == '/') {
            if (separator)
                return false;
            separator = true;
        } else if (strchr("._-", *c) == NULL || c == path || c[-1] == '/') {
            return false;
        } else {
            separator = true;
        }
    }
    return !separator;
}

/* The first component is a registry when it could not be a user: it has a dot or a port. */
static size_t registry_len(const char *name)
{
    size_t n = strcspn(name, "/");
    if (name[n] != '/')
        return 0;
    bool dotted = memchr(name, '.', n) != NULL || memchr(name, ':', n) != NULL;
    return dotted || (n == 9 && strncmp(name, "localhost", 9) == 0) ? n : 0;
}

static bool tag_ok(const char *t)
{
    return t[0] != '\0' && t[0] != '.' && t[0] != '-' && strlen(t) <= IMAGE_TAG_MAX &&
           t[strspn(t, LOWER UPPER DIGIT "_.-")] == '\0';
}

int dp_image_name(const char *tag, char **out, struct depot_error *err)
{
    size_t host = registry_len(tag);
    const char *path_at = host > 0 ? tag + host + 1 : tag;
    const char *colon = strchr(path_at, ':');
    const char *version = colon != NULL ? colon + 1 : "latest";
    char *path =
        colon != NULL ? depot_strndup(path_at, (size_t)(colon - path_at)) : depot_strdup(path_at);
    int rc = 0;
    if (strlen(tag) > IMAGE_NAME_MAX + IMAGE_TAG_MAX)
        rc = bad_name(tag, "it is too long", err);
    else if (strchr(path, '@') != NULL)
        rc = bad_name(tag, "a tag cannot have a digest", err);
    else if (path[strcspn(path, UPPER)] != '\0')
        rc = bad_name(tag, "repository name must be lowercase", err);
    else if (!path_ok(path))
        rc = bad_name(tag, "invalid reference format", err);
    else if (!tag_ok(version))
        rc = bad_name(tag, "invalid version after the colon", err);
    else if (host > 0)
        *out = depot_asprintf("%.*s/%s:%s", (int)host, tag, path, version);
    else
        *out = depot_asprintf(
            "docker.io/%s%s:%s", strchr(path, '/') == NULL ? "library/" : "", path, version);
    depot_free(path);
    return rc;
}
