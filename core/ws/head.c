/*
 * See depot/ws.h.
 */
#include <depot/ws.h>

#include <string.h>

enum { FIN = 0x80, MASKED = 0x80, LENGTH_16 = 126, LENGTH_64 = 127, MASK_LEN = 4 };

/* The bytes of a length that the second byte does not hold. */
static size_t length_len(size_t n)
{
    return n < LENGTH_16 ? 0 : n <= UINT16_MAX ? 2 : 8;
}

size_t depot_ws_head_len(size_t n, bool masked)
{
    return 2 + length_len(n) + (masked ? MASK_LEN : 0);
}

uint8_t *depot_ws_head(uint8_t *payload, enum depot_ws_op op, size_t n, const uint8_t mask[4])
{
    const size_t more = length_len(n);
    uint8_t *head = payload - depot_ws_head_len(n, mask != NULL);
    uint8_t *p = head;

    *p++ = (uint8_t)(FIN | op);
    *p = (uint8_t)(more == 0 ? n : more == 2 ? LENGTH_16 : LENGTH_64);
    *p++ |= mask != NULL ? MASKED : 0;
    for (size_t i = more; i > 0; i--)
        *p++ = (uint8_t)((uint64_t)n >> (8 * (i - 1)));
    if (mask != NULL)
        memcpy(p, mask, MASK_LEN);
    return head;
}

size_t depot_ws_close(uint8_t out[DEPOT_WS_CONTROL_MAX], unsigned code, const char *why)
{
    const size_t n = strnlen(why, DEPOT_WS_CONTROL_MAX - 2);

    out[0] = (uint8_t)(code >> 8);
    out[1] = (uint8_t)code;
    memcpy(out + 2, why, n);
    return 2 + n;
}
