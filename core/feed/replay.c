/*
 * A feed from a descriptor: read in slices, so that a large recording does not hold up the loop,
 * and given out as fast as it is read or with the gaps it was recorded with.
 */
#include "feed/private.h"

#include <depot/log.h>
#include <depot/wire.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { SLICE = 64 * 1024 };

struct replay {
    struct depot_feed base;
    int fd, fd_flags; /* as they were: watching makes it non-blocking, and it is only borrowed */
    double speed;
    struct depot_wire_reader *reader;
    struct depot_loop_fd *watch;         /* NULL: a regular file, which is always ready */
    struct depot_timer *timer;           /* the next event's moment */
    DEPOT_VEC(struct depot_event) queue; /* read and not yet given out */
    size_t next;
    bool eof, scheduled;
    depot_time first; /* time of the first event, and the moment it was given out */
    uint64_t first_ms;
    char slice[SLICE];
};

static void replay_step(struct replay *r);

static void on_step(void *arg)
{
    struct replay *r = arg;
    r->scheduled = false;
    if (!feed_released(&r->base))
        replay_step(r);
}

static void replay_schedule(struct replay *r)
{
    if (r->scheduled)
        return;
    r->scheduled = true;
    feed_defer(&r->base, on_step);
}

/* Milliseconds until the event is due; 0: now. */
static uint64_t due_in(struct replay *r, const struct depot_event *ev)
{
    const depot_time t = depot_event_time(ev);
    if (r->speed <= 0 || t == 0)
        return 0;
    const uint64_t now = depot_mono_ms();
    if (r->first == 0) {
        r->first = t;
        r->first_ms = now;
        return 0;
    }
    const double offset = (double)(t - r->first) / (double)DEPOT_MSEC / r->speed;
    const double left = offset - (double)(now - r->first_ms);
    return left < 1 ? 0 : left > 1e12 ? (uint64_t)1e12 : (uint64_t)left;
}

/* Gives out what is due; false when it has to wait, or the owner is gone. */
static bool deliver(struct replay *r)
{
    while (r->next < r->queue.len) {
        struct depot_event *ev = &r->queue.items[r->next];
        const uint64_t wait = due_in(r, ev);
        if (wait > 0) {
            depot_timer_start(r->timer, wait, 0);
            return false;
        }
        r->next++;
        if (ev->type != DEPOT_EVENT_UNKNOWN)
            r->base.ops->event(&r->base, ev, r->base.arg);
        depot_event_release(ev);
        if (r->base.dead)
            return false;
    }
    r->queue.len = r->next = 0;
    return true;
}

static void unwatch(struct replay *r)
{
    if (r->watch == NULL)
        return;
    depot_loop_fd_free(r->watch);
    r->watch = NULL;
    if (r->fd_flags >= 0)
        (void)fcntl(r->fd, F_SETFL, r->fd_flags);
}

static void read_slice(struct replay *r)
{
    struct depot_error err;
    ssize_t n = read(r->fd, r->slice, sizeof(r->slice));
    if (n > 0) {
        /* Its failures were told line by line. */
        if (depot_wire_reader_feed(r->reader, r->slice, (size_t)n) < 0)
            depot_log(DEPOT_LOG_DEBUG, "feed", "a part of the recording was skipped");
        return;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    r->eof = true;
    unwatch(r);
    if (n == 0) {
        if (depot_wire_reader_end(r->reader) < 0)
            depot_log(DEPOT_LOG_DEBUG, "feed", "the last line was skipped");
        return;
    }
    depot_error_clear(&err);
    depot_error_errno(&err, errno, "cannot read the recording");
    feed_set_state(&r->base, DEPOT_FEED_ENDED, &err);
}

static void replay_step(struct replay *r)
{
    feed_set_state(&r->base, DEPOT_FEED_LIVE, NULL);
    if (r->base.dead || r->base.state == DEPOT_FEED_ENDED || !deliver(r))
        return;
    if (r->eof) {
        feed_set_state(&r->base, DEPOT_FEED_ENDED, NULL);
        return;
    }
    if (r->watch != NULL) {
        depot_loop_fd_set(r->watch, DEPOT_READ);
        return;
    }
    read_slice(r);
    if (!r->base.dead)
        replay_schedule(r);
}

static void on_ready(struct depot_loop_fd *w, unsigned events, void *arg)
{
    DEPOT_UNUSED(events);
    struct replay *r = arg;
    depot_loop_fd_set(w, 0); /* until what is read now is given out */
    read_slice(r);
    if (!r->base.dead)
        replay_step(r);
}

static void on_timer(struct depot_timer *t, void *arg)
{
    DEPOT_UNUSED(t);
    replay_step(arg);
}

static int on_event(struct depot_event *ev, void *arg)
{
    struct replay *r = arg;
    depot_vec_push(&r->queue, *ev);
    return 0;
}

static int on_text(const char *line, size_t n, void *arg)
{
    struct depot_feed *f = &((struct replay *)arg)->base;
    if (!f->dead && f->ops->text != NULL)
        f->ops->text(f, line, n, f->arg);
    return f->dead;
}

static int on_error(const struct depot_error *err, void *arg)
{
    struct replay *r = arg;
    if (!r->base.dead)
        feed_set_state(&r->base, r->base.state, err);
    return r->base.dead;
}

static void replay_quiet(struct depot_feed *f)
{
    struct replay *r = DEPOT_CONTAINER_OF(f, struct replay, base);
    unwatch(r);
    depot_timer_stop(r->timer);
}

static void replay_release(struct depot_feed *f)
{
    struct replay *r = DEPOT_CONTAINER_OF(f, struct replay, base);
    for (size_t i = r->next; i < r->queue.len; i++)
        depot_event_release(&r->queue.items[i]);
    depot_vec_free(&r->queue);
    depot_timer_free(r->timer);
    depot_wire_reader_free(r->reader);
    depot_free(r);
}

static const struct feed_kind replay_kind = {.quiet = replay_quiet, .release = replay_release};

int depot_feed_open_fd(struct depot_loop *l, int fd, double speed, const struct depot_feed_ops *ops,
    void *arg, struct depot_feed **out, struct depot_error *err)
{
    if (fd < 0)
        return depot_error_set(err, DEPOT_ERR_INVALID, "no descriptor to replay from");
    struct replay *r = depot_calloc(1, sizeof(*r));
    r->base = (struct depot_feed){
        .kind = &replay_kind,
        .loop = l,
        .ops = ops,
        .arg = arg,
        .state = DEPOT_FEED_CONNECTING,
    };
    r->fd = fd;
    r->fd_flags = fcntl(fd, F_GETFL);
    r->speed = speed;
    r->reader = depot_wire_reader_new(on_event, on_error, r);
    depot_wire_reader_on_text(r->reader, on_text);
    r->timer = depot_timer_new(l, on_timer, r);
    /* A regular file cannot be watched, and needs no watching. */
    struct depot_error ignored;
    if (depot_loop_fd_new(l, fd, 0, on_ready, r, &r->watch, &ignored) < 0)
        r->watch = NULL;
    replay_schedule(r);
    *out = &r->base;
    return 0;
}
