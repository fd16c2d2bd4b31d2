/*
 * Addresses of daemons and engines, as people write them.
 *
 *   unix:///run/buildkit/buildkitd.sock     a unix socket
 *   tcp://host:port                         TCP, with TLS when certificates are given
 *   http://host:port, https://host:port     the same, as URLs of a depotd
 *   docker+unix:///var/run/docker.sock      a Docker Engine's socket, BuildKit inside
 */
#ifndef DEPOT_ADDR_H
#define DEPOT_ADDR_H

#include <depot/base.h>
#include <depot/export.h>

DEPOT_API_BEGIN

enum depot_addr_kind { DEPOT_ADDR_UNIX, DEPOT_ADDR_TCP };

struct depot_addr {
    enum depot_addr_kind kind;
    bool tls;    /* https:// */
    bool docker; /* docker+unix:// or docker+tcp://: gRPC behind POST /grpc */
    char *path;  /* DEPOT_ADDR_UNIX */
    char *host;  /* DEPOT_ADDR_TCP; no brackets around IPv6 */
    int port;
    char *text; /* as given, for messages */
};

/* `default_port` is for addresses without one; 0 makes the port required. */
int depot_addr_parse(const char *s, int default_port, struct depot_addr *out,
    struct depot_error *err) DEPOT_MUST_CHECK;
void depot_addr_copy(struct depot_addr *to, const struct depot_addr *from);
void depot_addr_release(struct depot_addr *a);

/* What to do where a daemon wants a token and got none, or (`given`) one that it does not know.
 * Returns err's code. */
int depot_addr_hint_token(struct depot_error *err, bool given);

/* Files for TLS; all may be NULL. `ca` NULL means the system's roots. */
struct depot_tls {
    char *ca, *cert, *key;
    char *server_name; /* NULL: the address's host */
    bool enabled;
};
void depot_tls_copy(struct depot_tls *to, const struct depot_tls *from);
void depot_tls_release(struct depot_tls *t);

DEPOT_API_END

#endif
