/*
 * The store itself: which builds there are, appending, batched writing, reading, retention. How a
 * log stands on disk is log.c's, the index db.c's.
 */
#include "store_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>

#include <depot/log.h>
#include <depot/path.h>
#include <depot/wire.h>

#define DEPOT_LOG_MODULE "store"

enum {
    WRITE_BATCH = 256, /* lines a writev() */
    CLOSED_MAX = 32,   /* finished builds whose files stay open for readers */
    RETRY_MS = 1000,   /* until a full disk is tried again */
};

bool store_id_valid(const char *id)
{
    size_t n = id != NULL ? strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789") : 0;

    return n > 0 && n <= STORE_ID_MAX && id[n] == '\0';
}

static char *path_of_log(const struct store *s, const char *id)
{
    return depot_asprintf("%s/builds/%s.ndjson", s->dir, id);
}

static struct store_build *build_new(struct store *s, const char *id)
{
    struct store_build *b = depot_calloc(1, sizeof(*b));

    memcpy(b->id, id, strlen(id) + 1);
    b->store = s;
    b->log.fd = -1;
    return b;
}

static void build_free(struct store_build *b)
{
    log_file_close(&b->log);
    line_ring_release(&b->ring);
    depot_build_free(b->reduced);
    depot_strv_release(&b->builders);
    depot_arena_release(&b->arena);
    depot_free(b);
}

void store_build_drop(struct store_build *b)
{
    struct store *s = b->store;

    for (size_t i = 0; i < s->dirty.len; i++) {
        if (s->dirty.items[i] == b) {
            depot_vec_remove(&s->dirty, i);
            break;
        }
    }
    if (depot_map_remove(s->builds, b->id) == b && b->over)
        s->nclosed--;
    build_free(b);
}

/* ---- opening and closing ---- */

static int lock_dir(struct store *s, struct depot_error *err)
{
    char *path = depot_path_join(s->dir, "lock");
    int r = 0;

    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0) {
        r = depot_error_errno(err, errno, "%s", path);
    } else if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        r = depot_error_set(err, DEPOT_ERR_EXISTS, "another daemon keeps its builds in %s", s->dir);
        depot_error_hint(err, "give each daemon a directory of its own");
    }
    depot_free(path);
    return r;
}

static int open_files(struct store *s, struct depot_error *err)
{
    char *builds = depot_path_join(s->dir, "builds");
    char *index = depot_path_join(s->dir, "index.db");
    int r = depot_path_mkdirs(builds, 0700, err);

    if (r == 0)
        r = lock_dir(s, err);
    if (r == 0) {
        r = store_db_open(&s->db, index, err);
        if (r == DEPOT_ERR_INVALID) {
            depot_log_warn("%s is damaged and is made again from the logs", index);
            if (unlink(index) == 0)
                r = store_db_open(&s->db, index, err);
        }
    }
    depot_free(index);
    depot_free(builds);
    return r;
}

static void retain(struct store *s)
{
    char id[STORE_ID_MAX + 1];

    while (store_db_surplus(&s->db, id)) {
        struct store_build *b = depot_map_get(s->builds, id);
        char *path = path_of_log(s, id);
        if (b != NULL)
            store_build_drop(b);
        if (unlink(path) != 0 && errno != ENOENT)
            depot_log_warn("cannot remove %s: %s", path, strerror(errno));
        depot_free(path);
        store_db_delete(&s->db, id);
        if (store_db_head(&s->db, id, &(uint64_t){0}, &(bool){false}))
            break; /* the index cannot be written: stop instead of going round */
    }
}

static void flush_all(struct store *s);
static void on_retry(struct depot_timer *t, void *arg);

int store_open(struct depot_loop *l, const char *dir, struct store **out, struct depot_error *err)
{
    struct store *s = depot_calloc(1, sizeof(*s));
    int r;

    s->loop = l;
    s->lock_fd = -1;
    s->dir = depot_strdup(dir);
    s->builds = depot_map_new();
    s->retry = depot_timer_new(l, on_retry, s);
    depot_buf_init(&s->encode, DEPOT_WIRE_LINE_MAX);
    depot_buf_init(&s->scratch, 2 * (size_t)DEPOT_WIRE_LINE_MAX);
    r = open_files(s, err);
    if (r == 0)
        r = store_recover(s, err);
    if (r != 0) {
        store_free(s);
        return r;
    }
    store_fingerprint_open(s);
    retain(s);
    *out = s;
    return 0;
}

static void close_store(void *arg)
{
    depot_free(arg);
}

