/*
 * Pushes by a Docker Engine: name after name, with the client's credentials, told as a step each.
 */
#include "part_push.h"

#include <depot/digest.h>
#include <depot/docker.h>

#include <string.h>

#include "client.h"
#include "part.h"

enum {
    LAYERS_MAX = 1024,             /* whose progress is told */
    TOLD_EVERY = 500 * DEPOT_MSEC, /* of one layer: an engine tells ten times a second */
};

struct layer {
    char *id; /* "pushing layer 5f70bf18a086" */
    depot_time started, told, completed;
    int64_t current, total;
};

struct part_push {
    struct part *part;
    part_push_fn *done;
    struct depot_docker_host host;
    struct depot_strv names;
    size_t at; /* of names: the one in hand */
    struct depot_docker_push *push;
    struct depot_timer *kick; /* what begins or ends, outside of the call that asked for it */
    char *digest;             /* of the first name */
    char *registry;           /* of the one in hand */
    struct depot_error err;
    struct depot_vertex vertex;
    char vertex_digest[DEPOT_DIGEST_LEN + 1];
    char *vertex_name;
    DEPOT_VEC(struct layer) layers;
};

/* ---- the export ---- */

static const struct depot_request_export *export_of(const struct part *p)
{
    const struct depot_build_request *req = &p->scope->req;
    if (!(engine_caps(p->engine) & DEPOT_BK_CAP_MOBY))
        return NULL;
    for (size_t i = 0; i < req->nexports; i++)
        if (p->exports & 1u << i && depot_str_eq(req->exports[i].type, "image") &&
            depot_str_eq(depot_kvs_get(&req->exports[i].attrs, "push"), "true"))
            return &req->exports[i];
    return NULL;
}

bool part_pushes(const struct part *p)
{
    return export_of(p) != NULL;
}

/* ---- the feed ---- */

static void tell(struct part_push *u, struct depot_vertex_status *st, size_t n)
{
    struct part *p = u->part;
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS};
    ev.u.status = (struct depot_ev_status){.platform = p->platform,
        .builder = engine_name(p->engine),
        .status = {.vertexes = &u->vertex, .nvertexes = 1, .statuses = st, .nstatuses = n}};
    journal_append(p->scope->env->store, p->scope->id, &ev);
}

static void tell_layer(struct part_push *u, struct layer *l, depot_time now)
{
    struct depot_vertex_status st = {.id = l->id,
        .vertex = u->vertex_digest,
        .name = "",
        .total = l->total,
        .current = l->current,
        .timestamp = now,
        .started = l->started,
        .completed = l->completed};
    l->told = now;
    tell(u, &st, 1);
}

static void tell_began(struct part_push *u, const char *name)
{
    char *what = depot_asprintf("%s %s %zu", u->part->ref, name, u->at);
    depot_digest_of(what, strlen(what), u->vertex_digest);
    depot_free(what);
    depot_free(u->vertex_name);
    u->vertex_name = depot_asprintf("pushing %s with docker", name);
    u->vertex = (struct depot_vertex){
        .digest = u->vertex_digest, .name = u->vertex_name, .started = depot_time_now()};
    tell(u, NULL, 0);
}

static void forget_layers(struct part_push *u)
{
    for (size_t i = 0; i < u->layers.len; i++)
        depot_free(u->layers.items[i].id);
    u->layers.len = 0;
}

static void tell_over(struct part_push *u, const char *error)
{
    const depot_time now = depot_time_now();
    if (u->vertex.started == 0 || u->vertex.completed != 0)
        return;
    for (size_t i = 0; i < u->layers.len; i++) {
        if (u->layers.items[i].completed != 0)
            continue;
        u->layers.items[i].completed = now;
        tell_layer(u, &u->layers.items[i], now);
    }
    forget_layers(u);
    u->vertex.completed = now;
    u->vertex.error = error;
    tell(u, NULL, 0);
    u->vertex.error = NULL;
}

/* ---- pushing ---- */

