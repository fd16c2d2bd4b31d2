/*
 * The reducer: names, outcomes, intervals, platforms, groups, what arrives in the wrong order, and
 * graphs that are big or impossible.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <depot/state.h>

#define T(n) ((depot_time)(1000 + (n)) * DEPOT_SEC)

static void apply_vertexes(
    struct depot_build *b, const char *platform, struct depot_vertex *v, size_t n)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS, .build = "b1"};

    ev.u.status.platform = platform;
    ev.u.status.status.vertexes = v;
    ev.u.status.status.nvertexes = n;
    depot_build_apply(b, &ev);
}

static void finish_part(struct depot_build *b, const char *platform, enum depot_build_state state)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_RESULT, .build = "b1", .time = T(100)};

    ev.u.result.platform = platform;
    ev.u.result.state = state;
    depot_build_apply(b, &ev);
}

static struct depot_step *step(struct depot_build *b, const char *digest)
{
    return depot_build_step(b, b->parts.items[0], digest);
}

static void test_step_name__parse(void **state)
{
    static const struct {
        const char *name, *target, *platform, *to, *stage, *instruction;
        int ordinal, total;
        enum depot_step_kind kind;
    } rows[] = {
        {"[2/3] RUN x", "", "", "", "", "RUN x", 2, 3, DEPOT_STEP_BUILD},
        {"[build  3/12] RUN make", "", "", "", "build", "RUN make", 3, 12, DEPOT_STEP_BUILD},
        {"[linux/arm64 build 1/2] FROM a", "", "linux/arm64", "", "build", "FROM a", 1, 2,
            DEPOT_STEP_BUILD},
        {"[linux/amd64->arm64 stage-1  3/12] RUN x", "", "linux/amd64", "linux/arm64", "stage-1",
            "RUN x", 3, 12, DEPOT_STEP_BUILD},
        {"[linux/amd64->linux/arm/v7 2/2] X", "", "linux/amd64", "linux/arm/v7", "", "X", 2, 2,
            DEPOT_STEP_BUILD},
        {"[app linux/arm64 build 1/2] FROM a", "app", "linux/arm64", "", "build", "FROM a", 1, 2,
            DEPOT_STEP_BUILD},
        {"[app build 1/2] FROM a", "app", "", "", "build", "FROM a", 1, 2, DEPOT_STEP_BUILD},
        {"[internal] load .dockerignore", "", "", "", "", "load .dockerignore", 0, 0,
            DEPOT_STEP_INTERNAL},
        {"[linux/amd64 internal] load metadata for a", "", "linux/amd64", "", "",
            "[linux/amd64 internal] load metadata for a", 0, 0, DEPOT_STEP_INTERNAL},
        {"exporting to image", "", "", "", "", "exporting to image", 0, 0, DEPOT_STEP_EXPORT},
        {"", "", "", "", "", "", 0, 0, DEPOT_STEP_BUILD},
        {"[", "", "", "", "", "[", 0, 0, DEPOT_STEP_BUILD},
        {"[]", "", "", "", "", "[]", 0, 0, DEPOT_STEP_BUILD},
        {"[1/]", "", "", "", "", "[1/]", 0, 0, DEPOT_STEP_BUILD},
        {"[99999999999/3] x", "", "", "", "", "[99999999999/3] x", 0, 0, DEPOT_STEP_BUILD},
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_arena arena = {0};
        struct depot_step_name n;

        depot_step_name_parse(&n, rows[i].name, &arena);
        assert_string_equal(n.target, rows[i].target);
        assert_string_equal(n.platform, rows[i].platform);
        assert_string_equal(n.to_platform, rows[i].to);
        assert_string_equal(n.stage, rows[i].stage);
        assert_string_equal(n.instruction, rows[i].instruction);
        assert_int_equal(n.ordinal, rows[i].ordinal);
        assert_int_equal(n.total, rows[i].total);
        assert_int_equal(n.kind, rows[i].kind);
        depot_arena_release(&arena);
    }
}

static void test_build__knows_which_platforms_are_emulated(void **state)
{
    const char *arm[] = {"linux/arm64"};
    const struct {
        const char *platform;
        bool emulated;
        size_t n;
        bool part, amd64, arm64;
    } rows[] = {
        {"linux/amd64,linux/arm64", true, 1, true, false, true},
        {"linux/amd64,linux/arm64", true, 0, true, true, true}, /* a daemon that does not say */
        {"linux/amd64,linux/arm64", false, 0, false, false, false},
        {"linux/arm64", true, 1, true, false, true},
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_build *b = depot_build_new(NULL);
        struct depot_event ev = {.type = DEPOT_EVENT_BUILD_ASSIGNED, .seq = 1, .build = "b"};
        ev.u.assigned = (struct depot_ev_assigned){.platform = rows[i].platform,
            .builder = "one",
            .emulated = rows[i].emulated,
            .emulates = arm,
            .nemulates = rows[i].n};
        depot_build_apply(b, &ev);
        const struct depot_part *p = depot_build_part(b, rows[i].platform);
        assert_int_equal(depot_part_emulates(p, rows[i].platform), rows[i].part);
        assert_int_equal(depot_part_emulates(p, "linux/amd64"), rows[i].amd64);
        assert_int_equal(depot_part_emulates(p, "linux/arm64"), rows[i].arm64);
        depot_build_free(b);
    }
}

