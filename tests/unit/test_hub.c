/*
 * Subscribers over a real store: fast and slow ones, resuming, the fleet, coalescing.
 */
#define _GNU_SOURCE /* memmem */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <depot/base.h>
#include <depot/loop.h>
#include <depot/wire.h>

#include "builder/feed/hub.h"

/* ---- the builders ---- */

static const struct depot_ev_builder stub_builders[] = {
    {.builder = "one", .address = "unix:///one", .cpu = -1, .up = true},
    {.builder = "two", .address = "unix:///two", .cpu = -1},
};

static const struct depot_ev_builder *two_builders(void *arg, size_t *n)
{
    DEPOT_UNUSED(arg);
    *n = DEPOT_ARRAY_LEN(stub_builders);
    return stub_builders;
}

/* ---- fixture ---- */

struct watcher {
    struct subscriber *sub;
    int wakes;
};

struct fixture {
    struct depot_loop *loop;
    struct store *store;
    struct hub *hub;
    struct watcher a, b;
    struct depot_buf *watched; /* what the source was told; NULL: it does not matter */
    char dir[64];
};

static void on_watched(bool there, void *arg)
{
    struct fixture *f = arg;

    if (f->watched != NULL)
        depot_buf_adds(f->watched, there ? "come " : "gone ");
}

static void on_wake(struct subscriber *s, void *arg)
{
    struct watcher *w = arg;

    DEPOT_UNUSED(s);
    w->wakes++;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    strcpy(f->dir, "/tmp/test_hub_XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(depot_loop_new(&f->loop, NULL), 0);
    assert_int_equal(store_open(f->loop, f->dir, &f->store, NULL), 0);
    f->hub = hub_new(f->loop, f->store);
    static const struct hub_source source = {.builders = two_builders, .watched = on_watched};
    hub_set_source(f->hub, &source, f);
    f->a.sub = hub_subscriber_new(f->hub, on_wake, &f->a);
    f->b.sub = hub_subscriber_new(f->hub, on_wake, &f->b);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char *command = depot_asprintf("rm -r %s", f->dir);

    hub_subscriber_free(f->a.sub);
    hub_subscriber_free(f->b.sub);
    assert_int_equal(hub_subscribers(f->hub), 0);
    hub_free(f->hub);
    store_free(f->store);
    depot_loop_turn(f->loop);
    depot_loop_free(f->loop);
    assert_int_equal(system(command), 0);
    depot_free(command);
    free(f);
    return 0;
}

static void append(struct fixture *f, const char *id, enum depot_event_type type)
{
    struct depot_event ev = {.type = type};
    struct depot_vertex_log log = {.vertex = "sha256:a",
        .stream = 1,
        .data = (const uint8_t *)"secret",
        .len = 6,
        .timestamp = 1};

    if (type == DEPOT_EVENT_BUILD_STATUS) {
        ev.u.status.platform = "linux/amd64";
        ev.u.status.builder = "one";
        ev.u.status.status.logs = &log;
        ev.u.status.status.nlogs = 1;
    }
    if (type == DEPOT_EVENT_BUILD_FINISHED)
        ev.u.finished.state = DEPOT_BUILD_SUCCEEDED;
    assert_int_equal(store_append(f->store, id, &ev, NULL), 0);
    depot_event_release(&ev);
}

/* What comes next, as "TYPE[:seq] "; "" when nothing does. */
static const char *next(struct watcher *w, char out[64])
{
    const char *data;
    size_t n;
    struct store_line *line = hub_next(w->sub, &data, &n);

    out[0] = '\0';
    if (!line)
        return out;
    snprintf(out, 64, line->seq ? "%s:%llu " : "%s ", depot_event_name(line->type),
        (unsigned long long)line->seq);
    assert_int_equal(data[n], '\n');
    store_line_unref(line);
    return out;
}

static size_t drain(struct watcher *w, char *out, size_t size)
{
    char one[64];
    size_t n = 0;

    out[0] = '\0';
    while (next(w, one)[0]) {
        n++;
        if (strlen(out) + strlen(one) < size)
            strcat(out, one);
    }
    return n;
}

/* ---- tests ---- */

static void test_build__comes_from_any_seq_and_ends(void **state)
{
    struct fixture *f = *state;
    char text[512];

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED);
    append(f, "b1", DEPOT_EVENT_BUILD_STATUS);
    append(f, "b1", DEPOT_EVENT_BUILD_STATUS);
    assert_int_equal(hub_subscribe_build(f->a.sub, "b1", 1, NULL), 0);
    assert_int_equal(f->a.wakes, 1);
    drain(&f->a, text, sizeof(text));
    assert_string_equal(text, "build.status:2 build.status:3 ");
    append(f, "b1", DEPOT_EVENT_BUILD_STATUS);
    append(f, "b1", DEPOT_EVENT_BUILD_FINISHED);
    assert_int_equal(f->a.wakes, 2); /* once until it was drained */
    drain(&f->a, text, sizeof(text));
    assert_string_equal(text, "build.status:4 build.finished:5 ");
    assert_int_equal(hub_cursors(f->a.sub), 0);
    /* Again, from the start, when it is over. */
    assert_int_equal(hub_subscribe_build(f->a.sub, "b1", 0, NULL), 0);
    assert_int_equal(drain(&f->a, text, sizeof(text)), 5);
    assert_int_equal(hub_cursors(f->a.sub), 0);
    assert_int_equal(hub_subscribe_build(f->a.sub, "b1", 5, NULL), 0);
    assert_int_equal(drain(&f->a, text, sizeof(text)), 0);
}

