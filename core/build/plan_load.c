/*
 * --load: into which Docker Engine, and what its image store can take.
 */
#include "build/plan.h"

#include <depot/docker.h>

#include <string.h>

static int bad_attestations(const struct depot_output *out, struct depot_error *err)
{
    depot_error_set(err, DEPOT_ERR_UNSUPPORTED,
        "the image store of the Docker Engine at %s has no place for attestations",
        out->docker->addr.text);
    return depot_error_hint(err,
        "leave out --provenance, --sbom and --attest, or use --push; an Engine with the containerd "
        "image store can load them");
}

/* Attestations that the user asked for; those that are only wanted where they fit are not. */
static bool has_attestations(const struct depot_build_plan *p)
{
    for (size_t i = 0; i < p->attrs.len; i++) {
        const char *value = p->attrs.items[i].value;
        if (depot_str_starts(p->attrs.items[i].key, "attest:") &&
            strstr(value, "disabled=true") == NULL && strstr(value, "inline-only=true") == NULL)
            return true;
    }
    return false;
}

/* The classic store keeps one platform of an image: the Engine's own, or else the first. */
static void keep_one(struct depot_build_plan *p, struct depot_output *out, const char *own)
{
    const size_t n = p->platforms.len;
    const char *kept = depot_strv_has(&p->platforms, own) ? own : p->platforms.items[0];
    struct depot_strv others = {0};
    for (size_t i = 0; i < n; i++)
        if (!depot_str_eq(p->platforms.items[i], kept))
            depot_strv_push(&others, p->platforms.items[i]);
    char *names = depot_strv_join(&others, ", ");
    depot_strv_push_take(&p->warnings,
        depot_asprintf("The Docker Engine at %s keeps one platform of an image: %s is loaded, %s "
                       "%s built and not loaded",
            out->docker->addr.text, kept, names, others.len > 1 ? "are" : "is"));
    out->platform = depot_strdup(kept);
    depot_free(names);
    depot_strv_release(&others);
}

/* An image of several manifests goes to a store that knows them, as an OCI archive. */
static int fit_store(struct depot_build_plan *p, struct depot_output *out, struct depot_error *err)
{
    const bool attested = has_attestations(p);
    struct depot_docker_store store;
    const bool tells_id = p->args->quiet || !depot_str_empty(p->args->iidfile);
    if (p->platforms.len < 2 && !attested && !tells_id)
        return 0; /* either store takes it: no need to ask */
    int rc = depot_docker_store_read(out->docker, &store, err);
    if (rc != 0)
        return rc;
    if (store.containerd) {
        depot_free(out->type);
        out->type = depot_strdup("oci");
        p->id_is_manifest = true;
    } else if (attested) {
        return bad_attestations(out, err);
    } else if (p->platforms.len > 1) {
        keep_one(p, out, store.platform);
    }
    return 0;
}

int dp_plan_load(struct depot_build_plan *p, struct depot_output *out, struct depot_error *err)
{
    if (out->kind != DEPOT_OUTPUT_DOCKER)
        return 0;
    out->docker = depot_calloc(1, sizeof(*out->docker));
    int rc = depot_docker_host_find(
        depot_kvs_get(&out->attrs, "context"), p->args->docker_config, out->docker, err);
    depot_kvs_unset(&out->attrs, "context");
    return rc == 0 ? fit_store(p, out, err) : rc;
}
