/*
 * The small languages inside flags: a table each of what is right and what it means, and one table
 * of what is wrong, for all of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <depot/buf.h>

#include "build/spec.h"

/* Each parser as one that writes its result as text, so that rows can hold it. */
typedef int parse_fn(const char *s, struct depot_buf *out, struct depot_error *err);

static void add_kvs(struct depot_buf *out, const struct depot_kvs *kvs)
{
    for (size_t i = 0; i < kvs->len; i++)
        depot_buf_addf(
            out, "%s%s=%s", out->len > 0 ? " " : "", kvs->items[i].key, kvs->items[i].value);
}

static void add_strv(struct depot_buf *out, const struct depot_strv *v)
{
    for (size_t i = 0; i < v->len; i++)
        depot_buf_addf(out, "%s%s", i > 0 ? "|" : "", v->items[i]);
}

static int parse_csv(const char *s, struct depot_buf *out, struct depot_error *err)
{
    struct depot_strv v = {0};
    int rc = dp_csv_split("--output", s, &v, err);
    add_strv(out, &v);
    depot_strv_release(&v);
    return rc;
}

static int parse_add_host(const char *s, struct depot_buf *out, struct depot_error *err)
{
    char *text = NULL;
    int rc = dp_spec_add_host(s, &text, err);
    depot_buf_adds(out, text != NULL ? text : "");
    depot_free(text);
    return rc;
}

static int parse_allow(const char *s, struct depot_buf *out, struct depot_error *err)
{
    struct depot_strv v = {0};
    bool delete_local = false;
    int rc = dp_spec_allow(s, &v, &delete_local, err);
    add_strv(out, &v);
    depot_buf_adds(out, delete_local ? "+delete" : "");
    depot_strv_release(&v);
    return rc;
}

static int parse_annotation(const char *s, struct depot_buf *out, struct depot_error *err)
{
    struct depot_kvs attrs = {0};
    int rc = dp_spec_annotation(s, &attrs, err);
    add_kvs(out, &attrs);
    depot_kvs_release(&attrs);
    return rc;
}

static int finish_attest(struct dp_spec_attest *a, int rc, struct depot_buf *out)
{
    char *attrs = dp_csv_join(&a->attrs);
    depot_buf_addf(out, "%s%s%s%s", a->disabled ? "no " : "", a->type != NULL ? a->type : "",
        *attrs != '\0' ? " " : "", attrs);
    depot_free(attrs);
    dp_spec_attest_release(a);
    return rc;
}

static int parse_attest(const char *s, struct depot_buf *out, struct depot_error *err)
{
    struct dp_spec_attest a = {0};
    int rc = dp_spec_attest(s, &a, err);
    return finish_attest(&a, rc, out);
}

static int parse_provenance(const char *s, struct depot_buf *out, struct depot_error *err)
{
    struct dp_spec_attest a = {0};
    int rc = dp_spec_attest_short("--provenance", "provenance", s, &a, err);
    return finish_attest(&a, rc, out);
}

static int parse_build_arg(const char *s, struct depot_buf *out, struct depot_error *err)
{
    char *key = NULL;
    const char *value = NULL;
    int rc = dp_spec_pair("--build-arg", s, &key, &value, err);
    if (rc == 0)
        depot_buf_addf(out, "%s=%s", key, value != NULL ? value : "(none)");
    depot_free(key);
    return rc;
}

static int parse_context(const char *s, struct depot_buf *out, struct depot_error *err)
{
    char *name = NULL;
    const char *value = NULL;
    int rc = dp_spec_context(s, &name, &value, err);
    if (rc == 0)
        depot_buf_addf(out, "%s=%s", name, value);
    depot_free(name);
    return rc;
}

static int parse_cache(const char *s, struct depot_buf *out, struct depot_error *err)
{
    struct dp_spec_caches c = {0};
    int rc = dp_spec_cache("--cache-from", s, &c, err);
    for (size_t i = 0; rc == 0 && i < c.len; i++) {
        depot_buf_addf(out, "%s%s", i > 0 ? "|" : "", c.items[i].type);
        add_kvs(out, &c.items[i].attrs);
    }
    dp_spec_caches_release(&c);
    return rc;
}

