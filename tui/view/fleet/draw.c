/*
 * How the fleet view looks: meters, tabs, the table whose columns the width chooses.
 */
#include "fleet_priv.h"

#include <depot/utf8.h>

#include <stdio.h>

enum {
    WIDE = 150,   /* detail stands beside the table */
    NARROW = 110, /* ids are cut */
    DETAIL_MIN_H = 17,
    DETAIL_LINES = 6,
    GAP = 2,
};

/* ---- builders ---- */

static uint32_t level(double fraction)
{
    return fraction >= 0.95  ? DEPOT_STYLE_METER_FULL
           : fraction >= 0.8 ? DEPOT_STYLE_METER_HIGH
                             : DEPOT_STYLE_METER;
}

/* "mem ━━━━──── 9.1G/32G"; returns columns. */
static int draw_amount(
    const struct canvas *c, int y, int x, const char *name, int meter, int64_t used, int64_t total)
{
    char text[DEPOT_TEXT_MAX];
    const int start = x;
    if (used < 0)
        return 0;
    x += dp_canvas_put(c, y, x, DEPOT_STYLE_DIM, name) + 1;
    if (total > 0) {
        const double f = (double)used / (double)total;
        dp_canvas_meter(c, y, x, meter, f, level(f));
        x += meter + 1;
    }
    dp_canvas_field(c, y, x, 11, FIT_LEFT, DEPOT_STYLE_TEXT, depot_text_share(text, used, total));
    return x + 11 + GAP - start;
}

static void draw_builder(const struct canvas *c, int y, const struct fleet_builder *b, int name_w)
{
    const struct depot_ev_builder *i = &b->info;
    int x = 1;
    dp_canvas_field(
        c, y, x, name_w, FIT_MIDDLE, b->up ? DEPOT_STYLE_STRONG : DEPOT_STYLE_DIM, b->label);
    x += name_w + GAP;
    if (!b->up) {
        x += dp_canvas_glyph(c, y, x, DEPOT_STYLE_FAIL, DEPOT_SIGN_FAIL) + 1;
        dp_canvas_put(c, y, x, DEPOT_STYLE_FAIL, "down");
        dp_canvas_field(c, y, x + 6, c->w - x - 6, FIT_LEFT, DEPOT_STYLE_DIM, i->reason);
        return;
    }
    char busy[64];
    if (i->queued > 0)
        snprintf(busy, sizeof(busy), "%d running, %d queued", i->running, i->queued);
    else if (i->running > 0)
        snprintf(busy, sizeof(busy), "%d running", i->running);
    else
        snprintf(busy, sizeof(busy), "idle");
    const int busy_w = 12 + (i->queued > 0 ? 10 : 0);
    const int spare = c->w - x - busy_w;
    const int meter = spare >= 110 ? 16 : spare >= 84 ? 10 : 6;
    if (i->cpu >= 0) {
        /* Where both do not fit, the number tells more than the bar. */
        const int bar = spare >= meter + 13 ? meter + 5 : 0;
        dp_canvas_put(c, y, x, DEPOT_STYLE_DIM, "cpu");
        if (bar > 0)
            dp_canvas_meter(c, y, x + 4, bar - 1, i->cpu, level(i->cpu));
        dp_canvas_putf(c, y, x + 4 + bar, DEPOT_STYLE_TEXT, "%3d%%", (int)(i->cpu * 100 + 0.5));
        x += 8 + bar + GAP;
    } else {
        const char *p = i->nplatforms > 0 ? i->platforms[0] : "";
        dp_canvas_field(c, y, x, 14, FIT_LEFT, DEPOT_STYLE_DIM, p);
        x += 14 + GAP;
        if (i->version != NULL && spare > 50)
            x += dp_canvas_putf(c, y, x, DEPOT_STYLE_DIM, "%.24s %.16s",
                     i->engine != NULL ? i->engine : "", i->version) +
                 GAP;
    }
    const int amount = 4 + meter + 1 + 11 + GAP;
    if (x + amount <= c->w - busy_w)
        x += draw_amount(c, y, x, "mem", meter, i->mem_used, i->mem_total);
    if (x + amount + 2 <= c->w - busy_w)
        x += draw_amount(c, y, x, "cache", meter, i->cache_used, i->cache_limit);
    if (x + amount + 1 <= c->w - busy_w)
        x += draw_amount(c, y, x, "disk", meter, i->disk_used, i->disk_total);
    if (i->emulated && x + 10 <= c->w - busy_w)
        dp_canvas_put(c, y, x, DEPOT_STYLE_WARN, "emulated");
    dp_canvas_field(c, y, c->w - busy_w - 1, busy_w, FIT_RIGHT,
        i->queued > 0    ? DEPOT_STYLE_WARN
        : i->running > 0 ? DEPOT_STYLE_TEXT
                         : DEPOT_STYLE_DIM,
        busy);
}

