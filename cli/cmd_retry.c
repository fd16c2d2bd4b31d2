/*
 * depot retry [BUILD]: make what failed of a build, and put it together with what did not.
 */
#include "cli.h"

#include <errno.h>
#include <unistd.h>

static int run_retry(const struct depot_command *cmd, void *target, const struct depot_strv *args)
{
    struct depot_error err = {0};
    struct depot_strv again = {0};
    char *dir = NULL;
    DEPOT_UNUSED(cmd);
    DEPOT_UNUSED(target);
    int rc = cli_retry_load(cli_arg(args), &dir, &again, &err);
    if (rc == 0 && chdir(dir) != 0)
        rc = depot_error_errno(&err, errno, "cannot go back to %s, where the build was", dir);
    int code = cli_exit(rc);
    if (rc == 0)
        code = cli_run(&cmd_build, (int)again.len, again.items);
    else
        depot_error_print(CLI_PROGRAM, &err);
    depot_strv_release(&again);
    depot_free(dir);
    return code;
}

const struct depot_command cmd_retry = {
    .name = "retry",
    .args = CLI_BUILD_ARG,
    .max_args = 1,
    .summary = "Make only what failed of a build, and join it with the rest",
    .text =
        "For builds of several platforms that push or write files, started by this user on this "
        "machine: the platforms that failed are built, with the options and in the directory "
        "of the first time, and what the others have pushed is joined with them.\n\n" CLI_BUILD_TEXT
        " Only builds that can be retried count.",
    .run = run_retry,
};
