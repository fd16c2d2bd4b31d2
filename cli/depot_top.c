/*
 * depot-top: depot top under its own name.
 */
#include "top.h"

#include <depot/tui.h>

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define PROGRAM "depot-top"

/* The man page and the keys, for scripts/docs. */
static void print_man(void)
{
    struct depot_command cmd = cmd_top;
    cmd.name = PROGRAM;
    cmd.standalone = true;
    depot_man_command(stdout, PROGRAM, &cmd);
    depot_tui_print_keys(stdout, true);
}

static int run(int argc, char **argv)
{
    struct depot_command cmd = cmd_top;
    struct depot_strv args = {0};
    struct depot_error err = {0};
    int code;
    cmd.name = PROGRAM;
    cmd.standalone = true;
    void *target = depot_calloc(1, cmd.args_size);
    const int rc = depot_opts_parse(&cmd, argc - 1, argv + 1, target, &args, &err);
    if (rc == DEPOT_ERR_EOF) {
        depot_help_command(stdout, PROGRAM, &cmd);
        code = DEPOT_EXIT_OK;
    } else if (rc != 0) {
        depot_error_print(PROGRAM, &err);
        code = DEPOT_EXIT_USAGE;
    } else {
        code = cli_top_run(PROGRAM, target);
    }
    depot_opts_release(&cmd, target);
    depot_free(target);
    depot_strv_release(&args);
    return code;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    if (argc == 2 && (depot_str_eq(argv[1], "--version") || depot_str_eq(argv[1], "-v"))) {
        printf("%s %s\n", PROGRAM, DEPOT_VERSION);
        return DEPOT_EXIT_OK;
    }
    if (argc == 2 && depot_str_eq(argv[1], "--man")) {
        print_man();
        return DEPOT_EXIT_OK;
    }
    if (argc == 2 && depot_str_eq(argv[1], "--keys")) {
        depot_tui_print_keys(stdout, false);
        return DEPOT_EXIT_OK;
    }
    return run(argc, argv);
}
