/*
 * Deriving what changed gives what deriving the whole graph gives: after every event of every
 * recording, and of random builds that no engine would make.
 */
#define _XOPEN_SOURCE 700 /* nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>

#include <depot/wire.h>

#include "model/state_priv.h"

/* One build thrice: derived by what changed; as a whole; and only once, at the end. */
struct trio {
    struct depot_build *changed, *whole, *late;
    unsigned every; /* events between two derivations */
    size_t events, derived;
    DEPOT_VEC(struct depot_step) before; /* the steps of `changed` as they were last */
    uint64_t derived_before, structure_before;
    char id[64]; /* the build of a recording that is looked at */
};

static void trio_open(struct trio *t, unsigned every)
{
    memset(t, 0, sizeof(*t));
    t->changed = depot_build_new(NULL);
    t->whole = depot_build_new(NULL);
    t->late = depot_build_new(NULL);
    t->every = every;
}

static void same_counts(const struct depot_counts *a, const struct depot_counts *b)
{
    assert_memory_equal(a, b, sizeof(*a));
}

static void same_list(
    struct depot_step *const *a, size_t na, struct depot_step *const *b, size_t nb)
{
    assert_int_equal(na, nb);
    for (size_t i = 0; i < na; i++) {
        assert_int_equal(a[i]->part->index, b[i]->part->index);
        assert_int_equal(a[i]->index, b[i]->index);
    }
}

static void same_step(const struct depot_step *a, const struct depot_step *b)
{
    assert_string_equal(a->digest, b->digest);
    assert_string_equal(depot_outcome_name(a->outcome), depot_outcome_name(b->outcome));
    assert_string_equal(a->platform, b->platform);
    assert_int_equal(a->critical, b->critical);
    assert_int_equal(a->foreign, b->foreign);
    assert_int_equal(!a->shared_with, !b->shared_with);
    if (a->shared_with)
        assert_int_equal(a->shared_with->index, b->shared_with->index);
}

static void same_build(const struct depot_build *a, const struct depot_build *b)
{
    same_counts(&a->counts, &b->counts);
    assert_int_equal(a->parts.len, b->parts.len);
    for (size_t i = 0; i < a->parts.len; i++)
        same_counts(&a->parts.items[i]->counts, &b->parts.items[i]->counts);
    assert_int_equal(a->lanes.len, b->lanes.len);
    for (size_t i = 0; i < a->lanes.len; i++) {
        assert_string_equal(a->lanes.items[i].platform, b->lanes.items[i].platform);
        assert_int_equal(a->lanes.items[i].started, b->lanes.items[i].started);
        assert_int_equal(a->lanes.items[i].completed, b->lanes.items[i].completed);
        same_counts(&a->lanes.items[i].counts, &b->lanes.items[i].counts);
    }
    assert_int_equal(a->steps.len, b->steps.len);
    for (size_t i = 0; i < a->steps.len; i++)
        same_step(a->steps.items[i], b->steps.items[i]);
    same_list(a->running.items, a->running.len, b->running.items, b->running.len);
    same_list(a->critical.items, a->critical.len, b->critical.items, b->critical.len);
    assert_int_equal(a->critical_ns, b->critical_ns);
}

static bool is_touched(const struct depot_build *b, const struct depot_step *s)
{
    for (size_t i = 0; i < b->touched.len; i++)
        if (b->touched.items[i] == s)
            return true;
    return false;
}

/* A step that was not touched is what it was. */
static void check_touched(struct trio *t)
{
    const struct depot_build *b = t->changed;

    for (size_t i = 0; b->derived == t->derived_before + 1 && b->structure == t->structure_before &&
                       i < b->steps.len;
         i++) {
        const struct depot_step *s = b->steps.items[i], *old = &t->before.items[i];

        if (is_touched(b, s))
            continue;
        assert_int_equal(s->outcome, old->outcome);
        assert_int_equal(s->critical, old->critical);
        assert_int_equal(s->started, old->started);
        assert_int_equal(s->completed, old->completed);
        assert_int_equal(s->intervals.len, old->intervals.len);
    }
    t->before.len = 0;
    for (size_t i = 0; i < b->steps.len; i++)
        depot_vec_push(&t->before, *b->steps.items[i]);
    t->derived_before = b->derived;
    t->structure_before = b->structure;
}

static void trio_apply(struct trio *t, const struct depot_event *ev)
{
    depot_build_apply(t->changed, ev);
    depot_build_apply(t->whole, ev);
    depot_build_apply(t->late, ev);
    if (++t->events % t->every)
        return;
    t->derived++;
    depot_build_derive(t->changed);
    check_touched(t);
    dp_derive_whole(t->whole);
    same_build(t->changed, t->whole);
}

static void trio_close(struct trio *t)
{
    depot_build_derive(t->changed);
    depot_build_derive(t->late);
    same_build(t->changed, t->late);
    depot_build_free(t->changed);
    depot_build_free(t->whole);
    depot_build_free(t->late);
    depot_vec_free(&t->before);
}

