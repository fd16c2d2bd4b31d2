/*
 * How the why view looks: the builds compared, then the causes, a column of times a platform.
 */
#include "why_priv.h"

#include <stdio.h>
#include <string.h>

#include "tui/widget/step.h"

#include <depot/utf8.h>

enum {
    WIDE_W = 132,      /* further right a time is too far from its step */
    TALL_H = 20,       /* from here on a blank row may stand below the head */
    LANE_W = 11,       /* a gap, a glyph and a time */
    TEXT_MIN_W = 24,   /* of what stands left of the times */
    COMMON_SHOWN = 12, /* columns of what two texts have in common before their difference */
};

/* "ysgkp7c4oc  main@54ae436  4m before" */
static void put_other(struct depot_buf *out, const struct why_view *v)
{
    const struct depot_build_summary *s = &v->before->sum;
    char age[DEPOT_TEXT_MAX];
    depot_buf_addf(out, "%s", v->before->id);
    if (!depot_str_empty(s->info.branch) || !depot_str_empty(s->info.commit))
        depot_buf_adds(out, "  ");
    depot_created_source(out, &s->info);
    if (s->created > 0 && v->build->sum.created - s->created >= DEPOT_SEC)
        depot_buf_addf(out, "  %s before", depot_text_age(age, s->created, v->build->sum.created));
}

static void draw_compared(const struct why_view *v, const struct canvas *c, int x_end)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    const char *lead = "compared with ";
    if (v->before == NULL) {
        lead = v->asked && !v->answered ? "looking for an earlier build"
                                        : "no earlier build to compare with";
    } else {
        put_other(&text, v);
        if (v->before->state == NULL || !depot_build_state_over(v->before->state->state))
            depot_buf_adds(&text, "  (being fetched)");
    }
    const int x = dp_canvas_put(c, 0, 0, DEPOT_STYLE_DIM, lead);
    if (x_end > x)
        dp_canvas_field(c, 0, x, x_end - x, FIT_LEFT, DEPOT_STYLE_TEXT, depot_buf_str(&text));
    depot_buf_release(&text);
}

/* How many columns of times fit, and where the first begins. */
static int lanes_that_fit(const struct why_view *v, int w, int *x)
{
    int n = (int)v->nlanes;
    while (n > 0 && w - n * LANE_W < TEXT_MIN_W)
        n--;
    *x = w - n * LANE_W;
    return n;
}

static void draw_heads(const struct why_view *v, const struct canvas *c, int lanes, int x)
{
    for (int i = 0; i < lanes; i++)
        dp_canvas_field(c, 0, x + i * LANE_W + 1, LANE_W - 1, FIT_RIGHT, DEPOT_STYLE_HEADING,
            *v->lanes[i] != '\0' ? depot_text_platform(v->lanes[i]) : "shared");
}

/* A fifth of all that followed is worth looking at. */
static uint32_t time_style(
    const struct why_view *v, const struct why_row *r, const char *platform, int64_t ns)
{
    const struct depot_cause *t = dp_why_cause_on(v, r->cause, platform);
    return r->kind == WHY_CAUSE || (t != NULL && ns >= t->took / 5) ? DEPOT_STYLE_TEXT
                                                                    : DEPOT_STYLE_DIM;
}

static void draw_time(const struct canvas *c, int y, int x, uint32_t style, int64_t ns)
{
    char text[DEPOT_TEXT_MAX];
    dp_canvas_field(c, y, x + 3, LANE_W - 3, FIT_RIGHT, style,
        depot_text_duration(text, ns, ns < 60 * DEPOT_SEC));
}

static void draw_step_times(const struct why_view *v, const struct canvas *c, int y,
    const struct why_row *r, int lanes, int x)
{
    const depot_time now = dp_fleet_build_now(v->build, dp_tui_now(v->base.tui));
    for (int i = 0; i < lanes; i++) {
        const struct depot_step *s = dp_why_step_on(v, r->cause, r->step, v->lanes[i]);
        if (s == NULL)
            continue;
        if (s->outcome != DEPOT_OUTCOME_RAN)
            dp_canvas_glyph(c, y, x + i * LANE_W + 2, depot_outcome_style(s->outcome),
                depot_outcome_sign(s->outcome));
        const int64_t ns = depot_step_duration(s, now);
        draw_time(c, y, x + i * LANE_W, time_style(v, r, v->lanes[i], ns), ns);
    }
}

