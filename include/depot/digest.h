/*
 * Content digests as OCI writes them: "sha256:" and 64 lower-case hexadecimal digits.
 */
#ifndef DEPOT_DIGEST_H
#define DEPOT_DIGEST_H

#include <depot/base.h>

enum { DEPOT_DIGEST_LEN = 71 }; /* without the NUL */

/* Is `s` one that we can check? Anything may be passed, also NULL. */
bool depot_digest_valid(const char *s);

/* The digest of bytes that come in pieces. */
struct depot_digester;
struct depot_digester *depot_digester_new(void);
void depot_digester_add(struct depot_digester *d, const void *data, size_t n);
void depot_digester_end(struct depot_digester *d, char out[DEPOT_DIGEST_LEN + 1]);
void depot_digester_free(struct depot_digester *d);

/* The digest of bytes that are all there. */
void depot_digest_of(const void *data, size_t n, char out[DEPOT_DIGEST_LEN + 1]);

/* SHA-1, for the handshake of a WebSocket alone, which proves nothing by it. */
enum { DEPOT_SHA1_LEN = 20 };
void depot_sha1(const void *data, size_t n, uint8_t out[DEPOT_SHA1_LEN]);

#endif
