/*
 * Outputs: a directory tree from an engine that may not be trusted, and archives that appear whole
 * or not at all.
 */
#include "session_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/xattr.h>

#include <depot/os.h>

static const char file_send[] = "/moby.filesync.v1.FileSend/DiffCopy";

static struct dp_session_output outputs[1];

static void begin(struct rig *r, enum dp_session_output_kind kind, const char *name, size_t piece)
{
    rig_init(r);
    r->piece = piece;
    outputs[0] = (struct dp_session_output){.kind = kind, .path = rig_path(r, name), .fd = -1};
    r->cfg.outputs = outputs;
    r->cfg.noutputs = 1;
}

static void end(struct rig *r)
{
    rig_free(r);
    depot_free(outputs[0].path);
}

static void open_call(struct rig *r, struct rig_call *k)
{
    struct dp_grpc_md md = {"buildkit-attachable-exporter-id", "0"};
    rig_call(r, k, file_send, &md, 1);
}

static bool last_is(const struct rig_call *k, enum dp_packet_type type)
{
    struct dp_packet p;
    if (k->messages.len == 0)
        return false;
    const struct depot_buf *b = &k->messages.items[k->messages.len - 1];
    assert_int_equal(dp_packet_decode(b->data, b->len, &p), 0);
    return p.type == type;
}

/* ---- directories ---- */

static void receive(size_t piece)
{
    struct rig r;
    struct rig_call k;
    struct stat st, other;
    begin(&r, DP_OUTPUT_DIR, "new/out", piece);
    rig_start(&r);
    open_call(&r, &k);
    rig_send_stat(&k, "d", 0555 | DP_MODE_DIR, 0, "");
    rig_send_stat(&k, "d/f", 0640, 6, "");
    rig_send_stat(&k, "d/l", 0777 | DP_MODE_SYMLINK, 1, "f");
    rig_send_stat(&k, "d-x", 0755 | DP_MODE_SETUID, 0, "");
    rig_send_stat(&k, "h", 0640, 6, "d/f");
    rig_send_stat(&k, "p", 0600 | DP_MODE_FIFO, 0, "");
    rig_send_stat(&k, "s", 0600 | DP_MODE_SOCKET, 0, "");
    dp_grpc_send(k.call, "", 0);
    RIG_UNTIL(&r, k.messages.len == 2);
    assert_true(last_is(&k, DP_PACKET_REQ));
    assert_int_equal(dp_session_busy(r.session), 1);
    rig_send(&k, DP_PACKET_DATA, 1, "abc");
    rig_send(&k, DP_PACKET_DATA, 3, "");
    rig_send(&k, DP_PACKET_DATA, 1, "def");
    rig_send(&k, DP_PACKET_DATA, 1, "");
    RIG_UNTIL(&r, last_is(&k, DP_PACKET_FIN));
    rig_send(&k, DP_PACKET_FIN, 0, "");
    RIG_UNTIL(&r, k.done);
    assert_int_equal(k.code, DP_GRPC_OK);
    assert_int_equal(dp_session_busy(r.session), 0);
    rig_assert_file(&r, "new/out/d/f", "abcdef");
    rig_assert_file(&r, "new/out/d/l", "abcdef");
    rig_assert_file(&r, "new/out/h", "abcdef");
    rig_assert_file(&r, "new/out/s", "");
    char *path = rig_path(&r, "new/out/d/f"), *link = rig_path(&r, "new/out/h"),
         *dir = rig_path(&r, "new/out/d");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(stat(link, &other), 0);
    assert_int_equal(st.st_ino, other.st_ino);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(depot_os_mtime(&st), INT64_C(1700000000123456789));
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0555);
    assert_int_equal(depot_os_mtime(&st) / DEPOT_SEC, 1700000000);
    depot_free(path);
    depot_free(link);
    depot_free(dir);
    assert_false(rig_finds(&r, ".depot-"));
    rig_call_free(&k);
    end(&r);
}

static void test_receive__makes_a_tree(void **state)
{
    (void)state;
    receive(0);
    receive(13);
}

