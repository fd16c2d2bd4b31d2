/*
 * Feed lines from anywhere: whatever decodes must encode to what decodes to the same text again.
 */
#include <depot/wire.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct depot_buf once = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_buf twice = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_error err = {0};
    struct depot_event ev;

    if (depot_wire_decode((const char *)data, size, &ev, &err))
        return 0;
    depot_wire_encode(&once, &ev);
    if (ev.type != DEPOT_EVENT_UNKNOWN) {
        struct depot_event again;

        if (depot_wire_decode(once.data, once.len, &again, &err))
            abort();
        depot_wire_encode(&twice, &again);
        /* Bad UTF-8 is replaced by the first encoding; after that nothing may change. */
        if (!memchr(once.data, '\\', once.len) && strcmp(once.data, twice.data) != 0)
            abort();
        depot_event_release(&again);
    }
    depot_event_release(&ev);
    depot_buf_release(&once);
    depot_buf_release(&twice);
    return 0;
}
