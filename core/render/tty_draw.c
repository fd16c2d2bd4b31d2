/*
 * One frame of the live display: what is worth a line, where it stands.
 *
 *     » amd64       » arm64 slower  hello  12s
 *     ━━━━━━── 7/9  ━━━━──── 4/9    3 hit  6 ran  1 warning
 *     = 2           = 1             cached  base 2/2
 *     ✓ 4.1s        » 11s           words 1/1    RUN make words
 *             arm64 │ cc -c fox.c
 *
 * Time stands at the left, so that it is never cut and lines stay short.
 */
#include "render/tty.h"

#include <assert.h>
#include <string.h>

enum {
    LOGS_ALONE = 6, /* lines of the only running step */
    LOGS_OF_TWO = 4,
    LOGS_OF_MORE = 3,
    ERROR_LINES = 3,
    LABEL_MAX = 16,
    LABEL_MAX_NARROW = 10,
    NARROW = 64,
};

/* Internal steps that end sooner are not worth a line that comes and goes. */
#define INTERNAL_AFTER (700 * DEPOT_MSEC)
#define TENTHS_BELOW   (10 * DEPOT_SEC) /* of what runs; below this its tenths change too */

struct frame {
    struct dp_tty *t;
    int width;  /* columns that may be used */
    int height; /* lines that may be used */
    int cell;   /* columns of a platform, with the gap behind it */
    int text;   /* where the text of a row begins */
    int label;  /* columns of "stage 2/9" */
    int spare;  /* lines not given away yet */
    int nrunning, nfailed, nfinished, nhits;
    struct depot_buf tmp;
};

static const char *tmp_start(struct frame *f)
{
    depot_buf_clear(&f->tmp);
    return "";
}

/* ---- time ---- */

/* Remember when a number that counts up changes next. */
static void note_change(struct frame *f, int64_t ns)
{
    int64_t unit = ns < TENTHS_BELOW ? 100 * DEPOT_MSEC : DEPOT_SEC;
    int64_t left = ns < 0 ? -ns : unit - ns % unit;

    if (left < f->t->changes)
        f->t->changes = left;
}

static void put_elapsed(struct frame *f, int64_t ns, bool runs)
{
    dp_put_duration(&f->tmp, ns, !runs || ns < TENTHS_BELOW);
    if (runs)
        note_change(f, ns);
}

/* ---- pieces ---- */

static void put_meter(struct frame *f, struct dp_tty_line *l, int columns, int64_t n, int64_t of)
{
    dp_tty_put_meter(l, columns, of > 0 ? (double)n / (double)of : 0, f->width);
}

static void put_count(struct frame *f, struct dp_tty_line *l, int n, const char *word,
    enum depot_style style, bool plural)
{
    if (!n)
        return;
    tmp_start(f);
    depot_buf_addf(
        &f->tmp, "%s%d %s%s", l->len > f->text ? "  " : "", n, word, plural && n != 1 ? "s" : "");
    if (l->len + (int)f->tmp.len <= f->width)
        dp_tty_put(l, style, f->tmp.data, f->width);
}

/* ---- header ---- */

static void put_column_head(
    struct frame *f, struct dp_tty_line *l, struct dp_tty_column *c, int end)
{
    const struct depot_part *p = c->part;
    enum depot_build_state state = p != NULL ? p->state : f->t->base.build->state;
    const char *more = "";

