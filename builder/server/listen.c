/*
 * Listening sockets and credentials: who may connect. Sockets are accepted here and given to
 * libwebsockets, so that the peer's uid, limits and a living predecessor are our own matter.
 */
#include "server_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <depot/log.h>
#include <depot/os.h>

#define DEPOT_LOG_MODULE "server"

enum { BACKLOG = 128, ACCEPT_AT_ONCE = 16, ACCEPT_RETRY_MS = 200 };

/* ---- accepting ---- */

static uid_t peer_uid(int fd)
{
    uid_t uid;
    pid_t pid;

    return depot_os_peer(fd, &uid, &pid) ? uid : (uid_t)-1;
}

static void set_tcp_options(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/* What is sent waits there; the kernel cuts it to what it allows. */
static void set_unix_options(int fd)
{
    int n = SOCKET_BUFFER;

    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
}

static void adopt(struct listener *l, int fd)
{
    struct server *s = l->server;
    struct conn *c = depot_calloc(1, sizeof(*c));
    lws_adopt_desc_t desc = {.vh = l->vhost,
        .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL,
        .fd = {.sockfd = fd},
        .opaque = c};

    c->server = s;
    c->local = l->unix_path != NULL;
    if (c->local) {
        c->uid = peer_uid(fd);
        set_unix_options(fd);
    } else {
        set_tcp_options(fd);
    }
    depot_buf_init(&c->in, SERVER_OP_MAX);
    depot_buf_init(&c->out, DEPOT_BUF_NO_LIMIT);
    depot_vec_push(&s->conns, c);
    /* When it fails, libwebsockets closes the socket and tells of its end like of any other's. */
    (void)lws_adopt_descriptor_vhost_via_info(&desc);
}

static void on_accept(struct depot_loop_fd *w, unsigned events, void *arg)
{
    struct listener *l = arg;
    struct server *s = l->server;

    DEPOT_UNUSED(events);
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        int fd = depot_os_accept(l->fd, true);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
            depot_log_warn("cannot accept a client: %s", strerror(errno));
            depot_loop_fd_set(w, 0); /* it would be ready again at once */
            depot_timer_start(s->retry_accept, ACCEPT_RETRY_MS, 0);
        }
        if (fd < 0)
            return;
        if (s->conns.len >= CLIENTS_MAX) {
            depot_log_warn("too many clients, one is turned away");
            close(fd);
            continue;
        }
        adopt(l, fd);
    }
}

/* ---- listening ---- */

static int in_use(struct depot_error *err, const char *where)
{
    depot_error_set(err, DEPOT_ERR_EXISTS, "a daemon already listens on %s", where);
    return depot_error_hint(err, "use that one, or stop it, or listen elsewhere");
}

/* A socket file that nobody answers on is left over; 0 when the way is free. */
static int clear_stale(const struct sockaddr_un *sa, struct depot_error *err)
{
    struct stat st;
    int fd, r;

    if (lstat(sa->sun_path, &st) != 0)
        return errno == ENOENT ? 0 : depot_error_errno(err, errno, "%s", sa->sun_path);
    if (!S_ISSOCK(st.st_mode)) {
        depot_error_set(err, DEPOT_ERR_EXISTS, "%s is there and is not a socket", sa->sun_path);
        return depot_error_hint(err, "give another path");
    }
    fd = depot_os_socket(AF_UNIX, SOCK_STREAM, 0, true);
    if (fd < 0)
        return depot_error_errno(err, errno, "socket");
    r = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 ? 0 : errno;
    close(fd);
    if (r == 0 || r == EAGAIN || r == EINPROGRESS)
        return in_use(err, sa->sun_path);
    if (r != ECONNREFUSED && r != ENOENT)
        return depot_error_errno(err, r, "%s", sa->sun_path);
    if (unlink(sa->sun_path) != 0 && errno != ENOENT)
        return depot_error_errno(err, errno, "cannot remove the stale socket %s", sa->sun_path);
    return 0;
}

