/*
 * The daemon's work behind its sockets: engines, builds, sessions. The server (server.h) calls
 * these; the service writes what happens into the store, and fleet events into the hub.
 */
#ifndef DEPOT_BUILDER_SERVICE_H
#define DEPOT_BUILDER_SERVICE_H

#include <depot/event.h>
#include <depot/loop.h>

#include "builder/build/journal.h"
#include "builder/build/relay.h"
#include "builder/engine/cache.h"

struct hub; /* hub.h */
struct service;

int service_new(struct depot_loop *l, struct store *store, struct hub *hub,
    const struct engine_config *builders, size_t n, struct service **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* Running builds are cancelled on their engines first. */
void service_free(struct service *s);
/* `fn` once every builder has answered or failed to, at the latest some seconds after the start;
 * never from inside this call. */
void service_on_ready(struct service *s, void (*fn)(void *arg), void *arg);
/* One more, from now on. */
int service_add_builder(struct service *s, const struct engine_config *builder,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* How registries are spoken to when what builders pushed is joined; borrowed. */
struct depot_registry_host;
void service_set_registries(
    struct service *s, const struct depot_registry_host *hosts, size_t nhosts);
/* Where builders were looked for in vain: part of the error when there is none. */
void service_set_tried(struct service *s, const char *tried);
/* Cancel all that was started here; service_builds() is 0 when it is over. */
void service_cancel_all(struct service *s, const char *why);
/* Builds started here that are not over; those of other clients do not count. */
size_t service_builds(const struct service *s);
/* Nothing is running or queued: the daemon may leave when also nobody is connected. */
bool service_idle(const struct service *s);

/* What only the answer to who asked for a build tells. */
struct service_created {
    char id[BUILD_ID_LEN + 1];
    char secret[BUILD_SECRET_LEN + 1]; /* to be shown when its sessions are opened */
    bool join; /* a session with the daemon itself is wanted, too: CLIENT_SESSION in client.h */
};
/* `req` is copied. `user` is who asks, for builds that do not say. */
int service_create(struct service *s, const struct depot_build_request *req, const char *user,
    struct service_created *out, struct depot_error *err) DEPOT_MUST_CHECK;
int service_cancel(struct service *s, const char *build, struct depot_error *err) DEPOT_MUST_CHECK;

/* The builders as they are now, until the next turn of the loop. */
const struct depot_ev_builder *service_builders(struct service *s, size_t *n);

/* ---- the caches: DEPOT_QUERY_CACHE and DEPOT_QUERY_PRUNE ---- */
/* A builder that fails has its error in the answer. DEPOT_ERR_NOT_FOUND: none of that name. */
int service_cache(struct service *s, const struct depot_query *q, cache_ask_fn *fn, void *arg,
    struct cache_ask **out, struct depot_error *err) DEPOT_MUST_CHECK;

/* ---- a client's session socket ---- */
int service_session(struct service *s, const char *build, const char *builder, const char *platform,
    const struct relay_ops *ops, void *arg, struct relay **out,
    struct depot_error *err) DEPOT_MUST_CHECK;

/* ---- all that the server asks, as a table: tests play the service ---- */
struct service_api {
    int (*create)(struct service *s, const struct depot_build_request *req, const char *user,
        struct service_created *out, struct depot_error *err);
    int (*cancel)(struct service *s, const char *build, struct depot_error *err);
    /* The connection that created it is gone. A build that has not begun, and needs its client, is
     * cancelled when nobody follows it after two seconds, or when its turn comes. */
    void (*client_gone)(struct service *s, const char *build);
    const struct depot_ev_builder *(*builders)(struct service *s, size_t *n);
    /* Somebody lists builds: what other clients built shortly before the daemon began is read from
     * the engines, and is then on the feed. */
    void (*builds_wanted)(struct service *s);
    int (*cache)(struct service *s, const struct depot_query *q, cache_ask_fn *fn, void *arg,
        struct cache_ask **out, struct depot_error *err);
    void (*cache_free)(struct cache_ask *q);
    /* A session is its build's creator's alone: who does not show the build's secret is refused as
     * if there were no such build. NULL: none was shown, which is refused too. */
    int (*session_allowed)(
        struct service *s, const char *build, const char *secret, struct depot_error *err);
    int (*session)(struct service *s, const char *build, const char *builder, const char *platform,
        const struct relay_ops *ops, void *arg, struct relay **out, struct depot_error *err);
    void (*session_write)(struct relay *r, const void *data, size_t n);
    size_t (*session_queued)(const struct relay *r);
    void (*session_text)(struct relay *r, const char *json, size_t n);
    void (*session_free)(struct relay *r);
};
extern const struct service_api service_api;

#endif
