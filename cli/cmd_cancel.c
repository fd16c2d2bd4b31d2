/*
 * depot cancel [BUILD].
 */
#include "cli.h"

struct cancel_args {
    struct cli_remote remote;
};

static const struct depot_opt cancel_opts[] = {CLI_REMOTE_OPTIONS(struct cancel_args)};

/* A word less is no way to stop what somebody else waits for. */
static int check_mine(const struct cli_build *b, struct depot_error *err)
{
    if (b->named || *b->user == '\0' || depot_str_eq(b->user, depot_user()))
        return 0;
    depot_error_set(err, DEPOT_ERR_DENIED, "build %s is %s's", b->id, b->user);
    return depot_error_hint(err, "say \"depot cancel %s\" if that is meant", b->id);
}

static int cancel(
    const struct cli_remote *remote, const struct cli_build *b, struct depot_error *err)
{
    int rc = check_mine(b, err);
    if (rc != 0)
        return rc;
    char *path = depot_asprintf("/v1/builds/%s/cancel", b->id);
    rc = cli_request(remote, "POST", path, NULL, err);
    depot_free(path);
    return rc;
}

static int run_cancel(const struct depot_command *cmd, void *target, const struct depot_strv *args)
{
    struct cancel_args *a = target;
    struct depot_error err = {0};
    struct cli_build build = {0};
    DEPOT_UNUSED(cmd);
    a->remote.no_start = true;
    int rc = cli_which(&a->remote, cli_arg(args), &build, &err);
    int code = cli_exit(rc);
    if (rc == 0 && (rc = cancel(&a->remote, &build, &err)) != 0)
        code = DEPOT_EXIT_FAILED;
    if (rc != 0)
        depot_error_print(CLI_PROGRAM, &err);
    else
        printf("%s\n", build.id);
    cli_build_release(&build);
    return code;
}

const struct depot_command cmd_cancel = {
    .name = "cancel",
    .args = CLI_BUILD_ARG,
    .max_args = 1,
    .summary = "Cancel a build",
    .text = CLI_BUILD_TEXT "\n\nSomebody else's build is cancelled only by its id.",
    .opts = cancel_opts,
    .nopts = DEPOT_ARRAY_LEN(cancel_opts),
    .args_size = sizeof(struct cancel_args),
    .run = run_cancel,
};
