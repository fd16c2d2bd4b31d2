/*
 * What a build's plan makes of flags: the attributes, outputs and secrets that follow from them,
 * and what it refuses.
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

#include "build/plan.h"

static char context[] = "/tmp/depot-plan-XXXXXX";

static char *in_context(const char *name)
{
    return depot_asprintf("%s/%s", context, name);
}

static void write_file(const char *name, const char *data, size_t n)
{
    char *path = in_context(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    fclose(f);
    depot_free(path);
}

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(context));
    write_file("Dockerfile", "FROM scratch\n", 13);
    write_file("secret", "s3cret", 6);
    unsetenv("SSH_AUTH_SOCK");
    unsetenv("DOCKER_DEFAULT_PLATFORM");
    setenv("PLAN_TEST", "from the environment", 1);
    return chdir(context);
}

static int teardown(void **state)
{
    static const char *const names[] = {"Dockerfile", "secret", "big", "pipe"};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(names); i++) {
        char *path = in_context(names[i]);
        unlink(path);
        depot_free(path);
    }
    return rmdir(context);
}

/* ---- flags by name ---- */
#define LIST(name, field)                                                                          \
    {                                                                                              \
        name, offsetof(struct depot_build_args, field), true                                       \
    }
#define WORD(name, field)                                                                          \
    {                                                                                              \
        name, offsetof(struct depot_build_args, field), false                                      \
    }

static const struct {
    const char *name;
    size_t at;
    bool list;
} flags[] = {
    LIST("--add-host", add_hosts),
    LIST("--allow", allow),
    LIST("--annotation", annotations),
    LIST("--attest", attests),
    LIST("--build-arg", build_args),
    LIST("--build-context", build_contexts),
    LIST("--cache-from", cache_from),
    LIST("--cache-to", cache_to),
    WORD("--file", file),
    LIST("--label", labels),
    WORD("--network", network),
    LIST("--output", outputs),
    LIST("--platform", platforms),
    WORD("--provenance", provenance),
    WORD("--sbom", sbom),
    LIST("--secret", secrets),
    WORD("--shm-size", shm_size),
    LIST("--ssh", ssh),
    LIST("--tag", tags),
    WORD("--target", target),
    LIST("--ulimit", ulimits),
};

struct line {
    struct depot_build_args args;
    struct depot_build_plan *plan;
    struct depot_error err;
};

static void give(struct line *l, const char *flag, const char *word)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(flags); i++) {
        void *at = (char *)&l->args + flags[i].at;
        if (strcmp(flags[i].name, flag) != 0)
            continue;
        if (flags[i].list) {
            depot_strv_push(at, word);
        } else {
            depot_free(*(char **)at);
            *(char **)at = depot_strdup(word);
        }
        return;
    }
    fail_msg("there is no flag %s", flag);
}

/* "--flag=word" each, NULL at the end. */
static int plan(struct line *l, const char *const *words)
{
    memset(l, 0, sizeof(*l));
    l->args.context = depot_strdup(".");
    for (; *words != NULL; words++) {
        char *flag = depot_strndup(*words, strcspn(*words, "="));
        give(l, flag, *words + strlen(flag) + 1);
        depot_free(flag);
    }
    return depot_build_plan_new(&l->args, &l->plan, &l->err);
}

static void release(struct line *l)
{
    depot_build_plan_free(l->plan);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(flags); i++) {
        void *at = (char *)&l->args + flags[i].at;
        if (flags[i].list)
            depot_strv_release(at);
        else
            depot_free(*(char **)at);
    }
    depot_free(l->args.context);
}

/* ---- what follows from them ---- */

enum { WORDS_MAX = 5 };

