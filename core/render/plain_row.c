/*
 * How the plain sink prints one step: header, transfers, warnings, log lines, how it ended.
 */
#include "render/plain.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* BuildKit's: a transfer is printed again when it moved by this part of its total, or so late. */
#define TRANSFER_STEP  0.05
#define TRANSFER_EVERY (5 * DEPOT_SEC)

enum { NAME_MAX_TRUNCATED = 72 };

static const char *row_error(const struct dp_plain_row *row)
{
    return row->group != NULL ? row->group->error : row->step->error;
}

static bool is_cancelled(const char *error)
{
    return depot_str_ends(error, "context canceled");
}

static void put_number(struct depot_buf *out, const struct dp_plain_row *row)
{
    char tmp[16], *p = tmp + sizeof(tmp);
    unsigned n = (unsigned)row->number;

    *--p = ' ';
    do
        *--p = (char)('0' + n % 10);
    while (n /= 10);
    *--p = '#';
    depot_buf_add(out, p, (size_t)(tmp + sizeof(tmp) - p));
}

static void put_title(struct dp_plain *p, const struct dp_plain_row *row, bool truncate)
{
    struct depot_buf title = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);

    depot_step_title(&title, p->base.build, row->step);
    if (truncate && title.len > NAME_MAX_TRUNCATED) {
        depot_buf_truncate(&title, NAME_MAX_TRUNCATED);
        depot_buf_adds(&title, "...");
    }
    dp_put_text(&p->base.out, &p->base.opts, depot_buf_str(&title));
    depot_buf_release(&title);
}

/* ---- groups ---- */

/* Whether steps are seen as one line each. */
static bool folds(const struct dp_plain *p)
{
    return p->base.opts.groups && depot_ci_has_groups(p->base.opts.ci);
}

static void put_key(struct depot_buf *out, const struct dp_plain *p, const struct dp_plain_row *row)
{
    depot_buf_adds(out, "depot_");
    for (const char *c = p->base.build->id; *c; c++)
        if (isalnum((unsigned char)*c))
            depot_buf_addc(out, *c);
    depot_buf_addf(out, "_%d", row->number);
}

static void begin_group(struct dp_plain *p, const struct dp_plain_row *row)
{
    struct depot_buf title = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT),
                     key = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    size_t n;
    const struct depot_interval *ivals = dp_plain_intervals(row, &n);

    if (!folds(p))
        return;
    depot_step_title(&title, p->base.build, row->step);
    put_key(&key, p, row);
    depot_ci_put_group(dp_render_command(&p->base), p->base.opts.ci, depot_buf_str(&title),
        depot_buf_str(&key), n ? ivals[0].start / DEPOT_SEC : 0);
    depot_buf_release(&title);
    depot_buf_release(&key);
}

static void end_group(struct dp_plain *p, const struct dp_plain_row *row)
{
    struct depot_buf key = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    size_t n;
    const struct depot_interval *ivals = dp_plain_intervals(row, &n);
    depot_time at = n && ivals[n - 1].stop ? ivals[n - 1].stop : p->base.build->last;

    if (!folds(p))
        return;
    put_key(&key, p, row);
    depot_ci_put_group_end(
        dp_render_command(&p->base), p->base.opts.ci, depot_buf_str(&key), at / DEPOT_SEC);
    depot_buf_release(&key);
}

/* What comes behind the steps is to be seen. */
static void open_group(struct dp_plain *p)
{
    const struct depot_build *b = p->base.build;
    char *title;

    if (!p->base.opts.groups || !p->not_first)
        return;
    title = depot_asprintf("depot build %s %s", b->id, depot_build_state_name(b->state));
    depot_ci_put_open(dp_render_command(&p->base), p->base.opts.ci, title);
    depot_free(title);
}

static void leave(struct dp_plain *p)
{
    struct depot_buf *out = &p->base.out;
    struct dp_plain_row *old = p->current;

    if (old == NULL)
        return;
    if (old->partial)
        depot_buf_addc(out, '\n');
    old->offset = 0;
    old->count = 0;
    put_number(out, old);
    depot_buf_adds(out, "...\n");
    end_group(p, old);
    p->current = NULL;
}

