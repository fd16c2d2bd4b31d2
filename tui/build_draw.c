/*
 * How the build view looks: a summary, one time axis for all rows, lanes, stages, steps, and the
 * newest lines of the selected step's log.
 */
#include "build_view.h"

#include <stdio.h>

enum { TIME_W = 8, GAP = 2, TAIL_MIN_H = 18, TAIL_LINES = 4 };

/* Where things stand on a line. */
struct frame {
    struct build_view *v;
    const struct depot_build *b;
    const struct canvas *c;
    depot_time now, from, to; /* of the axis */
    int label_w;              /* columns of the label, from 1 */
    int bar_x, bar_w;
    bool words; /* room for the state's word beside its glyph */
};

/* ---- the time axis ---- */

/* While the build runs the axis ends at a round span ahead, so that bars grow in place: drawing
 * them all anew at each tick is what the eye, and a slow line, would notice. */
static int64_t round_span(int64_t span)
{
    int64_t round = 5 * DEPOT_SEC;
    while (round < span)
        round += round < 30 * DEPOT_SEC ? 5 * DEPOT_SEC : round / 4;
    return round;
}

static void set_axis(struct frame *f)
{
    const struct depot_build *b = f->b;
    f->from = 0;
    f->to = 0;
    for (size_t i = 0; i < b->started.len; i++) {
        const struct depot_step *s = b->started.items[i];
        if (s->intervals.len == 0)
            continue;
        const depot_time first = s->intervals.items[0].start;
        const struct depot_interval *last = &s->intervals.items[s->intervals.len - 1];
        const depot_time stop = last->stop != 0 ? last->stop : f->now;
        f->from = f->from == 0 || first < f->from ? first : f->from;
        f->to = stop > f->to ? stop : f->to;
    }
    if (!depot_build_state_over(f->b->state))
        f->to = f->from + round_span(f->to - f->from);
    if (f->to <= f->from)
        f->to = f->from + DEPOT_SEC;
}

static int column_of(const struct frame *f, depot_time t)
{
    const double at = (double)(t - f->from) / (double)(f->to - f->from);
    const int x = (int)(at * f->bar_w);
    return x < 0 ? 0 : x >= f->bar_w ? f->bar_w - 1 : x;
}

static void draw_axis(const struct frame *f, int y)
{
    static const int64_t steps_ms[] = {100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000,
        120000, 300000, 600000, 900000, 1800000, 3600000, 7200000, 21600000, 86400000};
    const int64_t span = f->to - f->from;
    int64_t step = span;
    if (f->bar_w < 8)
        return;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(steps_ms); i++) {
        step = steps_ms[i] * DEPOT_MSEC;
        if ((double)step / (double)span * f->bar_w >= 9)
            break;
    }
    if ((double)span / (double)step > f->bar_w)
        return;
    for (int64_t t = 0; t <= span; t += step) {
        char text[TEXT_MAX];
        dp_text_duration(text, t, step < DEPOT_SEC);
        const int x = column_of(f, f->from + t), w = (int)dp_text_width(text);
        if (x + w <= f->bar_w)
            dp_canvas_put(f->c, y, f->bar_x + x, STYLE_FAINT, text);
    }
}

static uint32_t bar_char(const struct frame *f, enum depot_verdict v)
{
    if (!f->c->grid->ascii)
        return dp_glyph(false, GLYPH_BAR_FULL);
    return v == DEPOT_VERDICT_RUNNING ? '>' : v == DEPOT_VERDICT_HIT ? '=' : '#';
}

static void draw_bar(const struct frame *f, int y, const struct depot_step *s)
{
    const uint32_t style = STYLE_ID(dp_style_verdict(s->verdict));
    for (size_t i = 0; i < s->intervals.len && f->bar_w > 0; i++) {
        const struct depot_interval *k = &s->intervals.items[i];
        const int a = column_of(f, k->start);
        const int b = column_of(f, k->stop != 0 ? k->stop : f->now);
        dp_canvas_fill(
            f->c, y, f->bar_x + a, 1, (b > a ? b - a : 0) + 1, style, bar_char(f, s->verdict));
    }
}

