/*
 * depot cancel BUILD.
 */
#include "cli.h"

#include <string.h>

struct cancel_args {
    struct cli_remote remote;
};

static const struct depot_opt cancel_opts[] = {CLI_REMOTE_OPTIONS(struct cancel_args)};

static int run_cancel(const struct depot_command *cmd, void *target, const struct depot_strv *args)
{
    struct cancel_args *a = target;
    struct depot_error err = {0};
    const char *id = args->items[0];
    DEPOT_UNUSED(cmd);
    if (id[strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789")] != '\0' || id[0] == '\0') {
        depot_error_set(&err, DEPOT_ERR_INVALID, "\"%s\" is not a build's id", id);
        depot_error_hint(&err, "\"depot list builds\" shows them");
        depot_error_print(CLI_PROGRAM, &err);
        return DEPOT_EXIT_USAGE;
    }
    a->remote.no_start = true;
    char *path = depot_asprintf("/v1/builds/%s/cancel", id);
    int rc = cli_request(&a->remote, "POST", path, NULL, &err);
    depot_free(path);
    if (rc != 0) {
        depot_error_print(CLI_PROGRAM, &err);
        return DEPOT_EXIT_FAILED;
    }
    printf("%s\n", id);
    return DEPOT_EXIT_OK;
}

const struct depot_command cmd_cancel = {
    .name = "cancel",
    .args = "BUILD",
    .min_args = 1,
    .max_args = 1,
    .summary = "Cancel a build",
    .opts = cancel_opts,
    .nopts = DEPOT_ARRAY_LEN(cancel_opts),
    .args_size = sizeof(struct cancel_args),
    .run = run_cancel,
};
