/*
 * gRPC's 5-byte message framing, received side: bytes in, whole messages out. No I/O, no HTTP/2.
 */
#ifndef DEPOT_CORE_GRPC_FRAME_H
#define DEPOT_CORE_GRPC_FRAME_H

#include <depot/buf.h>

enum {
    DP_GRPC_PREFIX_LEN = 5,
    /* An assembly buffer larger than this is given back after its message. */
    DP_GRPC_KEEP_BUFFER = 1024 * 1024,
};

struct dp_grpc_dec {
    uint8_t head[DP_GRPC_PREFIX_LEN];
    unsigned head_len;
    bool spent; /* `body` holds the message handed out by the last call */
    size_t max;
    struct depot_buf body;
};

void dp_grpc_dec_init(struct dp_grpc_dec *d, size_t max);
void dp_grpc_dec_release(struct dp_grpc_dec *d);

/*
 * Take bytes from *in, moving *in and *n. 1: a message, valid until the next call and as long as
 * the input it may lie in; 0: all input taken, no message; DEPOT_ERR_TOO_BIG or DEPOT_ERR_PROTOCOL
 * (a compressed message), for good.
 */
int dp_grpc_dec_next(struct dp_grpc_dec *d, const uint8_t **in, size_t *n, const uint8_t **msg,
    size_t *msg_len) DEPOT_MUST_CHECK;

/* Between two messages? */
bool dp_grpc_dec_idle(const struct dp_grpc_dec *d);

/* The prefix of a message of `n` bytes. */
void dp_grpc_prefix(uint8_t out[DP_GRPC_PREFIX_LEN], uint32_t n);

#endif
