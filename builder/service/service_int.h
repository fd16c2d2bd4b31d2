/*
 * The inside of the service: what its files share. Not for the server, which has service.h.
 */
#ifndef DEPOT_BUILDER_SERVICE_INT_H
#define DEPOT_BUILDER_SERVICE_INT_H

#include <sys/queue.h>

#include "builder/build/client.h"
#include "builder/engine/engine.h"
#include "builder/build/join.h"
#include "builder/engine/metrics.h"
#include "builder/build/observe.h"
#include "builder/build/part.h"
#include "builder/build/record.h"
#include "builder/build/request.h"
#include "service.h"

TAILQ_HEAD(relays, relay);

struct service {
    struct depot_loop *loop;
    struct store *store;
    struct hub *hub;
    struct engine **engines;
    struct observer **observers; /* one an engine */
    size_t nengines;
    struct depot_map *builds;                     /* id -> struct build, those that are not over */
    struct relays relays;                         /* all whose socket is open */
    struct records records;                       /* of builds of clients of ours */
    const struct depot_registry_host *registries; /* borrowed */
    size_t nregistries;
    char *tried; /* where a builder was looked for in vain */
    void (*on_ready)(void *arg);
    void *on_ready_arg;
    struct depot_timer *ready_timer;
    struct metrics *metrics;
    struct depot_ev_builder *view; /* what service_builders() hands out */
};

/* A build that a client of ours asked for. */
struct build {
    struct service *service;
    char id[SERVICE_ID_LEN + 1];
    struct request req;
    struct part **parts;
    size_t nparts;
    char secret[SERVICE_SECRET_LEN + 1]; /* of who created it; see service.h */
    struct client *client;               /* asked by the daemon itself; NULL: it asks nothing */
    struct join *join;                   /* of its parts' results; NULL: each stands alone */
    bool over;
    bool orphan;              /* the connection that created it is gone */
    struct depot_timer *gone; /* since then */
    char *message;            /* why it is cancelled or failed; the first reason stays */
};

/* Takes as long wherever they differ. `b` may be NULL, or of any length. */
bool service_same_secret(const char a[SERVICE_SECRET_LEN + 1], const char *b);
/* Append to the build's log; what cannot be written is logged. */
void service_append(struct service *s, const char *build, struct depot_event *ev);
void service_new_id(struct service *s, char id[SERVICE_ID_LEN + 1]);

/* Build and its parts as planned; BUILD_CREATED is in the log. Takes `req`. */
struct build *build_new(
    struct service *s, struct request *req, const char *user, const struct plan *plan);
void build_start(struct build *b); /* its parts go into their lines */
/* Ask every part to stop. The end comes by itself. */
void build_cancel(struct build *b, const char *why);
void build_client_gone(struct build *b);
/* Nobody is there to open the session that it needs. */
bool build_is_forsaken(const struct build *b);
void build_forsaken(struct build *b);                  /* cancels it, and says that */
void build_say(struct build *b, const char *why);      /* its message, unless it has one */
void build_part_done(struct build *b, struct part *p); /* a part's last word */
void build_joined(struct build *b);                    /* its join's last word */
/* The part of a builder that makes `platform`; NULL: the first that wants a session, or any. */
struct part *build_part(const struct build *b, const char *builder, const char *platform);
/* End it now, without waiting for the engines. */
void build_abort(struct build *b);

/* The relay of a part that is over, or whose service goes away. */
void relay_end(struct relay *r, int ws_code, const char *reason);
void relay_detach(struct relay *r);
/* What the client at the other end offers, where the daemon itself asks it; NULL: an engine does.
 */
struct depot_caller;
struct depot_caller *relay_caller(const struct relay *r);

#endif
