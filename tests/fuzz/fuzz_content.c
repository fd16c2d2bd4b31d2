/*
 * The content service's requests. The first byte says of which method.
 */
#include "session/content.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dp_content_request req;
    struct depot_error err;
    if (size == 0)
        return 0;
    const enum dp_content_kind kind = (enum dp_content_kind)(data[0] % 3);
    if (dp_content_decode(kind, data + 1, size - 1, &req, &err) != 0)
        return 0;
    if (req.total < 0 || req.offset < 0 || req.size < 0 || req.data_len > size ||
        strlen(req.name) >= DP_CONTENT_REF_MAX ||
        (req.expected[0] != '\0' && !depot_digest_valid(req.expected)))
        abort();
    return 0;
}
