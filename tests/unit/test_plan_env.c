/*
 * What a plan takes from the environment and the machine, as rows: variables and flags, and the
 * attributes that come of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <depot/buf.h>
#include <depot/path.h>

#include "build/plan_env.h"
#include "build/provenance.h"
#include "build/source_policy.h"

static char dir[] = "/tmp/depot-plan-XXXXXX";

static void write_file(const char *name, const char *text)
{
    struct depot_error err = {0};
    char *path = depot_path_join(dir, name);
    char *parent = depot_strndup(path, (size_t)(strrchr(path, '/') - path));
    assert_int_equal(depot_path_mkdirs(parent, 0755, &err), 0);
    FILE *f = fopen(path, "w");
    assert_true(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
    depot_free(parent);
    depot_free(path);
}

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    write_file("ctx/Dockerfile", "FROM scratch\nCOPY Dockerfile /\n");
    write_file("docker/config.json",
        "{\"proxies\":{\"default\":{\"httpProxy\":\"http://d\",\"noProxy\":\"n\"},"
        "\"tcp://one\":{\"httpsProxy\":\"http://s\",\"allProxy\":\"http://a\"}}}");
    write_file("broken/config.json", "{\"proxies\":");
    write_file("aws", "[default]\naws_access_key_id=ID\n aws_secret_access_key = S \n\n"
                      "[p]\naws_access_key_id = PID\naws_secret_access_key=PS\n"
                      "aws_session_token=PT\n[half]\naws_access_key_id=H\n");
    setenv("HOME", dir, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char *command = depot_asprintf("rm -rf %s", dir);
    int rc = system(command);
    depot_free(command);
    return rc;
}

/* "K=V K=V": set in the environment for the time of a plan. */
static void each(const char *env, bool set)
{
    struct depot_strv pairs = {0};
    depot_strv_split(&pairs, env, ' ');
    for (size_t i = 0; i < pairs.len; i++) {
        char *eq = strchr(pairs.items[i], '=');
        *eq = '\0';
        char *value = depot_asprintf("%s%s", eq[1] == '/' ? dir : "", eq + 1);
        if (set)
            setenv(pairs.items[i], value, 1);
        else
            unsetenv(pairs.items[i]);
        depot_free(value);
    }
    depot_strv_release(&pairs);
}

static struct depot_build_args args_of(void)
{
    struct depot_build_args a = {0};
    a.context = depot_asprintf("%s/ctx", dir);
    a.project = depot_strdup("p");
    return a;
}

static void release_args(struct depot_build_args *a)
{
    depot_free(a->context);
    depot_free(a->project);
    depot_free(a->memory);
    depot_strv_release(&a->build_args);
    depot_strv_release(&a->cache_from);
    depot_strv_release(&a->cache_to);
    depot_strv_release(&a->attests);
    depot_strv_release(&a->resources);
    depot_strv_release(&a->policies);
    depot_strv_release(&a->outputs);
}

/* The value at `key`: of an attribute, of the first cache export behind "to:", of the first output
 * behind "out:". */
static const char *value_at(const struct depot_build_plan *p, const char *key)
{
    if (depot_str_starts(key, "to:"))
        return p->cache_exports.len > 0 ? depot_kvs_get(&p->cache_exports.items[0].attrs, key + 3)
                                        : NULL;
    if (depot_str_starts(key, "out:"))
        return p->outputs.len > 0 ? depot_kvs_get(&p->outputs.items[0].attrs, key + 4) : NULL;
    if (depot_str_eq(key, "frontend"))
        return p->frontend;
    return depot_kvs_get(&p->attrs, key);
}

