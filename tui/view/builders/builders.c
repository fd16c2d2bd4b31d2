/*
 * The builders: a card each with its machine, cache and builds; a table when there are too many for
 * cards, with the selected one's card below it.
 */
#include "tui/app/view.h"
#include "tui/widget/table.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    CARD_LEAST = 7, /* lines: name, four meters, line of builds, blank */
    CARD_DOWN = 4,
    GRAPH_TALL = 6,
    CARD_TALL =
        CARD_LEAST + 3 + GRAPH_TALL + 2, /* from here on the graph stands below the meters */
    CARD_WIDE = 74,                      /* columns a card wants */
    GRAPH_LEAST = 20,
    PLATFORMS_SAID = 8,
};

struct builders_view {
    struct view base;
    struct rows rows;
    char selected[160];
    DEPOT_VEC(struct fleet_builder *) builders; /* those that pass the filter */
    struct filter filter;
};

static struct fleet_builder *selected(const struct builders_view *v)
{
    return v->rows.selected < v->builders.len ? v->builders.items[v->rows.selected] : NULL;
}

static bool passes(struct filter *f, const struct fleet_builder *b)
{
    dp_filter_row(f);
    dp_filter_say(f, FIELD_BUILDER, b->label);
    dp_filter_say(f, FIELD_STATE, b->up ? "up" : "down");
    dp_filter_say(f, FIELD_ENGINE, b->info.engine);
    dp_filter_say(f, FIELD_VERSION, b->info.version);
    for (size_t i = 0; i < b->info.nplatforms; i++)
        dp_filter_say(f, FIELD_PLATFORM, b->info.platforms[i]);
    return dp_filter_passes(f);
}

static void builders_refresh(struct view *base)
{
    struct builders_view *v = (struct builders_view *)base;
    const struct fleet *f = dp_tui_fleet(base->tui);
    v->builders.len = 0;
    for (size_t i = 0; i < f->builders.len; i++) {
        struct fleet_builder *b = f->builders.items[i];
        if (passes(&v->filter, b))
            depot_vec_push(&v->builders, b);
    }
    for (size_t i = 0; i < v->builders.len; i++)
        if (depot_str_eq(v->builders.items[i]->label, v->selected))
            dp_rows_move(&v->rows, i);
}

/* ---- a card ---- */

/* The native one first; levels of a processor that is named already ("amd64/v3") are noise. */
static void say_platforms(const struct depot_ev_builder *i, struct depot_buf *out)
{
    int said = 0;
    for (size_t k = 0; k < i->nplatforms && said < PLATFORMS_SAID; k++) {
        const char *p = i->platforms[k];
        bool level = false;
        for (size_t m = 0; m < k; m++) {
            const size_t n = strlen(i->platforms[m]);
            level |= strncmp(p, i->platforms[m], n) == 0 && strncmp(p + n, "/v", 2) == 0;
        }
        if (level)
            continue;
        depot_buf_adds(out, said == 0 ? "" : said == 1 ? "  also " : ", ");
        depot_buf_adds(out, depot_text_platform(p));
        said++;
    }
}

static void draw_name(const struct canvas *c, const struct fleet_builder *b, bool here)
{
    const struct depot_ev_builder *i = &b->info;
    struct depot_buf t = DEPOT_BUF_INIT(4096);
    int x = TABLE_LEFT;
    if (here)
        dp_canvas_glyph(c, 0, 1, DEPOT_STYLE_TITLE, DEPOT_SIGN_CURSOR);
    x += dp_canvas_put(c, 0, x, here ? DEPOT_STYLE_TAB : DEPOT_STYLE_TITLE, b->label) + 2;
    x += dp_canvas_glyph(c, 0, x, b->up ? DEPOT_STYLE_RAN : DEPOT_STYLE_FAIL,
             b->up ? DEPOT_SIGN_RAN : DEPOT_SIGN_FAIL) +
         1;
    x += dp_canvas_put(c, 0, x, b->up ? DEPOT_STYLE_RAN : DEPOT_STYLE_FAIL, b->up ? "up" : "down") +
         2;
    say_platforms(i, &t);
    if (i->nplatforms > 0)
        x += dp_canvas_put(c, 0, x, i->emulated ? DEPOT_STYLE_WARN : DEPOT_STYLE_TEXT,
            i->emulated ? "emulated " : "native ");
    const int engine_w = c->w - x - 1 >= 60 ? 26 : 0;
    dp_canvas_field(c, 0, x, c->w - x - engine_w - 1, FIT_LEFT, DEPOT_STYLE_DIM, depot_buf_str(&t));
    depot_buf_clear(&t);
    depot_buf_addf(
        &t, "%s %s", i->engine != NULL ? i->engine : "", i->version != NULL ? i->version : "");
    if (engine_w > 0)
        dp_canvas_field(
            c, 0, c->w - engine_w - 1, engine_w, FIT_RIGHT, DEPOT_STYLE_DIM, depot_buf_str(&t));
    depot_buf_release(&t);
}