static void test_build__subscribing_again_moves_the_position(void **state)
{
    struct fixture *f = *state;
    char text[512];

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED);
    append(f, "b1", DEPOT_EVENT_BUILD_STATUS);
    append(f, "b1", DEPOT_EVENT_BUILD_STATUS);
    assert_int_equal(hub_subscribe_build(f->a.sub, "b1", 0, NULL), 0);
    assert_string_equal(next(&f->a, text), "build.created:1 ");
    assert_int_equal(hub_subscribe_build(f->a.sub, "b1", 2, NULL), 0);
    drain(&f->a, text, sizeof(text));
    assert_string_equal(text, "build.status:3 ");
    assert_int_equal(hub_subscribe_build(f->a.sub, "b1", 0, NULL), 0);
    assert_string_equal(next(&f->a, text), "build.created:1 ");
    hub_unsubscribe_build(f->a.sub, "b1");
    assert_string_equal(next(&f->a, text), "");
}

static void test_build__refuses_unknown_ones(void **state)
{
    struct fixture *f = *state;
    struct depot_error err;

    assert_int_equal(hub_subscribe_build(f->a.sub, "none", 0, &err), DEPOT_ERR_NOT_FOUND);
    assert_int_equal(hub_subscribe_build(f->a.sub, "../x", 0, &err), DEPOT_ERR_INVALID);
    hub_unsubscribe_build(f->a.sub, "none");
}

static void test_two__a_slow_one_loses_nothing(void **state)
{
    enum { EVENTS = 5000 };
    struct fixture *f = *state;
    char text[64];
    size_t fast = 0, slow = 0;

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED);
    assert_int_equal(hub_subscribe_build(f->a.sub, "b1", 0, NULL), 0);
    assert_int_equal(hub_subscribe_build(f->b.sub, "b1", 0, NULL), 0);
    for (int i = 2; i <= EVENTS; i++) {
        append(f, "b1", i == EVENTS ? DEPOT_EVENT_BUILD_FINISHED : DEPOT_EVENT_BUILD_STATUS);
        fast += drain(&f->a, text, sizeof(text));
        if (i % 50 == 0) {
            depot_loop_turn(f->loop);
            slow += next(&f->b, text)[0] != '\0';
        }
    }
    assert_int_equal(fast, EVENTS);
    assert_int_equal(slow, EVENTS / 50);
    for (; next(&f->b, text)[0]; slow++) {
        const char *seq = strchr(text, ':');
        assert_non_null(seq);
        assert_int_equal(strtoul(seq + 1, NULL, 10), slow + 1);
    }
    assert_int_equal(slow, EVENTS);
}