static void test_receive__merges_and_replaces(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    begin(&r, DP_OUTPUT_DIR, "out", 0);
    rig_mkdir(&r, "out");
    rig_mkdir(&r, "elsewhere");
    rig_mkdir(&r, "out/a");
    rig_file(&r, "out/a/kept", "kept", 4);
    rig_file(&r, "out/f", "old old", 7);
    rig_file(&r, "out/wasfile", "x", 1);
    rig_file(&r, "elsewhere/target", "safe", 4);
    rig_link(&r, "../elsewhere/target", "out/link");
    rig_link(&r, "../elsewhere", "out/linkdir");
    rig_start(&r);
    open_call(&r, &k);
    rig_send_stat(&k, "a", 0755 | DP_MODE_DIR, 0, "");
    rig_send_stat(&k, "f", 0644, 3, "");
    rig_send_stat(&k, "link", 0644, 3, "");
    rig_send_stat(&k, "linkdir", 0755 | DP_MODE_DIR, 0, "");
    rig_send_stat(&k, "linkdir/target", 0644, 3, "");
    rig_send_stat(&k, "wasfile", 0755 | DP_MODE_DIR, 0, "");
    dp_grpc_send(k.call, "", 0);
    static const uint32_t ids[] = {1, 2, 4};
    RIG_UNTIL(&r, k.messages.len == 3);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(ids); i++) {
        rig_send(&k, DP_PACKET_DATA, ids[i], "new");
        rig_send(&k, DP_PACKET_DATA, ids[i], "");
    }
    RIG_UNTIL(&r, last_is(&k, DP_PACKET_FIN));
    dp_grpc_send_end(k.call);
    RIG_UNTIL(&r, k.done);
    assert_int_equal(k.code, DP_GRPC_OK);
    rig_assert_file(&r, "out/a/kept", "kept");
    rig_assert_file(&r, "out/f", "new");
    rig_assert_file(&r, "out/link", "new");
    rig_assert_file(&r, "out/linkdir/target", "new");
    rig_assert_file(&r, "elsewhere/target", "safe");
    rig_call_free(&k);
    end(&r);
}

struct entry {
    const char *path;
    uint32_t mode;
    const char *link;
};

static void test_receive__refuses_bad_listings(void **state)
{
    (void)state;
    static const struct entry rows[][3] = {
        {{"../x", 0644, ""}},
        {{"/etc/x", 0644, ""}},
        {{"", 0644, ""}},
        {{".", 0644, ""}},
        {{"..", 0755 | DP_MODE_DIR, ""}},
        {{"a/", 0644, ""}},
        {{"a//b", 0644, ""}},
        {{"a", 0755 | DP_MODE_DIR, ""}, {"a/../x", 0644, ""}},
        {{"b/x", 0644, ""}},
        {{"b", 0644, ""}, {"a", 0644, ""}},
        {{"a", 0644, ""}, {"a", 0644, ""}},
        {{"a", 0644, ""}, {"a/x", 0644, ""}},
        /* through a link that came before */
        {{"a", 0777 | DP_MODE_SYMLINK, "/tmp"}, {"a/x", 0644, ""}},
        {{"a", 0755 | DP_MODE_DIR, ""}, {"b", 0644, ""}, {"a/x", 0644, ""}},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct rig r;
        struct rig_call k;
        begin(&r, DP_OUTPUT_DIR, "out", 0);
        rig_start(&r);
        open_call(&r, &k);
        for (size_t e = 0; e < 3 && rows[i][e].path != NULL; e++)
            rig_send_stat(&k, rows[i][e].path, rows[i][e].mode, 0, rows[i][e].link);
        RIG_UNTIL(&r, k.done && r.problems == 1);
        assert_int_equal(r.problem.code, DEPOT_ERR_PROTOCOL);
        assert_int_not_equal(k.code, DP_GRPC_OK);
        assert_false(rig_exists(&r, "x"));
        assert_false(rig_finds(&r, ".depot-"));
        rig_call_free(&k);
        end(&r);
    }
}

