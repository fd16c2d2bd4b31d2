/*
 * Connecting: resolve, try each address, then TLS, then the upgrade of a hijacked connection.
 * Every way this can fail ends in one message with the address in it and a hint.
 */
#include "net/stream.h"
#include "net/tls.h"
#include "net/upgrade.h"

#include <depot/log.h>
#include <depot/os.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DEPOT_LOG_MODULE "net"

enum {
    TIMEOUT_MS = 10 * 1000,
    ATTEMPT_MIN_MS = 250, /* the least an address gets before the next one is tried */
    BACKLOG_WAIT_MS = 20, /* a unix socket whose backlog is full is asked again after this */
};

enum state { CONNECT_START, CONNECT_RESOLVE, CONNECT_SOCKET, CONNECT_TLS, CONNECT_UPGRADE };

static const char *const state_names[] = {
    [CONNECT_START] = "start",
    [CONNECT_RESOLVE] = "resolve",
    [CONNECT_SOCKET] = "socket",
    [CONNECT_TLS] = "tls",
    [CONNECT_UPGRADE] = "upgrade",
};

/* A name on its way through the resolver. It outlives a connect that was freed meanwhile. */
struct lookup {
    struct dp_connect *owner; /* NULL: freed */
    char *host;
    char port[8];
    struct addrinfo *found;
    int rc, errnum;
};

struct dp_connect {
    struct depot_loop *loop;
    struct depot_addr addr;
    struct depot_tls tls;
    struct dp_tls_store *tls_store;
    bool has_tls, alpn_h2, freed;
    char *upgrade_path;
    uint64_t timeout_ms;
    dp_connect_fn *done;
    void *arg;

    enum state state;
    struct depot_timer *deadline; /* for all of it; its first firing starts the connect */
    struct depot_timer *attempt;  /* for the address being tried */
    struct lookup *lookup;
    struct addrinfo *found, *next; /* owned; the one to try after the current */
    unsigned untried;
    int fd;
    struct depot_loop_fd *watch;
    struct dp_stream *stream;
    struct dp_upgrade *upgrade;
    struct depot_error error;
};

static void set_state(struct dp_connect *c, enum state to)
{
    depot_log_debug("%s: %s -> %s", c->addr.text, state_names[c->state], state_names[to]);
    c->state = to;
}

static void drop_socket(struct dp_connect *c)
{
    depot_loop_fd_free(c->watch);
    c->watch = NULL;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

/* Lets go of all that the connecting itself needed. */
static void quiet(struct dp_connect *c)
{
    depot_timer_free(c->deadline);
    depot_timer_free(c->attempt);
    c->deadline = c->attempt = NULL;
    if (c->lookup != NULL)
        c->lookup->owner = NULL;
    c->lookup = NULL;
    dp_upgrade_free(c->upgrade);
    c->upgrade = NULL;
    drop_socket(c);
    if (c->stream != NULL) {
        dp_stream_want(c->stream, 0);
        dp_stream_listen(c->stream, NULL, NULL);
    }
}

static void fail(struct dp_connect *c)
{
    quiet(c);
    dp_stream_close(c->stream);
    c->stream = NULL;
    depot_error_prefix(&c->error, "cannot connect to %s", c->addr.text);
    c->done(c, NULL, &c->error, c->arg);
}

static void succeed(struct dp_connect *c)
{
    struct dp_stream *s = c->stream;

    quiet(c);
    c->stream = NULL;
    c->done(c, s, NULL, c->arg);
}

static const struct {
    int errnum;
    const char *unix_hint, *tcp_hint;
} errno_hints[] = {
    {ENOENT, "is it running?", NULL},
    {ECONNREFUSED, "the socket exists, but nothing listens on it: is it running?",
        "is it running, and is the port right?"},
    {EACCES, "your user may not use this socket: join its group, or run as root",
        "a firewall rule forbids it"},
    {ENOTSOCK, "the path is not a socket", NULL},
    {EHOSTUNREACH, NULL, "check the host's address and the network"},
    {ENETUNREACH, NULL, "check the host's address and the network"},
    {ETIMEDOUT, NULL, "check the host, the port, and the firewalls on the way"},
};

static void set_errno(struct dp_connect *c, int errnum)
{
    struct depot_error *err = &c->error;

    /* Only the cause: fail() puts the address before it. */
    depot_error_set(err, depot_err_from_errno(errnum), "%s", strerror(errnum));
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(errno_hints); i++) {
        const char *hint =
            c->addr.kind == DEPOT_ADDR_UNIX ? errno_hints[i].unix_hint : errno_hints[i].tcp_hint;

        if (errno_hints[i].errnum == errnum && hint != NULL)
            depot_error_hint(err, "%s", hint);
    }
    /* To a caller, a daemon that is not there is unavailable, whatever the system calls it. */
    if (errnum == ENOENT || errnum == ENOTSOCK)
        err->code = DEPOT_ERR_UNAVAILABLE;
}

