/*
 * Follows a build of one's own daemon, from its first event: the log as it comes, and each step as
 * it ends. Exits with 0 when the build succeeded.                                    follow BUILD
 */
#include <depot/endpoint.h>
#include <depot/feed.h>
#include <depot/state.h>

#include <stdio.h>

static void on_step(const struct depot_build *b, const struct depot_step *s, void *arg)
{
    (void)b, (void)arg;
    if (depot_step_is_completed(s))
        printf("%s %.1fs %s\n", depot_outcome_name(s->outcome),
            (double)depot_step_duration(s, 0) / (double)DEPOT_SEC, s->name);
}

static void on_log(const struct depot_build *b, const struct depot_step *s,
    const struct depot_vertex_log *log, void *arg)
{
    (void)b, (void)s, (void)arg;
    fwrite(log->data, 1, log->len, stdout);
}

static struct depot_loop *loop;
static struct depot_build *build; /* what all events so far add up to */

static int fail(const struct depot_error *err)
{
    fprintf(stderr, "follow: %s\n%s%s", err->msg, err->hint, *err->hint != '\0' ? "\n" : "");
    return 1;
}

static void on_event(struct depot_feed *f, const struct depot_event *ev, void *arg)
{
    (void)f, (void)arg;
    depot_build_apply(build, ev);
    if (ev->type == DEPOT_EVENT_BUILD_FINISHED)
        depot_loop_stop(loop);
}

static void on_refused(
    struct depot_feed *f, const char *id, const struct depot_error *err, void *arg)
{
    (void)f, (void)id, (void)arg;
    fail(err);
    depot_loop_stop(loop);
}

/* A connection that is lost is made again, and no event is missed nor given twice; until then. */
static void on_state(
    struct depot_feed *f, enum depot_feed_state s, const struct depot_error *err, void *arg)
{
    if (s == DEPOT_FEED_ENDED && err != NULL)
        on_refused(f, NULL, err, arg);
}

int main(int argc, char **argv)
{
    const struct depot_feed_ops ops = {.event = on_event, .state = on_state, .refused = on_refused};
    const struct depot_build_hooks hooks = {.on_step = on_step, .on_log = on_log};
    struct depot_endpoint at = {0};
    struct depot_error err = {0};
    struct depot_feed *feed;
    if (argc != 2)
        return fprintf(stderr, "usage: follow BUILD\n"), 2;
    if (depot_endpoint_resolve(NULL, NULL, false, &at, &err) < 0 || depot_loop_new(&loop, &err) < 0)
        return fail(&err);
    const struct depot_feed_opts opts = {
        .addr = &at.addr, .tls = &at.tls, .token = at.token, .give_up_ms = 10000};
    if (depot_feed_open(loop, &opts, &ops, NULL, &feed, &err) < 0)
        return fail(&err);
    build = depot_build_new(&hooks);
    depot_feed_subscribe_build(feed, argv[1], 0);
    depot_loop_run(loop);
    if (build->finished)
        printf("%s: %d of %d steps from the cache\n", depot_build_state_name(build->state),
            build->counts.hit, build->counts.total);
    const int status = build->state == DEPOT_BUILD_SUCCEEDED ? 0 : 1;
    depot_feed_free(feed);
    depot_build_free(build);
    depot_loop_free(loop);
    depot_endpoint_release(&at);
    return status;
}
