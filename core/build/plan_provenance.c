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

bool dp_plan_attests(const struct depot_build_plan *p)
{
    for (size_t i = 0; i < p->attrs.len; i++)
        if (depot_str_starts(p->attrs.items[i].key, "attest:") &&
            strstr(p->attrs.items[i].value, "inline-only=true") == NULL)
            return true;
    return false;
}
