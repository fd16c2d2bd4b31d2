/*
 * Why steps missed the cache: a small Dockerfile built twice, with one thing changed in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <depot/why.h>

#include "model/why_priv.h"

#define T(n) ((depot_time)(1000 + (n)) * DEPOT_SEC)

enum { FROM, COPY, RUN, COPY_ALL, MAKE, STEPS };

/* One build of it: what the steps say, and the first that was not found. */
struct made {
    const char *text[STEPS];
    int first_miss;     /* STEPS: none */
    const char *prefix; /* of digests; the same one: the same digests */
    const char *builder;
    const char **changed;
    size_t nchanged;
    int64_t files;
    struct depot_ev_definition definition;
    bool has_definition;
    enum depot_build_state state;
    int failed; /* 1 + the step that failed */
};

static const struct made ordinary = {
    .text = {"FROM base@sha256:aa", "COPY package.json ./", "RUN install", "COPY . .", "RUN make"},
    .first_miss = STEPS,
    .prefix = "a",
    .builder = "amd64-a",
    .files = 10,
    .state = DEPOT_BUILD_SUCCEEDED,
};

static void apply(struct depot_build *b, struct depot_event *ev, depot_time t)
{
    ev->build = "b1";
    ev->time = t;
    depot_build_apply(b, ev);
}

static void apply_context(struct depot_build *b, const struct made *m)
{
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_CONTEXT};
    ev.u.context = (struct depot_ev_context){.platform = "linux/amd64",
        .files = m->files,
        .sent_files = (int64_t)m->nchanged,
        .changed = m->changed,
        .nchanged = m->nchanged};
    apply(b, &ev, T(1));
}

static void apply_steps(struct depot_build *b, const struct made *m)
{
    struct depot_vertex v[STEPS + 1] = {{.digest = "context",
        .name = "[internal] load build context",
        .started = T(0),
        .completed = T(1)}};
    char names[STEPS][128], digests[STEPS][32];
    const char *inputs[STEPS][2];

    for (int i = 0; i < STEPS; i++) {
        const bool copies = i == COPY || i == COPY_ALL, hit = i < m->first_miss;
        snprintf(names[i], sizeof(names[i]), "[%d/%d] %s", i + 1, STEPS, m->text[i]);
        snprintf(digests[i], sizeof(digests[i]), "%s%d", m->prefix, i);
        inputs[i][0] = i > 0 ? digests[i - 1] : "context";
        inputs[i][1] = "context";
        v[i + 1] = (struct depot_vertex){.digest = digests[i],
            .name = names[i],
            .inputs = inputs[i],
            .ninputs = i == FROM ? 0
                       : copies  ? 2
                                 : 1,
            .started = T(2 + i),
            .completed = T(2 + i) + (hit ? 1 : DEPOT_SEC),
            .cached = hit};
        if (m->failed == i + 1)
            v[i + 1].error = "exit code: 1";
        if (m->failed && i >= m->failed)
            v[i + 1].started = v[i + 1].completed = 0;
    }
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS};
    ev.u.status.platform = "linux/amd64";
    ev.u.status.builder = m->builder;
    ev.u.status.status.vertexes = v;
    ev.u.status.status.nvertexes = STEPS + 1;
    apply(b, &ev, T(8));
}

static struct depot_build *make(const struct made *m)
{
    struct depot_build *b = depot_build_new(NULL);
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_CREATED};
    ev.u.created = (struct depot_ev_created){.project = "web", .origin = "depot"};
    apply(b, &ev, T(0));
    if (m->has_definition) {
        ev = (struct depot_event){.type = DEPOT_EVENT_BUILD_DEFINITION};
        ev.u.definition = m->definition;
        apply(b, &ev, T(0));
    }
    ev = (struct depot_event){.type = DEPOT_EVENT_BUILD_ASSIGNED};
    ev.u.assigned = (struct depot_ev_assigned){.platform = "linux/amd64", .builder = m->builder};
    apply(b, &ev, T(0));
    apply_context(b, m);
    apply_steps(b, m);
    ev = (struct depot_event){.type = DEPOT_EVENT_BUILD_RESULT};
    ev.u.result = (struct depot_ev_result){
        .platform = "linux/amd64", .builder = m->builder, .state = m->state};
    apply(b, &ev, T(9));
    depot_build_derive(b);
    return b;
}

