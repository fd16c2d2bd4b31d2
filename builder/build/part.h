/*
 * A part: what one builder makes of a build, from its place in the line to its last status. A small
 * state machine; its owner starts it, cancels it, gives it the client's session, and hears of it by
 * part_ops.
 */
#ifndef DEPOT_BUILDER_PART_H
#define DEPOT_BUILDER_PART_H

#include "part_digest.h"
#include "part_outcome.h"
#include "part_push.h"
#include "scope.h"

/* X(id, name, states it may go to) */
#define PART_STATES(X)                                                                             \
    X(NEW, "new", TO(QUEUED) | TO(WAITING) | TO(SOLVING) | TO(DONE))                               \
    X(QUEUED, "queued", TO(WAITING) | TO(SOLVING) | TO(DONE))                                      \
    X(WAITING, "waiting for its session", TO(SOLVING) | TO(DONE))                                  \
    X(SOLVING, "solving", TO(PUSHING) | TO(DRAINING) | TO(AGAIN) | TO(DONE))                       \
    X(PUSHING, "pushing", TO(DRAINING) | TO(DONE))                                                 \
    X(DRAINING, "reading the last status", TO(AGAIN) | TO(DONE))                                   \
    X(AGAIN, "about to be solved once more", TO(SOLVING) | TO(DONE))                               \
    X(DONE, "done", 0)

enum part_state {
#define PART_STATE_ENUM(id, name, moves) PART_##id,
    PART_STATES(PART_STATE_ENUM)
#undef PART_STATE_ENUM
        PART_STATE_COUNT
};

/* What a part tells its build, and asks of it. */
struct part;
struct part_ops {
    void (*done)(struct part *p, void *arg);         /* its last word */
    void (*pushed)(void *arg);                       /* see part_pushed() */
    void (*say)(const char *why, void *arg);         /* why the build ends, unless it is said */
    void (*client_lost)(const char *why, void *arg); /* and will not come back */
    bool (*abandoned)(void *arg); /* nobody is there to open the session that it needs */
};

struct part {
    const struct build_scope *scope;
    const struct part_ops *ops;
    void *arg;
    enum part_state state; /* written by set_state() alone */
    struct engine *engine;
    char *platform;             /* one, or several with commas */
    struct depot_strv emulated; /* those that are */
    struct depot_strv foreign;  /* those that nothing here runs */
    unsigned exports;           /* a bit for each of the request's that is made of it */
    char ref[PART_ID_LEN + 1], session[PART_ID_LEN + 1];
    struct engine_slot slot;
    uint64_t entered_ms, waited_ms; /* waited: in the line */
    struct depot_bk_call *solve, *status;
    struct part_bridge *bridge; /* NULL: solved without asking first */
    struct steps_owner owner;
    struct steps *steps;        /* NULL: the engine did not tell them */
    struct part_policy *policy; /* NULL: the context was not asked for one */
    struct part_push *push;     /* NULL: none is under way */
    struct relay *relay;        /* the client's session socket; NULL: not there */
    struct depot_timer *timer;  /* the patience of the present state */
    struct depot_timer *grace;  /* for a client that lost its session socket */
    bool lost;                  /* the session socket was there, and went */
    bool status_seen;           /* at least one status came */
    bool status_eof;            /* and it ended in order */
    bool transport;             /* Solve ended as if the engine could not be reached any more */
    bool again;                 /* a second try follows this one's last status */
    bool was_again;             /* this is the second try, and there is no third */
    struct part_digest told;    /* of the image, on the way */
    struct part_outcome outcome;
};

struct part *part_new(const struct build_scope *scope, const struct placement_part *plan,
    const struct part_ops *ops, void *arg);
void part_free(struct part *p);
void part_start(struct part *p);
void part_cancel(struct part *p); /* fine in any state */
/* Tell a status of its platform and builder, as it stands. */
void part_tell(struct part *p, const struct depot_status *st);
void part_abort(struct part *p); /* cancelled, and done at once */
bool part_over(const struct part *p);

/* The digest that the part's image has in the registry, once all of it is there: the engine may yet
 * fail to record its build, and until it has answered this is no more than probable. NULL: not yet.
 * Borrowed. */
const char *part_pushed(const struct part *p);
/* Is a session expected now? The error says why not. */
int part_session_wanted(const struct part *p, struct depot_error *err) DEPOT_MUST_CHECK;
/* The client's session socket is there; it may go and come again. */
int part_open_session(struct part *p, const struct relay_ops *ops, void *arg, struct relay **out,
    struct depot_error *err) DEPOT_MUST_CHECK;

#endif
