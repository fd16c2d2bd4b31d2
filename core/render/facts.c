/*
 * What is said of a finished build in more than one place.
 */
#include "render/facts.h"

#include <depot/utf8.h>

#include <string.h>

bool dp_warning_again(const struct depot_build *b, size_t at)
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

int64_t dp_build_ms(const struct depot_build *b)
{
    if (b->duration_ms || b->last <= b->first)
        return b->duration_ms;
    return depot_time_between(b->first, b->last) / DEPOT_MSEC;
}

const char *dp_build_digest(const struct depot_build *b)
{
    const char *digest = b->digest;

    for (size_t i = 0; b->digest == NULL && i < b->parts.len; i++) {
        const struct depot_part *p = b->parts.items[i];

        if (digest != NULL && !depot_str_eq(digest, p->digest))
            return NULL;
        digest = p->digest;
    }
    return digest;
}

static int64_t part_ms(const struct depot_part *p)
{
    depot_time start = p->assigned ? p->assigned : p->first_status;

    return start && p->finished > start ? depot_time_between(start, p->finished) / DEPOT_MSEC : 0;
}

static void add_row(struct dp_rows *rows, struct dp_row row)
{
    if (strlen(row.platform) > rows->widest)
        rows->widest = strlen(row.platform);
    depot_vec_push(rows, row);
}

static void add_part(struct dp_rows *rows, const struct depot_build *b, const struct depot_part *p)
{
    size_t before = rows->len;

    for (size_t i = 0; i < b->lanes.len && p->several; i++) {
        const struct depot_lane *l = &b->lanes.items[i];
        int64_t ns = l->started ? depot_time_between(l->started, l->completed) : 0;

        if (*l->platform && (!*p->platform || depot_part_makes(p, l->platform)))
            add_row(rows, (struct dp_row){l->platform, p, &l->counts, ns / DEPOT_MSEC});
    }
    if (rows->len == before)
        add_row(rows, (struct dp_row){
                          *p->platform ? p->platform : "(no platform)", p, &p->counts, part_ms(p)});
}

void dp_rows_init(struct dp_rows *rows, const struct depot_build *b)
{
    *rows = (struct dp_rows){0};
    for (size_t i = 0; i < b->parts.len; i++)
        add_part(rows, b, b->parts.items[i]);
}

void dp_rows_release(struct dp_rows *rows)
{
    depot_vec_free(rows);
}

int dp_reused(const struct depot_counts *c)
{
    return c->hit + c->skipped + c->shared;
}

void dp_put_cut(
    struct depot_buf *out, const struct depot_render_opts *opts, const char *text, size_t max)
{
    size_t n = strcspn(text, "\n");
    bool cut = max && n > max;
    char *line = depot_strndup(text, cut ? depot_utf8_start(text, max) : n);

    dp_put_text(out, opts, line);
    depot_buf_adds(out, cut ? "..." : "");
    depot_free(line);
}

void dp_put_step(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_step *s, size_t max)
{
    if (*s->parsed.stage) {
        dp_put_text(out, opts, s->parsed.stage);
        depot_buf_addc(out, ' ');
    }
    if (s->parsed.ordinal)
        depot_buf_addf(out, "%d/%d ", s->parsed.ordinal, s->parsed.total);
    dp_put_cut(out, opts, s->parsed.instruction, max);
}

const char *dp_tail_line(const struct depot_step *s, size_t i)
{
    size_t first = s->tail_next + DEPOT_STEP_TAIL_LINES - s->tail_len;

    return s->tail[(first + i) % DEPOT_STEP_TAIL_LINES].text;
}

const char *dp_short_error(const struct depot_build_error *e)
{
    static const char words[] = " did not complete successfully: ";
    const char *message = e->message != NULL ? e->message : "unknown error", *end = NULL;

    if (!depot_str_starts(message, "process \""))
        return message;
    /* The last: a command may hold the words. */
    for (const char *p = message; (p = strstr(p, words)) != NULL; p++)
        end = p + strlen(words);
    return end != NULL ? end : message;
}

bool dp_has_missed(const struct depot_build *b, const struct depot_why *w)
{
    if (b->state != DEPOT_BUILD_SUCCEEDED || w->causes.len == 0)
        return false;
    return dp_reused(&b->counts) > 0 || (b->has_definition && b->definition.no_cache);
}

void dp_put_consequence(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_why *w, const struct depot_cause *c, bool named)
{
    size_t files = c->evidence.len + c->more, after = c->steps.len - 1;
    const char *builder = depot_why_builder(w, c);

    if (c->reason == DEPOT_REASON_FILES && named && files == 1) {
        depot_buf_adds(out, ", ");
        dp_put_text(out, opts, c->evidence.items[0].text);
        depot_buf_adds(out, " changed");
    } else if (c->reason == DEPOT_REASON_FILES) {
        depot_buf_addf(out, ", %zu file%s changed", files, files == 1 ? "" : "s");
    }
    if (after)
        depot_buf_addf(out, ", %zu step%s after it", after, after == 1 ? "" : "s");
    depot_buf_adds(out, ", ");
    dp_put_duration(out, c->took, true);
    if (builder != NULL) {
        depot_buf_adds(out, " on ");
        dp_put_text(out, opts, builder);
    }
}
