/*
 * Messages between us and the engine that are not worth, or not fit for, a generated decoder.
 */
#ifndef DEPOT_CORE_BUILDKIT_MESSAGE_H
#define DEPOT_CORE_BUILDKIT_MESSAGE_H

#include <depot/buf.h>

#include <protobuf-c/protobuf-c.h>

#include "grpc/pb.h"

/* A message whose only field in use is `bytes data = 1`: what the peer sent, borrowed. */
int dp_pb_bytes_message(
    const void *msg, size_t n, const uint8_t **data, size_t *len) DEPOT_MUST_CHECK;
/* The reverse: what stands in one before its `n` bytes. Returns the length. */
enum { DP_PB_BYTES_HEAD_MAX = 1 + DP_PB_VARINT_MAX };
size_t dp_pb_bytes_head(uint8_t out[DP_PB_BYTES_HEAD_MAX], size_t n);

/* Append a packed protobuf-c message. */
void dp_pb_pack(struct depot_buf *to, const ProtobufCMessage *m);

#endif