/* "+text|-text" of the only cause, whose step and reason are as given. */
static void expect(const struct made *now, const struct made *before, int step,
    enum depot_reason reason, bool certain, const char *evidence)
{
    struct depot_build *b = make(now), *old = before ? make(before) : NULL;
    struct depot_why why;
    char got[1024] = "";

    depot_why_init(&why, b, old);
    assert_int_equal(why.causes.len, 1);
    const struct depot_cause *c = why.causes.items[0];
    assert_string_equal(depot_reason_name(c->reason), depot_reason_name(reason));
    assert_int_equal(c->certain, certain);
    assert_string_equal(c->step->parsed.instruction, now->text[step]);
    for (size_t i = 0; i < c->evidence.len; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%c%s", i ? "|" : "",
            c->evidence.items[i].sign, c->evidence.items[i].text);
    assert_string_equal(got, evidence);
    depot_why_release(&why);
    depot_build_free(b);
    depot_build_free(old);
}

static void test_why__names_the_files(void **state)
{
    const char *one[] = {"package.json"}, *two[] = {"src/a.c", "src/b.c"};
    struct made now = ordinary;
    (void)state;
    now.prefix = "b";
    now.first_miss = COPY;
    now.changed = one;
    now.nchanged = 1;
    expect(&now, &ordinary, COPY, DEPOT_REASON_FILES, true, "~package.json");
    expect(&now, NULL, COPY, DEPOT_REASON_FILES, false, "~package.json");
    now.first_miss = COPY_ALL;
    now.changed = two;
    now.nchanged = 2;
    expect(&now, &ordinary, COPY_ALL, DEPOT_REASON_FILES, false, "~src/a.c|~src/b.c");
    now.nchanged = 0;
    now.files = 9;
    expect(&now, &ordinary, COPY_ALL, DEPOT_REASON_FILES, false,
        " the context has 9 files, and had 10");
}

static void test_why__reads_instructions(void **state)
{
    struct made now = ordinary, before = ordinary;
    (void)state;
    now.prefix = "b";
    now.first_miss = RUN;
    now.text[RUN] = "RUN install --all";
    expect(&now, &ordinary, RUN, DEPOT_REASON_INSTRUCTION, true, "-RUN install|+RUN install --all");
    /* A line put in between: what stood there stands below now. */
    now.text[RUN] = "RUN check";
    now.text[COPY_ALL] = "RUN install";
    expect(&now, &ordinary, RUN, DEPOT_REASON_NEW, true, "+RUN check");
    /* The same words, on another step. */
    before.text[COPY] = "COPY other.json ./";
    now = ordinary;
    now.prefix = "b";
    now.first_miss = RUN;
    expect(
        &now, &before, RUN, DEPOT_REASON_MOVED, true, "-COPY other.json ./|+COPY package.json ./");
}

static void test_why__tells_base_images(void **state)
{
    struct made now = ordinary;
    (void)state;
    now.prefix = "b";
    now.text[FROM] = "FROM base@sha256:bb";
    now.first_miss = FROM;
    expect(&now, &ordinary, FROM, DEPOT_REASON_BASE, true,
        "-FROM base@sha256:aa|+FROM base@sha256:bb");
    /* The new image was there already. */
    now.first_miss = COPY;
    expect(&now, &ordinary, COPY, DEPOT_REASON_BASE, true,
        "-FROM base@sha256:aa|+FROM base@sha256:bb");
}

