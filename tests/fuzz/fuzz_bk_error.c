/*
 * Feeds bytes to the reader of error details: the JSON of each detail that is read, and the Status
 * around them.
 */
#include "buildkit/error.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t sum;

static void touch(const struct depot_build_error *e)
{
    sum += strlen(e->message);
    sum += e->vertex != NULL ? strlen(e->vertex) : 0;
    sum += e->file != NULL ? strlen(e->file) : 0;
    for (size_t i = 0; i < e->nlines; i++)
        sum += strlen(e->lines[i]);
    for (size_t i = 0; i < e->nranges; i++)
        sum += (size_t)e->ranges[i].start_line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"x/errdefs.Source+json", "x/errdefs.Vertex+json"};
    struct depot_arena arena = {0};
    struct depot_build_error e = {.message = ""};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(types); i++)
        dp_bk_error_add_detail(types[i], (const char *)data, size, &arena, &e);
    touch(&e);
    if (dp_bk_error_decode(data, size, &arena, &e) == 0)
        touch(&e);
    depot_arena_release(&arena);
    return 0;
}
