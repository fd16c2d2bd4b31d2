/*
 * The request that makes a build: docs/api.md, "The body of POST /v1/builds".
 */
#include "build/plan_env.h"

#include <depot/ci.h>

#include <json-c/json.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add_string(struct json_object *o, const char *key, const char *value)
{
    if (!depot_str_empty(value))
        json_object_object_add(o, key, json_object_new_string(value));
}

static struct json_object *array_of(const struct depot_strv *v)
{
    struct json_object *a = json_object_new_array();
    for (size_t i = 0; i < v->len; i++)
        json_object_array_add(a, json_object_new_string(v->items[i]));
    return a;
}

static struct json_object *object_of(const struct depot_kvs *m)
{
    struct json_object *o = json_object_new_object();
    for (size_t i = 0; i < m->len; i++)
        json_object_object_add(o, m->items[i].key, json_object_new_string(m->items[i].value));
    return o;
}

static struct json_object *exports_of(const struct depot_output *outputs, size_t n)
{
    struct json_object *a = json_object_new_array();
    for (size_t i = 0; i < n; i++) {
        struct json_object *o = json_object_new_object();
        add_string(o, "type", outputs[i].type);
        json_object_object_add(o, "attrs", object_of(&outputs[i].attrs));
        if (outputs[i].kind == DEPOT_OUTPUT_DOCKER)
            json_object_object_add(o, "load", json_object_new_boolean(1));
        if (outputs[i].platform != NULL) {
            struct json_object *only = json_object_new_array();
            json_object_array_add(only, json_object_new_string(outputs[i].platform));
            json_object_object_add(o, "platforms", only);
        }
        json_object_array_add(a, o);
    }
    return a;
}

static void add_who(struct json_object *o)
{
    char host[256] = "";
    const char *user = getenv("USER");
    if (depot_str_empty(user)) {
        struct passwd *pw = getpwuid(getuid());
        user = pw != NULL ? pw->pw_name : NULL;
    }
    add_string(o, "user", user);
    if (gethostname(host, sizeof(host) - 1) == 0)
        add_string(o, "host", host);
    char *ci = depot_ci_url();
    if (ci != NULL) {
        struct json_object *c = json_object_new_object();
        add_string(c, "url", ci);
        json_object_object_add(o, "ci", c);
    }
    depot_free(ci);
}

static void add_source(struct json_object *o, const struct depot_source *s)
{
    if (s->commit == NULL && s->remote == NULL)
        return;
    struct json_object *source = json_object_new_object();
    add_string(source, "remote", s->remote);
    add_string(source, "commit", s->commit);
    add_string(source, "branch", s->branch);
    if (s->dirty)
        json_object_object_add(source, "dirty", json_object_new_boolean(1));
    json_object_object_add(o, "source", source);
}

/* The engine finds the files of an earlier build of the same directory by this key. */
static char *shared_key(const struct depot_build_plan *p)
{
    char host[256] = "";
    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '\0';
    return depot_asprintf(
        "%s:%s:%s", p->project, host, p->context_dir != NULL ? p->context_dir : "-");
}

static struct json_object *session_of(const struct depot_build_plan *p)
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
    struct json_object *o = json_object_new_object();
    char *key = shared_key(p);
    add_string(o, "shared_key", key);
    json_object_object_add(o, "methods", array_of(&methods));
    depot_free(key);
    depot_strv_release(&methods);
    return o;
}

static struct json_object *solve_of(const struct depot_build_plan *p)
{
    struct json_object *o = json_object_new_object();
    add_string(o, "frontend", p->frontend);
    json_object_object_add(o, "attrs", object_of(&p->attrs));
    json_object_object_add(o, "exports", exports_of(p->outputs.items, p->outputs.len));
    json_object_object_add(
        o, "cache_exports", exports_of(p->cache_exports.items, p->cache_exports.len));
    json_object_object_add(o, "entitlements", array_of(&p->entitlements));
    add_string(o, "source_policy", p->source_policy);
    add_string(o, "policy_file", p->policy_file);
    if (p->default_image)
        json_object_object_add(o, "default_image", json_object_new_boolean(1));
    return o;
}

static struct json_object *settings_of(const struct depot_build_plan *p)
{
    struct json_object *a = json_object_new_array();
    for (size_t i = 0; i < p->nsettings; i++) {
        struct json_object *o = json_object_new_object();
        add_string(o, "stage", p->settings[i].stage);
        add_string(o, "text", p->settings[i].text);
        json_object_array_add(a, o);
    }
    return a;
}

static struct json_object *join_with_of(const struct depot_strv *list)
{
    struct json_object *o = json_object_new_object();
    for (size_t i = 0; i < list->len; i++) {
        size_t n = strcspn(list->items[i], "=");
        char *platform = depot_strndup(list->items[i], n);
        const char *digest = list->items[i][n] == '=' ? list->items[i] + n + 1 : "";
        json_object_object_add(o, platform, json_object_new_string(digest));
        depot_free(platform);
    }
    return o;
}

char *dp_build_request(const struct depot_build_plan *p)
{
    struct json_object *o = json_object_new_object();
    const char *method = p->call.method;
    char *context = depot_url_shown(p->args->context);
    char *command = depot_asprintf("depot build %s%s%s%s", method != NULL ? "--call=" : "",
        method != NULL ? method : "", method != NULL ? " " : "", context);
    add_string(o, "project", p->project);
    add_string(o, "command", command);
    add_string(o, "call", p->call.method);
    add_string(o, "target", p->args->target);
    add_string(o, "builder", dp_plan_builder(p));
    json_object_object_add(o, "tags", array_of(&p->args->tags));
    json_object_object_add(o, "platforms", array_of(&p->platforms));
    add_source(o, &p->source);
    add_who(o);
    json_object_object_add(o, "single_builder", json_object_new_boolean(p->single_builder));
    json_object_object_add(o, "join", json_object_new_boolean(p->join));
    if (p->args->keep_going)
        json_object_object_add(o, "keep_going", json_object_new_boolean(1));
    if (p->args->join_with.len > 0)
        json_object_object_add(o, "join_with", join_with_of(&p->args->join_with));
    json_object_object_add(o, "detach", json_object_new_boolean(p->args->detach));
    if (p->has_settings)
        json_object_object_add(o, "settings", settings_of(p));
    json_object_object_add(o, "session", session_of(p));
    json_object_object_add(o, "solve", solve_of(p));
    char *text = depot_strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
    json_object_put(o);
    depot_free(context);
    depot_free(command);
    return text;
}
