/*
 * What context.c and ws.c share. Nobody else includes this.
 */
#ifndef DEPOT_CORE_WS_PRIVATE_H
#define DEPOT_CORE_WS_PRIVATE_H

#include "ws/frame.h"
#include "ws/handshake.h"
#include "ws/queue.h"
#include "ws/resolve.h"
#include "ws/ws.h"

#include <libwebsockets.h>

enum {
    DP_WS_RX_BUFFER = 64 * 1024,
    DP_WS_MESSAGE_MAX = 64 * 1024 * 1024,
    DP_WS_FDS = 32, /* connections of one client; libwebsockets sizes tables by it */
    DP_WS_CONNECT_SECS = 10,
    DP_WS_CLOSE_SECS = 5,
    DP_WS_HOST_MAX = 512,
    /* Idle checks find a dead network. A reader that is paused sees no pong, hence the long limit.
     */
    DP_WS_PING_SECS = 60,
    DP_WS_HANGUP_SECS = 300,
};

enum dp_ws_state { WS_STARTING, WS_CONNECTING, WS_OPEN, WS_CLOSED };

struct dp_ws {
    struct dp_ws_context *ctx;
    const struct dp_ws_ops *ops;
    void *arg;
    struct depot_addr addr;
    struct depot_tls tls;
    bool use_tls;
    char *path, *protocol, *token;
    bool binary, stream;
    bool raw; /* a stream that we parse; see stream.c */
    size_t max_message;

    enum dp_ws_state state;
    struct lws *wsi; /* NULL: none yet, or gone */
    struct dp_lookup *lookup;
    struct dp_resolve found;
    int next_addr;
    uint64_t connect_ms; /* when the connection was begun */
    unsigned holds;      /* deferred calls that still come */
    bool dead;           /* freed by its owner */

    struct dp_wsq out;
    bool above_mark, finishing, close_sent, paused;
    struct depot_buf in; /* a message that came in several pieces; of a raw one, the handshake */
    bool has_why;
    struct depot_error why; /* set before `closed` when we know more than libwebsockets */

    /* Of a raw one. */
    struct dp_wsf frames;
    char key[DP_WSH_KEY_LEN + 1];
    bool shaking, request_sent; /* connected, and the handshake is not through */
    bool peer_closed;
    uint64_t connected_ms, heard_ms;
};

/* The one protocol handler, in ws.c. */
int dp_ws_callback(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);

void dp_ws_host(const struct dp_ws *ws, char out[DP_WS_HOST_MAX]); /* of the Host header */
void dp_ws_wake(struct dp_ws *ws);
/* What happens to a connection, whoever parses it; nonzero asks libwebsockets to close. */
void dp_ws_on_open(struct dp_ws *ws, struct lws *wsi);
int dp_ws_on_writable(struct dp_ws *ws, struct lws *wsi);
void dp_ws_on_peer_close(struct dp_ws *ws, const uint8_t *p, size_t n);
void dp_ws_on_closed(struct dp_ws *ws);
void dp_ws_on_connect_error(
    struct dp_ws *ws, struct lws *wsi, const char *detail, size_t n, int status);
void dp_ws_fail(struct dp_ws *ws, const char *detail, size_t n, int status);

/* A stream's connection, in stream.c. */
int dp_ws_stream_callback(
    struct dp_ws *ws, struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t len);
/* All that was queued is written. */
int dp_ws_stream_end(struct dp_ws *ws, struct lws *wsi);

/* `status` is that of an HTTP answer, 0 when none came; then `detail`, libwebsockets' own words,
 * and the socket's file tell more. */
void dp_ws_explain(const struct depot_addr *addr, const char *path, bool token, int status,
    const char *detail, size_t n, struct depot_error *err);

/* Where a connection with these TLS files belongs; made on first use. */
struct dp_ws_place {
    struct lws_context *lws;
    struct lws_vhost *vhost;
};
int dp_ws_context_place(struct dp_ws_context *c, const struct depot_tls *tls, bool use_tls,
    struct dp_ws_place *out, struct depot_error *err) DEPOT_MUST_CHECK;
/* libwebsockets 4.1 closes the socket of a connect() that failed, and forgets the handle that
 * watched it. Call when a connection ends. */
void dp_ws_sweep(struct lws *wsi);
struct depot_loop *dp_ws_context_loop(const struct dp_ws_context *c);

#endif
