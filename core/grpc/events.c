/*
 * nghttp2's callbacks and the session's options: frames become events of calls. No I/O here.
 */
#include "grpc/conn.h"
#include <string.h>

/* What a callback returns when the owner freed the connection inside one of ours. */
static int outcome(const struct dp_grpc_conn *h)
{
    return h->dead ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static bool is_call_headers(const nghttp2_frame *frame)
{
    return frame->hd.type == NGHTTP2_HEADERS;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct dp_grpc_conn *h = user;
    DEPOT_UNUSED(session);
    if (h->server && is_call_headers(frame) && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        (void)dp_call_new(h, frame->hd.stream_id);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t nname, const uint8_t *value, size_t nvalue, uint8_t flags, void *user)
{
    struct dp_grpc_conn *h = user;
    DEPOT_UNUSED(session);
    DEPOT_UNUSED(flags);
    struct dp_grpc_call *c = is_call_headers(frame) ? dp_call_find(h, frame->hd.stream_id) : NULL;
    if (c == NULL || c->over)
        return 0;
    if (dp_call_header(c, (const char *)name, nname, (const char *)value, nvalue))
        return 0;
    dp_call_over(c, true, DP_GRPC_RESOURCE_EXHAUSTED,
        "the peer sent more than %d bytes of metadata", DP_H2_MAX_METADATA);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static const struct dp_grpc_method *find_method(const struct dp_grpc_conn *h, const char *path)
{
    for (size_t i = 0; i < h->nmethods; i++) {
        if (path != NULL && strcmp(h->methods[i].path, path) == 0)
            return &h->methods[i];
    }
    return NULL;
}

static void refuse(struct dp_grpc_call *c, const char *http_status, int code, const char *what)
{
    c->refused = true;
    c->local_code = code;
    c->local_message = depot_asprintf("%s %.200s", what, c->path != NULL ? c->path : "(no path)");
    dp_h2_submit_trailers_only(c, http_status);
}

static void open_call(struct dp_grpc_conn *h, struct dp_grpc_call *c)
{
    const struct dp_grpc_method *m = find_method(h, c->path);
    c->headers_seen = true;
    if (c->over)
        return;
    if (!c->is_grpc) {
        refuse(c, "415", DP_GRPC_INVALID_ARGUMENT, "not a gRPC content-type for");
    } else if (m == NULL) {
        refuse(c, "200", DP_GRPC_UNIMPLEMENTED, "unknown method");
    } else {
        c->opened = true;
        m->open(c, h->arg);
    }
}

static void response_headers(struct dp_grpc_call *c, bool end)
{
    if (c->http_status >= 100 && c->http_status < 200) {
        dp_call_header_reset(c);
        return;
    }
    if (c->headers_seen)
        return;
    c->headers_seen = true;
    if (!end && !c->over && c->ops->headers != NULL)
        c->ops->headers(c, c->arg);
}

static void on_headers_frame(struct dp_grpc_conn *h, const nghttp2_frame *frame)
{
    struct dp_grpc_call *c = dp_call_find(h, frame->hd.stream_id);
    bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (c == NULL)
        return;
    if (!h->server)
        response_headers(c, end);
    else if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        open_call(h, c);
    /* Looked up again: the callback may have freed it. */
    if (!h->dead && end && (c = dp_call_find(h, frame->hd.stream_id)) != NULL)
        dp_call_remote_ended(c);
}

static void on_goaway(struct dp_grpc_conn *h, const nghttp2_goaway *g)
{
    size_t n = 0;
    h->goaway = true;
    h->goaway_code = g->error_code;
    for (size_t i = 0; i < g->opaque_data_len && n + 1 < sizeof(h->goaway_text); i++) {
        uint8_t b = g->opaque_data[i];
        h->goaway_text[n++] = b >= 0x20 && b < 0x7f ? (char)b : '?';
    }
    h->goaway_text[n] = '\0';
}

/* grpc-go's clients say goodbye with a stream id of their own side, where RFC 9113 wants one of
 * ours. nghttp2 ends the connection over that; to us it is an orderly end all the same. */
static int on_invalid_frame(
    nghttp2_session *session, const nghttp2_frame *frame, int why, void *user)
{
    struct dp_grpc_conn *h = user;
    DEPOT_UNUSED(session);
    DEPOT_UNUSED(why);
    if (h->server && frame->hd.type == NGHTTP2_GOAWAY) {
        on_goaway(h, &frame->goaway);
        h->goaway_rejected = true;
    }
    return 0;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct dp_grpc_conn *h = user;
    struct dp_grpc_call *c;
    DEPOT_UNUSED(session);
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        on_headers_frame(h, frame);
        break;
    case NGHTTP2_DATA:
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
            (c = dp_call_find(h, frame->hd.stream_id)) != NULL)
            dp_call_remote_ended(c);
        break;
    case NGHTTP2_GOAWAY:
        on_goaway(h, &frame->goaway);
        break;
    default:
        break;
    }
    return outcome(h);
}

static int on_data_chunk(
    nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *user)
{
    struct dp_grpc_conn *h = user;
    DEPOT_UNUSED(flags);
    /* The connection's window opens at once: what a paused call holds is bounded by its own
     * stream's window, and never starves the others. */
    (void)nghttp2_session_consume_connection(session, n);
    struct dp_grpc_call *c = dp_call_find(h, id);
    if (c != NULL)
        dp_call_data(c, data, n);
    return outcome(h);
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *user)
{
    struct dp_grpc_conn *h = user;
    DEPOT_UNUSED(session);
    struct dp_grpc_call *c = dp_call_find(h, id);
    if (c != NULL)
        dp_call_closed(c, error);
    return outcome(h);
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct dp_grpc_conn *h = user;
    DEPOT_UNUSED(session);
    if (frame->hd.type == NGHTTP2_GOAWAY)
        h->sent_goaway_code = frame->goaway.error_code;
    if (!h->server || frame->hd.type != NGHTTP2_HEADERS ||
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
        return 0;
    struct dp_grpc_call *c = dp_call_find(h, frame->hd.stream_id);
    if (c == NULL || c->over)
        return 0;
    c->status_sent = true;
    c->sent_mark = h->out->added + DP_OUT_FRAME;
    if (!c->remote_ended)
        dp_call_reset(c, NGHTTP2_NO_ERROR);
    dp_call_over(c, true, c->done_code, "%s", c->done_code != DP_GRPC_OK ? c->local_message : "");
    return 0;
}

static int on_frame_not_send(
    nghttp2_session *session, const nghttp2_frame *frame, int why, void *user)
{
    struct dp_grpc_conn *h = user;
    DEPOT_UNUSED(session);
    struct dp_grpc_call *c = is_call_headers(frame) ? dp_call_find(h, frame->hd.stream_id) : NULL;
    if (c == NULL)
        return 0;
    bool refused =
        why == NGHTTP2_ERR_START_STREAM_NOT_ALLOWED || why == NGHTTP2_ERR_SESSION_CLOSING;
    dp_call_over(c, true, refused ? DP_GRPC_UNAVAILABLE : DP_GRPC_INTERNAL,
        "headers could not be sent: %s", nghttp2_strerror(why));
    /* A request that was not sent has no stream to reset. */
    if (h->server)
        dp_call_reset(c, NGHTTP2_INTERNAL_ERROR);
    return 0;
}

static ssize_t read_data(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
    uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct dp_grpc_conn *h = user;
    DEPOT_UNUSED(session);
    DEPOT_UNUSED(buf);
    DEPOT_UNUSED(source);
    struct dp_grpc_call *c = dp_call_find(h, id);
    if (c == NULL)
        return NGHTTP2_ERR_DEFERRED; /* its RST_STREAM is on the way */
    size_t n = c->queue.bytes < length ? c->queue.bytes : length;
    if (n == 0 && !c->send_ended) {
        c->send_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (n > 0)
        *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (n == c->queue.bytes && c->send_ended) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (h->server) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            dp_h2_submit_trailers(c);
        }
    }
    return (ssize_t)n;
}

static int send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *framehd,
    size_t length, nghttp2_data_source *source, void *user)
{
    struct dp_grpc_conn *h = user;
    DEPOT_UNUSED(session);
    DEPOT_UNUSED(source);
    if (!dp_out_has_room(h->out)) {
        h->out_full = true;
        return NGHTTP2_ERR_WOULDBLOCK;
    }
    struct dp_grpc_call *c = dp_call_find(h, frame->hd.stream_id);
    if (c == NULL || c->queue.bytes < length)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* ended between the two callbacks */
    dp_out_copy(h->out, framehd, 9);
    dp_out_take(h->out, &c->queue, length);
    if (c->high && c->queue.bytes < DP_GRPC_LOW_MARK) {
        c->high = false;
        c->writable_due = true;
        dp_call_notify_push(c);
    }
    return 0;
}

