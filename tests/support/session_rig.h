/*
 * A session and an engine's end of it in one process: two pipes back to back, a gRPC client on the
 * far one. For the tests of core/session; not a fake of an engine's behaviour.
 */
#ifndef DEPOT_TESTS_SESSION_RIG_H
#define DEPOT_TESTS_SESSION_RIG_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <depot/buf.h>
#include <depot/clock.h>
#include <depot/path.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grpc/grpc.h"
#include "grpc/pb.h"
#include "session/packet.h"
#include "session/session.h"

enum { RIG_TIMEOUT_MS = 20000 };

struct rig_end {
    struct rig *rig;
    struct dp_pipe *pipe;
    struct rig_end *other;
    bool held; /* the last write was refused, and the pipe will be told when it may go on */
};

struct rig {
    struct depot_loop *loop;
    struct rig_end engine, client;
    size_t piece; /* bytes a write may take; 0: all */
    struct dp_grpc_conn *conn;
    struct dp_session *session;
    struct dp_session_config cfg;
    int problems, contexts, closed;
    bool free_inside; /* every callback frees the session */
    struct depot_error problem;
    char mount[64];
    int64_t files, bytes, sent_files, sent_bytes, changed;
    char dir[64]; /* a directory of the test's own */
};

/* A call as the engine sees it; messages are kept. */
struct rig_call {
    struct dp_grpc_call *call;
    DEPOT_VEC(struct depot_buf) messages;
    bool done;
    int code;
    char text[DEPOT_ERROR_MSG_MAX];
};

static inline void rig_writable_soon(void *arg)
{
    struct rig_end *e = arg;
    e->held = false;
    if (e->pipe != NULL)
        dp_pipe_writable(e->pipe);
}

static inline ssize_t rig_write(void *arg, const struct iovec *iov, int n)
{
    struct rig_end *e = arg;
    size_t total = 0, limit = e->rig->piece != 0 ? e->rig->piece : SIZE_MAX;
    if (e->held)
        return DEPOT_ERR_AGAIN;
    for (int i = 0; i < n && total < limit; i++) {
        size_t len = iov[i].iov_len < limit - total ? iov[i].iov_len : limit - total;
        if (e->other->pipe != NULL && len > 0)
            dp_pipe_push(e->other->pipe, iov[i].iov_base, len);
        total += len;
    }
    if (e->rig->piece != 0) {
        e->held = true;
        depot_loop_defer(e->rig->loop, rig_writable_soon, e);
    }
    return (ssize_t)total;
}

static inline void rig_pipe_closed(void *arg)
{
    struct rig_end *e = arg;
    e->pipe = NULL;
    if (e->other->pipe != NULL)
        dp_pipe_push_eof(e->other->pipe, 0);
}

static inline void rig_free_inside(struct rig *r)
{
    if (r->free_inside)
        dp_session_free(r->session);
    if (r->free_inside)
        r->session = NULL;
}

static inline void rig_on_context(
    struct dp_session *s, const char *mount, const struct dp_session_context *ctx, void *arg)
{
    struct rig *r = arg;
    (void)s;
    r->contexts++;
    snprintf(r->mount, sizeof(r->mount), "%s", mount);
    r->files = ctx->files;
    r->bytes = ctx->bytes;
    r->sent_files = ctx->sent_files;
    r->sent_bytes = ctx->sent_bytes;
    r->changed = (int64_t)ctx->changed.len + ctx->changed_more;
    rig_free_inside(r);
}

static inline void rig_on_problem(struct dp_session *s, const struct depot_error *err, void *arg)
{
    struct rig *r = arg;
    (void)s;
    r->problems++;
    r->problem = *err;
    rig_free_inside(r);
}

static inline void rig_on_closed(struct dp_session *s, const struct depot_error *err, void *arg)
{
    struct rig *r = arg;
    (void)s;
    (void)err;
    r->closed++;
    rig_free_inside(r);
}

static inline void rig_conn_closed(struct dp_grpc_conn *c, const struct depot_error *err, void *arg)
{
    (void)c;
    (void)err;
    (void)arg;
}