void dp_plain_end_group(struct dp_plain *p)
{
    if (!p->base.opts.groups || p->current == NULL)
        return;
    if (p->current->partial)
        depot_buf_addc(&p->base.out, '\n');
    end_group(p, p->current);
    p->current = NULL;
}

/* A blank line, unless nothing was printed yet. */
static void put_gap(struct dp_plain *p)
{
    struct depot_buf *out = &p->base.out;

    if (p->not_first) {
        if (!folds(p))
            depot_buf_addc(out, '\n');
    } else if (p->base.opts.frame) {
        dp_put_frame_begin(out, &p->base.opts, p->base.build, NULL);
        depot_buf_addc(out, '\n');
    } else if (!depot_str_empty(p->base.opts.desc)) {
        depot_buf_adds(out, "#0 ");
        dp_put_text(out, &p->base.opts, p->base.opts.desc);
        depot_buf_adds(out, "\n\n");
    }
    p->not_first = true;
}

/* What no engine says, since it knows of no line: as #0, which is no step's number. */
void dp_plain_print_wait(struct dp_plain *p, const struct depot_part *part)
{
    struct depot_buf *out = &p->base.out;

    leave(p);
    put_gap(p);
    depot_buf_adds(out, "#0 ");
    dp_put_text(out, &p->base.opts, *part->platform ? part->platform : "build");
    dp_put_wait(out, part, p->base.opts.sanitize);
    depot_buf_addc(out, '\n');
}

/* Those that the first line could not name yet. */
void dp_plain_print_assigned(struct dp_plain *p, const struct depot_part *part)
{
    if (!p->not_first || !p->base.opts.frame)
        return;
    leave(p);
    put_gap(p);
    dp_put_frame_begin(&p->base.out, &p->base.opts, p->base.build, part);
}

/* Leave the step that is shown, and say which comes. */
static void switch_to(struct dp_plain *p, struct dp_plain_row *row)
{
    struct depot_buf *out = &p->base.out;

    if (row == p->current)
        return;
    leave(p);
    put_gap(p);
    begin_group(p, row);
    put_number(out, row);
    put_title(p, row, p->base.opts.truncate);
    depot_buf_addc(out, '\n');
}

static struct dp_plain_last *last_of(
    struct dp_plain *p, const struct depot_step *s, const struct depot_transfer *t, bool *fresh)
{
    struct depot_buf key = DEPOT_BUF_INIT(DEPOT_BUF_NO_LIMIT);
    struct dp_plain_last *last;

    /* One layer may be pulled for several steps of a part: it is printed once for all of them. */
    if (s->part->index)
        depot_buf_addf(&key, "%zu ", s->part->index);
    depot_buf_adds(&key, t->id);
    last = depot_map_get(p->last, depot_buf_str(&key));
    *fresh = last == NULL;
    if (last == NULL) {
        last = depot_calloc(1, sizeof(*last));
        depot_map_set(p->last, depot_buf_str(&key), last);
    }
    depot_buf_release(&key);
    return last;
}

static void put_transfer(
    struct dp_plain *p, const struct dp_plain_row *row, const struct depot_transfer *t)
{
    struct depot_buf *out = &p->base.out;
    depot_time end = t->completed ? t->completed : t->timestamp;
    double secs = t->started ? dp_plain_seconds(depot_time_between(t->started, end)) : 0;

    put_number(out, row);
    dp_put_text(out, &p->base.opts, t->id);
    if (t->total || t->current) {
        depot_buf_addc(out, ' ');
        dp_plain_put_bytes(out, t->current);
    }
    if (t->total) {
        depot_buf_adds(out, " / ");
        dp_plain_put_bytes(out, t->total);
    }
    if (secs > 0.01) {
        depot_buf_addc(out, ' ');
        dp_plain_put_fixed(out, secs, 1);
        depot_buf_addc(out, 's');
    }
    depot_buf_adds(out, t->completed ? " done\n" : "\n");
}

