/*
 * A timer over the engines. What a number means is in machine.c; who hears of it is the service's
 * matter.
 */
#include "metrics.h"

#include <string.h>

#include "cache.h"
#include "machine.h"

struct subject {
    struct engine *engine;
    bool local;                 /* runs on this machine */
    char dir[MACHINE_PATH_MAX]; /* where it keeps its data; "" when not local */
    uint64_t found_ms;          /* when that was looked up; 0: not yet */
    struct engine_measure measure;
};

struct metrics {
    struct depot_loop *loop;
    void (*measured)(struct engine *e, void *arg);
    void *arg;
    struct depot_timer *timer;
    bool on;
    struct machine machine;
    DEPOT_VEC(struct subject) subjects;
    struct cache_ask *ask; /* under way; NULL: none */
    uint64_t asked_ms;     /* 0: ask at the next turn */
};

static void locate(struct metrics *m, struct subject *s, uint64_t now)
{
    const char *path = engine_unix_path(s->engine);
    /* Now and then anew: another process may listen there by now. */
    if (s->found_ms != 0 && now - s->found_ms < METRICS_CACHE_MS)
        return;
    s->found_ms = now;
    s->local = path != NULL && machine_engine_dir(&m->machine, path, s->dir);
    if (!s->local)
        s->dir[0] = '\0';
}

static void measure(struct metrics *m, struct subject *s, double cpu)
{
    struct engine_measure *to = &s->measure;
    int64_t used = -1, total = -1;
    to->cpu = s->local ? cpu : -1;
    if (!s->local || !machine_memory(&m->machine, &used, &total))
        used = total = -1;
    to->mem_used = used;
    to->mem_total = total;
    if (!s->local || !machine_disk(s->dir, &used, &total))
        used = total = -1;
    to->disk_used = used;
    to->disk_total = total;
    engine_set_measure(s->engine, to);
}

/* The answer's builders are those of the list that was asked; a new one may have come since. */
static void on_cache(struct cache_ask *ask, const struct depot_response *a, void *arg)
{
    struct metrics *m = arg;
    for (size_t i = 0; i < a->u.cache.nbuilders; i++) {
        const struct depot_cache_use *use = &a->u.cache.builders[i];
        if (use->error != NULL || i >= m->subjects.len)
            continue;
        m->subjects.items[i].measure.cache_used = use->bytes;
        engine_set_measure(m->subjects.items[i].engine, &m->subjects.items[i].measure);
    }
    cache_ask_free(ask);
    m->ask = NULL;
}

static void ask_caches(struct metrics *m, uint64_t now)
{
    struct depot_query q = {.ask = DEPOT_QUERY_CACHE};
    if (m->ask != NULL || (m->asked_ms != 0 && now - m->asked_ms < METRICS_CACHE_MS))
        return;
    m->asked_ms = now;
    struct engine **engines = depot_calloc(m->subjects.len + 1, sizeof(struct engine *));
    for (size_t i = 0; i < m->subjects.len; i++)
        engines[i] = m->subjects.items[i].engine;
    m->ask = cache_ask_new(m->loop, engines, m->subjects.len, &q, on_cache, m);
    depot_free(engines);
}

static void on_timer(struct depot_timer *t, void *arg)
{
    struct metrics *m = arg;
    uint64_t now = depot_loop_now_ms(m->loop);
    double cpu = machine_cpu(&m->machine);
    DEPOT_UNUSED(t);
    ask_caches(m, now);
    for (size_t i = 0; i < m->subjects.len; i++) {
        struct subject *s = &m->subjects.items[i];
        if (!engine_is_up(s->engine))
            continue;
        locate(m, s, now);
        measure(m, s, cpu);
        m->measured(s->engine, m->arg);
    }
}

void metrics_watch(struct metrics *m, bool on)
{
    if (m->on == on)
        return;
    m->on = on;
    if (!on) {
        depot_timer_stop(m->timer);
        cache_ask_free(m->ask);
        m->ask = NULL;
        /* Old numbers are worse than none. */
        for (size_t i = 0; i < m->subjects.len; i++)
            engine_set_measure(m->subjects.items[i].engine, &engine_unmeasured);
        return;
    }
    m->machine.busy = m->machine.total = 0;
    (void)machine_cpu(&m->machine);
    depot_timer_start(m->timer, METRICS_FIRST_MS, METRICS_MS);
}

void metrics_cache_changed(struct metrics *m)
{
    m->asked_ms = 0;
}

struct metrics *metrics_new(
    struct depot_loop *l, void (*measured)(struct engine *e, void *arg), void *arg)
{
    struct metrics *m = depot_calloc(1, sizeof(*m));
    m->loop = l;
    m->measured = measured;
    m->arg = arg;
    m->machine.proc = "/proc";
    m->timer = depot_timer_new(l, on_timer, m);
    return m;
}

void metrics_add(struct metrics *m, struct engine *e)
{
    struct subject s = {.engine = e, .measure = engine_unmeasured};
    depot_vec_push(&m->subjects, s);
}

void metrics_free(struct metrics *m)
{
    if (m == NULL)
        return;
    cache_ask_free(m->ask);
    depot_timer_free(m->timer);
    depot_vec_free(&m->subjects);
    depot_free(m);
}