    dp_tty_put_sign(l, depot_state_style(state), depot_state_sign(state), end);
    dp_tty_put(l, DEPOT_STYLE_TEXT, " ", end);
    if (!*c->platform && f->t->flat) {
        tmp_start(f);
        depot_buf_addf(&f->tmp, "%zu platforms", f->t->base.build->info.nplatforms);
        dp_tty_put(
            l, DEPOT_STYLE_STRONG, l->len + (int)f->tmp.len <= end ? f->tmp.data : "all", end);
        return;
    }
    dp_tty_put(l, DEPOT_STYLE_STRONG, *c->label ? c->label : "build", end);
    if (p != NULL && state == DEPOT_BUILD_QUEUED)
        more = " queued";
    else if (c->slower)
        more = " slower";
    else if (p != NULL && depot_part_emulates(p, c->platform) && !depot_build_state_over(state))
        more = " emulated";
    if (l->len + (int)strlen(more) <= end)
        dp_tty_put(l, c->slower ? DEPOT_STYLE_WARN : DEPOT_STYLE_DIM, more, end);
    else if (c->slower && l->len + 2 <= end)
        dp_tty_put(l, DEPOT_STYLE_WARN, " <", end);
}

static void put_title(struct frame *f, struct dp_tty_line *l)
{
    const struct depot_build *b = f->t->base.build;
    bool runs = !depot_build_state_over(b->state);
    const char *name = b->info.project;

    if (!depot_str_empty(name)) {
        dp_tty_put_cut(l, DEPOT_STYLE_STRONG, name, f->width - 8);
        dp_tty_put(l, DEPOT_STYLE_TEXT, "  ", f->width);
    }
    tmp_start(f);
    put_elapsed(f, (int64_t)(f->t->now - f->t->started), runs);
    dp_tty_put(l, DEPOT_STYLE_STRONG, depot_buf_str(&f->tmp), f->width);
    if (*b->id && l->len + 2 + (int)strlen(b->id) <= f->width) {
        dp_tty_put(l, DEPOT_STYLE_TEXT, "  ", f->width);
        dp_tty_put(l, DEPOT_STYLE_DIM, b->id, f->width);
    }
}

static void draw_meters(struct frame *f, struct dp_tty_line *l)
{
    for (int i = 0; i < f->t->ncolumns; i++) {
        const struct dp_tty_column *c = &f->t->columns[i];
        int start = i * f->cell, room;

        tmp_start(f);
        depot_buf_addf(&f->tmp, "%d/%d", c->done, c->counts.total);
        dp_tty_pad(l, start);
        room = f->cell - 3 - (int)f->tmp.len;
        if (room >= 4) {
            put_meter(f, l, room, c->done, c->counts.total);
            dp_tty_put(l, DEPOT_STYLE_TEXT, " ", f->width);
        } else {
            dp_tty_pad(l, start + 2);
        }
        dp_tty_put(l, DEPOT_STYLE_TEXT, depot_buf_str(&f->tmp), start + f->cell - 1);
    }
}

static void draw_counts(struct frame *f, struct dp_tty_line *l)
{
    const struct depot_build *b = f->t->base.build;
    const struct depot_counts *c = &b->counts;

    dp_tty_pad(l, f->text);
    put_count(f, l, c->hit, "hit", DEPOT_STYLE_HIT, false);
    put_count(f, l, c->ran, "ran", DEPOT_STYLE_RAN, false);
    put_count(f, l, c->shared, "shared", DEPOT_STYLE_SHARED, false);
    put_count(f, l, c->failed, "failed", DEPOT_STYLE_FAIL, false);
    put_count(f, l, (int)b->warnings.len, "warning", DEPOT_STYLE_WARN, true);
}

static void draw_header(struct frame *f)
{
    struct dp_tty_line *l = dp_tty_screen_line(&f->t->screen);

    for (int i = 0; i < f->t->ncolumns; i++) {
        dp_tty_pad(l, i * f->cell);
        put_column_head(f, l, &f->t->columns[i], (i + 1) * f->cell - (f->cell > 10 ? 2 : 1));
    }
    dp_tty_pad(l, f->text);
    put_title(f, l);
    f->spare--;
    if (f->spare < 2 || !f->t->base.build->counts.total)
        return;
    l = dp_tty_screen_line(&f->t->screen);
    draw_meters(f, l);
    draw_counts(f, l);
    f->spare--;
}

/* ---- rows ---- */

