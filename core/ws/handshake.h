/*
 * The opening handshake of a WebSocket client (RFC 6455 section 4) as text. No I/O.
 */
#ifndef DEPOT_CORE_WS_HANDSHAKE_H
#define DEPOT_CORE_WS_HANDSHAKE_H

#include <depot/buf.h>

#include <sys/types.h>

enum {
    DP_WSH_KEY_LEN = 24,          /* 16 random bytes in base64 */
    DP_WSH_ANSWER_MAX = 8 * 1024, /* head of the server's answer */
};

void dp_wsh_key(char out[DP_WSH_KEY_LEN + 1]);

/* Of the answer's `n` bytes, the one of `protocol` (names with commas between) that the server
 * chose; NULL: none of them. */
const char *dp_wsh_protocol(const char *text, size_t n, const char *protocol, size_t *len);

/* Values are checked by the caller: no control characters. `token` and `header`, a line of the
 * request, may be NULL. */
void dp_wsh_request(struct depot_buf *out, const char *host, const char *path, const char *protocol,
    const char *token, const char *header, const char *key);

/*
 * Is the answer at the start of `text` there, and is it a yes? 0 when there is more to come, else
 * the length of its head; or an error: DEPOT_ERR_PROTOCOL with *status 0 when no WebSocket server
 * speaks, DEPOT_ERR_DENIED with the HTTP status of a refusal.
 */
ssize_t dp_wsh_answer(const char *text, size_t n, const char *protocol, const char *key,
    int *status) DEPOT_MUST_CHECK;

#endif
