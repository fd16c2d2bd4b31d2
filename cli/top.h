/*
 * What depot top and depot-top share.
 */
#ifndef DEPOT_CLI_TOP_H
#define DEPOT_CLI_TOP_H

#include <depot/app.h>

extern const struct depot_command cmd_top;

/* `target` holds the options of cmd_top. Returns an exit code. */
int cli_top_run(const char *program, const void *target);

#endif
