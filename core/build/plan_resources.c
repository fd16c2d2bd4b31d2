/*
 * Limits of memory and processors for the steps: --resource KEY=VALUE, and docker's flags of the
 * same names.
 */
#include "build/plan_env.h"

#include <stddef.h>
#include <stdio.h>

enum kind { BYTES, BYTES_OR_ANY, NUMBER, SET };

struct resource {
    const char *key;  /* of --resource, and the flag's name */
    const char *attr; /* the frontend's name of it */
    enum kind kind;
    size_t flag; /* of the flag's value in struct depot_build_args */
};

#define FLAG(member) offsetof(struct depot_build_args, member)
static const struct resource resources[] = {
    {"memory", "memory", BYTES, FLAG(memory)},
    {"memory-swap", "memswap", BYTES_OR_ANY, FLAG(memory_swap)},
    {"cpu-shares", "cpushares", NUMBER, FLAG(cpu_shares)},
    {"cpu-period", "cpuperiod", NUMBER, FLAG(cpu_period)},
    {"cpu-quota", "cpuquota", NUMBER, FLAG(cpu_quota)},
    {"cpuset-cpus", "cpusetcpus", SET, FLAG(cpuset_cpus)},
    {"cpuset-mems", "cpusetmems", SET, FLAG(cpuset_mems)},
};

static bool is_set(const char *s)
{
    return s[0] >= '0' && s[0] <= '9' && s[strspn(s, "0123456789,-")] == '\0';
}

static int parse(const struct resource *r, const char *flag, const char *value, int64_t *n,
    struct depot_error *err)
{
    switch (r->kind) {
    case BYTES_OR_ANY:
        *n = -1;
        if (depot_str_eq(value, "-1"))
            return 0;
        return dp_spec_bytes(flag, value, n, err);
    case BYTES:
        return dp_spec_bytes(flag, value, n, err);
    case NUMBER:
        if (depot_str_to_int64(value, INT64_MIN, INT64_MAX, n) != 0)
            return dp_spec_refuse(err, flag, value, "it is not a number");
        return 0;
    case SET:
        if (!is_set(value))
            return dp_spec_refuse(err, flag, value, "it is no list of numbers and ranges");
        return 0;
    }
    return DEPOT_ERR_INTERNAL;
}

/* Nothing and 0 mean no limit: an engine that knows none must not see them. */
static int limit(struct depot_build_plan *p, const struct resource *r, const char *flag,
    const char *value, struct depot_error *err)
{
    int64_t n = 0;
    char text[32];
    if (*value == '\0' && r->kind == SET)
        return 0;
    int rc = parse(r, flag, value, &n, err);
    if (rc != 0)
        return rc;
    snprintf(text, sizeof(text), "%lld", (long long)n);
    if (r->kind == SET)
        depot_kvs_set(&p->attrs, r->attr, value);
    else if (n > 0 || (n < 0 && r->kind == BYTES_OR_ANY))
        depot_kvs_set(&p->attrs, r->attr, text);
    else
        depot_kvs_unset(&p->attrs, r->attr);
    return 0;
}

static int from_flags(struct depot_build_plan *p, struct depot_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < DEPOT_ARRAY_LEN(resources); i++) {
        const struct resource *r = &resources[i];
        const char *value = *(char *const *)(const void *)((const char *)p->args + r->flag);
        char *flag = depot_asprintf("--%s", r->key);
        if (value != NULL)
            rc = limit(p, r, flag, value, err);
        depot_free(flag);
    }
    return rc;
}

static int one(struct depot_build_plan *p, const char *spec, struct depot_error *err)
{
    const char *eq = strchr(spec, '=');
    for (size_t i = 0; eq != NULL && i < DEPOT_ARRAY_LEN(resources); i++) {
        const struct resource *r = &resources[i];
        if (strlen(r->key) == (size_t)(eq - spec) && strncmp(r->key, spec, strlen(r->key)) == 0) {
            char *flag = depot_asprintf("--resource %s", r->key);
            int rc = limit(p, r, flag, eq + 1, err);
            depot_free(flag);
            return rc;
        }
    }
    return dp_spec_refuse(err, "--resource", spec, "there is no such limit");
}

int dp_plan_resources(struct depot_build_plan *p, struct depot_error *err)
{
    int rc = from_flags(p, err);
    for (size_t i = 0; rc == 0 && i < p->args->resources.len; i++)
        rc = one(p, p->args->resources.items[i], err);
    return rc;
}
