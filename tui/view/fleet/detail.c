/*
 * The fleet's detail of the selected build: what it does, what failed, what took long.
 */
#include "tui/fleet/failure.h"
#include "fleet_priv.h"
#include "tui/widget/step.h"

#include <stdio.h>
#include <string.h>

enum { GAP = 2, TALL = 12 };

static int detail_head(const struct canvas *c, const struct fleet_build *b, int y)
{
    const struct depot_ev_created *i = &b->sum.info;
    struct depot_buf t = DEPOT_BUF_INIT(4096);
    int x = 1 + dp_canvas_put(c, y, 1, DEPOT_STYLE_STRONG, b->id) + GAP;
    if (!depot_str_empty(i->project))
        x += dp_canvas_put(c, y, x, DEPOT_STYLE_TEXT, i->project) + GAP;
    if (!depot_str_empty(i->user))
        depot_buf_addf(&t, "%s%s%s  ", i->user, depot_str_empty(i->host) ? "" : "@",
            depot_str_empty(i->host) ? "" : i->host);
    depot_created_source(&t, i);
    dp_canvas_field(c, y++, x, c->w - x, FIT_LEFT, DEPOT_STYLE_DIM, depot_buf_str(&t));
    depot_buf_release(&t);
    return y;
}

/* "x amd64   build 3/5   ", without a platform where it is NULL; where the instruction goes. */
static int detail_name(const struct canvas *c, int y, enum depot_outcome outcome,
    const char *platform, const struct depot_step_name *name)
{
    char place[64];
    int x = 1;
    snprintf(place, sizeof(place), "%.20s", platform != NULL ? depot_text_platform(platform) : "");
    dp_canvas_glyph(c, y, x, depot_outcome_style(outcome), depot_outcome_sign(outcome));
    x += 2;
    if (platform != NULL) {
        dp_canvas_field(c, y, x, 7, FIT_LEFT, DEPOT_STYLE_DIM, place);
        x += 8;
    }
    if (name->ordinal > 0) {
        snprintf(place, sizeof(place), "%.24s%s%d/%d", name->stage,
            name->stage[0] != '\0' ? " " : "", name->ordinal, name->total);
        const int w = depot_text_width(place);
        dp_canvas_put(c, y, x, DEPOT_STYLE_DIM, place);
        x += (w < 12 ? 12 : w) + 1;
    }
    return x;
}

/* A line per running step, longest first; then what failed. */
static int detail_step(const struct canvas *c, const struct fleet_build *b,
    const struct depot_step *s, int y, depot_time now)
{
    char time[DEPOT_TEXT_MAX];
    const char *platform = b->state->lanes.len > 1 ? s->platform : NULL;
    const int x = detail_name(c, y, s->outcome, platform, &s->parsed);
    depot_text_duration(time, depot_step_duration(s, dp_fleet_build_now(b, now)), true);
    dp_canvas_field(c, y, x, c->w - x - 9, FIT_LEFT, DEPOT_STYLE_TEXT, s->parsed.instruction);
    dp_canvas_field(c, y, c->w - 8, 7, FIT_RIGHT, DEPOT_STYLE_TEXT, time);
    return y + 1;
}

static int detail_tail(const struct canvas *c, const struct depot_step *s, int y, int lines)
{
    size_t n = s->tail_len < (size_t)lines ? s->tail_len : (size_t)lines;
    for (; n > 0 && y < c->h; n--) {
        const size_t at = (s->tail_next + DEPOT_STEP_TAIL_LINES - n) % DEPOT_STEP_TAIL_LINES;
        dp_canvas_field(c, y++, 3, c->w - 4, FIT_LEFT, DEPOT_STYLE_DIM, s->tail[at].text);
    }
    return y;
}

