/*
 * The small services: health, secrets, credentials, the agent, an upload; and what is announced.
 */
#include "session_rig.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "session/docker_config.h"

static const char get_secret[] = "/moby.buildkit.secrets.v1.Secrets/GetSecret";
static const char credentials[] = "/moby.filesync.v1.Auth/Credentials";

static void ask(struct rig *r, struct rig_call *k, const char *path, const char *text)
{
    uint8_t msg[1024];
    uint8_t *p = dp_pb_put_bytes(msg, 1, text, strlen(text));
    rig_unary(r, k, path, msg, (size_t)(p - msg));
}

static void assert_bytes(const struct rig_call *k, uint32_t field, const char *want)
{
    size_t n;
    assert_int_equal(k->messages.len, 1);
    const struct depot_buf *b = &k->messages.items[0];
    const uint8_t *data = dp_pb_bytes(depot_buf_str(b), b->len, field, &n);
    assert_int_equal(n, strlen(want));
    if (n > 0)
        assert_memory_equal(data, want, n);
}

static void test_session__announces_what_it_serves(void **state)
{
    (void)state;
    struct dp_session_config cfg = {0};
    struct depot_strv v = {0};
    dp_session_methods(&cfg, &v);
    assert_true(depot_strv_has(&v, "/grpc.health.v1.Health/Check"));
    assert_true(depot_strv_has(&v, credentials));
    assert_false(depot_strv_has(&v, get_secret));
    assert_false(depot_strv_has(&v, "/moby.filesync.v1.FileSync/DiffCopy"));
    assert_false(depot_strv_has(&v, "/moby.filesync.v1.FileSend/DiffCopy"));
    depot_strv_release(&v);
    struct dp_session_secret secret = {.id = (char *)"x"};
    struct dp_session_output out = {.kind = DP_OUTPUT_FD};
    cfg = (struct dp_session_config){.secrets = &secret,
        .nsecrets = 1,
        .dockerfile_data = "",
        .outputs = &out,
        .noutputs = 1,
        .upload_id = "u"};
    dp_session_methods(&cfg, &v);
    assert_int_equal(v.len, 7);
    depot_strv_release(&v);
}

static void test_session__unknown_method(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    rig_init(&r);
    rig_start(&r);
    rig_unary(&r, &k, "/moby.filesync.v1.FileSync/TarStream", "", 0);
    assert_int_equal(k.code, DP_GRPC_UNIMPLEMENTED);
    rig_call_free(&k);
    rig_free(&r);
}

static void test_session__closed_by_the_engine(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    rig_init(&r);
    rig_start(&r);
    rig_unary(&r, &k, "/grpc.health.v1.Health/Check", "", 0);
    assert_int_equal(k.code, DP_GRPC_OK);
    rig_call_free(&k);
    dp_grpc_conn_free(r.conn);
    r.conn = NULL;
    RIG_UNTIL(&r, r.closed == 1);
    rig_free(&r);
}

static void test_secrets__by_file_and_environment(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    rig_init(&r);
    rig_file(&r, "s", "from file", 9);
    struct dp_session_secret secrets[] = {{.id = (char *)"f", .file = rig_path(&r, "s")},
        {.id = (char *)"e", .env = (char *)"DEPOT_TEST_SECRET"},
        {.id = (char *)"no", .env = (char *)"DEPOT_TEST_NOT_SET"},
        {.id = (char *)"gone", .file = rig_path(&r, "gone")}};
    r.cfg.secrets = secrets;
    r.cfg.nsecrets = DEPOT_ARRAY_LEN(secrets);
    setenv("DEPOT_TEST_SECRET", "from env", 1);
    rig_start(&r);
    ask(&r, &k, get_secret, "f");
    assert_bytes(&k, 1, "from file");
    rig_call_free(&k);
    ask(&r, &k, get_secret, "e");
    assert_bytes(&k, 1, "from env");
    rig_call_free(&k);
    ask(&r, &k, get_secret, "other");
    assert_int_equal(k.code, DP_GRPC_NOT_FOUND);
    assert_int_equal(r.problems, 0);
    rig_call_free(&k);
    ask(&r, &k, get_secret, "no"); /* empty, as with docker build */
    assert_int_equal(k.code, DP_GRPC_OK);
    assert_bytes(&k, 1, "");
    rig_call_free(&k);
    ask(&r, &k, get_secret, "gone");
    RIG_UNTIL(&r, r.problems == 1);
    assert_int_equal(k.code, DP_GRPC_UNKNOWN);
    assert_non_null(strstr(r.problem.msg, "secret \"gone\""));
    rig_call_free(&k);
    rig_unary(&r, &k, get_secret, "\xff", 1);
    assert_int_equal(k.code, DP_GRPC_NOT_FOUND);
    rig_call_free(&k);
    rig_free(&r);
    depot_free(secrets[0].file);
    depot_free(secrets[3].file);
}