/* ---- recordings ---- */

static int on_event(struct depot_event *ev, void *arg)
{
    struct trio *t = arg;

    if (!ev->build || !*t->id || strcmp(ev->build, t->id) == 0)
        trio_apply(t, ev);
    depot_event_release(ev);
    return 0;
}

static int on_error(const struct depot_error *err, void *arg)
{
    (void)arg;
    fail_msg("%s", err->msg);
    return 0;
}

/* How many builds a recording holds; their ids. */
struct ids {
    char list[64][64];
    size_t len;
};

static int on_id(struct depot_event *ev, void *arg)
{
    struct ids *ids = arg;
    const char *id = ev->build ? ev->build : "";
    size_t i;

    for (i = 0; i < ids->len && strcmp(ids->list[i], id) != 0; i++)
        ;
    if (i == ids->len && i < 64)
        snprintf(ids->list[ids->len++], sizeof(ids->list[0]), "%s", id);
    depot_event_release(ev);
    return 0;
}

static void read_recording(const char *path, depot_wire_event_fn *fn, void *arg)
{
    struct depot_wire_reader *reader = depot_wire_reader_new(fn, on_error, arg);
    FILE *f = fopen(path, "rb");
    char buf[4096];
    size_t n;

    assert_non_null(f);
    while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
        assert_int_equal(depot_wire_reader_feed(reader, buf, n), 0);
    assert_int_equal(depot_wire_reader_end(reader), 0);
    depot_wire_reader_free(reader);
    fclose(f);
}

static size_t recordings, derivations;

static int on_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    struct ids ids = {0};

    (void)st;
    (void)ftw;
    if (type != FTW_F || !(depot_str_ends(path, ".ndjson") || depot_str_ends(path, ".rawjson")))
        return 0;
    recordings++;
    read_recording(path, on_id, &ids);
    for (size_t i = 0; i < ids.len; i++) {
        struct trio t;

        trio_open(&t, 1);
        snprintf(t.id, sizeof(t.id), "%s", ids.list[i]);
        read_recording(path, on_event, &t);
        derivations += t.derived;
        trio_close(&t);
    }
    return 0;
}

static void test_derive__recordings(void **state)
{
    (void)state;
    assert_int_equal(nftw(TEST_SOURCE_DIR "/golden", on_file, 8, FTW_PHYS), 0);
    assert_int_equal(nftw(TEST_SOURCE_DIR "/../screenshots/recordings", on_file, 8, FTW_PHYS), 0);
    assert_true(recordings > 15);
    assert_true(derivations > 1500);
}

/* ---- random builds ---- */

enum { DIGESTS = 40, BATCH = 6 };

struct random_build {
    uint32_t seed;
    struct trio trio;
    bool sane; /* edges go one way, times do not move */
    char digests[DIGESTS][8], names[DIGESTS][64];
    depot_time started[DIGESTS], completed[DIGESTS], now;
};

static uint32_t pick(struct random_build *r, uint32_t n)
{
    r->seed = r->seed * 1664525u + 1013904223u;
    return (r->seed >> 8) % n;
}

static const char *const platforms[] = {"linux/amd64", "linux/arm64,linux/amd64"};

static void make_name(struct random_build *r, unsigned i)
{
    static const char *const heads[] = {"[", "[linux/amd64 ", "[linux/arm64 ",
        "[linux/amd64->arm64 ", "[internal] ", "exporting ", ""};
    const char *head = heads[pick(r, DEPOT_ARRAY_LEN(heads))];

    if (strchr(head, '[') && !strchr(head, ']'))
        snprintf(r->names[i], sizeof(r->names[i]), "%sst%u %u/9] RUN %u", head, pick(r, 3),
            pick(r, 9) + 1, pick(r, 6));
    else
        snprintf(r->names[i], sizeof(r->names[i]), "%sthing %u", head, pick(r, 6));
}

static void move_times(struct random_build *r, unsigned i)
{
    if (r->sane && r->completed[i])
        return;
    if (!r->started[i] || (!r->sane && pick(r, 8) == 0))
        r->started[i] = r->now - (depot_time)pick(r, 3);
    else if (!r->completed[i] || pick(r, 3) == 0)
        r->completed[i] = pick(r, 3) == 0 ? r->started[i] : r->now;
    else if (!r->sane)
        r->completed[i] = 0;
}

