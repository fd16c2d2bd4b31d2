/*
 * The time axis: scale, ticks, bars.
 */
#include "timeline.h"

#include <depot/text.h>

#include <stdio.h>

enum { LABEL_GAP = 3 };

/* ---- scale ---- */

/* The next round number of seconds above: the axis of a running build ends there. */
static int64_t round_span(int64_t ns)
{
    static const unsigned char steps[] = {10, 12, 15, 20, 25, 30, 40, 50, 60, 80};
    for (int64_t unit = DEPOT_SEC / 10;; unit *= 10) {
        for (size_t i = 0; i < DEPOT_ARRAY_LEN(steps); i++)
            if (ns <= steps[i] * unit)
                return steps[i] * unit;
        if (unit > INT64_MAX / 10000)
            return ns;
    }
}

int dp_timeline_at(const struct timeline *t, depot_time when)
{
    const int halves = 2 * t->w;
    if (when <= t->start)
        return 0;
    const double at = (double)depot_time_between(t->start, when) / (double)t->span * halves;
    return at >= halves ? halves : (int)at;
}

/* ---- ticks ---- */

const char *dp_timeline_label(char out[32], int64_t at, int64_t tick)
{
    const int64_t s = at / DEPOT_SEC;
    if (tick < DEPOT_SEC)
        snprintf(out, 32, at == 0 ? "0s" : "%lld.%ds", (long long)s,
            (int)(at % DEPOT_SEC / (DEPOT_SEC / 10)));
    else if (s < 60)
        snprintf(out, 32, "%llds", (long long)s);
    else if (s < 3600)
        snprintf(out, 32, "%lld:%02d", (long long)(s / 60), (int)(s % 60));
    else if (tick % (86400 * DEPOT_SEC) == 0)
        snprintf(out, 32, "%lldd", (long long)(s / 86400));
    else if (tick % (3600 * DEPOT_SEC) == 0)
        snprintf(out, 32, "%lldh", (long long)(s / 3600));
    else
        snprintf(
            out, 32, "%lld:%02d:%02d", (long long)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    return out;
}

static int64_t find_tick(const struct timeline *t)
{
    static const int tenths[] = {1, 2, 5, 10, 20, 50, 100, 200, 300, 600, 1200, 3000, 6000, 12000,
        18000, 36000, 72000, 108000, 216000, 432000, 864000};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(tenths); i++) {
        const int64_t tick = tenths[i] * (DEPOT_SEC / 10);
        char label[32];
        dp_timeline_label(label, t->span - t->span % tick, tick);
        const double columns = (double)tick / (double)t->span * t->w;
        if (columns >= (double)(strlen(label) + LABEL_GAP))
            return tick;
    }
    /* Days: as many as it takes. */
    int64_t tick = 86400 * DEPOT_SEC;
    while ((double)tick / (double)t->span * t->w < 8 && tick < t->span && tick < INT64_MAX / 2)
        tick *= 2;
    return tick;
}

void dp_timeline_fit(struct timeline *t, depot_time start, depot_time end, bool grows, int w)
{
    int64_t span = end > start ? depot_time_between(start, end) : 0;
    if (grows)
        span = round_span(span < INT64_MAX / 2 ? span + span / 20 : span);
    t->start = start;
    t->span = span > TIMELINE_SPAN_MIN ? span : TIMELINE_SPAN_MIN;
    t->w = w < 0 ? 0 : w > TIMELINE_W_MAX ? TIMELINE_W_MAX : w;
    t->tick = find_tick(t);
}

void dp_timeline_axis(const struct timeline *t, const struct canvas *c, int y, int x)
{
    const int64_t tick = t->tick;
    const struct canvas axis = dp_canvas_sub(c, y, x, 1, t->w);
    for (int64_t at = 0; at <= t->span; at += tick) {
        char label[32];
        dp_timeline_label(label, at, tick);
        const int from = dp_timeline_at(t, t->start + at) / 2, n = (int)strlen(label);
        if (from + n <= t->w)
            dp_canvas_put(&axis, 0, from, DEPOT_STYLE_HEADING, label);
        if (at > INT64_MAX - tick)
            break;
    }
}