/* Links are made at the end, and only to regular files inside. */
static void test_receive__refuses_bad_links(void **state)
{
    (void)state;
    static const char *const rows[] = {"../secret", "/etc/passwd", "ln/secret", "missing", "d"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct rig r;
        struct rig_call k;
        begin(&r, DP_OUTPUT_DIR, "out", 0);
        rig_file(&r, "secret", "s", 1);
        rig_start(&r);
        open_call(&r, &k);
        rig_send_stat(&k, "d", 0755 | DP_MODE_DIR, 0, "");
        rig_send_stat(&k, "ln", 0777 | DP_MODE_SYMLINK, 0, "..");
        rig_send_stat(&k, "x", 0644, 0, rows[i]);
        dp_grpc_send(k.call, "", 0);
        RIG_UNTIL(&r, k.done && r.problems == 1);
        assert_false(rig_exists(&r, "out/x"));
        assert_false(rig_finds(&r, ".depot-"));
        rig_call_free(&k);
        end(&r);
    }
}

static void test_receive__bad_data(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct rig r;
        struct rig_call k;
        begin(&r, DP_OUTPUT_DIR, "out", 0);
        rig_start(&r);
        open_call(&r, &k);
        rig_send_stat(&k, "f", 0644, 5, "");
        RIG_UNTIL(&r, k.messages.len == 1);
        rig_send(&k, DP_PACKET_DATA, 0, "abc");
        if (i == 0)
            rig_send(&k, DP_PACKET_DATA, 0, ""); /* shorter than announced */
        else if (i == 1)
            rig_send(&k, DP_PACKET_DATA, 9, "x"); /* not asked for */
        else if (i == 2)
            rig_send(&k, DP_PACKET_ERR, 0, "boom");
        else
            dp_grpc_send(k.call, "\x08\x63", 2);
        RIG_UNTIL(&r, k.done && r.problems == 1);
        assert_false(rig_exists(&r, "out/f"));
        assert_false(rig_finds(&r, ".depot-"));
        rig_call_free(&k);
        end(&r);
    }
}

static void test_receive__a_directory_in_the_way(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    begin(&r, DP_OUTPUT_DIR, "out", 0);
    rig_mkdir(&r, "out");
    rig_mkdir(&r, "out/f");
    rig_file(&r, "out/f/precious", "p", 1);
    rig_start(&r);
    open_call(&r, &k);
    rig_send_stat(&k, "f", 0644, 0, "");
    rig_send(&k, DP_PACKET_DATA, 0, "");
    RIG_UNTIL(&r, k.done && r.problems == 1);
    assert_non_null(strstr(r.problem.hint, "a directory is in its place"));
    rig_assert_file(&r, "out/f/precious", "p");
    assert_false(rig_finds(&r, ".depot-"));
    rig_call_free(&k);
    end(&r);
}

static void test_receive__extended_attributes(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT), x = DEPOT_BUF_INIT(1000);
    char got[16];
    begin(&r, DP_OUTPUT_DIR, "out", 0);
    rig_start(&r);
    open_call(&r, &k);
    dp_packet_add_xattr(&x, "security.capability", "\1\0\0\2", 4);
    dp_packet_add_xattr(&x, "user.a", "b\0c", 3);
    const struct dp_fstat st = {.path = "f",
        .path_len = 1,
        .mode = 0444,
        .link = "",
        .xattrs = x.data,
        .xattrs_len = x.len};
    dp_packet_add_stat(&b, &st);
    dp_grpc_send(k.call, b.data, b.len);
    dp_grpc_send(k.call, "", 0);
    RIG_UNTIL(&r, last_is(&k, DP_PACKET_REQ));
    rig_send(&k, DP_PACKET_DATA, 0, "");
    RIG_UNTIL(&r, last_is(&k, DP_PACKET_FIN));
    rig_assert_file(&r, "out/f", "");
    char *path = rig_path(&r, "out/f");
    const ssize_t n = depot_os_get_xattr(path, "user.a", got, sizeof(got));
    if (n >= 0 || errno != ENOTSUP) {
        assert_int_equal(n, 3);
        assert_memory_equal(got, "b\0c", 3);
    }
    assert_true(depot_os_get_xattr(path, "security.capability", got, sizeof(got)) < 0);
    depot_free(path);
    depot_buf_release(&b);
    depot_buf_release(&x);
    rig_call_free(&k);
    end(&r);
}

