/*
 * From steps to stages and lines. Linear in steps and edges but for one sort, and only done when
 * there are new ones; what changes all the time, the sums, is one pass over the lines.
 */
#include "graph_priv.h"

#include <depot/buf.h>
#include <depot/utf8.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 200 }; /* of a chain: its step's instruction may be a whole script */
static const uint32_t nowhere = UINT32_MAX;

/* A step on its way to a line. */
struct item {
    const struct depot_step *step;
    unsigned stage;
    unsigned lane; /* nlanes: all of them */
    int ordinal;
};

/* While the structure is made anew. */
struct work {
    struct graph *g;
    const struct depot_build *b;
    DEPOT_VEC(struct item) items;
    unsigned *stage_of; /* by step index, plus 1; 0: none yet */
    struct depot_buf key;
    struct depot_map *ranks; /* order of texts where there are no ordinals; values plus 1 */
};

void dp_graph_init(struct graph *g)
{
    memset(g, 0, sizeof(*g));
    g->by_key_ = depot_map_new();
}

void dp_graph_release(struct graph *g)
{
    for (size_t i = 0; i < g->stages.len; i++) {
        struct graph_stage *st = &g->stages.items[i];
        depot_free(st->key);
        depot_free(st->name);
        depot_vec_free(&st->needs);
        depot_vec_free(&st->needed_by);
    }
    for (size_t i = 0; i < g->nlanes; i++)
        depot_free(g->lanes[i]);
    depot_vec_free(&g->stages);
    depot_vec_free(&g->order);
    depot_vec_free(&g->lines);
    depot_vec_free(&g->sums);
    depot_vec_free(&g->rows);
    depot_vec_free(&g->cells_);
    depot_vec_free(&g->places_);
    depot_map_free(g->by_key_);
    memset(g, 0, sizeof(*g));
}

void dp_graph_forget(struct graph *g)
{
    g->build_ = NULL;
    g->signature_ = g->structure_ = g->derived_ = 0;
    g->lines.len = g->rows.len = g->cells_.len = g->places_.len = g->sums.len = 0;
    for (size_t i = 0; i < g->stages.len; i++)
        g->stages.items[i].present = false;
}

/* ---- lanes ---- */

static void add_lane(struct graph *g, const char *platform)
{
    if (depot_str_empty(platform) || g->nlanes >= GRAPH_LANES_MAX)
        return;
    for (size_t i = 0; i < g->nlanes; i++)
        if (strcmp(g->lanes[i], platform) == 0)
            return;
    if (g->nlanes == 1 && g->lanes[0][0] == '\0') {
        depot_free(g->lanes[0]);
        g->nlanes = 0;
    }
    g->lanes[g->nlanes++] = depot_strdup(platform);
}

static void find_lanes(struct graph *g, const struct depot_build *b)
{
    for (size_t i = 0; b->has_info && i < b->info.nplatforms; i++)
        add_lane(g, b->info.platforms[i]);
    for (size_t i = 0; i < b->lanes.len; i++)
        add_lane(g, b->lanes.items[i].platform);
    if (g->nlanes == 0)
        g->lanes[g->nlanes++] = depot_strdup("");
}

static unsigned lane_of(const struct graph *g, const struct depot_step *s)
{
    if (*s->platform == '\0')
        return (unsigned)g->nlanes;
    for (size_t i = 0; i < g->nlanes; i++)
        if (strcmp(g->lanes[i], s->platform) == 0)
            return (unsigned)i;
    return (unsigned)g->nlanes - 1;
}

/* ---- stages ---- */

static unsigned stage_get(struct work *w, enum graph_kind kind)
{
    struct graph *g = w->g;
    const uintptr_t got = (uintptr_t)depot_map_getn(g->by_key_, w->key.data, w->key.len);
    if (got != 0) {
        g->stages.items[got - 1].present = true;
        return (unsigned)got - 1;
    }
    struct graph_stage *st = depot_vec_add(&g->stages);
    st->key = depot_strdup(w->key.data);
    st->kind = kind;
    st->present = true;
    st->rank_ = UINT32_MAX;
    depot_map_set(g->by_key_, st->key, (void *)(uintptr_t)g->stages.len);
    return (unsigned)g->stages.len - 1;
}

