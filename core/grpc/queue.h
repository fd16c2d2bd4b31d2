/*
 * What a call has queued to send: framed messages in a list of chunks. A chunk is counted, since
 * the connection's output may still point into it when the call is gone.
 */
#ifndef DEPOT_CORE_GRPC_QUEUE_H
#define DEPOT_CORE_GRPC_QUEUE_H

#include <depot/buf.h>

#include <sys/uio.h>

/* Chunks of a stream of bytes that wait to be used again: a gigabyte passes through a few. They may
 * come back when the queue is gone. */
struct dp_grpc_spares {
    unsigned refs; /* the queue's, and one of each chunk that is out */
    bool closed;   /* the queue is gone */
    struct dp_grpc_chunk *head;
    size_t n;
};

struct dp_grpc_chunk {
    struct dp_grpc_chunk *next;
    unsigned refs;
    size_t off, len, cap; /* bytes [off, len) of data are still to send */
    uint8_t *data;
    char *taken;                 /* a taken buffer's memory, or NULL: `data` follows the chunk */
    struct dp_grpc_spares *home; /* where it goes afterwards; NULL: it is freed */
};

struct dp_grpc_queue {
    struct dp_grpc_chunk *head, *tail;
    size_t bytes;
    struct dp_grpc_spares *spares; /* NULL until there were pieces */
};

void dp_grpc_queue_message(struct dp_grpc_queue *q, const void *data, size_t n);
void dp_grpc_queue_message_take(struct dp_grpc_queue *q, struct depot_buf *take);
/* One message out of several pieces, copied into chunks that are used again. */
void dp_grpc_queue_pieces(struct dp_grpc_queue *q, const struct iovec *pieces, size_t n);
/* The first contiguous piece; 0 when the queue is empty. */
size_t dp_grpc_queue_peek(
    const struct dp_grpc_queue *q, const uint8_t **data, struct dp_grpc_chunk **owner);
void dp_grpc_queue_consume(struct dp_grpc_queue *q, size_t n);
void dp_grpc_queue_clear(struct dp_grpc_queue *q);

void dp_grpc_chunk_ref(struct dp_grpc_chunk *k);
void dp_grpc_chunk_unref(struct dp_grpc_chunk *k);

#endif
