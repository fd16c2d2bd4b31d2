/*
 * What past builds tell of a project: how long its builds and each of their steps take. Reads the
 * index; remembers nothing.
 */
#include "store_priv.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAST_BUILDS = 50,     /* newest builds of the project that are looked at */
    PAST_STEPS = 20000,   /* steps of those, together */
    DISTINCT_STEPS = 4096 /* in an answer */
};

/* Durations of one step over builds. */
struct tally {
    struct depot_step_estimate step; /* strings in the arena */
    DEPOT_VEC(int64_t) runs;
    int64_t newest; /* when its newest run started */
};
struct tallies {
    struct depot_map *by_key;
    DEPOT_VEC(struct tally *) items;
    struct depot_arena *arena;
};

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static struct depot_spread spread_of(int64_t *runs, size_t n)
{
    if (n == 0)
        return (struct depot_spread){0};
    qsort(runs, n, sizeof(*runs), by_number);
    return (struct depot_spread){.p25_ms = runs[(n - 1) / 4],
        .median_ms = runs[(n - 1) / 2],
        .p75_ms = runs[(n - 1) * 3 / 4],
        .runs = (int)n};
}

/* By what stays the same when steps are added above it: not by its number. */
static struct tally *tally_of(struct tallies *t, sqlite3_stmt *st)
{
    const char *platform = (const char *)sqlite3_column_text(st, 0);
    const char *stage = (const char *)sqlite3_column_text(st, 1);
    const char *text = (const char *)sqlite3_column_text(st, 2);
    char *key = depot_asprintf("%s\n%s\n%s", platform, stage, text);
    struct tally *y = depot_map_get(t->by_key, key);

    if (y == NULL && t->items.len < DISTINCT_STEPS) {
        y = depot_calloc(1, sizeof(*y));
        y->step.platform = depot_arena_strdup(t->arena, platform);
        y->step.stage = depot_arena_strdup(t->arena, stage);
        y->step.text = depot_arena_strdup(t->arena, text);
        depot_map_set(t->by_key, key, y);
        depot_vec_push(&t->items, y);
    }
    depot_free(key);
    return y;
}

static void count_step(struct tallies *t, sqlite3_stmt *st)
{
    const char *outcome = (const char *)sqlite3_column_text(st, 4);
    int64_t started = sqlite3_column_int64(st, 6);
    struct tally *y = tally_of(t, st);

    if (y == NULL || outcome == NULL)
        return;
    if (started >= y->newest) {
        y->newest = started;
        y->step.ordinal = sqlite3_column_int(st, 3);
    }
    if (strcmp(outcome, depot_outcome_name(DEPOT_OUTCOME_RAN)) == 0)
        depot_vec_push(&y->runs, sqlite3_column_int64(st, 5));
    else if (strcmp(outcome, depot_outcome_name(DEPOT_OUTCOME_HIT)) == 0 ||
             strcmp(outcome, depot_outcome_name(DEPOT_OUTCOME_SKIPPED)) == 0)
        y->step.hits++;
}

static void give_steps(struct tallies *t, struct depot_estimates *out)
{
    out->steps = depot_arena_alloc(t->arena, (t->items.len + 1) * sizeof(*out->steps));
    out->nsteps = t->items.len;
    for (size_t i = 0; i < t->items.len; i++) {
        struct tally *y = t->items.items[i];
        out->steps[i] = y->step;
        out->steps[i].took = spread_of(y->runs.items, y->runs.len);
        depot_vec_free(&y->runs);
        depot_free(y);
    }
    depot_vec_free(&t->items);
}

static void done(sqlite3_stmt *st)
{
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

static struct depot_spread build_durations(struct store_db *db, const char *project)
{
    sqlite3_stmt *st = db->stmts[STMT_PAST_BUILDS];
    int64_t runs[PAST_BUILDS];
    size_t n = 0;

    sqlite3_bind_text(st, 1, project, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(st, 2, PAST_BUILDS);
    while (n < PAST_BUILDS && sqlite3_step(st) == SQLITE_ROW)
        runs[n++] = sqlite3_column_int64(st, 0);
    done(st);
    return spread_of(runs, n);
}

/* The project of a build that is known; the arena owns it. */
static int project_of(struct store *s, const char *build, struct depot_arena *arena,
    const char **project, struct depot_error *err)
{
    struct store_query q = {.id = build, .limit = 1};
    struct depot_build_summary *rows;
    size_t n = 0;
    int r = store_id_valid(build) ? store_query(s, &q, arena, &rows, &n, err) : 0;

    if (r != 0)
        return r;
    if (n == 0)
        return depot_error_set(err, DEPOT_ERR_NOT_FOUND, "there is no build %.64s", build);
    *project = rows[0].info.project != NULL ? rows[0].info.project : "";
    return 0;
}

int store_estimates(struct store *s, const char *build, const char *project,
    struct depot_response *out, struct depot_error *err)
{
    sqlite3_stmt *st = s->db.stmts[STMT_PAST_STEPS];
    struct tallies t = {.arena = &out->arena};
    struct depot_estimates *e = &out->u.estimates;
    int r = 0;

    *out = (struct depot_response){.ask = DEPOT_QUERY_ESTIMATES};
    e->project = depot_arena_strdup(&out->arena, project != NULL ? project : "");
    if (build != NULL) {
        e->build = depot_arena_strdup(&out->arena, build);
        r = project_of(s, build, &out->arena, &e->project, err);
    }
    if (r != 0) {
        depot_response_release(out);
        return r;
    }
    e->duration = build_durations(&s->db, e->project);
    t.by_key = depot_map_new();
    sqlite3_bind_text(st, 1, e->project, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(st, 2, PAST_BUILDS);
    sqlite3_bind_int(st, 3, PAST_STEPS);
    while (sqlite3_step(st) == SQLITE_ROW)
        count_step(&t, st);
    done(st);
    give_steps(&t, e);
    depot_map_free(t.by_key);
    return 0;
}
