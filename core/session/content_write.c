/*
 * Content/Write: the engine sends a blob a piece at a time and waits for our word after each, which
 * is all the back-pressure it needs. Only whole and right blobs get a name; the rest is removed.
 */
#include <depot/log.h>

#include <stdio.h>
#include <time.h>

#include "session/content_call.h"

#define DEPOT_LOG_MODULE "session"

/* To disk takes long, so it is done beside; each knows of the other until one of them goes. */
struct commit {
    struct writing *owner;
    struct dp_ingest *ingest;
    struct depot_error err;
    int rc;
};

struct writing {
    struct dp_scall base;
    struct dp_session_store *store;
    char ref[DP_CONTENT_REF_MAX];
    char expected[DP_DIGEST_SIZE], digest[DP_DIGEST_SIZE];
    int64_t total;
    time_t started, updated;
    struct dp_ingest *ingest; /* NULL before the first message, and once committing */
    struct commit *commit;
    bool over;
};

static void over(struct writing *w)
{
    w->over = true;
    dp_scall_written(&w->base);
    dp_ingest_free(w->ingest);
    w->ingest = NULL;
}

/* The engine did wrong, or has no need to write. */
static void refuse(struct writing *w, int code, const char *text)
{
    over(w);
    dp_grpc_respond(w->base.call, code, text);
}

/* Something is wrong with our disk. */
static void fail(struct writing *w, const struct depot_error *err)
{
    over(w);
    dp_session_respond_error(w->base.call, err);
    if (w->store->optional)
        depot_log_warn("%s", err->msg);
    else
        dp_session_problem(w->base.s, err);
}

static void answer(struct writing *w, enum dp_content_action action, const char *digest)
{
    struct dp_content_status st = {
        .action = action,
        .digest = digest,
        .offset = dp_ingest_size(w->ingest),
        .total = w->total,
        .started = w->started,
        .updated = w->updated,
    };
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    dp_content_add_written(&b, &st);
    dp_grpc_send_take(w->base.call, &b);
    depot_buf_release(&b);
}

static void note_last(struct writing *w, const char *digest)
{
    snprintf(w->store->last, sizeof(w->store->last), "%s", digest);
}

/* ---- the end ---- */

static void on_commit(void *arg)
{
    struct commit *c = arg;
    c->rc = dp_ingest_commit(c->ingest, &c->err);
}

static void on_committed(void *arg)
{
    struct commit *c = arg;
    struct writing *w = c->owner;
    if (w == NULL) {
        dp_ingest_free(c->ingest);
    } else {
        w->commit = NULL;
        w->ingest = c->ingest;
        if (c->rc != 0) {
            fail(w, &c->err);
        } else {
            note_last(w, w->digest);
            answer(w, DP_CONTENT_COMMIT, w->digest);
            refuse(w, DP_GRPC_OK, "");
        }
    }
    depot_free(c);
}

static void commit(struct writing *w)
{
    struct depot_error err;
    depot_error_clear(&err);
    if (dp_ingest_check(w->ingest, w->total, w->expected, w->digest, &err) != 0) {
        refuse(w, DP_GRPC_FAILED_PRECONDITION, err.msg);
        return;
    }
    struct commit *c = depot_calloc(1, sizeof(*c));
    c->owner = w;
    c->ingest = w->ingest;
    w->commit = c;
    w->ingest = NULL;
    if (depot_loop_work(w->base.s->loop, on_commit, on_committed, c) != 0) {
        on_commit(c);
        on_committed(c);
    }
}

/* ---- a step ---- */

/* A blob of another size than it should have is broken, and is written again. */
static bool is_there(const struct writing *w)
{
    struct stat st;
    return dp_blob_open(w->store->path, w->expected, NULL, &st, NULL) == 0 &&
           (w->total == 0 || w->total == st.st_size);
}

static void refuse_there(struct writing *w)
{
    char text[DP_DIGEST_SIZE + 64];
    snprintf(text, sizeof(text), "content %s: already exists", w->expected);
    dp_blob_touch(w->store->path, w->expected);
    note_last(w, w->expected);
    refuse(w, DP_GRPC_ALREADY_EXISTS, text);
}

/* What a step says of the whole is the newest word of it. False when that ends the call. */
static bool expect(struct writing *w, const struct dp_content_request *req)
{
    if (req->total > 0)
        w->total = req->total;
    if (req->expected[0] == '\0')
        return true;
    snprintf(w->expected, sizeof(w->expected), "%s", req->expected);
    if (!is_there(w))
        return true;
    refuse_there(w);
    return false;
}

static bool begin(struct writing *w, const struct dp_content_request *req)
{
    struct depot_error err;
    depot_error_clear(&err);
    if (req->name[0] == '\0') {
        refuse(w, DP_GRPC_INVALID_ARGUMENT, "the first message must have a reference");
        return false;
    }
    snprintf(w->ref, sizeof(w->ref), "%s", req->name);
    w->started = w->updated = time(NULL);
    if (!expect(w, req))
        return false;
    if (dp_ingest_new(w->store->path, &w->ingest, &err) == 0)
        return true;
    fail(w, &err);
    return false;
}

