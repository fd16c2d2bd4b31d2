/*
 * Drives one registry join for a build, and tells the feed.
 */
#include "join.h"

#include <depot/log.h>
#include <depot/platform.h>
#include <depot/registry.h>

#include <stdio.h>
#include <string.h>

#include "client.h"
#include "join_export.h"

#define DEPOT_LOG_MODULE "join"

static const char index_annotation[] = "annotation-index.";

struct manifest {
    struct join *join;
    const struct part *part;       /* NULL: an earlier build has pushed it */
    const char *platform, *digest; /* borrowed; `digest` NULL until its part has pushed */
    struct depot_bk_call *call;
    struct depot_buf data; /* empty: the registry is asked */
    bool over;
};

struct join {
    const struct build_scope *scope;
    struct part *const *parts;
    size_t nparts;
    const struct join_ops *ops;
    void *arg;
    int export; /* index of the request's */
    struct manifest *manifests;
    size_t nmanifests;
    struct depot_strv names;
    struct depot_kvs annotations;
    struct depot_registry *registry;
    struct depot_join *join;
    struct depot_timer *kick; /* what begins or ends, outside of the call that asked for it */
    bool prepared; /* for what the engines have told, which is held against what they answer */
    bool began, cancelled, over;
    bool goes; /* tags may move */
    enum depot_build_state state;
    struct depot_arena arena; /* of `result` and the vertex */
    struct depot_joined result;
    struct depot_vertex vertex;
};

static bool is_true(const struct depot_kvs *attrs, const char *key)
{
    return depot_str_eq(depot_kvs_get(attrs, key), "true");
}

/* ---- the feed ---- */

/* A step of its own, beside those of the first part. */
static void tell(struct join *j)
{
    const struct part *p = j->parts[0];
    struct depot_event ev = {.type = DEPOT_EVENT_BUILD_STATUS};
    ev.u.status = (struct depot_ev_status){.platform = p->platform,
        .builder = engine_name(p->engine),
        .status = {.vertexes = &j->vertex, .nvertexes = 1}};
    journal_append(j->scope->env->store, j->scope->id, &ev);
}

static void tell_began(struct join *j)
{
    char *names = depot_strv_join(&j->names, ", ");
    char *name = depot_asprintf("merging manifest list %s", names);
    char digest[DEPOT_DIGEST_LEN + 1];
    depot_digest_of(j->scope->id, strlen(j->scope->id), digest);
    j->vertex = (struct depot_vertex){.digest = depot_arena_strdup(&j->arena, digest),
        .name = depot_arena_strdup(&j->arena, name),
        .started = depot_time_now()};
    depot_free(name);
    depot_free(names);
    tell(j);
}

static void over(struct join *j, enum depot_build_state state, const char *why)
{
    j->over = true;
    j->state = state;
    j->vertex.completed = depot_time_now();
    j->vertex.error = depot_arena_strdup(&j->arena, why);
    tell(j);
    if (state == DEPOT_BUILD_FAILED)
        j->ops->say(why, j->arg);
    j->ops->over(j, j->arg);
}

/* ---- the result ---- */

static void add_pair(struct join *j, const char *key, const char *value)
{
    struct depot_pair *p = &j->result.response[j->result.nresponse++];
    p->key = key;
    p->value = depot_arena_strdup(&j->arena, value);
}

/* What an exporter answers that pushed an index, key for key. */
static void keep_result(struct join *j, const struct depot_join_result *res)
{
    char *names = depot_strv_join(&j->names, ",");
    char *text = depot_asprintf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}",
        res->media_type, res->digest, res->size);
    size_t n = strlen(text);
    char *coded = depot_alloc(depot_base64_encoded_len(n) + 1);
    depot_base64_encode(coded, text, n);
    j->result.digest = depot_arena_strdup(&j->arena, res->digest);
    j->result.response = depot_arena_alloc(&j->arena, 3 * sizeof(struct depot_pair));
    add_pair(j, "containerimage.descriptor", coded);
    add_pair(j, "containerimage.digest", res->digest);
    add_pair(j, "image.name", names);
    depot_free(coded);
    depot_free(text);
    depot_free(names);
}

/* What was prepared is made again, if it is wanted at all. */
static void drop(struct join *j)
{
    depot_join_free(j->join);
    j->join = NULL;
    j->prepared = false;
    for (size_t i = 0; i < j->nmanifests; i++) {
        struct manifest *m = &j->manifests[i];
        depot_bk_call_free(m->call);
        m->call = NULL;
        m->over = false;
        depot_buf_clear(&m->data);
    }
}

