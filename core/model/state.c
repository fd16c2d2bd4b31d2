/*
 * The reducer: applies feed events to a build. The parts, steps and logs of one event at a time;
 * what needs the whole graph is in derive.c.
 */
#include "model/state_priv.h"

#include <depot/platform.h>

#include <stdlib.h>
#include <string.h>

struct outcome_row {
    const char *name, *word;
};
static const struct outcome_row outcome_rows[] = {
#define OUTCOME_ROW(id, name, word) [DEPOT_OUTCOME_##id] = {(name), (word)},
    DEPOT_OUTCOMES(OUTCOME_ROW)
#undef OUTCOME_ROW
};

const char *depot_outcome_name(enum depot_outcome v)
{
    return (unsigned)v < DEPOT_OUTCOME_COUNT ? outcome_rows[v].name : "";
}

const char *depot_outcome_word(enum depot_outcome v)
{
    return (unsigned)v < DEPOT_OUTCOME_COUNT ? outcome_rows[v].word : "";
}

struct depot_build *depot_build_new(const struct depot_build_hooks *hooks)
{
    struct depot_build *b = depot_calloc(1, sizeof(*b));

    b->id = "";
    b->priv = depot_calloc(1, sizeof(*b->priv));
    b->priv->part_by_platform = depot_map_new();
    b->priv->warning_by_key = depot_map_new();
    depot_build_set_hooks(b, hooks);
    return b;
}

void depot_build_set_hooks(struct depot_build *b, const struct depot_build_hooks *hooks)
{
    b->priv->hooks = hooks != NULL ? *hooks : (struct depot_build_hooks){0};
}

static void step_free(struct depot_step *s)
{
    for (size_t i = 0; i < DEPOT_STEP_TAIL_LINES; i++)
        depot_free(s->tail[i].text);
    if (s->transfer_by_id_ != NULL) {
        size_t pos = 0;
        void *t;

        while (depot_map_next(s->transfer_by_id_, &pos, NULL, &t))
            depot_free(t);
    }
    depot_map_free(s->transfer_by_id_);
    depot_vec_free(&s->transfers);
    depot_vec_free(&s->dependants);
    depot_vec_free(&s->raw);
    depot_vec_free(&s->intervals);
    depot_vec_free(&s->warnings);
    depot_free(s->inputs);
    depot_free(s);
}

void depot_build_free(struct depot_build *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < b->priv->all.len; i++)
        step_free(b->priv->all.items[i]);
    for (size_t i = 0; i < b->groups.len; i++) {
        depot_vec_free(&b->groups.items[i]->members);
        depot_vec_free(&b->groups.items[i]->intervals);
        depot_free(b->groups.items[i]);
    }
    for (size_t i = 0; i < b->parts.len; i++) {
        depot_map_free(b->parts.items[i]->step_by_digest_);
        depot_map_free(b->parts.items[i]->group_by_id_);
        depot_kvs_release(&b->parts.items[i]->response);
        depot_free(b->parts.items[i]);
    }
    depot_kvs_release(&b->response);
    depot_vec_free(&b->parts);
    depot_vec_free(&b->steps);
    depot_vec_free(&b->started);
    depot_vec_free(&b->groups);
    depot_vec_free(&b->warnings);
    depot_vec_free(&b->lanes);
    depot_vec_free(&b->running);
    depot_vec_free(&b->critical);
    depot_vec_free(&b->touched);
    depot_vec_free(&b->priv->all);
    depot_vec_free(&b->priv->order);
    depot_vec_free(&b->priv->changed);
    depot_vec_free(&b->priv->stack);
    depot_vec_free(&b->priv->left);
    depot_map_free(b->priv->foreign_by_text);
    depot_vec_free(&b->priv->touched);
    depot_map_free(b->priv->part_by_platform);
    depot_map_free(b->priv->warning_by_key);
    depot_arena_release(&b->priv->arena);
    depot_free(b->priv);
    depot_free(b);
}

/* A copy in the build's arena, or what is already there when it says the same. */
static const char *keep(struct depot_build *b, const char *old, const char *s)
{
    if (depot_str_eq(old, s))
        return old;
    return depot_arena_strdup(&b->priv->arena, s);
}

static const char **keep_list(struct depot_build *b, const char **list, size_t n)
{
    const char **out = n ? depot_arena_alloc(&b->priv->arena, n * sizeof(*out)) : NULL;

    for (size_t i = 0; i < n; i++)
        out[i] = keep(b, NULL, list[i]);
    return out;
}

