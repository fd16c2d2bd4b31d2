/*
 * What the Dockerfile frontend is told, from docker build's flags.
 */
#include "build/plan_env.h"

#include <depot/buf.h>
#include <depot/path.h>

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void set_attr(
    struct depot_build_plan *p, const char *prefix, const char *key, const char *value)
{
    char *name = depot_asprintf("%s%s", prefix, key);
    depot_kvs_set(&p->attrs, name, value);
    depot_free(name);
}

/* "K=V", or "K" alone for the environment's value; an unset one is left out, as docker does. */
static int build_arg(struct depot_build_plan *p, const char *spec, struct depot_error *err)
{
    const char *eq = strchr(spec, '=');
    if (eq == spec || spec[0] == '\0')
        return depot_error_set(err, DEPOT_ERR_INVALID, "invalid --build-arg \"%s\"", spec);
    char *key = eq != NULL ? depot_strndup(spec, (size_t)(eq - spec)) : depot_strdup(spec);
    const char *value = eq != NULL ? eq + 1 : getenv(key);
    if (value != NULL)
        set_attr(p, "build-arg:", key, value);
    depot_free(key);
    return 0;
}

static int label(struct depot_build_plan *p, const char *spec, struct depot_error *err)
{
    const char *eq = strchr(spec, '=');
    if (eq == spec || spec[0] == '\0')
        return depot_error_set(err, DEPOT_ERR_INVALID, "invalid --label \"%s\"", spec);
    char *key = eq != NULL ? depot_strndup(spec, (size_t)(eq - spec)) : depot_strdup(spec);
    set_attr(p, "label:", key, eq != NULL ? eq + 1 : "");
    depot_free(key);
    return 0;
}

/* "host:ip" and "host=ip", the second as the engine wants it. */
static int add_hosts(struct depot_build_plan *p, struct depot_error *err)
{
    struct depot_strv hosts = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->args->add_hosts.len; i++) {
        char *host = depot_strdup(p->args->add_hosts.items[i]);
        char *sep = strpbrk(host, "=:");
        if (sep == NULL || sep == host || sep[1] == '\0') {
            rc = depot_error_set(
                err, DEPOT_ERR_INVALID, "invalid --add-host \"%s\": expected host:ip", host);
            depot_free(host);
            break;
        }
        *sep = '=';
        depot_strv_push_take(&hosts, host);
    }
    if (rc == 0 && hosts.len > 0) {
        char *joined = depot_strv_join(&hosts, ",");
        depot_kvs_set(&p->attrs, "add-hosts", joined);
        depot_free(joined);
    }
    depot_strv_release(&hosts);
    return rc;
}

static int network(struct depot_build_plan *p, struct depot_error *err)
{
    const char *mode = p->args->network;
    if (depot_str_empty(mode) || depot_str_eq(mode, "default"))
        return 0;
    if (!depot_str_eq(mode, "host") && !depot_str_eq(mode, "none") &&
        !depot_str_eq(mode, "sandbox")) {
        depot_error_set(
            err, DEPOT_ERR_UNSUPPORTED, "network mode \"%s\" is not supported by BuildKit", mode);
        return depot_error_hint(err, "use default, host or none");
    }
    depot_kvs_set(&p->attrs, "force-network-mode", mode);
    if (depot_str_eq(mode, "host") && !depot_strv_has(&p->entitlements, "network.host"))
        depot_strv_push(&p->entitlements, "network.host");
    return 0;
}

/* "64m" to bytes. */
static int shm_size(struct depot_build_plan *p, struct depot_error *err)
{
    const char *s = p->args->shm_size;
    if (depot_str_empty(s))
        return 0;
    char *end = NULL;
    errno = 0;
    double v = strtod(s, &end);
    static const char units[] = "bkmgt";
    int64_t factor = 1;
    const char *unit = *end != '\0' ? strchr(units, *end | 0x20) : units;
    for (const char *u = units; unit != NULL && u < unit; u++)
        factor *= 1024;
    bool tail_ok = unit != NULL && (*end == '\0' || end[1] == '\0' || depot_str_eq(end + 1, "b") ||
                                       depot_str_eq(end + 1, "B"));
    if (end == s || errno != 0 || !tail_ok || v < 0 || v > 1e15)
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "invalid --shm-size \"%s\": expected e.g. 64m", s);
    char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)(v * (double)factor));
    depot_kvs_set(&p->attrs, "shm-size", text);
    return 0;
}

