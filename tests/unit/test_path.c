/*
 * Tests of paths, per-user directories and whole-file reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <depot/file_writer.h>
#include <depot/path.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct depot_file_opts opts = {.what = "thing", .mode = 0600};
static char dir[] = "/tmp/depot-test-path-XXXXXX";

static char *in_dir(const char *name)
{
    return depot_path_join(dir, name);
}

static int make_dir(void **state)
{
    DEPOT_UNUSED(state);
    return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
    char *command = depot_asprintf("rm -rf %s", dir);
    int rc = system(command);

    DEPOT_UNUSED(state);
    depot_free(command);
    return rc;
}

static void test_path__join(void **state)
{
    static const struct {
        const char *a, *b, *want;
    } rows[] = {
        {"a", "b", "a/b"},
        {"a/", "b", "a/b"},
        {"/", "b", "/b"},
        {"", "b", "b"},
        {"a", "/b", "/b"},
        {"a", "", "a/"},
    };

    DEPOT_UNUSED(state);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        char *got = depot_path_join(rows[i].a, rows[i].b);

        assert_string_equal(got, rows[i].want);
        depot_free(got);
    }
}

static void test_path__user_dirs_follow_the_environment(void **state)
{
    char *got;

    DEPOT_UNUSED(state);
    setenv("HOME", "/home/x", 1);
    setenv("XDG_CONFIG_HOME", "/cfg", 1);
    unsetenv("XDG_STATE_HOME");
    got = depot_path_config_dir();
    assert_string_equal(got, "/cfg/depot");
    depot_free(got);
    setenv("XDG_CONFIG_HOME", "relative", 1);
    got = depot_path_config_dir();
    assert_string_equal(got, "/home/x/.config/depot");
    depot_free(got);
    got = depot_path_state_dir();
    assert_string_equal(got, "/home/x/.local/state/depot");
    depot_free(got);
    setenv("XDG_RUNTIME_DIR", "/run/me", 1);
    got = depot_path_runtime_dir();
    assert_string_equal(got, "/run/me/depot");
    depot_free(got);
    unsetenv("XDG_RUNTIME_DIR");
    got = depot_path_runtime_dir();
    assert_true(*got == '/');
    depot_free(got);
}

static void test_path__mkdirs(void **state)
{
    char *deep = in_dir("a/b/c/"), *file = in_dir("a/file"), *below = in_dir("a/file/x");
    struct depot_error err = {0};
    struct stat st;

    DEPOT_UNUSED(state);
    umask(022);
    assert_int_equal(depot_path_mkdirs(deep, 0700, &err), 0);
    assert_int_equal(depot_path_mkdirs(deep, 0700, &err), 0);
    assert_int_equal(depot_path_mkdirs("/", 0700, &err), 0);
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(depot_file_write(file, &opts, "x", 1, &err), 0);
    assert_int_not_equal(depot_path_mkdirs(below, 0700, &err), 0);
    assert_non_null(strstr(err.msg, file));
    depot_free(deep);
    depot_free(file);
    depot_free(below);
}

static void test_path__private_dir_refuses_open_doors(void **state)
{
    char *path = in_dir("private"), *link = in_dir("link");
    struct depot_error err = {0};

    DEPOT_UNUSED(state);
    assert_int_equal(depot_path_private_dir(path, &err), 0);
    assert_int_equal(depot_path_private_dir(path, &err), 0);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(depot_path_private_dir(link, &err), DEPOT_ERR_DENIED);
    assert_int_equal(chmod(path, 0750), 0);
    assert_int_equal(depot_path_private_dir(path, &err), DEPOT_ERR_DENIED);
    assert_true(err.hint[0] != '\0');
    depot_free(path);
    depot_free(link);
}

static void test_file__read_holds_the_ceiling(void **state)
{
    char *path = in_dir("big"), *data = depot_alloc(100000), *got = NULL;
    size_t len = 0;
    struct depot_error err = {0};

    DEPOT_UNUSED(state);
    memset(data, 'z', 100000);
    assert_int_equal(depot_file_write(path, &opts, data, 100000, &err), 0);
    assert_int_equal(depot_file_read(path, 99999, &got, &len, &err), DEPOT_ERR_TOO_BIG);
    assert_null(got);
    assert_int_equal(depot_file_read(path, 100000, &got, &len, &err), 0);
    assert_int_equal(len, 100000);
    depot_free(got);
    got = NULL;
    assert_int_equal(depot_file_read(dir, 10, &got, &len, &err), DEPOT_ERR_INVALID);
    assert_int_equal(depot_file_read("/no/such", 10, &got, NULL, &err), DEPOT_ERR_NOT_FOUND);
    assert_string_equal(err.msg, "cannot read /no/such: No such file or directory");
    depot_free(path);
    depot_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path__join),
        cmocka_unit_test(test_path__user_dirs_follow_the_environment),
        cmocka_unit_test(test_path__mkdirs),
        cmocka_unit_test(test_path__private_dir_refuses_open_doors),
        cmocka_unit_test(test_file__read_holds_the_ceiling),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
