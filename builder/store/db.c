/*
 * The SQLite index over build logs: builds, their steps' times, seen refs. Only what can be read
 * back from the logs stands here, so a failing index is logged and never fails a build.
 */
#include "store_priv.h"

#include <string.h>

#include <depot/log.h>
#include <depot/wire.h>

#define DEPOT_LOG_MODULE "store"

enum {
    DB_BUSY_MS = 2000,
    KEEP_BUILDS = 1000,
    QUERY_LIMIT = 100,
    QUERY_LIMIT_MAX = 10000,
};
static const int64_t keep_bytes = INT64_C(2) * 1024 * 1024 * 1024;

static const char schema[] =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;"
    "PRAGMA cache_size=-256;"
    "PRAGMA foreign_keys=OFF;"
    "CREATE TABLE IF NOT EXISTS builds("
    " id TEXT PRIMARY KEY, project TEXT NOT NULL, state TEXT NOT NULL, over INTEGER NOT NULL,"
    " created INTEGER NOT NULL, finished INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " duration_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, first TEXT NOT NULL,"
    " builders TEXT NOT NULL, total INTEGER NOT NULL, hit INTEGER NOT NULL, ran INTEGER NOT NULL,"
    " shared INTEGER NOT NULL, failed INTEGER NOT NULL, cancelled INTEGER NOT NULL,"
    " skipped INTEGER NOT NULL, message TEXT);"
    "CREATE INDEX IF NOT EXISTS builds_created ON builds(created);"
    "CREATE INDEX IF NOT EXISTS builds_open ON builds(over) WHERE over=0;"
    "CREATE TABLE IF NOT EXISTS steps("
    " project TEXT NOT NULL, platform TEXT NOT NULL, stage TEXT NOT NULL, text TEXT NOT NULL,"
    " verdict TEXT NOT NULL, duration_ms INTEGER NOT NULL, build TEXT NOT NULL,"
    " started INTEGER NOT NULL, ordinal INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX IF NOT EXISTS steps_build ON steps(build);"
    /* Beside the builds, so that an index of before is one still, also for the daemon that made it.
     */
    "CREATE TABLE IF NOT EXISTS failures("
    " build TEXT PRIMARY KEY, step TEXT NOT NULL, platform TEXT, exit_code INTEGER NOT NULL,"
    " file TEXT, line INTEGER NOT NULL) WITHOUT ROWID;"
    "DROP INDEX IF EXISTS steps_key;" /* of versions that read steps by name */
    "CREATE TABLE IF NOT EXISTS refs("
    " engine TEXT NOT NULL, ref TEXT NOT NULL, PRIMARY KEY(engine, ref)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS builds_project ON builds(project, created);"
    "PRAGMA user_version=2;";

/* Before the schema, for an index of a version before it; fails where there is nothing to do. */
static const char upgrade[] = "ALTER TABLE steps ADD COLUMN ordinal INTEGER NOT NULL DEFAULT 0;";

