/*
 * The rows of the build view: lanes, in them stages, in them steps; or all steps by duration.
 */
#include "build_view.h"

#include <stdio.h>
#include <stdlib.h>

static const char fold_open[] = "open", fold_closed[] = "closed";

const struct depot_step *dp_build_row_step(const struct build_view *v, const struct build_row *r)
{
    const struct depot_build *b = v->build->state;
    return b != NULL && r->step < b->steps.len ? b->steps.items[r->step] : NULL;
}

/* ---- stages ---- */

static size_t lane_of(const struct depot_build *b, const struct depot_step *s)
{
    for (size_t i = 0; i < b->lanes.len; i++)
        if (depot_str_eq(b->lanes.items[i].platform, s->platform))
            return i;
    return 0;
}

/* Of a group of vertexes that are one line, the first that counts. */
static bool stands_alone(const struct depot_step *s)
{
    if (s->group == NULL)
        return true;
    for (size_t i = 0; i < s->group->members.len; i++)
        if (!s->group->members.items[i]->weak)
            return s->group->members.items[i] == s;
    return s->group->members.len > 0 && s->group->members.items[0] == s;
}

static size_t find_stage(struct build_view *v, size_t lane, const char *name)
{
    for (size_t i = 0; i < v->stages.len; i++)
        if (v->stages.items[i].lane == lane && depot_str_eq(v->stages.items[i].name, name))
            return i;
    struct build_stage *s = depot_vec_add(&v->stages);
    s->lane = lane;
    s->name = name;
    return v->stages.len - 1;
}

static void release_stages(struct build_view *v)
{
    for (size_t i = 0; i < v->stages.len; i++) {
        depot_vec_free(&v->stages.items[i].steps);
        depot_vec_free(&v->stages.items[i].needs);
    }
    v->stages.len = 0;
}

static void add_to_stage(
    struct build_stage *st, const struct depot_build *b, const struct depot_step *s)
{
    size_t at = st->steps.len;
    depot_vec_push(&st->steps, s->index);
    while (at > 0 && b->steps.items[st->steps.items[at - 1]]->parsed.ordinal > s->parsed.ordinal) {
        st->steps.items[at] = st->steps.items[at - 1];
        at--;
    }
    st->steps.items[at] = s->index;
    st->over += s->verdict != DEPOT_VERDICT_WAITING && s->verdict != DEPOT_VERDICT_RUNNING;
    st->running += s->verdict == DEPOT_VERDICT_RUNNING;
    st->failed += s->verdict == DEPOT_VERDICT_FAILED;
    st->hit += s->verdict == DEPOT_VERDICT_HIT || s->verdict == DEPOT_VERDICT_SKIPPED;
    st->critical |= s->critical;
    if (s->intervals.len == 0)
        return;
    const depot_time first = s->intervals.items[0].start;
    const depot_time last = s->intervals.items[s->intervals.len - 1].stop;
    if (first != 0 && (st->started == 0 || first < st->started))
        st->started = first;
    st->completed = last > st->completed ? last : st->completed;
}

static void note_need(struct build_stage *st, size_t other)
{
    for (size_t i = 0; i < st->needs.len; i++)
        if (st->needs.items[i] == other)
            return;
    depot_vec_push(&st->needs, other);
}

/* Which stage each step is in, by step index; SIZE_MAX: none. */
static void link_stages(struct build_view *v, const struct depot_build *b, const size_t *of_step)
{
    for (size_t i = 0; i < v->stages.len; i++) {
        struct build_stage *st = &v->stages.items[i];
        for (size_t j = 0; j < st->steps.len; j++) {
            const struct depot_step *s = b->steps.items[st->steps.items[j]];
            for (size_t k = 0; k < s->ninputs; k++) {
                const struct depot_step *in = s->inputs[k];
                if (!in->known || in->index >= b->steps.len)
                    continue;
                const size_t other = of_step[in->index];
                if (other != SIZE_MAX && other != i && v->stages.items[other].lane == st->lane)
                    note_need(st, other);
            }
        }
    }
}

static char *fold_key(const struct build_stage *st)
{
    return depot_asprintf("%zu\n%s", st->lane, st->name);
}

void dp_build_rows_fold(struct build_view *v, size_t stage, bool folded)
{
    if (stage >= v->stages.len)
        return;
    char *key = fold_key(&v->stages.items[stage]);
    const void *value = folded ? fold_closed : fold_open;
    depot_map_set(v->folds, key, (void *)(uintptr_t)value);
    depot_free(key);
    v->stale = true;
}

