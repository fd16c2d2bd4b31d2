/*
 * The protobuf wire format, by hand, for messages that are tiny or hot: they are read in place.
 * Knows nothing of any message; the others are protobuf-c's.
 */
#ifndef DEPOT_CORE_GRPC_PB_H
#define DEPOT_CORE_GRPC_PB_H

#include <depot/base.h>

enum dp_pb_type { DP_PB_VARINT = 0, DP_PB_FIXED64 = 1, DP_PB_BYTES = 2, DP_PB_FIXED32 = 5 };

struct dp_pb_reader {
    const uint8_t *p, *end;
};

struct dp_pb_field {
    uint32_t number;
    enum dp_pb_type type;
    uint64_t value;      /* VARINT, I64, I32 */
    const uint8_t *data; /* LEN: borrowed from the message */
    size_t len;
};

static inline struct dp_pb_reader dp_pb_read(const void *data, size_t n)
{
    const uint8_t *p = data;
    return (struct dp_pb_reader){.p = p, .end = n == 0 ? p : p + n};
}

/* 1: a field; 0: the end; DEPOT_ERR_PROTOCOL: not protobuf. */
int dp_pb_next(struct dp_pb_reader *r, struct dp_pb_field *f) DEPOT_MUST_CHECK;
/* The last occurrence of a bytes field, or NULL: for messages of one or two fields. */
const uint8_t *dp_pb_bytes(const void *msg, size_t n, uint32_t number, size_t *len);
/* The same as a string of our own; NULL when absent, too long for `max`, or holding a NUL. */
char *dp_pb_string(const void *msg, size_t n, uint32_t number, size_t max);

enum { DP_PB_VARINT_MAX = 10 };
static inline size_t dp_pb_varint_len(uint64_t v)
{
    size_t n = 1;
    for (; v >= 0x80; v >>= 7)
        n++;
    return n;
}

static inline uint8_t *dp_pb_put_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

static inline uint8_t *dp_pb_put_tag(uint8_t *p, uint32_t number, enum dp_pb_type wire)
{
    return dp_pb_put_varint(p, (uint64_t)number << 3 | (unsigned)wire);
}

/* Tag, length and bytes of a LEN field; nothing when n is 0, as proto3 has it. */
uint8_t *dp_pb_put_bytes(uint8_t *p, uint32_t number, const void *data, size_t n);
/* Tag and value; nothing when v is 0. */
uint8_t *dp_pb_put_uint(uint8_t *p, uint32_t number, uint64_t v);

#endif
