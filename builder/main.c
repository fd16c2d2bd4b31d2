/*
 * depotd: puts store, hub, service and server together, listens, and leaves in order. Everything it
 * does lives in those.
 */
#include <depot/app.h>
#include <depot/file_writer.h>
#include <depot/log.h>
#include <depot/path.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "builder/engine/discover.h"
#include "builder/feed/hub.h"
#include "builder/server/server.h"
#include "builder/service/service.h"

#define DEPOT_LOG_MODULE "depotd"

enum {
    READY_WAIT_MS = 3000, /* for the builders' first answer, before clients are let in */
    TICK_MS = 1000,
    STOP_STEP_MS = 50,
    STOP_WAIT_MS = 6000, /* for running builds to end on their engines */
    TOKENS_FILE_MAX = 64 * 1024,
    TOKEN_MIN = 16,
};

struct daemon {
    struct config config;
    struct depot_loop *loop;
    struct store *store;
    struct hub *hub;
    struct service *service;
    struct server *server;
    struct depot_strv tokens;
    bool discover;             /* no builder is configured, and none was found yet */
    struct depot_timer *timer; /* first READY_WAIT_MS, then ticks, then the steps of stopping */
    struct depot_signal *term, *interrupt;
    uint64_t busy_ms; /* when it was last seen in use */
    uint64_t stop_ms; /* when it began to stop; 0: it does not */
    int status;
};

static void complain(const struct depot_error *err)
{
    depot_log_error("%s%s%s", err->msg, err->hint[0] != '\0' ? "; hint: " : "", err->hint);
}

/* ---- stopping ---- */
static void leave(struct daemon *d)
{
    depot_timer_stop(d->timer);
    depot_loop_stop(d->loop);
}

static void stop(struct daemon *d, const char *why)
{
    if (d->stop_ms != 0) { /* asked twice: at once */
        leave(d);
        return;
    }
    depot_log_info("stopping: %s", why);
    d->stop_ms = depot_mono_ms();
    service_cancel_all(d->service, "the daemon was stopped");
    depot_timer_start(d->timer, 0, STOP_STEP_MS);
}

static void on_signal(struct depot_signal *s, int signum, void *arg)
{
    DEPOT_UNUSED(s);
    stop(arg, signum == SIGINT ? "interrupted" : "asked to");
}

/* ---- listening ---- */
static int make_socket_dir(const char *path, struct depot_error *err)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return 0;
    char *dir = depot_strndup(path, (size_t)(slash - path));
    struct stat st;
    int rc = stat(dir, &st) == 0 ? 0 : depot_path_mkdirs(dir, 0700, err);
    depot_free(dir);
    return rc;
}

static int open_server(struct daemon *d, struct depot_error *err)
{
    const struct config *c = &d->config;
    struct server_listener *l = depot_calloc(c->nlisten, sizeof(*l));
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->nlisten; i++) {
        const struct depot_addr *a = &c->listen[i];
        if (a->kind == DEPOT_ADDR_UNIX) {
            l[i].unix_path = a->path;
            rc = make_socket_dir(a->path, err);
        } else {
            l[i] = (struct server_listener){
                .host = a->host, .port = a->port, .tls_cert = c->tls_cert, .tls_key = c->tls_key};
        }
    }
    const struct server_config cfg = {.listeners = l,
        .nlisteners = c->nlisten,
        .tokens = (const char *const *)d->tokens.items,
        .ntokens = d->tokens.len};
    if (rc == 0)
        rc = server_new(d->loop, &cfg, d->store, d->hub, &service_api, d->service, &d->server, err);
    depot_free(l);
    return rc;
}

static void tell_ready(struct daemon *d)
{
    int fd = d->config.ready_fd;
    if (fd < 0)
        return;
    if (write(fd, "1", 1) != 1)
        depot_log_warn("cannot write to --ready-fd %d: %s", fd, strerror(errno));
    if (fd > STDERR_FILENO)
        close(fd);
    d->config.ready_fd = -1;
}