static void test_receive__freed_half_way(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    begin(&r, DP_OUTPUT_DIR, "out", 0);
    rig_start(&r);
    open_call(&r, &k);
    rig_send_stat(&k, "f", 0644, 5, "");
    rig_send(&k, DP_PACKET_DATA, 0, "abc");
    RIG_UNTIL(&r, rig_finds(&r, ".depot-"));
    dp_session_free(r.session);
    r.session = NULL;
    assert_false(rig_finds(&r, ".depot-"));
    assert_false(rig_exists(&r, "out/f"));
    rig_call_free(&k);
    end(&r);
}

/* ---- archives ---- */

enum { TAR_SIZE = 512 * 300 };

/* A tar in all that matters: blocks, and zeros at its end. */
static void send_tar(struct rig_call *k, const char *tar, size_t n)
{
    for (size_t at = 0; at < n; at += 10000) {
        size_t len = n - at < 10000 ? n - at : 10000;
        uint8_t msg[10000 + 16];
        uint8_t *p = dp_pb_put_bytes(msg, 1, tar + at, len);
        dp_grpc_send(k->call, msg, (size_t)(p - msg));
    }
}

static char *make_tar(void)
{
    char *tar = depot_calloc(1, TAR_SIZE + 1);
    memset(tar, 'x', TAR_SIZE - 1024);
    return tar;
}

static void assert_tar(const struct rig *r, const char *name, const char *tar)
{
    struct depot_error err;
    char *path = rig_path(r, name), *data = NULL;
    size_t n;
    assert_int_equal(depot_file_read(path, 1 << 24, &data, &n, &err), 0);
    assert_int_equal(n, TAR_SIZE);
    assert_memory_equal(data, tar, n);
    depot_free(data);
    depot_free(path);
}

static void test_output__file_appears_whole(void **state)
{
    (void)state;
    static const size_t pieces[] = {0, 101};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(pieces); i++) {
        struct rig r;
        struct rig_call k;
        struct stat st;
        char *tar = make_tar();
        begin(&r, DP_OUTPUT_FILE, "x.tar", pieces[i]);
        if (i == 0) { /* over an old one, through a link */
            rig_file(&r, "real.tar", "old", 3);
            rig_link(&r, "real.tar", "x.tar");
            char *real = rig_path(&r, "real.tar");
            assert_int_equal(chmod(real, 0600), 0);
            depot_free(real);
        }
        rig_start(&r);
        rig_call(&r, &k, file_send, NULL, 0); /* an older engine does not say which */
        send_tar(&k, tar, TAR_SIZE);
        RIG_UNTIL(&r, rig_finds(&r, ".depot-"));
        if (i == 0)
            rig_assert_file(&r, "x.tar", "old");
        else
            assert_false(rig_exists(&r, "x.tar"));
        dp_grpc_send_end(k.call);
        RIG_UNTIL(&r, k.done);
        assert_int_equal(k.code, DP_GRPC_OK);
        assert_tar(&r, "x.tar", tar);
        if (i == 0) {
            char *real = rig_path(&r, "real.tar");
            assert_int_equal(lstat(real, &st), 0);
            assert_true(S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0600);
            assert_int_equal(lstat(outputs[0].path, &st), 0);
            assert_true(S_ISLNK(st.st_mode));
            depot_free(real);
        }
        assert_false(rig_finds(&r, ".depot-"));
        rig_call_free(&k);
        end(&r);
        depot_free(tar);
    }
}

static void test_output__broken_archives_do_not_appear(void **state)
{
    (void)state;
    char *tar = make_tar();
    for (int i = 0; i < 4; i++) {
        struct rig r;
        struct rig_call k;
        begin(&r, DP_OUTPUT_FILE, "x.tar", 0);
        rig_file(&r, "x.tar", "old", 3);
        rig_start(&r);
        open_call(&r, &k);
        if (i < 3)
            send_tar(&k, tar, i == 0 ? TAR_SIZE / 2 : i == 1 ? TAR_SIZE - 512 : 0);
        if (i < 3) {
            dp_grpc_send_end(k.call); /* in order, yet too early */
            RIG_UNTIL(&r, k.done && r.problems == 1);
            assert_non_null(strstr(r.problem.msg, "ended early"));
        } else {
            send_tar(&k, tar, TAR_SIZE);
            RIG_UNTIL(&r, rig_finds(&r, ".depot-"));
            rig_call_free(&k); /* reset */
            RIG_UNTIL(&r, dp_session_busy(r.session) == 0);
            memset(&k, 0, sizeof(k));
        }
        rig_assert_file(&r, "x.tar", "old");
        assert_false(rig_finds(&r, ".depot-"));
        rig_call_free(&k);
        end(&r);
    }
    depot_free(tar);
}

