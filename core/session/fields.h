/*
 * The protobuf wire format, by hand: the session's messages are small or hot, and are read in
 * place. Knows nothing of any message.
 */
#ifndef DEPOT_CORE_SESSION_FIELDS_H
#define DEPOT_CORE_SESSION_FIELDS_H

#include <depot/base.h>

enum dp_field_wire { DP_FIELD_VARINT = 0, DP_FIELD_I64 = 1, DP_FIELD_LEN = 2, DP_FIELD_I32 = 5 };

struct dp_fields {
    const uint8_t *p, *end;
};

struct dp_fields_item {
    uint32_t number;
    enum dp_field_wire wire;
    uint64_t value;      /* VARINT, I64, I32 */
    const uint8_t *data; /* LEN: borrowed from the message */
    size_t len;
};

static inline struct dp_fields dp_fields_reader(const void *data, size_t n)
{
    const uint8_t *p = data;
    return (struct dp_fields){.p = p, .end = n == 0 ? p : p + n};
}

/* 1: a field; 0: the end; DEPOT_ERR_PROTOCOL: not protobuf. */
int dp_fields_next(struct dp_fields *r, struct dp_fields_item *f) DEPOT_MUST_CHECK;
/* The last occurrence of a bytes field, or NULL: for messages of one or two fields. */
const uint8_t *dp_fields_bytes(const void *msg, size_t n, uint32_t number, size_t *len);
/* The same as a string of our own; NULL when absent, too long for `max`, or holding a NUL. */
char *dp_fields_string(const void *msg, size_t n, uint32_t number, size_t max);

enum { DP_FIELD_VARINT_MAX = 10 };
static inline size_t dp_fields_varint_len(uint64_t v)
{
    size_t n = 1;
    for (; v >= 0x80; v >>= 7)
        n++;
    return n;
}

static inline uint8_t *dp_fields_put_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

static inline uint8_t *dp_fields_put_tag(uint8_t *p, uint32_t number, enum dp_field_wire wire)
{
    return dp_fields_put_varint(p, (uint64_t)number << 3 | (unsigned)wire);
}

/* Tag, length and bytes of a LEN field; nothing when n is 0, as proto3 has it. */
uint8_t *dp_fields_put_bytes(uint8_t *p, uint32_t number, const void *data, size_t n);
/* Tag and value; nothing when v is 0. */
uint8_t *dp_fields_put_uint(uint8_t *p, uint32_t number, uint64_t v);

#endif
