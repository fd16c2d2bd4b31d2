/*
 * A source policy in BuildKit's own form: rules that the engine holds against every source of a
 * build. Written as JSON, sent as protobuf.
 */
#ifndef DEPOT_CORE_BUILD_SOURCE_POLICY_H
#define DEPOT_CORE_BUILD_SOURCE_POLICY_H

#include <depot/buf.h>

enum { DP_SOURCE_POLICY_MAX = 128 * 1024 };

/* Append the message. What is not known is an error: half a policy would let through what the other
 * half is against. DEPOT_ERR_INVALID names the member. */
int dp_source_policy_encode(
    const char *json, size_t n, struct depot_buf *out, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
