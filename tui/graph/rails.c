/*
 * The order of stages and the rails between them.
 *
 * A rail is a column that leads from a stage to those that need it. Each edge gets a column of its
 * own while there are any, so that forks and joins stand on the rows of the stages themselves;
 * after that edges share one, which then leads to several stages.
 */
#include "graph_priv.h"

#include <stdlib.h>
#include <string.h>

enum {
    REDUCE_STAGES_MAX = 4096,
    REDUCE_WORK_MAX = 20 * 1000 * 1000, /* words */
    COLUMNS = 64,
};

/* ---- order ---- */

struct heap {
    const struct graph *g;
    unsigned *items;
    size_t len;
};

/* What was shown before keeps its order; then what started first; then what was announced last,
 * since results are announced before what they need. */
static bool goes_first(const struct heap *h, unsigned a, unsigned b)
{
    const struct graph_stage *x = &h->g->stages.items[a], *y = &h->g->stages.items[b];
    if ((x->started_ == 0) != (y->started_ == 0))
        return x->started_ != 0;
    if (x->started_ != y->started_)
        return x->started_ < y->started_;
    if (x->rank_ != y->rank_)
        return x->rank_ < y->rank_;
    if (x->last_ != y->last_)
        return x->last_ > y->last_;
    return a < b;
}

static void heap_push(struct heap *h, unsigned v)
{
    size_t i = h->len++;
    for (; i > 0 && goes_first(h, v, h->items[(i - 1) / 2]); i = (i - 1) / 2)
        h->items[i] = h->items[(i - 1) / 2];
    h->items[i] = v;
}

static unsigned heap_pop(struct heap *h)
{
    const unsigned top = h->items[0], v = h->items[--h->len];
    size_t i = 0;
    for (size_t kid; (kid = 2 * i + 1) < h->len; i = kid) {
        if (kid + 1 < h->len && goes_first(h, h->items[kid + 1], h->items[kid]))
            kid++;
        if (!goes_first(h, h->items[kid], v))
            break;
        h->items[i] = h->items[kid];
    }
    h->items[i] = v;
    return top;
}

static bool is_railed(const struct graph_stage *st)
{
    return st->present && st->kind <= GRAPH_CHAIN;
}

/* The next stage in the order of before, of those that are there; UINT32_MAX: none. */
static void link_old(struct graph *g, const unsigned *old, size_t n, unsigned *next, unsigned *left)
{
    unsigned last = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        if (!is_railed(&g->stages.items[old[i]]))
            continue;
        if (last != UINT32_MAX) {
            next[last] = old[i];
            left[old[i]]++;
        }
        last = old[i];
    }
}

static void put(
    struct graph *g, struct heap *ready, unsigned v, const unsigned *next, unsigned *left)
{
    const struct graph_stage *st = &g->stages.items[v];
    g->stages.items[v].mark_ = 1;
    depot_vec_push(&g->order, v);
    for (size_t i = 0; i < st->needed_by.len; i++)
        if (left[st->needed_by.items[i]] > 0 && --left[st->needed_by.items[i]] == 0 &&
            g->stages.items[st->needed_by.items[i]].mark_ == 0)
            heap_push(ready, st->needed_by.items[i]);
    if (next[v] != UINT32_MAX && left[next[v]] > 0 && --left[next[v]] == 0 &&
        g->stages.items[next[v]].mark_ == 0)
        heap_push(ready, next[v]);
}

static void find_order(struct graph *g)
{
    const size_t n = g->stages.len, nold = g->order.len;
    unsigned *old = depot_memdup(g->order.items, nold * sizeof(*old));
    unsigned *next = depot_alloc((n + 1) * sizeof(*next));
    unsigned *left = depot_calloc(n + 1, sizeof(*left));
    struct heap ready = {.g = g, .items = depot_alloc((2 * n + 1) * sizeof(unsigned))};
    size_t stuck = 0;
    memset(next, 0xff, (n + 1) * sizeof(*next));
    for (size_t i = 0; i < n; i++) {
        g->stages.items[i].mark_ = 0;
        left[i] = (unsigned)g->stages.items[i].needs.len;
    }
    link_old(g, old, nold, next, left);
    g->order.len = 0;
    for (size_t i = 0; i < n; i++)
        if (is_railed(&g->stages.items[i]) && left[i] == 0)
            heap_push(&ready, (unsigned)i);
    for (;;) {
        while (ready.len > 0) {
            const unsigned v = heap_pop(&ready);
            if (g->stages.items[v].mark_ == 0)
                put(g, &ready, v, next, left);
        }
        /* A circle, or edges that contradict the order of before, which wins. */
        for (; stuck < nold + n; stuck++) {
            const unsigned v = stuck < nold ? old[stuck] : (unsigned)(stuck - nold);
            if (is_railed(&g->stages.items[v]) && g->stages.items[v].mark_ == 0) {
                put(g, &ready, v, next, left);
                break;
            }
        }
        if (stuck == nold + n)
            break;
    }
    for (enum graph_kind k = GRAPH_EXPORT; k <= GRAPH_INTERNAL; k++)
        for (size_t i = 0; i < n; i++)
            if (g->stages.items[i].present && g->stages.items[i].kind == k)
                depot_vec_push(&g->order, (unsigned)i);
    for (size_t i = 0; i < n; i++)
        g->stages.items[i].rank_ = UINT32_MAX;
    for (size_t i = 0; i < g->order.len; i++)
        g->stages.items[g->order.items[i]].rank_ = (unsigned)i;
    depot_free(old);
    depot_free(next);
    depot_free(left);
    depot_free(ready.items);
}

