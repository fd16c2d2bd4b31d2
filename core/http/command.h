/*
 * A connection that is a program's standard input and output, as `ssh HOST COMMAND` gives one.
 */
#ifndef DEPOT_CORE_HTTP_COMMAND_H
#define DEPOT_CORE_HTTP_COMMAND_H

#include <depot/base.h>
#include <depot/loop.h>

#include <sys/types.h>

struct dp_command {
    const struct depot_strv *argv; /* borrowed; its first is looked for on PATH */
    char *path;                    /* of the socket on which it is waited for; NULL: none */
    int listener;                  /* -1: none */
    struct depot_loop_fd *watch;
    pid_t pid;                /* 0: not running */
    int errors;               /* what it says on its standard error */
    struct depot_error error; /* it could not be run */
};

/*
 * `path` becomes a socket in a directory of this user's own. Who connects to it, libcurl that is,
 * has the program at the other end. A detour, but libcurl 7.88 connects sockets that it is given
 * connected (CURLOPT_OPENSOCKETFUNCTION) once more, and fails.
 */
int dp_command_listen(struct dp_command *c, struct depot_loop *l, const struct depot_strv *argv,
    struct depot_error *err) DEPOT_MUST_CHECK;
/* The last line it said so far, without what would steer a terminal; "" when it said none. */
void dp_command_said(const struct dp_command *c, char *out, size_t size);
void dp_command_end(struct dp_command *c); /* fine for one that never began */

#endif
