/*
 * The content service: which store a call is for, and what is asked about blobs. Reading and
 * writing have files of their own. What an engine never asks of a client (List, ListStatuses,
 * Update, Delete) is not served.
 */
#include <string.h>

#include "session/content_call.h"
#include "grpc/pb.h"

static struct dp_session_store *find_store(const struct dp_session *s, const char *id)
{
    for (size_t i = 0; i < s->cfg->nstores; i++)
        if (depot_str_eq(s->cfg->stores[i].id, id))
            return &s->cfg->stores[i];
    return NULL;
}

struct dp_session_store *dp_content_store(struct dp_session *s, struct dp_grpc_call *call)
{
    static const char key[] = "buildkit-attachable-store-id";
    char *id = dp_session_md(call, key, 0);
    struct dp_session_store *store = id != NULL ? find_store(s, id) : NULL;
    if (id == NULL)
        dp_grpc_respond(call, DP_GRPC_INVALID_ARGUMENT, "the call does not say which store");
    else if (store == NULL)
        dp_grpc_respond(call, DP_GRPC_NOT_FOUND, "no such store");
    depot_free(id);
    return store;
}

/* The store and the request of a call of one answer; false when it was answered already. */
static bool begin(struct dp_session *s, struct dp_grpc_call *call, const uint8_t *msg, size_t n,
    const struct dp_session_store **store, struct dp_content_request *req)
{
    struct depot_error err;
    depot_error_clear(&err);
    *store = dp_content_store(s, call);
    if (*store == NULL)
        return false;
    if (dp_content_decode(DP_CONTENT_NAMED, msg, n, req, &err) == 0)
        return true;
    dp_session_respond_error(call, &err);
    return false;
}

static void info(struct dp_session *s, struct dp_grpc_call *call, const uint8_t *msg, size_t n)
{
    const struct dp_session_store *store;
    struct dp_content_request req;
    struct depot_error err;
    struct stat st;
    depot_error_clear(&err);
    if (!begin(s, call, msg, n, &store, &req))
        return;
    if (dp_blob_open(store->path, req.name, NULL, &st, &err) != 0) {
        dp_session_respond_error(call, &err);
        return;
    }
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_content_add_info(&b, req.name, &st);
    dp_session_reply(call, b.data, b.len);
    depot_buf_release(&b);
}

static void no_write(struct dp_grpc_call *call)
{
    dp_grpc_respond(call, DP_GRPC_NOT_FOUND, "nothing is being written under this reference");
}

static void status(struct dp_session *s, struct dp_grpc_call *call, const uint8_t *msg, size_t n)
{
    const struct dp_session_store *store;
    struct dp_content_request req;
    struct dp_content_status st;
    if (!begin(s, call, msg, n, &store, &req))
        return;
    if (!dp_content_write_status(s, store, req.name, &st)) {
        no_write(call);
        return;
    }
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_content_add_status(&b, &st);
    dp_session_reply(call, b.data, b.len);
    depot_buf_release(&b);
}

static void abort_write(
    struct dp_session *s, struct dp_grpc_call *call, const uint8_t *msg, size_t n)
{
    const struct dp_session_store *store;
    struct dp_content_request req;
    if (!begin(s, call, msg, n, &store, &req))
        return;
    if (dp_content_write_abort(s, store, req.name))
        dp_session_reply(call, "", 0);
    else
        no_write(call);
}

void dp_session_open_content_info(struct dp_grpc_call *call, void *arg)
{
    dp_session_unary(arg, call, info);
}

void dp_session_open_content_status(struct dp_grpc_call *call, void *arg)
{
    dp_session_unary(arg, call, status);
}

void dp_session_open_content_abort(struct dp_grpc_call *call, void *arg)
{
    dp_session_unary(arg, call, abort_write);
}
