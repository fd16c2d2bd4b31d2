/*
 * The header blocks we send: a request, a response's beginning, a status.
 */
#include "grpc/conn.h"
#include "grpc/status.h"

#include <stdio.h>
#include <string.h>

#define USER_AGENT "depot/" DEPOT_VERSION

enum { OWN_FIELDS = 7 };

static nghttp2_nv field(const char *name, const char *value)
{
    /* nghttp2 copies names and values, its struct is only shared with callbacks that write. */
    return (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)name,
        .value = (uint8_t *)(uintptr_t)value,
        .namelen = strlen(name),
        .valuelen = strlen(value),
        .flags = NGHTTP2_NV_FLAG_NONE,
    };
}

static int check_md(const struct dp_grpc_md *md, struct depot_error *err)
{
    if (!nghttp2_check_header_name((const uint8_t *)md->key, strlen(md->key)))
        return depot_error_set(err, DEPOT_ERR_INVALID, "bad metadata name '%.100s'", md->key);
    if (!nghttp2_check_header_value((const uint8_t *)md->value, strlen(md->value)))
        return depot_error_set(err, DEPOT_ERR_INVALID,
            "the value of metadata '%.100s' has characters that a header cannot carry", md->key);
    return 0;
}

int dp_h2_submit_request(struct dp_grpc_conn *h, const char *path, const struct dp_grpc_md *md,
    size_t nmd, struct depot_error *err)
{
    nghttp2_nv *nv = depot_calloc(OWN_FIELDS + nmd, sizeof(*nv));
    size_t n = 0;
    nv[n++] = field(":method", "POST");
    nv[n++] = field(":scheme", "http");
    nv[n++] = field(":path", path);
    nv[n++] = field(":authority", h->authority);
    nv[n++] = field("content-type", "application/grpc");
    nv[n++] = field("te", "trailers");
    nv[n++] = field("user-agent", USER_AGENT);
    int rc = 0;
    for (size_t i = 0; i < nmd && rc == 0; i++) {
        rc = check_md(&md[i], err);
        if (rc == 0)
            nv[n++] = field(md[i].key, md[i].value);
    }
    if (rc != 0)
        goto out;
    rc = nghttp2_submit_request(h->session, NULL, nv, n, &dp_h2_provider, NULL);
    if (rc < 0)
        rc = depot_error_set(
            err, DEPOT_ERR_UNAVAILABLE, "cannot begin %s: %s", path, nghttp2_strerror(rc));
out:
    depot_free(nv);
    return rc;
}

void dp_h2_submit_accept(struct dp_grpc_call *c)
{
    const nghttp2_nv nv[] = {
        field(":status", "200"),
        field("content-type", "application/grpc"),
    };
    /* Fails only when the stream is gone, and then its close is reported too. */
    (void)nghttp2_submit_response(
        c->conn->session, c->id, nv, DEPOT_ARRAY_LEN(nv), &dp_h2_provider);
}

/* The status fields into nv[0..1]; gives their count. */
static size_t status_fields(
    const struct dp_grpc_call *c, char code[12], char *message, nghttp2_nv *nv)
{
    size_t n = 0;
    snprintf(code, 12, "%d", c->local_code);
    nv[n++] = field("grpc-status", code);
    if (message[0] != '\0')
        nv[n++] = field("grpc-message", message);
    return n;
}

void dp_h2_submit_trailers_only(struct dp_grpc_call *c, const char *http_status)
{
    char code[12];
    char *message = dp_grpc_percent_encode(c->local_message, DP_H2_MAX_MESSAGE_TEXT);
    nghttp2_nv nv[4] = {
        field(":status", http_status),
        field("content-type", "application/grpc"),
    };
    size_t n = 2 + status_fields(c, code, message, nv + 2);
    (void)nghttp2_submit_response(c->conn->session, c->id, nv, n, NULL);
    depot_free(message);
}

void dp_h2_submit_trailers(struct dp_grpc_call *c)
{
    char code[12];
    char *message = dp_grpc_percent_encode(c->local_message, DP_H2_MAX_MESSAGE_TEXT);
    nghttp2_nv nv[2];
    size_t n = status_fields(c, code, message, nv);
    (void)nghttp2_submit_trailer(c->conn->session, c->id, nv, n);
    depot_free(message);
}
