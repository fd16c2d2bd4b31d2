/*
 * What the server's files share: the server, its connections, and how each kind of them is served.
 * Not for the rest of the daemon, which sees server.h.
 */
#ifndef DEPOT_BUILDER_SERVER_PRIV_H
#define DEPOT_BUILDER_SERVER_PRIV_H

#include <depot/buf.h>
#include <depot/event.h>
#include <depot/loop.h>
#include <depot/ws.h>

#include <libwebsockets.h>
#include <sys/types.h>

#include "builder/feed/hub.h"
#include "route.h"
#include "server.h"
#include "op.h"
#include "builder/service/service.h"
#include "builder/store/store.h"

enum {
    CLIENTS_MAX = 900,                /* sockets; lws' own table has LWS_FDS places */
    LWS_FDS = 1024,                   /* or lws sizes its tables by the ulimit */
    RX_BUFFER = 256 * 1024,           /* bytes read at once, into one buffer for all sockets */
    RX_FEED = 16 * 1024,              /* of a feed, which says little and has a buffer of its own */
    SOCKET_BUFFER = 1024 * 1024,      /* of a unix socket: a session's bytes come in large pieces */
    TX_MAX = 256 * 1024,              /* bytes lws may hand to one send() */
    TX_BATCH = 128 * 1024,            /* what is written at one turn of a socket */
    REPLIES_MAX = 2 * 1024 * 1024,    /* unread answers to ops, then the socket closes */
    ASKS_MAX = 4,                     /* questions of one socket that wait for engines */
    RELAY_HIGH = 1024 * 1024,         /* stop reading from a session's client */
    RELAY_OUT_MAX = 64 * 1024 * 1024, /* unread bytes for a session's client, then it closes */
    CONTEXT_TEXT_MAX = 256 * 1024,    /* a text frame on the session */
};

enum { PROTOCOL_HTTP, PROTOCOL_FEED, PROTOCOL_FEED_V1, PROTOCOL_SESSION };
#define SESSION_PROTOCOL "depot.session.v1"

/* A question that waits for engines, and to what the answer goes. */
struct pending_ask {
    struct cache_ask *ask;
    struct depot_query q; /* its `ask` and `id` alone */
};

struct listener {
    struct server *server;
    int fd;
    struct depot_loop_fd *watch;
    char *unix_path; /* NULL: TCP */
    dev_t dev;       /* of the unix socket, to unlink only our own */
    ino_t ino;
    int port;
    size_t index; /* in the configuration */
    struct lws_vhost *vhost;
};

struct server {
    struct depot_loop *loop;
    struct store *store;
    struct hub *hub;
    const struct service_api *api;
    struct service *service;
    struct depot_strv tokens;
    struct lws_context *lws;
    DEPOT_VEC(struct listener *) listeners;
    DEPOT_VEC(struct conn *) conns;
    DEPOT_VEC(struct conn *) due; /* they write at the end of this turn; NULL: gone meanwhile */
    struct depot_timer *retry_accept;
    struct depot_buf tx; /* where lines are put together for one send; see server_tx_begin() */
};

/* A socket that was accepted. It lives until libwebsockets has closed it. */
struct conn {
    struct server *server;
    struct lws *wsi; /* NULL until the first callback */
    bool local;      /* a unix socket: the peer's uid is the credential */
    uid_t uid;
    char *user;   /* whom a build is put down to; made on first demand */
    bool asked;   /* its writable callback is on the way; asking again costs system calls */
    bool due;     /* it is in the server's list */
    bool failed;  /* a write has; it closes in its next callback */
    bool closing; /* nothing may follow the close frame, which is libwebsockets' to send */
    bool dead;    /* the server is closing: nothing of it may be used any more */
    /* Write what there is; negative: close. NULL: only in its writable callback. */
    int (*write)(struct conn *c);

    /* HTTP */
    const struct route *route;
    struct route_args args;
    struct depot_buf in;  /* the body; on WebSockets the message so far */
    struct depot_buf out; /* the answer; on a session bytes for the client, behind LWS_PRE others */
    size_t sent;          /* of `out` */
    bool waiting;         /* for the rest of the body */
    bool last;            /* close behind the answer */
    bool streaming, follow;

