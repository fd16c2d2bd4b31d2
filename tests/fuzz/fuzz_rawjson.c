/*
 * Bytes as strings and log data of a status: the text made of them must be JSON that decodes, and
 * log bytes must come back as they went in.
 */
#include <depot/wire.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *name = depot_strndup((const char *)data, size);
    struct depot_vertex vertex = {.digest = "sha256:1", .name = name, .started = 1};
    struct depot_vertex_log log = {
        .vertex = "sha256:1", .stream = 1, .data = data, .len = size, .timestamp = 1};
    struct depot_status st = {.vertexes = &vertex, .nvertexes = 1, .logs = &log, .nlogs = 1};
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_error err = {0};
    struct depot_event ev;
    const struct depot_status *got;

    depot_wire_encode_status(&out, &st);
    if (depot_wire_decode(out.data, out.len, &ev, &err))
        abort();
    got = &ev.u.status.status;
    if (got->nvertexes != 1 || got->nlogs != 1 || got->logs[0].len != size ||
        (size && memcmp(got->logs[0].data, data, size) != 0))
        abort();
    depot_event_release(&ev);
    depot_buf_release(&out);
    depot_free(name);
    return 0;
}
