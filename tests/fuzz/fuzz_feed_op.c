/*
 * Feed messages of clients, and the request paths beside them, with any bytes.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <depot/base.h>

#include "builder/server/route.h"
#include "builder/server/op.h"
#include "builder/store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void match_path(const uint8_t *data, size_t size)
{
    static const char *const patterns[] = {"/v1/builds", "/v1/builds/{id}",
        "/v1/builds/{id}/cancel", "/v1/builds/{id}/session/{builder}"};
    char *path = depot_strndup((const char *)data, size);
    struct route_args args;

    for (size_t i = 0; i < DEPOT_ARRAY_LEN(patterns); i++) {
        memset(&args, 0, sizeof(args));
        if (route_match(patterns[i], path, &args))
            assert(strlen(args.values[0]) <= ROUTE_ARG_MAX);
    }
    depot_free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct depot_query q;
    struct depot_arena arena = {0};

    if (server_op_parse((const char *)data, size, &q, &arena, NULL) == 0)
        assert(q.ask != DEPOT_QUERY_CREATE || q.request != NULL);
    assert(q.build == NULL || store_id_valid(q.build));
    depot_arena_release(&arena);
    match_path(data, size);
    return 0;
}