/* ---- rows ---- */

static enum glyph glyph_of(enum depot_verdict v)
{
    static const enum glyph map[] = {[DEPOT_VERDICT_WAITING] = GLYPH_WAIT,
        [DEPOT_VERDICT_RUNNING] = GLYPH_RUN,
        [DEPOT_VERDICT_HIT] = GLYPH_HIT,
        [DEPOT_VERDICT_SKIPPED] = GLYPH_SKIP,
        [DEPOT_VERDICT_RAN] = GLYPH_RAN,
        [DEPOT_VERDICT_FAILED] = GLYPH_FAIL,
        [DEPOT_VERDICT_CANCELLED] = GLYPH_CANC,
        [DEPOT_VERDICT_SHARED] = GLYPH_SHARED,
        [DEPOT_VERDICT_UNREACHED] = GLYPH_NONE};
    return map[v];
}

static bool is_quiet(enum depot_verdict v)
{
    return v == DEPOT_VERDICT_WAITING || v == DEPOT_VERDICT_SKIPPED || v == DEPOT_VERDICT_UNREACHED;
}

/* What moves: "4.1M/9.2M 1.2M/s". */
static void say_transfers(const struct frame *f, const struct depot_step *s, struct depot_buf *out)
{
    int64_t current = 0, total = 0;
    depot_time first = 0;
    for (size_t i = 0; i < s->transfers.len; i++) {
        const struct depot_transfer *t = s->transfers.items[i];
        if (t->total <= 0 && t->current <= 0)
            continue;
        current += t->current;
        total += t->total;
        first = t->started != 0 && (first == 0 || t->started < first) ? t->started : first;
    }
    char a[TEXT_MAX], b[TEXT_MAX];
    if (current <= 0 && total <= 0)
        return;
    depot_buf_adds(out, dp_text_bytes(a, current));
    if (total > current)
        depot_buf_addf(out, "/%s", dp_text_bytes(b, total));
    if (s->verdict == DEPOT_VERDICT_RUNNING && first != 0 && f->now - first > DEPOT_SEC)
        depot_buf_addf(
            out, "  %s", dp_text_rate(a, (double)current * DEPOT_SEC / (double)(f->now - first)));
}

static void draw_time(const struct frame *f, int y, int64_t ns, uint32_t style)
{
    char text[TEXT_MAX];
    dp_canvas_field(
        f->c, y, f->c->w - TIME_W - 1, TIME_W, FIT_RIGHT, style, dp_text_duration(text, ns, true));
}