static struct layer *layer_of(struct part_push *u, const char *id, depot_time now)
{
    char *name = depot_asprintf("pushing layer %.128s", id);
    for (size_t i = 0; i < u->layers.len; i++) {
        if (strcmp(u->layers.items[i].id, name) == 0) {
            depot_free(name);
            return &u->layers.items[i];
        }
    }
    if (u->layers.len == LAYERS_MAX) {
        depot_free(name);
        return NULL;
    }
    const struct layer l = {.id = name, .started = now};
    depot_vec_push(&u->layers, l);
    return &u->layers.items[u->layers.len - 1];
}

static void on_layer(struct depot_docker_push *push, const char *id, int64_t current, int64_t total,
    bool done, void *arg)
{
    struct part_push *u = arg;
    const depot_time now = depot_time_now();
    struct layer *l = layer_of(u, id, now);
    DEPOT_UNUSED(push);
    if (l == NULL || l->completed != 0)
        return;
    if (total > 0) {
        l->current = current;
        l->total = total;
    }
    if (done) {
        l->current = l->total;
        l->completed = now;
    }
    if (done || now - l->told >= TOLD_EVERY)
        tell_layer(u, l, now);
}

static void next(struct part_push *u);

static void on_pushed(
    struct depot_docker_push *push, const char *digest, const struct depot_error *err, void *arg)
{
    struct part_push *u = arg;
    DEPOT_UNUSED(push);
    if (digest != NULL && u->digest == NULL && depot_digest_valid(digest))
        u->digest = depot_strdup(digest);
    if (err != NULL)
        u->err = *err;
    tell_over(u, err != NULL ? err->msg : NULL);
    depot_docker_push_free(u->push);
    u->push = NULL;
    u->at++;
    next(u);
}

static void on_credentials(const char *host, const char *user, const char *secret, void *arg)
{
    static const struct depot_docker_push_ops ops = {.layer = on_layer, .done = on_pushed};
    struct part_push *u = arg;
    const struct depot_docker_login login = {.registry = host, .user = user, .secret = secret};
    if (depot_docker_push_start(u->part->scope->env->loop, &u->host, u->names.items[u->at], &login,
            &ops, u, &u->push, &u->err) == 0)
        return;
    u->push = NULL;
    tell_over(u, u->err.msg);
    next(u);
}

static void on_kick(struct depot_timer *t, void *arg)
{
    struct part_push *u = arg;
    DEPOT_UNUSED(t);
    if (u->err.code != DEPOT_OK || u->at == u->names.len) {
        u->done(u->part, u->digest, u->err.code != DEPOT_OK ? &u->err : NULL);
        return;
    }
    const char *name = u->names.items[u->at];
    tell_began(u, name);
    depot_free(u->registry);
    u->registry = depot_docker_registry_of(name);
    client_credentials(u->part->scope->client, u->registry, on_credentials, u);
}

static void next(struct part_push *u)
{
    depot_timer_start(u->kick, 0, 0);
}

/* ---- life ---- */

struct part_push *part_push_new(struct part *p, part_push_fn *done)
{
    struct part_push *u = depot_calloc(1, sizeof(*u));
    const char *names = depot_kvs_get(&export_of(p)->attrs, "name");
    u->part = p;
    u->done = done;
    u->kick = depot_timer_new(p->scope->env->loop, on_kick, u);
    engine_docker_host(p->engine, &u->host);
    depot_strv_split(&u->names, names != NULL ? names : "", ',');
    next(u);
    return u;
}

void part_push_free(struct part_push *u)
{
    if (u == NULL)
        return;
    client_forget(u->part->scope->client, u);
    tell_over(u, "cancelled"); /* unless it is over already */
    depot_docker_push_free(u->push);
    depot_timer_free(u->kick);
    depot_docker_host_release(&u->host);
    forget_layers(u);
    depot_vec_free(&u->layers);
    depot_strv_release(&u->names);
    depot_free(u->vertex_name);
    depot_free(u->registry);
    depot_free(u->digest);
    depot_free(u);
}
