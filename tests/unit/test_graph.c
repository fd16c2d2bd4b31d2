/*
 * From steps to stages, lines, an order and rails: of Dockerfiles on one and two platforms, of
 * nameless graphs, of graphs that grow, that are huge, that are impossible.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <depot/buf.h>
#include <depot/clock.h>

#include "tui/graph/graph.h"

#define T(n) ((depot_time)(1000 + (n)) * DEPOT_SEC)

/* "a b": the digests of its inputs. Times in seconds; below 0: not. */
struct row {
    const char *digest, *name, *inputs;
    int started, completed;
    bool cached;
};

static void apply(struct depot_build *b, const char *platform, const struct row *rows, size_t n)
{
    struct depot_vertex *v = depot_calloc(n, sizeof(*v));
    struct depot_strv *in = depot_calloc(n, sizeof(*in));
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS, .build = "b1"};
    for (size_t i = 0; i < n; i++) {
        if (rows[i].inputs != NULL)
            depot_strv_split(&in[i], rows[i].inputs, ' ');
        v[i] = (struct depot_vertex){.digest = rows[i].digest,
            .name = rows[i].name,
            .inputs = (const char **)in[i].items,
            .ninputs = in[i].len,
            .started = rows[i].started >= 0 ? T(rows[i].started) : 0,
            .completed = rows[i].completed >= 0 ? T(rows[i].completed) : 0,
            .cached = rows[i].cached};
    }
    ev.u.status.platform = platform;
    ev.u.status.status.vertexes = v;
    ev.u.status.status.nvertexes = n;
    depot_build_apply(b, &ev);
    depot_build_derive(b);
    for (size_t i = 0; i < n; i++)
        depot_strv_release(&in[i]);
    depot_free(in);
    depot_free(v);
}

static char rail_letter(unsigned bits)
{
    if (bits & RAIL_NODE)
        return 'o';
    if (bits & RAIL_OVER)
        return bits & (RAIL_UP | RAIL_DOWN) ? '|' : '-';
    if ((bits & (RAIL_LEFT | RAIL_RIGHT)) == 0)
        return bits & (RAIL_UP | RAIL_DOWN) ? '|' : ' ';
    return bits & (RAIL_UP | RAIL_DOWN) ? '+' : '-';
}

/* A line for each stage: rails, name, lines. */
static char *picture(const struct graph *g)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    for (size_t i = 0; i < g->order.len; i++) {
        const struct graph_stage *st = &g->stages.items[g->order.items[i]];
        for (unsigned x = 0; x < 2 * g->columns; x++)
            depot_buf_addc(&out, x < GRAPH_RAIL_W ? rail_letter(st->rail[x]) : ' ');
        if (st->hidden > 0)
            depot_buf_addf(&out, "+%u ", st->hidden);
        depot_buf_addf(&out, "%s %zu\n", st->name, st->nlines);
    }
    depot_buf_adds(&out, "");
    return depot_buf_detach(&out);
}

static void expect(const struct graph *g, const char *want)
{
    char *got = picture(g);
    assert_string_equal(got, want);
    depot_free(got);
}

/* As an engine announces it: results first. */
static const struct row web[] = {
    {"f2", "[final 2/2] RUN x", "f1", -1, -1, false},
    {"f1", "[final 1/2] COPY --from=assets a /", "b2 a1 s2", -1, -1, false},
    {"s2", "[server 2/2] RUN make", "s1", -1, -1, false},
    {"s1", "[server 1/2] COPY . .", "d1 ctx", -1, -1, false},
    {"a1", "[assets 1/1] RUN svgo", "d1", -1, -1, false},
    {"d1", "[deps 1/1] RUN npm ci", "b2", -1, -1, false},
    {"b2", "[base 2/2] RUN y", "b1", -1, -1, false},
    {"b1", "[base 1/2] FROM alpine", NULL, -1, -1, false},
    {"ctx", "[internal] load build context", NULL, 0, 1, false},
    {"e", "exporting to image", NULL, -1, -1, false},
};