static void test_plan__tells_the_frontend(void **state)
{
    static const struct {
        const char *words[WORDS_MAX], *attr, *value; /* value NULL: it is not there */
    } rows[] = {
        {{"--add-host=a=[::1]", "--add-host=b:1.2.3.4"}, "add-hosts", "a=::1,b=1.2.3.4"},
        {{"--build-arg=A=1", "--build-arg=A=2"}, "build-arg:A", "2"},
        {{"--build-arg=PLAN_TEST"}, "build-arg:PLAN_TEST", "from the environment"},
        {{"--build-arg=PLAN_TEST_NOT"}, "build-arg:PLAN_TEST_NOT", NULL},
        {{"--label=a"}, "label:a", ""},
        {{"--label=a=b=c"}, "label:a", "b=c"},
        {{"--provenance=0"}, "attest:provenance", NULL},
        {{"--provenance=mode=max"}, "attest:provenance", "mode=max"},
        {{"--provenance=true", "--attest=type=provenance,mode=max"}, "attest:provenance", ""},
        {{"--sbom=T"}, "attest:sbom", ""},
        {{"--attest=type=sbom", "--sbom=False"}, "attest:sbom", NULL},
        {{"--attest=type=sbom,\"generator=a,b\""}, "attest:sbom", "\"generator=a,b\""},
        {{"--network=host"}, "force-network-mode", "host"},
        {{"--network=default"}, "force-network-mode", NULL},
        {{"--shm-size=64m"}, "shm-size", "67108864"},
        {{"--shm-size=0"}, "shm-size", NULL},
        {{"--ulimit=nofile=1", "--ulimit=core=-1"}, "ulimit", "nofile=1:1,core=-1:-1"},
        {{"--target=x"}, "target", "x"},
        {{"--target="}, "target", NULL},
        {{"--cache-from=a,b", "--cache-from="}, "cache-imports",
            "[{\"Type\":\"registry\",\"Attrs\":{\"ref\":\"a\"}},"
            "{\"Type\":\"registry\",\"Attrs\":{\"ref\":\"b\"}}]"},
        {{"--build-context=docker.io/library/x:latest=."}, "context:x", "local:x"},
        {{"--build-context=context=."}, "context:context", "local:_context"},
        {{"--build-context="}, "context:", NULL},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct line l;
        if (plan(&l, rows[i].words) != 0)
            fail_msg("%s: %s", rows[i].words[0], l.err.msg);
        const char *value = depot_kvs_get(&l.plan->attrs, rows[i].attr);
        if (!depot_str_eq(value, rows[i].value))
            fail_msg("%s: %s is %s", rows[i].words[0], rows[i].attr, value);
        release(&l);
    }
}

static const char *const kinds[] = {
    [DEPOT_OUTPUT_NONE] = "engine",
    [DEPOT_OUTPUT_DIR] = "dir",
    [DEPOT_OUTPUT_FILE] = "file",
    [DEPOT_OUTPUT_STDOUT] = "stdout",
    [DEPOT_OUTPUT_STORE] = "store",
    [DEPOT_OUTPUT_DOCKER] = "load",
};

/* Each output as "type kind dest attributes", parted by ';'. */
static char *outputs_of(const struct depot_build_plan *p)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    for (size_t i = 0; i < p->outputs.len; i++) {
        const struct depot_output *o = &p->outputs.items[i];
        char *attrs = dp_csv_join(&o->attrs);
        depot_buf_addf(&b, "%s%s %s %s %s", i > 0 ? ";" : "", o->type, kinds[o->kind],
            o->dest != NULL ? o->dest : "", attrs);
        depot_free(attrs);
    }
    char *text = depot_strdup(depot_buf_str(&b));
    depot_buf_release(&b);
    return text;
}

static void test_plan__has_outputs(void **state)
{
    static const struct {
        const char *words[WORDS_MAX], *outputs;
        bool push;
    } rows[] = {
        {{NULL}, "", false},
        {{"--output="}, "", false},
        {{"--output=type=cacheonly"}, "", false},
        {{"--output=out"}, "local dir out ", false},
        {{"--output=type=tar,dest=x"}, "tar file x ", false},
        {{"--output=type=registry", "--tag=a"},
            "image engine  push=true,unpack=false,name=docker.io/library/a:latest", false},
        {{"--tag=r.io/a", "--tag=r.io/b:1"},
            "image engine  push=true,unpack=false,\"name=r.io/a:latest,r.io/b:1\"", true},
        {{"--output=type=image,unpack=1", "--tag=r.io/a"},
            "image engine  unpack=1,push=true,name=r.io/a:latest", true},
        {{"--output=type=image,name=x", "--tag=r.io/a"}, "image engine  name=r.io/a:latest", false},
        {{"--output=type=image,name=a", "--annotation=index,manifest[linux/arm64]:a=b"},
            "image engine  name=a,annotation-index.a=b,annotation-manifest[linux/arm64].a=b",
            false},
        {{"--output=out", "--annotation=a=b"}, "local dir out ", false},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct line l;
        memset(&l, 0, sizeof(l));
        l.args.context = depot_strdup(".");
        l.args.push = rows[i].push;
        for (const char *const *w = rows[i].words; *w != NULL; w++) {
            char *flag = depot_strndup(*w, strcspn(*w, "="));
            give(&l, flag, *w + strlen(flag) + 1);
            depot_free(flag);
        }
        if (depot_build_plan_new(&l.args, &l.plan, &l.err) != 0)
            fail_msg("row %zu: %s", i, l.err.msg);
        char *text = outputs_of(l.plan);
        if (strcmp(text, rows[i].outputs) != 0)
            fail_msg("row %zu: %s", i, text);
        depot_free(text);
        release(&l);
    }
}