/* Rows used, with the blank one below. */
static int draw_builders(struct fleet_view *v, const struct canvas *c)
{
    const struct fleet *f = dp_tui_fleet(v->base.tui);
    const int per_row = c->w >= WIDE && f->builders.len > 3 ? 2 : 1;
    const int most = c->h / 4 > 1 ? c->h / 4 : 1;
    const int lines = ((int)f->builders.len + per_row - 1) / per_row;
    const int shown = lines < most ? lines : most;
    int name_w = 7;
    if (f->builders.len == 0)
        return 0;
    for (size_t i = 0; i < f->builders.len; i++) {
        const int w = depot_text_width(f->builders.items[i]->label);
        name_w = w > name_w ? w : name_w;
    }
    const int name_most = c->w >= 120 ? 24 : 16;
    name_w = name_w > name_most ? name_most : name_w;
    for (size_t i = 0; i < f->builders.len && (int)i < shown * per_row; i++) {
        const int row = (int)i / per_row, col = (int)i % per_row;
        const int w = c->w / per_row;
        const struct canvas cell = dp_canvas_sub(c, row, col * w, 1, w);
        draw_builder(&cell, 0, f->builders.items[i], name_w);
    }
    if (shown < lines)
        dp_canvas_putf(
            c, shown, 1, DEPOT_STYLE_DIM, "+%d more", (int)f->builders.len - shown * per_row);
    return shown + 1;
}

/* ---- tabs ---- */

static void draw_tabs(const struct fleet_view *v, const struct canvas *c, int y)
{
    static const char *const names[] = {"Active", "Recent", "Failed"};
    _Static_assert(DEPOT_ARRAY_LEN(names) == TAB_COUNT, "every tab has a name");
    int x = 1;
    for (int i = 0; i < TAB_COUNT; i++) {
        const int start = x;
        const bool here = i == (int)v->tab;
        x += dp_canvas_put(c, y, x, here ? DEPOT_STYLE_TAB : DEPOT_STYLE_DIM, names[i]);
        x += dp_canvas_putf(
            c, y, x, here ? DEPOT_STYLE_TEXT : DEPOT_STYLE_DIM, " %zu", v->counts[i]);
        dp_canvas_hot(c, y, start, 1, x - start, (enum action)(ACTION_VIEW_1 + i), 0, 0);
        x += 3;
    }
    if (v->filter.on) {
        x += dp_canvas_put(c, y, x, DEPOT_STYLE_DIM, "filter ");
        dp_canvas_field(c, y, x, c->w - x - 1, FIT_LEFT, DEPOT_STYLE_MATCH, v->filter.text);
    }
}

/* ---- the table ---- */

struct row_paint {
    const struct fleet_view *v;
    const struct fleet_build *b;
    const struct fleet_row *row;
    bool over;
};
/* Append the cell's text, and give its style. */
typedef uint32_t column_fn(const struct row_paint *p, struct depot_buf *out);

static uint32_t quiet(const struct row_paint *p)
{
    return p->over ? DEPOT_STYLE_DIM : DEPOT_STYLE_TEXT;
}

static uint32_t col_state(const struct row_paint *p, struct depot_buf *out)
{
    char glyph[4];
    const uint32_t ch =
        depot_sign_char(dp_tui_ascii(p->v->base.tui), depot_state_sign(p->row->state));
    depot_buf_add(out, glyph, depot_utf8_encode(glyph, ch));
    depot_buf_addf(out, " %s", p->row->joining ? "JOIN" : depot_build_state_word(p->row->state));
    return depot_state_style(p->row->state);
}

static uint32_t col_build(const struct row_paint *p, struct depot_buf *out)
{
    depot_buf_addf(out, "%.10s", p->b->id);
    return quiet(p);
}

