/*
 * The first and the last lines of a log: which build it is and who makes it, and what came of it.
 * Whole lines as #0, which is no step's number, so that what reads the steps reads them as before.
 */
#include "render/facts.h"

#include <string.h>

enum { FRAME_MISSED_MAX = 3, FRAME_STEP_MAX = 60 };

/* ---- the first ---- */

static void put_platforms(
    struct depot_buf *out, const struct depot_render_opts *opts, const struct depot_part *p)
{
    struct depot_strv names = {0};

    depot_strv_split(&names, p->platform, ',');
    for (size_t i = 0; i < names.len; i++) {
        depot_buf_adds(out, i ? ", " : " for ");
        dp_put_text(out, opts, names.items[i]);
        if (depot_part_emulates(p, names.items[i]))
            depot_buf_adds(out, " (emulated)");
    }
    if (names.len == 0 && p->emulated)
        depot_buf_adds(out, " (emulated)");
    depot_strv_release(&names);
}

void dp_put_frame_begin(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_build *b, const struct depot_part *only)
{
    const char *sep = " with \"";

    depot_buf_adds(out, "#0 building");
    for (size_t i = 0; i < b->parts.len; i++) {
        const struct depot_part *p = b->parts.items[i];

        if ((only != NULL && p != only) || !*p->builder)
            continue;
        depot_buf_adds(out, sep);
        dp_put_text(out, opts, p->builder);
        depot_buf_addc(out, '"');
        put_platforms(out, opts, p);
        sep = ", \"";
    }
    if (*b->id) {
        depot_buf_adds(out, *sep == ',' ? ": build " : " ");
        dp_put_text(out, opts, b->id);
    }
    depot_buf_addc(out, '\n');
}

/* ---- the last ---- */

static const char *const labels[] = {"failed", "missed", "tags", "digest", "log", "why"};
enum label { FAILED, MISSED, TAGS, DIGEST, LOG, WHY };

struct frame {
    struct depot_buf out;
    struct depot_render_opts opts; /* for text of others: a line, without what steers */
    const struct depot_build *build;
    struct dp_rows rows;
    int first; /* columns of what stands first on a line */
};

static void begin_line(struct frame *f, enum label label)
{
    depot_buf_addf(&f->out, "#0   %-*s  ", f->first, labels[label]);
}

static void put_reused(struct depot_buf *out, const struct depot_counts *c)
{
    depot_buf_addf(out, "%d of %d step%s reused", dp_reused(c), c->total, c->total == 1 ? "" : "s");
}

static void put_head(struct frame *f)
{
    const struct depot_build *b = f->build;
    const bool over = depot_build_state_over(b->state);

    depot_buf_adds(&f->out, "\n#0 build ");
    if (*b->id) {
        dp_put_text(&f->out, &f->opts, b->id);
        depot_buf_addc(&f->out, ' ');
    }
    depot_buf_addf(&f->out, "%s %s ", over ? depot_build_state_name(b->state) : "is not over,",
        b->state == DEPOT_BUILD_SUCCEEDED ? "in" : "after");
    dp_put_duration(&f->out, dp_build_ms(b) * DEPOT_MSEC, true);
    if (b->counts.total > 0) {
        depot_buf_adds(&f->out, ", ");
        put_reused(&f->out, &b->counts);
    }
    depot_buf_addc(&f->out, '\n');
}

/* What a row says between its platform and its builder, for columns. */
static void put_middle(struct depot_buf *out, const struct frame *f, const struct dp_row *row)
{
    struct depot_buf time = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    if (f->build->state != DEPOT_BUILD_SUCCEEDED)
        depot_buf_addf(out, "%-9s  ", depot_build_state_name(row->part->state));
    dp_put_duration(&time, row->ms * DEPOT_MSEC, true);
    depot_buf_addf(out, "%6s  ", depot_buf_str(&time));
    put_reused(out, row->counts);
    depot_buf_release(&time);
}

static void put_platform_rows(struct frame *f)
{
    struct depot_buf middle = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    size_t widest = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < f->rows.len; i++) {
            const struct dp_row *row = &f->rows.items[i];

            depot_buf_clear(&middle);
            put_middle(&middle, f, row);
            if (middle.len > widest)
                widest = middle.len;
            if (pass == 0)
                continue;
            depot_buf_adds(&f->out, "#0   ");
            depot_buf_addf(&f->out, "%-*s  ", f->first, row->platform);
            depot_buf_adds(&f->out, depot_buf_str(&middle));
            if (*row->part->builder) {
                depot_buf_addf(&f->out, "%*s  on ", (int)(widest - middle.len), "");
                dp_put_text(&f->out, &f->opts, row->part->builder);
            }
            if (depot_part_emulates(row->part, row->platform))
                depot_buf_adds(&f->out, " (emulated)");
            depot_buf_addc(&f->out, '\n');
        }
    }
    depot_buf_release(&middle);
}