static void put_label(struct frame *f, const struct depot_step *s)
{
    const struct depot_step_name *n = &s->parsed;

    tmp_start(f);
    if (n->kind == DEPOT_STEP_EXPORT)
        depot_buf_adds(&f->tmp, "export");
    else if (n->kind == DEPOT_STEP_INTERNAL)
        depot_buf_adds(&f->tmp, "internal");
    else
        depot_clean_string(&f->tmp, n->stage);
    if (n->ordinal)
        depot_buf_addf(&f->tmp, "%s%d/%d", f->tmp.len ? " " : "", n->ordinal, n->total);
}

/* An instruction on one line, runs of blanks made one. */
static void put_instruction(struct frame *f, const struct depot_step *s)
{
    enum { LOOKED_AT = 2 * DP_TTY_WIDTH_MAX };
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_buf cleaned = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    const char *from = s->parsed.instruction;

    depot_buf_add(&text, from, strnlen(from, LOOKED_AT));
    depot_clean_string(&cleaned, depot_buf_str(&text));
    tmp_start(f);
    for (const char *p = depot_buf_str(&cleaned); *p; p++) {
        bool space = *p == ' ' || *p == '\t';

        if (!space || (f->tmp.len && f->tmp.data[f->tmp.len - 1] != ' '))
            depot_buf_addc(&f->tmp, space ? ' ' : *p);
    }
    depot_buf_release(&text);
    depot_buf_release(&cleaned);
}

static void put_cell(struct frame *f, struct dp_tty_line *l, const struct dp_tty_row *row, int i)
{
    struct dp_tty_state st = dp_tty_state_of(f->t, row, &f->t->columns[i]);
    bool runs = st.outcome == DEPOT_OUTCOME_RUNNING;
    enum depot_style style = depot_outcome_style(st.outcome);
    int end = (i + 1) * f->cell - 1;

    dp_tty_pad(l, i * f->cell);
    if (st.step == NULL)
        return;
    dp_tty_put_sign(l, style, depot_outcome_sign(st.outcome), end);
    tmp_start(f);
    depot_buf_addc(&f->tmp, ' ');
    if (st.outcome == DEPOT_OUTCOME_HIT || st.outcome == DEPOT_OUTCOME_SKIPPED)
        depot_buf_adds(&f->tmp, "cached");
    else if (st.outcome == DEPOT_OUTCOME_SHARED)
        depot_buf_adds(&f->tmp, "shared");
    else
        put_elapsed(f, st.ns, runs);
    dp_tty_put(l, runs ? DEPOT_STYLE_TEXT : DEPOT_STYLE_DIM, f->tmp.data, end);
}

static void draw_row(struct frame *f, const struct dp_tty_row *row)
{
    struct dp_tty_line *l = dp_tty_screen_line(&f->t->screen);
    enum depot_style style = row->failed    ? DEPOT_STYLE_STRONG
                             : row->running ? DEPOT_STYLE_TEXT
                                            : DEPOT_STYLE_DIM;

    if (l == NULL)
        return;
    for (int i = 0; i < f->t->ncolumns; i++)
        put_cell(f, l, row, i);
    dp_tty_pad(l, f->text);
    put_label(f, row->steps.items[0]);
    if (f->tmp.len)
        dp_tty_put_cut(l, style, depot_buf_str(&f->tmp), f->text + f->label - 1);
    if (f->width >= NARROW)
        dp_tty_pad(l, f->text + f->label);
    else if (l->len > f->text)
        dp_tty_put(l, style, " ", f->width);
    put_instruction(f, row->steps.items[0]);
    dp_tty_put_cut(l, style, depot_buf_str(&f->tmp), f->width);
}

/* ---- below a row: what moves, and the end of its log ---- */

struct moved {
    int64_t current, total;
    depot_time since, last;
    const struct depot_transfer *open; /* the newest one that is not done */
};

