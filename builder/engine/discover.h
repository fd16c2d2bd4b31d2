/*
 * Finds a BuildKit on this machine when no builder is configured: the places where people and
 * packages put one. Only looks; the engine is talked to elsewhere.
 */
#ifndef DEPOT_BUILDER_DISCOVER_H
#define DEPOT_BUILDER_DISCOVER_H

#include "engine.h"

/* What discovery asks of the world; tests bring their own. */
struct discover_world {
    const char *(*env)(const char *name, void *arg);   /* NULL: not set */
    int (*connects)(const char *unix_path, void *arg); /* 0, or the errno of the attempt */
    void *arg;
};
extern const struct discover_world discover_here;

/*
 * The first place that answers, in this order: $BUILDKIT_HOST, /run/buildkit/buildkitd.sock,
 * $XDG_RUNTIME_DIR/buildkit/buildkitd.sock, $DOCKER_HOST, /var/run/docker.sock, /run/docker.sock.
 * True when found: `out` is the caller's. `*tried` always gets the places looked at in vain, with
 * commas between; the caller frees.
 */
bool discover_builder(const struct discover_world *w, struct engine_config *out, char **tried);

#endif