static void on_deadline(struct depot_timer *t, void *arg);
static void try_next(struct dp_connect *c);

/* The last step: whoever waits for the connection gets it, or its upgrade starts. */
static void on_upgraded(struct dp_upgrade *u, const struct depot_error *err, void *arg)
{
    struct dp_connect *c = arg;

    DEPOT_UNUSED(u);
    if (err == NULL) {
        succeed(c);
        return;
    }
    c->error = *err;
    fail(c);
}

static void on_carried(struct dp_connect *c)
{
    if (c->upgrade_path == NULL) {
        succeed(c);
        return;
    }
    set_state(c, CONNECT_UPGRADE);
    c->upgrade = dp_upgrade_new(c->loop, c->stream, c->upgrade_path, on_upgraded, c);
}

static void step_tls(struct dp_connect *c)
{
    int rc = dp_tls_handshake(c->stream, &c->error);

    if (rc == 0) {
        on_carried(c);
    } else if (rc != DEPOT_ERR_AGAIN) {
        dp_tls_store_forget(c->tls_store);
        fail(c);
    }
}

static void on_tls_ready(struct dp_stream *s, unsigned events, void *arg)
{
    DEPOT_UNUSED(s);
    DEPOT_UNUSED(events);
    step_tls(arg);
}

static void set_tcp_options(int fd)
{
    int on = 1;

    /* Neither is worth failing for. Without NODELAY small frames wait for acknowledgements; with
     * KEEPALIVE a peer that vanished is noticed at last. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static void on_socket(struct dp_connect *c)
{
    int fd = c->fd, rc;

    depot_loop_fd_free(c->watch);
    c->watch = NULL;
    c->fd = -1;
    depot_timer_stop(c->attempt);
    if (c->addr.kind == DEPOT_ADDR_TCP)
        set_tcp_options(fd);
    if (c->has_tls) {
        struct dp_tls_opts opts = {
            .files = &c->tls, .store = c->tls_store, .host = c->addr.host, .alpn_h2 = c->alpn_h2};

        rc = dp_tls_new_take(c->loop, fd, &opts, &c->stream, &c->error);
        if (rc == 0) {
            set_state(c, CONNECT_TLS);
            dp_stream_listen(c->stream, on_tls_ready, c);
            step_tls(c);
            return;
        }
    } else {
        rc = dp_stream_fd_new_take(c->loop, fd, &c->stream, &c->error);
    }
    if (rc != 0)
        fail(c);
    else
        on_carried(c);
}

static void on_writable(struct depot_loop_fd *w, unsigned events, void *arg)
{
    struct dp_connect *c = arg;
    int errnum = 0;
    socklen_t len = sizeof(errnum);

    DEPOT_UNUSED(w);
    DEPOT_UNUSED(events);
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &errnum, &len) != 0)
        errnum = errno;
    if (errnum == 0) {
        on_socket(c);
        return;
    }
    set_errno(c, errnum);
    try_next(c);
}

/* True when the socket is connected or will be; else the error is set. */
static bool start_socket(struct dp_connect *c, int family, const struct sockaddr *sa, socklen_t len)
{
    c->fd = depot_os_socket(family, SOCK_STREAM, 0, true);
    if (c->fd < 0) {
        set_errno(c, errno);
        return false;
    }
    if (connect(c->fd, sa, len) == 0) {
        on_socket(c);
        return true;
    }
    if (errno == EAGAIN && family == AF_UNIX) {
        drop_socket(c);
        depot_timer_start(c->attempt, BACKLOG_WAIT_MS, 0);
        return true;
    }
    if (errno != EINPROGRESS) {
        set_errno(c, errno);
        return false;
    }
    return depot_loop_fd_new(c->loop, c->fd, DEPOT_WRITE, on_writable, c, &c->watch, &c->error) ==
           0;
}

static void try_unix(struct dp_connect *c)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};

    /* The parser holds paths against this; an address may also have been made by hand. */
    if (strlen(c->addr.path) >= sizeof(sa.sun_path)) {
        set_errno(c, ENAMETOOLONG);
        fail(c);
        return;
    }
    memcpy(sa.sun_path, c->addr.path, strlen(c->addr.path) + 1);
    if (!start_socket(c, AF_UNIX, (const struct sockaddr *)&sa, sizeof(sa)))
        fail(c);
}

