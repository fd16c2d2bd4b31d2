/*
 * What a Docker Engine answers, and an image on its way into one. Internal to libdepot.
 */
#ifndef DEPOT_CORE_DOCKER_DOCKER_H
#define DEPOT_CORE_DOCKER_DOCKER_H

#include <depot/docker.h>

/* ---- messages: a stream of JSON objects, cut anywhere ---- */
struct dp_docker_message { /* borrowed until the callback returns; strings "" when not there */
    const char *id, *status, *error, *digest;
    bool has_progress;
    int64_t current, total;
};
typedef void dp_docker_message_fn(const struct dp_docker_message *m, void *arg);

struct dp_docker_messages;
struct dp_docker_messages *dp_docker_messages_new(dp_docker_message_fn *fn, void *arg);
/* DEPOT_ERR_PROTOCOL when it is no such stream, DEPOT_ERR_TOO_BIG for an endless object. */
int dp_docker_messages_feed(struct dp_docker_messages *m, const void *data, size_t n,
    struct depot_error *err) DEPOT_MUST_CHECK;
void dp_docker_messages_free(struct dp_docker_messages *m);

/* The answer to GET /info. */
int dp_docker_store_parse(const char *json, size_t n, struct depot_docker_store *out,
    struct depot_error *err) DEPOT_MUST_CHECK;

/* ---- load.c: a stream of an image archive into an Engine, as `docker load` does ---- */
struct dp_docker_load;
struct dp_docker_load_ops {
    void (*drained)(struct dp_docker_load *d, void *arg);
    void (*done)(struct dp_docker_load *d, const struct depot_error *err, void *arg);
};
/* `host` is borrowed. */
struct dp_docker_load *dp_docker_load_new(struct depot_loop *l,
    const struct depot_docker_host *host, const struct dp_docker_load_ops *ops, void *arg);
/* n 0: the end. Returns bytes not yet taken by the Engine, or a negative depot_err. */
ssize_t dp_docker_load_write(
    struct dp_docker_load *d, const void *data, size_t n, struct depot_error *err);
bool dp_docker_load_busy(const struct dp_docker_load *d);
void dp_docker_load_free(struct dp_docker_load *d);

/* A member of an object, NULL where there is none; and its string, "" where it is none. `o` may be
 * anything. */
struct json_object;
struct json_object *dp_docker_member(struct json_object *o, const char *key);
const char *dp_docker_string(struct json_object *o, const char *key);

#endif