static void test_build__who_makes_a_platform(void **state)
{
    static const struct {
        const char *parts[2], *platform;
        int part; /* -1: none */
    } rows[] = {
        {{"linux/amd64", "linux/arm64"}, "linux/arm64", 1},
        {{"linux/arm64", "linux/arm"}, "linux/arm", 1},
        {{"linux/arm/v7,linux/arm64", NULL}, "linux/arm64", 0},
        {{"linux/arm/v7,linux/arm64", NULL}, "linux/arm", -1},
        {{"linux/arm/v7,linux/arm64", NULL}, "", 0},
        {{"linux/amd64", "linux/arm64"}, "", -1},
        {{"", NULL}, "linux/amd64", -1},
    };

    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct depot_build *b = depot_build_new(NULL);
        const struct depot_part *p;

        for (size_t k = 0; k < 2 && rows[i].parts[k]; k++) {
            struct depot_event ev = {
                .type = DEPOT_EVENT_BUILD_ASSIGNED, .seq = k + 1, .build = "b"};
            ev.u.assigned.platform = rows[i].parts[k];
            depot_build_apply(b, &ev);
        }
        p = depot_build_maker(b, rows[i].platform);
        assert_int_equal(p ? (int)p->index : -1, rows[i].part);
        depot_build_free(b);
    }
}

