/*
 * The commands, and what is known of their arguments.
 */
#include "command.h"

#include "save.h"
#include "tui_priv.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- what they do ---- */

static void run_quit(struct tui *t, const struct command *self, const char *arg)
{
    DEPOT_UNUSED(self);
    DEPOT_UNUSED(arg);
    dp_tui_action(t, ACTION_QUIT, 0);
}

static void run_action(struct tui *t, const struct command *self, const char *arg)
{
    DEPOT_UNUSED(arg);
    dp_tui_action(t, dp_action_from_name(self->name), 0);
}

/* Without an argument, as the key does: of what is selected, and not a second time. */
static void run_view(struct tui *t, const struct command *self, const char *arg)
{
    if (arg[0] == '\0' && dp_action_from_name(self->name) != ACTION_COUNT)
        run_action(t, self, arg);
    else
        dp_tui_push(t, self->view, arg[0] != '\0' ? arg : NULL);
}

static void run_seek(struct tui *t, const struct command *self, const char *arg)
{
    DEPOT_UNUSED(self);
    if (t->ops.replay == NULL || !t->ops.replay(t, ACTION_NONE, arg, t->arg))
        dp_tui_say(t, DEPOT_STYLE_DIM, "this is not a replay");
}

static void run_replay(struct tui *t, const struct command *self, const char *arg)
{
    DEPOT_UNUSED(self);
    char *path = dp_save_path(arg);
    if (*path == '\0')
        dp_tui_say(t, DEPOT_STYLE_ERROR, "which recording? :replay FILE");
    else if (t->ops.open_replay != NULL)
        t->ops.open_replay(t, path, t->arg);
    depot_free(path);
}

/* Names of the orders of the view that is on top; NULL-terminated. */
static const char *const *orders_here(const struct tui *t)
{
    static const char *const none[] = {NULL};
    const struct view *v = dp_tui_top(t);
    return v != NULL && v->ops->orders != NULL ? v->ops->orders : none;
}

static void run_sort(struct tui *t, const struct command *self, const char *arg)
{
    DEPOT_UNUSED(self);
    const char *const *orders = orders_here(t);
    for (size_t i = 0; orders[i] != NULL; i++) {
        if (depot_str_eq(orders[i], arg)) {
            dp_tui_action(t, ACTION_SORT_BY, (intptr_t)i);
            return;
        }
    }
    dp_tui_say(t, DEPOT_STYLE_ERROR, "there is no column \"%s\" to sort by", arg);
}

/* ---- what may stand behind them ---- */

void dp_offer_builds(const struct tui *t, struct completion *c)
{
    const struct fleet *f = dp_tui_fleet(t);
    for (size_t i = f->builds.len; i > 0; i--) { /* the newest first */
        const struct fleet_build *b = f->builds.items[i - 1];
        dp_completion_offer(c, b->key, b->sum.info.project);
    }
}

void dp_offer_builders(const struct tui *t, struct completion *c)
{
    const struct fleet *f = dp_tui_fleet(t);
    for (size_t i = 0; i < f->builders.len; i++)
        dp_completion_offer(c, f->builders.items[i]->label, NULL);
}

static void offer_orders(const struct tui *t, struct completion *c)
{
    for (const char *const *o = orders_here(t); *o != NULL; o++)
        dp_completion_offer(c, *o, NULL);
}

static void offer_moments(const struct tui *t, struct completion *c)
{
    DEPOT_UNUSED(t);
    dp_completion_offer(c, "failed", NULL);
}

/* As it was typed, up to the last slash, with the name behind; hidden ones when asked for. */
static void offer_file(struct completion *c, const char *folder, const char *name)
{
    struct stat st;
    const char *slash = strrchr(c->typed, '/');
    const size_t n = slash != NULL ? (size_t)(slash + 1 - c->typed) : 0;
    if (name[0] == '.' && c->typed[n] != '.')
        return;
    char *path = depot_asprintf("%s/%s", folder, name);
    const bool below = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    char *text = depot_asprintf("%.*s%s%s", (int)n, c->typed, name, below ? "/" : "");
    dp_completion_offer(c, text, NULL);
    depot_free(text);
    depot_free(path);
}

static void offer_files(const struct tui *t, struct completion *c)
{
    DEPOT_UNUSED(t);
    char *path = dp_save_path(c->typed), *cut = strrchr(path, '/');
    if (cut != NULL)
        *cut = '\0';
    const char *folder = cut == NULL ? "." : *path == '\0' ? "/" : path;
    struct dirent **all = NULL;
    const int n = scandir(folder, &all, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        offer_file(c, folder, all[i]->d_name);
        free(all[i]);
    }
    free(all);
    depot_free(path);
}

/* ---- the table ---- */

static const struct command commands[] = {
    {.name = "sort",
        .args = "COLUMN",
        .help = "Sort by a column; again: the other way round",
        .run = run_sort,
        .offer = offer_orders},
    {.name = "replay",
        .args = "FILE",
        .help = "Open a recording over what is here",
        .run = run_replay,
        .offer = offer_files},
    {.name = "seek",
        .args = "MOMENT",
        .help = "Replay: go to 1:20, +5s, -5s, 50%, e120 (an event), or failed",
        .run = run_seek,
        .offer = offer_moments},
    {.name = "q", .args = "", .help = "Leave the dashboard", .run = run_quit},
};

