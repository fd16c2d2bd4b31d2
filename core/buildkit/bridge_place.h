/*
 * Where a Dockerfile is wrong, told by the frontend's linter: its answer travels as a message, and
 * so has room for a Dockerfile that is too large for the header of an error. Pure. Internal.
 */
#ifndef DEPOT_CORE_BUILDKIT_BRIDGE_PLACE_H
#define DEPOT_CORE_BUILDKIT_BRIDGE_PLACE_H

#include <depot/buf.h>

/* The place in the linter's `result.json` as the detail that errors carry it in
 * (errdefs.Source+json), appended to `to`. False: it tells none. */
bool dp_bk_place_of_lint(const char *json, struct depot_buf *to);

#endif
