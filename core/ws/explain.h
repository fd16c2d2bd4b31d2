/*
 * Why a connection did not come about, or ended, in words that say what to do.
 */
#ifndef DEPOT_CORE_WS_EXPLAIN_H
#define DEPOT_CORE_WS_EXPLAIN_H

#include <depot/addr.h>
#include <depot/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* net's words for a connection that failed, with the advice that fits a daemon. */
void dp_ws_explain_connect(const struct depot_addr *addr, struct depot_error *err);
/* The handshake was answered with HTTP `status`; 0: with what is no HTTP, or not to our question.
 */
void dp_ws_explain_refusal(const struct depot_addr *addr, const char *path, bool token, int status,
    struct depot_error *err);
/* It was not answered: `rc` is 0 when the peer hung up, else a negative depot_err. */
void dp_ws_explain_silence(const struct depot_addr *addr, int rc, struct depot_error *err);
/* The payload of the peer's close frame; DEPOT_OK when it is an orderly end. */
void dp_ws_explain_close(
    const struct depot_addr *addr, const uint8_t *p, size_t n, struct depot_error *err);

#endif