enum { COMMANDS = VIEW_COUNT + DEPOT_ARRAY_LEN(commands), NAMES = COMMANDS + ACTION_COUNT };

/* A command for each view, those of the table, then the actions; those of the mouse alone have no
 * name. */
static struct command nth(size_t i)
{
    if (i < VIEW_COUNT) {
        const struct view_words *w = dp_view_words((enum view_id)i);
        return (struct command){.name = w->name,
            .args = w->args,
            .help = w->help,
            .view = (enum view_id)i,
            .run = run_view};
    }
    struct command c = {.args = "", .run = run_action};
    if (i < COMMANDS) {
        c = commands[i - VIEW_COUNT];
    } else {
        c.name = dp_action_name((enum action)(i - COMMANDS));
        c.help = dp_action_help((enum action)(i - COMMANDS));
    }
    c.view = VIEW_COUNT;
    return c;
}

bool dp_command_at(size_t i, struct command *out)
{
    if (i < COMMANDS)
        *out = nth(i);
    return i < COMMANDS;
}

/* How many commands begin so, the last of them into `out`; 1 when one is called just so. */
static size_t find(const char *name, size_t n, struct command *out)
{
    size_t found = 0;
    for (size_t i = 0; n > 0 && i < NAMES; i++) {
        const struct command c = nth(i);
        if (strncmp(c.name, name, n) != 0 || (found > 0 && depot_str_eq(c.name, out->name)))
            continue;
        *out = c;
        found++;
        if (c.name[n] == '\0')
            return 1;
    }
    return found;
}

/* ---- a line ---- */

struct line {
    const char *name, *arg;
    size_t nname;
};

static struct line split(const char *text)
{
    struct line l = {.name = text + strspn(text, " ")};
    l.nname = strcspn(l.name, " ");
    l.arg = l.name + l.nname;
    l.arg += strspn(l.arg, " ");
    return l;
}

void dp_tui_command(struct tui *t, const char *text)
{
    struct command c;
    const struct line l = split(text);
    const size_t found = find(l.name, l.nname, &c);
    if (found == 1)
        c.run(t, &c, l.arg);
    else if (found > 1)
        dp_tui_say(t, DEPOT_STYLE_ERROR, "several commands begin with \"%.*s\"; Tab shows them",
            (int)l.nname, l.name);
    else if (l.nname > 0)
        dp_tui_say(t, DEPOT_STYLE_ERROR, "there is no command \"%.*s\"; Tab shows what there is",
            (int)l.nname, l.name);
}

int dp_tui_check_command(const char *text, struct depot_error *err)
{
    struct command c;
    const struct line l = split(text);
    const size_t found = find(l.name, l.nname, &c);
    if (found == 1)
        return 0;
    depot_error_set(err, DEPOT_ERR_UNSUPPORTED,
        found > 1 ? "several commands begin with \"%.*s\"" : "there is no view or command \"%.*s\"",
        (int)l.nname, l.name);
    return depot_error_hint(err, "\"history\" and \"build ID\" are such; --keys prints them all");
}

bool dp_command_names_build(const struct tui *t, const char *text)
{
    struct command c;
    const struct line l = split(text);
    return l.arg[0] != '\0' && find(l.name, l.nname, &c) == 1 && c.view != VIEW_COUNT &&
           t->views[c.view]->of_build;
}

void dp_command_hint(const char *text, struct depot_buf *out)
{
    struct command c;
    const struct line l = split(text);
    if (find(l.name, l.nname, &c) != 1)
        return;
    if (c.name[l.nname] != '\0')
        depot_buf_addf(out, "%s ", c.name);
    if (c.args[0] != '\0')
        depot_buf_addf(out, "%s  ", c.args);
    depot_buf_adds(out, c.help);
}

/* A view's action is called as its command is. */
static bool is_named_above(size_t i)
{
    size_t k = 0;
    while (k < i && !depot_str_eq(nth(k).name, nth(i).name))
        k++;
    return k < i;
}

static void offer_names(struct completion *c)
{
    for (size_t i = 0; i < NAMES; i++) {
        const struct command k = nth(i);
        if (is_named_above(i))
            continue;
        char *text = depot_asprintf("%s%s", k.name, k.args[0] != '\0' ? " " : "");
        if (k.name[0] != '\0')
            dp_completion_offer(c, text, NULL);
        depot_free(text);
    }
}

void dp_command_complete(const struct tui *t, const char *text, size_t cursor, struct completion *c)
{
    struct command k;
    const struct line l = split(text);
    const char *here = text + cursor;
    if (here <= l.name + l.nname) {
        const char *from = here < l.name ? here : l.name;
        dp_completion_begin(c, (size_t)(from - text), from, (size_t)(here - from));
        offer_names(c);
    } else if (here >= l.arg && find(l.name, l.nname, &k) == 1) {
        dp_completion_begin(c, (size_t)(l.arg - text), l.arg, (size_t)(here - l.arg));
        if (k.view != VIEW_COUNT)
            k.offer = t->views[k.view]->offer;
        if (k.offer != NULL)
            k.offer(t, c);
    }
}
