/*
 * The content service: stores, blobs read and written, and engines that do it wrong.
 */
#include "session_rig.h"

#include "session/content.h"

#define METHOD(name) "/containerd.services.content.v1.Content/" name

static const char key[] = "buildkit-attachable-store-id";
/* Of "hello". */
static const char hello[] =
    "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
static const char hello_file[] =
    "blobs/sha256/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
static const char none[] =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";

struct stores {
    struct rig r;
    struct dp_session_store list[2];
};

static void stores_start(struct stores *s, size_t piece)
{
    rig_init(&s->r);
    s->r.piece = piece;
    s->list[0] =
        (struct dp_session_store){.id = (char *)"local:w", .path = s->r.dir, .writable = true};
    s->list[1] = (struct dp_session_store){.id = (char *)"oci:r", .path = s->r.dir};
    s->r.cfg.stores = s->list;
    s->r.cfg.nstores = 2;
    rig_start(&s->r);
}

static void put_hello(const struct rig *r)
{
    rig_mkdir(r, "blobs");
    rig_mkdir(r, "blobs/sha256");
    rig_file(r, hello_file, "hello", 5);
}

static void begin(struct rig *r, struct rig_call *k, const char *path, const char *store)
{
    const struct dp_grpc_md md = {key, store};
    rig_call(r, k, path, &md, store != NULL ? 1 : 0);
}

static void ask(
    struct rig *r, struct rig_call *k, const char *path, const char *store, const char *name)
{
    uint8_t msg[2048], *p = dp_pb_put_bytes(msg, 1, name, strlen(name));
    begin(r, k, path, store);
    dp_grpc_send(k->call, msg, (size_t)(p - msg));
    dp_grpc_send_end(k->call);
    RIG_UNTIL(r, k->done);
}

static void assert_fails(
    struct rig *r, const char *path, const char *store, const char *name, int code)
{
    struct rig_call k;
    ask(r, &k, path, store, name);
    assert_int_equal(k.code, code);
    assert_int_equal(k.messages.len, 0);
    rig_call_free(&k);
}

/* ---- one answer ---- */

static void test_content__announced_with_stores_only(void **state)
{
    (void)state;
    struct dp_session_store store = {.id = (char *)"export"};
    struct dp_session_config cfg = {0};
    struct depot_strv v = {0};
    dp_session_methods(&cfg, &v);
    assert_false(depot_strv_has(&v, METHOD("Write")));
    depot_strv_release(&v);
    cfg.stores = &store;
    cfg.nstores = 1;
    dp_session_methods(&cfg, &v);
    assert_true(depot_strv_has(&v, METHOD("Info")));
    assert_true(depot_strv_has(&v, METHOD("Read")));
    assert_true(depot_strv_has(&v, METHOD("Write")));
    depot_strv_release(&v);
}

static void test_content__info(void **state)
{
    (void)state;
    struct stores s;
    struct rig_call k;
    size_t n;
    stores_start(&s, 0);
    put_hello(&s.r);
    ask(&s.r, &k, METHOD("Info"), "oci:r", hello);
    assert_int_equal(k.code, DP_GRPC_OK);
    assert_int_equal(k.messages.len, 1);
    const struct depot_buf *b = &k.messages.items[0];
    const uint8_t *info = dp_pb_bytes(b->data, b->len, 1, &n);
    assert_non_null(info);
    char *digest = dp_pb_string(info, n, 1, 100);
    assert_string_equal(digest, hello);
    depot_free(digest);
    struct dp_pb_reader reader = dp_pb_read(info, n);
    struct dp_pb_field f;
    int64_t size = -1;
    while (dp_pb_next(&reader, &f) > 0)
        size = f.number == 2 ? (int64_t)f.value : size;
    assert_int_equal(size, 5);
    rig_call_free(&k);
    rig_free(&s.r);
}

