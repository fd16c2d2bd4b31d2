/*
 * The step view: the head with the facts, the log below or beside it, and what leads elsewhere.
 */
#include "tui/app/command.h"
#include "step_priv.h"
#include "tui/widget/step.h"

#include <stdio.h>
#include <string.h>

enum {
    PANE_HEAD = 1,
    PANE_LOG = 2,
    WIDE_W = 150, /* head and log side by side */
    HEAD_MIN_W = 46,
    HEAD_MAX_W = 72,
};

/* ---- which step ---- */

/* Take what hangs on the state anew when that was replaced, and the log when its first bytes came.
 */
static void sync(struct step_view *v)
{
    const struct fleet_build *b = v->build;
    if (b->generation != v->generation) {
        v->generation = b->generation;
        v->step = NULL;
        dp_step_head_clear(&v->head);
        dp_pager_set_log(&v->pager, NULL, 0);
    }
    if (v->step == NULL && b->state != NULL)
        v->step = dp_step_find(b->state, v->part, v->digest);
    if (v->step == NULL)
        return;
    if (v->part == NULL) {
        depot_free(v->digest);
        v->part = depot_strdup(v->step->part->platform);
        v->digest = depot_strdup(v->step->digest);
    }
    dp_pager_set_log(&v->pager, dp_fleet_log(b, v->step), v->step->started);
    v->pager.live = !depot_step_is_completed(v->step) && !depot_build_state_over(b->sum.state);
}

static void go_to(struct step_view *v, const struct depot_step *s)
{
    if (s == NULL || s == v->step)
        return;
    depot_free(v->part);
    depot_free(v->digest);
    v->part = depot_strdup(s->part->platform);
    v->digest = depot_strdup(s->digest);
    v->step = NULL;
    v->head_focus = false;
    v->head_top = 0;
    v->link = -1;
    dp_pager_set_log(&v->pager, NULL, 0);
    sync(v);
}

static int step_open(struct view *base, const char *arg, struct depot_error *err)
{
    struct step_view *v = (struct step_view *)base;
    if (arg == NULL ||
        !dp_step_key_parse(dp_tui_fleet(base->tui), arg, &v->build, &v->part, &v->digest))
        return depot_error_set(err, DEPOT_ERR_NOT_FOUND, "open a step from its build");
    dp_pager_init(&v->pager);
    v->link = -1;
    v->generation = v->build->generation;
    dp_fleet_watch(dp_tui_fleet(base->tui), v->build);
    sync(v);
    return 0;
}

static void step_close(struct view *base)
{
    struct step_view *v = (struct step_view *)base;
    dp_fleet_unwatch(dp_tui_fleet(base->tui), v->build);
    dp_pager_release(&v->pager);
    dp_step_head_release(&v->head);
    depot_free(v->part);
    depot_free(v->digest);
}

static void step_refresh(struct view *base)
{
    sync((struct step_view *)base);
}

/* ---- drawing ---- */

/* What stands where a log would. */
static const char *no_log(const struct step_view *v)
{
    static const char *const by_outcome[] = {
        [DEPOT_OUTCOME_WAITING] = "not started yet",
        [DEPOT_OUTCOME_RUNNING] = "no output yet",
        [DEPOT_OUTCOME_HIT] = "found in the cache: nothing was run",
        [DEPOT_OUTCOME_SKIPPED] = "not needed: nothing was run",
        [DEPOT_OUTCOME_RAN] = "no output",
        [DEPOT_OUTCOME_FAILED] = "no output",
        [DEPOT_OUTCOME_CANCELLED] = "no output before it was cancelled",
        [DEPOT_OUTCOME_SHARED] = "the output went to the step that did the work",
        [DEPOT_OUTCOME_UNREACHED] = "never started",
    };
    if (!v->build->full && !depot_build_state_over(v->build->sum.state))
        return "fetching the log";
    return by_outcome[v->step->outcome];
}

static void draw_log(struct step_view *v, const struct canvas *c)
{
    dp_pager_draw(&v->pager, c, PANE_LOG);
    if (v->pager.store == NULL || dp_logstore_bytes(v->pager.store) == 0)
        dp_canvas_put(c, c->h > 2 ? 1 : 0, 2, DEPOT_STYLE_DIM, no_log(v));
}

/* Keep the selected link on the screen, and no empty rows below. */
static void scroll_head(struct step_view *v, int h)
{
    if (v->head_focus && v->link >= 0) {
        const int y = dp_step_head_link_row(&v->head, v->link);
        if (y < v->head_top)
            v->head_top = y;
        if (y >= v->head_top + h)
            v->head_top = y - h + 1;
    }
    if (v->head_top > v->head.rows - h)
        v->head_top = v->head.rows - h;
    if (v->head_top < 0)
        v->head_top = 0;
}

