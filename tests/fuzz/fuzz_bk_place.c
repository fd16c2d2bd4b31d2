/*
 * Feeds bytes to the reader of the linter's answer, and what it makes of them to that of details.
 */
#include "buildkit/bridge_place.h"
#include "buildkit/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *json = depot_strndup((const char *)data, size);
    struct depot_buf place = DEPOT_BUF_INIT(1024 * 1024);
    struct depot_arena arena = {0};
    struct depot_build_error e = {.message = ""};
    if (dp_bk_place_of_lint(json, &place))
        dp_bk_error_add_detail("x/errdefs.Source+json", place.data, place.len, &arena, &e);
    depot_arena_release(&arena);
    depot_buf_release(&place);
    depot_free(json);
    return 0;
}
