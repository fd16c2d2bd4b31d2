/*
 * A headless sink with its clock: what the sink asks for in time is given by the loop.
 */
#include "cli.h"

#include <depot/clock.h>
#include <depot/render.h>

#include <string.h>
#include <unistd.h>

struct cli_show {
    struct depot_render *render;
    struct depot_timer *timer;
    const struct depot_build *state;
    struct depot_render_opts opts;
    bool quiet, raw;
};

static void rearm(struct cli_show *s)
{
    uint64_t deadline = depot_render_deadline(s->render);
    uint64_t now = depot_mono_ns();
    if (deadline == 0)
        depot_timer_stop(s->timer);
    else
        depot_timer_start(s->timer, deadline > now ? (deadline - now + 999999) / 1000000 : 0, 0);
}

static void on_timer(struct depot_timer *t, void *arg)
{
    struct cli_show *s = arg;
    DEPOT_UNUSED(t);
    depot_render_tick(s->render, depot_mono_ns());
    rearm(s);
}

int cli_show_new(struct depot_loop *l, const struct depot_build *state,
    const struct cli_show_opts *opts, struct cli_show **out, struct depot_error *err)
{
    struct cli_show *s = depot_calloc(1, sizeof(*s));
    s->state = state;
    s->opts.out = opts->out;
    s->opts.sanitize = isatty(fileno(opts->out)) == 1;
    s->quiet = depot_str_eq(opts->sink, "quiet");
    s->raw = depot_str_eq(opts->sink, "rawjson");
    int rc = depot_render_new(&s->render, opts->sink, state, &s->opts, err);
    if (rc != 0) {
        depot_free(s);
        return rc;
    }
    s->timer = depot_timer_new(l, on_timer, s);
    *out = s;
    return 0;
}

void cli_show_event(struct cli_show *s, const struct depot_event *ev)
{
    depot_render_apply(s->render, ev, depot_mono_ns());
    rearm(s);
}

void cli_show_end(struct cli_show *s, bool summary)
{
    depot_timer_stop(s->timer);
    depot_render_end(s->render, depot_mono_ns());
    if (!s->raw && !s->quiet)
        depot_render_warnings(s->state, &s->opts);
    if (s->state->state == DEPOT_BUILD_FAILED)
        depot_render_error(s->state, &s->opts);
    if (summary && !s->raw && !s->quiet)
        depot_render_summary(s->state, &s->opts);
}

void cli_show_free(struct cli_show *s)
{
    if (s == NULL)
        return;
    depot_timer_free(s->timer);
    depot_render_free(s->render);
    depot_free(s);
}