static void test_fleet__snapshot_then_active_builds_then_new_ones(void **state)
{
    struct fixture *f = *state;
    char text[512];

    append(f, "old", DEPOT_EVENT_BUILD_CREATED);
    append(f, "old", DEPOT_EVENT_BUILD_FINISHED);
    append(f, "b1", DEPOT_EVENT_BUILD_CREATED);
    append(f, "b1", DEPOT_EVENT_BUILD_STATUS);
    hub_subscribe_fleet(f->a.sub, true);
    drain(&f->a, text, sizeof(text));
    assert_string_equal(text, "fleet.snapshot build.created:1 build.status:2 ");
    append(f, "b2", DEPOT_EVENT_BUILD_CREATED);
    drain(&f->a, text, sizeof(text));
    assert_string_equal(text, "build.created:1 ");
    assert_int_equal(hub_cursors(f->a.sub), 2);
    append(f, "b1", DEPOT_EVENT_BUILD_FINISHED);
    drain(&f->a, text, sizeof(text));
    assert_string_equal(text, "build.finished:3 ");
    assert_int_equal(hub_cursors(f->a.sub), 1);
    hub_unsubscribe_fleet(f->a.sub);
    append(f, "b2", DEPOT_EVENT_BUILD_STATUS);
    append(f, "b3", DEPOT_EVENT_BUILD_CREATED);
    assert_string_equal(next(&f->a, text), "");
}

static void test_fleet__snapshot_names_builders_and_builds(void **state)
{
    struct fixture *f = *state;
    struct depot_event ev;
    struct store_line *line;
    const char *data;
    size_t n;

    append(f, "old", DEPOT_EVENT_BUILD_CREATED);
    append(f, "old", DEPOT_EVENT_BUILD_FINISHED);
    append(f, "b1", DEPOT_EVENT_BUILD_CREATED);
    hub_subscribe_fleet(f->a.sub, true);
    line = hub_next(f->a.sub, &data, &n);
    assert_non_null(line);
    assert_int_equal(depot_wire_decode(data, n, &ev, NULL), 0);
    assert_int_equal(ev.type, DEPOT_EVENT_FLEET_SNAPSHOT);
    assert_int_equal(ev.u.snapshot.nbuilders, 2);
    assert_string_equal(ev.u.snapshot.builders[1].builder, "two");
    assert_true(ev.u.snapshot.builders[0].up);
    assert_false(ev.u.snapshot.builders[1].up);
    assert_int_equal(ev.u.snapshot.nbuilds, 2);
    assert_string_equal(ev.u.snapshot.builds[0].id, "b1");
    assert_int_equal(ev.u.snapshot.builds[1].state, DEPOT_BUILD_SUCCEEDED);
    depot_event_release(&ev);
    store_line_unref(line);
}

static void test_fleet__without_logs_unless_named(void **state)
{
    struct fixture *f = *state;
    const char *data;
    size_t n;

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED);
    append(f, "b1", DEPOT_EVENT_BUILD_STATUS);
    hub_subscribe_fleet(f->a.sub, false);
    hub_subscribe_fleet(f->b.sub, false);
    assert_int_equal(hub_subscribe_build(f->b.sub, "b1", 0, NULL), 0);
    append(f, "b1", DEPOT_EVENT_BUILD_FINISHED);
    for (int i = 0; i < 4; i++) {
        struct store_line *b = hub_next(f->b.sub, &data, &n);
        bool has = memmem(data, n, "\"logs\"", 6) != NULL;
        assert_int_equal(has, i == 2);
        store_line_unref(b);
    }
    for (int i = 0; i < 3; i++) { /* without the status, which had nothing else */
        struct store_line *a = hub_next(f->a.sub, &data, &n);
        assert_null(memmem(data, n, "\"logs\"", 6));
        assert_null(memmem(data, n, "build.status", 12));
        store_line_unref(a);
    }
    assert_null(hub_next(f->a.sub, &data, &n));
}

