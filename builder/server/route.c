/*
 * Path patterns against paths. The paths come decoded; nothing here is specific to the daemon.
 */
#include "route.h"

#include <string.h>

bool route_match(const char *pattern, const char *path, struct route_args *args)
{
    size_t arg = 0;

    while (*pattern) {
        const char *close;
        size_t n;
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        close = strchr(pattern, '}');
        if (close == NULL || arg == ROUTE_ARGS_MAX)
            return false;
        n = arg + 1 == ROUTE_ARGS_MAX && close[1] == '\0' ? strlen(path) : strcspn(path, "/");
        if (n == 0 || n > ROUTE_ARG_MAX)
            return false;
        memcpy(args->values[arg], path, n);
        args->values[arg++][n] = '\0';
        path += n;
        pattern = close + 1;
    }
    return *path == '\0';
}

const struct route *route_find(const struct route *routes, size_t n, enum route_method method,
    bool websocket, const char *path, struct route_args *args, bool *other_method)
{
    *other_method = false;
    for (size_t i = 0; i < n; i++) {
        const struct route *r = &routes[i];
        if ((r->kind != ROUTE_HTTP) != websocket || !route_match(r->pattern, path, args))
            continue;
        if (r->method == method)
            return r;
        *other_method = true;
    }
    return NULL;
}
