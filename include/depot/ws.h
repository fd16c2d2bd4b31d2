/*
 * Heads of WebSocket frames that go out (RFC 6455 section 5.2), for both ends of a connection. Each
 * frame is a message of its own.
 */
#ifndef DEPOT_WS_H
#define DEPOT_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum depot_ws_op {
    DEPOT_WS_CONTINUATION = 0,
    DEPOT_WS_TEXT = 1,
    DEPOT_WS_BINARY = 2,
    DEPOT_WS_CLOSE = 8,
    DEPOT_WS_PING = 9,
    DEPOT_WS_PONG = 10,
};

enum {
    DEPOT_WS_HEAD_MAX = 14,     /* 2 + 8 of length + 4 of mask */
    DEPOT_WS_CONTROL_MAX = 125, /* payload of close, ping and pong (section 5.5) */
};

/* How long the head is of a frame with `n` bytes of payload. */
size_t depot_ws_head_len(size_t n, bool masked);
/* Write the head so that it ends at `payload`, and return where it begins. `mask`: the four bytes
 * that the payload of a client is masked with, or NULL: a server's. */
uint8_t *depot_ws_head(uint8_t *payload, enum depot_ws_op op, size_t n, const uint8_t mask[4]);
/* The payload of a close frame: a code (section 7.4.1) and why, cut to what fits. Returns its
 * length. */
size_t depot_ws_close(uint8_t out[DEPOT_WS_CONTROL_MAX], unsigned code, const char *why);

#endif
