/*
 * TLS as a client, OpenSSL over a socket BIO of our own that never raises SIGPIPE.
 * Certificates are read here; which ones, and where to connect, is the caller's business.
 */
#include "net/tls.h"

#include <depot/log.h>
#include <depot/os.h>

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEPOT_LOG_MODULE "tls"

/* One record's payload; and how much ciphertext is read at once, several records' worth. OpenSSL
 * could read ahead by itself, but moves all that is left to the front for each record. */
enum { RECORD_MAX = 16 * 1024, READ_AHEAD = 64 * 1024 };

struct tls_stream {
    struct dp_stream base;
    struct depot_loop *loop;
    struct depot_loop_fd *watch;
    int fd;
    BIO_METHOD *method;
    SSL_CTX *ctx;
    SSL *ssl;
    unsigned wanted; /* by the owner */
    bool handshaken;
    unsigned handshake_needs;
    bool read_needs_write; /* the last read gave AGAIN for want of room to write */
    bool write_needs_read;
    bool more;   /* there may be bytes here that the socket will not announce again */
    bool kicked; /* a ready callback for those is deferred */
    bool dead;   /* the connection failed; only close is left */
    bool cut;    /* the peer takes no more; what it said last, often why, can still be read */
    bool closed;
    /* A record that was taken from the caller and not written yet. OpenSSL insists on the same
     * bytes until it is, and so needs them to stay. */
    size_t pending;
    char record[RECORD_MAX];
    char *ahead; /* ciphertext [ahead_at, ahead_len); NULL while there is none to come */
    size_t ahead_at, ahead_len;
};

static struct tls_stream *self(struct dp_stream *s)
{
    return DEPOT_CONTAINER_OF(s, struct tls_stream, base);
}

/* The BIO: recv and send with their would-block told to OpenSSL. */

/* Read what there is, as a socket does: none, the end, an error. */
static ssize_t read_ahead(struct tls_stream *s)
{
    ssize_t got;

    if (s->ahead == NULL)
        s->ahead = depot_alloc(READ_AHEAD);
    do {
        got = recv(s->fd, s->ahead, READ_AHEAD, 0);
    } while (got < 0 && errno == EINTR);
    s->ahead_at = 0;
    s->ahead_len = got > 0 ? (size_t)got : 0;
    return got;
}

/* Nothing comes for a while. */
static void drop_ahead(struct tls_stream *s)
{
    depot_free(s->ahead);
    s->ahead = NULL;
}

static int sock_read(BIO *bio, char *buf, int n)
{
    struct tls_stream *s = BIO_get_data(bio);
    size_t take = (size_t)n;
    ssize_t got;

    BIO_clear_retry_flags(bio);
    if (s->ahead_at == s->ahead_len && (got = read_ahead(s)) <= 0) {
        if (got < 0 && errno == EAGAIN) {
            BIO_set_retry_read(bio);
            drop_ahead(s);
            errno = EAGAIN;
        }
        return (int)got;
    }
    if (take > s->ahead_len - s->ahead_at)
        take = s->ahead_len - s->ahead_at;
    memcpy(buf, s->ahead + s->ahead_at, take);
    s->ahead_at += take;
    return (int)take;
}

/* Whether a read may give something without the socket. */
static bool has_more(const struct tls_stream *s)
{
    return s->ahead_at < s->ahead_len || SSL_has_pending(s->ssl) != 0;
}

static int sock_write(BIO *bio, const char *buf, int n)
{
    struct tls_stream *s = BIO_get_data(bio);
    ssize_t put;

    BIO_clear_retry_flags(bio);
    do {
        put = send(s->fd, buf, (size_t)n, depot_os_send_flags());
    } while (put < 0 && errno == EINTR);
    if (put < 0 && errno == EAGAIN)
        BIO_set_retry_write(bio);
    return (int)put;
}

static long sock_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    DEPOT_UNUSED(bio);
    DEPOT_UNUSED(num);
    DEPOT_UNUSED(ptr);
    return cmd == BIO_CTRL_FLUSH;
}

static int sock_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *sock_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "depot socket");

    if (m == NULL)
        return NULL;
    BIO_meth_set_read(m, sock_read);
    BIO_meth_set_write(m, sock_write);
    BIO_meth_set_ctrl(m, sock_ctrl);
    BIO_meth_set_create(m, sock_create);
    return m;
}

/* Readiness. */

