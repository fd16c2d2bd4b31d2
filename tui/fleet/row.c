/*
 * What tables show of a build: elapsed and expected time, what it does now.
 */
#include "fleet_priv.h"
#include "failure.h"
#include <depot/text.h>

#include <depot/text.h>
#include <depot/utf8.h>

#include <stdio.h>
#include <string.h>

/* ---- what it does now ---- */

static void clean_into(char *out, size_t size, const char *s)
{
    size_t at = 0;
    for (size_t n = strlen(s), used; n > 0; s += used, n -= used) {
        const int32_t ch = depot_utf8_decode(s, n, &used);
        if (ch >= 0 && depot_text_width_of((uint32_t)ch) < 0)
            continue;
        if (at + used >= size)
            break;
        memcpy(out + at, s, used);
        at += used;
    }
    out[at] = '\0';
}

static bool is_joining(const struct fleet_build *b)
{
    const struct depot_build *d = b->state;
    if (d == NULL || b->sum.state != DEPOT_BUILD_RUNNING || d->parts.len == 0)
        return false;
    for (size_t i = 0; i < d->parts.len; i++)
        if (!depot_build_state_over(d->parts.items[i]->state))
            return false;
    return true;
}

/* The running step that matters most: a line of the Dockerfile before an export before the rest,
 * the one that runs longest. */
static const struct depot_step *busiest(const struct depot_build *b)
{
    static const int rank[] = {
        [DEPOT_STEP_BUILD] = 2, [DEPOT_STEP_EXPORT] = 1, [DEPOT_STEP_INTERNAL] = 0};
    const struct depot_step *best = NULL;
    for (size_t i = 0; i < b->running.len; i++) {
        const struct depot_step *s = b->running.items[i];
        if (best == NULL || rank[s->parsed.kind] > rank[best->parsed.kind])
            best = s;
    }
    return best;
}

static const struct depot_transfer *moving(const struct depot_step *s)
{
    const struct depot_transfer *best = NULL;
    for (size_t i = 0; i < s->transfers.len; i++) {
        const struct depot_transfer *t = s->transfers.items[i];
        if (t->completed == 0 && t->total > 0 && (best == NULL || t->total > best->total))
            best = t;
    }
    return best;
}

/* "arm64 build 3/5 RUN make"; the platform where there are several. */
static void put_name(struct depot_buf *out, const struct fleet_build *b, const char *platform,
    const struct depot_step_name *name)
{
    const size_t platforms = b->state != NULL ? b->state->lanes.len : b->sum.info.nplatforms;
    if (platforms > 1 && !depot_str_empty(platform))
        depot_buf_addf(out, "%.64s ", depot_text_platform(platform));
    if (name->ordinal > 0)
        depot_buf_addf(out, "%.64s%s%d/%d ", name->stage, name->stage[0] != '\0' ? " " : "",
            name->ordinal, name->total);
    depot_buf_addf(out, "%.256s", name->instruction); /* more than a row has */
}

static void say_step(
    const struct fleet_build *b, const struct depot_step *s, char *out, size_t size)
{
    struct depot_buf text = DEPOT_BUF_INIT(4096);
    const struct depot_transfer *t = moving(s);
    put_name(&text, b, is_joining(b) ? NULL : s->platform, &s->parsed);
    if (t != NULL)
        depot_buf_addf(&text, " %d%%", (int)((double)t->current * 100 / (double)t->total));
    clean_into(out, size, depot_buf_str(&text));
    depot_buf_release(&text);
}

static void say_failed_step(const struct fleet_build *b, char *out, size_t size)
{
    struct depot_buf text = DEPOT_BUF_INIT(4096);
    struct depot_arena arena = {0};
    struct depot_step_name name;
    depot_step_name_parse(&name, b->sum.failed_step.name, &arena);
    put_name(&text, b, b->sum.failed_step.platform, &name);
    clean_into(out, size, depot_buf_str(&text));
    depot_buf_release(&text);
    depot_arena_release(&arena);
}

void dp_fleet_in_line(struct depot_buf *out, const struct depot_part *p)
{
    if (p->queue_position > 0)
        depot_buf_addf(out, "number %d ", p->queue_position);
    depot_buf_adds(out, "in line");
    if (!depot_str_empty(p->queue_reason))
        depot_buf_addf(out, ": %s", p->queue_reason);
}

static void say_waiting(const struct depot_build *b, char *out, size_t size)
{
    struct depot_buf text = DEPOT_BUF_INIT(4096);
    for (size_t i = 0; i < b->parts.len; i++) {
        const struct depot_part *p = b->parts.items[i];
        if (p->state != DEPOT_BUILD_QUEUED)
            continue;
        if (b->parts.len > 1)
            depot_buf_addf(&text, "%s is ", depot_text_platform(p->platform));
        dp_fleet_in_line(&text, p);
        break;
    }
    clean_into(out, size, depot_buf_str(&text));
    depot_buf_release(&text);
}

