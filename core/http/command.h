/*
 * A connection that is a program's standard input and output, as `ssh HOST COMMAND` gives one.
 */
#ifndef DEPOT_CORE_HTTP_COMMAND_H
#define DEPOT_CORE_HTTP_COMMAND_H

#include <depot/base.h>

#include <sys/types.h>

struct dp_command {
    pid_t pid;  /* 0: not running */
    int errors; /* what it says on its standard error */
};

/* `fd` gets the connection, which is the caller's. */
int dp_command_start(struct dp_command *c, const struct depot_strv *argv, int *fd,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* The last line it said so far, without what would steer a terminal; "" when it said none. */
void dp_command_said(const struct dp_command *c, char *out, size_t size);
void dp_command_end(struct dp_command *c); /* fine for one that does not run */

#endif
