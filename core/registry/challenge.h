/*
 * What a registry says in WWW-Authenticate, and URLs that it sends us to. No I/O.
 */
#ifndef DEPOT_CORE_REGISTRY_CHALLENGE_H
#define DEPOT_CORE_REGISTRY_CHALLENGE_H

#include <depot/addr.h>
#include <depot/buf.h>

enum dp_auth_scheme { DP_AUTH_NONE, DP_AUTH_BASIC, DP_AUTH_BEARER };

struct dp_challenge {
    enum dp_auth_scheme scheme;
    char *realm, *service, *scope; /* NULL where not said */
};

enum { DP_CHALLENGE_MAX = 8 * 1024, DP_URL_MAX = 8 * 1024 };

/* `header` may be any text, and NULL. A scheme that we do not speak gives DP_AUTH_NONE. Bearer is
 * taken before Basic. */
void dp_challenge_parse(const char *header, struct dp_challenge *out);
void dp_challenge_release(struct dp_challenge *c);

/* An http or https URL as an address and a path with query; without the fragment. User names in it
 * are refused. */
int dp_url_parse(const char *url, struct depot_addr *addr, char **path,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* Scheme, host and port are the same. */
bool dp_url_same_origin(const struct depot_addr *a, const struct depot_addr *b);
/* As a value in a query. */
void dp_url_escape(struct depot_buf *out, const char *s);

#endif
