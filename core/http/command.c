/*
 * Runs the program of a connection in a session of its own, so that a ^C for us is not one for it.
 */
#define _GNU_SOURCE /* POSIX_SPAWN_SETSID */
#include "http/command.h"

#include <depot/os.h>
#include <depot/path.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAID_MAX = 4096, PATH_ID_LEN = 12 };

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
    const int failed = posix_spawnp(pid, args[0], &actions, &attr, args, depot_os_environ());
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    depot_free(args);
    return failed;
}

static void stop_listening(struct dp_command *c)
{
    depot_loop_fd_free(c->watch);
    c->watch = NULL;
    if (c->listener >= 0)
        close(c->listener);
    c->listener = -1;
    if (c->path != NULL)
        unlink(c->path);
}

static int run(struct dp_command *c, int stream)
{
    int errors[2];
    if (depot_os_pipe(errors, true) < 0)
        return errno;
    const int failed = spawn(c->argv, stream, errors[1], &c->pid);
    close(errors[1]);
    c->errors = errors[0];
    if (failed == 0)
        return 0;
    close(errors[0]);
    c->pid = 0;
    return failed;
}

static void on_connect(struct depot_loop_fd *w, unsigned events, void *arg)
{
    struct dp_command *c = arg;
    DEPOT_UNUSED(w);
    DEPOT_UNUSED(events);
    const int stream = depot_os_accept(c->listener, false);
    if (stream < 0)
        return;
    stop_listening(c);
    const int failed = run(c, stream);
    close(stream);
    if (failed != 0)
        depot_error_errno(&c->error, failed, "cannot run %s", c->argv->items[0]);
}

static int listen_at(struct dp_command *c, struct depot_error *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (strlen(c->path) >= sizeof(sa.sun_path))
        return depot_error_set(err, DEPOT_ERR_INVALID, "socket path is too long: %s", c->path);
    memcpy(sa.sun_path, c->path, strlen(c->path) + 1);
    c->listener = depot_os_socket(AF_UNIX, SOCK_STREAM, 0, true);
    if (c->listener < 0 || bind(c->listener, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
        listen(c->listener, 1) < 0)
        return depot_error_errno(err, errno, "cannot listen on %s", c->path);
    return 0;
}

int dp_command_listen(struct dp_command *c, struct depot_loop *l, const struct depot_strv *argv,
    struct depot_error *err)
{
    char id[PATH_ID_LEN + 1];
    char *dir = depot_path_runtime_dir();
    c->argv = argv;
    c->listener = -1;
    depot_random_id(id, PATH_ID_LEN);
    c->path = depot_asprintf("%s/%s.sock", dir, id);
    int rc = depot_path_private_dir(dir, err);
    if (rc == 0)
        rc = listen_at(c, err);
    if (rc == 0)
        rc = depot_loop_fd_new(l, c->listener, DEPOT_READ, on_connect, c, &c->watch, err);
    depot_free(dir);
    return rc;
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
    if (c->path != NULL)
        stop_listening(c);
    depot_free(c->path);
    c->path = NULL;
    if (c->pid == 0)
        return;
    kill(c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(c->errors);
    c->pid = 0;
}
