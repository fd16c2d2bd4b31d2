/*
 * The core: the stack of views, actions and commands, frames. It knows no terminal.
 */
#include "tui_priv.h"

#include <depot/text.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SAY_MS = 5000, DOUBLE_CLICK_MS = 400 };

/* ---- life ---- */

struct tui *dp_tui_new(struct fleet *f, struct keymaps *keys, const struct depot_styles *styles,
    const struct tui_ops *ops, void *arg)
{
    struct tui *t = depot_calloc(1, sizeof(*t));
    t->fleet = f;
    t->keys = keys;
    t->styles = styles;
    t->ops = ops != NULL ? *ops : (struct tui_ops){0};
    t->arg = arg;
    t->mouse = t->dirty = t->data_changed = t->renew = true;
    dp_grid_init(&t->grid);
    dp_prompt_init(&t->prompt);
    return t;
}

static void free_view(struct view *v)
{
    if (v->ops->close != NULL)
        v->ops->close(v);
    depot_free(v->arg);
    depot_free(v);
}

static void bury(struct tui *t)
{
    for (size_t i = 0; i < t->gone.len; i++)
        free_view(t->gone.items[i]);
    t->gone.len = 0;
}

void dp_tui_free(struct tui *t)
{
    if (t == NULL)
        return;
    bury(t);
    while (t->stack.len > 0)
        free_view(t->stack.items[--t->stack.len]);
    depot_vec_free(&t->stack);
    depot_vec_free(&t->gone);
    depot_vec_free(&t->hints);
    dp_grid_release(&t->grid);
    dp_prompt_release(&t->prompt);
    depot_free(t->opening);
    depot_free(t);
}

/* ---- what views ask ---- */

struct fleet *dp_tui_fleet(const struct tui *t)
{
    return t->fleet;
}

const struct keymaps *dp_tui_keymaps(const struct tui *t)
{
    return t->keys;
}

depot_time dp_tui_now(const struct tui *t)
{
    return t->now;
}

bool dp_tui_ascii(const struct tui *t)
{
    return t->grid.ascii;
}

struct view *dp_tui_top(const struct tui *t)
{
    return t->stack.len > 0 ? t->stack.items[t->stack.len - 1] : NULL;
}

static void size_view(struct tui *t, struct view *v)
{
    v->h = t->h - (t->hide_keys ? 1 : 2);
    v->w = t->w;
    v->h = v->h > 0 ? v->h : 0;
    if (v->ops->resize != NULL)
        v->ops->resize(v, v->h, v->w);
}

static struct view *make_view(struct tui *t, const struct view_ops *ops, const char *arg)
{
    struct depot_error err = {0};
    struct view *v = depot_calloc(1, ops->size > sizeof(*v) ? ops->size : sizeof(*v));
    v->ops = ops;
    v->tui = t;
    v->arg = depot_strdup(arg);
    size_view(t, v);
    if (ops->open == NULL || ops->open(v, v->arg, &err) == 0)
        return v;
    dp_tui_say(t, DEPOT_STYLE_ERROR, "%s", err.msg);
    depot_free(v->arg);
    depot_free(v);
    return NULL;
}

void dp_tui_push(struct tui *t, const struct view_ops *ops, const char *arg)
{
    struct view *v = make_view(t, ops, arg);
    if (v == NULL)
        return;
    depot_vec_push(&t->stack, v);
    t->dirty = t->data_changed = t->renew = true;
}

void dp_tui_replace(struct tui *t, const struct view_ops *ops, const char *arg)
{
    struct view *v = make_view(t, ops, arg);
    if (v == NULL)
        return;
    if (t->stack.len > 0)
        depot_vec_push(&t->gone, t->stack.items[--t->stack.len]);
    depot_vec_push(&t->stack, v);
    t->dirty = t->data_changed = t->renew = true;
}

static void quit(struct tui *t)
{
    if (!t->quit && t->ops.quit != NULL) {
        t->quit = true;
        t->ops.quit(t, t->arg);
    }
}

