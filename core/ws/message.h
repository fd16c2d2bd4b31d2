/*
 * Whole messages out of a WebSocket server's frames. A message that lies whole in the input is
 * given in place; only one that is cut, by a frame's end or by that of the input, is joined. No
 * I/O.
 */
#ifndef DEPOT_CORE_WS_MESSAGE_H
#define DEPOT_CORE_WS_MESSAGE_H

#include "ws/frame.h"

#include <depot/buf.h>

struct dp_wsm {
    struct dp_wsf frames;
    struct depot_buf joined;
    size_t max;
    bool given, too_big; /* `joined` is with the caller; a message was over `max` */
};

void dp_wsm_init(struct dp_wsm *m, size_t max); /* bytes of the largest message */
void dp_wsm_release(struct dp_wsm *m);
/* Take from the input at *p, *n: 1 with a whole message or control frame in *out, 0 when all is
 * taken, DEPOT_ERR_PROTOCOL or DEPOT_ERR_TOO_BIG, now and ever after. A message too big is refused
 * by the length of its frame, before it is kept. */
int dp_wsm_next(
    struct dp_wsm *m, const uint8_t **p, size_t *n, struct dp_wsf_piece *out) DEPOT_MUST_CHECK;

#endif