static void test_plan__says_what_a_tag_replaces(void **state)
{
    static const char *const words[] = {"--output=type=image,name=x", "--tag=a", NULL};
    struct line l;
    (void)state;
    assert_int_equal(plan(&l, words), 0);
    const struct depot_strv *said = depot_build_plan_warnings(l.plan);
    assert_int_equal(said->len, 1);
    assert_non_null(strstr(said->items[0], "name=x is not used"));
    release(&l);
}

static void test_plan__knows_platforms_and_entitlements(void **state)
{
    static const char *const words[] = {"--platform=Linux/AMD64", "--platform=linux/arm64/8",
        "--platform=aarch64", "--allow=device,buildx.local.delete", NULL};
    struct line l;
    (void)state;
    assert_int_equal(plan(&l, words), 0);
    assert_int_equal(l.plan->platforms.len, 2);
    assert_string_equal(l.plan->platforms.items[0], "linux/amd64");
    assert_string_equal(l.plan->platforms.items[1], "linux/arm64");
    assert_int_equal(l.plan->entitlements.len, 1);
    assert_true(l.plan->allow_delete);
    release(&l);
}

/* ---- secrets ---- */

static void test_plan__keeps_the_last_of_equal_secrets(void **state)
{
    static const char *const words[] = {"--secret=id=a,src=secret", "--secret=id=b,env=B",
        "--secret=id=a,env=A", "--secret=", NULL};
    struct line l;
    (void)state;
    assert_int_equal(plan(&l, words), 0);
    assert_int_equal(l.plan->secrets.len, 2);
    assert_string_equal(l.plan->secrets.items[0].id, "a");
    assert_string_equal(l.plan->secrets.items[0].env, "A");
    assert_null(l.plan->secrets.items[0].file);
    assert_string_equal(l.plan->secrets.items[1].id, "b");
    release(&l);
}

static void test_plan__reads_a_pipe_once(void **state)
{
    char word[64], again[64];
    int fds[2];
    struct line l;
    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "pip\0ed", 6), 6);
    close(fds[1]);
    snprintf(word, sizeof(word), "--secret=id=a,src=/dev/fd/%d", fds[0]);
    snprintf(again, sizeof(again), "--secret=id=b,src=/dev/fd/%d", fds[0]);
    const char *const words[] = {word, again, NULL};
    assert_int_equal(plan(&l, words), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(l.plan->secrets.items[i].len, 6);
        assert_memory_equal(l.plan->secrets.items[i].data, "pip\0ed", 6);
    }
    release(&l);
    close(fds[0]);
}

static void test_plan__has_a_ceiling_for_secrets(void **state)
{
    static const char *const words[] = {"--secret=id=a,src=big", NULL};
    struct line l;
    char *data = depot_calloc(1, DP_SESSION_SECRET_MAX + 1);
    (void)state;
    write_file("big", data, DP_SESSION_SECRET_MAX);
    assert_int_equal(plan(&l, words), 0);
    release(&l);
    write_file("big", data, DP_SESSION_SECRET_MAX + 1);
    assert_int_equal(plan(&l, words), DEPOT_ERR_TOO_BIG);
    release(&l);
    depot_free(data);
}

/* ---- refused ---- */

