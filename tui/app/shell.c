/*
 * What views ask of the core: to open others, to say and to ask something, the fleet, the terminal.
 */
#include <depot/text.h>

#include "tui/fleet/step_key.h"
#include "tui_priv.h"

#include <stdarg.h>
#include <stdio.h>

enum { SAY_MS = 5000 };

struct fleet *dp_tui_fleet(const struct tui *t)
{
    return t->fleet;
}

const struct view_ops *dp_tui_view(const struct tui *t, enum view_id id)
{
    return t->views[id];
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

void dp_tui_size_view(struct tui *t, struct view *v)
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
    dp_tui_size_view(t, v);
    if (ops->open == NULL || ops->open(v, v->arg, &err) == 0)
        return v;
    dp_tui_say(t, DEPOT_STYLE_ERROR, "%s", err.msg);
    depot_free(v->arg);
    depot_free(v);
    return NULL;
}

void dp_tui_push(struct tui *t, enum view_id id, const char *arg)
{
    struct view *v = make_view(t, t->views[id], arg);
    if (v == NULL)
        return;
    depot_vec_push(&t->stack, v);
    t->dirty = t->data_changed = t->renew = true;
}

void dp_tui_push_step(
    struct tui *t, enum view_id id, const struct fleet_build *b, const struct depot_step *s)
{
    char *key = s != NULL ? dp_step_key(b, s) : depot_strdup(b->key);
    dp_tui_push(t, id, key);
    depot_free(key);
}

void dp_tui_replace(struct tui *t, enum view_id id, const char *arg)
{
    struct view *v = make_view(t, t->views[id], arg);
    if (v == NULL)
        return;
    if (t->stack.len > 0)
        depot_vec_push(&t->gone, t->stack.items[--t->stack.len]);
    depot_vec_push(&t->stack, v);
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

void dp_tui_freshen(struct tui *t)
{
    struct view *v = dp_tui_top(t);
    const bool gone = t->generation != t->fleet->generation;
    if (v == NULL || !(t->renew || gone || (t->data_changed && !t->frozen)))
        return;
    if (v->ops->watched_only && !t->renew)
        dp_fleet_derive_watched(t->fleet);
    else
        dp_fleet_derive(t->fleet);
    t->data_changed = t->renew = false;
    t->generation = t->fleet->generation;
    t->dirty = true;
    if (v->ops->refresh != NULL)
        v->ops->refresh(v);
}
