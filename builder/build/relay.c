/*
 * A client's session socket tied to its engine's session call: bytes both ways, and the text frames
 * the client sends beside them. Never looks into the bytes.
 */
#include <depot/log.h>
#include <depot/session.h>

#include <json-c/json.h>

#include <string.h>

#include "builder/service/service_int.h"

#define DEPOT_LOG_MODULE "relay"

enum {
    TEXT_MAX = 256 * 1024, /* one text frame */
    TEXT_DEPTH_MAX = 4,
    CHANGED_MAX = 100, /* paths that are passed on */
    WS_GOING_AWAY = 1001,
    WS_BROKEN = 1011,
};

struct relay {
    struct service *service;
    struct part *part;                /* NULL: over, or `client` */
    struct depot_bk_session *session; /* NULL: its engine's side is gone */
    struct client *client;            /* NULL: over, or `part` */
    struct depot_caller *caller;      /* the daemon's own end of it, for `client` */
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
    depot_bk_session_free(r->session);
    r->session = NULL;
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

static int open_caller(struct relay *r, struct client *c, struct depot_error *err)
{
    static const struct depot_caller_ops caller_ops = {
        .data = on_caller_data, .closed = on_caller_closed};
    if (client_relay(c) != NULL)
        return depot_error_set(err, DEPOT_ERR_EXISTS, "the build has its session with the daemon");
    int rc = depot_caller_new(r->service->loop, &caller_ops, r, &r->caller, err);
    if (rc == 0)
        r->client = c;
    return rc;
}

/* ---- the client's side ---- */
static int open_session(struct relay *r, struct part *p, struct depot_error *err)
{
    const struct request *req = &p->build->req;
    const char *key = req->shared_key != NULL ? req->shared_key : "";
    int rc = part_session_wanted(p, err);
    if (rc == 0)
        rc = depot_bk_session_open(engine_bk(p->engine), p->session, key, &req->methods,
            &session_ops, r, &r->session, err);
    if (rc == 0)
        r->part = p;
    return rc;
}

bool service_same_secret(const char a[SERVICE_SECRET_LEN + 1], const char *b)
{
    unsigned char differ = 0;
    if (b == NULL || strlen(b) != SERVICE_SECRET_LEN)
        return false;
    for (size_t i = 0; i < SERVICE_SECRET_LEN; i++)
        differ |= (unsigned char)(a[i] ^ b[i]);
    return differ == 0;
}

int service_session_allowed(
    struct service *s, const char *build, const char *secret, struct depot_error *err)
{
    const struct build *b = depot_map_get(s->builds, build);
    if (b != NULL && service_same_secret(b->secret, secret))
        return 0;
    if (b != NULL)
        depot_log_warn("build %s: a session without the secret of its creator was refused", build);
    depot_error_set(err, DEPOT_ERR_NOT_FOUND, "no running build %.40s of yours", build);
    if (secret == NULL)
        depot_error_hint(err, "upgrade depot: sessions show what the answer to the create told");
    return err != NULL ? (int)err->code : DEPOT_ERR_NOT_FOUND;
}

int service_session(struct service *s, const char *build, const char *builder, const char *platform,
    const struct relay_ops *ops, void *arg, struct relay **out, struct depot_error *err)
{
    struct build *b = depot_map_get(s->builds, build);
    struct part *p = b != NULL ? build_part(b, builder, platform) : NULL;
    struct client *c = b != NULL && depot_str_eq(builder, CLIENT_SESSION) ? b->client : NULL;
    if (p == NULL && c == NULL)
        return depot_error_set(
            err, DEPOT_ERR_NOT_FOUND, "no running build %.40s on builder %.80s", build, builder);
    struct relay *r = depot_calloc(1, sizeof(*r));
    r->service = s;
    r->ops = ops;
    r->arg = arg;
    int rc = c != NULL ? open_caller(r, c, err) : open_session(r, p, err);
    if (rc != 0) {
        depot_free(r);
        return rc;
    }
    TAILQ_INSERT_TAIL(&s->relays, r, entry);
    *out = r;
    if (c != NULL)
        client_session(c, r);
    else
        part_session(p, r);
    return 0;
}

void relay_write(struct relay *r, const void *data, size_t n)
{
    if (r->session != NULL && r->part != NULL)
        depot_bk_session_write(r->session, data, n);
    else if (r->caller != NULL)
        depot_caller_receive(r->caller, data, n);
}

size_t relay_queued(const struct relay *r)
{
    return r->session != NULL ? depot_bk_session_queued(r->session) : 0;
}

static void let_go(struct relay *r)
{
    r->part = NULL;
    r->client = NULL;
    depot_bk_session_free(r->session);
    depot_caller_free(r->caller);
    r->session = NULL;
    r->caller = NULL;
}

void relay_free(struct relay *r)
{
    if (r == NULL)
        return;
    struct part *p = r->part;
    struct client *c = r->client;
    r->closed = true;
    let_go(r);
    if (r->service != NULL)
        TAILQ_REMOVE(&r->service->relays, r, entry);
    if (p != NULL)
        part_session(p, NULL);
    if (c != NULL)
        client_session(c, NULL);
    depot_free(r);
}

/* ---- the service's side ---- */
void relay_end(struct relay *r, int ws_code, const char *reason)
{
    r->part = NULL;
    r->client = NULL;
    if (r->session != NULL)
        depot_bk_session_end(r->session);
    tell_closed(r, ws_code, reason);
}

void relay_detach(struct relay *r)
{
    let_go(r);
    TAILQ_REMOVE(&r->service->relays, r, entry);
    r->service = NULL;
    tell_closed(r, WS_GOING_AWAY, "the daemon is stopping");
}

/* ---- text frames ---- */
static int64_t number(struct json_object *o, const char *name)
{
    struct json_object *v;
    if (!json_object_object_get_ex(o, name, &v) || !json_object_is_type(v, json_type_int))
        return 0;
    int64_t n = json_object_get_int64(v);
    return n < 0 ? 0 : n;
}

static void append_context(struct part *p, struct json_object *o)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_CONTEXT};
    struct depot_ev_context *c = &ev.u.context;
    struct json_object *list;
    c->platform = p->platform;
    c->files = number(o, "files");
    c->bytes = number(o, "bytes");
    c->sent_files = number(o, "sent_files");
    c->sent_bytes = number(o, "sent_bytes");
    c->changed_more = number(o, "changed_more");
    if (json_object_object_get_ex(o, "changed", &list) &&
        json_object_is_type(list, json_type_array)) {
        size_t n = json_object_array_length(list);
        c->changed = depot_arena_alloc(&ev.arena, CHANGED_MAX * sizeof(*c->changed));
        for (size_t i = 0; i < n && c->nchanged < CHANGED_MAX; i++) {
            struct json_object *v = json_object_array_get_idx(list, i);
            if (json_object_is_type(v, json_type_string))
                c->changed[c->nchanged++] =
                    depot_arena_strdup(&ev.arena, json_object_get_string(v));
        }
        c->changed_more += (int64_t)(n - c->nchanged);
    }
    service_append(p->build->service, p->build->id, &ev);
    depot_arena_release(&ev.arena);
}

void relay_text(struct relay *r, const char *json, size_t n)
{
    if (r->part == NULL || n > TEXT_MAX)
        return;
    struct json_tokener *tok = json_tokener_new_ex(TEXT_DEPTH_MAX);
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *root = json_tokener_parse_ex(tok, json, (int)n), *context;
    if (root != NULL && json_object_is_type(root, json_type_object) &&
        json_object_object_get_ex(root, "context", &context) &&
        json_object_is_type(context, json_type_object))
        append_context(r->part, context);
    else
        depot_log_debug("a text frame of %zu bytes was not understood", n);
    json_object_put(root);
    json_tokener_free(tok);
}