static void test_build__outcomes(void **state)
{
    const char *in_ran[] = {"idle"}, *in_hit[] = {"skip"};
    struct depot_vertex v[] = {
        {.digest = "wait", .name = "[1/9] RUN a"},
        {.digest = "run", .name = "[2/9] RUN b", .started = T(1)},
        {.digest = "hit",
            .name = "[3/9] RUN c",
            .started = T(1),
            .completed = T(1) + 5,
            .cached = true,
            .inputs = in_hit,
            .ninputs = 1},
        {.digest = "skip",
            .name = "[4/9] RUN d",
            .started = T(1),
            .completed = T(1),
            .cached = true},
        {.digest = "ran",
            .name = "[5/9] RUN e",
            .started = T(2),
            .completed = T(5),
            .inputs = in_ran,
            .ninputs = 1},
        {.digest = "fail",
            .name = "[6/9] RUN f",
            .started = T(1),
            .completed = T(2),
            .error = "exit code: 1"},
        {.digest = "canc",
            .name = "[7/9] RUN g",
            .started = T(1),
            .completed = T(2),
            .error = "exit code: 137: context canceled"},
        {.digest = "idle", .name = "[8/9] RUN h"},
        {.digest = "int", .name = "[internal] load x", .started = T(1), .completed = T(2)},
    };
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    apply_vertexes(b, "linux/amd64", v, DEPOT_ARRAY_LEN(v));
    depot_build_derive(b);
    assert_int_equal(step(b, "wait")->outcome, DEPOT_OUTCOME_WAITING);
    assert_int_equal(step(b, "run")->outcome, DEPOT_OUTCOME_RUNNING);
    assert_int_equal(step(b, "hit")->outcome, DEPOT_OUTCOME_HIT);
    assert_int_equal(step(b, "skip")->outcome, DEPOT_OUTCOME_SKIPPED);
    assert_int_equal(step(b, "ran")->outcome, DEPOT_OUTCOME_RAN);
    assert_int_equal(step(b, "fail")->outcome, DEPOT_OUTCOME_FAILED);
    assert_int_equal(step(b, "canc")->outcome, DEPOT_OUTCOME_CANCELLED);
    assert_int_equal(step(b, "idle")->outcome, DEPOT_OUTCOME_WAITING);
    finish_part(b, "linux/amd64", DEPOT_BUILD_SUCCEEDED);
    /* Its result was used by a step that ran here: somebody else made it. */
    assert_int_equal(step(b, "idle")->outcome, DEPOT_OUTCOME_SHARED);
    assert_int_equal(b->counts.total, 8);
    assert_int_equal(b->counts.hit, 1);
    assert_int_equal(b->counts.skipped, 1);
    assert_int_equal(b->counts.shared, 2);
    finish_part(b, "linux/amd64", DEPOT_BUILD_FAILED);
    assert_int_equal(step(b, "idle")->outcome, DEPOT_OUTCOME_UNREACHED);
    depot_build_free(b);
}

static void test_build__intervals_are_united(void **state)
{
    struct depot_vertex rows[] = {
        {.digest = "a", .name = "local", .started = T(1), .completed = T(1)},
        {.digest = "a", .name = "local", .started = T(5)},
        {.digest = "a", .name = "local", .started = T(5), .completed = T(8)},
        {.digest = "a", .name = "local", .started = T(6), .completed = T(7)},
        {.digest = "a", .name = "late announcement"},
        {.digest = "a", .name = "local", .started = T(9), .completed = T(2)},
    };
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    apply_vertexes(b, "", rows, 2);
    assert_false(depot_step_is_completed(step(b, "a")));
    assert_int_equal(depot_step_duration(step(b, "a"), T(6)), DEPOT_SEC);
    apply_vertexes(b, "", rows + 2, 3);
    assert_true(depot_step_is_completed(step(b, "a")));
    assert_int_equal(step(b, "a")->intervals.len, 2);
    assert_int_equal(depot_step_duration(step(b, "a"), 0), 3 * DEPOT_SEC);
    assert_string_equal(step(b, "a")->name, "local");
    apply_vertexes(b, "", rows + 5, 1); /* ends before it starts */
    assert_int_equal(depot_step_duration(step(b, "a"), 0), 3 * DEPOT_SEC);
    depot_build_free(b);
}

static void test_build__inputs_keep_the_first_and_may_be_unknown(void **state)
{
    const char *one[] = {"x", "y"}, *two[] = {"z"};
    struct depot_vertex v[] = {
        {.digest = "a", .name = "a", .inputs = one, .ninputs = 2},
        {.digest = "a", .name = "a", .started = T(1)},
        {.digest = "a", .name = "a", .started = T(1), .inputs = two, .ninputs = 1},
    };
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    apply_vertexes(b, "", v, 3);
    assert_int_equal(step(b, "a")->ninputs, 2);
    assert_false(step(b, "a")->inputs[0]->known);
    assert_int_equal(b->steps.len, 1);
    assert_null(step(b, "z"));
    depot_build_free(b);
}