static unsigned polled(const struct tls_stream *s)
{
    unsigned events = 0;

    if (!s->handshaken)
        return s->handshake_needs;
    if (s->wanted & DEPOT_READ)
        events |= s->read_needs_write ? DEPOT_WRITE : DEPOT_READ;
    if ((s->wanted & DEPOT_WRITE) || s->pending > 0)
        events |= s->write_needs_read ? DEPOT_READ : DEPOT_WRITE;
    return events;
}

static void rearm(struct tls_stream *s)
{
    if (!s->closed)
        depot_loop_fd_set(s->watch, polled(s));
}

static void on_kick(void *arg);

static void kick_if_more(struct tls_stream *s)
{
    if (s->closed || s->kicked || !s->more || !(s->wanted & DEPOT_READ))
        return;
    s->kicked = true;
    depot_loop_defer(s->loop, on_kick, s);
}

static void tell(struct tls_stream *s, unsigned events)
{
    events &= s->wanted;
    if (events != 0 && s->base.ready != NULL)
        s->base.ready(&s->base, events, s->base.arg);
    if (s->closed)
        return;
    kick_if_more(s);
    rearm(s);
}

static void on_kick(void *arg)
{
    struct tls_stream *s = arg;

    s->kicked = false;
    if (!s->closed && s->more)
        tell(s, DEPOT_READ);
}

static ssize_t flush_record(struct tls_stream *s);

static void on_ready(struct depot_loop_fd *w, unsigned events, void *arg)
{
    struct tls_stream *s = arg;
    unsigned out = 0;

    DEPOT_UNUSED(w);
    if (!s->handshaken) {
        if (s->base.ready != NULL)
            s->base.ready(&s->base, DEPOT_READ | DEPOT_WRITE, s->base.arg);
        return;
    }
    if (events & (s->read_needs_write ? DEPOT_WRITE : DEPOT_READ))
        out |= DEPOT_READ;
    if (events & (s->write_needs_read ? DEPOT_READ : DEPOT_WRITE)) {
        /* An error here is met again by the owner's next write. */
        if (flush_record(s) != DEPOT_ERR_AGAIN)
            out |= DEPOT_WRITE;
    }
    if (s->dead || s->cut)
        out = DEPOT_READ | DEPOT_WRITE;
    tell(s, out);
}

/* Errors. */

static void log_queue(const char *doing)
{
    unsigned long code;
    char text[256];

    while ((code = ERR_get_error()) != 0) {
        ERR_error_string_n(code, text, sizeof(text));
        depot_log_warn("%s: %s", doing, text);
    }
}

/* With TLS 1.3 a server looks at the client's certificate after the handshake: its refusal is read.
 */
static bool refuses_certificate(void)
{
    static const int reasons[] = {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
        SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, SSL_R_TLSV1_ALERT_UNKNOWN_CA,
        SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN};
    const int reason = ERR_GET_REASON(ERR_peek_error());

    for (size_t i = 0; i < DEPOT_ARRAY_LEN(reasons); i++)
        if (reasons[i] == reason)
            return true;
    return false;
}

/* What an SSL call that did not succeed means; fatal ones leave only close. */
static int ssl_failed(
    struct tls_stream *s, int ret, const char *doing, bool *needs_other, int other)
{
    int saved = errno, why = SSL_get_error(s->ssl, ret);

    *needs_other = why == other;
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return DEPOT_ERR_AGAIN;
    if (why == SSL_ERROR_ZERO_RETURN)
        return DEPOT_ERR_EOF;
    s->dead = true;
    if (why == SSL_ERROR_SYSCALL && saved != 0)
        return depot_err_from_errno(saved);
    const bool refused = refuses_certificate();
    log_queue(doing);
    return refused ? DEPOT_ERR_UNAUTHENTICATED : DEPOT_ERR_PROTOCOL;
}

/* One call gives one record: what has been read already goes into the same buffer. How that ends is
 * for the next read to say, unless it is a record of which more has to come. */
static size_t read_records(struct tls_stream *s, char *buf, size_t n)
{
    size_t done = 0, got = 0;

    while (done < n && has_more(s)) {
        if (!SSL_read_ex(s->ssl, buf + done, n - done, &got)) {
            s->more = SSL_get_error(s->ssl, 0) != SSL_ERROR_WANT_READ;
            return done;
        }
        done += got;
    }
    s->more = has_more(s);
    return done;
}

