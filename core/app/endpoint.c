/*
 * Which daemon to talk to, and starting this user's own when none is there.
 */
#include <depot/clock.h>
#include <depot/endpoint.h>
#include <depot/os.h>
#include <depot/path.h>

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ENDPOINT_PORT = 8850,
    ENDPOINT_START_TIMEOUT_MS = 10000,
    ENDPOINT_CONFIG_MAX = 64 * 1024,
    ENDPOINT_LOG_TAIL = 500,
};

static char *config_value(struct json_object *config, const char *key)
{
    struct json_object *v = NULL;
    if (!json_object_is_type(config, json_type_object) ||
        !json_object_object_get_ex(config, key, &v) || !json_object_is_type(v, json_type_string))
        return NULL;
    return depot_strdup(json_object_get_string(v));
}

static int read_config(struct json_object **out, struct depot_error *err)
{
    char *dir = depot_path_config_dir();
    char *path = depot_path_join(dir, "config.json");
    char *text = NULL;
    size_t n = 0;
    int rc = 0;
    *out = NULL;
    if (access(path, F_OK) == 0) {
        rc = depot_file_read(path, ENDPOINT_CONFIG_MAX, &text, &n, err);
        if (rc == 0)
            *out = json_tokener_parse(text);
        if (rc == 0 && *out == NULL)
            rc = depot_error_set(err, DEPOT_ERR_INVALID, "%s is not JSON", path);
    }
    depot_free(text);
    depot_free(path);
    depot_free(dir);
    return rc;
}

/* First of: flag, environment, configuration. The caller frees. */
static char *choose(
    const char *flag, const char *variable, struct json_object *config, const char *key)
{
    if (!depot_str_empty(flag))
        return depot_strdup(flag);
    if (!depot_str_empty(getenv(variable)))
        return depot_strdup(getenv(variable));
    return config_value(config, key);
}

/* 1: somebody listens; 0: nobody; negative: the path cannot be used. */
static int somebody_listens(const char *path, struct depot_error *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(sa.sun_path))
        return depot_error_set(err, DEPOT_ERR_INVALID, "socket path is too long: %s", path);
    memcpy(sa.sun_path, path, strlen(path) + 1);
    int fd = depot_os_socket(AF_UNIX, SOCK_STREAM, 0, false);
    if (fd < 0)
        return depot_error_errno(err, errno, "cannot make a socket");
    int rc = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
    close(fd);
    return rc;
}

/* depotd beside our own executable; NULL: there is none. The caller frees. */
static char *daemon_beside(void)
{
    static const char *const names[] = {"depotd", "../builder/depotd"};
    char *dir = depot_os_program(), *found = NULL;
    if (dir != NULL)
        *strrchr(dir, '/') = '\0';
    for (size_t i = 0; dir != NULL && found == NULL && i < DEPOT_ARRAY_LEN(names); i++) {
        found = depot_path_join(dir, names[i]);
        if (access(found, X_OK) != 0) {
            depot_free(found);
            found = NULL;
        }
    }
    depot_free(dir);
    return found;
}

static char *daemon_program(void)
{
    const char *env = getenv("DEPOT_DAEMON");
    if (!depot_str_empty(env))
        return depot_strdup(env);
    char *beside = daemon_beside();
    return beside != NULL ? beside : depot_strdup("depotd"); /* on PATH */
}

/* In the child: leave the terminal and become the daemon. */
static void become_daemon(const char *program, const char *listen, const char *log, int ready)
{
    setsid();
    int null = open("/dev/null", O_RDWR);
    int out = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    dup2(null, STDIN_FILENO);
    dup2(out >= 0 ? out : null, STDOUT_FILENO);
    dup2(out >= 0 ? out : null, STDERR_FILENO);
    char fd[16];
    snprintf(fd, sizeof(fd), "%d", ready);
    if (chdir("/") != 0)
        _exit(126);
    execlp(program, program, "--listen", listen, "--idle", "600", "--ready-fd", fd, (char *)NULL);
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", program, strerror(errno));
    _exit(127);
}

static int start_failed(const char *log, struct depot_error *err)
{
    char *text = NULL;
    size_t n = 0;
    const char *tail = "";
    if (depot_file_read(log, ENDPOINT_CONFIG_MAX, &text, &n, NULL) == 0)
        tail = n > ENDPOINT_LOG_TAIL ? text + n - ENDPOINT_LOG_TAIL : text;
    depot_error_set(err, DEPOT_ERR_UNAVAILABLE, "the depotd of this user did not start%s%s",
        tail[0] != '\0' ? ": " : "", tail);
    depot_error_hint(err, "its log is %s; or set DEPOT_URL to a daemon that runs", log);
    depot_free(text);
    return DEPOT_ERR_UNAVAILABLE;
}

