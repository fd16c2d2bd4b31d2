/*
 * SHA-256 as BuildKit and registries write it: the name of a piece of content.
 */
#ifndef DEPOT_CORE_BASE_SHA256_H
#define DEPOT_CORE_BASE_SHA256_H

#include <stddef.h>

enum { DP_DIGEST_LEN = 7 + 64 }; /* "sha256:" and the sum in hexadecimal */

/* The digest of `n` bytes, with its NUL. */
void dp_digest(const void *data, size_t n, char out[DP_DIGEST_LEN + 1]);

#endif
