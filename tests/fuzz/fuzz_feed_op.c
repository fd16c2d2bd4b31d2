/*
 * Feed messages of clients, and the request paths beside them, with any bytes.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <depot/base.h>

#include "builder/server/route.h"
#include "builder/server/op.h"

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
    struct server_op op;

    if (server_op_parse((const char *)data, size, &op, NULL) == 0) {
        assert(op.build[0] == '\0' || store_id_valid(op.build));
        assert((op.kind == SERVER_OP_CREATE) == (op.request != NULL));
        server_op_release(&op);
    }
    match_path(data, size);
    return 0;
}
