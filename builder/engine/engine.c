/*
 * One BuildKit engine: probing with back-off, and the line of builds before it. Does not run
 * builds.
 */
#include "engine.h"

#include <depot/docker.h>
#include <depot/log.h>

#include <stdio.h>
#include <string.h>

#define DEPOT_LOG_MODULE "engine"

enum {
    RETRY_FIRST_MS = 250,
    RETRY_MAX_MS = 10 * 1000,
    PROBE_TIMEOUT_MS = 15 * 1000,
    /* Engines without history have no stream whose end would tell that they are gone. */
    CHECK_MS = 30 * 1000,
    PLATFORMS_MAX = 64, /* an engine lists; more are not looked at */
    REASON_MAX = 512,
};

TAILQ_HEAD(slots, engine_slot);

struct engine {
    struct depot_loop *loop;
    struct engine_config config;
    const struct engine_ops *ops;
    void *arg;
    const struct engine_driver *driver;
    struct depot_bk *bk;
    struct depot_bk_call *probe; /* under way; NULL: none */
    struct depot_timer *timer;   /* next probe, or the end of patience with this one */
    uint64_t backoff_ms;
    bool up, tried;
    char reason[REASON_MAX]; /* why it is down */
    /* what it said last */
    struct depot_strv platforms;
    char *engine, *version;
    char *host_gateway; /* NULL: it does not tell */
    unsigned caps;
    bool emulated;
    bool no_gateway; /* of this version of it */
    int64_t cache_limit;
    struct engine_measure measure;
    /* the line */
    struct slots waiting;
    int running, queued, observed;
    struct depot_timer *pump;
};

/* ---- probing ---- */
static void probe_start(struct engine *e);

static void remember(struct engine *e, const struct depot_bk_info *info)
{
    e->no_gateway = e->no_gateway && depot_str_eq(e->version, info->version);
    depot_strv_release(&e->platforms);
    for (size_t i = 0; i < info->nplatforms && i < PLATFORMS_MAX; i++) {
        char name[DEPOT_PLATFORM_MAX];
        if (depot_platform_parse(info->platforms[i], name, NULL) == 0 &&
            !depot_strv_has(&e->platforms, name))
            depot_strv_push(&e->platforms, name);
    }
    depot_free(e->engine);
    e->engine = depot_strdup(info->engine);
    depot_free(e->version);
    e->version = depot_strdup(info->version);
    depot_free(e->host_gateway);
    e->host_gateway = depot_strdup(info->host_gateway);
    e->caps = info->caps;
    e->cache_limit = info->cache_limit > 0 ? info->cache_limit : -1;
    e->emulated = false;
    if (e->config.addr.kind == DEPOT_ADDR_UNIX && e->platforms.len > 0) {
        char host[DEPOT_PLATFORM_MAX];
        depot_platform_host(host);
        e->emulated = !depot_platform_runs_on(e->platforms.items[0], host);
    }
}

static void schedule_pump(struct engine *e)
{
    depot_timer_start(e->pump, 0, 0);
}

static void went_up(struct engine *e)
{
    bool was_up = e->up;
    e->up = e->tried = true;
    e->reason[0] = '\0';
    e->backoff_ms = 0;
    if (e->caps & DEPOT_BK_CAP_HISTORY)
        depot_timer_stop(e->timer);
    else
        depot_timer_start(e->timer, CHECK_MS, 0);
    schedule_pump(e);
    if (was_up)
        return;
    depot_log_info("builder %s is up: %s %s at %s, %s%s", e->config.name, e->engine, e->version,
        e->config.addr.text, e->platforms.items[0], e->emulated ? " (emulated)" : "");
    e->ops->up(e, e->arg);
}

static void went_down(struct engine *e, const struct depot_error *err)
{
    bool news = e->up || !e->tried;
    e->up = false;
    e->tried = true;
    snprintf(e->reason, sizeof(e->reason), "%.*s", REASON_MAX - 1, err->msg);
    e->backoff_ms = e->backoff_ms == 0 ? RETRY_FIRST_MS : e->backoff_ms * 2;
    if (e->backoff_ms > RETRY_MAX_MS)
        e->backoff_ms = RETRY_MAX_MS;
    depot_timer_start(e->timer, e->backoff_ms, 0);
    if (!news)
        return;
    depot_log_warn("builder %s is down: %s", e->config.name, err->msg);
    e->ops->down(e, e->arg);
}