static void test_graph__draws_rails(void **state)
{
    struct depot_build *b = depot_build_new(NULL);
    struct graph g;
    (void)state;
    dp_graph_init(&g);
    apply(b, "linux/amd64", web, DEPOT_ARRAY_LEN(web));
    assert_int_equal(dp_graph_update(&g, b), GRAPH_STRUCTURE);
    /* base -> final follows from base -> deps -> assets -> final: no rail of its own. */
    expect(&g, "o   base 2\n"
               "o-+ deps 1\n"
               "o | assets 1\n"
               "| o server 2\n"
               "o-+ final 2\n"
               "    export 1\n"
               "    internal 1\n");
    assert_int_equal(dp_graph_update(&g, b), GRAPH_SAME);
    dp_graph_relate(&g, g.order.items[2]);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(g.stages.items[g.order.items[i]].related, i != 3);
    dp_graph_release(&g);
    depot_build_free(b);
}

static void test_graph__crosses_rails(void **state)
{
    /* a feeds d, b feeds e, c feeds d and e. */
    static const struct row rows[] = {
        {"a", "[a 1/1] X", NULL, 1, 2, false},
        {"b", "[b 1/1] X", NULL, 2, 3, false},
        {"c", "[c 1/1] X", NULL, 3, 4, false},
        {"d", "[d 1/1] X", "a c", 5, 6, false},
        {"e", "[e 1/1] X", "b c", 6, 7, false},
    };
    struct depot_build *b = depot_build_new(NULL);
    struct graph g;
    (void)state;
    dp_graph_init(&g);
    apply(b, "", rows, DEPOT_ARRAY_LEN(rows));
    dp_graph_update(&g, b);
    expect(&g, "o       a 1\n"
               "| o     b 1\n"
               "| | o-+ c 1\n"
               "o-|-+ | d 1\n"
               "  o---+ e 1\n");
    dp_graph_release(&g);
    depot_build_free(b);
}

/* More rails than are drawn: edges share them. */
static void test_graph__shares_rails_when_they_run_out(void **state)
{
    struct depot_build *b = depot_build_new(NULL);
    struct row rows[22];
    char names[22][64], digests[22][16];
    struct depot_buf all = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct graph g;
    (void)state;
    for (int i = 0; i < 22; i++) {
        snprintf(digests[i], sizeof(digests[i]), "d%d", i);
        snprintf(names[i], sizeof(names[i]), "[s%02d 1/1] X", i);
        if (i > 0 && i < 21)
            depot_buf_addf(&all, "%s%s", i > 1 ? " " : "", digests[i]);
        rows[i] = (struct row){digests[i], names[i], i == 0 ? NULL : "d0", i, i + 1, false};
    }
    rows[21].inputs = all.data;
    dp_graph_init(&g);
    apply(b, "", rows, 22);
    dp_graph_update(&g, b);
    assert_int_equal(g.columns, GRAPH_RAILS);
    assert_int_equal(g.order.len, 22);
    for (size_t i = 0; i < g.order.len; i++) {
        const struct graph_stage *st = &g.stages.items[g.order.items[i]];
        unsigned nodes = 0;
        for (int x = 0; x < GRAPH_RAIL_W; x++)
            nodes += (st->rail[x] & RAIL_NODE) != 0;
        assert_true(nodes == 1 || st->hidden > 0);
    }
    depot_buf_release(&all);
    dp_graph_release(&g);
    depot_build_free(b);
}

