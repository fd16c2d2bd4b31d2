/*
 * The walk: order, filters, links on the way; and the tables that remember it.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <depot/buf.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/walk.h"

static char root[64];

static void shell(const char *script)
{
    char *cmd = depot_asprintf("cd %s && { %s; }", root, script);
    assert_int_equal(system(cmd), 0);
    depot_free(cmd);
}

static int setup(void **state)
{
    (void)state;
    strcpy(root, "/tmp/depot-walk-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int teardown(void **state)
{
    (void)state;
    shell("chmod -R u+rwx . && rm -rf -- * .d* .i*");
    return rmdir(root);
}

static int on_entry(const struct dp_walk_entry *e, void *arg, struct depot_error *err)
{
    struct depot_buf *b = arg;
    (void)err;
    assert_int_equal(strlen(e->path), e->path_len);
    if (b->len > 0)
        depot_buf_addc(b, ' ');
    depot_buf_adds(b, e->path);
    if (e->link_len > 0)
        depot_buf_addc(b, '>');
    depot_buf_add(b, e->link, e->link_len);
    return 0;
}

static char *walk(const char *include, const char *exclude, const char *follow, size_t step)
{
    struct dp_walk_filter f = {0};
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_error err;
    struct dp_walk *w;
    int rc;
    depot_strv_split(&f.include, include, ' ');
    depot_strv_split(&f.exclude, exclude, ' ');
    depot_strv_split(&f.follow, follow, ' ');
    depot_buf_adds(&b, "");
    assert_int_equal(dp_walk_new(root, &f, on_entry, &b, &w, &err), 0);
    while ((rc = dp_walk_step(w, step, &err)) > 0)
        continue;
    assert_int_equal(rc, 0);
    dp_walk_free(w);
    dp_walk_filter_release(&f);
    return depot_buf_detach(&b);
}

static void assert_walk(
    const char *include, const char *exclude, const char *follow, const char *want)
{
    static const size_t steps[] = {1, 3, 1000};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(steps); i++) {
        char *got = walk(include, exclude, follow, steps[i]);
        assert_string_equal(got, want);
        depot_free(got);
    }
}

static void test_walk__order(void **state)
{
    (void)state;
    shell("mkdir -p a/sub empty && touch a/x a/sub/y a-b a.c a/sub-z B && ln -s a l && mkfifo p");
    assert_walk("", "", "", "B a a/sub a/sub/y a/sub-z a/x a-b a.c empty l>a p");
}

static void test_walk__excludes(void **state)
{
    (void)state;
    shell("mkdir -p src/deep node/pkg && touch src/a.c src/a.o src/deep/b.o node/pkg/i top.md");
    assert_walk("", "node", "", "src src/a.c src/a.o src/deep src/deep/b.o top.md");
    assert_walk("", "**/*.o node/**", "", "node src src/a.c src/deep top.md");
    assert_walk("", "* !src/deep", "", "src src/deep src/deep/b.o");
    assert_walk("", "* !node/pkg/i", "", "node node/pkg node/pkg/i");
    assert_walk("", "* !**/*.c", "", "src src/a.c");
    assert_walk("", "*", "", "");
}

static void test_walk__includes(void **state)
{
    (void)state;
    shell("mkdir -p a/b c && touch a/b/x a/y c/z");
    assert_walk("a/b", "", "", "a a/b a/b/x");
    assert_walk("**/z", "", "", "c c/z");
    assert_walk("a", "a/b", "", "a a/y");
    assert_walk("nothing", "", "", "");
}

static void test_walk__follows_links(void **state)
{
    (void)state;
    shell("mkdir -p real/in other dir && touch real/in/f real/g other/h dir/1.txt dir/2.md && "
          "ln -s real lnk && ln -s /real/in abs && ln -s ../../../../other up && "
          "ln -s loop loop && ln -s ../other/h dir/l.txt");
    assert_walk("", "", "lnk/in/f", "lnk>real real real/in real/in/f");
    assert_walk("", "", "abs", "abs>/real/in real real/in real/in/f");
    assert_walk("", "", "up/h", "other other/h up>../../../../other");
    assert_walk("", "", "loop", "loop>loop");
    assert_walk("", "", "dir/*.txt", "dir dir/1.txt dir/l.txt>../other/h other other/h");
    assert_walk("", "", "../../etc/passwd", "");
    assert_walk("", "", "missing .dockerignore", "");
    char *all = walk("", "", "", 100), *dot = walk("", "", ".", 100);
    assert_string_equal(all, dot);
    depot_free(all);
    depot_free(dot);
}