/* Names lie: the plain "[base 1/2]" below is of arm64, and the shared one of both. */
static void test_build__platform_by_the_graph(void **state)
{
    const char *base_a[] = {"basea", "ctx"}, *base_b[] = {"baseb", "ctx"};
    struct depot_vertex v[] = {
        {.digest = "outa",
            .name = "[linux/amd64 final 2/2] COPY a",
            .inputs = base_a,
            .ninputs = 2},
        {.digest = "outb",
            .name = "[linux/amd64->arm64 final 2/2] COPY a",
            .inputs = base_b,
            .ninputs = 2},
        {.digest = "basea", .name = "[base 1/2] RUN x"},
        {.digest = "baseb", .name = "[linux/amd64 base 1/2] RUN x"},
        {.digest = "ctx", .name = "[internal] load build context"},
    };
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    apply_vertexes(b, "linux/amd64,linux/arm64", v, DEPOT_ARRAY_LEN(v));
    depot_build_derive(b);
    assert_string_equal(step(b, "basea")->platform, "linux/amd64");
    assert_string_equal(step(b, "baseb")->platform, "linux/arm64");
    assert_string_equal(step(b, "ctx")->platform, "");
    depot_build_free(b);
}

/* A RUN in a stage from scratch has no platform in its name, and may be the result. */
static void test_build__platform_of_a_nameless_result(void **state)
{
    const char *in[] = {"copy"}, *in2[] = {"base"};
    struct depot_vertex v[] = {
        {.digest = "out", .name = "[final 2/2] RUN a", .inputs = in, .ninputs = 1},
        {.digest = "copy", .name = "[linux/arm64 final 1/2] COPY a", .inputs = in2, .ninputs = 1},
        {.digest = "base", .name = "[linux/amd64 base 1/1] COPY tool"},
    };
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    apply_vertexes(b, "", v, DEPOT_ARRAY_LEN(v));
    depot_build_derive(b);
    assert_string_equal(step(b, "out")->platform, "linux/arm64");
    assert_string_equal(step(b, "base")->platform, "linux/arm64");
    depot_build_free(b);
}

/* As a current engine tells it: ours seems not needed, and a stranger with the same text ran. */
static void test_build__shared_with_another_build(void **state)
{
    const char *in[] = {"ours"}, *ctx[] = {"ctx"}, *unknown[] = {"elsewhere"};
    struct depot_vertex v[] = {
        {.digest = "next",
            .name = "[base 2/2] RUN x",
            .inputs = in,
            .ninputs = 1,
            .started = T(3),
            .completed = T(4)},
        {.digest = "ours",
            .name = "[base 1/2] COPY a /",
            .inputs = ctx,
            .ninputs = 1,
            .started = T(3),
            .completed = T(3),
            .cached = true},
        {.digest = "ctx",
            .name = "[internal] load build context",
            .started = T(1),
            .completed = T(2)},
        {.digest = "theirs",
            .name = "[1/7] COPY a /",
            .inputs = unknown,
            .ninputs = 1,
            .started = T(2),
            .completed = T(3)},
    };
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    apply_vertexes(b, "", v, DEPOT_ARRAY_LEN(v));
    depot_build_derive(b);
    assert_int_equal(step(b, "ours")->outcome, DEPOT_OUTCOME_SHARED);
    assert_ptr_equal(step(b, "ours")->shared_with, step(b, "theirs"));
    assert_true(step(b, "theirs")->foreign);
    assert_int_equal(b->counts.total, 2);
    assert_int_equal(b->counts.shared, 1);
    depot_build_free(b);
}

static void test_build__same_digest_in_two_parts(void **state)
{
    struct depot_vertex v = {.digest = "a", .name = "[1/1] RUN x", .started = T(1)};
    struct depot_buf title = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    apply_vertexes(b, "linux/amd64", &v, 1);
    v.completed = T(2);
    apply_vertexes(b, "linux/arm64", &v, 1);
    assert_int_equal(b->steps.len, 2);
    assert_int_equal(b->steps.items[0]->outcome, DEPOT_OUTCOME_RUNNING);
    assert_int_equal(b->steps.items[1]->outcome, DEPOT_OUTCOME_RAN);
    depot_step_title(&title, b, b->steps.items[1]);
    assert_string_equal(depot_buf_str(&title), "[linux/arm64 1/1] RUN x");
    depot_buf_release(&title);
    depot_build_free(b);
}

