/*
 * The build as a table: a row for each line of the Dockerfile, a column for each platform.
 */
#include "render/tty.h"

#include <string.h>

/* How far the slower platform must be behind before it is said, in steps. */
enum { BEHIND = 2 };

/* By the engine's clock; 0: not known. */
static depot_time engine_now(const struct dp_tty *t, const struct depot_part *part)
{
    int64_t ahead = part->index < t->engine_ahead.len ? t->engine_ahead.items[part->index] : 0;

    return ahead ? (depot_time)t->now + ahead : 0;
}

/* ---- rows ---- */

static void put_key(struct depot_buf *key, const struct depot_step *s)
{
    const struct depot_step_name *n = &s->parsed;

    depot_buf_addf(key, "%d|%s|%s|", (int)n->kind, n->target, n->stage);
    if (n->ordinal)
        depot_buf_addf(key, "%d/%d", n->ordinal, n->total);
    else
        depot_buf_adds(key, n->instruction);
}

static void take_step(struct dp_tty *t, const struct depot_step *s)
{
    struct depot_buf key = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct dp_tty_row *row;

    put_key(&key, s);
    row = depot_map_get(t->row_by_key, depot_buf_str(&key));
    if (row == NULL) {
        row = depot_calloc(1, sizeof(*row));
        row->kind = s->parsed.kind;
        depot_map_set(t->row_by_key, depot_buf_str(&key), row);
        depot_vec_push(&t->rows, row);
    }
    depot_vec_push(&row->steps, s);
    depot_buf_release(&key);
}

/* ---- columns ---- */

static const struct depot_part *part_of(const struct depot_build *b, const char *platform)
{
    for (size_t i = 0; i < b->parts.len; i++) {
        const char *at = b->parts.items[i]->platform;
        size_t n = strlen(platform);

        for (; *at; at += strcspn(at, ","), at += *at == ',')
            if (strcspn(at, ",") == n && memcmp(at, platform, n) == 0)
                return b->parts.items[i];
    }
    return NULL;
}

static bool has_column(const struct dp_tty *t, const char *platform)
{
    for (int i = 0; i < t->ncolumns; i++)
        if (strcmp(t->columns[i].platform, platform) == 0)
            return true;
    return false;
}

static void add_column(struct dp_tty *t, const char *platform)
{
    struct dp_tty_column *c;

    if (t->ncolumns > DP_TTY_COLUMNS_MAX || (*platform && has_column(t, platform)))
        return;
    if (t->ncolumns == DP_TTY_COLUMNS_MAX) {
        t->ncolumns++; /* too many */
        return;
    }
    c = &t->columns[t->ncolumns++];
    *c = (struct dp_tty_column){.platform = platform, .label = depot_text_platform(platform)};
    c->part = part_of(t->base.build, platform);
}

static void find_columns(struct dp_tty *t, int width)
{
    const struct depot_build *b = t->base.build;
    bool lanes;

    t->ncolumns = 0;
    for (size_t i = 0; i < b->info.nplatforms; i++)
        add_column(t, b->info.platforms[i]);
    for (size_t i = 0; i < b->parts.len && !b->info.nplatforms; i++)
        if (!b->parts.items[i]->several)
            add_column(t, b->parts.items[i]->platform);
    lanes = t->ncolumns == 0;
    for (size_t i = 0; i < b->lanes.len && lanes; i++)
        if (*b->lanes.items[i].platform)
            add_column(t, b->lanes.items[i].platform);
    t->flat = t->ncolumns > DP_TTY_COLUMNS_MAX || t->ncolumns * 10 + 16 > width;
    if (t->flat || !t->ncolumns) {
        t->ncolumns = 0;
        add_column(t, "");
    }
    if (!t->flat && t->ncolumns == 1 && b->parts.len == 1)
        t->columns[0].part = b->parts.items[0];
}

static void add_counts(struct depot_counts *to, const struct depot_counts *c)
{
    to->total += c->total;
    to->hit += c->hit;
    to->ran += c->ran;
    to->shared += c->shared;
    to->failed += c->failed;
    to->cancelled += c->cancelled;
    to->skipped += c->skipped;
}

/* Whether a column shows what belongs to `platform`. */
static bool covers(const struct dp_tty *t, const struct dp_tty_column *c, const char *platform)
{
    if (t->ncolumns == 1 || !*platform || strcmp(c->platform, platform) == 0)
        return true;
    return !has_column(t, platform);
}

