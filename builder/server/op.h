/*
 * What a client says on the feed's socket, one JSON object a message. Reading only.
 */
#ifndef DEPOT_BUILDER_SERVER_OP_H
#define DEPOT_BUILDER_SERVER_OP_H

#include <depot/query.h>

enum {
    SERVER_BODY_MAX = DEPOT_REQUEST_MAX,    /* a body of a request */
    SERVER_OP_MAX = SERVER_BODY_MAX + 4096, /* the same inside of a message */
};

/* What `q` points at is in `arena`. On failure `q` still has what the message named of `id`, `op`
 * and `build`, for the response; an `op` of none is DEPOT_QUERY_COUNT. */
int server_op_parse(const char *json, size_t n, struct depot_query *q, struct depot_arena *arena,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* The same members without an `op`, as the body of a request. */
int server_op_parse_body(enum depot_query_kind ask, const char *json, size_t n,
    struct depot_query *q, struct depot_arena *arena, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