static ssize_t tls_read(struct dp_stream *base, void *buf, size_t n)
{
    struct tls_stream *s = self(base);
    size_t got = 0;
    int rc;

    if (!s->handshaken)
        return DEPOT_ERR_AGAIN;
    if (s->dead)
        return DEPOT_ERR_UNAVAILABLE;
    ERR_clear_error();
    errno = 0;
    rc = SSL_read_ex(s->ssl, buf, n, &got);
    if (rc == 1) {
        s->read_needs_write = false;
        got += read_records(s, (char *)buf + got, n - got);
        kick_if_more(s);
        return (ssize_t)got;
    }
    s->more = false;
    rc = ssl_failed(s, rc, "reading", &s->read_needs_write, SSL_ERROR_WANT_WRITE);
    rearm(s);
    return rc == DEPOT_ERR_EOF ? 0 : rc;
}

/* 0 when no record is left, else a negative depot_err. */
static ssize_t flush_record(struct tls_stream *s)
{
    size_t put = 0;
    int rc;

    if (s->dead || s->cut)
        return DEPOT_ERR_UNAVAILABLE;
    if (s->pending == 0)
        return 0;
    ERR_clear_error();
    errno = 0;
    rc = SSL_write_ex(s->ssl, s->record, s->pending, &put);
    if (rc == 1) {
        s->pending = 0;
        s->write_needs_read = false;
        return 0;
    }
    rc = ssl_failed(s, rc, "writing", &s->write_needs_read, SSL_ERROR_WANT_READ);
    if (rc == DEPOT_ERR_UNAVAILABLE) { /* EPIPE or ECONNRESET, of the socket and not of TLS */
        s->dead = false;
        s->cut = true;
        s->pending = 0;
    }
    return rc == DEPOT_ERR_EOF ? DEPOT_ERR_UNAVAILABLE : rc;
}

static size_t gather(char *to, size_t max, const struct iovec *iov, int n)
{
    size_t done = 0;

    for (int i = 0; i < n && done < max; i++) {
        size_t part = iov[i].iov_len < max - done ? iov[i].iov_len : max - done;

        if (part > 0)
            memcpy(to + done, iov[i].iov_base, part);
        done += part;
    }
    return done;
}

static ssize_t tls_writev(struct dp_stream *base, const struct iovec *iov, int n)
{
    struct tls_stream *s = self(base);
    size_t taken;
    ssize_t rc;

    if (!s->handshaken)
        return DEPOT_ERR_AGAIN;
    rc = flush_record(s);
    if (rc != 0) {
        rearm(s);
        return rc;
    }
    taken = gather(s->record, sizeof(s->record), iov, n);
    s->pending = taken;
    rc = flush_record(s);
    /* A record that has to wait counts as written: nobody but us may offer it to OpenSSL again. */
    if (rc == DEPOT_ERR_AGAIN)
        rearm(s);
    return rc == 0 || rc == DEPOT_ERR_AGAIN ? (ssize_t)taken : rc;
}

static void tls_want(struct dp_stream *base, unsigned events)
{
    struct tls_stream *s = self(base);

    s->wanted = events;
    rearm(s);
    kick_if_more(s);
}

static void tls_release(void *arg)
{
    struct tls_stream *s = arg;

    SSL_free(s->ssl);
    SSL_CTX_free(s->ctx);
    BIO_meth_free(s->method);
    depot_free(s->ahead);
    depot_free(s);
}

static void tls_close(struct dp_stream *base)
{
    struct tls_stream *s = self(base);

    s->closed = true;
    if (s->handshaken && !s->dead && !s->cut && s->pending == 0) {
        ERR_clear_error();
        /* Says goodbye if there is room for it; the answer is not awaited. */
        if (SSL_shutdown(s->ssl) < 0)
            ERR_clear_error();
    }
    depot_loop_fd_free(s->watch);
    close(s->fd);
    depot_loop_defer(s->loop, tls_release, s);
}

static const struct dp_stream_ops tls_ops = {
    .name = "tls",
    .read = tls_read,
    .writev = tls_writev,
    .want = tls_want,
    .close = tls_close,
};

/* Setting up. */

/* The reason of OpenSSL's oldest queued error, the cause of those after it. */
static const char *queue_reason(void)
{
    unsigned long code = ERR_get_error();
    const char *reason;

    if (code == 0)
        return "unknown error";
    if (ERR_SYSTEM_ERROR(code))
        return strerror(ERR_GET_REASON(code));
    reason = ERR_reason_error_string(code);
    return reason != NULL ? reason : "unknown error";
}

static int load_failed(struct depot_error *err, const char *what, const char *path)
{
    depot_error_set(err, DEPOT_ERR_INVALID, "cannot use %s %s: %s", what, path, queue_reason());
    depot_error_hint(err, "it must be a readable file in PEM format");
    return DEPOT_ERR_INVALID;
}