static void test_attributes__of_variables_and_flags(void **state)
{
    static const struct {
        const char *env, *arg, *to, *attest, *key, *value;
    } rows[] = {
        {"SOURCE_DATE_EPOCH=7", 0, 0, 0, "build-arg:SOURCE_DATE_EPOCH", "7"},
        {"SOURCE_DATE_EPOCH=7", "SOURCE_DATE_EPOCH=8", 0, 0, "build-arg:SOURCE_DATE_EPOCH", "8"},
        {"SOURCE_DATE_EPOCH=", 0, 0, 0, "build-arg:SOURCE_DATE_EPOCH", NULL},
        {"DOCKER_CONFIG=/docker", 0, 0, 0, "build-arg:HTTP_PROXY", "http://d"},
        {"DOCKER_CONFIG=/docker", 0, 0, 0, "build-arg:NO_PROXY", "n"},
        {"DOCKER_CONFIG=/docker", "http_proxy=", 0, 0, "build-arg:HTTP_PROXY", NULL},
        {"DOCKER_CONFIG=/docker DOCKER_HOST=tcp://one", 0, 0, 0, "build-arg:HTTP_PROXY", NULL},
        {"DOCKER_CONFIG=/docker DOCKER_HOST=tcp://one", 0, 0, 0, "build-arg:ALL_PROXY", "http://a"},
        {"DOCKER_CONFIG=/broken", 0, 0, 0, "build-arg:HTTP_PROXY", NULL},
        {"", 0, 0, 0, "frontend", "dockerfile.v0"},
        {"", "BUILDKIT_SYNTAX= a/b:1 x=y", 0, 0, "frontend", "gateway.v0"},
        {"", "BUILDKIT_SYNTAX= a/b:1 x=y", 0, 0, "source", "a/b:1"},
        {"", "BUILDKIT_SYNTAX", 0, 0, "frontend", "dockerfile.v0"},
        {"BUILDKIT_SYNTAX=a/b:1", "BUILDKIT_SYNTAX", 0, 0, "source", "a/b:1"},
        {"", "BUILDKIT_MULTI_PLATFORM=t", 0, 0, "multi-platform", "true"},
        {"", 0, 0, 0, "attest:provenance", "mode=min,inline-only=true"},
        {"BUILDX_NO_DEFAULT_ATTESTATIONS=1", 0, 0, 0, "attest:provenance", NULL},
        {"BUILDX_NO_DEFAULT_ATTESTATIONS=", 0, 0, 0, "attest:provenance",
            "mode=min,inline-only=true"},
        {"", 0, 0, "type=provenance,disabled=true", "attest:provenance", NULL},
        {"", 0, 0, "type=sbom", "attest:provenance", "mode=min,inline-only=true"},
        {"BUILDX_NO_DEFAULT_OCI_ARTIFACT=true", 0, 0, 0, "out:oci-artifact", "false"},
        {"", 0, 0, 0, "out:oci-artifact", NULL},
        {"ACTIONS_RUNTIME_TOKEN=t ACTIONS_CACHE_URL=u", 0, "type=gha", 0, "to:token", "t"},
        {"ACTIONS_RUNTIME_TOKEN=t ACTIONS_CACHE_URL=u", 0, "type=gha", 0, "to:url", "u"},
        {"ACTIONS_RUNTIME_TOKEN=t ACTIONS_RESULTS_URL=r", 0, "type=gha", 0, "to:url", "r"},
        {"ACTIONS_RUNTIME_TOKEN=t ACTIONS_RESULTS_URL=r", 0, "type=gha", 0, "to:url_v2", NULL},
        {"ACTIONS_RUNTIME_TOKEN=t ACTIONS_RESULTS_URL=r ACTIONS_CACHE_SERVICE_V2=True", 0,
            "type=gha", 0, "to:url_v2", "r"},
        {"ACTIONS_RUNTIME_TOKEN=t ACTIONS_RESULTS_URL=r", 0, "type=gha,version=2", 0, "to:url_v2",
            "r"},
        {"ACTIONS_CACHE_URL=u", 0, "type=gha", 0, "to:url", NULL}, /* left out */
        {"ACTIONS_RUNTIME_TOKEN=t", 0, "type=gha", 0, "to:token", NULL},
        {"AWS_ACCESS_KEY_ID=i AWS_SECRET_ACCESS_KEY=s AWS_SESSION_TOKEN=t", 0, "type=s3", 0,
            "to:session_token", "t"},
        {"AWS_ACCESS_KEY_ID=i AWS_SECRET_ACCESS_KEY=s AWS_SESSION_TOKEN=t", 0,
            "type=s3,access_key_id=a,secret_access_key=b", 0, "to:session_token", NULL},
        {"AWS_SHARED_CREDENTIALS_FILE=/aws", 0, "type=s3", 0, "to:access_key_id", "ID"},
        {"AWS_SHARED_CREDENTIALS_FILE=/aws", 0, "type=s3", 0, "to:secret_access_key", "S"},
        {"AWS_SHARED_CREDENTIALS_FILE=/aws AWS_PROFILE=p", 0, "type=s3", 0, "to:session_token",
            "PT"},
        {"AWS_SHARED_CREDENTIALS_FILE=/aws AWS_PROFILE=half", 0, "type=s3", 0, "to:access_key_id",
            NULL},
        {"", 0, "type=azblob,name=n", 0, "to:name", "n"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_build_args a = args_of();
        struct depot_build_plan *p = NULL;
        struct depot_error err = {0};
        if (rows[i].arg != NULL)
            depot_strv_push(&a.build_args, rows[i].arg);
        if (rows[i].to != NULL)
            depot_strv_push(&a.cache_to, rows[i].to);
        if (rows[i].attest != NULL)
            depot_strv_push(&a.attests, rows[i].attest);
        depot_strv_push(&a.outputs, "type=image");
        each(rows[i].env, true);
        int rc = depot_build_plan_new(&a, &p, &err);
        each(rows[i].env, false);
        if (rc != 0)
            fail_msg("row %zu: %s", i, err.msg);
        const char *value = value_at(p, rows[i].key);
        if (!depot_str_eq(value, rows[i].value))
            fail_msg("row %zu: %s is %s", i, rows[i].key, value != NULL ? value : "not set");
        depot_build_plan_free(p);
        release_args(&a);
    }
}

static void test_refusals__name_the_cause(void **state)
{
    static const struct {
        const char *env, *arg, *resource, *policy, *says;
    } rows[] = {
        {"", "BUILDKIT_SYNTAX=", 0, 0, "BUILDKIT_SYNTAX is empty"},
        {"", "BUILDKIT_SYNTAX=  ", 0, 0, "BUILDKIT_SYNTAX is empty"},
        {"BUILDX_NO_DEFAULT_ATTESTATIONS=perhaps", 0, 0, 0, "BUILDX_NO_DEFAULT_ATTESTATIONS"},
        {"BUILDX_NO_DEFAULT_OCI_ARTIFACT=2", 0, 0, 0, "BUILDX_NO_DEFAULT_OCI_ARTIFACT"},
        {"BUILDX_DEFAULT_POLICY=true", 0, 0, 0, "BUILDX_DEFAULT_POLICY"},
        {"EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=/none", 0, 0, 0, "/none"},
        {"EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=/aws", 0, 0, 0, "it is not a JSON object"},
        {"EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=/docker/config.json", 0, 0, 0,
            "unknown member \"proxies\""},
        {"", 0, 0, "filename=x", "--policy"},
        {"", 0, 0, "reset=true", "--policy"},
        {"", 0, 0, "disabled=false", "--policy"},
        {"", 0, 0, "disabled=no", "disabled is true or false"},
        {"", 0, 0, "disabled=true,filename=x", "stands alone"},
        {"", 0, 0, "file=x", "unknown key \"file\""},
        {"", 0, "memory", 0, "invalid --resource \"memory\""},
        {"", 0, "ram=1", 0, "invalid --resource \"ram=1\""},
        {"", 0, "memory=1q", 0, "invalid --resource memory \"1q\""},
        {"", 0, "memory=-1", 0, "invalid --resource memory \"-1\""},
        {"", 0, "memory=", 0, "invalid --resource memory \"\""},
        {"", 0, "cpu-quota=1x", 0, "invalid --resource cpu-quota \"1x\""},
        {"", 0, "cpuset-cpus=a", 0, "invalid --resource cpuset-cpus \"a\""},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_build_args a = args_of();
        struct depot_build_plan *p = NULL;
        struct depot_error err = {0};
        if (rows[i].arg != NULL)
            depot_strv_push(&a.build_args, rows[i].arg);
        if (rows[i].resource != NULL)
            depot_strv_push(&a.resources, rows[i].resource);
        if (rows[i].policy != NULL)
            depot_strv_push(&a.policies, rows[i].policy);
        each(rows[i].env, true);
        int rc = depot_build_plan_new(&a, &p, &err);
        each(rows[i].env, false);
        if (rc == 0 || strstr(err.msg, rows[i].says) == NULL)
            fail_msg("row %zu: %s", i, rc == 0 ? "not refused" : err.msg);
        release_args(&a);
    }
}

static void test_policy__beside_the_dockerfile(void **state)
{
    struct depot_build_args a = args_of();
    struct depot_build_plan *p = NULL;
    struct depot_error err = {0};
    (void)state;
    write_file("ctx/Dockerfile.rego", "package docker\n");
    assert_int_equal(depot_build_plan_new(&a, &p, &err), DEPOT_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "Dockerfile.rego"));
    depot_strv_push(&a.policies, "disabled=true");
    assert_int_equal(depot_build_plan_new(&a, &p, &err), 0);
    depot_build_plan_free(p);
    release_args(&a);
    char *path = depot_path_join(dir, "ctx/Dockerfile.rego");
    unlink(path);
    depot_free(path);
}

