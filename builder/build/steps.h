/*
 * The steps of a part as its engine tells them before anything runs, and what they are called while
 * it runs. Engines run what several builds want once, under the digests and names of the first of
 * them; here all that is told of such a step is told of the build's own.
 */
#ifndef DEPOT_BUILDER_STEPS_H
#define DEPOT_BUILDER_STEPS_H

#include <depot/buildkit.h>
#include <depot/event.h>

/* Whose steps the digests are that engines speak of: of all parts that run. */
struct steps_index;
struct steps_index *steps_index_new(void);
void steps_index_free(struct steps_index *x); /* after all steps */

/* Whose steps they are; borrowed, must outlive them. */
struct steps_owner {
    const char *build, *project;
    const char *platform; /* the part's, or several with commas */
};

struct steps;
struct steps *steps_new(struct steps_index *x, const struct steps_owner *owner);
void steps_free(struct steps *s);

/* What the engine will run for one result. A definition that cannot be read adds nothing. */
int steps_add(
    struct steps *s, const struct depot_bk_ref *ref, struct depot_error *err) DEPOT_MUST_CHECK;
/* Tell them all, some at a time: as an engine announces steps, with nothing started. */
typedef void steps_tell_fn(const struct depot_status *st, void *arg);
void steps_announce(const struct steps *s, steps_tell_fn *fn, void *arg);

/*
 * A status as the engine tells it becomes one of this build's own steps; what is replaced lives in
 * `arena`. Steps of other projects that are none of these are left out. NULL steps: as it was.
 */
void steps_translate(struct steps *s, struct depot_status *st, struct depot_arena *arena);
/* Of a step that was told of: its digest in this build. Else, and of NULL steps, `digest` itself.
 */
const char *steps_digest(const struct steps *s, const char *digest);

#endif