static void on_joined(struct depot_join *dj, const struct depot_join_result *res,
    const struct depot_error *err, void *arg)
{
    struct join *j = arg;
    DEPOT_UNUSED(dj);
    if (!j->goes) {
        drop(j);
        return;
    }
    if (err == NULL) {
        depot_log_info(
            "build %s: %s joined in %u requests", j->scope->id, res->digest, res->requests);
        keep_result(j, res);
        over(j, DEPOT_BUILD_SUCCEEDED, NULL);
        return;
    }
    char *text = depot_asprintf("%s%s%s%s", err->msg, err->hint[0] != '\0' ? " (" : "", err->hint,
        err->hint[0] != '\0' ? ")" : "");
    over(j, err->code == DEPOT_ERR_CANCELLED ? DEPOT_BUILD_CANCELLED : DEPOT_BUILD_FAILED, text);
    depot_free(text);
}

/* ---- credentials, from the client ---- */

static void on_answer(const char *host, const char *user, const char *secret, void *arg)
{
    struct join *j = arg;
    depot_registry_credentials(j->registry, host, user, secret);
}

static void on_credentials(struct depot_registry *r, const char *host, void *arg)
{
    struct join *j = arg;
    DEPOT_UNUSED(r);
    client_credentials(j->scope->client, host, on_answer, j);
}

/* ---- the manifests, from the engines that made them ---- */

static int start(struct join *j, struct depot_error *err)
{
    DEPOT_VEC(struct depot_join_part) parts = {0};
    const struct depot_kvs *attrs = &j->scope->req.exports[j->export].attrs;
    for (size_t i = 0; i < j->nmanifests; i++) {
        const struct manifest *m = &j->manifests[i];
        const struct depot_join_part part = {.platform = m->platform,
            .digest = m->digest,
            .manifest = m->data.len > 0 ? m->data.data : NULL,
            .len = m->data.len};
        depot_vec_push(&parts, part);
    }
    const struct depot_join_opts opts = {
        .names = (const char *const *)j->names.items,
        .nnames = j->names.len,
        .parts = parts.items,
        .nparts = parts.len,
        .annotations = &j->annotations,
        .insecure = is_true(attrs, "registry.insecure"),
        .held = !j->goes,
    };
    int rc = depot_join_start(j->scope->env->loop, j->registry, &opts, on_joined, j, &j->join, err);
    depot_vec_free(&parts);
    return rc;
}

static void proceed(struct join *j)
{
    struct depot_error err = {0};
    for (size_t i = 0; i < j->nmanifests; i++)
        if (!j->manifests[i].over)
            return;
    if (start(j, &err) == 0)
        return;
    if (j->goes)
        over(j, DEPOT_BUILD_FAILED, err.msg);
    else
        drop(j);
}

static void on_content(struct depot_bk_call *c, const struct depot_buf *data, void *arg)
{
    struct manifest *m = arg;
    char digest[DEPOT_DIGEST_LEN + 1] = "";
    m->call = NULL;
    m->over = true;
    if (data != NULL)
        depot_digest_of(depot_buf_str(data), data->len, digest);
    if (data != NULL && depot_str_eq(digest, m->digest))
        depot_buf_add(&m->data, data->data, data->len);
    else
        depot_log_debug("build %s: the registry is asked for what builder %s made",
            m->join->scope->id, engine_name(m->part->engine));
    engine_call_free(m->part->engine, c); /* and with it what was read */
    proceed(m->join);
}

/* From the engines' stores, or else the registry's. */
static void read_manifests(struct join *j)
{
    for (size_t i = 0; i < j->nmanifests; i++) {
        struct manifest *m = &j->manifests[i];
        if (m->part != NULL)
            m->digest = part_pushed(m->part);
        if (m->part == NULL || m->digest == NULL ||
            engine_driver(m->part->engine)
                    ->content(
                        engine_bk(m->part->engine), m->digest, on_content, m, &m->call, NULL) != 0)
            m->over = true;
    }
    proceed(j);
}

static bool is_all_pushed(const struct join *j)
{
    for (size_t i = 0; i < j->nmanifests; i++)
        if (j->manifests[i].part != NULL && part_pushed(j->manifests[i].part) == NULL)
            return false;
    return true;
}

void join_prepare(struct join *j)
{
    if (j->began || j->prepared || !is_all_pushed(j))
        return;
    j->prepared = true;
    read_manifests(j);
}

/* Have the engines answered what they had told? */
static bool is_as_told(const struct join *j)
{
    for (size_t i = 0; i < j->nmanifests; i++)
        if (j->manifests[i].part != NULL &&
            !depot_str_eq(j->manifests[i].digest, part_pushed(j->manifests[i].part)))
            return false;
    return true;
}

static void on_kick(struct depot_timer *t, void *arg)
{
    struct join *j = arg;
    DEPOT_UNUSED(t);
    if (j->cancelled) {
        over(j, DEPOT_BUILD_CANCELLED, "cancelled");
        return;
    }
    j->goes = true;
    if (!j->prepared || !is_as_told(j)) {
        drop(j);
        read_manifests(j);
    } else if (j->join != NULL) {
        depot_join_go(j->join);
    }
}

void join_begin(struct join *j)
{
    j->began = true;
    tell_began(j);
    depot_timer_start(j->kick, 0, 0);
}