static void test_content__refusals(void **state)
{
    (void)state;
    static const struct {
        const char *path, *store, *name;
        int code;
    } rows[] = {
        {METHOD("Info"), NULL, hello, DP_GRPC_INVALID_ARGUMENT},
        {METHOD("Info"), "oci:other", hello, DP_GRPC_NOT_FOUND},
        {METHOD("Info"), "oci:r", none, DP_GRPC_NOT_FOUND},
        {METHOD("Info"), "oci:r", "sha256:../../../../etc/passwd", DP_GRPC_INVALID_ARGUMENT},
        {METHOD("Info"), "oci:r", "sha256", DP_GRPC_INVALID_ARGUMENT},
        {METHOD("Info"), "oci:r", "", DP_GRPC_INVALID_ARGUMENT},
        {METHOD("Info"), "oci:r", "../../etc:passwd", DP_GRPC_INVALID_ARGUMENT},
        {METHOD("Read"), NULL, hello, DP_GRPC_INVALID_ARGUMENT},
        {METHOD("Read"), "", hello, DP_GRPC_NOT_FOUND},
        {METHOD("Read"), "oci:r", none, DP_GRPC_NOT_FOUND},
        {METHOD("Read"), "oci:r", "sha256:/", DP_GRPC_INVALID_ARGUMENT},
        {METHOD("Status"), "local:w", "ref", DP_GRPC_NOT_FOUND},
        {METHOD("Abort"), "local:w", "ref", DP_GRPC_NOT_FOUND},
        {METHOD("Write"), "oci:r", "", DP_GRPC_PERMISSION_DENIED},
        {METHOD("Write"), "oci:no", "", DP_GRPC_NOT_FOUND},
        {METHOD("Delete"), "local:w", hello, DP_GRPC_UNIMPLEMENTED},
        {METHOD("Update"), "local:w", hello, DP_GRPC_UNIMPLEMENTED},
        {METHOD("List"), "local:w", "", DP_GRPC_UNIMPLEMENTED},
        {METHOD("ListStatuses"), "local:w", "", DP_GRPC_UNIMPLEMENTED},
    };
    struct stores s;
    stores_start(&s, 0);
    put_hello(&s.r);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        assert_fails(&s.r, rows[i].path, rows[i].store, rows[i].name, rows[i].code);
    assert_int_equal(s.r.problems, 0);
    rig_free(&s.r);
}

static void test_content__only_regular_files(void **state)
{
    (void)state;
    struct stores s;
    struct rig_call k;
    stores_start(&s, 0);
    rig_mkdir(&s.r, "blobs");
    rig_mkdir(&s.r, "blobs/sha256");
    rig_mkdir(&s.r, hello_file);
    assert_fails(&s.r, METHOD("Read"), "oci:r", hello, DP_GRPC_NOT_FOUND);
    char *path = rig_path(&s.r, hello_file);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_fails(&s.r, METHOD("Read"), "oci:r", hello, DP_GRPC_NOT_FOUND);
    assert_int_equal(unlink(path), 0);
    rig_file(&s.r, "elsewhere", "hello", 5); /* as build systems lay out images */
    rig_link(&s.r, "../../elsewhere", hello_file);
    ask(&s.r, &k, METHOD("Info"), "oci:r", hello);
    assert_int_equal(k.code, DP_GRPC_OK);
    rig_call_free(&k);
    depot_free(path);
    rig_free(&s.r);
}

/* ---- reading ---- */

static void read_range(struct rig *r, struct rig_call *k, uint64_t offset, uint64_t size)
{
    uint8_t msg[128], *p = dp_pb_put_bytes(msg, 1, hello, strlen(hello));
    p = dp_pb_put_uint(p, 2, offset);
    p = dp_pb_put_uint(p, 3, size);
    begin(r, k, METHOD("Read"), "oci:r");
    dp_grpc_send(k->call, msg, (size_t)(p - msg));
    dp_grpc_send_end(k->call);
    RIG_UNTIL(r, k->done);
}

