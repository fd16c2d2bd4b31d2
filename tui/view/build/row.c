/*
 * One row of the build view: rails and a label, then for each lane a state, a bar and a time.
 */
#include "build_priv.h"
#include "tui/widget/step.h"

#include <stdio.h>

enum { STAGE_BARS_MAX = 4000, LAG_PERCENT = 20 };
#define SHORT (DEPOT_SEC / 20) /* told faintly, or not at all */

/* ---- times ---- */

static bool is_over(enum depot_outcome outcome)
{
    return outcome != DEPOT_OUTCOME_WAITING && outcome != DEPOT_OUTCOME_RUNNING &&
           outcome != DEPOT_OUTCOME_UNREACHED;
}

/* Ns that the item took on a lane; -1: it did not start. *over: it will not grow. */
static int64_t time_taken(
    const struct build_view *v, const struct build_item *it, size_t lane, bool *over)
{
    *over = false;
    if (it->line != SIZE_MAX) {
        const struct depot_step *s = dp_graph_cell(&v->graph, it->line, lane);
        size_t n;
        if (s == NULL)
            return -1;
        dp_graph_intervals(s, &n);
        *over = is_over(dp_graph_outcome(s));
        return n > 0 ? dp_graph_duration(s, v->now) : -1;
    }
    const struct graph_sum *sum = dp_graph_sum(&v->graph, it->stage, lane);
    *over = sum->lines > 0 && sum->done == sum->lines;
    if (sum->started == 0)
        return -1;
    return sum->open != NULL ? sum->busy + dp_graph_duration(sum->open, v->now) : sum->busy;
}

/* The slowest lane of an item, by how much, and what the fastest took; false: they do not differ.
 */
static bool find_lag(const struct build_view *v, const struct build_item *it, size_t *lane,
    int64_t *by, int64_t *fastest)
{
    int64_t least = INT64_MAX, most = -1;
    for (size_t i = 0; i < v->graph.nlanes; i++) {
        bool over;
        const int64_t took = time_taken(v, it, i, &over);
        if (over && took >= 0 && took < least)
            least = took;
        if (took > most) {
            most = took;
            *lane = i;
        }
    }
    if (least == INT64_MAX || most <= least)
        return false;
    *by = most - least;
    *fastest = least;
    return *by >= DEPOT_SEC / 10 && *by > least / 100 * LAG_PERCENT;
}

static bool is_slow(
    const struct build_view *v, const struct build_item *it, size_t lane, int64_t fastest)
{
    bool over;
    const int64_t more = time_taken(v, it, lane, &over) - fastest;
    return over && more >= DEPOT_SEC && more > fastest / 100 * LAG_PERCENT;
}

/* ---- rails ---- */

static uint32_t rail_char(bool ascii, unsigned bits)
{
    /* By RAIL_UP, RAIL_DOWN, RAIL_LEFT, RAIL_RIGHT. */
    static const uint16_t utf8[] = {' ', 0x2502, 0x2502, 0x2502, 0x2500, 0x256f, 0x256e, 0x2524,
        0x2500, 0x2570, 0x256d, 0x251c, 0x2500, 0x2534, 0x252c, 0x253c};
    static const char plain[] = {
        ' ', '|', '|', '|', '-', '\'', '.', '+', '-', '`', '.', '+', '-', '+', '+', '+'};
    if (bits & RAIL_OVER)
        bits &=
            RAIL_UP | RAIL_DOWN ? (bits & (RAIL_UP | RAIL_DOWN) ? RAIL_UP | RAIL_DOWN : 15u) : 0;
    bits &= 15;
    return ascii ? (uint32_t)(unsigned char)plain[bits] : utf8[bits];
}

