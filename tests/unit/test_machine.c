/*
 * Measuring a machine, by a /proc of the test's own and by the real one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <depot/base.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "builder/engine/machine.h"

static char dir[64];

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/test_machine_XXXXXX");
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char *rm = depot_asprintf("rm -r %s", dir);
    int rc = system(rm);
    depot_free(rm);
    return rc;
}

static void test_cpu__is_the_share_since_the_last_time(void **state)
{
    struct machine m = {.proc = dir};
    (void)state;
    assert_true(machine_cpu(&m) < 0); /* no such file */
    write_file("stat", "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 2 3 4\n");
    assert_true(machine_cpu(&m) < 0); /* nothing to compare with */
    write_file("stat", "cpu  150 0 100 830 20 0 0 0 0 0\n");
    double cpu = machine_cpu(&m);
    assert_true(cpu > 0.499 && cpu < 0.501);
    assert_true(machine_cpu(&m) < 0); /* no time has passed */
    write_file("stat", "cpu  1 0 1 1 1 0 0 0 0 0\n");
    assert_true(machine_cpu(&m) < 0); /* it went backwards */
    write_file("stat", "rubbish");
    assert_true(machine_cpu(&m) < 0);
}

static void test_memory__is_what_programs_cannot_have(void **state)
{
    static const struct {
        const char *text;
        bool known;
        int64_t used, total;
    } rows[] = {
        {"MemTotal:   1000 kB\nMemFree: 10 kB\nMemAvailable:  400 kB\n", true, 600 * 1024,
            1000 * 1024},
        {"MemTotal:   1000 kB\nMemFree: 10 kB\n", false, 0, 0},
        {"MemTotal:   0 kB\nMemAvailable:  0 kB\n", false, 0, 0},
        {"MemTotal:   10 kB\nMemAvailable:  20 kB\n", false, 0, 0},
        {"", false, 0, 0},
    };
    struct machine m = {.proc = dir};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        int64_t used = 0, total = 0;
        write_file("meminfo", rows[i].text);
        assert_int_equal(machine_memory(&m, &used, &total), rows[i].known);
        assert_int_equal(used, rows[i].used);
        assert_int_equal(total, rows[i].total);
    }
}

static void test_process_dir__by_an_open_database(void **state)
{
    struct machine m = {.proc = dir};
    char path[256], out[MACHINE_PATH_MAX];
    (void)state;
    assert_false(machine_process_dir(&m, 7, out));
    snprintf(path, sizeof(path), "%s/7", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/7/fd", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/7/fd/3", dir);
    assert_int_equal(symlink("socket:[1]", path), 0);
    assert_false(machine_process_dir(&m, 7, out));
    snprintf(path, sizeof(path), "%s/7/fd/4", dir);
    assert_int_equal(symlink("/var/lib/bk/cache.db", path), 0);
    assert_true(machine_process_dir(&m, 7, out));
    snprintf(path, sizeof(path), "%s/7/root/var/lib/bk", dir);
    assert_string_equal(out, path);
}

static void test_listener__is_the_peer_of_the_socket(void **state)
{
    struct machine m = {.proc = "/proc"};
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    char out[MACHINE_PATH_MAX], longest[300];
    int64_t used, total;
    (void)state;
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/s", dir);
    assert_int_equal(machine_listener(sa.sun_path), 0);
    assert_false(machine_engine_dir(&m, sa.sun_path, out));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(machine_listener(sa.sun_path), getpid());
    assert_true(machine_engine_dir(&m, sa.sun_path, out)); /* some usual place */
    assert_true(machine_disk(out, &used, &total));
    assert_true(used >= 0 && used <= total);
    close(fd);
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(machine_listener(longest), 0);
    assert_false(machine_disk("/nowhere/at/all", &used, &total));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_cpu__is_the_share_since_the_last_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory__is_what_programs_cannot_have, setup, teardown),
        cmocka_unit_test_setup_teardown(test_process_dir__by_an_open_database, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listener__is_the_peer_of_the_socket, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