static void test_why__compares_definitions(void **state)
{
    struct depot_pair one[] = {{"VERSION", "aaaa"}, {"OTHER", "1"}},
                      two[] = {{"VERSION", "bbbb"}, {"OTHER", "2"}};
    struct depot_setting s1[] = {{"", "ARG VERSION=1"}, {"", "ENV MODE=a"}},
                         s2[] = {{"", "ARG VERSION=1"}, {"", "ENV MODE=b"}};
    struct made before = ordinary, now = ordinary;
    (void)state;
    before.has_definition = now.has_definition = true;
    before.definition = (struct depot_ev_definition){
        .args = one, .nargs = 2, .has_settings = true, .settings = s1, .nsettings = 2};
    now.definition = before.definition;
    now.prefix = "b";
    now.first_miss = RUN;
    now.definition.args = two;
    expect(&now, &before, RUN, DEPOT_REASON_ARGUMENT, true, "~VERSION");
    now.definition.has_settings = false;
    expect(&now, &before, RUN, DEPOT_REASON_ARGUMENT, false, "~VERSION|~OTHER");
    now.definition = before.definition;
    now.definition.settings = s2;
    expect(&now, &before, RUN, DEPOT_REASON_SETTING, true, "-ENV MODE=a|+ENV MODE=b");
    now.definition.no_cache = true;
    now.first_miss = FROM;
    now.text[FROM] = "FROM scratch@sha256:bb";
    expect(&now, &before, FROM, DEPOT_REASON_NO_CACHE, true, "");
    /* The engine shows the words with the value in them. */
    now = before;
    now.prefix = "b";
    now.first_miss = RUN;
    now.definition.args = two;
    now.text[RUN] = "RUN install 2";
    expect(
        &now, &before, RUN, DEPOT_REASON_ARGUMENT, false, "~VERSION|-RUN install|+RUN install 2");
}

static void test_why__knows_what_is_gone(void **state)
{
    struct made now = ordinary, before = ordinary;
    (void)state;
    now.first_miss = RUN;
    expect(&now, &ordinary, RUN, DEPOT_REASON_EVICTED, true,
        " its definition is the same to the letter");
    now.prefix = "b"; /* files below it: the digest tells nothing */
    now.has_definition = before.has_definition = true;
    now.definition.has_settings = before.definition.has_settings = true;
    expect(&now, &before, RUN, DEPOT_REASON_UNKNOWN, false,
        " files below it may be those of a build in between| or its result was removed from the "
        "cache");
    before.state = DEPOT_BUILD_FAILED;
    before.first_miss = RUN;
    before.failed = RUN + 1;
    expect(&now, &before, RUN, DEPOT_REASON_UNFINISHED, true, " there it failed");
}

static void test_why__tells_builders_apart(void **state)
{
    struct made now = ordinary;
    (void)state;
    now.builder = "amd64-b";
    now.first_miss = FROM;
    now.text[FROM] = "RUN begin";
    struct made before = ordinary;
    before.text[FROM] = "RUN begin";
    expect(&now, &before, FROM, DEPOT_REASON_BUILDER, true, "-amd64-a|+amd64-b");
    now.builder = "amd64-a";
    expect(&now, NULL, FROM, DEPOT_REASON_FIRST, false, "");
}

static void test_why__follows_the_chain(void **state)
{
    const char *one[] = {"package.json"};
    struct made now = ordinary;
    struct depot_why why = {0};
    (void)state;
    depot_why_release(&why);
    now.first_miss = COPY;
    now.prefix = "b";
    now.changed = one;
    now.nchanged = 1;
    struct depot_build *b = make(&now);
    depot_why_init(&why, b, NULL);
    const struct depot_cause *c = why.causes.items[0];
    assert_int_equal(c->steps.len, 4);
    assert_true(c->took == 4 * DEPOT_SEC);
    for (size_t i = 0; i < b->steps.len; i++) {
        const struct depot_step *s = b->steps.items[i];
        assert_ptr_equal(depot_why_of(&why, s),
            s->outcome == DEPOT_OUTCOME_RAN && s->parsed.kind == DEPOT_STEP_BUILD ? c : NULL);
    }
    depot_why_release(&why);
    depot_build_free(b);
}