/* One byte on `fd` says that the daemon listens; its end says that it will not. */
static int await_ready(int fd, const char *log, struct depot_error *err)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n;
    do
        n = poll(&p, 1, ENDPOINT_START_TIMEOUT_MS);
    while (n < 0 && errno == EINTR);
    char byte;
    if (n == 1 && read(fd, &byte, 1) == 1)
        return 0;
    return start_failed(log, err);
}

static int spawn_daemon(const char *socket_path, const char *log, struct depot_error *err)
{
    int fds[2];
    if (pipe(fds) != 0)
        return depot_error_errno(err, errno, "cannot make a pipe");
    fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    char *program = daemon_program();
    char *listen = depot_asprintf("unix://%s", socket_path);
    pid_t pid = fork();
    if (pid == 0) {
        /* Twice, so that init and not this client is the daemon's parent. */
        if (fork() == 0)
            become_daemon(program, listen, log, fds[1]);
        _exit(0);
    }
    close(fds[1]);
    int rc;
    if (pid < 0) {
        rc = depot_error_errno(err, errno, "cannot start %s", program);
    } else {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        rc = await_ready(fds[0], log, err);
    }
    close(fds[0]);
    depot_free(program);
    depot_free(listen);
    return rc;
}

/* Under a lock, so that two clients at once start one daemon. */
static int ensure_daemon(const char *runtime, const char *socket_path, struct depot_error *err)
{
    int rc = somebody_listens(socket_path, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    char *lock_path = depot_path_join(runtime, "depotd.lock");
    char *log = depot_path_join(runtime, "depotd.log");
    int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX) != 0) {
        rc = depot_error_errno(err, errno, "cannot lock %s", lock_path);
    } else {
        rc = somebody_listens(socket_path, err);
        if (rc == 0)
            rc = spawn_daemon(socket_path, log, err);
        else if (rc > 0)
            rc = 0;
    }
    if (lock >= 0)
        close(lock);
    depot_free(log);
    depot_free(lock_path);
    return rc;
}

static int need_daemon(const char *socket_path, struct depot_error *err)
{
    const int rc = somebody_listens(socket_path, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    depot_error_set(err, DEPOT_ERR_UNAVAILABLE,
        "the depotd of this user is not running, and so no build of its own is");
    return depot_error_hint(err, "set DEPOT_URL for the builds of another daemon");
}

static int own_daemon(bool start, struct depot_endpoint *out, struct depot_error *err)
{
    char *runtime = depot_path_runtime_dir();
    char *socket_path = depot_path_join(runtime, "depotd.sock");
    char *url = depot_asprintf("unix://%s", socket_path);
    int rc = depot_path_private_dir(runtime, err);
    if (rc == 0)
        rc = start ? ensure_daemon(runtime, socket_path, err) : need_daemon(socket_path, err);
    if (rc == 0)
        rc = depot_addr_parse(url, 0, &out->addr, err);
    depot_free(url);
    depot_free(socket_path);
    depot_free(runtime);
    return rc;
}

static int named_daemon(const char *url, struct json_object *config, struct depot_endpoint *out,
    struct depot_error *err)
{
    int rc = depot_addr_parse(url, ENDPOINT_PORT, &out->addr, err);
    if (rc != 0)
        return rc;
    if (out->addr.docker) {
        depot_error_set(err, DEPOT_ERR_INVALID, "%s is a Docker Engine, not a depotd", url);
        return depot_error_hint(err, "give it to depotd with --builder docker=%s", url);
    }
    out->tls.enabled = out->addr.tls;
    out->tls.ca = choose(NULL, "DEPOT_CA", config, "ca");
    return 0;
}

/* Which of the three it was that choose() took. */
static const char *where_from(const char *flag, const char *flag_name, const char *variable)
{
    if (!depot_str_empty(flag))
        return flag_name;
    return !depot_str_empty(getenv(variable)) ? variable : "config.json";
}

int depot_endpoint_resolve(const char *url, const char *token, bool start,
    struct depot_endpoint *out, struct depot_error *err)
{
    struct json_object *config = NULL;
    memset(out, 0, sizeof(*out));
    int rc = read_config(&config, err);
    if (rc != 0)
        return rc;
    char *at = choose(url, "DEPOT_URL", config, "url");
    out->token = choose(token, "DEPOT_TOKEN", config, "token");
    rc = at != NULL ? named_daemon(at, config, out, err) : own_daemon(start, out, err);
    if (rc != 0 && at != NULL)
        depot_error_prefix(err, "%s", where_from(url, "--url", "DEPOT_URL"));
    if (rc != 0)
        depot_endpoint_release(out);
    depot_free(at);
    json_object_put(config);
    return rc;
}

void depot_endpoint_release(struct depot_endpoint *e)
{
    depot_addr_release(&e->addr);
    depot_tls_release(&e->tls);
    depot_free(e->token);
    e->token = NULL;
}
