/*
 * A frame: the title row, the view, the row at the bottom; and when the next one would differ.
 */
#include <depot/text.h>

#include "tui_priv.h"

#include <stdio.h>
#include <string.h>

/* ---- the command to begin with ---- */

/* A build that a daemon has yet to tell of is waited for; other commands need no data. */
static void open_awaited(struct tui *t)
{
    char *line = t->opening;
    const bool empty = t->fleet->builds.len == 0 && t->fleet->builders.len == 0;
    if (line == NULL || (empty && dp_command_names_build(t, line)))
        return;
    const uint64_t said_before = t->said_until_ms;
    t->opening = NULL;
    dp_tui_command(t, line);
    if (t->said_until_ms != said_before) /* who asked for it may be looking elsewhere */
        t->said_until_ms = UINT64_MAX;
    depot_free(line);
}

/* ---- rows ---- */

/* What the title says of a source; NULL: all is well. */
static const char *link_word(const struct fleet_source *s)
{
    if (s->state == DEPOT_FEED_STALE)
        return "stale";
    if (s->state == DEPOT_FEED_CONNECTING && s->feed != NULL)
        return "connecting";
    return s->state == DEPOT_FEED_ENDED && s->why.msg[0] != '\0' ? "lost" : NULL;
}

/* "stale 12s": the one thing about the connection that matters. */
static void put_link(const struct tui *t, struct depot_buf *out, bool *bad)
{
    const uint64_t now = depot_mono_ms();
    for (size_t i = 0; i < t->fleet->sources.len; i++) {
        const struct fleet_source *s = t->fleet->sources.items[i];
        char age[DEPOT_TEXT_MAX];
        const char *word = link_word(s);
        if (word == NULL)
            continue;
        *bad = true;
        depot_text_duration(age, (int64_t)(now - s->state_since_ms) * DEPOT_MSEC, false);
        depot_buf_addf(out, "%s%s%s%s %s", out->len > 0 ? "  " : "", s->name,
            s->name[0] != '\0' ? " " : "", word, age);
    }
}

static void draw_title(struct tui *t, struct view *v, const struct canvas *c)
{
    struct depot_buf left = DEPOT_BUF_INIT(4096), right = DEPOT_BUF_INIT(4096);
    struct depot_buf link = DEPOT_BUF_INIT(4096);
    char rec[32] = "";
    bool bad = false;
    int x = c->w - 1;
    if (v->ops->title != NULL)
        v->ops->title(v, &left, &right);
    put_link(t, &link, &bad);
    if (t->frozen)
        depot_buf_addf(&link, "%sfrozen", link.len > 0 ? "  " : "");
    if (t->fleet->recordings > 1)
        snprintf(rec, sizeof(rec), "rec %u", t->fleet->recordings);
    else if (t->fleet->recordings > 0)
        snprintf(rec, sizeof(rec), "rec");
    const struct {
        const char *text;
        uint32_t style;
    } parts[] = {{rec, DEPOT_STYLE_RUN},
        {depot_buf_str(&link), bad || t->frozen ? DEPOT_STYLE_STALE : DEPOT_STYLE_DIM},
        {t->mark, DEPOT_STYLE_TEXT}, {depot_buf_str(&right), DEPOT_STYLE_DIM}};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(parts); i++) {
        const int w = depot_text_width(parts[i].text);
        if (w == 0 || x - w < c->w / 3)
            continue;
        dp_canvas_put(c, 0, x - w, parts[i].style, parts[i].text);
        x -= w + 2;
    }
    dp_canvas_field(c, 0, 1, x - 1, FIT_LEFT, DEPOT_STYLE_TITLE, depot_buf_str(&left));
    depot_buf_release(&left);
    depot_buf_release(&right);
    depot_buf_release(&link);
}

static const struct hint *find_hint(struct tui *t, const struct view *v, enum action a)
{
    struct depot_buf key = DEPOT_BUF_INIT(sizeof(((struct hint *)0)->key) - 1);
    if (t->hinted != v->ops->id)
        t->hints.len = 0;
    t->hinted = v->ops->id;
    for (size_t i = 0; i < t->hints.len; i++)
        if (t->hints.items[i].action == a)
            return &t->hints.items[i];
    struct hint *h = depot_vec_add(&t->hints);
    h->action = a;
    dp_keymaps_keys(t->keys, dp_view_keymap(v->ops->id), a, 1, &key);
    snprintf(h->key, sizeof(h->key), "%s", depot_buf_str(&key));
    h->key_w = depot_text_width(h->key);
    h->w = h->key_w > 0 ? h->key_w + 1 + (int)strlen(dp_action_hint(a)) : 0;
    depot_buf_release(&key);
    return h;
}

static void draw_hint(const struct canvas *c, int x, const struct hint *h)
{
    if (h->w == 0)
        return;
    dp_canvas_put(c, c->h - 1, x, DEPOT_STYLE_KEY, h->key);
    dp_canvas_put(c, c->h - 1, x + h->key_w + 1, DEPOT_STYLE_DIM, dp_action_hint(h->action));
    dp_canvas_hot(c, c->h - 1, x, 1, h->w, h->action, 0, 0);
}

