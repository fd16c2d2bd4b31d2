/*
 * The engine's end of a session: an HTTP/2 client over bytes that somebody else carries.
 */
#include <depot/buf.h>
#include <depot/os.h>
#include <depot/session.h>

#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "grpc/grpc.h"
#include "grpc/pb.h"
#include "net/stream.h"

enum {
    CALLER_WINDOW = 256 * 1024, /* answers are small */
    ANSWER_MAX = 256 * 1024,    /* tokens of some clouds are long */
    HOST_MAX = 512,
};

struct question {
    struct depot_caller *caller;
    struct dp_grpc_call *call;
    char *host, *user, *secret;
    depot_credentials_fn *done;
    void *arg;
    LIST_ENTRY(question) entry;
};

struct depot_caller {
    const struct depot_caller_ops *ops;
    void *arg;
    struct dp_pipe *pipe; /* NULL once its stream is closed */
    struct dp_grpc_conn *conn;
    LIST_HEAD(, question) questions;
};

/* ---- bytes ---- */

static ssize_t pipe_write(void *arg, const struct iovec *iov, int n)
{
    struct depot_caller *c = arg;
    ssize_t total = 0;
    for (int i = 0; i < n; i++) {
        c->ops->data(c, iov[i].iov_base, iov[i].iov_len, c->arg);
        total += (ssize_t)iov[i].iov_len;
    }
    return total;
}

static void pipe_closed(void *arg)
{
    struct depot_caller *c = arg;
    c->pipe = NULL;
}

void depot_caller_receive(struct depot_caller *c, const void *data, size_t n)
{
    if (c->pipe != NULL)
        dp_pipe_push(c->pipe, data, n);
}

/* ---- credentials ---- */

static void wipe(char *s)
{
    if (s != NULL)
        depot_os_wipe(s, strlen(s));
    depot_free(s);
}

static void question_free(struct question *q)
{
    LIST_REMOVE(q, entry);
    wipe(q->user);
    wipe(q->secret);
    depot_free(q->host);
    depot_free(q);
}

static void on_message(struct dp_grpc_call *call, const uint8_t *data, size_t n, void *arg)
{
    struct question *q = arg;
    DEPOT_UNUSED(call);
    wipe(q->user);
    wipe(q->secret);
    q->user = dp_pb_string(data, n, 1, ANSWER_MAX);
    q->secret = dp_pb_string(data, n, 2, ANSWER_MAX);
}

static void on_done(struct dp_grpc_call *call, const struct dp_grpc_status *st, void *arg)
{
    struct question *q = arg;
    struct depot_error err = {0};
    DEPOT_UNUSED(call);
    q->call = NULL;
    if (st->code != DP_GRPC_OK)
        depot_error_set(&err, dp_grpc_code_to_err(st->code),
            "the client did not tell its credentials for %s: %s", q->host,
            *st->message != '\0' ? st->message : dp_grpc_code_name(st->code));
    if (q->done != NULL)
        q->done(
            q->caller, q->host, q->user, q->secret, st->code != DP_GRPC_OK ? &err : NULL, q->arg);
    question_free(q);
}

int depot_caller_credentials(struct depot_caller *c, const char *host, depot_credentials_fn *done,
    void *arg, struct depot_error *err)
{
    static const struct dp_grpc_call_ops ops = {.message = on_message, .done = on_done};
    uint8_t request[HOST_MAX + 1 + DP_PB_VARINT_MAX];
    size_t n = strlen(host);
    if (n > HOST_MAX)
        return depot_error_set(err, DEPOT_ERR_TOO_BIG, "the registry's name is too long");
    if (c->conn == NULL)
        return depot_error_set(err, DEPOT_ERR_UNAVAILABLE, "the client's session is over");
    struct question *q = depot_calloc(1, sizeof(*q));
    int rc = dp_grpc_call_new(
        c->conn, "/moby.filesync.v1.Auth/Credentials", NULL, 0, &ops, q, &q->call, err);
    if (rc != 0) {
        depot_free(q);
        return rc;
    }
    q->caller = c;
    q->host = depot_strdup(host);
    q->done = done;
    q->arg = arg;
    LIST_INSERT_HEAD(&c->questions, q, entry);
    dp_grpc_send(q->call, request, (size_t)(dp_pb_put_bytes(request, 1, host, n) - request));
    dp_grpc_send_end(q->call);
    return 0;
}

void depot_caller_forget(struct depot_caller *c, const void *arg)
{
    struct question *q;
    LIST_FOREACH (q, &c->questions, entry)
        if (q->arg == arg)
            q->done = NULL;
}

/* ---- life ---- */

static void on_closed(struct dp_grpc_conn *conn, const struct depot_error *err, void *arg)
{
    struct depot_caller *c = arg;
    c->conn = NULL;
    c->ops->closed(c, err, c->arg);
    dp_grpc_conn_free(conn);
}

int depot_caller_new(struct depot_loop *l, const struct depot_caller_ops *ops, void *arg,
    struct depot_caller **out, struct depot_error *err)
{
    static const struct dp_pipe_ops pipe_ops = {.write = pipe_write, .closed = pipe_closed};
    static const struct dp_grpc_conn_ops conn_ops = {.closed = on_closed};
    struct depot_caller *c = depot_calloc(1, sizeof(*c));
    c->ops = ops;
    c->arg = arg;
    c->pipe = dp_pipe_new(l, &pipe_ops, c);
    LIST_INIT(&c->questions);
    int rc = dp_grpc_client_new_take(
        l, dp_pipe_stream(c->pipe), "localhost", CALLER_WINDOW, &conn_ops, c, &c->conn, err);
    if (rc != 0) {
        depot_caller_free(c);
        return rc;
    }
    dp_pipe_writable(c->pipe);
    *out = c;
    return 0;
}

void depot_caller_free(struct depot_caller *c)
{
    struct question *q;
    if (c == NULL)
        return;
    while ((q = LIST_FIRST(&c->questions)) != NULL) {
        if (q->call != NULL)
            dp_grpc_call_free(q->call);
        question_free(q);
    }
    if (c->pipe != NULL)
        dp_pipe_detach(c->pipe);
    dp_grpc_conn_free(c->conn);
    depot_free(c);
}
