/*
 * Why steps missed the cache, as text: one paragraph a cause, those that cost most first.
 */
#include "render/render_priv.h"

#include <depot/utf8.h>

#include <string.h>

enum {
    EVIDENCE_MAX = 12, /* lines of a cause; the rest is counted */
    CAUSES_MAX = 100,
    FOLLOWERS_MAX = 6, /* steps that are named among those that followed */
    TEXT_MAX = 200,    /* bytes of an instruction */
};

static void put_styled(struct depot_buf *out, const struct depot_render_opts *opts,
    enum depot_style style, const char *s)
{
    dp_put_style(out, opts, style);
    dp_put_text(out, opts, s);
    dp_put_style(out, opts, DEPOT_STYLE_TEXT);
}

/* The first line of a text, cut. */
static void put_line(struct depot_buf *out, const struct depot_render_opts *opts,
    enum depot_style style, const char *s)
{
    size_t n = strcspn(s, "\n"), max = n > TEXT_MAX ? TEXT_MAX : n;
    char *cut;

    cut = depot_strndup(s, depot_utf8_start(s, max));
    put_styled(out, opts, style, cut);
    depot_buf_adds(out, max < strlen(s) ? "..." : "");
    depot_free(cut);
}

/* "deps 3/4", or "" where a step has no place. */
static void put_place(
    struct depot_buf *out, const struct depot_render_opts *opts, const struct depot_step *s)
{
    if (*s->parsed.stage) {
        dp_put_text(out, opts, s->parsed.stage);
        depot_buf_addc(out, ' ');
    }
    if (s->parsed.ordinal)
        depot_buf_addf(out, "%d/%d", s->parsed.ordinal, s->parsed.total);
}

static void put_evidence(
    struct depot_buf *out, const struct depot_render_opts *opts, const struct depot_cause *c)
{
    static const struct {
        char sign;
        enum depot_style style;
    } styles[] = {{'+', DEPOT_STYLE_RAN}, {'-', DEPOT_STYLE_FAIL}, {'~', DEPOT_STYLE_RUN}};
    size_t n = c->evidence.len < EVIDENCE_MAX ? c->evidence.len : EVIDENCE_MAX;

    for (size_t i = 0; i < n; i++) {
        const struct depot_evidence *e = &c->evidence.items[i];
        enum depot_style style = DEPOT_STYLE_TEXT;

        for (size_t k = 0; k < DEPOT_ARRAY_LEN(styles); k++)
            if (styles[k].sign == e->sign)
                style = styles[k].style;
        depot_buf_addf(out, "    %c ", e->sign);
        put_line(out, opts, style, e->text);
        depot_buf_addc(out, '\n');
    }
    if (c->evidence.len + c->more > n)
        depot_buf_addf(out, "      and %zu more\n", c->evidence.len + c->more - n);
}

static void put_followers(
    struct depot_buf *out, const struct depot_render_opts *opts, const struct depot_cause *c)
{
    size_t n = c->steps.len - 1;

    if (n == 0)
        return;
    depot_buf_addf(out, "  %zu step%s ran because of it: ", n, n == 1 ? "" : "s");
    for (size_t i = 0; i < n && i < FOLLOWERS_MAX; i++) {
        depot_buf_adds(out, i ? ", " : "");
        put_place(out, opts, c->steps.items[i + 1]);
    }
    depot_buf_addf(out, "%s (%zu of %zu step%s after it)\n", n > FOLLOWERS_MAX ? ", ..." : "", n,
        c->after, c->after == 1 ? "" : "s");
}

/* Those of them that would have missed all the same. */
static void put_changed(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_why *w, const struct depot_cause *c)
{
    const char *sep = "  changed themselves: ";

    for (size_t i = 1; i < c->steps.len; i++) {
        if (!depot_why_changed(w, c->steps.items[i]))
            continue;
        depot_buf_adds(out, sep);
        put_place(out, opts, c->steps.items[i]);
        sep = ", ";
    }
    depot_buf_adds(out, *sep == ',' ? "\n" : "");
}