struct depot_part *depot_build_part(const struct depot_build *b, const char *platform)
{
    return depot_map_get(b->priv->part_by_platform, platform != NULL ? platform : "");
}

bool depot_part_makes(const struct depot_part *p, const char *platform)
{
    return depot_platform_among(p->platform, platform, strlen(platform));
}

const struct depot_part *depot_build_maker(const struct depot_build *b, const char *platform)
{
    const struct depot_part *p = depot_build_part(b, platform);

    if (p == NULL && *platform == '\0' && b->parts.len == 1)
        p = b->parts.items[0];
    for (size_t i = 0; p == NULL && *platform && i < b->parts.len; i++)
        if (depot_part_makes(b->parts.items[i], platform))
            p = b->parts.items[i];
    return p;
}

bool depot_part_emulates(const struct depot_part *p, const char *platform)
{
    if (!p->emulated || !p->nemulates || strcmp(platform, p->platform) == 0)
        return p->emulated;
    for (size_t i = 0; i < p->nemulates; i++)
        if (depot_str_eq(p->emulates[i], platform))
            return true;
    return false;
}

static struct depot_part *part_get(struct depot_build *b, const char *platform, const char *builder)
{
    struct depot_part *p = depot_build_part(b, platform);

    if (p == NULL) {
        p = depot_calloc(1, sizeof(*p));
        p->index = b->parts.len;
        p->platform = keep(b, NULL, platform != NULL ? platform : "");
        p->builder = "";
        p->several = !*p->platform || strchr(p->platform, ',') != NULL;
        p->state = DEPOT_BUILD_CREATED;
        p->step_by_digest_ = depot_map_new();
        p->group_by_id_ = depot_map_new();
        depot_vec_push(&b->parts, p);
        depot_map_set(b->priv->part_by_platform, p->platform, p);
    }
    if (!depot_str_empty(builder))
        p->builder = keep(b, p->builder, builder);
    return p;
}

struct depot_step *depot_build_step(
    const struct depot_build *b, const struct depot_part *p, const char *digest)
{
    DEPOT_UNUSED(b);
    return p != NULL && digest != NULL ? depot_map_get(p->step_by_digest_, digest) : NULL;
}

static struct depot_step *step_get(struct depot_build *b, struct depot_part *p, const char *digest)
{
    struct depot_step *s = depot_map_get(p->step_by_digest_, digest);

    if (s != NULL)
        return s;
    s = depot_calloc(1, sizeof(*s));
    s->part = p;
    s->digest = keep(b, NULL, digest);
    s->name = "";
    s->platform = p->several ? "" : p->platform;
    depot_step_name_parse(&s->parsed, "", &b->priv->arena);
    depot_map_set(p->step_by_digest_, s->digest, s);
    depot_vec_push(&b->priv->all, s);
    b->priv->whole = true;
    return s;
}

static int compare_intervals(const void *a, const void *b)
{
    const struct depot_interval *x = a, *y = b;

    return x->start < y->start ? -1 : x->start > y->start;
}

/* Merge sorted intervals into their union; an open one swallows what follows. */
static size_t merge_intervals(struct depot_interval *out, const struct depot_interval *in, size_t n)
{
    size_t len = 0;
    struct depot_interval cur;

    if (n == 0)
        return 0;
    cur = in[0];
    for (size_t i = 1; i < n && cur.stop != 0; i++) {
        if (cur.stop < in[i].start) {
            out[len++] = cur;
            cur = in[i];
        } else if (in[i].stop == 0 || in[i].stop > cur.stop) {
            cur.stop = in[i].stop;
        }
    }
    out[len++] = cur;
    return len;
}

/* One record per distinct start: a newer snapshot of it replaces the older. */
static bool interval_set(struct depot_step *s, depot_time start, depot_time stop)
{
    size_t i = s->raw.len;
    struct depot_interval *slot;

    while (i > 0 && s->raw.items[i - 1].start > start)
        i--;
    if (i > 0 && s->raw.items[i - 1].start == start) {
        if (s->raw.items[i - 1].stop == stop)
            return false;
        s->raw.items[i - 1].stop = stop;
    } else if (s->raw.len < DP_INTERVALS_MAX) {
        (void)depot_vec_add(&s->raw);
        slot = s->raw.items + i;
        memmove(slot + 1, slot, (s->raw.len - 1 - i) * sizeof(*slot));
        *slot = (struct depot_interval){start, stop};
    } else {
        s->raw.items[s->raw.len - 1].stop = stop;
    }
    while (s->intervals.len < s->raw.len)
        (void)depot_vec_add(&s->intervals);
    s->intervals.len = merge_intervals(s->intervals.items, s->raw.items, s->raw.len);
    return true;
}