/* A chain a platform, in another order each, one place taken twice and the last on amd64 alone. */
static void apply_chain(struct depot_build *b, const char *platform, const char *const *steps)
{
    struct depot_vertex v[8];
    char names[8][64], digests[8][64];
    const char *inputs[8];
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS};
    size_t n = 0;
    for (; steps[n] != NULL; n++) {
        snprintf(names[n], sizeof(names[n]), "[%s %s", platform, steps[n]);
        snprintf(digests[n], sizeof(digests[n]), "%s-%zu", platform, n);
        inputs[n] = n > 0 ? digests[n - 1] : "";
        v[n] = (struct depot_vertex){.digest = digests[n],
            .name = names[n],
            .inputs = &inputs[n],
            .ninputs = n > 0,
            .started = T(2 + n),
            .completed = T(3 + n)};
    }
    ev.u.status.platform = platform;
    ev.u.status.status.vertexes = v;
    ev.u.status.status.nvertexes = n;
    apply(b, &ev, T(12));
}

static const struct depot_step *step_at(const struct depot_build *b, const char *platform, int n)
{
    char digest[64];
    snprintf(digest, sizeof(digest), "%s-%d", platform, n);
    return depot_build_step(b, depot_build_part(b, platform), digest);
}

static void test_why__finds_the_step_of_a_sibling(void **state)
{
    static const char *const amd64[] = {"s 1/4] RUN a", "s 2/4] RUN b", "t 2/4] RUN b",
        "s 3/4] RUN c", "s 3/4] RUN c", "s 4/4] RUN d", NULL};
    static const char *const arm64[] = {
        "s 1/4] RUN a", "s 3/4] RUN c", "t 2/4] RUN b", "s 2/4] RUN b", NULL};
    static const int siblings[] = {0, 3, 2, 1, 1, -1};
    static const char *const platforms[] = {"linux/amd64", "linux/arm64"};
    struct depot_build *b = depot_build_new(NULL);
    struct depot_why why;
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct depot_event ev = {.type = DEPOT_EVENT_BUILD_ASSIGNED};
        ev.u.assigned = (struct depot_ev_assigned){.platform = platforms[i], .builder = "m"};
        apply(b, &ev, T(0));
    }
    apply_chain(b, platforms[0], amd64);
    apply_chain(b, platforms[1], arm64);
    depot_build_derive(b);
    depot_why_init(&why, b, NULL);
    assert_int_equal(why.causes.len, 2);
    const struct depot_cause *x = why.causes.items[0], *y = why.causes.items[1];
    assert_ptr_equal(y->sibling_of, x);
    for (int i = 0; i < (int)DEPOT_ARRAY_LEN(siblings); i++) {
        const struct depot_step *s = step_at(b, platforms[0], i);
        assert_non_null(s);
        assert_ptr_equal(depot_why_step_on(&why, x, s), s);
        assert_ptr_equal(depot_why_step_on(&why, y, s),
            siblings[i] < 0 ? NULL : step_at(b, platforms[1], siblings[i]));
    }
    for (int i = 0; i < 4; i++)
        assert_ptr_equal(depot_why_step_on(&why, x, step_at(b, platforms[1], i)),
            step_at(b, platforms[0], siblings[i]));
    depot_why_release(&why);
    depot_build_free(b);
}

