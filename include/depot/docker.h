/*
 * A Docker Engine's own API: which Engine a user means, and what it is asked beside building.
 */
#ifndef DEPOT_DOCKER_H
#define DEPOT_DOCKER_H

#include <depot/addr.h>
#include <depot/http.h>
#include <depot/platform.h>

/* ---- which Engine ---- */
struct depot_docker_host {
    struct depot_addr addr; /* for `command` its text alone */
    struct depot_tls tls;
    bool no_verify;            /* any certificate will do: the user says so */
    struct depot_strv command; /* ssh:// : its standard input and output are the connection */
};

/*
 * As docker's own client: `context` by name when given, else DOCKER_HOST, else DOCKER_CONTEXT, else
 * the context that `docker context use` chose, else /var/run/docker.sock. `config_dir` NULL: where
 * Docker's client has its configuration.
 */
int depot_docker_host_find(const char *context, const char *config_dir,
    struct depot_docker_host *out, struct depot_error *err) DEPOT_MUST_CHECK;
void depot_docker_host_release(struct depot_docker_host *h);
/* Where a request to it goes; borrowed from `h`. */
void depot_docker_host_aim(const struct depot_docker_host *h, struct depot_http_opts *o);

/* ---- what it keeps images in ---- */
struct depot_docker_store {
    bool containerd; /* keeps indexes and attestations; else one platform an image */
    char platform[DEPOT_PLATFORM_MAX]; /* of the Engine; "" when it does not tell */
};
/* Asks it, and waits. */
int depot_docker_store_read(const struct depot_docker_host *h, struct depot_docker_store *out,
    struct depot_error *err) DEPOT_MUST_CHECK;

/* ---- pushing what it has ---- */
struct depot_docker_login {
    const char *registry;      /* as depot_docker_registry_of() names it */
    const char *user, *secret; /* NULL: none; a secret without a user is an identity token */
};
/* The registry of an image's name, as engines name it to clients. The caller frees. */
char *depot_docker_registry_of(const char *name);

struct depot_docker_push;
struct depot_docker_push_ops {
    /* A layer went on; `total` is 0 when it is not known. */
    void (*layer)(struct depot_docker_push *p, const char *id, int64_t current, int64_t total,
        bool done, void *arg);
    /* Exactly once. `digest` of what was pushed; NULL when the Engine does not tell. */
    void (*done)(
        struct depot_docker_push *p, const char *digest, const struct depot_error *err, void *arg);
};
/* `host` is borrowed until it is freed, which is legal in `done`; the login is not kept. */
int depot_docker_push_start(struct depot_loop *l, const struct depot_docker_host *host,
    const char *name, const struct depot_docker_login *login,
    const struct depot_docker_push_ops *ops, void *arg, struct depot_docker_push **out,
    struct depot_error *err) DEPOT_MUST_CHECK;
void depot_docker_push_free(struct depot_docker_push *p);

#endif
