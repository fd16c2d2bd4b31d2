/*
 * The plain sink: which step is shown when. BuildKit's `--progress=plain`, byte for byte.
 * How a step is printed is in plain_row.c.
 */
#include "render/plain.h"

#include <stdlib.h>
#include <string.h>

/* BuildKit's own numbers, in nanoseconds. */
#define PRINT_EVERY  (100 * DEPOT_MSEC) /* at most one pass of printing in this time */
#define TICK_EVERY   (150 * DEPOT_MSEC) /* without events, look this often */
#define STARVED      (10 * DEPOT_SEC)   /* a step with something to say waits no longer */
#define FLICKER_SECS 5.0                /* a step keeps the screen for this long, or longer */

static struct dp_plain *plain_of(struct depot_render *r)
{
    return DEPOT_CONTAINER_OF(r, struct dp_plain, base);
}

static bool is_started(const struct dp_plain_row *row)
{
    size_t n;

    (void)dp_plain_intervals(row, &n);
    return n > 0;
}

static depot_time last_stop(const struct dp_plain_row *row)
{
    size_t n;
    const struct depot_interval *ivals = dp_plain_intervals(row, &n);

    return n ? ivals[n - 1].stop : 0;
}

bool dp_plain_is_completed(const struct dp_plain_row *row)
{
    return last_stop(row) != 0;
}

static bool is_hidden(const struct dp_plain_row *row)
{
    return row->group != NULL && row->group->hidden;
}

static struct dp_plain_row *row_new(struct dp_plain *p, const struct depot_step *s)
{
    struct dp_plain_row *row = depot_calloc(1, sizeof(*row));

    row->step = s;
    row->group = s->group;
    row->order = p->rows.len;
    depot_buf_init(&row->logs, DEPOT_BUF_NO_LIMIT);
    depot_vec_push(&p->rows, row);
    return row;
}

/* The row that stands for a step: its own, or its group's. */
static struct dp_plain_row *row_of(struct dp_plain *p, const struct depot_step *s)
{
    struct dp_plain_row **slot;

    while (p->steps.len <= s->index)
        (void)depot_vec_add(&p->steps);
    if (s->group != NULL) {
        while (p->groups.len <= s->group->index)
            depot_vec_push(&p->groups, NULL);
        slot = &p->groups.items[s->group->index];
    } else {
        slot = &p->steps.items[s->index].row;
    }
    if (*slot == NULL)
        *slot = row_new(p, s);
    return *slot;
}

static void count_change(struct dp_plain_row *row, uint64_t now)
{
    if (row->count == 0) {
        row->block = now;
        row->has_block = true;
    }
    row->count++;
}

static void mark_updated(struct dp_plain *p, struct dp_plain_row *row)
{
    if (row->updated)
        return;
    row->updated = true;
    depot_vec_push(&p->updates, row);
}

static void list_row(struct dp_plain *p, struct dp_plain_row *row)
{
    if (row->listed)
        return;
    depot_vec_push(&p->listed, row);
    row->listed = p->listed.len;
}

/* Whether a snapshot says anything that the one before did not. A completed one always does. */
static bool take_snapshot(
    struct dp_plain_row *row, const struct depot_step *s, const struct depot_vertex *v)
{
    bool changed = !row->seen.any || v->completed || row->seen.started != v->started ||
                   row->seen.cached != v->cached || row->seen.name != s->name ||
                   row->seen.error != s->error;

    row->seen.any = true;
    row->seen.started = v->started;
    row->seen.cached = v->cached;
    row->seen.name = s->name;
    row->seen.error = s->error;
    return changed;
}

static void apply_vertexes(
    struct dp_plain *p, const struct depot_part *part, const struct depot_status *st, uint64_t now)
{
    const struct depot_build *b = p->base.build;
    size_t ngroups = 0;

    for (size_t i = 0; i < st->nvertexes; i++) {
        const struct depot_vertex *v = &st->vertexes[i];
        const struct depot_step *s = depot_build_step(b, part, v->digest);
        struct dp_plain_row *row;

        if (s == NULL || !s->known)
            continue;
        row = row_of(p, s);
        if (row->group != NULL) {
            ngroups++;
            continue;
        }
        if (!v->started)
            continue;
        if (take_snapshot(row, s, v)) {
            count_change(row, now);
            mark_updated(p, row);
        }
        list_row(p, row);
    }
    for (size_t i = 0; ngroups && i < st->nvertexes; i++) {
        const struct depot_step *s = depot_build_step(b, part, st->vertexes[i].digest);
        struct dp_plain_row *row = s != NULL && s->known && s->group != NULL ? row_of(p, s) : NULL;

        if (row == NULL || row->group_revision == b->revision)
            continue;
        row->group_revision = b->revision;
        if (row->group->hidden || row->group->revision != b->revision)
            continue;
        list_row(p, row);
        count_change(row, now);
        mark_updated(p, row);
    }
}

