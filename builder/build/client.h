/*
 * A build's client as the daemon itself asks it, through a session of the daemon's own beside those
 * of the builders: for credentials of registries that no engine asks for.
 */
#ifndef DEPOT_BUILDER_CLIENT_H
#define DEPOT_BUILDER_CLIENT_H

#include "scope.h"

struct client;

/* What a client opens that session for; no builder has such a name. */
#define CLIENT_SESSION "@depotd"

struct client *client_new(const struct build_scope *scope);
void client_free(struct client *c); /* open questions end without an answer */

/* Once, also from inside. `user` and `secret` are NULL when there are none, or nobody to ask. */
typedef void client_credentials_fn(
    const char *host, const char *user, const char *secret, void *arg);
void client_credentials(struct client *c, const char *host, client_credentials_fn *done, void *arg);
/* Whoever asked with this `arg` wants no answer any more. */
void client_forget(struct client *c, const void *arg);

/* The client's session socket is there; it may go and come again. */
int client_open_session(struct client *c, const struct relay_ops *ops, void *arg,
    struct relay **out, struct depot_error *err) DEPOT_MUST_CHECK;
void client_end(struct client *c); /* nothing is asked any more: the session may go */

#endif
