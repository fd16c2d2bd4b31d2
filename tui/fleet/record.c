/*
 * Recordings. A daemon is asked for the build anew from its first event on; what the state has
 * already is written and not applied again.
 */
#include "record.h"

#include <depot/wire.h>

#include "fleet_priv.h"
#include "tui/log/file.h"

#include <string.h>

struct fleet_record {
    struct depot_file_writer *file;
    char *path;
    uint64_t seq; /* of the newest event that was written */
    uint64_t events, bytes;
    struct depot_buf line;
};

static void free_record(struct fleet_record *r)
{
    depot_file_writer_abandon(r->file);
    depot_buf_release(&r->line);
    depot_free(r->path);
    depot_free(r);
}

/* Over; `err` says why nothing was written. */
static void leave(struct fleet_build *b, const struct depot_error *err)
{
    struct fleet *f = b->source->fleet;
    struct fleet_record *r = b->record;
    const struct fleet_recorded done = {
        .build = b, .path = r->path, .events = r->events, .bytes = r->bytes, .err = err};
    b->record = NULL;
    f->recordings--;
    if (f->priv->ops.recorded != NULL)
        f->priv->ops.recorded(f, &done, f->priv->arg);
    free_record(r);
    dp_fleet_unwatch(f, b);
    dp_fleet_touch(f);
}

static void fail(struct fleet_build *b, struct depot_error *err)
{
    char msg[DEPOT_ERROR_MSG_MAX];
    memcpy(msg, err->msg, sizeof(msg));
    (void)depot_error_set(err, err->code, "%s; nothing was written", msg);
    leave(b, err);
}

static int commit(struct fleet_record *r, struct depot_error *err)
{
    struct depot_file_writer *file = r->file;
    r->file = NULL;
    return depot_file_writer_commit(file, err);
}

void dp_record_end(struct fleet_build *b)
{
    struct depot_error err = {0};
    if (commit(b->record, &err) != 0)
        fail(b, &err);
    else
        leave(b, NULL);
}

void dp_record_stop(struct fleet_build *b)
{
    struct depot_error err = {0};
    if (b->record->events > 0) {
        dp_record_end(b);
        return;
    }
    (void)depot_error_set(&err, DEPOT_ERR_CANCELLED, "no event came; nothing was written");
    leave(b, &err);
}

bool dp_record_line(struct fleet_build *b, const char *line, size_t n)
{
    struct fleet_record *r = b->record;
    struct depot_error err = {0};
    int rc = depot_file_writer_write(r->file, line, n, &err);
    if (rc == 0)
        rc = depot_file_writer_write(r->file, "\n", 1, &err);
    if (rc != 0) {
        fail(b, &err);
        return false;
    }
    r->events++;
    r->bytes += n + 1;
    return true;
}

void dp_record_event(struct fleet_build *b, const struct depot_event *ev)
{
    struct fleet_record *r = b->record;
    if (ev->seq != r->seq + 1)
        return; /* on its way from before the beginning was asked for */
    r->seq = ev->seq;
    depot_buf_clear(&r->line);
    depot_wire_encode(&r->line, ev);
    (void)dp_record_line(b, r->line.data, r->line.len);
}

void dp_record_refused(struct fleet_build *b, const struct depot_error *why)
{
    struct depot_error err = *why;
    depot_error_prefix(&err, "%s cannot be recorded", b->id);
    leave(b, &err);
}

void dp_record_free(struct fleet_build *b)
{
    struct fleet_record *r = b->record;
    if (r == NULL)
        return;
    b->record = NULL;
    if (r->events > 0)
        (void)!commit(r, NULL);
    free_record(r);
}

/* From a daemon: all of it once more, over the feed. */
static void ask_again(struct fleet *f, struct fleet_build *b)
{
    const bool asked = b->next_ == NULL && !b->full; /* then watching it asks for all */
    dp_fleet_watch(f, b);
    if (!asked)
        depot_feed_subscribe_build(b->source->feed, b->id, 0);
}

const char *dp_record_cannot(const struct fleet_build *b)
{
    const struct fleet_source *s = b->source;
    if (s->drops_ || s->again != NULL)
        return NULL;
    return s->owned_ ? "one's own build is recorded by `depot build --record FILE`"
                     : "standard input is not kept: `tee FILE` before depot-top records it";
}

int dp_record_start(
    struct fleet *f, struct fleet_build *b, const char *path, struct depot_error *err)
{
    struct fleet_source *s = b->source;
    const char *why = dp_record_cannot(b);
    struct depot_file_writer *file;
    if (why != NULL)
        return depot_error_set(err, DEPOT_ERR_UNSUPPORTED, "%s", why);
    const int rc = dp_file_open(path, &file, err);
    if (rc != 0)
        return rc;
    b->record = depot_calloc(1, sizeof(*b->record));
    b->record->file = file;
    b->record->path = depot_strdup(path);
    depot_buf_init(&b->record->line, DEPOT_BUF_NO_LIMIT);
    f->recordings++;
    if (s->drops_) {
        ask_again(f, b);
    } else {
        dp_fleet_watch(f, b);
        s->again(s, b, s->again_arg);
        if (b->record != NULL)
            dp_record_stop(b);
    }
    dp_fleet_touch(f);
    return 0;
}
