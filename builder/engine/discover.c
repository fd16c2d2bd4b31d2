/*
 * Where a BuildKit may be on this machine: one row per place. Looks and connects, no more.
 */
#include "discover.h"

#include <depot/buf.h>
#include <depot/os.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TRIED_MAX = 2048, ADDRESS_MAX = 512 };

/* An address is `path`, below the directory (or the whole address) that `env` names. */
static const struct place {
    const char *env, *path;
    bool docker;
} places[] = {
    {"BUILDKIT_HOST", NULL, false},
    {NULL, "/run/buildkit/buildkitd.sock", false},
    {"XDG_RUNTIME_DIR", "/buildkit/buildkitd.sock", false},
    {"DOCKER_HOST", NULL, true},
    {NULL, "/var/run/docker.sock", true},
    {NULL, "/run/docker.sock", true},
};

static const char *here_env(const char *name, void *arg)
{
    DEPOT_UNUSED(arg);
    return getenv(name);
}

static int here_connects(const char *path, void *arg)
{
    DEPOT_UNUSED(arg);
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(sa.sun_path))
        return ENAMETOOLONG;
    memcpy(sa.sun_path, path, strlen(path) + 1);
    int fd = depot_os_socket(AF_UNIX, SOCK_STREAM, 0, true);
    if (fd < 0)
        return errno;
    int rc = connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0 ? 0 : errno;
    close(fd);
    return rc == EAGAIN ? 0 : rc; /* its queue is full, so it lives */
}

const struct discover_world discover_here = {.env = here_env, .connects = here_connects};

/* The place's address as text, or NULL when its variable is not set. */
static char *address_of(const struct discover_world *w, const struct place *p)
{
    const char *prefix = p->docker ? "docker+" : "";
    const char *base = "";
    if (p->env != NULL) {
        base = w->env(p->env, w->arg);
        if (depot_str_empty(base) || strlen(base) > ADDRESS_MAX)
            return NULL;
    }
    if (p->path != NULL)
        return depot_asprintf("%sunix://%s%s", prefix, base, p->path);
    return depot_asprintf("%s%s", prefix, base);
}

static bool try_place(const struct discover_world *w, const struct place *p, const char *text,
    struct depot_addr *addr, struct depot_buf *tried)
{
    struct depot_error err = {0};
    if (depot_addr_parse(text, 0, addr, &err) != 0) {
        depot_buf_addf(tried, "%s%s (from $%s: not an address that is supported)",
            tried->len > 0 ? ", " : "", text, p->env != NULL ? p->env : "");
        return false;
    }
    /* An explicit TCP address is trusted: the engine's own probe will say what is wrong. */
    int rc = addr->kind == DEPOT_ADDR_UNIX ? w->connects(addr->path, w->arg) : 0;
    if (rc == 0)
        return true;
    depot_buf_addf(tried, "%s%s (%s)", tried->len > 0 ? ", " : "", text, strerror(rc));
    depot_addr_release(addr);
    return false;
}

bool discover_builder(const struct discover_world *w, struct engine_config *out, char **tried)
{
    struct depot_buf b = DEPOT_BUF_INIT(TRIED_MAX);
    bool found = false;
    for (size_t i = 0; !found && i < DEPOT_ARRAY_LEN(places); i++) {
        struct depot_addr addr = {0};
        char *text = address_of(w, &places[i]);
        if (text != NULL && try_place(w, &places[i], text, &addr, &b)) {
            *out = (struct engine_config){.addr = addr};
            out->name = depot_strdup(places[i].docker ? "docker" : "buildkit");
            found = true;
        }
        depot_free(text);
    }
    *tried = depot_strdup(depot_buf_str(&b));
    depot_buf_release(&b);
    return found;
}
