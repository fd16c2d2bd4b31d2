/*
 * depot: finds the command, parses its options, runs it. Help, man pages and completions are
 * printed from the same tables.
 */
#include "cli.h"
#include "top.h"

#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static int run_version(
    const struct depot_command *cmd, void *target, const struct depot_strv *args);
static int run_help(const struct depot_command *cmd, void *target, const struct depot_strv *args);

struct help_args {
    char *format;
};

static const struct depot_opt help_opts[] = {
    {"format", 0, DEPOT_OPT_STRING, offsetof(struct help_args, format), "FORMAT",
        "Print as text, as a man page, or as a shell's completions", "text|man|bash|zsh|fish", 0},
};

static const struct depot_command cmd_version = {
    .name = "version",
    .args = "",
    .summary = "Print the version",
    .run = run_version,
};

static const struct depot_command cmd_help = {
    .name = "help",
    .args = "[COMMAND]",
    .max_args = 1,
    .summary = "Show help for a command",
    .opts = help_opts,
    .nopts = DEPOT_ARRAY_LEN(help_opts),
    .args_size = sizeof(struct help_args),
    .run = run_help,
};

static const struct depot_command *const command_list[] = {&cmd_build, &cmd_list, &cmd_logs,
    &cmd_why, &cmd_retry, &cmd_replay, &cmd_cancel, &cmd_top, &cmd_cache, &cmd_prune, &cmd_version,
    &cmd_help};

/* The tables are taken by value by the printers of help. */
static struct depot_command command_table[DEPOT_ARRAY_LEN(command_list)];

static const struct depot_command *all_commands(size_t *n)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(command_list); i++)
        command_table[i] = *command_list[i];
    *n = DEPOT_ARRAY_LEN(command_list);
    return command_table;
}

static const struct depot_command *find_command(const char *name)
{
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(command_list); i++)
        if (depot_str_eq(command_list[i]->name, name) ||
            (command_list[i]->alias != NULL && depot_str_eq(command_list[i]->alias, name)))
            return command_list[i];
    return NULL;
}

static int run_version(const struct depot_command *cmd, void *target, const struct depot_strv *args)
{
    DEPOT_UNUSED(cmd);
    DEPOT_UNUSED(target);
    DEPOT_UNUSED(args);
    printf("depot %s\n", DEPOT_VERSION);
    return DEPOT_EXIT_OK;
}

static int unknown_command(const char *name)
{
    struct depot_error err = {0};
    depot_error_set(&err, DEPOT_ERR_INVALID, "\"%s\" is not a command", name);
    depot_error_hint(&err, "see \"depot help\"");
    depot_error_print(CLI_PROGRAM, &err);
    return DEPOT_EXIT_USAGE;
}

static const char man_text[] =
    "depot build takes the flags of docker build. The build runs on builder machines with "
    "BuildKit, "
    "whose cache the whole team and CI share, natively for each platform that has a builder.\n\n"
    "Without DEPOT_URL the commands talk to this user's own depotd, which is started when "
    "none is running and which finds a BuildKit on this machine.";

static int run_help(const struct depot_command *cmd, void *target, const struct depot_strv *args)
{
    const struct help_args *a = target;
    struct depot_error err = {0};
    size_t n;
    const struct depot_command *cmds = all_commands(&n);
    const struct depot_command *one = args->len > 0 ? find_command(args->items[0]) : NULL;
    bool man = depot_str_eq(a->format, "man");
    DEPOT_UNUSED(cmd);
    if (args->len > 0 && one == NULL)
        return unknown_command(args->items[0]);
    if (a->format != NULL && !man && !depot_str_eq(a->format, "text")) {
        if (depot_completion(stdout, a->format, CLI_PROGRAM, cmds, n, &err) == 0)
            return DEPOT_EXIT_OK;
        depot_error_print(CLI_PROGRAM, &err);
        return DEPOT_EXIT_USAGE;
    }
    if (man && one != NULL)
        depot_man_command(stdout, CLI_PROGRAM, one);
    else if (man)
        depot_man_program(stdout, CLI_PROGRAM, CLI_SUMMARY, man_text, cmds, n);
    else if (one != NULL)
        depot_help_command(stdout, CLI_PROGRAM, one);
    else
        depot_help_program(stdout, CLI_PROGRAM, CLI_SUMMARY, cmds, n);
    return DEPOT_EXIT_OK;
}

int cli_run(const struct depot_command *cmd, int argc, char **argv)
{
    struct depot_strv args = {0};
    struct depot_error err = {0};
    void *target = depot_calloc(1, cmd->args_size > 0 ? cmd->args_size : 1);
    int code;
    int rc = depot_opts_parse(cmd, argc, argv, target, &args, &err);
    if (rc == DEPOT_ERR_EOF) {
        depot_help_command(stdout, CLI_PROGRAM, cmd);
        code = DEPOT_EXIT_OK;
    } else if (rc != 0) {
        depot_error_print(CLI_PROGRAM, &err);
        code = DEPOT_EXIT_USAGE;
    } else {
        code = cmd->run(cmd, target, &args);
    }
    depot_opts_release(cmd, target);
    depot_free(target);
    depot_strv_release(&args);
    return code;
}

int main(int argc, char **argv)
{
    depot_stdio_open();
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        size_t n;
        const struct depot_command *cmds = all_commands(&n);
        depot_help_program(stderr, CLI_PROGRAM, CLI_SUMMARY, cmds, n);
        return DEPOT_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (depot_str_eq(name, "--help") || depot_str_eq(name, "-h"))
        name = "help";
    if (depot_str_eq(name, "--version") || depot_str_eq(name, "-v"))
        name = "version";
    const struct depot_command *cmd = find_command(name);
    return cmd != NULL ? cli_run(cmd, argc - 2, argv + 2) : unknown_command(name);
}
