/*
 * Answers from anywhere: whatever decodes must encode to what decodes to the same text again.
 */
#include <depot/answer.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct depot_buf once = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_buf twice = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_answer a, again;
    struct depot_error err = {0};

    if (depot_answer_decode((const char *)data, size, &a, &err) != 0)
        return 0;
    depot_answer_encode(&once, &a, true);
    if (depot_answer_decode(once.data, once.len, &again, &err) != 0)
        abort();
    depot_answer_encode(&twice, &again, true);
    /* Bad UTF-8 is replaced by the first encoding; after that nothing may change. */
    if (!memchr(once.data, '\\', once.len) && strcmp(once.data, twice.data) != 0)
        abort();
    depot_answer_release(&again);
    depot_answer_release(&a);
    depot_buf_release(&once);
    depot_buf_release(&twice);
    return 0;
}
