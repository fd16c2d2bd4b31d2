/*
 * What docker's client adds to a build from its own machine: the proxies of Docker's config.json,
 * SOURCE_DATE_EPOCH, and the build arguments that mean something to the client itself.
 */
#include "build/plan.h"

#include <depot/path.h>

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "build/plan_env.h"
#include "session/docker_config.h"

int dp_env_bool(const char *name, bool unset, bool *out, struct depot_error *err)
{
    const char *value = getenv(name);
    *out = unset;
    if (depot_str_empty(value) || depot_str_to_bool(value, out) == 0)
        return 0;
    depot_error_set(err, DEPOT_ERR_INVALID, "%s is \"%.64s\"", name, value);
    return depot_error_hint(err, "it is a switch: set it to true or false, or unset it");
}

/* Arguments are compared as engines compare those of proxies: in capitals or not. */
static bool has_arg(const struct depot_build_plan *p, const char *name)
{
    static const char prefix[] = "build-arg:";
    for (size_t i = 0; i < p->attrs.len; i++)
        if (depot_str_starts(p->attrs.items[i].key, prefix) &&
            strcasecmp(p->attrs.items[i].key + sizeof(prefix) - 1, name) == 0)
            return true;
    return false;
}

static void add_arg(struct depot_build_plan *p, const char *name, const char *value)
{
    char *key = depot_asprintf("build-arg:%s", name);
    depot_kvs_set(&p->attrs, key, value);
    depot_free(key);
}

/* The name under which config.json keeps the proxies of one engine. */
static const char *docker_host(void)
{
    const char *host = getenv("DOCKER_HOST");
    return depot_str_empty(host) ? "unix:///var/run/docker.sock" : host;
}

/* A file that cannot be read or understood stops nothing, as with docker, but it is told. */
static void proxies(struct depot_build_plan *p)
{
    char *path = dp_docker_config_path(p->args->docker_config), *text = NULL;
    struct depot_kvs found = {0};
    struct depot_error err = {0};
    size_t n = 0;
    int rc = depot_file_read(path, DP_DOCKER_CONFIG_MAX, &text, &n, &err);
    if (rc == 0)
        rc = dp_docker_config_proxies(text, n, docker_host(), &found, &err);
    if (rc != 0 && rc != DEPOT_ERR_NOT_FOUND)
        depot_strv_push_take(
            &p->warnings, depot_asprintf("no proxies are taken from %s: %s", path, err.msg));
    for (size_t i = 0; i < found.len; i++)
        if (!has_arg(p, found.items[i].key))
            add_arg(p, found.items[i].key, found.items[i].value);
    depot_kvs_release(&found);
    depot_free(text);
    depot_free(path);
}

static void epoch(struct depot_build_plan *p)
{
    const char *value = getenv("SOURCE_DATE_EPOCH");
    if (!depot_str_empty(value) && depot_kvs_get(&p->attrs, "build-arg:SOURCE_DATE_EPOCH") == NULL)
        add_arg(p, "SOURCE_DATE_EPOCH", value);
}

/* BUILDKIT_SYNTAX names another frontend image, with arguments of its own behind it; then the
 * gateway runs it. */
static int frontend(struct depot_build_plan *p, struct depot_error *err)
{
    const char *cmdline = depot_kvs_get(&p->attrs, "build-arg:BUILDKIT_SYNTAX");
    if (cmdline == NULL) {
        p->frontend = depot_strdup("dockerfile.v0");
        return 0;
    }
    while (isspace((unsigned char)*cmdline))
        cmdline++;
    if (*cmdline == '\0') {
        depot_error_set(err, DEPOT_ERR_INVALID, "--build-arg BUILDKIT_SYNTAX is empty");
        return depot_error_hint(err, "give it a frontend's image, or leave out the \"=\": then it "
                                     "counts only where the environment has it");
    }
    char *whole = depot_strdup(cmdline), *image = depot_strndup(cmdline, strcspn(cmdline, " \t"));
    p->frontend = depot_strdup("gateway.v0");
    depot_kvs_set(&p->attrs, "cmdline", whole);
    depot_kvs_set(&p->attrs, "source", image);
    depot_free(image);
    depot_free(whole);
    return 0;
}

static void multi_platform(struct depot_build_plan *p)
{
    const char *value = depot_kvs_get(&p->attrs, "build-arg:BUILDKIT_MULTI_PLATFORM");
    bool on = false;
    if (value != NULL && depot_str_to_bool(value, &on) == 0 && on)
        depot_kvs_set(&p->attrs, "multi-platform", "true");
}

const char *dp_plan_builder(const struct depot_build_plan *p)
{
    return depot_str_empty(p->args->builder) ? getenv("BUILDX_BUILDER") : p->args->builder;
}

int dp_plan_env(struct depot_build_plan *p, struct depot_error *err)
{
    epoch(p);
    proxies(p);
    multi_platform(p);
    return frontend(p, err);
}

/* Attestations need OCI's media types: who asked for the others did not ask for provenance. */
static void leave_out_provenance(struct depot_build_plan *p)
{
    bool oci = true;
    for (size_t i = 0; i < p->outputs.len; i++) {
        const char *word = depot_kvs_get(&p->outputs.items[i].attrs, "oci-mediatypes");
        if (word != NULL && depot_str_to_bool(word, &oci) == 0 && !oci && !dp_plan_attests(p))
            depot_kvs_unset(&p->attrs, "attest:provenance");
    }
}

/* Images and archives of images say of themselves that they are artifacts, unless told not to. */
int dp_plan_output_env(struct depot_build_plan *p, struct depot_error *err)
{
    bool off;
    int rc = dp_env_bool("BUILDX_NO_DEFAULT_OCI_ARTIFACT", false, &off, err);
    leave_out_provenance(p);
    for (size_t i = 0; rc == 0 && off && i < p->outputs.len; i++) {
        struct depot_output *o = &p->outputs.items[i];
        if ((depot_str_eq(o->type, "image") || depot_str_eq(o->type, "oci")) &&
            depot_kvs_get(&o->attrs, "oci-artifact") == NULL)
            depot_kvs_set(&o->attrs, "oci-artifact", "false");
    }
    return rc;
}