static void draw_rails(
    const struct build_view *v, const struct canvas *c, int y, const struct build_item *it)
{
    const struct graph_stage *st = &v->graph.stages.items[it->stage];
    const bool own = it->kind == ITEM_STAGE;
    const unsigned char *cells = own ? st->rail : st->below;
    const uint32_t style = v->moved && st->related ? DEPOT_STYLE_DIM : DEPOT_STYLE_FAINT;
    int w = v->cols.rails - 1;
    w = w > GRAPH_RAIL_W ? GRAPH_RAIL_W : w;
    const bool rails = w > 1 || v->graph.columns <= 1;
    for (int x = 0; x < w; x++) {
        if ((cells[x] & RAIL_NODE) || !rails)
            continue;
        if (cells[x] != 0)
            dp_canvas_fill(c, y, 1 + x, 1, 1, style, rail_char(c->grid->ascii, cells[x]));
    }
    if (!own)
        return;
    const size_t lane = dp_build_item_lane(v, it);
    const enum depot_outcome outcome = dp_graph_sum(&v->graph, it->stage, lane)->outcome;
    const int column = rails ? st->column : 0;
    if (st->column >= 0 && column < GRAPH_RAILS && 2 * column < w)
        dp_canvas_glyph(c, y, 1 + 2 * column, depot_outcome_style(outcome), DEPOT_SIGN_NODE);
    else if (st->hidden > 0 && w >= 3)
        dp_canvas_putf(c, y, w - 2, DEPOT_STYLE_DIM, "+%u", st->hidden);
}

/* ---- the label ---- */

static uint32_t name_style(const struct build_view *v, const struct build_item *it, bool stage)
{
    const struct graph_stage *st = &v->graph.stages.items[it->stage];
    if (st->kind == GRAPH_INTERNAL || st->kind == GRAPH_EXPORT)
        return DEPOT_STYLE_DIM;
    if (v->moved && v->choice.stage != UINT32_MAX && !st->related)
        return DEPOT_STYLE_DIM;
    return stage ? DEPOT_STYLE_STRONG : DEPOT_STYLE_TEXT;
}

/* The step whose words stand for the item on all lanes. */
static const struct depot_step *speaker(const struct build_view *v, const struct build_item *it)
{
    const struct depot_step *s = dp_build_item_step(v, it, dp_build_item_lane(v, it));
    for (size_t i = 0; s == NULL && i < v->graph.nlanes; i++)
        s = dp_build_item_step(v, it, i);
    return s;
}

/* Instruction and what it moves, in what is left of the label. */
static void put_words(struct build_view *v, const struct canvas *c, int y, int x, int w,
    uint32_t style, const struct depot_step *s)
{
    struct depot_buf *t = &v->text;
    if (s == NULL || w < 4)
        return;
    int moves = 0;
    for (int rate = 1; rate >= 0 && (moves == 0 || moves + 10 > w); rate--) {
        depot_buf_clear(t);
        dp_build_moves(t, s, v->now, rate);
        moves = depot_text_width(depot_buf_str(t));
    }
    if (moves > 0 && moves + 10 <= w) {
        dp_canvas_put(c, y, x + w - moves, DEPOT_STYLE_DIM, t->data);
        w -= moves + 2;
    }
    depot_buf_clear(t);
    dp_build_instruction(t, s);
    const size_t word = strcspn(depot_buf_str(t), " ");
    dp_canvas_field(c, y, x, w, FIT_LEFT, style, depot_buf_str(t));
    if (s->parsed.kind == DEPOT_STEP_BUILD && word < 12 && style == DEPOT_STYLE_TEXT)
        dp_canvas_paint(c, y, x, 1, (int)word < w ? (int)word : w, DEPOT_STYLE_DIM);
}

static void stage_label(
    struct build_view *v, const struct canvas *c, int y, const struct build_item *it)
{
    const struct build_columns *k = &v->cols;
    const struct graph_stage *st = &v->graph.stages.items[it->stage];
    const struct graph_sum *sum = dp_graph_sum(&v->graph, it->stage, dp_build_item_lane(v, it));
    const char *name = *st->name != '\0' ? st->name : "Dockerfile";
    int x = k->label_x;
    char count[DEPOT_TEXT_MAX];
    if (st->nlines > 1)
        dp_canvas_glyph(c, y, x, DEPOT_STYLE_FAINT,
            dp_graph_is_open(&v->graph, it->stage) ? DEPOT_SIGN_OPEN : DEPOT_SIGN_FOLDED);
    x += 2;
    snprintf(count, sizeof(count), "%u/%u", sum->done, sum->lines);
    const int count_w = (int)strlen(count), end = k->label_x + k->label_w;
    int name_w = k->name_w;
    if (st->kind == GRAPH_CHAIN) { /* an instruction, not a name */
        const int w = end - x - (st->nlines > 1 ? count_w + 2 : 0);
        dp_canvas_field(c, y, x, w, FIT_LEFT, name_style(v, it, true), name);
        if (st->nlines > 1)
            dp_canvas_put(c, y, end - count_w, DEPOT_STYLE_DIM, count);
        return;
    }
    if (name_w > k->label_w - 3 - count_w)
        name_w = k->label_w - 3 - count_w;
    dp_canvas_field(c, y, x, name_w, FIT_MIDDLE, name_style(v, it, true), name);
    x += name_w + 1;
    dp_canvas_put(c, y, x, DEPOT_STYLE_DIM, count);
    x += count_w + 2;
    const struct depot_step *s = st->nlines == 1 ? speaker(v, it) : sum->open;
    if (st->kind == GRAPH_INTERNAL && s == NULL && end - x >= 12) {
        depot_buf_clear(&v->text);
        dp_build_context(v, &v->text, dp_build_item_lane(v, it));
        dp_canvas_field(c, y, x, end - x, FIT_LEFT, DEPOT_STYLE_DIM, depot_buf_str(&v->text));
    }
    if (st->nlines == 1 || !dp_graph_is_open(&v->graph, it->stage))
        put_words(
            v, c, y, x, end - x, st->nlines == 1 ? name_style(v, it, false) : DEPOT_STYLE_DIM, s);
}

