/*
 * What stands below a finished build: warnings, the excerpt of the Dockerfile with the error, and
 * the summary. Not part of any sink: the client prints these to its own stream.
 */
#include "render/render_priv.h"

#include <string.h>

static void emit(const struct depot_render_opts *opts, struct depot_buf *b)
{
    if (b->len) {
        fwrite(b->data, 1, b->len, opts->out);
        fflush(opts->out);
    }
    depot_buf_release(b);
}

/* buildx shows a warning once however many steps had it. */
static bool said_before(const struct depot_build *b, size_t at)
{
    const struct depot_vertex_warning *w = b->warnings.items[at];
    /* Far more than anybody reads; keeps a hostile list from costing its square. */
    size_t from = at > 256 ? at - 256 : 0;

    for (size_t i = from; i < at; i++) {
        const struct depot_vertex_warning *o = b->warnings.items[i];
        int line = o->nranges ? o->ranges[0].start_line : 0;

        if (strcmp(o->short_text, w->short_text) == 0 &&
            line == (w->nranges ? w->ranges[0].start_line : 0))
            return true;
    }
    return false;
}

void depot_render_warnings(const struct depot_build *b, const struct depot_render_opts *opts)
{
    struct depot_buf lines = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    size_t n = 0;

    for (size_t i = 0; i < b->warnings.len; i++) {
        if (said_before(b, i))
            continue;
        n++;
        depot_buf_adds(&lines, " - ");
        dp_put_text(&lines, opts, b->warnings.items[i]->short_text);
        depot_buf_addc(&lines, '\n');
    }
    if (n) {
        depot_buf_addf(
            &out, "\n %zu warning%s found (use docker --debug to expand):\n", n, n == 1 ? "" : "s");
        depot_buf_add(&out, lines.data, lines.len);
    }
    depot_buf_release(&lines);
    emit(opts, &out);
}

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

static void put_excerpt(
    struct depot_buf *out, const struct depot_render_opts *opts, const struct depot_build_error *e)
{
    static const char rule[] = "--------------------\n";
    int first = 0;

    if (!e->nlines || !e->nranges)
        return;
    for (size_t i = 0; i < e->nranges; i++)
        if (!i || e->ranges[i].start_line < first)
            first = e->ranges[i].start_line;
    dp_put_text(out, opts, e->file ? e->file : "Dockerfile");
    depot_buf_addf(out, ":%d\n%s", first, rule);
    for (size_t i = 0; i < e->nlines; i++) {
        int line = e->first_line + (int)i;

        depot_buf_addf(out, " %3d | %s ", line, in_ranges(e, line) ? ">>>" : "   ");
        dp_put_text(out, opts, e->lines[i]);
        depot_buf_addc(out, '\n');
    }
    depot_buf_adds(out, rule);
}

static void put_error(
    struct depot_buf *out, const struct depot_render_opts *opts, const struct depot_part *p)
{
    const char *message = p->error && p->error->message ? p->error->message : "unknown error";

    if (p->error)
        put_excerpt(out, opts, p->error);
    depot_buf_adds(out, "ERROR: failed to build: ");
    if (!depot_str_starts(message, "failed to solve: "))
        depot_buf_adds(out, "failed to solve: ");
    dp_put_text(out, opts, message);
    depot_buf_addc(out, '\n');
}

static bool same_error(const struct depot_part *a, const struct depot_part *b)
{
    return a->error && b->error && depot_str_eq(a->error->message, b->error->message);
}

void depot_render_error(const struct depot_build *b, const struct depot_render_opts *opts)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    const struct depot_part *last = NULL;

    for (size_t i = 0; i < b->parts.len; i++) {
        const struct depot_part *p = b->parts.items[i];

        /* A part that was cancelled because another failed has nothing to add. */
        if (p->state != DEPOT_BUILD_FAILED || (last && same_error(last, p)))
            continue;
        put_error(&out, opts, p);
        last = p;
    }
    if (!last && b->state == DEPOT_BUILD_FAILED) {
        depot_buf_adds(&out, "ERROR: failed to build: ");
        dp_put_text(&out, opts, b->message ? b->message : "unknown error");
        depot_buf_addc(&out, '\n');
    } else if (!last && b->state == DEPOT_BUILD_CANCELLED) {
        depot_buf_adds(
            &out, "ERROR: failed to build: failed to solve: Canceled: context canceled\n");
    }
    emit(opts, &out);
}

static void put_counts(struct depot_buf *out, const struct depot_counts *c)
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
    const char *sep = ": ";

    depot_buf_addf(out, "%d step%s", c->total, c->total == 1 ? "" : "s");
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(rows); i++) {
        /* Hits and runs are always said: 0 of them is news as well. */
        if (!rows[i].n && i != 0 && i != 3)
            continue;
        depot_buf_addf(out, "%s%d %s", sep, rows[i].n, rows[i].word);
        sep = ", ";
    }
}

static void put_duration(struct depot_buf *out, int64_t ms)
{
    if (ms < 0)
        ms = 0;
    if (ms < 60000) {
        dp_put_fixed(out, (double)ms / 1000, 1);
        depot_buf_addc(out, 's');
    } else {
        depot_buf_addf(out, "%lldm%02llds", (long long)(ms / 60000), (long long)(ms / 1000 % 60));
    }
}

static int64_t part_ms(const struct depot_part *p)
{
    depot_time start = p->assigned ? p->assigned : p->first_status;

    return start && p->finished > start ? depot_time_between(start, p->finished) / DEPOT_MSEC : 0;
}

static void put_part(
    struct depot_buf *out, const struct depot_render_opts *opts, const struct depot_part *p)
{
    depot_buf_adds(out, "  ");
    dp_put_text(out, opts, *p->platform ? p->platform : "(no platform)");
    depot_buf_addf(out, "  %s  ", depot_build_state_name(p->state));
    put_duration(out, part_ms(p));
    depot_buf_adds(out, "  ");
    put_counts(out, &p->counts);
    if (*p->builder) {
        depot_buf_adds(out, "  on ");
        dp_put_text(out, opts, p->builder);
        depot_buf_adds(out, p->emulated ? " (emulated)" : "");
    }
    if (p->digest) {
        depot_buf_adds(out, "  ");
        dp_put_text(out, opts, p->digest);
    }
    depot_buf_addc(out, '\n');
}

void depot_render_summary(const struct depot_build *b, const struct depot_render_opts *opts)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    int64_t ms = b->duration_ms;

    if (!ms && b->last > b->first)
        ms = depot_time_between(b->first, b->last) / DEPOT_MSEC;
    depot_buf_addf(
        &out, "\nBuild %s%s%s in ", b->id, *b->id ? " " : "", depot_build_state_name(b->state));
    put_duration(&out, ms);
    depot_buf_adds(&out, ", ");
    put_counts(&out, &b->counts);
    for (size_t i = 0; i < b->info.ntags; i++) {
        depot_buf_adds(&out, i ? ", " : "\n  ");
        dp_put_text(&out, opts, b->info.tags[i]);
    }
    depot_buf_addc(&out, '\n');
    for (size_t i = 0; i < b->parts.len; i++)
        put_part(&out, opts, b->parts.items[i]);
    emit(opts, &out);
}