static void sum_transfers(struct moved *m, const struct depot_step *s)
{
    *m = (struct moved){0};
    for (size_t i = 0; i < s->transfers.len; i++) {
        const struct depot_transfer *x = s->transfers.items[i];

        if (!x->completed)
            m->open = x;
        if (x->current < 0 || x->total < 0 || x->current > INT64_MAX / 1024 ||
            x->total > INT64_MAX / 1024)
            continue;
        m->current += x->current;
        m->total += x->total > x->current ? x->total : x->current;
        if (x->started && (!m->since || x->started < m->since))
            m->since = x->started;
        if (x->timestamp > m->last)
            m->last = x->timestamp;
    }
}

static bool has_transfer(const struct depot_step *s)
{
    for (size_t i = 0; i < s->transfers.len; i++)
        if (!s->transfers.items[i]->completed)
            return true;
    return false;
}

static void put_gutter(
    struct frame *f, struct dp_tty_line *l, const struct depot_step *s, bool first)
{
    const char *label = depot_text_platform(s->platform);
    /* Where there is little room the text begins at the left. */
    int at = f->width < NARROW ? (int)strlen(label) : f->text - 3;

    if (f->t->ncolumns == 1 && !f->t->flat) {
        label = "";
        at = f->width < NARROW ? 1 : at;
    }
    dp_tty_pad(l, at - (int)strlen(label));
    if (first)
        dp_tty_put(l, DEPOT_STYLE_DIM, label, at);
    dp_tty_pad(l, at + 1);
    dp_tty_put_sign(l, DEPOT_STYLE_FAINT, DEPOT_SIGN_VLINE, f->width);
    dp_tty_put(l, DEPOT_STYLE_FAINT, " ", f->width);
}

static void draw_transfer(struct frame *f, const struct depot_step *s)
{
    struct dp_tty_line *l = dp_tty_screen_line(&f->t->screen);
    char rate[DEPOT_TEXT_MAX];
    struct moved m;
    int64_t ns;

    if (l == NULL)
        return;
    sum_transfers(&m, s);
    put_gutter(f, l, s, true);
    if (m.total > m.current && f->width - l->len > 40) {
        put_meter(f, l, 16, m.current, m.total);
        dp_tty_put(l, DEPOT_STYLE_TEXT, "  ", f->width);
    }
    tmp_start(f);
    if (m.current || m.total) {
        dp_put_size(&f->tmp, m.current);
        if (m.total > m.current) {
            depot_buf_adds(&f->tmp, " of ");
            dp_put_size(&f->tmp, m.total);
        }
        ns = depot_time_between(m.since, m.last);
        if (m.since && ns > 100 * DEPOT_MSEC && m.current > 0) {
            depot_buf_adds(&f->tmp, "  ");
            depot_buf_adds(
                &f->tmp, depot_text_rate(rate, (double)m.current / ((double)ns / DEPOT_SEC)));
        }
        depot_buf_adds(&f->tmp, "  ");
    }
    dp_tty_put(l, DEPOT_STYLE_TEXT, depot_buf_str(&f->tmp), f->width);
    /* Layers are named by digest, which tells nobody anything. */
    if (m.open != NULL && !depot_str_starts(m.open->id, "sha256:")) {
        tmp_start(f);
        depot_clean_string(&f->tmp, m.open->id);
        if (f->tmp.len && f->tmp.data[f->tmp.len - 1] == ':')
            depot_buf_truncate(&f->tmp, f->tmp.len - 1);
        dp_tty_put_cut(l, DEPOT_STYLE_DIM, depot_buf_str(&f->tmp), f->width);
    }
}

