/*
 * fsutil's packets: what a file transfer is made of, in either direction. Decoding is in place.
 */
#ifndef DEPOT_CORE_SESSION_PACKET_H
#define DEPOT_CORE_SESSION_PACKET_H

#include <depot/buf.h>

#include <sys/stat.h>

enum dp_packet_type {
    DP_PACKET_STAT,
    DP_PACKET_REQ,
    DP_PACKET_DATA,
    DP_PACKET_FIN,
    DP_PACKET_ERR,
    DP_PACKET_COUNT
};

/* Bits of a mode on the wire: those of Go's FileMode, not of st_mode. */
enum {
    DP_MODE_SYMLINK = 1 << 27,
    DP_MODE_DEVICE = 1 << 26,
    DP_MODE_FIFO = 1 << 25,
    DP_MODE_SOCKET = 1 << 24,
    DP_MODE_SETUID = 1 << 23,
    DP_MODE_SETGID = 1 << 22,
    DP_MODE_CHAR = 1 << 21, /* set with DP_MODE_DEVICE */
    DP_MODE_STICKY = 1 << 20,
};
#define DP_MODE_DIR  UINT32_C(0x80000000)
#define DP_MODE_TYPE UINT32_C(0x8F280000) /* none of these: a regular file */

struct dp_fstat {
    const char *path, *link; /* not terminated */
    size_t path_len, link_len;
    uint32_t mode; /* Go bits */
    int64_t size, mtime;
    int64_t major, minor;
    /* Fields 10, as dp_packet_add_xattr() encodes them; xattr.h reads them. */
    const void *xattrs;
    size_t xattrs_len;
};

struct dp_packet {
    enum dp_packet_type type;
    bool has_stat;
    struct dp_fstat stat;
    uint32_t id;
    const uint8_t *data;
    size_t len;
};

uint32_t dp_mode_from_stat(mode_t mode);
mode_t dp_mode_permissions(uint32_t mode); /* with setuid, setgid and sticky, as chmod takes them */

/* Pointers go into `msg`. DEPOT_ERR_PROTOCOL on garbage. */
int dp_packet_decode(const void *msg, size_t n, struct dp_packet *out) DEPOT_MUST_CHECK;

/* Write a STAT packet to the end of `b`. */
void dp_packet_add_stat(struct depot_buf *b, const struct dp_fstat *st);
void dp_packet_add_xattr(struct depot_buf *b, const char *name, const void *value, size_t n);

/* A packet without a stat into `out`, up to where its data would begin, for `n` bytes of data to
 * follow; returns its length. */
enum { DP_PACKET_HEAD_MAX = 24 };
size_t dp_packet_head(
    uint8_t out[DP_PACKET_HEAD_MAX], enum dp_packet_type type, uint32_t id, size_t n);

#endif