static void test_graph__aligns_platforms(void **state)
{
    static const struct row amd[] = {
        {"a2", "[linux/amd64 app 2/2] RUN x", "a1", 3, 5, false},
        {"a1", "[linux/amd64 app 1/2] COPY amd64 /", NULL, 1, 2, false},
    };
    static const struct row arm[] = {
        {"x1", "[extra 1/1] RUN only here", NULL, 1, -1, false},
        {"a1", "[linux/arm64 app 1/2] COPY arm64 /", "x1", -1, -1, false},
        {"a2", "[linux/arm64 app 2/2] RUN x", "a1", -1, -1, false},
    };
    struct depot_build *b = depot_build_new(NULL);
    struct graph g;
    size_t line, lane;
    (void)state;
    dp_graph_init(&g);
    apply(b, "linux/amd64", amd, 2);
    dp_graph_update(&g, b);
    assert_int_equal(g.nlanes, 1);
    apply(b, "linux/arm64", arm, 3);
    assert_int_equal(dp_graph_update(&g, b), GRAPH_STRUCTURE);
    assert_int_equal(g.nlanes, 2);
    expect(&g, "o extra 1\no app 2\n");
    const struct graph_stage *app = &g.stages.items[g.order.items[1]];
    for (size_t i = 0; i < 2; i++) {
        const struct depot_step *l = dp_graph_cell(&g, app->line + i, 0),
                                *r = dp_graph_cell(&g, app->line + i, 1);
        assert_int_equal(l->parsed.ordinal, i + 1);
        assert_int_equal(r->parsed.ordinal, i + 1);
        assert_string_equal(l->platform, "linux/amd64");
        assert_string_equal(r->platform, "linux/arm64");
        assert_true(dp_graph_find(&g, r, &line, &lane));
        assert_int_equal(line, app->line + i);
        assert_int_equal(lane, 1);
    }
    assert_null(dp_graph_cell(&g, g.stages.items[g.order.items[0]].line, 0));
    const struct graph_sum *sum = dp_graph_sum(&g, g.order.items[1], 0);
    assert_int_equal(sum->outcome, DEPOT_OUTCOME_RAN);
    assert_int_equal(sum->done, 2);
    assert_int_equal(sum->busy, 3 * DEPOT_SEC);
    assert_int_equal(dp_graph_sum(&g, g.order.items[1], 1)->outcome, DEPOT_OUTCOME_WAITING);
    assert_non_null(dp_graph_sum(&g, g.order.items[0], 1)->open);
    dp_graph_release(&g);
    depot_build_free(b);
}

static void same_sums(const struct graph *a, const struct graph *b)
{
    assert_int_equal(a->sums.len, b->sums.len);
    for (size_t i = 0; i < a->order.len * a->nlanes; i++) {
        const unsigned stage = a->order.items[i / a->nlanes];
        const struct graph_stage *x = &a->stages.items[stage], *y = NULL;
        for (size_t k = 0; k < b->stages.len; k++)
            if (strcmp(b->stages.items[k].key, x->key) == 0)
                y = &b->stages.items[k];
        assert_non_null(y);
        assert_memory_equal(dp_graph_sum(a, stage, i % a->nlanes),
            dp_graph_sum(b, (unsigned)(y - b->stages.items), i % a->nlanes),
            sizeof(struct graph_sum));
        assert_int_equal(x->busy, y->busy);
        assert_int_equal(x->failed, y->failed);
    }
}

/* Sums of what changed, beside sums of all: steps start and end in any order. */
static void test_graph__sums_up_what_changed(void **state)
{
    static const char *const platforms[] = {"linux/amd64", "linux/arm64"};
    struct depot_build *b = depot_build_new(NULL);
    struct graph g, whole;
    unsigned seed = 1;
    (void)state;
    dp_graph_init(&g);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(platforms); i++)
        apply(b, platforms[i], web, DEPOT_ARRAY_LEN(web));
    assert_int_equal(dp_graph_update(&g, b), GRAPH_STRUCTURE);
    for (int i = 0; i < 200; i++) {
        seed = seed * 1664525u + 1013904223u;
        struct row r = web[(seed >> 8) % DEPOT_ARRAY_LEN(web)];
        r.started = i;
        r.completed = (seed >> 16) % 2 != 0 ? i + 1 : -1;
        r.cached = (seed >> 18) % 4 == 0;
        apply(b, platforms[(seed >> 20) % 2], &r, 1);
        if ((seed >> 22) % 8 == 0) /* no frame was drawn between */
            continue;
        assert_int_equal(dp_graph_update(&g, b), GRAPH_SUMS);
        dp_graph_init(&whole);
        dp_graph_update(&whole, b);
        same_sums(&g, &whole);
        dp_graph_release(&whole);
    }
    dp_graph_release(&g);
    depot_build_free(b);
}