static void line_label(
    struct build_view *v, const struct canvas *c, int y, const struct build_item *it)
{
    const struct build_columns *k = &v->cols;
    const struct graph_line *l = &v->graph.lines.items[it->line];
    const struct depot_step *s = speaker(v, it);
    int x = k->label_x + (k->label_w < 40 ? 2 : 4);
    const int end = k->label_x + k->label_w;
    if (s == NULL)
        return;
    if (l->ordinal > 0) {
        int w = dp_canvas_putf(c, y, x, DEPOT_STYLE_DIM, "%d/%d", l->ordinal, s->parsed.total);
        x += w < 3 ? 4 : w + 1;
    }
    put_words(v, c, y, x, end - x, name_style(v, it, false), s);
}

/* ---- a lane ---- */

static enum bar bar_of(enum depot_outcome outcome, bool slow)
{
    static const unsigned char map[] = {
        [DEPOT_OUTCOME_WAITING] = BAR_WAITED,
        [DEPOT_OUTCOME_RUNNING] = BAR_RUNNING,
        [DEPOT_OUTCOME_HIT] = BAR_CACHED,
        [DEPOT_OUTCOME_SKIPPED] = BAR_NONE,
        [DEPOT_OUTCOME_RAN] = BAR_RAN,
        [DEPOT_OUTCOME_FAILED] = BAR_FAILED,
        [DEPOT_OUTCOME_CANCELLED] = BAR_CANCELLED,
        [DEPOT_OUTCOME_SHARED] = BAR_SHARED,
        [DEPOT_OUTCOME_UNREACHED] = BAR_NONE,
    };
    _Static_assert(DEPOT_ARRAY_LEN(map) == DEPOT_OUTCOME_COUNT, "every outcome has a bar");
    return slow && outcome == DEPOT_OUTCOME_RAN ? BAR_SLOW : (enum bar)map[outcome];
}

static void add_step_bar(struct build_view *v, const struct depot_step *s, bool slow)
{
    size_t n;
    const struct depot_interval *iv = dp_graph_intervals(s, &n);
    const enum depot_outcome outcome = dp_graph_outcome(s);
    for (size_t i = 0; i < n; i++) {
        const bool open = iv[i].stop == 0;
        dp_bars_add(&v->bars, iv[i].start, open ? v->now : iv[i].stop,
            bar_of(open && outcome != DEPOT_OUTCOME_CANCELLED ? DEPOT_OUTCOME_RUNNING : outcome,
                slow));
    }
}

/* It could have started, but the engine served something else first. */
static void add_waited(struct build_view *v, const struct depot_step *s)
{
    depot_time ready = 0;
    size_t n;
    const struct depot_interval *iv = dp_graph_intervals(s, &n);
    const enum depot_outcome outcome = dp_graph_outcome(s);
    if (n == 0 || (outcome != DEPOT_OUTCOME_RAN && outcome != DEPOT_OUTCOME_RUNNING))
        return;
    for (size_t i = 0; i < s->ninputs; i++)
        if (s->inputs[i]->completed > ready)
            ready = s->inputs[i]->completed;
    if (ready != 0 && iv[0].start > ready &&
        dp_timeline_at(&v->axis, iv[0].start) > dp_timeline_at(&v->axis, ready) + 1)
        dp_bars_add(&v->bars, ready, iv[0].start, BAR_WAITED);
}

