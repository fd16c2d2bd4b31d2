/*
 * A source policy in JSON, and that what becomes of it is protobuf.
 */
#include "build/source_policy.h"
#include "grpc/pb.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    if (dp_source_policy_encode((const char *)data, size, &out, NULL) == 0) {
        struct dp_pb_reader r = dp_pb_read(out.data, out.len);
        struct dp_pb_field f;
        int rc;
        while ((rc = dp_pb_next(&r, &f)) > 0)
            ;
        if (rc < 0)
            abort();
    }
    depot_buf_release(&out);
    return 0;
}
