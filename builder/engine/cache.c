/*
 * Questions to engines that take time: DiskUsage and Prune of several, with the sums and short
 * lists that answers are made of, and the provenance in one record.
 */
#include "cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    USAGE_MS = 60 * 1000, /* patience with an engine */
    PRUNE_MS = 30 * 60 * 1000,
    PROVENANCE_MAX = DEPOT_ANSWER_MAX / 4, /* quoted as JSON it is longer */
};

/* What one engine tells. */
struct target {
    struct cache_ask *ask;
    struct engine *engine;
    struct depot_bk_call *call; /* NULL: over */
    char *error;
    int64_t bytes, reclaimable;
    int records;
    DEPOT_VEC(struct depot_cache_type) types;
    DEPOT_VEC(struct depot_cache_record) kept;
    DEPOT_VEC(struct depot_provenance) provenance;
    size_t provenance_bytes;
};

struct cache_ask {
    struct depot_loop *loop;
    struct target *targets;
    size_t ntargets;
    size_t open; /* targets that are not over */
    enum depot_query_kind kind;
    struct depot_timer *timer; /* the answer, at once; before that, the end of patience */
    struct depot_arena arena;  /* of the records */
    cache_ask_fn *fn;
    void *arg;
};

/* ---- summing ---- */

static struct depot_cache_type *type_of(struct target *t, const char *name)
{
    for (size_t i = 0; i < t->types.len; i++)
        if (strcmp(t->types.items[i].type, name) == 0)
            return &t->types.items[i];
    if (t->types.len + 1 >= CACHE_TYPES_MAX && strcmp(name, "other") != 0)
        return type_of(t, "other");
    struct depot_cache_type *type = depot_vec_add(&t->types);
    type->type = depot_arena_strdup(&t->ask->arena, name);
    return type;
}

static void keep(struct target *t, const struct depot_bk_usage *u, const char *type)
{
    struct depot_arena *a = &t->ask->arena;
    const char *description = u->description != NULL ? u->description : "";
    if (t->kept.len >= CACHE_KEPT_MAX)
        return;
    struct depot_cache_record r = {
        .id = depot_arena_strdup(a, u->id != NULL ? u->id : ""),
        .description = depot_arena_strndup(a, description, strnlen(description, CACHE_DESCRIPTION)),
        .type = type,
        .bytes = u->size,
        .created = u->created,
        .last_used = u->last_used,
        .uses = u->usage_count,
        .in_use = u->in_use,
        .shared = u->is_shared,
        .is_mutable = u->is_mutable,
    };
    depot_vec_push(&t->kept, r);
}

static void add(int64_t *to, int64_t bytes)
{
    if (bytes > 0 && *to <= INT64_MAX - bytes)
        *to += bytes;
}

static void on_usage(struct depot_bk_call *c, const struct depot_bk_usage *u, void *arg)
{
    struct target *t = arg;
    DEPOT_UNUSED(c);
    add(&t->bytes, u->size);
    t->records++;
    if (t->ask->kind != DEPOT_QUERY_CACHE)
        return;
    struct depot_cache_type *type = type_of(t, depot_str_empty(u->type) ? "regular" : u->type);
    add(&type->bytes, u->size);
    type->records++;
    if (!u->in_use && !u->is_shared) {
        add(&t->reclaimable, u->size);
        add(&type->reclaimable, u->size);
    }
    keep(t, u, type->type);
}

/* ---- the answer ---- */

static int bigger_type(const void *a, const void *b)
{
    const struct depot_cache_type *x = a, *y = b;
    return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : strcmp(x->type, y->type);
}

static int bigger(const void *a, const void *b)
{
    const struct depot_cache_record *x = a, *y = b;
    return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : strcmp(x->id, y->id);
}

static depot_time touched(const struct depot_cache_record *r)
{
    return r->last_used != 0 ? r->last_used : r->created;
}