static void on_probe(struct depot_bk_call *c, const struct depot_bk_info *info,
    const struct depot_error *err, void *arg)
{
    struct engine *e = arg;
    struct depot_error none = {0};
    DEPOT_UNUSED(c);
    engine_call_free(e, e->probe);
    e->probe = NULL;
    if (info == NULL) {
        went_down(e, err);
        return;
    }
    remember(e, info);
    if (e->platforms.len > 0) {
        went_up(e);
        return;
    }
    depot_error_set(&none, DEPOT_ERR_UNAVAILABLE, "the engine lists no platforms");
    went_down(e, &none);
}

static void on_timer(struct depot_timer *t, void *arg)
{
    struct engine *e = arg;
    DEPOT_UNUSED(t);
    if (e->probe == NULL) {
        probe_start(e);
        return;
    }
    struct depot_error err = {0};
    engine_call_free(e, e->probe);
    e->probe = NULL;
    depot_error_set(&err, DEPOT_ERR_TIMEOUT, "no answer within %d s", PROBE_TIMEOUT_MS / 1000);
    went_down(e, &err);
}

static void probe_start(struct engine *e)
{
    struct depot_error err = {0};
    if (e->driver->probe(e->bk, on_probe, e, &e->probe, &err) != 0) {
        e->probe = NULL;
        went_down(e, &err);
        return;
    }
    depot_timer_start(e->timer, PROBE_TIMEOUT_MS, 0);
}

void engine_suspect(struct engine *e)
{
    if (e->probe == NULL && e->up)
        depot_timer_start(e->timer, 0, 0);
}

/* ---- the line ---- */
static int capacity(const struct engine *e)
{
    return e->config.capacity > 0 ? e->config.capacity : ENGINE_CAPACITY;
}

static void renumber(struct engine *e)
{
    int position = 0;
    struct engine_slot *s, *next;
    for (s = TAILQ_FIRST(&e->waiting); s != NULL; s = next) {
        next = TAILQ_NEXT(s, entry);
        if (s->position == ++position)
            continue;
        s->position = position;
        s->moved(s);
    }
}

static void on_pump(struct depot_timer *t, void *arg)
{
    struct engine *e = arg;
    struct engine_slot *s;
    DEPOT_UNUSED(t);
    while (e->up && e->running < capacity(e) && (s = TAILQ_FIRST(&e->waiting)) != NULL) {
        TAILQ_REMOVE(&e->waiting, s, entry);
        e->queued--;
        e->running++;
        s->running = true;
        s->ready(s);
    }
    renumber(e);
    e->ops->changed(e, e->arg);
}

bool engine_full(const struct engine *e)
{
    return e->queued >= ENGINE_QUEUE_MAX;
}

bool engine_enter(struct engine *e, struct engine_slot *s)
{
    s->engine = e;
    s->running = e->up && e->queued == 0 && e->running < capacity(e);
    if (s->running) {
        e->running++;
        s->position = 0;
    } else {
        TAILQ_INSERT_TAIL(&e->waiting, s, entry);
        s->position = ++e->queued;
    }
    schedule_pump(e);
    return s->running;
}

void engine_leave(struct engine_slot *s)
{
    struct engine *e = s->engine;
    if (e == NULL)
        return;
    if (s->running) {
        e->running--;
    } else {
        TAILQ_REMOVE(&e->waiting, s, entry);
        e->queued--;
    }
    s->engine = NULL;
    s->running = false;
    schedule_pump(e);
}

void engine_observed(struct engine *e, int delta)
{
    e->observed += delta;
    schedule_pump(e);
}

/* ---- what others may know ---- */
const char *engine_name(const struct engine *e)
{
    return e->config.name;
}

struct depot_bk *engine_bk(struct engine *e)
{
    return e->bk;
}

const struct engine_driver *engine_driver(const struct engine *e)
{
    return e->driver;
}

bool engine_has_gateway(const struct engine *e)
{
    return !e->no_gateway;
}

void engine_lacks_gateway(struct engine *e)
{
    e->no_gateway = true;
}

void engine_call_free(struct engine *e, struct depot_bk_call *c)
{
    if (c != NULL)
        e->driver->call_free(c);
}

bool engine_is_up(const struct engine *e)
{
    return e->up;
}

