/*
 * The attributes of a joined export, as each part gets them.
 */
#include "join_export.h"

#include <depot/platform.h>

#include <string.h>

static const char annotation[] = "annotation";

/* "host/path" of "host/path:tag". */
static char *repository_of(const char *name)
{
    const char *colon = strrchr(name, ':'), *slash = strrchr(name, '/');
    return colon != NULL && (slash == NULL || colon > slash)
               ? depot_strndup(name, (size_t)(colon - name))
               : depot_strdup(name);
}

static void set_repositories(struct depot_kvs *attrs)
{
    struct depot_strv names = {0}, repositories = {0};
    const char *name = depot_kvs_get(attrs, "name");
    depot_strv_split(&names, name != NULL ? name : "", ',');
    for (size_t i = 0; i < names.len; i++) {
        char *r = repository_of(names.items[i]);
        if (!depot_strv_has(&repositories, r))
            depot_strv_push(&repositories, r);
        depot_free(r);
    }
    char *joined = depot_strv_join(&repositories, ",");
    depot_kvs_set(attrs, "name", joined);
    depot_free(joined);
    depot_strv_release(&names);
    depot_strv_release(&repositories);
}

/* Annotations of another platform, which no builder would take: "annotation[linux/arm64].K". */
static bool is_for_part(const char *key, const char *platforms)
{
    if (!depot_str_starts(key, annotation))
        return true;
    const char *dot = strchr(key, '.'), *open = strchr(key, '[');
    if (open == NULL || (dot != NULL && dot < open))
        return true;
    return depot_platform_among(platforms, open + 1, strcspn(open + 1, "]"));
}

void join_keep_own(struct depot_kvs *attrs, const char *platform)
{
    for (size_t i = attrs->len; i-- > 0;)
        if (!is_for_part(attrs->items[i].key, platform))
            depot_kvs_unset(attrs, attrs->items[i].key);
}

void join_rewrite(struct depot_kvs *attrs)
{
    /* Annotations of the index are ours to make. */
    for (size_t i = attrs->len; i-- > 0;)
        if (depot_str_starts(attrs->items[i].key, "annotation-index"))
            depot_kvs_unset(attrs, attrs->items[i].key);
    set_repositories(attrs);
    depot_kvs_set(attrs, "push-by-digest", "true");
    depot_kvs_set(attrs, "name-canonical", "true");
}
