/*
 * Frames from a WebSocket server (RFC 6455 section 5), taken out of bytes in place. No I/O, and no
 * copy of the payload; sends nothing back. Whole messages are made of them in message.h.
 */
#ifndef DEPOT_CORE_WS_FRAME_H
#define DEPOT_CORE_WS_FRAME_H

#include <depot/base.h>
#include <depot/ws.h>

/* Codes of a close frame (section 7.4.1) that we send. */
enum { DP_WSF_NORMAL = 1000, DP_WSF_PROTOCOL_ERROR = 1002, DP_WSF_TOO_BIG = 1009 };

enum { DP_WSF_HEAD_MAX = 10 }; /* a server's frames are not masked */

/* All zero at first. */
struct dp_wsf {
    uint8_t head[DP_WSF_HEAD_MAX], control[DEPOT_WS_CONTROL_MAX];
    size_t have, have_control;
    uint64_t left;            /* payload of the frame still to come */
    enum depot_ws_op message; /* what kind the message has that is under way */
    bool in_frame, in_message, broken;
};

/* Bytes of a message as they come, or a whole control frame. */
struct dp_wsf_piece {
    enum depot_ws_op op; /* text or binary, also for its later fragments; or a control frame's */
    const uint8_t *data; /* in the input, or valid until the next call */
    size_t n;            /* none only when this is how the message ends */
    bool last;           /* the message, or control frame, is whole */
    uint64_t rest;       /* of this frame's payload, still to come */
};

/* Take from the input at *p, *n: 1 with a piece, 0 when all is taken, or DEPOT_ERR_PROTOCOL, now
 * and ever after. */
int dp_wsf_next(
    struct dp_wsf *f, const uint8_t **p, size_t *n, struct dp_wsf_piece *out) DEPOT_MUST_CHECK;

#endif