static void joined(const struct rig_call *k, struct depot_buf *out)
{
    for (size_t i = 0; i < k->messages.len; i++) {
        size_t n;
        const uint8_t *data =
            dp_pb_bytes(k->messages.items[i].data, k->messages.items[i].len, 2, &n);
        depot_buf_add(out, data, n);
    }
}

static void test_content__read_ranges(void **state)
{
    (void)state;
    static const struct {
        uint64_t offset, size;
        const char *want; /* NULL: refused */
    } rows[] = {
        {0, 0, "hello"},
        {1, 0, "ello"},
        {1, 2, "el"},
        {4, 100, "o"},
        {5, 0, ""},
        {6, 0, NULL},
        {INT64_MAX, INT64_MAX, NULL},
        {0, INT64_MAX, "hello"},
        {UINT64_MAX, 1, NULL}, /* -1 */
        {0, UINT64_MAX, NULL},
    };
    struct stores s;
    stores_start(&s, 0);
    put_hello(&s.r);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_buf got = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        struct rig_call k;
        read_range(&s.r, &k, rows[i].offset, rows[i].size);
        joined(&k, &got);
        assert_int_equal(k.code == DP_GRPC_OK, rows[i].want != NULL);
        assert_string_equal(depot_buf_str(&got), rows[i].want != NULL ? rows[i].want : "");
        depot_buf_release(&got);
        rig_call_free(&k);
    }
    rig_free(&s.r);
}

static void test_content__read_much_and_in_pieces(void **state)
{
    (void)state;
    enum { SIZE = 3 * 1024 * 1024 + 17 };
    static const size_t pieces[] = {0, 4096};
    char *data = depot_alloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (char)(i * 7 >> 5);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(pieces); i++) {
        struct depot_buf got = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
        struct stores s;
        struct rig_call k;
        stores_start(&s, pieces[i]);
        put_hello(&s.r);
        rig_file(&s.r, hello_file, data, SIZE); /* what a blob is, is its reader's to check */
        read_range(&s.r, &k, 0, 0);
        joined(&k, &got);
        assert_int_equal(k.code, DP_GRPC_OK);
        assert_int_equal(got.len, SIZE);
        assert_memory_equal(got.data, data, SIZE);
        depot_buf_release(&got);
        rig_call_free(&k);
        rig_free(&s.r);
    }
    depot_free(data);
}

static void test_content__reader_goes_away(void **state)
{
    (void)state;
    struct stores s;
    struct rig_call k;
    uint8_t msg[128], *p = dp_pb_put_bytes(msg, 1, hello, strlen(hello));
    stores_start(&s, 1024);
    put_hello(&s.r);
    char *path = rig_path(&s.r, hello_file);
    assert_int_equal(truncate(path, 8 * 1024 * 1024), 0);
    begin(&s.r, &k, METHOD("Read"), "oci:r");
    dp_grpc_send(k.call, msg, (size_t)(p - msg));
    dp_grpc_send_end(k.call);
    RIG_UNTIL(&s.r, k.messages.len > 0);
    assert_int_equal(truncate(path, 5), 0); /* it ends early, too */
    RIG_UNTIL(&s.r, k.done);
    assert_int_equal(k.code, DP_GRPC_DATA_LOSS);
    rig_call_free(&k);
    begin(&s.r, &k, METHOD("Read"), "oci:r");
    dp_grpc_send(k.call, msg, (size_t)(p - msg));
    rig_call_free(&k); /* and one that never asks */
    depot_free(path);
    rig_free(&s.r);
}

/* ---- writing ---- */

struct step {
    enum dp_content_action action;
    const char *ref, *expected, *data;
    uint64_t total, offset;
};

