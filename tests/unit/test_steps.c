/*
 * builder/build/steps.c: one build's steps, when engines speak of those of several builds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "builder/build/steps.h"
#include "definition_rig.h"

/* ---- builds ---- */
enum { STEPS = 3 };
struct made {
    struct steps *steps;
    struct steps_owner owner;
    char digests[STEPS][DEPOT_DIGEST_LEN + 1];
};

static struct steps_index *all;

static void add_named(struct depot_buf *def, uint32_t kind, const char *input,
    struct depot_buf *body, const char *name, char digest[DEPOT_DIGEST_LEN + 1])
{
    add_op(def, kind, input, "amd64", body, digest);
    if (name != NULL)
        add_description(def, digest, name);
}

/* context of `session` <- RUN `command` <- RUN last */
static void make(struct made *m, const char *build, const char *project, const char *session,
    const char *command)
{
    struct depot_buf def = BUF, source = BUF, attr = BUF, run = BUF, meta = BUF, meta_last = BUF,
                     last = BUF;
    char name[128], result[DEPOT_DIGEST_LEN + 1];
    adds(&attr, 1, "local.session");
    adds(&attr, 2, session);
    adds(&source, 1, "local://context");
    add_buf(&source, 2, &attr);
    adds(&meta, 1, command);
    add_buf(&run, 1, &meta);
    adds(&meta_last, 1, "last");
    add_buf(&last, 1, &meta_last);
    snprintf(name, sizeof(name), "[a 2/3] RUN %s", command);
    add_named(&def, 3, NULL, &source, "[internal] load build context", m->digests[0]);
    add_named(&def, 2, m->digests[0], &run, name, m->digests[1]);
    add_named(&def, 2, m->digests[1], &last, "[a 3/3] RUN last", m->digests[2]);
    add_op(&def, 0, m->digests[2], NULL, NULL, result);
    const struct depot_bk_ref ref = {.platform = "", .definition = def.data, .len = def.len};
    m->owner = (struct steps_owner){.build = build, .project = project, .platform = "linux/amd64"};
    m->steps = steps_new(all, &m->owner);
    assert_int_equal(steps_add(m->steps, &ref, NULL), 0);
    depot_buf_release(&def);
}

/* What `m` hears when the engine tells of one step: its name, "#" and the build that runs it. */
static const char *hears(struct made *m, const char *digest, const char *name)
{
    static char out[256];
    struct depot_arena arena = {0};
    struct depot_vertex v = {.digest = digest, .name = name, .started = 1};
    struct depot_vertex_log log = {.vertex = digest, .data = (const uint8_t *)"x", .len = 1};
    struct depot_vertex_status status = {.vertex = digest, .id = "s"};
    struct depot_vertex_warning warning = {.vertex = digest};
    struct depot_status st = {&v, 1, &status, 1, &log, 1, &warning, 1};
    steps_translate(m->steps, &st, &arena);
    assert_int_equal(st.nvertexes, st.nlogs);
    assert_int_equal(st.nvertexes, st.nstatuses);
    assert_int_equal(st.nvertexes, st.nwarnings);
    strcpy(out, "nothing");
    if (st.nvertexes == 1) {
        assert_string_equal(st.logs[0].vertex, st.vertexes[0].digest);
        assert_string_equal(st.statuses[0].vertex, st.vertexes[0].digest);
        assert_string_equal(st.warnings[0].vertex, st.vertexes[0].digest);
        assert_int_equal(st.vertexes[0].started, 1);
        snprintf(out, sizeof(out), "%s%s%s", st.vertexes[0].name,
            st.vertexes[0].shared != NULL ? "#" : "",
            st.vertexes[0].shared != NULL ? st.vertexes[0].shared : "");
    }
    depot_arena_release(&arena);
    return out;
}

static int setup(void **state)
{
    (void)state;
    all = steps_index_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    steps_index_free(all);
    return 0;
}

/* ---- tests ---- */
static void count(const struct depot_status *st, void *arg)
{
    size_t *n = arg;
    for (size_t i = 0; i < st->nvertexes; i++)
        assert_int_equal(st->vertexes[i].started, 0);
    *n += st->nvertexes;
}

static void test_announce__tells_what_has_a_name(void **state)
{
    (void)state;
    struct made m;
    size_t n = 0;
    make(&m, "b1", "p", "s1", "make");
    steps_announce(m.steps, count, &n);
    assert_int_equal(n, STEPS);
    assert_string_equal(hears(&m, m.digests[1], "[a 2/3] RUN make"), "[a 2/3] RUN make");
    steps_free(m.steps);
}

