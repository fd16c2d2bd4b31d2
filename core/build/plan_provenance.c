/*
 * Provenance that is made without being asked for, as buildx asks for it: "inline-only" puts it
 * beside an image in a registry or a store, and nowhere where it would change a file.
 */
#include "build/plan_env.h"

#include <stdlib.h>

static bool names_provenance(const char *spec)
{
    struct depot_kvs fields = {0};
    bool found = dp_csv_fields("--attest", spec, &fields, NULL) == 0 &&
                 depot_str_eq(depot_kvs_get(&fields, "type"), "provenance");
    depot_kvs_release(&fields);
    return found;
}

/* Said on the command line, be it to have none. */
static bool is_decided(const struct depot_build_args *a)
{
    if (!depot_str_empty(a->provenance))
        return true;
    for (size_t i = 0; i < a->attests.len; i++)
        if (names_provenance(a->attests.items[i]))
            return true;
    return false;
}

int dp_plan_default_provenance(struct depot_build_plan *p, struct depot_error *err)
{
    bool off;
    int rc = dp_env_bool("BUILDX_NO_DEFAULT_ATTESTATIONS", false, &off, err);
    if (rc == 0 && !off && !is_decided(p->args))
        depot_kvs_set(&p->attrs, "attest:provenance", "mode=min,inline-only=true");
    return rc;
}

static bool is_asked_for(const struct depot_kv *attr)
{
    return depot_str_starts(attr->key, "attest:") &&
           strstr(attr->value, "inline-only=true") == NULL;
}

int dp_plan_check_attests(const struct depot_build_plan *p, struct depot_error *err)
{
    const char *attest = NULL;
    for (size_t i = 0; i < p->attrs.len; i++)
        if (is_asked_for(&p->attrs.items[i]))
            attest = p->attrs.items[i].key + strlen("attest:");
    for (size_t i = 0; attest != NULL && i < p->outputs.len; i++) {
        const struct depot_output *o = &p->outputs.items[i];
        if (!depot_str_eq(o->type, "docker") || o->kind == DEPOT_OUTPUT_DOCKER)
            continue;
        depot_error_set(err, DEPOT_ERR_UNSUPPORTED,
            "an archive of type docker holds no attestations, and --attest type=%s asks for one",
            attest);
        return depot_error_hint(err, "use -o type=oci, or leave the attestation out");
    }
    return 0;
}