static void send_step(struct rig_call *k, const struct step *s)
{
    uint8_t msg[8192], *p = dp_pb_put_uint(msg, 1, s->action);
    if (s->ref != NULL)
        p = dp_pb_put_bytes(p, 2, s->ref, strlen(s->ref));
    p = dp_pb_put_uint(p, 3, s->total);
    if (s->expected != NULL)
        p = dp_pb_put_bytes(p, 4, s->expected, strlen(s->expected));
    p = dp_pb_put_uint(p, 5, s->offset);
    if (s->data != NULL)
        p = dp_pb_put_bytes(p, 6, s->data, strlen(s->data));
    dp_grpc_send(k->call, msg, (size_t)(p - msg));
}

/* All steps, each after the answer to the one before; true when they went well. */
static bool write_steps(struct rig *r, struct rig_call *k, const struct step *steps, size_t n)
{
    begin(r, k, METHOD("Write"), "local:w");
    for (size_t i = 0; i < n && !k->done; i++) {
        send_step(k, &steps[i]);
        RIG_UNTIL(r, k->messages.len > i || k->done);
    }
    if (!k->done)
        dp_grpc_send_end(k->call);
    RIG_UNTIL(r, k->done);
    return k->code == DP_GRPC_OK;
}

static void test_content__write(void **state)
{
    (void)state;
    static const size_t pieces[] = {0, 1};
    const struct step steps[] = {
        {DP_CONTENT_STAT, "ref", hello, NULL, 5, 0},
        {DP_CONTENT_STAT, NULL, NULL, NULL, 0, 0},
        {DP_CONTENT_WRITE, NULL, NULL, "hel", 0, 0},
        {DP_CONTENT_WRITE, NULL, NULL, "lo", 0, 3},
        {DP_CONTENT_COMMIT, NULL, hello, NULL, 5, 5},
    };
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(pieces); i++) {
        struct stores s;
        struct rig_call k;
        stores_start(&s, pieces[i]);
        assert_true(write_steps(&s.r, &k, steps, DEPOT_ARRAY_LEN(steps)));
        assert_int_equal(k.messages.len, DEPOT_ARRAY_LEN(steps));
        char *digest = dp_pb_string(k.messages.items[4].data, k.messages.items[4].len, 6, 100);
        assert_string_equal(digest, hello);
        depot_free(digest);
        rig_call_free(&k);
        rig_assert_file(&s.r, hello_file, "hello");
        assert_false(rig_finds(&s.r, ".depot-"));
        /* Again: it is there. */
        assert_false(write_steps(&s.r, &k, steps, 1));
        assert_int_equal(k.code, DP_GRPC_ALREADY_EXISTS);
        rig_call_free(&k);
        assert_int_equal(s.r.problems, 0);
        rig_free(&s.r);
    }
}

/* No blobs, and no halves of them. */
static bool has_no_files(const struct rig *r)
{
    char *cmd = depot_asprintf("test -z \"$(find %s -type f)\"", r->dir);
    bool none_there = system(cmd) == 0;
    depot_free(cmd);
    return none_there;
}