/* As no build is: every step a cause of its own, every setting another. In no time all the same. */
static void test_why__of_far_too_much(void **state)
{
    enum { N = 50000, SETTINGS = 256 };
    struct depot_build *b[2];
    struct depot_why why;
    static struct depot_setting settings[2][SETTINGS];
    struct depot_vertex *v = depot_calloc(N, sizeof(*v));
    char(*names)[32] = depot_calloc(N, sizeof(*names));
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct made m = ordinary;
        m.has_definition = m.definition.has_settings = true;
        for (int i = 0; i < SETTINGS; i++)
            settings[k][i] = (struct depot_setting){"", k ? "ENV A=1" : "ENV A=2"};
        m.definition.settings = settings[k];
        m.definition.nsettings = SETTINGS;
        b[k] = make(&m);
        for (int i = 0; i < N; i++) {
            snprintf(names[i], sizeof(names[i]), "[s%d 1/1] RUN x", i);
            v[i] = (struct depot_vertex){
                .digest = names[i], .name = names[i], .started = T(2), .completed = T(3)};
        }
        struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS};
        ev.u.status.platform = "linux/amd64";
        ev.u.status.status.vertexes = v;
        ev.u.status.status.nvertexes = N;
        apply(b[k], &ev, T(8));
        depot_build_derive(b[k]);
    }
    depot_why_init(&why, b[1], b[0]);
    assert_int_equal(why.causes.len, N);
    assert_int_equal(why.causes.items[N - 1]->reason, DEPOT_REASON_UNKNOWN);
    depot_why_release(&why);
    depot_build_free(b[0]);
    depot_build_free(b[1]);
    depot_free(names);
    depot_free(v);
}

static void test_why__of_nothing(void **state)
{
    struct depot_build *b = depot_build_new(NULL);
    struct depot_why why;
    (void)state;
    depot_why_init(&why, b, b);
    assert_int_equal(why.causes.len, 0);
    depot_why_release(&why);
    depot_build_free(b);
}

/* Steps of which many are alike, against a walk over all of them. */
static void test_index__finds_the_first_that_is_alike(void **state)
{
    enum { N = 400 };
    static const char *const words[] = {"", "a", "b", "ab"};
    static struct depot_step steps[N];
    (void)state;
    for (unsigned i = 0, seed = 1; i < N; i++) {
        seed = seed * 1103515245u + 12345u;
        steps[i].platform = words[seed >> 16 & 3];
        steps[i].parsed.stage = words[seed >> 18 & 3];
        steps[i].parsed.instruction = words[seed >> 20 & 3];
        steps[i].parsed.ordinal = (int)(seed >> 22 & 3);
    }
    for (unsigned by = 0; by < 8; by++) {
        struct dp_why_index x;
        dp_why_index_init(&x, by, N / 2);
        for (size_t i = 0; i < N / 2; i++)
            dp_why_index_add(&x, &steps[i]);
        for (size_t i = 0; i < N; i++) {
            const struct depot_step *want = NULL;
            for (size_t k = 0; k < N / 2 && want == NULL; k++)
                if (steps[k].parsed.stage == steps[i].parsed.stage &&
                    (!(by & DP_WHY_BY_PLATFORM) || steps[k].platform == steps[i].platform) &&
                    (!(by & DP_WHY_BY_TEXT) ||
                        steps[k].parsed.instruction == steps[i].parsed.instruction) &&
                    (!(by & DP_WHY_BY_ORDINAL) ||
                        steps[k].parsed.ordinal == steps[i].parsed.ordinal))
                    want = &steps[k];
            assert_ptr_equal(dp_why_index_find(&x, &steps[i]), want);
        }
        dp_why_index_release(&x);
        assert_null(dp_why_index_find(&x, &steps[0]));
    }
}

