/*
 * Docker's config.json, as far as it holds registry credentials.
 */
#ifndef DEPOT_CORE_SESSION_DOCKER_CONFIG_H
#define DEPOT_CORE_SESSION_DOCKER_CONFIG_H

#include <depot/base.h>

struct dp_credentials {
    char *username; /* "" with a secret: the secret is an identity token */
    char *secret;
};
void dp_credentials_release(struct dp_credentials *c);

enum { DP_DOCKER_CONFIG_MAX = 1024 * 1024 };

struct dp_docker_auth {
    char *server;              /* the key of the registry in Docker's world */
    char *helper;              /* docker-credential-HELPER knows; NULL: none to ask */
    struct dp_credentials own; /* what the file itself says; members NULL: nothing */
};
void dp_docker_auth_release(struct dp_docker_auth *a);

/* What the config says of a registry host, as engines name it. An empty text is an empty config. */
int dp_docker_config_find(const char *json, size_t n, const char *host, struct dp_docker_auth *out,
    struct depot_error *err) DEPOT_MUST_CHECK;

/* Where config.json lies: below `dir`; NULL: $DOCKER_CONFIG, else ~/.docker. The caller frees. */
char *dp_docker_config_path(const char *dir);

/* The proxies for builds on one engine, or those of "default": HTTP_PROXY and its like. */
int dp_docker_config_proxies(const char *json, size_t n, const char *docker_host,
    struct depot_kvs *out, struct depot_error *err) DEPOT_MUST_CHECK;

/* What a credential helper printed; DEPOT_ERR_NOT_FOUND when it has none. */
int dp_docker_helper_parse(const char *json, size_t n, struct dp_credentials *out) DEPOT_MUST_CHECK;

/* Run docker-credential-`helper` for `server`. Blocks, up to half a minute: for a pool thread. */
int dp_docker_helper_run(const char *helper, const char *server, struct dp_credentials *out,
    struct depot_error *err) DEPOT_MUST_CHECK;

#endif
