/*
 * index.json of a layout, and an engine's descriptors.
 */
#include "build/layout.h"

#include <depot/digest.h>

#include <json-c/json.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_object *o = NULL;
    struct depot_strv found = {0};
    if (dp_layout_parse((const char *)data, size, &o, NULL) == 0) {
        dp_layout_find(o, "latest", &found);
        for (size_t i = 0; i < found.len; i++)
            if (!depot_digest_valid(found.items[i]))
                abort();
        const char *single = dp_layout_single(o);
        if (single != NULL && !depot_digest_valid(single))
            abort();
        depot_strv_release(&found);
        json_object_put(o);
    }
    if (dp_layout_desc_parse((const char *)data, size, &o, NULL) == 0) {
        if (!depot_digest_valid(dp_layout_desc_digest(o)))
            abort();
        json_object_put(o);
    }
    return 0;
}
