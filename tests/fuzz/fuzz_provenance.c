/*
 * Provenance as engines record it, on its way into a metadata file.
 */
#include "build/provenance.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {
        "https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"};
    char *text = depot_strndup((const char *)data, size);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(types); i++) {
        struct depot_part part = {0};
        struct depot_provenance one = {.platform = "", .type = types[i], .predicate = text};
        struct depot_response a = {.ask = DEPOT_QUERY_PROVENANCE};
        a.u.provenance.list = &one;
        a.u.provenance.nlist = 1;
        dp_keep_provenance(&part, &a);
        depot_kvs_release(&part.response);
    }
    depot_free(text);
    return 0;
}
