/*
 * Reading and writing protobuf fields.
 * Groups (wire types 3 and 4) are refused: no message of ours has ever had one.
 */
#include "grpc/pb.h"

#include <string.h>

static int get_varint(struct dp_pb_reader *r, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70 && r->p < r->end; shift += 7) {
        uint8_t b = *r->p++;
        if (shift < 64)
            v |= (uint64_t)(b & 0x7f) << shift;
        if ((b & 0x80) == 0) {
            *out = v;
            return 0;
        }
    }
    return DEPOT_ERR_PROTOCOL;
}

static int get_fixed(struct dp_pb_reader *r, size_t n, uint64_t *out)
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
    uint64_t tag;
    if (get_varint(r, &tag) < 0 || tag >> 3 == 0 || tag >> 3 > UINT32_MAX)
        return DEPOT_ERR_PROTOCOL;
    *f = (struct dp_pb_field){.number = (uint32_t)(tag >> 3), .type = (enum dp_pb_type)(tag & 7)};
    int rc = 0;
    switch ((unsigned)(tag & 7)) {
    case DP_PB_VARINT:
        rc = get_varint(r, &f->value);
        break;
    case DP_PB_FIXED64:
        rc = get_fixed(r, 8, &f->value);
        break;
    case DP_PB_FIXED32:
        rc = get_fixed(r, 4, &f->value);
        break;
    case DP_PB_BYTES: {
        uint64_t n;
        rc = get_varint(r, &n);
        if (rc == 0 && n > (uint64_t)(r->end - r->p))
            rc = DEPOT_ERR_PROTOCOL;
        if (rc == 0) {
            f->data = r->p;
            f->len = (size_t)n;
            r->p += n;
        }
        break;
    }
    default:
        rc = DEPOT_ERR_PROTOCOL;
    }
    return rc < 0 ? rc : 1;
}

const uint8_t *dp_pb_bytes(const void *msg, size_t n, uint32_t number, size_t *len)
{
    struct dp_pb_reader r = dp_pb_read(msg, n);
    struct dp_pb_field f;
    const uint8_t *found = NULL;
    *len = 0;
    int rc;
    while ((rc = dp_pb_next(&r, &f)) > 0) {
        if (f.number == number && f.type == DP_PB_BYTES) {
            found = f.data;
            *len = f.len;
        }
    }
    if (rc < 0)
        *len = 0;
    return rc < 0 ? NULL : found;
}

char *dp_pb_string(const void *msg, size_t n, uint32_t number, size_t max)
{
    size_t len;
    const uint8_t *data = dp_pb_bytes(msg, n, number, &len);
    if (data == NULL || len > max || (len > 0 && memchr(data, 0, len) != NULL))
        return NULL;
    return depot_strndup((const char *)data, len);
}

uint8_t *dp_pb_put_bytes(uint8_t *p, uint32_t number, const void *data, size_t n)
{
    if (n == 0)
        return p;
    p = dp_pb_put_tag(p, number, DP_PB_BYTES);
    p = dp_pb_put_varint(p, n);
    memcpy(p, data, n);
    return p + n;
}

uint8_t *dp_pb_put_uint(uint8_t *p, uint32_t number, uint64_t v)
{
    if (v == 0)
        return p;
    return dp_pb_put_varint(dp_pb_put_tag(p, number, DP_PB_VARINT), v);
}
