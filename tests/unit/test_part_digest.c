/*
 * The digest of an image, out of the progress of the export that makes it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "builder/build/part_digest.h"

#define HEX64(c) c c c c c c c c c c c c c c c c
#define A        "sha256:" HEX64("aaaa")
#define B        "sha256:" HEX64("bbbb")
#define C        "sha256:" HEX64("cccc")

static void test_digest__is_the_image_s(void **state)
{
    static const struct {
        const char *ids[4];
        const char *error, *told;
    } rows[] = {
        {{"exporting layers", "exporting config " B}, NULL, NULL},
        {{"exporting manifest " A, "exporting config " B}, NULL, A},
        {{"exporting manifest " A, "exporting manifest " A}, NULL, A},
        {{"exporting manifest " A, "exporting attestation manifest " B,
             "exporting manifest list " C},
            NULL, C},
        {{"exporting manifest list " C, "exporting manifest " A}, NULL, C},
        {{"exporting manifest " A, "exporting manifest " B, "exporting manifest list " C}, NULL, C},
        {{"exporting manifest " A, "exporting manifest " B}, NULL, NULL}, /* of two exports */
        {{"exporting manifest list " A, "exporting manifest list " B}, NULL, NULL},
        {{"exporting manifest " A}, "failed to push", NULL},
        {{"exporting manifest " A}, "", A},
        {{"exporting manifest sha256:12"}, NULL, NULL},
        {{"exporting manifest " A "0"}, NULL, NULL},
        {{"exporting manifest "}, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        struct part_digest d = {0};
        struct depot_vertex v = {.error = rows[i].error};
        part_digest_note(&d, &(struct depot_status){.vertexes = &v, .nvertexes = 1});
        for (size_t k = 0; k < 4 && rows[i].ids[k] != NULL; k++) {
            struct depot_vertex_status s = {.id = rows[i].ids[k], .completed = 1};
            part_digest_note(&d, &(struct depot_status){.statuses = &s, .nstatuses = 1});
        }
        if (!depot_str_eq(part_digest_told(&d), rows[i].told))
            fail_msg("row %zu: %s", i, part_digest_told(&d));
    }
}

static void test_digest__is_told_when_it_is_written(void **state)
{
    struct part_digest d = {0};
    struct depot_vertex_status s = {.id = "exporting manifest " A};
    (void)state;
    part_digest_note(&d, &(struct depot_status){.statuses = &s, .nstatuses = 1});
    assert_null(part_digest_told(&d));
    s.completed = 1;
    part_digest_note(&d, &(struct depot_status){.statuses = &s, .nstatuses = 1});
    assert_string_equal(part_digest_told(&d), A);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest__is_the_image_s),
        cmocka_unit_test(test_digest__is_told_when_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
