/*
 * The rows of the why view: causes with their evidence and what followed, and which is selected.
 */
#include "tui/widget/step.h"
#include "why_priv.h"

#include <stdlib.h>

enum {
    FOLLOWERS_OPEN = 8, /* as many are shown without being asked for */
    HINT_INDENT = 4,    /* columns beside a hint */
    EVIDENCE_MAX = 20,  /* rows of a cause */
    LABEL_MAX_W = 16,
    WIDEST_OF = 200, /* steps whose labels are measured */
};

int dp_why_step_label_w(const struct depot_step *s)
{
    struct depot_buf text = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    int w = 0;
    if (s->parsed.ordinal > 0) {
        dp_step_label(&text, s);
        w = depot_text_width(depot_buf_str(&text));
    }
    depot_buf_release(&text);
    return w < LABEL_MAX_W ? w : LABEL_MAX_W;
}

/* Of all steps that followed: what these say stands in one column. */
static int label_w(const struct depot_cause *c)
{
    int w = 0;
    for (size_t i = 1; i < c->steps.len && i < WIDEST_OF; i++) {
        const int own = dp_why_step_label_w(c->steps.items[i]);
        w = own > w ? own : w;
    }
    return w;
}

const struct depot_cause *dp_why_cause_on(
    const struct why_view *v, const struct depot_cause *c, const char *platform)
{
    for (size_t i = 0; i < v->why.causes.len && i < DEPOT_WHY_CAUSES_MAX; i++) {
        const struct depot_cause *t = v->why.causes.items[i];
        if ((t == c || t->sibling_of == c) && depot_str_eq(t->step->platform, platform))
            return t;
    }
    return NULL;
}

static bool is_same_place(const struct depot_step *a, const struct depot_step *b)
{
    return a->parsed.ordinal == b->parsed.ordinal &&
           depot_str_eq(a->parsed.stage, b->parsed.stage) &&
           depot_str_eq(a->parsed.instruction, b->parsed.instruction);
}

const struct depot_step *dp_why_step_on(const struct why_view *v, const struct depot_cause *c,
    const struct depot_step *s, const char *platform)
{
    const struct depot_cause *t = dp_why_cause_on(v, c, platform);
    return t != NULL ? depot_why_step_on(&v->why, t, s) : NULL;
}

static void push(struct why_view *v, enum why_kind kind, const struct depot_cause *c)
{
    const struct why_row row = {.kind = kind, .cause = c};
    depot_vec_push(&v->list, row);
}

static char *fold_key(const struct depot_cause *c)
{
    const struct depot_step_name *n = &c->step->parsed;
    return depot_asprintf(
        "%s %s %d %s", c->step->part->platform, n->stage, n->ordinal, n->instruction);
}

bool dp_why_is_open(const struct why_view *v, const struct depot_cause *c)
{
    char *key = fold_key(c);
    const bool turned = depot_strv_has(&v->folds, key);
    depot_free(key);
    return turned != (c->steps.len <= FOLLOWERS_OPEN);
}

void dp_why_turn_fold(struct why_view *v, const struct depot_cause *c)
{
    char *key = fold_key(c);
    for (size_t i = 0; i < v->folds.len; i++) {
        if (!depot_str_eq(v->folds.items[i], key))
            continue;
        depot_free(v->folds.items[i]);
        depot_vec_remove(&v->folds, i);
        depot_free(key);
        return;
    }
    depot_strv_push_take(&v->folds, key);
}

static void list_evidence(struct why_view *v, const struct depot_cause *c)
{
    for (size_t i = 0; i < c->evidence.len && i < EVIDENCE_MAX; i++) {
        push(v, WHY_EVIDENCE, c);
        v->list.items[v->list.len - 1].index = i;
    }
    if (c->evidence.len + c->more > EVIDENCE_MAX) {
        push(v, WHY_MORE, c);
        v->list.items[v->list.len - 1].index = c->evidence.len + c->more - EVIDENCE_MAX;
    }
}

static void list_steps(struct why_view *v, const struct depot_cause *c)
{
    if (c->steps.len < 2)
        return;
    push(v, WHY_AFTER, c);
    if (!dp_why_is_open(v, c))
        return;
    const int w = label_w(c);
    for (size_t i = 1; i < c->steps.len; i++) {
        push(v, WHY_STEP, c);
        v->list.items[v->list.len - 1].step = c->steps.items[i];
        v->list.items[v->list.len - 1].label_w = w;
    }
}

static void list_hint(struct why_view *v, const struct depot_cause *c)
{
    const char *hint = depot_reason_hint(c->reason);
    for (size_t at = 0; hint != NULL && hint[at] != '\0';) {
        const size_t n = depot_text_line(hint + at, v->listed_w - HINT_INDENT);
        push(v, WHY_HINT, c);
        v->list.items[v->list.len - 1].index = at;
        v->list.items[v->list.len - 1].len = n;
        at += n + strspn(hint + at + n, " ");
    }
}