/* The view's keys that would do something from the left, as many as fit; help and back always, at
 * the right. */
static void draw_hints(struct tui *t, const struct view *v, const struct canvas *c)
{
    static const enum action always[] = {ACTION_BACK, ACTION_HELP};
    int end = c->w - 1, x = 1;
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(always); i++) {
        if (dp_action_place(always[i]) == v->ops->id)
            continue; /* it is here */
        const struct hint *h = find_hint(t, v, always[i]);
        draw_hint(c, end - h->w, h);
        end -= h->w + 2;
    }
    for (size_t i = 0; v->ops->hints != NULL && v->ops->hints[i] != ACTION_NONE; i++) {
        const struct hint *h = find_hint(t, v, v->ops->hints[i]);
        const bool taken_away = h->w == 0;
        if (taken_away || dp_act_refusal(v, h->action) != NULL)
            continue;
        if (x + h->w >= end)
            break;
        draw_hint(c, x, h);
        x += h->w + 2;
    }
}

static void draw_bottom(struct tui *t, const struct view *v, const struct canvas *c)
{
    const int y = c->h - 1;
    const bool said = t->said[0] != '\0' && depot_mono_ms() < t->said_until_ms;
    if (t->prompt.kind == PROMPT_NONE && !said) {
        if (!t->hide_keys)
            draw_hints(t, v, c);
        return;
    }
    dp_canvas_fill(c, y, 0, 1, c->w, DEPOT_STYLE_TEXT, ' ');
    if (t->prompt.kind != PROMPT_NONE)
        dp_prompt_draw(t, c, y);
    else
        dp_canvas_field(c, y, 1, c->w - 2, FIT_LEFT, t->said_style, t->said);
}

const struct grid *dp_tui_frame(struct tui *t, depot_time now)
{
    open_awaited(t);
    dp_prompt_heed(t);
    struct view *v = dp_tui_top(t);
    dp_grid_clear(&t->grid);
    if (!t->frozen || t->now == 0)
        t->now = now;
    const struct canvas all = dp_canvas_of(&t->grid);
    t->dirty = false;
    if (v == NULL)
        return &t->grid;
    if (t->w < VIEW_MIN_W || t->h < VIEW_MIN_H) {
        dp_canvas_putf(&all, t->h / 2, 0, DEPOT_STYLE_TEXT, "need %dx%d, have %dx%d", VIEW_MIN_W,
            VIEW_MIN_H, t->w, t->h);
        return &t->grid;
    }
    dp_tui_freshen(t);
    t->dirty = false;
    const struct canvas body = dp_canvas_sub(&all, 1, 0, v->h, v->w);
    v->ops->draw(v, &body);
    draw_title(t, v, &all);
    draw_bottom(t, v, &all);
    return &t->grid;
}

static bool any_link_bad(const struct tui *t)
{
    for (size_t i = 0; i < t->fleet->sources.len; i++)
        if (link_word(t->fleet->sources.items[i]) != NULL)
            return true;
    return false;
}

depot_time dp_tui_wake(const struct tui *t)
{
    struct view *v = dp_tui_top(t);
    depot_time wake = v != NULL && v->ops->wake != NULL && !t->frozen ? v->ops->wake(v) : 0;
    depot_time also = 0;
    if (any_link_bad(t))
        also = t->now + DEPOT_SEC;
    if (t->said[0] != '\0' && t->said_until_ms != UINT64_MAX) {
        const uint64_t ms = depot_mono_ms();
        const depot_time end =
            t->now + (t->said_until_ms > ms ? (depot_time)(t->said_until_ms - ms) : 1) * DEPOT_MSEC;
        also = also == 0 || end < also ? end : also;
    }
    return wake == 0 || (also != 0 && also < wake) ? also : wake;
}

void dp_tui_outside(const struct tui *t, struct depot_buf *title, int *percent, bool *failed)
{
    struct depot_buf right = DEPOT_BUF_INIT(4096), left = DEPOT_BUF_INIT(4096);
    struct view *v = dp_tui_top(t);
    int total = 0, done = 0;
    *failed = false;
    for (size_t i = 0; i < t->fleet->builds.len; i++) {
        const struct fleet_build *b = t->fleet->builds.items[i];
        if (depot_build_state_over(b->sum.state))
            continue;
        total += b->sum.counts.total;
        done += dp_fleet_done(&b->sum.counts);
    }
    *percent = total > 0 ? done * 100 / total : -1;
    if (v != NULL && v->ops->title != NULL)
        v->ops->title(v, &left, &right);
    depot_buf_adds(title, "depot ");
    depot_clean_string(title, depot_buf_str(&left));
    for (size_t i = 0; i < title->len; i++)
        title->data[i] = title->data[i] == '\t' ? ' ' : title->data[i];
    depot_buf_release(&left);
    depot_buf_release(&right);
}
