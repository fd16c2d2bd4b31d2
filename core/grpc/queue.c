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
    /* Of pieces: below what malloc gives back to the system each time, and what is kept of them. */
    PIECES_CHUNK = 64 * 1024,
    SPARES_MAX = 8,
};

void dp_grpc_chunk_ref(struct dp_grpc_chunk *k)
{
    k->refs++;
}

static void free_spares(struct dp_grpc_spares *s)
{
    for (struct dp_grpc_chunk *k = s->head, *next; k != NULL; k = next) {
        next = k->next;
        depot_free(k);
    }
    s->head = NULL;
    s->n = 0;
}

static void spares_unref(struct dp_grpc_spares *s)
{
    if (s == NULL || --s->refs > 0)
        return;
    free_spares(s);
    depot_free(s);
}

void dp_grpc_chunk_unref(struct dp_grpc_chunk *k)
{
    struct dp_grpc_spares *home = k->home;
    if (--k->refs > 0)
        return;
    if (home != NULL && !home->closed && home->n < SPARES_MAX) {
        k->next = home->head;
        home->head = k;
        home->n++;
    } else {
        depot_free(k->taken);
        depot_free(k);
    }
    spares_unref(home);
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

/* A chunk from the spares, or a new one that goes there. */
static struct dp_grpc_chunk *pieces_chunk(struct dp_grpc_queue *q)
{
    if (q->spares == NULL) {
        q->spares = depot_calloc(1, sizeof(*q->spares));
        q->spares->refs = 1;
    }
    struct dp_grpc_spares *s = q->spares;
    struct dp_grpc_chunk *k = s->head;
    if (k != NULL) {
        s->head = k->next;
        s->n--;
        k->next = NULL;
        k->off = k->len = 0;
        k->refs = 1;
    } else {
        k = chunk_new(PIECES_CHUNK);
        k->home = s;
    }
    s->refs++;
    append_chunk(q, k);
    return k;
}

static void add_piece(struct dp_grpc_queue *q, const uint8_t *data, size_t n)
{
    while (n > 0) {
        struct dp_grpc_chunk *k = q->tail;
        if (k == NULL || k->taken != NULL || k->len == k->cap)
            k = pieces_chunk(q);
        size_t room = k->cap - k->len, take = n < room ? n : room;
        add_bytes(q, k, data, take);
        data += take;
        n -= take;
    }
}

void dp_grpc_queue_pieces(struct dp_grpc_queue *q, const struct iovec *pieces, size_t n)
{
    uint8_t prefix[DP_GRPC_PREFIX_LEN];
    size_t all = 0;
    for (size_t i = 0; i < n; i++)
        all += pieces[i].iov_len;
    assert(all <= UINT32_MAX);
    dp_grpc_prefix(prefix, (uint32_t)all);
    add_piece(q, prefix, sizeof(prefix));
    for (size_t i = 0; i < n; i++)
        add_piece(q, pieces[i].iov_base, pieces[i].iov_len);
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
    if (q->spares != NULL) {
        q->spares->closed = true;
        free_spares(q->spares);
        spares_unref(q->spares);
    }
    memset(q, 0, sizeof(*q));
}
