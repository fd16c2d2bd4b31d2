/*
 * The daemon's responses: which call each is to, and what it says.
 */
#define DEPOT_LOG_MODULE "feed"
#include "feed/client.h"

#include <depot/log.h>

#include "wire/message.h"

#include <string.h>

enum { BUILD_ID_MAX = 128 };

static struct feed_call *call_with_id(struct feed_client *c, int64_t id)
{
    for (size_t i = 0; i < c->calls.len; i++)
        if (c->calls.items[i]->sent && c->calls.items[i]->q.id == id)
            return feed_call_take(c, i);
    return NULL;
}

/* ---- the first version of the feed, which answers without an id ---- */

static struct feed_call *oldest_call(struct feed_client *c, int ask)
{
    for (size_t i = 0; i < c->calls.len; i++)
        if (c->calls.items[i]->sent && (int)c->calls.items[i]->q.ask == ask)
            return feed_call_take(c, i);
    return NULL;
}

/* A refusal that names a build is of a subscription or a cancel, which were not kept as calls. */
static struct feed_call *refused_call(const struct dp_response *rsp)
{
    struct feed_call *call = depot_calloc(1, sizeof(*call));
    call->q.ask = DEPOT_QUERY_SUBSCRIBE;
    call->q.build = depot_arena_strdup(&call->arena, rsp->build);
    return call;
}

static struct feed_call *call_v1(struct feed_client *c, const struct dp_response *rsp)
{
    if (depot_str_eq(rsp->op, "created"))
        return oldest_call(c, DEPOT_QUERY_CREATE);
    if (!depot_str_eq(rsp->op, "error"))
        return oldest_call(c, depot_query_kind_from_name(rsp->op));
    if (rsp->of != NULL)
        return oldest_call(c, depot_query_kind_from_name(rsp->of));
    struct feed_call *create = rsp->build == NULL ? oldest_call(c, DEPOT_QUERY_CREATE) : NULL;
    return create != NULL ? create : refused_call(rsp);
}

/* ---- what it says ---- */

static void read_error(const struct dp_response *rsp, struct depot_error *err)
{
    struct depot_arena arena = {0};
    struct depot_error told = {.code = DEPOT_ERR_INTERNAL};
    if (rsp->error == NULL ||
        depot_record_decode(&depot_record_error, rsp->error, rsp->nerror, &told, &arena, NULL) !=
            0 ||
        told.code == DEPOT_OK)
        told.code = DEPOT_ERR_INTERNAL;
    depot_error_set(err, told.code, "%s",
        told.msg[0] != '\0' ? told.msg : "the daemon refused, and does not say why");
    depot_error_hint(err, "%s", told.hint);
    depot_arena_release(&arena);
}

/* What is shown or sent again must not be able to do anything else. */
static int check_created(struct depot_created *made, struct depot_error *err)
{
    if (depot_str_empty(made->build) || strlen(made->build) > BUILD_ID_MAX)
        return depot_error_set(err, DEPOT_ERR_PROTOCOL, "it confirmed a build without its id");
    if (made->version != NULL && depot_str_has_control(made->version))
        made->version = NULL;
    if (made->session != NULL && depot_str_has_control(made->session))
        made->session = NULL;
    return 0;
}

static int read_answer(struct feed_client *c, enum depot_query_kind ask,
    const struct dp_response *rsp, const char *text, size_t n, struct depot_response *a,
    struct depot_error *err)
{
    const bool whole = rsp->op != NULL; /* the members of the first version are around it */
    int rc = depot_response_decode(
        whole ? text : rsp->result, whole ? n : rsp->nresult, c->version, ask, a, err);
    if (rc == 0 && ask == DEPOT_QUERY_CREATE && (rc = check_created(&a->u.created, err)) != 0)
        depot_response_release(a);
    if (rc != 0)
        depot_error_prefix(err, "%s sent a bad answer", c->addr.text);
    return rc;
}

void feed_client_response(
    struct feed_client *c, const struct dp_response *rsp, const char *text, size_t n)
{
    struct feed_call *call =
        c->version == DEPOT_FEED_V1 && rsp->op != NULL ? call_v1(c, rsp) : call_with_id(c, rsp->id);
    struct depot_error err;
    struct depot_response a;
    if (call == NULL) {
        depot_log_debug("a response to nothing that was asked was skipped");
        return;
    }
    depot_error_clear(&err);
    if (rsp->op != NULL ? depot_str_eq(rsp->op, "error") : rsp->result == NULL) {
        read_error(rsp, &err);
        feed_call_end(c, call, NULL, &err);
    } else if (read_answer(c, call->q.ask, rsp, text, n, &a, &err) == 0) {
        feed_call_end(c, call, &a, NULL);
        depot_response_release(&a);
    } else {
        feed_call_end(c, call, NULL, &err);
    }
}