/* True when one that was printed is still open. */
static bool put_transfers(struct dp_plain *p, const struct dp_plain_row *row)
{
    bool open = false, fresh;

    for (size_t i = 0; i < row->transfers.len; i++) {
        const struct depot_transfer *t = row->transfers.items[i];
        struct dp_plain_last *last;
        double moved = 0;

        if (t->revision <= row->status_revision)
            continue;
        last = last_of(p, row->step, t, &fresh);
        if (t->total > 0)
            moved = (double)(int64_t)((uint64_t)t->current - (uint64_t)last->current) /
                    (double)t->total;
        if (!fresh && !t->completed && moved < TRANSFER_STEP &&
            depot_time_between(last->timestamp, t->timestamp) < TRANSFER_EVERY)
            continue;
        last->current = t->current;
        last->timestamp = t->timestamp;
        open = open || !t->completed;
        put_transfer(p, row, t);
    }
    return open;
}

static void ring_put(struct dp_plain_row *row, const char *line, size_t n)
{
    struct depot_buf *slot;

    if (row->ring == NULL) {
        row->ring = depot_calloc(DP_PLAIN_RING, sizeof(*row->ring));
        for (size_t i = 0; i < DP_PLAIN_RING; i++)
            depot_buf_init(&row->ring[i], DEPOT_BUF_NO_LIMIT);
    }
    slot = &row->ring[row->ring_at];
    depot_buf_clear(slot);
    depot_buf_add(slot, line, n);
    row->ring_used[row->ring_at] = true;
    /* As in BuildKit, while the last line is open the ring does not turn. */
    if (!row->partial)
        row->ring_at = (row->ring_at + 1) % DP_PLAIN_RING;
}

static void put_logs(struct dp_plain *p, struct dp_plain_row *row)
{
    struct depot_buf *out = &p->base.out;
    size_t at = 0, last_at = 0;

    for (size_t i = 0; i < row->nlines; i++) {
        const char *line = row->logs.data + at;
        const char *nl = i + 1 < row->nlines ? memchr(line, '\n', row->logs.len - at) : NULL;
        size_t n = nl != NULL ? (size_t)(nl - line) : row->logs.len - at;

        last_at = at;
        at += n + 1;
        if (i == 0 && row->offset) {
            line += row->offset;
            n -= row->offset;
        } else {
            put_number(out, row);
        }
        depot_buf_add(out, line, n);
        if (i + 1 < row->nlines || !row->partial)
            depot_buf_addc(out, '\n');
        ring_put(row, line, n);
    }
    if (!row->nlines)
        return;
    if (row->partial) {
        depot_buf_consume(&row->logs, last_at);
        row->nlines = 1;
        row->offset = row->logs.len;
    } else {
        depot_buf_clear(&row->logs);
        row->nlines = 0;
        row->offset = 0;
    }
}

static void put_end(struct dp_plain *p, struct dp_plain_row *row)
{
    struct depot_buf *out = &p->base.out;
    const char *error = row_error(row);
    size_t n;
    const struct depot_interval *ivals = dp_plain_intervals(row, &n);
    double secs = 0;

    if (row->partial)
        depot_buf_addc(out, '\n');
    put_number(out, row);
    if (error != NULL && is_cancelled(error)) {
        depot_buf_adds(out, "CANCELED\n");
    } else if (error != NULL) {
        depot_buf_adds(out, "ERROR: ");
        dp_put_text(out, &p->base.opts, error);
        depot_buf_addc(out, '\n');
    } else if (row->group != NULL ? row->group->cached : row->step->cached) {
        depot_buf_adds(out, "CACHED\n");
    } else {
        for (size_t i = 0; i < n; i++)
            secs += dp_plain_seconds(depot_time_between(ivals[i].start, ivals[i].stop));
        depot_buf_adds(out, "DONE ");
        dp_plain_put_fixed(out, secs, 1);
        depot_buf_adds(out, "s\n");
    }
}

void dp_plain_print_row(struct dp_plain *p, struct dp_plain_row *row)
{
    struct depot_buf *out = &p->base.out;
    bool open;

    if (!row->number)
        row->number = ++p->next_number;
    switch_to(p, row);
    open = put_transfers(p, row);
    row->status_revision = p->base.build->revision;
    for (; row->warnings_printed < row->warnings.len; row->warnings_printed++) {
        put_number(out, row);
        depot_buf_adds(out, "WARN: ");
        dp_put_text(out, &p->base.opts, row->warnings.items[row->warnings_printed]->short_text);
        depot_buf_addc(out, '\n');
    }
    put_logs(p, row);
    p->current = row;
    if (dp_plain_is_completed(row) && !open) {
        p->current = NULL;
        row->count = 0;
        put_end(p, row);
        end_group(p, row);
    }
    row->updated = false;
}

