/*
 * Header fields received for a call: kept as metadata, or as the parts of a gRPC status.
 */
#include "grpc/conn.h"
#include "grpc/status.h"

#include <string.h>

static bool name_is(const char *name, size_t n, const char *want)
{
    return n == strlen(want) && memcmp(name, want, n) == 0;
}

static void add_md(
    struct dp_grpc_call *c, const char *name, size_t nname, const char *value, size_t nvalue)
{
    struct dp_grpc_md md = {
        .key = depot_arena_strndup(&c->arena, name, nname),
        .value = depot_arena_strndup(&c->arena, value, nvalue),
    };
    depot_vec_push(&c->md, md);
}

static void set_details(struct dp_grpc_call *c, const char *value, size_t n)
{
    uint8_t *out = depot_alloc(n / 4 * 3 + 3);
    size_t len;
    if (depot_base64_decode(out, &len, value, n) != 0) {
        depot_free(out);
        return;
    }
    depot_free(c->details);
    c->details = out;
    c->details_len = len;
}

static void response_field(
    struct dp_grpc_call *c, const char *name, size_t nname, const char *value, size_t nvalue)
{
    if (name_is(name, nname, ":status")) {
        c->http_status = 0;
        for (size_t i = 0; i < nvalue && i < 3; i++)
            c->http_status = c->http_status * 10 + (value[i] - '0');
    } else if (name_is(name, nname, "grpc-status")) {
        c->peer_code = dp_grpc_code_parse(value, nvalue);
    } else if (name_is(name, nname, "grpc-message")) {
        depot_free(c->peer_message);
        c->peer_message = dp_grpc_percent_decode(value, nvalue);
    } else if (name_is(name, nname, "grpc-status-details-bin")) {
        set_details(c, value, nvalue);
    } else if (!c->headers_seen) {
        add_md(c, name, nname, value, nvalue);
    }
}

static void request_field(
    struct dp_grpc_call *c, const char *name, size_t nname, const char *value, size_t nvalue)
{
    if (name_is(name, nname, ":path"))
        c->path = depot_arena_strndup(&c->arena, value, nvalue);
    else if (nname > 0 && name[0] != ':' && !c->headers_seen)
        add_md(c, name, nname, value, nvalue);
}

static void check_content_type(struct dp_grpc_call *c, const char *value, size_t n)
{
    static const char want[] = "application/grpc";
    c->is_grpc = n >= strlen(want) && memcmp(value, want, strlen(want)) == 0;
}

bool dp_call_header(
    struct dp_grpc_call *c, const char *name, size_t nname, const char *value, size_t nvalue)
{
    c->md_bytes += nname + nvalue + sizeof(struct dp_grpc_md);
    if (c->md_bytes > DP_H2_MAX_METADATA)
        return false;
    if (!c->headers_seen && name_is(name, nname, "content-type"))
        check_content_type(c, value, nvalue);
    if (c->conn->server)
        request_field(c, name, nname, value, nvalue);
    else
        response_field(c, name, nname, value, nvalue);
    return true;
}

void dp_call_header_reset(struct dp_grpc_call *c)
{
    c->md.len = 0;
    c->http_status = 0;
    c->is_grpc = false;
}

const char *dp_grpc_md_get(const struct dp_grpc_call *c, const char *key, size_t i)
{
    for (size_t k = 0; k < c->md.len; k++) {
        if (strcmp(c->md.items[k].key, key) == 0 && i-- == 0)
            return c->md.items[k].value;
    }
    return NULL;
}
