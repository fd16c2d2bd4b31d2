/*
 * What is done to a build, from whichever view: cancel it, record it, copy its link. And why an
 * action would do nothing where the user is.
 */
#include "tui/fleet/record.h"
#include "save.h"
#include "tui_priv.h"

#include <string.h>

/* ---- cancel ---- */

static void yes_cancel(struct tui *t, const char *arg)
{
    struct depot_error err = {0};
    struct fleet_build *b = dp_fleet_find(t->fleet, arg);
    if (b == NULL || dp_fleet_cancel(b, &err) != 0)
        dp_tui_say(t, DEPOT_STYLE_ERROR, "%s", b == NULL ? "the build is gone" : err.msg);
    else
        dp_tui_say(t, DEPOT_STYLE_WARN, "cancelling %s", b->id);
}

static void cancel(struct tui *t, struct fleet_build *b)
{
    dp_tui_confirm(t, yes_cancel, b->key, "cancel %s%s%s of %s? y/N", b->id,
        depot_str_empty(b->sum.info.project) ? "" : " ",
        depot_str_empty(b->sum.info.project) ? "" : b->sum.info.project,
        depot_str_empty(b->sum.info.user) ? "somebody" : b->sum.info.user);
}

/* ---- the link of its CI run ---- */

static const char *cannot_link(const struct fleet_build *b)
{
    return depot_str_empty(b->sum.info.ci_url) ? "this build has no link of a CI run" : NULL;
}

static void copy_link(struct tui *t, struct fleet_build *b)
{
    dp_tui_copy(t, b->sum.info.ci_url, strlen(b->sum.info.ci_url));
}

/* ---- record ---- */

static void record_to(struct tui *t, struct fleet_build *b, const char *path)
{
    struct depot_error err = {0};
    if (dp_record_start(t->fleet, b, path, &err) != 0)
        dp_tui_say(t, DEPOT_STYLE_ERROR, "%s", err.msg);
    else if (b->tap != NULL)
        dp_tui_say(t, DEPOT_STYLE_TEXT, "recording %s to %s until it ends, or R", b->id, path);
}

/* `arg`: the build's key, a newline, the path. */
static void on_overwrite(struct tui *t, const char *arg)
{
    const char *path = strchr(arg, '\n') + 1;
    char *key = depot_strndup(arg, (size_t)(path - 1 - arg));
    struct fleet_build *b = dp_fleet_find(t->fleet, key);
    if (b == NULL || b->tap != NULL)
        dp_tui_say(t, DEPOT_STYLE_DIM, "nothing was recorded");
    else
        record_to(t, b, path);
    depot_free(key);
}

static void on_record_name(struct tui *t, const char *text, const char *key)
{
    struct fleet_build *b = dp_fleet_find(t->fleet, key);
    char *path = dp_save_path(text);
    char *both = depot_asprintf("%s\n%s", key, path);
    if (b == NULL || b->tap != NULL)
        dp_tui_say(t, DEPOT_STYLE_DIM, "nothing was recorded");
    else if (dp_save_may(t, path, on_overwrite, both))
        record_to(t, b, path);
    depot_free(both);
    depot_free(path);
}

static void record(struct tui *t, struct fleet_build *b)
{
    struct depot_buf raw = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_buf name = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    if (b->tap != NULL) {
        dp_record_stop(b);
        return;
    }
    if (!depot_str_empty(b->sum.info.project))
        depot_buf_addf(&raw, "%.40s-", b->sum.info.project);
    depot_buf_adds(&raw, b->id);
    dp_save_name(&name, depot_buf_str(&raw), ".ndjson");
    dp_tui_ask(t, on_record_name, b->key, "record the build to: ", depot_buf_str(&name));
    depot_buf_release(&raw);
    depot_buf_release(&name);
}

/* ---- which action it is, and whether it would do anything ---- */

static const struct act {
    enum action action;
    const char *(*cannot)(const struct fleet_build *b); /* NULL: it can */
    void (*run)(struct tui *t, struct fleet_build *b);
} acts[] = {
    {ACTION_CANCEL, dp_fleet_cannot_cancel, cancel},
    {ACTION_RECORD, dp_record_cannot, record},
    {ACTION_WEB, cannot_link, copy_link},
};

static const struct act *find_act(enum action a)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(acts); i++)
        if (acts[i].action == a)
            return &acts[i];
    return NULL;
}

static struct fleet_build *build_of(const struct view *v)
{
    return v->ops->build != NULL ? v->ops->build(v) : NULL;
}

bool dp_tui_act(struct tui *t, enum action a)
{
    const struct act *act = find_act(a);
    struct fleet_build *b = build_of(dp_tui_top(t));
    if (act == NULL || b == NULL)
        return false;
    act->run(t, b);
    return true;
}

const char *dp_act_refusal(const struct view *v, enum action a)
{
    static const char no_build[] = "no build is selected";
    const struct act *act = find_act(a);
    const struct fleet_build *b = build_of(v);
    if (act != NULL)
        return b != NULL ? act->cannot(b) : no_build;
    if (!dp_action_needs_row(a))
        return NULL;
    if (v->ops->no_row != NULL)
        return v->ops->no_row(v);
    return v->ops->build != NULL && b == NULL ? no_build : NULL;
}
