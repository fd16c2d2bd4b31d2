/*
 * What cache backends take from the environment of the client: a token on GitHub, keys of AWS. They
 * go to the engine inside the request and nowhere else: no event, log or file has them.
 */
#include "build/aws.h"
#include "build/plan_env.h"

#include <depot/path.h>

#include <stdlib.h>

enum { AWS_FILE_MAX = 1024 * 1024 };

/* The first of the variables that is set, when the attribute was not given. */
static void take(struct depot_output *c, const char *attr, const char *const variables[])
{
    for (size_t i = 0; variables[i] != NULL && depot_kvs_get(&c->attrs, attr) == NULL; i++)
        if (getenv(variables[i]) != NULL)
            depot_kvs_set(&c->attrs, attr, getenv(variables[i]));
}

/* ---- GitHub Actions ---- */

static bool is_service_v2(const struct depot_output *c)
{
    const char *version = depot_kvs_get(&c->attrs, "version");
    const char *word = getenv("ACTIONS_CACHE_SERVICE_V2");
    bool on = false;
    if (version != NULL)
        return depot_str_eq(version, "2");
    return word != NULL && depot_str_to_bool(word, &on) == 0 && on;
}

/* Without token and address we are not on GitHub. */
static bool github(struct depot_output *c)
{
    static const char *const token[] = {"ACTIONS_RUNTIME_TOKEN", NULL};
    static const char *const url[] = {"ACTIONS_CACHE_URL", "ACTIONS_RESULTS_URL", NULL};
    static const char *const url_v2[] = {"ACTIONS_RESULTS_URL", NULL};
    take(c, "token", token);
    if (is_service_v2(c))
        take(c, "url_v2", url_v2);
    take(c, "url", url);
    return !depot_str_empty(depot_kvs_get(&c->attrs, "token")) &&
           (!depot_str_empty(depot_kvs_get(&c->attrs, "url")) ||
               !depot_str_empty(depot_kvs_get(&c->attrs, "url_v2")));
}

/* ---- AWS ---- */

static char *env_of(const char *name, const char *older)
{
    const char *value = getenv(name);
    if (depot_str_empty(value) && older != NULL)
        value = getenv(older);
    return depot_str_empty(value) ? NULL : depot_strdup(value);
}

static void read_file(struct dp_aws_keys *k)
{
    const char *file = getenv("AWS_SHARED_CREDENTIALS_FILE"), *profile = getenv("AWS_PROFILE");
    const char *home = getenv("HOME");
    char *path = depot_str_empty(file)
                     ? depot_asprintf("%s/.aws/credentials", home != NULL ? home : "")
                     : depot_strdup(file);
    char *text = NULL;
    size_t n = 0;
    if (depot_file_read(path, AWS_FILE_MAX, &text, &n, NULL) == 0)
        dp_aws_profile(k, text, depot_str_empty(profile) ? "default" : profile);
    depot_free(text);
    depot_free(path);
}

/* Both keys of the environment, or else those of the profile; half a pair is of no use. */
static bool find_keys(struct dp_aws_keys *k)
{
    k->id = env_of("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY");
    k->secret = env_of("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY");
    k->session = env_of("AWS_SESSION_TOKEN", NULL);
    if (k->id == NULL || k->secret == NULL) {
        dp_aws_keys_release(k);
        read_file(k);
    }
    return k->id != NULL && k->secret != NULL;
}

static void set_missing(struct depot_output *c, const char *attr, const char *value)
{
    if (!depot_str_empty(value) && depot_kvs_get(&c->attrs, attr) == NULL)
        depot_kvs_set(&c->attrs, attr, value);
}

static void aws(struct depot_output *c)
{
    struct dp_aws_keys k = {0};
    /* A session token belongs to its keys: given keys are complete. */
    if (depot_kvs_get(&c->attrs, "access_key_id") != NULL &&
        depot_kvs_get(&c->attrs, "secret_access_key") != NULL)
        return;
    if (find_keys(&k)) {
        set_missing(c, "access_key_id", k.id);
        set_missing(c, "secret_access_key", k.secret);
        set_missing(c, "session_token", k.session);
    }
    dp_aws_keys_release(&k);
}

bool dp_cache_from_env(struct depot_output *cache)
{
    if (depot_str_eq(cache->type, "gha"))
        return github(cache);
    if (depot_str_eq(cache->type, "s3"))
        aws(cache);
    return true;
}