static void test_build__group(void **state)
{
    struct depot_vertex_group weak = {"g", "[a 2/3] COPY --link", true};
    struct depot_vertex_group strong = {"g", "[a 2/3] COPY --link", false};
    struct depot_vertex v[] = {
        {.digest = "w",
            .name = "copy",
            .group = &weak,
            .started = T(1),
            .completed = T(2),
            .cached = true},
        {.digest = "s", .name = "LINK", .group = &strong, .started = T(2), .completed = T(3)},
    };
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    apply_vertexes(b, "", v, 1);
    assert_true(b->groups.items[0]->hidden);
    assert_true(b->groups.items[0]->cached);
    apply_vertexes(b, "", v + 1, 1);
    assert_false(b->groups.items[0]->hidden);
    assert_false(b->groups.items[0]->cached);
    depot_build_derive(b);
    assert_int_equal(b->counts.total, 1);
    assert_int_equal(step(b, "s")->parsed.ordinal, 2);
    depot_build_free(b);
}

static void test_build__critical_path(void **state)
{
    const char *ab[] = {"a", "b"};
    struct depot_vertex v[] = {
        {.digest = "a", .name = "[1/3] RUN a", .started = T(0), .completed = T(9)},
        {.digest = "b", .name = "[2/3] RUN b", .started = T(0), .completed = T(3)},
        {.digest = "c",
            .name = "[3/3] RUN c",
            .started = T(9),
            .completed = T(12),
            .inputs = ab,
            .ninputs = 2},
        {.digest = "e", .name = "exporting to image", .started = T(12), .completed = T(14)},
    };
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    apply_vertexes(b, "", v, DEPOT_ARRAY_LEN(v));
    depot_build_derive(b);
    assert_int_equal(b->critical.len, 3);
    assert_string_equal(b->critical.items[0]->digest, "a");
    assert_string_equal(b->critical.items[2]->digest, "e");
    assert_int_equal(b->critical_ns, 14 * DEPOT_SEC);
    assert_false(step(b, "b")->critical);
    depot_build_free(b);
}

/* A daemon that was killed tells at its next start that the build is over, and no more. */
static void test_build__over_leaves_nothing_running(void **state)
{
    struct depot_vertex v[] = {
        {.digest = "a", .name = "[1/3] RUN a", .started = T(0), .completed = T(9)},
        {.digest = "b", .name = "[2/3] RUN b", .started = T(9)},
        {.digest = "c", .name = "[3/3] RUN c"},
    };
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_FINISHED, .time = T(12)};
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    apply_vertexes(b, "", v, DEPOT_ARRAY_LEN(v));
    depot_build_derive(b);
    assert_int_equal(b->running.len, 1);
    ev.u.finished.state = DEPOT_BUILD_FAILED;
    depot_build_apply(b, &ev);
    assert_int_equal(b->running.len, 0);
    assert_int_equal(step(b, "b")->outcome, DEPOT_OUTCOME_CANCELLED);
    assert_int_equal(step(b, "c")->outcome, DEPOT_OUTCOME_UNREACHED);
    assert_int_equal(depot_step_duration(step(b, "b"), T(60)), 3 * DEPOT_SEC);
    depot_build_free(b);
}

/* The daemon joins what the parts made when they are over: that runs, and was not cancelled. */
static void test_build__joining_runs_behind_its_part(void **state)
{
    struct depot_vertex v[] = {{.digest = "j", .name = "merging manifest list", .started = T(101)}};
    struct depot_build *b = depot_build_new(NULL);
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_FINISHED, .time = T(103)};

    (void)state;
    finish_part(b, "linux/amd64", DEPOT_BUILD_SUCCEEDED);
    apply_vertexes(b, "linux/amd64", v, DEPOT_ARRAY_LEN(v));
    depot_build_derive(b);
    assert_int_equal(step(b, "j")->outcome, DEPOT_OUTCOME_RUNNING);
    ev.u.finished.state = DEPOT_BUILD_FAILED;
    depot_build_apply(b, &ev);
    assert_int_equal(step(b, "j")->outcome, DEPOT_OUTCOME_CANCELLED);
    depot_build_free(b);
}