void store_free(struct store *s)
{
    size_t pos = 0;
    const char *id;
    void *value;

    if (s == NULL)
        return;
    s->on_append = NULL;
    flush_all(s);
    depot_timer_free(s->retry);
    while (depot_map_next(s->builds, &pos, &id, &value))
        build_free(value);
    depot_map_free(s->builds);
    depot_vec_free(&s->dirty);
    store_db_close(&s->db);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    depot_buf_release(&s->encode);
    depot_buf_release(&s->scratch);
    depot_free(s->dir);
    s->dir = NULL;
    if (s->flush_asked)
        depot_loop_defer(s->loop, close_store, s); /* behind the flush that is still to come */
    else
        depot_free(s);
}

void store_on_append(struct store *s, store_append_fn *fn, void *arg)
{
    s->on_append = fn;
    s->arg = arg;
}

/* ---- writing ---- */

/* One writev() of pending lines. A short write is cut back, so that the file ends in whole lines.
 */
static int write_some(struct store_build *b)
{
    struct iovec iov[WRITE_BATCH];
    size_t first = b->ring.len - b->ring.pending;
    size_t n = b->ring.pending < WRITE_BATCH ? b->ring.pending : WRITE_BATCH;
    size_t lines = 0, bytes = 0;
    ssize_t got;

    for (size_t i = 0; i < n; i++) {
        struct store_line *line = line_ring_at(&b->ring, first + i);
        iov[i] = (struct iovec){.iov_base = line->data, .iov_len = line->len + 1};
    }
    do
        got = writev(b->log.fd, iov, (int)n);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    while (lines < n && bytes + iov[lines].iov_len <= (size_t)got)
        bytes += iov[lines++].iov_len;
    if (bytes < (size_t)got && ftruncate(b->log.fd, (off_t)(b->log.size + bytes)) != 0)
        return -errno;
    b->log.size += bytes;
    b->ring.pending -= lines;
    b->ring.pending_bytes -= bytes - lines;
    return lines == n ? 0 : -ENOSPC;
}

static void build_closed(struct store_build *b);

static bool flush_build(struct store_build *b)
{
    int r = 0;

    while (b->ring.pending > 0 && r == 0)
        r = write_some(b);
    if (r != 0 && !b->write_failed)
        depot_log_error("cannot write the log of build %s: %s", b->id, strerror(-r));
    b->write_failed = r != 0;
    line_ring_trim(&b->ring, LOG_CACHE_BYTES);
    if (r == 0 && b->over)
        build_closed(b);
    return r == 0;
}

/* Close the file of the finished build that was read longest ago. */
static void close_oldest(struct store *s)
{
    struct store_build *oldest = NULL;
    size_t pos = 0;
    const char *id;
    void *value;

    while (depot_map_next(s->builds, &pos, &id, &value)) {
        struct store_build *b = value;
        if (b->over && !b->dirty && (oldest == NULL || b->used < oldest->used))
            oldest = b;
    }
    if (oldest != NULL)
        store_build_drop(oldest);
}

/* What only a running build needs goes; its file and offsets stay for readers that lag. */
static void build_closed(struct store_build *b)
{
    line_ring_release(&b->ring);
    depot_build_free(b->reduced);
    b->reduced = NULL;
    depot_strv_release(&b->builders);
    depot_arena_release(&b->arena);
}

static void flush_all(struct store *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->dirty.len; i++) {
        struct store_build *b = s->dirty.items[i];
        if (flush_build(b))
            b->dirty = false;
        else
            s->dirty.items[kept++] = b;
    }
    s->dirty.len = kept;
    if (kept > 0)
        depot_timer_start(s->retry, RETRY_MS, 0);
    while (s->nclosed > CLOSED_MAX) {
        size_t before = s->nclosed;
        close_oldest(s);
        if (s->nclosed == before)
            break;
    }
}

static void on_flush(void *arg)
{
    struct store *s = arg;

    s->flush_asked = false;
    if (s->dir != NULL) /* else freed meanwhile, close_store() follows */
        flush_all(s);
}

static void on_retry(struct depot_timer *t, void *arg)
{
    DEPOT_UNUSED(t);
    flush_all(arg);
}

static void ask_flush(struct store *s, struct store_build *b)
{
    if (!b->dirty) {
        b->dirty = true;
        depot_vec_push(&s->dirty, b);
    }
    if (!s->flush_asked) {
        s->flush_asked = true;
        depot_loop_defer(s->loop, on_flush, s);
    }
}

/* ---- appending ---- */

static int open_log(
    struct store *s, const char *id, struct store_build **out, struct depot_error *err)
{
    struct store_build *b = build_new(s, id);
    char *path = path_of_log(s, id);
    int r = log_file_open(&b->log, path, O_RDWR | O_CREAT | O_EXCL | O_APPEND, err);

    depot_free(path);
    if (r != 0) {
        build_free(b);
        return r;
    }
    b->reduced = depot_build_new(NULL);
    depot_map_set(s->builds, b->id, b);
    *out = b;
    return 0;
}

