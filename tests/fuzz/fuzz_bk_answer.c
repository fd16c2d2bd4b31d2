/*
 * Feeds bytes to the reader of the gateway's answers, and looks at all that it gave.
 */
#include "buildkit/bridge_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t sum;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct depot_buf result = DEPOT_BUF_INIT(1024 * 1024);
    struct dp_bk_answer a = {.result = &result};
    if (dp_bk_answer_read(&a, data, size) == 0) {
        for (size_t i = 0; i < a.nrefs; i++)
            sum += strlen(a.refs[i].platform) +
                   (a.refs[i].len > 0 ? *(const uint8_t *)a.refs[i].definition : 0);
        for (size_t i = 0; i < a.nmeta; i++)
            sum += strlen(a.meta[i].key) + strlen(a.meta[i].value);
        sum += result.len;
    }
    depot_arena_release(&a.arena);
    depot_buf_release(&result);
    return 0;
}
