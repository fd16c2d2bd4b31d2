/*
 * Frames are built where they are queued: the copy into the chunk is also the masking, so a byte is
 * touched once on its way to the socket.
 */
#include "ws/queue.h"

#include <depot/base.h>

#include <string.h>

struct dp_wsq_chunk {
    struct dp_wsq_chunk *next;
    size_t len, cap;
    size_t wrote; /* of header and data */
    enum depot_ws_op op;
    bool joinable; /* more bytes of the stream may be added */
    uint8_t key[4];
    uint8_t header[16]; /* ends where `data` begins */
    uint8_t data[];
};

void dp_wsq_mask(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t key[4], size_t pos)
{
    size_t i = 0;
    for (; i < n && ((pos + i) & 3) != 0; i++)
        dst[i] = src[i] ^ key[(pos + i) & 3];
    uint32_t k32;
    memcpy(&k32, key, sizeof(k32));
    const uint64_t k = (uint64_t)k32 << 32 | k32;
    for (; n - i >= 4 * sizeof(k); i += 4 * sizeof(k)) {
        uint64_t w[4];
        memcpy(w, src + i, sizeof(w));
        w[0] ^= k;
        w[1] ^= k;
        w[2] ^= k;
        w[3] ^= k;
        memcpy(dst + i, w, sizeof(w));
    }
    for (; i < n; i++)
        dst[i] = src[i] ^ key[(pos + i) & 3];
}

static struct dp_wsq_chunk *chunk_new(
    struct dp_wsq *q, enum depot_ws_op op, size_t cap, bool joinable)
{
    struct dp_wsq_chunk *c = NULL;
    if (cap == DP_WSQ_FRAME_MAX && q->spare != NULL) {
        c = q->spare;
        q->spare = NULL;
    } else {
        c = depot_alloc(sizeof(*c) + cap);
    }
    c->next = NULL;
    c->len = c->wrote = 0;
    c->cap = cap;
    c->op = op;
    c->joinable = joinable;
    memset(c->key, 0, sizeof(c->key));
    if (!q->plain)
        depot_random_bytes(c->key, sizeof(c->key));
    if (q->tail != NULL)
        q->tail->next = c;
    else
        q->head = c;
    q->tail = c;
    return c;
}

static void chunk_add(struct dp_wsq *q, struct dp_wsq_chunk *c, const void *data, size_t n)
{
    if (n == 0)
        return;
    if (q->plain)
        memcpy(c->data + c->len, data, n);
    else
        dp_wsq_mask(c->data + c->len, data, n, c->key, c->len);
    c->len += n;
    q->queued += n;
}

static void pop(struct dp_wsq *q)
{
    struct dp_wsq_chunk *c = q->head;
    q->head = c->next;
    if (q->head == NULL)
        q->tail = NULL;
    q->queued -= c->len;
    if (c->cap == DP_WSQ_FRAME_MAX && q->spare == NULL)
        q->spare = c;
    else
        depot_free(c);
}

void dp_wsq_drop(struct dp_wsq *q)
{
    struct dp_wsq_chunk *begun = q->head;
    if (begun != NULL && begun->wrote == 0)
        begun = NULL;
    else if (begun != NULL)
        q->head = begun->next;
    while (q->head != NULL)
        pop(q);
    if (begun == NULL)
        return;
    begun->next = NULL;
    q->head = q->tail = begun;
}

void dp_wsq_release(struct dp_wsq *q)
{
    while (q->head != NULL)
        pop(q);
    depot_free(q->spare);
    q->spare = NULL;
}

void dp_wsq_message(struct dp_wsq *q, enum depot_ws_op op, const void *data, size_t n)
{
    chunk_add(q, chunk_new(q, op, n, false), data, n);
}

void dp_wsq_pong(struct dp_wsq *q, const void *data, size_t n)
{
    struct dp_wsq_chunk *c = q->tail;
    if (c == NULL || c->op != DEPOT_WS_PONG || c->wrote > 0)
        c = chunk_new(q, DEPOT_WS_PONG, DEPOT_WS_CONTROL_MAX, false);
    q->queued -= c->len;
    c->len = 0;
    chunk_add(q, c, data, n);
}

void dp_wsq_bytes(struct dp_wsq *q, const void *data, size_t n)
{
    const uint8_t *p = data;
    while (n > 0) {
        struct dp_wsq_chunk *c = q->tail;
        if (c == NULL || !c->joinable || c->len == c->cap)
            c = chunk_new(q, DEPOT_WS_BINARY, DP_WSQ_FRAME_MAX, true);
        const size_t room = c->cap - c->len;
        const size_t take = n < room ? n : room;
        chunk_add(q, c, p, take);
        p += take;
        n -= take;
    }
}

const uint8_t *dp_wsq_front(struct dp_wsq *q, size_t *n, size_t *payload)
{
    struct dp_wsq_chunk *c = q->head;
    if (c == NULL)
        return NULL;
    if (c->wrote == 0)
        depot_ws_head(c->data, c->op, c->len, c->key);
    c->joinable = false; /* its length is about to go out */
    const size_t header = depot_ws_head_len(c->len, true);
    *n = header + c->len - c->wrote;
    *payload = c->len;
    return c->data - header + c->wrote;
}

void dp_wsq_wrote(struct dp_wsq *q, size_t n)
{
    struct dp_wsq_chunk *c = q->head;
    if (c == NULL)
        return;
    c->wrote += n;
    if (c->wrote >= depot_ws_head_len(c->len, true) + c->len)
        pop(q);
}
