/*
 * The rule, and the timer that ends a hold.
 */
#include "net/pace.h"

#include <depot/clock.h>

enum { TURN_MS = 20 };

const struct dp_pace_rule dp_pace_progress = {
    .turn_ms = TURN_MS,
    .quiet_ms = 2 * TURN_MS,
    .burst = 3,
    .bulk = 512 * 1024, /* 25 MB/s; the stream's window is 1 MiB */
};

const struct dp_pace_rule dp_pace_feed = {
    .turn_ms = TURN_MS,
    .quiet_ms = 2 * TURN_MS,
    .burst = 64,
    .bulk = 16 * 1024, /* one record of TLS; a replay must not wait for the clock */
};

struct dp_pace {
    const struct dp_pace_rule *rule;
    struct dp_pace_state state;
    struct depot_timer *timer;
    bool holding;
    void (*turn)(void *arg);
    void *arg;
};

uint64_t dp_pace_judge(
    struct dp_pace_state *s, const struct dp_pace_rule *rule, uint64_t now_ms, size_t bytes)
{
    if (now_ms - s->last_ms >= rule->quiet_ms)
        s->spent = 0;
    s->last_ms = now_ms;
    if (bytes >= rule->bulk)
        return 0;
    if (s->spent < rule->burst) {
        s->spent++;
        return 0;
    }
    return rule->turn_ms;
}

static void on_timer(struct depot_timer *t, void *arg)
{
    struct dp_pace *p = arg;
    DEPOT_UNUSED(t);
    p->holding = false;
    p->turn(p->arg);
}

struct dp_pace *dp_pace_new(
    struct depot_loop *l, const struct dp_pace_rule *rule, void (*turn)(void *arg), void *arg)
{
    struct dp_pace *p = depot_calloc(1, sizeof(*p));
    p->rule = rule;
    p->timer = depot_timer_new(l, on_timer, p);
    p->turn = turn;
    p->arg = arg;
    return p;
}

/* libuv closes the timer before the next one fires, so that nothing comes from it any more. */
void dp_pace_free(struct dp_pace *p)
{
    if (p == NULL)
        return;
    depot_timer_free(p->timer);
    depot_free(p);
}

void dp_pace_took(struct dp_pace *p, size_t bytes)
{
    const uint64_t hold_ms = dp_pace_judge(&p->state, p->rule, depot_mono_ms(), bytes);
    if (hold_ms == 0)
        return;
    p->holding = true;
    depot_timer_start(p->timer, hold_ms, 0);
}

bool dp_pace_holds(const struct dp_pace *p)
{
    return p != NULL && p->holding;
}

void dp_pace_hurry(struct dp_pace *p)
{
    p->state = (struct dp_pace_state){0};
    if (p->holding)
        depot_timer_start(p->timer, 0, 0);
}
