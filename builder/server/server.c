/*
 * The server's life: libwebsockets as a guest on our loop, its one callback, connections. What is
 * said on them is in the files beside.
 */
#include "server_priv.h"

#include <string.h>
#include <uv.h>

#include <depot/log.h>

#define DEPOT_LOG_MODULE "server"

static void log_line(int level, const char *line)
{
    size_t n = strcspn(line, "\r\n");

    depot_log_debug("lws[%d]: %.*s", level, (int)n, line);
}

static int make_context(struct server *s, bool tls, struct depot_error *err)
{
    void *loops[1] = {depot_loop_native(s->loop)};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   (tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .foreign_loops = loops,
        .fd_limit_per_thread = LWS_FDS,
        .pt_serv_buf_size = RX_BUFFER,
        .max_http_header_data = 8192,
        .uid = (uid_t)-1,
        .gid = (gid_t)-1,
    };

    lws_set_log_level(
        depot_log_enabled(DEPOT_LOG_DEBUG) ? LLL_ERR | LLL_WARN | LLL_NOTICE : 0, log_line);
    s->lws = lws_create_context(&info);
    if (s->lws != NULL)
        return 0;
    depot_error_set(err, DEPOT_ERR_INTERNAL, "cannot set up libwebsockets");
    return depot_error_hint(err, "install its libuv plugin (Debian: libwebsockets-evlib-uv)");
}

static int check_config(const struct server_config *cfg, bool *tls, struct depot_error *err)
{
    *tls = false;
    for (size_t i = 0; i < cfg->nlisteners; i++) {
        const struct server_listener *l = &cfg->listeners[i];
        if (l->unix_path == NULL && cfg->ntokens == 0) {
            depot_error_set(err, DEPOT_ERR_INVALID, "listening on TCP needs a token");
            return depot_error_hint(err, "without one, everybody who reaches the port may build");
        }
        if ((l->tls_cert == NULL) != (l->tls_key == NULL))
            return depot_error_set(
                err, DEPOT_ERR_INVALID, "TLS needs a certificate and its key, only one was given");
        *tls = *tls || l->tls_cert != NULL;
    }
    return 0;
}

static void on_retry_accept(struct depot_timer *t, void *arg)
{
    struct server *s = arg;

    DEPOT_UNUSED(t);
    for (size_t i = 0; i < s->listeners.len; i++)
        if (s->listeners.items[i]->watch != NULL)
            depot_loop_fd_set(s->listeners.items[i]->watch, DEPOT_READ);
}

int server_new(struct depot_loop *l, const struct server_config *cfg, struct store *store,
    struct hub *hub, const struct service_api *api, struct service *service, struct server **out,
    struct depot_error *err)
{
    struct server *s;
    bool tls;
    int r = check_config(cfg, &tls, err);

    if (r != 0)
        return r;
    s = depot_calloc(1, sizeof(*s));
    s->loop = l;
    s->store = store;
    s->hub = hub;
    s->api = api;
    s->service = service;
    s->retry_accept = depot_timer_new(l, on_retry_accept, s);
    depot_buf_init(&s->tx, DEPOT_BUF_NO_LIMIT);
    for (size_t i = 0; i < cfg->ntokens; i++)
        if (!depot_str_empty(cfg->tokens[i])) /* nothing at all is no secret */
            depot_strv_push(&s->tokens, cfg->tokens[i]);
    r = make_context(s, tls, err);
    for (size_t i = 0; r == 0 && i < cfg->nlisteners; i++)
        r = server_listen(s, &cfg->listeners[i], i, err);
    if (r != 0) {
        server_free(s);
        return r;
    }
    *out = s;
    return 0;
}

size_t server_clients(const struct server *s)
{
    return s->conns.len;
}

int server_port(const struct server *s, size_t i)
{
    return i < s->listeners.len ? s->listeners.items[i]->port : 0;
}

/* ---- taking it down ---- */

/*
 * A guest context goes in steps: destroying it closes its sockets, whose close callbacks close its
 * own handles, and only when those are closed may it be destroyed for good. libuv runs close
 * callbacks once an iteration, so a handle that closes itself again counts iterations.
 */
enum { TEARDOWN_ROUNDS = 4 };
struct teardown {
    uv_idle_t handle;
    struct server *server;
    int rounds;
};

