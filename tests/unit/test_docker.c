/*
 * Docker's context store, which Engine a user means, and what an Engine answers.
 */
#include "docker/context.h"
#include "docker/docker.h"

#include <depot/path.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the store ---- */

static void test_context__names(void **state)
{
    static const struct {
        const char *name;
        bool valid;
    } rows[] = {{"ab", true}, {"a.b_c+d-e", true}, {"0x", true}, {"a", false}, {"", false},
        {"-a", false}, {".a", false}, {"a/b", false}, {"a b", false}, {"a\nb", false},
        {"..", false}, {"\xc3\xa4\xc3\xa4", false}};
    char longest[DP_CONTEXT_NAME_MAX + 2];
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        if (dp_context_name_valid(rows[i].name) != rows[i].valid)
            fail_msg("%s", rows[i].name);
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_false(dp_context_name_valid(longest));
    char *dir = dp_context_dir("meta", "mine");
    assert_string_equal(
        dir, "contexts/meta/3fd30542fe3f61b14bd4a4b2dc0b6fb30fa6f63ebce52dd1778aaa8c4dc02cff");
    depot_free(dir);
}

static void test_context__what_its_file_says(void **state)
{
    static const struct {
        const char *json, *host;
        bool skip;
    } rows[] = {
        {"{\"Endpoints\":{\"docker\":{\"Host\":\"tcp://h:1\",\"SkipTLSVerify\":true}}}",
            "tcp://h:1", true},
        {"{\"Name\":\"x\",\"Endpoints\":{\"docker\":{}}}", "", false},
        {"{\"Endpoints\":{\"docker\":{\"Host\":7}}}", "", false},
        {"{\"Endpoints\":{\"kubernetes\":{}}}", NULL, false},
        {"{\"Endpoints\":[]}", NULL, false},
        {"{}", NULL, false},
        {"[]", NULL, false},
        {"", NULL, false},
        {"{\"Endpoints\":{\"docker\":{", NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct dp_context c;
        const int rc = dp_context_parse(rows[i].json, strlen(rows[i].json), &c, NULL);
        assert_int_equal(rc == 0, rows[i].host != NULL);
        if (rc == 0)
            assert_string_equal(c.host, rows[i].host);
        assert_int_equal(c.skip_verify, rows[i].skip);
        dp_context_release(&c);
    }
}

/* ---- which Engine ---- */

static char *described(const char *context, const char *dir, struct depot_error *err)
{
    struct depot_docker_host h = {0};
    if (depot_docker_host_find(context, dir, &h, err) != 0)
        return NULL;
    char *command = depot_strv_join(&h.command, "|");
    char *s = depot_asprintf("%s%s%s%s", h.command.len > 0 ? command : h.addr.text,
        h.tls.enabled ? " tls" : "", h.no_verify ? " unverified" : "", h.tls.cert ? " cert" : "");
    depot_free(command);
    depot_docker_host_release(&h);
    return s;
}

#define SSH "ssh|-o|ConnectTimeout=30|-T|--|"

static void test_host__by_the_environment(void **state)
{
    static const struct {
        const char *host, *verify, *tls, *want;
    } rows[] = {
        {NULL, NULL, NULL, "unix:///var/run/docker.sock"},
        {NULL, NULL, "1", "tcp://localhost:2376 tls unverified"},
        {"unix:///x", "", "1", "unix:///x"}, {"tcp://h:1", NULL, NULL, "tcp://h:1"},
        {"tcp://h:1", NULL, "1", "tcp://h:1 tls unverified"}, {"h:1", NULL, NULL, "tcp://h:1"},
        {"ssh://h", NULL, NULL, SSH "h|docker system dial-stdio"},
        {"ssh://u@h:22", NULL, NULL,
            "ssh|-l|u|-p|22|-o|ConnectTimeout=30|-T|--|h|docker system "
            "dial-stdio"},
        {"ssh://h/run/d.sock", NULL, NULL,
            SSH "h|docker --host=unix:///run/d.sock system dial-stdio"},
        {"ssh://[::1]/", NULL, NULL, SSH "::1|docker system dial-stdio"},
        {"ssh://-oProxyCommand=x", NULL, NULL, NULL}, /* '=' is nothing for a host's name */
        {"ssh://u:p@h", NULL, NULL, NULL}, {"ssh://", NULL, NULL, NULL},
        {"ssh://h/a b", NULL, NULL, NULL}, {"ssh://h/$(x)", NULL, NULL, NULL},
        {"ssh://h?x", NULL, NULL, NULL}, {"ssh://h\n", NULL, NULL, NULL},
        {"npipe:////./pipe/docker", NULL, NULL, NULL},
        {"tcp://h:1", "1", NULL, NULL}, /* no ca.pem */
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_error err = {0};
        unsetenv("DOCKER_HOST");
        unsetenv("DOCKER_TLS");
        unsetenv("DOCKER_TLS_VERIFY");
        unsetenv("DOCKER_CONTEXT");
        unsetenv("DOCKER_CERT_PATH");
        if (rows[i].host != NULL)
            setenv("DOCKER_HOST", rows[i].host, 1);
        if (rows[i].verify != NULL)
            setenv("DOCKER_TLS_VERIFY", rows[i].verify, 1);
        if (rows[i].tls != NULL)
            setenv("DOCKER_TLS", rows[i].tls, 1);
        char *got = described(NULL, "/no/such/directory", &err);
        if (!depot_str_eq(got, rows[i].want))
            fail_msg("%s: got %s (%s)", rows[i].host != NULL ? rows[i].host : "none",
                got != NULL ? got : "nothing", err.msg);
        assert_int_equal(got == NULL, err.msg[0] != '\0');
        depot_free(got);
    }
}

/* ---- answers ---- */

static void on_message(const struct dp_docker_message *m, void *arg)
{
    depot_buf_addf(arg, "%s|%s|%s|%s|%lld/%lld;", m->id, m->status, m->error, m->digest,
        (long long)m->current, (long long)m->total);
}

static const struct {
    const char *text, *want;
    int rc;
} streams[] = {
    {"", "", 0},
    {" \r\n", "", 0},
    {"{\"status\":\"a\"}\r\n{\"id\":\"x\",\"status\":\"Pushing\",\"progressDetail\":{\"current\":5,"
     "\"total\":9}}",
        "|a|||0/0;x|Pushing|||5/9;", 0},
    {"{\"errorDetail\":{\"message\":\"d\"},\"error\":\"e\"}", "||d||0/0;", 0},
    {"{\"error\":\"e\"}{\"message\":\"m\"}", "||e||0/0;||m||0/0;", 0},
    {"{\"aux\":{\"Digest\":\"sha256:1\",\"Size\":3}}", "|||sha256:1|0/0;", 0},
    {"{\"id\":7,\"status\":null,\"progressDetail\":[],\"aux\":1}", "||||0/0;", 0},
    {"{\"progressDetail\":{\"current\":-5}}", "||||0/0;", 0},
    {"page not found", "", DEPOT_ERR_PROTOCOL},
    {"{\"a\":1} 7", "||||0/0;", DEPOT_ERR_PROTOCOL},
    {"{a}", "", DEPOT_ERR_PROTOCOL},
    {"{\"a\":[[[[[[[[[[1]]]]]]]]]]}", "", DEPOT_ERR_PROTOCOL},
};

static void check_stream(size_t row, size_t step)
{
    struct depot_buf got = DEPOT_BUF_INIT(4096);
    struct dp_docker_messages *m = dp_docker_messages_new(on_message, &got);
    const char *text = streams[row].text;
    int rc = 0;
    for (size_t at = 0, n = strlen(text); rc == 0 && at < n; at += step)
        rc = dp_docker_messages_feed(m, text + at, n - at < step ? n - at : step, NULL);
    if (rc != streams[row].rc || !depot_str_eq(depot_buf_str(&got), streams[row].want))
        fail_msg("%s by %zu: %d, %s", text, step, rc, depot_buf_str(&got));
    dp_docker_messages_free(m);
    depot_buf_release(&got);
}

static void test_messages__whole_and_in_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(streams); i++)
        for (size_t step = 1; step < 8; step++)
            check_stream(i, step == 7 ? SIZE_MAX / 2 : step);
}

