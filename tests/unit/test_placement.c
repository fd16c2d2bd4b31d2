/*
 * The planner as a table: builders, platforms, and who makes what.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <depot/buf.h>

#include "builder/engine/placement.h"

/* ---- plans ---- */
enum { MAX_ENGINES = 4 };

struct row {
    const char *what;
    struct {
        const char *name, *platforms;
        bool emulated, down;
        int load;
    } engines[MAX_ENGINES];
    const char *platforms;
    bool single, any;
    unsigned groups[4]; /* of the platforms */
    /* "builder:platform[!|?],...;..." with ! for emulated, ? for foreign; NULL: an error */
    const char *plan;
    const char *error;
};

#define AMD "linux/amd64,linux/386"
#define ARM "linux/arm64,linux/arm/v7"

static const struct row rows[] = {
    {.what = "each platform goes to its native builder",
        .engines = {{.name = "a", .platforms = AMD}, {.name = "b", .platforms = ARM}},
        .platforms = "linux/amd64,linux/arm64",
        .plan = "a:linux/amd64;b:linux/arm64"},
    {.what = "the order of platforms is the order of parts",
        .engines = {{.name = "a", .platforms = AMD}, {.name = "b", .platforms = ARM}},
        .platforms = "linux/arm64,linux/amd64",
        .plan = "b:linux/arm64;a:linux/amd64"},
    {.what = "native wins over one that can emulate, though it is busier",
        .engines = {{.name = "a", .platforms = AMD "," ARM},
            {.name = "b", .platforms = ARM, .load = 9}},
        .platforms = "linux/arm64",
        .plan = "b:linux/arm64"},
    {.what = "really native wins over configured for it",
        .engines = {{.name = "q", .platforms = ARM, .emulated = true},
            {.name = "b", .platforms = ARM, .load = 3}},
        .platforms = "linux/arm64",
        .plan = "b:linux/arm64"},
    {.what = "configured for it wins over able to",
        .engines = {{.name = "a", .platforms = AMD "," ARM},
            {.name = "q", .platforms = ARM "," AMD, .emulated = true, .load = 3}},
        .platforms = "linux/arm64",
        .plan = "q:linux/arm64!"},
    {.what = "one that can emulate is better than none",
        .engines = {{.name = "a", .platforms = AMD "," ARM}},
        .platforms = "linux/arm64",
        .plan = "a:linux/arm64!"},
    {.what = "platforms of one builder make one part",
        .engines = {{.name = "a", .platforms = AMD "," ARM}},
        .platforms = "linux/amd64,linux/arm64",
        .plan = "a:linux/amd64,linux/arm64!"},
    {.what = "a native second platform is not emulated",
        .engines = {{.name = "a", .platforms = AMD}},
        .platforms = "linux/amd64,linux/386",
        .plan = "a:linux/amd64,linux/386"},
    {.what = "the least loaded of equals",
        .engines = {{.name = "a", .platforms = AMD, .load = 2},
            {.name = "b", .platforms = AMD, .load = 1}, {.name = "c", .platforms = AMD, .load = 1}},
        .platforms = "linux/amd64",
        .plan = "b:linux/amd64"},
    {.what = "the first of equals",
        .engines = {{.name = "a", .platforms = AMD}, {.name = "b", .platforms = AMD}},
        .platforms = "linux/amd64",
        .plan = "a:linux/amd64"},
    {.what = "one that is down is not used",
        .engines = {{.name = "a", .platforms = AMD, .down = true},
            {.name = "b", .platforms = AMD, .load = 5}},
        .platforms = "linux/amd64",
        .plan = "b:linux/amd64"},
    {.what = "platforms of different groups are parts of their own",
        .engines = {{.name = "a", .platforms = AMD "," ARM}},
        .platforms = "linux/amd64,linux/arm64,linux/386",
        .groups = {1, 0, 1},
        .plan = "a:linux/amd64,linux/386;a:linux/arm64!"},
    {.what = "also where one builder must make all",
        .engines = {{.name = "a", .platforms = AMD "," ARM}, {.name = "b", .platforms = ARM}},
        .platforms = "linux/amd64,linux/arm64",
        .single = true,
        .groups = {1, 0},
        .plan = "a:linux/amd64;a:linux/arm64!"},
    {.what = "no builder can",
        .engines = {{.name = "a", .platforms = AMD}, {.name = "b", .platforms = ARM, .down = true}},
        .platforms = "linux/amd64,linux/arm64",
        .error = "no builder can build linux/arm64; builders: a (linux/amd64, linux/386); "
                 "b (down: gone)"},
    {.what = "no builder at all",
        .platforms = "linux/amd64",
        .error = "no builder can build linux/amd64; builders: none"},
    {.what = "a single builder must make all",
        .engines = {{.name = "a", .platforms = AMD},
            {.name = "b", .platforms = ARM "," AMD, .emulated = true}},
        .platforms = "linux/amd64,linux/arm64",
        .single = true,
        .plan = "b:linux/amd64!,linux/arm64!"},
    {.what = "a single builder is native for the most",
        .engines = {{.name = "b", .platforms = ARM "," AMD},
            {.name = "a", .platforms = AMD "," ARM}},
        .platforms = "linux/amd64,linux/386,linux/arm64",
        .single = true,
        .plan = "a:linux/amd64,linux/386,linux/arm64!"},
    {.what = "no single builder makes all",
        .engines = {{.name = "a", .platforms = AMD}, {.name = "b", .platforms = ARM}},
        .platforms = "linux/amd64,linux/arm64",
        .single = true,
        .error = "no builder can build linux/amd64,linux/arm64 all by itself"},
    {.what = "what nobody lists may be made by anybody",
        .engines = {{.name = "a", .platforms = AMD, .load = 2}, {.name = "b", .platforms = ARM}},
        .platforms = "darwin/arm64",
        .plan = "b:darwin/arm64?"},
    {.what = "beside what is listed",
        .engines = {{.name = "a", .platforms = AMD}, {.name = "b", .platforms = ARM, .load = 2}},
        .platforms = "linux/arm64,linux/s390x,linux/amd64,linux/ppc64le",
        .plan = "b:linux/arm64;a:linux/s390x?,linux/amd64,linux/ppc64le?"},
    {.what = "by whoever lists the most, when it must be one",
        .engines = {{.name = "a", .platforms = AMD},
            {.name = "b", .platforms = ARM "," AMD, .emulated = true, .load = 2}},
        .platforms = "linux/s390x,linux/amd64,linux/arm64",
        .single = true,
        .plan = "b:linux/s390x?,linux/amd64!,linux/arm64!"},
    {.what = "but not by one that is down",
        .engines = {{.name = "a", .platforms = AMD, .down = true}},
        .platforms = "darwin/arm64",
        .error = "no builder can build darwin/arm64; builders: a (down: gone)"},
    {.what = "a question goes to one builder, whatever it lists",
        .engines = {{.name = "a", .platforms = AMD, .down = true},
            {.name = "b", .platforms = ARM, .load = 3}, {.name = "c", .platforms = AMD}},
        .platforms = "linux/arm64,darwin/arm64",
        .any = true,
        .plan = "b:linux/arm64,darwin/arm64"},
    {.what = "a question to nobody",
        .engines = {{.name = "a", .platforms = AMD, .down = true}},
        .platforms = "linux/amd64",
        .any = true,
        .error = "no builder can build linux/amd64; builders: a (down: gone)"},
};

