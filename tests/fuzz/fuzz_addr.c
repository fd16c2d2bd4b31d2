/*
 * Fuzzes the address parser: what it takes must have its parts, and be taken again from its text.
 */
#include <depot/addr.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *s = depot_strndup((const char *)data, size);
    struct depot_addr a = {0}, again = {0};
    struct depot_error err = {0};

    if (depot_addr_parse(s, 0, &a, &err) == 0) {
        if (a.kind == DEPOT_ADDR_UNIX ? a.path == NULL : a.host == NULL || a.port < 1)
            abort();
        if (depot_addr_parse(a.text, 0, &again, NULL) != 0)
            abort();
    } else if (err.code == DEPOT_OK || err.msg[0] == '\0') {
        abort();
    }
    depot_addr_release(&a);
    depot_addr_release(&again);
    depot_free(s);
    return 0;
}
