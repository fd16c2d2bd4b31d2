/*
 * See frame.h.
 */
#include "ws/frame.h"

#include <string.h>

enum { FIN = 0x80, RESERVED = 0x70, OPCODE = 0x0f, MASKED = 0x80, CONTROL = 0x08 };

static bool is_control(const struct dp_wsf *f)
{
    return (f->head[0] & CONTROL) != 0;
}

/* How long the head is; known from its second byte. */
static size_t head_len(const struct dp_wsf *f)
{
    const unsigned len = f->head[1] & 0x7f;
    return f->have < 2 ? 2 : len == 126 ? 4 : len == 127 ? 10 : 2;
}

/* What the first two bytes may be. */
static bool legal_start(const struct dp_wsf *f)
{
    const unsigned op = f->head[0] & OPCODE;
    if ((f->head[0] & RESERVED) != 0 || (f->head[1] & MASKED) != 0)
        return false;
    if (is_control(f))
        return op <= DEPOT_WS_PONG && (f->head[0] & FIN) != 0 && f->head[1] <= DEPOT_WS_CONTROL_MAX;
    return op == DEPOT_WS_CONTINUATION ? f->in_message : op <= DEPOT_WS_BINARY && !f->in_message;
}

/* The length, in the fewest bytes and without a sign. */
static bool begin_frame(struct dp_wsf *f)
{
    const size_t len = head_len(f);
    f->left = f->head[1];
    if (len > 2) {
        f->left = 0;
        for (size_t i = 2; i < len; i++)
            f->left = f->left << 8 | f->head[i];
        if (f->left < (len == 4 ? 126 : 65536) || f->left > INT64_MAX)
            return false;
    }
    f->in_frame = true;
    f->have_control = 0;
    if (is_control(f))
        return true;
    if (!f->in_message)
        f->message = (enum depot_ws_op)(f->head[0] & OPCODE);
    f->in_message = (f->head[0] & FIN) == 0;
    return true;
}

/* Bytes of the head: false when they are no frame's. */
static bool take_head(struct dp_wsf *f, const uint8_t **p, size_t *n)
{
    while (*n > 0 && f->have < head_len(f)) {
        f->head[f->have++] = *(*p)++;
        --*n;
        if (f->have == 2 && !legal_start(f))
            return false;
    }
    return f->have < 2 || f->have < head_len(f) || begin_frame(f);
}

/* A close frame says nothing, or a code that may stand in one (section 7.4) and why. */
static bool legal_close(const uint8_t *p, size_t n)
{
    const unsigned code = n >= 2 ? (unsigned)p[0] << 8 | p[1] : 0;
    if (n < 2)
        return n == 0;
    if (code < 3000) /* 1004 to 1006 and 1015 never stand in a frame */
        return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
    return code < 5000;
}

/* The next bytes of the frame that is under way: false when there is nothing to tell of them. */
static bool take_payload(struct dp_wsf *f, const uint8_t **p, size_t *n, struct dp_wsf_piece *out)
{
    const size_t take = *n < f->left ? *n : (size_t)f->left;
    const bool control = is_control(f), fin = (f->head[0] & FIN) != 0;
    *out = (struct dp_wsf_piece){.op = f->message, .data = *p, .n = take};
    if (control && take > 0)
        memcpy(f->control + f->have_control, *p, take);
    if (control)
        f->have_control += take;
    *p += take;
    *n -= take;
    f->left -= take;
    out->rest = f->left;
    if (f->left == 0) {
        f->in_frame = false;
        f->have = 0;
        out->last = fin;
    }
    if (!control)
        return take > 0 || out->last;
    out->op = (enum depot_ws_op)(f->head[0] & OPCODE);
    out->data = f->control;
    out->n = f->have_control;
    f->broken = out->last && out->op == DEPOT_WS_CLOSE && !legal_close(out->data, out->n);
    return out->last;
}

int dp_wsf_next(struct dp_wsf *f, const uint8_t **p, size_t *n, struct dp_wsf_piece *out)
{
    while (!f->broken) {
        if (!f->in_frame) {
            f->broken = !take_head(f, p, n);
            if (!f->broken && !f->in_frame)
                return 0;
            continue;
        }
        if (take_payload(f, p, n, out) && !f->broken)
            return 1;
        if (f->in_frame)
            return 0;
    }
    return DEPOT_ERR_PROTOCOL;
}
