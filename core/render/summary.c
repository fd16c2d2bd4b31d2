/*
 * What stands below a finished build beside its warnings: the excerpt of the Dockerfile with the
 * error, and the summary. Not part of any sink: the client prints these to its own stream.
 */
#include "render/facts.h"

#include <limits.h>
#include <string.h>

static bool in_ranges(const struct depot_build_error *e, int line)
{
    for (size_t i = 0; i < e->nranges; i++) {
        int end = e->ranges[i].end_line;

        if (end < e->ranges[i].start_line)
            end = e->ranges[i].start_line;
        if (e->ranges[i].start_line <= line && line <= end)
            return true;
    }
    return false;
}

void dp_put_excerpt(
    struct depot_buf *out, const struct depot_render_opts *opts, const struct depot_build_error *e)
{
    static const char rule[] = "--------------------\n";
    int first = 0;

    if (!e->nlines || !e->nranges)
        return;
    for (size_t i = 0; i < e->nranges; i++)
        if (!i || e->ranges[i].start_line < first)
            first = e->ranges[i].start_line;
    dp_put_text(out, opts, e->file != NULL ? e->file : "Dockerfile");
    depot_buf_addf(out, ":%d\n%s", first, rule);
    for (size_t i = 0; i < e->nlines; i++) {
        int line = e->first_line + (int)i;

        bool here = in_ranges(e, line);

        depot_buf_addf(out, " %3d | %s ", line, here ? ">>>" : "   ");
        dp_put_style(out, opts, here ? DEPOT_STYLE_STRONG : DEPOT_STYLE_DIM);
        dp_put_text(out, opts, e->lines[i]);
        dp_put_style(out, opts, DEPOT_STYLE_TEXT);
        depot_buf_addc(out, '\n');
    }
    depot_buf_adds(out, rule);
}

static void put_error_word(struct depot_buf *out, const struct depot_render_opts *opts)
{
    dp_put_style(out, opts, DEPOT_STYLE_FAIL);
    depot_buf_adds(out, "ERROR:");
    dp_put_style(out, opts, DEPOT_STYLE_TEXT);
}

static void put_error(
    struct depot_buf *out, const struct depot_render_opts *opts, const struct depot_part *p)
{
    const char *message =
        p->error != NULL && p->error->message != NULL ? p->error->message : "unknown error";

    if (p->error != NULL)
        dp_put_excerpt(out, opts, p->error);
    put_error_word(out, opts);
    depot_buf_adds(out, " failed to build: ");
    if (!depot_str_starts(message, "failed to solve: "))
        depot_buf_adds(out, "failed to solve: ");
    dp_put_text(out, opts, message);
    depot_buf_addc(out, '\n');
}

static bool same_error(const struct depot_part *a, const struct depot_part *b)
{
    return a->error != NULL && b->error != NULL &&
           depot_str_eq(a->error->message, b->error->message);
}

void depot_render_error(const struct depot_build *b, const struct depot_render_opts *opts)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    const struct depot_part *last = NULL;

    for (size_t i = 0; i < b->parts.len; i++) {
        const struct depot_part *p = b->parts.items[i];

        /* A part that was cancelled because another failed has nothing to add. */
        if (p->state != DEPOT_BUILD_FAILED || (last != NULL && same_error(last, p)))
            continue;
        put_error(&out, opts, p);
        last = p;
    }
    if (last == NULL && b->state == DEPOT_BUILD_FAILED) {
        put_error_word(&out, opts);
        depot_buf_adds(&out, " failed to build: ");
        dp_put_text(&out, opts, b->message != NULL ? b->message : "unknown error");
        depot_buf_addc(&out, '\n');
    } else if (last == NULL && b->state == DEPOT_BUILD_CANCELLED) {
        depot_buf_adds(
            &out, "ERROR: failed to build: failed to solve: Canceled: context canceled\n");
    }
    dp_emit(opts, &out);
}

static void put_dim(struct depot_buf *out, const struct depot_render_opts *opts, const char *s)
{
    dp_put_style(out, opts, DEPOT_STYLE_DIM);
    dp_put_text(out, opts, s);
    dp_put_style(out, opts, DEPOT_STYLE_TEXT);
}

/* ---- lines that do not break on a screen ---- */

enum { INDENT = 4 };

/* A line being written; on a screen what does not fit begins another. */
struct line {
    struct depot_buf *out;
    const struct depot_render_opts *opts;
    int at, end; /* columns; end 0: no screen */
};

