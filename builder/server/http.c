/*
 * Requests and answers over HTTP/1.1, and the handshakes of WebSockets. What is answered is the
 * handlers' (api.c) matter.
 */
#include "server_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int status;
    const char *text;
} status_texts[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Payload Too Large"},
    {422, "Unprocessable Entity"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

static const char *status_text(int status)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(status_texts); i++)
        if (status_texts[i].status == status)
            return status_texts[i].text;
    return "Error";
}

/* ---- answers ---- */

static void add_head(struct conn *c, int status, const char *type)
{
    depot_buf_clear(&c->out);
    c->sent = 0;
    depot_buf_addf(&c->out,
        "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nCache-Control: no-store\r\nDepot-Version: %s\r\n",
        status, status_text(status), type, DEPOT_VERSION);
    if (status == 401)
        depot_buf_adds(&c->out, "WWW-Authenticate: Bearer\r\n");
}

void server_reply(struct conn *c, int status, const char *type, const void *body, size_t n)
{
    add_head(c, status, type);
    depot_buf_addf(
        &c->out, "Content-Length: %zu\r\n%s\r\n", n, c->last ? "Connection: close\r\n" : "");
    depot_buf_add(&c->out, body, n);
    server_wake(c);
}

void server_reply_json(struct conn *c, int status, struct depot_buf *body)
{
    depot_buf_addc(body, '\n');
    server_reply(c, status, "application/json", depot_buf_str(body), body->len);
    depot_buf_release(body);
}

static void reply_status(struct conn *c, int status, const struct depot_error *err)
{
    struct depot_buf body = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    server_json_error(&body, err);
    server_reply_json(c, status, &body);
}

void server_reply_error(struct conn *c, const struct depot_error *err)
{
    reply_status(c, server_http_status(err->code), err);
}

static void on_lines(struct subscriber *sub, void *arg)
{
    DEPOT_UNUSED(sub);
    server_wake(arg);
}

/* Without a length: the answer ends where the connection does. */
void server_stream(struct conn *c, bool follow)
{
    add_head(c, 200, "application/x-ndjson");
    depot_buf_adds(&c->out, "Connection: close\r\n\r\n");
    c->streaming = true;
    c->follow = follow;
    if (c->sub == NULL)
        c->sub = hub_subscriber_new(c->server->hub, on_lines, c);
    lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0);
    server_wake(c);
}

bool server_query(struct conn *c, const char *name, char *out, size_t size)
{
    size_t n = strlen(name);
    char arg[512];
    int len;

    for (int i = 0;
         (len = lws_hdr_copy_fragment(c->wsi, arg, sizeof(arg), WSI_TOKEN_HTTP_URI_ARGS, i)) >= 0;
         i++) {
        if ((size_t)len <= n || strncmp(arg, name, n) != 0 || arg[n] != '=')
            continue;
        if ((size_t)len - n - 1 >= size)
            return false;
        memcpy(out, arg + n + 1, (size_t)len - n);
        return true;
    }
    return false;
}

/* ---- requests ---- */

static enum route_method method_of(struct lws *wsi)
{
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI))
        return ROUTE_GET;
    return lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) ? ROUTE_POST : ROUTE_OTHER;
}

/* The route of a request whose sender may ask; NULL: answered with an error. */
static const struct route *find_route(
    struct conn *c, enum route_method method, bool websocket, const char *path)
{
    struct depot_error err;
    bool other_method;
    const struct route *r =
        route_find(server_routes, server_nroutes, method, websocket, path, &c->args, &other_method);

    depot_error_clear(&err);
    if (!(r != NULL && r->open) && !server_allowed(c, c->wsi, &err)) {
        server_reply_error(c, &err);
        return NULL;
    }
    if (r != NULL)
        return r;
    depot_error_set(&err, other_method ? DEPOT_ERR_INVALID : DEPOT_ERR_NOT_FOUND,
        other_method ? "%.200s does not take this method" : "there is nothing at %.200s", path);
    reply_status(c, other_method ? 405 : 404, &err);
    return NULL;
}

/* How long the body is: 0 none, -1 not told. */
static int64_t body_length(struct lws *wsi, enum route_method method)
{
    char text[24];
    int64_t n;

    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0)
        return method == ROUTE_POST ? -1 : 0;
    if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_CONTENT_LENGTH) < 0 ||
        depot_str_to_int64(text, 0, INT64_MAX, &n) != 0)
        return INT64_MAX;
    return n;
}