static void name_stage(struct graph_stage *st, const char *name, size_t n)
{
    if (st->name != NULL && strlen(st->name) == n && memcmp(st->name, name, n) == 0)
        return;
    depot_free(st->name);
    st->name = depot_strndup(name, n);
}

static bool is_chained(const struct depot_step *s)
{
    return s->parsed.kind == DEPOT_STEP_BUILD && s->parsed.ordinal == 0 && *s->parsed.stage == '\0';
}

static unsigned plain_stage(struct work *w, const struct depot_step *s)
{
    const struct depot_step_name *p = &s->parsed;
    depot_buf_clear(&w->key);
    if (p->kind != DEPOT_STEP_BUILD) {
        const bool export = p->kind == DEPOT_STEP_EXPORT;
        depot_buf_adds(&w->key, export ? "\x01"
                                         "export"
                                       : "\x01"
                                         "internal");
        const unsigned i = stage_get(w, export ? GRAPH_EXPORT : GRAPH_INTERNAL);
        name_stage(&w->g->stages.items[i], w->key.data + 1, w->key.len - 1);
        return i;
    }
    depot_buf_adds(&w->key, p->target);
    depot_buf_addc(&w->key, '\x1f');
    depot_buf_adds(&w->key, p->stage);
    const unsigned i = stage_get(w, GRAPH_STAGE);
    if (w->g->stages.items[i].name == NULL) {
        const bool both = *p->target != '\0' && *p->stage != '\0';
        char *name = depot_asprintf("%s%s%s", p->target, both ? " " : "", p->stage);
        name_stage(&w->g->stages.items[i], name, strlen(name));
        depot_free(name);
    }
    return i;
}

static void add_item(struct work *w, const struct depot_step *s, unsigned stage, int ordinal)
{
    struct graph_stage *st = &w->g->stages.items[stage];
    const struct item item = {
        .step = s, .stage = stage, .ordinal = ordinal, .lane = lane_of(w->g, s)};
    depot_vec_push(&w->items, item);
    w->stage_of[s->index] = stage + 1;
    if (st->last_ < s->index)
        st->last_ = s->index;
}

/* Texts that are the same on several platforms get the same place. */
static int rank_of_text(struct work *w, const struct depot_step *s)
{
    depot_buf_clear(&w->key);
    depot_buf_adds(&w->key, s->parsed.kind == DEPOT_STEP_EXPORT ? "e" : "i");
    depot_buf_adds(&w->key, s->parsed.instruction);
    uintptr_t rank = (uintptr_t)depot_map_get(w->ranks, w->key.data);
    if (rank == 0) {
        rank = depot_map_len(w->ranks) + 1;
        depot_map_set(w->ranks, w->key.data, (void *)rank);
    }
    return rank < INT32_MAX ? (int)rank : INT32_MAX;
}

/* ---- chains ---- */

/* The one step of the build that `list` holds; NULL: none or several. */
static const struct depot_step *only(struct depot_step *const *list, size_t n)
{
    const struct depot_step *one = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!list[i]->known || list[i]->foreign || list[i]->parsed.kind != DEPOT_STEP_BUILD ||
            list[i] == one)
            continue;
        if (one != NULL)
            return NULL;
        one = list[i];
    }
    return one;
}

/* The step that follows in the same chain; NULL: it ends here. */
static const struct depot_step *next_in_chain(const struct depot_step *s)
{
    const struct depot_step *next = only(s->dependants.items, s->dependants.len);
    if (next == NULL || !is_chained(next) || strcmp(next->platform, s->platform) != 0 ||
        only(next->inputs, next->ninputs) != s)
        return NULL;
    return next;
}

static const struct depot_step *prev_in_chain(const struct depot_step *s)
{
    const struct depot_step *prev = only(s->inputs, s->ninputs);
    return prev != NULL && is_chained(prev) && next_in_chain(prev) == s ? prev : NULL;
}

