/*
 * The fleet's detail: which steps of the selected build were the first to miss the cache. Without
 * the build before, which the why view fetches, so that moving through the table asks for nothing.
 */
#include "fleet_priv.h"

#include <stdio.h>
#include <string.h>

#include "tui/widget/step.h"

enum {
    ROWS_MIN = 4, /* fewer are better left blank */
    CAUSES_MAX = 4,
    FILES_MAX = 3, /* of a cause */
    AFTER_W = 9,   /* "+18 steps" */
    TIME_W = 8,
    AGAIN_MS = 500, /* of a build that runs */
};

void dp_fleet_missed_release(struct fleet_missed *m)
{
    depot_why_release(&m->why);
    *m = (struct fleet_missed){0};
}

static void update(struct fleet_missed *m, const struct fleet_build *b, depot_time now)
{
    const bool same = m->build == b && m->generation == b->generation;
    if (same && (m->revision == b->state->revision ||
                    (!depot_build_state_over(b->state->state) && now >= m->made &&
                        now < m->made + AGAIN_MS * DEPOT_MSEC)))
        return;
    dp_fleet_missed_release(m);
    m->build = b;
    m->generation = b->generation;
    m->revision = b->state->revision;
    m->made = now;
    depot_why_init(&m->why, b->state, NULL);
}

static int draw_cause(const struct canvas *c, int y, const struct depot_cause *cause)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    char time[DEPOT_TEXT_MAX], after[DEPOT_TEXT_MAX] = "";
    const size_t n = cause->steps.len - 1;
    if (n > 0)
        snprintf(after, sizeof(after), "+%zu step%s", n, n == 1 ? "" : "s");
    dp_canvas_glyph(c, y, 1, DEPOT_STYLE_WARN, DEPOT_SIGN_WARN);
    dp_step_label(&text, cause->step);
    int x = 3 + dp_canvas_put(c, y, 3, DEPOT_STYLE_DIM, depot_buf_str(&text));
    x = cause->step->parsed.ordinal == 0 ? 3 : x < 16 ? 16 : x + 1;
    depot_buf_clear(&text);
    depot_text_first_line(&text, cause->step->parsed.instruction);
    dp_canvas_field(
        c, y, x, c->w - x - AFTER_W - TIME_W - 3, FIT_LEFT, DEPOT_STYLE_TEXT, depot_buf_str(&text));
    dp_canvas_field(c, y, c->w - TIME_W - AFTER_W - 1, AFTER_W, FIT_RIGHT, DEPOT_STYLE_DIM, after);
    dp_canvas_field(c, y, c->w - TIME_W, TIME_W - 1, FIT_RIGHT, DEPOT_STYLE_TEXT,
        depot_text_duration(time, cause->took, true));
    depot_buf_release(&text);
    y++;
    for (size_t i = 0; cause->reason == DEPOT_REASON_FILES && i < cause->evidence.len; i++) {
        if (i == FILES_MAX || y >= c->h)
            break;
        dp_canvas_put(c, y, 5, DEPOT_STYLE_RUN, "~");
        dp_canvas_field(
            c, y++, 7, c->w - 8, FIT_MIDDLE, DEPOT_STYLE_DIM, cause->evidence.items[i].text);
    }
    return y;
}

void dp_fleet_missed_draw(struct fleet_view *v, const struct canvas *c, int y)
{
    const struct fleet_build *b = dp_fleet_view_selected(v);
    if (b == NULL || b->state == NULL || y + ROWS_MIN > c->h ||
        b->sum.counts.hit + b->sum.counts.skipped == 0)
        return;
    update(&v->missed, b, dp_tui_now(v->base.tui));
    const struct depot_cause *cause = depot_why_next(&v->missed.why, NULL);
    if (cause == NULL)
        return;
    dp_canvas_put(c, y++, 1, DEPOT_STYLE_HEADING, "missed the cache first");
    for (int i = 0; i < CAUSES_MAX && cause != NULL && y < c->h; i++) {
        y = draw_cause(c, y, cause);
        cause = depot_why_next(&v->missed.why, cause);
        if (cause != NULL && cause->took < DEPOT_SEC / 10)
            break; /* not worth a row */
    }
}