/* Two daemons that start at once must not take each other's new socket for a stale one. */
static int lock_path(const char *path)
{
    char *name = depot_asprintf("%s.lock", path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    depot_free(name);
    if (fd >= 0)
        (void)flock(fd, LOCK_EX);
    return fd;
}

static int bind_unix(struct listener *l, const char *path, struct depot_error *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct stat st;
    mode_t mask;
    int r;

    if (strlen(path) >= sizeof(sa.sun_path)) {
        depot_error_set(err, DEPOT_ERR_INVALID, "%s is too long for a unix socket", path);
        return depot_error_hint(err, "a path of at most %zu bytes works", sizeof(sa.sun_path) - 1);
    }
    memcpy(sa.sun_path, path, strlen(path));
    r = clear_stale(&sa, err);
    if (r != 0)
        return r;
    l->fd = depot_os_socket(AF_UNIX, SOCK_STREAM, 0, true);
    if (l->fd < 0)
        return depot_error_errno(err, errno, "socket");
    mask = umask(0177);
    r = bind(l->fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 ? 0 : errno;
    umask(mask);
    if (r != 0) {
        depot_error_errno(err, r, "cannot listen on %s", path);
        return depot_error_hint(err, "its directory must exist and be ours to write");
    }
    l->unix_path = depot_strdup(path);
    if (lstat(path, &st) == 0) {
        l->dev = st.st_dev;
        l->ino = st.st_ino;
    }
    return 0;
}

static int listen_unix(struct listener *l, const char *path, struct depot_error *err)
{
    int lock = lock_path(path);
    int r = bind_unix(l, path, err);

    if (r == 0 && listen(l->fd, BACKLOG) != 0)
        r = depot_error_errno(err, errno, "cannot listen on %s", path);
    if (lock >= 0)
        close(lock);
    return r;
}

static int bound_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } a = {0};
    socklen_t n = sizeof(a);

    if (getsockname(fd, &a.any, &n) != 0)
        return 0;
    return ntohs(a.any.sa_family == AF_INET6 ? a.in6.sin6_port : a.in.sin_port);
}

static int listen_addr(struct listener *l, const struct addrinfo *ai)
{
    int on = 1, saved;

    l->fd = depot_os_socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol, true);
    if (l->fd < 0)
        return errno;
    (void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(l->fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(l->fd, BACKLOG) == 0) {
        l->port = bound_port(l->fd);
        return 0;
    }
    saved = errno;
    close(l->fd);
    l->fd = -1;
    return saved;
}

static int listen_tcp(struct listener *l, const char *host, int port, struct depot_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *list = NULL;
    const char *name = depot_str_empty(host) ? NULL : host;
    char service[16], where[300];
    int r, why = 0;

    snprintf(service, sizeof(service), "%d", port);
    snprintf(where, sizeof(where), "%s:%d", name ? name : "*", port);
    r = getaddrinfo(name, service, &hints, &list);
    if (r != 0) {
        depot_error_set(err, DEPOT_ERR_INVALID, "cannot listen on %s: %s", where, gai_strerror(r));
        return depot_error_hint(err, "give an address of this machine");
    }
    for (const struct addrinfo *ai = list; ai != NULL && l->fd < 0; ai = ai->ai_next) {
        int e = listen_addr(l, ai);
        if (why == 0)
            why = e;
    }
    freeaddrinfo(list);
    if (l->fd >= 0)
        return 0;
    if (why == EADDRINUSE)
        return in_use(err, where);
    depot_error_errno(err, why, "cannot listen on %s", where);
    return depot_error_hint(
        err, why == EACCES ? "ports below 1024 need root" : "give an address of this machine");
}

/* ---- vhosts ---- */

static const struct lws_protocols protocols[] = {
    [PROTOCOL_HTTP] = {.name = "http",
        .callback = server_callback,
        .rx_buffer_size = RX_BUFFER,
        .id = PROTOCOL_HTTP,
        .tx_packet_size = TX_MAX},
    [PROTOCOL_FEED] = {.name = DEPOT_FEED_PROTOCOL,
        .callback = server_callback,
        .rx_buffer_size = RX_FEED,
        .id = PROTOCOL_FEED,
        .tx_packet_size = TX_MAX},
    [PROTOCOL_FEED_V1] = {.name = DEPOT_FEED_PROTOCOL_V1,
        .callback = server_callback,
        .rx_buffer_size = RX_BUFFER,
        .id = PROTOCOL_FEED_V1,
        .tx_packet_size = TX_MAX},
    [PROTOCOL_SESSION] = {.name = SESSION_PROTOCOL,
        .callback = server_callback,
        .rx_buffer_size = RX_BUFFER,
        .id = PROTOCOL_SESSION,
        .tx_packet_size = TX_MAX},
    {.name = NULL},
};