static size_t first_line(const char *s)
{
    const size_t n = strcspn(s, "\r\n");
    return n > NAME_MAX_BYTES ? depot_utf8_start(s, NAME_MAX_BYTES) : n;
}

static void add_chain(struct work *w, const struct depot_step *head)
{
    const char *name = head->parsed.instruction;
    int place = 0;
    /* The same name twice on a platform: they are told apart by their number. */
    depot_buf_clear(&w->key);
    depot_buf_addf(&w->key, "c%s\x1f%.*s", head->platform, (int)first_line(name), name);
    const uintptr_t twin = (uintptr_t)depot_map_get(w->ranks, w->key.data) + 1;
    depot_map_set(w->ranks, w->key.data, (void *)twin);
    depot_buf_clear(&w->key);
    depot_buf_addf(&w->key, "\x02%.*s\x1f%zu", (int)first_line(name), name, (size_t)twin);
    const unsigned stage = stage_get(w, GRAPH_CHAIN);
    for (const struct depot_step *s = head; s != NULL; s = next_in_chain(s)) {
        if (w->stage_of[s->index] != 0)
            break;
        add_item(w, s, stage, ++place);
        name = s->parsed.instruction;
    }
    name_stage(&w->g->stages.items[stage], name, first_line(name));
}

static void collect(struct work *w)
{
    const struct depot_build *b = w->b;
    bool chains = false;
    for (size_t i = 0; i < b->steps.len; i++) {
        const struct depot_step *s = b->steps.items[i];
        if (s->foreign) /* its progress is told by the step that waits for it */
            continue;
        if (is_chained(s)) {
            chains = true;
            continue;
        }
        const unsigned stage = plain_stage(w, s);
        add_item(w, s, stage, s->parsed.ordinal > 0 ? s->parsed.ordinal : rank_of_text(w, s));
    }
    /* Heads first, then what is left over: steps in a circle. */
    for (int round = 0; chains && round < 2; round++) {
        for (size_t i = b->steps.len; i-- > 0;) {
            const struct depot_step *s = b->steps.items[i];
            if (w->stage_of[s->index] == 0 && is_chained(s) && !s->foreign &&
                (round == 1 || prev_in_chain(s) == NULL))
                add_chain(w, s);
        }
    }
}

/* ---- lines ---- */

static int by_place(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->stage != y->stage)
        return x->stage < y->stage ? -1 : 1;
    if (x->ordinal != y->ordinal)
        return x->ordinal < y->ordinal ? -1 : 1;
    if (x->lane != y->lane)
        return x->lane < y->lane ? -1 : 1;
    const size_t gx = x->step->group != NULL ? x->step->group->index + 1 : 0,
                 gy = y->step->group != NULL ? y->step->group->index + 1 : 0;
    if (gx != gy)
        return gx < gy ? -1 : 1;
    if (x->step->weak != y->step->weak)
        return x->step->weak ? 1 : -1;
    return x->step->index < y->step->index ? -1 : x->step->index > y->step->index;
}

static size_t add_line(struct graph *g, unsigned stage, int ordinal)
{
    struct graph_stage *st = &g->stages.items[stage];
    struct graph_line *l = depot_vec_add(&g->lines);
    l->stage = stage;
    l->ordinal = st->kind == GRAPH_STAGE ? ordinal : 0;
    l->passes = true;
    l->cells_ = g->cells_.len;
    for (size_t i = 0; i < g->nlanes; i++)
        depot_vec_push(&g->cells_, NULL);
    if (st->nlines++ == 0)
        st->line = g->lines.len - 1;
    return g->lines.len - 1;
}

static void set_cell(struct graph *g, size_t line, unsigned lane, const struct depot_step *s)
{
    const bool all = lane >= g->nlanes;
    const struct depot_step **cells = &g->cells_.items[g->lines.items[line].cells_];
    for (size_t i = all ? 0 : lane; i < (all ? g->nlanes : (size_t)lane + 1); i++)
        if (cells[i] == NULL)
            cells[i] = s;
    g->places_.items[s->index] =
        (struct graph_place){.line = (uint32_t)line, .lane = all ? 0 : (uint32_t)lane};
}