bool engine_tried(const struct engine *e)
{
    return e->tried;
}

unsigned engine_caps(const struct engine *e)
{
    return e->caps;
}

const char *engine_host_gateway(const struct engine *e)
{
    return e->host_gateway;
}

bool engine_is_docker(const struct engine *e)
{
    return depot_str_eq(e->engine, "docker");
}

void engine_docker_host(const struct engine *e, struct depot_docker_host *out)
{
    *out = (struct depot_docker_host){0};
    depot_addr_copy(&out->addr, &e->config.addr);
    depot_tls_copy(&out->tls, &e->config.tls);
}

const char *engine_native(const struct engine *e)
{
    return e->platforms.len > 0 ? e->platforms.items[0] : NULL;
}

void engine_describe(const struct engine *e, struct depot_ev_builder *out)
{
    *out = (struct depot_ev_builder){
        .builder = e->config.name,
        .address = e->config.addr.text,
        .platforms = (const char **)e->platforms.items,
        .nplatforms = e->platforms.len,
        .emulated = e->emulated,
        .engine = e->engine,
        .version = e->version,
        .reason = e->up ? NULL : e->reason,
        .up = e->up,
        .running = e->running + e->observed,
        .queued = e->queued,
        .capacity = capacity(e),
        .cpu = e->measure.cpu,
        .mem_used = e->measure.mem_used,
        .mem_total = e->measure.mem_total,
        .disk_used = e->measure.disk_used,
        .disk_total = e->measure.disk_total,
        .cache_used = e->measure.cache_used,
        .cache_limit = e->cache_limit,
    };
}

const struct engine_measure engine_unmeasured = {.cpu = -1,
    .mem_used = -1,
    .mem_total = -1,
    .disk_used = -1,
    .disk_total = -1,
    .cache_used = -1};

void engine_set_measure(struct engine *e, const struct engine_measure *m)
{
    e->measure = *m;
}

const char *engine_unix_path(const struct engine *e)
{
    return e->config.addr.kind == DEPOT_ADDR_UNIX ? e->config.addr.path : NULL;
}

void engine_placement_view(const struct engine *e, struct placement_engine *out)
{
    *out = (struct placement_engine){
        .name = e->config.name,
        .platforms = (const char *const *)e->platforms.items,
        .nplatforms = e->platforms.len,
        .emulated = e->emulated,
        .up = e->up,
        .down_reason = e->tried ? e->reason : NULL,
        .load = e->running + e->queued + e->observed,
    };
}

void engine_config_release(struct engine_config *c)
{
    depot_free(c->name);
    depot_addr_release(&c->addr);
    depot_tls_release(&c->tls);
    *c = (struct engine_config){0};
}

int engine_new(struct depot_loop *l, const struct engine_config *config,
    const struct engine_ops *ops, void *arg, struct engine **out, struct depot_error *err)
{
    struct depot_bk *bk;
    const struct engine_driver *driver = config->driver != NULL ? config->driver : &engine_buildkit;
    int rc = driver->open(l, &config->addr, &config->tls, &bk, err);
    if (rc != 0) {
        depot_error_prefix(err, "builder %s", config->name);
        return rc;
    }
    struct engine *e = depot_calloc(1, sizeof(*e));
    e->loop = l;
    e->ops = ops;
    e->arg = arg;
    e->driver = driver;
    e->bk = bk;
    e->config.name = depot_strdup(config->name);
    e->config.capacity = config->capacity;
    depot_addr_copy(&e->config.addr, &config->addr);
    depot_tls_copy(&e->config.tls, &config->tls);
    e->cache_limit = -1;
    e->measure = engine_unmeasured;
    TAILQ_INIT(&e->waiting);
    e->timer = depot_timer_new(l, on_timer, e);
    e->pump = depot_timer_new(l, on_pump, e);
    depot_timer_start(e->timer, 0, 0);
    *out = e;
    return 0;
}

void engine_free(struct engine *e)
{
    if (e == NULL)
        return;
    engine_call_free(e, e->probe);
    depot_timer_free(e->timer);
    depot_timer_free(e->pump);
    e->driver->close(e->bk);
    engine_config_release(&e->config);
    depot_strv_release(&e->platforms);
    depot_free(e->engine);
    depot_free(e->host_gateway);
    depot_free(e->version);
    depot_free(e);
}