static void test_output__cannot_be_written(void **state)
{
    (void)state;
    static const char *const rows[] = {"file/x.tar", "dir"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct rig r;
        struct rig_call k;
        begin(&r, DP_OUTPUT_FILE, rows[i], 0);
        rig_mkdir(&r, "dir");
        rig_file(&r, "file", "", 0);
        rig_start(&r);
        open_call(&r, &k);
        RIG_UNTIL(&r, k.done && r.problems == 1);
        assert_non_null(strstr(r.problem.msg, rows[i]));
        assert_true(strlen(r.problem.hint) > 0);
        rig_call_free(&k);
        end(&r);
    }
}

static void test_output__makes_its_directories(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    char *tar = make_tar();
    begin(&r, DP_OUTPUT_FILE, "new/dir/x.tar", 0);
    rig_start(&r);
    open_call(&r, &k);
    send_tar(&k, tar, TAR_SIZE);
    dp_grpc_send_end(k.call);
    RIG_UNTIL(&r, k.done);
    assert_tar(&r, "new/dir/x.tar", tar);
    rig_call_free(&k);
    end(&r);
    depot_free(tar);
}

static void test_output__fifo_waits_for_its_reader(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    char *tar = make_tar(), *got = depot_alloc(TAR_SIZE);
    begin(&r, DP_OUTPUT_FILE, "p", 0);
    assert_int_equal(mkfifo(outputs[0].path, 0600), 0);
    rig_start(&r);
    open_call(&r, &k);
    send_tar(&k, tar, TAR_SIZE);
    dp_grpc_send_end(k.call);
    for (int i = 0; i < 100; i++)
        depot_loop_turn(r.loop);
    assert_false(k.done);
    const int fd = open(outputs[0].path, O_RDONLY | O_NONBLOCK);
    for (size_t n = 0; n < TAR_SIZE;) {
        depot_loop_turn(r.loop);
        ssize_t more = read(fd, got + n, TAR_SIZE - n);
        n += more > 0 ? (size_t)more : 0;
    }
    RIG_UNTIL(&r, k.done);
    assert_int_equal(k.code, DP_GRPC_OK);
    assert_memory_equal(got, tar, TAR_SIZE);
    close(fd);
    rig_call_free(&k);
    end(&r);
    depot_free(got);
    depot_free(tar);
}

static void test_output__descriptor_with_a_slow_reader(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    int fds[2];
    char *tar = make_tar(), *got = depot_alloc(TAR_SIZE);
    assert_int_equal(pipe(fds), 0);
    begin(&r, DP_OUTPUT_FD, "-", 0);
    outputs[0].fd = fds[1];
    rig_start(&r);
    open_call(&r, &k);
    send_tar(&k, tar, TAR_SIZE);
    dp_grpc_send_end(k.call);
    for (int i = 0; i < 100; i++)
        depot_loop_turn(r.loop);
    assert_false(k.done);                                     /* more than a pipe holds */
    assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0); /* others write to it, too */
    for (size_t n = 0; n < TAR_SIZE;) {
        struct pollfd p = {.fd = fds[0], .events = POLLIN};
        depot_loop_turn(r.loop);
        if (poll(&p, 1, 0) == 1)
            n += (size_t)read(fds[0], got + n, 5000);
    }
    RIG_UNTIL(&r, k.done);
    assert_int_equal(k.code, DP_GRPC_OK);
    assert_memory_equal(got, tar, TAR_SIZE);
    close(fds[0]);
    close(fds[1]);
    rig_call_free(&k);
    end(&r);
    depot_free(tar);
    depot_free(got);
}

