/*
 * A Docker Engine with the classic image store has no exporter that pushes: it builds the image,
 * and is then asked to push it, over its own API, as `docker push` does.
 */
#ifndef DEPOT_BUILDER_PART_PUSH_H
#define DEPOT_BUILDER_PART_PUSH_H

#include <depot/error.h>

#include <stdbool.h>

struct part;
struct part_push;

/* Does the part end so? */
bool part_pushes(const struct part *p);

/* Each name in its turn. `done` comes once, not from in here: the digest in the registry (NULL when
 * the Engine did not tell), or the error. */
typedef void part_push_fn(struct part *p, const char *digest, const struct depot_error *err);
struct part_push *part_push_new(struct part *p, part_push_fn *done);
void part_push_free(struct part_push *u); /* cancels */

#endif