/* ---- edges ---- */

static void link_needed_by(struct graph *g)
{
    for (size_t i = 0; i < g->stages.len; i++)
        g->stages.items[i].needed_by.len = 0;
    for (size_t i = 0; i < g->stages.len; i++)
        for (size_t k = 0; k < g->stages.items[i].needs.len; k++)
            depot_vec_push(
                &g->stages.items[g->stages.items[i].needs.items[k]].needed_by, (unsigned)i);
}

struct edge {
    unsigned rank, stage;
};

static int by_rank_down(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    return x->rank > y->rank ? -1 : x->rank < y->rank;
}

static int by_rank_up(const void *a, const void *b)
{
    return by_rank_down(b, a);
}

/* `list` by rank; in place. */
static void sort_edges(
    const struct graph *g, unsigned *list, size_t n, int (*cmp)(const void *, const void *))
{
    struct edge small[64], *edges = n <= 64 ? small : depot_alloc(n * sizeof(*edges));
    for (size_t i = 0; i < n; i++)
        edges[i] = (struct edge){g->stages.items[list[i]].rank_, list[i]};
    if (n > 1)
        qsort(edges, n, sizeof(*edges), cmp);
    for (size_t i = 0; i < n; i++)
        list[i] = edges[i].stage;
    if (edges != small)
        depot_free(edges);
}

/* Needs that lead upwards only: a circle is cut where it would go back. */
static size_t cut_circles(struct graph *g)
{
    size_t edges = 0;
    for (size_t i = 0; i < g->order.len; i++) {
        struct graph_stage *st = &g->stages.items[g->order.items[i]];
        size_t kept = 0;
        for (size_t k = 0; k < st->needs.len; k++)
            if (g->stages.items[st->needs.items[k]].rank_ < st->rank_)
                st->needs.items[kept++] = st->needs.items[k];
        st->needs.len = kept;
        edges += kept;
    }
    return edges;
}

/* Drop a need that another need has already: rails show the way, not each step of it. */
static void reduce(struct graph *g, size_t edges)
{
    const size_t n = g->order.len, words = n / 64 + 1;
    if (n > REDUCE_STAGES_MAX || edges * words > REDUCE_WORK_MAX)
        return;
    uint64_t *reach = depot_calloc(n * words + 1, sizeof(*reach));
    for (size_t i = 0; i < n; i++) {
        struct graph_stage *st = &g->stages.items[g->order.items[i]];
        uint64_t *mine = &reach[i * words];
        size_t kept = 0;
        sort_edges(g, st->needs.items, st->needs.len, by_rank_down);
        for (size_t k = 0; k < st->needs.len; k++) {
            const unsigned r = g->stages.items[st->needs.items[k]].rank_;
            if (mine[r / 64] >> r % 64 & 1)
                continue;
            st->needs.items[kept++] = st->needs.items[k];
            for (size_t x = 0; x < words; x++)
                mine[x] |= reach[r * words + x];
            mine[r / 64] |= (uint64_t)1 << r % 64;
        }
        st->needs.len = kept;
    }
    depot_free(reach);
}

/* ---- rails ---- */

struct rails {
    unsigned pending[COLUMNS]; /* stages that a rail still leads to; 0: the column is free */
    uint64_t used;
};

static int free_column(const struct rails *r, int below)
{
    for (int c = 0; c < below; c++)
        if (r->pending[c] == 0)
            return c;
    return -1;
}

static void lead_to(struct graph *g, struct rails *r, int column, unsigned to)
{
    struct graph_stage *st = &g->stages.items[to];
    const uint64_t bit = (uint64_t)1 << column;
    if (st->in_ & bit)
        return;
    st->in_ |= bit;
    r->pending[column]++;
    r->used |= bit;
}

