/*
 * grpc.health.v1.Health: engines drop a session that does not say it is well.
 */
#include "session/internal.h"

static const uint8_t serving[] = {0x08, 0x01}; /* status: SERVING */

static void check(struct dp_session *s, struct dp_grpc_call *call, const uint8_t *msg, size_t n)
{
    DEPOT_UNUSED(s);
    DEPOT_UNUSED(msg);
    DEPOT_UNUSED(n);
    dp_session_reply(call, serving, sizeof(serving));
}

/* A watch is told once, and stays open: as long as it can be told anything we are well. */
static void watch(struct dp_session *s, struct dp_grpc_call *call, const uint8_t *msg, size_t n)
{
    DEPOT_UNUSED(s);
    DEPOT_UNUSED(msg);
    DEPOT_UNUSED(n);
    dp_grpc_send(call, serving, sizeof(serving));
}

void dp_session_open_health_check(struct dp_grpc_call *call, void *arg)
{
    dp_session_unary(arg, call, check);
}

void dp_session_open_health_watch(struct dp_grpc_call *call, void *arg)
{
    dp_session_unary(arg, call, watch);
}
