/*
 * What a client says on the feed's socket, one JSON object a message. Parsing only.
 */
#ifndef DEPOT_BUILDER_SERVER_OP_H
#define DEPOT_BUILDER_SERVER_OP_H

#include <stdbool.h>
#include <stdint.h>

#include "builder/store/store.h"

enum {
    SERVER_BODY_MAX = 1024 * 1024,          /* a body of POST /v1/builds */
    SERVER_OP_MAX = SERVER_BODY_MAX + 4096, /* the same inside of an op */
    SERVER_JSON_DEPTH = 32,
};

enum server_op_kind {
    SERVER_OP_SUBSCRIBE_BUILD,
    SERVER_OP_SUBSCRIBE_FLEET,
    SERVER_OP_UNSUBSCRIBE_BUILD,
    SERVER_OP_UNSUBSCRIBE_FLEET,
    SERVER_OP_CREATE,
    SERVER_OP_CANCEL,
    SERVER_OP_ASK,
};

enum { SERVER_NAME_MAX = 255 }; /* of a builder, of a project */

struct server_op {
    enum server_op_kind kind;
    char build[STORE_ID_MAX + 1]; /* "" when the op has none */
    uint64_t after;
    bool logs;
    char *request; /* of create, as JSON text */
    /* of questions; its strings are the arrays here */
    struct depot_question question;
    char builder[SERVER_NAME_MAX + 1], project[SERVER_NAME_MAX + 1];
    char ref[SERVER_NAME_MAX + 1], session[SERVER_NAME_MAX + 1];
};

/* On failure `out->build` is still the build that the message named, for the answer; `out` needs no
 * release then. */
int server_op_parse(
    const char *json, size_t n, struct server_op *out, struct depot_error *err) DEPOT_MUST_CHECK;
/* The same members without an `op`, as the body of a request; "" stands for none. */
int server_op_parse_question(enum depot_ask ask, const char *json, size_t n, struct server_op *out,
    struct depot_error *err) DEPOT_MUST_CHECK;
void server_op_release(struct server_op *op);

#endif