/* What came after the first step, together. */
static void draw_sum_times(const struct why_view *v, const struct canvas *c, int y,
    const struct why_row *r, int lanes, int x)
{
    for (int i = 0; i < lanes; i++) {
        const struct depot_cause *t = dp_why_cause_on(v, r->cause, v->lanes[i]);
        if (t != NULL)
            draw_time(c, y, x + i * LANE_W, DEPOT_STYLE_STRONG,
                t->took - depot_step_duration(t->step, v->build->state->last));
    }
}

/* "deps 3/4  RUN make" within `w` columns, the label padded to `label_w`. */
static void draw_step(const struct canvas *c, int y, int x, int w, const struct depot_step *s,
    int label_w, bool strong)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    if (label_w > 0) {
        if (s->parsed.ordinal > 0)
            dp_step_label(&text, s);
        dp_canvas_field(c, y, x, label_w, FIT_MIDDLE, strong ? DEPOT_STYLE_STRONG : DEPOT_STYLE_DIM,
            depot_buf_str(&text));
        x += label_w + 2;
        w -= label_w + 2;
    }
    depot_buf_clear(&text);
    depot_text_first_line(&text, s->parsed.instruction);
    if (w > 0)
        dp_canvas_field(c, y, x, w, FIT_LEFT, DEPOT_STYLE_TEXT, depot_buf_str(&text));
    depot_buf_release(&text);
}

/* Of a long text that replaces another, or is replaced: from shortly before they differ. */
static const char *from_difference(const struct depot_cause *c, size_t index, int w, bool *cut)
{
    const struct depot_evidence *e = &c->evidence.items[index], *other = NULL;
    *cut = false;
    if (e->sign == '-' && index + 1 < c->evidence.len && e[1].sign == '+')
        other = &e[1];
    else if (e->sign == '+' && index > 0 && e[-1].sign == '-')
        other = &e[-1];
    if (other == NULL || depot_text_width(e->text) <= w)
        return e->text;
    const size_t same = depot_text_common(e->text, other->text);
    const size_t from = depot_utf8_start(e->text, same > COMMON_SHOWN ? same - COMMON_SHOWN : 0);
    *cut = from > 0;
    return e->text + from;
}

static void draw_evidence(const struct canvas *c, int y, int w, const struct why_row *r)
{
    static const struct {
        char sign;
        enum depot_style style;
    } styles[] = {{'+', DEPOT_STYLE_RAN}, {'-', DEPOT_STYLE_FAIL}, {'~', DEPOT_STYLE_RUN}};
    const struct depot_evidence *e = &r->cause->evidence.items[r->index];
    uint32_t style = DEPOT_STYLE_TEXT;
    bool cut;
    const char sign[] = {e->sign, '\0'};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(styles); i++)
        if (styles[i].sign == e->sign)
            style = styles[i].style;
    int x = 4;
    const char *text = from_difference(r->cause, r->index, w - 6, &cut);
    x += dp_canvas_put(c, y, x, style, sign) + 1;
    if (cut)
        x += dp_canvas_glyph(c, y, x, DEPOT_STYLE_DIM, DEPOT_SIGN_ELLIPSIS);
    dp_canvas_field(c, y, x, w - x, e->sign == '~' ? FIT_MIDDLE : FIT_LEFT,
        e->sign == ' ' ? DEPOT_STYLE_DIM : DEPOT_STYLE_TEXT, text);
}

static void draw_after(
    const struct why_view *v, const struct canvas *c, int y, int w, const struct why_row *r)
{
    char text[64];
    const size_t n = r->cause->steps.len - 1;
    dp_canvas_glyph(c, y, 2, DEPOT_STYLE_DIM,
        dp_why_is_open(v, r->cause) ? DEPOT_SIGN_OPEN : DEPOT_SIGN_FOLDED);
    snprintf(text, sizeof(text), "%zu step%s ran because of it", n, n == 1 ? "" : "s");
    dp_canvas_field(c, y, 4, w - 4, FIT_LEFT, DEPOT_STYLE_TEXT, text);
}

