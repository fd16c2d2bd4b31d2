/*
 * Sending a directory: the listing, requested files, and what can go wrong with them meanwhile.
 */
#include "session_rig.h"

static const char diff_copy[] = "/moby.filesync.v1.FileSync/DiffCopy";

static struct dp_session_dir dirs[] = {{(char *)"context", NULL}, {(char *)"dockerfile", NULL}};

static void begin(struct rig *r, size_t piece)
{
    rig_init(r);
    r->piece = piece;
    rig_mkdir(r, "ctx");
    dirs[0].path = rig_path(r, "ctx");
    dirs[1].path = depot_strdup(dirs[0].path);
    r->cfg.dirs = dirs;
    r->cfg.ndirs = 2;
}

static void end(struct rig *r)
{
    rig_free(r);
    depot_free(dirs[0].path);
    depot_free(dirs[1].path);
}

/* "path path ..." of the listing so far, with ">link" behind links; "." at its end. */
static char *listing(const struct rig_call *k)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    depot_buf_adds(&b, "");
    for (size_t i = 0; i < k->messages.len; i++) {
        struct dp_packet p;
        assert_int_equal(
            dp_packet_decode(k->messages.items[i].data, k->messages.items[i].len, &p), 0);
        if (p.type != DP_PACKET_STAT)
            continue;
        if (b.len > 0)
            depot_buf_addc(&b, ' ');
        if (!p.has_stat) {
            depot_buf_addc(&b, '.');
            continue;
        }
        depot_buf_add(&b, p.stat.path, p.stat.path_len);
        if (p.stat.link_len > 0)
            depot_buf_addc(&b, '>');
        depot_buf_add(&b, p.stat.link, p.stat.link_len);
        if (p.stat.mode & DP_MODE_DIR)
            depot_buf_addc(&b, '/');
    }
    return depot_buf_detach(&b);
}

static bool listed(const struct rig_call *k)
{
    char *s = listing(k);
    bool ended = depot_str_ends(s, ".") && (strlen(s) == 1 || depot_str_ends(s, " ."));
    depot_free(s);
    return ended;
}

/* What came of file `id`; NULL when its end has not come. */
static char *content(const struct rig_call *k, uint32_t id, size_t *len)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    bool ended = false;
    depot_buf_adds(&b, "");
    for (size_t i = 0; i < k->messages.len; i++) {
        struct dp_packet p;
        assert_int_equal(
            dp_packet_decode(k->messages.items[i].data, k->messages.items[i].len, &p), 0);
        if (p.type != DP_PACKET_DATA || p.id != id)
            continue;
        assert_false(ended);
        ended = p.len == 0;
        depot_buf_add(&b, p.data, p.len);
    }
    *len = b.len;
    if (ended)
        return depot_buf_detach(&b);
    depot_buf_release(&b);
    return NULL;
}

static bool complete(const struct rig_call *k, uint32_t id)
{
    size_t n;
    char *s = content(k, id, &n);
    depot_free(s);
    return s != NULL;
}

static void assert_content(const struct rig_call *k, uint32_t id, const void *want, size_t n)
{
    size_t got;
    char *s = content(k, id, &got);
    assert_non_null(s);
    assert_int_equal(got, n);
    assert_memory_equal(s, want, n);
    depot_free(s);
}

static void open_dir(struct rig *r, struct rig_call *k, const char *name)
{
    struct dp_grpc_md md = {"dir-name", name};
    rig_call(r, k, diff_copy, &md, 1);
}

static void assert_listing(const struct rig_call *k, const char *want)
{
    char *got = listing(k);
    assert_string_equal(got, want);
    depot_free(got);
}

