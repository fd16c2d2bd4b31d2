/*
 * The small languages inside flags: the first byte chooses one, the rest is the word. What is
 * written back must be read again.
 */
#include <stdlib.h>

#include <depot/platform.h>

#include "build/spec.h"

static void check(int ok)
{
    if (!ok)
        abort();
}

static void platform(const char *s)
{
    char out[DEPOT_PLATFORM_MAX], again[DEPOT_PLATFORM_MAX];
    if (depot_platform_parse(s, out, NULL) != 0)
        return;
    check(depot_platform_parse(out, again, NULL) == 0 && depot_str_eq(out, again));
    check(depot_platform_covers(out, out));
}

static void csv(const char *s)
{
    struct depot_kvs fields = {0}, again = {0};
    if (dp_csv_fields("--output", s, &fields, NULL) == 0) {
        char *text = dp_csv_join(&fields);
        check(dp_csv_fields("--output", text, &again, NULL) == 0 && fields.len == again.len);
        depot_free(text);
    }
    depot_kvs_release(&again);
    depot_kvs_release(&fields);
}

static void annotation(const char *s)
{
    struct depot_kvs attrs = {0};
    struct depot_error err;
    if (dp_spec_annotation(s, &attrs, &err) == 0)
        check(attrs.len > 0);
    depot_kvs_release(&attrs);
}

static void attest(const char *s)
{
    struct dp_spec_attest a = {0}, b = {0};
    struct depot_error err;
    if (dp_spec_attest(s, &a, &err) == 0)
        check(a.type != NULL);
    if (dp_spec_attest_short("--sbom", "sbom", s, &b, &err) == 0)
        check(b.type != NULL);
    dp_spec_attest_release(&a);
    dp_spec_attest_release(&b);
}

static void secret(const char *s)
{
    struct dp_spec_secret a = {0};
    struct dp_spec_ssh b = {0};
    struct depot_error err;
    if (dp_spec_secret(s, &a, &err) == 0)
        check(!depot_str_empty(a.id));
    if (dp_spec_ssh(s, &b, &err) == 0)
        check(!depot_str_empty(b.id));
    dp_spec_secret_release(&a);
    dp_spec_ssh_release(&b);
}

static void output(const char *s)
{
    struct depot_output o = {0};
    struct dp_spec_caches c = {0};
    struct depot_error err;
    if (dp_spec_output(s, &o, &err) == 0)
        check(!depot_str_empty(o.type));
    if (dp_spec_cache("--cache-to", s, &c, &err) == 0)
        check(c.len > 0);
    dp_spec_output_release(&o);
    dp_spec_caches_release(&c);
}

static void host(const char *s)
{
    struct depot_strv names = {0};
    struct depot_error err;
    char *text = NULL;
    bool delete_local = false;
    if (dp_spec_add_host(s, &text, &err) == 0)
        check(strchr(text, '=') != NULL);
    depot_free(text);
    if (dp_spec_allow(s, &names, &delete_local, &err) != 0)
        check(err.code == DEPOT_ERR_INVALID);
    depot_strv_release(&names);
}

static void limit(const char *s)
{
    struct depot_error err;
    char *text = NULL;
    int64_t bytes;
    if (dp_spec_ulimit(s, &text, &err) == 0)
        check(strchr(text, ':') != NULL);
    depot_free(text);
    if (dp_spec_bytes("--shm-size", s, &bytes, &err) == 0)
        check(bytes >= 0);
}

static void image(const char *s)
{
    struct depot_error err;
    char *name = NULL, *again = NULL, *context = NULL;
    const char *value = NULL;
    if (dp_image_name(s, &name, &err) == 0)
        check(dp_image_name(name, &again, &err) == 0 && depot_str_eq(name, again));
    if (dp_spec_context(s, &context, &value, &err) == 0)
        check(!depot_str_empty(context) && !depot_str_empty(value));
    depot_free(name);
    depot_free(again);
    depot_free(context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static void (*const parsers[])(const char *) = {
        platform, csv, annotation, attest, secret, output, host, limit, image};
    if (n == 0)
        return 0;
    char *word = depot_strndup((const char *)data + 1, n - 1);
    parsers[data[0] % DEPOT_ARRAY_LEN(parsers)](word);
    depot_free(word);
    return 0;
}
