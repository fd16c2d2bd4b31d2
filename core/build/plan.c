/*
 * Makes the plan of a build from what the command line says. Looks at files and environment, and
 * talks to nobody but to fetch a Dockerfile that is named by its URL, and to ask a Docker Engine
 * what its image store takes (plan_load.c).
 */
#include "build/plan_env.h"

#include <depot/platform.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static int add_platform(
    struct depot_build_plan *p, const char *from, const char *given, struct depot_error *err)
{
    char name[DEPOT_PLATFORM_MAX];
    if (strcasecmp(given, "local") == 0) {
        depot_platform_host(name);
    } else {
        int rc = depot_platform_parse(given, name, err);
        if (rc != 0)
            return depot_error_prefix(err, "%s", from);
    }
    if (!depot_strv_has(&p->platforms, name))
        depot_strv_push(&p->platforms, name);
    return 0;
}

/* --platform, then DOCKER_DEFAULT_PLATFORM, then this machine's. */
static int plan_platforms(struct depot_build_plan *p, struct depot_error *err)
{
    struct depot_strv wanted = {0};
    const char *from = "--platform", *env = getenv("DOCKER_DEFAULT_PLATFORM");
    depot_strv_copy(&wanted, &p->args->platforms);
    if (wanted.len == 0 && !depot_str_empty(env)) {
        from = "DOCKER_DEFAULT_PLATFORM";
        depot_strv_split(&wanted, env, ',');
    }
    if (wanted.len == 0)
        depot_strv_push(&wanted, "local");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < wanted.len; i++)
        rc = add_platform(p, from, wanted.items[i], err);
    depot_strv_release(&wanted);
    return rc;
}

int depot_build_plan_new(
    const struct depot_build_args *args, struct depot_build_plan **out, struct depot_error *err)
{
    struct depot_build_plan *p = depot_calloc(1, sizeof(*p));
    p->args = args;
    p->upload_fd = -1;
    int rc = plan_platforms(p, err);
    if (rc == 0)
        rc = dp_plan_call(p, err);
    if (rc == 0)
        rc = dp_plan_names(p, err);
    if (rc == 0)
        rc = dp_plan_context(p, err);
    const char *dir = p->context_dir != NULL ? p->context_dir : ".";
    if (rc == 0)
        rc = depot_project(args->project, dir, &p->project, err);
    depot_source_read(&p->source, dir);
    if (rc == 0)
        rc = dp_plan_attrs(p, err);
    dp_plan_call_attrs(p);
    if (rc == 0)
        rc = dp_plan_policy(p, err);
    if (rc == 0 && p->call.method == NULL)
        rc = dp_plan_outputs(p, err);
    if (rc == 0)
        rc = dp_plan_output_env(p, err);
    if (rc == 0)
        rc = dp_plan_deletes(p, err);
    if (rc == 0)
        rc = dp_plan_secrets(p, err);
    if (rc == 0)
        rc = dp_plan_make_stores(p, err);
    if (rc != 0) {
        depot_build_plan_free(p);
        return rc;
    }
    *out = p;
    return 0;
}

static void release_outputs(struct depot_output *outputs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dp_spec_output_release(&outputs[i]);
}

static void release_session_parts(struct depot_build_plan *p)
{
    for (size_t i = 0; i < p->dirs.len; i++) {
        depot_free(p->dirs.items[i].name);
        depot_free(p->dirs.items[i].path);
    }
    for (size_t i = 0; i < p->secrets.len; i++)
        dp_session_secret_release(&p->secrets.items[i]);
    depot_vec_free(&p->dirs);
    depot_vec_free(&p->secrets);
    depot_kvs_release(&p->ssh);
    for (size_t i = 0; i < p->ssh_keys.len; i++)
        dp_ssh_keys_free(p->ssh_keys.items[i]);
    depot_vec_free(&p->ssh_keys);
    dp_plan_release_stores(p);
}

void depot_build_plan_free(struct depot_build_plan *p)
{
    if (p == NULL)
        return;
    release_outputs(p->outputs.items, p->outputs.len);
    release_outputs(p->cache_exports.items, p->cache_exports.len);
    depot_vec_free(&p->outputs);
    depot_vec_free(&p->cache_exports);
    release_session_parts(p);
    depot_strv_release(&p->platforms);
    depot_strv_release(&p->names);
    depot_strv_release(&p->entitlements);
    depot_strv_release(&p->warnings);
    depot_kvs_release(&p->attrs);
    depot_source_release(&p->source);
    depot_arena_release(&p->arena);
    if (p->upload_fd >= 0)
        close(p->upload_fd);
    depot_free(p->context_dir);
    depot_free(p->project);
    depot_free(p->upload_id);
    depot_free(p->stdin_data);
    depot_free(p->frontend);
    depot_free(p->source_policy);
    depot_free(p->policy_file);
    depot_free(p->call.method);
    depot_free(p->call.file);
    depot_free(p);
}

const struct depot_strv *depot_build_plan_warnings(const struct depot_build_plan *p)
{
    return &p->warnings;
}