static void apply_transfers(struct dp_plain *p, const struct depot_step *s, uint64_t now)
{
    struct dp_plain_row *row = row_of(p, s);
    size_t *n = &p->steps.items[s->index].ntransfers;

    for (; *n < s->transfers.len; ++*n)
        depot_vec_push(&row->transfers, s->transfers.items[*n]);
    mark_updated(p, row);
    count_change(row, now);
}

static void apply_warnings(struct dp_plain *p, const struct depot_step *s, uint64_t now)
{
    struct dp_plain_row *row = row_of(p, s);
    size_t *n = &p->steps.items[s->index].nwarnings;

    for (; *n < s->warnings.len; ++*n) {
        depot_vec_push(&row->warnings, s->warnings.items[*n]);
        count_change(row, now);
    }
}

static void apply_rest(
    struct dp_plain *p, const struct depot_part *part, const struct depot_status *st, uint64_t now)
{
    const struct depot_build *b = p->base.build;
    const struct depot_step *s = NULL;

    for (size_t i = 0; i < st->nstatuses; i++) {
        s = depot_build_step(b, part, st->statuses[i].vertex);
        if (s != NULL && s->known)
            apply_transfers(p, s, now);
    }
    for (size_t i = 0; i < st->nwarnings; i++) {
        s = depot_build_step(b, part, st->warnings[i].vertex);
        if (s != NULL && s->known)
            apply_warnings(p, s, now);
    }
    s = NULL;
    for (size_t i = 0; i < st->nlogs; i++) {
        struct dp_plain_row *row;

        if (s == NULL || !depot_str_eq(s->digest, st->logs[i].vertex))
            s = depot_build_step(b, part, st->logs[i].vertex);
        if (s == NULL || !s->known)
            continue;
        row = row_of(p, s);
        dp_plain_add_log(p, row, &st->logs[i]);
        mark_updated(p, row);
        count_change(row, now);
    }
}

