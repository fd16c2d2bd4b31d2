/*
 * The service: its engines, the builds that run, and what the server may ask of them.
 */
#include <depot/log.h>

#include <string.h>

#include "builder/engine/cache.h"
#include "builder/feed/hub.h"
#include "builder/build/redact.h"
#include "service_int.h"

#define DEPOT_LOG_MODULE "service"

enum { BUILDS_MAX = 1024 }; /* running and waiting at once */

/* ---- fleet events ---- */
static void publish(struct service *s, struct engine *e, enum depot_event_type type)
{
    struct depot_event ev = {.type = type, .time = depot_time_now()};
    engine_describe(e, &ev.u.builder);
    hub_publish(s->hub, &ev);
}

static void check_ready(struct service *s)
{
    for (size_t i = 0; i < s->nengines; i++)
        if (!engine_tried(s->engines[i]))
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
    for (size_t i = 0; i < s->nengines; i++)
        if (s->engines[i] == e)
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

static void on_audience(bool there, void *arg)
{
    struct service *s = arg;
    metrics_watch(s->metrics, there);
}

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
    s->registries = hosts;
    s->nregistries = nhosts;
}

/* ---- the log ---- */
void service_append(struct service *s, const char *build, struct depot_event *ev)
{
    struct depot_error err = {0};
    struct depot_arena arena = {0};
    ev->build = build;
    redact_event(ev, &arena);
    if (store_append(s->store, build, ev, &err) != 0)
        depot_log_error("build %s: %s is lost: %s", build, depot_event_name(ev->type), err.msg);
    depot_arena_release(&arena);
}

void service_new_id(struct service *s, char id[SERVICE_ID_LEN + 1])
{
    do {
        depot_random_id(id, SERVICE_ID_LEN);
    } while (id[0] < 'a' || id[0] > 'z' || store_build_exists(s->store, id));
}

/* ---- what the server asks ---- */
static int no_builder(const struct service *s, struct depot_error *err)
{
    depot_error_set(err, DEPOT_ERR_UNAVAILABLE, "no builder: no BuildKit was found%s%s",
        depot_str_empty(s->tried) ? "" : "; looked at ", s->tried != NULL ? s->tried : "");
    return depot_error_hint(err, "start BuildKit (buildkitd, or a Docker Engine) and try again, "
                                 "or name one with depotd --builder NAME=ADDRESS");
}