static void transfer(size_t piece)
{
    struct rig r;
    struct rig_call k;
    size_t big_len = 700 * 1000;
    char *big = depot_alloc(big_len);
    for (size_t i = 0; i < big_len; i++)
        big[i] = (char)(i * 31 >> 3);
    begin(&r, piece);
    rig_mkdir(&r, "ctx/a");
    rig_file(&r, "ctx/a/x", "xx", 2);
    rig_file(&r, "ctx/a-b", "", 0);
    rig_file(&r, "ctx/a.c", big, big_len);
    rig_link(&r, "a/x", "ctx/l");
    char *from = rig_path(&r, "ctx/a/x"), *to = rig_path(&r, "ctx/z");
    assert_int_equal(link(from, to), 0);
    depot_free(from);
    depot_free(to);
    rig_start(&r);
    open_dir(&r, &k, "context");
    RIG_UNTIL(&r, listed(&k));
    assert_listing(&k, "a/ a/x a-b a.c l>a/x z>a/x .");
    rig_send(&k, DP_PACKET_REQ, 3, "");
    rig_send(&k, DP_PACKET_REQ, 2, "");
    rig_send(&k, DP_PACKET_REQ, 1, "");
    RIG_UNTIL(&r, complete(&k, 1) && complete(&k, 2) && complete(&k, 3));
    assert_content(&k, 3, big, big_len);
    assert_content(&k, 2, "", 0);
    assert_content(&k, 1, "xx", 2);
    rig_send(&k, DP_PACKET_FIN, 0, "");
    RIG_UNTIL(&r, k.done && r.contexts == 1);
    struct dp_packet last;
    const struct depot_buf *msg = &k.messages.items[k.messages.len - 1];
    assert_int_equal(dp_packet_decode(msg->data, msg->len, &last), 0);
    assert_int_equal(last.type, DP_PACKET_FIN);
    assert_int_equal(k.code, DP_GRPC_OK);
    assert_string_equal(r.mount, "context");
    assert_int_equal(r.files, 4);
    assert_int_equal(r.bytes, big_len + 2);
    assert_int_equal(r.sent_files, 3);
    assert_int_equal(r.sent_bytes, big_len + 2);
    assert_int_equal(r.changed, 3);
    assert_int_equal(r.problems, 0);
    rig_call_free(&k);
    end(&r);
    depot_free(big);
}

static void test_sync__sends_what_is_asked_for(void **state)
{
    (void)state;
    transfer(0);
}

static void test_sync__works_in_small_pieces(void **state)
{
    (void)state;
    transfer(997);
}

static void test_sync__stat_fields(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    begin(&r, 0);
    rig_file(&r, "ctx/f", "1234", 4);
    char *path = rig_path(&r, "ctx/f");
    struct timespec times[2] = {{1700000000, 5}, {1700000000, 123456789}};
    assert_int_equal(chmod(path, 04751), 0);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    depot_free(path);
    rig_start(&r);
    open_dir(&r, &k, "context");
    RIG_UNTIL(&r, listed(&k));
    struct dp_packet p;
    assert_int_equal(dp_packet_decode(k.messages.items[0].data, k.messages.items[0].len, &p), 0);
    assert_int_equal(p.stat.mode, 0751 | DP_MODE_SETUID);
    assert_int_equal(p.stat.size, 4);
    assert_true(p.stat.mtime == INT64_C(1700000000123456789));
    rig_call_free(&k);
    end(&r);
}

static void test_sync__filters_as_asked(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    struct dp_grpc_md md[] = {{"dir-name", "context"}, {"exclude-patterns", "*.log"},
        {"exclude-patterns", "node%2Bx"}, {"exclude-patterns", "%C3%BC+y"},
        {"exclude-patterns-encoded", "1"}};
    begin(&r, 0);
    rig_file(&r, "ctx/a.log", "", 0);
    rig_file(&r, "ctx/node+x", "", 0);
    rig_file(&r, "ctx/\303\274 y", "", 0);
    rig_file(&r, "ctx/b", "", 0);
    rig_start(&r);
    rig_call(&r, &k, diff_copy, md, 5);
    RIG_UNTIL(&r, listed(&k));
    assert_listing(&k, "b .");
    rig_call_free(&k);
    end(&r);
}

static void test_sync__unknown_directory(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    begin(&r, 0);
    rig_start(&r);
    open_dir(&r, &k, "secrets");
    RIG_UNTIL(&r, k.done);
    assert_int_equal(k.code, DP_GRPC_NOT_FOUND);
    assert_string_equal(k.text, "no access allowed to dir \"secrets\"");
    rig_call_free(&k);
    rig_call(&r, &k, diff_copy, NULL, 0);
    RIG_UNTIL(&r, k.done);
    assert_int_equal(k.code, DP_GRPC_NOT_FOUND);
    rig_call_free(&k);
    end(&r);
}