static void test_resources__as_engines_name_them(void **state)
{
    static const struct {
        const char *spec, *attr, *value;
    } rows[] = {
        {"memory=1.5g", "memory", "1610612736"},
        {"memory=64MiB", "memory", "67108864"},
        {"memory=1024", "memory", "1024"},
        {"memory=0", "memory", NULL},
        {"memory-swap=-1", "memswap", "-1"},
        {"memory-swap=2kb", "memswap", "2048"},
        {"cpu-shares=512", "cpushares", "512"},
        {"cpu-period=100000", "cpuperiod", "100000"},
        {"cpu-quota=-1", "cpuquota", NULL},
        {"cpuset-cpus=0-3,7", "cpusetcpus", "0-3,7"},
        {"cpuset-mems=0", "cpusetmems", "0"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_build_args a = args_of();
        struct depot_build_plan *p = NULL;
        struct depot_error err = {0};
        depot_strv_push(&a.resources, rows[i].spec);
        a.memory = depot_strdup("32m"); /* --resource wins over the older flag */
        assert_int_equal(depot_build_plan_new(&a, &p, &err), 0);
        const char *value = depot_kvs_get(&p->attrs, rows[i].attr);
        if (!depot_str_eq(value, rows[i].value))
            fail_msg("%s gives %s", rows[i].spec, value != NULL ? value : "nothing");
        depot_build_plan_free(p);
        release_args(&a);
    }
}

/* ---- source policies ---- */

static void test_source_policy__as_the_engine_reads_it(void **state)
{
    static const struct {
        const char *json, *bytes; /* NULL: refused */
        size_t n;
        const char *says;
    } rows[] = {
        {"{}", "", 0, NULL},
        {"{\"rules\":[]}", "", 0, NULL},
        {"{\"version\":1,\"rules\":[{}]}", "\x08\x01\x12\x00", 4, NULL},
        {"{\"rules\":[{\"action\":\"DENY\",\"selector\":{\"identifier\":\"a\"}}]}",
            "\x12\x07\x08\x01\x12\x03\x0a\x01"
            "a",
            9, NULL},
        {"{\"Rules\":[{\"Action\":2,\"selector\":{\"match_type\":\"REGEX\"},\"updates\":"
         "{\"identifier\":\"b\",\"attrs\":{\"k\":\"v\"}}}]}",
            "\x12\x13\x08\x02\x12\x02\x10\x02\x1a\x0b\x0a\x01"
            "b\x12\x06\x0a\x01k\x12\x01v",
            21, NULL},
        {"{\"rules\":[{\"selector\":{\"constraints\":[{\"key\":\"k\",\"value\":\"v\","
         "\"condition\":\"NOTEQUAL\"}]}}]}",
            "\x12\x0c\x12\x0a\x1a\x08\x0a\x01k\x12\x01v\x18\x01", 14, NULL},
        {"{\"rules\":{}}", NULL, 0, "\"rules\" must be a list"},
        {"{\"rules\":[1]}", NULL, 0, "\"rules\" must be an object"},
        {"{\"rules\":[{\"action\":\"FORBID\"}]}", NULL, 0, "ALLOW, DENY or CONVERT"},
        {"{\"rules\":[{\"action\":3}]}", NULL, 0, "ALLOW, DENY or CONVERT"},
        {"{\"rules\":[{\"selector\":{\"matchtype\":0}}]}", NULL, 0, "unknown member"},
        {"{\"rules\":[{\"updates\":{\"attrs\":{\"k\":1}}}]}", NULL, 0, "a string"},
        {"{\"version\":\"1\"}", NULL, 0, "a number"},
        {"{\"rules\":[", NULL, 0, "not a JSON object"},
        {"package docker\n", NULL, 0, "not a JSON object"},
        {"", NULL, 0, "not a JSON object"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        struct depot_error err = {0};
        int rc = dp_source_policy_encode(rows[i].json, strlen(rows[i].json), &out, &err);
        if ((rc == 0) != (rows[i].bytes != NULL))
            fail_msg("row %zu: %s", i, rc == 0 ? "not refused" : err.msg);
        if (rc != 0 && strstr(err.msg, rows[i].says) == NULL)
            fail_msg("row %zu: %s", i, err.msg);
        if (rc == 0 &&
            (out.len != rows[i].n || memcmp(depot_buf_str(&out), rows[i].bytes, rows[i].n) != 0))
            fail_msg("row %zu: %zu other bytes", i, out.len);
        depot_buf_release(&out);
    }
}

/* ---- provenance for metadata files ---- */

static char *kept(const char *platform, const char *type, const char *predicate, const char *key)
{
    struct depot_part part = {0};
    struct depot_provenance one = {.platform = platform, .type = type, .predicate = predicate};
    struct depot_response a = {.ask = DEPOT_QUERY_PROVENANCE};
    a.u.provenance.list = &one;
    a.u.provenance.nlist = 1;
    dp_keep_provenance(&part, &a);
    const char *value = depot_kvs_get(&part.response, key);
    char *text = NULL;
    if (value != NULL) {
        size_t n = 0;
        text = depot_alloc(strlen(value) / 4 * 3 + 4);
        assert_int_equal(depot_base64_decode(text, &n, value, strlen(value)), 0);
        text[n] = '\0';
    }
    depot_kvs_release(&part.response);
    return text;
}

static void test_provenance__in_the_form_of_metadata_files(void **state)
{
    static const char v1[] = "https://slsa.dev/provenance/v1";
    static const char v02[] = "https://slsa.dev/provenance/v0.2";
    static const char full[] =
        "{\"buildDefinition\":{\"buildType\":\"x\",\"externalParameters\":{\"configSource\":"
        "{\"path\":\"Dockerfile\"},\"request\":{\"frontend\":\"f\"}},\"internalParameters\":"
        "{\"buildConfig\":{\"a\":1},\"builderPlatform\":\"linux/amd64\",\"k\":\"v\"},"
        "\"resolvedDependencies\":[{\"uri\":\"u\",\"digest\":{\"sha256\":\"1\"}}]},"
        "\"runDetails\":{\"builder\":{\"id\":\"b\"},\"metadata\":{\"invocationID\":\"i\"}}}";
    static const struct {
        const char *mode, *platform, *type, *predicate, *key, *text;
    } rows[] = {
        {"min", "", v1, full, "buildx.build.provenance",
            "{\"builder\":{\"id\":\"b\"},\"buildType\":\"https://mobyproject.org/buildkit@v1\","
            "\"materials\":[{\"uri\":\"u\",\"digest\":{\"sha256\":\"1\"}}],\"invocation\":"
            "{\"configSource\":{\"entryPoint\":\"Dockerfile\"},\"parameters\":{\"frontend\":\"f\"},"
            "\"environment\":{\"platform\":\"linux/amd64\",\"k\":\"v\"}}}"},
        {"min", "linux/amd64", v02, "{\"buildConfig\":1,\"metadata\":2,\"x\":3}",
            "buildx.build.provenance/linux/amd64", "{\"x\":3}"},
        {"max", "", v02, "{\"buildConfig\":1,\"metadata\":2}", "buildx.build.provenance",
            "{\"buildConfig\":1,\"metadata\":2}"},
        {"min", "", v1, "[1]", "buildx.build.provenance", NULL},
        {"min", "", v1, "{\"buildDefinition\":", "buildx.build.provenance", NULL},
        {"min", "", v1, "{\"buildDefinition\":[],\"runDetails\":7}", "buildx.build.provenance",
            "{\"builder\":{},\"buildType\":\"https://mobyproject.org/buildkit@v1\",\"invocation\":"
            "{\"configSource\":{},\"environment\":{}}}"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        setenv("BUILDX_METADATA_PROVENANCE", rows[i].mode, 1);
        char *text = kept(rows[i].platform, rows[i].type, rows[i].predicate, rows[i].key);
        if (rows[i].text == NULL)
            assert_null(text);
        else
            assert_string_equal(text, rows[i].text);
        depot_free(text);
    }
    unsetenv("BUILDX_METADATA_PROVENANCE");
}

static void test_provenance__wanted_by_mode(void **state)
{
    static const struct {
        const char *mode;
        bool wanted;
    } rows[] = {{"", true}, {"min", true}, {"max", true}, {"disabled", false}, {"false", false},
        {"0", false}, {"true", true}, {"what", true}};
    char name[] = "f";
    struct depot_build_args a = {.metadata_file = name}, none = {0};
    struct depot_build_plan p = {.args = &a}, q = {.args = &none};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        setenv("BUILDX_METADATA_PROVENANCE", rows[i].mode, 1);
        assert_int_equal(dp_wants_provenance(&p), rows[i].wanted);
        assert_false(dp_wants_provenance(&q));
    }
    unsetenv("BUILDX_METADATA_PROVENANCE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes__of_variables_and_flags),
        cmocka_unit_test(test_refusals__name_the_cause),
        cmocka_unit_test(test_policy__beside_the_dockerfile),
        cmocka_unit_test(test_resources__as_engines_name_them),
        cmocka_unit_test(test_source_policy__as_the_engine_reads_it),
        cmocka_unit_test(test_provenance__in_the_form_of_metadata_files),
        cmocka_unit_test(test_provenance__wanted_by_mode),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
