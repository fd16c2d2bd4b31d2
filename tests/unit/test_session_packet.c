/*
 * Packets: bytes as other implementations write them, there and back, cut short and broken.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "grpc/pb.h"
#include "session/packet.h"

static void test_packet__heads(void **state)
{
    (void)state;
    static const struct {
        enum dp_packet_type type;
        uint32_t id;
        size_t data, len;
        const char *want;
    } rows[] = {
        {DP_PACKET_STAT, 0, 0, 0, ""},
        {DP_PACKET_REQ, 0, 0, 2, "\x08\x01"},
        {DP_PACKET_REQ, 300, 0, 5, "\x08\x01\x18\xac\x02"},
        {DP_PACKET_FIN, 0, 0, 2, "\x08\x03"},
        {DP_PACKET_DATA, 1, 200, 7, "\x08\x02\x18\x01\x22\xc8\x01"},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        uint8_t out[DP_PACKET_HEAD_MAX];
        assert_int_equal(dp_packet_head(out, rows[i].type, rows[i].id, rows[i].data), rows[i].len);
        assert_memory_equal(out, rows[i].want, rows[i].len);
    }
    uint8_t out[DP_PACKET_HEAD_MAX];
    assert_true(dp_packet_head(out, DP_PACKET_DATA, UINT32_MAX, SIZE_MAX) <= sizeof(out));
}

static void make_stat(struct depot_buf *b)
{
    struct depot_buf x = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_packet_add_xattr(&x, "user.a", "v", 1);
    dp_packet_add_xattr(&x, "user.empty", "", 0);
    struct dp_fstat st = {.path = "d/f",
        .path_len = 3,
        .link = "t",
        .link_len = 1,
        .mode = DP_MODE_SYMLINK | 0777,
        .size = INT64_C(1) << 40,
        .mtime = -5,
        .major = 8,
        .minor = 300,
        .xattrs = x.data,
        .xattrs_len = x.len};
    dp_packet_add_stat(b, &st);
    depot_buf_release(&x);
}

static void test_packet__stat_there_and_back(void **state)
{
    (void)state;
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct dp_packet p;
    make_stat(&b);
    assert_int_equal(dp_packet_decode(b.data, b.len, &p), 0);
    assert_int_equal(p.type, DP_PACKET_STAT);
    assert_true(p.has_stat);
    assert_int_equal(p.stat.path_len, 3);
    assert_memory_equal(p.stat.path, "d/f", 3);
    assert_int_equal(p.stat.link_len, 1);
    assert_int_equal(p.stat.mode, DP_MODE_SYMLINK | 0777);
    assert_true(p.stat.size == INT64_C(1) << 40);
    assert_true(p.stat.mtime == -5);
    assert_int_equal(p.stat.major, 8);
    assert_int_equal(p.stat.minor, 300);
    assert_int_equal(p.stat.xattrs_len, 27);
    depot_buf_release(&b);
}

/* Every prefix either decodes or is an error, reading nothing beyond itself. */
static void test_packet__cut_anywhere(void **state)
{
    (void)state;
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    make_stat(&b);
    for (size_t n = 0; n <= b.len; n++) {
        struct dp_packet p;
        void *copy = depot_memdup(b.data, n); /* exactly n bytes, for the sanitizer */
        int rc = dp_packet_decode(copy, n, &p);
        assert_int_equal(rc, n == 0 || n == b.len ? 0 : DEPOT_ERR_PROTOCOL);
        depot_free(copy);
    }
    depot_buf_release(&b);
}

static void test_packet__refuses(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } rows[] = {
        {"\x08\x05", 2},                                          /* a type that is none */
        {"\x0a\x00", 2},                                          /* a type that is bytes */
        {"\x10\x01", 2},                                          /* a stat that is a number */
        {"\x22\x05xx", 4},                                        /* longer than the message */
        {"\x00\x01", 2},                                          /* field 0 */
        {"\x0b", 1},                                              /* a group */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* a number without end */
        {"\x12\x02\x08\x01", 4},                                  /* a path that is a number */
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct dp_packet p;
        assert_int_equal(dp_packet_decode(rows[i].bytes, rows[i].n, &p), DEPOT_ERR_PROTOCOL);
    }
}

static void test_packet__skips_unknown_fields(void **state)
{
    (void)state;
    static const char msg[] = "\x08\x01\x7a\x01x\x85\x01"
                              "abcd\x81\x01"
                              "12345678\x18\x07";
    struct dp_packet p;
    assert_int_equal(dp_packet_decode(msg, sizeof(msg) - 1, &p), 0);
    assert_int_equal(p.type, DP_PACKET_REQ);
    assert_int_equal(p.id, 7);
}

static void test_mode__rows(void **state)
{
    (void)state;
    static const struct {
        mode_t posix;
        uint32_t go;
    } rows[] = {
        {S_IFREG | 0644, 0644},
        {S_IFDIR | 0755, 0x800001ed},
        {S_IFLNK | 0777, 0x080001ff},
        {S_IFREG | S_ISUID | 0755, 0x008001ed},
        {S_IFREG | S_ISGID | 0755, 0x004001ed},
        {S_IFDIR | S_ISVTX | 0777, 0x801001ff},
        {S_IFIFO | 0600, 0x02000180},
        {S_IFBLK | 0600, 0x04000180},
        {S_IFCHR | 0600, 0x04200180},
        {S_IFSOCK | 0600, 0600},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        assert_int_equal(dp_mode_from_stat(rows[i].posix), rows[i].go);
        assert_int_equal(dp_mode_permissions(rows[i].go), rows[i].posix & 07777);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packet__heads),
        cmocka_unit_test(test_packet__stat_there_and_back),
        cmocka_unit_test(test_packet__cut_anywhere),
        cmocka_unit_test(test_packet__refuses),
        cmocka_unit_test(test_packet__skips_unknown_fields),
        cmocka_unit_test(test_mode__rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