static void draw_head(struct step_view *v, const struct canvas *c)
{
    scroll_head(v, c->h);
    dp_canvas_hot(c, 0, 0, c->h, c->w, ACTION_NONE, 0, PANE_HEAD);
    dp_step_head_draw(&v->head, c, v->head_top, v->head_focus ? v->link : -1);
    const int below = v->head.rows - v->head_top - c->h;
    if (below > 0) {
        char more[32];
        snprintf(more, sizeof(more), "  %d more ", below);
        const int w = (int)strlen(more) + 1;
        dp_canvas_put(c, c->h - 1, c->w - w, DEPOT_STYLE_DIM, more);
        dp_canvas_glyph(c, c->h - 1, c->w - 2, DEPOT_STYLE_DIM, DEPOT_SIGN_DOWN);
        dp_canvas_hot(c, c->h - 1, c->w - w, 1, w, ACTION_NEXT, 0, 0);
    }
}

static void draw_wide(struct step_view *v, const struct canvas *c)
{
    int w = c->w / 3;
    w = w < HEAD_MIN_W ? HEAD_MIN_W : w > HEAD_MAX_W ? HEAD_MAX_W : w;
    const struct canvas left = dp_canvas_sub(c, 0, 0, c->h, w),
                        right = dp_canvas_sub(c, 0, w + 1, c->h, c->w - w - 1),
                        text = dp_canvas_sub(&right, 1, 0, c->h - 1, right.w);
    draw_head(v, &left);
    dp_canvas_vline(c, 0, w, c->h, DEPOT_STYLE_FAINT);
    draw_log(v, &text);
    dp_pager_status(&v->pager, &right, 0);
    dp_canvas_glyph(c, 0, w, DEPOT_STYLE_FAINT, DEPOT_SIGN_TEE_RIGHT);
}

static void draw_stacked(struct step_view *v, const struct canvas *c)
{
    const int most = v->head_focus ? c->h * 2 / 3 : c->h * 2 / 5;
    int h = v->head.rows < most ? v->head.rows : most;
    h = h < 1 ? 1 : h;
    const struct canvas head = dp_canvas_sub(c, 0, 0, h, c->w),
                        text = dp_canvas_sub(c, h + 1, 0, c->h - h - 1, c->w);
    draw_head(v, &head);
    draw_log(v, &text);
    dp_pager_status(&v->pager, c, h);
}

static void compose(struct step_view *v, const struct canvas *c)
{
    struct step_stats stats;
    const bool wide = c->w >= WIDE_W;
    int w = c->w / 3;
    w = w < HEAD_MIN_W ? HEAD_MIN_W : w > HEAD_MAX_W ? HEAD_MAX_W : w;
    /* Above the log a long instruction would leave no room for the rest, unless it has the keys. */
    const int brief = wide || v->head_focus ? 0 : c->h < 15 ? 3 : c->h / 5;
    const struct fleet *f = dp_tui_fleet(v->base.tui);
    const struct step_facts facts = {.build = v->build,
        .step = v->step,
        .now = dp_tui_now(v->base.tui),
        .stats = dp_fleet_step_stats(f, v->build, v->step, &stats) ? &stats : NULL};
    dp_step_head_compose(&v->head, &facts, wide ? w : c->w, wide, brief, c->grid->ascii);
    if (v->link >= (int)v->head.links.len)
        v->link = (int)v->head.links.len - 1;
}

static void step_draw(struct view *base, const struct canvas *c)
{
    struct step_view *v = (struct step_view *)base;
    sync(v);
    if (v->step == NULL) {
        dp_canvas_put(c, 1, 2, DEPOT_STYLE_DIM,
            v->build->state == NULL || !v->build->full ? dp_fleet_missing(v->build)
                                                       : "this build has no such step");
        return;
    }
    compose(v, c);
    v->pager.bare = v->zoom;
    if (v->zoom)
        draw_log(v, c);
    else if (c->w >= WIDE_W)
        draw_wide(v, c);
    else
        draw_stacked(v, c);
}

