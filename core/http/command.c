/*
 * Runs the program of a connection in a session of its own, so that a ^C for us is not one for it.
 */
#define _GNU_SOURCE /* POSIX_SPAWN_SETSID */
#include "http/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { SAID_MAX = 4096 };

static int spawn(const struct depot_strv *argv, int stream, int errors, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t all;
    char **args = depot_calloc(argv->len + 1, sizeof(*args));
    memcpy(args, argv->items, argv->len * sizeof(*args));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, stream, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, stream, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    posix_spawnattr_init(&attr);
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attr, &all); /* we may ignore some; it should not */
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    const int failed = posix_spawnp(pid, args[0], &actions, &attr, args, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    depot_free(args);
    return failed;
}

int dp_command_start(
    struct dp_command *c, const struct depot_strv *argv, int *fd, struct depot_error *err)
{
    int stream[2], errors[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) < 0)
        return depot_error_errno(err, errno, "cannot run %s", argv->items[0]);
    if (pipe2(errors, O_CLOEXEC | O_NONBLOCK) < 0) {
        const int rc = depot_error_errno(err, errno, "cannot run %s", argv->items[0]);
        close(stream[0]);
        close(stream[1]);
        return rc;
    }
    const int failed = spawn(argv, stream[1], errors[1], &c->pid);
    close(stream[1]);
    close(errors[1]);
    if (failed != 0) {
        close(stream[0]);
        close(errors[0]);
        c->pid = 0;
        return depot_error_errno(err, failed, "cannot run %s", argv->items[0]);
    }
    c->errors = errors[0];
    *fd = stream[0];
    return 0;
}

void dp_command_said(const struct dp_command *c, char *out, size_t size)
{
    char text[SAID_MAX + 1];
    out[0] = '\0';
    if (c->pid == 0)
        return;
    ssize_t n = read(c->errors, text, SAID_MAX);
    while (n > 0 && (unsigned char)text[n - 1] <= ' ')
        n--;
    if (n <= 0)
        return;
    text[n] = '\0';
    const char *line = strrchr(text, '\n');
    snprintf(out, size, "%s", line != NULL ? line + 1 : text);
    for (char *p = out; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
}

void dp_command_end(struct dp_command *c)
{
    if (c->pid == 0)
        return;
    kill(c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(c->errors);
    c->pid = 0;
}
