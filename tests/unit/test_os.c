/*
 * What systems do differently, held to one behaviour on each.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <depot/os.h>

static void assert_kept_back(int fd, bool nonblocking)
{
    assert_true(fd >= 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0, nonblocking);
}

static void test_descriptors__are_kept_back(void **state)
{
    (void)state;
    for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
        int fds[5] = {depot_os_socket(AF_UNIX, SOCK_STREAM, 0, nonblocking)};
        assert_int_equal(depot_os_pipe(fds + 1, nonblocking), 0);
        assert_int_equal(depot_os_socketpair(fds + 3, nonblocking), 0);
        for (size_t i = 0; i < DEPOT_ARRAY_LEN(fds); i++) {
            assert_kept_back(fds[i], nonblocking);
            close(fds[i]);
        }
    }
}

static void test_socket__tells_what_is_wrong(void **state)
{
    (void)state;
    assert_int_equal(depot_os_socket(-1, SOCK_STREAM, 0, false), -1);
    assert_int_not_equal(errno, 0);
}

static void test_socketpair__raises_no_signal(void **state)
{
    int fds[2];
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(depot_os_socketpair(fds, false), 0);
    close(fds[1]);
    assert_int_equal(send(fds[0], "x", 1, depot_os_send_flags()), -1);
    assert_int_equal(errno, EPIPE);
    close(fds[0]);
}

static void test_accept__knows_its_peer(void **state)
{
    char dir[] = "/tmp/depot-os-XXXXXX";
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    uid_t uid = (uid_t)-1;
    pid_t pid = -1;
    (void)state;
    assert_non_null(mkdtemp(dir));
    char *path = depot_asprintf("%s/s", dir);
    memcpy(sa.sun_path, path, strlen(path));
    const int listener = depot_os_socket(AF_UNIX, SOCK_STREAM, 0, false);
    const int client = depot_os_socket(AF_UNIX, SOCK_STREAM, 0, false);
    assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&sa, sizeof(sa)), 0);
    const int server = depot_os_accept(listener, true);
    assert_kept_back(server, true);
    assert_true(depot_os_peer(server, &uid, &pid));
    assert_int_equal(uid, getuid());
    assert_true(pid == getpid() || pid == 0);
    assert_false(depot_os_peer(-1, &uid, &pid));
    close(server);
    close(client);
    close(listener);
    unlink(path);
    rmdir(dir);
    depot_free(path);
}

static void test_program__is_this_one(void **state)
{
    (void)state;
    char *path = depot_os_program();
    assert_non_null(path);
    assert_true(depot_str_ends(path, "/test_os"));
    depot_free(path);
}

static void test_environ__is_handed_on(void **state)
{
    bool found = false;
    (void)state;
    setenv("DEPOT_TEST_OS", "here", 1);
    for (char **e = depot_os_environ(); *e != NULL; e++)
        found = found || strcmp(*e, "DEPOT_TEST_OS=here") == 0;
    assert_true(found);
}

static void test_mtime__in_nanoseconds(void **state)
{
    const struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 1700000000, .tv_nsec = 1000}};
    char path[] = "/tmp/depot-os-XXXXXX";
    struct stat st;
    (void)state;
    const int fd = mkstemp(path);
    assert_int_equal(futimens(fd, times), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(depot_os_mtime(&st), INT64_C(1700000000000001000));
    close(fd);
    unlink(path);
}

static void test_wipe__leaves_zeroes(void **state)
{
    char text[] = "secret", zero[sizeof(text)] = {0};
    (void)state;
    depot_os_wipe(text, sizeof(text));
    assert_memory_equal(text, zero, sizeof(text));
}

static void test_last__of_a_byte(void **state)
{
    static const char text[] = "a\nb\0c\nd";
    (void)state;
    assert_ptr_equal(depot_os_last(text, '\n', sizeof(text)), text + 5);
    assert_ptr_equal(depot_os_last(text, '\n', 5), text + 1);
    assert_null(depot_os_last(text, '\n', 1));
    assert_null(depot_os_last(text, 'a', 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors__are_kept_back),
        cmocka_unit_test(test_socket__tells_what_is_wrong),
        cmocka_unit_test(test_socketpair__raises_no_signal),
        cmocka_unit_test(test_accept__knows_its_peer),
        cmocka_unit_test(test_program__is_this_one),
        cmocka_unit_test(test_environ__is_handed_on),
        cmocka_unit_test(test_mtime__in_nanoseconds),
        cmocka_unit_test(test_wipe__leaves_zeroes),
        cmocka_unit_test(test_last__of_a_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