/*
 * "SECONDS " since the step's start: three decimals below 10, two below 100, else one. Rounding of
 * whole nanoseconds agrees with that of the double unless it is a tie; those go the slow way.
 */
static void put_offset(struct depot_buf *out, int64_t ns)
{
    int decimals = ns < 10 * DEPOT_SEC ? 3 : ns < 100 * DEPOT_SEC ? 2 : 1;
    int64_t unit = decimals == 3 ? 1000000 : decimals == 2 ? 10000000 : 100000000;
    char tmp[32], *p = tmp + sizeof(tmp);
    uint64_t v;

    if (ns < 0 || ns % unit == unit / 2) {
        dp_plain_put_fixed(out, dp_plain_seconds(ns), decimals);
        depot_buf_addc(out, ' ');
        return;
    }
    v = ((uint64_t)ns + (uint64_t)unit / 2) / (uint64_t)unit;
    *--p = ' ';
    for (int i = 0; i < decimals; i++, v /= 10)
        *--p = (char)('0' + v % 10);
    *--p = '.';
    do
        *--p = (char)('0' + v % 10);
    while (v /= 10);
    depot_buf_add(out, p, (size_t)(tmp + sizeof(tmp) - p));
}

static void add_line(
    struct dp_plain *p, struct dp_plain_row *row, const uint8_t *text, size_t n, int64_t ns)
{
    if (row->nlines++)
        depot_buf_addc(&row->logs, '\n');
    put_offset(&row->logs, ns);
    if (p->base.opts.sanitize)
        depot_clean_feed(&row->clean, &row->logs, text, n);
    else
        depot_buf_add(&row->logs, text, n);
}

static void extend_line(struct dp_plain *p, struct dp_plain_row *row, const uint8_t *text, size_t n)
{
    if (p->base.opts.sanitize)
        depot_clean_feed(&row->clean, &row->logs, text, n);
    else
        depot_buf_add(&row->logs, text, n);
}

void dp_plain_add_log(
    struct dp_plain *p, struct dp_plain_row *row, const struct depot_vertex_log *log)
{
    const uint8_t *at = log->len ? log->data : (const uint8_t *)"", *end = at + log->len;
    bool join = row->partial && row->nlines;
    int64_t ns = 0;
    size_t n;
    const struct depot_interval *ivals = dp_plain_intervals(row, &n);

    if (n)
        ns = depot_time_between(ivals[n - 1].start, log->timestamp);
    row->partial = true;
    while (at < end) {
        const uint8_t *nl = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((nl != NULL ? nl : end) - at);

        if (join)
            extend_line(p, row, at, len);
        else
            add_line(p, row, at, len, ns);
        if (nl != NULL)
            row->clean = (struct depot_clean){0};
        join = false;
        row->partial = nl == NULL;
        at += len + (nl != NULL);
    }
}

void dp_plain_print_errors(struct dp_plain *p)
{
    struct depot_buf *out = &p->base.out;

    open_group(p);
    for (size_t i = 0; i < p->listed.len; i++) {
        struct dp_plain_row *row = p->listed.items[i];
        const char *error = row_error(row);

        if (error == NULL || is_cancelled(error))
            continue;
        depot_buf_adds(out, "------\n > ");
        put_title(p, row, false);
        depot_buf_adds(out, ":\n");
        if (row->nlines) {
            depot_buf_add(out, row->logs.data, row->logs.len);
            depot_buf_addc(out, '\n');
        }
        for (size_t k = 0; row->ring != NULL && k < DP_PLAIN_RING; k++) {
            size_t slot = (row->ring_at + k) % DP_PLAIN_RING;

            if (!row->ring_used[slot])
                continue;
            depot_buf_add(out, depot_buf_str(&row->ring[slot]), row->ring[slot].len);
            depot_buf_addc(out, '\n');
        }
        depot_buf_adds(out, "------\n");
    }
}