/* Items of one place (stage and ordinal), sorted: the k-th of each lane make the k-th line. */
static void make_lines(struct graph *g, const struct item *items, size_t n)
{
    const size_t first = g->lines.len;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const struct depot_group *group = items[i].step->group;
        if (i == 0 || items[i].lane != items[i - 1].lane)
            at = first;
        else if (group == NULL || group != items[i - 1].step->group)
            at++;
        if (at == g->lines.len)
            add_line(g, items[i].stage, items[i].ordinal);
        set_cell(g, at, items[i].lane, items[i].step);
    }
}

static void place_lines(struct work *w)
{
    struct graph *g = w->g;
    const struct graph_place none = {.line = nowhere};
    for (size_t i = 0; i < w->b->steps.len; i++)
        depot_vec_push(&g->places_, none);
    if (w->items.len > 1)
        qsort(w->items.items, w->items.len, sizeof(*w->items.items), by_place);
    for (size_t i = 0, end; i < w->items.len; i = end) {
        const struct item *first = &w->items.items[i];
        for (end = i + 1; end < w->items.len; end++)
            if (w->items.items[end].stage != first->stage ||
                w->items.items[end].ordinal != first->ordinal)
                break;
        make_lines(g, first, end - i);
    }
}

/* ---- which stage needs which ---- */

static void find_needs(struct work *w)
{
    struct graph *g = w->g;
    for (size_t i = 0; i < w->items.len; i++) {
        const struct item *it = &w->items.items[i];
        struct graph_stage *st = &g->stages.items[it->stage];
        for (size_t k = 0; k < it->step->ninputs; k++) {
            const struct depot_step *in = it->step->inputs[k];
            if (!in->known || w->stage_of[in->index] == 0 || in->parsed.kind != DEPOT_STEP_BUILD)
                continue;
            const unsigned from = w->stage_of[in->index] - 1;
            /* Items come stage by stage, so one mark tells whether it is there already. */
            if (from == it->stage || g->stages.items[from].mark_ == it->stage + 1 ||
                st->kind > GRAPH_CHAIN)
                continue;
            g->stages.items[from].mark_ = it->stage + 1;
            depot_vec_push(&st->needs, from);
        }
    }
}

static void rebuild(struct graph *g, const struct depot_build *b)
{
    struct work w = {.g = g, .b = b, .key = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT)};
    for (size_t i = 0; i < g->stages.len; i++) {
        struct graph_stage *st = &g->stages.items[i];
        st->present = false;
        st->nlines = st->line = st->last_ = 0;
        st->needs.len = st->needed_by.len = 0;
        st->mark_ = 0;
    }
    g->lines.len = g->cells_.len = g->places_.len = g->rows.len = 0;
    w.stage_of = depot_calloc(b->steps.len + 1, sizeof(*w.stage_of));
    w.ranks = depot_map_new();
    collect(&w);
    place_lines(&w);
    find_needs(&w);
    depot_map_free(w.ranks);
    depot_free(w.stage_of);
    depot_vec_free(&w.items);
    depot_buf_release(&w.key);
}

/* ---- what a line is on a lane ---- */

const struct depot_step *dp_graph_cell(const struct graph *g, size_t line, size_t lane)
{
    return line < g->lines.len && lane < g->nlanes
               ? g->cells_.items[g->lines.items[line].cells_ + lane]
               : NULL;
}

bool dp_graph_find(const struct graph *g, const struct depot_step *s, size_t *line, size_t *lane)
{
    if (s->index >= g->places_.len || g->places_.items[s->index].line == nowhere)
        return false;
    *line = g->places_.items[s->index].line;
    *lane = g->places_.items[s->index].lane;
    return true;
}

