/*
 * Headers of tar archives: read from every kind of writer we meet, refused where readers differ,
 * and written as Go writes them.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tar/block.h"

struct maker {
    struct depot_buf b;
    struct dp_tar_block head; /* of the next entry */
};

static void maker_init(struct maker *m)
{
    depot_buf_init(&m->b, DEPOT_BUF_NO_LIMIT);
}

static struct dp_tar_block *last_head(struct maker *m, size_t content)
{
    return (struct dp_tar_block *)(void *)(m->b.data + m->b.len - DP_TAR_BLOCK -
                                           (content + dp_tar_padding(content)));
}

static void sign(struct dp_tar_block *b)
{
    char text[16];
    snprintf(text, sizeof(text), "%06o", (unsigned)dp_tar_sum(b));
    memcpy(b->sum, text, 7);
    b->sum[7] = ' ';
}

static struct dp_tar_block *add(struct maker *m, char type, const char *name, const char *content)
{
    static const char zeros[DP_TAR_BLOCK];
    const size_t n = strlen(content);
    dp_tar_head(&m->b, DP_TAR_FILE, name, 0644, n);
    depot_buf_add(&m->b, content, n);
    depot_buf_add(&m->b, zeros, dp_tar_padding(n));
    struct dp_tar_block *head = last_head(m, n);
    head->type = type;
    sign(head);
    return head;
}

static void end(struct maker *m)
{
    static const char zeros[DP_TAR_END];
    depot_buf_add(&m->b, zeros, sizeof(zeros));
}

static int file_of(const void *data, size_t n)
{
    char path[] = "/tmp/depot-test-tar-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, data, n), n);
    return fd;
}

/* "name:size:type " of each entry, then how it ended. */
static void walk(const void *data, size_t n, struct depot_buf *out, struct depot_error *err)
{
    struct dp_tar t;
    struct dp_tar_entry e;
    int fd = file_of(data, n), rc;
    dp_tar_init(&t, fd, n);
    while ((rc = dp_tar_next(&t, &e, err)) == 0) {
        assert_true(e.end <= n && e.data + e.size <= e.end && e.at < e.data);
        depot_buf_addf(out, "%s:%llu:%d ", e.name, (unsigned long long)e.size, (int)e.type);
    }
    depot_buf_addf(out, "%s", rc == DEPOT_ERR_EOF ? "end" : depot_err_name(rc));
    dp_tar_release(&t);
    close(fd);
}

static void assert_walk(struct maker *m, const char *want)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_error err = {0};
    walk(m->b.data, m->b.len, &out, &err);
    if (!depot_str_eq(depot_buf_str(&out), want))
        fail_msg("%s, not %s (%s)", depot_buf_str(&out), want, err.msg);
    depot_buf_release(&out);
    depot_buf_release(&m->b);
}

static void test_tar__reads_what_it_writes(void **state)
{
    struct maker m;
    (void)state;
    maker_init(&m);
    dp_tar_head(&m.b, DP_TAR_DIR, "a/", 0755, 0);
    add(&m, '0', "a/one", "1");
    add(&m, '\0', "a/two", "");
    add(&m, '2', "a/link", "");
    end(&m);
    assert_walk(&m, "a:0:1 a/one:1:0 a/two:0:0 a/link:0:2 end");
}

static void test_tar__writes_as_go_does(void **state)
{
    /* The head of "blobs/sha256/" in an archive of BuildKit's. */
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    (void)state;
    dp_tar_head(&b, DP_TAR_DIR, "blobs/sha256/", 0755, 0);
    assert_int_equal(b.len, DP_TAR_BLOCK);
    assert_memory_equal(b.data + 100,
        "0000755\0000000000\0000000000\00000000000000\00000000000000\000"
        "011316\000 5",
        57);
    assert_memory_equal(b.data + 257, "ustar\00000", 8);
    assert_memory_equal(b.data + 329, "0000000\0000000000\000", 16);
    depot_buf_release(&b);
}

static void test_tar__long_names(void **state)
{
    char name[300];
    struct maker m;
    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    char *pax = depot_asprintf("309 path=%s\n", name);
    char *want = depot_asprintf("%s:1:0 %s:2:0 p/short:3:0 end", name, name);
    maker_init(&m);
    add(&m, 'x', "PaxHeaders.0/n", pax);
    add(&m, '0', "cut", "1");
    add(&m, 'L', "././@LongLink", name);
    add(&m, '0', "cut", "22");
    struct dp_tar_block *head = add(&m, '0', "short", "333");
    memcpy(head->prefix, "p", 1);
    sign(head);
    end(&m);
    assert_walk(&m, want);
    depot_free(pax);
    depot_free(want);
}

