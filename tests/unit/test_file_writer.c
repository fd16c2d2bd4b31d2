/*
 * Tests of files that appear whole or not at all, and of what is in their place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <depot/file_writer.h>
#include <depot/path.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/mount.h>
#include <sys/sysmacros.h>
#endif

static char dir[] = "/tmp/depot-test-writer-XXXXXX";
static const struct depot_file_opts plain = {.what = "thing", .mode = 0666};

static char *in_dir(const char *name)
{
    static char path[4][4096];
    static unsigned turn;
    char *out = path[turn++ % 4];
    snprintf(out, sizeof(path[0]), "%s/%s", dir, name);
    return out;
}

static int make_dir(void **state)
{
    DEPOT_UNUSED(state);
    snprintf(dir, sizeof(dir), "/tmp/depot-test-writer-XXXXXX");
    umask(022);
    return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
    char *command = depot_asprintf("rm -rf %s", dir);
    DEPOT_UNUSED(state);
#ifdef __linux__
    (void)umount2(in_dir("small"), MNT_DETACH); /* of a test that failed */
#endif
    int rc = system(command);
    depot_free(command);
    return rc;
}

static size_t count_files(const char *path)
{
    DIR *d = opendir(path);
    size_t n = 0;
    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n - 2;
}

static void put(const char *path, const char *text)
{
    assert_int_equal(depot_file_write(path, &plain, text, strlen(text), NULL), 0);
}

static void assert_holds(const char *path, const char *want)
{
    char *got = NULL;
    assert_int_equal(depot_file_read(path, 1 << 20, &got, NULL, NULL), 0);
    assert_string_equal(got, want);
    depot_free(got);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode;
}

/* The code, and the message in `err`. */
static int try_put(const char *path, unsigned flags, struct depot_error *err)
{
    const struct depot_file_opts opts = {.what = "thing", .mode = 0666, .flags = flags};
    depot_error_clear(err);
    return depot_file_write(path, &opts, "text", 4, err);
}

static void test_writer__is_seen_when_it_is_whole(void **state)
{
    struct depot_file_writer *w, *other;
    DEPOT_UNUSED(state);
    put(in_dir("f"), "old");
    assert_int_equal(depot_file_writer_open(in_dir("f"), &plain, &w, NULL), 0);
    assert_int_equal(depot_file_writer_write(w, "ne", 2, NULL), 0);
    assert_int_equal(depot_file_writer_open(in_dir("f"), &plain, &other, NULL), 0);
    assert_int_equal(depot_file_writer_write(other, "other", 5, NULL), 0);
    assert_holds(in_dir("f"), "old");
    assert_int_equal(count_files(dir), 3);
    assert_int_equal(depot_file_writer_write(w, "w", 1, NULL), 0);
    assert_int_equal(depot_file_writer_commit(w, NULL), 0);
    assert_holds(in_dir("f"), "new");
    assert_int_equal(depot_file_writer_commit(other, NULL), 0);
    assert_holds(in_dir("f"), "other");
    assert_int_equal(count_files(dir), 1);
}

static void test_writer__abandoned_leaves_what_was(void **state)
{
    struct depot_file_writer *w;
    char *big = depot_calloc(1, 200000);
    DEPOT_UNUSED(state);
    put(in_dir("f"), "old");
    assert_int_equal(depot_file_writer_open(in_dir("f"), &plain, &w, NULL), 0);
    assert_int_equal(depot_file_writer_write(w, big, 200000, NULL), 0);
    depot_file_writer_abandon(w);
    depot_file_writer_abandon(NULL);
    assert_holds(in_dir("f"), "old");
    assert_int_equal(count_files(dir), 1);
    depot_free(big);
}

static void test_writer__modes(void **state)
{
    const struct depot_file_opts private = {.what = "key", .mode = 0600};
    DEPOT_UNUSED(state);
    put(in_dir("f"), "x");
    assert_int_equal(mode_of(in_dir("f")) & 07777, 0644);
    assert_int_equal(depot_file_write(in_dir("k"), &private, "x", 1, NULL), 0);
    assert_int_equal(mode_of(in_dir("k")) & 07777, 0600);
    assert_int_equal(chmod(in_dir("f"), 0640 | S_ISGID), 0);
    put(in_dir("f"), "y");
    assert_int_equal(mode_of(in_dir("f")) & 07777, 0640);
}

static void test_writer__keeps_the_owner(void **state)
{
    struct stat st;
    DEPOT_UNUSED(state);
    if (geteuid() != 0)
        skip();
    put(in_dir("f"), "x");
    assert_int_equal(chown(in_dir("f"), 1234, 5678), 0);
    put(in_dir("f"), "y");
    assert_int_equal(stat(in_dir("f"), &st), 0);
    assert_int_equal(st.st_uid, 1234);
    assert_int_equal(st.st_gid, 5678);
}

