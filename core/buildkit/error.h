/*
 * What an engine tells about a failed build -> struct depot_build_error. Internal to libdepot.
 */
#ifndef DEPOT_CORE_BUILDKIT_ERROR_H
#define DEPOT_CORE_BUILDKIT_ERROR_H

#include <depot/event.h>

enum {
    DP_BK_ERROR_MAX_DETAILS = 16 * 1024 * 1024, /* a serialized Status; holds whole Dockerfiles */
    DP_BK_ERROR_MAX_RANGES = 4096,
    DP_BK_ERROR_MAX_LINES = 400, /* of an excerpt: heredocs can be long */
    DP_BK_ERROR_MAX_LINE = 4096, /* bytes of one line of it */
};

/*
 * Fill `out` from a serialized google.rpc.Status: code and message, and from its details the place
 * and the failed vertex. Strings live in `arena`. A detail that cannot be read is left out; only a
 * Status that is none fails.
 */
int dp_bk_error_decode(const void *status, size_t n, struct depot_arena *arena,
    struct depot_build_error *out) DEPOT_MUST_CHECK;

/* The same from a Status that is unpacked already. */
struct Google__Status;
void dp_bk_error_convert(
    const struct Google__Status *st, struct depot_arena *arena, struct depot_build_error *out);

/* One detail: `type_url` says what the JSON is. What `out` has already, stays: the first place
 * named is the innermost. */
void dp_bk_error_add_detail(const char *type_url, const char *json, size_t n,
    struct depot_arena *arena, struct depot_build_error *out);

#endif
