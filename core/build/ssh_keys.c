/*
 * An agent of our own for keys that --ssh names: ssh-agent, which ends when we do. It is the child
 * of a shell that adds the keys and then waits for the end of its standard input, which we hold.
 */
#include "build/ssh_keys.h"

#include <depot/buf.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAID_MAX = 4096 };

struct dp_ssh_keys {
    char *socket;
    pid_t pid;
    int hold; /* the shell's standard input */
};

/* A key comes by standard input: so its file may be a pipe, and have any mode. */
static const char script[] = "for key; do ssh-add -q - <\"$key\" 2>&1 || exit 1; done; echo; "
                             "cat >/dev/null 2>&1; kill \"$SSH_AGENT_PID\"; "
                             "rm -f \"$SSH_AUTH_SOCK\"; rmdir \"${SSH_AUTH_SOCK%/*}\"";

static void run(const char *socket, const struct depot_strv *keys, int in, int out)
{
    const char **argv = depot_calloc(keys->len + 8, sizeof(*argv));
    const char *const head[] = {"ssh-agent", "-a", socket, "sh", "-c", script, "sh"};
    memcpy(argv, head, sizeof(head));
    for (size_t i = 0; i < keys->len; i++)
        argv[DEPOT_ARRAY_LEN(head) + i] = keys->items[i];
    signal(SIGINT, SIG_IGN); /* the build is cancelled first */
    if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0)
        execvp(argv[0], (char *const *)argv);
    _exit(127);
}

/* Until an empty line, which says that all keys are there, or the end. */
static bool await_ready(int fd, struct depot_buf *said)
{
    char c;
    for (;;) {
        const ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        if (c == '\n' && (said->len == 0 || said->data[said->len - 1] == '\n'))
            return true;
        depot_buf_addc(said, c);
    }
}

static int not_ready(struct dp_ssh_keys *k, struct depot_buf *said, struct depot_error *err)
{
    int status = 0;
    waitpid(k->pid, &status, 0);
    k->pid = 0;
    while (said->len > 0 && said->data[said->len - 1] == '\n')
        depot_buf_truncate(said, said->len - 1);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        depot_error_set(err, DEPOT_ERR_NOT_FOUND, "ssh-agent cannot be run");
        return depot_error_hint(err, "install OpenSSH's client, or give the socket of an agent");
    }
    depot_error_set(err, DEPOT_ERR_INVALID, "%s",
        said->len > 0 ? depot_buf_str(said) : "ssh-add took none of the keys");
    return depot_error_hint(err, "give private keys that ssh-add takes, or the socket of an agent");
}

static int start(struct dp_ssh_keys *k, const struct depot_strv *keys, struct depot_error *err)
{
    struct depot_buf said = DEPOT_BUF_INIT(SAID_MAX);
    int in[2] = {-1, -1}, out[2] = {-1, -1}, rc = 0;
    if (pipe(in) != 0 || pipe(out) != 0 || (k->pid = fork()) < 0) {
        rc = depot_error_errno(err, errno, "cannot start ssh-agent");
    } else if (k->pid == 0) {
        close(in[1]);
        close(out[0]);
        run(k->socket, keys, in[0], out[1]);
    }
    k->hold = in[1];
    close(in[0]);
    close(out[1]);
    if (rc == 0 && !await_ready(out[0], &said))
        rc = not_ready(k, &said, err);
    close(out[0]);
    depot_buf_release(&said);
    return rc;
}

int dp_ssh_keys_new(
    const struct depot_strv *keys, struct dp_ssh_keys **out, struct depot_error *err)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = depot_asprintf("%s/depot-ssh-XXXXXX", depot_str_empty(tmp) ? "/tmp" : tmp);
    int rc = 0;
    if (mkdtemp(dir) == NULL)
        rc = depot_error_errno(err, errno, "cannot make a directory for ssh-agent, %s", dir);
    if (rc == 0) {
        struct dp_ssh_keys *k = depot_calloc(1, sizeof(*k));
        k->hold = -1;
        k->socket = depot_asprintf("%s/agent", dir);
        rc = start(k, keys, err);
        if (rc == 0)
            *out = k;
        else
            dp_ssh_keys_free(k);
    }
    if (rc != 0)
        rmdir(dir);
    depot_free(dir);
    return rc;
}

const char *dp_ssh_keys_socket(const struct dp_ssh_keys *k)
{
    return k->socket;
}

void dp_ssh_keys_free(struct dp_ssh_keys *k)
{
    if (k == NULL)
        return;
    if (k->hold >= 0)
        close(k->hold);
    while (k->pid > 0 && waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    unlink(k->socket);
    depot_free(k->socket);
    depot_free(k);
}
