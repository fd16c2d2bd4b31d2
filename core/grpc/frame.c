/*
 * gRPC's message framing. A message that lies whole in the input is handed out where it lies;
 * only one that is spread over several inputs is assembled.
 */
#include "grpc/frame.h"

#include <string.h>

enum { FIRST_CLAIM = DP_GRPC_KEEP_BUFFER / 2 }; /* memory taken before any of a message came */

void dp_grpc_prefix(uint8_t out[DP_GRPC_PREFIX_LEN], uint32_t n)
{
    out[0] = 0;
    out[1] = (uint8_t)(n >> 24);
    out[2] = (uint8_t)(n >> 16);
    out[3] = (uint8_t)(n >> 8);
    out[4] = (uint8_t)n;
}

void dp_grpc_dec_init(struct dp_grpc_dec *d, size_t max)
{
    memset(d, 0, sizeof(*d));
    d->max = max;
    depot_buf_init(&d->body, max);
}

void dp_grpc_dec_release(struct dp_grpc_dec *d)
{
    depot_buf_release(&d->body);
}

bool dp_grpc_dec_idle(const struct dp_grpc_dec *d)
{
    return d->head_len == 0;
}

static uint32_t message_len(const struct dp_grpc_dec *d)
{
    return (uint32_t)d->head[1] << 24 | (uint32_t)d->head[2] << 16 | (uint32_t)d->head[3] << 8 |
           d->head[4];
}

static void recycle(struct dp_grpc_dec *d)
{
    d->spent = false;
    if (d->body.cap > DP_GRPC_KEEP_BUFFER)
        depot_buf_release(&d->body);
    else
        depot_buf_clear(&d->body);
}

/* Read what is missing of the prefix; 1 when it is whole and acceptable. */
static int take_prefix(struct dp_grpc_dec *d, const uint8_t **in, size_t *n)
{
    while (*n > 0 && d->head_len < DP_GRPC_PREFIX_LEN) {
        d->head[d->head_len++] = *(*in)++;
        (*n)--;
    }
    if (d->head_len > 0 && d->head[0] != 0)
        return DEPOT_ERR_PROTOCOL;
    if (d->head_len < DP_GRPC_PREFIX_LEN)
        return 0;
    return message_len(d) > d->max ? DEPOT_ERR_TOO_BIG : 1;
}

static void assemble(struct dp_grpc_dec *d, const uint8_t **in, size_t *n, size_t need)
{
    /* The announced size is only a claim: take memory for it in steps. */
    if (d->body.len == 0)
        (void)depot_buf_reserve(&d->body, need < FIRST_CLAIM ? need : FIRST_CLAIM);
    size_t take = need - d->body.len;
    if (take > *n)
        take = *n;
    depot_buf_add(&d->body, *in, take);
    *in += take;
    *n -= take;
}

int dp_grpc_dec_next(
    struct dp_grpc_dec *d, const uint8_t **in, size_t *n, const uint8_t **msg, size_t *msg_len)
{
    if (d->spent)
        recycle(d);
    int rc = take_prefix(d, in, n);
    if (rc <= 0)
        return rc;
    size_t need = message_len(d);
    if (d->body.len == 0 && *n >= need) {
        *msg = need > 0 ? *in : (const uint8_t *)"";
        *in += need;
        *n -= need;
    } else {
        if (*n == 0)
            return 0;
        assemble(d, in, n, need);
        if (d->body.len < need)
            return 0;
        *msg = (const uint8_t *)d->body.data;
        d->spent = true;
    }
    *msg_len = need;
    d->head_len = 0;
    return 1;
}