static int percent(double f)
{
    return f > 0 ? f < 10 ? (int)(f * 100 + 0.5) : 1000 : 0;
}

/* The newest samples right, one a column; a scale at the left would cost more than it tells. Colour
 * is in the tips alone: a busy hour would be a wall of it. */
static void draw_graph(const struct canvas *c, const struct fleet_builder *b)
{
    const size_t n = b->ncpu < FLEET_METRICS ? b->ncpu : FLEET_METRICS;
    const size_t shown = n < (size_t)c->w ? n : (size_t)c->w;
    dp_canvas_fill(c, c->h - 1, 0, 1, c->w, DEPOT_STYLE_FAINT, c->grid->ascii ? '_' : 0x2581);
    for (size_t k = 0; k < shown; k++) {
        const double cpu = (double)b->cpu[(b->ncpu - 1 - k) % FLEET_METRICS];
        const double tall = (cpu < 1 ? cpu : 1) * c->h;
        const int x = c->w - 1 - (int)k, full = (int)tall, rows = full + (tall > full);
        const int top = rows > 0 ? c->h - rows : c->h - 1;
        dp_bar_up(c, top, x, 1, 1, cpu * c->h - (c->h - top - 1), dp_level_style(cpu));
        dp_canvas_fill(
            c, top + 1, x, c->h - top - 1, 1, DEPOT_STYLE_FAINT, c->grid->ascii ? '|' : 0x2502);
    }
}

/* With the graph beside them, unless that stands below. */
static void draw_meters(const struct canvas *c, const struct fleet_builder *b, bool graph)
{
    const struct depot_ev_builder *i = &b->info;
    const int room = c->w - TABLE_LEFT - 1;
    graph = graph && room >= 40 + GRAPH_LEAST + 3;
    const int w = graph ? room * 55 / 100 : room;
    const int x = TABLE_LEFT, meter = w - 7 - 14;
    dp_canvas_put(c, 0, x, DEPOT_STYLE_DIM, "cpu");
    if (i->cpu >= 0) {
        char text[16];
        dp_canvas_meter(c, 0, x + 7, meter, i->cpu, dp_level_style(i->cpu));
        snprintf(text, sizeof(text), "%d%%", percent(i->cpu));
        dp_canvas_field(c, 0, x + 8 + meter, 13, FIT_RIGHT, DEPOT_STYLE_TEXT, text);
    } else {
        dp_canvas_put(c, 0, x + 7, DEPOT_STYLE_FAINT, "not known");
    }
    dp_table_amount(c, 1, x, w, "mem", i->mem_used, i->mem_total);
    dp_table_amount(c, 2, x, w, "cache", i->cache_used, i->cache_limit);
    dp_table_amount(c, 3, x, w, "disk", i->disk_used, i->disk_total);
    if (graph && b->ncpu > 0) {
        const struct canvas g = dp_canvas_sub(c, 0, x + w + 3, 4, room - w - 3);
        draw_graph(&g, b);
    }
}

/* What the builder makes of the build, or will; NULL: nothing, or it is not known. */
static const struct depot_part *part_on(const struct fleet_build *b, const char *builder)
{
    for (size_t i = 0; b->state != NULL && i < b->state->parts.len; i++)
        if (depot_str_eq(b->state->parts.items[i]->builder, builder))
            return b->state->parts.items[i];
    return NULL;
}

static bool is_on(const struct fleet_build *b, const struct fleet_builder *on)
{
    if (b->source != on->source)
        return false;
    if (b->sum.state != DEPOT_BUILD_RUNNING && b->sum.state != DEPOT_BUILD_QUEUED)
        return false;
    /* A part may be done while the build goes on elsewhere. */
    const struct depot_part *p = part_on(b, on->name);
    if (p != NULL)
        return !depot_build_state_over(p->state);
    for (size_t i = 0; i < b->sum.nbuilders; i++)
        if (depot_str_eq(b->sum.builders[i], on->name))
            return true;
    return false;
}

