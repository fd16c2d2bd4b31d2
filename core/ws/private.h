/*
 * What context.c and ws.c share. Nobody else includes this.
 */
#ifndef DEPOT_CORE_WS_PRIVATE_H
#define DEPOT_CORE_WS_PRIVATE_H

#include "ws/queue.h"
#include "ws/resolve.h"
#include "ws/ws.h"

#include <libwebsockets.h>

enum {
    DP_WS_RX_BUFFER = 64 * 1024,
    DP_WS_MESSAGE_MAX = 64 * 1024 * 1024,
    DP_WS_FDS = 32, /* connections of one client; libwebsockets sizes tables by it */
    DP_WS_CONNECT_SECS = 10,
};

/* The one protocol handler, in ws.c. */
int dp_ws_callback(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);

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
