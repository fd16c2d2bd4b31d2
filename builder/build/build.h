/*
 * A build that a client of ours asked for: its parts together, and how it ends.
 */
#ifndef DEPOT_BUILDER_BUILD_H
#define DEPOT_BUILDER_BUILD_H

#include "part.h"

struct join;

struct build {
    struct build_scope scope;
    struct part **parts;
    size_t nparts;
    struct join *join; /* of its parts' results; NULL: each stands alone */
    bool over;
    bool orphan;              /* the connection that created it is gone */
    struct depot_timer *gone; /* since then */
    char *message;            /* why it is cancelled or failed; the first reason stays */
};

/* Build and its parts as planned; BUILD_CREATED is in the log. Takes `req` and the arena that it is
 * in. */
struct build *build_new(struct build_env *env, const struct depot_build_request *req,
    struct depot_arena *arena, const struct placement *plan);
void build_start(struct build *b); /* its parts go into their lines */
/* Ask every part to stop. The end comes by itself: it leaves env->builds, and is freed. */
void build_cancel(struct build *b, const char *why);
void build_client_gone(struct build *b);
/* The part of a builder that makes `platform`; NULL: the first that wants a session, or any. */
struct part *build_part(const struct build *b, const char *builder, const char *platform);
/* End it now, without waiting for the engines. */
void build_abort(struct build *b);

#endif
