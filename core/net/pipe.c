/*
 * The stream whose far side is the program. What the far side pushes is queued in chunks of one
 * size; readiness is told from deferred calls, level-triggered like a socket's.
 */
#include "net/stream.h"

#include <sys/queue.h>

/* A chunk holds two of BuildKit's 32 KiB messages; a few empty ones are kept for the next push. */
enum { CHUNK_SIZE = 64 * 1024, SPARE_MAX = 4 };

struct chunk {
    TAILQ_ENTRY(chunk) link;
    size_t from, to; /* what is still unread: data[from, to) */
    char data[CHUNK_SIZE];
};
TAILQ_HEAD(chunk_list, chunk);

struct dp_pipe {
    struct dp_stream base;
    struct depot_loop *loop;
    const struct dp_pipe_ops *ops; /* NULL: the far side has gone */
    void *arg;
    struct chunk_list queue, spare;
    size_t queued, spares;
    const char *offered; /* what is pushed just now, and is nowhere else: nothing is queued */
    size_t noffered;
    unsigned wanted;
    int end; /* what reads give after the queue: 0 or an error */
    bool ended;
    bool writable;
    bool drained;   /* bytes were read since the far side was last told */
    bool scheduled; /* dispatch() is deferred */
    bool closed;    /* by the stream's side; dispatch() frees */
};

static struct dp_pipe *self(struct dp_stream *s)
{
    return DEPOT_CONTAINER_OF(s, struct dp_pipe, base);
}

static void dispatch(void *arg);

static void schedule(struct dp_pipe *p)
{
    if (p->scheduled)
        return;
    p->scheduled = true;
    depot_loop_defer(p->loop, dispatch, p);
}

static unsigned ready_events(const struct dp_pipe *p)
{
    unsigned events = 0;

    if (p->queued > 0 || p->noffered > 0 || p->ended)
        events |= DEPOT_READ;
    if (p->writable || p->ops == NULL)
        events |= DEPOT_WRITE;
    return events & p->wanted;
}

static void free_chunks(struct chunk_list *list)
{
    struct chunk *c;

    while ((c = TAILQ_FIRST(list)) != NULL) {
        TAILQ_REMOVE(list, c, link);
        depot_free(c);
    }
}

static void pipe_free(struct dp_pipe *p)
{
    free_chunks(&p->queue);
    free_chunks(&p->spare);
    depot_free(p);
}

/* All calls out of a pipe, except `write` and an offer, are made here: nobody is called back from
 * his own call.
 */
static void dispatch(void *arg)
{
    struct dp_pipe *p = arg;
    unsigned events;

    /* Stays "scheduled" while calling out, so that a close in there leaves the freeing to us. */
    if (!p->closed && p->drained) {
        p->drained = false;
        if (p->ops != NULL && p->ops->drained != NULL)
            p->ops->drained(p->arg, p->queued);
    }
    events = ready_events(p);
    if (!p->closed && events != 0 && p->base.ready != NULL)
        p->base.ready(&p->base, events, p->base.arg);
    if (p->closed) {
        if (p->ops != NULL)
            p->ops->closed(p->arg);
        pipe_free(p);
        return;
    }
    p->scheduled = false;
    if (ready_events(p) != 0 || p->drained)
        schedule(p);
}

static ssize_t take_offered(struct dp_pipe *p, void *buf, size_t n)
{
    const size_t part = n < p->noffered ? n : p->noffered;

    if (part > 0)
        memcpy(buf, p->offered, part);
    p->offered += part;
    p->noffered -= part;
    return (ssize_t)part;
}

static size_t take_queued(struct dp_pipe *p, char *out, size_t n)
{
    size_t done = 0;
    struct chunk *c;

    while (done < n && (c = TAILQ_FIRST(&p->queue)) != NULL) {
        size_t part = c->to - c->from;

        if (part > n - done)
            part = n - done;
        memcpy(out + done, c->data + c->from, part);
        done += part;
        c->from += part;
        if (c->from < c->to)
            break;
        TAILQ_REMOVE(&p->queue, c, link);
        if (p->spares < SPARE_MAX) {
            TAILQ_INSERT_HEAD(&p->spare, c, link);
            p->spares++;
        } else {
            depot_free(c);
        }
    }
    p->queued -= done;
    return done;
}

static ssize_t pipe_read(struct dp_stream *base, void *buf, size_t n)
{
    struct dp_pipe *p = self(base);
    size_t done;

    if (p->noffered > 0)
        return take_offered(p, buf, n);
    done = take_queued(p, buf, n);
    if (done == 0 && n > 0)
        return p->ended ? p->end : DEPOT_ERR_AGAIN;
    p->drained = true;
    schedule(p);
    return (ssize_t)done;
}