static void test_writer__link_stays_a_link(void **state)
{
    struct depot_error err = {0};
    DEPOT_UNUSED(state);
    assert_int_equal(mkdir(in_dir("below"), 0755), 0);
    assert_int_equal(symlink("below/l2", in_dir("l1")), 0);
    assert_int_equal(symlink("../target", in_dir("below/l2")), 0);
    put(in_dir("l1"), "made"); /* which points nowhere so far */
    put(in_dir("l1"), "replaced");
    assert_true(S_ISLNK(mode_of(in_dir("l1"))));
    assert_true(S_ISLNK(mode_of(in_dir("below/l2"))));
    assert_true(S_ISREG(mode_of(in_dir("target"))));
    assert_holds(in_dir("target"), "replaced");
    assert_int_equal(symlink("round", in_dir("round")), 0);
    assert_int_not_equal(try_put(in_dir("round"), 0, &err), 0);
    assert_non_null(strstr(err.msg, in_dir("round")));
}

static void test_writer__refuses_what_it_cannot_write(void **state)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct depot_error err = {0};
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    DEPOT_UNUSED(state);
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%.90s", in_dir("s"));
    assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(try_put(in_dir("s"), 0, &err), DEPOT_ERR_INVALID);
    assert_non_null(strstr(err.msg, "it is a socket"));
    assert_true(S_ISSOCK(mode_of(in_dir("s"))));
    assert_int_equal(try_put(dir, 0, &err), DEPOT_ERR_INVALID);
    assert_non_null(strstr(err.msg, "it is a directory"));
    assert_int_equal(try_put("", 0, &err), DEPOT_ERR_NOT_FOUND);
    assert_int_equal(try_put(in_dir("x/"), DEPOT_FILE_PARENTS, &err), DEPOT_ERR_INVALID);
    assert_int_equal(try_put(in_dir("no/where"), 0, &err), DEPOT_ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, in_dir("no/where")));
    assert_true(err.hint[0] != '\0');
    assert_int_equal(count_files(dir), 1);
    close(fd);
}

static void test_writer__makes_parents_when_asked(void **state)
{
    struct depot_error err = {0};
    DEPOT_UNUSED(state);
    assert_int_equal(try_put(in_dir("a/b/f"), DEPOT_FILE_PARENTS, &err), 0);
    assert_holds(in_dir("a/b/f"), "text");
    assert_int_not_equal(try_put(in_dir("a/b/f/g"), DEPOT_FILE_PARENTS, &err), 0);
}