static void test_docker_config__rows(void **state)
{
    (void)state;
    static const struct {
        const char *json, *host, *helper, *server, *user, *secret;
    } rows[] = {
        {"", "h", NULL, "h", NULL, NULL},
        {"{}", "registry-1.docker.io", NULL, "https://index.docker.io/v1/", NULL, NULL},
        {"{\"auths\":{\"h\":{\"auth\":\"dTpwOnc=\"}}}", "h", NULL, "h", "u", "p:w"},
        {"{\"auths\":{\"https://h/v2/\":{\"auth\":\"dTpw\"}}}", "h", NULL, "h", "u", "p"},
        {"{\"auths\":{\"h\":{\"auth\":\"dTpw\",\"identitytoken\":\"T\"}}}", "h", NULL, "h", "",
            "T"},
        {"{\"auths\":{\"h\":{\"username\":\"u\",\"password\":\"p\"}}}", "h", NULL, "h", "u", "p"},
        {"{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"dTpw\"}}}",
            "registry-1.docker.io", NULL, "https://index.docker.io/v1/", "u", "p"},
        {"{\"auths\":{\"docker.io\":{\"auth\":\"dTpw\"}}}", "registry-1.docker.io", NULL,
            "https://index.docker.io/v1/", "u", "p"},
        {"{\"auths\":{\"h2\":{\"auth\":\"dTpw\"}}}", "h", NULL, "h", NULL, NULL},
        {"{\"auths\":{\"h\":{\"auth\":\"!!!\"}}}", "h", NULL, "h", NULL, NULL},
        {"{\"auths\":{\"h\":{\"auth\":\"dQ==\"}}}", "h", NULL, "h", NULL, NULL},
        {"{\"auths\":{\"h\":5},\"credHelpers\":7}", "h", NULL, "h", NULL, NULL},
        {"{\"credsStore\":\"pass\"}", "h", "pass", "h", NULL, NULL},
        {"{\"credsStore\":\"pass\",\"credHelpers\":{\"h\":\"gcr\"}}", "h", "gcr", "h", NULL, NULL},
        {"{\"credsStore\":\"../../x\"}", "h", NULL, "h", NULL, NULL},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct dp_docker_auth a;
        struct depot_error err;
        assert_int_equal(
            dp_docker_config_find(rows[i].json, strlen(rows[i].json), rows[i].host, &a, &err), 0);
        assert_true(depot_str_eq(a.helper, rows[i].helper));
        assert_string_equal(a.server, rows[i].server);
        assert_true(depot_str_eq(a.own.username, rows[i].user));
        assert_true(depot_str_eq(a.own.secret, rows[i].secret));
        dp_docker_auth_release(&a);
    }
}

static void test_docker_config__refuses(void **state)
{
    (void)state;
    static const char *const rows[] = {"x", "[]", "{\"auths\":", "5"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct dp_docker_auth a;
        struct depot_error err;
        assert_int_equal(
            dp_docker_config_find(rows[i], strlen(rows[i]), "h", &a, &err), DEPOT_ERR_INVALID);
        dp_docker_auth_release(&a);
    }
}

static void write_helper(const struct rig *r, const char *name, const char *script)
{
    char *path = rig_path(r, name);
    rig_file(r, name, script, strlen(script));
    assert_int_equal(chmod(path, 0755), 0);
    depot_free(path);
}