/* Zero the rig, set piece and cfg, then start. */
static inline void rig_init(struct rig *r)
{
    struct depot_error err;
    memset(r, 0, sizeof(*r));
    strcpy(r->dir, "/tmp/depot-session-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    assert_int_equal(depot_loop_new(&r->loop, &err), 0);
}

static inline void rig_start(struct rig *r)
{
    static const struct dp_pipe_ops pipe_ops = {.write = rig_write, .closed = rig_pipe_closed};
    static const struct dp_grpc_conn_ops conn_ops = {.closed = rig_conn_closed};
    static const struct dp_session_ops ops = {
        .context = rig_on_context, .problem = rig_on_problem, .closed = rig_on_closed};
    struct depot_error err;
    r->engine = (struct rig_end){.rig = r, .other = &r->client};
    r->client = (struct rig_end){.rig = r, .other = &r->engine};
    r->engine.pipe = dp_pipe_new(r->loop, &pipe_ops, &r->engine);
    r->client.pipe = dp_pipe_new(r->loop, &pipe_ops, &r->client);
    assert_int_equal(dp_session_new_take(r->loop, dp_pipe_stream(r->client.pipe), &r->cfg, &ops, r,
                         &r->session, &err),
        0);
    assert_int_equal(dp_grpc_client_new_take(r->loop, dp_pipe_stream(r->engine.pipe), "localhost",
                         0, &conn_ops, r, &r->conn, &err),
        0);
}

static inline void rig_free(struct rig *r)
{
    char *rm = depot_asprintf("chmod -R u+rwx %s; rm -rf %s", r->dir, r->dir);
    dp_session_free(r->session);
    dp_grpc_conn_free(r->conn);
    for (int i = 0; i < 10; i++)
        depot_loop_turn(r->loop);
    if (r->engine.pipe != NULL)
        dp_pipe_detach(r->engine.pipe);
    if (r->client.pipe != NULL)
        dp_pipe_detach(r->client.pipe);
    depot_loop_free(r->loop);
    assert_int_equal(system(rm), 0);
    depot_free(rm);
}

static inline void rig_turn(struct rig *r, uint64_t start)
{
    depot_loop_turn(r->loop);
    assert_true(depot_mono_ms() - start < RIG_TIMEOUT_MS);
}

#define RIG_UNTIL(r, condition)                                                                    \
    do {                                                                                           \
        uint64_t rig_start_ms = depot_mono_ms();                                                   \
        while (!(condition))                                                                       \
            rig_turn((r), rig_start_ms);                                                           \
    } while (0)

/* ---- calls ---- */

static inline void rig_call_message(
    struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    struct rig_call *k = arg;
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    (void)c;
    depot_buf_add(&b, data, n);
    depot_vec_push(&k->messages, b);
}

static inline void rig_call_done(struct dp_grpc_call *c, const struct dp_grpc_status *st, void *arg)
{
    struct rig_call *k = arg;
    (void)c;
    k->done = true;
    k->call = NULL;
    k->code = st->code;
    snprintf(k->text, sizeof(k->text), "%s", st->message);
}

static inline void rig_call(
    struct rig *r, struct rig_call *k, const char *path, const struct dp_grpc_md *md, size_t nmd)
{
    static const struct dp_grpc_call_ops ops = {.message = rig_call_message, .done = rig_call_done};
    struct depot_error err;
    memset(k, 0, sizeof(*k));
    assert_int_equal(dp_grpc_call_new(r->conn, path, md, nmd, &ops, k, &k->call, &err), 0);
}

static inline void rig_call_free(struct rig_call *k)
{
    for (size_t i = 0; i < k->messages.len; i++)
        depot_buf_release(&k->messages.items[i]);
    depot_vec_free(&k->messages);
    if (k->call != NULL)
        dp_grpc_call_free(k->call);
}

/* One request, one answer. */
static inline void rig_unary(
    struct rig *r, struct rig_call *k, const char *path, const void *msg, size_t n)
{
    rig_call(r, k, path, NULL, 0);
    dp_grpc_send(k->call, msg, n);
    dp_grpc_send_end(k->call);
    RIG_UNTIL(r, k->done);
}

static inline void rig_send(
    struct rig_call *k, enum dp_packet_type type, uint32_t id, const char *data)
{
    uint8_t msg[DP_PACKET_HEAD_MAX + 4096];
    size_t n = strlen(data), at = dp_packet_head(msg, type, id, n);
    assert_true(n <= 4096);
    memcpy(msg + at, data, n);
    dp_grpc_send(k->call, msg, at + n);
}

static inline void rig_send_stat(
    struct rig_call *k, const char *path, uint32_t mode, int64_t size, const char *link)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct dp_fstat st = {.path = path,
        .path_len = strlen(path),
        .mode = mode,
        .size = size,
        .mtime = INT64_C(1700000000123456789),
        .link = link,
        .link_len = strlen(link)};
    dp_packet_add_stat(&b, &st);
    dp_grpc_send_take(k->call, &b);
    depot_buf_release(&b);
}

/* ---- files ---- */

static inline char *rig_path(const struct rig *r, const char *name)
{
    return depot_path_join(r->dir, name);
}

static inline void rig_mkdir(const struct rig *r, const char *name)
{
    char *path = rig_path(r, name);
    assert_int_equal(mkdir(path, 0755), 0);
    depot_free(path);
}

static inline void rig_file(const struct rig *r, const char *name, const void *data, size_t n)
{
    char *path = rig_path(r, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    fclose(f);
    depot_free(path);
}

static inline void rig_link(const struct rig *r, const char *target, const char *name)
{
    char *path = rig_path(r, name);
    assert_int_equal(symlink(target, path), 0);
    depot_free(path);
}

static inline bool rig_exists(const struct rig *r, const char *name)
{
    struct stat st;
    char *path = rig_path(r, name);
    bool there = lstat(path, &st) == 0;
    depot_free(path);
    return there;
}

static inline void rig_assert_file(const struct rig *r, const char *name, const char *want)
{
    struct depot_error err;
    char *path = rig_path(r, name), *data = NULL;
    size_t n;
    assert_int_equal(depot_file_read(path, 1 << 24, &data, &n, &err), 0);
    assert_string_equal(data, want);
    depot_free(data);
    depot_free(path);
}

/* No name in the test's directory (or one below) may hold `part`. */
static inline bool rig_finds(const struct rig *r, const char *part)
{
    char *cmd = depot_asprintf("find %s -name '*%s*' | grep -q .", r->dir, part);
    bool found = system(cmd) == 0;
    depot_free(cmd);
    return found;
}

#endif
