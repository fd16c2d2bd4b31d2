/*
 * The parts of a plan that come from the environment and from files beside the command line. Each
 * changes the plan's attributes after the flags have set theirs: flags win.
 */
#ifndef DEPOT_CORE_BUILD_PLAN_ENV_H
#define DEPOT_CORE_BUILD_PLAN_ENV_H

#include "build/plan.h"

/* A switch of the environment, in any word that stands for true or false. Unset or empty: `unset`.
 * DEPOT_ERR_INVALID names the variable. */
int dp_env_bool(const char *name, bool unset, bool *out, struct depot_error *err) DEPOT_MUST_CHECK;

/* --builder, or BUILDX_BUILDER; may be NULL. */
const char *dp_plan_builder(const struct depot_build_plan *p);
/* plan_env.c: SOURCE_DATE_EPOCH, proxies, the frontend. After the build arguments. */
int dp_plan_env(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
int dp_plan_output_env(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
/* plan_git.c: what the image and its provenance say of the checkout. After the labels. */
void dp_plan_git(struct depot_build_plan *p);
/* plan_provenance.c: the attestation that an image carries without being asked for. After the
 * attestations that were. */
int dp_plan_default_provenance(
    struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
/* Is there an attestation that goes into every output, files too? After both. */
bool dp_plan_attests(const struct depot_build_plan *p);
/* plan_cache_env.c: add what a cache backend needs from the environment. False: the cache is not to
 * be used here, and is left out. */
bool dp_cache_from_env(struct depot_output *cache);
/* plan_resources.c: limits of memory and processors for each step. */
int dp_plan_resources(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
/* plan_policy.c: refuse what asks for a policy that is not enforced. After the context. */
int dp_plan_policy(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;

/* plan_delete.c: directories that are to hold the result and nothing else. After the outputs and
 * the entitlements. */
int dp_plan_deletes(struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;
/* Remove the rest from them, when the build has succeeded. */
int dp_plan_prune(const struct depot_build_plan *p, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