static const char *const statements[STMT_COUNT] = {
    [STMT_INSERT] = "INSERT OR REPLACE INTO builds VALUES(?1,?2,'created',0,?3,0,1,0,0,?4,'',"
                    "0,0,0,0,0,0,0,NULL)",
    [STMT_PROGRESS] = "UPDATE builds SET state=?2, builders=?3, seq=?4 WHERE id=?1",
    [STMT_FINISH] = "UPDATE builds SET state=?2, over=1, finished=?3, seq=?4, duration_ms=?5,"
                    " bytes=?6, builders=?7, total=?8, hit=?9, ran=?10, shared=?11, failed=?12,"
                    " cancelled=?13, skipped=?14, message=?15 WHERE id=?1",
    [STMT_STEP] = "INSERT INTO steps VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)",
    [STMT_QUERY] =
        "SELECT id, state, created, finished, seq, duration_ms, first, builders, total, hit, ran,"
        " shared, failed, cancelled, skipped, message, step, platform, exit_code, file, line"
        " FROM builds LEFT JOIN failures ON build=id"
        " WHERE (?1 IS NULL OR id=?1) AND (?2 IS NULL OR project=?2)"
        " AND (?3 IS NULL OR state=?3 OR (?3='active' AND over=0))"
        " AND (?5 IS NULL OR substr(id,1,length(?5))=?5)"
        " AND (?6 IS NULL OR CASE WHEN json_valid(first) THEN json_extract(first,'$.user') END=?6)"
        " ORDER BY created DESC, builds.rowid DESC LIMIT ?4",
    [STMT_HEAD] = "SELECT seq, over FROM builds WHERE id=?1",
    [STMT_OPEN_BUILDS] = "SELECT id FROM builds WHERE over=0",
    [STMT_REF] = "INSERT OR IGNORE INTO refs VALUES(?1,?2)",
    [STMT_PAST_STEPS] =
        "SELECT s.platform, s.stage, s.text, s.ordinal, s.verdict, s.duration_ms, s.started FROM"
        " (SELECT id FROM builds WHERE project=?1 AND over=1 AND total>0"
        " ORDER BY created DESC LIMIT ?2) b"
        " CROSS JOIN steps s ON s.build=b.id LIMIT ?3",
    /* A question to the frontend has no step of its own, and says nothing of how long builds take.
     */
    [STMT_PAST_BUILDS] = "SELECT duration_ms FROM builds WHERE project=?1 AND state='succeeded'"
                         " AND total>0 ORDER BY created DESC LIMIT ?2",
    [STMT_USAGE] = "SELECT count(*), coalesce(sum(bytes), 0) FROM builds",
    [STMT_OLDEST] = "SELECT id FROM builds WHERE over=1 ORDER BY created, rowid LIMIT 1",
    [STMT_DELETE] = "DELETE FROM builds WHERE id=?1",
    [STMT_DELETE_STEPS] = "DELETE FROM steps WHERE build=?1",
    [STMT_FAILURE] = "INSERT INTO failures VALUES(?1,?2,?3,?4,?5,?6)",
    [STMT_DELETE_FAILURE] = "DELETE FROM failures WHERE build=?1",
};

/* NULL where it is. */
static void bind_text(sqlite3_stmt *st, int i, const char *s)
{
    sqlite3_bind_text(st, i, s, -1, SQLITE_TRANSIENT);
}

/* Run a statement that gives no rows, and make it ready for the next time. */
static int run(struct store_db *db, sqlite3_stmt *st)
{
    int r = sqlite3_step(st);

    if (r != SQLITE_DONE && r != SQLITE_ROW)
        depot_log_error("the index of builds: %s", sqlite3_errmsg(db->handle));
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    return r == SQLITE_DONE || r == SQLITE_ROW ? 0 : DEPOT_ERR_IO;
}