static void draw_step(const struct frame *f, int y, const struct build_row *r)
{
    const struct depot_step *s = dp_build_row_step(f->v, r);
    const uint32_t style = dp_style_verdict(s->verdict);
    const bool flat = f->v->rendering == SHOW_FLAT;
    int x = r->stage != SIZE_MAX && f->v->stages.items[r->stage].name[0] != '\0' ? 3 : 1;
    const int end = 1 + f->label_w;
    dp_canvas_glyph(f->c, y, x, style, glyph_of(s->verdict));
    x += 2;
    if (f->words) {
        dp_canvas_put(f->c, y, x, style, depot_verdict_word(s->verdict));
        x += 5;
    }
    if (flat && f->b->lanes.len > 1) {
        dp_canvas_field(f->c, y, x, 8, FIT_LEFT, STYLE_DIM, dp_text_platform(s->platform));
        x += 9;
    }
    if (flat && s->parsed.stage[0] != '\0') {
        dp_canvas_field(f->c, y, x, 10, FIT_LEFT, STYLE_DIM, s->parsed.stage);
        x += 11;
    }
    if (s->parsed.ordinal > 0) {
        char place[32];
        snprintf(place, sizeof(place), "%d/%d", s->parsed.ordinal, s->parsed.total);
        dp_canvas_field(f->c, y, x, 5, FIT_RIGHT, STYLE_DIM, place);
        x += 6;
    }
    struct depot_buf moved = DEPOT_BUF_INIT(128);
    say_transfers(f, s, &moved);
    const int moved_w = moved.len > 0 ? (int)moved.len + GAP : 0;
    const uint32_t text = is_quiet(s->verdict) ? STYLE_DIM
                          : s->critical        ? STYLE_STRONG
                                               : STYLE_TEXT;
    dp_canvas_field(f->c, y, x, end - x - moved_w, FIT_LEFT, text, s->parsed.instruction);
    if (moved_w > 0 && end - moved_w > x)
        dp_canvas_put(f->c, y, end - moved_w + GAP, STYLE_DIM, moved.data);
    depot_buf_release(&moved);
    draw_bar(f, y, s);
    const bool timed = depot_step_is_started(s) && s->verdict != DEPOT_VERDICT_SKIPPED &&
                       s->verdict != DEPOT_VERDICT_HIT;
    if (!timed && !f->words)
        dp_canvas_field(f->c, y, f->c->w - TIME_W - 1, TIME_W, FIT_RIGHT, style,
            depot_verdict_word(s->verdict));
    if (timed)
        draw_time(f, y, depot_step_duration(s, f->now),
            s->verdict == DEPOT_VERDICT_RUNNING ? STYLE_TEXT : STYLE_DIM);
}

/* "build ‹ deps, assets": which stages it takes from. */
static void say_needs(const struct frame *f, const struct build_stage *st, struct depot_buf *out)
{
    for (size_t i = 0; i < st->needs.len; i++)
        depot_buf_addf(out, "%s%s", i == 0 ? (f->c->grid->ascii ? "<- " : "← ") : ", ",
            f->v->stages.items[st->needs.items[i]].name);
}

static void draw_stage(const struct frame *f, int y, const struct build_row *r)
{
    const struct build_stage *st = &f->v->stages.items[r->stage];
    const int total = (int)st->steps.len, end = 1 + f->label_w;
    const uint32_t style = st->failed > 0    ? STYLE_FAIL
                           : st->running > 0 ? STYLE_RUN
                           : st->over == 0   ? STYLE_DIM
                                             : STYLE_STRONG;
    struct depot_buf needs = DEPOT_BUF_INIT(512);
    int x = 1 + dp_canvas_glyph(f->c, y, 1, STYLE_DIM, st->folded ? GLYPH_FOLDED : GLYPH_OPEN) + 1;
    x += dp_canvas_putn(
        f->c, y, x, style, st->name, dp_text_cut(st->name, strlen(st->name), 24, NULL));
    if (st->folded || st->over < total)
        x += dp_canvas_putf(f->c, y, x + 2, STYLE_DIM, "%d/%d", st->over, total) + 2;
    if (st->folded && st->hit == total)
        x += dp_canvas_put(f->c, y, x + 2, STYLE_HIT, "all hit") + 2;
    say_needs(f, st, &needs);
    dp_canvas_field(f->c, y, x + 2, end - x - 2, FIT_LEFT, STYLE_DIM, depot_buf_str(&needs));
    depot_buf_release(&needs);
    for (size_t i = 0; st->folded && i < st->steps.len; i++)
        draw_bar(f, y, f->b->steps.items[st->steps.items[i]]);
    if (st->started != 0 && st->hit < total)
        draw_time(f, y, (st->running > 0 ? f->now : st->completed) - st->started,
            st->running > 0 ? STYLE_STRONG : STYLE_TEXT);
}