static void test_content__wrong_writes_leave_nothing(void **state)
{
    (void)state;
    static char long_ref[DP_CONTENT_REF_MAX + 1];
    memset(long_ref, 'x', DP_CONTENT_REF_MAX);
    const struct {
        struct step steps[3];
        int code;
    } rows[] = {
        {{{DP_CONTENT_STAT, NULL, hello, NULL, 5, 0}}, DP_GRPC_INVALID_ARGUMENT},
        {{{DP_CONTENT_STAT, "", hello, NULL, 5, 0}}, DP_GRPC_INVALID_ARGUMENT},
        {{{DP_CONTENT_STAT, long_ref, hello, NULL, 5, 0}}, DP_GRPC_INVALID_ARGUMENT},
        {{{DP_CONTENT_STAT, "r", "sha256:x", NULL, 5, 0}}, DP_GRPC_INVALID_ARGUMENT},
        {{{DP_CONTENT_STAT, "r", hello, NULL, UINT64_MAX, 0}}, DP_GRPC_INVALID_ARGUMENT},
        {{{DP_CONTENT_WRITE, "r", hello, "x", 5, UINT64_MAX}}, DP_GRPC_INVALID_ARGUMENT},
        {{{DP_CONTENT_WRITE, "r", hello, "hello!", 5, 0}}, DP_GRPC_OUT_OF_RANGE},
        {{{DP_CONTENT_WRITE, "r", hello, "hello", 0, 3}}, DP_GRPC_OUT_OF_RANGE},
        {{{DP_CONTENT_WRITE, "r", hello, "hel", 5, 0}, {DP_CONTENT_WRITE, NULL, NULL, "lo", 0, 2}},
            DP_GRPC_OUT_OF_RANGE},
        {{{DP_CONTENT_WRITE, "r", hello, "hel", 5, 0}, {DP_CONTENT_COMMIT, NULL, NULL, NULL, 5, 3}},
            DP_GRPC_FAILED_PRECONDITION},
        {{{DP_CONTENT_WRITE, "r", none, "hello", 5, 0},
             {DP_CONTENT_COMMIT, NULL, none, NULL, 5, 5}},
            DP_GRPC_FAILED_PRECONDITION},
        {{{DP_CONTENT_WRITE, "r", NULL, "hello", 5, 0},
             {DP_CONTENT_COMMIT, NULL, hello, NULL, 5, 0}}, /* begins again with nothing */
            DP_GRPC_FAILED_PRECONDITION},
        {{{(enum dp_content_action)3, "r", hello, "hello", 5, 0}}, DP_GRPC_INVALID_ARGUMENT},
    };
    struct stores s;
    stores_start(&s, 0);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct rig_call k;
        size_t n = rows[i].steps[1].action != DP_CONTENT_STAT ? 2 : 1;
        assert_false(write_steps(&s.r, &k, rows[i].steps, n));
        assert_int_equal(k.code, rows[i].code);
        rig_call_free(&k);
        assert_true(has_no_files(&s.r));
    }
    assert_int_equal(s.r.problems, 0);
    rig_free(&s.r);
}

static void test_content__a_write_begins_again(void **state)
{
    (void)state;
    const struct step steps[] = {
        {DP_CONTENT_WRITE, "r", NULL, "something else", 0, 0},
        {DP_CONTENT_WRITE, NULL, NULL, "hello", 0, 0},
        {DP_CONTENT_COMMIT, NULL, NULL, NULL, 0, 5},
    };
    struct stores s;
    struct rig_call k;
    stores_start(&s, 0);
    assert_true(write_steps(&s.r, &k, steps, DEPOT_ARRAY_LEN(steps)));
    rig_call_free(&k);
    rig_assert_file(&s.r, hello_file, "hello");
    rig_free(&s.r);
}

static void test_content__a_broken_blob_is_replaced(void **state)
{
    (void)state;
    const struct step steps[] = {
        {DP_CONTENT_WRITE, "r", hello, "hello", 5, 0},
        {DP_CONTENT_COMMIT, NULL, hello, NULL, 5, 5},
    };
    struct stores s;
    struct rig_call k;
    stores_start(&s, 0);
    put_hello(&s.r);
    rig_file(&s.r, hello_file, "hel", 3);
    assert_true(write_steps(&s.r, &k, steps, DEPOT_ARRAY_LEN(steps)));
    rig_call_free(&k);
    rig_assert_file(&s.r, hello_file, "hello");
    rig_free(&s.r);
}

