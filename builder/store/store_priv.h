/*
 * What the files of the store share: a build's log file, its lines in memory, the SQLite index.
 * Not for the rest of the daemon, which sees store.h.
 */
#ifndef DEPOT_BUILDER_STORE_PRIV_H
#define DEPOT_BUILDER_STORE_PRIV_H

#include <depot/buf.h>
#include <depot/state.h>

#include <sqlite3.h>

#include "store.h"

enum {
    LOG_STRIDE = 32,                     /* lines between two entries of a log's offset index */
    LOG_CHUNK = 64 * 1024,               /* bytes read at once; grows for a longer line */
    LOG_READ_BYTES = 256 * 1024,         /* a read gives no more than this and one line */
    LOG_CACHE_BYTES = 512 * 1024,        /* recent lines of a running build kept in memory */
    LOG_PENDING_BYTES = 8 * 1024 * 1024, /* lines that a full disk may hold up */
};

/* One append-only file of lines; the line with seq N is the Nth. */
struct log_file {
    int fd;                      /* -1: closed */
    uint64_t size;               /* bytes of whole lines on disk */
    uint64_t lines;              /* lines known to the index */
    uint64_t indexed;            /* offset behind those */
    DEPOT_VEC(uint64_t) offsets; /* of the lines 1, 1 + LOG_STRIDE, ... */
    uint64_t hint_seq, hint_off; /* where the last read ended: the line after hint_seq */
};
int log_file_open(struct log_file *f, const char *path, int flags, struct depot_error *err);
void log_file_close(struct log_file *f);
void log_file_note(struct log_file *f, size_t n); /* a line of `n` bytes with its newline follows */
/* Cut what stands behind the last newline. */
int log_file_mend(struct log_file *f, struct depot_error *err);
/* Up to `max` lines after seq `after`, through `scratch`. Returns as store_read(). */
int log_file_read(struct log_file *f, struct depot_buf *scratch, uint64_t after, size_t max,
    store_read_fn *fn, void *arg, struct depot_error *err);

/* The newest lines of a running build; the last `pending` of them are not on disk yet. */
struct line_ring {
    struct store_line **items;
    size_t head, len, cap; /* power of two */
    size_t pending, pending_bytes;
    size_t bytes;
};
void line_ring_push(struct line_ring *r, struct store_line *line);
struct store_line *line_ring_at(const struct line_ring *r, size_t i);
void line_ring_trim(struct line_ring *r, size_t max_bytes); /* drops the oldest written ones */
void line_ring_release(struct line_ring *r);

struct store_build {
    char id[STORE_ID_MAX + 1];
    struct store *store;
    struct log_file log;
    struct line_ring ring;
    uint64_t seq;
    bool over, dirty, write_failed;
    uint64_t used; /* turn of last use, to close the files of finished builds */

    /* While it runs. */
    struct depot_build *reduced;
    enum depot_build_state state;
    depot_time created;
    struct depot_strv builders;
    struct depot_arena arena; /* of what the store put into its last event */
};

enum store_statement {
    STMT_INSERT,
    STMT_PROGRESS,
    STMT_FINISH,
    STMT_STEP,
    STMT_QUERY,
    STMT_HEAD,
    STMT_OPEN_BUILDS,
    STMT_REF,
    STMT_PAST_STEPS,
    STMT_PAST_BUILDS,
    STMT_USAGE,
    STMT_OLDEST,
    STMT_DELETE,
    STMT_DELETE_STEPS,
    STMT_FAILURE,
    STMT_DELETE_FAILURE,
    STMT_COUNT
};

struct store_db {
    sqlite3 *handle;
    sqlite3_stmt *stmts[STMT_COUNT];
};
int store_db_open(struct store_db *db, const char *path, struct depot_error *err);
void store_db_close(struct store_db *db);
int store_db_insert(struct store_db *db, const struct depot_event *ev,
    const struct store_line *line, struct depot_error *err);
void store_db_progress(struct store_db *db, const struct store_build *b);
void store_db_finish(
    struct store_db *db, const struct store_build *b, const struct depot_event *ev);
/* What is known of a build outside memory: false when nothing is. */
bool store_db_head(struct store_db *db, const char *id, uint64_t *seq, bool *over);
int store_db_query(struct store_db *db, const struct store_query *q, struct depot_arena *arena,
    struct depot_build_summary **out, size_t *n, struct depot_error *err);
bool store_db_seen_ref(struct store_db *db, const char *engine, const char *ref);
/* Ids of builds that are not over; the caller releases. */
void store_db_open_builds(struct store_db *db, struct depot_strv *ids);
/* The oldest finished build when there are too many, or their logs too big. */
bool store_db_surplus(struct store_db *db, char id[STORE_ID_MAX + 1]);
void store_db_delete(struct store_db *db, const char *id);

struct store {
    struct depot_loop *loop;
    char *dir;
    int lock_fd;
    struct store_db db;
    struct depot_map *builds; /* id -> store_build: running ones, and some finished */
    DEPOT_VEC(struct store_build *) dirty;
    bool flush_asked;
    struct depot_timer *retry;
    uint64_t clock; /* rises with each use of a finished build */
    size_t nclosed; /* finished builds in `builds` */
    struct depot_buf encode, scratch;
    store_append_fn *on_append;
    void *arg;
    unsigned char secret[32]; /* of fingerprints */
};
/* fingerprint.c: read the secret, or make one. */
void store_fingerprint_open(struct store *s);
/* recover.c: finish what a dead daemon left, and index logs that have no row. */
int store_recover(struct store *s, struct depot_error *err);
/* store.c, for recover.c: an open build for an existing log. */
int store_build_load(
    struct store *s, const char *id, struct store_build **out, struct depot_error *err);
void store_build_drop(struct store_build *b);
/* Which step failed, as the build's reduction has it; the strings are the build's. */
void store_fill_failed_step(struct store_build *b, struct depot_ev_finished *f);

#endif
