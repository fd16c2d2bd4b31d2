/*
 * The event loop: file descriptors, timers, signals, deferred calls, work on a thread pool.
 *
 * One thread runs a loop and everything on it. Callbacks come as (object, payload, arg) and never
 * from inside the call that registered them. Any object may be freed anywhere, also inside its own
 * callback: it goes quiet at once and its memory goes back after the turn.
 */
#ifndef DEPOT_LOOP_H
#define DEPOT_LOOP_H

#include <depot/error.h>
#include <depot/export.h>

#include <stdint.h>

DEPOT_API_BEGIN

struct depot_loop;
struct depot_loop_fd;
struct depot_timer;
struct depot_signal;

enum { DEPOT_READ = 1, DEPOT_WRITE = 2 };

int depot_loop_new(struct depot_loop **out, struct depot_error *err) DEPOT_MUST_CHECK;
/* Everything registered must have been freed; what was not is logged. */
void depot_loop_free(struct depot_loop *l);
void depot_loop_run(
    struct depot_loop *l); /* until depot_loop_stop() or nothing is left to wait for */
void depot_loop_turn(struct depot_loop *l); /* what is ready now, without waiting */
void depot_loop_stop(struct depot_loop *l);

/* Watch `fd` (borrowed) for `events`, a set of DEPOT_READ and DEPOT_WRITE. An error or hang-up is
 * reported as both. */
typedef void depot_loop_fd_fn(struct depot_loop_fd *w, unsigned events, void *arg);
int depot_loop_fd_new(struct depot_loop *l, int fd, unsigned events, depot_loop_fd_fn *fn,
    void *arg, struct depot_loop_fd **out, struct depot_error *err) DEPOT_MUST_CHECK;
void depot_loop_fd_set(struct depot_loop_fd *w, unsigned events); /* 0: stay, but quiet */
void depot_loop_fd_free(struct depot_loop_fd *w);

typedef void depot_timer_fn(struct depot_timer *t, void *arg);
struct depot_timer *depot_timer_new(struct depot_loop *l, depot_timer_fn *fn, void *arg);
/* Fire after `ms`, then every `repeat_ms` unless that is 0. Starting again replaces. */
void depot_timer_start(struct depot_timer *t, uint64_t ms, uint64_t repeat_ms);
void depot_timer_stop(struct depot_timer *t);
void depot_timer_free(struct depot_timer *t);

typedef void depot_signal_fn(struct depot_signal *s, int signum, void *arg);
int depot_signal_new(struct depot_loop *l, int signum, depot_signal_fn *fn, void *arg,
    struct depot_signal **out, struct depot_error *err) DEPOT_MUST_CHECK;
void depot_signal_free(struct depot_signal *s);

/* Call once, after this turn's callbacks. */
void depot_loop_defer(struct depot_loop *l, void (*fn)(void *arg), void *arg);

/* Run `work` on a pool thread, then `done` on the loop. */
int depot_loop_work(struct depot_loop *l, void (*work)(void *arg), void (*done)(void *arg),
    void *arg) DEPOT_MUST_CHECK;

uint64_t depot_loop_now_ms(struct depot_loop *l); /* monotonic, cached once a turn */

/* The uv_loop_t, for libraries that host themselves on it (the daemon's server only). */
void *depot_loop_native(struct depot_loop *l);

DEPOT_API_END

#endif