/* Gives up the address being tried, if any; the error of the last one is what the user sees. */
static void try_next(struct dp_connect *c)
{
    drop_socket(c);
    while (c->next != NULL) {
        const struct addrinfo *ai = c->next;
        uint64_t share = c->timeout_ms / c->untried;

        c->next = ai->ai_next;
        c->untried--;
        /* The last one may use all the time that is left. */
        if (c->untried > 0)
            depot_timer_start(c->attempt, share > ATTEMPT_MIN_MS ? share : ATTEMPT_MIN_MS, 0);
        else
            depot_timer_stop(c->attempt);
        if (start_socket(c, ai->ai_family, ai->ai_addr, ai->ai_addrlen))
            return;
        drop_socket(c);
    }
    fail(c);
}

static void on_attempt(struct depot_timer *t, void *arg)
{
    struct dp_connect *c = arg;

    DEPOT_UNUSED(t);
    if (c->addr.kind == DEPOT_ADDR_UNIX) {
        try_unix(c);
        return;
    }
    set_errno(c, ETIMEDOUT);
    try_next(c);
}

static void resolved(struct dp_connect *c, struct lookup *job)
{
    if (job->rc != 0) {
        depot_error_set(&c->error, DEPOT_ERR_UNAVAILABLE, "cannot find host '%s': %s", c->addr.host,
            job->rc == EAI_SYSTEM ? strerror(job->errnum) : gai_strerror(job->rc));
        depot_error_hint(&c->error, "check the host's name and this machine's DNS settings");
        fail(c);
        return;
    }
    c->found = job->found;
    job->found = NULL;
    c->next = c->found;
    for (const struct addrinfo *ai = c->found; ai != NULL; ai = ai->ai_next)
        c->untried++;
    set_state(c, CONNECT_SOCKET);
    try_next(c);
}

static void look_up(struct lookup *job, int flags)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};

    errno = 0;
    job->rc = getaddrinfo(job->host, job->port, &hints, &job->found);
    job->errnum = errno;
}

static void lookup_free(struct lookup *job)
{
    if (job->found != NULL)
        freeaddrinfo(job->found);
    depot_free(job->host);
    depot_free(job);
}

static void lookup_work(void *arg)
{
    look_up(arg, 0);
}

static void lookup_done(void *arg)
{
    struct lookup *job = arg;
    struct dp_connect *c = job->owner;

    if (c != NULL) {
        c->lookup = NULL;
        resolved(c, job);
    }
    lookup_free(job);
}