static void test_writer__device_stays_one(void **state)
{
    struct stat st;
    DEPOT_UNUSED(state);
    if (geteuid() != 0 || mknod(in_dir("null"), S_IFCHR | 0600, makedev(1, 3)) != 0)
        skip();
    put(in_dir("null"), "gone");
    assert_int_equal(symlink("null", in_dir("link")), 0);
    put(in_dir("link"), "gone");
    assert_int_equal(depot_file_remove(in_dir("link"), &plain, NULL), 0);
    assert_int_equal(stat(in_dir("null"), &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    assert_int_equal(count_files(dir), 2);
}

static void test_writer__fifo_is_written_to(void **state)
{
    struct depot_file_writer *w;
    struct depot_error err = {0};
    char got[8] = {0};
    DEPOT_UNUSED(state);
    assert_int_equal(mkfifo(in_dir("p"), 0600), 0);
    assert_int_equal(try_put(in_dir("p"), DEPOT_FILE_NO_WAIT, &err), DEPOT_ERR_AGAIN);
    assert_non_null(strstr(err.hint, "reader"));
    const int fd = open(in_dir("p"), O_RDONLY | O_NONBLOCK);
    assert_int_equal(depot_file_writer_open(in_dir("p"), &plain, &w, NULL), 0);
    assert_false(depot_file_writer_plain(w));
    assert_int_equal(depot_file_writer_write(w, "live", 4, NULL), 0);
    assert_int_equal(read(fd, got, sizeof(got)), 4); /* before its end */
    assert_int_equal(depot_file_writer_commit(w, NULL), 0);
    assert_int_equal(read(fd, got, sizeof(got)), 0);
    assert_true(S_ISFIFO(mode_of(in_dir("p"))));
    close(fd);
}

/* /dev/stdout that was redirected into a file: what came before is neither lost nor overwritten. */
static void test_writer__descriptor_is_written_to(void **state)
{
    DEPOT_UNUSED(state);
    if (access("/proc/self/fd", X_OK) != 0)
        skip();
    const int fd = open(in_dir("out"), O_RDWR | O_CREAT, 0600);
    char *path = depot_asprintf("/dev/fd/%d", fd);
    assert_int_equal(write(fd, "before,", 7), 7);
    assert_int_equal(symlink(path, in_dir("link")), 0);
    put(path, "one,");
    put(in_dir("link"), "two");
    assert_int_equal(depot_file_remove(path, &plain, NULL), 0);
    assert_holds(in_dir("out"), "before,one,two");
    depot_free(path);
    close(fd);
}

static void test_writer__own_folder(void **state)
{
    struct depot_error err = {0};
    DEPOT_UNUSED(state);
    put(in_dir("f"), "x");
    assert_int_equal(symlink("f", in_dir("l")), 0);
    assert_int_equal(try_put(in_dir("l"), DEPOT_FILE_OWN, &err), DEPOT_ERR_INVALID);
    assert_non_null(strstr(err.msg, "it is a link"));
    assert_int_equal(try_put(in_dir("f"), DEPOT_FILE_OWN, &err), 0);
    assert_holds(in_dir("f"), "text");
}

static void test_writer__full_disk(void **state)
{
#ifdef __linux__
    struct depot_file_writer *w;
    struct depot_error err = {0};
    char *big = depot_calloc(1, 200000);
    int rc = 0;
    DEPOT_UNUSED(state);
    assert_int_equal(mkdir(in_dir("small"), 0755), 0);
    if (mount("none", in_dir("small"), "tmpfs", 0, "size=64k") != 0) {
        depot_free(big);
        skip();
    }
    put(in_dir("small/f"), "old");
    assert_int_equal(depot_file_writer_open(in_dir("small/f"), &plain, &w, NULL), 0);
    rc = depot_file_writer_write(w, big, 200000, &err);
    assert_int_equal(rc, DEPOT_ERR_EXHAUSTED);
    assert_non_null(strstr(err.hint, "make room"));
    depot_file_writer_abandon(w);
    assert_int_equal(count_files(in_dir("small")), 1);
    /* The rest that is collected fails at the end. */
    assert_int_equal(depot_file_writer_open(in_dir("small/f"), &plain, &w, NULL), 0);
    assert_int_equal(depot_file_writer_write(w, big, 65000, NULL), 0);
    assert_int_equal(depot_file_writer_commit(w, &err), DEPOT_ERR_EXHAUSTED);
    assert_int_equal(count_files(in_dir("small")), 1);
    assert_holds(in_dir("small/f"), "old");
    assert_int_equal(umount(in_dir("small")), 0);
    depot_free(big);
#else
    DEPOT_UNUSED(state);
    skip();
#endif
}

static void test_writer__mounted_file_is_written_to(void **state)
{
#ifdef __linux__
    struct depot_file_writer *w;
    struct stat st, after;
    DEPOT_UNUSED(state);
    put(in_dir("small"), "old and longer");
    if (mount(in_dir("small"), in_dir("small"), NULL, MS_BIND, NULL) != 0)
        skip();
    assert_int_equal(stat(in_dir("small"), &st), 0);
    put(in_dir("small"), "new");
    assert_holds(in_dir("small"), "new");
    assert_int_equal(stat(in_dir("small"), &after), 0);
    assert_int_equal(after.st_ino, st.st_ino);
    assert_int_equal(depot_file_writer_open(in_dir("small"), &plain, &w, NULL), 0);
    assert_true(depot_file_writer_plain(w));
    depot_file_writer_abandon(w);
    put(in_dir("small"), "stale");
    assert_int_equal(depot_file_remove(in_dir("small"), &plain, NULL), 0);
    assert_holds(in_dir("small"), "");
    assert_int_equal(count_files(dir), 1);
#else
    DEPOT_UNUSED(state);
    skip();
#endif
}

/* As a user that permissions hold: 0 when all went as it should, else the line. */
static int as_nobody(void)
{
    struct depot_error err = {0};
    if (setgid(65534) != 0 || setuid(65534) != 0)
        return __LINE__;
    if (try_put(in_dir("closed/f"), 0, &err) != DEPOT_ERR_DENIED)
        return __LINE__;
    if (depot_file_check(in_dir("closed/new"), &plain, &err) != DEPOT_ERR_DENIED)
        return __LINE__;
    if (try_put(in_dir("open/readonly"), 0, &err) != DEPOT_ERR_DENIED)
        return __LINE__;
    return try_put(in_dir("open/f"), 0, &err) == 0 ? 0 : __LINE__;
}

static void test_writer__asks_permissions(void **state)
{
    int status = 0;
    DEPOT_UNUSED(state);
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(mkdir(in_dir("closed"), 0755), 0);
    assert_int_equal(mkdir(in_dir("open"), 0755), 0);
    assert_int_equal(chmod(in_dir("open"), 0777), 0);
    put(in_dir("closed/f"), "x");
    put(in_dir("open/readonly"), "x");
    const pid_t pid = fork();
    if (pid == 0)
        _exit(as_nobody() == 0 ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_holds(in_dir("open/readonly"), "x");
}

static void test_check__before_long_work(void **state)
{
    const struct depot_file_opts deep = {.what = "thing", .flags = DEPOT_FILE_PARENTS};
    struct depot_error err = {0};
    DEPOT_UNUSED(state);
    assert_int_equal(depot_file_check(in_dir("f"), &plain, &err), 0);
    assert_int_equal(depot_file_check("f", &plain, &err), 0);
    assert_int_equal(depot_file_check(in_dir("a/b/f"), &plain, &err), DEPOT_ERR_NOT_FOUND);
    assert_int_equal(depot_file_check(in_dir("a/b/f"), &deep, &err), 0);
    assert_int_equal(depot_file_check("not/there/f", &deep, &err), 0);
    assert_int_equal(depot_file_check(dir, &deep, &err), DEPOT_ERR_INVALID);
    put(in_dir("f"), "x");
    assert_int_equal(depot_file_check(in_dir("f/g"), &deep, &err), DEPOT_ERR_NOT_FOUND);
    assert_int_equal(count_files(dir), 1);
}

static void test_remove__what_is_stale(void **state)
{
    struct depot_error err = {0};
    DEPOT_UNUSED(state);
    assert_int_equal(depot_file_remove(in_dir("f"), &plain, &err), 0);
    put(in_dir("f"), "old");
    assert_int_equal(symlink("f", in_dir("l")), 0);
    assert_int_equal(depot_file_remove(in_dir("l"), &plain, &err), 0);
    assert_int_equal(count_files(dir), 1);
    put(in_dir("l"), "new");
    assert_holds(in_dir("f"), "new");
    assert_int_equal(depot_file_remove(dir, &plain, &err), DEPOT_ERR_INVALID);
}

static void test_part__below_a_directory(void **state)
{
    struct depot_file_part a, b;
    DEPOT_UNUSED(state);
    const int fd = open(dir, O_RDONLY | O_DIRECTORY);
    put(in_dir("target"), "safe");
    assert_int_equal(symlink("target", in_dir("f")), 0);
    assert_int_equal(depot_file_part_open(&a, fd, 0600), 0);
    assert_int_equal(depot_file_part_open(&b, fd, 0600), 0);
    assert_int_equal(write(a.fd, "new", 3), 3);
    assert_int_equal(depot_file_part_commit(&a, fd, "f"), 0);
    depot_file_part_drop(&a, fd);
    depot_file_part_drop(&b, fd);
    assert_true(S_ISREG(mode_of(in_dir("f"))));
    assert_holds(in_dir("f"), "new");
    assert_holds(in_dir("target"), "safe");
    assert_int_equal(mkdir(in_dir("d"), 0755), 0);
    assert_int_equal(depot_file_part_open(&a, fd, 0600), 0);
    assert_int_equal(depot_file_part_commit(&a, fd, "d"), EISDIR);
    assert_int_equal(count_files(dir), 3);
    close(fd);
}

static void test_scratch__has_no_name(void **state)
{
    struct stat st;
    DEPOT_UNUSED(state);
    setenv("TMPDIR", dir, 1);
    const int fd = depot_file_scratch();
    unsetenv("TMPDIR");
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(count_files(dir), 0);
    close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_writer__is_seen_when_it_is_whole),
        TEST(test_writer__abandoned_leaves_what_was),
        TEST(test_writer__modes),
        TEST(test_writer__keeps_the_owner),
        TEST(test_writer__link_stays_a_link),
        TEST(test_writer__refuses_what_it_cannot_write),
        TEST(test_writer__makes_parents_when_asked),
        TEST(test_writer__device_stays_one),
        TEST(test_writer__fifo_is_written_to),
        TEST(test_writer__descriptor_is_written_to),
        TEST(test_writer__own_folder),
        TEST(test_writer__full_disk),
        TEST(test_writer__mounted_file_is_written_to),
        TEST(test_writer__asks_permissions),
        TEST(test_check__before_long_work),
        TEST(test_remove__what_is_stale),
        TEST(test_part__below_a_directory),
        TEST(test_scratch__has_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
