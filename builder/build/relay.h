/*
 * A client's session socket, tied to an engine's session call or to the daemon's own end of one.
 * Knows no builds: whoever opened it owns it, and hears when the socket is gone.
 */
#ifndef DEPOT_BUILDER_RELAY_H
#define DEPOT_BUILDER_RELAY_H

#include <depot/request.h>

#include <sys/queue.h>

#include "builder/engine/engine.h"

struct relay;
TAILQ_HEAD(relays, relay);

/* The client's socket. */
struct relay_ops {
    /* Bytes for the client. */
    void (*data)(struct relay *r, const void *data, size_t n, void *arg);
    /* The engine took what was written, down to 256 KiB: read from the client again. */
    void (*writable)(struct relay *r, void *arg);
    /* The part is over or the engine's side broke: close the socket with this code. */
    void (*closed)(struct relay *r, int ws_code, const char *reason, void *arg);
};

/* Who opened it. */
struct relay_owner {
    void (*gone)(void *owner); /* the client's socket is */
    /* The client tells of its context; strings are borrowed. NULL: nobody wants to know. */
    void (*context)(struct depot_event *ev, void *owner);
};

/* The session as the engine is told of it; borrowed. */
struct relay_session {
    const char *id, *shared_key;
    const struct depot_strv *methods;
};

int relay_to_engine(struct relays *all, struct engine *e, const struct relay_session *session,
    const struct relay_owner *owner, void *owner_arg, const struct relay_ops *ops, void *arg,
    struct relay **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* The daemon itself asks what the client offers. */
int relay_to_daemon(struct relays *all, struct depot_loop *l, const struct relay_owner *owner,
    void *owner_arg, const struct relay_ops *ops, void *arg, struct relay **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* The daemon's own end; NULL: an engine has it. */
struct depot_caller *relay_caller(const struct relay *r);
/* Its owner is over, and hears no more of it. */
void relay_end(struct relay *r, int ws_code, const char *reason);
/* Neither engines nor `all` are looked at any more: the daemon ends. */
void relay_detach(struct relay *r);

/* ---- the client's side ---- */
void relay_write(struct relay *r, const void *data, size_t n); /* from the client to the engine */
size_t relay_queued(const struct relay *r); /* stop reading from the client above 1 MiB */
void relay_text(struct relay *r, const char *json, size_t n); /* a text frame: build.context */
void relay_free(struct relay *r);                             /* the client's socket is gone */

#endif
