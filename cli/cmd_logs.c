/*
 * depot logs BUILD: a build's progress as logs, from its first event; follows one that still runs.
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
};

#define OPT(field) offsetof(struct logs_args, field)

static const struct depot_opt logs_opts[] = {
    CLI_CI_OPTION(OPT(ci)),
    {"progress", 0, DEPOT_OPT_STRING, OPT(progress), "MODE", "How to print it", "plain|rawjson", 0},
    {"summary", 0, DEPOT_OPT_STRING, OPT(summary), "WHEN",
        "Begin and end with what was built; auto: in CI", "auto|always|never", 0},
    CLI_REMOTE_OPTIONS(struct logs_args),
};

struct logs {
    struct depot_loop *loop;
    struct depot_feed *feed;
    struct depot_build *state;
    struct cli_show *show;
    struct cli_ci ci;
    int exit_code;
};

static void leave(struct logs *g, int code)
{
    g->exit_code = code;
    depot_loop_stop(g->loop);
}

static void on_event(struct depot_feed *f, const struct depot_event *ev, void *arg)
{
    struct logs *g = arg;
    DEPOT_UNUSED(f);
    depot_build_apply(g->state, ev);
    cli_show_event(g->show, ev);
    if (ev->type == DEPOT_EVENT_BUILD_FINISHED) {
        cli_show_end(g->show, true);
        cli_show_last(g->show);
        leave(g, DEPOT_EXIT_OK);
    }
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

static int run_logs(const struct depot_command *cmd, void *target, const struct depot_strv *args)
{
    const struct logs_args *a = target;
    struct depot_error err = {0};
    struct depot_endpoint at = {0};
    struct logs g = {.exit_code = DEPOT_EXIT_FAILED};
    DEPOT_UNUSED(cmd);
    int rc = cli_ci_init(&g.ci, &a->ci, 0, &err);
    if (rc == 0)
        rc = depot_endpoint_resolve(a->remote.url, a->remote.token, true, &at, &err);
    if (rc == 0)
        rc = depot_loop_new(&g.loop, &err);
    if (rc == 0) {
        struct cli_show_opts show = {.sink = a->progress != NULL ? a->progress : "plain",
            .out = stdout,
            .ci = &g.ci,
            .summary = wants_summary(a)};
        g.state = depot_build_new(NULL);
        rc = cli_show_new(g.loop, g.state, &show, &g.show, &err);
    }
    if (rc == 0) {
        struct depot_feed_opts opts = {
            .addr = &at.addr, .tls = &at.tls, .token = at.token, .give_up_ms = LOGS_GIVE_UP_MS};
        rc = depot_feed_open(g.loop, &opts, &feed_ops, &g, &g.feed, &err);
    }
    if (rc == 0) {
        depot_feed_subscribe_build(g.feed, args->items[0], 0);
        depot_loop_run(g.loop);
    } else {
        depot_error_print(CLI_PROGRAM, &err);
    }
    depot_feed_free(g.feed);
    cli_show_free(g.show);
    cli_ci_release(&g.ci);
    depot_build_free(g.state);
    depot_loop_free(g.loop);
    depot_endpoint_release(&at);
    return g.exit_code;
}

const struct depot_command cmd_logs = {
    .name = "logs",
    .args = "BUILD",
    .min_args = 1,
    .max_args = 1,
    .summary = "Print a build's progress, and follow it while it runs",
    .opts = logs_opts,
    .nopts = DEPOT_ARRAY_LEN(logs_opts),
    .args_size = sizeof(struct logs_args),
    .run = run_logs,
};
