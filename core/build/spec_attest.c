/*
 * --attest, --sbom and --provenance.
 */
#include "build/spec.h"

#include <string.h>

static int take_disabled(
    const char *flag, const char *s, struct dp_spec_attest *out, struct depot_error *err)
{
    const char *word = depot_kvs_get(&out->attrs, "disabled");
    if (word == NULL)
        return 0;
    const int value = dp_spec_bool(word);
    if (value < 0)
        return dp_spec_refuse(err, flag, s, "disabled is true or false, not \"%.50s\"", word);
    out->disabled = value == 1;
    depot_kvs_unset(&out->attrs, "disabled");
    return 0;
}

static int read_attest(const char *flag, const char *s, const char *fields,
    struct dp_spec_attest *out, struct depot_error *err)
{
    int rc = dp_csv_fields(flag, fields, &out->attrs, err);
    if (rc == 0)
        rc = take_disabled(flag, s, out, err);
    return rc;
}

int dp_spec_attest(const char *s, struct dp_spec_attest *out, struct depot_error *err)
{
    static const char *const types[] = {"sbom", "provenance"};
    int rc = read_attest("--attest", s, s, out, err);
    if (rc != 0)
        return rc;
    const char *type = depot_kvs_get(&out->attrs, "type");
    if (depot_str_empty(type))
        return dp_spec_refuse(err, "--attest", s, "there is no type");
    bool known = false;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(types); i++)
        known = known || depot_str_eq(types[i], type);
    if (!known)
        return dp_spec_refuse(err, "--attest", s, "there is no type \"%.100s\"", type);
    out->type = depot_strdup(type);
    depot_kvs_unset(&out->attrs, "type");
    return 0;
}

int dp_spec_attest_short(const char *flag, const char *type, const char *s,
    struct dp_spec_attest *out, struct depot_error *err)
{
    const int word = dp_spec_bool(s);
    out->type = depot_strdup(type);
    out->disabled = word == 0;
    if (word >= 0)
        return 0;
    int rc = read_attest(flag, s, s, out, err);
    const char *other = depot_kvs_get(&out->attrs, "type");
    if (rc == 0 && other != NULL && !depot_str_eq(other, type))
        rc = dp_spec_refuse(err, flag, s, "its type is %s, not \"%.50s\"", type, other);
    depot_kvs_unset(&out->attrs, "type");
    return rc;
}

void dp_spec_attest_release(struct dp_spec_attest *a)
{
    depot_free(a->type);
    depot_kvs_release(&a->attrs);
    *a = (struct dp_spec_attest){0};
}