/* What this builder does for it: the build as a whole may be busy elsewhere. */
static const struct depot_step *step_on(const struct fleet_build *b, const char *builder)
{
    const struct depot_step *found = NULL;
    for (size_t i = 0; b->state != NULL && i < b->state->started.len; i++) {
        const struct depot_step *s = b->state->started.items[i];
        if (s->outcome != DEPOT_OUTCOME_RUNNING || s->part == NULL ||
            !depot_str_eq(s->part->builder, builder))
            continue;
        if (found == NULL ||
            (found->parsed.kind != DEPOT_STEP_BUILD && s->parsed.kind == DEPOT_STEP_BUILD))
            found = s;
    }
    return found;
}

static void say_step(const struct depot_step *s, struct depot_buf *out)
{
    if (s->parsed.stage[0] != '\0')
        depot_buf_addf(out, "%s ", s->parsed.stage);
    if (s->parsed.ordinal > 0)
        depot_buf_addf(out, "%d/%d ", s->parsed.ordinal, s->parsed.total);
    depot_buf_adds(out, s->parsed.instruction);
}

static void draw_build(const struct builders_view *v, const struct canvas *c, int y,
    const struct fleet_build *b, const char *builder)
{
    struct depot_buf text = DEPOT_BUF_INIT(64 * 1024);
    struct fleet_row row;
    char time[DEPOT_TEXT_MAX];
    int x = TABLE_LEFT;
    dp_fleet_row(dp_tui_fleet(v->base.tui), b, dp_tui_now(v->base.tui), &row);
    const struct depot_part *p = part_on(b, builder);
    const enum depot_build_state state = p != NULL ? p->state : row.state;
    const struct depot_step *s = step_on(b, builder);
    dp_canvas_glyph(c, y, x, depot_state_style(state), depot_state_sign(state));
    dp_canvas_field(
        c, y, x + 1, 5, FIT_RIGHT, DEPOT_STYLE_TEXT, depot_text_duration(time, row.elapsed, false));
    x += 7;
    const char *project = depot_str_empty(b->sum.info.project) ? b->id : b->sum.info.project;
    const int w = c->w - x >= 80 ? 16 : 12;
    dp_canvas_field(c, y, x, w, FIT_MIDDLE, DEPOT_STYLE_STRONG, project);
    x += w + 2;
    if (s != NULL)
        say_step(s, &text);
    else if (state == DEPOT_BUILD_QUEUED && p != NULL)
        dp_fleet_in_line(&text, p);
    else
        depot_buf_adds(&text, row.now);
    dp_canvas_field(c, y, x, c->w - x - 1, FIT_LEFT, DEPOT_STYLE_DIM, depot_buf_str(&text));
    depot_buf_release(&text);
}

static void draw_builds(
    const struct builders_view *v, const struct canvas *c, const struct fleet_builder *b)
{
    const struct fleet *f = dp_tui_fleet(v->base.tui);
    const struct depot_ev_builder *i = &b->info;
    int x = TABLE_LEFT, y = 1;
    size_t more = 0;
    x += dp_canvas_put(c, 0, x, DEPOT_STYLE_DIM, "builds") + 1;
    x += dp_canvas_putf(c, 0, x, i->running > 0 ? DEPOT_STYLE_TEXT : DEPOT_STYLE_DIM,
             "%d of %d running", i->running, i->capacity > 0 ? i->capacity : i->running) +
         2;
    if (i->queued > 0)
        x += dp_canvas_putf(c, 0, x, DEPOT_STYLE_WARN, "%d waiting", i->queued) + 2;
    for (size_t k = 0; k < f->builds.len; k++) {
        if (!is_on(f->builds.items[k], b))
            continue;
        if (y >= c->h)
            more++;
        else
            draw_build(v, c, y++, f->builds.items[k], b->name);
    }
    if (more > 0)
        dp_canvas_putf(c, 0, x, DEPOT_STYLE_DIM, "+%zu below", more);
}