/* Until when it runs if it takes as long as it usually does. */
static void add_expected(struct build_view *v, const struct depot_step *s)
{
    struct step_stats stats;
    if (s->outcome != DEPOT_OUTCOME_RUNNING || s->started == 0 ||
        !dp_fleet_step_stats(dp_tui_fleet(v->base.tui), v->build, s, &stats) || stats.runs == 0)
        return;
    if (s->started + stats.median > v->now)
        dp_bars_add(&v->bars, v->now, s->started + stats.median, BAR_WAITED);
}

static void draw_bar(struct build_view *v, const struct canvas *c, int y, int x,
    const struct build_item *it, size_t lane, bool slow)
{
    const struct graph_stage *st = &v->graph.stages.items[it->stage];
    dp_bars_start(&v->bars, &v->axis);
    dp_timeline_guides(&v->axis, c, y, x, 0);
    if (it->line != SIZE_MAX) {
        const struct depot_step *s = dp_graph_cell(&v->graph, it->line, lane);
        if (s != NULL) {
            add_step_bar(v, s, slow);
            add_waited(v, s);
            add_expected(v, s);
        }
    } else if (st->nlines > STAGE_BARS_MAX) {
        const struct graph_sum *sum = dp_graph_sum(&v->graph, it->stage, lane);
        if (sum->started != 0)
            dp_bars_add(&v->bars, sum->started, sum->completed != 0 ? sum->completed : v->now,
                bar_of(sum->outcome, slow));
    } else {
        for (size_t i = st->line; i < st->line + st->nlines; i++) {
            const struct depot_step *s = dp_graph_cell(&v->graph, i, lane);
            if (s != NULL)
                add_step_bar(v, s, slow);
        }
    }
    dp_bars_draw(&v->bars, c, y, x);
}

static enum depot_outcome outcome_of(
    const struct build_view *v, const struct build_item *it, size_t lane)
{
    if (it->line == SIZE_MAX)
        return dp_graph_sum(&v->graph, it->stage, lane)->outcome;
    const struct depot_step *s = dp_graph_cell(&v->graph, it->line, lane);
    return s != NULL ? dp_graph_outcome(s) : DEPOT_OUTCOME_UNREACHED;
}

static bool is_critical(const struct build_view *v, const struct build_item *it, size_t lane)
{
    if (it->line == SIZE_MAX)
        return dp_graph_sum(&v->graph, it->stage, lane)->critical;
    const struct depot_step *s = dp_graph_cell(&v->graph, it->line, lane);
    return s != NULL && s->critical;
}

static void draw_state(
    struct build_view *v, const struct canvas *c, int y, int x, enum depot_outcome outcome)
{
    const uint32_t style = depot_outcome_style(outcome);
    if (outcome == DEPOT_OUTCOME_UNREACHED)
        return;
    dp_canvas_glyph(c, y, x, style, depot_outcome_sign(outcome));
    if (v->cols.state_w > 2)
        dp_canvas_put(c, y, x + 2, style, depot_outcome_word(outcome));
}

static bool is_missing(const struct build_view *v, const struct build_item *it, size_t lane)
{
    if (it->line != SIZE_MAX)
        return dp_graph_cell(&v->graph, it->line, lane) == NULL;
    return dp_graph_sum(&v->graph, it->stage, lane)->lines == 0;
}

/* In place of a bar: what a step waits for. */
static void draw_waiting(struct build_view *v, const struct canvas *c, int y, int x, int w,
    const struct build_item *it, size_t lane)
{
    depot_buf_clear(&v->text);
    dp_build_waits_for(v, &v->text, it, lane);
    if (v->text.len == 0 || w < 8)
        return;
    char *what = depot_asprintf("for %s ", v->text.data);
    dp_canvas_field(c, y, x, w, FIT_LEFT, DEPOT_STYLE_DIM, what);
    depot_free(what);
}

