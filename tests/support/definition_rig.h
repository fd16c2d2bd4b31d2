/*
 * Writes encoded definitions (pb.Definition), a field at a time.
 */
#ifndef DEPOT_TEST_DEFINITION_RIG_H
#define DEPOT_TEST_DEFINITION_RIG_H

#include <depot/buf.h>
#include <depot/digest.h>

#include <string.h>

#include "grpc/pb.h"

static inline void add(struct depot_buf *to, uint32_t number, const void *data, size_t n)
{
    uint8_t head[2 * DP_PB_VARINT_MAX];
    uint8_t *p = dp_pb_put_varint(dp_pb_put_tag(head, number, DP_PB_BYTES), n);
    depot_buf_add(to, head, (size_t)(p - head));
    depot_buf_add(to, data, n);
}

static inline void add_buf(struct depot_buf *to, uint32_t number, struct depot_buf *from)
{
    add(to, number, depot_buf_str(from), from->len);
    depot_buf_release(from);
}

static inline void adds(struct depot_buf *to, uint32_t number, const char *s)
{
    add(to, number, s, strlen(s));
}

static inline void add_number(struct depot_buf *to, uint32_t number, uint64_t v)
{
    uint8_t field[2 * DP_PB_VARINT_MAX];
    depot_buf_add(to, field, (size_t)(dp_pb_put_uint(field, number, v) - field));
}

#define BUF DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT)

/* One operation with up to one input; its digest comes back. */
static inline void add_op(struct depot_buf *def, uint32_t kind, const char *input, const char *arch,
    struct depot_buf *body, char digest[DEPOT_DIGEST_LEN + 1])
{
    struct depot_buf op = BUF;
    if (input != NULL) {
        struct depot_buf in = BUF;
        adds(&in, 1, input);
        add_buf(&op, 1, &in);
    }
    if (kind != 0)
        add_buf(&op, kind, body);
    if (arch != NULL) {
        struct depot_buf platform = BUF;
        adds(&platform, 1, arch);
        adds(&platform, 2, "linux");
        if (strcmp(arch, "arm") == 0)
            adds(&platform, 3, "v7");
        add_buf(&op, 10, &platform);
    }
    depot_digest_of(depot_buf_str(&op), op.len, digest);
    add_buf(def, 1, &op);
}

static inline struct depot_buf exec_body(void)
{
    struct depot_buf body = BUF, meta = BUF;
    adds(&meta, 1, "/bin/sh");
    adds(&meta, 1, "-c");
    adds(&meta, 1, "make");
    adds(&meta, 2, "PATH=/bin");
    add_buf(&body, 1, &meta);
    return body;
}

static inline void add_description(struct depot_buf *def, const char *digest, const char *name)
{
    struct depot_buf entry = BUF, value = BUF, other = BUF, pair = BUF;
    adds(&other, 1, "com.example");
    adds(&other, 2, "not the name");
    adds(&pair, 1, "llb.customname");
    adds(&pair, 2, name);
    add_number(&value, 1, 1);
    add_buf(&value, 2, &pair);
    add_buf(&value, 2, &other);
    adds(&entry, 1, digest);
    add_buf(&entry, 2, &value);
    add_buf(def, 2, &entry);
}

static inline void add_place(
    struct depot_buf *source, const char *digest, uint64_t file, uint64_t line)
{
    struct depot_buf entry = BUF, locations = BUF, location = BUF, range = BUF, at = BUF;
    add_number(&at, 1, line);
    add_number(&at, 2, 4);
    add(&range, 1, at.data, at.len);
    add_buf(&range, 2, &at);
    add_number(&location, 1, file);
    add_buf(&location, 2, &range);
    add_buf(&locations, 1, &location);
    adds(&entry, 1, digest);
    add_buf(&entry, 2, &locations);
    add_buf(source, 1, &entry);
}

#endif
