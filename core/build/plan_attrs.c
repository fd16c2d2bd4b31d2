/*
 * What the Dockerfile frontend is told, from docker build's flags.
 */
#include "build/plan_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_attr(
    struct depot_build_plan *p, const char *prefix, const char *key, const char *value)
{
    char *name = depot_asprintf("%s%s", prefix, key);
    depot_kvs_set(&p->attrs, name, value);
    depot_free(name);
}

/* "K" alone is the environment's value; an unset one is left out, as docker does. */
static int build_arg(struct depot_build_plan *p, const char *spec, struct depot_error *err)
{
    char *key;
    const char *value;
    int rc = dp_spec_pair("--build-arg", spec, &key, &value, err);
    if (rc != 0)
        return rc;
    if (value == NULL)
        value = getenv(key);
    if (value != NULL)
        set_attr(p, "build-arg:", key, value);
    depot_free(key);
    return 0;
}

static int label(struct depot_build_plan *p, const char *spec, struct depot_error *err)
{
    char *key;
    const char *value;
    int rc = dp_spec_pair("--label", spec, &key, &value, err);
    if (rc != 0)
        return rc;
    set_attr(p, "label:", key, value != NULL ? value : "");
    depot_free(key);
    return 0;
}

/* A frontend's attribute that is a list: each word of a flag as `parse` makes it. */
static int list_attr(struct depot_build_plan *p, const char *attr, const struct depot_strv *words,
    int (*parse)(const char *s, char **out, struct depot_error *err), struct depot_error *err)
{
    struct depot_strv list = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < words->len; i++) {
        char *word = NULL;
        rc = parse(words->items[i], &word, err);
        if (rc == 0)
            depot_strv_push_take(&list, word);
    }
    if (rc == 0 && list.len > 0) {
        char *joined = depot_strv_join(&list, ",");
        depot_kvs_set(&p->attrs, attr, joined);
        depot_free(joined);
    }
    depot_strv_release(&list);
    return rc;
}

static int network(struct depot_build_plan *p, struct depot_error *err)
{
    const char *mode = p->args->network;
    if (depot_str_empty(mode) || depot_str_eq(mode, "default"))
        return 0;
    if (!depot_str_eq(mode, "host") && !depot_str_eq(mode, "none") &&
        !depot_str_eq(mode, "sandbox"))
        return dp_spec_refuse(err, "--network", mode, "BuildKit has no such network");
    depot_kvs_set(&p->attrs, "force-network-mode", mode);
    if (depot_str_eq(mode, "host") && !depot_strv_has(&p->entitlements, "network.host"))
        depot_strv_push(&p->entitlements, "network.host");
    return 0;
}

static int shm_size(struct depot_build_plan *p, struct depot_error *err)
{
    int64_t bytes;
    char text[32];
    if (p->args->shm_size == NULL)
        return 0;
    int rc = dp_spec_bytes("--shm-size", p->args->shm_size, &bytes, err);
    if (rc != 0 || bytes == 0)
        return rc;
    snprintf(text, sizeof(text), "%lld", (long long)bytes);
    depot_kvs_set(&p->attrs, "shm-size", text);
    return 0;
}

static int allow(struct depot_build_plan *p, struct depot_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->args->allow.len; i++)
        rc = dp_spec_allow(p->args->allow.items[i], &p->entitlements, &p->allow_delete, err);
    return rc;
}

/* The last word about a type counts. */
static void set_attest(struct depot_build_plan *p, const struct dp_spec_attest *a)
{
    char *name = depot_asprintf("attest:%s", a->type);
    if (a->disabled) {
        depot_kvs_unset(&p->attrs, name);
    } else {
        char *value = dp_csv_join(&a->attrs);
        depot_kvs_set(&p->attrs, name, value);
        depot_free(value);
    }
    depot_free(name);
}

static int attest(struct depot_build_plan *p, const char *spec, struct depot_error *err)
{
    struct dp_spec_attest a = {0};
    int rc = dp_spec_attest(spec, &a, err);
    if (rc == 0)
        set_attest(p, &a);
    dp_spec_attest_release(&a);
    return rc;
}

static int attest_short(struct depot_build_plan *p, const char *flag, const char *type,
    const char *value, struct depot_error *err)
{
    struct dp_spec_attest a = {0};
    if (depot_str_empty(value))
        return 0;
    int rc = dp_spec_attest_short(flag, type, value, &a, err);
    if (rc == 0)
        set_attest(p, &a);
    dp_spec_attest_release(&a);
    return rc;
}

static void plain_attrs(struct depot_build_plan *p)
{
    const struct depot_build_args *a = p->args;
    if (!depot_str_empty(a->target))
        depot_kvs_set(&p->attrs, "target", a->target);
    if (a->pull)
        depot_kvs_set(&p->attrs, "image-resolve-mode", "pull");
    if (a->no_cache)
        depot_kvs_set(&p->attrs, "no-cache", "");
    if (a->no_cache_filter.len > 0) {
        char *stages = depot_strv_join(&a->no_cache_filter, ",");
        depot_kvs_set(&p->attrs, "no-cache", stages);
        depot_free(stages);
    }
    if (!depot_str_empty(a->cgroup_parent))
        depot_kvs_set(&p->attrs, "cgroup-parent", a->cgroup_parent);
}

int dp_plan_attrs(struct depot_build_plan *p, struct depot_error *err)
{
    const struct depot_build_args *a = p->args;
    int rc = 0;
    if (a->no_cache && a->no_cache_filter.len > 0)
        return depot_error_set(err, DEPOT_ERR_INVALID,
            "--no-cache and --no-cache-filter cannot currently be used together");
    rc = allow(p, err);
    for (size_t i = 0; rc == 0 && i < a->build_args.len; i++)
        rc = build_arg(p, a->build_args.items[i], err);
    for (size_t i = 0; rc == 0 && i < a->labels.len; i++)
        rc = label(p, a->labels.items[i], err);
    for (size_t i = 0; rc == 0 && i < a->attests.len; i++)
        rc = attest(p, a->attests.items[i], err);
    if (rc == 0)
        rc = attest_short(p, "--sbom", "sbom", a->sbom, err);
    if (rc == 0)
        rc = attest_short(p, "--provenance", "provenance", a->provenance, err);
    if (rc == 0)
        rc = list_attr(p, "add-hosts", &a->add_hosts, dp_spec_add_host, err);
    if (rc == 0)
        rc = list_attr(p, "ulimit", &a->ulimits, dp_spec_ulimit, err);
    if (rc == 0)
        rc = network(p, err);
    if (rc == 0)
        rc = shm_size(p, err);
    if (rc == 0)
        rc = dp_plan_cache_from(p, err);
    if (rc == 0)
        rc = dp_plan_cache_to(p, err);
    if (rc == 0)
        rc = dp_plan_resources(p, err);
    if (rc == 0)
        rc = dp_plan_default_provenance(p, err);
    plain_attrs(p);
    dp_plan_git(p);
    return rc == 0 ? dp_plan_env(p, err) : rc;
}