static void test_messages__one_without_an_end(void **state)
{
    struct depot_buf got = DEPOT_BUF_INIT(4096);
    struct dp_docker_messages *m = dp_docker_messages_new(on_message, &got);
    static char chunk[64 * 1024];
    int rc;
    (void)state;
    memset(chunk, 'x', sizeof(chunk));
    rc = dp_docker_messages_feed(m, "{\"status\":\"", 11, NULL);
    for (int i = 0; rc == 0 && i < 100; i++)
        rc = dp_docker_messages_feed(m, chunk, sizeof(chunk), NULL);
    assert_int_equal(rc, DEPOT_ERR_TOO_BIG);
    dp_docker_messages_free(m);
    depot_buf_release(&got);
}

static void test_store__what_it_takes(void **state)
{
    static const struct {
        const char *json;
        bool containerd;
        const char *platform;
    } rows[] = {
        {"{\"OSType\":\"linux\",\"Architecture\":\"x86_64\",\"DriverStatus\":[[\"driver-type\","
         "\"io.containerd.snapshotter.v1\"]]}",
            true, "linux/amd64"},
        {"{\"OSType\":\"linux\",\"Architecture\":\"aarch64\",\"DriverStatus\":[[\"Backing "
         "Filesystem\","
         "\"extfs\"],[],7,[\"driver-type\"]]}",
            false, "linux/arm64"},
        {"{\"DriverStatus\":{}}", false, ""},
    };
    struct depot_docker_store s;
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        assert_int_equal(dp_docker_store_parse(rows[i].json, strlen(rows[i].json), &s, NULL), 0);
        assert_int_equal(s.containerd, rows[i].containerd);
        assert_string_equal(s.platform, rows[i].platform);
    }
    assert_int_equal(dp_docker_store_parse("[]", 2, &s, NULL), DEPOT_ERR_PROTOCOL);
    assert_int_equal(dp_docker_store_parse("{", 1, &s, NULL), DEPOT_ERR_PROTOCOL);
}