static uint32_t col_project(const struct row_paint *p, struct depot_buf *out)
{
    const struct depot_ev_created *i = &p->b->sum.info;
    const bool named = !depot_str_empty(i->project), target = !depot_str_empty(i->target);
    if (named)
        depot_buf_adds(out, i->project);
    if (target)
        depot_buf_addf(out, "%s%s", named ? "/" : "", i->target);
    if (!named && !target) /* of another client: it told no name */
        depot_buf_adds(out, depot_str_empty(i->origin) ? "-" : i->origin);
    return !named ? DEPOT_STYLE_DIM : p->over ? DEPOT_STYLE_TEXT : DEPOT_STYLE_STRONG;
}

static uint32_t col_who(const struct row_paint *p, struct depot_buf *out)
{
    depot_buf_addf(out, "%s", p->b->sum.info.user != NULL ? p->b->sum.info.user : "");
    return quiet(p);
}

static uint32_t col_source(const struct row_paint *p, struct depot_buf *out)
{
    const struct depot_ev_created *i = &p->b->sum.info;
    depot_created_source(out, i);
    return quiet(p);
}

static uint32_t col_daemon(const struct row_paint *p, struct depot_buf *out)
{
    depot_buf_adds(out, p->b->source->name);
    return quiet(p);
}

static uint32_t col_platforms(const struct row_paint *p, struct depot_buf *out)
{
    const struct depot_ev_created *i = &p->b->sum.info;
    for (size_t n = 0; n < i->nplatforms; n++)
        depot_buf_addf(out, "%s%s", n > 0 ? " " : "", depot_text_platform(i->platforms[n]));
    return quiet(p);
}

/* Drawn as a meter; its text only says that there is something to draw. */
static uint32_t col_bar(const struct row_paint *p, struct depot_buf *out)
{
    if (!p->over && p->row->counts.total > 0)
        depot_buf_adds(out, "........");
    return DEPOT_STYLE_RUN;
}

static uint32_t col_steps(const struct row_paint *p, struct depot_buf *out)
{
    if (p->row->counts.total > 0)
        dp_fleet_progress(out, p->row);
    return quiet(p);
}

static uint32_t col_hit(const struct row_paint *p, struct depot_buf *out)
{
    char text[DEPOT_TEXT_MAX];
    const struct depot_counts *k = &p->row->counts;
    const int of = k->hit + k->ran + k->failed;
    if (of > 0)
        depot_buf_adds(out, depot_text_percent(text, k->hit, of));
    return k->hit > 0 ? DEPOT_STYLE_HIT : quiet(p);
}

static uint32_t col_time(const struct row_paint *p, struct depot_buf *out)
{
    char text[DEPOT_TEXT_MAX];
    depot_buf_adds(out, depot_text_duration(text, p->row->elapsed, p->over));
    return quiet(p);
}

static uint32_t col_eta(const struct row_paint *p, struct depot_buf *out)
{
    char text[DEPOT_TEXT_MAX];
    if (p->row->eta_high >= 0)
        depot_buf_addf(
            out, "~%s", depot_text_duration(text, (p->row->eta_low + p->row->eta_high) / 2, false));
    return quiet(p);
}

static uint32_t col_age(const struct row_paint *p, struct depot_buf *out)
{
    char text[DEPOT_TEXT_MAX];
    const depot_time now = dp_fleet_build_now(p->b, dp_tui_now(p->v->base.tui));
    depot_buf_adds(out, depot_text_age(text, p->b->sum.finished, now));
    return DEPOT_STYLE_DIM;
}

static uint32_t col_now(const struct row_paint *p, struct depot_buf *out)
{
    depot_buf_adds(out, p->row->now);
    return p->row->state == DEPOT_BUILD_FAILED || !p->over ? DEPOT_STYLE_TEXT : DEPOT_STYLE_DIM;
}

/* By order on the screen. `rank`: the lower, the sooner a narrow screen has it. A column gets what
 * its text needs, from `min` to `max`; nothing when no row has any. */
