/*
 * gRPC status: codes, how HTTP and HTTP/2 errors map to them, and the text forms in headers.
 */
#ifndef DEPOT_CORE_GRPC_STATUS_H
#define DEPOT_CORE_GRPC_STATUS_H

#include "grpc/grpc.h"

/* The code of a header's text; DP_GRPC_UNKNOWN when it is no number we know. */
int dp_grpc_code_parse(const char *s, size_t n);
int dp_grpc_code_from_http(int http_status);
int dp_grpc_code_from_h2(uint32_t h2_error);

/* grpc-message: bad escapes stay literal. The caller frees. */
char *dp_grpc_percent_decode(const char *s, size_t n);
char *dp_grpc_percent_encode(const char *s, size_t max);

#endif
