/*
 * TLS for the fake servers of tests: a certificate, and a thread that carries a connection's bytes
 * between TLS and a plain socket. Not for anything but tests.
 */
#ifndef DEPOT_TESTS_FAKE_TLS_H
#define DEPOT_TESTS_FAKE_TLS_H

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A certificate for localhost that signs itself, and its key. */
static inline void fake_certificate(const char *cert_path, const char *key_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    X509_EXTENSION *san =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,DNS:builder.test");
    FILE *f;

    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_set_version(x, 2);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_ASC, (const unsigned char *)"depot test", -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_add_ext(x, san, -1);
    X509_sign(x, key, EVP_sha256());
    f = fopen(cert_path, "w");
    PEM_write_X509(f, x);
    fclose(f);
    f = fopen(key_path, "w");
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    X509_EXTENSION_free(san);
    X509_free(x);
    EVP_PKEY_free(key);
}

struct fake_bridge {
    SSL *ssl;
    int fd, inner;
};

static inline void *fake_bridge_run(void *arg)
{
    struct fake_bridge *b = arg;
    char buf[20000];
    sigset_t set;
    bool open = true;
    /* In this thread alone: OpenSSL's own sockets raise it. */
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    while (open) {
        struct pollfd p[2] = {{b->fd, POLLIN, 0}, {b->inner, POLLIN, 0}};
        if (SSL_pending(b->ssl) == 0 && poll(p, 2, 20000) <= 0)
            break;
        if (SSL_pending(b->ssl) > 0 || p[0].revents != 0) {
            const int n = SSL_read(b->ssl, buf, sizeof(buf));
            open = n > 0 && send(b->inner, buf, (size_t)n, MSG_NOSIGNAL) == n;
        }
        if (p[1].revents != 0) {
            const ssize_t n = read(b->inner, buf, sizeof(buf));
            if (n <= 0)
                SSL_shutdown(b->ssl);
            open = n > 0 && SSL_write(b->ssl, buf, (int)n) == n && open;
        }
    }
    SSL_CTX *ctx = SSL_get_SSL_CTX(b->ssl);
    SSL_free(b->ssl);
    SSL_CTX_free(ctx);
    close(b->fd);
    close(b->inner);
    free(b);
    return NULL;
}

/* Shakes hands on `fd`, which it takes; a plain socket for what is inside, or -1. `ca` asks for a
 * client certificate; NULL: none. */
static inline int fake_tls_accept(int fd, const char *cert, const char *key, const char *ca)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    struct fake_bridge *b = calloc(1, sizeof(*b));
    pthread_t thread;
    int pair[2];
    SSL_CTX_use_certificate_chain_file(ctx, cert);
    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM);
    if (ca != NULL) {
        SSL_CTX_load_verify_locations(ctx, ca, NULL);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    b->ssl = SSL_new(ctx);
    b->fd = fd;
    SSL_set_fd(b->ssl, fd);
    if (SSL_accept(b->ssl) != 1 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
        SSL_free(b->ssl);
        SSL_CTX_free(ctx);
        close(fd);
        free(b);
        return -1;
    }
    b->inner = pair[1];
    pthread_create(&thread, NULL, fake_bridge_run, b);
    pthread_detach(thread);
    return pair[0];
}

#endif
