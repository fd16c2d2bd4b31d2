/*
 * Draws the pager: rows of a log, their times, matches, and where one is.
 */
#include "pager_priv.h"

#include <depot/text.h>

#include <depot/utf8.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    GUTTER_MIN_W = 30, /* narrower: no times */
    MAP_MIN_W = 60,    /* narrower: no map */
    ABSOLUTE_W = 12,   /* 12:04:07.123 */
    RELATIVE_MIN_W = 6,
};

/* ---- times ---- */

static void relative(char out[DEPOT_TEXT_MAX], int64_t ns)
{
    const bool negative = ns < 0;
    const int64_t s = (negative ? -ns : ns) / DEPOT_SEC;
    const int ms = (int)((negative ? -ns : ns) % DEPOT_SEC / DEPOT_MSEC);
    snprintf(out, DEPOT_TEXT_MAX, "%s%lld.%03d", negative ? "-" : "", (long long)s, ms);
}

static void absolute(char out[DEPOT_TEXT_MAX], depot_time t)
{
    depot_text_clock(out, t);
    const size_t n = strlen(out);
    if (n > 0)
        snprintf(out + n, DEPOT_TEXT_MAX - n, ".%03d", (int)(t % DEPOT_SEC / DEPOT_MSEC));
}

static void time_text(const struct log_pager *p, char out[DEPOT_TEXT_MAX], depot_time t)
{
    out[0] = '\0';
    if (t == 0)
        return;
    if (p->times == LOG_TIMES_ABSOLUTE)
        absolute(out, t);
    else
        relative(out, p->start != 0 ? t - p->start : 0);
}

/* Columns of the times, 0 for none. Wide enough for the newest line, so that it moves seldom. */
static int time_width(struct log_pager *p, int w)
{
    char text[DEPOT_TEXT_MAX];
    const uint64_t lines = dp_pager_lines(p);
    if (p->times == LOG_TIMES_NONE || w < GUTTER_MIN_W || lines == 0)
        return 0;
    if (p->times == LOG_TIMES_ABSOLUTE)
        return ABSOLUTE_W;
    time_text(p, text, dp_pager_seen(p, lines - 1)->time);
    const int n = (int)strlen(text);
    return n > RELATIVE_MIN_W ? n : RELATIVE_MIN_W;
}

/* ---- rows ---- */

/* Where the parts of a row stand. */
struct frame {
    struct canvas c;
    int time_x, time_w, text_x, text_w, map_x; /* map_x -1: none */
    depot_time shown;                          /* the time above: told again only faintly */
};

static void draw_cells(const struct frame *f, int y, const struct log_cells *l, size_t from,
    size_t to, struct depot_buf *run)
{
    const struct canvas c = dp_canvas_sub(&f->c, y, f->text_x, 1, f->text_w);
    for (size_t at = from; at < to;) {
        const uint32_t style = l->cells.items[at].style;
        const size_t start = at;
        depot_buf_clear(run);
        for (; at < to && l->cells.items[at].style == style; at++) {
            const struct depot_cell *cell = &l->cells.items[at];
            char utf8[4];
            if (cell->width == 0)
                continue;
            depot_buf_add(run, utf8, depot_utf8_encode(utf8, cell->ch));
            for (int m = 0; m < DEPOT_CELL_MARKS && cell->marks[m] != 0; m++)
                depot_buf_add(run, utf8, depot_utf8_encode(utf8, cell->marks[m]));
        }
        if (run->len > 0)
            dp_canvas_putn(&c, 0, (int)(start - from), style, run->data, run->len);
    }
}

/* Mark the matches of the line whose text stands in p->text, where they are in [from, to). */
static void draw_matches(
    struct log_pager *p, const struct frame *f, int y, uint64_t line, size_t from, size_t to)
{
    const uint32_t style =
        p->has_current && p->current == line ? DEPOT_STYLE_MATCH_HERE : DEPOT_STYLE_MATCH;
    size_t at = 0, a, b;
    while (dp_log_search_find(&p->search, &p->text, at, &a, &b)) {
        size_t first = p->text.columns.items[a], last = p->text.columns.items[b];
        at = b;
        if (first >= to)
            break;
        first = first < from ? from : first;
        last = last > to ? to : last;
        if (first < last)
            dp_canvas_paint(
                &f->c, y, f->text_x + (int)(first - from), 1, (int)(last - first), style);
    }
}

static bool is_clip(const struct log_pager *p, uint64_t line, const struct log_clip **out)
{
    const struct log_clip *clips;
    const size_t n = dp_logstore_clips(p->store, &clips);
    for (size_t i = 0; i < n; i++) {
        if (clips[i].line == line) {
            *out = &clips[i];
            return true;
        }
    }
    return false;
}

