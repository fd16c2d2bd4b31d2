/*
 * depot build --tui: the screen of one build, fed by the client that runs it.
 */
#include "tui/app/runner.h"
#include "tui/view/views.h"

struct depot_tui {
    struct screen *screen;
    struct fleet_source *source;
    struct depot_tui_build_ops ops;
    void *arg;
    bool opened; /* the build's view is on the stack */
    bool left;
};

static void leave(struct depot_tui *t)
{
    t->left = true;
    t->source = NULL;
    dp_screen_free(t->screen);
    t->screen = NULL;
}

static void on_quit(struct screen *s, bool interrupted, void *arg)
{
    struct depot_tui *t = arg;
    DEPOT_UNUSED(s);
    DEPOT_UNUSED(interrupted);
    leave(t);
    if (t->ops.left != NULL)
        t->ops.left(t, t->arg);
}

static bool on_interrupt(struct screen *s, void *arg)
{
    struct depot_tui *t = arg;
    DEPOT_UNUSED(s);
    if (t->ops.cancel == NULL)
        return false;
    t->ops.cancel(t, t->arg);
    return true;
}

/* Builds of others are the daemon's to cancel. */
static bool on_cancel(struct fleet_source *source, struct fleet_build *b, void *arg)
{
    struct depot_tui *t = arg;
    return b == dp_fleet_own(source) && on_interrupt(t->screen, t);
}

static const struct screen_ops screen_ops = {
    .views = dp_views, .quit = on_quit, .interrupt = on_interrupt};

int depot_tui_build_open(struct depot_loop *l, const struct depot_tui_opts *opts,
    struct depot_job *job, const struct depot_tui_build_ops *ops, void *arg, struct depot_tui **out,
    struct depot_error *err)
{
    struct depot_tui *t = depot_calloc(1, sizeof(*t));
    t->ops = *ops;
    t->arg = arg;
    int rc = dp_screen_new(l, opts, &screen_ops, t, &t->screen, err);
    if (rc == 0) {
        t->source = dp_fleet_source(dp_screen_fleet(t->screen), "");
        t->source->cancel = on_cancel;
        t->source->cancel_arg = t;
        dp_fleet_share(t->source, job);
        dp_tui_push(dp_screen_tui(t->screen), VIEW_FLEET, NULL);
        rc = dp_screen_start(t->screen, err);
    }
    if (rc != 0) {
        depot_tui_build_close(t);
        return rc;
    }
    *out = t;
    return 0;
}

void depot_tui_build_event(struct depot_tui *t, const struct depot_event *ev)
{
    if (t->left)
        return;
    dp_fleet_apply(t->source, ev);
    const struct fleet_build *own = dp_fleet_own(t->source);
    if (t->opened || own == NULL)
        return;
    t->opened = true;
    dp_tui_replace(dp_screen_tui(t->screen), VIEW_BUILD, own->key);
}

void depot_tui_build_link(struct depot_tui *t, const struct depot_error *err)
{
    if (!t->left)
        dp_fleet_source_state(t->source, err != NULL ? DEPOT_FEED_STALE : DEPOT_FEED_LIVE, err);
}

void depot_tui_build_say(struct depot_tui *t, const char *text)
{
    if (t->left)
        return;
    dp_tui_say(dp_screen_tui(t->screen), DEPOT_STYLE_WARN, "%s", text);
    dp_fleet_source_state(t->source, t->source->state, NULL); /* a frame shows it */
}

void depot_tui_build_close(struct depot_tui *t)
{
    if (t == NULL)
        return;
    if (!t->left)
        leave(t);
    depot_free(t);
}