/* "31.4s on linux/amd64, 1:12 on linux/arm64"; what several platforms share, on its builder. */
static void put_cost(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_why *w, const struct depot_cause *c)
{
    const char *sep = "  cost ";

    for (size_t i = 0; i < w->causes.len && i < DEPOT_WHY_CAUSES_MAX; i++) {
        const struct depot_cause *t = w->causes.items[i];
        const char *builder = depot_why_builder(w, t);

        if (t != c && t->sibling_of != c)
            continue;
        depot_buf_adds(out, sep);
        dp_put_duration(out, t->took, true);
        if (*t->step->platform || builder != NULL) {
            depot_buf_adds(out, " on ");
            dp_put_text(out, opts, builder != NULL ? builder : t->step->platform);
        }
        sep = ", ";
    }
    depot_buf_addc(out, '\n');
}

static void put_cause(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_why *w, const struct depot_cause *c)
{
    const char *hint = depot_reason_hint(c->reason);

    depot_buf_addc(out, '\n');
    put_place(out, opts, c->step);
    depot_buf_adds(out, c->step->parsed.ordinal ? " " : "");
    put_line(out, opts, DEPOT_STYLE_STRONG, c->step->parsed.instruction);
    depot_buf_adds(out, "\n  ");
    put_styled(out, opts, DEPOT_STYLE_WARN, depot_reason_text(c->reason));
    depot_buf_adds(
        out, c->certain || c->reason == DEPOT_REASON_FIRST || c->reason == DEPOT_REASON_UNKNOWN
                 ? "\n"
                 : " (likely)\n");
    put_evidence(out, opts, c);
    put_followers(out, opts, c);
    put_changed(out, opts, w, c);
    put_cost(out, opts, w, c);
    if (hint != NULL) {
        depot_buf_adds(out, "  ");
        put_styled(out, opts, DEPOT_STYLE_DIM, hint);
        depot_buf_addc(out, '\n');
    }
}

static void put_build(
    struct depot_buf *out, const struct depot_render_opts *opts, const struct depot_build *b)
{
    struct depot_buf source = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    dp_put_text(out, opts, *b->id ? b->id : "this build");
    depot_created_source(&source, &b->info);
    if (source.len > 0) {
        depot_buf_addc(out, ' ');
        dp_put_text(out, opts, source.data);
    }
    depot_buf_release(&source);
}

static void put_past(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_build *b, const struct depot_build *before, enum depot_past past)
{
    if (before != NULL) {
        depot_buf_adds(out, ", compared with ");
        put_build(out, opts, before);
    } else if (past != DEPOT_PAST_UNKNOWN) {
        depot_buf_adds(out, ", the first build of ");
        dp_put_text(out, opts, b->info.project);
        if (past == DEPOT_PAST_FIRST_SUCH)
            depot_buf_adds(out, " with this target and these platforms");
    }
}

static void put_head(struct depot_buf *out, const struct depot_render_opts *opts,
    const struct depot_build *b, const struct depot_build *before, enum depot_past past)
{
    const struct depot_counts *n = &b->counts;

    put_build(out, opts, b);
    put_past(out, opts, b, before, past);
    depot_buf_addf(out, ": %d of %d steps were in the cache", n->hit + n->skipped, n->total);
    if (n->shared)
        depot_buf_addf(out, ", %d shared", n->shared);
    depot_buf_addc(out, '\n');
}

void depot_render_why(const struct depot_why *w, const struct depot_build *b,
    const struct depot_build *before, enum depot_past past, const struct depot_render_opts *opts)
{
    struct depot_buf out = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    const struct depot_cause *c = NULL;
    size_t first = 0;

    put_head(&out, opts, b, before, past);
    for (size_t i = 0; i < w->causes.len; i++)
        first += w->causes.items[i]->reason == DEPOT_REASON_FIRST;
    if (w->causes.len == 0)
        depot_buf_adds(&out, "\nNothing missed the cache.\n");
    else if (first == w->causes.len && past == DEPOT_PAST_FIRST)
        depot_buf_adds(&out, "\nOnly what other builds left in the cache could be found there.\n");
    else if (first == w->causes.len)
        depot_buf_adds(&out, "\nThere is no earlier build of the same project, target and "
                             "platforms to compare with.\n");
    for (int i = 0; first < w->causes.len && (c = depot_why_next(w, c)) != NULL; i++) {
        if (i == CAUSES_MAX) {
            depot_buf_adds(&out, "\nThere are more, which took less.\n");
            break;
        }
        put_cause(&out, opts, w, c);
    }
    dp_emit(opts, &out);
}