/* At least CARD_LEAST lines; what is more goes to the builds. */
static void draw_card(const struct builders_view *v, const struct canvas *c, size_t index)
{
    const struct fleet_builder *b = v->builders.items[index];
    draw_name(c, b, index == v->rows.selected && v->builders.len > 1);
    if (b->up) {
        const int graph = b->ncpu > 0 && c->h >= CARD_TALL ? c->h - CARD_TALL + GRAPH_TALL : 0;
        const int below = graph > 0 ? graph + 2 : 0;
        const struct canvas meters = dp_canvas_sub(c, 1, 0, 4, c->w);
        const struct canvas builds = dp_canvas_sub(c, 5 + below, 0, c->h - 6 - below, c->w);
        draw_meters(&meters, b, graph == 0);
        if (graph > 0) {
            const struct canvas g =
                dp_canvas_sub(c, 6, TABLE_LEFT + 7, graph, c->w - TABLE_LEFT - 8);
            draw_graph(&g, b);
        }
        draw_builds(v, &builds, b);
    } else {
        struct depot_buf line = DEPOT_BUF_INIT(4096);
        depot_text_first_line(
            &line, b->info.reason != NULL ? b->info.reason : "no reason is known");
        dp_canvas_field(c, 1, TABLE_LEFT, c->w - TABLE_LEFT - 1, FIT_LEFT, DEPOT_STYLE_ERROR,
            depot_buf_str(&line));
        dp_canvas_field(
            c, 2, TABLE_LEFT, c->w - TABLE_LEFT - 1, FIT_MIDDLE, DEPOT_STYLE_DIM, b->info.address);
        depot_buf_release(&line);
    }
    dp_canvas_hot(c, 0, 0, c->h, c->w, ACTION_SELECT, (intptr_t)index, 1);
}

/* ---- the table, when cards do not fit ---- */

enum { COL_NAME, COL_STATE, COL_CPU, COL_MEM, COL_CACHE, COL_DISK, COL_BUILDS, COL_PLATFORM };
static const struct table_column columns[] = {
    {"BUILDER", 8, 20, 2, 0, false, -1},
    {"STATE", 6, 6, 0, 1, false, -1},
    {"CPU", 8, 24, 2, 2, false, -1},
    {"MEM", 8, 24, 2, 4, false, -1},
    {"CACHE", 8, 24, 2, 5, false, -1},
    {"DISK", 8, 24, 2, 6, false, -1},
    {"BUILDS", 9, 9, 0, 3, true, -1},
    {"PLATFORM", 8, 20, 1, 7, false, -1},
};

static void draw_share(const struct canvas *c, int y, int x, int w, double f)
{
    char text[16];
    if (f < 0) {
        dp_canvas_put(c, y, x, DEPOT_STYLE_FAINT, "-");
        return;
    }
    snprintf(text, sizeof(text), "%d%%", percent(f));
    dp_canvas_meter(c, y, x, w - 5, f, dp_level_style(f));
    dp_canvas_field(c, y, x + w - 4, 4, FIT_RIGHT, DEPOT_STYLE_TEXT, text);
}

static double share(int64_t used, int64_t total)
{
    return used >= 0 && total > 0 ? (double)used / (double)total : -1;
}

static void draw_cell(
    const struct canvas *c, int y, int x, int w, int col, const struct fleet_builder *b)
{
    const struct depot_ev_builder *i = &b->info;
    char text[48];
    switch (col) {
    case COL_NAME:
        dp_canvas_field(
            c, y, x, w, FIT_LEFT, b->up ? DEPOT_STYLE_STRONG : DEPOT_STYLE_DIM, b->label);
        break;
    case COL_STATE:
        dp_canvas_glyph(c, y, x, b->up ? DEPOT_STYLE_RAN : DEPOT_STYLE_FAIL,
            b->up ? DEPOT_SIGN_RAN : DEPOT_SIGN_FAIL);
        dp_canvas_put(
            c, y, x + 2, b->up ? DEPOT_STYLE_RAN : DEPOT_STYLE_FAIL, b->up ? "up" : "down");
        break;
    case COL_CPU:
        draw_share(c, y, x, w, b->up ? i->cpu : -1);
        break;
    case COL_MEM:
        draw_share(c, y, x, w, b->up ? share(i->mem_used, i->mem_total) : -1);
        break;
    case COL_CACHE:
        draw_share(c, y, x, w, b->up ? share(i->cache_used, i->cache_limit) : -1);
        break;
    case COL_DISK:
        draw_share(c, y, x, w, b->up ? share(i->disk_used, i->disk_total) : -1);
        break;
    case COL_BUILDS:
        snprintf(text, sizeof(text), i->queued > 0 ? "%d/%d +%d" : "%d/%d", i->running, i->capacity,
            i->queued);
        dp_canvas_field(
            c, y, x, w, FIT_RIGHT, i->queued > 0 ? DEPOT_STYLE_WARN : DEPOT_STYLE_TEXT, text);
        break;
    default:
        snprintf(text, sizeof(text), "%s%s",
            i->nplatforms > 0 ? depot_text_platform(i->platforms[0]) : "",
            i->emulated ? " emulated" : "");
        dp_canvas_field(
            c, y, x, w, FIT_LEFT, i->emulated ? DEPOT_STYLE_WARN : DEPOT_STYLE_DIM, text);
        break;
    }
}

