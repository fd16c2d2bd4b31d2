/*
 * What is done to a build, from whichever view: cancel it, record it, copy its link.
 */
#include "record.h"
#include "save.h"
#include "tui_priv.h"

#include <string.h>

/* ---- cancel ---- */

static void yes_cancel(struct tui *t, const char *arg)
{
    struct depot_error err = {0};
    struct fleet_build *b = dp_fleet_find(t->fleet, arg);
    if (t->ops.cancel != NULL && t->ops.cancel(t, arg, t->arg))
        dp_tui_say(t, STYLE_WARN, "cancelling the build");
    else if (b == NULL || dp_fleet_cancel(t->fleet, b, &err) != 0)
        dp_tui_say(t, STYLE_ERROR, "%s", b == NULL ? "the build is gone" : err.msg);
    else
        dp_tui_say(t, STYLE_WARN, "cancelling %s", b->id);
}

void dp_tui_cancel_build(struct tui *t, const struct fleet_build *b)
{
    if (depot_build_state_over(b->sum.state)) {
        dp_tui_say(t, STYLE_DIM, "build %s is over", b->id);
        return;
    }
    dp_tui_confirm(t, yes_cancel, b->key, "cancel %s%s%s of %s? y/N", b->id,
        depot_str_empty(b->sum.info.project) ? "" : " ",
        depot_str_empty(b->sum.info.project) ? "" : b->sum.info.project,
        depot_str_empty(b->sum.info.user) ? "somebody" : b->sum.info.user);
}

/* ---- the link of its CI run ---- */

void dp_tui_copy_link(struct tui *t, const struct fleet_build *b)
{
    const char *url = b->sum.info.ci_url;
    if (depot_str_empty(url))
        dp_tui_say(t, STYLE_DIM, "build %s has no link of a CI run", b->id);
    else
        dp_tui_copy(t, url, strlen(url));
}

/* ---- record ---- */

static void record_to(struct tui *t, struct fleet_build *b, const char *path)
{
    struct depot_error err = {0};
    if (dp_record_start(t->fleet, b, path, &err) != 0)
        dp_tui_say(t, STYLE_ERROR, "%s", err.msg);
    else if (b->record != NULL)
        dp_tui_say(t, STYLE_TEXT, "recording %s to %s until it ends, or R", b->id, path);
}

/* `arg`: the build's key, a newline, the path. */
static void on_overwrite(struct tui *t, const char *arg)
{
    const char *path = strchr(arg, '\n') + 1;
    char *key = depot_strndup(arg, (size_t)(path - 1 - arg));
    struct fleet_build *b = dp_fleet_find(t->fleet, key);
    if (b == NULL || b->record != NULL)
        dp_tui_say(t, STYLE_DIM, "nothing was recorded");
    else
        record_to(t, b, path);
    depot_free(key);
}

static void on_record_name(struct tui *t, const char *text, const char *key)
{
    struct fleet_build *b = dp_fleet_find(t->fleet, key);
    char *path = dp_save_path(text);
    char *both = depot_asprintf("%s\n%s", key, path);
    if (b == NULL || b->record != NULL)
        dp_tui_say(t, STYLE_DIM, "nothing was recorded");
    else if (dp_save_may(t, path, on_overwrite, both))
        record_to(t, b, path);
    depot_free(both);
    depot_free(path);
}

void dp_tui_record_build(struct tui *t, struct fleet_build *b)
{
    struct depot_buf raw = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_buf name = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    if (b->record != NULL) {
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
