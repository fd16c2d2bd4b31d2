/*
 * HTTP requests on the loop. libcurl does the work and is opened on the first request: a client
 * that needs none does not pay the 4 MB and 5 ms that loading it costs.
 */
#ifndef DEPOT_HTTP_H
#define DEPOT_HTTP_H

#include <depot/addr.h>
#include <depot/buf.h>
#include <depot/loop.h>

#include <sys/types.h>

struct depot_http;         /* the client: connections are kept and shared by its requests */
struct depot_http_request; /* freeing it cancels; it frees itself after `done` */

struct depot_http *depot_http_new(struct depot_loop *l);
void depot_http_free(struct depot_http *h); /* cancels what is under way */

struct depot_http_ops {
    /* Response body as it comes; return 0, DEPOT_ERR_AGAIN to get these bytes again after
     * depot_http_resume(), or another negative depot_err to abort. May be NULL: then the body is
     * collected up to `max_body` and given to `done`. */
    int (*body)(struct depot_http_request *r, const void *data, size_t n, void *arg);
    /* Request body: bytes put into buf, 0 at the end, DEPOT_ERR_AGAIN to pause until
     * depot_http_resume(), other negatives abort. May be NULL. */
    ssize_t (*read)(struct depot_http_request *r, void *buf, size_t n, void *arg);
    /* Exactly once. `status` is the HTTP status, 0 when there was no answer, and then `err` says
     * why. `body` is borrowed, NULL when `body()` took it. */
    void (*done)(struct depot_http_request *r, int status, const struct depot_buf *body,
        const struct depot_error *err, void *arg);
};

struct depot_http_opts {
    const struct depot_addr *addr; /* host, or unix socket; with `command` for messages alone */
    /* The connection is the standard input and output of this program; NULL or empty: none. */
    const struct depot_strv *command;
    const struct depot_tls *tls; /* may be NULL */
    const char *method;          /* "GET" when NULL */
    const char *path;            /* with query, beginning with '/' */
    const char *token;           /* bearer token; may be NULL */
    const char *content_type;    /* of the request body; may be NULL */
    const char *const *headers;  /* more request headers, "Name: value" */
    size_t nheaders;
    const void *body; /* copied; NULL with `ops->read` or without a body */
    size_t body_len;
    bool no_verify;      /* of TLS: any certificate will do */
    size_t max_body;     /* of the collected response; 0: 16 MiB */
    uint64_t timeout_ms; /* whole request; 0: none (streams) */
};

int depot_http_start(struct depot_http *h, const struct depot_http_opts *opts,
    const struct depot_http_ops *ops, void *arg, struct depot_http_request **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
void depot_http_resume(struct depot_http_request *r);
/* A header of the response, once its body or `done` comes; NULL when it has none. Valid until that
 * callback returns. */
const char *depot_http_header(struct depot_http_request *r, const char *name);
/* How long the response asks to wait before trying again (Retry-After), in ms; 0 when it does not.
 * Valid like a header. */
uint64_t depot_http_retry_after(struct depot_http_request *r);
void depot_http_cancel(struct depot_http_request *r); /* no callback comes any more */

#endif
