/*
 * The send queue of a WebSocket client: bytes become framed, masked chunks in one pass, ready for
 * the socket. Knows the frame format (RFC 6455 section 5) and no I/O.
 */
#ifndef DEPOT_CORE_WS_QUEUE_H
#define DEPOT_CORE_WS_QUEUE_H

#include <depot/ws.h>

enum {
    /* Payload of a joined frame. Large enough that the cost of a turn of the loop is lost in that
     * of the copy, small enough that a unix socket's buffer (208 KiB) takes it in one call. */
    DP_WSQ_FRAME_MAX = 128 * 1024,
};

struct dp_wsq_chunk;
struct dp_wsq {
    struct dp_wsq_chunk *head, *tail;
    struct dp_wsq_chunk *spare; /* one full-sized chunk kept, so that a stream does not map and
                                   unmap memory for each frame */
    size_t queued;              /* payload bytes */
    /* Mask with zeros: RFC 6455 has masks (10.3) lest a page's script makes a proxy between take
     * its bytes for a request. On a unix socket there is no proxy, and both ends save the work. */
    bool plain;
};

void dp_wsq_release(struct dp_wsq *q);
/* Append one message as a frame of its own. */
void dp_wsq_message(struct dp_wsq *q, enum depot_ws_op op, const void *data, size_t n);
/* Append bytes of a stream: joined with those before them into binary frames. */
void dp_wsq_bytes(struct dp_wsq *q, const void *data, size_t n);
/* Append the answer to a ping; it takes the place of one that is the last and not begun, so that a
 * peer that only asks does not fill the queue. At most 125 bytes. */
void dp_wsq_pong(struct dp_wsq *q, const void *data, size_t n);
/* Forget what is not begun to be written. */
void dp_wsq_drop(struct dp_wsq *q);
/* What is to be written next, a frame with its header or the rest of one, and how much payload the
 * frame has; NULL when empty. Valid until dp_wsq_wrote(). */
const uint8_t *dp_wsq_front(struct dp_wsq *q, size_t *n, size_t *payload);
void dp_wsq_wrote(struct dp_wsq *q, size_t n); /* so many bytes of it */

/* dst = src xor key, the key's phase taken from `pos`, the offset within the frame. */
void dp_wsq_mask(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t key[4], size_t pos);

#endif
