/*
 * What an engine's gateway answers to Solve, and what Return says of it. Pure; apart from the call
 * for the tests' sake. Internal to this module.
 */
#ifndef DEPOT_CORE_BUILDKIT_BRIDGE_ANSWER_H
#define DEPOT_CORE_BUILDKIT_BRIDGE_ANSWER_H

#include <depot/buf.h>
#include <depot/buildkit.h>

struct dp_bk_answer {
    struct depot_arena arena;
    struct depot_bk_ref *refs;
    size_t nrefs;
    struct depot_pair *meta;
    size_t nmeta;
    struct depot_buf *result; /* the same, as Return wants it: without definitions */
};

/* `a` is zeroed but for `result`; definitions stay the message's. DEPOT_ERR_PROTOCOL, or
 * DEPOT_ERR_TOO_BIG past a ceiling of buildkit.h or of `result`. The arena is the caller's to
 * release in any case. */
int dp_bk_answer_read(struct dp_bk_answer *a, const uint8_t *data, size_t n) DEPOT_MUST_CHECK;

/* Append a field of bytes, also an empty one, which in a choice of fields is not the same as none.
 */
void dp_bk_add_field(struct depot_buf *to, uint32_t number, const void *data, size_t n);

#endif