const nghttp2_data_provider dp_h2_provider = {.read_callback = read_data};

static void set_callbacks(nghttp2_session_callbacks *cb)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame_recv);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(cb, on_invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(cb, on_frame_not_send);
    nghttp2_session_callbacks_set_send_data_callback(cb, send_data);
}

static void set_options(nghttp2_option *opt)
{
    nghttp2_option_set_no_auto_window_update(opt, 1);
    nghttp2_option_set_no_closed_streams(opt, 1);
    /* Paths in metadata may begin or end in blanks. */
    nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(opt, 1);
    nghttp2_option_set_max_send_header_block_length(opt, DP_H2_MAX_METADATA);
}

/* SETTINGS must be the first frame; MAX_HEADER_LIST_SIZE is left out, since a server that cannot
 * fit an error into it resets the stream and the error is lost. */
static int submit_settings(struct dp_grpc_conn *h, size_t window)
{
    nghttp2_settings_entry iv[2] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)h->stream_window},
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
    };
    if (h->server)
        iv[1] =
            (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, DP_H2_MAX_PEER_CALLS};
    int rc = nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, iv, DEPOT_ARRAY_LEN(iv));
    if (rc != 0)
        return rc;
    return nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, (int32_t)window);
}

int dp_h2_session_new(struct dp_grpc_conn *h, size_t window)
{
    nghttp2_session_callbacks *cb = NULL;
    nghttp2_option *opt = NULL;
    int rc = nghttp2_session_callbacks_new(&cb);
    if (rc != 0)
        goto out;
    rc = nghttp2_option_new(&opt);
    if (rc != 0)
        goto out;
    set_callbacks(cb);
    set_options(opt);
    rc = h->server ? nghttp2_session_server_new2(&h->session, cb, h, opt)
                   : nghttp2_session_client_new2(&h->session, cb, h, opt);
    if (rc == 0)
        rc = submit_settings(h, window);
out:
    nghttp2_option_del(opt);
    nghttp2_session_callbacks_del(cb);
    return rc;
}