static void test_plan__refuses(void **state)
{
    static const struct {
        const char *words[WORDS_MAX], *says;
    } rows[] = {
        {{"--add-host=x"}, "--add-host \"x\""},
        {{"--add-host=x:host-gatewa"}, "--add-host \"x:host-gatewa\""},
        {{"--allow=x"}, "--allow \"x\""},
        {{"--annotation=foo:a=b", "--output=type=image"}, "--annotation \"foo:a=b\""},
        {{"--annotation=foo:a=b"}, "--annotation \"foo:a=b\""},
        {{"--attest="}, "--attest \"\""},
        {{"--build-arg="}, "--build-arg \"\""},
        {{"--build-context=x="}, "--build-context \"x=\""},
        {{"--build-context=x=/no/such"}, "--build-context x=/no/such"},
        {{"--cache-from=type=x"}, "--cache-from \"type=x\""},
        {{"--cache-to=type=x"}, "--cache-to \"type=x\""},
        {{"--file=/no/such"}, "/no/such"},
        {{"--label="}, "--label \"\""},
        {{"--network=x"}, "--network \"x\""},
        {{"--output=type=x"}, "--output \"type=x\""},
        {{"--output=type=local"}, "--output \"type=local\""},
        {{"--output=type=local,dest=-"}, "--output \"type=local,dest=-\""},
        {{"--output=type=image,dest=x"}, "--output \"type=image,dest=x\""},
        {{"--output=type=image,name=X"}, "--output name \"X\""},
        {{"--output=type=image,push=1"}, "pushing needs a name"},
        {{"--platform=z80"}, "--platform: \"z80\""},
        {{"--platform="}, "--platform: \"\""},
        {{"--provenance=x"}, "--provenance \"x\""},
        {{"--sbom=x"}, "--sbom \"x\""},
        {{"--secret=id=a,src=/no/such"}, "--secret id=a: cannot read /no/such"},
        {{"--secret=id=a,src=."}, "--secret id=a: . is a directory"},
        {{"--secret=x"}, "--secret \"x\""},
        {{"--shm-size=x"}, "--shm-size \"x\""},
        {{"--shm-size="}, "--shm-size \"\""},
        {{"--ssh=default"}, "--ssh default: there is no agent"},
        {{"--ssh=a=/no/such"}, "--ssh a=/no/such"},
        {{"--ssh=a=."}, "--ssh \"a=.\""},
        {{"--tag="}, "--tag \"\""},
        {{"--ulimit=x"}, "--ulimit \"x\""},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct line l;
        if (plan(&l, rows[i].words) == 0)
            fail_msg("%s was taken", rows[i].words[0]);
        if (strstr(l.err.msg, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].words[0], l.err.msg);
        release(&l);
    }
}

static void test_plan__refuses_names_that_cannot_be_sent(void **state)
{
    static const char *const before[] = {"--label=", "--build-arg=", "--annotation=",
        "--annotation=index,manifest-descriptor:", "--output=type=image,", "--attest=type=sbom,"};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(before); i++) {
        for (int more = 0; more < 2; more++) {
            struct line l;
            char *name = depot_calloc(1, DP_SPEC_NAME_MAX + 2);
            memset(name, 'k', (size_t)(DP_SPEC_NAME_MAX + more));
            char *word = depot_asprintf("%s%s=v", before[i], name);
            const char *words[WORDS_MAX] = {word, "--output=type=image"};
            const int rc = plan(&l, words);
            if (more == 0 && rc != 0)
                fail_msg("%s: %s", before[i], l.err.msg);
            if (more == 1 && (rc == 0 || strstr(l.err.msg, "a name of 3073 bytes") == NULL ||
                                 strstr(l.err.msg, "invalid --") == NULL))
                fail_msg("%s: %s", before[i], l.err.msg);
            release(&l);
            depot_free(word);
            depot_free(name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan__tells_the_frontend),
        cmocka_unit_test(test_plan__has_outputs),
        cmocka_unit_test(test_plan__says_what_a_tag_replaces),
        cmocka_unit_test(test_plan__knows_platforms_and_entitlements),
        cmocka_unit_test(test_plan__keeps_the_last_of_equal_secrets),
        cmocka_unit_test(test_plan__reads_a_pipe_once),
        cmocka_unit_test(test_plan__has_a_ceiling_for_secrets),
        cmocka_unit_test(test_plan__refuses),
        cmocka_unit_test(test_plan__refuses_names_that_cannot_be_sent),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
