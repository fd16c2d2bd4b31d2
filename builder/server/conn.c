/*
 * The bottom of a connection: when it writes and how, its messages, its end. What is said on it is
 * in feed.c, session.c and http.c.
 */
#include "server_priv.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

enum { TLS_RECORD = 16 * 1024 };

void server_conn_release(struct conn *c)
{
    c->closing = true;
    hub_subscriber_free(c->sub);
    c->sub = NULL;
    for (size_t i = 0; i < c->created.len; i++)
        c->server->api->client_gone(c->server->service, c->created.items[i]);
    depot_strv_release(&c->created);
    c->server->api->session_free(c->relay);
    c->relay = NULL;
    server_ask_release(c);
    for (size_t i = 0; i < c->replies.len; i++)
        store_line_unref(c->replies.items[i]);
    depot_vec_free(&c->replies);
    depot_buf_release(&c->in);
    depot_buf_release(&c->out);
}

void server_conn_free(struct conn *c)
{
    struct server *s = c->server;

    for (size_t i = 0; i < s->due.len; i++)
        if (s->due.items[i] == c)
            s->due.items[i] = NULL;
    server_conn_release(c);
    depot_free(c->user);
    depot_free(c);
}

/* ---- when it writes ---- */

void server_wait(struct conn *c)
{
    if (c->wsi == NULL || c->dead || c->asked || c->closing)
        return;
    c->asked = true;
    lws_callback_on_writable(c->wsi);
}

static void write_one(struct conn *c)
{
    c->due = false;
    if (c->write == NULL || c->dead || c->closing)
        return;
    if (c->asked || lws_partial_buffered(c->wsi)) {
        server_wait(c);
    } else if (c->write(c) != 0) {
        c->failed = true; /* only a callback can close it */
        server_wait(c);
    }
}

/* What becomes due meanwhile has its turn after others had theirs. */
static void write_due(void *arg)
{
    struct server *s = arg;
    const size_t n = s->due.len;

    for (size_t i = 0; i < n; i++)
        if (s->due.items[i] != NULL)
            write_one(s->due.items[i]);
    for (size_t i = n; i < s->due.len; i++)
        s->due.items[i - n] = s->due.items[i];
    s->due.len -= n;
    if (s->due.len > 0)
        depot_loop_defer(s->loop, write_due, s);
}

void server_wake(struct conn *c)
{
    struct server *s = c->server;

    if (c->write == NULL) {
        server_wait(c);
        return;
    }
    if (c->dead || c->asked || c->due || c->closing)
        return;
    c->due = true;
    depot_vec_push(&s->due, c);
    if (s->due.len == 1)
        depot_loop_defer(s->loop, write_due, s);
}

/* ---- how ---- */

void server_tx_begin(struct server *s)
{
    static const char room[LWS_PRE];

    depot_buf_clear(&s->tx);
    depot_buf_add(&s->tx, room, sizeof(room));
}

void server_tx_frame(struct server *s, enum depot_ws_op op, const void *data, size_t n)
{
    const size_t head = depot_ws_head_len(n, false);
    char *to = depot_buf_reserve(&s->tx, head + n);

    depot_ws_head((uint8_t *)to + head, op, n, NULL);
    memcpy(to + head, data, n);
    s->tx.len += head + n;
}

/* TLS sends each record of 16 KiB by itself. Held together, they wake the peer once. */
static void hold_records(struct conn *c, int on)
{
#ifdef TCP_CORK
    (void)setsockopt(lws_get_socket_fd(c->wsi), IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
#else
    DEPOT_UNUSED(c);
    DEPOT_UNUSED(on);
#endif
}

int server_write(struct conn *c, void *data, size_t n, enum lws_write_protocol how)
{
    const bool records = n > TLS_RECORD && lws_is_ssl(c->wsi);
    int r;

    if (records)
        hold_records(c, 1);
    r = lws_write(c->wsi, data, n, how);
    if (records)
        hold_records(c, 0);
    return r < 0 ? -1 : 0;
}

int server_tx_send(struct conn *c, enum lws_write_protocol how)
{
    struct depot_buf *tx = &c->server->tx;
    size_t n = tx->len - LWS_PRE;
    int r = n ? server_write(c, tx->data + LWS_PRE, n, how) : 0;

    if (tx->cap > 2 * TX_BATCH)
        depot_buf_release(tx); /* one huge line is no reason to stay big */
    return r;
}

/* ---- messages and the end ---- */

int server_collect(struct conn *c, const void *in, size_t n, size_t max)
{
    if (lws_is_first_fragment(c->wsi))
        depot_buf_clear(&c->in);
    if (n > max - c->in.len)
        return -1;
    depot_buf_add(&c->in, in, n);
    return lws_is_final_fragment(c->wsi) && lws_remaining_packet_payload(c->wsi) == 0;
}

void server_close_reason(struct conn *c, int code, const char *reason)
{
    size_t n = strlen(reason);

    if (n > sizeof(c->close_reason) - 1)
        n = sizeof(c->close_reason) - 1;
    lws_close_reason(c->wsi, (enum lws_close_status)code, (unsigned char *)reason, n);
}
