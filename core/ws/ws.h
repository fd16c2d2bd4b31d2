/*
 * WebSocket client (RFC 6455) over a unix socket, TCP or TLS. It offers no extensions. Internal to
 * libdepot.
 */
#ifndef DEPOT_CORE_WS_WS_H
#define DEPOT_CORE_WS_WS_H

#include <depot/addr.h>
#include <depot/buf.h>
#include <depot/loop.h>

struct dp_ws_context; /* one a loop; holds what connections share */
struct dp_ws;

struct dp_ws_ops {
    void (*open)(struct dp_ws *ws, void *arg);
    /* One whole message (text, or binary when the options say `binary`); with `stream` set, each
     * piece as it arrives. Borrowed. */
    void (*message)(struct dp_ws *ws, const void *data, size_t n, void *arg);
    /* The send queue fell below DP_WS_LOW_MARK. May be NULL. */
    void (*writable)(struct dp_ws *ws, void *arg);
    /* Exactly once, unless dp_ws_free() came first; also when connecting failed. `status` is the
     * HTTP status of a refused handshake, else 0. `err` is NULL after an orderly close (code 1000).
     * The ws is still to be freed. */
    void (*closed)(struct dp_ws *ws, int status, const struct depot_error *err, void *arg);
};

struct dp_ws_opts {
    const struct depot_addr *addr;
    const struct depot_tls *tls; /* may be NULL */
    const char *path;
    const char *protocol; /* subprotocols, the best first, with commas between */
    const char *token;    /* may be NULL */
    const char *header;   /* one more of the request, "Name: value"; may be NULL */
    bool binary;          /* what dp_ws_send() sends */
    bool stream;          /* bytes, not messages: pieces are delivered as they come, and what is
                             sent is joined into large frames */
    bool paced;           /* read by the clock while it is busy (net/pace.h), but for the answer to
                             what is sent, which is read at once */
    size_t max_message;   /* a longer one closes the connection; 0: 64 MiB */
};

enum { DP_WS_LOW_MARK = 256 * 1024 };

/* Costs nothing; certificates are read when the first connection wants TLS. */
struct dp_ws_context *dp_ws_context_new(struct depot_loop *l);
void dp_ws_context_free(struct dp_ws_context *c); /* after its connections */

int dp_ws_open(struct dp_ws_context *c, const struct dp_ws_opts *opts, const struct dp_ws_ops *ops,
    void *arg, struct dp_ws **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* The subprotocol that was chosen, once it is open. */
const char *dp_ws_protocol(const struct dp_ws *ws);
void dp_ws_free(struct dp_ws *ws); /* closes; what is queued may be lost */
/* Send what is queued, then a close frame; `closed` follows. */
void dp_ws_finish(struct dp_ws *ws);

/* Queue one message (copied), or with `stream` some bytes. Legal before `open`. */
void dp_ws_send(struct dp_ws *ws, const void *data, size_t n);
/* Queue one text message, whatever the options say: beside a stream of binary frames. */
void dp_ws_send_text(struct dp_ws *ws, const char *text, size_t n);
size_t dp_ws_queued(const struct dp_ws *ws); /* bytes not yet written */
/* Stop and restart: nothing comes while paused. */
void dp_ws_pause(struct dp_ws *ws, bool paused);

#endif
