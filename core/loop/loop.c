/*
 * The event loop over libuv, which nobody else sees. Each object wraps one uv handle; freeing an
 * object closes the handle, and its memory goes back from the close callback.
 */
#include <depot/loop.h>

#include <depot/base.h>
#include <depot/clock.h>
#include <depot/log.h>

#include <sys/queue.h>
#include <uv.h>

#define DEPOT_LOG_MODULE "loop"

enum object_kind { OBJECT_FD, OBJECT_TIMER, OBJECT_SIGNAL, OBJECT_COUNT };

static const char *const object_names[] = {
    [OBJECT_FD] = "descriptor watch",
    [OBJECT_TIMER] = "timer",
    [OBJECT_SIGNAL] = "signal watch",
};
_Static_assert(DEPOT_ARRAY_LEN(object_names) == OBJECT_COUNT, "every kind has a name");

/* What every registered thing starts with. The handle's `data` points back here. */
struct object {
    TAILQ_ENTRY(object) link;
    struct depot_loop *loop;
    enum object_kind kind;
    bool freed;
    union {
        uv_handle_t any;
        uv_poll_t poll;
        uv_timer_t timer;
        uv_signal_t sig;
    } h;
};

struct depot_loop_fd {
    struct object base;
    depot_loop_fd_fn *fn;
    void *arg;
    int fd;
    unsigned events; /* what the owner wants */
    unsigned armed;  /* what libuv was told */
};

struct depot_timer {
    struct object base;
    depot_timer_fn *fn;
    void *arg;
};

struct depot_signal {
    struct object base;
    depot_signal_fn *fn;
    void *arg;
};

struct deferred {
    void (*fn)(void *arg);
    void *arg;
};
typedef DEPOT_VEC(struct deferred) deferred_list;

struct depot_loop {
    uv_loop_t uv;
    TAILQ_HEAD(, object) objects;
    /* Both run only while something is deferred: `check` calls it after the poll, and `idle` keeps
     * that poll from waiting. */
    uv_check_t check;
    uv_idle_t idle;
    deferred_list queue, running;
    bool draining; /* those two are closed: depot_loop_free() calls what is deferred by itself */
};

