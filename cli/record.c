/*
 * --record FILE: the feed's lines of one build. The file appears when the build is over.
 */
#include "cli.h"

#include <depot/wire.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct cli_record {
    char *path, *partial;
    FILE *file;
    struct depot_buf line;
};

int cli_record_open(const char *path, struct cli_record **out, struct depot_error *err)
{
    struct cli_record *r = depot_calloc(1, sizeof(*r));
    r->path = depot_strdup(path);
    r->partial = depot_asprintf("%s.partial", path);
    depot_buf_init(&r->line, DEPOT_BUF_NO_LIMIT);
    r->file = fopen(r->partial, "we");
    if (r->file == NULL) {
        int rc = depot_error_errno(err, errno, "cannot write the recording %s", path);
        depot_free(r->path);
        depot_free(r->partial);
        depot_free(r);
        return rc;
    }
    *out = r;
    return 0;
}

int cli_record_event(struct cli_record *r, const struct depot_event *ev, struct depot_error *err)
{
    depot_buf_clear(&r->line);
    depot_wire_encode(&r->line, ev);
    depot_buf_addc(&r->line, '\n');
    if (fwrite(r->line.data, 1, r->line.len, r->file) != r->line.len)
        return depot_error_errno(err, errno, "cannot write the recording %s", r->path);
    return 0;
}

int cli_record_close(struct cli_record *r, struct depot_error *err)
{
    int rc = 0;
    if (r == NULL)
        return 0;
    if (fclose(r->file) != 0 || rename(r->partial, r->path) != 0) {
        rc = depot_error_errno(err, errno, "cannot write the recording %s", r->path);
        unlink(r->partial);
    }
    depot_buf_release(&r->line);
    depot_free(r->path);
    depot_free(r->partial);
    depot_free(r);
    return rc;
}