/* What a stage takes from comes before it; else the order of announcement. */
static void order_stage(struct build_view *v, size_t index, unsigned char *seen)
{
    if (seen[index])
        return;
    seen[index] = 1; /* before its needs: a cycle ends here */
    const struct build_stage *st = &v->stages.items[index];
    for (size_t i = 0; i < st->needs.len; i++)
        order_stage(v, st->needs.items[i], seen);
    depot_vec_push(&v->order, index);
}

static void order_stages(struct build_view *v)
{
    unsigned char *seen = depot_calloc(v->stages.len + 1, 1);
    v->order.len = 0;
    for (size_t i = 0; i < v->stages.len; i++)
        order_stage(v, i, seen);
    depot_free(seen);
}

static void make_stages(struct build_view *v, const struct depot_build *b)
{
    size_t *of_step = depot_alloc((b->steps.len + 1) * sizeof(*of_step));
    release_stages(v);
    v->internal_count = v->internal_running = 0;
    for (size_t i = 0; i < b->steps.len; i++) {
        const struct depot_step *s = b->steps.items[i];
        of_step[i] = SIZE_MAX;
        if (s->parsed.kind == DEPOT_STEP_INTERNAL) {
            v->internal_count++;
            v->internal_running += s->verdict == DEPOT_VERDICT_RUNNING;
        }
        if ((s->parsed.kind != DEPOT_STEP_BUILD || !stands_alone(s)))
            continue;
        of_step[i] = find_stage(v, lane_of(b, s), s->parsed.stage);
        add_to_stage(&v->stages.items[of_step[i]], b, s);
    }
    link_stages(v, b, of_step);
    order_stages(v);
    for (size_t i = 0; i < v->stages.len; i++) {
        char *key = fold_key(&v->stages.items[i]);
        v->stages.items[i].folded = depot_map_get(v->folds, key) == fold_closed;
        depot_free(key);
    }
    depot_free(of_step);
}

/* ---- rows ---- */

static void add_row(
    struct build_view *v, enum build_row_kind kind, size_t lane, size_t stage, size_t step)
{
    const struct build_row r = {.kind = kind, .lane = lane, .stage = stage, .step = step};
    depot_vec_push(&v->list, r);
}

static bool is_shown(const struct build_view *v, const struct depot_step *s)
{
    if (v->critical_only && !s->critical)
        return false;
    return !v->misses_only ||
           (s->verdict != DEPOT_VERDICT_HIT && s->verdict != DEPOT_VERDICT_SKIPPED);
}

static void add_stage(struct build_view *v, const struct depot_build *b, size_t index, bool headed)
{
    const struct build_stage *st = &v->stages.items[index];
    bool any = false;
    for (size_t i = 0; i < st->steps.len; i++)
        any |= is_shown(v, b->steps.items[st->steps.items[i]]);
    if (!any)
        return;
    if (headed)
        add_row(v, ROW_STAGE, st->lane, index, SIZE_MAX);
    for (size_t i = 0; i < st->steps.len && !(headed && st->folded); i++)
        if (is_shown(v, b->steps.items[st->steps.items[i]]))
            add_row(v, ROW_STEP, st->lane, index, st->steps.items[i]);
}

static void add_lane(struct build_view *v, const struct depot_build *b, size_t lane)
{
    size_t named = 0;
    for (size_t i = 0; i < v->stages.len; i++)
        named += v->stages.items[i].lane == lane && v->stages.items[i].name[0] != '\0';
    bool any = named > 0;
    for (size_t i = 0; i < v->stages.len; i++)
        any |= v->stages.items[i].lane == lane;
    if (!any)
        return;
    if (b->lanes.len > 1) {
        if (v->list.len > 0)
            add_row(v, ROW_BLANK, lane, SIZE_MAX, SIZE_MAX);
        add_row(v, ROW_LANE, lane, SIZE_MAX, SIZE_MAX);
    }
    for (size_t i = 0; i < v->order.len; i++) {
        const struct build_stage *st = &v->stages.items[v->order.items[i]];
        if (st->lane == lane)
            add_stage(v, b, v->order.items[i], st->name[0] != '\0');
    }
}