static void put_styled(const struct line *l, enum depot_style style, const char *s, size_t n)
{
    if (style != DEPOT_STYLE_TEXT)
        dp_put_style(l->out, l->opts, style);
    depot_buf_add(l->out, s, n);
    if (style != DEPOT_STYLE_TEXT)
        dp_put_style(l->out, l->opts, DEPOT_STYLE_TEXT);
}

/* A text with `gap` blanks before it and `more`, which is never cut, behind it. */
static void put_piece(
    struct line *l, int gap, enum depot_style style, const char *s, const char *more)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_buf cut = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    int w, rest = (int)strlen(more);

    dp_put_text(&text, l->opts, s);
    w = depot_text_width(depot_buf_str(&text));
    if (l->end && l->at > INDENT && l->at + gap + w + rest > l->end) {
        depot_buf_addc(l->out, '\n');
        l->at = 0;
        gap = INDENT;
    }
    for (int i = 0; i < gap; i++)
        depot_buf_addc(l->out, ' ');
    l->at += gap;
    depot_text_fit(&cut, depot_buf_str(&text), l->end ? l->end - l->at - rest : INT_MAX,
        DEPOT_CUT_END, !l->opts->utf8);
    put_styled(l, style, depot_buf_str(&cut), cut.len);
    depot_buf_adds(l->out, more);
    l->at += depot_text_width(depot_buf_str(&cut)) + rest;
    depot_buf_release(&text);
    depot_buf_release(&cut);
}

static struct line line_begin(struct depot_buf *out, const struct depot_render_opts *opts)
{
    return (struct line){.out = out, .opts = opts, .end = opts->width ? opts->width - 1 : 0};
}

static void put_time_piece(struct line *l, int gap, int64_t ms, const char *more)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    dp_put_duration(&text, ms * DEPOT_MSEC, true);
    put_piece(l, gap, DEPOT_STYLE_TEXT, depot_buf_str(&text), more);
    depot_buf_release(&text);
}

/* "9 steps: 0 hit, 8 ran, 1 failed" */
static void put_counts(struct line *l, int gap, const struct depot_counts *c)
{
    const struct {
        int n;
        const char *word;
    } rows[] = {
        {c->hit, "hit"},
        {c->skipped, "not needed"},
        {c->shared, "shared"},
        {c->ran, "ran"},
        {c->failed, "failed"},
        {c->cancelled, "cancelled"},
    };
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    depot_buf_addf(&text, "%d step%s: ", c->total, c->total == 1 ? "" : "s");
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        /* Hits and runs are always said: 0 of them is news as well. */
        if (!rows[i].n && i != 0 && i != 3)
            continue;
        if (i > 0) {
            put_piece(l, gap, DEPOT_STYLE_TEXT, depot_buf_str(&text), ",");
            depot_buf_clear(&text);
            gap = 1;
        }
        depot_buf_addf(&text, "%d %s", rows[i].n, rows[i].word);
    }
    put_piece(l, gap, DEPOT_STYLE_TEXT, depot_buf_str(&text), "");
    depot_buf_release(&text);
}

static void put_state_piece(struct line *l, int gap, enum depot_build_state s)
{
    put_piece(l, gap, depot_state_style(s), depot_build_state_name(s), "");
}

/* ---- the summary ---- */

static void put_row(struct line *l, const struct dp_row *row, size_t widest)
{
    const struct depot_part *p = row->part;
    struct depot_buf on = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    depot_buf_addf(&on, "%-*s", (int)widest, row->platform);
    put_piece(l, 2, DEPOT_STYLE_TEXT, depot_buf_str(&on), "");
    put_state_piece(l, 2, p->state);
    put_time_piece(l, 2, row->ms, "");
    put_counts(l, 2, row->counts);
    depot_buf_clear(&on);
    depot_buf_addf(&on, "on %s", p->builder);
    if (*p->builder)
        put_piece(l, 2, DEPOT_STYLE_TEXT, depot_buf_str(&on),
            depot_part_emulates(p, row->platform) ? " (emulated)" : "");
    depot_buf_release(&on);
}

static void put_rows(
    struct depot_buf *out, const struct depot_build *b, const struct depot_render_opts *opts)
{
    struct dp_rows rows;