/* What the row cannot show: cut columns, the rest of a huge line. */
static void draw_cut(const struct log_pager *p, const struct frame *f, int y, uint64_t total,
    size_t len, size_t from, size_t to)
{
    char bytes[DEPOT_TEXT_MAX];
    const bool huge = total > LOG_LINE_SHOWN && to >= len;
    if (!p->wrap && to < len && !p->bare)
        dp_canvas_glyph(&f->c, y, f->text_x + f->text_w - 1, DEPOT_STYLE_DIM, DEPOT_SIGN_ELLIPSIS);
    if (!p->wrap && from > 0 && len > 0)
        dp_canvas_glyph(&f->c, y, f->text_x, DEPOT_STYLE_DIM, DEPOT_SIGN_ELLIPSIS);
    if (huge || (total > LOG_LINE_SHOWN && !p->wrap)) {
        char note[DEPOT_TEXT_MAX + 16];
        snprintf(note, sizeof(note), " %s line ", depot_text_bytes(bytes, (int64_t)total));
        const int w = (int)strlen(note);
        dp_canvas_put(&f->c, y, f->text_x + f->text_w - w, DEPOT_STYLE_WARN, note);
    }
}

static void draw_gutter(struct log_pager *p, struct frame *f, int y, uint64_t line, depot_time time)
{
    char text[DEPOT_TEXT_MAX];
    if (!p->bare && p->has_current && p->current == line)
        dp_canvas_glyph(&f->c, y, 0, DEPOT_STYLE_TAGGED, DEPOT_SIGN_CURSOR);
    if (f->time_w == 0)
        return;
    time_text(p, text, time);
    dp_canvas_field(&f->c, y, f->time_x, f->time_w, FIT_RIGHT,
        time == f->shown ? DEPOT_STYLE_FAINT : DEPOT_STYLE_DIM, text);
    f->shown = time;
}

/* All rows of a line from row `skip` on; returns how many were drawn. */
static int draw_line(
    struct log_pager *p, struct frame *f, int y, uint64_t line, size_t skip, struct depot_buf *run)
{
    const struct log_clip *clip;
    const bool hit = p->search.pattern != NULL;
    const bool clipped = is_clip(p, line, &clip);
    const struct log_seen seen = *dp_pager_seen(p, line);
    const struct log_cells *cells = dp_pager_cells(p, line);
    const size_t len = cells->cells.len;
    size_t from = p->wrap ? 0 : p->pan, row = 0;
    const int first = y;
    if (hit)
        dp_log_cells_text(cells, 0, len, &p->text);
    for (; y < f->c.h; row++) {
        const size_t to = from < len ? dp_pager_row_end(p, cells, from) : from;
        if (row >= skip) {
            if (row == 0)
                draw_gutter(p, f, y, line, seen.time);
            draw_cells(f, y, cells, from, to, run);
            if (clipped)
                dp_canvas_paint(&f->c, y, f->text_x, 1, (int)(to - from), DEPOT_STYLE_WARN);
            if (hit)
                draw_matches(p, f, y, line, from, to);
            draw_cut(p, f, y, seen.total, len, from, to);
            y++;
        }
        from = to;
        if (!p->wrap || from >= len)
            break;
    }
    return y - first;
}

/* ---- the map ---- */

/* The last column: where in the log the screen stands, and where its matches are. */
static void draw_map(const struct log_pager *p, const struct frame *f)
{
    const uint64_t lines = dp_pager_lines(p), h = (uint64_t)f->c.h;
    if (f->map_x < 0 || h == 0 || (p->top.line == 0 && p->seen_last + 1 >= lines))
        return;
    for (uint64_t y = 0; y < h; y++) {
        const uint64_t from = lines * y / h, next = lines * (y + 1) / h,
                       to = next > from ? next : from + 1;
        const bool here = to > p->top.line && from <= p->seen_last;
        if (here)
            dp_canvas_glyph(&f->c, (int)y, f->map_x, DEPOT_STYLE_DIM, DEPOT_SIGN_VLINE);
        if (p->search.pattern != NULL && dp_log_search_any(&p->search, from, to))
            dp_canvas_glyph(&f->c, (int)y, f->map_x, DEPOT_STYLE_RUN, DEPOT_SIGN_TAG);
    }
}

void dp_pager_draw(struct log_pager *p, const struct canvas *c, int pane)
{
    struct frame f = {.c = *c, .map_x = -1};
    struct depot_buf run = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    const uint64_t lines = dp_pager_lines(p);
    f.time_x = p->bare ? 0 : 2;
    f.time_w = time_width(p, c->w);
    f.text_x = f.time_x + (f.time_w > 0 ? f.time_w + 2 : 0);
    if (c->w >= MAP_MIN_W && !p->bare)
        f.map_x = c->w - 1;
    f.text_w = c->w - f.text_x - (f.map_x >= 0 ? 2 : 0);
    p->h = c->h;
    p->w = f.text_w > 1 ? f.text_w : 1;
    dp_canvas_hot(c, 0, 0, c->h, c->w, ACTION_NONE, 0, pane);
    if (lines == 0 || c->h <= 0)
        return;
    dp_pager_settle(p);
    size_t skip = p->top.row;
    uint64_t line = p->top.line;
    p->seen_last = line;
    for (int y = 0; y < c->h && line < lines; line++, skip = 0) {
        const int n = draw_line(p, &f, y, line, skip, &run);
        dp_canvas_hot(c, y, 0, n, c->w, ACTION_SELECT, (intptr_t)line, 0);
        p->seen_last = line;
        y += n > 0 ? n : 1;
    }
    draw_map(p, &f);
    depot_buf_release(&run);
}