static void test_content__status_and_abort(void **state)
{
    (void)state;
    const struct step first = {DP_CONTENT_WRITE, "r", hello, "hel", 5, 0};
    struct stores s;
    struct rig_call w, k;
    size_t n;
    stores_start(&s, 0);
    begin(&s.r, &w, METHOD("Write"), "local:w");
    send_step(&w, &first);
    RIG_UNTIL(&s.r, w.messages.len == 1);
    assert_false(has_no_files(&s.r));
    ask(&s.r, &k, METHOD("Status"), "local:w", "r");
    assert_int_equal(k.code, DP_GRPC_OK);
    const uint8_t *st = dp_pb_bytes(k.messages.items[0].data, k.messages.items[0].len, 1, &n);
    char *ref = dp_pb_string(st, n, 3, 100);
    assert_string_equal(ref, "r");
    depot_free(ref);
    rig_call_free(&k);
    assert_fails(&s.r, METHOD("Status"), "oci:r", "r", DP_GRPC_NOT_FOUND);
    assert_fails(&s.r, METHOD("Abort"), "local:w", "other", DP_GRPC_NOT_FOUND);
    ask(&s.r, &k, METHOD("Abort"), "local:w", "r");
    assert_int_equal(k.code, DP_GRPC_OK);
    rig_call_free(&k);
    RIG_UNTIL(&s.r, w.done);
    assert_int_equal(w.code, DP_GRPC_ABORTED);
    rig_call_free(&w);
    assert_true(has_no_files(&s.r));
    rig_free(&s.r);
}

/* Of writes that nobody ends: by a reset, by a lost connection, and while it goes to disk. */
static void test_content__writers_that_go_away(void **state)
{
    (void)state;
    const struct step steps[] = {
        {DP_CONTENT_WRITE, "r", NULL, "hello", 5, 0},
        {DP_CONTENT_COMMIT, NULL, NULL, NULL, 5, 5},
    };
    for (int how = 0; how < 4; how++) {
        struct stores s;
        struct rig_call k;
        stores_start(&s, 0);
        begin(&s.r, &k, METHOD("Write"), "local:w");
        send_step(&k, &steps[0]);
        RIG_UNTIL(&s.r, k.messages.len == 1);
        assert_int_equal(dp_session_busy(s.r.session), 1);
        if (how == 0) {
            dp_grpc_send_end(k.call);
            RIG_UNTIL(&s.r, k.done);
            assert_int_equal(k.code, DP_GRPC_OK);
        } else if (how == 1) {
            rig_call_free(&k);
            k = (struct rig_call){0};
            RIG_UNTIL(&s.r, dp_session_busy(s.r.session) == 0);
        } else if (how == 2) {
            send_step(&k, &steps[1]);
            depot_loop_turn(s.r.loop);
            dp_session_free(s.r.session);
            s.r.session = NULL;
        } else {
            dp_session_free(s.r.session);
            s.r.session = NULL;
        }
        for (int i = 0; i < 50 && rig_finds(&s.r, ".depot-"); i++)
            depot_loop_turn(s.r.loop);
        assert_false(rig_finds(&s.r, ".depot-"));
        rig_call_free(&k);
        rig_free(&s.r);
    }
}

static void test_content__a_disk_that_cannot(void **state)
{
    (void)state;
    const struct step steps[] = {
        {DP_CONTENT_WRITE, "r", hello, "hello", 5, 0},
        {DP_CONTENT_COMMIT, NULL, hello, NULL, 5, 5},
    };
    static const char *const links[] = {"blobs", "blobs/sha256"};
    for (size_t i = 0; i < 2; i++) {
        for (int optional = 0; optional < 2; optional++) {
            struct stores s;
            struct rig_call k;
            stores_start(&s, 0);
            s.list[0].optional = optional != 0;
            rig_mkdir(&s.r, "elsewhere");
            if (i == 1)
                rig_mkdir(&s.r, "blobs");
            rig_link(&s.r, i == 0 ? "elsewhere" : "../elsewhere", links[i]);
            assert_false(write_steps(&s.r, &k, steps, DEPOT_ARRAY_LEN(steps)));
            if (!optional) {
                RIG_UNTIL(&s.r, s.r.problems == 1);
                assert_non_null(strstr(s.r.problem.hint, "link"));
            }
            assert_int_equal(s.r.problems, !optional);
            assert_true(has_no_files(&s.r));
            char *cmd = depot_asprintf("test -z \"$(ls %s/elsewhere)\"", s.r.dir);
            assert_int_equal(system(cmd), 0);
            depot_free(cmd);
            rig_call_free(&k);
            rig_free(&s.r);
        }
    }
}