struct work {
    uv_work_t req;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

static int error_uv(struct depot_error *err, int status, const char *what)
{
    return depot_error_errno(err, -status, "%s", what);
}

static void on_idle(uv_idle_t *idle)
{
    DEPOT_UNUSED(idle);
}

/* Calls what was deferred before now; what these calls defer in turn waits for the next turn. */
static void run_deferred(struct depot_loop *l)
{
    deferred_list now = l->queue;

    l->queue = l->running;
    l->queue.len = 0;
    l->running = (deferred_list){0};
    for (size_t i = 0; i < now.len; i++)
        now.items[i].fn(now.items[i].arg);
    l->running = now;
    if (l->queue.len == 0) {
        uv_idle_stop(&l->idle);
        uv_check_stop(&l->check);
    }
}

static void on_check(uv_check_t *check)
{
    run_deferred(check->data);
}

int depot_loop_new(struct depot_loop **out, struct depot_error *err)
{
    struct depot_loop *l = depot_calloc(1, sizeof(*l));
    int rc = uv_loop_init(&l->uv);

    if (rc != 0) {
        depot_free(l);
        return error_uv(err, rc, "cannot make an event loop");
    }
    TAILQ_INIT(&l->objects);
    uv_check_init(&l->uv, &l->check);
    uv_idle_init(&l->uv, &l->idle);
    l->check.data = l;
    *out = l;
    return 0;
}

static void close_stray(uv_handle_t *handle, void *arg)
{
    struct depot_loop *l = arg;

    if (uv_is_closing(handle))
        return;
    if (handle != (uv_handle_t *)&l->check && handle != (uv_handle_t *)&l->idle)
        depot_log_debug("a foreign %s handle was left on the loop",
            uv_handle_type_name(uv_handle_get_type(handle)));
    uv_close(handle, NULL);
}

static void object_free(struct object *o);

void depot_loop_free(struct depot_loop *l)
{
    struct object *o;

    if (l == NULL)
        return;
    /* Deferred calls are often what frees memory, so none may be lost. */
    while (l->queue.len > 0)
        run_deferred(l);
    while ((o = TAILQ_FIRST(&l->objects)) != NULL) {
        depot_log_warn("a %s was left on the loop", object_names[o->kind]);
        object_free(o);
    }
    /* Handles that are closing already get their callbacks, and hosted libraries their last turn,
     * before what is left over is closed. */
    uv_run(&l->uv, UV_RUN_NOWAIT);
    l->draining = true;
    uv_walk(&l->uv, close_stray, l);
    /* Returns when all are closed and all work has come back. */
    uv_run(&l->uv, UV_RUN_DEFAULT);
    while (l->queue.len > 0 || uv_loop_close(&l->uv) == UV_EBUSY) {
        while (l->queue.len > 0)
            run_deferred(l);
        uv_walk(&l->uv, close_stray, l);
        uv_run(&l->uv, UV_RUN_DEFAULT);
    }
    depot_vec_free(&l->queue);
    depot_vec_free(&l->running);
    depot_free(l);
}

void depot_loop_run(struct depot_loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

void depot_loop_turn(struct depot_loop *l)
{
    uv_run(&l->uv, UV_RUN_NOWAIT);
}

void depot_loop_stop(struct depot_loop *l)
{
    uv_stop(&l->uv);
}

static void object_add(struct depot_loop *l, struct object *o, enum object_kind kind)
{
    o->loop = l;
    o->kind = kind;
    o->h.any.data = o;
    TAILQ_INSERT_TAIL(&l->objects, o, link);
}

static void on_closed(uv_handle_t *handle)
{
    depot_free(handle->data);
}

static void object_free(struct object *o)
{
    if (o->freed)
        return;
    o->freed = true;
    TAILQ_REMOVE(&o->loop->objects, o, link);
    uv_close(&o->h.any, on_closed);
}

static void on_poll(uv_poll_t *poll, int status, int uv_events);

static void fd_arm(struct depot_loop_fd *w)
{
    int want = 0;

    if (w->armed == w->events)
        return;
    if (w->events & DEPOT_READ)
        want |= UV_READABLE;
    if (w->events & DEPOT_WRITE)
        want |= UV_WRITABLE;
    w->armed = w->events;
    if (want == 0)
        uv_poll_stop(&w->base.h.poll);
    else if (uv_poll_start(&w->base.h.poll, want, on_poll) != 0)
        depot_log_error("cannot watch descriptor %d: it is watched twice", w->fd);
}

static void on_poll(uv_poll_t *poll, int status, int uv_events)
{
    struct depot_loop_fd *w = poll->data;
    unsigned events = 0;

    if (uv_events & UV_READABLE)
        events |= DEPOT_READ;
    if (uv_events & UV_WRITABLE)
        events |= DEPOT_WRITE;
    if (status < 0) {
        /* libuv has stopped the watch. Ours stays on, as the error does until somebody reads it. */
        events = DEPOT_READ | DEPOT_WRITE;
        w->armed = 0;
    } else {
        events &= w->events;
    }
    if (events != 0)
        w->fn(w, events, w->arg);
    if (!w->base.freed)
        fd_arm(w);
}

int depot_loop_fd_new(struct depot_loop *l, int fd, unsigned events, depot_loop_fd_fn *fn,
    void *arg, struct depot_loop_fd **out, struct depot_error *err)
{
    struct depot_loop_fd *w = depot_calloc(1, sizeof(*w));
    int rc = uv_poll_init(&l->uv, &w->base.h.poll, fd);

    if (rc != 0) {
        depot_free(w);
        return depot_error_errno(err, -rc, "cannot watch descriptor %d", fd);
    }
    w->fn = fn;
    w->arg = arg;
    w->fd = fd;
    w->events = events;
    object_add(l, &w->base, OBJECT_FD);
    fd_arm(w);
    *out = w;
    return 0;
}

void depot_loop_fd_set(struct depot_loop_fd *w, unsigned events)
{
    if (w->base.freed)
        return;
    w->events = events;
    fd_arm(w);
}

void depot_loop_fd_free(struct depot_loop_fd *w)
{
    if (w != NULL)
        object_free(&w->base);
}

struct depot_timer *depot_timer_new(struct depot_loop *l, depot_timer_fn *fn, void *arg)
{
    struct depot_timer *t = depot_calloc(1, sizeof(*t));

    uv_timer_init(&l->uv, &t->base.h.timer);
    t->fn = fn;
    t->arg = arg;
    object_add(l, &t->base, OBJECT_TIMER);
    return t;
}

static void on_timer(uv_timer_t *timer)
{
    struct depot_timer *t = timer->data;

    t->fn(t, t->arg);
}

void depot_timer_start(struct depot_timer *t, uint64_t ms, uint64_t repeat_ms)
{
    uint64_t now = depot_mono_ms(), cached = uv_now(t->base.h.timer.loop);

    if (t->base.freed)
        return;
    /* libuv counts from the cached time of the turn, which lies in the past after long work or
     * before the first turn. */
    if (now > cached && ms <= UINT64_MAX - (now - cached))
        ms += now - cached;
    uv_timer_start(&t->base.h.timer, on_timer, ms, repeat_ms);
}

void depot_timer_stop(struct depot_timer *t)
{
    if (!t->base.freed)
        uv_timer_stop(&t->base.h.timer);
}

void depot_timer_free(struct depot_timer *t)
{
    if (t != NULL)
        object_free(&t->base);
}

static void on_signal(uv_signal_t *sig, int signum)
{
    struct depot_signal *s = sig->data;

    s->fn(s, signum, s->arg);
}

int depot_signal_new(struct depot_loop *l, int signum, depot_signal_fn *fn, void *arg,
    struct depot_signal **out, struct depot_error *err)
{
    struct depot_signal *s = depot_calloc(1, sizeof(*s));
    int rc = uv_signal_init(&l->uv, &s->base.h.sig);

    if (rc != 0) {
        depot_free(s);
        return error_uv(err, rc, "cannot watch signals");
    }
    s->fn = fn;
    s->arg = arg;
    object_add(l, &s->base, OBJECT_SIGNAL);
    rc = uv_signal_start(&s->base.h.sig, on_signal, signum);
    if (rc != 0) {
        object_free(&s->base);
        return depot_error_errno(err, -rc, "cannot watch signal %d", signum);
    }
    *out = s;
    return 0;
}

void depot_signal_free(struct depot_signal *s)
{
    if (s != NULL)
        object_free(&s->base);
}

void depot_loop_defer(struct depot_loop *l, void (*fn)(void *arg), void *arg)
{
    struct deferred d = {.fn = fn, .arg = arg};

    if (l->queue.len == 0 && !l->draining) {
        uv_idle_start(&l->idle, on_idle);
        uv_check_start(&l->check, on_check);
    }
    depot_vec_push(&l->queue, d);
}

static void on_work(uv_work_t *req)
{
    struct work *w = req->data;

    w->work(w->arg);
}

static void on_worked(uv_work_t *req, int status)
{
    struct work *w = req->data;

    DEPOT_UNUSED(status);
    w->done(w->arg);
    depot_free(w);
}

int depot_loop_work(
    struct depot_loop *l, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
    struct work *w = depot_calloc(1, sizeof(*w));

    w->work = work;
    w->done = done;
    w->arg = arg;
    w->req.data = w;
    if (uv_queue_work(&l->uv, &w->req, on_work, on_worked) != 0) {
        depot_free(w);
        return DEPOT_ERR_EXHAUSTED;
    }
    return 0;
}

uint64_t depot_loop_now_ms(struct depot_loop *l)
{
    return uv_now(&l->uv);
}

void *depot_loop_native(struct depot_loop *l)
{
    return &l->uv;
}
