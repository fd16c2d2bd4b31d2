/*
 * The request that makes a build: docs/api.md, "The body of POST /v1/builds".
 */
#include "build/plan_env.h"

#include <depot/ci.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is empty is not said. */
static const char *said(const char *s)
{
    return depot_str_empty(s) ? NULL : s;
}

/* A list of the plan's, which outlives the request. */
static struct depot_strv list_of(const struct depot_strv *v)
{
    return (struct depot_strv){.items = v->items, .len = v->len};
}

static struct depot_kvs attrs_of(const struct depot_kvs *m)
{
    return (struct depot_kvs){.items = m->items, .len = m->len};
}

static char *host_name(struct depot_arena *arena)
{
    char host[256] = "";
    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '\0';
    return depot_arena_strdup(arena, host);
}

/* Moves a string into the arena. */
static char *take(struct depot_arena *arena, char *s)
{
    char *kept = depot_arena_strdup(arena, s);
    depot_free(s);
    return kept;
}

static char *command_of(const struct depot_build_plan *p, struct depot_arena *arena)
{
    const char *method = p->call.method;
    const char *context = take(arena, depot_url_shown(p->args->context));
    return take(arena, depot_asprintf("depot build %s%s%s%s", method != NULL ? "--call=" : "",
                           method != NULL ? method : "", method != NULL ? " " : "", context));
}

static void tell_info(
    const struct depot_build_plan *p, struct depot_ev_created *to, struct depot_arena *arena)
{
    const struct depot_source *source = &p->source;
    const bool has_source = source->commit != NULL || source->remote != NULL;
    *to = (struct depot_ev_created){
        .project = said(p->project),
        .command = command_of(p, arena),
        .target = said(p->args->target),
        .tags = (const char **)p->args->tags.items,
        .ntags = p->args->tags.len,
        .platforms = (const char **)p->platforms.items,
        .nplatforms = p->platforms.len,
        .remote = said(source->remote),
        .commit = said(source->commit),
        .branch = has_source ? said(source->branch) : NULL,
        .dirty = has_source && source->dirty,
        .user = said(depot_arena_strdup(arena, depot_user())),
        .host = said(host_name(arena)),
        .ci_url = said(take(arena, depot_ci_url())),
    };
}

/* ---- the session ---- */

/* The engine finds the files of an earlier build of the same directory by this key. */
static char *shared_key(const struct depot_build_plan *p, struct depot_arena *arena)
{
    return take(arena, depot_asprintf("%s:%s:%s", p->project, host_name(arena),
                           p->context_dir != NULL ? p->context_dir : "-"));
}

static struct depot_strv methods_of(const struct depot_build_plan *p, struct depot_arena *arena)
{
    struct depot_strv methods = {0};
    struct dp_session_output outputs[1] = {{.kind = DP_OUTPUT_FILE}};
    struct dp_session_config cfg = {
        .dirs = p->dirs.items,
        .ndirs = p->dirs.len,
        .dockerfile_data = p->stdin_data,
        .dockerfile_len = p->stdin_len,
        .upload_id = p->upload_id,
        .upload_fd = p->upload_fd,
        .secrets = p->secrets.items,
        .nsecrets = p->secrets.len,
        .ssh = p->ssh.len > 0 ? &p->ssh : NULL,
        .stores = p->stores.items,
        .nstores = p->stores.len,
        .outputs = outputs,
        .noutputs = p->outputs.len > 0 ? 1 : 0,
    };
    dp_session_methods(&cfg, &methods);
    struct depot_strv kept = {
        .items = depot_arena_alloc(arena, (methods.len + 1) * sizeof(char *)), .len = methods.len};
    for (size_t i = 0; i < methods.len; i++)
        kept.items[i] = depot_arena_strdup(arena, methods.items[i]);
    depot_strv_release(&methods);
    return kept;
}

/* ---- the solve ---- */

static void tell_exports(
    const struct depot_build_plan *p, struct depot_build_request *r, struct depot_arena *arena)
{
    r->nexports = p->outputs.len;
    r->exports = depot_arena_alloc(arena, (r->nexports + 1) * sizeof(*r->exports));
    for (size_t i = 0; i < r->nexports; i++) {
        struct depot_output *o = &p->outputs.items[i];
        r->exports[i] = (struct depot_request_export){
            .type = o->type,
            .attrs = attrs_of(&o->attrs),
            .load = o->kind == DEPOT_OUTPUT_DOCKER,
            .platforms = {.items = &o->platform, .len = o->platform != NULL},
        };
    }
    r->ncache_exports = p->cache_exports.len;
    r->cache_exports =
        depot_arena_alloc(arena, (r->ncache_exports + 1) * sizeof(*r->cache_exports));
    for (size_t i = 0; i < r->ncache_exports; i++) {
        const struct depot_output *o = &p->cache_exports.items[i];
        r->cache_exports[i] =
            (struct depot_cache_export){.type = o->type, .attrs = attrs_of(&o->attrs)};
    }
}

static struct depot_kvs join_with_of(const struct depot_strv *list, struct depot_arena *arena)
{
    struct depot_kvs with = {
        .items = depot_arena_alloc(arena, (list->len + 1) * sizeof(*with.items)), .len = list->len};
    for (size_t i = 0; i < list->len; i++) {
        const size_t n = strcspn(list->items[i], "=");
        const char *digest = list->items[i][n] == '=' ? list->items[i] + n + 1 : "";
        with.items[i] = (struct depot_kv){.key = depot_arena_strndup(arena, list->items[i], n),
            .value = depot_arena_strdup(arena, digest)};
    }
    return with;
}

void dp_build_request(
    const struct depot_build_plan *p, struct depot_build_request *r, struct depot_arena *arena)
{
    *r = (struct depot_build_request){
        .builder = said(dp_plan_builder(p)),
        .single_builder = p->single_builder,
        .detach = p->args->detach,
        .join = p->join,
        .join_with = join_with_of(&p->args->join_with, arena),
        .keep_going = p->args->keep_going,
        .call = said(p->call.method),
        .has_settings = p->has_settings,
        .settings = p->settings,
        .nsettings = p->nsettings,
        .session = true,
        .shared_key = shared_key(p, arena),
        .methods = methods_of(p, arena),
        .frontend = said(p->frontend),
        .attrs = attrs_of(&p->attrs),
        .default_image = p->default_image,
        .entitlements = list_of(&p->entitlements),
        .source_policy = said(p->source_policy),
        .policy_file = said(p->policy_file),
    };
    tell_info(p, &r->info, arena);
    tell_exports(p, r, arena);
}