void dp_timeline_guides(
    const struct timeline *t, const struct canvas *c, int y, int x, depot_time now)
{
    const int64_t tick = t->tick;
    const struct canvas row = dp_canvas_sub(c, y, x, 1, t->w);
    for (int64_t at = tick; at <= t->span; at += tick) {
        dp_canvas_glyph(
            &row, 0, dp_timeline_at(t, t->start + at) / 2, DEPOT_STYLE_FAINT, DEPOT_SIGN_BULLET);
        if (at > INT64_MAX - tick)
            break;
    }
    if (now != 0)
        dp_canvas_glyph(&row, 0, dp_timeline_at(t, now) / 2, DEPOT_STYLE_FAINT, DEPOT_SIGN_VLINE);
}

/* ---- bars ---- */

static const struct {
    uint32_t style;
    uint32_t full, left, right; /* a column, its halves */
    char ascii;
} looks[] = {
    [BAR_NONE] = {DEPOT_STYLE_TEXT, ' ', ' ', ' ', ' '},
    [BAR_WAITED] = {DEPOT_STYLE_FAINT, 0x2508, 0x2508, 0x2508, '.'},
    [BAR_CACHED] = {DEPOT_STYLE_HIT, '=', '=', '=', '='},
    [BAR_SHARED] = {DEPOT_STYLE_SHARED, 0x2501, 0x2578, 0x257a, '~'},
    [BAR_CANCELLED] = {DEPOT_STYLE_CANC, 0x2501, 0x2578, 0x257a, '/'},
    [BAR_RAN] = {DEPOT_STYLE_RAN, 0x2501, 0x2578, 0x257a, '#'},
    [BAR_SLOW] = {DEPOT_STYLE_WARN, 0x2501, 0x2578, 0x257a, '#'},
    [BAR_RUNNING] = {DEPOT_STYLE_RUN, 0x2501, 0x2578, 0x257a, '>'},
    [BAR_FAILED] = {DEPOT_STYLE_FAIL, 0x2501, 0x2578, 0x257a, 'X'},
};
_Static_assert(DEPOT_ARRAY_LEN(looks) == BAR_COUNT, "every bar has a look");

void dp_bars_start(struct bars *b, const struct timeline *t)
{
    b->t = t;
    memset(b->halves, BAR_NONE, 2 * (size_t)t->w);
}

void dp_bars_add(struct bars *b, depot_time from, depot_time to, enum bar kind)
{
    const int halves = 2 * b->t->w;
    int a = dp_timeline_at(b->t, from), z = to > from ? dp_timeline_at(b->t, to) : a;
    if (halves == 0)
        return;
    a = a >= halves ? halves - 1 : a;
    z = z > a ? z : a + 1;
    for (int i = a; i < z; i++)
        if (b->halves[i] < kind)
            b->halves[i] = (unsigned char)kind;
}

void dp_bars_draw(const struct bars *b, const struct canvas *c, int y, int x)
{
    const bool ascii = c->grid->ascii;
    for (int i = 0; i < b->t->w; i++) {
        const unsigned char l = b->halves[2 * i], r = b->halves[2 * i + 1];
        const unsigned char k = l > r ? l : r;
        uint32_t ch = looks[k].full;
        if (k == BAR_NONE)
            continue;
        if (ascii)
            ch = (unsigned char)looks[k].ascii;
        else if (r == BAR_NONE)
            ch = looks[k].left;
        else if (l == BAR_NONE)
            ch = looks[k].right;
        /* A failure has an end of its own. */
        if (k == BAR_FAILED && !ascii && (i + 1 == b->t->w || b->halves[2 * i + 2] != BAR_FAILED))
            ch = depot_sign_char(false, DEPOT_SIGN_FAIL);
        dp_canvas_fill(c, y, x + i, 1, 1, looks[k].style, ch);
    }
}