/* The build an event may be appended to. */
static int writable_build(struct store *s, const char *id, const struct depot_event *ev,
    struct store_build **out, struct depot_error *err)
{
    struct store_build *b;

    if (!store_id_valid(id))
        return depot_error_set(err, DEPOT_ERR_INVALID, "not the id of a build");
    b = depot_map_get(s->builds, id);
    if (ev->type == DEPOT_EVENT_BUILD_CREATED) {
        if (b != NULL || store_build_exists(s, id))
            return depot_error_set(err, DEPOT_ERR_EXISTS, "build %s exists", id);
        return open_log(s, id, out, err);
    }
    if (b == NULL || b->over)
        return depot_error_set(err, b != NULL ? DEPOT_ERR_INVALID : DEPOT_ERR_NOT_FOUND,
            b != NULL ? "build %s is over" : "there is no running build %s", id);
    if (b->ring.pending_bytes > LOG_PENDING_BYTES && ev->type != DEPOT_EVENT_BUILD_FINISHED) {
        depot_error_set(err, DEPOT_ERR_IO, "the log of build %s cannot be written", id);
        return depot_error_hint(err, "is the disk under %s full?", s->dir);
    }
    *out = b;
    return 0;
}

static bool has_builder(const struct store_build *b, const char *name)
{
    return name == NULL || depot_strv_has(&b->builders, name);
}

/* Keep the index in step; a status event, of which there are many, changes nothing in it. */
static void index_event(
    struct store *s, struct store_build *b, const struct depot_event *ev, struct store_line *line)
{
    enum depot_build_state before = b->state;

    b->state = b->reduced->state;
    switch (ev->type) {
    case DEPOT_EVENT_BUILD_CREATED:
        b->created = ev->time;
        if (store_db_insert(&s->db, ev, line, NULL) != 0)
            depot_log_warn("build %s is not in the index", b->id);
        break;
    case DEPOT_EVENT_BUILD_ASSIGNED:
        if (!has_builder(b, ev->u.assigned.builder))
            depot_strv_push(&b->builders, ev->u.assigned.builder);
        store_db_progress(&s->db, b);
        break;
    case DEPOT_EVENT_BUILD_FINISHED:
        b->state = ev->u.finished.state;
        store_db_finish(&s->db, b, ev);
        break;
    default:
        if (b->state != before)
            store_db_progress(&s->db, b);
        break;
    }
}

void store_fill_failed_step(struct store_build *b, struct depot_ev_finished *f)
{
    f->failed_step = (struct depot_failed_step){0};
    if (f->state != DEPOT_BUILD_FAILED)
        return;
    f->failed_step = depot_build_failed_step(b->reduced);
    depot_failed_step_keep(&f->failed_step, &b->arena);
}

static void fill_finished(struct store_build *b, struct depot_event *ev)
{
    struct depot_ev_finished *f = &ev->u.finished;

    depot_build_derive(b->reduced);
    f->counts = b->reduced->counts;
    store_fill_failed_step(b, f);
    if (b->created > 0 && ev->time >= b->created)
        f->duration_ms = (ev->time - b->created) / DEPOT_MSEC;
}

int store_append(
    struct store *s, const char *build, struct depot_event *ev, struct depot_error *err)
{
    struct store_build *b = NULL;
    struct store_line *line;
    int r = writable_build(s, build, ev, &b, err);

    if (r != 0)
        return r;
    assert(b); /* given where there is no error */
    ev->build = build;
    ev->seq = b->seq + 1;
    if (ev->time == 0)
        ev->time = depot_time_now();
    depot_build_apply(b->reduced, ev);
    if (ev->type == DEPOT_EVENT_BUILD_FINISHED)
        fill_finished(b, ev);
    depot_buf_clear(&s->encode);
    depot_wire_encode(&s->encode, ev);
    if (s->encode.overflow) {
        depot_buf_release(&s->encode);
        return depot_error_set(err, DEPOT_ERR_TOO_BIG, "an event of build %s is too big", b->id);
    }
    b->seq = ev->seq;
    line = store_line_new(ev->type, ev->seq, s->encode.data, s->encode.len);
    if (s->encode.cap > LOG_CACHE_BYTES)
        depot_buf_release(&s->encode); /* one huge event is no reason to stay big */
    line_ring_push(&b->ring, line);
    log_file_note(&b->log, line->len + 1);
    index_event(s, b, ev, line);
    if (ev->type == DEPOT_EVENT_BUILD_FINISHED) {
        b->over = true;
        b->used = ++s->clock;
        s->nclosed++;
    }
    ask_flush(s, b);
    if (s->on_append != NULL)
        s->on_append(s, b->id, ev, line, s->arg);
    if (ev->type == DEPOT_EVENT_BUILD_FINISHED)
        retain(s);
    store_line_unref(line);
    return 0;
}

