/*
 * Conversions between generated messages and our own types. No I/O.
 */
#include "buildkit/convert.h"

#include <assert.h>

#include "buildkit/message.h"
#include "gateway.pb-c.h"

/* Told names are compared with each other, so an engine may not tell any number of them. */
enum { PLATFORMS_MAX = 256 };

depot_time dp_bk_time(const Google__Timestamp *t)
{
    if (t == NULL || t->seconds < 0 || t->seconds >= INT64_MAX / DEPOT_SEC || t->nanos < 0 ||
        t->nanos >= DEPOT_SEC)
        return 0;
    return t->seconds * DEPOT_SEC + t->nanos;
}

struct depot_pair *dp_bk_pairs(struct depot_arena *a, Bk__Pair **list, size_t n)
{
    if (n == 0)
        return NULL;
    struct depot_pair *pairs = depot_arena_alloc(a, n * sizeof(*pairs));
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct depot_pair){.key = list[i]->key, .value = list[i]->value};
    return pairs;
}

/* The reverse of dp_bk_pairs(); the strings stay the map's. */
static Bk__Pair **pairs_of(struct depot_arena *a, const struct depot_kvs *kvs)
{
    if (kvs == NULL || kvs->len == 0)
        return NULL;
    Bk__Pair **list = depot_arena_alloc(a, kvs->len * sizeof(Bk__Pair *));
    for (size_t i = 0; i < kvs->len; i++) {
        list[i] = depot_arena_alloc(a, sizeof(Bk__Pair));
        bk__pair__init(list[i]);
        list[i]->key = kvs->items[i].key;
        list[i]->value = kvs->items[i].value;
    }
    return list;
}

/* ---- solve ---- */
static void add_exporters(
    Bk__SolveRequest *m, const struct depot_bk_solve *req, struct depot_arena *a)
{
    if (req->nexports == 0)
        return;
    m->n_exporters = req->nexports;
    m->exporters = depot_arena_alloc(a, req->nexports * sizeof(Bk__Exporter *));
    for (size_t i = 0; i < req->nexports; i++) {
        Bk__Exporter *e = depot_arena_alloc(a, sizeof(*e));
        bk__exporter__init(e);
        e->type = req->exports[i].type;
        e->n_attrs = req->exports[i].attrs.len;
        e->attrs = pairs_of(a, &req->exports[i].attrs);
        m->exporters[i] = e;
    }
    /* An engine before 0.13 skips the list without a word and would export nothing. */
    m->exporter = m->exporters[0]->type;
    m->n_exporter_attrs = m->exporters[0]->n_attrs;
    m->exporter_attrs = m->exporters[0]->attrs;
}

static void add_cache(Bk__CacheOptions *m, const struct depot_bk_solve *req, struct depot_arena *a)
{
    if (req->ncache_exports == 0)
        return;
    m->n_exports = req->ncache_exports;
    m->exports = depot_arena_alloc(a, req->ncache_exports * sizeof(Bk__CacheEntry *));
    for (size_t i = 0; i < req->ncache_exports; i++) {
        Bk__CacheEntry *e = depot_arena_alloc(a, sizeof(*e));
        bk__cache_entry__init(e);
        e->type = req->cache_exports[i].type;
        e->n_attrs = req->cache_exports[i].attrs.len;
        e->attrs = pairs_of(a, &req->cache_exports[i].attrs);
        m->exports[i] = e;
    }
}

/* It comes as a message already: fields may stand in any order. */
static void add_source_policy(struct depot_buf *to, const void *data, size_t n)
{
    enum { SOURCE_POLICY = 12 /* of SolveRequest */ };
    uint8_t head[2 * DP_PB_VARINT_MAX];
    if (n == 0)
        return;
    uint8_t *end = dp_pb_put_varint(dp_pb_put_tag(head, SOURCE_POLICY, DP_PB_BYTES), n);
    depot_buf_add(to, head, (size_t)(end - head));
    depot_buf_add(to, data, n);
}

void dp_bk_pack_solve(const struct depot_bk_solve *req, struct depot_buf *to)
{
    struct depot_arena a = {0};
    Bk__SolveRequest m = BK__SOLVE_REQUEST__INIT;
    Bk__CacheOptions cache = BK__CACHE_OPTIONS__INIT;
    m.ref = (char *)req->ref;
    m.internal = req->internal;
    if (req->session != NULL)
        m.session = (char *)req->session;
    if (req->frontend != NULL)
        m.frontend = (char *)req->frontend;
    if (req->attrs != NULL)
        m.n_frontend_attrs = req->attrs->len;
    m.frontend_attrs = pairs_of(&a, req->attrs);
    if (req->entitlements != NULL) {
        m.n_entitlements = req->entitlements->len;
        m.entitlements = req->entitlements->items;
    }
    add_exporters(&m, req, &a);
    add_cache(&cache, req, &a);
    m.cache = &cache; /* engines 0.17 to 0.21 crash without one */
    dp_pb_pack(to, &m.base);
    add_source_policy(to, req->source_policy, req->source_policy_len);
    depot_arena_release(&a);
}

/* Whoever does not allow both forms of a result gets no definitions. */
void dp_bk_pack_ask(const struct depot_bk_solve *req, struct depot_buf *to)
{
    struct depot_arena a = {0};
    Gateway__SolveRequest m = GATEWAY__SOLVE_REQUEST__INIT;
    m.frontend = (char *)req->frontend;
    m.frontend_opt = pairs_of(&a, req->attrs);
    m.n_frontend_opt = m.frontend_opt != NULL ? req->attrs->len : 0;
    m.allow_result_return = true;
    m.allow_result_array_ref = true;
    dp_pb_pack(to, &m.base);
    depot_arena_release(&a);
}