/* "exit code: 2", and where the Dockerfile has what failed. */
static int detail_message(const struct canvas *c, const struct depot_build_summary *sum, int y)
{
    struct depot_buf t = DEPOT_BUF_INIT(64 * 1024);
    int w = c->w - 2;
    if (sum->failed_step.file != NULL && sum->failed_step.line > 0) {
        depot_buf_addf(&t, "%s:%lld", sum->failed_step.file, (long long)sum->failed_step.line);
        const int place = depot_text_width(depot_buf_str(&t));
        if (place < w / 2) {
            dp_canvas_put(c, y, 1 + w - place, DEPOT_STYLE_DIM, depot_buf_str(&t));
            w -= place + GAP;
        }
        depot_buf_clear(&t);
    }
    dp_failure_point(&t, sum->message, false);
    dp_canvas_field(c, y, 1, w, FIT_LEFT, DEPOT_STYLE_ERROR, depot_buf_str(&t));
    depot_buf_release(&t);
    return y + 1;
}

/* Of a build whose steps are not here, what its summary has of the one that failed. */
static void detail_failed(const struct canvas *c, const struct fleet_build *b, int y)
{
    const struct depot_failed_step *f = &b->sum.failed_step;
    const char *platform = f->platform != NULL ? f->platform : "";
    struct depot_arena arena = {0};
    struct depot_step_name name;
    depot_step_name_parse(&name, f->name, &arena);
    const int x = detail_name(
        c, y, DEPOT_OUTCOME_FAILED, b->sum.info.nplatforms > 1 ? platform : NULL, &name);
    dp_canvas_field(c, y, x, c->w - x - 1, FIT_LEFT, DEPOT_STYLE_TEXT, name.instruction);
    depot_arena_release(&arena);
}

/* A line per platform that waits for its builder. */
static int detail_waiting(const struct canvas *c, const struct depot_build *b, int y)
{
    struct depot_buf t = DEPOT_BUF_INIT(4096);
    for (size_t i = 0; i < b->parts.len && y < c->h; i++) {
        const struct depot_part *p = b->parts.items[i];
        if (p->state != DEPOT_BUILD_QUEUED)
            continue;
        depot_buf_clear(&t);
        dp_fleet_in_line(&t, p);
        dp_canvas_glyph(c, y, 1, depot_state_style(p->state), DEPOT_SIGN_WAIT);
        dp_canvas_field(c, y, 3, 7, FIT_LEFT, DEPOT_STYLE_DIM, depot_text_platform(p->platform));
        dp_canvas_field(c, y++, 11, c->w - 12, FIT_LEFT, DEPOT_STYLE_WARN, depot_buf_str(&t));
    }
    depot_buf_release(&t);
    return y;
}

/* In two rows where it needs them and they cost nothing. */
static int put_folded(const struct canvas *c, int y, const char *text)
{
    if (c->h >= TALL && depot_text_width(text) > c->w - 2) {
        const size_t n = depot_text_line(text, c->w - 2);
        dp_canvas_putn(c, y++, 1, DEPOT_STYLE_TEXT, text, n);
        text += n;
        text += strspn(text, " ");
    }
    dp_canvas_field(c, y, 1, c->w - 2, FIT_LEFT, DEPOT_STYLE_TEXT, text);
    return y + 1;
}

/* A stream of any age is drawn as if it ended now; how old it is, is told by our own clock. */
static depot_time clock_of(const struct fleet_build *b, depot_time now)
{
    return dp_fleet_is_stream(b->source) ? now : dp_fleet_build_now(b, now);
}