/* ---- pushing ---- */

static void test_push__registries_of_names(void **state)
{
    static const char *const rows[][2] = {
        {"docker.io/library/app:1", "registry-1.docker.io"},
        {"app", "registry-1.docker.io"},
        {"ann/app:1", "registry-1.docker.io"},
        {"localhost/app", "localhost"},
        {"localhost:5000/a/b:1", "localhost:5000"},
        {"ghcr.io/a/b", "ghcr.io"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char *host = depot_docker_registry_of(rows[i][0]);
        assert_string_equal(host, rows[i][1]);
        depot_free(host);
    }
}

static void test_push__names_that_lead_elsewhere(void **state)
{
    static const char *const rows[] = {"", "/a", "a//b", "../../containers/x", "a/../b", "a/./b",
        "a?b", "a b", "a\r\nHost: x", "a%2e", "a#b", "a@sha256:1"};
    static const struct depot_docker_push_ops ops = {0};
    struct depot_docker_host host = {0};
    struct depot_docker_login login = {.registry = "r"};
    struct depot_docker_push *push;
    struct depot_error err = {0};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        assert_int_equal(
            depot_docker_push_start(NULL, &host, rows[i], &login, &ops, NULL, &push, &err),
            DEPOT_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_context__names),
        cmocka_unit_test(test_context__what_its_file_says),
        cmocka_unit_test(test_host__by_the_environment),
        cmocka_unit_test(test_messages__whole_and_in_pieces),
        cmocka_unit_test(test_messages__one_without_an_end),
        cmocka_unit_test(test_store__what_it_takes),
        cmocka_unit_test(test_push__registries_of_names),
        cmocka_unit_test(test_push__names_that_lead_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
