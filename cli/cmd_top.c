/*
 * depot top, and depot-top: the dashboard of a fleet, of a recording, or of a feed on standard
 * input.
 */
#include "top.h"

#include <depot/log.h>
#include <depot/tui.h>

#include <stdlib.h>
#include <unistd.h>

struct top_args {
    struct depot_strv urls;
    char *token, *replay, *speed, *color, *config, *open;
    bool from_stdin, no_mouse, ascii;
};

#define OPT(field) offsetof(struct top_args, field)

static const struct depot_opt top_opts[] = {
    {"ascii", 0, DEPOT_OPT_BOOL, OPT(ascii), NULL, "Draw with ASCII characters alone", NULL, 0},
    {"color", 0, DEPOT_OPT_STRING, OPT(color), "WHEN", "Colours to use", "auto|never|16|256|true",
        0},
    {"config", 0, DEPOT_OPT_STRING, OPT(config), "FILE",
        "Keys and colours (default: dashboard.conf in the configuration directory)", NULL, 0},
    {"no-mouse", 0, DEPOT_OPT_BOOL, OPT(no_mouse), NULL, "Leave the mouse to the terminal", NULL,
        0},
    {"open", 0, DEPOT_OPT_STRING, OPT(open), "COMMAND",
        "Begin with a command of the command line, as \"build b7k2\"", NULL, 0},
    {"replay", 0, DEPOT_OPT_STRING, OPT(replay), "FILE", "Show a recording instead of a fleet",
        NULL, 0},
    {"speed", 0, DEPOT_OPT_STRING, OPT(speed), "N",
        "Pace of the replay; 0 starts at its end (default: 1)", NULL, 0},
    {"stdin", 0, DEPOT_OPT_BOOL, OPT(from_stdin), NULL,
        "Show the feed on standard input, as docker buildx build --progress=rawjson writes it",
        NULL, 0},
    {"token", 0, DEPOT_OPT_STRING, OPT(token), "TOKEN",
        "Token for the daemon (default: DEPOT_TOKEN)", NULL, 0},
    {"url", 0, DEPOT_OPT_LIST, OPT(urls), "URL",
        "Daemon to show, as unix://PATH or https://HOST:PORT; may be repeated", NULL, 0},
};

static int usage(const char *program, const char *what)
{
    struct depot_error err = {0};
    depot_error_set(&err, DEPOT_ERR_INVALID, "%s", what);
    depot_error_print(program, &err);
    return DEPOT_EXIT_USAGE;
}

/* Diagnostics would be written over the screen. */
static void log_to_nowhere(void)
{
    if (getenv("DEPOT_TUI_LOG") == NULL)
        depot_log_set_level(DEPOT_LOG_ERROR);
}

int cli_top_run(const char *program, const void *target)
{
    const struct top_args *a = target;
    char *end = NULL;
    const double speed = a->speed != NULL ? strtod(a->speed, &end) : 1;
    if (a->speed != NULL && (*a->speed == '\0' || *end != '\0' || !(speed >= 0 && speed <= 1e3)))
        return usage(program, "invalid value for --speed: expected a number");
    if (a->from_stdin + (a->replay != NULL) + (a->urls.len > 0) > 1)
        return usage(program, "--stdin, --replay and --url exclude each other");
    if (a->from_stdin && isatty(STDIN_FILENO))
        return usage(
            program, "--stdin shows what is piped into it, and standard input is a terminal");
    const struct depot_tui_opts opts = {.urls = &a->urls,
        .token = a->token,
        .replay = a->replay,
        .speed = speed,
        .from_stdin = a->from_stdin,
        .no_mouse = a->no_mouse,
        .ascii = a->ascii,
        .color = a->color,
        .config = a->config,
        .open = a->open};
    log_to_nowhere();
    return depot_tui_top(program, &opts);
}

static int run_top(const struct depot_command *cmd, void *target, const struct depot_strv *args)
{
    DEPOT_UNUSED(cmd);
    DEPOT_UNUSED(args);
    return cli_top_run("depot", target);
}

static const char top_text[] =
    "Shows the builders of one or more daemons and all builds on them, live: what runs, what "
    "waits, what failed; each build as the graph of its stages, on a time axis, or as a list; "
    "each step with its whole log.\n\n"
    "Without --url, --replay and --stdin the daemon is found as depot finds it: DEPOT_URL, the "
    "configuration, this user's own.\n\n"
    "Keys, colours and switches are read from dashboard.conf in the configuration directory "
    "(~/.config/depot): \"bind KEYMAP KEY ACTION\", \"color NAME SPEC\", "
    "\"set mouse|ascii|title|progress|keys on|off\", \"set color auto|never|16|256|true\"; # "
    "begins a comment. NO_COLOR, BUILDKIT_COLORS and DEPOT_TUI_COLORS count too.";

const struct depot_command cmd_top = {
    .name = "top",
    .args = "",
    .summary = "Watch builders and builds, full screen",
    .text = top_text,
    .opts = top_opts,
    .nopts = DEPOT_ARRAY_LEN(top_opts),
    .args_size = sizeof(struct top_args),
    .run = run_top,
};
