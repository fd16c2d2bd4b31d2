/*
 * Reading and writing the protobuf wire format. Knows fields and lengths, and nothing of what a
 * message means.
 */
#include "buildkit/pb.h"

enum { VARINT_MAX = 10 };

static int read_varint(struct dp_pb_reader *r, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 7 * VARINT_MAX; shift += 7) {
        if (r->p == r->end)
            return DEPOT_ERR_PROTOCOL;
        uint8_t b = *r->p++;
        v |= (uint64_t)(b & 0x7f) << shift;
        if ((b & 0x80) == 0) {
            *out = v;
            return 0;
        }
    }
    return DEPOT_ERR_PROTOCOL;
}

static int read_fixed(struct dp_pb_reader *r, size_t n, uint64_t *out)
{
    if ((size_t)(r->end - r->p) < n)
        return DEPOT_ERR_PROTOCOL;
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)r->p[i] << (8 * i);
    r->p += n;
    *out = v;
    return 0;
}

int dp_pb_next(struct dp_pb_reader *r, struct dp_pb_field *f)
{
    if (r->p == r->end)
        return 0;
    uint64_t tag, n;
    if (read_varint(r, &tag) < 0 || tag > UINT32_MAX || tag >> 3 == 0)
        return DEPOT_ERR_PROTOCOL;
    *f = (struct dp_pb_field){.number = (uint32_t)(tag >> 3), .type = (int)(tag & 7)};
    switch (f->type) {
    case DP_PB_VARINT:
        return read_varint(r, &f->value) < 0 ? DEPOT_ERR_PROTOCOL : 1;
    case DP_PB_FIXED64:
        return read_fixed(r, 8, &f->value) < 0 ? DEPOT_ERR_PROTOCOL : 1;
    case DP_PB_FIXED32:
        return read_fixed(r, 4, &f->value) < 0 ? DEPOT_ERR_PROTOCOL : 1;
    case DP_PB_BYTES:
        if (read_varint(r, &n) < 0 || n > (uint64_t)(r->end - r->p))
            return DEPOT_ERR_PROTOCOL;
        f->data = r->p;
        f->len = (size_t)n;
        r->p += n;
        return 1;
    default: /* groups left the format before BuildKit was written */
        return DEPOT_ERR_PROTOCOL;
    }
}

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

void dp_pb_add_bytes_message(struct depot_buf *to, const void *data, size_t n)
{
    if (n == 0)
        return; /* proto3 leaves an empty field out */
    char head[1 + VARINT_MAX];
    size_t len = 0;
    head[len++] = 0x0a; /* field 1, DP_PB_BYTES */
    uint64_t v = n;
    do {
        head[len++] = (char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        v >>= 7;
    } while (v > 0);
    if (depot_buf_reserve(to, len + n) == NULL)
        return;
    depot_buf_add(to, head, len);
    depot_buf_add(to, data, n);
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
