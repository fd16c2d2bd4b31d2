/*
 * Where caches come from and go to: --cache-from, --cache-to.
 */
#include "build/plan_env.h"

#include <json-c/json.h>

/* All entries of a flag; an empty word, as of a variable that is not set, is none. */
static int read_all(const char *flag, const struct depot_strv *words, struct dp_spec_caches *out,
    struct depot_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < words->len; i++)
        if (*words->items[i] != '\0')
            rc = dp_spec_cache(flag, words->items[i], out, err);
    return rc;
}

static void add_import(struct json_object *list, const struct depot_output *e)
{
    struct json_object *o = json_object_new_object(), *attrs = json_object_new_object();
    for (size_t i = 0; i < e->attrs.len; i++)
        json_object_object_add(
            attrs, e->attrs.items[i].key, json_object_new_string(e->attrs.items[i].value));
    json_object_object_add(o, "Type", json_object_new_string(e->type));
    json_object_object_add(o, "Attrs", attrs);
    json_object_array_add(list, o);
}

/* A local one is imported once by each of its digests. */
static int add_imports(struct depot_build_plan *p, struct json_object *list, struct depot_output *e,
    struct depot_error *err)
{
    struct depot_strv digests = {0};
    if (!depot_str_eq(e->type, "local")) {
        if (dp_cache_from_env(e))
            add_import(list, e);
        return 0;
    }
    int rc = dp_plan_cache_from_local(p, e, &digests, err);
    for (size_t i = 0; i < digests.len; i++) {
        depot_kvs_set(&e->attrs, "digest", digests.items[i]);
        add_import(list, e);
    }
    depot_strv_release(&digests);
    return rc;
}

/* Imports count only as a frontend attribute: a JSON array. */
int dp_plan_cache_from(struct depot_build_plan *p, struct depot_error *err)
{
    struct dp_spec_caches caches = {0};
    struct json_object *list = json_object_new_array();
    int rc = read_all("--cache-from", &p->args->cache_from, &caches, err);
    for (size_t i = 0; rc == 0 && i < caches.len; i++)
        rc = add_imports(p, list, &caches.items[i], err);
    if (rc == 0 && json_object_array_length(list) > 0)
        depot_kvs_set(&p->attrs, "cache-imports",
            json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN));
    json_object_put(list);
    dp_spec_caches_release(&caches);
    return rc;
}

/* Takes it, unless it is not to be used here. */
static int add_export(
    struct depot_build_plan *p, struct depot_output *take, struct depot_error *err)
{
    if (!dp_cache_from_env(take))
        return 0;
    int rc = depot_str_eq(take->type, "local") ? dp_plan_cache_to_local(p, take, err) : 0;
    if (rc != 0)
        return rc;
    depot_vec_push(&p->cache_exports, *take);
    *take = (struct depot_output){0};
    return 0;
}

int dp_plan_cache_to(struct depot_build_plan *p, struct depot_error *err)
{
    struct dp_spec_caches caches = {0};
    int rc = read_all("--cache-to", &p->args->cache_to, &caches, err);
    for (size_t i = 0; rc == 0 && i < caches.len; i++)
        rc = add_export(p, &caches.items[i], err);
    dp_spec_caches_release(&caches);
    if (rc == 0 && dp_spec_bool(depot_kvs_get(&p->attrs, "build-arg:BUILDKIT_INLINE_CACHE")) == 1) {
        struct depot_output e = {.type = depot_strdup("inline")};
        depot_vec_push(&p->cache_exports, e);
    }
    return rc;
}
