/*
 * The service: its engines, the builds that run, and what the server may ask of them.
 */
#include <depot/log.h>

#include <string.h>

#include "builder/engine/cache.h"
#include "builder/feed/hub.h"
#include "builder/build/build.h"
#include "builder/build/client.h"
#include "builder/build/observe.h"
#include "builder/engine/metrics.h"
#include "service.h"

#define DEPOT_LOG_MODULE "service"

enum { BUILDS_MAX = 1024 }; /* running and waiting at once */

struct service {
    struct build_env env;        /* of all its builds */
    struct observer **observers; /* one an engine */
    char *tried;                 /* where a builder was looked for in vain */
    void (*on_ready)(void *arg);
    void *on_ready_arg;
    struct depot_timer *ready_timer;
    struct metrics *metrics;
    /* service_builders() hands these out */
    struct depot_ev_builder *view;
};

/* ---- fleet events ---- */
static void publish(struct service *s, struct engine *e, enum depot_event_type type)
{
    struct depot_event ev = {.type = type, .time = depot_time_now()};
    engine_describe(e, &ev.u.builder);
    hub_publish(s->env.hub, &ev);
}

static void check_ready(struct service *s)
{
    for (size_t i = 0; i < s->env.nengines; i++)
        if (!engine_tried(s->env.engines[i]))
            return;
    void (*fn)(void *arg) = s->on_ready;
    s->on_ready = NULL;
    if (fn != NULL)
        fn(s->on_ready_arg);
}

static void on_up(struct engine *e, void *arg)
{
    struct service *s = arg;
    publish(s, e, DEPOT_EVENT_BUILDER_UP);
    for (size_t i = 0; i < s->env.nengines; i++)
        if (s->env.engines[i] == e)
            observer_engine_up(s->observers[i]);
    check_ready(s);
}

static void on_down(struct engine *e, void *arg)
{
    struct service *s = arg;
    publish(s, e, DEPOT_EVENT_BUILDER_DOWN);
    check_ready(s);
}

static void on_changed(struct engine *e, void *arg)
{
    if (engine_is_up(e))
        publish(arg, e, DEPOT_EVENT_BUILDER_METRICS);
}

static void builds_wanted(struct service *s)
{
    for (size_t i = 0; i < s->env.nengines; i++)
        observer_wanted(s->observers[i]);
}

static void on_watched(bool there, void *arg)
{
    struct service *s = arg;
    metrics_watch(s->metrics, there);
    if (there)
        builds_wanted(s);
}

const struct depot_ev_builder *service_builders(struct service *s, size_t *n)
{
    for (size_t i = 0; i < s->env.nengines; i++)
        engine_describe(s->env.engines[i], &s->view[i]);
    *n = s->env.nengines;
    return s->view;
}

static const struct depot_ev_builder *builders_now(void *arg, size_t *n)
{
    return service_builders(arg, n);
}

static const struct hub_source hub_source = {.builders = builders_now, .watched = on_watched};

static const struct engine_ops engine_callbacks = {
    .up = on_up,
    .down = on_down,
    .changed = on_changed,
};

static void on_ready_timer(struct depot_timer *t, void *arg)
{
    DEPOT_UNUSED(t);
    check_ready(arg);
}

void service_on_ready(struct service *s, void (*fn)(void *arg), void *arg)
{
    s->on_ready = fn;
    s->on_ready_arg = arg;
    depot_timer_start(s->ready_timer, 0, 0);
}

void service_set_tried(struct service *s, const char *tried)
{
    depot_free(s->tried);
    s->tried = depot_strdup(tried);
}

void service_set_registries(
    struct service *s, const struct depot_registry_host *hosts, size_t nhosts)
{
    s->env.registries = hosts;
    s->env.nregistries = nhosts;
}

/* ---- what the server asks ---- */
static int no_builder(const struct service *s, struct depot_error *err)
{
    depot_error_set(err, DEPOT_ERR_UNAVAILABLE, "no builder: no BuildKit was found%s%s",
        depot_str_empty(s->tried) ? "" : "; looked at ", s->tried != NULL ? s->tried : "");
    return depot_error_hint(err, "start BuildKit (buildkitd, or a Docker Engine) and try again, "
                                 "or name one with depotd --builder NAME=ADDRESS");
}

static int check_room(
    const struct service *s, const struct placement *plan, struct depot_error *err)
{
    if (depot_map_len(s->env.builds) >= BUILDS_MAX)
        return depot_error_set(
            err, DEPOT_ERR_EXHAUSTED, "%d builds are running or waiting already", BUILDS_MAX);
    for (size_t i = 0; i < plan->nparts; i++) {
        const struct engine *e = s->env.engines[plan->parts[i].engine];
        if (engine_full(e))
            return depot_error_set(err, DEPOT_ERR_EXHAUSTED,
                "%d builds are waiting for builder %s already", ENGINE_QUEUE_MAX, engine_name(e));
    }
    return 0;
}