static void random_vertex(struct random_build *r, struct depot_vertex *v, const char **inputs)
{
    static struct depot_vertex_group groups[] = {
        {.id = "g1", .name = "[st1 2/9] COPY a"}, {.id = "g2", .name = "[st2 2/9] COPY b"}};
    static const char *const errors[] = {"exit code: 1", "context canceled"};
    unsigned i = pick(r, DIGESTS);

    if (!r->names[i][0] || (!r->sane && pick(r, 20) == 0))
        make_name(r, i);
    /* Half of them never start, or late: what becomes of those is inferred when a part is over. */
    if (i % 2 ? pick(r, 3) > 0 : pick(r, 60) == 0)
        move_times(r, i);
    *v = (struct depot_vertex){.digest = r->digests[i],
        .name = r->names[i],
        .inputs = inputs,
        .started = r->started[i],
        .completed = r->completed[i],
        .cached = pick(r, 3) == 0};
    for (v->ninputs = pick(r, 4); r->sane && v->ninputs && i + 1 >= DIGESTS;)
        v->ninputs = 0;
    for (size_t k = 0; k < v->ninputs; k++)
        inputs[k] = r->digests[r->sane ? i + 1 + pick(r, DIGESTS - i - 1) : pick(r, DIGESTS)];
    if (v->completed && pick(r, 10) == 0)
        v->error = errors[pick(r, 2)];
    if (pick(r, 15) == 0) {
        v->group = &groups[pick(r, 2)];
        groups[0].weak = groups[1].weak = pick(r, 2);
    }
}

static void random_event(struct random_build *r, struct depot_event *ev, bool ends)
{
    static struct depot_vertex vs[BATCH];
    static const char *inputs[BATCH][4];

    r->now += (depot_time)pick(r, 4);
    *ev = (struct depot_event){.type = DEPOT_EVENT_BUILD_STATUS, .build = "b", .time = r->now};
    if (ends && pick(r, 40) == 0) {
        ev->type = DEPOT_EVENT_BUILD_RESULT;
        ev->u.result.platform = platforms[pick(r, 2)];
        ev->u.result.state = (enum depot_build_state)(DEPOT_BUILD_SUCCEEDED + pick(r, 3));
        return;
    }
    ev->u.status.platform = platforms[pick(r, 2)];
    ev->u.status.status.vertexes = vs;
    ev->u.status.status.nvertexes = pick(r, BATCH) + 1;
    for (size_t i = 0; i < ev->u.status.status.nvertexes; i++)
        random_vertex(r, &vs[i], inputs[i]);
}

static void run_random(uint32_t seed, bool sane)
{
    struct random_build r = {.seed = seed * 2654435761u, .sane = sane, .now = 1000};
    struct depot_event ev;
    unsigned events = 60 + pick(&r, 200);

    trio_open(&r.trio, 1 + pick(&r, 3));
    for (unsigned i = 0; i < DIGESTS; i++)
        snprintf(r.digests[i], sizeof(r.digests[i]), "d%u", i);
    for (unsigned i = 0; i < events; i++) {
        random_event(&r, &ev, i > events / 2);
        trio_apply(&r.trio, &ev);
    }
    trio_close(&r.trio);
}

static void test_derive__random(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 300; seed++) {
        run_random(seed, true);
        run_random(seed, false);
    }
}

/* What changes no step's start or end costs nothing. */
static void test_derive__logs_change_nothing(void **state)
{
    struct depot_vertex v = {.digest = "a", .name = "[1/1] RUN a", .started = 5};
    struct depot_vertex_log log = {.vertex = "a", .data = (const uint8_t *)"x\n", .len = 2};
    struct depot_vertex_status bytes = {.vertex = "a", .id = "layer", .current = 1, .total = 2};
    struct depot_vertex_warning warning = {.vertex = "a", .short_text = "w"};
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS, .build = "b"};
    struct depot_status *st = &ev.u.status.status;
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    st->vertexes = &v;
    st->nvertexes = 1;
    depot_build_apply(b, &ev);
    assert_true(b->dirty);
    depot_build_derive(b);
    assert_false(b->dirty);
    *st = (struct depot_status){.logs = &log,
        .nlogs = 1,
        .statuses = &bytes,
        .nstatuses = 1,
        .warnings = &warning,
        .nwarnings = 1};
    depot_build_apply(b, &ev);
    assert_false(b->dirty);
    assert_int_equal(b->warnings.len, 1);
    depot_build_free(b);
}

/* A start or an end alone is never derived as a whole. */
static void test_derive__few_changed(void **state)
{
    const char *in[] = {"a"};
    struct depot_vertex v[] = {{.digest = "a", .name = "[1/2] RUN a"},
        {.digest = "b", .name = "[2/2] RUN b", .inputs = in, .ninputs = 1}};
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS, .build = "b"};
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    ev.u.status.status.vertexes = v;
    ev.u.status.status.nvertexes = 2;
    depot_build_apply(b, &ev);
    assert_true(b->priv->whole);
    depot_build_derive(b);
    v[0].started = 5;
    depot_build_apply(b, &ev);
    assert_false(b->priv->whole);
    depot_build_derive(b);
    v[0].completed = 6;
    v[1].started = 6;
    depot_build_apply(b, &ev);
    assert_false(b->priv->whole);
    depot_build_derive(b);
    assert_int_equal(b->counts.ran, 1);
    assert_int_equal(b->running.len, 1);
    assert_int_equal(b->critical.len, 2);
    depot_build_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_derive__recordings),
        cmocka_unit_test(test_derive__random),
        cmocka_unit_test(test_derive__logs_change_nothing),
        cmocka_unit_test(test_derive__few_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