/* The last one: leaves. */
static void pop_view(struct tui *t)
{
    if (t->stack.len <= 1) {
        if (t->ops.back != NULL && t->ops.back(t, t->arg))
            return;
        /* Esc waves things away, and is pressed once more than it takes. */
        if (t->escaped)
            dp_tui_say(t, DEPOT_STYLE_DIM, "q leaves");
        else
            quit(t);
        return;
    }
    depot_vec_push(&t->gone, t->stack.items[--t->stack.len]);
    size_view(t, dp_tui_top(t));
    t->dirty = t->data_changed = t->renew = true;
}

void dp_tui_say(struct tui *t, uint32_t style, const char *fmt, ...)
{
    char text[SAY_MAX];
    struct depot_buf clean = DEPOT_BUF_INIT(SAY_MAX - 1);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    depot_clean_string(&clean, text);
    snprintf(t->said, sizeof(t->said), "%s", depot_buf_str(&clean));
    depot_buf_release(&clean);
    t->said_style = style;
    t->said_until_ms = depot_mono_ms() + SAY_MS;
    t->dirty = true;
}

void dp_tui_confirm(struct tui *t, dp_tui_yes_fn *yes, const char *arg, const char *fmt, ...)
{
    char text[SAY_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    dp_prompt_open(t, PROMPT_YES, text, NULL);
    t->prompt.yes_fn = yes;
    t->prompt.arg = depot_strdup(arg);
}

void dp_tui_ask(
    struct tui *t, dp_tui_text_fn *fn, const char *arg, const char *prompt, const char *initial)
{
    dp_prompt_open(t, PROMPT_ASK, prompt, initial);
    t->prompt.text_fn = fn;
    t->prompt.arg = depot_strdup(arg);
}

void dp_tui_copy(struct tui *t, const void *data, size_t n)
{
    char size[DEPOT_TEXT_MAX];
    dp_tui_say(t, DEPOT_STYLE_DIM, "copied %s", depot_text_bytes(size, (int64_t)n));
    if (t->ops.copy != NULL) /* which may say that it could not */
        t->ops.copy(t, data, n, t->arg);
}

void dp_tui_run(struct tui *t, const char *command, dp_tui_feed_fn *feed, void *arg)
{
    if (t->ops.run != NULL)
        t->ops.run(t, command, feed, arg, t->arg);
}

/* ---- actions ---- */

/* Views that are opened from everywhere; opening one twice goes back to it. */
static void open_named(struct tui *t, const char *name)
{
    const struct view_ops *ops = dp_view_find(name);
    if (ops == NULL) {
        dp_tui_say(t, DEPOT_STYLE_DIM, "there is no view \"%s\"", name);
        return;
    }
    if (dp_tui_top(t) != NULL && dp_tui_top(t)->ops == ops)
        return;
    dp_tui_push(t, ops, NULL);
}

static bool is_replay_action(enum action a)
{
    return a >= ACTION_PLAY && a <= ACTION_EVENT_ON;
}

static bool prompt_action(struct tui *t, const struct view *v, enum action a)
{
    if (a == ACTION_COMMAND)
        dp_prompt_open(t, PROMPT_COMMAND, ":", NULL);
    else if (a == ACTION_FILTER && v->ops->filter != NULL)
        dp_prompt_open(t, PROMPT_FILTER, "filter ", NULL);
    else if (a == ACTION_SEARCH && v->ops->search != NULL)
        dp_prompt_open(t, PROMPT_SEARCH, "/", NULL);
    else if (a == ACTION_SEARCH && v->ops->filter != NULL)
        dp_prompt_open(t, PROMPT_FILTER, "filter ", NULL);
    else
        return false;
    return true;
}

static bool screen_action(struct tui *t, enum action a)
{
    if (a == ACTION_FREEZE) {
        t->frozen = !t->frozen;
    } else if (a == ACTION_REDRAW) {
        if (t->ops.redraw != NULL)
            t->ops.redraw(t, t->arg);
    } else if (a == ACTION_SUSPEND) {
        if (t->ops.suspend != NULL)
            t->ops.suspend(t, t->arg);
    } else if (a == ACTION_MOUSE) {
        t->mouse = !t->mouse;
        if (t->ops.mouse != NULL)
            t->ops.mouse(t, t->mouse, t->arg);
        dp_tui_say(
            t, DEPOT_STYLE_DIM, t->mouse ? "mouse on" : "mouse off: the terminal selects text");
    } else if (a == ACTION_KEYS) {
        dp_tui_set_hide_keys(t, !t->hide_keys);
    } else {
        return false;
    }
    return true;
}

static void core_action(struct tui *t, struct view *v, enum action a)
{
    if (dp_tui_act(t, a) || prompt_action(t, v, a) || screen_action(t, a))
        return;
    if (is_replay_action(a)) {
        if (t->ops.replay != NULL)
            (void)t->ops.replay(t, a, NULL, t->arg);
        return;
    }
    switch (a) {
    case ACTION_BACK:
        pop_view(t);
        break;
    case ACTION_QUIT:
        quit(t);
        break;
    case ACTION_INTERRUPT:
        if (t->ops.interrupt == NULL || !t->ops.interrupt(t, t->arg))
            quit(t);
        break;
    case ACTION_HELP:
        dp_tui_push(t, &view_help, dp_keymap_name(v->ops->keymap));
        break;
    case ACTION_BUILDERS:
    case ACTION_CACHE:
    case ACTION_HISTORY:
        open_named(t, dp_action_name(a));
        break;
    default:
        break;
    }
}

void dp_tui_action(struct tui *t, enum action a, intptr_t arg)
{
    struct view *v = dp_tui_top(t);
    t->dirty = true;
    if (v == NULL || a == ACTION_NONE || a >= ACTION_COUNT)
        return;
    const char *refusal = dp_act_refusal(v, a);
    if (refusal != NULL) {
        dp_tui_say(t, DEPOT_STYLE_DIM, "%s", refusal);
        return;
    }
    if (v->ops->action != NULL && v->ops->action(v, a, arg) == VIEW_HANDLED)
        return;
    core_action(t, v, a);
}

/* ---- the command to begin with ---- */

void dp_tui_open(struct tui *t, const char *line)
{
    depot_free(t->opening);
    t->opening = depot_strdup(line);
}

static bool names_build(const char *line)
{
    static const char *const of_builds[] = {"build ", "step ", "why "};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(of_builds); i++)
        if (depot_str_starts(line, of_builds[i]))
            return true;
    return false;
}