static void draw_log(struct frame *f, const struct depot_step *s, int lines, bool first)
{
    if (lines > (int)s->tail_len)
        lines = (int)s->tail_len;
    for (int i = lines; i > 0; i--) {
        size_t at = (s->tail_next + 2 * DEPOT_STEP_TAIL_LINES - (size_t)i) % DEPOT_STEP_TAIL_LINES;
        struct dp_tty_line *l = dp_tty_screen_line(&f->t->screen);

        if (l == NULL)
            return;
        put_gutter(f, l, s, first);
        first = false;
        tmp_start(f);
        depot_text_log_line(&f->tmp, s->tail[at].text, s->tail[at].len);
        dp_tty_put_cut(l, DEPOT_STYLE_DIM, depot_buf_str(&f->tmp), f->width);
    }
}

static bool wants_lines(const struct dp_tty_row *row, const struct depot_step *s)
{
    return row->failed ? s->outcome == DEPOT_OUTCOME_FAILED : s->outcome == DEPOT_OUTCOME_RUNNING;
}

static int lines_of(const struct depot_step *s)
{
    return (int)s->tail_len + has_transfer(s);
}

/* How many lines a row could fill below it, if `most` were given to each of its steps. */
static int wanted(const struct dp_tty_row *row, int most)
{
    int n = 0;

    for (size_t i = 0; i < row->steps.len; i++) {
        const struct depot_step *s = row->steps.items[i];

        if (wants_lines(row, s))
            n += lines_of(s) < most ? lines_of(s) : most;
    }
    return n;
}

static void draw_step_lines(struct frame *f, const struct depot_step *s, int n)
{
    bool transfer = has_transfer(s);

    if (transfer)
        draw_transfer(f, s);
    draw_log(f, s, n - transfer, !transfer);
}

static int column_of(const struct frame *f, const struct depot_step *s)
{
    for (int i = 0; i < f->t->ncolumns; i++)
        if (strcmp(f->t->columns[i].platform, s->platform) == 0)
            return i;
    return 0;
}

/* The row's lines in even shares to its steps, in the order of the columns. */
static void draw_below(struct frame *f, const struct dp_tty_row *row)
{
    int left = row->lines, steps = 0;

    for (size_t i = 0; i < row->steps.len; i++)
        steps += wants_lines(row, row->steps.items[i]) && lines_of(row->steps.items[i]) > 0;
    for (int c = 0; c < f->t->ncolumns; c++) {
        for (size_t i = 0; i < row->steps.len && left > 0; i++) {
            const struct depot_step *s = row->steps.items[i];
            int n;

            if (!wants_lines(row, s) || !lines_of(s) || column_of(f, s) != c)
                continue;
            assert(steps > 0); /* counted above, and each has one column */
            n = (left + steps - 1) / steps;
            steps--;
            if (n > lines_of(s))
                n = lines_of(s);
            left -= n;
            draw_step_lines(f, s, n);
        }
    }
}

/* ---- which rows ---- */

static bool is_worth(const struct frame *f, const struct dp_tty_row *row)
{
    if (row->kind != DEPOT_STEP_INTERNAL)
        return true;
    for (int i = 0; i < f->t->ncolumns; i++)
        if (dp_tty_state_of(f->t, row, &f->t->columns[i]).ns > INTERNAL_AFTER)
            return true;
    return false;
}

static void count_rows(struct frame *f)
{
    for (size_t i = 0; i < f->t->rows.len; i++) {
        struct dp_tty_row *row = f->t->rows.items[i];

        if (row->running && !row->failed && !is_worth(f, row)) {
            row->running = false;
            if (INTERNAL_AFTER < f->t->changes)
                f->t->changes = INTERNAL_AFTER;
        }
        f->nfailed += row->failed;
        f->nrunning += row->running && !row->failed;
        f->nfinished +=
            row->ran && !row->running && !row->failed && row->kind != DEPOT_STEP_INTERNAL;
        f->nhits += row->hit && !row->running && !row->failed && !row->ran;
    }
}

static bool is_finished(const struct dp_tty_row *row)
{
    return row->ran && !row->running && !row->failed && row->kind != DEPOT_STEP_INTERNAL;
}

