/*
 * Gathering frames into one write. Knows nothing of HTTP/2 but how large a frame may be.
 */
#include "grpc/out.h"

#include <string.h>

struct dp_out *dp_out_new(void)
{
    struct dp_out *o = depot_alloc(sizeof(*o));
    memset(o, 0, offsetof(struct dp_out, iov));
    return o;
}

void dp_out_free(struct dp_out *o)
{
    if (o == NULL)
        return;
    for (int i = o->first; i < o->first + o->count; i++) {
        if (o->owner[i] != NULL)
            dp_grpc_chunk_unref(o->owner[i]);
    }
    depot_free(o);
}

bool dp_out_has_room(const struct dp_out *o)
{
    return o->bytes < DP_OUT_BATCH && o->small_len + DP_OUT_FRAME <= DP_OUT_SMALL &&
           o->first + o->count + DP_OUT_FRAME_IOV <= DP_OUT_IOV;
}

static void add_piece(struct dp_out *o, const void *data, size_t n, struct dp_grpc_chunk *owner)
{
    int i = o->first + o->count++;
    o->iov[i].iov_base = (void *)(uintptr_t)data;
    o->iov[i].iov_len = n;
    o->owner[i] = owner;
    if (owner != NULL)
        dp_grpc_chunk_ref(owner);
}

void dp_out_copy(struct dp_out *o, const void *data, size_t n)
{
    if (n == 0)
        return;
    uint8_t *to = o->small + o->small_len;
    memcpy(to, data, n);
    o->small_len += n;
    o->bytes += n;
    o->added += n;
    int last = o->first + o->count - 1;
    if (o->count > 0 && o->owner[last] == NULL)
        o->iov[last].iov_len += n;
    else
        add_piece(o, to, n, NULL);
}

void dp_out_take(struct dp_out *o, struct dp_grpc_queue *q, size_t n)
{
    while (n > 0) {
        const uint8_t *data;
        struct dp_grpc_chunk *owner;
        size_t piece = dp_grpc_queue_peek(q, &data, &owner);
        if (piece > n)
            piece = n;
        if (piece < DP_OUT_COPY_BELOW) {
            dp_out_copy(o, data, piece);
        } else {
            add_piece(o, data, piece, owner);
            o->bytes += piece;
            o->added += piece;
        }
        dp_grpc_queue_consume(q, piece);
        n -= piece;
    }
}

void dp_out_written(struct dp_out *o, size_t n)
{
    o->bytes -= n;
    while (n > 0) {
        struct iovec *v = &o->iov[o->first];
        if (n < v->iov_len) {
            v->iov_base = (char *)v->iov_base + n;
            v->iov_len -= n;
            return;
        }
        n -= v->iov_len;
        if (o->owner[o->first] != NULL)
            dp_grpc_chunk_unref(o->owner[o->first]);
        o->first++;
        o->count--;
    }
    if (o->count == 0) {
        o->first = 0;
        o->small_len = 0;
    }
}