static void test_tar__large_files(void **state)
{
    const uint64_t sizes[] = {((uint64_t)1 << 33) - 1, (uint64_t)1 << 33, (uint64_t)9 << 30};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(sizes); i++) {
        struct depot_buf head = DEPOT_BUF_INIT(DP_TAR_HEAD_MAX);
        struct dp_tar t;
        struct dp_tar_entry e;
        struct depot_error err = {0};
        dp_tar_head(&head, DP_TAR_FILE, "d/f", 0644, sizes[i]);
        assert_false(head.overflow);
        const uint64_t all = head.len + sizes[i] + dp_tar_padding(sizes[i]) + DP_TAR_END;
        int fd = file_of(head.data, head.len);
        if (ftruncate(fd, (off_t)all) == 0) { /* a file with holes */
            dp_tar_init(&t, fd, all);
            assert_int_equal(dp_tar_next(&t, &e, &err), 0);
            assert_true(e.size == sizes[i] && e.at == 0 && e.data == head.len);
            assert_string_equal(e.name, "d/f");
            assert_int_equal(dp_tar_next(&t, &e, &err), DEPOT_ERR_EOF);
            dp_tar_release(&t);
        }
        close(fd);
        depot_buf_release(&head);
    }
}

static void test_tar__binary_sizes(void **state)
{
    struct maker m;
    (void)state;
    maker_init(&m);
    struct dp_tar_block *head = add(&m, '0', "f", "1234567");
    memset(head->size, 0, sizeof(head->size));
    head->size[0] = 0x80;
    head->size[sizeof(head->size) - 1] = 7;
    sign(head);
    end(&m);
    assert_walk(&m, "f:7:0 end");
}

static void test_tar__refuses_what_readers_see_differently(void **state)
{
    static const struct {
        char type;
        const char *name, *content, *why;
    } rows[] = {
        {'0', "/etc/passwd", "", "clean path"},
        {'0', "a/../b", "", "clean path"},
        {'0', "..", "", "clean path"},
        {'0', "./a", "", "clean path"},
        {'0', "a//b", "", "clean path"},
        {'0', "/", "", "clean path"},
        {'0', "", "", "clean path"},
        {'1', "link", "content", "no file has content"},
        {'5', "dir", "content", "no file has content"},
        {'S', "sparse", "", "unknown kind"},
        {'g', "global", "11 path=ab\n", "unknown kind"},
        {'V', "volume", "", "unknown kind"},
        {'x', "pax", "22 GNU.sparse.major=1\n", "sparse"},
        {'x', "pax", "9 path=a\n", "before no entry"},
        {'x', "pax", "99 path=a\n", "wrong length"},
        {'x', "pax", "0 path=a\n", "wrong length"},
        {'x', "pax", "-9 path=a\n", "wrong length"},
        {'x', "pax", "path=a\n", "no length"},
        {'x', "pax", "7 path\n", "no value"},
        {'x', "pax", "9 path=a.", "wrong length"},
        {'x', "pax", "12 size=-12\n", "no number"},
        {'x', "pax", "12 size=1e1\n", "no number"},
        {'L', "gnu", "name", "before no entry"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct maker m;
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        struct depot_error err = {0};
        maker_init(&m);
        add(&m, rows[i].type, rows[i].name, rows[i].content);
        end(&m);
        walk(m.b.data, m.b.len, &out, &err);
        if (!depot_str_eq(depot_buf_str(&out), "protocol") || strstr(err.msg, rows[i].why) == NULL)
            fail_msg("row %zu: %s: %s", i, depot_buf_str(&out), err.msg);
        depot_buf_release(&out);
        depot_buf_release(&m.b);
    }
}

static void test_tar__sizes_that_lead_nowhere(void **state)
{
    static const char *const sizes[] = {"77777777777", "00000002001", "0000000 001", "99999999999",
        "\x80\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"};
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(sizes); i++) {
        struct maker m;
        maker_init(&m);
        struct dp_tar_block *head = add(&m, '0', "f", "");
        memcpy(head->size, sizes[i], 11);
        sign(head);
        end(&m);
        assert_walk(&m, "protocol");
    }
    /* In an attribute, whose size would fill memory. */
    struct maker m;
    maker_init(&m);
    struct dp_tar_block *head = add(&m, 'x', "pax", "");
    memcpy(head->size, "00010000000", 11);
    sign(head);
    end(&m);
    assert_walk(&m, "protocol");
}

static void test_tar__no_prefix_is_whole(void **state)
{
    struct maker m;
    (void)state;
    maker_init(&m);
    add(&m, 'x', "pax", "9 path=a\n");
    add(&m, '0', "f", "1");
    end(&m);
    for (size_t n = 0; n < m.b.len; n += 97) {
        struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        struct depot_error err = {0};
        walk(m.b.data, n, &out, &err);
        assert_non_null(strstr(depot_buf_str(&out), "protocol"));
        depot_buf_release(&out);
    }
    m.b.data[DP_TAR_BLOCK * 2 + 1] ^= 1;
    assert_walk(&m, "protocol"); /* its checksum is wrong */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tar__reads_what_it_writes),
        cmocka_unit_test(test_tar__writes_as_go_does),
        cmocka_unit_test(test_tar__long_names),
        cmocka_unit_test(test_tar__large_files),
        cmocka_unit_test(test_tar__binary_sizes),
        cmocka_unit_test(test_tar__refuses_what_readers_see_differently),
        cmocka_unit_test(test_tar__sizes_that_lead_nowhere),
        cmocka_unit_test(test_tar__no_prefix_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
