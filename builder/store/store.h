/*
 * What the daemon remembers of builds: one append-only file of feed lines per build, and an SQLite
 * index over them. The only writer of both; it also gives each event its seq and time.
 */
#ifndef DEPOT_BUILDER_STORE_H
#define DEPOT_BUILDER_STORE_H

#include <depot/query.h>
#include <depot/event.h>
#include <depot/loop.h>

struct store;

/* An event as it stands in the log: encoded once, shared by all who send it. */
struct store_line {
    unsigned refs;
    uint64_t seq; /* 0: a fleet event */
    enum depot_event_type type;
    char *without_logs; /* the same event without log bytes, made on first demand; NULL: not yet */
    size_t without_logs_len;
    size_t len;
    char data[]; /* one JSON object; a newline that `len` does not count follows it */
};
struct store_line *store_line_new(
    enum depot_event_type type, uint64_t seq, const char *data, size_t n);
struct store_line *store_line_ref(struct store_line *line);
void store_line_unref(struct store_line *line);
/* The line for subscribers that want no log bytes, made once; a newline follows it as well. */
const char *store_line_without_logs(struct store_line *line, size_t *n);

/* Ids are file names and parts of URLs, so they are [a-z0-9] and short. */
enum { STORE_ID_MAX = 32 };
bool store_id_valid(const char *id);

/* Told of each appended event, after it is in the log. `ev` and `line` are borrowed. */
typedef void store_append_fn(struct store *s, const char *build, const struct depot_event *ev,
    struct store_line *line, void *arg);

/* Opens or makes `dir`; builds that were running when the daemon died are finished as failed. */
int store_open(struct depot_loop *l, const char *dir, struct store **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
void store_free(struct store *s); /* flushes */
void store_on_append(struct store *s, store_append_fn *fn, void *arg);

/*
 * Append an event to its build's log. Sets ev->seq and, when it is 0, ev->time. BUILD_CREATED opens
 * the log; BUILD_FINISHED closes it. The index follows by reducing the events; for BUILD_FINISHED
 * the store fills `counts` and `duration_ms` from its own reduction first.
 */
int store_append(struct store *s, const char *build, struct depot_event *ev,
    struct depot_error *err) DEPOT_MUST_CHECK;

/* Read a build's lines with seq > after, at most `max` of them: `fn` is called for each, and may
 * keep a reference. Returns how many, 0 when the reader is at the end, or a negative depot_err.
 * Recent lines of running builds come from memory. */
typedef void store_read_fn(struct store_line *line, void *arg);
int store_read(struct store *s, const char *build, uint64_t after, size_t max, store_read_fn *fn,
    void *arg, struct depot_error *err) DEPOT_MUST_CHECK;
bool store_build_exists(struct store *s, const char *build);
bool store_build_over(struct store *s, const char *build);
uint64_t store_build_seq(struct store *s, const char *build); /* newest; 0: unknown build */

/* Newest first. `project`, `state` may be NULL ("active" is every state that is not over);
 * `limit` 0: 100. Summaries live in `arena`. */
struct store_query {
    const char *id; /* just this one; may be NULL */
    const char *project, *state;
    const char *begins; /* what their ids begin with */
    const char *user;
    size_t limit;
};
int store_query(struct store *s, const struct store_query *q, struct depot_arena *arena,
    struct depot_build_summary **out, size_t *n, struct depot_error *err) DEPOT_MUST_CHECK;
/* What tells one value of `name` from another, over restarts, and nothing else of it: in hex. */
enum { STORE_FINGERPRINT_LEN = 12 };
void store_fingerprint(const struct store *s, const char *name, const char *value,
    char out[STORE_FINGERPRINT_LEN + 1]);
/* True when this (engine, ref) pair was seen before: observed builds survive a daemon restart
 * without standing twice. Remembers it. */
bool store_seen_ref(struct store *s, const char *engine, const char *ref);
/* What the newest builds of a project tell of it: of the one that `build` belongs to, or, when that
 * is NULL, of `project`. DEPOT_ERR_NOT_FOUND: no such build. The caller releases. */
int store_estimates(struct store *s, const char *build, const char *project,
    struct depot_response *out, struct depot_error *err) DEPOT_MUST_CHECK;

#endif
