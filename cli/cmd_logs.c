/*
 * depot logs [BUILD]: a build's progress as logs, from its first event; follows one that still
 * runs.
 */
#include "cli.h"

#include <depot/feed.h>

#include <signal.h>
#include <string.h>

enum { LOGS_GIVE_UP_MS = 10000 };

struct logs_args {
    struct cli_remote remote;
    char *progress, *summary;
    struct depot_strv ci;
    char *step, *grep;
    int64_t tail;
    bool failed;
};

#define OPT(field) offsetof(struct logs_args, field)

static const struct depot_opt logs_opts[] = {
    CLI_CI_OPTION(OPT(ci)),
    {"failed", 0, DEPOT_OPT_BOOL, OPT(failed), NULL, "Only the steps that failed", NULL, 0},
    {"grep", 0, DEPOT_OPT_STRING, OPT(grep), "TEXT", "Only lines that hold this text", NULL, 0},
    {"progress", 0, DEPOT_OPT_STRING, OPT(progress), "MODE", "How to print it", "plain|rawjson", 0},
    {"step", 0, DEPOT_OPT_STRING, OPT(step), "TEXT", "Only steps that have this text in their name",
        NULL, 0},
    {"summary", 0, DEPOT_OPT_STRING, OPT(summary), "WHEN",
        "Begin and end with what was built; auto: in CI", "auto|always|never", 0},
    {"tail", 0, DEPOT_OPT_INT, OPT(tail), "N", "Only the last N lines of each step", NULL, 0},
    CLI_REMOTE_OPTIONS(struct logs_args),
};

struct logs {
    struct depot_endpoint at;
    struct depot_loop *loop;
    struct depot_feed *feed;
    struct depot_build *state;
    struct cli_show *show;
    struct cli_ci ci;
    struct cli_pick *pick; /* NULL: the whole log */
    int exit_code;
};

static void leave(struct logs *g, int code)
{
    g->exit_code = code;
    depot_loop_stop(g->loop);
}

static void show(struct logs *g, const struct depot_event *ev)
{
    struct depot_event part;
    const bool some = g->pick == NULL || cli_pick_event(g->pick, g->state, ev, &part);
    if (some && g->show != NULL)
        cli_show_event(g->show, g->pick != NULL ? &part : ev);
}

static void on_event(struct depot_feed *f, const struct depot_event *ev, void *arg)
{
    struct logs *g = arg;
    DEPOT_UNUSED(f);
    depot_build_apply(g->state, ev);
    show(g, ev);
    if (ev->type != DEPOT_EVENT_BUILD_FINISHED)
        return;
    if (g->show != NULL) {
        cli_show_end(g->show, true);
        cli_show_last(g->show);
    }
    leave(g, DEPOT_EXIT_OK);
}

static void on_state(
    struct depot_feed *f, enum depot_feed_state s, const struct depot_error *err, void *arg)
{
    struct logs *g = arg;
    DEPOT_UNUSED(f);
    if (s != DEPOT_FEED_ENDED && (s != DEPOT_FEED_CONNECTING || err == NULL))
        return;
    if (err != NULL)
        depot_error_print(CLI_PROGRAM, err);
    leave(g, DEPOT_EXIT_FAILED);
}

static void on_refused(
    struct depot_feed *f, const char *build, const struct depot_error *err, void *arg)
{
    DEPOT_UNUSED(f);
    DEPOT_UNUSED(build);
    depot_error_print(CLI_PROGRAM, err);
    leave(arg, DEPOT_EXIT_FAILED);
}

static const struct depot_feed_ops feed_ops = {
    .event = on_event, .state = on_state, .refused = on_refused};

/* What a person reads on a terminal is the log alone, unless asked for more. */
static bool wants_summary(const struct logs_args *a)
{
    if (depot_str_eq(a->summary, "always"))
        return true;
    return !depot_str_eq(a->summary, "never") && depot_ci_detect() != NULL;
}

/* The build from its first event to its last; without `show` nothing of it is printed. */
static int read_build(struct logs *g, const char *id, struct depot_error *err)
{
    const struct depot_feed_opts opts = {.addr = &g->at.addr,
        .tls = &g->at.tls,
        .token = g->at.token,
        .give_up_ms = LOGS_GIVE_UP_MS};
    int rc = depot_feed_open(g->loop, &opts, &feed_ops, g, &g->feed, err);
    if (rc == 0) {
        depot_feed_subscribe_build(g->feed, id, 0);
        depot_loop_run(g->loop);
    }
    depot_feed_free(g->feed);
    g->feed = NULL;
    return rc;
}

