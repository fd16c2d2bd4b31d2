/*
 * Copies of what events say of builders and builds: events go, rows stay.
 */
#include "fleet_priv.h"

#include <string.h>

static const char **copy_list(struct depot_arena *a, const char **list, size_t n)
{
    const char **out = depot_arena_alloc(a, (n + 1) * sizeof(*out));
    for (size_t i = 0; i < n; i++)
        out[i] = depot_arena_strdup(a, list[i]);
    return out;
}

/* `n` when it is set, else `old`. */
static const char *pick(struct depot_arena *a, const char *n, const char *old)
{
    return depot_arena_strdup(a, n != NULL ? n : old);
}

static void pick_bytes(int64_t *to, int64_t n)
{
    if (n >= 0)
        *to = n;
}

static void set_label(struct fleet_builder *b, bool alone)
{
    depot_free(b->label);
    b->label = alone ? depot_strdup(b->name) : depot_asprintf("%s@%s", b->name, b->source->name);
}

/* Two daemons may have builders of the same name. */
static void label_builder(struct fleet *f, struct fleet_builder *b)
{
    bool alone = true;
    for (size_t i = 0; i < f->builders.len; i++) {
        struct fleet_builder *o = f->builders.items[i];
        if (o == b || !depot_str_eq(o->name, b->name))
            continue;
        set_label(o, false);
        alone = false;
    }
    set_label(b, alone);
}

static struct fleet_builder *make_builder(struct fleet_source *s, const char *name)
{
    struct fleet_builder *b = depot_map_get(s->builders_, name);
    if (b == NULL) {
        b = depot_calloc(1, sizeof(*b));
        b->source = s;
        b->name = depot_strdup(name);
        depot_record_init(&depot_record_builder, &b->info);
        depot_map_set(s->builders_, name, b);
        depot_vec_push(&s->fleet->builders, b);
        label_builder(s->fleet, b);
    }
    return b;
}

static void take_metrics(struct fleet_builder *b, const struct depot_ev_builder *n)
{
    struct depot_ev_builder *to = &b->info;
    if (n->cpu >= 0) {
        to->cpu = n->cpu;
        b->cpu[b->ncpu++ % FLEET_METRICS] = (float)n->cpu;
    }
    pick_bytes(&to->mem_used, n->mem_used);
    pick_bytes(&to->mem_total, n->mem_total);
    pick_bytes(&to->disk_used, n->disk_used);
    pick_bytes(&to->disk_total, n->disk_total);
    pick_bytes(&to->cache_used, n->cache_used);
    pick_bytes(&to->cache_limit, n->cache_limit);
}

void dp_fleet_upsert_builder(struct fleet_source *s, const struct depot_ev_builder *info, bool up,
    depot_time time, bool metrics)
{
    if (depot_str_empty(info->builder))
        return;
    struct fleet_builder *b = make_builder(s, info->builder);
    struct depot_arena arena = {0};
    const struct depot_ev_builder old = b->info;
    struct depot_ev_builder *to = &b->info;
    to->builder = b->name;
    to->address = pick(&arena, info->address, old.address);
    to->engine = pick(&arena, info->engine, old.engine);
    to->version = pick(&arena, info->version, old.version);
    to->reason = up ? NULL : pick(&arena, info->reason, NULL);
    const bool news = info->nplatforms > 0;
    to->nplatforms = news ? info->nplatforms : old.nplatforms;
    to->platforms = copy_list(&arena, news ? info->platforms : old.platforms, to->nplatforms);
    if (!metrics || news)
        to->emulated = info->emulated;
    to->running = info->running;
    to->queued = info->queued;
    if (info->capacity > 0)
        to->capacity = info->capacity;
    take_metrics(b, info);
    depot_arena_release(&b->arena_);
    b->arena_ = arena;
    b->up = up;
    b->changed = time;
}

void dp_fleet_set_summary(struct fleet_build *b, const struct depot_build_summary *sum)
{
    struct depot_arena arena = {0};
    struct depot_build_summary to;
    depot_record_copy(&depot_record_summary, &to, sum, &arena);
    to.id = b->id;
    depot_failed_step_keep(&to.failed_step, &arena);
    depot_arena_release(&b->arena_);
    b->arena_ = arena;
    b->sum = to;
    b->source->fleet->generation++;
}

/* Another tool's stream has steps alone: when the build began, when it ended, and how, is told by
 * them.
 */
static void infer_summary(struct fleet_build *b)
{
    const struct depot_build *s = b->state;
    struct depot_build_summary *to = &b->sum;
    depot_time last = 0;
    bool failed = false;
    /* The start of a step that another build had begun goes before this one's. */
    if (s->created == 0 && s->began != 0 && (to->created == 0 || s->began < to->created))
        to->created = s->began;
    if (b->source->state != DEPOT_FEED_ENDED || depot_build_state_over(s->state))
        return;
    for (size_t i = 0; i < s->started.len; i++) {
        const struct depot_step *step = s->started.items[i];
        const depot_time stop = step->intervals.items[step->intervals.len - 1].stop;
        last = stop > last ? stop : last;
        failed |= step->outcome == DEPOT_OUTCOME_FAILED;
    }
    to->finished = last;
    to->state = failed               ? DEPOT_BUILD_FAILED
                : s->running.len > 0 ? DEPOT_BUILD_CANCELLED
                                     : DEPOT_BUILD_SUCCEEDED;
}

void dp_fleet_sync_summary(struct fleet_build *b)
{
    const struct depot_build *s = b->state;
    struct depot_build_summary *to = &b->sum;
    to->seq = s->seq;
    to->state = s->state;
    to->counts = s->counts;
    if (to->counts.total == 0 && depot_build_state_over(s->state))
        to->counts = s->finished_counts;
    if (s->has_info)
        to->info = s->info;
    to->created = s->created != 0 ? s->created : s->first;
    to->finished = s->finished;
    to->duration_ms = s->duration_ms;
    to->message = s->message;
    to->failed_step =
        to->counts.failed > 0 ? depot_build_failed_step(s) : (struct depot_failed_step){0};
    if (to->created == 0 || !b->source->drops_)
        infer_summary(b);
}
