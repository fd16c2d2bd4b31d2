/*
 * What the calls of the content service share.
 */
#ifndef DEPOT_CORE_SESSION_CONTENT_CALL_H
#define DEPOT_CORE_SESSION_CONTENT_CALL_H

#include "session/content.h"
#include "session/internal.h"

/* The store that a call names; NULL when there is none, and the call has been answered. */
struct dp_session_store *dp_content_store(struct dp_session *s, struct dp_grpc_call *call);

/* Of a write in progress: how far it is; give it up. False when there is none. The texts of `out`
 * are the write's. */
bool dp_content_write_status(struct dp_session *s, const struct dp_session_store *store,
    const char *ref, struct dp_content_status *out);
bool dp_content_write_abort(
    struct dp_session *s, const struct dp_session_store *store, const char *ref);

#endif
