/*
 * Exit codes and the one way the programs print an error. Nothing here exits.
 */
#include <depot/app.h>

#include <stdio.h>

int depot_exit_from_err(int err)
{
    switch (err) {
    case DEPOT_OK:
        return DEPOT_EXIT_OK;
    case DEPOT_ERR_INVALID:
        return DEPOT_EXIT_USAGE;
    case DEPOT_ERR_CANCELLED:
        return DEPOT_EXIT_INTERRUPTED;
    default:
        return DEPOT_EXIT_FAILED;
    }
}

void depot_error_print(const char *name, const struct depot_error *err)
{
    const char *msg = err->msg[0] != '\0' ? err->msg : depot_err_text(err->code);
    fprintf(stderr, "%s: %s\n", name, msg);
    if (err->hint[0] != '\0')
        fprintf(stderr, "  hint: %s\n", err->hint);
}