    dp_rows_init(&rows, b);
    for (size_t i = 0; i < rows.len; i++) {
        const struct dp_row *row = &rows.items[i];
        struct line l = line_begin(out, opts);

        put_row(&l, row, rows.widest);
        /* A digest is said once a part, whole, on a line of its own on a screen. */
        if (row->part->digest != NULL &&
            (i + 1 == rows.len || rows.items[i + 1].part != row->part)) {
            depot_buf_adds(out, opts->width ? "\n    " : "  ");
            put_dim(out, opts, row->part->digest);
        }
        depot_buf_addc(out, '\n');
    }
    dp_rows_release(&rows);
}

/* Tags are for copying: they are never cut. */
static void put_tags(
    struct depot_buf *out, const struct depot_build *b, const struct depot_render_opts *opts)
{
    int at = 0;

    for (size_t i = 0; i < b->info.ntags; i++) {
        int w = depot_text_width(b->info.tags[i]) + 2;

        if (i == 0 || (opts->width && at + w >= opts->width)) {
            depot_buf_adds(out, i ? ",\n  " : "\n  ");
            at = w;
        } else {
            depot_buf_adds(out, ", ");
            at += w;
        }
        dp_put_text(out, opts, b->info.tags[i]);
    }
}

/* Of what all parts together became; each part's own is told with its platform. */
static void put_whole_digest(
    struct depot_buf *out, const struct depot_build *b, const struct depot_render_opts *opts)
{
    if (b->digest == NULL)
        return;
    depot_buf_adds(out, opts->width ? "\n    " : "  ");
    put_dim(out, opts, b->digest);
}

/* ---- what was not in the cache ---- */

enum { MISSED_MAX = 2, DETAIL_W = 60 };

static void put_cause(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_why *w, const struct depot_cause *c)
{
    struct depot_buf what = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT),
                     more = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct line l = line_begin(out, opts);
    static const char lead[] = "missed ";

    dp_put_step(&what, opts, c->step, 0);
    for (int named = 1; named >= 0 && (!opts->width || opts->width >= DETAIL_W); named--) {
        depot_buf_clear(&more);
        dp_put_consequence(&more, opts, w, c, named);
        if (!opts->width ||
            depot_text_width(depot_buf_str(&what)) + depot_text_width(depot_buf_str(&more)) <=
                l.end - (int)sizeof(lead) - 2)
            break;
    }
    depot_buf_adds(out, "  ");
    put_styled(&l, DEPOT_STYLE_DIM, lead, strlen(lead));
    l.end = l.end ? l.end - (int)strlen(lead) - 2 : 0;
    put_piece(&l, 0, DEPOT_STYLE_TEXT, depot_buf_str(&what), depot_buf_str(&more));
    depot_buf_addc(out, '\n');
    depot_buf_release(&what);
    depot_buf_release(&more);
}

/* The first steps that missed, by what they cost, where others were found; an earlier build to
 * compare with is not at hand. */
static void put_missed(
    struct depot_buf *out, const struct depot_build *b, const struct depot_render_opts *opts)
{
    struct depot_why w;
    struct line l = line_begin(out, opts);
    const struct depot_cause *c = NULL;

    if (b->state != DEPOT_BUILD_SUCCEEDED || b->counts.hit + b->counts.skipped == 0)
        return;
    depot_why_init(&w, b, NULL);
    for (int i = 0; i < MISSED_MAX && (c = depot_why_next(&w, c)) != NULL; i++)
        put_cause(out, opts, &w, c);
    if (w.causes.len && *b->id) {
        put_piece(&l, 2, DEPOT_STYLE_DIM, "depot why", "");
        put_piece(&l, 1, DEPOT_STYLE_DIM, b->id, "");
        put_piece(&l, 1, DEPOT_STYLE_DIM, "tells what changed", "");
        depot_buf_addc(out, '\n');
    }
    depot_why_release(&w);
}

void depot_render_summary(const struct depot_build *b, const struct depot_render_opts *opts)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct line l = line_begin(&out, opts);

    depot_buf_addc(&out, '\n');
    put_piece(&l, 0, DEPOT_STYLE_TEXT, "Build", "");
    if (*b->id)
        put_piece(&l, 1, DEPOT_STYLE_TEXT, b->id, "");
    put_state_piece(&l, 1, b->state);
    put_piece(&l, 1, DEPOT_STYLE_TEXT, "in", "");
    put_time_piece(&l, 1, dp_build_ms(b), ",");
    put_counts(&l, 1, &b->counts);
    put_tags(&out, b, opts);
    put_whole_digest(&out, b, opts);
    depot_buf_addc(&out, '\n');
    put_rows(&out, b, opts);
    put_missed(&out, b, opts);
    dp_emit(opts, &out);
}