/* The part's session was lost in the middle, and the engine sends it all again. */
static void test_output__spool_begins_again(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    char *tar = make_tar(), *got = depot_alloc(TAR_SIZE);
    FILE *spool = tmpfile();
    assert_non_null(spool);
    begin(&r, DP_OUTPUT_SPOOL, "-", 0);
    outputs[0].fd = fileno(spool);
    assert_int_equal(write(outputs[0].fd, "what was before", 15), 15);
    rig_start(&r);
    open_call(&r, &k);
    send_tar(&k, tar, TAR_SIZE / 2);
    dp_grpc_send_end(k.call);
    RIG_UNTIL(&r, k.done);
    assert_int_not_equal(k.code, DP_GRPC_OK);
    rig_call_free(&k);
    open_call(&r, &k);
    send_tar(&k, tar, TAR_SIZE);
    dp_grpc_send_end(k.call);
    RIG_UNTIL(&r, k.done);
    assert_int_equal(k.code, DP_GRPC_OK);
    assert_int_equal(lseek(outputs[0].fd, 0, SEEK_END), TAR_SIZE);
    assert_int_equal(pread(outputs[0].fd, got, TAR_SIZE, 0), TAR_SIZE);
    assert_memory_equal(got, tar, TAR_SIZE);
    rig_call_free(&k);
    end(&r);
    fclose(spool);
    depot_free(tar);
    depot_free(got);
}

struct sink {
    size_t got, queued;
    int ends;
};

static ssize_t on_sink(void *arg, const void *data, size_t n, struct depot_error *err)
{
    struct sink *s = arg;
    (void)data;
    (void)err;
    s->got += n;
    s->ends += n == 0;
    return (ssize_t)s->queued;
}

static void test_output__sink_holds_the_engine_back(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    struct sink sink = {.queued = 2 << 20};
    char *tar = make_tar();
    begin(&r, DP_OUTPUT_SINK, "-", 0);
    outputs[0].sink = on_sink;
    outputs[0].sink_arg = &sink;
    rig_start(&r);
    open_call(&r, &k);
    for (int i = 0; i < 200; i++) /* past every window */
        send_tar(&k, tar, TAR_SIZE);
    dp_grpc_send_end(k.call);
    for (int i = 0; i < 1000; i++)
        depot_loop_turn(r.loop);
    assert_true(sink.got > 0 && sink.got < (size_t)TAR_SIZE * 200);
    sink.queued = 0;
    dp_session_output_drained(r.session, 0);
    RIG_UNTIL(&r, k.done);
    assert_int_equal(k.code, DP_GRPC_OK);
    assert_int_equal(sink.got, (size_t)TAR_SIZE * 200);
    assert_int_equal(sink.ends, 1);
    rig_call_free(&k);
    end(&r);
    depot_free(tar);
}

static void test_output__nobody_asked_for_it(void **state)
{
    (void)state;
    static const char *const ids[] = {"1", "-1", "x", "99999999999999999999"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(ids); i++) {
        struct rig r;
        struct rig_call k;
        struct dp_grpc_md md = {"buildkit-attachable-exporter-id", ids[i]};
        begin(&r, DP_OUTPUT_FILE, "x", 0);
        rig_start(&r);
        rig_call(&r, &k, file_send, &md, 1);
        RIG_UNTIL(&r, k.done);
        assert_int_equal(k.code, DP_GRPC_NOT_FOUND);
        rig_call_free(&k);
        end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receive__makes_a_tree),
        cmocka_unit_test(test_receive__merges_and_replaces),
        cmocka_unit_test(test_receive__refuses_bad_listings),
        cmocka_unit_test(test_receive__refuses_bad_links),
        cmocka_unit_test(test_receive__bad_data),
        cmocka_unit_test(test_receive__a_directory_in_the_way),
        cmocka_unit_test(test_receive__extended_attributes),
        cmocka_unit_test(test_receive__freed_half_way),
        cmocka_unit_test(test_output__file_appears_whole),
        cmocka_unit_test(test_output__broken_archives_do_not_appear),
        cmocka_unit_test(test_output__cannot_be_written),
        cmocka_unit_test(test_output__makes_its_directories),
        cmocka_unit_test(test_output__fifo_waits_for_its_reader),
        cmocka_unit_test(test_output__descriptor_with_a_slow_reader),
        cmocka_unit_test(test_output__spool_begins_again),
        cmocka_unit_test(test_output__sink_holds_the_engine_back),
        cmocka_unit_test(test_output__nobody_asked_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