static int older(const void *a, const void *b)
{
    const struct depot_cache_record *x = a, *y = b;
    return touched(x) > touched(y) ? 1 : touched(x) < touched(y) ? -1 : bigger(a, b);
}

/* The biggest, then the oldest of the others, put among them in order of size. */
static void short_list(struct target *t, struct depot_arena *a, struct depot_cache_use *out)
{
    size_t n = t->kept.len, big = n < CACHE_LIST_EACH ? n : CACHE_LIST_EACH;
    size_t old = n - big < CACHE_LIST_EACH ? n - big : CACHE_LIST_EACH;
    if (n == 0)
        return;
    qsort(t->kept.items, n, sizeof(*t->kept.items), bigger);
    if (n > big)
        qsort(t->kept.items + big, n - big, sizeof(*t->kept.items), older);
    if (old > 0)
        qsort(t->kept.items + big, old, sizeof(*t->kept.items), bigger);
    out->nlist = big + old;
    out->list = depot_arena_alloc(a, out->nlist * sizeof(*out->list));
    memcpy(out->list, t->kept.items, out->nlist * sizeof(*out->list));
}

static void describe_use(struct target *t, struct depot_arena *a, struct depot_cache_use *out)
{
    struct depot_ev_builder b;
    engine_describe(t->engine, &b);
    *out = (struct depot_cache_use){
        .builder = b.builder,
        .error = t->error,
        .bytes = t->bytes,
        .reclaimable = t->reclaimable,
        .limit = b.cache_limit,
        .records = t->records,
    };
    if (t->types.len > 0)
        qsort(t->types.items, t->types.len, sizeof(*t->types.items), bigger_type);
    out->types = t->types.items;
    out->ntypes = t->types.len;
    short_list(t, a, out);
}

static void answer(struct cache_ask *q)
{
    struct depot_response a = {.ask = q->kind};
    size_t n = q->ntargets;
    if (q->kind == DEPOT_QUERY_PROVENANCE) {
        a.u.provenance.builder = engine_name(q->targets[0].engine);
        a.u.provenance.error = q->targets[0].error;
        a.u.provenance.list = q->targets[0].provenance.items;
        a.u.provenance.nlist = q->targets[0].provenance.len;
    } else if (q->kind == DEPOT_QUERY_CACHE) {
        a.u.cache.builders = depot_arena_alloc(&a.arena, (n + 1) * sizeof(*a.u.cache.builders));
        a.u.cache.nbuilders = n;
        for (size_t i = 0; i < n; i++)
            describe_use(&q->targets[i], &a.arena, &a.u.cache.builders[i]);
    } else {
        a.u.prune.builders = depot_arena_alloc(&a.arena, (n + 1) * sizeof(*a.u.prune.builders));
        a.u.prune.nbuilders = n;
        for (size_t i = 0; i < n; i++)
            a.u.prune.builders[i] = (struct depot_pruned){
                .builder = engine_name(q->targets[i].engine),
                .error = q->targets[i].error,
                .bytes = q->targets[i].bytes,
                .records = q->targets[i].records,
            };
    }
    /* It may free the ask, and with it the strings: nothing is read after this. */
    q->fn(q, &a, q->arg);
    depot_response_release(&a);
}

/* ---- asking ---- */

static void over(struct target *t, const struct depot_error *err)
{
    engine_call_free(t->engine, t->call);
    t->call = NULL;
    if (err != NULL)
        t->error = depot_strdup(err->msg[0] != '\0' ? err->msg : "the engine failed");
    if (--t->ask->open == 0)
        depot_timer_start(t->ask->timer, 0, 0);
}

static void on_done(struct depot_bk_call *c, const struct depot_error *err, void *arg)
{
    DEPOT_UNUSED(c);
    over(arg, err);
}