static void link_inputs(struct depot_build *b, struct depot_step *s, const struct depot_vertex *v)
{
    if (s->inputs != NULL || !v->ninputs)
        return;
    b->priv->whole = true;
    s->inputs = depot_calloc(v->ninputs, sizeof(*s->inputs));
    for (size_t i = 0; i < v->ninputs; i++) {
        struct depot_step *in;

        if (depot_str_empty(v->inputs[i]))
            continue;
        in = step_get(b, s->part, v->inputs[i]);
        s->inputs[s->ninputs++] = in;
        depot_vec_push(&in->dependants, s);
    }
}

static void join_group(
    struct depot_build *b, struct depot_step *s, const struct depot_vertex_group *vg)
{
    struct depot_group *g;

    if (s->group != NULL || depot_str_empty(vg->id))
        return;
    g = depot_map_get(s->part->group_by_id_, vg->id);
    if (g == NULL) {
        g = depot_calloc(1, sizeof(*g));
        g->index = b->groups.len;
        g->part = s->part;
        g->id = keep(b, NULL, vg->id);
        g->name = keep(b, NULL, vg->name != NULL ? vg->name : "");
        g->hidden = true;
        depot_vec_push(&b->groups, g);
        depot_map_set(s->part->group_by_id_, g->id, g);
    }
    if (g->members.len == DP_GROUP_MEMBERS_MAX)
        return;
    b->priv->whole = true;
    s->group = g;
    s->weak = vg->weak;
    depot_vec_push(&g->members, s);
    depot_step_name_parse(&s->parsed, g->name, &b->priv->arena);
}

static void touch_group(struct depot_build *b, struct depot_group *g, bool changed)
{
    if (changed)
        g->revision = b->revision;
    for (size_t i = b->priv->touched.len; i > 0 && i + 8 > b->priv->touched.len; i--)
        if (b->priv->touched.items[i - 1] == g)
            return;
    depot_vec_push(&b->priv->touched, g);
}

/* A group is what its members make it: cached when all are, failed by the first error. */
static void group_refresh(struct depot_build *b, struct depot_group *g)
{
    bool cached = true, hidden = g->hidden;
    const char *error = g->error;
    size_t n = 0;

    g->intervals.len = 0;
    for (size_t i = 0; i < g->members.len; i++) {
        struct depot_step *m = g->members.items[i];

        cached = cached && m->cached;
        if (error == NULL)
            error = m->error;
        if (m->raw.len && !m->weak)
            hidden = false;
        for (size_t k = 0; k < m->raw.len; k++)
            depot_vec_push(&g->intervals, m->raw.items[k]);
    }
    if (error != NULL && g->error != NULL)
        hidden = false;
    n = g->intervals.len;
    if (n > 1)
        qsort(g->intervals.items, n, sizeof(*g->intervals.items), compare_intervals);
    /* Merging writes behind what it has read. */
    g->intervals.len = merge_intervals(g->intervals.items, g->intervals.items, n);
    if (cached != g->cached || error != g->error || hidden != g->hidden)
        g->revision = b->revision;
    g->cached = cached;
    g->error = error;
    g->hidden = hidden;
}

enum depot_outcome dp_step_outcome(const struct depot_step *s)
{
    if (!s->raw.len)
        return DEPOT_OUTCOME_WAITING;
    if (!depot_step_is_completed(s))
        return DEPOT_OUTCOME_RUNNING;
    if (s->error != NULL)
        return depot_str_ends(s->error, "context canceled") ? DEPOT_OUTCOME_CANCELLED
                                                            : DEPOT_OUTCOME_FAILED;
    if (s->cached)
        return DEPOT_OUTCOME_HIT;
    return s->shared_by != NULL ? DEPOT_OUTCOME_SHARED : DEPOT_OUTCOME_RAN;
}

static void step_changed(struct depot_build *b, struct depot_step *s)
{
    s->revision = b->revision;
    if (b->priv->hooks.on_step != NULL)
        b->priv->hooks.on_step(b, s, b->priv->hooks.arg);
}

/* A time that was told before and is another now. */
static bool is_moved(depot_time old, depot_time now)
{
    return old && old != now;
}

