/*
 * The newest log lines of the selected step, at the bottom of the build view.
 */
#include "tui/fleet/failure.h"
#include "build_priv.h"
#include "tui/widget/step.h"

#include <depot/utf8.h>

#include <stdio.h>

enum { SECONDS_W = 8 };

static void put_cells(struct build_view *v, const struct canvas *c, int y, int x)
{
    const struct log_cells *l = &v->cells;
    for (size_t i = 0; i < l->cells.len && x + (int)i < c->w - 1; i++) {
        const struct depot_cell *cell = &l->cells.items[i];
        char utf8[4 * (1 + DEPOT_CELL_MARKS)];
        size_t n = 0;
        if (cell->width == 0 ||
            (cell->ch == ' ' && DEPOT_STYLE_ID(cell->style) == DEPOT_STYLE_TEXT))
            continue;
        n += depot_utf8_encode(utf8, cell->ch);
        for (int m = 0; m < DEPOT_CELL_MARKS && cell->marks[m] != 0; m++)
            n += depot_utf8_encode(utf8 + n, cell->marks[m]);
        dp_canvas_putn(c, y, x + (int)i, cell->style, utf8, n);
    }
}

static void put_line(
    struct build_view *v, const struct canvas *c, int y, const char *data, size_t n, int64_t offset)
{
    char time[DEPOT_TEXT_MAX];
    const bool times = c->w >= 60;
    snprintf(time, sizeof(time), "%.3f", (double)(offset > 0 ? offset : 0) / (double)DEPOT_SEC);
    if (times)
        dp_canvas_field(c, y, 1, SECONDS_W, FIT_RIGHT, DEPOT_STYLE_FAINT, time);
    dp_log_line_decode(&v->cells, data, n, true);
    put_cells(v, c, y, times ? SECONDS_W + 2 : 1);
}

static int put_log(struct build_view *v, const struct canvas *c, const struct depot_step *s)
{
    struct logstore *l = dp_fleet_log(v->build, s);
    const uint64_t lines = l != NULL ? dp_logstore_lines(l) : 0,
                   room = c->h > 0 ? (uint64_t)c->h : 0;
    int y = 0;
    for (uint64_t i = lines > room ? lines - room : 0; i < lines; i++, y++) {
        struct log_line line;
        if (dp_logstore_line(l, i, &line))
            put_line(v, c, y, line.data, line.len > 4096 ? 4096 : line.len, line.time - s->started);
    }
    return y;
}

/* Without its whole log: the lines that the state keeps. */
static int put_kept(struct build_view *v, const struct canvas *c, const struct depot_step *s)
{
    size_t n = s->tail_len;
    int y = 0;
    if (n > (size_t)(c->h > 0 ? c->h : 0))
        n = (size_t)c->h;
    for (size_t i = s->tail_next + DEPOT_STEP_TAIL_LINES - n; n > 0; n--, i++, y++) {
        const struct depot_tail_line *l = &s->tail[i % DEPOT_STEP_TAIL_LINES];
        put_line(v, c, y, l->text, l->len, l->offset);
    }
    return y;
}

static void put_transfer(
    const struct build_view *v, const struct canvas *c, int y, const struct depot_transfer *t)
{
    char now[DEPOT_TEXT_MAX], all[DEPOT_TEXT_MAX];
    const bool over = t->completed != 0;
    const int name_w = c->w / 3 > 12 ? c->w / 3 : 12, meter_w = c->w >= 70 ? 20 : 8;
    const depot_time to = over ? t->completed : v->now;
    const int64_t ns = t->started != 0 && to > t->started ? depot_time_between(t->started, to) : 0;
    int x = 2;
    dp_canvas_field(c, y, x, name_w, FIT_MIDDLE, over ? DEPOT_STYLE_DIM : DEPOT_STYLE_TEXT,
        *t->id != '\0' ? t->id : t->name);
    x += name_w + 2;
    if (t->total > 0)
        dp_canvas_meter(c, y, x, meter_w, (double)t->current / (double)t->total,
            over ? DEPOT_STYLE_RAN : DEPOT_STYLE_RUN);
    x += meter_w + 2;
    if (t->current > 0)
        x += dp_canvas_put(c, y, x, DEPOT_STYLE_TEXT, depot_text_bytes(now, t->current));
    if (t->total > t->current)
        x += dp_canvas_putf(c, y, x, DEPOT_STYLE_DIM, " of %s", depot_text_bytes(all, t->total));
    if (ns > DEPOT_SEC / 10 && t->current > 0)
        dp_canvas_putf(c, y, x, DEPOT_STYLE_DIM, "  %s",
            depot_text_rate(now, (double)t->current * DEPOT_SEC / (double)ns));
}

/* Layers and files, those that move first. */
static int put_transfers(
    const struct build_view *v, const struct canvas *c, const struct depot_step *s)
{
    int y = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < s->transfers.len && y < c->h; i++)
            if ((s->transfers.items[i]->completed != 0) == (pass == 1))
                put_transfer(v, c, y++, s->transfers.items[i]);
    return y;
}