/* The lane that takes longest, when another is done or much faster. */
static bool is_slower(const struct frame *f, size_t lane)
{
    const struct depot_lane *l = &f->b->lanes.items[lane];
    int64_t most = 0, mine = 0;
    for (size_t i = 0; i < f->b->lanes.len; i++) {
        const struct depot_lane *k = &f->b->lanes.items[i];
        if (k->platform[0] == '\0' || k->started == 0)
            continue;
        const depot_time end = depot_build_state_over(f->b->state) ? k->completed : f->now;
        const int64_t took = end - k->started;
        if (k == l)
            mine = took;
        else
            most = took > most ? took : most;
    }
    return depot_build_state_over(f->b->state) && most > 0 && mine > most + most / 10 &&
           mine - most > DEPOT_SEC / 2;
}

static const struct depot_part *part_of(const struct frame *f, const char *platform)
{
    for (size_t i = 0; i < f->b->parts.len; i++)
        if (depot_str_eq(f->b->parts.items[i]->platform, platform))
            return f->b->parts.items[i];
    return NULL;
}

static void draw_lane(const struct frame *f, int y, const struct build_row *r)
{
    const struct depot_lane *l = &f->b->lanes.items[r->lane];
    const struct depot_counts *k = &l->counts;
    const struct depot_part *p = part_of(f, l->platform);
    struct depot_buf right = DEPOT_BUF_INIT(256);
    const int done = k->hit + k->ran + k->shared + k->failed + k->cancelled + k->skipped;
    int x = 1 + dp_canvas_put(f->c, y, 1, STYLE_STRONG,
                    l->platform[0] != '\0' ? l->platform : "all platforms");
    if (p != NULL && !depot_str_empty(p->builder))
        x += dp_canvas_putf(f->c, y, x + 2, STYLE_DIM, "on %s", p->builder) + 2;
    if (p != NULL && p->emulated)
        x += dp_canvas_put(f->c, y, x + 2, STYLE_WARN, "emulated") + 2;
    if (p != NULL && p->state == DEPOT_BUILD_QUEUED && !depot_str_empty(p->queue_reason))
        x += dp_canvas_putf(f->c, y, x + 2, STYLE_WAIT, "waiting: %s", p->queue_reason) + 2;
    if (is_slower(f, r->lane))
        depot_buf_adds(&right, "slower   ");
    depot_buf_addf(&right, "%d/%d", done, k->total);
    if (k->hit > 0)
        depot_buf_addf(&right, "   %d hit", k->hit);
    if (k->ran > 0)
        depot_buf_addf(&right, "   %d ran", k->ran);
    const int w = (int)dp_text_width(right.data);
    const int at = f->c->w - w - 1;
    if (at > x + 2) {
        dp_canvas_hline(f->c, y, x + 2, at - x - 4, STYLE_FAINT);
        dp_canvas_put(f->c, y, at, STYLE_DIM, right.data);
    }
    depot_buf_release(&right);
}

static void draw_internal(const struct frame *f, int y)
{
    char text[96];
    const bool busy = f->v->internal_running > 0;
    snprintf(text, sizeof(text), "%d internal step%s", f->v->internal_count,
        f->v->internal_count == 1 ? "" : "s");
    dp_canvas_glyph(f->c, y, 1, STYLE_DIM, GLYPH_FOLDED);
    const int x = 3 + dp_canvas_put(f->c, y, 3, STYLE_DIM, text);
    if (busy)
        dp_canvas_putf(f->c, y, x + 2, STYLE_RUN, "%d running", f->v->internal_running);
}