static void take_snapshot(struct depot_build *b, struct depot_step *s, const struct depot_vertex *v)
{
    if (v->name != NULL && (!s->known || !depot_str_eq(s->name, v->name))) {
        b->priv->whole = true;
        s->name = keep(b, s->name, v->name);
        if (s->group == NULL)
            depot_step_name_parse(&s->parsed, s->name, &b->priv->arena);
    }
    s->error = depot_str_empty(v->error) ? NULL : keep(b, s->error, v->error);
    s->cached = v->cached;
    s->shared_by = v->shared != NULL ? keep(b, s->shared_by, v->shared) : NULL;
    if (is_moved(s->started, v->started) || is_moved(s->completed, v->completed))
        b->priv->whole = true;
    s->started = v->started;
    s->completed = v->completed;
}

static void apply_vertex(struct depot_build *b, struct depot_part *p, const struct depot_vertex *v)
{
    struct depot_step *s;
    bool moved = false;

    if (depot_str_empty(v->digest))
        return;
    s = step_get(b, p, v->digest);
    link_inputs(b, s, v);
    if (v->group != NULL)
        join_group(b, s, v->group);
    /* A bare announcement repeated after the start says nothing new. */
    if (v->started || !s->raw.len)
        take_snapshot(b, s, v);
    if (!s->known) {
        b->priv->whole = true;
        s->known = true;
        s->index = b->steps.len;
        depot_vec_push(&b->steps, s);
    }
    if (v->started) {
        if (!s->raw.len) {
            s->derived_.start_index = b->started.len;
            depot_vec_push(&b->started, s);
        }
        if (!b->began || v->started < b->began)
            b->began = v->started;
        moved = interval_set(s, v->started, v->completed);
    }
    s->outcome = dp_step_outcome(s);
    if (s->group != NULL)
        touch_group(b, s->group, moved);
    dp_derive_later(b, s);
    step_changed(b, s);
}

static void apply_transfer(
    struct depot_build *b, struct depot_part *p, const struct depot_vertex_status *v)
{
    struct depot_step *s = depot_build_step(b, p, v->vertex);
    struct depot_transfer *t;

    if (s == NULL || !s->known || v->id == NULL)
        return;
    if (s->transfer_by_id_ == NULL)
        s->transfer_by_id_ = depot_map_new();
    t = depot_map_get(s->transfer_by_id_, v->id);
    if (t == NULL) {
        t = depot_calloc(1, sizeof(*t));
        t->id = keep(b, NULL, v->id);
        depot_map_set(s->transfer_by_id_, t->id, t);
    }
    if (v->started && !t->listed_) {
        t->listed_ = true;
        depot_vec_push(&s->transfers, t);
    }
    t->name = keep(b, t->name, v->name != NULL ? v->name : "");
    t->current = v->current;
    t->total = v->total;
    t->timestamp = v->timestamp;
    t->started = v->started;
    t->completed = v->completed;
    t->revision = b->revision;
    s->revision = b->revision;
    if (b->priv->hooks.on_step != NULL)
        b->priv->hooks.on_step(b, s, b->priv->hooks.arg);
}

static struct depot_source_info *keep_info(
    struct depot_build *b, const struct depot_source_info *from)
{
    struct depot_source_info *to = depot_arena_alloc(&b->priv->arena, sizeof(*to));
    uint8_t *data = depot_arena_alloc(&b->priv->arena, from->len + 1);

    if (from->len)
        memcpy(data, from->data, from->len);
    to->filename = keep(b, NULL, from->filename);
    to->data = data;
    to->len = from->len;
    to->language = keep(b, NULL, from->language);
    return to;
}

static void apply_warning(
    struct depot_build *b, struct depot_part *p, const struct depot_vertex_warning *v)
{
    struct depot_step *s = depot_build_step(b, p, v->vertex);
    struct depot_buf key = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct depot_vertex_warning *w;