static void test_takes__as_the_words_say(void **state)
{
    static const struct {
        const char *instruction, *path;
        bool takes;
    } rows[] = {
        {"COPY . .", "any/thing", true},
        {"COPY / /", "any/thing", true},
        {"COPY package.json ./", "package.json", true},
        {"COPY package.json ./", "lib/package.json", false},
        {"COPY ./src/ /src", "src/a/b.c", true},
        {"COPY src /src", "srcs/a.c", false},
        {"COPY a.txt b.txt /", "b.txt", true},
        {"COPY a.txt b.txt", "b.txt", false},
        {"COPY *.go ./", "main.go", true},
        {"COPY *.go ./", "sub/main.go", false},
        {"COPY pkg/*/x ./", "pkg/a/x/deep", true},
        {"COPY --chown=1:2 --link src /", "src/x", true},
        {"COPY --from=build /src /", "src/x", false},
        {"COPY [\"with blank\", \"/to\"]", "with blank", true},
        {"COPY [\"with blank\", \"/to\"]", "to", false},
        {"COPY --link [\"with \\\"quote\", \"/to\"]", "with \"quote", true},
        {"COPY <<EOF /file", "file", false},
        {"ADD app.tar /", "app.tar", true},
        {"ADD https://example.com/app.tar /", "https:", false},
        {"RUN --mount=type=bind,source=go.mod,target=go.mod go mod download", "go.mod", true},
        {"RUN --mount=type=bind,target=. make", "x", true},
        {"RUN --mount=type=cache,target=/root/.cache make", "x", false},
        {"RUN --mount=type=bind,from=build,src=x,target=/x make", "x", false},
        {"RUN make --mount=type=bind", "x", false},
        {"RUN", "x", false},
        {"COPY", "x", false},
        {"COPY ", "", false},
        {"COPY [\"unclosed", "unclosed", false},
        {"WORKDIR /src", "src", false},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++)
        if (dp_why_takes(rows[i].instruction, rows[i].path) != rows[i].takes)
            fail_msg("%s takes %s", rows[i].instruction, rows[i].path);
}

static void test_choose__the_newest_alike(void **state)
{
    static const char *amd[] = {"linux/amd64"}, *both[] = {"linux/amd64", "linux/arm64"},
                      *on_a[] = {"a"}, *on_b[] = {"b"};
#define BUILD(i, t, proj, targ, plats, on)                                                         \
    {                                                                                              \
        .id = (i), .created = T(t), .state = DEPOT_BUILD_SUCCEEDED,                                \
        .info = {.project = (proj),                                                                \
            .target = (targ),                                                                      \
            .platforms = (plats),                                                                  \
            .nplatforms = DEPOT_ARRAY_LEN(plats)},                                                 \
        .builders = (on), .nbuilders = 1, .counts = {                                              \
            .total = 5                                                                             \
        }                                                                                          \
    }
    struct depot_build_summary list[] = {
        BUILD("me", 50, "web", NULL, amd, on_a),
        BUILD("older", 10, "web", "", amd, on_a),
        BUILD("both", 20, "web", NULL, both, on_a),
        BUILD("elsewhere", 30, "web", NULL, amd, on_b),
        BUILD("target", 40, "web", "test", amd, on_a),
        BUILD("other", 41, "api", NULL, amd, on_a),
        BUILD("later", 60, "web", NULL, amd, on_a),
        BUILD("running", 42, "web", NULL, amd, on_a),
        BUILD("nothing", 43, "web", NULL, amd, on_a),
    };
    const struct depot_build_summary *p[DEPOT_ARRAY_LEN(list)];
    (void)state;
    list[7].state = DEPOT_BUILD_RUNNING;
    list[8].counts.total = 0;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(list); i++)
        p[i] = &list[i];
    assert_string_equal(list[depot_why_choose(p[0], p, DEPOT_ARRAY_LEN(list))].id, "both");
    assert_int_equal(depot_why_choose(p[0], p, 1), -1);
    assert_int_equal(depot_why_choose(p[0], p + 3, 1), 0);
    list[0].info.project = "";
    assert_int_equal(depot_why_choose(p[0], p, DEPOT_ARRAY_LEN(list)), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_why__names_the_files),
        cmocka_unit_test(test_why__reads_instructions),
        cmocka_unit_test(test_why__tells_base_images),
        cmocka_unit_test(test_why__compares_definitions),
        cmocka_unit_test(test_why__knows_what_is_gone),
        cmocka_unit_test(test_why__tells_builders_apart),
        cmocka_unit_test(test_why__follows_the_chain),
        cmocka_unit_test(test_why__finds_the_step_of_a_sibling),
        cmocka_unit_test(test_why__of_far_too_much),
        cmocka_unit_test(test_why__of_nothing),
        cmocka_unit_test(test_index__finds_the_first_that_is_alike),
        cmocka_unit_test(test_takes__as_the_words_say),
        cmocka_unit_test(test_choose__the_newest_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