static int by_stop(const void *a, const void *b)
{
    const struct dp_plain_row *x = *(struct dp_plain_row *const *)a;
    const struct dp_plain_row *y = *(struct dp_plain_row *const *)b;
    depot_time sx = last_stop(x), sy = last_stop(y);

    if (sx != sy)
        return sx < sy ? -1 : 1;
    if (x->listed != y->listed)
        return x->listed < y->listed ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

/* For depot_vec_push(). */
struct row_list {
    struct dp_plain_row **items;
    size_t len, cap;
};

static bool has(const struct row_list *list, const struct dp_plain_row *row)
{
    for (size_t i = 0; row != NULL && i < list->len; i++)
        if (list->items[i] == row)
            return true;
    return false;
}

/* Nothing is waiting: if no step is shown, show one that runs. */
static void show_any(struct dp_plain *p, const struct dp_plain_row *current)
{
    if (current != NULL && is_started(current) && !dp_plain_is_completed(current))
        return;
    for (size_t i = 0; i < p->rows.len; i++) {
        struct dp_plain_row *row = p->rows.items[i];

        if (is_started(row) && !dp_plain_is_completed(row) && !is_hidden(row)) {
            dp_plain_print_row(p, row);
            return;
        }
    }
}

struct share {
    struct dp_plain_row *row;
    uint64_t waited;
    double speed;
    bool starved;
};

/* The running steps that have something to say compete for the screen by how much they say. */
static void compete(struct dp_plain *p, const struct row_list *rest, struct dp_plain_row *current,
    bool free_screen, uint64_t now)
{
    struct share *shares = depot_calloc(rest->len + 1, sizeof(*shares)), *max = NULL;
    struct share *own = NULL, *starved = NULL;
    size_t n = 0;
    double sum = 0;

    for (size_t i = 0; i < rest->len; i++) {
        struct dp_plain_row *row = rest->items[i];
        struct share *s = &shares[n];

        if (!row->has_block)
            continue;
        n++;
        s->row = row;
        s->waited = now - row->block;
        s->speed = (double)row->count / dp_plain_seconds((int64_t)s->waited);
        s->starved = s->waited > (uint64_t)STARVED && row != current;
        sum += s->speed;
        if (s->starved && starved == NULL)
            starved = s;
        if (row == current)
            own = s;
        if (s->starved || max == NULL || max->speed < s->speed)
            max = s;
    }
    if (max == NULL)
        goto out;
    if (free_screen)
        dp_plain_print_row(p, max->row);
    else if (starved != NULL)
        dp_plain_print_row(p, starved->row);
    else if (own != NULL &&
             1.0 / (1.0 - own->speed / sum) * FLICKER_SECS < dp_plain_seconds((int64_t)own->waited))
        dp_plain_print_row(p, max->row);
out:
    depot_free(shares);
}

static void split_updates(struct dp_plain *p, struct row_list *completed, struct row_list *rest)
{
    for (size_t i = 0; i < p->updates.len; i++) {
        struct dp_plain_row *row = p->updates.items[i];

        if (is_hidden(row))
            continue;
        if (dp_plain_is_completed(row))
            depot_vec_push(completed, row);
        else
            depot_vec_push(rest, row);
    }
    if (completed->len > 1)
        qsort(completed->items, completed->len, sizeof(void *), by_stop);
}

/* With groups the step that is shown stays until it is over. */
static bool keeps_screen(const struct dp_plain *p)
{
    return p->base.opts.groups && !p->ending && p->current != NULL &&
           !dp_plain_is_completed(p->current);
}

static void print_pass(struct dp_plain *p, uint64_t now)
{
    struct row_list completed = {0}, rest = {0};
    struct dp_plain_row *current = p->current;
    bool over;
    size_t kept = 0;

    split_updates(p, &completed, &rest);
    over = has(&completed, current);
    if (over)
        dp_plain_print_row(p, current);
    if (keeps_screen(p)) {
        if (has(&rest, current))
            dp_plain_print_row(p, current);
        completed.len = rest.len = 0;
    }
    for (size_t i = 0; i < completed.len; i++)
        if (completed.items[i] != current)
            dp_plain_print_row(p, completed.items[i]);
    if (rest.len == 0) {
        show_any(p, current);
    } else {
        if (has(&rest, current))
            dp_plain_print_row(p, current);
        else if (current != NULL)
            depot_vec_push(&rest, current);
        compete(p, &rest, current, over || current == NULL, now);
    }
    for (size_t i = 0; i < p->updates.len; i++)
        if (p->updates.items[i]->updated)
            p->updates.items[kept++] = p->updates.items[i];
    p->updates.len = kept;
    depot_vec_free(&completed);
    depot_vec_free(&rest);
}

static void plain_apply(struct depot_render *r, const struct depot_event *ev, uint64_t now)
{
    struct dp_plain *p = plain_of(r);
    const struct depot_part *part;

    if (ev->type == DEPOT_EVENT_BUILD_QUEUED &&
        (part = depot_build_part(r->build, ev->u.queued.platform)) != NULL)
        dp_plain_print_wait(p, part);
    if (ev->type == DEPOT_EVENT_BUILD_ASSIGNED &&
        (part = depot_build_part(r->build, ev->u.assigned.platform)) != NULL &&
        part->assigned == ev->time) /* not when it is solved again */
        dp_plain_print_assigned(p, part);
    if (ev->type != DEPOT_EVENT_BUILD_STATUS)
        return;
    part = depot_build_part(r->build, ev->u.status.platform);
    if (part == NULL)
        return;
    apply_vertexes(p, part, &ev->u.status.status, now);
    apply_rest(p, part, &ev->u.status.status, now);
    p->tick = now + (uint64_t)TICK_EVERY;
    p->idle = false;
    if (p->printed_once && now - p->limiter < (uint64_t)PRINT_EVERY)
        return;
    p->printed_once = true;
    p->limiter = now;
    print_pass(p, now);
}

static uint64_t plain_deadline(const struct depot_render *r)
{
    const struct dp_plain *p = DEPOT_CONTAINER_OF(r, const struct dp_plain, base);

    return p->idle ? 0 : p->tick;
}

static void plain_tick(struct depot_render *r, uint64_t now)
{
    struct dp_plain *p = plain_of(r);

    if (!p->tick || now < p->tick)
        return;
    p->tick = now + (uint64_t)TICK_EVERY;
    /* With nothing waiting one pass settles what is shown; another would find the same. */
    p->idle = p->updates.len == 0;
    print_pass(p, now);
}

static void plain_end(struct depot_render *r, uint64_t now)
{
    struct dp_plain *p = plain_of(r);

    p->idle = true;
    p->ending = true;
    print_pass(p, now);
    for (size_t i = 0; p->base.opts.groups && i < p->updates.len; i++)
        if (!is_hidden(p->updates.items[i]))
            dp_plain_print_row(p, p->updates.items[i]);
    dp_plain_end_group(p);
    if (!p->base.opts.part)
        dp_plain_print_errors(p);
}

static void plain_begin(struct depot_render *r)
{
    plain_of(r)->last = depot_map_new();
}

static void plain_release(struct depot_render *r)
{
    struct dp_plain *p = plain_of(r);
    size_t pos = 0;
    void *last;

    for (size_t i = 0; i < p->rows.len; i++) {
        struct dp_plain_row *row = p->rows.items[i];

        for (size_t k = 0; row->ring != NULL && k < DP_PLAIN_RING; k++)
            depot_buf_release(&row->ring[k]);
        depot_free(row->ring);
        depot_buf_release(&row->logs);
        depot_vec_free(&row->transfers);
        depot_vec_free(&row->warnings);
        depot_free(row);
    }
    while (depot_map_next(p->last, &pos, NULL, &last))
        depot_free(last);
    depot_map_free(p->last);
    depot_vec_free(&p->rows);
    depot_vec_free(&p->listed);
    depot_vec_free(&p->updates);
    depot_vec_free(&p->steps);
    depot_vec_free(&p->groups);
}

const struct dp_render_ops dp_render_plain = {
    .name = "plain",
    .size = sizeof(struct dp_plain),
    .begin = plain_begin,
    .apply = plain_apply,
    .deadline = plain_deadline,
    .tick = plain_tick,
    .end = plain_end,
    .release = plain_release,
};
