/*
 * The body of POST /v1/builds, from anybody.
 */
#include "builder/build/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request r;
    struct depot_error err = {0};
    if (request_parse((const char *)data, size, &r, &err) == 0)
        request_release(&r);
    else if (err.msg[0] == '\0')
        __builtin_trap(); /* a refusal without a reason */
    return 0;
}