    depot_buf_addf(&key, "%zu|%s|%s", p->index, v->vertex != NULL ? v->vertex : "",
        v->short_text != NULL ? v->short_text : "");
    for (size_t i = 0; i < v->nranges; i++)
        depot_buf_addf(&key, "|%d-%d", v->ranges[i].start_line, v->ranges[i].end_line);
    if (depot_map_get(b->priv->warning_by_key, depot_buf_str(&key)) != NULL)
        goto out;
    w = depot_arena_alloc(&b->priv->arena, sizeof(*w));
    w->vertex = keep(b, NULL, v->vertex);
    w->level = v->level;
    w->short_text = keep(b, NULL, v->short_text != NULL ? v->short_text : "");
    w->detail = keep_list(b, v->detail, v->ndetail);
    w->ndetail = v->ndetail;
    w->url = keep(b, NULL, v->url);
    w->info = v->info != NULL ? keep_info(b, v->info) : NULL;
    w->nranges = v->nranges;
    if (v->nranges) {
        w->ranges = depot_arena_alloc(&b->priv->arena, v->nranges * sizeof(*w->ranges));
        memcpy(w->ranges, v->ranges, v->nranges * sizeof(*w->ranges));
    }
    depot_map_set(b->priv->warning_by_key, depot_buf_str(&key), w);
    depot_vec_push(&b->warnings, w);
    if (s != NULL && s->known) {
        depot_vec_push(&s->warnings, w);
        step_changed(b, s);
    }
out:
    depot_buf_release(&key);
}

static void apply_log(struct depot_build *b, struct depot_part *p, const struct depot_vertex_log *v)
{
    struct depot_step *s = b->priv->log_step;

    if (v->vertex == NULL)
        return;
    if (s == NULL || s->part != p || strcmp(s->digest, v->vertex) != 0)
        s = depot_build_step(b, p, v->vertex);
    if (s == NULL || !s->known)
        return;
    b->priv->log_step = s;
    dp_log_apply(s, v);
    s->revision = b->revision;
    if (b->priv->hooks.on_log != NULL)
        b->priv->hooks.on_log(b, s, v, b->priv->hooks.arg);
}

static void apply_status(struct depot_build *b, const struct depot_event *ev)
{
    const struct depot_status *st = &ev->u.status.status;
    struct depot_part *p = part_get(b, ev->u.status.platform, ev->u.status.builder);

    if (p->state < DEPOT_BUILD_RUNNING)
        p->state = DEPOT_BUILD_RUNNING;
    if (b->state < DEPOT_BUILD_RUNNING)
        b->state = DEPOT_BUILD_RUNNING;
    if (!p->first_status)
        p->first_status = ev->time;
    b->priv->touched.len = 0;
    for (size_t i = 0; i < st->nvertexes; i++)
        apply_vertex(b, p, &st->vertexes[i]);
    for (size_t i = 0; i < b->priv->touched.len; i++)
        group_refresh(b, b->priv->touched.items[i]);
    for (size_t i = 0; i < st->nstatuses; i++)
        apply_transfer(b, p, &st->statuses[i]);
    for (size_t i = 0; i < st->nwarnings; i++)
        apply_warning(b, p, &st->warnings[i]);
    for (size_t i = 0; i < st->nlogs; i++)
        apply_log(b, p, &st->logs[i]);
}

static void apply_created(struct depot_build *b, const struct depot_event *ev)
{
    b->has_info = true;
    b->created = ev->time;
    depot_record_copy(&depot_record_created, &b->info, &ev->u.created, &b->priv->arena);
}

static void apply_definition(struct depot_build *b, const struct depot_event *ev)
{
    if (b->has_definition)
        return;
    b->has_definition = true;
    depot_record_copy(&depot_record_definition, &b->definition, &ev->u.definition, &b->priv->arena);
}

static void apply_queued(struct depot_build *b, const struct depot_event *ev)
{
    struct depot_part *p = part_get(b, ev->u.queued.platform, ev->u.queued.builder);

    if (p->state < DEPOT_BUILD_RUNNING)
        p->state = DEPOT_BUILD_QUEUED;
    if (b->state < DEPOT_BUILD_RUNNING)
        b->state = DEPOT_BUILD_QUEUED;
    if (!p->queued)
        p->queued = ev->time;
    p->queue_reason = keep(b, p->queue_reason, ev->u.queued.reason);
    p->queue_position = ev->u.queued.position;
}

static void apply_assigned(struct depot_build *b, const struct depot_event *ev)
{
    struct depot_part *p = part_get(b, ev->u.assigned.platform, ev->u.assigned.builder);

    if (p->state < DEPOT_BUILD_RUNNING)
        p->state = DEPOT_BUILD_RUNNING;
    if (b->state < DEPOT_BUILD_RUNNING)
        b->state = DEPOT_BUILD_RUNNING;
    if (!p->assigned) /* once more when it is solved again */
        p->assigned = ev->time;
    p->emulated = ev->u.assigned.emulated;
    p->emulates = keep_list(b, ev->u.assigned.emulates, ev->u.assigned.nemulates);
    p->nemulates = ev->u.assigned.nemulates;
    p->waited_ms = ev->u.assigned.waited_ms;
    p->ref = keep(b, p->ref, ev->u.assigned.ref);
}

