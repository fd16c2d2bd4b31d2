/*
 * What a registry says: challenges, URLs, manifests. Joins over a real registry are in
 * tests/integration/test_push.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <depot/registry.h>

#include "registry/challenge.h"

#include <string.h>

static void test_challenge__is_read(void **state)
{
    static const struct {
        const char *header;
        enum dp_auth_scheme scheme;
        const char *realm, *service, *scope;
    } rows[] = {
        {NULL, DP_AUTH_NONE, NULL, NULL, NULL},
        {"", DP_AUTH_NONE, NULL, NULL, NULL},
        {"Basic realm=\"it\"", DP_AUTH_BASIC, "it", NULL, NULL},
        {"basic", DP_AUTH_BASIC, NULL, NULL, NULL},
        {"Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a/b:pull,push\"",
            DP_AUTH_BEARER, "https://a/t", "s", "repository:a/b:pull,push"},
        {"BEARER  realm = \"https://a/t\" , service=s", DP_AUTH_BEARER, "https://a/t", "s", NULL},
        {"Basic realm=\"x\", Bearer realm=\"https://a/t\"", DP_AUTH_BEARER, "https://a/t", NULL,
            NULL},
        {"Bearer realm=\"https://a/t\", Basic realm=\"x\"", DP_AUTH_BEARER, "https://a/t", NULL,
            NULL},
        {"Bearer realm=\"a\\\"b\\\\c\"", DP_AUTH_BEARER, "a\"b\\c", NULL, NULL},
        {"Bearer service=\"s\"", DP_AUTH_NONE, NULL, NULL, NULL}, /* nowhere to ask */
        {"Bearer realm=\"never ends", DP_AUTH_NONE, NULL, NULL, NULL},
        {"Negotiate abc==, Basic realm=\"x\"", DP_AUTH_BASIC, "x", NULL, NULL},
        {"Digest realm=\"x\", nonce=\"y\"", DP_AUTH_NONE, NULL, NULL, NULL},
        {"Bearer realm=\"a\",realm=\"b\"", DP_AUTH_BEARER, "a", NULL, NULL},
        {",,, \t", DP_AUTH_NONE, NULL, NULL, NULL},
        {"\"", DP_AUTH_NONE, NULL, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct dp_challenge c;
        dp_challenge_parse(rows[i].header, &c);
        if (c.scheme != rows[i].scheme ||
            (c.scheme != DP_AUTH_NONE && (!depot_str_eq(c.realm, rows[i].realm) ||
                                             !depot_str_eq(c.service, rows[i].service) ||
                                             !depot_str_eq(c.scope, rows[i].scope))))
            fail_msg("%s: scheme %d, realm %s, service %s, scope %s", rows[i].header, c.scheme,
                c.realm, c.service, c.scope);
        dp_challenge_release(&c);
    }
}

static void test_url__is_split(void **state)
{
    static const struct {
        const char *url, *host, *path; /* host NULL: refused */
        int port;
        bool tls;
    } rows[] = {
        {"https://a.example", "a.example", "/", 443, true},
        {"HTTP://a:5000/x?y=z#w", "a", "/x?y=z", 5000, false},
        {"https://[::1]:8/v2/", "::1", "/v2/", 8, true},
        {"https://a?b=c", "a", "/?b=c", 443, true},
        {"ftp://a/", NULL, NULL, 0, false},
        {"//a/b", NULL, NULL, 0, false},
        {"https://user:pw@a/", NULL, NULL, 0, false},
        {"https:///x", NULL, NULL, 0, false},
        {"https://a:99999/", NULL, NULL, 0, false},
        {"https://a/\nX-Evil: 1", NULL, NULL, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_addr a = {0};
        char *path = NULL;
        int rc = dp_url_parse(rows[i].url, &a, &path, NULL);
        assert_int_equal(rc == 0, rows[i].host != NULL);
        if (rc != 0)
            continue;
        assert_string_equal(a.host, rows[i].host);
        assert_string_equal(path, rows[i].path);
        assert_int_equal(a.port, rows[i].port);
        assert_int_equal(a.tls, rows[i].tls);
        depot_addr_release(&a);
        depot_free(path);
    }
}

#define DIGEST(c)   "sha256:" c c c c c c c c c c c c c c c c
#define CHILD(d, a) "{\"mediaType\":\"m\",\"digest\":\"" DIGEST(d) "\",\"size\":3" a "}"
#define PROOF       ",\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}"
#define INDEX(list) "{\"schemaVersion\":2,\"manifests\":[" list "]}"

static int join(
    const char *const *texts, size_t n, char **out, const char **type, struct depot_error *err)
{
    struct depot_join_part parts[4] = {0};
    char digests[4][DEPOT_DIGEST_LEN + 1];
    for (size_t i = 0; i < n; i++) {
        depot_digest_of(texts[i], strlen(texts[i]), digests[i]);
        parts[i] = (struct depot_join_part){.platform = "linux/arm/v7",
            .digest = digests[i],
            .manifest = texts[i],
            .len = strlen(texts[i])};
    }
    return depot_index_join(parts, n, NULL, out, type, err);
}

/* Where each of these stands in the text, one behind the other. */
static void expect_order(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *at = strstr(text, words[i]);
        if (at == NULL)
            fail_msg("no %s in %s", words[i], text);
        text = at + 1;
    }
}

