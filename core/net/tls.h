/*
 * TLS as a client over a connected socket. Internal to net; others see a dp_stream from
 * dp_connect().
 */
#ifndef DEPOT_CORE_NET_TLS_H
#define DEPOT_CORE_NET_TLS_H

#include "net/stream.h"

struct dp_tls_opts {
    const struct depot_tls *files; /* may be NULL: the system's roots, no client certificate */
    struct dp_tls_store *store;    /* may be NULL: nothing is shared */
    const char *host;              /* the name to verify, unless files->server_name is set */
    bool alpn_h2;
};

/* Read the files anew for the next connection. NULL does nothing. */
void dp_tls_store_forget(struct dp_tls_store *store);

/* Takes `fd`, also on failure. The stream carries data once dp_tls_handshake() has given 0. */
int dp_tls_new_take(struct depot_loop *l, int fd, const struct dp_tls_opts *opts,
    struct dp_stream **out, struct depot_error *err) DEPOT_MUST_CHECK;

/*
 * One step of the handshake: 0 when it is done, DEPOT_ERR_AGAIN when to call again from the ready
 * callback, which then comes for whatever the handshake waits for. Reads and writes that come
 * before the end of the handshake give DEPOT_ERR_AGAIN.
 */
int dp_tls_handshake(struct dp_stream *s, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