/* What a failure cancels ends after it, and is not what the build's end was waited for. */
static void test_build__critical_path_ends_with_what_failed(void **state)
{
    const char *a[] = {"a"};
    struct depot_vertex v[] = {
        {.digest = "a", .name = "[base 1/1] RUN a", .started = T(0), .completed = T(9)},
        {.digest = "f",
            .name = "[broken 1/1] RUN f",
            .inputs = a,
            .ninputs = 1,
            .started = T(9),
            .completed = T(12),
            .error = "exit code: 127"},
        {.digest = "s",
            .name = "[slow 1/1] RUN s",
            .inputs = a,
            .ninputs = 1,
            .started = T(9),
            .completed = T(13),
            .error = "context canceled"},
    };
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    apply_vertexes(b, "", v, DEPOT_ARRAY_LEN(v));
    depot_build_derive(b);
    assert_int_equal(b->critical.len, 2);
    assert_true(step(b, "f")->critical);
    assert_false(step(b, "s")->critical);
    depot_build_free(b);
    /* Nothing failed: somebody cancelled the build, and its end was this step's. */
    b = depot_build_new(NULL);
    v[1].error = NULL;
    apply_vertexes(b, "", v, DEPOT_ARRAY_LEN(v));
    depot_build_derive(b);
    assert_true(step(b, "s")->critical);
    depot_build_free(b);
}

static void fail_part(
    struct depot_build *b, const char *platform, depot_time at, const char *vertex)
{
    struct depot_range where = {.start_line = 7, .end_line = 9};
    struct depot_build_error why = {.message = "process \"make\" did not complete successfully: "
                                               "exit code: 3",
        .vertex = vertex,
        .file = "Dockerfile",
        .ranges = &where,
        .nranges = 1};
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_RESULT, .build = "b1", .time = at};

    ev.u.result.platform = platform;
    ev.u.result.state = DEPOT_BUILD_FAILED;
    ev.u.result.error = &why;
    depot_build_apply(b, &ev);
}

static void test_build__knows_the_step_that_failed_it(void **state)
{
    struct depot_vertex v[] = {
        {.digest = "a",
            .name = "[a 1/2] RUN a",
            .started = T(1),
            .completed = T(2),
            .error = "process \"did not complete successfully: exit code: 4\" did not complete "
                     "successfully: exit code: 137: killed"},
        {.digest = "b", .name = "[b 2/2] RUN b", .started = T(2), .completed = T(3), .error = "x"},
    };
    struct depot_build *b = depot_build_new(NULL);
    struct depot_failed_step f;

    (void)state;
    assert_null(depot_build_failed_step(b).name);
    apply_vertexes(b, "linux/amd64", v, DEPOT_ARRAY_LEN(v));
    apply_vertexes(b, "linux/arm64", v, DEPOT_ARRAY_LEN(v));
    depot_build_derive(b);
    f = depot_build_failed_step(b); /* no part told of it yet: what failed first */
    assert_string_equal(f.name, "[a 1/2] RUN a");
    assert_string_equal(f.platform, "linux/amd64");
    assert_int_equal(f.exit_code, 137);
    assert_null(f.file);
    assert_int_equal(f.line, -1);
    fail_part(b, "linux/amd64", T(9), "a");
    fail_part(b, "linux/arm64", T(8), "b");
    f = depot_build_failed_step(b);
    assert_string_equal(f.name, "[b 2/2] RUN b");
    assert_string_equal(f.platform, "linux/arm64");
    assert_int_equal(f.exit_code, -1);
    assert_string_equal(f.file, "Dockerfile");
    assert_int_equal(f.line, 7);
    depot_build_free(b);
}

