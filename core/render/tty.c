/*
 * The tty sink: when a frame is drawn. What is in it: tty_draw.c; how it is written: tty_screen.c.
 * It asks the terminal nothing and sets no mode of it.
 */
#include "render/tty.h"

#include <string.h>

#define FRAME_EVERY ((uint64_t)(100 * DEPOT_MSEC)) /* at most one frame in this time */
#define FIRST_AFTER ((uint64_t)(150 * DEPOT_MSEC)) /* a build that is over sooner shows none */
#define RESIZE_AFTER                                                                               \
    ((uint64_t)(80 * DEPOT_MSEC))          /* of quiet; a drag sends a new size each time          \
                                            */
#define DERIVE_EVERY ((uint64_t)DEPOT_SEC) /* for graphs that are too big to do it always */

/* An engine's clock that seems to run this much slower than before has been set. */
#define CLOCK_SET (2 * DEPOT_SEC)

static struct dp_tty *tty_of(struct depot_render *r)
{
    return DEPOT_CONTAINER_OF(r, struct dp_tty, base);
}

static void later(depot_time *max, depot_time t)
{
    if (t > *max)
        *max = t;
}

/* The engine's clock is at least at the newest time that it sent. */
static void note_clock(
    struct dp_tty *t, const struct depot_part *part, const struct depot_status *st, uint64_t now)
{
    depot_time newest = 0;
    int64_t ahead, *known;

    for (size_t i = 0; i < st->nvertexes; i++) {
        later(&newest, st->vertexes[i].started);
        later(&newest, st->vertexes[i].completed);
    }
    for (size_t i = 0; i < st->nstatuses; i++)
        later(&newest, st->statuses[i].timestamp);
    for (size_t i = 0; i < st->nlogs; i++)
        later(&newest, st->logs[i].timestamp);
    if (newest <= 0)
        return;
    while (t->engine_ahead.len <= part->index)
        depot_vec_push(&t->engine_ahead, 0);
    known = &t->engine_ahead.items[part->index];
    ahead = depot_time_between((depot_time)now, newest);
    if (!*known || ahead > *known || ahead < *known - CLOCK_SET)
        *known = ahead;
}

static void take_status(struct dp_tty *t, const struct depot_ev_status *ev, uint64_t now)
{
    const struct depot_build *b = t->base.build;
    const struct depot_part *part = depot_build_part(b, ev->platform);

    if (part == NULL)
        return;
    note_clock(t, part, &ev->status, now);
    for (size_t i = 0; i < ev->status.nlogs; i++) {
        const struct depot_step *s = depot_build_step(b, part, ev->status.logs[i].vertex);

        if (s != NULL && s->known)
            dp_tty_log_add(t, s, &ev->status.logs[i]);
    }
    for (size_t i = 0; i < ev->status.nvertexes; i++) {
        const struct depot_vertex *v = &ev->status.vertexes[i];
        const struct depot_step *s = depot_build_step(b, part, v->digest);

        if (s != NULL && s->known && v->completed && v->error == NULL && depot_step_is_completed(s))
            dp_tty_log_forget(t, s);
    }
}

static void derive(struct dp_tty *t, uint64_t now)
{
    const struct depot_build *b = t->base.build;

    if (b->steps.len > DP_TTY_DERIVE_AT_ONCE && now - t->derived < DERIVE_EVERY)
        return;
    t->derived = now;
    /* What this computes is only kept with the build to be computed once; no build is const. */
    depot_build_derive((struct depot_build *)b);
}

static void paint(struct dp_tty *t, uint64_t now)
{
    if (t->resized)
        dp_tty_screen_rewrap(&t->screen, &t->base.out, t->base.opts.width, t->base.opts.height);
    t->resized = false;
    derive(t, now);
    t->now = now;
    t->painted = now;
    t->dirty = false;
    t->changes = INT64_MAX;
    dp_tty_compose(t);
    dp_tty_screen_draw(&t->screen, &t->base.out);
}

static uint64_t tty_deadline(const struct depot_render *r)
{
    const struct dp_tty *t = DEPOT_CONTAINER_OF(r, const struct dp_tty, base);
    uint64_t at = t->painted + FRAME_EVERY;

    if (!t->any || t->over || t->covered)
        return 0;
    if (!t->dirty && !t->resized) {
        if (t->changes == INT64_MAX)
            return 0;
        if ((uint64_t)t->changes > FRAME_EVERY)
            at = t->painted + (uint64_t)t->changes;
    }
    return at > t->not_before ? at : t->not_before;
}

static void tty_tick(struct depot_render *r, uint64_t now)
{
    struct dp_tty *t = tty_of(r);
    uint64_t at = tty_deadline(r);

    if (at && now >= at)
        paint(t, now);
}

static void tty_apply(struct depot_render *r, const struct depot_event *ev, uint64_t now)
{
    struct dp_tty *t = tty_of(r);

    if (t->over)
        return;
    if (!t->any) {
        t->any = true;
        t->started = now;
        t->not_before = now + FIRST_AFTER;
    }
    if (ev->type == DEPOT_EVENT_BUILD_STATUS)
        take_status(t, &ev->u.status, now);
    t->dirty = true;
    tty_tick(r, now);
}

static void tty_resize(struct depot_render *r, uint64_t now)
{
    struct dp_tty *t = tty_of(r);

    t->resized = true;
    t->not_before = now + RESIZE_AFTER;
}

static void tty_hide(struct depot_render *r, uint64_t now)
{
    struct dp_tty *t = tty_of(r);

    DEPOT_UNUSED(now);
    if (t->resized)
        dp_tty_screen_rewrap(&t->screen, &t->base.out, t->base.opts.width, t->base.opts.height);
    t->resized = false;
    dp_tty_screen_erase(&t->screen, &t->base.out);
    t->dirty = true;
}

static void tty_cover(struct depot_render *r, bool covered)
{
    struct dp_tty *t = tty_of(r);

    if (covered)
        tty_hide(r, 0);
    t->covered = covered;
    t->dirty = true;
}

static void tty_end(struct depot_render *r, uint64_t now)
{
    tty_hide(r, now);
    tty_of(r)->over = true;
}

static void tty_tails(struct depot_render *r)
{
    dp_tty_put_tails(tty_of(r));
}

static void tty_begin(struct depot_render *r)
{
    struct dp_tty *t = tty_of(r);

    t->row_by_key = depot_map_new();
    dp_tty_screen_init(&t->screen, &r->opts);
}

static void tty_release(struct depot_render *r)
{
    struct dp_tty *t = tty_of(r);

    if (!t->over)
        dp_tty_screen_erase(&t->screen, &r->out);
    for (size_t i = 0; i < t->rows.len; i++) {
        depot_vec_free(&t->rows.items[i]->steps);
        depot_free(t->rows.items[i]);
    }
    depot_vec_free(&t->rows);
    depot_vec_free(&t->engine_ahead);
    depot_map_free(t->row_by_key);
    dp_tty_logs_release(t);
    dp_tty_screen_release(&t->screen);
}

const struct dp_render_ops dp_render_tty = {
    .name = "tty",
    .size = sizeof(struct dp_tty),
    .begin = tty_begin,
    .apply = tty_apply,
    .deadline = tty_deadline,
    .tick = tty_tick,
    .end = tty_end,
    .resize = tty_resize,
    .hide = tty_hide,
    .cover = tty_cover,
    .tails = tty_tails,
    .release = tty_release,
};
