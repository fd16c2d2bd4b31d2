/*
 * Recordings. A daemon is asked for the build anew from its first event on; what the state has
 * already is written and not applied again.
 */
#include "record.h"

#include <depot/wire.h>

#include "fleet_priv.h"
#include "tui/log/file.h"

#include <string.h>

struct record {
    struct fleet_tap tap;
    struct depot_file_writer *file;
    char *path;
    uint64_t seq; /* of the newest event that was written */
    uint64_t events, bytes;
    struct depot_buf line;
};

static struct record *record_of(const struct fleet_build *b)
{
    return (struct record *)(uintptr_t)DEPOT_CONTAINER_OF(b->tap, const struct record, tap);
}

static void free_record(struct record *r)
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
    struct record *r = record_of(b);
    const struct fleet_recorded done = {
        .build = b, .path = r->path, .events = r->events, .bytes = r->bytes, .err = err};
    b->tap = NULL;
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

static int commit(struct record *r, struct depot_error *err)
{
    struct depot_file_writer *file = r->file;
    r->file = NULL;
    return depot_file_writer_commit(file, err);
}

static void end(struct fleet_build *b)
{
    struct depot_error err = {0};
    if (commit(record_of(b), &err) != 0)
        fail(b, &err);
    else
        leave(b, NULL);
}

void dp_record_stop(struct fleet_build *b)
{
    struct depot_error err = {0};
    if (record_of(b)->events > 0) {
        end(b);
        return;
    }
    (void)depot_error_set(&err, DEPOT_ERR_CANCELLED, "no event came; nothing was written");
    leave(b, &err);
}

static bool put_line(struct fleet_build *b, const char *line, size_t n)
{
    struct record *r = record_of(b);
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

static void put_event(struct fleet_build *b, const struct depot_event *ev)
{
    struct record *r = record_of(b);
    if (ev->seq != r->seq + 1)
        return; /* on its way from before the beginning was asked for */
    r->seq = ev->seq;
    depot_buf_clear(&r->line);
    depot_wire_encode(&r->line, ev);
    (void)put_line(b, r->line.data, r->line.len);
}

static void refused(struct fleet_build *b, const struct depot_error *why)
{
    struct depot_error err = *why;
    depot_error_prefix(&err, "%s cannot be recorded", b->id);
    leave(b, &err);
}

static void abandon(struct fleet_build *b)
{
    struct record *r = record_of(b);
    b->tap = NULL;
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
    static const struct fleet_tap tap = {
        .event = put_event, .end = end, .line = put_line, .refused = refused, .free = abandon};
    struct fleet_source *s = b->source;
    const char *why = dp_record_cannot(b);
    struct depot_file_writer *file;
    if (why != NULL)
        return depot_error_set(err, DEPOT_ERR_UNSUPPORTED, "%s", why);
    const int rc = dp_file_open(path, &file, err);
    if (rc != 0)
        return rc;
    struct record *r = depot_calloc(1, sizeof(*r));
    r->tap = tap;
    r->file = file;
    r->path = depot_strdup(path);
    depot_buf_init(&r->line, DEPOT_BUF_NO_LIMIT);
    b->tap = &r->tap;
    f->recordings++;
    if (s->drops_) {
        ask_again(f, b);
    } else {
        dp_fleet_watch(f, b);
        s->again(s, b, s->again_arg);
        if (b->tap != NULL)
            dp_record_stop(b);
    }
    dp_fleet_touch(f);
    return 0;
}