/* ---- the status row ---- */

/* Text against the right edge at `x`; returns where it begins. */
static int put_left_of(const struct canvas *c, int y, int x, uint32_t style, const char *s)
{
    const int w = depot_text_width(s);
    if (s[0] == '\0' || x - w - 2 < 0)
        return x;
    dp_canvas_putf(c, y, x - w - 2, DEPOT_STYLE_FAINT, " %*s ", w, "");
    dp_canvas_put(c, y, x - w - 1, style, s);
    return x - w - 2;
}

static void position_text(const struct log_pager *p, char out[64])
{
    const uint64_t lines = dp_pager_lines(p);
    out[0] = '\0';
    if (lines > 0)
        snprintf(out, 64, "%llu-%llu/%llu", (unsigned long long)p->top.line + 1,
            (unsigned long long)p->seen_last + 1, (unsigned long long)lines);
}

static void search_text(const struct log_pager *p, char out[128])
{
    const struct log_search *s = &p->search;
    char percent[16] = "";
    out[0] = '\0';
    if (s->pattern == NULL)
        return;
    if (dp_log_search_busy(s))
        snprintf(percent, sizeof(percent), " %d%%", dp_log_search_percent(s));
    if (p->has_current && dp_log_search_hit(s, p->current))
        snprintf(out, 128, "/%.60s %llu/%llu%s", s->pattern,
            (unsigned long long)dp_log_search_rank(s, p->current) + 1, (unsigned long long)s->found,
            percent);
    else
        snprintf(out, 128, "/%.60s %llu%s", s->pattern, (unsigned long long)s->found, percent);
}

/* What the engine cut: all behind a size, or what came too fast. */
static int put_clip(
    const struct log_pager *p, const struct canvas *c, int y, int x, const struct log_clip *clip)
{
    static const char rate[] = "/s reached]";
    char bytes[DEPOT_TEXT_MAX];
    struct log_line l;
    if (clip->limit < 0 || !dp_logstore_line(p->store, clip->line, &l))
        return dp_canvas_put(c, y, x, DEPOT_STYLE_WARN, " clipped by the engine ");
    depot_text_bytes(bytes, clip->limit);
    for (size_t i = 0; i + sizeof(rate) - 1 <= l.len; i++)
        if (memcmp(l.data + i, rate, sizeof(rate) - 1) == 0)
            return dp_canvas_putf(c, y, x, DEPOT_STYLE_WARN,
                " the engine dropped what came faster than %s/s ", bytes);
    return dp_canvas_putf(c, y, x, DEPOT_STYLE_WARN, " the engine kept %s of it ", bytes);
}

static int status_left(const struct log_pager *p, const struct canvas *c, int y)
{
    char bytes[DEPOT_TEXT_MAX];
    const struct log_clip *clips;
    int x = 2;
    if (p->store == NULL || dp_pager_lines(p) == 0)
        return x + dp_canvas_put(c, y, x, DEPOT_STYLE_HEADING, " log ");
    const uint64_t lines = dp_pager_lines(p);
    x += dp_canvas_putf(c, y, x, DEPOT_STYLE_HEADING, " log  %llu line%s  %s ",
        (unsigned long long)lines, lines == 1 ? "" : "s",
        depot_text_bytes(bytes, (int64_t)dp_logstore_bytes(p->store)));
    const size_t n = dp_logstore_clips(p->store, &clips);
    if (n > 0)
        x += put_clip(p, c, y, x, &clips[n - 1]);
    return x;
}

void dp_pager_status(struct log_pager *p, const struct canvas *c, int y)
{
    static const char *const times[] = {"", "clock times", "no times"};
    char position[64], search[128];
    dp_canvas_hline(c, y, 0, c->w, DEPOT_STYLE_FAINT);
    const int left = status_left(p, c, y);
    struct canvas right = dp_canvas_sub(c, y, left, 1, c->w - left);
    int x = right.w - 1;
    if (dp_pager_lines(p) == 0)
        return; /* nothing to follow, wrap or search */
    position_text(p, position);
    search_text(p, search);
    x = put_left_of(&right, 0, x, DEPOT_STYLE_DIM, position);
    if (p->follow && p->live)
        x = put_left_of(&right, 0, x, DEPOT_STYLE_HIT, "follow");
    if (p->wrap)
        x = put_left_of(&right, 0, x, DEPOT_STYLE_DIM, "wrap");
    if (p->plain)
        x = put_left_of(&right, 0, x, DEPOT_STYLE_DIM, "no colours");
    x = put_left_of(&right, 0, x, DEPOT_STYLE_DIM, times[p->times]);
    put_left_of(&right, 0, x, DEPOT_STYLE_MATCH, search);
}