static const char *no_output(const struct build_view *v, const struct depot_step *s)
{
    switch (dp_graph_outcome(s)) {
    case DEPOT_OUTCOME_HIT:
        return "found in the cache: nothing was run";
    case DEPOT_OUTCOME_SKIPPED:
        return "not needed: a later step was found in the cache";
    case DEPOT_OUTCOME_WAITING:
        return "not started yet";
    case DEPOT_OUTCOME_UNREACHED:
        return "never started";
    case DEPOT_OUTCOME_SHARED:
        return "ran once for several: another build, or another platform";
    case DEPOT_OUTCOME_RUNNING:
        return v->build->full ? "no output yet" : "";
    default:
        return v->build->full || depot_build_state_over(v->build->sum.state) ? "no output" : "";
    }
}

static void draw_rule(struct build_view *v, const struct canvas *c, const struct depot_step *s)
{
    char count[DEPOT_TEXT_MAX], text[DEPOT_TEXT_MAX * 2];
    int x = 1;
    dp_canvas_hline(c, 0, 0, c->w, DEPOT_STYLE_FAINT);
    if (s == NULL)
        return;
    const uint32_t style = depot_outcome_style(dp_graph_outcome(s));
    dp_canvas_put(c, 0, x, DEPOT_STYLE_TEXT, " ");
    x += 1;
    x += dp_canvas_glyph(c, 0, x, style, depot_outcome_sign(dp_graph_outcome(s)));
    dp_canvas_put(c, 0, x++, DEPOT_STYLE_TEXT, " ");
    depot_buf_clear(&v->text);
    if (v->graph.nlanes > 1 && *s->platform != '\0')
        depot_buf_addf(&v->text, "%s ", depot_text_platform(s->platform));
    dp_build_line_name(&v->text, s);
    int w = depot_text_width(depot_buf_str(&v->text));
    w = w > c->w / 2 ? c->w / 2 : w;
    dp_canvas_field(c, 0, x, w, FIT_LEFT, DEPOT_STYLE_STRONG, depot_buf_str(&v->text));
    x += w;
    dp_canvas_put(c, 0, x++, DEPOT_STYLE_TEXT, " ");
    snprintf(text, sizeof(text), " %s line%s%s ", depot_text_count(count, (int64_t)s->log_lines),
        s->log_lines == 1 ? "" : "s", s->log_clipped ? ", cut by the engine" : "");
    const int n = (int)strlen(text), right = c->w - 1 - n;
    if (s->log_lines > 0 && right > x)
        dp_canvas_put(c, 0, right, DEPOT_STYLE_DIM, text);
    else
        text[0] = '\0';
    if (s->parsed.ordinal > 0 && right - x > 20) {
        depot_buf_clear(&v->text);
        dp_build_instruction(&v->text, s);
        const int room = right - x - 3, need = depot_text_width(depot_buf_str(&v->text));
        w = need < room ? need : room;
        dp_canvas_field(c, 0, x, w, FIT_LEFT, DEPOT_STYLE_DIM, depot_buf_str(&v->text));
        dp_canvas_put(c, 0, x + w, DEPOT_STYLE_TEXT, " ");
    }
}

/* Where in the Dockerfile, and what the engine says of it; its end tells most. */
static void draw_error(
    struct build_view *v, const struct canvas *c, int y, const struct depot_step *s)
{
    int x = 1;
    depot_buf_clear(&v->text);
    dp_failure_place(&v->text, s);
    if (v->text.len > 0)
        x += dp_canvas_put(c, y, x, DEPOT_STYLE_FAIL, depot_buf_str(&v->text)) + 2;
    depot_buf_clear(&v->text);
    depot_text_first_line(&v->text, s->error);
    dp_canvas_field(c, y, x, c->w - 1 - x, FIT_MIDDLE, DEPOT_STYLE_ERROR, depot_buf_str(&v->text));
}

/* The lines of the Dockerfile around the one that failed. */
static void draw_excerpt(const struct canvas *c, int y, const struct depot_step *s)
{
    const struct depot_build_error *e = dp_failure_of(s);
    if (e == NULL || e->nranges == 0 || (size_t)(c->h - y) < e->nlines + 1)
        return;
    for (size_t i = 0; i < e->nlines; i++) {
        const int line = e->first_line + (int)i, at = y + 1 + (int)i;
        bool here = false;
        for (size_t k = 0; k < e->nranges; k++)
            here = here || (line >= e->ranges[k].start_line && line <= e->ranges[k].end_line);
        dp_canvas_putf(
            c, at, 1, here ? DEPOT_STYLE_FAIL : DEPOT_STYLE_FAINT, "%*d", SECONDS_W, line);
        dp_canvas_field(c, at, SECONDS_W + 2, c->w - SECONDS_W - 3, FIT_LEFT,
            here ? DEPOT_STYLE_STRONG : DEPOT_STYLE_DIM, e->lines[i]);
    }
}

void dp_build_draw_tail(struct build_view *v, const struct canvas *c)
{
    const struct depot_step *s = dp_build_selected_step(v);
    const int error = s != NULL && s->error != NULL;
    const struct canvas text = dp_canvas_sub(c, 1, 0, c->h - 1 - error, c->w);
    draw_rule(v, c, s);
    if (s == NULL)
        return;
    dp_canvas_hot(c, 0, 0, c->h, c->w, ACTION_LOG, 0, PANE_TAIL);
    int y = v->build->full ? put_log(v, &text, s) : put_kept(v, &text, s);
    if (y == 0)
        y = put_transfers(v, &text, s);
    if (y == 0)
        dp_canvas_put(&text, y++, 2, DEPOT_STYLE_DIM, no_output(v, s));
    if (error) {
        draw_error(v, c, 1 + y, s);
        draw_excerpt(c, 2 + y, s);
    }
}