static void test_failed_step__keeps_short_texts(void **state)
{
    char name[DEPOT_FAILED_TEXT_MAX + 2];
    struct depot_failed_step f = {.name = name};
    struct depot_arena arena = {0};

    (void)state;
    memset(name, 'x', sizeof(name));
    memcpy(name + DEPOT_FAILED_TEXT_MAX - 1, "\xc3\xbc", 3);
    depot_failed_step_keep(&f, &arena);
    assert_int_equal(strlen(f.name), DEPOT_FAILED_TEXT_MAX - 1);
    assert_null(f.platform);
    f.name = "[1/2] RUN a";
    depot_failed_step_keep(&f, &arena);
    assert_string_equal(f.name, "[1/2] RUN a");
    depot_arena_release(&arena);
}

/* A step that was skipped stands between: what it stands on made the rest wait. While the build
 * runs, the path leads to what has run longest. */
static void test_build__critical_path_looks_through_skipped_steps(void **state)
{
    const char *a[] = {"a"}, *s[] = {"s", "b"};
    struct depot_vertex v[] = {
        {.digest = "a", .name = "[1/4] RUN a", .started = T(0), .completed = T(9)},
        {.digest = "b", .name = "[2/4] RUN b", .started = T(0), .completed = T(3)},
        {.digest = "s",
            .name = "[3/4] COPY",
            .inputs = a,
            .ninputs = 1,
            .started = T(9),
            .completed = T(9),
            .cached = true},
        {.digest = "h",
            .name = "[4/4] RUN h",
            .inputs = s,
            .ninputs = 2,
            .started = T(9),
            .completed = T(10),
            .cached = true},
    };
    struct depot_vertex late = {.digest = "r", .name = "[x 1/1] RUN r", .started = T(10)};
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    apply_vertexes(b, "", v, DEPOT_ARRAY_LEN(v));
    depot_build_derive(b);
    assert_true(step(b, "a")->critical);
    assert_true(step(b, "h")->critical);
    assert_false(step(b, "b")->critical);
    apply_vertexes(b, "", &late, 1);
    depot_build_derive(b);
    assert_int_equal(b->critical.len, 1);
    assert_true(step(b, "r")->critical);
    depot_build_free(b);
}

static void test_build__cycle_ends(void **state)
{
    const char *a[] = {"a"}, *c[] = {"c"};
    struct depot_vertex v[] = {
        {.digest = "a", .name = "a", .inputs = c, .ninputs = 1, .started = T(1), .completed = T(2)},
        {.digest = "c", .name = "c", .inputs = a, .ninputs = 1, .started = T(1), .completed = T(2)},
        {.digest = "self",
            .name = "s",
            .inputs = (const char *[]){"self"},
            .ninputs = 1,
            .started = T(1),
            .completed = T(3),
            .cached = true},
    };
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    apply_vertexes(b, "", v, 3);
    finish_part(b, "", DEPOT_BUILD_SUCCEEDED);
    assert_int_equal(b->counts.total, 3);
    depot_build_free(b);
}

static void test_build__hundred_thousand_steps(void **state)
{
    enum { N = 100000 };
    struct depot_vertex *v = depot_calloc(N, sizeof(*v));
    const char **inputs = depot_calloc(N, sizeof(*inputs));
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    for (size_t i = 0; i < N; i++) {
        v[i].digest = depot_asprintf("sha256:%064zu", i);
        v[i].name = "[a 1/2] RUN x";
        v[i].started = T(0) + (depot_time)i;
        v[i].completed = v[i].started + 1;
        inputs[i] = v[i].digest;
        v[i].inputs = i ? &inputs[i - 1] : NULL;
        v[i].ninputs = i != 0;
    }
    apply_vertexes(b, "", v, N);
    depot_build_derive(b);
    assert_int_equal(b->counts.ran, N);
    assert_int_equal(b->critical.len, N);
    depot_build_free(b);
    for (size_t i = 0; i < N; i++)
        depot_free((void *)(uintptr_t)v[i].digest);
    depot_free(v);
    depot_free(inputs);
}

