/*
 * Reading Docker's context store. No I/O.
 */
#include "docker/context.h"

#include <depot/digest.h>

#include <json-c/json.h>
#include <string.h>

#include "docker/docker.h"

enum { DEPTH_MAX = 16 };

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

bool dp_context_name_valid(const char *name)
{
    const size_t n = strlen(name);
    return n >= 2 && n <= DP_CONTEXT_NAME_MAX && strchr(ALNUM, name[0]) != NULL &&
           strspn(name, ALNUM "_.+-") == n;
}

char *dp_context_dir(const char *kind, const char *name)
{
    char digest[DEPOT_DIGEST_LEN + 1];
    depot_digest_of(name, strlen(name), digest);
    return depot_asprintf("contexts/%s/%s", kind, strchr(digest, ':') + 1);
}

static struct json_object *parse(const char *json, size_t n)
{
    struct json_object *o = NULL;
    if (n > DP_CONTEXT_FILE_MAX)
        return NULL;
    struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
    o = json_tokener_parse_ex(tok, json, (int)n);
    if (!json_object_is_type(o, json_type_object)) {
        json_object_put(o);
        o = NULL;
    }
    json_tokener_free(tok);
    return o;
}

int dp_context_current(const char *json, size_t n, char **out, struct depot_error *err)
{
    *out = NULL;
    if (n == 0)
        return 0;
    struct json_object *root = parse(json, n);
    if (root == NULL)
        return depot_error_set(err, DEPOT_ERR_INVALID, "not a JSON object");
    const char *name = dp_docker_string(root, "currentContext");
    if (*name != '\0')
        *out = depot_strdup(name);
    json_object_put(root);
    return 0;
}

int dp_context_parse(const char *json, size_t n, struct dp_context *out, struct depot_error *err)
{
    *out = (struct dp_context){0};
    struct json_object *root = parse(json, n);
    if (root == NULL)
        return depot_error_set(err, DEPOT_ERR_INVALID, "not a JSON object");
    struct json_object *docker = dp_docker_member(dp_docker_member(root, "Endpoints"), "docker");
    const char *host = dp_docker_string(docker, "Host");
    int rc = 0;
    if (docker == NULL)
        rc = depot_error_set(err, DEPOT_ERR_INVALID, "it names no Docker Engine");
    else
        *out = (struct dp_context){.host = depot_strdup(host),
            .skip_verify = json_object_get_boolean(dp_docker_member(docker, "SkipTLSVerify"))};
    json_object_put(root);
    return rc;
}

void dp_context_release(struct dp_context *c)
{
    depot_free(c->host);
    *c = (struct dp_context){0};
}
