/*
 * What the parts and the join of a build know of it: where it runs and what was asked for. The
 * build itself stands above them, and hears of them through the tables that they are made with.
 */
#ifndef DEPOT_BUILDER_SCOPE_H
#define DEPOT_BUILDER_SCOPE_H

#include "builder/engine/engine.h"
#include "journal.h"
#include "record.h"
#include "relay.h"
#include "request.h"
#include "steps.h"

struct client;

/* What all builds of the daemon stand on; the service has it. */
struct build_env {
    struct depot_loop *loop;
    struct store *store;
    struct hub *hub;
    struct engine **engines;
    size_t nengines;
    struct depot_map *builds;                     /* id -> struct build, those that are not over */
    struct relays relays;                         /* all whose socket is open */
    struct records records;                       /* of builds of clients of ours */
    struct steps_index *steps;                    /* of all parts that run */
    const struct depot_registry_host *registries; /* borrowed */
    size_t nregistries;
};

struct build_scope {
    struct build_env *env;
    char id[BUILD_ID_LEN + 1];
    char secret[BUILD_SECRET_LEN + 1]; /* of who created it */
    struct depot_build_request req;
    struct depot_arena arena; /* of `req` */
    struct client *client;    /* asked by the daemon itself; NULL: it asks nothing */
    size_t nparts;
    bool joins; /* its parts' results become one */
};

#endif
