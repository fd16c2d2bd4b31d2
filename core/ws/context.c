/*
 * libwebsockets as a guest on our loop: contexts and vhosts made when first needed, and taken down
 * in the several turns of the loop that this takes. Connections are in ws.c.
 */
#define DEPOT_LOG_MODULE "ws"
#include "ws/private.h"

#include <depot/log.h>

#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* A set of TLS files has a vhost of its own: that is where libwebsockets keeps its SSL_CTX. */
struct vhost {
    struct depot_tls tls;
    struct lws_vhost *vh;
};

/* Two contexts, since whether OpenSSL is set up (20 ms) is decided when one is made. */
struct host {
    struct lws_context *lws;
    DEPOT_VEC(struct vhost) vhosts;
};

struct dp_ws_context {
    struct depot_loop *loop;
    struct host plain, tls;
};

static const struct lws_protocols protocols[] = {
    {
        .name = "depot",
        .callback = dp_ws_callback,
        .rx_buffer_size = DP_WS_RX_BUFFER,
        /* One frame in one send(); anything over it would be copied and sent later. */
        .tx_packet_size = DP_WSQ_FRAME_MAX + 64,
    },
    {.name = NULL},
};

static const lws_retry_bo_t idle_policy = {
    .secs_since_valid_ping = DP_WS_PING_SECS,
    .secs_since_valid_hangup = DP_WS_HANGUP_SECS,
};

static void log_line(int level, const char *line)
{
    size_t n = strlen(line);
    while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
        n--;
    depot_log_debug("lws[%d]: %.*s", level, (int)n, line);
}

struct dp_ws_context *dp_ws_context_new(struct depot_loop *l)
{
    struct dp_ws_context *c = depot_calloc(1, sizeof(*c));
    c->loop = l;
    return c;
}

struct depot_loop *dp_ws_context_loop(const struct dp_ws_context *c)
{
    return c->loop;
}

static struct lws_context *lws_context_make(struct depot_loop *l, bool use_tls)
{
    void *loops[1] = {depot_loop_native(l)};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   (use_tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .foreign_loops = loops,
        .user = l,
        .fd_limit_per_thread = DP_WS_FDS,
        .pt_serv_buf_size = DP_WS_RX_BUFFER,
        .retry_and_idle_policy = &idle_policy,
        .timeout_secs = DP_WS_CONNECT_SECS,
        .uid = (uid_t)-1,
        .gid = (gid_t)-1,
    };
    /* The library's log is global; it says at error level what we report in our own words. */
    lws_set_log_level(
        depot_log_enabled(DEPOT_LOG_DEBUG) ? LLL_ERR | LLL_WARN | LLL_NOTICE : 0, log_line);
    return lws_create_context(&info);
}

static int vhost_make(struct host *h, const struct depot_tls *tls, bool use_tls,
    struct lws_vhost **out, struct depot_error *err)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .vhost_name = use_tls ? "tls" : "plain",
        .timeout_secs = DP_WS_CONNECT_SECS,
        .connect_timeout_secs = DP_WS_CONNECT_SECS,
    };
    if (use_tls) {
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        if (tls != NULL && tls->ca != NULL)
            info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
        info.client_ssl_ca_filepath = tls != NULL ? tls->ca : NULL;
        info.client_ssl_cert_filepath = tls != NULL ? tls->cert : NULL;
        info.client_ssl_private_key_filepath = tls != NULL ? tls->key : NULL;
    }
    struct lws_vhost *vh = lws_create_vhost(h->lws, &info);
    if (vh == NULL) {
        depot_error_set(err, DEPOT_ERR_INVALID, "cannot use the TLS files%s%s",
            tls != NULL && tls->cert != NULL ? ": " : "",
            tls != NULL && tls->cert != NULL ? tls->cert : "");
        return depot_error_hint(err, "check that the CA, certificate and key are readable PEM");
    }
    struct vhost *v = depot_vec_add(&h->vhosts);
    if (tls != NULL)
        depot_tls_copy(&v->tls, tls);
    v->vh = vh;
    *out = vh;
    return 0;
}