static void test_auth__asks_helpers(void **state)
{
    (void)state;
    static const struct {
        const char *host, *user, *secret;
    } rows[] = {{"ok.io", "me", "for ok.io"}, {"token.io", "", "T"}, {"none.io", "", ""},
        {"broken.io", "", ""}, {"missing.io", "", ""}, {"plain.io", "u", "p"}};
    struct rig r;
    struct rig_call k;
    rig_init(&r);
    static const char config[] =
        "{\"credHelpers\":{\"ok.io\":\"t-ok\",\"token.io\":\"t-token\",\"none.io\":\"t-none\","
        "\"broken.io\":\"t-broken\",\"missing.io\":\"t-missing\"},"
        "\"auths\":{\"plain.io\":{\"auth\":\"dTpw\"}}}";
    rig_file(&r, "config.json", config, sizeof(config) - 1);
    write_helper(&r, "docker-credential-t-ok",
        "#!/bin/sh\nread h; echo \"{\\\"Username\\\":\\\"me\\\",\\\"Secret\\\":\\\"for "
        "$h\\\"}\"\n");
    write_helper(&r, "docker-credential-t-token",
        "#!/bin/sh\necho '{\"Username\":\"<token>\",\"Secret\":\"T\"}'\n");
    write_helper(&r, "docker-credential-t-none",
        "#!/bin/sh\necho 'credentials not found in native keychain'; exit 1\n");
    write_helper(&r, "docker-credential-t-broken", "#!/bin/sh\nexit 3\n");
    char *old = depot_strdup(getenv("PATH")), *path = depot_asprintf("%s:%s", r.dir, old);
    setenv("PATH", path, 1);
    r.cfg.docker_config = r.dir;
    rig_start(&r);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        ask(&r, &k, credentials, rows[i].host);
        assert_int_equal(k.code, DP_GRPC_OK);
        assert_bytes(&k, 1, rows[i].user);
        assert_bytes(&k, 2, rows[i].secret);
        rig_call_free(&k);
    }
    /* The variable comes before the file and its helpers; what it does not know is asked there. */
    static const struct {
        const char *variable, *host, *user;
    } env[] = {
        {"{\"auths\":{\"plain.io\":{\"auth\":\"dmFyOnB3\"}}}", "plain.io", "var"},
        {"{\"auths\":{\"ok.io\":{\"auth\":\"dmFyOnB3\"}}}", "ok.io", "var"},
        {"{\"auths\":{\"other.io\":{\"auth\":\"dmFyOnB3\"}}}", "plain.io", "u"},
        {"{\"auths\":", "plain.io", "u"},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(env); i++) {
        setenv("DOCKER_AUTH_CONFIG", env[i].variable, 1);
        ask(&r, &k, credentials, env[i].host);
        assert_bytes(&k, 1, env[i].user);
        rig_call_free(&k);
    }
    unsetenv("DOCKER_AUTH_CONFIG");
    rig_unary(&r, &k, credentials, "", 0);
    assert_int_equal(k.code, DP_GRPC_INVALID_ARGUMENT);
    rig_call_free(&k);
    /* Gone while a helper runs. */
    write_helper(&r, "docker-credential-t-ok", "#!/bin/sh\nsleep 0.2\n");
    rig_call(&r, &k, credentials, NULL, 0);
    dp_grpc_send(k.call, "\x0a\x05ok.io", 7);
    dp_grpc_send_end(k.call);
    for (int i = 0; i < 20; i++)
        depot_loop_turn(r.loop);
    rig_free(&r);
    k.call = NULL;
    rig_call_free(&k);
    setenv("PATH", old, 1);
    depot_free(old);
    depot_free(path);
}

