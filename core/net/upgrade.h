/*
 * The HTTP/1.1 handshake that turns a Docker Engine's connection into a plain byte stream.
 * Internal to net; others ask for it through dp_connect_opts.upgrade.
 */
#ifndef DEPOT_CORE_NET_UPGRADE_H
#define DEPOT_CORE_NET_UPGRADE_H

#include "net/stream.h"

struct dp_upgrade;

/* `err` is NULL when the peer has switched; the stream then stands at the first byte after the
 * answer's header. */
typedef void dp_upgrade_fn(struct dp_upgrade *u, const struct depot_error *err, void *arg);

/* Borrows the stream and listens to it until `done` or the free. */
struct dp_upgrade *dp_upgrade_new(
    struct depot_loop *l, struct dp_stream *s, const char *path, dp_upgrade_fn *done, void *arg);
void dp_upgrade_free(struct dp_upgrade *u);

#endif
