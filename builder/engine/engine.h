/*
 * One BuildKit engine: whether it answers, what it can do, and the line of builds before it. Does
 * not know what a build is: a build takes a slot, runs, and leaves.
 */
#ifndef DEPOT_BUILDER_ENGINE_H
#define DEPOT_BUILDER_ENGINE_H

#include <sys/queue.h>

#include "driver.h"
#include "placement.h"

struct engine;

enum {
    ENGINE_CAPACITY = 4,    /* builds at once when the configuration does not say */
    ENGINE_QUEUE_MAX = 256, /* builds in line; more are refused */
};

/* One engine to drive, from --builder or found on this machine. */
struct engine_config {
    char *name;
    struct depot_addr addr;
    struct depot_tls tls;
    int capacity;                       /* builds at once; 0: 4 */
    const struct engine_driver *driver; /* NULL: BuildKit's */
};

void engine_config_release(struct engine_config *c);

struct engine_ops {
    /* It answers, for the first time or again. */
    void (*up)(struct engine *e, void *arg);
    /* It does not answer (any more). Also told for the first attempt after the start. */
    void (*down)(struct engine *e, void *arg);
    /* Its numbers of running or waiting builds changed. */
    void (*changed)(struct engine *e, void *arg);
};

int engine_new(struct depot_loop *l, const struct engine_config *config,
    const struct engine_ops *ops, void *arg, struct engine **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* Its slots must have been left. */
void engine_free(struct engine *e);

const char *engine_name(const struct engine *e);
/* A call to it is engine_driver(e)->what(engine_bk(e), ...). */
const struct engine_driver *engine_driver(const struct engine *e);
struct depot_bk *engine_bk(struct engine *e);
/* Can it say what a build will do before it runs? True until it was found that it cannot. */
bool engine_has_gateway(const struct engine *e);
void engine_lacks_gateway(struct engine *e);
void engine_call_free(struct engine *e, struct depot_bk_call *c); /* ends it; `c` may be NULL */
bool engine_is_up(const struct engine *e);
bool engine_tried(const struct engine *e); /* the first probe has ended, either way */
unsigned engine_caps(const struct engine *e);
bool engine_is_docker(const struct engine *e);
/* Where its own API is, for one that is a Docker Engine; the caller releases. */
struct depot_docker_host;
void engine_docker_host(const struct engine *e, struct depot_docker_host *out);
/* Its machine's address, as steps reach it; NULL when it does not tell. */
const char *engine_host_gateway(const struct engine *e);
const char *engine_native(const struct engine *e); /* platform; NULL when it never answered */
/* Strings live until the engine's next answer. */
void engine_describe(const struct engine *e, struct depot_ev_builder *out);
void engine_placement_view(const struct engine *e, struct placement_engine *out);
/* What was measured of the machine under it and of its cache; -1 where not known. */
struct engine_measure {
    double cpu;
    int64_t mem_used, mem_total, disk_used, disk_total, cache_used;
};
extern const struct engine_measure engine_unmeasured;
void engine_set_measure(struct engine *e, const struct engine_measure *m);
/* The path of its unix socket; NULL for another kind of address. */
const char *engine_unix_path(const struct engine *e);
/* A call to it failed: look now whether it is still there. */
void engine_suspect(struct engine *e);
/* Builds of others seen running on it, for the numbers on the screens. */
void engine_observed(struct engine *e, int delta);

/* ---- the line: first come, first served, `capacity` at once ---- */
struct engine_slot {
    struct engine *engine; /* NULL: not in it */
    bool running;
    int position; /* in the line, from 1 */
    /* It may run now. Never called from inside engine_enter(). */
    void (*ready)(struct engine_slot *s);
    void (*moved)(struct engine_slot *s); /* its position changed */
    TAILQ_ENTRY(engine_slot) entry;
};
bool engine_full(const struct engine *e); /* the line is */
/* True when it may run at once; else it stands in line at `position`. */
bool engine_enter(struct engine *e, struct engine_slot *s);
void engine_leave(struct engine_slot *s); /* fine for a slot that is not in */

#endif
