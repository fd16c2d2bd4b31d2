/*
 * The protobuf wire format by hand, for the two places where a generated decoder's copies would be
 * felt: progress messages and the relayed bytes of a session. Everything else uses protobuf-c.
 */
#ifndef DEPOT_CORE_BUILDKIT_PB_H
#define DEPOT_CORE_BUILDKIT_PB_H

#include <depot/buf.h>

#include <protobuf-c/protobuf-c.h>

enum { DP_PB_VARINT = 0, DP_PB_FIXED64 = 1, DP_PB_BYTES = 2, DP_PB_FIXED32 = 5 };

struct dp_pb_reader {
    const uint8_t *p, *end;
};

struct dp_pb_field {
    uint32_t number;
    int type;
    uint64_t value;      /* numbers */
    const uint8_t *data; /* DP_PB_BYTES: borrowed from the message */
    size_t len;
};

static inline struct dp_pb_reader dp_pb_read(const void *data, size_t n)
{
    const uint8_t *p = n > 0 ? data : (const uint8_t *)"";
    return (struct dp_pb_reader){.p = p, .end = p + n};
}

/* The next field: 1, 0 at the end, or DEPOT_ERR_PROTOCOL. */
int dp_pb_next(struct dp_pb_reader *r, struct dp_pb_field *f) DEPOT_MUST_CHECK;

/* A message whose only field in use is `bytes data = 1`: what the peer sent, borrowed. */
int dp_pb_bytes_message(
    const void *msg, size_t n, const uint8_t **data, size_t *len) DEPOT_MUST_CHECK;
/* The reverse, appended to `to`. */
void dp_pb_add_bytes_message(struct depot_buf *to, const void *data, size_t n);

/* Append a packed protobuf-c message. */
void dp_pb_pack(struct depot_buf *to, const ProtobufCMessage *m);

#endif
