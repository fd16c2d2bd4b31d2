/*
 * What a call has queued to send: framed messages in a list of chunks. A chunk is counted, since
 * the connection's output may still point into it when the call is gone.
 */
#ifndef DEPOT_CORE_GRPC_QUEUE_H
#define DEPOT_CORE_GRPC_QUEUE_H

#include <depot/buf.h>

struct dp_grpc_chunk {
    struct dp_grpc_chunk *next;
    unsigned refs;
    size_t off, len, cap; /* bytes [off, len) of data are still to send */
    uint8_t *data;
    char *taken; /* a taken buffer's memory, or NULL: `data` follows the chunk */
};

struct dp_grpc_queue {
    struct dp_grpc_chunk *head, *tail;
    size_t bytes;
};

void dp_grpc_queue_message(struct dp_grpc_queue *q, const void *data, size_t n);
void dp_grpc_queue_message_take(struct dp_grpc_queue *q, struct depot_buf *take);
/* The first contiguous piece; 0 when the queue is empty. */
size_t dp_grpc_queue_peek(
    const struct dp_grpc_queue *q, const uint8_t **data, struct dp_grpc_chunk **owner);
void dp_grpc_queue_consume(struct dp_grpc_queue *q, size_t n);
void dp_grpc_queue_clear(struct dp_grpc_queue *q);

void dp_grpc_chunk_ref(struct dp_grpc_chunk *k);
void dp_grpc_chunk_unref(struct dp_grpc_chunk *k);

#endif
