/*
 * Replays a recording of raw statuses through model and render with the recording's own clock, and
 * prints what a sink prints: `replay plain|rawjson < RECORDING`. For the golden cases.
 */
#include <depot/render.h>
#include <depot/wire.h>

#include <stdio.h>
#include <string.h>

struct replay {
    struct depot_build *build;
    struct depot_render *render;
    depot_time first;
    uint64_t now;
    bool started;
};

static void later(depot_time *max, depot_time t)
{
    if (t > *max)
        *max = t;
}

/* When a status was sent: the newest time in it. */
static depot_time time_of(const struct depot_status *st)
{
    depot_time t = 0;

    for (size_t i = 0; i < st->nvertexes; i++) {
        later(&t, st->vertexes[i].started);
        later(&t, st->vertexes[i].completed);
    }
    for (size_t i = 0; i < st->nstatuses; i++)
        later(&t, st->statuses[i].timestamp);
    for (size_t i = 0; i < st->nlogs; i++)
        later(&t, st->logs[i].timestamp);
    return t;
}

static void advance(struct replay *r, uint64_t to)
{
    uint64_t at;

    while ((at = depot_render_deadline(r->render)) != 0 && at <= to)
        depot_render_tick(r->render, at);
    r->now = to;
}

static int on_event(struct depot_event *ev, void *arg)
{
    struct replay *r = arg;
    depot_time t = time_of(&ev->u.status.status);

    if (t && !r->started) {
        r->started = true;
        r->first = t;
    }
    /* The clock starts at one second: a time of 0 means "never" to a deadline. */
    if (t && (uint64_t)(t - r->first) + DEPOT_SEC > r->now && t >= r->first)
        advance(r, (uint64_t)(t - r->first) + DEPOT_SEC);
    depot_build_apply(r->build, ev);
    depot_render_apply(r->render, ev, r->now);
    depot_event_release(ev);
    return 0;
}

static int on_error(const struct depot_error *err, void *arg)
{
    DEPOT_UNUSED(arg);
    fprintf(stderr, "%s\n", err->msg);
    return -1;
}

int main(int argc, char **argv)
{
    struct depot_render_opts opts = {.out = stdout};
    struct replay r = {.now = DEPOT_SEC};
    struct depot_wire_reader *reader;
    struct depot_error err = {0};
    static char buf[65536];
    size_t n;
    int rc = 1;

    setvbuf(stdout, NULL, _IOFBF, sizeof(buf));
    r.build = depot_build_new(NULL);
    if (depot_render_new(&r.render, argc > 1 ? argv[1] : "plain", r.build, &opts, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        depot_build_free(r.build);
        return 2;
    }
    reader = depot_wire_reader_new(on_event, on_error, &r);
    while ((n = fread(buf, 1, sizeof(buf), stdin)) > 0)
        if (depot_wire_reader_feed(reader, buf, n))
            goto out;
    if (depot_wire_reader_end(reader))
        goto out;
    depot_render_end(r.render, r.now);
    rc = 0;
out:
    depot_wire_reader_free(reader);
    depot_render_free(r.render);
    depot_build_free(r.build);
    return rc;
}
