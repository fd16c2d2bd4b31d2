/*
 * Running a Docker credential helper: the server's name on its stdin, JSON on its stdout.
 * Runs on a pool thread, and waits there.
 */
#include <depot/clock.h>
#include <depot/os.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <depot/buf.h>

#include "session/docker_config.h"

enum {
    HELPER_MS = 30 * 1000, /* it may ask for a password in a window of its own */
    HELPER_OUTPUT_MAX = 64 * 1024,
};

/* Two socket pairs: sockets, so that a helper that is gone is an error and not a signal. */
static int make_pairs(int in[2], int out[2])
{
    if (depot_os_socketpair(in, false) < 0)
        return -1;
    if (depot_os_socketpair(out, false) == 0)
        return 0;
    close(in[0]);
    close(in[1]);
    return -1;
}

static int spawn(const char *program, int in, int out, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t all;
    char *argv[] = {(char *)program, (char *)"get", NULL};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attr);
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attr, &all); /* we may ignore some; it should not */
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
    int failed = posix_spawnp(pid, program, &actions, &attr, argv, depot_os_environ());
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* Until the end of the output, its ceiling or the deadline; false for the latter two. */
static bool read_output(int fd, struct depot_buf *b)
{
    uint64_t deadline = depot_mono_ms() + HELPER_MS;
    for (;;) {
        uint64_t now = depot_mono_ms();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char chunk[4096];
        if (now >= deadline || b->overflow)
            return false;
        if (poll(&p, 1, (int)(deadline - now)) <= 0)
            continue;
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return true;
        depot_buf_add(b, chunk, (size_t)n);
    }
}

static int run(
    const char *program, const char *server, struct depot_buf *output, struct depot_error *err)
{
    int in[2], out[2], status = 0;
    pid_t pid;
    if (make_pairs(in, out) < 0)
        return depot_error_errno(err, errno, "cannot run %s", program);
    int failed = spawn(program, in[1], out[1], &pid);
    close(in[1]);
    close(out[1]);
    bool in_time = true;
    if (failed == 0) {
        ssize_t n = send(in[0], server, strlen(server), depot_os_send_flags());
        DEPOT_UNUSED(n); /* a helper that does not read shows by what it prints */
        shutdown(in[0], SHUT_WR);
        in_time = read_output(out[0], output);
        if (!in_time)
            kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    close(in[0]);
    close(out[0]);
    if (failed != 0) /* never NOT_FOUND, which is the word for an unknown registry */
        return depot_error_set(
            err, DEPOT_ERR_UNAVAILABLE, "cannot run %s: %s", program, strerror(failed));
    if (!in_time)
        return depot_error_set(err, DEPOT_ERR_TIMEOUT, "%s gave no usable answer in %d seconds",
            program, HELPER_MS / 1000);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

int dp_docker_helper_run(
    const char *helper, const char *server, struct dp_credentials *out, struct depot_error *err)
{
    struct depot_buf output = DEPOT_BUF_INIT(HELPER_OUTPUT_MAX);
    char *program = depot_asprintf("docker-credential-%s", helper);
    *out = (struct dp_credentials){0};
    int rc = run(program, server, &output, err);
    if (rc == 0) {
        rc = dp_docker_helper_parse(depot_buf_str(&output), output.len, out);
    } else if (rc == 1) {
        /* The helpers' protocol: exit 1, and these words for a registry it does not know. */
        const char *text = depot_buf_str(&output);
        rc = strstr(text, "credentials not found") != NULL
                 ? DEPOT_ERR_NOT_FOUND
                 : depot_error_set(err, DEPOT_ERR_FAILED, "%s failed%s%.200s", program,
                       text[0] != '\0' ? ": " : "", text);
    }
    depot_free(program);
    depot_buf_release(&output);
    return rc;
}