/* Give the last `n` finished rows a line each. */
static void show_finished(struct frame *f, int n)
{
    for (size_t i = f->t->rows.len; i > 0 && n > 0 && f->spare > 0; i--) {
        struct dp_tty_row *row = f->t->rows.items[i - 1];

        if (!is_finished(row) || row->shown)
            continue;
        row->shown = true;
        f->spare--;
        n--;
    }
}

/* `reserve` lines are left for logs. */
static void show_active(struct frame *f, bool failed, int reserve)
{
    for (size_t i = 0; i < f->t->rows.len && f->spare > reserve; i++) {
        struct dp_tty_row *row = f->t->rows.items[i];

        if (row->shown || (failed ? !row->failed : !row->running || row->failed))
            continue;
        row->shown = true;
        f->spare--;
    }
}

/* One more line below each row that has something to say, up to `most` for each of its steps. */
static void give_lines(struct frame *f, int most)
{
    bool gave = true;

    while (f->spare > 0 && gave) {
        gave = false;
        for (size_t i = 0; i < f->t->rows.len && f->spare > 0; i++) {
            struct dp_tty_row *row = f->t->rows.items[i];

            if (!row->shown || row->lines >= wanted(row, row->failed ? ERROR_LINES : most))
                continue;
            row->lines++;
            f->spare--;
            gave = true;
        }
    }
}

static void choose_rows(struct frame *f)
{
    int most = f->nrunning == 1 ? LOGS_ALONE : f->nrunning == 2 ? LOGS_OF_TWO : LOGS_OF_MORE;
    int kept = f->height / 4;

    show_active(f, true, 0);
    show_active(f, false, f->height / 5);
    give_lines(f, 1);
    show_finished(f, kept);
    give_lines(f, most);
    show_finished(f, f->nfinished);
}

/* ---- the folded ones ---- */

/* Stages are named by the last of their steps that was found. */
static void draw_hits(struct frame *f)
{
    struct dp_tty_line *l = dp_tty_screen_line(&f->t->screen);
    const struct dp_tty_row *last = NULL;

    for (int i = 0; i < f->t->ncolumns; i++) {
        const struct depot_counts *c = &f->t->columns[i].counts;

        dp_tty_pad(l, i * f->cell);
        if (!c->hit)
            continue;
        tmp_start(f);
        depot_buf_addf(&f->tmp, "= %d", c->hit);
        dp_tty_put(l, DEPOT_STYLE_HIT, f->tmp.data, (i + 1) * f->cell - 1);
    }
    dp_tty_pad(l, f->text);
    dp_tty_put(l, DEPOT_STYLE_DIM, "cached", f->text + f->label - 1);
    dp_tty_pad(l, f->text + f->label);
    for (size_t i = 0; i <= f->t->rows.len; i++) {
        const struct dp_tty_row *row = i < f->t->rows.len ? f->t->rows.items[i] : NULL;

        if (row != NULL && (!row->hit || row->kind != DEPOT_STEP_BUILD || row->running || row->ran))
            continue;
        if (last != NULL && (row == NULL || strcmp(row->steps.items[0]->parsed.stage,
                                                last->steps.items[0]->parsed.stage) != 0)) {
            put_label(f, last->steps.items[0]);
            if (l->len > f->text + f->label)
                dp_tty_put(l, DEPOT_STYLE_DIM, ", ", f->width);
            dp_tty_put_cut(l, DEPOT_STYLE_DIM, depot_buf_str(&f->tmp), f->width);
        }
        last = row;
    }
    f->spare--;
}

/* Nothing runs: say what is waited for. */
static void draw_waiting(struct frame *f)
{
    const struct depot_build *b = f->t->base.build;

    for (size_t i = 0; i < b->parts.len && f->spare > 0; i++) {
        const struct depot_part *p = b->parts.items[i];
        struct dp_tty_line *l;

        if (p->state != DEPOT_BUILD_QUEUED)
            continue;
        l = dp_tty_screen_line(&f->t->screen);
        if (l == NULL)
            return;
        dp_tty_pad(l, f->text);
        tmp_start(f);
        depot_clean_string(&f->tmp, depot_text_platform(p->platform));
        dp_put_wait(&f->tmp, p, true);
        dp_tty_put_cut(l, DEPOT_STYLE_DIM, depot_buf_str(&f->tmp), f->width);
        f->spare--;
    }
}