static void test_translate__the_same_step_of_another_build(void **state)
{
    (void)state;
    struct made one, two;
    make(&one, "b1", "p", "s1", "make");
    make(&two, "b2", "q", "s2", "make");
    assert_string_not_equal(one.digests[1], two.digests[1]); /* the session is in both */
    assert_string_equal(hears(&two, one.digests[1], "[other 7/9] RUN make"), "[a 2/3] RUN make#b1");
    assert_string_equal(hears(&two, one.digests[2], "[other 8/9] RUN last"), "[a 3/3] RUN last#b1");
    assert_string_equal(steps_digest(two.steps, one.digests[1]), two.digests[1]);
    assert_string_equal(steps_digest(two.steps, two.digests[1]), two.digests[1]);
    assert_string_equal(steps_digest(two.steps, "sha256:0"), "sha256:0");
    assert_null(steps_digest(two.steps, NULL));
    assert_string_equal(steps_digest(NULL, "sha256:0"), "sha256:0");
    assert_string_equal(hears(&one, one.digests[1], "[a 2/3] RUN make"), "[a 2/3] RUN make");
    steps_free(one.steps);
    steps_free(two.steps);
}

static void test_translate__what_is_made_from_another_command_is_told_by_its_words(void **state)
{
    (void)state;
    struct made one, two;
    make(&one, "b1", "p", "s1", "make");
    make(&two, "b2", "q", "s2", "make all");
    assert_string_equal(hears(&two, one.digests[2], "[a 3/3] RUN last"), "[a 3/3] RUN last#b1");
    steps_free(one.steps);
    steps_free(two.steps);
}

static void test_translate__nothing_is_heard_of_another_project(void **state)
{
    (void)state;
    struct made one, two, mate;
    make(&one, "b1", "p", "s1", "deploy --password x");
    make(&two, "b2", "q", "s2", "make");
    make(&mate, "b3", "p", "s3", "make");
    assert_string_equal(hears(&two, one.digests[1], "[a 2/3] RUN deploy --password x"), "nothing");
    assert_string_equal(
        hears(&mate, one.digests[1], "[a 2/3] RUN deploy"), "[a 2/3] RUN deploy#b1");
    steps_free(one.steps);
    steps_free(two.steps);
    steps_free(mate.steps);
}

static void test_translate__a_strangers_step_by_its_words(void **state)
{
    (void)state;
    struct made m;
    make(&m, "b1", "p", "s1", "make");
    assert_string_equal(hears(&m, "sha256:ee", "[x 1/2] RUN make"), "[a 2/3] RUN make#");
    assert_string_equal(hears(&m, "sha256:ef", "[x 1/2] RUN else"), "[x 1/2] RUN else#");
    assert_string_equal(
        hears(&m, "sha256:e0", "[internal] load metadata"), "[internal] load metadata");
    assert_string_equal(hears(&m, "sha256:e1", "exporting to image"), "exporting to image");
    steps_free(m.steps);
}

/* How many vertexes `m` hears of one that is over. */
static size_t hears_the_end(struct made *m, const char *digest, bool cached, const char *error)
{
    struct depot_arena arena = {0};
    struct depot_vertex v = {.digest = digest,
        .name = "[a 2/3] RUN make",
        .started = 1,
        .completed = 2,
        .cached = cached,
        .error = error};
    struct depot_status st = {.vertexes = &v, .nvertexes = 1};
    steps_translate(m->steps, &st, &arena);
    depot_arena_release(&arena);
    return st.nvertexes;
}

static void test_translate__a_step_that_was_run_is_not_in_the_cache_afterwards(void **state)
{
    (void)state;
    struct made one, two;
    make(&one, "b1", "p", "s1", "make");
    make(&two, "b2", "q", "s2", "make");
    assert_int_equal(hears_the_end(&two, one.digests[1], false, "context canceled"), 1);
    assert_int_equal(hears_the_end(&two, two.digests[1], true, NULL), 1); /* nobody ran it */
    assert_int_equal(hears_the_end(&two, one.digests[1], false, NULL), 1);
    assert_int_equal(hears_the_end(&two, two.digests[1], true, NULL), 0);
    assert_int_equal(hears_the_end(&two, one.digests[1], true, NULL), 0);
    assert_int_equal(hears_the_end(&two, two.digests[1], false, NULL), 1); /* run once more */
    steps_free(one.steps);
    steps_free(two.steps);
}

static void test_translate__a_build_that_is_over_is_nobody(void **state)
{
    (void)state;
    struct made one, two;
    make(&one, "b1", "p", "s1", "make");
    steps_free(one.steps);
    make(&two, "b2", "q", "s2", "make");
    assert_string_equal(hears(&two, one.digests[1], "[a 2/3] RUN make"), "[a 2/3] RUN make#");
    steps_free(two.steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_announce__tells_what_has_a_name, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_translate__the_same_step_of_another_build, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_translate__what_is_made_from_another_command_is_told_by_its_words, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            test_translate__nothing_is_heard_of_another_project, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_translate__a_strangers_step_by_its_words, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_translate__a_step_that_was_run_is_not_in_the_cache_afterwards, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_translate__a_build_that_is_over_is_nobody, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
