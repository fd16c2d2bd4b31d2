/*
 * Frames from a WebSocket server (RFC 6455 section 5), taken out of bytes in place. No I/O, and no
 * copy of the payload; sends nothing back.
 */
#ifndef DEPOT_CORE_WS_FRAME_H
#define DEPOT_CORE_WS_FRAME_H

#include <depot/base.h>

enum dp_wsf_op {
    DP_WSF_CONTINUATION = 0,
    DP_WSF_TEXT = 1,
    DP_WSF_BINARY = 2,
    DP_WSF_CLOSE = 8,
    DP_WSF_PING = 9,
    DP_WSF_PONG = 10,
};

enum {
    DP_WSF_HEAD_MAX = 10,     /* a server's frames are not masked */
    DP_WSF_CONTROL_MAX = 125, /* section 5.5 */
};

/* All zero at first. */
struct dp_wsf {
    uint8_t head[DP_WSF_HEAD_MAX], control[DP_WSF_CONTROL_MAX];
    size_t have, have_control;
    uint64_t left; /* payload of the frame still to come */
    bool in_frame, in_message, broken;
};

/* Bytes of a message, as they come (`op` is text or binary, or continuation), never none; or a
 * whole control frame. */
struct dp_wsf_piece {
    enum dp_wsf_op op;
    const uint8_t *data; /* in the input, or valid until the next call */
    size_t n;
};

/* Take from the input at *p, *n: 1 with a piece, 0 when all is taken, or DEPOT_ERR_PROTOCOL, now
 * and ever after. */
int dp_wsf_next(
    struct dp_wsf *f, const uint8_t **p, size_t *n, struct dp_wsf_piece *out) DEPOT_MUST_CHECK;

#endif