static int cache_entry(
    const char *flag, const char *spec, struct depot_output *out, struct depot_error *err)
{
    if (strchr(spec, '=') == NULL && strchr(spec, ',') == NULL) {
        out->type = depot_strdup("registry");
        depot_kvs_set(&out->attrs, "ref", spec);
        return 0;
    }
    int rc = dp_csv_fields(flag, spec, &out->attrs, err);
    const char *type = depot_kvs_get(&out->attrs, "type");
    if (rc == 0 && depot_str_empty(type))
        rc = depot_error_set(err, DEPOT_ERR_INVALID, "%s \"%s\": type is missing", flag, spec);
    if (rc == 0 && depot_str_eq(type, "local")) {
        depot_error_set(err, DEPOT_ERR_UNSUPPORTED, "%s type=local is not supported", flag);
        rc = depot_error_hint(
            err, "the builders keep their cache; use type=registry to copy it elsewhere");
    }
    if (rc == 0) {
        out->type = depot_strdup(type);
        depot_kvs_unset(&out->attrs, "type");
    }
    return rc;
}

static void cache_entry_release(struct depot_output *e)
{
    depot_free(e->type);
    depot_kvs_release(&e->attrs);
}

/* Imports count only as a frontend attribute: a JSON array. */
static int cache_from(struct depot_build_plan *p, struct depot_error *err)
{
    struct json_object *list = json_object_new_array();
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->args->cache_from.len; i++) {
        struct depot_output e = {0};
        rc = cache_entry("--cache-from", p->args->cache_from.items[i], &e, err);
        if (rc == 0 && dp_cache_from_env(&e)) {
            struct json_object *o = json_object_new_object(), *attrs = json_object_new_object();
            for (size_t j = 0; j < e.attrs.len; j++)
                json_object_object_add(
                    attrs, e.attrs.items[j].key, json_object_new_string(e.attrs.items[j].value));
            json_object_object_add(o, "Type", json_object_new_string(e.type));
            json_object_object_add(o, "Attrs", attrs);
            json_object_array_add(list, o);
        }
        cache_entry_release(&e);
    }
    if (rc == 0 && json_object_array_length(list) > 0)
        depot_kvs_set(&p->attrs, "cache-imports",
            json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN));
    json_object_put(list);
    return rc;
}

static int cache_to(struct depot_build_plan *p, struct depot_error *err)
{
    for (size_t i = 0; i < p->args->cache_to.len; i++) {
        struct depot_output e = {0};
        int rc = cache_entry("--cache-to", p->args->cache_to.items[i], &e, err);
        if (rc != 0 || !dp_cache_from_env(&e)) {
            cache_entry_release(&e);
            if (rc != 0)
                return rc;
            continue;
        }
        depot_vec_push(&p->cache_exports, e);
    }
    if (depot_str_eq(depot_kvs_get(&p->attrs, "build-arg:BUILDKIT_INLINE_CACHE"), "1")) {
        struct depot_output e = {.type = depot_strdup("inline")};
        depot_vec_push(&p->cache_exports, e);
    }
    return 0;
}

/* --attest "type=sbom,generator=x" becomes attest:sbom=generator=x; the short flags likewise. */
static int attest(struct depot_build_plan *p, const char *spec, struct depot_error *err)
{
    struct depot_kvs fields = {0};
    int rc = dp_csv_fields("--attest", spec, &fields, err);
    const char *type = depot_kvs_get(&fields, "type");
    if (rc == 0 && depot_str_empty(type))
        rc = depot_error_set(err, DEPOT_ERR_INVALID, "--attest \"%s\": type is missing", spec);
    if (rc == 0 && !depot_str_eq(depot_kvs_get(&fields, "disabled"), "true")) {
        struct depot_buf value = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        for (size_t i = 0; i < fields.len; i++)
            if (!depot_str_eq(fields.items[i].key, "type"))
                depot_buf_addf(&value, "%s%s=%s", value.len > 0 ? "," : "", fields.items[i].key,
                    fields.items[i].value);
        set_attr(p, "attest:", type, depot_buf_str(&value));
        depot_buf_release(&value);
    }
    depot_kvs_release(&fields);
    return rc;
}

static int attest_short(
    struct depot_build_plan *p, const char *type, const char *value, struct depot_error *err)
{
    if (depot_str_empty(value) || depot_str_eq(value, "false"))
        return 0;
    char *spec = depot_str_eq(value, "true") ? depot_asprintf("type=%s", type)
                                             : depot_asprintf("type=%s,%s", type, value);
    int rc = attest(p, spec, err);
    depot_free(spec);
    return rc;
}