static void test_watchers__is_told_of_the_first_and_the_last(void **state)
{
    struct fixture *f = *state;
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct subscriber *s = hub_subscriber_new(f->hub, on_wake, &f->b);

    append(f, "b1", DEPOT_EVENT_BUILD_CREATED);
    f->watched = &text;
    assert_int_equal(hub_subscribe_build(f->a.sub, "b1", 0, NULL), 0);
    assert_string_equal(depot_buf_str(&text), "");
    hub_subscribe_fleet(f->a.sub, true);
    hub_subscribe_fleet(f->a.sub, false);
    hub_subscribe_fleet(s, true);
    hub_unsubscribe_fleet(f->a.sub);
    hub_unsubscribe_fleet(f->a.sub);
    assert_string_equal(depot_buf_str(&text), "come ");
    hub_subscriber_free(s);
    assert_string_equal(depot_buf_str(&text), "come gone ");
    hub_subscribe_fleet(f->a.sub, true);
    assert_string_equal(depot_buf_str(&text), "come gone come ");
    f->watched = NULL;
    depot_buf_release(&text);
}

static void publish(struct fixture *f, enum depot_event_type type, const char *builder, int running)
{
    struct depot_event ev = {.type = type};

    ev.u.builder.builder = builder;
    ev.u.builder.running = running;
    ev.u.builder.cpu = -1;
    hub_publish(f->hub, &ev);
    depot_event_release(&ev);
}

static void test_publish__the_newest_of_a_builder_and_type(void **state)
{
    static const struct {
        const char *builder;
        enum depot_event_type type;
        int running;
    } expected[] = {
        {"two", DEPOT_EVENT_BUILDER_METRICS, 7},
        {"one", DEPOT_EVENT_BUILDER_DOWN, 0},
        {"one", DEPOT_EVENT_BUILDER_METRICS, 99},
        {"one", DEPOT_EVENT_BUILDER_UP, 2},
    };
    struct fixture *f = *state;
    char text[64];

    hub_subscribe_fleet(f->a.sub, true);
    publish(f, DEPOT_EVENT_BUILDER_UP, "one", 0); /* the snapshot says it */
    drain(&f->a, text, sizeof(text));
    assert_string_equal(text, "fleet.snapshot ");
    publish(f, DEPOT_EVENT_BUILDER_UP, "one", 1);
    publish(f, DEPOT_EVENT_BUILDER_METRICS, "two", 7);
    publish(f, DEPOT_EVENT_BUILDER_DOWN, "one", 0);
    for (int i = 0; i < 100; i++)
        publish(f, DEPOT_EVENT_BUILDER_METRICS, "one", i);
    publish(f, DEPOT_EVENT_BUILDER_UP, "one", 2);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(expected); i++) {
        struct depot_event ev;
        const char *data;
        size_t n;
        struct store_line *line = hub_next(f->a.sub, &data, &n);
        assert_non_null(line);
        assert_int_equal(depot_wire_decode(data, n, &ev, NULL), 0);
        assert_int_equal(ev.type, expected[i].type);
        assert_string_equal(ev.u.builder.builder, expected[i].builder);
        assert_int_equal(ev.u.builder.running, expected[i].running);
        depot_event_release(&ev);
        store_line_unref(line);
    }
    assert_string_equal(next(&f->a, text), "");
    assert_string_equal(next(&f->b, text), ""); /* not of the fleet */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_build__comes_from_any_seq_and_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_build__subscribing_again_moves_the_position, setup, teardown),
        cmocka_unit_test_setup_teardown(test_build__refuses_unknown_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two__a_slow_one_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_fleet__snapshot_then_active_builds_then_new_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_fleet__snapshot_names_builders_and_builds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fleet__without_logs_unless_named, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_watchers__is_told_of_the_first_and_the_last, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_publish__the_newest_of_a_builder_and_type, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