static void done(sqlite3_stmt *st)
{
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

int store_db_open(struct store_db *db, const char *path, struct depot_error *err)
{
    int r = sqlite3_open_v2(
        path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

    if (r == SQLITE_OK) {
        sqlite3_busy_timeout(db->handle, DB_BUSY_MS);
        (void)sqlite3_exec(db->handle, upgrade, NULL, NULL, NULL);
        r = sqlite3_exec(db->handle, schema, NULL, NULL, NULL);
    }
    for (int i = 0; r == SQLITE_OK && i < STMT_COUNT; i++)
        r = sqlite3_prepare_v3(
            db->handle, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &db->stmts[i], NULL);
    if (r != SQLITE_OK) {
        int code = r == SQLITE_NOTADB || r == SQLITE_CORRUPT ? DEPOT_ERR_INVALID : DEPOT_ERR_IO;
        depot_error_set(err, code, "%s: %s", path,
            db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(r));
        depot_error_hint(err, "it is only an index: remove it, and it is made again from the logs");
        store_db_close(db);
        return code;
    }
    return 0;
}

void store_db_close(struct store_db *db)
{
    for (int i = 0; i < STMT_COUNT; i++)
        sqlite3_finalize(db->stmts[i]);
    sqlite3_close(db->handle);
    *db = (struct store_db){0};
}

static int begin(struct store_db *db)
{
    return sqlite3_exec(db->handle, "BEGIN", NULL, NULL, NULL) == SQLITE_OK ? 0 : DEPOT_ERR_IO;
}

static void end(struct store_db *db)
{
    if (sqlite3_exec(db->handle, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        depot_log_error("the index of builds: %s", sqlite3_errmsg(db->handle));
}

int store_db_insert(struct store_db *db, const struct depot_event *ev,
    const struct store_line *line, struct depot_error *err)
{
    sqlite3_stmt *st = db->stmts[STMT_INSERT];

    bind_text(st, 1, ev->build);
    bind_text(st, 2, ev->u.created.project != NULL ? ev->u.created.project : "");
    sqlite3_bind_int64(st, 3, ev->time);
    sqlite3_bind_text(st, 4, line->data, (int)line->len, SQLITE_STATIC);
    if (run(db, st) != 0)
        return depot_error_set(
            err, DEPOT_ERR_IO, "cannot index the build: %s", sqlite3_errmsg(db->handle));
    return 0;
}

static void bind_builders(sqlite3_stmt *st, int i, const struct depot_strv *builders)
{
    char *joined = depot_strv_join(builders, "\n");

    bind_text(st, i, joined != NULL ? joined : "");
    depot_free(joined);
}

void store_db_progress(struct store_db *db, const struct store_build *b)
{
    sqlite3_stmt *st = db->stmts[STMT_PROGRESS];

    bind_text(st, 1, b->id);
    bind_text(st, 2, depot_build_state_name(b->state));
    bind_builders(st, 3, &b->builders);
    sqlite3_bind_int64(st, 4, (int64_t)b->seq);
    (void)run(db, st);
}

static void insert_step(
    struct store_db *db, const struct store_build *b, const struct depot_step *s, depot_time now)
{
    sqlite3_stmt *st = db->stmts[STMT_STEP];
    const char *project = b->reduced->has_info ? b->reduced->info.project : NULL;

    if (s->parsed.kind == DEPOT_STEP_INTERNAL || !depot_step_is_started(s))
        return;
    bind_text(st, 1, project != NULL ? project : "");
    bind_text(st, 2, s->platform != NULL ? s->platform : "");
    bind_text(st, 3, s->parsed.stage != NULL ? s->parsed.stage : "");
    bind_text(st, 4, s->parsed.instruction != NULL ? s->parsed.instruction : s->name);
    bind_text(st, 5, depot_outcome_name(s->outcome));
    sqlite3_bind_int64(st, 6, depot_step_duration(s, now) / DEPOT_MSEC);
    bind_text(st, 7, b->id);
    sqlite3_bind_int64(st, 8, s->started);
    sqlite3_bind_int(st, 9, s->parsed.ordinal);
    (void)run(db, st);
}

static void insert_failure(
    struct store_db *db, const char *build, const struct depot_failed_step *f)
{
    sqlite3_stmt *st = db->stmts[STMT_FAILURE];

    bind_text(st, 1, build);
    bind_text(st, 2, f->name);
    bind_text(st, 3, f->platform);
    sqlite3_bind_int64(st, 4, f->exit_code);
    bind_text(st, 5, f->file);
    sqlite3_bind_int64(st, 6, f->line);
    (void)run(db, st);
}

static void delete_parts(struct store_db *db, const char *build)
{
    static const enum store_statement parts[] = {STMT_DELETE_STEPS, STMT_DELETE_FAILURE};

    for (size_t i = 0; i < DEPOT_ARRAY_LEN(parts); i++) {
        bind_text(db->stmts[parts[i]], 1, build);
        (void)run(db, db->stmts[parts[i]]);
    }
}

void store_db_finish(struct store_db *db, const struct store_build *b, const struct depot_event *ev)
{
    sqlite3_stmt *st = db->stmts[STMT_FINISH];
    const struct depot_ev_finished *f = &ev->u.finished;
    const int counts[] = {f->counts.total, f->counts.hit, f->counts.ran, f->counts.shared,
        f->counts.failed, f->counts.cancelled, f->counts.skipped};

    if (begin(db) != 0)
        depot_log_error("the index of builds: %s", sqlite3_errmsg(db->handle));
    bind_text(st, 1, b->id);
    bind_text(st, 2, depot_build_state_name(f->state));
    sqlite3_bind_int64(st, 3, ev->time);
    sqlite3_bind_int64(st, 4, (int64_t)b->seq);
    sqlite3_bind_int64(st, 5, f->duration_ms);
    sqlite3_bind_int64(st, 6, (int64_t)b->log.indexed);
    bind_builders(st, 7, &b->builders);
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(counts); i++)
        sqlite3_bind_int(st, 8 + (int)i, counts[i]);
    bind_text(st, 15, f->message);
    (void)run(db, st);
    delete_parts(db, b->id);
    if (f->failed_step.name != NULL)
        insert_failure(db, b->id, &f->failed_step);
    for (size_t i = 0; i < b->reduced->steps.len; i++)
        insert_step(db, b, b->reduced->steps.items[i], ev->time);
    end(db);
}

bool store_db_head(struct store_db *db, const char *id, uint64_t *seq, bool *over)
{
    sqlite3_stmt *st = db->stmts[STMT_HEAD];
    bool found;

    bind_text(st, 1, id);
    found = sqlite3_step(st) == SQLITE_ROW;
    if (found) {
        *seq = (uint64_t)sqlite3_column_int64(st, 0);
        *over = sqlite3_column_int(st, 1) != 0;
    }
    done(st);
    return found;
}

/* ---- queries ---- */

static const char *column(struct depot_arena *a, sqlite3_stmt *st, int i)
{
    return depot_arena_strdup(a, (const char *)sqlite3_column_text(st, i));
}

static void split_builders(struct depot_arena *a, sqlite3_stmt *st, struct depot_build_summary *s)
{
    const char *joined = (const char *)sqlite3_column_text(st, 7);
    struct depot_strv v = {0};

    if (joined != NULL)
        depot_strv_split(&v, joined, '\n');
    s->builders = depot_arena_alloc(a, (v.len + 1) * sizeof(*s->builders));
    for (s->nbuilders = 0; s->nbuilders < v.len; s->nbuilders++)
        s->builders[s->nbuilders] = depot_arena_strdup(a, v.items[s->nbuilders]);
    depot_strv_release(&v);
}

static void read_row(struct depot_arena *a, sqlite3_stmt *st, struct depot_build_summary *s)
{
    struct depot_event ev;
    const char *line = (const char *)sqlite3_column_text(st, 6);
    int state = depot_build_state_from_name((const char *)sqlite3_column_text(st, 1));

    *s = (struct depot_build_summary){0};
    s->id = column(a, st, 0);
    s->state = state < 0 ? DEPOT_BUILD_FAILED : (enum depot_build_state)state;
    s->created = sqlite3_column_int64(st, 2);
    s->finished = sqlite3_column_int64(st, 3);
    s->seq = (uint64_t)sqlite3_column_int64(st, 4);
    s->duration_ms = sqlite3_column_int64(st, 5);
    if (line != NULL &&
        depot_wire_decode(line, (size_t)sqlite3_column_bytes(st, 6), &ev, NULL) == 0) {
        if (ev.type == DEPOT_EVENT_BUILD_CREATED)
            depot_record_copy(&depot_record_created, &s->info, &ev.u.created, a);
        depot_event_release(&ev);
    }
    split_builders(a, st, s);
    s->counts = (struct depot_counts){.total = sqlite3_column_int(st, 8),
        .hit = sqlite3_column_int(st, 9),
        .ran = sqlite3_column_int(st, 10),
        .shared = sqlite3_column_int(st, 11),
        .failed = sqlite3_column_int(st, 12),
        .cancelled = sqlite3_column_int(st, 13),
        .skipped = sqlite3_column_int(st, 14)};
    s->message = column(a, st, 15);
    s->failed_step = (struct depot_failed_step){.name = column(a, st, 16),
        .platform = column(a, st, 17),
        .exit_code = sqlite3_column_int64(st, 18),
        .file = column(a, st, 19),
        .line = sqlite3_column_int64(st, 20)};
}

int store_db_query(struct store_db *db, const struct store_query *q, struct depot_arena *arena,
    struct depot_build_summary **out, size_t *n, struct depot_error *err)
{
    sqlite3_stmt *st = db->stmts[STMT_QUERY];
    size_t limit = q->limit == 0 ? QUERY_LIMIT : q->limit;
    DEPOT_VEC(struct depot_build_summary) rows = {0};
    int r;

    if (q->id != NULL)
        bind_text(st, 1, q->id);
    if (q->project != NULL)
        bind_text(st, 2, q->project);
    if (q->state != NULL)
        bind_text(st, 3, q->state);
    if (q->begins != NULL)
        bind_text(st, 5, q->begins);
    if (q->user != NULL)
        bind_text(st, 6, q->user);
    sqlite3_bind_int64(st, 4, (int64_t)(limit > QUERY_LIMIT_MAX ? QUERY_LIMIT_MAX : limit));
    while ((r = sqlite3_step(st)) == SQLITE_ROW) {
        struct depot_build_summary s;
        read_row(arena, st, &s);
        depot_vec_push(&rows, s);
    }
    done(st);
    if (r != SQLITE_DONE) {
        depot_vec_free(&rows);
        return depot_error_set(
            err, DEPOT_ERR_IO, "the index of builds: %s", sqlite3_errmsg(db->handle));
    }
    *out = rows.len ? depot_arena_alloc(arena, rows.len * sizeof(**out)) : NULL;
    if (rows.len)
        memcpy(*out, rows.items, rows.len * sizeof(**out));
    *n = rows.len;
    depot_vec_free(&rows);
    return 0;
}

bool store_db_seen_ref(struct store_db *db, const char *engine, const char *ref)
{
    sqlite3_stmt *st = db->stmts[STMT_REF];

    bind_text(st, 1, engine);
    bind_text(st, 2, ref);
    return run(db, st) == 0 && sqlite3_changes(db->handle) == 0;
}

void store_db_open_builds(struct store_db *db, struct depot_strv *ids)
{
    sqlite3_stmt *st = db->stmts[STMT_OPEN_BUILDS];

    while (sqlite3_step(st) == SQLITE_ROW)
        depot_strv_push(ids, (const char *)sqlite3_column_text(st, 0));
    done(st);
}

bool store_db_surplus(struct store_db *db, char id[STORE_ID_MAX + 1])
{
    sqlite3_stmt *st = db->stmts[STMT_USAGE];
    int64_t count = 0, bytes = 0;
    bool found = false;

    if (sqlite3_step(st) == SQLITE_ROW) {
        count = sqlite3_column_int64(st, 0);
        bytes = sqlite3_column_int64(st, 1);
    }
    done(st);
    if (count <= KEEP_BUILDS && bytes <= keep_bytes)
        return false;
    st = db->stmts[STMT_OLDEST];
    if (sqlite3_step(st) == SQLITE_ROW) {
        const char *oldest = (const char *)sqlite3_column_text(st, 0);
        found = oldest != NULL && store_id_valid(oldest);
        if (found)
            memcpy(id, oldest, strlen(oldest) + 1);
    }
    done(st);
    return found;
}

void store_db_delete(struct store_db *db, const char *id)
{
    bind_text(db->stmts[STMT_DELETE], 1, id);
    (void)run(db, db->stmts[STMT_DELETE]);
    delete_parts(db, id);
}