static void test_sync__missing_context(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    begin(&r, 0);
    char *path = rig_path(&r, "ctx");
    assert_int_equal(rmdir(path), 0);
    depot_free(path);
    rig_start(&r);
    open_dir(&r, &k, "context");
    RIG_UNTIL(&r, k.done && r.problems == 1);
    assert_int_equal(k.code, DP_GRPC_UNKNOWN);
    assert_non_null(strstr(r.problem.msg, "/ctx: No such file"));
    rig_call_free(&k);
    end(&r);
}

/* A file that changes between the listing and the sending. */
static void fault(const char *what, const char *want)
{
    struct rig r;
    struct rig_call k;
    begin(&r, 0);
    rig_file(&r, "ctx/f", "0123456789", 10);
    rig_start(&r);
    open_dir(&r, &k, "context");
    RIG_UNTIL(&r, listed(&k));
    char *cmd = depot_asprintf("cd %s/ctx && %s", r.dir, what);
    assert_int_equal(system(cmd), 0);
    depot_free(cmd);
    rig_send(&k, DP_PACKET_REQ, 0, "");
    if (want == NULL) {
        RIG_UNTIL(&r, complete(&k, 0));
        assert_content(&k, 0, "0123456789", 10);
    } else {
        RIG_UNTIL(&r, k.done && r.problems == 1);
        assert_int_not_equal(k.code, DP_GRPC_OK);
        assert_non_null(strstr(r.problem.msg, want));
        assert_non_null(strstr(r.problem.msg, "/ctx/f"));
        assert_true(strlen(r.problem.hint) > 0);
        struct dp_packet p;
        const struct depot_buf *msg = &k.messages.items[k.messages.len - 1];
        assert_int_equal(dp_packet_decode(msg->data, msg->len, &p), 0);
        assert_int_equal(p.type, DP_PACKET_ERR);
        assert_int_equal(p.len, strlen(r.problem.msg));
    }
    rig_call_free(&k);
    end(&r);
}

static void test_sync__files_that_change(void **state)
{
    (void)state;
    fault("rm f", "vanished");
    fault("rm f && mkdir f", "changed while it was read");
    fault("rm f && mkfifo f", "changed while it was read");
    fault("rm f && ln -s /etc/passwd f", "vanished");
    fault("printf 012 > f", "changed while it was read");
    fault("printf abc >> f", NULL); /* grown: what was announced */
    if (geteuid() != 0)
        fault("chmod 0 f", "cannot read file");
}

static void test_sync__hostile_requests(void **state)
{
    (void)state;
    static const struct {
        enum dp_packet_type type;
        uint32_t id;
        int times;
    } rows[] = {{DP_PACKET_REQ, 7, 1}, {DP_PACKET_REQ, 0, 1} /* a directory */,
        {DP_PACKET_REQ, 1, 2} /* twice */, {DP_PACKET_REQ, UINT32_MAX, 1}, {DP_PACKET_ERR, 0, 1}};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct rig r;
        struct rig_call k;
        begin(&r, 0);
        rig_mkdir(&r, "ctx/d");
        rig_file(&r, "ctx/f", "x", 1);
        rig_start(&r);
        open_dir(&r, &k, "context");
        RIG_UNTIL(&r, listed(&k));
        for (int n = 0; n < rows[i].times; n++)
            rig_send(&k, rows[i].type, rows[i].id, "");
        RIG_UNTIL(&r, k.done);
        assert_int_not_equal(k.code, DP_GRPC_OK);
        assert_int_equal(r.contexts, 0);
        rig_call_free(&k);
        end(&r);
    }
}

static void test_sync__garbage_and_early_end(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    begin(&r, 0);
    rig_start(&r);
    open_dir(&r, &k, "context");
    dp_grpc_send(k.call, "\xff\xff\xff", 3);
    RIG_UNTIL(&r, k.done);
    assert_int_equal(k.code, DP_GRPC_INVALID_ARGUMENT);
    rig_call_free(&k);
    open_dir(&r, &k, "context");
    dp_grpc_send_end(k.call);
    RIG_UNTIL(&r, k.done);
    assert_int_equal(k.code, DP_GRPC_ABORTED);
    rig_call_free(&k);
    end(&r);
}