/* A horizontal line from the node to a column. */
static void connect(unsigned char *cells, int from, int to)
{
    const int lo = from < to ? from : to, hi = from < to ? to : from;
    for (int x = 2 * lo; x <= 2 * hi && x < GRAPH_RAIL_W; x++) {
        if (x > 2 * lo)
            cells[x] |= RAIL_LEFT;
        if (x < 2 * hi)
            cells[x] |= RAIL_RIGHT;
    }
}

static void draw_cells(
    struct graph *g, struct graph_stage *st, uint64_t before, uint64_t after, uint64_t joined)
{
    const int drawn = GRAPH_RAILS;
    memset(st->rail, 0, sizeof(st->rail));
    memset(st->below, 0, sizeof(st->below));
    for (int c = 0; c < drawn; c++) {
        const uint64_t bit = (uint64_t)1 << c;
        if (before & bit)
            st->rail[2 * c] |= RAIL_UP;
        if (after & bit) {
            st->rail[2 * c] |= RAIL_DOWN;
            st->below[2 * c] = RAIL_UP | RAIL_DOWN;
        }
        if ((joined & bit) && c != st->column)
            connect(st->rail, st->column < drawn ? st->column : drawn, c);
    }
    /* A rail that is only crossed: it does not meet the line. */
    for (int c = 0; c < drawn; c++)
        if (!(joined >> c & 1) && c != st->column && (st->rail[2 * c] & (RAIL_LEFT | RAIL_RIGHT)))
            st->rail[2 * c] |= RAIL_OVER;
    if (st->column < drawn)
        st->rail[2 * st->column] |= RAIL_NODE;
    st->hidden = st->column >= drawn;
    for (int c = drawn; c < COLUMNS; c++)
        st->hidden += (after | before) >> c & 1 && c != st->column;
    for (int c = 0; c < drawn; c++)
        if (((before | after) >> c & 1 || c == st->column) && g->columns < (unsigned)c + 1)
            g->columns = (unsigned)c + 1;
}

static void draw_stage(struct graph *g, struct rails *r, struct graph_stage *st)
{
    const uint64_t before = r->used;
    uint64_t joined = st->in_;
    int column = -1;
    for (int c = COLUMNS; c-- > 0;) {
        if (!(st->in_ >> c & 1))
            continue;
        if (--r->pending[c] == 0) {
            r->used &= ~((uint64_t)1 << c);
            column = c;
        }
    }
    if (column < 0)
        column = free_column(r, COLUMNS);
    if (column < 0)
        column = COLUMNS - 1;
    st->column = column;
    sort_edges(g, st->needed_by.items, st->needed_by.len, by_rank_up);
    for (size_t k = 0; k < st->needed_by.len; k++) {
        int c = k == 0 ? column : free_column(r, GRAPH_RAILS);
        c = c < 0 ? column : c;
        lead_to(g, r, c, st->needed_by.items[k]);
        joined |= (uint64_t)1 << c;
    }
    draw_cells(g, st, before, r->used, joined);
}

void dp_graph_arrange(struct graph *g)
{
    struct rails r = {{0}, 0};
    link_needed_by(g);
    find_order(g);
    reduce(g, cut_circles(g));
    link_needed_by(g);
    g->columns = 0;
    for (size_t i = 0; i < g->stages.len; i++) {
        struct graph_stage *st = &g->stages.items[i];
        st->in_ = 0;
        st->column = -1;
        st->hidden = 0;
        memset(st->rail, 0, sizeof(st->rail));
        memset(st->below, 0, sizeof(st->below));
    }
    for (size_t i = 0; i < g->order.len; i++) {
        struct graph_stage *st = &g->stages.items[g->order.items[i]];
        if (st->kind <= GRAPH_CHAIN)
            draw_stage(g, &r, st);
    }
}

/* ---- what belongs together ---- */

static void spread(struct graph *g, unsigned from, bool down)
{
    DEPOT_VEC(unsigned) todo = {0};
    depot_vec_push(&todo, from);
    while (todo.len > 0) {
        const struct graph_stage *st = &g->stages.items[todo.items[--todo.len]];
        const size_t n = down ? st->needed_by.len : st->needs.len;
        for (size_t i = 0; i < n; i++) {
            const unsigned v = down ? st->needed_by.items[i] : st->needs.items[i];
            if (g->stages.items[v].related)
                continue;
            g->stages.items[v].related = true;
            depot_vec_push(&todo, v);
        }
    }
    depot_vec_free(&todo);
}

void dp_graph_relate(struct graph *g, unsigned stage)
{
    for (size_t i = 0; i < g->stages.len; i++)
        g->stages.items[i].related = false;
    if (stage >= g->stages.len)
        return;
    g->stages.items[stage].related = true;
    spread(g, stage, false);
    spread(g, stage, true);
}