static void begin_request(struct conn *c, const char *path)
{
    enum route_method method = method_of(c->wsi);
    int64_t body = body_length(c->wsi, method);
    struct depot_error err;

    depot_buf_clear(&c->in);
    c->waiting = c->streaming = false;
    c->last = body != 0; /* until it has been read */
    c->route = find_route(c, method, false, path);
    if (c->route == NULL)
        return;
    if (body > SERVER_BODY_MAX) {
        depot_error_set(&err, DEPOT_ERR_TOO_BIG, "the body is over %d bytes", SERVER_BODY_MAX);
        depot_error_hint(&err, "files belong into the context, not into the request");
        server_reply_error(c, &err);
    } else if (body < 0 && c->route->body) {
        depot_error_set(&err, DEPOT_ERR_INVALID, "the request has no Content-Length");
        depot_error_hint(&err, "bodies in chunks are not taken");
        reply_status(c, 411, &err);
    } else if (body > 0) {
        c->waiting = true;
    } else {
        c->route->fn(c, &c->args);
    }
}

/* ---- sending ---- */

static int fill_stream(struct conn *c, bool *end)
{
    struct depot_buf *tx = &c->server->tx;
    struct store_line *line = NULL;
    const char *data;
    size_t n;

    server_tx_begin(c->server);
    while (tx->len < TX_BATCH && (line = hub_next(c->sub, &data, &n)) != NULL) {
        depot_buf_add(tx, data, n + 1); /* with its newline */
        store_line_unref(line);
    }
    *end = line == NULL && (!c->follow || hub_cursors(c->sub) == 0);
    if (line != NULL)
        server_wake(c);
    return server_tx_send(c, LWS_WRITE_HTTP);
}

static int write_http(struct conn *c)
{
    size_t n = c->out.len - c->sent;
    bool end = true;

    if (n > 0) {
        if (n > TX_BATCH)
            n = TX_BATCH;
        if (lws_write(c->wsi, (unsigned char *)c->out.data + c->sent, n, LWS_WRITE_HTTP) < 0)
            return -1;
        c->sent += n;
        if (c->sent < c->out.len || c->streaming) {
            server_wake(c);
            return 0;
        }
    } else if (c->streaming) {
        if (fill_stream(c, &end) != 0)
            return -1;
        return end ? -1 : 0;
    } else {
        return 0; /* nothing was asked */
    }
    depot_buf_release(&c->out);
    c->sent = 0;
    if (c->last)
        return -1;
    return lws_http_transaction_completed(c->wsi) ? -1 : 0;
}

int server_http(struct conn *c, enum lws_callback_reasons reason, void *in, size_t n)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        begin_request(c, in);
        return 0;
    case LWS_CALLBACK_HTTP_BODY:
        if (c->waiting)
            depot_buf_add(&c->in, in, n);
        return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        if (!c->waiting)
            return 0;
        c->waiting = c->last = false;
        c->route->fn(c, &c->args);
        depot_buf_release(&c->in);
        return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return write_http(c);
    default: /* closed */
        server_conn_release(c);
        return 0;
    }
}

/* ---- WebSocket handshakes ---- */

static bool offers(struct lws *wsi, const char *protocol)
{
    char list[256], *save = NULL;

    if (lws_hdr_copy(wsi, list, sizeof(list), WSI_TOKEN_PROTOCOL) <= 0)
        return false;
    for (char *p = strtok_r(list, ", ", &save); p != NULL; p = strtok_r(NULL, ", ", &save))
        if (strcmp(p, protocol) == 0)
            return true;
    return false;
}

static bool open_websocket(struct conn *c, const char *path)
{
    const char *protocol;
    struct depot_error err;
    bool offered;

    c->route = find_route(c, method_of(c->wsi), true, path);
    if (c->route == NULL)
        return false;
    depot_error_clear(&err);
    protocol = c->route->kind == ROUTE_FEED ? DEPOT_FEED_PROTOCOL : SESSION_PROTOCOL;
    offered = offers(c->wsi, protocol) ||
              (c->route->kind == ROUTE_FEED && offers(c->wsi, DEPOT_FEED_PROTOCOL_V1));
    if (!offered) {
        depot_error_set(&err, DEPOT_ERR_INVALID, "the subprotocol here is %s", protocol);
        depot_error_hint(&err, "send `Sec-WebSocket-Protocol: %s`", protocol);
    } else if (c->route->kind == ROUTE_FEED ||
               server_session_open(c, c->args.values[0], c->args.values[1], &err) == 0) {
        return true;
    }
    server_reply_error(c, &err);
    return false;
}

int server_upgrade(struct conn *c, const char *to)
{
    char path[1024];
    int n;

    if (strcasecmp(to, "websocket") != 0)
        return -1;
    n = lws_hdr_copy(c->wsi, path, sizeof(path), WSI_TOKEN_GET_URI);
    c->last = true;
    if (n <= 0 || open_websocket(c, path))
        return n <= 0 ? -1 : 0;
    /* Refused with an answer, which is small. There is no later turn for it. */
    if (lws_write(c->wsi, (unsigned char *)c->out.data, c->out.len, LWS_WRITE_HTTP) < 0)
        return -1;
    depot_buf_release(&c->out);
    return 1;
}