static void test_sync__dockerfile_from_memory(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    begin(&r, 0);
    r.cfg.dockerfile_data = "FROM scratch\n";
    r.cfg.dockerfile_len = 13;
    rig_start(&r);
    open_dir(&r, &k, "dockerfile");
    RIG_UNTIL(&r, listed(&k));
    assert_listing(&k, "Dockerfile .");
    rig_send(&k, DP_PACKET_REQ, 0, "");
    RIG_UNTIL(&r, complete(&k, 0));
    assert_content(&k, 0, "FROM scratch\n", 13);
    rig_send(&k, DP_PACKET_FIN, 0, "");
    RIG_UNTIL(&r, k.done && r.contexts == 1);
    assert_string_equal(r.mount, "dockerfile");
    rig_call_free(&k);
    end(&r);
}

/* The session goes away in the middle of everything. */
static void test_sync__freed_while_sending(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k;
    char *big = depot_calloc(1, 4 << 20);
    begin(&r, 1000);
    rig_file(&r, "ctx/f", big, 4 << 20);
    rig_start(&r);
    open_dir(&r, &k, "context");
    RIG_UNTIL(&r, listed(&k));
    rig_send(&k, DP_PACKET_REQ, 0, "");
    for (int i = 0; i < 200; i++)
        depot_loop_turn(r.loop);
    dp_session_free(r.session);
    r.session = NULL;
    RIG_UNTIL(&r, k.done);
    assert_int_not_equal(k.code, DP_GRPC_OK);
    rig_call_free(&k);
    end(&r);
    depot_free(big);
}

static void test_sync__freed_inside_callbacks(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct rig r;
        struct rig_call k;
        begin(&r, 0);
        rig_file(&r, "ctx/f", "x", 1);
        r.free_inside = true;
        rig_start(&r);
        open_dir(&r, &k, "context");
        RIG_UNTIL(&r, listed(&k));
        if (i == 0) {
            rig_send(&k, DP_PACKET_FIN, 0, "");
            RIG_UNTIL(&r, r.contexts == 1);
        } else if (i == 1) {
            char *path = rig_path(&r, "ctx/f");
            assert_int_equal(unlink(path), 0);
            depot_free(path);
            rig_send(&k, DP_PACKET_REQ, 0, "");
            RIG_UNTIL(&r, r.problems == 1);
        } else {
            dp_grpc_conn_free(r.conn);
            r.conn = NULL;
            k.call = NULL;
            RIG_UNTIL(&r, r.closed == 1);
        }
        assert_null(r.session);
        RIG_UNTIL(&r, r.conn == NULL || k.done);
        rig_call_free(&k);
        end(&r);
    }
}

static void test_sync__health_is_answered_meanwhile(void **state)
{
    (void)state;
    struct rig r;
    struct rig_call k, h;
    size_t n = 16 << 20;
    char *big = depot_calloc(1, n);
    begin(&r, 0);
    rig_file(&r, "ctx/f", big, n);
    rig_start(&r);
    open_dir(&r, &k, "context");
    RIG_UNTIL(&r, listed(&k));
    rig_send(&k, DP_PACKET_REQ, 0, "");
    depot_loop_turn(r.loop);
    rig_unary(&r, &h, "/grpc.health.v1.Health/Check", "", 0);
    assert_false(complete(&k, 0));
    assert_int_equal(h.code, DP_GRPC_OK);
    assert_int_equal(h.messages.len, 1);
    assert_memory_equal(h.messages.items[0].data, "\x08\x01", 2);
    RIG_UNTIL(&r, complete(&k, 0));
    rig_call_free(&h);
    rig_call_free(&k);
    end(&r);
    depot_free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sync__sends_what_is_asked_for),
        cmocka_unit_test(test_sync__works_in_small_pieces),
        cmocka_unit_test(test_sync__stat_fields),
        cmocka_unit_test(test_sync__filters_as_asked),
        cmocka_unit_test(test_sync__unknown_directory),
        cmocka_unit_test(test_sync__missing_context),
        cmocka_unit_test(test_sync__files_that_change),
        cmocka_unit_test(test_sync__hostile_requests),
        cmocka_unit_test(test_sync__garbage_and_early_end),
        cmocka_unit_test(test_sync__dockerfile_from_memory),
        cmocka_unit_test(test_sync__freed_while_sending),
        cmocka_unit_test(test_sync__freed_inside_callbacks),
        cmocka_unit_test(test_sync__health_is_answered_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
