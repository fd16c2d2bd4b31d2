/*
 * When to read a stream that may be busy: by the clock, not by the message. To be woken costs more
 * than a small message is worth, and whoever stands behind the reader is woken with it. Knows
 * nothing of streams: it is told what was read, and says when to leave the stream alone.
 *
 *   the stream ...                          | what comes is read
 *   ----------------------------------------+----------------------------------------------------
 *   is quiet: nothing for `quiet_ms`        | at once
 *   begins a burst                          | at once, for its first `burst` reads
 *   is busy: the burst goes on              | `turn_ms` after the last read, all of it
 *   gives `bulk` bytes or more in one turn  | at once: so many bytes are worth a turn of their own
 *
 * So a line a second, or one each `turn_ms`, is never held up; a line of a busy stream is held up
 * by `turn_ms` at most, by half of that on average.
 */
#ifndef DEPOT_CORE_NET_PACE_H
#define DEPOT_CORE_NET_PACE_H

#include <depot/base.h>
#include <depot/loop.h>

struct dp_pace_rule {
    uint64_t turn_ms, quiet_ms;
    unsigned burst;
    size_t bulk;
};

/* An engine's progress, which comes as a message for each piece of a log. */
extern const struct dp_pace_rule dp_pace_progress;
/* A feed, as its follower reads it. The daemon turns by the clock itself, so this is for one that
 * does not, for many builds at once, and for a network that cuts frames up. A build whose steps are
 * cached is over within the burst; a replay is bulk. */
extern const struct dp_pace_rule dp_pace_feed;

struct dp_pace;

/* `turn` is called when a hold is over: read then. `rule` is borrowed. */
struct dp_pace *dp_pace_new(
    struct depot_loop *l, const struct dp_pace_rule *rule, void (*turn)(void *arg), void *arg);
void dp_pace_free(struct dp_pace *p); /* NULL is fine here and in dp_pace_holds() */

/* The stream gave `bytes`, and has no more for now. */
void dp_pace_took(struct dp_pace *p, size_t bytes);
/* Is the stream to be left alone? `turn` will follow. */
bool dp_pace_holds(const struct dp_pace *p);
/* Somebody waits for what comes next: a hold ends, with a `turn` that is deferred, and as many
 * reads as begin a burst are at once. */
void dp_pace_hurry(struct dp_pace *p);

/* The rule itself, for its tests. Zeroed, it is about a stream that was quiet. */
struct dp_pace_state {
    uint64_t last_ms; /* when it was read */
    unsigned spent;   /* reads of the burst */
};
/* A read of `bytes` at `now_ms`: how long to hold from then, 0 for not at all. */
uint64_t dp_pace_judge(
    struct dp_pace_state *s, const struct dp_pace_rule *rule, uint64_t now_ms, size_t bytes);

#endif