/* PATH.sock has its daemon's pid in PATH.pid, for scripts that have to stop it. */
static char *pid_path(const struct depot_addr *a)
{
    if (a->kind != DEPOT_ADDR_UNIX)
        return NULL;
    size_t n = strlen(a->path);
    if (n > 5 && strcmp(a->path + n - 5, ".sock") == 0)
        n -= 5;
    return depot_asprintf("%.*s.pid", (int)n, a->path);
}

static void write_pids(const struct daemon *d)
{
    static const struct depot_file_opts opts = {
        .what = "pid file", .mode = 0600, .flags = DEPOT_FILE_OWN};
    struct depot_error err = {0};
    char text[32];
    snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    for (size_t i = 0; i < d->config.nlisten; i++) {
        char *path = pid_path(&d->config.listen[i]);
        if (path != NULL && depot_file_write(path, &opts, text, strlen(text), &err) != 0)
            depot_log_warn("%s", err.msg);
        depot_free(path);
    }
}

static void remove_pids(const struct daemon *d)
{
    for (size_t i = 0; d->server != NULL && i < d->config.nlisten; i++) {
        char *path = pid_path(&d->config.listen[i]);
        if (path != NULL)
            unlink(path);
        depot_free(path);
    }
}

static void begin(void *arg)
{
    struct daemon *d = arg;
    struct depot_error err = {0};
    if (d->server != NULL || d->stop_ms != 0)
        return;
    if (open_server(d, &err) != 0) {
        complain(&err);
        d->status = 1;
        leave(d);
        return;
    }
    for (size_t i = 0; i < d->config.nlisten; i++)
        depot_log_info("listening on %s", d->config.listen[i].text);
    write_pids(d);
    tell_ready(d);
    d->busy_ms = depot_mono_ms();
    depot_timer_start(d->timer, TICK_MS, TICK_MS);
}

/* A BuildKit on this machine, when none is configured; it may also be started after the daemon. */
static void discover(struct daemon *d, bool first)
{
    struct engine_config found;
    struct depot_error err = {0};
    char *tried = NULL;
    if (!d->discover)
        return;
    if (discover_builder(&discover_here, &found, &tried)) {
        d->discover = false;
        if (service_add_builder(d->service, &found, &err) != 0)
            complain(&err);
        engine_config_release(&found);
    } else {
        service_set_tried(d->service, tried);
        if (first)
            depot_log_warn("no BuildKit was found; looked at %s", tried);
    }
    depot_free(tried);
}

static void tick(struct daemon *d)
{
    discover(d, false);
    if (!service_idle(d->service) || server_clients(d->server) > 0)
        d->busy_ms = depot_mono_ms();
    uint64_t idle_ms = (uint64_t)d->config.idle_s * 1000;
    if (idle_ms > 0 && depot_mono_ms() - d->busy_ms >= idle_ms)
        stop(d, "idle");
}

static void on_timer(struct depot_timer *t, void *arg)
{
    struct daemon *d = arg;
    DEPOT_UNUSED(t);
    if (d->stop_ms == 0 && d->server == NULL)
        begin(d);
    else if (d->stop_ms == 0)
        tick(d);
    else if (service_builds(d->service) == 0 || depot_mono_ms() - d->stop_ms > STOP_WAIT_MS)
        leave(d);
}