enum depot_outcome dp_graph_outcome(const struct depot_step *s)
{
    /* What tells most about a group, from the least. */
    static const unsigned char weight[] = {
        [DEPOT_OUTCOME_SKIPPED] = 1,
        [DEPOT_OUTCOME_HIT] = 2,
        [DEPOT_OUTCOME_UNREACHED] = 3,
        [DEPOT_OUTCOME_SHARED] = 4,
        [DEPOT_OUTCOME_RAN] = 5,
        [DEPOT_OUTCOME_WAITING] = 6,
        [DEPOT_OUTCOME_CANCELLED] = 7,
        [DEPOT_OUTCOME_RUNNING] = 8,
        [DEPOT_OUTCOME_FAILED] = 9,
    };
    _Static_assert(DEPOT_ARRAY_LEN(weight) == DEPOT_OUTCOME_COUNT, "every outcome has a weight");
    enum depot_outcome v = s->outcome;
    for (size_t i = 0; s->group != NULL && i < s->group->members.len; i++) {
        const struct depot_step *m = s->group->members.items[i];
        if (!m->weak && weight[m->outcome] > weight[v])
            v = m->outcome;
    }
    return v;
}

const struct depot_interval *dp_graph_intervals(const struct depot_step *s, size_t *n)
{
    if (s->group != NULL) {
        *n = s->group->intervals.len;
        return s->group->intervals.items;
    }
    *n = s->intervals.len;
    return s->intervals.items;
}

int64_t dp_graph_duration(const struct depot_step *s, depot_time now)
{
    int64_t sum = 0;
    size_t n;
    const struct depot_interval *iv = dp_graph_intervals(s, &n);
    for (size_t i = 0; i < n; i++) {
        const int64_t took = depot_time_between(iv[i].start, iv[i].stop != 0 ? iv[i].stop : now);
        if (took > 0 && sum < INT64_MAX - took)
            sum += took;
    }
    return sum;
}

/* ---- sums ---- */

const struct graph_sum *dp_graph_sum(const struct graph *g, unsigned stage, size_t lane)
{
    return &g->sums.items[stage * g->nlanes + lane];
}

static void add_to_sum(struct graph_sum *sum, const struct depot_step *s)
{
    const enum depot_outcome v = dp_graph_outcome(s);
    size_t n;
    const struct depot_interval *iv = dp_graph_intervals(s, &n);
    sum->lines++;
    sum->by[v]++;
    sum->critical = sum->critical || s->critical;
    if (n > 0) {
        if (sum->started == 0 || iv[0].start < sum->started)
            sum->started = iv[0].start;
        if (iv[n - 1].stop > sum->completed)
            sum->completed = iv[n - 1].stop;
    }
    if (n > 0 && iv[n - 1].stop == 0) {
        if (sum->open == NULL || s->started >= sum->open->started)
            sum->open = s;
        for (; n > 0 && iv[n - 1].stop == 0; n--)
            ;
    }
    for (size_t i = 0; i < n; i++)
        sum->busy += iv[i].stop > iv[i].start ? depot_time_between(iv[i].start, iv[i].stop) : 0;
}

static enum depot_outcome conclude(const struct graph_sum *sum)
{
    static const unsigned char mid[] = {DEPOT_OUTCOME_FAILED, DEPOT_OUTCOME_RUNNING,
        DEPOT_OUTCOME_CANCELLED, DEPOT_OUTCOME_UNREACHED, DEPOT_OUTCOME_WAITING},
                               over[] = {DEPOT_OUTCOME_RAN, DEPOT_OUTCOME_SHARED, DEPOT_OUTCOME_HIT,
                                   DEPOT_OUTCOME_SKIPPED};
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(mid); i++)
        if (sum->by[mid[i]] > 0)
            return mid[i];
    for (size_t i = 0; i < DEPOT_ARRAY_LEN(over); i++)
        if (sum->by[over[i]] > 0)
            return over[i];
    return DEPOT_OUTCOME_WAITING;
}