static void draw_rows(const struct frame *f, int y, int h)
{
    struct build_view *v = f->v;
    dp_canvas_hot(f->c, y, 0, h, f->c->w, ACTION_NONE, 0, 1);
    for (int i = 0; i < h; i++) {
        const size_t index = v->rows.top + (size_t)i;
        if (index >= v->list.len)
            break;
        const struct build_row *r = &v->list.items[index];
        if (r->kind == ROW_LANE)
            draw_lane(f, y + i, r);
        else if (r->kind == ROW_STAGE)
            draw_stage(f, y + i, r);
        else if (r->kind == ROW_STEP)
            draw_step(f, y + i, r);
        else if (r->kind == ROW_FOLDED_INTERNAL)
            draw_internal(f, y + i);
        if (index == v->rows.selected && r->kind != ROW_BLANK)
            dp_canvas_paint(f->c, y + i, 0, 1, f->c->w, STYLE_SELECTED);
        dp_canvas_hot(f->c, y + i, 0, 1, f->c->w, ACTION_SELECT, (intptr_t)index, 1);
    }
    dp_rows_scrollbar(&v->rows, f->c, y, f->c->w - 1, h);
}

/* ---- summary and tail ---- */

static int put_count(const struct frame *f, int x, enum depot_verdict v, int n, const char *word)
{
    if (n == 0 || x + 12 > f->c->w)
        return x;
    const uint32_t style = dp_style_verdict(v);
    dp_canvas_glyph(f->c, 0, x, style, glyph_of(v));
    return x + 2 + dp_canvas_putf(f->c, 0, x + 2, style, "%d %s", n, word) + GAP + 1;
}

static void draw_summary(const struct frame *f)
{
    const struct depot_counts *k = &f->v->build->sum.counts;
    const struct fleet *fleet = dp_tui_fleet(f->v->base.tui);
    struct fleet_row row;
    char a[TEXT_MAX], b[TEXT_MAX], text[4 * TEXT_MAX] = "";
    dp_fleet_row(fleet, f->v->build, dp_tui_now(f->v->base.tui), &row);
    int x = 1 + dp_canvas_putf(f->c, 0, 1, STYLE_STRONG, "%d/%d", row.done, k->total);
    x += dp_canvas_put(f->c, 0, x, STYLE_TEXT, " steps") + GAP + 1;
    x = put_count(f, x, DEPOT_VERDICT_HIT, k->hit, "hit");
    x = put_count(f, x, DEPOT_VERDICT_RAN, k->ran, "ran");
    x = put_count(f, x, DEPOT_VERDICT_SHARED, k->shared, "shared");
    x = put_count(f, x, DEPOT_VERDICT_SKIPPED, k->skipped, "not needed");
    x = put_count(f, x, DEPOT_VERDICT_FAILED, k->failed, "failed");
    x = put_count(f, x, DEPOT_VERDICT_CANCELLED, k->cancelled, "cancelled");
    if (row.eta_high >= 0)
        snprintf(text, sizeof(text), "%s to %s left", dp_text_duration(a, row.eta_low, false),
            dp_text_duration(b, row.eta_high, false));
    else if (row.saved > 0)
        snprintf(text, sizeof(text), "cache saved %s", dp_text_duration(a, row.saved, false));
    else if (f->b->critical_ns > 0)
        snprintf(
            text, sizeof(text), "critical path %s", dp_text_duration(a, f->b->critical_ns, true));
    const int w = (int)dp_text_width(text);
    if (x + w + 1 < f->c->w)
        dp_canvas_put(f->c, 0, f->c->w - w - 1, STYLE_DIM, text);
}

/* The step whose lines are shown: the selected one, else the busiest. */
static const struct depot_step *tail_step(const struct frame *f)
{
    const struct depot_step *best = NULL;
    if (f->v->rows.selected < f->v->list.len) {
        const struct depot_step *s =
            dp_build_row_step(f->v, &f->v->list.items[f->v->rows.selected]);
        if (s != NULL && (s->tail_len > 0 || s->error != NULL))
            return s;
    }
    for (size_t i = 0; i < f->b->started.len; i++) {
        const struct depot_step *s = f->b->started.items[i];
        if (s->tail_len == 0)
            continue;
        if (s->verdict == DEPOT_VERDICT_FAILED)
            return s;
        if (best == NULL || s->verdict == DEPOT_VERDICT_RUNNING)
            best = s;
    }
    return best;
}