/* ---- starting ---- */
static int open_log(const struct config *c, struct depot_error *err)
{
    depot_log_set_level(c->log_level);
    if (c->log_file == NULL)
        return 0;
    int fd = open(c->log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return depot_error_errno(err, errno, "cannot open the log %s", c->log_file);
    depot_log_set_fd(fd);
    return 0;
}

static int add_token(struct daemon *d, const char *line, struct depot_error *err)
{
    size_t n = strcspn(line, " \t\r\n");
    if (n == 0 || *line == '#')
        return 0;
    if (n < TOKEN_MIN)
        return depot_error_set(err, DEPOT_ERR_INVALID, "%s: a token has less than %d characters",
            d->config.token_file, TOKEN_MIN);
    depot_strv_push_take(&d->tokens, depot_strndup(line, n));
    return 0;
}

static int read_tokens(struct daemon *d, struct depot_error *err)
{
    if (d->config.token_file == NULL)
        return 0;
    char *text = NULL;
    size_t len = 0;
    struct depot_strv lines = {0};
    struct stat st;
    int rc = depot_file_read(d->config.token_file, TOKENS_FILE_MAX, &text, &len, err);
    if (rc == 0) {
        if (stat(d->config.token_file, &st) == 0 && (st.st_mode & 077) != 0)
            depot_log_warn("%s can be read by others: chmod 600 it", d->config.token_file);
        depot_strv_split(&lines, text, '\n');
    }
    for (size_t i = 0; rc == 0 && i < lines.len; i++)
        rc = add_token(d, lines.items[i], err);
    if (rc == 0 && d->tokens.len == 0)
        rc = depot_error_set(
            err, DEPOT_ERR_INVALID, "%s: there is no token in it", d->config.token_file);
    depot_strv_release(&lines);
    depot_free(text);
    return rc;
}

static int open_service(struct daemon *d, struct depot_error *err)
{
    struct config *c = &d->config;
    int rc = service_new(d->loop, d->store, d->hub, c->builders, c->nbuilders, &d->service, err);
    if (rc != 0)
        return rc;
    service_set_registries(d->service, c->registries, c->nregistries);
    d->discover = c->nbuilders == 0;
    discover(d, true);
    return 0;
}

static int open_all(struct daemon *d, struct depot_error *err)
{
    int rc = open_log(&d->config, err);
    if (rc == 0)
        rc = read_tokens(d, err);
    if (rc == 0)
        rc = depot_path_private_dir(d->config.state_dir, err);
    if (rc == 0)
        rc = depot_loop_new(&d->loop, err);
    if (rc == 0)
        rc = depot_signal_new(d->loop, SIGTERM, on_signal, d, &d->term, err);
    if (rc == 0)
        rc = depot_signal_new(d->loop, SIGINT, on_signal, d, &d->interrupt, err);
    if (rc == 0)
        rc = store_open(d->loop, d->config.state_dir, &d->store, err);
    if (rc != 0)
        return rc;
    d->hub = hub_new(d->loop, d->store);
    d->timer = depot_timer_new(d->loop, on_timer, d);
    rc = open_service(d, err);
    if (rc == 0) {
        depot_timer_start(d->timer, READY_WAIT_MS, 0);
        service_on_ready(d->service, begin, d);
    }
    return rc;
}

static void close_all(struct daemon *d)
{
    depot_timer_free(d->timer);
    depot_signal_free(d->term);
    depot_signal_free(d->interrupt);
    remove_pids(d);
    server_free(d->server);
    service_free(d->service);
    if (d->hub != NULL)
        hub_free(d->hub);
    store_free(d->store);
    if (d->loop != NULL) {
        depot_loop_turn(d->loop); /* what closes in a later turn */
        depot_loop_free(d->loop);
    }
    depot_strv_release(&d->tokens);
    config_release(&d->config);
}

int main(int argc, char **argv)
{
    struct daemon d = {.status = 0};
    struct depot_error err = {0};
    depot_stdio_open();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (config_load(argc, argv, &d.config, &err) != 0) {
        depot_error_print("depotd", &err);
        return DEPOT_EXIT_USAGE;
    }
    if (d.config.help)
        config_print_help(stdout);
    else if (d.config.man)
        config_print_man(stdout);
    else if (d.config.version)
        printf("depotd %s\n", DEPOT_VERSION);
    else if (open_all(&d, &err) == 0)
        depot_loop_run(d.loop);
    else {
        complain(&err);
        d.status = 1;
    }
    close_all(&d);
    return d.status;
}