static void draw_reason(const struct canvas *c, int y, int w, const struct depot_cause *r)
{
    const bool guess = !r->certain && r->reason != DEPOT_REASON_UNKNOWN;
    const char *text = depot_reason_text(r->reason);
    int text_w = depot_text_width(text);
    text_w = text_w < w - 2 ? text_w : w - 2;
    dp_canvas_field(c, y, 2, text_w, FIT_LEFT, DEPOT_STYLE_WARN, text);
    if (guess)
        dp_canvas_put(c, y, text_w + 4, DEPOT_STYLE_DIM, "likely");
}

/* Right in `w` columns; returns how many it takes, with the gap before it. */
static int draw_builder(
    const struct why_view *v, const struct canvas *c, int y, int w, const struct depot_cause *cause)
{
    const char *builder = depot_why_builder(&v->why, cause);
    if (builder == NULL)
        return 0;
    const int all = depot_text_width(builder), most = w / 3, own = all < most ? all : most;
    dp_canvas_field(c, y, w - own, own, FIT_MIDDLE, DEPOT_STYLE_DIM, builder);
    return own + 2;
}

static void draw_row(
    const struct why_view *v, const struct canvas *c, int y, const struct why_row *r, int lanes)
{
    const int x = c->w - lanes * LANE_W, w = x - 1;
    char text[64];
    switch (r->kind) {
    case WHY_CAUSE:
        dp_canvas_glyph(c, y, 0, DEPOT_STYLE_WARN, DEPOT_SIGN_WARN);
        draw_step(c, y, 2, w - 2 - draw_builder(v, c, y, w, r->cause), r->step,
            dp_why_step_label_w(r->step), true);
        draw_step_times(v, c, y, r, lanes, x);
        break;
    case WHY_REASON:
        draw_reason(c, y, c->w, r->cause);
        break;
    case WHY_EVIDENCE:
        draw_evidence(c, y, c->w, r);
        break;
    case WHY_MORE:
        snprintf(text, sizeof(text), "and %zu more", r->index);
        dp_canvas_put(c, y, 6, DEPOT_STYLE_DIM, text);
        break;
    case WHY_AFTER:
        draw_after(v, c, y, w, r);
        draw_sum_times(v, c, y, r, lanes, x);
        break;
    case WHY_STEP:
        if (depot_why_changed(&v->why, r->step))
            dp_canvas_glyph(c, y, 2, DEPOT_STYLE_WARN, DEPOT_SIGN_WARN);
        draw_step(c, y, 4, w - 4, r->step, r->label_w, false);
        draw_step_times(v, c, y, r, lanes, x);
        break;
    case WHY_HINT:
        dp_canvas_putn(
            c, y, 2, DEPOT_STYLE_DIM, depot_reason_hint(r->cause->reason) + r->index, r->len);
        break;
    case WHY_GAP:
        break;
    }
}

static void draw_nothing(const struct why_view *v, const struct canvas *c, int y)
{
    const bool over = v->build->state != NULL && depot_build_state_over(v->build->state->state);
    const char *text = v->build->state == NULL ? dp_fleet_missing(v->build)
                       : over                  ? "every step that could be was found in the cache"
                                               : "no step has missed the cache so far";
    dp_canvas_put(c, y, 0, DEPOT_STYLE_DIM, text);
}

void dp_why_draw(struct view *base, const struct canvas *whole)
{
    struct why_view *v = (struct why_view *)base;
    const int w = whole->w - 2 < WIDE_W ? whole->w - 2 : WIDE_W;
    const struct canvas sub = dp_canvas_sub(whole, 0, 1, whole->h, w), *c = &sub;
    int x;
    const int lanes = lanes_that_fit(v, c->w, &x), head = c->h < TALL_H ? 1 : 2, page = c->h - head;
    draw_compared(v, c, x);
    draw_heads(v, c, lanes, x);
    if (v->list.len == 0) {
        draw_nothing(v, c, head);
        return;
    }
    dp_rows_layout(&v->rows, v->list.len, page);
    for (int y = 0; y < page; y++) {
        const size_t i = v->rows.top + (size_t)y;
        if (i >= v->list.len)
            break;
        draw_row(v, c, head + y, &v->list.items[i], lanes);
        dp_canvas_hot(c, head + y, 0, 1, c->w, ACTION_SELECT, (intptr_t)i, 1);
        if (i == v->rows.selected)
            dp_canvas_paint(c, head + y, 0, 1, c->w, DEPOT_STYLE_SELECTED);
    }
    dp_rows_scrollbar(&v->rows, whole, head, whole->w - 1, page);
}
