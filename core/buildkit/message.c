/*
 * The session's byte messages, written and read without a copy too many; packing the others.
 */
#include "buildkit/message.h"

int dp_pb_bytes_message(const void *msg, size_t n, const uint8_t **data, size_t *len)
{
    struct dp_pb_reader r = dp_pb_read(msg, n);
    struct dp_pb_field f;
    const uint8_t *found = r.p;
    size_t found_len = 0;
    int rc;
    while ((rc = dp_pb_next(&r, &f)) > 0) {
        if (f.number == 1 && f.type == DP_PB_BYTES) {
            found = f.data;
            found_len = f.len;
        }
    }
    if (rc < 0)
        return rc;
    *data = found;
    *len = found_len;
    return 0;
}

size_t dp_pb_bytes_head(uint8_t out[DP_PB_BYTES_HEAD_MAX], size_t n)
{
    if (n == 0)
        return 0; /* proto3 leaves an empty field out */
    return (size_t)(dp_pb_put_varint(dp_pb_put_tag(out, 1, DP_PB_BYTES), n) - out);
}

void dp_pb_pack(struct depot_buf *to, const ProtobufCMessage *m)
{
    size_t n = protobuf_c_message_get_packed_size(m);
    char *at = depot_buf_reserve(to, n);
    if (at == NULL)
        return;
    protobuf_c_message_pack(m, (uint8_t *)at);
    to->len += n;
    to->data[to->len] = '\0';
}
