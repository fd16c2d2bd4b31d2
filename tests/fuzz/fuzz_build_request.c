/*
 * The body of POST /v1/builds, from anybody.
 */
#include "builder/build/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct depot_build_request r;
    struct depot_arena arena = {0};
    struct depot_error err = {0};
    int rc = depot_record_decode(
        &depot_record_build_request, (const char *)data, size, &r, &arena, &err);
    if (rc == 0)
        rc = request_check(&r, &arena, &err);
    if (rc != 0 && err.msg[0] == '\0')
        __builtin_trap(); /* a refusal without a reason */
    depot_arena_release(&arena);
    return 0;
}