/* Where the result went, by the exporter's step. */
static void say_done(const struct fleet_build *b, char *out, size_t size)
{
    const struct depot_build_summary *sum = &b->sum;
    if (sum->info.ntags > 0)
        clean_into(out, size, sum->info.tags[0]);
    for (size_t i = 0; b->state != NULL && out[0] == '\0' && i < b->state->started.len; i++) {
        const struct depot_step *s = b->state->started.items[i];
        if (s->parsed.kind == DEPOT_STEP_EXPORT)
            clean_into(out, size, s->parsed.instruction);
    }
}

static void say_message(const char *message, char *out, size_t size)
{
    struct depot_buf text = DEPOT_BUF_INIT(64 * 1024);
    dp_failure_point(&text, message, true);
    clean_into(out, size, depot_buf_str(&text));
    depot_buf_release(&text);
}

static void say_now(const struct fleet_build *b, char *out, size_t size)
{
    const struct depot_step *s = NULL;
    out[0] = '\0';
    switch (b->sum.state) {
    case DEPOT_BUILD_RUNNING:
        s = b->state != NULL ? busiest(b->state) : NULL;
        if (s == NULL && b->state != NULL)
            say_waiting(b->state, out, size);
        break;
    case DEPOT_BUILD_FAILED:
        /* Of a command its step tells more than its exit code. */
        if (b->sum.failed_step.name != NULL &&
            (b->sum.message == NULL || strstr(b->sum.message, "process \"") != NULL))
            say_failed_step(b, out, size);
        break;
    case DEPOT_BUILD_SUCCEEDED:
        say_done(b, out, size);
        return;
    default:
        if (b->state != NULL)
            say_waiting(b->state, out, size);
        break;
    }
    if (s != NULL)
        say_step(b, s, out, size);
    else if (out[0] == '\0' && b->sum.message != NULL)
        say_message(b->sum.message, out, size);
}

/* ---- time ---- */

static void expect(const struct fleet *f, const struct fleet_build *b, struct fleet_row *row)
{
    struct step_stats st;
    row->eta_low = row->eta_high = -1;
    if (depot_build_state_over(row->state) || !dp_fleet_project_stats(f, b->sum.info.project, &st))
        return;
    row->eta_low = st.p25 > row->elapsed ? st.p25 - row->elapsed : 0;
    row->eta_high = st.p75 > row->elapsed ? st.p75 - row->elapsed : 0;
    if (row->eta_high == 0) /* longer than ever: nobody knows */
        row->eta_low = row->eta_high = -1;
}

static int64_t saved(const struct fleet *f, const struct fleet_build *b)
{
    int64_t sum = 0;
    bool any = false;
    if (b->state == NULL || depot_map_len(f->priv->stats) == 0)
        return -1;
    for (size_t i = 0; i < b->state->steps.len; i++) {
        const struct depot_step *s = b->state->steps.items[i];
        struct step_stats st;
        if (s->parsed.kind != DEPOT_STEP_BUILD ||
            (s->outcome != DEPOT_OUTCOME_HIT && s->outcome != DEPOT_OUTCOME_SKIPPED) ||
            !dp_fleet_step_stats(f, b, s, &st))
            continue;
        sum += st.median;
        any = true;
    }
    return any ? sum : -1;
}

/* A platform that has not begun will have about as many steps as the largest of the others. */
static int expected(const struct fleet_build *b)
{
    const struct depot_build *d = b->state;
    int most = 0, silent = 0;
    if (d == NULL || depot_build_state_over(b->sum.state))
        return b->sum.counts.total;
    for (size_t i = 0; i < d->parts.len; i++) {
        const struct depot_part *p = d->parts.items[i];
        silent += p->counts.total == 0 && !depot_build_state_over(p->state);
        most = p->counts.total > most ? p->counts.total : most;
    }
    return b->sum.counts.total + silent * most;
}

void dp_fleet_progress(struct depot_buf *out, const struct fleet_row *row)
{
    depot_buf_addf(
        out, "%d/%s%d", row->done, row->expected > row->counts.total ? "~" : "", row->expected);
}

int dp_fleet_done(const struct depot_counts *c)
{
    return c->hit + c->ran + c->shared + c->failed + c->cancelled + c->skipped;
}

void dp_fleet_row(
    const struct fleet *f, const struct fleet_build *b, depot_time now, struct fleet_row *out)
{
    const struct depot_build_summary *sum = &b->sum;
    memset(out, 0, sizeof(*out));
    now = dp_fleet_build_now(b, now);
    out->state = sum->state;
    out->joining = is_joining(b);
    out->counts = sum->counts;
    out->done = dp_fleet_done(&sum->counts);
    out->expected = expected(b);
    if (depot_build_state_over(sum->state) && sum->duration_ms > 0)
        out->elapsed = sum->duration_ms * DEPOT_MSEC;
    else if (sum->finished != 0)
        out->elapsed = sum->finished - sum->created;
    else if (sum->created != 0)
        out->elapsed = now - sum->created;
    if (out->elapsed < 0)
        out->elapsed = 0;
    out->saved = saved(f, b);
    expect(f, b, out);
    say_now(b, out->now, sizeof(out->now));
}