static void teardown_round(uv_handle_t *handle)
{
    struct teardown *t = DEPOT_CONTAINER_OF((uv_idle_t *)handle, struct teardown, handle);
    struct server *s = t->server;

    if (t->rounds++ < TEARDOWN_ROUNDS) {
        uv_idle_init(handle->loop, &t->handle);
        uv_close((uv_handle_t *)&t->handle, teardown_round);
        return;
    }
    lws_context_destroy(s->lws);
    for (size_t i = 0; i < s->conns.len; i++)
        server_conn_free(s->conns.items[i]);
    depot_vec_free(&s->conns);
    depot_vec_free(&s->due);
    depot_buf_release(&s->tx);
    depot_free(s);
    depot_free(t);
}

static void teardown(void *arg)
{
    struct server *s = arg;
    struct teardown *t = depot_calloc(1, sizeof(*t));

    t->server = s;
    if (s->lws != NULL)
        lws_context_destroy(s->lws);
    uv_idle_init(depot_loop_native(s->loop), &t->handle);
    uv_close((uv_handle_t *)&t->handle, teardown_round);
}

void server_free(struct server *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->listeners.len; i++)
        server_unlisten(s->listeners.items[i]);
    depot_vec_free(&s->listeners);
    for (size_t i = 0; i < s->conns.len; i++) {
        s->conns.items[i]->dead = true;
        server_conn_release(s->conns.items[i]);
    }
    depot_timer_free(s->retry_accept);
    s->retry_accept = NULL;
    depot_strv_release(&s->tokens);
    depot_loop_defer(s->loop, teardown, s); /* we may be inside a callback of lws */
}

/* ---- connections ---- */

static void conn_gone(struct conn *c)
{
    struct server *s = c->server;

    for (size_t i = 0; i < s->conns.len; i++) {
        if (s->conns.items[i] == c) {
            depot_vec_remove(&s->conns, i);
            break;
        }
    }
    server_conn_free(c);
}

static bool is_feed(unsigned id)
{
    return id == PROTOCOL_FEED || id == PROTOCOL_FEED_V1;
}

/* A subprotocol that does not belong to the path would be served as the wrong thing. */
static bool protocol_fits(const struct conn *c, unsigned id)
{
    if (c->route == NULL || c->route->kind == ROUTE_HTTP)
        return false;
    return is_feed(id) == (c->route->kind == ROUTE_FEED) && id != PROTOCOL_HTTP;
}

static int serve_websocket(
    struct conn *c, unsigned id, enum lws_callback_reasons reason, void *in, size_t n)
{
    int r = -1;

    c->version = id == PROTOCOL_FEED_V1 ? DEPOT_FEED_V1 : DEPOT_FEED_V2;
    if (is_feed(id))
        r = server_feed(c, reason, in, n);
    else if (id == PROTOCOL_SESSION)
        r = server_session(c, reason, in, n);
    if (r != 0)
        c->closing = true;
    return r;
}

static int serve(struct conn *c, enum lws_callback_reasons reason, void *in, size_t n)
{
    const struct lws_protocols *p = lws_get_protocol(c->wsi);
    unsigned id = p != NULL ? p->id : PROTOCOL_HTTP;

    switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return server_upgrade(c, in);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return protocol_fits(c, id) ? 0 : -1;
    case LWS_CALLBACK_CONFIRM_EXTENSION_OKAY:
        /* Worth it for a feed over a network; a session carries compressed data already. */
        if (c->local || c->route == NULL || c->route->kind != ROUTE_FEED)
            return 1;
        c->deflate = true;
        return 0;
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_WRITEABLE:
        c->asked = false;
        return server_http(c, reason, in, n);
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_CLOSED_HTTP:
        return server_http(c, reason, in, n);
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_SERVER_WRITEABLE:
        c->asked = false;
        if (c->failed)
            return -1;
        return c->closing ? 0 : serve_websocket(c, id, reason, in, n);
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLOSED:
        return serve_websocket(c, id, reason, in, n);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        c->closing = true;
        return 0;
    default:
        return 0;
    }
}

int server_callback(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n)
{
    struct conn *c = wsi != NULL ? lws_get_opaque_user_data(wsi) : NULL;

    DEPOT_UNUSED(user);
    if (c == NULL)
        return 0;
    if (reason == LWS_CALLBACK_WSI_DESTROY) {
        lws_set_opaque_user_data(wsi, NULL);
        conn_gone(c);
        return 0;
    }
    if (c->dead)
        return 0;
    c->wsi = wsi;
    return serve(c, reason, in, n);
}
