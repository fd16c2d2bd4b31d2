/*
 * fsutil Packet and Stat to bytes and back. No I/O, and no opinion on what a path may be.
 */
#include "session/packet.h"

#include <string.h>

#include "grpc/pb.h"

/* The parts of st_mode that Go writes differently. */
static const struct {
    mode_t posix;
    uint32_t go;
} mode_bits[] = {
    {S_ISUID, DP_MODE_SETUID},
    {S_ISGID, DP_MODE_SETGID},
    {S_ISVTX, DP_MODE_STICKY},
};

uint32_t dp_mode_from_stat(mode_t mode)
{
    uint32_t out = mode & 0777;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(mode_bits); i++) {
        if (mode & mode_bits[i].posix)
            out |= mode_bits[i].go;
    }
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return out | DP_MODE_DIR;
    case S_IFLNK:
        return out | DP_MODE_SYMLINK;
    case S_IFIFO:
        return out | DP_MODE_FIFO;
    case S_IFSOCK: /* fsutil makes an empty file of it: no engine knows what else to do */
        return out;
    case S_IFBLK:
        return out | DP_MODE_DEVICE;
    case S_IFCHR:
        return out | DP_MODE_DEVICE | DP_MODE_CHAR;
    default:
        return out;
    }
}

mode_t dp_mode_permissions(uint32_t mode)
{
    mode_t out = mode & 0777;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(mode_bits); i++) {
        if (mode & mode_bits[i].go)
            out |= mode_bits[i].posix;
    }
    return out;
}

/* They stand together, so that they can be kept as they are. */
static int add_xattrs(struct dp_fstat *st, const uint8_t *start, const uint8_t *end)
{
    if (st->xattrs_len == 0)
        st->xattrs = start;
    if ((const uint8_t *)st->xattrs + st->xattrs_len != start)
        return DEPOT_ERR_PROTOCOL;
    st->xattrs_len += (size_t)(end - start);
    return 0;
}

static int decode_stat(const uint8_t *msg, size_t n, struct dp_fstat *st)
{
    struct dp_pb_reader r = dp_pb_read(msg, n);
    struct dp_pb_field f;
    const uint8_t *start = r.p;
    int rc;
    *st = (struct dp_fstat){.path = "", .link = ""};
    for (; (rc = dp_pb_next(&r, &f)) > 0; start = r.p) {
        bool bytes = f.number == 1 || f.number == 7 || f.number == 10;
        if (f.number <= 10 && f.type != (bytes ? DP_PB_BYTES : DP_PB_VARINT))
            return DEPOT_ERR_PROTOCOL;
        switch (f.number) {
        case 1:
            st->path = (const char *)f.data;
            st->path_len = f.len;
            break;
        case 2:
            st->mode = (uint32_t)f.value;
            break;
        case 5:
            st->size = (int64_t)f.value;
            break;
        case 6:
            st->mtime = (int64_t)f.value;
            break;
        case 7:
            st->link = (const char *)f.data;
            st->link_len = f.len;
            break;
        case 8:
            st->major = (int64_t)f.value;
            break;
        case 9:
            st->minor = (int64_t)f.value;
            break;
        case 10:
            rc = add_xattrs(st, start, r.p);
            if (rc < 0)
                return rc;
            break;
        default: /* the owner is not ours to keep */
            break;
        }
    }
    return rc;
}

int dp_packet_decode(const void *msg, size_t n, struct dp_packet *out)
{
    struct dp_pb_reader r = dp_pb_read(msg, n);
    struct dp_pb_field f;
    int rc;
    *out = (struct dp_packet){.type = DP_PACKET_STAT, .stat = {.path = "", .link = ""}};
    while ((rc = dp_pb_next(&r, &f)) > 0) {
        bool bytes = f.number == 2 || f.number == 4;
        if (f.number <= 4 && f.type != (bytes ? DP_PB_BYTES : DP_PB_VARINT))
            return DEPOT_ERR_PROTOCOL;
        switch (f.number) {
        case 1:
            if (f.value >= DP_PACKET_COUNT)
                return DEPOT_ERR_PROTOCOL;
            out->type = (enum dp_packet_type)f.value;
            break;
        case 2:
            out->has_stat = true;
            rc = decode_stat(f.data, f.len, &out->stat);
            if (rc < 0)
                return rc;
            break;
        case 3:
            out->id = (uint32_t)f.value;
            break;
        case 4:
            out->data = f.data;
            out->len = f.len;
            break;
        default:
            break;
        }
    }
    return rc;
}

static size_t bytes_size(size_t n)
{
    return n == 0 ? 0 : 1 + dp_pb_varint_len(n) + n;
}

static size_t uint_size(uint64_t v)
{
    return v == 0 ? 0 : 1 + dp_pb_varint_len(v);
}

void dp_packet_add_stat(struct depot_buf *b, const struct dp_fstat *st)
{
    size_t body = bytes_size(st->path_len) + uint_size(st->mode) + uint_size((uint64_t)st->size) +
                  uint_size((uint64_t)st->mtime) + bytes_size(st->link_len) +
                  uint_size((uint64_t)st->major) + uint_size((uint64_t)st->minor) + st->xattrs_len;
    uint8_t *start = (uint8_t *)depot_buf_reserve(b, 1 + DP_PB_VARINT_MAX + body);
    if (start == NULL)
        return;
    uint8_t *p = dp_pb_put_tag(start, 2, DP_PB_BYTES);
    p = dp_pb_put_varint(p, body);
    p = dp_pb_put_bytes(p, 1, st->path, st->path_len);
    p = dp_pb_put_uint(p, 2, st->mode);
    p = dp_pb_put_uint(p, 5, (uint64_t)st->size);
    p = dp_pb_put_uint(p, 6, (uint64_t)st->mtime);
    p = dp_pb_put_bytes(p, 7, st->link, st->link_len);
    p = dp_pb_put_uint(p, 8, (uint64_t)st->major);
    p = dp_pb_put_uint(p, 9, (uint64_t)st->minor);
    if (st->xattrs_len > 0)
        memcpy(p, st->xattrs, st->xattrs_len);
    b->len += (size_t)(p - start) + st->xattrs_len;
    b->data[b->len] = '\0';
}

void dp_packet_add_xattr(struct depot_buf *b, const char *name, const void *value, size_t n)
{
    size_t name_len = strlen(name);
    size_t body = bytes_size(name_len) + bytes_size(n);
    uint8_t *start = (uint8_t *)depot_buf_reserve(b, 1 + DP_PB_VARINT_MAX + body);
    if (start == NULL)
        return;
    uint8_t *p = dp_pb_put_tag(start, 10, DP_PB_BYTES);
    p = dp_pb_put_varint(p, body);
    p = dp_pb_put_bytes(p, 1, name, name_len);
    p = dp_pb_put_bytes(p, 2, value, n);
    b->len += (size_t)(p - start);
    b->data[b->len] = '\0';
}

size_t dp_packet_head(
    uint8_t out[DP_PACKET_HEAD_MAX], enum dp_packet_type type, uint32_t id, size_t n)
{
    uint8_t *p = dp_pb_put_uint(out, 1, (uint64_t)type);
    p = dp_pb_put_uint(p, 3, id);
    if (n > 0) {
        p = dp_pb_put_tag(p, 4, DP_PB_BYTES);
        p = dp_pb_put_varint(p, n);
    }
    return (size_t)(p - out);
}
