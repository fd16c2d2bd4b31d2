/*
 * Ids of operations: the digest of what an operation says, without the session that its source
 * names, and with its inputs named by their ids.
 */
#include <depot/definition.h>

#include <string.h>

#include "grpc/pb.h"

enum { OP_INPUTS = 1, OP_SOURCE = 3, INPUT_INDEX = 2, SOURCE_ATTRS = 2, ENTRY_KEY = 1 };

static void add_field(struct depot_digester *to, const struct dp_pb_field *f)
{
    uint8_t head[2 * DP_PB_VARINT_MAX];
    const bool bytes = f->type == DP_PB_BYTES;
    uint8_t *end = dp_pb_put_varint(
        dp_pb_put_tag(head, f->number, f->type), bytes ? (uint64_t)f->len : f->value);
    depot_digester_add(to, head, (size_t)(end - head));
    if (bytes)
        depot_digester_add(to, f->data, f->len);
}

static bool names_a_session(const struct dp_pb_field *attr)
{
    static const char session[] = "local.session";
    size_t n;
    const uint8_t *key = dp_pb_bytes(attr->data, attr->len, ENTRY_KEY, &n);
    return n == sizeof(session) - 1 && memcmp(key, session, n) == 0;
}

static void add_source(struct depot_digester *to, const uint8_t *data, size_t n)
{
    struct dp_pb_reader r = dp_pb_read(data, n);
    struct dp_pb_field f;
    while (dp_pb_next(&r, &f) > 0)
        if (f.number != SOURCE_ATTRS || f.type != DP_PB_BYTES || !names_a_session(&f))
            add_field(to, &f);
}

/* Which of its results is taken from an input that is called `id`. */
static void add_input(struct depot_digester *to, const struct dp_pb_field *input, const char *id)
{
    struct dp_pb_reader r = dp_pb_read(input->data, input->len);
    struct dp_pb_field f;
    depot_digester_add(to, id, DEPOT_STEP_ID_LEN);
    while (dp_pb_next(&r, &f) > 0)
        if (f.number == INPUT_INDEX)
            add_field(to, &f);
}

static void id_of(const struct depot_definition *d, size_t at, depot_step_id *ids)
{
    const struct depot_op *op = &d->ops[at];
    struct depot_digester *to = depot_digester_new();
    char digest[DEPOT_DIGEST_LEN + 1];
    struct dp_pb_reader r = dp_pb_read(op->bytes, op->len);
    struct dp_pb_field f;
    size_t input = 0;
    while (dp_pb_next(&r, &f) > 0) {
        if (f.number == OP_INPUTS && f.type == DP_PB_BYTES)
            add_input(to, &f, ids[op->inputs[input++]]);
        else if (f.number == OP_SOURCE && f.type == DP_PB_BYTES)
            add_source(to, f.data, f.len);
        else
            add_field(to, &f);
    }
    depot_digester_end(to, digest);
    depot_digester_free(to);
    memcpy(ids[at], digest + strlen("sha256:"), DEPOT_STEP_ID_LEN);
    ids[at][DEPOT_STEP_ID_LEN] = '\0';
}

/* Inputs come before what is made from them, however they were told; without recursion, as chains
 * may be as long as the peer likes. */
void depot_definition_ids(const struct depot_definition *d, depot_step_id *ids)
{
    struct frame {
        size_t op, next; /* its first input that was not looked at */
    } *stack = depot_calloc(d->nops + 1, sizeof(*stack));
    for (size_t i = 0; i < d->nops; i++)
        ids[i][0] = '\0';
    for (size_t i = 0; i < d->nops; i++) {
        size_t depth = 0;
        if (ids[i][0] == '\0')
            stack[depth++] = (struct frame){.op = i};
        while (depth > 0) {
            struct frame *top = &stack[depth - 1];
            const struct depot_op *op = &d->ops[top->op];
            if (top->next == op->ninputs) {
                id_of(d, top->op, ids);
                depth--;
                continue;
            }
            size_t input = op->inputs[top->next++];
            if (ids[input][0] == '\0')
                stack[depth++] = (struct frame){.op = input};
        }
    }
    depot_free(stack);
}