static const struct column {
    const char *title;
    column_fn *text;
    int min, max, rank;
    enum fit fit;
    int sort; /* fleet_sort, -1: none */
    unsigned tabs;
} columns[] = {
    {"STATE", col_state, 6, 6, 0, FIT_LEFT, SORT_STATE, 7},
    {"BUILD", col_build, 6, 10, 5, FIT_HEAD, -1, 7},
    {"PROJECT", col_project, 12, 36, 1, FIT_MIDDLE, SORT_NAME, 7},
    {"WHO", col_who, 4, 14, 6, FIT_LEFT, SORT_WHO, 7},
    {"DAEMON", col_daemon, 6, 20, 7, FIT_LEFT, -1, 7},
    {"SOURCE", col_source, 12, 28, 9, FIT_MIDDLE, -1, 7},
    {"PLATFORMS", col_platforms, 9, 23, 7, FIT_LEFT, -1, 7},
    {"", col_bar, 8, 8, 9, FIT_LEFT, -1, 1},
    {"STEPS", col_steps, 5, 9, 3, FIT_RIGHT, -1, 7},
    {"HIT", col_hit, 4, 4, 4, FIT_RIGHT, -1, 7},
    {"TIME", col_time, 5, 8, 2, FIT_RIGHT, SORT_TIME, 7},
    {"ETA", col_eta, 6, 8, 7, FIT_RIGHT, -1, 1},
    {"AGO", col_age, 4, 4, 3, FIT_RIGHT, SORT_START, 6},
    {"NOW", col_now, 14, 300, 8, FIT_LEFT, -1, 7},
};
enum { NCOLUMNS = DEPOT_ARRAY_LEN(columns), RANKS = 10 };
_Static_assert(DEPOT_ARRAY_LEN(columns) <= FLEET_COLUMNS, "the view remembers a width per column");

/* The rows on the screen as text, made once a frame: what they need is measured, then drawn. */
struct row_text {
    struct fleet_row row;
    struct {
        size_t at; /* in table_text.bytes */
        uint32_t style;
    } cells[NCOLUMNS];
};
struct table_text {
    DEPOT_VEC(struct row_text) rows; /* from the first visible one */
    struct depot_buf bytes;          /* texts, each with its NUL */
};

static void write_row(const struct fleet_view *v, const struct fleet_build *b, struct table_text *t)
{
    struct depot_buf text = DEPOT_BUF_INIT(4096);
    struct row_text *r = depot_vec_add(&t->rows);
    dp_fleet_row(dp_tui_fleet(v->base.tui), b, dp_tui_now(v->base.tui), &r->row);
    const struct row_paint p = {v, b, &r->row, depot_build_state_over(r->row.state)};
    for (int k = 0; k < NCOLUMNS; k++) {
        depot_buf_clear(&text);
        r->cells[k].style = columns[k].text(&p, &text);
        r->cells[k].at = t->bytes.len;
        depot_buf_adds(&t->bytes, depot_buf_str(&text));
        depot_buf_addc(&t->bytes, '\0');
    }
    depot_buf_release(&text);
}

static const char *text_of(const struct table_text *t, const struct row_text *r, int column)
{
    return t->bytes.data + r->cells[column].at;
}

/* Widths only grow until the tab or the size changes: columns must not jump as rows scroll. */
static void measure(struct fleet_view *v, const struct table_text *t)
{
    for (size_t i = 0; i < t->rows.len; i++) {
        for (int k = 0; k < NCOLUMNS; k++) {
            const int w = depot_text_width(text_of(t, &t->rows.items[i], k));
            if (w > v->wants[k])
                v->wants[k] = w;
        }
    }
}

static int want(const struct fleet_view *v, int i, int w)
{
    const struct column *k = &columns[i];
    const int title = (int)strlen(k->title);
    const int most = k->text == col_build && w < NARROW ? k->min : k->max;
    int need = v->wants[i] > title ? v->wants[i] : title;
    need = k->text == col_now ? k->min : need; /* it takes what is left */
    need = need < k->min ? k->min : need;
    return need > most ? most : need;
}

/* Widths for `w` columns; 0: left out. */
static void choose_columns(const struct fleet_view *v, int w, int widths[NCOLUMNS])
{
    int left = w;
    memset(widths, 0, NCOLUMNS * sizeof(*widths));
    for (int rank = 0; rank < RANKS; rank++) {
        for (int i = 0; i < NCOLUMNS; i++) {
            const struct column *k = &columns[i];
            if (k->rank != rank || !(k->tabs & 1u << v->tab) || left < k->min + GAP ||
                (v->wants[i] == 0 && v->builds.len > 0))
                continue;
            const int need = want(v, i, w);
            widths[i] = need + GAP < left ? need : left - GAP;
            left -= widths[i] + GAP;
        }
    }
    for (int i = 0; i < NCOLUMNS; i++)
        if (columns[i].text == col_now && widths[i] > 0)
            widths[i] += left;
}