static void start_tcp(struct dp_connect *c)
{
    struct lookup *job = depot_calloc(1, sizeof(*job));

    job->owner = c;
    job->host = depot_strdup(c->addr.host);
    snprintf(job->port, sizeof(job->port), "%d", c->addr.port);
    /* An address in digits needs no thread. */
    look_up(job, AI_NUMERICHOST);
    if (job->rc == 0) {
        resolved(c, job);
        lookup_free(job);
        return;
    }
    set_state(c, CONNECT_RESOLVE);
    c->lookup = job;
    if (depot_loop_work(c->loop, lookup_work, lookup_done, job) == 0)
        return;
    c->lookup = NULL;
    lookup_free(job);
    depot_error_set(&c->error, DEPOT_ERR_EXHAUSTED, "cannot start looking up the host");
    fail(c);
}

static const char *const slow_hints[] = {
    [CONNECT_START] = "",
    [CONNECT_RESOLVE] = "the host's name could not be resolved in time: check the DNS settings",
    [CONNECT_SOCKET] = "check the host, the port, and the firewalls on the way",
    [CONNECT_TLS] = "it accepted, but did not answer the TLS handshake",
    [CONNECT_UPGRADE] = "it accepted, but did not answer: is it a Docker Engine?",
};

static void on_deadline(struct depot_timer *t, void *arg)
{
    struct dp_connect *c = arg;

    if (c->state == CONNECT_START) {
        depot_timer_start(t, c->timeout_ms, 0);
        if (c->addr.kind == DEPOT_ADDR_TCP) {
            start_tcp(c);
        } else {
            set_state(c, CONNECT_SOCKET);
            try_unix(c);
        }
        return;
    }
    depot_error_set(
        &c->error, DEPOT_ERR_TIMEOUT, "no answer within %.3g s", (double)c->timeout_ms / 1000);
    depot_error_hint(&c->error, "%s",
        c->state == CONNECT_SOCKET && c->addr.kind == DEPOT_ADDR_UNIX ? "it is too busy to accept"
                                                                      : slow_hints[c->state]);
    fail(c);
}

int dp_connect(struct depot_loop *l, const struct dp_connect_opts *opts, dp_connect_fn *done,
    void *arg, struct dp_connect **out, struct depot_error *err)
{
    struct dp_connect *c;
    const char *host = opts->addr->kind == DEPOT_ADDR_UNIX ? opts->addr->path : opts->addr->host;

    if (depot_str_empty(host))
        return depot_error_set(err, DEPOT_ERR_INVALID, "there is no address to connect to");
    c = depot_calloc(1, sizeof(*c));
    c->loop = l;
    c->fd = -1;
    depot_addr_copy(&c->addr, opts->addr);
    if (c->addr.text == NULL)
        c->addr.text = depot_strdup(host);
    if (opts->tls != NULL)
        depot_tls_copy(&c->tls, opts->tls);
    c->has_tls = c->addr.tls || c->tls.enabled;
    c->tls_store = opts->tls_store;
    c->alpn_h2 = opts->alpn_h2;
    c->upgrade_path = depot_strdup(opts->upgrade);
    c->timeout_ms = opts->timeout_ms > 0 ? opts->timeout_ms : TIMEOUT_MS;
    c->done = done;
    c->arg = arg;
    c->attempt = depot_timer_new(l, on_attempt, c);
    /* Nothing happens inside this call, so `done` cannot come before *out is set. */
    c->deadline = depot_timer_new(l, on_deadline, c);
    depot_timer_start(c->deadline, 0, 0);
    *out = c;
    return 0;
}

static void release(void *arg)
{
    struct dp_connect *c = arg;

    if (c->found != NULL)
        freeaddrinfo(c->found);
    depot_addr_release(&c->addr);
    depot_tls_release(&c->tls);
    depot_free(c->upgrade_path);
    depot_free(c);
}

void dp_connect_free(struct dp_connect *c)
{
    if (c == NULL || c->freed)
        return;
    c->freed = true;
    quiet(c);
    dp_stream_close(c->stream);
    c->stream = NULL;
    depot_loop_defer(c->loop, release, c);
}
