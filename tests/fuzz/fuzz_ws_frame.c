/*
 * Whatever a WebSocket server sends: frames, messages and their end are the same however the bytes
 * are cut, and the head of a handshake is found in them or not. The first byte chooses the cut, and
 * how large a message may be.
 */
#include <stdlib.h>
#include <string.h>

#include "ws/handshake.h"
#include "ws/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came out: of frames the control frames with a mark before them and messages as they are; of
 * messages each with its kind and length. */
struct seen {
    struct depot_buf text;
    int rc;
};

typedef int next_fn(void *decoder, const uint8_t **p, size_t *n, struct dp_wsf_piece *out);

static int next_frame(void *decoder, const uint8_t **p, size_t *n, struct dp_wsf_piece *out)
{
    return dp_wsf_next(decoder, p, n, out);
}

static int next_message(void *decoder, const uint8_t **p, size_t *n, struct dp_wsf_piece *out)
{
    return dp_wsm_next(decoder, p, n, out);
}

static void check_piece(const struct dp_wsf_piece *piece, const struct dp_wsm *m)
{
    const bool control = piece->op >= DEPOT_WS_CLOSE;
    if (piece->op == DEPOT_WS_CONTINUATION || (piece->n == 0 && !piece->last))
        abort();
    if (control && (!piece->last || piece->n > DEPOT_WS_CONTROL_MAX))
        abort();
    if (m != NULL && (!piece->last || (!control && piece->n > m->max)))
        abort();
}

static void add_piece(struct depot_buf *out, const struct dp_wsf_piece *piece, bool whole)
{
    if (whole || piece->op >= DEPOT_WS_CLOSE)
        depot_buf_addf(out, "%d:%zu:", (int)piece->op, piece->n);
    depot_buf_add(out, piece->data, piece->n);
}

/* Each part is a copy of its own size, so that the sanitizer sees a read past it. */
static void read_all(const uint8_t *data, size_t size, size_t cut, struct dp_wsm *m, next_fn *next,
    void *decoder, struct seen *out)
{
    struct dp_wsf_piece piece;
    out->rc = 0;
    while (size > 0 && out->rc >= 0) {
        size_t n = cut < size ? cut : size;
        uint8_t *part = malloc(n);
        const uint8_t *p = part;
        if (part == NULL)
            abort();
        memcpy(part, data, n);
        data += n;
        size -= n;
        while ((out->rc = next(decoder, &p, &n, &piece)) > 0) {
            check_piece(&piece, m);
            add_piece(&out->text, &piece, m != NULL);
        }
        if (out->rc == 0 && n != 0)
            abort();
        free(part);
    }
}

static void read_frames(const uint8_t *data, size_t size, size_t cut, struct seen *out)
{
    struct dp_wsf f = {.left = 0};
    read_all(data, size, cut, NULL, next_frame, &f, out);
}

static void read_messages(
    const uint8_t *data, size_t size, size_t cut, size_t max, struct seen *out)
{
    struct dp_wsm m;
    dp_wsm_init(&m, max);
    read_all(data, size, cut, &m, next_message, &m, out);
    if (m.joined.len > max)
        abort();
    dp_wsm_release(&m);
}

static void same(struct seen *a, struct seen *b)
{
    if (a->rc != b->rc || a->text.len != b->text.len ||
        (a->text.len > 0 && memcmp(a->text.data, b->text.data, a->text.len) != 0))
        abort();
    depot_buf_release(&a->text);
    depot_buf_release(&b->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char key[DP_WSH_KEY_LEN + 1] = "AAAAAAAAAAAAAAAAAAAAAA==";
    static const size_t limits[] = {1, 100, 4096, 64 * 1024 * 1024};
    struct seen whole = {.text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT)}, cut = whole;
    int status;
    if (size == 0)
        return 0;
    const size_t step = 1 + data[0] % 16, max = limits[data[0] >> 4 & 3];
    read_frames(data + 1, size - 1, size, &whole);
    read_frames(data + 1, size - 1, step, &cut);
    same(&whole, &cut);
    read_messages(data + 1, size - 1, size, max, &whole);
    read_messages(data + 1, size - 1, step, max, &cut);
    same(&whole, &cut);
    const ssize_t head = dp_wsh_answer((const char *)data + 1, size - 1, "p", key, &status);
    if (head > (ssize_t)(size - 1))
        abort();
    return 0;
}