/* The builders that may be chosen from: the one that was named, if there is one of this name. */
static void candidates(const struct service *s, const char *name, size_t *first, size_t *n)
{
    *first = 0;
    *n = s->env.nengines;
    for (size_t i = 0; i < s->env.nengines && !depot_str_empty(name); i++)
        if (depot_str_eq(engine_name(s->env.engines[i]), name)) {
            *first = i;
            *n = 1;
        }
}

static int make_plan(struct service *s, const struct depot_build_request *req,
    struct placement *plan, struct depot_error *err)
{
    size_t first, n;
    if (s->env.nengines == 0)
        return no_builder(s, err);
    candidates(s, req->builder, &first, &n);
    struct placement_engine *view = depot_calloc(n, sizeof(*view));
    for (size_t i = 0; i < n; i++)
        engine_placement_view(s->env.engines[first + i], &view[i]);
    const struct depot_strv platforms = {
        .items = (char **)req->info.platforms, .len = req->info.nplatforms};
    unsigned *groups = depot_calloc(platforms.len + 1, sizeof(*groups));
    for (size_t i = 0; i < platforms.len; i++)
        groups[i] = request_exports_of(req, platforms.items[i]);
    int rc = req->call != NULL
                 ? placement_any(view, n, &platforms, plan, err)
                 : placement_make(view, n, &platforms, groups, request_single(req), plan, err);
    depot_free(groups);
    for (size_t i = 0; rc == 0 && i < plan->nparts; i++)
        plan->parts[i].engine += first;
    depot_free(view);
    return rc;
}

int service_create(struct service *s, const struct depot_build_request *asked, const char *user,
    struct service_created *out, struct depot_error *err)
{
    struct depot_arena arena = {0};
    struct depot_build_request req;
    struct placement plan = {0};
    depot_record_copy(&depot_record_build_request, &req, asked, &arena);
    if (depot_str_empty(req.info.user))
        req.info.user = depot_arena_strdup(&arena, user);
    int rc = request_check(&req, &arena, err);
    if (rc == 0)
        rc = make_plan(s, &req, &plan, err);
    if (rc == 0)
        rc = check_room(s, &plan, err);
    if (rc == 0) {
        struct build *b = build_new(&s->env, &req, &arena, &plan);
        memcpy(out->id, b->scope.id, sizeof(out->id));
        memcpy(out->secret, b->scope.secret, sizeof(out->secret));
        out->join = b->scope.client != NULL;
        build_start(b);
    }
    placement_release(&plan);
    depot_arena_release(&arena);
    return rc;
}

static bool is_observed(const struct service *s, const char *build)
{
    for (size_t i = 0; i < s->env.nengines; i++)
        if (observer_has(s->observers[i], build))
            return true;
    return false;
}

int service_cancel(struct service *s, const char *build, struct depot_error *err)
{
    struct build *b = depot_map_get(s->env.builds, build);
    if (b != NULL) {
        build_cancel(b, "cancelled");
        return 0;
    }
    if (is_observed(s, build)) {
        depot_error_set(err, DEPOT_ERR_UNSUPPORTED,
            "build %s was started by another client on the same engine", build);
        return depot_error_hint(err, "only the client that started it can cancel it");
    }
    if (store_build_exists(s->env.store, build))
        return depot_error_set(err, DEPOT_ERR_INVALID, "build %s is over already", build);
    return depot_error_set(err, DEPOT_ERR_NOT_FOUND, "there is no build %.64s", build);
}

static void client_gone(struct service *s, const char *build)
{
    struct build *b = depot_map_get(s->env.builds, build);
    if (b != NULL)
        build_client_gone(b);
}

void service_cancel_all(struct service *s, const char *why)
{
    size_t n = depot_map_len(s->env.builds), pos = 0, i = 0;
    struct build **all = depot_calloc(n + 1, sizeof(struct build *));
    const char *id;
    void *value;
    while (i < n && depot_map_next(s->env.builds, &pos, &id, &value))
        all[i++] = value;
    /* A build that ends at once stays in memory until the turn is over. */
    for (size_t k = 0; k < i; k++)
        build_cancel(all[k], why);
    depot_free(all);
}

size_t service_builds(const struct service *s)
{
    return depot_map_len(s->env.builds);
}

bool service_idle(const struct service *s)
{
    for (size_t i = 0; i < s->env.nengines; i++)
        if (observer_watching(s->observers[i]) > 0)
            return false;
    return depot_map_len(s->env.builds) == 0;
}

int service_cache(struct service *s, const struct depot_query *q, cache_ask_fn *fn, void *arg,
    struct cache_ask **out, struct depot_error *err)
{
    if (q->ask == DEPOT_QUERY_PROVENANCE &&
        records_check(&s->env.records, q->ref, q->session, err) != 0)
        return err->code;
    if (q->ask == DEPOT_QUERY_PRUNE)
        metrics_cache_changed(s->metrics);
    if (depot_str_empty(q->builder)) {
        *out = cache_ask_new(s->env.loop, s->env.engines, s->env.nengines, q, fn, arg);
        return 0;
    }
    for (size_t i = 0; i < s->env.nengines; i++) {
        if (!depot_str_eq(engine_name(s->env.engines[i]), q->builder))
            continue;
        *out = cache_ask_new(s->env.loop, &s->env.engines[i], 1, q, fn, arg);
        return 0;
    }
    depot_error_set(err, DEPOT_ERR_NOT_FOUND, "there is no builder %.64s", q->builder);
    return depot_error_hint(err, "`depot list builders` names them");
}