/* "succeeded 4m ago in 7.3s: 28 steps, 10 hit, 18 ran" */
static int detail_counts(
    const struct fleet_view *v, const struct canvas *c, const struct fleet_build *b, int y)
{
    char age[DEPOT_TEXT_MAX], took[DEPOT_TEXT_MAX];
    struct depot_buf t = DEPOT_BUF_INIT(1024);
    struct fleet_row row;
    const depot_time now = dp_tui_now(v->base.tui);
    dp_fleet_row(dp_tui_fleet(v->base.tui), b, now, &row);
    const struct depot_counts *k = &row.counts;
    const struct {
        int n;
        const char *word;
    } parts[] = {{k->hit, "hit"}, {k->ran, "ran"}, {k->shared, "shared"},
        {k->skipped, "not needed"}, {k->failed, "failed"}};
    const bool over = depot_build_state_over(row.state);
    depot_buf_addf(&t, "%s", row.joining ? "joining" : depot_build_state_name(row.state));
    if (over && b->sum.finished != 0)
        depot_buf_addf(&t, " %s", depot_text_ago(age, b->sum.finished, clock_of(b, now)));
    depot_buf_addf(&t, "%s%s, %d step%s", over ? " in " : " for ",
        depot_text_duration(took, row.elapsed, over), k->total, k->total == 1 ? "" : "s");
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(parts); i++)
        if (parts[i].n > 0)
            depot_buf_addf(&t, ", %d %s", parts[i].n, parts[i].word);
    y = put_folded(c, y, depot_buf_str(&t));
    depot_buf_clear(&t);
    for (size_t i = 0; i < b->sum.info.ntags; i++)
        depot_buf_addf(&t, "%s%s", i > 0 ? " " : "", b->sum.info.tags[i]);
    if (t.len > 0)
        dp_canvas_field(c, y++, 1, c->w - 2, FIT_LEFT, DEPOT_STYLE_DIM, t.data);
    depot_buf_release(&t);
    return y;
}

/* The steps that took longest, as many as fit. */
static int detail_slowest(
    const struct canvas *c, const struct fleet_build *b, int y, depot_time now)
{
    int64_t below = INT64_MAX;
    for (int n = 0; n < 8 && y < c->h; n++) {
        const struct depot_step *best = NULL;
        int64_t most = DEPOT_SEC / 10;
        for (size_t i = 0; i < b->state->started.len; i++) {
            const struct depot_step *s = b->state->started.items[i];
            const int64_t ns = depot_step_duration(s, dp_fleet_build_now(b, now));
            if (s->parsed.kind == DEPOT_STEP_BUILD && s->outcome == DEPOT_OUTCOME_RAN &&
                ns > most && ns < below) {
                best = s;
                most = ns;
            }
        }
        if (best == NULL)
            break;
        below = most;
        y = detail_step(c, b, best, y, now);
    }
    return y;
}

void dp_fleet_detail_draw(struct fleet_view *v, const struct canvas *c)
{
    const struct fleet_build *b = dp_fleet_view_selected(v);
    const depot_time now = dp_tui_now(v->base.tui);
    const struct depot_step *last = NULL;
    int y = 0;
    if (b == NULL)
        return;
    y = detail_head(c, b, y);
    y = detail_counts(v, c, b, y);
    if (b->sum.message != NULL && y < c->h)
        y = detail_message(c, &b->sum, y);
    if (b->state == NULL && b->sum.failed_step.name != NULL && y < c->h)
        detail_failed(c, b, y);
    if (b->state == NULL)
        return;
    y = detail_waiting(c, b->state, y);
    for (int pass = 0; pass < 2; pass++) {
        const enum depot_outcome want = pass == 0 ? DEPOT_OUTCOME_FAILED : DEPOT_OUTCOME_RUNNING;
        for (size_t i = 0; i < b->state->started.len && y < c->h; i++) {
            const struct depot_step *s = b->state->started.items[i];
            if (s->outcome != want)
                continue;
            y = detail_step(c, b, s, y, now);
            last = last == NULL || s->tail_len > 0 ? s : last;
        }
    }
    if (last != NULL && y < c->h)
        y = detail_tail(c, last, y, c->h - y);
    if (depot_build_state_over(b->sum.state) && y < c->h)
        y = detail_slowest(c, b, last != NULL ? y + 1 : y, now);
    dp_fleet_missed_draw(v, c, y + 1);
}
