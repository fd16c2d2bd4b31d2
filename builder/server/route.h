/*
 * The table of what the server answers: methods, paths, who may ask. Matching only; the handlers
 * are in api.c.
 */
#ifndef DEPOT_BUILDER_ROUTE_H
#define DEPOT_BUILDER_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

enum { ROUTE_ARGS_MAX = 2, ROUTE_ARG_MAX = 255 };

/* What stands in the path for {id} and the like. */
struct route_args {
    char values[ROUTE_ARGS_MAX][ROUTE_ARG_MAX + 1];
};

struct conn;
/* Answers on `c`: server_reply() or server_stream(). */
typedef void route_fn(struct conn *c, const struct route_args *args);

enum route_method { ROUTE_GET, ROUTE_POST, ROUTE_OTHER };
enum route_kind { ROUTE_HTTP, ROUTE_FEED, ROUTE_SESSION };

struct route {
    enum route_method method;
    enum route_kind kind;
    bool open;           /* no credential needed */
    bool body;           /* has one, which the handler finds in the request */
    const char *pattern; /* "/v1/builds/{id}"; a second and last {name} takes slashes too */
    route_fn *fn;        /* NULL for WebSockets */
};
extern const struct route server_routes[];
extern const size_t server_nroutes;

bool route_match(const char *pattern, const char *path, struct route_args *args);
/* NULL: nothing at this path, or, with *other_method set, not with this method. */
const struct route *route_find(const struct route *routes, size_t n, enum route_method method,
    bool websocket, const char *path, struct route_args *args, bool *other_method);

#endif