static void apply_context(struct depot_build *b, const struct depot_event *ev)
{
    struct depot_part *p = part_get(b, ev->u.context.platform, NULL);

    p->has_context = true;
    depot_record_copy(&depot_record_context, &p->context, &ev->u.context, &b->priv->arena);
    p->context.platform = p->platform;
}

static const struct depot_build_error *keep_error(
    struct depot_build *b, const struct depot_build_error *from)
{
    struct depot_build_error *to =
        from != NULL ? depot_arena_alloc(&b->priv->arena, sizeof(*to)) : NULL;

    if (to != NULL)
        depot_record_copy(&depot_record_build_error, to, from, &b->priv->arena);
    return to;
}

static void apply_result(struct depot_build *b, const struct depot_event *ev)
{
    const struct depot_ev_result *r = &ev->u.result;
    struct depot_part *p = part_get(b, r->platform, r->builder);

    p->state = r->state;
    p->finished = ev->time;
    p->digest = keep(b, p->digest, r->digest);
    p->error = keep_error(b, r->error);
    for (size_t i = 0; i < r->nresponse; i++)
        depot_kvs_set(&p->response, r->response[i].key, r->response[i].value);
    b->priv->whole = b->dirty = true;
    depot_build_derive(b);
}

void depot_build_joined(struct depot_build *b, const struct depot_kvs *answer)
{
    const char *digest = depot_kvs_get(answer, "containerimage.digest");
    if (b->digest != NULL || digest == NULL)
        return;
    b->digest = keep(b, NULL, digest);
    depot_kvs_release(&b->response);
    depot_kvs_copy(&b->response, answer);
}

static void apply_finished(struct depot_build *b, const struct depot_event *ev)
{
    b->state = ev->u.finished.state;
    b->finished = ev->time;
    b->duration_ms = ev->u.finished.duration_ms;
    b->finished_counts = ev->u.finished.counts;
    b->message = keep(b, b->message, ev->u.finished.message);
    b->digest = keep(b, b->digest, ev->u.finished.joined.digest);
    for (size_t i = 0; i < ev->u.finished.joined.nresponse; i++)
        depot_kvs_set(&b->response, ev->u.finished.joined.response[i].key,
            ev->u.finished.joined.response[i].value);
    /* Of a build that the daemon did not see to its end nothing tells how its parts ended. */
    for (size_t i = 0; i < b->parts.len; i++) {
        struct depot_part *p = b->parts.items[i];

        if (depot_build_state_over(p->state))
            continue;
        p->state = b->state;
        p->finished = ev->time;
        b->priv->whole = b->dirty = true;
    }
    if (b->running.len > 0) /* nothing does any more */
        b->priv->whole = b->dirty = true;
    depot_build_derive(b);
}

typedef void apply_fn(struct depot_build *b, const struct depot_event *ev);
static apply_fn *const apply_rows[DEPOT_EVENT_COUNT] = {
    [DEPOT_EVENT_BUILD_CREATED] = apply_created,
    [DEPOT_EVENT_BUILD_QUEUED] = apply_queued,
    [DEPOT_EVENT_BUILD_ASSIGNED] = apply_assigned,
    [DEPOT_EVENT_BUILD_STATUS] = apply_status,
    [DEPOT_EVENT_BUILD_DEFINITION] = apply_definition,
    [DEPOT_EVENT_BUILD_CONTEXT] = apply_context,
    [DEPOT_EVENT_BUILD_RESULT] = apply_result,
    [DEPOT_EVENT_BUILD_FINISHED] = apply_finished,
};

void depot_build_apply(struct depot_build *b, const struct depot_event *ev)
{
    if ((unsigned)ev->type >= DEPOT_EVENT_COUNT || apply_rows[ev->type] == NULL)
        return;
    if (!depot_str_empty(ev->build)) {
        if (!*b->id)
            b->id = keep(b, NULL, ev->build);
        else if (strcmp(b->id, ev->build) != 0)
            return;
    }
    b->revision++;
    if (ev->seq > b->seq)
        b->seq = ev->seq;
    if (ev->time) {
        if (!b->first)
            b->first = ev->time;
        b->last = ev->time;
    }
    apply_rows[ev->type](b, ev);
}
