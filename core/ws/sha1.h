/*
 * SHA-1, for the WebSocket handshake alone, which proves nothing by it. OpenSSL has one, whose
 * first call costs 2 ms of setting up: a fifth of what a whole cached build takes.
 */
#ifndef DEPOT_CORE_WS_SHA1_H
#define DEPOT_CORE_WS_SHA1_H

#include <stddef.h>
#include <stdint.h>

enum { DP_SHA1_LEN = 20 };

void dp_sha1(const void *data, size_t n, uint8_t out[DP_SHA1_LEN]);

#endif