/* Exports, and the internal steps: one row unless they are asked for. */
static void add_rest(struct build_view *v, const struct depot_build *b)
{
    bool blank = v->list.len == 0;
    for (size_t i = 0; i < b->steps.len; i++) {
        const struct depot_step *s = b->steps.items[i];
        const bool wanted = s->parsed.kind == DEPOT_STEP_EXPORT ||
                            (s->parsed.kind == DEPOT_STEP_INTERNAL &&
                                (v->internal || s->verdict == DEPOT_VERDICT_FAILED));
        if (!wanted || !is_shown(v, s))
            continue;
        if (!blank)
            add_row(v, ROW_BLANK, SIZE_MAX, SIZE_MAX, SIZE_MAX);
        blank = true;
        add_row(v, ROW_STEP, lane_of(b, s), SIZE_MAX, i);
    }
    if (v->internal || v->internal_count == 0 || v->critical_only || v->misses_only)
        return;
    if (!blank)
        add_row(v, ROW_BLANK, SIZE_MAX, SIZE_MAX, SIZE_MAX);
    add_row(v, ROW_FOLDED_INTERNAL, SIZE_MAX, SIZE_MAX, SIZE_MAX);
}

/* ---- flat ---- */

struct timed {
    size_t step;
    int64_t ns;
};

static int by_duration(const void *a, const void *b)
{
    const struct timed *x = a, *y = b;
    if (x->ns != y->ns)
        return x->ns > y->ns ? -1 : 1;
    return x->step < y->step ? -1 : x->step > y->step;
}

static void make_flat(struct build_view *v, const struct depot_build *b)
{
    struct timed *all = depot_alloc((b->steps.len + 1) * sizeof(*all));
    const depot_time now = dp_fleet_build_now(v->build, dp_tui_now(v->base.tui));
    size_t n = 0;
    for (size_t i = 0; i < b->steps.len; i++) {
        const struct depot_step *s = b->steps.items[i];
        if (!is_shown(v, s) || !stands_alone(s) || !depot_step_is_started(s) ||
            (s->parsed.kind == DEPOT_STEP_INTERNAL && !v->internal))
            continue;
        all[n++] = (struct timed){i, depot_step_duration(s, now)};
    }
    qsort(all, n, sizeof(*all), by_duration);
    for (size_t i = 0; i < n; i++)
        add_row(v, ROW_STEP, lane_of(b, b->steps.items[all[i].step]), SIZE_MAX, all[i].step);
    depot_free(all);
}

/* ---- the whole ---- */

static bool is_selected(const struct build_view *v, const struct build_row *r)
{
    const struct build_row *to = &v->selected;
    const struct depot_build *b = v->build->state;
    if (r->kind != to->kind)
        return false;
    if (r->kind == ROW_STEP)
        return r->step == to->step;
    if (r->stage != to->stage)
        return false;
    return r->kind != ROW_LANE ||
           (r->lane < b->lanes.len &&
               depot_str_eq(b->lanes.items[r->lane].platform, v->selected_lane));
}

static void keep_selection(struct build_view *v)
{
    for (size_t i = 0; v->moved && i < v->list.len; i++) {
        if (is_selected(v, &v->list.items[i])) {
            dp_rows_move(&v->rows, i);
            return;
        }
    }
}

void dp_build_rows_note(struct build_view *v)
{
    const struct depot_build *b = v->build->state;
    if (b == NULL || v->rows.selected >= v->list.len)
        return;
    v->selected = v->list.items[v->rows.selected];
    snprintf(v->selected_lane, sizeof(v->selected_lane), "%s",
        v->selected.lane < b->lanes.len ? b->lanes.items[v->selected.lane].platform : "");
}

void dp_build_rows_make(struct build_view *v)
{
    const struct depot_build *b = v->build->state;
    v->list.len = 0;
    if (b == NULL) {
        release_stages(v);
        return;
    }
    make_stages(v, b);
    if (v->rendering == SHOW_FLAT) {
        make_flat(v, b);
    } else {
        for (size_t lane = 0; lane < b->lanes.len; lane++)
            add_lane(v, b, lane);
        add_rest(v, b);
    }
    keep_selection(v);
    dp_rows_layout(&v->rows, v->list.len, v->rows.page);
    dp_build_rows_note(v);
}

void dp_build_rows_release(struct build_view *v)
{
    release_stages(v);
    depot_vec_free(&v->stages);
    depot_vec_free(&v->order);
    depot_vec_free(&v->list);
    depot_map_free(v->folds);
}
