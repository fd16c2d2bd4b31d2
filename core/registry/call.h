/*
 * One request to a registry: with its credentials, tried again where that helps, following
 * redirects. Internal to the registry module.
 */
#ifndef DEPOT_CORE_REGISTRY_CALL_H
#define DEPOT_CORE_REGISTRY_CALL_H

#include <depot/addr.h>
#include <depot/http.h>
#include <depot/registry.h>

#include "registry/challenge.h"

#include <sys/queue.h>

struct dp_call;
TAILQ_HEAD(dp_calls, dp_call);

/* One registry: where it is, and what it wants to see. */
struct dp_host {
    struct depot_registry *registry;
    char *name; /* as in image names */
    struct depot_addr addr;
    struct depot_tls tls;
    bool no_verify, may_be_plain;
    enum { DP_CREDENTIALS_UNKNOWN, DP_CREDENTIALS_ASKED, DP_CREDENTIALS_KNOWN } state;
    char *user, *secret; /* NULL: none */
    struct dp_challenge challenge;
    struct depot_map *tokens; /* scope -> char * */
    struct dp_calls waiting;  /* for the credentials */
};

struct dp_call_opts {
    struct dp_host *host;
    const char *method; /* "GET", "HEAD", "PUT", "DELETE"; not copied */
    const char *repository;
    const char *reference;    /* of a manifest: a tag or a digest */
    const char *content_type; /* of the body; not copied */
    const void *body;         /* borrowed until the call is over */
    size_t len;
};
struct dp_call_answer {
    int status;
    const struct depot_buf *body;
    const char *digest, *content_type; /* headers; NULL where not sent */
};
/* Exactly once, never from inside dp_call_start(); the call frees itself after it. `a` is NULL when
 * there was no answer, and then `err` says why. A refusal is an answer: see dp_call_error(). */
typedef void dp_call_fn(
    struct dp_call *c, const struct dp_call_answer *a, const struct depot_error *err, void *arg);
struct dp_call *dp_call_start(
    struct depot_loop *l, const struct dp_call_opts *opts, dp_call_fn *done, void *arg);
void dp_call_cancel(struct dp_call *c);
/* What is under way is waited for, and not tried again after that. */
void dp_call_hurry(struct dp_call *c);
/* Requests that were sent for it so far. */
unsigned dp_call_requests(const struct dp_call *c);
/* Why a registry refused, in its words. Returns err's code. */
int dp_call_error(const struct dp_call *c, const struct dp_call_answer *a, struct depot_error *err);

/* registry.c */
struct dp_host *dp_registry_host(
    struct depot_registry *r, const char *name, bool insecure, struct depot_error *err);
struct depot_http *dp_registry_http(const struct depot_registry *r);
void dp_host_ask_credentials(struct dp_host *h);
/* The credentials came, for a call that waited in `h->waiting`. */
void dp_call_credentials(struct dp_call *c);

#endif