static void step_title(struct view *base, struct depot_buf *left, struct depot_buf *right)
{
    struct step_view *v = (struct step_view *)base;
    char took[DEPOT_TEXT_MAX];
    sync(v);
    if (v->step == NULL) {
        depot_buf_adds(left, "step");
        return;
    }
    if (!depot_str_empty(v->build->sum.info.project))
        depot_buf_addf(left, "%s  ", v->build->sum.info.project);
    depot_buf_addf(left, "%s %s ", v->build->id, dp_tui_ascii(base->tui) ? ">" : "›");
    if (!depot_str_empty(v->step->platform))
        depot_buf_addf(left, "%s ", depot_text_platform(v->step->platform));
    dp_step_label(left, v->step);
    if (v->zoom)
        depot_buf_addf(right, "%s %s", depot_outcome_word(v->step->outcome),
            depot_text_duration(took, depot_step_duration(v->step, dp_tui_now(base->tui)), true));
}

static depot_time step_wake(struct view *base)
{
    struct step_view *v = (struct step_view *)base;
    const depot_time now = dp_tui_now(base->tui);
    sync(v);
    if (v->step == NULL || v->step->outcome != DEPOT_OUTCOME_RUNNING)
        return 0;
    const int64_t took = depot_step_duration(v->step, now);
    return now + (took < 60 * DEPOT_SEC ? DEPOT_SEC / 10 : DEPOT_SEC);
}

static bool step_work(struct view *base)
{
    struct step_view *v = (struct step_view *)base;
    sync(v);
    return dp_pager_work(&v->pager);
}

/* ---- going elsewhere ---- */

/* Steps one goes through with [ and ]: those of the platform, internal ones among themselves. */
static bool is_sibling(const struct depot_step *a, const struct depot_step *b)
{
    return depot_str_eq(a->platform, b->platform) &&
           (a->parsed.kind == DEPOT_STEP_INTERNAL) == (b->parsed.kind == DEPOT_STEP_INTERNAL);
}

static void go_beside(struct step_view *v, int way)
{
    const struct depot_build *b = v->build->state;
    for (size_t i = v->step->index + (size_t)way; i < b->steps.len; i += (size_t)way) {
        if (is_sibling(v->step, b->steps.items[i])) {
            go_to(v, b->steps.items[i]);
            return;
        }
    }
    dp_tui_say(
        v->base.tui, DEPOT_STYLE_DIM, way > 0 ? "this is the last step" : "this is the first step");
}

static void go_to_error(struct step_view *v, int way)
{
    const struct depot_build *b = v->build->state;
    const size_t n = b->steps.len;
    for (size_t i = 1; i <= n; i++) {
        const size_t at = (v->step->index + (way > 0 ? i : n - i)) % n;
        if (b->steps.items[at]->outcome == DEPOT_OUTCOME_FAILED) {
            if (b->steps.items[at] == v->step)
                dp_tui_say(v->base.tui, DEPOT_STYLE_DIM, "no other step failed");
            go_to(v, b->steps.items[at]);
            return;
        }
    }
    dp_tui_say(v->base.tui, DEPOT_STYLE_DIM, "no step failed");
}

/* One neighbour: go there. Several: choose in the head; again: the next one. */
static void go_along(struct step_view *v, size_t from, size_t to, const char *none)
{
    if (v->head.pieces.len == 0)
        return; /* no frame yet since the state was replaced */
    if (from >= to) {
        dp_tui_say(v->base.tui, DEPOT_STYLE_DIM, "%s", none);
    } else if (to - from == 1) {
        go_to(v, v->head.links.items[from]);
    } else {
        const bool here = v->head_focus && v->link >= (int)from && v->link + 1 < (int)to;
        v->link = here ? v->link + 1 : (int)from;
        v->head_focus = true;
        v->zoom = false;
    }
}

static void go_to_twin(struct step_view *v)
{
    const struct depot_step *twin = dp_step_sibling(v->build->state, v->step);
    if (twin == NULL)
        dp_tui_say(v->base.tui, DEPOT_STYLE_DIM, "no other platform has this step");
    go_to(v, twin);
}

static void select_link(struct step_view *v, int link)
{
    if (link < 0 || link >= (int)v->head.links.len)
        return;
    if (v->head_focus && v->link == link) {
        go_to(v, v->head.links.items[link]);
        return;
    }
    v->head_focus = true;
    v->link = link;
}

/* Movement while the head has the keys: from link to link, or row by row where there is none. */
static bool head_action(struct step_view *v, enum action a)
{
    const int n = (int)v->head.links.len;
    switch (a) {
    case ACTION_UP:
    case ACTION_LEFT:
    case ACTION_DOWN:
    case ACTION_RIGHT: {
        const int by = a == ACTION_UP || a == ACTION_LEFT ? -1 : 1;
        if (v->link + by >= 0 && v->link + by < n)
            v->link += by;
        else
            v->head_top += by;
        return true;
    }
    case ACTION_OPEN:
        if (v->link >= 0 && v->link < n)
            go_to(v, v->head.links.items[v->link]);
        return true;
    case ACTION_BACK:
    case ACTION_NEXT:
    case ACTION_PREV:
        v->head_focus = false;
        v->head_top = 0;
        return true;
    default:
        return false;
    }
}

