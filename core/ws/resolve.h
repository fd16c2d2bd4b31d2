/*
 * Host names to numeric addresses on the thread pool: libwebsockets would block the loop.
 */
#ifndef DEPOT_CORE_WS_RESOLVE_H
#define DEPOT_CORE_WS_RESOLVE_H

#include <depot/loop.h>

enum { DP_RESOLVE_MAX = 8, DP_RESOLVE_TEXT_MAX = 64 };

struct dp_resolve {
    int error; /* of getaddrinfo(); 0: fine */
    int n;     /* addresses, in the order to try them */
    char text[DP_RESOLVE_MAX][DP_RESOLVE_TEXT_MAX];
};

struct dp_lookup;
/* `result` is borrowed. The lookup is over, and freed, after this. */
typedef void dp_lookup_fn(const struct dp_resolve *result, void *arg);
int dp_lookup_start(struct depot_loop *l, const char *host, dp_lookup_fn *done, void *arg,
    struct dp_lookup **out) DEPOT_MUST_CHECK;
void dp_lookup_cancel(struct dp_lookup *lk); /* `done` never comes */

#endif