/* What was shown once stays where it is; what is new goes where it must. */
static void test_graph__keeps_its_order(void **state)
{
    static const struct row first[] = {
        {"b", "[b 1/1] X", NULL, 5, -1, false},
        {"a", "[a 1/1] X", NULL, 6, -1, false},
        {"z", "[z 1/1] X", "a b", -1, -1, false},
    };
    static const struct row second[] = {
        {"a", "[a 1/1] X", "m", 1, 2, false}, /* it started earlier, says the engine now */
        {"m", "[m 1/1] X", NULL, 0, 1, false},
        {"y", "[y 1/1] X", "z", -1, -1, false},
    };
    struct depot_build *b = depot_build_new(NULL);
    struct graph g;
    (void)state;
    dp_graph_init(&g);
    apply(b, "", first, 3);
    dp_graph_update(&g, b);
    const unsigned before[] = {g.order.items[0], g.order.items[1], g.order.items[2]};
    assert_string_equal(g.stages.items[before[0]].name, "b");
    apply(b, "", second, 3);
    dp_graph_update(&g, b);
    assert_int_equal(g.order.len, 5);
    size_t at = 0;
    for (size_t i = 0; i < g.order.len; i++)
        if (at < 3 && g.order.items[i] == before[at])
            at++;
    assert_int_equal(at, 3);
    assert_string_equal(g.stages.items[g.order.items[4]].name, "y");
    dp_graph_release(&g);
    depot_build_free(b);
}

static void test_graph__compresses_chains(void **state)
{
    static const struct row rows[] = {
        {"a", "pull alpine", NULL, 1, 2, false},
        {"b", "apk add gcc", "a", 2, 3, false},
        {"c", "git clone x", NULL, 1, 3, false},
        {"d", "copy x", "b c", 3, 4, false},
        {"e", "make", "d", 4, -1, false},
        {"f", "make test", "d", 4, -1, false},
    };
    struct depot_build *b = depot_build_new(NULL);
    struct graph g;
    (void)state;
    dp_graph_init(&g);
    apply(b, "", rows, DEPOT_ARRAY_LEN(rows));
    dp_graph_update(&g, b);
    expect(&g, "o   git clone x 1\n"
               "| o apk add gcc 2\n"
               "o-+ copy x 1\n"
               "o | make test 1\n"
               "  o make 1\n");
    dp_graph_release(&g);
    depot_build_free(b);
}

static void test_graph__ends_on_cycles(void **state)
{
    static const struct row rows[] = {
        {"a", "[a 1/1] X", "c", 1, 2, false},
        {"b", "[b 1/1] X", "a", 1, 2, false},
        {"c", "[c 1/1] X", "b", 1, 2, false},
        {"s", "[s 1/1] X", "s", 1, -1, false},
        {"l", "loop one", "m", 1, 2, false},
        {"m", "loop two", "l", 1, 2, false},
        {"n", "alone", "n", 1, 2, false},
    };
    struct depot_build *b = depot_build_new(NULL);
    struct graph g;
    (void)state;
    dp_graph_init(&g);
    apply(b, "", rows, DEPOT_ARRAY_LEN(rows));
    dp_graph_update(&g, b);
    size_t lines = 0;
    for (size_t i = 0; i < g.order.len; i++)
        lines += g.stages.items[g.order.items[i]].nlines;
    assert_int_equal(lines, 7);
    for (size_t i = 0; i < g.stages.len; i++)
        dp_graph_relate(&g, (unsigned)i);
    dp_graph_release(&g);
    depot_build_free(b);
}

