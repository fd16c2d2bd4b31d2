/*
 * Actions: the view on top has the first word, then the core does what all views share.
 */
#include "tui_priv.h"

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
    dp_tui_size_view(t, dp_tui_top(t));
    t->dirty = t->data_changed = t->renew = true;
}

/* What is opened from everywhere; not on itself. */
static bool place_action(struct tui *t, const struct view *v, enum action a)
{
    const enum view_id place = dp_action_place(a);
    if (place == VIEW_COUNT)
        return false;
    if (v->ops->id != place)
        dp_tui_push(t, place, NULL);
    return true;
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
    if (dp_tui_act(t, a) || prompt_action(t, v, a) || screen_action(t, a) || place_action(t, v, a))
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
