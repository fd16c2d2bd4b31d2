/*
 * StatusResponse -> struct depot_status. Internal to libdepot.
 */
#ifndef DEPOT_CORE_BUILDKIT_STATUS_H
#define DEPOT_CORE_BUILDKIT_STATUS_H

#include <depot/status.h>

enum {
    /* Records in one message, of every kind together: an engine splits at about 1 MiB of logs, and
     * an empty record costs a peer two bytes but us a struct. */
    DP_STATUS_MAX_ITEMS = 1 << 18,
};

/*
 * Decode one message. Strings live in `arena`; log bytes, source data point into `msg`. On failure
 * `out` is empty, and what is in the arena is the caller's to release all the same.
 */
int dp_bk_status_decode(const void *msg, size_t n, struct depot_arena *arena,
    struct depot_status *out, struct depot_error *err) DEPOT_MUST_CHECK;

/* What a message holds, as a set of these; DEPOT_ERR_PROTOCOL: it is none. Looks at its outer
 * fields alone. */
enum { DP_STATUS_VERTEXES = 1, DP_STATUS_OTHERS = 2 };
int dp_bk_status_kinds(const void *msg, size_t n) DEPOT_MUST_CHECK;

#endif