/* A build that a daemon has yet to tell of is waited for; other commands need no data. */
static void open_awaited(struct tui *t)
{
    char *line = t->opening;
    if (line == NULL ||
        (names_build(line) && t->fleet->builds.len == 0 && t->fleet->builders.len == 0))
        return;
    const uint64_t said_before = t->said_until_ms;
    t->opening = NULL;
    dp_tui_command(t, line);
    if (t->said_until_ms != said_before) /* who asked for it may be looking elsewhere */
        t->said_until_ms = UINT64_MAX;
    depot_free(line);
}

/* ---- keys ---- */

static void click(struct tui *t, const struct key *k)
{
    const bool wheel = k->button == MOUSE_WHEEL_UP || k->button == MOUSE_WHEEL_DOWN;
    const struct hot *h = dp_grid_hot(&t->grid, k->y, k->x, wheel);
    const uint64_t now = depot_mono_ms();
    if (h == NULL || (!wheel && k->button != MOUSE_LEFT))
        return;
    if (wheel) {
        dp_tui_action(
            t, k->button == MOUSE_WHEEL_UP ? ACTION_WHEEL_UP : ACTION_WHEEL_DOWN, h->pane);
        return;
    }
    const bool twice =
        t->click_y == k->y && now - t->click_ms < DOUBLE_CLICK_MS && h->action == ACTION_SELECT;
    const enum action a = h->action;
    const intptr_t arg = h->arg;
    t->click_y = k->y;
    t->click_ms = twice ? 0 : now;
    dp_tui_action(t, a, arg);
    if (twice)
        dp_tui_action(t, ACTION_OPEN, 0);
}

static void freshen(struct tui *t);