static bool same_files(const struct depot_tls *a, const struct depot_tls *b)
{
    static const struct depot_tls none;
    b = b != NULL ? b : &none;
    return depot_str_eq(a->ca, b->ca) && depot_str_eq(a->cert, b->cert) &&
           depot_str_eq(a->key, b->key);
}

int dp_ws_context_place(struct dp_ws_context *c, const struct depot_tls *tls, bool use_tls,
    struct dp_ws_place *out, struct depot_error *err)
{
    struct host *h = use_tls ? &c->tls : &c->plain;
    if (h->lws == NULL)
        h->lws = lws_context_make(c->loop, use_tls);
    if (h->lws == NULL) {
        depot_error_set(err, DEPOT_ERR_INTERNAL, "cannot set up libwebsockets");
        return depot_error_hint(err, "install its libuv plugin (Debian: libwebsockets-evlib-uv)");
    }
    out->lws = h->lws;
    for (size_t i = 0; i < h->vhosts.len; i++) {
        if (!use_tls || same_files(&h->vhosts.items[i].tls, tls)) {
            out->vhost = h->vhosts.items[i].vh;
            return 0;
        }
    }
    return vhost_make(h, use_tls ? tls : NULL, use_tls, &out->vhost, err);
}

static void stray_closed(uv_handle_t *handle)
{
    free(handle); /* from libwebsockets' allocator, which is malloc() */
}

static void close_stray(uv_handle_t *handle, void *wsi)
{
    if (uv_handle_get_type(handle) == UV_POLL && handle->data == wsi && !uv_is_closing(handle))
        uv_close(handle, stray_closed);
}

void dp_ws_sweep(struct lws *wsi)
{
    if (lws_get_socket_fd(wsi) >= 0)
        return;
    struct depot_loop *l = lws_context_user(lws_get_context(wsi));
    uv_walk(depot_loop_native(l), close_stray, wsi);
}

/*
 * Taking a guest context down. lws_context_destroy() closes its sockets, their close callbacks then
 * close its timer and idle handles, and only after those are closed too may the second
 * lws_context_destroy() give the memory back. libuv runs close callbacks once an iteration, so a
 * handle of our own that is closed over and over counts the iterations.
 */
enum { TEARDOWN_ROUNDS = 4 };
struct teardown {
    uv_idle_t handle;
    struct lws_context *lws;
    int rounds;
};

static void teardown_round(uv_handle_t *handle)
{
    struct teardown *t = DEPOT_CONTAINER_OF((uv_idle_t *)handle, struct teardown, handle);
    if (t->rounds++ < TEARDOWN_ROUNDS) {
        uv_idle_init(handle->loop, &t->handle);
        uv_close((uv_handle_t *)&t->handle, teardown_round);
        return;
    }
    lws_context_destroy(t->lws);
    depot_free(t);
}

static void host_release(struct depot_loop *l, struct host *h)
{
    for (size_t i = 0; i < h->vhosts.len; i++)
        depot_tls_release(&h->vhosts.items[i].tls);
    depot_vec_free(&h->vhosts);
    if (h->lws == NULL)
        return;
    struct teardown *t = depot_calloc(1, sizeof(*t));
    t->lws = h->lws;
    lws_context_destroy(h->lws);
    uv_idle_init(depot_loop_native(l), &t->handle);
    uv_close((uv_handle_t *)&t->handle, teardown_round);
}

static void context_release(void *arg)
{
    struct dp_ws_context *c = arg;
    host_release(c->loop, &c->plain);
    host_release(c->loop, &c->tls);
    depot_free(c);
}

void dp_ws_context_free(struct dp_ws_context *c)
{
    /* Deferred: libwebsockets cannot go from inside one of its own callbacks. */
    if (c != NULL)
        depot_loop_defer(c->loop, context_release, c);
}