static void count_columns(struct dp_tty *t)
{
    const struct depot_build *b = t->base.build;

    for (int i = 0; i < t->ncolumns; i++) {
        struct dp_tty_column *c = &t->columns[i];

        for (size_t k = 0; k < b->lanes.len; k++)
            if (covers(t, c, b->lanes.items[k].platform))
                add_counts(&c->counts, &b->lanes.items[k].counts);
        c->done = c->counts.hit + c->counts.ran + c->counts.shared + c->counts.failed +
                  c->counts.cancelled + c->counts.skipped;
    }
}

static bool is_over(const struct dp_tty_column *c)
{
    return c->part != NULL && depot_build_state_over(c->part->state);
}

/* The last one, when it is far behind or all others are through. */
static void find_slower(struct dp_tty *t)
{
    struct dp_tty_column *last = NULL;
    int others = 0, ahead = 0;

    for (int i = 0; i < t->ncolumns; i++)
        if (last == NULL || (is_over(last) && !is_over(&t->columns[i])) ||
            (is_over(last) == is_over(&t->columns[i]) && t->columns[i].done < last->done))
            last = &t->columns[i];
    if (last == NULL || is_over(last))
        return;
    for (int i = 0; i < t->ncolumns; i++) {
        const struct dp_tty_column *c = &t->columns[i];

        others += c != last;
        ahead += c != last && (is_over(c) || c->done >= last->done + BEHIND);
    }
    last->slower = others > 0 && ahead == others;
}

/* ---- states ---- */

/* Of several steps in one cell the one that matters most is shown. */
static const int weight[DEPOT_OUTCOME_COUNT] = {
    [DEPOT_OUTCOME_WAITING] = 1,
    [DEPOT_OUTCOME_UNREACHED] = 1,
    [DEPOT_OUTCOME_SKIPPED] = 2,
    [DEPOT_OUTCOME_HIT] = 3,
    [DEPOT_OUTCOME_SHARED] = 4,
    [DEPOT_OUTCOME_RAN] = 5,
    [DEPOT_OUTCOME_CANCELLED] = 6,
    [DEPOT_OUTCOME_RUNNING] = 7,
    [DEPOT_OUTCOME_FAILED] = 8,
};

struct dp_tty_state dp_tty_state_of(
    const struct dp_tty *t, const struct dp_tty_row *row, const struct dp_tty_column *col)
{
    struct dp_tty_state st = {.outcome = DEPOT_OUTCOME_WAITING};

    for (size_t i = 0; i < row->steps.len; i++) {
        const struct depot_step *s = row->steps.items[i];
        int64_t ns;

        if (!covers(t, col, s->platform) ||
            (st.step != NULL && weight[s->outcome] < weight[st.outcome]))
            continue;
        ns = depot_step_duration(s, engine_now(t, s->part));
        if (st.step != NULL && weight[s->outcome] == weight[st.outcome] && ns <= st.ns)
            continue;
        st = (struct dp_tty_state){.step = s, .outcome = s->outcome, .ns = ns};
    }
    return st;
}

static void look_at(struct dp_tty_row *row)
{
    row->running = row->failed = row->ran = row->hit = row->shown = false;
    row->lines = 0;
    for (size_t i = 0; i < row->steps.len; i++) {
        enum depot_outcome v = row->steps.items[i]->outcome;

        /* Another build's step has told its time to ours, which says that it was shared. */
        if (row->steps.items[i]->foreign && v == DEPOT_OUTCOME_RAN)
            continue;
        row->running = row->running || v == DEPOT_OUTCOME_RUNNING;
        row->failed = row->failed || v == DEPOT_OUTCOME_FAILED;
        row->ran = row->ran || v == DEPOT_OUTCOME_RAN || v == DEPOT_OUTCOME_CANCELLED ||
                   v == DEPOT_OUTCOME_SHARED;
        row->hit = row->hit || v == DEPOT_OUTCOME_HIT;
    }
}

void dp_tty_rows_update(struct dp_tty *t, int width)
{
    const struct depot_build *b = t->base.build;

    for (; t->nstarted < b->started.len; t->nstarted++)
        take_step(t, b->started.items[t->nstarted]);
    find_columns(t, width);
    count_columns(t);
    find_slower(t);
    for (size_t i = 0; i < t->rows.len; i++)
        look_at(t->rows.items[i]);
}