static const struct lws_extension extensions[] = {
    {"permessage-deflate", lws_extension_callback_pm_deflate,
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
    {NULL, NULL, NULL},
};

/* Finds dead networks. A session whose reading is stopped sees no pong, hence the long limit. */
static const lws_retry_bo_t idle_policy = {
    .secs_since_valid_ping = 60,
    .secs_since_valid_hangup = 600,
};
/* A unix socket's peer cannot vanish unseen: (nearly) never. */
static const lws_retry_bo_t no_idle_policy = {
    .secs_since_valid_ping = 65000,
    .secs_since_valid_hangup = 65500,
};

/* A vhost is a listener's TLS files and patience. All else must be the same in each: a request is
 * bound anew to the first vhost of the "port", which for sockets that we accept is one for all. */
static int make_vhost(
    struct listener *l, const struct server_listener *cfg, struct depot_error *err)
{
    char name[32];
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .extensions = extensions,
        .vhost_name = name,
        .keepalive_timeout = 60,
        .timeout_secs = 30,
        .alpn = "http/1.1", /* WebSockets are of HTTP/1.1 here */
        .retry_and_idle_policy = l->unix_path != NULL ? &no_idle_policy : &idle_policy,
    };

    snprintf(name, sizeof(name), "listener%zu", l->index);
    if (cfg->tls_cert != NULL) {
        if (access(cfg->tls_cert, R_OK) != 0)
            return depot_error_errno(err, errno, "the certificate %s", cfg->tls_cert);
        if (access(cfg->tls_key, R_OK) != 0)
            return depot_error_errno(err, errno, "the key %s", cfg->tls_key);
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
        info.ssl_cert_filepath = cfg->tls_cert;
        info.ssl_private_key_filepath = cfg->tls_key;
        info.ssl_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1;
    }
    l->vhost = lws_create_vhost(l->server->lws, &info);
    if (l->vhost != NULL)
        return 0;
    depot_error_set(err, DEPOT_ERR_INVALID, "cannot use the certificate %s with the key %s",
        cfg->tls_cert != NULL ? cfg->tls_cert : "", cfg->tls_key != NULL ? cfg->tls_key : "");
    return depot_error_hint(err, "both are PEM files, the key without a passphrase");
}

int server_listen(
    struct server *s, const struct server_listener *cfg, size_t index, struct depot_error *err)
{
    struct listener *l = depot_calloc(1, sizeof(*l));
    int r;

    l->server = s;
    l->fd = -1;
    l->index = index;
    depot_vec_push(&s->listeners, l);
    r = cfg->unix_path != NULL ? listen_unix(l, cfg->unix_path, err)
                               : listen_tcp(l, cfg->host, cfg->port, err);
    if (r == 0)
        r = make_vhost(l, cfg, err);
    if (r == 0)
        r = depot_loop_fd_new(s->loop, l->fd, DEPOT_READ, on_accept, l, &l->watch, err);
    return r;
}

void server_unlisten(struct listener *l)
{
    struct stat st;

    depot_loop_fd_free(l->watch);
    if (l->fd >= 0)
        close(l->fd);
    if (l->unix_path != NULL && lstat(l->unix_path, &st) == 0 && st.st_dev == l->dev &&
        st.st_ino == l->ino)
        (void)unlink(l->unix_path);
    depot_free(l->unix_path);
    depot_free(l);
}

/* ---- credentials ---- */

/* Takes as long for a wrong token as for a right one of its length. */
static bool same_secret(const char *a, size_t na, const char *b)
{
    size_t nb = strlen(b);
    unsigned diff = na != nb;

    for (size_t i = 0; i < na; i++)
        diff |= (unsigned char)a[i] ^ (unsigned char)(nb ? b[i % nb] : 0);
    return diff == 0;
}

static bool token_allowed(struct server *s, struct lws *wsi)
{
    static const char scheme[] = "Bearer ";
    char header[512];
    int n = lws_hdr_copy(wsi, header, sizeof(header), WSI_TOKEN_HTTP_AUTHORIZATION);
    const size_t skip = sizeof(scheme) - 1;
    bool ok = false;

    if (n <= (int)skip || strncasecmp(header, scheme, skip) != 0)
        return false;
    for (size_t i = 0; i < s->tokens.len; i++)
        ok |= same_secret(header + skip, (size_t)n - skip, s->tokens.items[i]);
    return ok;
}

bool server_allowed(struct conn *c, struct lws *wsi, struct depot_error *err)
{
    if (c->local) {
        if (c->uid == 0 || c->uid == geteuid())
            return true;
        depot_error_set(err, DEPOT_ERR_DENIED, "this daemon is another user's");
        depot_error_hint(err, "run your own, or ask for one that listens on TCP and a token");
        return false;
    }
    if (token_allowed(c->server, wsi))
        return true;
    depot_error_set(err, DEPOT_ERR_UNAUTHENTICATED, "no valid token");
    depot_error_hint(
        err, "send `Authorization: Bearer TOKEN`; the client takes it from DEPOT_TOKEN");
    return false;
}

const char *server_user(struct conn *c)
{
    if (c->user == NULL && c->local) {
        struct passwd *pw = getpwuid(c->uid);
        c->user = pw != NULL ? depot_strdup(pw->pw_name) : depot_asprintf("%u", (unsigned)c->uid);
    }
    return c->user;
}
