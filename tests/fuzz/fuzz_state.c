/*
 * A whole feed from anywhere, reduced and drawn plain as for a terminal: nothing may crash, and no
 * escape byte may come out.
 */
#include <depot/render.h>
#include <depot/wire.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct depot_build *build;
    struct depot_render *render;
    uint64_t now;
};

static int on_event(struct depot_event *ev, void *arg)
{
    struct run *r = arg;

    depot_build_apply(r->build, ev);
    depot_render_apply(r->render, ev, r->now);
    r->now += 70 * DEPOT_MSEC;
    depot_render_tick(r->render, r->now);
    depot_event_release(ev);
    if (r->now % 3 == 0)
        depot_build_derive(r->build);
    return 0;
}

static int on_error(const struct depot_error *err, void *arg)
{
    DEPOT_UNUSED(err);
    DEPOT_UNUSED(arg);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct depot_render_opts opts = {.out = out, .sanitize = true};
    struct run r = {.build = depot_build_new(NULL), .now = DEPOT_SEC};
    struct depot_wire_reader *reader = depot_wire_reader_new(on_event, on_error, &r);

    if (depot_render_new(&r.render, "plain", r.build, &opts, NULL))
        abort();
    if (depot_wire_reader_feed(reader, data, size / 2) ||
        depot_wire_reader_feed(reader, data + size / 2, size - size / 2) ||
        depot_wire_reader_end(reader))
        abort();
    depot_render_end(r.render, r.now);
    depot_build_derive(r.build);
    depot_render_warnings(r.build, &opts);
    depot_render_error(r.build, &opts);
    depot_render_summary(r.build, &opts);
    fclose(out);
    if (memchr(text, 0x1b, len))
        abort();
    free(text);
    depot_wire_reader_free(reader);
    depot_render_free(r.render);
    depot_build_free(r.build);
    return 0;
}