static int parse_output(const char *s, struct depot_buf *out, struct depot_error *err)
{
    struct depot_output o = {0};
    int rc = dp_spec_output(s, &o, err);
    if (rc == 0)
        depot_buf_addf(out, "%s:%s", o.type, o.dest != NULL ? o.dest : "");
    add_kvs(out, &o.attrs);
    dp_spec_output_release(&o);
    return rc;
}

static int parse_secret(const char *s, struct depot_buf *out, struct depot_error *err)
{
    struct dp_spec_secret v = {0};
    int rc = dp_spec_secret(s, &v, err);
    if (rc == 0)
        depot_buf_addf(out, "%s file=%s env=%s", v.id, v.file != NULL ? v.file : "",
            v.env != NULL ? v.env : "");
    dp_spec_secret_release(&v);
    return rc;
}

static int parse_ssh(const char *s, struct depot_buf *out, struct depot_error *err)
{
    struct dp_spec_ssh v = {0};
    int rc = dp_spec_ssh(s, &v, err);
    if (rc == 0)
        depot_buf_addf(out, "%s:", v.id);
    add_strv(out, &v.paths);
    dp_spec_ssh_release(&v);
    return rc;
}

static int parse_shm_size(const char *s, struct depot_buf *out, struct depot_error *err)
{
    int64_t v = 0;
    int rc = dp_spec_bytes("--shm-size", s, &v, err);
    if (rc == 0)
        depot_buf_addf(out, "%lld", (long long)v);
    return rc;
}

static int parse_text(int rc, char *text, struct depot_buf *out)
{
    depot_buf_adds(out, text != NULL ? text : "");
    depot_free(text);
    return rc;
}

static int parse_ulimit(const char *s, struct depot_buf *out, struct depot_error *err)
{
    char *text = NULL;
    int rc = dp_spec_ulimit(s, &text, err);
    return parse_text(rc, text, out);
}