static ssize_t pipe_writev(struct dp_stream *base, const struct iovec *iov, int n)
{
    struct dp_pipe *p = self(base);
    ssize_t put;

    if (p->ops == NULL)
        return DEPOT_ERR_UNAVAILABLE;
    if (!p->writable)
        return DEPOT_ERR_AGAIN;
    /* Before the call: it may say at once that there is room again. */
    p->writable = false;
    put = p->ops->write(p->arg, iov, n);
    if (put != DEPOT_ERR_AGAIN)
        p->writable = true;
    return put;
}

static void pipe_want(struct dp_stream *base, unsigned events)
{
    struct dp_pipe *p = self(base);

    p->wanted = events;
    if (ready_events(p) != 0)
        schedule(p);
}

static void pipe_close(struct dp_stream *base)
{
    struct dp_pipe *p = self(base);

    p->closed = true;
    schedule(p);
}

static const struct dp_stream_ops pipe_ops = {
    .name = "pipe",
    .read = pipe_read,
    .writev = pipe_writev,
    .want = pipe_want,
    .close = pipe_close,
};

struct dp_pipe *dp_pipe_new(struct depot_loop *l, const struct dp_pipe_ops *ops, void *arg)
{
    struct dp_pipe *p = depot_calloc(1, sizeof(*p));

    p->base.ops = &pipe_ops;
    p->loop = l;
    p->ops = ops;
    p->arg = arg;
    p->writable = true;
    TAILQ_INIT(&p->queue);
    TAILQ_INIT(&p->spare);
    return p;
}

struct dp_stream *dp_pipe_stream(struct dp_pipe *p)
{
    return &p->base;
}

static struct chunk *chunk_add(struct dp_pipe *p)
{
    struct chunk *c = TAILQ_FIRST(&p->spare);

    if (c != NULL) {
        TAILQ_REMOVE(&p->spare, c, link);
        p->spares--;
    } else {
        c = depot_alloc(sizeof(*c));
    }
    c->from = c->to = 0;
    TAILQ_INSERT_TAIL(&p->queue, c, link);
    return c;
}

static void queue(struct dp_pipe *p, const char *in, size_t n)
{
    struct chunk *c = TAILQ_LAST(&p->queue, chunk_list);

    p->queued += n;
    while (n > 0) {
        size_t part;

        if (c == NULL || c->to == CHUNK_SIZE)
            c = chunk_add(p);
        part = CHUNK_SIZE - c->to;
        if (part > n)
            part = n;
        memcpy(c->data + c->to, in, part);
        c->to += part;
        in += part;
        n -= part;
    }
}

/* A reader that waits gets what comes where it lies, and only what it leaves is copied. */
static void offer(struct dp_pipe *p, const char **data, size_t *n)
{
    if (p->scheduled || p->queued > 0 || !(p->wanted & DEPOT_READ) || p->base.ready == NULL)
        return;
    p->scheduled = true; /* a close in there leaves the freeing to dispatch() */
    p->offered = *data;
    p->noffered = *n;
    p->base.ready(&p->base, DEPOT_READ, p->base.arg);
    *data = p->offered;
    *n = p->noffered;
    p->noffered = 0;
    if (p->closed)
        depot_loop_defer(p->loop, dispatch, p);
    else
        p->scheduled = false;
}

void dp_pipe_push(struct dp_pipe *p, const void *data, size_t n)
{
    const char *left = data;

    if (p->closed || p->ended)
        return;
    if (p->noffered > 0) { /* called from inside of that */
        const size_t before = p->noffered;

        p->noffered = 0;
        queue(p, p->offered, before);
    }
    offer(p, &left, &n);
    if (p->closed)
        return;
    queue(p, left, n);
    if (ready_events(p) != 0 || p->drained)
        schedule(p);
}

void dp_pipe_push_eof(struct dp_pipe *p, int err)
{
    if (p->ended)
        return;
    p->ended = true;
    p->end = err < 0 ? err : 0;
    if (ready_events(p) != 0)
        schedule(p);
}

void dp_pipe_writable(struct dp_pipe *p)
{
    p->writable = true;
    if (ready_events(p) != 0)
        schedule(p);
}

size_t dp_pipe_queued(const struct dp_pipe *p)
{
    return p->queued;
}

void dp_pipe_detach(struct dp_pipe *p)
{
    if (p == NULL)
        return;
    p->ops = NULL;
    dp_pipe_push_eof(p, 0);
    if (ready_events(p) != 0)
        schedule(p);
}