static void draw_lane(struct build_view *v, const struct canvas *c, int y, int x,
    const struct build_item *it, size_t lane, bool slow)
{
    const struct build_columns *k = &v->cols;
    char text[DEPOT_TEXT_MAX];
    bool over;
    if (is_missing(v, it, lane)) {
        if (v->graph.stages.items[it->stage].kind <= GRAPH_CHAIN && v->begun[lane])
            dp_canvas_field(c, y, x + k->state_w, k->bar_w, FIT_LEFT, DEPOT_STYLE_FAINT,
                "not on this platform");
        return;
    }
    const enum depot_outcome outcome = outcome_of(v, it, lane);
    const int64_t took = time_taken(v, it, lane, &over);
    if (is_critical(v, it, lane) && took >= SHORT)
        dp_canvas_glyph(c, y, x - 1, DEPOT_STYLE_CRITICAL, DEPOT_SIGN_CRITICAL);
    draw_state(v, c, y, x, outcome);
    if (k->bar_w > 0)
        draw_bar(v, c, y, x + k->state_w, it, lane, slow);
    if (took < 0 && outcome == DEPOT_OUTCOME_WAITING)
        draw_waiting(v, c, y, x + k->state_w, k->bar_w, it, lane);
    if (took < 0 && outcome == DEPOT_OUTCOME_UNREACHED)
        dp_canvas_put(c, y, x, DEPOT_STYLE_FAINT, k->state_w > 2 ? "never started " : "-");
    const bool cached = outcome == DEPOT_OUTCOME_HIT || outcome == DEPOT_OUTCOME_SKIPPED;
    if (took < 0 || (took < SHORT && cached))
        return;
    const uint32_t style = slow ? DEPOT_STYLE_WARN
                           : outcome == DEPOT_OUTCOME_RUNNING || outcome == DEPOT_OUTCOME_FAILED
                               ? depot_outcome_style(outcome)
                           : cached || took < SHORT ? DEPOT_STYLE_FAINT
                                                    : DEPOT_STYLE_TEXT;
    dp_canvas_field(c, y, x + k->state_w + k->bar_w, k->time_w, FIT_RIGHT, style,
        depot_text_duration(text, took, true));
}

static void draw_lag(
    struct build_view *v, const struct canvas *c, int y, size_t lane, int64_t by, bool named)
{
    char text[DEPOT_TEXT_MAX], what[DEPOT_TEXT_MAX + 40];
    snprintf(what, sizeof(what), "%.20s%s+%s",
        named ? depot_text_platform(v->graph.lanes[lane]) : "", named ? " " : "",
        depot_text_duration(text, by, true));
    dp_canvas_field(c, y, v->cols.lag_x, v->cols.lag_w, FIT_RIGHT,
        by >= DEPOT_SEC ? DEPOT_STYLE_WARN : DEPOT_STYLE_DIM, what);
}

void dp_build_draw_item(struct build_view *v, const struct canvas *c, int y, size_t index)
{
    const struct build_item *it = &v->list.items[index];
    const struct build_columns *k = &v->cols;
    const bool stacked = it->lane != UINT32_MAX;
    size_t slowest = SIZE_MAX;
    int64_t by = 0, least = 0;
    const bool lag = v->graph.nlanes > 1 && find_lag(v, it, &slowest, &by, &least);
    draw_rails(v, c, y, it);
    if (it->kind == ITEM_STAGE)
        stage_label(v, c, y, it);
    else
        line_label(v, c, y, it);
    for (size_t i = 0; i < (stacked ? 1 : k->nlanes); i++) {
        const size_t lane = stacked ? it->lane : k->lanes[i];
        draw_lane(v, c, y, k->lane_x[i], it, lane, lag && is_slow(v, it, lane, least));
    }
    if (lag && k->lag_w > 0 && (!stacked || slowest == it->lane))
        draw_lag(v, c, y, slowest, by, !stacked);
}

/* ---- the flat table ---- */

enum { FLAT_STATE, FLAT_PLATFORM, FLAT_STEP, FLAT_WHAT, FLAT_START, FLAT_TIME, FLAT_SHARE, FLAT_N };

enum { FLAT_STEP_MIN = 10, FLAT_STEP_FITS = 72 };

static const struct table_column flat_columns[FLAT_N] = {
    [FLAT_STATE] = {.title = "STATE", .min = 6, .max = 6, .rank = 0, .sort = -1},
    [FLAT_PLATFORM] = {.title = "PLATFORM", .min = 8, .max = 14, .rank = 2, .sort = -1},
    [FLAT_STEP] =
        {.title = "STEP", .min = FLAT_STEP_MIN, .max = FLAT_STEP_MIN, .rank = 1, .sort = -1},
    [FLAT_WHAT] =
        {.title = "INSTRUCTION", .min = 12, .max = 200, .spread = 3, .rank = 3, .sort = -1},
    [FLAT_START] = {.title = "START", .min = 6, .max = 8, .rank = 5, .right = true, .sort = -1},
    [FLAT_TIME] = {.title = "TIME", .min = 7, .max = 8, .rank = 0, .right = true, .sort = -1},
    [FLAT_SHARE] = {.title = "SHARE", .min = 10, .max = 60, .spread = 1, .rank = 4, .sort = -1},
};

