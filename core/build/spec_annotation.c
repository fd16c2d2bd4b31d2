/*
 * --annotation: "[TYPE[[PLATFORM]],...:]KEY=VALUE" to the attributes that exporters take.
 */
#include "build/spec.h"

#include <depot/platform.h>

#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
/* What an exporter takes between the brackets. */
#define PLATFORM_CHARS LOWER UPPER "0123456789_/-"

static const char flag[] = "--annotation";

/* Only what lies in a manifest, or beside its descriptor, can differ between platforms. */
static const struct annotation_type {
    const char *name;
    bool has_platform;
} types[] = {
    {"index", false},
    {"index-descriptor", false},
    {"manifest", true},
    {"manifest-descriptor", true},
};

static const struct annotation_type *find_type(const char *s, size_t n)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(types); i++)
        if (strlen(types[i].name) == n && strncmp(types[i].name, s, n) == 0)
            return &types[i];
    return NULL;
}

/* "[linux/arm64]" at `open`, to its end, in normal form; `out` stays "" where there is none. */
static int read_platform(
    const char *s, const char *open, char out[DEPOT_PLATFORM_MAX], struct depot_error *err)
{
    if (*open == '\0')
        return 0;
    const size_t n = strspn(open + 1, PLATFORM_CHARS);
    if (n == 0 || open[n + 1] != ']' || open[n + 2] != '\0')
        return dp_spec_refuse(err, flag, s, "\"%.100s\" is not a platform in brackets", open);
    char *name = depot_strndup(open + 1, n);
    struct depot_error why = {0};
    int rc = depot_platform_parse(name, out, &why);
    if (rc != 0)
        rc = dp_spec_refuse(err, flag, s, "%s", why.msg);
    depot_free(name);
    return rc;
}

/* One "TYPE" or "TYPE[PLATFORM]" of those before the colon. */
static int add_typed(const char *s, const char *type, const char *key, const char *value,
    struct depot_kvs *attrs, struct depot_error *err)
{
    const size_t n = strspn(type, LOWER "-");
    const struct annotation_type *t = find_type(type, n);
    char platform[DEPOT_PLATFORM_MAX] = "";
    if (t == NULL || (type[n] != '\0' && type[n] != '['))
        return dp_spec_refuse(err, flag, s, "there is no type \"%.100s\"", type);
    int rc = read_platform(s, type + n, platform, err);
    if (rc != 0)
        return rc;
    const bool one = t->has_platform && platform[0] != '\0';
    char *attr = depot_asprintf("annotation-%s%s%s%s.%s", t->name, one ? "[" : "",
        one ? platform : "", one ? "]" : "", key);
    depot_kvs_set(attrs, attr, value);
    depot_free(attr);
    return 0;
}

static int add_plain(const char *key, const char *value, struct depot_kvs *attrs)
{
    char *attr = depot_asprintf("annotation.%s", key);
    depot_kvs_set(attrs, attr, value);
    depot_free(attr);
    return 0;
}

int dp_spec_annotation(const char *s, struct depot_kvs *attrs, struct depot_error *err)
{
    const char *eq = strchr(s, '=');
    if (eq == NULL)
        return dp_spec_refuse(err, flag, s, "there is no =");
    char *head = depot_strndup(s, (size_t)(eq - s));
    char *colon = strchr(head, ':');
    const char *key = colon != NULL ? colon + 1 : head;
    int rc = 0;
    if (*key == '\0' || key[strcspn(key, " \t\r\n\v\f")] != '\0') {
        rc = dp_spec_refuse(err, flag, s, "\"%.100s\" is not a key", key);
    } else if (strlen(key) > DP_SPEC_NAME_MAX) {
        rc = dp_spec_name(flag, s, strlen(key), err);
    } else if (colon == NULL) {
        rc = add_plain(key, eq + 1, attrs);
    } else {
        struct depot_strv list = {0};
        *colon = '\0';
        depot_strv_split(&list, head, ',');
        if (list.len == 0)
            rc = dp_spec_refuse(err, flag, s, "there is no type before the colon");
        for (size_t i = 0; rc == 0 && i < list.len; i++)
            rc = add_typed(s, list.items[i], key, eq + 1, attrs, err);
        depot_strv_release(&list);
    }
    depot_free(head);
    return rc;
}
