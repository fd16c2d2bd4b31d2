/*
 * The daemon's sockets: HTTP API, feed and session WebSockets, on unix sockets and TCP, by
 * libwebsockets on our loop. It knows requests and credentials; builds are the service's.
 */
#ifndef DEPOT_BUILDER_SERVER_H
#define DEPOT_BUILDER_SERVER_H

#include <depot/loop.h>

#include <stdbool.h>
#include <stddef.h>

struct hub;
struct server;
struct service;
struct service_api;
struct store;

/* Where to listen: a unix socket, or TCP with or without TLS. */
struct server_listener {
    const char *unix_path;          /* NULL: TCP */
    const char *host;               /* NULL or "": every address of this machine */
    int port;                       /* 0: one that is free, see server_port() */
    const char *tls_cert, *tls_key; /* PEM files, both or none */
};

struct server_config {
    const struct server_listener *listeners;
    size_t nlisteners;
    const char *const *tokens; /* each is let in on TCP; needed when a listener is TCP */
    size_t ntokens;
};

/*
 * Listens when it returns. Everything in `cfg` is copied, the rest is borrowed and must outlive the
 * server. A live daemon on the same unix socket or port is DEPOT_ERR_EXISTS; a socket that a dead
 * one left is replaced. Errors carry a hint.
 */
int server_new(struct depot_loop *l, const struct server_config *cfg, struct store *store,
    struct hub *hub, const struct service_api *api, struct service *service, struct server **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* Stops listening, lets go of subscribers and relays at once; the sockets close in the loop's next
 * turns, so run it until it is empty. Before hub_free() and service_free(). */
void server_free(struct server *s);
/* Sockets that are open: the daemon stays while there are any. */
size_t server_clients(const struct server *s);
/* The TCP port of listener `i`; 0 for a unix socket. */
int server_port(const struct server *s, size_t i);

#endif
