/*
 * Limits of memory and processors for the steps: --resource KEY=VALUE, and docker's flags of the
 * same names.
 */
#include "build/plan_env.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

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

static const char *const forms[] = {
    [BYTES] = "a size, as 512m or 2g",
    [BYTES_OR_ANY] = "a size, as 512m or 2g, or -1 for no limit",
    [NUMBER] = "a number",
    [SET] = "a list of numbers and ranges, as 0-3,7",
};

/* "1.5g", "64m", "100", "2GiB": units of 1024. */
static bool parse_bytes(const char *s, int64_t *out)
{
    static const char units[] = "bkmgtp";
    char *end = NULL;
    if (!(*s >= '0' && *s <= '9') && *s != '.')
        return false;
    errno = 0;
    double v = strtod(s, &end);
    if (*end == ' ')
        end++;
    const char *unit = *end != '\0' ? strchr(units, *end | 0x20) : units;
    if (unit == NULL || errno != 0)
        return false;
    const char *tail = *end != '\0' ? end + 1 : end;
    if (unit > units && (*tail | 0x20) == 'i')
        tail++;
    if (unit > units && (*tail | 0x20) == 'b')
        tail++;
    for (const char *u = units; u < unit; u++)
        v *= 1024;
    if (*tail != '\0' || !(v < 9e18))
        return false;
    *out = (int64_t)v;
    return true;
}

static bool is_set(const char *s)
{
    return s[0] >= '0' && s[0] <= '9' && s[strspn(s, "0123456789,-")] == '\0';
}

static bool parse(const struct resource *r, const char *value, int64_t *n)
{
    switch (r->kind) {
    case BYTES:
        return parse_bytes(value, n);
    case BYTES_OR_ANY:
        *n = -1;
        return depot_str_eq(value, "-1") || parse_bytes(value, n);
    case NUMBER:
        return depot_str_to_int64(value, INT64_MIN, INT64_MAX, n) == 0;
    case SET:
        return is_set(value);
    }
    return false;
}

/* Nothing and 0 mean no limit: an engine that knows none must not see them. */
static int limit(struct depot_build_plan *p, const struct resource *r, const char *flag,
    const char *value, struct depot_error *err)
{
    int64_t n = 0;
    char text[32];
    if (*value == '\0' && r->kind == SET)
        return 0;
    if (!parse(r, value, &n)) {
        depot_error_set(err, DEPOT_ERR_INVALID, "invalid %s \"%.64s\"", flag, value);
        return depot_error_hint(err, "%s takes %s", r->key, forms[r->kind]);
    }
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

static int unknown(const char *spec, struct depot_error *err)
{
    depot_error_set(err, DEPOT_ERR_INVALID, "invalid --resource \"%.64s\"", spec);
    return depot_error_hint(err, "expected KEY=VALUE; keys: memory, memory-swap, cpu-shares, "
                                 "cpu-period, cpu-quota, cpuset-cpus, cpuset-mems");
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
    return unknown(spec, err);
}

int dp_plan_resources(struct depot_build_plan *p, struct depot_error *err)
{
    int rc = from_flags(p, err);
    for (size_t i = 0; rc == 0 && i < p->args->resources.len; i++)
        rc = one(p, p->args->resources.items[i], err);
    return rc;
}