static int load_files(SSL_CTX *ctx, const struct depot_tls *files, struct depot_error *err)
{
    const char *key;

    ERR_clear_error();
    if (files == NULL || files->ca == NULL)
        SSL_CTX_set_default_verify_paths(ctx);
    else if (SSL_CTX_load_verify_locations(ctx, files->ca, NULL) != 1)
        return load_failed(err, "CA certificate", files->ca);
    if (files == NULL || files->cert == NULL)
        return 0;
    if (SSL_CTX_use_certificate_chain_file(ctx, files->cert) != 1)
        return load_failed(err, "client certificate", files->cert);
    key = files->key != NULL ? files->key : files->cert;
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        return load_failed(err, "client key", key);
    return 0;
}

/* As Go's client asks: with AES in hardware 128 bits are quicker by a sixth, and as good. */
static const char ciphersuites[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

static int make_ctx(const struct dp_tls_opts *opts, SSL_CTX **out, struct depot_error *err)
{
    static const unsigned char h2[] = "\x02h2";
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int rc;

    if (ctx == NULL)
        return depot_error_set(err, DEPOT_ERR_INTERNAL, "cannot set up TLS: %s", queue_reason());
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* Where a policy of the system forbids one of them, its own list stays. */
    (void)SSL_CTX_set_ciphersuites(ctx, ciphersuites);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    if (opts->alpn_h2)
        SSL_CTX_set_alpn_protos(ctx, h2, sizeof(h2) - 1);
    rc = load_files(ctx, opts->files, err);
    if (rc != 0)
        SSL_CTX_free(ctx);
    else
        *out = ctx;
    return rc;
}

/* What connections share. */

struct dp_tls_store {
    SSL_CTX *ctx; /* NULL: nothing read */
    struct depot_tls files;
    bool alpn_h2;
};

struct dp_tls_store *dp_tls_store_new(void)
{
    return depot_calloc(1, sizeof(struct dp_tls_store));
}

void dp_tls_store_forget(struct dp_tls_store *store)
{
    if (store == NULL)
        return;
    SSL_CTX_free(store->ctx);
    store->ctx = NULL;
    depot_tls_release(&store->files);
}

void dp_tls_store_free(struct dp_tls_store *store)
{
    dp_tls_store_forget(store);
    depot_free(store);
}

static bool store_fits(const struct dp_tls_store *store, const struct dp_tls_opts *opts)
{
    static const struct depot_tls none;
    const struct depot_tls *files = opts->files != NULL ? opts->files : &none;

    return store->ctx != NULL && store->alpn_h2 == opts->alpn_h2 &&
           depot_str_eq(store->files.ca, files->ca) &&
           depot_str_eq(store->files.cert, files->cert) &&
           depot_str_eq(store->files.key, files->key);
}

/* The caller's own reference. */
static int find_ctx(const struct dp_tls_opts *opts, SSL_CTX **out, struct depot_error *err)
{
    struct dp_tls_store *store = opts->store;
    int rc;

    if (store != NULL && store_fits(store, opts)) {
        SSL_CTX_up_ref(store->ctx);
        *out = store->ctx;
        return 0;
    }
    rc = make_ctx(opts, out, err);
    if (rc != 0 || store == NULL)
        return rc;
    dp_tls_store_forget(store);
    SSL_CTX_up_ref(*out);
    store->ctx = *out;
    store->alpn_h2 = opts->alpn_h2;
    if (opts->files != NULL)
        depot_tls_copy(&store->files, opts->files);
    return 0;
}

static bool is_ip(const char *name)
{
    unsigned char raw[16];

    return inet_pton(AF_INET, name, raw) == 1 || inet_pton(AF_INET6, name, raw) == 1;
}

static int set_name(SSL *ssl, const struct dp_tls_opts *opts)
{
    const char *name = opts->host;

    if (opts->files != NULL && !depot_str_empty(opts->files->server_name))
        name = opts->files->server_name;
    /* Without a name any valid certificate of anybody would do. */
    if (depot_str_empty(name))
        return 0;
    if (is_ip(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

static int attach(struct tls_stream *s, const struct dp_tls_opts *opts, struct depot_error *err)
{
    BIO *bio;
    int rc = find_ctx(opts, &s->ctx, err);

    if (rc != 0)
        return rc;
    s->ssl = SSL_new(s->ctx);
    s->method = sock_method();
    bio = s->method != NULL ? BIO_new(s->method) : NULL;
    if (s->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        return depot_error_set(err, DEPOT_ERR_INTERNAL, "cannot set up TLS: %s", queue_reason());
    }
    BIO_set_data(bio, s);
    SSL_set_bio(s->ssl, bio, bio);
    SSL_set_connect_state(s->ssl);
    if (set_name(s->ssl, opts) != 1) {
        depot_error_set(err, DEPOT_ERR_INVALID, "TLS needs the server's name to check it");
        depot_error_hint(err, "give the name that stands in the server's certificate");
        return DEPOT_ERR_INVALID;
    }
    return 0;
}

int dp_tls_new_take(struct depot_loop *l, int fd, const struct dp_tls_opts *opts,
    struct dp_stream **out, struct depot_error *err)
{
    struct tls_stream *s = depot_calloc(1, sizeof(*s));
    int rc = attach(s, opts, err);

    s->base.ops = &tls_ops;
    s->loop = l;
    s->fd = fd;
    if (rc == 0)
        rc = depot_loop_fd_new(l, fd, 0, on_ready, s, &s->watch, err);
    if (rc != 0) {
        close(fd);
        tls_release(s);
        return rc;
    }
    *out = &s->base;
    return 0;
}

/* The handshake. */

static const struct {
    long verify;
    const char *hint;
} verify_hints[] = {
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "give its certificate as the CA to trust"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "give its CA's certificate as the CA to trust"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "give its CA's certificate as the CA to trust"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "give its CA's certificate as the CA to trust"},
    {X509_V_ERR_CERT_HAS_EXPIRED, "renew the server's certificate, or check this machine's clock"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "check this machine's clock"},
    {X509_V_ERR_HOSTNAME_MISMATCH, "connect by a name in the certificate, or set the server name"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH,
        "connect by a name in the certificate, or set the server name"},
};

static const struct {
    int reason;
    const char *msg, *hint;
} reason_hints[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "the server does not speak TLS",
        "is it plain tcp:// or http://, or is the port wrong?"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "the server demands a client certificate",
        "give a certificate and its key"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "the server refused the handshake",
        "it may demand a client certificate"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the server refused our client certificate",
        "it must be signed by a CA that the server trusts"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the server refused our client certificate",
        "it must be signed by a CA that the server trusts"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the server refused our TLS versions",
        "TLS 1.2 or newer is needed"},
};

static int handshake_failed(struct tls_stream *s, int why, int errnum, struct depot_error *err)
{
    long verify = SSL_get_verify_result(s->ssl);
    unsigned long code = ERR_peek_error();

    s->dead = true;
    if (verify != X509_V_OK) {
        depot_error_set(err, DEPOT_ERR_UNAUTHENTICATED,
            "the server's certificate is not trusted: %s", X509_verify_cert_error_string(verify));
        for (size_t i = 0; i < DEPOT_ARRAY_LEN(verify_hints); i++) {
            if (verify_hints[i].verify == verify)
                depot_error_hint(err, "%s", verify_hints[i].hint);
        }
        return DEPOT_ERR_UNAUTHENTICATED;
    }
    for (size_t i = 0; code != 0 && i < DEPOT_ARRAY_LEN(reason_hints); i++) {
        if (ERR_GET_REASON(code) != reason_hints[i].reason)
            continue;
        depot_error_set(err, DEPOT_ERR_PROTOCOL, "TLS handshake failed: %s", reason_hints[i].msg);
        depot_error_hint(err, "%s", reason_hints[i].hint);
        return DEPOT_ERR_PROTOCOL;
    }
    if (why == SSL_ERROR_SYSCALL && errnum != 0)
        return depot_error_errno(err, errnum, "TLS handshake failed");
    if (code != 0 && ERR_GET_REASON(code) != SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return depot_error_set(err, DEPOT_ERR_PROTOCOL, "TLS handshake failed: %s", queue_reason());
    depot_error_set(
        err, DEPOT_ERR_PROTOCOL, "TLS handshake failed: the server closed the connection");
    depot_error_hint(err, "does it speak TLS on this port, or demand a client certificate?");
    return DEPOT_ERR_PROTOCOL;
}

int dp_tls_handshake(struct dp_stream *base, struct depot_error *err)
{
    struct tls_stream *s = self(base);
    int rc, why, saved;

    if (s->handshaken)
        return 0;
    ERR_clear_error();
    errno = 0;
    rc = SSL_do_handshake(s->ssl);
    saved = errno;
    if (rc == 1) {
        s->handshaken = true;
        s->more = has_more(s);
        rearm(s);
        return 0;
    }
    why = SSL_get_error(s->ssl, rc);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        return handshake_failed(s, why, saved, err);
    s->handshake_needs = why == SSL_ERROR_WANT_READ ? DEPOT_READ : DEPOT_WRITE;
    rearm(s);
    return DEPOT_ERR_AGAIN;
}