static void draw_heads(
    const struct fleet_view *v, const struct canvas *c, int y, const int widths[NCOLUMNS])
{
    int x = 3;
    for (int i = 0; i < NCOLUMNS; i++) {
        const struct column *k = &columns[i];
        const bool right = k->fit == FIT_RIGHT;
        if (widths[i] == 0)
            continue;
        const bool sorted =
            k->sort == v->order.by && k->sort >= 0 &&
            (v->order.by != SORT_START || v->order.inverted || v->tab != TAB_ACTIVE);
        dp_canvas_field(c, y, x, widths[i], right ? FIT_RIGHT : FIT_LEFT,
            sorted ? DEPOT_STYLE_TEXT : DEPOT_STYLE_HEADING, k->title);
        const int mark = right ? widths[i] - (int)strlen(k->title) - 1 : (int)strlen(k->title);
        if (sorted)
            dp_canvas_glyph(c, y, x + mark, DEPOT_STYLE_TEXT,
                v->order.inverted ? DEPOT_SIGN_UP : DEPOT_SIGN_DOWN);
        if (k->sort >= 0)
            dp_canvas_hot(c, y, x, 1, widths[i], ACTION_SORT_BY, k->sort, 0);
        x += widths[i] + GAP;
    }
}

static void draw_row(const struct fleet_view *v, const struct canvas *c, int y, size_t index,
    const struct table_text *t, const int widths[NCOLUMNS])
{
    const struct fleet_build *b = v->builds.items[index];
    const struct row_text *r = &t->rows.items[index - v->rows.top];
    int x = 3;
    for (int i = 0; i < NCOLUMNS; i++) {
        if (widths[i] == 0)
            continue;
        const char *text = text_of(t, r, i);
        if (columns[i].text == col_bar && *text != '\0')
            dp_canvas_meter(
                c, y, x, widths[i], (double)r->row.done / r->row.expected, r->cells[i].style);
        else
            dp_canvas_field(c, y, x, widths[i], columns[i].fit, r->cells[i].style, text);
        x += widths[i] + GAP;
    }
    if (depot_strv_has(&v->tags, b->key))
        dp_canvas_glyph(c, y, 1, DEPOT_STYLE_TAGGED, DEPOT_SIGN_TAG);
    if (index == v->rows.selected)
        dp_canvas_paint(c, y, 0, 1, c->w, DEPOT_STYLE_SELECTED);
    dp_canvas_hot(c, y, 0, 1, c->w, ACTION_SELECT, (intptr_t)index, 1);
}

/* "" once a daemon, or a recording, has given what it has. */
static const char *waited_for(const struct fleet *f)
{
    const char *text = "";
    for (size_t i = 0; i < f->sources.len; i++) {
        const struct fleet_source *s = f->sources.items[i];
        if (s->state == DEPOT_FEED_LIVE || (s->state == DEPOT_FEED_ENDED && s->why.msg[0] == '\0'))
            return "";
        if (s->state != DEPOT_FEED_ENDED)
            text = s->feed != NULL ? "waiting for the daemon" : " ";
        else if (text[0] == '\0')
            text = "no daemon to watch";
    }
    return text;
}

static const char *nothing(const struct fleet_view *v)
{
    const char *waits = waited_for(dp_tui_fleet(v->base.tui));
    if (v->filter.on)
        return "no build passes the filter";
    if (waits[0] != '\0')
        return waits;
    if (v->tab == TAB_ACTIVE)
        return "nothing is being built";
    return v->tab == TAB_FAILED ? "no build failed" : "no build yet";
}

static bool holds_nothing(const struct fleet *f, const struct fleet_source *s)
{
    for (size_t i = 0; i < f->builds.len; i++)
        if (f->builds.items[i]->source == s)
            return false;
    for (size_t i = 0; i < f->builders.len; i++)
        if (f->builders.items[i]->source == s)
            return false;
    return true;
}