static void draw_list(struct builders_view *v, const struct canvas *c)
{
    int widths[DEPOT_ARRAY_LEN(columns)];
    dp_table_widths(columns, DEPOT_ARRAY_LEN(columns), c->w - TABLE_LEFT - 2, widths);
    dp_table_heads(c, 0, columns, DEPOT_ARRAY_LEN(columns), widths, -2, false);
    dp_rows_layout(&v->rows, v->builders.len, c->h - 1);
    dp_canvas_hot(c, 0, 0, c->h, c->w, ACTION_NONE, 0, 1);
    for (int y = 1; y < c->h; y++) {
        const size_t index = v->rows.top + (size_t)y - 1;
        int x = TABLE_LEFT;
        if (index >= v->builders.len)
            break;
        for (size_t i = 0; i < DEPOT_ARRAY_LEN(columns); i++) {
            if (widths[i] == 0)
                continue;
            draw_cell(c, y, x, widths[i], (int)i, v->builders.items[index]);
            x += widths[i] + TABLE_GAP;
        }
        if (index == v->rows.selected)
            dp_canvas_paint(c, y, 0, 1, c->w, DEPOT_STYLE_SELECTED);
        dp_canvas_hot(c, y, 0, 1, c->w, ACTION_SELECT, (intptr_t)index, 1);
    }
    dp_rows_scrollbar(&v->rows, c, 1, c->w - 1, c->h - 1);
}

/* ---- both ---- */

static int builds_on(const struct builders_view *v, const struct fleet_builder *b)
{
    const struct fleet *f = dp_tui_fleet(v->base.tui);
    int n = 0;
    for (size_t i = 0; i < f->builds.len; i++)
        n += is_on(f->builds.items[i], b);
    return n;
}

/* What the cards of one line of them want: meters and builds, or the reason why it is down; with
 * the tall graph when there is room for that in all of them. */
static int line_height(const struct builders_view *v, size_t first, int cols, int most)
{
    int h = 0;
    for (size_t i = first; i < first + (size_t)cols && i < v->builders.len; i++) {
        const struct fleet_builder *b = v->builders.items[i];
        int want = b->up ? CARD_LEAST + builds_on(v, b) : CARD_DOWN;
        if (b->up && b->ncpu > 0 && most >= CARD_TALL)
            want = most < CARD_TALL + 4 ? most : CARD_TALL + 4;
        h = want > h ? want : h;
    }
    return h;
}

static void draw_cards(struct builders_view *v, const struct canvas *c, int cols, int most)
{
    const int w = c->w / cols;
    int y = 0;
    dp_rows_layout(&v->rows, v->builders.len, (int)v->builders.len);
    for (size_t i = 0; i < v->builders.len; i += (size_t)cols) {
        int h = line_height(v, i, cols, most);
        h = h > most ? most : h;
        for (int k = 0; k < cols && i + (size_t)k < v->builders.len; k++) {
            const struct canvas card = dp_canvas_sub(c, y, k * w, h, w - (cols > 1 ? 2 : 0));
            draw_card(v, &card, i + (size_t)k);
        }
        y += h;
    }
}

static void builders_draw(struct view *base, const struct canvas *whole)
{
    struct builders_view *v = (struct builders_view *)base;
    const int n = (int)v->builders.len;
    const struct canvas c = dp_canvas_sub(whole, 1, 0, whole->h - 1, whole->w);
    if (n == 0) {
        dp_canvas_put(&c, 1, TABLE_LEFT, DEPOT_STYLE_DIM,
            v->filter.on ? "no builder passes the filter" : "no builder is known yet");
        return;
    }
    int cols = c.w / CARD_WIDE;
    cols = cols < 1 ? 1 : cols > n ? n : cols;
    const int lines = (n + cols - 1) / cols;
    const int card_h = (c.h + 1) / lines; /* the last needs no blank line below it */
    if (card_h >= CARD_LEAST) {
        draw_cards(v, &c, cols, card_h);
        return;
    }
    const int below = c.h >= CARD_LEAST + 6 ? CARD_LEAST + (c.h - CARD_LEAST - 6) / 3 : 0;
    const struct canvas list = dp_canvas_sub(&c, 0, 0, c.h - below, c.w);
    draw_list(v, &list);
    if (below > 0 && selected(v) != NULL) {
        const struct canvas card = dp_canvas_sub(&c, c.h - below + 1, 0, below, c.w);
        dp_canvas_hline(&c, c.h - below, 0, c.w, DEPOT_STYLE_FAINT);
        draw_card(v, &card, v->rows.selected);
    }
}