static void conclude_stage(struct graph_stage *st, struct graph_sum *sums, size_t n)
{
    st->started_ = 0;
    st->busy = st->failed = false;
    for (struct graph_sum *sum = sums; sum < sums + n; sum++) {
        sum->outcome = conclude(sum);
        sum->done = sum->lines - sum->by[DEPOT_OUTCOME_WAITING] - sum->by[DEPOT_OUTCOME_RUNNING] -
                    sum->by[DEPOT_OUTCOME_UNREACHED];
        if (sum->open != NULL)
            sum->completed = 0;
        st->failed |= sum->by[DEPOT_OUTCOME_FAILED] > 0;
        st->busy |= sum->by[DEPOT_OUTCOME_RUNNING] + sum->by[DEPOT_OUTCOME_FAILED] > 0;
        if (sum->started != 0 && (st->started_ == 0 || sum->started < st->started_))
            st->started_ = sum->started;
    }
}

static void sum_up_stage(struct graph *g, unsigned stage)
{
    struct graph_stage *st = &g->stages.items[stage];
    struct graph_sum *sums = &g->sums.items[stage * g->nlanes];
    memset(sums, 0, g->nlanes * sizeof(*sums));
    for (size_t i = st->line; i < st->line + st->nlines; i++) {
        const struct depot_step *const *cells = &g->cells_.items[g->lines.items[i].cells_];
        for (size_t k = 0; k < g->nlanes; k++)
            if (cells[k] != NULL)
                add_to_sum(&sums[k], cells[k]);
    }
    conclude_stage(st, sums, g->nlanes);
}

static void sum_up(struct graph *g)
{
    g->sums.len = 0;
    for (size_t i = 0; i < g->stages.len * g->nlanes; i++)
        (void)depot_vec_add(&g->sums);
    for (unsigned i = 0; i < g->stages.len; i++)
        sum_up_stage(g, i);
}

/* Stages of steps that were touched since the last time, each once. */
static void sum_up_touched(struct graph *g, const struct depot_build *b)
{
    for (size_t i = 0; i < b->touched.len; i++) {
        size_t line, lane;
        if (!dp_graph_find(g, b->touched.items[i], &line, &lane))
            continue;
        const unsigned stage = g->lines.items[line].stage;
        if (g->stages.items[stage].summed_ == b->derived)
            continue;
        g->stages.items[stage].summed_ = b->derived;
        sum_up_stage(g, stage);
    }
}

static uint64_t sign(const struct graph *g, const struct depot_build *b)
{
    uint64_t h = b->steps.len * 1000003u + g->nlanes;
    for (size_t i = 0; i < b->steps.len; i++) {
        const struct depot_step *s = b->steps.items[i];
        h = h * 31 + s->ninputs;
        h = h * 31 + (uintptr_t)s->platform;
        h = h * 31 + (uintptr_t)s->parsed.stage + (uintptr_t)s->group + s->weak +
            (s->foreign ? 2u : 0u);
    }
    return h | 1; /* never 0, which is no signature */
}

/* Whether the structure is another; most often the build itself knows that it is not. */
static bool is_other(struct graph *g, const struct depot_build *b)
{
    const size_t lanes = g->nlanes;
    find_lanes(g, b);
    if (g->signature_ != 0 && g->structure_ == b->structure && lanes == g->nlanes)
        return false;
    const uint64_t before = g->signature_;
    g->structure_ = b->structure;
    g->signature_ = sign(g, b);
    return g->signature_ != before || lanes != g->nlanes;
}

enum graph_change dp_graph_update(struct graph *g, const struct depot_build *b)
{
    if (g->build_ != NULL && g->build_ != b)
        dp_graph_forget(g);
    const bool next = g->structure_ == b->structure && g->derived_ + 1 == b->derived &&
                      g->build_ == b; /* else more was touched than the last time */
    const bool other = is_other(g, b);
    if (!other && g->build_ == b && g->derived_ == b->derived)
        return GRAPH_SAME;
    g->build_ = b;
    g->derived_ = b->derived;
    if (other)
        rebuild(g, b);
    if (next && !other)
        sum_up_touched(g, b);
    else
        sum_up(g);
    if (other) {
        dp_graph_arrange(g);
        g->structure++;
    }
    return other ? GRAPH_STRUCTURE : GRAPH_SUMS;
}

/* ---- rows ---- */