/* Why there is nothing, for each daemon that is not there, and what to do about it. */
static int draw_reasons(const struct fleet *f, const struct canvas *c, int y)
{
    for (size_t i = 0; i < f->sources.len; i++) {
        const struct fleet_source *s = f->sources.items[i];
        if (s->why.msg[0] == '\0') {
            if (s->state == DEPOT_FEED_ENDED && dp_fleet_is_stream(s) && holds_nothing(f, s))
                dp_canvas_put(
                    c, y++, 3, DEPOT_STYLE_WARN, "standard input has ended, and held no event");
            continue;
        }
        dp_canvas_field(c, y++, 3, c->w - 4, FIT_LEFT, DEPOT_STYLE_WARN, s->why.msg);
        if (s->why.hint[0] != '\0')
            dp_canvas_field(c, y++, 3, c->w - 4, FIT_LEFT, DEPOT_STYLE_DIM, s->why.hint);
    }
    return y;
}

/* A new daemon: what to do next. */
static void draw_first_steps(const struct fleet_view *v, const struct canvas *c, int y)
{
    const struct fleet *f = dp_tui_fleet(v->base.tui);
    bool live = false;
    for (size_t i = 0; i < f->sources.len; i++)
        live |=
            dp_fleet_can_ask(f->sources.items[i]) && f->sources.items[i]->state == DEPOT_FEED_LIVE;
    if (!live || f->builds.len > 0 || v->filter.on)
        return;
    const int x = 3 + dp_canvas_put(c, y, 3, DEPOT_STYLE_STRONG, "depot build .");
    dp_canvas_put(c, y, x, DEPOT_STYLE_DIM, " in a directory with a Dockerfile shows up here");
    if (f->builders.len == 0) {
        const int w =
            3 + dp_canvas_put(c, y + 1, 3, DEPOT_STYLE_STRONG, "depotd --builder NAME=ADDRESS");
        dp_canvas_put(c, y + 1, w, DEPOT_STYLE_DIM, " gives the daemon a BuildKit; it has none");
    }
}

static void draw_table(struct fleet_view *v, const struct canvas *c)
{
    int widths[NCOLUMNS];
    struct table_text text = {.bytes = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT)};
    dp_rows_layout(&v->rows, v->builds.len, c->h - 1);
    for (int y = 1; y < c->h && v->rows.top + (size_t)y - 1 < v->builds.len; y++)
        write_row(v, v->builds.items[v->rows.top + (size_t)y - 1], &text);
    measure(v, &text);
    choose_columns(v, c->w - 3, widths);
    dp_canvas_hot(c, 0, 0, c->h, c->w, ACTION_NONE, 0, 1);
    if (v->builds.len > 0) {
        draw_heads(v, c, 0, widths);
    } else {
        dp_canvas_put(c, 2, 3, DEPOT_STYLE_DIM, nothing(v));
        draw_first_steps(v, c, draw_reasons(dp_tui_fleet(v->base.tui), c, 4));
    }
    for (int y = 1; y < c->h; y++) {
        const size_t index = v->rows.top + (size_t)y - 1;
        if (index < v->builds.len)
            draw_row(v, c, y, index, &text, widths);
    }
    depot_vec_free(&text.rows);
    depot_buf_release(&text.bytes);
    dp_rows_scrollbar(&v->rows, c, 1, c->w - 1, c->h - 1);
}

/* ---- the whole ---- */

void dp_fleet_view_draw(struct view *base, const struct canvas *c)
{
    struct fleet_view *v = (struct fleet_view *)base;
    const struct canvas top = dp_canvas_sub(c, 0, 0, c->h, c->w);
    int y = draw_builders(v, &top);
    draw_tabs(v, c, y);
    y += 1;
    const bool beside = c->w >= WIDE;
    const bool below = !beside && c->h >= DETAIL_MIN_H;
    const int table_w = beside ? c->w * 2 / 3 : c->w;
    const int table_h = c->h - y - (below ? DETAIL_LINES + 1 : 0);
    const struct canvas table = dp_canvas_sub(c, y, 0, table_h, table_w);
    draw_table(v, &table);
    if (beside) {
        dp_canvas_vline(c, y, table_w, c->h - y, DEPOT_STYLE_FAINT);
        const struct canvas detail = dp_canvas_sub(c, y, table_w + 1, c->h - y, c->w - table_w - 1);
        dp_fleet_detail_draw(v, &detail);
    } else if (below) {
        dp_canvas_hline(c, y + table_h, 0, c->w, DEPOT_STYLE_FAINT);
        const struct canvas detail = dp_canvas_sub(c, y + table_h + 1, 0, DETAIL_LINES, c->w);
        dp_fleet_detail_draw(v, &detail);
    }
}
