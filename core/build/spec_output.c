/*
 * --output, --cache-from and --cache-to.
 */
#include "build/spec.h"

#include <depot/docker.h>

#include <string.h>

static bool is_one_of(const char *const *list, size_t n, const char *s)
{
    for (size_t i = 0; i < n; i++)
        if (depot_str_eq(list[i], s))
            return true;
    return false;
}

/* ---- --output ---- */

/* Keys of exporters that are true or false; the others are the engine's to judge. */
static const char *const flags_of_exporters[] = {"attestation-inline", "force-compression",
    "name-canonical", "oci-artifact", "oci-mediatypes", "platform-split", "prefer-image-digest",
    "prefer-nondist-layers", "push", "push-by-digest", "registry.insecure", "rewrite-timestamp",
    "store", "tar", "unpack"};

/* A lone word is a directory even with a '=' in it, as in docker build; but not when it begins with
 * one of these: then a type was forgotten. */
static const char *const keys[] = {"dest", "name", "push", "tar", "compression", "context"};

static bool is_short(const char *s)
{
    if (strpbrk(s, ",\"") != NULL || depot_str_starts(s, "type="))
        return false;
    char *key = depot_strndup(s, strcspn(s, "="));
    const bool is_key = strchr(s, '=') != NULL && is_one_of(keys, DEPOT_ARRAY_LEN(keys), key);
    depot_free(key);
    return !is_key;
}

static char *take(struct depot_kvs *attrs, const char *key)
{
    const char *value = depot_kvs_get(attrs, key);
    char *copy = depot_str_empty(value) ? NULL : depot_strdup(value);
    depot_kvs_unset(attrs, key);
    return copy;
}

static int check_flags(const char *s, const struct depot_kvs *attrs, struct depot_error *err)
{
    for (size_t i = 0; i < attrs->len; i++) {
        const char *key = attrs->items[i].key, *value = attrs->items[i].value;
        if (*value != '\0' && dp_spec_bool(value) < 0 &&
            is_one_of(flags_of_exporters, DEPOT_ARRAY_LEN(flags_of_exporters), key))
            return dp_spec_refuse(
                err, "--output", s, "%s is true or false, not \"%.50s\"", key, value);
    }
    return 0;
}

int dp_spec_output(const char *s, struct depot_output *out, struct depot_error *err)
{
    if (is_short(s)) {
        out->type = depot_strdup(depot_str_eq(s, "-") ? "tar" : "local");
        out->dest = depot_strdup(s);
        return 0;
    }
    int rc = dp_csv_fields("--output", s, &out->attrs, err);
    if (rc != 0)
        return rc;
    out->type = take(&out->attrs, "type");
    out->dest = take(&out->attrs, "dest");
    if (out->type == NULL)
        return dp_spec_refuse(err, "--output", s, "there is no type");
    return check_flags(s, &out->attrs, err);
}

void dp_spec_output_release(struct depot_output *o)
{
    depot_free(o->type);
    depot_free(o->dest);
    depot_map_free(o->keep);
    depot_free(o->platform);
    if (o->docker != NULL)
        depot_docker_host_release(o->docker);
    depot_free(o->docker);
    depot_kvs_release(&o->attrs);
    *o = (struct depot_output){0};
}

/* ---- --cache-from, --cache-to ---- */

static int cache_refs(
    const char *flag, const char *s, struct dp_spec_caches *out, struct depot_error *err)
{
    struct depot_strv refs = {0};
    int rc = dp_csv_split(flag, s, &refs, err);
    for (size_t i = 0; rc == 0 && i < refs.len; i++) {
        if (*refs.items[i] == '\0') {
            rc = dp_spec_refuse(err, flag, s, "one of its images is empty");
            break;
        }
        struct depot_output *o = depot_vec_add(out);
        o->type = depot_strdup("registry");
        depot_kvs_set(&o->attrs, "ref", refs.items[i]);
    }
    depot_strv_release(&refs);
    return rc;
}

int dp_spec_cache(
    const char *flag, const char *s, struct dp_spec_caches *out, struct depot_error *err)
{
    static const char *const types[] = {"registry", "local", "inline", "gha", "s3", "azblob"};
    if (strchr(s, '=') == NULL)
        return cache_refs(flag, s, out, err);
    struct depot_output *o = depot_vec_add(out);
    int rc = dp_csv_fields(flag, s, &o->attrs, err);
    if (rc != 0)
        return rc;
    o->type = take(&o->attrs, "type");
    if (o->type == NULL)
        return dp_spec_refuse(err, flag, s, "there is no type");
    if (!is_one_of(types, DEPOT_ARRAY_LEN(types), o->type))
        return dp_spec_refuse(err, flag, s, "there is no type \"%.100s\"", o->type);
    if (depot_str_eq(o->type, "registry") && depot_str_empty(depot_kvs_get(&o->attrs, "ref")))
        return dp_spec_refuse(err, flag, s, "type=registry needs ref=IMAGE");
    return 0;
}

void dp_spec_caches_release(struct dp_spec_caches *c)
{
    for (size_t i = 0; i < c->len; i++)
        dp_spec_output_release(&c->items[i]);
    depot_vec_free(c);
}
