/*
 * A client's session socket tied to its engine's session call: bytes both ways, and the text frames
 * the client sends beside them. Never looks into the bytes.
 */
#include "relay.h"

#include <depot/log.h>
#include <depot/session.h>

#include <string.h>

#define DEPOT_LOG_MODULE "relay"

enum {
    CHANGED_MAX = 100, /* paths that are passed on */
    WS_GOING_AWAY = 1001,
    WS_BROKEN = 1011,
};

struct relay {
    struct relays *all; /* NULL: detached */
    struct engine *engine;
    struct depot_bk_session *session; /* NULL: its engine's side is gone */
    struct depot_caller *caller;      /* the daemon's own end of it; NULL: an engine's */
    const struct relay_owner *owner;  /* NULL: it is over */
    void *owner_arg;
    const struct relay_ops *ops;
    void *arg;
    bool closed; /* the client's side was told to close */
    TAILQ_ENTRY(relay) entry;
};

static void tell_closed(struct relay *r, int ws_code, const char *reason)
{
    if (r->closed)
        return;
    r->closed = true;
    if (r->ops->closed != NULL)
        r->ops->closed(r, ws_code, reason, r->arg);
}

/* ---- the engine's side ---- */
static void free_session(struct relay *r)
{
    if (r->session != NULL)
        engine_driver(r->engine)->session_free(r->session);
    r->session = NULL;
}

static void on_data(struct depot_bk_session *s, const void *data, size_t n, void *arg)
{
    struct relay *r = arg;
    DEPOT_UNUSED(s);
    if (!r->closed)
        r->ops->data(r, data, n, r->arg);
}

static void on_writable(struct depot_bk_session *s, void *arg)
{
    struct relay *r = arg;
    DEPOT_UNUSED(s);
    if (!r->closed && r->ops->writable != NULL)
        r->ops->writable(r, r->arg);
}

static void on_done(struct depot_bk_session *s, const struct depot_error *err, void *arg)
{
    struct relay *r = arg;
    DEPOT_UNUSED(s);
    if (err != NULL)
        depot_log_debug("session: %s", err->msg);
    free_session(r);
    tell_closed(r, WS_BROKEN, "the builder ended the session");
}

static const struct depot_bk_session_ops session_ops = {
    .data = on_data,
    .writable = on_writable,
    .done = on_done,
};

/* ---- the daemon's own side ---- */
static void on_caller_data(struct depot_caller *c, const void *data, size_t n, void *arg)
{
    struct relay *r = arg;
    DEPOT_UNUSED(c);
    if (!r->closed)
        r->ops->data(r, data, n, r->arg);
}

static void on_caller_closed(struct depot_caller *c, const struct depot_error *err, void *arg)
{
    struct relay *r = arg;
    DEPOT_UNUSED(c);
    if (err != NULL)
        depot_log_debug("session: %s", err->msg);
    tell_closed(r, WS_BROKEN, "the session broke");
}

struct depot_caller *relay_caller(const struct relay *r)
{
    return r->caller;
}

/* ---- opening ---- */
static struct relay *relay_new(
    const struct relay_owner *owner, void *owner_arg, const struct relay_ops *ops, void *arg)
{
    struct relay *r = depot_calloc(1, sizeof(*r));
    r->owner = owner;
    r->owner_arg = owner_arg;
    r->ops = ops;
    r->arg = arg;
    return r;
}

static int opened(struct relay *r, int rc, struct relays *all, struct relay **out)
{
    if (rc != 0) {
        depot_free(r);
        return rc;
    }
    r->all = all;
    TAILQ_INSERT_TAIL(all, r, entry);
    *out = r;
    return 0;
}

int relay_to_engine(struct relays *all, struct engine *e, const struct relay_session *session,
    const struct relay_owner *owner, void *owner_arg, const struct relay_ops *ops, void *arg,
    struct relay **out, struct depot_error *err)
{
    struct relay *r = relay_new(owner, owner_arg, ops, arg);
    r->engine = e;
    int rc = engine_driver(e)->session_open(engine_bk(e), session->id, session->shared_key,
        session->methods, &session_ops, r, &r->session, err);
    return opened(r, rc, all, out);
}

int relay_to_daemon(struct relays *all, struct depot_loop *l, const struct relay_owner *owner,
    void *owner_arg, const struct relay_ops *ops, void *arg, struct relay **out,
    struct depot_error *err)
{
    static const struct depot_caller_ops caller_ops = {
        .data = on_caller_data, .closed = on_caller_closed};
    struct relay *r = relay_new(owner, owner_arg, ops, arg);
    int rc = depot_caller_new(l, &caller_ops, r, &r->caller, err);
    return opened(r, rc, all, out);
}

/* ---- the client's side ---- */
void relay_write(struct relay *r, const void *data, size_t n)
{
    if (r->session != NULL && r->owner != NULL)
        engine_driver(r->engine)->session_write(r->session, data, n);
    else if (r->caller != NULL)
        depot_caller_receive(r->caller, data, n);
}

size_t relay_queued(const struct relay *r)
{
    return r->session != NULL ? engine_driver(r->engine)->session_queued(r->session) : 0;
}

static void release(struct relay *r)
{
    r->owner = NULL;
    free_session(r);
    depot_caller_free(r->caller);
    r->caller = NULL;
}

void relay_free(struct relay *r)
{
    if (r == NULL)
        return;
    const struct relay_owner *owner = r->owner;
    r->closed = true;
    release(r);
    if (r->all != NULL)
        TAILQ_REMOVE(r->all, r, entry);
    if (owner != NULL)
        owner->gone(r->owner_arg);
    depot_free(r);
}

/* ---- the owner's side ---- */
void relay_end(struct relay *r, int ws_code, const char *reason)
{
    r->owner = NULL;
    if (r->session != NULL)
        engine_driver(r->engine)->session_end(r->session);
    tell_closed(r, ws_code, reason);
}

void relay_detach(struct relay *r)
{
    release(r);
    TAILQ_REMOVE(r->all, r, entry);
    r->all = NULL;
    tell_closed(r, WS_GOING_AWAY, "the daemon is stopping");
}

/* ---- text frames ---- */

/* What a client counts is not below zero, and of its paths no more are passed on. */
static void tidy(struct depot_ev_context *c)
{
    int64_t *const numbers[] = {
        &c->files, &c->bytes, &c->sent_files, &c->sent_bytes, &c->changed_more};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(numbers); i++)
        if (*numbers[i] < 0)
            *numbers[i] = 0;
    if (c->nchanged <= CHANGED_MAX)
        return;
    c->changed_more += (int64_t)(c->nchanged - CHANGED_MAX);
    c->nchanged = CHANGED_MAX;
}

void relay_text(struct relay *r, const char *json, size_t n)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_CONTEXT};
    struct depot_session_text said = {0};
    struct depot_error err = {0};
    if (r->owner == NULL || r->owner->context == NULL)
        return;
    if (depot_record_decode(&depot_record_session_text, json, n, &said, &ev.arena, &err) != 0) {
        depot_log_debug("a text frame was not understood: %s", err.msg);
    } else if (said.context != NULL) {
        ev.u.context = *said.context;
        tidy(&ev.u.context);
        r->owner->context(&ev, r->owner_arg);
    }
    depot_arena_release(&ev.arena);
}
