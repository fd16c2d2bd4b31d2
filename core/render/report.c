/*
 * A build as a page of Markdown, for the summary that a CI system shows of a job.
 *
 * Text of others stands in <code> or <pre>, its signs as entities: nothing in it is markup.
 */
#include "render/facts.h"

#include <stdlib.h>
#include <string.h>

enum {
    REPORT_STEPS = 5,
    REPORT_MISSED = 5,
    REPORT_STEP_MAX = 100,
    REPORT_LINES = 40,
    REPORT_SLOW_MS = 50
};

struct report {
    struct depot_buf *out;
    struct depot_render_opts opts;
    const struct depot_build *build;
};

/* As text of HTML; what Markdown would read too when `inside` a line of it. */
static void put_html(struct report *r, const char *s, bool inside)
{
    struct depot_buf clean = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    dp_put_text(&clean, &r->opts, s);
    for (const char *p = depot_buf_str(&clean); *p; p++) {
        if (strchr("&<>", *p) != NULL || (inside && strchr("\\`*_{}[]()#!|~:@", *p) != NULL))
            depot_buf_addf(r->out, "&#%d;", *p);
        else
            depot_buf_addc(r->out, *p);
    }
    depot_buf_release(&clean);
}

static void put_code(struct report *r, const char *s)
{
    depot_buf_adds(r->out, "<code>");
    put_html(r, s, true);
    depot_buf_adds(r->out, "</code>");
}

static void put_step(struct report *r, const struct depot_step *s)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    dp_put_step(&text, &r->opts, s, REPORT_STEP_MAX);
    put_code(r, depot_buf_str(&text));
    depot_buf_release(&text);
}

static void put_head(struct report *r)
{
    static const char *const signs[DEPOT_BUILD_STATE_COUNT] = {
        [DEPOT_BUILD_SUCCEEDED] = "✅", [DEPOT_BUILD_FAILED] = "❌", [DEPOT_BUILD_CANCELLED] = "🚫"};
    const struct depot_build *b = r->build;
    const char *sign = signs[b->state] != NULL ? signs[b->state] : "⏳";

    depot_buf_addf(r->out, "### %s depot build ", sign);
    put_html(r, b->info.project != NULL ? b->info.project : "", true);
    depot_buf_addf(r->out, "%s%s %s ", depot_str_empty(b->info.project) ? "" : " ",
        depot_build_state_name(b->state), b->state == DEPOT_BUILD_SUCCEEDED ? "in" : "after");
    dp_put_duration(r->out, dp_build_ms(b) * DEPOT_MSEC, true);
    depot_buf_adds(r->out, "\n\n");
}

static void put_platforms(struct report *r)
{
    struct dp_rows rows;

    dp_rows_init(&rows, r->build);
    if (rows.len > 0)
        depot_buf_adds(r->out, "| Platform | Result | Time | Steps reused | Builder |\n"
                               "|---|---|--:|--:|---|\n");
    for (size_t i = 0; i < rows.len; i++) {
        const struct dp_row *row = &rows.items[i];

        depot_buf_adds(r->out, "| ");
        put_html(r, row->platform, true);
        depot_buf_addf(r->out, " | %s | ", depot_build_state_name(row->part->state));
        dp_put_duration(r->out, row->ms * DEPOT_MSEC, true);
        depot_buf_addf(r->out, " | %d of %d | ", dp_reused(row->counts), row->counts->total);
        put_html(r, row->part->builder, true);
        depot_buf_addf(
            r->out, "%s |\n", depot_part_emulates(row->part, row->platform) ? " (emulated)" : "");
    }
    depot_buf_adds(r->out, rows.len > 0 ? "\n" : "");
    dp_rows_release(&rows);
}

/* What can be pulled, and by which digest. */
static void put_image(struct report *r)
{
    const struct depot_build *b = r->build;
    const char *digest = dp_build_digest(b);

    if (b->state != DEPOT_BUILD_SUCCEEDED || (!b->info.ntags && digest == NULL))
        return;
    depot_buf_adds(r->out, "**Image**");
    for (size_t i = 0; i < b->info.ntags; i++) {
        depot_buf_addc(r->out, ' ');
        put_code(r, b->info.tags[i]);
    }
    if (digest != NULL) {
        depot_buf_addc(r->out, ' ');
        put_code(r, digest);
    }
    depot_buf_adds(r->out, "\n\n");
}

/* ---- why it failed ---- */

static void put_tail(struct report *r, const struct depot_step *s)
{
    for (size_t i = 0; s != NULL && i < s->tail_len; i++) {
        put_html(r, dp_tail_line(s, i), false);
        depot_buf_addc(r->out, '\n');
    }
}

static void put_excerpt(struct report *r, const struct depot_build_error *e)
{
    for (size_t i = 0; i < e->nlines && i < REPORT_LINES; i++) {
        const int line = e->first_line + (int)i;
        bool here = false;

        for (size_t k = 0; k < e->nranges; k++)
            here = here || (e->ranges[k].start_line <= line && line <= e->ranges[k].end_line);
        depot_buf_addf(r->out, "%4d %s ", line, here ? "&gt;&gt;&gt;" : "   ");
        put_html(r, e->lines[i], false);
        depot_buf_addc(r->out, '\n');
    }
}

