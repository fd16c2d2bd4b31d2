/*
 * The public face of a feed, and its lifetime. What a feed does is in client.c and replay.c.
 */
#define DEPOT_LOG_MODULE "feed"
#include "feed/private.h"

#include <depot/log.h>

static const char *const state_names[] = {
    [DEPOT_FEED_CONNECTING] = "connecting",
    [DEPOT_FEED_LIVE] = "live",
    [DEPOT_FEED_STALE] = "stale",
    [DEPOT_FEED_ENDED] = "ended",
};

void feed_set_state(struct depot_feed *f, enum depot_feed_state to, const struct depot_error *err)
{
    if (f->dead || f->state == DEPOT_FEED_ENDED || (f->state == to && err == NULL))
        return;
    depot_log_debug("%s -> %s%s%s", state_names[f->state], state_names[to], err != NULL ? ": " : "",
        err != NULL ? err->msg : "");
    f->state = to;
    if (f->ops->state != NULL)
        f->ops->state(f, to, err, f->arg);
}

void feed_defer(struct depot_feed *f, void (*fn)(void *arg))
{
    f->holds++;
    depot_loop_defer(f->loop, fn, f);
}

bool feed_released(struct depot_feed *f)
{
    const bool dead = f->dead;
    if (--f->holds == 0 && dead)
        f->kind->release(f);
    return dead;
}

static void feed_reap(void *arg)
{
    (void)feed_released(arg);
}

void depot_feed_free(struct depot_feed *f)
{
    if (f == NULL || f->dead)
        return;
    f->dead = true;
    if (f->kind->quiet != NULL)
        f->kind->quiet(f);
    feed_defer(f, feed_reap);
}

void depot_feed_subscribe_build(struct depot_feed *f, const char *build, uint64_t after)
{
    if (!f->dead && f->kind->subscribe_build != NULL)
        f->kind->subscribe_build(f, build, after);
}

void depot_feed_subscribe_fleet(struct depot_feed *f, bool logs)
{
    if (!f->dead && f->kind->subscribe_fleet != NULL)
        f->kind->subscribe_fleet(f, logs);
}

void depot_feed_unsubscribe_build(struct depot_feed *f, const char *build)
{
    if (!f->dead && f->kind->unsubscribe_build != NULL)
        f->kind->unsubscribe_build(f, build);
}

void depot_feed_create(struct depot_feed *f, const struct depot_build_request *r)
{
    if (!f->dead && f->kind->create != NULL)
        f->kind->create(f, r);
}

void depot_feed_cancel(struct depot_feed *f, const char *build)
{
    if (!f->dead && f->kind->cancel != NULL)
        f->kind->cancel(f, build);
}

bool depot_feed_query(struct depot_feed *f, const struct depot_query *q)
{
    return !f->dead && f->kind->ask != NULL && f->kind->ask(f, q);
}
