/*
 * What the build view says of steps, as text.
 */
#include "build_priv.h"

#include <stdio.h>

enum { INSTRUCTION_MAX = 400 }; /* bytes; no row is that wide */

void dp_build_instruction(struct depot_buf *out, const struct depot_step *s)
{
    const char *p = *s->parsed.instruction != '\0' ? s->parsed.instruction : s->name;
    const size_t start = out->len;
    bool blank = false;
    for (; *p != '\0' && out->len - start < INSTRUCTION_MAX; p++) {
        if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r') {
            blank = true;
            continue;
        }
        if (blank && out->len > start)
            depot_buf_addc(out, ' ');
        blank = false;
        depot_buf_addc(out, *p);
    }
}

void dp_build_line_name(struct depot_buf *out, const struct depot_step *s)
{
    const struct depot_step_name *p = &s->parsed;
    if (p->ordinal == 0) {
        dp_build_instruction(out, s);
        return;
    }
    if (*p->stage != '\0')
        depot_buf_addf(out, "%s ", p->stage);
    depot_buf_addf(out, "%d/%d", p->ordinal, p->total);
}

/* ---- what moves ---- */

struct moved {
    int64_t current, total;
    depot_time from, to;
    bool over;
};

static struct moved sum_moves(const struct depot_step *s, depot_time now)
{
    struct moved m = {.over = true};
    for (size_t i = 0; i < s->transfers.len; i++) {
        const struct depot_transfer *t = s->transfers.items[i];
        const depot_time to = t->completed != 0 ? t->completed : now;
        if (t->current <= 0 && t->total <= 0)
            continue;
        m.current += t->current > 0 ? t->current : 0;
        m.total += t->total > t->current ? t->total : t->current;
        m.over = m.over && t->completed != 0;
        if (t->started != 0 && (m.from == 0 || t->started < m.from))
            m.from = t->started;
        m.to = to > m.to ? to : m.to;
    }
    return m;
}

void dp_build_moves(struct depot_buf *out, const struct depot_step *s, depot_time now, bool rate)
{
    char text[DEPOT_TEXT_MAX];
    const struct moved m = sum_moves(s, now);
    if (m.total <= 0 && m.current <= 0)
        return;
    depot_buf_adds(out, depot_text_share(text, m.current, m.total));
    const int64_t ns = m.from != 0 && m.to > m.from ? depot_time_between(m.from, m.to) : 0;
    if (rate && ns > DEPOT_SEC / 10 && m.current > 0)
        depot_buf_addf(
            out, "  %s", depot_text_rate(text, (double)m.current * DEPOT_SEC / (double)ns));
}

void dp_build_context(const struct build_view *v, struct depot_buf *out, size_t lane)
{
    const struct depot_part *p = dp_build_part_of(v, lane);
    char files[DEPOT_TEXT_MAX], bytes[DEPOT_TEXT_MAX];
    if (p != NULL && p->has_context && p->context.files > 0)
        depot_buf_addf(out, "context %s file%s, %s sent", depot_text_count(files, p->context.files),
            p->context.files == 1 ? "" : "s", depot_text_bytes(bytes, p->context.sent_bytes));
}

/* ---- why it waits ---- */

const struct depot_part *dp_build_part_of(const struct build_view *v, size_t lane)
{
    return depot_build_maker(v->build->state, v->graph.lanes[lane]);
}

/* An input that is not there yet, and whether it is of another stage. */
static const struct depot_step *missing_input(const struct depot_step *s)
{
    const struct depot_step *found = NULL;
    for (size_t i = 0; i < s->ninputs; i++) {
        const struct depot_step *in = s->inputs[i];
        if (!in->known || depot_step_is_completed(in) || in->parsed.kind != DEPOT_STEP_BUILD)
            continue;
        if (found == NULL || in->outcome == DEPOT_OUTCOME_RUNNING)
            found = in;
    }
    return found;
}

static void add_name(struct depot_buf *out, const char *name)
{
    if (out->len > 0)
        depot_buf_adds(out, ", ");
    depot_buf_adds(out, name);
}

void dp_build_waits_for(
    const struct build_view *v, struct depot_buf *out, const struct build_item *it, size_t lane)
{
    const struct graph_stage *st = &v->graph.stages.items[it->stage];
    const struct depot_part *p = dp_build_part_of(v, lane);
    if (p != NULL && p->state == DEPOT_BUILD_QUEUED) {
        dp_fleet_in_line(out, p);
        return;
    }
    if (it->kind == ITEM_STAGE) {
        for (size_t i = 0; i < st->needs.len; i++) {
            const struct graph_sum *sum = dp_graph_sum(&v->graph, st->needs.items[i], lane);
            const char *name = v->graph.stages.items[st->needs.items[i]].name;
            if (sum->done < sum->lines && *name != '\0')
                add_name(out, name);
        }
        return;
    }
    const struct depot_step *s = dp_graph_cell(&v->graph, it->line, lane);
    const struct depot_step *in = s != NULL ? missing_input(s) : NULL;
    /* That it waits for the line above goes without saying. */
    if (in != NULL &&
        (!depot_str_eq(in->parsed.stage, s->parsed.stage) || in->outcome == DEPOT_OUTCOME_RUNNING))
        dp_build_line_name(out, in);
}