/* ---- the rest ---- */

static enum view_result builders_action(struct view *base, enum action a, intptr_t arg)
{
    struct builders_view *v = (struct builders_view *)base;
    if (a == ACTION_NEXT || a == ACTION_RIGHT)
        a = ACTION_DOWN;
    else if (a == ACTION_PREV || a == ACTION_LEFT)
        a = ACTION_UP;
    const struct fleet_builder *b = selected(v);
    if (dp_rows_action(&v->rows, a, arg)) {
        b = selected(v);
        snprintf(v->selected, sizeof(v->selected), "%s", b != NULL ? b->label : "");
        return VIEW_HANDLED;
    }
    if (b == NULL || (a != ACTION_OPEN && a != ACTION_CACHE && a != ACTION_COPY))
        return VIEW_IGNORED;
    if (a == ACTION_COPY)
        dp_tui_copy(base->tui, b->label, strlen(b->label));
    else
        dp_tui_push(base->tui, VIEW_CACHE, b->label);
    return VIEW_HANDLED;
}

static const char *builders_no_row(const struct view *base)
{
    return selected((const struct builders_view *)base) == NULL ? "no builder is selected" : NULL;
}

static int builders_filter(struct view *base, const char *text, bool done, struct depot_error *err)
{
    DEPOT_UNUSED(done);
    return dp_filter_set(&((struct builders_view *)base)->filter, text, err);
}

static void builders_close(struct view *base)
{
    struct builders_view *v = (struct builders_view *)base;
    depot_vec_free(&v->builders);
    dp_filter_release(&v->filter);
}

static void builders_title(struct view *base, struct depot_buf *left, struct depot_buf *right)
{
    const struct builders_view *v = (const struct builders_view *)base;
    const struct fleet *f = dp_tui_fleet(base->tui);
    size_t up = 0;
    int running = 0, queued = 0;
    for (size_t i = 0; i < f->builders.len; i++) {
        up += f->builders.items[i]->up;
        running += f->builders.items[i]->info.running;
        queued += f->builders.items[i]->info.queued;
    }
    depot_buf_adds(left, "builders");
    if (v->filter.on)
        depot_buf_addf(left, " /%s", v->filter.text);
    depot_buf_addf(right, "%zu of %zu up  %d running", up, f->builders.len, running);
    if (queued > 0)
        depot_buf_addf(right, "  %d waiting", queued);
}

static depot_time builders_wake(struct view *base)
{
    const struct fleet *f = dp_tui_fleet(base->tui);
    const depot_time now = dp_tui_now(base->tui);
    for (size_t i = 0; i < f->builders.len; i++)
        if (f->builders.items[i]->info.running > 0)
            return now - now % DEPOT_SEC + DEPOT_SEC;
    return 0;
}

static const enum action builders_hints[] = {
    ACTION_OPEN, ACTION_CACHE, ACTION_FILTER, ACTION_HISTORY, ACTION_NONE};

static const struct view_note builders_notes[] = {
    {"filter", FILTER_NOTE "builder: state: platform: engine:"},
    {"cpu, mem", "of the whole machine under the engine; not known for engines elsewhere"},
    {"disk", "the file system that holds the engine's data"},
    {"cache", "of what the engine's garbage collection lets it grow to"},
    {"emulated", "even its first platform runs under emulation there"}, {NULL, NULL}};

const struct view_ops view_builders = {
    .id = VIEW_BUILDERS,
    .size = sizeof(struct builders_view),
    .close = builders_close,
    .refresh = builders_refresh,
    .draw = builders_draw,
    .action = builders_action,
    .title = builders_title,
    .hints = builders_hints,
    .no_row = builders_no_row,
    .filter = builders_filter,
    .wake = builders_wake,
    .notes = builders_notes,
};