static char *show(const struct placement *p, const struct row *r)
{
    struct depot_buf b = DEPOT_BUF_INIT(4096);
    for (size_t i = 0; i < p->nparts; i++) {
        const struct placement_part *part = &p->parts[i];
        depot_buf_addf(&b, "%s%s:", i > 0 ? ";" : "", r->engines[part->engine].name);
        for (size_t k = 0; k < part->platforms.len; k++) {
            const char *platform = part->platforms.items[k];
            depot_buf_addf(&b, "%s%s%s%s", k > 0 ? "," : "", platform,
                depot_strv_has(&part->emulated, platform) ? "!" : "",
                depot_strv_has(&part->foreign, platform) ? "?" : "");
        }
    }
    return depot_buf_detach(&b);
}

static void run_row(const struct row *r)
{
    struct placement_engine engines[MAX_ENGINES];
    struct depot_strv lists[MAX_ENGINES] = {{0}}, platforms = {0};
    struct depot_error err = {0};
    struct placement plan = {0};
    size_t n = 0;
    for (; n < MAX_ENGINES && r->engines[n].name != NULL; n++) {
        depot_strv_split(&lists[n], r->engines[n].platforms, ',');
        engines[n] = (struct placement_engine){
            .name = r->engines[n].name,
            .platforms = (const char *const *)lists[n].items,
            .nplatforms = lists[n].len,
            .emulated = r->engines[n].emulated,
            .up = !r->engines[n].down,
            .down_reason = "gone",
            .load = r->engines[n].load,
        };
    }
    depot_strv_split(&platforms, r->platforms, ',');
    int rc = r->any ? placement_any(engines, n, &platforms, &plan, &err)
                    : placement_make(engines, n, &platforms, r->groups, r->single, &plan, &err);
    if (r->plan != NULL) {
        assert_int_equal(rc, 0);
        char *text = show(&plan, r);
        assert_string_equal(text, r->plan);
        depot_free(text);
    } else {
        assert_int_equal(rc, DEPOT_ERR_UNAVAILABLE);
        assert_non_null(strstr(err.msg, r->error));
        assert_true(err.hint[0] != '\0');
    }
    placement_release(&plan);
    depot_strv_release(&platforms);
    for (size_t i = 0; i < n; i++)
        depot_strv_release(&lists[i]);
}

static void test_placement__rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        print_message("  %s\n", rows[i].what);
        run_row(&rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_placement__rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