static void list_cause(struct why_view *v, const struct depot_cause *c)
{
    if (v->list.len > 0)
        push(v, WHY_GAP, NULL);
    push(v, WHY_CAUSE, c);
    v->list.items[v->list.len - 1].step = c->step;
    if (c->reason != DEPOT_REASON_FIRST) /* the head says so */
        push(v, WHY_REASON, c);
    list_evidence(v, c);
    list_steps(v, c);
    list_hint(v, c);
}

static int64_t cost(const struct why_view *v, const struct depot_cause *c)
{
    int64_t most = 0;
    for (size_t i = 0; i < v->nlanes; i++) {
        const struct depot_cause *t = dp_why_cause_on(v, c, v->lanes[i]);
        most = t != NULL && t->took > most ? t->took : most;
    }
    return most;
}

struct priced {
    const struct depot_cause *cause;
    int64_t cost;
};

static int by_cost(const void *a, const void *b)
{
    const struct priced *x = a, *y = b;
    return x->cost < y->cost ? 1 : -(x->cost > y->cost);
}

static void find_lanes(struct why_view *v)
{
    v->nlanes = 0;
    for (size_t i = 0; i < v->why.causes.len; i++) {
        const char *p = v->why.causes.items[i]->step->platform;
        size_t k = 0;
        while (k < v->nlanes && !depot_str_eq(v->lanes[k], p))
            k++;
        if (k == v->nlanes && k < WHY_LANES_MAX)
            v->lanes[v->nlanes++] = p;
    }
}

/* What costs most stands first, once nothing moves any more. */
static void list_causes(struct why_view *v)
{
    DEPOT_VEC(struct priced) list = {0};
    for (size_t i = 0; i < v->why.causes.len && i < DEPOT_WHY_CAUSES_MAX; i++) {
        const struct depot_cause *c = v->why.causes.items[i];
        if (c->sibling_of == NULL)
            depot_vec_push(&list, ((struct priced){c, cost(v, c)}));
    }
    if (dp_why_is_whole(v->build) && list.len > 0)
        qsort(list.items, list.len, sizeof(*list.items), by_cost);
    for (size_t i = 0; i < list.len; i++)
        list_cause(v, list.items[i].cause);
    depot_vec_free(&list);
}

bool dp_why_select_step(struct why_view *v, const struct depot_step *s)
{
    const struct depot_cause *c = depot_why_of(&v->why, s);
    if (c == NULL)
        return false;
    if (c->sibling_of != NULL)
        c = c->sibling_of;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < v->list.len; i++) {
            const struct why_row *r = &v->list.items[i];
            if (r->cause != c || r->step == NULL || (pass == 0 && !is_same_place(r->step, s)))
                continue;
            dp_rows_move(&v->rows, i);
            return true;
        }
    }
    return false;
}

struct why_place dp_why_place_of(const struct why_view *v)
{
    const size_t at = v->rows.selected;
    if (at >= v->list.len || v->list.items[at].cause == NULL)
        return (struct why_place){.cause = NULL, .index = at};
    const struct why_row *r = &v->list.items[at];
    struct why_place p = {.kind = r->kind, .cause = fold_key(r->cause), .index = at};
    for (size_t i = 0; i < at; i++)
        p.nth += v->list.items[i].cause == r->cause && v->list.items[i].kind == r->kind;
    return p;
}

static bool has_key(const struct depot_cause *c, const char *want)
{
    char *key = fold_key(c);
    const bool same = depot_str_eq(key, want);
    depot_free(key);
    return same;
}

static void select_place(struct why_view *v, const struct why_place *p)
{
    const struct depot_cause *last = NULL;
    bool same = false;
    size_t nth = 0;
    for (size_t i = 0; p->cause != NULL && i < v->list.len; i++) {
        const struct why_row *r = &v->list.items[i];
        if (r->cause == NULL || r->kind != p->kind)
            continue;
        if (r->cause != last)
            same = has_key(r->cause, p->cause);
        last = r->cause;
        if (!same || nth++ < p->nth)
            continue;
        dp_rows_move(&v->rows, i);
        return;
    }
    dp_rows_layout(&v->rows, v->list.len, v->rows.page);
}

void dp_why_list_at(struct why_view *v, struct why_place *p)
{
    v->list.len = 0;
    find_lanes(v);
    list_causes(v);
    v->rows.count = v->list.len;
    select_place(v, p);
    depot_free(p->cause);
}

void dp_why_relist(struct why_view *v)
{
    struct why_place p = dp_why_place_of(v);
    dp_why_list_at(v, &p);
}