/* An answer holds all of them: what would make it too long for its reader is left out. */
static void on_provenance(struct depot_bk_call *c, const char *platform, const char *type,
    const char *text, size_t n, void *arg)
{
    struct target *t = arg;
    struct depot_arena *a = &t->ask->arena;
    DEPOT_UNUSED(c);
    if (n > PROVENANCE_MAX - t->provenance_bytes)
        return;
    t->provenance_bytes += n;
    struct depot_provenance p = {.platform = depot_arena_strdup(a, platform),
        .type = depot_arena_strdup(a, type),
        .predicate = depot_arena_strndup(a, text, n)};
    depot_vec_push(&t->provenance, p);
}

static const struct depot_bk_provenance_ops provenance_ops = {
    .found = on_provenance, .done = on_done};
static const struct depot_bk_usage_ops usage_ops = {.usage = on_usage, .done = on_done};

static void on_timer(struct depot_timer *timer, void *arg)
{
    struct cache_ask *q = arg;
    struct depot_error err = {0};
    DEPOT_UNUSED(timer);
    depot_error_set(&err, DEPOT_ERR_TIMEOUT, "the engine does not answer in time");
    for (size_t i = 0; i < q->ntargets; i++)
        if (q->targets[i].call != NULL)
            over(&q->targets[i], &err);
    depot_timer_stop(q->timer);
    answer(q);
}

static void ask(struct target *t, const struct depot_query *question)
{
    struct depot_error err = {0};
    struct depot_ev_builder b;
    int rc;
    if (!engine_is_up(t->engine)) {
        engine_describe(t->engine, &b);
        depot_error_set(&err, DEPOT_ERR_UNAVAILABLE, "it is down%s%s",
            depot_str_empty(b.reason) ? "" : ": ", b.reason != NULL ? b.reason : "");
        over(t, &err);
        return;
    }
    if (question->ask == DEPOT_QUERY_PROVENANCE)
        rc = engine_driver(t->engine)->provenance(
            engine_bk(t->engine), question->ref, &provenance_ops, t, &t->call, &err);
    else if (question->ask == DEPOT_QUERY_CACHE)
        rc = engine_driver(t->engine)->disk_usage(
            engine_bk(t->engine), &usage_ops, t, &t->call, &err);
    else
        rc = engine_driver(t->engine)->prune(engine_bk(t->engine), question->all,
            question->keep_bytes, question->keep_hours * 3600 * DEPOT_SEC, &usage_ops, t, &t->call,
            &err);
    if (rc != 0) {
        t->call = NULL;
        over(t, &err);
    }
}

struct cache_ask *cache_ask_new(struct depot_loop *l, struct engine *const *engines, size_t n,
    const struct depot_query *question, cache_ask_fn *fn, void *arg)
{
    struct cache_ask *q = depot_calloc(1, sizeof(*q));
    q->loop = l;
    q->kind = question->ask;
    q->fn = fn;
    q->arg = arg;
    q->targets = depot_calloc(n + 1, sizeof(*q->targets));
    q->ntargets = n;
    q->timer = depot_timer_new(l, on_timer, q);
    depot_timer_start(q->timer, question->ask == DEPOT_QUERY_PRUNE ? PRUNE_MS : USAGE_MS, 0);
    q->open = n + 1; /* one for ourselves: not over before all are asked */
    for (size_t i = 0; i < n; i++) {
        q->targets[i].ask = q;
        q->targets[i].engine = engines[i];
        ask(&q->targets[i], question);
    }
    if (--q->open == 0)
        depot_timer_start(q->timer, 0, 0);
    return q;
}

void cache_ask_free(struct cache_ask *q)
{
    if (q == NULL)
        return;
    for (size_t i = 0; i < q->ntargets; i++) {
        struct target *t = &q->targets[i];
        engine_call_free(t->engine, t->call);
        depot_free(t->error);
        depot_vec_free(&t->types);
        depot_vec_free(&t->kept);
        depot_vec_free(&t->provenance);
    }
    depot_timer_free(q->timer);
    depot_arena_release(&q->arena);
    depot_free(q->targets);
    depot_free(q);
}
