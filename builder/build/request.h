/*
 * What was asked for: held against what no table says, and asked in turn. Decides nothing.
 */
#ifndef DEPOT_BUILDER_REQUEST_H
#define DEPOT_BUILDER_REQUEST_H

#include <depot/request.h>

/* What was decoded, in the arena it was decoded into: its platforms get their normal form, without
 * doubles, and there is at least one. DEPOT_ERR_INVALID or DEPOT_ERR_TOO_BIG name the field. */
int request_check(struct depot_build_request *r, struct depot_arena *arena,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* The export whose results are to be joined into one index under its names, or -1. */
int request_join_export(const struct depot_build_request *r);
/*
 * Must one builder make all platforms? A client that joins says `single_builder` and `join`:
 * daemons that know nothing of joining obey the first, and the result is whole either way.
 */
bool request_single(const struct depot_build_request *r);
/* A bit for each export that is made of a platform (normal form). */
unsigned request_exports_of(const struct depot_build_request *r, const char *platform);

#endif
