/*
 * See message.h.
 */
#include "ws/message.h"

/* Memory that a large message took and that is not kept for the next. */
enum { KEEP_MAX = 256 * 1024 };

void dp_wsm_init(struct dp_wsm *m, size_t max)
{
    *m = (struct dp_wsm){.max = max};
    depot_buf_init(&m->joined, max);
}

void dp_wsm_release(struct dp_wsm *m)
{
    depot_buf_release(&m->joined);
}

static void forget_given(struct dp_wsm *m)
{
    if (m->joined.cap > KEEP_MAX)
        depot_buf_release(&m->joined);
    else
        depot_buf_clear(&m->joined);
    m->given = false;
}

static bool fits(const struct dp_wsm *m, const struct dp_wsf_piece *piece)
{
    const size_t room = m->max - m->joined.len;
    return piece->n <= room && piece->rest <= room - piece->n;
}

int dp_wsm_next(struct dp_wsm *m, const uint8_t **p, size_t *n, struct dp_wsf_piece *out)
{
    int rc = 0;
    if (m->given)
        forget_given(m);
    while (!m->too_big && (rc = dp_wsf_next(&m->frames, p, n, out)) > 0) {
        if (out->op >= DEPOT_WS_CLOSE)
            return 1;
        if (!fits(m, out)) {
            m->too_big = true;
            break;
        }
        if (out->last && m->joined.len == 0)
            return 1;
        /* Once, for all of the frame. */
        if (out->rest > 0)
            depot_buf_reserve(&m->joined, out->n + (size_t)out->rest);
        depot_buf_add(&m->joined, out->data, out->n);
        if (!out->last)
            continue;
        m->given = true;
        out->data = (const uint8_t *)m->joined.data;
        out->n = m->joined.len;
        return 1;
    }
    return m->too_big ? DEPOT_ERR_TOO_BIG : rc;
}