static void test_index__has_images_then_attestations_each_once(void **state)
{
    static const char *const texts[] = {INDEX(CHILD("aaaa", "") "," CHILD("bbbb", PROOF)),
        INDEX(CHILD("cccc", "") "," CHILD("bbbb", PROOF) "," CHILD("dddd", PROOF))};
    static const char *const order[] = {
        DIGEST("aaaa"), DIGEST("cccc"), DIGEST("bbbb"), DIGEST("dddd")};
    char *text = NULL;
    const char *type = NULL;
    (void)state;
    assert_int_equal(join(texts, 2, &text, &type, NULL), 0);
    assert_string_equal(type, "application/vnd.oci.image.index.v1+json");
    expect_order(text, order, DEPOT_ARRAY_LEN(order));
    assert_null(strstr(strstr(text, DIGEST("bbbb")) + 1, DIGEST("bbbb")));
    depot_free(text);
}

static void test_index__lists_a_manifest_that_has_none(void **state)
{
    static const char *const texts[] = {
        "{\"mediaType\":\"application/vnd.docker.distribution.manifest.v2+json\"}"};
    static const char *const order[] = {"manifest.v2+json", "\"size\": 68",
        "\"architecture\": \"arm\"", "\"os\": \"linux\"", "\"variant\": \"v7\""};
    char *text = NULL;
    const char *type = NULL;
    (void)state;
    assert_int_equal(join(texts, 1, &text, &type, NULL), 0);
    assert_string_equal(type, "application/vnd.docker.distribution.manifest.list.v2+json");
    expect_order(text, order, DEPOT_ARRAY_LEN(order));
    depot_free(text);
}

/* Such a text of a few megabytes would fill a gigabyte. */
static void test_index__refuses_more_values_than_any_manifest_has(void **state)
{
    static const char *const values[] = {"{},", "[],", "0,", "[[[{}]]],"};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(values); i++) {
        struct depot_buf b = DEPOT_BUF_INIT(DEPOT_MANIFEST_MAX);
        struct depot_error err = {0};
        char *text = NULL;
        const char *type = NULL;
        depot_buf_adds(&b, "{\"config\":[");
        while (b.len < DEPOT_MANIFEST_MAX - 64)
            depot_buf_adds(&b, values[i]);
        depot_buf_adds(&b, "0]}");
        const char *const texts[] = {depot_buf_str(&b)};
        assert_int_equal(join(texts, 1, &text, &type, &err), DEPOT_ERR_PROTOCOL);
        assert_non_null(strstr(err.msg, "too much"));
        depot_buf_release(&b);
    }
}

static void test_index__refuses_what_is_no_manifest(void **state)
{
    static const char *const rows[] = {"", "[]", "{", "null",
        INDEX("{\"mediaType\":\"m\",\"digest\":\"sha256:no\"}"), INDEX("{\"digest\":5}"),
        INDEX("7"), INDEX("")};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char *text = NULL;
        const char *type = NULL;
        struct depot_error err = {0};
        assert_int_equal(join(&rows[i], 1, &text, &type, &err), DEPOT_ERR_PROTOCOL);
        assert_null(text);
        assert_true(err.msg[0] != '\0');
    }
}

static void test_index__holds_bytes_against_their_digest(void **state)
{
    const struct depot_join_part part = {
        .platform = "linux/amd64", .digest = DIGEST("0000"), .manifest = "{}", .len = 2};
    char *text = NULL;
    const char *type = NULL;
    struct depot_error err = {0};
    (void)state;
    assert_int_equal(depot_index_join(&part, 1, NULL, &text, &type, &err), DEPOT_ERR_PROTOCOL);
    assert_non_null(strstr(err.msg, "not the one that its builder pushed"));
}

static void test_digest__is_spelt_as_oci_does(void **state)
{
    char out[DEPOT_DIGEST_LEN + 1];
    struct depot_digester *d = depot_digester_new();
    (void)state;
    depot_digester_add(d, "a", 1);
    depot_digester_add(d, "bc", 2);
    depot_digester_end(d, out);
    depot_digester_free(d);
    assert_string_equal(
        out, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(depot_digest_valid(out));
    out[20] = 'A';
    assert_false(depot_digest_valid(out));
    assert_false(depot_digest_valid(NULL));
    assert_false(depot_digest_valid("sha256:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenge__is_read),
        cmocka_unit_test(test_url__is_split),
        cmocka_unit_test(test_index__has_images_then_attestations_each_once),
        cmocka_unit_test(test_index__lists_a_manifest_that_has_none),
        cmocka_unit_test(test_index__refuses_more_values_than_any_manifest_has),
        cmocka_unit_test(test_index__refuses_what_is_no_manifest),
        cmocka_unit_test(test_index__holds_bytes_against_their_digest),
        cmocka_unit_test(test_digest__is_spelt_as_oci_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