static int parse_tag(const char *s, struct depot_buf *out, struct depot_error *err)
{
    char *text = NULL;
    int rc = dp_image_name(s, &text, err);
    return parse_text(rc, text, out);
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_spec__reads_what_is_right(void **state)
{
    static const struct {
        parse_fn *parse;
        const char *in, *out;
    } rows[] = {
        {parse_csv, "a,b", "a|b"},
        {parse_csv, "a,", "a|"},
        {parse_csv, "", ""},
        {parse_csv, "\"a,b\",c", "a,b|c"},
        {parse_csv, "\"a\"\"b\"", "a\"b"},
        {parse_csv, "\"\",\"\"", "|"},
        {parse_add_host, "db:10.0.0.5", "db=10.0.0.5"},
        {parse_add_host, "db=10.0.0.5", "db=10.0.0.5"},
        {parse_add_host, "foo=[::1]", "foo=::1"},
        {parse_add_host, "foo:[::1]", "foo=::1"},
        {parse_add_host, "foo=::1", "foo=::1"},
        {parse_add_host, "foo:::1", "foo=::1"},
        {parse_add_host, "v6=[2001:db8::1]", "v6=2001:db8::1"},
        {parse_add_host, "v4=[10.0.0.5]", "v4=10.0.0.5"},
        {parse_add_host, "me:host-gateway", "me=host-gateway"},
        {parse_allow, "network.host", "network.host"},
        {parse_allow, "network.host,security.insecure", "network.host|security.insecure"},
        {parse_allow, "buildx.local.delete", "+delete"},
        {parse_allow, "device", "device"},
        {parse_allow, "device=vendor.com/gpu=all,alias=gpu", "device=vendor.com/gpu=all,alias=gpu"},
        {parse_annotation, "a=b", "annotation.a=b"},
        {parse_annotation, "a=b=c", "annotation.a=b=c"},
        {parse_annotation, "a=", "annotation.a="},
        {parse_annotation, "manifest,manifest-descriptor:a=b",
            "annotation-manifest.a=b annotation-manifest-descriptor.a=b"},
        {parse_annotation, "index,manifest[Linux/aarch64]:a=b:c",
            "annotation-index.a=b:c annotation-manifest[linux/arm64].a=b:c"},
        {parse_annotation, "index[linux/arm64]:a=b", "annotation-index.a=b"},
        {parse_annotation, "manifest-descriptor[linux/arm/v7]:a=b",
            "annotation-manifest-descriptor[linux/arm/v7].a=b"},
        {parse_attest, "type=sbom", "sbom"},
        {parse_attest, "type=provenance,mode=max", "provenance mode=max"},
        {parse_attest, "TYPE=sbom,disabled=1", "no sbom"},
        {parse_attest, "type=sbom,disabled=F", "sbom"},
        {parse_attest, "type=sbom,\"generator=a,b\"", "sbom \"generator=a,b\""},
        {parse_provenance, "1", "provenance"},
        {parse_provenance, "T", "provenance"},
        {parse_provenance, "true", "provenance"},
        {parse_provenance, "0", "no provenance"},
        {parse_provenance, "False", "no provenance"},
        {parse_provenance, "mode=max,version=v1", "provenance mode=max,version=v1"},
        {parse_provenance, "disabled=true", "no provenance"},
        {parse_build_arg, "A=1 2=3", "A=1 2=3"},
        {parse_build_arg, "A=", "A="},
        {parse_build_arg, "A", "A=(none)"},
        {parse_context, "base=dir", "base=dir"},
        {parse_context, "docker.io/library/alpine:latest=x", "alpine=x"},
        {parse_context, "alpine:3=docker-image://a=b", "alpine:3=docker-image://a=b"},
        {parse_context, "ghcr.io/team/app=x", "ghcr.io/team/app=x"},
        {parse_context, "user/app=x", "user/app=x"},
        {parse_context, "base::linux/aarch64=docker-image://x",
            "base::linux/arm64=docker-image://x"},
        {parse_cache, "user/app:cache", "registry ref=user/app:cache"},
        {parse_cache, "a,b", "registry ref=a|registry ref=b"},
        {parse_cache, "type=registry,ref=a", "registry ref=a"},
        {parse_cache, "Type=gha,SCOPE=x", "gha scope=x"},
        {parse_cache, "type=inline", "inline"},
        {parse_output, "out", "local:out"},
        {parse_output, "a=b", "local:a=b"},
        {parse_output, "-", "tar:-"},
        {parse_output, "type=local,dest=out", "local:out"},
        {parse_output, "TYPE=oci,Dest=x.tar,Compression=zstd", "oci:x.tar compression=zstd"},
        {parse_output, "type=image,\"name=a,b\",push=1", "image: name=a,b push=1"},
        {parse_output, "type=image,annotation.a=b,foo=bar", "image: annotation.a=b foo=bar"},
        {parse_output, "type=image,name-canonical=", "image: name-canonical="},
        {parse_output, "type=cacheonly", "cacheonly:"},
        {parse_secret, "id=tok", "tok file= env="},
        {parse_secret, "id=tok,src=s", "tok file=s env="},
        {parse_secret, "ID=tok,SRC=s", "tok file=s env="},
        {parse_secret, "id=tok,source=s", "tok file=s env="},
        {parse_secret, "id=tok,src=", "tok file= env="},
        {parse_secret, "id=tok,env=E", "tok file= env=E"},
        {parse_secret, "id=tok,env=", "tok file= env="},
        {parse_secret, "id=tok,src=s,env=E", "tok file=s env=E"},
        {parse_secret, "type=env,id=tok,src=E", "tok file= env=E"},
        {parse_secret, "type=env,id=tok", "tok file= env="},
        {parse_secret, "type=file,id=tok,src=s", "tok file=s env="},
        {parse_secret, "id=tok,\"src=a,b\"", "tok file=a,b env="},
        {parse_ssh, "default", "default:"},
        {parse_ssh, "=sock", "default:sock"},
        {parse_ssh, "git=sock", "git:sock"},
        {parse_ssh, "git=a,b", "git:a|b"},
        {parse_ssh, "git=", "git:"},
        {parse_shm_size, "64", "64"},
        {parse_shm_size, "64b", "64"},
        {parse_shm_size, "1.5k", "1536"},
        {parse_shm_size, "64M", "67108864"},
        {parse_shm_size, "1 GiB", "1073741824"},
        {parse_shm_size, "2kb", "2048"},
        {parse_shm_size, "0", "0"},
        {parse_ulimit, "nofile=1024", "nofile=1024:1024"},
        {parse_ulimit, "nofile=1024:2048", "nofile=1024:2048"},
        {parse_ulimit, "core=-1", "core=-1:-1"},
        {parse_ulimit, "nproc=5:-1", "nproc=5:-1"},
        {parse_tag, "app", "docker.io/library/app:latest"},
        {parse_tag, "user/app:1.2", "docker.io/user/app:1.2"},
        {parse_tag, "index.docker.io/app", "docker.io/library/app:latest"},
        {parse_tag, "localhost/app", "localhost/app:latest"},
        {parse_tag, "localhost:5000/a/b:T_1", "localhost:5000/a/b:T_1"},
        {parse_tag, "[::1]:5000/app", "[::1]:5000/app:latest"},
        {parse_tag, "Registry.example.com/app", "Registry.example.com/app:latest"},
        {parse_tag, "a__b/c--d.e", "docker.io/a__b/c--d.e:latest"},
        {parse_tag, "app@sha256:" HEX64, "docker.io/library/app@sha256:" HEX64},
        {parse_tag, "r.io/app:1@sha256:" HEX64, "r.io/app:1@sha256:" HEX64},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        struct depot_error err = {0};
        if (rows[i].parse(rows[i].in, &out, &err) != 0)
            fail_msg("%s: %s", rows[i].in, err.msg);
        if (strcmp(depot_buf_str(&out), rows[i].out) != 0)
            fail_msg("%s became %s, not %s", rows[i].in, depot_buf_str(&out), rows[i].out);
        depot_buf_release(&out);
    }
}

static void test_spec__refuses_by_flag_word_and_form(void **state)
{
    static const struct {
        parse_fn *parse;
        const char *in, *flag, *says, *hints;
    } rows[] = {
        {parse_csv, "a\"b", "--output", "a quote is out of place", "type=TYPE"},
        {parse_csv, "\"a", "--output", "a quote is out of place", "type=TYPE"},
        {parse_csv, "\"a\"b", "--output", "a quote is out of place", "type=TYPE"},
        {parse_csv, "a,\"b", "--output", "a quote is out of place", "type=TYPE"},
        {parse_add_host, "", "--add-host", "not a name and an address", "HOST:IP"},
        {parse_add_host, "foo", "--add-host", "not a name and an address", "HOST:IP"},
        {parse_add_host, "foo:", "--add-host", "not a name and an address", "HOST:IP"},
        {parse_add_host, ":1.2.3.4", "--add-host", "not a name and an address", "HOST:IP"},
        {parse_add_host, "foo:bad", "--add-host", "\"bad\" is not an IP address", "HOST:IP"},
        {parse_add_host, "foo:1.2.3", "--add-host", "\"1.2.3\" is not", "HOST:IP"},
        {parse_add_host, "foo:[]", "--add-host", "\"[]\" is not an IP address", "HOST:IP"},
        {parse_add_host, "foo:[::1", "--add-host", "\"[::1\" is not an IP address", "HOST:IP"},
        {parse_add_host, "f o:1.2.3.4", "--add-host", "a blank", "HOST:IP"},
        {parse_allow, "network.hots", "--allow", "there is no entitlement \"", "network.host"},
        {parse_allow, "network.host,", "--allow", "there is no entitlement \"", "network.host"},
        {parse_allow, "buildx.local.delete=1", "--allow", "there is no entitlement \"",
            "buildx.local"},
        {parse_allow, "device=a,b=c", "--allow", "a device has no \"b=c\"", "device[=NAME]"},
        {parse_annotation, "a", "--annotation", "there is no =", "KEY=VALUE"},
        {parse_annotation, "=b", "--annotation", "\"\" is not a key", "KEY=VALUE"},
        {parse_annotation, "a b=c", "--annotation", "\"a b\" is not a key", "KEY=VALUE"},
        {parse_annotation, "manifest:=b", "--annotation", "\"\" is not a key", "KEY=VALUE"},
        {parse_annotation, "foo:a=b", "--annotation", "no type \"foo\"", "manifest-descriptor"},
        {parse_annotation, ":a=b", "--annotation", "no type before the colon", "index"},
        {parse_annotation, "index,:a=b", "--annotation", "no type \"\"", "index"},
        {parse_annotation, "index,foo:a=b", "--annotation", "no type \"foo\"", "index"},
        {parse_annotation, "Manifest:a=b", "--annotation", "no type \"Manifest\"", "manifest"},
        {parse_annotation, "manifest[]:a=b", "--annotation", "not a platform in brackets", "arm64"},
        {parse_annotation, "manifest[linux/arm64:a=b", "--annotation", "in brackets", "arm64"},
        {parse_annotation, "manifest[z80]:a=b", "--annotation", "\"z80\" is not a platform",
            "arm64"},
        {parse_annotation, "manifest[a b]:a=b", "--annotation", "in brackets", "arm64"},
        {parse_attest, "", "--attest", "is not KEY=VALUE", "type=sbom"},
        {parse_attest, "sbom", "--attest", "is not KEY=VALUE", "type=sbom"},
        {parse_attest, "mode=max", "--attest", "there is no type", "type=sbom"},
        {parse_attest, "type=", "--attest", "there is no type", "type=sbom"},
        {parse_attest, "type=foo", "--attest", "no type \"foo\"", "type=sbom"},
        {parse_attest, "type=sbom,disabled=x", "--attest", "true or false, not \"x\"", "type=sbom"},
        {parse_provenance, "yes", "--provenance", "\"yes\" is not KEY=VALUE", "mode=max"},
        {parse_provenance, "tRUE", "--provenance", "\"tRUE\" is not KEY=VALUE", "mode=max"},
        {parse_provenance, "type=sbom", "--provenance", "not \"sbom\"", "mode=max"},
        {parse_build_arg, "", "--build-arg", "there is no name", "NAME=VALUE"},
        {parse_build_arg, "=x", "--build-arg", "there is no name", "NAME=VALUE"},
        {parse_context, "", "--build-context", "there is no =", "NAME=DIRECTORY"},
        {parse_context, "base", "--build-context", "there is no =", "NAME=DIRECTORY"},
        {parse_context, "=dir", "--build-context", "there is no name", "NAME=DIRECTORY"},
        {parse_context, "base=", "--build-context", "nothing behind the =", "NAME=DIRECTORY"},
        {parse_context, "base=target:x", "--build-context", "bake file", "NAME=DIRECTORY"},
        {parse_context, "Base=dir", "--build-context", "none that an image", "NAME=DIRECTORY"},
        {parse_context, "a b=dir", "--build-context", "none that an image", "NAME=DIRECTORY"},
        {parse_context, "base::z80=dir", "--build-context", "\"z80\" is not a platform", "NAME"},
        {parse_context, "base=ftp://x", "--build-context", "\"ftp://\"", "NAME=DIRECTORY"},
        {parse_cache, "a,,b", "--cache-from", "one of its images is empty", "type=registry"},
        {parse_cache, "ref=a", "--cache-from", "there is no type", "type=registry"},
        {parse_cache, "type=,ref=a", "--cache-from", "there is no type", "type=registry"},
        {parse_cache, "type=foo", "--cache-from", "no type \"foo\"", "gha"},
        {parse_cache, "type=registry", "--cache-from", "needs ref=IMAGE", "type=registry"},
        {parse_cache, "type=registry,x", "--cache-from", "\"x\" is not KEY=VALUE", "type=registry"},
        {parse_output, "dest=x", "--output", "there is no type", "types: local"},
        {parse_output, "type=", "--output", "there is no type", "types: local"},
        {parse_output, "a,b", "--output", "\"a\" is not KEY=VALUE", "types: local"},
        {parse_output, "type=local,=x", "--output", "\"=x\" has no key", "types: local"},
        {parse_output, "type=image,push=yes", "--output", "push is true or false, not \"yes\"",
            "ty"},
        {parse_secret, "src=s", "--secret", "there is no id", "id=NAME"},
        {parse_secret, "id=,src=s", "--secret", "there is no id", "id=NAME"},
        {parse_secret, "id=tok,src=s,foo=1", "--secret", "there is no \"foo\"", "id=NAME"},
        {parse_secret, "type=bogus,id=tok,src=s", "--secret", "no type \"bogus\"", "id=NAME"},
        {parse_secret, "tok", "--secret", "\"tok\" is not KEY=VALUE", "id=NAME"},
        {parse_ssh, "a=x,,y", "--ssh", "one of the paths is empty", "ID[=SOCKET"},
        {parse_shm_size, "64x", "--shm-size", "it is not a size", "64m"},
        {parse_shm_size, "m", "--shm-size", "it is not a size", "64m"},
        {parse_shm_size, "-1", "--shm-size", "it is not a size", "64m"},
        {parse_shm_size, "1.2.3", "--shm-size", "it is not a size", "64m"},
        {parse_shm_size, "64mi", "--shm-size", "it is not a size", "64m"},
        {parse_shm_size, "99999999999p", "--shm-size", "it is too large", "64m"},
        {parse_ulimit, "nofile", "--ulimit", "there is no =", "TYPE=SOFT"},
        {parse_ulimit, "=1", "--ulimit", "no limit \"\"", "TYPE=SOFT"},
        {parse_ulimit, "files=1", "--ulimit", "no limit \"files\"", "TYPE=SOFT"},
        {parse_ulimit, "nofile=", "--ulimit", "it has 0 values", "TYPE=SOFT"},
        {parse_ulimit, "nofile=1:2:3", "--ulimit", "it has 3 values", "TYPE=SOFT"},
        {parse_ulimit, "nofile=x", "--ulimit", "\"x\" is not a number", "TYPE=SOFT"},
        {parse_ulimit, "nofile=2:1", "--ulimit", "above the hard one", "TYPE=SOFT"},
        {parse_ulimit, "nofile=-1:1", "--ulimit", "above the hard one", "TYPE=SOFT"},
        {parse_tag, "", "--tag", "is not a repository", "REPOSITORY"},
        {parse_tag, "App", "--tag", "a repository is in lower case", "REPOSITORY"},
        {parse_tag, "a//b", "--tag", "is not a repository", "REPOSITORY"},
        {parse_tag, "a..b", "--tag", "is not a repository", "REPOSITORY"},
        {parse_tag, "a___b", "--tag", "is not a repository", "REPOSITORY"},
        {parse_tag, "-a", "--tag", "is not a repository", "REPOSITORY"},
        {parse_tag, "a/", "--tag", "is not a repository", "REPOSITORY"},
        {parse_tag, "a b", "--tag", "is not a repository", "REPOSITORY"},
        {parse_tag, "app:", "--tag", "\"\" is not a tag", "REPOSITORY"},
        {parse_tag, "app:a b", "--tag", "\"a b\" is not a tag", "REPOSITORY"},
        {parse_tag, "app:-a", "--tag", "\"-a\" is not a tag", "REPOSITORY"},
        {parse_tag, "a.b:x/app", "--tag", "\"a.b:x\" is not a registry", "REPOSITORY"},
        {parse_tag, "a.b:/app", "--tag", "\"a.b:\" is not a registry", "REPOSITORY"},
        {parse_tag, "-a.b/app", "--tag", "is not a registry", "REPOSITORY"},
        {parse_tag, "app@", "--tag", "\"\" is not a digest", "REPOSITORY"},
        {parse_tag, "app@sha256:12", "--tag", "\"sha256:12\" is not a digest", "REPOSITORY"},
        {parse_tag, "https://r.io/app", "--tag", "is not a re", "REPOSITORY"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        struct depot_error err = {0};
        char head[512];
        int rc = rows[i].parse(rows[i].in, &out, &err);
        depot_buf_release(&out);
        if (rc != DEPOT_ERR_INVALID)
            fail_msg("%s \"%s\" was taken", rows[i].flag, rows[i].in);
        snprintf(head, sizeof(head), "invalid %s \"%s\": ", rows[i].flag, rows[i].in);
        if (strncmp(err.msg, head, strlen(head)) != 0 || strstr(err.msg, rows[i].says) == NULL)
            fail_msg("%s \"%s\": %s", rows[i].flag, rows[i].in, err.msg);
        if (strstr(err.hint, rows[i].hints) == NULL)
            fail_msg("%s \"%s\": the hint is %s", rows[i].flag, rows[i].in, err.hint);
    }
}

static void test_bool__knows_dockers_words(void **state)
{
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const neither[] = {"", "2", "yes", "no", "on", "tRUE", " true"};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(no); i++)
        assert_int_equal(dp_spec_bool(no[i]), 0);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(yes); i++)
        assert_int_equal(dp_spec_bool(yes[i]), 1);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(neither); i++)
        assert_int_equal(dp_spec_bool(neither[i]), -1);
    assert_int_equal(dp_spec_bool(NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec__reads_what_is_right),
        cmocka_unit_test(test_spec__refuses_by_flag_word_and_form),
        cmocka_unit_test(test_bool__knows_dockers_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