/* ---- sessions ---- */
static int session_allowed(
    struct service *s, const char *build, const char *secret, struct depot_error *err)
{
    const struct build *b = depot_map_get(s->env.builds, build);
    if (b != NULL && build_secret_is(b->scope.secret, secret))
        return 0;
    if (b != NULL)
        depot_log_warn("build %s: a session without the secret of its creator was refused", build);
    depot_error_set(err, DEPOT_ERR_NOT_FOUND, "no running build %.40s of yours", build);
    if (secret == NULL)
        depot_error_hint(err, "upgrade depot: sessions show what the answer to the create told");
    return err != NULL ? (int)err->code : DEPOT_ERR_NOT_FOUND;
}

int service_session(struct service *s, const char *build, const char *builder, const char *platform,
    const struct relay_ops *ops, void *arg, struct relay **out, struct depot_error *err)
{
    struct build *b = depot_map_get(s->env.builds, build);
    struct part *p = b != NULL ? build_part(b, builder, platform) : NULL;
    struct client *c = b != NULL && depot_str_eq(builder, CLIENT_SESSION) ? b->scope.client : NULL;
    if (c != NULL)
        return client_open_session(c, ops, arg, out, err);
    if (p != NULL)
        return part_open_session(p, ops, arg, out, err);
    return depot_error_set(
        err, DEPOT_ERR_NOT_FOUND, "no running build %.40s on builder %.80s", build, builder);
}

/* ---- making and unmaking ---- */
int service_add_builder(
    struct service *s, const struct engine_config *builder, struct depot_error *err)
{
    size_t n = s->env.nengines + 1;
    struct engine *e;
    int rc = engine_new(s->env.loop, builder, &engine_callbacks, s, &e, err);
    if (rc != 0)
        return rc;
    s->env.engines = depot_realloc(s->env.engines, n * sizeof(struct engine *));
    s->observers = depot_realloc(s->observers, n * sizeof(struct observer *));
    s->view = depot_realloc(s->view, n * sizeof(*s->view));
    s->env.engines[n - 1] = e;
    s->observers[n - 1] = observer_new(s->env.loop, s->env.store, e);
    metrics_add(s->metrics, e);
    s->env.nengines = n;
    return 0;
}

int service_new(struct depot_loop *l, struct store *store, struct hub *hub,
    const struct engine_config *builders, size_t n, struct service **out, struct depot_error *err)
{
    struct service *s = depot_calloc(1, sizeof(*s));
    s->env.loop = l;
    s->env.store = store;
    s->env.hub = hub;
    s->env.builds = depot_map_new();
    s->env.steps = steps_index_new();
    s->ready_timer = depot_timer_new(l, on_ready_timer, s);
    s->metrics = metrics_new(l, on_changed, s);
    hub_set_source(hub, &hub_source, s);
    TAILQ_INIT(&s->env.relays);
    for (size_t i = 0; i < n; i++) {
        int rc = service_add_builder(s, &builders[i], err);
        if (rc != 0) {
            service_free(s);
            return rc;
        }
    }
    *out = s;
    return 0;
}

static void abort_all(struct service *s)
{
    size_t pos;
    const char *id;
    void *b;
    /* Each ends its build and so takes it out of the map. */
    while (pos = 0, depot_map_next(s->env.builds, &pos, &id, &b))
        build_abort(b);
}

void service_free(struct service *s)
{
    if (s == NULL)
        return;
    hub_set_source(s->env.hub, NULL, NULL);
    metrics_free(s->metrics);
    s->metrics = NULL;
    abort_all(s);
    for (struct relay *r; (r = TAILQ_FIRST(&s->env.relays)) != NULL;)
        relay_detach(r);
    for (size_t i = 0; i < s->env.nengines; i++) {
        observer_free(s->observers[i]);
        engine_free(s->env.engines[i]);
    }
    depot_timer_free(s->ready_timer);
    depot_map_free(s->env.builds);
    steps_index_free(s->env.steps);
    depot_free(s->env.engines);
    depot_free(s->observers);
    depot_free(s->view);
    depot_free(s->tried);
    depot_free(s);
}

const struct service_api service_api = {
    .create = service_create,
    .cancel = service_cancel,
    .client_gone = client_gone,
    .builders = service_builders,
    .builds_wanted = builds_wanted,
    .cache = service_cache,
    .cache_free = cache_ask_free,
    .session_allowed = session_allowed,
    .session = service_session,
    .session_write = relay_write,
    .session_queued = relay_queued,
    .session_text = relay_text,
    .session_free = relay_free,
};