static void test_walk__deep_trees(void **state)
{
    (void)state;
    /* Deeper than directories are kept open. */
    shell("d=.; for i in $(seq 60); do d=$d/d; done; mkdir -p $d && touch $d/f $d/../g");
    char *got = walk("", "", "", 1000);
    size_t spaces = 0;
    for (const char *p = got; *p != '\0'; p++)
        spaces += *p == ' ';
    assert_int_equal(spaces + 1, 62);
    assert_true(depot_str_ends(got, "/g"));
    depot_free(got);
}

/* What goes while the walk is on its way is as if it had never been; the rest is there. */
static void test_walk__names_that_vanish(void **state)
{
    (void)state;
    static const char *const changes[] = {"rm -r b c d/e f", "rm -r b && touch b && rm -r c d/e f",
        "rm -r b && ln -s / b && rm -r c d/e f"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(changes); i++) {
        struct dp_walk_filter f = {0};
        struct depot_buf b = DEPOT_BUF_INIT(1000);
        struct depot_error err;
        struct dp_walk *w;
        int more;
        shell("mkdir -p a b c d/e && touch a/x b/x c/x d/e/x f g");
        assert_int_equal(dp_walk_new(root, &f, on_entry, &b, &w, &err), 0);
        assert_int_equal(dp_walk_step(w, 2, &err), 1); /* a, a/x */
        shell(changes[i]);
        while ((more = dp_walk_step(w, 1, &err)) > 0)
            ;
        assert_int_equal(more, 0);
        assert_string_equal(depot_buf_str(&b), i == 0   ? "a a/x d g"
                                               : i == 1 ? "a a/x b d g"
                                                        : "a a/x b>/ d g");
        dp_walk_free(w);
        depot_buf_release(&b);
        shell("rm -rf -- *");
    }
}

static void test_walk__unreadable_directory(void **state)
{
    (void)state;
    struct dp_walk_filter f = {0};
    struct depot_buf b = DEPOT_BUF_INIT(1000);
    struct depot_error err;
    struct dp_walk *w;
    shell("mkdir d && chmod 0 d && chmod 755 .");
    /* Root may read anything. */
    const uid_t user = geteuid();
    if (user == 0)
        assert_int_equal(seteuid(65534), 0);
    assert_int_equal(dp_walk_new(root, &f, on_entry, &b, &w, &err), 0);
    assert_int_equal(dp_walk_step(w, 100, &err), DEPOT_ERR_DENIED);
    assert_non_null(strstr(err.msg, "/d"));
    dp_walk_free(w);
    if (user == 0)
        assert_int_equal(seteuid(0), 0);
    assert_walk("", "d", "", "");
    depot_buf_release(&b);
}

static void test_paths__by_id(void **state)
{
    (void)state;
    struct dp_paths ps = {0};
    char buf[DP_PATH_MAX];
    assert_int_equal(dp_paths_add(&ps, DP_PATHS_ROOT, "a", 1, -1), 0);
    assert_int_equal(dp_paths_add(&ps, 0, "bc", 2, -1), 0);
    assert_int_equal(dp_paths_add(&ps, 1, "d", 1, 7), 0);
    assert_string_equal(dp_paths_get(&ps, 2, buf), "a/bc/d");
    assert_string_equal(dp_paths_get(&ps, 0, buf), "a");
    assert_null(dp_paths_get(&ps, 3, buf));
    char name[256];
    memset(name, 'n', sizeof(name));
    for (uint32_t i = 2; i < 40; i++)
        assert_int_equal(dp_paths_add(&ps, i, name, 255, -1), 0);
    assert_null(dp_paths_get(&ps, 39, buf)); /* too long for any system call */
    dp_paths_release(&ps);
}

static void test_inodes__first_wins(void **state)
{
    (void)state;
    struct dp_inodes t = {0};
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(dp_inodes_put(&t, 1, i, i), i);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(dp_inodes_put(&t, 1, i, i + 9999), i);
    assert_int_equal(dp_inodes_put(&t, 2, 5, 77), 77);
    dp_inodes_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_walk__order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_walk__excludes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_walk__includes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_walk__follows_links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_walk__deep_trees, setup, teardown),
        cmocka_unit_test_setup_teardown(test_walk__names_that_vanish, setup, teardown),
        cmocka_unit_test_setup_teardown(test_walk__unreadable_directory, setup, teardown),
        cmocka_unit_test(test_paths__by_id),
        cmocka_unit_test(test_inodes__first_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
