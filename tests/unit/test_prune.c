/*
 * What is removed from a directory, and what is not.
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

#include <depot/path.h>

#include "session/prune.h"

static char root[] = "/tmp/depot-prune-XXXXXX";

static char *at(const char *path)
{
    return depot_path_join(root, path);
}

static void make(const char *path)
{
    char *file = at(path);
    char *dir = depot_strndup(file, (size_t)(strrchr(file, '/') - file));
    assert_int_equal(depot_path_mkdirs(dir, 0755, NULL), 0);
    FILE *f = fopen(file, "w");
    assert_true(f != NULL && fclose(f) == 0);
    depot_free(dir);
    depot_free(file);
}

static bool is_there(const char *path)
{
    struct stat st;
    char *file = at(path);
    bool there = lstat(file, &st) == 0;
    depot_free(file);
    return there;
}

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(root));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char *command = depot_asprintf("rm -rf %s", root);
    int rc = system(command);
    depot_free(command);
    return rc;
}

static void test_prune__keeps_what_is_named(void **state)
{
    static const char *const files[] = {
        "d/keep/a", "d/keep/old", "d/old/deep/b", "d/c", "d/old.txt", "else/where"};
    static const char *const kept[] = {"keep", "keep/a", "c"};
    static const struct {
        const char *path;
        bool there;
    } rows[] = {{"d/keep/a", true}, {"d/keep/old", false}, {"d/old", false}, {"d/c", true},
        {"d/old.txt", false}, {"d/link", false}, {"else/where", true}};
    struct depot_map *keep = depot_map_new();
    struct depot_error err = {0};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(files); i++)
        make(files[i]);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(kept); i++)
        depot_map_set(keep, kept[i], keep);
    char *link = at("d/link"), *dir = at("d"), *other = at("else");
    assert_int_equal(symlink(other, link), 0);
    assert_int_equal(dp_prune(dir, keep, &err), 0);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        if (is_there(rows[i].path) != rows[i].there)
            fail_msg("%s is %s", rows[i].path, rows[i].there ? "gone" : "there");
    depot_map_free(keep);
    depot_free(link);
    depot_free(dir);
    depot_free(other);
}

/* Deeper than one path can be named: nothing recurses without an end. */
static void test_prune__of_a_deep_tree(void **state)
{
    enum { DEPTH = 600 };
    struct depot_map *keep = depot_map_new();
    struct depot_error err = {0};
    char *dir = at("deep"), *old = getcwd(NULL, 0);
    (void)state;
    assert_int_equal(mkdir(dir, 0755), 0);
    assert_int_equal(chdir(dir), 0);
    for (int i = 0; i < DEPTH; i++)
        assert_true(mkdir("dir", 0755) == 0 && chdir("dir") == 0);
    assert_int_equal(chdir(old), 0);
    assert_int_equal(dp_prune(dir, keep, &err), 0);
    assert_false(is_there("deep/dir"));
    depot_map_free(keep);
    depot_free(dir);
    free(old);
}

static void test_prune__names_what_it_cannot_open(void **state)
{
    struct depot_map *keep = depot_map_new();
    struct depot_error err = {0};
    char *dir = at("missing");
    (void)state;
    assert_true(dp_prune(dir, keep, &err) < 0);
    assert_non_null(strstr(err.msg, dir));
    depot_map_free(keep);
    depot_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prune__keeps_what_is_named),
        cmocka_unit_test(test_prune__of_a_deep_tree),
        cmocka_unit_test(test_prune__names_what_it_cannot_open),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
