/*
 * Small things all calls need: metadata values, and messages of one bytes field.
 */
#include <string.h>

#include "session/internal.h"
#include "grpc/pb.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char *form_decode(const char *s)
{
    char *out = depot_alloc(strlen(s) + 1), *p = out;
    for (; *s != '\0'; s++) {
        int high = -1, low = -1;
        if (*s == '%' && (high = hex_value(s[1])) >= 0)
            low = hex_value(s[2]);
        if (low >= 0 && high + low > 0) {
            *p++ = (char)(high << 4 | low);
            s += 2;
        } else {
            *p++ = *s == '+' ? ' ' : *s;
        }
    }
    *p = '\0';
    return out;
}

char *dp_session_md(const struct dp_grpc_call *call, const char *key, size_t i)
{
    const char *value = dp_grpc_md_get(call, key, i);
    if (value == NULL)
        return NULL;
    char *flag_key = depot_asprintf("%s-encoded", key);
    const char *flag = dp_grpc_md_get(call, flag_key, 0);
    bool encoded = depot_str_eq(flag, "1") || depot_str_eq(flag, "true");
    depot_free(flag_key);
    return encoded ? form_decode(value) : depot_strdup(value);
}

void dp_session_send_bytes(struct dp_grpc_call *call, const void *data, size_t n)
{
    struct depot_buf b = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    uint8_t *p = (uint8_t *)depot_buf_reserve(&b, n + 1 + DP_PB_VARINT_MAX);
    b.len = (size_t)(dp_pb_put_bytes(p, 1, data, n) - p);
    dp_grpc_send_take(call, &b);
    depot_buf_release(&b);
}

void dp_session_send_packet(
    struct dp_grpc_call *call, enum dp_packet_type type, uint32_t id, const void *data, size_t n)
{
    uint8_t msg[DP_PACKET_HEAD_MAX + DEPOT_ERROR_MSG_MAX];
    n = n < DEPOT_ERROR_MSG_MAX ? n : DEPOT_ERROR_MSG_MAX;
    size_t at = dp_packet_head(msg, type, id, n);
    memcpy(msg + at, data, n);
    dp_grpc_send(call, msg, at + n);
}