/* The last column of the screen is the scroll bar's. */
static void flat_widths(const struct build_view *v, int w, int widths[FLAT_N])
{
    struct table_column cols[FLAT_N];
    memcpy(cols, flat_columns, sizeof(cols));
    /* The stage and " 3/12". */
    if (w >= FLAT_STEP_FITS && v->cols.name_w + 5 > FLAT_STEP_MIN)
        cols[FLAT_STEP].min = cols[FLAT_STEP].max = v->cols.name_w + 5;
    dp_table_widths(cols, FLAT_N, w - TABLE_LEFT - 1, widths);
}

void dp_build_flat_heads(const struct build_view *v, const struct canvas *c, int y)
{
    int widths[FLAT_N];
    flat_widths(v, c->w, widths);
    dp_table_heads(c, y, flat_columns, FLAT_N, widths, -1, false);
}

static void flat_cell(struct build_view *v, const struct canvas *c, int y, int x, int w, int column,
    const struct build_item *it, const struct depot_step *s)
{
    const enum depot_outcome outcome = dp_graph_outcome(s);
    const uint32_t style = depot_outcome_style(outcome);
    struct depot_buf *t = &v->text;
    char text[DEPOT_TEXT_MAX];
    size_t n;
    const struct depot_interval *iv = dp_graph_intervals(s, &n);
    const int64_t took = n > 0 ? dp_graph_duration(s, v->now) : -1;
    depot_buf_clear(t);
    switch (column) {
    case FLAT_STATE:
        dp_canvas_glyph(c, y, x, style, depot_outcome_sign(outcome));
        dp_canvas_put(c, y, x + 2, style, depot_outcome_word(outcome));
        break;
    case FLAT_PLATFORM:
        dp_canvas_field(
            c, y, x, w, FIT_LEFT, DEPOT_STYLE_TEXT, depot_text_platform(v->graph.lanes[it->lane]));
        break;
    case FLAT_STEP:
        if (s->parsed.ordinal > 0)
            dp_build_line_name(t, s);
        else
            depot_buf_adds(t, v->graph.stages.items[it->stage].kind == GRAPH_CHAIN
                                  ? ""
                                  : v->graph.stages.items[it->stage].name);
        dp_canvas_field(c, y, x, w, FIT_MIDDLE, DEPOT_STYLE_STRONG, depot_buf_str(t));
        break;
    case FLAT_WHAT:
        put_words(v, c, y, x, w, DEPOT_STYLE_TEXT, s);
        break;
    case FLAT_START:
        if (n > 0)
            dp_canvas_field(c, y, x, w, FIT_RIGHT, DEPOT_STYLE_DIM,
                depot_text_duration(text, depot_time_between(v->axis.start, iv[0].start), true));
        break;
    case FLAT_TIME:
        if (took >= SHORT || (took >= 0 && outcome == DEPOT_OUTCOME_RAN))
            dp_canvas_field(c, y, x, w, FIT_RIGHT,
                took > v->axis.span / 20 ? DEPOT_STYLE_STRONG : DEPOT_STYLE_DIM,
                depot_text_duration(text, took, true));
        break;
    case FLAT_SHARE:
        if (took >= SHORT)
            dp_canvas_meter(c, y, x, w, (double)took / (double)v->axis.span, style);
        break;
    default:
        break;
    }
}

void dp_build_draw_flat(struct build_view *v, const struct canvas *c, int y, size_t index)
{
    const struct build_item *it = &v->list.items[index];
    const struct depot_step *s = dp_graph_cell(&v->graph, it->line, it->lane);
    int widths[FLAT_N], x = TABLE_LEFT;
    if (s == NULL)
        return;
    flat_widths(v, c->w, widths);
    if (s->critical)
        dp_canvas_glyph(c, y, 1, DEPOT_STYLE_CRITICAL, DEPOT_SIGN_CRITICAL);
    for (int i = 0; i < FLAT_N; i++) {
        if (widths[i] == 0)
            continue;
        flat_cell(v, c, y, x, widths[i], i, it, s);
        x += widths[i] + TABLE_GAP;
    }
}
