/*
 * Bytes from a hostile peer, fed to a connection in either role over a stream that takes whatever
 * is written. The first byte chooses the role and how the bytes are cut.
 */
#include "grpc/grpc.h"

#include <string.h>

enum {
    FLAG_SERVER = 1,
    FLAG_GREETING = 2, /* put a correct beginning before the input */
    FLAG_PAUSE = 4,    /* pause calls now and then */
    FLAG_FREE = 8,     /* free calls and the connection inside callbacks */
    FLAG_SMALL = 16,   /* short reads */
    FLAG_LATE = 32,    /* calls are answered after the input */
    TURNS = 60,
};

#define MAGIC    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\0\4\0\0\0\0\0"

struct input {
    struct dp_stream base;
    struct depot_loop *loop;
    const char *greeting;
    size_t greeting_len;
    const uint8_t *data;
    size_t n;
    unsigned flags, wanted;
    bool scheduled, closed;
    struct dp_grpc_conn *conn;
    struct dp_grpc_call *paused, *late;
    unsigned events;
};

static void told(struct input *in)
{
    in->events++;
    if ((in->flags & FLAG_FREE) != 0 && in->events == 7) {
        dp_grpc_conn_free(in->conn);
        in->conn = NULL;
        in->paused = in->late = NULL;
    }
}

/* ---- the stream ---- */
static ssize_t input_read(struct dp_stream *s, void *buf, size_t n)
{
    struct input *in = DEPOT_CONTAINER_OF(s, struct input, base);
    const void *from = in->greeting_len > 0 ? (const void *)in->greeting : in->data;
    size_t have = in->greeting_len > 0 ? in->greeting_len : in->n;
    if ((in->flags & FLAG_SMALL) != 0 && n > 7)
        n = 7;
    if (have < n)
        n = have;
    if (n == 0)
        return 0;
    memcpy(buf, from, n);
    if (in->greeting_len > 0) {
        in->greeting += n;
        in->greeting_len -= n;
    } else {
        in->data += n;
        in->n -= n;
    }
    return (ssize_t)n;
}

static ssize_t input_writev(struct dp_stream *s, const struct iovec *iov, int n)
{
    static volatile char sink;
    ssize_t sum = 0;
    (void)s;
    for (int i = 0; i < n; i++) {
        for (size_t k = 0; k < iov[i].iov_len; k++)
            sink = ((const char *)iov[i].iov_base)[k];
        sum += (ssize_t)iov[i].iov_len;
    }
    (void)sink;
    return sum;
}

static void input_turn(void *arg);

static void input_schedule(struct input *in)
{
    if (in->scheduled || in->closed)
        return;
    in->scheduled = true;
    depot_loop_defer(in->loop, input_turn, in);
}

static void input_turn(void *arg)
{
    struct input *in = arg;
    in->scheduled = false;
    if (in->closed || in->wanted == 0)
        return;
    in->base.ready(&in->base, in->wanted, in->base.arg);
    input_schedule(in);
}

static void input_want(struct dp_stream *s, unsigned events)
{
    struct input *in = DEPOT_CONTAINER_OF(s, struct input, base);
    in->wanted = events;
    input_schedule(in);
}

static void input_close(struct dp_stream *s)
{
    DEPOT_CONTAINER_OF(s, struct input, base)->closed = true;
}

/* ---- the calls ---- */
static void forget(struct input *in, const struct dp_grpc_call *c)
{
    if (in->paused == c)
        in->paused = NULL;
    if (in->late == c)
        in->late = NULL;
}

static void on_message(struct dp_grpc_call *c, const uint8_t *data, size_t n, void *arg)
{
    struct input *in = arg;
    if ((in->flags & FLAG_PAUSE) != 0 && in->paused == NULL && n % 2 == 0) {
        dp_grpc_pause(c, true);
        in->paused = c;
    }
    if ((in->flags & FLAG_SERVER) != 0)
        dp_grpc_send(c, data, n);
    if ((in->flags & FLAG_FREE) != 0 && n == 3) {
        forget(in, c);
        dp_grpc_call_free(c);
    }
    told(in);
}

static void on_half(struct dp_grpc_call *c, void *arg)
{
    dp_grpc_respond(c, DP_GRPC_UNKNOWN, "half");
    told(arg);
}

static void on_done(struct dp_grpc_call *c, const struct dp_grpc_status *st, void *arg)
{
    struct input *in = arg;
    forget(in, c);
    (void)strlen(st->message);
    told(in);
}

static const struct dp_grpc_call_ops ops = {
    .message = on_message, .half_closed = on_half, .done = on_done};

static void on_open(struct dp_grpc_call *c, void *arg)
{
    struct input *in = arg;
    (void)dp_grpc_md_get(c, "te", 1);
    if ((in->flags & FLAG_LATE) != 0 && in->late == NULL)
        in->late = c;
    else
        dp_grpc_accept(c, &ops, in);
    told(in);
}

static const struct dp_grpc_method methods[] = {{"/t.T/X", on_open}, {"/", on_open}};

static int begin(struct input *in, struct depot_error *err)
{
    if ((in->flags & FLAG_SERVER) != 0)
        return dp_grpc_server_new_take(
            in->loop, &in->base, methods, DEPOT_ARRAY_LEN(methods), 0, NULL, in, &in->conn, err);
    int rc = dp_grpc_client_new_take(in->loop, &in->base, "x", 0, NULL, NULL, &in->conn, err);
    for (int i = 0; i < 3 && rc == 0; i++) {
        struct dp_grpc_call *c;
        rc = dp_grpc_call_new(in->conn, "/t.T/X", NULL, 0, &ops, in, &c, err);
        if (rc == 0)
            dp_grpc_send(c, "hello", 5);
    }
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct dp_stream_ops stream_ops = {
        .name = "input",
        .read = input_read,
        .writev = input_writev,
        .want = input_want,
        .close = input_close,
    };
    struct depot_error err;
    if (size < 1)
        return 0;
    struct input in = {.base.ops = &stream_ops, .flags = data[0], .data = data + 1, .n = size - 1};
    if ((in.flags & FLAG_GREETING) != 0) {
        bool server = (in.flags & FLAG_SERVER) != 0;
        in.greeting = server ? MAGIC SETTINGS : SETTINGS;
        in.greeting_len = server ? sizeof(MAGIC SETTINGS) - 1 : sizeof(SETTINGS) - 1;
    }
    if (depot_loop_new(&in.loop, &err) != 0)
        return 0;
    if (begin(&in, &err) == 0) {
        for (int i = 0; i < TURNS && !in.closed; i++) {
            depot_loop_turn(in.loop);
            if (i % 3 == 0 && in.paused != NULL) {
                struct dp_grpc_call *c = in.paused;
                in.paused = NULL;
                dp_grpc_pause(c, false);
            }
        }
        if (in.late != NULL)
            dp_grpc_accept(in.late, &ops, &in);
        for (int i = 0; i < 3; i++)
            depot_loop_turn(in.loop);
    }
    dp_grpc_conn_free(in.conn);
    for (int i = 0; i < 3; i++)
        depot_loop_turn(in.loop);
    depot_loop_free(in.loop);
    return 0;
}
