/*
 * --build-context: "NAME=VALUE", where NAME may be of one platform, as "base::linux/arm64".
 */
#include "build/spec.h"

#include <depot/platform.h>

#include <string.h>

static const char flag[] = "--build-context";

/* What stands behind "::" in normal form. */
static int add_platform(const char *s, const char *given, char **name, struct depot_error *err)
{
    char platform[DEPOT_PLATFORM_MAX];
    struct depot_error why = {0};
    if (depot_platform_parse(given, platform, &why) != 0)
        return dp_spec_refuse(err, flag, s, "%s", why.msg);
    char *whole = depot_asprintf("%s::%s", *name, platform);
    depot_free(*name);
    *name = whole;
    return 0;
}

/* What engines fetch by themselves, and what is taken from here. */
static bool scheme_ok(const char *value)
{
    static const char *const schemes[] = {
        "http://", "https://", "git://", "ssh://", "docker-image://", "oci-layout://"};
    if (strstr(value, "://") == NULL || depot_str_starts(value, "git@"))
        return true;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(schemes); i++)
        if (depot_str_starts(value, schemes[i]))
            return true;
    return strchr(value, '/') < strstr(value, "://");
}

int dp_spec_context(const char *s, char **name, const char **value, struct depot_error *err)
{
    const char *eq = strchr(s, '=');
    if (eq == NULL)
        return dp_spec_refuse(err, flag, s, "there is no =");
    if (eq == s)
        return dp_spec_refuse(err, flag, s, "there is no name");
    if (eq[1] == '\0')
        return dp_spec_refuse(err, flag, s, "there is nothing behind the =");
    if (depot_str_starts(eq + 1, "target:"))
        return dp_spec_refuse(err, flag, s, "target: names another target of a bake file");
    if (!scheme_ok(eq + 1))
        return dp_spec_refuse(err, flag, s, "\"%.*s\" is fetched by nobody",
            (int)(strstr(eq + 1, "://") + 3 - (eq + 1)), eq + 1);
    char *given = depot_strndup(s, (size_t)(eq - s));
    char *of = strstr(given, "::");
    if (of != NULL)
        *of = '\0';
    struct depot_error why = {0};
    int rc = dp_image_short_name(flag, given, name, &why);
    if (rc != 0)
        rc = dp_spec_refuse(err, flag, s, "its name is none that an image could have");
    else if (of != NULL)
        rc = add_platform(s, of + 2, name, err);
    if (rc != 0) {
        depot_free(*name);
        *name = NULL;
    } else {
        *value = eq + 1;
    }
    depot_free(given);
    return rc;
}