void dp_tui_key(struct tui *t, const struct key *k)
{
    const struct view *v = dp_tui_top(t);
    if (k->code == KEY_CODE_FOCUS || v == NULL)
        return;
    depot_free(t->opening);
    t->opening = NULL;
    freshen(t);
    if (t->prompt.kind != PROMPT_NONE) {
        dp_prompt_key(t, k);
        bury(t);
        return;
    }
    t->said[0] = '\0';
    t->dirty = true;
    if (k->code == KEY_CODE_MOUSE) {
        click(t, k);
        bury(t);
        return;
    }
    enum action a = ACTION_COUNT;
    if (t->mark[0] != '\0')
        a = dp_keymaps_find(t->keys, KEYMAP_REPLAY, k);
    if (a == ACTION_COUNT)
        a = dp_keymaps_find(t->keys, v->ops->keymap, k);
    t->escaped = k->code == KEY_CODE_ESC;
    dp_tui_action(t, a, 0);
    t->escaped = false;
    bury(t);
}

/* ---- frames ---- */

/* What views know is as new as the data: before they act, and before they draw. A frozen one too
 * when it was moved, or when states that it may point to are gone. */
static void freshen(struct tui *t)
{
    struct view *v = dp_tui_top(t);
    const bool gone = t->generation != t->fleet->generation;
    if (v == NULL || !(t->renew || gone || (t->data_changed && !t->frozen)))
        return;
    const bool one = v->ops->keymap == KEYMAP_BUILD || v->ops->keymap == KEYMAP_STEP;
    if (one && !t->renew)
        dp_fleet_settle_watched(t->fleet);
    else
        dp_fleet_settle(t->fleet);
    t->data_changed = t->renew = false;
    t->generation = t->fleet->generation;
    t->dirty = true;
    if (v->ops->refresh != NULL)
        v->ops->refresh(v);
}

void dp_tui_resize(struct tui *t, int h, int w)
{
    dp_grid_resize(&t->grid, h, w);
    t->h = t->grid.h;
    t->w = t->grid.w;
    for (size_t i = 0; i < t->stack.len; i++)
        size_view(t, t->stack.items[i]);
    t->dirty = t->data_changed = t->renew = true;
}

void dp_tui_set_ascii(struct tui *t, bool ascii)
{
    t->grid.ascii = ascii;
    t->dirty = true;
}

void dp_tui_set_wide(struct tui *t, bool wide)
{
    t->grid.ascii = t->grid.wide = wide;
    t->dirty = true;
}

void dp_tui_set_mouse(struct tui *t, bool on)
{
    t->mouse = on;
}

void dp_tui_set_hide_keys(struct tui *t, bool hide)
{
    t->hide_keys = hide;
    for (size_t i = 0; i < t->stack.len; i++)
        size_view(t, t->stack.items[i]);
    t->dirty = t->data_changed = t->renew = true;
}

void dp_tui_set_mark(struct tui *t, const char *text)
{
    snprintf(t->mark, sizeof(t->mark), "%s", text != NULL ? text : "");
}

void dp_tui_data_changed(struct tui *t)
{
    t->data_changed = true;
}

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
    if (t->hinted != v->ops->keymap)
        t->hints.len = 0;
    t->hinted = v->ops->keymap;
    for (size_t i = 0; i < t->hints.len; i++)
        if (t->hints.items[i].action == a)
            return &t->hints.items[i];
    struct hint *h = depot_vec_add(&t->hints);
    h->action = a;
    dp_keymaps_keys(t->keys, v->ops->keymap, a, 1, &key);
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
        if (v->ops->keymap == KEYMAP_HELP && always[i] == ACTION_HELP)
            continue;
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
    freshen(t);
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

bool dp_tui_work(struct tui *t)
{
    struct view *v = dp_tui_top(t);
    if (v == NULL || v->ops->work == NULL)
        return false;
    if (t->generation != t->fleet->generation)
        freshen(t);
    return v->ops->work(v);
}

void dp_tui_answer(struct tui *t, struct fleet_source *s, const struct depot_answer *a)
{
    for (size_t i = 0; i < t->stack.len; i++)
        if (t->stack.items[i]->ops->answer != NULL)
            t->stack.items[i]->ops->answer(t->stack.items[i], s, a);
    t->data_changed = true;
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