/* Pieces come in order; an offset of 0 begins again. */
static bool take(struct writing *w, const struct dp_content_request *req)
{
    struct depot_error err;
    int64_t size = dp_ingest_size(w->ingest);
    depot_error_clear(&err);
    if (req->offset != 0 && req->offset != size) {
        refuse(w, DP_GRPC_OUT_OF_RANGE, "a piece must begin where the last one ended");
        return false;
    }
    if (w->total > 0 && (int64_t)req->data_len > w->total - req->offset) {
        refuse(w, DP_GRPC_OUT_OF_RANGE, "more content than was announced");
        return false;
    }
    int rc = req->offset == 0 && size > 0 ? dp_ingest_restart(w->ingest, &err) : 0;
    if (rc == 0 && req->data_len > 0)
        rc = dp_ingest_add(w->ingest, req->data, req->data_len, &err);
    w->updated = time(NULL);
    if (rc != 0)
        fail(w, &err);
    return rc == 0;
}

static void on_message(struct dp_grpc_call *call, const uint8_t *data, size_t n, void *arg)
{
    struct writing *w = arg;
    struct dp_content_request req;
    struct depot_error err;
    DEPOT_UNUSED(call);
    if (w->over || w->commit != NULL)
        return;
    depot_error_clear(&err);
    if (dp_content_decode(DP_CONTENT_WRITE_STEP, data, n, &req, &err) != 0) {
        refuse(w, DP_GRPC_INVALID_ARGUMENT, err.msg);
        return;
    }
    if (w->ingest == NULL ? !begin(w, &req) : !expect(w, &req))
        return;
    if (req.action != DP_CONTENT_STAT && !take(w, &req))
        return;
    if (req.action == DP_CONTENT_COMMIT)
        commit(w);
    else
        answer(w, req.action, NULL);
}

/* Without a commit: nothing is kept to go on from. */
static void on_half_closed(struct dp_grpc_call *call, void *arg)
{
    struct writing *w = arg;
    DEPOT_UNUSED(call);
    if (!w->over && w->commit == NULL)
        refuse(w, DP_GRPC_OK, "");
}

static void on_done(struct dp_grpc_call *call, const struct dp_grpc_status *st, void *arg)
{
    struct writing *w = arg;
    DEPOT_UNUSED(call);
    DEPOT_UNUSED(st);
    dp_scall_end(&w->base);
}

static void writing_free(struct dp_scall *c)
{
    struct writing *w = DEPOT_CONTAINER_OF(c, struct writing, base);
    over(w);
    if (w->commit != NULL)
        w->commit->owner = NULL;
    depot_free(w);
}

static const struct dp_scall_ops scall_ops = {.free = writing_free};
static const struct dp_grpc_call_ops call_ops = {
    .message = on_message,
    .half_closed = on_half_closed,
    .done = on_done,
};

void dp_session_open_content_write(struct dp_grpc_call *call, void *arg)
{
    struct dp_session *s = arg;
    struct dp_session_store *store = dp_content_store(s, call);
    if (store == NULL)
        return;
    if (!store->writable) {
        dp_grpc_respond(call, DP_GRPC_PERMISSION_DENIED, "the store is only lent for reading");
        return;
    }
    struct writing *w = depot_calloc(1, sizeof(*w));
    w->store = store;
    w->base.writes_output = true;
    dp_scall_init(&w->base, &scall_ops, s, call);
    dp_grpc_accept(call, &call_ops, w);
}

/* ---- asked from outside ---- */

static struct writing *find(
    struct dp_session *s, const struct dp_session_store *store, const char *ref)
{
    struct dp_scall *c;
    TAILQ_FOREACH (c, &s->calls, link) {
        if (c->ops != &scall_ops)
            continue;
        struct writing *w = DEPOT_CONTAINER_OF(c, struct writing, base);
        if (w->ingest != NULL && w->store == store && depot_str_eq(w->ref, ref))
            return w;
    }
    return NULL;
}

bool dp_content_write_status(struct dp_session *s, const struct dp_session_store *store,
    const char *ref, struct dp_content_status *out)
{
    const struct writing *w = find(s, store, ref);
    if (w == NULL)
        return false;
    *out = (struct dp_content_status){
        .ref = w->ref,
        .expected = w->expected,
        .offset = dp_ingest_size(w->ingest),
        .total = w->total,
        .started = w->started,
        .updated = w->updated,
    };
    return true;
}

bool dp_content_write_abort(
    struct dp_session *s, const struct dp_session_store *store, const char *ref)
{
    struct writing *w = find(s, store, ref);
    if (w != NULL)
        refuse(w, DP_GRPC_ABORTED, "the write was given up");
    return w != NULL;
}
