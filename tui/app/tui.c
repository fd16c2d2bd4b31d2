/*
 * The core's life, its size and its input: keys and clicks become actions. It knows no terminal.
 */
#include "tui_priv.h"

#include <stdio.h>

enum { DOUBLE_CLICK_MS = 400 };

/* ---- life ---- */

struct tui *dp_tui_new(struct fleet *f, const struct view_ops *const *views, struct keymaps *keys,
    const struct depot_styles *styles, const struct tui_ops *ops, void *arg)
{
    struct tui *t = depot_calloc(1, sizeof(*t));
    t->fleet = f;
    t->views = views;
    t->keys = keys;
    t->styles = styles;
    t->ops = ops != NULL ? *ops : (struct tui_ops){0};
    t->arg = arg;
    t->mouse = t->dirty = t->data_changed = t->renew = true;
    t->hinted = VIEW_COUNT;
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

void dp_tui_key(struct tui *t, const struct key *k)
{
    const struct view *v = dp_tui_top(t);
    if (k->code == KEY_CODE_FOCUS || v == NULL)
        return;
    depot_free(t->opening);
    t->opening = NULL;
    dp_tui_freshen(t);
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
        a = dp_keymaps_find(t->keys, dp_view_keymap(v->ops->id), k);
    t->escaped = k->code == KEY_CODE_ESC;
    dp_tui_action(t, a, 0);
    t->escaped = false;
    bury(t);
}

/* ---- what its owner says ---- */

void dp_tui_open(struct tui *t, const char *line)
{
    depot_free(t->opening);
    t->opening = depot_strdup(line);
}

void dp_tui_resize(struct tui *t, int h, int w)
{
    dp_grid_resize(&t->grid, h, w);
    t->h = t->grid.h;
    t->w = t->grid.w;
    for (size_t i = 0; i < t->stack.len; i++)
        dp_tui_size_view(t, t->stack.items[i]);
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
        dp_tui_size_view(t, t->stack.items[i]);
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

bool dp_tui_work(struct tui *t)
{
    struct view *v = dp_tui_top(t);
    if (v == NULL || v->ops->work == NULL)
        return false;
    if (t->generation != t->fleet->generation)
        dp_tui_freshen(t);
    return v->ops->work(v);
}

void dp_tui_answer(struct tui *t, struct fleet_source *s, const struct depot_response *a)
{
    for (size_t i = 0; i < t->stack.len; i++)
        if (t->stack.items[i]->ops->answer != NULL)
            t->stack.items[i]->ops->answer(t->stack.items[i], s, a);
    t->data_changed = true;
}