/* A first time for what only the end tells. */
static int read_ahead(struct logs *g, const char *id, struct depot_error *err)
{
    g->state = depot_build_new(NULL);
    int rc = read_build(g, id, err);
    if (rc == 0)
        cli_pick_rewind(g->pick, g->state);
    depot_build_free(g->state);
    g->state = NULL;
    return rc;
}

static int print_build(
    struct logs *g, const struct logs_args *a, const char *id, struct depot_error *err)
{
    const struct cli_show_opts show = {.sink = a->progress != NULL ? a->progress : "plain",
        .out = stdout,
        .ci = g->pick == NULL ? &g->ci : NULL,
        .part = g->pick != NULL,
        .summary = g->pick == NULL && wants_summary(a)};
    g->state = depot_build_new(NULL);
    int rc = cli_show_new(g->loop, g->state, &show, &g->show, err);
    if (rc == 0)
        rc = read_build(g, id, err);
    if (rc == 0 && g->exit_code == DEPOT_EXIT_OK && g->pick != NULL && !cli_pick_any(g->pick))
        rc = depot_error_set(
            err, DEPOT_ERR_NOT_FOUND, "the log of build %s holds nothing like that", id);
    return rc;
}

static int follow(
    struct logs *g, const struct logs_args *a, const char *id, struct depot_error *err)
{
    int rc = depot_endpoint_resolve(a->remote.url, a->remote.token, true, &g->at, err);
    if (rc == 0)
        rc = depot_loop_new(&g->loop, err);
    if (rc == 0 && cli_pick_needs_end(g->pick)) {
        rc = read_ahead(g, id, err);
        if (rc == 0 && g->exit_code != DEPOT_EXIT_OK)
            return 0; /* told already */
    }
    return rc == 0 ? print_build(g, a, id, err) : rc;
}

/* Everything that the command line says, and which build it means by it. */
static int prepare(struct logs *g, const struct logs_args *a, const struct depot_strv *args,
    struct cli_build *build, struct depot_error *err)
{
    if (a->tail < 0)
        return depot_error_set(
            err, DEPOT_ERR_INVALID, "--tail: there are no %lld lines", (long long)a->tail);
    g->pick = cli_pick_new(&(struct cli_pick_opts){a->step, a->grep, a->tail, a->failed});
    int rc = cli_ci_init(&g->ci, &a->ci, 0, err);
    return rc == 0 ? cli_which(&a->remote, cli_arg(args), build, err) : rc;
}

static int run_logs(const struct depot_command *cmd, void *target, const struct depot_strv *args)
{
    const struct logs_args *a = target;
    struct depot_error err = {0};
    struct cli_build build = {0};
    struct logs g = {.exit_code = DEPOT_EXIT_FAILED};
    DEPOT_UNUSED(cmd);
    int rc = prepare(&g, a, args, &build, &err);
    if (rc != 0)
        g.exit_code = cli_exit(rc);
    else if ((rc = follow(&g, a, build.id, &err)) != 0)
        g.exit_code = DEPOT_EXIT_FAILED;
    if (rc != 0)
        depot_error_print(CLI_PROGRAM, &err);
    cli_build_release(&build);
    cli_show_free(g.show);
    cli_pick_free(g.pick);
    cli_ci_release(&g.ci);
    depot_build_free(g.state);
    depot_loop_free(g.loop);
    depot_endpoint_release(&g.at);
    return g.exit_code;
}

const struct depot_command cmd_logs = {
    .name = "logs",
    .args = CLI_BUILD_ARG,
    .max_args = 1,
    .summary = "Print a build's progress, and follow it while it runs",
    .text = CLI_BUILD_TEXT
    "\n\nWith --failed and --tail a build that still runs is waited for. When nothing is as "
    "asked for, the exit code is 1.",
    .opts = logs_opts,
    .nopts = DEPOT_ARRAY_LEN(logs_opts),
    .args_size = sizeof(struct logs_args),
    .run = run_logs,
};
