/*
 * A client's session from the other end: what it offers, asked for by the daemon itself, as an
 * engine asks. The bytes between are the caller's to carry.
 */
#ifndef DEPOT_SESSION_H
#define DEPOT_SESSION_H

#include <depot/base.h>
#include <depot/loop.h>

struct depot_caller;
struct depot_caller_ops {
    /* Bytes for the client. */
    void (*data)(struct depot_caller *c, const void *data, size_t n, void *arg);
    /* The client ended the session, or spoke no HTTP/2. Questions that were open have failed. */
    void (*closed)(struct depot_caller *c, const struct depot_error *err, void *arg);
};
int depot_caller_new(struct depot_loop *l, const struct depot_caller_ops *ops, void *arg,
    struct depot_caller **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* Bytes from the client. */
void depot_caller_receive(struct depot_caller *c, const void *data, size_t n);
void depot_caller_free(struct depot_caller *c); /* open questions end without an answer */

/* Once. `user` and `secret` are NULL when the client has none; `err` when it could not be asked. */
typedef void depot_credentials_fn(struct depot_caller *c, const char *host, const char *user,
    const char *secret, const struct depot_error *err, void *arg);
/* What does the client know of this registry? Secrets are wiped after `done`. */
int depot_caller_credentials(struct depot_caller *c, const char *host, depot_credentials_fn *done,
    void *arg, struct depot_error *err) DEPOT_MUST_CHECK;
/* Whoever asked with this `arg` wants no answer any more. */
void depot_caller_forget(struct depot_caller *c, const void *arg);

#endif
