/*
 * The send queue of a call. Small messages share a chunk; a large buffer that was given away is
 * queued as it is and never copied.
 */
#include "grpc/queue.h"

#include "grpc/frame.h"

#include <assert.h>
#include <string.h>

enum {
    FIRST_CHUNK = 256,    /* most calls send one small message */
    SHARED_CHUNK = 16384, /* when messages pile up */
    COPY_BELOW = 4096,    /* taking a smaller buffer costs more than copying it */
};

void dp_grpc_chunk_ref(struct dp_grpc_chunk *k)
{
    k->refs++;
}

void dp_grpc_chunk_unref(struct dp_grpc_chunk *k)
{
    if (--k->refs > 0)
        return;
    depot_free(k->taken);
    depot_free(k);
}

static struct dp_grpc_chunk *chunk_new(size_t cap)
{
    struct dp_grpc_chunk *k = depot_alloc(sizeof(*k) + cap);
    memset(k, 0, sizeof(*k));
    k->refs = 1;
    k->cap = cap;
    k->data = (uint8_t *)(k + 1);
    return k;
}

static void append_chunk(struct dp_grpc_queue *q, struct dp_grpc_chunk *k)
{
    if (q->tail != NULL)
        q->tail->next = k;
    else
        q->head = k;
    q->tail = k;
}

/* A chunk at the tail with room for `n` bytes. */
static struct dp_grpc_chunk *tail_with_room(struct dp_grpc_queue *q, size_t n)
{
    struct dp_grpc_chunk *k = q->tail;
    if (k != NULL && k->taken == NULL && k->cap - k->len >= n)
        return k;
    size_t least = k == NULL ? FIRST_CHUNK : SHARED_CHUNK;
    k = chunk_new(n > least ? n : least);
    append_chunk(q, k);
    return k;
}

static void add_bytes(struct dp_grpc_queue *q, struct dp_grpc_chunk *k, const void *data, size_t n)
{
    if (n == 0)
        return;
    memcpy(k->data + k->len, data, n);
    k->len += n;
    q->bytes += n;
}

void dp_grpc_queue_message(struct dp_grpc_queue *q, const void *data, size_t n)
{
    uint8_t prefix[DP_GRPC_PREFIX_LEN];
    assert(n <= UINT32_MAX);
    dp_grpc_prefix(prefix, (uint32_t)n);
    struct dp_grpc_chunk *k = tail_with_room(q, sizeof(prefix) + n);
    add_bytes(q, k, prefix, sizeof(prefix));
    add_bytes(q, k, data, n);
}

void dp_grpc_queue_message_take(struct dp_grpc_queue *q, struct depot_buf *take)
{
    if (take->len < COPY_BELOW) {
        dp_grpc_queue_message(q, take->data, take->len);
        depot_buf_release(take);
        return;
    }
    uint8_t prefix[DP_GRPC_PREFIX_LEN];
    assert(take->len <= UINT32_MAX);
    dp_grpc_prefix(prefix, (uint32_t)take->len);
    struct dp_grpc_chunk *k = q->tail;
    if (k == NULL || k->taken != NULL || k->cap - k->len < sizeof(prefix)) {
        k = chunk_new(sizeof(prefix));
        append_chunk(q, k);
    }
    add_bytes(q, k, prefix, sizeof(prefix));
    k = chunk_new(0);
    k->len = k->cap = take->len;
    k->taken = depot_buf_detach(take);
    k->data = (uint8_t *)k->taken;
    q->bytes += k->len;
    append_chunk(q, k);
}

size_t dp_grpc_queue_peek(
    const struct dp_grpc_queue *q, const uint8_t **data, struct dp_grpc_chunk **owner)
{
    struct dp_grpc_chunk *k = q->head;
    if (k == NULL)
        return 0;
    *data = k->data + k->off;
    *owner = k;
    return k->len - k->off;
}

void dp_grpc_queue_consume(struct dp_grpc_queue *q, size_t n)
{
    q->bytes -= n;
    while (n > 0) {
        struct dp_grpc_chunk *k = q->head;
        assert(k != NULL); /* nobody consumes more than he peeked at */
        size_t step = k->len - k->off < n ? k->len - k->off : n;
        k->off += step;
        n -= step;
        if (k->off < k->len)
            return;
        q->head = k->next;
        if (q->head == NULL)
            q->tail = NULL;
        dp_grpc_chunk_unref(k);
    }
}

void dp_grpc_queue_clear(struct dp_grpc_queue *q)
{
    for (struct dp_grpc_chunk *k = q->head, *next; k != NULL; k = next) {
        next = k->next;
        dp_grpc_chunk_unref(k);
    }
    memset(q, 0, sizeof(*q));
}