static void draw_tail(const struct frame *f, int y, int h)
{
    const struct depot_step *s = tail_step(f);
    struct depot_buf title = DEPOT_BUF_INIT(4096);
    dp_canvas_hline(f->c, y, 0, f->c->w, STYLE_FAINT);
    if (s == NULL)
        return;
    if (f->b->lanes.len > 1 && s->platform[0] != '\0')
        depot_buf_addf(&title, "%s ", dp_text_platform(s->platform));
    if (s->parsed.ordinal > 0)
        depot_buf_addf(&title, "%s%s%d/%d ", s->parsed.stage, s->parsed.stage[0] != '\0' ? " " : "",
            s->parsed.ordinal, s->parsed.total);
    dp_text_first_line(&title, s->parsed.instruction);
    const int room = f->c->w - 8;
    const int w = (int)dp_text_width(depot_buf_str(&title));
    dp_canvas_put(f->c, y, 2, STYLE_FAINT, " ");
    dp_canvas_field(f->c, y, 3, room, FIT_LEFT, STYLE_DIM, depot_buf_str(&title));
    dp_canvas_put(f->c, y, 3 + (w < room ? w : room), STYLE_FAINT, " ");
    depot_buf_release(&title);
    int line = y + 1;
    const int lines = h - 1 - (s->error != NULL ? 1 : 0);
    size_t n = s->tail_len < (size_t)lines ? s->tail_len : (size_t)lines;
    for (; n > 0; n--) {
        const size_t at = (s->tail_next + DEPOT_STEP_TAIL_LINES - n) % DEPOT_STEP_TAIL_LINES;
        const struct depot_tail_line *t = &s->tail[at];
        char time[TEXT_MAX];
        snprintf(time, sizeof(time), "%.1f", (double)t->offset / (double)DEPOT_SEC);
        dp_canvas_field(f->c, line, 1, 7, FIT_RIGHT, STYLE_FAINT, time);
        dp_canvas_field(f->c, line++, 10, f->c->w - 11, FIT_LEFT, STYLE_TEXT, t->text);
    }
    if (s->error != NULL)
        dp_canvas_field(f->c, line, 10, f->c->w - 11, FIT_LEFT, STYLE_ERROR, s->error);
}

void dp_build_view_draw(struct view *base, const struct canvas *c)
{
    struct build_view *v = (struct build_view *)base;
    struct frame f = {.v = v, .b = v->build->state, .c = c};
    if (f.b == NULL) {
        dp_canvas_put(c, 1, 1, STYLE_DIM, "asking for the build");
        return;
    }
    f.now = dp_fleet_build_now(v->build, dp_tui_now(base->tui));
    if (depot_build_state_over(f.b->state) && f.b->last != 0)
        f.now = f.b->last;
    const int share = v->rendering == SHOW_TIME ? 35 : 55;
    f.label_w = (c->w - TIME_W) * share / 100;
    f.label_w = f.label_w > 90 ? 90 : f.label_w;
    f.bar_x = f.label_w + 1 + GAP;
    f.bar_w = c->w - f.bar_x - TIME_W - 1 - GAP;
    if (f.bar_w < 12) {
        f.bar_w = 0;
        f.label_w = c->w - TIME_W - GAP - 2;
    }
    f.words = c->w >= 100;
    set_axis(&f);
    draw_summary(&f);
    const bool tail = c->h >= TAIL_MIN_H;
    const int tail_h = tail ? (c->h >= 40 ? 2 * TAIL_LINES : TAIL_LINES) + 1 : 0;
    const int list_h = c->h - 2 - tail_h;
    draw_axis(&f, 1);
    dp_rows_layout(&v->rows, v->list.len, list_h);
    draw_rows(&f, 2, list_h);
    if (tail)
        draw_tail(&f, c->h - tail_h, tail_h);
}