/* "Dockerfile:12 [build 3/5] RUN make: exit code 2" */
static void put_failed(struct frame *f)
{
    const struct depot_failed_step s = depot_build_failed_step(f->build);

    if (s.name == NULL)
        return;
    begin_line(f, FAILED);
    if (s.file != NULL && s.line > 0) {
        dp_put_text(&f->out, &f->opts, s.file);
        depot_buf_addf(&f->out, ":%lld ", (long long)s.line);
    }
    dp_put_cut(&f->out, &f->opts, s.name, FRAME_STEP_MAX);
    if (s.exit_code >= 0)
        depot_buf_addf(&f->out, ": exit code %lld", (long long)s.exit_code);
    if (f->rows.len > 1 && !depot_str_empty(s.platform)) {
        depot_buf_adds(&f->out, " on ");
        dp_put_text(&f->out, &f->opts, s.platform);
    }
    depot_buf_addc(&f->out, '\n');
}

/* Did it miss on one platform alone, of several? */
static bool is_alone(const struct frame *f, const struct depot_why *w, const struct depot_cause *c)
{
    for (size_t i = 0; i < w->causes.len && i < DEPOT_WHY_CAUSES_MAX; i++)
        if (w->causes.items[i]->sibling_of == c)
            return false;
    return f->rows.len > 1 && *c->step->platform && depot_why_builder(w, c) == NULL;
}

static void put_missed(struct frame *f, const struct depot_why *w)
{
    const struct depot_cause *c = NULL;

    for (int i = 0; i < FRAME_MISSED_MAX && (c = depot_why_next(w, c)) != NULL; i++) {
        begin_line(f, MISSED);
        dp_put_step(&f->out, &f->opts, c->step, FRAME_STEP_MAX);
        if (c->reason == DEPOT_REASON_NO_CACHE)
            depot_buf_addf(&f->out, ", %s", depot_reason_text(c->reason));
        dp_put_consequence(&f->out, &f->opts, w, c, true);
        if (is_alone(f, w, c)) {
            depot_buf_adds(&f->out, " on ");
            dp_put_text(&f->out, &f->opts, c->step->platform);
        }
        depot_buf_addc(&f->out, '\n');
    }
}

static void put_tags(struct frame *f)
{
    const struct depot_build *b = f->build;

    if (b->state != DEPOT_BUILD_SUCCEEDED || b->info.ntags == 0)
        return;
    begin_line(f, TAGS);
    for (size_t i = 0; i < b->info.ntags; i++) {
        depot_buf_adds(&f->out, i ? ", " : "");
        dp_put_text(&f->out, &f->opts, b->info.tags[i]);
    }
    depot_buf_addc(&f->out, '\n');
}

/* Of what all made together, or of each part's own, once. */
static void put_digests(struct frame *f)
{
    const struct depot_build *b = f->build;

    if (b->digest != NULL) {
        begin_line(f, DIGEST);
        dp_put_text(&f->out, &f->opts, b->digest);
        depot_buf_addc(&f->out, '\n');
    }
    for (size_t i = 0; b->digest == NULL && i < b->parts.len; i++) {
        const struct depot_part *p = b->parts.items[i];

        if (p->digest == NULL || (i > 0 && depot_str_eq(p->digest, b->parts.items[i - 1]->digest)))
            continue;
        begin_line(f, DIGEST);
        dp_put_text(&f->out, &f->opts, p->digest);
        if (b->parts.len > 1 && *p->platform) {
            depot_buf_adds(&f->out, " for ");
            dp_put_text(&f->out, &f->opts, p->platform);
        }
        depot_buf_addc(&f->out, '\n');
    }
}

static void put_next(struct frame *f, enum label label, const char *command)
{
    if (!*f->build->id)
        return;
    begin_line(f, label);
    depot_buf_addf(&f->out, "depot %s ", command);
    dp_put_text(&f->out, &f->opts, f->build->id);
    depot_buf_addc(&f->out, '\n');
}

static void frame_init(
    struct frame *f, const struct depot_build *b, const struct depot_render_opts *opts)
{
    *f = (struct frame){.opts = *opts, .build = b};
    depot_buf_init(&f->out, DEPOT_BUF_NO_LIMIT);
    f->opts.sanitize = true;
    dp_rows_init(&f->rows, b);
    f->first = (int)f->rows.widest;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(labels); i++)
        if (f->first < (int)strlen(labels[i]))
            f->first = (int)strlen(labels[i]);
}

void depot_render_frame_end(const struct depot_build *b, const struct depot_render_opts *opts)
{
    struct frame f;
    struct depot_why w;

    frame_init(&f, b, opts);
    depot_why_init(&w, b, NULL);
    put_head(&f);
    put_platform_rows(&f);
    put_failed(&f);
    if (dp_has_missed(b, &w))
        put_missed(&f, &w);
    put_tags(&f);
    put_digests(&f);
    put_next(&f, LOG, "logs");
    if (w.causes.len > 0)
        put_next(&f, WHY, "why");
    depot_why_release(&w);
    dp_rows_release(&f.rows);
    dp_emit(opts, &f.out);
}