static void plain_attrs(struct depot_build_plan *p)
{
    const struct depot_build_args *a = p->args;
    if (!depot_str_empty(a->target))
        depot_kvs_set(&p->attrs, "target", a->target);
    if (a->pull)
        depot_kvs_set(&p->attrs, "image-resolve-mode", "pull");
    if (a->no_cache)
        depot_kvs_set(&p->attrs, "no-cache", "");
    if (a->no_cache_filter.len > 0) {
        char *stages = depot_strv_join(&a->no_cache_filter, ",");
        depot_kvs_set(&p->attrs, "no-cache", stages);
        depot_free(stages);
    }
    if (a->ulimits.len > 0) {
        char *limits = depot_strv_join(&a->ulimits, ",");
        depot_kvs_set(&p->attrs, "ulimit", limits);
        depot_free(limits);
    }
    if (!depot_str_empty(a->cgroup_parent))
        depot_kvs_set(&p->attrs, "cgroup-parent", a->cgroup_parent);
}

int dp_plan_attrs(struct depot_build_plan *p, struct depot_error *err)
{
    const struct depot_build_args *a = p->args;
    int rc = 0;
    if (a->no_cache && a->no_cache_filter.len > 0)
        return depot_error_set(err, DEPOT_ERR_INVALID,
            "--no-cache and --no-cache-filter cannot currently be used together");
    depot_strv_copy(&p->entitlements, &a->allow);
    for (size_t i = 0; rc == 0 && i < a->build_args.len; i++)
        rc = build_arg(p, a->build_args.items[i], err);
    for (size_t i = 0; rc == 0 && i < a->labels.len; i++)
        rc = label(p, a->labels.items[i], err);
    for (size_t i = 0; rc == 0 && i < a->attests.len; i++)
        rc = attest(p, a->attests.items[i], err);
    if (rc == 0)
        rc = attest_short(p, "sbom", a->sbom, err);
    if (rc == 0)
        rc = attest_short(p, "provenance", a->provenance, err);
    if (rc == 0)
        rc = add_hosts(p, err);
    if (rc == 0)
        rc = network(p, err);
    if (rc == 0)
        rc = shm_size(p, err);
    if (rc == 0)
        rc = cache_from(p, err);
    if (rc == 0)
        rc = cache_to(p, err);
    if (rc == 0)
        rc = dp_plan_resources(p, err);
    if (rc == 0)
        rc = dp_plan_default_provenance(p, err);
    plain_attrs(p);
    dp_plan_git(p);
    return rc == 0 ? dp_plan_env(p, err) : rc;
}

static int one_secret(struct depot_build_plan *p, const char *spec, struct depot_error *err)
{
    struct depot_kvs f = {0};
    int rc = dp_csv_fields("--secret", spec, &f, err);
    const char *id = depot_kvs_get(&f, "id");
    const char *src = depot_kvs_get(&f, "src");
    const char *env = depot_kvs_get(&f, "env");
    if (src == NULL)
        src = depot_kvs_get(&f, "source");
    if (depot_str_empty(id))
        id = src;
    if (rc == 0 && depot_str_empty(id))
        rc = depot_error_set(err, DEPOT_ERR_INVALID, "--secret \"%s\": id is missing", spec);
    if (rc == 0 && src == NULL && env == NULL) {
        bool from_env = !depot_str_eq(depot_kvs_get(&f, "type"), "file") && getenv(id) != NULL;
        *(from_env ? &env : &src) = id;
    }
    if (rc == 0 && env == NULL && depot_str_eq(depot_kvs_get(&f, "type"), "env")) {
        env = src;
        src = NULL;
    }
    if (rc == 0 && src != NULL && access(src, R_OK) != 0)
        rc = depot_error_errno(err, errno, "cannot read secret \"%s\" from %s", id, src);
    if (rc == 0) {
        struct dp_session_secret s = {
            .id = depot_strdup(id), .file = depot_strdup(src), .env = depot_strdup(env)};
        depot_vec_push(&p->secrets, s);
    }
    depot_kvs_release(&f);
    return rc;
}

/* "default", "id", "id=socket" */
static int one_ssh(struct depot_build_plan *p, const char *spec, struct depot_error *err)
{
    const char *eq = strchr(spec, '=');
    const char *socket = eq != NULL ? eq + 1 : getenv("SSH_AUTH_SOCK");
    char *id = eq != NULL ? depot_strndup(spec, (size_t)(eq - spec)) : depot_strdup(spec);
    int rc = 0;
    if (depot_str_empty(socket)) {
        depot_error_set(err, DEPOT_ERR_INVALID, "--ssh %s: there is no agent", spec);
        rc = depot_error_hint(err, "start ssh-agent, or give its socket: --ssh %s=SOCKET", id);
    } else {
        depot_kvs_set(&p->ssh, id, socket);
    }
    depot_free(id);
    return rc;
}

int dp_plan_secrets(struct depot_build_plan *p, struct depot_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->args->secrets.len; i++)
        rc = one_secret(p, p->args->secrets.items[i], err);
    for (size_t i = 0; rc == 0 && i < p->args->ssh.len; i++)
        rc = one_ssh(p, p->args->ssh.items[i], err);
    return rc;
}