static void test_graph__shows_rows(void **state)
{
    struct depot_build *b = depot_build_new(NULL);
    struct graph g;
    struct graph_show show = {.fits = 100};
    struct row rows[DEPOT_ARRAY_LEN(web)];
    (void)state;
    dp_graph_init(&g);
    memcpy(rows, web, sizeof(web));
    rows[7].started = rows[7].completed = rows[6].started = rows[6].completed = 1;
    rows[7].cached = rows[6].cached = true;
    rows[5].started = 1;
    rows[5].completed = 4;
    apply(b, "linux/amd64", rows, DEPOT_ARRAY_LEN(rows));
    dp_graph_update(&g, b);
    dp_graph_show(&g, &show);
    assert_int_equal(g.rows.len, 7 + 2 + 2 + 2); /* lines of base, server, final */
    show.fits = 5;
    dp_graph_show(&g, &show);
    assert_int_equal(g.rows.len, 7);
    g.stages.items[g.order.items[0]].fold = FOLD_OPEN;
    dp_graph_show(&g, &show);
    assert_int_equal(g.rows.len, 9);
    show.misses = true;
    dp_graph_show(&g, &show);
    assert_int_equal(g.rows.len, 1);
    assert_string_equal(g.stages.items[g.rows.items[0].stage].name, "deps");
    dp_graph_release(&g);
    depot_build_free(b);
}

static uint64_t timed(struct graph *g, struct depot_build *b)
{
    struct graph_show show = {.fits = 40};
    const uint64_t before = depot_mono_ms();
    dp_graph_update(g, b);
    dp_graph_show(g, &show);
    return depot_mono_ms() - before;
}

/* `edges` inputs each, of steps before. */
static void apply_many(struct depot_build *b, size_t n, int edges, const char *format)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS, .build = "b1"};
    struct depot_vertex *v = depot_calloc(n, sizeof(*v));
    struct depot_arena arena = {0};
    char text[64];
    unsigned seed = 1;
    for (size_t i = 0; i < n; i++) {
        snprintf(text, sizeof(text), "sha256:%zu", i);
        v[i].digest = depot_arena_strdup(&arena, text);
        snprintf(text, sizeof(text), format, i / 7, i);
        v[i].name = depot_arena_strdup(&arena, text);
        v[i].inputs = depot_arena_alloc(&arena, (size_t)edges * sizeof(*v[i].inputs));
        for (int k = 0; k < edges && i > 0; k++) {
            seed = seed * 1103515245u + 12345u;
            const size_t back = 1 + (seed >> 8) % 50;
            v[i].inputs[v[i].ninputs++] = v[i > back ? i - back : 0].digest;
        }
        v[i].started = T(0) + (depot_time)i * DEPOT_MSEC;
        v[i].completed = i % 100 != 99 ? v[i].started + DEPOT_SEC : 0;
    }
    ev.u.status.platform = "";
    ev.u.status.status.vertexes = v;
    ev.u.status.status.nvertexes = n;
    depot_build_apply(b, &ev);
    depot_build_derive(b);
    depot_arena_release(&arena);
    depot_free(v);
}

static void test_graph__takes_a_hundred_thousand_steps(void **state)
{
    static const struct {
        size_t n;
        int edges;
        const char *format;
    } rows[] = {
        {5000, 3, "[stage%zu 1/7] RUN %zu"},
        {5000, 3, "step %zu %zu"},
        {100000, 3, "[stage%zu 1/7] RUN %zu"},
        {100000, 4, "step %zu %zu"},
        {100000, 1, "step"},
        {100000, 0, "[internal] %zu %zu"},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_build *b = depot_build_new(NULL);
        struct graph g;
        dp_graph_init(&g);
        apply_many(b, rows[i].n, rows[i].edges, rows[i].format);
        const uint64_t took = timed(&g, b);
        if (getenv("VERBOSE") != NULL)
            print_message("%zu steps, %d edges: %d ms, %zu stages\n", rows[i].n, rows[i].edges,
                (int)took, g.stages.len);
        assert_true(took < 10000); /* with sanitizers, on a loaded machine */
        dp_graph_release(&g);
        depot_build_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph__draws_rails),
        cmocka_unit_test(test_graph__crosses_rails),
        cmocka_unit_test(test_graph__shares_rails_when_they_run_out),
        cmocka_unit_test(test_graph__aligns_platforms),
        cmocka_unit_test(test_graph__sums_up_what_changed),
        cmocka_unit_test(test_graph__keeps_its_order),
        cmocka_unit_test(test_graph__compresses_chains),
        cmocka_unit_test(test_graph__ends_on_cycles),
        cmocka_unit_test(test_graph__shows_rows),
        cmocka_unit_test(test_graph__takes_a_hundred_thousand_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