/* ---- reading ---- */

int store_build_load(
    struct store *s, const char *id, struct store_build **out, struct depot_error *err)
{
    struct store_build *b = build_new(s, id);
    char *path = path_of_log(s, id);
    int r = log_file_open(&b->log, path, O_RDWR | O_APPEND, err);

    depot_free(path);
    if (r != 0) {
        build_free(b);
        return r;
    }
    depot_map_set(s->builds, b->id, b);
    *out = b;
    return 0;
}

/* A build by id, its file opened when it is an old one; NULL: unknown. */
static struct store_build *find_build(struct store *s, const char *id, struct depot_error *err)
{
    struct store_build *b;
    uint64_t seq = 0;
    bool over = false;

    b = store_id_valid(id) ? depot_map_get(s->builds, id) : NULL;
    if (b == NULL) {
        if (!store_id_valid(id) || !store_db_head(&s->db, id, &seq, &over)) {
            depot_error_set(
                err, DEPOT_ERR_NOT_FOUND, "there is no build %.64s", id != NULL ? id : "");
            return NULL;
        }
        if (store_build_load(s, id, &b, err) != 0)
            return NULL;
        b->over = over;
        b->seq = seq;
        s->nclosed += over;
        if (s->nclosed > CLOSED_MAX) {
            b->used = s->clock + 1; /* not the oldest */
            close_oldest(s);
        }
    }
    b->used = ++s->clock;
    return b;
}

static int read_memory(
    struct store_build *b, uint64_t after, size_t max, store_read_fn *fn, void *arg)
{
    size_t i = (size_t)(after - (b->seq - b->ring.len));
    size_t bytes = 0;
    int count = 0;

    for (; i < b->ring.len && (size_t)count < max && bytes < LOG_READ_BYTES; i++, count++) {
        struct store_line *line = line_ring_at(&b->ring, i);
        bytes += line->len;
        fn(line, arg);
    }
    return count;
}

int store_read(struct store *s, const char *build, uint64_t after, size_t max, store_read_fn *fn,
    void *arg, struct depot_error *err)
{
    struct store_build *b = find_build(s, build, err);
    int r;

    if (b == NULL)
        return err != NULL ? (int)err->code : DEPOT_ERR_NOT_FOUND;
    if (after >= b->seq)
        return 0;
    max = max > INT_MAX ? INT_MAX : max;
    if (after >= b->seq - b->ring.len)
        return read_memory(b, after, max, fn, arg);
    /* Lines that a full disk holds up are in memory; those before them end the read short. */
    r = log_file_read(&b->log, &s->scratch, after, max, fn, arg, err);
    if (s->scratch.cap > LOG_READ_BYTES)
        depot_buf_release(&s->scratch);
    return r;
}

bool store_build_exists(struct store *s, const char *build)
{
    uint64_t seq;
    bool over;

    return store_id_valid(build) &&
           (depot_map_get(s->builds, build) != NULL || store_db_head(&s->db, build, &seq, &over));
}

bool store_build_over(struct store *s, const char *build)
{
    struct store_build *b = store_id_valid(build) ? depot_map_get(s->builds, build) : NULL;
    uint64_t seq;
    bool over = true; /* what is not known does not run */

    if (b != NULL)
        return b->over;
    if (store_id_valid(build))
        (void)store_db_head(&s->db, build, &seq, &over);
    return over;
}

uint64_t store_build_seq(struct store *s, const char *build)
{
    struct store_build *b = store_id_valid(build) ? depot_map_get(s->builds, build) : NULL;
    uint64_t seq = 0;
    bool over;

    if (b != NULL)
        return b->seq;
    if (store_id_valid(build))
        (void)store_db_head(&s->db, build, &seq, &over);
    return seq;
}

int store_query(struct store *s, const struct store_query *q, struct depot_arena *arena,
    struct depot_build_summary **out, size_t *n, struct depot_error *err)
{
    int r = store_db_query(&s->db, q, arena, out, n, err);

    for (size_t i = 0; r == 0 && i < *n; i++) {
        struct depot_build_summary *row = &(*out)[i];
        struct store_build *b = depot_map_get(s->builds, row->id);
        if (b == NULL || b->reduced == NULL || b->over)
            continue;
        depot_build_derive(b->reduced);
        row->seq = b->seq;
        row->state = b->state;
        row->counts = b->reduced->counts;
    }
    return r;
}

bool store_seen_ref(struct store *s, const char *engine, const char *ref)
{
    return store_db_seen_ref(&s->db, engine, ref);
}