    /* WebSockets */
    bool deflate;
    int version; /* of the feed */
    struct subscriber *sub;
    struct depot_strv created;              /* builds, by this connection */
    DEPOT_VEC(struct store_line *) replies; /* answers to ops, sent before events */
    size_t replies_bytes;
    DEPOT_VEC(struct pending_ask) asks;
    struct depot_timer *look; /* meanwhile, over HTTP: is the client still there? */
    struct relay *relay;
    bool paused; /* reading from the client is off */
    bool close_sent;
    int close_code; /* 0: stay */
    char close_reason[120];
};

/* server.c */
int server_callback(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n);

/* conn.c */
void server_conn_release(struct conn *c); /* lets go of all but the wsi */
void server_conn_free(struct conn *c);
/* There is something to write: done at the end of the turn, or when the socket takes it. Asking
 * libwebsockets each time would be four changes of what epoll watches and a turn of the loop. */
void server_wake(struct conn *c);
/* There is more than fits into a turn: wait until the socket can take it. */
void server_wait(struct conn *c);
/* One send: begin, add bytes or frames, send. Negative: close. What the socket does not take, lws
 * keeps and sends before it asks for more. */
void server_tx_begin(struct server *s);
void server_tx_frame(struct server *s, enum depot_ws_op op, const void *data, size_t n);
int server_tx_send(struct conn *c, enum lws_write_protocol how);
/* The same of bytes that lie elsewhere. */
int server_write(struct conn *c, void *data, size_t n, enum lws_write_protocol how);
/* Collect a message in c->in: 1 when it is whole, 0 not yet, -1 too long. */
int server_collect(struct conn *c, const void *in, size_t n, size_t max);
void server_close_reason(struct conn *c, int code, const char *reason);

/* listen.c */
int server_listen(struct server *s, const struct server_listener *cfg, size_t index,
    struct depot_error *err) DEPOT_MUST_CHECK;
void server_unlisten(struct listener *l);
bool server_allowed(struct conn *c, struct lws *wsi, struct depot_error *err);
const char *server_user(struct conn *c); /* NULL: not known */

/* http.c */
int server_http(struct conn *c, enum lws_callback_reasons reason, void *in, size_t n);
int server_upgrade(struct conn *c, const char *to); /* as CONFIRM_UPGRADE returns */
void server_reply(struct conn *c, int status, const char *type, const void *body, size_t n);
void server_reply_json(struct conn *c, int status, struct depot_buf *body);
void server_reply_error(struct conn *c, const struct depot_error *err);
/* Answer with the lines of c->sub, until it has no more (`follow`: until its build is over). */
void server_stream(struct conn *c, bool follow);
/* An argument of the query; false: absent or too long. */
bool server_query(struct conn *c, const char *name, char *out, size_t size);

/* ask.c: answer a question, now or when the engines have; on the feed as a reply, else as
 * the answer of the request. On failure nothing is answered. */
int server_ask(
    struct conn *c, const struct depot_query *q, struct depot_error *err) DEPOT_MUST_CHECK;
void server_ask_release(struct conn *c);
/* api.c: what a client is told of the build that it created; borrows from `made`. */
void server_tell_created(struct depot_created *to, const struct service_created *made);
/* feed.c: respond to a question, with an answer or an error. */
void server_feed_respond(struct conn *c, const struct depot_query *q,
    const struct depot_response *a, const struct depot_error *err);

/* feed.c, session.c: the WebSockets; callbacks return nonzero to close. */
int server_feed(struct conn *c, enum lws_callback_reasons reason, void *in, size_t n);
int server_session(struct conn *c, enum lws_callback_reasons reason, void *in, size_t n);
int server_session_open(struct conn *c, const char *build, const char *builder,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* Collect a message in c->in: 1 when it is whole, 0 not yet, -1 too long. */
int server_collect(struct conn *c, const void *in, size_t n, size_t max);
void server_close_reason(struct conn *c, int code, const char *reason);

/* json.c */
void server_json_error(struct depot_buf *out, const struct depot_error *err); /* {"error":{...}} */
int server_http_status(int code);

#endif
