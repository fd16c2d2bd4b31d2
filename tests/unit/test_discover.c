/*
 * Where a BuildKit is looked for, in which order, and what is said of places that are dead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "builder/engine/discover.h"

struct row {
    const char *buildkit_host, *docker_host, *runtime_dir;
    const char *alive[3]; /* sockets that answer */
    const char *name, *address;
    const char *tried; /* a part of it; NULL: nothing */
};

static const char *fake_env(const char *name, void *arg)
{
    const struct row *r = arg;
    if (strcmp(name, "BUILDKIT_HOST") == 0)
        return r->buildkit_host;
    if (strcmp(name, "DOCKER_HOST") == 0)
        return r->docker_host;
    return strcmp(name, "XDG_RUNTIME_DIR") == 0 ? r->runtime_dir : NULL;
}

static int fake_connects(const char *path, void *arg)
{
    const struct row *r = arg;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(r->alive); i++)
        if (depot_str_eq(path, r->alive[i]))
            return 0;
    return ENOENT;
}

static const struct row rows[] = {
    {.name = NULL,
        .tried = "unix:///run/buildkit/buildkitd.sock (No such file or directory), docker+unix"},
    {.alive = {"/run/buildkit/buildkitd.sock", "/var/run/docker.sock"},
        .name = "buildkit",
        .address = "unix:///run/buildkit/buildkitd.sock"},
    {.alive = {"/x", "/run/buildkit/buildkitd.sock"},
        .buildkit_host = "unix:///x",
        .name = "buildkit",
        .address = "unix:///x"},
    {.alive = {"/run/buildkit/buildkitd.sock"},
        .buildkit_host = "unix:///dead",
        .name = "buildkit",
        .address = "unix:///run/buildkit/buildkitd.sock",
        .tried = "unix:///dead (No such file"},
    {.alive = {"/run/buildkit/buildkitd.sock"},
        .buildkit_host = "kube-pod://x",
        .name = "buildkit",
        .address = "unix:///run/buildkit/buildkitd.sock",
        .tried = "kube-pod://x (from $BUILDKIT_HOST: not an address that is supported)"},
    {.buildkit_host = "tcp://far:1234", .name = "buildkit", .address = "tcp://far:1234"},
    {.alive = {"/run/user/7/buildkit/buildkitd.sock"},
        .runtime_dir = "/run/user/7",
        .name = "buildkit",
        .address = "unix:///run/user/7/buildkit/buildkitd.sock"},
    {.alive = {"/var/run/docker.sock"},
        .name = "docker",
        .address = "docker+unix:///var/run/docker.sock"},
    {.alive = {"/run/docker.sock"}, .name = "docker", .address = "docker+unix:///run/docker.sock"},
    {.alive = {"/mine.sock", "/var/run/docker.sock"},
        .docker_host = "unix:///mine.sock",
        .name = "docker",
        .address = "docker+unix:///mine.sock"},
};

static void test_discover__rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct row r = rows[i];
        const struct discover_world w = {fake_env, fake_connects, &r};
        struct engine_config found = {0};
        char *tried = NULL;
        bool ok = discover_builder(&w, &found, &tried);
        assert_non_null(tried);
        assert_int_equal(ok, r.name != NULL);
        if (ok) {
            assert_string_equal(found.name, r.name);
            assert_string_equal(found.addr.text, r.address);
            assert_int_equal(found.addr.docker, strcmp(r.name, "docker") == 0);
        }
        if (r.tried != NULL)
            assert_non_null(strstr(tried, r.tried));
        engine_config_release(&found);
        depot_free(tried);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_discover__rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
