/*
 * depotd's options: the command line, the file under it, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <depot/file_writer.h>
#include <depot/path.h>

#include "builder/config.h"

enum { ARGS_MAX = 12 };

static char home[] = "/tmp/depot-test-config-XXXXXX";

static int setup(void **state)
{
    (void)state;
    if (mkdtemp(home) == NULL)
        return -1;
    setenv("XDG_CONFIG_HOME", home, 1);
    setenv("XDG_STATE_HOME", home, 1);
    setenv("XDG_RUNTIME_DIR", home, 1);
    return 0;
}

static int teardown(void **state)
{
    char *path = depot_path_join(home, "test.conf");
    (void)state;
    unlink(path);
    depot_free(path);
    return rmdir(home);
}

static int load(const char *const *args, struct config *c, struct depot_error *err)
{
    char *argv[ARGS_MAX + 1] = {depot_strdup("depotd")};
    int argc = 1;
    for (; args[argc - 1] != NULL; argc++)
        argv[argc] = depot_strdup(args[argc - 1]);
    int rc = config_load(argc, argv, c, err);
    for (int i = 0; i < argc; i++)
        depot_free(argv[i]);
    return rc;
}

static char *write_file(const char *text)
{
    static const struct depot_file_opts opts = {.what = "file", .mode = 0600};
    char *path = depot_path_join(home, "test.conf");
    assert_int_equal(depot_file_write(path, &opts, text, strlen(text), NULL), 0);
    return path;
}

static void test_config__has_defaults(void **state)
{
    const char *const args[ARGS_MAX] = {NULL};
    struct config c;
    (void)state;
    assert_int_equal(load(args, &c, NULL), 0);
    assert_int_equal(c.nlisten, 1);
    char *want = depot_asprintf("%s/depot/depotd.sock", home);
    assert_string_equal(c.listen[0].path, want);
    depot_free(want);
    assert_true(depot_str_starts(c.state_dir, home));
    assert_int_equal(c.nbuilders, 0);
    assert_int_equal(c.idle_s, 0);
    assert_int_equal(c.ready_fd, -1);
    config_release(&c);
}

static void test_config__takes_options_in_every_form(void **state)
{
    const char *const args[ARGS_MAX] = {"--listen=unix:///a.sock", "-l", "unix:///b.sock",
        "-bamd=unix:///c.sock,max=7", "--idle", "60", "--log-level=debug", "--ready-fd=3",
        "--state-dir", "/s", NULL};
    struct config c;
    (void)state;
    assert_int_equal(load(args, &c, NULL), 0);
    assert_int_equal(c.nlisten, 2);
    assert_string_equal(c.listen[1].path, "/b.sock");
    assert_int_equal(c.nbuilders, 1);
    assert_string_equal(c.builders[0].name, "amd");
    assert_int_equal(c.builders[0].capacity, 7);
    assert_int_equal(c.idle_s, 60);
    assert_int_equal(c.log_level, DEPOT_LOG_DEBUG);
    assert_int_equal(c.ready_fd, 3);
    assert_string_equal(c.state_dir, "/s");
    config_release(&c);
}

static void test_config__lies_over_its_file(void **state)
{
    char *path = write_file("# a comment\n\n listen = unix:///file.sock \nlisten=unix:///two.sock\n"
                            "builder = arm=tcp://h:1,ca=/ca,cert=/c,key=/k,server-name=s\n"
                            "idle = 5\nstate-dir = /file");
    const char *const args[ARGS_MAX] = {
        "-c", path, "--listen", "unix:///arg.sock", "--idle=9", NULL};
    struct config c;
    (void)state;
    assert_int_equal(load(args, &c, NULL), 0);
    assert_int_equal(c.nlisten, 1);
    assert_string_equal(c.listen[0].path, "/arg.sock");
    assert_int_equal(c.idle_s, 9);
    assert_string_equal(c.state_dir, "/file");
    assert_int_equal(c.nbuilders, 1);
    assert_true(c.builders[0].tls.enabled);
    assert_string_equal(c.builders[0].tls.ca, "/ca");
    assert_string_equal(c.builders[0].tls.server_name, "s");
    config_release(&c);
    depot_free(path);
}

static void test_config__names_file_and_line(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"idle = 1\nnonsense\n", "test.conf:2: \"nonsense\" is not `name = value`"},
        {"colour = red\n", "test.conf:1: unknown option \"colour\""},
        {"\n\nidle = soon\n", "test.conf:3: invalid value \"soon\" for --idle"},
        {"idle =\n", "test.conf:1: option \"idle\" has no value"},
        {"ready-fd = 3\n", "test.conf:1: unknown option \"ready-fd\""},
        {"builder = a=unix:///x\nbuilder = a=unix:///y\n", "test.conf:2: --builder: two builders"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char *path = write_file(rows[i].text);
        const char *const args[ARGS_MAX] = {"--config", path, NULL};
        struct config c;
        struct depot_error err = {0};
        assert_int_not_equal(load(args, &c, &err), 0);
        if (strstr(err.msg, rows[i].error) == NULL)
            fail_msg("got \"%s\"", err.msg);
        depot_free(path);
    }
}

static void test_config__refuses_bad_options(void **state)
{
    static const struct {
        const char *args[ARGS_MAX];
        const char *error;
    } rows[] = {
        {{"--colour"}, "unknown flag: --colour"},
        {{"-x"}, "unknown flag: -x"},
        {{"build"}, "\"depotd\" takes no arguments"},
        {{"--version=yes"}, "expected true or false"},
        {{"--idle"}, "flag needs an argument: --idle"},
        {{"--idle", "-1"}, "invalid value \"-1\" for --idle"},
        {{"--log-level", "loud"}, "invalid value \"loud\" for --log-level"},
        {{"--listen", "carrier-pigeon://x"}, "--listen"},
        {{"--listen", "docker+unix:///x"}, "listen on unix://PATH or tcp://HOST:PORT"},
        {{"--listen", "tcp://127.0.0.1:7"}, "refusing to listen on TCP without a token"},
        {{"--tls-cert", "/c"}, "--tls-cert and --tls-key belong together"},
        {{"--builder", "unix:///x"}, "is not NAME=ADDRESS"},
        {{"--builder", "a/b=unix:///x"}, "is not NAME=ADDRESS"},
        {{"--builder", "a="}, "--builder: builder a"},
        {{"--builder", "a=unix:///x,max=0"}, "builder a: \"0\" is not 1 to"},
        {{"--builder", "a=unix:///x,colour=red"}, "\"colour=red\" is not one of"},
        {{"--builder", "a=tcp://h:1,cert=/c"}, "cert= and key= belong together"},
        {{"--registry", ""}, "names no registry"},
        {{"--registry", "https://r"}, "names no registry"},
        {{"--registry", "r:5000,plain"}, "registry r:5000: \"plain\" is not one of http"},
        {{"--config", "/nonexistent/depotd.conf"}, "/nonexistent/depotd.conf"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct config c;
        struct depot_error err = {0};
        assert_int_not_equal(load(rows[i].args, &c, &err), 0);
        if (strstr(err.msg, rows[i].error) == NULL)
            fail_msg("%s: got \"%s\"", rows[i].args[0], err.msg);
    }
}

static void test_config__tcp_needs_a_token(void **state)
{
    const char *const args[ARGS_MAX] = {"--listen", "tcp://0.0.0.0:7", "--token-file", "/t", NULL};
    struct config c;
    (void)state;
    assert_int_equal(load(args, &c, NULL), 0);
    assert_int_equal(c.listen[0].port, 7);
    config_release(&c);
}

static void test_config__help_needs_nothing_else(void **state)
{
    const char *const args[ARGS_MAX] = {"--config", "/nonexistent", "--help", NULL};
    struct config c;
    (void)state;
    assert_int_equal(load(args, &c, NULL), 0);
    assert_true(c.help);
    config_release(&c);
}

static void test_config__help_has_every_option(void **state)
{
    static const char *const names[] = {"--listen", "--tls-cert", "--tls-key", "--token-file",
        "--builder", "--state-dir", "--idle", "--log-level", "--log-file", "--config", "--ready-fd",
        "--version", "--help"};
    char text[8192] = "";
    (void)state;
    FILE *f = fmemopen(text, sizeof(text) - 1, "w");
    config_print_help(f);
    fclose(f);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(names); i++)
        assert_non_null(strstr(text, names[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config__has_defaults),
        cmocka_unit_test(test_config__takes_options_in_every_form),
        cmocka_unit_test(test_config__lies_over_its_file),
        cmocka_unit_test(test_config__names_file_and_line),
        cmocka_unit_test(test_config__refuses_bad_options),
        cmocka_unit_test(test_config__tcp_needs_a_token),
        cmocka_unit_test(test_config__help_needs_nothing_else),
        cmocka_unit_test(test_config__help_has_every_option),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