static void test_upload__sends_the_descriptor(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    struct dp_grpc_md md = {"urlpath", "/up"}, bad = {"urlpath", "/other"};
    int fds[2];
    size_t got = 0;
    rig_init(&r);
    assert_int_equal(pipe(fds), 0);
    r.cfg.upload_id = "up";
    r.cfg.upload_fd = fds[0];
    rig_start(&r);
    rig_call(&r, &k, "/moby.upload.v1.Upload/Pull", &bad, 1);
    RIG_UNTIL(&r, k.done);
    assert_int_equal(k.code, DP_GRPC_NOT_FOUND);
    rig_call_free(&k);
    rig_call(&r, &k, "/moby.upload.v1.Upload/Pull", &md, 1);
    for (int i = 0; i < 30; i++) {
        char chunk[10000];
        memset(chunk, 'a' + i % 26, sizeof(chunk));
        assert_int_equal(write(fds[1], chunk, sizeof(chunk)), sizeof(chunk));
        for (int t = 0; t < 20; t++)
            depot_loop_turn(r.loop);
    }
    close(fds[1]);
    RIG_UNTIL(&r, k.done);
    assert_int_equal(k.code, DP_GRPC_OK);
    for (size_t i = 0; i < k.messages.len; i++) {
        size_t n;
        const struct depot_buf *b = &k.messages.items[i];
        const uint8_t *data = dp_pb_bytes(b->data, b->len, 1, &n);
        for (size_t j = 0; j < n; j++, got++)
            assert_int_equal(data[j], 'a' + (int)(got / 10000) % 26);
    }
    assert_int_equal(got, 300000);
    close(fds[0]);
    rig_call_free(&k);
    rig_free(&r);
}

static void test_ssh__relays_both_ways(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    struct depot_kvs ssh = {0};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    rig_init(&r);
    char *path = rig_path(&r, "agent"), answer[16] = {0};
    strcpy(addr.sun_path, path);
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(server, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(server, 1), 0);
    depot_kvs_set(&ssh, "default", path);
    depot_kvs_set(&ssh, "dead", "/nonexistent/agent");
    r.cfg.ssh = &ssh;
    rig_start(&r);
    ask(&r, &k, "/moby.sshforward.v1.SSH/CheckAgent", "");
    assert_int_equal(k.code, DP_GRPC_OK);
    rig_call_free(&k);
    ask(&r, &k, "/moby.sshforward.v1.SSH/CheckAgent", "other");
    assert_int_equal(k.code, DP_GRPC_NOT_FOUND);
    rig_call_free(&k);
    struct dp_grpc_md dead = {"buildkit.ssh.id", "dead"};
    rig_call(&r, &k, "/moby.sshforward.v1.SSH/ForwardAgent", &dead, 1);
    RIG_UNTIL(&r, k.done && r.problems == 1);
    assert_int_equal(k.code, DP_GRPC_UNAVAILABLE);
    rig_call_free(&k);
    rig_call(&r, &k, "/moby.sshforward.v1.SSH/ForwardAgent", NULL, 0);
    dp_grpc_send(k.call, "\x0a\x03sig", 5);
    for (int i = 0; i < 50; i++)
        depot_loop_turn(r.loop);
    int agent = accept(server, NULL, NULL);
    assert_int_equal(read(agent, answer, sizeof(answer)), 3);
    assert_string_equal(answer, "sig");
    assert_int_equal(write(agent, "ned", 3), 3);
    RIG_UNTIL(&r, k.messages.len == 1);
    assert_bytes(&k, 1, "ned");
    dp_grpc_send_end(k.call);
    RIG_UNTIL(&r, k.done);
    assert_int_equal(k.code, DP_GRPC_OK);
    close(agent);
    close(server);
    rig_call_free(&k);
    rig_free(&r);
    depot_kvs_release(&ssh);
    depot_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session__announces_what_it_serves),
        cmocka_unit_test(test_session__unknown_method),
        cmocka_unit_test(test_session__closed_by_the_engine),
        cmocka_unit_test(test_secrets__by_file_and_environment),
        cmocka_unit_test(test_docker_config__rows),
        cmocka_unit_test(test_docker_config__refuses),
        cmocka_unit_test(test_auth__asks_helpers),
        cmocka_unit_test(test_upload__sends_the_descriptor),
        cmocka_unit_test(test_ssh__relays_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