static void put_failed(struct report *r)
{
    const struct depot_build *b = r->build;

    for (size_t i = 0; i < b->parts.len; i++) {
        const struct depot_part *p = b->parts.items[i];
        const struct depot_build_error *e = p->error;

        if (p->state != DEPOT_BUILD_FAILED || e == NULL)
            continue;
        depot_buf_adds(r->out, "**");
        put_html(r, *p->platform ? p->platform : "Build", true);
        depot_buf_adds(r->out, " failed** ");
        put_code(r, dp_short_error(e));
        depot_buf_adds(r->out, "\n\n<pre>\n");
        put_excerpt(r, e);
        depot_buf_adds(r->out, e->nlines > 0 ? "\n" : "");
        put_tail(r, e->vertex != NULL ? depot_build_step(b, p, e->vertex) : NULL);
        depot_buf_adds(r->out, "</pre>\n\n");
    }
}

/* ---- where the time went ---- */

static void put_missed(struct report *r, const struct depot_why *w)
{
    const struct depot_cause *c = NULL;

    if (!dp_has_missed(r->build, w))
        return;
    depot_buf_adds(
        r->out, "| Missed the cache | Why | Steps after it | Time |\n|---|---|--:|--:|\n");
    for (int i = 0; i < REPORT_MISSED && (c = depot_why_next(w, c)) != NULL; i++) {
        const size_t files = c->evidence.len + c->more;

        depot_buf_adds(r->out, "| ");
        put_step(r, c->step);
        depot_buf_adds(r->out, " | ");
        if (c->reason == DEPOT_REASON_FILES && files == 1)
            put_code(r, c->evidence.items[0].text);
        else if (c->reason == DEPOT_REASON_FILES)
            depot_buf_addf(r->out, "%zu files", files);
        if (c->reason == DEPOT_REASON_FILES)
            depot_buf_adds(r->out, " changed");
        else if (c->reason == DEPOT_REASON_NO_CACHE)
            depot_buf_adds(r->out, depot_reason_text(c->reason));
        depot_buf_addf(r->out, " | %zu | ", c->steps.len - 1);
        dp_put_duration(r->out, c->took, true);
        depot_buf_adds(r->out, " |\n");
    }
    depot_buf_addc(r->out, '\n');
}

static int by_time(const void *a, const void *b)
{
    const struct depot_step *x = *(const struct depot_step *const *)a,
                            *y = *(const struct depot_step *const *)b;
    const int64_t dx = depot_step_duration(x, x->part->finished),
                  dy = depot_step_duration(y, y->part->finished);

    if (dx != dy)
        return dx > dy ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static bool took_time(const struct depot_step *s)
{
    return depot_step_is_completed(s) && !s->cached && !s->foreign &&
           depot_step_duration(s, s->part->finished) >= REPORT_SLOW_MS * DEPOT_MSEC;
}

static void put_slowest(struct report *r)
{
    DEPOT_VEC(const struct depot_step *) steps = {0};

    for (size_t i = 0; i < r->build->steps.len; i++)
        if (took_time(r->build->steps.items[i]))
            depot_vec_push(&steps, r->build->steps.items[i]);
    if (steps.len > 0) {
        qsort(steps.items, steps.len, sizeof(*steps.items), by_time);
        depot_buf_adds(r->out, "| Slowest steps | Platform | Time |\n|---|---|--:|\n");
    }
    for (size_t i = 0; i < steps.len && i < REPORT_STEPS; i++) {
        const struct depot_step *s = steps.items[i];

        depot_buf_adds(r->out, "| ");
        put_step(r, s);
        depot_buf_adds(r->out, " | ");
        put_html(r, s->platform, true);
        depot_buf_adds(r->out, " | ");
        dp_put_duration(r->out, depot_step_duration(s, s->part->finished), true);
        depot_buf_adds(r->out, " |\n");
    }
    depot_buf_adds(r->out, steps.len > 0 ? "\n" : "");
    depot_vec_free(&steps);
}

static void put_warnings(struct report *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->build->warnings.len && n < REPORT_LINES; i++) {
        if (dp_warning_again(r->build, i))
            continue;
        depot_buf_adds(r->out, n++ ? "- " : "**Warnings**\n\n- ");
        put_html(r, r->build->warnings.items[i]->short_text, true);
        depot_buf_addc(r->out, '\n');
    }
    depot_buf_adds(r->out, n ? "\n" : "");
}

void depot_render_report(
    const struct depot_build *b, const struct depot_render_opts *opts, struct depot_buf *out)
{
    struct report r = {.out = out, .opts = *opts, .build = b};
    struct depot_why w;

    r.opts.sanitize = true;
    depot_why_init(&w, b, NULL);
    put_head(&r);
    put_platforms(&r);
    put_image(&r);
    put_failed(&r);
    put_missed(&r, &w);
    put_slowest(&r);
    put_warnings(&r);
    if (*b->id)
        depot_buf_addf(out,
            "`depot logs %s` prints the log, `depot why %s` tells what missed the "
            "cache and why.\n\n",
            b->id, b->id);
    depot_why_release(&w);
}