static void forget_call(struct manifest *m)
{
    if (m->call != NULL)
        engine_call_free(m->part->engine, m->call);
    m->call = NULL;
}

void join_cancel(struct join *j)
{
    if (!j->began || j->over || j->cancelled)
        return;
    j->cancelled = true;
    if (j->goes && j->join != NULL) {
        depot_join_cancel(j->join);
        return;
    }
    drop(j);
    depot_timer_start(j->kick, 0, 0);
}

void join_abort(struct join *j)
{
    if (!j->began || j->over)
        return;
    char *moved = j->join != NULL ? depot_join_moved(j->join) : depot_strdup("");
    if (*moved != '\0') {
        char *text = depot_asprintf("not as before: %s", moved);
        j->ops->add(text, j->arg);
        depot_free(text);
    }
    depot_free(moved);
    over(j, DEPOT_BUILD_CANCELLED, NULL);
}

enum depot_build_state join_state(const struct join *j)
{
    return j->over ? j->state : DEPOT_BUILD_CANCELLED;
}

const struct depot_joined *join_result(const struct join *j)
{
    return &j->result;
}

/* ---- life ---- */

/* "annotation-index.K" */
static void find_annotations(struct join *j, const struct depot_kvs *attrs)
{
    for (size_t i = 0; i < attrs->len; i++)
        if (depot_str_starts(attrs->items[i].key, index_annotation))
            depot_kvs_set(&j->annotations, attrs->items[i].key + sizeof(index_annotation) - 1,
                attrs->items[i].value);
}

static const struct part *part_of(const struct join *j, const char *platform)
{
    for (size_t i = 0; i < j->nparts; i++)
        if (depot_platform_among(j->parts[i]->platform, platform, strlen(platform)))
            return j->parts[i];
    return NULL;
}

static void add_manifest(
    struct join *j, const struct part *p, const char *platform, const char *digest)
{
    for (size_t i = 0; p != NULL && i < j->nmanifests; i++)
        if (j->manifests[i].part == p)
            return;
    struct manifest *m = &j->manifests[j->nmanifests++];
    *m = (struct manifest){.join = j, .part = p, .platform = platform, .digest = digest};
    depot_buf_init(&m->data, DEPOT_MANIFEST_MAX);
}

/* "linux/amd64", or several with commas: what makes them. */
static void add_parts(struct join *j, const char *platforms)
{
    struct depot_strv list = {0};
    depot_strv_split(&list, platforms, ',');
    for (size_t i = 0; i < list.len; i++) {
        const struct part *p = part_of(j, list.items[i]);
        if (p != NULL)
            add_manifest(j, p, p->platform, NULL);
    }
    depot_strv_release(&list);
}

/* In the order of the platforms that were asked for, now and before. */
static void find_manifests(struct join *j)
{
    const struct depot_build_request *req = &j->scope->req;
    const struct depot_kvs *with = &req->join_with;
    j->manifests = depot_calloc(j->nparts + with->len, sizeof(*j->manifests));
    for (size_t i = 0; i < with->len; i++)
        if (*with->items[i].value != '\0')
            add_manifest(j, NULL, with->items[i].key, with->items[i].value);
        else
            add_parts(j, with->items[i].key);
    for (size_t i = 0; i < req->info.nplatforms; i++)
        add_parts(j, req->info.platforms[i]);
}

struct join *join_new(const struct build_scope *scope, struct part *const *parts, size_t n,
    const struct join_ops *ops, void *arg)
{
    static const struct depot_registry_ops registry_ops = {.credentials = on_credentials};
    struct join *j = depot_calloc(1, sizeof(*j));
    const struct build_env *env = scope->env;
    j->scope = scope;
    j->parts = parts;
    j->nparts = n;
    j->ops = ops;
    j->arg = arg;
    j->export = request_join_export(&scope->req);
    const struct depot_kvs *attrs = &scope->req.exports[j->export].attrs;
    const char *names = depot_kvs_get(attrs, "name");
    depot_strv_split(&j->names, names != NULL ? names : "", ',');
    find_annotations(j, attrs);
    find_manifests(j);
    j->registry =
        depot_registry_new(env->loop, env->registries, env->nregistries, &registry_ops, j);
    j->kick = depot_timer_new(env->loop, on_kick, j);
    return j;
}

void join_free(struct join *j)
{
    if (j == NULL)
        return;
    client_forget(j->scope->client, j);
    depot_join_free(j->join);
    depot_registry_free(j->registry);
    for (size_t i = 0; i < j->nmanifests; i++) {
        forget_call(&j->manifests[i]);
        depot_buf_release(&j->manifests[i].data);
    }
    depot_free(j->manifests);
    depot_strv_release(&j->names);
    depot_kvs_release(&j->annotations);
    depot_timer_free(j->kick);
    depot_arena_release(&j->arena);
    depot_free(j);
}
