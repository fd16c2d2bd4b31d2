/*
 * Policies decide what a build may use. Those that engines know are sent to them; those in Rego are
 * not evaluated here, so a build that has one is refused: a gate that nobody closes is worse than
 * none.
 */
#include "build/plan_env.h"

#include <depot/path.h>

#include <stdlib.h>
#include <sys/stat.h>

#include "build/source_policy.h"

#define OFF "--policy disabled=true"

static const char *const policy_keys[] = {"filename", "reset", "disabled", "strict", "log-level"};

static int check_key(const char *spec, const char *key, struct depot_error *err)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(policy_keys); i++)
        if (depot_str_eq(policy_keys[i], key))
            return 0;
    return dp_spec_refuse(err, "--policy", spec, "unknown key \"%.50s\"", key);
}

/* `disabled` is the only thing that can be said of a policy and be kept. */
static int read_flag(const char *spec, bool *disabled, struct depot_error *err)
{
    struct depot_kvs fields = {0};
    int rc = dp_csv_fields("--policy", spec, &fields, err);
    for (size_t i = 0; rc == 0 && i < fields.len; i++)
        rc = check_key(spec, fields.items[i].key, err);
    const char *word = depot_kvs_get(&fields, "disabled");
    *disabled = false;
    if (rc == 0 && word != NULL && depot_str_to_bool(word, disabled) != 0)
        rc = dp_spec_refuse(err, "--policy", spec, "disabled is true or false");
    if (rc == 0 && *disabled && fields.len > 1)
        rc = dp_spec_refuse(err, "--policy", spec, "disabled=true stands alone");
    depot_kvs_release(&fields);
    return rc;
}

static int refuse(struct depot_error *err, const char *what)
{
    depot_error_set(err, DEPOT_ERR_UNSUPPORTED,
        "%s: depot evaluates no policies in Rego, so it does not build what has one", what);
    return depot_error_hint(err, "build with docker buildx, or give up the policy with " OFF);
}

/* The policy that buildx enforces without being told: the Dockerfile's name and ".rego". */
static int beside_dockerfile(const struct depot_build_plan *p, struct depot_error *err)
{
    const char *name = depot_kvs_get(&p->attrs, "filename");
    struct stat st;
    int rc = 0;
    for (size_t i = 0; i < p->dirs.len; i++) {
        if (!depot_str_eq(p->dirs.items[i].name, "dockerfile"))
            continue;
        char *path =
            depot_asprintf("%s/%s.rego", p->dirs.items[i].path, name != NULL ? name : "Dockerfile");
        if (lstat(path, &st) == 0)
            rc = refuse(err, path);
        depot_free(path);
    }
    return rc;
}

/* What is in a context that the engine fetches, the builder has to find out. */
static void within_remote(struct depot_build_plan *p)
{
    const char *name = depot_kvs_get(&p->attrs, "filename");
    if (p->context_kind == DP_CONTEXT_REMOTE && depot_kvs_get(&p->attrs, "dockerfilekey") == NULL)
        p->policy_file = depot_asprintf("%s.rego", name != NULL ? name : "Dockerfile");
}

/* The rules in a file, for the engines. */
static int source_policy(struct depot_build_plan *p, const char *path, struct depot_error *err)
{
    struct depot_buf message = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char *text = NULL;
    size_t n = 0;
    int rc = depot_file_read(path, DP_SOURCE_POLICY_MAX, &text, &n, err);
    if (rc == 0) {
        rc = dp_source_policy_encode(text, n, &message, err);
        if (rc != 0)
            depot_error_prefix(err, "source policy %s", path);
    }
    if (rc == 0) {
        p->source_policy = depot_alloc(depot_base64_encoded_len(message.len) + 1);
        depot_base64_encode(p->source_policy, depot_buf_str(&message), message.len);
    } else {
        depot_error_hint(err, "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY names a file of rules in JSON");
    }
    depot_buf_release(&message);
    depot_free(text);
    return rc;
}

int dp_plan_policy(struct depot_build_plan *p, struct depot_error *err)
{
    const struct depot_strv *flags = &p->args->policies;
    bool disabled = false, builtin = false;
    const char *rules = getenv("EXPERIMENTAL_BUILDKIT_SOURCE_POLICY");
    int rc = depot_str_empty(rules) ? 0 : source_policy(p, rules, err);
    for (size_t i = 0; rc == 0 && i < flags->len; i++)
        rc = read_flag(flags->items[i], &disabled, err);
    if (rc == 0 && flags->len > 0 && !(disabled && flags->len == 1))
        return refuse(err, "--policy");
    if (rc == 0)
        rc = dp_env_bool("BUILDX_DEFAULT_POLICY", false, &builtin, err);
    if (rc != 0 || disabled)
        return rc;
    within_remote(p);
    return builtin ? refuse(err, "BUILDX_DEFAULT_POLICY is set") : beside_dockerfile(p, err);
}
