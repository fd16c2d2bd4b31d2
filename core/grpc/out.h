/*
 * The batch of bytes on its way into a stream: small things copied side by side, large ones by
 * reference, written with one writev.
 */
#ifndef DEPOT_CORE_GRPC_OUT_H
#define DEPOT_CORE_GRPC_OUT_H

#include "grpc/queue.h"

#include <sys/uio.h>

enum {
    DP_OUT_FRAME = 16384 + 64, /* the largest frame put in at once, with its header */
    DP_OUT_BATCH = 256 * 1024, /* no further frame is begun above this */
    DP_OUT_SMALL = 64 * 1024,  /* copied bytes */
    DP_OUT_IOV = 128,
    DP_OUT_COPY_BELOW = 1024, /* a shorter piece is copied */
    /* Pieces of one frame at worst: each large piece with copied bytes before and after it. */
    DP_OUT_FRAME_IOV = 2 * (DP_OUT_FRAME / DP_OUT_COPY_BELOW) + 3,
};

struct dp_out {
    int first, count; /* iov[first, first + count) is to be written */
    size_t bytes, small_len;
    uint64_t added; /* ever */
    struct iovec iov[DP_OUT_IOV];
    struct dp_grpc_chunk *owner[DP_OUT_IOV]; /* NULL: copied */
    uint8_t small[DP_OUT_SMALL];
};

struct dp_out *dp_out_new(void);
void dp_out_free(struct dp_out *o);
bool dp_out_has_room(const struct dp_out *o); /* for one more frame */
void dp_out_copy(struct dp_out *o, const void *data, size_t n);
/* The first `n` bytes of the queue, which is known to hold them. */
void dp_out_take(struct dp_out *o, struct dp_grpc_queue *q, size_t n);
void dp_out_written(struct dp_out *o, size_t n);

#endif