static void test_content__sweeps_what_a_crash_left(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r);
    put_hello(&r);
    const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    static const char *const names[] = {".depot-old", ".depot-new", "other"};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(names); i++) {
        char *name = depot_asprintf("blobs/sha256/%s", names[i]), *path = rig_path(&r, name);
        rig_file(&r, name, "half", 4);
        if (i != 1)
            assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
        depot_free(path);
        depot_free(name);
    }
    dp_ingest_sweep(r.dir);
    assert_false(rig_finds(&r, ".depot-old"));
    assert_true(rig_finds(&r, ".depot-new"));
    assert_true(rig_finds(&r, "other"));
    rig_assert_file(&r, hello_file, "hello");
    rig_free(&r);
}

/* ---- messages ---- */

static void test_content__decodes_what_is_whole(void **state)
{
    (void)state;
    uint8_t msg[512], *p = dp_pb_put_uint(msg, 1, 1);
    struct dp_content_request req;
    struct depot_error err;
    p = dp_pb_put_bytes(p, 2, "ref", 3);
    p = dp_pb_put_uint(p, 3, 5);
    p = dp_pb_put_bytes(p, 4, hello, strlen(hello));
    p = dp_pb_put_uint(p, 5, 2);
    p = dp_pb_put_bytes(p, 6, "llo", 3);
    p = dp_pb_put_bytes(p, 7, "labels", 6);
    p = dp_pb_put_bytes(p, 99, "news", 4);
    size_t n = (size_t)(p - msg);
    assert_int_equal(dp_content_decode(DP_CONTENT_WRITE_STEP, msg, n, &req, &err), 0);
    assert_int_equal(req.action, DP_CONTENT_WRITE);
    assert_string_equal(req.name, "ref");
    assert_string_equal(req.expected, hello);
    assert_int_equal(req.total, 5);
    assert_int_equal(req.offset, 2);
    assert_int_equal(req.data_len, 3);
    /* Cut anywhere: fewer fields, or an error. */
    for (size_t i = 0; i < n; i++) {
        int rc = dp_content_decode(DP_CONTENT_WRITE_STEP, msg, i, &req, &err);
        assert_true(rc == 0 || rc == DEPOT_ERR_INVALID);
    }
    p = dp_pb_put_bytes(msg, 1, "a\0b", 3);
    assert_int_equal(
        dp_content_decode(DP_CONTENT_NAMED, msg, (size_t)(p - msg), &req, &err), DEPOT_ERR_INVALID);
    p = dp_pb_put_bytes(msg, 2, "text", 4);
    assert_int_equal(dp_content_decode(DP_CONTENT_READ_RANGE, msg, (size_t)(p - msg), &req, &err),
        DEPOT_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content__announced_with_stores_only),
        cmocka_unit_test(test_content__info),
        cmocka_unit_test(test_content__refusals),
        cmocka_unit_test(test_content__only_regular_files),
        cmocka_unit_test(test_content__read_ranges),
        cmocka_unit_test(test_content__read_much_and_in_pieces),
        cmocka_unit_test(test_content__reader_goes_away),
        cmocka_unit_test(test_content__write),
        cmocka_unit_test(test_content__wrong_writes_leave_nothing),
        cmocka_unit_test(test_content__a_write_begins_again),
        cmocka_unit_test(test_content__a_broken_blob_is_replaced),
        cmocka_unit_test(test_content__status_and_abort),
        cmocka_unit_test(test_content__writers_that_go_away),
        cmocka_unit_test(test_content__a_disk_that_cannot),
        cmocka_unit_test(test_content__sweeps_what_a_crash_left),
        cmocka_unit_test(test_content__decodes_what_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
