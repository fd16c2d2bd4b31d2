/*
 * Names of steps that outlive the state they are in.
 */
#include "step_key.h"

#include <string.h>

char *dp_step_key(const struct fleet_build *b, const struct depot_step *s)
{
    return depot_asprintf("%s/%s/%s", b->key, s->part->platform, s->digest);
}

/* A part has slashes, too. */
bool dp_step_key_parse(
    const struct fleet *f, const char *key, struct fleet_build **build, char **part, char **digest)
{
    for (const char *cut = strchr(key, '/'); cut != NULL; cut = strchr(cut + 1, '/')) {
        char *id = depot_strndup(key, (size_t)(cut - key));
        *build = dp_fleet_find_prefix(f, id);
        depot_free(id);
        if (*build == NULL)
            continue;
        const char *rest = cut + 1, *last = strrchr(rest, '/');
        if (last != NULL && last > rest)
            *part = depot_strndup(rest, (size_t)(last - rest));
        *digest = depot_strdup(last != NULL ? last + 1 : rest);
        return true;
    }
    return false;
}

const struct depot_step *dp_step_find(
    const struct depot_build *b, const char *part, const char *digest)
{
    int64_t index;
    if (part == NULL && depot_str_to_int64(digest, 0, INT64_MAX, &index) == 0)
        return (uint64_t)index < b->steps.len ? b->steps.items[index] : NULL;
    for (size_t i = 0; i < b->parts.len; i++) {
        const struct depot_part *p = b->parts.items[i];
        if (part != NULL && !depot_str_eq(p->platform, part))
            continue;
        const struct depot_step *s = depot_build_step(b, p, digest);
        if (s != NULL && s->known)
            return s;
    }
    return NULL;
}