static int check_room(const struct service *s, const struct plan *plan, struct depot_error *err)
{
    if (depot_map_len(s->builds) >= BUILDS_MAX)
        return depot_error_set(
            err, DEPOT_ERR_EXHAUSTED, "%d builds are running or waiting already", BUILDS_MAX);
    for (size_t i = 0; i < plan->nparts; i++) {
        const struct engine *e = s->engines[plan->parts[i].engine];
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
    *n = s->nengines;
    for (size_t i = 0; i < s->nengines && !depot_str_empty(name); i++)
        if (depot_str_eq(engine_name(s->engines[i]), name)) {
            *first = i;
            *n = 1;
        }
}

static int make_plan(
    struct service *s, const struct request *req, struct plan *plan, struct depot_error *err)
{
    size_t first, n;
    if (s->nengines == 0)
        return no_builder(s, err);
    candidates(s, req->builder, &first, &n);
    struct plan_engine *view = depot_calloc(n, sizeof(*view));
    for (size_t i = 0; i < n; i++)
        engine_plan_view(s->engines[first + i], &view[i]);
    unsigned *groups = depot_calloc(req->platforms.len + 1, sizeof(*groups));
    for (size_t i = 0; i < req->platforms.len; i++)
        groups[i] = request_exports_of(req, req->platforms.items[i]);
    int rc = req->call != NULL
                 ? plan_any(view, n, &req->platforms, plan, err)
                 : plan_make(view, n, &req->platforms, groups, request_single(req), plan, err);
    depot_free(groups);
    for (size_t i = 0; rc == 0 && i < plan->nparts; i++)
        plan->parts[i].engine += first;
    depot_free(view);
    return rc;
}

int service_create(struct service *s, const char *json, size_t n, const char *user,
    struct service_created *out, struct depot_error *err)
{
    struct request req = {0};
    struct plan plan = {0};
    int rc = request_parse(json, n, &req, err);
    if (rc == 0)
        rc = make_plan(s, &req, &plan, err);
    if (rc == 0)
        rc = check_room(s, &plan, err);
    if (rc == 0) {
        struct build *b = build_new(s, &req, user, &plan);
        memcpy(out->id, b->id, sizeof(out->id));
        memcpy(out->secret, b->secret, sizeof(out->secret));
        out->join = b->client != NULL;
        build_start(b);
    }
    plan_release(&plan);
    request_release(&req);
    return rc;
}

static bool is_observed(const struct service *s, const char *build)
{
    for (size_t i = 0; i < s->nengines; i++)
        if (observer_has(s->observers[i], build))
            return true;
    return false;
}

int service_cancel(struct service *s, const char *build, struct depot_error *err)
{
    struct build *b = depot_map_get(s->builds, build);
    if (b != NULL) {
        build_cancel(b, "cancelled");
        return 0;
    }
    if (is_observed(s, build)) {
        depot_error_set(err, DEPOT_ERR_UNSUPPORTED,
            "build %s was started by another client on the same engine", build);
        return depot_error_hint(err, "only the client that started it can cancel it");
    }
    if (store_build_exists(s->store, build))
        return depot_error_set(err, DEPOT_ERR_INVALID, "build %s is over already", build);
    return depot_error_set(err, DEPOT_ERR_NOT_FOUND, "there is no build %.64s", build);
}

void service_client_gone(struct service *s, const char *build)
{
    struct build *b = depot_map_get(s->builds, build);
    if (b != NULL)
        build_client_gone(b);
}

void service_cancel_all(struct service *s, const char *why)
{
    size_t n = depot_map_len(s->builds), pos = 0, i = 0;
    struct build **all = depot_calloc(n + 1, sizeof(struct build *));
    const char *id;
    void *value;
    while (i < n && depot_map_next(s->builds, &pos, &id, &value))
        all[i++] = value;
    /* A build that ends at once stays in memory until the turn is over. */
    for (size_t k = 0; k < i; k++)
        build_cancel(all[k], why);
    depot_free(all);
}

size_t service_builds(const struct service *s)
{
    return depot_map_len(s->builds);
}

bool service_idle(const struct service *s)
{
    for (size_t i = 0; i < s->nengines; i++)
        if (observer_watching(s->observers[i]) > 0)
            return false;
    return depot_map_len(s->builds) == 0;
}

const struct depot_ev_builder *service_builders(struct service *s, size_t *n)
{
    for (size_t i = 0; i < s->nengines; i++)
        engine_describe(s->engines[i], &s->view[i]);
    *n = s->nengines;
    return s->view;
}

int service_cache(struct service *s, const struct depot_question *q, cache_ask_fn *fn, void *arg,
    struct cache_ask **out, struct depot_error *err)
{
    if (q->ask == DEPOT_ASK_PROVENANCE && records_check(&s->records, q->ref, q->session, err) != 0)
        return err->code;
    if (q->ask == DEPOT_ASK_PRUNE)
        metrics_cache_changed(s->metrics);
    if (depot_str_empty(q->builder)) {
        *out = cache_ask_new(s->loop, s->engines, s->nengines, q, fn, arg);
        return 0;
    }
    for (size_t i = 0; i < s->nengines; i++) {
        if (!depot_str_eq(engine_name(s->engines[i]), q->builder))
            continue;
        *out = cache_ask_new(s->loop, &s->engines[i], 1, q, fn, arg);
        return 0;
    }
    depot_error_set(err, DEPOT_ERR_NOT_FOUND, "there is no builder %.64s", q->builder);
    return depot_error_hint(err, "`depot list builders` names them");
}

/* ---- making and unmaking ---- */
int service_add_builder(
    struct service *s, const struct service_builder_config *builder, struct depot_error *err)
{
    size_t n = s->nengines + 1;
    struct engine *e;
    int rc = engine_new(s->loop, builder, &engine_callbacks, s, &e, err);
    if (rc != 0)
        return rc;
    s->engines = depot_realloc(s->engines, n * sizeof(struct engine *));
    s->observers = depot_realloc(s->observers, n * sizeof(struct observer *));
    s->view = depot_realloc(s->view, n * sizeof(*s->view));
    s->engines[n - 1] = e;
    s->observers[n - 1] = observer_new(s, e);
    metrics_add(s->metrics, e);
    s->nengines = n;
    return 0;
}

int service_new(struct depot_loop *l, struct store *store, struct hub *hub,
    const struct service_builder_config *builders, size_t n, struct service **out,
    struct depot_error *err)
{
    struct service *s = depot_calloc(1, sizeof(*s));
    s->loop = l;
    s->store = store;
    s->hub = hub;
    s->builds = depot_map_new();
    s->ready_timer = depot_timer_new(l, on_ready_timer, s);
    s->metrics = metrics_new(l, on_changed, s);
    hub_on_audience(hub, on_audience, s);
    TAILQ_INIT(&s->relays);
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
    while (pos = 0, depot_map_next(s->builds, &pos, &id, &b))
        build_abort(b);
}

void service_free(struct service *s)
{
    if (s == NULL)
        return;
    hub_on_audience(s->hub, NULL, NULL);
    metrics_free(s->metrics);
    s->metrics = NULL;
    abort_all(s);
    for (struct relay *r; (r = TAILQ_FIRST(&s->relays)) != NULL;)
        relay_detach(r);
    for (size_t i = 0; i < s->nengines; i++) {
        observer_free(s->observers[i]);
        engine_free(s->engines[i]);
    }
    depot_timer_free(s->ready_timer);
    depot_map_free(s->builds);
    depot_free(s->engines);
    depot_free(s->observers);
    depot_free(s->view);
    depot_free(s->tried);
    depot_free(s);
}