/* ---- workers ---- */
static const char SNAPSHOTTER_LABEL[] = "org.mobyproject.buildkit.worker.snapshotter";
static const char GATEWAY_LABEL[] = "org.mobyproject.buildkit.worker.moby.host-gateway-ip";

/* NULL: it has none of this name. */
static const char *label(const Bk__WorkerRecord *w, const char *key)
{
    for (size_t i = 0; i < w->n_labels; i++) {
        if (depot_str_eq(w->labels[i]->key, key))
            return w->labels[i]->value;
    }
    return NULL;
}

/* "linux/arm64", "linux/arm/v7"; v8 is what arm64 means anyway. */
static const char *platform_name(const Pb__Platform *p, struct depot_arena *a)
{
    bool variant = !depot_str_empty(p->variant) &&
                   !(depot_str_eq(p->architecture, "arm64") && depot_str_eq(p->variant, "v8"));
    char *s = depot_asprintf(
        "%s/%s%s%s", p->os, p->architecture, variant ? "/" : "", variant ? p->variant : "");
    const char *kept = depot_arena_strdup(a, s);
    depot_free(s);
    return kept;
}

static void add_platform(struct depot_bk_info *info, const char *name)
{
    if (info->nplatforms == PLATFORMS_MAX)
        return;
    for (size_t i = 0; i < info->nplatforms; i++) {
        if (depot_str_eq(info->platforms[i], name))
            return;
    }
    assert(info->platforms != NULL); /* room was made for all that are told */
    info->platforms[info->nplatforms++] = name;
}

/* The limit that holds for every record: of the last policy that names one. The others, before it,
 * are for some kinds of records, or old ones. */
static int64_t cache_limit(const Bk__WorkerRecord *w)
{
    int64_t limit = -1;
    for (size_t i = 0; i < w->n_gc_policy; i++) {
        const Bk__GcPolicy *p = w->gc_policy[i];
        int64_t max = p->max_used_space > 0 ? p->max_used_space : p->reserved_space;
        if (max > 0)
            limit = max;
    }
    return limit;
}

void dp_bk_add_workers(const Bk__ListWorkersResponse *m, bool is_docker, struct depot_arena *a,
    struct depot_bk_info *info)
{
    size_t n = 0;
    bool snapshotter = false, moby = false;
    for (size_t i = 0; i < m->n_record; i++) {
        n += m->record[i]->n_platforms;
        snapshotter |= label(m->record[i], SNAPSHOTTER_LABEL) != NULL;
        moby |= depot_str_eq(m->record[i]->id, "moby");
    }
    info->platforms = n > 0 ? depot_arena_alloc(a, n * sizeof(*info->platforms)) : NULL;
    info->nplatforms = 0;
    info->cache_limit = -1;
    for (size_t i = 0; i < m->n_record; i++) {
        const Bk__WorkerRecord *w = m->record[i];
        if (cache_limit(w) > info->cache_limit)
            info->cache_limit = cache_limit(w);
        if (info->host_gateway == NULL)
            info->host_gateway = depot_arena_strdup(a, label(w, GATEWAY_LABEL));
        for (size_t j = 0; j < w->n_platforms; j++)
            add_platform(info, platform_name(w->platforms[j], a));
        if (w->version != NULL && depot_str_empty(info->version))
            info->version = depot_arena_strdup(a, w->version->version);
    }
    bool docker = is_docker || (moby && !snapshotter);
    info->engine = docker ? "docker" : "buildkit";
    if (docker && !snapshotter)
        info->caps |= DEPOT_BK_CAP_MOBY;
}

/* ---- history ---- */
/* What the whole build gave first; a build for several platforms without an index has only theirs.
 */
static const char *result_digest(const Bk__ResultInfo *info)
{
    if (info == NULL)
        return NULL;
    if (info->result != NULL && !depot_str_empty(info->result->digest))
        return info->result->digest;
    const Bk__IndexedDescriptor *first = NULL;
    for (size_t i = 0; i < info->n_results; i++) {
        if (first == NULL || info->results[i]->key < first->key)
            first = info->results[i];
    }
    bool named = first != NULL && first->value != NULL && !depot_str_empty(first->value->digest);
    return named ? first->value->digest : NULL;
}

void dp_bk_convert_record(
    const Bk__HistoryEvent *ev, struct depot_arena *a, struct depot_bk_record *out)
{
    const Bk__HistoryRecord *m = ev->record;
    *out = (struct depot_bk_record){
        .kind = ev->type == BK__HISTORY_EVENT_TYPE__COMPLETE  ? DEPOT_BK_COMPLETE
                : ev->type == BK__HISTORY_EVENT_TYPE__DELETED ? DEPOT_BK_DELETED
                                                              : DEPOT_BK_STARTED,
        .ref = m->ref,
        .attrs = dp_bk_pairs(a, m->frontend_attrs, m->n_frontend_attrs),
        .nattrs = m->n_frontend_attrs,
        .created = dp_bk_time(m->created_at),
        .completed = dp_bk_time(m->completed_at),
        .response = dp_bk_pairs(a, m->exporter_response, m->n_exporter_response),
        .nresponse = m->n_exporter_response,
        .digest = result_digest(m->result),
        .cached_steps = m->num_cached_steps,
        .total_steps = m->num_total_steps,
        .completed_steps = m->num_completed_steps,
        .generation = m->generation,
    };
    for (size_t i = 0; i < m->n_results && out->digest == NULL; i++)
        out->digest = result_digest(m->results[i]->value);
}
