/*
 * Whatever a WebSocket server sends: frames and their end are the same however the bytes are cut,
 * and the head of a handshake is found in them or not. The first byte chooses the cut.
 */
#include <stdlib.h>
#include <string.h>

#include "ws/frame.h"
#include "ws/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct depot_buf text; /* control frames with a mark before them, messages as they are */
    int rc;
};

static void read_frames(const uint8_t *data, size_t size, size_t cut, struct seen *out)
{
    struct dp_wsf f = {.left = 0};
    struct dp_wsf_piece piece;
    out->rc = 0;
    while (size > 0 && out->rc >= 0) {
        size_t n = cut < size ? cut : size;
        const uint8_t *p = data;
        data += n;
        size -= n;
        while ((out->rc = dp_wsf_next(&f, &p, &n, &piece)) > 0) {
            if (piece.op >= DP_WSF_CLOSE) {
                depot_buf_addc(&out->text, (char)piece.op);
                depot_buf_addc(&out->text, (char)piece.n);
            } else if (piece.n == 0) {
                abort();
            }
            depot_buf_add(&out->text, piece.data, piece.n);
        }
        if (out->rc == 0 && n != 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char key[DP_WSH_KEY_LEN + 1] = "AAAAAAAAAAAAAAAAAAAAAA==";
    struct seen whole = {.text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT)}, cut = whole;
    int status;
    if (size == 0)
        return 0;
    read_frames(data + 1, size - 1, size, &whole);
    read_frames(data + 1, size - 1, 1 + data[0] % 16, &cut);
    if (whole.rc != cut.rc || whole.text.len != cut.text.len ||
        (whole.text.len > 0 && memcmp(whole.text.data, cut.text.data, cut.text.len) != 0))
        abort();
    depot_buf_release(&whole.text);
    depot_buf_release(&cut.text);
    const ssize_t head = dp_wsh_answer((const char *)data + 1, size - 1, "p", key, &status);
    if (head > (ssize_t)(size - 1))
        abort();
    return 0;
}