static void count_log(const struct depot_build *b, const struct depot_step *s,
    const struct depot_vertex_log *log, void *arg)
{
    (void)b;
    (void)s;
    *(size_t *)arg += log->len;
}

static void test_build__log_tail(void **state)
{
    static const char *const chunks[] = {"one\ntw", "o\n", "", "3\n4\n5\n6\n7\n8\n9\n10\n11\n12",
        "\n[output clipped, log limit 2MiB reached]\n"};
    size_t offered = 0, sent = 0;
    struct depot_build_hooks hooks = {.on_log = count_log, .arg = &offered};
    struct depot_build *b = depot_build_new(&hooks);
    struct depot_vertex v = {.digest = "a", .name = "a", .started = T(1)};
    const struct depot_step *s;

    (void)state;
    apply_vertexes(b, "", &v, 1);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(chunks); i++) {
        struct depot_vertex_log log = {.vertex = "a",
            .data = (const uint8_t *)chunks[i],
            .len = strlen(chunks[i]),
            .timestamp = T(2)};
        struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS, .build = "b1"};

        ev.u.status.platform = "";
        ev.u.status.status.logs = &log;
        ev.u.status.status.nlogs = 1;
        depot_build_apply(b, &ev);
        sent += log.len;
    }
    s = step(b, "a");
    assert_int_equal(offered, sent);
    assert_int_equal(s->log_bytes, sent);
    assert_int_equal(s->log_lines, 13);
    assert_true(s->log_clipped);
    assert_int_equal(s->tail_len, DEPOT_STEP_TAIL_LINES);
    assert_string_equal(s->tail[(s->tail_next + 8) % 10].text, "12");
    assert_string_equal(s->tail[s->tail_next].text, "4");
    assert_int_equal(s->tail[s->tail_next].offset, DEPOT_SEC);
    depot_build_free(b);
}

static void test_build__other_builds_are_ignored(void **state)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_FINISHED, .build = "other"};
    struct depot_vertex v = {.digest = "a", .name = "a"};
    struct depot_build *b = depot_build_new(NULL);

    (void)state;
    apply_vertexes(b, "", &v, 1);
    ev.u.finished.state = DEPOT_BUILD_FAILED;
    depot_build_apply(b, &ev);
    assert_int_equal(b->state, DEPOT_BUILD_RUNNING);
    depot_build_free(b);
    depot_build_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_name__parse),
        cmocka_unit_test(test_build__knows_which_platforms_are_emulated),
        cmocka_unit_test(test_build__who_makes_a_platform),
        cmocka_unit_test(test_build__outcomes),
        cmocka_unit_test(test_build__intervals_are_united),
        cmocka_unit_test(test_build__inputs_keep_the_first_and_may_be_unknown),
        cmocka_unit_test(test_build__platform_by_the_graph),
        cmocka_unit_test(test_build__platform_of_a_nameless_result),
        cmocka_unit_test(test_build__shared_with_another_build),
        cmocka_unit_test(test_build__same_digest_in_two_parts),
        cmocka_unit_test(test_build__group),
        cmocka_unit_test(test_build__critical_path),
        cmocka_unit_test(test_build__over_leaves_nothing_running),
        cmocka_unit_test(test_build__joining_runs_behind_its_part),
        cmocka_unit_test(test_build__critical_path_ends_with_what_failed),
        cmocka_unit_test(test_build__knows_the_step_that_failed_it),
        cmocka_unit_test(test_failed_step__keeps_short_texts),
        cmocka_unit_test(test_build__critical_path_looks_through_skipped_steps),
        cmocka_unit_test(test_build__cycle_ends),
        cmocka_unit_test(test_build__hundred_thousand_steps),
        cmocka_unit_test(test_build__log_tail),
        cmocka_unit_test(test_build__other_builds_are_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