static bool go_action(struct step_view *v, enum action a)
{
    const struct step_head *h = &v->head;
    switch (a) {
    case ACTION_SIBLING_NEXT:
    case ACTION_SIBLING_PREV:
        go_beside(v, a == ACTION_SIBLING_NEXT ? 1 : -1);
        return true;
    case ACTION_ERROR_NEXT:
    case ACTION_ERROR_PREV:
        go_to_error(v, a == ACTION_ERROR_NEXT ? 1 : -1);
        return true;
    case ACTION_TWIN:
        go_to_twin(v);
        return true;
    case ACTION_WHY:
        dp_tui_push_step(v->base.tui, VIEW_WHY, v->build, v->step);
        return true;
    case ACTION_INPUTS:
        go_along(v, h->first_input, h->first_dependant, "this step needs no other");
        return true;
    case ACTION_DEPENDANTS:
        go_along(v, h->first_dependant, h->links.len, "no other step needs this one");
        return true;
    default:
        return false;
    }
}

static bool own_action(struct step_view *v, enum action a)
{
    switch (a) {
    case ACTION_ZOOM:
        v->zoom = !v->zoom;
        v->head_focus = false;
        return true;
    case ACTION_LOG:
        v->head_focus = false;
        return true;
    case ACTION_NEXT:
    case ACTION_PREV:
        v->head_focus = !v->zoom;
        v->link = v->head.links.len > 0 ? 0 : -1;
        return true;
    case ACTION_BACK:
        if (!v->zoom)
            return false;
        v->zoom = false;
        return true;
    default:
        return false;
    }
}

static enum view_result step_action(struct view *base, enum action a, intptr_t arg)
{
    struct step_view *v = (struct step_view *)base;
    const bool wheel = a == ACTION_WHEEL_UP || a == ACTION_WHEEL_DOWN;
    sync(v);
    if (v->step == NULL)
        return VIEW_IGNORED;
    if (wheel && arg == PANE_HEAD) {
        v->head_top += a == ACTION_WHEEL_UP ? -3 : 3;
        v->link = v->head_focus ? v->link : -1;
        return VIEW_HANDLED;
    }
    if (a == ACTION_SELECT && arg < 0) {
        select_link(v, (int)(-1 - arg));
        return VIEW_HANDLED;
    }
    if (v->head_focus && head_action(v, a))
        return VIEW_HANDLED;
    if (own_action(v, a) || go_action(v, a))
        return VIEW_HANDLED;
    if (dp_step_out_action(v, a) == VIEW_HANDLED)
        return VIEW_HANDLED;
    return dp_pager_action(&v->pager, a, arg) ? VIEW_HANDLED : VIEW_IGNORED;
}

static struct fleet_build *step_build(const struct view *base)
{
    return ((const struct step_view *)base)->build;
}

static int step_search(struct view *base, const char *text, bool done, struct depot_error *err)
{
    struct step_view *v = (struct step_view *)base;
    sync(v);
    return dp_pager_search(&v->pager, text, done, err);
}

static const enum action step_hints[] = {ACTION_SEARCH, ACTION_FOLLOW, ACTION_WRAP, ACTION_TIMES,
    ACTION_ZOOM, ACTION_WHY, ACTION_TWIN, ACTION_INPUTS, ACTION_SAVE, ACTION_PIPE,
    ACTION_DEPENDANTS, ACTION_COPY_LOG, ACTION_SIBLING_NEXT, ACTION_MATCH_NEXT, ACTION_NONE};

static const struct view_note step_notes[] = {
    {"/", "regex; a capital letter makes case count"},
    {"follow", "the newest line stays in sight; G begins it"},
    {"usually", "median and middle half of uncached runs"},
    {"kept", "the engine cut the log; all it sent is here"},
    {"s |", "bytes as they came; y Y: text, no colours"},
    {NULL, NULL},
};

const struct view_ops view_step = {.id = VIEW_STEP,
    .size = sizeof(struct step_view),
    .of_build = true,
    .watched_only = true,
    .offer = dp_offer_builds,
    .open = step_open,
    .close = step_close,
    .refresh = step_refresh,
    .draw = step_draw,
    .action = step_action,
    .title = step_title,
    .hints = step_hints,
    .build = step_build,
    .search = step_search,
    .wake = step_wake,
    .work = step_work,
    .notes = step_notes};