static void draw_more(struct frame *f, int n)
{
    struct dp_tty_line *l = dp_tty_screen_line(&f->t->screen);

    if (l == NULL)
        return;
    dp_tty_pad(l, f->text);
    tmp_start(f);
    depot_buf_addf(&f->tmp, "and %d more running", n);
    dp_tty_put(l, DEPOT_STYLE_DIM, f->tmp.data, f->width);
}

/* ---- the frame ---- */

static int lines_allowed(int height)
{
    int n = height <= 30 ? height / 2 : height * 2 / 5;

    if (n < 1)
        n = 1;
    return n > DP_TTY_ROWS_MAX - 4 ? DP_TTY_ROWS_MAX - 4 : n;
}

static void measure(struct frame *f)
{
    const struct dp_tty *t = f->t;
    int cell = f->width >= 110 ? 18 : f->width >= 76 ? 16 : f->width >= NARROW ? 12 : 10;
    int most = f->width < NARROW ? LABEL_MAX_NARROW : LABEL_MAX;

    while (cell > 10 && t->ncolumns * cell > f->width / 2)
        cell--;
    if (t->flat)
        cell = f->width < NARROW ? 10 : 16;
    f->cell = cell;
    f->text = cell * t->ncolumns;
    /* Of all steps, so that the text of a row stays where it is. */
    for (; f->t->nlabels < t->base.build->steps.len; f->t->nlabels++) {
        int columns;

        put_label(f, t->base.build->steps.items[t->nlabels]);
        columns = depot_text_width(depot_buf_str(&f->tmp)) + 2;
        if (columns > t->label_width)
            f->t->label_width = columns;
    }
    if (f->t->label_width < 8)
        f->t->label_width = 8;
    f->label = f->t->label_width < most + 2 ? f->t->label_width : most + 2;
}

static void draw_rows(struct frame *f)
{
    int left_out = 0;

    for (size_t i = 0; i < f->t->rows.len; i++) {
        const struct dp_tty_row *row = f->t->rows.items[i];

        left_out += (row->running || row->failed) && !row->shown;
        if (!row->shown)
            continue;
        draw_row(f, row);
        draw_below(f, row);
    }
    if (left_out)
        draw_more(f, left_out);
    if (!f->nrunning && !f->nfailed)
        draw_waiting(f);
}

void dp_tty_compose(struct dp_tty *t)
{
    const struct depot_render_opts *opts = &t->base.opts;
    int width = opts->width > 0 ? opts->width : 80, height = opts->height > 0 ? opts->height : 24;
    struct frame f = {.t = t, .width = width - 1, .height = lines_allowed(height)};

    if (f.width > DP_TTY_WIDTH_MAX)
        f.width = DP_TTY_WIDTH_MAX;
    dp_tty_screen_start(&t->screen, f.width);
    if (f.width < 4)
        return;
    depot_buf_init(&f.tmp, DEPOT_BUF_NO_LIMIT);
    dp_tty_rows_update(t, f.width);
    f.spare = f.height;
    count_rows(&f);
    if (t->base.build->counts.total)
        f.spare--; /* the second line of the header */
    f.spare -= 1 + (f.nhits > 0);
    if (f.spare > 1 && f.nrunning + f.nfailed > f.spare)
        f.spare--; /* "and n more running" */
    choose_rows(&f);
    measure(&f);
    f.spare = f.height;
    draw_header(&f);
    if (f.nhits > 0 && f.spare > 1)
        draw_hits(&f);
    draw_rows(&f);
    depot_buf_release(&f.tmp);
}
