/*
 * What no table says of a client's messages: which members an op needs. Nothing here acts on them.
 */
#include "op.h"

#include <string.h>

#include "builder/store/store.h"

/* "" stands for none. */
static void forget_empty(struct depot_query *q)
{
    const char **const strings[] = {&q->build, &q->project, &q->builder, &q->ref, &q->session};

    for (size_t i = 0; i < DEPOT_ARRAY_LEN(strings); i++)
        if (depot_str_empty(*strings[i]))
            *strings[i] = NULL;
}

static int check_build(const struct depot_query *q, struct depot_error *err)
{
    if (q->build == NULL)
        return depot_error_set(err, DEPOT_ERR_INVALID, "the message names no build");
    if (!store_id_valid(q->build))
        return depot_error_set(err, DEPOT_ERR_INVALID, "not the id of a build");
    return 0;
}

static int check(struct depot_query *q, struct depot_error *err)
{
    forget_empty(q);
    switch (q->ask) {
    case DEPOT_QUERY_SUBSCRIBE:
    case DEPOT_QUERY_UNSUBSCRIBE:
        if (q->scope == NULL)
            return check_build(q, err);
        if (strcmp(q->scope, "fleet") != 0)
            return depot_error_set(err, DEPOT_ERR_INVALID, "unknown scope \"%.32s\"", q->scope);
        return 0;
    case DEPOT_QUERY_CANCEL:
        return check_build(q, err);
    case DEPOT_QUERY_CREATE:
        if (q->request == NULL)
            return depot_error_set(err, DEPOT_ERR_INVALID, "`create` needs a `request` object");
        return 0;
    default:
        return q->build != NULL ? check_build(q, err) : 0;
    }
}

int server_op_parse(const char *json, size_t n, struct depot_query *q, struct depot_arena *arena,
    struct depot_error *err)
{
    int r = depot_record_decode(&depot_record_query, json, n, q, arena, err);

    if (r == 0)
        r = check(q, err);
    else
        depot_query_peek(json, n, q, arena);
    if (r != 0 && q->build != NULL && !store_id_valid(q->build))
        q->build = NULL; /* it would be told back */
    return r;
}

int server_op_parse_body(enum depot_query_kind ask, const char *json, size_t n,
    struct depot_query *q, struct depot_arena *arena, struct depot_error *err)
{
    int r = depot_record_decode(&depot_record_query_body, json, n, q, arena, err);

    q->ask = ask;
    return r == 0 ? check(q, err) : r;
}
