/*
 * --record FILE: the feed's lines of one build. The file appears when the build is over.
 */
#include "cli.h"

#include <depot/file_writer.h>
#include <depot/wire.h>

struct cli_record {
    struct depot_file_writer *file; /* NULL: it failed, which is told in the end */
    struct depot_error failed;
    uint64_t events;
    struct depot_buf line;
};

int cli_record_open(const char *path, struct cli_record **out, struct depot_error *err)
{
    static const struct depot_file_opts opts = {.what = "recording", .mode = 0666};
    struct depot_file_writer *file;
    int rc = depot_file_writer_open(path, &opts, &file, err);
    if (rc != 0)
        return depot_error_prefix(err, "--record");
    struct cli_record *r = depot_calloc(1, sizeof(*r));
    r->file = file;
    depot_buf_init(&r->line, DEPOT_BUF_NO_LIMIT);
    *out = r;
    return 0;
}

void cli_record_event(struct cli_record *r, const struct depot_event *ev)
{
    if (r->file == NULL)
        return;
    depot_buf_clear(&r->line);
    depot_wire_encode(&r->line, ev);
    depot_buf_addc(&r->line, '\n');
    r->events++;
    if (depot_file_writer_write(r->file, r->line.data, r->line.len, &r->failed) == 0)
        return;
    depot_file_writer_abandon(r->file);
    r->file = NULL;
}

int cli_record_close(struct cli_record *r, struct depot_error *err)
{
    int rc = 0;
    if (r == NULL)
        return 0;
    if (r->file == NULL) {
        *err = r->failed;
        rc = err->code;
    } else if (r->events > 0) {
        rc = depot_file_writer_commit(r->file, err);
    } else {
        /* A build that never was leaves the recording of the last one alone. */
        depot_file_writer_abandon(r->file);
    }
    depot_buf_release(&r->line);
    depot_free(r);
    return rc;
}