static bool is_miss(const struct graph *g, size_t line)
{
    for (size_t i = 0; i < g->nlanes; i++) {
        const struct depot_step *s = dp_graph_cell(g, line, i);
        const enum depot_outcome v = s != NULL ? dp_graph_outcome(s) : DEPOT_OUTCOME_HIT;
        if (v == DEPOT_OUTCOME_RAN || v == DEPOT_OUTCOME_RUNNING || v == DEPOT_OUTCOME_FAILED ||
            v == DEPOT_OUTCOME_CANCELLED)
            return true;
    }
    return false;
}

static bool is_critical(const struct graph *g, size_t line)
{
    for (size_t i = 0; i < g->nlanes; i++) {
        const struct depot_step *s = dp_graph_cell(g, line, i);
        if (s != NULL && s->critical)
            return true;
    }
    return false;
}

static bool passes(const struct graph *g, const struct graph_show *show, size_t line)
{
    return (!show->critical || is_critical(g, line)) && (!show->misses || is_miss(g, line)) &&
           (show->passes == NULL || show->passes(g, line, show->arg));
}

/* What FOLD_AUTO may show in so many rows. */
enum room { ROOM_FAILED, ROOM_BUSY, ROOM_ALL };

static enum room find_room(const struct graph *g, size_t fits)
{
    size_t all = 0, busy = 0;
    for (size_t i = 0; i < g->order.len && busy <= fits; i++) {
        const struct graph_stage *st = &g->stages.items[g->order.items[i]];
        const size_t open = st->kind == GRAPH_INTERNAL || st->nlines == 1 ? 1 : 1 + st->nlines;
        all += open;
        busy += st->busy ? open : 1;
    }
    return busy > fits ? ROOM_FAILED : all > fits ? ROOM_BUSY : ROOM_ALL;
}

static bool opens(const struct graph_stage *st, const struct graph_show *show, enum room room)
{
    if (st->nlines < 2)
        return false;
    if (show->all)
        return st->kind != GRAPH_INTERNAL || show->internal;
    if (st->kind == GRAPH_INTERNAL)
        return st->fold == FOLD_OPEN || (show->internal && st->fold != FOLD_CLOSED);
    if (st->fold != FOLD_AUTO)
        return st->fold == FOLD_OPEN;
    return room == ROOM_ALL || (room == ROOM_BUSY && st->busy) || st->failed || show->critical ||
           show->misses || show->passes != NULL;
}

/* Without a filter all lines pass, as new ones do: nothing to do but behind one. */
static void filter_lines(struct graph *g, const struct graph_show *show)
{
    const bool filters = show->critical || show->misses || show->passes != NULL;
    for (size_t i = 0; (filters || g->filtered_) && i < g->lines.len; i++)
        g->lines.items[i].passes = passes(g, show, i);
    g->filtered_ = filters;
}

static bool any_passes(const struct graph *g, const struct graph_stage *st)
{
    for (size_t i = st->line; i < st->line + st->nlines; i++)
        if (g->lines.items[i].passes)
            return true;
    return false;
}

static void add_lines(struct graph *g, unsigned stage)
{
    const struct graph_stage *st = &g->stages.items[stage];
    for (size_t i = st->line; i < st->line + st->nlines; i++) {
        const struct graph_row row = {.stage = stage, .line = i};
        if (g->lines.items[i].passes)
            depot_vec_push(&g->rows, row);
    }
}

void dp_graph_show(struct graph *g, const struct graph_show *show)
{
    const enum room room = find_room(g, show->fits);
    filter_lines(g, show);
    g->rows.len = 0;
    for (size_t i = 0; i < g->order.len; i++) {
        struct graph_stage *st = &g->stages.items[g->order.items[i]];
        const struct graph_row head = {.stage = g->order.items[i], .line = SIZE_MAX};
        if (st->kind == GRAPH_INTERNAL && (show->critical || show->misses) && !show->internal)
            continue;
        st->open_ = opens(st, show, room);
        if (!any_passes(g, st))
            continue;
        depot_vec_push(&g->rows, head);
        if (st->open_)
            add_lines(g, head.stage);
    }
}

bool dp_graph_is_open(const struct graph *g, unsigned stage)
{
    return g->stages.items[stage].open_;
}
