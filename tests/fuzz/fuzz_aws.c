/*
 * AWS's credentials file.
 */
#include "build/aws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dp_aws_keys k = {0};
    char *text = depot_strndup((const char *)data, size);
    dp_aws_profile(&k, text, "default");
    dp_aws_keys_release(&k);
    depot_free(text);
    return 0;
}
